/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A growing array of any type: VEC(struct x) xs = {0}; VEC_PUSH(&xs, value); xs.at[0 .. xs.len-1]; VEC_FREE(&xs).
 * Elements move when the array grows: keep indices, not pointers. It grows before the pushed value is made, which must not
 * look at the array. */
#ifndef ECMPLAB_VEC_H
#define ECMPLAB_VEC_H

#include "arena.h"

#include <stddef.h>
#include <stdlib.h>

#define VEC(type)                                                                                                      \
	struct {                                                                                                       \
		type *at;                                                                                              \
		size_t len;                                                                                            \
		size_t cap;                                                                                            \
	}

/* A pointer to room for one element more; grows the array as needed. */
#define VEC_ADD(v)                                                                                                     \
	((v)->at = (v)->len < (v)->cap ? (v)->at : vec_grow((v)->at, &(v)->cap, sizeof(*(v)->at)), &(v)->at[(v)->len++])
#define VEC_PUSH(v, ...) ((void)(*VEC_ADD(v) = (__VA_ARGS__)))
#define VEC_CLEAR(v) ((void)((v)->len = 0))
#define VEC_FREE(v) (free((v)->at), (v)->at = NULL, (void)((v)->len = (v)->cap = 0))

static inline void *vec_grow(void *at, size_t *cap, size_t size)
{
	*cap = *cap == 0 ? 8 : *cap * 2;
	return memory_grow(at, *cap, size);
}

#endif
