/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Expected values come from closed forms (df 2, 4), counting outcomes by hand, and simulated hashes. */
#include "judge.h"
#include "judge_int.h"
#include "rng.h"
#include "support.h"

#include <math.h>
#include <stdio.h>

#define assert_near(got, want, tolerance)                                                                              \
	do {                                                                                                           \
		double got_ = (got), want_ = (want);                                                                   \
		if (!(fabs(got_ - want_) <= (tolerance)))                                                              \
			fail_msg("%s: %.12g, not %.12g", #got, got_, want_);                                           \
	} while (0)

static const double ones[64] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
				1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
				1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

/* ---- Large samples ---- */

static void test_two_degrees(void **state)
{
	const uint64_t counts[] = {1100, 1000, 900};
	struct judge_chi_square chi = judge_chi_square(counts, ones, 3);

	(void)state;
	assert_near(chi.statistic, 20, 1e-9);
	assert_int_equal(chi.df, 2);
	assert_near(chi.p / exp(-10), 1, 1e-9); /* the tail of two degrees of freedom is exp(-x/2) */
	assert_false(chi.exact);
}

static void test_four_degrees(void **state)
{
	const uint64_t counts[] = {1100, 1000, 900, 1000, 1000};
	struct judge_chi_square chi = judge_chi_square(counts, ones, 5);

	(void)state;
	assert_near(chi.statistic, 20, 1e-9);
	assert_near(chi.p / (exp(-10) * 11), 1, 1e-9); /* exp(-x/2) (1 + x/2) */
}

static void test_weights(void **state)
{
	const uint64_t counts[] = {1000, 2000, 3000}, off[] = {1100, 2000, 2900};
	const double weights[] = {1, 2, 3};

	(void)state;
	assert_near(judge_chi_square(counts, weights, 3).p, 1, 1e-12);
	assert_near(judge_chi_square(off, weights, 3).statistic, 10 + 10.0 / 3, 1e-9);
}

static void test_degenerate(void **state)
{
	const uint64_t none[] = {0, 0, 0}, one[] = {7}, stray[] = {100, 100, 1};
	const double third_out[] = {1, 1, 0};

	(void)state;
	assert_near(judge_chi_square(none, ones, 3).p, 1, 0);
	assert_near(judge_chi_square(one, ones, 1).p, 1, 0);
	assert_int_equal(judge_chi_square(one, ones, 1).df, 0);
	assert_near(judge_chi_square(stray, third_out, 3).p, 0, 0);
	assert_int_equal(judge_chi_square(stray, third_out, 3).df, 1);
	assert_near(judge_chi_square(none, ones, 0).p, 1, 0);
	assert_int_equal(judge_flows_needed(1, 0.25, JUDGE_ALPHA, JUDGE_POWER), 0);
	assert_true(judge_flows_needed(3, 0, JUDGE_ALPHA, JUDGE_POWER) == UINT64_MAX);
	assert_true(judge_detectable_bias(3, 0, JUDGE_ALPHA, JUDGE_POWER) > 1);
	assert_true(judge_detectable_bias(1, 1000, JUDGE_ALPHA, JUDGE_POWER) > 1);
}

/* ---- Small samples ---- */

static const struct small {
	const char *name;
	uint64_t counts[6];
	size_t n;
	double p; /* outcomes counted by hand */
} small[] = {
	{"3 of 3 on one of three", {3, 0, 0}, 3, 3.0 / 27},
	{"2 and 1 of three", {2, 1, 0}, 3, 21.0 / 27},
	{"1 each", {1, 1, 1}, 3, 1},
	{"one flow", {0, 1, 0, 0, 0, 0}, 6, 1},
	{"10 heads", {10, 0}, 2, 2.0 / 1024},
	{"9 heads", {1, 9}, 2, 22.0 / 1024},
	{"15 on one of three", {0, 15, 0}, 3, 3.0 / 14348907},
	{"20 on one of four", {20, 0, 0, 0}, 4, 4 / 1099511627776.0},
};

static void test_small(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++) {
		struct judge_chi_square chi = judge_chi_square(small[i].counts, ones, small[i].n);

		assert_true(chi.exact);
		if (!(fabs(chi.p / small[i].p - 1) < 1e-9))
			fail_msg("%s: %.12g, not %.12g", small[i].name, chi.p, small[i].p);
	}
}

/* All outcomes of n flows over three members with weights 1, 1, 2, by brute force. */
static double outcomes_tail(unsigned int n, double statistic)
{
	double tail = 0;

	for (unsigned int a = 0; a <= n; a++) {
		for (unsigned int b = 0; a + b <= n; b++) {
			unsigned int c = n - a - b;
			double quarter = n / 4.0, half = n / 2.0;
			double x =
				pow(a - quarter, 2) / quarter + pow(b - quarter, 2) / quarter + pow(c - half, 2) / half;
			double log_p = lgamma(n + 1.0) - lgamma(a + 1.0) - lgamma(b + 1.0) - lgamma(c + 1.0) -
				       (a + b) * log(4) - c * log(2);

			tail += x >= statistic - 1e-9 ? exp(log_p) : 0;
		}
	}
	return tail;
}

/* A simulated p may be cautious, never bold. */
static void test_simulated(void **state)
{
	const uint64_t rows[][3] = {{3, 3, 6}, {1, 4, 7}, {6, 0, 6}, {0, 0, 12}, {10, 1, 1}, {12, 0, 0}};
	const double weights[] = {1, 1, 2};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct judge_chi_square chi = judge_chi_square(rows[i], weights, 3);
		double exact = outcomes_tail(12, chi.statistic);

		assert_true(chi.exact);
		assert_true(chi.p >= exact * 0.9);
		assert_true(chi.p <= exact * 2.2 + 2e-4);
	}
	/* All on one of weight 1: chance 4^-12, twice over for either of them, and doubled once more for caution. */
	assert_true(judge_chi_square(rows[5], weights, 3).p < 5 * pow(4, -12));
}

/* Where neither exact sums nor chi-square will do, a disaster must still fail. */
static void test_many_members_few_flows(void **state)
{
	uint64_t counts[64] = {0};

	(void)state;
	counts[17] = 300;
	assert_true(judge_chi_square(counts, ones, 64).p < JUDGE_ALPHA);
	memset(counts, 0, sizeof(counts));
	for (size_t i = 0; i < 300; i++)
		counts[i % 64]++;
	assert_true(judge_chi_square(counts, ones, 64).p > 0.5);
}

/* ---- Perfect and biased hashes ---- */

static void draw(struct rng *rng, uint64_t *counts, size_t members, unsigned int flows, double bias)
{
	double short_share = (1 - bias) / (double)members;

	memset(counts, 0, members * sizeof(*counts));
	for (unsigned int i = 0; i < flows; i++) {
		bool first = rng_unit(rng) < short_share;

		counts[first ? 0 : 1 + rng_below(rng, members - 1)]++;
	}
}

static void test_perfect_never_fails(void **state)
{
	const struct {
		size_t members;
		unsigned int flows;
	} shapes[] = {{2, 20}, {3, 30}, {3, 3000}, {8, 60}, {16, 2000}, {32, 100}};
	struct rng rng = {1};
	uint64_t counts[32];

	(void)state;
	for (unsigned int i = 0; i < 2000; i++) {
		size_t shape = i % 50 == 0 ? 1 + i / 50 % 5 : i % 10 == 0 ? 2 : 0; /* the costly ones more rarely */

		draw(&rng, counts, shapes[shape].members, shapes[shape].flows, 0);
		assert_true(judge_chi_square(counts, ones, shapes[shape].members).p >= JUDGE_ALPHA);
	}
}

/* At one false alarm in a thousand, 20000 samples have 20, and 6 to 39 but for one case in ten thousand (binomial). */
static void test_false_alarm_rate(void **state)
{
	struct rng rng = {2};
	unsigned int alarms = 0;
	uint64_t counts[3];

	(void)state;
	for (unsigned int i = 0; i < 20000; i++) {
		draw(&rng, counts, 3, 600, 0);
		alarms += judge_chi_square(counts, ones, 3).p < 1e-3;
	}
	assert_in_range(alarms, 6, 39);
}

/* Samples as large as flows_needed says find the bias as often as asked: 95 %, of 400 runs 365 or more but for one case in a
 * thousand. With half of that they don't. */
static void test_power(void **state)
{
	const struct {
		size_t members;
		double bias;
	} shapes[] = {{3, 0.25}, {2, 0.2}, {8, 0.4}, {16, 0.5}};
	struct rng rng = {3};

	(void)state;
	for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
		uint64_t counts[16],
			needed = judge_flows_needed(shapes[s].members, shapes[s].bias, JUDGE_ALPHA, JUDGE_POWER);
		unsigned int found = 0, found_half = 0;

		for (unsigned int i = 0; i < 400; i++) {
			draw(&rng, counts, shapes[s].members, (unsigned int)needed, shapes[s].bias);
			found += judge_chi_square(counts, ones, shapes[s].members).p < JUDGE_ALPHA;
			draw(&rng, counts, shapes[s].members, (unsigned int)needed / 2, shapes[s].bias);
			found_half += judge_chi_square(counts, ones, shapes[s].members).p < JUDGE_ALPHA;
		}
		if (found < 362 || found_half > 300)
			fail_msg("%zu members: found %u, with half %u of 400", shapes[s].members, found, found_half);
	}
}

static void test_needed_and_detectable_agree(void **state)
{
	(void)state;
	for (size_t members = 2; members <= 64; members *= 2) {
		for (double bias = 0.05; bias < 1; bias *= 2) {
			uint64_t needed = judge_flows_needed(members, bias, JUDGE_ALPHA, JUDGE_POWER);

			assert_true(judge_detectable_bias(members, needed, JUDGE_ALPHA, JUDGE_POWER) <= bias);
			assert_true(judge_detectable_bias(members, needed - 1, JUDGE_ALPHA, JUDGE_POWER) > bias);
		}
	}
}

/* The figures of the published table rest on Wilson and Hilferty's approximation of the critical values (30.3, 41.9, 57.4
 * instead of 27.6, 40.5, 56.5), so the true power is a few points higher. */
static void test_power_table(void **state)
{
	const struct {
		size_t members;
		unsigned int flows;
		double bias, power;
	} rows[] = {{3, 10000, 0.10, 0.95}, {3, 30000, 0.05, 0.78}, {8, 30000, 0.10, 0.72}, {16, 100000, 0.10, 0.95}};
	const struct {
		double df, critical;
	} approximated[] = {{2, 30.3}, {7, 41.9}, {15, 57.4}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		double noncentrality = rows[i].flows * rows[i].bias * rows[i].bias / (double)(rows[i].members - 1);

		assert_near(judge_power(rows[i].members, noncentrality, JUDGE_ALPHA), rows[i].power, 0.055);
	}
	for (size_t i = 0; i < sizeof(approximated) / sizeof(approximated[0]); i++) {
		double k = 2 / (9 * approximated[i].df), z = 4.753424;

		assert_near(approximated[i].df * pow(1 - k + z * sqrt(k), 3), approximated[i].critical, 0.05);
	}
	/* With that critical value, which has the chance exp(-30.3/2), the first row comes out to the digit. */
	assert_near(judge_power(3, 50, exp(-30.3 / 2)), 0.95, 0.0005);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_degrees),
		cmocka_unit_test(test_four_degrees),
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_degenerate),
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_simulated),
		cmocka_unit_test(test_many_members_few_flows),
		cmocka_unit_test(test_perfect_never_fails),
		cmocka_unit_test(test_false_alarm_rate),
		cmocka_unit_test(test_power),
		cmocka_unit_test(test_needed_and_detectable_agree),
		cmocka_unit_test(test_power_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
