/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Address allocation as MetalLB's controller does it (METALLB section 3). */
#include "kube_int.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* How far one prefix is searched: more addresses than services can ever hold. */
#define SEARCH_MAX 70000U
/* What one service gives up another may want; two that chase each other must not do so for ever. */
#define PASSES_MAX 4

struct request {
	struct kube_cluster *c;
	struct service_state *s;
	uint8_t families[2];
	size_t family_count;
};

static bool prefers_dual(const struct request *q)
{
	return q->family_count == 2 && q->s->service->family_policy == KUBE_PREFER_DUAL_STACK;
}

/* ---- Sharing (METALLB section 3.6) ---- */

static const char *sharing_key(const struct kube_service *s)
{
	const char *key = kube_annotation(s, "allow-shared-ip");

	return key != NULL ? key : "";
}

/* Local services share only with the same backends; an empty selector says nothing about them. */
static bool same_backends(const struct kube_service *a, const struct kube_service *b)
{
	static const struct kube_labels none = {0};
	const struct kube_labels *x = a->external_policy == KUBE_POLICY_LOCAL ? &a->selector : &none;
	const struct kube_labels *y = b->external_policy == KUBE_POLICY_LOCAL ? &b->selector : &none;

	return kube_labels_equal(x, y);
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

/* Others are taken as they were when they got the address: who changes since must go, not who shares with him. */
static bool shareable(const struct request *q, const struct addr *a)
{
	const struct kube_service *mine = q->s->service;

	for (size_t i = 0; i < q->c->services.len; i++) {
		const struct service_state *other = &q->c->services.at[i];

		if (other == q->s || !holds(other, a))
			continue;
		if (*sharing_key(mine) == '\0' || strcmp(sharing_key(mine), sharing_key(other->held_as)) != 0 ||
		    !same_backends(mine, other->held_as) || ports_clash(mine, other->held_as))
			return false;
	}
	return true;
}

/* ---- Addresses ---- */

static bool allowed(const struct request *q, const struct pool_conf *p, const struct addr *a)
{
	return !(p->pool->avoid_buggy_ips && kube_buggy(a)) && shareable(q, a);
}

/* The pool's first address of the family that may be had. */
static bool first_free(const struct request *q, const struct pool_conf *p, uint8_t family, struct addr *ret)
{
	for (size_t i = 0; i < p->cidr_count; i++) {
		struct addr a = p->cidrs[i].addr, last = prefix_last(&p->cidrs[i]);

		if (a.family != family)
			continue;
		for (unsigned int n = 0; n < SEARCH_MAX; n++) {
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
	q->s->held_as = q->s->service;
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

static bool from_pools(struct request *q, const size_t *pools, size_t n, const uint8_t *families, size_t family_count)
{
	for (size_t i = 0; i < n; i++) {
		if (from_pool(q, pools[i], families, family_count))
			return true;
	}
	return false;
}

/* All families from one of the pools; who prefers dual stack is content with the primary one, then with the secondary. */
static bool from_any(struct request *q, const size_t *pools, size_t n)
{
	return from_pools(q, pools, n, q->families, q->family_count) ||
	       (prefers_dual(q) &&
		(from_pools(q, pools, n, &q->families[0], 1) || from_pools(q, pools, n, &q->families[1], 1)));
}

static void automatic(struct request *q)
{
	struct arena scratch = {0};
	size_t pinned, n;
	const size_t *pools = kube_pools_in_order(q->c, q->s->service, &scratch, &pinned, &n);

	if (!from_any(q, pools, pinned) && !from_any(q, pools + pinned, n - pinned))
		q->s->pending_reason = "no available IPs";
	arena_clear(&scratch);
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
	else if (!kube_pool_fits(q->c, q->c->config->pools.at[pool].pool, q->s->service))
		q->s->pending_reason = "the annotated pool is not for this service";
	else if (!from_any(q, &pool, 1))
		q->s->pending_reason = "no available IPs in the annotated pool";
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
		if (config->pools.at[pool].pool->avoid_buggy_ips && kube_buggy(&wanted[i]))
			return "the requested address is not allowed in config (avoidBuggyIPs)";
		if (!shareable(q, &wanted[i]))
			return "the requested address is used by another service";
	}
	if (pool_name != NULL && strcmp(config->pools.at[pool].pool->meta.name, pool_name) != 0)
		return "the requested address is not in the annotated pool";
	if (!kube_pool_fits(q->c, config->pools.at[pool].pool, q->s->service))
		return "the requested address is in a pool that is not for this service";
	assign(q, pool, wanted, n);
	return NULL;
}

static void clear(struct service_state *s, const char *reason)
{
	s->ingress_count = 0;
	s->pool_name = NULL;
	s->held_as = NULL;
	s->pending_reason = reason;
}

static bool same_set(const struct service_state *s, const struct addr *wanted, size_t n)
{
	bool same = s->ingress_count == n;

	for (size_t i = 0; i < n && same; i++)
		same = holds(s, &wanted[i]);
	return same;
}

static void choose(struct request *q, const struct addr *wanted, size_t n)
{
	const char *pool = kube_annotation(q->s->service, "address-pool");

	if (n > 0 && !families_match(q, wanted, n))
		q->s->pending_reason = "the requested addresses are not of the service's families";
	else if (n > 0)
		q->s->pending_reason = take(q, wanted, n, pool);
	else if (pool != NULL)
		by_annotation(q, pool);
	else
		automatic(q);
}

/* ---- Convergence of one service (METALLB section 3.2) ---- */

/* 1 to 4: what stands against any address at all, or NULL. */
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

/* 5: the families of its addresses are those of its clusterIPs; who prefers dual stack may have one of the two. */
static bool families_kept(const struct request *q)
{
	return families_match(q, q->s->ingress, q->s->ingress_count) || (prefers_dual(q) && q->s->ingress_count == 1);
}

/* 5 to 7: what it has must still be right. */
static void keep(struct request *q)
{
	struct addr kept[2];
	size_t n = q->s->ingress_count;

	memcpy(kept, q->s->ingress, sizeof(kept));
	if (n > 0 && (!families_kept(q) || take(q, kept, n, kube_annotation(q->s->service, "address-pool")) != NULL))
		clear(q->s, NULL);
}

/* 9: who prefers dual stack and has one address gets the other family's from the same pool, once there is one. */
static void second_family_add(struct request *q)
{
	struct service_state *s = q->s;
	struct addr both[2] = {s->ingress[0]};
	uint8_t missing;

	if (s->ingress_count != 1 || !prefers_dual(q))
		return;
	missing = q->families[0] == s->ingress[0].family ? q->families[1] : q->families[0];
	if (first_free(q, &q->c->config->pools.at[s->pool], missing, &both[1]))
		assign(q, s->pool, both, 2);
}

static void converge(struct kube_cluster *c, struct service_state *s)
{
	struct request q = {.c = c, .s = s};
	const char *reason = unfit(c, s);
	struct addr wanted[2];
	size_t n;

	if (reason != NULL) {
		clear(s, reason);
		return;
	}
	for (; q.family_count < s->cluster_ip_count; q.family_count++)
		q.families[q.family_count] = s->cluster_ips[q.family_count].family;
	keep(&q);
	reason = kube_requested(s->service, wanted, &n);
	if (reason != NULL) { /* 8: a request that can't be read keeps what the service has */
		if (s->ingress_count == 0)
			s->pending_reason = reason;
		return;
	}
	if (n > 0 && s->ingress_count > 0 && !same_set(s, wanted, n))
		clear(s, NULL);
	if (n == 0)
		second_family_add(&q);
	if (s->ingress_count == 0)
		choose(&q, wanted, n);
}

/* Those that have addresses first, so that nobody is robbed (METALLB section 3.7), then those that wait. Returns whether an
 * address was given up. */
static bool pass(struct kube_cluster *c)
{
	bool freed = false;

	for (int waiting = 0; waiting < 2; waiting++) {
		for (size_t i = 0; i < c->services.len; i++) {
			struct service_state *s = &c->services.at[i];
			struct addr before[2] = {s->ingress[0], s->ingress[1]};
			size_t n = s->ingress_count;

			if ((n == 0) != (waiting == 1))
				continue;
			converge(c, s);
			for (size_t k = 0; k < n; k++)
				freed = freed || !holds(s, &before[k]);
		}
	}
	return freed;
}

static void views_make(struct kube_cluster *c)
{
	VEC_CLEAR(&c->services_out);
	for (size_t i = 0; i < c->services.len; i++) {
		const struct service_state *s = &c->services.at[i];

		VEC_PUSH(&c->services_out,
			 (struct kube_service_view){.service = s->service,
						    .cluster_ip = s->cluster_ips[0],
						    .ingress = s->ingress,
						    .ingress_count = s->ingress_count,
						    .pool = s->ingress_count > 0 ? s->pool_name : NULL,
						    .pending_reason = s->pending_reason});
	}
}

void kube_services_allocate(struct kube_cluster *c)
{
	for (int i = 0; i < PASSES_MAX && pass(c); i++)
		;
	views_make(c);
}
