/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this kernel lets a lab do, found out by doing it. */
#include "net_int.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <linux/nexthop.h>
#include <linux/pkt_sched.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef TCP_AO_ADD_KEY
#define TCP_AO_ADD_KEY 38
#endif

/* The ground that the attempts share: two namespaces, a veth pair between them. */
struct ground {
	struct net_ns *a, *b;
};

struct attempt {
	const char *name;
	const char *needed_for;
	bool required;
	int (*try)(struct ground *g, struct errmsg *err);
};

static int try_sandbox(struct ground *g, struct errmsg *err)
{
	(void)g;
	(void)err;
	return 0; /* this runs in one */
}

static int try_namespaces(struct ground *g, struct errmsg *err)
{
	int r = net_ns_new("probe-a", &g->a, err);

	return r < 0 ? r : net_ns_new("probe-b", &g->b, err);
}

static int try_veth(struct ground *g, struct errmsg *err)
{
	const struct addr address = addr_v4(0x0a000001);
	int r = net_veth(g->a, "v0", g->b, "v0", 2, err);

	if (r < 0)
		return r;
	net_link_up(g->a, "v0");
	net_link_up(g->b, "v0");
	net_address_add(g->a, "v0", &address, 24);
	r = net_flush(g->b, err);
	return r < 0 ? r : net_flush(g->a, err);
}

static int try_bridge(struct ground *g, struct errmsg *err)
{
	return net_bridge(g->b, "br0", err);
}

static int link_try(struct ground *g, const char *kind, struct errmsg *err)
{
	char buf[NET_MESSAGE_MAX];
	struct nlmsghdr *m = net_message(buf, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct nlattr *info, *data;

	mnl_nlmsg_put_extra_header(m, sizeof(struct ifinfomsg));
	mnl_attr_put_u32(m, IFLA_LINK, net_link_index(g->a, "v0"));
	info = mnl_attr_nest_start(m, IFLA_LINKINFO);
	mnl_attr_put_strz(m, IFLA_INFO_KIND, kind);
	if (strcmp(kind, "vrf") == 0) {
		data = mnl_attr_nest_start(m, IFLA_INFO_DATA);
		mnl_attr_put_u32(m, IFLA_VRF_TABLE, 10);
		mnl_attr_nest_end(m, data);
	}
	mnl_attr_nest_end(m, info);
	return net_request(g->a, m, kind, err);
}

static int try_macvlan(struct ground *g, struct errmsg *err)
{
	return link_try(g, "macvlan", err);
}

static int try_dummy(struct ground *g, struct errmsg *err)
{
	return link_try(g, "dummy", err);
}

static int try_vrf(struct ground *g, struct errmsg *err)
{
	return link_try(g, "vrf", err);
}

static int try_multipath(struct ground *g, struct errmsg *err)
{
	const struct addr hops[] = {addr_v4(0x0a000002), addr_v4(0x0a000003)};
	const struct prefix to = {.addr = addr_v4(0xac10fe01), .len = 32};

	net_route_multipath(g->a, &to, hops, 2);
	return net_flush(g->a, err);
}

static int nexthop_try(struct ground *g, uint32_t id, bool resilient, struct errmsg *err)
{
	char buf[NET_MESSAGE_MAX];
	struct nlmsghdr *m = net_message(buf, RTM_NEWNEXTHOP, NLM_F_CREATE | NLM_F_EXCL);
	struct nhmsg *nh = mnl_nlmsg_put_extra_header(m, sizeof(*nh));
	const struct addr gateway = addr_v4(0x0a000002);
	const struct nexthop_grp member = {.id = 1};
	struct nlattr *options;

	nh->nh_family = resilient ? AF_UNSPEC : AF_INET;
	mnl_attr_put_u32(m, NHA_ID, id);
	if (resilient) {
		mnl_attr_put(m, NHA_GROUP, sizeof(member), &member);
		mnl_attr_put_u16(m, NHA_GROUP_TYPE, NEXTHOP_GRP_TYPE_RES);
		options = mnl_attr_nest_start(m, NHA_RES_GROUP);
		mnl_attr_put_u16(m, NHA_RES_GROUP_BUCKETS, 128);
		mnl_attr_nest_end(m, options);
	} else {
		mnl_attr_put_u32(m, NHA_OIF, net_link_index(g->a, "v0"));
		net_put_addr(m, NHA_GATEWAY, &gateway);
	}
	return net_request(g->a, m, "nexthop object", err);
}

static int try_nexthop(struct ground *g, struct errmsg *err)
{
	return nexthop_try(g, 1, false, err);
}

static int try_resilient(struct ground *g, struct errmsg *err)
{
	return nexthop_try(g, 2, true, err);
}

static int try_nft(struct ground *g, struct errmsg *err)
{
	return net_nft(
		g->a,
		"table ip probe {\nchain c {\ntype nat hook prerouting priority -100;\n"
		"ip daddr 172.16.254.1 tcp dport 80 dnat to numgen random mod 2 map { 0 : 10.0.0.2, 1 : 10.0.0.3 }\n"
		"}\n}\n",
		err);
}

static int try_policy(struct ground *g, struct errmsg *err)
{
	int r = net_sysctl(g->a, "net.ipv4.fib_multipath_hash_policy", "3", err);

	return r < 0 ? r : net_sysctl(g->a, "net.ipv4.fib_multipath_hash_fields", "0x37", err);
}

static int try_seed(struct ground *g, struct errmsg *err)
{
	return net_sysctl(g->a, "net.ipv4.fib_multipath_hash_seed", "7", err);
}

static int try_packet_ring(struct ground *g, struct errmsg *err)
{
	int fd = net_socket(g->a, AF_PACKET, SOCK_RAW, 0, err), version = TPACKET_V3;
	int r = fd < 0 ? fd : 0;

	if (fd >= 0 && setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0)
		r = errmsg_set(err, -errno, "TPACKET_V3");
	if (fd >= 0)
		close(fd);
	return r;
}

static int tcp_option_try(struct ground *g, int option, const void *value, socklen_t len, struct errmsg *err)
{
	int fd = net_socket(g->a, AF_INET, SOCK_STREAM, 0, err);
	int r = fd < 0 ? fd : 0;

	if (fd >= 0 && setsockopt(fd, IPPROTO_TCP, option, value, len) < 0)
		r = errmsg_set(err, -errno, "socket option");
	if (fd >= 0)
		close(fd);
	return r;
}

static int try_md5(struct ground *g, struct errmsg *err)
{
	struct tcp_md5sig key = {.tcpm_keylen = 6, .tcpm_key = "secret"};

	key.tcpm_addr.ss_family = AF_INET;
	return tcp_option_try(g, TCP_MD5SIG, &key, sizeof(key), err);
}

/* With a value that is too short, a kernel that has the option says EINVAL, one that has not ENOPROTOOPT. */
static int try_tcp_ao(struct ground *g, struct errmsg *err)
{
	const int too_short = 0;
	int r = tcp_option_try(g, TCP_AO_ADD_KEY, &too_short, sizeof(too_short), err);

	return r == -EINVAL ? 0 : r;
}

static int try_netem(struct ground *g, struct errmsg *err)
{
	char buf[NET_MESSAGE_MAX];
	struct nlmsghdr *m = net_message(buf, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL);
	struct tcmsg *tc = mnl_nlmsg_put_extra_header(m, sizeof(*tc));
	const uint32_t options[6] = {0, 1000};

	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = (int)net_link_index(g->a, "v0");
	tc->tcm_parent = TC_H_ROOT;
	mnl_attr_put_strz(m, TCA_KIND, "netem");
	mnl_attr_put(m, TCA_OPTIONS, sizeof(options), options);
	return net_request(g->a, m, "netem", err);
}

static int try_ipvs(struct ground *g, struct errmsg *err)
{
	char text[32];

	return net_sysctl_get(g->a, "net.ipv4.vs.conntrack", text, sizeof(text), err);
}

static int try_overlay(struct ground *g, struct errmsg *err)
{
	(void)g;
	(void)mkdir("/run/probe", 0755);
	(void)mkdir("/run/probe/upper", 0755);
	(void)mkdir("/run/probe/work", 0755);
	if (mount("overlay", "/etc", "overlay", 0,
		  "lowerdir=/etc,upperdir=/run/probe/upper,workdir=/run/probe/work,userxattr") < 0)
		return errmsg_set(err, -errno, "overlay on /etc");
	return 0;
}

static const struct attempt attempts[] = {
	{"user, mount, pid namespaces", "every lab", true, try_sandbox},
	{"network namespaces", "every lab", true, try_namespaces},
	{"veth", "every lab", true, try_veth},
	{"bridge", "every lab", true, try_bridge},
	{"packet capture rings", "every lab", true, try_packet_ring},
	{"nftables NAT with numgen", "kube-proxy's rules", true, try_nft},
	{"multipath routes", "ECMP", true, try_multipath},
	{"multipath hash policy 3", "multipath_hash: l4", false, try_policy},
	{"multipath hash seed", "runs that repeat with --seed", false, try_seed},
	{"nexthop objects", "FRR as router", false, try_nexthop},
	{"resilient nexthop groups", "resilient ECMP", false, try_resilient},
	{"TCP MD5", "sessions with passwords", false, try_md5},
	{"overlay on /etc", "daemons that write there", false, try_overlay},
	{"macvlan", "nothing yet", false, try_macvlan},
	{"netem", "delay and loss by the kernel", false, try_netem},
	{"dummy", "nothing yet", false, try_dummy},
	{"VRF", "nothing yet", false, try_vrf},
	{"IPVS", "nothing yet", false, try_ipvs},
	{"TCP-AO", "nothing yet", false, try_tcp_ao},
};

#define ATTEMPTS (sizeof(attempts) / sizeof(attempts[0]))

struct result {
	bool tried;
	int code;
	char text[sizeof(((struct net_ability *)NULL)->detail)];
};

static int try_all(void *arg)
{
	struct result *results = arg;
	struct ground g = {0};

	for (size_t i = 0; i < ATTEMPTS; i++) {
		struct errmsg err = {0};

		results[i].code = attempts[i].try(&g, &err);
		snprintf(results[i].text, sizeof(results[i].text), "%.199s", err.text);
		results[i].tried = true;
		if (results[i].code < 0 && attempts[i].required && i < 3)
			break; /* no ground for the rest */
	}
	net_ns_free(g.a);
	net_ns_free(g.b);
	return 0;
}

size_t net_abilities(struct net_ability *ret, size_t room)
{
	size_t n = room < ATTEMPTS ? room : ATTEMPTS;
	struct result *results =
		mmap(NULL, ATTEMPTS * sizeof(*results), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct errmsg err = {0};
	int status;

	if (results == MAP_FAILED)
		memory_exhausted();
	if (net_sandbox_run(try_all, results, NULL, &status, &err) < 0) {
		results[0] = (struct result){.tried = true, .code = -EPERM};
		snprintf(results[0].text, sizeof(results[0].text), "%.199s", err.text);
	}
	for (size_t i = 0; i < n; i++) {
		ret[i] = (struct net_ability){.name = attempts[i].name,
					      .needed_for = attempts[i].needed_for,
					      .required = attempts[i].required,
					      .state = !results[i].tried      ? NET_UNKNOWN
						       : results[i].code == 0 ? NET_ABLE
									      : NET_UNABLE};
		if (results[i].code != 0)
			memcpy(ret[i].detail, results[i].text, sizeof(ret[i].detail));
	}
	munmap(results, ATTEMPTS * sizeof(*results));
	return n;
}
