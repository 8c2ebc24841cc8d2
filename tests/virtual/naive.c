/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 4271 section 9.1 once more, written for shortness from the RFC's text: over the adj-ribs-in as they are, everything
 * compared with everything. */
#include "rows.h"

#include <string.h>

#define NO_EXPORT 0xffffff01U
#define NO_ADVERTISE 0xffffff02U
#define LLGR_STALE 0xffff0006U

static uint32_t preference(const struct row *r)
{
	return r->local_pref_present ? r->local_pref : 100;
}

static bool has_community(const struct row *r, uint32_t community)
{
	for (size_t i = 0; i < r->communities; i++)
		if (r->community[i] == community)
			return true;
	return false;
}

static const struct plan_node *node_of(const struct player *p, bgp_peer_id peer)
{
	const struct plan *plan = p->world->plan;

	return &plan->nodes[session_other(&plan->sessions.at[p->peers[peer]], p->index)];
}

static bool inside(const struct player *p, bgp_peer_id peer)
{
	return node_of(p, peer)->as == p->world->plan->nodes[p->index].as;
}

static uint32_t neighbor(const struct row *r)
{
	return r->hops > 0 ? r->path[0] : 0;
}

/* A step of the decision: true when b makes a ineligible. */
typedef bool step_fn(const struct player *p, const struct row *a, const struct row *b);

static bool less_long_lived(const struct player *p, const struct row *a, const struct row *b)
{
	(void)p;
	return has_community(a, LLGR_STALE) && !has_community(b, LLGR_STALE);
}

static bool less_preferred(const struct player *p, const struct row *a, const struct row *b)
{
	(void)p;
	return preference(a) < preference(b);
}

static bool longer(const struct player *p, const struct row *a, const struct row *b)
{
	(void)p;
	return a->hops > b->hops;
}

static bool worse_origin(const struct player *p, const struct row *a, const struct row *b)
{
	(void)p;
	return a->origin > b->origin;
}

static bool worse_med(const struct player *p, const struct row *a, const struct row *b)
{
	(void)p;
	return neighbor(a) == neighbor(b) && (a->med_present ? a->med : 0) > (b->med_present ? b->med : 0);
}

static bool from_inside(const struct player *p, const struct row *a, const struct row *b)
{
	return inside(p, a->peer) && !inside(p, b->peer);
}

static step_fn *const steps[] = {less_long_lived, less_preferred, longer, worse_origin, worse_med, from_inside};

static unsigned int index_of(const struct player *p, const struct row *r)
{
	return session_other(&p->world->plan->sessions.at[p->peers[r->peer]], p->index);
}

/* Steps f and g: identifiers and addresses ascend with the nodes' numbers, but IPv4 is before IPv6. */
static bool goes_before(const struct player *p, const struct row *a, const struct row *b)
{
	return index_of(p, a) < index_of(p, b);
}

/* The eligible routes of a prefix, best first. */
static size_t eligible(const struct player *p, const struct prefix *prefix, struct row ret[static NODES_MAX])
{
	size_t n = 0;

	for (bgp_peer_id peer = 0; peer < p->peer_count; peer++) {
		struct rows in;
		const struct row *r;

		rows_in(p, peer, &in);
		r = rows_find(&in, prefix);
		if (r == NULL)
			continue;
		ret[n] = *r;
		ret[n++].peer = peer;
	}
	for (size_t k = 0; k < sizeof(steps) / sizeof(steps[0]); k++) {
		bool out[NODES_MAX] = {false};
		size_t kept = 0;

		for (size_t i = 0; i < n; i++)
			for (size_t j = 0; j < n; j++)
				out[i] |= steps[k](p, &ret[i], &ret[j]);
		for (size_t i = 0; i < n; i++)
			if (!out[i])
				ret[kept++] = ret[i];
		n = kept;
	}
	for (size_t i = 1; i < n; i++)
		for (size_t j = i; j > 0 && goes_before(p, &ret[j], &ret[j - 1]); j--) {
			struct row swap = ret[j];

			ret[j] = ret[j - 1];
			ret[j - 1] = swap;
		}
	return n;
}

/* The next hops that share, best first. */
static size_t multipath(const struct player *p, const struct row *routes, size_t n, struct addr ret[static NODES_MAX])
{
	const struct plan_node *node = &p->world->plan->nodes[p->index];
	size_t count = 0;

	for (size_t i = 0; i < n && count < (node->max_paths > 1 ? node->max_paths : 1); i++) {
		bool same = routes[i].hops == routes[0].hops &&
			    memcmp(routes[i].path, routes[0].path, sizeof(routes[0].path)) == 0;
		bool known = false;

		for (size_t k = 0; k < count; k++)
			known |= addr_equal(&ret[k], &routes[i].next_hop);
		if ((same || node->relax != 0) && !known)
			ret[count++] = routes[i].next_hop;
	}
	return count;
}

struct found {
	struct prefix prefix;
	size_t n;
	struct addr hops[NODES_MAX];
};

struct loc_rib {
	struct found at[PREFIXES * 2];
	size_t len;
};

static void take(void *ctx, const struct prefix *prefix, const struct addr *hops, size_t n)
{
	struct loc_rib *l = ctx;
	struct found *f = &l->at[l->len];

	if (l->len == sizeof(l->at) / sizeof(l->at[0]))
		return;
	l->len++;
	f->prefix = *prefix;
	f->n = n;
	for (size_t i = 0; i < n && i < NODES_MAX; i++)
		f->hops[i] = hops[i];
}

static bool same_set(const struct addr *a, const struct addr *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool there = false;

		for (size_t k = 0; k < n; k++)
			there |= addr_equal(&a[i], &b[k]);
		if (!there)
			return false;
	}
	return n == 0 || addr_equal(&a[0], &b[0]);
}

static bool check_prefix(struct world *w, const struct player *p, const struct loc_rib *l, const struct prefix *prefix)
{
	struct row routes[NODES_MAX];
	struct addr hops[NODES_MAX];
	size_t n = multipath(p, routes, eligible(p, prefix, routes), hops);
	const struct found *f = NULL;

	for (size_t i = 0; i < l->len; i++)
		if (prefix_equal(&l->at[i].prefix, prefix))
			f = &l->at[i];
	if ((f != NULL ? f->n : 0) != n)
		return world_fails(w, "node %u: %s has %zu next hops in the loc-rib, computed anew %zu", p->index,
				   prefix_text(prefix).s, f != NULL ? f->n : 0, n);
	if (f != NULL && !same_set(f->hops, hops, n))
		return world_fails(w, "node %u: the next hops of %s in the loc-rib are not those computed anew",
				   p->index, prefix_text(prefix).s);
	return true;
}

bool check_decisions(struct world *w)
{
	for (unsigned int i = 0; i < w->plan->node_count; i++) {
		struct loc_rib l = {0};

		bgp_loc_rib(w->players[i].engine, take, &l);
		for (unsigned int k = 0; k < PREFIXES; k++) {
			struct prefix prefix = plan_prefix(k);

			if (!check_prefix(w, &w->players[i], &l, &prefix))
				return false;
		}
	}
	return true;
}

/* ---- What is passed on ---- */

static void prepend(struct row *r, uint32_t as)
{
	memmove(r->path + 1, r->path, sizeof(r->path) - sizeof(r->path[0]));
	r->path[0] = as;
	r->hops++;
}

static bool native(const struct plan_node *n)
{
	return n->profile == BGP_PROFILE_METALLB_LEGACY || n->profile == BGP_PROFILE_METALLB_NATIVE;
}

/* The profile announces nothing of a table that it can't. */
static bool own_table_holds(const struct player *p, unsigned int prefix)
{
	return (p->mask >> prefix & 1) != 0;
}

static struct row own_route(const struct player *p, unsigned int prefix, bgp_peer_id peer)
{
	const struct plan *plan = p->world->plan;
	const struct plan_node *us = &plan->nodes[p->index];
	struct row r = {.prefix = plan_prefix(prefix)};

	r.next_hop = plan_address(p->index, variant_next_hop(p->variant) ? (prefix < PREFIXES_V4 ? 4U : 6U)
									 : plan->sessions.at[p->peers[peer]].family);
	r.origin = us->profile == BGP_PROFILE_METALLB_LEGACY ? WIRE_ORIGIN_INCOMPLETE : WIRE_ORIGIN_IGP;
	r.med_present = us->profile == BGP_PROFILE_METALLB_FRR; /* 0, as FRR does for a network statement */
	r.communities = variant_communities(p->variant, r.community);
	memset(r.community + r.communities, 0, sizeof(r.community) - r.communities * sizeof(r.community[0]));
	if (inside(p, peer)) {
		r.local_pref_present = true;
		r.local_pref = variant_local_pref(p->variant) ? 200 : (native(us) ? 0 : 100);
	} else {
		prepend(&r, us->as);
	}
	return r;
}

/* False: the best route of others is not for this peer. */
static bool pass_on(const struct player *p, const struct row *best, bgp_peer_id peer, struct row *ret)
{
	const struct plan *plan = p->world->plan;

	if (best->peer == peer || (inside(p, best->peer) && inside(p, peer)) || has_community(best, NO_ADVERTISE))
		return false;
	*ret = *best;
	if (inside(p, peer)) {
		ret->local_pref = preference(best);
		ret->local_pref_present = true;
		return true;
	}
	if (has_community(best, NO_EXPORT))
		return false;
	prepend(ret, plan->nodes[p->index].as);
	ret->next_hop = plan_address(p->index, plan->sessions.at[p->peers[peer]].family);
	ret->med_present = ret->local_pref_present = false;
	ret->med = ret->local_pref = 0;
	return true;
}

static bool expected(const struct player *p, unsigned int prefix, bgp_peer_id peer, struct row *ret)
{
	const struct plan_node *us = &p->world->plan->nodes[p->index];
	struct prefix which = plan_prefix(prefix);
	struct row routes[NODES_MAX];

	if (own_table_holds(p, prefix)) {
		*ret = own_route(p, prefix, peer);
		if (ret->next_hop.family == which.addr.family)
			return true;
	}
	if (us->readvertise == 0 || eligible(p, &which, routes) == 0 || !pass_on(p, &routes[0], peer, ret))
		return false;
	return ret->next_hop.family == which.addr.family;
}

static bool check_export(struct world *w, const struct player *p, bgp_peer_id peer)
{
	unsigned int to = session_other(&w->plan->sessions.at[p->peers[peer]], p->index);
	struct rows out;

	rows_out(p, peer, &out);
	for (unsigned int i = 0; i < PREFIXES; i++) {
		struct prefix prefix = plan_prefix(i);
		const struct row *got = rows_find(&out, &prefix);
		struct row want;
		bool wanted = expected(p, i, peer, &want);
		const char *what = wanted && got != NULL ? rows_differ(&want, got) : NULL;

		if (wanted != (got != NULL))
			return world_fails(w, "node %u %s node %u of %s", p->index,
					   wanted ? "should tell" : "should not tell", to, prefix_text(&prefix).s);
		if (what != NULL)
			return world_fails(w, "node %u tells node %u of %s with another %s than it should", p->index,
					   to, prefix_text(&prefix).s, what);
	}
	return true;
}

bool check_exports(struct world *w)
{
	for (unsigned int i = 0; i < w->plan->node_count; i++)
		for (bgp_peer_id peer = 0; peer < w->players[i].peer_count; peer++)
			if (!check_export(w, &w->players[i], peer))
				return false;
	return true;
}
