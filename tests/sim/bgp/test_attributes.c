/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The optional session attributes of RFC 4271 section 8.1.1, its intervals (section 9.2.1), refresh on demand (RFC 2918,
 * 7313) and the switches of METALLB.md section 11.3. */
#include "router.h"

#include <stdio.h>

/* ---- AllowAutomaticStart, DampPeerOscillations ---- */

static void test_no_automatic_start(void **state)
{
	struct router r = {.peer = {.session = {.no_automatic_start = true}}};

	(void)state;
	router_init(&r);
	router_up(&r, "");
	router_lost(&r);
	assert_int_equal(bgp_deadline(r.h.s).ns, INSTANT_NEVER.ns);
	bgp_peer_start(r.h.s, 0, hand_at_ms(++r.ms));
	assert_int_equal(router_state(&r), BGP_ACTIVE);
	router_free(&r);
}

/* How long it stays in Idle after the n-th wrong message in a row: 1, 1, 2, 4 ... 120 s, less a quarter of jitter. */
static void test_damping(void **state)
{
	static const int64_t damped_s[] = {1, 2, 4, 8, 16, 32, 64, 120, 120};

	(void)state;
	for (unsigned int damps = 0; damps < 2; damps++) {
		struct router r = {.peer = {.session = {.no_damping = !damps}}};

		router_init(&r);
		for (size_t i = 0; i < sizeof(damped_s) / sizeof(damped_s[0]); i++) {
			int64_t most_ms = 1000 * (damps ? damped_s[i] : 1);
			struct instant due;

			router_dial(&r);
			router_says(&r, MARKER "0013 09");
			due = bgp_deadline(r.h.s);
			assert_in_range(due.ns - r.ms * NS_PER_MS, most_ms * NS_PER_MS * 3 / 4, most_ms * NS_PER_MS);
			router_wait(&r, most_ms);
			assert_int_equal(router_state(&r), BGP_ACTIVE);
			assert_int_equal(bgp_peer_info(r.h.s, 0).connect_retry_counter, i + 1);
		}
		/* A session that stands ends the damping; ManualStop zeroes the counter. */
		router_dial(&r);
		router_open(&r, "");
		router_lost(&r);
		assert_in_range(bgp_deadline(r.h.s).ns - r.ms * NS_PER_MS, 750 * NS_PER_MS, NS_PER_S);
		bgp_peer_stop(r.h.s, 0, hand_at_ms(++r.ms));
		bgp_peer_start(r.h.s, 0, hand_at_ms(++r.ms));
		assert_int_equal(bgp_peer_info(r.h.s, 0).connect_retry_counter, 0);
		router_free(&r);
	}
}

/* ---- AllowAutomaticStop ---- */

static void test_no_automatic_stop(void **state)
{
	struct router r = {.peer = {.max_prefixes = 1, .session = {.no_automatic_stop = true}}};

	(void)state;
	router_init(&r);
	router_up(&r, "");
	router_says(&r, PEER_UP);
	assert_int_equal(router_hops(&r), 1);
	for (unsigned int i = 0; i < 2; i++) {
		router_says(&r, MARKER "0030 02 0000 0014 40010100 400206 0201 0000fdea 400304 0a000002 20 ac10fe02");
		assert_non_null(hand_error(&r.h));
		assert_int_equal(router_hops(&r), -1);
		assert_int_equal(router_state(&r), BGP_ESTABLISHED);
	}
	router_says(&r, PEER_DOWN);
	assert_int_equal(router_hops(&r), 0);
	router_says(&r, MARKER "0030 02 0000 0014 40010100 400206 0201 0000fdea 400304 0a000002 20 ac10fe02");
	assert_int_equal(router_hops(&r), 1);
	router_free(&r);
}

/* ---- SendNOTIFICATIONwithoutOPEN ---- */

/* ManualStop in Active says Cease to a peer that waits for our OPEN. */
static void test_stop_before_open(void **state)
{
	(void)state;
	for (unsigned int silent = 0; silent < 2; silent++) {
		struct router r = {.peer = {.delay_open_s = 5, .session = {.silent_before_open = silent}}};

		router_init(&r);
		router_dial(&r);
		bgp_peer_stop(r.h.s, 0, hand_at_ms(1));
		if (!silent)
			hand_sent(&r.h, MARKER "0015 03 06 02");
		assert_int_equal(hand_next(&r.h, BGP_OUT_CLOSE).conn, r.conn);
		hand_quiet(&r.h);
		router_free(&r);
	}
}

static void test_silent_before_open(void **state)
{
	(void)state;
	for (unsigned int silent = 0; silent < 2; silent++) {
		struct router r = {.peer = {.delay_open_s = 5, .session = {.silent_before_open = silent}}};

		router_init(&r);
		router_dial(&r);
		router_says(&r, MARKER "0013 09");
		if (!silent)
			hand_sent(&r.h, MARKER "0016 03 01 03 09");
		assert_int_equal(hand_next(&r.h, BGP_OUT_CLOSE).conn, r.conn);
		hand_quiet(&r.h);
		router_free(&r);
	}
}

/* ---- CollisionDetectEstablishedState ---- */

/* Section 6.8: the connection that the higher identifier dialled stays. We have the lower one, dialled, and are
 * Established when the peer dials. */
static void test_collision_established(void **state)
{
	struct addr local = hand_addr("10.0.0.1"), remote = hand_addr("10.0.0.2");

	(void)state;
	for (unsigned int detects = 0; detects < 2; detects++) {
		struct hand h = {.s = bgp_speaker_new(&(struct bgp_speaker_conf){
					 .as = ROUTER_AS, .router_id = ROUTER_ID, .max_paths = 1, .seed = 1})};
		bgp_conn_id ours, theirs;
		bgp_peer_id id;

		assert_int_equal(bgp_peer_add(h.s,
					      &(struct bgp_peer_conf){.remote = remote,
								      .remote_as = PEER_AS,
								      .hold_s = 90,
								      .session = {.collision_established = detects}},
					      &id),
				 0);
		bgp_peer_start(h.s, id, hand_at_ms(0));
		ours = hand_next(&h, BGP_OUT_CONNECT).conn;
		bgp_in_connected(h.s, ours, &local, hand_at_ms(1));
		hand_says_open(&h, ours, PEER_AS, 90, PEER_ID, 2);
		hand_says(&h, ours, KEEPALIVE, 3);
		assert_true(bgp_in_accepted(h.s, &local, &remote, hand_at_ms(4), &theirs));
		bgp_outputs_clear(h.s);
		h.seen = 0;
		hand_says_open(&h, theirs, PEER_AS, 90, PEER_ID, 5);
		hand_sent(&h, MARKER "0015 03 06 07");
		assert_int_equal(hand_next(&h, BGP_OUT_CLOSE).conn, detects ? ours : theirs);
		hand_says(&h, detects ? theirs : ours, KEEPALIVE, 6);
		assert_int_equal(bgp_peer_state(h.s, id), BGP_ESTABLISHED);
		bgp_speaker_free(h.s);
	}
}

/* ---- TrackTcpState ---- */

static void test_track_tcp(void **state)
{
	struct addr remote = hand_addr("10.0.0.2"), other = hand_addr("10.0.0.9");

	(void)state;
	for (unsigned int tracks = 0; tracks < 2; tracks++) {
		struct router r = {.peer = {.local = hand_addr("10.0.0.1"), .session = {.track_tcp = tracks}}};
		bgp_conn_id conn;

		router_init(&r);
		bgp_peer_start(r.h.s, 0, hand_at_ms(0));
		assert_int_equal(bgp_in_accepted(r.h.s, &other, &remote, hand_at_ms(1), &conn), !tracks);
		if (tracks)
			assert_true(bgp_in_accepted(r.h.s, &r.peer.local, &remote, hand_at_ms(2), &conn));
		assert_int_equal(router_state(&r), BGP_OPEN_SENT);
		router_free(&r);
	}
}

/* ---- Intervals ---- */

static void originate(struct router *r, const char *const *prefixes, size_t n)
{
	struct bgp_originated routes[4] = {0};

	for (size_t i = 0; i < n; i++)
		routes[i].prefix = hand_prefix(prefixes[i]);
	bgp_originate(r->h.s, routes, n);
	bgp_routes_commit(r->h.s, hand_at_ms(++r->ms));
}

/* The first change goes at once; what changes within the next 10 s goes then, and only as it is by then. */
static void test_mrai(void **state)
{
	static const char *const routes[] = {"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"};
	struct router r = {.peer = {.hold_s = 3600, .session = {.mrai_s = 10}}};
	struct instant due;

	(void)state;
	router_init(&r);
	router_up(&r, "");
	originate(&r, routes, 1);
	assert_int_equal(hand_sent_type(&r.h, WIRE_UPDATE, 44), 192);
	hand_quiet(&r.h);
	due = bgp_deadline(r.h.s);
	assert_in_range(due.ns - r.ms * NS_PER_MS, 7500 * NS_PER_MS, 10000 * NS_PER_MS);
	originate(&r, routes, 3); /* 198 and 203 come, */
	originate(&r, routes, 0); /* all go, */
	originate(&r, routes, 2); /* 192 and 198 are back */
	hand_quiet(&r.h);
	bgp_in_time(r.h.s, due);
	/* 192 and 198 in one UPDATE; of 203, which came and went, the peer never hears. */
	hand_sent(&r.h, MARKER "0033 02 0000 0014 40010100 400206 0201 0000fde9 400304 0a000001 18 c00002 18 c63364");
	hand_quiet(&r.h);
	/* The interval runs anew; a session that ends takes it along. */
	r.ms = due.ns / NS_PER_MS + 1;
	originate(&r, routes, 0);
	hand_quiet(&r.h);
	router_lost(&r);
	router_wait(&r, 1000);
	router_dial(&r);
	router_open(&r, "");
	originate(&r, routes, 1);
	bgp_outputs_clear(r.h.s);
	router_free(&r);
}

/* A refresh within the interval sends what holds by then. */
static void test_mrai_and_refresh(void **state)
{
	static const char *const routes[] = {"192.0.2.0/24", "198.51.100.0/24"};
	struct router r = {.peer = {.hold_s = 3600, .session = {.mrai_s = 30}}};

	(void)state;
	router_init(&r);
	router_up(&r, "0200");
	originate(&r, routes, 2);
	originate(&r, routes, 1);
	bgp_outputs_clear(r.h.s);
	r.h.seen = 0;
	router_says(&r, MARKER "0017 05 0001 00 01");
	assert_int_equal(hand_sent_type(&r.h, WIRE_UPDATE, 44), 192);
	hand_sent(&r.h, MARKER "001b 02 0004 18 c63364 0000");
	hand_quiet(&r.h);
	router_free(&r);
}

static void test_min_origination(void **state)
{
	static const char *const routes[] = {"192.0.2.0/24", "198.51.100.0/24"};
	struct router r = {.peer = {.hold_s = 3600}, .speaker = {.min_origination_s = 15}};

	(void)state;
	router_init(&r);
	router_up(&r, "");
	originate(&r, routes, 1);
	assert_int_equal(hand_sent_type(&r.h, WIRE_UPDATE, 44), 192);
	originate(&r, routes, 2);
	originate(&r, routes, 0);
	hand_quiet(&r.h);
	router_wait(&r, 11200);
	hand_quiet(&r.h);
	router_wait(&r, 3800);
	hand_sent(&r.h, MARKER "001b 02 0004 18 c00002 0000");
	hand_quiet(&r.h);
	router_free(&r);
}

/* ---- Refresh on demand ---- */

#define PEER_OTHER MARKER "0030 02 0000 0014 40010100 400206 0201 0000fdea 400304 0a000002 20 ac10fe02"

static void test_refresh_request(void **state)
{
	struct router r = {0};

	(void)state;
	router_init(&r);
	assert_false(bgp_peer_refresh(r.h.s, 0, ADDR_V4, hand_at_ms(0)));
	router_up(&r, "");
	assert_false(bgp_peer_refresh(r.h.s, 0, ADDR_V4, hand_at_ms(r.ms)));
	router_free(&r);

	router_init(&r);
	router_up(&r, "0200 4600");
	router_says(&r, PEER_UP);
	router_says(&r, PEER_OTHER);
	(void)router_hops(&r);
	assert_true(bgp_peer_refresh(r.h.s, 0, ADDR_V4, hand_at_ms(r.ms)));
	assert_false(bgp_peer_refresh(r.h.s, 0, ADDR_V6, hand_at_ms(r.ms)));
	hand_sent(&r.h, MARKER "0017 05 0001 00 01");
	hand_quiet(&r.h);
	/* Begin, one of the two, End: the other goes. */
	router_says(&r, MARKER "0017 05 0001 01 01");
	router_says(&r, PEER_OTHER);
	assert_int_equal(router_hops(&r), -1);
	router_says(&r, MARKER "0017 05 0001 02 01");
	assert_int_equal(hand_next(&r.h, BGP_OUT_ROUTE).prefix.addr.b[3], 1);
	hand_quiet(&r.h);
	router_free(&r);
}

/* RFC 7313 section 5: other subtypes and families are ignored, a wrong length is NOTIFICATION 7/1 with the message. */
static void test_refresh_errors(void **state)
{
	static const char *const ignored[] = {"0017 05 0001 03 01", "0017 05 0001 ff 01", "0017 05 0002 00 01",
					      "0017 05 0019 00 41", "0017 05 0001 02 01"};
	struct router r = {0};
	char hex[128];

	(void)state;
	router_init(&r);
	router_up(&r, "0200 4600");
	router_says(&r, PEER_UP);
	(void)router_hops(&r);
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
		snprintf(hex, sizeof(hex), MARKER "%s", ignored[i]);
		router_says(&r, hex);
		hand_quiet(&r.h);
	}
	router_says(&r, MARKER "0018 05 0001 01 01 00");
	hand_sent(&r.h, MARKER "002d 03 07 01" MARKER "0018 05 0001 01 01 00");
	assert_int_equal(router_state(&r), BGP_IDLE);
	router_free(&r);
}

/* ---- RFC 8212 ---- */

static void test_import_policy(void **state)
{
	static const struct {
		uint32_t as;
		bool requires_policy, policy;
		int hops;
	} rows[] = {
		{PEER_AS, false, false, 1},
		{PEER_AS, true, false, -1},
		{PEER_AS, true, true, 1},
		{ROUTER_AS, true, false, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct router r = {.peer = {.remote_as = rows[i].as,
					    .requires_policy = rows[i].requires_policy,
					    .import_policy = rows[i].policy}};

		router_init(&r);
		router_up(&r, "");
		router_says(&r, PEER_UP);
		assert_int_equal(router_hops(&r), rows[i].hops);
		router_free(&r);
	}
}

static void test_export_policy(void **state)
{
	static const char *const routes[] = {"192.0.2.0/24"};

	(void)state;
	for (unsigned int policy = 0; policy < 2; policy++) {
		struct router r = {.peer = {.requires_policy = true, .export_policy = policy}};

		router_init(&r);
		router_up(&r, "");
		originate(&r, routes, 1);
		if (policy)
			assert_int_equal(hand_sent_type(&r.h, WIRE_UPDATE, 44), 192);
		hand_quiet(&r.h);
		router_free(&r);
	}
}

/* MetalLB's localASN: the AS_PATH begins with it alone; the peer is external where it differs from it. */
static void test_local_as(void **state)
{
	static const char *const routes[] = {"192.0.2.0/24"};
	struct router r = {.peer = {.remote_as = ROUTER_AS, .local_as = 65009}};

	(void)state;
	router_init(&r);
	router_up(&r, "");
	originate(&r, routes, 1);
	hand_sent(&r.h, MARKER "002f 02 0000 0014 40010100 400206 0201 0000fdf1 400304 0a000001 18 c00002");
	router_free(&r);
}

/* ---- Switches ---- */

static struct hand metallb(enum bgp_profile profile, struct bgp_switches switches, bgp_conn_id *ret)
{
	struct hand h = {.s = bgp_speaker_new(&(struct bgp_speaker_conf){
				 .as = 22000, .router_id = 0x0a000033, .profile = profile, .switches = switches})};
	struct addr local = hand_addr("10.0.0.51");
	bgp_peer_id id;

	assert_int_equal(
		bgp_peer_add(h.s,
			     &(struct bgp_peer_conf){.remote = hand_addr("10.0.0.1"), .remote_as = 11000, .hold_s = 90},
			     &id),
		0);
	bgp_originate(h.s,
		      &(struct bgp_originated){
			      .prefix = hand_prefix("172.16.254.1/32"), .local_pref = 50, .local_pref_present = true},
		      1);
	bgp_routes_commit(h.s, hand_at_ms(0));
	bgp_peer_start(h.s, id, hand_at_ms(0));
	*ret = hand_next(&h, BGP_OUT_CONNECT).conn;
	bgp_in_connected(h.s, *ret, &local, hand_at_ms(1));
	(void)hand_sent_type(&h, WIRE_OPEN, 0);
	hand_says_open(&h, *ret, 11000, 90, 0xac100001, 2);
	hand_sent(&h, KEEPALIVE);
	return h;
}

static const struct switched {
	const char *name;
	struct bgp_switches switches;
	const char *update;
} switched[] = {
	{"as the profile", {0}, "0030 02 0000 0014 40010100 400206 0201 000055f0 400304 0a000033 20 ac10fe01"},
	{"ORIGIN INCOMPLETE",
	 {.origin_incomplete = BGP_ON},
	 "0030 02 0000 0014 40010102 400206 0201 000055f0 400304 0a000033 20 ac10fe01"},
	{"LOCAL_PREF outside",
	 {.local_pref_outside = BGP_ON},
	 "0037 02 0000 001b 40010100 400206 0201 000055f0 400304 0a000033 400504 00000032 20 ac10fe01"},
};

static void test_switched(void **state)
{
	const struct switched *row = *state;
	bgp_conn_id conn;
	struct hand h = metallb(BGP_PROFILE_METALLB_NATIVE, row->switches, &conn);
	char hex[256];

	snprintf(hex, sizeof(hex), MARKER "%s", row->update);
	hand_sent(&h, hex);
	hand_quiet(&h);
	bgp_speaker_free(h.s);
}

/* merge: what each version does with two routes of one prefix, turned round; notifies: a last word before it hangs up. */
static void test_merge_and_words(void **state)
{
	static const uint32_t first[] = {0xfde80064}, second[] = {0x00010001};
	const struct bgp_originated routes[] = {
		{.prefix = hand_prefix("172.16.254.0/24"), .communities = first, .community_count = 1},
		{.prefix = hand_prefix("172.16.254.0/24"), .communities = second, .community_count = 1},
	};
	bgp_conn_id conn;
	struct hand h = metallb(BGP_PROFILE_METALLB_NATIVE,
				(struct bgp_switches){.last_wins = BGP_ON, .notifies = BGP_ON}, &conn);

	(void)state;
	bgp_outputs_clear(h.s);
	h.seen = 0;
	bgp_originate(h.s, routes, 2);
	bgp_routes_commit(h.s, hand_at_ms(10));
	hand_sent(&h,
		  MARKER "0036 02 0000 001b 40010100 400206 0201 000055f0 400304 0a000033 c00804 00010001 18 ac10fe");
	bgp_outputs_clear(h.s);
	h.seen = 0;
	bgp_peer_stop(h.s, 0, hand_at_ms(11));
	hand_sent(&h, MARKER "0015 03 06 02");
	bgp_speaker_free(h.s);
}

static void test_enforce_hold(void **state)
{
	bgp_conn_id conn;
	struct hand h = metallb(BGP_PROFILE_METALLB_NATIVE, (struct bgp_switches){.enforce_hold = BGP_ON}, &conn);

	(void)state;
	while (bgp_peer_state(h.s, 0) == BGP_ESTABLISHED && bgp_deadline(h.s).ns < 91 * NS_PER_S)
		bgp_in_time(h.s, bgp_deadline(h.s));
	/* It dials again at once. */
	assert_int_equal(bgp_peer_state(h.s, 0), BGP_CONNECT);
	bgp_speaker_free(h.s);
}

/* METALLB.md section 4.4: an accepted OPEN resets the back-off; with the switch a session that stands does. Here the
 * router accepts, and drops at once. */
static void backs_off(enum bgp_profile profile)
{
	for (unsigned int at_open = 0; at_open < 2; at_open++) {
		bgp_conn_id conn;
		struct hand h = metallb(profile,
					(struct bgp_switches){.enforce_hold = BGP_OFF,
							      .backoff_reset_at_open = at_open ? BGP_ON : BGP_OFF},
					&conn);
		int64_t wait_ms = 0, ms = 3;

		for (unsigned int i = 0; i < 5; i++) {
			struct addr local = hand_addr("10.0.0.51");

			hand_says(&h, conn, MARKER "0015 03 06 05", ++ms);
			wait_ms = bgp_deadline(h.s).ns / NS_PER_MS - ms;
			ms += wait_ms + 1;
			bgp_outputs_clear(h.s);
			h.seen = 0;
			bgp_in_time(h.s, hand_at_ms(ms));
			conn = hand_next(&h, BGP_OUT_CONNECT).conn;
			bgp_in_connected(h.s, conn, &local, hand_at_ms(++ms));
			hand_says_open(&h, conn, 11000, 90, 0xac100001, ++ms);
		}
		assert_int_equal(wait_ms < 2000, at_open);
		if (profile == BGP_PROFILE_METALLB_NATIVE && !at_open) {
			assert_int_equal(wait_ms, 8000); /* section 10.6: 0, 1, 2, 4, 8 */
			hand_says(&h, conn, KEEPALIVE, ++ms);
			hand_says(&h, conn, MARKER "0015 03 06 05", ++ms);
			assert_int_equal(bgp_deadline(h.s).ns / NS_PER_MS, ms);
		}
		bgp_speaker_free(h.s);
	}
}

static void test_backoff_reset(void **state)
{
	(void)state;
	backs_off(BGP_PROFILE_METALLB_FRR);
	backs_off(BGP_PROFILE_METALLB_NATIVE);
}

/* MetalLB with FRR: dials, never listens, takes no routes, tells Cease. */
static void test_frr(void **state)
{
	struct addr local = hand_addr("10.0.0.51"), remote = hand_addr("10.0.0.1");
	bgp_conn_id conn, other;
	struct hand h = metallb(BGP_PROFILE_METALLB_FRR, (struct bgp_switches){0}, &conn);

	(void)state;
	hand_says(&h, conn, KEEPALIVE, 3);
	/* As FRR 8.4.4 writes what a network statement announces: a wide AS_PATH, MED 0. */
	hand_sent(&h, MARKER "0038 02 0000 001c 40010100 50020006 0201 000055f0 400304 0a000033 800404 00000000"
			     "20 ac10fe01");
	hand_sent(&h, END_OF_RIB);
	assert_false(bgp_in_accepted(h.s, &local, &remote, hand_at_ms(4), &other));
	hand_says(&h, conn, MARKER "0030 02 0000 0014 40010100 400206 0201 00002af8 400304 0a000001 20 ac10fe09", 5);
	hand_quiet(&h);
	bgp_peer_stop(h.s, 0, hand_at_ms(6));
	hand_sent(&h, MARKER "0015 03 06 02");
	bgp_speaker_free(h.s);
}

#define ROW(fn, table, i)                                                                                              \
	{                                                                                                              \
		(table)[i].name, fn, NULL, NULL, (void *)(uintptr_t) & (table)[i]                                      \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_automatic_start), cmocka_unit_test(test_damping),
		cmocka_unit_test(test_no_automatic_stop),  cmocka_unit_test(test_silent_before_open),
		cmocka_unit_test(test_stop_before_open),   cmocka_unit_test(test_collision_established),
		cmocka_unit_test(test_track_tcp),	   cmocka_unit_test(test_mrai),
		cmocka_unit_test(test_mrai_and_refresh),   cmocka_unit_test(test_min_origination),
		cmocka_unit_test(test_refresh_request),	   cmocka_unit_test(test_refresh_errors),
		cmocka_unit_test(test_import_policy),	   cmocka_unit_test(test_export_policy),
		cmocka_unit_test(test_local_as),	   ROW(test_switched, switched, 0),
		ROW(test_switched, switched, 1),	   ROW(test_switched, switched, 2),
		cmocka_unit_test(test_enforce_hold),	   cmocka_unit_test(test_merge_and_words),
		cmocka_unit_test(test_backoff_reset),	   cmocka_unit_test(test_frr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
