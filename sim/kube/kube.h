/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Kubernetes control plane that MetalLB and kube-proxy see, as a pure model: objects go in by kube_apply and
 * kube_delete; allocations, pods, sessions, announcements and proxy rules come out by asking. No I/O, clock or global.
 *
 * Objects are plain structs that the manifest reader fills; all pointers in them live in the reader's arena, which must
 * outlive the cluster. The cluster owns everything it returns: what it gives from a const cluster is valid until its next
 * change, the rest until that or the next call of the same function. */
#ifndef ECMPLAB_KUBE_H
#define ECMPLAB_KUBE_H

#include "addr.h"
#include "arena.h"
#include "errmsg.h"
#include "vec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where an object was written, for messages. line and column count from 1. */
struct kube_origin {
	const char *file;
	unsigned int line;
	unsigned int column;
};

struct kube_label {
	const char *key;
	const char *value;
};

struct kube_labels {
	const struct kube_label *at;
	size_t len;
};

enum kube_operator { KUBE_OP_IN, KUBE_OP_NOT_IN, KUBE_OP_EXISTS, KUBE_OP_DOES_NOT_EXIST };

struct kube_requirement {
	const char *key;
	enum kube_operator op;
	const char *const *values;
	size_t value_count;
};

/* matchLabels AND matchExpressions; an empty selector matches everything. */
struct kube_selector {
	struct kube_labels labels;
	const struct kube_requirement *requirements;
	size_t requirement_count;
};

/* OR over its members; what an empty list means is up to the field. */
struct kube_selectors {
	const struct kube_selector *at;
	size_t len;
};

struct kube_strings {
	const char *const *at;
	size_t len;
};

struct kube_meta {
	const char *name;
	const char *namespace; /* "default" where absent */
	struct kube_labels labels;
	struct kube_labels annotations;
};

enum kube_protocol { KUBE_TCP, KUBE_UDP, KUBE_SCTP };

struct kube_port {
	const char *name; /* "" where absent */
	enum kube_protocol protocol;
	uint16_t port;
	uint16_t target_port;	 /* 0 with target_name */
	const char *target_name; /* NULL where targetPort is a number */
	uint16_t node_port;	 /* 0 where absent */
};

struct kube_container_port {
	const char *name;
	uint16_t port;
	enum kube_protocol protocol;
};

enum kube_traffic_policy { KUBE_POLICY_CLUSTER, KUBE_POLICY_LOCAL };
enum kube_service_type { KUBE_CLUSTER_IP, KUBE_NODE_PORT, KUBE_LOAD_BALANCER, KUBE_EXTERNAL_NAME };
enum kube_family_policy { KUBE_SINGLE_STACK, KUBE_PREFER_DUAL_STACK, KUBE_REQUIRE_DUAL_STACK };

struct kube_service {
	struct kube_meta meta;
	enum kube_service_type type;
	struct kube_labels selector;
	const struct kube_port *ports;
	size_t port_count;
	enum kube_traffic_policy external_policy;
	enum kube_traffic_policy internal_policy; /* of clusterIPs */
	bool allocate_node_ports;		  /* allocateLoadBalancerNodePorts; true where absent */
	bool client_ip_affinity;
	uint32_t affinity_timeout_s;
	const char *load_balancer_ip;	 /* NULL where absent */
	const char *load_balancer_class; /* NULL where absent */
	const struct prefix *source_ranges;
	size_t source_range_count;
	enum kube_family_policy family_policy;
	const uint8_t *families; /* enum addr_family, in order */
	size_t family_count;
	const char *const *cluster_ips; /* as written; none: the model makes them */
	size_t cluster_ip_count;
	bool publish_not_ready;
};

struct kube_deployment {
	struct kube_meta meta;
	uint32_t replicas;
	struct kube_selector selector;
	struct kube_labels pod_labels;
	const struct kube_container_port *ports;
	size_t port_count;
	struct kube_labels node_selector; /* pod template's nodeSelector */
};

enum kube_tristate { KUBE_UNSET, KUBE_FALSE, KUBE_TRUE };

struct kube_endpoint {
	const struct addr *addresses;
	size_t address_count;
	const char *node; /* NULL where absent */
	enum kube_tristate ready, serving, terminating;
};

struct kube_endpoint_slice {
	struct kube_meta meta;
	const char *service;	       /* label kubernetes.io/service-name; NULL: slice is ignored */
	const struct kube_port *ports; /* name, protocol and port */
	size_t port_count;
	const struct kube_endpoint *endpoints;
	size_t endpoint_count;
};

struct kube_node {
	struct kube_meta meta;
	struct addr internal_ip; /* ADDR_NONE where absent */
	bool network_unavailable;
	bool unschedulable;
};

struct kube_namespace {
	struct kube_meta meta;
};

/* One entry of a pool as written: a CIDR, or first-last. */
struct kube_range {
	struct addr first;
	struct addr last;
	struct prefix cidr; /* valid when is_cidr */
	bool is_cidr;
	struct kube_origin origin;
};

struct kube_pool {
	struct kube_meta meta;
	const struct kube_range *ranges;
	size_t range_count;
	bool auto_assign;
	bool avoid_buggy_ips;
	bool service_allocation; /* the stanza is there */
	int priority;
	struct kube_strings namespaces;
	struct kube_selectors namespace_selectors;
	struct kube_selectors service_selectors;
};

#define KUBE_TIME_UNSET (-1)

/* metallb.io/v1beta1; MetalLB's and FRR's defaults where a field is absent. */
struct kube_bfd_profile {
	struct kube_meta meta;
	uint32_t receive_ms, transmit_ms; /* 300 */
	uint32_t multiplier;		  /* 3 */
	uint32_t echo_ms;		  /* 50 */
	bool echo_mode, passive;
	uint32_t minimum_ttl; /* 254; of sessions over several hops */
};

/* peerASN in words. */
enum kube_dynamic_asn { KUBE_ASN_GIVEN, KUBE_ASN_INTERNAL, KUBE_ASN_EXTERNAL };

struct kube_bgp_peer {
	struct kube_meta meta;
	uint32_t my_asn;
	uint32_t peer_asn;
	struct addr peer_address;
	struct addr source_address; /* ADDR_NONE where absent */
	uint16_t peer_port;
	int64_t hold_ns; /* KUBE_TIME_UNSET where absent */
	int64_t keepalive_ns;
	struct addr router_id; /* ADDR_NONE where absent */
	struct kube_selectors node_selectors;
	const char *password; /* NULL where absent */
	bool ebgp_multihop;
	/* The FRR mode's */
	const char *bfd_profile; /* NULL where absent */
	bool graceful_restart;
	bool dual_stack;
	int64_t connect_ns; /* KUBE_TIME_UNSET where absent */
	uint32_t local_asn; /* 0 where absent */
	enum kube_dynamic_asn dynamic_asn;
	const char *frr_only_field; /* a field was set that the native engine refuses: its name; NULL: none */
	const char *not_modelled;   /* a field was set that the lab has no network for: its name; NULL: none */
	/* What bfd_profile names; set in what kube_sessions returns. */
	const struct kube_bfd_profile *bfd;
};

struct kube_bgp_advertisement {
	struct kube_meta meta;
	int aggregation_length;	   /* 32 where absent */
	int aggregation_length_v6; /* 128 where absent */
	uint32_t local_pref;
	struct kube_strings communities; /* literals or aliases */
	struct kube_strings pools;
	struct kube_selectors pool_selectors;
	struct kube_selectors node_selectors;
	struct kube_strings peers;
	struct kube_selectors service_selectors;
};

struct kube_community {
	struct kube_meta meta;
	const struct kube_label *aliases; /* name, value */
	size_t alias_count;
};

/* The ConfigMap "bgpextras": what is appended to FRR's configuration, as it stands. */
struct kube_bgp_extras {
	struct kube_meta meta;
	const char *text;
};

/* The legacy ConfigMap (or Helm's configInline): a whole configuration, replacing the one before. */
struct kube_legacy_config {
	const struct kube_pool *pools;
	size_t pool_count;
	const struct kube_bgp_peer *peers;
	size_t peer_count;
	/* advertisements name their pool in `pools` and stand in pool order; a bgp pool without any has the default one */
	const struct kube_bgp_advertisement *advertisements;
	size_t advertisement_count;
	struct kube_community communities;
};

enum kube_kind {
	KUBE_SERVICE,
	KUBE_DEPLOYMENT,
	KUBE_ENDPOINT_SLICE,
	KUBE_NODE,
	KUBE_NAMESPACE,
	KUBE_IP_ADDRESS_POOL,
	KUBE_BGP_PEER,
	KUBE_BGP_ADVERTISEMENT,
	KUBE_COMMUNITY,
	KUBE_BFD_PROFILE,
	KUBE_BGP_EXTRAS,
	KUBE_LEGACY_CONFIG,
	KUBE_KIND_COUNT,
};

struct kube_object {
	enum kube_kind kind;
	struct kube_origin origin;
	union {
		struct kube_meta meta; /* every kind but the legacy configuration begins with it */
		struct kube_service service;
		struct kube_deployment deployment;
		struct kube_endpoint_slice slice;
		struct kube_node node;
		struct kube_namespace namespace;
		struct kube_pool pool;
		struct kube_bgp_peer peer;
		struct kube_bgp_advertisement advertisement;
		struct kube_community community;
		struct kube_bfd_profile bfd;
		struct kube_bgp_extras extras;
		struct kube_legacy_config legacy;
	};
};

/* "Service", "IPAddressPool", ...: the kind as manifests write it; static. */
const char *kube_kind_text(enum kube_kind kind);
bool kube_selector_matches(const struct kube_selector *s, const struct kube_labels *labels);
bool kube_selectors_match_any(const struct kube_selectors *list, const struct kube_labels *labels);
const char *kube_label_get(const struct kube_labels *labels, const char *key); /* NULL where absent */
/* Splits first-last into the minimal ascending list of CIDRs. Returns their number; writes up to room. */
size_t kube_range_cidrs(const struct kube_range *range, struct prefix *ret, size_t room);

/* ---- The cluster ---- */

/* Up to 0.12; from 0.13 on with its own BGP engine; the same with FRR as its engine; no MetalLB that there is: its objects,
 * all that FRR mode knows of them, and a speaker by the standards. */
enum kube_metallb { KUBE_METALLB_LEGACY, KUBE_METALLB_NATIVE, KUBE_METALLB_FRR, KUBE_METALLB_STANDARD };

/* Which endpoints count: as the version does (METALLB section 4.1); those that are ready; as 0.14.2 to 0.14.4 did, which
 * looked at "serving" where it is said, and at "ready" only elsewhere. */
enum kube_endpoint_rule {
	KUBE_ENDPOINTS_AS_VERSION,
	KUBE_ENDPOINTS_READY,
	KUBE_ENDPOINTS_SERVING_OR_READY,
	KUBE_ENDPOINTS_SERVING_FIRST
};

/* What MetalLB did at one time, beside what the version does (METALLB section 11.3). */
struct kube_switches {
	enum kube_endpoint_rule endpoint_rule;
	bool cordon_withdraw;	      /* 0.14.9: nobody announces from a cordoned node */
	bool ignore_exclude_lb;	      /* before 0.14.2: the label that excludes a node is not looked at */
	bool zero_endpoints_announce; /* before 0.8: with policy Cluster, also a Service without endpoints */
};

struct kube_cluster_conf {
	enum kube_metallb metallb;
	struct kube_switches switches;
	struct prefix
		pod_net; /* 10.244.0.0/16: node i (from 0) gets the i-th 256 addresses. Its family is the cluster's */
	struct prefix service_net; /* 10.96.0.0/12 */
	uint64_t seed;		   /* clusterIPs and names, as the API server would draw them */
};

struct kube_cluster;

struct kube_cluster *kube_cluster_new(const struct kube_cluster_conf *conf);
void kube_cluster_free(struct kube_cluster *c);

/* Adds a node that can (worker) or can't run pods and speakers (a control plane, with kubeadm's labels); a Node manifest
 * applied later changes labels and conditions only. address is its InternalIP. Nodes keep the order in which they came. */
void kube_cluster_node(struct kube_cluster *c, const char *name, const struct addr *address, bool worker);

/* How a node's routes go while the node runs on. */
enum kube_leave {
	KUBE_STAYS,
	KUBE_LEAVE_WITHDRAW, /* its speaker announces nothing more; nothing else changes */
	KUBE_LEAVE_SHUTDOWN, /* RFC 8326: all that it announces has the community GRACEFUL_SHUTDOWN */
	KUBE_LEAVE_DRAIN, /* kubectl drain: cordoned, its pods start elsewhere; and the label that excludes it from load
				balancers, which MetalLB before 0.14.2 does not look at */
};

void kube_cluster_leave(struct kube_cluster *c, const char *node, enum kube_leave how);

/* Creates or replaces an object and lets controller, scheduler and endpoint controller settle. The object is borrowed
 * for the cluster's life. MetalLB configuration is checked as one unit as its webhooks do (METALLB section 2), Services as
 * the API server does where they meet others (addresses and ports had twice); an error leaves all as it was, and says what
 * and where. Returns 0 or -EINVAL. */
int kube_apply(struct kube_cluster *c, const struct kube_object *object, struct errmsg *err);
/* As kube_apply, for objects that only together make a valid configuration (one file, or a directory of them). */
int kube_apply_all(struct kube_cluster *c, const struct kube_object *objects, size_t n, struct errmsg *err);
/* -ENOENT when there is none. namespace NULL: "default". */
int kube_delete(struct kube_cluster *c, enum kube_kind kind, const char *namespace, const char *name,
		struct errmsg *err);
int kube_scale(struct kube_cluster *c, const char *namespace, const char *deployment, uint32_t replicas,
	       struct errmsg *err);

/* A pod of a Deployment. The lab makes a namespace for each and says when it serves; until then its endpoint is not
 * ready. Gone pods leave the list at once. */
struct kube_pod {
	const char *name; /* nginx-6d4cf56db6-x2x7k */
	const char *namespace;
	const char *node;
	struct addr address;
	uint16_t port; /* first TCP port that some Service targets, else the first container port, else 80 */
	bool ready;
	unsigned int uid; /* never reused */
};

const struct kube_pod *kube_pods(const struct kube_cluster *c, size_t *ret_count);
void kube_pod_ready(struct kube_cluster *c, unsigned int uid, bool ready);
/* The node's part of the pod network: node 0 has 10.244.0.0/24. */
struct prefix kube_node_pod_net(const struct kube_cluster *c, const char *node);

struct kube_service_view {
	const struct kube_service *service;
	struct addr cluster_ip;
	const struct addr *ingress; /* load-balancer addresses; none while pending */
	size_t ingress_count;
	const char *pool;	    /* NULL while pending */
	const char *pending_reason; /* NULL when allocated */
};

const struct kube_service_view *kube_services(const struct kube_cluster *c, size_t *ret_count);
/* NULL where there is none. namespace NULL: "default". */
const struct kube_service_view *kube_service_find(const struct kube_cluster *c, const char *namespace,
						  const char *name);

/* The BGPPeers that run on the node (METALLB section 4.3), in order of their definition. */
const struct kube_bgp_peer *const *kube_sessions(const struct kube_cluster *c, const char *node, size_t *ret_count);

/* Raw configuration for the FRR of every node; NULL: none. */
const char *kube_extras(const struct kube_cluster *c);

struct kube_announcement {
	struct prefix prefix;
	uint32_t local_pref;
	const uint32_t *communities; /* sorted */
	size_t community_count;
	const uint32_t (*large)[3]; /* RFC 8092; sorted */
	size_t large_count;
	struct kube_strings peers; /* names of BGPPeers; none: all */
	const char *service;	   /* namespace/name, for display */
};

/* What the node's speaker must announce now (METALLB sections 4.1, 4.2): one entry for each address and matching
 * advertisement, in service order; duplicates by prefix are the speaker's to merge. */
const struct kube_announcement *kube_announcements(struct kube_cluster *c, const char *node, size_t *ret_count);
/* Why the node does or does not announce a service: METALLB 4.1's reason word ("announced", "noLocalEndpoints", ...). */
const char *kube_announce_reason(struct kube_cluster *c, const char *node, const char *namespace, const char *service);

/* kube-proxy's nftables rules for the node as an nft script that replaces table "ip kube-proxy" whole (METALLB section
 * 6): service-ips verdict map, no-endpoint-services, masquerading for Cluster, local endpoints and source kept for
 * Local, internalTrafficPolicy, node ports, loadBalancerSourceRanges, ClientIP affinity. IPv4 alone. */
const char *kube_proxy_rules(struct kube_cluster *c, const char *node);

/* Things MetalLB accepts silently and users regret (METALLB section 11.2), one sentence each. */
const char *const *kube_warnings(struct kube_cluster *c, size_t *ret_count);

#endif
