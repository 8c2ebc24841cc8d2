/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sessions between standard speakers, and with the test for a peer. */
#include "by_hand.h"
#include "lab.h"

#define A_AS 65001
#define B_AS 65002
#define A_ID 0x0a000001U
#define B_ID 0x0a000002U

static const struct bgp_speaker_conf conf_a = {
	.as = A_AS, .router_id = A_ID, .profile = BGP_PROFILE_STANDARD, .max_paths = 8, .readvertise = true, .seed = 1};
static const struct bgp_speaker_conf conf_b = {
	.as = B_AS, .router_id = B_ID, .profile = BGP_PROFILE_STANDARD, .max_paths = 8, .seed = 2};

static void two(struct lab *l, uint64_t seed, bool a_passive)
{
	lab_init(l, seed);
	lab_add(l, &conf_a, "10.0.0.1");
	lab_add(l, &conf_b, "10.0.0.2");
	lab_peer(l, 0, 1, (struct bgp_peer_conf){.remote_as = B_AS, .passive = a_passive});
	lab_peer(l, 1, 0, (struct bgp_peer_conf){.remote_as = A_AS});
	lab_start(l, 0);
	lab_start(l, 1);
}

static void assert_hops(const struct lab *l, unsigned int speaker, const char *prefix, const char *want)
{
	char got[256];

	lab_hops(l, speaker, prefix, got, sizeof(got));
	assert_string_equal(got, want);
}

static void assert_up(const struct lab *l)
{
	assert_int_equal(bgp_peer_state(l->speakers[0].engine, 0), BGP_ESTABLISHED);
	assert_int_equal(bgp_peer_state(l->speakers[1].engine, 0), BGP_ESTABLISHED);
	assert_int_equal(lab_open_links(l), 1);
}

static void test_establish(void **state)
{
	struct lab l;

	(void)state;
	two(&l, 1, true);
	lab_run(&l, 100);
	assert_up(&l);
	/* MP for both families, refresh, extended messages, graceful restart of 0 s, AS4, enhanced refresh. */
	assert_int_equal(lab_last(&l, 0, WIRE_OPEN)->len, 29 + 2 + 6 + 6 + 2 + 2 + 4 + 6 + 2);
	/* Nothing to announce: End-of-RIB for both families. */
	assert_int_equal(lab_sent(&l, 0, WIRE_UPDATE), 2);
	assert_int_equal(lab_sent(&l, 1, WIRE_UPDATE), 2);
	lab_fini(&l);
}

/* Both dial at once, with all sorts of delays: one connection is left, the one that the higher identifier dialled unless
 * it was the only one. */
static void test_both_dial(void **state)
{
	static const char *const vip[] = {"172.16.254.1/32"};

	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct lab l;

		two(&l, seed, false);
		l.spread_ns = (int64_t)(seed % 3) * 20 * NS_PER_MS;
		l.segments = seed % 2 == 0;
		lab_run(&l, 60000);
		assert_up(&l);
		lab_originate(&l, 1, vip, 1);
		lab_run(&l, 61000);
		assert_hops(&l, 0, vip[0], "10.0.0.2");
		lab_fini(&l);
	}
}

static void test_collision_winner(void **state)
{
	struct lab l;

	(void)state;
	two(&l, 1, false);
	lab_run(&l, 100);
	assert_up(&l);
	assert_int_equal(l.links.len, 2);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(l.links.at[i].open[0], l.links.at[i].end[0] == 1);
	/* Cease/Connection Collision Resolution */
	assert_int_equal(lab_last(&l, 0, WIRE_NOTIFICATION)->bytes[19], 6);
	assert_int_equal(lab_last(&l, 0, WIRE_NOTIFICATION)->bytes[20], 7);
	lab_fini(&l);
}

/* RFC 6286 section 2.3: identifiers may be equal between ASes; then the larger AS dials. */
static void test_collision_equal_ids(void **state)
{
	struct bgp_speaker_conf same = conf_a;
	struct lab l;

	(void)state;
	same.router_id = B_ID;
	lab_init(&l, 1);
	lab_add(&l, &same, "10.0.0.1");
	lab_add(&l, &conf_b, "10.0.0.2");
	lab_peer(&l, 0, 1, (struct bgp_peer_conf){.remote_as = B_AS});
	lab_peer(&l, 1, 0, (struct bgp_peer_conf){.remote_as = A_AS});
	lab_start(&l, 0);
	lab_start(&l, 1);
	lab_run(&l, 100);
	assert_up(&l);
	for (size_t i = 0; i < l.links.len; i++)
		assert_int_equal(l.links.at[i].open[0], l.links.at[i].end[0] == 1);
	lab_fini(&l);
}

static void test_hold_timer(void **state)
{
	static const char *const vip[] = {"172.16.254.1/32"};
	struct lab l;

	(void)state;
	two(&l, 1, true);
	lab_originate(&l, 1, vip, 1);
	lab_run(&l, 60000);
	assert_up(&l);
	assert_hops(&l, 0, vip[0], "10.0.0.2");
	assert_int_equal(lab_sent(&l, 0, WIRE_NOTIFICATION), 0);
	lab_cut(&l);
	lab_run(&l, 80000);
	assert_int_equal(lab_last(&l, 0, WIRE_NOTIFICATION)->bytes[19], 4);
	assert_int_equal(lab_last(&l, 0, WIRE_NOTIFICATION)->bytes[20], 0);
	/* The last KEEPALIVE is at most 3 s old when the silence begins. */
	assert_in_range(lab_last(&l, 0, WIRE_NOTIFICATION)->ms, 66000, 69001);
	assert_hops(&l, 0, vip[0], "");
	lab_fini(&l);
}

/* KEEPALIVEs come every third of the hold time, less up to a quarter of jitter. */
static void test_keepalive_jitter(void **state)
{
	struct lab l;
	int64_t before = -1;
	size_t seen = 0, early = 0;

	(void)state;
	two(&l, 7, true);
	lab_run(&l, 200000);
	for (size_t i = 0; i < l.messages.len; i++) {
		const struct lab_message *m = &l.messages.at[i];

		if (m->from != 0 || m->type != WIRE_KEEPALIVE)
			continue;
		if (before >= 0) {
			assert_in_range(m->ms - before, 2249, 3001);
			early += m->ms - before < 2600;
			seen++;
		}
		before = m->ms;
	}
	assert_in_range(seen, 66, 90);
	assert_in_range(early, seen / 4, seen * 3 / 4);
	lab_fini(&l);
}

#define WORKERS 3

static void star(struct lab *l, bool relax)
{
	struct bgp_speaker_conf router = conf_a;

	router.multipath_relax = relax;
	lab_init(l, 3);
	lab_add(l, &router, "10.0.0.1");
	for (unsigned int i = 0; i < WORKERS; i++) {
		struct bgp_speaker_conf worker = conf_b;
		char addr[16] = "10.0.0.51";

		/* Added in descending order of address. */
		addr[8] = (char)('3' - i);
		worker.router_id = B_ID + i;
		worker.profile = i == 0 ? BGP_PROFILE_STANDARD : BGP_PROFILE_METALLB_NATIVE;
		lab_add(l, &worker, addr);
		lab_peer(l, 0, i + 1, (struct bgp_peer_conf){.remote_as = B_AS, .passive = true});
		lab_peer(l, i + 1, 0, (struct bgp_peer_conf){.remote_as = A_AS});
	}
	for (unsigned int i = 0; i <= WORKERS; i++)
		lab_start(l, i);
}

static void test_multipath(void **state)
{
	static const char *const vip[] = {"172.16.254.1/32"};
	struct lab l;

	(void)state;
	star(&l, false);
	for (unsigned int i = 1; i <= WORKERS; i++)
		lab_originate(&l, i, vip, 1);
	lab_run(&l, 1000);
	assert_hops(&l, 0, vip[0], "10.0.0.51 10.0.0.52 10.0.0.53");
	lab_originate(&l, 2, vip, 0);
	lab_run(&l, 1100);
	assert_hops(&l, 0, vip[0], "10.0.0.51 10.0.0.53");
	/* The session of the standard worker (.53) ends: Cease/Administrative Shutdown, its routes go. */
	bgp_peer_stop(l.speakers[1].engine, 0, lab_now(&l));
	lab_run(&l, 1200);
	assert_int_equal(lab_last(&l, 1, WIRE_NOTIFICATION)->bytes[19], 6);
	assert_int_equal(lab_last(&l, 1, WIRE_NOTIFICATION)->bytes[20], 2);
	assert_hops(&l, 0, vip[0], "10.0.0.51");
	assert_int_equal(bgp_peer_state(l.speakers[1].engine, 0), BGP_IDLE);
	lab_fini(&l);
}

/* One chain A - router - B: our AS leads, we are the next hop, a route does not go back, communities hold it. */
static void test_readvertise(void **state)
{
	static const uint32_t no_export[] = {0xffffff01};
	static const char *const vip[] = {"172.16.254.1/32", "172.16.254.2/32"};
	struct bgp_originated held = {
		.prefix = hand_prefix("172.16.254.3/32"), .communities = no_export, .community_count = 1};
	struct bgp_speaker_conf third = conf_b;
	struct lab l;
	size_t before;

	(void)state;
	lab_init(&l, 1);
	third.as = 4200000003;
	third.router_id = 3;
	lab_add(&l, &conf_a, "10.0.0.1");
	lab_add(&l, &conf_b, "10.0.0.2");
	lab_add(&l, &third, "10.0.0.3");
	lab_peer(&l, 0, 1, (struct bgp_peer_conf){.remote_as = B_AS, .passive = true});
	lab_peer(&l, 0, 2, (struct bgp_peer_conf){.remote_as = third.as, .passive = true});
	lab_peer(&l, 1, 0, (struct bgp_peer_conf){.remote_as = A_AS});
	lab_peer(&l, 2, 0, (struct bgp_peer_conf){.remote_as = A_AS});
	for (unsigned int i = 0; i < 3; i++)
		lab_start(&l, i);
	lab_run(&l, 100);
	before = lab_sent(&l, 0, WIRE_UPDATE);
	lab_originate(&l, 2, vip, 2);
	lab_run(&l, 200);
	assert_hops(&l, 0, vip[0], "10.0.0.3");
	assert_hops(&l, 1, vip[0], "10.0.0.1");
	assert_hops(&l, 1, vip[1], "10.0.0.1");
	/* Equal attributes share one UPDATE, and it goes to one of the two peers. */
	assert_int_equal(lab_sent(&l, 0, WIRE_UPDATE), before + 1);
	assert_int_equal(lab_last(&l, 0, WIRE_UPDATE)->peer, 0);
	/* AS_SEQUENCE 65001 4200000003 */
	assert_memory_equal(lab_last(&l, 0, WIRE_UPDATE)->bytes + 27,
			    "\x40\x02\x0a\x02\x02\x00\x00\xfd\xe9\xfa\x56\xea\x03", 13);
	bgp_originate(l.speakers[2].engine, &held, 1);
	bgp_routes_commit(l.speakers[2].engine, lab_now(&l));
	lab_run(&l, 300);
	assert_hops(&l, 0, "172.16.254.3/32", "10.0.0.3");
	assert_hops(&l, 1, "172.16.254.3/32", "");
	assert_hops(&l, 1, vip[0], "");
	lab_fini(&l);
}

/* A and B inside one AS, C outside: B hears of C's route through A, with LOCAL_PREF; A does not reflect B's to D. */
static void test_internal(void **state)
{
	static const char *const from_c[] = {"172.16.1.0/24"}, *const from_b[] = {"172.16.2.0/24"};
	struct bgp_speaker_conf inside = conf_b, outside = conf_b;
	struct lab l;

	(void)state;
	lab_init(&l, 1);
	inside.as = A_AS;
	outside.router_id = 77;
	lab_add(&l, &conf_a, "10.0.0.1");
	lab_add(&l, &inside, "10.0.0.2");
	inside.router_id = 78;
	lab_add(&l, &inside, "10.0.0.3");
	lab_add(&l, &outside, "10.0.0.4");
	for (unsigned int i = 1; i < 4; i++) {
		lab_peer(&l, 0, i, (struct bgp_peer_conf){.remote_as = i < 3 ? A_AS : B_AS, .passive = true});
		lab_peer(&l, i, 0, (struct bgp_peer_conf){.remote_as = A_AS});
	}
	for (unsigned int i = 0; i < 4; i++)
		lab_start(&l, i);
	lab_originate(&l, 3, from_c, 1);
	lab_originate(&l, 1, from_b, 1);
	lab_run(&l, 1000);
	assert_hops(&l, 0, from_b[0], "10.0.0.2");
	assert_hops(&l, 2, from_b[0], "");
	assert_hops(&l, 3, from_b[0], "10.0.0.1");
	assert_hops(&l, 1, from_c[0], "10.0.0.4");
	assert_hops(&l, 2, from_c[0], "10.0.0.4");
	lab_fini(&l);
}

static void test_ipv6(void **state)
{
	struct bgp_originated r = {.prefix = hand_prefix("2001:db8::1/128"), .next_hop = hand_addr("2001:db8:1::2")};
	struct lab l;
	char got[64];

	(void)state;
	two(&l, 1, true);
	lab_run(&l, 100);
	bgp_originate(l.speakers[1].engine, &r, 1);
	bgp_routes_commit(l.speakers[1].engine, lab_now(&l));
	lab_run(&l, 200);
	lab_hops(&l, 0, "2001:db8::1/128", got, sizeof(got));
	assert_string_equal(got, "2001:db8:1::2");
	lab_originate(&l, 1, NULL, 0);
	lab_run(&l, 300);
	lab_hops(&l, 0, "2001:db8::1/128", got, sizeof(got));
	assert_string_equal(got, "");
	lab_fini(&l);
}

/* However the bytes are cut, the outcome is the same. */
static void test_segments(void **state)
{
	static const char *const vips[] = {"172.16.254.1/32", "172.16.0.0/16", "10.9.8.0/23", "0.0.0.0/0"};

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct lab l;

		two(&l, seed, true);
		l.segments = true;
		lab_originate(&l, 1, vips, 4);
		lab_run(&l, 30000);
		lab_originate(&l, 1, vips, 3);
		lab_run(&l, 60000);
		assert_up(&l);
		for (size_t i = 0; i < 4; i++)
			assert_hops(&l, 0, vips[i], i < 3 ? "10.0.0.2" : "");
		assert_int_equal(lab_sent(&l, 0, WIRE_NOTIFICATION) + lab_sent(&l, 1, WIRE_NOTIFICATION), 0);
		lab_fini(&l);
	}
}

static void test_wrong_as(void **state)
{
	struct lab l;

	(void)state;
	lab_init(&l, 1);
	lab_add(&l, &conf_a, "10.0.0.1");
	lab_add(&l, &conf_b, "10.0.0.2");
	lab_peer(&l, 0, 1, (struct bgp_peer_conf){.remote_as = B_AS + 1, .passive = true});
	lab_peer(&l, 1, 0, (struct bgp_peer_conf){.remote_as = A_AS});
	lab_start(&l, 0);
	lab_start(&l, 1);
	lab_run(&l, 100);
	assert_int_equal(lab_last(&l, 0, WIRE_NOTIFICATION)->bytes[19], 2);
	assert_int_equal(lab_last(&l, 0, WIRE_NOTIFICATION)->bytes[20], 2);
	assert_int_equal(bgp_peer_state(l.speakers[0].engine, 0), BGP_IDLE);
	/* Damping: 1, 1, 2, 4 ... 120 s, less up to a quarter; in an hour some forty attempts. */
	lab_run(&l, 3600000);
	assert_in_range(lab_sent(&l, 0, WIRE_NOTIFICATION), 25, 60);
	lab_fini(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_establish),	 cmocka_unit_test(test_both_dial),
		cmocka_unit_test(test_collision_winner), cmocka_unit_test(test_collision_equal_ids),
		cmocka_unit_test(test_hold_timer),	 cmocka_unit_test(test_keepalive_jitter),
		cmocka_unit_test(test_multipath),	 cmocka_unit_test(test_readvertise),
		cmocka_unit_test(test_internal),	 cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_segments),	 cmocka_unit_test(test_wrong_as),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
