/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The next hops that the router's kernel has for a prefix. */
#include "judge_int.h"

#define GATEWAYS_TOLD 8U

/* The router; with several of them, each by its number, and behind them the one above. */
static const struct fib_view *view_of(const struct question *q, size_t subject)
{
	return subject == 0 ? &q->j->fib : &q->j->fibs[subject];
}

static size_t subjects(const struct judge_lab *lab)
{
	return lab->router_count > 0 ? lab->router_count + 1 : 1;
}

static void fib_times(const struct question *q, const void *ctx, size_t subject, instants *ret)
{
	(void)ctx;
	fib_view_times(view_of(q, subject), &q->e->prefix, q->e->since, q->cutoff, ret);
}

/* The one above has all routers as next hops, or none where they are to have none. */
static bool upstream_right(const struct question *q, const struct fib_entry *e)
{
	const struct judge_lab *lab = &q->j->lab;
	bool any = false;

	for (size_t i = 0; i < lab->worker_count; i++)
		any = any || question_names(q, i);
	for (size_t i = 0; any && i < lab->router_count; i++) {
		if (!fib_entry_has(e, &lab->routers[i].uplink))
			return false;
	}
	return (e != NULL ? e->n : 0) == (any ? lab->router_count : 0);
}

static unsigned int weight_of(const struct fib_entry *e, const struct addr *a)
{
	for (size_t i = 0; e != NULL && i < e->n; i++) {
		if (addr_equal(&e->gateways[i], a))
			return e->weights[i];
	}
	return 0;
}

/* In proportion: a kernel's 2 and 4 are 1 and 2. */
static bool weighs_right(const struct question *q, const struct fib_entry *e)
{
	const struct judge_lab *lab = &q->j->lab;
	uint64_t wanted = 0, there = 0;

	for (size_t i = 0; q->e->weights != NULL && i < lab->worker_count; i++) {
		uint64_t has = weight_of(e, &lab->workers[i].address), wants = q->e->weights[i];

		if (wants == 0)
			continue;
		if (wanted > 0 && has * wanted != wants * there)
			return false;
		wanted = wants;
		there = has;
	}
	return true;
}

/* Worker addresses differ from each other, so equal numbers and no named one missing make the sets equal. */
static bool fib_right(const struct question *q, const void *ctx, size_t subject, struct instant t)
{
	const struct fib_entry *e = fib_view_at(view_of(q, subject), &q->e->prefix, t);
	const struct judge_lab *lab = &q->j->lab;
	size_t named = 0;

	(void)ctx;
	if (lab->router_count > 0 && subject == lab->router_count)
		return upstream_right(q, e);
	for (size_t i = 0; i < lab->worker_count; i++) {
		if (!question_names(q, i))
			continue;
		named++;
		if (!fib_entry_has(e, &lab->workers[i].address))
			return false;
	}
	return named == (e != NULL ? e->n : 0) && weighs_right(q, e);
}

static const char *worker_of(const struct judge_lab *lab, const struct addr *a)
{
	for (size_t i = 0; i < lab->worker_count; i++) {
		if (addr_equal(&lab->workers[i].address, a))
			return lab->workers[i].name;
	}
	for (size_t i = 0; i < lab->router_count; i++) {
		if (addr_equal(&lab->routers[i].uplink, a))
			return lab->routers[i].name;
	}
	return NULL;
}

static void say_gateways(struct saying *s, const struct judge_lab *lab, const struct fib_entry *e, bool weights)
{
	for (size_t i = 0; i < e->n && i < GATEWAYS_TOLD; i++) {
		const char *worker = worker_of(lab, &e->gateways[i]);

		saying_addf(s, "%s%s (%s", i > 0 ? ", " : "", addr_text(&e->gateways[i]).s,
			    worker != NULL ? worker : "no worker");
		if (weights)
			saying_addf(s, ", weight %u", e->weights[i]);
		saying_addf(s, ")");
	}
	if (e->n > GATEWAYS_TOLD)
		saying_addf(s, " and %zu more", e->n - GATEWAYS_TOLD);
}

static void say_next_hops(const struct question *q, struct saying *s, const char *who, const struct fib_entry *e)
{
	const struct judge_lab *lab = &q->j->lab;
	const char *prefix = arena_strdup(q->scratch, prefix_text(&q->e->prefix).s);
	bool *missing = arena_array(q->scratch, lab->worker_count, sizeof(bool));
	size_t lacking = 0;

	if (e == NULL || e->n == 0) {
		saying_addf(s, "%s's kernel has no route to %s", who, prefix);
		return;
	}
	saying_addf(s, "%s's kernel sends %s to ", who, prefix);
	say_gateways(s, lab, e, q->e->weights != NULL);
	for (size_t i = 0; i < lab->worker_count; i++) {
		missing[i] = question_names(q, i) && !fib_entry_has(e, &lab->workers[i].address);
		lacking += missing[i];
	}
	if (lacking == 0)
		return;
	saying_addf(s, "; not to ");
	(void)saying_workers(s, lab, missing);
}

static void say_upstream(const struct question *q, struct saying *s, const struct fib_entry *e)
{
	if (e == NULL || e->n == 0) {
		saying_addf(s, "upstream's kernel has no route to %s", prefix_text(&q->e->prefix).s);
		return;
	}
	saying_addf(s, "upstream's to ");
	say_gateways(s, &q->j->lab, e, false);
}

/* The workers whose route to the prefix stands at t; their UPDATEs become the finding's frames. */
static size_t announcers(struct question *q, struct instant t)
{
	const struct judge_lab *lab = &q->j->lab;
	size_t n = 0;

	for (uint32_t i = 0; i < lab->worker_count; i++) {
		struct bgp_chain chain = bgp_view_chain(&q->j->bgp, i, &q->e->prefix, t, t, q->scratch);
		uint32_t event = bgp_chain_held(&q->j->bgp, i, &chain, t);

		if (event == BGP_NO_ROUTE)
			continue;
		n++;
		judge_frame_add(q, lab->workers[i].link, q->j->bgp.events.at[event].frame);
	}
	return n;
}

static const char *next_hops_why(const struct question *q, size_t announced, size_t installed)
{
	if (q->f->verdict != JUDGE_FAIL || q->e->never || announced < 2)
		return NULL;
	if (q->e->weights != NULL && installed == announced)
		return "next hops weigh alike unless every path tells its link's bandwidth and the router goes by that "
		       "(FRR and the built-in one do, BIRD 2 does not)";
	if (installed == 0)
		return arena_printf(q->arena,
				    "%zu workers announce the prefix, but the router has not installed it: "
				    "its import filter, or the protocol that writes to the kernel, drops it",
				    announced);
	if (installed == 1)
		return arena_printf(q->arena,
				    "%zu workers announce the prefix, but the router installs one path: it needs "
				    "multipath (BIRD: merge paths on; FRR: maximum-paths)",
				    announced);
	return NULL;
}

void judge_next_hops(struct question *q)
{
	const struct judge_lab *lab = &q->j->lab;
	struct condition c = {.subjects = subjects(lab), .times = fib_times, .right = fib_right};
	struct instant t = judge_state(q, &c);
	const struct fib_entry *e = fib_view_at(&q->j->fib, &q->e->prefix, t);
	struct saying s = {0};

	if (q->f->verdict == JUDGE_PENDING)
		return;
	say_next_hops(q, &s, "the router", e);
	for (size_t i = 1; i < subjects(lab); i++) {
		saying_part(&s);
		if (i < lab->router_count)
			say_next_hops(q, &s, lab->routers[i].name, fib_view_at(view_of(q, i), &q->e->prefix, t));
		else
			say_upstream(q, &s, fib_view_at(view_of(q, i), &q->e->prefix, t));
	}
	q->f->why = next_hops_why(q, announcers(q, t), e != NULL ? e->n : 0);
	q->f->seen = saying_end(&s, q->arena);
}
