/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Route lookups in batches: the kernel says, before a packet is sent, where it would go. */
#include "multipath.h"
#include "net_int.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* Answers must fit the socket's receive buffer, each with the kernel's bookkeeping. */
#define BATCH 64U
/* Longer than any request and any answer to one. */
#define REQUEST_MAX 160U
#define ANSWER_MAX 1024U

/* The headers of Linux before 6.12 lack it. */
#define ATTR_FLOWLABEL 31

/* The kernel's dissector stops at a fragment before its ports. */
static bool has_ports(const struct net_tuple *t)
{
	return !t->fragment && (t->protocol == IPPROTO_TCP || t->protocol == IPPROTO_UDP);
}

static size_t put(char *buf, const struct net_tuple *t, unsigned int in, bool label)
{
	struct nlmsghdr *m = net_message(buf, RTM_GETROUTE, 0);
	struct rtmsg *rt = mnl_nlmsg_put_extra_header(m, sizeof(*rt));
	uint16_t bits = t->dst.family == ADDR_V4 ? 32 : 128;

	rt->rtm_family = net_af(&t->dst);
	rt->rtm_dst_len = (uint8_t)bits;
	rt->rtm_src_len = (uint8_t)bits;
	net_put_addr(m, RTA_DST, &t->dst);
	net_put_addr(m, RTA_SRC, &t->src);
	mnl_attr_put_u32(m, RTA_IIF, in);
	mnl_attr_put_u8(m, RTA_IP_PROTO, t->protocol);
	if (has_ports(t) && t->src_port != 0)
		mnl_attr_put_u16(m, RTA_SPORT, htons(t->src_port));
	if (has_ports(t) && t->dst_port != 0)
		mnl_attr_put_u16(m, RTA_DPORT, htons(t->dst_port));
	if (t->mark != 0)
		mnl_attr_put_u32(m, RTA_MARK, t->mark);
	if (label && t->flow_label != 0 && t->dst.family == ADDR_V6)
		mnl_attr_put_u32(m, ATTR_FLOWLABEL, htonl(t->flow_label));
	return m->nlmsg_len;
}

static void fate_read(const struct nlmsghdr *m, struct net_fate *ret)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(m);
	const struct nlattr *a;

	ret->type = rt->rtm_type;
	for (a = mnl_nlmsg_get_payload_offset(m, sizeof(*rt)); net_attr_ok(a, m); a = mnl_attr_next(a)) {
		if (mnl_attr_get_type(a) == RTA_OIF)
			ret->ifindex = net_attr_u32(a);
		else if (mnl_attr_get_type(a) == RTA_GATEWAY)
			ret->gateway = net_attr_addr(a);
		else if (mnl_attr_get_type(a) == RTA_VIA)
			ret->gateway = net_attr_via(a);
	}
}

int net_oracle_answer(const struct nlmsghdr *m, size_t len, uint32_t first, struct net_fate *ret, size_t n)
{
	const struct nlmsgerr *e;
	uint32_t i;

	if (!mnl_nlmsg_ok(m, (int)len))
		return -EPROTO;
	i = m->nlmsg_seq - first;
	if (i >= n)
		return (int32_t)i < 0 ? 0 : -EPROTO;
	ret[i] = (struct net_fate){0};
	if (m->nlmsg_type == RTM_NEWROUTE && mnl_nlmsg_get_payload_len(m) >= sizeof(struct rtmsg)) {
		fate_read(m, &ret[i]);
		return 1;
	}
	if (m->nlmsg_type != NLMSG_ERROR || mnl_nlmsg_get_payload_len(m) < sizeof(e->error))
		return -EPROTO;
	e = mnl_nlmsg_get_payload(m);
	ret[i].error = e->error;
	return 1;
}

static int answers_read(struct net_ns *ns, uint32_t first, struct net_fate *ret, size_t n)
{
	char buf[BATCH][ANSWER_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct iovec parts[BATCH];
	struct mmsghdr all[BATCH] = {0};
	size_t got = 0;

	for (size_t i = 0; i < BATCH; i++) {
		parts[i] = (struct iovec){.iov_base = &buf[i], .iov_len = sizeof(buf[i])};
		all[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
	}
	while (got < n) {
		int k = recvmmsg(mnl_socket_get_fd(ns->netlink), all, (unsigned int)(n - got), MSG_WAITFORONE, NULL);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -errno;
		for (int i = 0; i < k; i++) {
			int r = net_oracle_answer((const void *)buf[i], all[i].msg_len, first, ret, n);

			if (r < 0)
				return r;
			got += (size_t)r;
		}
	}
	return 0;
}

static int batch_ask(struct net_ns *ns, unsigned int in, const struct net_tuple *tuples, size_t n, bool label,
		     struct net_fate *ret)
{
	char buf[BATCH * REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	uint32_t first = ns->seq + 1;
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		struct nlmsghdr *m = (struct nlmsghdr *)(void *)(buf + len);

		len += NLMSG_ALIGN(put(buf + len, &tuples[i], in, label));
		m->nlmsg_seq = ++ns->seq;
	}
	if (mnl_socket_sendto(ns->netlink, buf, len) < 0)
		return -errno;
	return answers_read(ns, first, ret, n);
}

/* A kernel that knows no flow label refuses the attribute; it is then asked without. */
static bool refused_label(const struct net_tuple *t, const struct net_fate *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (f[i].error == -EINVAL && t[i].flow_label != 0 && t[i].dst.family == ADDR_V6)
			return true;
	}
	return false;
}

const char *net_oracle_doubt(const struct net_hash *hash, const struct net_tuple *t)
{
	bool v6 = t->dst.family == ADDR_V6;

	if (v6 && hash->policy == NET_HASH_FIELDS)
		return "with custom fields the kernel hashes an IPv6 packet in another way than a lookup's tuple";
	if (v6 && t->origin != NET_CRAFTED)
		return "the kernel draws the flow label and the hash of an IPv6 socket's packets when it sends them";
	if (hash->policy == NET_HASH_L4 && t->origin == NET_CONNECTED_SOCKET)
		return "policy 1 takes the hash that the sending socket drew, which veth carries along and no wire "
		       "does";
	if (v6 && hash->policy == NET_HASH_L3 && t->fragment)
		return "the kernel hashes an IPv6 fragment by its extension header's number, which no lookup can name";
	if (v6 && hash->policy == NET_HASH_INNER_L3 && t->flow_label != 0)
		return "under policy 2 the kernel reads a packet's flow label in another byte order than a lookup's";
	return NULL;
}

int net_oracle(struct net_ns *ns, const char *in, const struct net_tuple *tuples, size_t n, struct net_fate *ret,
	       struct errmsg *err)
{
	unsigned int index = net_link_index(ns, in);
	bool label = true;

	if (index == 0)
		return errmsg_set(err, -ENODEV, "%s: routes by %s", ns->name, in);
	for (size_t at = 0; at < n;) {
		size_t some = n - at < BATCH ? n - at : BATCH;
		int r = batch_ask(ns, index, tuples + at, some, label, ret + at);

		if (r < 0)
			return errmsg_set(err, r, "%s: ask for routes", ns->name);
		if (label && refused_label(tuples + at, ret + at, some))
			label = false;
		else
			at += some;
	}
	return 0;
}
