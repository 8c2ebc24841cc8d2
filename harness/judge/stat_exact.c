/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exact tails of the multinomial distribution: member by member when shares are equal, outcome by outcome else. */
#include "judge_int.h"

#include <math.h>

#define MATHLIB_STANDALONE 1
#include <Rmath.h>

/* Steps that the exact sum may take: some hundredths of a second. */
#define EXACT_COST_MAX 2e7
#define OUTCOMES_COST_MAX 1e6
#define FLOWS_MAX 1000U
#define MEMBERS_MAX 100000U

/* ---- Equal shares ---- */

/* at[left * squares + sum]: the chance that the members so far leave `left` flows over and have the sum of squares. */
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
 * squares orders outcomes as Pearson's statistic does when shares are equal. False when it would take too long. */
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

/* ---- Any shares ---- */

/* An outcome, counted on like the digits of a number; what the first i members have cost so far stands at i. */
struct outcome {
	const double *expected;
	size_t members;
	uint64_t flows;
	uint64_t *count, *left;
	double *statistic, *log_chance;
	const double *log_factorial; /* up to flows */
};

static void outcome_give(struct outcome *o, size_t i, uint64_t count)
{
	double off = (double)count - o->expected[i];

	o->count[i] = count;
	o->left[i + 1] = o->left[i] - count;
	o->statistic[i + 1] = o->statistic[i] + off * off / o->expected[i];
	o->log_chance[i + 1] =
		o->log_chance[i] + (double)count * log(o->expected[i] / (double)o->flows) - o->log_factorial[count];
}

/* The first outcome whose first i members are as they are. */
static void outcome_fill(struct outcome *o, size_t i)
{
	for (; i + 1 < o->members; i++)
		outcome_give(o, i, 0);
	outcome_give(o, i, o->left[i]);
}

static bool outcome_next(struct outcome *o)
{
	for (size_t i = o->members - 1; i-- > 0;) {
		if (o->left[i + 1] == 0)
			continue;
		outcome_give(o, i, o->count[i] + 1);
		outcome_fill(o, i + 1);
		return true;
	}
	return false;
}

static double outcomes_tail(struct outcome *o, double statistic)
{
	double tail = 0;

	outcome_fill(o, 0);
	do {
		if (o->statistic[o->members] >= statistic * (1 - STAT_TIE))
			tail += exp(o->log_chance[o->members]);
	} while (outcome_next(o));
	return fmin(tail, 1);
}

/* The sum over all outcomes whose statistic is as large or larger. False when there are too many. */
bool multinomial_counted_tail(const double *expected, size_t members, uint64_t flows, double statistic, double *ret)
{
	struct outcome o = {.expected = expected, .members = members, .flows = flows};
	struct arena arena = {0};
	double *log_factorial;

	if (flows > FLOWS_MAX || members > MEMBERS_MAX ||
	    choose((double)(flows + members - 1), (double)(members - 1 < flows ? members - 1 : flows)) *
			    (double)members >
		    OUTCOMES_COST_MAX)
		return false;
	log_factorial = arena_array(&arena, flows + 1, sizeof(double));
	for (uint64_t i = 1; i <= flows; i++)
		log_factorial[i] = log_factorial[i - 1] + log((double)i);
	o.log_factorial = log_factorial;
	o.count = arena_array(&arena, members, sizeof(*o.count));
	o.left = arena_array(&arena, members + 1, sizeof(*o.left));
	o.statistic = arena_array(&arena, members + 1, sizeof(double));
	o.log_chance = arena_array(&arena, members + 1, sizeof(double));
	o.left[0] = flows;
	o.log_chance[0] = log_factorial[flows];
	*ret = outcomes_tail(&o, statistic);
	arena_clear(&arena);
	return true;
}
