/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Did the packets go where the router's kernel had said that it would send them, or, where no lookup can say that, where those of
 * the same flows had gone before? */
#include "judge_int.h"

#define EXAMPLES_MAX 4U

/* ---- Connections to ask about ---- */

static int by_client(const void *a, const void *b)
{
	const struct judge_prediction *x = a, *y = b;
	int order = addr_compare(&x->client, &y->client);

	return order != 0 ? order : (x->client_port > y->client_port) - (x->client_port < y->client_port);
}

struct judge_prediction *judge_connections(struct judge *j, const struct judge_traffic *traffic, struct arena *arena,
					   size_t *ret_count)
{
	const struct judge_expect expect = {.traffic = *traffic};
	const struct question q = {.j = j, .e = &expect, .cutoff = INSTANT_NEVER};
	struct client_conns conns = judge_client_conns(&q);
	struct judge_prediction *ret = arena_array(arena, conns.n, sizeof(*ret));

	for (size_t i = 0; i < conns.n; i++)
		ret[i] = (struct judge_prediction){conns.at[i].syn.src, conns.at[i].syn.src_port, JUDGE_NO_WORKER};
	if (conns.n > 1)
		qsort(ret, conns.n, sizeof(*ret), by_client);
	*ret_count = conns.n;
	client_conns_free(&conns);
	return ret;
}

/* ---- Paths to learn ---- */

struct judge_prediction *judge_flow_paths(struct judge *j, const struct judge_traffic *traffic, struct arena *arena)
{
	const struct judge_expect expect = {.traffic = *traffic};
	struct arena scratch = {0};
	const struct question q = {.j = j, .e = &expect, .cutoff = INSTANT_NEVER, .scratch = &scratch};
	struct judge_prediction *ret = arena_array(arena, traffic->count, sizeof(*ret));
	struct journeys js = judge_journeys(&q, traffic);

	for (size_t i = 0; i < js.n; i++) {
		bool one = js.at[i].first.worker != JOURNEY_NOWHERE && js.at[i].other.worker == JOURNEY_NOWHERE;

		ret[i] = (struct judge_prediction){.worker = one ? js.at[i].first.worker : JUDGE_NO_WORKER};
	}
	arena_clear(&scratch);
	return ret;
}

/* ---- Predictions and journeys ---- */

/* What was predicted of the journey; NULL: nothing. A kernel that refuses a flow says so, a flow that taught nothing does not. */
static const struct judge_prediction *predicted(const struct question *q, size_t i, const struct journey *at)
{
	const struct judge_oracle *o = &q->e->oracle;
	const struct judge_prediction key = {.client = at->client, .client_port = at->client_port};

	if (q->e->traffic.flows)
		return i < o->n && !(o->learned && o->at[i].worker == JUDGE_NO_WORKER) ? &o->at[i] : NULL;
	return bsearch(&key, o->at, o->n, sizeof(*o->at), by_client);
}

static bool same_hops(const struct fib_entry *a, const struct fib_entry *b)
{
	if (a == NULL || b == NULL || a->listed_n != b->listed_n)
		return a == b;
	for (size_t i = 0; i < a->listed_n; i++) {
		if (a->listed[i].weight != b->listed[i].weight ||
		    !addr_equal(&a->listed[i].gateway, &b->listed[i].gateway))
			return false;
	}
	return true;
}

/* The first instant after the kernel was asked at which its route was another; INSTANT_NEVER. */
static struct instant changed_at(const struct question *q)
{
	struct instant asked = q->e->oracle.asked, first = INSTANT_NEVER;
	struct prefix vip = fib_view_covering(&q->j->fib, &q->e->traffic.vip, asked);
	const struct fib_entry *then = fib_view_at(&q->j->fib, &vip, asked);
	instants times = {0};

	fib_view_times(&q->j->fib, &vip, asked, q->cutoff, &times);
	for (size_t i = 0; i < times.len; i++) {
		if (!same_hops(then, fib_view_at(&q->j->fib, &vip, times.at[i])))
			first = instant_min(first, times.at[i]);
	}
	VEC_FREE(&times);
	return first;
}

struct tally {
	size_t as_told, elsewhere, nowhere, unsure, told;
	size_t untaught; /* flows of which nothing is learned */
};

static const char *worker_name(const struct question *q, uint32_t worker)
{
	return worker < q->j->lab.worker_count ? q->j->lab.workers[worker].name : "no worker";
}

static void say_example(struct question *q, struct saying *s, size_t i, const struct journey *at, uint32_t said)
{
	saying_part(s);
	if (q->e->traffic.flows)
		saying_addf(s, "flow %zu", i);
	else
		saying_addf(s, "%s port %u", addr_text(&at->client).s, at->client_port);
	saying_addf(s,
		    q->e->oracle.learned ? ": it went to %s before, its packets now to %s"
					 : ": the kernel says %s, the packets went to %s",
		    worker_name(q, said), worker_name(q, at->first.worker));
	if (at->first.worker != JOURNEY_NOWHERE)
		judge_frame_add(q, q->j->lab.workers[at->first.worker].link, at->first.frame);
	else if (at->sent)
		judge_frame_add(q, at->left_link, at->left.frame);
}

static void journey_count(struct question *q, struct saying *examples, size_t i, const struct journey *at,
			  struct instant changed, struct tally *t)
{
	const struct judge_prediction *p = predicted(q, i, at);
	/* Frames that a sender gives to its link by the short way are not seen there: what was seen nowhere was sent. */
	struct instant arrived = at->first.worker != JOURNEY_NOWHERE ? at->first.time
				 : at->sent			     ? at->left.time
								     : q->cutoff;

	if (p == NULL && q->e->oracle.learned) {
		t->untaught++;
	} else if (p == NULL || !instant_before(arrived, changed)) {
		t->unsure++;
	} else if (p->worker == at->first.worker) {
		t->as_told++;
	} else {
		t->elsewhere += at->first.worker != JOURNEY_NOWHERE;
		t->nowhere += at->first.worker == JOURNEY_NOWHERE;
		if (t->told++ < EXAMPLES_MAX)
			say_example(q, examples, i, at, p->worker);
	}
}

/* ---- The verdict ---- */

static void doubtful(struct question *q, const char *why)
{
	q->f->verdict = JUDGE_INCONCLUSIVE;
	q->f->when = q->cutoff;
	q->f->seen = arena_printf(q->arena, "what the router's kernel would do with these %s is not known: %s",
				  judge_noun(q, 2), why);
}

static void conclude(struct question *q, const struct tally *t, const struct journeys *js, struct saying *examples)
{
	struct saying s = {0};
	size_t compared = t->as_told + t->elsewhere + t->nowhere;

	saying_addf(&s, "%zu of %zu %s went where %s", t->as_told, compared, judge_noun(q, compared),
		    q->e->oracle.learned ? "their packets had gone before (learned from these, not looked up)"
					 : "the router's kernel said");
	if (examples->len > 0)
		saying_addf(&s, "; %s%s", examples->at, t->told > EXAMPLES_MAX ? " and more" : "");
	if (t->unsure > 0)
		saying_addf(&s, "; its route changed before %zu others arrived", t->unsure);
	if (t->untaught > 0)
		saying_addf(&s, "; %zu others had no one path before", t->untaught);
	if (js->unsent > 0 && !q->e->traffic.flows)
		saying_addf(&s, "; %zu were not seen at the clients", js->unsent);
	q->f->verdict = t->told > 0 ? JUDGE_FAIL : compared > 0 ? JUDGE_PASS : JUDGE_INCONCLUSIVE;
	q->f->when = js->missing > 0 || js->unsent > 0 ? q->cutoff : js->last;
	q->f->seen = saying_end(&s, q->arena);
	free(examples->at);
}

void judge_predicted(struct question *q)
{
	struct saying examples = {0};
	struct tally t = {0};
	struct instant changed;
	struct journeys js;

	if (q->e->oracle.doubt != NULL || q->e->oracle.n == 0) {
		doubtful(q, q->e->oracle.doubt != NULL ? q->e->oracle.doubt : "it was not asked");
		return;
	}
	js = judge_journeys(q, &q->e->traffic);
	q->f->verdict = JUDGE_PENDING;
	if (!q->last && (js.missing > 0 || js.unsent > 0))
		return;
	changed = changed_at(q);
	for (size_t i = 0; i < js.n; i++)
		journey_count(q, &examples, i, &js.at[i], changed, &t);
	conclude(q, &t, &js, &examples);
}
