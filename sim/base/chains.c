/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "chains.h"

#include "arena.h"

#include <stdlib.h>

#define FIRST_SIZE 16

static void put(struct chains *t, struct chain *c)
{
	struct chain **bucket = &t->buckets[c->hash & (t->size - 1)];

	c->next = *bucket;
	*bucket = c;
}

static void grow(struct chains *t)
{
	struct chain **old = t->buckets;
	size_t old_size = t->size;

	t->size = old_size == 0 ? FIRST_SIZE : old_size * 2;
	t->buckets = memory_new(t->size * sizeof(struct chain *));
	for (size_t i = 0; i < old_size; i++) {
		for (struct chain *c = old[i], *next; c != NULL; c = next) {
			next = c->next;
			put(t, c);
		}
	}
	free(old);
}

void chains_add(struct chains *t, struct chain *member, uint64_t hash)
{
	if (t->count == t->size)
		grow(t);
	member->hash = hash;
	put(t, member);
	t->count++;
}

void chains_remove(struct chains *t, const struct chain *member)
{
	struct chain **at = &t->buckets[member->hash & (t->size - 1)];

	while (*at != member)
		at = &(*at)->next;
	*at = member->next;
	t->count--;
}

void chains_free(struct chains *t)
{
	free(t->buckets);
	*t = (struct chains){0};
}
