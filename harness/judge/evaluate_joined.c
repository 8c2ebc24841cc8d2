/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long it took until a worker that joins got its share: from what happened to it over its first announcement on the wire and
 * the FIB to the first packet that came to it, and what the flows lost meanwhile. Of several workers the last one counts. */
#include "judge_int.h"

/* A worker on its way in; times are after the event, -1: not yet. */
struct joiner {
	int64_t word_ns, fib_ns, packet_ns;
	const struct judge_route_event *word;
	const struct flow_step *packet;
	bool there; /* it got packets before it happened */
};

static bool fib_has(const struct question *q, uint32_t worker, struct instant t)
{
	return fib_entry_has(fib_view_at(&q->j->fib, &q->e->prefix, t), &q->j->lab.workers[worker].address);
}

static void find_word(const struct question *q, uint32_t worker, struct joiner *at)
{
	const struct bgp_view *v = &q->j->bgp;
	struct bgp_chain chain = bgp_view_chain(v, worker, &q->e->prefix, q->e->since, q->cutoff, q->scratch);

	for (size_t i = 0; i < chain.n && at->word == NULL; i++) {
		const struct judge_route_event *e = &v->events.at[chain.events[i]];

		if (instant_before(q->e->since, e->time) && !e->withdrawn)
			at->word = e;
	}
	at->word_ns = at->word != NULL ? instant_since(at->word->time, q->e->since) : -1;
}

/* The monitor is told after the change, so that a packet may show it sooner. */
static void find_fib(const struct question *q, uint32_t worker, struct joiner *at)
{
	instants times = {0};

	at->fib_ns = fib_has(q, worker, q->e->since) ? 0 : -1;
	fib_view_times(&q->j->fib, &q->e->prefix, q->e->since, q->cutoff, &times);
	for (size_t i = 0; i < times.len; i++) {
		int64_t ns = instant_since(times.at[i], q->e->since);

		if ((at->fib_ns < 0 || ns < at->fib_ns) && fib_has(q, worker, times.at[i]))
			at->fib_ns = ns;
	}
	if (at->packet_ns >= 0 && at->packet_ns < at->fib_ns)
		at->fib_ns = at->packet_ns;
	VEC_FREE(&times);
}

/* The first packet that came to each worker named; returns to how many flows' that happened. */
static uint64_t find_packets(const struct question *q, const struct flow_run *run, struct joiner *all)
{
	bool *moved = arena_array(q->scratch, q->e->traffic.count, sizeof(*moved));
	uint64_t n = 0;

	for (size_t i = 0; i < run->steps.len; i++) {
		const struct flow_step *s = &run->steps.at[i];
		struct judge_link link = judge_link_at(q->j, s->link);
		struct joiner *at;

		if (link.role != LINK_WORKER || !question_names(q, link.index) || s->flow >= q->e->traffic.count ||
		    instant_before(q->cutoff, s->time))
			continue;
		at = &all[link.index];
		if (!instant_before(q->e->since, s->time)) {
			at->there = true;
			continue;
		}
		n += !moved[s->flow];
		moved[s->flow] = true;
		if (at->packet == NULL || instant_before(s->time, at->packet->time))
			at->packet = s;
		at->packet_ns = instant_since(at->packet->time, q->e->since);
	}
	return n;
}

/* What is not yet is later than anything. */
static int64_t last_of(int64_t a, int64_t b)
{
	return a < 0 || b < 0 ? -1 : a > b ? a : b;
}

/* All that is known of each worker; *ret_flows: to how many flows a packet of theirs came there. */
static struct joiner *gather(const struct question *q, const struct flow_run *run, uint64_t *ret_flows)
{
	struct joiner *all = arena_array(q->scratch, q->j->lab.worker_count, sizeof(*all));

	for (uint32_t w = 0; w < q->j->lab.worker_count; w++)
		all[w].packet_ns = -1;
	*ret_flows = find_packets(q, run, all);
	for (uint32_t w = 0; w < q->j->lab.worker_count; w++) {
		if (!question_names(q, w))
			continue;
		find_word(q, w, &all[w]);
		find_fib(q, w, &all[w]);
	}
	return all;
}

/* Whether each has come; and, in *ret_there, whether one of them had got packets before. */
static bool have_joined(const struct question *q, const struct joiner *all, bool *ret_there)
{
	bool in = true;

	*ret_there = false;
	for (uint32_t w = 0; w < q->j->lab.worker_count; w++) {
		if (!question_names(q, w))
			continue;
		in = in && all[w].fib_ns >= 0 && all[w].packet_ns >= 0;
		*ret_there = *ret_there || all[w].there;
	}
	return in;
}

/* The figures of the last of them, in place of those who leave. */
static void sum_up(struct question *q, const struct joiner *all, struct judge_leaving *l)
{
	l->joins = true;
	l->word_ns = l->fib_ns = l->new_path_ns = 0;
	l->old_path_ns = -1;
	l->unmoved = 0;
	for (uint32_t w = 0; w < q->j->lab.worker_count; w++) {
		if (!question_names(q, w))
			continue;
		l->word_ns = last_of(l->word_ns, all[w].word_ns);
		l->fib_ns = last_of(l->fib_ns, all[w].fib_ns);
		l->new_path_ns = last_of(l->new_path_ns, all[w].packet_ns);
		if (all[w].word != NULL)
			judge_frame_add(q, all[w].word->link, all[w].word->frame);
		if (all[w].packet != NULL)
			judge_frame_add(q, all[w].packet->link, all[w].packet->frame);
	}
	l->word = l->word_ns >= 0 ? JUDGE_WORD_ANNOUNCED : JUDGE_WORD_NONE;
}

static void say_times(const struct question *q, struct saying *s, const struct judge_leaving *l)
{
	(void)saying_workers(s, &q->j->lab, q->e->workers);
	saying_addf(s, ": ");
	judge_say_after(s, "announced", l->word_ns, "not announced");
	saying_addf(s, ", ");
	judge_say_after(s, "in the FIB", l->fib_ns, "not in the FIB");
	saying_addf(s, ", ");
	judge_say_after(s, "first packet there", l->new_path_ns, "no packet there");
	saying_addf(s, " (%llu of %llu flows)", (unsigned long long)l->affected, (unsigned long long)l->flows);
}

void judge_joined(struct question *q)
{
	const struct flow_run *run = traffic_view_run(&q->j->traffic, q->e->traffic.run);
	struct judge_leaving l = {.new_path_ns = -1, .old_path_ns = -1};
	struct judge_limit first = {.may = "the first may take", .word = "announcement", .short_word = "announcement"};
	struct saying s = {0};
	struct joiner *all;
	uint64_t flows;
	bool there;

	q->f->verdict = JUDGE_PENDING;
	q->f->when = q->cutoff;
	if (run == NULL || !run->traced) {
		q->f->verdict = JUDGE_INCONCLUSIVE;
		q->f->seen = "no flows were followed packet by packet";
		return;
	}
	all = gather(q, run, &flows);
	if (!have_joined(q, all, &there) && !q->last)
		return;
	judge_flows_walk(q, run, &l);
	l.affected = flows;
	sum_up(q, all, &l);
	say_times(q, &s, &l);
	judge_say_losses(&s, &l);
	q->f->leaving = l;
	first.ns = l.new_path_ns;
	first.never = l.new_path_ns < 0;
	if (there) {
		q->f->verdict = JUDGE_INCONCLUSIVE;
		saying_addf(&s, "; packets went there before it happened: it joined nothing");
	} else {
		q->f->verdict = judge_within_budget(q, &l, &first, &s) ? JUDGE_PASS : JUDGE_FAIL;
	}
	q->f->seen = saying_end(&s, q->arena);
}
