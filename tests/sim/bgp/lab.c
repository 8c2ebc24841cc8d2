/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void lab_init(struct lab *l, uint64_t seed)
{
	*l = (struct lab){.rng = {seed}};
}

void lab_fini(struct lab *l)
{
	for (unsigned int i = 0; i < l->count; i++) {
		bgp_speaker_free(l->speakers[i].engine);
		VEC_FREE(&l->speakers[i].routes);
	}
	for (size_t i = 0; i < l->events.len; i++)
		free(l->events.at[i].bytes);
	VEC_FREE(&l->events);
	VEC_FREE(&l->links);
	VEC_FREE(&l->messages);
}

struct instant lab_now(const struct lab *l)
{
	return (struct instant){l->now_ns};
}

unsigned int lab_add(struct lab *l, const struct bgp_speaker_conf *conf, const char *addr)
{
	struct lab_speaker *s = &l->speakers[l->count];

	assert_true(l->count < LAB_SPEAKERS);
	s->engine = bgp_speaker_new(conf);
	assert_int_equal(addr_parse(addr, &s->addr), 0);
	return l->count++;
}

bgp_peer_id lab_peer(struct lab *l, unsigned int on, unsigned int with, struct bgp_peer_conf conf)
{
	bgp_peer_id id = 0;

	conf.name = "peer";
	conf.remote = l->speakers[with].addr;
	if (conf.hold_s == 0)
		conf.hold_s = 9;
	assert_int_equal(bgp_peer_add(l->speakers[on].engine, &conf, &id), 0);
	l->speakers[on].peers[id] = with;
	return id;
}

static void post(struct lab *l, struct lab_event e, int64_t delay_ns)
{
	static const int64_t in_order_ns = 1;

	e.at_ns = l->now_ns + delay_ns;
	/* What one end says arrives in order. */
	for (size_t i = 0; i < l->events.len; i++)
		if (l->events.at[i].link == e.link && l->events.at[i].to == e.to && l->events.at[i].at_ns >= e.at_ns)
			e.at_ns = l->events.at[i].at_ns + in_order_ns;
	VEC_PUSH(&l->events, e);
}

static void post_bytes(struct lab *l, size_t link, unsigned int to, const uint8_t *bytes, size_t n)
{
	while (n > 0) {
		size_t piece = l->segments ? 1 + rng_below(&l->rng, n < 40 ? n : 40) : n;
		struct lab_event e = {.kind = LAB_BYTES, .link = link, .to = to, .len = piece};

		e.bytes = memory_new(piece);
		memcpy(e.bytes, bytes, piece);
		post(l, e, l->links.at[link].delay_ns);
		bytes += piece;
		n -= piece;
	}
}

static size_t link_of(const struct lab *l, unsigned int speaker, bgp_conn_id conn, unsigned int *ret_end)
{
	for (size_t i = 0; i < l->links.len; i++) {
		for (unsigned int end = 0; end < 2; end++) {
			const struct lab_link *k = &l->links.at[i];

			if (k->end[end] == speaker && k->conn[end] == conn) {
				*ret_end = end;
				return i;
			}
		}
	}
	return SIZE_MAX;
}

static void dial(struct lab *l, unsigned int from, const struct bgp_output *out)
{
	struct lab_link link = {
		.end = {from, l->speakers[from].peers[out->peer]}, .conn = {out->conn, 0}, .open = {true, false}};

	link.delay_ns = NS_PER_MS + (l->spread_ns > 0 ? (int64_t)rng_below(&l->rng, (uint64_t)l->spread_ns) : 0);
	VEC_PUSH(&l->links, link);
	post(l, (struct lab_event){.kind = LAB_SYN, .link = l->links.len - 1, .to = 1}, link.delay_ns);
}

static void record_message(struct lab *l, unsigned int from, const struct bgp_output *out)
{
	struct lab_message m = {.from = from, .peer = out->peer, .type = out->bytes[18], .len = out->len};

	m.ms = l->now_ns / NS_PER_MS;
	memcpy(m.bytes, out->bytes, out->len < sizeof(m.bytes) ? out->len : sizeof(m.bytes));
	VEC_PUSH(&l->messages, m);
}

static void record_route(struct lab_speaker *s, const struct bgp_output *out)
{
	struct lab_route r = {.prefix = out->prefix, .n = out->next_hop_count};

	assert_true(r.n <= 16);
	memcpy(r.next_hops, out->next_hops, r.n * sizeof(*r.next_hops));
	s->route_outputs++;
	for (size_t i = 0; i < s->routes.len; i++) {
		if (prefix_equal(&s->routes.at[i].prefix, &r.prefix)) {
			s->routes.at[i] = r;
			return;
		}
	}
	VEC_PUSH(&s->routes, r);
}

static void do_output(struct lab *l, unsigned int from, const struct bgp_output *out)
{
	unsigned int end;
	size_t link = link_of(l, from, out->conn, &end);

	switch (out->kind) {
	case BGP_OUT_CONNECT:
		dial(l, from, out);
		break;
	case BGP_OUT_SEND:
		record_message(l, from, out);
		if (link != SIZE_MAX && l->links.at[link].open[end] && !l->silent)
			post_bytes(l, link, 1 - end, out->bytes, out->len);
		break;
	case BGP_OUT_CLOSE:
		if (link == SIZE_MAX || !l->links.at[link].open[end])
			break;
		l->links.at[link].open[end] = false;
		if (!l->silent)
			post(l, (struct lab_event){.kind = LAB_FIN, .link = link, .to = 1 - end},
			     l->links.at[link].delay_ns);
		break;
	case BGP_OUT_ROUTE:
		record_route(&l->speakers[from], out);
		break;
	case BGP_OUT_NOTICE:
		if (out->notice == BGP_NOTICE_ERROR)
			snprintf(l->speakers[from].error, sizeof(l->speakers[from].error), "%s", out->text);
		break;
	}
}

static void drain(struct lab *l, unsigned int speaker)
{
	size_t n;
	const struct bgp_output *outs = bgp_outputs(l->speakers[speaker].engine, &n);

	for (size_t i = 0; i < n; i++)
		do_output(l, speaker, &outs[i]);
	bgp_outputs_clear(l->speakers[speaker].engine);
}

static void syn(struct lab *l, size_t at)
{
	struct lab_link *k = &l->links.at[at];
	struct lab_event answer = {.kind = LAB_REFUSED, .link = at, .to = 0};
	struct lab_speaker *s = &l->speakers[k->end[1]];

	if (!s->deaf && k->open[0] &&
	    bgp_in_accepted(s->engine, &s->addr, &l->speakers[k->end[0]].addr, lab_now(l), &k->conn[1])) {
		k->open[1] = true;
		answer.kind = LAB_SYN_ACK;
	}
	post(l, answer, k->delay_ns);
	drain(l, k->end[1]);
}

static void deliver(struct lab *l, const struct lab_event *e)
{
	struct lab_link *k = &l->links.at[e->link];
	unsigned int to = k->end[e->to];
	struct lab_speaker *s = &l->speakers[to];

	if (e->kind == LAB_SYN) {
		syn(l, e->link);
		return;
	}
	if (!k->open[e->to])
		return;
	switch (e->kind) {
	case LAB_SYN:
		break;
	case LAB_SYN_ACK:
		bgp_in_connected(s->engine, k->conn[0], &s->addr, lab_now(l));
		break;
	case LAB_REFUSED:
		k->open[0] = false;
		bgp_in_failed(s->engine, k->conn[0], lab_now(l));
		break;
	case LAB_BYTES:
		bgp_in_bytes(s->engine, k->conn[e->to], e->bytes, e->len, lab_now(l));
		break;
	case LAB_FIN:
		k->open[e->to] = false;
		bgp_in_closed(s->engine, k->conn[e->to], lab_now(l));
		break;
	}
	drain(l, to);
}

/* The index of the event that comes first; SIZE_MAX for none until then. */
static size_t first_event(const struct lab *l, int64_t until_ns)
{
	size_t first = SIZE_MAX;

	for (size_t i = 0; i < l->events.len; i++)
		if (l->events.at[i].at_ns <= until_ns &&
		    (first == SIZE_MAX || l->events.at[i].at_ns < l->events.at[first].at_ns))
			first = i;
	return first;
}

static bool run_timer(struct lab *l, int64_t until_ns)
{
	unsigned int who = 0;
	struct instant due = INSTANT_NEVER;

	for (unsigned int i = 0; i < l->count; i++) {
		if (instant_before(bgp_deadline(l->speakers[i].engine), due)) {
			due = bgp_deadline(l->speakers[i].engine);
			who = i;
		}
	}
	if (due.ns > until_ns)
		return false;
	l->now_ns = due.ns > l->now_ns ? due.ns : l->now_ns;
	bgp_in_time(l->speakers[who].engine, lab_now(l));
	drain(l, who);
	return true;
}

void lab_run(struct lab *l, int64_t until_ms)
{
	int64_t until_ns = until_ms * NS_PER_MS;

	for (unsigned int i = 0; i < l->count; i++)
		drain(l, i);
	for (;;) {
		size_t at = first_event(l, until_ns);
		int64_t event_ns = at != SIZE_MAX ? l->events.at[at].at_ns : until_ns;
		struct lab_event e;

		if (run_timer(l, event_ns))
			continue;
		if (at == SIZE_MAX)
			break;
		e = l->events.at[at];
		memmove(&l->events.at[at], &l->events.at[at + 1], (--l->events.len - at) * sizeof(e));
		l->now_ns = e.at_ns;
		deliver(l, &e);
		free(e.bytes);
	}
	l->now_ns = until_ns;
}

void lab_start(struct lab *l, unsigned int speaker)
{
	struct bgp_speaker *s = l->speakers[speaker].engine;

	for (bgp_peer_id p = 0; p < bgp_peer_count(s); p++)
		bgp_peer_start(s, p, lab_now(l));
}

static void forget_events(struct lab *l, size_t link)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->events.len; i++) {
		if (l->events.at[i].link == link)
			free(l->events.at[i].bytes);
		else
			l->events.at[kept++] = l->events.at[i];
	}
	l->events.len = kept;
}

static void break_end(struct lab *l, size_t link, unsigned int end)
{
	struct lab_link *k = &l->links.at[link];

	if (!k->open[end])
		return;
	k->open[end] = false;
	bgp_in_closed(l->speakers[k->end[end]].engine, k->conn[end], lab_now(l));
	drain(l, k->end[end]);
}

void lab_break(struct lab *l)
{
	size_t n = l->links.len;

	for (size_t i = 0; i < n; i++) {
		forget_events(l, i);
		break_end(l, i, 0);
		break_end(l, i, 1);
	}
}

void lab_restart(struct lab *l, unsigned int speaker, const struct bgp_speaker_conf *conf, bool unseen)
{
	size_t n = l->links.len;

	for (size_t i = 0; i < n; i++) {
		struct lab_link *k = &l->links.at[i];

		for (unsigned int end = 0; end < 2; end++) {
			if (k->end[end] != speaker)
				continue;
			forget_events(l, i);
			k->open[end] = false;
			k->conn[end] = 0; /* the new engine counts from 1 again */
			if (!unseen)
				break_end(l, i, 1 - end);
		}
	}
	bgp_speaker_free(l->speakers[speaker].engine);
	l->speakers[speaker].engine = bgp_speaker_new(conf);
	VEC_CLEAR(&l->speakers[speaker].routes);
}

void lab_cut(struct lab *l)
{
	l->silent = true;
	for (size_t i = 0; i < l->events.len; i++)
		free(l->events.at[i].bytes);
	VEC_CLEAR(&l->events);
}

void lab_hops(const struct lab *l, unsigned int speaker, const char *prefix, char *ret, size_t room)
{
	const struct lab_speaker *s = &l->speakers[speaker];
	struct prefix p;
	size_t n = 0;

	assert_int_equal(prefix_parse(prefix, &p), 0);
	ret[0] = '\0';
	for (size_t i = 0; i < s->routes.len; i++)
		for (size_t k = 0; prefix_equal(&s->routes.at[i].prefix, &p) && k < s->routes.at[i].n; k++)
			n += (size_t)snprintf(ret + n, room - n, "%s%s", k > 0 ? " " : "",
					      addr_text(&s->routes.at[i].next_hops[k]).s);
}

size_t lab_sent(const struct lab *l, unsigned int from, enum wire_type type)
{
	size_t n = 0;

	for (size_t i = 0; i < l->messages.len; i++)
		n += l->messages.at[i].from == from && l->messages.at[i].type == type;
	return n;
}

const struct lab_message *lab_last(const struct lab *l, unsigned int from, enum wire_type type)
{
	for (size_t i = l->messages.len; i-- > 0;)
		if (l->messages.at[i].from == from && l->messages.at[i].type == type)
			return &l->messages.at[i];
	fail_msg("speaker %u sent no message of type %d", from, (int)type);
	return NULL;
}

void lab_originate(struct lab *l, unsigned int speaker, const char *const *prefixes, size_t n)
{
	struct bgp_originated routes[16] = {0};

	for (size_t i = 0; i < n; i++)
		assert_int_equal(prefix_parse(prefixes[i], &routes[i].prefix), 0);
	bgp_originate(l->speakers[speaker].engine, routes, n);
	bgp_routes_commit(l->speakers[speaker].engine, lab_now(l));
}

size_t lab_open_links(const struct lab *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->links.len; i++)
		n += l->links.at[i].open[0] && l->links.at[i].open[1];
	return n;
}
