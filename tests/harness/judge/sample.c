/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sample.h"

#include <string.h>

void sample_table_fill(struct sample_table *t, const double *weights, size_t n)
{
	double sum = 0, part[SAMPLE_MEMBERS_MAX];
	size_t small[SAMPLE_MEMBERS_MAX], large[SAMPLE_MEMBERS_MAX], smalls = 0, larges = 0;

	t->n = n;
	for (size_t i = 0; i < n; i++)
		sum += weights[i];
	for (size_t i = 0; i < n; i++) {
		part[i] = weights[i] / sum * (double)n;
		t->keep[i] = 1;
		t->other[i] = i;
		if (part[i] < 1)
			small[smalls++] = i;
		else
			large[larges++] = i;
	}
	while (smalls > 0 && larges > 0) {
		size_t s = small[--smalls], l = large[larges - 1];

		t->keep[s] = part[s];
		t->other[s] = l;
		part[l] -= 1 - part[s];
		if (part[l] < 1) {
			larges--;
			small[smalls++] = l;
		}
	}
}

void sample_draw(const struct sample_table *t, struct rng *rng, uint64_t flows, uint64_t *counts)
{
	memset(counts, 0, t->n * sizeof(*counts));
	for (uint64_t i = 0; i < flows; i++) {
		double at = rng_unit(rng) * (double)t->n;
		size_t member = (size_t)at;

		counts[at - (double)member < t->keep[member] ? member : t->other[member]]++;
	}
}

void sample_bias(const double *weights, size_t n, double bias, double *ret)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += weights[i];
	ret[0] = weights[0] * (1 - bias);
	for (size_t i = 1; i < n; i++)
		ret[i] = weights[i] * (sum - ret[0]) / (sum - weights[0]);
}
