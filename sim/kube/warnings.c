/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What MetalLB accepts in silence and users regret (METALLB section 11.2). */
#include "kube_int.h"

#include <string.h>

static void peers_warn(struct kube_cluster *c)
{
	for (size_t i = 0; i < c->config->peers.len; i++) {
		const struct kube_bgp_peer *p = c->config->peers.at[i].peer;

		if (p->hold_ns == 0)
			VEC_PUSH(&c->warnings_out,
				 arena_printf(&c->out,
					      "BGP peer %s has hold time 0: no keepalives, and a dead "
					      "peer is never noticed",
					      p->meta.name));
		if (p->ebgp_multihop)
			VEC_PUSH(&c->warnings_out,
				 arena_printf(&c->out,
					      "ebgpMultiHop of BGP peer %s has no effect in the native BGP mode",
					      p->meta.name));
		for (size_t k = 0; k < i; k++) {
			if (addr_equal(&c->config->peers.at[k].peer->peer_address, &p->peer_address))
				VEC_PUSH(&c->warnings_out,
					 arena_printf(&c->out,
						      "BGP peers %s and %s have the same address: routers keep one "
						      "session a node",
						      c->config->peers.at[k].peer->meta.name, p->meta.name));
		}
	}
}

static void advertisements_warn(struct kube_cluster *c)
{
	const struct config *config = c->config;

	if (config->pools.len > 0 && config->advertisements.len == 0)
		VEC_PUSH(&c->warnings_out,
			 arena_strdup(&c->out,
				      "there are pools but no BGPAdvertisement: services get addresses that nobody "
				      "announces"));
	for (size_t i = 0; i < config->advertisements.len; i++) {
		const struct kube_bgp_advertisement *a = config->advertisements.at[i].advertisement;

		for (size_t k = 0; k < a->pools.len; k++) {
			bool known = false;

			for (size_t p = 0; p < config->pools.len; p++)
				known = known || strcmp(config->pools.at[p].pool->meta.name, a->pools.at[k]) == 0;
			if (!known)
				VEC_PUSH(&c->warnings_out,
					 arena_printf(&c->out,
						      "an advertisement names the pool %s, which does not exist",
						      a->pools.at[k]));
		}
	}
}

static void services_warn(struct kube_cluster *c)
{
	for (size_t i = 0; i < c->services.len; i++) {
		const struct service_state *s = &c->services.at[i];

		for (size_t k = 0; s->ingress_count > 0 && k < c->config->advertisements.len; k++) {
			const struct advertisement_conf *a = &c->config->advertisements.at[k];

			if (a->pools[s->pool] && a->advertisement->aggregation_length < 32 &&
			    s->service->external_policy == KUBE_POLICY_LOCAL)
				VEC_PUSH(&c->warnings_out,
					 arena_printf(&c->out,
						      "service %s has externalTrafficPolicy Local and is announced "
						      "in an aggregate: a node may draw traffic for which it has "
						      "no pod",
						      s->service->meta.name));
		}
	}
}

const char *const *kube_warnings(struct kube_cluster *c, size_t *ret_count)
{
	VEC_CLEAR(&c->warnings_out);
	if (c->config != NULL) {
		peers_warn(c);
		advertisements_warn(c);
		services_warn(c);
	}
	*ret_count = c->warnings_out.len;
	return c->warnings_out.at;
}
