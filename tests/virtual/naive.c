/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 4271 section 9.1 once more, written for shortness from the RFC's text: over the adj-ribs-in as they are, everything
 * compared with everything. */
#include "naive.h"

#include <limits.h>
#include <string.h>

#define LLGR_STALE 0xffff0006U

uint32_t naive_preference(const struct row *r)
{
	return r->local_pref_present ? r->local_pref : 100;
}

static const struct plan_node *node_of(const struct player *p, bgp_peer_id peer)
{
	const struct plan *plan = p->world->plan;

	return &plan->nodes[session_other(&plan->sessions.at[p->peers[peer]], p->index)];
}

bool naive_inside(const struct player *p, bgp_peer_id peer)
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
	return row_has(a, LLGR_STALE) && !row_has(b, LLGR_STALE);
}

static bool less_preferred(const struct player *p, const struct row *a, const struct row *b)
{
	(void)p;
	return naive_preference(a) < naive_preference(b);
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
	return naive_inside(p, a->peer) && !naive_inside(p, b->peer);
}

static step_fn *const steps[] = {less_long_lived, less_preferred, longer, worse_origin, worse_med, from_inside};

static unsigned int index_of(const struct player *p, const struct row *r)
{
	return session_other(&p->world->plan->sessions.at[p->peers[r->peer]], p->index);
}

/* Steps f and g: identifiers and addresses ascend with the nodes' numbers, but IPv4 is before IPv6; of one peer's paths
 * the lowest identifier. */
static bool goes_before(const struct player *p, const struct row *a, const struct row *b)
{
	if (a->peer == b->peer)
		return a->path_id < b->path_id;
	return index_of(p, a) < index_of(p, b);
}

static size_t gather(const struct player *p, const struct ribs *ribs, const struct prefix *prefix,
		     const struct row *ret[static PATHS_MAX])
{
	size_t n = 0;

	for (bgp_peer_id peer = 0; peer < p->peer_count; peer++) {
		size_t count;
		const struct row *first = rows_find(&ribs->in[p->index][peer], prefix, &count);

		for (size_t i = 0; i < count && n < PATHS_MAX; i++)
			ret[n++] = &first[i];
	}
	return n;
}

size_t naive_eligible(const struct player *p, const struct ribs *ribs, const struct prefix *prefix,
		      const struct row *ret[static PATHS_MAX])
{
	size_t n = gather(p, ribs, prefix, ret);

	for (size_t k = 0; k < sizeof(steps) / sizeof(steps[0]); k++) {
		bool out[PATHS_MAX] = {false};
		size_t kept = 0;

		for (size_t i = 0; i < n; i++)
			for (size_t j = 0; j < n; j++)
				out[i] |= steps[k](p, ret[i], ret[j]);
		for (size_t i = 0; i < n; i++)
			if (!out[i])
				ret[kept++] = ret[i];
		n = kept;
	}
	for (size_t i = 1; i < n; i++)
		for (size_t j = i; j > 0 && goes_before(p, ret[j], ret[j - 1]); j--) {
			const struct row *swap = ret[j];

			ret[j] = ret[j - 1];
			ret[j - 1] = swap;
		}
	return n;
}

size_t naive_all(const struct player *p, const struct ribs *ribs, const struct prefix *prefix,
		 const struct row *ret[static PATHS_MAX])
{
	return gather(p, ribs, prefix, ret);
}

/* The next hops that share, best first. */
static size_t multipath(const struct player *p, const struct row *const *routes, size_t n,
			struct addr ret[static HOPS_MAX])
{
	const struct plan_node *node = &p->world->plan->nodes[p->index];
	size_t most = node->max_paths > 1 ? node->max_paths : 1, count = 0;

	for (size_t i = 0; i < n && count < most && count < HOPS_MAX; i++) {
		bool same = routes[i]->hops == routes[0]->hops &&
			    memcmp(routes[i]->path, routes[0]->path, sizeof(routes[0]->path)) == 0;
		bool known = false;

		for (size_t k = 0; k < count; k++)
			known |= addr_equal(&ret[k], &routes[i]->next_hop);
		if ((same || node->relax != 0) && !known)
			ret[count++] = routes[i]->next_hop;
	}
	return count;
}

struct loc_rib {
	VEC(struct told) list; /* by number of the prefix */
	bool odd;
};

static void take(void *ctx, const struct prefix *prefix, const struct addr *hops, size_t n)
{
	struct loc_rib *l = ctx;
	unsigned int number = plan_prefix_number(prefix);

	l->odd |= number == UINT_MAX || n > HOPS_MAX;
	if (l->odd)
		return;
	while (l->list.len <= number)
		VEC_PUSH(&l->list, (struct told){0});
	l->list.at[number].n = n;
	for (size_t i = 0; i < n; i++)
		l->list.at[number].hops[i] = hops[i];
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

static bool check_prefix(struct world *w, const struct ribs *ribs, const struct player *p, unsigned int number,
			 const struct told *found)
{
	const struct row *routes[PATHS_MAX];
	struct addr hops[HOPS_MAX];
	struct prefix prefix = plan_prefix(number);
	size_t n = multipath(p, routes, naive_eligible(p, ribs, &prefix, routes), hops);

	if (found->n != n)
		return world_fails(w, "node %u: %s has %zu next hops in the loc-rib, computed anew %zu", p->index,
				   prefix_text(&prefix).s, found->n, n);
	if (!same_set(found->hops, hops, n))
		return world_fails(w, "node %u: the next hops of %s in the loc-rib are not those computed anew",
				   p->index, prefix_text(&prefix).s);
	return true;
}

bool check_decisions(struct world *w, const struct ribs *ribs)
{
	static const struct told none;
	unsigned int end = world_prefixes(w);

	for (unsigned int i = 0; i < w->plan->node_count && w->verdict->ok; i++) {
		struct loc_rib l = {0};

		bgp_loc_rib(w->players[i].engine, take, &l);
		if (l.odd || l.list.len > end)
			(void)world_fails(w, "node %u has a prefix in the loc-rib that nobody originates", i);
		for (unsigned int k = 0; k < end && w->verdict->ok; k++)
			(void)check_prefix(w, ribs, &w->players[i], k, k < l.list.len ? &l.list.at[k] : &none);
		VEC_FREE(&l.list);
	}
	return w->verdict->ok;
}
