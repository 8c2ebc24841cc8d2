/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Workers that misbehave on purpose, each with one case of the catalogue, all at once. */
#include "run_int.h"

#include <errno.h>

#define PLAYED_WITHIN_NS (10 * NS_PER_S)

/* What a misbehaving worker announces: of the benchmarks' network (RFC 2544), one address a worker. */
struct prefix run_rogue_prefix(unsigned int worker)
{
	static const struct addr first = {ADDR_V4, {198, 18, 0, 0}};
	struct addr own = addr_add(&first, worker);

	return prefix_host(&own);
}

static void rogue_start(struct run *r, const struct plan_malformed *m)
{
	const struct node_host *worker = &r->lab->workers[m->worker - 1].host;
	struct drive_rogue_conf conf = {.what = m->what,
					.conf = {.as = run_worker_as(&r->plan->lab, m->worker - 1),
						 .peer_as = r->plan->lab.router_as,
						 .id = addr_v4_value(&worker->address),
						 .local = worker->address,
						 .prefix = run_rogue_prefix(m->worker)},
					.ns = worker->ns,
					.remote = r->lab->conf.router_cluster};

	VEC_PUSH(&r->rogues, drive_rogue_new(r->drive, &conf));
}

static size_t unplayed(const struct run *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->rogues.len; i++)
		n += !drive_rogue_done(r->rogues.at[i]);
	return n;
}

void run_rogues_free(struct run *r)
{
	for (size_t i = 0; i < r->rogues.len; i++)
		drive_rogue_free(r->rogues.at[i]);
	VEC_FREE(&r->rogues);
}

enum run_exit run_step_malformed(struct run *r, const struct plan_step *step, const char **ret_detail,
				 struct errmsg *err)
{
	struct instant deadline = instant_add(drive_now(r->drive), PLAYED_WITHIN_NS);
	size_t left;

	run_rogues_free(r);
	r->malformed_since = drive_wall();
	for (size_t i = 0; i < step->malformed_count; i++)
		rogue_start(r, &step->malformed[i]);
	while ((left = unplayed(r)) > 0 && !r->daemon_ended && instant_before(drive_now(r->drive), deadline)) {
		if (!drive_wait(r->drive, deadline))
			return run_exit_of(errmsg_say(err, -EINTR, "interrupted"));
	}
	r->malformed_played = drive_wall();
	*ret_detail =
		arena_printf(&r->arena, "%zu of %zu cases played", step->malformed_count - left, step->malformed_count);
	return RUN_PASSED;
}

static enum judge_reaction_kind kind_of(enum rogue_reaction reaction)
{
	switch (reaction) {
	case ROGUE_NOTIFICATION:
		return JUDGE_NOTIFIES;
	case ROGUE_CLOSES:
		return JUDGE_CLOSES;
	case ROGUE_STAYS:
		return JUDGE_STAYS;
	case ROGUE_WITHDRAWN:
		return JUDGE_WITHDRAWS;
	case ROGUE_INSTALLED:
		return JUDGE_INSTALLS;
	}
	return JUDGE_STAYS;
}

struct judge_reaction run_rogue_reaction(const struct run *r, const struct rogue_case *what)
{
	struct judge_reaction ret = {.kind = kind_of(what->reaction),
				     .unless_extended = what->unless_extended,
				     .cut_short = what->cut_short,
				     .talks = what->then == ROGUE_GOES_ON && !what->cut_short && what->pace_ms == 0,
				     .played = r->malformed_played,
				     .no_fib = r->has_daemon && !node_daemon_installs_routes(r->daemon.node.kind)};

	for (size_t i = 0; i < sizeof(ret.answers) / sizeof(ret.answers[0]); i++)
		ret.answers[i] = (struct judge_answer){.code = what->answers[i].code,
						       .subcode = what->answers[i].subcode,
						       .data = what->answers[i].data};
	return ret;
}
