/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the router's kernel divides traffic between next hops: its hash, groups of next hops, what these promise to each, and
 * where it would send a packet. Part of sim/net; errors as in net.h. */
#ifndef ECMPLAB_MULTIPATH_H
#define ECMPLAB_MULTIPATH_H

#include "net.h"

/* ---- The hash ---- */

/* What a router's hash looks at. The names are the kernel's (net.ipv4.fib_multipath_hash_policy). */
enum net_hash_policy {
	NET_HASH_L3, /* addresses; of IPv6 the flow label too */
	NET_HASH_L4, /* addresses, protocol and ports, but of a packet that came over veth from a socket that socket's own hash */
	NET_HASH_INNER_L3, /* addresses, of a tunnel's packet those inside */
	NET_HASH_FIELDS,   /* `fields` of the packet itself */
};

/* Bits of net.ipv4.fib_multipath_hash_fields. */
enum net_hash_field {
	NET_HASH_SRC = 0x1,
	NET_HASH_DST = 0x2,
	NET_HASH_PROTOCOL = 0x4,
	NET_HASH_FLOW_LABEL = 0x8,
	NET_HASH_SRC_PORT = 0x10,
	NET_HASH_DST_PORT = 0x20,
	NET_HASH_INNER_SRC = 0x40,
	NET_HASH_INNER_DST = 0x80,
	NET_HASH_INNER_PROTOCOL = 0x100,
	NET_HASH_INNER_FLOW_LABEL = 0x200,
	NET_HASH_INNER_SRC_PORT = 0x400,
	NET_HASH_INNER_DST_PORT = 0x800,
};
#define NET_HASH_OUTER 0x3fU /* all but the inner ones */
/* What a physical router's 5-tuple hash looks at, and a carried socket hash has no part in. */
#define NET_HASH_5_TUPLE (NET_HASH_SRC | NET_HASH_DST | NET_HASH_PROTOCOL | NET_HASH_SRC_PORT | NET_HASH_DST_PORT)

struct net_hash {
	enum net_hash_policy policy;
	unsigned int fields; /* enum net_hash_field, ored; with NET_HASH_FIELDS, else 0 */
	uint32_t seed;	     /* 0: drawn by the kernel when it started */
	bool use_neighbours; /* next hops whose neighbour is known to be dead are passed over; IPv4 alone */
};

/* Sets it for IPv4 and IPv6. *ret_seeded: false where the kernel has no seed to set (before Linux 6.11). */
int net_hash_set(struct net_ns *ns, const struct net_hash *hash, bool *ret_seeded, struct errmsg *err);
/* What IPv4's is; seed 0 where the kernel has none. */
int net_hash_get(struct net_ns *ns, struct net_hash *ret, struct errmsg *err);

/* ---- Nexthop groups ---- */

/* How routes over nexthop groups choose: by hash-threshold and weight as plain ones do, or by buckets that stay where they lead
 * while that next hop is there (resilient). */
struct net_group_conf {
	bool resilient;
	uint16_t buckets;      /* 0: the kernel's default, 128 */
	int64_t idle_ns;       /* a bucket unused for so long may move; 0: any may at once */
	int64_t unbalanced_ns; /* after so long out of balance busy buckets move too; 0: never */
	uint8_t table;	       /* of the routes; 0: the main one */
};

struct net_groups;

/* The namespace must outlive it; what it made in the kernel stays. NULL with *err. */
struct net_groups *net_groups_new(struct net_ns *ns, const struct net_group_conf *conf, struct errmsg *err);
void net_groups_free(struct net_groups *g);
/* As net_route_weighted, queued like it; of a prefix that has its group the members are replaced as one. */
void net_groups_route(struct net_groups *g, const struct prefix *to, const struct addr *gateways,
		      const uint16_t *weights, size_t n);

/* ---- A forwarding plane beside a daemon's routes ---- */

#define NET_MIRROR_TABLE 179

/* What the agent of a switch does with the routes that a routing daemon writes into the kernel: those of the main table go, as they
 * change, into a table of its own that forwarding asks first, and what has gateways goes over nexthop groups there. The group of a
 * route that is deleted stays, for some daemons delete routes and add them again to change them. Of a route next hops, weights and
 * metric are followed and nothing else; those of fe80::/10 stay where they are. */
struct net_mirror;

/* Takes over what is there. The namespace must outlive the mirror; what it made in the kernel stays. NULL with *err. */
struct net_mirror *net_mirror_new(struct net_ns *ns, const struct net_group_conf *conf, struct errmsg *err);
void net_mirror_free(struct net_mirror *m);
/* Readable when the main table may have changed. */
int net_mirror_fd(const struct net_mirror *m);
/* Takes over what has changed, without waiting. Of what the kernel refuses the first is told (code 0: nothing); such a route may be
 * as it was. */
int net_mirror_read(struct net_mirror *m, struct errmsg *ret_refused, struct errmsg *err);

/* ---- Promised shares ---- */

/* What the route of an address promises to each next hop: `weights` are the route's own, or the buckets of a resilient group that
 * lead there now. */
struct net_fib_shares {
	struct net_fib_route route; /* the one that forwarding would take; hop_count 0 where it has none or refuses */
	unsigned int weights[NET_FIB_HOPS_MAX];
	uint32_t buckets; /* of the resilient group; 0: none */
};

/* 0 also where there is no route. */
int net_fib_shares(struct net_ns *ns, const struct addr *dst, struct net_fib_shares *ret, struct errmsg *err);

/* ---- The kernel as oracle: where would it forward these? ---- */

/* Who made a packet: a socket that is connected leaves its own hash with it over veth, and draws IPv6 flow labels. */
enum net_origin { NET_CRAFTED, NET_LOOSE_SOCKET, NET_CONNECTED_SOCKET };

/* What a packet shows to the router's hash. */
struct net_tuple {
	struct addr src, dst;
	uint8_t protocol; /* IPPROTO_*; the kernel answers for TCP, UDP, ICMP and ICMPv6 */
	bool fragment;	  /* any, the first one too: its ports don't count */
	enum net_origin origin;
	uint16_t src_port, dst_port; /* host order */
	uint32_t flow_label;	     /* IPv6; asked for where the kernel takes it (Linux 6.12) */
	uint32_t mark;
};

struct net_fate {
	int error;    /* 0, or -errno with which the kernel would refuse the packet: -ENETUNREACH, -EHOSTUNREACH, ... */
	uint8_t type; /* RTN_UNICAST; RTN_LOCAL when the router itself is meant */
	struct addr gateway; /* ADDR_NONE: on link */
	unsigned int ifindex;
};

/* Looks the route of each packet up as if it came in by the link, in the order given. Thousands take some milliseconds. In a
 * resilient group a lookup counts as a use of its bucket, as the packet will. */
int net_oracle(struct net_ns *ns, const char *in, const struct net_tuple *tuples, size_t n, struct net_fate *ret,
	       struct errmsg *err);
/* Why such a lookup can't know what the packet's hash will be, in words; NULL: it knows. Found by experiment (Linux 6.18). */
const char *net_oracle_doubt(const struct net_hash *hash, const struct net_tuple *t);

#endif
