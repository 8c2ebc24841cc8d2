/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The same flows before and after a change of the router's next hops: who moved, who had to, and which algorithm does that. */
#include "judge_int.h"

#include <math.h>

#define MATHLIB_STANDALONE 1
#include <Rmath.h>

#define FLOWS_MAX 1e9

const char *judge_fate_name(enum judge_fate f)
{
	static const char *const names[] = {
		[JUDGE_KEPT] = "kept", [JUDGE_FORCED] = "forced", [JUDGE_INNOCENT] = "innocent",
		[JUDGE_LOST] = "lost", [JUDGE_UNSEEN] = "unseen",
	};

	return names[f];
}

/* ---- Evidence ---- */

/* The kernel's next hops at t, by worker; what is no worker's is left out. */
static struct judge_group group_at(const struct question *q, struct instant t)
{
	const struct judge_lab *lab = &q->j->lab;
	struct prefix vip = fib_view_covering(&q->j->fib, &q->e->traffic.vip, t);
	const struct fib_entry *fib = fib_view_at(&q->j->fib, &vip, t);
	struct judge_slot *slots;
	struct judge_group ret = {0};

	if (fib == NULL || fib->listed_n == 0)
		return ret;
	slots = arena_array(q->scratch, fib->listed_n, sizeof(*slots));
	for (size_t h = 0; h < fib->listed_n; h++) {
		for (uint32_t w = 0; w < lab->worker_count; w++) {
			if (addr_equal(&fib->listed[h].gateway, &lab->workers[w].address))
				slots[ret.n++] = (struct judge_slot){w, fib->listed[h].weight};
		}
	}
	ret.slots = slots;
	return ret;
}

/* Both journeys of each flow, side by side. */
struct pairs {
	struct journeys before, after;
	uint32_t *was, *is;
	size_t n;
	struct judge_group group_was, group_is;
};

static enum judge_fate fate_of(const struct pairs *p, size_t flow)
{
	if (p->was[flow] == JUDGE_NO_MEMBER)
		return JUDGE_UNSEEN;
	if (p->is[flow] == JUDGE_NO_MEMBER)
		return JUDGE_LOST;
	if (p->was[flow] == p->is[flow])
		return JUDGE_KEPT;
	for (size_t i = 0; i < p->group_is.n; i++) {
		if (p->group_is.slots[i].member == p->was[flow])
			return JUDGE_INNOCENT;
	}
	return JUDGE_FORCED;
}

static const char *worker_name(const struct question *q, uint32_t worker)
{
	return worker < q->j->lab.worker_count ? q->j->lab.workers[worker].name : NULL;
}

static void moves_tell(struct question *q, const struct pairs *p)
{
	struct judge_move *moves = arena_array(q->arena, p->n, sizeof(*moves));

	for (uint32_t i = 0; i < p->n; i++) {
		const struct journey *at = &p->before.at[i];

		moves[i] = (struct judge_move){i,
					       at->client,
					       at->client_port,
					       at->port,
					       worker_name(q, p->was[i]),
					       worker_name(q, p->is[i]),
					       fate_of(p, i)};
	}
	q->f->moves = moves;
	q->f->move_count = p->n;
}

/* False while flows may still arrive. */
static bool pairs_make(struct question *q, struct pairs *p)
{
	p->before = judge_journeys(q, &q->e->before);
	p->after = judge_journeys(q, &q->e->traffic);
	if (!q->last && (p->after.missing > 0 || p->after.unsent > 0))
		return false;
	p->n = p->before.n < p->after.n ? p->before.n : p->after.n;
	p->was = arena_array(q->scratch, p->n, sizeof(*p->was));
	p->is = arena_array(q->scratch, p->n, sizeof(*p->is));
	for (size_t i = 0; i < p->n; i++) {
		p->was[i] = p->before.at[i].first.worker;
		p->is[i] = p->after.at[i].first.worker;
	}
	p->group_was = group_at(q, q->e->before.since);
	p->group_is = group_at(q, q->e->traffic.since);
	return true;
}

static bool same_group(struct judge_group a, struct judge_group b)
{
	bool same = a.n == b.n;

	for (size_t i = 0; same && i < a.n; i++)
		same = a.slots[i].member == b.slots[i].member && a.slots[i].weight == b.slots[i].weight;
	return same;
}

/* ---- How many are too many? ---- */

/* The least count that is too many for the share. */
static double too_many(double flows, double share)
{
	return share > 0 ? qbinom(JUDGE_ALPHA, flows, fmin(share, 1), 0, 0) + 1 : 1;
}

/* The chance of finding `more` beyond the share. */
static double found(double flows, double share, double more)
{
	return pbinom(too_many(flows, share) - 1, flows, fmin(share + more, 1), 0, 0);
}

uint64_t judge_moves_needed(double share, double more)
{
	double low = 0, high = 1;

	while (high < FLOWS_MAX && found(high, share, more) < JUDGE_POWER) {
		low = high;
		high *= 2;
	}
	while (high - low > 1) {
		double middle = floor((low + high) / 2);

		if (found(middle, share, more) < JUDGE_POWER)
			low = middle;
		else
			high = middle;
	}
	return (uint64_t)high;
}

/* ---- Words ---- */

static double percent(uint64_t part, uint64_t whole)
{
	return whole > 0 ? 100 * (double)part / (double)whole : 0;
}

static void say_moves(const struct question *q, struct saying *s)
{
	const struct judge_membership *m = &q->f->membership;

	saying_addf(s, "%llu flows: %llu moved (%.3g %%), of which %llu had to", (unsigned long long)m->flows,
		    (unsigned long long)m->moved, percent(m->moved, m->flows), (unsigned long long)m->forced);
	saying_addf(s, " and %llu had not (%.3g %% of the %llu whose worker stayed)", (unsigned long long)m->innocent,
		    percent(m->innocent, m->survivors), (unsigned long long)m->survivors);
	if (m->lost > 0)
		saying_addf(s, "; %llu reached no worker any more", (unsigned long long)m->lost);
}

/* "; that is minimal or hash-threshold: 33.3 % moved; by theory hash-threshold 50 %, modulo 66.7 %" */
static void say_algorithm(const struct question *q, struct saying *s)
{
	const struct judge_membership *m = &q->f->membership;
	size_t told = 0;

	saying_addf(s, "; that is %s", m->fitting == 0 ? "what no algorithm known here does" : "");
	for (enum judge_algorithm a = 0; a < JUDGE_ALGORITHM_COUNT; a++) {
		if (m->scores[a].known && m->scores[a].fits)
			saying_addf(s, "%s%s", told++ > 0 ? " or " : "", judge_algorithm_name(a));
	}
	saying_addf(s, " (in theory");
	told = 0;
	for (enum judge_algorithm a = 0; a < JUDGE_ALGORITHM_COUNT; a++) {
		if (m->scores[a].known)
			saying_addf(s, "%s %s moves %.3g %%", told++ > 0 ? "," : "", judge_algorithm_name(a),
				    100 * m->scores[a].theory.moved);
	}
	saying_addf(s, ")");
}

/* The member's place in the list, from 1; 0: it is not there. */
static size_t place_of(struct judge_group g, uint32_t member)
{
	for (size_t i = 0; i < g.n; i++) {
		if (g.slots[i].member == member)
			return i + 1;
	}
	return 0;
}

/* Of a plain group that lost one member, where that stood decides. */
static const char *order_why(const struct question *q, const struct pairs *p)
{
	const char *gone = NULL;
	size_t place = 0, left = 0;

	if (q->f->membership.named != JUDGE_HASH_THRESHOLD || q->f->membership.innocent == 0)
		return NULL;
	for (size_t i = 0; i < p->group_was.n; i++) {
		uint32_t member = p->group_was.slots[i].member;

		if (place_of(p->group_is, member) > 0)
			continue;
		left++;
		place = i + 1;
		gone = worker_name(q, member);
	}
	if (left != 1)
		return "hash-threshold shifts the regions of the members that stay; a resilient group leaves them";
	return arena_printf(q->arena,
			    "%s was next hop %zu of %zu in the router's list: hash-threshold shifts the regions of the "
			    "others, least when the middle one leaves; a resilient group leaves them",
			    gone, place, p->group_was.n);
}

/* ---- The verdict ---- */

static void conclude(struct question *q, const struct pairs *p, struct saying *s)
{
	struct judge_finding *f = q->f;
	const struct judge_membership *m = &f->membership;
	const struct judge_score *limit = &m->scores[q->e->at_most];
	double share = limit->theory.innocent;

	f->alpha = JUDGE_ALPHA;
	f->planned = q->e->detect;
	f->flows_needed = f->planned > 0 ? judge_moves_needed(share, f->planned) : 0;
	f->power = f->planned > 0 ? found((double)m->flows, share, f->planned) : 0;
	if (m->lost > 0 || (double)m->innocent >= too_many((double)m->flows, share)) {
		f->verdict = JUDGE_FAIL;
		f->why = order_why(q, p);
	} else if (m->flows < f->flows_needed) {
		f->verdict = JUDGE_INCONCLUSIVE;
		saying_addf(s, "; to show that %.3g %% more are innocent, %llu flows are needed", 100 * f->planned,
			    (unsigned long long)f->flows_needed);
	} else {
		f->verdict = JUDGE_PASS;
		f->why = order_why(q, p);
	}
}

void judge_moved(struct question *q)
{
	struct judge_finding *f = q->f;
	struct saying s = {0};
	struct pairs p = {0};

	f->verdict = JUDGE_PENDING;
	f->when = q->cutoff;
	if (q->e->before.count > JOURNEYS_MAX || q->e->traffic.count > JOURNEYS_MAX) {
		f->verdict = JUDGE_INCONCLUSIVE;
		f->seen = arena_printf(q->arena, "the judge follows %u flows, no more", JOURNEYS_MAX);
		return;
	}
	if ((!q->last && judge_surely_incomplete(q)) || !pairs_make(q, &p))
		return;
	f->membership = judge_membership(p.was, p.is, p.n, p.group_was, p.group_is, q->j->lab.worker_count);
	moves_tell(q, &p);
	say_moves(q, &s);
	if (f->membership.flows == 0 && f->membership.lost == 0) {
		f->verdict = JUDGE_INCONCLUSIVE;
		saying_addf(&s, "; no flow was seen before and after");
	} else if (p.group_was.n == 0 || (p.group_is.n == 0 && f->membership.lost == 0)) {
		f->verdict = JUDGE_INCONCLUSIVE;
		saying_addf(&s, "; the router's kernel was not seen to have next hops for %s",
			    addr_text(&q->e->traffic.vip).s);
	} else {
		if (same_group(p.group_was, p.group_is))
			saying_addf(&s, "; the router's next hops are those of before");
		else if (f->membership.flows > 0 && p.group_is.n > 0)
			say_algorithm(q, &s);
		conclude(q, &p, &s);
	}
	f->when = p.after.missing > 0 || p.after.unsent > 0 ? q->cutoff : p.after.last;
	f->seen = saying_end(&s, q->arena);
}
