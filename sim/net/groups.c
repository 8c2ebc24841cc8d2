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
/* Beside a daemon ids go down from here: zebra takes the highest that it has seen of others' for its own counter. */
#define BESIDE_IDS 100000000U
#define WEIGHT_MAX 255U /* of a nexthop group's members until Linux 6.12 */

/* A nexthop object of ours: a gateway, or the group of a prefix. */
struct object {
	struct chain chain;
	struct object *next; /* of all */
	struct prefix key;   /* the gateway as a host prefix */
	uint32_t also;	     /* the gateway's link, 0: the one that leads to it; the group's metric */
	bool is_group;
	bool installed;	  /* as far as we know */
	bool routed;	  /* a group; likewise: the prefix has its route */
	uint8_t protocol; /* of that route */
	uint32_t id;
};

struct net_groups {
	struct net_ns *ns;
	struct net_group_conf conf;
	struct chains table;
	struct object *all;
	uint32_t count; /* of them */
	int links;	/* tells of changes of links */
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

static uint64_t key_hash(const struct prefix *key, uint32_t also, bool is_group)
{
	uint64_t h =
		hash_mix((uint64_t)also << 24 | (uint64_t)key->addr.family << 16 | (uint64_t)key->len << 8 | is_group);

	for (size_t i = 0; i < sizeof(key->addr.b); i++)
		h = hash_mix(h ^ key->addr.b[i]);
	return h;
}

static struct object *object_intern(struct net_groups *g, const struct prefix *key, uint32_t also, bool is_group)
{
	uint64_t hash = key_hash(key, also, is_group);
	struct object *o;

	for (struct chain *c = chains_find(&g->table, hash); c != NULL; c = chain_next(c)) {
		o = (struct object *)c; /* its first member */
		if (o->is_group == is_group && o->also == also && prefix_equal(&o->key, key))
			return o;
	}
	o = memory_new(sizeof(*o));
	o->key = *key;
	o->also = also;
	o->is_group = is_group;
	g->count++;
	o->id = g->conf.table != 0 ? BESIDE_IDS - g->count : g->count;
	o->next = g->all;
	g->all = o;
	chains_add(&g->table, &o->chain, hash);
	return o;
}

void net_groups_forget(struct net_groups *g)
{
	for (struct object *o = g->all; o != NULL; o = o->next)
		o->installed = o->routed = false;
}

bool net_groups_lost(struct net_groups *g)
{
	char buf[8192];
	bool changed = false;

	while (recv(g->links, buf, sizeof(buf), MSG_DONTWAIT) > 0 || errno == EINTR || errno == ENOBUFS) {
		changed = true;
		errno = 0;
	}
	if (changed)
		net_groups_forget(g);
	return changed;
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

/* Nexthop objects, unlike routes, name their link. Returns the id, 0 with the failure queued. A hop without a gateway is for
 * destinations of the family that are on its link. */
static uint32_t hop_need(struct net_groups *g, uint8_t family, const struct net_fib_hop *hop)
{
	const struct addr *gateway = &hop->gateway;
	bool on_link = gateway->family == ADDR_NONE;
	const struct prefix any = {.addr.family = family}, key = on_link ? any : prefix_host(gateway);
	struct object *o = object_intern(g, &key, hop->ifindex, false);
	uint32_t link = hop->ifindex;
	char buf[NET_MESSAGE_MAX];
	struct nlmsghdr *m;
	struct errmsg err;
	int r;

	if (o->installed)
		return o->id;
	r = link == 0 ? link_towards(g->ns, gateway, &link, &err) : 0;
	if (r < 0) {
		net_queue_failed(g->ns, r, "next hop %s", addr_text(gateway).s);
		return 0;
	}
	m = object_message(buf, RTM_NEWNEXTHOP, NLM_F_CREATE | NLM_F_REPLACE, net_af(&key.addr), o->id);
	if (!on_link && hop->ifindex != 0) /* as the route has it, whether or not another leads to the gateway */
		((struct nhmsg *)mnl_nlmsg_get_payload(m))->nh_flags = RTNH_F_ONLINK;
	mnl_attr_put_u32(m, NHA_OIF, link);
	if (!on_link)
		net_put_addr(m, NHA_GATEWAY, gateway);
	net_queue(g->ns, m, "nexthop %u via %s", o->id, on_link ? "its link" : addr_text(gateway).s);
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

static bool members_fill(struct net_groups *g, uint8_t family, const struct net_fib_hop *hops, size_t n,
			 struct nexthop_grp *ret)
{
	for (size_t i = 0; i < n; i++) {
		unsigned int weight = hops[i].weight < WEIGHT_MAX ? hops[i].weight : WEIGHT_MAX;

		ret[i] = (struct nexthop_grp){.id = hop_need(g, family, &hops[i]), .weight = (uint8_t)(weight - 1)};
		if (ret[i].id == 0)
			return false;
	}
	return true;
}

static void route_queue(struct net_groups *g, uint16_t type, uint16_t flags, const struct object *group)
{
	char buf[NET_MESSAGE_MAX];
	struct nlmsghdr *m = net_route_message(buf, type, flags, &group->key, group->protocol);

	if (g->conf.table != 0)
		((struct rtmsg *)mnl_nlmsg_get_payload(m))->rtm_table = g->conf.table;
	if (group->also != 0)
		mnl_attr_put_u32(m, RTA_PRIORITY, group->also);
	if (type == RTM_NEWROUTE)
		mnl_attr_put_u32(m, RTA_NH_ID, group->id);
	net_queue(g->ns, m, "%s route %s", type == RTM_NEWROUTE ? "replace" : "delete", prefix_text(&group->key).s);
}

/* Beside a daemon the group stays: some of them delete a route and add it again to change it. */
static void route_drop(struct net_groups *g, struct object *group)
{
	char buf[NET_MESSAGE_MAX];

	route_queue(g, RTM_DELROUTE, 0, group);
	net_queue_lenient(g->ns);
	group->routed = false;
	if (g->conf.table == 0) {
		net_queue(g->ns, object_message(buf, RTM_DELNEXTHOP, 0, AF_UNSPEC, group->id),
			  "delete nexthop group %u", group->id);
		net_queue_lenient(g->ns);
		group->installed = false;
	}
}

void net_groups_route(struct net_groups *g, const struct prefix *to, const struct addr *gateways,
		      const uint16_t *weights, size_t n)
{
	struct net_fib_hop hops[NET_FIB_HOPS_MAX];

	(void)net_groups_lost(g);
	if (n > NET_FIB_HOPS_MAX) {
		net_queue_failed(g->ns, -E2BIG, "route %s over %zu next hops", prefix_text(to).s, n);
		return;
	}
	for (size_t i = 0; i < n; i++)
		hops[i] = (struct net_fib_hop){.gateway = gateways[i], .weight = weights != NULL ? weights[i] : 1};
	net_groups_hops(g, &(struct net_groups_to){*to, 0, NET_PROTOCOL_BGP}, hops, n);
}

void net_groups_hops(struct net_groups *g, const struct net_groups_to *to, const struct net_fib_hop *hops, size_t n)
{
	struct object *group = object_intern(g, &to->prefix, to->metric, true);
	struct nexthop_grp members[NET_FIB_HOPS_MAX];
	char buf[NET_MESSAGE_MAX];
	struct nlmsghdr *m;

	if (n == 0) {
		route_drop(g, group);
		return;
	}
	if (!members_fill(g, to->prefix.addr.family, hops, n, members))
		return;
	m = object_message(buf, RTM_NEWNEXTHOP, NLM_F_CREATE | NLM_F_REPLACE, AF_UNSPEC, group->id);
	mnl_attr_put(m, NHA_GROUP, n * sizeof(members[0]), members);
	resilience_put(m, &g->conf, !group->installed);
	net_queue(g->ns, m, "nexthop group %u of %s over %zu next hops", group->id, prefix_text(&to->prefix).s, n);
	if (!group->routed) {
		group->protocol = to->protocol;
		route_queue(g, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, group);
	}
	group->installed = group->routed = true;
}
