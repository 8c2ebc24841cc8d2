/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 7606 as a table: for each attribute that the decoder knows, each way to be malformed, and what it costs. The rows
 * are typed from the RFCs; an attribute of the decoder's without one fails. */
#include "message.h"

#include "wire_int.h"

#include <stdio.h>
#include <string.h>

#define O "40010100 "
#define H "400304 0a000001 "
#define NLRI "20 ac10fe01"

/* What an error costs, and the UPDATE error subcode that it would be reported with. */
struct cost {
	enum wire_treat treat;
	uint8_t subcode;
};

#define FINE                                                                                                           \
	{                                                                                                              \
		WIRE_OK, 0                                                                                             \
	}
#define DISCARD(subcode)                                                                                               \
	{                                                                                                              \
		WIRE_ATTRIBUTE_DISCARD, subcode                                                                        \
	}
#define WITHDRAW(subcode)                                                                                              \
	{                                                                                                              \
		WIRE_TREAT_AS_WITHDRAW, subcode                                                                        \
	}
#define RESET(subcode)                                                                                                 \
	{                                                                                                              \
		WIRE_RESET, subcode                                                                                    \
	}

enum { ATTRIBUTE_LIST = 1, FLAGS = 4, LENGTH = 5, ORIGIN = 6, OPTIONAL = 9, AS_PATH = 11 };

static const struct row {
	uint8_t code;
	uint8_t flags;
	const char *value; /* well-formed */
	struct cost flags_cost, empty, shorter, longer, twice;
	bool internal; /* means nothing from another AS */
	bool old;      /* only between speakers without RFC 6793 */
} rows[] = {
	/* RFC 7606 section 7.1 */
	{1, 0x40, "00", WITHDRAW(FLAGS), WITHDRAW(LENGTH), WITHDRAW(LENGTH), WITHDRAW(LENGTH), DISCARD(ATTRIBUTE_LIST),
	 false, false},
	/* section 7.2; RFC 4271 section 4.3: empty where the route begins */
	{2, 0x40, "0201000055f0", WITHDRAW(FLAGS), FINE, WITHDRAW(AS_PATH), WITHDRAW(AS_PATH), DISCARD(ATTRIBUTE_LIST),
	 false, false},
	/* section 7.3 */
	{3, 0x40, "0a000001", WITHDRAW(FLAGS), WITHDRAW(LENGTH), WITHDRAW(LENGTH), WITHDRAW(LENGTH),
	 DISCARD(ATTRIBUTE_LIST), false, false},
	/* section 7.4 */
	{4, 0x80, "00000001", WITHDRAW(FLAGS), WITHDRAW(LENGTH), WITHDRAW(LENGTH), WITHDRAW(LENGTH),
	 DISCARD(ATTRIBUTE_LIST), false, false},
	/* section 7.5 */
	{5, 0x40, "00000064", WITHDRAW(FLAGS), WITHDRAW(LENGTH), WITHDRAW(LENGTH), WITHDRAW(LENGTH),
	 DISCARD(ATTRIBUTE_LIST), true, false},
	/* section 7.6; there is nothing to shorten */
	{6, 0x40, "", WITHDRAW(FLAGS), FINE, FINE, DISCARD(LENGTH), DISCARD(ATTRIBUTE_LIST), false, false},
	/* section 7.7 */
	{7, 0xc0, "000055f00a000009", WITHDRAW(FLAGS), DISCARD(LENGTH), DISCARD(LENGTH), DISCARD(LENGTH),
	 DISCARD(ATTRIBUTE_LIST), false, false},
	/* section 7.8 */
	{8, 0xc0, "fde80064", WITHDRAW(FLAGS), WITHDRAW(LENGTH), WITHDRAW(LENGTH), WITHDRAW(LENGTH),
	 DISCARD(ATTRIBUTE_LIST), false, false},
	/* section 7.9 */
	{9, 0x80, "0a000007", WITHDRAW(FLAGS), WITHDRAW(LENGTH), WITHDRAW(LENGTH), WITHDRAW(LENGTH),
	 DISCARD(ATTRIBUTE_LIST), true, false},
	/* section 7.10 */
	{10, 0x80, "0a0000070a000008", WITHDRAW(FLAGS), WITHDRAW(LENGTH), WITHDRAW(LENGTH), WITHDRAW(LENGTH),
	 DISCARD(ATTRIBUTE_LIST), true, false},
	/* sections 7.11, 5.3 and 3 (g) */
	{14, 0x80, "0002011020010db800000000000000000000000100 4020010db800000001", WITHDRAW(FLAGS), RESET(OPTIONAL),
	 RESET(OPTIONAL), RESET(OPTIONAL), RESET(ATTRIBUTE_LIST), false, false},
	/* sections 7.12, 5.3 and 3 (g) */
	{15, 0x80, "000201 4020010db800000001", WITHDRAW(FLAGS), RESET(OPTIONAL), RESET(OPTIONAL), RESET(OPTIONAL),
	 RESET(ATTRIBUTE_LIST), false, false},
	/* section 7.14 */
	{16, 0xc0, "0002fde800000064", WITHDRAW(FLAGS), WITHDRAW(LENGTH), WITHDRAW(LENGTH), WITHDRAW(LENGTH),
	 DISCARD(ATTRIBUTE_LIST), false, false},
	/* RFC 6793 section 6 */
	{17, 0xc0, "0201000055f0", WITHDRAW(FLAGS), DISCARD(OPTIONAL), DISCARD(OPTIONAL), DISCARD(OPTIONAL),
	 DISCARD(ATTRIBUTE_LIST), false, true},
	{18, 0xc0, "000055f00a000009", WITHDRAW(FLAGS), DISCARD(LENGTH), DISCARD(LENGTH), DISCARD(LENGTH),
	 DISCARD(ATTRIBUTE_LIST), false, true},
	/* RFC 7606 section 7.13 leaves open what is malformed; section 4: nothing is */
	{24, 0x80, "00000000", WITHDRAW(FLAGS), WITHDRAW(LENGTH), FINE, FINE, DISCARD(ATTRIBUTE_LIST), false, false},
	/* section 7.15 */
	{25, 0xc0, "000220010db80000000000000000000000010064", WITHDRAW(FLAGS), WITHDRAW(LENGTH), WITHDRAW(LENGTH),
	 WITHDRAW(LENGTH), DISCARD(ATTRIBUTE_LIST), false, false},
	/* RFC 7311 section 3.2, of its flags, too */
	{26, 0x80, "01000b0000000000000064", DISCARD(FLAGS), DISCARD(OPTIONAL), DISCARD(OPTIONAL), DISCARD(OPTIONAL),
	 DISCARD(ATTRIBUTE_LIST), false, false},
	/* RFC 8092 section 6 */
	{32, 0xc0, "0000fde80000000100000002", WITHDRAW(FLAGS), WITHDRAW(LENGTH), WITHDRAW(LENGTH), WITHDRAW(LENGTH),
	 DISCARD(ATTRIBUTE_LIST), false, false},
	/* RFC 9234 section 5 */
	{35, 0xc0, "0000fde8", WITHDRAW(FLAGS), WITHDRAW(LENGTH), WITHDRAW(LENGTH), WITHDRAW(LENGTH),
	 DISCARD(ATTRIBUTE_LIST), false, false},
	/* RFC 7606 section 7.16, RFC 6368 section 5 */
	{128, 0xc0, "000055f0 40010100", WITHDRAW(FLAGS), WITHDRAW(OPTIONAL), WITHDRAW(OPTIONAL), WITHDRAW(OPTIONAL),
	 DISCARD(ATTRIBUTE_LIST), false, false},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* ---- Attributes and messages ---- */

struct value {
	uint8_t bytes[64];
	size_t len;
};

static struct value value_of(const struct row *row)
{
	struct value v;

	v.len = support_hex(row->value, v.bytes, sizeof(v.bytes));
	return v;
}

static void put_hex(char *text, const uint8_t *bytes, size_t n)
{
	text += strlen(text);
	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

static void put_attr(char *text, uint8_t flags, uint8_t code, const struct value *v)
{
	uint8_t head[] = {flags, code, (uint8_t)v->len, 0};

	if ((flags & WIRE_FLAG_EXTENDED) != 0) {
		head[2] = 0;
		head[3] = (uint8_t)v->len;
	}
	put_hex(text, head, (flags & WIRE_FLAG_EXTENDED) != 0 ? 4 : 3);
	put_hex(text, v->bytes, v->len);
}

/* An UPDATE in which all is well but what the attributes in hex bring; those that are needed are there. */
static struct message around(const struct row *row, const char *attrs, bool with_routes)
{
	const char *origin = row->code != WIRE_ATTR_ORIGIN ? O : "";
	const char *path = row->old ? "400204020155f0" : "4002060201000055f0";
	const char *hop = row->code != WIRE_ATTR_NEXT_HOP && row->code != WIRE_ATTR_MP_REACH ? H : "";
	char all[1024];

	snprintf(all, sizeof(all), "%s%s%s%s", origin, row->code != WIRE_ATTR_AS_PATH ? path : "", hop, attrs);
	return update_with(all, with_routes && row->code != WIRE_ATTR_MP_REACH ? NLRI : "");
}

static void check(const struct row *row, const char *what, const struct message *m, bool ebgp, struct cost want)
{
	struct wire_session session = {.as4 = !row->old, .ebgp = ebgp};
	struct wire_update u;
	struct wire_err e = wire_update_decode(message_view(m), &session, &u);

	if (e.treat != want.treat || e.subcode != want.subcode)
		fail_msg("attribute %u, %s: treat %d, subcode %u (%s) and not %d, %u", row->code, what, (int)e.treat,
			 e.subcode, e.clause != NULL ? e.clause : "", (int)want.treat, want.subcode);
	if (e.treat != WIRE_OK)
		assert_int_equal(e.code, WIRE_ERR_UPDATE);
	if (row->code < 64 && e.treat == WIRE_ATTRIBUTE_DISCARD && e.subcode != ATTRIBUTE_LIST)
		assert_false(wire_attr_has(&u.attrs, row->code));
}

static void check_attrs(const struct row *row, const char *what, const char *attrs, struct cost want)
{
	struct message m = around(row, attrs, true);

	check(row, what, &m, false, want);
}

static void check_value(const struct row *row, const char *what, uint8_t flags, const struct value *v, struct cost want)
{
	char attrs[512] = "";

	put_attr(attrs, flags, row->code, v);
	check_attrs(row, what, attrs, want);
}

/* ---- Every row has its malformations ---- */

static void every_attribute_has_a_row(void **state)
{
	(void)state;
	for (unsigned int code = 0; code < 256; code++) {
		size_t found = 0;

		for (size_t i = 0; i < ROWS; i++)
			found += rows[i].code == code;
		if (found != (wire_attr_row((uint8_t)code)->name != NULL))
			fail_msg("attribute %u: %zu rows", code, found);
	}
}

static void flags_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		struct value v = value_of(&rows[i]);

		check_value(&rows[i], "all well", rows[i].flags, &v, (struct cost)FINE);
		check_value(&rows[i], "Optional turned", rows[i].flags ^ WIRE_FLAG_OPTIONAL, &v, rows[i].flags_cost);
		check_value(&rows[i], "Transitive turned", rows[i].flags ^ WIRE_FLAG_TRANSITIVE, &v,
			    rows[i].flags_cost);
		check_value(&rows[i], "both turned", rows[i].flags ^ 0xc0, &v, rows[i].flags_cost);
		/* RFC 7606 section 3 (c) compares these two bits and no other; RFC 4271 section 4.3: ignored */
		check_value(&rows[i], "Partial", rows[i].flags | WIRE_FLAG_PARTIAL, &v, (struct cost)FINE);
		check_value(&rows[i], "unused bits", rows[i].flags | 0x0f, &v, (struct cost)FINE);
		check_value(&rows[i], "Extended Length", rows[i].flags | WIRE_FLAG_EXTENDED, &v, (struct cost)FINE);
	}
}

static void lengths_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		const struct row *row = &rows[i];
		struct value v = value_of(row), none = {.len = 0};

		check_value(row, "empty", row->flags, &none, row->empty);
		if (v.len > 0) {
			v.len--;
			check_value(row, "an octet less", row->flags, &v, row->shorter);
			v.len++;
		}
		v.bytes[v.len++] = 0xff;
		check_value(row, "an octet more", row->flags, &v, row->longer);
	}
}

/* RFC 7606 section 3 (g). */
static void repetitions_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		struct value v = value_of(&rows[i]);
		char attrs[512] = "";

		put_attr(attrs, rows[i].flags, rows[i].code, &v);
		put_attr(attrs, rows[i].flags, rows[i].code, &v);
		check_attrs(&rows[i], "twice", attrs, rows[i].twice);
	}
}

/* RFC 7606 section 4: the end of the list is where its length says, whatever the last attribute says. */
static void overruns_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		struct value v = value_of(&rows[i]);
		char attrs[512] = "", cut[512];
		size_t most;

		put_attr(attrs, rows[i].flags, rows[i].code, &v);
		most = strlen(attrs) / 2;
		for (size_t n = 1; n < most; n++) {
			bool has_routes = rows[i].code != WIRE_ATTR_MP_REACH;

			snprintf(cut, sizeof(cut), "%.*s", (int)(2 * n), attrs);
			/* without a route that is seen, section 5.2 wants more */
			check_attrs(&rows[i], "cut", cut,
				    has_routes ? (struct cost)WITHDRAW(ATTRIBUTE_LIST)
					       : (struct cost)RESET(ATTRIBUTE_LIST));
		}
	}
}

/* RFC 7606 section 5.2: where no route is announced, what would be withdrawn resets. */
static void errors_without_routes_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		struct value v = value_of(&rows[i]);
		struct cost want = rows[i].flags_cost;
		char attrs[512] = "";
		struct message m;

		if (rows[i].code == WIRE_ATTR_MP_REACH) /* announces */
			continue;
		put_attr(attrs, rows[i].flags ^ WIRE_FLAG_TRANSITIVE, rows[i].code, &v);
		m = around(&rows[i], attrs, false);
		if (want.treat == WIRE_TREAT_AS_WITHDRAW)
			want.treat = WIRE_RESET;
		check(&rows[i], "flags, no route", &m, false, want);
	}
}

/* RFC 7606 sections 7.5, 7.9 and 7.10: what is internal is discarded, well-formed or not; the rest is judged as ever. */
static void what_comes_from_outside_is_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		static const uint8_t turns[] = {0, WIRE_FLAG_TRANSITIVE};
		struct value v = value_of(&rows[i]);

		for (size_t k = 0; k < sizeof(turns); k++) {
			struct cost want = turns[k] == 0 ? (struct cost)FINE : rows[i].flags_cost;
			char attrs[512] = "";
			struct message m;

			if (rows[i].internal)
				want = (struct cost)DISCARD(ATTRIBUTE_LIST);
			put_attr(attrs, rows[i].flags ^ turns[k], rows[i].code, &v);
			m = around(&rows[i], attrs, true);
			check(&rows[i], "from outside", &m, true, want);
		}
	}
}

/* ---- Values that only their own rule finds malformed ---- */

static const struct {
	const char *name;
	uint8_t code;
	const char *value;
	struct cost cost;
} values[] = {
	{"ORIGIN beyond INCOMPLETE", 1, "03", WITHDRAW(ORIGIN)},
	{"AS_PATH, segment of no type", 2, "0001000055f0", WITHDRAW(AS_PATH)},
	{"AS_PATH, segment beyond the types", 2, "0501000055f0", WITHDRAW(AS_PATH)},
	{"AS_PATH, segment overrun", 2, "0202000055f0", WITHDRAW(AS_PATH)},
	{"AS_PATH, segment underrun", 2, "0201000055f002", WITHDRAW(AS_PATH)},
	{"AS_PATH, empty segment", 2, "02000201000055f0", WITHDRAW(AS_PATH)},
	{"AS_PATH, AS 0 (RFC 7607)", 2, "0202000055f000000000", WITHDRAW(AS_PATH)},
	{"AGGREGATOR, AS 0 (RFC 7607)", 7, "000000000a000009", DISCARD(OPTIONAL)},
	{"AS4_PATH, AS 0 (RFC 7607)", 17, "020100000000", DISCARD(OPTIONAL)},
	{"AS4_PATH, empty segment", 17, "0200", DISCARD(OPTIONAL)},
	{"AS4_PATH, segment of no type", 17, "0001000055f0", DISCARD(OPTIONAL)},
	{"AS4_PATH, segment overrun", 17, "0202000055f0", DISCARD(OPTIONAL)},
	/* RFC 6793 section 6: such segments are left out by who merges the paths */
	{"AS4_PATH, a confederation's segment", 17, "0301000055f0", FINE},
	{"AS4_AGGREGATOR, AS 0 (RFC 7607)", 18, "000000000a000009", DISCARD(OPTIONAL)},
	{"MP_REACH_NLRI, no next hop", 14, "000201 00 00 4020010db800000001", RESET(OPTIONAL)},
	{"MP_REACH_NLRI, next hop of 15", 14, "000201 0f 20010db80000000000000000000000 00 00", RESET(OPTIONAL)},
	{"MP_REACH_NLRI, next hop of 33", 14,
	 "000201 21 20010db8000000000000000000000001fe800000000000000000000000000001 00 00 00", RESET(OPTIONAL)},
	{"MP_REACH_NLRI, next hop beyond it", 14, "000201 10 20010db8", RESET(OPTIONAL)},
	{"MP_REACH_NLRI, prefix of 129", 14, "000201 10 20010db8000000000000000000000001 00 81", RESET(OPTIONAL)},
	{"MP_REACH_NLRI, IPv4 prefix of 33", 14, "000101 04 0a000001 00 21 0a00000100", RESET(OPTIONAL)},
	{"MP_REACH_NLRI, IPv4 behind IPv6 (RFC 8950)", 14, "000101 10 20010db8000000000000000000000001 00 08 0a", FINE},
	{"MP_REACH_NLRI, a family that nobody reads", 14, "4004 47 00 00 ffff", FINE},
	{"MP_UNREACH_NLRI, prefix of 129", 15, "000201 81", RESET(OPTIONAL)},
	{"MP_UNREACH_NLRI, IPv4 prefix of 33", 15, "000101 21 0a00000100", RESET(OPTIONAL)},
	{"MP_UNREACH_NLRI, a family that nobody reads", 15, "4004 47 ffff", FINE},
	{"AIGP, TLV shorter than its head", 26, "010002", DISCARD(OPTIONAL)},
	{"AIGP, TLV beyond it", 26, "ff000500", DISCARD(OPTIONAL)},
	{"AIGP, metric of 4 octets", 26, "01000700000064", DISCARD(OPTIONAL)},
	{"AIGP, other TLVs", 26, "ff000400 01000b0000000000000064", FINE},
	{"ATTR_SET with routes", 128, "000055f0 800f03000201", WITHDRAW(OPTIONAL)},
	{"ATTR_SET, wrong flags within", 128, "000055f0 c0010100", WITHDRAW(OPTIONAL)},
	{"ATTR_SET, wrong value within", 128, "000055f0 40010103", WITHDRAW(OPTIONAL)},
	{"ATTR_SET, overrun within", 128, "000055f0 40010200", WITHDRAW(OPTIONAL)},
	{"ATTR_SET, ASes of two octets", 128, "000055f0 400204020155f0", FINE},
	{"ATTR_SET, ASes of four octets", 128, "000055f0 4002060201000055f0", FINE},
	{"ATTR_SET, an AS alone", 128, "000055f0", FINE},
	{"ATTR_SET, an attribute that nobody knows", 128, "000055f0 c0fe0100", FINE},
	{"a set within a set", 128, "000055f0 c08001ff", FINE},
};

static const struct row *row_of(uint8_t code)
{
	const struct row *row = rows;

	while (row->code != code)
		row++;
	return row;
}

static void values_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		const struct row *row = row_of(values[i].code);
		struct value v;

		v.len = support_hex(values[i].value, v.bytes, sizeof(v.bytes));
		check_value(row, values[i].name, row->flags, &v, values[i].cost);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_attribute_has_a_row),
		cmocka_unit_test(flags_are_judged),
		cmocka_unit_test(lengths_are_judged),
		cmocka_unit_test(repetitions_are_judged),
		cmocka_unit_test(overruns_are_judged),
		cmocka_unit_test(errors_without_routes_are_judged),
		cmocka_unit_test(what_comes_from_outside_is_judged),
		cmocka_unit_test(values_are_judged),
	};

	return cmocka_run_group_tests_name("wire: RFC 7606's table", tests, NULL, NULL);
}
