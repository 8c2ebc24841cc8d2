/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kube-proxy's nftables rules for one node (METALLB section 6): verdict maps lead from address and port to a chain for each
 * service port, which leads to a random endpoint. */
#include "kube_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MASQUERADE_MARK "0x4000"

static void text_add(struct kube_cluster *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void text_add(struct kube_cluster *c, const char *fmt, ...)
{
	char line[1024];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	for (int i = 0; i < n && i < (int)sizeof(line) - 1; i++)
		VEC_PUSH(&c->text_out, line[i]);
}

static const char *protocol_text(enum kube_protocol p)
{
	static const char *const names[] = {[KUBE_TCP] = "tcp", [KUBE_UDP] = "udp", [KUBE_SCTP] = "sctp"};

	return names[p];
}

/* One port of one service on the node that the rules are for. */
struct port_rules {
	const struct service_state *service;
	const struct kube_port *port;
	size_t index;
	char name[32];	   /* of its chains: 3-80 */
	endpoints_vec all; /* to be chosen from, cluster-wide */
	endpoints_vec local;
};

/* METALLB section 6.1: ready ones; where there is none, those that still serve while they end. */
static void choose(const endpoints_vec *from, const char *node, endpoints_vec *ret)
{
	for (int fallback = 0; fallback < 2 && ret->len == 0; fallback++) {
		for (size_t i = 0; i < from->len; i++) {
			const struct endpoint *e = &from->at[i];
			bool fits = fallback == 0 ? e->ready != KUBE_FALSE
						  : e->serving == KUBE_TRUE && e->terminating == KUBE_TRUE;

			if (fits && e->port != 0 && e->address.family == ADDR_V4 &&
			    (node == NULL || (e->node != NULL && strcmp(e->node, node) == 0)))
				VEC_PUSH(ret, *e);
		}
	}
}

static void port_rules_make(const struct kube_cluster *c, const struct service_state *s, size_t i, const char *node,
			    struct port_rules *ret)
{
	endpoints_vec all = {0};

	*ret = (struct port_rules){.service = s, .port = &s->service->ports[i], .index = i};
	snprintf(ret->name, sizeof(ret->name), "%u-%u", s->number, ret->port->port);
	if (ret->port->protocol != KUBE_TCP)
		snprintf(ret->name, sizeof(ret->name), "%u-%u-%s", s->number, ret->port->port,
			 protocol_text(ret->port->protocol));
	kube_endpoints_collect(c, s->service, ret->port, &all);
	choose(&all, NULL, &ret->all);
	choose(&all, node, &ret->local);
	VEC_FREE(&all);
}

static void port_rules_free(struct port_rules *p)
{
	VEC_FREE(&p->all);
	VEC_FREE(&p->local);
}

static void endpoint_name(const struct endpoint *e, const struct port_rules *p, char ret[static 96])
{
	snprintf(ret, 96, "ep-%s-%s", p->name, addr_text(&e->address).s);
}

static void endpoint_chain(struct kube_cluster *c, const struct port_rules *p, const struct endpoint *e)
{
	char name[96];
	const char *address = addr_text(&e->address).s;

	endpoint_name(e, p, name);
	if (p->service->service->client_ip_affinity)
		text_add(c, "set affinity-%s { type ipv4_addr; flags dynamic,timeout; timeout %us; }\n", name,
			 p->service->service->affinity_timeout_s);
	text_add(c, "chain %s {\n", name);
	/* Hairpin: a pod that reaches itself must not see its own address. */
	text_add(c, "ip saddr %s meta mark set meta mark or " MASQUERADE_MARK "\n", address);
	if (p->service->service->client_ip_affinity)
		text_add(c, "update @affinity-%s { ip saddr }\n", name);
	text_add(c, "meta l4proto %s dnat to %s:%u\n}\n", protocol_text(p->port->protocol), address, e->port);
}

/* Affinity first, then a random one; a new connection each time. */
static void choice(struct kube_cluster *c, const struct port_rules *p, const endpoints_vec *from)
{
	char name[96];

	for (size_t i = 0; p->service->service->client_ip_affinity && i < from->len; i++) {
		endpoint_name(&from->at[i], p, name);
		text_add(c, "ip saddr @affinity-%s goto %s\n", name, name);
	}
	if (from->len == 1) {
		endpoint_name(&from->at[0], p, name);
		text_add(c, "goto %s\n", name);
		return;
	}
	text_add(c, "numgen random mod %zu vmap { ", from->len);
	for (size_t i = 0; i < from->len; i++) {
		endpoint_name(&from->at[i], p, name);
		text_add(c, "%s%zu : goto %s", i > 0 ? ", " : "", i, name);
	}
	text_add(c, " }\n");
}

static void source_ranges(struct kube_cluster *c, const struct kube_service *s)
{
	if (s->source_range_count == 0)
		return;
	/* Not a set: ranges that overlap, as users write them, are none to nftables. */
	for (size_t i = 0; i < s->source_range_count; i++) {
		if (s->source_ranges[i].addr.family == ADDR_V4)
			text_add(c, "ip saddr != %s ", prefix_text(&s->source_ranges[i]).s);
	}
	text_add(c, "drop\n");
}

/* What comes from outside. Cluster hides the source; Local keeps it, except for pods and the node itself, which are
 * short-circuited to any endpoint. */
static void external_chain(struct kube_cluster *c, const struct port_rules *p)
{
	text_add(c, "chain external-%s {\n", p->name);
	source_ranges(c, p->service->service);
	if (p->service->service->external_policy == KUBE_POLICY_CLUSTER) {
		text_add(c, "meta mark set meta mark or " MASQUERADE_MARK "\ngoto service-%s\n}\n", p->name);
		return;
	}
	text_add(c, "ip saddr %s goto service-%s\n", prefix_text(&c->conf.pod_net).s, p->name);
	text_add(c,
		 "fib saddr type local meta mark set meta mark or " MASQUERADE_MARK "\n"
		 "fib saddr type local goto service-%s\n",
		 p->name);
	choice(c, p, &p->local);
	text_add(c, "}\n");
}

static void cluster_chain(struct kube_cluster *c, const struct port_rules *p)
{
	text_add(c, "chain service-%s {\n", p->name);
	choice(c, p, &p->all);
	text_add(c, "}\nchain cluster-%s {\n", p->name);
	text_add(c, "ip saddr != %s meta mark set meta mark or " MASQUERADE_MARK "\ngoto service-%s\n}\n",
		 prefix_text(&c->conf.pod_net).s, p->name);
}

static bool external_works(const struct port_rules *p)
{
	return p->service->service->external_policy == KUBE_POLICY_LOCAL ? p->local.len > 0 : p->all.len > 0;
}

static void port_chains(struct kube_cluster *c, const struct port_rules *p)
{
	for (size_t i = 0; i < p->all.len; i++)
		endpoint_chain(c, p, &p->all.at[i]);
	if (p->all.len > 0)
		cluster_chain(c, p);
	if (p->all.len > 0 && external_works(p))
		external_chain(c, p);
}

enum map { MAP_SERVICES, MAP_NODE_PORTS, MAP_NO_ENDPOINTS };

static void map_entry(struct kube_cluster *c, bool *first, const struct addr *a, const struct port_rules *p,
		      const char *verdict)
{
	text_add(c, "%s%s . %s . %u : %s", *first ? "elements = { " : ", ", addr_text(a).s,
		 protocol_text(p->port->protocol), p->port->port, verdict);
	*first = false;
}

static void port_entries(struct kube_cluster *c, enum map map, const struct port_rules *p, bool *first)
{
	const struct service_state *s = p->service;
	bool exposed = s->service->type == KUBE_LOAD_BALANCER || s->service->type == KUBE_NODE_PORT;
	char chain[64];

	snprintf(chain, sizeof(chain), "goto external-%s", p->name);
	if (map == MAP_NODE_PORTS) {
		if (exposed && p->all.len > 0 && external_works(p) && s->node_ports[p->index] != 0) {
			text_add(c, "%s%s . %u : %s", *first ? "elements = { " : ", ", protocol_text(p->port->protocol),
				 s->node_ports[p->index], chain);
			*first = false;
		}
		return;
	}
	for (size_t i = 0; i < s->ingress_count; i++) {
		bool works = p->all.len > 0 && external_works(p);

		if (s->ingress[i].family != ADDR_V4 || works != (map == MAP_SERVICES))
			continue;
		/* METALLB section 6.2, 4: nobody anywhere is refused; somebody elsewhere is for other nodes to serve */
		map_entry(c, first, &s->ingress[i], p, works ? chain : p->all.len > 0 ? "drop" : "goto reject-chain");
	}
	snprintf(chain, sizeof(chain), "goto cluster-%s", p->name);
	if (s->cluster_ip_count > 0 && s->cluster_ips[0].family == ADDR_V4 && (p->all.len > 0) == (map == MAP_SERVICES))
		map_entry(c, first, &s->cluster_ips[0], p, p->all.len > 0 ? chain : "goto reject-chain");
}

static void map_write(struct kube_cluster *c, enum map map, const struct port_rules *rules, size_t n)
{
	static const char *const heads[] = {
		[MAP_SERVICES] = "map service-ips {\ntype ipv4_addr . inet_proto . inet_service : verdict\n",
		[MAP_NODE_PORTS] = "map service-nodeports {\ntype inet_proto . inet_service : verdict\n",
		[MAP_NO_ENDPOINTS] =
			"map no-endpoint-services {\ntype ipv4_addr . inet_proto . inet_service : verdict\n",
	};
	bool first = true;

	text_add(c, "%s", heads[map]);
	for (size_t i = 0; i < n; i++)
		port_entries(c, map, &rules[i], &first);
	text_add(c, "%s}\n", first ? "" : " }\n");
}

static const char frame[] =
	"chain services {\n"
	"ip daddr . meta l4proto . th dport vmap @service-ips\n"
	"fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap @service-nodeports\n"
	"}\n"
	"chain filter-prerouting {\n"
	"type filter hook prerouting priority -110; policy accept;\n"
	"ct state new ip daddr . meta l4proto . th dport vmap @no-endpoint-services\n"
	"}\n"
	"chain nat-prerouting {\ntype nat hook prerouting priority -100; policy accept;\njump services\n}\n"
	"chain nat-output {\ntype nat hook output priority -100; policy accept;\njump services\n}\n"
	"chain nat-postrouting {\n"
	"type nat hook postrouting priority 100; policy accept;\n"
	"meta mark and " MASQUERADE_MARK " == 0 return\n"
	"meta mark set meta mark xor " MASQUERADE_MARK "\n"
	"masquerade fully-random\n"
	"}\n"
	"}\n";

const char *kube_proxy_rules(struct kube_cluster *c, const char *node)
{
	VEC(struct port_rules) rules = {0};

	for (size_t i = 0; i < c->services.len; i++) {
		const struct service_state *s = &c->services.at[i];

		for (size_t k = 0; k < s->service->port_count && k < SERVICE_PORTS_MAX; k++) {
			struct port_rules *added = VEC_ADD(&rules);

			port_rules_make(c, s, k, node, added);
		}
	}
	VEC_CLEAR(&c->text_out);
	/* Added first so that there is something to delete; one transaction, no moment without rules. */
	text_add(c, "add table ip kube-proxy\ndelete table ip kube-proxy\ntable ip kube-proxy {\n"
		    "chain reject-chain {\nreject\n}\n");
	for (size_t i = 0; i < rules.len; i++)
		port_chains(c, &rules.at[i]);
	map_write(c, MAP_SERVICES, rules.at, rules.len);
	map_write(c, MAP_NODE_PORTS, rules.at, rules.len);
	map_write(c, MAP_NO_ENDPOINTS, rules.at, rules.len);
	text_add(c, "%s", frame);
	VEC_PUSH(&c->text_out, '\0');
	for (size_t i = 0; i < rules.len; i++)
		port_rules_free(&rules.at[i]);
	VEC_FREE(&rules);
	return c->text_out.at;
}
