/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each node's speaker announces, to whom, and why not (METALLB sections 4.1 to 4.3). */
#include "kube_int.h"

#include <string.h>

static bool for_node(const struct advertisement_conf *a, const struct node_state *node)
{
	return kube_selectors_admit(&a->advertisement->node_selectors, &node->labels);
}

static bool matches(const struct advertisement_conf *a, const struct service_state *s, const struct node_state *node)
{
	return a->pools[s->pool] && for_node(a, node) &&
	       kube_selectors_admit(&a->advertisement->service_selectors, &s->service->meta.labels);
}

/* Whether an advertisement for the service and node before this one says otherwise about LOCAL_PREF. Only service selectors
 * can bring this about, for the others the configuration is refused; before 0.13 the last one simply wins. */
static bool clashes(const struct kube_cluster *c, size_t i, const struct service_state *s,
		    const struct node_state *node)
{
	const struct advertisement_conf *at = c->config->advertisements.at;

	for (size_t k = 0; k < i && c->conf.metallb != KUBE_METALLB_LEGACY; k++) {
		if (matches(&at[k], s, node) &&
		    kube_local_prefs_clash(&c->config->pools.at[s->pool], at[k].advertisement, at[i].advertisement))
			return true;
	}
	return false;
}

/* Rows 6 to 8. */
static const char *advertisement_reason(const struct kube_cluster *c, const struct service_state *s,
					const struct node_state *node)
{
	bool owner = false, matched = false;

	for (size_t i = 0; i < c->config->advertisements.len; i++) {
		const struct advertisement_conf *a = &c->config->advertisements.at[i];

		owner = owner || (a->pools[s->pool] && for_node(a, node));
		if (!matches(a, s, node))
			continue;
		if (clashes(c, i, s, node))
			return "conflictingAdvertisements";
		matched = true;
	}
	if (matched)
		return NULL;
	return owner ? "noMatchingAdvertisement" : "notOwner";
}

/* Rows 9 and 10; before 0.13 and 0.14.2 nobody looked. */
static const char *node_reason(const struct kube_cluster *c, const struct node_state *node)
{
	if (!node->worker)
		return "nodeLabeledExcludeBalancers"; /* no speaker runs there, whatever the version */
	if (node->leave == KUBE_LEAVE_WITHDRAW)
		return "nodeWithdrawn";
	if (c->conf.switches.cordon_withdraw && kube_node_is_cordoned(node))
		return "nodeUnschedulable";
	if (c->conf.metallb == KUBE_METALLB_LEGACY)
		return NULL;
	if (node->manifest != NULL && node->manifest->network_unavailable)
		return "nodeNetworkUnavailable";
	return (kube_label_get(&node->labels, KUBE_EXCLUDE_LABEL) != NULL || node->leave == KUBE_LEAVE_DRAIN) &&
			       !c->conf.switches.ignore_exclude_lb
		       ? "nodeLabeledExcludeBalancers"
		       : NULL;
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

		if (!kube_endpoint_healthy(&c->conf, &endpoints, i))
			continue;
		any = true;
		local = local || (e->node != NULL && strcmp(e->node, node->name) == 0);
	}
	VEC_FREE(&endpoints);
	if (s->external_policy == KUBE_POLICY_LOCAL && !local)
		return "noLocalEndpoints";
	return any || c->conf.switches.zero_endpoints_announce ? NULL : "noEndpoints";
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
	reason = advertisement_reason(c, s, node);
	if (reason == NULL)
		reason = node_reason(c, node);
	return reason != NULL ? reason : endpoint_reason(c, s->service, node);
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

/* Sorted, the highest but those that RFC 1997 reserves last. */
static const uint32_t *communities_of(struct kube_cluster *c, const struct node_state *n,
				      const struct advertisement_conf *a, size_t *ret_count)
{
	uint32_t *all;
	size_t at = 0;

	*ret_count = a->community_count;
	if (n->leave != KUBE_LEAVE_SHUTDOWN)
		return a->communities;
	all = arena_array(&c->announcements_text, a->community_count + 1, sizeof(*all));
	while (at < a->community_count && a->communities[at] < KUBE_GRACEFUL_SHUTDOWN)
		at++;
	for (size_t i = 0; i < a->community_count; i++)
		all[i + (i >= at)] = a->communities[i];
	all[at] = KUBE_GRACEFUL_SHUTDOWN;
	*ret_count = a->community_count + 1;
	return all;
}

static void announce(struct kube_cluster *c, const struct service_state *s, const struct node_state *n,
		     const struct advertisement_conf *a)
{
	const struct kube_bgp_advertisement *ad = a->advertisement;
	const struct kube_meta *m = &s->service->meta;
	size_t community_count;
	const uint32_t *communities = communities_of(c, n, a, &community_count);

	for (size_t i = 0; i < s->ingress_count; i++) {
		int len = s->ingress[i].family == ADDR_V6 ? ad->aggregation_length_v6 : ad->aggregation_length;

		VEC_PUSH(&c->announcements_out,
			 (struct kube_announcement){
				 .prefix = prefix_make(&s->ingress[i], (unsigned int)len),
				 .local_pref = ad->local_pref,
				 .communities = communities,
				 .community_count = community_count,
				 .large = a->large,
				 .large_count = a->large_count,
				 .peers = ad->peers,
				 .service = arena_printf(&c->announcements_text, "%s/%s", m->namespace, m->name)});
	}
}

const struct kube_announcement *kube_announcements(struct kube_cluster *c, const char *node, size_t *ret_count)
{
	const struct node_state *n = kube_node_find(c, node);

	arena_clear(&c->announcements_text);
	VEC_CLEAR(&c->announcements_out);
	for (size_t i = 0; i < c->services.len && n != NULL; i++) {
		const struct service_state *s = &c->services.at[i];

		if (reason_of(c, s, n) != NULL)
			continue;
		for (size_t k = 0; k < c->config->advertisements.len; k++) {
			if (matches(&c->config->advertisements.at[k], s, n))
				announce(c, s, n, &c->config->advertisements.at[k]);
		}
	}
	*ret_count = c->announcements_out.len;
	return c->announcements_out.at;
}

const char *kube_extras(const struct kube_cluster *c)
{
	return c->config->extras;
}

const struct kube_bgp_peer *const *kube_sessions(const struct kube_cluster *c, const char *node, size_t *ret_count)
{
	const struct node_state *n = kube_node_find(c, node);

	*ret_count = n != NULL ? n->sessions.len : 0;
	return n != NULL ? n->sessions.at : NULL;
}

void kube_sessions_follow(struct kube_cluster *c)
{
	for (size_t i = 0; i < c->nodes.len; i++) {
		struct node_state *n = &c->nodes.at[i];

		VEC_CLEAR(&n->sessions);
		for (size_t k = 0; c->config != NULL && n->worker && k < c->config->peers.len; k++) {
			const struct kube_bgp_peer *p = c->config->peers.at[k].peer;

			if (kube_selectors_admit(&p->node_selectors, &n->labels))
				VEC_PUSH(&n->sessions, p);
		}
	}
}
