/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How flows or connections spread over the workers: each counts once, where it first came to a worker. */
#include "judge_int.h"

#include <stdlib.h>

/* A flow or connection. */
struct item {
	bool used;
	uint32_t flow;
	struct addr src;
	uint16_t src_port;
	unsigned int worker;
	struct proof proof;
	bool split; /* seen at a second worker */
	struct proof split_proof;
};

struct tally {
	struct item *items; /* open addressing */
	size_t slots;
	uint64_t total, splits;
	const struct item *first_split;
	uint64_t *counts; /* by worker */
};

static uint64_t item_hash(const struct arrival *a, bool flows)
{
	uint64_t h = flows ? a->flow : addr_v4_value(&a->src) ^ (uint64_t)a->src_port << 32;

	for (size_t i = 0; !flows && i < sizeof(a->src.b); i++)
		h = (h ^ a->src.b[i]) * UINT64_C(0x100000001b3);
	return h * UINT64_C(0x9e3779b97f4a7c15) >> 20;
}

static bool item_is(const struct item *it, const struct arrival *a, bool flows)
{
	return flows ? it->flow == a->flow : it->src_port == a->src_port && addr_equal(&it->src, &a->src);
}

/* Earlier evidence may come later from another link: the first by its stamp is the one that counts. */
static void item_note(struct item *it, const struct arrival *a)
{
	if (it->worker == a->worker)
		return;
	it->split = true;
	it->split_proof = a->proof;
	if (instant_before(a->proof.time, it->proof.time)) {
		it->split_proof = it->proof;
		it->proof = a->proof;
		it->worker = a->worker;
	}
}

static void tally_add(struct tally *t, const struct arrival *a, bool flows)
{
	size_t i = item_hash(a, flows) & (t->slots - 1);

	while (t->items[i].used && !item_is(&t->items[i], a, flows))
		i = (i + 1) & (t->slots - 1);
	if (t->items[i].used) {
		item_note(&t->items[i], a);
		return;
	}
	t->items[i] = (struct item){.used = true,
				    .flow = a->flow,
				    .src = a->src,
				    .src_port = a->src_port,
				    .worker = a->worker,
				    .proof = a->proof};
	t->total++;
}

static bool belongs(const struct evaluation *e, const struct arrival *a)
{
	const struct judge_traffic *tr = &e->expect->traffic;

	if (tr->flows)
		return a->run == tr->run && a->flow < tr->count && addr_equal(&a->dst, &tr->vip);
	return addr_equal(&a->dst, &tr->vip) && a->dst_port == tr->port && !instant_before(a->proof.time, tr->since) &&
	       !instant_before(tr->until, a->proof.time);
}

static void tally_make(const struct evaluation *e, struct tally *t)
{
	bool flows = e->expect->traffic.flows;
	const struct arrival *at = flows ? e->j->flows.at : e->j->connections.at;
	size_t n = flows ? e->j->flows.len : e->j->connections.len, wanted = 0;

	for (size_t i = 0; i < n; i++)
		wanted += belongs(e, &at[i]);
	t->slots = 16;
	while (t->slots < wanted * 2)
		t->slots *= 2;
	t->items = memory_new(t->slots * sizeof(*t->items));
	t->counts = memory_new((e->j->lab.worker_count + 1) * sizeof(*t->counts));
	for (size_t i = 0; i < n; i++) {
		if (belongs(e, &at[i]))
			tally_add(t, &at[i], flows);
	}
	for (size_t i = 0; i < t->slots; i++) {
		const struct item *it = &t->items[i];

		if (!it->used)
			continue;
		t->counts[it->worker]++;
		t->splits += it->split;
		if (it->split && (t->first_split == NULL || it->flow < t->first_split->flow))
			t->first_split = it;
	}
}

static void tally_free(struct tally *t)
{
	free(t->items);
	free(t->counts);
}

/* The promise: equal shares over the next hops that the kernel had when the traffic began. */
static void weights_fill(const struct evaluation *e, double *ret)
{
	const struct judge_lab *lab = &e->j->lab;
	struct prefix p = prefix_host(&e->expect->traffic.vip);
	const struct addr *hops = NULL;
	size_t n = 0;

	/* The most specific route that the FIB had. */
	for (unsigned int len = p.len; n == 0 && len > 0; len--) {
		struct prefix shorter = prefix_make(&p.addr, len);

		hops = view_fib_at(e->j, &shorter, e->expect->traffic.since, &n);
	}
	for (unsigned int i = 0; i < lab->worker_count; i++) {
		ret[i] = n == 0 ? 1 : 0;
		for (size_t k = 0; k < n; k++) {
			if (addr_equal(&hops[k], &lab->workers[i].address))
				ret[i] = 1;
		}
	}
}

static const char *noun(const struct evaluation *e)
{
	return e->expect->traffic.flows ? "flows" : "connections";
}

static size_t shares_write(struct evaluation *e, const struct tally *t, const double *weights)
{
	const struct judge_lab *lab = &e->j->lab;
	struct judge_share *shares = arena_array(e->arena, lab->worker_count, sizeof(*shares));
	size_t members = 0;
	double sum = 0;

	for (unsigned int i = 0; i < lab->worker_count; i++) {
		sum += weights[i];
		members += weights[i] > 0;
	}
	for (unsigned int i = 0; i < lab->worker_count; i++)
		shares[i] = (struct judge_share){.worker = lab->workers[i].name,
						 .count = t->counts[i],
						 .expected = sum > 0 ? (double)t->total * weights[i] / sum : 0};
	e->finding->shares = shares;
	e->finding->share_count = lab->worker_count;
	return members;
}

static size_t used_workers(const struct evaluation *e, const struct tally *t)
{
	size_t used = 0;

	for (unsigned int i = 0; i < e->j->lab.worker_count; i++)
		used += t->counts[i] > 0;
	return used;
}

static const char *policy_sentence(struct evaluation *e)
{
	return arena_printf(
		e->arena,
		"The router hashes addresses only (%s), so that all %s of one client to one service take the "
		"same next hop; net.ipv4.fib_multipath_hash_policy=1 hashes ports too "
		"(multipath_hash: l4 in a scenario).",
		e->j->lab.hash_sysctl, noun(e));
}

/* What must be so before shares mean anything: all arrived, none at two workers. True when the verdict stands. */
static bool arrivals_faulty(struct evaluation *e, const struct tally *t)
{
	const struct judge_traffic *tr = &e->expect->traffic;

	if (t->splits > 0) {
		finding_frame(e, &t->first_split->proof);
		finding_frame(e, &t->first_split->split_proof);
		e->finding->verdict = JUDGE_FAIL;
		e->finding->seen =
			arena_printf(e->arena, "%lu of %lu %s came to more than one worker, %s port %u first",
				     (unsigned long)t->splits, (unsigned long)t->total, noun(e),
				     addr_text(&t->first_split->src).s, t->first_split->src_port);
		return true;
	}
	if (t->total < tr->count) {
		e->finding->seen = arena_printf(e->arena, "%lu of %u %s came to no worker",
						(unsigned long)(tr->count - t->total), tr->count, noun(e));
		evaluate_unfinished(e);
		return true;
	}
	return false;
}

static void equal_judge(struct evaluation *e, const struct tally *t, const double *weights, size_t members)
{
	struct judge_finding *f = e->finding;

	f->chi = judge_chi_square(t->counts, weights, e->j->lab.worker_count);
	f->detectable = judge_detectable_bias(members, t->total, JUDGE_ALPHA, JUDGE_POWER);
	f->flows_needed = judge_flows_needed(members, e->expect->detect, JUDGE_ALPHA, JUDGE_POWER);
	f->seen = arena_printf(e->arena, "%lu %s over %zu of %zu next hops, chi-square %.2f with %u degrees of freedom",
			       (unsigned long)t->total, noun(e), used_workers(e, t), members, f->chi.statistic,
			       f->chi.df);
	if (members < 2) {
		f->verdict = JUDGE_FAIL;
		f->seen = arena_printf(e->arena, "there %s %zu next hop%s to spread over", members == 1 ? "is" : "are",
				       members, members == 1 ? "" : "s");
	} else if (f->chi.p < JUDGE_ALPHA) {
		f->verdict = JUDGE_FAIL;
		if (used_workers(e, t) == 1 && e->j->lab.hash_addresses_only)
			f->why = policy_sentence(e);
	} else if (f->detectable > e->expect->detect) {
		f->verdict = JUDGE_INCONCLUSIVE;
		f->why = arena_printf(e->arena,
				      "Nothing speaks against equal shares, but %lu %s can only show a worker that is "
				      "short by %.0f %%; %lu are needed for %.0f %%.",
				      (unsigned long)t->total, noun(e), f->detectable * 100,
				      (unsigned long)f->flows_needed, e->expect->detect * 100);
	} else {
		f->verdict = JUDGE_PASS;
	}
}

void evaluate_spread_equal(struct evaluation *e)
{
	struct tally t = {0};
	double *weights = arena_array(e->arena, e->j->lab.worker_count, sizeof(*weights));
	size_t members;

	tally_make(e, &t);
	weights_fill(e, weights);
	members = shares_write(e, &t, weights);
	if (!arrivals_faulty(e, &t))
		equal_judge(e, &t, weights, members);
	tally_free(&t);
}

/* The worker that each client's traffic came to; more than one breaks the pin. */
struct pin {
	uint64_t count;
	unsigned int worker;
	bool broken;
};

static void pins_make(const struct evaluation *e, const struct tally *t, struct pin *pins)
{
	for (size_t i = 0; i < t->slots; i++) {
		const struct item *it = &t->items[i];

		for (size_t c = 0; it->used && c < e->j->lab.client_count; c++) {
			if (!addr_equal(&it->src, &e->j->lab.clients[c].address))
				continue;
			pins[c].broken = pins[c].broken || (pins[c].count > 0 && pins[c].worker != it->worker);
			pins[c].worker = it->worker;
			pins[c].count++;
		}
	}
}

static void pinned_judge(struct evaluation *e, const struct tally *t)
{
	struct judge_finding *f = e->finding;
	struct pin *pins = arena_array(e->arena, e->j->lab.client_count, sizeof(*pins));
	char *text = arena_strdup(e->arena, "");
	uint64_t least = UINT64_MAX;
	bool broken = false;

	pins_make(e, t, pins);
	for (size_t c = 0; c < e->j->lab.client_count; c++) {
		const char *name = e->j->lab.clients[c].name;

		if (pins[c].count == 0)
			continue;
		broken = broken || pins[c].broken;
		least = pins[c].count < least ? pins[c].count : least;
		text = pins[c].broken ? arena_printf(e->arena, "%s%s%s uses several workers", text,
						     *text != '\0' ? "; " : "", name)
				      : arena_printf(e->arena, "%s%sall %lu %s of %s came to %s", text,
						     *text != '\0' ? "; " : "", (unsigned long)pins[c].count, noun(e),
						     name, e->j->lab.workers[pins[c].worker].name);
	}
	f->seen = text;
	f->verdict = broken ? JUDGE_FAIL : least < 2 ? JUDGE_INCONCLUSIVE : JUDGE_PASS;
	if (f->verdict == JUDGE_PASS && e->j->lab.hash_addresses_only)
		f->why = policy_sentence(e);
}

void evaluate_spread_pinned(struct evaluation *e)
{
	struct tally t = {0};
	double *weights = arena_array(e->arena, e->j->lab.worker_count, sizeof(*weights));

	tally_make(e, &t);
	weights_fill(e, weights);
	(void)shares_write(e, &t, weights);
	e->finding->chi = judge_chi_square(t.counts, weights, e->j->lab.worker_count);
	if (!arrivals_faulty(e, &t))
		pinned_judge(e, &t);
	tally_free(&t);
}
