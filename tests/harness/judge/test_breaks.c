/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections held over a change: each cause of a break is told from the others. */
#include "play.h"

#include <stdio.h>

#define CLIENT "172.16.0.10"

/* Opened at ms at the worker, asked at 200 ms. */
static void held(struct play *p, uint16_t port, double ms, unsigned int worker)
{
	play_tcp(p, PLAY_CLIENT, ms, CAPTURE_TCP_SYN, CLIENT, port, PLAY_VIP, PLAY_PORT);
	play_tcp(p, worker, ms + 0.1, CAPTURE_TCP_SYN, CLIENT, port, PLAY_VIP, PLAY_PORT);
	play_tcp(p, PLAY_CLIENT, 200, CAPTURE_HTTP_REQUEST, CLIENT, port, PLAY_VIP, PLAY_PORT);
}

static void answered(struct play *p, uint16_t port, unsigned int worker)
{
	play_tcp(p, worker, 200.1, CAPTURE_HTTP_REQUEST, CLIENT, port, PLAY_VIP, PLAY_PORT);
	play_tcp(p, PLAY_CLIENT, 201, CAPTURE_HTTP_RESPONSE, PLAY_VIP, PLAY_PORT, CLIENT, port);
}

static void reset(struct play *p, uint16_t port, double ms, unsigned int worker)
{
	play_tcp(p, worker, ms, CAPTURE_TCP_RST, PLAY_VIP, PLAY_PORT, CLIENT, port);
	play_tcp(p, PLAY_CLIENT, ms + 0.1, CAPTURE_TCP_RST, PLAY_VIP, PLAY_PORT, CLIENT, port);
}

static struct judge_expect expect(struct play *p, uint32_t count)
{
	return (struct judge_expect){.kind = JUDGE_BROKEN,
				     .workers = play_who(p, "123"),
				     .traffic = {.count = count,
						 .vip = play_addr(PLAY_VIP),
						 .port = PLAY_PORT,
						 .since = play_ms(0),
						 .until = play_ms(900)},
				     .since = play_ms(900),
				     .deadline = play_ms(1000)};
}

/* One connection; its row, and the words. */
static struct judge_break only(struct play *p, struct judge_finding *ret)
{
	struct judge_expect e = expect(p, 1);
	struct judge *j = play_judge(p, PLAY_LINK_BY_LINK, 0, INSTANT_NEVER);
	const struct judge_break *rows;
	struct judge_break row;
	size_t n;

	rows = judge_breaks(j, &e.traffic, play_ms(1000), &p->arena, &n);
	assert_int_equal(n, 1);
	row = rows[0];
	*ret = judge_evaluate(j, &e, play_ms(1000), &p->arena);
	judge_free(j);
	return row;
}

static void test_whole(void **state)
{
	struct play *p = *state;
	struct judge_finding f;

	play_fib(p, -10, PLAY_PREFIX, "10.0.0.51 10.0.0.52");
	held(p, 40000, 10, 0);
	answered(p, 40000, 0);
	assert_int_equal(only(p, &f).cause, JUDGE_CAUSE_NONE);
	assert_int_equal(f.verdict, JUDGE_PASS);
	assert_string_equal(f.seen, "1 connection: 0 broken");
}

/* Its worker stays a next hop, another gets it and resets it. */
static void test_rehash(void **state)
{
	struct play *p = *state;
	struct judge_break row;
	struct judge_finding f;

	play_fib(p, -10, PLAY_PREFIX, "10.0.0.51 10.0.0.52 10.0.0.53");
	play_fib(p, 100, PLAY_PREFIX, "10.0.0.52 10.0.0.53");
	held(p, 40000, 10, 1);
	reset(p, 40000, 201, 2);
	row = only(p, &f);
	assert_int_equal(row.cause, JUDGE_CAUSE_REHASH);
	assert_int_equal(row.worker, 1);
	assert_int_equal(row.reset_by, 2);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	assert_string_equal(f.seen,
			    "1 connection: 1 broken: 1 by rehash, though their worker is a next hop; reset by workers "
			    "that never had them: worker3 1");
	assert_non_null(strstr(f.why, "hash-threshold"));
	assert_true(play_has_frame(&f, "worker3.pcap", row.frame));
}

static void test_left(void **state)
{
	struct play *p = *state;
	struct judge_finding f;

	play_fib(p, -10, PLAY_PREFIX, "10.0.0.51 10.0.0.52");
	play_fib(p, 100, PLAY_PREFIX, "10.0.0.52");
	held(p, 40000, 10, 0);
	reset(p, 40000, 201, 1);
	assert_int_equal(only(p, &f).cause, JUDGE_CAUSE_LEFT);
	play_assert_says(f, "1 whose worker is no next hop any more; reset by workers that never had them: worker2 1");
}

/* Asked at 200 ms; its dead worker leaves the next hops at 500, whoever is next resets it at 600. */
static void test_hole_that_ends(void **state)
{
	struct play *p = *state;
	struct judge_break row;
	struct judge_finding f;

	play_fib(p, -10, PLAY_PREFIX, "10.0.0.51 10.0.0.52");
	play_fib(p, 500, PLAY_PREFIX, "10.0.0.52");
	held(p, 40000, 10, 0);
	reset(p, 40000, 600, 1);
	row = only(p, &f);
	assert_int_equal(row.cause, JUDGE_CAUSE_BLACK_HOLE);
	assert_int_equal(row.hole_ns, 300 * NS_PER_MS);
	play_assert_says(f, "1 in a black hole; reset by workers that never had them: worker2 1");
	assert_non_null(strstr(f.why, "went on sending to worker1, which did not answer, for up to 300 ms"));
}

static void test_hole_that_lasts(void **state)
{
	struct play *p = *state;
	struct judge_break row;
	struct judge_finding f;

	play_fib(p, -10, PLAY_PREFIX, "10.0.0.51 10.0.0.52");
	held(p, 40000, 10, 0);
	row = only(p, &f);
	assert_int_equal(row.cause, JUDGE_CAUSE_BLACK_HOLE);
	assert_int_equal(row.hole_ns, 800 * NS_PER_MS);
}

static void test_behind_the_worker(void **state)
{
	struct play *p = *state;
	struct judge_finding f;

	play_fib(p, -10, PLAY_PREFIX, "10.0.0.51 10.0.0.52");
	held(p, 40000, 10, 0);
	play_tcp(p, 0, 200.1, CAPTURE_HTTP_REQUEST, CLIENT, 40000, PLAY_VIP, PLAY_PORT);
	assert_int_equal(only(p, &f).cause, JUDGE_CAUSE_BEHIND);
	assert_null(f.why);
}

static void test_own_worker(void **state)
{
	struct play *p = *state;
	struct judge_finding f;

	play_fib(p, -10, PLAY_PREFIX, "10.0.0.51 10.0.0.52");
	held(p, 40000, 10, 0);
	reset(p, 40000, 201, 0);
	assert_int_equal(only(p, &f).cause, JUDGE_CAUSE_OWN);
}

static void test_silence(void **state)
{
	struct play *p = *state;
	struct judge_finding f;

	held(p, 40000, 10, 0); /* no route was ever seen */
	assert_int_equal(only(p, &f).cause, JUDGE_CAUSE_SILENCE);
}

/* Who is silent may speak until the deadline; a reset stays one; so many may break. */
static void test_when(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, 3);

	play_fib(p, -10, PLAY_PREFIX, "10.0.0.51 10.0.0.52");
	held(p, 40000, 10, 0);
	answered(p, 40000, 0);
	held(p, 40001, 11, 0);
	assert_int_equal(play_ask(p, &e, play_ms(950)).verdict, JUDGE_PENDING);
	e.lost = 1;
	assert_int_equal(play_ask(p, &e, play_ms(950)).verdict, JUDGE_PENDING); /* the third was not seen yet */
	assert_int_equal(play_ask(p, &e, play_ms(1000)).verdict, JUDGE_FAIL);
	e.traffic.count = 2;
	assert_int_equal(play_ask(p, &e, play_ms(950)).verdict, JUDGE_PASS);
	e.lost = 0;
	reset(p, 40001, 300, 1);
	assert_int_equal(play_ask(p, &e, play_ms(950)).verdict, JUDGE_FAIL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAY_TEST(test_whole),		PLAY_TEST(test_rehash),		 PLAY_TEST(test_left),
		PLAY_TEST(test_hole_that_ends), PLAY_TEST(test_hole_that_lasts), PLAY_TEST(test_behind_the_worker),
		PLAY_TEST(test_own_worker),	PLAY_TEST(test_silence),	 PLAY_TEST(test_when),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
