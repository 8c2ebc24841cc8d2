/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many packets each flow has. Shares are rounded by their running sum, so that the whole is exact to the packet. */
#include "traffic_int.h"

#include "arena.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define PERCENT 100U
#define PACKETS_MAX UINT32_MAX /* of one flow, and so of one sequence */

/* Gives the n flows from `at` on their parts of `packets`, in proportion to rank^-exponent, on top of what they have. */
static void share_out(uint32_t *at, uint32_t n, uint64_t packets, double exponent)
{
	double whole = 0, sum = 0;
	uint64_t given = 0;

	for (uint32_t i = 0; i < n; i++)
		whole += pow((double)i + 1, -exponent);
	for (uint32_t i = 0; i < n; i++) {
		uint64_t upto;

		sum += pow((double)i + 1, -exponent);
		upto = i + 1 == n ? packets : (uint64_t)((double)packets * (sum / whole));
		at[i] += (uint32_t)(upto - given);
		given = upto;
	}
}

static int falling(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x < y) - (x > y);
}

static int zipf(const struct traffic_flows *f, uint64_t total, uint32_t *sizes, struct errmsg *err)
{
	if (!(f->exponent > 0) || f->exponent > 10)
		return errmsg_say(err, -EINVAL, "a Zipf exponent lies above 0 and up to 10");
	for (uint32_t i = 0; i < f->count; i++)
		sizes[i] = 1;
	share_out(sizes, f->count, total - f->count, f->exponent);
	return 0;
}

static int elephants(const struct traffic_flows *f, uint64_t total, uint32_t *sizes, struct errmsg *err)
{
	uint32_t big = (uint32_t)((uint64_t)f->count * f->elephants / PERCENT), small;
	uint64_t of_big = total / PERCENT * f->elephants_share + total % PERCENT * f->elephants_share / PERCENT;

	if (f->elephants == 0 || f->elephants >= PERCENT || f->elephants_share == 0 || f->elephants_share >= PERCENT)
		return errmsg_say(err, -EINVAL, "elephants and their share are percentages from 1 to 99");
	big = big > 0 ? big : 1;
	small = f->count - big;
	if (small == 0)
		return errmsg_say(err, -ERANGE, "one flow can't be both elephant and mouse");
	if (of_big < big || total - of_big < small)
		return errmsg_say(err, -ERANGE,
				  "%u %s would share %llu packets: a flow needs %u packets on average, not %u",
				  of_big < big ? big : small, of_big < big ? "elephants" : "mice",
				  (unsigned long long)(of_big < big ? of_big : total - of_big),
				  of_big < big ? (f->elephants + f->elephants_share - 1) / f->elephants_share
					       : (PERCENT - f->elephants) / (PERCENT - f->elephants_share) + 1,
				  f->packets);
	share_out(sizes, big, of_big, 0);
	share_out(sizes + big, small, total - of_big, 0);
	return 0;
}

int traffic_sizes_make(const struct traffic_flows *flows, uint32_t **ret, struct errmsg *err)
{
	uint64_t total = (uint64_t)flows->count * flows->packets;
	uint32_t *sizes;
	int result;

	*ret = NULL;
	if (flows->sizes == TRAFFIC_SIZES_EQUAL || flows->count == 0)
		return 0;
	if (total > PACKETS_MAX)
		return errmsg_say(err, -ERANGE, "%llu packets are more than one run counts", (unsigned long long)total);
	sizes = memory_new((size_t)flows->count * sizeof(*sizes));
	result = flows->sizes == TRAFFIC_SIZES_ZIPF ? zipf(flows, total, sizes, err)
						    : elephants(flows, total, sizes, err);
	if (result < 0) {
		free(sizes);
		return result;
	}
	qsort(sizes, flows->count, sizeof(*sizes), falling);
	*ret = sizes;
	return 0;
}
