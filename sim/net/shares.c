/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel promises to each next hop of an address's route, at this moment. */
#include "fib_int.h"
#include "multipath.h"

#include <errno.h>
#include <linux/nexthop.h>

static void on_match(void *ctx, enum net_fib_change change, const struct net_fib_route *route)
{
	struct net_fib_shares *ret = ctx;

	(void)change;
	ret->route = *route;
}

static int match_ask(struct net_ns *ns, const struct addr *dst, struct fib_reader *r, struct errmsg *err)
{
	char buf[NET_MESSAGE_MAX];
	struct nlmsghdr *m = net_message(buf, RTM_GETROUTE, 0);
	struct rtmsg *rt = mnl_nlmsg_put_extra_header(m, sizeof(*rt));

	rt->rtm_family = net_af(dst);
	rt->rtm_dst_len = dst->family == ADDR_V4 ? 32 : 128;
	rt->rtm_flags = RTM_F_FIB_MATCH;
	net_put_addr(m, RTA_DST, dst);
	return net_query(ns, m, fib_message, r, "look up a route", err);
}

static uint32_t bucket_next_hop(const struct nlattr *nest)
{
	const struct nlattr *a = mnl_attr_get_payload(nest);
	const char *end = (const char *)a + mnl_attr_get_payload_len(nest);

	for (; mnl_attr_ok(a, (int)(end - (const char *)a)); a = mnl_attr_next(a)) {
		if (mnl_attr_get_type(a) == NHA_RES_BUCKET_NH_ID)
			return net_attr_u32(a);
	}
	return 0;
}

/* The id of the next hop that a bucket leads to; 0: the message says none. */
static uint32_t bucket_read(const struct nlmsghdr *m)
{
	const struct nlattr *a;

	for (a = mnl_nlmsg_get_payload_offset(m, sizeof(struct nhmsg)); net_attr_ok(a, m); a = mnl_attr_next(a)) {
		if (mnl_attr_get_type(a) == NHA_RES_BUCKET)
			return bucket_next_hop(a);
	}
	return 0;
}

static int on_bucket(const struct nlmsghdr *m, void *ctx)
{
	struct net_fib_shares *ret = ctx;
	uint32_t id = m->nlmsg_type == RTM_NEWNEXTHOPBUCKET ? bucket_read(m) : 0;

	if (id == 0)
		return MNL_CB_OK;
	ret->buckets++;
	for (size_t i = 0; i < ret->route.hop_count; i++) {
		if (ret->route.hops[i].id != id)
			continue;
		ret->weights[i]++;
		break;
	}
	return MNL_CB_OK;
}

static int buckets_count(struct net_ns *ns, struct net_fib_shares *ret, struct errmsg *err)
{
	char buf[NET_MESSAGE_MAX];
	struct nlmsghdr *m = net_message(buf, RTM_GETNEXTHOPBUCKET, NLM_F_DUMP);

	mnl_nlmsg_put_extra_header(m, sizeof(struct nhmsg));
	mnl_attr_put_u32(m, NHA_ID, ret->route.group);
	return net_query(ns, m, on_bucket, ret, "list the buckets of a nexthop group", err);
}

int net_fib_shares(struct net_ns *ns, const struct addr *dst, struct net_fib_shares *ret, struct errmsg *err)
{
	struct fib_reader r = {.fn = on_match, .ctx = ret};
	int result = fib_objects_dump(ns, &r, err);

	*ret = (struct net_fib_shares){0};
	if (result == 0)
		result = match_ask(ns, dst, &r, err);
	fib_reader_clear(&r);
	if (result == -ENETUNREACH || result == -EHOSTUNREACH || result == -EACCES || result == -EINVAL)
		return 0; /* no route, or one that refuses */
	if (result < 0)
		return result;
	if (ret->route.resilient)
		return buckets_count(ns, ret, err);
	for (size_t i = 0; i < ret->route.hop_count; i++)
		ret->weights[i] = ret->route.hops[i].weight;
	return 0;
}
