/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Crafted flows onto a client's link: frames are written into slots made once, and given to the kernel in batches. */
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

/* A veth's receiving queue holds 1000 packets and drops the rest, so a batch stays well below. */
#define BATCH 64U

struct traffic_sender {
	struct traffic_flows flows;
	struct traffic_draw draw;
	int fd;
	uint64_t next;	/* packet to send: round next / count, flow next % count */
	uint64_t total; /* packets */
	struct traffic_frame frames[BATCH];
	struct iovec parts[BATCH];
	struct mmsghdr messages[BATCH];
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

static int make_frames(struct traffic_sender *s, const uint8_t *mac, const uint8_t *gateway_mac, struct errmsg *err)
{
	struct traffic_tuple first = traffic_draw_at(&s->draw, 0);
	int result = traffic_frame_make(&s->frames[0], s->flows.protocol, mac, gateway_mac, &first, err);

	if (result < 0)
		return result;
	for (size_t i = 0; i < BATCH; i++) {
		s->frames[i] = s->frames[0];
		s->parts[i] = (struct iovec){.iov_base = s->frames[i].bytes, .iov_len = s->frames[i].len};
		s->messages[i].msg_hdr = (struct msghdr){.msg_iov = &s->parts[i], .msg_iovlen = 1};
	}
	return 0;
}

static int prepare(struct traffic_sender *s, struct net_ns *client, const char *link, const uint8_t *gateway_mac,
		   struct errmsg *err)
{
	unsigned int index = 0;
	uint8_t mac[6] = {0};
	int result = traffic_draw_init(&s->draw, &s->flows, err);

	if (result == 0)
		result = net_link_info(client, link, mac, &index, err);
	if (result == 0)
		result = make_frames(s, mac, gateway_mac, err);
	if (result < 0)
		return result;
	s->fd = open_socket(client, index, err);
	return s->fd < 0 ? s->fd : 0;
}

int traffic_sender_new(struct net_ns *client, const char *link, const uint8_t gateway_mac[6],
		       const struct traffic_flows *flows, struct traffic_sender **ret, struct errmsg *err)
{
	struct traffic_sender *s = memory_new(sizeof(*s));
	int result;

	s->fd = -1;
	s->flows = *flows;
	s->total = (uint64_t)flows->count * flows->packets;
	result = prepare(s, client, link, gateway_mac, err);
	if (result < 0) {
		traffic_sender_free(s);
		return errmsg_context(err, "flows");
	}
	*ret = s;
	return 0;
}

static void fill(struct traffic_sender *s, size_t slot, uint64_t packet)
{
	uint64_t flow = packet % s->flows.count;
	struct traffic_tuple tuple = traffic_draw_at(&s->draw, flow);
	struct wire_flowtag tag = {.run = s->flows.run,
				   .flow = (uint32_t)flow,
				   .seq = (uint32_t)(packet / s->flows.count),
				   .sent_ns = wall_ns()};

	traffic_frame_set(&s->frames[slot], &tuple, &tag);
}

/* The packets that the kernel took, or -errno when it took none. */
static int send_batch(struct traffic_sender *s, unsigned int n)
{
	int sent;

	for (unsigned int i = 0; i < n; i++)
		fill(s, i, s->next + i);
	do {
		sent = sendmmsg(s->fd, s->messages, n, MSG_DONTWAIT);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return errno == ENOBUFS || errno == EWOULDBLOCK ? -EAGAIN : -errno;
	s->next += (uint64_t)sent;
	return sent;
}

int traffic_sender_send(struct traffic_sender *s, unsigned int max, struct errmsg *err)
{
	unsigned int done = 0;

	assert(max > 0);
	while (done < max && s->next < s->total) {
		uint64_t left = s->total - s->next;
		unsigned int room = max - done < BATCH ? max - done : BATCH;
		unsigned int n = left < room ? (unsigned int)left : room;
		int sent = send_batch(s, n);

		if (sent < 0)
			return done > 0 ? (int)done : errmsg_set(err, sent, "sending flows");
		done += (unsigned int)sent;
		if ((unsigned int)sent < n)
			break;
	}
	return (int)done;
}

void traffic_sender_free(struct traffic_sender *s)
{
	if (s == NULL)
		return;
	if (s->fd >= 0)
		close(s->fd);
	free(s);
}
