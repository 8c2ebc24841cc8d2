/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A BGP engine over TCP: its outputs become socket calls, what sockets say becomes its events. */
#include "drive_int.h"
#include "guard.h"
#include "sockaddr.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>

#define LISTEN_BACKLOG 4096
#define READ_CHUNK 65536
#define PUSH_AT 131072		   /* octets that are written before the end of the event that they belong to */
#define CLOSING_NS (10 * NS_PER_S) /* for the last bytes to a peer that does not read */

/* One TCP connection of the speaker. */
struct link {
	struct drive_speaker *speaker;
	bgp_conn_id conn;
	int fd;
	struct event *read;
	struct event *write;
	struct event *stuck;	  /* pending does not shrink (RFC 9687) */
	struct evbuffer *pending; /* handed out by the engine, not yet taken by the kernel */
	bool connecting;
	bool turn;	/* others wait for this dial to come to something */
	uint64_t round; /* in which it began */
	bool unsent;	/* the conn is on the speaker's list */
	bool hopeless;	/* the peer does not read any more */
	bool closing;	/* the engine forgot it; only the rest of pending goes out */
};

struct drive_speaker {
	struct drive *drive;
	struct drive_speaker_conf conf;
	int listener;
	struct event *accept;
	struct event *timer;
	VEC(struct link *) links;
	VEC(bgp_conn_id) unsent; /* with pending bytes of the event at hand */
	bool flushing;
	struct routes routes;
};

static void on_readable(evutil_socket_t fd, short what, void *ctx);
static void on_writable(evutil_socket_t fd, short what, void *ctx);
static void on_stuck(evutil_socket_t fd, short what, void *ctx);

/* The place of a connection among the links, which ascend by it. */
static size_t link_place(const struct drive_speaker *s, bgp_conn_id conn)
{
	size_t low = 0, high = s->links.len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->links.at[middle]->conn < conn)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void link_insert(struct drive_speaker *s, struct link *l)
{
	size_t at = link_place(s, l->conn);

	VEC_PUSH(&s->links, l);
	memmove(&s->links.at[at + 1], &s->links.at[at], (s->links.len - 1 - at) * sizeof(*s->links.at));
	s->links.at[at] = l;
}

static void turn_over(struct link *l)
{
	if (l->turn)
		pace_done(l->speaker->drive, l->round);
	l->turn = false;
}

static struct link *link_new(struct drive_speaker *s, int fd, bgp_conn_id conn)
{
	struct link *l = memory_new(sizeof(*l));
	int one = 1;

	l->speaker = s;
	l->conn = conn;
	l->fd = fd;
	l->pending = evbuffer_new();
	l->read = event_new(s->drive->base, fd, EV_READ | EV_PERSIST, on_readable, l);
	l->write = event_new(s->drive->base, fd, EV_WRITE, on_writable, l);
	l->stuck = evtimer_new(s->drive->base, on_stuck, l);
	if (l->pending == NULL || l->read == NULL || l->write == NULL || l->stuck == NULL)
		memory_exhausted();
	/* BGP messages are written whole; waiting for an acknowledgement before a small one only delays convergence. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	link_insert(s, l);
	return l;
}

static void link_free(struct link *l)
{
	struct drive_speaker *s = l->speaker;
	size_t at = link_place(s, l->conn);

	turn_over(l);
	memmove(&s->links.at[at], &s->links.at[at + 1], (--s->links.len - at) * sizeof(*s->links.at));
	event_free(l->read);
	event_free(l->write);
	event_free(l->stuck);
	evbuffer_free(l->pending);
	close(l->fd);
	free(l);
}

static struct link *link_find(const struct drive_speaker *s, bgp_conn_id conn)
{
	size_t at = link_place(s, conn);

	return at < s->links.len && s->links.at[at]->conn == conn && !s->links.at[at]->closing ? s->links.at[at] : NULL;
}

/* Time without progress ends the connection; progress gives it anew. */
static void stuck_watch(struct link *l, bool progress)
{
	struct drive_speaker *s = l->speaker;
	int64_t ns = l->closing ? CLOSING_NS : bgp_send_hold_ns(s->conf.engine, l->conn);
	struct timeval tv;

	if (evtimer_pending(l->stuck, NULL) && !progress)
		return;
	event_del(l->stuck);
	if (ns == INT64_MAX)
		return;
	tv = drive_until(s->drive, instant_add(drive_now(s->drive), ns));
	event_add(l->stuck, &tv);
}

/* Writes what the kernel takes. False when the connection broke. */
static bool link_push(struct link *l)
{
	size_t before = evbuffer_get_length(l->pending);

	if (l->connecting)
		return true;
	while (evbuffer_get_length(l->pending) > 0) {
		int n = evbuffer_write(l->pending, l->fd);

		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			event_add(l->write, NULL);
			stuck_watch(l, evbuffer_get_length(l->pending) < before);
			return true;
		}
		if (n < 0)
			return false;
	}
	event_del(l->stuck);
	return true;
}

/* The engine learns of a broken connection only from here, never in the middle of its own outputs. */
static void link_broken(struct link *l)
{
	struct drive_speaker *s = l->speaker;
	bgp_conn_id conn = l->conn;
	bool told = l->closing, connecting = l->connecting;

	link_free(l);
	if (told)
		return;
	if (connecting)
		bgp_in_failed(s->conf.engine, conn, drive_now(s->drive));
	else
		bgp_in_closed(s->conf.engine, conn, drive_now(s->drive));
	drive_speaker_flush(s);
}

/* Nothing of what is left will go out: the connection is reset. */
static void link_abort(struct link *l)
{
	struct linger at_once = {.l_onoff = 1};

	(void)setsockopt(l->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	link_free(l);
}

static void on_stuck(evutil_socket_t fd, short what, void *ctx)
{
	struct link *l = ctx;
	struct drive_speaker *s = l->speaker;
	bgp_conn_id conn = l->conn;

	(void)fd;
	(void)what;
	if (l->closing) {
		link_abort(l);
		return;
	}
	l->hopeless = true;
	bgp_in_send_hold(s->conf.engine, conn, drive_now(s->drive));
	drive_speaker_flush(s);
}

static void link_established(struct link *l)
{
	struct drive_speaker *s = l->speaker;
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int error = 0;
	socklen_t error_len = sizeof(error);
	struct addr local;

	if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &error_len) < 0 || error != 0 ||
	    getsockname(l->fd, (struct sockaddr *)&ss, &len) < 0) {
		link_broken(l);
		return;
	}
	l->connecting = false;
	local = sockaddr_addr(&ss);
	event_add(l->read, NULL);
	bgp_in_connected(s->conf.engine, l->conn, &local, drive_now(s->drive));
	drive_speaker_flush(s);
}

static void on_writable(evutil_socket_t fd, short what, void *ctx)
{
	struct link *l = ctx;

	(void)fd;
	(void)what;
	if (l->connecting) {
		link_established(l);
	} else if (!link_push(l)) {
		link_broken(l);
	} else if (l->closing && evbuffer_get_length(l->pending) == 0) {
		link_free(l);
	}
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct link *l = ctx;
	struct drive_speaker *s = l->speaker;
	static const size_t room = READ_CHUNK;
	uint8_t bytes[READ_CHUNK];
	ssize_t n = recv(fd, bytes, room, 0);

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		link_broken(l);
		return;
	}
	turn_over(l);
	if (l->closing)
		return;
	bgp_in_bytes(s->conf.engine, l->conn, bytes, (size_t)n, drive_now(s->drive));
	drive_speaker_flush(s);
}

static struct drive_guard guard_of(const struct drive_speaker *s, bgp_peer_id peer)
{
	return peer < s->conf.guard_count ? s->conf.guards[peer] : (struct drive_guard){0};
}

/* A dial that is over at once. */
static void dial_failed(struct drive_speaker *s, bgp_conn_id conn, struct link *l)
{
	if (l != NULL)
		link_free(l);
	else
		pace_done(s->drive, s->drive->round);
	bgp_in_failed(s->conf.engine, conn, drive_now(s->drive));
	drive_speaker_flush(s);
}

static void dial_now(struct drive_speaker *s, bgp_peer_id peer, bgp_conn_id conn)
{
	struct addr remote = {0}, source = {0};
	struct sockaddr_storage ss;
	socklen_t len;
	struct errmsg err;
	uint16_t port = WIRE_BGP_PORT;
	struct drive_guard g;
	struct link *l;
	int fd;

	s->conf.ops->dial(s->conf.ctx, peer, &remote, &port, &source);
	g = guard_of(s, peer);
	fd = net_socket(s->conf.ns, remote.family == ADDR_V6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0, &err);
	if (fd < 0) {
		dial_failed(s, conn, NULL);
		return;
	}
	l = link_new(s, fd, conn);
	l->connecting = l->turn = true;
	l->round = s->drive->round;
	event_add(l->write, NULL);
	len = sockaddr_make(&source, 0, &ss);
	if (guard_connection(fd, &g, &remote) < 0 ||
	    (source.family != ADDR_NONE && bind(fd, (struct sockaddr *)&ss, len) < 0)) {
		dial_failed(s, conn, l);
		return;
	}
	len = sockaddr_make(&remote, port, &ss);
	if (connect(fd, (struct sockaddr *)&ss, len) < 0 && errno != EINPROGRESS)
		dial_failed(s, conn, l);
}

static void close_orderly(struct link *l)
{
	l->closing = true;
	if (l->hopeless) {
		link_abort(l);
		return;
	}
	event_del(l->stuck);
	if (!link_push(l) || evbuffer_get_length(l->pending) == 0)
		link_free(l);
}

/* What an event lets us say goes out at its end, in as few writes as that takes. A break shows as a readable event too;
 * the engine hears of it then. */
static void push_soon(struct link *l)
{
	if (evbuffer_get_length(l->pending) >= PUSH_AT)
		(void)link_push(l);
	else if (!l->unsent)
		VEC_PUSH(&l->speaker->unsent, l->conn);
	l->unsent = true;
}

static void push_all(struct drive_speaker *s)
{
	for (size_t i = 0; i < s->unsent.len; i++) {
		struct link *l = link_find(s, s->unsent.at[i]);

		if (l == NULL)
			continue;
		l->unsent = false;
		(void)link_push(l);
	}
	VEC_CLEAR(&s->unsent);
}

static void output_do(struct drive_speaker *s, const struct bgp_output *out)
{
	struct link *l = link_find(s, out->conn);

	switch (out->kind) {
	case BGP_OUT_CONNECT:
		pace_dial(s->drive, &(struct dial){s, out->peer, out->conn, dial_now});
		break;
	case BGP_OUT_SEND:
		if (l != NULL) {
			evbuffer_add(l->pending, out->bytes, out->len);
			push_soon(l);
		}
		break;
	case BGP_OUT_CLOSE:
		if (l != NULL)
			close_orderly(l);
		else
			pace_forget(s->drive, s, &out->conn);
		break;
	case BGP_OUT_ROUTE:
		routes_put(&s->routes, out);
		break;
	case BGP_OUT_NOTICE:
		if (s->conf.ops->notice != NULL)
			s->conf.ops->notice(s->conf.ctx, out);
		break;
	}
}

static void timer_set(struct drive_speaker *s)
{
	struct instant due = bgp_deadline(s->conf.engine);
	struct timeval tv = drive_until(s->drive, due);

	event_del(s->timer);
	if (due.ns != INSTANT_NEVER.ns)
		event_add(s->timer, &tv);
}

void drive_speaker_flush(struct drive_speaker *s)
{
	size_t done = 0, n;

	if (s->flushing)
		return;
	s->flushing = true;
	/* Doing an output may make the engine add more (a dial that fails at once): go on until none is left. */
	for (;;) {
		const struct bgp_output *outs = bgp_outputs(s->conf.engine, &n);

		if (done >= n)
			break;
		struct bgp_output out = outs[done++];

		output_do(s, &out);
	}
	push_all(s);
	bgp_outputs_clear(s->conf.engine);
	routes_soon(&s->routes);
	s->flushing = false;
	timer_set(s);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct drive_speaker *s = ctx;

	(void)fd;
	(void)what;
	bgp_in_time(s->conf.engine, drive_now(s->drive));
	drive_speaker_flush(s);
}

/* A word why, as far as the socket takes it at once (RFC 4486 section 4). */
static void reject(struct drive_speaker *s, int fd)
{
	size_t n;
	const uint8_t *message = bgp_rejection(s->conf.engine, &n);

	if (n > 0)
		(void)!send(fd, message, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

static void accept_one(struct drive_speaker *s, int fd, const struct sockaddr_storage *peer)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct addr local = {0}, remote = sockaddr_addr(peer);
	struct drive_guard g;
	bgp_peer_id peer_id;
	bgp_conn_id conn;

	if (getsockname(fd, (struct sockaddr *)&ss, &len) == 0)
		local = sockaddr_addr(&ss);
	/* The first bytes can't be missed: the descriptor is watched before anything else runs. */
	if (!bgp_in_accepted(s->conf.engine, &local, &remote, drive_now(s->drive), &conn)) {
		reject(s, fd);
		return;
	}
	if (bgp_peer_find(s->conf.engine, &remote, &peer_id)) {
		g = guard_of(s, peer_id);
		(void)guard_connection(fd, &g, &remote);
	}
	event_add(link_new(s, fd, conn)->read, NULL);
	drive_speaker_flush(s);
}

static void on_accept(evutil_socket_t fd, short what, void *ctx)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	int accepted;

	(void)what;
	while ((accepted = accept4(fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		accept_one(ctx, accepted, &peer);
		len = sizeof(peer);
	}
}

/* A dial's failure has no words; what it would fail of is tried before. */
static int guard_try(const struct drive_speaker *s, bgp_peer_id peer, struct errmsg *err)
{
	struct addr remote = bgp_peer_conf(s->conf.engine, peer)->remote;
	const struct drive_guard *g = &s->conf.guards[peer];
	int fd, r = guard_check(g);

	if (r < 0)
		return errmsg_say(err, r, "%s: a TCP-MD5 password has at most 80 octets", net_ns_name(s->conf.ns));
	fd = net_socket(s->conf.ns, remote.family == ADDR_V6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0, err);
	if (fd < 0)
		return fd;
	r = guard_connection(fd, g, &remote);
	close(fd);
	return r < 0 ? errmsg_set(err, r, "%s: TCP-MD5 or TTL security", net_ns_name(s->conf.ns)) : 0;
}

static int guards_try(const struct drive_speaker *s, struct errmsg *err)
{
	int r = 0;

	for (bgp_peer_id i = 0; r == 0 && i < s->conf.guard_count && i < bgp_peer_count(s->conf.engine); i++)
		r = guard_try(s, i, err);
	return r;
}

static int listener_guard(struct drive_speaker *s, struct errmsg *err)
{
	int r = guard_listener(s->listener, s->conf.guards, s->conf.guard_count, s->conf.listen_address.family);

	for (bgp_peer_id i = 0; r == 0 && i < s->conf.guard_count && i < bgp_peer_count(s->conf.engine); i++)
		r = guard_listener_add(s->listener, &s->conf.guards[i], &bgp_peer_conf(s->conf.engine, i)->remote);
	return r < 0 ? errmsg_set(err, r, "%s: TCP-MD5 or TTL security", net_ns_name(s->conf.ns)) : 0;
}

static int listen_start(struct drive_speaker *s, struct errmsg *err)
{
	struct sockaddr_storage ss;
	socklen_t len = sockaddr_make(&s->conf.listen_address, WIRE_BGP_PORT, &ss);
	int one = 1, r;

	s->listener = net_socket(s->conf.ns, ss.ss_family, SOCK_STREAM, 0, err);
	if (s->listener < 0)
		return s->listener;
	(void)setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	r = listener_guard(s, err);
	if (r < 0)
		return r;
	if (bind(s->listener, (struct sockaddr *)&ss, len) < 0 || listen(s->listener, LISTEN_BACKLOG) < 0)
		return errmsg_set(err, -errno, "%s: listen on port %u", net_ns_name(s->conf.ns), WIRE_BGP_PORT);
	s->accept = event_new(s->drive->base, s->listener, EV_READ | EV_PERSIST, on_accept, s);
	if (s->accept == NULL)
		memory_exhausted();
	event_add(s->accept, NULL);
	return 0;
}

int drive_speaker_new(struct drive *d, const struct drive_speaker_conf *conf, struct drive_speaker **ret,
		      struct errmsg *err)
{
	struct drive_speaker *s = memory_new(sizeof(*s));
	int r;

	s->drive = d;
	s->conf = *conf;
	s->listener = -1;
	s->timer = evtimer_new(d->base, on_timer, s);
	if (s->timer == NULL)
		memory_exhausted();
	routes_init(&s->routes, d, conf->ops, conf->ctx);
	r = guards_try(s, err);
	if (r == 0 && conf->listens)
		r = listen_start(s, err);
	if (r < 0) {
		drive_speaker_free(s);
		return r;
	}
	for (bgp_peer_id peer = 0; peer < bgp_peer_count(conf->engine); peer++)
		bgp_peer_start(conf->engine, peer, drive_now(d));
	drive_speaker_flush(s);
	*ret = s;
	return 0;
}

void drive_speaker_unplug(struct drive_speaker *s)
{
	int on = TCP_REPAIR_ON;

	/* Linux closes a connection in repair without a word. */
	for (size_t i = 0; i < s->links.len; i++)
		(void)setsockopt(s->links.at[i]->fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on));
}

void drive_speaker_free(struct drive_speaker *s)
{
	if (s == NULL)
		return;
	pace_forget(s->drive, s, NULL);
	routes_tell(&s->routes); /* the kernel's routes stay, and are to be those of the loc-rib */
	while (s->links.len > 0)
		link_free(s->links.at[0]);
	if (s->accept != NULL)
		event_free(s->accept);
	if (s->listener >= 0)
		close(s->listener);
	event_free(s->timer);
	routes_fini(&s->routes);
	VEC_FREE(&s->links);
	VEC_FREE(&s->unsent);
	free(s);
}
