/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A run on the virtual driver: the same cluster, speakers, steps and judge; no kernel, no waiting. What the judge sees are
 * the frames of the workers' links and the router's, saved as live captures are. */
#include "virtual.h"
#include "run_int.h"
#include "virtual_save.h"

#include <stdlib.h>
#include <string.h>

#define LINK_ROUTER "router-cluster"

struct run_virtual {
	struct virtual *net;
	VEC(bool) unplugged;		  /* by worker */
	virtual_node router;		  /* behind the workers, as its link */
	VEC(struct virtual_save *) saves; /* by node */
	uint64_t frames;
	struct rng breaks;
	struct instant next_break;
};

/* ---- Time ---- */

struct instant run_virtual_now(const struct run *r)
{
	return virtual_now(r->virtual->net);
}

/* Whole numbers only, uniform around the mean: logarithms' last digits differ from one machine to the next. */
static void break_draw(struct run *r)
{
	struct run_virtual *v = r->virtual;
	uint64_t mean = (uint64_t)r->plan->virtual.breaks_ns;

	v->next_break = mean == 0 ? INSTANT_NEVER
				  : instant_add(run_virtual_now(r), 1 + (int64_t)rng_below(&v->breaks, 2 * mean));
}

static void break_one(struct run *r)
{
	struct run_virtual *v = r->virtual;
	virtual_node worker = (virtual_node)rng_below(&v->breaks, r->lab->conf.workers);
	enum virtual_end how = rng_below(&v->breaks, 2) == 0 ? VIRTUAL_FIN : VIRTUAL_RST;

	(void)virtual_break(v->net, worker, v->router, how, 0);
	break_draw(r);
}

/* Until somebody has seen something. */
bool run_virtual_wait(struct run *r, struct instant until)
{
	struct run_virtual *v = r->virtual;
	uint64_t before = v->frames;

	while (v->frames == before) {
		struct instant next = instant_min(virtual_next(v->net), v->next_break);

		if (instant_before(until, next) || next.ns == INT64_MAX) {
			if (until.ns != INT64_MAX)
				virtual_run(v->net, until);
			break;
		}
		virtual_run(v->net, next);
		if (!instant_before(next, v->next_break))
			break_one(r);
	}
	return true;
}

/* ---- What is seen ---- */

static void on_frame(void *ctx, virtual_node node, struct instant at, const uint8_t *frame, size_t len)
{
	struct run *r = ctx;

	if (node >= r->virtual->saves.len)
		return; /* the end of a run is not part of it */
	r->virtual->frames++;
	virtual_save_frame(r->virtual->saves.at[node], at, frame, len);
	capture_feed(r->capture, node, at, frame, len);
}

static int link_open(struct run *r, const char *name, struct errmsg *err)
{
	struct virtual_save *save;
	unsigned int link = r->link_count;
	int result;

	r->link_names[link] = name;
	r->link_files[link] = arena_printf(&r->arena, "%s.pcapng", name);
	result = virtual_save_new(r->dir_fd, r->link_files[link], name, &save, err);
	if (result < 0)
		return result;
	VEC_PUSH(&r->virtual->saves, save);
	r->link_count++;
	return 0;
}

static int links_open(struct run *r, struct errmsg *err)
{
	int result = 0;

	r->capture = capture_new(run_on_capture, r);
	for (unsigned int i = 0; i < r->lab->conf.workers && result == 0; i++)
		result = link_open(r, r->lab->workers[i].host.name, err);
	return result == 0 ? link_open(r, LINK_ROUTER, err) : result;
}

int run_virtual_stop(struct run *r, struct errmsg *err)
{
	struct run_virtual *v = r->virtual;
	int result = 0;

	for (size_t i = 0; i < v->saves.len; i++) {
		struct errmsg why;

		if (virtual_save_end(v->saves.at[i], &why) < 0 && result == 0) {
			*err = why;
			result = why.code;
		}
	}
	VEC_FREE(&v->saves);
	return result;
}

/* ---- Who is there ---- */

/* The lab's nodes as far as they need no kernel: their names and addresses. */
static struct node_lab *lab_new(const struct plan_lab *plan)
{
	struct node_lab *lab = memory_new(sizeof(*lab));

	lab->conf = run_lab_conf(plan);
	lab->workers = arena_array(&lab->arena, plan->workers, sizeof(*lab->workers));
	for (unsigned int i = 0; i < plan->workers; i++) {
		struct node_worker *w = &lab->workers[i];

		w->host = (struct node_host){.name = arena_printf(&lab->arena, "worker%u", i + 1),
					     .address = addr_add(&plan->first_worker, i)};
		w->fault = NODE_FAULT_NONE;
	}
	for (size_t i = 0; i < plan->fault_count; i++)
		lab->workers[plan->faults[i].worker - 1].fault = run_fault_of(plan->faults[i].fault);
	lab->router = (struct node_host){.name = "router", .address = plan->router_cluster};
	lab->control_plane = (struct node_host){.name = "control-plane", .address = plan->control_plane};
	return lab;
}

static void nodes_add(struct run *r)
{
	static const struct drive_speaker_ops router_ops = {.notice = run_on_router_notice, .dial = run_on_router_dial};
	struct run_virtual *v = r->virtual;

	for (unsigned int i = 0; i < r->lab->conf.workers; i++) {
		VEC_PUSH(&v->unplugged, false);
		(void)virtual_add(v->net,
				  &(struct virtual_node_conf){.listens = r->plan->lab.metallb == KUBE_METALLB_STANDARD,
							      .addresses = &r->lab->workers[i].host.address,
							      .address_count = 1,
							      .ops = &run_worker_ops,
							      .ctx = &r->workers[i]});
	}
	v->router = virtual_add(v->net, &(struct virtual_node_conf){.listens = true,
								    .addresses = &r->lab->conf.router_cluster,
								    .address_count = 1,
								    .ops = &router_ops,
								    .ctx = r});
}

static void network_new(struct run *r)
{
	const struct plan_virtual *p = &r->plan->virtual;
	struct virtual_conf conf = {.seed = r->seed,
				    .network = {.delay_ns = p->delay_ns,
						.spread_ns = p->spread_ns,
						.jitter_ns = p->jitter_ns,
						.cut_percent = p->cut_percent,
						.late_percent = p->late_percent,
						.refuse_percent = p->refuse_percent},
				    .frame = on_frame,
				    .ctx = r};

	r->virtual->net = virtual_new(&conf);
	virtual_jump(r->virtual->net, r->started.ns);
	r->virtual->breaks.state = ~r->seed;
	break_draw(r);
}

int run_virtual_setup(struct run *r, struct errmsg *err)
{
	int result;

	r->lab = lab_new(&r->plan->lab);
	r->virtual = memory_new(sizeof(*r->virtual));
	network_new(r);
	run_judge_start(r);
	result = links_open(r, err);
	run_phase(r, "captures");
	if (result == 0)
		result = run_cluster_start(r, err);
	if (result < 0)
		return result;
	nodes_add(r);
	run_virtual_router_start(r, false);
	run_phase(r, "router");
	result = run_settle_cluster(r, err);
	run_phase(r, "workers");
	return result;
}

/* ---- After the cluster changed ---- */

void run_virtual_pods(struct run *r)
{
	struct arena scratch = {0};
	size_t n;
	const struct kube_pod *pods = kube_pods(r->cluster, &n);
	/* Readiness changes the cluster, and with it the list. */
	const struct kube_pod *wanted = arena_memdup(&scratch, pods, n * sizeof(*pods));

	for (size_t i = 0; i < n; i++) {
		if (!wanted[i].ready)
			kube_pod_ready(r->cluster, wanted[i].uid, true);
	}
	arena_clear(&scratch);
}

int run_virtual_follow(struct run *r, struct run_worker *w, struct errmsg *err)
{
	struct node_worker *node = &r->lab->workers[w->index];
	struct virtual *net = r->virtual->net;
	bool changed;
	int result;

	/* The node must be down before the engine that it runs goes. */
	if (node->speaker != NULL && node_worker_sessions_changed(node, r->cluster))
		run_virtual_silence(w);
	result = node_worker_sync(r->lab, w->index, r->cluster, r->plan->lab.metallb, r->seed, &changed, err);
	if (result == 0 && w->generation != node->generation) {
		w->generation = node->generation;
		if (node->speaker != NULL)
			virtual_start(net, w->index, node->speaker);
	}
	if (result == 0 && changed) {
		bgp_routes_commit(node->speaker, run_virtual_now(r));
		virtual_flush(net, w->index);
	}
	return result;
}

void run_virtual_flush(struct run *r, unsigned int worker)
{
	virtual_flush(r->virtual->net, worker);
}

void run_virtual_flush_router(struct run *r)
{
	virtual_flush(r->virtual->net, r->virtual->router);
}

/* ---- Nodes that end and come back ---- */

void run_virtual_silence(struct run_worker *w)
{
	struct run_virtual *v = w->run->virtual;

	/* Behind a dead link nobody hears what a process that ends would say. */
	virtual_stop(v->net, w->index, v->unplugged.at[w->index] ? VIRTUAL_SILENT : VIRTUAL_FIN);
}

void run_virtual_link(struct run *r, unsigned int worker, bool up)
{
	r->virtual->unplugged.at[worker] = !up;
	virtual_silence(r->virtual->net, worker, r->virtual->router, !up);
}

void run_virtual_router_start(struct run *r, bool restarting)
{
	struct node_router_conf conf = run_router_conf(r);

	conf.restarting = restarting && conf.graceful_restart;
	r->router_engine = node_router_speaker(r->lab, &conf);
	virtual_start(r->virtual->net, r->virtual->router, r->router_engine);
}

void run_virtual_router_stop(struct run *r)
{
	virtual_stop(r->virtual->net, r->virtual->router, VIRTUAL_FIN);
	bgp_speaker_free(r->router_engine);
	r->router_engine = NULL;
}

void run_virtual_free(struct run *r)
{
	if (r->virtual == NULL)
		return;
	(void)run_virtual_stop(r, &(struct errmsg){0});
	virtual_free(r->virtual->net);
	VEC_FREE(&r->virtual->unplugged);
	free(r->virtual);
	r->virtual = NULL;
}
