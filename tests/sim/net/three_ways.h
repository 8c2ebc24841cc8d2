/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A client, a router, and three ways out of it: what the router's hash is tried on. */
#ifndef ECMPLAB_NET_THREE_WAYS_H
#define ECMPLAB_NET_THREE_WAYS_H

#include "arena.h"
#include "multipath.h"

#include <stdlib.h>

#define WAYS 3U
#define WAY_NONE UINT32_MAX
#define FLOWS_MAX 4096U

/* What puts a packet on the client's wire. */
enum sending {
	CRAFTED_UDP,
	CRAFTED_TCP,
	CRAFTED_ICMP,
	CRAFTED_FRAGMENT,      /* the first one, with the UDP header */
	CRAFTED_LATE_FRAGMENT, /* a later one, without it */
	UDP_SOCKET,
	CONNECTED_UDP_SOCKET,
	TCP_SOCKET,
};

struct ways {
	struct net_ns *client, *router, *ends[WAYS];
	struct addr gateways4[WAYS], gateways6[WAYS];
	struct addr client4, client6, service4, service6;
	uint8_t client_mac[6], router_mac[6];
	int wire;	/* the client's, for frames */
	int taps[WAYS]; /* what arrives at the ends */
};

/* Routes of both families lead to all three. */
void ways_build(struct ways *w);
void ways_end(struct ways *w);
/* The i'th of a set of flows: from one address by ports where sockets send, else from an address each. labels: IPv6 ones are
 * drawn too. */
struct net_tuple ways_tuple(const struct ways *w, enum addr_family family, enum sending how, bool labels, uint32_t i);
/* Sends one packet of each of the flows, and waits until all have arrived: ret[i] is the way that flow i took. */
void ways_send(struct ways *w, enum sending how, const struct net_tuple *flows, uint32_t n, uint32_t *ret);
/* What the kernel predicts for each, as a way. */
void ways_ask(struct ways *w, const struct net_tuple *flows, uint32_t n, uint32_t *ret);
/* How many are alike. */
uint32_t ways_same(const uint32_t *a, const uint32_t *b, uint32_t n);
void ways_hash(struct ways *w, const struct net_hash *hash);
/* What the route of the family's service promises to the ways in their order, "43 42 43"; "-" without a route. Valid until the
 * next call. */
const char *ways_shares(struct ways *w, enum addr_family family);

#endif
