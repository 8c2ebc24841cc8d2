/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The decision process (RFC 4271 section 9.1), step by step over the set of a prefix's paths.
 *
 *   9.1.1    degree of preference: LOCAL_PREF from inside, DEFAULT_LOCAL_PREF for the rest; the highest stays
 *   9.1.2    a route with our own AS in its path, or to a next hop of ours, is not feasible: routes_in.c keeps it out
 *   9.1.2.1  every other next hop counts as reachable: a lab's routers have them on the link
 *   9.1.2.2  a) fewest hops in AS_PATH
 *            b) lowest ORIGIN: until here it is the rank that attrs.c gives each set
 *            c) lowest MULTI_EXIT_DISC among paths of one neighbouring AS, or of all; none counts as 0
 *            d) external before internal
 *            e) interior cost: all are equal here
 *            f) lowest BGP Identifier, ORIGINATOR_ID in its place where there is one; then the shortest CLUSTER_LIST
 *               (RFC 4456 section 9)
 *            g) lowest peer address; then the lowest path identifier, of one peer's paths
 *
 * The paths that f) and g) have to choose from are equally good: they are the multipath group. Without multipath_relax
 * its AS_PATHs must be those of the best. */
#include "bgp_int.h"

#include <stdlib.h>

#define WEIGHT_MAX 256U /* of the kernel's next hops */

/* ---- Steps until b: the candidates of the lowest rank ---- */

static void gather_lowest(struct bgp_speaker *s, struct route *r)
{
	struct path_walk walk = paths_of(r);
	uint64_t lowest = UINT64_MAX;
	const struct path *p;

	VEC_CLEAR(&s->candidates);
	while ((p = path_next(&s->paths, &walk)) != NULL) {
		const struct attrs *a = attrs_at(&s->attrs, p->attrs);

		if (a->rank > lowest)
			continue;
		if (a->rank < lowest)
			VEC_CLEAR(&s->candidates);
		lowest = a->rank;
		VEC_PUSH(&s->candidates, (struct candidate){a, source_at(&s->sources, p->source)});
	}
}

/* ---- c ---- */

static int by_neighbor_and_med(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->attrs->neighbor_as != y->attrs->neighbor_as)
		return x->attrs->neighbor_as < y->attrs->neighbor_as ? -1 : 1;
	return (x->attrs->key.med > y->attrs->key.med) - (x->attrs->key.med < y->attrs->key.med);
}

static bool meds_differ(const struct bgp_speaker *s)
{
	for (size_t i = 1; i < s->candidates.len; i++)
		if (s->candidates.at[i].attrs->key.med != s->candidates.at[0].attrs->key.med)
			return true;
	return false;
}

/* Sorted, the first path of each neighbour has the lowest MED of its kind. */
static void keep_lowest_of_neighbors(struct bgp_speaker *s)
{
	const struct attrs *lowest = NULL;
	size_t kept = 0;

	qsort(s->candidates.at, s->candidates.len, sizeof(*s->candidates.at), by_neighbor_and_med);
	for (size_t i = 0; i < s->candidates.len; i++) {
		const struct attrs *a = s->candidates.at[i].attrs;

		if (lowest == NULL || a->neighbor_as != lowest->neighbor_as)
			lowest = a;
		if (a->key.med == lowest->key.med)
			s->candidates.at[kept++] = s->candidates.at[i];
	}
	s->candidates.len = kept;
}

static void keep_lowest(struct bgp_speaker *s)
{
	uint32_t lowest = UINT32_MAX;
	size_t kept = 0;

	for (size_t i = 0; i < s->candidates.len; i++)
		lowest = s->candidates.at[i].attrs->key.med < lowest ? s->candidates.at[i].attrs->key.med : lowest;
	for (size_t i = 0; i < s->candidates.len; i++)
		if (s->candidates.at[i].attrs->key.med == lowest)
			s->candidates.at[kept++] = s->candidates.at[i];
	s->candidates.len = kept;
}

static void compare_meds(struct bgp_speaker *s)
{
	if (!meds_differ(s))
		return;
	if (s->conf.always_compare_med)
		keep_lowest(s);
	else
		keep_lowest_of_neighbors(s);
}

/* ---- d, e ---- */

static bool external(const struct candidate *c)
{
	return c->source->peer->conf.remote_as != c->source->peer->conf.local_as;
}

static void prefer_external(struct bgp_speaker *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->candidates.len; i++)
		if (external(&s->candidates.at[i]))
			s->candidates.at[kept++] = s->candidates.at[i];
	if (kept > 0)
		s->candidates.len = kept;
}

/* ---- f, g ---- */

static uint32_t identifier(const struct candidate *c)
{
	return c->attrs->key.originator_present ? c->attrs->key.originator_id : c->source->peer->remote_id;
}

static int by_identifier(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	uint32_t p = identifier(x), q = identifier(y);
	int order;

	if (p != q)
		return p < q ? -1 : 1;
	if (x->attrs->key.clusters != y->attrs->key.clusters)
		return x->attrs->key.clusters < y->attrs->key.clusters ? -1 : 1;
	order = x->source->peer == y->source->peer
			? 0
			: addr_compare(&x->source->peer->conf.remote, &y->source->peer->conf.remote);
	if (order != 0)
		return order;
	return (x->source->path_id > y->source->path_id) - (x->source->path_id < y->source->path_id);
}

/* Puts the best to the front; orders the rest when the group can't take all. */
static void rank_rest(struct bgp_speaker *s, size_t most)
{
	size_t best = 0;

	if (s->candidates.len > most && most > 1) {
		qsort(s->candidates.at, s->candidates.len, sizeof(*s->candidates.at), by_identifier);
		return;
	}
	for (size_t i = 1; i < s->candidates.len; i++)
		if (by_identifier(&s->candidates.at[i], &s->candidates.at[best]) < 0)
			best = i;
	if (best > 0) {
		struct candidate first = s->candidates.at[0];

		s->candidates.at[0] = s->candidates.at[best];
		s->candidates.at[best] = first;
	}
}

/* ---- The multipath group ---- */

static bool same_path(const struct attrs *a, const struct attrs *b)
{
	struct wire_in x = attrs_path(a), y = attrs_path(b);

	return a == b ||
	       (wire_left(&x) == wire_left(&y) && (wire_left(&x) == 0 || memcmp(x.at, y.at, wire_left(&x)) == 0));
}

/* Each next hop counts once: that of the path which is better by f and g, so that arrival decides nothing. */
static size_t choose_group(struct bgp_speaker *s, size_t most)
{
	uint64_t mark = ++s->decision;
	size_t n = 1;

	s->candidates.at[0].attrs->hop->mark = mark;
	for (size_t i = 1; i < s->candidates.len && n < most; i++) {
		const struct candidate *c = &s->candidates.at[i];

		if (c->attrs->hop->mark == mark)
			continue;
		if (!s->conf.multipath_relax && !same_path(s->candidates.at[0].attrs, c->attrs))
			continue;
		c->attrs->hop->mark = mark;
		s->candidates.at[n++] = *c;
	}
	return n;
}

size_t decide(struct bgp_speaker *s, struct route *r)
{
	size_t most = s->conf.max_paths > 1 ? s->conf.max_paths : 1;

	gather_lowest(s, r);
	if (s->candidates.len < 2)
		return s->candidates.len;
	compare_meds(s);
	prefer_external(s);
	rank_rest(s, most);
	return choose_group(s, most);
}

/* ---- Weights ---- */

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
	while (b != 0) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* Bandwidths as weights: exactly in proportion where that fits, else the nearest to it. */
static void set_weights(struct bgp_speaker *s, uint64_t divisor, uint64_t highest)
{
	bool exact = highest / divisor <= WEIGHT_MAX;

	for (size_t i = 0; i < s->hop_members.len; i++) {
		uint64_t bandwidth = (uint64_t)s->candidates.at[i].attrs->key.bandwidth;
		uint64_t weight = exact ? bandwidth / divisor : (bandwidth * WEIGHT_MAX + highest / 2) / highest;

		s->hop_members.at[i].weight = (uint16_t)(weight > 0 ? weight : 1);
	}
}

uint32_t decide_hops(struct bgp_speaker *s, size_t n)
{
	uint64_t divisor = 0, highest = 0, lowest = UINT64_MAX;
	bool weighted;

	VEC_CLEAR(&s->hop_members);
	for (size_t i = 0; i < n; i++) {
		const struct attrs *a = s->candidates.at[i].attrs;
		uint64_t bandwidth;

		VEC_PUSH(&s->hop_members, (struct hop_member){a->hop, 1});
		bandwidth = (uint64_t)a->key.bandwidth;
		divisor = common_divisor(bandwidth, divisor);
		highest = bandwidth > highest ? bandwidth : highest;
		lowest = bandwidth < lowest ? bandwidth : lowest;
	}
	/* One link that does not tell its own makes the others' worthless; equal ones need no weights. */
	weighted = n > 1 && lowest > 0 && lowest != highest;
	if (weighted)
		set_weights(s, divisor, highest);
	return hop_group_intern(&s->hops, s->hop_members.at, n, weighted);
}
