/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything the judge sees comes through here: frames of every link, and the router kernel's FIB. */
#include "run_int.h"

#include <errno.h>

/* A peer may announce thousands of times at once, and the lab is not to stand still while that is written down. */
#define TOLD_AT_ONCE 64
#define TRUNKS_MAX 8 /* among so many clients each may send as much as all workers get */

void run_on_capture(void *ctx, const struct capture_event *event)
{
	struct run *r = ctx;

	judge_packet(r->judge, event);
	run_held_note(r, event);
}

void run_evidence_failed(struct run *r, const struct errmsg *err)
{
	if (r->evidence_err.code == 0)
		r->evidence_err = *err;
}

static void on_frames(void *ctx, int fd)
{
	struct run *r = ctx;
	struct errmsg err;

	for (unsigned int link = 0; link < r->link_count; link++) {
		if (capture_fd(r->capture, link) != fd)
			continue;
		if (capture_drain(r->capture, link, &err) < 0)
			run_evidence_failed(r, &err);
		run_tell_seen(r, TOLD_AT_ONCE);
		return;
	}
}

static void on_route(void *ctx, enum net_fib_change change, const struct net_fib_route *route)
{
	struct run *r = ctx;
	struct addr gateways[NET_FIB_HOPS_MAX];
	unsigned int weights[NET_FIB_HOPS_MAX];
	const unsigned int *buckets = NULL;
	struct errmsg err;
	size_t n = 0;

	r->routing_changed = drive_wall();
	if (route->resilient && change != NET_FIB_DELETED)
		buckets = run_shares_of(r, route, &err);
	for (size_t i = 0; i < route->hop_count && change != NET_FIB_DELETED; i++) {
		if (route->hops[i].gateway.family == ADDR_NONE)
			continue;
		weights[n] = buckets != NULL ? buckets[i] : route->hops[i].weight;
		gateways[n++] = route->hops[i].gateway;
	}
	judge_fib_weighted(r->judge, drive_wall(), &route->prefix, gateways, weights, n);
	if (n > 0 || change == NET_FIB_DELETED) /* connected routes are no news */
		run_tell_fib(r, &route->prefix, gateways, n);
}

static void on_fib(void *ctx, int fd)
{
	struct run *r = ctx;
	struct errmsg err;

	(void)fd;
	if (net_fib_read(r->fib, on_route, r, &err) < 0)
		run_evidence_failed(r, &err);
}

int run_evidence_links(struct run *r, const struct capture_link *links, struct net_ns *const *ns, size_t n,
		       struct errmsg *err)
{
	int result;

	if (r->link_count + n > RUN_LINKS_MAX)
		return errmsg_say(err, -E2BIG, "more than %d links to capture", RUN_LINKS_MAX);
	result = capture_open(r->capture, links, n, r->dir_fd, err);
	if (result < 0)
		return result;
	for (size_t i = 0; i < n; i++) {
		unsigned int link = r->link_count++;

		r->link_files[link] = links[i].file;
		r->link_names[link] = links[i].name;
		r->link_ns[link] = ns[i];
		VEC_PUSH(&r->watches, drive_watch(r->drive, capture_fd(r->capture, link), on_frames, r));
	}
	return 0;
}

static void link_add(struct run *r, struct capture_link *links, struct net_ns **ns, size_t *n, const char *name,
		     struct net_ns *where, const char *interface)
{
	links[*n] = (struct capture_link){.name = name,
					  .ns_fd = net_ns_fd(where),
					  .interface = interface,
					  .file = arena_printf(&r->arena, "%s.pcap", name)};
	ns[(*n)++] = where;
}

/* Workers first, so that a worker's link has its index; then the rest of the lab's wires. */
int run_evidence_start(struct run *r, struct errmsg *err)
{
	struct node_lab *lab = r->lab;
	size_t room = lab->conf.workers + lab->conf.clients + lab->conf.routers + 4, n = 0;
	struct capture_link *links = arena_array(&r->arena, room, sizeof(*links));
	struct net_ns **ns = arena_array(&r->arena, room, sizeof(struct net_ns *));
	int result;

	for (unsigned int i = 0; i < lab->conf.workers; i++) {
		const struct node_host *w = &lab->workers[i].host;

		link_add(r, links, ns, &n, w->name, w->ns, w->interface);
	}
	for (unsigned int i = 0; i < lab->conf.clients; i++) {
		const struct node_host *c = &lab->clients[i];

		link_add(r, links, ns, &n, c->name, c->ns, c->interface);
		links[n - 1].trunk = lab->conf.clients <= TRUNKS_MAX;
	}
	link_add(r, links, ns, &n, "router-cluster", lab->router.ns, NODE_ROUTER_CLUSTER_LINK);
	links[n - 1].trunk = true;
	link_add(r, links, ns, &n, "router-clients", lab->router.ns, NODE_ROUTER_CLIENT_LINK);
	links[n - 1].trunk = true;
	if (lab->control_plane.ns != NULL)
		link_add(r, links, ns, &n, lab->control_plane.name, lab->control_plane.ns,
			 lab->control_plane.interface);
	for (unsigned int i = 1; i < lab->conf.routers; i++) {
		const struct node_host *router = node_router_at(lab, i);

		link_add(r, links, ns, &n, arena_printf(&r->arena, "%s-uplink", router->name), router->ns,
			 NODE_ROUTER_CLIENT_LINK);
		links[n - 1].trunk = true;
	}
	if (lab->upstream.ns != NULL) {
		link_add(r, links, ns, &n, "upstream-clients", lab->upstream.ns, NODE_ROUTER_CLIENT_LINK);
		links[n - 1].trunk = true;
	}
	run_neighbours_start(r);
	r->capture = capture_new(run_on_capture, r);
	result = run_evidence_links(r, links, ns, n, err);
	if (result < 0)
		return result;
	result = net_fib_monitor_new(lab->router.ns, run_fib_table(r), &r->fib, err);
	if (result < 0)
		return result;
	VEC_PUSH(&r->watches, drive_watch(r->drive, net_fib_monitor_fd(r->fib), on_fib, r));
	return net_fib_dump(lab->router.ns, run_fib_table(r), on_route, r, err);
}

int run_evidence_routes(struct run *r, struct errmsg *err)
{
	int result = run_mirror_read(r, err);

	if (result == 0)
		result = net_fib_read(r->fib, on_route, r, err);
	return result < 0 ? result : run_tiers_routes(r, err);
}

int run_evidence_settle(struct run *r, struct errmsg *err)
{
	int result;

	if (r->virtual != NULL)
		return 0; /* everything is handed over as it happens */
	result = run_evidence_routes(r, err);
	if (result >= 0)
		result = capture_settle(r->capture, err);
	return result < 0 ? result : 0;
}

int run_evidence_stop(struct run *r, struct errmsg *err)
{
	int result = run_evidence_settle(r, err);

	if (result == 0)
		result = capture_stop(r->capture, err);
	for (unsigned int link = 0; link < r->link_count && result >= 0; link++)
		result = capture_drain(r->capture, link, err);
	return result < 0 ? result : 0;
}

void run_evidence_losses(struct run *r)
{
	for (unsigned int link = 0; link < r->link_count; link++) {
		struct capture_loss losses[CAPTURE_LOSSES_MAX];
		size_t n = capture_losses(r->capture, link, losses);

		if (n > 0)
			judge_losses(r->judge, link, losses, n);
	}
}
