/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sessions that end on purpose: RFC 4486 and 9384 subcodes, RFC 9003 words, RFC 8538 Hard Reset, RFC 9687. */
#include "router.h"

#include <string.h>

#define N_BIT "4006 4078 00010180"
#define TEN "abcdefghij"
#define FIFTY TEN TEN TEN TEN TEN

enum how { SHUTDOWN, RESET, REMOVE };

static const struct ending {
	const char *name;
	enum how how;
	struct bgp_cease why;
	const char *capabilities; /* the peer's; with graceful restart where there is any */
	const char *notification;
} endings[] = {
	{"shutdown", SHUTDOWN, {BGP_CEASE_SHUTDOWN, NULL, false}, "", MARKER "0015 03 06 02"},
	{"shutdown with words", SHUTDOWN, {BGP_CEASE_SHUTDOWN, "bye", false}, "", MARKER "0019 03 06 02 03 627965"},
	{"shutdown with no words", SHUTDOWN, {BGP_CEASE_SHUTDOWN, "", false}, "", MARKER "0016 03 06 02 00"},
	{"reset with words", RESET, {BGP_CEASE_RESET, "bye", false}, "", MARKER "0019 03 06 04 03 627965"},
	{"words are for 2 and 4 alone", RESET, {BGP_CEASE_CONFIGURATION, "bye", false}, "", MARKER "0015 03 06 06"},
	{"de-configured", REMOVE, {0}, "", MARKER "0015 03 06 03"},
	{"other configuration change", RESET, {BGP_CEASE_CONFIGURATION, NULL, false}, "", MARKER "0015 03 06 06"},
	{"out of resources", RESET, {BGP_CEASE_RESOURCES, NULL, false}, "", MARKER "0015 03 06 08"},
	{"BFD down", RESET, {BGP_CEASE_BFD_DOWN, NULL, false}, "", MARKER "0015 03 06 0a"},
	{"hard reset where both can",
	 SHUTDOWN,
	 {BGP_CEASE_SHUTDOWN, "bye", false},
	 N_BIT,
	 MARKER "001b 03 06 09 06 02 03 627965"},
	{"graceful reset where both can", RESET, {BGP_CEASE_RESET, NULL, false}, N_BIT, MARKER "0015 03 06 04"},
	{"hard reset on demand", RESET, {BGP_CEASE_RESET, NULL, true}, N_BIT, MARKER "0017 03 06 09 06 04"},
	{"de-configured, hard", REMOVE, {0}, N_BIT, MARKER "0017 03 06 09 06 03"},
	{"a peer without N", SHUTDOWN, {BGP_CEASE_SHUTDOWN, NULL, false}, "4006 0078 00010180", MARKER "0015 03 06 02"},
};

static void test_ending(void **state)
{
	const struct ending *e = *state;
	struct router r = {.peer = {.restart = {.on = e->capabilities[0] != '\0', .notification = true}}};
	struct addr local = hand_addr("10.0.0.1"), remote = hand_addr("10.0.0.2");
	bgp_conn_id conn;
	bgp_peer_id id;

	router_init(&r);
	router_up(&r, e->capabilities);
	if (e->how == SHUTDOWN)
		bgp_peer_shutdown(r.h.s, 0, &e->why, hand_at_ms(++r.ms));
	else if (e->how == RESET)
		bgp_peer_reset(r.h.s, 0, &e->why, hand_at_ms(++r.ms));
	else
		bgp_peer_remove(r.h.s, 0, hand_at_ms(++r.ms));
	hand_sent(&r.h, e->notification);
	assert_int_equal(hand_next(&r.h, BGP_OUT_CLOSE).conn, r.conn);
	hand_quiet(&r.h);
	assert_int_equal(router_state(&r), BGP_IDLE);
	/* A reset comes back by itself, the others stay down; one that is removed makes room. */
	router_wait(&r, 1000);
	assert_int_equal(router_state(&r), e->how == RESET ? BGP_ACTIVE : BGP_IDLE);
	assert_int_equal(bgp_in_accepted(r.h.s, &local, &remote, hand_at_ms(r.ms), &conn), e->how == RESET);
	assert_int_equal(bgp_peer_add(r.h.s, &r.peer, &id) == 0, e->how == REMOVE);
	bgp_peer_start(r.h.s, 0, hand_at_ms(r.ms));
	assert_int_equal(router_state(&r) == BGP_IDLE, e->how == REMOVE);
	router_free(&r);
}

/* 255 octets at most, and no half characters: 254 and a two-octet one leave 254. */
static void test_long_words(void **state)
{
	static const char words[] = FIFTY FIFTY FIFTY FIFTY FIFTY "abcd\xc3\xa4 and more";
	struct router r = {0};
	struct bgp_output out;

	(void)state;
	router_init(&r);
	router_up(&r, "");
	bgp_peer_shutdown(r.h.s, 0, &(struct bgp_cease){.subcode = BGP_CEASE_SHUTDOWN, .text = words}, hand_at_ms(9));
	out = hand_next(&r.h, BGP_OUT_SEND);
	assert_int_equal(out.len, 21 + 1 + 254);
	assert_int_equal(out.bytes[21], 254);
	assert_memory_equal(out.bytes + 22, words, 254);
	router_free(&r);
}

/* What the peer's NOTIFICATION reads like; hostile ones too. */
static const struct reading {
	const char *name, *says, *text;
} readings[] = {
	{"no words", MARKER "0015 03 06 02", "the peer closes: Cease/Administrative Shutdown"},
	{"words", MARKER "0019 03 06 02 03 627965", "the peer closes: Cease/Administrative Shutdown: \"bye\""},
	{"reset", MARKER "0019 03 06 04 03 627965", "the peer closes: Cease/Administrative Reset: \"bye\""},
	{"control characters", MARKER "0019 03 06 02 03 621b7f",
	 "the peer closes: Cease/Administrative Shutdown: \"b\?\?\""},
	{"a length that lies", MARKER "0019 03 06 02 04 627965", "the peer closes: Cease/Administrative Shutdown"},
	{"empty words", MARKER "0016 03 06 02 00", "the peer closes: Cease/Administrative Shutdown"},
	{"words of another subcode", MARKER "0019 03 06 05 03 627965", "the peer closes: Cease/Connection Rejected"},
	{"hard reset", MARKER "001b 03 06 09 06 02 03 627965",
	 "the peer closes: Hard Reset: Cease/Administrative Shutdown: \"bye\""},
	{"hard reset, nothing inside", MARKER "0015 03 06 09", "the peer closes: Cease/Hard Reset"},
	{"hard reset, half inside", MARKER "0016 03 06 09 06", "the peer closes: Cease/Hard Reset"},
	{"BFD down", MARKER "0015 03 06 0a", "the peer closes: Cease/BFD Down"},
	{"send hold", MARKER "0015 03 08 00", "the peer closes: Send Hold Timer Expired"},
};

static void test_reading(void **state)
{
	const struct reading *reading = *state;
	struct router r = {0};

	router_init(&r);
	router_up(&r, "");
	router_says(&r, reading->says);
	assert_string_equal(hand_error(&r.h), reading->text);
	(void)hand_next(&r.h, BGP_OUT_CLOSE);
	hand_quiet(&r.h);
	router_free(&r);
}

static void test_rejection(void **state)
{
	struct router r = {0};
	uint8_t want[32];
	size_t n, len;
	const uint8_t *got;

	(void)state;
	router_init(&r);
	got = bgp_rejection(r.h.s, &n);
	len = support_hex(MARKER "0015 03 06 05", want, sizeof(want));
	support_bytes_equal(got, n, want, len);
	router_free(&r);
	r.speaker.profile = BGP_PROFILE_METALLB_NATIVE;
	router_init(&r);
	(void)bgp_rejection(r.h.s, &n);
	assert_int_equal(n, 0);
	router_free(&r);
}

/* RFC 9687: 8 minutes, or twice the hold time, or as configured; then NOTIFICATION 8 and the end. */
static void test_send_hold(void **state)
{
	struct router r = {.peer = {.hold_s = 600}};

	(void)state;
	router_init(&r);
	router_up(&r, "");
	assert_int_equal(bgp_send_hold_ns(r.h.s, r.conn), 480 * NS_PER_S);
	router_free(&r);
	router_init(&r);
	router_dial(&r);
	assert_int_equal(bgp_send_hold_ns(r.h.s, r.conn), INT64_MAX);
	router_says(&r, MARKER "002b 01 04 fdea 0258 0a000002 0e 02 0c 0104 00010001 4104 0000fdea");
	router_says(&r, KEEPALIVE);
	assert_int_equal(bgp_send_hold_ns(r.h.s, r.conn), 1200 * NS_PER_S);
	router_free(&r);
	/* A time that is not longer than the hold time counts for nothing (section 4.4). */
	r.peer.session.send_hold_s = 90;
	router_init(&r);
	router_up(&r, "");
	assert_int_equal(bgp_send_hold_ns(r.h.s, r.conn), 480 * NS_PER_S);
	router_free(&r);
	r.peer.session.send_hold_s = 91;
	router_init(&r);
	router_up(&r, "");
	assert_int_equal(bgp_send_hold_ns(r.h.s, r.conn), 91 * NS_PER_S);
	router_says(&r, PEER_UP);
	assert_int_equal(router_hops(&r), 1);
	bgp_in_send_hold(r.h.s, r.conn, hand_at_ms(++r.ms));
	hand_sent(&r.h, MARKER "0015 03 08 00");
	assert_int_equal(hand_next(&r.h, BGP_OUT_CLOSE).conn, r.conn);
	assert_int_equal(router_hops(&r), 0);
	assert_int_equal(router_state(&r), BGP_IDLE);
	bgp_in_send_hold(r.h.s, r.conn, hand_at_ms(++r.ms));
	hand_quiet(&r.h);
	assert_int_equal(bgp_send_hold_ns(r.h.s, r.conn), INT64_MAX);
	router_free(&r);
}

/* Any bytes, on the connection there is. */
static void test_raw(void **state)
{
	struct router r = {0};
	struct bgp_output out;

	(void)state;
	router_init(&r);
	assert_false(bgp_send_raw(r.h.s, 0, (const uint8_t *)"x", 1, hand_at_ms(0)));
	router_up(&r, "");
	assert_true(bgp_send_raw(r.h.s, 0, (const uint8_t *)"x", 1, hand_at_ms(9)));
	out = hand_next(&r.h, BGP_OUT_SEND);
	assert_int_equal(out.len, 1);
	assert_int_equal(out.bytes[0], 'x');
	assert_int_equal(out.conn, r.conn);
	hand_quiet(&r.h);
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
		cmocka_unit_test(test_long_words),
		cmocka_unit_test(test_rejection),
		cmocka_unit_test(test_send_hold),
		cmocka_unit_test(test_raw),
	};

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		rows[n++] = (struct CMUnitTest)ROW(test_ending, endings, i);
	for (size_t i = 0; i < sizeof(readings) / sizeof(readings[0]); i++)
		rows[n++] = (struct CMUnitTest)ROW(test_reading, readings, i);
	return cmocka_run_group_tests(tests, NULL, NULL) + _cmocka_run_group_tests("endings", rows, n, NULL, NULL);
}
