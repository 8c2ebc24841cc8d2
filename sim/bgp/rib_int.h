/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes inside the speaker: maps by prefix, interned attributes, the loc-rib and what was sent to whom. */
#ifndef ECMPLAB_RIB_INT_H
#define ECMPLAB_RIB_INT_H

#include "bgp.h"
#include "vec.h"

struct peer;
struct conn;
struct bgp_speaker;

/* ---- prefix_map.c: a hash table whose nodes sit inside what they find ---- */

struct prefix_node {
	struct prefix_node *next;
	struct prefix prefix;
};

/* Zero is a valid empty map. The nodes belong to whoever adds them. */
struct prefix_map {
	struct prefix_node **buckets;
	size_t size; /* 0 or a power of two */
	size_t count;
};

struct prefix_node *prefix_map_get(const struct prefix_map *m, uint64_t seed, const struct prefix *prefix);
/* The node's prefix must be set and not be in the map. */
void prefix_map_add(struct prefix_map *m, uint64_t seed, struct prefix_node *node);
void prefix_map_remove(struct prefix_map *m, uint64_t seed, const struct prefix_node *node);
/* All nodes, ascending by prefix: the one order in which whole tables are walked, so that a seed decides nothing. The
 * caller frees the array. */
struct prefix_node **prefix_map_sorted(const struct prefix_map *m);
/* Frees every node with free() and the table. */
void prefix_map_free(struct prefix_map *m);

/* ---- attrs.c: path attributes, interned and counted, so that equal sets are equal pointers ---- */

#define LLGR_STALE 0xffff0006U /* RFC 9494 section 6 */
#define NO_LLGR 0xffff0007U

/* Compared as bytes: no padding, unused fields zero. */
struct attrs_key {
	uint32_t med;
	uint32_t local_pref;
	uint32_t aggregator_as;
	uint32_t originator_id;
	uint32_t path_len; /* octets */
	uint32_t community_count;
	uint32_t extra_len; /* octets */
	struct addr next_hop;
	struct addr aggregator; /* ADDR_NONE: no AGGREGATOR */
	uint8_t origin;
	bool med_present;
	bool local_pref_present;
	bool originator_present;
	uint8_t pad[6];
};

_Static_assert(sizeof(struct attrs_key) == 72, "padding would spoil the comparison");

/* What to intern; all borrowed. path: segments with four-octet ASes. extra: TLVs to pass on as they are. */
struct attrs_spec {
	struct attrs_key key;
	const uint8_t *path;
	const uint32_t *communities;
	const uint8_t *extra;
};

struct attrs {
	struct attrs *next;
	uint64_t serial; /* age: orders sets deterministically, and tells a set from a later one at its address */
	uint64_t hash;
	uint32_t refs;
	uint32_t hops;	      /* AS_PATH length of the decision process */
	uint32_t neighbor_as; /* leftmost AS; 0 for an empty path */
	bool plain;	      /* the path is sequences only */
	struct attrs_key key;
	uint32_t communities[]; /* then path, then extra */
};

struct attrs_pool {
	struct attrs **buckets;
	size_t size;
	size_t count;
	uint64_t serial;
};

/* A reference to the one set that equals the spec. */
struct attrs *attrs_intern(struct attrs_pool *pool, uint64_t seed, const struct attrs_spec *spec);
struct attrs *attrs_ref(struct attrs *a);
void attrs_release(struct attrs_pool *pool, struct attrs *a);
void attrs_pool_free(struct attrs_pool *pool);
struct wire_in attrs_path(const struct attrs *a);
struct wire_in attrs_extra(const struct attrs *a);
bool attrs_has_community(const struct attrs *a, uint32_t community);

/* attrs_in.c: the set of an UPDATE, normalised: four-octet ASes, what is not ours to keep left out. */
struct attrs *attrs_from_update(struct bgp_speaker *s, const struct wire_update *u, const struct addr *next_hop,
				bool external);

/* ---- rib.c: adj-ribs-in and loc-rib are one table; a peer's adj-rib-in is the paths that carry it ---- */

struct path {
	struct path *next;
	struct peer *peer;
	struct attrs *attrs;
	bool stale; /* RFC 7313: not seen since the peer's begin of refresh */
};

struct route {
	struct prefix_node node; /* first, so that a node is a route */
	struct path *paths;
	struct addr *hops; /* what BGP_OUT_ROUTE said: ascending */
	size_t hop_count;
	const struct path *best; /* NULL: none, or gone and not decided anew */
	uint64_t told_serial;	 /* the best path's set and peer when it was last passed on; 0 for none */
	bgp_peer_id told_peer;
	bool dirty;
};

/* False when the peer is above its limit of prefixes; nothing is stored then. */
bool rib_announce(struct peer *p, const struct prefix *prefix, struct attrs *attrs);
void rib_withdraw(struct peer *p, const struct prefix *prefix);
void rib_drop_peer(struct peer *p);
/* RFC 7313: between begin and end of a refresh the peer announces all; the rest goes. */
void rib_refresh_begin(struct peer *p, uint8_t family);
void rib_refresh_end(struct peer *p, uint8_t family);
/* RFC 9494 section 4.2: the peer's stale routes are kept for long: marked, and gone where they forbid it. */
void rib_long_lived(struct peer *p, uint8_t family);
/* The prefix's entry, or NULL. */
const struct route *rib_find(const struct bgp_speaker *s, const struct prefix *prefix);
/* Decides each touched prefix once, tells what changed, passes it on. */
void rib_settle(struct bgp_speaker *s);
void rib_free(struct bgp_speaker *s);

/* ---- decide.c ---- */

/* RFC 4271 section 9.1.2: sorts the paths of the multipath group to the front of s->candidates, best first, each with a
 * next hop of its own, and returns how many; 0 for a prefix without paths. */
size_t decide(struct bgp_speaker *s, const struct route *r);

/* ---- export.c: adj-rib-out ---- */

struct sent {
	struct prefix_node node; /* first */
	struct attrs *attrs;
};

struct announcement {
	struct prefix prefix;
	struct attrs *attrs; /* holds a reference */
};

/* Queues the difference between what the peer has and what it should have for a prefix. */
void export_prefix(struct peer *p, const struct prefix *prefix, const struct route *r);
/* Sends what is queued: announcements, then withdrawals. */
void export_flush(struct peer *p);
/* A session came up: everything, then End-of-RIB. */
void export_initial(struct peer *p);
/* RFC 2918: everything of a family again. */
void export_refresh(struct peer *p, uint8_t family);
/* Forgets what was sent and what is queued. */
void export_clear(struct peer *p);

/* ---- originate.c ---- */

struct originated_table {
	struct arena arena;
	struct bgp_originated *at; /* ascending by prefix; those of one prefix in the caller's order */
	size_t len;
};

/* The attributes of an originated prefix towards a peer, a reference; NULL: not for this peer. */
struct attrs *originate_attrs(struct peer *p, const struct prefix *prefix);
/* Queues all originated routes for a peer. */
void originate_export(struct peer *p);
void originate_free(struct bgp_speaker *s);

#endif
