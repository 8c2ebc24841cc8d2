/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each node's speaker announces, to whom, and why not (METALLB sections 4.1 to 4.3). */
#include "kube_int.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXCLUDE_LABEL "node.kubernetes.io/exclude-from-external-load-balancers"

static bool for_node(const struct advertisement_conf *a, const struct node_state *node)
{
	const struct kube_selectors *s = &a->advertisement->node_selectors;

	return s->len == 0 || kube_selectors_match_any(s, &node->labels);
}

static bool for_service(const struct advertisement_conf *a, const struct kube_service *service)
{
	const struct kube_selectors *s = &a->advertisement->service_selectors;

	return s->len == 0 || kube_selectors_match_any(s, &service->meta.labels);
}

static bool matches(const struct advertisement_conf *a, const struct service_state *s, const struct node_state *node)
{
	return a->pools[s->pool] && for_node(a, node) && for_service(a, s->service);
}

/* Rows 6 to 8. */
static const char *advertisement_reason(const struct config *config, const struct service_state *s,
					const struct node_state *node)
{
	const struct advertisement_conf *first = NULL;
	bool owner = false;

	for (size_t i = 0; i < config->advertisements.len; i++) {
		const struct advertisement_conf *a = &config->advertisements.at[i];

		owner = owner || (a->pools[s->pool] && for_node(a, node));
		if (!matches(a, s, node))
			continue;
		if (first != NULL && first->advertisement->local_pref != a->advertisement->local_pref &&
		    first->advertisement->aggregation_length == a->advertisement->aggregation_length &&
		    (first->advertisement->service_selectors.len > 0 || a->advertisement->service_selectors.len > 0))
			return "conflictingAdvertisements";
		if (first == NULL)
			first = a;
	}
	if (first != NULL)
		return NULL;
	return owner ? "noMatchingAdvertisement" : "notOwner";
}

/* Rows 11 and 12. */
static const char *endpoint_reason(const struct kube_cluster *c, const struct kube_service *s,
				   const struct node_state *node)
{
	endpoints_vec endpoints = {0};
	bool any = false, local = false;

	kube_endpoints_collect(c, s, NULL, &endpoints);
	for (size_t i = 0; i < endpoints.len; i++) {
		const struct endpoint *e = &endpoints.at[i];

		if (!kube_endpoint_healthy(e))
			continue;
		any = true;
		local = local || (e->node != NULL && strcmp(e->node, node->name) == 0);
	}
	VEC_FREE(&endpoints);
	if (s->external_policy == KUBE_POLICY_LOCAL && !local)
		return "noLocalEndpoints";
	return any ? NULL : "noEndpoints";
}

/* METALLB section 4.1: the first row that applies; NULL: announce. */
static const char *reason_of(const struct kube_cluster *c, const struct service_state *s, const struct node_state *node)
{
	const char *reason;

	if (s->service->type != KUBE_LOAD_BALANCER || s->service->load_balancer_class != NULL)
		return "notLoadBalancer";
	if (c->config == NULL)
		return "noConfig";
	if (s->ingress_count == 0)
		return "noIPAllocated";
	for (size_t i = 0; i < s->ingress_count; i++) {
		if (kube_pool_of(c->config, &s->ingress[i]) != s->pool)
			return "ipNotAllowed";
	}
	reason = advertisement_reason(c->config, s, node);
	if (reason != NULL)
		return reason;
	if (node->manifest != NULL && node->manifest->network_unavailable)
		return "nodeNetworkUnavailable";
	if (kube_label_get(&node->labels, EXCLUDE_LABEL) != NULL)
		return "nodeLabeledExcludeBalancers";
	return endpoint_reason(c, s->service, node);
}

const char *kube_announce_reason(struct kube_cluster *c, const char *node, const char *namespace, const char *service)
{
	const struct node_state *n = kube_node_find(c, node);

	for (size_t i = 0; i < c->services.len && n != NULL; i++) {
		const struct kube_meta *m = &c->services.at[i].service->meta;
		const char *reason;

		if (strcmp(m->name, service) != 0 ||
		    strcmp(m->namespace, namespace != NULL ? namespace : "default") != 0)
			continue;
		reason = reason_of(c, &c->services.at[i], n);
		return reason != NULL ? reason : "announced";
	}
	return "serviceDeleted";
}

static void announce(struct kube_cluster *c, const struct service_state *s, const struct advertisement_conf *a)
{
	const struct kube_bgp_advertisement *ad = a->advertisement;
	const struct kube_meta *m = &s->service->meta;

	for (size_t i = 0; i < s->ingress_count; i++) {
		int len = s->ingress[i].family == ADDR_V6 ? ad->aggregation_length_v6 : ad->aggregation_length;

		VEC_PUSH(&c->announcements_out,
			 (struct kube_announcement){.prefix = prefix_make(&s->ingress[i], (unsigned int)len),
						    .local_pref = ad->local_pref,
						    .communities = a->communities,
						    .community_count = a->community_count,
						    .peers = ad->peers,
						    .service = arena_printf(&c->out, "%s/%s", m->namespace, m->name)});
	}
}

const struct kube_announcement *kube_announcements(struct kube_cluster *c, const char *node, size_t *ret_count)
{
	const struct node_state *n = kube_node_find(c, node);

	arena_clear(&c->out);
	VEC_CLEAR(&c->announcements_out);
	for (size_t i = 0; i < c->services.len && n != NULL; i++) {
		const struct service_state *s = &c->services.at[i];

		if (reason_of(c, s, n) != NULL)
			continue;
		for (size_t k = 0; k < c->config->advertisements.len; k++) {
			if (matches(&c->config->advertisements.at[k], s, n))
				announce(c, s, &c->config->advertisements.at[k]);
		}
	}
	*ret_count = c->announcements_out.len;
	return c->announcements_out.at;
}

const struct kube_bgp_peer *const *kube_sessions(const struct kube_cluster *c, const char *node, size_t *ret_count)
{
	struct kube_cluster *mutable = (struct kube_cluster *)(uintptr_t)c;
	const struct node_state *n = kube_node_find(c, node);

	VEC_CLEAR(&mutable->sessions_out);
	for (size_t i = 0; c->config != NULL && n != NULL && n->worker && i < c->config->peers.len; i++) {
		const struct kube_bgp_peer *p = c->config->peers.at[i].peer;

		if (p->node_selectors.len == 0 || kube_selectors_match_any(&p->node_selectors, &n->labels))
			VEC_PUSH(&mutable->sessions_out, p);
	}
	*ret_count = c->sessions_out.len;
	return c->sessions_out.at;
}
