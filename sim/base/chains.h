/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hash table whose links sit inside what they find: put a struct chain first, hash well (seeded where a peer chooses the
 * keys), and compare what chains_find and chain_next give. */
#ifndef ECMPLAB_CHAINS_H
#define ECMPLAB_CHAINS_H

#include "addr.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct chain {
	struct chain *next;
	uint64_t hash;
};

/* Zero is a valid empty table. The members belong to whoever adds them. */
struct chains {
	struct chain **buckets;
	size_t size; /* 0 or a power of two */
	size_t count;
};

/* The first member of the hash from here on, or NULL. */
static inline struct chain *chain_of_hash(struct chain *c, uint64_t hash)
{
	while (c != NULL && c->hash != hash)
		c = c->next;
	return c;
}

static inline struct chain *chains_find(const struct chains *t, uint64_t hash)
{
	return t->size == 0 ? NULL : chain_of_hash(t->buckets[hash & (t->size - 1)], hash);
}

/* The next member with the same hash, or NULL. */
static inline struct chain *chain_next(const struct chain *c)
{
	return chain_of_hash(c->next, c->hash);
}

void chains_add(struct chains *t, struct chain *member, uint64_t hash);
void chains_remove(struct chains *t, const struct chain *member);
/* Frees the table, not its members; it is empty and usable again. */
void chains_free(struct chains *t);

/* A good mixing step between words of a key. */
static inline uint64_t hash_mix(uint64_t h)
{
	h = (h ^ h >> 32) * UINT64_C(0xd6e8feb86659fd93);
	return h ^ h >> 32;
}

/* Of an address, seeded so that a peer can't choose those that fall together. */
static inline uint64_t addr_hash(uint64_t seed, const struct addr *a)
{
	uint64_t high, low;

	memcpy(&high, a->b, sizeof(high));
	memcpy(&low, a->b + sizeof(high), sizeof(low));
	return hash_mix(hash_mix(seed ^ high ^ a->family) ^ low);
}

#endif
