/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pure parts of traffic: which flows there are, and their frames. */
#ifndef ECMPLAB_TRAFFIC_INT_H
#define ECMPLAB_TRAFFIC_INT_H

#include "traffic.h"
#include "wire.h"

#define TRAFFIC_DRAW_ROUNDS 6

/* The varied fields as one number below `total`, in an order that the seed decides: nothing is remembered, and no
 * number comes twice. */
struct traffic_draw {
	const struct traffic_flows *flows; /* kept: must outlive the draw */
	struct addr first_src, first_dst;
	uint64_t src_addrs, dst_addrs, src_ports, dst_ports, labels, protocols; /* how many of each */
	uint64_t total;
	unsigned int half_bits;
	uint64_t keys[TRAFFIC_DRAW_ROUNDS];
};

/* -EINVAL for flows that make no sense, -ERANGE when the varied fields give too few; in words. */
int traffic_draw_init(struct traffic_draw *d, const struct traffic_flows *keep_flows, struct errmsg *err);
/* The fields of flow 0 .. total-1. */
struct traffic_tuple traffic_draw_at(const struct traffic_draw *d, uint64_t flow);

/* How many packets each flow has, in falling order; *ret is NULL where all have the same, and the caller frees it. The sum is
 * count * packets. -ERANGE when the smallest would have less than one. */
int traffic_sizes_make(const struct traffic_flows *flows, uint32_t **ret, struct errmsg *err);

#define TRAFFIC_FRAME_MAX 192U

/* A frame, and where its parts are; its size divides xdp.c's chunks. Ethernet, IPv4 or IPv6 without options, UDP, TCP or an ICMP echo request, the flow
 * tag. A later fragment has the tag at once behind the IP header. */
struct traffic_frame {
	uint8_t bytes[TRAFFIC_FRAME_MAX];
	size_t len;
	size_t ip, l4, tag; /* later fragment: l4 is tag */
	uint8_t family;	    /* enum addr_family */
	enum traffic_protocol protocol;
	bool later;
	/* RFC 1071 sums of what never changes, in the machine's order */
	uint64_t ip_sum, l4_sum;
};

/* The two ends of a link. */
struct traffic_macs {
	uint8_t own[6], gateway[6];
};

/* Builds the tuple's frame with libnet. -ENOMEM, -EINVAL with libnet's words. */
int traffic_frame_make(struct traffic_frame *ret, const struct traffic_macs *macs, const struct traffic_tuple *tuple,
		       struct errmsg *err);
/* Writes another flow of the same protocol and family, and a tag, into a made frame, checksums included. */
void traffic_frame_set(struct traffic_frame *f, const struct traffic_tuple *tuple, const struct wire_flowtag *tag);
/* The same for a datagram in two fragments, whose tags have the sequence numbers 2n and 2n + 1 for the given n. */
int traffic_fragments_make(struct traffic_frame ret[static 2], const struct traffic_macs *macs,
			   const struct traffic_tuple *tuple, struct errmsg *err);
void traffic_fragments_set(struct traffic_frame f[static 2], const struct traffic_tuple *tuple,
			   const struct wire_flowtag *tag);

/* ---- xdp.c: frames to the kernel by descriptors ---- */

/* What one call sends at most: TX_BATCH_SIZE of net/xdp/xsk.c. A veth's receiving queue holds 1000. */
#define TRAFFIC_BATCH 32U

struct iovec;

struct traffic_xdp_ring {
	uint8_t *base; /* as mapped */
	size_t size;
	uint32_t *producer, *consumer;
	uint8_t *entries;
};

struct traffic_xdp {
	int fd;	       /* -1: not open */
	uint8_t *area; /* where the frames must lie, none across a multiple of 2048 */
	size_t size;
	struct traffic_xdp_ring out, done;
	uint32_t put; /* descriptors */
	bool stale;   /* the ring has some of no frame */
};

/* Makes the memory for the frames, zeroed. 0 or -errno. */
int xdp_arena(struct traffic_xdp *x, size_t size);
/* False where the kernel has no such sockets, or another has the link: then the frames must go by other ways. */
bool xdp_open(struct traffic_xdp *x, struct net_ns *client, unsigned int index);
/* Gives it up to n frames, at least one. Returns how many went of the first, at least one, or -errno; -EAGAIN: no room. */
int xdp_send(struct traffic_xdp *x, const struct iovec *frames, unsigned int n);
void xdp_close(struct traffic_xdp *x);

/* Looks at what arrived so far (h->body) and at the end of the stream; sets state, status and error. */
void traffic_http_judge(struct traffic_http *h, bool ended);

#endif
