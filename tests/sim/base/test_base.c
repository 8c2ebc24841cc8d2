/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "addr.h"
#include "arena.h"
#include "diag.h"
#include "errmsg.h"
#include "instant.h"
#include "rng.h"
#include "support.h"
#include "words.h"

#include <errno.h>

static struct addr ip(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static struct prefix net(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

static void addresses_read_and_print_canonically(void **state)
{
	struct addr a;

	(void)state;
	assert_string_equal(addr_text(&(struct addr){0}).s, "-");
	a = ip("2001:DB8:0:0::1");
	assert_string_equal(addr_text(&a).s, "2001:db8::1");
	a = ip("172.16.254.1");
	assert_int_equal(addr_v4_value(&a), 0xac10fe01);
	assert_int_equal(addr_parse("10.0.0.1/32", &a), -EINVAL);
	assert_int_equal(addr_parse("10.0.0.256", &a), -EINVAL);
	assert_int_equal(addr_parse("", &a), -EINVAL);
}

static void adding_carries_over_octets(void **state)
{
	struct addr a = ip("10.0.0.254"), sum = addr_add(&a, 3);

	(void)state;
	assert_string_equal(addr_text(&sum).s, "10.0.1.1");
	a = ip("2001:db8::ffff:ffff:ffff:ffff");
	sum = addr_add(&a, 1);
	assert_string_equal(addr_text(&sum).s, "2001:db8:0:1::");
}

static void prefixes_mask_host_bits(void **state)
{
	struct prefix p = net("10.20.30.41/29");
	struct prefix bad;

	(void)state;
	assert_string_equal(prefix_text(&p).s, "10.20.30.40/29");
	p = net("2001:db8:ff::/33");
	assert_string_equal(prefix_text(&p).s, "2001:db8::/33");
	assert_int_equal(prefix_parse("10.0.0.0", &bad), -EINVAL);
	assert_int_equal(prefix_parse("10.0.0.0/33", &bad), -EINVAL);
	assert_int_equal(prefix_parse("10.0.0.0/+8", &bad), -EINVAL);
	assert_int_equal(prefix_parse("10.0.0.0/8x", &bad), -EINVAL);
}

static void prefixes_contain_and_overlap(void **state)
{
	struct prefix p = net("10.0.0.0/23"), inside = net("10.0.1.128/25"), other = net("10.0.2.0/24");
	struct addr last = prefix_last(&p), v6 = ip("::a00:0");

	(void)state;
	assert_string_equal(addr_text(&last).s, "10.0.1.255");
	assert_true(prefix_contains(&p, &last));
	assert_false(prefix_contains(&p, &v6));
	assert_true(prefix_overlaps(&p, &inside));
	assert_true(prefix_overlaps(&inside, &p));
	assert_false(prefix_overlaps(&other, &p));
}

static void durations_follow_go(void **state)
{
	static const struct {
		const char *text;
		int result;
		int64_t ns;
	} rows[] = {
		{"3s", 0, 3 * NS_PER_S},
		{"1m30s", 0, 90 * NS_PER_S},
		{"200ms", 0, 200 * NS_PER_MS},
		{"1.5s", 0, 1500 * NS_PER_MS},
		{"0", 0, 0},
		{"3", -EINVAL, 0},
		{"", -EINVAL, 0},
		{"-1s", -EINVAL, 0},
		{"infs", -EINVAL, 0},
		{"0x1s", -EINVAL, 0},
		{"3 s", -EINVAL, 0},
		{"25h", -ERANGE, 0},
		{"99999999999h", -ERANGE, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t ns = 0;

		assert_int_equal(duration_parse(rows[i].text, &ns), rows[i].result);
		assert_int_equal(ns, rows[i].ns);
	}
	assert_string_equal(duration_text(12400000).s, "12.4 ms");
	assert_string_equal(duration_text(3 * NS_PER_S).s, "3 s");
	assert_string_equal(duration_text(850).s, "850 ns");
}

static void instants_end_at_never(void **state)
{
	(void)state;
	assert_int_equal(instant_add((struct instant){5}, -7).ns, -2);
	assert_int_equal(instant_add(INSTANT_NEVER, 1).ns, INT64_MAX);
	assert_int_equal(instant_add(INSTANT_NEVER, -1).ns, INT64_MAX - 1);
	assert_int_equal(instant_add((struct instant){INT64_MIN + 1}, -2).ns, INT64_MIN);
}

static void mistyped_words_find_the_known_one(void **state)
{
	static const char *const known[] = {"workers", "router", "clients", "networks"};

	(void)state;
	assert_string_equal(words_nearest("wrokers", known, 4), "workers");
	assert_string_equal(words_nearest("client", known, 4), "clients");
	assert_string_equal(words_nearest("Router", known, 4), "router");
	assert_null(words_nearest("zzz", known, 4));
}

static void arenas_run_cleanups_newest_first(void **state)
{
	struct arena a = {0};
	static int order;
	char *big;

	(void)state;
	order = 0;
	big = arena_alloc(&a, 100000);
	big[99999] = 1;
	assert_string_equal(arena_printf(&a, "%d-%s", 7, "x"), "7-x");
	arena_clear(&a);
	assert_null(a.blocks);
	assert_int_equal(order, 0);
}

static void diagnostics_stop_at_the_limit_and_count_the_rest(void **state)
{
	struct diags d = {0};

	(void)state;
	for (unsigned int i = 0; i < DIAG_MAX + 3; i++)
		diags_add(&d, "f.yaml", i + 1, 1, "error %u", i)->hint = "help";
	assert_int_equal(d.list.len, DIAG_MAX);
	assert_int_equal(d.dropped, 3);
	assert_string_equal(d.list.at[1].message, "error 1");
	diags_fini(&d);
}

static void error_messages_gain_context(void **state)
{
	struct errmsg e;

	(void)state;
	assert_int_equal(errmsg_set(&e, -ENOENT, "open %s", "x"), -ENOENT);
	assert_int_equal(errmsg_context(&e, "worker1"), -ENOENT);
	assert_string_equal(e.text, "worker1: open x: No such file or directory");
}

static void random_numbers_are_uniform_and_repeat(void **state)
{
	struct rng a = {42}, b = {42};
	unsigned int seen[3] = {0};

	(void)state;
	for (int i = 0; i < 3000; i++) {
		uint64_t n = rng_below(&a, 3);

		assert_int_equal(n, rng_below(&b, 3));
		seen[n]++;
	}
	for (int i = 0; i < 3; i++)
		assert_in_range(seen[i], 900, 1100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_read_and_print_canonically),
		cmocka_unit_test(adding_carries_over_octets),
		cmocka_unit_test(prefixes_mask_host_bits),
		cmocka_unit_test(prefixes_contain_and_overlap),
		cmocka_unit_test(durations_follow_go),
		cmocka_unit_test(instants_end_at_never),
		cmocka_unit_test(mistyped_words_find_the_known_one),
		cmocka_unit_test(arenas_run_cleanups_newest_first),
		cmocka_unit_test(diagnostics_stop_at_the_limit_and_count_the_rest),
		cmocka_unit_test(error_messages_gain_context),
		cmocka_unit_test(random_numbers_are_uniform_and_repeat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
