/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The adj-ribs as tests see them; nothing of the engine looks at itself through this. */
#include "bgp_int.h"

#include <stdlib.h>

static void tell(const struct prefix *prefix, const struct attrs *a, bool stale, bgp_adj_route_fn *fn, void *ctx)
{
	struct bgp_adj_route route = {.prefix = *prefix,
				      .next_hop = a->key.next_hop,
				      .origin = a->key.origin,
				      .med_present = a->key.med_present,
				      .med = a->key.med,
				      .local_pref_present = a->key.local_pref_present,
				      .local_pref = a->key.local_pref,
				      .originator_id = a->key.originator_present ? a->key.originator_id : 0,
				      .as_path = attrs_path(a),
				      .communities = a->communities,
				      .community_count = a->key.community_count,
				      .extra = attrs_extra(a),
				      .stale = stale};

	fn(ctx, &route);
}

void bgp_adj_rib_in(const struct bgp_speaker *s, bgp_peer_id peer, bgp_adj_route_fn *fn, void *ctx)
{
	struct prefix_node **all = prefix_map_sorted(&s->routes);

	for (size_t i = 0; i < s->routes.count; i++) {
		const struct route *r = (const struct route *)(const void *)all[i];

		for (const struct path *p = r->paths; p != NULL; p = p->next)
			if (p->peer->id == peer)
				tell(&r->node.prefix, p->attrs, p->stale, fn, ctx);
	}
	free(all);
}

void bgp_adj_rib_out(const struct bgp_speaker *s, bgp_peer_id peer, bgp_adj_route_fn *fn, void *ctx)
{
	const struct prefix_map *m = &s->peers.at[peer]->sent;
	struct prefix_node **all = prefix_map_sorted(m);

	for (size_t i = 0; i < m->count; i++) {
		const struct sent *sent = (const struct sent *)(const void *)all[i];

		tell(&sent->node.prefix, sent->attrs, false, fn, ctx);
	}
	free(all);
}
