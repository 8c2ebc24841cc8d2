/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the router's kernel predicted, against where flows and connections were seen. */
#include "play.h"

#include <string.h>

#define RUN 7U
#define CLIENT "172.16.0.10"
#define FLOWS 9U

static struct judge_prediction said[FLOWS];

/* The kernel says worker1, worker2, worker3, worker1 ... */
static struct judge_expect expect(struct play *p, bool flows)
{
	for (uint32_t i = 0; i < FLOWS; i++)
		said[i] = (struct judge_prediction){play_addr(CLIENT), (uint16_t)(50000 + i), i % 3};
	return (struct judge_expect){.kind = JUDGE_PREDICTED,
				     .workers = play_who(p, "123"),
				     .traffic = {.flows = flows,
						 .run = RUN,
						 .count = FLOWS,
						 .vip = play_addr(PLAY_VIP),
						 .port = PLAY_PORT,
						 .since = play_ms(10),
						 .until = play_ms(500)},
				     .oracle = {.asked = play_ms(9), .at = said, .n = FLOWS},
				     .since = play_ms(600),
				     .deadline = play_ms(1000)};
}

/* Flow i leaves the client at 10 + i ms, and comes to the worker one later. */
static void flow(struct play *p, uint32_t i, unsigned int worker)
{
	play_flow(p, PLAY_CLIENT, 10 + i, RUN, i, CLIENT, PLAY_VIP);
	if (worker < PLAY_WORKERS)
		play_flow(p, worker, 10.5 + i, RUN, i, CLIENT, PLAY_VIP);
}

static void flows(struct play *p, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++)
		flow(p, i, i % 3);
}

static struct judge_finding ask(struct play *p, const struct judge_expect *e)
{
	return play_ask(p, e, play_ms(1000));
}

static void test_as_predicted(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, true);
	struct judge_finding f;

	play_fib(p, 1, PLAY_PREFIX, "10.0.0.51 10.0.0.52 10.0.0.53");
	flows(p, 0, FLOWS - 1);
	f = play_ask(p, &e, play_ms(600));
	assert_int_equal(f.verdict, JUDGE_PENDING); /* one may come still */
	flow(p, FLOWS - 1, (FLOWS - 1) % 3);
	f = play_ask(p, &e, play_ms(600));
	assert_int_equal(f.verdict, JUDGE_PASS);
	assert_string_equal(f.seen, "9 of 9 flows went where the router's kernel said");
}

static void test_elsewhere(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, true);
	struct judge_finding f;

	play_fib(p, 1, PLAY_PREFIX, "10.0.0.51 10.0.0.52 10.0.0.53");
	flows(p, 0, 4);
	flow(p, 4, 2);
	flows(p, 5, FLOWS);
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	assert_string_equal(f.seen, "8 of 9 flows went where the router's kernel said; "
				    "flow 4: the kernel says worker2, the packets went to worker3");
	assert_int_equal(f.frame_count, 1);
	assert_string_equal(f.frames[0].file, "worker3.pcap");
	assert_int_equal(f.frames[0].frame, 2); /* after flow 2 */
}

/* A hop that drops what it should pass on. */
static void test_nowhere(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, true);
	struct judge_finding f;

	flows(p, 0, 7);
	flow(p, 7, PLAY_WORKERS);
	flow(p, 8, 2);
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "8 of 9 flows");
	play_assert_says(f, "flow 7: the kernel says worker2, the packets went to no worker");
	assert_true(play_has_frame(&f, "client1.pcap", 8));
}

/* The same where the sender's own link shows nothing of what it sends. */
static void test_unseen(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, true);
	struct judge_finding f;

	flows(p, 0, 8);
	f = play_ask(p, &e, play_ms(600));
	assert_int_equal(f.verdict, JUDGE_PENDING);
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "8 of 9 flows");
	play_assert_says(f, "flow 8: the kernel says worker3, the packets went to no worker");
}

/* What the kernel says it would refuse, and what is no next hop of ours. */
static void test_refused(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, true);
	struct judge_finding f;

	said[3].worker = JUDGE_NO_WORKER;
	flows(p, 0, FLOWS);
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "flow 3: the kernel says no worker, the packets went to worker1");
}

static void test_many_differ(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, true);
	struct judge_finding f;

	for (uint32_t i = 0; i < FLOWS; i++)
		flow(p, i, (i + 1) % 3);
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "0 of 9 flows");
	play_assert_says(f, "flow 3: the kernel says worker1, the packets went to worker2 and more");
}

/* A route that changes on the way excuses those that came later, and only those. */
static void test_route_changes(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, true);
	struct judge_finding f;

	play_fib(p, 1, PLAY_PREFIX, "10.0.0.51 10.0.0.52 10.0.0.53");
	play_fib(p, 12, PLAY_PREFIX, "10.0.0.51 10.0.0.52 10.0.0.53"); /* told again: no change */
	play_fib(p, 16, PLAY_PREFIX, "10.0.0.51 10.0.0.53");
	flows(p, 0, 7);
	flow(p, 7, 0);
	flow(p, 8, 2);
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_PASS);
	assert_string_equal(f.seen, "6 of 6 flows went where the router's kernel said; its route changed before 3 "
				    "others arrived");
	said[5].worker = 0;
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "flow 5: the kernel says worker1, the packets went to worker3");
}

/* An aggregate is a route too. */
static void test_covering_route_changes(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, true);
	struct judge_finding f;

	play_fib(p, 1, "172.16.254.0/24", "10.0.0.51 10.0.0.52 10.0.0.53");
	play_fib(p, 1, "0.0.0.0/0", "10.0.0.51");
	play_fib(p, 12, "0.0.0.0/0", "10.0.0.52");
	play_fib(p, 16, "172.16.254.0/24", "10.0.0.51 10.0.0.53");
	flows(p, 0, 7);
	flow(p, 7, 0);
	flow(p, 8, 2);
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_says(f, "6 of 6 flows");
}

static void test_doubt(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, true);
	struct judge_finding f;

	e.oracle.doubt = "the coin is in the air";
	flows(p, 0, FLOWS);
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_INCONCLUSIVE);
	assert_string_equal(f.seen,
			    "what the router's kernel would do with these flows is not known: the coin is in the air");
	e.oracle = (struct judge_oracle){0};
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_INCONCLUSIVE);
}

/* Of a flow that came to two workers, or to none, nothing is to be learned. */
static void test_paths_to_learn(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, true);
	struct arena arena = {0};
	struct judge_prediction *at;
	struct judge *j;

	flows(p, 0, 7);
	play_flow(p, 2, 100, RUN, 4, CLIENT, PLAY_VIP);
	flow(p, 7, PLAY_WORKERS);
	j = play_judge(p, PLAY_BY_TIME, 0, play_ms(1000));
	at = judge_flow_paths(j, &e.traffic, &arena);
	for (uint32_t i = 0; i < FLOWS; i++)
		assert_int_equal(at[i].worker, i == 4 || i >= 7 ? JUDGE_NO_WORKER : i % 3);
	judge_free(j);
	arena_clear(&arena);
}

static void test_as_learned(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, true);
	struct judge_finding f;

	e.oracle.learned = true;
	play_fib(p, 1, PLAY_PREFIX, "10.0.0.51 10.0.0.52 10.0.0.53");
	flows(p, 0, FLOWS);
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_PASS);
	assert_string_equal(f.seen, "9 of 9 flows went where their packets had gone before (learned from these, not "
				    "looked up)");
	said[3].worker = JUDGE_NO_WORKER;
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_says(f, "8 of 8 flows");
	play_assert_says(f, "; 1 others had no one path before");
	said[4].worker = 2;
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "7 of 8 flows");
	play_assert_says(f, "flow 4: it went to worker3 before, its packets now to worker2");
	assert_true(play_has_frame(&f, "worker2.pcap", 2));
	for (uint32_t i = 0; i < FLOWS; i++)
		said[i].worker = JUDGE_NO_WORKER;
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_INCONCLUSIVE);
}

/* What the route taught holds as long as it does. */
static void test_learned_until_the_route_changes(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, true);
	struct judge_finding f;

	e.oracle.learned = true;
	play_fib(p, 1, PLAY_PREFIX, "10.0.0.51 10.0.0.52 10.0.0.53");
	play_fib(p, 16, PLAY_PREFIX, "10.0.0.51 10.0.0.53");
	flows(p, 0, 7);
	flow(p, 7, 0);
	flow(p, 8, 2);
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_says(f, "6 of 6 flows");
	play_assert_says(f, "its route changed before 3 others arrived");
}

static void test_connections(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, false);
	struct judge_prediction *at;
	struct judge_finding f;
	struct arena arena = {0};
	struct judge *j;
	size_t n;

	for (uint32_t i = FLOWS; i > 0; i--)
		play_http(p, (i - 1) % 3, 10 + 4 * (FLOWS - i), (uint16_t)(50000 + i - 1), 200);
	j = play_judge(p, PLAY_BY_TIME, 0, play_ms(1000));
	at = judge_connections(j, &e.traffic, &arena, &n);
	assert_int_equal(n, FLOWS);
	for (uint32_t i = 0; i < FLOWS; i++) {
		assert_int_equal(at[i].client_port, 50000 + i);
		assert_true(addr_equal(&at[i].client, &said[i].client));
		assert_int_equal(at[i].worker, JUDGE_NO_WORKER);
	}
	judge_free(j);
	arena_clear(&arena);
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_PASS);
	said[2].worker = 1;
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	assert_string_equal(f.seen, "8 of 9 connections went where the router's kernel said; "
				    "172.16.0.10 port 50002: the kernel says worker2, the packets went to worker3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAY_TEST(test_as_predicted),
		PLAY_TEST(test_elsewhere),
		PLAY_TEST(test_nowhere),
		PLAY_TEST(test_refused),
		PLAY_TEST(test_unseen),
		PLAY_TEST(test_many_differ),
		PLAY_TEST(test_route_changes),
		PLAY_TEST(test_covering_route_changes),
		PLAY_TEST(test_doubt),
		PLAY_TEST(test_connections),
		PLAY_TEST(test_paths_to_learn),
		PLAY_TEST(test_as_learned),
		PLAY_TEST(test_learned_until_the_route_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
