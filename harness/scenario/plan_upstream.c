/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lab.upstream: a second tier of routers, and what it does not go with. */
#include "plan_int.h"

#define ROUTERS_MAX 8

#define IN_UPSTREAM(member) offsetof(struct plan_upstream, member)

static const struct field upstream_fields[] = {
	{.key = "routers", .read = field_u32, .offset = IN_UPSTREAM(routers), .min = 2, .max = ROUTERS_MAX},
	{.key = "as", .read = field_u32, .offset = IN_UPSTREAM(as), .min = 1},
	{.key = "hash", .read = plan_hash_read, .offset = IN_UPSTREAM(hashing)},
	{.key = "network", .read = field_prefix, .offset = IN_UPSTREAM(net)},
};
const struct record plan_upstream_record = {.what = "upstream", RECORD_FIELDS(upstream_fields)};

/* What only the one router of a lab without this tier has, and why. */
static void alone_check(struct plan_state *s, const struct yaml_node *router, const struct plan_lab *lab)
{
	static const char plain[] = "the routers below lab.upstream are plain ones";
	const struct {
		bool on;
		const char *key, *why;
	} rows[] = {
		{!plan_daemon_installs_routes(lab->daemon), "daemon",
		 "below lab.upstream a router forwards, and this one installs no routes in Linux's kernel"},
		{lab->router_config != NULL, "config",
		 "one file can't be that of several routers, each with addresses of its own and a session to upstream"},
		{lab->router_password != NULL, "password", plain},
		{lab->router_session.bfd.on, "bfd", plain},
		{lab->router_session.ttl_security > 0, "ttl_security", plain},
		{lab->router_session.graceful_restart, "graceful_restart", plain},
		{lab->groups.on, "nexthop_groups", plain},
		{lab->delete_add, "group_update", plain},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].on)
			diag_hint(&s->r,
				  reader_fault(&s->r, yaml_get_key(router, rows[i].key),
					       "%s: not with lab.upstream: %s", rows[i].key, rows[i].why),
				  "leave out one of the two");
	}
}

static void network_check(struct plan_state *s, const struct yaml_node *at, const struct plan_lab *lab)
{
	const struct prefix *others[] = {&lab->cluster_net, &lab->client_net, &lab->pod_net, &lab->service_net};
	const struct prefix *net = &lab->upstream.net;

	bool v6 = lab->cluster_net.addr.family == ADDR_V6;
	unsigned int min = v6 ? 32 : 8, max = v6 ? 123 : 27;

	if (net->addr.family != lab->cluster_net.addr.family || net->len < min || net->len > max)
		reader_fault(&s->r, at, "upstream.network: an %s network, as the lab's are, from /%u to /%u",
			     v6 ? "IPv6" : "IPv4", min, max);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (prefix_overlaps(net, others[i]))
			reader_fault(&s->r, at, "upstream.network %s overlaps %s", prefix_text(net).s,
				     arena_strdup(s->r.arena, prefix_text(others[i]).s));
	}
}

void plan_upstream_check(struct plan_state *s, const struct yaml_node *map, const struct plan_lab *lab)
{
	const struct yaml_node *at = yaml_get(map, "upstream");
	struct addr last = addr_add(&lab->router_cluster, lab->upstream.routers - 1);

	if (at == NULL)
		return;
	alone_check(s, yaml_get(map, "router"), lab);
	network_check(s, yaml_get(at, "network") != NULL ? yaml_get(at, "network") : at, lab);
	/* The others stand behind the first, where nobody else may. */
	if ((lab->has_control_plane && addr_compare(&lab->router_cluster, &lab->control_plane) < 0 &&
	     addr_compare(&last, &lab->control_plane) >= 0) ||
	    (addr_compare(&lab->router_cluster, &lab->first_worker) < 0 &&
	     addr_compare(&last, &lab->first_worker) >= 0))
		reader_fault(&s->r, at, "upstream: %u routers from %s on meet other nodes' addresses",
			     lab->upstream.routers, addr_text(&lab->router_cluster).s);
}
