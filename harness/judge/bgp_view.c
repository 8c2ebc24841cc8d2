/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sessions and routes as they go over each worker's own link, which nobody else can write to. */
#include "judge_int.h"

#include <stdint.h>

#define ROUTES_MAX 10000000U
#define NO_EVENT SIZE_MAX

enum { OF_WORKER = 0, OF_ROUTER = 1 };

static struct proof proof_of(const struct capture_event *event)
{
	return (struct proof){.time = event->time, .link = event->link, .frame = event->frame};
}

void view_bgp_free(struct judge *j)
{
	for (unsigned int i = 0; i < j->lab.worker_count; i++) {
		VEC_FREE(&j->workers[i].conns);
		VEC_FREE(&j->workers[i].sessions);
		VEC_FREE(&j->workers[i].routes);
		VEC_FREE(&j->workers[i].route_conns);
	}
}

/* The connection that the event belongs to, and who spoke. NULL: none between this worker and the router. */
static struct bgp_conn *conn_of(struct judge *j, unsigned int worker, const struct capture_event *event, bool may_make,
				int *ret_speaker)
{
	struct worker_view *w = &j->workers[worker];
	const struct addr *own = &j->lab.workers[worker].address;
	bool from_worker = addr_equal(&event->src, own) && addr_equal(&event->dst, &j->lab.router);
	bool from_router = addr_equal(&event->dst, own) && addr_equal(&event->src, &j->lab.router);
	struct bgp_conn key = {.worker_port = from_worker ? event->src_port : event->dst_port,
			       .router_port = from_worker ? event->dst_port : event->src_port};

	if ((!from_worker && !from_router) || (key.worker_port != WIRE_BGP_PORT && key.router_port != WIRE_BGP_PORT))
		return NULL;
	*ret_speaker = from_worker ? OF_WORKER : OF_ROUTER;
	for (size_t i = w->conns.len; i-- > 0;) {
		struct bgp_conn *c = &w->conns.at[i];

		if (c->worker_port == key.worker_port && c->router_port == key.router_port && !c->ended)
			return c;
	}
	if (!may_make)
		return NULL;
	VEC_PUSH(&w->conns, key);
	return &w->conns.at[w->conns.len - 1];
}

static bool conn_up(const struct bgp_conn *c)
{
	return c->open[0] && c->open[1] && c->keepalive[0] && c->keepalive[1] && !c->ended;
}

static enum stage conn_stage(const struct bgp_conn *c)
{
	if (conn_up(c))
		return STAGE_UP;
	if (c->open[0] && c->open[1])
		return STAGE_OPENS;
	return c->open[0] || c->open[1] ? STAGE_OPEN : STAGE_SYN;
}

/* The best of the worker's connections is its session; a failed dial beside a session that stands changes nothing. */
static void session_note(struct judge *j, unsigned int worker, const struct capture_event *event, enum stage otherwise,
			 const char *words)
{
	struct worker_view *w = &j->workers[worker];
	enum stage stage = otherwise;
	const struct session_change *last = w->sessions.len > 0 ? &w->sessions.at[w->sessions.len - 1] : NULL;

	for (size_t i = 0; i < w->conns.len; i++) {
		const struct bgp_conn *c = &w->conns.at[i];

		if (!c->ended && (stage == otherwise || conn_stage(c) > stage))
			stage = conn_stage(c);
	}
	if (last == NULL || last->stage != stage)
		VEC_PUSH(&w->sessions, (struct session_change){.proof = proof_of(event),
							       .stage = stage,
							       .words = stage == otherwise ? words : NULL});
}

/* ---- Routes ---- */

static const struct route_change *route_last(const struct worker_view *w, const struct prefix *p)
{
	for (size_t i = w->routes.len; i-- > 0;) {
		if (prefix_equal(&w->routes.at[i].prefix, p))
			return &w->routes.at[i];
	}
	return NULL;
}

static void route_note(struct judge *j, unsigned int worker, const struct capture_event *event,
		       const struct wire_route *route, const struct wire_update *update, size_t conn)
{
	struct worker_view *w = &j->workers[worker];
	const struct wire_attrs *a = update != NULL ? &update->attrs : NULL;
	struct judge_route_event told = {.time = event->time,
					 .link = event->link,
					 .frame = event->frame,
					 .worker = j->lab.workers[worker].name,
					 .withdrawn = a == NULL,
					 .prefix = route->prefix};

	if (w->routes.len >= ROUTES_MAX)
		return;
	if (a != NULL) {
		told.next_hop = a->next_hop;
		told.origin = a->origin;
		wire_path_text(a->as_path, a->as4, told.as_path, sizeof(told.as_path));
	}
	VEC_PUSH(&j->route_events, told);
	VEC_PUSH(&w->routes, (struct route_change){.proof = proof_of(event),
						   .prefix = route->prefix,
						   .next_hop = told.next_hop,
						   .present = a != NULL,
						   .by_update = true,
						   .event = j->route_events.len - 1});
	VEC_PUSH(&w->route_conns, conn);
}

static void routes_note(struct judge *j, unsigned int worker, const struct capture_event *event, struct wire_nlri nlri,
			const struct wire_update *update, size_t conn)
{
	struct wire_route route;

	while (wire_nlri_next(&nlri, &route))
		route_note(j, worker, event, &route, update, conn);
}

static void on_update(struct judge *j, unsigned int worker, const struct capture_event *event, size_t conn)
{
	const struct bgp_conn *c = &j->workers[worker].conns.at[conn];
	struct wire_session session = {.as4 = c->as4[0] && c->as4[1]};
	struct wire_update update;
	struct wire_err err = wire_update_decode(wire_in_of(event->bytes, event->len), &session, &update);
	/* RFC 7606: the routes of such an UPDATE count as withdrawn */
	const struct wire_update *announces = err.treat >= WIRE_TREAT_AS_WITHDRAW ? NULL : &update;

	if (err.treat == WIRE_RESET)
		return;
	routes_note(j, worker, event, update.withdrawn, NULL, conn);
	routes_note(j, worker, event, update.mp_withdrawn, NULL, conn);
	routes_note(j, worker, event, update.nlri, announces, conn);
	routes_note(j, worker, event, update.mp_nlri, announces, conn);
}

/* With the connection go the routes that it brought (RFC 4271 section 8.2.2). */
static void routes_drop(struct judge *j, unsigned int worker, const struct capture_event *event, size_t conn)
{
	struct worker_view *w = &j->workers[worker];
	size_t n = w->routes.len;

	for (size_t i = 0; i < n; i++) {
		struct route_change c = w->routes.at[i];

		if (!c.present || w->route_conns.at[i] != conn || route_last(w, &c.prefix) != &w->routes.at[i])
			continue;
		c.proof = proof_of(event);
		c.present = false;
		c.by_update = false;
		c.event = NO_EVENT;
		VEC_PUSH(&w->routes, c);
		VEC_PUSH(&w->route_conns, conn);
	}
}

/* ---- Messages and segments ---- */

static void conn_end(struct judge *j, unsigned int worker, const struct capture_event *event, struct bgp_conn *c,
		     enum stage stage, const char *words)
{
	size_t conn = (size_t)(c - j->workers[worker].conns.at);

	c->ended = true;
	routes_drop(j, worker, event, conn);
	session_note(j, worker, event, stage, words);
}

static void on_open(struct bgp_conn *c, int speaker, const struct capture_event *event)
{
	struct wire_open open;

	(void)wire_open_decode(wire_in_of(event->bytes, event->len), &open);
	c->open[speaker] = true;
	c->as4[speaker] = open.caps.as4_present;
}

static void on_message(struct judge *j, unsigned int worker, const struct capture_event *event, struct bgp_conn *c,
		       int speaker)
{
	size_t conn = (size_t)(c - j->workers[worker].conns.at);
	struct wire_notification n;

	switch (event->len >= WIRE_HEADER_LEN ? event->bytes[WIRE_HEADER_LEN - 1] : 0) {
	case WIRE_OPEN:
		on_open(c, speaker, event);
		break;
	case WIRE_KEEPALIVE:
		c->keepalive[speaker] = true;
		break;
	case WIRE_UPDATE:
		if (speaker == OF_WORKER)
			on_update(j, worker, event, conn);
		break;
	case WIRE_NOTIFICATION:
		(void)wire_notification_decode(wire_in_of(event->bytes, event->len), &n);
		conn_end(j, worker, event, c, STAGE_ENDED, wire_error_text(n.code, n.subcode));
		return;
	default:
		break;
	}
	session_note(j, worker, event, STAGE_SYN, NULL);
}

void view_bgp(struct judge *j, unsigned int worker, const struct capture_event *event)
{
	int speaker = OF_WORKER;
	bool starts = event->kind == CAPTURE_TCP_SYN || event->kind == CAPTURE_BGP;
	struct bgp_conn *c = conn_of(j, worker, event, starts, &speaker);

	if (c == NULL)
		return;
	switch (event->kind) {
	case CAPTURE_TCP_SYN:
		session_note(j, worker, event, STAGE_SYN, NULL);
		break;
	case CAPTURE_BGP:
		on_message(j, worker, event, c, speaker);
		break;
	case CAPTURE_TCP_RST:
		conn_end(j, worker, event, c, c->open[0] || c->open[1] ? STAGE_ENDED : STAGE_REFUSED,
			 "the connection was reset");
		break;
	case CAPTURE_TCP_FIN:
		conn_end(j, worker, event, c, STAGE_ENDED, "the connection was closed");
		break;
	case CAPTURE_BGP_BAD:
		conn_end(j, worker, event, c, STAGE_ENDED, "bytes that are no BGP message");
		break;
	case CAPTURE_TCP_SYNACK:
	case CAPTURE_FLOW:
	case CAPTURE_HTTP_REQUEST:
	case CAPTURE_HTTP_RESPONSE:
		break;
	}
}

/* ---- Looking back ---- */

const struct session_change *view_session_at(const struct judge *j, unsigned int worker, struct instant t)
{
	const struct worker_view *w = &j->workers[worker];

	for (size_t i = w->sessions.len; i-- > 0;) {
		if (!instant_before(t, w->sessions.at[i].proof.time))
			return &w->sessions.at[i];
	}
	return NULL;
}

const struct route_change *view_route_at(const struct judge *j, unsigned int worker, const struct prefix *p,
					 struct instant t)
{
	const struct worker_view *w = &j->workers[worker];

	for (size_t i = w->routes.len; i-- > 0;) {
		const struct route_change *c = &w->routes.at[i];

		if (!instant_before(t, c->proof.time) && prefix_equal(&c->prefix, p))
			return c;
	}
	return NULL;
}

const struct judge_route_event *judge_route_events(const struct judge *j, size_t *ret_count)
{
	*ret_count = j->route_events.len;
	return j->route_events.at;
}

const struct judge_route_event *judge_route(const struct judge *j, unsigned int worker, const struct prefix *prefix)
{
	const struct route_change *c = view_route_at(j, worker, prefix, INSTANT_NEVER);

	return c != NULL && c->present && c->event != NO_EVENT ? &j->route_events.at[c->event] : NULL;
}
