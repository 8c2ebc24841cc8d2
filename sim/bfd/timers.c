/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Intervals, the Poll Sequence that agrees on them, the detection time (RFC 5880 sections 6.8.2 to 6.8.4, 6.8.7). */
#include "bfd_int.h"

/* RFC 5880 section 6.8.7: 75 to 100 % of the interval; 75 to 90 % where one lost packet is too many. */
static int64_t jittered(struct bfd *b, const struct session *s, int64_t ns)
{
	int64_t room = s->conf.multiplier == 1 ? ns * 15 / 100 : ns / 4;

	return ns - (s->conf.multiplier == 1 ? ns / 10 : 0) - (int64_t)rng_below(&b->rng, (uint64_t)room + 1);
}

/* Nanoseconds between periodic packets; 0 when none are to be sent. */
static int64_t transmit_ns(const struct session *s)
{
	bool demanded = s->remote_demand && s->state == WIRE_BFD_UP && s->remote_state == WIRE_BFD_UP;

	if ((s->conf.passive && s->remote_discr == 0) || s->remote_rx_us == 0 || (demanded && s->poll == POLL_NONE))
		return 0;
	return (s->tx_us > s->remote_rx_us ? s->tx_us : s->remote_rx_us) * NS_PER_US;
}

void timer_transmit(struct bfd *b, struct session *s, struct instant now)
{
	int64_t ns = transmit_ns(s);

	if (ns == s->tx_ns && (ns == 0) == (s->tx_due.ns == INSTANT_NEVER.ns))
		return;
	s->tx_ns = ns;
	if (ns == 0)
		s->tx_due = INSTANT_NEVER;
	else if (!s->sent_any)
		s->tx_due = now;
	else
		s->tx_due = instant_add(s->sent_at, jittered(b, s, ns));
}

int64_t timer_detect_ns(const struct session *s)
{
	uint32_t us = s->rx_us > s->remote_tx_us ? s->rx_us : s->remote_tx_us;

	return (int64_t)s->remote_multiplier * us * NS_PER_US;
}

void timer_detect(struct session *s)
{
	bool on = s->remote_multiplier > 0 && s->state != WIRE_BFD_ADMIN_DOWN;

	s->detect_due = on ? instant_add(s->received_at, timer_detect_ns(s)) : INSTANT_NEVER;
}

static void poll_request(struct session *s)
{
	if (s->poll == POLL_RUNNING)
		s->poll_again = true;
	else if (s->poll == POLL_NONE)
		s->poll = POLL_RUNNING;
}

void timer_desire(struct session *s, uint32_t desired_tx_us)
{
	if (s->desired_tx_us == desired_tx_us)
		return;
	s->desired_tx_us = desired_tx_us;
	/* A greater interval waits until the other side knows, which otherwise would miss packets. */
	if (s->state != WIRE_BFD_UP || desired_tx_us < s->tx_us)
		s->tx_us = desired_tx_us;
	poll_request(s);
}

void timer_require(struct session *s, uint32_t required_rx_us)
{
	if (s->required_rx_us == required_rx_us)
		return;
	s->required_rx_us = required_rx_us;
	/* A shorter one waits until the other side sends as often. */
	if (s->state != WIRE_BFD_UP || required_rx_us > s->rx_us)
		s->rx_us = required_rx_us;
	poll_request(s);
}

void timer_poll_answered(struct session *s)
{
	if (s->poll != POLL_RUNNING)
		return;
	if (s->poll_again) {
		/* The answer may be to what we said before. */
		s->poll = POLL_RESTING;
		s->poll_again = false;
		return;
	}
	s->poll = POLL_NONE;
	s->tx_us = s->desired_tx_us;
	s->rx_us = s->required_rx_us;
}
