/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is a spread compatible with the promised shares, and what could a sample of that size have shown? */
#include "judge_int.h"

#include <math.h>

#define MATHLIB_STANDALONE 1
#include <Rmath.h>

/* Below it the chi-square distribution is no good description of the statistic. */
#define EXPECTED_MIN 5.0
/* What "no bias can be shown" looks like; a number, so that every format can carry it. */
#define BIAS_NONE 1000.0

/* Members with a share, the smallest of which expects `smallest`. */
struct shape {
	uint64_t flows;
	double weights;
	size_t members;
	double smallest;
	bool equal;
	bool impossible; /* a flow went where none may */
};

static struct shape shape_of(const uint64_t *counts, const double *weights, size_t n)
{
	struct shape s = {.equal = true};
	double first = 0, least = 0;

	for (size_t i = 0; i < n; i++) {
		s.flows += counts[i];
		if (!(weights[i] > 0)) {
			s.impossible = s.impossible || counts[i] > 0;
			continue;
		}
		first = s.members == 0 ? weights[i] : first;
		least = s.members == 0 || weights[i] < least ? weights[i] : least;
		s.equal = s.equal && weights[i] <= first && weights[i] >= first;
		s.weights += weights[i];
		s.members++;
	}
	s.smallest = s.members > 0 ? (double)s.flows * least / s.weights : 0;
	return s;
}

static double statistic_of(const uint64_t *counts, const double *weights, size_t n, const struct shape *s)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		double expected = (double)s->flows * weights[i] / s->weights;
		double off = (double)counts[i] - expected;

		if (expected > 0)
			sum += off * off / expected;
	}
	return sum;
}

static uint64_t squares_of(const uint64_t *counts, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += counts[i] * counts[i];
	return sum;
}

struct judge_chi_square judge_chi_square(const uint64_t *counts, const double *weights, size_t n)
{
	struct shape s = shape_of(counts, weights, n);
	struct judge_chi_square ret = {.p = 1, .df = s.members > 0 ? (unsigned int)(s.members - 1) : 0};

	if (s.impossible) {
		ret.p = 0;
		return ret;
	}
	if (s.flows == 0 || s.members < 2)
		return ret;
	ret.statistic = statistic_of(counts, weights, n, &s);
	if (s.equal && s.flows <= UINT32_MAX &&
	    multinomial_equal_tail(s.members, s.flows, squares_of(counts, n), &ret.p)) {
		ret.exact = true;
	} else if (s.smallest < EXPECTED_MIN) {
		ret.p = multinomial_simulated_tail(counts, weights, n, ret.statistic);
		ret.exact = true;
	} else {
		ret.p = pchisq(ret.statistic, ret.df, 0, 0);
	}
	return ret;
}

double judge_power(size_t members, double noncentrality, double alpha)
{
	double df = (double)members - 1;

	return pnchisq(qchisq(alpha, df, 0, 0), df, noncentrality, 0, 0);
}

/* The noncentrality that is found with the power. */
static double noncentrality_for(size_t members, double alpha, double power)
{
	double low = 0, high = 1;

	while (judge_power(members, high, alpha) < power && high < 1e6)
		high *= 2;
	for (int i = 0; i < 40; i++) {
		double middle = (low + high) / 2;

		if (judge_power(members, middle, alpha) < power)
			low = middle;
		else
			high = middle;
	}
	return high;
}

/* One of N members has the share (1-b)/N and the others share the rest equally: each flow adds b*b/(N-1) to the
 * noncentrality. */
uint64_t judge_flows_needed(size_t members, double bias, double alpha, double power)
{
	double flows;

	if (members < 2)
		return 0;
	if (!(bias > 0))
		return UINT64_MAX;
	flows = ceil(noncentrality_for(members, alpha, power) * (double)(members - 1) / (bias * bias));
	return flows < 1e18 ? (uint64_t)flows : UINT64_MAX;
}

double judge_detectable_bias(size_t members, uint64_t flows, double alpha, double power)
{
	double bias;

	if (members < 2 || flows == 0)
		return BIAS_NONE;
	bias = sqrt(noncentrality_for(members, alpha, power) * (double)(members - 1) / (double)flows);
	return bias < BIAS_NONE ? bias : BIAS_NONE;
}
