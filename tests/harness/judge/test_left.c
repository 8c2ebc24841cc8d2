/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flows that leave a worker: when the first word of it was on the wire, when the FIB followed, when packets did, and what was
 * lost; all figures follow from the hand-made captures. */
#include "play.h"

#include <stdio.h>

#define RUN 9U
#define FLOWS 30U
#define CLIENT "172.16.0.10"
#define EVENT 105.0 /* ms; flows send every 10 ms, flow n at 0.1 n */
#define ENDS 400.0

/* What happens to the packets of worker2's flows that were sent in [from, until): lost, or late at the old worker. */
struct script {
	double lost_from, lost_until; /* ms */
	double moves;		      /* from here on to worker3 */
};

static void packet(struct play *p, unsigned int link, double ms, double sent, uint32_t flow, uint32_t seq)
{
	struct capture_event *e;

	play_flow(p, link, ms, RUN, flow, CLIENT, PLAY_VIP);
	e = &p->links[link].at[p->links[link].len - 1];
	e->tag.seq = seq;
	e->tag.sent_ns = (uint64_t)play_ms(sent).ns;
}

static void flows_send(struct play *p, const struct script *s)
{
	for (uint32_t seq = 0; seq < (uint32_t)(ENDS / 10); seq++) {
		for (uint32_t flow = 0; flow < FLOWS; flow++) {
			double ms = 10.0 * seq + 0.1 * flow;
			bool theirs = flow % 3 == 1;

			packet(p, PLAY_GATE, ms + 0.01, ms, flow, seq);
			if (theirs && ms >= s->lost_from && ms < s->lost_until)
				continue;
			packet(p, theirs && ms >= s->moves ? 2 : flow % 3, ms + 0.05, ms, flow, seq);
		}
	}
}

static void begin(struct play *p, const struct script *s)
{
	p->traced = RUN;
	play_fib(p, -80, PLAY_PREFIX, "10.0.0.51 10.0.0.52 10.0.0.53");
	for (unsigned int w = 0; w < PLAY_WORKERS; w++) {
		play_session(p, w, -100);
		play_announce(p, w, -90, PLAY_PREFIX, NULL);
	}
	flows_send(p, s);
}

static struct judge_expect expect(struct play *p)
{
	struct judge_expect e = play_expect(p, JUDGE_LEFT, "2", EVENT, 500);

	e.traffic = (struct judge_traffic){.flows = true,
					   .run = RUN,
					   .count = FLOWS,
					   .vip = play_addr(PLAY_VIP),
					   .port = PLAY_PORT,
					   .since = play_ms(0),
					   .until = play_ms(ENDS)};
	e.budget = (struct judge_budget){.within_ns = 20 * NS_PER_MS, .black_hole_ns = -1, .lost = UINT64_MAX};
	return e;
}

/* Withdrawn 2 ms after, out of the FIB after 4, and packets follow at once. */
static void withdrawn(struct play *p, const struct script *s)
{
	begin(p, s);
	play_withdraw(p, 1, EVENT + 2, PLAY_PREFIX);
	play_fib(p, EVENT + 4, PLAY_PREFIX, "10.0.0.51 10.0.0.53");
}

static void test_clean(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p);
	struct judge_finding f;

	withdrawn(p, &(struct script){.moves = 110});
	f = play_ask(p, &e, play_ms(200)); /* as soon as all have moved */
	assert_int_equal(f.verdict, JUDGE_PASS);
	f = play_ask(p, &e, play_ms(500));
	assert_int_equal(f.verdict, JUDGE_PASS);
	assert_int_equal(f.leaving.word, JUDGE_WORD_WITHDRAWN);
	assert_int_equal(f.leaving.word_ns, 2 * NS_PER_MS);
	assert_int_equal(f.leaving.fib_ns, 4 * NS_PER_MS);
	/* flow 1, sent at 110.1, there 0.05 later; none of theirs was sent between 105 and 110 */
	assert_true(f.leaving.new_path_ns >= 5149999 && f.leaving.new_path_ns <= 5150000); /* play_ms truncates */
	assert_int_equal(f.leaving.old_path_ns, -1);
	assert_int_equal(f.leaving.affected, FLOWS / 3);
	assert_int_equal(f.leaving.gap_count, FLOWS / 3);
	assert_int_equal(f.leaving.sent, 40 * FLOWS);
	assert_int_equal(f.leaving.lost, 0);
	assert_string_equal(f.leaving.gaps[0].before, "worker2");
	assert_string_equal(f.leaving.gaps[0].after, "worker3");
	play_assert_says(f,
			 "worker2: withdrawn after 2 ms, out of the FIB after 4 ms, first packet on a new path after");
	play_assert_says(f, "0 of 1200 packets lost");
	assert_true(play_has_frame(&f, "worker2.pcap", p->links[1].len)); /* the withdrawal, fed last */
}

/* The monitor reads of a change after it; a packet that the change sent elsewhere shows it sooner, unless another change may have. */
static void test_monitor_late(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p);
	struct judge_finding f;

	begin(p, &(struct script){.moves = 110});
	play_withdraw(p, 1, EVENT + 2, PLAY_PREFIX);
	play_fib(p, EVENT + 6, PLAY_PREFIX, "10.0.0.51 10.0.0.53");
	f = play_ask(p, &e, play_ms(500));
	assert_int_equal(f.leaving.fib_ns, f.leaving.new_path_ns);
	play_fib(p, EVENT + 1, PLAY_PREFIX, "10.0.0.51 10.0.0.52");
	f = play_ask(p, &e, play_ms(500));
	assert_int_equal(f.leaving.fib_ns, 6 * NS_PER_MS);
}

/* What is lost up to now, when nobody knows yet when the flows will end. */
static void test_going_on(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p);
	struct judge_finding f;

	withdrawn(p, &(struct script){110, 160, 160});
	e.traffic.until = (struct instant){0};
	e.deadline = play_ms(151); /* flow 1 lost what it sent at 110.1, 120.1 ... */
	f = play_ask(p, &e, play_ms(151));
	assert_int_equal(f.leaving.gaps[0].black_hole_ns, 40900000);
	assert_int_equal(f.leaving.black_hole_longest_ns, 40900000);
	assert_int_equal(f.leaving.trailing, f.leaving.lost);
}

/* Five packets of each of ten flows: from the stamp of the first lost to that of the next that came. */
static void test_lost(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p);
	struct judge_finding f;

	withdrawn(p, &(struct script){110, 160, 160});
	e.budget.within_ns = 60 * NS_PER_MS;
	f = play_ask(p, &e, play_ms(500));
	assert_int_equal(f.verdict, JUDGE_PASS);
	assert_int_equal(f.leaving.lost, 50);
	assert_int_equal(f.leaving.lost_flows, 10);
	assert_int_equal(f.leaving.black_hole_longest_ns, 50 * NS_PER_MS);
	assert_int_equal(f.leaving.black_hole_ns, 10 * 50 * NS_PER_MS);
	assert_int_equal(f.leaving.loss_span_ns, 42700000); /* 110.1 of flow 1 to 152.8 of flow 28 */
	assert_int_equal(f.leaving.old_path_ns, 47800000);  /* what is lost was on its way there */
	assert_int_equal(f.leaving.gaps[0].lost, 5);
	assert_int_equal(f.leaving.gaps[0].black_hole_ns, 50 * NS_PER_MS);
	play_assert_says(f, "50 of 1200 packets lost, of 10 of 30 flows");
	e.budget.lost = 49;
	f = play_ask(p, &e, play_ms(500));
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "; 49 may be lost");
	e.budget.lost = 50;
	e.budget.black_hole_ns = 50 * NS_PER_MS;
	assert_int_equal(play_ask(p, &e, play_ms(500)).verdict, JUDGE_PASS);
	e.budget.black_hole_ns--;
	f = play_ask(p, &e, play_ms(500));
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "a flow may lose its packets for");
}

/* How long the FIB had no route is what was lost, 50 of 1200, of the 392.9 ms that they were sent in; not when it was read of. */
static void test_without_route(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p);
	struct judge_finding f;

	withdrawn(p, &(struct script){110, 160, 160});
	play_fib(p, EVENT + 20, PLAY_PREFIX, "");
	play_fib(p, EVENT + 21, PLAY_PREFIX, "10.0.0.51 10.0.0.53");
	play_fib(p, EVENT + 40, PLAY_PREFIX, "");
	play_fib(p, EVENT + 41, PLAY_PREFIX, "10.0.0.51 10.0.0.53");
	play_fib(p, ENDS + 1, PLAY_PREFIX, ""); /* the flows met the first two */
	f = play_ask(p, &e, play_ms(500));
	assert_int_equal(f.leaving.no_route, 2);
	assert_int_equal(f.leaving.no_route_ns, 16370833);
	play_assert_says(f, "; the FIB had no route 2 times, by what was lost for 8.19 ms each");
}

/* The last packet on the old path came 42.85 ms after the event, 40.85 after the withdrawal, 38.85 after the FIB. */
static void test_late(void **state)
{
	static const struct {
		enum judge_reference since;
		int64_t within_us;
		enum judge_verdict verdict;
	} rows[] = {
		{JUDGE_SINCE_EVENT, 47850, JUDGE_PASS},	   {JUDGE_SINCE_EVENT, 47849, JUDGE_FAIL},
		{JUDGE_SINCE_WITHDRAW, 45850, JUDGE_PASS}, {JUDGE_SINCE_WITHDRAW, 45849, JUDGE_FAIL},
		{JUDGE_SINCE_FIB, 43850, JUDGE_PASS},	   {JUDGE_SINCE_FIB, 43849, JUDGE_FAIL},
	};
	struct play *p = *state;
	struct judge_expect e = expect(p);

	withdrawn(p, &(struct script){.moves = 160});
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		e.budget.since = rows[i].since;
		e.budget.within_ns = rows[i].within_us * NS_PER_US;
		assert_int_equal(play_ask(p, &e, play_ms(500)).verdict, rows[i].verdict);
	}
}

static void test_never(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p);
	struct judge_finding f;

	begin(p, &(struct script){.moves = 1000});
	assert_int_equal(play_ask(p, &e, play_ms(400)).verdict, JUDGE_PENDING);
	f = play_ask(p, &e, play_ms(500));
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "worker2: no word of it on the wire, still in the FIB, no packet on a new path");
	assert_int_equal(f.leaving.unmoved, 10);
	e.budget.since = JUDGE_SINCE_FIB;
	f = play_ask(p, &e, play_ms(500));
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "nothing to count from: the change of the FIB never came");
}

/* To the end of the flows: nobody came back for them. */
static void test_black_hole(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p);
	struct judge_finding f;

	begin(p, &(struct script){110, 1000, 1000});
	f = play_ask(p, &e, play_ms(500));
	assert_int_equal(f.verdict, JUDGE_FAIL);
	assert_int_equal(f.leaving.lost, 290);
	assert_int_equal(f.leaving.gaps[0].black_hole_ns, 289900000); /* 110.1 to 400 */
	assert_null(f.leaving.gaps[0].new_path_ns >= 0 ? f.leaving.gaps : NULL);
	assert_int_equal(f.leaving.trailing, 100); /* of the last 100 ms */
}

/* RFC 8326: announced anew, still there, no longer a next hop. */
static void test_changed(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p);
	struct judge_finding f;

	begin(p, &(struct script){.moves = 110});
	play_announce(p, 1, EVENT + 1, PLAY_PREFIX, NULL);
	play_fib(p, EVENT + 3, PLAY_PREFIX, "10.0.0.51 10.0.0.53");
	f = play_ask(p, &e, play_ms(500));
	assert_int_equal(f.verdict, JUDGE_PASS);
	assert_int_equal(f.leaving.word, JUDGE_WORD_CHANGED);
	assert_string_equal(judge_word_name(f.leaving.word), "changed");
}

/* What the worker's own port shows, but the router's does not, was no word to it; what the router says there is one. */
static void test_cut_off(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p);
	struct capture_event *said;
	struct judge_finding f;

	p->lab.router_link = PLAY_ROUTER;
	begin(p, &(struct script){110, 160, 160});
	play_bgp_tcp(p, 1, EVENT + 1, CAPTURE_TCP_FIN, PLAY_FROM_WORKER);
	play_fib(p, EVENT + 50, PLAY_PREFIX, "10.0.0.51 10.0.0.53");
	f = play_ask(p, &e, play_ms(500));
	assert_int_equal(f.leaving.word, JUDGE_WORD_NONE);
	said = play_event(p, PLAY_ROUTER, EVENT + 40, CAPTURE_TCP_RST);
	said->src = play_addr("10.0.0.1");
	said->dst = play_addr("10.0.0.52");
	said->src_port = WIRE_BGP_PORT;
	said->dst_port = 40001;
	f = play_ask(p, &e, play_ms(500));
	assert_int_equal(f.leaving.word, JUDGE_WORD_SESSION);
	assert_int_equal(f.leaving.word_ns, 40 * NS_PER_MS);
	*said = p->links[1].at[p->links[1].len - 1]; /* the worker's FIN, come through */
	said->link = PLAY_ROUTER;
	said->time = play_ms(EVENT + 1.1);
	f = play_ask(p, &e, play_ms(500));
	assert_int_equal(f.leaving.word_ns, 1 * NS_PER_MS);
}

static void test_doubts(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p);
	struct judge_finding f;

	withdrawn(p, &(struct script){.moves = 110});
	p->gate_loses = 3;
	f = play_ask(p, &e, play_ms(500));
	assert_int_equal(f.verdict, JUDGE_INCONCLUSIVE);
	play_assert_says(f, "3 frames were lost on router-clients.pcap");
	p->gate_loses = 0;
	p->traced = 0;
	f = play_ask(p, &e, play_ms(500));
	assert_int_equal(f.verdict, JUDGE_INCONCLUSIVE);
	play_assert_says(f, "no flows were followed packet by packet");
	p->traced = RUN;
	e.since = play_ms(-1); /* before the first packet */
	f = play_ask(p, &e, play_ms(500));
	assert_int_equal(f.verdict, JUDGE_INCONCLUSIVE);
	play_assert_says(f, "of 30 flows none was there when it happened");
}

static void test_any_order(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p);
	struct judge_finding f = {0};
	const char *first = NULL;

	withdrawn(p, &(struct script){110, 140, 140});
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct judge *j = play_judge(p, seed == 0 ? PLAY_LINKS_BACKWARDS : PLAY_SEEDED, seed, INSTANT_NEVER);

		f = judge_evaluate(j, &e, play_ms(500), &p->arena);
		judge_free(j);
		if (first == NULL)
			first = f.seen;
		assert_string_equal(f.seen, first);
		assert_int_equal(f.leaving.lost, 30);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAY_TEST(test_clean),	       PLAY_TEST(test_lost),	     PLAY_TEST(test_late),
		PLAY_TEST(test_without_route), PLAY_TEST(test_monitor_late), PLAY_TEST(test_going_on),
		PLAY_TEST(test_never),	       PLAY_TEST(test_black_hole),   PLAY_TEST(test_changed),
		PLAY_TEST(test_cut_off),       PLAY_TEST(test_doubts),	     PLAY_TEST(test_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
