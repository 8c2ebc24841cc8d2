/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sessions, announcements and withdrawals, all as the workers' links show them. */
#include "judge_int.h"

/* Workers whose trouble is told one by one. */
#define DETAILS_MAX 4U

static void session_times(const struct question *q, const void *ctx, size_t worker, instants *ret)
{
	(void)ctx;
	bgp_view_session_times(&q->j->bgp, (uint32_t)worker, q->e->since, q->cutoff, ret);
}

static bool *worker_flags(const struct question *q)
{
	return arena_array(q->scratch, q->j->lab.worker_count, sizeof(bool));
}

/* ---- sessions ---- */

static bool session_right(const struct question *q, const void *ctx, size_t worker, struct instant t)
{
	(void)ctx;
	return !question_names(q, worker) || bgp_view_session(&q->j->bgp, (uint32_t)worker, t) != NULL;
}

void judge_sessions(struct question *q)
{
	const struct judge_lab *lab = &q->j->lab;
	struct condition c = {.subjects = lab->worker_count, .times = session_times, .right = session_right};
	struct instant t = judge_state(q, &c);
	bool *up = worker_flags(q);
	struct saying s = {0};
	size_t n, down = 0;

	if (q->f->verdict == JUDGE_PENDING)
		return;
	for (uint32_t i = 0; i < lab->worker_count; i++) {
		const struct bgp_conn *conn = bgp_view_session(&q->j->bgp, i, t);

		up[i] = question_names(q, i) && conn != NULL;
		if (!up[i])
			continue;
		judge_frame_add(q, lab->workers[i].link, conn->keepalive[0].frame);
		judge_frame_add(q, lab->workers[i].link, conn->keepalive[1].frame);
	}
	n = saying_workers(&s, lab, up);
	if (n > 0)
		saying_addf(&s, " %s established", n == 1 ? "is" : "are");
	for (uint32_t i = 0; i < lab->worker_count; i++) {
		if (!question_names(q, i) || up[i] || down++ >= DETAILS_MAX)
			continue;
		saying_part(&s);
		bgp_say_stage(&s, &q->j->bgp, i, t);
	}
	if (down > DETAILS_MAX)
		saying_addf(&s, "; %zu more are not established", down - DETAILS_MAX);
	q->f->seen = saying_end(&s, q->arena);
}

/* ---- announced_by ---- */

static struct bgp_chain *chains_of(const struct question *q, struct instant since)
{
	struct bgp_chain *chains = arena_array(q->scratch, q->j->lab.worker_count, sizeof(*chains));

	for (uint32_t i = 0; i < q->j->lab.worker_count; i++)
		chains[i] = bgp_view_chain(&q->j->bgp, i, &q->e->prefix, since, q->cutoff, q->scratch);
	return chains;
}

static void route_times(const struct question *q, const void *ctx, size_t worker, instants *ret)
{
	const struct bgp_chain *chain = (const struct bgp_chain *)ctx + worker;

	session_times(q, NULL, worker, ret);
	for (size_t i = 0; i < chain->n; i++) {
		struct instant t = q->j->bgp.events.at[chain->events[i]].time;

		if (instant_before(q->e->since, t))
			VEC_PUSH(ret, t);
	}
}

/* The worker's route at t, or NULL. */
static const struct judge_route_event *route_at(const struct question *q, const struct bgp_chain *chains, size_t worker,
						struct instant t)
{
	uint32_t event = bgp_chain_held(&q->j->bgp, (uint32_t)worker, &chains[worker], t);

	return event != BGP_NO_ROUTE ? &q->j->bgp.events.at[event] : NULL;
}

static bool route_right(const struct question *q, const void *ctx, size_t worker, struct instant t)
{
	const struct judge_route_event *route = route_at(q, ctx, worker, t);

	if (!question_names(q, worker))
		return route == NULL;
	return route != NULL && addr_equal(&route->next_hop, &q->j->lab.workers[worker].address);
}

/* What the wire shows of a worker's route at an instant. */
enum route_look { ROUTE_RIGHT, ROUTE_WITHDRAWN, ROUTE_NONE, ROUTE_ODD, ROUTE_LOOKS };

static enum route_look look_at(const struct question *q, const struct bgp_chain *chains, uint32_t worker,
			       struct instant t)
{
	const struct bgp_view *v = &q->j->bgp;
	const struct bgp_chain *chain = &chains[worker];
	const struct judge_route_event *last = chain->n > 0 ? &v->events.at[chain->events[chain->n - 1]] : NULL;
	const struct judge_route_event *route = route_at(q, chains, worker, t);

	if (route != NULL)
		return addr_equal(&route->next_hop, &v->lab->workers[worker].address) ? ROUTE_RIGHT : ROUTE_ODD;
	if (bgp_view_session(v, worker, t) == NULL || bgp_view_other(v, worker, &q->e->prefix, t) != BGP_NO_ROUTE)
		return ROUTE_ODD;
	return last != NULL && last->withdrawn ? ROUTE_WITHDRAWN : ROUTE_NONE;
}

static void say_odd_route(struct question *q, struct saying *s, const struct bgp_chain *chains, uint32_t worker,
			  struct instant t)
{
	const struct judge_route_event *route = route_at(q, chains, worker, t);
	const struct judge_worker *w = &q->j->lab.workers[worker];
	const struct bgp_view *v = &q->j->bgp;
	uint32_t other;

	if (route != NULL) {
		saying_addf(s, "%s announces it with next hop %s instead of its own %s", w->name,
			    addr_text(&route->next_hop).s, addr_text(&w->address).s);
		judge_frame_add(q, w->link, route->frame);
		return;
	}
	if (bgp_view_session(v, worker, t) == NULL) {
		saying_addf(s, "%s has no session: ", w->name);
		bgp_say_stage(s, v, worker, t);
		return;
	}
	other = bgp_view_other(v, worker, &q->e->prefix, t);
	saying_addf(s, "%s announces %s instead", w->name, prefix_text(&v->events.at[other].prefix).s);
	judge_frame_add(q, w->link, v->events.at[other].frame);
}

/* "worker1, worker2 have withdrawn it"; nothing when there are none. */
static void say_group(const struct question *q, struct saying *s, const bool *which, const char *one, const char *many)
{
	struct saying names = {0};
	size_t n = saying_workers(&names, &q->j->lab, which);

	if (n == 0)
		return;
	saying_part(s);
	saying_addf(s, "%s %s", names.at, n == 1 ? one : many);
	free(names.at);
}

static void say_announced(struct question *q, struct saying *s, const struct bgp_chain *chains, struct instant t)
{
	const struct judge_lab *lab = &q->j->lab;
	const char *prefix = arena_strdup(q->scratch, prefix_text(&q->e->prefix).s);
	bool *named[ROUTE_LOOKS], *extra = worker_flags(q);
	size_t right = 0, odd = 0, extras = 0;

	for (size_t look = 0; look < ROUTE_LOOKS; look++)
		named[look] = worker_flags(q);
	for (uint32_t i = 0; i < lab->worker_count; i++) {
		const struct judge_route_event *route = route_at(q, chains, i, t);
		enum route_look look = look_at(q, chains, i, t);

		named[look][i] = question_names(q, i);
		extra[i] = !question_names(q, i) && route != NULL;
		right += named[ROUTE_RIGHT][i];
		odd += named[ROUTE_ODD][i];
		extras += extra[i];
		if (extra[i] || named[ROUTE_RIGHT][i])
			judge_frame_add(q, lab->workers[i].link, route != NULL ? route->frame : 0);
	}
	say_group(q, s, named[ROUTE_RIGHT], "announces", "announce");
	if (right == 0)
		saying_addf(s, "%s announces", extras > 0 ? "none of those named" : "nobody");
	saying_addf(s, " %s", prefix);
	for (uint32_t i = 0, told = 0; i < lab->worker_count && told < DETAILS_MAX; i++) {
		if (!named[ROUTE_ODD][i])
			continue;
		told++;
		saying_part(s);
		say_odd_route(q, s, chains, i, t);
	}
	if (odd > DETAILS_MAX)
		saying_addf(s, "; %zu more do not", odd - DETAILS_MAX);
	say_group(q, s, named[ROUTE_WITHDRAWN], "has withdrawn it", "have withdrawn it");
	say_group(q, s, named[ROUTE_NONE], "does not", "do not");
	say_group(q, s, extra, "announces it, too", "announce it, too");
}

void judge_announced(struct question *q)
{
	struct bgp_chain *chains = chains_of(q, q->e->since);
	struct condition c = {q->j->lab.worker_count, route_times, route_right, chains};
	struct instant t = judge_state(q, &c);
	struct saying s = {0};

	if (q->f->verdict == JUDGE_PENDING)
		return;
	say_announced(q, &s, chains, t);
	q->f->seen = saying_end(&s, q->arena);
}

/* ---- withdrawn_by ---- */

struct withdrawals {
	const struct bgp_chain *chains;
	const struct judge_route_event **first; /* by worker; NULL: none yet */
};

/* The first UPDATE behind the chain's first event that took the announced route back. */
static const struct judge_route_event *withdrawal_of(const struct question *q, const struct bgp_chain *chain)
{
	const struct bgp_view *v = &q->j->bgp;

	for (size_t i = 1; i < chain->n; i++) {
		uint32_t at = chain->events[i], before = chain->events[i - 1];
		const struct judge_route_event *e = &v->events.at[at];

		if (e->withdrawn && !v->links.at[at].malformed && !v->events.at[before].withdrawn &&
		    v->links.at[before].conn == v->links.at[at].conn)
			return e;
	}
	return NULL;
}

static void withdrawal_times(const struct question *q, const void *ctx, size_t worker, instants *ret)
{
	const struct withdrawals *w = ctx;

	if (w->first[worker] != NULL && instant_before(q->e->since, w->first[worker]->time))
		VEC_PUSH(ret, w->first[worker]->time);
}

static bool withdrawal_right(const struct question *q, const void *ctx, size_t worker, struct instant t)
{
	const struct withdrawals *w = ctx;

	return !question_names(q, worker) || (w->first[worker] != NULL && !instant_before(t, w->first[worker]->time));
}

static void say_no_withdrawal(struct question *q, struct saying *s, const struct bgp_chain *chains, uint32_t worker,
			      struct instant t)
{
	const struct judge_route_event *route = route_at(q, chains, worker, t), *last;
	const struct judge_worker *w = &q->j->lab.workers[worker];
	const struct bgp_view *v = &q->j->bgp;
	uint32_t event = chains[worker].n > 0 ? chains[worker].events[chains[worker].n - 1] : BGP_NO_ROUTE;

	last = event != BGP_NO_ROUTE ? &v->events.at[event] : NULL;
	if (route != NULL) {
		saying_addf(s, "%s still announces it", w->name);
		judge_frame_add(q, w->link, route->frame);
	} else if (last != NULL && v->links.at[event].malformed) {
		saying_addf(
			s,
			"%s lost it by an UPDATE so malformed that it counts as a withdrawal, which it did not ask for",
			w->name);
		judge_frame_add(q, w->link, last->frame);
	} else if (last != NULL && !last->withdrawn) {
		saying_addf(s, "%s lost the route with its session, which is no withdrawal", w->name);
		if (bgp_view_session(v, worker, t) == NULL) {
			saying_addf(s, "; ");
			bgp_say_stage(s, v, worker, t);
		}
	} else if (last != NULL) {
		saying_addf(s, "%s had withdrawn it before", w->name);
		judge_frame_add(q, w->link, last->frame);
	} else {
		saying_addf(s, "%s had not announced it", w->name);
	}
}

static void say_withdrawn(struct question *q, struct saying *s, const struct withdrawals *w, struct instant t)
{
	const struct judge_lab *lab = &q->j->lab;
	const char *prefix = arena_strdup(q->scratch, prefix_text(&q->e->prefix).s);
	bool *right = worker_flags(q);
	size_t troubled = 0;

	for (uint32_t i = 0; i < lab->worker_count; i++) {
		right[i] = question_names(q, i) && withdrawal_right(q, w, i, t);
		if (right[i])
			judge_frame_add(q, lab->workers[i].link, w->first[i]->frame);
	}
	if (saying_workers(s, lab, right) == 0)
		saying_addf(s, "nobody");
	saying_addf(s, " withdrew %s", prefix);
	for (uint32_t i = 0; i < lab->worker_count; i++) {
		if (!question_names(q, i) || right[i] || troubled++ >= DETAILS_MAX)
			continue;
		saying_part(s);
		say_no_withdrawal(q, s, w->chains, i, t);
	}
	if (troubled > DETAILS_MAX)
		saying_addf(s, "; %zu more did not", troubled - DETAILS_MAX);
}

void judge_withdrawn(struct question *q)
{
	/* One nanosecond earlier, so that what stood before a withdrawal at `since` itself is in the chain, too. */
	struct bgp_chain *chains = chains_of(q, (struct instant){q->e->since.ns - (q->e->since.ns > INT64_MIN)});
	struct withdrawals w = {chains, arena_array(q->scratch, q->j->lab.worker_count, sizeof(*w.first))};
	struct condition c = {q->j->lab.worker_count, withdrawal_times, withdrawal_right, &w};
	struct saying s = {0};
	struct instant t;

	for (size_t i = 0; i < q->j->lab.worker_count; i++)
		w.first[i] = question_names(q, i) ? withdrawal_of(q, &chains[i]) : NULL;
	t = judge_state(q, &c);
	if (q->f->verdict == JUDGE_PENDING)
		return;
	say_withdrawn(q, &s, &w, t);
	q->f->seen = saying_end(&s, q->arena);
}
