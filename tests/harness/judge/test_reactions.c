/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the router does about a peer that misbehaves: each reaction, seen, missed, or another one seen instead. */
#include "play.h"

#include <string.h>

#define PLAYED 100.0

static struct judge_finding reaction(struct play *p, enum judge_reaction_kind kind, struct judge_answer answer,
				     double deadline)
{
	struct judge_expect e = play_expect(p, JUDGE_REACTION, "2", 0, deadline);

	e.reaction = (struct judge_reaction){.kind = kind, .answers = {answer}, .played = play_ms(PLAYED)};
	return play_ask(p, &e, play_ms(deadline));
}

/* A session of worker2, on which the router's KEEPALIVEs come at these times. */
static void session_with_pulses(struct play *p, const double *ms, size_t n)
{
	play_session(p, 1, 10);
	for (size_t i = 0; i < n; i++)
		play_keepalive(p, 1, ms[i], PLAY_FROM_ROUTER);
}

static void test_notification(void **state)
{
	struct play *p = *state;
	const struct judge_answer right = {1, 2, NULL}, wrong = {1, 3, NULL}, any = {1, JUDGE_ANY_SUBCODE, NULL};
	struct judge_finding f;

	play_session(p, 1, 10);
	f = reaction(p, JUDGE_NOTIFIES, right, 1000);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "the session goes on, 0 KEEPALIVEs of the router later");
	play_notification(p, 1, 150, PLAY_FROM_ROUTER, 1, 2);
	f = reaction(p, JUDGE_NOTIFIES, right, 1000);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_when(&f, 150);
	play_assert_says(f, "the router sent NOTIFICATION 1/2 (Message Header Error/Bad Message Length)");
	assert_int_equal(reaction(p, JUDGE_NOTIFIES, any, 1000).verdict, JUDGE_PASS);
	assert_int_equal(reaction(p, JUDGE_NOTIFIES, wrong, 1000).verdict, JUDGE_FAIL);
	/* too late */
	assert_int_equal(reaction(p, JUDGE_NOTIFIES, right, 140).verdict, JUDGE_FAIL);
	/* what stands in the FIB stands against it */
	play_fib(p, 50, PLAY_PREFIX, "10.0.0.52");
	f = reaction(p, JUDGE_NOTIFIES, right, 1000);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "its route 172.16.254.1/32 is in the router's kernel");
}

static void test_notification_data(void **state)
{
	struct play *p = *state;

	play_session(p, 1, 10);
	play_bgp_hex(p, 1, 150, PLAY_FROM_ROUTER, "0017 03 01 02 1001");
	assert_int_equal(reaction(p, JUDGE_NOTIFIES, (struct judge_answer){1, 2, "1001"}, 1000).verdict, JUDGE_PASS);
	assert_int_equal(reaction(p, JUDGE_NOTIFIES, (struct judge_answer){1, 2, "0110"}, 1000).verdict, JUDGE_FAIL);
	assert_int_equal(reaction(p, JUDGE_NOTIFIES, (struct judge_answer){1, 2, ""}, 1000).verdict, JUDGE_FAIL);
	play_assert_says(reaction(p, JUDGE_NOTIFIES, (struct judge_answer){1, 2, "1001"}, 1000), ", data 1001");
}

/* RFC 4271 section 4.5 and the byte order of the Internet: BIRD 2.0.12 answers a wrong version with 0400. */
static void test_host_byte_order(void **state)
{
	struct play *p = *state;
	const struct judge_answer version = {2, 1, "0004"}, same = {2, 1, "0404"};
	struct judge_finding f;

	play_session(p, 1, 10);
	play_bgp_hex(p, 1, 150, PLAY_FROM_ROUTER, "0017 03 02 01 0400");
	f = reaction(p, JUDGE_NOTIFIES, version, 1000);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "data 0400, which is 0004 in host byte order");
	play_assert_says(reaction(p, JUDGE_NOTIFIES, same, 1000), ", data 0400;");
}

/* A NOTIFICATION of the peer itself is nobody's reaction. */
static void test_own_notification(void **state)
{
	struct play *p = *state;
	const struct judge_answer cease = {6, 4, NULL};

	play_session(p, 1, 10);
	play_notification(p, 1, 120, PLAY_FROM_WORKER, 6, 4);
	assert_int_equal(reaction(p, JUDGE_NOTIFIES, cease, 1000).verdict, JUDGE_FAIL);
	assert_int_equal(reaction(p, JUDGE_CLOSES, (struct judge_answer){0}, 1000).verdict, JUDGE_FAIL);
	play_bgp_tcp(p, 1, 130, CAPTURE_TCP_FIN, PLAY_FROM_ROUTER);
	assert_int_equal(reaction(p, JUDGE_CLOSES, (struct judge_answer){0}, 1000).verdict, JUDGE_PASS);
}

static void test_stays(void **state)
{
	struct play *p = *state;
	/* one of them from before the bytes */
	const double few[] = {90, 200};
	struct judge_finding f;

	session_with_pulses(p, few, 2);
	f = reaction(p, JUDGE_STAYS, (struct judge_answer){0}, 1000);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "the session goes on, 1 KEEPALIVE of the router later");
	play_keepalive(p, 1, 300, PLAY_FROM_ROUTER);
	f = reaction(p, JUDGE_STAYS, (struct judge_answer){0}, 1000);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_when(&f, 300);
	assert_int_equal(reaction(p, JUDGE_CLOSES, (struct judge_answer){0}, 1000).verdict, JUDGE_FAIL);
}

/* Who has offered RFC 8654 in its OPEN may take what is too long for others. */
static void test_long_messages(void **state)
{
	struct play *p = *state;
	const double before[] = {200, 300};
	struct judge_expect e = play_expect(p, JUDGE_REACTION, "2", 0, 350);

	e.reaction = (struct judge_reaction){
		.kind = JUDGE_NOTIFIES, .answers = {{1, 2, NULL}}, .unless_extended = true, .played = play_ms(PLAYED)};
	session_with_pulses(p, before, 2);
	assert_int_equal(play_ask(p, &e, play_ms(350)).verdict, JUDGE_FAIL);
	p->ports[1]++;
	play_bgp_tcp(p, 1, 400, CAPTURE_TCP_SYN, PLAY_FROM_WORKER);
	play_bgp_tcp(p, 1, 401, CAPTURE_TCP_SYNACK, PLAY_FROM_ROUTER);
	play_open(p, 1, 402, PLAY_FROM_WORKER);
	play_bgp_hex(p, 1, 403, PLAY_FROM_ROUTER, "0021 01 04 2af8 005a 0a000001 04 0202 0600");
	play_keepalive(p, 1, 404, PLAY_FROM_WORKER);
	for (double ms = 405; ms < 800; ms += 100)
		play_keepalive(p, 1, ms, PLAY_FROM_ROUTER);
	e.deadline = play_ms(1000);
	assert_int_equal(play_ask(p, &e, play_ms(1000)).verdict, JUDGE_PASS);
	e.reaction.unless_extended = false;
	assert_int_equal(play_ask(p, &e, play_ms(1000)).verdict, JUDGE_FAIL);
}

/* A long message whose rest never comes: who takes such waits for it until the hold time is over. */
static void test_long_messages_cut_short(void **state)
{
	struct play *p = *state;
	struct judge_expect e = play_expect(p, JUDGE_REACTION, "2", 0, 1000);

	e.reaction = (struct judge_reaction){.kind = JUDGE_NOTIFIES,
					     .answers = {{1, 2, NULL}},
					     .unless_extended = true,
					     .cut_short = true,
					     .played = play_ms(PLAYED)};
	play_bgp_tcp(p, 1, 400, CAPTURE_TCP_SYN, PLAY_FROM_WORKER);
	play_bgp_tcp(p, 1, 401, CAPTURE_TCP_SYNACK, PLAY_FROM_ROUTER);
	play_open(p, 1, 402, PLAY_FROM_WORKER);
	play_bgp_hex(p, 1, 403, PLAY_FROM_ROUTER, "0021 01 04 2af8 005a 0a000001 04 0202 0600");
	play_keepalive(p, 1, 404, PLAY_FROM_WORKER);
	play_keepalive(p, 1, 405, PLAY_FROM_ROUTER);
	assert_int_equal(play_ask(p, &e, play_ms(1000)).verdict, JUDGE_FAIL);
	play_bgp_hex(p, 1, 700, PLAY_FROM_ROUTER, "0015 03 0400");
	assert_int_equal(play_ask(p, &e, play_ms(1000)).verdict, JUDGE_PASS);
	e.reaction.cut_short = false;
	assert_int_equal(play_ask(p, &e, play_ms(1000)).verdict, JUDGE_FAIL);
}

/* A session that ends and another one that comes up are not one that stays. */
static void test_ended_instead(void **state)
{
	struct play *p = *state;
	const double pulses[] = {200, 300};
	struct judge_finding f;

	session_with_pulses(p, pulses, 2);
	play_notification(p, 1, 350, PLAY_FROM_ROUTER, 3, 1);
	f = reaction(p, JUDGE_WITHDRAWS, (struct judge_answer){0}, 320);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_session(p, 1, 400);
	f = reaction(p, JUDGE_NOTIFIES, (struct judge_answer){3, 1, NULL}, 390);
	assert_int_equal(f.verdict, JUDGE_PASS);
}

static void test_routes(void **state)
{
	struct play *p = *state;
	const double pulses[] = {200, 300};
	const struct judge_answer none = {0};
	struct judge_expect e;
	struct judge_finding f;

	session_with_pulses(p, pulses, 2);
	assert_int_equal(reaction(p, JUDGE_WITHDRAWS, none, 1000).verdict, JUDGE_PASS);
	assert_int_equal(reaction(p, JUDGE_INSTALLS, none, 1000).verdict, JUDGE_FAIL);
	/* another worker's next hop is not this one's */
	play_fib(p, 210, PLAY_PREFIX, "10.0.0.51");
	assert_int_equal(reaction(p, JUDGE_INSTALLS, none, 1000).verdict, JUDGE_FAIL);
	play_fib(p, 220, PLAY_PREFIX, "10.0.0.51 10.0.0.52");
	f = reaction(p, JUDGE_INSTALLS, none, 1000);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_when(&f, 300);
	f = reaction(p, JUDGE_WITHDRAWS, none, 1000);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "its route 172.16.254.1/32 is in the router's kernel");
	/* a router without a FIB is judged by its session alone */
	e = play_expect(p, JUDGE_REACTION, "3", 0, 1000);
	play_session(p, 2, 10);
	play_keepalive(p, 2, 200, PLAY_FROM_ROUTER);
	play_keepalive(p, 2, 300, PLAY_FROM_ROUTER);
	e.reaction = (struct judge_reaction){.kind = JUDGE_INSTALLS, .no_fib = true, .played = play_ms(PLAYED)};
	assert_int_equal(play_ask(p, &e, play_ms(1000)).verdict, JUDGE_PASS);
	e.reaction.no_fib = false;
	assert_int_equal(play_ask(p, &e, play_ms(1000)).verdict, JUDGE_FAIL);
}

static void test_reset(void **state)
{
	struct play *p = *state;

	play_session(p, 1, 10);
	play_bgp_tcp(p, 1, 120, CAPTURE_TCP_RST, PLAY_FROM_WORKER);
	assert_int_equal(reaction(p, JUDGE_CLOSES, (struct judge_answer){0}, 1000).verdict, JUDGE_PASS);
	assert_int_equal(reaction(p, JUDGE_STAYS, (struct judge_answer){0}, 1000).verdict, JUDGE_FAIL);
}

/* What nobody answered is told as any session that does not come up. */
static void test_no_connection(void **state)
{
	struct play *p = *state;

	play_assert_says(reaction(p, JUDGE_STAYS, (struct judge_answer){0}, 1000),
			 "worker2: no connection attempt (TCP SYN) was seen");
}

/* The hold time is over: because the worker, who was to go on, was late, or in spite of its KEEPALIVE. */
static void test_late_worker(void **state)
{
	struct play *p = *state;
	struct judge_expect e = play_expect(p, JUDGE_REACTION, "2", 0, 60000);
	struct judge_finding f;

	play_session(p, 1, 10); /* whose hold time is 90 s */
	play_notification(p, 1, 46000, PLAY_FROM_ROUTER, 4, 0);
	e.reaction = (struct judge_reaction){.kind = JUDGE_STAYS, .talks = true, .played = play_ms(PLAYED)};
	f = play_ask(p, &e, play_ms(60000));
	assert_int_equal(f.verdict, JUDGE_INCONCLUSIVE);
	play_assert_says(f, "its last message was 46 s old, of a hold time of 90 s: this machine was too busy");
	e.reaction.talks = false;
	assert_int_equal(play_ask(p, &e, play_ms(60000)).verdict, JUDGE_FAIL);
}

static void test_worker_in_time(void **state)
{
	struct play *p = *state;
	struct judge_expect e = play_expect(p, JUDGE_REACTION, "2", 0, 60000);

	play_session(p, 1, 10);
	play_keepalive(p, 1, 30000, PLAY_FROM_WORKER);
	play_notification(p, 1, 46000, PLAY_FROM_ROUTER, 4, 0);
	e.reaction = (struct judge_reaction){.kind = JUDGE_STAYS, .talks = true, .played = play_ms(PLAYED)};
	assert_int_equal(play_ask(p, &e, play_ms(60000)).verdict, JUDGE_FAIL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAY_TEST(test_notification),
		PLAY_TEST(test_notification_data),
		PLAY_TEST(test_host_byte_order),
		PLAY_TEST(test_own_notification),
		PLAY_TEST(test_stays),
		PLAY_TEST(test_ended_instead),
		PLAY_TEST(test_routes),
		PLAY_TEST(test_reset),
		PLAY_TEST(test_no_connection),
		PLAY_TEST(test_long_messages),
		PLAY_TEST(test_long_messages_cut_short),
		PLAY_TEST(test_late_worker),
		PLAY_TEST(test_worker_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
