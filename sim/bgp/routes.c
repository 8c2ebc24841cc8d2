/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A family's entries: one array, grown by doubling so that the kernel moves its pages rather than we its bytes, and a hash
 * table of their numbers with open addresses. */
#include "rib_int.h"

#include <stdlib.h>

#define FIRST_SLOTS 16U
#define FIRST_ROUTES 8U

/* Seeded, so that a peer can't choose prefixes that fall together. */
static uint32_t prefix_hash(uint64_t seed, const struct prefix *p)
{
	return (uint32_t)addr_hash(seed ^ (uint64_t)p->len << 32, &p->addr);
}

static size_t octets(const struct rib_table *t)
{
	return t->family == FAMILY_V6 ? 16 : 4;
}

void rib_table_init(struct rib_table *t, enum family f)
{
	*t = (struct rib_table){.family = f, .len = 1};
	t->stride = (uint32_t)(sizeof(struct route) + octets(t));
}

void rib_table_free(struct rib_table *t)
{
	free(t->routes);
	free(t->slots);
	VEC_FREE(&t->dirty);
	*t = (struct rib_table){0};
}

static bool is(const struct rib_table *t, const struct route *r, const struct prefix *p)
{
	return r->len == p->len && memcmp(r->addr, p->addr.b, octets(t)) == 0;
}

/* The slot of the prefix, or the free one that ends its search. There is always a free one. */
static size_t slot_of(const struct rib_table *t, uint32_t hash, const struct prefix *p)
{
	size_t i = hash & (t->size - 1);

	while (t->slots[i].route != 0 && (t->slots[i].hash != hash || !is(t, route_at(t, t->slots[i].route), p)))
		i = (i + 1) & (t->size - 1);
	return i;
}

uint32_t route_find(const struct rib_table *t, uint64_t seed, const struct prefix *prefix)
{
	return t->size == 0 ? 0 : t->slots[slot_of(t, prefix_hash(seed, prefix), prefix)].route;
}

void route_prefetch(const struct rib_table *t, uint64_t seed, const struct prefix *prefix)
{
	if (t->size > 0)
		__builtin_prefetch(&t->slots[prefix_hash(seed, prefix) & (t->size - 1)]);
}

void route_prefetch_gone(const struct rib_table *t, uint64_t seed, uint32_t number)
{
	const struct route *r = route_at(t, number);
	struct prefix prefix;

	if (r->one.attrs != 0)
		return;
	prefix = route_prefix(t, r);
	route_prefetch(t, seed, &prefix);
}

static void slots_grow(struct rib_table *t)
{
	struct rib_slot *old = t->slots;
	size_t old_size = t->size;

	t->size = old_size == 0 ? FIRST_SLOTS : old_size * 2;
	t->slots = memory_new(t->size * sizeof(*t->slots));
	for (size_t i = 0; i < old_size; i++) {
		size_t k = old[i].hash & (t->size - 1);

		if (old[i].route == 0)
			continue;
		while (t->slots[k].route != 0)
			k = (k + 1) & (t->size - 1);
		t->slots[k] = old[i];
	}
	free(old);
}

static uint32_t entry_new(struct rib_table *t)
{
	uint32_t number = t->free;

	if (number != 0) {
		t->free = route_at(t, number)->more;
	} else {
		if (t->len >= t->cap) {
			t->cap = t->cap > 0 ? t->cap * 2 : FIRST_ROUTES;
			t->routes = memory_grow(t->routes, t->cap, t->stride);
		}
		number = t->len++;
	}
	memset(route_at(t, number), 0, t->stride);
	return number;
}

uint32_t route_add(struct rib_table *t, uint64_t seed, const struct prefix *prefix)
{
	uint32_t hash = prefix_hash(seed, prefix), number;
	struct route *r;
	size_t slot;

	if (t->count + t->count / 4 >= t->size) /* at most four fifths are taken */
		slots_grow(t);
	slot = slot_of(t, hash, prefix);
	if (t->slots[slot].route != 0)
		return t->slots[slot].route;
	number = entry_new(t);
	r = route_at(t, number);
	r->len = prefix->len;
	memcpy(r->addr, prefix->addr.b, octets(t));
	t->slots[slot] = (struct rib_slot){.hash = hash, .route = number};
	t->count++;
	return number;
}

/* Closes the gap, so that every search still finds its way: what came over the gap moves into it. */
static void slot_clear(struct rib_table *t, size_t gap)
{
	size_t mask = t->size - 1;

	for (size_t i = (gap + 1) & mask; t->slots[i].route != 0; i = (i + 1) & mask) {
		size_t home = t->slots[i].hash & mask;

		if (((i - home) & mask) < ((i - gap) & mask))
			continue;
		t->slots[gap] = t->slots[i];
		gap = i;
	}
	t->slots[gap] = (struct rib_slot){0};
}

void route_remove(struct rib_table *t, uint64_t seed, uint32_t number)
{
	struct route *r = route_at(t, number);
	struct prefix prefix = route_prefix(t, r);
	size_t i = prefix_hash(seed, &prefix) & (t->size - 1);

	while (t->slots[i].route != number)
		i = (i + 1) & (t->size - 1);
	slot_clear(t, i);
	r->len = UINT8_MAX; /* in no table */
	r->more = t->free;
	t->free = number;
	t->count--;
}

struct prefix route_prefix(const struct rib_table *t, const struct route *r)
{
	struct prefix p = {.addr.family = family_address(t->family), .len = r->len};

	memcpy(p.addr.b, r->addr, octets(t));
	return p;
}

uint32_t route_next(const struct rib_table *t, uint32_t number)
{
	for (number++; number < t->len; number++)
		if (route_at(t, number)->len != UINT8_MAX)
			return number;
	return 0;
}

static int by_prefix(const void *a, const void *b, void *table)
{
	const uint32_t *x = a, *y = b;
	const struct rib_table *t = table;
	struct prefix p = route_prefix(t, route_at(t, *x)), q = route_prefix(t, route_at(t, *y));

	return prefix_compare(&p, &q);
}

uint32_t *routes_sorted(const struct rib_table *t)
{
	uint32_t *all = memory_new((t->count + 1) * sizeof(*all));
	size_t n = 0;

	for (uint32_t i = route_next(t, 0); i != 0; i = route_next(t, i))
		all[n++] = i;
	qsort_r(all, n, sizeof(*all), by_prefix, (void *)(uintptr_t)t);
	return all;
}
