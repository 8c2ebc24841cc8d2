/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a standard speaker answers, message by message, with the test for a peer. */
#include "by_hand.h"

#define A_AS 65001
#define B_AS 65002
#define A_ID 0x0a000001U
#define B_ID 0x0a000002U

static const struct bgp_speaker_conf conf_a = {
	.as = A_AS, .router_id = A_ID, .profile = BGP_PROFILE_STANDARD, .max_paths = 8, .readvertise = true, .seed = 1};

static const struct bgp_peer_conf nobody = {.remote_as = B_AS, .passive = true, .hold_s = 90};

/* A router with one accepted connection; OPEN is out. */
static struct hand accepted(struct bgp_peer_conf conf, bgp_conn_id *ret)
{
	struct hand h = {.s = bgp_speaker_new(&conf_a)};
	struct addr local = hand_addr("10.0.0.1");
	bgp_peer_id peer;

	conf.remote = hand_addr("10.0.0.2");
	assert_int_equal(bgp_peer_add(h.s, &conf, &peer), 0);
	assert_int_not_equal(bgp_peer_add(h.s, &conf, &peer), 0);
	assert_false(bgp_in_accepted(h.s, &local, &conf.remote, hand_at_ms(0), ret));
	bgp_peer_start(h.s, peer, hand_at_ms(0));
	assert_int_equal(bgp_peer_state(h.s, 0), BGP_ACTIVE);
	assert_true(bgp_in_accepted(h.s, &local, &conf.remote, hand_at_ms(0), ret));
	return h;
}

static struct hand up(struct bgp_peer_conf conf, bgp_conn_id *ret)
{
	struct hand h = accepted(conf, ret);

	hand_says_open(&h, *ret, conf.remote_as, 90, B_ID, 1);
	hand_says(&h, *ret, KEEPALIVE, 2);
	assert_int_equal(bgp_peer_state(h.s, 0), BGP_ESTABLISHED);
	bgp_outputs_clear(h.s);
	return h;
}

#define UP MARKER "0030 02 0000 0014 40010100 400206 0201 0000fdea 400304 0a000002 20 ac10fe01"
#define DOWN MARKER "001c 02 0005 20 ac10fe01 0000"

/* One input with several UPDATEs of a prefix tells of it once, and not at all when nothing changes. */
static void test_coalesce(void **state)
{
	struct hand h = {.s = bgp_speaker_new(&conf_a)};
	struct addr local = hand_addr("10.0.0.1"), remote = hand_addr("10.0.0.2");
	bgp_peer_id peer;
	bgp_conn_id conn;

	(void)state;
	bgp_peer_add(h.s, &(struct bgp_peer_conf){.remote = remote, .remote_as = B_AS, .passive = true, .hold_s = 90},
		     &peer);
	bgp_peer_start(h.s, peer, hand_at_ms(0));
	assert_true(bgp_in_accepted(h.s, &local, &remote, hand_at_ms(1), &conn));
	hand_says_open(&h, conn, B_AS, 90, B_ID, 2);
	hand_says(&h, conn, KEEPALIVE, 3);
	bgp_outputs_clear(h.s);
	h.seen = 0;
	hand_says(&h, conn, UP DOWN, 4);
	hand_quiet(&h);
	hand_says(&h, conn, UP DOWN UP, 5);
	assert_int_equal(hand_next(&h, BGP_OUT_ROUTE).next_hop_count, 1);
	hand_quiet(&h);
	hand_says(&h, conn, UP, 6);
	hand_quiet(&h);
	bgp_in_closed(h.s, conn, hand_at_ms(7));
	assert_int_equal(hand_next(&h, BGP_OUT_ROUTE).next_hop_count, 0);
	hand_quiet(&h);
	bgp_speaker_free(h.s);
}

#define OPEN_IS(version, hold, id)                                                                                     \
	MARKER "002d 01 " version " fdea " hold " " id " 10 02 0e 0104 00010001 0200 4104 0000fdea"

/* What a peer may do wrong before and after it is Established, and the NOTIFICATION for it. */
static const struct fault {
	const char *name;
	enum { IN_OPEN_SENT, IN_OPEN_CONFIRM, IN_ESTABLISHED } when;
	const char *says, *notification;
} faults[] = {
	{"version 3", IN_OPEN_SENT, OPEN_IS("03", "005a", "0a000002"), MARKER "0017 03 02 01 0004"},
	{"identifier 0", IN_OPEN_SENT, OPEN_IS("04", "005a", "00000000"), MARKER "0015 03 02 03"},
	{"hold time 1", IN_OPEN_SENT, OPEN_IS("04", "0001", "0a000002"), MARKER "0015 03 02 06"},
	{"bad marker", IN_OPEN_SENT, "fffffffffffffffffffffffffffffffe 0013 04", MARKER "0015 03 01 01"},
	{"bad type", IN_OPEN_SENT, MARKER "0013 09", MARKER "0016 03 01 03 09"},
	{"bad length", IN_OPEN_SENT, MARKER "0012 04", MARKER "0017 03 01 02 0012"},
	{"KEEPALIVE in OpenSent", IN_OPEN_SENT, KEEPALIVE, MARKER "0015 03 05 01"},
	{"UPDATE in OpenSent", IN_OPEN_SENT, MARKER "0017 02 0000 0000", MARKER "0015 03 05 01"},
	{"UPDATE in OpenConfirm", IN_OPEN_CONFIRM, MARKER "0017 02 0000 0000", MARKER "0015 03 05 02"},
	{"OPEN in OpenConfirm", IN_OPEN_CONFIRM, OPEN_IS("04", "005a", "0a000002"), MARKER "0015 03 05 02"},
	{"OPEN in Established", IN_ESTABLISHED, OPEN_IS("04", "005a", "0a000002"), MARKER "0015 03 05 03"},
	{"header in Established", IN_ESTABLISHED, MARKER "1001 04", MARKER "0017 03 01 02 1001"},
	{"attributes too long", IN_ESTABLISHED, MARKER "0017 02 0000 0001", MARKER "0015 03 03 01"},
};

static void test_fault(void **state)
{
	const struct fault *f = *state;
	bgp_conn_id conn;
	struct hand h = accepted(nobody, &conn);

	(void)hand_sent_type(&h, WIRE_OPEN, 0);
	if (f->when >= IN_OPEN_CONFIRM) {
		hand_says_open(&h, conn, B_AS, 90, B_ID, 1);
		hand_sent(&h, KEEPALIVE);
	}
	if (f->when >= IN_ESTABLISHED) {
		hand_says(&h, conn, KEEPALIVE, 2);
		(void)hand_sent_type(&h, WIRE_UPDATE, 0);
	}
	hand_quiet(&h);
	hand_says(&h, conn, f->says, 3);
	hand_sent(&h, f->notification);
	assert_int_equal(hand_next(&h, BGP_OUT_CLOSE).conn, conn);
	hand_quiet(&h);
	assert_int_equal(bgp_peer_state(h.s, 0), BGP_IDLE);
	/* Later bytes of a connection that is gone are nobody's. */
	hand_says(&h, conn, KEEPALIVE, 4);
	hand_quiet(&h);
	bgp_speaker_free(h.s);
}

/* No NOTIFICATION answers a NOTIFICATION. */
static void test_notified(void **state)
{
	bgp_conn_id conn;
	struct hand h = accepted(nobody, &conn);

	(void)state;
	(void)hand_sent_type(&h, WIRE_OPEN, 0);
	hand_says(&h, conn, MARKER "0015 03 06 05", 1);
	assert_int_equal(hand_next(&h, BGP_OUT_CLOSE).conn, conn);
	hand_quiet(&h);
	bgp_speaker_free(h.s);
}

/* An internal peer can't have our own identifier (RFC 6286). */
static void test_own_identifier(void **state)
{
	struct bgp_peer_conf conf = nobody;
	bgp_conn_id conn;
	struct hand h;

	(void)state;
	conf.remote_as = A_AS;
	h = accepted(conf, &conn);
	(void)hand_sent_type(&h, WIRE_OPEN, 0);
	hand_says_open(&h, conn, A_AS, 90, A_ID, 1);
	hand_sent(&h, MARKER "0015 03 02 03");
	bgp_speaker_free(h.s);
}

/* 4 minutes in OpenSent, then the negotiated time; 0 is none at all. */
static void test_hold_times(void **state)
{
	struct bgp_peer_conf conf = nobody;
	bgp_conn_id conn;
	struct hand h = accepted(nobody, &conn);

	(void)state;
	(void)hand_sent_type(&h, WIRE_OPEN, 0);
	assert_int_equal(bgp_deadline(h.s).ns, hand_at_ms(240000).ns);
	bgp_in_time(h.s, hand_at_ms(240000));
	hand_sent(&h, MARKER "0015 03 04 00");
	assert_int_equal(hand_next(&h, BGP_OUT_CLOSE).conn, conn);
	hand_quiet(&h);
	bgp_speaker_free(h.s);

	conf.hold_s = 0;
	h = accepted(conf, &conn);
	hand_says_open(&h, conn, B_AS, 90, B_ID, 1);
	hand_says(&h, conn, KEEPALIVE, 2);
	assert_int_equal(bgp_peer_state(h.s, 0), BGP_ESTABLISHED);
	assert_int_equal(bgp_deadline(h.s).ns, INSTANT_NEVER.ns);
	bgp_speaker_free(h.s);
}

/* DelayOpen: the peer's OPEN comes first and ours goes with the KEEPALIVE, or the timer sends it. */
static void test_delay_open(void **state)
{
	struct bgp_peer_conf conf = nobody;
	bgp_conn_id conn;
	struct hand h;

	(void)state;
	conf.delay_open_s = 5;
	h = accepted(conf, &conn);
	hand_quiet(&h);
	hand_says_open(&h, conn, B_AS, 90, B_ID, 1);
	(void)hand_sent_type(&h, WIRE_OPEN, 0);
	hand_sent(&h, KEEPALIVE);
	assert_int_equal(bgp_peer_state(h.s, 0), BGP_OPEN_CONFIRM);
	bgp_speaker_free(h.s);

	h = accepted(conf, &conn);
	hand_quiet(&h);
	bgp_in_time(h.s, hand_at_ms(5000));
	(void)hand_sent_type(&h, WIRE_OPEN, 0);
	hand_quiet(&h);
	assert_int_equal(bgp_peer_state(h.s, 0), BGP_OPEN_SENT);
	bgp_speaker_free(h.s);

	/* A fault is told to who still waits for our OPEN. */
	h = accepted(conf, &conn);
	hand_says(&h, conn, MARKER "0013 09", 1);
	hand_sent(&h, MARKER "0016 03 01 03 09");
	assert_int_equal(hand_next(&h, BGP_OUT_CLOSE).conn, conn);
	bgp_speaker_free(h.s);
}

#define ROUTE_UP(attrs_len, total, attrs) MARKER total " 02 0000 " attrs_len " " attrs " 20 ac10fe01"
#define GOOD ROUTE_UP("0014", "0030", "40010100 400206 0201 0000fdea 400304 0a000002")

/* RFC 7606: an attribute gone wrong takes the route back, the session stands. */
static const struct spoilt {
	const char *name, *says;
} spoilt[] = {
	{"ORIGIN 3", ROUTE_UP("0014", "0030", "40010103 400206 0201 0000fdea 400304 0a000002")},
	{"no ORIGIN", ROUTE_UP("0010", "002c", "400206 0201 0000fdea 400304 0a000002")},
	{"our AS in the path", ROUTE_UP("0018", "0034", "40010100 40020a 0202 0000fdea 0000fde9 400304 0a000002")},
	{"path of another AS", ROUTE_UP("0014", "0030", "40010100 400206 0201 0000fdeb 400304 0a000002")},
	{"empty path", ROUTE_UP("000e", "002a", "40010100 400200 400304 0a000002")},
	{"our address as next hop", ROUTE_UP("0014", "0030", "40010100 400206 0201 0000fdea 400304 0a000001")},
};

static void test_treat_as_withdraw(void **state)
{
	const struct spoilt *bad = *state;
	bgp_conn_id conn;
	struct hand h = up(nobody, &conn);

	hand_says(&h, conn, GOOD, 3);
	assert_int_equal(hand_next(&h, BGP_OUT_ROUTE).next_hop_count, 1);
	hand_quiet(&h);
	hand_says(&h, conn, bad->says, 4);
	assert_non_null(hand_error(&h));
	assert_int_equal(hand_next(&h, BGP_OUT_ROUTE).next_hop_count, 0);
	hand_quiet(&h);
	assert_int_equal(bgp_peer_state(h.s, 0), BGP_ESTABLISHED);
	bgp_speaker_free(h.s);
}

/* RFC 2918, and RFC 7313 when both can: begin, all routes, end. */
static void test_refresh(void **state)
{
	static const char open_enhanced[] =
		MARKER "002f 01 04 fdea 005a 0a000002 12 02 10 0104 00010001 0200 4600 4104 0000fdea";
	struct bgp_originated r = {.prefix = hand_prefix("192.0.2.0/24")};
	bgp_conn_id conn;
	struct hand h = up(nobody, &conn);

	(void)state;
	bgp_originate(h.s, &r, 1);
	bgp_routes_commit(h.s, hand_at_ms(3));
	(void)hand_sent_type(&h, WIRE_UPDATE, 0);
	hand_quiet(&h);
	hand_says(&h, conn, MARKER "0017 05 0001 00 01", 4);
	assert_int_equal(hand_sent_type(&h, WIRE_UPDATE, 46), 2);
	hand_quiet(&h);
	hand_says(&h, conn, MARKER "0017 05 0002 00 01", 5);
	hand_quiet(&h);
	bgp_speaker_free(h.s);

	h = accepted(nobody, &conn);
	bgp_originate(h.s, &r, 1);
	bgp_routes_commit(h.s, hand_at_ms(1));
	hand_says(&h, conn, open_enhanced, 2);
	hand_says(&h, conn, KEEPALIVE, 3);
	bgp_outputs_clear(h.s);
	hand_says(&h, conn, MARKER "0017 05 0001 00 01", 4);
	hand_sent(&h, MARKER "0017 05 0001 01 01");
	(void)hand_sent_type(&h, WIRE_UPDATE, 0);
	hand_sent(&h, MARKER "0017 05 0001 02 01");
	hand_quiet(&h);
	/* The peer's own: what it does not announce again between begin and end is gone. */
	hand_says(&h, conn, GOOD, 5);
	(void)hand_next(&h, BGP_OUT_ROUTE);
	hand_says(&h, conn, MARKER "0017 05 0001 01 01", 6);
	hand_says(&h, conn, GOOD, 7);
	hand_says(&h, conn, MARKER "0017 05 0001 02 01", 8);
	hand_quiet(&h);
	hand_says(&h, conn, MARKER "0017 05 0001 01 01", 9);
	hand_says(&h, conn, MARKER "0017 05 0001 02 01", 10);
	assert_int_equal(hand_next(&h, BGP_OUT_ROUTE).next_hop_count, 0);
	hand_quiet(&h);
	bgp_speaker_free(h.s);
}

/* RFC 4271 section 6.8: an Established session stays, whoever dials again. */
static void test_collision_with_established(void **state)
{
	struct addr local = hand_addr("10.0.0.1"), remote = hand_addr("10.0.0.2");
	bgp_conn_id conn, second, third;
	struct hand h = up(nobody, &conn);

	(void)state;
	hand_says(&h, conn, GOOD, 3);
	(void)hand_next(&h, BGP_OUT_ROUTE);
	assert_true(bgp_in_accepted(h.s, &local, &remote, hand_at_ms(4), &second));
	assert_int_equal(hand_next(&h, BGP_OUT_SEND).conn, second);
	assert_false(bgp_in_accepted(h.s, &local, &remote, hand_at_ms(5), &third));
	hand_says_open(&h, second, B_AS, 90, B_ID, 6);
	hand_sent(&h, MARKER "0015 03 06 07");
	assert_int_equal(hand_next(&h, BGP_OUT_CLOSE).conn, second);
	hand_quiet(&h);
	assert_int_equal(bgp_peer_state(h.s, 0), BGP_ESTABLISHED);
	hand_says(&h, conn, KEEPALIVE, 7);
	hand_quiet(&h);
	bgp_speaker_free(h.s);
}

/* Routes of unlike attributes don't share an UPDATE. */
static void test_packing(void **state)
{
	static const uint32_t community[] = {0xfde90001};
	struct bgp_originated routes[] = {
		{.prefix = hand_prefix("192.0.2.0/25")},
		{.prefix = hand_prefix("192.0.2.128/25"), .communities = community, .community_count = 1},
		{.prefix = hand_prefix("198.51.100.0/24")},
	};
	bgp_conn_id conn;
	struct hand h = up(nobody, &conn);

	(void)state;
	bgp_originate(h.s, routes, 3);
	hand_quiet(&h);
	bgp_routes_commit(h.s, hand_at_ms(3));
	hand_sent(&h, MARKER "0034 02 0000 0014 40010100 400206 0201 0000fde9 400304 0a000001 19 c0000200 18 c63364");
	hand_sent(&h, MARKER "0037 02 0000 001b 40010100 400206 0201 0000fde9 400304 0a000001 c00804 fde90001 "
			     "19 c0000280");
	hand_quiet(&h);
	bgp_originate(h.s, routes, 1);
	bgp_routes_commit(h.s, hand_at_ms(4));
	hand_sent(&h, MARKER "0020 02 0009 19 c0000280 18 c63364 0000");
	hand_quiet(&h);
	bgp_speaker_free(h.s);
}

/* RFC 6793 section 4.2.3: AS_PATH 65002 23456 64999 and AS4_PATH 4200000001 64999 make 65002 4200000001 64999. Unknown
 * transitive attributes travel with the Partial bit, unknown others don't (RFC 4271 section 5). */
static void test_as4_path(void **state)
{
	struct addr local = hand_addr("10.0.0.1"), other = hand_addr("10.0.0.3");
	struct hand h = {.s = bgp_speaker_new(&conf_a)};
	struct bgp_peer_conf conf = nobody;
	bgp_conn_id from, to;
	bgp_peer_id id;

	(void)state;
	conf.remote = hand_addr("10.0.0.2");
	assert_int_equal(bgp_peer_add(h.s, &conf, &id), 0);
	conf.remote = other;
	conf.remote_as = 65003;
	assert_int_equal(bgp_peer_add(h.s, &conf, &id), 0);
	bgp_peer_start(h.s, 0, hand_at_ms(0));
	bgp_peer_start(h.s, 1, hand_at_ms(0));
	conf.remote = hand_addr("10.0.0.2");
	assert_true(bgp_in_accepted(h.s, &local, &conf.remote, hand_at_ms(1), &from));
	assert_true(bgp_in_accepted(h.s, &local, &other, hand_at_ms(1), &to));
	hand_says(&h, from, MARKER "001d 01 04 fdea 005a 0a000002 00", 2);
	hand_says_open(&h, to, 65003, 90, 3, 2);
	hand_says(&h, from, KEEPALIVE, 3);
	hand_says(&h, to, KEEPALIVE, 3);
	bgp_outputs_clear(h.s);
	hand_says(&h, from,
		  MARKER "0047 02 0000 002b 40010100 400208 0203 fdea 5ba0 fde7 400304 0a000002"
			 "c0110a 0202 fa56ea01 0000fde7 c0f101 aa 80f201 bb 20 ac10fe01",
		  4);
	(void)hand_next(&h, BGP_OUT_ROUTE);
	hand_sent(&h, MARKER "0040 02 0000 0024 40010100 400212 0204 0000fde9 0000fdea fa56ea01 0000fde7"
			     "400304 0a000001 e0f101 aa 20 ac10fe01");
	hand_quiet(&h);
	bgp_speaker_free(h.s);
}

static void test_max_prefixes(void **state)
{
	struct bgp_peer_conf conf = nobody;
	bgp_conn_id conn;
	struct hand h;

	(void)state;
	conf.max_prefixes = 2;
	h = up(conf, &conn);
	/* Three prefixes, then the first again as a replacement would come. */
	hand_says(&h, conn,
		  MARKER "0035 02 0000 0014 40010100 400206 0201 0000fdea 400304 0a000002 20 ac10fe01 20 ac10fe02", 3);
	(void)hand_next(&h, BGP_OUT_ROUTE);
	(void)hand_next(&h, BGP_OUT_ROUTE);
	hand_says(&h, conn, GOOD, 4);
	hand_quiet(&h);
	hand_says(&h, conn, MARKER "0030 02 0000 0014 40010100 400206 0201 0000fdea 400304 0a000002 20 ac10fe03", 5);
	hand_sent(&h, MARKER "0015 03 06 01");
	assert_int_equal(hand_next(&h, BGP_OUT_CLOSE).conn, conn);
	assert_int_equal(hand_next(&h, BGP_OUT_ROUTE).next_hop_count, 0);
	assert_int_equal(hand_next(&h, BGP_OUT_ROUTE).next_hop_count, 0);
	hand_quiet(&h);
	bgp_speaker_free(h.s);
}

/* A refused dial: Idle, IdleHoldTimer, and again; ConnectRetryTimer drops a dial that hangs. */
static void test_dialling(void **state)
{
	struct hand h = {.s = bgp_speaker_new(&conf_a)};
	bgp_peer_id peer;
	bgp_conn_id conn;

	(void)state;
	bgp_peer_add(h.s,
		     &(struct bgp_peer_conf){.remote = hand_addr("10.0.0.2"),
					     .remote_as = B_AS,
					     .hold_s = 90,
					     .connect_retry_s = 20,
					     .idle_hold_s = 4},
		     &peer);
	bgp_peer_start(h.s, peer, hand_at_ms(0));
	conn = hand_next(&h, BGP_OUT_CONNECT).conn;
	assert_in_range(bgp_deadline(h.s).ns, 15 * NS_PER_S, 20 * NS_PER_S);
	bgp_in_time(h.s, bgp_deadline(h.s));
	assert_int_equal(hand_next(&h, BGP_OUT_CLOSE).conn, conn);
	conn = hand_next(&h, BGP_OUT_CONNECT).conn;
	hand_quiet(&h);
	bgp_in_failed(h.s, conn, hand_at_ms(30000));
	assert_int_equal(bgp_peer_state(h.s, 0), BGP_IDLE);
	assert_in_range(bgp_deadline(h.s).ns, 33 * NS_PER_S, 34 * NS_PER_S);
	bgp_in_time(h.s, bgp_deadline(h.s));
	(void)hand_next(&h, BGP_OUT_CONNECT);
	hand_quiet(&h);
	bgp_peer_stop(h.s, peer, hand_at_ms(40000));
	(void)hand_next(&h, BGP_OUT_CLOSE);
	hand_quiet(&h);
	assert_int_equal(bgp_deadline(h.s).ns, INSTANT_NEVER.ns);
	bgp_speaker_free(h.s);
}

#define ROW(fn, table, i)                                                                                              \
	{                                                                                                              \
		(table)[i].name, fn, NULL, NULL, (void *)(uintptr_t) & (table)[i]                                      \
	}

int main(void)
{
	struct CMUnitTest rows[32];
	size_t n = 0;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_coalesce),
		cmocka_unit_test(test_notified),
		cmocka_unit_test(test_own_identifier),
		cmocka_unit_test(test_hold_times),
		cmocka_unit_test(test_delay_open),
		cmocka_unit_test(test_refresh),
		cmocka_unit_test(test_collision_with_established),
		cmocka_unit_test(test_packing),
		cmocka_unit_test(test_as4_path),
		cmocka_unit_test(test_max_prefixes),
		cmocka_unit_test(test_dialling),
	};

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		rows[n++] = (struct CMUnitTest)ROW(test_fault, faults, i);
	for (size_t i = 0; i < sizeof(spoilt) / sizeof(spoilt[0]); i++)
		rows[n++] = (struct CMUnitTest)ROW(test_treat_as_withdraw, spoilt, i);
	return cmocka_run_group_tests(tests, NULL, NULL) +
	       _cmocka_run_group_tests("wrong messages", rows, n, NULL, NULL);
}
