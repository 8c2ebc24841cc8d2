/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The same flows through two stages of hashing, those of two tiers of routers or one stage before and after a change: does where the first sends a flow tell where the second does? With equal
 * hashes and seeds it does, and members of the second stage stay idle (polarisation). */
#include "judge_int.h"

#include <math.h>

#define FLOWS_MAX 1e9
#define CELLS_MAX 4000000U
#define ROWS_TOLD 4U
#define EXPECTED_MIN 5U /* in a cell, as judge_contingency has it */

/* Flows by the members that each stage sent them to, row by row from the first stage's. */
struct table {
	uint64_t *at;
	size_t rows, columns;
	uint64_t lost; /* not seen at both */
};

static bool tiers(const struct question *q)
{
	return q->j->lab.router_count > 0;
}

/* The same flows twice, over the same workers. */
static void fill_again(const struct question *q, struct table *t)
{
	struct journeys first = judge_journeys(q, &q->e->before), second = judge_journeys(q, &q->e->traffic);

	for (size_t i = 0; i < first.n && i < second.n; i++) {
		uint32_t a = first.at[i].first.worker, b = second.at[i].first.worker;

		if (a == JOURNEY_NOWHERE || b == JOURNEY_NOWHERE)
			t->lost++;
		else
			t->at[a * t->columns + b]++;
	}
}

/* Of each flow the router to whose uplink it came first. */
static uint32_t *routers_of(const struct question *q, size_t n)
{
	const struct flow_run *run = traffic_view_run(&q->j->traffic, q->e->traffic.run);
	uint32_t *ret = arena_array(q->scratch, n, sizeof(*ret));
	struct instant *when = arena_array(q->scratch, n, sizeof(*when));

	for (size_t i = 0; i < n; i++)
		ret[i] = JOURNEY_NOWHERE;
	for (size_t i = 0; run != NULL && i < run->sights.len; i++) {
		const struct flow_sight *s = &run->sights.at[i];
		struct judge_link link = judge_link_at(q->j, s->link);

		if (link.role != LINK_UPLINK || s->flow >= n || instant_before(q->cutoff, s->time) ||
		    !addr_equal(&s->dst, &q->e->traffic.vip))
			continue;
		if (ret[s->flow] != JOURNEY_NOWHERE && !instant_before(s->time, when[s->flow]))
			continue;
		ret[s->flow] = link.index;
		when[s->flow] = s->time;
	}
	return ret;
}

/* One passage through both tiers: which router, then which worker. */
static void fill_tiers(const struct question *q, struct table *t)
{
	struct journeys js = judge_journeys(q, &q->e->traffic);
	const uint32_t *routers = routers_of(q, js.n);

	for (size_t i = 0; i < js.n; i++) {
		if (routers[i] == JOURNEY_NOWHERE || js.at[i].first.worker == JOURNEY_NOWHERE)
			t->lost++;
		else
			t->at[routers[i] * t->columns + js.at[i].first.worker]++;
	}
}

static struct table table_of(const struct question *q)
{
	struct table t = {.rows = tiers(q) ? q->j->lab.router_count : q->j->lab.worker_count,
			  .columns = q->j->lab.worker_count};

	t.at = arena_array(q->scratch, t.rows * t.columns, sizeof(*t.at));
	if (tiers(q))
		fill_tiers(q, &t);
	else
		fill_again(q, &t);
	return t;
}

/* Members of the stages that got anything at all. */
static size_t used(const struct table *t, bool rows)
{
	size_t ret = 0;

	for (size_t i = 0; i < (rows ? t->rows : t->columns); i++) {
		bool any = false;

		for (size_t k = 0; k < (rows ? t->columns : t->rows); k++)
			any = any || t->at[rows ? i * t->columns + k : k * t->columns + i] > 0;
		ret += any;
	}
	return ret;
}

/* "; router2 sends nothing to worker1, worker2": what polarisation leaves idle, where others do get flows. */
static void say_idle(const struct question *q, struct saying *s, const struct table *t)
{
	const struct judge_lab *lab = &q->j->lab;
	bool *idle = arena_array(q->scratch, t->columns, sizeof(bool));

	for (size_t i = 0, told = 0; i < t->rows && told < ROWS_TOLD; i++) {
		uint64_t sum = 0;
		size_t n = 0;

		for (size_t k = 0; k < t->columns; k++) {
			uint64_t column = 0;

			for (size_t m = 0; m < t->rows; m++)
				column += t->at[m * t->columns + k];
			sum += t->at[i * t->columns + k];
			idle[k] = t->at[i * t->columns + k] == 0 && column > 0;
			n += idle[k];
		}
		if (sum == 0 || n == 0)
			continue;
		told++;
		saying_addf(s, "; %s %s nothing to ", tiers(q) ? lab->routers[i].name : lab->workers[i].name,
			    tiers(q) ? "sends" : "later sent");
		(void)saying_workers(s, lab, idle);
	}
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

uint64_t judge_stages_needed(const struct judge *j, double v)
{
	size_t columns = j->lab.worker_count, rows = j->lab.router_count > 0 ? j->lab.router_count : columns;
	struct judge_contingency c = {.df = (unsigned int)((rows - 1) * (columns - 1)),
				      .needed = EXPECTED_MIN * rows * columns};

	return c.df > 0 && v > 0 ? needed(&c, (rows < columns ? rows : columns) - 1, v) : 0;
}

static void conclude(struct question *q, const struct judge_contingency *c, size_t narrow, struct saying *s)
{
	struct judge_finding *f = q->f;

	f->alpha = JUDGE_ALPHA;
	f->planned = q->e->detect;
	f->chi = (struct judge_chi_square){.statistic = c->statistic, .p = c->p, .df = c->df, .effect = c->v};
	f->flows_needed = needed(c, narrow, f->planned > 0 ? f->planned : 1);
	f->power = judge_power(c->df + 1, (double)c->n * f->planned * f->planned * (double)narrow, JUDGE_ALPHA);
	f->verdict = JUDGE_INCONCLUSIVE;
	if (c->n >= c->needed && c->p < JUDGE_ALPHA) {
		f->verdict = q->e->polarised ? JUDGE_PASS : JUDGE_FAIL;
		f->why = "polarisation: both stages hash the same fields in the same way; a seed of its own for each "
			 "(net.ipv4.fib_multipath_hash_seed), or other fields, makes them independent";
	} else if (c->n >= f->flows_needed) { /* no less than c->needed */
		f->verdict = q->e->polarised ? JUDGE_FAIL : JUDGE_PASS;
	}
	if (f->verdict == JUDGE_INCONCLUSIVE)
		saying_addf(s, "; %llu flows are needed", (unsigned long long)f->flows_needed);
}

/* Stages that the judge can't tell apart, or too many flows. */
static bool beyond(struct question *q)
{
	size_t n = q->j->lab.worker_count;

	if (q->e->before.count <= JOURNEYS_MAX && q->e->traffic.count <= JOURNEYS_MAX && n * n <= CELLS_MAX &&
	    (!tiers(q) || q->e->traffic.flows))
		return false;
	q->f->verdict = JUDGE_INCONCLUSIVE;
	q->f->seen = arena_printf(q->arena, "the judge follows %u flows over two stages, no more", JOURNEYS_MAX);
	return true;
}

void judge_stages(struct question *q)
{
	struct judge_contingency c;
	struct saying s = {0};
	size_t rows, columns;
	struct table table;

	q->f->verdict = JUDGE_PENDING;
	q->f->when = q->cutoff;
	if (beyond(q) || (!q->last && judge_surely_incomplete(q)))
		return;
	table = table_of(q);
	if (!q->last && table.lost > 0)
		return;
	c = judge_contingency(table.at, table.rows, table.columns);
	rows = used(&table, true);
	columns = used(&table, false);
	saying_addf(&s, "%llu flows over %zu x %zu members: chi-square %.4g with %u degrees of freedom, p=%.3g, ",
		    (unsigned long long)c.n, rows, columns, c.statistic, c.df, c.p);
	saying_addf(&s, "Cramer's V %.2g; %zu pair%s without a flow", c.v, c.empty, c.empty == 1 ? "" : "s");
	if (table.lost > 0)
		saying_addf(&s, "; %llu flows were not seen at both", (unsigned long long)table.lost);
	if (c.df > 0 && c.p < JUDGE_ALPHA)
		say_idle(q, &s, &table);
	if (c.df > 0)
		conclude(q, &c, (rows < columns ? rows : columns) - 1, &s);
	else
		q->f->verdict = JUDGE_INCONCLUSIVE;
	q->f->seen = saying_end(&s, q->arena);
}
