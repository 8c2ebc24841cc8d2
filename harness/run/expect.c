/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An expectation of the plan, in the judge's terms, and the wait for its verdict. */
#include "run_int.h"

#include <errno.h>
#include <string.h>

static void who_fill(const struct plan_who *who, bool *ret, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ret[i] = who->kind == PLAN_WHO_ALL;
	for (size_t i = 0; who->kind == PLAN_WHO_LIST && i < who->count; i++)
		ret[who->workers[i] - 1] = true;
}

static enum judge_kind spread_of(enum plan_spread spread)
{
	switch (spread) {
	case PLAN_SPREAD_EQUAL:
		return JUDGE_SPREAD_EQUAL;
	case PLAN_SPREAD_PINNED:
		return JUDGE_SPREAD_PINNED;
	case PLAN_SPREAD_WEIGHTED:
		return JUDGE_SPREAD_WEIGHTED;
	case PLAN_SPREAD_UNEQUAL:
		return JUDGE_SPREAD_UNEQUAL;
	}
	return JUDGE_SPREAD_EQUAL;
}

static enum judge_kind kind_of(const struct plan_expect *e)
{
	switch (e->kind) {
	case PLAN_EXPECT_SESSIONS:
		return JUDGE_SESSIONS;
	case PLAN_EXPECT_ANNOUNCED_BY:
		return JUDGE_ANNOUNCED_BY;
	case PLAN_EXPECT_WITHDRAWN_BY:
		return JUDGE_WITHDRAWN_BY;
	case PLAN_EXPECT_NEXT_HOPS:
		return JUDGE_NEXT_HOPS;
	case PLAN_EXPECT_HTTP:
		return JUDGE_HTTP;
	case PLAN_EXPECT_SPREAD:
		return spread_of(e->spread);
	case PLAN_EXPECT_BFD:
		return e->bfd_down ? JUDGE_BFD_DOWN : JUDGE_BFD_UP;
	case PLAN_EXPECT_MOVED:
		return JUDGE_MOVED;
	case PLAN_EXPECT_STAGES:
		return JUDGE_STAGES;
	case PLAN_EXPECT_PACKETS:
		return JUDGE_PACKETS;
	case PLAN_EXPECT_PREDICTED:
		return JUDGE_PREDICTED;
	case PLAN_EXPECT_BROKEN:
		return JUDGE_BROKEN;
	case PLAN_EXPECT_REACTION:
		return JUDGE_REACTION;
	case PLAN_EXPECT_LEFT:
		return JUDGE_LEFT;
	case PLAN_EXPECT_JOINED:
		return JUDGE_JOINED;
	}
	return JUDGE_SESSIONS;
}

/* The traffic that http and spread are about: the step before, of the kind that is asked for. */
static int traffic_of(const struct run *r, const struct plan_expect *e, struct judge_traffic *ret, struct errmsg *err)
{
	bool http = e->kind == PLAN_EXPECT_HTTP || e->kind == PLAN_EXPECT_BROKEN || e->of == PLAN_OF_CONNECTIONS ||
		    (e->of == PLAN_OF_LAST && r->http_was_last);

	if (http ? !r->has_http : !r->has_flows)
		return errmsg_say(err, -EINVAL, "no %s step came before this one", http ? "http" : "flows");
	*ret = http ? r->last_http : r->last_flows;
	return 0;
}

static enum judge_algorithm algorithm_of(enum plan_moves moves)
{
	switch (moves) {
	case PLAN_MOVES_MINIMAL:
		return JUDGE_MINIMAL;
	case PLAN_MOVES_HASH_THRESHOLD:
		return JUDGE_HASH_THRESHOLD;
	case PLAN_MOVES_MODULO:
		return JUDGE_MODULO;
	case PLAN_MOVES_REHASH:
		return JUDGE_REHASH;
	}
	return JUDGE_MINIMAL;
}

static void packets_make(const struct run *r, const struct plan_expect *e, struct judge_expect *ret)
{
	ret->traffic = r->last_flows;
	ret->oracle = r->flows_oracle; /* who a flow was for that came nowhere */
	ret->lost = e->lost;
	ret->late = e->late;
	ret->twice = e->twice;
}

static enum judge_source source_of(enum plan_source source)
{
	switch (source) {
	case PLAN_SOURCE_ANY:
		return JUDGE_SOURCE_ANY;
	case PLAN_SOURCE_CLIENT:
		return JUDGE_SOURCE_CLIENT;
	case PLAN_SOURCE_NODE:
		return JUDGE_SOURCE_NODE;
	}
	return JUDGE_SOURCE_ANY;
}

static enum judge_reference reference_of(enum plan_since since)
{
	switch (since) {
	case PLAN_SINCE_EVENT:
		return JUDGE_SINCE_EVENT;
	case PLAN_SINCE_WITHDRAW:
	case PLAN_SINCE_ANNOUNCE:
		return JUDGE_SINCE_WITHDRAW;
	case PLAN_SINCE_FIB:
		return JUDGE_SINCE_FIB;
	}
	return JUDGE_SINCE_EVENT;
}

static int left_make(const struct run *r, const struct plan_expect *e, struct judge_expect *ret, struct errmsg *err)
{
	const struct judge_traffic *traffic = run_background_traffic(r);
	const struct run_service *s;

	if (traffic == NULL)
		return errmsg_say(err, -EINVAL, "no flows go on in the background");
	ret->traffic = *traffic;
	ret->prefix = prefix_host(&traffic->vip);
	for (size_t i = 0; i < r->services.len; i++) {
		s = &r->services.at[i];
		if (s->address.family != ADDR_NONE && addr_equal(&s->address, &traffic->vip))
			ret->prefix = s->prefix;
	}
	ret->since = r->cause;
	ret->deadline = instant_add(r->cause, run_left_limit(e));
	ret->budget = (struct judge_budget){.since = reference_of(e->since),
					    .within_ns = e->told ? -1 : e->within_ns,
					    .black_hole_ns = e->black_hole_ns,
					    .lost = e->lost_most};
	return 0;
}

static void reaction_make(const struct run *r, const struct plan_expect *e, struct judge_expect *ret)
{
	ret->prefix = run_rogue_prefix(e->who.workers[0]);
	ret->reaction = run_rogue_reaction(r, e->reaction);
	ret->since = r->malformed_since;
	/* All cases were played together and wait together. */
	ret->deadline = instant_add(r->malformed_played, e->within_ns);
}

static int expect_make(struct run *r, const struct plan_expect *e, struct judge_expect *ret, struct errmsg *err)
{
	size_t n = r->lab->conf.workers;
	bool *workers = arena_array(&r->arena, n, sizeof(*workers));
	struct instant now = run_wall(r);

	who_fill(&e->who, workers, n);
	*ret = (struct judge_expect){
		.kind = kind_of(e),
		.never = e->never,
		.workers = workers,
		.http_status = e->http_status,
		.source = source_of(e->source),
		.detect = e->detect,
		.weights = e->weights,
		/* A withdrawal that came before this step looked is none the worse: it counts from what caused it. */
		.since = e->kind == PLAN_EXPECT_WITHDRAWN_BY ? r->cause : now,
		.deadline = instant_add(now, e->never ? e->for_ns : e->within_ns),
	};
	if (e->service != NULL) {
		const struct run_service *s = run_service_find(r, e->namespace, e->service);

		if (s == NULL || s->address.family == ADDR_NONE)
			return errmsg_say(err, -ENOENT, "service %s has no load-balancer address: %s", e->service,
					  s != NULL && s->pending_reason != NULL ? s->pending_reason
										 : "it does not exist");
		ret->prefix = s->prefix;
	}
	if (e->kind == PLAN_EXPECT_REACTION)
		reaction_make(r, e, ret);
	if (e->kind == PLAN_EXPECT_LEFT || e->kind == PLAN_EXPECT_JOINED)
		return left_make(r, e, ret, err);
	if (e->kind == PLAN_EXPECT_MOVED || e->kind == PLAN_EXPECT_STAGES) {
		ret->before = r->flows_before;
		ret->traffic = r->last_flows;
		ret->at_most = algorithm_of(e->at_most);
		ret->polarised = e->polarised;
	}
	if (e->kind == PLAN_EXPECT_PACKETS)
		packets_make(r, e, ret);
	if (e->kind == PLAN_EXPECT_BROKEN) {
		ret->lost = e->lost;
		return traffic_of(r, e, &ret->traffic, err);
	}
	if (e->kind == PLAN_EXPECT_HTTP || e->kind == PLAN_EXPECT_SPREAD || e->kind == PLAN_EXPECT_PREDICTED) {
		int result = traffic_of(r, e, &ret->traffic, err);

		if (result < 0)
			return result;
		if (e->kind == PLAN_EXPECT_PREDICTED && ret->traffic.flows)
			ret->oracle = r->flows_oracle;
		else if (e->kind == PLAN_EXPECT_PREDICTED)
			result = run_oracle_connections(r, &ret->traffic, &ret->oracle, err);
		if (result < 0)
			return result;
		ret->http_answered = e->http_all ? ret->traffic.count : e->http_answered;
	}
	return 0;
}

uint32_t run_flows_planned(struct run *r, const struct plan_step *step, const struct addr *vip, uint64_t *ret_spread)
{
	const struct plan_step *end = r->plan->steps + r->plan->step_count;
	size_t n = r->lab->conf.workers;
	bool *workers = arena_array(&r->arena, n, sizeof(*workers));
	uint64_t most = 0, flows;

	*ret_spread = 0;
	for (step++; step < end && (step->kind != PLAN_STEP_FLOWS || step->traffic.again); step++) {
		const struct plan_expect *e = &step->expect;
		struct judge_expect expect = {.kind = kind_of(e),
					      .workers = workers,
					      .traffic = {.vip = *vip, .since = run_wall(r)},
					      .detect = e->detect};

		if (step->kind != PLAN_STEP_EXPECT || e->of == PLAN_OF_CONNECTIONS ||
		    (e->kind != PLAN_EXPECT_SPREAD && e->kind != PLAN_EXPECT_MOVED && e->kind != PLAN_EXPECT_STAGES))
			continue;
		who_fill(&e->who, workers, n);
		flows = judge_flows_planned(r->judge, &expect);
		most = flows > most ? flows : most;
		if (expect.kind == JUDGE_SPREAD_EQUAL || expect.kind == JUDGE_SPREAD_WEIGHTED)
			*ret_spread = flows > *ret_spread ? flows : *ret_spread;
	}
	return most < UINT32_MAX ? (uint32_t)most : UINT32_MAX;
}

int run_lab_alive(struct run *r, struct errmsg *err)
{
	if (run_interrupted(r))
		return errmsg_say(err, -EINTR, "interrupted");
	if (r->daemon_ended)
		return run_daemon_failed(r, err);
	if (r->evidence_err.code != 0) {
		*err = r->evidence_err;
		return err->code;
	}
	return 0;
}

static enum run_exit exit_of_verdict(enum judge_verdict verdict)
{
	switch (verdict) {
	case JUDGE_PASS:
		return RUN_PASSED;
	case JUDGE_FAIL:
		return RUN_FAILED;
	case JUDGE_INCONCLUSIVE:
	case JUDGE_PENDING:
		return RUN_INCONCLUSIVE;
	}
	return RUN_INCONCLUSIVE;
}

/* A verdict is final once it has been asked for with everything in hand that the kernel had seen by `now`: links hand
 * over their frames one after the other, so that the first answer may rest on half of them. */
static int evaluate(struct run *r, const struct judge_expect *expect, bool last, struct judge_finding *ret,
		    struct errmsg *err)
{
	struct instant now = expect->deadline;
	int result;

	if (!last) {
		struct arena scratch = {0}; /* asked at every event: the words of pending answers are not kept */

		now = instant_min(run_wall(r), (struct instant){expect->deadline.ns - 1});
		ret->verdict = judge_evaluate(r->judge, expect, now, &scratch).verdict;
		arena_clear(&scratch);
		if (ret->verdict == JUDGE_PENDING)
			return run_lab_alive(r, err);
	}
	result = run_evidence_settle(r, err);
	if (result < 0)
		return result;
	run_evidence_losses(r);
	*ret = judge_evaluate(r->judge, expect, now, &r->arena);
	return run_lab_alive(r, err);
}

/* What is only told breaks nothing. */
static enum run_exit concluded(const struct plan_expect *e, struct judge_finding *f)
{
	if (e->told)
		f->verdict = JUDGE_PASS;
	return exit_of_verdict(f->verdict);
}

static enum run_exit left(struct run *r, const struct plan_expect *e, struct judge_expect *expect,
			  struct judge_finding *ret, struct errmsg *err)
{
	int result = run_left_watch(r, expect, ret, err);

	if (result < 0)
		return result == -ECHILD ? RUN_FAILED : run_exit_of(result);
	return concluded(e, ret);
}

enum run_exit run_step_expect(struct run *r, const struct plan_step *step, struct judge_finding *ret,
			      struct errmsg *err)
{
	struct judge_expect expect;
	struct instant deadline; /* of the loop's clock */

	if (expect_make(r, &step->expect, &expect, err) < 0) {
		*ret = (struct judge_finding){.verdict = JUDGE_FAIL, .seen = arena_strdup(&r->arena, err->text)};
		return RUN_FAILED;
	}
	if (expect.kind == JUDGE_LEFT || expect.kind == JUDGE_JOINED)
		return left(r, &step->expect, &expect, ret, err);
	deadline = instant_add(run_clock(r), instant_since(expect.deadline, run_wall(r)));
	for (;;) {
		bool last = !instant_before(run_clock(r), deadline);
		int result = evaluate(r, &expect, last, ret, err);

		if (result < 0)
			return result == -ECHILD ? RUN_FAILED : run_exit_of(result);
		run_router_sweep(r);
		if (ret->verdict != JUDGE_PENDING || last) {
			if (expect.kind != JUDGE_PREDICTED)
				run_oracle_note(r, &expect);
			result = run_moves_save(r, ret, err);
			return result < 0 ? run_exit_of(result) : concluded(&step->expect, ret);
		}
		(void)run_wait(r, deadline);
	}
}
