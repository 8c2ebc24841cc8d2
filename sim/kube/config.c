/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All MetalLB objects as one unit: any mistake refuses the whole (METALLB section 2.8). */
#include "kube_int.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CIDRS_MAX 1024

int kube_config_refuse(struct errmsg *err, const struct kube_origin *at, const char *fmt, ...)
{
	char words[700];
	va_list args;

	va_start(args, fmt);
	vsnprintf(words, sizeof(words), fmt, args);
	va_end(args);
	if (at->file == NULL)
		return errmsg_say(err, -EINVAL, "%s", words);
	return errmsg_say(err, -EINVAL, "%.250s:%u:%u: %s", at->file, at->line, at->column, words);
}

static int range_check(const struct kube_range *r, struct errmsg *err)
{
	if (r->is_cidr)
		return 0;
	if (r->first.family != r->last.family)
		return kube_config_refuse(err, &r->origin, "a range can't go from one address family to the other");
	if (addr_compare(&r->first, &r->last) > 0)
		return kube_config_refuse(err, &r->origin, "the range's end %s is before its start %s",
					  addr_text(&r->last).s, addr_text(&r->first).s);
	return 0;
}

/* How many CIDRs the pool's entries make; more than CIDRS_MAX are not counted to the end. */
static size_t cidrs_count(const struct kube_pool *pool)
{
	size_t n = 0;

	for (size_t i = 0; i < pool->range_count && n <= CIDRS_MAX; i++)
		n += kube_range_cidrs(&pool->ranges[i], NULL, 0);
	return n;
}

static int pool_check(const struct kube_pool *pool, const struct kube_origin *origin, struct errmsg *err)
{
	if (pool->meta.name == NULL || *pool->meta.name == '\0')
		return kube_config_refuse(err, origin, "the pool has no name");
	if (pool->range_count == 0)
		return kube_config_refuse(err, origin, "pool %s has no addresses", pool->meta.name);
	for (size_t i = 0; i < pool->range_count; i++) {
		int r = range_check(&pool->ranges[i], err);

		if (r < 0)
			return r;
	}
	if (cidrs_count(pool) > CIDRS_MAX)
		return kube_config_refuse(err, origin, "pool %s has more than %d prefixes", pool->meta.name, CIDRS_MAX);
	return 0;
}

static int pool_add(struct config *config, const struct kube_pool *pool, const struct kube_origin *origin,
		    struct errmsg *err)
{
	struct prefix *cidrs;
	size_t *ends, n = 0;
	int r = pool_check(pool, origin, err);

	if (r < 0)
		return r;
	cidrs = arena_array(&config->arena, cidrs_count(pool), sizeof(*cidrs));
	ends = arena_array(&config->arena, pool->range_count, sizeof(*ends));
	for (size_t i = 0; i < pool->range_count; i++) {
		n += kube_range_cidrs(&pool->ranges[i], cidrs + n, CIDRS_MAX);
		ends[i] = n;
	}
	VEC_PUSH(&config->pools,
		 (struct pool_conf){
			 .pool = pool, .origin = *origin, .cidrs = cidrs, .cidr_count = n, .entry_ends = ends});
	return 0;
}

static int aliases_add(struct config *config, const struct kube_community *c, const struct kube_origin *origin,
		       struct errmsg *err)
{
	for (size_t i = 0; i < c->alias_count; i++) {
		struct community_value ignored;
		int r = kube_community_literal(config, c->aliases[i].value, &ignored);

		for (size_t k = 0; k < config->aliases.len; k++) {
			if (strcmp(config->aliases.at[k].key, c->aliases[i].key) == 0)
				return kube_config_refuse(err, origin, "duplicate community alias %s",
							  c->aliases[i].key);
		}
		if (r < 0)
			return kube_community_refuse(err, origin, c->aliases[i].value, r);
		VEC_PUSH(&config->aliases, c->aliases[i]);
	}
	return 0;
}

static void peer_add(struct config *config, const struct kube_bgp_peer *peer, const struct kube_origin *origin)
{
	VEC_PUSH(&config->peers, (struct peer_conf){.peer = peer, .origin = *origin});
}

static void advertisement_add(struct config *config, const struct kube_bgp_advertisement *a,
			      const struct kube_origin *origin)
{
	VEC_PUSH(&config->advertisements, (struct advertisement_conf){.advertisement = a, .origin = *origin});
}

static int legacy_add(struct config *config, const struct kube_legacy_config *l, const struct kube_origin *origin,
		      struct errmsg *err)
{
	int r = aliases_add(config, &l->communities, origin, err);

	for (size_t i = 0; i < l->pool_count && r == 0; i++)
		r = pool_add(config, &l->pools[i], l->pools[i].range_count > 0 ? &l->pools[i].ranges[0].origin : origin,
			     err);
	for (size_t i = 0; i < l->peer_count && r == 0; i++)
		peer_add(config, &l->peers[i], origin);
	for (size_t i = 0; i < l->advertisement_count && r == 0; i++)
		advertisement_add(config, &l->advertisements[i], origin);
	return r;
}

static bool metallb_namespace(const struct kube_meta *meta)
{
	/* "default" is also what an object has that says none. */
	return strcmp(meta->namespace, "metallb-system") == 0 || strcmp(meta->namespace, "default") == 0;
}

static int object_add(struct config *config, const struct kube_object *o, struct errmsg *err)
{
	switch (o->kind) {
	case KUBE_IP_ADDRESS_POOL:
	case KUBE_BGP_PEER:
	case KUBE_BGP_ADVERTISEMENT:
	case KUBE_COMMUNITY:
	case KUBE_BFD_PROFILE:
	case KUBE_BGP_EXTRAS:
		if (!metallb_namespace(&o->meta))
			return kube_config_refuse(err, &o->origin,
						  "%s %s must be created in the metallb-system namespace",
						  kube_kind_text(o->kind), o->meta.name);
		break;
	case KUBE_SERVICE:
	case KUBE_DEPLOYMENT:
	case KUBE_ENDPOINT_SLICE:
	case KUBE_NODE:
	case KUBE_NAMESPACE:
	case KUBE_LEGACY_CONFIG:
	case KUBE_KIND_COUNT:
		break;
	}
	if (o->kind == KUBE_IP_ADDRESS_POOL)
		return pool_add(config, &o->pool, &o->origin, err);
	if (o->kind == KUBE_COMMUNITY)
		return aliases_add(config, &o->community, &o->origin, err);
	if (o->kind == KUBE_BFD_PROFILE)
		VEC_PUSH(&config->profiles, (struct bfd_conf){.profile = &o->bfd, .origin = o->origin});
	if (o->kind == KUBE_BGP_EXTRAS && !config->whole)
		return kube_config_refuse(
			err, &o->origin, "ConfigMap %s: MetalLB's native BGP mode has no FRR to tell it", o->meta.name);
	if (o->kind == KUBE_BGP_EXTRAS)
		config->extras = o->extras.text;
	if (o->kind == KUBE_LEGACY_CONFIG)
		return legacy_add(config, &o->legacy, &o->origin, err);
	if (o->kind == KUBE_BGP_PEER)
		peer_add(config, &o->peer, &o->origin);
	if (o->kind == KUBE_BGP_ADVERTISEMENT)
		advertisement_add(config, &o->advertisement, &o->origin);
	return 0;
}

/* An advertisement without any selection is for all pools; a selector that matches nothing is for none. */
static bool selects(const struct kube_bgp_advertisement *a, const struct kube_pool *pool)
{
	if (a->pools.len == 0 && a->pool_selectors.len == 0)
		return true;
	for (size_t i = 0; i < a->pools.len; i++) {
		if (strcmp(a->pools.at[i], pool->meta.name) == 0)
			return true;
	}
	return kube_selectors_match_any(&a->pool_selectors, &pool->meta.labels);
}

static int advertisement_resolve(struct config *config, struct advertisement_conf *a, struct errmsg *err)
{
	bool *pools = arena_array(&config->arena, config->pools.len, sizeof(*pools));

	for (size_t i = 0; i < config->pools.len; i++)
		pools[i] = selects(a->advertisement, config->pools.at[i].pool);
	a->pools = pools;
	return kube_communities_read(config, a, err);
}

/* A profile that is not there is missed when all is checked. */
static void profiles_resolve(struct config *config)
{
	for (size_t i = 0; i < config->peers.len; i++) {
		struct kube_bgp_peer *peer;

		if (config->peers.at[i].peer->bfd_profile == NULL)
			continue;
		peer = arena_memdup(&config->arena, config->peers.at[i].peer, sizeof(*peer));
		for (size_t k = 0; k < config->profiles.len; k++) {
			if (strcmp(config->profiles.at[k].profile->meta.name, peer->bfd_profile) == 0)
				peer->bfd = config->profiles.at[k].profile;
		}
		config->peers.at[i].peer = peer;
	}
}

struct config *kube_config_new(const struct kube_cluster *c, const stored_vec *objects, struct errmsg *err)
{
	struct config *config = memory_new(sizeof(*config));
	int r = 0;

	config->whole = kube_is_whole(c);
	for (size_t i = 0; i < objects->len && r == 0; i++)
		r = object_add(config, objects->at[i].object, err);
	for (size_t i = 0; i < config->advertisements.len && r == 0; i++)
		r = advertisement_resolve(config, &config->advertisements.at[i], err);
	profiles_resolve(config);
	if (r == 0)
		r = kube_config_check(c, config, err);
	if (r < 0) {
		kube_config_free(config);
		return NULL;
	}
	return config;
}

void kube_config_free(struct config *config)
{
	if (config == NULL)
		return;
	VEC_FREE(&config->pools);
	VEC_FREE(&config->peers);
	VEC_FREE(&config->profiles);
	VEC_FREE(&config->advertisements);
	VEC_FREE(&config->aliases);
	arena_clear(&config->arena);
	free(config);
}
