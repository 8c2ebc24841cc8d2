/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECMPLAB_NODE_INT_H
#define ECMPLAB_NODE_INT_H

#include "node.h"

/* Switches forwarding on, and off what a router's kernel does beside it. */
int node_forwarding(const struct node_lab *lab, struct net_ns *ns, struct errmsg *err);
/* Queues an IPv6 link-local address; the number is its own on that link. */
struct addr node_link_local(struct net_ns *ns, const char *link, uint32_t number);
/* The BGP identifier of a node without one of its own: its IPv4 address, else the CRC-32 of its name (METALLB section 4.5). */
uint32_t node_router_id(const struct node_host *host, const struct addr *address);
/* That of the router which the configuration is for, by its side away from the workers. */
uint32_t node_router_own_id(const struct node_lab *lab, const struct node_router_conf *conf);
/* A veth pair with the lab's next two MAC addresses. */
int node_link(struct node_lab *lab, struct net_ns *a, const char *link_a, struct net_ns *b, const char *link_b,
	      struct errmsg *err);

/* Tells two states apart without keeping the old one; never 0, which stands for no state yet. */
#define NODE_FINGERPRINT_START UINT64_C(0xcbf29ce484222325)
uint64_t node_fingerprint(uint64_t h, const void *bytes, size_t n);

/* Two sets of BGPPeers with equal fingerprints need no new sessions. */
uint64_t node_sessions_fingerprint(const struct kube_bgp_peer *const *peers, size_t n);

#endif
