/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "judge_int.h"

uint64_t slots_hash(const struct slots *s, uint64_t before, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;
	uint64_t h = before ^ s->seed;

	for (size_t i = 0; i < n; i++)
		h = (h ^ at[i]) * UINT64_C(0x100000001b3);
	h = (h ^ (h >> 32)) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ (h >> 29);
}

uint32_t slots_find(const struct slots *s, uint64_t hash, slots_same_fn *same, const void *ctx)
{
	if (s->count == 0)
		return SLOTS_NONE;
	for (size_t i = hash & (s->count - 1); s->at[i].item != 0; i = (i + 1) & (s->count - 1)) {
		if (s->at[i].hash == hash && same(ctx, s->at[i].item - 1))
			return s->at[i].item - 1;
	}
	return SLOTS_NONE;
}

static void put(struct slots *s, struct slot slot)
{
	size_t i = slot.hash & (s->count - 1);

	while (s->at[i].item != 0)
		i = (i + 1) & (s->count - 1);
	s->at[i] = slot;
}

static void grow(struct slots *s)
{
	struct slots bigger = {.count = s->count == 0 ? 64 : s->count * 2, .used = s->used, .seed = s->seed};

	bigger.at = memory_grow(NULL, bigger.count, sizeof(*bigger.at));
	memset(bigger.at, 0, bigger.count * sizeof(*bigger.at));
	for (size_t i = 0; i < s->count; i++) {
		if (s->at[i].item != 0)
			put(&bigger, s->at[i]);
	}
	free(s->at);
	*s = bigger;
}

void slots_put(struct slots *s, uint64_t hash, uint32_t item)
{
	if ((s->used + 1) * 2 > s->count)
		grow(s);
	put(s, (struct slot){hash, item + 1});
	s->used++;
}

void slots_replace(struct slots *s, uint64_t hash, uint32_t old, uint32_t item)
{
	size_t i = hash & (s->count - 1);

	while (s->at[i].item != old + 1)
		i = (i + 1) & (s->count - 1);
	s->at[i].item = item + 1;
}

void slots_free(struct slots *s)
{
	free(s->at);
	*s = (struct slots){.seed = s->seed};
}
