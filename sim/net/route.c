/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net_int.h"

#include <errno.h>

#ifndef RTPROT_BGP
#define RTPROT_BGP 186
#endif

static struct nlmsghdr *route_message(char *buf, uint16_t type, uint16_t flags, const struct prefix *to,
				      uint8_t protocol)
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
	struct nlmsghdr *m = route_message(buf, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, to, RTPROT_STATIC);
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

static void multipath_put(struct nlmsghdr *m, const struct addr *gateways, size_t n)
{
	struct nlattr *nest = mnl_attr_nest_start(m, RTA_MULTIPATH);

	for (size_t i = 0; i < n; i++) {
		struct rtnexthop *hop = mnl_nlmsg_put_extra_header(m, sizeof(*hop));
		uint32_t before = m->nlmsg_len;

		net_put_addr(m, RTA_GATEWAY, &gateways[i]);
		hop->rtnh_len = (uint16_t)(sizeof(*hop) + m->nlmsg_len - before);
	}
	mnl_attr_nest_end(m, nest);
}

void net_route_multipath(struct net_ns *ns, const struct prefix *to, const struct addr *gateways, size_t n)
{
	char buf[NET_MESSAGE_MAX];
	struct nlmsghdr *m;

	if (n > NET_FIB_HOPS_MAX) {
		net_queue_failed(ns, -E2BIG, "route %s over %zu next hops", prefix_text(to).s, n);
		return;
	}
	if (n == 0) {
		m = route_message(buf, RTM_DELROUTE, 0, to, RTPROT_BGP);
		net_queue(ns, m, "delete route %s", prefix_text(to).s);
		return;
	}
	m = route_message(buf, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, to, RTPROT_BGP);
	if (n == 1)
		net_put_addr(m, RTA_GATEWAY, &gateways[0]);
	else
		multipath_put(m, gateways, n);
	net_queue(ns, m, "replace route %s over %zu next hops", prefix_text(to).s, n);
}
