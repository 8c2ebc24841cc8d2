/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Announcements, withdrawals and next hops from what the links show. UPDATE bytes: METALLB section 10.2. */
#include "play.h"

#include <string.h>

/* ---- announced_by ---- */

static void test_announced(void **state)
{
	struct play *p = *state;
	struct judge_finding f;

	play_sessions(p);
	play_announce(p, 0, 50, PLAY_PREFIX, NULL);
	/* METALLB 10.2: eBGP, 4-byte peer; with worker2's address as next hop */
	play_bgp_hex(p, 1, 51, PLAY_FROM_WORKER,
		     "0030 02 0000 0014 40010100 400206 0201 000055f0 400304 0a000034 20 ac10fe01");
	play_announce(p, 2, 52, PLAY_PREFIX, NULL);
	f = play_judged(p, JUDGE_ANNOUNCED_BY, "123", 30, 1000);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_when(&f, 52);
	assert_string_equal(f.seen, "worker1, worker2, worker3 announce 172.16.254.1/32");
	assert_int_equal(f.frame_count, 3);
	assert_true(play_has_frame(&f, "worker2.pcap", 7));
	/* what was so already counts, from since on */
	f = play_judged(p, JUDGE_ANNOUNCED_BY, "123", 500, 1000);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_when(&f, 500);
}

static void test_exactly_these(void **state)
{
	struct play *p = *state;
	struct judge_finding f;

	play_sessions(p);
	play_announce(p, 0, 50, PLAY_PREFIX, NULL);
	play_announce(p, 1, 51, PLAY_PREFIX, NULL);
	f = play_judged(p, JUDGE_ANNOUNCED_BY, "1", 60, 1000);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	assert_string_equal(f.seen, "worker1 announces 172.16.254.1/32; worker2 announces it, too");
	f = play_judged(p, JUDGE_ANNOUNCED_BY, "", 60, 1000);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	f = play_judged(p, JUDGE_ANNOUNCED_BY, "3", 60, 1000);
	assert_string_equal(f.seen, "none of those named announces 172.16.254.1/32; worker3 does not; worker1, worker2 "
				    "announce it, too");
	f = play_judged(p, JUDGE_ANNOUNCED_BY, "", 0, 1000);
	assert_int_equal(f.verdict, JUDGE_PASS);
	assert_string_equal(f.seen, "nobody announces 172.16.254.1/32");
	/* for a millisecond it was worker1 alone */
	f = play_judged(p, JUDGE_ANNOUNCED_BY, "1", 30, 1000);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_when(&f, 50);
}

static void test_silent_worker(void **state)
{
	struct play *p = *state;
	struct judge_finding f;

	play_sessions(p);
	play_announce(p, 0, 50, PLAY_PREFIX, NULL);
	play_announce(p, 1, 51, PLAY_PREFIX, NULL);
	f = play_judged(p, JUDGE_ANNOUNCED_BY, "123", 30, 1000);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	assert_string_equal(f.seen, "worker1, worker2 announce 172.16.254.1/32; worker3 does not");
}

static void test_wrong_prefix(void **state)
{
	struct play *p = *state;
	struct judge_finding f;

	play_sessions(p);
	play_announce(p, 0, 50, PLAY_PREFIX, NULL);
	play_announce(p, 1, 51, "172.16.255.1/32", NULL);
	play_announce(p, 2, 52, "192.0.2.0/24", NULL);
	play_announce(p, 2, 53, "172.16.254.0/24", NULL);
	f = play_judged(p, JUDGE_ANNOUNCED_BY, "123", 30, 1000);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	assert_string_equal(f.seen, "worker1 announces 172.16.254.1/32; worker2 announces 172.16.255.1/32 instead; "
				    "worker3 announces 172.16.254.0/24 instead");
	assert_true(play_has_frame(&f, "worker2.pcap", 7));
}

static void test_wrong_next_hop(void **state)
{
	struct play *p = *state;
	struct judge_finding f;

	play_sessions(p);
	play_announce(p, 0, 50, PLAY_PREFIX, "10.0.0.52");
	f = play_judged(p, JUDGE_ANNOUNCED_BY, "1", 30, 1000);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "worker1 announces it with next hop 10.0.0.52 instead of its own 10.0.0.51");
}

/* Two octets an AS, since the router has no capability 65 (METALLB 10.2, 2-byte peer). */
static void test_two_byte_peer(void **state)
{
	struct play *p = *state;
	struct judge_finding f;
	const struct judge_route_event *events;
	struct judge *j;
	size_t n;

	play_bgp_tcp(p, 0, 0, CAPTURE_TCP_SYN, PLAY_FROM_WORKER);
	play_open(p, 0, 1, PLAY_FROM_WORKER);
	play_bgp_hex(p, 0, 2, PLAY_FROM_ROUTER, "001d 01 04 2af8 00f0 0a000001 00");
	play_keepalive(p, 0, 3, PLAY_FROM_WORKER);
	play_keepalive(p, 0, 4, PLAY_FROM_ROUTER);
	play_bgp_hex(p, 0, 5, PLAY_FROM_WORKER,
		     "002e 02 0000 0012 40010100 400204 0201 55f0 400304 0a000033 20 ac10fe01");
	f = play_judged(p, JUDGE_ANNOUNCED_BY, "1", 0, 1000);
	assert_int_equal(f.verdict, JUDGE_PASS);
	j = play_judge(p, PLAY_BY_TIME, 0, INSTANT_NEVER);
	events = judge_route_events(j, &n);
	assert_int_equal(n, 1);
	assert_string_equal(events[0].as_path, "22000");
	assert_int_equal(events[0].frame, 6);
	assert_string_equal(events[0].worker, "worker1");
	judge_free(j);
}

/* RFC 7911: with ADD-PATH agreed on, a path identifier stands before each prefix. */
static void test_add_path(void **state)
{
	struct play *p = *state;
	struct judge_finding f;

	play_bgp_tcp(p, 0, 0, CAPTURE_TCP_SYN, PLAY_FROM_WORKER);
	play_bgp_hex(p, 0, 1, PLAY_FROM_WORKER,
		     "002d 01 04 55f0 005a 0a000033 10 02 0e 4104 000055f0 4504 0001 01 02 4600");
	play_bgp_hex(p, 0, 2, PLAY_FROM_ROUTER, "002b 01 04 2af8 00f0 0a000001 0e 02 0c 4104 00002af8 4504 0001 01 01");
	play_keepalive(p, 0, 3, PLAY_FROM_WORKER);
	play_keepalive(p, 0, 4, PLAY_FROM_ROUTER);
	play_bgp_hex(p, 0, 5, PLAY_FROM_WORKER,
		     "0034 02 0000 0014 40010100 400206 0201 000055f0 400304 0a000033 00000001 20 ac10fe01");
	f = play_judged(p, JUDGE_ANNOUNCED_BY, "1", 0, 1000);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_when(&f, 5);
}

/* A capture that begins in the middle of the session. */
static void test_joined(void **state)
{
	struct play *p = *state;
	struct judge_finding f;

	play_keepalive(p, 0, 0, PLAY_FROM_WORKER);
	play_keepalive(p, 0, 1, PLAY_FROM_ROUTER);
	play_announce(p, 0, 2, PLAY_PREFIX, NULL);
	play_bgp_hex(p, 0, 3, PLAY_FROM_WORKER,
		     "002e 02 0000 0012 40010100 400204 0201 55f0 400304 0a000033 20 ac10fe02");
	f = play_judged(p, JUDGE_ANNOUNCED_BY, "1", 0, 1000);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_when(&f, 2);
}

static void test_session_loss_takes_routes(void **state)
{
	struct play *p = *state;
	struct judge_finding f;

	play_sessions(p);
	play_announce(p, 0, 50, PLAY_PREFIX, NULL);
	play_notification(p, 0, 60, PLAY_FROM_ROUTER, 4, 0);
	f = play_judged(p, JUDGE_ANNOUNCED_BY, "1", 60, 1000);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "worker1 has no session: ");
	f = play_judged(p, JUDGE_ANNOUNCED_BY, "1", 59, 1000);
	assert_int_equal(f.verdict, JUDGE_PASS);
}

/* What another worker's link shows of this worker is not believed. */
static void test_own_link_only(void **state)
{
	struct play *p = *state;
	struct judge_finding f;

	play_session(p, 0, 0);
	for (size_t i = 0; i < p->links[0].len; i++) {
		p->links[0].at[i].link = 1;
		VEC_PUSH(&p->links[1], p->links[0].at[i]);
	}
	VEC_CLEAR(&p->links[0]);
	f = play_judged(p, JUDGE_SESSIONS, "1", 0, 1000);
	assert_int_equal(f.verdict, JUDGE_FAIL);
}

/* ---- withdrawn_by ---- */

static void test_withdrawn(void **state)
{
	struct play *p = *state;
	struct judge_finding f;

	play_sessions(p);
	play_announce(p, 0, 50, PLAY_PREFIX, NULL);
	play_announce(p, 1, 51, PLAY_PREFIX, NULL);
	/* METALLB 10.2: withdraw 172.16.254.1/32 */
	play_bgp_hex(p, 0, 100, PLAY_FROM_WORKER, "001c 02 0005 20 ac10fe01 0000");
	play_withdraw(p, 1, 110, PLAY_PREFIX);
	f = play_judged(p, JUDGE_WITHDRAWN_BY, "12", 100, 1000);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_when(&f, 110);
	assert_string_equal(f.seen, "worker1, worker2 withdrew 172.16.254.1/32");
	assert_true(play_has_frame(&f, "worker1.pcap", 8));
	f = play_judged(p, JUDGE_WITHDRAWN_BY, "12", 101, 1000);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "worker2 withdrew 172.16.254.1/32; worker1 had withdrawn it before");
	play_withdraw(p, 0, 150, PLAY_PREFIX); /* there was nothing left to withdraw */
	f = play_judged(p, JUDGE_WITHDRAWN_BY, "1", 120, 1000);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	f = play_judged(p, JUDGE_WITHDRAWN_BY, "13", 100, 1000);
	play_assert_says(f, "worker3 had not announced it");
}

static void test_session_loss_is_no_withdrawal(void **state)
{
	struct play *p = *state;
	struct judge_finding f;

	play_sessions(p);
	play_announce(p, 0, 50, PLAY_PREFIX, NULL);
	play_announce(p, 1, 51, PLAY_PREFIX, NULL);
	play_bgp_tcp(p, 0, 100, CAPTURE_TCP_RST, PLAY_FROM_WORKER);
	f = play_judged(p, JUDGE_WITHDRAWN_BY, "12", 90, 1000);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "worker1 lost the route with its session, which is no withdrawal");
	play_assert_says(f, "worker2 still announces it");
}

/* RFC 7606: a malformed ORIGIN makes it a withdrawal that nobody asked for. */
static void test_malformed_is_no_withdrawal(void **state)
{
	struct play *p = *state;
	struct judge_finding f;

	play_sessions(p);
	play_announce(p, 0, 50, PLAY_PREFIX, NULL);
	play_bgp_hex(p, 0, 100, PLAY_FROM_WORKER,
		     "0030 02 0000 0014 40010109 400206 0201 000055f0 400304 0a000033 20 ac10fe01");
	f = play_judged(p, JUDGE_WITHDRAWN_BY, "1", 90, 1000);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "so malformed that it counts as a withdrawal");
	f = play_judged(p, JUDGE_ANNOUNCED_BY, "1", 110, 1000);
	assert_int_equal(f.verdict, JUDGE_FAIL);
}

/* ---- next_hops ---- */

static void test_next_hops(void **state)
{
	struct play *p = *state;
	struct judge_finding f;

	play_fib(p, 50, PLAY_PREFIX, "10.0.0.51");
	play_fib(p, 60, PLAY_PREFIX, "10.0.0.52 10.0.0.51");
	play_fib(p, 70, PLAY_PREFIX, "10.0.0.53 10.0.0.51 10.0.0.52");
	play_fib(p, 80, PLAY_PREFIX, "");
	f = play_judged(p, JUDGE_NEXT_HOPS, "123", 0, 1000);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_when(&f, 70);
	assert_string_equal(f.seen, "the router's kernel sends 172.16.254.1/32 to 10.0.0.51 (worker1), 10.0.0.52 "
				    "(worker2), 10.0.0.53 (worker3)");
	f = play_judged(p, JUDGE_NEXT_HOPS, "12", 65, 1000);
	play_assert_when(&f, 65);
	f = play_judged(p, JUDGE_NEXT_HOPS, "12", 71, 1000);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "no route to 172.16.254.1/32");
	f = play_judged(p, JUDGE_NEXT_HOPS, "", 71, 1000);
	play_assert_when(&f, 80);
	f = play_judged(p, JUDGE_NEXT_HOPS, "12", 71, 75);
	assert_int_equal(f.verdict, JUDGE_FAIL);
}

/* A router of IPv6 may have taken a worker's link-local address (RFC 2545 section 3). */
static void test_next_hops_link_local(void **state)
{
	struct play *p = *state;
	struct judge_worker workers[PLAY_WORKERS];
	struct judge_finding f;

	memcpy(workers, p->lab.workers, sizeof(workers));
	workers[1].link_local = play_addr("fe80::a");
	p->lab.workers = workers;
	play_fib(p, 50, PLAY_PREFIX, "10.0.0.51 fe80::a*2");
	f = play_judged(p, JUDGE_NEXT_HOPS, "12", 0, 1000);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_fib(p, 60, PLAY_PREFIX, "10.0.0.51 fe80::c");
	f = play_judged(p, JUDGE_NEXT_HOPS, "12", 60, 1000);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "fe80::c (no worker); not to worker2");
}

/* The kernel's weights in proportion, of those that are named. */
static void test_next_hops_weigh(void **state)
{
	static const struct {
		const char *fib, *who;
		uint32_t weights[PLAY_WORKERS];
		enum judge_verdict verdict;
	} rows[] = {
		{"10.0.0.51*1 10.0.0.52*2 10.0.0.53*4", "123", {1, 2, 4}, JUDGE_PASS},
		{"10.0.0.51*10 10.0.0.52*20 10.0.0.53*40", "123", {1, 2, 4}, JUDGE_PASS},
		{"10.0.0.51*10 10.0.0.52*20 10.0.0.53*41", "123", {1, 2, 4}, JUDGE_FAIL},
		{"10.0.0.51 10.0.0.52 10.0.0.53", "123", {1, 2, 4}, JUDGE_FAIL},
		{"10.0.0.51 10.0.0.52 10.0.0.53", "123", {7, 7, 7}, JUDGE_PASS},
		{"10.0.0.51 10.0.0.52*2", "12", {1, 2}, JUDGE_PASS},
		{"10.0.0.51 10.0.0.52*2 10.0.0.53", "12", {1, 2}, JUDGE_FAIL},
		{"10.0.0.51", "12", {1, 2}, JUDGE_FAIL},
	};
	struct play *p = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		double ms = 50 + 100 * (double)i;
		struct judge_expect e = play_expect(p, JUDGE_NEXT_HOPS, rows[i].who, ms, ms + 50);
		struct judge_finding f;

		play_fib(p, ms, PLAY_PREFIX, rows[i].fib);
		e.weights = rows[i].weights;
		f = play_ask(p, &e, play_ms(ms + 50));
		if (f.verdict != rows[i].verdict)
			fail_msg("row %zu: %s", i, f.seen);
	}
}

/* Told late, and one gateway twice. */
static void test_fib_order(void **state)
{
	struct play *p = *state;
	struct judge_finding f;

	play_fib(p, 60, PLAY_PREFIX, "10.0.0.52 10.0.0.51 10.0.0.52");
	play_fib(p, 50, PLAY_PREFIX, "10.0.0.53");
	f = play_judged(p, JUDGE_NEXT_HOPS, "12", 70, 1000);
	assert_int_equal(f.verdict, JUDGE_PASS);
	f = play_judged(p, JUDGE_NEXT_HOPS, "3", 0, 55);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_when(&f, 50);
}

static void test_one_path_installed(void **state)
{
	struct play *p = *state;
	struct judge_finding f;

	play_sessions(p);
	for (unsigned int w = 0; w < PLAY_WORKERS; w++)
		play_announce(p, w, 50, PLAY_PREFIX, NULL);
	play_fib(p, 60, PLAY_PREFIX, "10.0.0.53");
	f = play_judged(p, JUDGE_NEXT_HOPS, "123", 60, 1000);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	assert_string_equal(f.seen, "the router's kernel sends 172.16.254.1/32 to 10.0.0.53 (worker3); not to worker1, "
				    "worker2");
	assert_non_null(strstr(f.why, "merge paths on"));
	assert_int_equal(f.frame_count, 3);
}

/* ---- never, pending, loss ---- */

static void test_never(void **state)
{
	struct play *p = *state;
	struct judge_expect e;
	struct judge_finding f;

	play_sessions(p);
	play_announce(p, 0, 50, PLAY_PREFIX, NULL);
	e = play_expect(p, JUDGE_ANNOUNCED_BY, "1", 30, 1000);
	e.never = true;
	f = play_ask(p, &e, play_ms(45));
	assert_int_equal(f.verdict, JUDGE_PENDING);
	f = play_ask(p, &e, play_ms(55)); /* at once */
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_when(&f, 50);
	assert_true(play_has_frame(&f, "worker1.pcap", 7));
	e.workers = play_who(p, "12");
	f = play_ask(p, &e, play_ms(999));
	assert_int_equal(f.verdict, JUDGE_PENDING);
	f = play_ask(p, &e, play_ms(1000));
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_when(&f, 1000);
}

/* What held once and no longer does has held. */
static void test_never_forgets_nothing(void **state)
{
	struct play *p = *state;
	struct judge_expect e;
	struct judge_finding f;

	play_sessions(p);
	play_announce(p, 0, 50, PLAY_PREFIX, NULL);
	play_withdraw(p, 0, 50.001, PLAY_PREFIX);
	e = play_expect(p, JUDGE_ANNOUNCED_BY, "1", 30, 1000);
	f = play_ask(p, &e, play_ms(1000));
	assert_int_equal(f.verdict, JUDGE_PASS);
	e.never = true;
	f = play_ask(p, &e, play_ms(1000));
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_when(&f, 50);
}

/* Announced and withdrawn with one stamp: no instant in between. */
static void test_one_stamp(void **state)
{
	struct play *p = *state;
	struct judge_finding f;

	play_sessions(p);
	play_announce(p, 0, 50, PLAY_PREFIX, NULL);
	play_withdraw(p, 0, 50, PLAY_PREFIX);
	f = play_judged(p, JUDGE_ANNOUNCED_BY, "1", 30, 1000);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "worker1 has withdrawn it");
}

static void test_loss(void **state)
{
	struct play *p = *state;
	struct judge_expect e;
	struct judge_finding f;
	struct judge *j;

	play_sessions(p);
	play_announce(p, 0, 50, PLAY_PREFIX, NULL);
	j = play_judge(p, PLAY_BY_TIME, 0, INSTANT_NEVER);
	play_loss_ever(j, 1, 7);
	play_loss_ever(j, 1, 12); /* so many in all */
	e = play_expect(p, JUDGE_ANNOUNCED_BY, "1", 30, 1000);
	f = judge_evaluate(j, &e, play_ms(1000), &p->arena);
	assert_int_equal(f.verdict, JUDGE_INCONCLUSIVE);
	assert_string_equal(f.seen, "worker1 announces 172.16.254.1/32; but 12 frames were lost on worker2.pcap");
	e = play_expect(p, JUDGE_SESSIONS, "1", 30, 1000); /* does not rest on worker2's link */
	f = judge_evaluate(j, &e, play_ms(1000), &p->arena);
	assert_int_equal(f.verdict, JUDGE_PASS);
	e = play_expect(p, JUDGE_NEXT_HOPS, "", 30, 1000);
	f = judge_evaluate(j, &e, play_ms(1000), &p->arena);
	assert_int_equal(f.verdict, JUDGE_PASS);
	judge_free(j);
}

static void test_display(void **state)
{
	struct play *p = *state;
	struct prefix vip = play_prefix(PLAY_PREFIX);
	const struct judge_route_event *route;
	struct addr hops[2];
	struct judge *j;

	play_sessions(p);
	play_announce(p, 0, 50, PLAY_PREFIX, NULL);
	play_announce(p, 1, 50, PLAY_PREFIX, NULL);
	play_withdraw(p, 1, 60, PLAY_PREFIX);
	play_announce(p, 2, 50, PLAY_PREFIX, NULL);
	play_bgp_tcp(p, 2, 60, CAPTURE_TCP_FIN, PLAY_FROM_ROUTER);
	play_fib(p, 60, PLAY_PREFIX, "10.0.0.53 10.0.0.51 10.0.0.52");
	j = play_judge(p, PLAY_BY_TIME, 0, INSTANT_NEVER);
	route = judge_route(j, 0, &vip);
	assert_non_null(route);
	assert_string_equal(route->as_path, "22000");
	assert_null(judge_route(j, 1, &vip));
	assert_null(judge_route(j, 2, &vip));
	assert_null(judge_route(j, 3, &vip));
	assert_int_equal(judge_fib_now(j, &vip, hops, 2), 3);
	assert_string_equal(addr_text(&hops[1]).s, "10.0.0.52");
	judge_free(j);
	play_session(p, 0, 100); /* anew, without a word */
	j = play_judge(p, PLAY_BY_TIME, 0, INSTANT_NEVER);
	assert_null(judge_route(j, 0, &vip));
	judge_free(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAY_TEST(test_announced),
		PLAY_TEST(test_exactly_these),
		PLAY_TEST(test_silent_worker),
		PLAY_TEST(test_wrong_prefix),
		PLAY_TEST(test_wrong_next_hop),
		PLAY_TEST(test_two_byte_peer),
		PLAY_TEST(test_add_path),
		PLAY_TEST(test_joined),
		PLAY_TEST(test_session_loss_takes_routes),
		PLAY_TEST(test_own_link_only),
		PLAY_TEST(test_withdrawn),
		PLAY_TEST(test_session_loss_is_no_withdrawal),
		PLAY_TEST(test_malformed_is_no_withdrawal),
		PLAY_TEST(test_next_hops),
		PLAY_TEST(test_next_hops_link_local),
		PLAY_TEST(test_next_hops_weigh),
		PLAY_TEST(test_fib_order),
		PLAY_TEST(test_one_path_installed),
		PLAY_TEST(test_never),
		PLAY_TEST(test_never_forgets_nothing),
		PLAY_TEST(test_one_stamp),
		PLAY_TEST(test_loss),
		PLAY_TEST(test_display),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
