/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_SIZE ((size_t)16384)

struct arena_block {
	struct arena_block *next;
	size_t used;
	size_t size;
	_Alignas(max_align_t) unsigned char bytes[];
};

struct arena_cleanup {
	struct arena_cleanup *next;
	void (*fn)(void *what);
	void *what;
};

void memory_exhausted(void)
{
	static const char text[] = "ecmplab: out of memory\n";

	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(5);
	_exit(5);
}

void *memory_grow(void *old, size_t n, size_t size)
{
	void *p = reallocarray(old, n, size);

	if (p == NULL && n != 0 && size != 0)
		memory_exhausted();
	return p;
}

void *memory_new(size_t size)
{
	void *p = calloc(1, size);

	if (p == NULL)
		memory_exhausted();
	return p;
}

static struct arena_block *block_new(struct arena *a, size_t size)
{
	size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
	struct arena_block *b = memory_new(sizeof(*b) + room);

	b->size = room;
	b->next = a->blocks;
	a->blocks = b;
	return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	struct arena_block *b = a->blocks;
	void *p;

	if (size > SIZE_MAX / 2)
		memory_exhausted();
	size = (size + align - 1) / align * align;
	if (b == NULL || b->size - b->used < size)
		b = block_new(a, size);
	p = b->bytes + b->used;
	b->used += size;
	return p;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		memory_exhausted();
	return arena_alloc(a, total);
}

void *arena_memdup(struct arena *a, const void *bytes, size_t n)
{
	void *p = arena_alloc(a, n);

	if (n > 0)
		memcpy(p, bytes, n);
	return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *copy = arena_alloc(a, len + 1);

	memcpy(copy, s, len);
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list args)
{
	va_list again;
	int len;
	char *text;

	va_copy(again, args);
	len = vsnprintf(NULL, 0, fmt, args);
	text = arena_alloc(a, (size_t)(len > 0 ? len : 0) + 1);
	vsnprintf(text, (size_t)(len > 0 ? len : 0) + 1, fmt, again);
	va_end(again);
	return text;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	text = arena_vprintf(a, fmt, args);
	va_end(args);
	return text;
}

void arena_on_clear(struct arena *a, void (*fn)(void *what), void *what)
{
	struct arena_cleanup *c = arena_alloc(a, sizeof(*c));

	*c = (struct arena_cleanup){.next = a->cleanups, .fn = fn, .what = what};
	a->cleanups = c;
}

void arena_clear(struct arena *a)
{
	for (struct arena_cleanup *c = a->cleanups; c != NULL; c = c->next)
		c->fn(c->what);
	while (a->blocks != NULL) {
		struct arena_block *b = a->blocks;

		a->blocks = b->next;
		free(b);
	}
	*a = (struct arena){0};
}
