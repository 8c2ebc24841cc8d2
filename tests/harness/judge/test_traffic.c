/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HTTP answers, sources at pods, and spreads of flows and connections. */
#include "play.h"
#include "rng.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define RUN 7U
#define CLIENT "172.16.0.10"

/* Traffic from 0 to 500 ms, asked about at 600, deadline 1000. */
static struct judge_expect expect(struct play *p, enum judge_kind kind, bool flows, uint32_t count)
{
	return (struct judge_expect){.kind = kind,
				     .workers = play_who(p, "123"),
				     .traffic = {.flows = flows,
						 .run = RUN,
						 .count = count,
						 .vip = play_addr(PLAY_VIP),
						 .port = PLAY_PORT,
						 .since = play_ms(0),
						 .until = play_ms(500)},
				     .http_answered = count,
				     .http_status = 200,
				     .detect = 0.25,
				     .since = play_ms(600),
				     .deadline = play_ms(1000)};
}

static struct judge_finding ask(struct play *p, const struct judge_expect *e)
{
	return play_ask(p, e, play_ms(1000));
}

/* ---- http ---- */

static void answered(struct play *p, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		play_http(p, 0, 10 * i, (uint16_t)(50000 + i), 200);
}

static void test_answered(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_HTTP, false, 30);
	struct judge_finding f;

	answered(p, 30);
	f = play_ask(p, &e, play_ms(600));
	assert_int_equal(f.verdict, JUDGE_PASS);
	assert_string_equal(f.seen, "30 of 30 connections were answered with 200");
	e.http_answered = 29;
	f = play_ask(p, &e, play_ms(600)); /* all is seen: no need to wait */
	assert_int_equal(f.verdict, JUDGE_FAIL);
}

static void test_not_answered(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_HTTP, false, 34);
	struct judge_finding f;

	answered(p, 29);
	play_http(p, 1, 300, 51000, 503);
	play_http(p, 1, 310, 51001, 0);
	play_http(p, 1, 320, 51002, 0);
	play_tcp(p, PLAY_CLIENT, 330, CAPTURE_TCP_RST, PLAY_VIP, PLAY_PORT, CLIENT, 51002);
	play_tcp(p, PLAY_CLIENT, 331, CAPTURE_TCP_SYN, CLIENT, 51003, "172.16.254.2", PLAY_PORT); /* elsewhere */
	play_tcp(p, PLAY_CLIENT, 332, CAPTURE_TCP_SYN, CLIENT, 51004, PLAY_VIP, 8080);
	play_http(p, 1, 501, 51005, 200); /* of the next step */
	f = play_ask(p, &e, play_ms(600));
	assert_int_equal(f.verdict, JUDGE_PENDING);
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	assert_string_equal(f.seen, "29 of 34 connections were answered with 200, 1 with 503, 1 was refused, 1 had no "
				    "answer, 2 were not seen at the clients");
	assert_int_equal(f.frame_count, 3);
	assert_string_equal(f.frames[0].file, "client1.pcap");
	assert_int_equal(f.frames[0].frame, 29 * 3 + 3); /* the 503 */
}

/* One port twice: the answer belongs to the connection that it came in. */
static void test_port_reused(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_HTTP, false, 2);
	struct judge_finding f;

	play_http(p, 0, 10, 50000, 0);
	play_http(p, 0, 20, 50000, 200);
	e.http_answered = 1;
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_says(f, "1 of 2 connections were answered with 200, 1 had no answer");
}

/* The same for the worker that it came to. */
static void test_port_reused_at_workers(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_SPREAD_EQUAL, false, 2);
	struct judge_finding f;

	play_http(p, 0, 10, 50000, 200);
	play_http(p, 1, 20, 50000, 200);
	e.detect = 0;
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_PASS);
	assert_string_equal(f.seen, "2 connections: worker1 1, worker2 1, worker3 0");
}

/* All that were to be answered have been, but not all have been seen. */
static void test_some_to_come(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_HTTP, false, 5);
	struct judge_finding f;

	answered(p, 4);
	e.http_answered = 4;
	f = play_ask(p, &e, play_ms(600));
	assert_int_equal(f.verdict, JUDGE_PENDING);
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_says(f, "4 of 5 connections were answered with 200, 1 was not seen at the clients");
}

/* A link whose stamps go back. */
static void test_clock_set_back(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_HTTP, false, 1);
	struct judge_finding f;

	play_http(p, 0, 300, 50000, 200);
	play_http(p, 0, 5, 50001, 200);
	e.traffic.since = play_ms(10);
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_says(f, "1 of 1 ");
}

static void test_statuses(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_HTTP, false, 12);
	struct judge_finding f;

	for (unsigned int i = 0; i < 12; i++)
		play_http(p, 0, 10 * i, (uint16_t)(50000 + i), 500 + (int)(i % 6));
	f = ask(p, &e);
	assert_string_equal(f.seen, "0 of 12 connections were answered with 200, 2 with 500, 2 with 501, 2 with 502, 6 "
				    "with 503 and the like");
	assert_int_equal(f.frame_count, 8);
}

static void test_source(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_HTTP, false, 4);
	struct judge_finding f;

	answered(p, 4);
	for (uint16_t i = 0; i < 4; i++)
		play_pod_syn(p, i % 2, 10 * i + 1.5, CLIENT, (uint16_t)(50000 + i));
	e.source = JUDGE_SOURCE_CLIENT;
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_says(f, "; pods saw 4 connections from 172.16.0.10 (client1)");
	e.source = JUDGE_SOURCE_NODE;
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	assert_non_null(strstr(f.why, "externalTrafficPolicy: Local"));
	play_pod_syn(p, 0, 100, "10.0.0.51", 1024); /* one came another way */
	e.source = JUDGE_SOURCE_CLIENT;
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	for (uint16_t i = 0; i < 4; i++)
		play_pod_syn(p, 0, 110 + i, "10.0.0.51", (uint16_t)(1025 + i));
	e.source = JUDGE_SOURCE_NODE;
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_FAIL);
}

/* To a pod of its own a worker masquerades with its address on the pod's link, to others with its own. */
static void test_source_node(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_HTTP, false, 4);
	struct judge_finding f;

	answered(p, 4);
	for (uint16_t i = 0; i < 4; i++)
		play_pod_syn(p, i % 2, 10 * i + 1.5, i % 2 == 0 ? "10.0.0.51" : "10.244.1.1", (uint16_t)(1024 + i));
	e.source = JUDGE_SOURCE_NODE;
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_says(f, "from 10.0.0.51 (worker1), 10.244.1.1");
	e.source = JUDGE_SOURCE_CLIENT;
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	assert_non_null(strstr(f.why, "Local it keeps"));
	assert_string_equal(f.frames[f.frame_count - 1].file, "nginx-1.pcap");
}

/* Answers that no pod can have given. */
static void test_source_fewer(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_HTTP, false, 4);
	struct judge_finding f;

	answered(p, 4);
	for (uint16_t i = 0; i < 3; i++)
		play_pod_syn(p, 0, 10 * i + 1.5, CLIENT, (uint16_t)(50000 + i));
	e.source = JUDGE_SOURCE_CLIENT;
	f = play_ask(p, &e, play_ms(600));
	assert_int_equal(f.verdict, JUDGE_PENDING);
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "pods saw 3 connections from 172.16.0.10 (client1), fewer than were answered");
	p->no_pods = true;
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_INCONCLUSIVE);
}

/* ---- spread ---- */

/* Each flow at the client's link and, 0.1 ms later, at its worker's. */
static void flow(struct play *p, unsigned int w, uint32_t number, const char *src)
{
	double ms = 0.05 * number;

	play_flow(p, PLAY_CLIENT, ms, RUN, number, src, PLAY_VIP);
	play_flow(p, w, ms + 0.1, RUN, number, src, PLAY_VIP);
}

static void hashed_flows(struct play *p, unsigned int n, uint64_t seed)
{
	struct rng rng = {seed};

	for (unsigned int i = 0; i < n; i++)
		flow(p, (unsigned int)rng_below(&rng, PLAY_WORKERS), i, CLIENT);
}

static void test_equal(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_SPREAD_EQUAL, true, 3000);
	struct judge_finding f;
	uint64_t sum = 0;

	hashed_flows(p, 3000, 1);
	/* kube-proxy passes some on: another destination, another worker's link, no split */
	for (uint32_t i = 0; i < 3000; i += 3)
		play_flow(p, (i / 3) % 3, 0.05 * i + 0.2, RUN, i, "10.0.0.51", "10.244.1.2");
	play_flow(p, 0, 400, RUN + 1, 5, CLIENT, PLAY_VIP); /* another step's */
	f = play_ask(p, &e, play_ms(600));
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_says(f, "3000 flows: worker1 ");
	assert_int_equal(f.share_count, 3);
	for (size_t i = 0; i < 3; i++) {
		sum += f.shares[i].count;
		assert_true(fabs(f.shares[i].expected - 1000) < 1e-9);
	}
	assert_int_equal(sum, 3000);
	assert_int_equal(f.chi.df, 2);
	assert_true(f.detectable > 0.15 && f.detectable < 0.2); /* sqrt(2 * 47 / 3000) */
	assert_null(f.why);
}

static void test_unequal(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_SPREAD_EQUAL, true, 3000);
	struct judge_finding f;

	for (unsigned int i = 0; i < 3000; i++) /* 600, 1200, 1200 */
		flow(p, i % 5 == 0 ? 0 : 1 + i % 2, i, CLIENT);
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	assert_true(fabs(f.chi.statistic - 240) < 1e-9);
	play_fib(p, -1, PLAY_PREFIX, "10.0.0.52 10.0.0.53");
	f = ask(p, &e);
	assert_string_equal(f.why, "worker1 is no next hop of 172.16.254.1/32 in the router's kernel");
}

static void test_too_few(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_SPREAD_EQUAL, true, 30);
	struct judge_finding f;

	hashed_flows(p, 30, 1);
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_INCONCLUSIVE);
	assert_int_equal(f.flows_needed, judge_flows_needed(3, 0.25, JUDGE_ALPHA, JUDGE_POWER));
	play_assert_says(f, "to show that a worker is short by 25 %");
	assert_true(f.detectable > 1);
	e.detect = 0;
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_PASS);
}

static void test_missing(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_SPREAD_EQUAL, true, 3002);
	struct judge_finding f;

	hashed_flows(p, 3000, 1);
	play_flow(p, PLAY_CLIENT, 200, RUN, 3000, CLIENT, PLAY_VIP);
	f = play_ask(p, &e, play_ms(600));
	assert_int_equal(f.verdict, JUDGE_PENDING);
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(
		f, "1 of 3002 flows reached no worker: flow 3000; 1 of 3002 flows was seen on no link; 3000 flows: ");
	assert_string_equal(f.frames[0].file, "client1.pcap");
	assert_int_equal(f.frames[0].frame, 3001);
}

static void test_split(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_SPREAD_EQUAL, true, 3000);
	struct judge_finding f;

	hashed_flows(p, 2999, 1);
	flow(p, 1, 2999, CLIENT);
	play_flow(p, 2, 160, RUN, 2999, CLIENT, PLAY_VIP); /* its second packet */
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "1 of 3000 flows was at two workers: flow 2999 at worker2, then at worker3; 3000 flows: ");
	assert_string_equal(f.frames[1].file, "worker3.pcap");
}

/* Flows are counted, not packets. */
static void test_more_packets(void **state)
{
	struct play *p = *state, more;
	struct judge_expect e = expect(p, JUDGE_SPREAD_EQUAL, true, 3000);
	struct judge_finding one, three;

	hashed_flows(p, 3000, 1);
	one = ask(p, &e);
	play_init(&more);
	for (unsigned int i = 0; i < 3; i++)
		hashed_flows(&more, 3000, 1);
	three = ask(&more, &e);
	assert_int_equal(three.verdict, JUDGE_PASS);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(three.shares[i].count, one.shares[i].count);
	play_fini(&more);
}

/* A switch shows a worker's link what is not for it. */
static void test_flooded(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_SPREAD_EQUAL, true, 3000);
	struct capture_event *stray;
	struct judge_finding f;

	hashed_flows(p, 2999, 1);
	flow(p, 1, 2999, CLIENT);
	stray = play_event(p, 2, 150, CAPTURE_FLOW);
	*stray = p->links[1].at[p->links[1].len - 1];
	stray->link = 2;
	stray->carried = false;
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_PASS);
}

static void test_stray_worker(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_SPREAD_EQUAL, true, 3000);
	struct judge_finding f;

	hashed_flows(p, 3000, 1);
	e.workers = play_who(p, "12");
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "flows came to worker3, which is not named; 3000 flows: ");
	e.workers = play_who(p, ""); /* nobody named: all */
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_PASS);
}

static void test_pinned(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_SPREAD_PINNED, false, 30);
	struct judge_finding f;

	for (unsigned int i = 0; i < 30; i++)
		play_http(p, 1, 10 * i, (uint16_t)(50000 + i), 200);
	f = play_ask(p, &e, play_ms(600));
	assert_int_equal(f.verdict, JUDGE_PASS);
	assert_string_equal(f.seen, "30 connections: worker1 0, worker2 30, worker3 0; every client had one worker");
	assert_string_equal(
		f.why, "the router hashes addresses only (net.ipv4.fib_multipath_hash_policy=0): all connections of "
		       "one client share a next hop; net.ipv4.fib_multipath_hash_policy=1 spreads them by port; "
		       "spread equally, these 30 would stay together by chance once in 10^14 times");
	e.kind = JUDGE_SPREAD_EQUAL;
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	assert_non_null(strstr(f.why, "hashes addresses only"));
	play_fib(p, -1, PLAY_PREFIX, "10.0.0.52");
	f = ask(p, &e);
	assert_non_null(strstr(f.why, "a single next hop"));
}

static void test_not_pinned(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_SPREAD_PINNED, true, 7);
	struct judge_finding f;

	for (unsigned int i = 0; i < 3; i++)
		flow(p, 0, i, "172.16.0.11");
	for (unsigned int i = 3; i < 7; i++)
		flow(p, i == 6 ? 2 : 1, i, CLIENT);
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(
		f,
		"7 flows: worker1 3, worker2 3, worker3 1; 1 of 2 clients had more than one worker; 172.16.0.10 sent "
		"4 flows: worker2 3, worker3 1");
}

static void test_pinned_needs_two(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_SPREAD_PINNED, true, 3);
	struct judge_finding f;

	flow(p, 0, 0, CLIENT);
	flow(p, 0, 1, CLIENT);
	flow(p, 1, 2, "172.16.0.11");
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_INCONCLUSIVE);
	assert_int_equal(f.flows_needed, 4);
}

/* 2000 addresses with one or nine flows each: the addresses are spread evenly, and a hash of addresses can do no more. By
 * flows alone the same spread would fail. */
static void test_addresses_decide(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_SPREAD_EQUAL, true, 10000);
	struct judge_finding f;
	uint32_t number = 0;

	for (unsigned int i = 0; i < 2000; i++) {
		char src[32];

		snprintf(src, sizeof(src), "172.16.%u.%u", 1 + i / 250, 1 + i % 250);
		for (unsigned int n = 0; n < (i % 2 == 0 ? 9U : 1U); n++)
			flow(p, i % 12 == 0 ? 0 : i % 3, number++, src);
	}
	e.traffic.until = play_ms(501);
	f = ask(p, &e);
	assert_int_equal(number, 10000);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_says(f, "judged by their 2000 addresses, which alone decide");
	assert_true(f.shares[0].count + f.shares[1].count + f.shares[2].count == 2000);
	p->lab.hash_addresses_only = false;
	f = ask(p, &e);
	play_assert_says(f, "10000 flows: ");
	assert_true(f.shares[0].count + f.shares[1].count + f.shares[2].count == 10000);
}

/* A connection whose hash changed under way shows at two workers by its data. */
static void test_split_connection(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_SPREAD_PINNED, false, 2);
	struct judge_finding f;

	play_http(p, 0, 10, 50000, 200);
	play_http(p, 0, 20, 50001, 0);
	play_tcp(p, 2, 25, CAPTURE_HTTP_REQUEST, CLIENT, 50001, PLAY_VIP, PLAY_PORT);
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "172.16.0.10 port 50001 at worker1, then at worker3");
}

static void test_nothing_sent(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_SPREAD_EQUAL, true, 100);
	struct judge_finding f = ask(p, &e);

	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "100 of 100 flows were seen on no link");
	e.traffic.count = UINT32_MAX;
	f = ask(p, &e);
	assert_int_equal(f.verdict, JUDGE_INCONCLUSIVE);
}

static void test_loss(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_SPREAD_EQUAL, true, 3000);
	struct judge_finding f;
	struct judge *j;

	hashed_flows(p, 3000, 1);
	j = play_judge(p, PLAY_BY_TIME, 0, INSTANT_NEVER);
	play_loss_ever(j, PLAY_POD, 3); /* not what a spread rests on */
	f = judge_evaluate(j, &e, play_ms(1000), &p->arena);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_loss_ever(j, 1, 40);
	f = judge_evaluate(j, &e, play_ms(1000), &p->arena);
	assert_int_equal(f.verdict, JUDGE_INCONCLUSIVE);
	play_assert_says(f, "; but 40 frames were lost on worker2.pcap");
	assert_int_equal(f.share_count, 3);
	judge_free(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAY_TEST(test_answered),
		PLAY_TEST(test_not_answered),
		PLAY_TEST(test_port_reused),
		PLAY_TEST(test_port_reused_at_workers),
		PLAY_TEST(test_some_to_come),
		PLAY_TEST(test_clock_set_back),
		PLAY_TEST(test_statuses),
		PLAY_TEST(test_source),
		PLAY_TEST(test_source_node),
		PLAY_TEST(test_source_fewer),
		PLAY_TEST(test_equal),
		PLAY_TEST(test_unequal),
		PLAY_TEST(test_too_few),
		PLAY_TEST(test_missing),
		PLAY_TEST(test_split),
		PLAY_TEST(test_more_packets),
		PLAY_TEST(test_flooded),
		PLAY_TEST(test_stray_worker),
		PLAY_TEST(test_pinned),
		PLAY_TEST(test_not_pinned),
		PLAY_TEST(test_pinned_needs_two),
		PLAY_TEST(test_addresses_decide),
		PLAY_TEST(test_split_connection),
		PLAY_TEST(test_nothing_sent),
		PLAY_TEST(test_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
