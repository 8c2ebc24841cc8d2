/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What MetalLB's parser and webhooks refuse (METALLB sections 2.1 to 2.3, 2.9). */
#include "instant.h"
#include "kube_int.h"

#include <string.h>

/* A list in which nothing may stand twice. */
static int duplicates_check(const struct kube_strings *list, const char *field, const struct kube_origin *origin,
			    struct errmsg *err)
{
	for (size_t i = 0; i < list->len; i++) {
		for (size_t k = 0; k < i; k++) {
			if (strcmp(list->at[i], list->at[k]) == 0)
				return kube_config_refuse(err, origin, "duplicate definition of %s: %s", field,
							  list->at[i]);
		}
	}
	return 0;
}

/* ---- Pools ---- */

static int pools_overlap_check(const struct pool_conf *a, const struct pool_conf *b, struct errmsg *err)
{
	for (size_t i = 0; i < b->cidr_count; i++) {
		/* within one pool each pair once */
		size_t n = a == b ? i : a->cidr_count;

		for (size_t k = 0; k < n; k++) {
			if (prefix_overlaps(&a->cidrs[k], &b->cidrs[i]))
				return kube_config_refuse(err, &b->origin, "%s in pool %s overlaps %s in pool %s",
							  prefix_text(&b->cidrs[i]).s, b->pool->meta.name,
							  prefix_text(&a->cidrs[k]).s, a->pool->meta.name);
		}
	}
	return 0;
}

static int pools_check(const struct config *config, struct errmsg *err)
{
	for (size_t i = 0; i < config->pools.len; i++) {
		const struct pool_conf *b = &config->pools.at[i];
		int r = duplicates_check(&b->pool->namespaces, "serviceAllocation.namespaces", &b->origin, err);

		if (r < 0)
			return r;
		for (size_t k = 0; k <= i; k++) {
			const struct pool_conf *a = &config->pools.at[k];

			if (k < i && strcmp(a->pool->meta.name, b->pool->meta.name) == 0)
				return kube_config_refuse(err, &b->origin, "duplicate pool name %s",
							  b->pool->meta.name);
			r = pools_overlap_check(a, b, err);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* ---- Peers ---- */

static int timers_check(const struct peer_conf *p, struct errmsg *err)
{
	int64_t hold = p->peer->hold_ns, keepalive = p->peer->keepalive_ns;

	if (hold == KUBE_TIME_UNSET && keepalive != KUBE_TIME_UNSET)
		hold = keepalive * 3;
	if (hold == KUBE_TIME_UNSET)
		return 0;
	if (hold / NS_PER_S != 0 && hold / NS_PER_S < 3)
		return kube_config_refuse(err, &p->origin, "BGP peer %s: invalid hold time %s, must be 0 or >=3s",
					  p->peer->meta.name, duration_text(hold).s);
	if (keepalive != KUBE_TIME_UNSET && keepalive > hold)
		return kube_config_refuse(err, &p->origin,
					  "BGP peer %s: the keepalive time is longer than the hold time",
					  p->peer->meta.name);
	return 0;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* The fields that make a session; selectors are compared by identity, which catches one object listed twice. */
static bool same_peer(const struct kube_bgp_peer *a, const struct kube_bgp_peer *b)
{
	return same_text(a->meta.name, b->meta.name) && a->my_asn == b->my_asn && a->peer_asn == b->peer_asn &&
	       addr_equal(&a->peer_address, &b->peer_address) && a->peer_port == b->peer_port &&
	       a->node_selectors.at == b->node_selectors.at;
}

static int peer_check(const struct kube_cluster *c, const struct config *config, size_t i, struct errmsg *err)
{
	const struct peer_conf *p = &config->peers.at[i];
	const struct kube_bgp_peer *peer = p->peer;

	if (peer->my_asn == 0)
		return kube_config_refuse(err, &p->origin, "BGP peer %s: missing local ASN", peer->meta.name);
	if (peer->peer_asn == 0)
		return kube_config_refuse(err, &p->origin, "BGP peer %s: missing peer ASN", peer->meta.name);
	if (peer->ebgp_multihop && peer->my_asn == peer->peer_asn)
		return kube_config_refuse(err, &p->origin, "BGP peer %s: ebgpMultiHop on a session within one AS",
					  peer->meta.name);
	if (peer->peer_address.family == ADDR_NONE)
		return kube_config_refuse(err, &p->origin, "BGP peer %s: missing peer address", peer->meta.name);
	if (peer->router_id.family == ADDR_V6)
		return kube_config_refuse(err, &p->origin,
					  "BGP peer %s: invalid router ID %s, it must be an IPv4 address",
					  peer->meta.name, addr_text(&peer->router_id).s);
	if (c->conf.metallb == KUBE_METALLB_NATIVE && peer->frr_only_field != NULL)
		return kube_config_refuse(err, &p->origin,
					  "BGP peer %s: %s is not supported by MetalLB's native BGP mode",
					  peer->meta.name, peer->frr_only_field);
	for (size_t k = 0; k < i; k++) {
		if (same_peer(config->peers.at[k].peer, peer))
			return kube_config_refuse(err, &p->origin, "BGP peer %s already exists", peer->meta.name);
	}
	return timers_check(p, err);
}

/* ---- Advertisements ---- */

/* Each entry of a pool may be aggregated as wide as its widest CIDR (METALLB section 2.3). */
static int aggregation_pool_check(const struct advertisement_conf *a, const struct pool_conf *pool, struct errmsg *err)
{
	size_t start = 0;

	for (size_t e = 0; e < pool->pool->range_count; e++) {
		unsigned int shortest = 129;
		int length = a->advertisement->aggregation_length;

		for (size_t i = start; i < pool->entry_ends[e]; i++) {
			if (pool->cidrs[i].len < shortest)
				shortest = pool->cidrs[i].len;
			if (pool->cidrs[i].addr.family == ADDR_V6)
				length = a->advertisement->aggregation_length_v6;
		}
		start = pool->entry_ends[e];
		if (length < (int)shortest)
			return kube_config_refuse(
				err, &a->origin, "invalid aggregation length %d: prefix %u in pool %s is more specific",
				length, shortest, pool->pool->meta.name);
	}
	return 0;
}

static bool pool_has_v6(const struct pool_conf *pool)
{
	for (size_t i = 0; i < pool->cidr_count; i++) {
		if (pool->cidrs[i].addr.family == ADDR_V6)
			return true;
	}
	return false;
}

static int advertisement_check(const struct config *config, const struct advertisement_conf *a, struct errmsg *err)
{
	const struct kube_bgp_advertisement *ad = a->advertisement;
	int r = duplicates_check(&ad->communities, "communities", &a->origin, err);

	if (r == 0)
		r = duplicates_check(&ad->pools, "ipAddressPools", &a->origin, err);
	if (r == 0)
		r = duplicates_check(&ad->peers, "peers", &a->origin, err);
	if (r < 0)
		return r;

	if (ad->aggregation_length < 1 || ad->aggregation_length > 32)
		return kube_config_refuse(err, &a->origin, "invalid aggregation length %d, 1 to 32 is allowed",
					  ad->aggregation_length);
	if (ad->aggregation_length_v6 > 128)
		return kube_config_refuse(err, &a->origin, "invalid IPv6 aggregation length %d, up to 128 is allowed",
					  ad->aggregation_length_v6);
	if (ad->service_selectors.len > 0 && (ad->aggregation_length != 32 || ad->aggregation_length_v6 != 128))
		return kube_config_refuse(err, &a->origin,
					  "serviceSelectors and an aggregation length are mutually exclusive");
	for (size_t i = 0; i < config->pools.len && r == 0; i++) {
		if (!a->pools[i])
			continue;
		if (pool_has_v6(&config->pools.at[i]))
			return kube_config_refuse(
				err, &a->origin,
				"pool %s has IPv6 addresses, which MetalLB's native BGP mode can't announce",
				config->pools.at[i].pool->meta.name);
		r = aggregation_pool_check(a, &config->pools.at[i], err);
	}
	return r;
}

static bool lists_share(const struct kube_strings *a, const struct kube_strings *b)
{
	for (size_t i = 0; i < a->len; i++) {
		for (size_t k = 0; k < b->len; k++) {
			if (strcmp(a->at[i], b->at[k]) == 0)
				return true;
		}
	}
	return a->len == 0 || b->len == 0;
}

static bool nodes_share(const struct kube_cluster *c, const struct kube_bgp_advertisement *a,
			const struct kube_bgp_advertisement *b)
{
	for (size_t i = 0; i < c->nodes.len; i++) {
		const struct kube_labels *labels = &c->nodes.at[i].labels;

		if ((a->node_selectors.len == 0 || kube_selectors_match_any(&a->node_selectors, labels)) &&
		    (b->node_selectors.len == 0 || kube_selectors_match_any(&b->node_selectors, labels)))
			return true;
	}
	return false;
}

/* Two LOCAL_PREFs for one prefix on one session would be a draw of lots. */
static int local_pref_check(const struct kube_cluster *c, const struct config *config,
			    const struct advertisement_conf *a, const struct advertisement_conf *b, struct errmsg *err)
{
	const struct kube_bgp_advertisement *x = a->advertisement, *y = b->advertisement;

	if (x->local_pref == y->local_pref || x->aggregation_length != y->aggregation_length ||
	    x->service_selectors.len > 0 || y->service_selectors.len > 0 || !lists_share(&x->peers, &y->peers) ||
	    !nodes_share(c, x, y))
		return 0;
	for (size_t i = 0; i < config->pools.len; i++) {
		if (a->pools[i] && b->pools[i])
			return kube_config_refuse(err, &b->origin,
						  "two advertisements of pool %s have different localPref (%u and %u)",
						  config->pools.at[i].pool->meta.name, x->local_pref, y->local_pref);
	}
	return 0;
}

int kube_config_check(const struct kube_cluster *c, const struct config *config, struct errmsg *err)
{
	int r = pools_check(config, err);

	for (size_t i = 0; i < config->peers.len && r == 0; i++)
		r = peer_check(c, config, i, err);
	for (size_t i = 0; i < config->advertisements.len && r == 0; i++) {
		r = advertisement_check(config, &config->advertisements.at[i], err);
		/* the legacy parser takes the last of several instead */
		for (size_t k = 0; k < i && r == 0 && c->conf.metallb == KUBE_METALLB_NATIVE; k++)
			r = local_pref_check(c, config, &config->advertisements.at[k], &config->advertisements.at[i],
					     err);
	}
	return r;
}
