/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lab's nodes: router, switch, workers, control plane, clients and pods in namespaces of their own, linked by veth
 * pairs; the speakers of workers and of the built-in router; adapters for real router daemons. No event loop here.
 *
 *     client1 ... -- br-clients -- router -- br-cluster -- worker1 ... , control-plane        worker -- pod (veth each)
 *
 * With a second tier of routers there is one more in between, and several alike where the one router is:
 *
 *     ... br-clients -- upstream -- br-uplinks -- router, router2 ... -- br-cluster ...
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
	enum bgp_role worker_role; /* RFC 9234; MetalLB has no word for it */
	bool worker_role_strict;
	struct bgp_switches switches; /* of the workers' built-in speakers */
	/* What their sessions have beyond what MetalLB says of them. */
	struct bgp_peer_conf worker_session;
	uint16_t worker_min_origination_s;
	uint32_t worker_deferral_s; /* RFC 4724 section 4.1 */
	const uint64_t *bandwidths; /* octets a second, which the workers take in turn and tell; none: nothing told */
	size_t bandwidth_count;
	enum bgp_switch worker_restart; /* RFC 4724, whatever the BGPPeers say */
	enum node_hash hash;
	unsigned int routers;	  /* 0: one, no tier above it */
	struct prefix uplink_net; /* between the tiers; its first address is upstream's, the next ones the routers' */
	uint32_t hash_seed;	  /* net.ipv4.fib_multipath_hash_seed where the kernel has it; 0: left alone */
};

/* A machine with one port on the lab's wire; `interface` is where its link is captured. */
struct node_host {
	const char *name;
	struct net_ns *ns;
	struct addr address;
	struct addr link_local; /* in labs of IPv6 */
	const char *interface;
	const char *port; /* the other end of its link, at the switch */
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
	bool stopped;		 /* its speaker does not run, whatever the cluster says */
	bool restarting;	 /* the next one takes over from one whose routes the peers were to keep */
	struct node_peer *peers; /* by bgp_peer_id */
	size_t peer_count;
	unsigned int generation; /* grows when the speaker was replaced */
	uint64_t sessions;	 /* fingerprint of the BGPPeers it was made from */
	bool pod_net_routed;	 /* the other nodes have the route to its pods */
	uint64_t proxy_rules;	 /* fingerprint of the rules in force; 0: none yet */
};

/* A BFD session beside a BGP session: what the node asks for. */
struct node_bfd {
	bool on;
	uint32_t transmit_ms, receive_ms;
	uint8_t multiplier;
	bool passive;
};

/* How a worker's session dials. */
struct node_peer {
	const char *name;
	struct addr remote;
	uint16_t port;
	struct addr source;   /* ADDR_NONE: the kernel's choice */
	const char *password; /* RFC 2385; NULL: none */
	uint8_t ttl;	      /* of what it sends; 0: the kernel's */
	struct node_bfd bfd;
};

struct node_lab {
	struct arena arena;
	struct node_lab_conf conf;
	struct net_ns *fabric;		/* both bridges live here */
	struct node_host router;	/* interface: the cluster side, eth0 */
	struct node_host *more_routers; /* conf.routers - 1, as router */
	struct node_host upstream;	/* interface: towards the routers; ns NULL where there is none */
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
/* The router that the clients send to; its link there is NODE_ROUTER_CLIENT_LINK. */
const struct node_host *node_gateway(const struct node_lab *lab);
/* One of the routers that workers have sessions with, from 0; NULL behind the last. */
const struct node_host *node_router_at(const struct node_lab *lab, unsigned int i);
/* The address of the router's end towards upstream; i conf.routers: upstream's own. */
struct addr node_uplink(const struct node_lab *lab, unsigned int i);
/* Names the hash in force at a router or upstream, as "net.ipv4.fib_multipath_hash_policy=0". */
int node_hash_text(const struct node_lab *lab, struct net_ns *of, char *ret, size_t room, struct errmsg *err);

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

/* Frees the worker's speaker, whose driver is gone; node_worker_sync makes none before node_worker_start. */
void node_worker_stop(struct node_lab *lab, unsigned int worker);
void node_worker_start(struct node_lab *lab, unsigned int worker);
/* The worker's port at the switch. Down: its own end loses the carrier, and nobody else notices. */
int node_worker_link(struct node_lab *lab, unsigned int worker, bool up, struct errmsg *err);

/* True when the next node_worker_sync will replace the speaker: what drives the old one must let go of it before. */
bool node_worker_sessions_changed(const struct node_worker *w, const struct kube_cluster *cluster);

struct node_router_conf {
	uint32_t as;
	uint32_t worker_as, worker_as_step; /* worker n, from 0, has worker_as + n * step */
	unsigned int max_paths;
	bool multipath_own; /* a daemon's own limit and idea of equal AS paths: nothing is said of either */
	uint64_t seed;
	/* Of every session */
	const char *password; /* RFC 2385; NULL: none */
	struct node_bfd bfd;
	bool hold_set;
	uint16_t hold_s;       /* else the kind's own */
	bool graceful_restart; /* RFC 4724 */
	uint16_t restart_s;
	bool notification; /* RFC 8538; built-in */
	/* Built-in: what its sessions have beyond the above, and its decision process. */
	struct bgp_peer_conf session;
	uint16_t min_origination_s;
	uint32_t deferral_s;
	bool dials; /* does not wait for its workers to */
	bool always_compare_med, multipath_relax;
	uint8_t ttl_security; /* RFC 5082, in hops; 0: off */
	bool multihop;
	enum bgp_role role;
	bool role_strict;
	bool restarting;      /* built-in: takes over from one before it */
	unsigned int number;  /* which of the routers, from 0 */
	uint32_t upstream_as; /* 0: there is no tier above, or the speaker is its own */
	bool upstream_dials;  /* else its routers do */
};

static inline uint32_t node_router_worker_as(const struct node_router_conf *conf, unsigned int worker)
{
	return conf->worker_as + worker * conf->worker_as_step;
}

/* The built-in router's speaker: one passive peer a worker, multipath, eBGP or iBGP as the AS numbers say. The caller owns
 * it. */
struct bgp_speaker *node_router_speaker(const struct node_lab *lab, const struct node_router_conf *conf);

/* The speaker of the tier above: a passive peer a router, from the first on. */
struct bgp_speaker *node_upstream_speaker(const struct node_lab *lab, const struct node_router_conf *conf);

/* ---- Real daemons: routers, and workers' speakers (what they are and how they are run: a row each in daemon.c) ---- */

enum node_daemon_kind {
	NODE_BIRD1,
	NODE_BIRD2,
	NODE_FRR,
	NODE_GOBGP,
	NODE_OPENBGPD,
	NODE_EXABGP,
	NODE_DAEMON_KINDS,
};

/* One program of a daemon. What awaits something starts when that is there, and after those before it; a command (once)
 * must end well before the next one starts. */
struct node_process {
	const char *const *argv;
	const char *awaits_file;
	uint16_t awaits_port; /* in the daemon's namespace */
	bool once;
	bool ended;
	int wait_status;
	pid_t pid; /* 0: not started yet */
};

struct node_daemon {
	enum node_daemon_kind kind;
	const char *name; /* "BIRD" */
	char version[32]; /* "2.0.12" */
	char path[256];
	pid_t pid;    /* of the program that speaks BGP; -1 before it starts */
	char log[64]; /* file name in the run directory */
	struct net_ns *ns;
	const char *instance;	 /* "worker1", "router2", NULL for the router */
	unsigned int number;	 /* which of the routers, from 0 */
	bool dials;		 /* and does not listen: a worker's speaker */
	enum addr_family family; /* of its sessions */
	VEC(struct node_process) programs;
	size_t begun;		    /* programs started */
	struct node_process failed; /* whose end was the daemon's; argv NULL: none */
};

/* Finds the program of the kind and asks its version. -ENOENT: none is installed; the text names the package. */
int node_daemon_find(enum node_daemon_kind which, struct node_daemon *ret, struct errmsg *err);
/* False where the daemon keeps its routes to itself on Linux: nothing is forwarded by them. */
bool node_daemon_installs_routes(enum node_daemon_kind which);
/* The name of its configuration file: "bird.conf". */
const char *node_daemon_config_name(enum node_daemon_kind which);
/* A router's configuration of the kind for this lab, in the arena; NULL for a kind that is no router. */
char *node_router_config(const struct node_lab *lab, const struct node_router_conf *conf, enum node_daemon_kind kind,
			 struct arena *arena);
/* Starts it in its router's namespace with the configuration file (a path inside the sandbox); output goes to the log in
 * run_dir_fd. What must wait for its first programs is left to node_daemon_proceed. node_daemon_end ends it. */
int node_daemon_start(struct node_lab *lab, struct node_daemon *daemon, const char *config_path, int run_dir_fd,
		      struct errmsg *err);
/* Starts what can be started by now. Returns 1 when all programs run and all commands have ended well, 0 while something is
 * waited for, -errno when something can't be started. The caller reaps, and tells node_daemon_ended. */
int node_daemon_proceed(struct node_daemon *daemon, int run_dir_fd, struct errmsg *err);
/* One of its processes ended. False when that is the daemon's end: a program that should run on, or a command that failed. */
bool node_daemon_ended(struct node_daemon *daemon, pid_t pid, int wait_status);
/* Before node_daemon_end, of a machine that loses its power: see net_unplug. */
int node_daemon_unplug(const struct node_daemon *daemon, struct errmsg *err);
/* Kills its processes, and forgets them. */
void node_daemon_end(struct node_daemon *daemon);
/* True when something listens on the BGP port in the daemon's namespace. */
bool node_daemon_listens(const struct node_daemon *daemon);
/* ---- A real daemon that speaks for a worker, in MetalLB's place ---- */

/* A prefix as the worker announces it; several advertisements of one prefix are united. */
struct node_route {
	struct prefix prefix;
	uint32_t local_pref; /* 0: not set */
	const uint32_t *communities;
	size_t community_count;
	const uint32_t (*large)[3];
	size_t large_count;
	struct kube_strings peers; /* names of BGPPeers; none: all */
};

struct node_speaker {
	struct node_daemon *daemon; /* found; what it is started from changes with the sessions */
	const char *config_path;    /* in the run directory, inside the sandbox */
	uint64_t sessions;	    /* fingerprint of the BGPPeers it was started for; 0: never */
	struct arena memory;	    /* of the routes */
	const struct node_route *routes;
	size_t route_count;
};

/* Makes the worker's daemon follow the cluster as MetalLB would make its FRR follow: changed sessions start it anew, changed
 * routes are told it by its own means. What is to be done by and by is left to node_daemon_proceed. */
int node_speaker_sync(struct node_lab *lab, unsigned int worker, struct kube_cluster *cluster, struct node_speaker *s,
		      int run_dir_fd, struct errmsg *err);
void node_speaker_free(struct node_speaker *s);
/* False for a kind that can't announce what a worker has. */
bool node_daemon_speaks(enum node_daemon_kind which);

/* The daemon's last words, from its log, for a message; in the arena. */
char *node_daemon_words(const struct node_daemon *daemon, int run_dir_fd, struct arena *arena);

#endif
