/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory by lifetime: everything allocated from an arena goes when the arena does; nothing is freed singly. */
#ifndef ECMPLAB_ARENA_H
#define ECMPLAB_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena_block;
struct arena_cleanup;

/* Zero is a valid empty arena. */
struct arena {
	struct arena_block *blocks;
	struct arena_cleanup *cleanups;
};

/* Zeroed memory aligned for any type, valid until arena_clear. Never NULL (see memory_exhausted). */
void *arena_alloc(struct arena *a, size_t size) __attribute__((malloc, alloc_size(2), returns_nonnull));
/* Like arena_alloc for n elements; a product that overflows ends the program. */
void *arena_array(struct arena *a, size_t n, size_t size) __attribute__((malloc, returns_nonnull));
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t n);
void *arena_memdup(struct arena *a, const void *bytes, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *fmt, va_list args) __attribute__((format(printf, 2, 0)));
/* Calls fn(what) at arena_clear, newest first: for descriptors and foreign objects. */
void arena_on_clear(struct arena *a, void (*fn)(void *what), void *what);
/* Runs the clean-ups and frees all; the arena is empty and usable again. */
void arena_clear(struct arena *a);

/* malloc family that can't fail: out of memory ends the program here, in one place, with one message and
 * status 5; the lab dies with the process, so nothing is left behind. */
void *memory_grow(void *old, size_t n, size_t size);
void *memory_new(size_t size);
_Noreturn void memory_exhausted(void);

#endif
