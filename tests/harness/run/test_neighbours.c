/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said of a neighbour table that overflowed, and that nothing is said of one that did not. */
#include "run_int.h"
#include "support.h"

static const char *words(struct arena *arena, enum net_neighbour_table which, struct net_neighbours before,
			 struct net_neighbours now)
{
	return run_neighbours_words(arena, which, &before, &now);
}

static void test_words(void **state)
{
	struct arena arena = {0};

	(void)state;
	assert_string_equal(
		words(&arena, NET_ND, (struct net_neighbours){5, 1024}, (struct net_neighbours){17, 1024}),
		"the kernel's table of IPv6 neighbours overflowed 12 times while the lab ran "
		"(net.ipv6.neigh.default.gc_thresh3 = 1024, shared by all labs of this machine): packets were "
		"dropped, this lab's or another's");
	assert_string_equal(
		words(&arena, NET_ARP, (struct net_neighbours){0, 512}, (struct net_neighbours){1, 2048}),
		"the kernel's table of IPv4 neighbours overflowed 1 time while the lab ran "
		"(net.ipv4.neigh.default.gc_thresh3 = 2048, shared by all labs of this machine): packets were "
		"dropped, this lab's or another's");
	arena_clear(&arena);
}

/* Old overflows are none of ours; what was not read, at either time, is not known. */
static void test_silence(void **state)
{
	struct arena arena = {0};

	(void)state;
	assert_null(words(&arena, NET_ARP, (struct net_neighbours){36913, 1024}, (struct net_neighbours){36913, 1024}));
	assert_null(words(&arena, NET_ARP, (struct net_neighbours){0, 0}, (struct net_neighbours){36913, 1024}));
	assert_null(words(&arena, NET_ARP, (struct net_neighbours){36913, 1024}, (struct net_neighbours){0, 0}));
	arena_clear(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_silence),
	};

	return cmocka_run_group_tests_name("run: neighbours", tests, NULL, NULL);
}
