/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A seeded table of routes as a full-table peer sends it, written as UPDATEs ahead of the measurement. Prefixes of one attribute set lie
 * side by side, and an UPDATE holds as many of them as fit. Same seed, same bytes. */
#ifndef ECMPLAB_BENCH_FEED_H
#define ECMPLAB_BENCH_FEED_H

#include "wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FEED_SETS_PER_MILLION 12000
#define FEED_CHURN_TICKS 10		  /* a second of churn */
#define FEED_MARKER_COMMUNITY 0x00640000U /* plus the tick: a marker's only community */

/* Who sends how much: "10x100k", prefixes of their own; "10x1M=", the same ones from all. */
struct feed_shape {
	char name[24];
	unsigned int peers;
	size_t each;
	bool same;
};

/* Returns 0 or -EINVAL. */
int feed_shape_parse(const char *text, struct feed_shape *ret);
/* Different prefixes of the whole shape. */
size_t feed_shape_prefixes(const struct feed_shape *s);

struct feed {
	uint64_t seed;
	size_t count;
	struct wire_route *routes; /* by place; all different */
	uint32_t *sets;		   /* by place, ascending: which attribute set */
	size_t set_count;
};

/* sets_per_million: different attribute sets in a million prefixes. feed_fini frees. */
void feed_init(struct feed *f, uint64_t seed, size_t prefixes, size_t sets_per_million);
void feed_fini(struct feed *f);

struct feed_peer {
	uint32_t as;
	struct addr address;	  /* the next hop */
	size_t first, count;	  /* its part of the table */
	unsigned int turn, turns; /* which of those with the same part */
	bool no_export;		  /* its routes carry NO_EXPORT: they stay with the router, but for the marker */
	struct prefix marker;
};

/* Peer number i of a shape: AS 4200000000 + i, marker in 198.18.0.0/15. */
struct feed_peer feed_peer_of(const struct feed_shape *s, unsigned int i, struct addr address);

/* Grows by itself; free(at) by the owner. */
struct feed_stream {
	uint8_t *at;
	size_t len, cap;
	size_t messages;
	size_t changes; /* prefixes announced or withdrawn */
};

/* The peer's whole part. The marker of tick 0 comes last. */
void feed_announce(const struct feed *f, const struct feed_peer *p, struct feed_stream *out);
/* The marker's withdrawal comes last. */
void feed_withdraw(const struct feed *f, const struct feed_peer *p, struct feed_stream *out);
/* One tick of churn, in which every `every`-th prefix of the table changes with one of the peers that have it: half of them get
 * other attributes, half go and come back with the next tick. The marker of tick + 1 comes last. */
void feed_churn(const struct feed *f, const struct feed_peer *p, unsigned int tick, size_t every,
		struct feed_stream *out);
/* The marker alone: it tells by its community up to where the peer's words were read. */
void feed_marker(const struct feed *f, const struct feed_peer *p, unsigned int tick, struct feed_stream *out);

#endif
