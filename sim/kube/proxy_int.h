/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECMPLAB_PROXY_INT_H
#define ECMPLAB_PROXY_INT_H

#include "kube_int.h"

#define PROXY_MASQUERADE_MARK "0x4000"

/* One port of one service on the node that the rules are for. */
struct proxy_port {
	const struct service_state *service;
	const struct kube_port *port;
	size_t index;
	char name[32];	   /* of its chains: 3-80 */
	endpoints_vec all; /* to be chosen from, cluster-wide */
	endpoints_vec local;
};

/* proxy.c */
void proxy_add(struct kube_cluster *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *proxy_protocol(enum kube_protocol p);
/* nftables' word for the cluster's family: "ip" or "ip6". */
const char *proxy_ip(const struct kube_cluster *c);
void proxy_port_make(const struct kube_cluster *c, const struct service_state *s, size_t i, const char *node,
		     struct proxy_port *ret);
void proxy_port_free(struct proxy_port *p);
void proxy_port_chains(struct kube_cluster *c, const struct proxy_port *p);
bool proxy_has_firewall(const struct proxy_port *p);

#endif
