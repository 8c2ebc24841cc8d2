/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of all paths. What an event touches is decided once, when the event has been handled as a whole. */
#include "bgp_int.h"

#include <stdlib.h>

#define OCTETS_A_PREFIX ((size_t)64)
#define AHEAD 8 /* how far before their use the table's slots are fetched */

static void touch(struct rib_table *t, uint32_t number)
{
	struct route *r = route_at(t, number);

	if ((r->flags & ROUTE_DIRTY) != 0)
		return;
	r->flags |= ROUTE_DIRTY;
	VEC_PUSH(&t->dirty, number);
}

/* ---- One path ---- */

static void path_set(struct bgp_speaker *s, struct path *path, const struct attrs *attrs)
{
	uint32_t before = path->attrs;

	path->attrs = attrs_ref(attrs_at(&s->attrs, attrs->number))->number;
	attrs_drop(s, before);
}

/* What a route of another family takes of what the peer may have us keep. */
static size_t octets_of(const struct bgp_speaker *s, const struct rib_table *t, uint32_t number)
{
	struct prefix prefix;
	struct wire_in nlri;

	if (!family_is_other(t->family))
		return 0;
	prefix = route_prefix(t, route_at(t, number));
	nlri = nlri_bytes(s, &prefix);
	return wire_left(&nlri);
}

static void path_gone(struct peer *p, struct rib_table *t, uint32_t number, struct path *path)
{
	struct bgp_speaker *s = p->speaker;
	uint32_t source = path->source;

	attrs_drop(s, path->attrs);
	path_remove(&s->paths, route_at(t, number), path);
	source_release(s, source);
	p->prefix_count--;
	p->nlri_octets -= octets_of(s, t, number);
	touch(t, number);
}

/* Three quarters of what is allowed are an occasion for a word, once a session. */
static void count_prefix(struct peer *p)
{
	struct conn *c = peer_established(p);

	p->prefix_count++;
	if (p->prefix_count < p->conf.max_prefixes - p->conf.max_prefixes / 4 || c == NULL || c->limit_near)
		return;
	c->limit_near = true;
	notice_error(p, c, "has announced %zu prefixes of the %u that it may", p->prefix_count,
		     (unsigned int)p->conf.max_prefixes);
}

static bool has_room(const struct peer *p, const struct rib_table *t, uint32_t number)
{
	return p->prefix_count < p->conf.max_prefixes &&
	       p->nlri_octets + octets_of(p->speaker, t, number) <= p->conf.max_prefixes * OCTETS_A_PREFIX;
}

/* An entry holds what its prefix stands for. */
static uint32_t entry_of(struct bgp_speaker *s, struct rib_table *t, const struct prefix *prefix)
{
	uint32_t before = t->count, number = route_add(t, s->hash_seed, prefix);

	if (t->count != before)
		nlri_hold(s, prefix);
	return number;
}

static bool announce(struct peer *p, const struct attrs *attrs, const struct wire_route *route)
{
	struct bgp_speaker *s = p->speaker;
	struct rib_table *t = &s->ribs[family_of(&route->prefix)];
	uint32_t number = entry_of(s, t, &route->prefix);
	uint32_t source = source_find(s, p, route->path_id);
	struct route *r = route_at(t, number);
	struct path *path = source != 0 ? path_find(&s->paths, r, source) : NULL;

	if (path == NULL) {
		if (!has_room(p, t, number)) {
			touch(t, number); /* it may be new and empty; settling frees it */
			return false;
		}
		source = source_intern(s, p, route->path_id);
		path_add(&s->paths, r,
			 (struct path){.attrs = attrs_ref(attrs_at(&s->attrs, attrs->number))->number,
				       .source = source & (UINT32_MAX >> 1)});
		count_prefix(p);
		p->nlri_octets += octets_of(s, t, number);
	} else {
		path->stale = false;
		if (path->attrs == attrs->number)
			return true;
		path_set(s, path, attrs);
	}
	touch(t, number);
	return true;
}

static void fetch_ahead(const struct bgp_speaker *s, const struct wire_route *routes, size_t i, size_t n)
{
	if (i + AHEAD < n)
		route_prefetch(&s->ribs[family_of(&routes[0].prefix)], s->hash_seed, &routes[i + AHEAD].prefix);
}

bool rib_announce(struct peer *p, const struct attrs *attrs, const struct wire_route *routes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		fetch_ahead(p->speaker, routes, i, n);
		if (!announce(p, attrs, &routes[i]))
			return false;
	}
	return true;
}

void rib_withdraw(struct peer *p, const struct wire_route *routes, size_t n)
{
	struct bgp_speaker *s = p->speaker;

	for (size_t i = 0; i < n; i++) {
		struct rib_table *t = &s->ribs[family_of(&routes[i].prefix)];
		uint32_t number, source = source_find(s, p, routes[i].path_id);
		struct path *path;

		fetch_ahead(s, routes, i, n);
		number = source != 0 ? route_find(t, s->hash_seed, &routes[i].prefix) : 0;
		path = number != 0 ? path_find(&s->paths, route_at(t, number), source) : NULL;
		if (path != NULL)
			path_gone(p, t, number, path);
	}
}

/* ---- All of a peer's paths of a family ---- */

typedef void each_path_fn(struct peer *p, struct rib_table *t, uint32_t number, struct path *path);

/* Calls fn for each path of the peer; it may remove that path. */
static void each_path(struct peer *p, enum family f, each_path_fn *fn)
{
	struct bgp_speaker *s = p->speaker;
	struct rib_table *t = &s->ribs[f];

	if (p->prefix_count == 0)
		return;
	for (uint32_t i = route_next(t, 0); i != 0; i = route_next(t, i)) {
		struct path_walk walk = paths_of(route_at(t, i));
		struct path *path;

		VEC_CLEAR(&s->own_sources);
		while ((path = path_next(&s->paths, &walk)) != NULL)
			if (source_at(&s->sources, path->source)->peer == p)
				VEC_PUSH(&s->own_sources, path->source);
		for (size_t k = 0; k < s->own_sources.len; k++)
			fn(p, t, i, path_find(&s->paths, route_at(t, i), s->own_sources.at[k]));
	}
}

static void make_stale(struct peer *p, struct rib_table *t, uint32_t number, struct path *path)
{
	(void)p;
	(void)t;
	(void)number;
	path->stale = true;
}

void rib_stale(struct peer *p, enum family f)
{
	each_path(p, f, make_stale);
}

static void remove_stale(struct peer *p, struct rib_table *t, uint32_t number, struct path *path)
{
	if (path->stale)
		path_gone(p, t, number, path);
}

void rib_sweep(struct peer *p, enum family f)
{
	each_path(p, f, remove_stale);
}

static void make_long_lived(struct peer *p, struct rib_table *t, uint32_t number, struct path *path)
{
	struct bgp_speaker *s = p->speaker;
	const struct attrs *a = attrs_at(&s->attrs, path->attrs);
	struct attrs *marked;

	if (!path->stale)
		return;
	if (attrs_has_community(a, NO_LLGR)) {
		path_gone(p, t, number, path);
		return;
	}
	if (attrs_has_community(a, LLGR_STALE))
		return;
	marked = attrs_with_community(s, a, LLGR_STALE);
	path_set(s, path, marked);
	attrs_release(s, marked);
	touch(t, number);
}

void rib_long_lived(struct peer *p, enum family f)
{
	each_path(p, f, make_long_lived);
}

void rib_own(struct bgp_speaker *s, const struct prefix *prefix, bool own)
{
	struct rib_table *t = &s->ribs[family_of(prefix)];
	uint32_t number = route_add(t, s->hash_seed, prefix);
	struct route *r = route_at(t, number);

	r->flags &= (uint8_t)~ROUTE_OWN;
	r->flags |= ROUTE_OWN_MOVED | (own ? ROUTE_OWN : 0);
	touch(t, number);
}

/* ---- Decisions ---- */

/* Tells the FIB of the group of n that decide() left, when it is another than before. */
static void take_hops(struct bgp_speaker *s, struct rib_table *t, struct route *r, size_t n)
{
	uint32_t hops = decide_hops(s, n);

	if (hops == r->hops) {
		hop_group_release(&s->hops, hops);
		return;
	}
	hop_group_release(&s->hops, r->hops);
	r->hops = hops;
	output_route(s, t, r);
}

static bool best_is(const struct route *r, const struct candidate *best)
{
	if (best->attrs == NULL)
		return r->best_attrs == 0;
	return r->best_attrs == best->attrs->number && r->best_source == best->source->number;
}

/* Passes a changed route on to whom it may concern, and keeps what is best now. */
static void pass_on(struct bgp_speaker *s, struct rib_table *t, uint32_t number, const struct candidate *best)
{
	struct route *r = route_at(t, number);
	bool own = (r->flags & ROUTE_OWN_MOVED) != 0, moved = own || (s->conf.readvertise && !best_is(r, best));
	uint32_t attrs = r->best_attrs, source = r->best_source;

	for (size_t i = 0; i < s->groups.len; i++)
		if (moved || (s->conf.readvertise && group_add_path(s->groups.at[i], t->family)))
			export_route(s->groups.at[i], t->family, number, best);
	if (best_is(r, best))
		return;
	r->best_attrs = best->attrs != NULL ? attrs_ref(attrs_at(&s->attrs, best->attrs->number))->number : 0;
	r->best_source = best->source != NULL ? best->source->number : 0;
	source_ref(s, r->best_source);
	attrs_drop(s, attrs);
	source_release(s, source);
}

static void settle_route(struct bgp_speaker *s, struct rib_table *t, uint32_t number)
{
	struct route *r = route_at(t, number);
	size_t n = decide(s, r);
	struct candidate best = {0};

	if (n > 0)
		best = s->candidates.at[0];
	if (!family_is_other(t->family)) /* no FIB knows the rest */
		take_hops(s, t, r, n);
	pass_on(s, t, number, &best);
	r->flags &= (uint8_t) ~(ROUTE_DIRTY | ROUTE_OWN_MOVED);
	if (n == 0 && (r->flags & ROUTE_OWN) == 0) {
		struct prefix prefix = route_prefix(t, r);

		route_remove(t, s->hash_seed, number);
		nlri_drop(s, &prefix);
	}
}

static void settle_table(struct bgp_speaker *s, struct rib_table *t)
{
	for (size_t i = 0; i < t->dirty.len; i++) {
		if (i + AHEAD < t->dirty.len)
			route_prefetch_gone(t, s->hash_seed, t->dirty.at[i + AHEAD]);
		settle_route(s, t, t->dirty.at[i]);
	}
	VEC_CLEAR(&t->dirty);
}

void rib_settle(struct bgp_speaker *s)
{
	if (s->deferring)
		return;
	for (enum family f = FAMILY_V4; f < s->family_end; f++)
		settle_table(s, &s->ribs[f]);
	for (size_t i = 0; s->queued && i < s->groups.len; i++)
		mrai_flush(s->groups.at[i]);
	s->queued = false;
}

void rib_free(struct bgp_speaker *s)
{
	for (enum family f = FAMILY_V4; f < FAMILY_COUNT; f++) {
		struct rib_table *t = &s->ribs[f];

		for (uint32_t i = route_next(t, 0); i != 0; i = route_next(t, i)) {
			struct route *r = route_at(t, i);
			struct path_walk walk = paths_of(r);
			struct prefix prefix = route_prefix(t, r);
			const struct path *path;

			nlri_drop(s, &prefix);
			while ((path = path_next(&s->paths, &walk)) != NULL) {
				attrs_drop(s, path->attrs);
				source_release(s, path->source);
			}
			attrs_drop(s, r->best_attrs);
			source_release(s, r->best_source);
			hop_group_release(&s->hops, r->hops);
		}
		rib_table_free(t);
	}
	path_pool_free(&s->paths);
}
