/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the router did about a worker that misbehaved, as the worker's link and the router's FIB show it. */
#include "judge_int.h"

#include <stdio.h>
#include <string.h>

/* A session that stays shows it by so many KEEPALIVEs after the bytes that might have ended it: the first may have been on
 * its way. */
#define PULSES_NEEDED 2U

static bool by(const struct mark *m, struct instant t)
{
	return m->is && !instant_before(t, m->time);
}

/* The worker's last connection that it dialled since the step began, as far as it is known at t; NULL: none. */
static const struct bgp_conn *conn_at(const struct question *q, size_t worker, struct instant t)
{
	const struct bgp_worker *w = &q->j->bgp.workers[worker];

	for (size_t i = w->conns.len; i > 0; i--) {
		const struct bgp_conn *conn = &w->conns.at[i - 1];

		if (conn->dialler == BGP_PEER_WORKER && by(&conn->syn, t) &&
		    !instant_before(conn->syn.time, q->e->since))
			return conn;
	}
	return NULL;
}

/* ---- Each reaction ---- */

static bool data_is(const struct bgp_conn *conn, const char *hex)
{
	char seen[2 * sizeof(conn->data) + 1] = "";

	for (size_t i = 0; i < conn->data_len; i++)
		snprintf(seen + 2 * i, 3, "%02x", conn->data[i]);
	return strcmp(seen, hex) == 0;
}

static bool notified(const struct judge_reaction *r, const struct bgp_conn *conn, struct instant t)
{
	if (!by(&conn->closed, t) || conn->close != BGP_CLOSE_NOTIFICATION || conn->closer != BGP_PEER_ROUTER)
		return false;
	for (size_t i = 0; i < JUDGE_ANSWERS_MAX && r->answers[i].code != 0; i++) {
		const struct judge_answer *a = &r->answers[i];

		if (conn->code == a->code && (a->subcode == JUDGE_ANY_SUBCODE || conn->subcode == a->subcode) &&
		    (a->data == NULL || data_is(conn, a->data)))
			return true;
	}
	return false;
}

/* Nothing can be asked of the router behind an RST. */
static bool closed(const struct bgp_conn *conn, struct instant t)
{
	return by(&conn->ended[BGP_PEER_ROUTER], t) || (by(&conn->closed, t) && conn->close == BGP_CLOSE_RST);
}

static size_t pulses(const struct judge_reaction *r, const struct bgp_conn *conn, struct instant t)
{
	size_t n = 0;

	for (size_t i = 0; i < conn->pulse.len; i++)
		n += instant_before(r->played, conn->pulse.at[i].time) && by(&conn->pulse.at[i], t);
	return n;
}

static bool stays(const struct judge_reaction *r, const struct bgp_conn *conn, struct instant t)
{
	return by(&conn->established, t) && !by(&conn->closed, t) && pulses(r, conn, t) >= PULSES_NEEDED;
}

/* Where the router takes long messages (RFC 8654). */
static bool takes_it(const struct judge_reaction *r, const struct bgp_conn *conn, struct instant t)
{
	static const struct judge_reaction expired = {.answers = {{4, JUDGE_ANY_SUBCODE, NULL}}};

	if (!r->unless_extended || !conn->extended[BGP_PEER_ROUTER])
		return false;
	return stays(r, conn, t) || (r->cut_short && notified(&expired, conn, t));
}

static bool routed(const struct question *q, size_t worker, struct instant t)
{
	return fib_entry_has(fib_view_at(&q->j->fib, &q->e->prefix, t), &q->j->lab.workers[worker].address);
}

static bool reacted(const struct question *q, const struct bgp_conn *conn, size_t worker, struct instant t)
{
	const struct judge_reaction *r = &q->e->reaction;

	switch (r->kind) {
	case JUDGE_NOTIFIES:
		return takes_it(r, conn, t) || (notified(r, conn, t) && !routed(q, worker, t));
	case JUDGE_CLOSES:
		return closed(conn, t) && !routed(q, worker, t);
	case JUDGE_STAYS:
		return stays(r, conn, t);
	case JUDGE_WITHDRAWS:
		return stays(r, conn, t) && !routed(q, worker, t);
	case JUDGE_INSTALLS:
		return stays(r, conn, t) && (r->no_fib || routed(q, worker, t));
	}
	return false;
}

/* ---- In time ---- */

static bool reaction_right(const struct question *q, const void *ctx, size_t worker, struct instant t)
{
	const struct bgp_conn *conn;

	(void)ctx;
	if (!question_names(q, worker))
		return true;
	conn = conn_at(q, worker, t);
	return conn != NULL && reacted(q, conn, worker, t);
}

static void mark_add(const struct question *q, const struct mark *m, instants *ret)
{
	if (m->is && instant_before(q->e->since, m->time) && !instant_before(q->cutoff, m->time))
		VEC_PUSH(ret, m->time);
}

static void reaction_times(const struct question *q, const void *ctx, size_t worker, instants *ret)
{
	const struct bgp_worker *w = &q->j->bgp.workers[worker];

	(void)ctx;
	if (!question_names(q, worker))
		return;
	for (size_t i = 0; i < w->conns.len; i++) {
		const struct bgp_conn *conn = &w->conns.at[i];

		mark_add(q, &conn->syn, ret);
		mark_add(q, &conn->established, ret);
		mark_add(q, &conn->closed, ret);
		mark_add(q, &conn->ended[BGP_PEER_ROUTER], ret);
		for (size_t k = 0; k < conn->pulse.len; k++)
			mark_add(q, &conn->pulse.at[k], ret);
	}
	fib_view_times(&q->j->fib, &q->e->prefix, q->e->since, q->cutoff, ret);
}

/* ---- In words ---- */

static void say_route(const struct question *q, struct saying *s, size_t worker, struct instant t)
{
	if (q->e->reaction.no_fib || q->e->reaction.kind == JUDGE_STAYS)
		return;
	saying_addf(s, "; its route %s %s in the router's kernel", prefix_text(&q->e->prefix).s,
		    routed(q, worker, t) ? "is" : "is not");
}

/* The two octets that are asked for, the wrong way round. */
static bool data_is_swapped(const struct judge_answer *a, const struct bgp_conn *conn)
{
	char swapped[] = "0000";

	if (a->code != conn->code || a->subcode != conn->subcode || a->data == NULL || strlen(a->data) != 4 ||
	    memcmp(a->data, a->data + 2, 2) == 0)
		return false;
	memcpy(swapped, a->data + 2, 2);
	memcpy(swapped + 2, a->data, 2);
	return data_is(conn, swapped);
}

static void say_notification_data(struct saying *s, const struct judge_reaction *r, const struct bgp_conn *conn)
{
	if (conn->close != BGP_CLOSE_NOTIFICATION || conn->data_len == 0)
		return;
	saying_addf(s, ", data ");
	for (size_t i = 0; i < conn->data_len; i++)
		saying_addf(s, "%02x", conn->data[i]);
	for (size_t i = 0; i < JUDGE_ANSWERS_MAX && r->answers[i].code != 0; i++) {
		if (data_is_swapped(&r->answers[i], conn)) {
			saying_addf(s, ", which is %s in host byte order (little-endian) instead of the network's",
				    r->answers[i].data);
			return;
		}
	}
}

static void say_reaction(struct question *q, struct saying *s, uint32_t worker, struct instant t)
{
	const struct bgp_conn *conn = conn_at(q, worker, t);
	unsigned int link = q->j->lab.workers[worker].link;

	if (conn == NULL || !by(&conn->synack, t)) {
		bgp_say_stage(s, &q->j->bgp, worker, t);
		return;
	}
	if (by(&conn->closed, t)) {
		bgp_say_close(s, &q->j->bgp, worker, conn);
		say_notification_data(s, &q->e->reaction, conn);
		judge_frame_add(q, link, conn->closed.frame);
	} else if (by(&conn->established, t)) {
		size_t n = pulses(&q->e->reaction, conn, t);

		saying_addf(s, "the session goes on, %zu KEEPALIVE%s of the router later", n, n == 1 ? "" : "s");
		judge_frame_add(q, link, conn->established.frame);
	} else {
		bgp_say_stage(s, &q->j->bgp, worker, t);
	}
	say_route(q, s, worker, t);
}

/* KEEPALIVEs are due each third of the hold time. A router that had none for half of it and gave up tells of a machine that had
 * no time for its peer, and nothing of what it was to react to. */
static bool was_late(const struct question *q, const struct bgp_conn *conn, struct instant t, int64_t *ret_silence,
		     unsigned int *ret_hold_s)
{
	const struct bgp_talk *last = conn->talk.len > 0 ? &conn->talk.at[conn->talk.len - 1] : NULL;

	*ret_hold_s = conn->hold_s[0] < conn->hold_s[1] ? conn->hold_s[0] : conn->hold_s[1];
	if (!q->e->reaction.talks || last == NULL || !by(&conn->closed, t) || conn->closer != BGP_PEER_ROUTER ||
	    conn->close != BGP_CLOSE_NOTIFICATION || conn->code != WIRE_ERR_HOLD)
		return false;
	*ret_silence = instant_since(conn->closed.time, last->last);
	return *ret_silence > *ret_hold_s * NS_PER_S / 2;
}

static void mind_lateness(struct question *q, struct saying *s, uint32_t worker, struct instant t)
{
	const struct bgp_conn *conn = conn_at(q, worker, t);
	unsigned int hold_s;
	int64_t silence;

	if (q->f->verdict != JUDGE_FAIL || conn == NULL || !was_late(q, conn, t, &silence, &hold_s))
		return;
	saying_addf(s,
		    "; its last message was %s old, of a hold time of %u s: this machine was too busy to send another",
		    duration_text(silence).s, hold_s);
	q->f->verdict = JUDGE_INCONCLUSIVE;
}

void judge_reaction(struct question *q)
{
	struct condition c = {.subjects = q->j->lab.worker_count, .times = reaction_times, .right = reaction_right};
	struct instant t = judge_state(q, &c);
	struct saying s = {0};

	if (q->f->verdict == JUDGE_PENDING)
		return;
	for (uint32_t i = 0; i < q->j->lab.worker_count; i++) {
		if (!question_names(q, i))
			continue;
		saying_part(&s);
		say_reaction(q, &s, i, t);
		mind_lateness(q, &s, i, t);
	}
	q->f->seen = saying_end(&s, q->arena);
}
