/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which worker each flow or connection came to: the one on whose link its packets to the service's address were seen. A worker
 * that passes a connection on has changed the destination to the pod's by then, so only the ingress shows. */
#include "judge_int.h"

static struct journey fresh(void)
{
	return (struct journey){.first.worker = JOURNEY_NOWHERE, .other.worker = JOURNEY_NOWHERE};
}

static bool earlier(const struct sighting *a, const struct sighting *b)
{
	if (b->worker == JOURNEY_NOWHERE || instant_before(a->time, b->time))
		return true;
	return a->time.ns == b->time.ns && a->worker < b->worker;
}

/* Keeps the earliest sighting, and the earliest at any other worker, in whatever order they come. */
static void sight(struct journey *at, struct sighting s)
{
	struct sighting swap = at->first;

	if (s.worker == at->first.worker) {
		at->first = earlier(&s, &at->first) ? s : at->first;
	} else if (s.worker == at->other.worker || at->first.worker != JOURNEY_NOWHERE) {
		at->other = earlier(&s, &at->other) ? s : at->other;
	} else {
		at->first = s;
	}
	if (at->other.worker == JOURNEY_NOWHERE || !earlier(&at->other, &at->first))
		return;
	swap = at->first;
	at->first = at->other;
	at->other = swap;
}

bool judge_traffic_to(const struct judge_traffic *t, const struct addr *dst)
{
	return addr_equal(dst, &t->vip) || (t->net.addr.family != ADDR_NONE && prefix_contains(&t->net, dst));
}

static void flow_journeys(const struct question *q, const struct judge_traffic *t, struct journeys *js)
{
	const struct judge *j = q->j;
	const struct flow_run *run = traffic_view_run(&j->traffic, t->run);

	js->n = t->count;
	js->at = arena_array(q->scratch, js->n, sizeof(*js->at));
	for (size_t i = 0; i < js->n; i++)
		js->at[i] = fresh();
	for (size_t i = 0; run != NULL && i < run->sights.len; i++) {
		const struct flow_sight *s = &run->sights.at[i];
		struct judge_link link = judge_link_at(j, s->link);
		struct sighting seen = {link.index, s->time, s->frame};

		if (s->flow >= js->n || instant_before(q->cutoff, s->time) || !judge_traffic_to(t, &s->dst))
			continue;
		js->at[s->flow].client = s->src;
		js->at[s->flow].client_port = s->src_port;
		js->at[s->flow].port = s->dst_port;
		if (link.role == LINK_WORKER) {
			sight(&js->at[s->flow], seen);
		} else if (link.role == LINK_CLIENT) {
			js->at[s->flow].sent = true;
			js->at[s->flow].left = seen;
			js->at[s->flow].left_link = s->link;
		}
	}
}

static void worker_notes(const struct question *q, const struct client_conns *conns, uint32_t worker,
			 struct journeys *js)
{
	const struct judge_traffic *t = &q->e->traffic;
	struct tcp_notes notes =
		traffic_view_notes(&q->j->traffic, q->j->lab.workers[worker].link, t->since, q->cutoff);

	for (size_t i = 0; i < notes.n; i++) {
		const struct tcp_note *note = &notes.at[i];
		const struct client_conn *conn;

		if (note->dst_port != t->port || !addr_equal(&note->dst, &t->vip) ||
		    instant_before(q->cutoff, note->time))
			continue;
		conn = client_conn_at(conns, &note->src, note->src_port, note->time);
		if (conn != NULL)
			sight(&js->at[conn - conns->at], (struct sighting){worker, note->time, note->frame});
	}
}

static void conn_journeys(const struct question *q, struct journeys *js)
{
	struct client_conns conns = judge_client_conns(q);

	js->n = conns.n;
	js->at = arena_array(q->scratch, js->n, sizeof(*js->at));
	for (size_t i = 0; i < js->n; i++) {
		const struct tcp_note *syn = &conns.at[i].syn;

		js->at[i] = fresh();
		js->at[i].client = syn->src;
		js->at[i].client_port = syn->src_port;
		js->at[i].sent = true;
		js->at[i].left = (struct sighting){JOURNEY_NOWHERE, syn->time, syn->frame};
		js->at[i].left_link = conns.at[i].link;
	}
	for (uint32_t w = 0; w < q->j->lab.worker_count; w++)
		worker_notes(q, &conns, w, js);
	client_conns_free(&conns);
}

struct journeys judge_journeys(const struct question *q, const struct judge_traffic *t)
{
	struct journeys js = {.last = q->e->since};
	size_t sent = 0;

	if (t->flows)
		flow_journeys(q, t, &js);
	else
		conn_journeys(q, &js);
	for (size_t i = 0; i < js.n; i++) {
		const struct journey *at = &js.at[i];

		sent += at->sent || at->first.worker != JOURNEY_NOWHERE;
		js.missing += at->sent && at->first.worker == JOURNEY_NOWHERE;
		js.split += at->other.worker != JOURNEY_NOWHERE;
		if (at->first.worker != JOURNEY_NOWHERE && instant_before(js.last, at->first.time))
			js.last = at->first.time;
	}
	js.unsent = t->count > sent ? t->count - sent : 0;
	return js;
}
