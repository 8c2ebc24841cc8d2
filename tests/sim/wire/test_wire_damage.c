/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Properties that hold for any damage: nothing is read outside of the message, every walk ends, errors are complete. */
#include "message.h"

#include "rng.h"

#include <stdlib.h>
#include <string.h>

/* Valid messages of each kind, behind the marker. */
static const char *const valid[] = {
	"0013 04",
	"0031 01 04 55f0 005a 0a000033 14 02 12 0104 00010001 0104 00020001 4104 000055f0",
	"0050 01 04 55f0 005a 0a000033 33 02 06 0104 00010001 02 02 0200 02 02 4600 02 02 0600 02 03 0901 03"
	"02 0c 400a 8078 0001 01 80 0002 01 00 02 0a 4508 0001 01 03 0002 01 01",
	"0027 01 04 55f0 005a 0a000033 ff ff 0007 02 0004 4600 0200",
	"0030 02 0000 0014 40010100 400206 0201 000055f0 400304 0a000033 20 ac10fe01",
	"003a 02 0000 001f 40010100 400206 0201 000055f0 400304 0a000033 c00808 fde80064 ffffff02 18 ac10fe",
	"001c 02 0005 20 ac10fe01 0000",
	"001d 02 0000 0006 800f03 0002 01",
	"0067 02 0000 0050 800e40 0002 01 20 20010db8000000000000000000000001 fe800000000000000000000000000001 00"
	"40 20010db800000001 00 80 20010db8000000000000000000000007 400101 00 400206 0201 000055f0",
	"0017 03 02 01 0004",
	"0017 05 0002 01 01",
};

/* Every accessor over everything the decoder gave, so that the sanitizers see each octet touched. */
static void use_update(const struct wire_update *u)
{
	struct wire_nlri families[] = {u->withdrawn, u->nlri, u->mp_withdrawn, u->mp_nlri};
	char text[64];

	for (size_t i = 0; i < 4; i++) {
		struct wire_nlri walk = families[i];
		struct wire_route r;
		size_t n = 0;

		while (wire_nlri_next(&walk, &r))
			assert_true(n++ < WIRE_EXTENDED_MAX);
	}
	wire_path_text(u->attrs.as_path, u->attrs.as4, text, sizeof(text));
	(void)wire_path_length(u->attrs.as4_path, true);
	(void)wire_path_contains(u->attrs.as_path, u->attrs.as4, 0);
}

static void use_error(const struct wire_err *e)
{
	if (e->treat == WIRE_OK)
		return;
	assert_non_null(e->clause);
	assert_true(e->code >= WIRE_ERR_HEADER && e->code <= WIRE_ERR_ROUTE_REFRESH);
	for (size_t i = 0; i < e->data_len; i++) /* can be read */
		assert_true(e->data[i] <= UINT8_MAX);
	assert_non_null(wire_error_text(e->code, e->subcode));
}

/* Passes n octets, in a block of just that size, to all decoders; true when one of them takes the message. */
static bool decode_exactly(const uint8_t *bytes, size_t n)
{
	uint8_t *exact = malloc(n > 0 ? n : 1);
	struct wire_in in = wire_in_of(exact, n);
	struct wire_notification notification;
	struct wire_refresh refresh;
	struct wire_update update;
	struct wire_open open;
	struct wire_err e;
	bool taken = false;
	size_t len;
	uint8_t type;

	assert_non_null(exact);
	memcpy(exact, bytes, n);
	e = wire_frame(exact, n, false, &len, &type);
	use_error(&e);
	assert_true(len <= n);
	for (unsigned int i = 0; i < 16; i++) {
		struct wire_session session = {(i & 1) != 0, (i & 2) != 0, (i & 4) != 0, false, (i & 8) != 0};

		e = wire_update_decode(in, &session, &update);
		use_error(&e);
		use_update(&update);
		taken |= e.treat == WIRE_OK;
	}
	e = wire_open_decode(in, &open);
	use_error(&e);
	taken |= e.treat == WIRE_OK;
	e = wire_notification_decode(in, &notification);
	use_error(&e);
	taken |= e.treat == WIRE_OK;
	e = wire_refresh_decode(in, &refresh);
	use_error(&e);
	taken |= e.treat == WIRE_OK;
	free(exact);
	return taken;
}

static void every_proper_prefix_fails_cleanly(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
		struct message m = message_of(valid[i]);

		for (size_t n = 0; n < m.len; n++)
			if (decode_exactly(m.bytes, n))
				fail_msg("message %zu is taken when cut to %zu octets", i, n);
		if (m.bytes[18] != WIRE_KEEPALIVE && !decode_exactly(m.bytes, m.len))
			fail_msg("message %zu is refused as it is", i);
	}
}

static void every_changed_octet_is_survived(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
		struct message m = message_of(valid[i]);

		for (size_t at = 16; at < m.len; at++) {
			uint8_t was = m.bytes[at];

			for (unsigned int v = 0; v < 256; v++) {
				m.bytes[at] = (uint8_t)v;
				(void)decode_exactly(m.bytes, m.len);
			}
			m.bytes[at] = was;
		}
	}
}

/* Seeded: several octets changed at once, lengths kept true so that the decoders get far. */
static void random_damage_is_survived(void **state)
{
	struct rng rng = {.state = 7};

	(void)state;
	for (size_t round = 0; round < 20000; round++) {
		struct message m = message_of(valid[rng_below(&rng, sizeof(valid) / sizeof(valid[0]))]);
		size_t changes = 1 + rng_below(&rng, 6);

		for (size_t i = 0; i < changes && m.len > WIRE_HEADER_LEN; i++)
			m.bytes[19 + rng_below(&rng, m.len - 19)] = (uint8_t)rng_next(&rng);
		(void)decode_exactly(m.bytes, m.len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_proper_prefix_fails_cleanly),
		cmocka_unit_test(every_changed_octet_is_survived),
		cmocka_unit_test(random_damage_is_survived),
	};

	return cmocka_run_group_tests_name("wire: damage", tests, NULL, NULL);
}
