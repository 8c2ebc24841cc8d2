/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What MetalLB's parser and webhooks refuse of advertisements (METALLB sections 2.1, 2.3, 2.9). */
#include "kube_int.h"

#include <string.h>

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

static bool names(const struct kube_strings *list, const char *name)
{
	for (size_t i = 0; i < list->len; i++) {
		if (strcmp(list->at[i], name) == 0)
			return true;
	}
	return list->len == 0;
}

/* A peer that the advertisement is for and whose BFD would send echo packets, which FRR does over IPv4 alone; or NULL. */
static const char *echo_peer(const struct config *config, const struct kube_bgp_advertisement *a)
{
	for (size_t i = 0; i < config->peers.len; i++) {
		const struct kube_bgp_peer *p = config->peers.at[i].peer;

		if (p->bfd != NULL && p->bfd->echo_mode && names(&a->peers, p->meta.name))
			return p->meta.name;
	}
	return NULL;
}

static int pools_of_check(const struct kube_cluster *c, const struct config *config, const struct advertisement_conf *a,
			  struct errmsg *err)
{
	int r = 0;

	for (size_t i = 0; i < config->pools.len && r == 0; i++) {
		if (!a->pools[i])
			continue;
		if (pool_has_v6(&config->pools.at[i]) && !kube_is_whole(c))
			return kube_config_refuse(
				err, &a->origin,
				"pool %s has IPv6 addresses, which MetalLB's native BGP mode can't announce",
				config->pools.at[i].pool->meta.name);
		if (pool_has_v6(&config->pools.at[i]) && echo_peer(config, a->advertisement) != NULL)
			return kube_config_refuse(err, &a->origin,
						  "pool %s has IPv6 addresses, which can't be advertised to BGP peer "
						  "%s: its BFD profile has echoMode",
						  config->pools.at[i].pool->meta.name,
						  echo_peer(config, a->advertisement));
		r = aggregation_pool_check(a, &config->pools.at[i], err);
	}
	return r;
}

static int advertisement_check(const struct kube_cluster *c, const struct config *config,
			       const struct advertisement_conf *a, struct errmsg *err)
{
	const struct kube_bgp_advertisement *ad = a->advertisement;
	int r = kube_duplicates_check(&ad->communities, "communities", &a->origin, err);

	if (r == 0)
		r = kube_duplicates_check(&ad->pools, "ipAddressPools", &a->origin, err);
	if (r == 0)
		r = kube_duplicates_check(&ad->peers, "peers", &a->origin, err);
	if (r == 0)
		r = kube_selectors_check(&ad->pool_selectors, "ipAddressPoolSelectors", &a->origin, err);
	if (r == 0)
		r = kube_selectors_check(&ad->node_selectors, "nodeSelectors", &a->origin, err);
	if (r == 0)
		r = kube_selectors_check(&ad->service_selectors, "serviceSelectors", &a->origin, err);
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
	return pools_of_check(c, config, a, err);
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

		if (kube_selectors_admit(&a->node_selectors, labels) &&
		    kube_selectors_admit(&b->node_selectors, labels))
			return true;
	}
	return false;
}

/* Two LOCAL_PREFs for one prefix on one session would be a draw of lots. Prefixes differ where the lengths do, of every
 * family that the pool has. */
bool kube_local_prefs_clash(const struct pool_conf *pool, const struct kube_bgp_advertisement *a,
			    const struct kube_bgp_advertisement *b)
{
	bool same = false;

	for (size_t i = 0; i < pool->cidr_count; i++)
		same |= pool->cidrs[i].addr.family == ADDR_V6 ? a->aggregation_length_v6 == b->aggregation_length_v6
							      : a->aggregation_length == b->aggregation_length;
	return same && a->local_pref != b->local_pref && lists_share(&a->peers, &b->peers);
}

static int local_pref_check(const struct kube_cluster *c, const struct config *config,
			    const struct advertisement_conf *a, const struct advertisement_conf *b, struct errmsg *err)
{
	const struct kube_bgp_advertisement *x = a->advertisement, *y = b->advertisement;

	/* which services the two meet on is known only when they are announced */
	if (x->service_selectors.len > 0 || y->service_selectors.len > 0 || !nodes_share(c, x, y))
		return 0;
	for (size_t i = 0; i < config->pools.len; i++) {
		if (a->pools[i] && b->pools[i] && kube_local_prefs_clash(&config->pools.at[i], x, y))
			return kube_config_refuse(err, &b->origin,
						  "two advertisements of pool %s have different localPref (%u and %u)",
						  config->pools.at[i].pool->meta.name, x->local_pref, y->local_pref);
	}
	return 0;
}

int kube_config_check(const struct kube_cluster *c, const struct config *config, struct errmsg *err)
{
	int r = kube_pools_check(config, err);

	if (r == 0)
		r = kube_peers_check(c, config, err);
	for (size_t i = 0; i < config->advertisements.len && r == 0; i++) {
		r = advertisement_check(c, config, &config->advertisements.at[i], err);
		/* the legacy parser takes the last of several instead */
		for (size_t k = 0; k < i && r == 0 && c->conf.metallb != KUBE_METALLB_LEGACY; k++)
			r = local_pref_check(c, config, &config->advertisements.at[k], &config->advertisements.at[i],
					     err);
	}
	return r;
}
