/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "message.h"

#include <string.h>

#define FIXED "04 55f0 005a 0a000033"
#define ID 0x0a000033U

/* What MetalLB's native speaker sends (golden bytes, METALLB.md 10.1). */
static const struct golden_row {
	uint32_t as;
	uint16_t as16;
	const char *hex;
} golden_rows[] = {
	{22000, 22000, "0031 01 04 55f0 005a 0a000033 14 02 12 0104 00010001 0104 00020001 4104 000055f0"},
	{4200000001, 23456, "0031 01 04 5ba0 005a 0a000033 14 02 12 0104 00010001 0104 00020001 4104 fa56ea01"},
};

static void golden_opens_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(golden_rows) / sizeof(golden_rows[0]); i++) {
		const struct golden_row *row = &golden_rows[i];
		struct message m = message_of(row->hex);
		struct wire_open o;

		assert_int_equal(wire_open_decode(message_view(&m), &o).treat, WIRE_OK);
		assert_int_equal(o.version, 4);
		assert_int_equal(o.as16, row->as16);
		assert_int_equal(o.hold_s, 90);
		assert_int_equal(o.id, ID);
		assert_int_equal(wire_open_as(&o), row->as);
		assert_true(o.caps.any);
		assert_int_equal(o.caps.mp_count, 2);
		assert_int_equal(o.caps.mp[0].afi, WIRE_AFI_IPV4);
		assert_int_equal(o.caps.mp[1].afi, WIRE_AFI_IPV6);
		assert_int_equal(o.caps.mp[1].safi, WIRE_SAFI_UNICAST);
		assert_false(o.caps.route_refresh);
	}
}

static void golden_opens_are_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(golden_rows) / sizeof(golden_rows[0]); i++) {
		struct message want = message_of(golden_rows[i].hex);
		uint8_t caps_bytes[64], bytes[128];
		struct wire_out caps = wire_out_to(caps_bytes, sizeof(caps_bytes));
		struct wire_out out = wire_out_to(bytes, sizeof(bytes));

		wire_cap_mp(&caps, WIRE_AFI_IPV4, WIRE_SAFI_UNICAST);
		wire_cap_mp(&caps, WIRE_AFI_IPV6, WIRE_SAFI_UNICAST);
		wire_cap_as4(&caps, golden_rows[i].as);
		wire_open_encode(&out, golden_rows[i].as, 90, ID, wire_in_of(caps_bytes, caps.len));
		assert_false(out.full);
		support_bytes_equal(bytes, out.len, want.bytes, want.len);
	}
}

/* Several parameters of one capability each, and every capability we know. */
static void each_capability_is_understood(void **state)
{
	struct message m = message_of("0050 01 " FIXED " 33"
				      "02 06 0104 00010001"
				      "02 02 0200"
				      "02 02 4600"
				      "02 02 0600"
				      "02 03 0901 03"
				      "02 0c 400a 8078 0001 01 80 0002 01 00"
				      "02 0a 4508 0001 01 03 0002 01 01");
	struct wire_open o;

	(void)state;
	assert_int_equal(wire_open_decode(message_view(&m), &o).treat, WIRE_OK);
	assert_true(o.caps.route_refresh && o.caps.enhanced_refresh && o.caps.extended_message);
	assert_false(o.caps.as4_present);
	assert_int_equal(wire_open_as(&o), 22000);
	assert_true(o.caps.role_present);
	assert_int_equal(o.caps.role, 3);
	assert_true(o.caps.gr_present);
	assert_int_equal(o.caps.gr_flags, 8);
	assert_int_equal(o.caps.gr_time_s, 120);
	assert_int_equal(o.caps.gr_count, 2);
	assert_int_equal(o.caps.gr[0].flags, 0x80);
	assert_int_equal(o.caps.add_path_count, 2);
	assert_int_equal(o.caps.add_path[0].flags, 3);
	assert_int_equal(o.caps.add_path[1].afi, WIRE_AFI_IPV6);
}

/* What follows the header; subcode -1: accepted. RFC 4271 section 6.2 unless a row says otherwise. */
static const struct open_row {
	const char *name;
	const char *hex;
	int subcode;
	unsigned int offset;
	const char *data;
} open_rows[] = {
	{"no parameters", "001d 01 " FIXED " 00", -1, 0, ""},
	{"hold time 0", "001d 01 04 55f0 0000 0a000033 00", -1, 0, ""},
	{"hold time 3", "001d 01 04 55f0 0003 0a000033 00", -1, 0, ""},
	{"unknown capability (RFC 5492 section 3)", "0021 01 " FIXED " 04 02 02 fe00", -1, 0, ""},
	{"empty capabilities parameter", "001f 01 " FIXED " 02 02 00", -1, 0, ""},
	{"RFC 9072, extended length", "0028 01 " FIXED " ff ff 0008 02 0005 4600 4601 00", 0, 33, ""},
	{"RFC 9072, valid", "0027 01 " FIXED " ff ff 0007 02 0004 4600 0200", -1, 0, ""},
	{"RFC 9072, any non-zero length marks it", "0027 01 " FIXED " 01 ff 0007 02 0004 4600 0200", -1, 0, ""},
	{"version 3", "001d 01 03 55f0 005a 0a000033 00", 1, 19, "0004"},
	{"version 5", "001d 01 05 55f0 005a 0a000033 00", 1, 19, "0004"},
	{"AS 0 (RFC 7607)", "001d 01 04 0000 005a 0a000033 00", 2, 20, ""},
	{"AS 0 in capability 65 (RFC 7607)", "0025 01 " FIXED " 08 02 06 4104 00000000", 2, 29, ""},
	{"hold time 1", "001d 01 04 55f0 0001 0a000033 00", 6, 22, ""},
	{"hold time 2", "001d 01 04 55f0 0002 0a000033 00", 6, 22, ""},
	{"identifier 0", "001d 01 04 55f0 005a 00000000 00", 3, 24, ""},
	{"parameter 1 (authentication)", "001f 01 " FIXED " 02 01 00", 4, 29, ""},
	{"parameter 3", "001f 01 " FIXED " 02 03 00", 4, 29, ""},
	{"parameters beyond the message", "001f 01 " FIXED " 03 02 00", 0, 28, ""},
	{"octets behind the parameters", "001f 01 " FIXED " 00 02 00", 0, 28, ""},
	{"half a parameter header", "001e 01 " FIXED " 01 02", 0, 29, ""},
	{"parameter beyond the parameters", "001f 01 " FIXED " 02 02 01", 0, 29, ""},
	{"capability beyond its parameter", "0021 01 " FIXED " 04 02 02 4101", 0, 29, ""},
	{"half a capability header", "0020 01 " FIXED " 03 02 01 41", 0, 29, ""},
	{"MP of 3 octets", "0024 01 " FIXED " 07 02 05 0103 000101", 0, 29, ""},
	{"AS4 of 2 octets", "0023 01 " FIXED " 06 02 04 4102 55f0", 0, 29, ""},
	{"graceful restart of 1 octet", "0022 01 " FIXED " 05 02 03 4001 80", 0, 29, ""},
	{"graceful restart, half a family", "0025 01 " FIXED " 08 02 06 4004 8078 0001", 0, 29, ""},
	{"add-path, half a family", "0024 01 " FIXED " 07 02 05 4503 000101", 0, 29, ""},
	{"route refresh with a value", "0022 01 " FIXED " 05 02 03 0201 00", 0, 29, ""},
	{"next hop encodings, half of one (RFC 8950)", "0025 01 " FIXED " 08 02 06 0504 0001 0001", 0, 29, ""},
	{"long-lived restart, half a family (RFC 9494)", "0027 01 " FIXED " 0a 02 08 4706 000101800000", 0, 29, ""},
	{"two roles (RFC 9234 section 4.2)", "0025 01 " FIXED " 08 02 06 0901 00 0901 01", 11, 29, ""},
	{"the same role twice", "0025 01 " FIXED " 08 02 06 0901 01 0901 01", -1, 0, ""},
};

static void opens_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(open_rows) / sizeof(open_rows[0]); i++) {
		const struct open_row *row = &open_rows[i];
		struct message m = message_of(row->hex);
		struct wire_open o;
		struct wire_err e = wire_open_decode(message_view(&m), &o);
		uint8_t data[8];
		size_t data_len = support_hex(row->data, data, sizeof(data));

		if ((row->subcode < 0) != (e.treat == WIRE_OK))
			fail_msg("%s: treat %d, subcode %u", row->name, (int)e.treat, e.subcode);
		if (row->subcode < 0)
			continue;
		if (e.treat != WIRE_RESET || e.code != WIRE_ERR_OPEN || e.subcode != row->subcode)
			fail_msg("%s: code %u, subcode %u", row->name, e.code, e.subcode);
		if (e.offset < row->offset)
			fail_msg("%s: offset %u", row->name, e.offset);
		assert_non_null(e.clause);
		support_bytes_equal(e.data, e.data_len, data, data_len);
	}
}

static void a_header_that_lies_is_refused(void **state)
{
	struct message m = message_of("001d 01 " FIXED " 00");
	struct wire_open o;

	(void)state;
	m.bytes[17]++;
	assert_int_equal(wire_open_decode(message_view(&m), &o).subcode, 2);
	m.bytes[17]--;
	m.bytes[18] = WIRE_UPDATE;
	assert_int_equal(wire_open_decode(message_view(&m), &o).subcode, 3);
	assert_int_equal(wire_open_decode((struct wire_in){0}, &o).code, WIRE_ERR_HEADER);
}

/* 100 capabilities of families: the room holds WIRE_FAMILIES_MAX, the parameter needs RFC 9072's length. */
static void many_capabilities_take_the_long_form(void **state)
{
	uint8_t caps_bytes[700], bytes[1024];
	struct wire_out caps = wire_out_to(caps_bytes, sizeof(caps_bytes));
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));
	struct wire_open o;

	(void)state;
	for (uint16_t afi = 1; afi <= 100; afi++)
		wire_cap_mp(&caps, afi, WIRE_SAFI_UNICAST);
	wire_open_encode(&out, 65536, 90, ID, wire_in_of(caps_bytes, caps.len));
	assert_false(out.full);
	assert_int_equal(out.len, 29 + 3 + 3 + 600);
	assert_int_equal(bytes[28], 255);
	assert_int_equal(bytes[29], 255);
	assert_int_equal(wire_open_decode(wire_in_of(bytes, out.len), &o).treat, WIRE_OK);
	assert_int_equal(o.as16, WIRE_AS_TRANS);
	assert_int_equal(o.caps.mp_count, WIRE_FAMILIES_MAX);
	assert_int_equal(o.caps.mp[WIRE_FAMILIES_MAX - 1].afi, WIRE_FAMILIES_MAX);
	assert_int_equal(wire_left(&o.params), 603);
}

static void the_short_form_ends_at_255(void **state)
{
	static const size_t lengths[] = {252, 253, 254};
	static const size_t totals[] = {29 + 2 + 252, 29 + 2 + 253, 29 + 6 + 254};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		uint8_t caps[254] = {0}, bytes[512];
		struct wire_out out = wire_out_to(bytes, sizeof(bytes));
		struct wire_open o;

		caps[0] = 200; /* unknown, 250 octets, and another that fills up */
		caps[1] = 240;
		caps[242] = 201;
		caps[243] = (uint8_t)(lengths[i] - 244);
		wire_open_encode(&out, 1, 90, ID, wire_in_of(caps, lengths[i]));
		assert_int_equal(out.len, totals[i]);
		assert_int_equal(wire_open_decode(wire_in_of(bytes, out.len), &o).treat, WIRE_OK);
	}
}

static void restart_and_flags_are_written(void **state)
{
	static const struct wire_family families[] = {{1, 1, 0x80}, {2, 1, 0}};
	static const char *const want_hex = "0200 400a 8078 00010180 00020100";
	uint8_t bytes[64], want[64];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));

	(void)state;
	wire_cap_flag(&out, WIRE_CAP_ROUTE_REFRESH);
	wire_cap_graceful_restart(&out, 8, 120, families, 2);
	support_bytes_equal(bytes, out.len, want, support_hex(want_hex, want, sizeof(want)));
	wire_cap_graceful_restart(&out, 8, 4096, families, 2);
	assert_true(out.full);
}

/* RFC 8950 section 4, RFC 9234 section 4.1, RFC 7911 section 4, RFC 9494 section 3. */
static void later_capabilities_are_written_and_read(void **state)
{
	static const struct wire_family modes[] = {{1, 1, 3}, {2, 1, 1}};
	static const struct wire_long_lived kept[] = {{1, 1, 0x80, 3600}, {2, 1, 0, 0xffffff}};
	static const char *const want_hex = "0506 0001 0001 0002 0901 04 4508 00010103 00020101"
					    "470e 0001 01 80 000e10 0002 01 00 ffffff";
	uint8_t bytes[64], want[64], open[128];
	struct wire_out caps = wire_out_to(bytes, sizeof(bytes)), out = wire_out_to(open, sizeof(open));
	struct wire_open o;

	(void)state;
	wire_cap_extended_next_hop(&caps);
	wire_cap_role(&caps, 4);
	wire_cap_add_path(&caps, modes, 2);
	wire_cap_long_lived(&caps, kept, 2);
	support_bytes_equal(bytes, caps.len, want, support_hex(want_hex, want, sizeof(want)));
	wire_open_encode(&out, 1, 90, ID, wire_in_of(bytes, caps.len));
	assert_int_equal(wire_open_decode(wire_in_of(open, out.len), &o).treat, WIRE_OK);
	assert_true(o.caps.extended_next_hop);
	assert_int_equal(o.caps.long_lived_count, 2);
	assert_int_equal(o.caps.long_lived[0].stale_s, 3600);
	assert_int_equal(o.caps.long_lived[0].flags, 0x80);
	assert_int_equal(o.caps.long_lived[1].afi, WIRE_AFI_IPV6);
	assert_int_equal(o.caps.long_lived[1].stale_s, 0xffffff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_opens_are_read),
		cmocka_unit_test(golden_opens_are_written),
		cmocka_unit_test(each_capability_is_understood),
		cmocka_unit_test(opens_are_judged),
		cmocka_unit_test(a_header_that_lies_is_refused),
		cmocka_unit_test(many_capabilities_take_the_long_form),
		cmocka_unit_test(the_short_form_ends_at_255),
		cmocka_unit_test(restart_and_flags_are_written),
		cmocka_unit_test(later_capabilities_are_written_and_read),
	};

	return cmocka_run_group_tests_name("wire: OPEN", tests, NULL, NULL);
}
