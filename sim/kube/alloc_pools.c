/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which pools are for which services (METALLB sections 3.3 and 3.4). */
#include "kube_int.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

bool kube_buggy(const struct addr *a)
{
	return a->family == ADDR_V4 && (a->b[3] == 0 || a->b[3] == 255);
}

static bool pool_holds(const struct pool_conf *p, const struct addr *a)
{
	for (size_t i = 0; i < p->cidr_count; i++) {
		if (prefix_contains(&p->cidrs[i], a))
			return true;
	}
	return false;
}

size_t kube_pool_of(const struct config *config, const struct addr *a)
{
	for (size_t i = 0; i < config->pools.len; i++) {
		if (pool_holds(&config->pools.at[i], a))
			return i;
	}
	return SIZE_MAX;
}

/* ---- Namespaces ---- */

/* A namespace by its labels; the API server adds its name to them, which selectors like to use. */
static bool namespace_selected(const struct kube_cluster *c, const struct kube_selectors *selectors, const char *name)
{
	const struct kube_object *o = kube_object_find(&c->objects, KUBE_NAMESPACE, NULL, name);
	size_t n = o != NULL ? o->meta.labels.len : 0;
	struct arena scratch = {0};
	struct kube_label *labels = arena_array(&scratch, n + 1, sizeof(*labels));
	bool selected;

	labels[0] = (struct kube_label){"kubernetes.io/metadata.name", name};
	if (n > 0)
		memcpy(labels + 1, o->meta.labels.at, n * sizeof(*labels));
	selected = kube_selectors_match_any(selectors, &(struct kube_labels){labels, n + 1});
	arena_clear(&scratch);
	return selected;
}

/* Whether the selectors find any namespace at all: those that Kubernetes begins with, those with a manifest, and those in
 * which something is. */
static bool any_selected(const struct kube_cluster *c, const struct kube_selectors *selectors)
{
	static const char *const always[] = {"default", "kube-node-lease", "kube-public", "kube-system",
					     "metallb-system"};

	if (selectors->len == 0)
		return false;
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++) {
		if (namespace_selected(c, selectors, always[i]))
			return true;
	}
	for (size_t i = 0; i < c->objects.len; i++) {
		const struct kube_object *o = c->objects.at[i].object;

		if (o->kind == KUBE_LEGACY_CONFIG || o->kind == KUBE_NODE)
			continue;
		if (namespace_selected(c, selectors, o->kind == KUBE_NAMESPACE ? o->meta.name : o->meta.namespace))
			return true;
	}
	return false;
}

static bool named(const struct kube_strings *list, const char *name)
{
	for (size_t i = 0; i < list->len; i++) {
		if (strcmp(list->at[i], name) == 0)
			return true;
	}
	return false;
}

static bool namespace_listed(const struct kube_cluster *c, const struct kube_pool *p, const char *namespace)
{
	return named(&p->namespaces, namespace) || namespace_selected(c, &p->namespace_selectors, namespace);
}

bool kube_pool_fits(const struct kube_cluster *c, const struct kube_pool *p, const struct kube_service *s)
{
	if (!p->service_allocation)
		return true;
	/* selectors that find no namespace leave no restriction (METALLB section 2.1, notes) */
	if ((p->namespaces.len > 0 || any_selected(c, &p->namespace_selectors)) &&
	    !namespace_listed(c, p, s->meta.namespace))
		return false;
	return kube_selectors_admit(&p->service_selectors, &s->meta.labels);
}

/* Reached by namespace, by service selector, or by a stanza that restricts nothing. */
static bool pinned(const struct kube_cluster *c, const struct kube_pool *p, const struct kube_service *s)
{
	return p->service_allocation && kube_pool_fits(c, p, s) &&
	       (p->service_selectors.len > 0 || namespace_listed(c, p, s->meta.namespace) ||
		(p->namespaces.len == 0 && p->namespace_selectors.len == 0));
}

/* ---- Order ---- */

struct candidate {
	unsigned int rank;
	const char *name;
	size_t pool;
};

static int by_rank(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if (strcmp(x->name, y->name) != 0)
		return strcmp(x->name, y->name);
	return (x->pool > y->pool) - (x->pool < y->pool);
}

/* Pinned pools by priority, 0 last, ties by name; the general ones as they were defined, where MetalLB has no order. */
const size_t *kube_pools_in_order(const struct kube_cluster *c, const struct kube_service *s, struct arena *memory,
				  size_t *ret_pinned, size_t *ret_count)
{
	const struct config *config = c->config;
	struct candidate *candidates = arena_array(memory, config->pools.len, sizeof(*candidates));
	size_t *order = arena_array(memory, config->pools.len, sizeof(*order));
	size_t n = 0;

	*ret_pinned = 0;
	for (size_t i = 0; i < config->pools.len; i++) {
		const struct kube_pool *p = config->pools.at[i].pool;

		if (!p->auto_assign || (p->service_allocation && !pinned(c, p, s)))
			continue;
		candidates[n++] = (struct candidate){.rank = UINT32_MAX, .name = "", .pool = i};
		if (p->service_allocation) {
			candidates[n - 1].rank = p->priority > 0 ? (unsigned int)p->priority : UINT32_MAX - 1;
			candidates[n - 1].name = p->meta.name;
			++*ret_pinned;
		}
	}
	if (n > 0)
		qsort(candidates, n, sizeof(*candidates), by_rank);
	for (size_t i = 0; i < n; i++)
		order[i] = candidates[i].pool;
	*ret_count = n;
	return order;
}

/* ---- Before 0.14 ---- */

int kube_addresses_check(const struct kube_cluster *c, const struct config *next, const stored_vec *objects,
			 struct errmsg *err)
{
	const struct kube_object *config = kube_object_find(objects, KUBE_LEGACY_CONFIG, NULL, NULL);
	const struct kube_origin nowhere = {0};

	if (c->conf.metallb != KUBE_METALLB_LEGACY)
		return 0;
	for (size_t i = 0; i < c->services.len; i++) {
		const struct service_state *s = &c->services.at[i];
		const struct kube_meta *m = &s->service->meta;

		if (kube_object_find(objects, KUBE_SERVICE, m->namespace, m->name) == NULL)
			continue;
		for (size_t k = 0; k < s->ingress_count; k++) {
			size_t pool = kube_pool_of(next, &s->ingress[k]);

			if (pool != SIZE_MAX &&
			    !(next->pools.at[pool].pool->avoid_buggy_ips && kube_buggy(&s->ingress[k])))
				continue;
			return kube_config_refuse(
				err, config != NULL ? &config->origin : &nowhere,
				"the new configuration has no room for %s, which service %s/%s holds: "
				"MetalLB before 0.14 keeps the one it has",
				addr_text(&s->ingress[k]).s, m->namespace, m->name);
		}
	}
	return 0;
}
