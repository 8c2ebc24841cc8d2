/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BFD as the router's link shows it. Packets are octets by RFC 5880 section 4.1, typed by hand. */
#include "play.h"

#include <string.h>

#define ROUTER_LINK 2U /* of the play's workers the third then has none */
#define ADMIN 0
#define DOWN 1
#define INIT 2
#define UP 3
#define EXPIRED 1

/* What an end says: version 1 and diagnostic, state, multiplier 3, length 24, discriminators 1 and 2, 100 ms each. */
static void say(struct play *p, double ms, unsigned int worker, bool router, uint8_t state, uint8_t diag)
{
	const uint8_t packet[] = {(uint8_t)(0x20 | diag),
				  (uint8_t)(state << 6),
				  3,
				  24,
				  0,
				  0,
				  0,
				  1,
				  0,
				  0,
				  0,
				  2,
				  0,
				  1,
				  0x86,
				  0xa0,
				  0,
				  1,
				  0x86,
				  0xa0,
				  0,
				  0,
				  0,
				  0};
	struct capture_event *e = play_event(p, ROUTER_LINK, ms, CAPTURE_BFD);
	struct addr own = p->lab.workers[worker].address;

	e->src = router ? p->lab.router : own;
	e->dst = router ? own : p->lab.router;
	e->src_port = 49152;
	e->dst_port = 3784;
	e->protocol = 17;
	e->ttl = 255;
	e->bytes = arena_memdup(&p->arena, packet, sizeof(packet));
	e->len = sizeof(packet);
}

static int setup(void **state)
{
	int r = play_setup(state);
	struct play *p = *state;

	p->lab.router_link = ROUTER_LINK;
	p->lab.worker_count = 2;
	return r;
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, play_teardown)

/* Both up from 12 ms on; worker2 is heard last at 200 ms. */
static void come_up(struct play *p)
{
	for (unsigned int w = 0; w < 2; w++) {
		say(p, 1 + w, w, true, DOWN, 0);
		say(p, 3 + w, w, false, INIT, 0);
		say(p, 5 + w, w, true, UP, 0);
		say(p, 11 + w, w, false, UP, 0);
	}
	say(p, 100, 0, false, UP, 0);
	say(p, 100, 0, true, UP, 0);
	say(p, 200, 1, false, UP, 0);
}

static void test_up(void **state)
{
	struct play *p = *state;
	struct judge_finding f;

	come_up(p);
	f = play_judged(p, JUDGE_BFD_UP, "12", 0, 1000);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_when(&f, 12);
	play_assert_says(f, "worker1: the router says Up; worker2: the router says Up");
	assert_true(play_has_frame(&f, "worker3.pcap", 7));
	f = play_judged(p, JUDGE_BFD_UP, "1", 0, 1000);
	play_assert_when(&f, 11);
	f = play_judged(p, JUDGE_BFD_DOWN, "1", 20, 1000);
	assert_int_equal(f.verdict, JUDGE_FAIL);
}

/* The worker's silence is no end of its session; what the router says then is. */
static void test_detection_time(void **state)
{
	struct play *p = *state;
	struct judge_finding f;

	come_up(p);
	say(p, 505, 1, true, DOWN, EXPIRED);
	say(p, 900, 0, false, UP, 0);
	f = play_judged(p, JUDGE_BFD_DOWN, "2", 201, 504);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	f = play_judged(p, JUDGE_BFD_DOWN, "2", 201, 1000);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_when(&f, 505);
	play_assert_says(
		f, "worker2: the router says Down (Control Detection Time Expired), 305 ms after its last packet");
	assert_true(play_has_frame(&f, "worker3.pcap", 12));
	f = play_judged(p, JUDGE_BFD_DOWN, "12", 201, 1000);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "worker1: the router says Up");
	f = play_judged(p, JUDGE_BFD_UP, "12", 506, 1000);
	assert_int_equal(f.verdict, JUDGE_FAIL);
}

static void test_again(void **state)
{
	struct play *p = *state;
	struct judge_finding f;

	come_up(p);
	say(p, 505, 1, true, DOWN, EXPIRED);
	say(p, 600, 1, false, DOWN, 0);
	say(p, 601, 1, true, INIT, EXPIRED);
	say(p, 602, 1, false, UP, 0);
	say(p, 603, 1, true, UP, EXPIRED);
	f = play_judged(p, JUDGE_BFD_UP, "12", 506, 1000);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_when(&f, 603);
}

static void test_nobody_answers(void **state)
{
	struct play *p = *state;
	struct judge_finding f;

	f = play_judged(p, JUDGE_BFD_UP, "1", 0, 1000);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "worker1: no BFD packet was seen");
	f = play_judged(p, JUDGE_BFD_DOWN, "1", 0, 1000); /* what never was can't be lost */
	assert_int_equal(f.verdict, JUDGE_FAIL);
	say(p, 10, 0, false, DOWN, 0);
	f = play_judged(p, JUDGE_BFD_UP, "1", 0, 1000);
	play_assert_says(f, "worker1 says Down in frame 1, and the router has no BFD for it");
	say(p, 20, 1, true, DOWN, 0);
	f = play_judged(p, JUDGE_BFD_UP, "2", 0, 1000);
	play_assert_says(f, "worker2: the router says Down, the worker nothing");
}

/* Each of these is not what a neighbour says (RFC 5880 section 6.8.6, RFC 5881 section 5). */
static void test_not_counted(void **state)
{
	struct play *p = *state;
	struct judge_finding f;
	struct capture_event *e;

	come_up(p);
	for (int i = 0; i < 4; i++) {
		uint8_t *bytes;

		say(p, 300 + i, 1, true, DOWN, EXPIRED);
		e = &p->links[ROUTER_LINK].at[p->links[ROUTER_LINK].len - 1];
		bytes = arena_memdup(&p->arena, e->bytes, e->len);
		e->bytes = bytes;
		if (i == 0)
			e->ttl = 254;
		else if (i == 1)
			e->len = 23;
		else if (i == 2)
			bytes[2] = 0; /* multiplier */
		else
			e->dst = play_addr("10.0.0.99");
	}
	f = play_judged(p, JUDGE_BFD_DOWN, "2", 201, 1000);
	assert_int_equal(f.verdict, JUDGE_FAIL);
}

static void test_lost_frames(void **state)
{
	struct play *p = *state;
	struct judge_expect e = play_expect(p, JUDGE_BFD_UP, "1", 0, 1000);
	struct judge *j;
	struct judge_finding f;

	come_up(p);
	j = play_judge(p, PLAY_BY_TIME, 0, play_ms(1000));
	play_loss_ever(j, ROUTER_LINK, 3);
	f = judge_evaluate(j, &e, play_ms(1000), &p->arena);
	assert_int_equal(f.verdict, JUDGE_INCONCLUSIVE);
	play_assert_says(f, "3 frames were lost on worker3.pcap");
	judge_free(j);
}

static void test_events(void **state)
{
	struct play *p = *state;
	const struct judge_bfd_event *events;
	struct judge *j;
	size_t n;

	come_up(p);
	j = play_judge(p, PLAY_BY_TIME, 0, play_ms(1000));
	events = judge_bfd_events(j, &n);
	assert_int_equal(n, 8); /* what is said again is no event */
	assert_true(events[0].from_router);
	assert_string_equal(events[0].worker, "worker1");
	assert_int_equal(events[0].state, DOWN);
	assert_int_equal(events[n - 1].state, UP);
	assert_false(events[n - 1].from_router);
	judge_free(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_up),		TEST(test_detection_time), TEST(test_again),  TEST(test_nobody_answers),
		TEST(test_not_counted), TEST(test_lost_frames),	   TEST(test_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
