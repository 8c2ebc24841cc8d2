/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames that a capture lost at a time: only what was asked about that time is inconclusive. */
#include "play.h"

#include <string.h>

#define RUN 5U
#define WORKER2 1U

/* A flow a millisecond from `ms` on, each to worker2, there half a millisecond later. */
static void flows(struct play *p, uint32_t run, double ms)
{
	for (uint32_t flow = 0; flow < 10; flow++) {
		play_flow(p, PLAY_CLIENT, ms + flow, run, flow, "172.16.0.10", PLAY_VIP);
		play_flow(p, WORKER2, ms + flow + 0.5, run, flow, "172.16.0.10", PLAY_VIP);
	}
}

static struct judge_expect packets(struct play *p, uint32_t run, double since)
{
	struct judge_expect e = play_expect(p, JUDGE_PACKETS, "123", since, since + 1000);

	e.traffic = (struct judge_traffic){.flows = true,
					   .run = run,
					   .count = 10,
					   .packets = 1,
					   .vip = play_addr(PLAY_VIP),
					   .since = play_ms(since),
					   .until = play_ms(since + 10)};
	return e;
}

struct loss_row {
	const char *name;
	double since, until;
	bool matters;
};

/* The flows are sent from 500 to 510; the last has arrived at 509.5, and was sent 0.5 before. */
static const struct loss_row rows[] = {
	{"before", 100, 499, false},	   {"until they began", 100, 500, true},  {"amid them", 503, 504, true},
	{"all over them", 100, 900, true}, {"from their end on", 510, 600, true}, {"behind them", 511, 600, false},
};

static void test_flows(void **state)
{
	struct play *p = *state;
	struct judge_expect e = packets(p, RUN, 500);
	struct judge *j;

	play_sessions(p);
	flows(p, RUN, 500);
	j = play_judge(p, PLAY_BY_TIME, 0, INSTANT_NEVER);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct judge_finding f;

		play_loss(j, WORKER2, 3, rows[i].since, rows[i].until);
		f = judge_evaluate(j, &e, play_ms(1200), &p->arena);
		if ((f.verdict == JUDGE_INCONCLUSIVE) != rows[i].matters)
			fail_msg("%s: verdict %d, %s", rows[i].name, (int)f.verdict, f.seen);
		if (rows[i].matters)
			play_assert_says(f, "; but 3 frames were lost on worker2.pcap between frames 7 and 9");
		else
			assert_int_equal(f.verdict, JUDGE_PASS);
	}
	judge_free(j);
}

/* What is missing may have been lost at any time up to now. */
static void test_missing(void **state)
{
	struct play *p = *state;
	struct judge_expect e = packets(p, RUN, 500);
	struct judge *j;

	flows(p, RUN, 500);
	p->links[WORKER2].len--;
	j = play_judge(p, PLAY_BY_TIME, 0, INSTANT_NEVER);
	play_loss(j, WORKER2, 1, 600, 700);
	assert_int_equal(judge_evaluate(j, &e, play_ms(1500), &p->arena).verdict, JUDGE_INCONCLUSIVE);
	play_loss(j, WORKER2, 1, 100, 200);
	assert_int_equal(judge_evaluate(j, &e, play_ms(1500), &p->arena).verdict, JUDGE_FAIL);
	judge_free(j);
}

/* Two runs and a loss amid the first. */
static void test_afterwards(void **state)
{
	struct play *p = *state;
	struct judge_expect first = packets(p, RUN, 500), second = packets(p, RUN + 1, 600);
	struct judge *j;

	flows(p, RUN, 500);
	flows(p, RUN + 1, 600);
	j = play_judge(p, PLAY_BY_TIME, 0, INSTANT_NEVER);
	play_loss(j, WORKER2, 2, 503, 504);
	assert_int_equal(judge_evaluate(j, &first, play_ms(700), &p->arena).verdict, JUDGE_INCONCLUSIVE);
	assert_int_equal(judge_evaluate(j, &second, play_ms(700), &p->arena).verdict, JUDGE_PASS);
	first.kind = second.kind = JUDGE_MOVED;
	second.before = first.traffic;
	assert_int_equal(judge_evaluate(j, &second, play_ms(1700), &p->arena).verdict, JUDGE_INCONCLUSIVE);
	judge_free(j);
}

static enum judge_verdict session_verdict(struct play *p, struct judge *j, enum judge_kind kind, double now)
{
	struct judge_expect e = play_expect(p, kind, "2", 500, now);

	return judge_evaluate(j, &e, play_ms(now), &p->arena).verdict;
}

/* Of a session that was there before the loss, what came later tells whether its words were all captured. */
static void test_sessions(void **state)
{
	struct play *p = *state;
	struct judge *j;
	struct capture_event *gap;

	play_sessions(p);
	play_announce(p, WORKER2, 50, PLAY_PREFIX, NULL);
	j = play_judge(p, PLAY_BY_TIME, 0, INSTANT_NEVER);
	play_loss(j, WORKER2, 2, 100, 101);
	assert_int_equal(session_verdict(p, j, JUDGE_SESSIONS, 600), JUDGE_INCONCLUSIVE);
	assert_int_equal(session_verdict(p, j, JUDGE_ANNOUNCED_BY, 600), JUDGE_INCONCLUSIVE);
	judge_free(j);

	play_keepalive(p, WORKER2, 400, PLAY_FROM_WORKER);
	j = play_judge(p, PLAY_BY_TIME, 0, INSTANT_NEVER);
	play_loss(j, WORKER2, 2, 100, 101);
	assert_int_equal(session_verdict(p, j, JUDGE_SESSIONS, 600), JUDGE_PASS);
	assert_int_equal(session_verdict(p, j, JUDGE_ANNOUNCED_BY, 600), JUDGE_PASS);
	play_loss(j, WORKER2, 2, 100, 450); /* the KEEPALIVE may have been one of those around which they were lost */
	assert_int_equal(session_verdict(p, j, JUDGE_SESSIONS, 600), JUDGE_INCONCLUSIVE);
	judge_free(j);

	gap = play_event(p, WORKER2, 401, CAPTURE_BGP_GAP);
	gap->src = p->lab.workers[WORKER2].address;
	gap->dst = p->lab.router;
	gap->src_port = p->ports[WORKER2];
	gap->dst_port = WIRE_BGP_PORT;
	play_keepalive(p, WORKER2, 402, PLAY_FROM_WORKER);
	j = play_judge(p, PLAY_BY_TIME, 0, INSTANT_NEVER);
	play_loss(j, WORKER2, 2, 100, 101);
	assert_int_equal(session_verdict(p, j, JUDGE_ANNOUNCED_BY, 600), JUDGE_INCONCLUSIVE);
	judge_free(j);

	play_bgp_tcp(p, WORKER2, 403, CAPTURE_TCP_RST, PLAY_FROM_ROUTER);
	play_session(p, WORKER2, 450);
	j = play_judge(p, PLAY_BY_TIME, 0, INSTANT_NEVER);
	play_loss(j, WORKER2, 2, 100, 101);
	assert_int_equal(session_verdict(p, j, JUDGE_SESSIONS, 600), JUDGE_PASS);
	assert_int_equal(session_verdict(p, j, JUDGE_ANNOUNCED_BY, 600), JUDGE_FAIL);
	judge_free(j);
}

static void test_words(void **state)
{
	struct play *p = *state;
	struct judge_expect e = packets(p, RUN, 500);
	struct capture_loss lost[6] = {{.frames = 1, .after = 12}};
	struct judge *j;

	flows(p, RUN, 500);
	j = play_judge(p, PLAY_BY_TIME, 0, INSTANT_NEVER);
	lost[0].since = lost[0].until = play_ms(505);
	judge_losses(j, WORKER2, lost, 1);
	play_assert_says(judge_evaluate(j, &e, play_ms(1500), &p->arena),
			 "; but 1 frame was lost on worker2.pcap after frame 12");
	for (size_t i = 1; i < 6; i++)
		lost[i] = lost[0];
	judge_losses(j, WORKER2, lost, 6);
	play_assert_says(judge_evaluate(j, &e, play_ms(1500), &p->arena), " and more at 2 other times");
	judge_losses(j, WORKER2, NULL, 0);
	assert_int_equal(judge_evaluate(j, &e, play_ms(1500), &p->arena).verdict, JUDGE_PASS);
	judge_losses(j, UINT32_MAX, lost, 1);
	judge_free(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAY_TEST(test_flows),	  PLAY_TEST(test_missing), PLAY_TEST(test_afterwards),
		PLAY_TEST(test_sessions), PLAY_TEST(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
