/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What peers get. Peers of equal outbound ways form a group, which has one adj-rib-out and one encoding; only the peer
 * that a route came from is an exception to it. */
#ifndef ECMPLAB_EXPORT_INT_H
#define ECMPLAB_EXPORT_INT_H

#include "rib_int.h"

/* Compared as bytes: no padding, unused fields zero. */
struct group_key {
	uint32_t alone; /* the peer's id plus one, for a group that it shares with nobody */
	uint32_t local_as;
	struct addr local; /* our address, the next hop that external peers get */
	uint8_t role;
	uint8_t external, ipv4, ipv6, as4, extended, add_path_v4, add_path_v6;
	uint8_t extended_next_hop, knows_long_lived, denied, graceful_shutdown;
	uint8_t others; /* families beyond unicast, as bits of enum family */
	uint8_t pad[2];
};

_Static_assert(FAMILY_COUNT <= 8, "they are bits of an octet");
_Static_assert(sizeof(struct group_key) == 40, "padding would spoil the comparison");

/* A path that an add-path peer has. */
struct sent_path {
	uint32_t attrs;	 /* held */
	uint32_t source; /* held */
	uint32_t next;	 /* of the same route; also of the free ones */
	bool wanted;	 /* scratch of a comparison */
};

/* By number of the route's entry: the attributes that the group has of it, held, with SENT_OWN for an originated
 * route, which has no exception; with add-path the first of its sent_paths. */
#define SENT_OWN 0x80000000U

struct sent_table {
	uint32_t *at;
	uint32_t len;
};

/* What is to be told of a path. The exceptions have no such route before (came_from), or after it (comes_from). */
struct change {
	struct prefix prefix;
	bool had;      /* there is something to withdraw */
	bool same;     /* nothing changes but for the exceptions */
	uint32_t turn; /* scratch of mrai.c */
	uint32_t path_id;
	struct attrs *attrs; /* NULL: withdrawn; a reference */
	const struct peer *came_from, *comes_from;
};

#define EXPORT_MEMO 64

/* What export_attrs made of a set. */
struct export_memo {
	struct attrs *from, *to; /* references */
	enum family family;
};

struct out_group {
	struct bgp_speaker *speaker;
	struct group_key key;
	VEC(struct peer *) members;
	struct sent_table sent[FAMILY_COUNT];
	VEC(struct sent_path) sent_paths; /* at[0] is nobody */
	uint32_t free_path;
	bool filling;		    /* what changes is taken over without a word */
	VEC(struct change) changes; /* to be flushed */
	struct export_memo *memo;   /* EXPORT_MEMO; NULL until it is of use */
	uint32_t *own;		    /* by way: the attributes that it has become, held; NULL until it is of use */
	size_t own_count;
};

/* ---- attrs_out.c ---- */

/* What becomes of a learned path towards the group, a reference; NULL: it is not for it. */
struct attrs *export_attrs(struct out_group *g, enum family f, const struct candidate *path);
/* ONLY_TO_CUSTOMER as the group is to get it on a route without, to room for EXPORT_OTC_LEN octets; returns its octets, 0
 * for none (RFC 9234 section 5). */
#define EXPORT_OTC_LEN 7
size_t export_otc(const struct out_group *g, uint8_t *ret);
/* RFC 8326 section 4, we are about to go: marks communities in s->words, or LOCAL_PREF inside. */
void export_shutdown(const struct out_group *g, struct attrs_key *key);
/* Forgets what is kept to answer faster. */
void export_memo_clear(struct out_group *g);

/* ---- groups.c ---- */

/* Puts an Established peer where it belongs. */
void group_join(struct peer *p);
void group_leave(struct peer *p);
/* Each peer for itself from now on: what is originated is not for all. */
void groups_part(struct bgp_speaker *s);
/* Where a route's entry is kept in the adj-rib-out. */
uint32_t *group_sent(struct out_group *g, enum family f, uint32_t route);
/* The same to look at: 0 where there is none. */
uint32_t group_sent_at(const struct out_group *g, enum family f, uint32_t route);
static inline bool group_add_path(const struct out_group *g, enum family f)
{
	return f == FAMILY_V6 ? g->key.add_path_v6 : f == FAMILY_V4 && g->key.add_path_v4;
}

/* ---- export.c: what a group should have, what it has, and the difference ---- */

/* Queues the difference for a route whose decision has just been made; best: NULL for none. The route still has what was
 * best before. */
void export_route(struct out_group *g, enum family f, uint32_t route, const struct candidate *best);
/* Takes over what the group should have of all routes, without a word. */
void export_fill(struct out_group *g);
/* A session came up: everything, then End-of-RIB. */
void export_initial(struct peer *p);
/* RFC 2918: everything of a family again. */
void export_refresh(struct peer *p, enum family f);
/* The session is over: what was sent and is queued is forgotten. */
void export_clear(struct peer *p);
/* Everything again, with the attributes of another way (RFC 8326). */
void export_again(struct peer *p);

typedef void sent_fn(void *ctx, const struct prefix *prefix, uint32_t path_id, const struct attrs *attrs);
/* What the peer has of a family, in the order of the entries, or ascending by prefix. */
void export_each(struct peer *p, enum family f, bool sorted, sent_fn *fn, void *ctx);

/* ---- updates.c: UPDATEs ---- */

/* Sends what is queued: announcements, then withdrawals. */
void updates_flush(struct out_group *g);
/* Sends announcements to one peer. */
void updates_send(struct peer *p, const struct change *changes, size_t n);
void updates_end_of_rib(struct conn *to, enum family f);
void changes_clear(struct out_group *g);

/* ---- updates_other.c: the NLRI of families beyond unicast ---- */
void other_encode(struct wire_out *out, struct bgp_speaker *s, const struct wire_session *session,
		  struct wire_route_attrs *wire, const struct attrs *a, const struct wire_route *routes, size_t n);
void other_withdraw_encode(struct wire_out *out, struct bgp_speaker *s, const struct wire_session *session,
			   enum family f, const struct wire_route *routes, size_t n);

/* ---- mrai.c ---- */

/* updates_flush once MinRouteAdvertisementIntervalTimer lets it. */
void mrai_flush(struct out_group *g);
void mrai_expired(struct peer *p, enum family f);

/* ---- originate.c ---- */

/* What of an originated route is like that of many others: all but its prefix and its peers. */
struct way {
	struct chain chain;
	uint32_t number; /* from 0, within a table */
	uint32_t local_pref;
	bool local_pref_present;
	uint64_t bandwidth; /* octets a second; 0: not told */
	struct addr next_hop;
	uint32_t community_count;
	const uint32_t *communities;
	uint32_t large_count;
	const uint32_t (*large)[3];
};

struct originated {
	struct prefix prefix;
	const struct way *way;
	const bgp_peer_id *peers; /* NULL: all */
	size_t peer_count;
};

struct originated_table {
	struct arena arena;
	struct originated *at; /* ascending by prefix; those of one prefix in the caller's order */
	size_t len;
	struct chains ways;
	size_t next; /* behind the one that was last found */
	bool choosy; /* not all is for all peers */
};

/* The attributes of an originated prefix towards a group, a reference; NULL: not for this one. */
struct attrs *originate_attrs(struct out_group *g, const struct prefix *prefix);
/* Forgets what ways have become. */
void originate_memo_clear(struct out_group *g);
void originate_free(struct bgp_speaker *s);

#endif
