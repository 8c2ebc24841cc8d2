/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lab's nodes: router, switch, workers, control plane, clients and pods in namespaces of their own, linked by veth
 * pairs; the speakers of workers and of the built-in router; adapters for real router daemons. No event loop here.
 *
 *     client1 ... -- br-clients -- router -- br-cluster -- worker1 ... , control-plane        worker -- pod (veth each)
 *
 * node_lab_new returns what node_lab_free frees; hosts, pods and speakers belong to the lab. */
#ifndef ECMPLAB_NODE_H
#define ECMPLAB_NODE_H

#include "addr.h"
#include "arena.h"
#include "bgp.h"
#include "errmsg.h"
#include "kube.h"
#include "net.h"
#include "vec.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* DEFAULT leaves the kernel's own. L4 hashes addresses, protocol and ports as dissected from the packet (policy 3, fields
 * 0x37): policy 1 would take the sending socket's hash, which veth carries along and no real wire does. */
enum node_hash { NODE_HASH_DEFAULT, NODE_HASH_L3, NODE_HASH_L4 };

/* What a worker gets wrong on purpose, so that tests can see the harness catch it. */
enum node_fault { NODE_FAULT_NONE, NODE_FAULT_SILENT, NODE_FAULT_WRONG_PREFIX };

struct node_lab_conf {
	struct prefix cluster_net;
	struct prefix client_net;
	struct addr router_cluster;
	struct addr router_client;
	struct addr control_plane; /* ADDR_NONE: no such node */
	struct addr first_worker;
	struct addr first_client;
	unsigned int workers;
	unsigned int clients;
	enum node_hash hash;
	uint32_t hash_seed; /* net.ipv4.fib_multipath_hash_seed where the kernel has it; 0: left alone */
};

/* A machine with one port on the lab's wire; `interface` is where its link is captured. */
struct node_host {
	const char *name;
	struct net_ns *ns;
	struct addr address;
	const char *interface;
};

struct node_pod {
	unsigned int uid; /* kube_pod's */
	const char *name;
	const char *node;
	struct addr address;
	uint16_t port;
	struct net_ns *ns;
	unsigned int worker; /* index */
};

struct node_worker {
	struct node_host host;
	struct bgp_speaker *speaker; /* NULL before its first configuration */
	enum node_fault fault;
	struct node_peer *peers; /* by bgp_peer_id */
	size_t peer_count;
	unsigned int generation; /* grows when the speaker was replaced */
	uint64_t sessions;	 /* fingerprint of the BGPPeers it was made from */
	bool pod_net_routed;	 /* the other nodes have the route to its pods */
	uint64_t proxy_rules;	 /* fingerprint of the rules in force; 0: none yet */
};

/* How a worker's session dials. */
struct node_peer {
	const char *name;
	struct addr remote;
	uint16_t port;
	struct addr source; /* ADDR_NONE: the kernel's choice */
};

struct node_lab {
	struct arena arena;
	struct node_lab_conf conf;
	struct net_ns *fabric;		/* both bridges live here */
	struct node_host router;	/* interface: the cluster side, eth0 */
	struct node_host control_plane; /* ns NULL where there is none */
	struct node_worker *workers;
	struct node_host *clients;
	VEC(struct node_pod) pods;
	uint32_t next_mac;
};

#define NODE_ROUTER_CLUSTER_LINK "eth0"
#define NODE_ROUTER_CLIENT_LINK "eth1"
#define NODE_HOST_LINK "eth0"

/* Builds the network of everything but pods. Errors name the node and what was asked of the kernel. */
int node_lab_new(const struct node_lab_conf *conf, struct node_lab **ret, struct errmsg *err);
void node_lab_free(struct node_lab *lab);
/* The lab's host by name ("router", "worker2", "client1", "control-plane") or pod by its name; NULL where there is none. */
struct net_ns *node_find(const struct node_lab *lab, const char *name);
/* Names the hash in force at the router, as "net.ipv4.fib_multipath_hash_policy=0". */
int node_hash_text(struct node_lab *lab, char *ret, size_t room, struct errmsg *err);

/* Makes the pod's namespace behind its worker and the routes of the other workers to it. */
int node_pod_add(struct node_lab *lab, const struct kube_pod *pod, const struct kube_cluster *cluster,
		 struct node_pod **ret, struct errmsg *err);
void node_pod_remove(struct node_lab *lab, unsigned int uid);
/* Loads the worker's kube-proxy rules where they changed. */
int node_proxy_sync(struct node_lab *lab, unsigned int worker, struct kube_cluster *cluster, struct errmsg *err);

/* Makes the worker's speaker follow the cluster: sessions as BGPPeers say (a changed set replaces the speaker, which
 * drops its connections, and counts generation up), routes as the announcements say. Started and committed by the
 * caller's driver: *ret_changed tells that routes were set and bgp_routes_commit is due. */
int node_worker_sync(struct node_lab *lab, unsigned int worker, struct kube_cluster *cluster, enum kube_metallb metallb,
		     uint64_t seed, bool *ret_changed, struct errmsg *err);

/* True when the next node_worker_sync will replace the speaker: what drives the old one must let go of it before. */
bool node_worker_sessions_changed(const struct node_worker *w, const struct kube_cluster *cluster);

struct node_router_conf {
	uint32_t as;
	uint32_t worker_as;
	unsigned int max_paths;
	uint64_t seed;
};

/* The built-in router's speaker: one passive peer a worker, multipath, eBGP or iBGP as the AS numbers say. The caller owns
 * it. */
struct bgp_speaker *node_router_speaker(const struct node_lab *lab, const struct node_router_conf *conf);

/* ---- Real router daemons ---- */

enum node_daemon_kind { NODE_BIRD1, NODE_BIRD2 };

struct node_daemon {
	enum node_daemon_kind kind;
	const char *name; /* "BIRD" */
	char version[32]; /* "2.0.12" */
	char path[256];
	pid_t pid;
	char log[64]; /* file name in the run directory */
};

/* A configuration of the kind for this lab, in the arena. */
char *node_bird_config(const struct node_lab *lab, const struct node_router_conf *conf, enum node_daemon_kind kind,
		       struct arena *arena);
/* Finds the program of the kind and asks its version. -ENOENT: none is installed; the text names the package. */
int node_daemon_find(enum node_daemon_kind which, struct node_daemon *ret, struct errmsg *err);
/* Starts it in the router's namespace with the configuration file (a path inside the sandbox); output goes to the log in
 * run_dir_fd. */
int node_daemon_start(struct node_lab *lab, struct node_daemon *daemon, const char *config_path, int run_dir_fd,
		      struct errmsg *err);
/* True when something listens on the BGP port in the daemon's namespace. */
bool node_daemon_listens(const struct node_daemon *daemon);
/* The daemon's last words, from its log, for a message; in the arena. */
char *node_daemon_words(const struct node_daemon *daemon, int run_dir_fd, struct arena *arena);

#endif
