/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The router's multipath hash: its policy, fields and seed, one for both families. */
#include "multipath.h"
#include "net_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define POLICY "net.ipv4.fib_multipath_hash_policy"
#define FIELDS "net.ipv4.fib_multipath_hash_fields"
#define SEED "net.ipv4.fib_multipath_hash_seed"
#define USE_NEIGHBOURS "net.ipv4.fib_multipath_use_neigh"

static int number_set(struct net_ns *ns, const char *name, uint32_t value, struct errmsg *err)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	return net_sysctl(ns, name, text, err);
}

static int number_get(struct net_ns *ns, const char *name, uint32_t *ret, struct errmsg *err)
{
	char text[32];
	int r = net_sysctl_get(ns, name, text, sizeof(text), err);

	if (r == 0)
		*ret = (uint32_t)strtoul(text, NULL, 0);
	return r;
}

/* A kernel without IPv6 has none to set. */
static int number_set_v6(struct net_ns *ns, const char *name, uint32_t value, struct errmsg *err)
{
	int r = number_set(ns, name, value, err);

	return r == -ENOENT ? 0 : r;
}

int net_hash_set(struct net_ns *ns, const struct net_hash *hash, bool *ret_seeded, struct errmsg *err)
{
	int r = 0;

	/* Fields first: policy 3 would hash by the old ones for a moment. */
	if (hash->policy == NET_HASH_FIELDS) {
		r = number_set(ns, FIELDS, hash->fields, err);
		if (r == 0)
			r = number_set_v6(ns, "net.ipv6.fib_multipath_hash_fields", hash->fields, err);
	}
	if (r == 0)
		r = number_set(ns, POLICY, hash->policy, err);
	if (r == 0)
		r = number_set_v6(ns, "net.ipv6.fib_multipath_hash_policy", hash->policy, err);
	if (r == 0)
		r = number_set(ns, USE_NEIGHBOURS, hash->use_neighbours, err);
	if (r < 0)
		return r;
	r = number_set(ns, SEED, hash->seed, err);
	*ret_seeded = r == 0;
	return r == -ENOENT ? 0 : r;
}

int net_hash_get(struct net_ns *ns, struct net_hash *ret, struct errmsg *err)
{
	uint32_t policy = 0, fields = 0, seed = 0, use = 0;
	int r = number_get(ns, POLICY, &policy, err);
	struct errmsg none;

	if (r == 0 && policy == NET_HASH_FIELDS)
		r = number_get(ns, FIELDS, &fields, err);
	if (r == 0)
		r = number_get(ns, USE_NEIGHBOURS, &use, err);
	if (r < 0)
		return r;
	if (number_get(ns, SEED, &seed, &none) < 0)
		seed = 0;
	*ret = (struct net_hash){
		.policy = (enum net_hash_policy)policy, .fields = fields, .seed = seed, .use_neighbours = use != 0};
	return 0;
}
