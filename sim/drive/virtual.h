/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtual driver (D2): BGP engines over a virtual clock and a network in memory. The same seed and the same calls give
 * the same run, bit for bit; nothing waits, so that hours pass in milliseconds.
 *
 * The network keeps TCP's promises: a connection's bytes come in order, once, cut and joined anywhere. What is between
 * connections has no order. Silence holds bytes back, as TCP sends them again, until it ends or TCP gives up.
 *
 * Engines stay the caller's and must outlive their node, or be taken off it (virtual_stop). After every call into an engine
 * from outside, virtual_flush. */
#ifndef ECMPLAB_VIRTUAL_H
#define ECMPLAB_VIRTUAL_H

#include "drive.h"

struct virtual;
typedef unsigned int virtual_node; /* from 0, in order of virtual_add */

/* How connections are; drawn for each from the seed. */
struct virtual_network {
	int64_t delay_ns;	     /* one way, at least */
	int64_t spread_ns;	     /* of a connection, beyond that: up to so much */
	int64_t jitter_ns;	     /* of a write, beyond that: up to so much */
	unsigned int cut_percent;    /* of reads get a random part of what is there */
	unsigned int late_percent;   /* of reads come late, and get several writes at once */
	unsigned int refuse_percent; /* of dials are refused though somebody listens */
	int64_t give_up_ns; /* TCP ends a connection whose bytes were not answered for so long; 0: 15 minutes */
};

enum virtual_event_kind {
	VIRTUAL_DIALS,
	VIRTUAL_CONNECTED,
	VIRTUAL_ACCEPTS,
	VIRTUAL_REFUSED, /* the dial failed */
	VIRTUAL_SENDS,
	VIRTUAL_READS,
	VIRTUAL_CLOSES,
	VIRTUAL_CLOSED, /* by the other end, or broken */
	VIRTUAL_TIMER,
};

/* What happened at a node. */
struct virtual_event {
	struct instant at;
	enum virtual_event_kind kind;
	virtual_node node;
	bgp_conn_id conn;     /* 0 for a timer */
	const uint8_t *bytes; /* SENDS and READS */
	size_t len;
};

typedef void virtual_trace_fn(void *ctx, const struct virtual_event *event);
/* A frame at a node's port, as a tap there would see it: Ethernet, IP and TCP around what connections carry. In order of
 * time. */
typedef void virtual_frame_fn(void *ctx, virtual_node node, struct instant at, const uint8_t *frame, size_t len);

struct virtual_conf {
	uint64_t seed;
	struct virtual_network network;
	virtual_trace_fn *trace; /* may be NULL */
	virtual_frame_fn *frame; /* may be NULL; changes nothing of the run */
	void *ctx;
};

struct virtual *virtual_new(const struct virtual_conf *conf);
void virtual_free(struct virtual *v);
struct instant virtual_now(const struct virtual *v);
/* Plays everything that happens until then, and leaves the clock there. */
void virtual_run(struct virtual *v, struct instant until);
/* When the next thing happens; INSTANT_NEVER for nothing. */
struct instant virtual_next(const struct virtual *v);
void virtual_set_network(struct virtual *v, const struct virtual_network *network);

/* ---- Nodes ---- */

struct virtual_node_conf {
	struct bgp_speaker *engine; /* NULL: down until virtual_start */
	bool listens;		    /* on port 179 */
	const struct addr
		*addresses; /* all that reach it; the first of a family is the source of its dials unless ops->dial
				       * names another */
	size_t address_count;
	const struct drive_speaker_ops *ops; /* dial must be there */
	void *ctx;
};

/* Adds a node and starts all its peers. */
virtual_node virtual_add(struct virtual *v, const struct virtual_node_conf *conf);
/* Hands out what the node's engine has queued. */
void virtual_flush(struct virtual *v, virtual_node node);

enum virtual_end {
	VIRTUAL_FIN,	/* the process ends: everything sent arrives, then the end of the stream */
	VIRTUAL_RST,	/* what has not arrived is lost, both ends hear of it */
	VIRTUAL_SILENT, /* power loss: nobody hears anything until the node is up and answers with RST */
};

/* Takes the engine off the node, which is down from now on. The engine hears nothing; it may be freed. */
void virtual_stop(struct virtual *v, virtual_node node, enum virtual_end how);
/* The node is up with an engine, whose peers are started. */
void virtual_start(struct virtual *v, virtual_node node, struct bgp_speaker *engine);
/* The node does nothing for so long (a stopped process, a suspended machine), then goes on with its clock where it should
 * be. */
void virtual_pause(struct virtual *v, virtual_node node, int64_t ns);
/* The clock of all nodes jumps; what was due meanwhile happens at its end. */
void virtual_jump(struct virtual *v, int64_t ns);

/* ---- Faults ---- */

/* Nothing arrives between the two while it is on. */
void virtual_silence(struct virtual *v, virtual_node a, virtual_node b, bool on);
/* While it is on, `to` does not read what comes from the other, whose writes stop once the window is full (RFC 9687). */
void virtual_unread(struct virtual *v, virtual_node from, virtual_node to, bool on);
/* Ends the connections between the two after so many more bytes towards b. Returns how many there are. */
size_t virtual_break(struct virtual *v, virtual_node a, virtual_node b, enum virtual_end how, size_t after);

/* ---- For tests and measuring ---- */

struct virtual_stats {
	uint64_t events;
	uint64_t connections; /* dialled */
	uint64_t bytes;	      /* read */
	uint64_t overdue;     /* an engine named a deadline that its timers had just left behind: a timer is stuck */
	size_t open;	      /* connections that one of the ends still has */
};
struct virtual_stats virtual_stats(const struct virtual *v);

#endif
