/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UPDATEs written, against golden bytes and against our reader. */
#include "message.h"

#include <string.h>

static const struct wire_session two_octets = {0};
static const struct wire_session four_octets = {.as4 = true};

static struct wire_route route(const char *text)
{
	struct wire_route r = {0};

	assert_int_equal(prefix_parse(text, &r.prefix), 0);
	return r;
}

static struct addr ip(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

/* What MetalLB's native speaker sends (golden bytes, METALLB.md 10.2). */
static const struct golden_row {
	const char *name;
	bool as4;
	uint8_t origin;
	size_t as_count;
	bool local_pref;
	size_t communities;
	const char *prefix;
	const char *hex;
} golden_rows[] = {
	{"eBGP, four octets", true, 0, 1, false, 0, "172.16.254.1/32",
	 "0030 02 0000 0014 40010100 400206 0201 000055f0 400304 0a000033 20 ac10fe01"},
	{"legacy origin", true, 2, 1, false, 0, "172.16.254.1/32",
	 "0030 02 0000 0014 40010102 400206 0201 000055f0 400304 0a000033 20 ac10fe01"},
	{"eBGP, two octets", false, 0, 1, false, 0, "172.16.254.1/32",
	 "002e 02 0000 0012 40010100 400204 0201 55f0 400304 0a000033 20 ac10fe01"},
	{"iBGP", true, 0, 0, true, 0, "172.16.254.1/32",
	 "0031 02 0000 0015 40010100 400200 400304 0a000033 400504 00000000 20 ac10fe01"},
	{"aggregate with communities", true, 0, 1, false, 2, "172.16.254.0/24",
	 "003a 02 0000 001f 40010100 400206 0201 000055f0 400304 0a000033 c00808 fde80064 ffffff02 18 ac10fe"},
};

static void golden_updates_are_written(void **state)
{
	static const uint32_t path[] = {22000};
	static const uint32_t communities[] = {0xfde80064, 0xffffff02};

	(void)state;
	for (size_t i = 0; i < sizeof(golden_rows) / sizeof(golden_rows[0]); i++) {
		const struct golden_row *row = &golden_rows[i];
		struct wire_session session = {.as4 = row->as4};
		struct wire_route_attrs attrs = {.origin = row->origin,
						 .as_path = path,
						 .as_count = row->as_count,
						 .next_hop = ip("10.0.0.51"),
						 .local_pref_present = row->local_pref,
						 .communities = communities,
						 .community_count = row->communities};
		struct wire_route r = route(row->prefix);
		struct message want = message_of(row->hex);
		uint8_t bytes[256];
		struct wire_out out = wire_out_to(bytes, sizeof(bytes));

		wire_update_encode(&out, &session, &attrs, &r, 1);
		if (out.full)
			fail_msg("%s: full", row->name);
		support_bytes_equal(bytes, out.len, want.bytes, want.len);
	}
}

static void the_golden_withdrawal_is_written(void **state)
{
	struct message want = message_of("001c 02 0005 20 ac10fe01 0000");
	struct wire_route r = route("172.16.254.1/32");
	uint8_t bytes[64];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));

	(void)state;
	wire_withdraw_encode(&out, &four_octets, WIRE_AFI_IPV4, &r, 1);
	support_bytes_equal(bytes, out.len, want.bytes, want.len);
}

static void end_of_rib_is_written(void **state)
{
	struct message v4 = message_of("0017 02 0000 0000");
	struct message v6 = message_of("001d 02 0000 0006 800f03 0002 01");
	uint8_t bytes[64];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));

	(void)state;
	wire_withdraw_encode(&out, &four_octets, WIRE_AFI_IPV4, NULL, 0);
	support_bytes_equal(bytes, out.len, v4.bytes, v4.len);
	out = wire_out_to(bytes, sizeof(bytes));
	wire_withdraw_encode(&out, &four_octets, WIRE_AFI_IPV6, NULL, 0);
	support_bytes_equal(bytes, out.len, v6.bytes, v6.len);
}

static void ipv6_is_written_and_read(void **state)
{
	static const uint32_t path[] = {22000};
	struct message want =
		message_of("004a 02 0000 0033 800e1c 0002 01 10 20010db8000000000000000000000001 00 30 20010db80001"
			   "40010100 400206 0201 000055f0 80040400000005");
	struct wire_route routes[] = {route("2001:db8:1::/48")};
	struct wire_route_attrs attrs = {
		.as_path = path, .as_count = 1, .next_hop = ip("2001:db8::1"), .med_present = true, .med = 5};
	uint8_t bytes[256];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));

	(void)state;
	wire_update_encode(&out, &four_octets, &attrs, routes, 1);
	assert_false(out.full);
	support_bytes_equal(bytes, out.len, want.bytes, want.len);
	out = wire_out_to(bytes, sizeof(bytes));
	want = message_of("0024 02 0000 000d 800f0a 0002 01 30 20010db80001");
	wire_withdraw_encode(&out, &four_octets, WIRE_AFI_IPV6, routes, 1);
	support_bytes_equal(bytes, out.len, want.bytes, want.len);
}

/* RFC 6793 section 4.2.2. */
static void an_old_peer_gets_as_trans_and_as4_path(void **state)
{
	static const uint32_t path[] = {4200000001, 22000};
	struct wire_route r = route("10.0.0.0/8");
	struct wire_route_attrs attrs = {.as_path = path, .as_count = 2, .next_hop = ip("10.0.0.1")};
	struct wire_update u;
	uint8_t bytes[256];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));
	char text[64];

	(void)state;
	wire_update_encode(&out, &two_octets, &attrs, &r, 1);
	assert_int_equal(wire_update_decode(wire_in_of(bytes, out.len), &two_octets, &u).treat, WIRE_OK);
	wire_path_text(u.attrs.as_path, false, text, sizeof(text));
	assert_string_equal(text, "23456 22000");
	wire_path_text(u.attrs.as4_path, true, text, sizeof(text));
	assert_string_equal(text, "4200000001 22000");
}

static void long_values_take_an_extended_length(void **state)
{
	uint32_t path[300], communities[64];
	struct wire_route r = route("10.0.0.0/8");
	struct wire_route_attrs attrs = {.as_path = path,
					 .as_count = 300,
					 .next_hop = ip("10.0.0.1"),
					 .communities = communities,
					 .community_count = 64};
	struct wire_update u;
	uint8_t bytes[WIRE_MESSAGE_MAX];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));

	(void)state;
	for (uint32_t i = 0; i < 300; i++)
		path[i] = i + 1;
	for (uint32_t i = 0; i < 64; i++)
		communities[i] = i;
	wire_update_encode(&out, &four_octets, &attrs, &r, 1);
	assert_int_equal(wire_update_decode(wire_in_of(bytes, out.len), &four_octets, &u).treat, WIRE_OK);
	assert_int_equal(wire_path_length(u.attrs.as_path, true), 300);
	assert_true(wire_path_contains(u.attrs.as_path, true, 300));
	assert_int_equal(wire_left(&u.attrs.communities), 256);
}

/* 811 routes of 5 octets are the most that fit with these attributes; one more needs RFC 8654. */
static void a_message_ends_at_its_limit(void **state)
{
	static struct wire_route routes[2000];
	static uint8_t bytes[WIRE_EXTENDED_MAX];
	static const struct wire_session extended = {.as4 = true, .extended = true};
	struct wire_route_attrs attrs = {.next_hop = ip("10.0.0.1")};
	struct wire_update u;
	struct wire_out out;

	(void)state;
	for (size_t i = 0; i < 2000; i++) {
		struct addr a = addr_v4((uint32_t)i);

		routes[i].prefix = prefix_host(&a);
	}
	out = wire_out_to(bytes, sizeof(bytes));
	wire_update_encode(&out, &four_octets, &attrs, routes, 811);
	assert_false(out.full);
	assert_int_equal(out.len, 37 + 811 * 5);
	out = wire_out_to(bytes, sizeof(bytes));
	wire_update_encode(&out, &four_octets, &attrs, routes, 812);
	assert_true(out.full);
	out = wire_out_to(bytes, sizeof(bytes));
	wire_update_encode(&out, &extended, &attrs, routes, 2000);
	assert_false(out.full);
	assert_int_equal(wire_update_decode(wire_in_of(bytes, out.len), &extended, &u).treat, WIRE_OK);
	assert_int_equal(wire_left(&u.nlri.bytes), 10000);
}

static void routes_of_two_families_are_refused(void **state)
{
	struct wire_route routes[] = {route("10.0.0.0/8"), route("2001:db8::/32")};
	struct wire_route_attrs attrs = {.next_hop = ip("10.0.0.1")};
	uint8_t bytes[256];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));

	(void)state;
	wire_update_encode(&out, &four_octets, &attrs, routes, 2);
	assert_true(out.full);
	out = wire_out_to(bytes, sizeof(bytes));
	wire_update_encode(&out, &four_octets, &attrs, routes + 1, 1);
	assert_true(out.full);
	out = wire_out_to(bytes, sizeof(bytes));
	wire_withdraw_encode(&out, &four_octets, WIRE_AFI_IPV4, routes, 2);
	assert_true(out.full);
}

static void add_path_identifiers_are_written(void **state)
{
	static const struct wire_session session = {.as4 = true, .add_path_v4 = true, .add_path_v6 = true};
	struct wire_route routes[] = {route("10.0.0.0/8"), route("10.0.0.0/8")};
	struct wire_route_attrs attrs = {.next_hop = ip("2001:db8::1")};
	struct wire_update u;
	uint8_t bytes[256];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));
	char text[64];

	(void)state;
	routes[0].path_id = 7;
	routes[1].path_id = 8;
	wire_update_encode(&out, &session, &attrs, routes, 2); /* RFC 8950: in MP_REACH_NLRI */
	assert_int_equal(wire_update_decode(wire_in_of(bytes, out.len), &session, &u).treat, WIRE_OK);
	routes_text(u.mp_nlri, text, sizeof(text));
	assert_string_equal(text, "10.0.0.0/8 #7 10.0.0.0/8 #8");
}

/* A speaker that passes attributes on: they come out as they went in, MP_REACH_NLRI around the new routes. */
static void raw_attributes_pass_through(void **state)
{
	static const char *const classic = "40010100 400206 0201 000055f0 400304 0a000033 c0fe02 abcd";
	struct message m = update_with(classic, "08 0a"), want = update_with(classic, "20 ac10fe01");
	struct wire_route v4 = route("172.16.254.1/32"), v6 = route("2001:db8:2::/48");
	struct wire_update u;
	uint8_t bytes[256];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(wire_update_decode(message_view(&m), &four_octets, &u).treat, WIRE_OK);
	wire_update_encode_raw(&out, &four_octets, u.attrs_raw, &v4, 1);
	support_bytes_equal(bytes, out.len, want.bytes, want.len);
	out = wire_out_to(bytes, sizeof(bytes));
	wire_update_encode_raw(&out, &four_octets, u.attrs_raw, &v6, 1); /* no IPv6 next hop to be had */
	assert_true(out.full);
	m = update_with("40010100 400200 800e1c 0002 01 10 20010db8000000000000000000000001 00 30 20010db80001"
			"800f0a 0002 01 30 20010db80003 c0fe02 abcd",
			"");
	want = update_with("800e1c 0002 01 10 20010db8000000000000000000000001 00 30 20010db80002"
			   "40010100 400200 c0fe02 abcd",
			   "");
	assert_int_equal(wire_update_decode(message_view(&m), &four_octets, &u).treat, WIRE_OK);
	out = wire_out_to(bytes, sizeof(bytes));
	wire_update_encode_raw(&out, &four_octets, u.attrs_raw, &v6, 1);
	support_bytes_equal(bytes, out.len, want.bytes, want.len);
}

static void too_little_room_is_full_and_not_overrun(void **state)
{
	static const uint32_t path[] = {22000};
	struct wire_route routes[] = {route("2001:db8:1::/48")};
	struct wire_route_attrs attrs = {.as_path = path, .as_count = 1, .next_hop = ip("2001:db8::1")};
	uint8_t bytes[128];

	(void)state;
	for (size_t room = 0; room < 67; room++) {
		uint8_t *exact = test_malloc(room + 1);
		struct wire_out out = wire_out_to(exact, room);

		wire_update_encode(&out, &four_octets, &attrs, routes, 1);
		assert_true(out.full);
		test_free(exact);
	}
	for (size_t room = 67; room < sizeof(bytes); room++) {
		struct wire_out out = wire_out_to(bytes, room);

		wire_update_encode(&out, &four_octets, &attrs, routes, 1);
		assert_false(out.full);
		assert_int_equal(out.len, 67);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_updates_are_written),
		cmocka_unit_test(the_golden_withdrawal_is_written),
		cmocka_unit_test(end_of_rib_is_written),
		cmocka_unit_test(ipv6_is_written_and_read),
		cmocka_unit_test(an_old_peer_gets_as_trans_and_as4_path),
		cmocka_unit_test(long_values_take_an_extended_length),
		cmocka_unit_test(a_message_ends_at_its_limit),
		cmocka_unit_test(routes_of_two_families_are_refused),
		cmocka_unit_test(add_path_identifiers_are_written),
		cmocka_unit_test(raw_attributes_pass_through),
		cmocka_unit_test(too_little_room_is_full_and_not_overrun),
	};

	return cmocka_run_group_tests_name("wire: UPDATE written", tests, NULL, NULL);
}
