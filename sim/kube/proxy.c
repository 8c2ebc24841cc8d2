/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kube-proxy's nftables rules for one node (METALLB section 6): verdict maps lead from address and port to a chain for each
 * service port, which leads to a random endpoint. Those of one port of a service are made here, what holds them together in
 * proxy_table.c. */
#include "proxy_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TO_MASQUERADE "meta mark set meta mark or " PROXY_MASQUERADE_MARK

void proxy_add(struct kube_cluster *c, const char *fmt, ...)
{
	char line[1024];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	for (int i = 0; i < n && i < (int)sizeof(line) - 1; i++)
		VEC_PUSH(&c->rules_out, line[i]);
}

const char *proxy_protocol(enum kube_protocol p)
{
	static const char *const names[] = {[KUBE_TCP] = "tcp", [KUBE_UDP] = "udp", [KUBE_SCTP] = "sctp"};

	return names[p];
}

const char *proxy_ip(const struct kube_cluster *c)
{
	return kube_cluster_family(c) == ADDR_V6 ? "ip6" : "ip";
}

/* ---- Endpoints to choose from ---- */

static bool has(const endpoints_vec *list, const struct endpoint *e)
{
	for (size_t i = 0; i < list->len; i++) {
		if (addr_equal(&list->at[i].address, &e->address) && list->at[i].port == e->port)
			return true;
	}
	return false;
}

/* METALLB section 6.1: ready ones; where there is none, those that still serve while they end. Absent conditions are as
 * kube-proxy takes them: ready, serving, not ending. One endpoint may stand in several slices. */
static void choose(const endpoints_vec *from, uint8_t family, const char *node, endpoints_vec *ret)
{
	for (int fallback = 0; fallback < 2 && ret->len == 0; fallback++) {
		for (size_t i = 0; i < from->len; i++) {
			const struct endpoint *e = &from->at[i];
			bool fits = fallback == 0 ? e->ready != KUBE_FALSE
						  : e->serving != KUBE_FALSE && e->terminating == KUBE_TRUE;

			if (fits && e->port != 0 && e->address.family == family && !has(ret, e) &&
			    (node == NULL || (e->node != NULL && strcmp(e->node, node) == 0)))
				VEC_PUSH(ret, *e);
		}
	}
}

void proxy_port_make(const struct kube_cluster *c, const struct service_state *s, size_t i, const char *node,
		     struct proxy_port *ret)
{
	endpoints_vec all = {0};

	*ret = (struct proxy_port){.service = s, .port = &s->service->ports[i], .index = i};
	snprintf(ret->name, sizeof(ret->name), "%u-%u", s->number, ret->port->port);
	if (ret->port->protocol != KUBE_TCP)
		snprintf(ret->name, sizeof(ret->name), "%u-%u-%s", s->number, ret->port->port,
			 proxy_protocol(ret->port->protocol));
	kube_endpoints_collect(c, s->service, ret->port, &all);
	choose(&all, kube_cluster_family(c), NULL, &ret->all);
	choose(&all, kube_cluster_family(c), node, &ret->local);
	VEC_FREE(&all);
}

void proxy_port_free(struct proxy_port *p)
{
	VEC_FREE(&p->all);
	VEC_FREE(&p->local);
}

/* ---- Chains ---- */

struct name {
	char s[96];
};

static struct name endpoint_name(const struct proxy_port *p, const struct endpoint *e)
{
	struct name name;

	snprintf(name.s, sizeof(name.s), "ep-%s-%s-%u", p->name, addr_text(&e->address).s, e->port);
	for (char *at = strchr(name.s, ':'); at != NULL; at = strchr(at, ':'))
		*at = '-'; /* nftables' names have no colons, and addresses no dashes */
	return name;
}

static void endpoint_chain(struct kube_cluster *c, const struct proxy_port *p, const struct endpoint *e)
{
	const struct kube_service *s = p->service->service;
	struct name name = endpoint_name(p, e);
	struct addr_text address = addr_text(&e->address);
	bool v6 = e->address.family == ADDR_V6;
	const char *ip = proxy_ip(c);

	if (s->client_ip_affinity)
		proxy_add(c, "set affinity-%s { type %s; flags dynamic,timeout; timeout %us; }\n", name.s,
			  v6 ? "ipv6_addr" : "ipv4_addr", s->affinity_timeout_s);
	proxy_add(c, "chain %s {\n", name.s);
	/* Hairpin: a pod that reaches itself must not see its own address. */
	proxy_add(c, "%s saddr %s " TO_MASQUERADE "\n", ip, address.s);
	if (s->client_ip_affinity)
		proxy_add(c, "update @affinity-%s { %s saddr }\n", name.s, ip);
	proxy_add(c, "meta l4proto %s dnat to %s%s%s:%u\n}\n", proxy_protocol(p->port->protocol), v6 ? "[" : "",
		  address.s, v6 ? "]" : "", e->port);
}

/* Affinity first, then a random one; a new connection each time. Nobody to choose from: dropped, for other nodes may have
 * some. */
static void choice(struct kube_cluster *c, const struct proxy_port *p, const endpoints_vec *from)
{
	if (from->len == 0) {
		proxy_add(c, "drop\n");
		return;
	}
	for (size_t i = 0; p->service->service->client_ip_affinity && i < from->len; i++)
		proxy_add(c, "%s saddr @affinity-%s goto %s\n", proxy_ip(c), endpoint_name(p, &from->at[i]).s,
			  endpoint_name(p, &from->at[i]).s);
	if (from->len == 1) {
		proxy_add(c, "goto %s\n", endpoint_name(p, &from->at[0]).s);
		return;
	}
	proxy_add(c, "numgen random mod %zu vmap { ", from->len);
	for (size_t i = 0; i < from->len; i++)
		proxy_add(c, "%s%zu : goto %s", i > 0 ? ", " : "", i, endpoint_name(p, &from->at[i]).s);
	proxy_add(c, " }\n");
}

/* What comes from outside. Cluster hides the source; Local keeps it, except for pods and the node itself, which are
 * short-circuited to any endpoint. */
static void external_chain(struct kube_cluster *c, const struct proxy_port *p)
{
	proxy_add(c, "chain external-%s {\n", p->name);
	if (p->service->service->external_policy == KUBE_POLICY_CLUSTER) {
		proxy_add(c, TO_MASQUERADE "\ngoto service-%s\n}\n", p->name);
		return;
	}
	proxy_add(c, "%s saddr %s goto service-%s\n", proxy_ip(c), prefix_text(&c->conf.pod_net).s, p->name);
	proxy_add(c, "fib saddr type local " TO_MASQUERADE "\nfib saddr type local goto service-%s\n", p->name);
	choice(c, p, &p->local);
	proxy_add(c, "}\n");
}

/* What comes to the clusterIP. */
static void cluster_chain(struct kube_cluster *c, const struct proxy_port *p)
{
	bool local = p->service->service->internal_policy == KUBE_POLICY_LOCAL;

	proxy_add(c, "chain service-%s {\n", p->name);
	choice(c, p, &p->all);
	proxy_add(c, "}\nchain cluster-%s {\n%s saddr != %s " TO_MASQUERADE "\n", p->name, proxy_ip(c),
		  prefix_text(&c->conf.pod_net).s);
	if (local)
		choice(c, p, &p->local);
	else
		proxy_add(c, "goto service-%s\n", p->name);
	proxy_add(c, "}\n");
}

static void firewall_chain(struct kube_cluster *c, const struct proxy_port *p)
{
	const struct kube_service *s = p->service->service;

	proxy_add(c, "chain firewall-%s {\n", p->name);
	/* Not a set: ranges that overlap, as users write them, are none to nftables. */
	for (size_t i = 0; i < s->source_range_count; i++) {
		if (s->source_ranges[i].addr.family != kube_cluster_family(c))
			continue;
		if (s->source_ranges[i].len == 0)
			proxy_add(c, "return\n"); /* everybody, which nftables does not compare with */
		else
			proxy_add(c, "%s saddr %s return\n", proxy_ip(c), prefix_text(&s->source_ranges[i]).s);
	}
	proxy_add(c, "drop\n}\n");
}

bool proxy_has_firewall(const struct proxy_port *p)
{
	return p->service->service->source_range_count > 0 && p->service->ingress_count > 0;
}

static bool uses_local(const struct kube_service *s)
{
	return s->external_policy == KUBE_POLICY_LOCAL || s->internal_policy == KUBE_POLICY_LOCAL;
}

void proxy_port_chains(struct kube_cluster *c, const struct proxy_port *p)
{
	for (size_t i = 0; i < p->all.len; i++)
		endpoint_chain(c, p, &p->all.at[i]);
	/* those that end here, while others are ready elsewhere */
	for (size_t i = 0; i < p->local.len && uses_local(p->service->service); i++) {
		if (!has(&p->all, &p->local.at[i]))
			endpoint_chain(c, p, &p->local.at[i]);
	}
	if (p->all.len > 0) {
		cluster_chain(c, p);
		external_chain(c, p);
	}
	if (proxy_has_firewall(p))
		firewall_chain(c, p);
}
