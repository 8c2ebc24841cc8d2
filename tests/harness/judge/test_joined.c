/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A worker that joins flows which go on: when it announced, when the FIB had it, when its first packet came, and what was lost
 * meanwhile; all figures follow from the hand-made captures. */
#include "play.h"

#define RUN 9U
#define FLOWS 30U
#define CLIENT "172.16.0.10"
#define EVENT 105.0 /* ms; flows send every 10 ms, flow n at 0.1 n */
#define ENDS 200.0

static void packet(struct play *p, unsigned int link, double ms, double sent, uint32_t flow, uint32_t seq)
{
	struct capture_event *e;

	play_flow(p, link, ms, RUN, flow, CLIENT, PLAY_VIP);
	e = &p->links[link].at[p->links[link].len - 1];
	e->tag.seq = seq;
	e->tag.sent_ns = (uint64_t)play_ms(sent).ns;
}

/* Every third flow goes to worker2 from `moves` on, all others to worker1; those lose what they send until then from `lost` on. */
static void flows_send(struct play *p, double moves, double lost)
{
	for (uint32_t seq = 0; seq < (uint32_t)(ENDS / 10); seq++) {
		for (uint32_t flow = 0; flow < FLOWS; flow++) {
			double ms = 10.0 * seq + 0.1 * flow;
			bool theirs = flow % 3 == 1;

			packet(p, PLAY_GATE, ms + 0.01, ms, flow, seq);
			if (theirs && ms >= lost && ms < moves)
				continue;
			packet(p, theirs && ms >= moves ? 1 : 0, ms + 0.05, ms, flow, seq);
		}
	}
}

/* worker2 announces 2 ms after, is in the FIB after 4, and packets follow. */
static void joins(struct play *p, double moves, double lost)
{
	p->traced = RUN;
	play_fib(p, -80, PLAY_PREFIX, "10.0.0.51 10.0.0.53");
	for (unsigned int w = 0; w < PLAY_WORKERS; w++)
		play_session(p, w, -100);
	play_announce(p, 0, -90, PLAY_PREFIX, NULL);
	play_announce(p, 2, -90, PLAY_PREFIX, NULL);
	play_announce(p, 1, EVENT + 2, PLAY_PREFIX, NULL);
	play_fib(p, EVENT + 4, PLAY_PREFIX, "10.0.0.51 10.0.0.52 10.0.0.53");
	flows_send(p, moves, lost);
}

static struct judge_expect expect(struct play *p, const char *who)
{
	struct judge_expect e = play_expect(p, JUDGE_JOINED, who, EVENT, 500);

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

static void test_clean(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, "2");
	struct judge_finding f;

	joins(p, 110, 1000);
	f = play_ask(p, &e, play_ms(EVENT + 4.5));
	assert_int_equal(f.verdict, JUDGE_PENDING);
	f = play_ask(p, &e, play_ms(125)); /* as soon as the first packet is there */
	assert_int_equal(f.verdict, JUDGE_PASS);
	f = play_ask(p, &e, play_ms(500));
	assert_int_equal(f.verdict, JUDGE_PASS);
	assert_true(f.leaving.joins);
	assert_int_equal(f.leaving.word, JUDGE_WORD_ANNOUNCED);
	assert_int_equal(f.leaving.word_ns, 2 * NS_PER_MS);
	assert_int_equal(f.leaving.fib_ns, 4 * NS_PER_MS);
	/* flow 1, sent at 110.1, there 0.05 later */
	assert_true(f.leaving.new_path_ns >= 5149999 && f.leaving.new_path_ns <= 5150000); /* play_ms truncates */
	assert_int_equal(f.leaving.old_path_ns, -1);
	assert_int_equal(f.leaving.affected, FLOWS / 3);
	assert_int_equal(f.leaving.flows, FLOWS);
	assert_int_equal(f.leaving.sent, 20 * FLOWS);
	assert_int_equal(f.leaving.lost, 0);
	assert_string_equal(f.seen, "worker2: announced after 2 ms, in the FIB after 4 ms, first packet there after "
				    "5.15 ms (10 of 30 flows); 0 of 600 packets lost");
	assert_int_equal(f.frame_count, 2); /* the announcement, and the packet, the next of worker2's link */
	assert_int_equal(f.frames[1].frame, f.frames[0].frame + 1);
}

struct budget_row {
	enum judge_reference since;
	int64_t within_us;
	enum judge_verdict verdict;
};

/* 5.15 ms after the event, 3.15 after the word, 1.15 after the FIB. */
static void test_budgets(void **state)
{
	static const struct budget_row rows[] = {
		{JUDGE_SINCE_EVENT, 5200, JUDGE_PASS},	  {JUDGE_SINCE_EVENT, 5100, JUDGE_FAIL},
		{JUDGE_SINCE_WITHDRAW, 3200, JUDGE_PASS}, {JUDGE_SINCE_WITHDRAW, 3100, JUDGE_FAIL},
		{JUDGE_SINCE_FIB, 1200, JUDGE_PASS},	  {JUDGE_SINCE_FIB, 1100, JUDGE_FAIL},
	};
	struct play *p = *state;
	struct judge_expect e = expect(p, "2");
	struct judge_finding f;

	joins(p, 110, 1000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		e.budget.since = rows[i].since;
		e.budget.within_ns = rows[i].within_us * 1000;
		f = play_ask(p, &e, play_ms(500));
		if (f.verdict != rows[i].verdict)
			fail_msg("row %zu: %s", i, f.seen);
	}
	play_assert_says(f, "; the first may take 1.1 ms after the FIB");
}

/* What the flows lost until then: 3 packets of each of 10, the last of them sent 10 ms before the first that arrived. */
static void test_losses(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, "2");
	struct judge_finding f;

	joins(p, 140, 110);
	e.budget.within_ns = 100 * NS_PER_MS;
	e.budget.lost = 30;
	f = play_ask(p, &e, play_ms(500));
	assert_int_equal(f.verdict, JUDGE_PASS);
	assert_int_equal(f.leaving.lost, 30);
	assert_int_equal(f.leaving.lost_flows, 10);
	assert_int_equal(f.leaving.gap_count, 10);
	e.budget.lost = 29;
	f = play_ask(p, &e, play_ms(500));
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "; 29 may be lost");
	e.budget.lost = UINT64_MAX;
	e.budget.black_hole_ns = 29 * NS_PER_MS;
	f = play_ask(p, &e, play_ms(500));
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "; a flow may lose its packets for 29 ms");
}

/* In the FIB, and no packet comes; not in the FIB; no word. */
static void test_never(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, "2");
	struct judge_finding f;

	joins(p, 1000, 1000);
	assert_int_equal(play_ask(p, &e, play_ms(300)).verdict, JUDGE_PENDING);
	f = play_ask(p, &e, play_ms(500));
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "in the FIB after 4 ms, no packet there (0 of 30 flows)");
	play_assert_says(f, "; the first may take 20 ms");
	p->fib.len--;
	f = play_ask(p, &e, play_ms(500));
	play_assert_says(f, "announced after 2 ms, not in the FIB, no packet there");
	e.budget.since = JUDGE_SINCE_FIB;
	f = play_ask(p, &e, play_ms(500));
	play_assert_says(f, "; nothing to count from: the change of the FIB never came");
	p->links[1].len = 0;
	e.budget.since = JUDGE_SINCE_WITHDRAW;
	f = play_ask(p, &e, play_ms(500));
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "not announced, not in the FIB, no packet there");
	play_assert_says(f, "; nothing to count from: the announcement never came");
}

/* Of two the last counts; who had packets before has joined nothing. */
static void test_several(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, "23");
	struct judge_finding f;

	joins(p, 110, 1000);
	f = play_ask(p, &e, play_ms(500));
	assert_int_equal(f.verdict, JUDGE_FAIL);
	assert_int_equal(f.leaving.new_path_ns, -1);
	play_assert_says(f, "worker2, worker3: not announced");
	e.workers = play_who(p, "1");
	f = play_ask(p, &e, play_ms(500));
	assert_int_equal(f.verdict, JUDGE_INCONCLUSIVE);
	play_assert_says(f, "; packets went there before it happened");
	e.workers = play_who(p, "2");
	p->traced = 0;
	f = play_ask(p, &e, play_ms(500));
	assert_int_equal(f.verdict, JUDGE_INCONCLUSIVE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAY_TEST(test_clean), PLAY_TEST(test_budgets), PLAY_TEST(test_losses),
		PLAY_TEST(test_never), PLAY_TEST(test_several),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
