/* SPDX-License-Identifier: GPL-2.0-or-later */
/* FRR's unit tests say what is to become of an attribute, a capability or a path; ours must be the same, or be told here. */
#include "message.h"
#include "rows.h"

#include <jansson.h>

#include <stdlib.h>
#include <string.h>

#define ORIGIN_PATH "40010100 400206 0201 000055f0 "
#define HOP "400304 0a000001 "
#define NLRI "18c63364"

struct row {
	const char *id;
	const char *hex;
	json_t *facts;
};

static const char *fact(const struct row *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row->facts, key));

	return text != NULL ? text : "";
}

/* Each row of FRR's whose id begins so; returns how many there were. */
static size_t each_row(const char *prefix, void (*check)(const struct row *row))
{
	struct rows f = rows_open(support_shared("corpus/hex"), "frr.tsv");
	char *fields[3];
	size_t n = 0;

	while (rows_next(&f, fields, 3)) {
		struct row row = {fields[0], fields[1], json_loads(fields[2], 0, NULL)};

		assert_non_null(row.facts);
		if (strncmp(row.id, prefix, strlen(prefix)) == 0) {
			check(&row);
			n++;
		}
		json_decref(row.facts);
	}
	free(f.text);
	return n;
}

/* Rows where FRR is known to differ, and what we do instead. */
static const struct {
	const char *id;
	enum wire_treat treat;
} others[] = {
	/* a session across one administration (OAD) is none of ours: outside is outside */
	{"attr_parse:local-pref-len-3-ebgp-oad", WIRE_ATTRIBUTE_DISCARD},
	{"attr_parse:local-pref-len-0-ebgp-oad", WIRE_ATTRIBUTE_DISCARD},
	/* RFC 7606 section 7.2 with RFC 7607 section 2: an AS 0 makes the path malformed; FRR looks for it later */
	{"aspath:BGP_AS_ZERO", WIRE_TREAT_AS_WITHDRAW},
	{"aspath:BGP_AS_ZERO_asdot+", WIRE_TREAT_AS_WITHDRAW},
	/* families and capabilities that are carried as octets */
	{"mp_attr:MP_REACH_NLRI:IPv4-VPNv4-bogus-plen", WIRE_OK},
	{"mp_attr:MP_REACH_NLRI:IPv4-VPNv4-plen1-short", WIRE_OK},
	{"mp_attr:MP_REACH_NLRI:IPv4-VPNv4-plen1-long", WIRE_OK},
	{"mp_attr:MP_REACH_NLRI:IPv4-VPNv4-0-nlri", WIRE_OK},
	{"capability:test_segments:minsize", WIRE_OK},
};

static void check_treat(const struct row *row, enum wire_treat got)
{
	const char *expect = fact(row, "expect");
	bool taken = got <= WIRE_ATTRIBUTE_DISCARD, same;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (strcmp(others[i].id, row->id) == 0) {
			assert_int_equal(got, others[i].treat);
			return;
		}
	}
	if (strcmp(expect, "treat-as-withdraw") == 0 || strcmp(expect, "malformed/invalid") == 0)
		same = got == WIRE_TREAT_AS_WITHDRAW;
	else if (strcmp(expect, "error") == 0)
		same = got == WIRE_RESET;
	else
		same = taken && (strcmp(expect, "parses") == 0 || strcmp(expect, "proceed (accept)") == 0);
	if (!same)
		fail_msg("%s: FRR says %s, we %d", row->id, expect, (int)got);
}

static struct wire_err judge(const struct message *m, const struct wire_session *session)
{
	struct wire_update u;

	return wire_update_decode(message_view(m), session, &u);
}

static void check_attributes(const struct row *row)
{
	struct wire_session session = {.as4 = json_is_true(json_object_get(row->facts, "as4")) ||
					      json_integer_value(json_object_get(row->facts, "as_size")) == 4,
				       .ebgp = strncmp(fact(row, "peer"), "eBGP", 4) == 0};
	struct message m = update_with(row->hex, NLRI);

	/* that one is completed by FRR's test in code */
	if (strstr(row->id, "4b_AS4_PATH:_confed") == NULL)
		check_treat(row, judge(&m, &session).treat);
}

static void attributes_are_treated_as_frr_does(void **state)
{
	(void)state;
	assert_true(each_row("attr_parse:", check_attributes) + each_row("aspath_attr:", check_attributes) >= 20);
}

/* An attribute value, in an UPDATE that is well apart from it. */
static void check_multiprotocol(const struct row *row)
{
	static const struct wire_session session = {.as4 = true};
	static const struct {
		const char *attr;
		const char *head;
	} heads[] = {{"MP_REACH_NLRI", "900e"}, {"MP_UNREACH_NLRI", "900f"}};
	char attrs[4096];

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		struct message m;

		if (strcmp(fact(row, "attr"), heads[i].attr) != 0)
			continue;
		snprintf(attrs, sizeof(attrs), ORIGIN_PATH "%s%04zx%s", heads[i].head, strlen(row->hex) / 2, row->hex);
		m = update_with(attrs, "");
		check_treat(row, judge(&m, &session).treat);
	}
}

static void families_are_read_as_frr_does(void **state)
{
	(void)state;
	assert_true(each_row("mp_attr:", check_multiprotocol) >= 16);
}

static void check_capability(const struct row *row)
{
	bool whole = strcmp(fact(row, "kind"), "open_optional_parameters") == 0;
	size_t n = strlen(row->hex) / 2;
	struct wire_open open;
	struct message m;
	char hex[2048];

	if (whole)
		snprintf(hex, sizeof(hex), "%04zx 01 04 fde8 00b4 0a000001 %02zx %s", 29 + n, n, row->hex);
	else
		snprintf(hex, sizeof(hex), "%04zx 01 04 fde8 00b4 0a000001 %02zx 02%02zx %s", 31 + n, n + 2, n,
			 row->hex);
	m = message_of(hex);
	check_treat(row, wire_open_decode(message_view(&m), &open).treat);
	if (json_integer_value(json_object_get(row->facts, "peek_as4")) != 0 &&
	    strcmp(fact(row, "expect"), "parses") == 0)
		assert_int_equal(open.caps.as4, json_integer_value(json_object_get(row->facts, "peek_as4")));
}

static void capabilities_are_read_as_frr_does(void **state)
{
	(void)state;
	assert_true(each_row("capability:", check_capability) >= 20);
}

/* FRR sorts the ASes of a set and drops repeated ones; what is left to compare is the order of all others. */
static bool frr_rearranged(const char *id)
{
	return strstr(id, "redundantset") != NULL || strcmp(id, "aspath:multi") == 0 || strstr(id, "confmulti") != NULL;
}

static void check_path_text(const struct row *row, const struct wire_update *u)
{
	char ours[512], theirs[512];

	snprintf(theirs, sizeof(theirs), "%s", fact(row, "path"));
	for (char *p = theirs; (p = strchr(p, ',')) != NULL;)
		*p = ' ';
	wire_path_text(u->attrs.as_path, u->attrs.as4, ours, sizeof(ours));
	if (!frr_rearranged(row->id))
		assert_string_equal(ours, theirs);
	assert_int_equal(wire_path_length(u->attrs.as_path, u->attrs.as4),
			 json_integer_value(json_object_get(row->facts, "hops")));
	assert_true(wire_path_contains(u->attrs.as_path, u->attrs.as4,
				       (uint32_t)json_integer_value(json_object_get(row->facts, "loops_on"))));
	assert_false(wire_path_contains(u->attrs.as_path, u->attrs.as4,
					(uint32_t)json_integer_value(json_object_get(row->facts, "does_not_loop_on"))));
}

static void check_path(const struct row *row)
{
	struct wire_session session = {.as4 = json_integer_value(json_object_get(row->facts, "as_size")) == 4};
	struct wire_update u;
	char attrs[2048];
	struct message m;
	struct wire_err e;

	snprintf(attrs, sizeof(attrs), "40010100 " HOP "5002%04zx%s", strlen(row->hex) / 2, row->hex);
	m = update_with(attrs, NLRI);
	e = wire_update_decode(message_view(&m), &session, &u);
	check_treat(row, e.treat);
	if (e.treat == WIRE_OK)
		check_path_text(row, &u);
}

static void paths_are_read_as_frr_does(void **state)
{
	(void)state;
	assert_true(each_row("aspath:", check_path) >= 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attributes_are_treated_as_frr_does),
		cmocka_unit_test(families_are_read_as_frr_does),
		cmocka_unit_test(capabilities_are_read_as_frr_does),
		cmocka_unit_test(paths_are_read_as_frr_does),
	};

	return cmocka_run_group_tests_name("wire: FRR's verdicts", tests, NULL, NULL);
}
