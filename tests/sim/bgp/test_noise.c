/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A peer that says anything at any time: sanitizers watch, and what must hold whatever it says is checked. */
#include "by_hand.h"
#include "rng.h"

#include <string.h>

#define STREAMS 2000

static const char *const vocabulary[] = {
	MARKER "002d 01 04 fdea 005a 0a000002 10 02 0e 0104 00010001 0200 4104 0000fdea",
	MARKER "0039 01 04 fdea 0003 0a000002 1c 02 1a 0104 00010001 0104 00020001 0600 4600 4002 0000 4104 0000fdea",
	MARKER "0042 01 04 fdea 005a 0a000002 25 02 23 0104 00010001 4600 400a 4001 00010180 00020180"
	       "4707 0001 01 80 000004 4104 0000fdea",
	KEEPALIVE,
	MARKER "0030 02 0000 0014 40010100 400206 0201 0000fdea 400304 0a000002 20 ac10fe01",
	MARKER "0047 02 0000 002b 40010100 400208 0203 fdea 5ba0 fde7 400304 0a000002"
	       "c0110a 0202 fa56ea01 0000fde7 c0f101 aa 80f201 bb 20 ac10fe01",
	MARKER "001c 02 0005 20 ac10fe01 0000",
	MARKER "0017 02 0000 0000",
	MARKER "0017 05 0001 00 01",
	MARKER "0017 05 0001 01 01",
	MARKER "0017 05 0001 02 01",
	MARKER "0015 03 06 02",
};

/* What a peer would say in this state, so that most of what follows is heard in Established. */
static size_t sensible(struct rng *rng, enum bgp_state heard_in)
{
	if (heard_in < BGP_OPEN_CONFIRM)
		return rng_below(rng, 3);
	return heard_in == BGP_OPEN_CONFIRM ? 3 : 3 + rng_below(rng, 8);
}

static size_t sentence(struct rng *rng, enum bgp_state heard_in, uint8_t *ret, size_t room)
{
	static const size_t words = sizeof(vocabulary) / sizeof(vocabulary[0]);
	size_t word = rng_below(rng, 12) == 0 ? rng_below(rng, words) : sensible(rng, heard_in);
	size_t n = support_hex(vocabulary[word], ret, room);

	/* Seldom in the marker, often in the lengths and flags behind it. */
	for (uint64_t flips = rng_below(rng, 12) / 10 * 2; flips > 0; flips--)
		ret[rng_below(rng, 8) == 0 ? rng_below(rng, n) : 16 + rng_below(rng, n - 16)] ^=
			(uint8_t)(1U << rng_below(rng, 8));
	return rng_below(rng, 64) == 0 ? rng_below(rng, n) : n;
}

static struct bgp_speaker *speaker(enum bgp_profile profile, uint64_t seed)
{
	struct bgp_originated own = {.prefix = hand_prefix("192.0.2.0/24")};
	struct bgp_speaker *s = bgp_speaker_new(&(struct bgp_speaker_conf){.as = 65001,
									   .router_id = 0x0a000001,
									   .profile = profile,
									   .max_paths = 4,
									   .readvertise = true,
									   .seed = seed});
	bgp_peer_id id;

	assert_int_equal(bgp_peer_add(s,
				      &(struct bgp_peer_conf){.remote = hand_addr("10.0.0.2"),
							      .remote_as = 65002,
							      .hold_s = 9,
							      .delay_open_s = seed % 5 == 0,
							      .restart = {.on = seed % 2 == 0,
									  .notification = seed % 4 == 0,
									  .long_lived_s = seed % 8 == 0 ? 5 : 0},
							      .session = {.mrai_s = seed % 7 == 0,
									  .collision_established = seed % 6 == 0,
									  .track_tcp = seed % 11 == 0},
							      .role = (enum bgp_role)(seed % 6),
							      .max_prefixes = 3},
				      &id),
			 0);
	bgp_peer_start(s, id, hand_at_ms(0));
	bgp_originate(s, &own, 1);
	bgp_routes_commit(s, hand_at_ms(0));
	return s;
}

/* Does what a driver does with the outputs; returns the last connection there is, 0 for none. */
static bgp_conn_id drive(struct bgp_speaker *s, bgp_conn_id conn, int64_t ms)
{
	struct addr local = hand_addr("10.0.0.1");
	size_t n;

	for (size_t i = 0; bgp_outputs(s, &n), i < n; i++) {
		const struct bgp_output out = bgp_outputs(s, &n)[i];

		if (out.kind == BGP_OUT_CONNECT) {
			conn = out.conn;
			bgp_in_connected(s, conn, &local, hand_at_ms(ms));
		} else if (out.kind == BGP_OUT_CLOSE && out.conn == conn) {
			conn = 0;
		} else if (out.kind == BGP_OUT_SEND) {
			assert_int_equal(out.bytes[16] << 8 | out.bytes[17], out.len);
		}
	}
	bgp_outputs_clear(s);
	return conn;
}

static void test_noise(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= STREAMS; seed++) {
		struct rng rng = {seed};
		struct bgp_speaker *s = speaker((enum bgp_profile)(seed % BGP_PROFILE_COUNT), seed);
		struct addr local = hand_addr("10.0.0.1"), remote = hand_addr("10.0.0.2");
		int64_t ms = 0;
		bgp_conn_id conn = drive(s, 0, ms), accepted;

		for (unsigned int i = 0; i < 40; i++) {
			uint8_t bytes[256];
			size_t n = sentence(&rng, bgp_peer_state(s, 0), bytes, sizeof(bytes));

			ms += (int64_t)rng_below(&rng, 2000);
			bgp_in_time(s, hand_at_ms(ms));
			conn = drive(s, conn, ms);
			if (rng_below(&rng, 20) == 0 && bgp_in_accepted(s, &local, &remote, hand_at_ms(ms), &accepted))
				conn = accepted;
			bgp_in_bytes(s, conn, bytes, n, hand_at_ms(ms));
			if (rng_below(&rng, 30) == 0)
				bgp_in_closed(s, conn, hand_at_ms(ms));
			conn = drive(s, conn, ms);
		}
		bgp_peer_stop(s, 0, hand_at_ms(ms));
		assert_int_equal(bgp_peer_state(s, 0), BGP_IDLE);
		assert_int_equal(bgp_deadline(s).ns, INSTANT_NEVER.ns);
		bgp_speaker_free(s);
	}
}

/* Length fields as a slow loris sends them: nothing above one message is ever kept, and it ends at the hold time. */
static void test_dribble(void **state)
{
	struct bgp_speaker *s = speaker(BGP_PROFILE_STANDARD, 1);
	bgp_conn_id conn = drive(s, 0, 0);
	uint8_t bytes[4096];

	(void)state;
	memset(bytes, 0xff, sizeof(bytes));
	bytes[16] = 0x10;
	bytes[17] = 0x00;
	bytes[18] = WIRE_OPEN;
	for (size_t i = 0; i < 4095; i++)
		bgp_in_bytes(s, conn, &bytes[i], 1, hand_at_ms(1));
	assert_int_equal(bgp_peer_state(s, 0), BGP_OPEN_SENT);
	bgp_in_time(s, hand_at_ms(240000));
	assert_int_equal(bgp_peer_state(s, 0), BGP_IDLE);
	bgp_speaker_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_dribble),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
