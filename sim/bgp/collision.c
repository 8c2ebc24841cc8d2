/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two connections to one peer (RFC 4271 section 6.8): each has its machine; this decides between them. */
#include "bgp_int.h"

void collision_track(struct conn *first, const struct fsm_input *in)
{
	struct conn *c = conn_other(first);

	conn_attach(c, in->accepted, true, in->local);
	/* Section 8.2.1: an incoming connection has a machine of its own, which starts where a listener stands. */
	fsm_place(c, BGP_ACTIVE);
	fsm_event(c, &(struct fsm_input){.event = EV_TCP_CONFIRMED});
}

/* True when our end is the one whose connections stay: the higher BGP Identifier, or of equals the larger AS
 * (RFC 6286 section 2.3). */
static bool ours_stay(const struct conn *c, const struct wire_open *open)
{
	const struct bgp_peer_conf *own = &c->peer->conf;

	if (own->router_id != open->id)
		return own->router_id > open->id;
	return own->local_as > wire_open_as(open);
}

bool collision_loses(const struct conn *standing, const struct fsm_input *in)
{
	bool wanted_incoming = !ours_stay(standing, in->open);

	if (standing->state == BGP_ESTABLISHED && !standing->peer->conf.session.collision_established)
		return false;
	/* Both from one end (its first died unseen): the one that got further stays. */
	if (standing->incoming == in->newer->incoming)
		return false;
	return standing->incoming != wanted_incoming;
}

void collision_open(struct conn *c, const struct fsm_input *in)
{
	struct conn *other = conn_other(c);
	struct fsm_input to_other = *in;

	/* The peer restarted, and nobody told us of the old connection's end: it ends without a word, and the peer's routes
	 * stay (RFC 4724 section 5; there as soon as the connection stands, here once its OPEN shows who it is). */
	if (c->state < BGP_OPEN_CONFIRM && restart_suspected(other))
		fsm_event(other, &(struct fsm_input){.event = EV_TCP_FAILS});
	if (c->state < BGP_OPEN_CONFIRM && other->state >= BGP_OPEN_CONFIRM) {
		to_other.event = EV_OPEN;
		to_other.newer = c;
		fsm_event(other, &to_other);
		if (other->state >= BGP_OPEN_CONFIRM) {
			fsm_event(c, &(struct fsm_input){.event = EV_COLLISION_DUMP});
			return;
		}
	}
	fsm_event(c, in);
}

/* The first one's dial, or its waiting, is over without words once the second is Established. */
static void give_up_waiting(struct conn *first)
{
	if (first->state != BGP_CONNECT && first->state != BGP_ACTIVE)
		return;
	conn_drop(first);
	fsm_place(first, BGP_IDLE);
}

void collision_settle(struct peer *p)
{
	struct conn *first = peer_main(p), *second = peer_second(p);

	if (second->state == BGP_ESTABLISHED)
		give_up_waiting(first);
	if (second->state <= BGP_ACTIVE && second->tcp == TCP_NONE)
		return;
	if (first->tcp != TCP_NONE && second->state != BGP_ESTABLISHED)
		return;
	p->main = 1 - p->main;
	p->connect_retry_due = p->idle_hold_due = INSTANT_NEVER;
	/* What is left of the old first is a second one: it lives only with its connection. */
	if (first->tcp == TCP_NONE)
		fsm_place(first, BGP_IDLE);
}
