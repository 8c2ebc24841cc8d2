/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every packet of the flows: did it arrive, once, in order, and without a detour through a circle? */
#include "judge_int.h"

#define ODD_TOLD 3U
#define WORKERS_TOLD 8U

/* A flow's packets, at the clients and at the workers. */
struct flow_packets {
	uint32_t sent, arrived;
	uint32_t worker; /* one that it came to, or JOURNEY_NOWHERE */
	bool split;	 /* it came to another, too */
};

struct packets {
	struct flow_packets *flows;
	uint64_t *lost_at, *sent_to; /* by worker: of flows that came there, or were to by the kernel's word */
	uint64_t sent, lost, lost_flows, split, relabelled, late, twice, looped;
	struct instant last;
};

/* Sights at the service's address; those past the cutoff were not yet. */
static bool counts(const struct question *q, const struct flow_sight *s)
{
	return s->flow < q->e->traffic.count && !instant_before(q->cutoff, s->time) &&
	       judge_traffic_to(&q->e->traffic, &s->dst);
}

static void worker_sight(struct question *q, struct packets *p, const struct flow_sight *s, uint32_t worker)
{
	struct flow_packets *f = &p->flows[s->flow];

	f->split = f->split || (f->worker != JOURNEY_NOWHERE && f->worker != worker);
	f->arrived += s->packets;
	f->worker = worker;
	p->late += s->late;
	p->twice += s->twice;
	p->looped += s->looped;
	if (s->odd != 0 && q->f->frame_count < ODD_TOLD)
		judge_frame_add(q, s->link, s->odd);
	if (instant_before(p->last, s->time))
		p->last = s->time;
}

/* What the sender meant to send of the flow. */
static uint32_t planned(const struct judge_traffic *t, uint32_t flow)
{
	uint32_t packets = t->sizes != NULL ? t->sizes[flow] : t->packets;

	return packets > 0 ? packets : 1;
}

/* Where the flow went; of one that came nowhere, where the router's kernel had said that it would go. */
static uint32_t worker_of(const struct question *q, const struct flow_packets *f, uint32_t flow)
{
	const struct judge_oracle *o = &q->e->oracle;

	if (f->worker != JOURNEY_NOWHERE || o->doubt != NULL || flow >= o->n ||
	    o->at[flow].worker >= q->j->lab.worker_count)
		return f->worker;
	return o->at[flow].worker;
}

static void count_packets(struct question *q, const struct flow_run *run, struct packets *p)
{
	for (size_t i = 0; run != NULL && i < run->sights.len; i++) {
		const struct flow_sight *s = &run->sights.at[i];
		struct judge_link link = judge_link_at(q->j, s->link);

		if (!counts(q, s))
			continue;
		if (link.role == LINK_WORKER)
			worker_sight(q, p, s, link.index);
		else if (link.role == LINK_CLIENT)
			p->flows[s->flow].sent += s->packets;
	}
	for (uint32_t i = 0; i < q->e->traffic.count; i++) {
		struct flow_packets *f = &p->flows[i];
		uint32_t worker = worker_of(q, f, i);
		uint64_t lost;

		/* Frames that go past the queue are seen on no tap of the sender's; then the plan is what was sent. */
		f->sent = f->sent > 0 ? f->sent : planned(&q->e->traffic, i);
		lost = f->sent > f->arrived ? f->sent - f->arrived : 0;

		p->sent += f->sent;
		p->lost += lost;
		p->lost_flows += lost > 0;
		p->split += f->split;
		/* At two workers, more than were sent: copies. */
		p->twice += f->arrived > f->sent ? f->arrived - f->sent : 0;
		if (worker != JOURNEY_NOWHERE) {
			p->lost_at[worker] += lost;
			p->sent_to[worker] += f->sent;
		}
	}
}

static struct packets packets_of(struct question *q)
{
	size_t n = q->e->traffic.count;
	struct packets p = {.flows = arena_array(q->scratch, n, sizeof(*p.flows)),
			    .lost_at = arena_array(q->scratch, q->j->lab.worker_count, sizeof(*p.lost_at)),
			    .sent_to = arena_array(q->scratch, q->j->lab.worker_count, sizeof(*p.sent_to)),
			    .last = q->e->since};

	for (size_t i = 0; i < n; i++)
		p.flows[i].worker = JOURNEY_NOWHERE;
	count_packets(q, traffic_view_run(&q->j->traffic, q->e->traffic.run), &p);
	if (judge_hashes_labels(q, &q->e->traffic)) {
		struct journeys js = judge_journeys(q, &q->e->traffic);

		p.split = js.split;
		p.relabelled = js.relabelled;
	}
	return p;
}

/* "; 57 lost, of 40 flows (57 of flows at worker2)" */
static void say_lost(const struct question *q, struct saying *s, const struct packets *p)
{
	const struct judge_lab *lab = &q->j->lab;
	size_t told = 0;

	if (p->lost == 0)
		return;
	saying_addf(s, "; %llu lost, of %llu flow%s", (unsigned long long)p->lost, (unsigned long long)p->lost_flows,
		    p->lost_flows == 1 ? "" : "s");
	for (size_t i = 0; i < lab->worker_count && told < WORKERS_TOLD; i++) {
		if (p->lost_at[i] > 0)
			saying_addf(s, "%s%llu of flows at %s", told++ == 0 ? " (" : ", ",
				    (unsigned long long)p->lost_at[i], lab->workers[i].name);
	}
	saying_addf(s, "%s", told > 0 ? ")" : "");
}

/* Who loses more than its share of what is lost: by the test of each count that balance is judged with. */
static const char *lossy_why(const struct question *q, const struct packets *p)
{
	const struct judge_lab *lab = &q->j->lab;
	size_t n = lab->worker_count, told = 0;
	struct judge_member *members = arena_array(q->scratch, n, sizeof(*members));
	double *weights = arena_array(q->scratch, n, sizeof(*weights)), sum = 0;
	struct saying s = {0};

	for (size_t i = 0; i < n; i++)
		sum += weights[i] = (double)p->sent_to[i];
	if (p->lost == 0 || !(sum > 0))
		return NULL;
	judge_members(p->lost_at, weights, n, JUDGE_ALPHA, members);
	for (size_t i = 0; i < n && told < WORKERS_TOLD; i++) {
		double lost = (double)p->lost_at[i];
		struct judge_interval rate;

		if (!members[i].off || lost * sum <= weights[i] * (double)p->lost)
			continue;
		rate = judge_interval(p->lost_at[i], p->sent_to[i], JUDGE_ALPHA);
		saying_addf(&s, "%s%s loses %.3g %% of its packets (%.3g to %.3g %%)", told++ > 0 ? ", " : "",
			    lab->workers[i].name, 100 * lost / weights[i], 100 * rate.low, 100 * rate.high);
	}
	if (told == 0)
		return NULL;
	saying_addf(&s, ", more than the others: the loss is on the way to %s, not before the router",
		    told == 1 ? "it" : "them");
	return saying_end(&s, q->arena);
}

static void say_number(struct saying *s, uint64_t n, const char *what)
{
	if (n > 0)
		saying_addf(s, "; %llu came %s", (unsigned long long)n, what);
}

void judge_packets(struct question *q)
{
	const struct judge_traffic *t = &q->e->traffic;
	uint64_t promised = (uint64_t)t->count * (t->packets > 0 ? t->packets : 1);
	struct saying s = {0};
	struct packets p;

	q->f->verdict = JUDGE_PENDING;
	q->f->when = q->cutoff;
	if (!t->flows || t->count > JOURNEYS_MAX) {
		q->f->verdict = JUDGE_INCONCLUSIVE;
		q->f->seen = arena_printf(q->arena, "packets are told apart in flows, of which the judge follows %u",
					  JOURNEYS_MAX);
		return;
	}
	if (!q->last && judge_surely_incomplete(q))
		return;
	p = packets_of(q);
	if (!q->last && (p.sent < promised || p.lost > 0)) {
		q->f->frame_count = 0;
		return;
	}
	saying_addf(&s, "%llu packets of %u flow%s", (unsigned long long)p.sent, t->count, t->count == 1 ? "" : "s");
	if (p.sent < promised)
		saying_addf(&s, ", of %llu that were to be sent", (unsigned long long)promised);
	say_lost(q, &s, &p);
	if (p.split > 0)
		saying_addf(&s, "; %llu flow%s split over workers", (unsigned long long)p.split,
			    p.split == 1 ? " is" : "s are");
	judge_say_relabelled(q, &s, p.relabelled);
	say_number(&s, p.late, "late, behind a younger one");
	say_number(&s, p.twice, "twice");
	say_number(&s, p.looped, "again with a smaller TTL: they go in a circle");
	saying_addf(&s, "%s",
		    p.lost + p.split + p.late + p.twice + p.looped == 0 ? "; each arrived once and in order" : "");
	q->f->verdict = p.looped > 0 || p.split > 0 || p.sent < promised || p.lost > q->e->lost ||
					p.late > q->e->late || p.twice > q->e->twice
				? JUDGE_FAIL
				: JUDGE_PASS;
	if (q->f->verdict == JUDGE_FAIL) {
		q->f->why = judge_route_why(q);
		q->f->why = q->f->why != NULL ? q->f->why : lossy_why(q, &p);
	}
	if (p.sent >= promised && p.lost == 0)
		q->f->when = p.last;
	q->f->seen = saying_end(&s, q->arena);
}
