/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Graceful restart. The peer's (RFC 4724 section 4.2, RFC 8538 section 4, RFC 9494 section 4): its routes outlive the
 * session as stale ones, until End-of-RIB or a timer. Our own (RFC 4724 section 4.1): a speaker that comes back selects no
 * routes before its peers have told all of theirs. */
#include "bgp_int.h"

#define DEFAULT_STALE_S 360
#define DEFAULT_DEFERRAL_S 360

static bool has(unsigned int families, enum family f)
{
	return (families >> f & 1) != 0;
}

static struct instant due_in(const struct peer *p, uint32_t seconds)
{
	return instant_add(p->speaker->now, seconds * NS_PER_S);
}

static uint32_t stale_s(const struct peer *p)
{
	return p->conf.restart.stale_s > 0 ? p->conf.restart.stale_s : DEFAULT_STALE_S;
}

/* ---- The peer restarts ---- */

/* Whether this end of the session is one to keep routes over: TCP that breaks (RFC 4724 section 4.2); with the N bit any
 * NOTIFICATION but a Hard Reset, and a HoldTimer that expires (RFC 8538 section 4). */
static bool outlived(const struct conn *c, const struct fsm_input *in)
{
	const struct peer *p = c->peer;

	if (!p->started || !c->restart.graceful)
		return false;
	if (in->event == EV_TCP_FAILS)
		return true;
	if (in->event == EV_MANUAL_STOP || in->event == EV_AUTOMATIC_STOP)
		return c->restart.notification && !cease_is_hard(&p->cease);
	return c->restart.notification && !in->hard;
}

static void sweep(struct peer *p, enum family f)
{
	struct stale_family *stale = &p->stale[f];

	if (stale->kept)
		rib_sweep(p, f);
	stale->kept = stale->long_lived = false;
	stale->due = INSTANT_NEVER;
	timers_changed(p);
}

/* The time of the graceful restart is over; that of the long-lived one begins (RFC 9494 section 4.2). */
static void keep_for_long(struct peer *p, enum family f)
{
	struct stale_family *stale = &p->stale[f];

	stale->long_lived = true;
	stale->due = due_in(p, stale->long_lived_s);
	rib_long_lived(p, f);
}

static void keep(struct conn *c, enum family f)
{
	struct peer *p = c->peer;
	struct stale_family *stale = &p->stale[f];

	stale->long_lived_s = has(c->restart.long_lived_families, f) ? c->restart.long_lived_s[f] : 0;
	/* What is stale from the restart before this one goes (RFC 4724 section 4.2), unless the peer knows long ones: then
	 * it stays, and the time of a long one that runs is not begun anew (RFC 9494 section 4.2). */
	if (stale->long_lived_s == 0)
		sweep(p, f);
	rib_stale(p, f);
	if (stale->kept && stale->long_lived) {
		rib_long_lived(p, f);
		return;
	}
	stale->kept = true;
	stale->due = due_in(p, c->restart.time_s);
	if (c->restart.time_s == 0 && stale->long_lived_s > 0)
		keep_for_long(p, f);
}

static void drop(struct peer *p, enum family f)
{
	rib_stale(p, f);
	p->stale[f].kept = true;
	sweep(p, f);
}

void restart_session_lost(struct conn *c, const struct fsm_input *in)
{
	struct peer *p = c->peer;
	bool lives = outlived(c, in);

	for (enum family f = FAMILY_V4; f < FAMILY_COUNT; f++) {
		p->stale[f].ended = false;
		if (lives && has(c->restart.families, f))
			keep(c, f);
		else
			drop(p, f);
	}
	export_clear(p);
}

void restart_expired(struct peer *p, enum family f)
{
	struct stale_family *stale = &p->stale[f];

	stale->due = INSTANT_NEVER;
	if (!stale->kept)
		return;
	if (stale->long_lived || stale->long_lived_s == 0 || peer_established(p) != NULL)
		sweep(p, f);
	else
		keep_for_long(p, f);
}

/* It is back: what it did not keep itself goes, the rest waits for End-of-RIB (RFC 4724 section 4.2), while the long-lived
 * time runs on (RFC 9494 section 4.2). */
void restart_session_up(struct conn *c)
{
	struct peer *p = c->peer;

	for (enum family f = FAMILY_V4; f < FAMILY_COUNT; f++) {
		struct stale_family *stale = &p->stale[f];
		unsigned int kept = stale->long_lived ? c->restart.long_lived_forwarding : c->restart.forwarding;

		stale->ended = false;
		if (!stale->kept)
			continue;
		if (!has(kept, f))
			sweep(p, f);
		else if (!stale->long_lived)
			stale->due = due_in(p, stale_s(p));
	}
	restart_deferral_check(p->speaker);
}

void restart_end_of_rib(struct conn *c, uint16_t afi, uint8_t safi)
{
	enum family f;

	if (!family_find(c->peer->speaker, afi, safi, &f))
		return;
	c->peer->stale[f].ended = true;
	sweep(c->peer, f);
	restart_deferral_check(c->peer->speaker);
}

void restart_refreshing(struct conn *c, enum family f)
{
	struct peer *p = c->peer;

	p->stale[f].kept = true;
	p->stale[f].due = due_in(p, stale_s(p));
}

void restart_refreshed(struct conn *c, enum family f)
{
	sweep(c->peer, f);
}

void restart_forget(struct peer *p)
{
	for (enum family f = FAMILY_V4; f < FAMILY_COUNT; f++)
		sweep(p, f);
}

bool restart_suspected(const struct conn *c)
{
	return c->state == BGP_ESTABLISHED && c->restart.graceful;
}

/* ---- We restart ---- */

void restart_deferral_start(struct bgp_speaker *s)
{
	uint32_t seconds = s->conf.deferral_s > 0 ? s->conf.deferral_s : DEFAULT_DEFERRAL_S;

	if (s->deferring && s->deferral_due.ns == INSTANT_NEVER.ns)
		s->deferral_due = instant_add(s->now, seconds * NS_PER_S);
}

/* RFC 4724 section 4.1: End-of-RIB from every peer but those that restart themselves, or don't restart gracefully. */
static bool waited_for(struct peer *p)
{
	const struct conn *c = peer_established(p);
	unsigned int waiting;

	if (!p->started || !p->conf.restart.on)
		return false;
	if (c == NULL)
		return true;
	waiting = c->restart.restarting ? 0 : c->restart.families;
	for (enum family f = FAMILY_V4; f < FAMILY_COUNT; f++)
		if (has(waiting, f) && !p->stale[f].ended)
			return true;
	return false;
}

void restart_deferral_check(struct bgp_speaker *s)
{
	for (size_t i = 0; s->deferring && i < s->peers.len; i++)
		if (waited_for(s->peers.at[i]))
			return;
	restart_deferral_over(s);
}

void restart_deferral_over(struct bgp_speaker *s)
{
	if (!s->deferring)
		return;
	s->deferring = false;
	s->deferral_due = INSTANT_NEVER;
	rib_settle(s);
	for (size_t i = 0; i < s->peers.len; i++)
		if (peer_established(s->peers.at[i]) != NULL)
			export_initial(s->peers.at[i]);
}

bool bgp_deferring(const struct bgp_speaker *s)
{
	return s->deferring;
}
