/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sources of paths. A peer without add-path has one for its life; of the others, those live that a path has. */
#include "bgp_int.h"

#include <stdlib.h>

static uint64_t hash_of(const struct bgp_speaker *s, const struct peer *p, uint32_t path_id)
{
	return hash_mix(s->hash_seed ^ ((uint64_t)p->id << 32 | path_id));
}

static struct source *find(const struct bgp_speaker *s, const struct peer *p, uint32_t path_id)
{
	struct chain *c = chains_find(&s->sources.chains, hash_of(s, p, path_id));

	for (; c != NULL; c = chain_next(c)) {
		struct source *x = (struct source *)(void *)c;

		if (x->peer == p && x->path_id == path_id)
			return x;
	}
	return NULL;
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
	struct source *x = memory_new(sizeof(*x));

	if (t->numbers.len == 0) /* what is SOURCE_LOCAL has nobody behind it */
		(void)numbers_add(&t->numbers, NULL);
	x->peer = p;
	x->path_id = path_id;
	x->number = numbers_add(&t->numbers, x);
	chains_add(&t->chains, &x->chain, hash_of(s, p, path_id));
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
	struct source *x = number > SOURCE_LOCAL ? t->numbers.at[number] : NULL;

	if (x == NULL || --x->refs > 0)
		return;
	chains_remove(&t->chains, &x->chain);
	numbers_remove(&t->numbers, number);
	free(x);
}

void source_table_free(struct source_table *t)
{
	for (uint32_t i = SOURCE_LOCAL; i < t->numbers.len; i++)
		free(t->numbers.at[i]);
	chains_free(&t->chains);
	numbers_free(&t->numbers);
	*t = (struct source_table){0};
}
