/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes over nexthop groups. Each prefix has a group of its own: a change of its next hops replaces the group's members, and a
 * resilient group keeps its buckets over that, which a route of a new group would not. */
#include "chains.h"
#include "multipath.h"
#include "net_int.h"

#include <errno.h>
#include <linux/nexthop.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLOCK_HZ 100 /* in which the kernel takes these timers, whatever its own clock */

/* A nexthop object of ours: a gateway, or the group of a prefix. */
struct object {
	struct chain chain;
	struct object *next; /* of all */
	struct prefix key;   /* the gateway as a host prefix */
	bool is_group;
	bool installed; /* as far as we know */
	uint32_t id;
};

struct net_groups {
	struct net_ns *ns;
	struct net_group_conf conf;
	struct chains table;
	struct object *all;
	uint32_t last_id;
	int links; /* tells of changes of links, with which the kernel takes objects away in silence */
};

struct net_groups *net_groups_new(struct net_ns *ns, const struct net_group_conf *conf, struct errmsg *err)
{
	const struct sockaddr_nl changes = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	struct net_groups *g = memory_new(sizeof(*g));

	g->ns = ns;
	g->conf = *conf;
	g->links = net_socket(ns, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, err);
	if (g->links >= 0 && bind(g->links, (const struct sockaddr *)&changes, sizeof(changes)) == 0)
		return g;
	if (g->links >= 0)
		(void)errmsg_set(err, -errno, "%s: watch links", net_ns_name(ns));
	net_groups_free(g);
	return NULL;
}

void net_groups_free(struct net_groups *g)
{
	if (g == NULL)
		return;
	for (struct object *o = g->all, *next; o != NULL; o = next) {
		next = o->next;
		free(o);
	}
	chains_free(&g->table);
	if (g->links >= 0)
		close(g->links);
	free(g);
}

static uint64_t key_hash(const struct prefix *key, bool is_group)
{
	uint64_t h = hash_mix((uint64_t)key->addr.family << 16 | (uint64_t)key->len << 8 | is_group);

	for (size_t i = 0; i < sizeof(key->addr.b); i++)
		h = hash_mix(h ^ key->addr.b[i]);
	return h;
}

static struct object *object_intern(struct net_groups *g, const struct prefix *key, bool is_group)
{
	uint64_t hash = key_hash(key, is_group);
	struct object *o;

	for (struct chain *c = chains_find(&g->table, hash); c != NULL; c = chain_next(c)) {
		o = (struct object *)c; /* its first member */
		if (o->is_group == is_group && prefix_equal(&o->key, key))
			return o;
	}
	o = memory_new(sizeof(*o));
	o->key = *key;
	o->is_group = is_group;
	o->id = ++g->last_id;
	o->next = g->all;
	g->all = o;
	chains_add(&g->table, &o->chain, hash);
	return o;
}

/* After a link changed nothing is known to be there still. */
static void links_look(struct net_groups *g)
{
	char buf[8192];
	bool changed = false;

	while (recv(g->links, buf, sizeof(buf), MSG_DONTWAIT) > 0 || errno == EINTR || errno == ENOBUFS) {
		changed = true;
		errno = 0;
	}
	for (struct object *o = g->all; changed && o != NULL; o = o->next)
		o->installed = false;
}

static struct nlmsghdr *object_message(char *buf, uint16_t type, uint16_t flags, uint8_t family, uint32_t id)
{
	struct nlmsghdr *m = net_message(buf, type, flags);
	struct nhmsg *nh = mnl_nlmsg_put_extra_header(m, sizeof(*nh));

	nh->nh_family = family;
	nh->nh_protocol = type == RTM_NEWNEXTHOP ? NET_PROTOCOL_BGP : 0;
	mnl_attr_put_u32(m, NHA_ID, id);
	return m;
}

/* ---- Gateways ---- */

static int on_link_found(const struct nlmsghdr *m, void *ctx)
{
	const struct nlattr *a;

	for (a = mnl_nlmsg_get_payload_offset(m, sizeof(struct rtmsg)); net_attr_ok(a, m); a = mnl_attr_next(a)) {
		if (mnl_attr_get_type(a) == RTA_OIF)
			*(uint32_t *)ctx = net_attr_u32(a);
	}
	return MNL_CB_OK;
}

static int link_towards(struct net_ns *ns, const struct addr *gateway, uint32_t *ret, struct errmsg *err)
{
	char buf[NET_MESSAGE_MAX];
	struct nlmsghdr *m = net_message(buf, RTM_GETROUTE, 0);
	struct rtmsg *rt = mnl_nlmsg_put_extra_header(m, sizeof(*rt));

	rt->rtm_family = net_af(gateway);
	rt->rtm_dst_len = gateway->family == ADDR_V4 ? 32 : 128;
	net_put_addr(m, RTA_DST, gateway);
	return net_query(ns, m, on_link_found, ret, "look up a next hop", err);
}

/* Nexthop objects, unlike routes, name their link. Returns the id, 0 with the failure queued. */
static uint32_t gateway_need(struct net_groups *g, const struct addr *gateway)
{
	struct prefix key = prefix_host(gateway);
	struct object *o = object_intern(g, &key, false);
	char buf[NET_MESSAGE_MAX];
	struct nlmsghdr *m;
	uint32_t link = 0;
	struct errmsg err;
	int r;

	if (o->installed)
		return o->id;
	r = link_towards(g->ns, gateway, &link, &err);
	if (r < 0) {
		net_queue_failed(g->ns, r, "next hop %s", addr_text(gateway).s);
		return 0;
	}
	m = object_message(buf, RTM_NEWNEXTHOP, NLM_F_CREATE | NLM_F_REPLACE, net_af(gateway), o->id);
	mnl_attr_put_u32(m, NHA_OIF, link);
	net_put_addr(m, NHA_GATEWAY, gateway);
	net_queue(g->ns, m, "nexthop %u via %s", o->id, addr_text(gateway).s);
	o->installed = true;
	return o->id;
}

/* ---- Groups ---- */

static void resilience_put(struct nlmsghdr *m, const struct net_group_conf *conf, bool fresh)
{
	struct nlattr *nest;

	mnl_attr_put_u16(m, NHA_GROUP_TYPE, conf->resilient ? NEXTHOP_GRP_TYPE_RES : NEXTHOP_GRP_TYPE_MPATH);
	if (!conf->resilient)
		return;
	nest = mnl_attr_nest_start(m, NHA_RES_GROUP);
	if (fresh && conf->buckets != 0) /* their number is for life */
		mnl_attr_put_u16(m, NHA_RES_GROUP_BUCKETS, conf->buckets);
	mnl_attr_put_u32(m, NHA_RES_GROUP_IDLE_TIMER, (uint32_t)(conf->idle_ns / (NS_PER_S / CLOCK_HZ)));
	mnl_attr_put_u32(m, NHA_RES_GROUP_UNBALANCED_TIMER, (uint32_t)(conf->unbalanced_ns / (NS_PER_S / CLOCK_HZ)));
	mnl_attr_nest_end(m, nest);
}

static bool members_fill(struct net_groups *g, const struct addr *gateways, const uint16_t *weights, size_t n,
			 struct nexthop_grp *ret)
{
	for (size_t i = 0; i < n; i++) {
		uint16_t weight = weights == NULL ? 1 : weights[i];

		ret[i] = (struct nexthop_grp){.id = gateway_need(g, &gateways[i]), .weight = (uint8_t)(weight - 1)};
		if (ret[i].id == 0)
			return false;
	}
	return true;
}

static void route_queue(struct net_groups *g, uint16_t type, uint16_t flags, const struct prefix *to, uint32_t group)
{
	char buf[NET_MESSAGE_MAX];
	struct nlmsghdr *m = net_route_message(buf, type, flags, to, NET_PROTOCOL_BGP);

	if (group != 0)
		mnl_attr_put_u32(m, RTA_NH_ID, group);
	net_queue(g->ns, m, "%s route %s", type == RTM_NEWROUTE ? "replace" : "delete", prefix_text(to).s);
}

static void route_drop(struct net_groups *g, const struct prefix *to, struct object *group)
{
	char buf[NET_MESSAGE_MAX];

	route_queue(g, RTM_DELROUTE, 0, to, 0);
	if (group->installed)
		net_queue(g->ns, object_message(buf, RTM_DELNEXTHOP, 0, AF_UNSPEC, group->id),
			  "delete nexthop group %u", group->id);
	group->installed = false;
}

void net_groups_route(struct net_groups *g, const struct prefix *to, const struct addr *gateways,
		      const uint16_t *weights, size_t n)
{
	struct object *group = object_intern(g, to, true);
	struct nexthop_grp members[NET_FIB_HOPS_MAX];
	char buf[NET_MESSAGE_MAX];
	struct nlmsghdr *m;

	links_look(g);
	if (n > NET_FIB_HOPS_MAX) {
		net_queue_failed(g->ns, -E2BIG, "route %s over %zu next hops", prefix_text(to).s, n);
		return;
	}
	if (n == 0) {
		route_drop(g, to, group);
		return;
	}
	if (!members_fill(g, gateways, weights, n, members))
		return;
	m = object_message(buf, RTM_NEWNEXTHOP, NLM_F_CREATE | NLM_F_REPLACE, AF_UNSPEC, group->id);
	mnl_attr_put(m, NHA_GROUP, n * sizeof(members[0]), members);
	resilience_put(m, &g->conf, !group->installed);
	net_queue(g->ns, m, "nexthop group %u of %s over %zu next hops", group->id, prefix_text(to).s, n);
	if (!group->installed)
		route_queue(g, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, to, group->id);
	group->installed = true;
}
