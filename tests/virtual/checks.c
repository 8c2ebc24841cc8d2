/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must hold after a quiet time, seen from the sessions and their two ends. */
#include "rows.h"

#include <string.h>

/* ---- Rows ---- */

static void add_row(void *ctx, const struct bgp_adj_route *route)
{
	struct rows *rows = ctx;
	struct row *r = &rows->at[rows->len];
	struct wire_in path = route->as_path;
	struct wire_path_segment segment;

	if (rows->len == sizeof(rows->at) / sizeof(rows->at[0]))
		return;
	rows->len++;
	*r = (struct row){.prefix = route->prefix,
			  .next_hop = route->next_hop,
			  .origin = route->origin,
			  .med_present = route->med_present,
			  .med = route->med,
			  .local_pref_present = route->local_pref_present,
			  .local_pref = route->local_pref,
			  .originator_id = route->originator_id,
			  .extra = wire_left(&route->extra),
			  .stale = route->stale};
	r->odd = route->community_count > COMMUNITIES_MAX;
	while (!r->odd && r->communities < route->community_count) {
		r->community[r->communities] = route->communities[r->communities];
		r->communities++;
	}
	while (wire_path_next(&path, true, &segment)) {
		r->odd |= segment.type != WIRE_AS_SEQUENCE;
		while (wire_more(&segment.ases) && r->hops < PATH_MAX_HOPS)
			r->path[r->hops++] = wire_path_as(&segment);
	}
}

void rows_in(const struct player *p, bgp_peer_id peer, struct rows *ret)
{
	ret->len = 0;
	bgp_adj_rib_in(p->engine, peer, add_row, ret);
}

void rows_out(const struct player *p, bgp_peer_id peer, struct rows *ret)
{
	ret->len = 0;
	bgp_adj_rib_out(p->engine, peer, add_row, ret);
}

const struct row *rows_find(const struct rows *rows, const struct prefix *prefix)
{
	for (size_t i = 0; i < rows->len; i++)
		if (prefix_equal(&rows->at[i].prefix, prefix))
			return &rows->at[i];
	return NULL;
}

const char *rows_differ(const struct row *a, const struct row *b)
{
	if (a->odd || b->odd)
		return "more than expected";
	if (!addr_equal(&a->next_hop, &b->next_hop))
		return "next hop";
	if (a->origin != b->origin)
		return "ORIGIN";
	if (a->hops != b->hops || memcmp(a->path, b->path, sizeof(a->path)) != 0)
		return "AS_PATH";
	if (a->med_present != b->med_present || a->med != b->med)
		return "MED";
	if (a->local_pref_present != b->local_pref_present || a->local_pref != b->local_pref)
		return "LOCAL_PREF";
	if (a->communities != b->communities || memcmp(a->community, b->community, sizeof(a->community)) != 0)
		return "communities";
	return a->extra != b->extra ? "other attributes" : NULL;
}

bool row_passes_through(const struct row *r, uint32_t as)
{
	for (size_t i = 0; i < r->hops; i++)
		if (r->path[i] == as)
			return true;
	return false;
}

/* ---- Sessions ---- */

bool check_sessions(struct world *w)
{
	for (unsigned int i = 0; i < w->plan->node_count; i++) {
		const struct player *p = &w->players[i];
		int64_t still = instant_since(virtual_now(w->net), p->changed);

		for (bgp_peer_id k = 0; k < p->peer_count; k++)
			if (bgp_peer_state(p->engine, k) != BGP_ESTABLISHED)
				return world_fails(w, "node %u with node %u is %s, not Established", i,
						   session_other(&w->plan->sessions.at[p->peers[k]], i),
						   bgp_state_text(bgp_peer_state(p->engine, k)));
		if (still < SETTLED_S * NS_PER_S)
			return world_fails(w, "a session of node %u changed its state %.1f s before the end", i,
					   (double)still / 1e9);
		if (bgp_deferring(p->engine))
			return world_fails(w, "node %u still defers the selection of routes", i);
	}
	return true;
}

/* ---- Both ends of a session ---- */

/* RFC 4271 sections 9.1.2 and 6.3, RFC 7606 section 7.2, the profiles; LOCAL_PREF of an external peer is not looked at. */
static bool acceptable(const struct plan *plan, unsigned int from, const struct plan_session *s, struct row *r)
{
	unsigned int to = session_other(s, from);
	const struct plan_node *us = &plan->nodes[to];
	struct addr own = plan_address(to, s->family);
	bool external = us->as != plan->nodes[from].as;

	if (us->profile != BGP_PROFILE_STANDARD)
		return false;
	if (row_passes_through(r, us->as) || addr_equal(&r->next_hop, &own))
		return false;
	if (external && (r->hops == 0 || r->path[0] != plan->nodes[from].as))
		return false;
	if (external) {
		r->local_pref_present = false;
		r->local_pref = 0;
	}
	return true;
}

static bool compare_row(struct world *w, unsigned int from, const struct plan_session *s, const struct row *out,
			const struct rows *in)
{
	struct row want = *out;
	unsigned int to = session_other(s, from);
	const struct row *got = rows_find(in, &out->prefix);
	const char *what;

	if (!acceptable(w->plan, from, s, &want))
		return got == NULL || world_fails(w, "node %u has %s of node %u, which it must not use", to,
						  prefix_text(&out->prefix).s, from);
	if (got == NULL)
		return world_fails(w, "node %u told node %u of %s, which is not in its adj-rib-in", from, to,
				   prefix_text(&out->prefix).s);
	what = rows_differ(&want, got);
	if (what != NULL)
		return world_fails(w, "node %u told node %u of %s: the %s differs", from, to,
				   prefix_text(&out->prefix).s, what);
	return !got->stale ||
	       world_fails(w, "node %u: %s of node %u is still stale", to, prefix_text(&out->prefix).s, from);
}

static bool compare_session(struct world *w, unsigned int from, bgp_peer_id peer)
{
	const struct plan_session *s = &w->plan->sessions.at[w->players[from].peers[peer]];
	unsigned int to = session_other(s, from);
	bgp_peer_id back = 0;
	struct rows out, in;

	while (&w->plan->sessions.at[w->players[to].peers[back]] != s)
		back++;
	rows_out(&w->players[from], peer, &out);
	rows_in(&w->players[to], back, &in);
	for (size_t i = 0; i < out.len; i++)
		if (!compare_row(w, from, s, &out.at[i], &in))
			return false;
	for (size_t i = 0; i < in.len; i++)
		if (rows_find(&out, &in.at[i].prefix) == NULL)
			return world_fails(w, "node %u has %s of node %u, which does not tell it", to,
					   prefix_text(&in.at[i].prefix).s, from);
	return true;
}

bool check_adj_ribs(struct world *w)
{
	for (unsigned int i = 0; i < w->plan->node_count; i++)
		for (bgp_peer_id k = 0; k < w->players[i].peer_count; k++)
			if (!compare_session(w, i, k))
				return false;
	return true;
}

/* ---- What was told is what is there ---- */

struct told_check {
	struct world *w;
	const struct player *player;
	size_t count;
};

static bool has_hop(const struct addr *hops, size_t n, const struct addr *hop)
{
	for (size_t i = 0; i < n; i++)
		if (addr_equal(&hops[i], hop))
			return true;
	return false;
}

static void compare_told(void *ctx, const struct prefix *prefix, const struct addr *hops, size_t n)
{
	struct told_check *c = ctx;
	const struct told *told = NULL;
	bool same;

	for (size_t i = 0; i < c->player->routes.len; i++)
		if (prefix_equal(&c->player->routes.at[i].prefix, prefix))
			told = &c->player->routes.at[i];
	same = told != NULL && told->n == n;
	for (size_t i = 0; same && i < n; i++)
		same = has_hop(told->hops, told->n, &hops[i]);
	if (!same)
		(void)world_fails(c->w, "node %u: the next hops that it told of %s are not its loc-rib's",
				  c->player->index, prefix_text(prefix).s);
	c->count++;
}

bool check_told(struct world *w)
{
	for (unsigned int i = 0; i < w->plan->node_count; i++) {
		const struct player *p = &w->players[i];
		struct told_check c = {.w = w, .player = p};
		size_t standing = 0;

		bgp_loc_rib(p->engine, compare_told, &c);
		for (size_t k = 0; k < p->routes.len; k++)
			standing += p->routes.at[k].n > 0;
		if (w->verdict->ok && standing != c.count)
			return world_fails(w, "node %u told of %zu prefixes, its loc-rib has %zu", i, standing,
					   c.count);
	}
	return w->verdict->ok;
}
