/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a group should have of a route, what it has, and the difference (RFC 4271 section 9.1.3). */
#include "bgp_int.h"

#include <stdlib.h>

/* ---- What it should have ---- */

static bool family_open(const struct out_group *g, enum family f)
{
	if (family_is_other(f))
		return (g->key.others >> f & 1) != 0 && !g->key.denied;
	return (f == FAMILY_V6 ? g->key.ipv6 : g->key.ipv4) && !g->key.denied;
}

/* The peer that a path does not go back to; in a group of one it is the group that does not get it. */
static const struct peer *exception(const struct out_group *g, const struct source *source)
{
	const struct peer *p = source != NULL ? source->peer : NULL;

	return p != NULL && p->group == g ? p : NULL;
}

static struct attrs *wanted_learned(struct out_group *g, enum family f, const struct candidate *path)
{
	if (path == NULL || path->attrs == NULL || !g->speaker->conf.readvertise)
		return NULL;
	if (g->key.alone != 0 && exception(g, path->source) != NULL)
		return NULL;
	return export_attrs(g, f, path);
}

/* What we originate goes before what we learned. */
static struct attrs *wanted_own(struct out_group *g, enum family f, const struct route *r)
{
	struct prefix prefix;

	if ((r->flags & ROUTE_OWN) == 0)
		return NULL;
	prefix = route_prefix(&g->speaker->ribs[f], r);
	return originate_attrs(g, &prefix);
}

/* ---- One path a prefix ---- */

static void queue(struct out_group *g, const struct change *change)
{
	if (g->filling) {
		attrs_release(g->speaker, change->attrs);
		return;
	}
	g->speaker->queued = true;
	nlri_hold(g->speaker, &change->prefix);
	VEC_PUSH(&g->changes, *change);
}

/* Number of the attributes that the group should have, a reference, with SENT_OWN. */
static uint32_t wanted(struct out_group *g, enum family f, const struct route *r, const struct candidate *best)
{
	struct attrs *own = family_open(g, f) ? wanted_own(g, f, r) : NULL;
	struct attrs *a = own == NULL && family_open(g, f) ? wanted_learned(g, f, best) : own;

	return a == NULL ? 0 : a->number | (own != NULL ? SENT_OWN : 0);
}

static void export_best(struct out_group *g, enum family f, uint32_t route, const struct candidate *best)
{
	struct bgp_speaker *s = g->speaker;
	struct route *r = route_at(&s->ribs[f], route);
	uint32_t want = wanted(g, f, r, best), have = group_sent_at(g, f, route);
	const struct source *before = r->best_source != 0 ? source_at(&s->sources, r->best_source) : NULL;
	struct change change = {.had = have != 0, .same = want == have};

	if (have != 0 && (have & SENT_OWN) == 0 && g->key.alone == 0)
		change.came_from = exception(g, before);
	if (want != 0 && (want & SENT_OWN) == 0 && g->key.alone == 0)
		change.comes_from = exception(g, best->source);
	if (want == have && change.came_from == change.comes_from) {
		attrs_drop(s, want & ~SENT_OWN);
		return;
	}
	change.prefix = route_prefix(&s->ribs[f], r);
	change.attrs = want != 0 ? attrs_ref(attrs_at(&s->attrs, want & ~SENT_OWN)) : NULL;
	queue(g, &change);
	*group_sent(g, f, route) = want;
	attrs_drop(s, have & ~SENT_OWN);
}

/* ---- All paths of a prefix (RFC 7911) ---- */

static uint32_t sent_path_new(struct out_group *g)
{
	uint32_t number = g->free_path;

	if (number != 0) {
		g->free_path = g->sent_paths.at[number].next;
		return number;
	}
	VEC_PUSH(&g->sent_paths, (struct sent_path){0});
	return (uint32_t)g->sent_paths.len - 1;
}

static uint32_t sent_path_find(const struct out_group *g, uint32_t first, uint32_t source)
{
	while (first != 0 && g->sent_paths.at[first].source != source)
		first = g->sent_paths.at[first].next;
	return first;
}

/* Takes over a path that the group should have, with a reference, and queues what that changes. */
static void take_path(struct out_group *g, enum family f, uint32_t route, struct attrs *attrs, uint32_t source)
{
	struct bgp_speaker *s = g->speaker;
	uint32_t *first = group_sent(g, f, route), number = sent_path_find(g, *first, source);
	bool had = number != 0;
	struct sent_path *sent;
	struct change change = {.had = had, .path_id = source};

	if (!had) {
		number = sent_path_new(g);
		g->sent_paths.at[number] = (struct sent_path){.source = source, .next = *first};
		source_ref(s, source);
		*first = number;
	}
	sent = &g->sent_paths.at[number];
	sent->wanted = true;
	if (had && sent->attrs == attrs->number) {
		attrs_release(s, attrs);
		return;
	}
	attrs_drop(s, sent->attrs);
	sent->attrs = attrs->number;
	change.prefix = route_prefix(&s->ribs[f], route_at(&s->ribs[f], route));
	change.attrs = attrs_ref(attrs);
	change.came_from = change.comes_from = exception(g, source_at(&s->sources, source));
	queue(g, &change);
}

/* Withdraws the paths that nobody wanted. */
static void drop_unwanted(struct out_group *g, enum family f, uint32_t route)
{
	struct bgp_speaker *s = g->speaker;
	struct prefix prefix = route_prefix(&s->ribs[f], route_at(&s->ribs[f], route));
	uint32_t *at = group_sent(g, f, route);

	while (*at != 0) {
		struct sent_path *sent = &g->sent_paths.at[*at];
		const struct peer *from = exception(g, source_at(&s->sources, sent->source));
		uint32_t number = *at;

		if (sent->wanted) {
			sent->wanted = false;
			at = &sent->next;
			continue;
		}
		queue(g, &(struct change){.had = true,
					  .path_id = sent->source,
					  .prefix = prefix,
					  .came_from = from,
					  .comes_from = from});
		attrs_drop(s, sent->attrs);
		source_release(s, sent->source);
		*at = sent->next;
		g->sent_paths.at[number].next = g->free_path;
		g->free_path = number;
	}
}

static void export_paths(struct out_group *g, enum family f, uint32_t route)
{
	struct bgp_speaker *s = g->speaker;
	struct route *r = route_at(&s->ribs[f], route);
	struct attrs *own = family_open(g, f) ? wanted_own(g, f, r) : NULL;
	struct path_walk walk = paths_of(r);
	const struct path *p;

	if (own != NULL)
		take_path(g, f, route, own, SOURCE_LOCAL);
	while (family_open(g, f) && (p = path_next(&s->paths, &walk)) != NULL) {
		struct candidate c = {attrs_at(&s->attrs, p->attrs), source_at(&s->sources, p->source)};
		struct attrs *a = wanted_learned(g, f, &c);

		if (a != NULL)
			take_path(g, f, route, a, p->source);
	}
	drop_unwanted(g, f, route);
}

void export_route(struct out_group *g, enum family f, uint32_t route, const struct candidate *best)
{
	if (group_add_path(g, f))
		export_paths(g, f, route);
	else
		export_best(g, f, route, best);
}

/* ---- Whole tables ---- */

void export_fill(struct out_group *g)
{
	struct bgp_speaker *s = g->speaker;

	g->filling = true;
	for (enum family f = FAMILY_V4; f < FAMILY_COUNT; f++) {
		for (uint32_t i = route_next(&s->ribs[f], 0); i != 0; i = route_next(&s->ribs[f], i)) {
			const struct route *r = route_at(&s->ribs[f], i);
			struct candidate best = {0};

			if (r->best_attrs != 0)
				best = (struct candidate){attrs_at(&s->attrs, r->best_attrs),
							  source_at(&s->sources, r->best_source)};
			export_route(g, f, i, &best);
		}
	}
	g->filling = false;
}

static void each_of(struct peer *p, enum family f, uint32_t route, sent_fn *fn, void *ctx)
{
	struct out_group *g = p->group;
	struct bgp_speaker *s = g->speaker;
	const struct route *r = route_at(&s->ribs[f], route);
	struct prefix prefix = route_prefix(&s->ribs[f], r);
	uint32_t sent = group_sent_at(g, f, route);
	const struct source *from = r->best_source != 0 ? source_at(&s->sources, r->best_source) : NULL;

	if (!group_add_path(g, f)) {
		if (sent != 0 && ((sent & SENT_OWN) != 0 || exception(g, from) != p))
			fn(ctx, &prefix, 0, attrs_at(&s->attrs, sent & ~SENT_OWN));
		return;
	}
	for (; sent != 0; sent = g->sent_paths.at[sent].next) {
		const struct sent_path *path = &g->sent_paths.at[sent];

		if (exception(g, source_at(&s->sources, path->source)) != p)
			fn(ctx, &prefix, path->source, attrs_at(&s->attrs, path->attrs));
	}
}

void export_each(struct peer *p, enum family f, bool sorted, sent_fn *fn, void *ctx)
{
	const struct rib_table *t = &p->speaker->ribs[f];
	uint32_t *all = sorted ? routes_sorted(t) : NULL;

	if (p->group == NULL) {
		free(all);
		return;
	}
	for (size_t i = 0; sorted && all[i] != 0; i++)
		each_of(p, f, all[i], fn, ctx);
	for (uint32_t i = route_next(t, 0); !sorted && i != 0; i = route_next(t, i))
		each_of(p, f, i, fn, ctx);
	free(all);
}

/* ---- Sessions that come, ask and go ---- */

static void collect(void *ctx, const struct prefix *prefix, uint32_t path_id, const struct attrs *attrs)
{
	struct bgp_speaker *s = ctx;

	VEC_PUSH(&s->told,
		 (struct change){.prefix = *prefix, .path_id = path_id, .attrs = attrs_at(&s->attrs, attrs->number)});
}

/* MinRouteAdvertisementIntervalTimer counts from here, too. */
static void send_all(struct peer *p, enum family f)
{
	struct bgp_speaker *s = p->speaker;

	VEC_CLEAR(&s->told);
	export_each(p, f, false, collect, s);
	updates_send(p, s->told.at, s->told.len);
	if (s->told.len > 0 && p->conf.session.mrai_s > 0)
		timer_mrai_start(p);
	VEC_FREE(&s->told);
}

void export_initial(struct peer *p)
{
	struct conn *to = peer_established(p);

	group_join(p);
	for (enum family f = FAMILY_V4; f < FAMILY_COUNT; f++)
		send_all(p, f);
	if (!p->quirks->end_of_rib)
		return;
	for (enum family f = FAMILY_V4; f < FAMILY_COUNT; f++)
		if (family_agreed(to, f))
			updates_end_of_rib(to, f);
}

static void send_refresh(struct conn *to, enum family f, uint8_t subtype)
{
	struct wire_family family = family_wire(to->peer->speaker, f, 0);
	struct wire_refresh refresh = {.afi = family.afi, .subtype = subtype, .safi = family.safi};
	uint8_t bytes[64];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));

	if (!to->enhanced_refresh)
		return;
	wire_refresh_encode(&out, &refresh);
	output_send(to, bytes, out.len);
}

void export_refresh(struct peer *p, enum family f)
{
	struct conn *to = peer_established(p);

	if (p->group == NULL)
		return;
	send_refresh(to, f, 1);
	send_all(p, f);
	updates_flush(p->group); /* what an interval kept back */
	send_refresh(to, f, 2);
}

void export_again(struct peer *p)
{
	if (p->group == NULL)
		return;
	updates_flush(p->group);
	group_leave(p);
	group_join(p);
	for (enum family f = FAMILY_V4; f < FAMILY_COUNT; f++)
		send_all(p, f);
}

void export_clear(struct peer *p)
{
	p->mrai_due = INSTANT_NEVER;
	group_leave(p);
}
