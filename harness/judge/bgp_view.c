/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sessions as the worker's own link shows them: TCP, OPENs, KEEPALIVEs, and what ends them. */
#include "judge_int.h"

#include <limits.h>

#define CONNS_MAX 65536U
/* Connections looked through for the one that a segment belongs to. */
#define CONNS_NEAR 256U
#define TALK_MAX 65536U
#define PULSES_MAX 65536U
/* How late a router's hold timer may be, and a worker's KEEPALIVE on its way. */
#define HOLD_SLACK_NS NS_PER_S

void bgp_view_init(struct bgp_view *v, const struct judge_lab *lab, uint64_t seed)
{
	v->lab = lab;
	v->slots.seed = seed;
	v->workers = memory_grow(NULL, lab->worker_count + 1, sizeof(*v->workers));
	memset(v->workers, 0, (lab->worker_count + 1) * sizeof(*v->workers));
}

void bgp_view_fini(struct bgp_view *v)
{
	for (size_t i = 0; i < v->lab->worker_count; i++) {
		struct bgp_worker *w = &v->workers[i];

		for (size_t c = 0; c < w->conns.len; c++) {
			VEC_FREE(&w->conns.at[c].talk);
			VEC_FREE(&w->conns.at[c].pulse);
		}
		VEC_FREE(&w->conns);
		VEC_FREE(&w->sessions);
		VEC_FREE(&w->prefixes);
	}
	free(v->workers);
	VEC_FREE(&v->events);
	VEC_FREE(&v->links);
	VEC_FREE(&v->prefixes);
	slots_free(&v->slots);
}

/* ---- Connections ---- */

static void mark_set(struct mark *m, const struct capture_event *event)
{
	if (!m->is)
		*m = (struct mark){true, event->time, event->frame};
}

static enum bgp_end sender_of(const struct bgp_view *v, uint32_t worker, const struct capture_event *event)
{
	return addr_equal(&event->src, &v->lab->workers[worker].address) ? BGP_PEER_WORKER : BGP_PEER_ROUTER;
}

/* The newest connection between the event's ports, or NULL. */
static struct bgp_conn *conn_near(struct bgp_worker *w, const struct capture_event *event, enum bgp_end sender)
{
	bool own = sender == BGP_PEER_WORKER;
	uint16_t worker_port = own ? event->src_port : event->dst_port;
	uint16_t router_port = own ? event->dst_port : event->src_port;

	for (size_t i = w->conns.len; i > 0 && w->conns.len - i < CONNS_NEAR; i--) {
		struct bgp_conn *conn = &w->conns.at[i - 1];

		if (conn->worker_port == worker_port && conn->router_port == router_port)
			return conn;
	}
	return NULL;
}

/* NULL when the worker has had more connections than are kept. */
static struct bgp_conn *conn_new(struct bgp_view *v, struct bgp_worker *w, const struct capture_event *event,
				 enum bgp_end sender)
{
	bool own = sender == BGP_PEER_WORKER;
	struct bgp_conn *conn;

	if (w->conns.len >= CONNS_MAX) {
		v->full = true;
		return NULL;
	}
	conn = VEC_ADD(&w->conns);
	*conn = (struct bgp_conn){.worker_port = own ? event->src_port : event->dst_port,
				  .router_port = own ? event->dst_port : event->src_port,
				  .dialler = sender};
	return conn;
}

static void conn_close(struct bgp_conn *conn, const struct capture_event *event, enum bgp_close how,
		       enum bgp_end closer)
{
	if (conn->closed.is)
		return;
	mark_set(&conn->closed, event);
	conn->close = how;
	conn->closer = closer;
}

static void on_syn(struct bgp_view *v, struct bgp_worker *w, const struct capture_event *event, enum bgp_end sender)
{
	struct bgp_conn *conn = conn_near(w, event, sender);

	if (conn != NULL && !conn->closed.is && !conn->open[0].is && !conn->open[1].is && conn->dialler == sender)
		return; /* the same attempt once more */
	if (conn != NULL)
		conn_close(conn, event, BGP_CLOSE_REPLACED, sender);
	conn = conn_new(v, w, event, sender);
	if (conn != NULL)
		mark_set(&conn->syn, event);
}

/* ---- Messages ---- */

/* RFC 7911: whether this end may send (or receive) several paths of the family. */
static bool add_path(const struct wire_caps *caps, uint16_t afi, uint8_t way)
{
	for (uint8_t i = 0; i < caps->add_path_count; i++) {
		const struct wire_family *f = &caps->add_path[i];

		if (f->afi == afi && f->safi == WIRE_SAFI_UNICAST)
			return (f->flags & way) != 0;
	}
	return false;
}

static void on_open(struct bgp_conn *conn, const struct capture_event *event, enum bgp_end sender)
{
	struct wire_open open = {0};
	uint8_t way = sender == BGP_PEER_WORKER ? 2 : 1; /* the worker sends, the router receives */

	if (wire_open_decode(wire_in_of(event->bytes, event->len), &open).treat != WIRE_OK)
		return;
	mark_set(&conn->open[sender], event);
	conn->as4[sender] = open.caps.as4_present;
	conn->extended[sender] = open.caps.extended_message;
	conn->add_path_v4[sender] = add_path(&open.caps, WIRE_AFI_IPV4, way);
	conn->add_path_v6[sender] = add_path(&open.caps, WIRE_AFI_IPV6, way);
	conn->hold_s[sender] = open.hold_s;
	if (conn->open[0].is && conn->open[1].is) {
		uint16_t hold = conn->hold_s[0] < conn->hold_s[1] ? conn->hold_s[0] : conn->hold_s[1];

		conn->patience_ns = hold > 0 ? hold * NS_PER_S + HOLD_SLACK_NS : 0;
	}
}

/* RFC 9003: a length and that many octets of text. */
static void words_copy(char *ret, size_t room, struct wire_in data)
{
	size_t n = wire_u8(&data), len = 0;

	for (struct wire_in text = wire_sub(&data, n); wire_more(&text) && len + 1 < room;) {
		uint8_t c = wire_u8(&text);

		ret[len++] = (char)(c >= ' ' && c < 0x7f ? c : '?');
	}
	ret[len] = '\0';
}

static void on_notification(struct bgp_conn *conn, const struct capture_event *event, enum bgp_end sender)
{
	struct wire_notification n = {0};

	if (conn->closed.is || wire_notification_decode(wire_in_of(event->bytes, event->len), &n).treat != WIRE_OK)
		return;
	conn_close(conn, event, BGP_CLOSE_NOTIFICATION, sender);
	conn->code = n.code;
	conn->subcode = n.subcode;
	conn->data_len = (uint8_t)(wire_left(&n.data) < sizeof(conn->data) ? wire_left(&n.data) : sizeof(conn->data));
	memcpy(conn->data, n.data.at, conn->data_len);
	if (n.code == WIRE_ERR_CEASE && (n.subcode == 2 || n.subcode == 4))
		words_copy(conn->words, sizeof(conn->words), n.data);
}

/* Silence of more than the hold time parts two talks; see bgp_conn_alive. */
static void talk_add(struct bgp_view *v, struct bgp_conn *conn, struct instant time)
{
	struct bgp_talk *last = conn->talk.len > 0 ? &conn->talk.at[conn->talk.len - 1] : NULL;

	if (last != NULL && (conn->patience_ns == 0 || instant_since(time, last->last) <= conn->patience_ns))
		last->last = instant_before(last->last, time) ? time : last->last;
	else if (conn->talk.len < TALK_MAX)
		VEC_PUSH(&conn->talk, (struct bgp_talk){time, time});
	else
		v->full = true;
}

/* A session that another one follows without having ended on the wire belonged to a worker that lost its memory. */
static void establish(struct bgp_worker *w, struct bgp_conn *conn, const struct capture_event *event)
{
	uint32_t index = (uint32_t)(conn - w->conns.at);

	mark_set(&conn->established, event);
	if (w->sessions.len > 0) {
		struct bgp_conn *old = &w->conns.at[w->sessions.at[w->sessions.len - 1]];

		conn_close(old, event, BGP_CLOSE_REPLACED, conn->dialler);
	}
	VEC_PUSH(&w->sessions, index);
}

static void on_message(struct bgp_view *v, uint32_t worker, struct bgp_conn *conn, const struct capture_event *event)
{
	struct bgp_worker *w = &v->workers[worker];
	enum bgp_end sender = sender_of(v, worker, event);
	uint8_t type = event->len >= WIRE_HEADER_LEN ? event->bytes[WIRE_HEADER_LEN - 1] : 0;
	bool opened = (conn->open[0].is && conn->open[1].is) || conn->joined;

	if (type == WIRE_NOTIFICATION)
		mark_set(&conn->ended[sender], event);
	if (conn->closed.is)
		return;
	if (type == WIRE_KEEPALIVE && sender == BGP_PEER_ROUTER && conn->pulse.len < PULSES_MAX)
		VEC_PUSH(&conn->pulse, (struct mark){true, event->time, event->frame});
	if (sender == BGP_PEER_WORKER)
		talk_add(v, conn, event->time);
	if (type == WIRE_OPEN)
		on_open(conn, event, sender);
	else if (type == WIRE_NOTIFICATION)
		on_notification(conn, event, sender);
	else if (type == WIRE_KEEPALIVE || conn->joined)
		mark_set(&conn->keepalive[sender], event);
	if (!conn->established.is && !conn->closed.is && opened && conn->keepalive[0].is && conn->keepalive[1].is)
		establish(w, conn, event);
	if (type == WIRE_UPDATE && sender == BGP_PEER_WORKER)
		bgp_routes_update(v, worker, (uint32_t)(conn - w->conns.at), event);
}

static void on_bgp(struct bgp_view *v, uint32_t worker, const struct capture_event *event, enum bgp_end sender)
{
	struct bgp_worker *w = &v->workers[worker];
	struct bgp_conn *conn = conn_near(w, event, sender);

	if (conn == NULL) {
		conn = conn_new(v, w, event, sender);
		if (conn == NULL)
			return;
		conn->joined = event->len >= WIRE_HEADER_LEN && event->bytes[WIRE_HEADER_LEN - 1] != WIRE_OPEN;
		conn->dialler = event->dst_port == WIRE_BGP_PORT ? sender : (enum bgp_end) !sender;
	}
	on_message(v, worker, conn, event);
}

void bgp_view_packet(struct bgp_view *v, uint32_t worker, const struct capture_event *event)
{
	struct bgp_worker *w = &v->workers[worker];
	enum bgp_end sender = sender_of(v, worker, event);
	struct bgp_conn *conn;

	switch (event->kind) {
	case CAPTURE_TCP_SYN:
		on_syn(v, w, event, sender);
		break;
	case CAPTURE_TCP_SYNACK:
		conn = conn_near(w, event, sender);
		if (conn != NULL && !conn->closed.is)
			mark_set(&conn->synack, event);
		break;
	case CAPTURE_TCP_FIN:
	case CAPTURE_TCP_RST:
		conn = conn_near(w, event, sender);
		if (conn != NULL)
			mark_set(&conn->ended[sender], event);
		if (conn != NULL)
			conn_close(conn, event, event->kind == CAPTURE_TCP_FIN ? BGP_CLOSE_FIN : BGP_CLOSE_RST, sender);
		break;
	case CAPTURE_BGP:
		on_bgp(v, worker, event, sender);
		break;
	case CAPTURE_BGP_GAP:
		conn = conn_near(w, event, sender);
		if (conn != NULL)
			mark_set(&conn->gap, event);
		break;
	case CAPTURE_BGP_BAD:
	case CAPTURE_FLOW:
	case CAPTURE_HTTP_REQUEST:
	case CAPTURE_HTTP_RESPONSE:
	case CAPTURE_BFD:
		break;
	}
}

/* ---- State at an instant ---- */

/* The talk that t lies in or behind. */
static const struct bgp_talk *talk_before(const struct bgp_conn *conn, struct instant t)
{
	size_t low = 0, high = conn->talk.len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (instant_before(t, conn->talk.at[middle].first))
			high = middle;
		else
			low = middle + 1;
	}
	return low > 0 ? &conn->talk.at[low - 1] : NULL;
}

/* The router's hold timer ends a session that the worker has been silent in, also when the NOTIFICATION that says so can't
 * reach the worker's link (RFC 4271 section 8.2.2, event 10). */
bool bgp_conn_alive(const struct bgp_conn *conn, struct instant t)
{
	const struct bgp_talk *talk;

	if (!conn->established.is || instant_before(t, conn->established.time))
		return false;
	if (conn->closed.is && !instant_before(t, conn->closed.time))
		return false;
	talk = talk_before(conn, t);
	return conn->patience_ns == 0 || talk == NULL || instant_since(t, talk->last) <= conn->patience_ns;
}

/* How many of the worker's sessions were established by t. */
static size_t sessions_by(const struct bgp_worker *w, struct instant t)
{
	size_t low = 0, high = w->sessions.len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (instant_before(t, w->conns.at[w->sessions.at[middle]].established.time))
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

const struct bgp_conn *bgp_view_last_session(const struct bgp_view *v, uint32_t worker, struct instant t)
{
	const struct bgp_worker *w = &v->workers[worker];
	size_t n = sessions_by(w, t);

	return n > 0 ? &w->conns.at[w->sessions.at[n - 1]] : NULL;
}

bool bgp_conn_heard_after(const struct bgp_conn *conn, struct instant t, struct instant by)
{
	for (size_t i = conn->talk.len; i > 0; i--) {
		const struct bgp_talk *talk = &conn->talk.at[i - 1];

		if (!instant_before(t, talk->last))
			return false;
		if (!instant_before(by, talk->first))
			return true;
	}
	return false;
}

const struct bgp_conn *bgp_view_session(const struct bgp_view *v, uint32_t worker, struct instant t)
{
	const struct bgp_conn *conn = bgp_view_last_session(v, worker, t);

	return conn != NULL && bgp_conn_alive(conn, t) ? conn : NULL;
}

static void times_add(instants *ret, struct instant t, struct instant since, struct instant until)
{
	if (instant_before(since, t) && !instant_before(until, t))
		VEC_PUSH(ret, t);
}

void bgp_view_session_times(const struct bgp_view *v, uint32_t worker, struct instant since, struct instant until,
			    instants *ret)
{
	const struct bgp_worker *w = &v->workers[worker];

	for (size_t n = sessions_by(w, until); n > 0; n--) {
		const struct bgp_conn *conn = &w->conns.at[w->sessions.at[n - 1]];

		times_add(ret, conn->established.time, since, until);
		if (conn->closed.is)
			times_add(ret, conn->closed.time, since, until);
		for (size_t i = 0; i < conn->talk.len && conn->patience_ns > 0; i++) {
			times_add(ret, conn->talk.at[i].first, since, until);
			times_add(ret, instant_add(conn->talk.at[i].last, conn->patience_ns + 1), since, until);
		}
		if (instant_before(conn->established.time, since))
			break;
	}
}
