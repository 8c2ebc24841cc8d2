/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hostile packets, thousands of them: nothing crashes or loops, nobody makes us send more than he sends, timers stay within
 * what we asked for, and whoever behaves is served meanwhile. */
#include "bfd.h"
#include "rng.h"
#include "support.h"

#include <stdio.h>
#include <string.h>

#define SESSIONS 4U
#define ROUNDS 300000U

struct noise {
	struct bfd *engine;
	bfd_session_id ids[SESSIONS];
	struct rng rng;
	struct instant now;
	uint64_t given, sent;
};

static struct addr remote(unsigned int i)
{
	return addr_v4(0x0a000001 + i);
}

static void begin(struct noise *n)
{
	static const enum wire_bfd_auth_type types[SESSIONS] = {WIRE_BFD_AUTH_NONE, WIRE_BFD_AUTH_NONE,
								WIRE_BFD_AUTH_PASSWORD, WIRE_BFD_AUTH_METICULOUS_SHA1};

	*n = (struct noise){.engine = bfd_new(1), .rng = {2}};
	for (unsigned int i = 0; i < SESSIONS; i++) {
		struct bfd_session_conf conf = {.remote = remote(i),
						.desired_tx_us = 10000,
						.required_rx_us = 10000,
						.passive = i == 1,
						.auth = {.type = types[i], .key = "secret", .key_len = 6}};

		assert_int_equal(bfd_session_add(n->engine, &conf, n->now, &n->ids[i]), 0);
	}
}

static uint32_t any(struct noise *n)
{
	static const uint32_t edges[] = {0, 1, 999, 10000, 1000000, 0x7fffffff, UINT32_MAX};

	return rng_below(&n->rng, 2) == 0 ? edges[rng_below(&n->rng, 7)] : (uint32_t)rng_next(&n->rng);
}

/* Mostly a packet that gets far, then and again damaged. */
static size_t packet_make(struct noise *n, unsigned int session, uint8_t *ret)
{
	uint32_t ours = bfd_session_info(n->engine, n->ids[session]).local_discriminator;
	struct wire_bfd p = {.diag = (uint8_t)rng_below(&n->rng, 32),
			     .state = (uint8_t)rng_below(&n->rng, 4),
			     .flags = (uint8_t)(rng_next(&n->rng) & (WIRE_BFD_POLL | WIRE_BFD_FINAL | WIRE_BFD_DEMAND)),
			     .multiplier = (uint8_t)rng_below(&n->rng, 256),
			     .my = any(n),
			     .your = rng_below(&n->rng, 4) == 0 ? any(n) : ours,
			     .desired_tx_us = any(n),
			     .required_rx_us = any(n),
			     .required_echo_rx_us = any(n)};
	struct wire_out out = wire_out_to(ret, WIRE_BFD_MAX);
	size_t secret;

	if (session == 2 || rng_below(&n->rng, 20) == 0) {
		p.auth_type = WIRE_BFD_AUTH_PASSWORD;
		p.secret = wire_in_of("secret", 6);
	}
	wire_bfd_encode(&out, &p, &secret);
	for (uint64_t damage = rng_below(&n->rng, 4); damage == 3 || (damage > 0 && rng_below(&n->rng, 8) == 0);
	     damage--)
		ret[rng_below(&n->rng, out.len)] = (uint8_t)rng_next(&n->rng);
	return rng_below(&n->rng, 16) == 0 ? rng_below(&n->rng, out.len + 1) : out.len;
}

static void outputs_count(struct noise *n)
{
	size_t count;
	const struct bfd_output *o = bfd_outputs(n->engine, &count);
	struct wire_bfd p;

	for (size_t i = 0; i < count; i++) {
		if (o[i].kind != BFD_OUT_SEND)
			continue;
		n->sent++;
		assert_int_equal(wire_bfd_decode(wire_in_of(o[i].bytes, o[i].len), &p), WIRE_BFD_KEPT);
		assert_int_not_equal(p.flags & (WIRE_BFD_POLL | WIRE_BFD_FINAL), WIRE_BFD_POLL | WIRE_BFD_FINAL);
		if (p.state != WIRE_BFD_UP)
			assert_true(p.desired_tx_us >= 1000000);
	}
	bfd_outputs_clear(n->engine);
}

static void round_play(struct noise *n)
{
	unsigned int session = (unsigned int)rng_below(&n->rng, SESSIONS);
	unsigned int who = rng_below(&n->rng, 30) == 0 ? SESSIONS : session; /* somebody unknown, now and then */
	struct bfd_arrival from = {.remote = remote(who), .ttl = rng_below(&n->rng, 20) == 0 ? 254 : 255};
	uint8_t bytes[WIRE_BFD_MAX];
	size_t len = packet_make(n, session, bytes);
	uint64_t before = n->sent;

	(void)bfd_in_packet(n->engine, &from, bytes, len, n->now);
	outputs_count(n);
	assert_true(n->sent - before <= 1);
	n->given++;
	n->now = instant_add(n->now, (int64_t)rng_below(&n->rng, 4 * NS_PER_MS));
	before = n->sent;
	bfd_in_time(n->engine, n->now);
	outputs_count(n);
	/* A fall and its packet, and a periodic one, for each session. */
	assert_true(n->sent - before <= 2UL * SESSIONS);
	assert_true(instant_before(n->now, bfd_deadline(n->engine)));
}

static void noise_is_survived(void **state)
{
	struct noise n;
	uint64_t most;

	(void)state;
	begin(&n);
	for (unsigned int i = 0; i < ROUNDS; i++)
		round_play(&n);
	/* An answer a packet, and each session's own at the fastest rate, 7.5 ms apart. */
	most = n.given + SESSIONS * (uint64_t)(n.now.ns / (7500 * NS_PER_US) + 1);
	assert_true(n.sent <= most);
	for (unsigned int why = 0; why < WIRE_BFD_DROP_COUNT; why++)
		if (why != WIRE_BFD_DROP_ADMIN_DOWN && bfd_dropped(n.engine, (enum wire_bfd_drop)why) == 0)
			fail_msg("nothing was dropped because %s", wire_bfd_drop_text((enum wire_bfd_drop)why));
	bfd_free(n.engine);
}

/* A session whose peer behaves stays up, whatever others send to the same port. */
static void the_good_are_served_amid_noise(void **state)
{
	struct bfd_arrival good = {.remote = addr_v4(0x0b000001), .ttl = 255};
	struct bfd_session_conf conf = {.remote = good.remote};
	struct wire_bfd p = {
		.state = WIRE_BFD_DOWN, .multiplier = 3, .my = 7, .desired_tx_us = 300000, .required_rx_us = 300000};
	struct instant next = {0};
	bfd_session_id id;
	struct noise n;

	(void)state;
	begin(&n);
	assert_int_equal(bfd_session_add(n.engine, &conf, n.now, &id), 0);
	for (unsigned int i = 0; i < ROUNDS / 10; i++) {
		round_play(&n);
		if (!instant_before(n.now, next)) {
			uint8_t bytes[WIRE_BFD_MAX];
			struct wire_out out = wire_out_to(bytes, sizeof(bytes));
			size_t secret;

			wire_bfd_encode(&out, &p, &secret);
			assert_int_equal(bfd_in_packet(n.engine, &good, bytes, out.len, n.now), WIRE_BFD_KEPT);
			outputs_count(&n);
			p.your = bfd_session_info(n.engine, id).local_discriminator;
			p.state = WIRE_BFD_UP;
			next = instant_add(n.now, 300 * NS_PER_MS);
		}
		if (i > 1000)
			assert_int_equal(bfd_session_info(n.engine, id).state, WIRE_BFD_UP);
	}
	bfd_free(n.engine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(noise_is_survived),
		cmocka_unit_test(the_good_are_served_amid_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
