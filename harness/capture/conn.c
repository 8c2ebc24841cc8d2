/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture_int.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 1024U
#define PARTIAL_FIRST 512U

struct conn_key conn_key_of(unsigned int link, const struct addr *src, uint16_t src_port, const struct addr *dst,
			    uint16_t dst_port, unsigned int *ret_end)
{
	int order = addr_compare(src, dst);
	unsigned int end = order > 0 || (order == 0 && src_port > dst_port) ? 1 : 0;
	struct conn_key key = {.link = link};

	key.addr[end] = *src;
	key.port[end] = src_port;
	key.addr[!end] = *dst;
	key.port[!end] = dst_port;
	*ret_end = end;
	return key;
}

static uint64_t mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ (h >> 29);
}

static uint64_t hash_addr(uint64_t h, const struct addr *a)
{
	uint64_t words[2];

	memcpy(words, a->b, sizeof(words));
	return mix(mix(h, words[0]), words[1]);
}

static uint64_t hash_key(uint64_t seed, const struct conn_key *k)
{
	uint64_t ports = (uint64_t)k->link << 32 | (uint64_t)k->port[0] << 16 | k->port[1];
	uint64_t h = hash_addr(hash_addr(mix(seed, ports), &k->addr[0]), &k->addr[1]);

	return h ^ (h >> 32);
}

static bool key_equal(const struct conn_key *a, const struct conn_key *b)
{
	return a->link == b->link && a->port[0] == b->port[0] && a->port[1] == b->port[1] &&
	       addr_equal(&a->addr[0], &b->addr[0]) && addr_equal(&a->addr[1], &b->addr[1]);
}

static void place(struct conn_table *t, struct conn *conn)
{
	size_t i = conn->hash & (t->slot_count - 1);

	while (t->slots[i] != NULL)
		i = (i + 1) & (t->slot_count - 1);
	t->slots[i] = conn;
}

static void grow(struct conn_table *t)
{
	free(t->slots);
	t->slot_count = t->slot_count == 0 ? SLOTS_FIRST : t->slot_count * 2;
	t->slots = memory_new(t->slot_count * sizeof(struct conn *));
	for (struct conn *conn = t->oldest; conn != NULL; conn = conn->newer)
		place(t, conn);
}

static void unlist(struct conn_table *t, struct conn *conn)
{
	*(conn->older != NULL ? &conn->older->newer : &t->oldest) = conn->newer;
	*(conn->newer != NULL ? &conn->newer->older : &t->newest) = conn->older;
}

static void list_newest(struct conn_table *t, struct conn *conn)
{
	conn->older = t->newest;
	conn->newer = NULL;
	*(t->newest != NULL ? &t->newest->newer : &t->oldest) = conn;
	t->newest = conn;
}

/* Closes the hole in the probe sequence, so that no slot needs a mark for what was there. */
static void empty_slot(struct conn_table *t, size_t hole)
{
	size_t mask = t->slot_count - 1;

	t->slots[hole] = NULL;
	for (size_t i = (hole + 1) & mask; t->slots[i] != NULL; i = (i + 1) & mask) {
		size_t home = t->slots[i]->hash & mask;

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		t->slots[hole] = t->slots[i];
		t->slots[i] = NULL;
		hole = i;
	}
}

void conn_drop_partial(struct direction *d, struct capture_budget *budget)
{
	free(d->partial);
	budget->used -= d->partial_cap;
	d->partial = NULL;
	d->partial_len = d->partial_cap = 0;
}

bool conn_keep_partial(struct direction *d, struct capture_budget *budget, const uint8_t *bytes, size_t n)
{
	size_t cap = d->partial_cap == 0 ? PARTIAL_FIRST : d->partial_cap;

	while (cap < d->partial_len + n)
		cap *= 2;
	if (cap > d->partial_cap) {
		if (budget->used + cap - d->partial_cap > budget->max)
			return false;
		d->partial = memory_grow(d->partial, cap, 1);
		budget->used += cap - d->partial_cap;
		d->partial_cap = cap;
	}
	if (n > 0)
		memcpy(d->partial + d->partial_len, bytes, n);
	d->partial_len += n;
	return true;
}

void conn_direction_clear(struct direction *d, struct capture_budget *budget)
{
	stream_clear(&d->stream, budget);
	conn_drop_partial(d, budget);
	*d = (struct direction){0};
}

static void forget(struct conn_table *t, struct capture_budget *budget, struct conn *conn)
{
	size_t i = conn->hash & (t->slot_count - 1);

	while (t->slots[i] != conn)
		i = (i + 1) & (t->slot_count - 1);
	empty_slot(t, i);
	unlist(t, conn);
	conn_direction_clear(&conn->dir[0], budget);
	conn_direction_clear(&conn->dir[1], budget);
	conn->newer = t->unused;
	t->unused = conn;
	t->count--;
}

static struct conn *add_conn(struct conn_table *t, struct capture_budget *budget, const struct conn_key *key,
			     uint64_t hash)
{
	struct conn *conn;

	if (t->count == t->max)
		forget(t, budget, t->oldest);
	if ((t->count + 1) * 2 > t->slot_count)
		grow(t);
	conn = t->unused;
	if (conn != NULL)
		t->unused = conn->newer;
	else
		conn = arena_alloc(&t->arena, sizeof(*conn));
	*conn = (struct conn){.key = *key, .hash = hash};
	list_newest(t, conn);
	place(t, conn);
	t->count++;
	return conn;
}

struct conn *conn_find(struct conn_table *t, struct capture_budget *budget, const struct conn_key *key, bool add)
{
	uint64_t hash = hash_key(t->seed, key);
	size_t mask = t->slot_count - 1;

	for (size_t i = hash & mask; t->slot_count > 0 && t->slots[i] != NULL; i = (i + 1) & mask) {
		struct conn *conn = t->slots[i];

		if (conn->hash != hash || !key_equal(&conn->key, key))
			continue;
		if (conn != t->newest) {
			unlist(t, conn);
			list_newest(t, conn);
		}
		return conn;
	}
	return add ? add_conn(t, budget, key, hash) : NULL;
}

void conn_table_forget_link(struct conn_table *t, struct capture_budget *budget, unsigned int link)
{
	struct conn *newer;

	for (struct conn *conn = t->oldest; conn != NULL; conn = newer) {
		newer = conn->newer;
		if (conn->key.link == link)
			forget(t, budget, conn);
	}
}

void conn_table_clear(struct conn_table *t, struct capture_budget *budget)
{
	while (t->oldest != NULL)
		forget(t, budget, t->oldest);
	free(t->slots);
	arena_clear(&t->arena);
	t->slots = NULL;
	t->unused = NULL;
	t->slot_count = 0;
}
