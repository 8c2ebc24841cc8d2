/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In words, how far a worker without a session came. */
#include "judge_int.h"

/* Attempts looked back for one that tells more than the last. */
#define LOOK_BACK 16U

static bool by(const struct mark *m, struct instant t)
{
	return m->is && !instant_before(t, m->time);
}

/* How much of a session the connection had shown by t: the more, the more it explains. */
static unsigned int progress(const struct bgp_conn *conn, struct instant t)
{
	if (by(&conn->established, t))
		return 6;
	if (by(&conn->closed, t) && conn->close == BGP_CLOSE_NOTIFICATION)
		return 5;
	if (by(&conn->keepalive[0], t) || by(&conn->keepalive[1], t))
		return 4;
	if (by(&conn->open[0], t) || by(&conn->open[1], t))
		return 3;
	if (by(&conn->synack, t))
		return 2;
	return by(&conn->closed, t) ? 1 : 0;
}

/* The first frame of a connection; connections are in the order in which they began. */
static bool begun(const struct bgp_conn *conn, struct instant t)
{
	return by(&conn->syn, t) || by(&conn->open[0], t) || by(&conn->open[1], t) || by(&conn->keepalive[0], t) ||
	       by(&conn->keepalive[1], t) || (conn->talk.len > 0 && !instant_before(t, conn->talk.at[0].first));
}

static const struct bgp_conn *telling(const struct bgp_worker *w, struct instant t, size_t *ret_attempts)
{
	const struct bgp_conn *best = NULL;
	size_t n = w->conns.len;

	while (n > 0 && !begun(&w->conns.at[n - 1], t))
		n--;
	*ret_attempts = n;
	for (size_t i = n; i > 0 && n - i < LOOK_BACK; i--) {
		const struct bgp_conn *conn = &w->conns.at[i - 1];

		if (best == NULL || progress(conn, t) > progress(best, t))
			best = conn;
	}
	return best;
}

static const char *end_name(const struct bgp_view *v, uint32_t worker, enum bgp_end end)
{
	return end == BGP_PEER_WORKER ? v->lab->workers[worker].name : "the router";
}

void bgp_say_close(struct saying *s, const struct bgp_view *v, uint32_t worker, const struct bgp_conn *conn)
{
	const char *who = end_name(v, worker, conn->closer);
	unsigned long long frame = conn->closed.frame;

	switch (conn->close) {
	case BGP_CLOSE_NOTIFICATION:
		saying_addf(s, "%s sent NOTIFICATION %u/%u (%s)", who, conn->code, conn->subcode,
			    wire_error_text(conn->code, conn->subcode));
		if (conn->words[0] != '\0')
			saying_addf(s, " \"%s\"", conn->words);
		saying_addf(s, " in frame %llu", frame);
		break;
	case BGP_CLOSE_FIN:
		saying_addf(s, "%s closed the connection (FIN, frame %llu)", who, frame);
		break;
	case BGP_CLOSE_RST:
		saying_addf(s, "%s reset the connection (RST, frame %llu)", who, frame);
		break;
	case BGP_CLOSE_REPLACED:
		saying_addf(s, "it began anew without a word (frame %llu)", frame);
		break;
	}
}

static void say_lost(struct saying *s, const struct bgp_view *v, uint32_t worker, const struct bgp_conn *conn,
		     struct instant t)
{
	saying_addf(s, "its session was established and ended: ");
	if (by(&conn->closed, t))
		bgp_say_close(s, v, worker, conn);
	else
		saying_addf(s, "nothing came from it for more than the hold time of %u s",
			    conn->hold_s[0] < conn->hold_s[1] ? conn->hold_s[0] : conn->hold_s[1]);
}

static void say_half(struct saying *s, const struct bgp_view *v, uint32_t worker, const struct bgp_conn *conn,
		     struct instant t)
{
	bool worker_open = by(&conn->open[BGP_PEER_WORKER], t), router_open = by(&conn->open[BGP_PEER_ROUTER], t);

	if (worker_open && router_open)
		saying_addf(s, "OPENs were exchanged, but no KEEPALIVE came from %s",
			    by(&conn->keepalive[BGP_PEER_WORKER], t) ? "the router" : v->lab->workers[worker].name);
	else if (worker_open)
		saying_addf(s, "it sent OPEN, and the router none");
	else if (router_open)
		saying_addf(s, "the router sent OPEN, and it none");
	else
		saying_addf(s, "TCP was connected, but nobody sent OPEN");
}

void bgp_say_stage(struct saying *s, const struct bgp_view *v, uint32_t worker, struct instant t)
{
	size_t attempts;
	const struct bgp_conn *conn = telling(&v->workers[worker], t, &attempts);
	unsigned int stage = conn != NULL ? progress(conn, t) : 0;

	saying_addf(s, "%s: ", v->lab->workers[worker].name);
	if (conn == NULL) {
		saying_addf(s, "no connection attempt (TCP SYN) was seen");
	} else if (stage == 6) {
		say_lost(s, v, worker, conn, t);
	} else if (stage >= 2) {
		if (stage != 5)
			say_half(s, v, worker, conn, t);
		if (stage != 5 && by(&conn->closed, t))
			saying_addf(s, ", then ");
		if (by(&conn->closed, t))
			bgp_say_close(s, v, worker, conn);
	} else if (stage == 1 && conn->close == BGP_CLOSE_RST && conn->closer != conn->dialler) {
		saying_addf(s, "%s refused its connection (RST, frame %llu)", end_name(v, worker, conn->closer),
			    (unsigned long long)conn->closed.frame);
		if (conn->dialler == BGP_PEER_ROUTER)
			saying_addf(s, ", which the router had dialled");
	} else if (stage == 1) {
		bgp_say_close(s, v, worker, conn);
	} else {
		saying_addf(s, "no answer to the SYN of %s (frame %llu)", end_name(v, worker, conn->dialler),
			    (unsigned long long)conn->syn.frame);
	}
	if (attempts > 1 && stage < 6)
		saying_addf(s, " (%zu attempts)", attempts);
}
