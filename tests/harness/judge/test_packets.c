/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets that are lost, late, double, in a circle, or at another's worker: each is found and named. */
#include "play.h"

#include <stdio.h>

#define RUN 7U
#define FLOWS 300U
#define EACH 5U
#define CLIENT "172.16.0.10"
#define TTL 63

static void packet(struct play *p, unsigned int link, double ms, uint32_t flow, uint32_t seq, uint8_t ttl)
{
	struct capture_event *e;

	play_flow(p, link, ms, RUN, flow, CLIENT, PLAY_VIP);
	e = &p->links[link].at[p->links[link].len - 1];
	e->tag.seq = seq;
	e->ttl = ttl;
}

/* In rounds, as a sender does; `skip` of the worker's side is left out. */
static void flows_but(struct play *p, uint32_t skip_flow, uint32_t skip_seq)
{
	for (uint32_t seq = 0; seq < EACH; seq++) {
		for (uint32_t flow = 0; flow < FLOWS; flow++) {
			double ms = 60 * seq + 0.1 * flow;

			packet(p, PLAY_CLIENT, ms, flow, seq, TTL + 1);
			if (flow != skip_flow || seq != skip_seq)
				packet(p, flow % PLAY_WORKERS, ms + 0.05, flow, seq, TTL);
		}
	}
}

static struct judge_expect expect(struct play *p)
{
	return (struct judge_expect){.kind = JUDGE_PACKETS,
				     .workers = play_who(p, "123"),
				     .traffic = {.flows = true,
						 .run = RUN,
						 .count = FLOWS,
						 .packets = EACH,
						 .vip = play_addr(PLAY_VIP),
						 .port = PLAY_PORT,
						 .since = play_ms(0),
						 .until = play_ms(400)},
				     .since = play_ms(400),
				     .deadline = play_ms(1000)};
}

static void test_all_there(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p);
	struct judge_finding f;

	flows_but(p, FLOWS, 0);
	f = play_ask(p, &e, play_ms(500));
	assert_int_equal(f.verdict, JUDGE_PASS);
	assert_string_equal(f.seen, "1500 packets of 300 flows; each arrived once and in order");
}

static void test_lost(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p);
	struct judge_finding f;

	flows_but(p, 10, 2); /* at worker2 */
	assert_int_equal(play_ask(p, &e, play_ms(500)).verdict, JUDGE_PENDING);
	f = play_ask(p, &e, play_ms(1000));
	assert_int_equal(f.verdict, JUDGE_FAIL);
	assert_string_equal(f.seen, "1500 packets of 300 flows; 1 lost, of 1 flow (1 of flows at worker2)");
	e.lost = 1;
	assert_int_equal(play_ask(p, &e, play_ms(1000)).verdict, JUDGE_PASS);
}

/* 40 of the 100 flows' packets at worker2, none elsewhere: who loses is named, with the rate's interval. */
static void test_lossy(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p);
	struct judge_finding f;

	for (uint32_t flow = 0; flow < FLOWS; flow++) {
		for (uint32_t seq = 0; seq < EACH; seq++) {
			packet(p, PLAY_CLIENT, 60 * seq + 0.1 * flow, flow, seq, TTL + 1);
			if (flow % PLAY_WORKERS != 1 || flow > 120 || seq != 3)
				packet(p, flow % PLAY_WORKERS, 60 * seq + 0.1 * flow + 0.05, flow, seq, TTL);
		}
	}
	f = play_ask(p, &e, play_ms(1000));
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "40 lost, of 40 flows (40 of flows at worker2)");
	/* Clopper and Pearson for 40 of 500 at 1e-6, by halving over lgamma in Python: 0.03332 to 0.15412 */
	assert_string_equal(f.why,
			    "worker2 loses 8 % of its packets (3.33 to 15.4 %), more than the others: the loss is on "
			    "the way to it, not before the router");
}

/* Of flows that came nowhere the kernel's word says whose they would have been. */
static void test_lost_whole(void **state)
{
	static const struct judge_prediction at[FLOWS] = {[0 ... FLOWS - 1] = {.worker = 2}};
	struct play *p = *state;
	struct judge_expect e = expect(p);
	struct judge_finding f;

	e.oracle = (struct judge_oracle){.at = at, .n = FLOWS};
	f = play_ask(p, &e, play_ms(1000));
	assert_string_equal(f.seen, "1500 packets of 300 flows; 1500 lost, of 300 flows (1500 of flows at worker3)");
	e.oracle.doubt = "asked too late";
	f = play_ask(p, &e, play_ms(1000));
	assert_string_equal(f.seen, "1500 packets of 300 flows; 1500 lost, of 300 flows");
}

/* Why flows split: a next hop that was gone for a while. */
static void test_route_gap(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p);
	struct judge_finding f;

	play_fib(p, -10, PLAY_PREFIX, "10.0.0.51 10.0.0.52 10.0.0.53");
	play_fib(p, 100, PLAY_PREFIX, "10.0.0.51 10.0.0.53");
	play_fib(p, 150, PLAY_PREFIX, "10.0.0.51 10.0.0.52 10.0.0.53");
	play_fib(p, 300, PLAY_PREFIX, "");
	play_fib(p, 310, PLAY_PREFIX, "10.0.0.51 10.0.0.52");
	play_fib(p, 500, PLAY_PREFIX, "10.0.0.51"); /* after the last packet */
	flows_but(p, 10, 2);
	packet(p, 2, 121, 10, 2, TTL);
	f = play_ask(p, &e, play_ms(1000));
	assert_int_equal(f.verdict, JUDGE_FAIL);
	assert_string_equal(
		f.why, "the router's kernel had no route to 172.16.254.1/32 for 10 ms, from 300 ms after they "
		       "began; the router's kernel had no next hop worker2 for 50 ms, from 100 ms after they "
		       "began; the router's kernel had no next hop worker3 any more, from 310 ms after they began");
}

/* The first of a flow that never came back: nobody can say where it would have gone. */
static void test_not_sent(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p);
	struct judge_finding f;

	flows_but(p, FLOWS, 0);
	e.traffic.packets = EACH + 1;
	f = play_ask(p, &e, play_ms(1000));
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "1500 packets of 300 flows, of 1800 that were to be sent");
}

static void test_late(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p);
	struct judge_finding f;

	flows_but(p, 10, 2);
	packet(p, 1, 380, 10, 2, TTL); /* behind numbers 3 and 4 */
	f = play_ask(p, &e, play_ms(1000));
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "; 1 came late, behind a younger one");
	assert_int_equal(f.frame_count, 1);
	assert_string_equal(f.frames[0].file, "worker2.pcap");
	e.late = 1;
	assert_int_equal(play_ask(p, &e, play_ms(1000)).verdict, JUDGE_PASS);
}

static void test_twice(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p);
	struct judge_finding f;

	flows_but(p, FLOWS, 0);
	packet(p, 1, 380, 10, 2, TTL);
	f = play_ask(p, &e, play_ms(1000));
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "; 1 came twice");
	e.twice = 1;
	assert_int_equal(play_ask(p, &e, play_ms(1000)).verdict, JUDGE_PASS);
}

static void test_circle(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p);
	struct judge_finding f;

	flows_but(p, FLOWS, 0);
	for (uint8_t round = 1; round <= 3; round++)
		packet(p, 1, 380 + round, 10, 2, (uint8_t)(TTL - 2 * round));
	e.twice = e.late = 1000; /* what goes in a circle never does */
	f = play_ask(p, &e, play_ms(1000));
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "; 3 came again with a smaller TTL: they go in a circle");
}

static void test_split(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p);
	struct judge_finding f;

	flows_but(p, 10, 2);
	packet(p, 2, 121, 10, 2, TTL);
	f = play_ask(p, &e, play_ms(1000));
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "; 1 flow is split over workers");
}

/* A copy at another worker is one packet too many, not one more. */
static void test_copy(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p);
	struct judge_finding f;

	flows_but(p, FLOWS, 0);
	packet(p, 2, 380, 10, 2, TTL);
	f = play_ask(p, &e, play_ms(1000));
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "; 1 flow is split over workers; 1 came twice");
}

/* Numbers further behind than the window, and ones that leap over it. */
static void test_window(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p);
	const uint32_t order[] = {0, 100, 1, 163, 100, 99, 99, 4000000000U, 163};
	struct judge_finding f;

	e.traffic.count = 1;
	e.traffic.packets = 6;
	for (uint32_t i = 0; i < 6; i++)
		packet(p, PLAY_CLIENT, i, 0, i, TTL + 1);
	for (uint32_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		packet(p, 0, 10 + i, 0, order[i], TTL);
	f = play_ask(p, &e, play_ms(1000));
	/* 1, 99 and the last 163 are late or past the window; 100 and the second 99 are within it and double; two came too many. */
	play_assert_says(f, "; 4 came late");
	play_assert_says(f, " came twice");
}

static void test_no_flows(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p);
	struct judge_finding f;

	assert_int_equal(play_ask(p, &e, play_ms(500)).verdict, JUDGE_PENDING);
	f = play_ask(p, &e, play_ms(1000));
	assert_int_equal(f.verdict, JUDGE_FAIL);
	assert_string_equal(f.seen, "1500 packets of 300 flows; 1500 lost, of 300 flows");
	e.traffic.flows = false;
	assert_int_equal(play_ask(p, &e, play_ms(1000)).verdict, JUDGE_INCONCLUSIVE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAY_TEST(test_all_there), PLAY_TEST(test_lost),  PLAY_TEST(test_not_sent),
		PLAY_TEST(test_late),	   PLAY_TEST(test_twice), PLAY_TEST(test_circle),
		PLAY_TEST(test_split),	   PLAY_TEST(test_copy),  PLAY_TEST(test_window),
		PLAY_TEST(test_no_flows),  PLAY_TEST(test_lossy), PLAY_TEST(test_lost_whole),
		PLAY_TEST(test_route_gap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
