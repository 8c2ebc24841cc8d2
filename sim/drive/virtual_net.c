/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections: what is written at one end is read at the other, later, in order, in other pieces. */
#include "virtual_int.h"

#include <stdlib.h>
#include <string.h>

#define READ_MAX ((size_t)65536)
#define GIVE_UP_NS (900 * NS_PER_S)
#define WINDOW 65536U /* octets on their way to one who does not read */

static bool chance(struct virtual *v, unsigned int percent)
{
	return percent > 0 && rng_below(&v->rng, 100) < percent;
}

static struct instant now_of(const struct virtual *v)
{
	return (struct instant){v->now};
}

/* ---- When a pipe has something ---- */

static int64_t pipe_due(const struct virtual *v, const struct pipe *p)
{
	int64_t due = INT64_MAX;

	if (p->hello)
		due = p->hello_ns;
	else if (p->first_mark < p->marks.len)
		due = net_later(p->marks.at[p->first_mark].ns, p->read_ns);
	else if (p->head < p->bytes.len)
		due = p->read_ns;
	else if (p->fin)
		due = net_later(p->fin_ns, p->read_ns);
	if (p->reset && p->reset_ns < due)
		due = p->reset_ns;
	return due != INT64_MAX ? net_later(due, v->now) : due;
}

static int64_t plus(int64_t ns, int64_t more)
{
	return instant_add((struct instant){ns}, more).ns;
}

/* When TCP gives up on what is stuck in the pipe. */
static int64_t patience_ends(const struct virtual *v, const struct pipe *p)
{
	const struct link *l = p->link;
	int64_t patience = v->conf.network.give_up_ns > 0 ? v->conf.network.give_up_ns : GIVE_UP_NS;

	if (!faults_lost(v, l->ends[1 - p->end].node, l->ends[p->end].node))
		return INT64_MAX;
	return plus(p->stuck_ns, patience);
}

/* When something happens to what is stuck: TCP gives up, or the engine does (RFC 9687), once the writer can't write. */
static int64_t stuck_due(const struct virtual *v, const struct pipe *p)
{
	const struct end *writer = &p->link->ends[1 - p->end];
	const struct bgp_speaker *engine = v->nodes.at[writer->node]->engine;
	int64_t patience = patience_ends(v, p), hold = INT64_MAX;

	if (writer->state == END_UP && p->written - p->read > WINDOW)
		hold = plus(p->stuck_ns, bgp_send_hold_ns(engine, writer->id));
	return net_later(patience < hold ? patience : hold, v->now);
}

static void schedule(struct virtual *v, struct pipe *p)
{
	int64_t due = p->stuck_ns == INT64_MAX ? pipe_due(v, p) : stuck_due(v, p);

	/* A connection that was broken on purpose ends whatever is in the way. */
	if (p->reset && p->link->broken && p->reset_ns < due)
		due = net_later(p->reset_ns, v->now);
	queue_set(&v->queue, &p->source, due);
}

/* Arrival of what is sent now: never before what was sent earlier. */
static int64_t arrival(struct virtual *v, struct pipe *p)
{
	int64_t ns = v->now + p->link->delay_ns + net_random_ns(v, v->conf.network.jitter_ns);

	p->last_ns = net_later(ns, p->last_ns);
	return p->last_ns;
}

static void make_room(struct pipe *p)
{
	size_t left = p->bytes.len - p->head;

	if (left == 0 && p->bytes.cap > LINKS_ROOM_KEPT)
		VEC_FREE(&p->bytes);
	if (left == 0 || p->head >= left) {
		if (left > 0)
			memmove(p->bytes.at, p->bytes.at + p->head, left);
		p->bytes.len = left;
		p->head = 0;
	}
	if (p->first_mark == p->marks.len)
		p->marks.len = p->first_mark = 0;
}

static void put_bytes(struct virtual *v, struct pipe *p, const uint8_t *bytes, size_t n)
{
	int64_t ns = arrival(v, p);
	uint64_t ack = frames_heard(p->link, 1 - p->end);
	bool idle;

	frames_out(v, p->link, 1 - p->end, bytes, n);
	make_room(p);
	idle = p->bytes.len == p->head;
	if (p->bytes.len + n > p->bytes.cap) {
		p->bytes.cap = (p->bytes.len + n) * 2;
		p->bytes.at = memory_grow(p->bytes.at, p->bytes.cap, 1);
	}
	memcpy(p->bytes.at + p->bytes.len, bytes, n);
	p->bytes.len += n;
	p->written += n;
	if (idle && chance(v, v->conf.network.late_percent))
		p->read_ns = ns + net_random_ns(v, 4 * p->link->delay_ns);
	if (p->first_mark < p->marks.len && p->marks.at[p->marks.len - 1].ns == ns)
		p->marks.len--;
	VEC_PUSH(&p->marks, (struct mark){.ns = ns, .end = p->written, .ack = ack});
	schedule(v, p);
}

static void put_fin(struct virtual *v, struct pipe *p)
{
	p->fin = true;
	p->fin_ns = arrival(v, p);
	schedule(v, p);
}

static void put_reset(struct virtual *v, struct pipe *p)
{
	p->reset = true;
	p->reset_ns = arrival(v, p);
	schedule(v, p);
}

/* ---- What an engine wants ---- */

void net_dial(struct virtual *v, virtual_node node, bgp_peer_id peer, bgp_conn_id conn)
{
	struct node *n = v->nodes.at[node];
	struct link *l = links_new(v);
	struct addr remote = {0}, source = {0};
	uint16_t port = WIRE_BGP_PORT;
	virtual_node to;

	n->ops->dial(n->ctx, peer, &remote, &port, &source);
	to = links_node_at(v, &remote);
	if (source.family == ADDR_NONE)
		source = n->addresses[remote.family == ADDR_V6];
	l->ends[0] = (struct end){.node = node, .addr = source};
	/* Nobody has the address: as good as a node that refuses. */
	l->ends[1] = (struct end){.node = to != UINT32_MAX ? to : node, .addr = remote};
	l->port = port;
	links_adopt(v, l, 0, conn, END_DIALLING);
	virtual_tell(v, &(struct virtual_event){.kind = VIRTUAL_DIALS, .node = node, .conn = conn});
	if (to == UINT32_MAX) {
		l->ends[1].state = END_CLOSED;
		put_reset(v, &l->to[0]);
		return;
	}
	frames_dial(v, l);
	l->to[1].hello = true;
	l->to[1].hello_ns = arrival(v, &l->to[1]);
	schedule(v, &l->to[1]);
}

void net_send(struct virtual *v, virtual_node node, bgp_conn_id conn, const uint8_t *bytes, size_t n)
{
	unsigned int end;
	struct link *l = links_find(v, node, conn, &end);

	virtual_tell(v, &(struct virtual_event){
				.kind = VIRTUAL_SENDS, .node = node, .conn = conn, .bytes = bytes, .len = n});
	if (l != NULL && !l->broken)
		put_bytes(v, &l->to[1 - end], bytes, n);
}

void net_shut(struct virtual *v, struct link *l, unsigned int end)
{
	struct pipe *to = &l->to[1 - end];
	bool tell = !l->broken && end_is_open(&l->ends[1 - end]);

	if (!l->broken)
		frames_fin_out(v, l, end);
	links_forget(v, l, end);
	if (tell)
		put_fin(v, to);
}

void net_close(struct virtual *v, virtual_node node, bgp_conn_id conn)
{
	unsigned int end;
	struct link *l = links_find(v, node, conn, &end);

	virtual_tell(v, &(struct virtual_event){.kind = VIRTUAL_CLOSES, .node = node, .conn = conn});
	if (l != NULL)
		net_shut(v, l, end);
}

/* ---- What an end hears ---- */

enum over_by { OVER_BY_FIN, OVER_BY_RESET, OVER_BY_PATIENCE };

/* The connection is over for the end: failed dial, end of the stream, or reset. */
static void end_over(struct virtual *v, struct link *l, unsigned int end, enum over_by by)
{
	struct end e = l->ends[end];
	struct node *n = v->nodes.at[e.node];
	bool dialling = e.state == END_DIALLING;

	if (!end_is_open(&e))
		return;
	if (by == OVER_BY_FIN)
		frames_fin_in(v, l, end);
	else if (by == OVER_BY_RESET)
		frames_reset_in(v, l, end);
	virtual_tell(v, &(struct virtual_event){
				.kind = dialling ? VIRTUAL_REFUSED : VIRTUAL_CLOSED, .node = e.node, .conn = e.id});
	links_forget(v, l, end);
	if (dialling)
		bgp_in_failed(n->engine, e.id, now_of(v));
	else
		bgp_in_closed(n->engine, e.id, now_of(v));
	virtual_flush(v, e.node);
}

/* The engine wants no connection with the peer: it is told so where there are words for it, and closed. */
static void turn_away(struct virtual *v, struct link *l, const struct bgp_speaker *engine)
{
	size_t n = 0;
	const uint8_t *why = bgp_rejection(engine, &n);

	l->ends[1].state = END_CLOSED;
	if (n > 0)
		put_bytes(v, &l->to[0], why, n);
	frames_fin_out(v, l, 1);
	put_fin(v, &l->to[0]);
}

static void on_dialled(struct virtual *v, struct link *l)
{
	struct end *e = &l->ends[1];
	struct node *n = v->nodes.at[e->node];
	bgp_conn_id id;

	l->to[1].hello = false;
	frames_hello(v, l, 1);
	if (n->engine == NULL || !n->listens || l->port != WIRE_BGP_PORT || chance(v, v->conf.network.refuse_percent)) {
		e->state = END_CLOSED;
		frames_reset_out(v, l, 1);
		put_reset(v, &l->to[0]);
		return;
	}
	frames_accept(v, l);
	l->to[0].hello = true;
	l->to[0].hello_ns = arrival(v, &l->to[0]);
	schedule(v, &l->to[0]);
	if (!bgp_in_accepted(n->engine, &e->addr, &l->ends[0].addr, now_of(v), &id)) {
		turn_away(v, l, n->engine);
		virtual_flush(v, e->node);
		return;
	}
	links_adopt(v, l, 1, id, END_UP);
	virtual_tell(v, &(struct virtual_event){.kind = VIRTUAL_ACCEPTS, .node = e->node, .conn = id});
	virtual_flush(v, e->node);
}

static void on_connected(struct virtual *v, struct link *l)
{
	struct end *e = &l->ends[0];
	struct addr local = e->addr;
	virtual_node node = e->node;

	l->to[0].hello = false;
	e->state = END_UP;
	frames_hello(v, l, 0);
	schedule(v, &l->to[0]);
	virtual_tell(v, &(struct virtual_event){.kind = VIRTUAL_CONNECTED, .node = node, .conn = e->id});
	bgp_in_connected(v->nodes.at[node]->engine, e->id, &local, now_of(v));
	virtual_flush(v, node);
}

/* How much of what is there the reader gets this time. */
static size_t portion(struct virtual *v, const struct pipe *p)
{
	size_t there = p->first_mark < p->marks.len ? (size_t)(p->marks.at[p->first_mark].end - p->read)
						    : p->bytes.len - p->head;

	for (size_t i = p->first_mark; i < p->marks.len && p->marks.at[i].ns <= v->now; i++)
		there = (size_t)(p->marks.at[i].end - p->read);
	if (there > 1 && chance(v, v->conf.network.cut_percent))
		there = 1 +
			(size_t)rng_below(&v->rng, chance(v, 50) && there > WIRE_HEADER_LEN ? WIRE_HEADER_LEN : there);
	if (p->break_at - p->read < there)
		there = (size_t)(p->break_at - p->read);
	return there < READ_MAX ? there : READ_MAX;
}

static uint64_t next_ack(const struct pipe *p)
{
	return p->first_mark < p->marks.len ? p->marks.at[p->first_mark].ack : 0;
}

static void read_some(struct virtual *v, struct pipe *p)
{
	const struct end *e = &p->link->ends[p->end];
	struct virtual_event event = {.kind = VIRTUAL_READS, .node = e->node, .conn = e->id, .len = portion(v, p)};
	struct talk *talk = frames_keep(p->link);
	unsigned int end = p->end;

	event.bytes = p->bytes.at + p->head;
	frames_in(v, p->link, end, event.bytes, event.len, next_ack(p));
	p->head += event.len;
	p->read += event.len;
	while (p->first_mark < p->marks.len && p->marks.at[p->first_mark].end <= p->read)
		p->first_mark++;
	if (p->head < p->bytes.len)
		p->read_ns = v->now + 1 + net_random_ns(v, p->link->delay_ns / 4);
	v->stats.bytes += event.len;
	if (p->read >= p->break_at)
		net_break(v, p->link, p->break_how);
	else
		schedule(v, p);
	/* The bytes stay where they are until something else is written. */
	virtual_tell(v, &event);
	bgp_in_bytes(v->nodes.at[event.node]->engine, event.conn, event.bytes, event.len, now_of(v));
	virtual_flush(v, event.node);
	frames_ack(v, talk, end);
}

/* Nobody is there to read: the other end hears so. */
static void answer_reset(struct virtual *v, struct pipe *p)
{
	struct link *l = p->link;
	bool answer = !p->reset && (p->hello || p->head < p->bytes.len);

	if (p->hello)
		frames_hello(v, l, p->end);
	else if (p->head < p->bytes.len)
		frames_in(v, l, p->end, p->bytes.at + p->head, p->bytes.len - p->head, next_ack(p));
	if (answer)
		frames_reset_out(v, l, p->end);
	links_empty(p);
	queue_set(&v->queue, &p->source, INT64_MAX);
	if (answer && end_is_open(&l->ends[1 - p->end]))
		put_reset(v, &l->to[1 - p->end]);
}

/* TCP sends again and again, and gives up in the end; into a closed window it does so for ever. */
static void wait_for_answer(struct virtual *v, struct pipe *p)
{
	if (p->stuck_ns == INT64_MAX)
		p->stuck_ns = v->now;
	if (v->now < stuck_due(v, p)) {
		schedule(v, p);
	} else if (v->now < patience_ends(v, p)) {
		struct end e = p->link->ends[1 - p->end];

		bgp_in_send_hold(v->nodes.at[e.node]->engine, e.id, now_of(v));
		virtual_flush(v, e.node);
	} else {
		queue_set(&v->queue, &p->source, INT64_MAX);
		end_over(v, p->link, 1 - p->end, OVER_BY_PATIENCE);
	}
}

void net_pipe(struct virtual *v, struct pipe *p)
{
	struct link *l = p->link;
	const struct end *e = &l->ends[p->end];
	bool broken = p->reset && p->reset_ns <= v->now;
	bool ended = !p->hello && p->head == p->bytes.len && p->fin;

	if (!(broken && l->broken) && faults_silent(v, l->ends[1 - p->end].node, e->node)) {
		wait_for_answer(v, p);
	} else if (v->now < v->nodes.at[e->node]->paused_until) {
		queue_set(&v->queue, &p->source, v->nodes.at[e->node]->paused_until);
	} else if (e->state == END_CLOSED) {
		answer_reset(v, p);
	} else if (broken || ended) {
		end_over(v, l, p->end, broken ? OVER_BY_RESET : OVER_BY_FIN);
	} else if (p->hello && p->end == 1) {
		on_dialled(v, l);
	} else if (p->hello) {
		on_connected(v, l);
	} else if (p->head < p->bytes.len) {
		read_some(v, p);
	} else {
		queue_set(&v->queue, &p->source, INT64_MAX);
	}
}

/* ---- Faults on a link ---- */

void net_retry(struct virtual *v, struct pipe *p)
{
	if (p->stuck_ns == INT64_MAX)
		return;
	p->stuck_ns = INT64_MAX;
	p->read_ns = net_later(p->read_ns, v->now + net_random_ns(v, NS_PER_S));
	schedule(v, p);
}

void net_break(struct virtual *v, struct link *l, enum virtual_end how)
{
	l->broken = true;
	for (unsigned int i = 0; i < 2; i++) {
		struct pipe *p = &l->to[i];

		p->break_at = UINT64_MAX;
		if (!end_is_open(&l->ends[i]))
			continue;
		if (how == VIRTUAL_FIN && l->ends[i].state == END_UP) {
			put_fin(v, p);
			continue;
		}
		/* What is on its way is lost; what is being read stays where it is. */
		p->marks.len = p->first_mark = 0;
		p->bytes.len = p->head;
		p->read = p->written;
		p->hello = p->fin = false;
		put_reset(v, p);
	}
}

void net_free(struct virtual *v)
{
	for (size_t i = 0; i < v->links.len; i++) {
		struct link *l = v->links.at[i];

		for (unsigned int k = 0; k < 2; k++) {
			VEC_FREE(&l->to[k].bytes);
			VEC_FREE(&l->to[k].marks);
		}
		frames_forget(l);
		free(l);
	}
	VEC_FREE(&v->links);
	VEC_FREE(&v->free_links);
	VEC_FREE(&v->addresses);
	map_free(&v->by_address);
	map_free(&v->by_conn);
}
