/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One session: the state machine of RFC 5880 section 6.2 and what makes it move. */
#include "bfd_int.h"

#define SLOW_US 1000000U /* section 6.8.3: unless Up, packets are at least a second apart */

/* Section 6.8.6: [ours][theirs], where to go and, on a fall, why. AdminDown of ours never comes here. */
struct cell {
	enum wire_bfd_state to;
	enum wire_bfd_diag diag;
};

#define STAY(state)                                                                                                    \
	{                                                                                                              \
		WIRE_BFD_##state, WIRE_BFD_DIAG_NONE                                                                   \
	}
#define RISE(state)                                                                                                    \
	{                                                                                                              \
		WIRE_BFD_##state, WIRE_BFD_DIAG_NONE                                                                   \
	}
#define FALL                                                                                                           \
	{                                                                                                              \
		WIRE_BFD_DOWN, WIRE_BFD_DIAG_NEIGHBOR_DOWN                                                             \
	}

static const struct cell cells[WIRE_BFD_STATE_COUNT][WIRE_BFD_STATE_COUNT] = {
	[WIRE_BFD_ADMIN_DOWN] = {STAY(ADMIN_DOWN), STAY(ADMIN_DOWN), STAY(ADMIN_DOWN), STAY(ADMIN_DOWN)},
	[WIRE_BFD_DOWN] = {[WIRE_BFD_ADMIN_DOWN] = STAY(DOWN),
			   [WIRE_BFD_DOWN] = RISE(INIT),
			   [WIRE_BFD_INIT] = RISE(UP),
			   [WIRE_BFD_UP] = STAY(DOWN)},
	[WIRE_BFD_INIT] = {[WIRE_BFD_ADMIN_DOWN] = FALL,
			   [WIRE_BFD_DOWN] = STAY(INIT),
			   [WIRE_BFD_INIT] = RISE(UP),
			   [WIRE_BFD_UP] = RISE(UP)},
	[WIRE_BFD_UP] = {[WIRE_BFD_ADMIN_DOWN] = FALL,
			 [WIRE_BFD_DOWN] = FALL,
			 [WIRE_BFD_INIT] = STAY(UP),
			 [WIRE_BFD_UP] = STAY(UP)},
};

uint32_t session_desire(const struct session *s)
{
	return s->state == WIRE_BFD_UP || s->conf.desired_tx_us > SLOW_US ? s->conf.desired_tx_us : SLOW_US;
}

static void replan(struct bfd *b, struct session *s, struct instant now)
{
	timer_transmit(b, s, now);
	timer_detect(s);
	heap_place(b, s);
}

void session_send(struct bfd *b, struct session *s, enum packet kind, struct instant now)
{
	struct bfd_output *o = VEC_ADD(&b->outputs);
	struct wire_out out;
	struct wire_bfd p = {
		.diag = s->diag,
		.state = (uint8_t)s->state,
		.multiplier = s->conf.multiplier,
		.my = s->local_discr,
		.your = s->remote_discr,
		.desired_tx_us = s->desired_tx_us,
		.required_rx_us = s->required_rx_us,
	};

	/* Section 6.5: P only on scheduled packets, and never together with F. */
	if (kind == PACKET_PERIODIC && s->poll == POLL_RUNNING)
		p.flags = WIRE_BFD_POLL;
	if (kind == PACKET_FINAL)
		p.flags = WIRE_BFD_FINAL;
	*o = (struct bfd_output){.kind = BFD_OUT_SEND, .session = s->id};
	out = wire_out_to(o->bytes, sizeof(o->bytes));
	auth_encode(s, &p, &out);
	o->len = (uint8_t)out.len;
	s->sent++;
	if (kind == PACKET_FINAL)
		return; /* section 6.8.7: without respect to the transmission timer */
	s->sent_at = now;
	s->sent_any = true;
	s->tx_due = INSTANT_NEVER;
	if (kind == PACKET_PERIODIC && s->poll == POLL_RESTING)
		s->poll = POLL_RUNNING;
}

/* A change of state is told at once (section 6.8.7), where anything may be told. */
static void tell(struct bfd *b, struct session *s, struct instant now)
{
	if (!s->conf.passive || s->remote_discr != 0)
		session_send(b, s, PACKET_EXTRA, now);
}

static void move(struct bfd *b, struct session *s, struct cell cell)
{
	enum wire_bfd_state from = s->state;

	s->state = cell.to;
	/* The reason of the last fall is said until the session is up again. */
	if (cell.diag != WIRE_BFD_DIAG_NONE || cell.to == WIRE_BFD_UP)
		s->diag = (uint8_t)cell.diag;
	timer_desire(s, session_desire(s));
	VEC_PUSH(&b->outputs, (struct bfd_output){.kind = BFD_OUT_STATE,
						  .session = s->id,
						  .from = from,
						  .to = s->state,
						  .diag = s->diag,
						  .remote_state = s->remote_state,
						  .failure = from == WIRE_BFD_UP && s->state == WIRE_BFD_DOWN &&
							     s->remote_state != WIRE_BFD_ADMIN_DOWN});
}

enum wire_bfd_drop session_receive(struct bfd *b, struct session *s, const struct wire_bfd *p, struct instant now)
{
	struct cell cell;
	bool moves;

	s->received++;
	s->remote_discr = p->my;
	s->remote_state = (enum wire_bfd_state)p->state;
	s->remote_diag = p->diag;
	s->remote_demand = (p->flags & WIRE_BFD_DEMAND) != 0;
	s->remote_rx_us = p->required_rx_us;
	s->remote_tx_us = p->desired_tx_us;
	s->remote_multiplier = p->multiplier;
	s->auth_stale_at = instant_add(now, 2 * timer_detect_ns(s));
	if ((p->flags & WIRE_BFD_FINAL) != 0)
		timer_poll_answered(s);
	if (s->state == WIRE_BFD_ADMIN_DOWN) {
		replan(b, s, now);
		return WIRE_BFD_DROP_ADMIN_DOWN;
	}
	s->received_at = now;
	cell = cells[s->state][s->remote_state];
	moves = cell.to != s->state;
	if (moves)
		move(b, s, cell);
	if ((p->flags & WIRE_BFD_POLL) != 0)
		session_send(b, s, PACKET_FINAL, now); /* has the new state, too */
	else if (moves)
		tell(b, s, now);
	replan(b, s, now);
	return WIRE_BFD_KEPT;
}

/* Sections 6.8.1 and 6.8.4. What the other side asked for is gone with it. */
static void forget_remote(struct session *s)
{
	s->remote_state = WIRE_BFD_DOWN;
	s->remote_discr = 0;
	s->remote_demand = false;
	s->remote_rx_us = 1;
	s->remote_tx_us = 0;
	s->remote_multiplier = 0;
}

void session_expire(struct bfd *b, struct session *s, struct instant now)
{
	forget_remote(s);
	if (s->state == WIRE_BFD_INIT || s->state == WIRE_BFD_UP) {
		move(b, s, (struct cell){WIRE_BFD_DOWN, WIRE_BFD_DIAG_EXPIRED});
		tell(b, s, now);
	}
	replan(b, s, now);
}

void session_admin_down(struct bfd *b, struct session *s, bool down, struct instant now)
{
	if (down == (s->state == WIRE_BFD_ADMIN_DOWN))
		return;
	if (down) {
		move(b, s, (struct cell){WIRE_BFD_ADMIN_DOWN, WIRE_BFD_DIAG_ADMIN_DOWN});
	} else {
		forget_remote(s);
		move(b, s, (struct cell){WIRE_BFD_DOWN, WIRE_BFD_DIAG_NONE});
		s->diag = WIRE_BFD_DIAG_NONE;
	}
	tell(b, s, now);
	replan(b, s, now);
}
