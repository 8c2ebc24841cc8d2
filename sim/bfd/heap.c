/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sessions ordered by who is due first: a binary heap whose elements know where they are. */
#include "bfd_int.h"

struct instant heap_due(const struct session *s)
{
	return instant_min(s->tx_due, s->detect_due);
}

static bool before(const struct session *a, const struct session *b)
{
	return instant_before(heap_due(a), heap_due(b));
}

static void put(struct bfd *b, uint32_t at, struct session *s)
{
	b->heap.at[at] = s;
	s->heap_at = at;
}

static void sift_up(struct bfd *b, uint32_t at)
{
	struct session *s = b->heap.at[at];

	while (at > 0 && before(s, b->heap.at[(at - 1) / 2])) {
		put(b, at, b->heap.at[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	put(b, at, s);
}

static void sift_down(struct bfd *b, uint32_t at)
{
	struct session *s = b->heap.at[at];

	for (uint32_t child = 2 * at + 1; child < b->heap.len; child = 2 * at + 1) {
		if (child + 1 < b->heap.len && before(b->heap.at[child + 1], b->heap.at[child]))
			child++;
		if (!before(b->heap.at[child], s))
			break;
		put(b, at, b->heap.at[child]);
		at = child;
	}
	put(b, at, s);
}

void heap_place(struct bfd *b, struct session *s)
{
	if (s->heap_at == NOWHERE) {
		s->heap_at = (uint32_t)b->heap.len;
		VEC_PUSH(&b->heap, s);
	}
	sift_up(b, s->heap_at);
	sift_down(b, s->heap_at);
}

void heap_remove(struct bfd *b, struct session *s)
{
	struct session *last = b->heap.at[--b->heap.len];
	uint32_t at = s->heap_at;

	s->heap_at = NOWHERE;
	if (last == s)
		return;
	put(b, at, last);
	heap_place(b, last);
}
