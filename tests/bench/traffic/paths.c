/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "paths.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define BATCH 64U
#define RING_FRAME 2048U
#define RING_BLOCK (1U << 16)
#define RING_BLOCKS 16U

/* bypass: without the queueing discipline. */
static int open_packet(const struct path_load *load, bool bypass, struct errmsg *err)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET};
	int fd = net_socket(load->ns, AF_PACKET, SOCK_RAW, 0, err), on = 1;
	unsigned int index = 0;
	uint8_t mac[6];

	if (fd < 0 || net_link_info(load->ns, load->link, mac, &index, err) < 0)
		return -1;
	at.sll_ifindex = (int)index;
	if (bypass)
		setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
	return bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 ? -1 : fd;
}

static bool again(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	return (errno == EAGAIN || errno == ENOBUFS || errno == EINTR) && poll(&p, 1, 1000) >= 0;
}

int path_send(const struct path_load *load, struct errmsg *err)
{
	int fd = open_packet(load, false, err);

	for (uint64_t i = 0; fd >= 0 && i < load->packets; i++) {
		if (send(fd, load->frame->bytes, load->frame->len, 0) < 0 && !again(fd))
			return -errno;
	}
	return fd < 0 ? fd : close(fd);
}

int path_udp(const struct path_load *load, struct errmsg *err)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(80)};
	int fd = net_socket(load->ns, AF_INET, SOCK_DGRAM, 0, err);

	memcpy(&to.sin_addr, load->dst.b, 4);
	for (uint64_t i = 0; fd >= 0 && i < load->packets; i++) {
		if (sendto(fd, load->frame->bytes + load->frame->tag, WIRE_FLOWTAG_LEN, 0, (const struct sockaddr *)&to,
			   sizeof(to)) < 0 &&
		    !again(fd))
			return -errno;
	}
	return fd < 0 ? fd : close(fd);
}

int path_sendmmsg(const struct path_load *load, struct errmsg *err)
{
	int fd = open_packet(load, true, err);
	struct traffic_frame frame = *load->frame;
	struct iovec part = {frame.bytes, frame.len};
	struct mmsghdr messages[BATCH];
	uint64_t sent = 0;

	for (size_t i = 0; i < BATCH; i++)
		messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}};
	while (fd >= 0 && sent < load->packets) {
		int n = sendmmsg(fd, messages, BATCH, 0);

		if (n < 0 && !again(fd))
			return -errno;
		sent += n > 0 ? (uint64_t)n : 0;
	}
	return fd < 0 ? fd : close(fd);
}

/* ---- packet_mmap ---- */

struct ring {
	int fd, version;
	uint8_t *at;
	size_t n, next;
};

static int ring_open(struct ring *r, const struct path_load *load, struct errmsg *err)
{
	size_t size = (size_t)RING_BLOCK * RING_BLOCKS;
	struct tpacket_req3 req = {.tp_block_size = RING_BLOCK,
				   .tp_block_nr = RING_BLOCKS,
				   .tp_frame_size = RING_FRAME,
				   .tp_frame_nr = (unsigned int)(size / RING_FRAME)};
	socklen_t len = r->version == TPACKET_V3 ? sizeof(req) : sizeof(struct tpacket_req);

	r->fd = open_packet(load, true, err);
	if (r->fd < 0 || setsockopt(r->fd, SOL_PACKET, PACKET_VERSION, &r->version, sizeof(r->version)) < 0 ||
	    setsockopt(r->fd, SOL_PACKET, PACKET_TX_RING, &req, len) < 0)
		return -errno;
	r->at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
	r->n = req.tp_frame_nr;
	return r->at == MAP_FAILED ? -errno : 0;
}

static size_t aligned(size_t n)
{
	return (n + TPACKET_ALIGNMENT - 1) / TPACKET_ALIGNMENT * TPACKET_ALIGNMENT;
}

/* The slot's status word, its length's, and where the frame starts. */
static uint32_t *ring_slot(const struct ring *r, uint32_t **ret_len, uint8_t **ret_bytes)
{
	uint8_t *slot = r->at + r->next * RING_FRAME;

	if (r->version == TPACKET_V3) {
		struct tpacket3_hdr *h = (struct tpacket3_hdr *)(void *)slot;

		*ret_len = &h->tp_len;
		*ret_bytes = slot + aligned(sizeof(struct tpacket3_hdr));
		return &h->tp_status;
	}
	*ret_len = &((struct tpacket2_hdr *)(void *)slot)->tp_len;
	*ret_bytes = slot + aligned(sizeof(struct tpacket2_hdr));
	return &((struct tpacket2_hdr *)(void *)slot)->tp_status;
}

static bool ring_put(struct ring *r, const struct traffic_frame *frame)
{
	uint32_t *len, *status;
	uint8_t *bytes;

	status = ring_slot(r, &len, &bytes);
	if (__atomic_load_n(status, __ATOMIC_ACQUIRE) != TP_STATUS_AVAILABLE)
		return false;
	memcpy(bytes, frame->bytes, frame->len);
	*len = (uint32_t)frame->len;
	__atomic_store_n(status, TP_STATUS_SEND_REQUEST, __ATOMIC_RELEASE);
	r->next = (r->next + 1) % r->n;
	return true;
}

static int path_ring(const struct path_load *load, int version, struct errmsg *err)
{
	struct ring r = {.version = version};
	int result = ring_open(&r, load, err);
	uint64_t put = 0;

	if (result < 0)
		return result;
	while (put < load->packets) {
		unsigned int n = 0;

		while (n < BATCH && ring_put(&r, load->frame))
			n++;
		put += n;
		if (send(r.fd, NULL, 0, 0) < 0 && !again(r.fd))
			return -errno;
	}
	munmap(r.at, (size_t)RING_BLOCK * RING_BLOCKS);
	return close(r.fd);
}

int path_ring_v2(const struct path_load *load, struct errmsg *err)
{
	return path_ring(load, TPACKET_V2, err);
}

int path_ring_v3(const struct path_load *load, struct errmsg *err)
{
	return path_ring(load, TPACKET_V3, err);
}

/* ---- AF_XDP ---- */

int path_xdp(const struct path_load *load, struct errmsg *err)
{
	struct traffic_xdp x = {.fd = -1};
	struct iovec parts[TRAFFIC_BATCH];
	unsigned int index = 0;
	uint64_t sent = 0;
	uint8_t mac[6];
	int n = 0;

	if (net_link_info(load->ns, load->link, mac, &index, err) < 0)
		return err->code;
	if (xdp_arena(&x, sizeof(*load->frame)) < 0 || !xdp_open(&x, load->ns, index)) {
		xdp_close(&x);
		return errmsg_say(err, -ENOTSUP, "no AF_XDP here");
	}
	memcpy(x.area, load->frame->bytes, load->frame->len);
	for (size_t i = 0; i < TRAFFIC_BATCH; i++)
		parts[i] = (struct iovec){x.area, load->frame->len};
	while (sent < load->packets && (n >= 0 || n == -EAGAIN)) {
		n = xdp_send(&x, parts, TRAFFIC_BATCH);
		sent += n > 0 ? (uint64_t)n : 0;
	}
	xdp_close(&x);
	return n > 0 ? 0 : n;
}
