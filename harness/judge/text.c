/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "judge_int.h"

#include <stdio.h>

/* Workers that a sentence names before it goes on in numbers. */
#define NAMES_MAX 8

void saying_addf(struct saying *s, const char *fmt, ...)
{
	va_list args, again;
	int n;

	va_start(args, fmt);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (n > 0) {
		while (s->len + (size_t)n + 1 > s->cap) {
			s->cap = s->cap == 0 ? 128 : s->cap * 2;
			s->at = memory_grow(s->at, s->cap, 1);
		}
		(void)vsnprintf(s->at + s->len, (size_t)n + 1, fmt, again);
		s->len += (size_t)n;
	}
	va_end(again);
}

size_t saying_workers(struct saying *s, const struct judge_lab *lab, const bool *which)
{
	size_t total = 0, named = 0;

	for (size_t i = 0; i < lab->worker_count; i++)
		total += which[i];
	for (size_t i = 0; i < lab->worker_count && named < NAMES_MAX; i++) {
		if (which[i])
			saying_addf(s, "%s%s", named++ > 0 ? ", " : "", lab->workers[i].name);
	}
	if (total > named)
		saying_addf(s, " and %zu more", total - named);
	return total;
}

void saying_part(struct saying *s)
{
	if (s->len > 0)
		saying_addf(s, "; ");
}

const char *saying_end(struct saying *s, struct arena *arena)
{
	char *text = arena_strndup(arena, s->at != NULL ? s->at : "", s->len);

	free(s->at);
	*s = (struct saying){0};
	return text;
}
