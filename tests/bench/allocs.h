/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts what the program allocates, by taking the C library's place in front of itself. */
#ifndef ECMPLAB_BENCH_ALLOCS_H
#define ECMPLAB_BENCH_ALLOCS_H

#include <stddef.h>

/* Calls of malloc, calloc, realloc and aligned allocation so far; 0 always under a sanitizer. */
size_t allocs_count(void);
/* Octets that are allocated and not freed. */
size_t allocs_live(void);

#endif
