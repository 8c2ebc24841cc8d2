/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a router makes of its peers' routes: for the FIB, and for its other peers. All bytes are written from the RFCs. */
#include "mesh.h"

#include <stdio.h>
#include <string.h>

#define NET "18 c63364"	      /* 198.51.100.0/24 */
#define OTHER_NET "18 cb0071" /* 203.0.113.0/24 */
#define OUR_HOP HOP("01")

#define ADD_PATH "4504 00010103"
#define EXTENDED_HOP "0506 0001 0001 0002"

static const uint32_t AS_A = 65010, AS_B = 65020; /* fdf2, fdfc */

/* The path behind a router: our AS first. */
#define VIA(as) "40020a 0202 0000fde9 0000" as " "

/* ---- RFC 7911 ---- */

static void add_path_in(void **state)
{
	struct mesh m = {0};
	struct bgp_peer_conf both = {.add_path_v4 = BGP_ADD_PATH_BOTH};
	unsigned int a;

	(void)state;
	mesh_init(&m);
	a = mesh_peer(&m, AS_A, ADD_PATH, true, &both);
	mesh_announces(&m, a, IGP PATH("fdf2") HOP("65"), "00000007" NET "00000009" OTHER_NET);
	mesh_forget(&m);
	mesh_announces(&m, a, IGP PATH("fdf2") HOP("66"), "00000009" NET);
	assert_string_equal(mesh_route(&m), "10.0.0.101 10.0.0.102");
	mesh_forget(&m);
	/* An identifier again: that path alone has changed. */
	mesh_announces(&m, a, IGP PATH("fdf2") HOP("67"), "00000009" NET);
	assert_string_equal(mesh_route(&m), "10.0.0.101 10.0.0.103");
	mesh_forget(&m);
	mesh_withdraws(&m, a, "00000008" NET);
	assert_string_equal(mesh_route(&m), "");
	mesh_withdraws(&m, a, "00000007" NET);
	assert_string_equal(mesh_route(&m), "10.0.0.103");
	mesh_withdraws(&m, a, "00000009" NET);
	assert_string_equal(mesh_route(&m), "-");
	mesh_free(&m);
}

/* Of one peer's equal paths the lower identifier is the better, in whichever order they came. */
static void lower_path_identifier(void **state)
{
	static const char *const nlri[] = {"00000007" NET, "00000009" NET};

	(void)state;
	for (unsigned int first = 0; first < 2; first++) {
		struct mesh m = {.speaker = {.max_paths = 1}};
		struct bgp_peer_conf both = {.add_path_v4 = BGP_ADD_PATH_BOTH};

		mesh_init(&m);
		(void)mesh_peer(&m, AS_A, ADD_PATH, true, &both);
		mesh_announces(&m, 0, first == 0 ? IGP PATH("fdf2") HOP("65") : IGP PATH("fdf2") HOP("66"),
			       nlri[first]);
		mesh_announces(&m, 0, first == 0 ? IGP PATH("fdf2") HOP("66") : IGP PATH("fdf2") HOP("65"),
			       nlri[1 - first]);
		assert_string_equal(mesh_route(&m), "10.0.0.101");
		mesh_free(&m);
	}
}

/* Both paths go out with identifiers of ours, the next hop being us; a withdrawal names its path. The peer without
 * add-path has the best alone, and its own never. */
static void add_path_out(void **state)
{
	struct mesh m = {0};
	struct bgp_peer_conf both = {.add_path_v4 = BGP_ADD_PATH_BOTH};
	unsigned int a, b, c;

	(void)state;
	mesh_init(&m);
	a = mesh_peer(&m, AS_A, "", true, NULL);
	b = mesh_peer(&m, AS_B, "", true, NULL);
	c = mesh_peer(&m, 65030, ADD_PATH, true, &both);
	mesh_announces(&m, a, IGP PATH("fdf2") HOP("65"), NET);
	mesh_told(&m, c, IGP VIA("fdf2") OUR_HOP, "00000002" NET);
	mesh_told(&m, b, IGP VIA("fdf2") OUR_HOP, NET);
	mesh_told_nothing(&m, a);
	mesh_forget(&m);
	mesh_announces(&m, b, IGP PATH("fdfc") HOP("66"), NET);
	mesh_told(&m, c, IGP VIA("fdfc") OUR_HOP, "00000003" NET);
	mesh_told_nothing(&m, b);
	mesh_told_nothing(&m, a);
	mesh_forget(&m);
	mesh_withdraws(&m, a, NET);
	mesh_told_withdrawn(&m, c, "00000002" NET);
	mesh_told(&m, a, IGP VIA("fdfc") OUR_HOP, NET);
	mesh_told_withdrawn(&m, b, NET);
	mesh_forget(&m);
	mesh_withdraws(&m, b, NET);
	mesh_told_withdrawn(&m, c, "00000003" NET);
	mesh_told_withdrawn(&m, a, NET);
	mesh_told_nothing(&m, b);
	mesh_free(&m);
}

/* ---- RFC 9234 section 5 ---- */

#define OTC(as) "c02304 0000" as " "

/* From a peer to which we are `own`, with or without the attribute; to a peer to which we are `towards`. */
static const struct otc_row {
	enum bgp_role own, towards;
	const char *in;
	const char *out; /* NULL: not passed on; "leak": not taken */
} otc_rows[] = {
	{BGP_ROLE_NONE, BGP_ROLE_NONE, "", ""},
	{BGP_ROLE_NONE, BGP_ROLE_NONE, OTC("fdfc"), OTC("fdfc")},
	/* taken: from customers only without it, from peers only theirs */
	{BGP_ROLE_PROVIDER, BGP_ROLE_NONE, "", ""},
	{BGP_ROLE_PROVIDER, BGP_ROLE_NONE, OTC("fdf2"), "leak"},
	{BGP_ROLE_RS, BGP_ROLE_NONE, OTC("fdf2"), "leak"},
	{BGP_ROLE_PEER, BGP_ROLE_NONE, OTC("fdf2"), OTC("fdf2")},
	{BGP_ROLE_PEER, BGP_ROLE_NONE, OTC("fdfc"), "leak"},
	{BGP_ROLE_CUSTOMER, BGP_ROLE_NONE, OTC("fdfc"), OTC("fdfc")},
	{BGP_ROLE_RS_CLIENT, BGP_ROLE_NONE, OTC("fdfc"), OTC("fdfc")},
	/* marked on the way in: from providers, peers, route servers */
	{BGP_ROLE_CUSTOMER, BGP_ROLE_NONE, "", OTC("fdf2")},
	{BGP_ROLE_PEER, BGP_ROLE_NONE, "", OTC("fdf2")},
	{BGP_ROLE_RS_CLIENT, BGP_ROLE_NONE, "", OTC("fdf2")},
	/* marked on the way out: to customers, peers, clients */
	{BGP_ROLE_NONE, BGP_ROLE_PROVIDER, "", OTC("fde9")},
	{BGP_ROLE_NONE, BGP_ROLE_PEER, "", OTC("fde9")},
	{BGP_ROLE_NONE, BGP_ROLE_RS, "", OTC("fde9")},
	{BGP_ROLE_NONE, BGP_ROLE_PROVIDER, OTC("fdfc"), OTC("fdfc")},
	/* not passed on: to providers, peers, route servers */
	{BGP_ROLE_NONE, BGP_ROLE_CUSTOMER, "", ""},
	{BGP_ROLE_NONE, BGP_ROLE_CUSTOMER, OTC("fdfc"), NULL},
	{BGP_ROLE_NONE, BGP_ROLE_PEER, OTC("fdfc"), NULL},
	{BGP_ROLE_NONE, BGP_ROLE_RS_CLIENT, OTC("fdfc"), NULL},
	/* a provider's routes go to customers, not to another provider */
	{BGP_ROLE_CUSTOMER, BGP_ROLE_CUSTOMER, "", NULL},
	{BGP_ROLE_CUSTOMER, BGP_ROLE_PROVIDER, "", OTC("fdf2")},
	{BGP_ROLE_PROVIDER, BGP_ROLE_CUSTOMER, "", ""},
};

static void only_to_customer(void **state)
{
	const struct otc_row *row = *state;
	struct mesh m = {0};
	struct bgp_peer_conf from = {.role = row->own}, to = {.role = row->towards};
	char attrs[256];
	unsigned int a, b;

	mesh_init(&m);
	a = mesh_peer(&m, AS_A, "", true, &from);
	b = mesh_peer(&m, AS_B, "", true, &to);
	snprintf(attrs, sizeof(attrs), IGP PATH("fdf2") HOP("65") "%s", row->in);
	mesh_announces(&m, a, attrs, NET);
	if (row->out == NULL || strcmp(row->out, "leak") == 0) {
		mesh_told_nothing(&m, b);
		assert_string_equal(mesh_route(&m), row->out == NULL ? "10.0.0.101" : "");
	} else {
		snprintf(attrs, sizeof(attrs), IGP VIA("fdf2") OUR_HOP "%s", row->out);
		mesh_told(&m, b, attrs, NET);
	}
	mesh_free(&m);
}

/* ---- RFC 8950 ---- */

static void ipv4_over_ipv6(void **state)
{
	struct mesh m = {0};
	struct bgp_peer_conf v6 = {.local = hand_addr("fd00::1"), .extended_next_hop = true, .both_families = true};
	unsigned int a, b, c;

	(void)state;
	mesh_init(&m);
	a = mesh_peer(&m, AS_A, EXTENDED_HOP, true, &v6);
	b = mesh_peer(&m, AS_B, EXTENDED_HOP, true, &v6);
	c = mesh_peer(&m, 65030, "", true, NULL);
	mesh_announces(&m, a, IGP PATH("fdf2") "800e19 0001 01 10 fd000000000000000000000000000065 00" NET, "");
	assert_string_equal(mesh_route(&m), "fd00::65");
	mesh_told(&m, b, "800e19 0001 01 10 fd000000000000000000000000000001 00" NET " " IGP VIA("fdf2"), "");
	/* Over IPv4 it is our IPv4 address that goes out. */
	mesh_told(&m, c, IGP VIA("fdf2") OUR_HOP, NET);
	mesh_forget(&m);
	mesh_withdraws(&m, a, NET);
	mesh_told_withdrawn(&m, b, NET);
	mesh_told_withdrawn(&m, c, NET);
	/* A route of an IPv4 peer goes out behind our IPv6 address. */
	mesh_forget(&m);
	mesh_announces(&m, c, IGP "400206 0201 0000fe06 " HOP("65"), NET);
	mesh_told(&m, a, "800e19 0001 01 10 fd000000000000000000000000000001 00" NET " " IGP VIA("fe06"), "");
	mesh_free(&m);
}

/* ---- Link bandwidth ---- */

#define LINK(type, bits) "c01008 " type "04 fde9 " bits " "
#define ONE_G "4cee6b28" /* 125,000,000 octets a second as IEEE 754 */
#define TEN_G "4e9502f9"
#define FORTY_G "4f9502f9" /* more octets a second than 32 bits count */
#define THREE "40400000"
#define NAN_BITS "7fc00000"

static const struct bandwidth_row {
	const char *a, *b, *c;
	const char *hops;
} bandwidth_rows[] = {
	{LINK("40", ONE_G), LINK("40", TEN_G), LINK("00", ONE_G), "10.0.0.101*1 10.0.0.102*10 10.0.0.103*1"},
	{LINK("40", ONE_G), LINK("40", ONE_G), LINK("40", ONE_G), "10.0.0.101 10.0.0.102 10.0.0.103"},
	{LINK("40", ONE_G), LINK("40", TEN_G), "", "10.0.0.101 10.0.0.102 10.0.0.103"},
	{LINK("40", ONE_G), LINK("40", TEN_G), LINK("40", "00000000"), "10.0.0.101 10.0.0.102 10.0.0.103"},
	{LINK("40", ONE_G), LINK("40", TEN_G), LINK("40", NAN_BITS), "10.0.0.101 10.0.0.102 10.0.0.103"},
	{LINK("40", TEN_G), LINK("40", TEN_G), LINK("40", FORTY_G), "10.0.0.101*1 10.0.0.102*1 10.0.0.103*4"},
	/* too far apart to be exact: the smallest there is */
	{LINK("40", THREE), LINK("40", TEN_G), LINK("40", ONE_G), "10.0.0.101*1 10.0.0.102*256 10.0.0.103*26"},
};

static void bandwidth_makes_weights(void **state)
{
	const struct bandwidth_row *row = *state;
	struct mesh m = {0};
	const char *links[] = {row->a, row->b, row->c};
	unsigned int listener;

	mesh_init(&m);
	for (unsigned int i = 0; i < 3; i++)
		(void)mesh_peer(&m, AS_A, "", true, NULL);
	listener = mesh_peer(&m, AS_B, "", true, NULL);
	for (unsigned int i = 0; i < 3; i++) {
		char attrs[256];

		mesh_forget(&m);
		snprintf(attrs, sizeof(attrs), IGP PATH("fdf2") "400304 0a0000%02x %s", 101 + i, links[i]);
		mesh_announces(&m, i, attrs, NET);
		/* Type 0x40 does not leave the AS (RFC 4360 section 2). */
		if (i == 0)
			mesh_told(&m, listener, IGP VIA("fdf2") OUR_HOP, NET);
	}
	assert_string_equal(mesh_route(&m), row->hops);
	mesh_free(&m);
}

/* ---- RFC 8326 ---- */

#define GSHUT "c00804 ffff0000 "

static void graceful_shutdown(void **state)
{
	struct mesh m = {0};
	unsigned int a, b, c, inside;

	(void)state;
	mesh_init(&m);
	a = mesh_peer(&m, AS_A, "", true, NULL);
	b = mesh_peer(&m, AS_B, "", true, NULL);
	c = mesh_peer(&m, 65030, "", true, NULL);
	inside = mesh_peer(&m, MESH_AS, "", true, NULL);
	/* The longer path wins over the one that is about to go. */
	mesh_announces(&m, a, IGP PATH("fdf2") HOP("65") GSHUT, NET);
	mesh_told(&m, inside, IGP PATH("fdf2") HOP("65") "400504 00000000 " GSHUT, NET);
	mesh_announces(&m, b, IGP "40020a 0202 0000fdfc 0000ff00 " HOP("66"), NET);
	assert_string_equal(mesh_route(&m), "10.0.0.102");
	mesh_forget(&m);
	/* We are about to go ourselves: everything once more, marked; and once more when we stay. */
	bgp_peer_graceful_shutdown(m.h.s, c, true, hand_at_ms(++m.ms));
	mesh_told(&m, c, IGP "40020e 0203 0000fde9 0000fdfc 0000ff00 " OUR_HOP GSHUT, NET);
	mesh_told_nothing(&m, a);
	mesh_forget(&m);
	bgp_peer_graceful_shutdown(m.h.s, c, true, hand_at_ms(++m.ms));
	mesh_told_nothing(&m, c);
	mesh_forget(&m);
	bgp_peer_graceful_shutdown(m.h.s, c, false, hand_at_ms(++m.ms));
	mesh_told(&m, c, IGP "40020e 0203 0000fde9 0000fdfc 0000ff00 " OUR_HOP, NET);
	mesh_free(&m);
}

/* ---- RFC 6793 ---- */

#define WIDE 4200000000U /* fa56ea00 */

static void narrow_and_wide(void **state)
{
	struct mesh m = {0};
	unsigned int narrow, wide, narrower;

	(void)state;
	mesh_init(&m);
	narrow = mesh_peer(&m, AS_A, "", false, NULL);
	wide = mesh_peer(&m, WIDE, "", true, NULL);
	narrower = mesh_peer(&m, AS_B, "", false, NULL);
	/* AS_TRANS stands for what AS4_PATH tells; what it does not cover leads (section 4.2.3). */
	mesh_announces(
		&m, narrow,
		IGP "400208 0203 fdf2 5ba0 1234 " HOP("65") "c00706 5ba0 c0000201 "
							    "e0110a 0202 fa56ea01 00001234 e01208 fa56ea02 c0000201 ",
		NET);
	mesh_told(&m, wide, IGP "400212 0204 0000fde9 0000fdf2 fa56ea01 00001234 " OUR_HOP "c00708 fa56ea02 c0000201 ",
		  NET);
	/* And back: AS_TRANS, with the truth beside it. */
	mesh_told(&m, narrower,
		  IGP "40020a 0204 fde9 fdf2 5ba0 1234 " OUR_HOP
		      "c01112 0204 0000fde9 0000fdf2 fa56ea01 00001234 c00706 5ba0 c0000201 c01208 fa56ea02 c0000201 ",
		  NET);
	mesh_free(&m);
}

/* ---- RFC 4271 sections 5 and 9.1.2.2 ---- */

static void unknown_attributes(void **state)
{
	struct mesh m = {0};
	unsigned int a, b;

	(void)state;
	mesh_init(&m);
	a = mesh_peer(&m, AS_A, "", true, NULL);
	b = mesh_peer(&m, AS_B, "", true, NULL);
	/* 200: optional transitive, goes on with Partial; 201: optional, stays. Communities of both ranges. */
	mesh_announces(&m, a,
		       IGP PATH("fdf2") HOP("65") "c01010 0002fde900000001 4002fde900000002 c0c803 010203 80c902 0405",
		       NET);
	mesh_told(&m, b, IGP VIA("fdf2") OUR_HOP "d0100008 0002fde900000001 e0c803 010203", NET);
	mesh_free(&m);
}

static void always_compare_med(void **state)
{
	for (unsigned int always = 0; always < 2; always++) {
		struct mesh m = {.speaker = {.always_compare_med = always, .multipath_relax = true}};

		(void)state;
		mesh_init(&m);
		(void)mesh_peer(&m, AS_A, "", true, NULL);
		(void)mesh_peer(&m, AS_B, "", true, NULL);
		mesh_announces(&m, 0, IGP PATH("fdf2") HOP("65") "800404 00000064 ", NET);
		mesh_announces(&m, 1, IGP PATH("fdfc") HOP("66") "800404 0000000a ", NET);
		assert_string_equal(mesh_route(&m), always ? "10.0.0.102" : "10.0.0.101 10.0.0.102");
		mesh_free(&m);
	}
}

/* RFC 4456 section 9: the shorter CLUSTER_LIST, when the originator is the same. */
static void cluster_lists(void **state)
{
	struct mesh m = {.speaker = {.max_paths = 1}};

	(void)state;
	mesh_init(&m);
	(void)mesh_peer(&m, MESH_AS, "", true, NULL);
	(void)mesh_peer(&m, MESH_AS, "", true, NULL);
	mesh_announces(&m, 0, IGP "400200 " HOP("65") "400504 00000064 800904 0a0000ff 800a08 0a0000fe 0a0000fd ", NET);
	assert_string_equal(mesh_route(&m), "10.0.0.101");
	mesh_announces(&m, 1, IGP "400200 " HOP("66") "400504 00000064 800904 0a0000ff 800a04 0a0000fe ", NET);
	assert_string_equal(mesh_route(&m), "10.0.0.102");
	mesh_free(&m);
}

/* A word at three quarters of the limit, once; the session ends above it (test_messages.c). */
static void near_the_limit(void **state)
{
	struct mesh m = {0};
	struct bgp_peer_conf four = {.max_prefixes = 4};

	(void)state;
	mesh_init(&m);
	(void)mesh_peer(&m, AS_A, "", true, &four);
	mesh_announces(&m, 0, IGP PATH("fdf2") HOP("65"), "18 c63300 18 c63301");
	assert_null(hand_error(&m.h));
	mesh_announces(&m, 0, IGP PATH("fdf2") HOP("65"), "18 c63302");
	assert_string_equal(hand_error(&m.h), "has announced 3 prefixes of the 4 that it may");
	mesh_forget(&m);
	mesh_announces(&m, 0, IGP PATH("fdf2") HOP("65"), "18 c63303");
	assert_null(hand_error(&m.h));
	mesh_free(&m);
}

/* ---- Groups ---- */

/* Peers of one way share the bytes; who told a route does not hear it, and hears of another's that takes its place. */
static void one_encoding_for_all(void **state)
{
	struct mesh m = {0};
	const uint8_t *bytes = NULL;
	const struct bgp_output *outs;
	size_t n, copies = 0;

	(void)state;
	mesh_init(&m);
	for (unsigned int i = 0; i < 6; i++)
		(void)mesh_peer(&m, AS_A + i, "", true, NULL);
	mesh_announces(&m, 5, IGP "400206 0201 0000fdf7 " HOP("65"), NET);
	outs = bgp_outputs(m.h.s, &n);
	for (size_t i = 0; i < n; i++) {
		if (outs[i].kind != BGP_OUT_SEND)
			continue;
		assert_true(bytes == NULL || outs[i].bytes == bytes);
		bytes = outs[i].bytes;
		copies++;
	}
	assert_int_equal(copies, 5);
	mesh_told_nothing(&m, 5);
	mesh_forget(&m);
	mesh_announces(&m, 0, IGP PATH("fdf2") HOP("66"), NET);
	mesh_told_withdrawn(&m, 0, NET);
	mesh_told(&m, 5, IGP VIA("fdf2") OUR_HOP, NET);
	mesh_told(&m, 3, IGP VIA("fdf2") OUR_HOP, NET);
	mesh_free(&m);
}

/* A router that originates for some peers alone: each gets what is its own, before and after. */
static void originated_for_some(void **state)
{
	struct mesh m = {0};
	const bgp_peer_id first = 0;
	struct bgp_originated all = {.prefix = hand_prefix("198.51.100.0/24")};
	struct bgp_originated some[] = {all,
					{.prefix = hand_prefix("203.0.113.0/24"), .peers = &first, .peer_count = 1}};

	(void)state;
	mesh_init(&m);
	(void)mesh_peer(&m, AS_A, "", true, NULL);
	(void)mesh_peer(&m, AS_B, "", true, NULL);
	bgp_originate(m.h.s, &all, 1);
	bgp_routes_commit(m.h.s, hand_at_ms(++m.ms));
	mesh_told(&m, 0, IGP PATH("fde9") OUR_HOP, NET);
	mesh_told(&m, 1, IGP PATH("fde9") OUR_HOP, NET);
	mesh_forget(&m);
	bgp_originate(m.h.s, some, 2);
	bgp_routes_commit(m.h.s, hand_at_ms(++m.ms));
	mesh_told(&m, 0, IGP PATH("fde9") OUR_HOP, OTHER_NET);
	mesh_told_nothing(&m, 1);
	mesh_forget(&m);
	bgp_originate(m.h.s, &some[1], 1);
	bgp_routes_commit(m.h.s, hand_at_ms(++m.ms));
	mesh_told_withdrawn(&m, 0, NET);
	mesh_told_withdrawn(&m, 1, NET);
	mesh_free(&m);
}

#define ROW(test, rows, i)                                                                                             \
	{                                                                                                              \
#test " " #i, test, NULL, NULL, (void *)(uintptr_t) & (rows)[i]                                        \
	}
#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(add_path_in),		cmocka_unit_test(lower_path_identifier),
		cmocka_unit_test(add_path_out),		cmocka_unit_test(ipv4_over_ipv6),
		cmocka_unit_test(graceful_shutdown),	cmocka_unit_test(narrow_and_wide),
		cmocka_unit_test(unknown_attributes),	cmocka_unit_test(always_compare_med),
		cmocka_unit_test(cluster_lists),	cmocka_unit_test(near_the_limit),
		cmocka_unit_test(one_encoding_for_all), cmocka_unit_test(originated_for_some),
	};
	struct CMUnitTest rows[COUNT(otc_rows) + COUNT(bandwidth_rows)];
	size_t n = 0;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	for (size_t i = 0; i < COUNT(otc_rows); i++)
		rows[n++] = (struct CMUnitTest)ROW(only_to_customer, otc_rows, i);
	for (size_t i = 0; i < COUNT(bandwidth_rows); i++)
		rows[n++] = (struct CMUnitTest)ROW(bandwidth_makes_weights, bandwidth_rows, i);
	return failed + cmocka_run_group_tests(rows, NULL, NULL);
}
