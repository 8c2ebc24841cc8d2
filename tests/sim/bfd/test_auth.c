/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Authentication (RFC 5880 section 6.7). The packets were made by Python's struct and hashlib. */
#include "bfd.h"
#include "support.h"

#include <stdio.h>
#include <string.h>

#define HEAD_MD5 "204403300000123400000000000f4240000493e000000000"
#define HEAD_SHA1 "204403340000123400000000000f4240000493e000000000"

static const struct golden {
	enum wire_bfd_auth_type type;
	const char *hex;
} goldens[] = {
	{WIRE_BFD_AUTH_PASSWORD, "204403210000123400000000000f4240000493e000000000 010907 736563726574"},
	{WIRE_BFD_AUTH_MD5, HEAD_MD5 "02180700fffffffe 0568dbcabd37291a3120aa2a26fd7141"},
	{WIRE_BFD_AUTH_METICULOUS_MD5, HEAD_MD5 "03180700fffffffe 3effb1534c58caa1fb07c8c5afd2eeb2"},
	{WIRE_BFD_AUTH_SHA1, HEAD_SHA1 "041c0700fffffffe 3fc901729c5bb69099e951e2a4fa17ef4c487f21"},
	{WIRE_BFD_AUTH_METICULOUS_SHA1, HEAD_SHA1 "051c0700fffffffe 9c0b52263d4e4f8904537e178696a31fac7a238c"},
};

struct ground {
	struct bfd *engine;
	bfd_session_id id;
	struct bfd_arrival from;
};

static struct ground ground_of(enum wire_bfd_auth_type type, uint8_t key_id, const char *key)
{
	struct ground g = {.engine = bfd_new(1),
			   .from = {.local = addr_v4(0x0a000001), .remote = addr_v4(0x0a000002), .ttl = 255}};
	struct bfd_session_conf conf = {.remote = g.from.remote, .auth = {.type = type, .key_id = key_id}};

	conf.auth.key_len = (uint8_t)strlen(key);
	memcpy(conf.auth.key, key, conf.auth.key_len);
	assert_int_equal(bfd_session_add(g.engine, &conf, (struct instant){0}, &g.id), 0);
	return g;
}

static enum wire_bfd_drop give(struct ground *g, const char *hex, int64_t at_ns)
{
	uint8_t bytes[64];
	size_t n = support_hex(hex, bytes, sizeof(bytes));

	return bfd_in_packet(g->engine, &g->from, bytes, n, (struct instant){at_ns});
}

static void packets_of_the_right_key_are_kept(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(goldens) / sizeof(goldens[0]); i++) {
		struct ground g = ground_of(goldens[i].type, 7, "secret");

		assert_int_equal(give(&g, goldens[i].hex, 0), WIRE_BFD_KEPT);
		assert_int_equal(bfd_session_info(g.engine, g.id).state, WIRE_BFD_INIT);
		bfd_free(g.engine);
	}
}

static void other_packets_are_dropped(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(goldens) / sizeof(goldens[0]); i++) {
		enum wire_bfd_auth_type other = i == 0 ? WIRE_BFD_AUTH_MD5 : goldens[i - 1].type;
		struct ground grounds[] = {ground_of(goldens[i].type, 8, "secret"),
					   ground_of(goldens[i].type, 7, "sEcret"),
					   ground_of(goldens[i].type, 7, "secret0"), ground_of(other, 7, "secret")};

		for (size_t k = 0; k < 4; k++) {
			assert_int_equal(give(&grounds[k], goldens[i].hex, 0), WIRE_BFD_DROP_AUTH_WRONG);
			assert_int_equal(give(&grounds[k], "204003180000123400000000000f4240000493e000000000", 0),
					 WIRE_BFD_DROP_AUTH_ABSENT);
			bfd_free(grounds[k].engine);
		}
	}
}

/* No bit of a digested packet may change, but for those that the RFC ignores. */
static void no_bit_may_change(void **state)
{
	(void)state;
	for (size_t i = 1; i < sizeof(goldens) / sizeof(goldens[0]); i++) {
		struct ground g = ground_of(goldens[i].type, 7, "secret");
		uint8_t bytes[64];
		size_t n = support_hex(goldens[i].hex, bytes, sizeof(bytes));

		for (size_t bit = 0; bit < n * 8; bit++) {
			bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
			assert_int_not_equal(bfd_in_packet(g.engine, &g.from, bytes, n, (struct instant){0}),
					     WIRE_BFD_KEPT);
			bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
		}
		assert_int_equal(bfd_in_packet(g.engine, &g.from, bytes, n, (struct instant){0}), WIRE_BFD_KEPT);
		bfd_free(g.engine);
	}
}

/* A window of three multipliers behind the last number, around the end of 32 bits; a meticulous peer repeats none. */
static void numbers_go_forward(void **state)
{
	static const char last[] = HEAD_MD5 "03180700fffffffe 3effb1534c58caa1fb07c8c5afd2eeb2",
			  next[] = HEAD_MD5 "03180700ffffffff 1a4c317d92f3ea0c3c20b5fc60824c00",
			  nine_on[] = HEAD_MD5 "0318070000000009 2a5edd5d3ad6da9431a40106e91eba6c",
			  far[] = HEAD_MD5 "031807000000000a db74128ecd6c2ad80e4b943091df4b95";
	struct ground g = ground_of(WIRE_BFD_AUTH_METICULOUS_MD5, 7, "secret");

	(void)state;
	assert_int_equal(give(&g, last, 0), WIRE_BFD_KEPT);
	assert_int_equal(give(&g, last, 0), WIRE_BFD_DROP_AUTH_WRONG);
	assert_int_equal(give(&g, nine_on, 0), WIRE_BFD_DROP_AUTH_WRONG);
	assert_int_equal(give(&g, next, 0), WIRE_BFD_KEPT);
	assert_int_equal(give(&g, last, 0), WIRE_BFD_DROP_AUTH_WRONG);
	assert_int_equal(give(&g, far, 0), WIRE_BFD_DROP_AUTH_WRONG);
	/* Section 6.8.1: after twice the detection time of 3 s any number is taken. */
	assert_int_equal(give(&g, far, 6 * NS_PER_S - 1), WIRE_BFD_DROP_AUTH_WRONG);
	assert_int_equal(give(&g, far, 6 * NS_PER_S), WIRE_BFD_KEPT);
	bfd_free(g.engine);
}

static void numbers_may_stand_still_where_not_meticulous(void **state)
{
	struct ground g = ground_of(WIRE_BFD_AUTH_MD5, 7, "secret");

	(void)state;
	assert_int_equal(give(&g, goldens[1].hex, 0), WIRE_BFD_KEPT);
	assert_int_equal(give(&g, goldens[1].hex, 0), WIRE_BFD_KEPT);
	bfd_free(g.engine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_of_the_right_key_are_kept),
		cmocka_unit_test(other_packets_are_dropped),
		cmocka_unit_test(no_bit_may_change),
		cmocka_unit_test(numbers_go_forward),
		cmocka_unit_test(numbers_may_stand_still_where_not_meticulous),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
