/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net_int.h"

#include <errno.h>
#include <string.h>

struct nlmsghdr *net_route_message(char *buf, uint16_t type, uint16_t flags, const struct prefix *to, uint8_t protocol)
{
	struct nlmsghdr *m = net_message(buf, type, flags);
	struct rtmsg *rt = mnl_nlmsg_put_extra_header(m, sizeof(*rt));

	rt->rtm_family = net_af(&to->addr);
	rt->rtm_dst_len = to->len;
	rt->rtm_table = RT_TABLE_MAIN;
	rt->rtm_protocol = protocol;
	rt->rtm_scope = RT_SCOPE_UNIVERSE;
	rt->rtm_type = RTN_UNICAST;
	if (to->len > 0)
		net_put_addr(m, RTA_DST, &to->addr);
	return m;
}

void net_route_add(struct net_ns *ns, const struct prefix *to, const struct addr *gateway, const char *link)
{
	char buf[NET_MESSAGE_MAX];
	struct nlmsghdr *m = net_route_message(buf, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, to, RTPROT_STATIC);
	struct rtmsg *rt = mnl_nlmsg_get_payload(m);

	if (gateway->family != ADDR_NONE)
		net_put_addr(m, RTA_GATEWAY, gateway);
	else
		rt->rtm_scope = RT_SCOPE_LINK;
	if (link != NULL) {
		unsigned int index = net_link_index(ns, link);

		if (index == 0)
			net_queue_failed(ns, -ENODEV, "route %s on %s", prefix_text(to).s, link);
		mnl_attr_put_u32(m, RTA_OIF, index);
	}
	net_queue(ns, m, "add route %s via %s", prefix_text(to).s,
		  gateway->family != ADDR_NONE ? addr_text(gateway).s
		  : link != NULL	       ? link
					       : "nothing");
}

/* A gateway, by RTA_VIA when its family is not the route's (RFC 8950). */
static void gateway_put(struct nlmsghdr *m, const struct prefix *to, const struct addr *gateway)
{
	uint8_t via[2 + sizeof(gateway->b)];
	uint16_t family = (uint16_t)net_af(gateway);
	size_t n = addr_len(gateway->family);

	if (gateway->family == to->addr.family) {
		net_put_addr(m, RTA_GATEWAY, gateway);
		return;
	}
	memcpy(via, &family, sizeof(family));
	memcpy(via + sizeof(family), gateway->b, n);
	mnl_attr_put(m, RTA_VIA, sizeof(family) + n, via);
}

static void multipath_put(struct nlmsghdr *m, const struct prefix *to, const struct addr *gateways,
			  const uint16_t *weights, size_t n)
{
	struct nlattr *nest = mnl_attr_nest_start(m, RTA_MULTIPATH);

	for (size_t i = 0; i < n; i++) {
		struct rtnexthop *hop = mnl_nlmsg_put_extra_header(m, sizeof(*hop));
		uint32_t before = m->nlmsg_len;

		gateway_put(m, to, &gateways[i]);
		hop->rtnh_hops = (uint8_t)(weights != NULL ? weights[i] - 1 : 0);
		hop->rtnh_len = (uint16_t)(sizeof(*hop) + m->nlmsg_len - before);
	}
	mnl_attr_nest_end(m, nest);
}

void net_route_weighted(struct net_ns *ns, const struct prefix *to, const struct addr *gateways,
			const uint16_t *weights, size_t n)
{
	char buf[NET_MESSAGE_MAX];
	struct nlmsghdr *m;

	if (n > NET_FIB_HOPS_MAX) {
		net_queue_failed(ns, -E2BIG, "route %s over %zu next hops", prefix_text(to).s, n);
		return;
	}
	if (n == 0) {
		m = net_route_message(buf, RTM_DELROUTE, 0, to, NET_PROTOCOL_BGP);
		net_queue(ns, m, "delete route %s", prefix_text(to).s);
		return;
	}
	m = net_route_message(buf, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, to, NET_PROTOCOL_BGP);
	if (n == 1)
		gateway_put(m, to, &gateways[0]);
	else
		multipath_put(m, to, gateways, weights, n);
	net_queue(ns, m, "replace route %s over %zu next hops", prefix_text(to).s, n);
}

void net_route_multipath(struct net_ns *ns, const struct prefix *to, const struct addr *gateways, size_t n)
{
	net_route_weighted(ns, to, gateways, NULL, n);
}
