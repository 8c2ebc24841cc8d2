/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What MetalLB accepts in silence and users regret (METALLB section 11.2). */
#include "kube_int.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

static void warn(struct kube_cluster *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void warn(struct kube_cluster *c, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	VEC_PUSH(&c->warnings_out, arena_vprintf(&c->warnings_text, fmt, args));
	va_end(args);
}

/* ---- Peers ---- */

static void peers_warn(struct kube_cluster *c)
{
	for (size_t i = 0; i < c->config->peers.len; i++) {
		const struct kube_bgp_peer *p = c->config->peers.at[i].peer;

		if (p->hold_ns == 0)
			warn(c, "BGP peer %s has hold time 0: no keepalives, and a dead peer is never noticed",
			     p->meta.name);
		if (p->ebgp_multihop && !kube_is_whole(c))
			warn(c, "ebgpMultiHop of BGP peer %s has no effect in the native BGP mode", p->meta.name);
		for (size_t k = 0; k < i; k++) {
			if (addr_equal(&c->config->peers.at[k].peer->peer_address, &p->peer_address))
				warn(c, "BGP peers %s and %s have the same address: routers keep one session a node",
				     c->config->peers.at[k].peer->meta.name, p->meta.name);
		}
	}
}

/* ---- Pools ---- */

static void pools_warn(struct kube_cluster *c)
{
	if (c->config->pools.len > 0 && c->config->advertisements.len == 0)
		warn(c, "there are pools but no BGPAdvertisement: services get addresses that nobody announces");
	for (size_t i = 0; i < c->nodes.len; i++) {
		size_t pool = kube_pool_of(c->config, &c->nodes.at[i].address);

		if (pool != SIZE_MAX)
			warn(c, "pool %s holds the address of node %s: a service that gets it cuts the node off",
			     c->config->pools.at[pool].pool->meta.name, c->nodes.at[i].name);
	}
}

/* ---- Advertisements ---- */

static bool pool_exists(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->pools.len; i++) {
		if (strcmp(config->pools.at[i].pool->meta.name, name) == 0)
			return true;
	}
	return false;
}

static bool peer_exists(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->peers.len; i++) {
		if (strcmp(config->peers.at[i].peer->meta.name, name) == 0)
			return true;
	}
	return false;
}

static void advertisements_warn(struct kube_cluster *c)
{
	const struct config *config = c->config;
	bool internal = config->peers.len == 0;

	for (size_t i = 0; i < config->peers.len; i++)
		internal = internal || config->peers.at[i].peer->my_asn == config->peers.at[i].peer->peer_asn;
	for (size_t i = 0; i < config->advertisements.len; i++) {
		const struct kube_bgp_advertisement *a = config->advertisements.at[i].advertisement;

		for (size_t k = 0; k < a->pools.len; k++) {
			if (!pool_exists(config, a->pools.at[k]))
				warn(c, "an advertisement names the pool %s, which does not exist", a->pools.at[k]);
		}
		for (size_t k = 0; k < a->peers.len; k++) {
			if (!peer_exists(config, a->peers.at[k]))
				warn(c, "an advertisement names the peer %s, which does not exist", a->peers.at[k]);
		}
		if (a->local_pref != 0 && !internal)
			warn(c, "localPref of advertisement %s has no effect: all BGP peers are in another AS",
			     a->meta.name);
	}
}

/* ---- Services and nodes ---- */

static bool in_aggregate(const struct config *config, const struct service_state *s)
{
	for (size_t i = 0; i < config->advertisements.len; i++) {
		const struct advertisement_conf *a = &config->advertisements.at[i];

		if (a->pools[s->pool] && a->advertisement->aggregation_length < 32)
			return true;
	}
	return false;
}

static void services_warn(struct kube_cluster *c)
{
	for (size_t i = 0; i < c->services.len; i++) {
		const struct service_state *s = &c->services.at[i];

		if (s->ingress_count > 0 && s->service->external_policy == KUBE_POLICY_LOCAL &&
		    in_aggregate(c->config, s))
			warn(c,
			     "service %s has externalTrafficPolicy Local and is announced in an aggregate: a node may "
			     "draw traffic for which it has no pod",
			     s->service->meta.name);
	}
}

static void nodes_warn(struct kube_cluster *c)
{
	size_t workers = 0, excluded = 0;

	for (size_t i = 0; i < c->nodes.len; i++) {
		const struct node_state *n = &c->nodes.at[i];

		workers += n->worker;
		excluded += n->worker && kube_label_get(&n->labels, KUBE_EXCLUDE_LABEL) != NULL;
	}
	if (workers > 0 && workers == excluded && !c->conf.switches.ignore_exclude_lb &&
	    c->conf.metallb != KUBE_METALLB_LEGACY)
		warn(c, "every worker has the label " KUBE_EXCLUDE_LABEL ": nobody announces anything");
}

const char *const *kube_warnings(struct kube_cluster *c, size_t *ret_count)
{
	VEC_CLEAR(&c->warnings_out);
	arena_clear(&c->warnings_text);
	if (c->config != NULL) {
		peers_warn(c);
		pools_warn(c);
		advertisements_warn(c);
		services_warn(c);
		nodes_warn(c);
	}
	*ret_count = c->warnings_out.len;
	return c->warnings_out.at;
}
