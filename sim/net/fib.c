/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's forwarding table by netlink: plain and multipath routes, and nexthop objects resolved. */
#include "fib_int.h"

#include <errno.h>
#include <linux/nexthop.h>
#include <stdlib.h>
#include <string.h>

#define DUMPS_MAX 20

/* A nexthop object as last heard of: a next hop, or a group of ids. */
struct fib_object {
	uint32_t id;
	struct net_fib_hop hop;
	bool resilient;
	size_t member_count;
	uint32_t members[NET_FIB_HOPS_MAX];
	unsigned int weights[NET_FIB_HOPS_MAX];
};

static struct fib_object *object_find(const struct fib_reader *r, uint32_t id)
{
	for (size_t i = 0; i < r->objects.len; i++) {
		if (r->objects.at[i]->id == id)
			return r->objects.at[i];
	}
	return NULL;
}

static bool object_forget(struct fib_reader *r, uint32_t id)
{
	for (size_t i = 0; i < r->objects.len; i++) {
		if (r->objects.at[i]->id != id)
			continue;
		free(r->objects.at[i]);
		r->objects.at[i] = r->objects.at[--r->objects.len];
		return true;
	}
	return false;
}

void fib_reader_clear(struct fib_reader *r)
{
	for (size_t i = 0; i < r->objects.len; i++)
		free(r->objects.at[i]);
	VEC_FREE(&r->objects);
}

static void group_read(const struct nlattr *a, struct fib_object *o)
{
	const uint8_t *members = mnl_attr_get_payload(a);
	size_t n = mnl_attr_get_payload_len(a) / sizeof(struct nexthop_grp);

	for (size_t i = 0; i < n && i < NET_FIB_HOPS_MAX; i++) {
		const uint8_t *member = members + i * sizeof(struct nexthop_grp);

		memcpy(&o->members[i], member, sizeof(o->members[i]));
		/* since Linux 6.12 the byte behind the weight is its upper half; before it is zero */
		o->weights[i] = (member[4] | (unsigned int)member[5] << 8) + 1U;
		o->member_count = i + 1;
	}
}

static void on_object(struct fib_reader *r, const struct nlmsghdr *m)
{
	struct fib_object *o = memory_new(sizeof(*o));
	const struct nlattr *a;

	o->hop.weight = 1;
	for (a = mnl_nlmsg_get_payload_offset(m, sizeof(struct nhmsg)); net_attr_ok(a, m); a = mnl_attr_next(a)) {
		switch (mnl_attr_get_type(a)) {
		case NHA_ID:
			o->id = net_attr_u32(a);
			break;
		case NHA_OIF:
			o->hop.ifindex = net_attr_u32(a);
			break;
		case NHA_GATEWAY:
			o->hop.gateway = net_attr_addr(a);
			break;
		case NHA_GROUP:
			group_read(a, o);
			break;
		case NHA_RES_GROUP:
			o->resilient = true;
			break;
		default:
			break;
		}
	}
	r->objects_changed = object_forget(r, o->id) || r->objects_changed;
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

static void object_resolve(const struct fib_reader *r, uint32_t id, struct net_fib_route *route)
{
	const struct fib_object *o = object_find(r, id);

	if (o == NULL)
		return;
	route->resilient = o->resilient;
	if (o->member_count == 0) {
		hop_add(route, o->hop);
		route->hops[0].id = o->id;
	}
	for (size_t i = 0; i < o->member_count; i++) {
		const struct fib_object *member = object_find(r, o->members[i]);
		struct net_fib_hop hop;

		if (member == NULL || member->member_count > 0)
			continue;
		hop = member->hop;
		hop.weight = o->weights[i];
		hop.id = member->id;
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
			return net_attr_addr(a);
		if (mnl_attr_get_type(a) == RTA_VIA)
			return net_attr_via(a);
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
		if ((nh->rtnh_flags & RTNH_F_DEAD) == 0) /* its link is down: the kernel passes it over */
			hop_add(route, hop);
		if (step >= left)
			break;
		left -= step;
		nh = (const struct rtnexthop *)((const char *)nh + step);
	}
}

/* What the attributes of a route say besides the route itself. */
struct rest {
	struct addr dst;
	struct net_fib_hop single;
	uint32_t table;
	uint32_t nexthop_id;
	bool multipath;
};

static void route_attr(const struct nlattr *a, struct net_fib_route *route, struct rest *rest)
{
	switch (mnl_attr_get_type(a)) {
	case RTA_TABLE:
		rest->table = net_attr_u32(a);
		break;
	case RTA_DST:
		rest->dst = net_attr_addr(a);
		break;
	case RTA_PRIORITY:
		route->metric = net_attr_u32(a);
		break;
	case RTA_OIF:
		rest->single.ifindex = net_attr_u32(a);
		break;
	case RTA_GATEWAY:
		rest->single.gateway = net_attr_addr(a);
		break;
	case RTA_VIA:
		rest->single.gateway = net_attr_via(a);
		break;
	case RTA_MULTIPATH:
		rest->multipath = true;
		multipath_read(a, route);
		break;
	case RTA_NH_ID:
		rest->nexthop_id = net_attr_u32(a);
		break;
	default:
		break;
	}
}

static bool is_wanted(const struct fib_reader *r, uint32_t table)
{
	return r->table != 0 ? table == r->table : table != RT_TABLE_LOCAL;
}

/* What one route message says; false for other tables and kinds. */
static bool route_read(const struct fib_reader *r, const struct nlmsghdr *m, struct net_fib_route *route)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(m);
	struct rest rest = {.single = {.weight = 1}};
	const struct nlattr *a;

	if (mnl_nlmsg_get_payload_len(m) < sizeof(*rt) || (rt->rtm_flags & RTM_F_CLONED) != 0 ||
	    (rt->rtm_family != AF_INET && rt->rtm_family != AF_INET6))
		return false;
	rest.table = rt->rtm_table;
	rest.dst.family = rt->rtm_family == AF_INET6 ? ADDR_V6 : ADDR_V4;
	*route = (struct net_fib_route){.protocol = rt->rtm_protocol, .type = rt->rtm_type};
	for (a = mnl_nlmsg_get_payload_offset(m, sizeof(*rt)); net_attr_ok(a, m); a = mnl_attr_next(a))
		route_attr(a, route, &rest);
	route->prefix = prefix_make(&rest.dst, rt->rtm_dst_len);
	route->group = rest.nexthop_id;
	if (rest.nexthop_id != 0 && object_find(r, rest.nexthop_id) != NULL) {
		route->hop_count = 0;
		object_resolve(r, rest.nexthop_id, route);
	} else if (!rest.multipath && rt->rtm_type == RTN_UNICAST) {
		hop_add(route, rest.single);
	}
	return is_wanted(r, rest.table) && rest.dst.family != ADDR_NONE;
}

int fib_message(const struct nlmsghdr *m, void *reader)
{
	struct fib_reader *r = reader;
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

typedef VEC(uint8_t) messages_vec;

static int on_kept(const struct nlmsghdr *m, void *ctx)
{
	messages_vec *kept = ctx;
	size_t len = NLMSG_ALIGN(m->nlmsg_len);

	while (kept->cap < kept->len + len)
		kept->at = vec_grow(kept->at, &kept->cap, 1);
	memset(kept->at + kept->len, 0, len);
	memcpy(kept->at + kept->len, m, m->nlmsg_len);
	kept->len += len;
	return MNL_CB_OK;
}

static int dump_once(struct net_ns *ns, uint16_t type, uint8_t family, messages_vec *kept, struct errmsg *err)
{
	char buf[NET_MESSAGE_MAX];
	struct nlmsghdr *m = net_message(buf, type, NLM_F_DUMP);

	/* struct nhmsg and struct rtmsg both begin with the family */
	if (type == RTM_GETNEXTHOP)
		((struct nhmsg *)mnl_nlmsg_put_extra_header(m, sizeof(struct nhmsg)))->nh_family = family;
	else
		((struct rtmsg *)mnl_nlmsg_put_extra_header(m, sizeof(struct rtmsg)))->rtm_family = family;
	return net_query(ns, m, on_kept, kept, type == RTM_GETNEXTHOP ? "list nexthops" : "list routes", err);
}

/* Asked again while the table changed under it; only what a dump of one moment says is told. */
static int dump(struct net_ns *ns, uint16_t type, uint8_t family, struct fib_reader *r, struct errmsg *err)
{
	messages_vec kept = {0};
	int result = -EINTR;

	for (unsigned int i = 0; i < DUMPS_MAX && result == -EINTR; i++) {
		VEC_CLEAR(&kept);
		result = dump_once(ns, type, family, &kept, err);
	}
	for (size_t at = 0; result == 0 && at < kept.len;) {
		const struct nlmsghdr *m = (const void *)(kept.at + at);

		(void)fib_message(m, r);
		at += NLMSG_ALIGN(m->nlmsg_len);
	}
	VEC_FREE(&kept);
	return result == -EINTR ? errmsg_say(err, -EBUSY, "the router's routes never stand still") : result;
}

/* Kernels before 5.3 have no nexthop objects, and so nothing to list. */
int fib_objects_dump(struct net_ns *ns, struct fib_reader *r, struct errmsg *err)
{
	int result = dump(ns, RTM_GETNEXTHOP, AF_UNSPEC, r, err);

	return result == -EOPNOTSUPP || result == -EINVAL ? 0 : result;
}

int fib_routes_dump(struct net_ns *ns, struct fib_reader *r, struct errmsg *err)
{
	int result = dump(ns, RTM_GETROUTE, AF_INET, r, err);

	return result < 0 ? result : dump(ns, RTM_GETROUTE, AF_INET6, r, err);
}

int net_fib_dump(struct net_ns *ns, uint8_t table, net_fib_fn *fn, void *ctx, struct errmsg *err)
{
	struct fib_reader r = {.table = table, .fn = fn, .ctx = ctx};
	int result = fib_objects_dump(ns, &r, err);

	if (result == 0)
		result = fib_routes_dump(ns, &r, err);
	fib_reader_clear(&r);
	return result;
}
