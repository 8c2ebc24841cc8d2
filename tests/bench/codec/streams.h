/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UPDATEs of several shapes, written ahead of the measurement, and the same as an encoder wants them. */
#ifndef ECMPLAB_BENCH_STREAMS_H
#define ECMPLAB_BENCH_STREAMS_H

#include "arena.h"
#include "wire.h"

enum shape {
	SHAPE_ONE,	 /* what a MetalLB worker sends: three attributes, one prefix */
	SHAPE_HUNDREDS,	 /* the same with as many prefixes as fit */
	SHAPE_IPV6,	 /* a hundred prefixes in MP_REACH_NLRI */
	SHAPE_TABLE,	 /* the mix of a full table: attribute sets of many sizes */
	SHAPE_ALONE,	 /* the table's sets with one prefix each */
	SHAPE_WITHDRAWN, /* withdrawals, as many as fit */
	SHAPE_COUNT,
};

const char *shape_text(enum shape shape);

/* One message: where it stands, and what wire_update_encode or wire_withdraw_encode makes it of. */
struct message {
	struct wire_in bytes;
	bool withdrawal;
	struct wire_route_attrs attrs;
	const struct wire_route *routes;
	size_t count;
};

struct stream {
	struct arena arena;
	struct wire_session session;
	struct message *messages;
	size_t count;
	size_t octets, prefixes;
};

/* About so many prefixes. Same seed, same octets. stream_fini frees. */
void stream_init(struct stream *s, enum shape shape, uint64_t seed, size_t prefixes);
void stream_fini(struct stream *s);

#endif
