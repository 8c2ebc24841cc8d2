/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The same flows through two stages of hashing: does where the first sends a flow tell where the second does? With equal
 * hashes and seeds it does, and members of the second stage stay idle (polarisation). */
#include "judge_int.h"

#include <math.h>

#define FLOWS_MAX 1e9
#define CELLS_MAX 4000000U

/* Flows by both stages' workers. */
static uint64_t *table_of(const struct question *q, uint64_t *ret_lost)
{
	size_t n = q->j->lab.worker_count;
	struct journeys first = judge_journeys(q, &q->e->before), second = judge_journeys(q, &q->e->traffic);
	uint64_t *table = arena_array(q->scratch, n * n, sizeof(*table));

	*ret_lost = 0;
	for (size_t i = 0; i < first.n && i < second.n; i++) {
		uint32_t a = first.at[i].first.worker, b = second.at[i].first.worker;

		if (a == JOURNEY_NOWHERE || b == JOURNEY_NOWHERE)
			(*ret_lost)++;
		else
			table[a * n + b]++;
	}
	return table;
}

/* Members of the stages that got anything at all. */
static size_t used(const uint64_t *table, size_t n, bool rows)
{
	size_t ret = 0;

	for (size_t i = 0; i < n; i++) {
		bool any = false;

		for (size_t k = 0; k < n; k++)
			any = any || table[rows ? i * n + k : k * n + i] > 0;
		ret += any;
	}
	return ret;
}

/* Flows for which Cramer's V of `v` is found. */
static uint64_t needed(const struct judge_contingency *c, size_t narrow, double v)
{
	double low = 0, high = 1;

	while (high < FLOWS_MAX && judge_power(c->df + 1, high * v * v * (double)narrow, JUDGE_ALPHA) < JUDGE_POWER) {
		low = high;
		high *= 2;
	}
	while (high - low > 1) {
		double middle = floor((low + high) / 2);

		if (judge_power(c->df + 1, middle * v * v * (double)narrow, JUDGE_ALPHA) < JUDGE_POWER)
			low = middle;
		else
			high = middle;
	}
	return high > (double)c->needed ? (uint64_t)high : c->needed;
}

static void conclude(struct question *q, const struct judge_contingency *c, size_t narrow, struct saying *s)
{
	struct judge_finding *f = q->f;

	f->alpha = JUDGE_ALPHA;
	f->planned = q->e->detect;
	f->chi = (struct judge_chi_square){.statistic = c->statistic, .p = c->p, .df = c->df, .effect = c->v};
	f->flows_needed = needed(c, narrow, f->planned > 0 ? f->planned : 1);
	f->power = judge_power(c->df + 1, (double)c->n * f->planned * f->planned * (double)narrow, JUDGE_ALPHA);
	if (c->n < c->needed) {
		f->verdict = JUDGE_INCONCLUSIVE;
	} else if (c->p < JUDGE_ALPHA) {
		f->verdict = JUDGE_FAIL;
		f->why = "polarisation: both stages hash the same fields in the same way; a seed of its own for each "
			 "(net.ipv4.fib_multipath_hash_seed), or other fields, makes them independent";
	} else {
		f->verdict = c->n < f->flows_needed ? JUDGE_INCONCLUSIVE : JUDGE_PASS;
	}
	if (f->verdict == JUDGE_INCONCLUSIVE)
		saying_addf(s, "; %llu flows are needed", (unsigned long long)f->flows_needed);
}

void judge_stages(struct question *q)
{
	size_t n = q->j->lab.worker_count, rows, columns;
	struct judge_contingency c;
	struct saying s = {0};
	uint64_t *table, lost;

	q->f->verdict = JUDGE_PENDING;
	q->f->when = q->cutoff;
	if (q->e->before.count > JOURNEYS_MAX || q->e->traffic.count > JOURNEYS_MAX || n * n > CELLS_MAX) {
		q->f->verdict = JUDGE_INCONCLUSIVE;
		q->f->seen =
			arena_printf(q->arena, "the judge follows %u flows over two stages, no more", JOURNEYS_MAX);
		return;
	}
	if (!q->last && judge_surely_incomplete(q))
		return;
	table = table_of(q, &lost);
	if (!q->last && lost > 0)
		return;
	c = judge_contingency(table, n, n);
	rows = used(table, n, true);
	columns = used(table, n, false);
	saying_addf(&s, "%llu flows over %zu x %zu members: chi-square %.4g with %u degrees of freedom, p=%.3g, ",
		    (unsigned long long)c.n, rows, columns, c.statistic, c.df, c.p);
	saying_addf(&s, "Cramer's V %.2g; %zu pair%s without a flow", c.v, c.empty, c.empty == 1 ? "" : "s");
	if (lost > 0)
		saying_addf(&s, "; %llu flows were not seen at both", (unsigned long long)lost);
	if (c.df > 0)
		conclude(q, &c, (rows < columns ? rows : columns) - 1, &s);
	else
		q->f->verdict = JUDGE_INCONCLUSIVE;
	q->f->seen = saying_end(&s, q->arena);
}
