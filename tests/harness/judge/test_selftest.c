/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The judge judged: samples of hashes that are perfect, and of hashes that are biased as planned, must fail as often as the
 * judge says that they do. With --table it prints how often the fixed rules of others are wrong beside it. */
#include "judge.h"
#include "judge_int.h"
#include "sample.h"
#include "support.h"

#include <math.h>
#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A measured rate may be off its promise once in a million rows; the seeds are fixed, so it is or is not. */
#define DOUBT 1e-6

static const double ones[64] = {[0 ... 63] = 1};

/* ---- False alarms ---- */

static const struct perfect {
	size_t members;
	const double *weights;
	uint64_t flows;
	unsigned int samples;
} perfect[] = {
	{2, ones, 60, 20000},
	{2, ones, 1000, 20000},
	{3, ones, 90, 20000},
	{3, ones, 3000, 20000},
	{4, ones, 400, 20000},
	{8, ones, 100, 8000},
	{8, ones, 2400, 20000},
	{16, ones, 160, 6000},
	{16, ones, 3200, 10000},
	{32, ones, 640, 3000},
	{64, ones, 640, 3000},
	{64, ones, 6500, 4000},
	{3, (const double[]){1, 1, 2}, 200, 20000},
	{4, (const double[]){1, 2, 3, 4}, 500, 10000},
	{8, (const double[]){1, 1, 1, 1, 2, 2, 4, 4}, 1600, 8000},
	{3, (const double[]){1, 50, 50}, 5000, 4000},
};

static unsigned int alarms_of(const struct perfect *row, struct rng *rng, double alpha)
{
	struct sample_table table;
	uint64_t counts[64];
	unsigned int alarms = 0;

	sample_table_fill(&table, row->weights, row->members);
	for (unsigned int i = 0; i < row->samples; i++) {
		sample_draw(&table, rng, row->flows, counts);
		alarms += judge_chi_square(counts, row->weights, row->members).p < alpha;
	}
	return alarms;
}

/* Small samples have few outcomes, so that their exact rate may lie below the nominal one; never above. */
static void test_false_alarms(void **state)
{
	struct rng rng = {20261};

	(void)state;
	for (size_t i = 0; i < COUNT(perfect); i++) {
		unsigned int alarms = alarms_of(&perfect[i], &rng, 1e-3);
		struct judge_interval rate = judge_interval(alarms, perfect[i].samples, DOUBT);
		bool coarse = perfect[i].flows < 100 * perfect[i].members;

		if (rate.low > 1e-3 || (rate.high < 1e-3 && !coarse))
			fail_msg("%zu members, %llu flows: %u false alarms in %u samples", perfect[i].members,
				 (unsigned long long)perfect[i].flows, alarms, perfect[i].samples);
	}
}

/* ---- Power ---- */

static const struct biased {
	size_t members;
	const double *weights; /* the first is the one that is hard to miss */
	double bias, alpha, power;
	unsigned int samples;
} biased[] = {
	{2, ones, 0.2, 1e-6, 0.95, 1000},
	{3, ones, 0.25, 1e-6, 0.95, 1000},
	{3, ones, 0.1, 1e-6, 0.99, 1000},
	{4, ones, 0.25, 1e-3, 0.9, 1000},
	{8, ones, 0.25, 1e-6, 0.95, 1000},
	{16, ones, 0.3, 1e-6, 0.95, 1000},
	{32, ones, 0.4, 1e-6, 0.9, 1000},
	{64, ones, 0.5, 1e-6, 0.95, 1000},
	{3, (const double[]){1, 1, 2}, 0.2, 1e-6, 0.95, 1000},
	{4, (const double[]){1, 2, 3, 4}, 0.25, 1e-6, 0.95, 1000},
	{8, (const double[]){1, 1, 1, 1, 2, 2, 4, 4}, 0.5, 1e-6, 0.95, 1000},
};

static unsigned int found_of(const struct biased *row, struct rng *rng, uint64_t flows, double bias)
{
	struct sample_table table;
	uint64_t counts[64];
	double weights[64];
	unsigned int found = 0;

	sample_bias(row->weights, row->members, bias, weights);
	sample_table_fill(&table, weights, row->members);
	for (unsigned int i = 0; i < row->samples; i++) {
		sample_draw(&table, rng, flows, counts);
		found += judge_chi_square(counts, row->weights, row->members).p < row->alpha;
	}
	return found;
}

/* The plan is for the harder of short and over: there the rate is the promised one, the other way it is no less. */
static void test_planned_power(void **state)
{
	struct rng rng = {20262};

	(void)state;
	for (size_t i = 0; i < COUNT(biased); i++) {
		const struct biased *row = &biased[i];
		uint64_t flows = judge_flows_needed_of(row->weights, row->members, row->bias, row->alpha, row->power);
		unsigned int less = found_of(row, &rng, flows, row->bias);
		unsigned int more = found_of(row, &rng, flows, -row->bias);
		unsigned int worse = less < more ? less : more;
		struct judge_interval rate = judge_interval(worse, row->samples, DOUBT);

		if (rate.high < row->power || rate.low > row->power)
			fail_msg("%zu members, %.2g in %llu flows: found %u short, %u over of %u", row->members,
				 row->bias, (unsigned long long)flows, less, more, row->samples);
	}
}

/* ---- The rules of others ---- */

/* What a rule says to the counts: true passes. */
typedef bool rule_fn(const uint64_t *counts, size_t n, double tolerance);

static bool rule_each(const uint64_t *counts, size_t n, double tolerance)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)counts[i];
	for (size_t i = 0; i < n; i++) {
		if (fabs((double)counts[i] * (double)n / sum - 1) > tolerance)
			return false;
	}
	return true;
}

static bool rule_absolute(const uint64_t *counts, size_t n, double tolerance)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)counts[i];
	return rule_each(counts, n, tolerance * (double)n);
}

static bool rule_ratio(const uint64_t *counts, size_t n, double tolerance)
{
	(void)n;
	return fabs((double)counts[0] / (double)counts[1] - 1) <= tolerance;
}

static bool rule_difference(const uint64_t *counts, size_t n, double tolerance)
{
	(void)n;
	return fabs((double)counts[0] - (double)counts[1]) / (double)(counts[0] + counts[1]) <= tolerance;
}

/* From `tolerance` below the mean to two and a half times as much above it: 80 to 150 %. */
static bool rule_lopsided(const uint64_t *counts, size_t n, double tolerance)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)counts[i];
	for (size_t i = 0; i < n; i++) {
		double of_mean = (double)counts[i] * (double)n / sum;

		if (of_mean < 1 - tolerance || of_mean > 1 + 2.5 * tolerance)
			return false;
	}
	return true;
}

static bool rule_every_one_hit(const uint64_t *counts, size_t n, double tolerance)
{
	(void)tolerance;
	for (size_t i = 0; i < n; i++) {
		if (counts[i] == 0)
			return false;
	}
	return true;
}

/* Who looks at the set of next hops alone lets every spread pass. */
static bool rule_set_only(const uint64_t *counts, size_t n, double tolerance)
{
	(void)counts;
	(void)n;
	(void)tolerance;
	return true;
}

static bool rule_spread(const uint64_t *counts, size_t n, double tolerance)
{
	uint64_t least = counts[0], most = counts[0];

	for (size_t i = 1; i < n; i++) {
		least = counts[i] < least ? counts[i] : least;
		most = counts[i] > most ? counts[i] : most;
	}
	return least > 0 && (double)(most - least) / (double)least <= tolerance;
}

/* The bias is the one that the rule draws its line at, so far as a member is short by it. */
static const struct rule {
	const char *who;
	rule_fn *passes;
	double tolerance;
	size_t members;
	uint64_t flows;
	double bias;
	unsigned int samples;
} rules[] = {
	{"kernel router_multipath, ratio 15 %", rule_ratio, 0.15, 2, 32769, 0.075, 1000},
	{"kernel custom hash, difference 20 %", rule_difference, 0.2, 2, 32769, 0.19, 1000},
	{"kernel custom hash, difference 20 %", rule_difference, 0.2, 2, 16384, 0.19, 1000},
	{"kernel seed, each of 10 hit in 100", rule_every_one_hit, 0, 10, 100, 0.5, 2000},
	{"SONiC, each within 25 %", rule_each, 0.25, 16, 1000, 0.25, 2000},
	{"SONiC, each within 25 %", rule_each, 0.25, 32, 8000, 0.25, 2000},
	{"SONiC, each within 25 %", rule_each, 0.25, 16, 16000, 0.25, 1000},
	{"SONiC, each within 25 %", rule_each, 0.25, 8, 80000, 0.2, 200},
	{"SONiC protocol, each from 80 to 150 %", rule_lopsided, 0.2, 16, 10000, 0.2, 1000},
	{"featureprofiles, each within 10 %", rule_each, 0.1, 8, 10000, 0.1, 1000},
	{"featureprofiles, each within 5 %", rule_each, 0.05, 4, 10000, 0.05, 1000},
	{"featureprofiles gRIBI, each within 2 %", rule_each, 0.02, 8, 100000, 0.02, 200},
	{"featureprofiles weights, 0.2 % absolute", rule_absolute, 0.002, 4, 100000, 0.008, 200},
	{"FBOSS, (most-least)/least 25 %", rule_spread, 0.25, 8, 10000, 0.18, 1000},
	{"FRR, Calico, MetalLB, netlab: set only", rule_set_only, 0, 3, 10000, 0.5, 500},
};

struct errors {
	unsigned int false_fails, wrong_passes, silent; /* silent: "inconclusive" to the biased ones */
};

static void errors_count(const struct rule *r, struct rng *rng, bool biased_hash, struct errors *theirs,
			 struct errors *ours)
{
	struct sample_table table;
	uint64_t counts[64], needed = judge_flows_needed(r->members, r->bias, JUDGE_ALPHA, JUDGE_POWER);
	double weights[64];

	sample_bias(ones, r->members, biased_hash ? r->bias : 0, weights);
	sample_table_fill(&table, weights, r->members);
	for (unsigned int i = 0; i < r->samples; i++) {
		bool alarm, pass;

		sample_draw(&table, rng, r->flows, counts);
		pass = r->passes(counts, r->members, r->tolerance);
		alarm = judge_rejects(judge_chi_square(counts, ones, r->members), JUDGE_ALPHA);
		theirs->false_fails += !biased_hash && !pass;
		theirs->wrong_passes += biased_hash && pass;
		ours->false_fails += !biased_hash && alarm;
		ours->wrong_passes += biased_hash && !alarm && r->flows >= needed;
		ours->silent += biased_hash && !alarm && r->flows < needed;
	}
}

static void row_print(const struct rule *r, const struct errors *theirs, const struct errors *ours)
{
	double n = r->samples / 100.0;

	printf("%-40s %7zu %7llu %6.1f %%  %6.1f %% %6.1f %%   %6.1f %% %6.1f %%  ", r->who, r->members,
	       (unsigned long long)r->flows, 100 * r->bias, theirs->false_fails / n, theirs->wrong_passes / n,
	       ours->false_fails / n, ours->wrong_passes / n);
	if (ours->silent > 0)
		printf("%5.1f %%, needs %llu\n", ours->silent / n,
		       (unsigned long long)judge_flows_needed(r->members, r->bias, JUDGE_ALPHA, JUDGE_POWER));
	else
		puts("    -");
}

static void rules_compare(bool print)
{
	struct rng rng = {20263};

	if (print)
		printf("%-40s %7s %7s %8s  %18s   %17s   %s\n", "rule", "members", "flows", "bias",
		       "rule: false/missed", "ours: false/missed", "inconclusive");
	for (size_t i = 0; i < COUNT(rules); i++) {
		struct errors theirs = {0}, ours = {0};

		errors_count(&rules[i], &rng, false, &theirs, &ours);
		errors_count(&rules[i], &rng, true, &theirs, &ours);
		if (print) {
			row_print(&rules[i], &theirs, &ours);
			continue;
		}
		if (ours.false_fails > 0 || ours.false_fails > theirs.false_fails ||
		    ours.wrong_passes > theirs.wrong_passes ||
		    ours.wrong_passes + ours.false_fails >= theirs.wrong_passes + theirs.false_fails)
			fail_msg("%s, %zu members: %u and %u errors, ours %u and %u", rules[i].who, rules[i].members,
				 theirs.false_fails, theirs.wrong_passes, ours.false_fails, ours.wrong_passes);
	}
}

static void test_rules(void **state)
{
	(void)state;
	rules_compare(false);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_false_alarms),
		cmocka_unit_test(test_planned_power),
		cmocka_unit_test(test_rules),
	};

	if (argc > 1 && strcmp(argv[1], "--table") == 0) {
		rules_compare(true);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
