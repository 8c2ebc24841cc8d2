/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How far sessions get, and what ends them, from what the workers' links show. */
#include "play.h"

#include <string.h>

static void test_established(void **state)
{
	struct play *p = *state;
	struct judge_finding f;

	play_sessions(p);
	f = play_judged(p, JUDGE_SESSIONS, "123", 0, 1000);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_when(&f, 25); /* worker3's last KEEPALIVE */
	assert_string_equal(f.seen, "worker1, worker2, worker3 are established");
	assert_true(play_has_frame(&f, "worker3.pcap", 5) && play_has_frame(&f, "worker3.pcap", 6));
	f = play_judged(p, JUDGE_SESSIONS, "1", 0, 1000);
	play_assert_when(&f, 5);
}

/* With many workers a sentence stays a sentence. */
static void test_many_workers(void **state)
{
	struct play *p = *state;
	struct judge_worker many[20];
	bool who[20];
	struct judge_expect e = play_expect(p, JUDGE_SESSIONS, "", 0, 1000);
	struct judge_finding f;

	for (unsigned int i = 0; i < 20; i++) {
		struct addr first = play_addr("10.0.0.51");

		who[i] = true;
		many[i] = i < PLAY_WORKERS ? p->lab.workers[i]
					   : (struct judge_worker){.name = "another",
								   .address = addr_add(&first, i),
								   .link = PLAY_LINKS + i};
	}
	play_sessions(p);
	p->lab.workers = many;
	p->lab.worker_count = 20;
	e.workers = who;
	f = play_ask(p, &e, play_ms(1000));
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "worker1, worker2, worker3 are established; another: no connection");
	play_assert_says(f, "; 13 more are not established");
	play_announce(p, 0, 50, PLAY_PREFIX, NULL);
	e.kind = JUDGE_ANNOUNCED_BY;
	f = play_ask(p, &e, play_ms(1000));
	play_assert_says(f, "worker1 announces 172.16.254.1/32; another has no session: ");
	play_assert_says(f, "; 13 more do not; worker2, worker3 do not");
	e.kind = JUDGE_WITHDRAWN_BY;
	f = play_ask(p, &e, play_ms(1000));
	play_assert_says(f,
			 "nobody withdrew 172.16.254.1/32; worker1 still announces it; worker2 had not announced it");
	play_assert_says(f, "; 16 more did not");
	memset(who, 0, sizeof(who));
	memset(who, true, 12);
	for (unsigned int i = 0; i < 12; i++) {
		struct judge_worker own = p->lab.workers[i];

		play_fib(p, 10 + i, PLAY_PREFIX, addr_text(&own.address).s);
	}
	e.kind = JUDGE_NEXT_HOPS;
	f = play_ask(p, &e, play_ms(1000));
	play_assert_says(
		f, "sends 172.16.254.1/32 to 10.0.0.62 (another); not to worker1, worker2, worker3, another, another, "
		   "another, another, another and 3 more");
}

/* Each row: how far worker2 comes, and the words for it. */
static void stage_none(struct play *p)
{
	(void)p;
}

static void stage_syn(struct play *p)
{
	play_bgp_tcp(p, 1, 1, CAPTURE_TCP_SYN, PLAY_FROM_WORKER);
}

static void stage_refused(struct play *p)
{
	stage_syn(p);
	play_bgp_tcp(p, 1, 2, CAPTURE_TCP_RST, PLAY_FROM_ROUTER);
	play_bgp_tcp(p, 1, 11, CAPTURE_TCP_SYN, PLAY_FROM_WORKER); /* from the same port */
	play_bgp_tcp(p, 1, 12, CAPTURE_TCP_RST, PLAY_FROM_ROUTER);
}

static void stage_connected(struct play *p)
{
	stage_syn(p);
	play_bgp_tcp(p, 1, 2, CAPTURE_TCP_SYNACK, PLAY_FROM_ROUTER);
}

static void stage_open(struct play *p)
{
	stage_connected(p);
	play_open(p, 1, 3, PLAY_FROM_WORKER);
}

static void stage_opens(struct play *p)
{
	stage_open(p);
	play_open(p, 1, 4, PLAY_FROM_ROUTER);
	play_keepalive(p, 1, 5, PLAY_FROM_WORKER);
}

static void stage_bad_as(struct play *p)
{
	stage_open(p);
	play_notification(p, 1, 4, PLAY_FROM_ROUTER, 2, 2);
	play_bgp_tcp(p, 1, 5, CAPTURE_TCP_FIN, PLAY_FROM_ROUTER);
	p->ports[1]++;
	stage_syn(p); /* the next attempt says less than the last */
}

static void stage_shut(struct play *p)
{
	play_session(p, 1, 0);
	/* RFC 9003: "bye" */
	play_bgp_hex(p, 1, 20, PLAY_FROM_ROUTER, "0019 03 06 02 03 62 79 65");
}

static void stage_fin(struct play *p)
{
	play_session(p, 1, 0);
	play_bgp_tcp(p, 1, 20, CAPTURE_TCP_FIN, PLAY_FROM_WORKER);
}

/* The router dials, from a port of its own. */
static void stage_router_refused(struct play *p)
{
	struct capture_event *syn = play_event(p, 1, 1, CAPTURE_TCP_SYN), *rst;

	syn->src = play_addr("10.0.0.1");
	syn->dst = play_addr("10.0.0.52");
	syn->src_port = 33333;
	syn->dst_port = 179;
	rst = play_event(p, 1, 2, CAPTURE_TCP_RST);
	rst->src = play_addr("10.0.0.52");
	rst->dst = play_addr("10.0.0.1");
	rst->src_port = 179;
	rst->dst_port = 33333;
}

static void stage_gave_up(struct play *p)
{
	stage_syn(p);
	play_bgp_tcp(p, 1, 2, CAPTURE_TCP_RST, PLAY_FROM_WORKER);
}

static const struct {
	void (*play)(struct play *p);
	const char *words;
} stages[] = {
	{stage_router_refused, "worker2: worker2 refused its connection (RST, frame 2), which the router had dialled"},
	{stage_gave_up, "worker2: worker2 reset the connection (RST, frame 2)"},
	{stage_none, "worker2: no connection attempt (TCP SYN) was seen"},
	{stage_syn, "worker2: no answer to the SYN of worker2 (frame 1)"},
	{stage_refused, "worker2: the router refused its connection (RST, frame 4) (2 attempts)"},
	{stage_connected, "worker2: TCP was connected, but nobody sent OPEN"},
	{stage_open, "worker2: it sent OPEN, and the router none"},
	{stage_opens, "worker2: OPENs were exchanged, but no KEEPALIVE came from the router"},
	{stage_bad_as, "worker2: the router sent NOTIFICATION 2/2 ("},
	{stage_shut, "established and ended: the router sent NOTIFICATION 6/2 ("},
	{stage_shut, "\"bye\" in frame 7"},
	{stage_fin, "established and ended: worker2 closed the connection (FIN, frame 7)"},
};

static void test_stages(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
		struct play p;
		struct judge_finding f;

		play_init(&p);
		play_session(&p, 0, 0);
		stages[i].play(&p);
		f = play_judged(&p, JUDGE_SESSIONS, "12", 100, 1000);
		assert_int_equal(f.verdict, JUDGE_FAIL);
		play_assert_when(&f, 1000);
		play_assert_says(f, "worker1 is established; ");
		play_assert_says(f, stages[i].words);
		play_fini(&p);
	}
}

/* The router dials too; the collision is resolved by a Cease, and one connection is left. */
static void test_collision(void **state)
{
	struct play *p = *state;
	uint16_t mine;
	struct capture_event *syn;
	struct judge_finding f;

	play_session(p, 0, 0);
	mine = p->ports[0];
	p->ports[0] = 50000;
	syn = play_event(p, 0, 5, CAPTURE_TCP_SYN);
	syn->src = play_addr("10.0.0.1");
	syn->src_port = 179; /* dialled from port 179 to make the worker's end ephemeral */
	syn->dst = play_addr("10.0.0.51");
	syn->dst_port = 50000;
	play_open(p, 0, 6, PLAY_FROM_ROUTER);
	play_notification(p, 0, 7, PLAY_FROM_WORKER, 6, 7);
	p->ports[0] = mine;
	play_announce(p, 0, 8, PLAY_PREFIX, NULL);
	f = play_judged(p, JUDGE_ANNOUNCED_BY, "1", 10, 20);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_when(&f, 10);
}

/* 90 s of silence end the session although the wire shows no end; routes go with it. One second is the timers' slack. */
static void test_silence(void **state)
{
	struct play *p = *state;
	struct judge_finding f;

	play_session(p, 0, 0);
	play_announce(p, 0, 10, PLAY_PREFIX, NULL);
	play_keepalive(p, 0, 30000, PLAY_FROM_ROUTER);
	f = play_judged(p, JUDGE_ANNOUNCED_BY, "1", 91000, 91005);
	assert_int_equal(f.verdict, JUDGE_PASS);
	f = play_judged(p, JUDGE_ANNOUNCED_BY, "1", 91011, 92000);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "nothing came from it for more than the hold time of 90 s");
	f = play_judged(p, JUDGE_SESSIONS, "1", 91011, 92000);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	f = play_judged(p, JUDGE_ANNOUNCED_BY, "", 90000, 92000);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_when(&f, 91010.000001);
	play_keepalive(p, 0, 92000, PLAY_FROM_WORKER); /* the router had not given it up */
	f = play_judged(p, JUDGE_ANNOUNCED_BY, "1", 91011, 93000);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_when(&f, 92000);
}

static void test_power_cycle(void **state)
{
	struct play *p = *state;
	struct judge_finding f;

	play_session(p, 0, 0);
	play_announce(p, 0, 10, PLAY_PREFIX, NULL);
	play_session(p, 0, 100); /* the first ended without a word on the wire */
	f = play_judged(p, JUDGE_ANNOUNCED_BY, "1", 50, 60);
	assert_int_equal(f.verdict, JUDGE_PASS);
	f = play_judged(p, JUDGE_ANNOUNCED_BY, "1", 110, 200);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "worker1 does not");
	/* nor can the second session withdraw what the first announced */
	play_withdraw(p, 0, 120, PLAY_PREFIX);
	f = play_judged(p, JUDGE_WITHDRAWN_BY, "1", 110, 200);
	assert_int_equal(f.verdict, JUDGE_FAIL);
}

/* What the router announces is not the worker's, and what comes behind a NOTIFICATION is nobody's. */
static void test_not_announced(void **state)
{
	struct play *p = *state;
	struct judge_finding f;
	struct judge *j;
	size_t n;

	play_session(p, 0, 0);
	play_bgp_hex(p, 0, 10, PLAY_FROM_ROUTER,
		     "0030 02 0000 0014 40010100 400206 0201 000055f0 400304 0a000033 20 ac10fe01");
	play_notification(p, 0, 20, PLAY_FROM_WORKER, 6, 4);
	play_announce(p, 0, 30, PLAY_PREFIX, NULL);
	f = play_judged(p, JUDGE_ANNOUNCED_BY, "1", 0, 1000);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	j = play_judge(p, PLAY_BY_TIME, 0, INSTANT_NEVER);
	(void)judge_route_events(j, &n);
	assert_int_equal(n, 0);
	judge_free(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAY_TEST(test_established),   PLAY_TEST(test_many_workers), cmocka_unit_test(test_stages),
		PLAY_TEST(test_collision),     PLAY_TEST(test_silence),	     PLAY_TEST(test_power_cycle),
		PLAY_TEST(test_not_announced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
