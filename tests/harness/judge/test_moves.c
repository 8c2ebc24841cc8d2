/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shares that the kernel's weights promise, controls that must not be even, and flows before and after a change. */
#include "play.h"
#include "rng.h"

#include <math.h>
#include <stdio.h>

#define BEFORE 7U
#define AFTER 8U
#define CLIENT "172.16.0.10"
#define ALL_THREE "10.0.0.51 10.0.0.52 10.0.0.53"

/* The first flows from 0 to 500 ms, the second from 1000 to 1500, asked about at 2000. */
static struct judge_expect expect(struct play *p, enum judge_kind kind, uint32_t count)
{
	struct judge_traffic traffic = {.flows = true,
					.run = BEFORE,
					.count = count,
					.vip = play_addr(PLAY_VIP),
					.port = PLAY_PORT,
					.since = play_ms(0),
					.until = play_ms(500)};
	struct judge_expect ret = {.kind = kind,
				   .workers = play_who(p, "123"),
				   .traffic = traffic,
				   .detect = 0.25,
				   .since = play_ms(1600),
				   .deadline = play_ms(2000)};

	if (kind != JUDGE_MOVED && kind != JUDGE_STAGES)
		return ret;
	ret.before = traffic;
	ret.traffic.run = AFTER;
	ret.traffic.since = play_ms(1000);
	ret.traffic.until = play_ms(1500);
	ret.detect = 0.01;
	return ret;
}

static struct judge_finding ask(struct play *p, const struct judge_expect *e)
{
	return play_ask(p, e, play_ms(2000));
}

static void flow(struct play *p, uint32_t run, uint32_t number, int worker)
{
	double ms = (run == AFTER ? 1000 : 0) + 0.05 * number;

	play_flow(p, PLAY_CLIENT, ms, run, number, CLIENT, PLAY_VIP);
	if (worker >= 0)
		play_flow(p, (unsigned int)worker, ms + 0.02, run, number, CLIENT, PLAY_VIP);
}

/* Flows to workers 0 to 2 by weights. */
static void weighted_flows(struct play *p, uint32_t n, const unsigned int *weights, uint64_t seed)
{
	struct rng rng = {seed};

	for (uint32_t i = 0; i < n; i++) {
		uint64_t at = rng_below(&rng, weights[0] + weights[1] + weights[2]);

		flow(p, BEFORE, i, at < weights[0] ? 0 : at < weights[0] + weights[1] ? 1 : 2);
	}
}

/* ---- Weights ---- */

static void test_as_weighted(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_SPREAD_WEIGHTED, 4000);
	struct judge_finding f;

	play_fib(p, -10, PLAY_PREFIX, "10.0.0.53*2 10.0.0.51 10.0.0.52");
	weighted_flows(p, 4000, (const unsigned int[]){1, 1, 2}, 1);
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_PASS);
	assert_true(fabs(f.shares[2].expected - 2000) < 1e-9);
	assert_true(fabs(f.shares[0].expected - 1000) < 1e-9);
	assert_true(f.alpha > 0 && f.alpha <= 1e-6);
	assert_true(f.power > 0.999 && f.planned >= 0.25);
	assert_true(f.members[2].share.low < 0.5 && f.members[2].share.high > 0.5);
	assert_true(f.balance.jain > 0.99 && f.balance.jain <= 1);
	/* The same counts are not equal, and the kernel's weights are why. */
	e.kind = JUDGE_SPREAD_EQUAL;
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	assert_non_null(strstr(f.why, "10.0.0.53 2"));
	play_assert_says(f, "worker3 has more than its share: ");
}

/* A router whose FIB promises equal shares and whose packets say otherwise. */
static void test_not_as_weighted(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_SPREAD_WEIGHTED, 4000);
	struct judge_finding f;

	play_fib(p, -10, PLAY_PREFIX, ALL_THREE);
	weighted_flows(p, 4000, (const unsigned int[]){2, 1, 1}, 1);
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	assert_null(f.why);
	play_assert_says(f, "worker1 has more than its share");
	assert_true(f.members[0].off && f.members[1].off && f.members[2].off);
}

/* A next hop more than the kernel has. */
static void test_not_a_next_hop(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_SPREAD_WEIGHTED, 3000);
	struct judge_finding f;

	play_fib(p, -10, PLAY_PREFIX, "10.0.0.51 10.0.0.52");
	weighted_flows(p, 3000, (const unsigned int[]){1, 1, 1}, 1);
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "came to worker3, which is not named");
}

static void test_no_fib(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_SPREAD_WEIGHTED, 3000);

	weighted_flows(p, 3000, (const unsigned int[]){1, 1, 1}, 1);
	assert_int_equal(ask(p, &e).verdict, JUDGE_INCONCLUSIVE);
}

/* Weight 1 against 20: its share is small, and so more flows are needed to miss none of it. */
static void test_small_share_needs_more(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_SPREAD_WEIGHTED, 3000);
	struct judge_finding f;

	play_fib(p, -10, PLAY_PREFIX, "10.0.0.51*1 10.0.0.52*20 10.0.0.53*20");
	weighted_flows(p, 3000, (const unsigned int[]){1, 20, 20}, 1);
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_INCONCLUSIVE);
	assert_true(f.flows_needed > 20000);
	assert_true(f.power < 0.5);
}

/* ---- Controls ---- */

static void test_control(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_SPREAD_UNEQUAL, 3000);
	struct judge_finding f;

	for (uint32_t i = 0; i < 3000; i++)
		flow(p, BEFORE, i, 1);
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_says(f, "worker2 3000");
}

static void test_control_even(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_SPREAD_UNEQUAL, 3000);
	struct judge_finding f;

	weighted_flows(p, 3000, (const unsigned int[]){1, 1, 1}, 1);
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "as even as a hash");
}

static void test_control_few(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_SPREAD_UNEQUAL, 30);

	weighted_flows(p, 30, (const unsigned int[]){1, 1, 1}, 1);
	assert_int_equal(ask(p, &e).verdict, JUDGE_INCONCLUSIVE);
}

/* ---- Moves ---- */

/* Flow i's point in the hash space is i; three regions before, the ones of the workers that are left after. */
static void regions(struct play *p, uint32_t n, int gone)
{
	int left[2] = {gone == 0 ? 1 : 0, gone == 2 ? 1 : 2};

	play_fib(p, -10, PLAY_PREFIX, ALL_THREE);
	play_fib(p, 800, PLAY_PREFIX,
		 gone == 0   ? "10.0.0.52 10.0.0.53"
		 : gone == 1 ? "10.0.0.51 10.0.0.53"
			     : "10.0.0.51 10.0.0.52");
	for (uint32_t i = 0; i < n; i++) {
		flow(p, BEFORE, i, (int)(i * 3 / n));
		flow(p, AFTER, i, left[i * 2 / n]);
	}
}

static void test_threshold(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_MOVED, 3000);
	struct judge_finding f;

	regions(p, 3000, 0);
	e.at_most = JUDGE_HASH_THRESHOLD;
	assert_int_equal(ask(p, &e).verdict, JUDGE_INCONCLUSIVE); /* a sixth is innocent: 1 % more is hard to tell */
	e.detect = 0.05;
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_PASS);
	assert_int_equal(f.membership.moved, 1500);
	assert_int_equal(f.membership.forced, 1000);
	assert_int_equal(f.membership.innocent, 500);
	assert_int_equal(f.membership.named, JUDGE_HASH_THRESHOLD);
	play_assert_says(f,
			 "3000 flows: 1500 moved (50 %), of which 1000 had to and 500 had not (25 % of the 2000 whose "
			 "worker stayed); that is hash-threshold");
	assert_non_null(strstr(f.why, "worker1 was next hop 1 of 3"));
	assert_int_equal(f.move_count, 3000);
	assert_string_equal(f.moves[0].before, "worker1");
	assert_string_equal(f.moves[0].after, "worker2");
	assert_int_equal(f.moves[0].fate, JUDGE_FORCED);
	assert_int_equal(f.moves[1200].fate, JUDGE_KEPT);
	assert_int_equal(f.moves[1600].fate, JUDGE_INNOCENT);
	e.at_most = JUDGE_MINIMAL;
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_FAIL);
}

/* The order in which the kernel lists them decides, not that of the addresses. */
static void test_listed_order(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_MOVED, 3000);
	const int was[] = {1, 0, 2}, is[] = {1, 2};
	struct judge_finding f;

	play_fib(p, -10, PLAY_PREFIX, "10.0.0.52 10.0.0.51 10.0.0.53");
	play_fib(p, 800, PLAY_PREFIX, "10.0.0.52 10.0.0.53");
	for (uint32_t i = 0; i < 3000; i++) {
		flow(p, BEFORE, i, was[i / 1000]);
		flow(p, AFTER, i, is[i / 1500]);
	}
	e.at_most = JUDGE_MINIMAL; /* the middle one leaves: none is innocent */
	f = ask(p, &e);
	assert_int_equal(f.membership.innocent, 0);
	assert_int_equal(f.verdict, JUDGE_PASS);
	assert_int_equal(f.membership.fitting, 2); /* a minimal group does the same */
	assert_int_equal(f.membership.scores[JUDGE_HASH_THRESHOLD].fits, true);
	assert_int_equal(f.membership.scores[JUDGE_MODULO].fits, false);
}

static void test_too_few_flows(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_MOVED, 30);
	struct judge_finding f;

	regions(p, 30, 1);
	e.at_most = JUDGE_MINIMAL;
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_INCONCLUSIVE);
	/* 1 % unseen in n flows: (1 - 0.01)^n = 5 % */
	assert_int_equal(f.flows_needed, 299);
	play_assert_says(f, "299 flows are needed");
}

static void test_lost(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_MOVED, 900);
	struct judge_finding f;

	play_fib(p, -10, PLAY_PREFIX, ALL_THREE);
	play_fib(p, 800, PLAY_PREFIX, "10.0.0.51 10.0.0.52");
	for (uint32_t i = 0; i < 900; i++) {
		flow(p, BEFORE, i, (int)(i % 3));
		flow(p, AFTER, i, i % 3 == 2 ? -1 : (int)(i % 3));
	}
	e.at_most = JUDGE_MINIMAL;
	assert_int_equal(play_ask(p, &e, play_ms(1700)).verdict, JUDGE_PENDING);
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "300 reached no worker any more");
	assert_int_equal(f.moves[2].fate, JUDGE_LOST);
	assert_null(f.moves[2].after);
}

static void test_moves_unknown(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_MOVED, 300);

	assert_int_equal(ask(p, &e).verdict, JUDGE_INCONCLUSIVE); /* nothing at all */
	for (uint32_t i = 0; i < 300; i++) {
		flow(p, BEFORE, i, (int)(i % 3));
		flow(p, AFTER, i, (int)(i % 3));
	}
	assert_int_equal(ask(p, &e).verdict, JUDGE_INCONCLUSIVE); /* no FIB */
}

/* ---- Two stages ---- */

/* Equal hashes: what the first sends to one the second sends to one. */
static void test_polarised(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_STAGES, 3000);
	struct judge_finding f;

	e.detect = 0.1;
	for (uint32_t i = 0; i < 3000; i++) {
		flow(p, BEFORE, i, (int)(i % 3));
		flow(p, AFTER, i, (int)((i + 1) % 3));
	}
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "3000 flows over 3 x 3 members: chi-square 6000 with 4 degrees of freedom");
	play_assert_says(f, "Cramer's V 1; 6 pairs without a flow");
	assert_non_null(strstr(f.why, "seed"));
}

static void test_independent(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_STAGES, 3000);
	struct rng rng = {77};
	struct judge_finding f;

	e.detect = 0.1;
	for (uint32_t i = 0; i < 3000; i++) {
		flow(p, BEFORE, i, (int)rng_below(&rng, 3));
		flow(p, AFTER, i, (int)rng_below(&rng, 3));
	}
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_PASS);
	assert_true(f.power > 0.95 && f.flows_needed < 3000);
	e.detect = 0.01; /* a tenth of the effect takes a hundred times the flows */
	assert_int_equal(ask(p, &e).verdict, JUDGE_INCONCLUSIVE);
}

static void test_stages_few(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_STAGES, 9);
	struct judge_finding f;

	e.detect = 0.1;
	for (uint32_t i = 0; i < 9; i++) {
		flow(p, BEFORE, i, (int)(i % 3));
		flow(p, AFTER, i, (int)(i % 3));
	}
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_INCONCLUSIVE);
	play_assert_says(f, "flows are needed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAY_TEST(test_as_weighted),
		PLAY_TEST(test_not_as_weighted),
		PLAY_TEST(test_not_a_next_hop),
		PLAY_TEST(test_no_fib),
		PLAY_TEST(test_small_share_needs_more),
		PLAY_TEST(test_control),
		PLAY_TEST(test_control_even),
		PLAY_TEST(test_control_few),
		PLAY_TEST(test_threshold),
		PLAY_TEST(test_listed_order),
		PLAY_TEST(test_too_few_flows),
		PLAY_TEST(test_lost),
		PLAY_TEST(test_moves_unknown),
		PLAY_TEST(test_polarised),
		PLAY_TEST(test_independent),
		PLAY_TEST(test_stages_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
