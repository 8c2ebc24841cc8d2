/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Goodness of fit and its power. Distributions are libRmath's. */
#include "judge.h"
#include "rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MATHLIB_STANDALONE
#include <Rmath.h>

/* Below this the chi-square distribution is no fair picture of the statistic's (Cochran 1954). */
#define EXPECTED_LEAST 5.0
/* Enough to put a p below 1e-6 where none of the samples is as far off. */
#define SAMPLES 2000000U
/* Once so many samples were as far off, p is known well enough. */
#define SAMPLES_SURE 400U

static double statistic_of(const uint64_t *counts, const double *expected, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		double off = (double)counts[i] - expected[i];

		if (expected[i] > 0)
			sum += off * off / expected[i];
		else if (counts[i] > 0)
			return INFINITY;
	}
	return sum;
}

/* One sample of the multinomial: each flow draws its member. */
static void sample(struct rng *rng, uint64_t total, const double *upto, uint64_t *ret, size_t n)
{
	memset(ret, 0, n * sizeof(*ret));
	for (uint64_t k = 0; k < total; k++) {
		double draw = rng_unit(rng) * upto[n - 1];
		size_t i = 0;

		while (i + 1 < n && draw >= upto[i])
			i++;
		ret[i]++;
	}
}

/* The chance of a statistic as large, by simulation with a fixed seed: the same counts always give the same p. */
static double simulated_p(double statistic, uint64_t total, const double *expected, size_t n)
{
	struct rng rng = {UINT64_C(0x6a75646765)};
	uint64_t *counts = memory_new(n * sizeof(*counts));
	double *upto = memory_new(n * sizeof(*upto));
	unsigned int as_far = 0, done = 0;

	for (size_t i = 0; i < n; i++)
		upto[i] = expected[i] + (i > 0 ? upto[i - 1] : 0);
	while (done < SAMPLES && as_far < SAMPLES_SURE) {
		sample(&rng, total, upto, counts, n);
		as_far += statistic_of(counts, expected, n) >= statistic - 1e-9;
		done++;
	}
	free(counts);
	free(upto);
	return (as_far + 1.0) / (done + 1.0);
}

struct judge_chi_square judge_chi_square(const uint64_t *counts, const double *weights, size_t n)
{
	struct judge_chi_square c = {.p = 1};
	double *expected = memory_new(n * sizeof(*expected));
	double weight = 0, least = INFINITY;
	uint64_t total = 0;

	for (size_t i = 0; i < n; i++) {
		weight += weights[i];
		total += counts[i];
	}
	for (size_t i = 0; i < n; i++) {
		expected[i] = weight > 0 ? (double)total * weights[i] / weight : 0;
		least = fmin(least, expected[i]);
		c.df += expected[i] > 0;
	}
	c.df = c.df > 0 ? c.df - 1 : 0;
	c.statistic = statistic_of(counts, expected, n);
	c.exact = least < EXPECTED_LEAST;
	if (isinf(c.statistic))
		c.p = 0;
	else if (total > 0 && c.df > 0)
		c.p = c.exact ? simulated_p(c.statistic, total, expected, n) : pchisq(c.statistic, c.df, 0, 0);
	free(expected);
	return c;
}

/* The non-centrality that a chi-square test at alpha needs for the power. */
static double noncentrality(size_t members, double alpha, double power)
{
	double df = (double)members - 1, critical = qchisq(alpha, df, 0, 0);
	double low = 0, high = 1;

	while (pnchisq(critical, df, high, 0, 0) < power && high < 1e9)
		high *= 2;
	for (int i = 0; i < 60; i++) {
		double middle = (low + high) / 2;

		if (pnchisq(critical, df, middle, 0, 0) < power)
			low = middle;
		else
			high = middle;
	}
	return high;
}

/* One of N members short by b, the others sharing what it lacks: the non-centrality is flows * b^2 / (N - 1). */
uint64_t judge_flows_needed(size_t members, double bias, double alpha, double power)
{
	if (members < 2 || bias <= 0)
		return 0;
	return (uint64_t)ceil(noncentrality(members, alpha, power) * (double)(members - 1) / (bias * bias));
}

double judge_detectable_bias(size_t members, uint64_t flows, double alpha, double power)
{
	if (members < 2 || flows == 0)
		return INFINITY;
	return sqrt(noncentrality(members, alpha, power) * (double)(members - 1) / (double)flows);
}
