/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of all paths. What an event touches is decided once, when the event has been handled as a whole. */
#include "bgp_int.h"

#include <stdlib.h>

static struct route *route_of(struct prefix_node *node)
{
	return (struct route *)(void *)node;
}

static struct route *route_find(const struct bgp_speaker *s, const struct prefix *prefix)
{
	return route_of(prefix_map_get(&s->routes, s->hash_seed, prefix));
}

const struct route *rib_find(const struct bgp_speaker *s, const struct prefix *prefix)
{
	return route_find(s, prefix);
}

static struct route *route_get(struct bgp_speaker *s, const struct prefix *prefix)
{
	struct route *r = route_find(s, prefix);

	if (r == NULL) {
		r = memory_new(sizeof(*r));
		r->node.prefix = *prefix;
		prefix_map_add(&s->routes, s->hash_seed, &r->node);
	}
	return r;
}

static void route_touch(struct bgp_speaker *s, struct route *r)
{
	if (r->dirty)
		return;
	r->dirty = true;
	VEC_PUSH(&s->dirty, r);
}

/* Where the peer's path hangs, or the end of the list. */
static struct path **path_at(struct route *r, const struct peer *p)
{
	struct path **at = &r->paths;

	while (*at != NULL && (*at)->peer != p)
		at = &(*at)->next;
	return at;
}

bool rib_announce(struct peer *p, const struct prefix *prefix, struct attrs *attrs)
{
	struct bgp_speaker *s = p->speaker;
	struct route *r = route_get(s, prefix);
	struct path **at = path_at(r, p);

	if (*at == NULL && p->prefix_count >= p->conf.max_prefixes) {
		route_touch(s, r); /* it may be new and empty; settling frees it */
		return false;
	}
	if (*at == NULL) {
		*at = memory_new(sizeof(**at));
		(*at)->peer = p;
		p->prefix_count++;
	}
	(*at)->stale = false;
	if ((*at)->attrs == attrs)
		return true;
	attrs_release(&s->attrs, (*at)->attrs);
	(*at)->attrs = attrs_ref(attrs);
	route_touch(s, r);
	return true;
}

static void path_remove(struct bgp_speaker *s, struct route *r, struct path **at)
{
	struct path *gone = *at;

	*at = gone->next;
	if (r->best == gone)
		r->best = NULL;
	gone->peer->prefix_count--;
	attrs_release(&s->attrs, gone->attrs);
	free(gone);
	route_touch(s, r);
}

void rib_withdraw(struct peer *p, const struct prefix *prefix)
{
	struct route *r = route_find(p->speaker, prefix);
	struct path **at = r != NULL ? path_at(r, p) : NULL;

	if (at != NULL && *at != NULL)
		path_remove(p->speaker, r, at);
}

/* Removes the peer's paths, or its stale ones of a family. */
static void remove_paths(struct peer *p, bool stale_only, uint8_t family)
{
	struct bgp_speaker *s = p->speaker;
	struct prefix_node **all;
	size_t n = s->routes.count;

	if (p->prefix_count == 0)
		return;
	all = prefix_map_sorted(&s->routes);
	for (size_t i = 0; i < n; i++) {
		struct route *r = route_of(all[i]);
		struct path **at = path_at(r, p);

		if (*at == NULL)
			continue;
		if (!stale_only || ((*at)->stale && r->node.prefix.addr.family == family))
			path_remove(s, r, at);
	}
	free(all);
}

void rib_drop_peer(struct peer *p)
{
	remove_paths(p, false, ADDR_NONE);
}

void rib_refresh_begin(struct peer *p, uint8_t family)
{
	const struct prefix_map *m = &p->speaker->routes;

	for (size_t i = 0; i < m->size; i++) {
		for (struct prefix_node *n = m->buckets[i]; n != NULL; n = n->next) {
			struct path *path = *path_at(route_of(n), p);

			if (path != NULL && n->prefix.addr.family == family)
				path->stale = true;
		}
	}
}

void rib_refresh_end(struct peer *p, uint8_t family)
{
	remove_paths(p, true, family);
}

/* The set with LLGR_STALE, a reference. */
static struct attrs *marked_stale(struct bgp_speaker *s, const struct attrs *a)
{
	struct attrs_spec spec;

	memset(&spec, 0, sizeof(spec));
	spec.key = a->key;
	spec.path = attrs_path(a).at;
	spec.extra = attrs_extra(a).at;
	VEC_CLEAR(&s->words);
	for (uint32_t i = 0; i < a->key.community_count; i++)
		VEC_PUSH(&s->words, a->communities[i]);
	VEC_PUSH(&s->words, LLGR_STALE);
	spec.communities = s->words.at;
	spec.key.community_count = (uint32_t)s->words.len;
	return attrs_intern(&s->attrs, s->hash_seed, &spec);
}

void rib_long_lived(struct peer *p, uint8_t family)
{
	struct bgp_speaker *s = p->speaker;
	size_t n = s->routes.count;
	struct prefix_node **all = prefix_map_sorted(&s->routes);

	for (size_t i = 0; i < n; i++) {
		struct route *r = route_of(all[i]);
		struct path **at = path_at(r, p);
		struct attrs *before;

		if (*at == NULL || !(*at)->stale || r->node.prefix.addr.family != family)
			continue;
		before = (*at)->attrs;
		if (attrs_has_community(before, NO_LLGR)) {
			path_remove(s, r, at);
		} else if (!attrs_has_community(before, LLGR_STALE)) {
			(*at)->attrs = marked_stale(s, before);
			attrs_release(&s->attrs, before);
			route_touch(s, r);
		}
	}
	free(all);
}

static int by_address(const void *a, const void *b)
{
	return addr_compare(a, b);
}

/* The next hops of the group of n that decide() left; true when they are not those that were told. */
static bool take_hops(struct bgp_speaker *s, struct route *r, size_t n)
{
	VEC_CLEAR(&s->hops);
	for (size_t i = 0; i < n; i++)
		VEC_PUSH(&s->hops, s->candidates.at[i]->attrs->key.next_hop);
	if (n > 1)
		qsort(s->hops.at, n, sizeof(*s->hops.at), by_address);
	if (n == r->hop_count && (n == 0 || memcmp(s->hops.at, r->hops, n * sizeof(*r->hops)) == 0))
		return false;
	r->hops = memory_grow(r->hops, n > 0 ? n : 1, sizeof(*r->hops));
	if (n > 0)
		memcpy(r->hops, s->hops.at, n * sizeof(*r->hops));
	r->hop_count = n;
	return true;
}

/* Passes a changed best route on to whom it may concern. */
static void pass_on(struct bgp_speaker *s, struct route *r)
{
	uint64_t serial = r->best != NULL ? r->best->attrs->serial : 0;
	bgp_peer_id peer = r->best != NULL ? r->best->peer->id : 0;

	if (!s->conf.readvertise || (serial == r->told_serial && peer == r->told_peer))
		return;
	r->told_serial = serial;
	r->told_peer = peer;
	for (size_t i = 0; i < s->peers.len; i++)
		export_prefix(s->peers.at[i], &r->node.prefix, r);
}

static void route_free(struct bgp_speaker *s, struct route *r)
{
	prefix_map_remove(&s->routes, s->hash_seed, &r->node);
	free(r->hops);
	free(r);
}

void rib_settle(struct bgp_speaker *s)
{
	if (s->deferring)
		return;
	for (size_t i = 0; i < s->dirty.len; i++) {
		struct route *r = s->dirty.at[i];
		size_t n = decide(s, r);

		r->dirty = false;
		r->best = n > 0 ? s->candidates.at[0] : NULL;
		if (take_hops(s, r, n))
			output_route(s, r);
		pass_on(s, r);
		if (r->paths == NULL)
			route_free(s, r);
	}
	VEC_CLEAR(&s->dirty);
	for (size_t i = 0; s->queued && i < s->peers.len; i++)
		mrai_flush(s->peers.at[i]);
	s->queued = false;
}

void bgp_loc_rib(const struct bgp_speaker *s,
		 void (*fn)(void *ctx, const struct prefix *prefix, const struct addr *next_hops, size_t n), void *ctx)
{
	struct prefix_node **all = prefix_map_sorted(&s->routes);
	VEC(struct addr) hops = {0};

	for (size_t i = 0; i < s->routes.count; i++) {
		const struct route *r = route_of(all[i]);
		const struct addr *best;

		if (r->best == NULL) /* not decided on yet */
			continue;
		best = &r->best->attrs->key.next_hop;
		VEC_CLEAR(&hops);
		VEC_PUSH(&hops, *best);
		for (size_t k = 0; k < r->hop_count; k++)
			if (!addr_equal(&r->hops[k], best))
				VEC_PUSH(&hops, r->hops[k]);
		fn(ctx, &r->node.prefix, hops.at, hops.len);
	}
	VEC_FREE(&hops);
	free(all);
}

void rib_free(struct bgp_speaker *s)
{
	for (size_t i = 0; i < s->peers.len; i++)
		remove_paths(s->peers.at[i], false, ADDR_NONE);
	for (size_t i = 0; i < s->dirty.len; i++)
		route_free(s, s->dirty.at[i]);
	VEC_FREE(&s->dirty);
	prefix_map_free(&s->routes);
}
