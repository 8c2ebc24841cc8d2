/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The timers of RFC 4271 section 10 as instants; the driver asks for the nearest and calls when it has come. */
#include "bgp_int.h"

/* Section 10: a uniform factor between 0.75 and 1, so that speakers don't fall into step. */
static int64_t jittered(struct bgp_speaker *s, int64_t ns)
{
	double factor = 0.75 + 0.25 * rng_unit(&s->rng);

	return s->quirks->jitter ? (int64_t)((double)ns * factor) : ns;
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
	p->connect_retry_due = due_in(p, jittered(p->speaker, p->conf.connect_retry_s * NS_PER_S));
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
	int64_t ns = jittered(c->peer->speaker, c->hold_s * NS_PER_S / 3);

	/* never more often than once a second (section 4.4) */
	c->keepalive_due = c->hold_s == 0 ? INSTANT_NEVER : due_in(c->peer, ns > NS_PER_S ? ns : NS_PER_S);
}

void timer_keepalive_restart(struct conn *c)
{
	if (!c->peer->quirks->restarts_keepalive || c->keepalive_due.ns == INSTANT_NEVER.ns)
		return;
	timer_keepalive_start(c);
	timers_changed(c->peer);
}

void timer_delay_open_start(struct conn *c)
{
	c->delay_open_due = due_in(c->peer, c->peer->conf.delay_open_s * NS_PER_S);
}

void timer_mrai_start(struct peer *p)
{
	p->mrai_due = due_in(p, jittered(p->speaker, p->conf.session.mrai_s * NS_PER_S));
	timers_changed(p);
}

void timer_origination_start(struct bgp_speaker *s)
{
	if (s->conf.min_origination_s > 0)
		s->origination_due = instant_add(s->now, jittered(s, s->conf.min_origination_s * NS_PER_S));
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
		p->idle_hold_due = due_in(p, jittered(p->speaker, doubled_s(base, n > 0 ? n - 1 : 0) * NS_PER_S));
	else
		p->idle_hold_due = due_in(p, n < 2 ? 0 : doubled_s(1, n - 2) * NS_PER_S);
}

typedef void fire_fn(struct peer *p, enum family f);

/* An event of a connection's machine, or else a call. */
struct timer {
	struct instant *due;
	struct conn *conn;
	enum fsm_event event;
	fire_fn *fire;
	struct peer *peer;
	enum family family;
};

#define TIMERS_PER_PEER (9 + FAMILY_COUNT)

static struct timer machine_timer(struct instant *when, struct conn *c, enum fsm_event event)
{
	return (struct timer){.due = when, .conn = c, .event = event};
}

static struct timer call_timer(struct instant *when, fire_fn *fire, struct peer *p, enum family f)
{
	return (struct timer){.due = when, .fire = fire, .peer = p, .family = f};
}

/* In the order in which those due at one instant fire. Returns how many. */
static size_t timers_of(struct peer *p, struct timer ret[static TIMERS_PER_PEER])
{
	struct timer *first = ret;

	*ret++ = machine_timer(&p->connect_retry_due, peer_main(p), EV_CONNECT_RETRY_EXPIRES);
	*ret++ = machine_timer(&p->idle_hold_due, peer_main(p), EV_IDLE_HOLD_EXPIRES);
	*ret++ = call_timer(&p->mrai_due, mrai_expired, p, FAMILY_V4);
	for (enum family f = FAMILY_V4; f < p->speaker->family_end; f++)
		*ret++ = call_timer(&p->stale[f].due, restart_expired, p, f);
	for (size_t i = 0; i < 2; i++) {
		struct conn *c = &p->conns[i];

		*ret++ = machine_timer(&c->hold_due, c, EV_HOLD_EXPIRES);
		*ret++ = machine_timer(&c->keepalive_due, c, EV_KEEPALIVE_EXPIRES);
		*ret++ = machine_timer(&c->delay_open_due, c, EV_DELAY_OPEN_EXPIRES);
	}
	return (size_t)(ret - first);
}

static struct instant nearest(const struct bgp_speaker *s)
{
	return s->by_due.len > 0 ? s->by_due.at[0]->next_due : INSTANT_NEVER;
}

/* The timer of the peer that fires first. */
static struct timer first_of(struct peer *p)
{
	struct timer timers[TIMERS_PER_PEER], first;
	size_t n = timers_of(p, timers);

	first = timers[0];
	for (size_t k = 1; k < n; k++)
		if (instant_before(*timers[k].due, *first.due))
			first = timers[k];
	return first;
}

static void fire(const struct timer *t)
{
	*t->due = INSTANT_NEVER;
	if (t->conn != NULL)
		fsm_event(t->conn, &(struct fsm_input){.event = t->event});
	else
		t->fire(t->peer, t->family);
}

void timers_run(struct bgp_speaker *s)
{
	while (nearest(s).ns != INSTANT_NEVER.ns && !instant_before(s->now, nearest(s))) {
		struct peer *p = s->by_due.at[0];
		struct timer t = first_of(p);

		fire(&t);
		timers_changed(p);
	}
	if (!instant_before(s->now, s->deferral_due))
		restart_deferral_over(s);
	if (!instant_before(s->now, s->origination_due)) {
		s->origination_due = INSTANT_NEVER;
		bgp_routes_commit(s, s->now);
	}
}

struct instant timers_deadline(const struct bgp_speaker *s)
{
	return instant_min(nearest(s), instant_min(s->deferral_due, s->origination_due));
}
