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

/* A lie that a worker tells, to prove that the judge catches it. */
struct plan_worker_fault {
	unsigned int worker; /* from 1 */
	enum plan_fault fault;
	struct plan_at at;
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
	enum plan_hash hash;
	unsigned int max_paths;	  /* 16 */
	unsigned int workers;	  /* 3 */
	uint32_t worker_as;	  /* 22000 */
	struct addr first_worker; /* 10.0.0.51 */
	enum kube_metallb metallb;
	const enum plan_daemon *speakers; /* who speaks BGP for the workers, which take them in turn; none: built-in */
	size_t speaker_count;
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
	PLAN_EXPECT_NEXT_HOPS,	  /* service, next_hops: .. : exactly these in the router kernel's FIB */
	PLAN_EXPECT_HTTP,	  /* http: {answered: all|N, status: 200, source: client|node} of the last http step */
	PLAN_EXPECT_SPREAD,	  /* spread: equal|pinned, over: workers, of: flows|connections */
	PLAN_EXPECT_REACTION,	  /* of the router to a case of malformed: */
};

enum plan_source { PLAN_SOURCE_ANY, PLAN_SOURCE_CLIENT, PLAN_SOURCE_NODE };
enum plan_spread { PLAN_SPREAD_EQUAL, PLAN_SPREAD_PINNED };
enum plan_traffic_kind { PLAN_OF_LAST, PLAN_OF_FLOWS, PLAN_OF_CONNECTIONS };

struct plan_expect {
	enum plan_expect_kind kind;
	bool never;	   /* must not hold at any time for `for_ns`; else must hold within `within_ns` */
	int64_t within_ns; /* default 3 s */
	int64_t for_ns;
	const char *service;   /* name, or NULL */
	const char *namespace; /* "default" */
	struct plan_who who;
	bool http_all;
	uint32_t http_answered;
	int http_status;
	enum plan_source source;
	enum plan_spread spread;
	enum plan_traffic_kind of;
	const struct rogue_case *reaction; /* to what; who names the worker that sent it */
	double detect;			   /* spread: the relative bias that matters, default 0.25 */
	const char *text; /* the step as written, on one line: "service nginx announced_by all within 1s" */
};

enum plan_step_kind {
	PLAN_STEP_APPLY,  /* apply: file | [files] */
	PLAN_STEP_DELETE, /* delete: {service: nginx} | service/nginx */
	PLAN_STEP_SCALE,  /* scale: {deployment: nginx, replicas: 2} */
	PLAN_STEP_EXPECT,
	PLAN_STEP_HTTP,	     /* http: {service: nginx, requests: 30, parallel: 8} */
	PLAN_STEP_FLOWS,     /* flows: {service: nginx, count: 3000, vary: [src_port], protocol: udp} */
	PLAN_STEP_MALFORMED, /* malformed: {case: all | name | [names], except: [names], worker: worker1, within: 6s}; an
				expectation for each case follows */
	PLAN_STEP_SEND, /* send: {hex: "<04 00>", expect: notification 1/2, when: established, then: goes_on, times: 1, worker:
			   worker1}: as malformed, with a case of the user's own */
	PLAN_STEP_EXEC, /* exec: {on: client1, run: [curl, -s, ...], exit: 0, within: 5s}; output goes to the run directory */
};

struct plan_traffic {
	const char *service;
	const char *namespace;
	uint32_t count;	   /* requests, or flows */
	uint32_t parallel; /* http: connections open at once, default 32 */
	bool tcp;	   /* flows: TCP SYN, else UDP (default) */
	unsigned int
		vary;	  /* bits as enum traffic_vary of sim/traffic: 1 src_port, 2 dst_port, 4 src_addr, 8 dst_addr */
	uint32_t packets; /* per flow, default 1 */
	uint16_t port;	  /* 0: the service's first */
	unsigned int client; /* from 1; 0: all clients in turn */
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
};

/* All memory is the arena's. */
struct plan {
	struct arena arena;
	const char *file; /* scenarios/article/scenario.yaml */
	const char *dir;
	const char *name;
	const char *about;
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
void plan_free(struct plan *p);
/* The daemon that a scenario's word for a router means; false for another word. */
bool plan_daemon_of(const char *word, enum plan_daemon *ret);
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
