/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Expected values: mpmath with 40 digits, sums of fractions over all outcomes, and what is printed in Newcombe 1998 (intervals),
 * Agresti 2007 (contingency), Jain 1984 (fairness). */
#include "judge.h"
#include "judge_int.h"
#include "rng.h"
#include "sample.h"
#include "support.h"

#include <math.h>
#include <stdio.h>

#define assert_relative(got, want, tolerance)                                                                          \
	do {                                                                                                           \
		double got_ = (got), want_ = (want);                                                                   \
		if (!(fabs(got_ - want_) <= (tolerance)*fabs(want_)))                                                  \
			fail_msg("%s: %.15g, not %.15g", #got, got_, want_);                                           \
	} while (0)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- Tails ---- */

/* A statistic x by two or more members of 1e12 flows: the first is off by as much as makes it, the last takes the rest, so
 * that the test's own figure is compared, not one computed here. */
static void test_tails(void **state)
{
	static const struct {
		unsigned int df;
		double x, p;
	} rows[] = {
		{1, 0.5, 0.47950012218695346},	    {1, 23.928, 1.0000659581036867e-6},
		{2, 27.631, 1.0000105580200096e-6}, {3, 3.841, 0.2791530262600009},
		{7, 40.5, 1.0096826744814649e-6},   {15, 57.4, 7.0184445162623724e-7},
		{31, 80.25, 3.0537275035850842e-6}, {63, 139.75, 9.5321064421435874e-8},
		{63, 40.5, 0.98772565425886097},    {999, 1220.5, 1.7012057426263964e-6},
		{2, 200, 3.720075976020836e-44},    {15, 300.5, 4.4003516835951593e-55},
		{127, 90.25, 0.99433945708727706},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		/* Power without noncentrality is alpha itself: the mixture is its first term. */
		assert_relative(judge_power(rows[i].df + 1, 0, rows[i].p), rows[i].p, 1e-12);
		assert_relative(judge_critical(rows[i].df + 1, rows[i].p), rows[i].x, 1e-12);
	}
}

static void test_noncentral(void **state)
{
	static const struct {
		size_t members;
		double noncentrality, alpha, power;
	} rows[] = {
		{2, 20, 0.05, 0.99400047004895},       {3, 50, 1e-6, 0.971062465977279},
		{8, 60.5, 1e-6, 0.967095988141809},    {16, 30, 0.001, 0.707620970360754},
		{64, 105.25, 1e-6, 0.950241059986531}, {3, 2, 1e-9, 5.56273716006652e-7},
		{1000, 420, 1e-6, 0.999544020081537},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_relative(judge_power(rows[i].members, rows[i].noncentrality, rows[i].alpha), rows[i].power,
				1e-11);
}

/* ---- Small samples, any weights: fractions, summed over all outcomes ---- */

static const struct counted {
	uint64_t counts[6];
	double weights[6];
	size_t n;
	double p;
} counted[] = {
	{{3, 3, 6}, {1, 1, 2}, 3, 1.0},
	{{1, 4, 7}, {1, 1, 2}, 3, 0.518804550170898},
	{{12, 0, 0}, {1, 1, 2}, 3, 1.19209289550781e-7},
	{{0, 9, 1}, {1, 2, 3}, 3, 0.00129345040771224},
	{{2, 2, 2, 14}, {4, 3, 2, 1}, 4, 1.8867692332e-10},
	{{1, 0, 5, 2, 0}, {1, 2, 3, 4, 5}, 5, 0.0243269058741046},
	{{30, 5, 5}, {1, 1, 2}, 3, 3.61633665819134e-11},
	{{9, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 3}, 6, 4.23009498717875e-5},
};

static void test_counted(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(counted); i++) {
		struct judge_chi_square chi = judge_chi_square(counted[i].counts, counted[i].weights, counted[i].n);

		assert_true(chi.exact);
		assert_relative(chi.p, counted[i].p, 1e-9);
	}
}

/* What is drawn agrees with what is summed, within five of its own standard errors. */
static void test_drawn(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(counted); i++) {
		struct judge_chi_square chi = judge_chi_square(counted[i].counts, counted[i].weights, counted[i].n);
		double expected[6], sum = 0, flows = 0;
		struct drawn_p drawn;

		for (size_t m = 0; m < counted[i].n; m++) {
			sum += counted[i].weights[m];
			flows += (double)counted[i].counts[m];
		}
		for (size_t m = 0; m < counted[i].n; m++)
			expected[m] = flows * counted[i].weights[m] / sum;
		drawn = multinomial_drawn_tail(expected, counted[i].n, (uint64_t)flows, chi.statistic);
		if (!(fabs(drawn.p - counted[i].p) <= 5 * drawn.error * counted[i].p + 1e-11))
			fail_msg("row %zu: %.6g +- %.2g, not %.6g", i, drawn.p, drawn.error, counted[i].p);
		assert_true(drawn.error < 0.2);
	}
}

/* Equal shares, where the sum over squares is exact: every decade down to 1e-9. */
static void test_drawn_decades(void **state)
{
	static const struct {
		size_t members;
		uint64_t flows;
	} rows[] = {{2, 40}, {3, 30}, {4, 60}, {8, 40}, {16, 32}};
	double expected[16];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		double each = (double)rows[i].flows / (double)rows[i].members;

		for (size_t m = 0; m < rows[i].members; m++)
			expected[m] = each;
		for (double p = 0.1; p > 1e-9; p /= 10) {
			double least = each * (double)rows[i].flows;
			uint64_t squares = (uint64_t)ceil(judge_critical(rows[i].members, p) * each + least);
			double statistic = ((double)squares - least) / each, exact;
			struct drawn_p drawn =
				multinomial_drawn_tail(expected, rows[i].members, rows[i].flows, statistic);

			assert_true(multinomial_equal_tail(rows[i].members, rows[i].flows, squares, &exact));
			if (!(fabs(drawn.p - exact) <= 5 * drawn.error * exact + 1e-11))
				fail_msg("%zu members, %.3g: %.6g +- %.2g, not %.6g", rows[i].members, p, drawn.p,
					 drawn.error, exact);
		}
	}
}

/* Where one member far off and many a little off are as likely as each other: whole numbers, counted over all outcomes. */
static void test_drawn_far(void **state)
{
	static const struct {
		size_t members;
		uint64_t flows, squares;
		double p;
	} rows[] = {
		{8, 80, 986, 0.00970424515985},	  {8, 80, 1098, 0.000139657997005}, {8, 80, 1154, 1.71676050899e-05},
		{8, 80, 1206, 2.57412647172e-06}, {8, 80, 1308, 7.18605212212e-08}, {16, 80, 622, 0.000170901474693},
		{16, 80, 684, 4.2071678047e-06},
	};
	double expected[16];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		double each = (double)rows[i].flows / (double)rows[i].members;
		struct drawn_p drawn;

		for (size_t m = 0; m < rows[i].members; m++)
			expected[m] = each;
		drawn = multinomial_drawn_tail(expected, rows[i].members, rows[i].flows,
					       (double)rows[i].squares / each - (double)rows[i].flows);
		if (!(fabs(drawn.p - rows[i].p) <= 4 * drawn.error * rows[i].p) || drawn.error > 0.2)
			fail_msg("row %zu: %.6g +- %.2g, not %.6g", i, drawn.p, drawn.error, rows[i].p);
	}
}

/* The same counts get the same p, whenever and wherever. */
static void test_drawn_again(void **state)
{
	uint64_t counts[128];
	double weights[128];
	struct judge_chi_square first;

	(void)state;
	for (size_t i = 0; i < 128; i++) {
		counts[i] = 1 + i % 5 + i % 2;
		weights[i] = 1 + (double)(i % 5);
	}
	first = judge_chi_square(counts, weights, 128);
	if (!(first.error > 0 && first.error < 0.25))
		fail_msg("p %g, error %g", first.p, first.error);
	assert_true(judge_chi_square(counts, weights, 128).p >= first.p &&
		    judge_chi_square(counts, weights, 128).p <= first.p);
}

/* ---- Intervals and corrections ---- */

static void test_intervals(void **state)
{
	static const struct {
		uint64_t hits, trials;
		double alpha, low, high;
	} rows[] = {
		{0, 10, 0.05, 0.0, 0.30849710781876},
		{1, 10, 0.05, 0.0025285785444618, 0.4450161170282},
		{5, 10, 0.05, 0.1870860284474, 0.8129139715526},
		{10, 10, 0.05, 0.69150289218124, 1.0},
		{81, 263, 0.05, 0.25273674558527, 0.36762192260135},  /* Newcombe: .2527 to .3676 */
		{15, 148, 0.05, 0.057844010083449, 0.16165049034948}, /* .0578 to .1617 */
		{0, 20, 0.05, 0.0, 0.16843347098309},		      /* .0000 to .1684 */
		{1, 29, 0.05, 0.00087264688357992, 0.17764429548872}, /* .0009 to .1776 */
		{333, 1000, 1e-6, 0.2627572074717, 0.40869373399481},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct judge_interval got = judge_interval(rows[i].hits, rows[i].trials, rows[i].alpha);

		assert_relative(got.low, rows[i].low, 1e-11);
		assert_relative(got.high, rows[i].high, 1e-11);
	}
	assert_relative(judge_interval(0, 0, 0.05).high, 1, 0);
}

static void test_binomial(void **state)
{
	(void)state;
	assert_relative(judge_binomial_p(0, 10, 0.5), 0.001953125, 1e-12);
	assert_relative(judge_binomial_p(60, 100, 0.5), 0.0568879336409808, 1e-12);
	assert_relative(judge_binomial_p(300, 1000, 0.25), 0.000387180643898158, 1e-12);
	assert_relative(judge_binomial_p(5, 1000, 0.01), 0.132279023214504, 1e-12);
	assert_relative(judge_binomial_p(1700, 5000, 0.333), 0.30060103437249, 1e-11);
	assert_relative(judge_binomial_p(5, 10, 0.5), 1, 0);
}

static void test_holm(void **state)
{
	/* R: p.adjust(c(0.01, 0.02, 0.03, 0.005, 0.4), "holm") */
	double p[] = {0.01, 0.02, 0.03, 0.005, 0.4};
	const double want[] = {0.04, 0.06, 0.06, 0.025, 0.4};

	(void)state;
	judge_holm(p, 5);
	for (size_t i = 0; i < 5; i++)
		assert_relative(p[i], want[i], 1e-12);
	judge_holm(p, 0);
}

/* Only the member that is off is called so; the others make room for it and stay inside. */
static void test_members(void **state)
{
	const uint64_t counts[] = {2600, 3700, 3700};
	const double weights[] = {1, 1, 1};
	struct judge_member members[3];

	(void)state;
	judge_members(counts, weights, 3, 1e-6, members);
	assert_true(members[0].off);
	assert_true(members[0].share.high < 1.0 / 3);
	assert_true(members[1].off && members[2].off); /* 370 of 3333 too much: 7.8 standard deviations */
	judge_members((const uint64_t[]){3200, 3400, 3400}, weights, 3, 1e-6, members);
	for (size_t i = 0; i < 3; i++)
		assert_true(!members[i].off && members[i].share.low < 1.0 / 3 && members[i].share.high > 1.0 / 3);
}

static void test_balance(void **state)
{
	/* Jain: one of five users gets everything: 0.2; 1, 2, 3, 4, 5: 225 / (5 * 55). */
	const uint64_t one[] = {10, 0, 0, 0, 0}, stairs[] = {1, 2, 3, 4, 5}, fair[] = {10, 20, 0};
	const double ones[] = {1, 1, 1, 1, 1}, weights[] = {1, 2, 0};
	struct judge_balance b = judge_balance(one, ones, 5);

	(void)state;
	assert_relative(b.jain, 0.2, 1e-12);
	assert_true(isinf(b.max_over_min));
	assert_relative(b.max_over_mean, 5, 1e-12);
	b = judge_balance(stairs, ones, 5);
	assert_relative(b.jain, 225.0 / 275, 1e-12);
	assert_relative(b.variation, sqrt(2) / 3, 1e-12);
	assert_relative(b.max_over_min, 5, 1e-12);
	b = judge_balance(fair, weights, 3);
	assert_relative(b.jain, 1, 1e-12);
	assert_relative(b.max_over_min, 1, 1e-12);
	assert_relative(judge_balance(fair, weights, 0).jain, 1, 0);
}

/* ---- Two stages ---- */

static void test_contingency(void **state)
{
	/* Agresti 2007, party and gender: 30.07 with 2 degrees of freedom, p = 2.954e-07. */
	const uint64_t party[] = {762, 327, 468, 484, 239, 477}, diagonal[] = {50, 0, 0, 50}, lone[] = {1, 2, 3};
	struct judge_contingency c = judge_contingency(party, 2, 3);

	(void)state;
	assert_relative(c.statistic, 30.0701490957547, 1e-12);
	assert_int_equal(c.df, 2);
	assert_relative(c.p, 2.95358918321176e-07, 1e-11);
	assert_relative(c.v, sqrt(30.0701490957547 / 2757), 1e-12);
	assert_int_equal(c.empty, 0);
	c = judge_contingency(diagonal, 2, 2);
	assert_relative(c.v, 1, 1e-12);
	assert_int_equal(c.empty, 2);
	assert_relative(c.statistic, 100, 1e-12);
	assert_int_equal(c.needed, 20); /* 100 flows expect 25 a cell */
	c = judge_contingency(lone, 1, 3);
	assert_int_equal(c.df, 0);
	assert_relative(c.p, 1, 0);
}

/* ---- Planning ---- */

/* For two members all is one binomial count: power by its own normal tails, by hand. 2500 flows, 10 % short: the mean is
 * 1125 with deviation 24.875; "unequal" from 25 * 4.8916 = 122.29 off 1250, and 1127.7 lies 0.109 deviations above. */
static void test_power_by_hand(void **state)
{
	const double ones[] = {1, 1};

	(void)state;
	assert_relative(judge_power_of(ones, 2, 2500, 0.1, 1e-6), 0.5433, 2e-3);
	assert_relative(judge_power_of(ones, 2, 0, 0.1, 1e-6), 0, 0);
}

/* Sums over every count of the one member, short and over (the worse), by binomial and central chi-square in R. */
static void test_power_summed(void **state)
{
	static const struct {
		size_t members;
		uint64_t flows;
		double bias, power;
	} rows[] = {
		{3, 1488, 0.25, 0.941727},    {8, 1608, 0.5, 0.918251}, {16, 16420, 0.25, 0.932409},
		{64, 106037, 0.25, 0.934239}, {3, 5000, 0.1, 0.436718}, {8, 3000, 0.25, 0.235665},
	};
	double ones[64];

	(void)state;
	for (size_t i = 0; i < 64; i++)
		ones[i] = 1;
	for (size_t i = 0; i < COUNT(rows); i++) {
		double got = judge_power_of(ones, rows[i].members, rows[i].flows, rows[i].bias, 1e-6);

		if (!(fabs(got - rows[i].power) < 2e-3))
			fail_msg("row %zu: %.6f, not %.6f", i, got, rows[i].power);
	}
}

static void test_plan(void **state)
{
	const double equal[] = {1, 1, 1, 1}, uneven[] = {1, 1, 2}, huge[] = {1, 1, 1e6};
	uint64_t flows = judge_flows_needed(4, 0.1, 1e-6, 0.99);

	(void)state;
	assert_int_equal(judge_flows_needed_of(equal, 4, 0.1, 1e-6, 0.99), flows);
	assert_true(judge_power_of(equal, 4, flows, 0.1, 1e-6) >= 0.99);
	assert_true(judge_power_of(equal, 4, flows - 1, 0.1, 1e-6) < 0.99);
	/* A member of weight 1 among 4 has a quarter; three members are tested with fewer degrees of freedom than four. */
	assert_true(judge_flows_needed_of(uneven, 3, 0.1, 1e-6, 0.99) < flows);
	assert_true(judge_flows_needed_of(huge, 3, 0.1, 1e-6, 0.99) > 1000000000);
	assert_true(judge_flows_needed(2, 1e-9, 1e-6, 0.99) == UINT64_MAX);
	/* More than there is to have: all flows on one. */
	assert_true(judge_flows_needed(4, 5, 1e-6, 0.99) < 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tails),	      cmocka_unit_test(test_noncentral),
		cmocka_unit_test(test_counted),	      cmocka_unit_test(test_drawn),
		cmocka_unit_test(test_drawn_decades), cmocka_unit_test(test_drawn_again),
		cmocka_unit_test(test_drawn_far),     cmocka_unit_test(test_intervals),
		cmocka_unit_test(test_binomial),      cmocka_unit_test(test_holm),
		cmocka_unit_test(test_members),	      cmocka_unit_test(test_balance),
		cmocka_unit_test(test_contingency),   cmocka_unit_test(test_power_by_hand),
		cmocka_unit_test(test_power_summed),  cmocka_unit_test(test_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
