/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The adj-ribs as tests see them; nothing of the engine looks at itself through this. */
#include "bgp_int.h"

#include <stdlib.h>

static void tell(const struct bgp_speaker *s, const struct prefix *prefix, uint32_t path_id, const struct attrs *a,
		 bool stale, bgp_adj_route_fn *fn, void *ctx)
{
	const struct bgp_family *family = &s->families[family_of(prefix)];
	struct bgp_adj_route route = {.afi = family->afi,
				      .safi = family->safi,
				      .prefix = *prefix,
				      .path_id = path_id,
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

	if (family_is_other(family_of(prefix))) {
		route.prefix = (struct prefix){0};
		route.nlri = a->key.nlri_len > 0 ? attrs_nlri(a) : nlri_bytes(s, prefix);
		route.hop = attrs_hop(a);
	}
	fn(ctx, &route);
}

static int by_path_id(const void *a, const void *b)
{
	const struct bgp_adj_route *x = a, *y = b;

	return (x->path_id > y->path_id) - (x->path_id < y->path_id);
}

struct gathering {
	const struct bgp_speaker *speaker;
	bgp_adj_route_fn *fn;
	void *ctx;
	VEC(struct bgp_adj_route) of_prefix;
};

static void gather(void *ctx, const struct bgp_adj_route *route)
{
	struct gathering *g = ctx;

	VEC_PUSH(&g->of_prefix, *route);
}

/* Routes of one prefix, ascending by path identifier. */
static void tell_gathered(struct gathering *g)
{
	if (g->of_prefix.len > 1)
		qsort(g->of_prefix.at, g->of_prefix.len, sizeof(*g->of_prefix.at), by_path_id);
	for (size_t i = 0; i < g->of_prefix.len; i++)
		g->fn(g->ctx, &g->of_prefix.at[i]);
	VEC_CLEAR(&g->of_prefix);
}

void bgp_adj_rib_in(const struct bgp_speaker *s, bgp_peer_id peer, bgp_adj_route_fn *fn, void *ctx)
{
	struct gathering g = {.speaker = s, .fn = fn, .ctx = ctx};

	for (enum family f = FAMILY_V4; f < FAMILY_COUNT; f++) {
		uint32_t *all = routes_sorted(&s->ribs[f]);

		for (size_t i = 0; all[i] != 0; i++) {
			struct route *r = route_at(&s->ribs[f], all[i]);
			struct prefix prefix = route_prefix(&s->ribs[f], r);
			struct path_walk walk = paths_of(r);
			const struct path *p;

			while ((p = path_next(&s->paths, &walk)) != NULL) {
				const struct source *from = source_at(&s->sources, p->source);

				if (from->peer->id == peer)
					tell(s, &prefix, from->path_id, attrs_at(&s->attrs, p->attrs), p->stale, gather,
					     &g);
			}
			tell_gathered(&g);
		}
		free(all);
	}
	VEC_FREE(&g.of_prefix);
}

static void tell_sent(void *ctx, const struct prefix *prefix, uint32_t path_id, const struct attrs *attrs)
{
	struct gathering *g = ctx;

	if (g->of_prefix.len > 0 && !prefix_equal(&g->of_prefix.at[0].prefix, prefix))
		tell_gathered(g);
	tell(g->speaker, prefix, path_id, attrs, false, gather, g);
}

void bgp_adj_rib_out(const struct bgp_speaker *s, bgp_peer_id peer, bgp_adj_route_fn *fn, void *ctx)
{
	struct gathering g = {.speaker = s, .fn = fn, .ctx = ctx};

	for (enum family f = FAMILY_V4; f < FAMILY_COUNT; f++)
		export_each(s->peers.at[peer], f, true, tell_sent, &g);
	tell_gathered(&g);
	VEC_FREE(&g.of_prefix);
}

static void tell_local(const struct bgp_speaker *s, enum family f, const struct route *r,
		       void (*fn)(void *ctx, const struct prefix *prefix, const struct addr *next_hops, size_t n),
		       void *ctx)
{
	const struct addr *best = &attrs_at(&s->attrs, r->best_attrs)->key.next_hop;
	const struct hop_group *group = hop_group_at(&s->hops, r->hops);
	struct prefix prefix = route_prefix(&s->ribs[f], r);
	VEC(struct addr) hops = {0};

	VEC_PUSH(&hops, *best);
	for (size_t k = 0; k < group->n; k++)
		if (!addr_equal(&group->addrs[k], best))
			VEC_PUSH(&hops, group->addrs[k]);
	fn(ctx, &prefix, hops.at, hops.len);
	VEC_FREE(&hops);
}

void bgp_loc_rib(const struct bgp_speaker *s,
		 void (*fn)(void *ctx, const struct prefix *prefix, const struct addr *next_hops, size_t n), void *ctx)
{
	for (enum family f = FAMILY_V4; f < FAMILY_OTHER; f++) {
		uint32_t *all = routes_sorted(&s->ribs[f]);

		for (size_t i = 0; all[i] != 0; i++)
			if (route_at(&s->ribs[f], all[i])->best_attrs != 0)
				tell_local(s, f, route_at(&s->ribs[f], all[i]), fn, ctx);
		free(all);
	}
}
