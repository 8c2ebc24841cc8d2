/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node_int.h"

#define HOLD_S 90

/* Passive, unless asked not to be: MetalLB's speakers never listen, so a dial would only be refused. */
static struct bgp_peer_conf peer_conf(const struct node_lab *lab, const struct node_router_conf *conf, unsigned int i)
{
	struct bgp_peer_conf peer = conf->session;

	peer.name = lab->workers[i].host.name;
	peer.local = addr_add(&lab->conf.router_cluster, conf->number);
	peer.remote = lab->workers[i].host.address;
	peer.remote_as = node_router_worker_as(conf, i);
	peer.passive = !conf->dials;
	peer.hold_s = conf->hold_set ? conf->hold_s : HOLD_S;
	peer.role = conf->role;
	peer.role_strict = conf->role_strict;
	peer.restart.on = conf->graceful_restart;
	peer.restart.time_s = conf->restart_s;
	peer.restart.forwarding = true;
	peer.restart.notification = conf->notification;
	return peer;
}

/* The tier above waits for its routers, which have all else to tell it. */
static struct bgp_peer_conf upstream_conf(const struct node_lab *lab, const struct node_router_conf *conf)
{
	return (struct bgp_peer_conf){
		.name = lab->upstream.name,
		.local = node_uplink(lab, conf->number),
		.remote = lab->upstream.address,
		.remote_as = conf->upstream_as,
		.hold_s = HOLD_S,
		.connect_retry_s = 1,
	};
}

struct bgp_speaker *node_upstream_speaker(const struct node_lab *lab, const struct node_router_conf *conf)
{
	struct bgp_speaker *s = bgp_speaker_new(&(struct bgp_speaker_conf){
		.as = conf->upstream_as,
		.router_id = node_router_id(&lab->upstream, &lab->upstream.address),
		.profile = BGP_PROFILE_STANDARD,
		.max_paths = conf->max_paths,
		.readvertise = true,
		.seed = conf->seed,
	});

	for (unsigned int i = 0; i < lab->conf.routers; i++) {
		struct bgp_peer_conf peer = {.name = node_router_at(lab, i)->name,
					     .local = lab->upstream.address,
					     .remote = node_uplink(lab, i),
					     .remote_as = conf->as,
					     .passive = !conf->upstream_dials,
					     .hold_s = HOLD_S,
					     .connect_retry_s = 1};
		bgp_peer_id id;
		int r = bgp_peer_add(s, &peer, &id); /* uplink addresses differ, so that it can't fail */

		(void)r;
	}
	return s;
}

uint32_t node_router_own_id(const struct node_lab *lab, const struct node_router_conf *conf)
{
	struct addr side = lab->conf.routers > 0 ? node_uplink(lab, conf->number) : lab->conf.router_client;

	return node_router_id(node_router_at(lab, conf->number), &side);
}

struct bgp_speaker *node_router_speaker(const struct node_lab *lab, const struct node_router_conf *conf)
{
	struct bgp_speaker *s = bgp_speaker_new(&(struct bgp_speaker_conf){
		.as = conf->as,
		.router_id = node_router_own_id(lab, conf),
		.profile = BGP_PROFILE_STANDARD,
		.max_paths = conf->max_paths,
		.always_compare_med = conf->always_compare_med,
		.multipath_relax = conf->multipath_relax,
		.min_origination_s = conf->min_origination_s,
		.deferral_s = conf->deferral_s,
		.readvertise = true,
		.restarting = conf->restarting,
		.seed = conf->seed,
	});

	for (unsigned int i = 0; i < lab->conf.workers; i++) {
		struct bgp_peer_conf peer = peer_conf(lab, conf, i);
		bgp_peer_id id;
		int r = bgp_peer_add(s, &peer, &id); /* worker addresses differ, so that it can't fail */

		(void)r;
	}
	if (conf->upstream_as != 0) {
		struct bgp_peer_conf peer = upstream_conf(lab, conf);
		bgp_peer_id id;
		int r = bgp_peer_add(s, &peer, &id);

		(void)r;
	}
	return s;
}
