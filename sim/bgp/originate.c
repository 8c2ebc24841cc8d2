/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes of our own: staged, committed, and what each peer gets of them. */
#include "bgp_int.h"

#include <stdlib.h>

/* ---- The tables ---- */

/* By prefix, and the caller's order within one. */
static int by_prefix(const void *a, const void *b)
{
	const struct bgp_originated *const *x = a, *const *y = b;
	int order = prefix_compare(&(*x)->prefix, &(*y)->prefix);

	return order != 0 ? order : (*x > *y) - (*x < *y);
}

static void table_clear(struct originated_table *t)
{
	arena_clear(&t->arena);
	*t = (struct originated_table){0};
}

void bgp_originate(struct bgp_speaker *s, const struct bgp_originated *routes, size_t n)
{
	struct originated_table *t = &s->staged;
	const struct bgp_originated **order = memory_new((n + 1) * sizeof(*order));

	for (size_t i = 0; i < n; i++)
		order[i] = &routes[i];
	qsort(order, n, sizeof(*order), by_prefix);
	table_clear(t);
	t->at = arena_array(&t->arena, n + 1, sizeof(*t->at));
	t->len = n;
	for (size_t i = 0; i < n; i++) {
		const struct bgp_originated *from = order[i];

		t->at[i] = *from;
		t->at[i].communities =
			arena_memdup(&t->arena, from->communities, from->community_count * sizeof(*from->communities));
		t->choosy |= from->peers != NULL;
		if (from->peers != NULL)
			t->at[i].peers = arena_memdup(&t->arena, from->peers, from->peer_count * sizeof(*from->peers));
	}
	free(order);
	s->staging = true;
}

/* The first entry that is not below the prefix. */
static size_t table_find(const struct originated_table *t, const struct prefix *prefix)
{
	size_t low = 0, high = t->len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (prefix_compare(&t->at[middle].prefix, prefix) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool table_has(const struct originated_table *t, const struct prefix *prefix)
{
	size_t i = table_find(t, prefix);

	return i < t->len && prefix_equal(&t->at[i].prefix, prefix);
}

/* ---- Attributes towards a peer ---- */

static bool meant_for(const struct bgp_originated *o, bgp_peer_id peer)
{
	if (o->peers == NULL)
		return true;
	for (size_t i = 0; i < o->peer_count; i++)
		if (o->peers[i] == peer)
			return true;
	return false;
}

static int by_value(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void add_communities(struct bgp_speaker *s, const struct bgp_originated *o)
{
	for (size_t i = 0; i < o->community_count; i++) {
		bool there = false;

		for (size_t k = 0; k < s->words.len; k++)
			there |= s->words.at[k] == o->communities[i];
		if (!there)
			VEC_PUSH(&s->words, o->communities[i]);
	}
}

/* The entry that speaks for the prefix towards the peer, or NULL; its communities, or the union's, are in s->words. */
static const struct bgp_originated *gather(struct bgp_speaker *s, const struct prefix *prefix, bgp_peer_id peer)
{
	const struct originated_table *t = &s->committed;
	const struct bgp_originated *speaks = NULL;
	size_t n = 0;

	VEC_CLEAR(&s->words);
	for (size_t i = table_find(t, prefix); i < t->len && prefix_equal(&t->at[i].prefix, prefix); i++) {
		const struct bgp_originated *o = &t->at[i];

		if (!meant_for(o, peer))
			continue;
		if (s->quirks->last_wins)
			VEC_CLEAR(&s->words);
		if (speaks == NULL || s->quirks->last_wins)
			speaks = o;
		add_communities(s, o);
		n++;
	}
	if (n > 1 && s->words.len > 1)
		qsort(s->words.at, s->words.len, sizeof(*s->words.at), by_value);
	return speaks;
}

#define BANDWIDTH_LEN 11U

/* draft-ietf-idr-link-bandwidth section 3: not transitive, the AS in two octets, IEEE 754 octets a second. */
static size_t put_bandwidth(const struct out_group *g, uint64_t bandwidth, uint8_t ret[static BANDWIDTH_LEN])
{
	uint16_t as = g->key.local_as > UINT16_MAX ? WIRE_AS_TRANS : (uint16_t)g->key.local_as;
	float octets = (float)bandwidth;
	uint32_t bits;
	uint8_t attr[BANDWIDTH_LEN] = {WIRE_FLAG_OPTIONAL | WIRE_FLAG_TRANSITIVE,
				       WIRE_ATTR_EXT_COMMUNITIES,
				       8,
				       0x40,
				       0x04,
				       (uint8_t)(as >> 8),
				       (uint8_t)as};

	if (bandwidth == 0)
		return 0;
	memcpy(&bits, &octets, sizeof(bits));
	for (size_t i = 0; i < sizeof(bits); i++)
		attr[7 + i] = (uint8_t)(bits >> (24 - 8 * i));
	memcpy(ret, attr, sizeof(attr));
	return sizeof(attr);
}

struct attrs *originate_attrs(struct out_group *g, const struct prefix *prefix)
{
	struct bgp_speaker *s = g->speaker;
	const struct bgp_originated *o = gather(s, prefix, g->members.at[0]->id);
	uint32_t as = g->key.local_as;
	uint8_t own[] = {WIRE_AS_SEQUENCE,   1,		 (uint8_t)(as >> 24), (uint8_t)(as >> 16),
			 (uint8_t)(as >> 8), (uint8_t)as};
	uint8_t extra[BANDWIDTH_LEN + EXPORT_OTC_LEN];
	struct attrs_spec spec;
	size_t len;

	if (o == NULL)
		return NULL;
	memset(&spec, 0, sizeof(spec));
	spec.key.origin = s->quirks->origin;
	spec.key.med_present = s->quirks->originates_med;
	spec.key.next_hop = o->next_hop.family != ADDR_NONE ? o->next_hop : g->key.local;
	if (spec.key.next_hop.family != prefix->addr.family &&
	    !(prefix->addr.family == ADDR_V4 && g->key.extended_next_hop))
		return NULL;
	if (g->key.external) {
		spec.path = own;
		spec.key.path_len = sizeof(own);
	}
	if (!g->key.external || s->quirks->local_pref_outside) {
		spec.key.local_pref_present = true;
		spec.key.local_pref = o->local_pref_present ? o->local_pref : s->quirks->ibgp_local_pref;
	}
	export_shutdown(g, &spec.key);
	len = put_bandwidth(g, o->bandwidth, extra);
	spec.extra = extra;
	spec.key.extra_len = (uint32_t)(len + export_otc(g, extra + len));
	spec.communities = s->words.at;
	spec.key.community_count = (uint32_t)s->words.len;
	return attrs_intern(s, &spec);
}

/* ---- Commit ---- */

/* Touches every prefix of the table that `except` lacks. */
static void touch_table(struct bgp_speaker *s, const struct originated_table *t, const struct originated_table *except)
{
	for (size_t i = 0; i < t->len; i++) {
		const struct prefix *prefix = &t->at[i].prefix;

		if (i > 0 && prefix_equal(prefix, &t->at[i - 1].prefix))
			continue;
		if (except == NULL || !table_has(except, prefix))
			rib_own(s, prefix, except == NULL);
	}
}

/* Why the profile refuses the table as a whole, or NULL. */
static const char *refused(const struct bgp_speaker *s)
{
	for (size_t i = 0; i < s->staged.len; i++) {
		if (s->quirks->ipv4_only && s->staged.at[i].prefix.addr.family != ADDR_V4)
			return "the routes are refused as a whole: MetalLB native announces IPv4 alone";
		if (s->quirks->max_communities > 0 && s->staged.at[i].community_count > s->quirks->max_communities)
			return "the routes are refused as a whole: a route has more than 63 communities";
	}
	return NULL;
}

void bgp_routes_commit(struct bgp_speaker *s, struct instant now)
{
	struct originated_table before = s->committed;
	const char *why = refused(s);

	s->now = now;
	if (!s->staging || s->origination_due.ns != INSTANT_NEVER.ns)
		return;
	timer_origination_start(s);
	s->staging = false;
	if (why != NULL) {
		table_clear(&s->staged);
		for (size_t i = 0; i < s->peers.len; i++)
			notice_error(s->peers.at[i], NULL, "%s", why);
		return;
	}
	if (s->staged.choosy && !s->choosy) {
		s->choosy = true;
		groups_part(s);
	}
	s->committed = s->staged;
	s->staged = (struct originated_table){0};
	touch_table(s, &s->committed, NULL);
	touch_table(s, &before, &s->committed);
	table_clear(&before);
	rib_settle(s);
}

void originate_free(struct bgp_speaker *s)
{
	table_clear(&s->staged);
	table_clear(&s->committed);
}
