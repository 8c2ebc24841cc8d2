/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections: what is written at one end is read at the other, later, in order, in other pieces. */
#include "virtual_int.h"

#include <stdlib.h>
#include <string.h>

#define READ_MAX ((size_t)65536)
#define KEPT_MAX ((size_t)65536) /* of an idle pipe's room */
#define GIVE_UP_NS (900 * NS_PER_S)
#define NO_LINK UINT32_MAX
#define WINDOW 65536U /* octets on their way to one who does not read */

static uint64_t conn_key(virtual_node node, bgp_conn_id conn)
{
	return (uint64_t)node << 32 | conn;
}

static bool chance(struct virtual *v, unsigned int percent)
{
	return percent > 0 && rng_below(&v->rng, 100) < percent;
}

/* Uniform in [0, most]. */
static int64_t random_ns(struct virtual *v, int64_t most)
{
	return most > 0 ? (int64_t)rng_below(&v->rng, (uint64_t)most + 1) : 0;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static struct instant now_of(const struct virtual *v)
{
	return (struct instant){v->now};
}

/* ---- Addresses ---- */

static uint64_t address_key(const struct addr *a)
{
	uint64_t high, low;

	memcpy(&high, a->b, sizeof(high));
	memcpy(&low, a->b + sizeof(high), sizeof(low));
	return (high ^ a->family) * UINT64_C(0x9fb21c651e98df25) ^ low;
}

void net_locate(struct virtual *v, const struct addr *a, virtual_node node)
{
	uint32_t index = (uint32_t)v->addresses.len;
	uint32_t same = map_get(&v->by_address, address_key(a));

	VEC_PUSH(&v->addresses, (struct located){.addr = *a, .node = node, .next = same});
	map_set(&v->by_address, address_key(a), index);
}

static virtual_node node_at(const struct virtual *v, const struct addr *a)
{
	uint32_t i = map_get(&v->by_address, address_key(a));

	while (i != NO_LINK && !addr_equal(&v->addresses.at[i].addr, a))
		i = v->addresses.at[i].next;
	return i != NO_LINK ? v->addresses.at[i].node : UINT32_MAX;
}

/* ---- Links and their ends ---- */

static void pipe_empty(struct pipe *p)
{
	VEC_CLEAR(&p->bytes);
	VEC_CLEAR(&p->marks);
	p->head = p->first_mark = 0;
	p->read = p->written;
	p->hello = p->fin = p->reset = false;
}

static void pipe_init(struct pipe *p, struct link *l, unsigned int end)
{
	pipe_empty(p);
	p->source.kind = SOURCE_PIPE;
	p->link = l;
	p->end = end;
	p->written = p->read = 0;
	p->last_ns = p->read_ns = 0;
	p->stuck_ns = INT64_MAX;
	p->break_at = UINT64_MAX;
}

static struct link *link_new(struct virtual *v)
{
	struct link *l;

	if (v->free_links.len > 0) {
		l = v->links.at[v->free_links.at[--v->free_links.len]];
	} else {
		l = memory_new(sizeof(*l));
		l->index = (uint32_t)v->links.len;
		VEC_PUSH(&v->links, l);
	}
	for (unsigned int i = 0; i < 2; i++) {
		pipe_init(&l->to[i], l, i);
		l->ends[i] = (struct end){0};
	}
	l->broken = false;
	l->used = true;
	/* Never none: who redials at once would stop the clock. */
	l->delay_ns = later(v->conf.network.delay_ns, NS_PER_US) + random_ns(v, v->conf.network.spread_ns);
	v->stats.open++;
	v->stats.connections++;
	return l;
}

/* Once nobody has it; the other end of a dial on its way has nobody yet. */
static void release(struct virtual *v, struct link *l)
{
	if (!l->used || l->ends[0].state != END_CLOSED || l->ends[1].state == END_UP)
		return;
	for (unsigned int i = 0; i < 2; i++) {
		queue_set(&v->queue, &l->to[i].source, INT64_MAX);
		pipe_empty(&l->to[i]);
		if (l->to[i].bytes.cap > KEPT_MAX)
			VEC_FREE(&l->to[i].bytes);
	}
	l->used = false;
	v->stats.open--;
	VEC_PUSH(&v->free_links, l->index);
}

static void adopt(struct virtual *v, struct link *l, unsigned int end, bgp_conn_id id, enum end_state state)
{
	struct end *e = &l->ends[end];
	struct node *n = v->nodes.at[e->node];

	e->id = id;
	e->state = state;
	e->place = n->links.len;
	VEC_PUSH(&n->links, l);
	map_set(&v->by_conn, conn_key(e->node, id), l->index * 2 + end);
}

void net_forget(struct virtual *v, struct link *l, unsigned int end)
{
	struct end *e = &l->ends[end];
	struct node *n = v->nodes.at[e->node];
	struct link *last;

	if (!end_is_open(e))
		return;
	map_remove(&v->by_conn, conn_key(e->node, e->id));
	last = n->links.at[--n->links.len];
	n->links.at[e->place] = last;
	/* A node may have both ends of a link. */
	for (unsigned int i = 0; i < 2; i++)
		if (last->ends[i].node == e->node && end_is_open(&last->ends[i]) && last->ends[i].place == n->links.len)
			last->ends[i].place = e->place;
	e->state = END_CLOSED;
	release(v, l);
}

static struct link *link_find(const struct virtual *v, virtual_node node, bgp_conn_id conn, unsigned int *ret_end)
{
	uint32_t found = map_get(&v->by_conn, conn_key(node, conn));

	if (found == NO_LINK)
		return NULL;
	*ret_end = found % 2;
	return v->links.at[found / 2];
}

/* ---- When a pipe has something ---- */

static int64_t pipe_due(const struct virtual *v, const struct pipe *p)
{
	int64_t due = INT64_MAX;

	if (p->hello)
		due = p->hello_ns;
	else if (p->first_mark < p->marks.len)
		due = later(p->marks.at[p->first_mark].ns, p->read_ns);
	else if (p->head < p->bytes.len)
		due = p->read_ns;
	else if (p->fin)
		due = later(p->fin_ns, p->read_ns);
	if (p->reset && p->reset_ns < due)
		due = p->reset_ns;
	return due != INT64_MAX ? later(due, v->now) : due;
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
	return later(patience < hold ? patience : hold, v->now);
}

static void schedule(struct virtual *v, struct pipe *p)
{
	int64_t due = p->stuck_ns == INT64_MAX ? pipe_due(v, p) : stuck_due(v, p);

	/* A connection that was broken on purpose ends whatever is in the way. */
	if (p->reset && p->link->broken && p->reset_ns < due)
		due = later(p->reset_ns, v->now);
	queue_set(&v->queue, &p->source, due);
}

/* Arrival of what is sent now: never before what was sent earlier. */
static int64_t arrival(struct virtual *v, struct pipe *p)
{
	int64_t ns = v->now + p->link->delay_ns + random_ns(v, v->conf.network.jitter_ns);

	p->last_ns = later(ns, p->last_ns);
	return p->last_ns;
}

static void make_room(struct pipe *p)
{
	size_t left = p->bytes.len - p->head;

	if (left == 0 && p->bytes.cap > KEPT_MAX)
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
	bool idle;

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
		p->read_ns = ns + random_ns(v, 4 * p->link->delay_ns);
	if (p->first_mark < p->marks.len && p->marks.at[p->marks.len - 1].ns == ns)
		p->marks.at[p->marks.len - 1].end = p->written;
	else
		VEC_PUSH(&p->marks, (struct mark){.ns = ns, .end = p->written});
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
	struct link *l = link_new(v);
	struct addr remote = {0}, source = {0};
	uint16_t port = WIRE_BGP_PORT;
	virtual_node to;

	n->ops->dial(n->ctx, peer, &remote, &port, &source);
	to = node_at(v, &remote);
	if (source.family == ADDR_NONE)
		source = n->addresses[remote.family == ADDR_V6];
	l->ends[0] = (struct end){.node = node, .addr = source};
	/* Nobody has the address: as good as a node that refuses. */
	l->ends[1] = (struct end){.node = to != UINT32_MAX ? to : node, .addr = remote};
	adopt(v, l, 0, conn, END_DIALLING);
	virtual_tell(v, &(struct virtual_event){.kind = VIRTUAL_DIALS, .node = node, .conn = conn});
	if (to == UINT32_MAX) {
		l->ends[1].state = END_CLOSED;
		put_reset(v, &l->to[0]);
		return;
	}
	l->to[1].hello = true;
	l->to[1].hello_ns = arrival(v, &l->to[1]);
	schedule(v, &l->to[1]);
}

void net_send(struct virtual *v, virtual_node node, bgp_conn_id conn, const uint8_t *bytes, size_t n)
{
	unsigned int end;
	struct link *l = link_find(v, node, conn, &end);

	virtual_tell(v, &(struct virtual_event){
				.kind = VIRTUAL_SENDS, .node = node, .conn = conn, .bytes = bytes, .len = n});
	if (l != NULL && !l->broken)
		put_bytes(v, &l->to[1 - end], bytes, n);
}

void net_shut(struct virtual *v, struct link *l, unsigned int end)
{
	struct pipe *to = &l->to[1 - end];
	bool tell = !l->broken && end_is_open(&l->ends[1 - end]);

	net_forget(v, l, end);
	if (tell)
		put_fin(v, to);
}

void net_close(struct virtual *v, virtual_node node, bgp_conn_id conn)
{
	unsigned int end;
	struct link *l = link_find(v, node, conn, &end);

	virtual_tell(v, &(struct virtual_event){.kind = VIRTUAL_CLOSES, .node = node, .conn = conn});
	if (l != NULL)
		net_shut(v, l, end);
}

/* ---- What an end hears ---- */

/* The connection is over for the end: failed dial, end of the stream, or reset. */
static void end_over(struct virtual *v, struct link *l, unsigned int end)
{
	struct end e = l->ends[end];
	struct node *n = v->nodes.at[e.node];
	bool dialling = e.state == END_DIALLING;

	if (!end_is_open(&e))
		return;
	virtual_tell(v, &(struct virtual_event){
				.kind = dialling ? VIRTUAL_REFUSED : VIRTUAL_CLOSED, .node = e.node, .conn = e.id});
	net_forget(v, l, end);
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
	put_fin(v, &l->to[0]);
}

static void on_dialled(struct virtual *v, struct link *l)
{
	struct end *e = &l->ends[1];
	struct node *n = v->nodes.at[e->node];
	bgp_conn_id id;

	l->to[1].hello = false;
	if (n->engine == NULL || !n->listens || chance(v, v->conf.network.refuse_percent)) {
		e->state = END_CLOSED;
		put_reset(v, &l->to[0]);
		return;
	}
	l->to[0].hello = true;
	l->to[0].hello_ns = arrival(v, &l->to[0]);
	schedule(v, &l->to[0]);
	if (!bgp_in_accepted(n->engine, &e->addr, &l->ends[0].addr, now_of(v), &id)) {
		turn_away(v, l, n->engine);
		virtual_flush(v, e->node);
		return;
	}
	adopt(v, l, 1, id, END_UP);
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

static void read_some(struct virtual *v, struct pipe *p)
{
	const struct end *e = &p->link->ends[p->end];
	struct virtual_event event = {.kind = VIRTUAL_READS, .node = e->node, .conn = e->id, .len = portion(v, p)};

	event.bytes = p->bytes.at + p->head;
	p->head += event.len;
	p->read += event.len;
	while (p->first_mark < p->marks.len && p->marks.at[p->first_mark].end <= p->read)
		p->first_mark++;
	if (p->head < p->bytes.len)
		p->read_ns = v->now + 1 + random_ns(v, p->link->delay_ns / 4);
	v->stats.bytes += event.len;
	if (p->read >= p->break_at)
		net_break(v, p->link, p->break_how);
	else
		schedule(v, p);
	/* The bytes stay where they are until something else is written. */
	virtual_tell(v, &event);
	bgp_in_bytes(v->nodes.at[event.node]->engine, event.conn, event.bytes, event.len, now_of(v));
	virtual_flush(v, event.node);
}

/* Nobody is there to read: the other end hears so. */
static void answer_reset(struct virtual *v, struct pipe *p)
{
	struct link *l = p->link;
	bool answer = !p->reset && (p->hello || p->head < p->bytes.len);

	pipe_empty(p);
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
		end_over(v, p->link, 1 - p->end);
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
		end_over(v, l, p->end);
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
	p->read_ns = later(p->read_ns, v->now + random_ns(v, NS_PER_S));
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
		free(l);
	}
	VEC_FREE(&v->links);
	VEC_FREE(&v->free_links);
	VEC_FREE(&v->addresses);
	map_free(&v->by_address);
	map_free(&v->by_conn);
}
