/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "multipath.h"
#include "node_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BRIDGE_CLUSTER "br-cluster"
#define BRIDGE_CLIENTS "br-clients"
#define BRIDGE_UPLINKS "br-uplinks"

/* Above this the kernel's one neighbour table for all namespaces could overflow; permanent entries are exempt. */
#define NEIGHBOURS_LEARNT_MAX 50

/* A forwarding node. Redirects are off: a worker that sends a packet back through the port it came by is no mistake here.
 * IPv6 stays off in an IPv4 lab, whose nodes would join groups and say so on the wire. */
int node_forwarding(const struct node_lab *lab, struct net_ns *ns, struct errmsg *err)
{
	static const struct net_sysctl what[] = {
		{"net.ipv4.ip_forward", "1"},
		{"net.ipv4.conf.all.rp_filter", "0"},
		{"net.ipv4.conf.default.rp_filter", "0"},
		{"net.ipv4.conf.all.send_redirects", "0"},
		{"net.ipv4.conf.default.send_redirects", "0"},
	};

	if (lab->conf.cluster_net.addr.family == ADDR_V6)
		return net_sysctl(ns, "net.ipv6.conf.all.forwarding", "1", err);
	return net_sysctls(ns, what, sizeof(what) / sizeof(what[0]), false, err);
}

/* A router has to have one to solicit neighbours for what it forwards (RFC 4861 section 7.2.2); namespaces make none. */
struct addr node_link_local(struct net_ns *ns, const char *link, uint32_t number)
{
	const struct addr net = {.family = ADDR_V6, .b = {0xfe, 0x80}};
	struct addr own = addr_add(&net, number);

	net_address_add(ns, link, &own, 64);
	return own;
}

int node_link(struct node_lab *lab, struct net_ns *a, const char *link_a, struct net_ns *b, const char *link_b,
	      struct errmsg *err)
{
	lab->next_mac += 2;
	return net_veth(a, link_a, b, link_b, lab->next_mac, err);
}

/* A host's port on a bridge: its link, address and, where given, its default gateway. */
static int plug(struct node_lab *lab, struct node_host *host, const char *bridge, const struct prefix *net,
		const struct addr *gateway, struct errmsg *err)
{
	struct prefix everywhere = {.addr = {.family = net->addr.family}};
	char port[16];
	int r;

	snprintf(port, sizeof(port), "p%x", lab->next_mac);
	host->port = arena_strdup(&lab->arena, port);
	r = node_link(lab, host->ns, host->interface, lab->fabric, port, err);
	if (r < 0)
		return r;
	net_link_master(lab->fabric, port, bridge);
	net_link_up(lab->fabric, port);
	net_link_up(host->ns, host->interface);
	if (net->addr.family == ADDR_V6)
		host->link_local = node_link_local(host->ns, host->interface, lab->next_mac);
	net_address_add(host->ns, host->interface, &host->address, net->len);
	if (gateway != NULL)
		net_route_add(host->ns, &everywhere, gateway, NULL);
	return 0;
}

static int host_new(struct node_lab *lab, struct node_host *host, const char *name, const struct addr *address,
		    struct errmsg *err)
{
	host->name = arena_strdup(&lab->arena, name);
	host->address = *address;
	host->interface = NODE_HOST_LINK;
	return net_ns_new(host->name, &host->ns, err);
}

/* Both families. NODE_HASH_DEFAULT changes the seed alone. */
static int hash_set(struct node_lab *lab, struct errmsg *err)
{
	struct net_hash hash;
	bool seeded; /* kernels before 6.11 have none to set: the seed is then theirs */
	int r = net_hash_get(lab->router.ns, &hash, err);

	if (r < 0)
		return r;
	if (lab->conf.hash == NODE_HASH_L4)
		hash = (struct net_hash){.policy = NET_HASH_FIELDS, .fields = NET_HASH_5_TUPLE};
	else if (lab->conf.hash == NODE_HASH_L3)
		hash = (struct net_hash){.policy = NET_HASH_L3};
	else if (lab->conf.hash_seed == 0)
		return 0;
	hash.seed = lab->conf.hash_seed;
	return net_hash_set(lab->router.ns, &hash, &seeded, err);
}

/* The other side of a router, towards the clients. */
static int router_plug(struct node_lab *lab, const struct node_host *router, const struct addr *address,
		       const char *bridge, const struct prefix *net, struct errmsg *err)
{
	struct node_host side = *router;

	side.interface = NODE_ROUTER_CLIENT_LINK;
	side.address = *address;
	return plug(lab, &side, bridge, net, NULL, err);
}

static int router_new(struct node_lab *lab, struct errmsg *err)
{
	struct addr uplink = node_uplink(lab, 0), above = node_uplink(lab, lab->conf.routers);
	int r = host_new(lab, &lab->router, "router", &lab->conf.router_cluster, err);

	if (r == 0)
		r = node_forwarding(lab, lab->router.ns, err);
	if (r == 0)
		r = hash_set(lab, err);
	if (r == 0)
		r = plug(lab, &lab->router, BRIDGE_CLUSTER, &lab->conf.cluster_net, NULL, err);
	if (r == 0 && lab->conf.routers == 0)
		r = router_plug(lab, &lab->router, &lab->conf.router_client, BRIDGE_CLIENTS, &lab->conf.client_net,
				err);
	if (r == 0 && lab->conf.routers > 0)
		r = router_plug(lab, &lab->router, &uplink, BRIDGE_UPLINKS, &lab->conf.uplink_net, err);
	if (r == 0 && lab->conf.routers > 0)
		net_route_add(lab->router.ns, &lab->conf.client_net, &above, NULL);
	return r < 0 ? r : net_flush(lab->router.ns, err);
}

/* ---- A tier above, and the routers beside the first ---- */

const struct node_host *node_gateway(const struct node_lab *lab)
{
	return lab->conf.routers > 0 ? &lab->upstream : &lab->router;
}

const struct node_host *node_router_at(const struct node_lab *lab, unsigned int i)
{
	if (i == 0)
		return &lab->router;
	return i < lab->conf.routers ? &lab->more_routers[i - 1] : NULL;
}

struct addr node_uplink(const struct node_lab *lab, unsigned int i)
{
	return addr_add(&lab->conf.uplink_net.addr, i == lab->conf.routers ? 1 : i + 2);
}

static int upstream_new(struct node_lab *lab, struct errmsg *err)
{
	struct addr own = node_uplink(lab, lab->conf.routers);
	int r = net_bridge(lab->fabric, BRIDGE_UPLINKS, err);

	if (r == 0)
		r = host_new(lab, &lab->upstream, "upstream", &own, err);
	if (r == 0)
		r = node_forwarding(lab, lab->upstream.ns, err);
	if (r == 0)
		r = plug(lab, &lab->upstream, BRIDGE_UPLINKS, &lab->conf.uplink_net, NULL, err);
	if (r == 0)
		r = router_plug(lab, &lab->upstream, &lab->conf.router_client, BRIDGE_CLIENTS, &lab->conf.client_net,
				err);
	return r < 0 ? r : net_flush(lab->upstream.ns, err);
}

static int router_beside(struct node_lab *lab, unsigned int i, struct errmsg *err)
{
	struct node_host *router = &lab->more_routers[i - 1];
	struct addr cluster = addr_add(&lab->conf.router_cluster, i), uplink = node_uplink(lab, i);
	struct addr above = node_uplink(lab, lab->conf.routers);
	char name[32];
	int r;

	snprintf(name, sizeof(name), "router%u", i + 1);
	r = host_new(lab, router, name, &cluster, err);
	if (r == 0)
		r = node_forwarding(lab, router->ns, err);
	if (r == 0)
		r = plug(lab, router, BRIDGE_CLUSTER, &lab->conf.cluster_net, NULL, err);
	if (r == 0)
		r = router_plug(lab, router, &uplink, BRIDGE_UPLINKS, &lab->conf.uplink_net, err);
	if (r < 0)
		return r;
	net_route_add(router->ns, &lab->conf.client_net, &above, NULL);
	return net_flush(router->ns, err);
}

static int tiers_new(struct node_lab *lab, struct errmsg *err)
{
	int r = lab->conf.routers > 0 ? upstream_new(lab, err) : 0;

	for (unsigned int i = 1; i < lab->conf.routers && r == 0; i++)
		r = router_beside(lab, i, err);
	return r;
}

/* A node of the cluster has a route to the clients through the router and no default route, as in the article: what
 * is for nobody must not loop back. */
static int cluster_host_new(struct node_lab *lab, struct node_host *host, const char *name, const struct addr *address,
			    struct errmsg *err)
{
	int r = host_new(lab, host, name, address, err);

	if (r == 0)
		r = node_forwarding(lab, host->ns, err);
	if (r == 0)
		r = plug(lab, host, BRIDGE_CLUSTER, &lab->conf.cluster_net, NULL, err);
	if (r < 0)
		return r;
	net_route_add(host->ns, &lab->conf.client_net, &lab->conf.router_cluster, NULL);
	return net_flush(host->ns, err);
}

static int client_new(struct node_lab *lab, unsigned int i, struct errmsg *err)
{
	struct addr address = addr_add(&lab->conf.first_client, i);
	char name[32];
	int r;

	snprintf(name, sizeof(name), "client%u", i + 1);
	r = host_new(lab, &lab->clients[i], name, &address, err);
	if (r == 0)
		r = plug(lab, &lab->clients[i], BRIDGE_CLIENTS, &lab->conf.client_net, &lab->conf.router_client, err);
	return r < 0 ? r : net_flush(lab->clients[i].ns, err);
}

static int worker_new(struct node_lab *lab, unsigned int i, struct errmsg *err)
{
	struct addr address = addr_add(&lab->conf.first_worker, i);
	char name[32];

	snprintf(name, sizeof(name), "worker%u", i + 1);
	return cluster_host_new(lab, &lab->workers[i].host, name, &address, err);
}

/* A switch looks at no IP header. The kernel's bridges do by default where br_netfilter is there: it costs time for each
 * frame, and drops those that a router should have had to refuse. */
static int bridges_blind(struct net_ns *ns, struct errmsg *err)
{
	static const char *const names[] = {
		"net.bridge.bridge-nf-call-iptables",
		"net.bridge.bridge-nf-call-ip6tables",
		"net.bridge.bridge-nf-call-arptables",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int r = net_sysctl(ns, names[i], "0", err);

		if (r < 0 && r != -ENOENT)
			return r;
	}
	return 0;
}

static int fabric_new(struct node_lab *lab, struct errmsg *err)
{
	int r = net_ns_new("fabric", &lab->fabric, err);

	if (r == 0)
		r = bridges_blind(lab->fabric, err);
	if (r == 0)
		r = net_bridge(lab->fabric, BRIDGE_CLUSTER, err);
	if (r == 0)
		r = net_bridge(lab->fabric, BRIDGE_CLIENTS, err);
	return r;
}

static int neighbour_pin(const struct node_host *at, const struct node_host *of, struct errmsg *err)
{
	uint8_t mac[6];
	unsigned int index;
	int r = net_link_info(of->ns, of->interface, mac, &index, err);

	if (r == 0)
		net_neighbour_add(at->ns, at->interface, &of->address, mac);
	return r;
}

static int neighbours_pin(struct node_lab *lab, struct errmsg *err)
{
	int r = 0;

	for (unsigned int i = 0; i < lab->conf.workers && r == 0; i++) {
		const struct node_host *worker = &lab->workers[i].host;

		for (unsigned int k = 0; r == 0 && node_router_at(lab, k) != NULL; k++) {
			r = neighbour_pin(node_router_at(lab, k), worker, err);
			if (r == 0)
				r = neighbour_pin(worker, node_router_at(lab, k), err);
		}
		if (r == 0)
			r = net_flush(worker->ns, err);
	}
	for (unsigned int k = 0; r == 0 && node_router_at(lab, k) != NULL; k++)
		r = net_flush(node_router_at(lab, k)->ns, err);
	return r;
}

/* Whoever speaks first is to be heard: a SYN that is lost comes again after a second, and after three. */
static int links_ready(struct node_lab *lab, struct errmsg *err)
{
	int r = net_links_ready(lab->fabric, err);

	for (unsigned int k = 0; r == 0 && node_router_at(lab, k) != NULL; k++)
		r = net_links_ready(node_router_at(lab, k)->ns, err);
	if (r == 0 && lab->upstream.ns != NULL)
		r = net_links_ready(lab->upstream.ns, err);
	if (r == 0 && lab->control_plane.ns != NULL)
		r = net_links_ready(lab->control_plane.ns, err);
	for (unsigned int i = 0; i < lab->conf.workers && r == 0; i++)
		r = net_links_ready(lab->workers[i].host.ns, err);
	for (unsigned int i = 0; i < lab->conf.clients && r == 0; i++)
		r = net_links_ready(lab->clients[i].ns, err);
	return r;
}

static int lab_build(struct node_lab *lab, struct errmsg *err)
{
	const struct node_lab_conf *conf = &lab->conf;
	int r = fabric_new(lab, err);

	if (r == 0)
		r = tiers_new(lab, err);
	if (r == 0)
		r = router_new(lab, err);
	if (r == 0 && conf->control_plane.family != ADDR_NONE)
		r = cluster_host_new(lab, &lab->control_plane, "control-plane", &conf->control_plane, err);
	for (unsigned int i = 0; i < conf->workers && r == 0; i++)
		r = worker_new(lab, i, err);
	for (unsigned int i = 0; i < conf->clients && r == 0; i++)
		r = client_new(lab, i, err);
	if (r == 0)
		r = net_flush(lab->fabric, err);
	if (r == 0 && conf->workers > NEIGHBOURS_LEARNT_MAX)
		r = neighbours_pin(lab, err);
	return r < 0 ? r : links_ready(lab, err);
}

int node_lab_new(const struct node_lab_conf *conf, struct node_lab **ret, struct errmsg *err)
{
	struct node_lab *lab = memory_new(sizeof(*lab));
	int r;

	lab->conf = *conf;
	lab->workers = arena_array(&lab->arena, conf->workers, sizeof(*lab->workers));
	lab->clients = arena_array(&lab->arena, conf->clients, sizeof(*lab->clients));
	lab->more_routers = arena_array(&lab->arena, conf->routers, sizeof(*lab->more_routers));
	r = lab_build(lab, err);
	if (r < 0) {
		node_lab_free(lab);
		return r;
	}
	*ret = lab;
	return 0;
}

void node_lab_free(struct node_lab *lab)
{
	if (lab == NULL)
		return;
	for (size_t i = 0; i < lab->pods.len; i++)
		net_ns_free(lab->pods.at[i].ns);
	for (unsigned int i = 0; i < lab->conf.workers; i++) {
		bgp_speaker_free(lab->workers[i].speaker);
		net_ns_free(lab->workers[i].host.ns);
	}
	for (unsigned int i = 0; i < lab->conf.clients; i++)
		net_ns_free(lab->clients[i].ns);
	net_ns_free(lab->control_plane.ns);
	for (unsigned int i = 1; i < lab->conf.routers; i++)
		net_ns_free(lab->more_routers[i - 1].ns);
	net_ns_free(lab->upstream.ns);
	net_ns_free(lab->router.ns);
	net_ns_free(lab->fabric);
	VEC_FREE(&lab->pods);
	arena_clear(&lab->arena);
	free(lab);
}

static bool is_named(const struct node_host *host, const char *name)
{
	return host->ns != NULL && strcmp(host->name, name) == 0;
}

struct net_ns *node_find(const struct node_lab *lab, const char *name)
{
	if (is_named(&lab->router, name))
		return lab->router.ns;
	if (is_named(&lab->control_plane, name))
		return lab->control_plane.ns;
	if (is_named(&lab->upstream, name))
		return lab->upstream.ns;
	for (unsigned int i = 1; i < lab->conf.routers; i++) {
		if (is_named(&lab->more_routers[i - 1], name))
			return lab->more_routers[i - 1].ns;
	}
	for (unsigned int i = 0; i < lab->conf.workers; i++) {
		if (is_named(&lab->workers[i].host, name))
			return lab->workers[i].host.ns;
	}
	for (unsigned int i = 0; i < lab->conf.clients; i++) {
		if (is_named(&lab->clients[i], name))
			return lab->clients[i].ns;
	}
	for (size_t i = 0; i < lab->pods.len; i++) {
		if (strcmp(lab->pods.at[i].name, name) == 0)
			return lab->pods.at[i].ns;
	}
	return NULL;
}

int node_hash_text(const struct node_lab *lab, struct net_ns *of, char *ret, size_t room, struct errmsg *err)
{
	const char *ip = lab->conf.client_net.addr.family == ADDR_V6 ? "ipv6" : "ipv4";
	struct net_hash hash;
	int r = net_hash_get(of, &hash, err);

	if (r < 0)
		return r;
	if (hash.policy == NET_HASH_FIELDS)
		snprintf(ret, room, "net.%s.fib_multipath_hash_policy=3, fib_multipath_hash_fields=0x%x", ip,
			 hash.fields);
	else
		snprintf(ret, room, "net.%s.fib_multipath_hash_policy=%d", ip, (int)hash.policy);
	return 0;
}
