/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which worker each flow or connection came to: the one on whose link its packets to the service's address were seen. A worker
 * that passes a connection on has changed the destination to the pod's by then, so only the ingress shows. */
#include "judge_int.h"

static struct journey fresh(void)
{
	return (struct journey){
		.first.worker = JOURNEY_NOWHERE, .other.worker = JOURNEY_NOWHERE, .relabelled.worker = JOURNEY_NOWHERE};
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

/* ---- Where labels decide, too ---- */

/* A sighting at a worker. A packet with another flow label is something else to a hash that looks at it: not where the journey
 * went, but where what has one label went, must be one worker. */
struct labelled {
	uint32_t journey, label;
	struct sighting seen;
};

struct gathering {
	bool labels; /* they make a difference: all are kept */
	VEC(struct labelled) at;
};

bool judge_hashes_labels(const struct question *q, const struct judge_traffic *t)
{
	return t->vip.family == ADDR_V6 && (q->j->lab.hash_fields & JUDGE_HASH_LABEL) != 0;
}

static void gather(struct gathering *g, struct journeys *js, uint32_t journey, uint32_t label, struct sighting seen)
{
	if (g->labels)
		VEC_PUSH(&g->at, (struct labelled){journey, label, seen});
	else
		sight(&js->at[journey], seen);
}

static int by_journey(const void *a, const void *b)
{
	const struct labelled *x = a, *y = b;

	if (x->journey != y->journey)
		return x->journey < y->journey ? -1 : 1;
	if (x->label != y->label)
		return x->label < y->label ? -1 : 1;
	return earlier(&x->seen, &y->seen) ? -1 : earlier(&y->seen, &x->seen);
}

/* All sightings of one label, earliest first. */
static void label_sight(struct journey *at, const struct labelled *k, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (k[i].seen.worker == k[0].seen.worker)
			continue;
		/* One of the two is not where the journey was first. */
		at->other = k[i].seen.worker != at->first.worker ? k[i].seen : k[0].seen;
		return;
	}
	if (k[0].seen.worker != at->first.worker && earlier(&k[0].seen, &at->relabelled))
		at->relabelled = k[0].seen;
}

static void gathered(struct gathering *g, struct journeys *js)
{
	if (g->at.len > 1)
		qsort(g->at.at, g->at.len, sizeof(*g->at.at), by_journey);
	for (size_t i = 0; i < g->at.len; i++) {
		struct journey *at = &js->at[g->at.at[i].journey];

		at->first = earlier(&g->at.at[i].seen, &at->first) ? g->at.at[i].seen : at->first;
	}
	for (size_t from = 0, to; from < g->at.len; from = to) {
		const struct labelled *k = &g->at.at[from];

		for (to = from; to < g->at.len && g->at.at[to].journey == k->journey && g->at.at[to].label == k->label;)
			to++;
		label_sight(&js->at[k->journey], k, to - from);
	}
	VEC_FREE(&g->at);
}

/* ---- What the hash sees ---- */

struct headers {
	const struct addr *src, *dst;
	uint16_t src_port, dst_port;
	uint32_t label;
	uint8_t protocol;
};

static uint64_t key_of(const struct question *q, const struct judge_traffic *t, const struct headers *h)
{
	const struct slots s = {.seed = q->j->traffic.seed};
	unsigned int fields = q->j->lab.hash_fields;
	bool ports = !t->fragments && (h->protocol == 6 || h->protocol == 17);
	uint32_t rest[] = {(fields & JUDGE_HASH_LABEL) != 0 ? h->label : 0,
			   (fields & JUDGE_HASH_PROTOCOL) != 0 ? h->protocol : 0,
			   ports && (fields & JUDGE_HASH_SRC_PORT) != 0 ? h->src_port : 0,
			   ports && (fields & JUDGE_HASH_DST_PORT) != 0 ? h->dst_port : 0};
	uint64_t hash = slots_hash(&s, fields, rest, sizeof(rest));

	if ((fields & JUDGE_HASH_SRC) != 0)
		hash = slots_hash(&s, hash, h->src->b, sizeof(h->src->b));
	if ((fields & JUDGE_HASH_DST) != 0)
		hash = slots_hash(&s, hash, h->dst->b, sizeof(h->dst->b));
	return fields != 0 ? hash | 1 : 0;
}

bool judge_traffic_to(const struct judge_traffic *t, const struct addr *dst)
{
	return addr_equal(dst, &t->vip) || (t->net.addr.family != ADDR_NONE && prefix_contains(&t->net, dst));
}

static void flow_journeys(const struct question *q, const struct judge_traffic *t, struct journeys *js)
{
	const struct judge *j = q->j;
	const struct flow_run *run = traffic_view_run(&j->traffic, t->run);
	struct gathering g = {.labels = judge_hashes_labels(q, t)};

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
		if (js->at[s->flow].key == 0)
			js->at[s->flow].key = key_of(
				q, t,
				&(struct headers){&s->src, &s->dst, s->src_port, s->dst_port, s->label, s->protocol});
		if (link.role == LINK_WORKER) {
			gather(&g, js, s->flow, s->label, seen);
		} else if (link.role == LINK_CLIENT) {
			js->at[s->flow].sent = true;
			js->at[s->flow].left = seen;
			js->at[s->flow].left_link = s->link;
		}
	}
	gathered(&g, js);
}

static void worker_notes(const struct question *q, const struct client_conns *conns, uint32_t worker,
			 struct gathering *g, struct journeys *js)
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
			gather(g, js, (uint32_t)(conn - conns->at), note->label,
			       (struct sighting){worker, note->time, note->frame});
	}
}

static void conn_journeys(const struct question *q, struct journeys *js)
{
	struct client_conns conns = judge_client_conns(q);
	struct gathering g = {.labels = judge_hashes_labels(q, &q->e->traffic)};

	js->n = conns.n;
	js->at = arena_array(q->scratch, js->n, sizeof(*js->at));
	for (size_t i = 0; i < js->n; i++) {
		const struct tcp_note *syn = &conns.at[i].syn;

		js->at[i] = fresh();
		js->at[i].client = syn->src;
		js->at[i].client_port = syn->src_port;
		js->at[i].key =
			key_of(q, &q->e->traffic,
			       &(struct headers){&syn->src, &syn->dst, syn->src_port, syn->dst_port, syn->label, 6});
		js->at[i].sent = true;
		js->at[i].left = (struct sighting){JOURNEY_NOWHERE, syn->time, syn->frame};
		js->at[i].left_link = conns.at[i].link;
	}
	for (uint32_t w = 0; w < q->j->lab.worker_count; w++)
		worker_notes(q, &conns, w, &g, js);
	gathered(&g, js);
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
		js.relabelled += at->other.worker == JOURNEY_NOWHERE && at->relabelled.worker != JOURNEY_NOWHERE;
		if (at->first.worker != JOURNEY_NOWHERE && instant_before(js.last, at->first.time))
			js.last = at->first.time;
	}
	js.unsent = t->count > sent ? t->count - sent : 0;
	return js;
}
