/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many sessions in one engine: each is served when it is due, whatever the others do. */
#include "bfd.h"
#include "rng.h"
#include "support.h"

#include <errno.h>

#define MANY 1000U

static struct addr remote(unsigned int i)
{
	return addr_v4(0x0a000000 + 256 + i);
}

static void add(struct bfd *b, unsigned int i, struct instant now, bfd_session_id *ids)
{
	static const uint32_t rates[] = {1000000, 1500000, 4000000, 60000000};
	struct bfd_session_conf conf = {.remote = remote(i), .desired_tx_us = rates[i % 4]};

	assert_int_equal(bfd_session_add(b, &conf, now, &ids[i]), 0);
}

static void everybody_is_served_in_time(void **state)
{
	static bfd_session_id ids[MANY];
	static int64_t said_ns[MANY];
	static unsigned int said[MANY];
	struct bfd *b = bfd_new(1);
	struct rng rng = {2};
	struct instant now = {0}, end = {120 * NS_PER_S};

	(void)state;
	for (unsigned int i = 0; i < MANY; i++)
		add(b, i, now, ids);
	while (instant_before(bfd_deadline(b), end)) {
		size_t n;
		const struct bfd_output *o;

		assert_false(instant_before(bfd_deadline(b), now));
		now = bfd_deadline(b);
		bfd_in_time(b, now);
		o = bfd_outputs(b, &n);
		for (size_t k = 0; k < n; k++) {
			unsigned int i = addr_v4_value(&bfd_session_conf(b, o[k].session)->remote) - 0x0a000100;
			int64_t gap = now.ns - said_ns[i], interval = bfd_session_info(b, o[k].session).tx_ns;

			if (said[i]++ > 0)
				assert_in_range(gap, interval * 3 / 4, interval);
			said_ns[i] = now.ns;
		}
		bfd_outputs_clear(b);
		if (rng_below(&rng, 50) == 0) {
			unsigned int i = (unsigned int)rng_below(&rng, MANY);

			bfd_session_remove(b, ids[i]);
			said[i] = 0;
			add(b, i, now, ids);
		}
	}
	for (unsigned int i = 0; i < MANY; i++)
		assert_false(now.ns - said_ns[i] > bfd_session_info(b, ids[i]).tx_ns);
	bfd_free(b);
}

static void each_is_found_by_its_addresses(void **state)
{
	static bfd_session_id ids[MANY];
	struct addr local = addr_v4(0x0a000001), elsewhere = addr_v4(0x0b000000);
	struct bfd *b = bfd_new(1);
	bfd_session_id id;

	(void)state;
	for (unsigned int i = 0; i < MANY; i++)
		add(b, i, (struct instant){0}, ids);
	for (unsigned int i = 0; i < MANY; i++) {
		struct addr a = remote(i);

		assert_true(bfd_session_find(b, &local, &a, &id));
		assert_int_equal(id, ids[i]);
	}
	assert_false(bfd_session_find(b, &local, &elsewhere, &id));
	bfd_free(b);
}

static void there_are_only_so_many(void **state)
{
	struct bfd *b = bfd_new(1);
	struct bfd_session_conf conf = {.remote = addr_v4(0x0a000000)};
	bfd_session_id id;

	(void)state;
	for (unsigned int i = 0; i < BFD_SESSIONS_MAX; i++) {
		assert_int_equal(bfd_session_add(b, &conf, (struct instant){0}, &id), 0);
		assert_int_not_equal(bfd_session_info(b, id).local_discriminator, 0);
		conf.remote = addr_add(&conf.remote, 1);
	}
	assert_int_equal(bfd_session_add(b, &conf, (struct instant){0}, &id), -ENOSPC);
	bfd_session_remove(b, id);
	assert_int_equal(bfd_session_add(b, &conf, (struct instant){0}, &id), 0);
	bfd_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everybody_is_served_in_time),
		cmocka_unit_test(each_is_found_by_its_addresses),
		cmocka_unit_test(there_are_only_so_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
