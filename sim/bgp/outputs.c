/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list that the driver drains. Bytes are copied once and live until it is cleared. */
#include "bgp_int.h"

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

void output_raw(struct conn *c, const uint8_t *bytes, size_t n)
{
	struct bgp_speaker *s = c->peer->speaker;

	output_add(s, &(struct bgp_output){.kind = BGP_OUT_SEND,
					   .peer = c->peer->id,
					   .conn = c->id,
					   .bytes = arena_memdup(&s->output_arena, bytes, n),
					   .len = n});
}

void output_send(struct conn *c, const uint8_t *bytes, size_t n)
{
	struct bgp_speaker *s = c->peer->speaker;
	struct bgp_output out;

	output_raw(c, bytes, n);
	out = s->outputs.at[s->outputs.len - 1];
	out.kind = BGP_OUT_NOTICE;
	out.notice = BGP_NOTICE_SENT;
	output_add(s, &out);
}

void output_close(struct conn *c)
{
	output_add(c->peer->speaker, &(struct bgp_output){.kind = BGP_OUT_CLOSE, .peer = c->peer->id, .conn = c->id});
}

void output_route(struct bgp_speaker *s, const struct route *r)
{
	output_add(s, &(struct bgp_output){
			      .kind = BGP_OUT_ROUTE,
			      .prefix = r->node.prefix,
			      .next_hops = arena_memdup(&s->output_arena, r->hops, r->hop_count * sizeof(*r->hops)),
			      .next_hop_count = r->hop_count,
		      });
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
					   .bytes = arena_memdup(&s->output_arena, bytes, n),
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
	arena_clear(&s->output_arena);
}
