/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the journeys are spread over the workers; what any spread needs to be judged at all. */
#include "judge_int.h"

#include <math.h>

#define EXAMPLES_MAX 4U
#define COUNTS_MAX 8U

const char *judge_noun(const struct question *q, size_t n)
{
	if (q->e->traffic.flows)
		return n == 1 ? "flow" : "flows";
	return n == 1 ? "connection" : "connections";
}

/* ---- What spoils a spread ---- */

static void say_journey(const struct question *q, struct saying *s, size_t i, const struct journey *at)
{
	if (q->e->traffic.flows)
		saying_addf(s, "flow %zu", i);
	else
		saying_addf(s, "%s port %u", addr_text(&at->client).s, at->client_port);
}

static void say_split(struct question *q, struct saying *s, const struct journeys *js)
{
	const struct judge_lab *lab = &q->j->lab;
	size_t told = 0;

	saying_part(s);
	saying_addf(s, "%zu of %zu %s %s at two workers: ", js->split, js->n, judge_noun(q, js->n),
		    js->split == 1 ? "was" : "were");
	for (size_t i = 0; i < js->n && told < EXAMPLES_MAX; i++) {
		const struct journey *at = &js->at[i];

		if (at->other.worker == JOURNEY_NOWHERE)
			continue;
		saying_addf(s, "%s", told++ > 0 ? ", " : "");
		say_journey(q, s, i, at);
		saying_addf(s, " at %s, then at %s", lab->workers[at->first.worker].name,
			    lab->workers[at->other.worker].name);
		judge_frame_add(q, lab->workers[at->first.worker].link, at->first.frame);
		judge_frame_add(q, lab->workers[at->other.worker].link, at->other.frame);
	}
	if (js->split > told)
		saying_addf(s, " and more");
}

static void say_missing(struct question *q, struct saying *s, const struct journeys *js)
{
	size_t told = 0;

	if (js->missing > 0) {
		saying_addf(s, "%zu of %u %s reached no worker", js->missing, q->e->traffic.count,
			    judge_noun(q, q->e->traffic.count));
		for (size_t i = 0; i < js->n && told < EXAMPLES_MAX; i++) {
			const struct journey *at = &js->at[i];

			if (!at->sent || at->first.worker != JOURNEY_NOWHERE)
				continue;
			saying_addf(s, "%s", told++ > 0 ? ", " : ": ");
			say_journey(q, s, i, at);
			judge_frame_add(q, at->left_link, at->left.frame);
		}
		saying_addf(s, "%s", js->missing > told ? " and more" : "");
	}
	if (js->unsent == 0)
		return;
	saying_part(s);
	saying_addf(s, "%zu of %u %s %s seen on no link", js->unsent, q->e->traffic.count,
		    judge_noun(q, q->e->traffic.count), js->unsent == 1 ? "was" : "were");
}

static void say_strays(const struct question *q, struct saying *s, const struct spread *spread)
{
	bool *strays = arena_array(q->scratch, q->j->lab.worker_count, sizeof(bool));
	uint64_t n = 0;

	for (size_t i = 0; i < q->j->lab.worker_count; i++) {
		strays[i] = !spread->named[i] && spread->counts[i] > 0;
		n += strays[i] ? spread->counts[i] : 0;
	}
	if (n == 0)
		return;
	saying_part(s);
	saying_addf(s, "%llu %s came to ", (unsigned long long)n, judge_noun(q, n));
	saying_addf(s, ", which %s not named", saying_workers(s, &q->j->lab, strays) == 1 ? "is" : "are");
}

/* ---- Counts ---- */

struct order_ctx {
	const struct journey *at;
};

static int by_client(const void *a, const void *b, void *ctx)
{
	const struct order_ctx *c = ctx;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int order = addr_compare(&c->at[x].client, &c->at[y].client);

	return order != 0 ? order : x < y ? -1 : x > y;
}

static void count_clients(struct spread *s)
{
	const struct journey *at = s->journeys.at;

	for (size_t from = 0, to; from < s->arrived; from = to) {
		const struct journey *first = &at[s->order[from]];
		bool together = true;

		for (to = from; to < s->arrived && addr_equal(&at[s->order[to]].client, &first->client); to++)
			together = together && at[s->order[to]].first.worker == first->first.worker;
		s->clients++;
		s->single += to - from == 1;
		s->pinned += to - from > 1 && together;
	}
}

static void count(const struct question *q, struct spread *s)
{
	struct order_ctx ctx = {s->journeys.at};

	s->counts = arena_array(q->scratch, q->j->lab.worker_count, sizeof(*s->counts));
	s->order = arena_array(q->scratch, s->journeys.n, sizeof(*s->order));
	for (uint32_t i = 0; i < s->journeys.n; i++) {
		if (s->journeys.at[i].first.worker == JOURNEY_NOWHERE)
			continue;
		s->counts[s->journeys.at[i].first.worker]++;
		s->order[s->arrived++] = i;
	}
	if (s->arrived > 1)
		qsort_r(s->order, s->arrived, sizeof(*s->order), by_client, &ctx);
	count_clients(s);
}

/* What the traffic was promised: where the router's kernel sent it when it began. */
static const struct fib_entry *promise(const struct question *q)
{
	struct prefix vip = fib_view_covering(&q->j->fib, &q->e->traffic.vip, q->e->traffic.since);

	return fib_view_at(&q->j->fib, &vip, q->e->traffic.since);
}

static void weigh_members(const struct question *q, struct spread *s)
{
	const struct judge_lab *lab = &q->j->lab;
	const struct fib_entry *fib = promise(q);

	for (size_t g = 0; fib != NULL && g < fib->n; g++) {
		for (size_t i = 0; i < lab->worker_count; i++) {
			if (addr_equal(&fib->gateways[g], &lab->workers[i].address))
				s->weights[i] = fib->weights[g];
		}
	}
}

static void name_members(const struct question *q, struct spread *s)
{
	size_t n = q->j->lab.worker_count;
	bool none = true;

	s->named = arena_array(q->scratch, n, sizeof(bool));
	s->weights = arena_array(q->scratch, n, sizeof(double));
	for (size_t i = 0; i < n; i++)
		none = none && !question_names(q, i);
	if (q->e->kind == JUDGE_SPREAD_WEIGHTED)
		weigh_members(q, s);
	for (size_t i = 0; i < n && q->e->kind != JUDGE_SPREAD_WEIGHTED; i++)
		s->weights[i] = none || question_names(q, i) ? 1 : 0;
	for (size_t i = 0; i < n; i++) {
		s->named[i] = s->weights[i] > 0;
		s->members += s->named[i];
	}
}

void judge_say_counts(const struct question *q, struct saying *s, const struct spread *spread)
{
	const struct judge_lab *lab = &q->j->lab;
	size_t told = 0;

	saying_addf(s, "%zu %s: ", spread->arrived, judge_noun(q, spread->arrived));
	for (size_t i = 0; i < lab->worker_count && told < COUNTS_MAX; i++) {
		if (spread->named[i] || spread->counts[i] > 0)
			saying_addf(s, "%s%s %llu", told++ > 0 ? ", " : "", lab->workers[i].name,
				    (unsigned long long)spread->counts[i]);
	}
	if (lab->worker_count > told && told == COUNTS_MAX)
		saying_addf(s, " and so on");
	judge_say_relabelled(q, s, spread->journeys.relabelled);
}

void judge_say_relabelled(const struct question *q, struct saying *s, size_t n)
{
	if (n > 0)
		saying_addf(s,
			    "; %zu %s to another worker, too, under another IPv6 flow label, which the router's hash "
			    "looks at%s",
			    n, n == 1 ? "came" : "of them came",
			    q->e->traffic.flows ? ""
						: " (Linux draws one at a retransmission timeout: "
						  "net.core.txrehash)");
}

void judge_spread_shares(struct question *q, const struct spread *s, const uint64_t *counts, uint64_t n)
{
	const struct judge_lab *lab = &q->j->lab;
	struct judge_share *shares = arena_array(q->arena, lab->worker_count, sizeof(*shares));
	struct judge_member *members = arena_array(q->arena, lab->worker_count, sizeof(*members));
	uint64_t *told = arena_array(q->scratch, lab->worker_count, sizeof(*told));
	double *weights = arena_array(q->scratch, lab->worker_count, sizeof(*weights)), sum = 0;
	size_t len = 0;

	for (size_t i = 0; i < lab->worker_count; i++) {
		sum += s->weights[i];
		if (!s->named[i] && counts[i] == 0)
			continue;
		told[len] = counts[i];
		weights[len] = s->weights[i];
		shares[len++] = (struct judge_share){.worker = lab->workers[i].name, .count = counts[i]};
	}
	judge_members(told, weights, len, JUDGE_ALPHA, members);
	for (size_t i = 0; i < len; i++)
		shares[i].expected = sum > 0 ? (double)n * weights[i] / sum : 0;
	q->f->members = members;
	q->f->shares = shares;
	q->f->share_count = len;
	q->f->balance = judge_balance(told, weights, len);
}

bool judge_surely_incomplete(const struct question *q)
{
	const struct flow_run *run = traffic_view_run(&q->j->traffic, q->e->traffic.run);

	return q->e->traffic.flows && (run == NULL || run->sights.len < q->e->traffic.count);
}

uint64_t judge_flows_planned(struct judge *j, const struct judge_expect *expect)
{
	struct question q = {.j = j, .e = expect, .scratch = &j->scratch};
	struct spread s = {0};

	if (expect->detect <= 0)
		return 0;
	if (expect->kind == JUDGE_MOVED)
		return judge_moves_needed(0, expect->detect);
	if (expect->kind == JUDGE_STAGES)
		return judge_stages_needed(j, expect->detect);
	arena_clear(&j->scratch);
	name_members(&q, &s);
	return judge_flows_needed_of(s.weights, j->lab.worker_count, expect->detect, JUDGE_ALPHA, JUDGE_POWER);
}

bool judge_spread(struct question *q, struct spread *ret)
{
	struct saying s = {0};

	*ret = (struct spread){0};
	q->f->when = q->cutoff;
	q->f->verdict = JUDGE_PENDING;
	if (!q->last && judge_surely_incomplete(q))
		return false;
	if (q->e->traffic.flows && q->e->traffic.count > JOURNEYS_MAX) {
		q->f->verdict = JUDGE_INCONCLUSIVE;
		q->f->seen =
			arena_printf(q->arena, "the judge follows %u flows, not %u", JOURNEYS_MAX, q->e->traffic.count);
		return false;
	}
	name_members(q, ret);
	if (ret->members == 0) {
		q->f->verdict = JUDGE_INCONCLUSIVE;
		q->f->seen =
			arena_printf(q->arena, "the router's kernel was not seen to have a route to %s by a worker",
				     addr_text(&q->e->traffic.vip).s);
		return false;
	}
	ret->journeys = judge_journeys(q, &q->e->traffic);
	if (!q->last && (ret->journeys.missing > 0 || ret->journeys.unsent > 0))
		return false;
	count(q, ret);
	say_missing(q, &s, &ret->journeys);
	if (ret->journeys.split > 0)
		say_split(q, &s, &ret->journeys);
	say_strays(q, &s, ret);
	if (s.len == 0) {
		q->f->when = ret->journeys.last;
		return true;
	}
	saying_part(&s);
	judge_say_counts(q, &s, ret);
	judge_spread_shares(q, ret, ret->counts, ret->arrived);
	q->f->seen = saying_end(&s, q->arena);
	q->f->why = judge_route_why(q);
	q->f->verdict = JUDGE_FAIL;
	return false;
}

/* ---- Why one client may have one worker ---- */

/* "once in 7e13 times" that journeys spread by chance all land where the first of their client did. */
static void say_chance(struct saying *s, const struct spread *spread)
{
	double log10_once = (double)(spread->arrived - spread->clients) * log10((double)spread->members);

	if (spread->members < 2)
		return;
	saying_addf(s, "; spread equally, these %zu would stay together by chance once in ", spread->arrived);
	if (log10_once < 6)
		saying_addf(s, "%.0f times", pow(10, log10_once));
	else
		saying_addf(s, "10^%.0f times", log10_once);
}

const char *judge_pinned_why(const struct question *q, const struct spread *spread)
{
	const struct judge_lab *lab = &q->j->lab;
	struct prefix vip = fib_view_covering(&q->j->fib, &q->e->traffic.vip, q->e->traffic.since);
	const struct fib_entry *fib = fib_view_at(&q->j->fib, &vip, q->e->traffic.since);
	const char *family = q->e->traffic.vip.family == ADDR_V6 ? "ipv6" : "ipv4";
	const char *noun = judge_noun(q, 2);
	struct saying s = {0};

	if (fib != NULL && fib->n == 1)
		saying_addf(&s, "the router's kernel has a single next hop for %s: all %s go there",
			    prefix_text(&vip).s, noun);
	else if (lab->hash_addresses_only)
		saying_addf(&s,
			    "the router hashes addresses only (%s): all %s of one client share a next hop; "
			    "net.%s.fib_multipath_hash_policy=1 spreads them by port",
			    lab->hash_sysctl != NULL ? lab->hash_sysctl : "fib_multipath_hash_policy=0", noun, family);
	else
		saying_addf(&s, "the router hashes more than addresses (%s), yet all %s of a client share a next hop",
			    lab->hash_sysctl != NULL ? lab->hash_sysctl : "multipath hash", noun);
	say_chance(&s, spread);
	return saying_end(&s, q->arena);
}
