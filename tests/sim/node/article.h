/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The article's addresses, cluster and objects, written by hand. */
#ifndef ECMPLAB_TEST_ARTICLE_H
#define ECMPLAB_TEST_ARTICLE_H

#include "node.h"

#define ARTICLE_ROUTER_AS 11000
#define ARTICLE_WORKER_AS 22000

struct addr article_addr(const char *text);
struct prefix article_prefix(const char *text);
/* Router 10.0.0.1 and 172.16.0.1, control plane 10.0.0.10, workers from 10.0.0.51, clients from 172.16.0.10. */
struct node_lab_conf article_conf(unsigned int workers, unsigned int clients);
/* The same lab without namespaces behind its names. The caller clears the arena. */
void article_paper_lab(struct node_lab *lab, unsigned int workers);
/* The same over IPv6: router fd00:10::1 and fd00:172::1, workers from fd00:10::33. */
void article_paper_lab6(struct node_lab *lab, unsigned int workers);
/* Three workers and a control plane that hold no objects yet. */
struct kube_cluster *article_cluster(enum kube_metallb metallb);
/* The pool 172.16.254.0/24, its advertisement, and nginx with three pods that are ready. No BGPPeer. */
int article_apply(struct kube_cluster *cluster, struct errmsg *err);
/* A BGPPeer at the router; as in the article but for its name. */
struct kube_object article_peer(const char *name);

#endif
