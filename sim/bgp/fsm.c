/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs rows of the table: the words in their order, the special where the RFC says "if", then the state. */
#include "bgp_int.h"

static void notify(struct conn *c, uint8_t code, uint8_t subcode)
{
	conn_notify(c, code, subcode, (struct wire_in){0});
}

static void do_notify_cease(struct conn *c, const struct fsm_input *in)
{
	if (in->event == EV_MANUAL_STOP || in->event == EV_AUTOMATIC_STOP)
		cease_send(c, &c->peer->cease);
	else
		notify(c, WIRE_ERR_CEASE, BGP_CEASE_COLLISION);
}

static void do_notify_hold(struct conn *c, const struct fsm_input *in)
{
	(void)in;
	notify(c, WIRE_ERR_HOLD, 0);
}

/* RFC 6608 section 3: a message that the state does not expect has a subcode; a timer has not. */
static void do_notify_fsm(struct conn *c, const struct fsm_input *in)
{
	static const uint8_t unexpected_in[BGP_STATE_COUNT] = {
		[BGP_OPEN_SENT] = 1, [BGP_OPEN_CONFIRM] = 2, [BGP_ESTABLISHED] = 3};

	notify(c, WIRE_ERR_FSM, in->event >= EV_OPEN && in->event <= EV_UPDATE_ERR ? unexpected_in[c->state] : 0);
}

static void do_notify_message(struct conn *c, const struct fsm_input *in)
{
	conn_notify(c, in->err->code, in->err->subcode, wire_in_of(in->err->data, in->err->data_len));
}

static void do_notify_send_hold(struct conn *c, const struct fsm_input *in)
{
	(void)in;
	notify(c, WIRE_ERR_SEND_HOLD, 0);
}

static bool delays_open(const struct conn *c)
{
	return c->delay_open_due.ns != INSTANT_NEVER.ns;
}

/* SendNOTIFICATIONwithoutOPEN */
static bool speaks_early(const struct conn *c)
{
	return delays_open(c) && !c->peer->conf.session.silent_before_open;
}

static void do_early_cease(struct conn *c, const struct fsm_input *in)
{
	if (speaks_early(c))
		do_notify_cease(c, in);
}

static void do_early_message(struct conn *c, const struct fsm_input *in)
{
	if (speaks_early(c))
		do_notify_message(c, in);
}

static void do_counter_zero(struct conn *c, const struct fsm_input *in)
{
	(void)in;
	c->peer->connect_retry_counter = 0;
	c->peer->failures = 0;
}

static void do_counter_up(struct conn *c, const struct fsm_input *in)
{
	(void)in;
	c->peer->connect_retry_counter++;
}

static void do_damp(struct conn *c, const struct fsm_input *in)
{
	c->peer->dial_failed = in->rejected;
	if (in->rejected)
		return;
	if (!c->peer->quirks->quick_retry && !c->peer->conf.session.no_damping)
		c->peer->failures++;
}

static void do_drop(struct conn *c, const struct fsm_input *in)
{
	(void)in;
	conn_drop(c);
}

static void do_release(struct conn *c, const struct fsm_input *in)
{
	if (c->state == BGP_ESTABLISHED)
		restart_session_lost(c, in);
	conn_drop(c);
	if (c == peer_main(c->peer))
		c->peer->connect_retry_due = INSTANT_NEVER;
}

static void do_retry_start(struct conn *c, const struct fsm_input *in)
{
	(void)in;
	if (c == peer_main(c->peer))
		timer_retry_start(c->peer);
}

static void do_connect(struct conn *c, const struct fsm_input *in)
{
	(void)in;
	conn_dial(c);
	if (c->peer->quirks->dial_budget_ns > 0)
		c->hold_due = instant_add(c->peer->speaker->now, c->peer->quirks->dial_budget_ns);
}

static void do_send_open(struct conn *c, const struct fsm_input *in)
{
	(void)in;
	if (c == peer_main(c->peer))
		c->peer->connect_retry_due = INSTANT_NEVER;
	c->delay_open_due = INSTANT_NEVER;
	open_send(c);
	if (c->peer->quirks->dial_budget_ns == 0)
		timer_hold_start(c, LARGE_HOLD_S);
}

static void do_take_open(struct conn *c, const struct fsm_input *in)
{
	open_take(c, in->open);
	if (c->peer->quirks->reset_at_open)
		c->peer->failures = 0;
}

static void do_send_keepalive(struct conn *c, const struct fsm_input *in)
{
	(void)in;
	conn_keepalive(c);
	timer_keepalive_start(c);
}

static void do_hold_restart(struct conn *c, const struct fsm_input *in)
{
	(void)in;
	timer_hold_restart(c);
}

static void do_track(struct conn *c, const struct fsm_input *in)
{
	if (in->accepted != 0)
		collision_track(c, in);
}

static const struct {
	unsigned int word;
	void (*run)(struct conn *c, const struct fsm_input *in);
} actions[] = {
	{FSM_NOTIFY_CEASE, do_notify_cease},
	{FSM_NOTIFY_HOLD, do_notify_hold},
	{FSM_NOTIFY_FSM, do_notify_fsm},
	{FSM_NOTIFY_MESSAGE, do_notify_message},
	{FSM_NOTIFY_SEND_HOLD, do_notify_send_hold},
	{FSM_EARLY_CEASE, do_early_cease},
	{FSM_EARLY_MESSAGE, do_early_message},
	{FSM_COUNTER_ZERO, do_counter_zero},
	{FSM_COUNTER_UP, do_counter_up},
	{FSM_DAMP, do_damp},
	{FSM_DROP, do_drop},
	{FSM_RELEASE, do_release},
	{FSM_RETRY_START, do_retry_start},
	{FSM_CONNECT, do_connect},
	{FSM_SEND_OPEN, do_send_open},
	{FSM_TAKE_OPEN, do_take_open},
	{FSM_SEND_KEEPALIVE, do_send_keepalive},
	{FSM_HOLD_RESTART, do_hold_restart},
	{FSM_PROCESS, routes_process},
	{FSM_TRACK, do_track},
};

void fsm_do(struct conn *c, unsigned int words, const struct fsm_input *in)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if ((words & actions[i].word) != 0)
			actions[i].run(c, in);
}

/* Event 13 in Idle: as event 6 or 7, which don't zero the counter. */
enum bgp_state fsm_restarted(struct conn *c, const struct fsm_input *in)
{
	const struct fsm_row *row = &fsm_table[BGP_IDLE][c->peer->conf.passive ? EV_AUTOMATIC_START_DAMPED_PASSIVE
									       : EV_AUTOMATIC_START_DAMPED];

	if (!c->peer->started)
		return BGP_IDLE;
	fsm_do(c, row->words, in);
	return row->next;
}

/* Events 16 and 17 in Connect and Active. */
enum bgp_state fsm_connected(struct conn *c, const struct fsm_input *in)
{
	if (c->peer->conf.delay_open_s == 0) {
		fsm_do(c, FSM_SEND_OPEN, in);
		return BGP_OPEN_SENT;
	}
	if (c == peer_main(c->peer))
		c->peer->connect_retry_due = INSTANT_NEVER;
	timer_delay_open_start(c);
	return c->state;
}

/* Event 18 in Connect: a peer that let us wait for its OPEN may dial itself. */
enum bgp_state fsm_connect_failed(struct conn *c, const struct fsm_input *in)
{
	if (delays_open(c)) {
		fsm_do(c, FSM_DROP | FSM_RETRY_START, in);
		return BGP_ACTIVE;
	}
	fsm_do(c, FSM_RELEASE, in);
	c->peer->dial_failed = true;
	return BGP_IDLE;
}

/* Event 24 before our OPEN was sent: no fault of the peer's if it only answers early. */
enum bgp_state fsm_early_version_error(struct conn *c, const struct fsm_input *in)
{
	fsm_do(c, delays_open(c) ? FSM_RELEASE : FSM_RELEASE | FSM_COUNTER_UP | FSM_DAMP, in);
	return BGP_IDLE;
}

/* Event 19 in OpenConfirm and Established: section 6.8 for an OPEN on the other connection. On this one it is a second
 * OPEN, which section 8.2.2 does not expect. */
enum bgp_state fsm_open_again(struct conn *c, const struct fsm_input *in)
{
	unsigned int how = in->newer != NULL ? FSM_NOTIFY_CEASE : FSM_NOTIFY_FSM;

	if (in->newer != NULL && !collision_loses(c, in))
		return c->state;
	fsm_do(c, how | FSM_RELEASE | FSM_COUNTER_UP | FSM_DAMP, in);
	return BGP_IDLE;
}

/* The state that a peer shows: that of its foremost connection. */
enum bgp_state bgp_peer_state(const struct bgp_speaker *s, bgp_peer_id peer)
{
	const struct conn *conns = s->peers.at[peer]->conns;

	return conns[0].state > conns[1].state ? conns[0].state : conns[1].state;
}

static void tell_state(struct peer *p, enum fsm_event why)
{
	enum bgp_state state = bgp_peer_state(p->speaker, p->id);

	if (state == p->told)
		return;
	notice_state(p, p->told, state, fsm_event_text(why));
	p->told = state;
}

/* A session ends that stood: one that a speaker who awaits no KEEPALIVE has with itself alone counts only where its back-off says so. */
static bool stood(const struct conn *c, enum bgp_state before)
{
	return before == BGP_ESTABLISHED && (c->peer->quirks->reset_at_open || c->heard_keepalive);
}

static void entered_idle(struct conn *c, enum bgp_state from)
{
	struct peer *p = c->peer;

	if (c != peer_main(p) || !p->started)
		return;
	if (p->quirks->quick_retry)
		p->failures = stood(c, from) ? 0 : p->failures + 1;
	if (!p->conf.session.no_automatic_start)
		timer_idle_hold_start(p);
}

static void entered_established(struct conn *c)
{
	struct peer *p = c->peer;

	bool deferring = p->speaker->deferring; /* its end, should this be it, is everybody's beginning */

	if (!p->quirks->quick_retry)
		p->failures = 0;
	p->dial_failed = false;
	p->remote_id = c->remote_id;
	restart_session_up(c);
	if (!deferring)
		export_initial(p);
}

void fsm_place(struct conn *c, enum bgp_state state)
{
	c->state = state;
}

void fsm_event(struct conn *c, const struct fsm_input *in)
{
	const struct fsm_row *row = &fsm_table[c->state][in->event];
	struct peer *p = c->peer;
	enum bgp_state from = c->state, next = row->next;

	fsm_do(c, row->words, in);
	if (row->special != NULL)
		next = row->special(c, in);
	/* Who never listens has nothing to wait for in Active, and a second connection no life without TCP. */
	if (next == BGP_ACTIVE && from != next && c->tcp == TCP_NONE && (!p->quirks->listens || c != peer_main(p))) {
		fsm_do(c, FSM_RELEASE, in);
		next = BGP_IDLE;
	}
	c->state = next;
	if (next == BGP_IDLE && from != next)
		entered_idle(c, from);
	if (next == BGP_ESTABLISHED && from != next)
		entered_established(c);
	collision_settle(p);
	timers_changed(p);
	tell_state(p, in->event);
}
