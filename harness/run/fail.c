/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Workers that fail and come back, and speakers that restart. */
#include "run_int.h"

#include <errno.h>
#include <stdlib.h>

/* ---- A worker ---- */

static void speaker_end(struct run *r, unsigned int worker)
{
	run_worker_silence(&r->workers[worker]);
	node_worker_stop(r->lab, worker);
	if (run_speaker_is_real(r, worker))
		run_speaker_stop(r, worker);
}

/* No connection ends with a word, not even once the link is up again. */
static int unplug(struct run *r, unsigned int worker, struct errmsg *err)
{
	if (r->workers[worker].driver != NULL)
		drive_speaker_unplug(r->workers[worker].driver);
	return run_speaker_is_real(r, worker) ? run_speaker_unplug(r, worker, err) : 0;
}

static int link_set(struct run *r, unsigned int worker, bool up, struct errmsg *err)
{
	if (r->virtual == NULL)
		return node_worker_link(r->lab, worker, up, err);
	run_virtual_link(r, worker, up);
	return 0;
}

static enum run_exit settled(int result)
{
	return result < 0 ? run_exit_of(result) : RUN_PASSED;
}

static enum kube_leave leave_of(enum plan_failure failure)
{
	switch (failure) {
	case PLAN_FAIL_WITHDRAW:
		return KUBE_LEAVE_WITHDRAW;
	case PLAN_FAIL_SHUTDOWN:
		return KUBE_LEAVE_SHUTDOWN;
	case PLAN_FAIL_DRAIN:
		return KUBE_LEAVE_DRAIN;
	case PLAN_FAIL_LINK_DOWN:
	case PLAN_FAIL_POWER_LOSS:
	case PLAN_FAIL_CRASH:
	case PLAN_FAIL_COUNT:
		return KUBE_STAYS;
	}
	return KUBE_STAYS;
}

enum run_exit run_step_fail(struct run *r, const struct plan_step *step, const char **ret_detail, struct errmsg *err)
{
	unsigned int worker = step->worker - 1;
	int result = 0;

	(void)ret_detail;
	if (leave_of(step->failure) != KUBE_STAYS) {
		kube_cluster_leave(r->cluster, r->lab->workers[worker].host.name, leave_of(step->failure));
		return settled(run_settle_cluster(r, err));
	}
	/* In this order: a daemon that sees its link go down has last words. */
	if (step->failure == PLAN_FAIL_POWER_LOSS)
		result = unplug(r, worker, err);
	if (result == 0 && step->failure != PLAN_FAIL_CRASH)
		result = link_set(r, worker, false, err);
	if (result == 0 && step->failure != PLAN_FAIL_LINK_DOWN)
		speaker_end(r, worker);
	return settled(result);
}

enum run_exit run_step_recover(struct run *r, const struct plan_step *step, const char **ret_detail, struct errmsg *err)
{
	unsigned int worker = step->worker - 1;
	int result = link_set(r, worker, true, err);

	(void)ret_detail;
	kube_cluster_leave(r->cluster, r->lab->workers[worker].host.name, KUBE_STAYS);
	node_worker_start(r->lab, worker);
	if (result == 0)
		result = run_settle_cluster(r, err);
	return settled(result);
}

/* ---- Restarts ---- */

static int wait_down(struct run *r, int64_t ns, struct errmsg *err)
{
	struct instant until = instant_add(run_clock(r), ns);

	while (instant_before(run_clock(r), until)) {
		if (!run_wait(r, until))
			return errmsg_say(err, -EINTR, "interrupted");
	}
	return 0;
}

static int router_restart(struct run *r, int64_t down_ns, struct errmsg *err)
{
	int result;

	if (r->has_daemon) {
		node_daemon_end(&r->daemon.node);
		r->daemon.watched = 0;
	} else {
		run_router_stop(r);
	}
	result = wait_down(r, down_ns, err);
	if (result < 0)
		return result;
	if (!r->has_daemon)
		return run_router_start(r, true, err);
	result = run_daemon_start(r, &r->daemon, err);
	return result < 0 ? result : run_daemon_await(r, &r->daemon, err);
}

static int worker_restart(struct run *r, unsigned int worker, int64_t down_ns, struct errmsg *err)
{
	int result;

	speaker_end(r, worker);
	result = wait_down(r, down_ns, err);
	node_worker_start(r->lab, worker);
	return result < 0 ? result : run_settle_cluster(r, err);
}

enum run_exit run_step_restart(struct run *r, const struct plan_step *step, const char **ret_detail, struct errmsg *err)
{
	(void)ret_detail;
	return settled(step->worker == 0 ? router_restart(r, step->down_ns, err)
					 : worker_restart(r, step->worker - 1, step->down_ns, err));
}
