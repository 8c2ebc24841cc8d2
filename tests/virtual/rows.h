/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Adj-ribs as plain rows that can be compared. */
#ifndef ECMPLAB_SOAK_ROWS_H
#define ECMPLAB_SOAK_ROWS_H

#include "play.h"

#define PATH_MAX_HOPS 16
#define COMMUNITIES_MAX 4

struct row {
	struct prefix prefix;
	struct addr next_hop;
	uint8_t origin;
	bool med_present, local_pref_present, stale, odd; /* odd: more than a row holds */
	uint32_t med, local_pref, originator_id;
	size_t hops, communities;
	uint32_t path[PATH_MAX_HOPS];
	uint32_t community[COMMUNITIES_MAX];
	size_t extra;
	bgp_peer_id peer;
};

struct rows {
	struct row at[NODES_MAX * PREFIXES * 2];
	size_t len;
};

/* What the peer told, or was told. */
void rows_in(const struct player *p, bgp_peer_id peer, struct rows *ret);
void rows_out(const struct player *p, bgp_peer_id peer, struct rows *ret);
const struct row *rows_find(const struct rows *rows, const struct prefix *prefix);
/* Which field differs, or NULL. */
const char *rows_differ(const struct row *a, const struct row *b);
bool row_passes_through(const struct row *r, uint32_t as);

#endif
