/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is the spread equal; is every client pinned to one worker? */
#include "judge_int.h"

#define OFF_TOLD 3U
#define WEIGHTS_TOLD 8U

/* ---- pinned ---- */

/* A client whose journeys went to several workers, and where they went. */
static void say_roaming(const struct question *q, struct saying *s, const struct spread *spread)
{
	const struct journey *at = spread->journeys.at;
	const struct judge_lab *lab = &q->j->lab;

	for (size_t from = 0, to; from < spread->arrived; from = to) {
		const struct journey *first = &at[spread->order[from]];
		uint64_t *counts = arena_array(q->scratch, lab->worker_count, sizeof(*counts));
		struct spread own = {.named = arena_array(q->scratch, lab->worker_count, sizeof(bool)),
				     .counts = counts};

		for (to = from; to < spread->arrived && addr_equal(&at[spread->order[to]].client, &first->client); to++)
			counts[at[spread->order[to]].first.worker]++;
		own.arrived = to - from;
		if (counts[first->first.worker] == own.arrived)
			continue;
		saying_part(s);
		saying_addf(s, "%s sent ", addr_text(&first->client).s);
		judge_say_counts(q, s, &own);
		return;
	}
}

void judge_spread_pinned(struct question *q)
{
	size_t roaming;
	struct saying s = {0};
	struct spread spread;

	if (!judge_spread(q, &spread))
		return;
	roaming = spread.clients - spread.pinned - spread.single;
	judge_say_counts(q, &s, &spread);
	judge_spread_shares(q, &spread, spread.counts, 0);
	if (roaming > 0) {
		q->f->verdict = JUDGE_FAIL;
		saying_addf(&s, "; %zu of %zu client%s had more than one worker", roaming, spread.clients,
			    spread.clients == 1 ? "" : "s");
		say_roaming(q, &s, &spread);
	} else if (spread.single > 0 || spread.clients == 0) {
		q->f->verdict = JUDGE_INCONCLUSIVE;
		q->f->flows_needed = 2 * (spread.clients > 0 ? spread.clients : 1);
		saying_addf(&s, "; a client must send two %s or more to show that they share a worker",
			    judge_noun(q, 2));
	} else {
		q->f->verdict = JUDGE_PASS;
		saying_addf(&s, "; every client had one worker");
		q->f->why = judge_pinned_why(q, &spread);
	}
	q->f->seen = saying_end(&s, q->arena);
}

/* ---- equal ---- */

/* What the test counts: journeys, or client addresses when these decide. */
struct sample {
	uint64_t *counts; /* by worker */
	uint64_t n;
	const char *of; /* what decides in their place: "addresses", "keys"; NULL: they do */
};

static int by_key(const void *a, const void *b, void *ctx)
{
	const struct journey *at = ctx;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	if (at[x].key != at[y].key)
		return at[x].key < at[y].key ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* Journeys that meet in all that the hash looks at are one draw, whose worker the first tells. A second tier has a hash of its
 * own, which is not known here. */
static struct sample keys_of(const struct question *q, const struct spread *s)
{
	struct sample all = {s->counts, s->arrived, NULL}, sample = {.of = "keys"};
	struct journey *at = s->journeys.at;
	uint32_t *order;

	if (q->j->lab.hash_fields == 0 || q->j->lab.router_count > 0 || s->arrived == 0)
		return all;
	order = arena_memdup(q->scratch, s->order, s->arrived * sizeof(*order));
	qsort_r(order, s->arrived, sizeof(*order), by_key, at);
	sample.counts = arena_array(q->scratch, q->j->lab.worker_count, sizeof(*sample.counts));
	for (size_t i = 0; i < s->arrived; i++) {
		if (i > 0 && at[order[i]].key == at[order[i - 1]].key)
			continue;
		sample.counts[at[order[i]].first.worker]++;
		sample.n++;
	}
	return sample.n > s->members && sample.n < s->arrived ? sample : all;
}

/* A router that hashes addresses gives all journeys of one address to one worker. They are no independent draws then: the
 * sample is the addresses, too few though they may be. Where there is at most one for each worker no hash could make it
 * even: the user's complaint is right, and the journeys are judged. */
static struct sample sample_of(const struct question *q, const struct spread *s)
{
	struct sample sample = {s->counts, s->arrived, NULL};
	const struct journey *at = s->journeys.at;

	if (!q->j->lab.hash_addresses_only)
		return keys_of(q, s);
	if (s->pinned == 0 || s->pinned + s->single != s->clients || s->clients <= s->members)
		return sample;
	sample = (struct sample){arena_array(q->scratch, q->j->lab.worker_count, sizeof(*sample.counts)), s->clients,
				 "addresses"};
	for (size_t i = 0; i < s->arrived; i++) {
		const struct journey *own = &at[s->order[i]];

		if (i == 0 || !addr_equal(&own->client, &at[s->order[i - 1]].client))
			sample.counts[own->first.worker]++;
	}
	return sample;
}

/* The next hops share equally only when the kernel weighs them so. */
static const char *weights_why(const struct question *q, const struct fib_entry *fib)
{
	struct saying text = {0};
	bool even = true;

	if (fib == NULL || q->e->kind == JUDGE_SPREAD_WEIGHTED)
		return NULL;
	saying_addf(&text, "the router's kernel weighs its next hops");
	for (size_t g = 0; g < fib->n; g++) {
		even = even && fib->weights[g] == fib->weights[0];
		if (g < WEIGHTS_TOLD)
			saying_addf(&text, "%s %s %u", g > 0 ? "," : "", addr_text(&fib->gateways[g]).s,
				    fib->weights[g]);
	}
	saying_addf(&text, "%s: spread: weighted judges by that", fib->n > WEIGHTS_TOLD ? " and so on" : "");
	if (!even)
		return saying_end(&text, q->arena);
	free(text.at);
	return NULL;
}

/* Workers that are to get traffic and that the router's kernel does not know as next hops. */
static const char *unequal_why(const struct question *q, const struct spread *s)
{
	const struct judge_lab *lab = &q->j->lab;
	struct prefix vip = fib_view_covering(&q->j->fib, &q->e->traffic.vip, q->e->traffic.since);
	const struct fib_entry *fib = fib_view_at(&q->j->fib, &vip, q->e->traffic.since);
	bool *out = arena_array(q->scratch, lab->worker_count, sizeof(bool));
	struct saying text = {0};
	size_t n = 0;

	for (size_t i = 0; fib != NULL && fib->n > 1 && i < lab->worker_count; i++) {
		out[i] = s->named[i];
		for (size_t g = 0; g < fib->n; g++)
			out[i] = out[i] && !addr_equal(&fib->gateways[g], &lab->workers[i].address);
		n += out[i];
	}
	if (n > 0) {
		(void)saying_workers(&text, lab, out);
		saying_addf(&text, " %s no next hop of %s in the router's kernel", n == 1 ? "is" : "are",
			    prefix_text(&vip).s);
		return saying_end(&text, q->arena);
	}
	if (s->pinned > 0 && s->pinned + s->single == s->clients)
		return judge_pinned_why(q, s);
	return weights_why(q, fib);
}

/* "; worker2 is short: 900 of 1000.0, a share of 27.1 to 32.9 %" of those whose own count is disproved. */
static void say_off(const struct question *q, struct saying *s)
{
	size_t told = 0;

	for (size_t i = 0; i < q->f->share_count && told < OFF_TOLD; i++) {
		const struct judge_share *at = &q->f->shares[i];
		const struct judge_member *member = &q->f->members[i];

		if (!member->off)
			continue;
		told++;
		saying_addf(s, "; %s has %s than its share: %llu where %.1f were promised (%.3g to %.3g %% of all)",
			    at->worker, (double)at->count < at->expected ? "less" : "more",
			    (unsigned long long)at->count, at->expected, 100 * member->share.low,
			    100 * member->share.high);
	}
}

static void say_too_few(const struct question *q, struct saying *s, const struct sample *sample)
{
	saying_addf(s, "; to show that a worker is short by %.3g %%, %llu %s are needed", 100 * q->e->detect,
		    (unsigned long long)q->f->flows_needed, sample->of != NULL ? sample->of : judge_noun(q, 2));
}

/* The test, and what it is worth. */
static struct sample test(struct question *q, const struct spread *s)
{
	struct judge_finding *f = q->f;
	size_t n = q->j->lab.worker_count;
	double detect = q->e->detect;
	struct sample sample;

	f->flows_needed = detect > 0 ? judge_flows_needed_of(s->weights, n, detect, JUDGE_ALPHA, JUDGE_POWER) : 0;
	sample = sample_of(q, s);
	f->chi = judge_chi_square(sample.counts, s->weights, n);
	f->detectable = judge_detectable_bias_of(s->weights, n, sample.n, JUDGE_ALPHA, JUDGE_POWER);
	f->alpha = JUDGE_ALPHA;
	f->planned = detect;
	f->power = detect > 0 ? judge_power_of(s->weights, n, sample.n, detect, JUDGE_ALPHA) : 0;
	judge_spread_shares(q, s, sample.counts, sample.n);
	return sample;
}

static void say_sample(const struct question *q, struct saying *s, const struct spread *spread,
		       const struct sample *sample)
{
	judge_say_counts(q, s, spread);
	if (sample->of != NULL)
		saying_addf(s, "; judged by their %llu %s, which alone decide", (unsigned long long)sample->n,
			    strcmp(sample->of, "keys") == 0 ? "distinct keys of the router's hash" : sample->of);
}

/* Shares that are equal, or as the kernel's weights promise. */
void judge_spread_equal(struct question *q)
{
	struct spread spread;
	struct sample sample;
	struct saying s = {0};

	if (!judge_spread(q, &spread))
		return;
	sample = test(q, &spread);
	say_sample(q, &s, &spread, &sample);
	if (judge_rejects(q->f->chi, JUDGE_ALPHA)) {
		q->f->verdict = JUDGE_FAIL;
		q->f->why = unequal_why(q, &spread);
		say_off(q, &s);
	} else if (q->e->detect > 0 && sample.n < q->f->flows_needed) {
		q->f->verdict = JUDGE_INCONCLUSIVE;
		say_too_few(q, &s, &sample);
	} else {
		q->f->verdict = JUDGE_PASS;
	}
	q->f->seen = saying_end(&s, q->arena);
}

/* A control: the field that was varied is one that the hash must not look at, so that the spread has to be uneven. That it
 * looks even is told only by a sample that would show the bias. */
void judge_spread_unequal(struct question *q)
{
	struct spread spread;
	struct sample sample;
	struct saying s = {0};

	if (!judge_spread(q, &spread))
		return;
	sample = test(q, &spread);
	say_sample(q, &s, &spread, &sample);
	if (judge_rejects(q->f->chi, JUDGE_ALPHA)) {
		q->f->verdict = JUDGE_PASS;
		say_off(q, &s);
	} else if (sample.n < q->f->flows_needed) {
		q->f->verdict = JUDGE_INCONCLUSIVE;
		say_too_few(q, &s, &sample);
	} else {
		q->f->verdict = JUDGE_FAIL;
		saying_addf(&s, "; that is as even as a hash over what was varied would be");
	}
	q->f->seen = saying_end(&s, q->arena);
}
