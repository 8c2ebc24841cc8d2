/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the FIB followed the workers, told from plays whose times are known. */
#include "play.h"

static struct judge_fib_story story_of(struct play *p)
{
	struct judge *j = play_judge(p, PLAY_LINK_BY_LINK, 0, INSTANT_NEVER);
	struct judge_fib_story s = judge_fib_story(j, play_ms(1000));

	judge_free(j);
	return s;
}

static void all_announce(struct play *p)
{
	play_sessions(p);
	play_announce(p, 0, 100, PLAY_PREFIX, NULL);
	play_announce(p, 1, 110, PLAY_PREFIX, NULL);
	play_announce(p, 2, 120, PLAY_PREFIX, NULL);
}

static void replaced_at_once(void **state)
{
	struct play *p = *state;
	struct judge_fib_story s;

	all_announce(p);
	play_fib(p, 101, PLAY_PREFIX, "10.0.0.51");
	play_fib(p, 112, PLAY_PREFIX, "10.0.0.51 10.0.0.52");
	play_fib(p, 125, PLAY_PREFIX, "10.0.0.51 10.0.0.52 10.0.0.53");
	play_withdraw(p, 1, 200, PLAY_PREFIX);
	play_fib(p, 203, PLAY_PREFIX, "10.0.0.51 10.0.0.53");
	play_fib(p, 300, "192.0.2.0/24", "10.0.0.9"); /* nobody's */
	s = story_of(p);
	assert_int_equal(s.prefixes, 1);
	assert_int_equal(s.added, 1);
	assert_int_equal(s.replaced, 3);
	assert_int_equal(s.removed, 0);
	assert_int_equal(s.announced_most, 3);
	assert_int_equal(s.installed_most, 3);
	assert_int_equal(s.followed, 4);
	assert_int_equal(s.unfollowed, 0);
	assert_int_equal(s.delay_longest_ns, 5 * NS_PER_MS);
	assert_int_equal(s.delay_median_ns, 3 * NS_PER_MS); /* of 1, 2, 3, 5 */
	assert_int_equal(s.holes, 0);
	assert_string_equal(s.order, "ascending");
}

/* Two of three have one AS path; the third's is another. */
static void paths_alike(void **state)
{
	struct play *p = *state;
	struct judge_fib_story s;

	play_sessions(p);
	play_announce(p, 0, 100, PLAY_PREFIX, NULL);
	play_fib(p, 101, PLAY_PREFIX, "10.0.0.51");
	play_bgp_hex(p, 1, 110, PLAY_FROM_WORKER,
		     "0030 02 0000 0014 40010100 4002060201 0000fdea 400304 0a000034 20ac10fe01");
	s = story_of(p);
	assert_int_equal(s.announced_most, 2);
	assert_int_equal(s.alike_most, 1);
	play_announce(p, 2, 120, PLAY_PREFIX, NULL);
	s = story_of(p);
	assert_int_equal(s.announced_most, 3);
	assert_int_equal(s.alike_most, 2);
	assert_int_equal(s.installed_most, 1);
}

/* BIRD 1.6's way: the route goes, and comes back with other next hops. */
static void deleted_and_added(void **state)
{
	struct play *p = *state;
	struct judge_fib_story s;

	all_announce(p);
	play_fib(p, 101, PLAY_PREFIX, "10.0.0.51");
	play_fib(p, 112, PLAY_PREFIX, "");
	play_fib(p, 112.5, PLAY_PREFIX, "10.0.0.52 10.0.0.51");
	play_fib(p, 125, PLAY_PREFIX, "");
	play_fib(p, 126.5, PLAY_PREFIX, "10.0.0.53 10.0.0.52 10.0.0.51");
	s = story_of(p);
	assert_int_equal(s.added, 3);
	assert_int_equal(s.replaced, 0);
	assert_int_equal(s.removed, 2);
	assert_int_equal(s.holes, 2);
	assert_int_equal(s.hole_ns, 2 * NS_PER_MS);
	assert_int_equal(s.hole_longest_ns, 1500 * 1000);
	assert_int_equal(s.hole_since.ns, play_ms(125).ns);
	assert_string_equal(s.order, "descending");
}

/* A route that goes because its last worker does leaves no hole; nor does one that nobody announces yet. */
static void gone_for_a_reason(void **state)
{
	struct play *p = *state;
	struct judge_fib_story s;

	play_sessions(p);
	play_announce(p, 0, 100, PLAY_PREFIX, NULL);
	play_fib(p, 101, PLAY_PREFIX, "10.0.0.51");
	play_withdraw(p, 0, 200, PLAY_PREFIX);
	play_fib(p, 201, PLAY_PREFIX, "");
	play_announce(p, 0, 300, PLAY_PREFIX, NULL);
	play_fib(p, 340, PLAY_PREFIX, "10.0.0.51");
	s = story_of(p);
	assert_int_equal(s.added, 2);
	assert_int_equal(s.removed, 1);
	assert_int_equal(s.holes, 0);
	assert_int_equal(s.lost, 0);
	assert_int_equal(s.delay_longest_ns, 40 * NS_PER_MS);
	assert_string_equal(s.order, "");
}

/* A session's end withdraws as well; a router that takes two of three never follows the third, and one that drops the
 * route for good loses it. */
static void never_followed(void **state)
{
	struct play *p = *state;
	struct judge_fib_story s;

	all_announce(p);
	play_fib(p, 121, PLAY_PREFIX, "10.0.0.51 10.0.0.52");
	play_notification(p, 0, 200, PLAY_FROM_WORKER, 6, 2);
	play_fib(p, 207, PLAY_PREFIX, "10.0.0.52");
	play_fib(p, 300, PLAY_PREFIX, "");
	s = story_of(p);
	assert_int_equal(s.announced_most, 3);
	assert_int_equal(s.installed_most, 2);
	assert_int_equal(s.unfollowed, 1);
	assert_int_equal(s.followed, 3);
	assert_int_equal(s.lost, 1);
	assert_int_equal(s.holes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAY_TEST(replaced_at_once),  PLAY_TEST(paths_alike),	 PLAY_TEST(deleted_and_added),
		PLAY_TEST(gone_for_a_reason), PLAY_TEST(never_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
