/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Maps by prefix, chained, at most one node a bucket on average. */
#include "rib_int.h"

#include <stdlib.h>

#define FIRST_SIZE 16

static uint64_t mixed(uint64_t h)
{
	h = (h ^ (h >> 32)) * UINT64_C(0xd6e8feb86659fd93);
	return h ^ (h >> 32);
}

uint64_t prefix_hash(uint64_t seed, const struct prefix *p)
{
	uint64_t high, low;

	memcpy(&high, p->addr.b, sizeof(high));
	memcpy(&low, p->addr.b + sizeof(high), sizeof(low));
	return mixed(mixed(mixed(seed ^ high) ^ low) ^ (uint64_t)p->len ^ (uint64_t)p->addr.family << 8);
}

static struct prefix_node **bucket_of(const struct prefix_map *m, uint64_t seed, const struct prefix *prefix)
{
	return &m->buckets[prefix_hash(seed, prefix) & (m->size - 1)];
}

struct prefix_node *prefix_map_get(const struct prefix_map *m, uint64_t seed, const struct prefix *prefix)
{
	struct prefix_node *n = m->size == 0 ? NULL : *bucket_of(m, seed, prefix);

	while (n != NULL && !prefix_equal(&n->prefix, prefix))
		n = n->next;
	return n;
}

static void put(struct prefix_map *m, uint64_t seed, struct prefix_node *node)
{
	struct prefix_node **bucket = bucket_of(m, seed, &node->prefix);

	node->next = *bucket;
	*bucket = node;
}

static void grow(struct prefix_map *m, uint64_t seed)
{
	struct prefix_node **old = m->buckets;
	size_t old_size = m->size;

	m->size = old_size == 0 ? FIRST_SIZE : old_size * 2;
	m->buckets = memory_new(m->size * sizeof(*m->buckets));
	for (size_t i = 0; i < old_size; i++) {
		for (struct prefix_node *n = old[i], *next; n != NULL; n = next) {
			next = n->next;
			put(m, seed, n);
		}
	}
	free(old);
}

void prefix_map_add(struct prefix_map *m, uint64_t seed, struct prefix_node *node)
{
	if (m->count == m->size)
		grow(m, seed);
	put(m, seed, node);
	m->count++;
}

void prefix_map_remove(struct prefix_map *m, uint64_t seed, const struct prefix_node *node)
{
	struct prefix_node **at = bucket_of(m, seed, &node->prefix);

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	m->count--;
}
