/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The decision process (RFC 4271 section 9.1), step by step over the set of a prefix's paths.
 *
 *   9.1.1    degree of preference: LOCAL_PREF from inside, DEFAULT_LOCAL_PREF for the rest; the highest stays
 *   9.1.2    a route with our own AS in its path, or to a next hop of ours, is not feasible: routes_in.c keeps it out
 *   9.1.2.1  every other next hop counts as reachable: a lab's routers have them on the link
 *   9.1.2.2  a) fewest hops in AS_PATH
 *            b) lowest ORIGIN
 *            c) lowest MULTI_EXIT_DISC among paths of one neighbouring AS; none counts as 0
 *            d) external before internal
 *            e) interior cost: all are equal here
 *            f) lowest BGP Identifier, ORIGINATOR_ID in its place where there is one (RFC 4456 section 9)
 *            g) lowest peer address
 *
 * The paths that f) and g) have to choose from are equally good: they are the multipath group. Without multipath_relax
 * its AS_PATHs must be those of the best. */
#include "bgp_int.h"

#include <stdlib.h>

/* Steps that leave the paths with the smallest key. */
static uint32_t unlike_preferred(const struct path *p)
{
	return UINT32_MAX - (p->attrs->key.local_pref_present ? p->attrs->key.local_pref : DEFAULT_LOCAL_PREF);
}

static uint32_t long_lived_stale(const struct path *p)
{
	return attrs_has_community(p->attrs, LLGR_STALE);
}

static uint32_t hops(const struct path *p)
{
	return p->attrs->hops;
}

static uint32_t origin(const struct path *p)
{
	return p->attrs->key.origin;
}

static uint32_t internal(const struct path *p)
{
	return p->peer->conf.remote_as == p->peer->conf.local_as;
}

static void keep_smallest(struct bgp_speaker *s, uint32_t (*key)(const struct path *p))
{
	uint32_t smallest = UINT32_MAX;
	size_t kept = 0;

	for (size_t i = 0; i < s->candidates.len; i++)
		smallest = key(s->candidates.at[i]) < smallest ? key(s->candidates.at[i]) : smallest;
	for (size_t i = 0; i < s->candidates.len; i++)
		if (key(s->candidates.at[i]) == smallest)
			s->candidates.at[kept++] = s->candidates.at[i];
	s->candidates.len = kept;
}

static int by_neighbor_and_med(const void *a, const void *b)
{
	const struct path *const *x = a, *const *y = b;
	const struct attrs *p = (*x)->attrs, *q = (*y)->attrs;

	if (p->neighbor_as != q->neighbor_as)
		return p->neighbor_as < q->neighbor_as ? -1 : 1;
	return (p->key.med > q->key.med) - (p->key.med < q->key.med);
}

static bool meds_differ(const struct bgp_speaker *s)
{
	for (size_t i = 1; i < s->candidates.len; i++)
		if (s->candidates.at[i]->attrs->key.med != s->candidates.at[0]->attrs->key.med)
			return true;
	return false;
}

/* Step c: sorted, the first path of each neighbour has the lowest MED of its kind. */
static void keep_lowest_meds(struct bgp_speaker *s)
{
	const struct attrs *lowest;
	size_t kept = 0;

	if (!meds_differ(s))
		return;
	qsort(s->candidates.at, s->candidates.len, sizeof(struct path *), by_neighbor_and_med);
	lowest = s->candidates.at[0]->attrs;
	for (size_t i = 0; i < s->candidates.len; i++) {
		const struct attrs *a = s->candidates.at[i]->attrs;

		if (a->neighbor_as != lowest->neighbor_as)
			lowest = a;
		if (a->key.med == lowest->key.med)
			s->candidates.at[kept++] = s->candidates.at[i];
	}
	s->candidates.len = kept;
}

static uint32_t identifier(const struct path *p)
{
	return p->attrs->key.originator_present ? p->attrs->key.originator_id : p->peer->remote_id;
}

/* Steps f and g; peers' addresses differ, so that there is always one best. */
static int by_identifier(const void *a, const void *b)
{
	const struct path *const *x = a, *const *y = b;
	uint32_t p = identifier(*x), q = identifier(*y);

	if (p != q)
		return p < q ? -1 : 1;
	return addr_compare(&(*x)->peer->conf.remote, &(*y)->peer->conf.remote);
}

static bool same_path(const struct attrs *a, const struct attrs *b)
{
	struct wire_in x = attrs_path(a), y = attrs_path(b);

	return wire_left(&x) == wire_left(&y) && (wire_left(&x) == 0 || memcmp(x.at, y.at, wire_left(&x)) == 0);
}

/* Whether a path may share with the n chosen ones, the first of them the best. */
static bool may_share(const struct bgp_speaker *s, size_t n, const struct path *p)
{
	if (!s->conf.multipath_relax && !same_path(s->candidates.at[0]->attrs, p->attrs))
		return false;
	for (size_t i = 0; i < n; i++)
		if (addr_equal(&s->candidates.at[i]->attrs->key.next_hop, &p->attrs->key.next_hop))
			return false;
	return true;
}

static size_t choose_group(struct bgp_speaker *s)
{
	size_t most = s->conf.max_paths > 1 ? s->conf.max_paths : 1, n = 1;

	for (size_t i = 1; i < s->candidates.len && n < most; i++)
		if (may_share(s, n, s->candidates.at[i]))
			s->candidates.at[n++] = s->candidates.at[i];
	return n;
}

size_t decide(struct bgp_speaker *s, const struct route *r)
{
	VEC_CLEAR(&s->candidates);
	for (const struct path *p = r->paths; p != NULL; p = p->next)
		VEC_PUSH(&s->candidates, p);
	if (s->candidates.len == 0)
		return 0;
	keep_smallest(s, long_lived_stale);						  /* RFC 9494 section 4.3 */
	keep_smallest(s, unlike_preferred);						  /* 9.1.1 */
	keep_smallest(s, hops);								  /* a */
	keep_smallest(s, origin);							  /* b */
	keep_lowest_meds(s);								  /* c */
	keep_smallest(s, internal);							  /* d, e */
	qsort(s->candidates.at, s->candidates.len, sizeof(struct path *), by_identifier); /* f, g */
	return choose_group(s);
}
