/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A heap whose entries can be moved, and a map of numbers. Neither allocates once it has grown to what is in use. */
#include "virtual_int.h"

#include <assert.h>
#include <stdlib.h>

#define FIRST_SIZE 64

/* ---- Events in order ---- */

static bool before(const struct due *a, const struct due *b)
{
	return a->ns != b->ns ? a->ns < b->ns : a->order < b->order;
}

static void put(struct queue *q, size_t at, struct due due)
{
	q->heap.at[at] = due;
	due.source->at = (uint32_t)at;
}

static void rise(struct queue *q, size_t at, struct due due)
{
	for (; at > 1 && before(&due, &q->heap.at[at / 2]); at /= 2)
		put(q, at, q->heap.at[at / 2]);
	put(q, at, due);
}

static void sink(struct queue *q, size_t at, struct due due)
{
	for (size_t child; (child = at * 2) < q->heap.len; at = child) {
		if (child + 1 < q->heap.len && before(&q->heap.at[child + 1], &q->heap.at[child]))
			child++;
		if (!before(&q->heap.at[child], &due))
			break;
		put(q, at, q->heap.at[child]);
	}
	put(q, at, due);
}

static void place(struct queue *q, size_t at, struct due due)
{
	if (at > 1 && before(&due, &q->heap.at[at / 2]))
		rise(q, at, due);
	else
		sink(q, at, due);
}

static void take_out(struct queue *q, struct source *source)
{
	size_t at = source->at;
	struct due last;

	source->at = 0;
	last = q->heap.at[--q->heap.len];
	if (at < q->heap.len)
		place(q, at, last);
}

void queue_set(struct queue *q, struct source *source, int64_t ns)
{
	struct due due = {.ns = ns, .source = source};

	if (ns == INT64_MAX) {
		if (source->at != 0)
			take_out(q, source);
		return;
	}
	if (source->at != 0 && q->heap.at[source->at].ns == ns)
		return;
	due.order = ++q->order;
	if (q->heap.len == 0)
		VEC_PUSH(&q->heap, (struct due){0});
	if (source->at == 0) {
		VEC_PUSH(&q->heap, due);
		rise(q, q->heap.len - 1, due);
	} else {
		place(q, source->at, due);
	}
}

struct source *queue_first(const struct queue *q, int64_t *ret_ns)
{
	if (q->heap.len <= 1)
		return NULL;
	*ret_ns = q->heap.at[1].ns;
	return q->heap.at[1].source;
}

void queue_free(struct queue *q)
{
	VEC_FREE(&q->heap);
}

/* ---- The map ---- */

static size_t home(const struct map *m, uint64_t key)
{
	key = (key ^ (key >> 32)) * UINT64_C(0xd6e8feb86659fd93);
	return (size_t)(key ^ (key >> 32)) & (m->size - 1);
}

static size_t find(const struct map *m, uint64_t key)
{
	size_t i = home(m, key);

	while (m->slots[i].used && m->slots[i].key != key)
		i = (i + 1) & (m->size - 1);
	return i;
}

uint32_t map_get(const struct map *m, uint64_t key)
{
	size_t i = m->size > 0 ? find(m, key) : 0;

	return m->size > 0 && m->slots[i].used ? m->slots[i].value : UINT32_MAX;
}

static void grow(struct map *m)
{
	struct slot *old = m->slots;
	size_t size = m->size;

	m->size = size > 0 ? size * 2 : FIRST_SIZE;
	m->slots = memory_new(m->size * sizeof(*m->slots));
	for (size_t i = 0; i < size; i++)
		if (old[i].used)
			m->slots[find(m, old[i].key)] = old[i];
	free(old);
}

void map_set(struct map *m, uint64_t key, uint32_t value)
{
	struct slot *slot;

	if (m->count * 2 >= m->size)
		grow(m);
	slot = &m->slots[find(m, key)];
	m->count += slot->used ? 0 : 1;
	*slot = (struct slot){.key = key, .value = value, .used = true};
}

/* Moves back what was displaced by the one that goes. */
void map_remove(struct map *m, uint64_t key)
{
	size_t mask = m->size - 1, hole, i;

	assert(m->size > 0);
	hole = find(m, key);
	if (!m->slots[hole].used)
		return;
	m->count--;
	for (i = (hole + 1) & mask; m->slots[i].used; i = (i + 1) & mask) {
		size_t from = home(m, m->slots[i].key);

		if (((i - from) & mask) < ((i - hole) & mask))
			continue;
		m->slots[hole] = m->slots[i];
		hole = i;
	}
	m->slots[hole].used = false;
}

void map_free(struct map *m)
{
	free(m->slots);
	*m = (struct map){0};
}
