/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's forwarding table by netlink: plain and multipath routes, and nexthop objects resolved. */
#include "net_int.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nexthop.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MONITOR_BUFFER (4 << 20)
#define DUMPS_MAX 20

/* A nexthop object as last heard of: a next hop, or a group of ids. */
struct object {
	uint32_t id;
	struct net_fib_hop hop;
	size_t member_count;
	uint32_t members[NET_FIB_HOPS_MAX];
	unsigned int weights[NET_FIB_HOPS_MAX];
};

typedef VEC(struct object *) objects_vec;

struct reader {
	objects_vec objects;
	net_fib_fn *fn;
	void *ctx;
};

struct net_fib_monitor {
	struct mnl_socket *netlink;
	struct reader reader;
};

static struct object *object_find(const struct reader *r, uint32_t id)
{
	for (size_t i = 0; i < r->objects.len; i++) {
		if (r->objects.at[i]->id == id)
			return r->objects.at[i];
	}
	return NULL;
}

static void object_forget(struct reader *r, uint32_t id)
{
	for (size_t i = 0; i < r->objects.len; i++) {
		if (r->objects.at[i]->id != id)
			continue;
		free(r->objects.at[i]);
		r->objects.at[i] = r->objects.at[--r->objects.len];
		return;
	}
}

static void objects_free(struct reader *r)
{
	for (size_t i = 0; i < r->objects.len; i++)
		free(r->objects.at[i]);
	VEC_FREE(&r->objects);
}

static struct addr attr_addr(const struct nlattr *a)
{
	size_t n = mnl_attr_get_payload_len(a);

	if (n == 4 || n == 16)
		return addr_from_bytes(n == 4 ? ADDR_V4 : ADDR_V6, mnl_attr_get_payload(a));
	return (struct addr){0};
}

/* RTA_VIA: a family and an address of it (RFC 8950's IPv4 over IPv6). */
static struct addr attr_via(const struct nlattr *a)
{
	const struct rtvia *via = mnl_attr_get_payload(a);
	size_t n = mnl_attr_get_payload_len(a);

	if (n == sizeof(*via) + 16 && via->rtvia_family == AF_INET6)
		return addr_from_bytes(ADDR_V6, via->rtvia_addr);
	if (n == sizeof(*via) + 4 && via->rtvia_family == AF_INET)
		return addr_from_bytes(ADDR_V4, via->rtvia_addr);
	return (struct addr){0};
}

static void group_read(const struct nlattr *a, struct object *o)
{
	const struct nexthop_grp *members = mnl_attr_get_payload(a);
	size_t n = mnl_attr_get_payload_len(a) / sizeof(*members);

	for (size_t i = 0; i < n && i < NET_FIB_HOPS_MAX; i++) {
		o->members[i] = members[i].id;
		o->weights[i] = members[i].weight + 1U;
		o->member_count = i + 1;
	}
}

static void on_object(struct reader *r, const struct nlmsghdr *m)
{
	struct object *o = memory_new(sizeof(*o));
	const struct nlattr *a;

	o->hop.weight = 1;
	for (a = mnl_nlmsg_get_payload_offset(m, sizeof(struct nhmsg)); net_attr_ok(a, m); a = mnl_attr_next(a)) {
		switch (mnl_attr_get_type(a)) {
		case NHA_ID:
			o->id = mnl_attr_get_u32(a);
			break;
		case NHA_OIF:
			o->hop.ifindex = mnl_attr_get_u32(a);
			break;
		case NHA_GATEWAY:
			o->hop.gateway = attr_addr(a);
			break;
		case NHA_GROUP:
			group_read(a, o);
			break;
		default:
			break;
		}
	}
	object_forget(r, o->id);
	if (m->nlmsg_type == RTM_NEWNEXTHOP)
		VEC_PUSH(&r->objects, o);
	else
		free(o);
}

static void hop_add(struct net_fib_route *route, struct net_fib_hop hop)
{
	if (route->hop_count < NET_FIB_HOPS_MAX)
		route->hops[route->hop_count++] = hop;
}

static void object_resolve(const struct reader *r, uint32_t id, struct net_fib_route *route)
{
	const struct object *o = object_find(r, id);

	if (o == NULL)
		return;
	if (o->member_count == 0)
		hop_add(route, o->hop);
	for (size_t i = 0; i < o->member_count; i++) {
		const struct object *member = object_find(r, o->members[i]);
		struct net_fib_hop hop;

		if (member == NULL || member->member_count > 0)
			continue;
		hop = member->hop;
		hop.weight = o->weights[i];
		hop_add(route, hop);
	}
}

static struct addr hop_gateway(const struct rtnexthop *nh)
{
	const char *start = (const char *)nh + sizeof(*nh);
	const char *end = (const char *)nh + nh->rtnh_len;
	const struct nlattr *a = (const struct nlattr *)start;

	for (; mnl_attr_ok(a, (int)(end - (const char *)a)); a = mnl_attr_next(a)) {
		if (mnl_attr_get_type(a) == RTA_GATEWAY)
			return attr_addr(a);
		if (mnl_attr_get_type(a) == RTA_VIA)
			return attr_via(a);
	}
	return (struct addr){0};
}

static void multipath_read(const struct nlattr *nest, struct net_fib_route *route)
{
	const struct rtnexthop *nh = mnl_attr_get_payload(nest);
	size_t left = mnl_attr_get_payload_len(nest);

	route->hop_count = 0;
	while (left >= sizeof(*nh) && nh->rtnh_len >= sizeof(*nh) && nh->rtnh_len <= left) {
		struct net_fib_hop hop = {.ifindex = (unsigned int)nh->rtnh_ifindex, .weight = nh->rtnh_hops + 1U};
		size_t step = RTNH_ALIGN(nh->rtnh_len);

		hop.gateway = hop_gateway(nh);
		hop_add(route, hop);
		if (step >= left)
			break;
		left -= step;
		nh = (const struct rtnexthop *)((const char *)nh + step);
	}
}

/* What one route message says; false for tables and kinds that are not the main table's unicast story. */
static bool route_read(const struct reader *r, const struct nlmsghdr *m, struct net_fib_route *route)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(m);
	struct net_fib_hop single = {.weight = 1};
	const struct nlattr *a;
	uint32_t table = rt->rtm_table, nexthop_id = 0;
	struct addr dst = {.family = rt->rtm_family == AF_INET6 ? ADDR_V6 : ADDR_V4};

	if ((rt->rtm_family != AF_INET && rt->rtm_family != AF_INET6) || (rt->rtm_flags & RTM_F_CLONED) != 0)
		return false;
	*route = (struct net_fib_route){.protocol = rt->rtm_protocol, .type = rt->rtm_type};
	for (a = mnl_nlmsg_get_payload_offset(m, sizeof(*rt)); net_attr_ok(a, m); a = mnl_attr_next(a)) {
		switch (mnl_attr_get_type(a)) {
		case RTA_TABLE:
			table = mnl_attr_get_u32(a);
			break;
		case RTA_DST:
			dst = attr_addr(a);
			break;
		case RTA_PRIORITY:
			route->metric = mnl_attr_get_u32(a);
			break;
		case RTA_OIF:
			single.ifindex = mnl_attr_get_u32(a);
			break;
		case RTA_GATEWAY:
			single.gateway = attr_addr(a);
			break;
		case RTA_VIA:
			single.gateway = attr_via(a);
			break;
		case RTA_MULTIPATH:
			multipath_read(a, route);
			break;
		case RTA_NH_ID:
			nexthop_id = mnl_attr_get_u32(a);
			break;
		default:
			break;
		}
	}
	route->prefix = prefix_make(&dst, rt->rtm_dst_len);
	if (nexthop_id != 0 && object_find(r, nexthop_id) != NULL) {
		route->hop_count = 0;
		object_resolve(r, nexthop_id, route);
	} else if (route->hop_count == 0 && rt->rtm_type == RTN_UNICAST) {
		hop_add(route, single);
	}
	return table == RT_TABLE_MAIN && dst.family != ADDR_NONE;
}

static int on_message(const struct nlmsghdr *m, void *ctx)
{
	struct reader *r = ctx;
	struct net_fib_route *route;

	switch (m->nlmsg_type) {
	case RTM_NEWNEXTHOP:
	case RTM_DELNEXTHOP:
		on_object(r, m);
		return MNL_CB_OK;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		break;
	default:
		return MNL_CB_OK;
	}
	route = memory_new(sizeof(*route));
	if (route_read(r, m, route)) {
		enum net_fib_change change = m->nlmsg_flags & NLM_F_REPLACE ? NET_FIB_REPLACE : NET_FIB_NEW;

		r->fn(r->ctx, m->nlmsg_type == RTM_DELROUTE ? NET_FIB_DELETED : change, route);
	}
	free(route);
	return MNL_CB_OK;
}

static int dump_once(struct net_ns *ns, uint16_t type, uint8_t family, struct reader *r, struct errmsg *err)
{
	char buf[NET_MESSAGE_MAX];
	struct nlmsghdr *m = net_message(buf, type, NLM_F_DUMP);

	/* struct nhmsg and struct rtmsg both begin with the family */
	if (type == RTM_GETNEXTHOP)
		((struct nhmsg *)mnl_nlmsg_put_extra_header(m, sizeof(struct nhmsg)))->nh_family = family;
	else
		((struct rtmsg *)mnl_nlmsg_put_extra_header(m, sizeof(struct rtmsg)))->rtm_family = family;
	return net_query(ns, m, on_message, r, type == RTM_GETNEXTHOP ? "list nexthops" : "list routes", err);
}

/* Asked again while the table changed under it: what was told twice is told right at the end. */
static int dump(struct net_ns *ns, uint16_t type, uint8_t family, struct reader *r, struct errmsg *err)
{
	int result = -EINTR;

	for (unsigned int i = 0; i < DUMPS_MAX && result == -EINTR; i++)
		result = dump_once(ns, type, family, r, err);
	return result == -EINTR ? errmsg_say(err, -EBUSY, "the router's routes never stand still") : result;
}

/* Kernels before 5.3 have no nexthop objects, and so nothing to list. */
static int objects_dump(struct net_ns *ns, struct reader *r, struct errmsg *err)
{
	int result = dump(ns, RTM_GETNEXTHOP, AF_UNSPEC, r, err);

	return result == -EOPNOTSUPP || result == -EINVAL ? 0 : result;
}

int net_fib_dump(struct net_ns *ns, net_fib_fn *fn, void *ctx, struct errmsg *err)
{
	struct reader r = {.fn = fn, .ctx = ctx};
	int result = objects_dump(ns, &r, err);

	if (result == 0)
		result = dump(ns, RTM_GETROUTE, AF_INET, &r, err);
	if (result == 0)
		result = dump(ns, RTM_GETROUTE, AF_INET6, &r, err);
	objects_free(&r);
	return result;
}

static int subscribe(struct net_fib_monitor *m)
{
	static const int groups[] = {RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_NEXTHOP};
	int room = MONITOR_BUFFER;

	m->netlink = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (m->netlink == NULL || mnl_socket_bind(m->netlink, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	(void)setsockopt(mnl_socket_get_fd(m->netlink), SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		int group = groups[i];

		if (mnl_socket_setsockopt(m->netlink, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0 &&
		    group != RTNLGRP_NEXTHOP)
			return -errno;
	}
	return 0;
}

int net_fib_monitor_new(struct net_ns *ns, struct net_fib_monitor **ret, struct errmsg *err)
{
	struct net_fib_monitor *m = memory_new(sizeof(*m));
	struct errmsg late;
	int r = net_ns_enter(ns, err);

	if (r == 0) {
		r = subscribe(m);
		if (r < 0)
			(void)errmsg_set(err, r, "%s: watch routes", ns->name);
		if (net_ns_leave(&late) < 0 && r == 0) {
			*err = late;
			r = late.code;
		}
	}
	/* Objects from before the subscription: routes heard of later may use them. */
	if (r == 0)
		r = objects_dump(ns, &m->reader, err);
	if (r < 0) {
		net_fib_monitor_free(m);
		return r;
	}
	*ret = m;
	return 0;
}

int net_fib_monitor_fd(const struct net_fib_monitor *m)
{
	return mnl_socket_get_fd(m->netlink);
}

int net_fib_read(struct net_fib_monitor *m, net_fib_fn *fn, void *ctx, struct errmsg *err)
{
	char buf[65536];

	m->reader.fn = fn;
	m->reader.ctx = ctx;
	for (;;) {
		ssize_t n = mnl_socket_recvfrom(m->netlink, buf, sizeof(buf));

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n < 0)
			return errmsg_set(err, -errno, "watch routes");
		if (mnl_cb_run(buf, (size_t)n, 0, 0, on_message, &m->reader) < 0)
			return errmsg_set(err, -errno, "watch routes");
	}
}

void net_fib_monitor_free(struct net_fib_monitor *m)
{
	if (m == NULL)
		return;
	if (m->netlink != NULL)
		mnl_socket_close(m->netlink);
	objects_free(&m->reader);
	free(m);
}
