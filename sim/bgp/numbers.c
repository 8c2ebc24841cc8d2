/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers for objects: the last that became free is given first, so that history alone decides on them. */
#include "rib_int.h"

#include <stdlib.h>

uint32_t numbers_add(struct numbers *n, void *object)
{
	uint32_t number;

	if (n->free.len > 0) {
		number = n->free.at[--n->free.len];
	} else {
		number = n->len > 0 ? n->len : 1;
		if (number >= n->cap) {
			n->cap = n->cap > 0 ? n->cap * 2 : 16;
			n->at = memory_grow(n->at, n->cap, sizeof(*n->at));
		}
		n->len = number + 1;
	}
	n->at[number] = object;
	return number;
}

void numbers_remove(struct numbers *n, uint32_t number)
{
	n->at[number] = NULL;
	VEC_PUSH(&n->free, number);
}

void numbers_free(struct numbers *n)
{
	free(n->at);
	VEC_FREE(&n->free);
	*n = (struct numbers){0};
}
