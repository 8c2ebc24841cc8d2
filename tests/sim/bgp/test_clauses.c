/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Single sentences of the RFCs, each with the clause that it stands in; the bytes are written from its text. */
#include "mesh.h"
#include "router.h"

#include <stdio.h>
#include <string.h>

#define NET "18 c63364"	      /* 198.51.100.0/24 */
#define OTHER_NET "18 cb0071" /* 203.0.113.0/24 */
#define OUR_HOP HOP("01")
#define VIA(as) "40020a 0202 0000fde9 0000" as " "

static const uint32_t AS_A = 65010, AS_B = 65020; /* fdf2, fdfc */

static void originate(struct router *r, const char *const *prefixes, size_t n)
{
	struct bgp_originated routes[4] = {0};

	for (size_t i = 0; i < n; i++)
		routes[i].prefix = hand_prefix(prefixes[i]);
	bgp_originate(r->h.s, routes, n);
	bgp_routes_commit(r->h.s, hand_at_ms(r->ms));
}

static int64_t due_in_ms(const struct router *r)
{
	return (bgp_deadline(r->h.s).ns - r->ms * NS_PER_MS) / NS_PER_MS;
}

/* ---- RFC 4271: timers ---- */

static const char *const one[] = {"192.0.2.0/24"};
static const char *const two[] = {"192.0.2.0/24", "198.51.100.0/24"};

/* Section 8.2.2, Established: each KEEPALIVE or UPDATE that goes out restarts KeepaliveTimer; FRR's ticks on. */
static void keepalive_restarts_with_an_update(void **state)
{
	static const enum bgp_profile profiles[] = {BGP_PROFILE_STANDARD, BGP_PROFILE_METALLB_FRR};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct router r = {.speaker = {.profile = BGP_PROFILE_STANDARD}, .peer = {.hold_s = 9}};
		struct addr local = hand_addr("10.0.0.1");
		int64_t before;

		r.speaker.profile = profiles[i];
		router_init(&r);
		if (profiles[i] == BGP_PROFILE_STANDARD) {
			router_dial(&r);
		} else {
			bgp_peer_start(r.h.s, 0, hand_at_ms(0));
			r.conn = hand_next(&r.h, BGP_OUT_CONNECT).conn;
			bgp_in_connected(r.h.s, r.conn, &local, hand_at_ms(0));
		}
		router_open(&r, "");
		assert_int_equal(router_state(&r), BGP_ESTABLISHED);
		router_wait(&r, 2000);
		before = due_in_ms(&r);
		assert_in_range(before, 200, 1000);
		originate(&r, one, 1);
		if (profiles[i] == BGP_PROFILE_STANDARD)
			assert_in_range(due_in_ms(&r), 2250, 3000);
		else
			assert_int_equal(due_in_ms(&r), before);
		router_free(&r);
	}
}

/* Section 4.4: not more often than one a second, whatever jitter makes of a third of three seconds. */
static void keepalives_come_once_a_second_at_most(void **state)
{
	struct router r = {.peer = {.hold_s = 3}};

	(void)state;
	router_init(&r);
	router_up(&r, "");
	for (unsigned int i = 0; i < 20; i++) {
		struct instant due = bgp_deadline(r.h.s);

		router_wait(&r, 1000);
		hand_sent(&r.h, KEEPALIVE);
		hand_quiet(&r.h);
		assert_int_equal(bgp_deadline(r.h.s).ns - due.ns, NS_PER_S);
		hand_says(&r.h, r.conn, KEEPALIVE, r.ms);
	}
	router_free(&r);
}

/* Section 10: MinASOriginationIntervalTimer has jitter, as have the others. */
static void origination_has_jitter(void **state)
{
	struct router r = {.speaker = {.min_origination_s = 10}};
	unsigned int early = 0;

	(void)state;
	router_init(&r);
	for (unsigned int i = 0; i < 40; i++) {
		int64_t due;

		originate(&r, i % 2 == 0 ? one : two, 1 + i % 2);
		due = due_in_ms(&r);
		assert_in_range(due, 7500, 10000);
		early += due < 8750;
		router_wait(&r, due + 1);
	}
	assert_in_range(early, 10, 30);
	router_free(&r);
}

/* Section 9.2.1.1: two UPDATEs about one destination are that far apart, from the first one of the session on. */
static void interval_counts_from_the_first_table(void **state)
{
	struct router r = {.peer = {.session = {.mrai_s = 10}}};

	(void)state;
	router_init(&r);
	originate(&r, one, 1);
	router_up(&r, "");
	originate(&r, NULL, 0);
	hand_quiet(&r.h);
	router_wait(&r, 7400);
	hand_quiet(&r.h);
	router_wait(&r, 2700);
	assert_int_equal(hand_sent_type(&r.h, WIRE_UPDATE, 20), 4); /* octets of withdrawn routes */
	hand_quiet(&r.h);
	router_free(&r);
}

/* ---- RFC 4271 section 8.2.2: where the text says "if" ---- */

/* A speaker that dials, with its connection up. */
static struct hand dialled(uint16_t delay_open_s, bgp_conn_id *ret)
{
	static const struct bgp_speaker_conf speaker = {.as = ROUTER_AS, .router_id = ROUTER_ID, .seed = 1};
	const struct bgp_peer_conf conf = {.remote = hand_addr("10.0.0.2"),
					   .remote_as = PEER_AS,
					   .hold_s = 90,
					   .connect_retry_s = 20,
					   .delay_open_s = delay_open_s};
	struct hand h = {.s = bgp_speaker_new(&speaker)};
	struct addr local = hand_addr("10.0.0.1");
	bgp_peer_id peer;

	assert_int_equal(bgp_peer_add(h.s, &conf, &peer), 0);
	bgp_peer_start(h.s, peer, hand_at_ms(0));
	*ret = hand_next(&h, BGP_OUT_CONNECT).conn;
	bgp_in_connected(h.s, *ret, &local, hand_at_ms(0));
	if (delay_open_s == 0)
		(void)hand_sent_type(&h, WIRE_OPEN, 0);
	hand_quiet(&h);
	assert_int_equal(bgp_peer_state(h.s, 0), delay_open_s > 0 ? BGP_CONNECT : BGP_OPEN_SENT);
	return h;
}

/* Event 18 in Connect while DelayOpenTimer runs, and in OpenSent: ConnectRetryTimer, Active, and a dial when it has run out. */
static void connections_that_fail_early(void **state)
{
	(void)state;
	for (uint16_t delay_open_s = 0; delay_open_s <= 5; delay_open_s = (uint16_t)(delay_open_s + 5)) {
		bgp_conn_id conn;
		struct hand h = dialled(delay_open_s, &conn);

		bgp_in_closed(h.s, conn, hand_at_ms(1000));
		hand_quiet(&h);
		assert_int_equal(bgp_peer_state(h.s, 0), BGP_ACTIVE);
		assert_int_equal(bgp_peer_info(h.s, 0).connect_retry_counter, 0);
		assert_in_range(bgp_deadline(h.s).ns, 16 * NS_PER_S, 21 * NS_PER_S);
		bgp_in_time(h.s, bgp_deadline(h.s));
		(void)hand_next(&h, BGP_OUT_CONNECT);
		assert_int_equal(bgp_peer_state(h.s, 0), BGP_CONNECT);
		bgp_speaker_free(h.s);
	}
}

/* Events 24 and 25: a version that does not suit is nobody's oscillation, unless the session stood; all else is one. */
static void version_errors_count_for_nothing(void **state)
{
	static const struct {
		uint16_t delay_open_s;
		bool established;
		const char *notification;
		uint32_t counter;
	} rows[] = {
		{5, false, MARKER "0015 03 02 01", 0}, {5, false, MARKER "0015 03 06 02", 1},
		{0, false, MARKER "0015 03 02 01", 0}, {0, false, MARKER "0015 03 06 02", 1},
		{0, true, MARKER "0015 03 02 01", 1},  {0, true, MARKER "0015 03 06 02", 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bgp_conn_id conn;
		struct hand h = dialled(rows[i].delay_open_s, &conn);

		if (rows[i].established) {
			hand_says_open(&h, conn, PEER_AS, 90, PEER_ID, 1);
			hand_says(&h, conn, KEEPALIVE, 2);
			assert_int_equal(bgp_peer_state(h.s, 0), BGP_ESTABLISHED);
			bgp_outputs_clear(h.s);
			h.seen = 0;
		}
		hand_says(&h, conn, rows[i].notification, 3);
		/* without a word of ours: a NOTIFICATION is not answered with one (section 6) */
		assert_int_equal(hand_next(&h, BGP_OUT_CLOSE).conn, conn);
		hand_quiet(&h);
		assert_int_equal(bgp_peer_state(h.s, 0), BGP_IDLE);
		assert_int_equal(bgp_peer_info(h.s, 0).connect_retry_counter, rows[i].counter);
		bgp_speaker_free(h.s);
	}
}

/* ---- RFC 4271 section 6.3: prefixes and next hops that can't be ---- */

static void multicast_prefixes_are_ignored(void **state)
{
	struct mesh m = {0};
	unsigned int a, b;

	(void)state;
	mesh_init(&m);
	a = mesh_peer(&m, AS_A, "", true, NULL);
	b = mesh_peer(&m, AS_B, "0104 00020001", true, NULL);
	mesh_announces(&m, a, IGP PATH("fdf2") HOP("65"), "04 e0 " NET " 18 e00001 20 efffffff");
	assert_string_equal(hand_error(&m.h), "3 multicast prefixes are ignored (RFC 4271 section 6.3)");
	mesh_told(&m, b, IGP VIA("fdf2") OUR_HOP, NET);
	/* ff00::/8, ff02::/16; and what holds unicast addresses too is none: 192.0.0.0/2, fe00::/7. */
	mesh_forget(&m);
	mesh_announces(&m, b, "800e1a 0002 01 10 fd000000000000000000000000000002 00 08 ff 10 ff02 " IGP PATH("fdfc"),
		       "");
	assert_string_equal(hand_error(&m.h), "2 multicast prefixes are ignored (RFC 4271 section 6.3)");
	assert_string_equal(mesh_route(&m), "");
	mesh_announces(&m, a, IGP PATH("fdf2") HOP("65"), "02 c0");
	assert_string_equal(mesh_route(&m), "10.0.0.101");
	mesh_announces(&m, b, "800e17 0002 01 10 fd000000000000000000000000000002 00 07 fe " IGP PATH("fdfc"), "");
	assert_string_equal(mesh_route(&m), "fd00::2");
	mesh_free(&m);
}

static void next_hops_that_no_host_has(void **state)
{
	static const char *const hops[] = {"00000000000000000000000000000000", "ff020000000000000000000000000001",
					   "ff0e0000000000000000000000000001"};
	char attrs[256];

	(void)state;
	for (size_t i = 0; i < sizeof(hops) / sizeof(hops[0]); i++) {
		struct mesh m = {0};
		unsigned int a;

		mesh_init(&m);
		a = mesh_peer(&m, AS_A, "0104 00020001", true, NULL);
		mesh_announces(&m, a,
			       "800e1a 0002 01 10 fd000000000000000000000000000002 00 20 20010db8 " IGP PATH("fdf2"),
			       "");
		assert_string_equal(mesh_route(&m), "fd00::2");
		snprintf(attrs, sizeof(attrs), "800e1a 0002 01 10 %s 00 20 20010db8 " IGP PATH("fdf2"), hops[i]);
		mesh_announces(&m, a, attrs, "");
		assert_string_equal(mesh_route(&m), "-");
		mesh_free(&m);
	}
	/* IPv4 routes in MP_REACH_NLRI (RFC 4760): 127.0.0.1 is a host's address, these are none. */
	for (size_t i = 0; i < 2; i++) {
		struct mesh m = {0};
		unsigned int a;

		mesh_init(&m);
		a = mesh_peer(&m, AS_A, "", true, NULL);
		snprintf(attrs, sizeof(attrs), "800e0d 0001 01 04 %s 00 " NET " " IGP PATH("fdf2"),
			 i == 0 ? "00000001" : "e0000005");
		mesh_announces(&m, a, attrs, "");
		assert_string_equal(mesh_route(&m), "");
		assert_non_null(hand_error(&m.h));
		mesh_free(&m);
	}
}

/* ---- RFC 2918, RFC 7313 ---- */

/* Without RFC 7313 on both sides the octet between AFI and SAFI is reserved and ignored, and a wrong length is an error of
 * the header; with it subtypes from 3 on are ignored whatever their length. */
static void refresh_subtypes(void **state)
{
	struct router r = {0};

	(void)state;
	router_init(&r);
	originate(&r, one, 1);
	router_up(&r, "0200");
	router_says(&r, PEER_UP);
	assert_int_equal(router_hops(&r), 1);
	for (unsigned int i = 0; i < 2; i++) {
		router_says(&r, i == 0 ? MARKER "0017 05 0001 01 01" : MARKER "0017 05 0001 ff 01");
		(void)hand_sent_type(&r.h, WIRE_UPDATE, 0);
		hand_quiet(&r.h);
	}
	router_says(&r, MARKER "0016 05 0001 00");
	hand_sent(&r.h, MARKER "0017 03 01 02 0016");
	assert_int_equal(router_state(&r), BGP_IDLE);
	router_free(&r);

	r = (struct router){0};
	router_init(&r);
	originate(&r, one, 1);
	router_up(&r, "0200 4600");
	router_says(&r, MARKER "0018 05 0001 03 01 00");
	hand_quiet(&r.h);
	assert_int_equal(router_state(&r), BGP_ESTABLISHED);
	router_free(&r);
}

/* ---- RFC 8092 ---- */

/* Section 3: redundant values are removed; without any the attribute passes as it came. */
static void large_communities_count_once(void **state)
{
	static const char LOW[] = "0000fde9 00000001 00000001 ", HIGH[] = "0000fde9 00000002 00000001 ";
	char attrs[512], want[512];
	struct mesh m = {0};
	unsigned int a, b;

	(void)state;
	mesh_init(&m);
	a = mesh_peer(&m, AS_A, "", true, NULL);
	b = mesh_peer(&m, AS_B, "", true, NULL);
	snprintf(attrs, sizeof(attrs), IGP PATH("fdf2") HOP("65") "c02030 %s%s%s%s", HIGH, LOW, HIGH, LOW);
	snprintf(want, sizeof(want), IGP VIA("fdf2") OUR_HOP "c02018 %s%s", LOW, HIGH);
	mesh_announces(&m, a, attrs, NET);
	mesh_told(&m, b, want, NET);
	mesh_forget(&m);
	snprintf(attrs, sizeof(attrs), IGP PATH("fdf2") HOP("65") "d0200018 %s%s", HIGH, LOW);
	snprintf(want, sizeof(want), IGP VIA("fdf2") OUR_HOP "d0200018 %s%s", HIGH, LOW);
	mesh_announces(&m, a, attrs, OTHER_NET);
	mesh_told(&m, b, want, OTHER_NET);
	mesh_forget(&m);
	/* the same in a long form of the length */
	snprintf(attrs, sizeof(attrs), IGP PATH("fdf2") HOP("65") "d0200024 %s%s%s", HIGH, HIGH, LOW);
	snprintf(want, sizeof(want), IGP VIA("fdf2") OUR_HOP "d0200018 %s%s", LOW, HIGH);
	mesh_announces(&m, a, attrs, NET);
	mesh_told(&m, b, want, NET);
	mesh_free(&m);
}

/* ---- RFC 4456 section 8 ---- */

static void own_cluster_is_a_loop(void **state)
{
	struct mesh m = {0};
	unsigned int inside;

	(void)state;
	mesh_init(&m);
	inside = mesh_peer(&m, MESH_AS, "", true, NULL);
	mesh_announces(&m, inside, IGP "400200 " HOP("65") "400504 00000064 800a08 0a000009 0a000008", NET);
	assert_string_equal(mesh_route(&m), "10.0.0.101");
	mesh_announces(&m, inside, IGP "400200 " HOP("65") "400504 00000064 800a08 0a000009 0a000001", NET);
	assert_string_equal(mesh_route(&m), "-");
	assert_string_equal(
		hand_error(&m.h),
		"its routes are taken as withdrawn: our own identifier is in the CLUSTER_LIST (RFC 4456 section 8)");
	mesh_free(&m);
}

/* ---- RFC 9234, RFC 7947 section 2.2.2 ---- */

/* Who is a route server's client takes routes that do not begin with the server's AS; nobody else does. */
static void route_servers_are_not_in_the_path(void **state)
{
	(void)state;
	for (unsigned int client = 0; client < 2; client++) {
		struct bgp_peer_conf conf = {.role = client ? BGP_ROLE_RS_CLIENT : BGP_ROLE_CUSTOMER};
		struct mesh m = {0};
		unsigned int a;

		mesh_init(&m);
		a = mesh_peer(&m, AS_A, client ? "0901 01" : "0901 00", true, &conf);
		mesh_announces(&m, a, IGP PATH("fdfc") HOP("65"), NET);
		assert_string_equal(mesh_route(&m), client ? "10.0.0.101" : "");
		mesh_free(&m);
	}
}

/* ---- RFC 6286, RFC 9234: a peer that is only known to be internal ---- */

static void internal_whatever_its_as(void **state)
{
	struct router r = {.peer = {.as_kind = BGP_AS_INTERNAL, .role = BGP_ROLE_PEER}};
	uint8_t open[256];
	size_t n;

	(void)state;
	router_init(&r);
	router_dial(&r);
	/* Roles are for external peers: no capability 9 (section 4.1 of RFC 9234). */
	n = router_sent_open(&r, open, sizeof(open));
	for (size_t i = 29; i + 2 < n; i++)
		assert_false(open[i] == 9 && open[i + 1] == 1);
	/* Nobody inside may have our identifier (RFC 6286 section 2.2). */
	router_says(&r, MARKER "002d 01 04 fde9 005a 0a000001 10 02 0e 0104 00010001 0200 4104 0000fde9");
	hand_sent(&r.h, MARKER "0015 03 02 03");
	router_free(&r);
}

/* ---- RFC 4760: families that nobody asked for ---- */

/* A VPNv4 route (SAFI 128), a flow specification without next hop (133), their withdrawals and End-of-RIBs: no word, no
 * answer, and the session goes on. Even a path with our own AS in it is nobody's business then. */
static void other_families_are_harmless(void **state)
{
	static const char *const attrs[] = {
		"800e20 0001 80 0c 0000000000000000 0a000002 00 70 000011 0000fde800000001 c63364 " IGP PATH("fdf2"),
		"800e0a 0001 85 00 00 04 01 02 c633 " IGP PATH("fdf2"),
		"800e09 4004 47 04 0a000002 00 " IGP PATH("fdf2"),
		"800e0e 0001 80 04 0a000002 00 0011223344 " IGP "40020a 0202 0000fdf2 0000fde9",
		"800f12 0001 80 70 800000 0000fde800000001 c63364",
		"800f03 0001 80",
		"800f03 0019 41",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++) {
		struct mesh m = {0};
		unsigned int a, b;

		mesh_init(&m);
		a = mesh_peer(&m, AS_A, "0104 00010080 0104 00010085 0104 40040047", true, NULL);
		b = mesh_peer(&m, AS_B, "", true, NULL);
		mesh_announces(&m, a, attrs[i], "");
		if (hand_error(&m.h) != NULL)
			fail_msg("%s: %s", attrs[i], hand_error(&m.h));
		hand_quiet(&m.h);
		assert_int_equal(bgp_peer_state(m.h.s, a), BGP_ESTABLISHED);
		mesh_announces(&m, a, IGP PATH("fdf2") HOP("65"), NET);
		mesh_told(&m, b, IGP VIA("fdf2") OUR_HOP, NET);
		mesh_free(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keepalive_restarts_with_an_update),
		cmocka_unit_test(keepalives_come_once_a_second_at_most),
		cmocka_unit_test(origination_has_jitter),
		cmocka_unit_test(interval_counts_from_the_first_table),
		cmocka_unit_test(connections_that_fail_early),
		cmocka_unit_test(version_errors_count_for_nothing),
		cmocka_unit_test(multicast_prefixes_are_ignored),
		cmocka_unit_test(next_hops_that_no_host_has),
		cmocka_unit_test(refresh_subtypes),
		cmocka_unit_test(large_communities_count_once),
		cmocka_unit_test(own_cluster_is_a_loop),
		cmocka_unit_test(route_servers_are_not_in_the_path),
		cmocka_unit_test(internal_whatever_its_as),
		cmocka_unit_test(other_families_are_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
