/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "community.h"

#include <stdlib.h>
#include <string.h>

int community_compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int community_large_compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	for (size_t i = 0; i < 3; i++) {
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	}
	return 0;
}

static size_t sort(void *all, size_t n, size_t size, int (*compare)(const void *, const void *))
{
	uint8_t *at = all;
	size_t kept = 0;

	if (n > 0)
		qsort(all, n, size, compare);
	for (size_t i = 0; i < n; i++) {
		if (kept == 0 || compare(at + (kept - 1) * size, at + i * size) != 0)
			memmove(at + kept++ * size, at + i * size, size);
	}
	return kept;
}

size_t community_sort(uint32_t *all, size_t n)
{
	return sort(all, n, sizeof(*all), community_compare);
}

size_t community_large_sort(uint32_t (*all)[3], size_t n)
{
	return sort(all, n, sizeof(*all), community_large_compare);
}
