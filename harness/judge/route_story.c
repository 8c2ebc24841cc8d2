/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happened to the route of a traffic while it was sent: a next hop that was gone for 50 ms explains flows at two workers. */
#include "judge_int.h"

#define ABSENCES_TOLD 4U

static int by_time(const void *a, const void *b)
{
	const struct instant *x = a, *y = b;

	return (x->ns > y->ns) - (x->ns < y->ns);
}

/* The instants at which the route changed while the traffic went on. */
static instants changes_of(const struct question *q, const struct prefix *vip)
{
	const struct judge_traffic *t = &q->e->traffic;
	struct instant until = instant_before(t->since, t->until) ? instant_min(t->until, q->cutoff) : q->cutoff;
	instants ret = {0};

	fib_view_times(&q->j->fib, vip, t->since, until, &ret);
	if (ret.len > 1)
		qsort(ret.at, ret.len, sizeof(ret.at[0]), by_time);
	return ret;
}

/* Who stands for all workers: nobody is a next hop. */
struct absence {
	const char *who;
	const struct addr *address; /* NULL: of all */
	size_t told;
};

static bool is_there(const struct absence *a, const struct fib_entry *e)
{
	return a->address != NULL ? fib_entry_has(e, a->address) || e == NULL || e->n == 0 : e != NULL && e->n > 0;
}

static void say_absence(const struct question *q, struct saying *s, const struct absence *a, struct instant from,
			struct instant to)
{
	int64_t began = instant_since(from, q->e->traffic.since);

	saying_part(s);
	if (a->address != NULL)
		saying_addf(s, "the router's kernel had no next hop %s", a->who);
	else
		saying_addf(s, "the router's kernel had no route to %s", a->who);
	if (to.ns == INSTANT_NEVER.ns)
		saying_addf(s, " any more, from %s after they began", duration_text(began).s);
	else
		saying_addf(s, " for %s, from %s after they began", duration_text(instant_since(to, from)).s,
			    duration_text(began).s);
}

static void say_absences(const struct question *q, struct saying *s, const struct prefix *vip, const instants *changes,
			 struct absence *a, size_t *told)
{
	bool there = is_there(a, fib_view_at(&q->j->fib, vip, q->e->traffic.since));
	struct instant gone = INSTANT_NEVER;

	for (size_t i = 0; i < changes->len && *told < ABSENCES_TOLD; i++) {
		bool now = is_there(a, fib_view_at(&q->j->fib, vip, changes->at[i]));

		if (there && !now) {
			gone = changes->at[i];
		} else if (!there && now && gone.ns != INSTANT_NEVER.ns) {
			say_absence(q, s, a, gone, changes->at[i]);
			gone = INSTANT_NEVER;
			(*told)++;
		}
		there = now;
	}
	if (gone.ns == INSTANT_NEVER.ns || *told >= ABSENCES_TOLD)
		return;
	say_absence(q, s, a, gone, INSTANT_NEVER);
	(*told)++;
}

const char *judge_route_why(const struct question *q)
{
	const struct judge_lab *lab = &q->j->lab;
	struct prefix vip = fib_view_covering(&q->j->fib, &q->e->traffic.vip, q->e->traffic.since);
	struct absence all = {.who = arena_strdup(q->scratch, prefix_text(&vip).s)};
	instants changes = changes_of(q, &vip);
	struct saying s = {0};
	size_t told = 0;

	say_absences(q, &s, &vip, &changes, &all, &told);
	for (size_t i = 0; changes.len > 0 && i < lab->worker_count; i++) {
		struct absence one = {.who = lab->workers[i].name, .address = &lab->workers[i].address};

		say_absences(q, &s, &vip, &changes, &one, &told);
	}
	VEC_FREE(&changes);
	return s.len > 0 ? saying_end(&s, q->arena) : NULL;
}
