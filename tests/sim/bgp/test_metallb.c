/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MetalLB's profiles, byte for byte: the golden vectors of METALLB.md section 10 through whole sessions. */
#include "by_hand.h"

#define OPEN_22000 MARKER "0031 01 04 55f0 005a 0a000033 14 02 12 0104 00010001 0104 00020001 4104 000055f0"
#define OPEN_4200000001 MARKER "0031 01 04 5ba0 005a 0a000033 14 02 12 0104 00010001 0104 00020001 4104 fa56ea01"
#define OPEN_64512 MARKER "0031 01 04 fc00 005a 0a000033 14 02 12 0104 00010001 0104 00020001 4104 0000fc00"
#define ANNOUNCE MARKER "0030 02 0000 0014 40010100 400206 0201 000055f0 400304 0a000033 20 ac10fe01"
#define ANNOUNCE_LEGACY MARKER "0030 02 0000 0014 40010102 400206 0201 000055f0 400304 0a000033 20 ac10fe01"
#define ANNOUNCE_AS2 MARKER "002e 02 0000 0012 40010100 400204 0201 55f0 400304 0a000033 20 ac10fe01"
#define ANNOUNCE_IBGP MARKER "0031 02 0000 0015 40010100 400200 400304 0a000033 400504 00000000 20 ac10fe01"
#define ANNOUNCE_AGGREGATE                                                                                             \
	MARKER "003a 02 0000 001f 40010100 400206 0201 000055f0 400304 0a000033 c00808 fde80064 ffffff02 18 ac10fe"
#define WITHDRAW MARKER "001c 02 0005 20 ac10fe01 0000"

#define ROUTER 11000
#define ROUTER_ID 0xac100001U

static struct hand worker(enum bgp_profile profile, uint32_t as, uint32_t router_as)
{
	struct hand h = {.s = bgp_speaker_new(&(struct bgp_speaker_conf){
				 .as = as, .router_id = 0x0a000033, .profile = profile, .seed = 1})};
	bgp_peer_id id;

	assert_int_equal(bgp_peer_add(h.s,
				      &(struct bgp_peer_conf){.name = "router",
							      .remote = hand_addr("10.0.0.1"),
							      .remote_as = router_as,
							      .hold_s = 90},
				      &id),
			 0);
	assert_int_equal(id, 0);
	return h;
}

static void announce(struct hand *h, const char *const *prefixes, size_t n, int64_t ms)
{
	struct bgp_originated routes[8] = {0};

	for (size_t i = 0; i < n; i++)
		routes[i].prefix = hand_prefix(prefixes[i]);
	bgp_originate(h->s, routes, n);
	bgp_routes_commit(h->s, hand_at_ms(ms));
}

/* Dials, says OPEN, and returns the connection. */
static bgp_conn_id dial(struct hand *h, const char *open, int64_t ms)
{
	struct addr local = hand_addr("10.0.0.51");
	bgp_conn_id conn = hand_next(h, BGP_OUT_CONNECT).conn;

	assert_int_equal(bgp_peer_state(h->s, 0), BGP_CONNECT);
	bgp_in_connected(h->s, conn, &local, hand_at_ms(ms));
	hand_sent(h, open);
	assert_int_equal(bgp_peer_state(h->s, 0), BGP_OPEN_SENT);
	return conn;
}

static const struct golden {
	const char *name;
	enum bgp_profile profile;
	uint32_t as, router_as;
	const char *open, *announce;
} golden[] = {
	{"native", BGP_PROFILE_METALLB_NATIVE, 22000, ROUTER, OPEN_22000, ANNOUNCE},
	{"legacy", BGP_PROFILE_METALLB_LEGACY, 22000, ROUTER, OPEN_22000, ANNOUNCE_LEGACY},
	{"iBGP", BGP_PROFILE_METALLB_NATIVE, 64512, 64512, OPEN_64512, ANNOUNCE_IBGP},
};

/* connect, OPEN, the peer's OPEN: KEEPALIVE and UPDATE at once, without the peer's KEEPALIVE and without End-of-RIB. */
static void test_golden(void **state)
{
	static const char *const vip[] = {"172.16.254.1/32"};
	const struct golden *g = *state;
	struct hand h = worker(g->profile, g->as, g->router_as);
	bgp_conn_id conn;

	announce(&h, vip, 1, 0);
	bgp_peer_start(h.s, 0, hand_at_ms(0));
	conn = dial(&h, g->open, 1);
	hand_says_open(&h, conn, g->router_as, 240, ROUTER_ID, 2);
	hand_sent(&h, KEEPALIVE);
	hand_sent(&h, g->announce);
	hand_quiet(&h);
	assert_int_equal(bgp_peer_state(h.s, 0), BGP_ESTABLISHED);
	hand_says(&h, conn, KEEPALIVE, 3);
	/* The negotiated 90 s make a KEEPALIVE every 30 s, without jitter; silence is borne for ever. */
	assert_int_equal(bgp_deadline(h.s).ns, hand_at_ms(30002).ns);
	for (int64_t tick = 1; tick <= 40; tick++) {
		bgp_in_time(h.s, bgp_deadline(h.s));
		hand_sent(&h, KEEPALIVE);
	}
	hand_quiet(&h);
	announce(&h, vip, 1, 2000000);
	hand_quiet(&h);
	announce(&h, vip, 0, 2000001);
	hand_sent(&h, WITHDRAW);
	hand_quiet(&h);
	bgp_speaker_free(h.s);
}

static void test_as4(void **state)
{
	struct hand h = worker(BGP_PROFILE_METALLB_NATIVE, 4200000001, ROUTER);
	bgp_conn_id conn;

	(void)state;
	bgp_peer_start(h.s, 0, hand_at_ms(0));
	conn = dial(&h, OPEN_4200000001, 1);
	/* A router without four-octet ASes can't be spoken to with such an AS. */
	hand_says(&h, conn, MARKER "0025 01 04 2af8 00f0 ac100001 08 02 06 0104 00010001", 2);
	assert_int_equal(hand_next(&h, BGP_OUT_CLOSE).conn, conn);
	hand_quiet(&h);
	bgp_speaker_free(h.s);
}

static void test_two_octet_peer(void **state)
{
	static const char *const vip[] = {"172.16.254.1/32"};
	struct hand h = worker(BGP_PROFILE_METALLB_NATIVE, 22000, ROUTER);
	bgp_conn_id conn;

	(void)state;
	announce(&h, vip, 1, 0);
	bgp_peer_start(h.s, 0, hand_at_ms(0));
	conn = dial(&h, OPEN_22000, 1);
	hand_says(&h, conn, MARKER "0025 01 04 2af8 00f0 ac100001 08 02 06 0104 00010001", 2);
	hand_sent(&h, KEEPALIVE);
	hand_sent(&h, ANNOUNCE_AS2);
	hand_quiet(&h);
	bgp_speaker_free(h.s);
}

static struct hand established(enum bgp_profile profile, bgp_conn_id *ret)
{
	struct hand h = worker(profile, 22000, ROUTER);

	bgp_peer_start(h.s, 0, hand_at_ms(0));
	*ret = dial(&h, OPEN_22000, 1);
	hand_says_open(&h, *ret, ROUTER, 240, ROUTER_ID, 2);
	hand_sent(&h, KEEPALIVE);
	hand_quiet(&h);
	return h;
}

static void test_communities(void **state)
{
	static const uint32_t communities[] = {0xfde80064, 0xffffff02};
	bgp_conn_id conn;
	struct hand h = established(BGP_PROFILE_METALLB_NATIVE, &conn);

	(void)state;
	/* localPref has no effect outside. */
	bgp_originate(h.s,
		      &(struct bgp_originated){.prefix = hand_prefix("172.16.254.0/24"),
					       .local_pref_present = true,
					       .local_pref = 50,
					       .communities = communities,
					       .community_count = 2},
		      1);
	hand_quiet(&h);
	bgp_routes_commit(h.s, hand_at_ms(10));
	hand_sent(&h, ANNOUNCE_AGGREGATE);
	hand_quiet(&h);
	bgp_speaker_free(h.s);
}

/* Announcements one by one, then one UPDATE with all withdrawals. */
static void test_change(void **state)
{
	static const char *const before[] = {"172.16.254.1/32", "172.16.254.2/32", "172.16.254.3/32"};
	static const char *const after[] = {"172.16.254.4/32", "172.16.254.3/32"};
	bgp_conn_id conn;
	struct hand h = established(BGP_PROFILE_METALLB_NATIVE, &conn);

	(void)state;
	announce(&h, before, 3, 10);
	assert_int_equal(hand_sent_type(&h, WIRE_UPDATE, 47), 1);
	assert_int_equal(hand_sent_type(&h, WIRE_UPDATE, 47), 2);
	assert_int_equal(hand_sent_type(&h, WIRE_UPDATE, 47), 3);
	hand_quiet(&h);
	announce(&h, after, 2, 20);
	assert_int_equal(hand_sent_type(&h, WIRE_UPDATE, 47), 4);
	hand_sent(&h, MARKER "0021 02 000a 20 ac10fe01 20 ac10fe02 0000");
	hand_quiet(&h);
	bgp_speaker_free(h.s);
}

/* One prefix from two advertisements: legacy keeps the last, native unites the communities. */
static void test_merge(void **state)
{
	static const uint32_t high[] = {0xfde80064}, low[] = {0x00010001, 0xfde80064};
	struct bgp_originated routes[] = {
		{.prefix = hand_prefix("172.16.254.0/24"), .communities = high, .community_count = 1},
		{.prefix = hand_prefix("172.16.254.0/24"), .communities = low, .community_count = 2},
	};
	bgp_conn_id conn;
	struct hand h = established(BGP_PROFILE_METALLB_NATIVE, &conn);

	(void)state;
	routes[1].community_count = 1;
	bgp_originate(h.s, routes, 2);
	bgp_routes_commit(h.s, hand_at_ms(10));
	hand_sent(&h, MARKER "003a 02 0000 001f 40010100 400206 0201 000055f0 400304 0a000033 c00808 00010001 fde80064 "
			     "18 ac10fe");
	bgp_speaker_free(h.s);
	h = established(BGP_PROFILE_METALLB_LEGACY, &conn);
	bgp_originate(h.s, routes, 2);
	bgp_routes_commit(h.s, hand_at_ms(10));
	hand_sent(&h,
		  MARKER "0036 02 0000 001b 40010102 400206 0201 000055f0 400304 0a000033 c00804 00010001 18 ac10fe");
	hand_quiet(&h);
	bgp_speaker_free(h.s);
}

/* LOCAL_PREF is the advertisement's, and goes inside alone. */
static void test_local_pref(void **state)
{
	struct hand h = worker(BGP_PROFILE_METALLB_NATIVE, 64512, 64512);
	bgp_conn_id conn;

	(void)state;
	bgp_peer_start(h.s, 0, hand_at_ms(0));
	conn = dial(&h, OPEN_64512, 1);
	hand_says_open(&h, conn, 64512, 240, ROUTER_ID, 2);
	hand_sent(&h, KEEPALIVE);
	bgp_originate(h.s,
		      &(struct bgp_originated){
			      .prefix = hand_prefix("172.16.254.1/32"), .local_pref_present = true, .local_pref = 50},
		      1);
	bgp_routes_commit(h.s, hand_at_ms(3));
	hand_sent(&h, MARKER "0031 02 0000 0015 40010100 400200 400304 0a000033 400504 00000032 20 ac10fe01");
	hand_quiet(&h);
	bgp_speaker_free(h.s);
}

/* Not for this peer; then a table that MetalLB refuses as a whole: what was sent stays. */
static void test_selection_and_refusal(void **state)
{
	static const char *const vip[] = {"172.16.254.1/32"};
	static const char *const mixed[] = {"172.16.254.2/32", "2001:db8::1/128"};
	static const bgp_peer_id nobody[] = {7};
	bgp_conn_id conn;
	struct hand h = established(BGP_PROFILE_METALLB_NATIVE, &conn);

	(void)state;
	bgp_originate(
		h.s,
		&(struct bgp_originated){.prefix = hand_prefix("172.16.254.9/32"), .peers = nobody, .peer_count = 1},
		1);
	bgp_routes_commit(h.s, hand_at_ms(10));
	hand_quiet(&h);
	announce(&h, vip, 1, 11);
	hand_sent(&h, ANNOUNCE);
	hand_quiet(&h);
	announce(&h, mixed, 2, 12);
	assert_non_null(hand_error(&h));
	hand_quiet(&h);
	bgp_speaker_free(h.s);
}

static const struct bad_open {
	const char *name, *hex;
} bad_opens[] = {
	{"no capabilities", MARKER "001d 01 04 2af8 00f0 ac100001 00"},
	{"version 3", MARKER "002d 01 03 2af8 00f0 ac100001 10 02 0e 0104 00010001 0200 4104 00002af8"},
	{"hold time 2", MARKER "002d 01 04 2af8 0002 ac100001 10 02 0e 0104 00010001 0200 4104 00002af8"},
	{"other AS", MARKER "002d 01 04 2af8 00f0 ac100001 10 02 0e 0104 00010001 0200 4104 00002af9"},
	{"other parameter", MARKER "002d 01 04 2af8 00f0 ac100001 10 01 0e 0104 00010001 0200 4104 00002af8"},
	{"RFC 9072", MARKER "0030 01 04 2af8 00f0 ac100001 ff ff 0010 02 000d 0104 00010001 4104 00002af8 00"},
	{"short capability 1", MARKER "002d 01 04 2af8 00f0 ac100001 10 02 0e 0103 000100 0201 00 4104 00002af8"},
	{"NOTIFICATION", MARKER "0015 03 06 05"},
	{"UPDATE", MARKER "0017 02 0000 0000"},
	{"bad marker", "00ffffffffffffffffffffffffffffff 0013 04"},
};

/* Plain close, no word; and the retry is the first of the back-off. */
static void test_bad_open(void **state)
{
	const struct bad_open *b = *state;
	struct hand h = worker(BGP_PROFILE_METALLB_NATIVE, 22000, ROUTER);
	bgp_conn_id conn;

	bgp_peer_start(h.s, 0, hand_at_ms(0));
	conn = dial(&h, OPEN_22000, 1);
	hand_says(&h, conn, b->hex, 2);
	assert_int_equal(hand_next(&h, BGP_OUT_CLOSE).conn, conn);
	hand_quiet(&h);
	assert_int_equal(bgp_peer_state(h.s, 0), BGP_IDLE);
	assert_int_equal(bgp_deadline(h.s).ns, hand_at_ms(2).ns);
	bgp_speaker_free(h.s);
}

/* A peer with identifier 0, or ours, is fine. */
static void test_any_identifier(void **state)
{
	static const uint32_t ids[] = {0, 0x0a000033};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct hand h = worker(BGP_PROFILE_METALLB_NATIVE, 22000, 22000);
		bgp_conn_id conn;

		bgp_peer_start(h.s, 0, hand_at_ms(0));
		conn = dial(&h, OPEN_22000, 1);
		hand_says_open(&h, conn, 22000, 240, ids[i], 2);
		assert_int_equal(bgp_peer_state(h.s, 0), BGP_ESTABLISHED);
		hand_sent(&h, KEEPALIVE);
		hand_quiet(&h);
		bgp_speaker_free(h.s);
	}
}

/* METALLB.md section 10.6, and what resets it. */
static void test_backoff(void **state)
{
	static const int64_t delays_s[] = {0, 1, 2, 4, 8, 16, 32, 64, 120, 120};
	struct hand h = worker(BGP_PROFILE_METALLB_NATIVE, 22000, ROUTER);
	int64_t now_ms = 0;
	bgp_conn_id conn;

	(void)state;
	bgp_peer_start(h.s, 0, hand_at_ms(0));
	for (size_t i = 0; i < sizeof(delays_s) / sizeof(delays_s[0]); i++) {
		conn = hand_next(&h, BGP_OUT_CONNECT).conn;
		hand_quiet(&h);
		bgp_in_failed(h.s, conn, hand_at_ms(now_ms += 3));
		hand_quiet(&h);
		assert_int_equal(bgp_deadline(h.s).ns, hand_at_ms(now_ms += delays_s[i] * 1000).ns);
		bgp_in_time(h.s, hand_at_ms(now_ms));
	}
	conn = dial(&h, OPEN_22000, ++now_ms);
	hand_says_open(&h, conn, ROUTER, 240, ROUTER_ID, now_ms);
	hand_sent(&h, KEEPALIVE);
	hand_quiet(&h);
	/* A session that stood comes back at once, and the back-off is at its beginning. */
	bgp_in_closed(h.s, conn, hand_at_ms(now_ms));
	bgp_in_time(h.s, hand_at_ms(now_ms));
	conn = hand_next(&h, BGP_OUT_CONNECT).conn;
	bgp_in_failed(h.s, conn, hand_at_ms(now_ms));
	bgp_in_time(h.s, hand_at_ms(now_ms));
	conn = hand_next(&h, BGP_OUT_CONNECT).conn;
	bgp_in_failed(h.s, conn, hand_at_ms(now_ms));
	assert_int_equal(bgp_deadline(h.s).ns, hand_at_ms(now_ms + 1000).ns);
	hand_quiet(&h);
	bgp_speaker_free(h.s);
}

/* Ten seconds from the dial to the peer's OPEN, wherever they go. */
static void test_dial_budget(void **state)
{
	struct hand h = worker(BGP_PROFILE_METALLB_NATIVE, 22000, ROUTER);
	bgp_conn_id conn;

	(void)state;
	bgp_peer_start(h.s, 0, hand_at_ms(0));
	conn = hand_next(&h, BGP_OUT_CONNECT).conn;
	assert_int_equal(bgp_deadline(h.s).ns, hand_at_ms(10000).ns);
	bgp_in_time(h.s, hand_at_ms(10000));
	assert_int_equal(hand_next(&h, BGP_OUT_CLOSE).conn, conn);
	conn = dial(&h, OPEN_22000, 14000);
	assert_int_equal(bgp_deadline(h.s).ns, hand_at_ms(20000).ns);
	bgp_in_time(h.s, hand_at_ms(20000));
	assert_int_equal(hand_next(&h, BGP_OUT_CLOSE).conn, conn);
	hand_quiet(&h);
	bgp_speaker_free(h.s);
}

/* Dropped in OpenSent: RFC 4271 would listen in Active; MetalLB never listens, so it dials. */
static void test_never_listens(void **state)
{
	struct addr local = hand_addr("10.0.0.51"), remote = hand_addr("10.0.0.1");
	struct hand h = worker(BGP_PROFILE_METALLB_NATIVE, 22000, ROUTER);
	bgp_conn_id conn, accepted;

	(void)state;
	bgp_peer_start(h.s, 0, hand_at_ms(0));
	assert_false(bgp_in_accepted(h.s, &local, &remote, hand_at_ms(1), &accepted));
	conn = dial(&h, OPEN_22000, 1);
	bgp_in_closed(h.s, conn, hand_at_ms(2));
	assert_int_equal(bgp_peer_state(h.s, 0), BGP_IDLE);
	bgp_in_time(h.s, bgp_deadline(h.s));
	(void)hand_next(&h, BGP_OUT_CONNECT);
	hand_quiet(&h);
	bgp_speaker_free(h.s);
}

/* What the router announces or asks is read and thrown away; a broken UPDATE too. */
static void test_discards(void **state)
{
	bgp_conn_id conn;
	struct hand h = established(BGP_PROFILE_METALLB_NATIVE, &conn);

	(void)state;
	hand_says(&h, conn, MARKER "0030 02 0000 0014 40010100 400206 0201 00002af8 400304 0a000001 20 ac10fe01", 3);
	hand_says(&h, conn, MARKER "0017 05 0001 00 01", 4);
	hand_says(&h, conn, MARKER "0017 02 ffff 0000", 5);
	assert_int_equal(bgp_peer_state(h.s, 0), BGP_ESTABLISHED);
	hand_quiet(&h);
	hand_says(&h, conn, MARKER "0015 03 06 02", 6);
	assert_int_equal(hand_next(&h, BGP_OUT_CLOSE).conn, conn);
	hand_quiet(&h);
	bgp_speaker_free(h.s);
}

#define ROWS(fn, table, i)                                                                                             \
	{                                                                                                              \
		(table)[i].name, fn, NULL, NULL, (void *)(uintptr_t) & (table)[i]                                      \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROWS(test_golden, golden, 0),	       ROWS(test_golden, golden, 1),
		ROWS(test_golden, golden, 2),	       cmocka_unit_test(test_as4),
		cmocka_unit_test(test_two_octet_peer), cmocka_unit_test(test_communities),
		cmocka_unit_test(test_change),	       cmocka_unit_test(test_merge),
		cmocka_unit_test(test_local_pref),     cmocka_unit_test(test_selection_and_refusal),
		ROWS(test_bad_open, bad_opens, 0),     ROWS(test_bad_open, bad_opens, 1),
		ROWS(test_bad_open, bad_opens, 2),     ROWS(test_bad_open, bad_opens, 3),
		ROWS(test_bad_open, bad_opens, 4),     ROWS(test_bad_open, bad_opens, 5),
		ROWS(test_bad_open, bad_opens, 6),     ROWS(test_bad_open, bad_opens, 7),
		ROWS(test_bad_open, bad_opens, 8),     ROWS(test_bad_open, bad_opens, 9),
		cmocka_unit_test(test_any_identifier), cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_dial_budget),    cmocka_unit_test(test_never_listens),
		cmocka_unit_test(test_discards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
