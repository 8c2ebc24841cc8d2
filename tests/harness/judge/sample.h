/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts as a hash gives them: each flow to a member, by its share, independent of all others. */
#ifndef ECMPLAB_TEST_SAMPLE_H
#define ECMPLAB_TEST_SAMPLE_H

#include "rng.h"

#include <stddef.h>
#include <stdint.h>

#define SAMPLE_MEMBERS_MAX 256U

/* Walker's table (1977), filled as Vose (1991) does. */
struct sample_table {
	size_t n;
	double keep[SAMPLE_MEMBERS_MAX];
	size_t other[SAMPLE_MEMBERS_MAX];
};

void sample_table_fill(struct sample_table *t, const double *weights, size_t n);
void sample_draw(const struct sample_table *t, struct rng *rng, uint64_t flows, uint64_t *counts);
/* The weights when member 0 is short by bias (over by it when it is negative) and the others share the rest as before. */
void sample_bias(const double *weights, size_t n, double bias, double *ret);

#endif
