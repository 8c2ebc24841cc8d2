/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pure parts of traffic: which flows there are, and their frames. */
#ifndef ECMPLAB_TRAFFIC_INT_H
#define ECMPLAB_TRAFFIC_INT_H

#include "traffic.h"
#include "wire.h"

struct traffic_tuple {
	struct addr src;
	struct addr dst;
	uint16_t src_port;
	uint16_t dst_port;
};

#define TRAFFIC_DRAW_ROUNDS 6

/* The varied fields as one number below `total`, in an order that the seed decides: nothing is remembered, and no
 * number comes twice. */
struct traffic_draw {
	const struct traffic_flows *flows; /* kept: must outlive the draw */
	struct addr first_src, first_dst;
	uint64_t src_addrs, dst_addrs, src_ports, dst_ports; /* how many of each */
	uint64_t total;
	unsigned int half_bits;
	uint64_t keys[TRAFFIC_DRAW_ROUNDS];
};

/* -EINVAL for flows that make no sense, -ERANGE when the varied fields give too few; in words. */
int traffic_draw_init(struct traffic_draw *d, const struct traffic_flows *keep_flows, struct errmsg *err);
/* The fields of flow 0 .. total-1. */
struct traffic_tuple traffic_draw_at(const struct traffic_draw *d, uint64_t flow);

#define TRAFFIC_FRAME_MAX 128U

/* A frame, and where its parts are. Ethernet, IPv4 or IPv6 without options, UDP or TCP, the flow tag. */
struct traffic_frame {
	uint8_t bytes[TRAFFIC_FRAME_MAX];
	size_t len;
	size_t ip, l4, tag;
	uint8_t family; /* enum addr_family */
	enum traffic_protocol protocol;
};

/* Builds the frame with libnet. -ENOMEM, -EINVAL with libnet's words. */
int traffic_frame_make(struct traffic_frame *ret, enum traffic_protocol protocol, const uint8_t mac[static 6],
		       const uint8_t gateway_mac[static 6], const struct traffic_tuple *tuple, struct errmsg *err);
/* Writes another flow and tag into a made frame, checksums included. */
void traffic_frame_set(struct traffic_frame *f, const struct traffic_tuple *tuple, const struct wire_flowtag *tag);

/* Looks at what arrived so far (h->body) and at the end of the stream; sets state, status and error. */
void traffic_http_judge(struct traffic_http *h, bool ended);

#endif
