/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes of our own: staged, committed, and what each peer gets of them. */
#include "bgp_int.h"
#include "community.h"

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
	chains_free(&t->ways);
	arena_clear(&t->arena);
	*t = (struct originated_table){0};
}

static bool is_way(const struct way *w, const struct bgp_originated *o)
{
	return w->community_count == o->community_count && w->large_count == o->large_count &&
	       w->local_pref_present == o->local_pref_present && w->local_pref == o->local_pref &&
	       w->bandwidth == o->bandwidth && addr_equal(&w->next_hop, &o->next_hop) &&
	       (o->community_count == 0 ||
		memcmp(w->communities, o->communities, o->community_count * sizeof(*o->communities)) == 0) &&
	       (o->large_count == 0 || memcmp(w->large, o->large, o->large_count * sizeof(*o->large)) == 0);
}

static uint64_t way_hash(uint64_t seed, const struct bgp_originated *o)
{
	uint64_t hash = addr_hash(seed ^ o->local_pref ^ o->bandwidth << 32, &o->next_hop);

	for (size_t i = 0; i < o->community_count; i++)
		hash = hash_mix(hash ^ o->communities[i]);
	for (size_t i = 0; i < 3 * o->large_count; i++)
		hash = hash_mix(hash ^ o->large[i / 3][i % 3]);
	return hash;
}

static const struct way *way_of(struct originated_table *t, uint64_t seed, const struct bgp_originated *o)
{
	uint64_t hash = way_hash(seed, o);
	struct way *w;

	for (struct chain *c = chains_find(&t->ways, hash); c != NULL; c = chain_next(c)) {
		w = (struct way *)(void *)c;
		if (is_way(w, o))
			return w;
	}
	w = arena_alloc(&t->arena, sizeof(*w));
	w->number = (uint32_t)t->ways.count;
	w->local_pref = o->local_pref;
	w->local_pref_present = o->local_pref_present;
	w->bandwidth = o->bandwidth;
	w->next_hop = o->next_hop;
	w->community_count = (uint32_t)o->community_count;
	w->communities = arena_memdup(&t->arena, o->communities, o->community_count * sizeof(*o->communities));
	w->large_count = (uint32_t)o->large_count;
	w->large = arena_memdup(&t->arena, o->large, o->large_count * sizeof(*o->large));
	chains_add(&t->ways, &w->chain, hash);
	return w;
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

		t->at[i] = (struct originated){.prefix = from->prefix, .way = way_of(t, s->hash_seed, from)};
		t->choosy |= from->peers != NULL;
		if (from->peers == NULL)
			continue;
		t->at[i].peers = arena_memdup(&t->arena, from->peers, from->peer_count * sizeof(*from->peers));
		t->at[i].peer_count = from->peer_count;
	}
	free(order);
	s->staging = true;
}

static bool is_first(const struct originated_table *t, size_t i, const struct prefix *prefix)
{
	return i < t->len && prefix_equal(&t->at[i].prefix, prefix) &&
	       (i == 0 || !prefix_equal(&t->at[i - 1].prefix, prefix));
}

/* The first entry that is not below the prefix. Whole tables are asked for in their order. */
static size_t table_find(struct originated_table *t, const struct prefix *prefix)
{
	size_t low = 0, high = t->len;

	if (is_first(t, t->next, prefix))
		return t->next++;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (prefix_compare(&t->at[middle].prefix, prefix) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	t->next = low + 1;
	return low;
}

static bool table_has(struct originated_table *t, const struct prefix *prefix)
{
	size_t i = table_find(t, prefix);

	return i < t->len && prefix_equal(&t->at[i].prefix, prefix);
}

/* ---- Attributes towards a peer ---- */

static bool meant_for(const struct originated *o, bgp_peer_id peer)
{
	if (o->peers == NULL)
		return true;
	for (size_t i = 0; i < o->peer_count; i++)
		if (o->peers[i] == peer)
			return true;
	return false;
}

static void add_communities(struct bgp_speaker *s, const struct way *w)
{
	for (uint32_t i = 0; i < w->community_count; i++) {
		bool there = false;

		for (size_t k = 0; k < s->words.len; k++)
			there |= s->words.at[k] == w->communities[i];
		if (!there)
			VEC_PUSH(&s->words, w->communities[i]);
	}
}

/* The same of large ones, which are few. */
static void add_larges(struct bgp_speaker *s, const struct way *w)
{
	for (uint32_t i = 0; i < w->large_count; i++) {
		struct large_community one;
		bool there = false;

		memcpy(one.part, w->large[i], sizeof(one.part));
		for (size_t k = 0; k < s->larges.len; k++)
			there |= community_large_compare(s->larges.at[k].part, one.part) == 0;
		if (!there)
			VEC_PUSH(&s->larges, one);
	}
}

static void communities_clear(struct bgp_speaker *s)
{
	VEC_CLEAR(&s->words);
	VEC_CLEAR(&s->larges);
}

/* The way of the entry, of several of one prefix, that speaks for it towards the peer, or NULL; its communities, or the
 * union's, are in s->words and s->larges. */
static const struct way *gather(struct bgp_speaker *s, const struct originated *entries, size_t count, bgp_peer_id peer)
{
	const struct way *speaks = NULL;
	size_t n = 0;

	communities_clear(s);
	for (size_t i = 0; i < count; i++) {
		if (!meant_for(&entries[i], peer))
			continue;
		if (s->quirks->last_wins)
			communities_clear(s);
		if (speaks == NULL || s->quirks->last_wins)
			speaks = entries[i].way;
		add_communities(s, entries[i].way);
		add_larges(s, entries[i].way);
		n++;
	}
	if (n > 1 && s->words.len > 1)
		qsort(s->words.at, s->words.len, sizeof(*s->words.at), community_compare);
	if (n > 1 && s->larges.len > 1)
		qsort(s->larges.at, s->larges.len, sizeof(*s->larges.at), community_large_compare);
	return speaks;
}

static const struct addr *next_hop_of(const struct out_group *g, const struct way *w)
{
	return w->next_hop.family != ADDR_NONE ? &w->next_hop : &g->key.local;
}

static bool next_hop_fits(const struct out_group *g, const struct way *w, const struct prefix *prefix)
{
	uint8_t family = next_hop_of(g, w)->family;

	return family == prefix->addr.family || (prefix->addr.family == ADDR_V4 && g->key.extended_next_hop);
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

/* RFC 8092 section 3. */
static void put_larges(struct bgp_speaker *s)
{
	size_t len = s->larges.len * sizeof(struct large_community);
	bool wide = len > UINT8_MAX;
	uint8_t head[] = {WIRE_FLAG_OPTIONAL | WIRE_FLAG_TRANSITIVE | (wide ? WIRE_FLAG_EXTENDED : 0),
			  WIRE_ATTR_LARGE_COMMUNITIES, (uint8_t)(wide ? len >> 8 : len), (uint8_t)len};

	if (len > 0)
		octets_put(&s->extra, head, wide ? 4 : 3);
	for (size_t i = 0; i < s->larges.len * 3; i++) {
		uint32_t part = s->larges.at[i / 3].part[i % 3];
		uint8_t octets[] = {(uint8_t)(part >> 24), (uint8_t)(part >> 16), (uint8_t)(part >> 8), (uint8_t)part};

		octets_put(&s->extra, octets, sizeof(octets));
	}
}

/* What a way becomes, with the communities in s->words and s->larges. */
static struct attrs *attrs_make(struct out_group *g, const struct way *w)
{
	struct bgp_speaker *s = g->speaker;
	uint32_t as = g->key.local_as;
	uint8_t own[] = {WIRE_AS_SEQUENCE,   1,		 (uint8_t)(as >> 24), (uint8_t)(as >> 16),
			 (uint8_t)(as >> 8), (uint8_t)as};
	uint8_t bandwidth[BANDWIDTH_LEN] = {0}, otc[EXPORT_OTC_LEN] = {0};
	struct attrs_spec spec;

	memset(&spec, 0, sizeof(spec));
	spec.key.origin = s->quirks->origin;
	spec.key.med_present = s->quirks->originates_med;
	spec.key.next_hop = *next_hop_of(g, w);
	if (g->key.external) {
		spec.path = own;
		spec.key.path_len = sizeof(own);
	}
	if (!g->key.external || s->quirks->local_pref_outside) {
		spec.key.local_pref_present = true;
		spec.key.local_pref = w->local_pref_present ? w->local_pref : s->quirks->ibgp_local_pref;
	}
	export_shutdown(g, &spec.key);
	VEC_CLEAR(&s->extra);
	octets_put(&s->extra, bandwidth, put_bandwidth(g, w->bandwidth, bandwidth));
	put_larges(s);
	octets_put(&s->extra, otc, export_otc(g, otc));
	spec.extra = s->extra.at;
	spec.key.extra_len = (uint32_t)s->extra.len;
	spec.communities = s->words.at;
	spec.key.community_count = (uint32_t)s->words.len;
	return attrs_intern(s, &spec);
}

/* Most prefixes have one entry, and many entries one way. */
static struct attrs *attrs_of_way(struct out_group *g, const struct originated *entry)
{
	struct bgp_speaker *s = g->speaker;
	uint32_t *own;

	if (g->own == NULL) {
		g->own_count = s->committed.ways.count;
		g->own = memory_new(g->own_count * sizeof(*g->own));
	}
	own = &g->own[entry->way->number];
	if (*own == 0) {
		communities_clear(s);
		add_communities(s, entry->way);
		add_larges(s, entry->way);
		*own = attrs_make(g, entry->way)->number;
	}
	return attrs_ref(attrs_at(&s->attrs, *own));
}

void originate_memo_clear(struct out_group *g)
{
	for (size_t i = 0; i < g->own_count; i++)
		attrs_drop(g->speaker, g->own[i]);
	free(g->own);
	g->own = NULL;
	g->own_count = 0;
}

struct attrs *originate_attrs(struct out_group *g, const struct prefix *prefix)
{
	struct bgp_speaker *s = g->speaker;
	struct originated_table *t = &s->committed;
	bgp_peer_id peer = g->members.at[0]->id;
	size_t first = table_find(t, prefix), n = 0;
	const struct way *w;

	while (first + n < t->len && prefix_equal(&t->at[first + n].prefix, prefix))
		n++;
	if (n == 1 && meant_for(&t->at[first], peer) && next_hop_fits(g, t->at[first].way, prefix))
		return attrs_of_way(g, &t->at[first]);
	if (n < 2)
		return NULL;
	w = gather(s, &t->at[first], n, peer);
	return w != NULL && next_hop_fits(g, w, prefix) ? attrs_make(g, w) : NULL;
}

/* ---- Commit ---- */

/* Touches every prefix of the table that `except` lacks. */
static void touch_table(struct bgp_speaker *s, const struct originated_table *t, struct originated_table *except)
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
		if (s->quirks->max_communities > 0 &&
		    s->staged.at[i].way->community_count + s->staged.at[i].way->large_count >
			    s->quirks->max_communities)
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
	for (size_t i = 0; i < s->groups.len; i++)
		originate_memo_clear(s->groups.at[i]);
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
