/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What counts can say about promised shares: tests, intervals, sizes of effects, and the sample that a claim needs (libRmath
 * behind them). All of it is pure; what is drawn at random is drawn from a fixed seed, so that the same counts get the
 * same answer. Weights are shares up to a factor: 0 or more, finite, with a sum above 0. */
#ifndef ECMPLAB_STATISTICS_H
#define ECMPLAB_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The false-alarm rate of a verdict, and how surely a bias of the size that matters is found. */
#define JUDGE_ALPHA 1e-6
#define JUDGE_POWER 0.95
/* The smallest false-alarm rate that the tests are good for. */
#define JUDGE_ALPHA_MIN 1e-10

/* ---- Do the counts fit the shares? ---- */

struct judge_chi_square {
	double statistic;
	double p; /* chance of such counts, or worse, under the promised shares */
	unsigned int df;
	bool exact;    /* summed over the multinomial's outcomes, since the sample is small */
	double error;  /* relative standard error of a p that was drawn from the multinomial; 0: it was not */
	double effect; /* Cohen's w: 0.1 is small, 0.3 medium, 0.5 large whatever the sample */
};

/* Pearson's statistic and its chance: by the chi-square distribution where that is good, else from the multinomial. A flow
 * where none may go has the chance 0. */
struct judge_chi_square judge_chi_square(const uint64_t *counts, const double *weights, size_t n);
/* Whether the shares are disproved: also a drawn p has to be below alpha, with three of its standard errors to spare. */
bool judge_rejects(struct judge_chi_square chi, double alpha);

/* ---- How many flows does a claim need? ---- */

/* Flows needed so that one member short by `bias` (0.25: 25 %), or over by as much, is found with the power at the
 * false-alarm rate. 0 for fewer than two members, UINT64_MAX for what no number shows. */
uint64_t judge_flows_needed(size_t members, double bias, double alpha, double power);
/* The same with shares; the member with the least is the one that is hardest to miss. */
uint64_t judge_flows_needed_of(const double *weights, size_t n, double bias, double alpha, double power);
/* The smallest bias that `flows` over `members` can show with the power at the false-alarm rate; above 1: none can. */
double judge_detectable_bias(size_t members, uint64_t flows, double alpha, double power);
double judge_detectable_bias_of(const double *weights, size_t n, uint64_t flows, double alpha, double power);
/* How surely `flows` show the bias, whichever way the member is off. */
double judge_power_of(const double *weights, size_t n, uint64_t flows, double bias, double alpha);
/* The statistic from which on the verdict at alpha is "unequal". */
double judge_critical(size_t members, double alpha);

/* ---- Which member is off? ---- */

struct judge_interval {
	double low, high;
};

/* Clopper and Pearson's interval for the share behind `hits` of `trials`: it misses at most once in 1/alpha. */
struct judge_interval judge_interval(uint64_t hits, uint64_t trials, double alpha);
/* The chance of a count as far from the share, two-sided (twice the smaller exact tail). */
double judge_binomial_p(uint64_t hits, uint64_t trials, double share);
/* Holm's step-down correction, in place: of n p's compared with one alpha, at most one false alarm in 1/alpha over all. */
void judge_holm(double *p, size_t n);

struct judge_member {
	struct judge_interval share; /* of all flows; corrected for n by Bonferroni, so that all hold at once */
	double p;		     /* of its count, corrected for n by Holm */
	bool off;		     /* p < alpha */
};

void judge_members(const uint64_t *counts, const double *weights, size_t n, double alpha, struct judge_member *ret);

/* What others print. Loads are counts over shares; members without a share are left out. */
struct judge_balance {
	double variation;    /* coefficient of variation */
	double jain;	     /* 1: all equal, 1/n: one has all */
	double max_over_min; /* INFINITY when a member got none */
	double max_over_mean;
};

struct judge_balance judge_balance(const uint64_t *counts, const double *weights, size_t n);

/* ---- Do two stages decide independently? ---- */

struct judge_contingency {
	double statistic;
	double p;
	unsigned int df;
	double v;     /* Cramer: 0 independent, 1 the first stage decides all */
	size_t empty; /* cells that expect a flow or more and got none */
	uint64_t n;
	uint64_t needed; /* flows for which every cell expects five, below which p is not to be trusted */
};

/* table: rows * columns counts, row by row (row: first stage, column: second). Rows and columns without a count are left
 * out. */
struct judge_contingency judge_contingency(const uint64_t *table, size_t rows, size_t columns);

#endif
