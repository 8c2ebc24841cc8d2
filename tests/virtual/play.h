/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A plan played on the virtual driver, then a quiet time, then what must hold. */
#ifndef ECMPLAB_SOAK_PLAY_H
#define ECMPLAB_SOAK_PLAY_H

#include "plan.h"

#define QUIET_S 1200		 /* longer than any timer of a plan, damping and stale routes included */
#define HOPS_MAX (2 * NODES_MAX) /* of a prefix */
#define SETTLED_S 300		 /* of it, at its end, no session changes its state */

struct verdict {
	bool ok;
	char why[512];
	uint64_t hash;	     /* over everything that happened */
	int64_t converged_s; /* of the quiet time, until all sessions stood */
	struct virtual_stats stats;
};

/* What a speaker said of a prefix last. */
struct told {
	size_t n;
	struct addr hops[HOPS_MAX];
};

struct world;

struct player {
	struct world *world;
	unsigned int index;
	struct bgp_speaker *engine; /* NULL: down */
	virtual_node node;
	unsigned int boots;
	unsigned int peers[NODES_MAX]; /* by peer id: the session */
	size_t peer_count;
	bool stopped[NODES_MAX * NODES_MAX]; /* by session */
	unsigned int mask, variant;	     /* what it originates */
	unsigned int bulk_from, bulk_count;
	bool going[NODES_MAX * NODES_MAX]; /* by session, told the other end so */
	VEC(struct told) routes;	   /* by number of the prefix */
	struct instant changed;		   /* a session's state, last */
};

struct world {
	const struct plan *plan;
	struct virtual *net;
	struct player players[NODES_MAX];
	uint64_t hash;
	FILE *trace;
	struct virtual_save *saves[NODES_MAX];
	struct verdict *verdict;
};

/* trace: every event as a line; NULL: none. */
void play(const struct plan *p, FILE *trace, struct verdict *ret);

static inline unsigned int session_other(const struct plan_session *s, unsigned int node)
{
	return s->a == node ? s->b : s->a;
}

/* The first failure is kept. Always false. */
bool world_fails(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* checks.c: sessions stand, adj-ribs of both ends agree, what was told is what is there. */
struct ribs;

bool check_sessions(struct world *w);
bool check_adj_ribs(struct world *w, const struct ribs *ribs);
bool check_told(struct world *w);
/* naive.c: the loc-rib computed anew from the adj-ribs-in; naive_export.c: what is passed on of them. */
bool check_decisions(struct world *w, const struct ribs *ribs);
bool check_exports(struct world *w, const struct ribs *ribs);

/* One behind the last prefix that anybody originates. */
unsigned int world_prefixes(const struct world *w);
/* A prefix that the node originates. */
bool player_originates(const struct player *p, unsigned int prefix);

/* An originated route's parts by variant. */
bool variant_next_hop(unsigned int variant);
size_t variant_communities(unsigned int variant, uint32_t ret[static 2]);
bool variant_local_pref(unsigned int variant);

#endif
