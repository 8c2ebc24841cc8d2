/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a sample of a size can show. The bias is that of one member, short or over, while the others share the rest as
 * promised. The member's own count is binomial and near normal; given it, what the others add to the statistic is central
 * chi-square, stretched. So the power is one integral, good also for large biases, where the noncentral distribution,
 * which takes the spread of the counts for that of a perfect hash, is several per cent off. */
#include "judge_int.h"

#include <math.h>

#define MATHLIB_STANDALONE 1
#include <Rmath.h>

/* What "no bias can be shown" looks like; a number, so that every format can carry it. */
#define BIAS_NONE 1000.0
#define FLOWS_MAX 1e18
/* The integral: standard deviations to either side, and its steps. */
#define REACH 8.0
#define STEPS 160
/* Terms of less weight don't show in a sum of doubles. */
#define TERM_MIN 1e-18

/* ---- The noncentral distribution, for what knows only its noncentrality ---- */

/* The j-th term of the upper tail as a Poisson mixture of central ones. */
static double term(double x, double df, double noncentrality, int64_t j, double *ret_weight)
{
	*ret_weight = dpois((double)j, noncentrality / 2, 0);
	return *ret_weight * pchisq(x, df + 2 * (double)j, 0, 0);
}

/* From the likeliest term outwards: no term is subtracted. */
static double noncentral_tail(double x, double df, double noncentrality)
{
	int64_t middle = (int64_t)floor(noncentrality / 2);
	double sum = 0, weight = 1;

	for (int64_t j = middle; j >= 0 && weight >= TERM_MIN; j--)
		sum += term(x, df, noncentrality, j, &weight);
	weight = 1;
	for (int64_t j = middle + 1; weight >= TERM_MIN; j++)
		sum += term(x, df, noncentrality, j, &weight);
	return fmin(sum, 1);
}

double judge_critical(size_t members, double alpha)
{
	return members < 2 ? 0 : qchisq(alpha, (double)members - 1, 0, 0);
}

double judge_power(size_t members, double noncentrality, double alpha)
{
	return noncentral_tail(judge_critical(members, alpha), (double)members - 1, noncentrality);
}

/* ---- One member off ---- */

struct claim {
	size_t members;
	double share; /* the member's, as promised */
	double critical;
	double power;
};

/* Of the members with a share, the one with the least: a bias of its own adds least to the statistic. */
static struct claim claim_of(const double *weights, size_t n, double alpha, double power)
{
	struct claim c = {.share = 1, .power = power};
	double sum = 0, least = INFINITY;

	for (size_t i = 0; i < n; i++) {
		if (!(weights[i] > 0))
			continue;
		c.members++;
		sum += weights[i];
		least = fmin(least, weights[i]);
	}
	c.share = c.members > 0 ? least / sum : 1;
	c.critical = judge_critical(c.members, alpha);
	return c;
}

static struct claim claim_equal(size_t members, double alpha, double power)
{
	return (struct claim){members, members > 0 ? 1.0 / (double)members : 1, judge_critical(members, alpha), power};
}

/* The chance of the verdict "unequal", given the member's count. */
static double found_given(const struct claim *c, double flows, double count)
{
	double expected = flows * c->share, rest = flows - expected, others = flows - count;
	double own = (count - expected) * (count - expected) * (1 / expected + 1 / rest);

	if (own >= c->critical)
		return 1;
	if (c->members == 2 || !(others > 0))
		return 0;
	return pchisq((c->critical - own) * rest / others, (double)c->members - 2, 0, 0);
}

static double found(const struct claim *c, double flows, double share)
{
	double mean = flows * share, deviation = sqrt(flows * share * (1 - share)), sum = 0, all = 0;

	if (!(deviation > 0))
		return found_given(c, flows, mean);
	if (c->members == 2) { /* without steps, for there is nothing to integrate */
		double reach = sqrt(c->critical * flows * c->share * (1 - c->share));

		return pnorm(flows * c->share - reach, mean, deviation, 1, 0) +
		       pnorm(flows * c->share + reach, mean, deviation, 0, 0);
	}
	for (int i = 0; i <= STEPS; i++) {
		double z = REACH * (2.0 * i / STEPS - 1), weight = exp(-z * z / 2);

		sum += weight * found_given(c, flows, fmax(0, fmin(mean + z * deviation, flows)));
		all += weight;
	}
	return sum / all;
}

/* The worse of both ways of being off, as far as they exist: no share goes below 0 or above 1. */
static double power_at(const struct claim *c, double flows, double bias)
{
	double less = c->share * (1 - bias), more = c->share * (1 + bias);
	double power = 1;

	if (more < 1)
		power = fmin(power, found(c, flows, more));
	if (less >= 0)
		power = fmin(power, found(c, flows, less));
	return more < 1 || less >= 0 ? power : found(c, flows, 1);
}

double judge_power_of(const double *weights, size_t n, uint64_t flows, double bias, double alpha)
{
	struct claim c = claim_of(weights, n, alpha, 0);

	return c.members < 2 || flows == 0 ? 0 : power_at(&c, (double)flows, bias);
}

static uint64_t needed(const struct claim *c, double bias)
{
	double low = 0, high = 1;

	if (c->members < 2)
		return 0;
	if (!(bias > 0))
		return UINT64_MAX;
	while (high < FLOWS_MAX && power_at(c, high, bias) < c->power) {
		low = high;
		high *= 2;
	}
	if (!(high < FLOWS_MAX))
		return UINT64_MAX;
	while (high - low > 1) {
		double middle = floor(low + (high - low) / 2);

		if (power_at(c, middle, bias) < c->power)
			low = middle;
		else
			high = middle;
	}
	return (uint64_t)high;
}

static double detectable(const struct claim *c, double flows)
{
	double low = 0, high = 1;

	if (c->members < 2 || !(flows > 0) || power_at(c, flows, 1) < c->power)
		return BIAS_NONE;
	for (int i = 0; i < 40; i++) {
		double middle = (low + high) / 2;

		if (power_at(c, flows, middle) < c->power)
			low = middle;
		else
			high = middle;
	}
	return high;
}

uint64_t judge_flows_needed(size_t members, double bias, double alpha, double power)
{
	struct claim c = claim_equal(members, alpha, power);

	return needed(&c, bias);
}

uint64_t judge_flows_needed_of(const double *weights, size_t n, double bias, double alpha, double power)
{
	struct claim c = claim_of(weights, n, alpha, power);

	return needed(&c, bias);
}

double judge_detectable_bias(size_t members, uint64_t flows, double alpha, double power)
{
	struct claim c = claim_equal(members, alpha, power);

	return detectable(&c, (double)flows);
}

double judge_detectable_bias_of(const double *weights, size_t n, uint64_t flows, double alpha, double power)
{
	struct claim c = claim_of(weights, n, alpha, power);

	return detectable(&c, (double)flows);
}
