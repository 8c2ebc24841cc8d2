/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node_int.h"

#define HOLD_S 90

struct bgp_speaker *node_router_speaker(const struct node_lab *lab, const struct node_router_conf *conf)
{
	struct bgp_speaker *s = bgp_speaker_new(&(struct bgp_speaker_conf){
		.as = conf->as,
		.router_id = addr_v4_value(&lab->conf.router_client),
		.profile = BGP_PROFILE_STANDARD,
		.max_paths = conf->max_paths,
		.readvertise = true,
		.seed = conf->seed,
	});

	for (unsigned int i = 0; i < lab->conf.workers; i++) {
		bgp_peer_id id;
		/* Passive: MetalLB's native speaker never listens, so a dial would only be refused. Worker addresses
		 * differ, so that adding can't fail. */
		int r = bgp_peer_add(s,
				     &(struct bgp_peer_conf){.name = lab->workers[i].host.name,
							     .local = lab->conf.router_cluster,
							     .remote = lab->workers[i].host.address,
							     .remote_as = conf->worker_as,
							     .passive = true,
							     .hold_s = HOLD_S,
							     .connect_retry_s = 120},
				     &id);
		(void)r;
	}
	return s;
}
