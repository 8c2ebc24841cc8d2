/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECMPLAB_JUDGE_INT_H
#define ECMPLAB_JUDGE_INT_H

#include "judge.h"
#include "vec.h"

/* A frame that showed something. */
struct proof {
	struct instant time;
	unsigned int link;
	uint64_t frame;
};

/* ---- bgp_view.c: sessions and routes, from each worker's own link ---- */

/* How far a session got; in the order in which it gets there. */
enum stage {
	STAGE_NOTHING,
	STAGE_SYN,
	STAGE_REFUSED,
	STAGE_OPEN, /* one side's OPEN */
	STAGE_OPENS,
	STAGE_UP, /* OPEN and KEEPALIVE both ways */
	STAGE_ENDED,
};

/* The session's stage from `proof.time` on. */
struct session_change {
	struct proof proof;
	enum stage stage;
	const char *words; /* why it ended; static, or NULL */
};

/* A route of the worker, there or gone, from `proof.time` on. */
struct route_change {
	struct proof proof;
	struct prefix prefix;
	struct addr next_hop;
	bool present;
	bool by_update; /* a withdrawal; else the session ended */
	size_t event;	/* of judge.route_events; SIZE_MAX: none */
};

/* One TCP connection between worker and router. Index 0 is the worker's direction. */
struct bgp_conn {
	uint16_t worker_port, router_port;
	bool open[2], keepalive[2], as4[2];
	bool ended;
};

struct worker_view {
	VEC(struct bgp_conn) conns;
	VEC(struct session_change) sessions;
	VEC(struct route_change) routes;
	VEC(size_t) route_conns; /* conn of each route change */
};

/* ---- fib_view.c ---- */

struct fib_change {
	struct instant time;
	struct prefix prefix;
	size_t first, count; /* of judge.fib_hops */
};

/* ---- traffic_view.c ---- */

/* A flow's or connection's packet where it came to a worker, or a connection's SYN where it came to a pod. */
struct arrival {
	struct proof proof;
	unsigned int worker; /* or pod */
	uint32_t run, flow;
	struct addr src, dst;
	uint16_t src_port, dst_port;
};

/* A connection on a client's link. */
struct client_event {
	struct proof proof;
	struct addr client, server;
	uint16_t client_port, server_port;
	int status; /* of the answer; 0: the SYN */
};

struct lost {
	unsigned int link;
	uint64_t frames;
};

struct judge {
	struct judge_lab lab;
	struct arena arena;
	struct worker_view *workers;
	VEC(struct judge_route_event) route_events;
	VEC(struct fib_change) fib;
	VEC(struct addr) fib_hops;
	VEC(struct judge_pod) pods;
	VEC(struct arrival) flows;
	VEC(struct arrival) connections;
	VEC(struct arrival) pod_connections;
	VEC(struct client_event) client_events;
	VEC(struct lost) losses;
};

void view_bgp(struct judge *j, unsigned int worker, const struct capture_event *event);
void view_bgp_free(struct judge *j);
/* The change in force at the instant, or NULL before the first. */
const struct session_change *view_session_at(const struct judge *j, unsigned int worker, struct instant t);
const struct route_change *view_route_at(const struct judge *j, unsigned int worker, const struct prefix *p,
					 struct instant t);
/* The FIB's next hops at the instant. */
const struct addr *view_fib_at(const struct judge *j, const struct prefix *p, struct instant t, size_t *ret_count);
void view_traffic(struct judge *j, const struct capture_event *event);

/* ---- Evaluators ---- */

struct evaluation {
	struct judge *j;
	const struct judge_expect *expect;
	struct instant now;
	struct arena *arena;
	struct judge_finding *finding;
};

/* expect_state.c: sessions, announced_by, withdrawn_by, next_hops: a condition over time */
void evaluate_state(struct evaluation *e);
/* expect_http.c, expect_spread.c */
void evaluate_http(struct evaluation *e);
void evaluate_spread_equal(struct evaluation *e);
void evaluate_spread_pinned(struct evaluation *e);

/* The verdict once the evidence is not complete: pending before the deadline, failed after. */
void evaluate_unfinished(struct evaluation *e);
void finding_frame(struct evaluation *e, const struct proof *p);
/* "worker1, worker2"; "no worker" for none. */
char *names_of(const struct evaluation *e, const bool *chosen);
/* Inconclusive when frames were lost on any of the links that the verdict rests on. True when so. */
bool evaluate_losses(struct evaluation *e);

#endif
