/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UPDATEs that are right: what is read from them. */
#include "message.h"

#include <string.h>

static const struct wire_session two_octets = {0};
static const struct wire_session four_octets = {.as4 = true};

/* What MetalLB's native speaker sends (golden bytes, METALLB.md 10.2). */
static const struct golden_row {
	const char *name;
	bool as4;
	uint8_t origin;
	const char *path;
	const char *nlri;
	const char *withdrawn;
	bool local_pref;
	size_t communities;
	const char *hex;
} golden_rows[] = {
	{"eBGP, four octets", true, 0, "22000", "172.16.254.1/32", "", false, 0,
	 "0030 02 0000 0014 40010100 400206 0201 000055f0 400304 0a000033 20 ac10fe01"},
	{"legacy origin", true, 2, "22000", "172.16.254.1/32", "", false, 0,
	 "0030 02 0000 0014 40010102 400206 0201 000055f0 400304 0a000033 20 ac10fe01"},
	{"eBGP, two octets", false, 0, "22000", "172.16.254.1/32", "", false, 0,
	 "002e 02 0000 0012 40010100 400204 0201 55f0 400304 0a000033 20 ac10fe01"},
	{"iBGP", true, 0, "", "172.16.254.1/32", "", true, 0,
	 "0031 02 0000 0015 40010100 400200 400304 0a000033 400504 00000000 20 ac10fe01"},
	{"aggregate with communities", true, 0, "22000", "172.16.254.0/24", "", false, 2,
	 "003a 02 0000 001f 40010100 400206 0201 000055f0 400304 0a000033 c00808 fde80064 ffffff02 18 ac10fe"},
	{"withdraw", true, 0, "", "", "172.16.254.1/32", false, 0, "001c 02 0005 20 ac10fe01 0000"},
};

static void check_golden(const struct golden_row *row)
{
	struct wire_session session = {.as4 = row->as4};
	struct message m = message_of(row->hex);
	struct wire_update u;
	char text[128];

	if (wire_update_decode(message_view(&m), &session, &u).treat != WIRE_OK)
		fail_msg("%s: not accepted", row->name);
	routes_text(u.nlri, text, sizeof(text));
	assert_string_equal(text, row->nlri);
	routes_text(u.withdrawn, text, sizeof(text));
	assert_string_equal(text, row->withdrawn);
	wire_path_text(u.attrs.as_path, u.attrs.as4, text, sizeof(text));
	assert_string_equal(text, row->path);
	assert_int_equal(u.attrs.origin, row->origin);
	assert_int_equal(wire_left(&u.attrs.communities), row->communities * 4);
	assert_int_equal(wire_attr_has(&u.attrs, WIRE_ATTR_LOCAL_PREF), row->local_pref);
	assert_false(u.end_of_rib);
	if (row->nlri[0] != '\0')
		assert_string_equal(addr_text(&u.attrs.next_hop).s, "10.0.0.51");
}

static void golden_updates_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(golden_rows) / sizeof(golden_rows[0]); i++)
		check_golden(&golden_rows[i]);
}

static void each_attribute_is_read(void **state)
{
	struct message m = update_with("40010101 40020a 0202 000055f0 0000fc00 400304 0a000001 800404 00000007"
				       "400504 000000c8 400600 c00708 0000fc00 0a000009 c00804 fde80064"
				       "800904 0a000002 800a08 0a000003 0a000004 c01008 0002fde800000064"
				       "c0200c 0000fde8 00000001 00000002 c02304 0000fc00 c0fe02 abcd",
				       "18 c0a801");
	struct wire_update u;
	struct wire_attrs *a = &u.attrs;

	(void)state;
	assert_int_equal(wire_update_decode(message_view(&m), &four_octets, &u).treat, WIRE_OK);
	assert_int_equal(a->origin, WIRE_ORIGIN_EGP);
	assert_string_equal(addr_text(&a->next_hop).s, "10.0.0.1");
	assert_int_equal(a->med, 7);
	assert_int_equal(a->local_pref, 200);
	assert_true(a->atomic_aggregate);
	assert_int_equal(a->aggregator_as, 64512);
	assert_string_equal(addr_text(&a->aggregator).s, "10.0.0.9");
	assert_int_equal(wire_u32(&a->communities), 0xfde80064);
	assert_int_equal(a->originator_id, 0x0a000002);
	assert_int_equal(wire_left(&a->cluster_list), 8);
	assert_int_equal(wire_left(&a->ext_communities), 8);
	assert_int_equal(wire_left(&a->large_communities), 12);
	assert_int_equal(a->otc, 64512);
	assert_true(wire_attr_has(a, WIRE_ATTR_OTC));
	assert_false(wire_attr_has(a, WIRE_ATTR_MP_REACH));
	assert_string_equal(wire_attr_name(WIRE_ATTR_MED), "MULTI_EXIT_DISC");
	assert_null(wire_attr_name(0));
	assert_null(wire_attr_name(12));
	assert_null(wire_attr_name(254));
}

/* The extended length bit is allowed for short attributes too (RFC 4271 section 4.3). */
static void an_extended_length_may_be_short(void **state)
{
	struct message m = update_with("50010001 00 500200 06 0201 000055f0 500300 04 0a000001", "00");
	struct wire_update u;
	char text[64];

	(void)state;
	assert_int_equal(wire_update_decode(message_view(&m), &four_octets, &u).treat, WIRE_OK);
	routes_text(u.nlri, text, sizeof(text));
	assert_string_equal(text, "0.0.0.0/0");
}

static void ipv6_travels_in_mp_reach(void **state)
{
	struct message m = update_with("800e40 0002 01 20 20010db8000000000000000000000001"
				       "fe800000000000000000000000000001 00"
				       "40 20010db800000001 00 80 20010db8000000000000000000000007"
				       "400101 00 400206 0201 000055f0 800f0c 0002 01 40 20010db800000002",
				       "");
	struct wire_update u;
	char text[128];

	(void)state;
	assert_int_equal(wire_update_decode(message_view(&m), &four_octets, &u).treat, WIRE_OK);
	routes_text(u.mp_nlri, text, sizeof(text));
	assert_string_equal(text, "2001:db8:0:1::/64 ::/0 2001:db8::7/128");
	routes_text(u.mp_withdrawn, text, sizeof(text));
	assert_string_equal(text, "2001:db8:0:2::/64");
	assert_string_equal(addr_text(&u.attrs.next_hop).s, "2001:db8::1");
	assert_false(u.end_of_rib);
}

/* RFC 8950: IPv4 routes behind an IPv6 next hop; a NEXT_HOP beside routes in MP_REACH only is ignored (RFC 4760). */
static void ipv4_may_travel_in_mp_reach(void **state)
{
	struct message m = update_with("40010100 400200 400304 0a000001"
				       "800e 19 0001 01 10 20010db8000000000000000000000001 00 18 c0a801",
				       "");
	struct wire_update u;
	char text[128];

	(void)state;
	assert_int_equal(wire_update_decode(message_view(&m), &four_octets, &u).treat, WIRE_OK);
	routes_text(u.mp_nlri, text, sizeof(text));
	assert_string_equal(text, "192.168.1.0/24");
	assert_string_equal(addr_text(&u.attrs.next_hop).s, "2001:db8::1");
	m = update_with("40010100 400200 400304 0a000001"
			"800e 19 0001 01 10 20010db8000000000000000000000001 00 18 c0a801",
			"08 0a");
	assert_int_equal(wire_update_decode(message_view(&m), &four_octets, &u).treat, WIRE_OK);
	assert_string_equal(addr_text(&u.attrs.next_hop).s, "10.0.0.1");
	assert_string_equal(addr_text(&u.attrs.mp_next_hop).s, "2001:db8::1");
}

static void other_families_are_carried(void **state)
{
	/* VPNv4 (1/128): a next hop with a route distinguisher, a labelled prefix. */
	struct message m = update_with("40010100 400200 800e20 0001 80 0c 0000000000000000 0a000001 00"
				       "70 000641 0000fde800000001 c0a801",
				       "");
	struct wire_update u;
	struct wire_route r;

	(void)state;
	assert_int_equal(wire_update_decode(message_view(&m), &four_octets, &u).treat, WIRE_OK);
	assert_int_equal(u.mp_nlri.afi, 1);
	assert_int_equal(u.mp_nlri.safi, 128);
	assert_int_equal(wire_left(&u.mp_nlri.bytes), 15);
	assert_false(wire_nlri_next(&u.mp_nlri, &r));
	assert_int_equal(u.attrs.next_hop.family, ADDR_NONE);
}

static void add_path_has_identifiers_in_its_family_only(void **state)
{
	static const struct wire_session v4 = {.as4 = true, .add_path_v4 = true};
	struct message m = update_with("40010100 400200 400304 0a000001"
				       "800e1e 0002 01 10 20010db8000000000000000000000001 00 40 20010db800000001",
				       "00000007 08 0a 00000008 08 0a");
	struct wire_update u;
	char text[128];

	(void)state;
	assert_int_equal(wire_update_decode(message_view(&m), &v4, &u).treat, WIRE_OK);
	routes_text(u.nlri, text, sizeof(text));
	assert_string_equal(text, "10.0.0.0/8 #7 10.0.0.0/8 #8");
	routes_text(u.mp_nlri, text, sizeof(text));
	assert_string_equal(text, "2001:db8:0:1::/64");
}

/* RFC 4724 section 2. */
static void end_of_rib_is_known(void **state)
{
	static const struct {
		const char *body;
		bool is;
		uint16_t afi;
		uint8_t safi;
	} rows[] = {
		{"0000 0000", true, 1, 1},
		{"0000 0006 800f03 0002 01", true, 2, 1},
		{"0000 0007 900f0003 0001 80", true, 1, 128},
		{"0000 0008 800f05 0002 01 08 20", false, 0, 0},
		{"0002 0820 0000", false, 0, 0},
		{"0000 000a 800f03 0002 01 40010100", false, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct message m = update_of(rows[i].body);
		struct wire_update u;

		assert_int_equal(wire_update_decode(message_view(&m), &four_octets, &u).treat, WIRE_OK);
		assert_int_equal(u.end_of_rib, rows[i].is);
		assert_int_equal(u.eor_afi, rows[i].afi);
		assert_int_equal(u.eor_safi, rows[i].safi);
	}
}

/* RFC 6793 section 4.2.3: an AGGREGATOR with an AS of its own makes the AS4 attributes stale. */
static void as4_attributes_count_only_beside_as_trans(void **state)
{
	static const char *const stale = "40010100 400204 0201 5ba0 400304 0a000001 c00706 fc00 0a000009"
					 "c01106 0201 fa56ea01 c01208 fa56ea02 0a00000a";
	static const char *const valid = "40010100 400204 0201 5ba0 400304 0a000001 c00706 5ba0 0a000009"
					 "c01106 0201 fa56ea01 c01208 fa56ea02 0a00000a";
	struct message m = update_with(stale, "08 0a");
	struct wire_update u;
	char text[64];

	(void)state;
	assert_int_equal(wire_update_decode(message_view(&m), &two_octets, &u).treat, WIRE_OK);
	assert_false(wire_attr_has(&u.attrs, WIRE_ATTR_AS4_PATH));
	assert_int_equal(wire_left(&u.attrs.as4_path), 0);
	assert_int_equal(u.attrs.aggregator_as, 64512);
	m = update_with(valid, "08 0a");
	assert_int_equal(wire_update_decode(message_view(&m), &two_octets, &u).treat, WIRE_OK);
	wire_path_text(u.attrs.as4_path, true, text, sizeof(text));
	assert_string_equal(text, "4200000001");
	assert_int_equal(u.attrs.aggregator_as, 4200000002);
	assert_string_equal(addr_text(&u.attrs.aggregator).s, "10.0.0.10");
}

static const struct path_row {
	const char *hex;
	const char *text;
	unsigned int length;
} path_rows[] = {
	{"", "", 0},
	{"0201 000055f0", "22000", 1},
	{"0202 000055f0 fa56ea01", "22000 4200000001", 2},
	{"0201 000055f0 0102 0000fc00 0000fc01", "22000 {64512 64513}", 2},
	{"0302 0000fde9 0000fdea 0201 000055f0", "(65001 65002) 22000", 1},
	{"0402 0000fde9 0000fdea 0201 000055f0", "[65001 65002] 22000", 1},
};

static void paths_are_counted_searched_and_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(path_rows) / sizeof(path_rows[0]); i++) {
		uint8_t bytes[64];
		struct wire_in path = wire_in_of(bytes, support_hex(path_rows[i].hex, bytes, sizeof(bytes)));
		char text[64];

		wire_path_text(path, true, text, sizeof(text));
		assert_string_equal(text, path_rows[i].text);
		assert_int_equal(wire_path_length(path, true), path_rows[i].length);
		assert_int_equal(wire_path_contains(path, true, 22000), i > 0);
		assert_false(wire_path_contains(path, true, 23456));
		for (size_t room = 1; room < sizeof(text); room++) {
			char cut[64];

			memset(cut, 'x', sizeof(cut));
			wire_path_text(path, true, cut, room);
			assert_int_equal(strlen(cut), strlen(text) < room ? strlen(text) : room - 1);
			assert_memory_equal(cut, text, strlen(cut));
		}
	}
}

static void a_broken_path_ends_the_walk(void **state)
{
	uint8_t bytes[] = {2, 1, 0, 0, 0, 9, 2, 2, 0, 0, 0, 8};
	struct wire_in path = wire_in_of(bytes, sizeof(bytes));
	struct wire_path_segment s;

	(void)state;
	assert_true(wire_path_next(&path, true, &s));
	assert_int_equal(wire_path_as(&s), 9);
	assert_int_equal(wire_path_as(&s), 0);
	assert_false(wire_path_next(&path, true, &s));
	assert_false(wire_path_next(&path, true, &s));
}

/* A walk over a view that no decoder has checked ends, and host bits are masked. */
static void a_broken_nlri_ends_the_walk(void **state)
{
	static const uint8_t bytes[] = {24, 10, 1, 2, 33, 10, 0, 0, 0, 0};
	static const uint8_t odd[] = {12, 10, 0xff};
	struct wire_nlri nlri = {.afi = 1, .safi = 1, .bytes = wire_in_of(bytes, sizeof(bytes))};
	struct wire_route r;
	char text[32];

	(void)state;
	assert_true(wire_nlri_next(&nlri, &r));
	assert_false(wire_nlri_next(&nlri, &r));
	assert_false(wire_nlri_next(&nlri, &r));
	nlri.bytes = wire_in_of(odd, sizeof(odd));
	routes_text(nlri, text, sizeof(text));
	assert_string_equal(text, "10.240.0.0/12");
	nlri = (struct wire_nlri){0};
	assert_false(wire_nlri_next(&nlri, &r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_updates_are_read),
		cmocka_unit_test(each_attribute_is_read),
		cmocka_unit_test(an_extended_length_may_be_short),
		cmocka_unit_test(ipv6_travels_in_mp_reach),
		cmocka_unit_test(ipv4_may_travel_in_mp_reach),
		cmocka_unit_test(other_families_are_carried),
		cmocka_unit_test(add_path_has_identifiers_in_its_family_only),
		cmocka_unit_test(end_of_rib_is_known),
		cmocka_unit_test(as4_attributes_count_only_beside_as_trans),
		cmocka_unit_test(paths_are_counted_searched_and_told),
		cmocka_unit_test(a_broken_path_ends_the_walk),
		cmocka_unit_test(a_broken_nlri_ends_the_walk),
	};

	return cmocka_run_group_tests_name("wire: UPDATE", tests, NULL, NULL);
}
