/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the workers announce and withdraw, in the order of each one's link. */
#include "judge_int.h"

/* What peers' UPDATEs can make us hold: some 400 MB. */
#define EVENTS_MAX 2000000U
#define WORKER_EVENTS_MAX 1000000U

/* ---- Prefixes ---- */

struct prefix_key {
	const struct bgp_view *view;
	const struct prefix *prefix;
	uint32_t worker;
};

static bool same_prefix(const void *ctx, uint32_t item)
{
	const struct prefix_key *key = ctx;
	const struct bgp_prefix *p = &key->view->prefixes.at[item];

	return p->worker == key->worker && prefix_equal(&p->prefix, key->prefix);
}

static uint64_t prefix_hash(const struct prefix_key *key)
{
	const struct slots *s = &key->view->slots;
	uint64_t h = slots_hash(s, 0, key->prefix->addr.b, sizeof(key->prefix->addr.b));
	uint8_t more[] = {key->prefix->addr.family, key->prefix->len};

	h = slots_hash(s, h, more, sizeof(more));
	return slots_hash(s, h, &key->worker, sizeof(key->worker));
}

static const struct bgp_prefix *prefix_find(const struct bgp_view *v, uint32_t worker, const struct prefix *prefix)
{
	struct prefix_key key = {v, prefix, worker};
	uint32_t item = slots_find(&v->slots, prefix_hash(&key), same_prefix, &key);

	return item != SLOTS_NONE ? &v->prefixes.at[item] : NULL;
}

static struct bgp_prefix *prefix_intern(struct bgp_view *v, uint32_t worker, const struct prefix *prefix)
{
	struct prefix_key key = {v, prefix, worker};
	uint64_t hash = prefix_hash(&key);
	uint32_t item = slots_find(&v->slots, hash, same_prefix, &key);

	if (item == SLOTS_NONE) {
		item = (uint32_t)v->prefixes.len;
		VEC_PUSH(&v->prefixes, (struct bgp_prefix){*prefix, worker, BGP_NO_ROUTE});
		VEC_PUSH(&v->workers[worker].prefixes, item);
		slots_put(&v->slots, hash, item);
	}
	return &v->prefixes.at[item];
}

/* ---- Events ---- */

/* What the routes of one UPDATE share. */
struct carrier {
	const struct capture_event *event;
	const struct wire_attrs *attrs;
	uint32_t worker, conn;
	bool malformed;
};

static void add(struct bgp_view *v, const struct carrier *c, const struct prefix *prefix, const struct addr *next_hop)
{
	struct bgp_worker *w = &v->workers[c->worker];
	struct bgp_prefix *p;
	struct judge_route_event *e;

	if (v->events.len >= EVENTS_MAX || w->route_count >= WORKER_EVENTS_MAX) {
		v->full = true;
		return;
	}
	w->route_count++;
	p = prefix_intern(v, c->worker, prefix);
	VEC_PUSH(&v->links, (struct bgp_route_link){p->newest, c->conn, c->malformed});
	p->newest = (uint32_t)v->events.len;
	e = VEC_ADD(&v->events);
	*e = (struct judge_route_event){.time = c->event->time,
					.link = c->event->link,
					.frame = c->event->frame,
					.worker = v->lab->workers[c->worker].name,
					.withdrawn = next_hop == NULL,
					.prefix = *prefix};
	if (next_hop == NULL)
		return;
	e->next_hop = *next_hop;
	e->origin = c->attrs->origin;
	wire_path_text(c->attrs->as_path, c->attrs->as4, e->as_path, sizeof(e->as_path));
}

/* next_hop NULL: withdrawn. */
static void add_all(struct bgp_view *v, const struct carrier *c, struct wire_nlri nlri, const struct addr *next_hop)
{
	struct wire_route route;

	while (wire_nlri_next(&nlri, &route))
		add(v, c, &route.prefix, next_hop);
}

static struct wire_session session_of(const struct bgp_conn *conn)
{
	return (struct wire_session){
		.as4 = conn->joined || (conn->as4[0] && conn->as4[1]),
		.add_path_v4 = conn->add_path_v4[0] && conn->add_path_v4[1],
		.add_path_v6 = conn->add_path_v6[0] && conn->add_path_v6[1],
		.extended = conn->joined || (conn->extended[0] && conn->extended[1]),
	};
}

/* Withdrawals first: a prefix that is in both lists is announced (RFC 4271 section 4.3). */
void bgp_routes_update(struct bgp_view *v, uint32_t worker, uint32_t conn, const struct capture_event *event)
{
	const struct bgp_conn *at = &v->workers[worker].conns.at[conn];
	struct wire_session session = session_of(at);
	struct wire_in message = wire_in_of(event->bytes, event->len);
	struct wire_update u = {0};
	struct wire_err err = wire_update_decode(message, &session, &u);
	struct carrier c = {event, &u.attrs, worker, conn, false};
	bool bad;

	if (err.treat > WIRE_ATTRIBUTE_DISCARD && at->joined) { /* the OPENs were missed: guess again */
		session.as4 = false;
		u = (struct wire_update){0};
		err = wire_update_decode(message, &session, &u);
	}
	if (err.treat == WIRE_RESET)
		return; /* the router answers with a NOTIFICATION, which is seen by itself */
	bad = err.treat == WIRE_TREAT_AS_WITHDRAW;
	add_all(v, &c, u.withdrawn, NULL);
	add_all(v, &c, u.mp_withdrawn, NULL);
	c.malformed = bad;
	add_all(v, &c, u.nlri, bad ? NULL : &u.attrs.next_hop);
	add_all(v, &c, u.mp_nlri, bad ? NULL : &u.attrs.mp_next_hop);
}

/* ---- State at an instant ---- */

struct bgp_chain bgp_view_chain(const struct bgp_view *v, uint32_t worker, const struct prefix *prefix,
				struct instant since, struct instant until, struct arena *arena)
{
	const struct bgp_prefix *p = prefix_find(v, worker, prefix);
	uint32_t newest = p != NULL ? p->newest : BGP_NO_ROUTE;
	struct bgp_chain chain = {0};
	size_t n = 0;

	while (newest != BGP_NO_ROUTE && instant_before(until, v->events.at[newest].time))
		newest = v->links.at[newest].before;
	for (uint32_t i = newest; i != BGP_NO_ROUTE; i = v->links.at[i].before) {
		n++;
		if (!instant_before(since, v->events.at[i].time))
			break;
	}
	chain.events = arena_array(arena, n, sizeof(*chain.events));
	chain.n = n;
	for (uint32_t i = newest; n > 0; i = v->links.at[i].before)
		chain.events[--n] = i;
	return chain;
}

/* The chain's last event at or before t, or BGP_NO_ROUTE. */
static uint32_t chain_at(const struct bgp_view *v, const struct bgp_chain *chain, struct instant t)
{
	size_t low = 0, high = chain->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (instant_before(t, v->events.at[chain->events[middle]].time))
			high = middle;
		else
			low = middle + 1;
	}
	return low > 0 ? chain->events[low - 1] : BGP_NO_ROUTE;
}

static bool holds(const struct bgp_view *v, uint32_t worker, uint32_t event, struct instant t)
{
	const struct bgp_conn *session = bgp_view_session(v, worker, t);
	const struct bgp_worker *w = &v->workers[worker];

	return event != BGP_NO_ROUTE && !v->events.at[event].withdrawn && session != NULL &&
	       session == &w->conns.at[v->links.at[event].conn];
}

uint32_t bgp_chain_held(const struct bgp_view *v, uint32_t worker, const struct bgp_chain *chain, struct instant t)
{
	uint32_t event = chain_at(v, chain, t);

	return holds(v, worker, event, t) ? event : BGP_NO_ROUTE;
}

uint32_t bgp_view_newest(const struct bgp_view *v, uint32_t worker, const struct prefix *prefix)
{
	const struct bgp_prefix *p = prefix_find(v, worker, prefix);
	uint32_t conn = p != NULL ? v->links.at[p->newest].conn : 0;

	if (p == NULL || v->events.at[p->newest].withdrawn || v->workers[worker].conns.at[conn].closed.is)
		return BGP_NO_ROUTE;
	return p->newest;
}

uint32_t bgp_view_other(const struct bgp_view *v, uint32_t worker, const struct prefix *prefix, struct instant t)
{
	const struct bgp_worker *w = &v->workers[worker];
	uint32_t found = BGP_NO_ROUTE;

	for (size_t i = 0; i < w->prefixes.len; i++) {
		const struct bgp_prefix *p = &v->prefixes.at[w->prefixes.at[i]];
		uint32_t event = p->newest;
		bool overlaps = prefix_overlaps(&p->prefix, prefix);

		if (prefix_equal(&p->prefix, prefix) || (found != BGP_NO_ROUTE && !overlaps))
			continue;
		while (event != BGP_NO_ROUTE && instant_before(t, v->events.at[event].time))
			event = v->links.at[event].before;
		if (!holds(v, worker, event, t))
			continue;
		found = event;
		if (overlaps)
			break;
	}
	return found;
}
