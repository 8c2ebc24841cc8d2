/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The built-in router: its speaker, its routes in the kernel, and what becomes of them when it restarts. */
#include "run_int.h"

#include <stdlib.h>

#define ROUTER_PATHS_DEFAULT 16

/* Plain routes, or those of nexthop groups where the scenario asks for them. */
static void route_set(struct run *r, const struct prefix *to, const struct addr *next_hops, const uint16_t *weights,
		      size_t n)
{
	if (r->groups != NULL)
		net_groups_route(r->groups, to, next_hops, weights, n);
	else
		net_route_weighted(r->lab->router.ns, to, next_hops, weights, n);
}

struct net_group_conf run_group_conf(const struct run *r)
{
	const struct plan_groups *g = &r->plan->lab.groups;

	return (struct net_group_conf){.resilient = g->resilient,
				       .buckets = (uint16_t)g->buckets,
				       .idle_ns = g->idle_ns,
				       .unbalanced_ns = g->unbalanced_ns};
}

static int groups_start(struct run *r, struct errmsg *err)
{
	struct net_group_conf conf = run_group_conf(r);

	if (!r->plan->lab.groups.on || r->groups != NULL) /* a speaker that restarts finds its groups in place */
		return 0;
	r->groups = net_groups_new(r->lab->router.ns, &conf, err);
	return r->groups != NULL ? 0 : err->code;
}

static void told_kernel(struct run *r)
{
	struct errmsg err;

	/* What the kernel refuses shows in the FIB, which is what the judge looks at; the reason is for the reader. */
	if (net_flush(r->lab->router.ns, &err) < 0)
		run_tell(r, "router", err.text);
}

/* ---- What a speaker before this one left in the kernel ---- */

static int prefix_order(const void *a, const void *b)
{
	return prefix_compare(a, b);
}

static void left_keep(void *ctx, const struct prefix *prefix, const struct addr *next_hops, size_t n)
{
	struct run *r = ctx;

	(void)next_hops;
	if (n > 0)
		VEC_PUSH(&r->left, (struct run_left){.prefix = *prefix});
}

static void left_told(struct run *r, const struct prefix *prefix)
{
	struct run_left *found = NULL;

	if (r->left.len > 0)
		found = bsearch(prefix, r->left.at, r->left.len, sizeof(*r->left.at), prefix_order);
	if (found != NULL)
		found->told = true;
}

void run_router_sweep(struct run *r)
{
	if (r->left.len == 0 || r->router_engine == NULL || bgp_deferring(r->router_engine))
		return;
	for (size_t i = 0; i < r->left.len; i++) {
		if (!r->left.at[i].told)
			route_set(r, &r->left.at[i].prefix, NULL, NULL, 0);
	}
	VEC_CLEAR(&r->left);
	told_kernel(r);
}

/* ---- Its speaker ---- */

/* As BIRD 1.6 does before it sets the changed route (METALLB section 7.4). */
static void route_away(struct run *r, const struct prefix *prefix)
{
	struct errmsg none_there;

	told_kernel(r);
	route_set(r, prefix, NULL, NULL, 0);
	(void)!net_flush(r->lab->router.ns, &none_there);
}

static void on_route(void *ctx, const struct bgp_output *route)
{
	struct run *r = ctx;

	left_told(r, &route->prefix);
	if (r->plan->lab.delete_add && route->next_hop_count > 0)
		route_away(r, &route->prefix);
	route_set(r, &route->prefix, route->next_hops, route->weights, route->next_hop_count);
}

static void on_routes_told(void *ctx)
{
	struct run *r = ctx;

	told_kernel(r);
	run_router_sweep(r);
}

void run_on_router_notice(void *ctx, const struct bgp_output *notice)
{
	struct run *r = ctx;

	const struct node_lab *lab = r->lab;
	bool worker = notice->peer < lab->conf.workers;

	run_tell_session(r, "router", worker ? lab->workers[notice->peer].host.name : lab->upstream.name, notice);
}

void run_on_router_dial(void *ctx, bgp_peer_id peer, struct addr *ret_remote, uint16_t *ret_port,
			struct addr *ret_source)
{
	const struct run *r = ctx;

	if (peer >= r->lab->conf.workers) {
		run_upstream_dial(r, 0, ret_remote, ret_port, ret_source);
		return;
	}
	*ret_remote = r->lab->workers[peer].host.address;
	*ret_port = WIRE_BGP_PORT;
	*ret_source = r->lab->conf.router_cluster;
}

static int bfd_start(struct run *r, const struct node_router_conf *conf, struct errmsg *err)
{
	const struct node_lab *lab = r->lab;
	struct run_bfd_session *sessions = arena_array(&r->arena, lab->conf.workers, sizeof(*sessions));

	for (unsigned int i = 0; i < lab->conf.workers; i++)
		sessions[i] = (struct run_bfd_session){.name = lab->workers[i].host.name,
						       .local = lab->conf.router_cluster,
						       .remote = lab->workers[i].host.address,
						       .bfd = conf->bfd};
	return run_bfd_new(r,
			   &(struct run_bfd_conf){.node = "router",
						  .ns = lab->router.ns,
						  .seed = r->seed,
						  .sessions = sessions,
						  .session_count = lab->conf.workers,
						  .speaker = r->router_engine,
						  .driver = r->router},
			   &r->router_bfd, err);
}

int run_router_start(struct run *r, bool restarting, struct errmsg *err)
{
	static const struct drive_speaker_ops ops = {.route = on_route,
						     .routes_told = on_routes_told,
						     .notice = run_on_router_notice,
						     .dial = run_on_router_dial};
	struct node_router_conf conf = run_router_conf(r);
	size_t n = conf.password != NULL || conf.ttl_security > 0 ? r->lab->conf.workers : 0;
	struct drive_guard *guards = arena_array(&r->arena, n, sizeof(*guards));
	int result;

	for (size_t i = 0; i < n; i++)
		guards[i] = (struct drive_guard){.password = conf.password, .gtsm_hops = conf.ttl_security};
	result = groups_start(r, err);
	if (result < 0)
		return result;
	if (r->virtual != NULL) {
		run_virtual_router_start(r, restarting);
		return 0;
	}
	conf.restarting = restarting && conf.graceful_restart;
	r->router_engine = node_router_speaker(r->lab, &conf);
	result = drive_speaker_new(r->drive,
				   &(struct drive_speaker_conf){.engine = r->router_engine,
								.ns = r->lab->router.ns,
								.listens = true,
								.listen_address = r->lab->conf.router_cluster,
								.ops = &ops,
								.ctx = r,
								.guards = guards,
								.guard_count = n},
				   &r->router, err);
	return result < 0 ? result : bfd_start(r, &conf, err);
}

/* Sorted, each once; what was told meanwhile is in the loc-rib again, if it is to stay. */
static void left_sort(struct run *r)
{
	size_t kept = 0;

	if (r->left.len > 1)
		qsort(r->left.at, r->left.len, sizeof(*r->left.at), prefix_order);
	for (size_t i = 0; i < r->left.len; i++) {
		if (kept == 0 || !prefix_equal(&r->left.at[kept - 1].prefix, &r->left.at[i].prefix))
			r->left.at[kept++].prefix = r->left.at[i].prefix;
		r->left.at[kept - 1].told = false;
	}
	r->left.len = kept;
}

/* Whoever does not come back gracefully takes its routes along. */
static void left_drop(struct run *r)
{
	for (size_t i = 0; i < r->left.len; i++)
		route_set(r, &r->left.at[i].prefix, NULL, NULL, 0);
	VEC_CLEAR(&r->left);
	told_kernel(r);
}

void run_router_stop(struct run *r)
{
	if (r->virtual != NULL) {
		run_virtual_router_stop(r);
		return;
	}
	run_bfd_free(r->router_bfd);
	r->router_bfd = NULL;
	drive_speaker_free(r->router);
	r->router = NULL;
	bgp_loc_rib(r->router_engine, left_keep, r);
	bgp_speaker_free(r->router_engine);
	r->router_engine = NULL;
	left_sort(r);
	if (!r->plan->lab.router_session.graceful_restart)
		left_drop(r);
}

enum bgp_switch run_switch(enum plan_switch how)
{
	static const enum bgp_switch switches[] = {
		[PLAN_AS_PROFILE] = BGP_AS_PROFILE, [PLAN_ON] = BGP_ON, [PLAN_OFF] = BGP_OFF};

	return switches[how];
}

struct bgp_switches run_switches(const struct plan_switches *s)
{
	return (struct bgp_switches){.enforce_hold = run_switch(s->enforce_hold),
				     .backoff_reset_at_open = run_switch(s->backoff_reset_at_open),
				     .origin_incomplete = run_switch(s->origin_incomplete),
				     .last_wins = run_switch(s->last_wins),
				     .local_pref_outside = run_switch(s->local_pref_outside),
				     .end_of_rib = run_switch(s->end_of_rib),
				     .notifies = run_switch(s->notifies)};
}

static enum bgp_role role_of(enum plan_role role)
{
	static const enum bgp_role roles[] = {[PLAN_ROLE_NONE] = BGP_ROLE_NONE,
					      [PLAN_ROLE_PROVIDER] = BGP_ROLE_PROVIDER,
					      [PLAN_ROLE_RS] = BGP_ROLE_RS,
					      [PLAN_ROLE_RS_CLIENT] = BGP_ROLE_RS_CLIENT,
					      [PLAN_ROLE_CUSTOMER] = BGP_ROLE_CUSTOMER,
					      [PLAN_ROLE_PEER] = BGP_ROLE_PEER};

	return roles[role];
}

enum bgp_role run_worker_role(const struct plan_lab *lab)
{
	return role_of(lab->worker_role);
}

struct node_router_conf run_router_conf(const struct run *r)
{
	const struct plan_lab *lab = &r->plan->lab;
	const struct plan_session *s = &lab->router_session;

	return (struct node_router_conf){.as = lab->router_as,
					 .worker_as = lab->worker_as,
					 .worker_as_step = lab->worker_as_step,
					 .multipath_own = lab->multipath_own,
					 .max_paths = lab->max_paths > 0 ? lab->max_paths : ROUTER_PATHS_DEFAULT,
					 .password = lab->router_password,
					 .bfd = {.on = s->bfd.on,
						 .transmit_ms = s->bfd.transmit_ms,
						 .receive_ms = s->bfd.receive_ms,
						 .multiplier = (uint8_t)s->bfd.multiplier,
						 .passive = s->bfd.passive},
					 .hold_set = s->hold_ns != KUBE_TIME_UNSET,
					 .hold_s = (uint16_t)(s->hold_ns > 0 ? s->hold_ns / NS_PER_S : 0),
					 .graceful_restart = s->graceful_restart,
					 .restart_s = (uint16_t)s->restart_s,
					 .notification = s->notification,
					 .session = run_engine(&lab->router_engine),
					 .min_origination_s = (uint16_t)lab->router_engine.min_origination_s,
					 .deferral_s = lab->router_engine.deferral_s,
					 .dials = lab->router_engine.dials,
					 .always_compare_med = lab->always_compare_med,
					 .multipath_relax = lab->multipath_relax,
					 .ttl_security = (uint8_t)s->ttl_security,
					 .multihop = s->multihop,
					 .role = role_of(s->role),
					 .role_strict = s->role_strict,
					 .upstream_as = lab->upstream.routers > 0 ? lab->upstream.as : 0,
					 .seed = r->seed};
}
