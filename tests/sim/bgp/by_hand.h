/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One speaker with the test for a peer: what it put out is looked at, what the peer says is handed in as hex. */
#ifndef ECMPLAB_TEST_BY_HAND_H
#define ECMPLAB_TEST_BY_HAND_H

#include "bgp.h"
#include "support.h"

#define MARKER "ffffffffffffffffffffffffffffffff"
#define KEEPALIVE MARKER "0013 04"

struct hand {
	struct bgp_speaker *s;
	size_t seen; /* outputs looked at since they were cleared */
};

struct addr hand_addr(const char *text);
struct prefix hand_prefix(const char *text);
struct instant hand_at_ms(int64_t ms);

/* The next output that is not a notice; fails the test when there is none or of another kind. */
struct bgp_output hand_next(struct hand *h, enum bgp_output_kind kind);
/* No output but notices is left; clears the list. */
void hand_quiet(struct hand *h);
/* The next output is these bytes, marker included. */
void hand_sent(struct hand *h, const char *hex);
/* The next output is a message of the type; returns its octet at an offset. */
uint8_t hand_sent_type(struct hand *h, enum wire_type type, size_t offset);
/* The peer says this. */
void hand_says(struct hand *h, bgp_conn_id conn, const char *hex, int64_t ms);
/* The peer's OPEN, with capabilities 1 (IPv4), 65 and more as hex. */
void hand_says_open(struct hand *h, bgp_conn_id conn, uint32_t as, uint16_t hold_s, uint32_t id, int64_t ms);
/* The text of the last error notice; NULL for none. */
const char *hand_error(struct hand *h);

#endif
