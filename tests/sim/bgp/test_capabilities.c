/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What OPENs offer and what comes of it: RFC 5492, 9072, 6793, 7607, 7911, 8654, 8950, 9234; bytes typed from the RFCs. */
#include "router.h"

#include <stdio.h>
#include <string.h>

/* Each configuration's OPEN, octet for octet. */
static const struct offer {
	const char *name;
	struct bgp_peer_conf peer;
	enum bgp_profile profile;
	bool restarting;
	const char *extra, *none; /* raw capabilities, and codes left out */
	const char *open;	  /* behind the marker */
} offers[] = {
	{.name = "standard",
	 .open = "003b 01 04 fde9 005a 0a000001 1e 02 1c 0104 00010001 0104 00020001 0200 0600 4002 0000 4104 0000fde9 "
		 "4600"},
	{.name = "everything",
	 .peer = {.role = BGP_ROLE_CUSTOMER,
		  .extended_next_hop = true,
		  .add_path_v4 = BGP_ADD_PATH_BOTH,
		  .add_path_v6 = BGP_ADD_PATH_SEND,
		  .restart = {.on = true, .forwarding = true, .notification = true, .long_lived_s = 3600}},
	 .extra = "fe02abcd",
	 .open = "006c 01 04 fde9 005a 0a000001 4f 02 4d 0104 00010001 0104 00020001 0200 0506 0001 0001 0002 0600 "
		 "0901 03"
		 "400a 4078 00010180 00020180 4104 0000fde9 4508 00010103 00020102 4600"
		 "470e 0001 01 80 000e10 0002 01 80 000e10 fe02abcd"},
	{.name = "restarting, nothing preserved",
	 .peer = {.restart = {.on = true, .time_s = 10}},
	 .restarting = true,
	 .open = "0043 01 04 fde9 005a 0a000001 26 02 24 0104 00010001 0104 00020001 0200 0600 400a 800a 00010100 "
		 "00020100"
		 "4104 0000fde9 4600"},
	{.name = "another AS and identifier for this peer",
	 .peer = {.local_as = 65536, .router_id = 0x01020304},
	 .open = "003b 01 04 5ba0 005a 01020304 1e 02 1c 0104 00010001 0104 00020001 0200 0600 4002 0000 4104 00010000 "
		 "4600"},
	{.name = "roles are for external peers",
	 .peer = {.remote_as = ROUTER_AS, .role = BGP_ROLE_PEER},
	 .open = "003b 01 04 fde9 005a 0a000001 1e 02 1c 0104 00010001 0104 00020001 0200 0600 4002 0000 4104 0000fde9 "
		 "4600"},
	{.name = "four left out", .none = "41 46 40 01", .open = "0023 01 04 fde9 005a 0a000001 06 02 04 0200 0600"},
	{.name = "all left out", .none = "41 46 40 01 02 06", .open = "001d 01 04 fde9 005a 0a000001 00"},
	/* Taken from FRR 8.4.4 on Debian 12 itself, host "vm", just started (R bit). */
	{.name = "MetalLB with FRR",
	 .profile = BGP_PROFILE_METALLB_FRR,
	 .restarting = true,
	 .open = "005e 01 04 fde9 005a 0a000001 41 0206 0104 00010001 0202 8000 0202 0200 0202 4600 0206 4104 0000fde9"
		 "0202 0600 0206 4504 00010101 0206 4904 02 766d 00 0204 4002 c078 0209 4707 00010180 000000"},
	{.name = "MetalLB with FRR, role and graceful restart",
	 .peer = {.role = BGP_ROLE_PROVIDER, .restart = {.on = true, .forwarding = true, .notification = true}},
	 .profile = BGP_PROFILE_METALLB_FRR,
	 .restarting = true,
	 .open = "0067 01 04 fde9 005a 0a000001 4a 0206 0104 00010001 0202 8000 0202 0200 0202 4600 0206 4104 0000fde9"
		 "0202 0600 0203 0901 00 0206 4504 00010101 0206 4904 02 766d 00 0208 4006 c078 00010180"
		 "0209 4707 00010180 000000"},
	{.name = "MetalLB with FRR, both families",
	 .peer = {.both_families = true},
	 .profile = BGP_PROFILE_METALLB_FRR,
	 .open = "0071 01 04 fde9 005a 0a000001 54 0206 0104 00010001 0206 0104 00020001 0202 8000 0202 0200 0202 4600"
		 "0206 4104 0000fde9 0202 0600 020a 4508 00010101 00020101 0206 4904 02 766d 00 0204 4002 4078"
		 "0210 470e 00010180 000000 00020180 000000"},
};

static void test_offer(void **state)
{
	const struct offer *o = *state;
	struct router r = {.peer = o->peer,
			   .speaker = {.profile = o->profile, .restarting = o->restarting, .hostname = "vm"}};
	uint8_t extra[64], none[64], want[256], got[256];
	char hex[512] = MARKER;
	struct addr local = hand_addr("10.0.0.1");

	r.peer.extra_capabilities = extra;
	r.peer.extra_capabilities_len = support_hex(o->extra != NULL ? o->extra : "", extra, sizeof(extra));
	r.peer.no_capabilities = none;
	r.peer.no_capabilities_count = support_hex(o->none != NULL ? o->none : "", none, sizeof(none));
	router_init(&r);
	if (o->profile == BGP_PROFILE_METALLB_FRR) {
		bgp_peer_start(r.h.s, 0, hand_at_ms(0));
		bgp_in_connected(r.h.s, hand_next(&r.h, BGP_OUT_CONNECT).conn, &local, hand_at_ms(1));
	} else {
		router_dial(&r);
	}
	strncat(hex, o->open, sizeof(hex) - strlen(hex) - 1);
	support_bytes_equal(got, router_sent_open(&r, got, sizeof(got)), want, support_hex(hex, want, sizeof(want)));
	router_free(&r);
}

/* RFC 9072: more than 255 octets of parameters, both ways; and unknown capabilities are no obstacle. */
static void test_long_open(void **state)
{
	struct router r = {0};
	uint8_t extra[300] = {200, 253}, open[512];
	size_t n;

	(void)state;
	extra[255] = 201;
	extra[256] = 43;
	r.peer.extra_capabilities = extra;
	r.peer.extra_capabilities_len = sizeof(extra);
	router_init(&r);
	router_dial(&r);
	n = router_sent_open(&r, open, sizeof(open));
	assert_int_equal(n, 29 + 6 + 28 + 300);
	assert_memory_equal(open + 28, "\xff\xff\x01\x4b\x02\x01\x48", 7);
	/* Lengths that lie are refused. */
	router_says(&r, MARKER "0036 01 04 fdea 005a 0a000002 ff ff 001a 02 0017"
			       "0104 00010001 fe03 010203 c800 4104 0000fdea");
	assert_int_equal(router_state(&r), BGP_IDLE);
	router_free(&r);

	router_init(&r);
	router_dial(&r);
	router_says(&r, MARKER "0036 01 04 fdea 005a 0a000002 ff ff 0016 02 0013"
			       "0104 00010001 fe03 010203 c800 4104 0000fdea");
	router_says(&r, KEEPALIVE);
	assert_int_equal(router_state(&r), BGP_ESTABLISHED);
	router_free(&r);
}

/* RFC 5492 section 3: who does not know optional parameters is talked to without. */
static void test_plain_retry(void **state)
{
	struct router r = {0};
	uint8_t open[256];

	(void)state;
	router_init(&r);
	router_dial(&r);
	assert_int_equal(router_sent_open(&r, open, sizeof(open)), 59);
	router_says(&r, MARKER "0015 03 02 04");
	(void)hand_next(&r.h, BGP_OUT_CLOSE);
	router_wait(&r, 1000);
	router_dial(&r);
	assert_int_equal(router_sent_open(&r, open, sizeof(open)), 29);
	router_says(&r, MARKER "001d 01 04 fdea 005a 0a000002 00");
	router_says(&r, KEEPALIVE);
	assert_int_equal(router_state(&r), BGP_ESTABLISHED);
	assert_false(bgp_peer_info(r.h.s, 0).as4);
	router_free(&r);
}

#define OK ""
#define ROLE_MISMATCH MARKER "0015 03 02 0b"

/* RFC 9234 section 4.2, table 2: ours down, the peer's capability across. */
static const struct pair {
	enum bgp_role ours;
	bool strict;
	const char *fits, *nothing;
} pairs[] = {
	{BGP_ROLE_NONE, false, NULL, OK},
	{BGP_ROLE_NONE, true, NULL, OK},
	{BGP_ROLE_PROVIDER, false, "0901 03", OK},
	{BGP_ROLE_RS, false, "0901 02", OK},
	{BGP_ROLE_RS_CLIENT, false, "0901 01", OK},
	{BGP_ROLE_CUSTOMER, false, "0901 00", OK},
	{BGP_ROLE_PEER, false, "0901 04", OK},
	{BGP_ROLE_PROVIDER, true, "0901 03", ROLE_MISMATCH},
	{BGP_ROLE_CUSTOMER, true, "0901 00", ROLE_MISMATCH},
};

static void role_is(const struct pair *pair, const char *capability, const char *notification)
{
	struct router r = {.peer = {.role = pair->ours, .role_strict = pair->strict}};
	uint8_t open[256];

	router_init(&r);
	router_dial(&r);
	(void)router_sent_open(&r, open, sizeof(open));
	router_open(&r, capability);
	if (notification[0] == '\0') {
		assert_int_equal(router_state(&r), BGP_ESTABLISHED);
	} else {
		hand_sent(&r.h, notification);
		(void)hand_next(&r.h, BGP_OUT_CLOSE);
		assert_int_equal(router_state(&r), BGP_IDLE);
	}
	router_free(&r);
}

static void test_roles(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		role_is(&pairs[i], "", pairs[i].nothing);
		for (unsigned int theirs = 0; theirs <= 5; theirs++) {
			char capability[16];
			bool fits;

			snprintf(capability, sizeof(capability), "0901 %02x", theirs);
			fits = pairs[i].fits == NULL || strcmp(capability, pairs[i].fits) == 0;
			role_is(&pairs[i], capability, fits ? OK : ROLE_MISMATCH);
		}
	}
}

/* RFC 7911 section 4: one end sends what the other receives; values beyond 3 are ignored. */
static void test_add_path(void **state)
{
	static const uint8_t values[] = {0, 1, 2, 3, 7};

	(void)state;
	for (unsigned int ours = 0; ours <= 3; ours++) {
		for (size_t i = 0; i < sizeof(values); i++) {
			unsigned int theirs = values[i];
			struct router r = {.peer = {.add_path_v4 = (enum bgp_add_path)ours}};
			unsigned int valid = theirs <= 3 ? theirs : 0;
			unsigned int mirrored = (valid & 1) << 1 | valid >> 1;
			char capability[32];

			snprintf(capability, sizeof(capability), "4504 000101%02x", theirs);
			router_init(&r);
			router_up(&r, capability);
			assert_int_equal(bgp_peer_info(r.h.s, 0).add_path_v4, ours & mirrored);
			assert_int_equal(bgp_peer_info(r.h.s, 0).add_path_v6, 0);
			router_free(&r);
		}
	}
}

static void test_agreed(void **state)
{
	struct router r = {.peer = {.extended_next_hop = true, .restart = {.on = true, .notification = true}}};
	struct bgp_peer_info info;

	(void)state;
	router_init(&r);
	router_up(&r, "0200 4600 0600 0506 0001 0001 0002 4006 4078 00010180");
	info = bgp_peer_info(r.h.s, 0);
	assert_int_equal(info.remote_as, PEER_AS);
	assert_int_equal(info.remote_id, PEER_ID);
	assert_int_equal(info.hold_s, 90);
	assert_true(info.as4 && info.route_refresh && info.enhanced_refresh && info.extended_message);
	assert_true(info.extended_next_hop && info.ipv4 && !info.ipv6);
	assert_true(info.graceful_restart && info.notification_restart);
	router_lost(&r);
	assert_int_equal(bgp_peer_info(r.h.s, 0).hold_s, 0);
	router_free(&r);

	/* What the peer offers alone is not agreed on. */
	r.peer.extended_next_hop = false;
	r.peer.restart.on = false;
	r.peer.no_capabilities = (const uint8_t *)"\x06\x46\x41";
	r.peer.no_capabilities_count = 3;
	router_init(&r);
	router_up(&r, "0200 4600 0600 0506 0001 0001 0002 4006 4078 00010180");
	info = bgp_peer_info(r.h.s, 0);
	assert_false(info.as4 || info.enhanced_refresh || info.extended_message || info.extended_next_hop);
	assert_false(info.graceful_restart);
	router_free(&r);
}

/* RFC 8654 section 4: who offers it takes 4,097 octets, whether or not the peer would. */
static void test_extended_message(void **state)
{
	uint8_t update[4097] = {0};

	(void)state;
	memset(update, 0xff, 16);
	update[16] = 0x10;
	update[17] = 0x01;
	update[18] = WIRE_UPDATE;
	/* Withdrawn routes: 1,018 times 0.0.0.0/24, and one of /8. */
	update[19] = (4097 - 23) >> 8;
	update[20] = (4097 - 23) & 0xff;
	for (size_t at = 21; at + 4 < 4095; at += 4)
		update[at] = 24;
	update[4093] = 8;
	for (unsigned int offered = 0; offered < 4; offered++) {
		struct router r = {0};

		r.peer.no_capabilities = (const uint8_t *)"\x06";
		r.peer.no_capabilities_count = (offered & 1) != 0 ? 0 : 1;
		router_init(&r);
		router_up(&r, (offered & 2) != 0 ? "0600" : "");
		bgp_in_bytes(r.h.s, r.conn, update, sizeof(update), hand_at_ms(10));
		assert_int_equal(router_state(&r), (offered & 1) != 0 ? BGP_ESTABLISHED : BGP_IDLE);
		router_free(&r);
	}
}

/* Which AS will do; RFC 7607: never 0. */
static const struct as_row {
	const char *name;
	enum bgp_as_kind kind;
	uint32_t as;
	const char *open, *notification;
} as_rows[] = {
	{"given", BGP_AS_GIVEN, 65002, "fdea", OK},
	{"other", BGP_AS_GIVEN, 65002, "fdeb", MARKER "0015 03 02 02"},
	{"AS 0", BGP_AS_EXTERNAL, 0, "0000", MARKER "0015 03 02 02"},
	{"internal", BGP_AS_INTERNAL, 0, "fde9", OK},
	{"not internal", BGP_AS_INTERNAL, 0, "fdea", MARKER "0015 03 02 02"},
	{"external", BGP_AS_EXTERNAL, 0, "fdea", OK},
	{"not external", BGP_AS_EXTERNAL, 0, "fde9", MARKER "0015 03 02 02"},
};

static void test_as(void **state)
{
	const struct as_row *row = *state;
	struct router r = {.peer = {.as_kind = row->kind, .remote_as = row->as}};
	uint8_t open[256];
	char hex[128];

	router_init(&r);
	router_dial(&r);
	(void)router_sent_open(&r, open, sizeof(open));
	snprintf(hex, sizeof(hex), MARKER "001d 01 04 %s 005a 0a000002 00", row->open);
	router_says(&r, hex);
	hand_sent(&r.h, row->notification[0] != '\0' ? row->notification : KEEPALIVE);
	router_free(&r);
}

#define ROW(fn, table, i)                                                                                              \
	{                                                                                                              \
		(table)[i].name, fn, NULL, NULL, (void *)(uintptr_t) & (table)[i]                                      \
	}

int main(void)
{
	struct CMUnitTest rows[32];
	size_t n = 0;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_long_open), cmocka_unit_test(test_plain_retry),
		cmocka_unit_test(test_roles),	  cmocka_unit_test(test_add_path),
		cmocka_unit_test(test_agreed),	  cmocka_unit_test(test_extended_message),
	};

	for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++)
		rows[n++] = (struct CMUnitTest)ROW(test_offer, offers, i);
	for (size_t i = 0; i < sizeof(as_rows) / sizeof(as_rows[0]); i++)
		rows[n++] = (struct CMUnitTest)ROW(test_as, as_rows, i);
	return cmocka_run_group_tests(tests, NULL, NULL) + _cmocka_run_group_tests("OPENs", rows, n, NULL, NULL);
}
