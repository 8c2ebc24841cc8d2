/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plays the plan's steps in order; what each kind does is a row. */
#include "run_int.h"

#include <errno.h>

enum run_exit run_exit_of(int error)
{
	return error == -EINTR ? RUN_INTERRUPTED : RUN_BROKEN;
}

/* The cluster refuses what the user wrote: that is the scenario's failure; a kernel that refuses is the lab's. */
static enum run_exit settle(struct run *r, int applied, struct errmsg *err)
{
	int result;

	if (applied < 0)
		return RUN_FAILED;
	result = run_settle_cluster(r, err);
	return result < 0 ? run_exit_of(result) : RUN_PASSED;
}

static enum run_exit step_apply(struct run *r, const struct plan_step *step, const char **ret_detail,
				struct errmsg *err)
{
	(void)ret_detail;
	return settle(r, kube_apply_all(r->cluster, step->objects, step->object_count, err), err);
}

static enum run_exit step_delete(struct run *r, const struct plan_step *step, const char **ret_detail,
				 struct errmsg *err)
{
	(void)ret_detail;
	return settle(r, kube_delete(r->cluster, step->delete_kind, step->namespace, step->name, err), err);
}

static enum run_exit step_scale(struct run *r, const struct plan_step *step, const char **ret_detail,
				struct errmsg *err)
{
	(void)ret_detail;
	return settle(r, kube_scale(r->cluster, step->namespace, step->name, step->replicas, err), err);
}

struct step_kind {
	/* NULL: an expectation, which comes with a finding */
	enum run_exit (*play)(struct run *r, const struct plan_step *step, const char **ret_detail, struct errmsg *err);
	bool changes; /* what withdrawals are counted from */
};

static const struct step_kind kinds[] = {
	[PLAN_STEP_APPLY] = {step_apply, true},		[PLAN_STEP_DELETE] = {step_delete, true},
	[PLAN_STEP_SCALE] = {step_scale, true},		[PLAN_STEP_EXPECT] = {NULL, false},
	[PLAN_STEP_HTTP] = {run_step_http, false},	[PLAN_STEP_FLOWS] = {run_step_flows, false},
	[PLAN_STEP_EXEC] = {run_step_exec, false},	[PLAN_STEP_MALFORMED] = {run_step_malformed, false},
	[PLAN_STEP_SEND] = {run_step_malformed, false}, [PLAN_STEP_FAIL] = {run_step_fail, true},
	[PLAN_STEP_RECOVER] = {run_step_recover, true}, [PLAN_STEP_RESTART] = {run_step_restart, true},
	[PLAN_STEP_HASH] = {run_step_hash, false},	[PLAN_STEP_SESSION] = {run_step_session, true},
};

/* What rests on routes in the router's kernel. */
static bool needs_fib(const struct plan_step *step)
{
	enum plan_expect_kind what = step->expect.kind;

	if (step->kind == PLAN_STEP_EXPECT)
		return what == PLAN_EXPECT_NEXT_HOPS || what == PLAN_EXPECT_HTTP || what == PLAN_EXPECT_SPREAD ||
		       what == PLAN_EXPECT_PREDICTED || what == PLAN_EXPECT_LEFT || what == PLAN_EXPECT_JOINED;
	return step->kind == PLAN_STEP_HTTP || step->kind == PLAN_STEP_FLOWS;
}

/* A daemon that keeps its routes to itself is no worse a speaker for it: what asks for the kernel's routes is neither
 * held nor failed but skipped, since it is this router on this machine that lacks them (DESIGN's exit status 4). */
static enum run_exit step_skip(struct run *r, const struct plan_step *step)
{
	const struct node_daemon *d = &r->daemon.node;
	struct errmsg why;
	struct judge_finding finding = {.verdict = JUDGE_INCONCLUSIVE};

	if (r->virtual != NULL)
		(void)errmsg_say(&why, -EOPNOTSUPP, "needs the kernel, which a virtual run does not have");
	else
		(void)errmsg_say(&why, -EOPNOTSUPP, "%s %s installs no routes in the kernel on Linux", d->name,
				 d->version);
	run_tell_step_begin(r, step);
	finding.seen = arena_strdup(&r->arena, why.text);
	run_tell_step_end(r, step, RUN_SKIPPED, step->kind == PLAN_STEP_EXPECT ? &finding : NULL, NULL, &why);
	return RUN_SKIPPED;
}

static enum run_exit step_play(struct run *r, const struct plan_step *step, struct errmsg *err)
{
	const struct step_kind *kind = &kinds[step->kind];
	struct judge_finding finding = {0};
	const char *detail = NULL;
	enum run_exit result;

	if (r->virtual != NULL && plan_step_needs_kernel(step))
		return step_skip(r, step);
	if (needs_fib(step) && r->has_daemon && !node_daemon_installs_routes(r->daemon.node.kind))
		return step_skip(r, step);
	if (kind->changes)
		r->cause = run_wall(r);
	run_tell_step_begin(r, step);
	if (kind->play != NULL)
		result = kind->play(r, step, &detail, err);
	else
		result = run_step_expect(r, step, &finding, err);
	/* A daemon that died under a step that did not notice. */
	if (result == RUN_PASSED && r->daemon_ended) {
		(void)run_daemon_failed(r, err);
		result = RUN_FAILED;
	}
	if (kind->play == NULL && (result == RUN_FAILED || result == RUN_INCONCLUSIVE))
		run_neighbours_doubt(r, &finding);
	run_tell_step_end(r, step, result, kind->play == NULL ? &finding : NULL, detail, err);
	return result;
}

/* Peers that misbehave do so each for itself: what the router does about one says nothing of the next. */
static bool stands_alone(const struct plan_step *step)
{
	return step->kind == PLAN_STEP_EXPECT && step->expect.kind == PLAN_EXPECT_REACTION;
}

/* Of two that leave the lab as it should be, so that the run goes on: a failure tells most, a skipped step least. */
static enum run_exit worse(enum run_exit a, enum run_exit b)
{
	static const enum run_exit order[] = {RUN_FAILED, RUN_INCONCLUSIVE, RUN_SKIPPED};

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (a == order[i] || b == order[i])
			return order[i];
	}
	return RUN_PASSED;
}

/* An end that the run does not outlive stops it. */
enum run_exit run_steps(struct run *r, struct errmsg *err)
{
	enum run_exit worst = RUN_PASSED;
	size_t skipped = 0;

	for (size_t i = 0; i < r->plan->step_count; i++) {
		const struct plan_step *step = &r->plan->steps[i];
		enum run_exit result = step_play(r, step, err);
		bool alone = result == RUN_FAILED && err->code == 0 && stands_alone(step);

		if (!alone && result != RUN_PASSED && result != RUN_INCONCLUSIVE && result != RUN_SKIPPED)
			return result;
		skipped += result == RUN_SKIPPED;
		worst = worse(worst, result);
	}
	if (worst == RUN_SKIPPED && r->virtual != NULL)
		(void)errmsg_say(err, -EOPNOTSUPP,
				 "%zu step%s the kernel, which a virtual run does not have, and skipped; all else held",
				 skipped, skipped == 1 ? " needs" : "s need");
	else if (worst == RUN_SKIPPED)
		(void)errmsg_say(
			err, -EOPNOTSUPP,
			"%s installs no routes in the kernel on Linux: %zu step%s about them skipped, all else held",
			r->daemon.node.name, skipped, skipped == 1 ? "" : "s");
	return worst;
}
