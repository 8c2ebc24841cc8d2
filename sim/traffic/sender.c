/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Crafted flows onto a client's link: frames are written into slots made once, and given to the kernel in batches: through
 * AF_XDP, or where that can't be had by sendmmsg on a packet socket. */
#include "traffic_int.h"

#include "arena.h"

#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <sys/socket.h>

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Packets go in rounds, each with one of every flow that has one left; flows with more come first. */
struct cursor {
	uint32_t round, flow;
	uint32_t active; /* flows of this round */
};

struct traffic_sender {
	struct traffic_flows flows;
	struct traffic_draw draw;
	uint32_t *sizes;	 /* NULL: all the same */
	struct traffic_xdp xdp;	 /* its memory has the frames */
	int fd;			 /* the packet socket, -1 where xdp is open */
	unsigned int parts_each; /* frames of a packet */
	struct cursor next;
	uint64_t sent, total; /* frames */
	struct traffic_frame templates[TRAFFIC_PROTOCOLS][2];
	struct traffic_frame *frames; /* TRAFFIC_BATCH of them */
	struct iovec parts[TRAFFIC_BATCH];
	struct mmsghdr messages[TRAFFIC_BATCH];
	unsigned int filled, gone; /* of the messages */
};

static uint64_t wall_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * (uint64_t)NS_PER_S + (uint64_t)t.tv_nsec;
}

/* Protocol 0: the socket sends and never receives. Without the queueing discipline there is none to be full. */
static int open_socket(struct net_ns *client, unsigned int index, struct errmsg *err)
{
	struct sockaddr_ll link = {.sll_family = AF_PACKET, .sll_ifindex = (int)index};
	int on = 1;
	int fd = net_socket(client, AF_PACKET, SOCK_RAW, 0, err);

	if (fd < 0)
		return fd;
	if (bind(fd, (const struct sockaddr *)&link, sizeof(link)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) < 0) {
		int result = errmsg_set(err, -errno, "packet socket on interface %u", index);

		close(fd);
		return result;
	}
	return fd;
}

static int make_template(struct traffic_sender *s, const struct traffic_macs *macs, enum traffic_protocol protocol,
			 struct errmsg *err)
{
	struct traffic_tuple first = traffic_draw_at(&s->draw, 0);

	first.protocol = protocol;
	if (s->flows.fragments)
		return traffic_fragments_make(s->templates[protocol], macs, &first, err);
	return traffic_frame_make(&s->templates[protocol][0], macs, &first, err);
}

static int make_frames(struct traffic_sender *s, const struct traffic_macs *macs, struct errmsg *err)
{
	int result = xdp_arena(&s->xdp, TRAFFIC_BATCH * sizeof(*s->frames));

	if (result < 0)
		return errmsg_set(err, result, "memory for frames");
	s->frames = (struct traffic_frame *)(void *)s->xdp.area;
	for (unsigned int p = 0; result == 0 && p < TRAFFIC_PROTOCOLS && s->flows.count > 0; p++)
		result = make_template(s, macs, (enum traffic_protocol)p, err);
	for (size_t i = 0; i < TRAFFIC_BATCH; i++) {
		s->frames[i] = s->templates[s->flows.protocol][i % s->parts_each];
		s->parts[i] = (struct iovec){.iov_base = s->frames[i].bytes, .iov_len = s->frames[i].len};
		s->messages[i].msg_hdr = (struct msghdr){.msg_iov = &s->parts[i], .msg_iovlen = 1};
	}
	return result;
}

static int prepare(struct traffic_sender *s, struct net_ns *client, const char *link, const uint8_t *gateway_mac,
		   struct errmsg *err)
{
	unsigned int index = 0;
	struct traffic_macs macs = {{0}, {0}};
	int result = traffic_draw_init(&s->draw, &s->flows, err);

	memcpy(macs.gateway, gateway_mac, sizeof(macs.gateway));
	if (result == 0)
		result = traffic_sizes_make(&s->flows, &s->sizes, err);
	if (result == 0)
		result = net_link_info(client, link, macs.own, &index, err);
	if (result == 0)
		result = make_frames(s, &macs, err);
	if (result < 0 || xdp_open(&s->xdp, client, index))
		return result;
	s->fd = open_socket(client, index, err);
	return s->fd < 0 ? s->fd : 0;
}

int traffic_sender_new(struct net_ns *client, const char *link, const uint8_t gateway_mac[6],
		       const struct traffic_flows *flows, struct traffic_sender **ret, struct errmsg *err)
{
	struct traffic_sender *s = memory_new(sizeof(*s));
	int result;

	s->fd = s->xdp.fd = -1;
	s->flows = *flows;
	s->parts_each = flows->fragments ? 2 : 1;
	s->total = (uint64_t)flows->count * flows->packets * s->parts_each;
	s->next.active = flows->count;
	result = prepare(s, client, link, gateway_mac, err);
	if (result < 0) {
		traffic_sender_free(s);
		return errmsg_context(err, "flows");
	}
	*ret = s;
	return 0;
}

static void advance(struct traffic_sender *s)
{
	struct cursor *c = &s->next;

	if (++c->flow < c->active)
		return;
	c->flow = 0;
	c->round++;
	while (s->sizes != NULL && c->active > 0 && s->sizes[c->active - 1] <= c->round)
		c->active--;
}

/* Writes the next packet into the slots from `slot` on. */
static void fill(struct traffic_sender *s, size_t slot)
{
	struct traffic_frame *f = &s->frames[slot];
	struct traffic_tuple tuple = traffic_draw_at(&s->draw, s->next.flow);
	struct wire_flowtag tag = {
		.run = s->flows.run, .flow = s->next.flow, .seq = s->next.round, .sent_ns = wall_ns()};

	for (unsigned int i = 0; f->protocol != tuple.protocol && i < s->parts_each; i++) {
		f[i] = s->templates[tuple.protocol][i];
		s->parts[slot + i].iov_len = f[i].len;
	}
	if (s->flows.fragments)
		traffic_fragments_set(f, &tuple, &tag);
	else
		traffic_frame_set(f, &tuple, &tag);
	advance(s);
}

/* Fills as many slots as there are whole packets for. */
static void refill(struct traffic_sender *s, unsigned int room)
{
	uint64_t left = s->total - s->sent;
	unsigned int n = room < TRAFFIC_BATCH ? room : TRAFFIC_BATCH;

	n = left < n ? (unsigned int)left : n;
	n = n < s->parts_each ? s->parts_each : n - n % s->parts_each;
	for (unsigned int i = 0; i < n; i += s->parts_each)
		fill(s, i);
	s->filled = n;
	s->gone = 0;
}

static int send_messages(struct traffic_sender *s, unsigned int n)
{
	int sent;

	do {
		sent = sendmmsg(s->fd, s->messages + s->gone, n, MSG_DONTWAIT);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return errno == ENOBUFS || errno == EWOULDBLOCK ? -EAGAIN : -errno;
	return sent;
}

/* What the kernel took of up to max frames, or -errno when it took none. */
static int send_batch(struct traffic_sender *s, unsigned int max)
{
	unsigned int n;
	int sent;

	if (s->gone == s->filled)
		refill(s, max);
	n = s->filled - s->gone < max ? s->filled - s->gone : max;
	if (s->xdp.fd >= 0)
		sent = xdp_send(&s->xdp, s->parts + s->gone, n);
	else
		sent = send_messages(s, n);
	if (sent < 0)
		return sent;
	s->gone += (unsigned int)sent;
	s->sent += (unsigned int)sent;
	return sent;
}

int traffic_sender_send(struct traffic_sender *s, unsigned int max, struct errmsg *err)
{
	unsigned int done = 0;

	assert(max > 0);
	while (done < max && s->sent < s->total) {
		int sent = send_batch(s, max - done);

		if (sent < 0)
			return done > 0 ? (int)done : errmsg_set(err, sent, "sending flows");
		done += (unsigned int)sent;
		if (s->gone < s->filled)
			break;
	}
	return (int)done;
}

uint64_t traffic_sender_total(const struct traffic_sender *s)
{
	return s->total;
}

const uint32_t *traffic_sender_sizes(const struct traffic_sender *s)
{
	return s->sizes;
}

static uint64_t burst_of(const struct traffic_sender *s)
{
	return s->flows.burst > 0 ? s->flows.burst : 1;
}

unsigned int traffic_sender_ready(const struct traffic_sender *s, int64_t elapsed_ns, unsigned int max)
{
	uint64_t bursts, allowed;

	if (s->flows.rate == 0 || s->sent >= s->total)
		return max;
	/* seconds apart, so that a long run does not overflow */
	bursts = (uint64_t)(elapsed_ns / NS_PER_S) * s->flows.rate +
		 (uint64_t)(elapsed_ns % NS_PER_S) * s->flows.rate / (uint64_t)NS_PER_S;
	allowed = (bursts / burst_of(s) + 1) * burst_of(s);
	if (allowed <= s->sent)
		return 0;
	return allowed - s->sent < max ? (unsigned int)(allowed - s->sent) : max;
}

int64_t traffic_sender_due(const struct traffic_sender *s)
{
	uint64_t first = s->sent / burst_of(s) * burst_of(s), rate = s->flows.rate, left;

	if (rate == 0)
		return 0;
	left = first % rate * (uint64_t)NS_PER_S;
	return (int64_t)(first / rate * (uint64_t)NS_PER_S + (left + rate - 1) / rate);
}

void traffic_sender_free(struct traffic_sender *s)
{
	if (s == NULL)
		return;
	if (s->fd >= 0)
		close(s->fd);
	xdp_close(&s->xdp);
	free(s->sizes);
	free(s);
}
