/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long flows took to leave a worker: from what happened to it over the first word on the wire and the FIB to the first packet
 * on a new path and the last on the old one, and what got lost in between, by the stamps that the packets carry. */
#include "judge_int.h"

/* A packet that left so shortly before the flows ended may not have been captured everywhere yet. */
#define TRAILING_NS (100 * NS_PER_MS)
/* The way from a worker's port to the router's. */
#define HEARD_NS NS_PER_S

static const char *const words[] = {[JUDGE_WORD_NONE] = NULL,	      [JUDGE_WORD_WITHDRAWN] = "withdrawn",
				    [JUDGE_WORD_CHANGED] = "changed", [JUDGE_WORD_SESSION] = "session ended",
				    [JUDGE_WORD_BFD] = "bfd down",    [JUDGE_WORD_ANNOUNCED] = "announced"};

const char *judge_word_name(enum judge_word w)
{
	return words[w];
}

/* ---- The control plane ---- */

struct word {
	enum judge_word what;
	struct instant time;
	unsigned int link;
	uint64_t frame; /* 0: no single one */
};

static void word_take(struct word *at, struct word w)
{
	if (at->what == JUDGE_WORD_NONE || instant_before(w.time, at->time))
		*at = w;
}

/* What the worker said then came to the router, too; where its link is not watched it is taken to have. */
static bool was_heard(const struct question *q, uint32_t worker, struct instant t)
{
	if (judge_link_at(q->j, q->j->lab.router_link).role != LINK_ROUTER)
		return true;
	for (size_t i = 0; i < q->j->heard.len; i++) {
		const struct judge_heard *h = &q->j->heard.at[i];

		if (h->worker == worker && !h->from_router && !instant_before(h->time, t) &&
		    instant_since(h->time, t) < HEARD_NS)
			return true;
	}
	return false;
}

static void update_word(struct question *q, uint32_t worker, struct word *ret)
{
	const struct bgp_view *v = &q->j->bgp;
	struct bgp_chain chain = bgp_view_chain(v, worker, &q->e->prefix, q->e->since, q->cutoff, q->scratch);

	for (size_t i = 0; i < chain.n; i++) {
		const struct judge_route_event *e = &v->events.at[chain.events[i]];

		if (!instant_before(q->e->since, e->time) || !was_heard(q, worker, e->time))
			continue;
		word_take(ret, (struct word){e->withdrawn ? JUDGE_WORD_WITHDRAWN : JUDGE_WORD_CHANGED, e->time, e->link,
					     e->frame});
		return;
	}
}

static void session_word(const struct question *q, uint32_t worker, struct word *ret)
{
	const struct bgp_view *v = &q->j->bgp;
	instants times = {0};

	for (size_t i = 0; i < q->j->heard.len; i++) {
		const struct judge_heard *h = &q->j->heard.at[i];

		if (h->worker == worker && h->from_router && h->ends && instant_before(q->e->since, h->time) &&
		    !instant_before(q->cutoff, h->time))
			word_take(ret, (struct word){JUDGE_WORD_SESSION, h->time, q->j->lab.router_link, h->frame});
	}

	if (bgp_view_session(v, worker, q->e->since) == NULL)
		return;
	bgp_view_session_times(v, worker, q->e->since, q->cutoff, &times);
	for (size_t i = 0; i < times.len; i++) {
		if (bgp_view_session(v, worker, times.at[i]) == NULL && was_heard(q, worker, times.at[i]))
			word_take(ret, (struct word){.what = JUDGE_WORD_SESSION, .time = times.at[i]});
	}
	VEC_FREE(&times);
}

static void bfd_word(const struct question *q, uint32_t worker, struct word *ret)
{
	for (size_t i = 0; i < q->j->bfd.events.len; i++) {
		const struct judge_bfd_event *e = &q->j->bfd.events.at[i];

		if (e->from_router && e->state <= 1 && e->worker == q->j->lab.workers[worker].name &&
		    instant_before(q->e->since, e->time) && !instant_before(q->cutoff, e->time))
			word_take(ret, (struct word){JUDGE_WORD_BFD, e->time, e->link, e->frame});
	}
}

static void first_word(struct question *q, struct judge_leaving *l)
{
	struct word w = {.what = JUDGE_WORD_NONE};

	for (uint32_t i = 0; i < q->j->lab.worker_count; i++) {
		if (!question_names(q, i))
			continue;
		update_word(q, i, &w);
		session_word(q, i, &w);
		bfd_word(q, i, &w);
	}
	l->word = w.what;
	l->word_ns = w.what != JUDGE_WORD_NONE ? instant_since(w.time, q->e->since) : -1;
	if (w.frame != 0)
		judge_frame_add(q, w.link, w.frame);
}

static bool fib_names(const struct question *q, struct instant t)
{
	const struct fib_entry *e = fib_view_at(&q->j->fib, &q->e->prefix, t);

	for (size_t w = 0; w < q->j->lab.worker_count; w++) {
		if (question_names(q, w) && fib_entry_has(e, &q->j->lab.workers[w].address))
			return true;
	}
	return false;
}

/* When the FIB was rid of them all, first. The monitor is told after the change, so a packet may show it sooner: where no other
 * change came before this one, the first packet on a new path does. */
static void first_fib(const struct question *q, struct judge_leaving *l)
{
	instants times = {0};
	int64_t earliest = INT64_MAX;

	l->fib_ns = fib_names(q, q->e->since) ? -1 : 0;
	fib_view_times(&q->j->fib, &q->e->prefix, q->e->since, q->cutoff, &times);
	for (size_t i = 0; i < times.len; i++) {
		int64_t ns = instant_since(times.at[i], q->e->since);

		earliest = ns < earliest ? ns : earliest;
		if ((l->fib_ns < 0 || ns < l->fib_ns) && !fib_names(q, times.at[i]))
			l->fib_ns = ns;
	}
	if (l->fib_ns == earliest && l->new_path_ns >= 0 && l->new_path_ns < l->fib_ns)
		l->fib_ns = l->new_path_ns;
	VEC_FREE(&times);
}

/* ---- The packets ---- */

struct packet {
	struct instant sent, arrived;
	uint32_t worker; /* or JOURNEY_NOWHERE */
};

/* A flow on its way through its packets. */
struct walk {
	struct judge_gap gap;
	uint32_t before, place; /* where it was when it happened; and last */
	struct instant hole;	/* since when nothing arrives; INSTANT_NEVER: it does */
};

/* Of flows that still go on it is now. */
static struct instant flows_end(const struct question *q)
{
	return q->e->traffic.until.ns != 0 ? q->e->traffic.until : q->cutoff;
}

static bool by_now(const struct question *q, const struct flow_step *s)
{
	return s->flow < q->e->traffic.count && !instant_before(q->cutoff, s->time);
}

static bool is_named(const struct question *q, uint32_t worker)
{
	return worker != JOURNEY_NOWHERE && question_names(q, worker);
}

static const char *name_of(const struct question *q, uint32_t worker)
{
	return worker != JOURNEY_NOWHERE ? q->j->lab.workers[worker].name : NULL;
}

static void walk_arrived(const struct question *q, const struct packet *p, struct walk *w, struct judge_leaving *l)
{
	int64_t after = instant_since(p->arrived, q->e->since);

	if (w->hole.ns != INSTANT_NEVER.ns)
		w->gap.black_hole_ns += instant_since(p->sent, w->hole);
	w->hole = INSTANT_NEVER;
	w->place = p->worker;
	if (after <= 0) {
		w->before = p->worker;
		return;
	}
	if (is_named(q, p->worker))
		l->old_path_ns = after > l->old_path_ns ? after : l->old_path_ns;
	else if (is_named(q, w->before) && (w->gap.new_path_ns < 0 || after < w->gap.new_path_ns))
		w->gap.new_path_ns = after;
}

/* Where it would have gone nobody saw; it is taken to have gone where its flow was. */
static void walk_lost(const struct question *q, const struct packet *p, struct walk *w, struct judge_leaving *l)
{
	int64_t after = instant_since(p->sent, q->e->since);

	w->gap.lost++;
	if (w->hole.ns == INSTANT_NEVER.ns)
		w->hole = p->sent;
	if (is_named(q, w->place) && after > l->old_path_ns)
		l->old_path_ns = after;
	l->trailing += instant_since(flows_end(q), p->sent) < TRAILING_NS;
}

struct span {
	struct instant first, last;
};

struct flows {
	VEC(const struct flow_step *) steps; /* by flow and packet, those at workers by time */
	VEC(struct judge_gap) gaps;
	struct span sent, lost;
};

static int by_packet(const void *a, const void *b)
{
	const struct flow_step *x = *(const struct flow_step *const *)a, *y = *(const struct flow_step *const *)b;

	if (x->flow != y->flow)
		return x->flow < y->flow ? -1 : 1;
	if (x->seq != y->seq)
		return x->seq < y->seq ? -1 : 1;
	return (x->time.ns > y->time.ns) - (x->time.ns < y->time.ns);
}

/* The packet whose steps begin at *at, which moves behind them. */
static struct packet packet_of(const struct question *q, const struct flows *f, size_t *at)
{
	const struct flow_step *first = f->steps.at[*at];
	struct packet p = {.sent = first->sent, .worker = JOURNEY_NOWHERE};

	for (; *at < f->steps.len; (*at)++) {
		const struct flow_step *s = f->steps.at[*at];
		struct judge_link link = judge_link_at(q->j, s->link);

		if (s->flow != first->flow || s->seq != first->seq)
			break;
		if (link.role != LINK_WORKER || p.worker != JOURNEY_NOWHERE)
			continue;
		p.worker = link.index;
		p.arrived = s->time;
	}
	return p;
}

static void flow_done(const struct question *q, struct flows *f, struct walk *w, struct judge_leaving *l)
{
	struct judge_gap *g = &w->gap;

	if (w->hole.ns != INSTANT_NEVER.ns)
		g->black_hole_ns += instant_since(flows_end(q), w->hole);
	l->flows++;
	l->sent += g->sent;
	l->lost += g->lost;
	l->lost_flows += g->lost > 0;
	l->affected += is_named(q, w->before);
	l->unmoved += is_named(q, w->before) && g->new_path_ns < 0;
	l->black_hole_ns += g->black_hole_ns;
	if (g->black_hole_ns > l->black_hole_longest_ns)
		l->black_hole_longest_ns = g->black_hole_ns;
	if (g->new_path_ns >= 0 && (l->new_path_ns < 0 || g->new_path_ns < l->new_path_ns))
		l->new_path_ns = g->new_path_ns;
	if (g->lost == 0 && !is_named(q, w->before))
		return;
	g->before = name_of(q, w->before);
	g->after = name_of(q, w->place);
	VEC_PUSH(&f->gaps, *g);
}

static void span_take(struct span *s, struct instant t)
{
	s->first = instant_min(s->first, t);
	s->last = instant_before(s->last, t) ? t : s->last;
}

static void flow_walk(const struct question *q, struct flows *f, size_t *at, struct judge_leaving *l)
{
	const struct flow_step *first = f->steps.at[*at];
	struct walk w = {.gap = {.flow = first->flow,
				 .client = first->src,
				 .client_port = first->src_port,
				 .port = first->dst_port,
				 .new_path_ns = -1},
			 .before = JOURNEY_NOWHERE,
			 .place = JOURNEY_NOWHERE,
			 .hole = INSTANT_NEVER};

	while (*at < f->steps.len && f->steps.at[*at]->flow == first->flow) {
		struct packet p = packet_of(q, f, at);

		w.gap.sent++;
		span_take(&f->sent, p.sent);
		if (p.worker != JOURNEY_NOWHERE) {
			walk_arrived(q, &p, &w, l);
			continue;
		}
		walk_lost(q, &p, &w, l);
		span_take(&f->lost, p.sent);
	}
	flow_done(q, f, &w, l);
}

/* How often the FIB had no route. The kernel's messages tell when they were read, not for how long: what was lost does. */
static void no_route_take(const struct question *q, const struct span *sent, struct judge_leaving *l)
{
	instants times = {0};

	fib_view_times(&q->j->fib, &q->e->prefix, sent->first, sent->last, &times);
	for (size_t i = 0; i < times.len; i++) {
		const struct fib_entry *e = fib_view_at(&q->j->fib, &q->e->prefix, times.at[i]);

		l->no_route += e == NULL || e->n == 0;
	}
	if (l->no_route > 0)
		l->no_route_ns =
			(int64_t)((double)instant_since(sent->last, sent->first) * (double)l->lost / (double)l->sent);
	VEC_FREE(&times);
}

void judge_flows_walk(const struct question *q, const struct flow_run *run, struct judge_leaving *l)
{
	struct flows f = {.sent = {INSTANT_NEVER, {INT64_MIN}}, .lost = {INSTANT_NEVER, {INT64_MIN}}};

	for (size_t i = 0; i < run->steps.len; i++) {
		if (by_now(q, &run->steps.at[i]))
			VEC_PUSH(&f.steps, &run->steps.at[i]);
	}
	if (f.steps.len > 1)
		qsort(f.steps.at, f.steps.len, sizeof(f.steps.at[0]), by_packet);
	for (size_t at = 0; at < f.steps.len;)
		flow_walk(q, &f, &at, l);
	if (l->sent > 0)
		no_route_take(q, &f.sent, l);
	if (l->lost > 0)
		l->loss_span_ns = instant_since(f.lost.last, f.lost.first);
	l->gap_count = f.gaps.len;
	l->gaps = f.gaps.len > 0 ? arena_memdup(q->arena, f.gaps.at, f.gaps.len * sizeof(f.gaps.at[0])) : NULL;
	VEC_FREE(&f.steps);
	VEC_FREE(&f.gaps);
}

/* Whether each flow that was at a worker named has come to another since: one look at each step, so that it can be asked
 * often. */
static bool all_moved(const struct question *q, const struct flow_run *run)
{
	size_t n = q->e->traffic.count;
	bool *was = arena_array(q->scratch, n, sizeof(*was)), *moved = arena_array(q->scratch, n, sizeof(*moved));

	for (size_t i = 0; i < run->steps.len; i++) {
		const struct flow_step *s = &run->steps.at[i];
		struct judge_link link = judge_link_at(q->j, s->link);

		if (!by_now(q, s) || link.role != LINK_WORKER)
			continue;
		if (is_named(q, link.index))
			was[s->flow] = true;
		else if (instant_before(q->e->since, s->time))
			moved[s->flow] = true;
	}
	for (size_t i = 0; i < n; i++) {
		if (was[i] && !moved[i])
			return false;
	}
	return true;
}

/* ---- In words ---- */

void judge_say_after(struct saying *s, const char *what, int64_t ns, const char *else_what)
{
	if (ns >= 0)
		saying_addf(s, "%s after %s", what, duration_text(ns).s);
	else
		saying_addf(s, "%s", else_what);
}

static void say_after(struct saying *s, const char *what, int64_t ns, const char *else_what)
{
	saying_addf(s, ", ");
	judge_say_after(s, what, ns, else_what);
}

static void say_times(struct question *q, struct saying *s, const struct judge_leaving *l)
{
	(void)saying_workers(s, &q->j->lab, q->e->workers);
	if (l->word != JUDGE_WORD_NONE)
		saying_addf(s, ": %s after %s", words[l->word], duration_text(l->word_ns).s);
	else
		saying_addf(s, ": no word of it on the wire");
	say_after(s, "out of the FIB", l->fib_ns, "still in the FIB");
	say_after(s, "first packet on a new path", l->new_path_ns, "no packet on a new path");
	say_after(s, "last on the old one", l->old_path_ns, "none on the old one any more");
}

void judge_say_losses(struct saying *s, const struct judge_leaving *l)
{
	saying_addf(s, "; %llu of %llu packets lost", (unsigned long long)l->lost, (unsigned long long)l->sent);
	if (l->lost > 0)
		saying_addf(s, ", of %llu of %llu flows over %s, one for %s at most", (unsigned long long)l->lost_flows,
			    (unsigned long long)l->flows, duration_text(l->loss_span_ns).s,
			    duration_text(l->black_hole_longest_ns).s);
	if (l->lost > 0 && l->no_route > 0)
		saying_addf(s, "; the FIB had no route %llu time%s, by what was lost for %s each",
			    (unsigned long long)l->no_route, l->no_route == 1 ? "" : "s",
			    duration_text(l->no_route_ns / (int64_t)l->no_route).s);
}

/* ---- The verdict ---- */

static bool losses_within(const struct question *q, const struct judge_leaving *l, struct saying *s)
{
	const struct judge_budget *b = &q->e->budget;
	bool good = true;

	if (l->lost > b->lost) {
		saying_addf(s, "; %llu may be lost", (unsigned long long)b->lost);
		good = false;
	}
	if (b->black_hole_ns >= 0 && l->black_hole_longest_ns > b->black_hole_ns) {
		saying_addf(s, "; a flow may lose its packets for %s", duration_text(b->black_hole_ns).s);
		good = false;
	}
	return good;
}

bool judge_within_budget(const struct question *q, const struct judge_leaving *l, const struct judge_limit *limit,
			 struct saying *s)
{
	const struct judge_budget *b = &q->e->budget;
	int64_t from = b->since == JUDGE_SINCE_EVENT ? 0 : b->since == JUDGE_SINCE_FIB ? l->fib_ns : l->word_ns;
	bool good = true;

	if (from < 0) {
		saying_addf(s, "; nothing to count from: the %s never came",
			    b->since == JUDGE_SINCE_FIB ? "change of the FIB" : limit->word);
		return false;
	}
	if (b->within_ns >= 0 && (limit->never || limit->ns - from > b->within_ns)) {
		saying_addf(s, "; %s %s", limit->may, duration_text(b->within_ns).s);
		if (b->since != JUDGE_SINCE_EVENT)
			saying_addf(s, " after the %s", b->since == JUDGE_SINCE_FIB ? "FIB" : limit->short_word);
		good = false;
	}
	return losses_within(q, l, s) && good;
}

void judge_left(struct question *q)
{
	const struct flow_run *run = traffic_view_run(&q->j->traffic, q->e->traffic.run);
	struct judge_leaving l = {.new_path_ns = -1, .old_path_ns = -1};
	struct saying s = {0};

	q->f->verdict = JUDGE_PENDING;
	q->f->when = q->cutoff;
	if (run == NULL || !run->traced) {
		q->f->verdict = JUDGE_INCONCLUSIVE;
		q->f->seen = "no flows were followed packet by packet";
		return;
	}
	if (!q->last && (fib_names(q, q->cutoff) || !all_moved(q, run)))
		return;
	first_word(q, &l);
	judge_flows_walk(q, run, &l);
	first_fib(q, &l);
	say_times(q, &s, &l);
	judge_say_losses(&s, &l);
	q->f->leaving = l;
	if (l.affected == 0) {
		q->f->verdict = JUDGE_INCONCLUSIVE;
		saying_addf(&s, "; of %llu flows none was there when it happened", (unsigned long long)l.flows);
	} else {
		struct judge_limit last = {.ns = l.old_path_ns,
					   .never = l.fib_ns < 0,
					   .may = "packets may go there for",
					   .word = "word on the wire",
					   .short_word = "first word"};

		q->f->verdict = judge_within_budget(q, &l, &last, &s) ? JUDGE_PASS : JUDGE_FAIL;
	}
	q->f->seen = saying_end(&s, q->arena);
}
