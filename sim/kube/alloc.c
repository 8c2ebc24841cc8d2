/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Address allocation as MetalLB's controller does it (METALLB section 3). */
#include "kube_int.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How far one prefix is searched: more addresses than services can ever hold. */
#define SEARCH_MAX 70000U

struct request {
	struct kube_cluster *c;
	struct service_state *s;
	uint8_t families[2];
	size_t family_count;
};

/* ---- Annotations: the new prefix wins, even when empty ---- */

static const char *annotation(const struct kube_service *s, const char *suffix)
{
	static const char *const prefixes[] = {"metallb.io/", "metallb.universe.tf/"};
	char key[96];

	for (size_t i = 0; i < 2; i++) {
		const char *value;

		snprintf(key, sizeof(key), "%s%s", prefixes[i], suffix);
		value = kube_label_get(&s->meta.annotations, key);
		if (value != NULL)
			return value;
	}
	return NULL;
}

static const char *sharing_key(const struct kube_service *s)
{
	const char *key = annotation(s, "allow-shared-ip");

	return key != NULL ? key : "";
}

/* Local services share only with the same backends; an empty selector says nothing about them. */
static bool same_backends(const struct kube_service *a, const struct kube_service *b)
{
	static const struct kube_labels none = {0};
	const struct kube_labels *x = a->external_policy == KUBE_POLICY_LOCAL ? &a->selector : &none;
	const struct kube_labels *y = b->external_policy == KUBE_POLICY_LOCAL ? &b->selector : &none;

	return x->len == y->len && kube_labels_include(x, y);
}

static bool ports_clash(const struct kube_service *a, const struct kube_service *b)
{
	for (size_t i = 0; i < a->port_count; i++) {
		for (size_t k = 0; k < b->port_count; k++) {
			if (a->ports[i].port == b->ports[k].port && a->ports[i].protocol == b->ports[k].protocol)
				return true;
		}
	}
	return false;
}

static bool holds(const struct service_state *s, const struct addr *a)
{
	for (size_t i = 0; i < s->ingress_count; i++) {
		if (addr_equal(&s->ingress[i], a))
			return true;
	}
	return false;
}

/* METALLB section 3.6 */
static bool shareable(const struct request *q, const struct addr *a)
{
	const struct kube_service *mine = q->s->service;

	for (size_t i = 0; i < q->c->services.len; i++) {
		const struct service_state *other = &q->c->services.at[i];

		if (other == q->s || !holds(other, a))
			continue;
		if (*sharing_key(mine) == '\0' || strcmp(sharing_key(mine), sharing_key(other->service)) != 0 ||
		    !same_backends(mine, other->service) || ports_clash(mine, other->service))
			return false;
	}
	return true;
}

/* ---- Pools ---- */

static bool buggy(const struct addr *a)
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

static bool allowed(const struct request *q, const struct pool_conf *p, const struct addr *a)
{
	return !(p->pool->avoid_buggy_ips && buggy(a)) && shareable(q, a);
}

/* The namespaces that the pool's stanza admits by name or by selector; *ret_any: it names any at all. */
static bool namespace_admitted(const struct kube_cluster *c, const struct kube_pool *p, const char *namespace,
			       bool *ret_any)
{
	const struct kube_object *o = kube_object_find(&c->objects, KUBE_NAMESPACE, NULL, namespace);
	static const struct kube_labels none = {0};
	const struct kube_labels *labels = o != NULL ? &o->meta.labels : &none;

	*ret_any = p->namespaces.len > 0;
	for (size_t i = 0; i < p->namespaces.len; i++) {
		if (strcmp(p->namespaces.at[i], namespace) == 0)
			return true;
	}
	if (p->namespace_selectors.len == 0)
		return false;
	/* a selector that finds no namespace leaves no restriction (METALLB section 2.1, notes) */
	for (size_t i = 0; i < c->objects.len; i++) {
		const struct kube_object *ns = c->objects.at[i].object;

		if (ns->kind == KUBE_NAMESPACE && kube_selectors_match_any(&p->namespace_selectors, &ns->meta.labels))
			*ret_any = true;
	}
	return kube_selectors_match_any(&p->namespace_selectors, labels);
}

static bool compatible(const struct request *q, const struct kube_pool *p)
{
	const struct kube_service *s = q->s->service;
	bool any;
	bool admitted = namespace_admitted(q->c, p, s->meta.namespace, &any);

	if (!p->service_allocation)
		return true;
	if (any && !admitted)
		return false;
	return p->service_selectors.len == 0 || kube_selectors_match_any(&p->service_selectors, &s->meta.labels);
}

/* Reached by namespace, by service selector, or by a stanza that restricts nothing. */
static bool pinned(const struct request *q, const struct kube_pool *p)
{
	bool any;
	bool admitted = namespace_admitted(q->c, p, q->s->service->meta.namespace, &any);

	return p->service_allocation && p->auto_assign && compatible(q, p) &&
	       (admitted || p->service_selectors.len > 0 ||
		(p->namespaces.len == 0 && p->namespace_selectors.len == 0));
}

/* The pool's first address of the family that may be had. */
static bool first_free(const struct request *q, const struct pool_conf *p, uint8_t family, struct addr *ret)
{
	for (size_t i = 0; i < p->cidr_count; i++) {
		struct addr a = p->cidrs[i].addr, last = prefix_last(&p->cidrs[i]);

		if (a.family != family)
			continue;
		for (unsigned int n = 0; n < SEARCH_MAX && addr_compare(&a, &last) <= 0; n++) {
			if (allowed(q, p, &a)) {
				*ret = a;
				return true;
			}
			if (addr_equal(&a, &last))
				break;
			a = addr_add(&a, 1);
		}
	}
	return false;
}

static int by_address(const void *a, const void *b)
{
	return addr_compare(a, b); /* IPv4 before IPv6 */
}

static void assign(struct request *q, size_t pool, const struct addr *addresses, size_t n)
{
	memcpy(q->s->ingress, addresses, n * sizeof(*addresses));
	qsort(q->s->ingress, n, sizeof(*addresses), by_address);
	q->s->ingress_count = n;
	q->s->pool = pool;
	q->s->pool_name = q->c->config->pools.at[pool].pool->meta.name;
	q->s->pending_reason = NULL;
}

static bool from_pool(struct request *q, size_t pool, const uint8_t *families, size_t n)
{
	struct addr found[2];

	for (size_t i = 0; i < n; i++) {
		if (!first_free(q, &q->c->config->pools.at[pool], families[i], &found[i]))
			return false;
	}
	assign(q, pool, found, n);
	return true;
}

/* ---- Choosing (METALLB section 3.3) ---- */

/* Pinned pools by priority, 0 last, ties in order of definition; then the others in order of definition, which MetalLB
 * leaves to chance. */
static bool from_pools(struct request *q, bool want_pinned, const uint8_t *families, size_t n)
{
	const struct config *config = q->c->config;
	bool *tried = arena_array(&q->c->out, config->pools.len, sizeof(*tried));

	for (size_t round = 0; round < config->pools.len; round++) {
		size_t best = SIZE_MAX;

		for (size_t i = 0; i < config->pools.len; i++) {
			const struct kube_pool *p = config->pools.at[i].pool;
			bool fits = want_pinned ? pinned(q, p) : p->auto_assign && !p->service_allocation;
			unsigned int priority = p->priority == 0 ? UINT32_MAX : (unsigned int)p->priority;

			if (tried[i] || !fits)
				continue;
			if (best == SIZE_MAX || (want_pinned && config->pools.at[best].pool->priority != p->priority &&
						 (config->pools.at[best].pool->priority == 0 ||
						  priority < (unsigned int)config->pools.at[best].pool->priority)))
				best = i;
		}
		if (best == SIZE_MAX)
			return false;
		tried[best] = true;
		if (from_pool(q, best, families, n))
			return true;
	}
	return false;
}

static void automatic(struct request *q)
{
	for (int i = 0; i < 2; i++) {
		bool want_pinned = i == 0;

		if (from_pools(q, want_pinned, q->families, q->family_count))
			return;
		/* PreferDualStack: the primary family alone, then the secondary */
		for (size_t f = 0;
		     q->family_count == 2 && q->s->service->family_policy == KUBE_PREFER_DUAL_STACK && f < 2; f++) {
			if (from_pools(q, want_pinned, &q->families[f], 1))
				return;
		}
	}
	q->s->pending_reason = "no available IPs";
}

static size_t pool_named(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->pools.len; i++) {
		if (strcmp(config->pools.at[i].pool->meta.name, name) == 0)
			return i;
	}
	return SIZE_MAX;
}

static void by_annotation(struct request *q, const char *name)
{
	size_t pool = pool_named(q->c->config, name);

	if (pool == SIZE_MAX)
		q->s->pending_reason = "the annotation names an unknown pool";
	else if (!compatible(q, q->c->config->pools.at[pool].pool))
		q->s->pending_reason = "the annotated pool is not for this service";
	else if (!from_pool(q, pool, q->families, q->family_count) &&
		 !(q->family_count == 2 && q->s->service->family_policy == KUBE_PREFER_DUAL_STACK &&
		   (from_pool(q, pool, &q->families[0], 1) || from_pool(q, pool, &q->families[1], 1))))
		q->s->pending_reason = "no available IPs in the annotated pool";
}

/* Addresses asked for by annotation or spec.loadBalancerIP. Returns their number, 0 for no request, or -EINVAL. */
static int requested(const struct kube_service *s, struct addr ret[static 2])
{
	const char *list = annotation(s, "loadBalancerIPs");
	int n = 0;

	if (list != NULL && s->load_balancer_ip != NULL)
		return -EINVAL;
	if (list == NULL)
		list = s->load_balancer_ip;
	while (list != NULL && *list != '\0') {
		size_t len = strcspn(list, ",");
		char text[64];

		list += strspn(list, " ");
		len = strcspn(list, ", ");
		if (n == 2 || len >= sizeof(text))
			return -EINVAL;
		memcpy(text, list, len);
		text[len] = '\0';
		if (addr_parse(text, &ret[n++]) < 0)
			return -EINVAL;
		list += strcspn(list, ",");
		list += *list == ',';
	}
	return n;
}

static bool families_match(const struct request *q, const struct addr *wanted, size_t n)
{
	if (n != q->family_count)
		return false;
	for (size_t i = 0; i < n; i++) {
		bool found = false;

		for (size_t k = 0; k < n; k++)
			found = found || wanted[k].family == q->families[i];
		if (!found)
			return false;
	}
	return true;
}

/* Why the service can't have exactly these addresses, or NULL after it has them. */
static const char *take(struct request *q, const struct addr *wanted, size_t n, const char *pool_name)
{
	const struct config *config = q->c->config;
	size_t pool = kube_pool_of(config, &wanted[0]);

	if (pool == SIZE_MAX)
		return "the requested address is in no pool";
	for (size_t i = 0; i < n; i++) {
		if (kube_pool_of(config, &wanted[i]) != pool)
			return "the requested addresses are not of one pool";
		if (config->pools.at[pool].pool->avoid_buggy_ips && buggy(&wanted[i]))
			return "the requested address is not allowed in config (avoidBuggyIPs)";
		if (!shareable(q, &wanted[i]))
			return "the requested address is used by another service";
	}
	if (pool_name != NULL && strcmp(config->pools.at[pool].pool->meta.name, pool_name) != 0)
		return "the requested address is not in the annotated pool";
	if (!compatible(q, config->pools.at[pool].pool))
		return "the requested address is in a pool that is not for this service";
	assign(q, pool, wanted, n);
	return NULL;
}

static void clear(struct service_state *s, const char *reason)
{
	s->ingress_count = 0;
	s->pool_name = NULL;
	s->pending_reason = reason;
}

static bool same_set(const struct service_state *s, const struct addr *wanted, size_t n)
{
	bool same = s->ingress_count == n;

	for (size_t i = 0; i < n && same; i++)
		same = holds(s, &wanted[i]);
	return same;
}

static void choose(struct request *q, const struct addr *wanted, int n)
{
	const char *pool = annotation(q->s->service, "address-pool");

	if (n > 0 && !families_match(q, wanted, (size_t)n))
		q->s->pending_reason = "the requested addresses are not of the service's families";
	else if (n > 0)
		q->s->pending_reason = take(q, wanted, (size_t)n, pool);
	else if (pool != NULL)
		by_annotation(q, pool);
	else
		automatic(q);
}

/* What stands against any address at all, or NULL (METALLB section 3.2, 1 to 4). */
static const char *unfit(const struct kube_cluster *c, const struct service_state *s)
{
	if (s->service->type != KUBE_LOAD_BALANCER)
		return "it is not of type LoadBalancer";
	if (s->service->load_balancer_class != NULL)
		return "it has a loadBalancerClass, which MetalLB does not handle unless told";
	if (c->config == NULL || c->config->pools.len == 0)
		return "MetalLB has no address pool";
	if (s->cluster_ip_count == 0)
		return "it has no clusterIP of its own";
	if (s->service->family_policy == KUBE_REQUIRE_DUAL_STACK && s->cluster_ip_count < 2)
		return "it requires dual stack but has one clusterIP";
	if (s->service->family_policy == KUBE_SINGLE_STACK && s->cluster_ip_count > 1)
		return "it is single-stack but has two clusterIPs";
	return NULL;
}

/* 9: who prefers dual stack and has one address gets the other family's from the same pool, once there is one. */
static void second_family_add(struct request *q)
{
	struct service_state *s = q->s;
	struct addr both[2] = {s->ingress[0]};
	uint8_t missing;

	if (s->ingress_count != 1 || q->family_count != 2 || s->service->family_policy != KUBE_PREFER_DUAL_STACK)
		return;
	missing = q->families[0] == s->ingress[0].family ? q->families[1] : q->families[0];
	if (first_free(q, &q->c->config->pools.at[s->pool], missing, &both[1]))
		assign(q, s->pool, both, 2);
}

static void converge(struct kube_cluster *c, struct service_state *s)
{
	struct request q = {.c = c, .s = s};
	const char *pool = annotation(s->service, "address-pool");
	const char *reason = unfit(c, s);
	struct addr wanted[2], kept[2];
	size_t kept_count;
	int n;

	if (reason != NULL) {
		clear(s, reason);
		return;
	}
	for (; q.family_count < s->cluster_ip_count; q.family_count++)
		q.families[q.family_count] = s->cluster_ips[q.family_count].family;
	n = requested(s->service, wanted);
	if (n < 0) { /* 8: a request that can't be read keeps what the service has */
		if (s->ingress_count == 0)
			s->pending_reason = "the address request can't be read";
		return;
	}
	/* 6 to 8: what it has must still be right */
	kept_count = s->ingress_count;
	memcpy(kept, s->ingress, sizeof(kept));
	if (kept_count > 0 && (take(&q, kept, kept_count, pool) != NULL || (n > 0 && !same_set(s, wanted, (size_t)n))))
		clear(s, NULL);
	if (n == 0)
		second_family_add(&q);
	if (s->ingress_count == 0)
		choose(&q, wanted, n);
}

/* True for the services of a round: those that changed lead, since the change is theirs to bear, not that of those with whom
 * they share; then those that have addresses, so that nobody is robbed (METALLB section 3.7); then those that wait. */
static bool in_round(const struct service_state *s, int round)
{
	if (round == 0)
		return s->changed && s->ingress_count > 0;
	return round == 1 ? s->ingress_count > 0 : s->ingress_count == 0;
}

void kube_services_allocate(struct kube_cluster *c)
{
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < c->services.len; i++) {
			if (in_round(&c->services.at[i], round))
				converge(c, &c->services.at[i]);
		}
	}
	for (size_t i = 0; i < c->services.len; i++)
		c->services.at[i].changed = false;
}
