/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two ends of each BFD session say, as the router's link shows it: both pass there while the worker is reachable,
 * and the router's words also when it is not. */
#include "judge_int.h"
#include "wire_bfd.h"

#define SPELLS_MAX 65536U
#define TTL_NEIGHBOUR 255 /* RFC 5881 section 5: what else comes is nobody's neighbour's */

void bfd_view_init(struct bfd_view *v, const struct judge_lab *lab)
{
	v->lab = lab;
	v->workers = memory_grow(NULL, lab->worker_count + 1, sizeof(*v->workers));
	memset(v->workers, 0, (lab->worker_count + 1) * sizeof(*v->workers));
}

void bfd_view_fini(struct bfd_view *v)
{
	for (size_t i = 0; i < v->lab->worker_count; i++) {
		VEC_FREE(&v->workers[i].said[BGP_PEER_WORKER]);
		VEC_FREE(&v->workers[i].said[BGP_PEER_ROUTER]);
	}
	free(v->workers);
	VEC_FREE(&v->events);
}

/* Whose session the packet is of, and who sent it. */
static bool session_of(const struct bfd_view *v, const struct capture_event *event, uint32_t *ret_worker,
		       enum bgp_end *ret_end)
{
	bool router = addr_equal(&event->src, &v->lab->router);
	const struct addr *other = router ? &event->dst : &event->src;

	if (!router && !addr_equal(&event->dst, &v->lab->router))
		return false;
	*ret_end = router ? BGP_PEER_ROUTER : BGP_PEER_WORKER;
	for (uint32_t i = 0; i < v->lab->worker_count; i++) {
		*ret_worker = i;
		if (addr_equal(other, &v->lab->workers[i].address))
			return true;
	}
	return false;
}

void bfd_view_packet(struct bfd_view *v, const struct capture_event *event)
{
	struct wire_bfd packet;
	struct bfd_worker *w;
	struct bfd_spell *last;
	enum bgp_end end;
	uint32_t worker;

	if (event->kind != CAPTURE_BFD || event->ttl != TTL_NEIGHBOUR || !session_of(v, event, &worker, &end) ||
	    wire_bfd_decode(wire_in_of(event->bytes, event->len), &packet) != WIRE_BFD_KEPT)
		return;
	w = &v->workers[worker];
	last = w->said[end].len > 0 ? &w->said[end].at[w->said[end].len - 1] : NULL;
	if (last != NULL && last->state == packet.state && last->diag == packet.diag) {
		last->last = instant_before(last->last, event->time) ? event->time : last->last;
		return;
	}
	if (w->said[end].len >= SPELLS_MAX) {
		v->full = true;
		return;
	}
	VEC_PUSH(&w->said[end], (struct bfd_spell){.first = event->time,
						   .last = event->time,
						   .frame = event->frame,
						   .state = packet.state,
						   .diag = packet.diag});
	VEC_PUSH(&v->events, (struct judge_bfd_event){.time = event->time,
						      .link = event->link,
						      .frame = event->frame,
						      .worker = v->lab->workers[worker].name,
						      .from_router = end == BGP_PEER_ROUTER,
						      .state = packet.state,
						      .diag = packet.diag});
}

/* Spells come in the order of the link's file; one that t lies before has not been said. */
const struct bfd_spell *bfd_view_said(const struct bfd_view *v, uint32_t worker, enum bgp_end end, struct instant t)
{
	const struct bfd_worker *w = &v->workers[worker];

	for (size_t i = w->said[end].len; i > 0; i--) {
		if (!instant_before(t, w->said[end].at[i - 1].first))
			return &w->said[end].at[i - 1];
	}
	return NULL;
}

struct instant bfd_view_heard(const struct bfd_view *v, uint32_t worker, enum bgp_end end, struct instant t)
{
	return instant_min(bfd_view_said(v, worker, end, t)->last, t);
}
