/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The router's multipath hash: from the plan's words to the kernel's numbers, at the start and as a step. */
#include "run_int.h"

#include <errno.h>
#include <string.h>

static struct net_hash hash_of(const struct run *r, const struct plan_hashing *from)
{
	struct net_hash ret = {.seed = from->seed != 0 ? from->seed : (uint32_t)r->seed | 1,
			       .use_neighbours = from->use_neighbours};

	switch (from->policy) {
	case PLAN_POLICY_DEFAULT:
	case PLAN_POLICY_L3:
		ret.policy = NET_HASH_L3;
		break;
	case PLAN_POLICY_SOCKET:
		ret.policy = NET_HASH_L4;
		break;
	case PLAN_POLICY_INNER_L3:
		ret.policy = NET_HASH_INNER_L3;
		break;
	case PLAN_POLICY_L4:
		ret.policy = NET_HASH_FIELDS;
		ret.fields = NET_HASH_5_TUPLE;
		break;
	case PLAN_POLICY_CUSTOM:
		ret.policy = NET_HASH_FIELDS;
		ret.fields = from->fields;
		break;
	}
	return ret;
}

/* All packets between two addresses share a path. */
static bool is_of_addresses(const struct net_hash *hash)
{
	unsigned int beyond = ~(unsigned int)(NET_HASH_SRC | NET_HASH_DST | NET_HASH_INNER_SRC | NET_HASH_INNER_DST);

	if (hash->policy == NET_HASH_FIELDS)
		return (hash->fields & beyond & ~(unsigned int)NET_HASH_PROTOCOL) == 0;
	return hash->policy != NET_HASH_L4;
}

/* What the step leaves out stays as it is. */
static struct net_hash changed(const struct run *r, const struct plan_hashing *to, const struct net_hash *now)
{
	struct net_hash ret = hash_of(r, to);

	if (to->policy == PLAN_POLICY_DEFAULT) {
		ret.policy = now->policy;
		ret.fields = now->fields;
	}
	if (to->seed == 0)
		ret.seed = now->seed;
	return ret;
}

/* All routers that workers have sessions with are alike. */
static int hash_set(struct run *r, const struct net_hash *hash, bool *ret_seeded, struct errmsg *err)
{
	int result = 0;

	for (unsigned int i = 0; result == 0 && node_router_at(r->lab, i) != NULL; i++)
		result = net_hash_set(node_router_at(r->lab, i)->ns, hash, ret_seeded, err);
	r->hash_of_addresses = is_of_addresses(hash);
	r->hash_fields = run_hash_fields(hash) & NET_HASH_OUTER;
	return result < 0 ? result : node_hash_text(r->lab, r->lab->router.ns, r->hash_text, sizeof(r->hash_text), err);
}

/* A seed of its own, as an operator would give it one. */
static int upstream_hash_start(struct run *r, struct errmsg *err)
{
	const struct plan_hashing *h = &r->plan->lab.upstream.hashing;
	struct net_hash hash = hash_of(r, h);
	bool seeded;

	if (h->seed == 0)
		hash.seed = ((uint32_t)r->seed * UINT32_C(0x9e3779b1) + 1) | 1;
	return net_hash_set(r->lab->upstream.ns, &hash, &seeded, err);
}

/* The lab has the hash of multipath_hash; hash says more. */
int run_hash_start(struct run *r, struct errmsg *err)
{
	const struct plan_hashing *h = &r->plan->lab.hashing;
	struct net_hash hash;
	bool seeded;
	int result = net_hash_get(r->lab->router.ns, &hash, err);

	if (result == 0 && r->lab->conf.routers > 0)
		result = upstream_hash_start(r, err);
	if (result < 0)
		return result;
	if (h->policy != PLAN_POLICY_DEFAULT || h->seed != 0 || h->use_neighbours)
		hash = changed(r, h, &hash);
	return hash_set(r, &hash, &seeded, err);
}

enum run_exit run_step_hash(struct run *r, const struct plan_step *step, const char **ret_detail, struct errmsg *err)
{
	bool seeded, above = step->hashing.upstream;
	struct net_ns *ns = above ? r->lab->upstream.ns : r->lab->router.ns;
	struct net_hash now, to;
	char named[128];
	int result = net_hash_get(ns, &now, err);

	if (result < 0)
		return run_exit_of(result);
	to = changed(r, &step->hashing, &now);
	result = above ? net_hash_set(ns, &to, &seeded, err) : hash_set(r, &to, &seeded, err);
	if (result < 0)
		return run_exit_of(result);
	r->routing_changed = run_wall(r);
	judge_hash(r->judge, r->hash_of_addresses, r->hash_fields);
	result = node_hash_text(r->lab, ns, named, sizeof(named), err);
	if (result < 0)
		return run_exit_of(result);
	*ret_detail = seeded ? arena_printf(&r->arena, "%s%s, seed %u", above ? "upstream: " : "", named, to.seed)
			     : arena_printf(&r->arena, "%s%s; this kernel has no seed to set (Linux 6.11 has)",
					    above ? "upstream: " : "", named);
	return RUN_PASSED;
}
