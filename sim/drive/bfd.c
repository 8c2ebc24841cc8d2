/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BFD over UDP. All sessions of a namespace hear on one socket a family; each speaks from a socket of its own, for its
 * source port is to be its alone (RFC 5881 section 4). */
#include "drive_bfd.h"
#include "drive_int.h"
#include "sockaddr.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <string.h>
#include <unistd.h>

#define SOURCE_PORT_FIRST 49152U
#define SOURCE_PORTS 16384U
#define BATCH 32
/* A control packet's length is one octet. */
#define PAYLOAD_MAX 256
#define CONTROL_ROOM 128
#define TTL 255

struct outlet {
	int fd; /* -1: none */
	struct addr local, remote;
};

struct drive_bfd {
	struct drive *drive;
	struct drive_bfd_conf conf;
	int heard[2]; /* IPv4, IPv6; -1: this kernel has none */
	struct event *readable[2];
	struct event *timer;
	VEC(struct outlet) outlets;  /* by session */
	struct bgp_speaker *speaker; /* whom a failure is told; NULL: nobody */
	struct drive_speaker *speaker_driver;
	unsigned int next_port;
	bool flushing;
};

struct inbox {
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	struct sockaddr_storage senders[BATCH];
	uint8_t payloads[BATCH][PAYLOAD_MAX];
	_Alignas(struct cmsghdr) uint8_t control[BATCH][CONTROL_ROOM];
};

/* ---- Sending ---- */

static int option_set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int outlet_bind(struct drive_bfd *b, int fd, const struct addr *local)
{
	struct sockaddr_storage at;

	for (unsigned int tries = 0; tries < SOURCE_PORTS; tries++) {
		uint16_t port = (uint16_t)(SOURCE_PORT_FIRST + b->next_port);
		socklen_t len = sockaddr_make(local, port, &at);

		b->next_port = (b->next_port + 1) % SOURCE_PORTS;
		if (bind(fd, (struct sockaddr *)&at, len) == 0)
			return 0;
		if (errno != EADDRINUSE)
			return -errno;
	}
	return -EADDRINUSE;
}

static int outlet_open(struct drive_bfd *b, const struct bfd_session_conf *conf)
{
	bool v6 = conf->remote.family == ADDR_V6;
	struct addr local =
		conf->local.family != ADDR_NONE ? conf->local : (struct addr){.family = conf->remote.family};
	struct errmsg err;
	int fd = net_socket(b->conf.ns, v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0, &err);

	if (fd < 0)
		return -1;
	/* What comes here is nobody's. */
	(void)option_set(fd, SOL_SOCKET, SO_RCVBUF, 0);
	(void)option_set(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_TCLASS : IP_TOS, IPTOS_CLASS_CS6);
	if (option_set(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_UNICAST_HOPS : IP_TTL, TTL) < 0 ||
	    outlet_bind(b, fd, &local) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The session's socket; another session may have had its number before. */
static int outlet_of(struct drive_bfd *b, bfd_session_id session)
{
	const struct bfd_session_conf *conf = bfd_session_conf(b->conf.engine, session);
	struct outlet *o;

	while (b->outlets.len <= session)
		VEC_PUSH(&b->outlets, (struct outlet){.fd = -1});
	o = &b->outlets.at[session];
	if (o->fd >= 0 && addr_equal(&o->local, &conf->local) && addr_equal(&o->remote, &conf->remote))
		return o->fd;
	if (o->fd >= 0)
		close(o->fd);
	*o = (struct outlet){.fd = outlet_open(b, conf), .local = conf->local, .remote = conf->remote};
	return o->fd;
}

static void packet_send(struct drive_bfd *b, const struct bfd_output *o)
{
	int fd = outlet_of(b, o->session);
	struct sockaddr_storage to;
	socklen_t len = sockaddr_make(&bfd_session_conf(b->conf.engine, o->session)->remote, WIRE_BFD_PORT, &to);

	/* A packet that can't be sent is a lost one: the other side counts it as that. */
	if (fd >= 0)
		(void)sendto(fd, o->bytes, o->len, MSG_DONTWAIT, (struct sockaddr *)&to, len);
}

static void timer_set(struct drive_bfd *b)
{
	struct instant due = bfd_deadline(b->conf.engine);
	struct timeval tv = drive_until(b->drive, due);

	if (due.ns != INSTANT_NEVER.ns)
		event_add(b->timer, &tv);
	else
		event_del(b->timer);
}

void drive_bfd_protect(struct drive_bfd *b, struct bgp_speaker *engine, struct drive_speaker *driver)
{
	b->speaker = engine;
	b->speaker_driver = driver;
}

static void change_tell(struct drive_bfd *b, const struct bfd_output *o)
{
	bgp_peer_id peer;

	if (b->conf.change != NULL)
		b->conf.change(b->conf.ctx, o);
	if (!o->failure || b->speaker == NULL ||
	    !bgp_peer_find(b->speaker, &bfd_session_conf(b->conf.engine, o->session)->remote, &peer) ||
	    bgp_peer_state(b->speaker, peer) < BGP_OPEN_SENT)
		return;
	bgp_peer_reset(b->speaker, peer, &(struct bgp_cease){.subcode = BGP_CEASE_BFD_DOWN}, drive_now(b->drive));
	drive_speaker_flush(b->speaker_driver);
}

void drive_bfd_flush(struct drive_bfd *b)
{
	const struct bfd_output *queued;
	size_t n;

	if (b->flushing) /* from within a callback: what it queued is handed out below */
		return;
	b->flushing = true;
	queued = bfd_outputs(b->conf.engine, &n);
	for (size_t i = 0; i < n; i++) {
		struct bfd_output o = queued[i];

		if (o.kind == BFD_OUT_SEND)
			packet_send(b, &o);
		else if (o.kind == BFD_OUT_STATE)
			change_tell(b, &o);
		queued = bfd_outputs(b->conf.engine, &n); /* a callback may have added some */
	}
	bfd_outputs_clear(b->conf.engine);
	b->flushing = false;
	timer_set(b);
}

/* ---- Receiving ---- */

static struct bfd_arrival arrival_of(struct msghdr *m)
{
	struct bfd_arrival from = {.remote = sockaddr_addr(m->msg_name)};
	struct in_pktinfo v4;
	struct in6_pktinfo v6;
	int ttl = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			memcpy(&v4, CMSG_DATA(c), sizeof(v4));
			from.local = addr_v4(ntohl(v4.ipi_addr.s_addr));
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&v6, CMSG_DATA(c), sizeof(v6));
			from.local = addr_from_bytes(ADDR_V6, v6.ipi6_addr.s6_addr);
		} else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
			   (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT)) {
			memcpy(&ttl, CMSG_DATA(c), sizeof(ttl));
		}
	}
	from.ttl = (uint8_t)ttl;
	return from;
}

/* One batch. True when there may be more. */
static bool batch_take(struct drive_bfd *b, int fd, struct inbox *in)
{
	struct instant now;
	int n;

	for (size_t i = 0; i < BATCH; i++) {
		in->parts[i] = (struct iovec){in->payloads[i], PAYLOAD_MAX};
		in->messages[i].msg_hdr = (struct msghdr){.msg_name = &in->senders[i],
							  .msg_namelen = sizeof(in->senders[i]),
							  .msg_iov = &in->parts[i],
							  .msg_iovlen = 1,
							  .msg_control = in->control[i],
							  .msg_controllen = CONTROL_ROOM};
	}
	n = recvmmsg(fd, in->messages, BATCH, MSG_DONTWAIT, NULL);
	now = drive_now(b->drive);
	for (int i = 0; i < n; i++) {
		struct bfd_arrival from = arrival_of(&in->messages[i].msg_hdr);

		(void)bfd_in_packet(b->conf.engine, &from, in->payloads[i], in->messages[i].msg_len, now);
	}
	return n == BATCH;
}

/* A flood may not keep us here: the rest is read the next time. */
static void take(struct drive_bfd *b)
{
	struct inbox in;

	for (size_t i = 0; i < 2; i++) {
		if (b->heard[i] < 0)
			continue;
		for (unsigned int batches = 0; batches < 64 && batch_take(b, b->heard[i], &in); batches++)
			drive_bfd_flush(b);
	}
	drive_bfd_flush(b);
}

static void on_packets(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	take(ctx);
}

/* What has come is heard before anybody is called silent: we may be late ourselves. */
static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct drive_bfd *b = ctx;

	(void)fd;
	(void)what;
	take(b);
	bfd_in_time(b->conf.engine, drive_now(b->drive));
	drive_bfd_flush(b);
}

/* ---- Making ---- */

static int ear_open(struct drive_bfd *b, bool v6, struct errmsg *err)
{
	struct addr any = {.family = v6 ? ADDR_V6 : ADDR_V4};
	struct sockaddr_storage at;
	socklen_t len = sockaddr_make(&any, WIRE_BFD_PORT, &at);
	int fd = net_socket(b->conf.ns, v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0, err);
	int r = 0;

	if (fd < 0)
		return fd;
	if (v6) {
		r = option_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
		r = r < 0 ? r : option_set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
		r = r < 0 ? r : option_set(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
	} else {
		r = option_set(fd, IPPROTO_IP, IP_PKTINFO, 1);
		r = r < 0 ? r : option_set(fd, IPPROTO_IP, IP_RECVTTL, 1);
	}
	if (r == 0 && bind(fd, (struct sockaddr *)&at, len) < 0)
		r = -errno;
	if (r < 0) {
		close(fd);
		return errmsg_set(err, r, "%s: BFD on UDP port %u", net_ns_name(b->conf.ns), WIRE_BFD_PORT);
	}
	return fd;
}

static int ear_watch(struct drive_bfd *b, size_t i, struct errmsg *err)
{
	int fd = ear_open(b, i == 1, err);

	if (fd == -EAFNOSUPPORT && i == 1)
		return 0;
	if (fd < 0)
		return fd;
	b->heard[i] = fd;
	b->readable[i] = event_new(b->drive->base, fd, EV_READ | EV_PERSIST, on_packets, b);
	if (b->readable[i] == NULL)
		memory_exhausted();
	event_add(b->readable[i], NULL);
	return 0;
}

int drive_bfd_new(struct drive *d, const struct drive_bfd_conf *conf, struct drive_bfd **ret, struct errmsg *err)
{
	struct drive_bfd *b = memory_new(sizeof(*b));
	int r;

	b->drive = d;
	b->conf = *conf;
	b->heard[0] = b->heard[1] = -1;
	b->timer = evtimer_new(d->base, on_timer, b);
	if (b->timer == NULL)
		memory_exhausted();
	r = ear_watch(b, 0, err);
	if (r == 0)
		r = ear_watch(b, 1, err);
	if (r < 0) {
		drive_bfd_free(b);
		return r;
	}
	drive_bfd_flush(b);
	*ret = b;
	return 0;
}

void drive_bfd_free(struct drive_bfd *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < 2; i++) {
		if (b->readable[i] != NULL)
			event_free(b->readable[i]);
		if (b->heard[i] >= 0)
			close(b->heard[i]);
	}
	for (size_t i = 0; i < b->outlets.len; i++)
		if (b->outlets.at[i].fd >= 0)
			close(b->outlets.at[i].fd);
	VEC_FREE(&b->outlets);
	event_free(b->timer);
	free(b);
}
