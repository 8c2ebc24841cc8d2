/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECMPLAB_KUBE_INT_H
#define ECMPLAB_KUBE_INT_H

#include "kube.h"
#include "rng.h"

#define SERVICE_PORTS_MAX 64

/* ---- Configuration in force ---- */

struct pool_conf {
	const struct kube_pool *pool;
	struct kube_origin origin;
	const struct prefix *cidrs; /* of all entries, in order */
	size_t cidr_count;
	const size_t *entry_ends; /* cidrs of entry i end before entry_ends[i] */
};

struct advertisement_conf {
	const struct kube_bgp_advertisement *advertisement;
	struct kube_origin origin;
	const bool *pools;	     /* by pool: selected */
	const uint32_t *communities; /* sorted */
	size_t community_count;
};

struct peer_conf {
	const struct kube_bgp_peer *peer;
	struct kube_origin origin;
};

struct config {
	struct arena arena;
	VEC(struct pool_conf) pools;
	VEC(struct peer_conf) peers;
	VEC(struct advertisement_conf) advertisements;
	VEC(struct kube_label) aliases;
};

/* ---- State ---- */

struct node_state {
	const char *name;
	struct addr address;
	bool worker;
	const struct kube_node *manifest; /* NULL: none applied */
	struct kube_labels labels;	  /* with kubernetes.io/hostname */
};

struct pod_state {
	struct kube_pod pod;
	const char *deployment;
	struct kube_labels labels;
};

struct stored {
	const struct kube_object *object;
	uint32_t replicas; /* of a Deployment, kube_scale included */
};

/* A Service and what controllers made of it. */
struct service_state {
	const struct kube_service *service;
	struct addr cluster_ips[2]; /* by family wanted first */
	size_t cluster_ip_count;
	uint16_t node_ports[SERVICE_PORTS_MAX];
	struct addr ingress[2];
	size_t ingress_count;
	size_t pool; /* index, where ingress_count > 0 */
	const char *pool_name;
	const char *pending_reason;
	unsigned int number; /* for chain names; never reused */
	bool changed;	     /* since addresses were last allocated */
};

typedef VEC(struct stored) stored_vec;

struct kube_cluster {
	struct kube_cluster_conf conf;
	struct arena arena; /* names and the like, for the cluster's life */
	struct rng rng;
	VEC(struct node_state) nodes;
	stored_vec objects;
	struct config *config;
	VEC(struct pod_state) pods;
	VEC(struct service_state) services;
	unsigned int next_uid;
	unsigned int next_service;

	/* what was returned last */
	VEC(struct kube_pod) pods_out;
	VEC(struct kube_service_view) services_out;
	VEC(const struct kube_bgp_peer *) sessions_out;
	VEC(struct kube_announcement) announcements_out;
	VEC(const char *) warnings_out;
	VEC(char) text_out;
	struct arena out;
};

/* An endpoint of a service, whichever object it is from. */
struct endpoint {
	struct addr address;
	const char *node; /* NULL where absent */
	enum kube_tristate ready, serving, terminating;
	uint16_t port; /* of the service port asked for; 0: this endpoint does not have it */
};

typedef VEC(struct endpoint) endpoints_vec;

/* selector.c */
bool kube_labels_include(const struct kube_labels *labels, const struct kube_labels *wanted);

/* config.c, config_check.c: the configuration that the objects make, or NULL with *err. */
struct config *kube_config_new(const struct kube_cluster *c, const stored_vec *objects, struct errmsg *err);
void kube_config_free(struct config *config);
int kube_config_check(const struct kube_cluster *c, const struct config *config, struct errmsg *err);
/* "file:line:column: " and the words. Returns -EINVAL. */
int kube_config_refuse(struct errmsg *err, const struct kube_origin *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* communities.c: literals and aliases of an advertisement, sorted. */
int kube_communities_read(struct config *config, const struct advertisement_conf *a, uint32_t **ret, size_t *ret_count,
			  struct errmsg *err);
int kube_community_literal(const char *text, uint32_t *ret); /* -EINVAL: not the form; -ERANGE; -EOPNOTSUPP: large */

/* alloc.c: brings the addresses of all services in line with the configuration. */
void kube_services_allocate(struct kube_cluster *c);
/* The pool whose ranges hold the address, or SIZE_MAX. */
size_t kube_pool_of(const struct config *config, const struct addr *a);

/* services.c: service states follow the stored Services. */
void kube_services_follow(struct kube_cluster *c);

/* pods.c: pods follow the Deployments. */
void kube_pods_follow(struct kube_cluster *c);
const struct node_state *kube_node_find(const struct kube_cluster *c, const char *name);

/* endpoints.c: the service's endpoints, with the target port of one of its ports (NULL: any). */
void kube_endpoints_collect(const struct kube_cluster *c, const struct kube_service *s, const struct kube_port *port,
			    endpoints_vec *ret);
bool kube_endpoint_healthy(const struct endpoint *e);

/* cluster.c */
const struct kube_object *kube_object_find(const stored_vec *objects, enum kube_kind kind, const char *namespace,
					   const char *name);

#endif
