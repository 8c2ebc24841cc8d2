/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A scenario file and its manifests, read into a typed plan. Everything wrong is collected as diagnostics with file, line
 * and column, up to DIAG_MAX; a plan comes back only when there are none. The only user of libfyaml. */
#ifndef ECMPLAB_SCENARIO_H
#define ECMPLAB_SCENARIO_H

#include "addr.h"
#include "arena.h"
#include "diag.h"
#include "instant.h"
#include "kube.h"
#include "rogue.h"

#include <stdbool.h>
#include <stdint.h>

enum plan_daemon {
	PLAN_BUILTIN,
	PLAN_BIRD1,
	PLAN_BIRD2,
	PLAN_FRR,
	PLAN_GOBGP,
	PLAN_OPENBGPD,
	PLAN_EXABGP, /* a worker's speaker only */
	PLAN_DAEMON_COUNT,
};
/* default: the kernel's own, addresses only, left untouched; l3: set so; l4: addresses, protocol and ports of the packet */
enum plan_hash { PLAN_HASH_DEFAULT, PLAN_HASH_L3, PLAN_HASH_L4 };
enum plan_fault { PLAN_FAULT_NONE, PLAN_FAULT_SILENT, PLAN_FAULT_WRONG_PREFIX };

/* Position of anything a message may want to point at. */
struct plan_at {
	const char *file;
	unsigned int line;
	unsigned int column;
};

/* What the router's hash looks at. The kernel's own numbers: l3 0, inner_l3 2, custom 3. l4 is custom over addresses, protocol
 * and ports: policy 1 (socket) lets the sending socket's own hash decide, which veth carries and no wire does. */
enum plan_hash_policy {
	PLAN_POLICY_DEFAULT,
	PLAN_POLICY_L3,
	PLAN_POLICY_L4,
	PLAN_POLICY_INNER_L3,
	PLAN_POLICY_CUSTOM,
	PLAN_POLICY_SOCKET,
};

/* router.hash, and the step hash: what is left out there stays as it is. */
struct plan_hashing {
	enum plan_hash_policy policy;
	unsigned int fields; /* custom: bits as net.ipv4.fib_multipath_hash_fields has them */
	uint32_t seed;	     /* 0: drawn from the run's seed */
	bool use_neighbours; /* pass over next hops whose neighbour is known to be dead */
	bool upstream;	     /* the step: on the upstream router */
};

/* router.nexthop_groups: of the built-in router's routes, or of copies of a daemon's */
struct plan_groups {
	bool on, resilient;
	uint32_t buckets; /* 128 */
	int64_t idle_ns;  /* 0: buckets may move at once */
	int64_t unbalanced_ns;
};

/* lab.upstream: a tier above, which shares traffic over `routers` routers like router, each with sessions to all workers:
 * router, router2, ... at router's address and those after it. */
struct plan_upstream {
	unsigned int routers;	     /* 0: no such tier */
	uint32_t as;		     /* 64512 */
	struct plan_hashing hashing; /* its own; seed 0: drawn, and another than the routers' */
	struct prefix net;	     /* between the tiers; 192.168.255.0/24, fd00:255::/64 */
};

/* A lie that a worker tells, to prove that the judge catches it. */
struct plan_worker_fault {
	unsigned int worker; /* from 1 */
	enum plan_fault fault;
	struct plan_at at;
};

/* router.bfd; the worker's side has it from its BFDProfile. */
struct plan_bfd {
	bool on;
	uint32_t transmit_ms, receive_ms; /* 300 */
	uint32_t multiplier;		  /* 3 */
	bool passive;
};

/* RFC 9234 section 4.1, in the order of its values. */
enum plan_role {
	PLAN_ROLE_NONE,
	PLAN_ROLE_PROVIDER,
	PLAN_ROLE_RS,
	PLAN_ROLE_RS_CLIENT,
	PLAN_ROLE_CUSTOMER,
	PLAN_ROLE_PEER,
};

/* What is said of the sessions at one end, where MetalLB has no word for it. */
struct plan_session {
	struct plan_bfd bfd;
	int64_t hold_ns;       /* KUBE_TIME_UNSET: the kind's own */
	bool graceful_restart; /* RFC 4724: offered, and the peer's routes are kept */
	uint32_t restart_s;    /* 120 */
	bool notification;     /* RFC 8538 */
	uint32_t ttl_security; /* RFC 5082: how far away the peer may be, in hops; 0: off */
	bool multihop;
	enum plan_role role;
	bool role_strict;
};

/* RFC 7911, bits as the capability has them. */
enum plan_add_path { PLAN_ADD_PATH_NONE, PLAN_ADD_PATH_RECEIVE, PLAN_ADD_PATH_SEND, PLAN_ADD_PATH_BOTH };
/* RFC 8212: an external session takes no routes without an import policy, and gives none without one for export. */
enum plan_policies { PLAN_POLICIES_BOTH, PLAN_POLICIES_IMPORT, PLAN_POLICIES_EXPORT, PLAN_POLICIES_NONE };

/* router.session, workers.session: of built-in speakers. Zero: the speaker's own. */
#define PLAN_FAMILIES_MAX 4
/* IANA's numbers of a family. */
struct plan_afi {
	uint16_t afi;
	uint8_t safi;
};

struct plan_engine {
	enum plan_add_path add_path;
	bool extended_next_hop; /* RFC 8950 */
	uint32_t long_lived_s;	/* RFC 9494 */
	enum plan_policies policies;
	struct plan_afi families[PLAN_FAMILIES_MAX]; /* beyond unicast */
	size_t family_count;
	const uint8_t *capabilities; /* TLVs put behind its own, as they are */
	size_t capabilities_len;
	const uint8_t *without; /* codes of its own that are left out */
	size_t without_count;
	uint32_t max_prefixes;
	bool ignores_excess;						    /* of them: the session stands */
	bool no_damping;						    /* IdleHoldTime never doubles */
	bool no_automatic_start, silent_before_open, collision_established; /* RFC 4271 section 8.1.1 */
	bool dials, waits; /* for the peer to dial; neither: routers wait, and workers dial */
	uint32_t delay_open_s, mrai_s, min_origination_s, connect_retry_s, idle_hold_s;
	uint32_t send_hold_s;	      /* RFC 9687 */
	uint32_t stale_s, deferral_s; /* RFC 4724: of a peer's routes until End-of-RIB, of our own selection */
};

enum plan_switch { PLAN_AS_PROFILE, PLAN_ON, PLAN_OFF };

/* workers.switches: what MetalLB, or a network around it, did at one time (METALLB section 11.3). */
struct plan_switches {
	enum plan_switch enforce_hold, backoff_reset_at_open, origin_incomplete, last_wins, local_pref_outside,
		end_of_rib, notifies, graceful_restart;
	struct kube_switches cluster;
	int64_t frr_debounce_ns;  /* from a change to what the speaker announces */
	int64_t kubeproxy_lag_ns; /* and to what its node forwards */
};

struct plan_lab {
	struct prefix cluster_net;  /* 10.0.0.0/24 */
	struct prefix client_net;   /* 172.16.0.0/24 */
	struct prefix pod_net;	    /* 10.244.0.0/16 */
	struct prefix service_net;  /* 10.96.0.0/12 */
	struct addr router_cluster; /* first address of cluster_net unless router.addresses says */
	struct addr router_client;
	struct addr control_plane; /* 10.0.0.10 */
	bool has_control_plane;
	enum plan_daemon daemon;
	const char *router_config;   /* path, or NULL: generated */
	const char *router_password; /* RFC 2385, of every session of the generated or built-in router; NULL: none */
	uint32_t router_as;	     /* 11000 */
	struct plan_session router_session;
	struct plan_engine router_engine, worker_engine;
	bool always_compare_med, multipath_relax; /* the router's decision process */
	enum plan_hash hash;
	struct plan_hashing hashing; /* instead of hash, unless default */
	struct plan_groups groups;
	struct plan_upstream upstream;
	unsigned int max_paths; /* 16 */
	bool multipath_own; /* router.multipath: defaults: its generated configuration says nothing of limits and AS paths */
	unsigned int workers;	 /* 3 */
	uint32_t worker_as;	 /* 22000 */
	uint32_t worker_as_step; /* worker n has worker_as + (n - 1) * this, as its BGPPeer says; 0 */
	enum plan_role worker_role;
	bool worker_role_strict;
	struct plan_switches switches;
	bool delete_add;	  /* the built-in router takes a route away before it sets the changed one */
	struct addr first_worker; /* 10.0.0.51 */
	enum kube_metallb metallb;
	const enum plan_daemon *speakers; /* who speaks BGP for the workers, which take them in turn; none: built-in */
	size_t speaker_count;
	const uint64_t
		*bandwidths; /* octets a second of the workers' links, in turn, as they tell them; none: not told */
	size_t bandwidth_count;
	unsigned int clients;	  /* 1 */
	struct addr first_client; /* 172.16.0.10 */
	const struct plan_worker_fault *faults;
	size_t fault_count;
};

/* Which workers an expectation names. */
enum plan_who_kind { PLAN_WHO_ALL, PLAN_WHO_NONE, PLAN_WHO_LIST };
struct plan_who {
	enum plan_who_kind kind;
	const unsigned int *workers; /* from 1, ascending, for LIST */
	size_t count;
};

enum plan_expect_kind {
	PLAN_EXPECT_SESSIONS,	  /* sessions: established [workers: ...] */
	PLAN_EXPECT_ANNOUNCED_BY, /* service, announced_by: all|none|[..] : exactly these announce it */
	PLAN_EXPECT_WITHDRAWN_BY, /* service, withdrawn_by: .. : each of these took it back on the wire */
	PLAN_EXPECT_NEXT_HOPS, /* service, next_hops: .. : exactly these in the router kernel's FIB; {worker1: 1, worker2: 2}:
				  in this proportion */
	PLAN_EXPECT_HTTP,   /* http: {answered: all|N, status: 200, source: client|node} of the last http step */
	PLAN_EXPECT_SPREAD, /* spread: equal|weighted|pinned|unequal, over: workers, of: flows|connections */
	PLAN_EXPECT_BFD,    /* bfd: up|down [workers: ..]: as the router's own packets say */
	PLAN_EXPECT_MOVED, /* moved_flows: {at_most: minimal|hash_threshold|modulo|rehash}, after flows: {again: true} */
	PLAN_EXPECT_STAGES, /* stages: independent|polarised: of the same flows before and after flows: {again: true}, or of the
			       last flows at both tiers where there is an upstream */
	PLAN_EXPECT_PACKETS, /* packets: {lost: 0, late: 0, twice: 0} of the last flows: at most so many */
	PLAN_EXPECT_PREDICTED, /* paths: predicted, of: flows|connections: each where the router's kernel said it would go */
	PLAN_EXPECT_BROKEN,   /* connections: {broken: 0}: of the held ones that were released, at most so many */
	PLAN_EXPECT_REACTION, /* of the router to a case of malformed: */
	PLAN_EXPECT_LEFT, /* no_packet_on: worker2|[..], since: event|withdraw|fib, within: 200ms, lost: 3, black_hole: 50ms;
				 of the flows in the background, which end with it */
	PLAN_EXPECT_JOINED, /* first_packet_on: worker2|[..], since: event|announce|fib, and the rest as of no_packet_on */
};

/* From when no_packet_on and first_packet_on count: what happened, the first word on the wire, the change of the FIB. */
enum plan_since { PLAN_SINCE_EVENT, PLAN_SINCE_WITHDRAW, PLAN_SINCE_FIB, PLAN_SINCE_ANNOUNCE };

enum plan_source { PLAN_SOURCE_ANY, PLAN_SOURCE_CLIENT, PLAN_SOURCE_NODE };
/* weighted: as the router kernel's weights say; pinned: each client to one worker; unequal: a control that must not be even */
enum plan_spread { PLAN_SPREAD_EQUAL, PLAN_SPREAD_PINNED, PLAN_SPREAD_WEIGHTED, PLAN_SPREAD_UNEQUAL };
/* How many flows may move that would not have to: as many as such a group moves. */
enum plan_moves { PLAN_MOVES_MINIMAL, PLAN_MOVES_HASH_THRESHOLD, PLAN_MOVES_MODULO, PLAN_MOVES_REHASH };
enum plan_traffic_kind { PLAN_OF_LAST, PLAN_OF_FLOWS, PLAN_OF_CONNECTIONS };

struct plan_expect {
	enum plan_expect_kind kind;
	bool never;	   /* must not hold at any time for `for_ns`; else must hold within `within_ns` */
	int64_t within_ns; /* default 3 s */
	int64_t for_ns;
	const char *service;   /* name, or NULL */
	const char *namespace; /* "default" */
	struct plan_who who;
	const uint32_t *weights; /* next_hops: by worker, 0 of those not named; NULL: any */
	bool http_all;
	uint32_t http_answered;
	int http_status;
	enum plan_source source;
	enum plan_spread spread;
	enum plan_traffic_kind of;
	bool bfd_down;
	bool polarised;			   /* stages: a control, they must not be independent */
	enum plan_moves at_most;	   /* moved_flows */
	uint32_t lost, late, twice;	   /* packets */
	enum plan_since since;		   /* no_packet_on, first_packet_on */
	uint64_t lost_most;		   /* packets of it; UINT64_MAX: any number */
	int64_t black_hole_ns;		   /* of one flow of it; -1: not asked */
	bool told;			   /* its figures are asked for, and none breaks a budget */
	const struct rogue_case *reaction; /* to what; who names the worker that sent it */
	double detect;	  /* spread: the relative bias that matters, default 0.25; moved_flows: the share, 0.01 */
	const char *text; /* the step as written, on one line: "service nginx announced_by all within 1s" */
};

enum plan_step_kind {
	PLAN_STEP_APPLY,  /* apply: file | [files] */
	PLAN_STEP_DELETE, /* delete: {service: nginx} | service/nginx */
	PLAN_STEP_SCALE,  /* scale: {deployment: nginx, replicas: 2} */
	PLAN_STEP_EXPECT,
	PLAN_STEP_HTTP, /* http: {service: nginx, requests: 30, parallel: 8} */
	PLAN_STEP_FLOWS, /* flows: {service: nginx, count: 3000 | auto, vary: [src_port], protocol: udp}, or {again: true};
			    matrix: {equal: [src_port], pinned: [dst_port]}: flows for each field, and what is expected */
	PLAN_STEP_MALFORMED, /* malformed: {case: all | name | [names], except: [names], worker: worker1, within: 6s}; an
				expectation for each case follows */
	PLAN_STEP_SEND, /* send: {hex: "<04 00>", expect: notification 1/2, when: established, then: goes_on, times: 1, worker:
			   worker1}: as malformed, with a case of the user's own */
	PLAN_STEP_FAIL, /* fail: {worker: worker2, how: link_down|power_loss|crash|withdraw|graceful_shutdown|drain} */
	PLAN_STEP_RECOVER, /* recover: worker2 */
	PLAN_STEP_RESTART, /* restart: worker2|router, or {node: worker2, down: 2s}: its speaker alone */
	PLAN_STEP_SESSION, /* session: {node: worker2, do: shutdown, words: maintenance}: of all its sessions */
	PLAN_STEP_HASH, /* hash: {policy: l4, fields: [..], seed: 7, use_neighbours: true, on: upstream}: the router's, from
			   here on; sweep: {seeds: 8}: the last flows under each seed, and what is expected of them */
	PLAN_STEP_EXEC, /* exec: {on: client1, run: [curl, -s, ...], exit: 0, within: 5s}; output goes to the run directory */
};

enum plan_failure {
	PLAN_FAIL_LINK_DOWN,  /* the switch's port; the worker runs on */
	PLAN_FAIL_POWER_LOSS, /* nothing more comes from it */
	PLAN_FAIL_CRASH,      /* of its speaker: the kernel closes the connections */
	PLAN_FAIL_WITHDRAW,   /* of its routes; it runs on */
	PLAN_FAIL_SHUTDOWN,   /* graceful: its routes are announced anew as about to go (RFC 8326); it runs on */
	PLAN_FAIL_DRAIN,      /* kubectl drain, and excluded from load balancers */
	PLAN_FAIL_COUNT,
};

/* What a built-in speaker does with its sessions. */
enum plan_do {
	PLAN_DO_REFRESH,  /* asks for all routes again (RFC 2918) */
	PLAN_DO_DRAIN,	  /* what it announces says that it is about to go (RFC 8326) */
	PLAN_DO_UNDRAIN,  /* and no more */
	PLAN_DO_SHUTDOWN, /* Cease, Administrative Shutdown; stays down */
	PLAN_DO_RESET,	  /* Cease, Administrative Reset; comes back */
	PLAN_DO_START,	  /* after a shutdown */
};

/* Why a session is said to end (RFC 4486, 9384). */
enum plan_cease {
	PLAN_CEASE_AS_DONE, /* a shutdown's or a reset's own */
	PLAN_CEASE_MAX_PREFIXES,
	PLAN_CEASE_SHUTDOWN,
	PLAN_CEASE_DECONFIGURED,
	PLAN_CEASE_RESET,
	PLAN_CEASE_REJECTED,
	PLAN_CEASE_CONFIGURATION,
	PLAN_CEASE_COLLISION,
	PLAN_CEASE_RESOURCES,
	PLAN_CEASE_BFD_DOWN,
};

enum plan_flow_protocol { PLAN_FLOWS_UDP, PLAN_FLOWS_TCP, PLAN_FLOWS_ICMP };
enum plan_sizes { PLAN_SIZES_EQUAL, PLAN_SIZES_ZIPF, PLAN_SIZES_ELEPHANTS };

struct plan_traffic {
	const char *service;
	const char *namespace;
	uint32_t count;	   /* requests, or flows; 0: as many as what is expected of them needs */
	bool again;	   /* flows: those of the flows step before once more, whatever else is said */
	uint32_t parallel; /* http: connections open at once, default 32 */
	bool hold;	   /* http: opened and kept open, nothing asked; the next with `release` asks all of them */
	bool release;
	enum plan_flow_protocol protocol; /* flows: udp, TCP SYNs or ICMP echoes */
	unsigned int vary; /* bits as enum traffic_vary of sim/traffic: 1 src_port, 2 dst_port, 4 src_addr, 8 dst_addr,
				16 flow_label, 32 protocol */
	uint32_t packets;  /* per flow, default 1 */
	bool fragments;	   /* each datagram as two */
	bool background;   /* flows: at their rate, over the steps that follow, until no_packet_on has its answer */
	enum plan_sizes sizes;			 /* of flows that have `packets` on average */
	double exponent;			 /* zipf */
	unsigned int elephants, elephants_share; /* percent of the flows, and of the packets that they have */
	uint32_t rate, burst;			 /* packets a second, 0: as fast as they go; and so many at a time */
	const char *tuples;			 /* path of a capture whose flows these are, or NULL */
	uint16_t port;				 /* 0: the service's first */
	unsigned int client;			 /* from 1; 0: all clients in turn */
};

/* A worker that misbehaves, and how. */
struct plan_malformed {
	unsigned int worker; /* from 1 */
	const struct rogue_case *what;
};

struct plan_step {
	enum plan_step_kind kind;
	struct plan_at at;
	const char *text;		   /* the step as written, on one line */
	const struct kube_object *objects; /* apply: read when the plan is */
	size_t object_count;
	enum kube_kind delete_kind;
	const char *namespace, *name; /* delete, scale */
	uint32_t replicas;
	struct plan_expect expect;
	struct plan_traffic traffic;
	const char *node;	 /* exec: router, worker1, client1, control-plane */
	const char *const *argv; /* NULL-terminated */
	int exit_status;
	int64_t within_ns; /* exec: default 5 s; malformed: 6 s */
	const struct plan_malformed *malformed;
	size_t malformed_count;
	unsigned int worker; /* fail, recover, restart, session: from 1; 0: the router */
	enum plan_do action;
	const char *words; /* of a shutdown or reset (RFC 9003); NULL: none */
	bool hard;	   /* RFC 8538 */
	enum plan_cease cease;
	enum plan_failure failure;
	struct plan_hashing hashing;
	int64_t down_ns;	      /* restart: between end and start */
	const struct plan_step *then; /* matrix: the steps that follow from it, which are in the plan, too */
	size_t then_count;
};

/* Played on the virtual driver: control plane alone, in no time, the same bytes from the same seed. */
struct plan_virtual {
	bool on;
	bool asked;		 /* by plan_read_virtual: what needs the kernel is skipped, not refused */
	int64_t delay_ns;	 /* of a connection, one way; 100 us */
	int64_t spread_ns;	 /* of a connection, beyond that: up to so much */
	int64_t jitter_ns;	 /* of a write, beyond that: up to so much */
	uint32_t cut_percent;	 /* of reads get a random part of what is there */
	uint32_t late_percent;	 /* of reads get several writes at once */
	uint32_t refuse_percent; /* of dials are refused */
	int64_t breaks_ns;	 /* mean time between the ends of connections; 0: none ends by itself */
};

/* All memory is the arena's. */
struct plan {
	struct arena arena;
	const char *file; /* scenarios/article/scenario.yaml */
	const char *dir;
	const char *name;
	const char *about;
	struct plan_virtual virtual;
	bool has_seed;
	uint64_t seed;
	struct plan_lab lab;
	const struct kube_object *manifests; /* lab.manifests, applied before the first step */
	size_t manifest_count;
	const struct plan_step *steps;
	size_t step_count;
};

/* Reads a scenario: path is the folder or the file. Fills diags and returns NULL when anything is wrong; else a plan that
 * plan_free frees. Checks everything that can be known before a lab starts: unknown keys and words (nearest known one as
 * hint), types, ranges, duplicate keys, tabs, missing files, addresses outside their networks, services and workers
 * that no manifest or lab has, MetalLB's own refusals (the manifests are applied to a trial kube_cluster). */
struct plan *plan_read(const char *path, struct diags *diags);
/* As plan_read, to be played on the virtual driver whatever the file says. */
struct plan *plan_read_virtual(const char *path, struct diags *diags);
/* Traffic, the kernel's routes, programs: not to be had on the virtual driver. */
bool plan_step_needs_kernel(const struct plan_step *step);
void plan_free(struct plan *p);
/* ---- What if a worker leaves: ecmplab impact ---- */

/* as the scenario has it; plain, RFC 2992; resilient, 128 buckets that may move at once */
enum plan_group { PLAN_GROUP_AS_SET, PLAN_GROUP_PLAIN, PLAN_GROUP_RESILIENT, PLAN_GROUP_COUNT };

struct plan_impact {
	unsigned int worker; /* from 1 */
	enum plan_failure way;
	enum plan_group group;
	uint32_t flows;	      /* at least 1 */
	uint32_t connections; /* 0: none */
	int64_t within_ns;    /* how long to wait for the flows to leave */
};

/* The words of fail.how, and "as_set", "hash_threshold", "resilient"; false for another. */
bool plan_failure_of(const char *word, enum plan_failure *ret);
bool plan_group_of(const char *word, enum plan_group *ret);
/* Keeps of the plan what builds its lab up, and lets the worker leave under traffic; the plan's name gets way and group behind it,
 * with '-' before each. False with the reason, the plan as it was. */
bool plan_set_impact(struct plan *p, const struct plan_impact *what, const char **ret_why);
/* The daemon that a scenario's word for a router means; false for another word. */
bool plan_daemon_of(const char *word, enum plan_daemon *ret);
/* In words: "BIRD 2", "the built-in router". */
const char *plan_daemon_name(enum plan_daemon daemon);
/* As a router: into Linux's kernel. */
bool plan_daemon_installs_routes(enum plan_daemon daemon);
/* The same plan over another router, with a generated configuration unless it is the plan's own; the plan's name gets
 * the router's word behind it. */
void plan_set_router(struct plan *p, enum plan_daemon daemon);

/* Reads one file of manifests (several documents, Helm values with configInline, a ConfigMap) into the arena. Returns 0, or -EINVAL
 * with diagnostics. Kinds the lab has no use for are an error that lists the known ones. */
int manifest_read(const char *path, struct arena *arena, struct diags *diags, const struct kube_object **ret,
		  size_t *ret_count);
/* True when the file is a scenario (has lab: or steps: at its top) rather than a manifest. */
bool plan_is_scenario(const char *path);

#endif
