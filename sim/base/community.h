/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of communities, those of RFC 1997 and the large ones of RFC 8092, in ascending order. */
#ifndef ECMPLAB_COMMUNITY_H
#define ECMPLAB_COMMUNITY_H

#include <stddef.h>
#include <stdint.h>

/* For qsort: of two uint32_t, and of two uint32_t[3]. */
int community_compare(const void *a, const void *b);
int community_large_compare(const void *a, const void *b);

/* Sorts them and keeps each once. Returns how many are left. */
size_t community_sort(uint32_t *all, size_t n);
size_t community_large_sort(uint32_t (*all)[3], size_t n);

#endif
