/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The first instant at which a condition over several subjects holds. */
#include "judge_int.h"

/* A subject became right or wrong. */
struct step {
	struct instant time;
	uint32_t subject;
	bool right;
};

typedef VEC(struct step) steps;

static int by_time(const void *a, const void *b)
{
	const struct instant *x = a, *y = b;

	return instant_before(*x, *y) ? -1 : instant_before(*y, *x);
}

static int by_step(const void *a, const void *b)
{
	const struct step *x = a, *y = b;

	return instant_before(x->time, y->time) ? -1 : instant_before(y->time, x->time);
}

static void subject_steps(const struct question *q, const struct condition *c, size_t subject, instants *times,
			  steps *ret)
{
	struct instant since = q->e->since;
	bool right = c->right(q, c->ctx, subject, since);

	if (right)
		VEC_PUSH(ret, (struct step){since, (uint32_t)subject, true});
	VEC_CLEAR(times);
	c->times(q, c->ctx, subject, times);
	if (times->len > 1)
		qsort(times->at, times->len, sizeof(*times->at), by_time);
	for (size_t i = 0; i < times->len; i++) {
		if (i > 0 && times->at[i].ns == times->at[i - 1].ns)
			continue;
		if (c->right(q, c->ctx, subject, times->at[i]) == right)
			continue;
		right = !right;
		VEC_PUSH(ret, (struct step){times->at[i], (uint32_t)subject, right});
	}
}

/* All subjects begin wrong. What happened at one instant happened together: the condition is looked at behind all steps of a
 * stamp. A subject has one step a stamp, so their order does not matter. */
static bool first_held(const steps *s, size_t subjects, struct instant *ret)
{
	size_t wrong = subjects;

	for (size_t i = 0; i < s->len;) {
		struct instant t = s->at[i].time;

		for (; i < s->len && s->at[i].time.ns == t.ns; i++) {
			if (s->at[i].right)
				wrong--;
			else
				wrong++;
		}
		*ret = t;
		if (wrong == 0)
			return true;
	}
	*ret = (struct instant){INT64_MIN};
	return subjects == 0;
}

struct instant judge_state(struct question *q, const struct condition *c)
{
	instants times = {0};
	steps all = {0};
	struct instant first = q->cutoff;
	bool held = false;

	if (!instant_before(q->cutoff, q->e->since)) {
		for (size_t i = 0; i < c->subjects; i++)
			subject_steps(q, c, i, &times, &all);
		if (all.len > 1)
			qsort(all.at, all.len, sizeof(*all.at), by_step);
		held = first_held(&all, c->subjects, &first);
		if (held && instant_before(first, q->e->since))
			first = q->e->since;
	}
	VEC_FREE(&times);
	VEC_FREE(&all);
	q->f->verdict = held ? JUDGE_PASS : q->last ? JUDGE_FAIL : JUDGE_PENDING;
	q->f->when = held ? first : q->cutoff;
	return q->f->when;
}
