/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attribute sets shared by all who hold an equal one: a router with a million routes has some thousands. */
#include "bgp_int.h"

#include <assert.h>
#include <stdlib.h>

uint64_t hash_bytes(uint64_t h, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	uint64_t word;

	for (; n >= sizeof(word); p += sizeof(word), n -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		h = (h ^ word) * UINT64_C(0x9fb21c651e98df25);
		h ^= h >> 28;
	}
	for (; n > 0; p++, n--)
		h = (h ^ *p) * UINT64_C(0x100000001b3);
	return h ^ (h >> 32);
}

static uint64_t hash_spec(uint64_t seed, const struct attrs_spec *spec)
{
	uint64_t h = hash_bytes(seed, &spec->key, sizeof(spec->key));

	h = hash_bytes(h, spec->communities, spec->key.community_count * sizeof(*spec->communities));
	h = hash_bytes(h, spec->path, spec->key.path_len);
	h = hash_bytes(h, spec->extra, spec->key.extra_len);
	if (spec->key.hop_len == 0 && spec->key.nlri_len == 0)
		return h;
	return hash_bytes(hash_bytes(h, spec->hop, spec->key.hop_len), spec->nlri, spec->key.nlri_len);
}

static const uint8_t *path_bytes(const struct attrs *a)
{
	return (const uint8_t *)(a->communities + a->key.community_count);
}

struct wire_in attrs_path(const struct attrs *a)
{
	return wire_in_of(path_bytes(a), a->key.path_len);
}

struct wire_in attrs_extra(const struct attrs *a)
{
	return wire_in_of(path_bytes(a) + a->key.path_len, a->key.extra_len);
}

struct wire_in attrs_hop(const struct attrs *a)
{
	return wire_in_of(attrs_extra(a).end, a->key.hop_len);
}

struct wire_in attrs_nlri(const struct attrs *a)
{
	return wire_in_of(attrs_hop(a).end, a->key.nlri_len);
}

struct wire_in attrs_extra_value(const struct attrs *a, uint8_t code)
{
	struct wire_in extra = attrs_extra(a);

	while (wire_more(&extra)) {
		uint8_t flags = wire_u8(&extra), found = wire_u8(&extra);
		size_t len = (flags & WIRE_FLAG_EXTENDED) != 0 ? wire_u16(&extra) : wire_u8(&extra);
		struct wire_in value = wire_sub(&extra, len);

		if (found == code)
			return value;
	}
	return (struct wire_in){0};
}

bool attrs_has_community(const struct attrs *a, uint32_t community)
{
	for (size_t i = 0; i < a->key.community_count; i++)
		if (a->communities[i] == community)
			return true;
	return false;
}

static bool same_bytes(const void *a, const void *b, size_t n)
{
	return n == 0 || memcmp(a, b, n) == 0;
}

static bool equals(const struct attrs *a, const struct attrs_spec *spec)
{
	return same_bytes(&a->key, &spec->key, sizeof(a->key)) &&
	       same_bytes(a->communities, spec->communities, a->key.community_count * sizeof(*a->communities)) &&
	       same_bytes(path_bytes(a), spec->path, a->key.path_len) &&
	       same_bytes(attrs_extra(a).at, spec->extra, a->key.extra_len) &&
	       same_bytes(attrs_hop(a).at, spec->hop, a->key.hop_len) &&
	       same_bytes(attrs_nlri(a).at, spec->nlri, a->key.nlri_len);
}

/* What the decision process asks of the path again and again. */
static void describe_path(struct attrs *a)
{
	struct wire_in path = attrs_path(a);
	struct wire_path_segment segment;

	a->plain = true;
	while (wire_path_next(&path, true, &segment)) {
		if (segment.type != WIRE_AS_SEQUENCE)
			a->plain = false;
		else if (a->neighbor_as == 0 && a->plain)
			a->neighbor_as = wire_path_as(&segment);
	}
}

/* RFC 9494 section 4.3, then RFC 4271 section 9.1.1 and the steps a and b of 9.1.2.2, the first in the highest bits: no
 * long-lived stale route, the highest LOCAL_PREF, the fewest hops, the lowest ORIGIN. */
static uint64_t rank_of(const struct attrs *a, unsigned int hops)
{
	uint64_t unlike = UINT32_MAX - (a->key.local_pref_present ? a->key.local_pref : DEFAULT_LOCAL_PREF);

	return (uint64_t)attrs_has_community(a, LLGR_STALE) << 58 | unlike << 26 | (uint64_t)hops << 2 | a->key.origin;
}

static struct attrs *attrs_new(struct bgp_speaker *s, const struct attrs_spec *spec)
{
	size_t communities = spec->key.community_count * sizeof(*spec->communities);
	size_t octets = communities + spec->key.path_len + spec->key.extra_len + spec->key.hop_len + spec->key.nlri_len;
	struct attrs *a = memory_new(sizeof(*a) + octets);
	struct wire_out out = wire_out_to(a->communities, octets);

	a->key = spec->key;
	wire_put(&out, spec->communities, communities);
	wire_put(&out, spec->path, spec->key.path_len);
	wire_put(&out, spec->extra, spec->key.extra_len);
	wire_put(&out, spec->hop, spec->key.hop_len);
	wire_put(&out, spec->nlri, spec->key.nlri_len);
	a->refs = 1;
	describe_path(a);
	a->rank = rank_of(a, wire_path_length(attrs_path(a), true));
	a->hop = hop_intern(&s->hops, s->hash_seed, &a->key.next_hop);
	return a;
}

struct attrs *attrs_intern(struct bgp_speaker *s, const struct attrs_spec *spec)
{
	uint64_t hash = hash_spec(s->hash_seed, spec);
	struct attrs *a;

	for (struct chain *c = chains_find(&s->attrs.chains, hash); c != NULL; c = chain_next(c)) {
		a = (struct attrs *)(void *)c;
		if (equals(a, spec))
			return attrs_ref(a);
	}
	a = attrs_new(s, spec);
	chains_add(&s->attrs.chains, &a->chain, hash);
	a->number = numbers_add(&s->attrs.numbers, a);
	return a;
}

static struct attrs_spec spec_of(const struct attrs *a)
{
	struct attrs_spec spec;

	memset(&spec, 0, sizeof(spec));
	spec.key = a->key;
	spec.path = attrs_path(a).at;
	spec.communities = a->communities;
	spec.extra = attrs_extra(a).at;
	spec.hop = attrs_hop(a).at;
	spec.nlri = attrs_nlri(a).at;
	return spec;
}

struct attrs *attrs_with_nlri(struct bgp_speaker *s, const struct attrs *a, struct wire_in nlri)
{
	struct attrs_spec spec = spec_of(a);

	spec.nlri = nlri.at;
	spec.key.nlri_len = (uint8_t)wire_left(&nlri);
	return attrs_intern(s, &spec);
}

struct attrs *attrs_with_community(struct bgp_speaker *s, const struct attrs *a, uint32_t community)
{
	struct attrs_spec spec = spec_of(a);

	VEC_CLEAR(&s->words);
	for (uint32_t i = 0; i < a->key.community_count; i++)
		VEC_PUSH(&s->words, a->communities[i]);
	VEC_PUSH(&s->words, community);
	spec.communities = s->words.at;
	spec.key.community_count = (uint32_t)s->words.len;
	return attrs_intern(s, &spec);
}

void attrs_release(struct bgp_speaker *s, struct attrs *a)
{
	if (a == NULL || --a->refs > 0)
		return;
	chains_remove(&s->attrs.chains, &a->chain);
	numbers_remove(&s->attrs.numbers, a->number);
	hop_release(&s->hops, a->hop);
	free(a);
}

void attrs_drop(struct bgp_speaker *s, uint32_t number)
{
	if (number != 0)
		attrs_release(s, attrs_at(&s->attrs, number));
}

void attrs_pool_free(struct attrs_pool *pool)
{
	assert(pool->chains.count == 0);
	chains_free(&pool->chains);
	numbers_free(&pool->numbers);
	*pool = (struct attrs_pool){0};
}
