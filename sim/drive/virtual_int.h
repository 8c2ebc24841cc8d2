/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the virtual driver share: virtual.c (nodes, clock) > virtual_faults.c > virtual_net.c (connections) >
 * virtual_links.c (who has which) > virtual_frames.c (what taps see) > virtual_queue.c (events in order, maps). */
#ifndef ECMPLAB_VIRTUAL_INT_H
#define ECMPLAB_VIRTUAL_INT_H

#include "rng.h"
#include "vec.h"
#include "virtual.h"

/* ---- virtual_queue.c ---- */

enum source_kind { SOURCE_NODE, SOURCE_PIPE, SOURCE_FLIGHT };

/* Whatever can have one event to come. */
struct source {
	enum source_kind kind;
	uint32_t at; /* its place in the queue, from 1; 0: none */
};

struct due {
	int64_t ns;
	uint64_t order; /* of what is due at one instant */
	struct source *source;
};

/* A heap; at[0] is not used. */
struct queue {
	VEC(struct due) heap;
	uint64_t order;
};

/* Sets, changes or takes back (INT64_MAX) the source's event. */
void queue_set(struct queue *q, struct source *source, int64_t ns);
/* The source whose event is first, or NULL. */
struct source *queue_first(const struct queue *q, int64_t *ret_ns);
void queue_free(struct queue *q);

/* Numbers by key: open addressing, half empty at least. Zero is an empty map. */
struct slot {
	uint64_t key;
	uint32_t value;
	bool used;
};

struct map {
	struct slot *slots;
	size_t size, count;
};

/* UINT32_MAX for none. */
uint32_t map_get(const struct map *m, uint64_t key);
void map_set(struct map *m, uint64_t key, uint32_t value);
void map_remove(struct map *m, uint64_t key);
void map_free(struct map *m);

/* ---- virtual_net.c ---- */

/* Bytes until an offset of the stream are there from an instant on. */
struct mark {
	int64_t ns;
	uint64_t end;
	uint64_t ack; /* what the writer had of the other's, for taps */
};

struct link;

/* What travels towards one end. */
struct pipe {
	struct source source; /* first, so that a source is a pipe */
	struct link *link;
	unsigned int end;
	VEC(uint8_t) bytes; /* from head on: not read yet */
	size_t head;
	VEC(struct mark) marks; /* from first_mark on */
	size_t first_mark;
	uint64_t written, read;
	int64_t last_ns;	/* what was sent last arrives */
	int64_t read_ns;	/* the reader does not look before */
	bool hello, fin, reset; /* SYN or its answer, with their arrival */
	int64_t hello_ns, fin_ns, reset_ns;
	int64_t stuck_ns;  /* nothing gets through since; INT64_MAX: it does */
	uint64_t break_at; /* the connection ends with this byte; UINT64_MAX: it doesn't */
	enum virtual_end break_how;
};

enum end_state { END_NONE, END_DIALLING, END_UP, END_CLOSED };

struct end {
	virtual_node node;
	enum end_state state;
	bgp_conn_id id;
	struct addr addr;
	size_t place; /* in the node's list while DIALLING or UP */
};

static inline bool end_is_open(const struct end *e)
{
	return e->state == END_UP || e->state == END_DIALLING;
}

/* A connection. Ends and pipes: 0 the one who dialled, 1 the one who was dialled. */
struct link {
	uint32_t index;
	uint16_t port;
	struct talk *talk; /* NULL: nobody taps */
	int64_t delay_ns;
	bool broken; /* what is sent from now on is lost */
	bool used;
	struct end ends[2];
	struct pipe to[2];
};

struct node {
	struct source source; /* first, so that a source is a node */
	virtual_node index;
	struct bgp_speaker *engine; /* NULL: down */
	bool listens;
	bool dark; /* without power: answers nothing */
	const struct drive_speaker_ops *ops;
	void *ctx;
	struct addr addresses[2]; /* first IPv4, first IPv6 */
	int64_t paused_until;
	uint32_t dials;
	VEC(struct link *) links;
	bool flushing;
};

struct located {
	struct addr addr;
	virtual_node node;
	uint32_t next; /* of those with the same key; UINT32_MAX: none */
};

struct cut {
	virtual_node a, b;
	bool one_way; /* from a to b: not lost, but not read */
};

struct virtual
{
	struct virtual_conf conf;
	struct rng rng;
	int64_t now;
	struct queue queue;
	VEC(struct node *) nodes;
	VEC(struct link *) links;
	VEC(uint32_t) free_links;
	VEC(struct located) addresses;
	struct map by_address, by_conn;
	VEC(struct cut) cuts;
	struct virtual_stats stats;
};

void net_dial(struct virtual *v, virtual_node node, bgp_peer_id peer, bgp_conn_id conn);
void net_send(struct virtual *v, virtual_node node, bgp_conn_id conn, const uint8_t *bytes, size_t n);
void net_close(struct virtual *v, virtual_node node, bgp_conn_id conn);
/* An orderly close of one end: the other gets what was sent. */
void net_shut(struct virtual *v, struct link *l, unsigned int end);
/* The pipe's event has come. */
void net_pipe(struct virtual *v, struct pipe *p);
/* What could not get through may do so from now on. */
void net_retry(struct virtual *v, struct pipe *p);
/* Both open ends hear of the connection's end: at once, or after what was sent. */
void net_break(struct virtual *v, struct link *l, enum virtual_end how);
void net_free(struct virtual *v);

/* ---- virtual_links.c ---- */

#define LINKS_ROOM_KEPT ((size_t)65536) /* of an idle pipe's bytes */

void links_locate(struct virtual *v, const struct addr *a, virtual_node node);
/* UINT32_MAX: nobody has the address. */
virtual_node links_node_at(const struct virtual *v, const struct addr *a);
struct link *links_new(struct virtual *v);
/* The end is its node's from now on. */
void links_adopt(struct virtual *v, struct link *l, unsigned int end, bgp_conn_id id, enum end_state state);
/* The end's node has it no more. */
void links_forget(struct virtual *v, struct link *l, unsigned int end);
struct link *links_find(const struct virtual *v, virtual_node node, bgp_conn_id conn, unsigned int *ret_end);
void links_empty(struct pipe *p);

/* Uniform in [0, most]. */
static inline int64_t net_random_ns(struct virtual *v, int64_t most)
{
	return most > 0 ? (int64_t)rng_below(&v->rng, (uint64_t)most + 1) : 0;
}

static inline int64_t net_later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* ---- virtual_frames.c: nothing where nobody taps ---- */

struct talk;

void frames_dial(struct virtual *v, struct link *l);
/* The SYN comes to end 1, or its answer to end 0. */
void frames_hello(struct virtual *v, struct link *l, unsigned int end);
void frames_accept(struct virtual *v, struct link *l);
void frames_out(struct virtual *v, struct link *l, unsigned int end, const uint8_t *bytes, size_t n);
void frames_in(struct virtual *v, struct link *l, unsigned int end, const uint8_t *bytes, size_t n, uint64_t ack);
/* What an end has of the other's, as acknowledgements say it. */
uint64_t frames_heard(const struct link *l, unsigned int end);
/* The talk past whatever becomes of its link, until frames_ack: which tells of what came, unless something has since. */
struct talk *frames_keep(const struct link *l);
void frames_ack(struct virtual *v, struct talk *t, unsigned int end);
void frames_fin_out(struct virtual *v, struct link *l, unsigned int end);
/* The other end closed; this one does so at once. */
void frames_fin_in(struct virtual *v, struct link *l, unsigned int end);
void frames_reset_out(struct virtual *v, struct link *l, unsigned int end);
void frames_reset_in(struct virtual *v, struct link *l, unsigned int end);
void frames_forget(struct link *l);
/* A flight's event has come. */
void frames_flight(struct virtual *v, struct source *source);
void frames_drop(struct source *source);

/* ---- virtual_faults.c ---- */

/* Nothing gets to a node from another. */
bool faults_silent(const struct virtual *v, virtual_node from, virtual_node to);
/* What does not get there is lost, rather than not read. */
bool faults_lost(const struct virtual *v, virtual_node from, virtual_node to);

/* ---- virtual.c ---- */

void virtual_tell(struct virtual *v, const struct virtual_event *event);

#endif
