/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes of VPN-IPv4 and EVPN. No speaker originates any, so that a plan has them told by hand, from one end of a session to the
 * other; each is named by who tells whom. As rows they have prefixes that nobody else has. */
#ifndef ECMPLAB_SOAK_FURTHER_H
#define ECMPLAB_SOAK_FURTHER_H

#include "rows.h"

#define FURTHER_FAMILIES 2
#define FURTHER_ROUTES 4 /* of a family, from one node to another */
#define FURTHER_TELLINGS 64

/* Both ends do these families. */
bool further_session(const struct world *w, const struct plan_session *s);
void further_offer(const struct world *w, const struct plan_session *s, struct bgp_peer_conf *conf);
/* The node tells its peer of a route, or that it is gone: what of, n says, below TELLINGS. */
void further_tell(struct player *p, bgp_peer_id peer, unsigned int to, unsigned int n);

/* The prefix of its row. */
struct prefix further_prefix(unsigned int family, unsigned int from, unsigned int to, unsigned int route);
bool further_is(const struct row *r);
/* The node told it by hand. */
bool further_by_hand(const struct row *r, unsigned int from, unsigned int to);
/* What of the route a row of unicast has no place for. */
void further_row(const struct bgp_adj_route *route, struct row *r);

#endif
