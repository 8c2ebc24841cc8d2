/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The decision of RFC 4271 section 9.1 once more, for naive_export.c. */
#ifndef ECMPLAB_SOAK_NAIVE_H
#define ECMPLAB_SOAK_NAIVE_H

#include "rows.h"

/* LOCAL_PREF, or what stands in for it. */
uint32_t naive_preference(const struct row *r);
/* The peer is of the node's own AS. */
bool naive_inside(const struct player *p, bgp_peer_id peer);
/* The routes of a prefix that the decision leaves, best first; returns how many. */
size_t naive_eligible(const struct player *p, const struct ribs *ribs, const struct prefix *prefix,
		      const struct row *ret[static PATHS_MAX]);
/* All that peers told. */
size_t naive_all(const struct player *p, const struct ribs *ribs, const struct prefix *prefix,
		 const struct row *ret[static PATHS_MAX]);

#endif
