/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many packets the flows have: sums exact, shapes as their definitions say. */
#include "support.h"
#include "traffic_int.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static struct traffic_flows zipf_of(uint32_t count, uint32_t packets, double exponent)
{
	return (struct traffic_flows){
		.count = count, .packets = packets, .sizes = TRAFFIC_SIZES_ZIPF, .exponent = exponent};
}

static uint64_t sum_of(const uint32_t *sizes, uint32_t n)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += sizes[i];
	return sum;
}

static void flows_of_one_size_need_no_list(void **state)
{
	struct traffic_flows flows = {.count = 10, .packets = 3};
	struct errmsg err = {0};
	uint32_t *sizes;

	(void)state;
	assert_int_equal(traffic_sizes_make(&flows, &sizes, &err), 0);
	assert_null(sizes);
}

static const struct zipf_row {
	uint32_t count, packets;
	double exponent;
} zipf_rows[] = {{1, 1, 1},	 {1, 50, 1},	    {10, 1, 1},	     {10, 100, 1},
		 {3000, 3, 1.1}, {3000, 1000, 0.5}, {100000, 20, 2}, {7, 9, 10}};

/* Beyond its first packet, rank k has n/k^s of those of rank 1: the definition, without the sum that the code divides by. */
static void zipf_sizes_follow_their_ranks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(zipf_rows) / sizeof(zipf_rows[0]); i++) {
		const struct zipf_row *row = &zipf_rows[i];
		struct traffic_flows flows = zipf_of(row->count, row->packets, row->exponent);
		struct errmsg err = {0};
		uint32_t *sizes;

		assert_int_equal(traffic_sizes_make(&flows, &sizes, &err), 0);
		assert_int_equal(sum_of(sizes, row->count), (uint64_t)row->count * row->packets);
		for (uint32_t k = 1; k <= row->count; k++) {
			double want = (sizes[0] - 1.0) / exp(row->exponent * log(k));

			assert_true(sizes[k - 1] >= 1);
			assert_true(fabs(sizes[k - 1] - 1.0 - want) <= 2);
			assert_true(k == 1 || sizes[k - 1] <= sizes[k - 2]);
		}
		free(sizes);
	}
}

/* The slope of log(size) over log(rank), by least squares over the ranks that rounding does not touch. */
static void the_slope_is_the_exponent(void **state)
{
	struct traffic_flows flows = zipf_of(1000, 1000, 1.2);
	double x = 0, y = 0, xx = 0, xy = 0, n = 100;
	struct errmsg err = {0};
	uint32_t *sizes;

	(void)state;
	assert_int_equal(traffic_sizes_make(&flows, &sizes, &err), 0);
	for (int k = 1; k <= 100; k++) {
		double lx = log(k), ly = log(sizes[k - 1] - 1.0);

		x += lx;
		y += ly;
		xx += lx * lx;
		xy += lx * ly;
	}
	free(sizes);
	assert_true(fabs((n * xy - x * y) / (n * xx - x * x) + 1.2) < 0.01);
}

static struct traffic_flows elephants_of(uint32_t count, uint32_t packets, unsigned int part, unsigned int share)
{
	return (struct traffic_flows){.count = count,
				      .packets = packets,
				      .sizes = TRAFFIC_SIZES_ELEPHANTS,
				      .elephants = part,
				      .elephants_share = share};
}

static void elephants_have_their_share(void **state)
{
	struct traffic_flows flows = elephants_of(1000, 10, 10, 80);
	struct errmsg err = {0};
	uint32_t *sizes;

	(void)state;
	assert_int_equal(traffic_sizes_make(&flows, &sizes, &err), 0);
	assert_int_equal(sum_of(sizes, 100), 8000);
	assert_int_equal(sum_of(sizes + 100, 900), 2000);
	assert_int_equal(sizes[0], 80);
	assert_int_equal(sizes[99], 80);
	assert_in_range(sizes[100], 2, 3);
	assert_in_range(sizes[999], 2, 3);
	free(sizes);
}

static void sizes_that_can_not_be_are_refused(void **state)
{
	const struct {
		struct traffic_flows flows;
		int result;
		const char *words;
	} rows[] = {
		{elephants_of(1000, 3, 10, 80), -ERANGE,
		 "900 mice would share 600 packets: a flow needs 5 packets on average, not 3"},
		{elephants_of(1000, 1, 60, 20), -ERANGE,
		 "600 elephants would share 200 packets: a flow needs 3 packets on average, not 1"},
		{elephants_of(1, 100, 10, 80), -ERANGE, "one flow can't be both elephant and mouse"},
		{elephants_of(10, 100, 0, 80), -EINVAL, "elephants and their share are percentages from 1 to 99"},
		{elephants_of(10, 100, 10, 100), -EINVAL, "elephants and their share are percentages from 1 to 99"},
		{zipf_of(10, 2, 0), -EINVAL, "a Zipf exponent lies above 0 and up to 10"},
		{zipf_of(10, 2, 10.1), -EINVAL, "a Zipf exponent lies above 0 and up to 10"},
		{zipf_of(10, 2, (double)NAN), -EINVAL, "a Zipf exponent lies above 0 and up to 10"},
		{zipf_of(1U << 20, 1U << 12, 1), -ERANGE, "4294967296 packets are more than one run counts"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct errmsg err = {0};
		uint32_t *sizes;

		assert_int_equal(traffic_sizes_make(&rows[i].flows, &sizes, &err), rows[i].result);
		assert_null(sizes);
		assert_string_equal(err.text, rows[i].words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flows_of_one_size_need_no_list),    cmocka_unit_test(zipf_sizes_follow_their_ranks),
		cmocka_unit_test(the_slope_is_the_exponent),	     cmocka_unit_test(elephants_have_their_share),
		cmocka_unit_test(sizes_that_can_not_be_are_refused),
	};

	return cmocka_run_group_tests_name("traffic: sizes", tests, NULL, NULL);
}
