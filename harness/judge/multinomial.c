/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tails of the multinomial distribution for samples too small for chi-square. */
#include "judge_int.h"
#include "rng.h"

#include <math.h>

#define MATHLIB_STANDALONE 1
#include <Rmath.h>

/* Steps that the exact sum may take: some hundredths of a second. */
#define EXACT_COST_MAX 3e8
#define SAMPLES_MAX 20000U
#define SAMPLES_MIN 1000U
#define DRAWS_MAX 1000000U
#define SIMULATION_SEED UINT64_C(0x65636d706c6162)

/* ---- Exact, equal shares ---- */

/* at[left * squares + sum]: the chance that the members so far left `left` flows over and have the sum of squares. */
struct sums {
	double *at, *next;
	double *chances; /* of the next member's count, for one `left` */
	size_t flows, squares;
};

/* Gives the next member its flows where `left` are left. Returns the chance that went over the sum. */
static double sums_step(struct sums *s, size_t left, size_t fewest)
{
	double over = 0;

	for (size_t sum = 0; sum < s->squares; sum++) {
		double chance = s->at[left * s->squares + sum];

		if (!(chance > 0))
			continue;
		for (size_t c = fewest; c <= left; c++) {
			size_t square = sum + c * c;

			if (square >= s->squares)
				over += chance * s->chances[c];
			else
				s->next[(left - c) * s->squares + square] += chance * s->chances[c];
		}
	}
	return over;
}

/* `members` are still without flows; one of them gets its own. */
static double sums_member(struct sums *s, size_t members)
{
	double over = 0, *swap = s->at;

	memset(s->next, 0, (s->flows + 1) * s->squares * sizeof(double));
	for (size_t left = 0; left <= s->flows; left++) {
		for (size_t c = 0; c <= left; c++)
			s->chances[c] = dbinom((double)c, (double)left, 1.0 / (double)members, 0);
		over += sums_step(s, left, members == 1 ? left : 0);
	}
	s->at = s->next;
	s->next = swap;
	return over;
}

static double sums_tail(size_t members, size_t flows, size_t squares)
{
	struct sums s = {.flows = flows, .squares = squares};
	size_t cells = (flows + 1) * squares;
	double tail = 0;

	s.at = memory_grow(NULL, cells, sizeof(double));
	s.next = memory_grow(NULL, cells, sizeof(double));
	s.chances = memory_grow(NULL, flows + 1, sizeof(double));
	memset(s.at, 0, cells * sizeof(double));
	s.at[flows * squares] = 1;
	for (size_t left = members; left > 0; left--)
		tail += sums_member(&s, left);
	free(s.at);
	free(s.next);
	free(s.chances);
	return fmin(tail, 1);
}

/* The chance that the squares of the members' counts sum up to `squares` or more, computed member by member. The sum of
 * squares orders outcomes as the chi-square statistic does when shares are equal. False when it would take too long. */
bool multinomial_equal_tail(size_t members, uint64_t flows, uint64_t squares, double *ret)
{
	/* Beyond this the tail is smaller than any alpha in use, and the tail from here on is an upper bound for it. */
	double df = (double)members - 1, far = df + 60 + 15 * sqrt(2 * df);
	double sum = fmin((double)squares, ceil((double)flows * (far + (double)flows) / (double)members));
	double most = fmin((double)flows, sqrt(sum)) + 1;

	if ((double)members * ((double)flows + 1) * sum * most > EXACT_COST_MAX)
		return false;
	*ret = sums_tail(members, (size_t)flows, (size_t)sum);
	return true;
}

/* ---- Simulated, any shares ---- */

static double total_of(const double *weights, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += weights[i];
	return sum;
}

/* The statistic of one sample of flows under the weights. */
static double sample_statistic(struct rng *rng, uint64_t flows, const double *weights, size_t n, double total)
{
	double left = (double)flows, rest = total, sum = 0;

	for (size_t i = 0; i < n; i++) {
		double expected = (double)flows * weights[i] / total, got;

		if (!(weights[i] > 0))
			continue;
		/* The last with a weight gets what is left, also where rest has lost its last digits. */
		got = left > 0 ? qbinom(rng_unit(rng), left, fmin(weights[i] / rest, 1), 1, 0) : 0;
		sum += (got - expected) * (got - expected) / expected;
		left -= got;
		rest -= weights[i];
	}
	return sum;
}

/* A bound on the chance that any member gets as many standard deviations too much as the worst here has. */
static double worst_member_tail(const uint64_t *counts, const double *weights, size_t n, uint64_t flows, double total)
{
	double worst = 0, sum = 0;

	for (size_t i = 0; i < n; i++) {
		double expected = (double)flows * weights[i] / total;

		if (expected > 0)
			worst = fmax(worst, ((double)counts[i] - expected) / sqrt(expected));
	}
	for (size_t i = 0; i < n; i++) {
		double share = weights[i] / total, expected = (double)flows * share;

		if (expected > 0)
			sum += pbinom(ceil(expected + worst * sqrt(expected) - 1e-9) - 1, (double)flows, share, 0, 0);
	}
	return fmin(sum, 1);
}

/* No simulation shows a chance below one in its samples, so the worst member's own tail stands beside it; twice the smaller
 * of the two is a valid p. Seeded, so that the same counts get the same p. */
double multinomial_simulated_tail(const uint64_t *counts, const double *weights, size_t n, double statistic)
{
	struct rng rng = {SIMULATION_SEED};
	double total = total_of(weights, n);
	uint64_t flows = 0;
	size_t samples = DRAWS_MAX / n, hits = 0;

	samples = samples > SAMPLES_MAX ? SAMPLES_MAX : samples < SAMPLES_MIN ? SAMPLES_MIN : samples;
	for (size_t i = 0; i < n; i++)
		flows += counts[i];
	for (size_t i = 0; i < samples; i++)
		hits += sample_statistic(&rng, flows, weights, n, total) >= statistic * (1 - 1e-9);
	return fmin(1, 2 * fmin((double)(hits + 1) / (double)(samples + 1),
				worst_member_tail(counts, weights, n, flows, total)));
}
