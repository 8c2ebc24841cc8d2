/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lab's ground: sandbox, network namespaces, links, addresses, routes, sysctls, nftables, FIB reading, processes.
 * Everything here talks to the kernel; nothing outside the sandbox is touched (D3). The only user of libmnl and
 * libnftables. All functions return 0 or -errno with a sentence in *err unless they say otherwise. */
#ifndef ECMPLAB_NET_H
#define ECMPLAB_NET_H

#include "addr.h"
#include "errmsg.h"
#include "instant.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* ---- Sandbox ---- */

/* Runs body in a child that is pid 1 of fresh user, mount, pid and network namespaces, root inside whoever calls, with
 * private /run, /etc (a writable copy-on-write view) and /var, its own /proc and /sys, and nothing of the host's network. The child
 * dies with the caller (kill -9 included) and takes everything in the sandbox along. SIGINT, SIGTERM and SIGHUP sent to the
 * caller are passed to the child; body sees them as usual. Descriptors that were open stay open. dir, which may be under
 * a hidden folder, stays reachable under its path (bind mount); NULL for none. Returns when all is gone: *ret_status
 * is body's return value, or 128 + signal when it was killed. Error: what this machine forbids, in words that help. */
int net_sandbox_run(int (*body)(void *arg), void *arg, const char *dir, int *ret_status, struct errmsg *err);

/* ---- Namespaces ---- */

struct net_ns; /* one network namespace with its netlink socket and queue of requests */

/* Makes a namespace, with lo up; name (at most 31 characters) is for messages and /run/netns (so that "ip netns exec" works inside
 * the sandbox). The caller's own namespace is unchanged. net_ns_free closes it; its links go when the kernel gets to it. */
int net_ns_new(const char *name, struct net_ns **ret, struct errmsg *err);
void net_ns_free(struct net_ns *ns);
const char *net_ns_name(const struct net_ns *ns);
int net_ns_fd(const struct net_ns *ns);
/* The calling thread enters the namespace; net_ns_leave returns to the one it was in at program start. */
int net_ns_enter(const struct net_ns *ns, struct errmsg *err);
int net_ns_leave(struct errmsg *err);

/* ---- Netlink in batches: calls queue a request; net_flush sends all of a namespace's and reports the first failure
 * in the words of what was asked ("worker1: add route 10.0.0.0/24 via 10.0.0.1"). ---- */

/* A veth pair with an end in each of two namespaces (which may be the same); takes effect at once (not queued) so that
 * both ends can be used. Offloads that change what a wire would show (TSO, GSO, GRO, checksums) are off at both ends.
 * MAC addresses are derived from `mac` (locally administered), so that captures are the same in each run. */
int net_veth(struct net_ns *a, const char *name_a, struct net_ns *b, const char *name_b, uint32_t mac,
	     struct errmsg *err);
/* A bridge without STP and multicast snooping that forwards at once. */
int net_bridge(struct net_ns *ns, const char *name, struct errmsg *err);
void net_link_master(struct net_ns *ns, const char *link, const char *bridge);
void net_link_up(struct net_ns *ns, const char *link);
void net_link_down(struct net_ns *ns, const char *link);
void net_address_add(struct net_ns *ns, const char *link, const struct addr *a, unsigned int len);
/* A route; gateway ADDR_NONE: directly on link. link NULL: by the gateway. */
void net_route_add(struct net_ns *ns, const struct prefix *to, const struct addr *gateway, const char *link);
/* Replaces (atomically, NLM_F_REPLACE) the route by one multipath route over the gateways, or a plain one for one, with
 * protocol bgp (186); n 0 deletes it. */
void net_route_multipath(struct net_ns *ns, const struct prefix *to, const struct addr *gateways, size_t n);
/* The same with weights of 1 to 256; NULL: all equal. */
void net_route_weighted(struct net_ns *ns, const struct prefix *to, const struct addr *gateways,
			const uint16_t *weights, size_t n);
/* A permanent neighbour entry (never ages, does not count against gc_thresh). */
void net_neighbour_add(struct net_ns *ns, const char *link, const struct addr *a, const uint8_t mac[6]);
int net_flush(struct net_ns *ns, struct errmsg *err);
/* Returns once packets can leave by every link here that is up at both its ends: the kernel drops them for a while after that. */
int net_links_ready(struct net_ns *ns, struct errmsg *err);

struct net_sysctl {
	const char *name, *value;
};

/* Sets a sysctl by its dotted or slashed name in the namespace ("net.ipv4.ip_forward"); -ENOENT where this kernel has none,
 * -EPERM for one that is not of a network namespace. */
int net_sysctl(struct net_ns *ns, const char *name, const char *value, struct errmsg *err);
/* Several at once: -ENOENT ones are passed over where `lacking` says so. The first failure ends it. */
int net_sysctls(struct net_ns *ns, const struct net_sysctl *what, size_t n, bool lacking, struct errmsg *err);
int net_sysctl_get(struct net_ns *ns, const char *name, char *ret, size_t room, struct errmsg *err);
/* MAC and index of a link. */
int net_link_info(struct net_ns *ns, const char *link, uint8_t ret_mac[6], unsigned int *ret_index, struct errmsg *err);
/* Counters of a link as the kernel keeps them. */
struct net_counters {
	uint64_t rx_packets, tx_packets, rx_dropped, tx_dropped;
};
int net_link_counters(struct net_ns *ns, const char *link, struct net_counters *ret, struct errmsg *err);

/* ---- The kernel's tables of learnt neighbours: one a family, for all namespaces of the machine ---- */

enum net_neighbour_table { NET_ARP, NET_ND, NET_NEIGHBOUR_TABLES };

struct net_neighbours {
	uint64_t
		refused; /* entries that found no room since the machine began, in any namespace; their packets were dropped */
	uint32_t max; /* gc_thresh3; 0: this kernel does not tell */
};

/* By any namespace, since they are told alike in all. A table that the kernel does not tell of is zero. */
int net_neighbours_read(struct net_ns *ns, struct net_neighbours ret[static NET_NEIGHBOUR_TABLES], struct errmsg *err);

/* ---- nftables ---- */

/* Runs an nft script in the namespace as one transaction. */
int net_nft(struct net_ns *ns, const char *script, struct errmsg *err);
/* The ruleset as nft prints it; the caller frees *ret. */
int net_nft_list(struct net_ns *ns, char **ret, struct errmsg *err);

/* ---- FIB ---- */

#define NET_FIB_HOPS_MAX 256
#define NET_FIB_MAIN 254 /* the kernel's main table, which daemons write to */

struct net_fib_hop {
	struct addr gateway; /* ADDR_NONE: on link */
	unsigned int ifindex;
	unsigned int weight; /* 1 and up */
	uint32_t id;	     /* of its nexthop object; 0: none */
};

struct net_fib_route {
	struct prefix prefix;
	uint8_t protocol; /* RTPROT_*: 12 bird, 186 bgp, 2 kernel, ... */
	uint8_t type;	  /* RTN_UNICAST, RTN_UNREACHABLE, ... */
	uint32_t metric;
	uint32_t group; /* the nexthop object that the route names; 0: none */
	bool resilient; /* and it is a resilient group: net_fib_shares counts its buckets */
	size_t hop_count; /* nexthop objects and groups are resolved; what the kernel passes over (link down) is left out */
	struct net_fib_hop hops[NET_FIB_HOPS_MAX];
};

enum net_fib_change { NET_FIB_NEW, NET_FIB_REPLACE, NET_FIB_DELETED };

typedef void net_fib_fn(void *ctx, enum net_fib_change change, const struct net_fib_route *route);

/* Calls fn for each route of the table, IPv4 and IPv6. */
int net_fib_dump(struct net_ns *ns, uint8_t table, net_fib_fn *fn, void *ctx, struct errmsg *err);

struct net_fib_monitor; /* a netlink subscription to a table's changes (and nexthop objects) */

/* Subscribes; changes from here on are not missed (an overrun is an error of net_fib_read: -ENOBUFS). What the kernel takes or
 * gives back in silence (with a link, an address, a nexthop object) is told by the next net_fib_read. The namespace must
 * outlive the monitor's last read. */
int net_fib_monitor_new(struct net_ns *ns, uint8_t table, struct net_fib_monitor **ret, struct errmsg *err);
int net_fib_monitor_fd(const struct net_fib_monitor *m);
/* Reads what is there without waiting and calls fn for each change. */
int net_fib_read(struct net_fib_monitor *m, net_fib_fn *fn, void *ctx, struct errmsg *err);
void net_fib_monitor_free(struct net_fib_monitor *m);

/* ---- Sockets and processes ---- */

/* A non-blocking, close-on-exec socket that belongs to the namespace. Returns the descriptor or -errno. */
int net_socket(struct net_ns *ns, int domain, int type, int protocol, struct errmsg *err);

struct net_spawn {
	const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH and the sbin folders */
	int output;		 /* descriptor for stdout and stderr, or -1: /dev/null */
	int input;		 /* descriptor for stdin, or -1: /dev/null */
	const char *dir;	 /* working directory, or NULL: unchanged */
	bool one_user; /* changing user, group or owner succeeds without effect, where the kernel has seccomp */
};

/* Starts a program in the namespace, dying with this process. Returns its pid, or -errno: -ENOENT when no such
 * program is installed. The caller reaps it. */
pid_t net_spawn(struct net_ns *ns, const struct net_spawn *what, struct errmsg *err);
/* Before a started program is killed: the TCP connections that it has now end without a word (no FIN, no RST), as those of a
 * machine that loses its power. What comes for them later is answered with RST. */
int net_unplug(pid_t pid, struct errmsg *err);

/* ---- What this machine can do (doctor) ---- */

enum net_ability_state { NET_ABLE, NET_UNABLE, NET_UNKNOWN };

struct net_ability {
	const char *name;	/* "resilient nexthop groups"; static */
	const char *needed_for; /* static */
	bool required;		/* no lab runs without it */
	enum net_ability_state state;
	char detail[200]; /* why not, in words */
};

/* Tries each ability for real, inside a sandbox of its own. Returns the number written, at most room. */
size_t net_abilities(struct net_ability *ret, size_t room);
/* Looks a program up where net_spawn does; false when it is not installed. */
bool net_program_find(const char *name, char *ret_path, size_t room);

#endif
