/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "allocs.h"

#include <malloc.h>

/* The one variable that can't be handed around: malloc has no context. The program has one thread. */
static size_t calls;

size_t allocs_count(void)
{
	return calls;
}

size_t allocs_live(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

#ifndef __SANITIZE_ADDRESS__

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size)
{
	calls++;
	return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	calls++;
	return __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
	calls++;
	return __libc_realloc(old, size);
}

#endif
