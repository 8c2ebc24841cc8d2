/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each error of RFC 4271 section 6.3, with what RFC 7606 makes of it. */
#include "message.h"

#include <string.h>

#define O "40010100 "
#define P "400206 0201 000055f0 "
#define H "400304 0a000001 "
#define NLRI "20 ac10fe01"
#define REACH "800e1e 0002 01 10 20010db8000000000000000000000001 00 40 20010db800000001 "

enum { OK = WIRE_OK, DISCARD = WIRE_ATTRIBUTE_DISCARD, WITHDRAW = WIRE_TREAT_AS_WITHDRAW, RESET = WIRE_RESET };

struct attr_row {
	const char *name;
	const char *attrs;
	const char *nlri;
	int treat;
	uint8_t subcode;
	const char *data;
	const char *clause;
};

static void check_attr_row(const struct attr_row *row, const struct wire_session *session)
{
	struct message m = update_with(row->attrs, row->nlri);
	struct wire_update u;
	struct wire_err e = wire_update_decode(message_view(&m), session, &u);
	uint8_t data[128];
	size_t data_len = support_hex(row->data, data, sizeof(data));

	if ((int)e.treat != row->treat || e.subcode != row->subcode)
		fail_msg("%s: treat %d, subcode %u (%s)", row->name, (int)e.treat, e.subcode, e.clause);
	if (e.treat == WIRE_OK)
		return;
	assert_int_equal(e.code, WIRE_ERR_UPDATE);
	if (strcmp(e.clause, row->clause) != 0)
		fail_msg("%s: %s", row->name, e.clause);
	support_bytes_equal(e.data, e.data_len, data, data_len);
	if (e.treat == WIRE_TREAT_AS_WITHDRAW) /* what is to be withdrawn can be read */
		assert_true(wire_left(&u.nlri.bytes) + wire_left(&u.mp_nlri.bytes) + wire_left(&u.mp_withdrawn.bytes) >
			    0);
}

static const struct attr_row four_octet_rows[] = {
	{"all well", O P H, NLRI, OK, 0, "", ""},
	{"ORIGIN of 2 octets", "4001020000" P H, NLRI, WITHDRAW, 5, "4001020000", "RFC 7606 section 7.1"},
	{"ORIGIN of 0 octets", "400100" P H, NLRI, WITHDRAW, 5, "400100", "RFC 7606 section 7.1"},
	{"ORIGIN 3", "40010103" P H, NLRI, WITHDRAW, 6, "40010103", "RFC 7606 section 7.1"},
	{"AS_PATH, unknown segment", O "400206 0501 000055f0" H, NLRI, WITHDRAW, 11, "", "RFC 7606 section 7.2"},
	{"AS_PATH, segment type 0", O "400206 0001 000055f0" H, NLRI, WITHDRAW, 11, "", "RFC 7606 section 7.2"},
	{"AS_PATH, segment overrun", O "400206 0202 000055f0" H, NLRI, WITHDRAW, 11, "", "RFC 7606 section 7.2"},
	{"AS_PATH, segment underrun", O "400207 0201 000055f0 02" H, NLRI, WITHDRAW, 11, "", "RFC 7606 section 7.2"},
	{"AS_PATH, empty segment", O "400208 0201 000055f0 0200" H, NLRI, WITHDRAW, 11, "", "RFC 7606 section 7.2"},
	{"AS_PATH, AS 0 (RFC 7607)", O "400206 0201 00000000" H, NLRI, WITHDRAW, 11, "", "RFC 7606 section 7.2"},
	{"AS_PATH of two octets an AS", O "400204 0201 55f0" H, NLRI, WITHDRAW, 11, "", "RFC 7606 section 7.2"},
	{"NEXT_HOP of 3", O P "400303 0a0000", NLRI, WITHDRAW, 5, "400303 0a0000", "RFC 7606 section 7.3"},
	{"NEXT_HOP of 16", O P "400310 20010db8000000000000000000000001", NLRI, WITHDRAW, 5,
	 "400310 20010db8000000000000000000000001", "RFC 7606 section 7.3"},
	{"NEXT_HOP 0.0.0.0", O P "400304 00000000", NLRI, WITHDRAW, 8, "400304 00000000", "RFC 7606 section 7.3"},
	{"NEXT_HOP 224.0.0.5", O P "400304 e0000005", NLRI, WITHDRAW, 8, "400304 e0000005", "RFC 7606 section 7.3"},
	{"NEXT_HOP 255.255.255.255", O P "400304 ffffffff", NLRI, WITHDRAW, 8, "400304 ffffffff",
	 "RFC 7606 section 7.3"},
	{"MED of 3", O P H "800403 000000", NLRI, WITHDRAW, 5, "800403 000000", "RFC 7606 section 7.4"},
	{"LOCAL_PREF of 5", O P H "400505 0000000000", NLRI, WITHDRAW, 5, "400505 0000000000", "RFC 7606 section 7.5"},
	{"ATOMIC_AGGREGATE of 1", O P H "400601 00", NLRI, DISCARD, 5, "400601 00", "RFC 7606 section 7.6"},
	{"AGGREGATOR of 6", O P H "c00706 55f0 0a000009", NLRI, DISCARD, 5, "c00706 55f0 0a000009",
	 "RFC 7606 section 7.7"},
	{"AGGREGATOR, AS 0", O P H "c00708 00000000 0a000009", NLRI, DISCARD, 9, "c00708 00000000 0a000009",
	 "RFC 7606 section 7.7"},
	{"COMMUNITIES of 5", O P H "c00805 fde8006400", NLRI, WITHDRAW, 5, "c00805 fde8006400", "RFC 7606 section 7.8"},
	{"COMMUNITIES of 0", O P H "c00800", NLRI, WITHDRAW, 5, "c00800", "RFC 7606 section 7.8"},
	{"ORIGINATOR_ID of 3", O P H "800903 0a0000", NLRI, WITHDRAW, 5, "800903 0a0000", "RFC 7606 section 7.9"},
	{"CLUSTER_LIST of 3", O P H "800a03 0a0000", NLRI, WITHDRAW, 5, "800a03 0a0000", "RFC 7606 section 7.10"},
	{"CLUSTER_LIST of 0", O P H "800a00", NLRI, WITHDRAW, 5, "800a00", "RFC 7606 section 7.10"},
	{"EXTENDED COMMUNITIES of 7", O P H "c01007 0002fde8000000", NLRI, WITHDRAW, 5, "c01007 0002fde8000000",
	 "RFC 7606 section 7.14"},
	{"IPV6 EXTENDED COMMUNITIES of 20", O P H "c01914 000220010db8000000000000000000000001 0064", NLRI, OK, 0, "",
	 ""},
	{"IPV6 EXTENDED COMMUNITIES of 8", O P H "c01908 000220010db80000", NLRI, WITHDRAW, 5,
	 "c01908 000220010db80000", "RFC 7606 section 7.15"},
	{"IPV6 EXTENDED COMMUNITIES of 0", O P H "c01900", NLRI, WITHDRAW, 5, "c01900", "RFC 7606 section 7.15"},
	{"AIGP", O P H "801a0b 01000b 0000000000000064", NLRI, OK, 0, "", ""},
	{"AIGP, two TLVs, one unknown", O P H "801a0f 01000b 0000000000000064 ff000400", NLRI, OK, 0, "", ""},
	{"AIGP, TLV shorter than its head", O P H "801a03 010002", NLRI, DISCARD, 9, "801a03 010002",
	 "RFC 7311 section 3.2"},
	{"AIGP, TLV beyond it", O P H "801a04 ff000500", NLRI, DISCARD, 9, "801a04 ff000500", "RFC 7311 section 3.2"},
	{"AIGP, metric of 4", O P H "801a07 010007 00000064", NLRI, DISCARD, 9, "801a07 010007 00000064",
	 "RFC 7311 section 3.2"},
	{"AIGP, half a TLV", O P H "801a02 0100", NLRI, DISCARD, 9, "801a02 0100", "RFC 7311 section 3.2"},
	{"PMSI TUNNEL is not read", O P H "c01600", NLRI, OK, 0, "", ""},
	{"TUNNEL ENCAPSULATION is not read", O P H "c01701 00", NLRI, OK, 0, "", ""},
	{"BGP-LS is not read", O P H "801d03 040100", NLRI, OK, 0, "", ""},
	{"BGPsec_PATH is not read", O P H "802102 0000", NLRI, OK, 0, "", ""},
	{"AS_PATH with a confederation's segment", O "40020c 0301 0000fde8 0201 000055f0" H, NLRI, OK, 0, "", ""},
	{"LARGE_COMMUNITY of 0", O P H "c02000", NLRI, WITHDRAW, 5, "c02000", "RFC 8092 section 6"},
	{"OTC not transitive", O P H "802304 0000fde8", NLRI, WITHDRAW, 4, "802304 0000fde8", "RFC 7606 section 3 (c)"},
	{"NEXT_HOP of 0", O P "400300", NLRI, WITHDRAW, 5, "400300", "RFC 7606 section 7.3"},
	{"EXTENDED COMMUNITIES of 0", O P H "c01000", NLRI, WITHDRAW, 5, "c01000", "RFC 7606 section 7.14"},
	{"LARGE_COMMUNITY of 8", O P H "c02008 0000fde800000001", NLRI, WITHDRAW, 5, "c02008 0000fde800000001",
	 "RFC 8092 section 6"},
	{"OTC of 2", O P H "c02302 fde8", NLRI, WITHDRAW, 5, "c02302 fde8", "RFC 9234 section 5"},
	{"AS4_PATH between new speakers", O P H "c01106 0201 000055f0", NLRI, DISCARD, 9, "c01106 0201 000055f0",
	 "RFC 6793 section 4.1"},
	{"AS4_AGGREGATOR between new speakers", O P H "c01208 000055f0 0a000009", NLRI, DISCARD, 9,
	 "c01208 000055f0 0a000009", "RFC 6793 section 4.1"},
	{"MP_REACH, next hop of 15", O P "800e15 0002 01 0f 20010db80000000000000000000000 00 00", "", RESET, 9,
	 "800e15 0002 01 0f 20010db80000000000000000000000 00 00", "RFC 7606 section 7.11"},
	{"MP_REACH, IPv6 behind 4 octets", O P "800e0a 0002 01 04 0a000001 00 00", "", RESET, 9,
	 "800e0a 0002 01 04 0a000001 00 00", "RFC 7606 section 7.11"},
	{"MP_REACH, next hop of 24", O P "800e1e 0002 01 18 20010db8000000000000000000000001 fe80000000000000 00 00",
	 "", RESET, 9, "800e1e 0002 01 18 20010db8000000000000000000000001 fe80000000000000 00 00",
	 "RFC 7606 section 7.11"},
	{"MP_REACH of 4", O P "800e04 0002 01 00", "", RESET, 9, "800e04 0002 01 00", "RFC 7606 section 7.11"},
	{"MP_REACH, next hop beyond it", O P "800e05 0002 01 10 00", "", RESET, 9, "800e05 0002 01 10 00",
	 "RFC 7606 section 7.11"},
	{"MP_REACH, prefix of 129", O P "800e16 0002 01 10 20010db8000000000000000000000001 00 81", "", RESET, 9,
	 "800e16 0002 01 10 20010db8000000000000000000000001 00 81", "RFC 7606 section 7.11"},
	{"MP_REACH, cut prefix", O P "800e17 0002 01 10 20010db8000000000000000000000001 00 40 20", "", RESET, 9,
	 "800e17 0002 01 10 20010db8000000000000000000000001 00 40 20", "RFC 7606 section 7.11"},
	{"MP_UNREACH of 2", "800f02 0002", "", RESET, 9, "800f02 0002", "RFC 7606 section 7.12"},
	{"MP_UNREACH, cut prefix", "800f05 0002 01 40 20", "", RESET, 9, "800f05 0002 01 40 20",
	 "RFC 7606 section 7.12"},
	{"MP_REACH twice", O P REACH REACH, "", RESET, 1, "", "RFC 7606 section 3 (g)"},
	{"MED twice", O P H "80040400000001 80040400000002", NLRI, DISCARD, 1, "", "RFC 7606 section 3 (g)"},
	{"unknown attribute twice", O P H "c0fe00 c0fe00", NLRI, DISCARD, 1, "", "RFC 7606 section 3 (g)"},
	{"ORIGIN optional", "c0010100" P H, NLRI, WITHDRAW, 4, "c0010100", "RFC 7606 section 3 (c)"},
	{"ORIGIN not transitive", "00010100" P H, NLRI, WITHDRAW, 4, "00010100", "RFC 7606 section 3 (c)"},
	{"MED transitive", O P H "c0040400000001", NLRI, WITHDRAW, 4, "c0040400000001", "RFC 7606 section 3 (c)"},
	{"COMMUNITIES not transitive", O P H "800804 fde80064", NLRI, WITHDRAW, 4, "800804 fde80064",
	 "RFC 7606 section 3 (c)"},
	{"MP_REACH transitive", O P "c00e1e 0002 01 10 20010db8000000000000000000000001 00 40 20010db800000001", "",
	 WITHDRAW, 4, "c00e1e 0002 01 10 20010db8000000000000000000000001 00 40 20010db800000001",
	 "RFC 7606 section 3 (c)"},
	{"MP_UNREACH transitive, alone", "c00f0c 0002 01 40 20010db800000002", "", WITHDRAW, 4,
	 "c00f0c 0002 01 40 20010db800000002", "RFC 7606 section 3 (c)"},
	{"no ORIGIN", P H, NLRI, WITHDRAW, 3, "01", "RFC 7606 section 3 (d)"},
	{"no AS_PATH", O H, NLRI, WITHDRAW, 3, "02", "RFC 7606 section 3 (d)"},
	{"no NEXT_HOP", O P, NLRI, WITHDRAW, 3, "03", "RFC 7606 section 3 (d)"},
	{"no attribute at all", "", NLRI, WITHDRAW, 3, "01", "RFC 7606 section 3 (d)"},
	{"no NEXT_HOP beside MP_REACH", O P REACH, "", OK, 0, "", ""},
	{"no AS_PATH beside MP_REACH", O REACH, "", WITHDRAW, 3, "02", "RFC 7606 section 3 (d)"},
	{"unknown well-known attribute", O P H "40fe00", NLRI, RESET, 2, "40fe00", "RFC 4271 section 6.3"},
	{"unknown optional attribute", O P H "80fe00", NLRI, OK, 0, "", ""},
	{"attribute beyond the list", O P H "c00808 fde80064", NLRI, WITHDRAW, 1, "", "RFC 7606 section 4"},
	{"half an attribute header", O P H "40", NLRI, WITHDRAW, 1, "", "RFC 7606 section 4"},
	{"half an extended length", O P H "500400", NLRI, WITHDRAW, 1, "", "RFC 7606 section 4"},
	{"the first of two withdrawals counts", "40010103" P "400303 0a0000", NLRI, WITHDRAW, 6, "40010103",
	 "RFC 7606 section 7.1"},
	{"a reset outweighs a withdrawal", "40010103" P H "40fe00", NLRI, RESET, 2, "40fe00", "RFC 4271 section 6.3"},
	{"a withdrawal outweighs a discard", O P H "400601 00 800403 000000", NLRI, WITHDRAW, 5, "800403 000000",
	 "RFC 7606 section 7.4"},
	{"no routes, nothing to withdraw", "40010103" P H, "", RESET, 6, "40010103", "RFC 7606 section 5.2"},
	{"no routes, a discard", O P H "400601 00", "", DISCARD, 5, "400601 00", "RFC 7606 section 7.6"},
	{"no routes, an overrun may hide them", O P "800e30 0002", "", RESET, 1, "", "RFC 7606 section 5.2"},
	{"NLRI of 33", O P H, "21 ac10fe01 00", RESET, 10, "", "RFC 7606 section 5.3"},
	{"NLRI of 12 and 8", O P H, "0c c0a0 08 0a", OK, 0, "", ""},
	{"NLRI of 9, cut", O P H, "09 c0", RESET, 10, "", "RFC 7606 section 5.3"},
	{"NLRI cut", O P H, "20 ac10fe", RESET, 10, "", "RFC 7606 section 5.3"},
};

static void each_error_has_its_treatment(void **state)
{
	static const struct wire_session session = {.as4 = true};

	(void)state;
	for (size_t i = 0; i < sizeof(four_octet_rows) / sizeof(four_octet_rows[0]); i++)
		check_attr_row(&four_octet_rows[i], &session);
}

#define P2 "400204 0201 55f0 "

static const struct attr_row two_octet_rows[] = {
	{"all well", O P2 H, NLRI, OK, 0, "", ""},
	{"AGGREGATOR of 8", O P2 H "c00708 000055f0 0a000009", NLRI, DISCARD, 5, "c00708 000055f0 0a000009",
	 "RFC 7606 section 7.7"},
	{"AS4_PATH", O P2 H "c01106 0201 000055f0", NLRI, OK, 0, "", ""},
	{"AS4_PATH, empty", O P2 H "c01100", NLRI, DISCARD, 9, "c01100", "RFC 6793 section 6"},
	{"AS4_PATH, cut", O P2 H "c01105 0201 000055", NLRI, DISCARD, 9, "c01105 0201 000055", "RFC 6793 section 6"},
	{"AS4_PATH, AS 0", O P2 H "c01106 0201 00000000", NLRI, DISCARD, 9, "c01106 0201 00000000",
	 "RFC 6793 section 6"},
	{"AS4_AGGREGATOR of 6", O P2 H "c01206 55f0 0a000009", NLRI, DISCARD, 5, "c01206 55f0 0a000009",
	 "RFC 6793 section 6"},
	{"AS4_AGGREGATOR, AS 0", O P2 H "c01208 00000000 0a000009", NLRI, DISCARD, 9, "c01208 00000000 0a000009",
	 "RFC 6793 section 6"},
};

/* From another AS these mean nothing, well formed or not (RFC 7606 sections 7.5, 7.9 and 7.10). */
static const struct attr_row external_rows[] = {
	{"all well", O P H, NLRI, OK, 0, "", ""},
	{"LOCAL_PREF", O P H "400504 00000064", NLRI, DISCARD, 1, "", "RFC 7606 section 7.5"},
	{"LOCAL_PREF of 3", O P H "400503 000000", NLRI, DISCARD, 1, "", "RFC 7606 section 7.5"},
	{"ORIGINATOR_ID of 3", O P H "800903 000000", NLRI, DISCARD, 1, "", "RFC 7606 section 7.9"},
	{"CLUSTER_LIST of 5", O P H "800a05 0000000000", NLRI, DISCARD, 1, "", "RFC 7606 section 7.10"},
	{"MED of 3", O P H "800403 000000", NLRI, WITHDRAW, 5, "800403 000000", "RFC 7606 section 7.4"},
	{"AS_PATH with a confederation's sequence (RFC 5065)", O "40020c 0301 0000fde8 0201 000055f0" H, NLRI, WITHDRAW,
	 11, "", "RFC 7606 section 7.2"},
	{"AS_PATH with a confederation's set (RFC 5065)", O "40020c 0201 000055f0 0401 0000fde8" H, NLRI, WITHDRAW, 11,
	 "", "RFC 7606 section 7.2"},
};

static void what_is_internal_is_discarded_from_outside(void **state)
{
	const struct wire_session session = {.as4 = true, .ebgp = true};

	(void)state;
	for (size_t i = 0; i < sizeof(external_rows) / sizeof(external_rows[0]); i++)
		check_attr_row(&external_rows[i], &session);
}

static void each_error_of_old_speakers_has_its_treatment(void **state)
{
	static const struct wire_session session = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(two_octet_rows) / sizeof(two_octet_rows[0]); i++)
		check_attr_row(&two_octet_rows[i], &session);
}

/* Bodies whose lengths disagree. */
static const struct {
	const char *name;
	const char *body;
	uint8_t subcode;
	unsigned int offset;
} body_rows[] = {
	{"withdrawn routes beyond the message", "0001 0000", 1, 19},
	{"attributes beyond the message", "0000 0001", 1, 19},
	{"withdrawn routes leave no attribute length", "0002 0000", 1, 19},
	{"withdrawn route of 33", "0006 21 ac10fe0100 0000", 10, 21},
	{"withdrawn route cut", "0002 20 ac 0000", 10, 21},
};

static void lengths_that_disagree_reset(void **state)
{
	static const struct wire_session session = {.as4 = true};

	(void)state;
	for (size_t i = 0; i < sizeof(body_rows) / sizeof(body_rows[0]); i++) {
		struct message m = update_of(body_rows[i].body);
		struct wire_update u;
		struct wire_err e = wire_update_decode(message_view(&m), &session, &u);

		if (e.treat != WIRE_RESET || e.code != 3 || e.subcode != body_rows[i].subcode)
			fail_msg("%s: treat %d, subcode %u", body_rows[i].name, (int)e.treat, e.subcode);
		assert_int_equal(e.offset, body_rows[i].offset);
		assert_int_equal(e.data_len, 0);
	}
}

/* The attribute is cut to the room of the error, and the offset points at it. */
static void data_is_cut_to_its_room(void **state)
{
	static const struct wire_session session = {.as4 = true};
	char attrs[2048] = O P H "d0080191";
	struct wire_update u;
	struct wire_err e;
	struct message m;

	(void)state;
	for (size_t i = 0; i < 401; i++)
		strncat(attrs, "00", sizeof(attrs) - strlen(attrs) - 1);
	m = update_with(attrs, NLRI);
	e = wire_update_decode(message_view(&m), &session, &u);
	assert_int_equal(e.treat, WIRE_TREAT_AS_WITHDRAW);
	assert_int_equal(e.offset, 19 + 4 + 4 + 9 + 7);
	support_bytes_equal(e.data, e.data_len, m.bytes + e.offset, UINT8_MAX);
}

/* A discarded attribute is not there, and the first of two is. */
static void discards_leave_the_rest(void **state)
{
	static const struct wire_session session = {.as4 = true};
	struct message m = update_with(O P H "400601 00 80040400000001 80040400000002", NLRI);
	struct wire_update u;

	(void)state;
	assert_int_equal(wire_update_decode(message_view(&m), &session, &u).treat, WIRE_ATTRIBUTE_DISCARD);
	assert_false(wire_attr_has(&u.attrs, WIRE_ATTR_ATOMIC_AGGREGATE));
	assert_false(u.attrs.atomic_aggregate);
	assert_true(wire_attr_has(&u.attrs, WIRE_ATTR_MED));
	assert_int_equal(u.attrs.med, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_error_has_its_treatment),
		cmocka_unit_test(each_error_of_old_speakers_has_its_treatment),
		cmocka_unit_test(what_is_internal_is_discarded_from_outside),
		cmocka_unit_test(lengths_that_disagree_reset),
		cmocka_unit_test(data_is_cut_to_its_room),
		cmocka_unit_test(discards_leave_the_rest),
	};

	return cmocka_run_group_tests_name("wire: UPDATE errors", tests, NULL, NULL);
}
