/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verdict maps and base chains of kube-proxy's table (METALLB section 6.7), and the table itself. */
#include "proxy_int.h"

#include <stdio.h>

enum map {
	MAP_SERVICES,
	MAP_NODE_PORTS,
	MAP_NO_ENDPOINTS,
	MAP_NO_NODE_PORTS,
	MAP_FIREWALL,
	MAP_COUNT,
};

#define BY_PORT "meta l4proto . th dport vmap @"

static const char *const map_names[MAP_COUNT] = {
	[MAP_SERVICES] = "service-ips",
	[MAP_NODE_PORTS] = "service-nodeports",
	[MAP_NO_ENDPOINTS] = "no-endpoint-services",
	[MAP_NO_NODE_PORTS] = "no-endpoint-nodeports",
	[MAP_FIREWALL] = "firewall-ips",
};

static bool by_node_port(enum map map)
{
	return map == MAP_NODE_PORTS || map == MAP_NO_NODE_PORTS;
}

/* "{ " or ", " before the next element. */
static const char *separator(bool *first)
{
	const char *s = *first ? "elements = { " : ", ";

	*first = false;
	return s;
}

static void address_entry(struct kube_cluster *c, bool *first, const struct addr *a, const struct proxy_port *p,
			  const char *verdict)
{
	if (a->family == kube_cluster_family(c))
		proxy_add(c, "%s%s . %s . %u : %s", separator(first), addr_text(a).s, proxy_protocol(p->port->protocol),
			  p->port->port, verdict);
}

/* A pool may hold what is a clusterIP, too: that came first, and nftables takes no key twice. */
static bool is_cluster_ip(const struct kube_cluster *c, const struct addr *a)
{
	for (size_t i = 0; i < c->services.len; i++) {
		const struct service_state *s = &c->services.at[i];

		for (size_t k = 0; k < s->cluster_ip_count; k++) {
			if (addr_equal(&s->cluster_ips[k], a))
				return true;
		}
	}
	return false;
}

static void ingress_entries(struct kube_cluster *c, bool *first, const struct proxy_port *p, const char *verdict)
{
	const struct service_state *s = p->service;

	for (size_t i = 0; i < s->ingress_count; i++) {
		if (!is_cluster_ip(c, &s->ingress[i]))
			address_entry(c, first, &s->ingress[i], p, verdict);
	}
}

static void node_port_entry(struct kube_cluster *c, bool *first, const struct proxy_port *p, const char *verdict)
{
	uint16_t port = p->service->node_ports[p->index];

	if (port != 0)
		proxy_add(c, "%s%s . %u : %s", separator(first), proxy_protocol(p->port->protocol), port, verdict);
}

/* METALLB section 6.2, 4: where nobody is anywhere, all are refused. */
static void port_entries(struct kube_cluster *c, enum map map, const struct proxy_port *p, bool *first)
{
	bool works = p->all.len > 0, wanted = works == (map == MAP_SERVICES || map == MAP_NODE_PORTS);
	char external[64] = "goto reject-chain", cluster[64] = "goto reject-chain", firewall[64];

	if (works) {
		snprintf(external, sizeof(external), "goto external-%s", p->name);
		snprintf(cluster, sizeof(cluster), "goto cluster-%s", p->name);
	}
	snprintf(firewall, sizeof(firewall), "jump firewall-%s", p->name);
	if (map == MAP_FIREWALL && proxy_has_firewall(p))
		ingress_entries(c, first, p, firewall);
	else if (by_node_port(map) && wanted)
		node_port_entry(c, first, p, external);
	else if (map != MAP_FIREWALL && wanted) {
		ingress_entries(c, first, p, external);
		for (size_t i = 0; i < p->service->cluster_ip_count; i++)
			address_entry(c, first, &p->service->cluster_ips[i], p, cluster);
	}
}

static void map_write(struct kube_cluster *c, enum map map, const struct proxy_port *ports, size_t n)
{
	bool first = true;

	proxy_add(c, "map %s {\ntype %sinet_proto . inet_service : verdict\n", map_names[map],
		  by_node_port(map)		      ? ""
		  : kube_cluster_family(c) == ADDR_V6 ? "ipv6_addr . "
						      : "ipv4_addr . ");
	for (size_t i = 0; i < n; i++)
		port_entries(c, map, &ports[i], &first);
	proxy_add(c, "%s}\n", first ? "" : " }\n");
}

static const char frame[] =
	"chain filter-prerouting {\n"
	"type filter hook prerouting priority -110; policy accept;\n"
	"ct state new jump checks\n"
	"}\n"
	"chain filter-output {\n"
	"type filter hook output priority -110; policy accept;\n"
	"ct state new jump checks\n"
	"}\n"
	"chain nat-prerouting {\ntype nat hook prerouting priority -100; policy accept;\njump services\n}\n"
	"chain nat-output {\ntype nat hook output priority -100; policy accept;\njump services\n}\n"
	"chain nat-postrouting {\n"
	"type nat hook postrouting priority 100; policy accept;\n"
	"meta mark and " PROXY_MASQUERADE_MARK " == 0 return\n"
	"meta mark set meta mark xor " PROXY_MASQUERADE_MARK "\n"
	"masquerade fully-random\n"
	"}\n"
	"}\n";

static void look_up(struct kube_cluster *c, enum map map)
{
	const char *ip = proxy_ip(c), *own = kube_cluster_family(c) == ADDR_V6 ? "::1" : "127.0.0.0/8";

	if (by_node_port(map))
		proxy_add(c, "fib daddr type local %s daddr != %s " BY_PORT "%s\n", ip, own, map_names[map]);
	else
		proxy_add(c, "%s daddr . " BY_PORT "%s\n", ip, map_names[map]);
}

/* Checks come before addresses are rewritten, and are for the node's own packets, too. */
static void look_ups(struct kube_cluster *c)
{
	proxy_add(c, "chain services {\n");
	look_up(c, MAP_SERVICES);
	look_up(c, MAP_NODE_PORTS);
	proxy_add(c, "}\nchain checks {\n");
	look_up(c, MAP_FIREWALL);
	look_up(c, MAP_NO_ENDPOINTS);
	look_up(c, MAP_NO_NODE_PORTS);
	proxy_add(c, "}\n");
}

const char *kube_proxy_rules(struct kube_cluster *c, const char *node)
{
	VEC(struct proxy_port) ports = {0};

	for (size_t i = 0; i < c->services.len; i++) {
		const struct service_state *s = &c->services.at[i];

		/* an external name is DNS's affair */
		for (size_t k = 0; k < s->service->port_count && s->service->type != KUBE_EXTERNAL_NAME; k++) {
			struct proxy_port *added = VEC_ADD(&ports);

			proxy_port_make(c, s, k, node, added);
		}
	}
	VEC_CLEAR(&c->rules_out);
	/* Added first so that there is something to delete; one transaction, no moment without rules. */
	proxy_add(c,
		  "add table %s kube-proxy\ndelete table %s kube-proxy\ntable %s kube-proxy {\n"
		  "chain reject-chain {\nreject\n}\n",
		  proxy_ip(c), proxy_ip(c), proxy_ip(c));
	for (size_t i = 0; i < ports.len; i++)
		proxy_port_chains(c, &ports.at[i]);
	for (enum map map = 0; map < MAP_COUNT; map++)
		map_write(c, map, ports.at, ports.len);
	look_ups(c);
	for (size_t i = 0; i < sizeof(frame) - 1; i++)
		VEC_PUSH(&c->rules_out, frame[i]);
	VEC_PUSH(&c->rules_out, '\0');
	for (size_t i = 0; i < ports.len; i++)
		proxy_port_free(&ports.at[i]);
	VEC_FREE(&ports);
	return c->rules_out.at;
}
