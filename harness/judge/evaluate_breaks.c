/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections that were held over a change and then asked: which broke, and what broke each. The links show who had a connection
 * and who reset it; the router's FIB shows whether its worker was a next hop still when it was asked. */
#include "judge_int.h"

const char *judge_cause_name(enum judge_cause c)
{
	static const char *const names[] = {
		[JUDGE_CAUSE_NONE] = "-",
		[JUDGE_CAUSE_REHASH] = "rehash",
		[JUDGE_CAUSE_LABEL] = "flow label",
		[JUDGE_CAUSE_LEFT] = "its next hop left",
		[JUDGE_CAUSE_BLACK_HOLE] = "black hole",
		[JUDGE_CAUSE_OWN] = "its own worker",
		[JUDGE_CAUSE_BEHIND] = "behind its worker",
		[JUDGE_CAUSE_SILENCE] = "silence",
		[JUDGE_CAUSES] = "",
	};

	return names[c];
}

#define FRAMES_TOLD 8U

/* ---- What the workers' links show ---- */

static void request_note(const struct client_conns *conns, const struct tcp_note *note, uint32_t worker,
			 struct judge_break *breaks)
{
	const struct client_conn *conn = client_conn_at(conns, &note->src, note->src_port, note->time);

	if (conn != NULL && worker == breaks[conn - conns->at].worker)
		breaks[conn - conns->at].arrived = true;
}

static void reset_note(const struct client_conns *conns, const struct tcp_note *note, uint32_t worker,
		       struct judge_break *breaks)
{
	const struct client_conn *conn = client_conn_at(conns, &note->dst, note->dst_port, note->time);
	struct judge_break *b;

	if (conn == NULL)
		return;
	b = &breaks[conn - conns->at];
	if (b->reset_by != JUDGE_NO_WORKER && !instant_before(note->time, b->ended))
		return;
	b->reset_by = worker;
	b->ended = note->time;
	b->frame = note->frame;
}

static void worker_notes(const struct question *q, const struct client_conns *conns, uint32_t worker,
			 struct judge_break *breaks)
{
	const struct judge_traffic *t = &q->e->traffic;
	struct tcp_notes notes =
		traffic_view_notes(&q->j->traffic, q->j->lab.workers[worker].link, t->since, q->cutoff);

	for (size_t i = 0; i < notes.n; i++) {
		const struct tcp_note *note = &notes.at[i];

		if (instant_before(note->time, t->since) || instant_before(q->cutoff, note->time))
			continue;
		if (note->kind == CAPTURE_TCP_RST && note->src_port == t->port && addr_equal(&note->src, &t->vip))
			reset_note(conns, note, worker, breaks);
		if (note->kind == CAPTURE_HTTP_REQUEST && note->dst_port == t->port && addr_equal(&note->dst, &t->vip))
			request_note(conns, note, worker, breaks);
	}
}

/* ---- Why ---- */

static bool is_next_hop(const struct question *q, uint32_t worker, struct instant t)
{
	struct prefix vip = fib_view_covering(&q->j->fib, &q->e->traffic.vip, t);

	return worker < q->j->lab.worker_count &&
	       fib_entry_has(fib_view_at(&q->j->fib, &vip, t), &q->j->lab.workers[worker].address);
}

/* When the worker left the next hops, after it was asked; the end where it did not. */
static struct instant left_at(const struct question *q, const struct judge_break *b)
{
	struct prefix vip = fib_view_covering(&q->j->fib, &q->e->traffic.vip, b->asked);
	struct instant first = b->ended;
	instants times = {0};

	fib_view_times(&q->j->fib, &vip, b->asked, b->ended, &times);
	for (size_t i = 0; i < times.len; i++) {
		if (!is_next_hop(q, b->worker, times.at[i]))
			first = instant_min(first, times.at[i]);
	}
	VEC_FREE(&times);
	return first;
}

static enum judge_cause cause_of(const struct question *q, const struct journey *at, struct judge_break *b)
{
	bool then = is_next_hop(q, b->worker, b->asked), now = is_next_hop(q, b->worker, b->ended);

	if (b->reset_by != JUDGE_NO_WORKER && b->reset_by == b->worker)
		return JUDGE_CAUSE_OWN;
	if (b->arrived && b->reset_by == JUDGE_NO_WORKER)
		return JUDGE_CAUSE_BEHIND;
	if (then && b->reset_by != JUDGE_NO_WORKER && at->relabelled.worker == b->reset_by)
		return JUDGE_CAUSE_LABEL;
	if (then && (!now || b->reset_by == JUDGE_NO_WORKER)) {
		b->hole_ns = instant_since(left_at(q, b), b->asked);
		return JUDGE_CAUSE_BLACK_HOLE;
	}
	if (b->reset_by == JUDGE_NO_WORKER)
		return JUDGE_CAUSE_SILENCE;
	return then ? JUDGE_CAUSE_REHASH : JUDGE_CAUSE_LEFT;
}

static int by_client(const void *a, const void *b)
{
	const struct judge_break *x = a, *y = b;
	int order = addr_compare(&x->client, &y->client);

	return order != 0 ? order : (x->client_port > y->client_port) - (x->client_port < y->client_port);
}

/* One row a connection, in the order of conns. */
static void rows_fill(const struct question *q, const struct client_conns *conns, const struct journeys *js,
		      struct judge_break *ret)
{
	for (size_t i = 0; i < conns->n; i++) {
		const struct client_conn *c = &conns->at[i];

		ret[i] = (struct judge_break){.client = c->syn.src,
					      .client_port = c->syn.src_port,
					      .worker = js->at[i].first.worker,
					      .reset_by = JUDGE_NO_WORKER,
					      .asked = c->request.is ? c->request.time : c->syn.time,
					      .ended = q->cutoff,
					      .answered = c->response.is,
					      .resting = !c->request.is && !c->reset.is};
		if (c->reset.is)
			ret[i].ended = c->reset.time;
	}
	for (uint32_t w = 0; w < q->j->lab.worker_count; w++)
		worker_notes(q, conns, w, ret);
	for (size_t i = 0; i < conns->n; i++) {
		if (!ret[i].answered && !ret[i].resting)
			ret[i].cause = cause_of(q, &js->at[i], &ret[i]);
	}
}

static struct judge_break *rows_of(const struct question *q, struct arena *arena, size_t *ret_count)
{
	struct client_conns conns = judge_client_conns(q);
	struct journeys js = judge_journeys(q, &q->e->traffic);
	struct judge_break *ret = arena_array(arena, conns.n, sizeof(*ret));

	rows_fill(q, &conns, &js, ret);
	if (conns.n > 1)
		qsort(ret, conns.n, sizeof(*ret), by_client);
	*ret_count = conns.n;
	client_conns_free(&conns);
	return ret;
}

const struct judge_break *judge_breaks(struct judge *j, const struct judge_traffic *traffic, struct instant now,
				       struct arena *arena, size_t *ret_count)
{
	const struct judge_expect expect = {.traffic = *traffic, .since = traffic->since};
	const struct question q = {.j = j, .e = &expect, .cutoff = now, .scratch = &j->scratch};

	arena_clear(&j->scratch);
	return rows_of(&q, arena, ret_count);
}

/* ---- The verdict ---- */

struct tally {
	uint64_t broken, reset, cause[JUDGE_CAUSES];
	uint64_t *by; /* worker by worker: reset what it never had */
	int64_t longest_ns;
	uint32_t holes; /* the worker of the longest hole, or JUDGE_NO_WORKER */
};

static void tally_row(struct question *q, struct tally *t, const struct judge_break *b)
{
	if (b->cause == JUDGE_CAUSE_NONE)
		return;
	t->broken++;
	t->cause[b->cause]++;
	if (b->reset_by != JUDGE_NO_WORKER && b->reset_by != b->worker)
		t->by[b->reset_by]++;
	t->reset += b->reset_by != JUDGE_NO_WORKER;
	if (b->reset_by != JUDGE_NO_WORKER && q->f->frame_count < FRAMES_TOLD)
		judge_frame_add(q, q->j->lab.workers[b->reset_by].link, b->frame);
	if (b->cause == JUDGE_CAUSE_BLACK_HOLE && (b->hole_ns > t->longest_ns || t->holes == JUDGE_NO_WORKER)) {
		t->longest_ns = b->hole_ns;
		t->holes = b->worker;
	}
}

static const char *worker_name(const struct question *q, uint32_t worker)
{
	return worker < q->j->lab.worker_count ? q->j->lab.workers[worker].name : "a worker";
}

/* "500 broken: 167 by rehash, 333 since their next hop left; reset by workers that never had them: worker2 250, worker3 250" */
static void say_tally(const struct question *q, struct saying *s, const struct tally *t)
{
	static const char *const words[] = {
		[JUDGE_CAUSE_REHASH] = "by rehash, though their worker is a next hop",
		[JUDGE_CAUSE_LABEL] = "by another IPv6 flow label, which the router's hash looks at",
		[JUDGE_CAUSE_LEFT] = "whose worker is no next hop any more",
		[JUDGE_CAUSE_BLACK_HOLE] = "in a black hole",
		[JUDGE_CAUSE_OWN] = "by a reset of their own worker",
		[JUDGE_CAUSE_BEHIND] = "behind their worker, which got the question (its pod is elsewhere, or gone)",
		[JUDGE_CAUSE_SILENCE] = "without an answer",
	};
	size_t told = 0;

	saying_addf(s, "%llu broken", (unsigned long long)t->broken);
	for (size_t c = JUDGE_CAUSE_NONE + 1; c < JUDGE_CAUSES; c++) {
		if (t->cause[c] > 0)
			saying_addf(s, "%s %llu %s", told++ == 0 ? ":" : ",", (unsigned long long)t->cause[c],
				    words[c]);
	}
	told = 0;
	for (size_t i = 0; i < q->j->lab.worker_count; i++) {
		if (t->by[i] > 0)
			saying_addf(s, "%s%s %llu", told++ == 0 ? "; reset by workers that never had them: " : ", ",
				    q->j->lab.workers[i].name, (unsigned long long)t->by[i]);
	}
}

static const char *breaks_why(const struct question *q, const struct tally *t)
{
	if (t->cause[JUDGE_CAUSE_BLACK_HOLE] > 0)
		return arena_printf(
			q->arena,
			"the router's kernel went on sending to %s, which did not answer, for up to %s after "
			"they were asked: until the hold time has run out, or BFD finds it, nothing tells it",
			worker_name(q, t->holes), duration_text(t->longest_ns).s);
	if (t->cause[JUDGE_CAUSE_LABEL] > 0)
		return "Linux draws another flow label at each retransmission timeout (net.core.txrehash), and a hash "
		       "that looks at it (of addresses, over IPv6) then takes the connection to whatever worker";
	if (t->cause[JUDGE_CAUSE_REHASH] > 0)
		return "a plain group of next hops shifts the hash regions of the workers that stay (hash-threshold), "
		       "and "
		       "whoever gets a connection in its middle resets it; a resilient group leaves them";
	return NULL;
}

void judge_broken(struct question *q)
{
	struct tally t = {.by = arena_array(q->scratch, q->j->lab.worker_count, sizeof(*t.by)),
			  .holes = JUDGE_NO_WORKER};
	struct saying s = {0};
	const struct judge_break *rows;
	size_t n, total;

	q->f->verdict = JUDGE_PENDING;
	q->f->when = q->cutoff;
	rows = rows_of(q, q->arena, &n);
	for (size_t i = 0; i < n; i++)
		tally_row(q, &t, &rows[i]);
	/* Who is silent may speak yet; a reset stays one. */
	if (!q->last && t.reset <= q->e->lost && (n < q->e->traffic.count || t.broken > q->e->lost)) {
		q->f->frame_count = 0;
		return;
	}
	total = n > q->e->traffic.count ? n : q->e->traffic.count;
	saying_addf(&s, "%zu connection%s: ", total, total == 1 ? "" : "s");
	say_tally(q, &s, &t);
	if (n < total)
		saying_addf(&s, "; %zu were not seen at the clients", total - n);
	q->f->verdict = t.broken > q->e->lost || n < total ? JUDGE_FAIL : JUDGE_PASS;
	if (q->f->verdict == JUDGE_FAIL)
		q->f->why = breaks_why(q, &t);
	q->f->seen = saying_end(&s, q->arena);
}
