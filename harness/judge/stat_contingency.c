/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two stages of hashing: does the first one's choice tell something of the second's? */
#include "judge_int.h"

#include <math.h>

#define MATHLIB_STANDALONE 1
#include <Rmath.h>

#define EXPECTED_MIN 5.0

struct margins {
	double *rows, *columns;
	size_t row_count, column_count; /* those with a count */
	double n;
};

static void margins_fill(struct margins *m, const uint64_t *table, size_t rows, size_t columns)
{
	for (size_t r = 0; r < rows; r++) {
		for (size_t c = 0; c < columns; c++) {
			double count = (double)table[r * columns + c];

			m->rows[r] += count;
			m->columns[c] += count;
			m->n += count;
		}
	}
	for (size_t r = 0; r < rows; r++)
		m->row_count += m->rows[r] > 0;
	for (size_t c = 0; c < columns; c++)
		m->column_count += m->columns[c] > 0;
}

static void cell(struct judge_contingency *ret, double count, double expected, double *least)
{
	if (!(expected > 0))
		return;
	ret->statistic += (count - expected) * (count - expected) / expected;
	ret->empty += expected >= 1 && !(count > 0);
	*least = fmin(*least, expected);
}

struct judge_contingency judge_contingency(const uint64_t *table, size_t rows, size_t columns)
{
	struct arena arena = {0};
	struct margins m = {.rows = arena_array(&arena, rows, sizeof(double)),
			    .columns = arena_array(&arena, columns, sizeof(double))};
	struct judge_contingency ret = {.p = 1};
	double least = INFINITY, narrow;

	margins_fill(&m, table, rows, columns);
	ret.n = (uint64_t)m.n;
	if (m.row_count >= 2 && m.column_count >= 2) {
		for (size_t r = 0; r < rows; r++) {
			for (size_t c = 0; c < columns; c++)
				cell(&ret, (double)table[r * columns + c], m.rows[r] * m.columns[c] / m.n, &least);
		}
		narrow = (double)(m.row_count < m.column_count ? m.row_count : m.column_count) - 1;
		ret.df = (unsigned int)((m.row_count - 1) * (m.column_count - 1));
		ret.p = pchisq(ret.statistic, ret.df, 0, 0);
		ret.v = sqrt(ret.statistic / (m.n * narrow));
		ret.needed = (uint64_t)ceil(m.n * EXPECTED_MIN / least - STAT_TIE);
	}
	arena_clear(&arena);
	return ret;
}
