/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Member by member: intervals, corrected chances, and the figures that others print. */
#include "judge_int.h"

#include <math.h>

#define MATHLIB_STANDALONE 1
#include <Rmath.h>

/* ---- One count ---- */

/* The share at which the tail of the count is alpha. By halving: the tail is monotonous, and known to the last digits. */
static double share_where(double hits, double trials, bool upper, double alpha)
{
	double low = 0, high = 1;

	for (int i = 0; i < 100 && low < high; i++) {
		double middle = (low + high) / 2;
		double tail = upper ? pbinom(hits, trials, middle, 1, 0) : pbinom(hits - 1, trials, middle, 0, 0);

		/* The upper end: the largest share under which so few come; the lower: the smallest under which so many do. */
		if ((tail > alpha) == upper)
			low = middle;
		else
			high = middle;
	}
	return upper ? high : low;
}

struct judge_interval judge_interval(uint64_t hits, uint64_t trials, double alpha)
{
	struct judge_interval ret = {0, 1};

	if (trials == 0 || hits > trials)
		return ret;
	if (hits > 0)
		ret.low = share_where((double)hits, (double)trials, false, alpha / 2);
	if (hits < trials)
		ret.high = share_where((double)hits, (double)trials, true, alpha / 2);
	return ret;
}

double judge_binomial_p(uint64_t hits, uint64_t trials, double share)
{
	double n = (double)trials, k = (double)hits;

	return fmin(1, 2 * fmin(pbinom(k, n, share, 1, 0), pbinom(k - 1, n, share, 0, 0)));
}

/* ---- All of them ---- */

struct ranked {
	double p;
	size_t index;
};

static int by_p(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	return x->p < y->p ? -1 : x->p > y->p;
}

void judge_holm(double *p, size_t n)
{
	struct ranked *order = memory_grow(NULL, n > 0 ? n : 1, sizeof(*order));
	double most = 0;

	for (size_t i = 0; i < n; i++)
		order[i] = (struct ranked){p[i], i};
	qsort(order, n, sizeof(*order), by_p);
	for (size_t i = 0; i < n; i++) {
		most = fmax(most, fmin(1, order[i].p * (double)(n - i)));
		p[order[i].index] = most;
	}
	free(order);
}

void judge_members(const uint64_t *counts, const double *weights, size_t n, double alpha, struct judge_member *ret)
{
	double *p = memory_grow(NULL, n > 0 ? n : 1, sizeof(*p));
	uint64_t flows = 0;
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		flows += counts[i];
		sum += weights[i];
	}
	for (size_t i = 0; i < n; i++) {
		ret[i].share = judge_interval(counts[i], flows, alpha / (double)n);
		p[i] = judge_binomial_p(counts[i], flows, fmin(weights[i] / sum, 1));
	}
	judge_holm(p, n);
	for (size_t i = 0; i < n; i++) {
		ret[i].p = p[i];
		ret[i].off = p[i] < alpha;
	}
	free(p);
}

/* ---- What others print ---- */

struct judge_balance judge_balance(const uint64_t *counts, const double *weights, size_t n)
{
	double sum = 0, squares = 0, most = 0, least = INFINITY, members = 0, mean, variance = 0;
	struct judge_balance ret = {.jain = 1, .max_over_min = 1, .max_over_mean = 1};

	for (size_t i = 0; i < n; i++) {
		double load = weights[i] > 0 ? (double)counts[i] / weights[i] : 0;

		if (!(weights[i] > 0))
			continue;
		members++;
		sum += load;
		squares += load * load;
		most = fmax(most, load);
		least = fmin(least, load);
	}
	if (!(sum > 0))
		return ret;
	mean = sum / members;
	for (size_t i = 0; i < n; i++) {
		double off = weights[i] > 0 ? (double)counts[i] / weights[i] - mean : 0;

		variance += off * off / members;
	}
	ret.variation = sqrt(variance) / mean;
	ret.jain = sum * sum / (members * squares);
	ret.max_over_min = least > 0 ? most / least : INFINITY;
	ret.max_over_mean = most / mean;
	return ret;
}
