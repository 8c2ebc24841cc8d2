/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECMPLAB_KUBE_INT_H
#define ECMPLAB_KUBE_INT_H

#include "kube.h"
#include "rng.h"

#define SERVICE_PORTS_MAX 64
#define KUBE_GRACEFUL_SHUTDOWN 0xffff0000U /* RFC 8326 section 5 */
#define KUBE_EXCLUDE_LABEL "node.kubernetes.io/exclude-from-external-load-balancers"

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
	const uint32_t (*large)[3]; /* sorted */
	size_t large_count;
};

/* A:B or, where large, large:A:B:C. */
struct community_value {
	bool large;
	uint32_t part[3];
};

struct peer_conf {
	const struct kube_bgp_peer *peer; /* with its BFD profile */
	struct kube_origin origin;
};

struct bfd_conf {
	const struct kube_bfd_profile *profile;
	struct kube_origin origin;
};

struct config {
	struct arena arena;
	VEC(struct pool_conf) pools;
	VEC(struct peer_conf) peers;
	VEC(struct bfd_conf) profiles;
	VEC(struct advertisement_conf) advertisements;
	VEC(struct kube_label) aliases;
	const char *extras; /* NULL: none */
	bool whole;	    /* no native speaker's, which lacks much */
};

/* ---- State ---- */

struct node_state {
	const char *name;
	struct addr address;
	bool worker;
	const struct kube_node *manifest; /* NULL: none applied */
	enum kube_leave leave;
	struct kube_labels labels; /* with those that kubelet and kubeadm set */
	VEC(const struct kube_bgp_peer *) sessions;
};

struct pod_state {
	struct kube_pod pod;
	const struct kube_deployment *from; /* as it was when the pod was made */
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
	const struct kube_service
		*held_as;    /* the Service as it was when it got its addresses: whom it shares them with */
	unsigned int number; /* for chain names; never reused */
	bool changed;	     /* the API server has not filled it in yet */
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

	/* views of the above, made when it changes */
	VEC(struct kube_pod) pods_out;
	VEC(struct kube_service_view) services_out;
	/* what was returned last */
	VEC(struct kube_announcement) announcements_out;
	struct arena announcements_text;
	VEC(const char *) warnings_out;
	struct arena warnings_text;
	VEC(char) rules_out;
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
bool kube_labels_equal(const struct kube_labels *a, const struct kube_labels *b);
/* An empty list means everything. */
bool kube_selectors_admit(const struct kube_selectors *list, const struct kube_labels *labels);

/* config.c: the configuration that the objects make, or NULL with *err. */
struct config *kube_config_new(const struct kube_cluster *c, const stored_vec *objects, struct errmsg *err);
void kube_config_free(struct config *config);
/* config_check.c and the parts of its work */
int kube_config_check(const struct kube_cluster *c, const struct config *config, struct errmsg *err);
int kube_pools_check(const struct config *config, struct errmsg *err);
/* config_peers.c */
int kube_peers_check(const struct kube_cluster *c, const struct config *config, struct errmsg *err);
int kube_duplicates_check(const struct kube_strings *list, const char *field, const struct kube_origin *origin,
			  struct errmsg *err);
int kube_selectors_check(const struct kube_selectors *list, const char *field, const struct kube_origin *origin,
			 struct errmsg *err);
/* Whether one route of the pool could get two LOCAL_PREFs from the two on a node where both are. */
bool kube_local_prefs_clash(const struct pool_conf *pool, const struct kube_bgp_advertisement *a,
			    const struct kube_bgp_advertisement *b);
/* "file:line:column: " and the words. Returns -EINVAL. */
int kube_config_refuse(struct errmsg *err, const struct kube_origin *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* communities.c: literals and aliases of an advertisement, sorted. */
int kube_communities_read(struct config *config, struct advertisement_conf *a, struct errmsg *err);
/* Says why the text is no community, by what kube_community_literal returned. Returns -EINVAL. */
int kube_community_refuse(struct errmsg *err, const struct kube_origin *at, const char *text, int why);
/* -EINVAL: not the form; -ERANGE; -EOPNOTSUPP: large, for a native speaker. */
int kube_community_literal(const struct config *config, const char *text, struct community_value *ret);

/* alloc.c: brings the addresses of all services in line with the configuration. */
void kube_services_allocate(struct kube_cluster *c);

/* alloc_pools.c: the pool whose ranges hold the address, or SIZE_MAX. */
size_t kube_pool_of(const struct config *config, const struct addr *a);
/* What avoidBuggyIPs is about: IPv4 addresses that end in 0 or 255. */
bool kube_buggy(const struct addr *a);
bool kube_pool_fits(const struct kube_cluster *c, const struct kube_pool *p, const struct kube_service *s);
/* The pools from which the service gets addresses unasked, in the order in which they are tried: those pinned to it, then
 * *ret_pinned further on the general ones. */
const size_t *kube_pools_in_order(const struct kube_cluster *c, const struct kube_service *s, struct arena *memory,
				  size_t *ret_pinned, size_t *ret_count);
/* MetalLB before 0.14 keeps its configuration when the new one lacks an address in use. */
int kube_addresses_check(const struct kube_cluster *c, const struct config *next, const stored_vec *objects,
			 struct errmsg *err);

/* alloc_request.c: the value of MetalLB's annotation, NULL where absent or empty. */
const char *kube_annotation(const struct kube_service *s, const char *suffix);
/* The addresses that the Service asks for, none for no request. NULL, or why the request can't be read. */
const char *kube_requested(const struct kube_service *s, struct addr ret[static 2], size_t *ret_count);

/* services.c: service states follow the stored Services. */
void kube_services_follow(struct kube_cluster *c);
int kube_services_check(const stored_vec *objects, struct errmsg *err);

/* announce.c: who runs which session. */
void kube_sessions_follow(struct kube_cluster *c);

/* pods.c: pods follow the Deployments. */
void kube_pods_follow(struct kube_cluster *c);
/* The container's port that a Service's targetPort names; 0 when there is none. */
uint16_t kube_container_port_named(const struct kube_deployment *d, const struct kube_port *port);
const struct node_state *kube_node_find(const struct kube_cluster *c, const char *name);
bool kube_node_is_cordoned(const struct node_state *n);

/* endpoints.c: the service's endpoints, with the target port of one of its ports (NULL: any). */
void kube_endpoints_collect(const struct kube_cluster *c, const struct kube_service *s, const struct kube_port *port,
			    endpoints_vec *ret);
/* What the speaker of that version makes of endpoint i (METALLB sections 2.10 and 4.1). */
bool kube_endpoint_healthy(const struct kube_cluster_conf *conf, const endpoints_vec *endpoints, size_t i);

/* Knows what MetalLB's own BGP engine does not: BFD, IPv6, the fields that are FRR's. */
static inline bool kube_is_whole(const struct kube_cluster *c)
{
	return c->conf.metallb == KUBE_METALLB_FRR || c->conf.metallb == KUBE_METALLB_STANDARD;
}

/* cluster.c: the family of its pods, and so of what proxies pass on; IPv4 unless the configuration says otherwise. */
uint8_t kube_cluster_family(const struct kube_cluster *c);
const struct kube_object *kube_object_find(const stored_vec *objects, enum kube_kind kind, const char *namespace,
					   const char *name);

#endif
