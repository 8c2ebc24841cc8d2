/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECMPLAB_DRIVE_INT_H
#define ECMPLAB_DRIVE_INT_H

#include "arena.h"
#include "chains.h"
#include "drive.h"
#include "vec.h"

#include <event2/event.h>

struct child {
	pid_t pid;
	drive_exit_fn *fn;
	void *ctx;
};

/* A dial whose turn has not come. */
struct dial {
	struct drive_speaker *speaker;
	bgp_peer_id peer;
	bgp_conn_id conn;
	void (*fn)(struct drive_speaker *speaker, bgp_peer_id peer, bgp_conn_id conn);
};

/* Most events have the middle one. Before them come peers whose misbehaviour has its times, for what they do late is taken for
 * the router's fault; behind them what waits until there is nothing else to do. */
enum { DRIVE_URGENT = 0, DRIVE_IDLE = 2, DRIVE_PRIORITIES = 3 };

struct drive {
	struct event_base *base;
	struct event *signals[4];
	struct event *deadline;
	VEC(struct child) children;
	bool interrupted;
	VEC(struct dial) dials; /* in the order they were asked for */
	unsigned int dialling;	/* whose turn it is */
	uint64_t round;		/* grows when those whose turn it was are not waited for any more */
	struct event *turn;
};

/* The time until an instant of drive_now's clock, not below zero. */
struct timeval drive_until(const struct drive *d, struct instant t);

/* ---- routes.c ---- */

struct routes {
	struct drive *drive;
	const struct drive_speaker_ops *ops;
	void *ctx;
	struct chains by_prefix, by_hops;
	VEC(struct told *) order; /* of the prefixes' first words */
	struct arena memory;
	struct instant since; /* the first of them */
	struct event *idle;
};

void routes_init(struct routes *t, struct drive *d, const struct drive_speaker_ops *ops, void *ctx);
void routes_fini(struct routes *t);
/* Keeps it, where somebody wants to be told. */
void routes_put(struct routes *t, const struct bgp_output *route);
/* After an event: tells them now if it must be, else when there is nothing else to do. */
void routes_soon(struct routes *t);
/* Tells them. What is called then must not lead back here. */
void routes_tell(struct routes *t);

/* ---- pace.c ---- */

int pace_init(struct drive *d);
void pace_fini(struct drive *d);
/* Calls dial->fn now, or later when others have had their turn. */
void pace_dial(struct drive *d, const struct dial *dial);
/* The turn that began in the round is over. */
void pace_done(struct drive *d, uint64_t round);
/* The speaker's dial for a connection, or all of them (NULL), will not be needed. */
void pace_forget(struct drive *d, const struct drive_speaker *speaker, const bgp_conn_id *conn);

#endif
