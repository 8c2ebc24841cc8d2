/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Next hops and groups of them, shared as the kernel's next hop objects are: a million routes have some dozens. */
#include "rib_int.h"

#include <stdlib.h>

#define FEW 16

/* ---- Hops ---- */

static struct hop *hop_find(const struct hop_table *t, uint64_t hash, const struct addr *addr)
{
	for (struct chain *c = chains_find(&t->hops, hash); c != NULL; c = chain_next(c)) {
		struct hop *h = (struct hop *)(void *)c;

		if (addr_equal(&h->addr, addr))
			return h;
	}
	return NULL;
}

struct hop *hop_intern(struct hop_table *t, uint64_t seed, const struct addr *addr)
{
	uint64_t hash = addr_hash(seed, addr);
	struct hop *h = hop_find(t, hash, addr);

	if (h == NULL) {
		h = memory_new(sizeof(*h));
		h->serial = ++t->serial;
		h->addr = *addr;
		chains_add(&t->hops, &h->chain, hash);
	}
	h->refs++;
	return h;
}

void hop_release(struct hop_table *t, struct hop *h)
{
	if (--h->refs > 0)
		return;
	chains_remove(&t->hops, &h->chain);
	free(h);
}

/* ---- Groups ---- */

static int by_serial(const void *a, const void *b)
{
	const struct hop_member *x = a, *y = b;

	return (x->hop->serial > y->hop->serial) - (x->hop->serial < y->hop->serial);
}

static int by_address(const void *a, const void *b)
{
	const struct hop_member *x = a, *y = b;

	return addr_compare(&x->hop->addr, &y->hop->addr);
}

/* Most often they are sorted, or nearly. */
static void sort_members(struct hop_member *members, size_t n)
{
	if (n > FEW) {
		qsort(members, n, sizeof(*members), by_serial);
		return;
	}
	for (size_t i = 1; i < n; i++) {
		struct hop_member m = members[i];
		size_t k = i;

		for (; k > 0 && members[k - 1].hop->serial > m.hop->serial; k--)
			members[k] = members[k - 1];
		members[k] = m;
	}
}

static uint64_t members_hash(const struct hop_member *members, size_t n, bool weighted)
{
	uint64_t h = n;

	for (size_t i = 0; i < n; i++)
		h = hash_mix(h ^ members[i].hop->chain.hash ^ (weighted ? members[i].weight : 1U));
	return h;
}

static bool group_equals(const struct hop_group *g, const struct hop_member *members, size_t n, bool weighted)
{
	if (g->n != n || g->weighted != weighted)
		return false;
	for (size_t i = 0; i < n; i++)
		if (g->hops[i] != members[i].hop || (weighted && g->weights[i] != members[i].weight))
			return false;
	return true;
}

/* One block: the group, then its arrays, those of the widest elements first. */
static struct hop_group *group_new(struct hop_member *members, size_t n, bool weighted)
{
	size_t each = sizeof(struct hop *) + 2 * sizeof(uint16_t) + sizeof(struct addr);
	struct hop_group *g = memory_new(sizeof(*g) + n * each);

	g->n = (uint32_t)n;
	g->weighted = weighted;
	g->hops = (struct hop **)(void *)(g + 1);
	g->weights = (uint16_t *)(void *)(g->hops + n);
	g->addr_weights = g->weights + n;
	g->addrs = (struct addr *)(void *)(g->addr_weights + n);
	for (size_t i = 0; i < n; i++) {
		g->hops[i] = members[i].hop;
		g->hops[i]->refs++;
		g->weights[i] = weighted ? members[i].weight : 1;
	}
	if (n > 1)
		qsort(members, n, sizeof(*members), by_address);
	for (size_t i = 0; i < n; i++) {
		g->addrs[i] = members[i].hop->addr;
		g->addr_weights[i] = weighted ? members[i].weight : 1;
	}
	return g;
}

static uint32_t group_find_or_add(struct hop_table *t, struct hop_member *members, size_t n, bool weighted)
{
	uint64_t hash = members_hash(members, n, weighted);
	struct hop_group *g;

	for (struct chain *c = chains_find(&t->groups, hash); c != NULL; c = chain_next(c)) {
		g = (struct hop_group *)(void *)c;
		if (group_equals(g, members, n, weighted)) {
			g->refs++;
			return g->number;
		}
	}
	g = group_new(members, n, weighted);
	g->refs = 1;
	chains_add(&t->groups, &g->chain, hash);
	return g->number = numbers_add(&t->numbers, g);
}

uint32_t hop_group_intern(struct hop_table *t, struct hop_member *members, size_t n, bool weighted)
{
	struct hop *first;

	if (n == 0)
		return 0;
	first = members[0].hop;
	if (n == 1 && first->alone != 0) {
		((struct hop_group *)t->numbers.at[first->alone])->refs++;
		return first->alone;
	}
	sort_members(members, n);
	if (n > 1)
		return group_find_or_add(t, members, n, weighted);
	return first->alone = group_find_or_add(t, members, n, false);
}

const struct hop_group *hop_group_at(const struct hop_table *t, uint32_t number)
{
	return t->numbers.at[number];
}

void hop_group_release(struct hop_table *t, uint32_t number)
{
	struct hop_group *g;

	if (number == 0)
		return;
	g = t->numbers.at[number];
	if (--g->refs == 0)
		VEC_PUSH(&t->gone, number);
}

static void group_free(struct hop_table *t, struct hop_group *g)
{
	chains_remove(&t->groups, &g->chain);
	numbers_remove(&t->numbers, g->number);
	if (g->n == 1)
		g->hops[0]->alone = 0;
	for (size_t i = 0; i < g->n; i++)
		hop_release(t, g->hops[i]);
	free(g);
}

void hop_groups_sweep(struct hop_table *t)
{
	/* One that was wanted again meanwhile stays; one that went twice is there twice, and is nobody the second time. */
	for (size_t i = 0; i < t->gone.len; i++) {
		struct hop_group *g = t->numbers.at[t->gone.at[i]];

		if (g != NULL && g->refs == 0)
			group_free(t, g);
	}
	VEC_CLEAR(&t->gone);
}

void hop_table_free(struct hop_table *t)
{
	hop_groups_sweep(t);
	chains_free(&t->hops);
	chains_free(&t->groups);
	numbers_free(&t->numbers);
	VEC_FREE(&t->gone);
	*t = (struct hop_table){0};
}
