/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sources of paths. A peer without add-path has one for its life; of the others, those live that a path has. */
#include "bgp_int.h"

#include <stdlib.h>

#define FIRST_SIZE 16

static size_t bucket_of(const struct bgp_speaker *s, const struct peer *p, uint32_t path_id)
{
	uint64_t h = (s->hash_seed ^ ((uint64_t)p->id << 32 | path_id)) * UINT64_C(0xd6e8feb86659fd93);

	return (h ^ h >> 32) & (s->sources.size - 1);
}

static void grow(struct bgp_speaker *s)
{
	struct source_table *t = &s->sources;
	struct source **old = t->buckets;
	size_t old_size = t->size;

	t->size = old_size == 0 ? FIRST_SIZE : old_size * 2;
	t->buckets = memory_new(t->size * sizeof(struct source *));
	for (size_t i = 0; i < old_size; i++) {
		for (struct source *x = old[i], *next; x != NULL; x = next) {
			struct source **bucket = &t->buckets[bucket_of(s, x->peer, x->path_id)];

			next = x->next;
			x->next = *bucket;
			*bucket = x;
		}
	}
	free(old);
}

static struct source *find(const struct bgp_speaker *s, const struct peer *p, uint32_t path_id)
{
	const struct source_table *t = &s->sources;
	struct source *x = t->size > 0 ? t->buckets[bucket_of(s, p, path_id)] : NULL;

	while (x != NULL && (x->peer != p || x->path_id != path_id))
		x = x->next;
	return x;
}

uint32_t source_find(const struct bgp_speaker *s, const struct peer *p, uint32_t path_id)
{
	const struct source *x = path_id == 0 ? NULL : find(s, p, path_id);

	if (path_id == 0)
		return p->source;
	return x != NULL ? x->number : 0;
}

static struct source *source_new(struct bgp_speaker *s, struct peer *p, uint32_t path_id)
{
	struct source_table *t = &s->sources;
	struct source *x = memory_new(sizeof(*x)), **bucket;

	if (t->numbers.len == 0) /* what is SOURCE_LOCAL has nobody behind it */
		(void)numbers_add(&t->numbers, NULL);
	if (t->count == t->size)
		grow(s);
	bucket = &t->buckets[bucket_of(s, p, path_id)];
	x->peer = p;
	x->path_id = path_id;
	x->number = numbers_add(&t->numbers, x);
	x->next = *bucket;
	*bucket = x;
	t->count++;
	return x;
}

uint32_t source_intern(struct bgp_speaker *s, struct peer *p, uint32_t path_id)
{
	struct source *x = find(s, p, path_id);

	if (x == NULL)
		x = source_new(s, p, path_id);
	x->refs++;
	return x->number;
}

void source_ref(struct bgp_speaker *s, uint32_t number)
{
	if (number > SOURCE_LOCAL)
		((struct source *)s->sources.numbers.at[number])->refs++;
}

void source_release(struct bgp_speaker *s, uint32_t number)
{
	struct source_table *t = &s->sources;
	struct source *x = number > SOURCE_LOCAL ? t->numbers.at[number] : NULL, **at;

	if (x == NULL || --x->refs > 0)
		return;
	at = &t->buckets[bucket_of(s, x->peer, x->path_id)];
	while (*at != x)
		at = &(*at)->next;
	*at = x->next;
	t->count--;
	numbers_remove(&t->numbers, number);
	free(x);
}

void source_table_free(struct source_table *t)
{
	for (uint32_t i = SOURCE_LOCAL; i < t->numbers.len; i++)
		free(t->numbers.at[i]);
	free(t->buckets);
	numbers_free(&t->numbers);
	*t = (struct source_table){0};
}
