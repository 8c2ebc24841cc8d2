/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NLRI of families beyond unicast by number, so that the tables need not know what routes are made of. */
#include "bgp_int.h"

#include <assert.h>
#include <stdlib.h>

#define NUMBER_BITS 32

struct prefix nlri_prefix(enum family f, uint32_t number)
{
	struct prefix p = {.addr = addr_v4(number), .len = NUMBER_BITS};

	p.addr.family = family_address(f);
	return p;
}

uint32_t nlri_number(const struct prefix *p)
{
	struct wire_in in = wire_in_of(p->addr.b, sizeof(p->addr.b));

	return wire_u32(&in);
}

static struct nlri *at(const struct bgp_speaker *s, uint32_t number)
{
	return s->nlri.numbers.at[number];
}

static uint64_t hash_of(const struct bgp_speaker *s, enum family f, struct wire_in bytes)
{
	return hash_bytes(s->hash_seed ^ (uint64_t)f << 56, bytes.at, wire_left(&bytes));
}

static struct nlri *find(const struct bgp_speaker *s, enum family f, struct wire_in bytes, uint64_t hash)
{
	for (struct chain *c = chains_find(&s->nlri.chains, hash); c != NULL; c = chain_next(c)) {
		struct nlri *n = (struct nlri *)(void *)c;

		if (n->family == f && n->len == wire_left(&bytes) && memcmp(n->bytes, bytes.at, n->len) == 0)
			return n;
	}
	return NULL;
}

uint32_t nlri_find(const struct bgp_speaker *s, enum family f, struct wire_in bytes)
{
	const struct nlri *n = find(s, f, bytes, hash_of(s, f, bytes));

	return n != NULL ? n->number : 0;
}

uint32_t nlri_intern(struct bgp_speaker *s, enum family f, struct wire_in bytes)
{
	uint64_t hash = hash_of(s, f, bytes);
	struct nlri *n = find(s, f, bytes, hash);
	size_t len = wire_left(&bytes);

	if (n == NULL) {
		n = memory_new(sizeof(*n) + len);
		n->family = f;
		n->len = (uint32_t)len;
		memcpy(n->bytes, bytes.at, len);
		n->number = numbers_add(&s->nlri.numbers, n);
		chains_add(&s->nlri.chains, &n->chain, hash);
	}
	n->refs++;
	return n->number;
}

void nlri_hold(struct bgp_speaker *s, const struct prefix *p)
{
	if (family_is_other(family_of(p)))
		at(s, nlri_number(p))->refs++;
}

void nlri_drop(struct bgp_speaker *s, const struct prefix *p)
{
	struct nlri *n;

	if (!family_is_other(family_of(p)))
		return;
	n = at(s, nlri_number(p));
	if (--n->refs > 0)
		return;
	chains_remove(&s->nlri.chains, &n->chain);
	numbers_remove(&s->nlri.numbers, n->number);
	free(n);
}

struct wire_in nlri_bytes(const struct bgp_speaker *s, const struct prefix *p)
{
	const struct nlri *n = at(s, nlri_number(p));

	return wire_in_of(n->bytes, n->len);
}

void nlri_pool_free(struct nlri_pool *pool)
{
	assert(pool->chains.count == 0);
	chains_free(&pool->chains);
	numbers_free(&pool->numbers);
	*pool = (struct nlri_pool){0};
}
