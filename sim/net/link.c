/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net_int.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

static struct ifreq ifreq_of(const char *link)
{
	struct ifreq r = {0};

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", link);
	return r;
}

unsigned int net_link_index(const struct net_ns *ns, const char *link)
{
	struct ifreq r = ifreq_of(link);

	if (strlen(link) >= sizeof(r.ifr_name)) /* cut, it would be another's name */
		return 0;
	return ioctl(ns->control, SIOCGIFINDEX, &r) == 0 ? (unsigned int)r.ifr_ifindex : 0;
}

uint8_t net_af(const struct addr *a)
{
	return a->family == ADDR_V6 ? AF_INET6 : AF_INET;
}

void net_put_addr(struct nlmsghdr *message, uint16_t type, const struct addr *a)
{
	mnl_attr_put(message, type, addr_len(a->family), a->b);
}

/* Locally administered, unicast. */
static void mac_put(struct nlmsghdr *m, uint32_t number)
{
	const uint8_t mac[6] = {
		0x02, 0x65, (uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number};

	mnl_attr_put(m, IFLA_ADDRESS, sizeof(mac), mac);
}

/* Without transmit checksumming the kernel segments and sums in software before the link: frames look as on a wire. */
static int offload_off(struct net_ns *ns, const char *link, struct errmsg *err)
{
	struct ethtool_value off = {.cmd = ETHTOOL_STXCSUM, .data = 0};
	struct ifreq r = ifreq_of(link);

	r.ifr_data = (char *)&off;
	return ioctl(ns->control, SIOCETHTOOL, &r) < 0 ? errmsg_set(err, -errno, "%s: offloads of %s", ns->name, link)
						       : 0;
}

int net_veth(struct net_ns *a, const char *name_a, struct net_ns *b, const char *name_b, uint32_t mac,
	     struct errmsg *err)
{
	char buf[NET_MESSAGE_MAX], words[80];
	struct nlmsghdr *m = net_message(buf, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct nlattr *info, *data, *peer;
	int r;

	if (strlen(name_a) >= IFNAMSIZ || strlen(name_b) >= IFNAMSIZ)
		return errmsg_set(err, -ENAMETOOLONG, "%s: link %s to %s", a->name, name_a, name_b);
	mnl_nlmsg_put_extra_header(m, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(m, IFLA_IFNAME, name_a);
	mac_put(m, mac);
	info = mnl_attr_nest_start(m, IFLA_LINKINFO);
	mnl_attr_put_strz(m, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(m, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(m, VETH_INFO_PEER);
	mnl_nlmsg_put_extra_header(m, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(m, IFLA_IFNAME, name_b);
	mac_put(m, mac + 1);
	mnl_attr_put_u32(m, IFLA_NET_NS_FD, (uint32_t)b->fd);
	mnl_attr_nest_end(m, peer);
	mnl_attr_nest_end(m, data);
	mnl_attr_nest_end(m, info);
	snprintf(words, sizeof(words), "add veth %s to %s in %s", name_a, name_b, b->name);
	r = net_request(a, m, words, err);
	if (r == 0)
		r = offload_off(a, name_a, err);
	return r < 0 ? r : offload_off(b, name_b, err);
}

int net_bridge(struct net_ns *ns, const char *name, struct errmsg *err)
{
	char buf[NET_MESSAGE_MAX], words[64];
	struct nlmsghdr *m = net_message(buf, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(m, sizeof(*ifi));
	struct nlattr *info, *data;
	int r;

	if (strlen(name) >= IFNAMSIZ)
		return errmsg_set(err, -ENAMETOOLONG, "%s: bridge %s", ns->name, name);
	ifi->ifi_flags = IFF_UP;
	ifi->ifi_change = IFF_UP;
	mnl_attr_put_strz(m, IFLA_IFNAME, name);
	info = mnl_attr_nest_start(m, IFLA_LINKINFO);
	mnl_attr_put_strz(m, IFLA_INFO_KIND, "bridge");
	data = mnl_attr_nest_start(m, IFLA_INFO_DATA);
	mnl_attr_put_u32(m, IFLA_BR_FORWARD_DELAY, 0);
	mnl_attr_put_u32(m, IFLA_BR_STP_STATE, 0);
	mnl_attr_put_u8(m, IFLA_BR_MCAST_SNOOPING, 0);
	mnl_attr_nest_end(m, data);
	mnl_attr_nest_end(m, info);
	snprintf(words, sizeof(words), "add bridge %s", name);
	r = net_request(ns, m, words, err);
	if (r < 0)
		return r;
	/* Bridged packets are not to pass the IP hooks; a kernel without br_netfilter has no such file. */
	r = net_sysctl(ns, "net.bridge.bridge-nf-call-iptables", "0", err);
	return r == -ENOENT ? 0 : r;
}

static struct nlmsghdr *link_message(struct net_ns *ns, char *buf, const char *link, unsigned int flags)
{
	struct nlmsghdr *m = net_message(buf, RTM_NEWLINK, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(m, sizeof(*ifi));

	ifi->ifi_index = (int)net_link_index(ns, link);
	ifi->ifi_flags = flags;
	if (ifi->ifi_index == 0)
		net_queue_failed(ns, -ENODEV, "link %s", link);
	return m;
}

void net_link_master(struct net_ns *ns, const char *link, const char *bridge)
{
	char buf[NET_MESSAGE_MAX];
	struct nlmsghdr *m = link_message(ns, buf, link, 0);
	unsigned int master = net_link_index(ns, bridge);

	/* the kernel takes no master for: out of the one it is in */
	if (master == 0) {
		net_queue_failed(ns, -ENODEV, "put %s into %s", link, bridge);
		return;
	}
	mnl_attr_put_u32(m, IFLA_MASTER, master);
	net_queue(ns, m, "put %s into %s", link, bridge);
}

static void link_set(struct net_ns *ns, const char *link, bool up)
{
	char buf[NET_MESSAGE_MAX];
	struct nlmsghdr *m = link_message(ns, buf, link, up ? IFF_UP : 0);
	struct ifinfomsg *ifi = mnl_nlmsg_get_payload(m);

	ifi->ifi_change = IFF_UP;
	net_queue(ns, m, "set %s %s", link, up ? "up" : "down");
}

void net_link_up(struct net_ns *ns, const char *link)
{
	link_set(ns, link, true);
}

void net_link_down(struct net_ns *ns, const char *link)
{
	link_set(ns, link, false);
}

void net_address_add(struct net_ns *ns, const char *link, const struct addr *a, unsigned int len)
{
	char buf[NET_MESSAGE_MAX];
	struct nlmsghdr *m = net_message(buf, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(m, sizeof(*ifa));

	ifa->ifa_family = net_af(a);
	ifa->ifa_prefixlen = (uint8_t)len;
	ifa->ifa_index = net_link_index(ns, link);
	if (ifa->ifa_index == 0)
		net_queue_failed(ns, -ENODEV, "address %s on %s", addr_text(a).s, link);
	net_put_addr(m, IFA_LOCAL, a);
	net_put_addr(m, IFA_ADDRESS, a);
	if (a->family == ADDR_V6)
		mnl_attr_put_u32(m, IFA_FLAGS, IFA_F_NODAD);
	net_queue(ns, m, "add address %s/%u to %s", addr_text(a).s, len, link);
}

void net_neighbour_add(struct net_ns *ns, const char *link, const struct addr *a, const uint8_t mac[6])
{
	char buf[NET_MESSAGE_MAX];
	struct nlmsghdr *m = net_message(buf, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
	struct ndmsg *nd = mnl_nlmsg_put_extra_header(m, sizeof(*nd));

	nd->ndm_family = net_af(a);
	nd->ndm_ifindex = (int)net_link_index(ns, link);
	nd->ndm_state = NUD_PERMANENT;
	net_put_addr(m, NDA_DST, a);
	mnl_attr_put(m, NDA_LLADDR, 6, mac);
	net_queue(ns, m, "add neighbour %s on %s", addr_text(a).s, link);
}

int net_link_info(struct net_ns *ns, const char *link, uint8_t ret_mac[6], unsigned int *ret_index, struct errmsg *err)
{
	struct ifreq r = ifreq_of(link);
	unsigned int index = net_link_index(ns, link);

	if (index == 0 || ioctl(ns->control, SIOCGIFHWADDR, &r) < 0)
		return errmsg_set(err, -ENODEV, "%s: link %s", ns->name, link);
	memcpy(ret_mac, r.ifr_hwaddr.sa_data, 6);
	*ret_index = index;
	return 0;
}

static int on_link_stats(const struct nlmsghdr *m, void *ctx)
{
	struct net_counters *c = ctx;
	struct rtnl_link_stats64 stats;
	const struct nlattr *attr;

	for (attr = mnl_nlmsg_get_payload_offset(m, sizeof(struct ifinfomsg)); net_attr_ok(attr, m);
	     attr = mnl_attr_next(attr)) {
		if (mnl_attr_get_type(attr) != IFLA_STATS64 || mnl_attr_get_payload_len(attr) < sizeof(stats))
			continue;
		memcpy(&stats, mnl_attr_get_payload(attr), sizeof(stats));
		*c = (struct net_counters){.rx_packets = stats.rx_packets,
					   .tx_packets = stats.tx_packets,
					   .rx_dropped = stats.rx_dropped,
					   .tx_dropped = stats.tx_dropped};
	}
	return MNL_CB_OK;
}

int net_link_counters(struct net_ns *ns, const char *link, struct net_counters *ret, struct errmsg *err)
{
	char buf[NET_MESSAGE_MAX];
	struct nlmsghdr *m = net_message(buf, RTM_GETLINK, 0);

	if (strlen(link) >= IFNAMSIZ)
		return errmsg_set(err, -ENODEV, "%s: link %s", ns->name, link);
	mnl_nlmsg_put_extra_header(m, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(m, IFLA_IFNAME, link);
	return net_query(ns, m, on_link_stats, ret, "counters", err);
}
