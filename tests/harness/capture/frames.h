/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames made by hand, for tests: what a row does not say is the same in all of them. */
#ifndef ECMPLAB_TESTS_FRAMES_H
#define ECMPLAB_TESTS_FRAMES_H

#include "addr.h"
#include "wire.h"

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PUSH = 8, TCP_ACK = 16 };

struct frame_spec {
	const char *src, *dst; /* addresses of one family */
	uint16_t src_port, dst_port;
	uint8_t protocol; /* 6 or 17 */
	uint8_t flags;	  /* TCP */
	uint32_t seq, ack;
	const void *payload;
	size_t payload_len;
	uint16_t fragment; /* IPv4 flags and offset */
	const uint8_t *dst_mac;
};

#define FRAME_MAX 70000U

/* The transport header and payload, the IP packet, the Ethernet frame. Each returns its length. */
size_t frame_ip(const struct frame_spec *spec, uint8_t *ret);
size_t frame_ethernet(const struct frame_spec *spec, uint8_t *ret);
/* The payload of a tagged flow. */
size_t frame_tag(uint32_t flow, uint32_t seq, uint8_t ret[static WIRE_FLOWTAG_LEN]);

#endif
