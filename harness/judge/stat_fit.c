/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is a spread compatible with the promised shares? Pearson's test, with the chance from whatever is right for the sample. */
#include "judge_int.h"

#include <math.h>

#define MATHLIB_STANDALONE 1
#include <Rmath.h>

/* Up to the first the chi-square distribution is no good description of the statistic; up to the second it still is not in
 * the far tail, where verdicts are made. */
#define EXPECTED_MIN 5.0
#define EXPECTED_SURE 100.0
#define TAIL 0.002

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

/* The members that have a share. */
static double *expected_of(const double *weights, size_t n, const struct shape *s)
{
	double *expected = memory_grow(NULL, s->members, sizeof(*expected));
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		if (weights[i] > 0)
			expected[at++] = (double)s->flows * weights[i] / s->weights;
	}
	return expected;
}

static void from_multinomial(const uint64_t *counts, const double *weights, size_t n, const struct shape *s,
			     struct judge_chi_square *ret)
{
	double *expected = expected_of(weights, n, s);

	if ((s->equal && multinomial_equal_tail(s->members, s->flows, squares_of(counts, n), &ret->p)) ||
	    multinomial_counted_tail(expected, s->members, s->flows, ret->statistic, &ret->p)) {
		ret->exact = true;
	} else {
		struct drawn_p drawn = multinomial_drawn_tail(expected, s->members, s->flows, ret->statistic);

		ret->p = drawn.p;
		ret->error = drawn.error;
	}
	free(expected);
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
	ret.effect = sqrt(ret.statistic / (double)s.flows);
	ret.p = pchisq(ret.statistic, ret.df, 0, 0);
	if (s.smallest <= EXPECTED_MIN || (s.smallest < EXPECTED_SURE && ret.p < TAIL))
		from_multinomial(counts, weights, n, &s, &ret);
	return ret;
}

bool judge_rejects(struct judge_chi_square chi, double alpha)
{
	return chi.p * (1 + 3 * chi.error) < alpha;
}
