/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who has which address, and which connection. */
#include "virtual_int.h"

#include <stdlib.h>
#include <string.h>

#define NO_LINK UINT32_MAX

static uint64_t conn_key(virtual_node node, bgp_conn_id conn)
{
	return (uint64_t)node << 32 | conn;
}

/* ---- Addresses ---- */

static uint64_t address_key(const struct addr *a)
{
	uint64_t high, low;

	memcpy(&high, a->b, sizeof(high));
	memcpy(&low, a->b + sizeof(high), sizeof(low));
	return (high ^ a->family) * UINT64_C(0x9fb21c651e98df25) ^ low;
}

void links_locate(struct virtual *v, const struct addr *a, virtual_node node)
{
	uint32_t index = (uint32_t)v->addresses.len;
	uint32_t same = map_get(&v->by_address, address_key(a));

	VEC_PUSH(&v->addresses, (struct located){.addr = *a, .node = node, .next = same});
	map_set(&v->by_address, address_key(a), index);
}

virtual_node links_node_at(const struct virtual *v, const struct addr *a)
{
	uint32_t i = map_get(&v->by_address, address_key(a));

	while (i != NO_LINK && !addr_equal(&v->addresses.at[i].addr, a))
		i = v->addresses.at[i].next;
	return i != NO_LINK ? v->addresses.at[i].node : UINT32_MAX;
}

/* ---- Links and their ends ---- */

void links_empty(struct pipe *p)
{
	VEC_CLEAR(&p->bytes);
	VEC_CLEAR(&p->marks);
	p->head = p->first_mark = 0;
	p->read = p->written;
	p->hello = p->fin = p->reset = false;
}

static void pipe_init(struct pipe *p, struct link *l, unsigned int end)
{
	links_empty(p);
	p->source.kind = SOURCE_PIPE;
	p->link = l;
	p->end = end;
	p->written = p->read = 0;
	p->last_ns = p->read_ns = 0;
	p->stuck_ns = INT64_MAX;
	p->break_at = UINT64_MAX;
}

struct link *links_new(struct virtual *v)
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
	l->delay_ns = net_later(v->conf.network.delay_ns, NS_PER_US) + net_random_ns(v, v->conf.network.spread_ns);
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
		links_empty(&l->to[i]);
		if (l->to[i].bytes.cap > LINKS_ROOM_KEPT)
			VEC_FREE(&l->to[i].bytes);
	}
	frames_forget(l);
	l->used = false;
	v->stats.open--;
	VEC_PUSH(&v->free_links, l->index);
}

void links_adopt(struct virtual *v, struct link *l, unsigned int end, bgp_conn_id id, enum end_state state)
{
	struct end *e = &l->ends[end];
	struct node *n = v->nodes.at[e->node];

	e->id = id;
	e->state = state;
	e->place = n->links.len;
	VEC_PUSH(&n->links, l);
	map_set(&v->by_conn, conn_key(e->node, id), l->index * 2 + end);
}

void links_forget(struct virtual *v, struct link *l, unsigned int end)
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

struct link *links_find(const struct virtual *v, virtual_node node, bgp_conn_id conn, unsigned int *ret_end)
{
	uint32_t found = map_get(&v->by_conn, conn_key(node, conn));

	if (found == NO_LINK)
		return NULL;
	*ret_end = found % 2;
	return v->links.at[found / 2];
}
