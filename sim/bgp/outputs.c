/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list that the driver drains. Bytes are copied once and live until it is cleared. */
#include "bgp_int.h"

#include <stdlib.h>

#define BLOCK_LEAST ((size_t)1024)
#define BLOCK_MOST ((size_t)1 << 20)

/* ---- Memory ---- */

/* One block is kept from event to event, as large as events are: small in a worker that says a KEEPALIVE now and then, a
 * router's takes the UPDATEs of a whole read. What goes beyond it has a block of its own until the next event. */
static void block_new(struct output_store *o, size_t n)
{
	size_t size = n > o->usual ? n : o->usual;
	uint8_t *bytes = memory_grow(NULL, size, 1);

	VEC_PUSH(&o->blocks, (struct output_block){.bytes = bytes, .size = size});
}

static void *store_bytes(struct bgp_speaker *s, const void *bytes, size_t n)
{
	struct output_store *o = &s->output_bytes;
	struct output_block *last = o->blocks.len > 0 ? &o->blocks.at[o->blocks.len - 1] : NULL;
	uint8_t *p;

	if (o->usual < BLOCK_LEAST)
		o->usual = BLOCK_LEAST;
	if (last == NULL || last->size - last->used < n) {
		block_new(o, n);
		last = &o->blocks.at[o->blocks.len - 1];
	}
	p = last->bytes + last->used;
	if (n > 0)
		memcpy(p, bytes, n);
	last->used += n;
	o->total += n;
	return p;
}

static void store_clear(struct output_store *o)
{
	while (o->usual < o->total && o->usual < BLOCK_MOST)
		o->usual *= 2;
	if (o->total < o->usual / 64 && o->usual > BLOCK_LEAST)
		o->usual /= 2;
	while (o->blocks.len > 0 && (o->blocks.len > 1 || o->blocks.at[0].size != o->usual))
		free(o->blocks.at[--o->blocks.len].bytes);
	if (o->blocks.len > 0)
		o->blocks.at[0].used = 0;
	o->total = 0;
}

/* ---- Outputs ---- */

static struct bgp_output *output_add(struct bgp_speaker *s, const struct bgp_output *output)
{
	struct bgp_output *o = VEC_ADD(&s->outputs);

	*o = *output;
	return o;
}

void output_connect(struct conn *c)
{
	output_add(c->peer->speaker, &(struct bgp_output){.kind = BGP_OUT_CONNECT, .peer = c->peer->id, .conn = c->id});
}

static void output_bytes(struct conn *c, const uint8_t *stored, size_t n)
{
	output_add(c->peer->speaker,
		   &(struct bgp_output){
			   .kind = BGP_OUT_SEND, .peer = c->peer->id, .conn = c->id, .bytes = stored, .len = n});
}

void output_raw(struct conn *c, const uint8_t *bytes, size_t n)
{
	output_bytes(c, store_bytes(c->peer->speaker, bytes, n), n);
}

void output_send_all(struct conn *const *to, size_t n, const uint8_t *bytes, size_t len)
{
	struct bgp_speaker *s = to[0]->peer->speaker;
	const uint8_t *stored = store_bytes(s, bytes, len);

	for (size_t i = 0; i < n; i++) {
		output_bytes(to[i], stored, len);
		output_add(s, &(struct bgp_output){.kind = BGP_OUT_NOTICE,
						   .notice = BGP_NOTICE_SENT,
						   .peer = to[i]->peer->id,
						   .conn = to[i]->id,
						   .bytes = stored,
						   .len = len});
	}
}

void output_send(struct conn *c, const uint8_t *bytes, size_t n)
{
	output_send_all(&c, 1, bytes, n);
}

void output_close(struct conn *c)
{
	output_add(c->peer->speaker, &(struct bgp_output){.kind = BGP_OUT_CLOSE, .peer = c->peer->id, .conn = c->id});
}

void output_route(struct bgp_speaker *s, const struct rib_table *t, const struct route *r)
{
	static const struct addr nobody;
	const struct hop_group *g = r->hops != 0 ? hop_group_at(&s->hops, r->hops) : NULL;
	struct bgp_output *o = VEC_ADD(&s->outputs);

	*o = (struct bgp_output){.kind = BGP_OUT_ROUTE, .prefix = route_prefix(t, r), .next_hops = &nobody};
	if (g == NULL)
		return;
	o->next_hops = g->addrs;
	o->weights = g->weighted ? g->addr_weights : NULL;
	o->next_hop_count = g->n;
}

void notice_state(struct peer *p, enum bgp_state from, enum bgp_state to, const char *why)
{
	output_add(p->speaker, &(struct bgp_output){.kind = BGP_OUT_NOTICE,
						    .notice = BGP_NOTICE_STATE,
						    .peer = p->id,
						    .from = from,
						    .to = to,
						    .text = why});
}

void notice_received(struct conn *c, const uint8_t *bytes, size_t n)
{
	struct bgp_speaker *s = c->peer->speaker;

	output_add(s, &(struct bgp_output){.kind = BGP_OUT_NOTICE,
					   .notice = BGP_NOTICE_RECEIVED,
					   .peer = c->peer->id,
					   .conn = c->id,
					   .bytes = store_bytes(s, bytes, n),
					   .len = n});
}

void notice_error(struct peer *p, const struct conn *c, const char *fmt, ...)
{
	struct bgp_speaker *s = p->speaker;
	va_list args;
	struct bgp_output *o = output_add(s, &(struct bgp_output){.kind = BGP_OUT_NOTICE,
								  .notice = BGP_NOTICE_ERROR,
								  .peer = p->id,
								  .conn = c != NULL ? c->id : 0});

	va_start(args, fmt);
	o->text = arena_vprintf(&s->output_arena, fmt, args);
	va_end(args);
}

const struct bgp_output *bgp_outputs(const struct bgp_speaker *s, size_t *ret_count)
{
	*ret_count = s->outputs.len;
	return s->outputs.at;
}

void bgp_outputs_clear(struct bgp_speaker *s)
{
	VEC_CLEAR(&s->outputs);
	store_clear(&s->output_bytes);
	arena_clear(&s->output_arena);
	hop_groups_sweep(&s->hops);
}

void outputs_free(struct bgp_speaker *s)
{
	store_clear(&s->output_bytes);
	arena_clear(&s->output_arena);
	for (size_t i = 0; i < s->output_bytes.blocks.len; i++)
		free(s->output_bytes.blocks.at[i].bytes);
	VEC_FREE(&s->output_bytes.blocks);
	VEC_FREE(&s->outputs);
}
