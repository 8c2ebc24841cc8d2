/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Adj-ribs as plain rows that can be compared. */
#ifndef ECMPLAB_SOAK_ROWS_H
#define ECMPLAB_SOAK_ROWS_H

#include "play.h"

#define PATH_MAX_HOPS 16
#define COMMUNITIES_MAX 5
#define GRACEFUL_SHUTDOWN 0xffff0000U /* RFC 8326 */
#define PATHS_MAX 512		      /* of a prefix, at one node */

struct row {
	struct prefix prefix;
	uint32_t path_id;
	struct addr next_hop;
	uint8_t origin;
	bool med_present, local_pref_present, otc_present, stale, odd; /* odd: more than a row holds */
	uint32_t med, local_pref, otc, originator_id;
	size_t hops, communities;
	uint32_t path[PATH_MAX_HOPS];
	uint32_t community[COMMUNITIES_MAX];
	size_t extra; /* octets of other attributes */
	bgp_peer_id peer;
};

/* Ascending by prefix. */
struct rows {
	VEC(struct row) list;
};

/* Every node's, by peer id: what the peer told, and was told. */
struct ribs {
	struct rows in[NODES_MAX][NODES_MAX], out[NODES_MAX][NODES_MAX];
};

struct ribs *ribs_new(const struct world *w);
void ribs_free(struct ribs *r);

/* The rows of a prefix: the first, and how many. */
const struct row *rows_find(const struct rows *rows, const struct prefix *prefix, size_t *ret_count);
/* Which field differs, but for path_id and peer, or NULL. */
const char *rows_differ(const struct row *a, const struct row *b);
bool row_passes_through(const struct row *r, uint32_t as);
bool row_has(const struct row *r, uint32_t community);
void row_add(struct row *r, uint32_t community);

/* ---- What a session is to one of its ends ---- */

enum bgp_role session_role(const struct plan_session *s, unsigned int node);
/* enum policy, and whether the other end is outside */
bool session_denies(const struct world *w, const struct plan_session *s, unsigned int node, enum policy what);
bool session_external(const struct world *w, const struct plan_session *s);
/* RFC 7911: from the node to the other end. */
bool session_add_path(const struct plan_session *s, unsigned int from, uint8_t family);
/* RFC 8950 */
bool session_extended_next_hop(const struct plan_session *s);

#endif
