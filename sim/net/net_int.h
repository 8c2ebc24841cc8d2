/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECMPLAB_NET_INT_H
#define ECMPLAB_NET_INT_H

#include "multipath.h"
#include "net.h"
#include "vec.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

/* Where the sandbox keeps its first network namespace, so that a thread finds its way back. */
#define NET_HOME "/run/ecmplab.home"

/* Room for any message that this program sends, multipath routes of NET_FIB_HOPS_MAX included. */
#define NET_MESSAGE_MAX 8192

/* RTPROT_BGP, which older headers lack */
#define NET_PROTOCOL_BGP 186

struct nft_ctx;

/* A low descriptor that is kept for libnftables from the sandbox's beginning. */
#define NET_SPARE_FD 900
void net_spare_keep(void);
void net_nft_free(struct net_ns *ns);

/* A request that waits for net_flush, and the words to report its failure with. */
struct request {
	size_t offset; /* into the queue */
	size_t len;
	uint32_t seq;
	bool lenient; /* what it deletes may be gone already */
	char words[96];
};

struct net_ns {
	char name[32];
	int fd;
	int control; /* a datagram socket of the namespace, for interface ioctls */
	struct mnl_socket *netlink;
	uint32_t seq;
	VEC(uint8_t) queue;
	VEC(struct request) requests;
	struct errmsg late; /* what went wrong while queueing; net_flush returns it */
	bool named;	    /* has its place below /run/netns */
	struct nft_ctx *nft;
	int nft_parked[4]; /* sockets of contexts that are gone; 0: none */
};

/* Begins a message in buf (of NET_MESSAGE_MAX) and puts its family header behind it. */
struct nlmsghdr *net_message(char *buf, uint16_t type, uint16_t flags);
/* Queues a finished message; words say what was asked. */
void net_queue(struct net_ns *ns, const struct nlmsghdr *message, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The last one queued is a deletion, and no failure where the kernel has been faster. */
void net_queue_lenient(struct net_ns *ns);
/* Keeps the first error of queueing for net_flush. */
void net_queue_failed(struct net_ns *ns, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Sends one message and waits for its acknowledgement. */
int net_request(struct net_ns *ns, struct nlmsghdr *message, const char *words, struct errmsg *err);
/* Sends a dump or get request and calls cb for each answer. */
int net_query(struct net_ns *ns, struct nlmsghdr *message, mnl_cb_t cb, void *ctx, const char *words,
	      struct errmsg *err);
/* True while there is an attribute of the message to read: the loop condition over attributes. */
static inline bool net_attr_ok(const struct nlattr *a, const struct nlmsghdr *m)
{
	return mnl_attr_ok(a, (int)((const char *)m + m->nlmsg_len - (const char *)a));
}

/* attr.c: 0 or ADDR_NONE for what is too short */
uint32_t net_attr_u32(const struct nlattr *a);
struct addr net_attr_addr(const struct nlattr *a);
/* RTA_VIA: a family and an address of it (RFC 8950's IPv4 over IPv6). */
struct addr net_attr_via(const struct nlattr *a);

/* Takes what a message of RTM_NEWNEIGHTBL says of one of the tables; false where it says nothing of a whole table. */
bool net_neighbours_answer(const struct nlmsghdr *m, struct net_neighbours ret[static NET_NEIGHBOUR_TABLES]);

/* From here on changing user, group or owner succeeds without effect; for a child before exec. 0 or -errno. */
int net_one_user(void);

struct net_groups_to {
	struct prefix prefix;
	uint32_t metric;  /* 0: the kernel's default */
	uint8_t protocol; /* RTPROT_* */
};

/* groups.c: as net_groups_route, over hops of a net_fib_route. What goes may be gone. */
void net_groups_hops(struct net_groups *g, const struct net_groups_to *to, const struct net_fib_hop *hops, size_t n);
/* Whether links changed since the last look, and routes and objects may have gone with them in silence: they are forgotten. */
bool net_groups_lost(struct net_groups *g);
/* What is set from here on is made anew, whatever is there. */
void net_groups_forget(struct net_groups *g);

/* Begins a route's message in buf (of NET_MESSAGE_MAX): the main table's, unicast. */
struct nlmsghdr *net_route_message(char *buf, uint16_t type, uint16_t flags, const struct prefix *to, uint8_t protocol);
/* Index of a link, or 0 when there is none. */
unsigned int net_link_index(const struct net_ns *ns, const char *link);
void net_put_addr(struct nlmsghdr *message, uint16_t type, const struct addr *a);
uint8_t net_af(const struct addr *a);
/* An answer to one of a batch of n lookups, the first of which has the number; ret is the batch's. Returns 1, 0 for an answer
 * to an older request, or -errno. */
int net_oracle_answer(const struct nlmsghdr *m, size_t len, uint32_t first, struct net_fate *ret, size_t n);

#endif
