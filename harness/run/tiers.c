/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The routers beside the first one, and the upstream router above them: a speaker each, routes in their kernels, and what the
 * judge is told of these. */
#include "run_int.h"

#include <errno.h>
#include <stdlib.h>

#define PATHS_MAX 16

/* One of them: the routers from the second on, then upstream. */
struct run_tier_node {
	struct run *run;
	unsigned int number; /* the judge's: a router's place, or after them upstream */
	const struct node_host *host;
	struct run_daemon daemon; /* node.instance NULL: the built-in speaker, below */
	struct bgp_speaker *engine;
	struct drive_speaker *driver;
	struct net_fib_monitor *fib;
};

struct run_tiers {
	struct run_tier_node *at;
	size_t n;
};

static void on_route(void *ctx, const struct bgp_output *route)
{
	struct run_tier_node *t = ctx;

	net_route_weighted(t->host->ns, &route->prefix, route->next_hops, route->weights, route->next_hop_count);
}

static void on_routes_told(void *ctx)
{
	struct run_tier_node *t = ctx;
	struct errmsg err;

	if (net_flush(t->host->ns, &err) < 0)
		run_tell(t->run, t->host->name, err.text);
}

static bool is_upstream(const struct run_tier_node *t)
{
	return t->host == &t->run->lab->upstream;
}

static void on_notice(void *ctx, const struct bgp_output *notice)
{
	struct run_tier_node *t = ctx;
	const struct node_lab *lab = t->run->lab;
	const char *peer = lab->upstream.name;

	if (is_upstream(t))
		peer = node_router_at(lab, notice->peer)->name;
	else if (notice->peer < lab->conf.workers)
		peer = lab->workers[notice->peer].host.name;
	run_tell_session(t->run, t->host->name, peer, notice);
}

void run_upstream_dial(const struct run *r, unsigned int router, struct addr *ret_remote, uint16_t *ret_port,
		       struct addr *ret_source)
{
	*ret_remote = r->lab->upstream.address;
	*ret_port = WIRE_BGP_PORT;
	*ret_source = node_uplink(r->lab, router);
}

/* Workers dial built-in routers, and these dial upstream; real ones wait for it. */
static void on_dial(void *ctx, bgp_peer_id peer, struct addr *ret_remote, uint16_t *ret_port, struct addr *ret_source)
{
	const struct run_tier_node *t = ctx;

	run_upstream_dial(t->run, is_upstream(t) ? peer : t->number, ret_remote, ret_port, ret_source);
	if (!is_upstream(t))
		return;
	*ret_remote = *ret_source;
	*ret_source = t->host->address;
}

static int speaker_start(struct run_tier_node *t, struct errmsg *err)
{
	static const struct drive_speaker_ops ops = {
		.route = on_route, .routes_told = on_routes_told, .notice = on_notice, .dial = on_dial};
	struct run *r = t->run;
	struct node_router_conf conf = run_router_conf(r);
	struct drive_speaker_conf driver = {.ns = t->host->ns, .listens = true, .ops = &ops, .ctx = t};

	conf.number = t->number;
	conf.upstream_dials = r->has_daemon;
	conf.max_paths = is_upstream(t) ? PATHS_MAX : conf.max_paths;
	t->engine = is_upstream(t) ? node_upstream_speaker(r->lab, &conf) : node_router_speaker(r->lab, &conf);
	driver.engine = t->engine;
	driver.listen_address = t->host->address;
	return drive_speaker_new(r->drive, &driver, &t->driver, err);
}

/* ---- What their kernels have ---- */

static void on_change(void *ctx, enum net_fib_change change, const struct net_fib_route *route)
{
	const struct run_tier_node *t = ctx;
	struct addr gateways[NET_FIB_HOPS_MAX];
	unsigned int weights[NET_FIB_HOPS_MAX];
	size_t n = 0;

	t->run->routing_changed = drive_wall();
	for (size_t i = 0; i < route->hop_count && change != NET_FIB_DELETED; i++) {
		if (route->hops[i].gateway.family == ADDR_NONE)
			continue;
		weights[n] = route->hops[i].weight;
		gateways[n++] = route->hops[i].gateway;
	}
	judge_fib_of(t->run->judge, t->number, drive_wall(), &route->prefix, gateways, weights, n);
}

int run_tiers_routes(struct run *r, struct errmsg *err)
{
	for (size_t i = 0; r->tiers != NULL && i < r->tiers->n; i++) {
		struct run_tier_node *t = &r->tiers->at[i];
		int result = t->fib != NULL ? net_fib_read(t->fib, on_change, t, err) : 0;

		if (result < 0)
			return result;
	}
	return 0;
}

static void on_fib(void *ctx, int fd)
{
	struct run_tier_node *t = ctx;
	struct errmsg err;

	(void)fd;
	if (net_fib_read(t->fib, on_change, t, &err) < 0 && t->run->evidence_err.code == 0)
		t->run->evidence_err = err;
}

static int watch(struct run_tier_node *t, struct errmsg *err)
{
	struct run *r = t->run;
	int result = net_fib_monitor_new(t->host->ns, NET_FIB_MAIN, &t->fib, err);

	if (result < 0)
		return result;
	VEC_PUSH(&r->watches, drive_watch(r->drive, net_fib_monitor_fd(t->fib), on_fib, t));
	return net_fib_dump(t->host->ns, NET_FIB_MAIN, on_change, t, err);
}

/* ---- Life ---- */

/* Upstream first: it listens when its routers dial. */
static void tiers_new(struct run *r)
{
	const struct node_lab *lab = r->lab;

	if (r->tiers != NULL || lab->conf.routers == 0)
		return;
	r->tiers = memory_new(sizeof(*r->tiers));
	r->tiers->n = lab->conf.routers;
	r->tiers->at = arena_array(&r->arena, r->tiers->n, sizeof(*r->tiers->at));
	for (unsigned int i = 0; i < lab->conf.routers; i++)
		r->tiers->at[i] = (struct run_tier_node){.run = r,
							 .number = i == 0 ? lab->conf.routers : i,
							 .host = i == 0 ? &lab->upstream : node_router_at(lab, i)};
}

int run_tiers_daemons(struct run *r, struct errmsg *err)
{
	int result = 0;

	tiers_new(r);
	for (size_t i = 1; r->tiers != NULL && i < r->tiers->n && result == 0; i++) {
		struct run_tier_node *t = &r->tiers->at[i];
		struct node_daemon *d = &t->daemon.node;

		t->daemon = (struct run_daemon){.run = r, .node = r->daemon.node}; /* found, and not started yet */
		d->number = t->number;
		d->instance = t->host->name;
		snprintf(d->log, sizeof(d->log), "router%u-%.40s", t->number + 1, r->daemon.node.log);
		result = run_daemon_start(r, &t->daemon, err);
	}
	return result;
}

int run_tiers_start(struct run *r, struct errmsg *err)
{
	int result = 0;

	tiers_new(r);
	for (size_t i = 0; r->tiers != NULL && i < r->tiers->n && result == 0; i++) {
		if (r->tiers->at[i].daemon.node.instance != NULL)
			result = run_daemon_await(r, &r->tiers->at[i].daemon, err);
	}
	for (size_t i = 0; r->tiers != NULL && i < r->tiers->n && result == 0; i++) {
		struct run_tier_node *t = &r->tiers->at[i];

		result = watch(t, err);
		if (result == 0 && t->daemon.node.instance == NULL)
			result = speaker_start(t, err);
	}
	return result;
}

void run_tiers_tell(struct run *r)
{
	const struct node_lab *lab = r->lab;
	const char *text = "stands between the clients and router";
	char named[128];
	struct net_hash hash;
	struct errmsg err;

	if (r->tiers == NULL || net_hash_get(lab->upstream.ns, &hash, &err) < 0 ||
	    node_hash_text(lab, lab->upstream.ns, named, sizeof(named), &err) < 0)
		return;
	for (unsigned int i = 1; i < lab->conf.routers; i++)
		text = arena_printf(&r->arena, "%s, %s (%s)", text, node_router_at(lab, i)->name,
				    addr_text(&node_router_at(lab, i)->address).s);
	text = arena_printf(&r->arena, "%s; AS %u, %s, seed %u", text, r->plan->lab.upstream.as, named, hash.seed);
	run_tell(r, lab->upstream.name, text);
}

void run_tiers_stop(struct run *r)
{
	for (size_t i = 0; r->tiers != NULL && i < r->tiers->n; i++) {
		node_daemon_end(&r->tiers->at[i].daemon.node);
		drive_speaker_free(r->tiers->at[i].driver);
		bgp_speaker_free(r->tiers->at[i].engine);
		net_fib_monitor_free(r->tiers->at[i].fib);
	}
	free(r->tiers);
	r->tiers = NULL;
}
