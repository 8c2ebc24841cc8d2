/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Header, KEEPALIVE, NOTIFICATION, ROUTE-REFRESH, flow tag, and the cursor below them. */
#include "message.h"

#include <string.h>

static void an_empty_view_reads_as_nothing(void **state)
{
	struct wire_in in = {0};
	struct wire_in sub = wire_sub(&in, 0);

	(void)state;
	assert_false(in.bad);
	assert_false(sub.bad);
	assert_int_equal(wire_u8(&in), 0);
	assert_true(in.bad);
}

static void a_short_read_yields_zero_and_sticks(void **state)
{
	static const uint8_t bytes[] = {1, 2, 3};
	struct wire_in in = wire_in_of(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(wire_u16(&in), 0x0102);
	assert_int_equal(wire_u16(&in), 0);
	assert_true(in.bad);
	assert_int_equal(wire_u8(&in), 0);
	assert_int_equal(wire_left(&in), 1);
}

static void a_writer_refuses_what_does_not_fit(void **state)
{
	uint8_t bytes[4];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));

	(void)state;
	wire_put8(&out, 256);
	assert_true(out.full);
	out = wire_out_to(bytes, sizeof(bytes));
	wire_put32(&out, 7);
	assert_false(out.full);
	wire_put8(&out, 1);
	assert_true(out.full);
	assert_int_equal(out.len, 4);
}

/* RFC 4271 section 6.1: what stands behind the marker, the error expected. */
static const struct frame_row {
	const char *name;
	const char *hex;
	bool extended;
	size_t len; /* 0: more bytes are needed, or an error */
	uint8_t subcode;
	const char *data;
} frame_rows[] = {
	{"KEEPALIVE", "0013 04", false, 19, 0, ""},
	{"KEEPALIVE and the start of a message", "0013 04 ff ff", false, 19, 0, ""},
	{"UPDATE of which octets are missing", "001c 02 0005", false, 0, 0, ""},
	{"half a header", "0013", false, 0, 0, ""},
	{"length below 19", "0012 04", false, 0, 2, "0012"},
	{"length 0", "0000 04", false, 0, 2, "0000"},
	{"length above 4096", "1001 02", false, 0, 2, "1001"},
	{"UPDATE above 4096 under RFC 8654", "1001 02", true, 0, 0, ""},
	{"OPEN above 4096 under RFC 8654", "1001 01", true, 0, 2, "1001"},
	{"KEEPALIVE above 19", "0014 04 00", false, 0, 2, "0014"},
	{"KEEPALIVE above 19 under RFC 8654", "0014 04 00", true, 0, 2, "0014"},
	{"OPEN below 29", "001c 01", false, 0, 2, "001c"},
	{"UPDATE below 23", "0016 02", false, 0, 2, "0016"},
	{"NOTIFICATION below 21", "0014 03", false, 0, 2, "0014"},
	{"type 0", "0013 00", false, 0, 3, "00"},
	{"type 6", "0013 06", false, 0, 3, "06"},
	{"type 255", "0013 ff", false, 0, 3, "ff"},
};

static void frames_are_cut_and_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(frame_rows) / sizeof(frame_rows[0]); i++) {
		const struct frame_row *row = &frame_rows[i];
		struct message m = message_of(row->hex);
		uint8_t data[8], type;
		size_t len, data_len = support_hex(row->data, data, sizeof(data));
		struct wire_err e = wire_frame(m.bytes, m.len, row->extended, &len, &type);

		if (len != row->len || e.subcode != row->subcode || (e.treat == WIRE_RESET) != (row->subcode != 0))
			fail_msg("%s: length %zu, subcode %u", row->name, len, e.subcode);
		support_bytes_equal(e.data, e.data_len, data, data_len);
		if (len > 0)
			assert_int_equal(type, m.bytes[18]);
		if (row->subcode != 0) {
			assert_int_equal(e.code, WIRE_ERR_HEADER);
			assert_string_equal(e.clause, "RFC 4271 section 6.1");
		}
	}
}

static void a_wrong_marker_is_seen_at_its_first_octet(void **state)
{
	(void)state;
	for (size_t i = 0; i < 16; i++) {
		struct message m = message_of("0013 04");
		struct wire_err e;
		size_t len;
		uint8_t type;

		m.bytes[i] = 0xfe;
		assert_int_equal(wire_frame(m.bytes, i, false, &len, &type).treat, WIRE_OK);
		e = wire_frame(m.bytes, i + 1, false, &len, &type);
		assert_int_equal(e.treat, WIRE_RESET);
		assert_int_equal(e.subcode, 1);
		assert_int_equal(e.offset, i);
		assert_int_equal(e.data_len, 0);
	}
}

static void nothing_at_all_is_no_error(void **state)
{
	size_t len = 1;
	uint8_t type;

	(void)state;
	assert_int_equal(wire_frame(NULL, 0, false, &len, &type).treat, WIRE_OK);
	assert_int_equal(len, 0);
}

static void a_keepalive_is_its_header(void **state)
{
	struct message want = message_of("0013 04");
	uint8_t bytes[64];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));

	(void)state;
	wire_keepalive_encode(&out);
	support_bytes_equal(bytes, out.len, want.bytes, want.len);
}

static void notifications_go_both_ways(void **state)
{
	/* BIRD 2.0.12 sends this data in host order; the wire wants 0004. */
	struct message want = message_of("0017 03 02 01 0004");
	static const uint8_t version[] = {0, 4};
	struct wire_notification n;
	uint8_t bytes[64];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));

	(void)state;
	wire_notification_encode(&out, 2, 1, wire_in_of(version, sizeof(version)));
	support_bytes_equal(bytes, out.len, want.bytes, want.len);
	assert_int_equal(wire_notification_decode(message_view(&want), &n).treat, WIRE_OK);
	assert_int_equal(n.code, 2);
	assert_int_equal(n.subcode, 1);
	support_bytes_equal(n.data.at, wire_left(&n.data), version, 2);
}

static void errors_have_the_words_of_the_registry(void **state)
{
	(void)state;
	assert_string_equal(wire_error_text(2, 2), "OPEN Message Error/Bad Peer AS");
	assert_string_equal(wire_error_text(4, 0), "Hold Timer Expired");
	assert_string_equal(wire_error_text(6, 7), "Cease/Connection Collision Resolution");
	assert_string_equal(wire_error_text(8, 0), "Send Hold Timer Expired");
	assert_string_equal(wire_error_text(3, 99), "UPDATE Message Error/unknown subcode");
	assert_string_equal(wire_error_text(99, 1), "unknown error code");
	for (unsigned int code = 0; code < 256; code++)
		for (unsigned int subcode = 0; subcode < 256; subcode++)
			assert_non_null(wire_error_text((uint8_t)code, (uint8_t)subcode));
}

static void route_refreshes_go_both_ways(void **state)
{
	static const struct wire_refresh refresh = {.afi = 2, .subtype = 1, .safi = 1};
	struct message want = message_of("0017 05 0002 01 01");
	struct wire_refresh got;
	uint8_t bytes[64];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));

	(void)state;
	wire_refresh_encode(&out, &refresh);
	support_bytes_equal(bytes, out.len, want.bytes, want.len);
	assert_int_equal(wire_refresh_decode(message_view(&want), &got).treat, WIRE_OK);
	assert_int_equal(got.afi, 2);
	assert_int_equal(got.subtype, 1);
	assert_int_equal(got.safi, 1);
}

/* RFC 7313 section 5: the whole message is the data; a request may be longer (RFC 5291). */
static void route_refresh_lengths_are_judged(void **state)
{
	static const struct {
		const char *hex;
		bool fits;
	} rows[] = {
		{"0017 05 0001 00 01", true},	  {"001b 05 0001 00 01 01000000", true},
		{"0018 05 0001 01 01 00", false}, {"0018 05 0001 02 01 00", false},
		{"0016 05 0001 00", false},	  {"0013 05", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct message m = message_of(rows[i].hex);
		struct wire_refresh got;
		struct wire_err e = wire_refresh_decode(message_view(&m), &got);

		assert_int_equal(e.treat, rows[i].fits ? WIRE_OK : WIRE_RESET);
		if (rows[i].fits)
			continue;
		assert_int_equal(e.code, WIRE_ERR_ROUTE_REFRESH);
		assert_int_equal(e.subcode, 1);
		support_bytes_equal(e.data, e.data_len, m.bytes, m.len);
	}
}

static void a_flow_tag_survives_and_damage_shows(void **state)
{
	static const struct wire_flowtag tag = {1, 2999, 0xfffffffe, UINT64_C(1790000000123456789)};
	struct wire_flowtag got = {0};
	uint8_t bytes[WIRE_FLOWTAG_LEN + 4] = {0};
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));

	(void)state;
	wire_flowtag_encode(&out, &tag);
	assert_int_equal(out.len, WIRE_FLOWTAG_LEN);
	assert_true(wire_flowtag_decode(wire_in_of(bytes, sizeof(bytes)), &got));
	assert_int_equal(got.run, tag.run);
	assert_int_equal(got.flow, tag.flow);
	assert_int_equal(got.seq, tag.seq);
	assert_int_equal(got.sent_ns, tag.sent_ns);
	for (size_t n = 0; n < WIRE_FLOWTAG_LEN; n++)
		assert_false(wire_flowtag_decode(wire_in_of(bytes, n), &got));
	for (size_t i = 0; i < (size_t)WIRE_FLOWTAG_LEN * 8; i++) {
		bytes[i / 8] ^= (uint8_t)(1U << i % 8);
		assert_false(wire_flowtag_decode(wire_in_of(bytes, sizeof(bytes)), &got));
		bytes[i / 8] ^= (uint8_t)(1U << i % 8);
	}
	out = wire_out_to(bytes, WIRE_FLOWTAG_LEN - 1);
	wire_flowtag_encode(&out, &tag);
	assert_true(out.full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_view_reads_as_nothing),
		cmocka_unit_test(a_short_read_yields_zero_and_sticks),
		cmocka_unit_test(a_writer_refuses_what_does_not_fit),
		cmocka_unit_test(frames_are_cut_and_judged),
		cmocka_unit_test(a_wrong_marker_is_seen_at_its_first_octet),
		cmocka_unit_test(nothing_at_all_is_no_error),
		cmocka_unit_test(a_keepalive_is_its_header),
		cmocka_unit_test(notifications_go_both_ways),
		cmocka_unit_test(errors_have_the_words_of_the_registry),
		cmocka_unit_test(route_refreshes_go_both_ways),
		cmocka_unit_test(route_refresh_lengths_are_judged),
		cmocka_unit_test(a_flow_tag_survives_and_damage_shows),
	};

	return cmocka_run_group_tests_name("wire: session messages", tests, NULL, NULL);
}
