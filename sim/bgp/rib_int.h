/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes inside the speaker. A table has an entry a prefix; what entries have in common is interned and counted, and
 * named by a number of 32 bits that is 0 for none: attribute sets, next hop groups, sources of paths. */
#ifndef ECMPLAB_RIB_INT_H
#define ECMPLAB_RIB_INT_H

#include "bgp.h"
#include "chains.h"
#include "vec.h"

struct peer;
struct conn;
struct bgp_speaker;

/* From FAMILY_OTHER on: what the peers are configured for beyond unicast (families.c). Their routes have the numbers of
 * interned NLRI (nlri.c) where unicast has addresses. */
enum family { FAMILY_V4, FAMILY_V6, FAMILY_OTHER, FAMILY_COUNT = FAMILY_OTHER + BGP_OTHER_FAMILIES };

#define OTHER_ADDRESS 0x80 /* and more: no enum addr_family */

static inline bool family_is_other(enum family f)
{
	return f >= FAMILY_OTHER;
}

static inline enum family family_of(const struct prefix *p)
{
	if (p->addr.family >= OTHER_ADDRESS)
		return (enum family)(FAMILY_OTHER + p->addr.family - OTHER_ADDRESS);
	return p->addr.family == ADDR_V6 ? FAMILY_V6 : FAMILY_V4;
}

static inline uint8_t family_address(enum family f)
{
	if (family_is_other(f))
		return (uint8_t)(OTHER_ADDRESS + (f - FAMILY_OTHER));
	return f == FAMILY_V6 ? ADDR_V6 : ADDR_V4;
}

/* ---- numbers.c: objects by number ---- */

/* Zero is a valid empty register. */
struct numbers {
	void **at; /* at[0] is nobody */
	uint32_t len, cap;
	VEC(uint32_t) free;
};

uint32_t numbers_add(struct numbers *n, void *object);
void numbers_remove(struct numbers *n, uint32_t number);
void numbers_free(struct numbers *n);

/* ---- hops.c: next hops, and the groups of them that the FIB is told of ---- */

struct hop {
	struct chain chain; /* first, as in all that follow */
	uint64_t serial;    /* order of birth */
	uint64_t mark;	    /* the last decision that it is part of */
	uint32_t refs;
	uint32_t alone; /* the group of this hop alone, once there is one; not counted */
	struct addr addr;
};

struct hop_group {
	struct chain chain;
	uint32_t number;
	uint32_t refs;
	uint32_t n;
	bool weighted;
	struct hop **hops;	/* ascending by serial, each with a reference */
	uint16_t *weights;	/* of hops */
	struct addr *addrs;	/* ascending, as they are told, */
	uint16_t *addr_weights; /* with the weights in the same order */
};

struct hop_table {
	struct chains hops, groups;
	uint64_t serial;
	struct numbers numbers; /* of groups */
	VEC(uint32_t) gone;	/* groups that nobody holds; they go once no output can point at them */
};

struct hop_member {
	struct hop *hop;
	uint16_t weight;
};

/* A reference to the hop of the address. */
struct hop *hop_intern(struct hop_table *t, uint64_t seed, const struct addr *addr);
void hop_release(struct hop_table *t, struct hop *h);
/* A reference to the group of the members, which are sorted on the way; 0 for none. weighted: the weights differ. */
uint32_t hop_group_intern(struct hop_table *t, struct hop_member *members, size_t n, bool weighted);
const struct hop_group *hop_group_at(const struct hop_table *t, uint32_t number);
void hop_group_release(struct hop_table *t, uint32_t number);
/* Nothing points at released groups any more. */
void hop_groups_sweep(struct hop_table *t);
void hop_table_free(struct hop_table *t);

/* ---- attrs.c: path attributes, interned and counted, so that equal sets have equal numbers ---- */

#define GRACEFUL_SHUTDOWN 0xffff0000U /* RFC 8326 section 5 */
#define LLGR_STALE 0xffff0006U	      /* RFC 9494 section 6 */
#define NO_LLGR 0xffff0007U

/* Compared as bytes: no padding, unused fields zero. */
struct attrs_key {
	uint32_t med;
	uint32_t local_pref;
	uint32_t originator_id;
	uint32_t path_len; /* octets */
	uint32_t community_count;
	uint32_t extra_len; /* octets */
	float bandwidth;    /* of its link, in octets a second; 0: not told */
	uint16_t clusters;  /* entries of CLUSTER_LIST */
	struct addr next_hop;
	uint8_t origin;
	bool med_present;
	bool local_pref_present;
	bool originator_present;
	uint8_t hop_len;  /* octets; of other families, whose next_hop is none */
	uint8_t nlri_len; /* octets */
	uint8_t pad[3];
};

_Static_assert(sizeof(struct attrs_key) == 56, "padding would spoil the comparison");

/* What to intern; all borrowed. path: segments with four-octet ASes. extra: TLVs to pass on, AGGREGATOR with a
 * four-octet AS. nlri: the one that the set is for, where it tells more than which route it is, as a label. */
struct attrs_spec {
	struct attrs_key key;
	const uint8_t *path;
	const uint32_t *communities;
	const uint8_t *extra;
	const uint8_t *hop, *nlri;
};

struct attrs {
	struct chain chain;
	uint32_t number;
	uint32_t refs;
	uint64_t rank; /* of the decision process up to ORIGIN: the lowest wins */
	struct hop *hop;
	uint32_t neighbor_as; /* leftmost AS; 0 for an empty path */
	bool plain;	      /* the path is sequences only */
	struct attrs_key key;
	uint32_t communities[]; /* then path, extra, hop, nlri */
};

struct attrs_pool {
	struct chains chains;
	struct numbers numbers;
};

/* Octets that a peer chose, so seeded. */
uint64_t hash_bytes(uint64_t h, const void *bytes, size_t n);
/* A reference to the one set that equals the spec. */
struct attrs *attrs_intern(struct bgp_speaker *s, const struct attrs_spec *spec);
static inline struct attrs *attrs_ref(struct attrs *a)
{
	a->refs++;
	return a;
}

static inline struct attrs *attrs_at(const struct attrs_pool *pool, uint32_t number)
{
	return pool->numbers.at[number];
}

void attrs_release(struct bgp_speaker *s, struct attrs *a); /* NULL is nothing */
void attrs_drop(struct bgp_speaker *s, uint32_t number);    /* the same by number; 0 is nothing */
void attrs_pool_free(struct attrs_pool *pool);
struct wire_in attrs_path(const struct attrs *a);
struct wire_in attrs_extra(const struct attrs *a);
struct wire_in attrs_hop(const struct attrs *a);
struct wire_in attrs_nlri(const struct attrs *a);
bool attrs_has_community(const struct attrs *a, uint32_t community);
/* The set with one community more, a reference. */
struct attrs *attrs_with_community(struct bgp_speaker *s, const struct attrs *a, uint32_t community);
/* The set for this NLRI alone, a reference. */
struct attrs *attrs_with_nlri(struct bgp_speaker *s, const struct attrs *a, struct wire_in nlri);
/* The value of an attribute in extra; an empty view when it is not there. */
struct wire_in attrs_extra_value(const struct attrs *a, uint8_t code);

/* attrs_in.c: the set of an UPDATE, normalised: four-octet ASes, what is not ours to keep left out. NULL, and why in
 * *ret_why, when its routes can't be used. */
struct attrs *attrs_from_update(struct conn *c, const struct wire_update *u, const struct addr *next_hop,
				const char **ret_why);
/* The same for MP_REACH_NLRI's routes of another family. */
struct attrs *attrs_from_other(struct conn *c, const struct wire_update *u);

/* ---- nlri.c: NLRI of other families, interned and counted, as their withdrawals write them ---- */

struct nlri {
	struct chain chain;
	uint32_t number;
	uint32_t refs;
	enum family family;
	uint32_t len;
	uint8_t bytes[];
};

struct nlri_pool {
	struct chains chains;
	struct numbers numbers;
};

/* The place of a route in its family's table. */
struct prefix nlri_prefix(enum family f, uint32_t number);
uint32_t nlri_number(const struct prefix *p);
/* A reference. */
uint32_t nlri_intern(struct bgp_speaker *s, enum family f, struct wire_in bytes);
/* The same when it is known, and no reference; else 0. */
uint32_t nlri_find(const struct bgp_speaker *s, enum family f, struct wire_in bytes);
/* Of what a prefix stands for; nothing for unicast. */
void nlri_hold(struct bgp_speaker *s, const struct prefix *p);
void nlri_drop(struct bgp_speaker *s, const struct prefix *p);
struct wire_in nlri_bytes(const struct bgp_speaker *s, const struct prefix *p);
void nlri_pool_free(struct nlri_pool *pool);

/* ---- sources.c: who told a path: a peer, and its path identifier (RFC 7911) ---- */

#define SOURCE_LOCAL 1U /* what we originate ourselves; a peer's are above */

struct source {
	struct chain chain;
	struct peer *peer;
	uint32_t path_id;
	uint32_t number;
	uint32_t refs;
};

struct source_table {
	struct chains chains;
	struct numbers numbers;
};

/* A reference to the peer's source with that path identifier. */
uint32_t source_intern(struct bgp_speaker *s, struct peer *p, uint32_t path_id);
/* The same when it is known, and no reference; else 0. */
uint32_t source_find(const struct bgp_speaker *s, const struct peer *p, uint32_t path_id);
void source_ref(struct bgp_speaker *s, uint32_t number);
void source_release(struct bgp_speaker *s, uint32_t number);
static inline const struct source *source_at(const struct source_table *t, uint32_t number)
{
	return t->numbers.at[number];
}

void source_table_free(struct source_table *t);

/* ---- routes.c: entries by prefix; all adj-ribs-in and the loc-rib in one ---- */

struct path {
	uint32_t attrs;	      /* held */
	uint32_t source : 31; /* held */
	uint32_t stale : 1;   /* RFC 4724, 7313: not told anew since */
};

/* Paths beyond the first; the newest node, which alone may have room, comes first. */
#define NODE_PATHS 7

struct path_node {
	struct path at[NODE_PATHS];
	uint32_t n;
	uint32_t next; /* also of the free ones */
};

enum route_flag {
	ROUTE_DIRTY = 1,
	ROUTE_OWN = 2,	     /* the committed originated routes have it */
	ROUTE_OWN_MOVED = 4, /* they have changed there */
};

struct route {
	struct path one;      /* attrs 0: none */
	uint32_t more;	      /* node of the others; of a free entry, the next one */
	uint32_t hops;	      /* the group that BGP_OUT_ROUTE told, held */
	uint32_t best_attrs;  /* as last decided and passed on, held */
	uint32_t best_source; /* held */
	uint8_t flags;
	uint8_t len; /* of the prefix */
	uint8_t pad[2];
	uint8_t addr[]; /* 4 or 16 octets */
};

struct rib_slot {
	uint32_t hash;
	uint32_t route; /* 0: none */
};

struct rib_table {
	uint8_t *routes; /* entry 0 is nobody */
	uint32_t len, cap, count;
	uint32_t free;
	uint32_t stride;
	enum family family;
	struct rib_slot *slots;
	size_t size; /* 0 or a power of two */
	VEC(uint32_t) dirty;
};

static inline struct route *route_at(const struct rib_table *t, uint32_t number)
{
	return (struct route *)(void *)(t->routes + (size_t)number * t->stride);
}

struct path_pool {
	struct path_node *at; /* at[0] is nobody */
	uint32_t len, cap;
	uint32_t free;
};

void rib_table_init(struct rib_table *t, enum family f);
void rib_table_free(struct rib_table *t);
/* The prefix's entry, or 0; adding makes entries move. */
uint32_t route_find(const struct rib_table *t, uint64_t seed, const struct prefix *prefix);
uint32_t route_add(struct rib_table *t, uint64_t seed, const struct prefix *prefix);
/* Brings what route_find will look at near. */
void route_prefetch(const struct rib_table *t, uint64_t seed, const struct prefix *prefix);
/* The same for route_remove, when the entry has no path any more. */
void route_prefetch_gone(const struct rib_table *t, uint64_t seed, uint32_t number);
void route_remove(struct rib_table *t, uint64_t seed, uint32_t number);
struct prefix route_prefix(const struct rib_table *t, const struct route *r);
/* The next entry in use behind a number, in the order of their making; 0 at the end. Begin with 0. */
uint32_t route_next(const struct rib_table *t, uint32_t number);
/* All entries in use, ascending by prefix, for show; the caller frees them. Ends with a 0. */
uint32_t *routes_sorted(const struct rib_table *t);

/* ---- paths.c ---- */

struct path_walk {
	struct path *one;
	uint32_t node, at;
};

static inline struct path_walk paths_of(struct route *r)
{
	return (struct path_walk){.one = r->one.attrs != 0 ? &r->one : NULL, .node = r->more};
}

static inline struct path *path_next(const struct path_pool *pool, struct path_walk *w)
{
	struct path *one = w->one;
	struct path_node *n;

	if (one != NULL) {
		w->one = NULL;
		return one;
	}
	if (w->node == 0)
		return NULL;
	n = &pool->at[w->node];
	one = &n->at[w->at++];
	if (w->at == n->n) {
		w->node = n->next;
		w->at = 0;
	}
	return one;
}

/* The path of the source, or NULL. */
struct path *path_find(const struct path_pool *pool, struct route *r, uint32_t source);
void path_add(struct path_pool *pool, struct route *r, struct path path);
void path_remove(struct path_pool *pool, struct route *r, struct path *path);
void path_pool_free(struct path_pool *pool);

/* ---- rib.c ---- */

/* Takes the routes, all of one family, with the set. False when the peer is above its limit of prefixes: from there on
 * nothing is stored that is new. */
bool rib_announce(struct peer *p, const struct attrs *attrs, const struct wire_route *routes, size_t n);
void rib_withdraw(struct peer *p, const struct wire_route *routes, size_t n);
/* All paths of the peer's family become stale (RFC 4724, 7313), */
void rib_stale(struct peer *p, enum family f);
/* and those that still are go. */
void rib_sweep(struct peer *p, enum family f);
/* RFC 9494 section 4.2: the peer's stale routes are kept for long: marked, and gone where they forbid it. */
void rib_long_lived(struct peer *p, enum family f);
/* The originated table has the prefix from now on, or no more. */
void rib_own(struct bgp_speaker *s, const struct prefix *prefix, bool own);
/* Decides each touched prefix once, tells what changed, passes it on. */
void rib_settle(struct bgp_speaker *s);
void rib_free(struct bgp_speaker *s);

/* ---- decide.c ---- */

struct candidate {
	const struct attrs *attrs;
	const struct source *source;
};

/* RFC 4271 section 9.1.2: puts the paths of the multipath group to the front of s->candidates, the best first, each with a
 * next hop of its own, and returns how many; 0 for a prefix without paths. */
size_t decide(struct bgp_speaker *s, struct route *r);
/* The FIB's group for what decide() left, a reference: weighted when all paths tell their link's bandwidth. */
uint32_t decide_hops(struct bgp_speaker *s, size_t n);

#endif
