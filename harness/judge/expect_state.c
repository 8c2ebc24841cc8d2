/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Expectations that are a condition over time: they hold at an instant or they don't. Every instant at which the evidence
 * changed is looked at, so that the order in which links handed it over can't matter. */
#include "judge_int.h"

#include <stdlib.h>

/* ---- What each worker's part of the condition is at an instant ---- */

static bool announces(const struct evaluation *e, unsigned int worker, struct instant t)
{
	const struct route_change *c = view_route_at(e->j, worker, &e->expect->prefix, t);

	return c != NULL && c->present && addr_equal(&c->next_hop, &e->j->lab.workers[worker].address);
}

/* The withdrawal at or after `since` that is in force at t, or NULL. */
static const struct route_change *withdrawal(const struct evaluation *e, unsigned int worker, struct instant t)
{
	const struct route_change *c = view_route_at(e->j, worker, &e->expect->prefix, t);
	const struct route_change *before;

	if (c == NULL || c->present || !c->by_update || instant_before(c->proof.time, e->expect->since))
		return NULL;
	before = view_route_at(e->j, worker, &e->expect->prefix, (struct instant){c->proof.time.ns - 1});
	return before != NULL && before->present ? c : NULL;
}

static bool next_hop_of(const struct evaluation *e, unsigned int worker, struct instant t)
{
	size_t n;
	const struct addr *hops = view_fib_at(e->j, &e->expect->prefix, t, &n);

	for (size_t i = 0; i < n; i++) {
		if (addr_equal(&hops[i], &e->j->lab.workers[worker].address))
			return true;
	}
	return false;
}

static bool part_holds(const struct evaluation *e, unsigned int worker, struct instant t)
{
	const struct session_change *s;

	switch (e->expect->kind) {
	case JUDGE_SESSIONS:
		s = view_session_at(e->j, worker, t);
		return s != NULL && s->stage == STAGE_UP;
	case JUDGE_ANNOUNCED_BY:
		return announces(e, worker, t);
	case JUDGE_WITHDRAWN_BY:
		return withdrawal(e, worker, t) != NULL;
	case JUDGE_NEXT_HOPS:
		return next_hop_of(e, worker, t);
	case JUDGE_HTTP:
	case JUDGE_SPREAD_EQUAL:
	case JUDGE_SPREAD_PINNED:
		break;
	}
	return false;
}

/* Next hops that are no worker's address break "exactly these". */
static bool foreign_hops(const struct evaluation *e, struct instant t)
{
	size_t n, known = 0;

	if (e->expect->kind != JUDGE_NEXT_HOPS)
		return false;
	(void)view_fib_at(e->j, &e->expect->prefix, t, &n);
	for (unsigned int i = 0; i < e->j->lab.worker_count; i++)
		known += next_hop_of(e, i, t);
	return known != n;
}

/* announced_by and next_hops mean exactly these workers; sessions and withdrawn_by mean at least these. */
static bool holds_at(const struct evaluation *e, struct instant t)
{
	bool exactly = e->expect->kind == JUDGE_ANNOUNCED_BY || e->expect->kind == JUDGE_NEXT_HOPS;

	for (unsigned int i = 0; i < e->j->lab.worker_count; i++) {
		bool part = part_holds(e, i, t);

		if (part != e->expect->workers[i] && (exactly || !part))
			return false;
	}
	return !foreign_hops(e, t);
}

/* ---- The instants that matter ---- */

typedef VEC(int64_t) instants_vec;

static void instant_add_if(const struct evaluation *e, instants_vec *v, struct instant t)
{
	if (instant_before(e->expect->since, t) && !instant_before(instant_min(e->now, e->expect->deadline), t))
		VEC_PUSH(v, t.ns);
}

static void worker_instants(const struct evaluation *e, const struct worker_view *w, instants_vec *v)
{
	if (e->expect->kind == JUDGE_SESSIONS) {
		for (size_t i = 0; i < w->sessions.len; i++)
			instant_add_if(e, v, w->sessions.at[i].proof.time);
		return;
	}
	for (size_t i = 0; i < w->routes.len; i++) {
		if (prefix_equal(&w->routes.at[i].prefix, &e->expect->prefix))
			instant_add_if(e, v, w->routes.at[i].proof.time);
	}
}

static int by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void instants_collect(const struct evaluation *e, instants_vec *v)
{
	VEC_PUSH(v, e->expect->since.ns);
	if (e->expect->kind == JUDGE_NEXT_HOPS) {
		for (size_t i = 0; i < e->j->fib.len; i++) {
			if (prefix_equal(&e->j->fib.at[i].prefix, &e->expect->prefix))
				instant_add_if(e, v, e->j->fib.at[i].time);
		}
	} else {
		for (unsigned int i = 0; i < e->j->lab.worker_count; i++)
			worker_instants(e, &e->j->workers[i], v);
	}
	qsort(v->at, v->len, sizeof(v->at[0]), by_time);
}

/* The first instant from `since` to now at which the condition holds. */
static bool holds_first(const struct evaluation *e, struct instant *ret)
{
	instants_vec v = {0};
	bool found = false;

	instants_collect(e, &v);
	for (size_t i = 0; i < v.len && !found; i++) {
		ret->ns = v.at[i];
		found = holds_at(e, *ret);
	}
	VEC_FREE(&v);
	return found;
}

/* ---- Words ---- */

static const char *what(enum judge_kind kind, bool many)
{
	switch (kind) {
	case JUDGE_SESSIONS:
		return many ? "are established" : "is established";
	case JUDGE_ANNOUNCED_BY:
		return many ? "announce" : "announces";
	case JUDGE_WITHDRAWN_BY:
		return "withdrew";
	case JUDGE_NEXT_HOPS:
		return many ? "are next hops of" : "is the next hop of";
	case JUDGE_HTTP:
	case JUDGE_SPREAD_EQUAL:
	case JUDGE_SPREAD_PINNED:
		break;
	}
	return "";
}

/* What a worker that lacks its part did instead. */
static const char *session_words(const struct evaluation *e, unsigned int worker, struct instant t)
{
	static const char *const stages[] = {
		[STAGE_NOTHING] = "sent nothing",
		[STAGE_SYN] = "dialled without an answer in BGP",
		[STAGE_REFUSED] = "was refused by the router",
		[STAGE_OPEN] = "saw only one OPEN",
		[STAGE_OPENS] = "exchanged OPENs but not KEEPALIVEs",
		[STAGE_UP] = "is established",
		[STAGE_ENDED] = "lost its session",
	};
	const struct session_change *s = view_session_at(e->j, worker, t);

	if (s == NULL)
		return stages[STAGE_NOTHING];
	if (s->words != NULL)
		return arena_printf(e->arena, "%s (%s)", stages[s->stage], s->words);
	return stages[s->stage];
}

/* Another prefix that the worker announces, which may be the right one gone wrong. */
static const struct route_change *other_route(const struct evaluation *e, unsigned int worker, struct instant t)
{
	const struct worker_view *w = &e->j->workers[worker];

	for (size_t i = w->routes.len; i-- > 0;) {
		const struct route_change *c = view_route_at(e->j, worker, &w->routes.at[i].prefix, t);

		if (c != NULL && c->present && !prefix_equal(&c->prefix, &e->expect->prefix))
			return c;
	}
	return NULL;
}

static const char *route_words(const struct evaluation *e, unsigned int worker, struct instant t)
{
	const struct route_change *c = view_route_at(e->j, worker, &e->expect->prefix, t);
	const struct route_change *other = other_route(e, worker, t);

	if (c != NULL && c->present)
		return arena_printf(e->arena, "announces it with next hop %s", addr_text(&c->next_hop).s);
	if (c != NULL && !c->by_update)
		return "lost its session, and the route with it";
	if (c != NULL)
		return "withdrew it";
	if (other != NULL)
		return arena_printf(e->arena, "announces %s instead", prefix_text(&other->prefix).s);
	return "never announced it";
}

static const char *missing_words(const struct evaluation *e, unsigned int worker, struct instant t)
{
	switch (e->expect->kind) {
	case JUDGE_SESSIONS:
		return session_words(e, worker, t);
	case JUDGE_ANNOUNCED_BY:
	case JUDGE_WITHDRAWN_BY:
		return route_words(e, worker, t);
	case JUDGE_NEXT_HOPS:
		return announces(e, worker, t) ? "announces it but is no next hop" : "is no next hop";
	case JUDGE_HTTP:
	case JUDGE_SPREAD_EQUAL:
	case JUDGE_SPREAD_PINNED:
		break;
	}
	return "";
}

static void seen_write(struct evaluation *e, struct instant t)
{
	bool *have = arena_array(e->arena, e->j->lab.worker_count, sizeof(*have));
	const char *object = e->expect->kind == JUDGE_SESSIONS ? "" : prefix_text(&e->expect->prefix).s;
	unsigned int count = 0;
	char *text;

	for (unsigned int i = 0; i < e->j->lab.worker_count; i++) {
		have[i] = part_holds(e, i, t);
		count += have[i];
	}
	text = arena_printf(e->arena, "%s %s%s%s", names_of(e, have), what(e->expect->kind, count > 1),
			    *object != '\0' ? " " : "", object);
	for (unsigned int i = 0; i < e->j->lab.worker_count; i++) {
		if (e->expect->workers[i] && !have[i])
			text = arena_printf(e->arena, "%s; %s %s", text, e->j->lab.workers[i].name,
					    missing_words(e, i, t));
	}
	e->finding->seen = text;
}

/* ---- Frames ---- */

static void frames_add(struct evaluation *e, struct instant t)
{
	for (unsigned int i = 0; i < e->j->lab.worker_count; i++) {
		const struct session_change *s = view_session_at(e->j, i, t);
		const struct route_change *c = view_route_at(e->j, i, &e->expect->prefix, t);

		if (e->expect->kind == JUDGE_SESSIONS && s != NULL)
			finding_frame(e, &s->proof);
		else if (e->expect->kind != JUDGE_SESSIONS && c != NULL)
			finding_frame(e, &c->proof);
		else if (e->expect->kind == JUDGE_ANNOUNCED_BY && other_route(e, i, t) != NULL)
			finding_frame(e, &other_route(e, i, t)->proof);
	}
}

void evaluate_state(struct evaluation *e)
{
	struct instant t = instant_min(e->now, e->expect->deadline);
	struct instant when;
	bool held = holds_first(e, &when);
	bool over = !instant_before(e->now, e->expect->deadline);

	if (held) {
		e->finding->verdict = e->expect->never ? JUDGE_FAIL : JUDGE_PASS;
		e->finding->when = when;
	} else if (e->expect->never) {
		e->finding->verdict = over ? JUDGE_PASS : JUDGE_PENDING;
		e->finding->when = t;
	} else {
		evaluate_unfinished(e);
	}
	if (e->finding->verdict == JUDGE_PENDING)
		return;
	seen_write(e, held ? when : t);
	frames_add(e, held ? when : t);
}
