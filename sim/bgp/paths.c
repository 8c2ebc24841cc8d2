/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The paths of an entry: the first in the entry, the others in nodes of a cache line that are full but for the newest. */
#include "rib_int.h"

#include <stdlib.h>

#define FIRST_NODES 8U

struct path *path_find(const struct path_pool *pool, struct route *r, uint32_t source)
{
	struct path_walk w = paths_of(r);
	struct path *p;

	while ((p = path_next(pool, &w)) != NULL)
		if (p->source == source)
			return p;
	return NULL;
}

static uint32_t node_new(struct path_pool *pool)
{
	uint32_t number = pool->free;

	if (number != 0) {
		pool->free = pool->at[number].next;
		return number;
	}
	if (pool->len == 0)
		pool->len = 1;
	if (pool->len >= pool->cap) {
		pool->cap = pool->cap > 0 ? pool->cap * 2 : FIRST_NODES;
		pool->at = memory_grow(pool->at, pool->cap, sizeof(*pool->at));
	}
	return pool->len++;
}

void path_add(struct path_pool *pool, struct route *r, struct path path)
{
	uint32_t number;

	if (r->one.attrs == 0) {
		r->one = path;
		return;
	}
	if (r->more == 0 || pool->at[r->more].n == NODE_PATHS) {
		number = node_new(pool);
		pool->at[number].n = 0;
		pool->at[number].next = r->more;
		r->more = number;
	}
	pool->at[r->more].at[pool->at[r->more].n++] = path;
}

/* The last path takes the place of the one that goes. */
void path_remove(struct path_pool *pool, struct route *r, struct path *path)
{
	uint32_t number = r->more;
	struct path_node *n;

	if (number == 0) {
		r->one = (struct path){0};
		return;
	}
	n = &pool->at[number];
	*path = n->at[--n->n];
	if (n->n > 0)
		return;
	r->more = n->next;
	n->next = pool->free;
	pool->free = number;
}

void path_pool_free(struct path_pool *pool)
{
	free(pool->at);
	*pool = (struct path_pool){0};
}
