/* SPDX-License-Identifier: GPL-2.0-or-later */
/* No address may be in two pools, nor twice in one (METALLB section 2.1). */
#include "kube_int.h"

#include <stdlib.h>
#include <string.h>

struct piece {
	const struct prefix *cidr;
	const struct pool_conf *pool;
	size_t number; /* in order of definition */
};

static int by_cidr(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;
	int order = prefix_compare(x->cidr, y->cidr);

	return order != 0 ? order : (x->number > y->number) - (x->number < y->number);
}

/* Prefixes lie within each other or apart; so where any two overlap, two neighbours do in order of address, the wider one
 * first. */
static int pieces_check(const struct piece *pieces, size_t n, struct errmsg *err)
{
	for (size_t i = 1; i < n; i++) {
		const struct piece *a = &pieces[i - 1], *b = &pieces[i];

		if (!prefix_overlaps(a->cidr, b->cidr))
			continue;
		if (a->number > b->number) {
			a = &pieces[i];
			b = &pieces[i - 1];
		}
		return kube_config_refuse(err, &b->pool->origin, "%s in pool %s overlaps %s in pool %s",
					  prefix_text(b->cidr).s, b->pool->pool->meta.name, prefix_text(a->cidr).s,
					  a->pool->pool->meta.name);
	}
	return 0;
}

static int overlaps_check(const struct config *config, struct errmsg *err)
{
	VEC(struct piece) pieces = {0};
	size_t number = 0;
	int r;

	for (size_t i = 0; i < config->pools.len; i++) {
		const struct pool_conf *p = &config->pools.at[i];

		for (size_t k = 0; k < p->cidr_count; k++, number++)
			VEC_PUSH(&pieces, (struct piece){.cidr = &p->cidrs[k], .pool = p, .number = number});
	}
	if (pieces.len > 0)
		qsort(pieces.at, pieces.len, sizeof(*pieces.at), by_cidr);
	r = pieces_check(pieces.at, pieces.len, err);
	VEC_FREE(&pieces);
	return r;
}

static int name_check(const struct config *config, size_t i, struct errmsg *err)
{
	const struct pool_conf *p = &config->pools.at[i];

	for (size_t k = 0; k < i; k++) {
		if (strcmp(config->pools.at[k].pool->meta.name, p->pool->meta.name) == 0)
			return kube_config_refuse(err, &p->origin, "duplicate pool name %s", p->pool->meta.name);
	}
	return 0;
}

int kube_pools_check(const struct config *config, struct errmsg *err)
{
	int r = 0;

	for (size_t i = 0; i < config->pools.len && r == 0; i++) {
		const struct pool_conf *p = &config->pools.at[i];

		r = kube_duplicates_check(&p->pool->namespaces, "serviceAllocation.namespaces", &p->origin, err);
		if (r == 0)
			r = kube_selectors_check(&p->pool->namespace_selectors, "namespaceSelectors", &p->origin, err);
		if (r == 0)
			r = kube_selectors_check(&p->pool->service_selectors, "serviceSelectors", &p->origin, err);
		if (r == 0)
			r = name_check(config, i, err);
	}
	return r == 0 ? overlaps_check(config, err) : r;
}
