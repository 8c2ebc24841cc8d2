/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The timers of RFC 4271 section 10 as instants; the driver asks for the nearest and calls when it has come. */
#include "bgp_int.h"

/* Section 10: a uniform factor between 0.75 and 1, so that speakers don't fall into step. */
static int64_t jittered(struct peer *p, int64_t ns)
{
	double factor = 0.75 + 0.25 * rng_unit(&p->speaker->rng);

	return p->quirks->jitter ? (int64_t)((double)ns * factor) : ns;
}

static struct instant due_in(const struct peer *p, int64_t ns)
{
	return instant_add(p->speaker->now, ns);
}

/* A passive peer never dials, and MetalLB's dial ends by its budget. */
void timer_retry_start(struct peer *p)
{
	if (p->conf.passive || p->quirks->dial_budget_ns > 0)
		return;
	p->connect_retry_due = due_in(p, jittered(p, p->conf.connect_retry_s * NS_PER_S));
}

void timer_hold_start(struct conn *c, uint32_t seconds)
{
	c->hold_due = seconds == 0 ? INSTANT_NEVER : due_in(c->peer, seconds * NS_PER_S);
}

void timer_hold_restart(struct conn *c)
{
	timer_hold_start(c, c->peer->quirks->enforces_hold ? c->hold_s : 0);
}

void timer_keepalive_start(struct conn *c)
{
	if (c->hold_s == 0)
		c->keepalive_due = INSTANT_NEVER;
	else
		c->keepalive_due = due_in(c->peer, jittered(c->peer, c->hold_s * NS_PER_S / 3));
}

void timer_delay_open_start(struct conn *c)
{
	c->delay_open_due = due_in(c->peer, c->peer->conf.delay_open_s * NS_PER_S);
}

/* Doubled n times, but not beyond the limit. */
static int64_t doubled_s(int64_t seconds, unsigned int n)
{
	while (n-- > 0 && seconds < IDLE_HOLD_MAX_S)
		seconds = seconds * 2 < IDLE_HOLD_MAX_S ? seconds * 2 : IDLE_HOLD_MAX_S;
	return seconds;
}

/* MetalLB's first retry, and the first after a session that stood, come at once. */
void timer_idle_hold_start(struct peer *p)
{
	unsigned int n = p->failures;
	int64_t base = p->conf.idle_hold_s;

	if (!p->quirks->quick_retry)
		p->idle_hold_due = due_in(p, jittered(p, doubled_s(base, n > 0 ? n - 1 : 0) * NS_PER_S));
	else
		p->idle_hold_due = due_in(p, n < 2 ? 0 : doubled_s(1, n - 2) * NS_PER_S);
}

struct timer {
	struct instant *due;
	struct conn *conn;
	enum fsm_event event;
};

#define TIMERS_PER_PEER 8

/* In the order in which those due at one instant fire. */
static void timers_of(struct peer *p, struct timer ret[static TIMERS_PER_PEER])
{
	*ret++ = (struct timer){&p->connect_retry_due, peer_main(p), EV_CONNECT_RETRY_EXPIRES};
	*ret++ = (struct timer){&p->idle_hold_due, peer_main(p), EV_IDLE_HOLD_EXPIRES};
	for (size_t i = 0; i < 2; i++) {
		struct conn *c = &p->conns[i];

		*ret++ = (struct timer){&c->hold_due, c, EV_HOLD_EXPIRES};
		*ret++ = (struct timer){&c->keepalive_due, c, EV_KEEPALIVE_EXPIRES};
		*ret++ = (struct timer){&c->delay_open_due, c, EV_DELAY_OPEN_EXPIRES};
	}
}

static struct instant due(const struct timer *t)
{
	return t->due != NULL ? *t->due : INSTANT_NEVER;
}

/* The timer that fires first; none of a connection when all are stopped. */
static struct timer timer_next(const struct bgp_speaker *s)
{
	struct timer next = {0};

	for (size_t i = 0; i < s->peers.len; i++) {
		struct timer timers[TIMERS_PER_PEER];

		timers_of(s->peers.at[i], timers);
		for (size_t k = 0; k < TIMERS_PER_PEER; k++)
			if (instant_before(*timers[k].due, due(&next)))
				next = timers[k];
	}
	return next;
}

void timers_run(struct bgp_speaker *s)
{
	struct timer t = timer_next(s);

	while (t.conn != NULL && !instant_before(s->now, *t.due)) {
		*t.due = INSTANT_NEVER;
		fsm_event(t.conn, &(struct fsm_input){.event = t.event});
		t = timer_next(s);
	}
}

struct instant timers_deadline(const struct bgp_speaker *s)
{
	struct timer next = timer_next(s);

	return due(&next);
}
