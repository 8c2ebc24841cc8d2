/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's tables of learnt neighbours, one a family for all network namespaces. /proc/net/stat has their counts in the
 * machine's first namespace alone; netlink tells them, and the limit, in each. */
#include "net_int.h"

#include <linux/neighbour.h>
#include <string.h>

static const char *const names[NET_NEIGHBOUR_TABLES] = {[NET_ARP] = "arp_cache", [NET_ND] = "ndisc_cache"};

static bool is_named(const struct nlattr *a, const char *name)
{
	size_t len = strlen(name) + 1;

	return mnl_attr_get_payload_len(a) == len && memcmp(mnl_attr_get_payload(a), name, len) == 0;
}

bool net_neighbours_answer(const struct nlmsghdr *m, struct net_neighbours ret[static NET_NEIGHBOUR_TABLES])
{
	const struct nlattr *a, *name = NULL, *stats = NULL, *limit = NULL;
	struct ndt_stats counts;

	if (mnl_nlmsg_get_payload_len(m) < sizeof(struct ndtmsg))
		return false;
	for (a = mnl_nlmsg_get_payload_offset(m, sizeof(struct ndtmsg)); net_attr_ok(a, m); a = mnl_attr_next(a)) {
		if (mnl_attr_get_type(a) == NDTA_NAME)
			name = a;
		else if (mnl_attr_get_type(a) == NDTA_STATS)
			stats = a;
		else if (mnl_attr_get_type(a) == NDTA_THRESH3)
			limit = a;
	}
	/* A table's other messages are about one link each. Kernels before 4.3 did not count. */
	if (name == NULL || limit == NULL || stats == NULL || mnl_attr_get_payload_len(stats) < sizeof(counts))
		return false;
	memcpy(&counts, mnl_attr_get_payload(stats), sizeof(counts));
	for (size_t i = 0; i < NET_NEIGHBOUR_TABLES; i++) {
		if (is_named(name, names[i]))
			ret[i] =
				(struct net_neighbours){.refused = counts.ndts_table_fulls, .max = net_attr_u32(limit)};
	}
	return true;
}

static int on_table(const struct nlmsghdr *m, void *ctx)
{
	(void)net_neighbours_answer(m, ctx);
	return MNL_CB_OK;
}

int net_neighbours_read(struct net_ns *ns, struct net_neighbours ret[static NET_NEIGHBOUR_TABLES], struct errmsg *err)
{
	char buf[NET_MESSAGE_MAX];
	struct nlmsghdr *m = net_message(buf, RTM_GETNEIGHTBL, NLM_F_DUMP);

	((struct ndtmsg *)mnl_nlmsg_put_extra_header(m, sizeof(struct ndtmsg)))->ndtm_family = AF_UNSPEC;
	memset(ret, 0, NET_NEIGHBOUR_TABLES * sizeof(*ret));
	return net_query(ns, m, on_table, ret, "read the neighbour tables", err);
}
