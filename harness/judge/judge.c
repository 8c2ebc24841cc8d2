/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "judge_int.h"

#include <stdlib.h>
#include <string.h>

struct judge *judge_new(const struct judge_lab *lab)
{
	struct judge *j = memory_new(sizeof(*j));

	j->lab = *lab;
	j->workers = arena_array(&j->arena, lab->worker_count, sizeof(*j->workers));
	return j;
}

void judge_free(struct judge *j)
{
	if (j == NULL)
		return;
	view_bgp_free(j);
	VEC_FREE(&j->route_events);
	VEC_FREE(&j->fib);
	VEC_FREE(&j->fib_hops);
	VEC_FREE(&j->pods);
	VEC_FREE(&j->flows);
	VEC_FREE(&j->connections);
	VEC_FREE(&j->pod_connections);
	VEC_FREE(&j->client_events);
	VEC_FREE(&j->losses);
	arena_clear(&j->arena);
	free(j);
}

void judge_packet(struct judge *j, const struct capture_event *event)
{
	for (unsigned int i = 0; i < j->lab.worker_count; i++) {
		if (j->lab.workers[i].link == event->link)
			view_bgp(j, i, event);
	}
	view_traffic(j, event);
}

void judge_pod(struct judge *j, const struct judge_pod *pod)
{
	struct judge_pod copy = *pod;

	copy.name = arena_strdup(&j->arena, pod->name);
	copy.node = arena_strdup(&j->arena, pod->node);
	VEC_PUSH(&j->pods, copy);
}

void judge_loss(struct judge *j, unsigned int link, uint64_t frames)
{
	for (size_t i = 0; i < j->losses.len; i++) {
		if (j->losses.at[i].link == link) {
			j->losses.at[i].frames = frames;
			return;
		}
	}
	VEC_PUSH(&j->losses, (struct lost){.link = link, .frames = frames});
}

/* ---- The FIB ---- */

void judge_fib(struct judge *j, struct instant time, const struct prefix *prefix, const struct addr *gateways, size_t n)
{
	VEC_PUSH(&j->fib, (struct fib_change){.time = time, .prefix = *prefix, .first = j->fib_hops.len, .count = n});
	for (size_t i = 0; i < n; i++)
		VEC_PUSH(&j->fib_hops, gateways[i]);
}

const struct addr *view_fib_at(const struct judge *j, const struct prefix *p, struct instant t, size_t *ret_count)
{
	for (size_t i = j->fib.len; i-- > 0;) {
		const struct fib_change *c = &j->fib.at[i];

		if (instant_before(t, c->time) || !prefix_equal(&c->prefix, p))
			continue;
		*ret_count = c->count;
		return j->fib_hops.at + c->first;
	}
	*ret_count = 0;
	return NULL;
}

size_t judge_fib_now(const struct judge *j, const struct prefix *prefix, struct addr *ret, size_t room)
{
	size_t n;
	const struct addr *hops = view_fib_at(j, prefix, INSTANT_NEVER, &n);

	for (size_t i = 0; i < n && i < room; i++)
		ret[i] = hops[i];
	return n;
}

/* ---- Verdicts ---- */

static void (*const evaluators[])(struct evaluation *e) = {
	[JUDGE_SESSIONS] = evaluate_state,
	[JUDGE_ANNOUNCED_BY] = evaluate_state,
	[JUDGE_WITHDRAWN_BY] = evaluate_state,
	[JUDGE_NEXT_HOPS] = evaluate_state,
	[JUDGE_HTTP] = evaluate_http,
	[JUDGE_SPREAD_EQUAL] = evaluate_spread_equal,
	[JUDGE_SPREAD_PINNED] = evaluate_spread_pinned,
};

struct judge_finding judge_evaluate(struct judge *j, const struct judge_expect *expect, struct instant now,
				    struct arena *arena)
{
	struct judge_finding finding = {.verdict = JUDGE_PENDING, .when = now, .seen = ""};
	struct evaluation e = {.j = j, .expect = expect, .now = now, .arena = arena, .finding = &finding};

	evaluators[expect->kind](&e);
	if (finding.verdict == JUDGE_PASS || finding.verdict == JUDGE_FAIL)
		(void)evaluate_losses(&e);
	return finding;
}

void evaluate_unfinished(struct evaluation *e)
{
	bool over = !instant_before(e->now, e->expect->deadline);

	e->finding->verdict = over ? JUDGE_FAIL : JUDGE_PENDING;
	e->finding->when = over ? e->expect->deadline : e->now;
}

void finding_frame(struct evaluation *e, const struct proof *p)
{
	struct judge_finding *f = e->finding;

	if (f->frame_count < JUDGE_FRAMES_MAX && p->link < e->j->lab.link_count)
		f->frames[f->frame_count++] =
			(struct judge_frame){.file = e->j->lab.link_files[p->link], .frame = p->frame};
}

char *names_of(const struct evaluation *e, const bool *chosen)
{
	char *text = NULL;

	for (unsigned int i = 0; i < e->j->lab.worker_count; i++) {
		const char *name = e->j->lab.workers[i].name;

		if (!chosen[i])
			continue;
		text = text == NULL ? arena_strdup(e->arena, name) : arena_printf(e->arena, "%s, %s", text, name);
	}
	return text != NULL ? text : arena_strdup(e->arena, "no worker");
}

bool evaluate_losses(struct evaluation *e)
{
	const struct judge *j = e->j;

	/* The FIB is read by netlink: no frame can be missing from it. */
	if (e->expect->kind == JUDGE_NEXT_HOPS || j->losses.len == 0)
		return false;
	e->finding->verdict = JUDGE_INCONCLUSIVE;
	for (size_t i = 0; i < j->losses.len; i++)
		e->finding->seen =
			arena_printf(e->arena, "%s; %lu frames were lost on the way into %s", e->finding->seen,
				     (unsigned long)j->losses.at[i].frames, j->lab.link_files[j->losses.at[i].link]);
	return true;
}
