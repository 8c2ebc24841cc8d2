/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From plan to living lab: network, witnesses, cluster, router, workers; in this order, so that nothing happens unseen. */
#include "run_int.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

static enum node_hash hash_of(enum plan_hash hash)
{
	switch (hash) {
	case PLAN_HASH_DEFAULT:
		return NODE_HASH_DEFAULT;
	case PLAN_HASH_L3:
		return NODE_HASH_L3;
	case PLAN_HASH_L4:
		return NODE_HASH_L4;
	}
	return NODE_HASH_DEFAULT;
}

enum node_fault run_fault_of(enum plan_fault fault)
{
	switch (fault) {
	case PLAN_FAULT_NONE:
		return NODE_FAULT_NONE;
	case PLAN_FAULT_SILENT:
		return NODE_FAULT_SILENT;
	case PLAN_FAULT_WRONG_PREFIX:
		return NODE_FAULT_WRONG_PREFIX;
	}
	return NODE_FAULT_NONE;
}

static int network_build(struct run *r, struct errmsg *err)
{
	const struct plan_lab *lab = &r->plan->lab;
	struct node_lab_conf conf = run_lab_conf(lab);
	int result;

	conf.first_client = lab->first_client;
	conf.clients = lab->clients;
	conf.routers = lab->upstream.routers;
	conf.uplink_net = lab->upstream.net;
	conf.hash = hash_of(lab->hash);
	conf.hash_seed = (uint32_t)r->seed | 1;
	if (lab->has_control_plane)
		conf.control_plane = lab->control_plane;
	result = node_lab_new(&conf, &r->lab, err);
	if (result < 0)
		return result;
	for (size_t i = 0; i < lab->fault_count; i++)
		r->lab->workers[lab->faults[i].worker - 1].fault = run_fault_of(lab->faults[i].fault);
	return run_hash_start(r, err);
}

/* The first link behind those of a lab with one router. */
static unsigned int first_beside(const struct node_lab *lab)
{
	return lab->conf.workers + lab->conf.clients + 2 + (lab->control_plane.ns != NULL ? 1 : 0);
}

/* Their uplinks are captured behind all other links; the first one's is the router's towards the clients. */
static void routers_fill(struct run *r)
{
	const struct node_lab *lab = r->lab;
	unsigned int first = first_beside(lab);
	struct judge_router *routers = arena_array(&r->arena, lab->conf.routers, sizeof(*routers));

	for (unsigned int i = 0; i < lab->conf.routers; i++)
		routers[i] = (struct judge_router){.name = node_router_at(lab, i)->name,
						   .uplink = node_uplink(lab, i),
						   .link = i == 0 ? lab->conf.workers + lab->conf.clients + 1
								  : first + i - 1};
	r->judge_routers = routers;
}

void run_judge_start(struct run *r)
{
	const struct node_lab *lab = r->lab;
	struct judge_worker *workers = arena_array(&r->arena, lab->conf.workers, sizeof(*workers));
	struct judge_client *clients = arena_array(&r->arena, lab->conf.clients, sizeof(*clients));

	/* The order in which run_evidence_start opens the links. */
	for (unsigned int i = 0; i < lab->conf.workers; i++)
		workers[i] = (struct judge_worker){.name = lab->workers[i].host.name,
						   .address = lab->workers[i].host.address,
						   .link_local = lab->workers[i].host.link_local,
						   .link = i};
	for (unsigned int i = 0; i < lab->conf.clients; i++)
		clients[i] = (struct judge_client){.name = lab->clients[i].name,
						   .address = lab->clients[i].address,
						   .link = lab->conf.workers + i};
	routers_fill(r);
	r->judge_lab = (struct judge_lab){
		.router = lab->conf.router_cluster,
		.router_link = lab->conf.workers + lab->conf.clients,
		.gate_link = lab->conf.routers > 0 ? first_beside(lab) + lab->conf.routers - 1
						   : lab->conf.workers + lab->conf.clients + 1,
		.workers = workers,
		.worker_count = lab->conf.workers,
		.clients = clients,
		.client_count = lab->conf.clients,
		.link_files = r->link_files,
		.link_count = RUN_LINKS_MAX,
		.routers = r->judge_routers,
		.router_count = lab->conf.routers,
		.hash_addresses_only = r->hash_of_addresses,
		.hash_fields = r->hash_fields,
		.hash_sysctl = r->hash_text,
	};
	r->judge = judge_new(&r->judge_lab);
}

int run_cluster_start(struct run *r, struct errmsg *err)
{
	const struct plan_lab *lab = &r->plan->lab;

	r->workers = arena_array(&r->arena, lab->workers, sizeof(*r->workers));
	for (unsigned int i = 0; i < lab->workers; i++)
		r->workers[i] = (struct run_worker){.run = r, .index = i};
	r->cluster = kube_cluster_new(&(struct kube_cluster_conf){.metallb = lab->metallb,
								  .switches = lab->switches.cluster,
								  .pod_net = lab->pod_net,
								  .service_net = lab->service_net,
								  .seed = r->seed});
	/* Workers first: the pod networks are counted from worker1's. */
	for (unsigned int i = 0; i < lab->workers; i++)
		kube_cluster_node(r->cluster, r->lab->workers[i].host.name, &r->lab->workers[i].host.address, true);
	if (lab->has_control_plane)
		kube_cluster_node(r->cluster, r->lab->control_plane.name, &r->lab->control_plane.address, false);
	return kube_apply_all(r->cluster, r->plan->manifests, r->plan->manifest_count, err);
}

static int daemons_start(struct run *r, struct errmsg *err)
{
	int result = run_tiers_daemons(r, err);

	return result < 0 ? result : run_daemon_start(r, &r->daemon, err);
}

static int routers_start(struct run *r, struct errmsg *err)
{
	int result = r->has_daemon ? run_daemon_await(r, &r->daemon, err) : 0;

	if (result == 0)
		result = run_tiers_start(r, err);
	return result < 0 || r->has_daemon ? result : run_router_start(r, false, err);
}

int run_setup(struct run *r, struct errmsg *err)
{
	int result;

	if (r->plan->virtual.on)
		return run_virtual_setup(r, err);
	result = drive_new(&r->drive, err);
	if (result == 0)
		result = network_build(r, err);
	run_phase(r, "network");
	if (result < 0)
		return result;
	run_judge_start(r);
	/* The daemon's start overlaps with the opening of the captures; no session can come up before workers dial. */
	if (r->has_daemon)
		result = daemons_start(r, err);
	if (result == 0)
		result = run_mirror_start(r, err);
	if (result == 0)
		result = run_evidence_start(r, err);
	run_phase(r, "captures");
	if (result == 0)
		result = routers_start(r, err);
	run_phase(r, "router");
	if (result == 0)
		result = run_cluster_start(r, err);
	if (result == 0)
		result = run_settle_cluster(r, err);
	run_phase(r, "workers");
	return result;
}

/* Every packet socket waits for an RCU grace period when it is closed; side by side they wait for the same one. */
static void sockets_close(struct run *r)
{
	pthread_t thread;
	bool beside = r->senders.len > 0 && pthread_create(&thread, NULL, run_senders_close, r) == 0;

	capture_free(r->capture);
	if (beside)
		pthread_join(thread, NULL);
	else
		(void)run_senders_close(r);
}

void run_teardown(struct run *r)
{
	for (size_t i = 0; i < r->watches.len; i++)
		drive_unwatch(r->watches.at[i]);
	VEC_FREE(&r->watches);
	for (size_t i = 0; i < r->pods.len; i++)
		drive_http_stop(r->pods.at[i].server);
	VEC_FREE(&r->pods);
	for (unsigned int i = 0; r->workers != NULL && i < r->lab->conf.workers; i++)
		run_worker_silence(&r->workers[i]);
	run_lags_free(r);
	run_rogues_free(r);
	run_held_free(r);
	run_background_free(r);
	run_speakers_free(r);
	node_daemon_end(&r->daemon.node);
	run_bfd_free(r->router_bfd);
	drive_speaker_free(r->router);
	run_tiers_stop(r);
	run_virtual_free(r);
	bgp_speaker_free(r->router_engine);
	sockets_close(r);
	net_fib_monitor_free(r->fib);
	net_groups_free(r->groups);
	net_mirror_free(r->mirror);
	judge_free(r->judge);
	kube_cluster_free(r->cluster);
	node_lab_free(r->lab);
	drive_free(r->drive);
	VEC_FREE(&r->left);
	VEC_FREE(&r->services);
	VEC_FREE(&r->warned);
}
