/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Graceful restart in both roles: RFC 4724, 8538, 9494. */
#include "router.h"

/* The peer's capability: graceful restart of 120 s for IPv4, forwarding state kept. */
#define GR "4006 0078 00010180"
#define GR_N "4006 4078 00010180"
#define GR_NO_FORWARDING "4006 0078 00010100"
#define GR_V6 "4006 0078 00020180"
#define GR_R "4006 8078 00010180"
#define GR_EMPTY "4002 0078"
#define HOLD_MS 90000

/* How a session that carried one route ends, and whether the route outlives it. */
static const struct loss {
	const char *name, *capabilities;
	enum { TCP_LOST, NOTIFIED, SILENCE, STOPPED, RESET, UPDATE_ERROR, HEADER_ERROR } how;
	const char *says;
	bool kept;
} losses[] = {
	{"TCP breaks", GR, TCP_LOST, NULL, true},
	{"TCP breaks, no capability", "", TCP_LOST, NULL, false},
	{"TCP breaks, no family", GR_EMPTY, TCP_LOST, NULL, false},
	{"TCP breaks, another family", GR_V6, TCP_LOST, NULL, false},
	{"NOTIFICATION", GR, NOTIFIED, MARKER "0015 03 06 04", false},
	{"NOTIFICATION with N", GR_N, NOTIFIED, MARKER "0015 03 06 04", true},
	{"hold time's end at the peer, with N", GR_N, NOTIFIED, MARKER "0015 03 04 00", true},
	{"Hard Reset with N", GR_N, NOTIFIED, MARKER "0015 03 06 09", false},
	{"Hard Reset with N, encapsulated", GR_N, NOTIFIED, MARKER "0017 03 06 09 06 04", false},
	{"silence", GR, SILENCE, NULL, false},
	{"silence with N", GR_N, SILENCE, NULL, true},
	{"we stop", GR_N, STOPPED, NULL, false},
	{"we reset", GR, RESET, NULL, false},
	{"we reset with N", GR_N, RESET, NULL, true},
	{"a broken UPDATE", GR, UPDATE_ERROR, MARKER "0017 02 0000 0001", false},
	{"a broken UPDATE with N", GR_N, UPDATE_ERROR, MARKER "0017 02 0000 0001", true},
	{"a broken header with N", GR_N, HEADER_ERROR, MARKER "0012 04", true},
};

static void lose(struct router *r, const struct loss *l)
{
	switch (l->how) {
	case TCP_LOST:
		router_lost(r);
		break;
	case NOTIFIED:
	case UPDATE_ERROR:
	case HEADER_ERROR:
		router_says(r, l->says);
		break;
	case SILENCE:
		router_wait(r, HOLD_MS);
		break;
	case STOPPED:
		bgp_peer_stop(r->h.s, 0, hand_at_ms(++r->ms));
		break;
	case RESET:
		bgp_peer_reset(r->h.s, 0, &(struct bgp_cease){.subcode = BGP_CEASE_RESET}, hand_at_ms(++r->ms));
		break;
	}
}

static void with_route(struct router *r, const char *capabilities)
{
	router_init(r);
	router_up(r, capabilities);
	router_says(r, PEER_UP);
	assert_int_equal(router_hops(r), 1);
}

static struct router graceful(void)
{
	return (struct router){.peer = {.restart = {.on = true, .notification = true}, .idle_hold_s = 1}};
}

static void test_loss(void **state)
{
	const struct loss *l = *state;
	struct router r = graceful();

	with_route(&r, l->capabilities);
	lose(&r, l);
	assert_int_not_equal(router_state(&r), BGP_ESTABLISHED);
	assert_int_equal(router_hops(&r), l->kept ? -1 : 0);
	if (l->kept) {
		/* The peer's restart time of 120 s is over. */
		router_wait(&r, 119000);
		assert_int_equal(router_hops(&r), -1);
		router_wait(&r, 1100);
		assert_int_equal(router_hops(&r), 0);
	}
	router_free(&r);
}

/* A router without restart.on keeps nothing, whatever the peer offers. */
static void test_not_configured(void **state)
{
	struct router r = {0};

	(void)state;
	with_route(&r, GR_N);
	router_lost(&r);
	assert_int_equal(router_hops(&r), 0);
	router_free(&r);
}

/* The peer is back with a capability, says something, and End-of-RIB: what becomes of its route then. */
static const struct comeback {
	const char *name, *capabilities;
	int at_once; /* next hops told; -1: nothing is */
	const char *says;
	int after_end;
} comebacks[] = {
	{"announces again", GR, -1, PEER_UP, -1},
	{"withdraws", GR, -1, PEER_DOWN, -1},
	{"does not announce again", GR, -1, KEEPALIVE, 0},
	{"still restarting", GR_R, -1, PEER_UP, -1},
	{"forwarding state lost", GR_NO_FORWARDING, 0, KEEPALIVE, -1},
	{"without the capability", "", 0, KEEPALIVE, -1},
	{"the family is not in it", GR_V6, 0, KEEPALIVE, -1},
	{"End-of-RIB of another family", GR, -1, END_OF_RIB_V6, 0},
};

static void back(struct router *r, const char *capabilities)
{
	router_wait(r, 1000);
	router_dial(r);
	router_open(r, capabilities);
	assert_int_equal(router_state(r), BGP_ESTABLISHED);
}

static void test_comeback(void **state)
{
	const struct comeback *c = *state;
	struct router r = graceful();
	bool withdraws;

	with_route(&r, GR);
	router_lost(&r);
	assert_int_equal(router_hops(&r), -1);
	back(&r, c->capabilities);
	assert_int_equal(router_hops(&r), c->at_once);
	router_says(&r, c->says);
	withdraws = router_hops(&r) == 0;
	assert_int_equal(withdraws, c->says == comebacks[1].says);
	router_says(&r, END_OF_RIB);
	assert_int_equal(router_hops(&r), c->after_end);
	router_free(&r);
}

/* No End-of-RIB comes: stale_s is all it gets; the route announced again stays. */
static void test_stale_time(void **state)
{
	(void)state;
	for (unsigned int again = 0; again < 2; again++) {
		struct router r = graceful();

		r.peer.hold_s = 3600;
		r.peer.restart.stale_s = 60;
		with_route(&r, GR);
		router_lost(&r);
		back(&r, GR);
		if (again)
			router_says(&r, PEER_UP);
		router_wait(&r, 59000);
		assert_int_equal(router_hops(&r), -1);
		router_wait(&r, 1100);
		assert_int_equal(router_hops(&r), again ? -1 : 0);
		router_free(&r);
	}
}

/* The end of a refresh that never began is no End-of-RIB. */
static void test_refresh_meanwhile(void **state)
{
	struct router r = graceful();

	(void)state;
	with_route(&r, GR);
	router_lost(&r);
	back(&r, GR "4600 0200");
	router_says(&r, MARKER "0017 05 0001 02 01");
	assert_int_equal(router_hops(&r), -1);
	router_says(&r, END_OF_RIB);
	assert_int_equal(router_hops(&r), 0);
	router_free(&r);
}

/* RFC 4724 section 4.2: what is still stale when it restarts again goes. */
static void test_twice(void **state)
{
	struct router r = graceful();

	(void)state;
	with_route(&r, GR);
	router_lost(&r);
	back(&r, GR);
	router_lost(&r);
	assert_int_equal(router_hops(&r), 0);
	router_free(&r);
}

/* The peer restarted and we never saw the old connection end: the new OPEN ends it, without a word, the route stays. */
static void test_unseen(void **state)
{
	struct router r = graceful();
	struct addr local = hand_addr("10.0.0.1"), remote = hand_addr("10.0.0.2");
	bgp_conn_id before;

	(void)state;
	with_route(&r, GR);
	before = r.conn;
	assert_true(bgp_in_accepted(r.h.s, &local, &remote, hand_at_ms(++r.ms), &r.conn));
	assert_int_equal(hand_next(&r.h, BGP_OUT_SEND).conn, r.conn);
	router_open(&r, GR_R);
	assert_int_equal(hand_next(&r.h, BGP_OUT_CLOSE).conn, before);
	assert_int_equal(router_state(&r), BGP_ESTABLISHED);
	assert_int_equal(router_hops(&r), -1);
	router_says(&r, END_OF_RIB);
	assert_int_equal(router_hops(&r), 0);
	router_wait(&r, 60000);
	assert_int_equal(router_state(&r), BGP_ESTABLISHED);
	router_free(&r);
}

/* ---- RFC 9494 ---- */

/* IPv4 for 60 s, forwarding state kept; beside a graceful restart of 0 s. */
#define LLGR "4006 0000 00010180 4707 0001 01 80 00003c"
#define LLGR_AFTER_GR GR "4707 0001 01 80 00003c"
#define NO_LLGR_UP MARKER "0037 02 0000 001b 40010100 400206 0201 0000fdea 400304 0a000002 c00804 ffff0007 20 ac10fe01"

static struct router long_lived(void)
{
	struct router r = graceful();

	r.peer.restart.long_lived_s = 3600;
	return r;
}

static void test_long_lived_time(void **state)
{
	struct router r = long_lived();

	(void)state;
	with_route(&r, LLGR);
	router_lost(&r);
	assert_int_equal(router_hops(&r), -1);
	router_wait(&r, 59000);
	assert_int_equal(router_hops(&r), -1);
	router_wait(&r, 1100);
	assert_int_equal(router_hops(&r), 0);
	router_free(&r);

	r = long_lived();
	with_route(&r, LLGR_AFTER_GR);
	router_lost(&r);
	router_wait(&r, 179000);
	assert_int_equal(router_hops(&r), -1);
	router_wait(&r, 1100);
	assert_int_equal(router_hops(&r), 0);
	router_free(&r);
}

/* Section 4.2: restarts one after the other don't delete what is stale, nor begin the long-lived time anew; it runs on while
 * the session stands, until End-of-RIB. */
static void test_long_lived_twice(void **state)
{
	struct router r = long_lived();

	(void)state;
	with_route(&r, LLGR);
	router_lost(&r);
	router_wait(&r, 30000);
	back(&r, LLGR);
	router_lost(&r);
	assert_int_equal(router_hops(&r), -1);
	router_wait(&r, 20000);
	back(&r, LLGR);
	assert_int_equal(router_hops(&r), -1);
	router_wait(&r, 11000);
	assert_int_equal(router_hops(&r), 0);
	assert_int_equal(router_state(&r), BGP_ESTABLISHED);
	router_free(&r);

	/* End-of-RIB makes the next one a first one: 60 s from there. */
	r = long_lived();
	with_route(&r, LLGR);
	router_lost(&r);
	router_wait(&r, 30000);
	back(&r, LLGR);
	router_says(&r, PEER_UP);
	router_says(&r, END_OF_RIB);
	(void)router_hops(&r);
	router_lost(&r);
	router_wait(&r, 59000);
	assert_int_equal(router_hops(&r), -1);
	router_wait(&r, 1100);
	assert_int_equal(router_hops(&r), 0);
	router_free(&r);

	/* The same while the time before is still the graceful restart's. */
	r = long_lived();
	with_route(&r, LLGR_AFTER_GR);
	router_lost(&r);
	router_wait(&r, 30000);
	back(&r, LLGR_AFTER_GR);
	router_lost(&r);
	assert_int_equal(router_hops(&r), -1);
	router_wait(&r, 179000);
	assert_int_equal(router_hops(&r), -1);
	router_wait(&r, 1100);
	assert_int_equal(router_hops(&r), 0);
	router_free(&r);
}

/* A route with NO_LLGR goes when the long-lived time begins. */
static void test_no_llgr(void **state)
{
	struct router r = long_lived();

	(void)state;
	router_init(&r);
	router_up(&r, LLGR_AFTER_GR);
	router_says(&r, NO_LLGR_UP);
	assert_int_equal(router_hops(&r), 1);
	router_lost(&r);
	assert_int_equal(router_hops(&r), -1);
	router_wait(&r, 120100);
	assert_int_equal(router_hops(&r), 0);
	router_free(&r);
}

/* The capability counts beside graceful restart alone. */
static void test_llgr_alone(void **state)
{
	struct router r = long_lived();

	(void)state;
	with_route(&r, "4707 0001 01 80 00003c");
	router_lost(&r);
	assert_int_equal(router_hops(&r), 0);
	router_free(&r);
}

/* Stale for long is the last choice: any other path is better, whatever its length; back and announced again it is as
 * good as before. */
static void test_least_preferred(void **state)
{
	struct router r = long_lived();
	struct addr local = hand_addr("10.0.0.1"), other = hand_addr("10.0.0.3");
	struct bgp_peer_conf conf = {.remote = other, .remote_as = 65003, .passive = true, .hold_s = 90};
	struct bgp_output out;
	bgp_conn_id conn;
	bgp_peer_id id;

	(void)state;
	with_route(&r, LLGR);
	assert_int_equal(bgp_peer_add(r.h.s, &conf, &id), 0);
	bgp_peer_start(r.h.s, id, hand_at_ms(++r.ms));
	assert_true(bgp_in_accepted(r.h.s, &local, &other, hand_at_ms(r.ms), &conn));
	hand_says_open(&r.h, conn, 65003, 90, 3, ++r.ms);
	hand_says(&r.h, conn, KEEPALIVE, ++r.ms);
	/* Two ASes longer. */
	hand_says(&r.h, conn,
		  MARKER
		  "0038 02 0000 001c 40010100 40020e 0203 0000fdeb 00000007 00000008 400304 0a000003 20 ac10fe01",
		  ++r.ms);
	assert_int_equal(router_hops(&r), -1);
	router_lost(&r);
	out = hand_next(&r.h, BGP_OUT_ROUTE);
	assert_int_equal(out.next_hop_count, 1);
	assert_true(addr_equal(&out.next_hops[0], &other));
	back(&r, LLGR);
	(void)router_hops(&r);
	router_says(&r, PEER_UP);
	out = hand_next(&r.h, BGP_OUT_ROUTE);
	assert_true(addr_equal(&out.next_hops[0], &r.peer.remote));
	router_free(&r);
}

/* Who knows nothing of long-lived stale routes does not get them (RFC 9494 section 4.3); who does, with the mark. */
static void test_told_to(void **state)
{
	(void)state;
	for (unsigned int knows = 0; knows < 2; knows++) {
		struct router r = long_lived();
		struct addr local = hand_addr("10.0.0.1"), other = hand_addr("10.0.0.3");
		struct bgp_peer_conf conf = {.remote = other, .remote_as = 65003, .passive = true, .hold_s = 90};
		bgp_conn_id conn;
		bgp_peer_id id;

		router_init(&r);
		assert_int_equal(bgp_peer_add(r.h.s, &conf, &id), 0);
		bgp_peer_start(r.h.s, id, hand_at_ms(r.ms));
		assert_true(bgp_in_accepted(r.h.s, &local, &other, hand_at_ms(r.ms), &conn));
		hand_says(
			&r.h, conn,
			knows ? MARKER
				"003c 01 04 fdeb 005a 0a000003 1f 02 1d 0104 00010001 4104 0000fdeb 4006 0000 00010180"
				"4707 0001 01 80 00003c"
			      : MARKER "002b 01 04 fdeb 005a 0a000003 0e 02 0c 0104 00010001 4104 0000fdeb",
			++r.ms);
		hand_says(&r.h, conn, KEEPALIVE, ++r.ms);
		router_up(&r, LLGR);
		router_says(&r, PEER_UP);
		(void)hand_next(&r.h, BGP_OUT_ROUTE);
		assert_int_equal(hand_next(&r.h, BGP_OUT_SEND).conn, conn);
		router_lost(&r);
		if (knows)
			hand_sent(&r.h,
				  MARKER "003b 02 0000 001f 40010100 40020a 0202 0000fde9 0000fdea 400304 0a000001"
					 "c00804 ffff0006 20 ac10fe01");
		else
			hand_sent(&r.h, PEER_DOWN);
		hand_quiet(&r.h);
		router_free(&r);
	}
}

/* ---- We restart ---- */

static struct router restarting(void)
{
	struct router r = graceful();

	r.speaker.restarting = true;
	r.speaker.deferral_s = 30;
	return r;
}

/* Nothing is selected, told or sent before the peer's End-of-RIB; then all of it, with ours. */
static void test_deferral(void **state)
{
	struct bgp_originated own = {.prefix = hand_prefix("192.0.2.0/24")};
	struct router r = restarting();

	(void)state;
	router_init(&r);
	assert_true(bgp_deferring(r.h.s));
	bgp_originate(r.h.s, &own, 1);
	bgp_routes_commit(r.h.s, hand_at_ms(0));
	router_up(&r, GR);
	assert_true(bgp_deferring(r.h.s));
	router_says(&r, PEER_UP);
	/* Nor does a refresh tell the peer that this was all. */
	router_says(&r, MARKER "0017 05 0001 00 01");
	hand_quiet(&r.h);
	router_says(&r, END_OF_RIB);
	assert_false(bgp_deferring(r.h.s));
	assert_int_equal(hand_next(&r.h, BGP_OUT_ROUTE).next_hop_count, 1);
	assert_int_equal(hand_sent_type(&r.h, WIRE_UPDATE, 44), 192);
	hand_sent(&r.h, END_OF_RIB);
	hand_quiet(&r.h);
	router_free(&r);
}

/* Whom it does not wait for: who restarts too, who can't; and nobody for longer than deferral_s. */
static const struct deferral {
	const char *name, *capabilities;
	bool waits;
} deferrals[] = {
	{"a peer that can", GR, true},
	{"a peer that restarts too", GR_R, false},
	{"a peer that can't", "", false},
	{"no family", GR_EMPTY, false},
};

static void test_whom_to_wait_for(void **state)
{
	const struct deferral *d = *state;
	struct router r = restarting();

	router_init(&r);
	router_up(&r, d->capabilities);
	assert_int_equal(bgp_deferring(r.h.s), d->waits);
	router_wait(&r, 31000);
	assert_false(bgp_deferring(r.h.s));
	router_free(&r);
}

/* Nobody comes: 30 s; or the peer is taken away. */
static void test_deferral_ends(void **state)
{
	struct router r = restarting();

	(void)state;
	router_init(&r);
	bgp_peer_start(r.h.s, 0, hand_at_ms(0));
	router_wait(&r, 29000);
	assert_true(bgp_deferring(r.h.s));
	router_wait(&r, 1100);
	assert_false(bgp_deferring(r.h.s));
	router_free(&r);
	router_init(&r);
	bgp_peer_start(r.h.s, 0, hand_at_ms(0));
	bgp_peer_stop(r.h.s, 0, hand_at_ms(1));
	assert_false(bgp_deferring(r.h.s));
	router_free(&r);
}

#define ROW(fn, table, i)                                                                                              \
	{                                                                                                              \
		(table)[i].name, fn, NULL, NULL, (void *)(uintptr_t) & (table)[i]                                      \
	}

int main(void)
{
	struct CMUnitTest rows[48];
	size_t n = 0;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_not_configured),
		cmocka_unit_test(test_stale_time),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_unseen),
		cmocka_unit_test(test_long_lived_time),
		cmocka_unit_test(test_long_lived_twice),
		cmocka_unit_test(test_no_llgr),
		cmocka_unit_test(test_llgr_alone),
		cmocka_unit_test(test_least_preferred),
		cmocka_unit_test(test_told_to),
		cmocka_unit_test(test_refresh_meanwhile),
		cmocka_unit_test(test_deferral),
		cmocka_unit_test(test_deferral_ends),
	};

	for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++)
		rows[n++] = (struct CMUnitTest)ROW(test_loss, losses, i);
	for (size_t i = 0; i < sizeof(comebacks) / sizeof(comebacks[0]); i++)
		rows[n++] = (struct CMUnitTest)ROW(test_comeback, comebacks, i);
	for (size_t i = 0; i < sizeof(deferrals) / sizeof(deferrals[0]); i++)
		rows[n++] = (struct CMUnitTest)ROW(test_whom_to_wait_for, deferrals, i);
	return cmocka_run_group_tests(tests, NULL, NULL) + _cmocka_run_group_tests("restarts", rows, n, NULL, NULL);
}
