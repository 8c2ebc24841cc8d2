/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of other projects' tests: all are survived, and where tshark read one cleanly we read the same. */
#include "message.h"
#include "rows.h"

#include <jansson.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- All rows: no crash, no endless walk ---- */

static void try_all(const uint8_t *bytes, size_t n)
{
	uint8_t *exact = malloc(n + 1);
	struct wire_in in;
	struct wire_notification notification;
	struct wire_refresh refresh;
	struct wire_open open;

	assert_non_null(exact);
	memcpy(exact, bytes, n);
	in = wire_in_of(exact, n);
	for (unsigned int i = 0; i < 8; i++) {
		struct wire_session session = {(i & 1) != 0, (i & 2) != 0, (i & 4) != 0, true, false};
		struct wire_update u;
		struct wire_route r;

		(void)wire_update_decode(in, &session, &u);
		while (wire_nlri_next(&u.nlri, &r) || wire_nlri_next(&u.mp_nlri, &r) ||
		       wire_nlri_next(&u.withdrawn, &r) || wire_nlri_next(&u.mp_withdrawn, &r))
			assert_true(r.prefix.len <= 128);
	}
	(void)wire_open_decode(in, &open);
	(void)wire_notification_decode(in, &notification);
	(void)wire_refresh_decode(in, &refresh);
	free(exact);
}

static size_t try_file(const char *folder, const char *name)
{
	static uint8_t bytes[WIRE_EXTENDED_MAX];
	struct rows f = rows_open(folder, name);
	size_t rows = 0;
	char *fields[2];

	while (rows_next(&f, fields, 2)) {
		size_t n = rows_hex(fields[1], bytes, sizeof(bytes));

		try_all(bytes, n);
		rows++;
	}
	free(f.text);
	return rows;
}

static bool is_table(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 4 && strcmp(e->d_name + n - 4, ".tsv") == 0;
}

static void every_row_is_survived(void **state)
{
	const char *folder = support_shared("corpus/hex");
	DIR *dir = opendir(folder);
	const struct dirent *e;
	size_t rows = 0;

	(void)state;
	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL)
		rows += is_table(e) ? try_file(folder, e->d_name) : 0;
	closedir(dir);
	print_message("%zu rows\n", rows);
	assert_true(rows > 2000);
}

/* ---- Rows that tshark read cleanly: the same routes, path and next hop ---- */

static void add_text(char *ret, size_t room, const char *text)
{
	size_t at = strlen(ret);

	assert_true(snprintf(ret + at, room - at, "%s%s", at > 0 ? " " : "", text) < (int)(room - at));
}

static void tshark_routes(const json_t *list, char *ret, size_t room)
{
	const json_t *item;
	size_t i;

	ret[0] = '\0';
	json_array_foreach(list, i, item)
	{
		struct prefix p;

		/* tshark shows the host bits that a sender left in; we mask them. */
		assert_int_equal(prefix_parse(json_string_value(item), &p), 0);
		add_text(ret, room, prefix_text(&p).s);
	}
}

static bool same_routes(struct wire_nlri nlri, const json_t *list)
{
	static char ours[65536], theirs[65536];
	struct wire_route r;

	if (nlri.afi != 0 && (nlri.afi > 2 || nlri.safi != 1))
		return true;
	tshark_routes(list, theirs, sizeof(theirs));
	ours[0] = '\0';
	while (wire_nlri_next(&nlri, &r))
		add_text(ours, sizeof(ours), prefix_text(&r.prefix).s);
	return strcmp(ours, theirs) == 0;
}

static bool same_text(const json_t *value, const char *ours)
{
	return value == NULL || strcmp(json_string_value(value), ours) == 0;
}

/* tshark's words for a path: "empty", blanks between all, sets in braces with commas. */
static bool same_path(const struct wire_update *u, const json_t *decode)
{
	const char *theirs = json_string_value(json_object_get(decode, "as_path"));
	char ours[8192];

	if (theirs == NULL || strpbrk(theirs, "{([") != NULL)
		return true;
	wire_path_text(u->attrs.as_path, u->attrs.as4, ours, sizeof(ours));
	return strcmp(theirs, ours[0] != '\0' ? ours : "empty") == 0;
}

static bool agree(const struct wire_update *u, const json_t *decode)
{
	const json_t *reach = json_object_get(json_object_get(decode, "mp_reach"), "nlri");
	const json_t *unreach = json_object_get(json_object_get(decode, "mp_unreach"), "nlri");
	char med[16], local_pref[16];

	snprintf(med, sizeof(med), "%u", u->attrs.med);
	snprintf(local_pref, sizeof(local_pref), "%u", u->attrs.local_pref);
	return same_routes(u->withdrawn, json_object_get(decode, "withdrawn")) &&
	       same_routes(u->nlri, json_object_get(decode, "nlri")) && same_routes(u->mp_nlri, reach) &&
	       same_routes(u->mp_withdrawn, unreach) && same_path(u, decode) &&
	       same_text(json_object_get(decode, "med"), med) &&
	       same_text(json_object_get(decode, "local_pref"), local_pref) &&
	       (!wire_attr_has(&u->attrs, WIRE_ATTR_NEXT_HOP) || wire_attr_has(&u->attrs, WIRE_ATTR_MP_REACH) ||
		same_text(json_object_get(decode, "next_hop"), addr_text(&u->attrs.next_hop).s));
}

struct tally {
	size_t agreed, refused, differ;
};

/* tshark stops before the routes of an UPDATE without attributes, and mixes ATTR_SET's attributes with the outer. */
static bool tshark_reads_on(const json_t *decode)
{
	const char *alen = json_string_value(json_object_get(decode, "alen"));

	return json_object_get(decode, "malformed") == NULL && json_object_get(decode, "expert") == NULL &&
	       json_object_get(decode, "attr_128") == NULL && alen != NULL && strcmp(alen, "0") != 0;
}

/* What tshark shows without a complaint and a speaker must not take, each looked at by eye. */
static const struct {
	const char *id;
	uint8_t subcode;
} refusals[] = {
	/* an unknown attribute that says it is well-known */
	{"encoding/conf-generic-attribute:1.2", 2},
	{"encoding/conf-generic-attribute:1.3", 2},
	/* wrong flags, and no route to withdraw */
	{"BgpUpdateMsgTest:bgpUpdateMessageTest23:updateMsg", 4},
	{"BgpUpdateMsgTest:bgpUpdateMessageTest31:updateMsg", 4},
	/* a withdrawn route that reaches into the next field */
	{"update:test_update_bad_length:bad_withdraw_length_short_wire", 1},
	{"BGPv4CodecTest:testDecodeOriginInvalidPacket:", 6},
};

static bool refusal_is_known(const char *id, uint8_t subcode)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (strcmp(refusals[i].id, id) == 0)
			return refusals[i].subcode == subcode;
	return false;
}

/* tshark guesses the AS size and add-path for each message alone, so one of the eight readings has to be its. */
static void compare(struct wire_in message, const json_t *decode, const char *id, struct tally *tally)
{
	bool taken = false;
	uint8_t subcode = 0;

	for (unsigned int i = 0; i < 8; i++) {
		struct wire_session session = {(i & 1) == 0, (i & 2) != 0, (i & 4) != 0, true, false};
		struct wire_update u;
		struct wire_err e = wire_update_decode(message, &session, &u);

		if (i == 0)
			subcode = e.subcode;
		if (e.treat == WIRE_RESET)
			continue;
		taken = true;
		if (agree(&u, decode)) {
			tally->agreed++;
			return;
		}
	}
	if (!taken && refusal_is_known(id, subcode)) {
		tally->refused++;
		return;
	}
	print_error("%s: %s\n", id, taken ? "tshark reads something else" : wire_error_text(3, subcode));
	tally->differ++;
}

/* The message of that index in the bytes of a row; tshark cuts by the length field. */
static struct wire_in nth_message(const uint8_t *bytes, size_t n, size_t index)
{
	struct wire_in in = wire_in_of(bytes, n), m = {0};

	for (size_t i = 0; i <= index; i++) {
		if (wire_left(&in) < WIRE_HEADER_LEN)
			return (struct wire_in){0};
		m = wire_sub(&in, (size_t)in.at[16] << 8 | in.at[17]);
	}
	return m;
}

/* The bytes of a row of the hex file, found by its id. */
static size_t row_bytes(const char *folder, const char *name, const char *id, uint8_t *ret, size_t room)
{
	struct rows f = rows_open(folder, name);
	size_t n = 0;
	char *fields[2];

	while (n == 0 && rows_next(&f, fields, 2))
		if (strcmp(fields[0], id) == 0)
			n = rows_hex(fields[1], ret, room);
	free(f.text);
	return n;
}

static void compare_file(const char *hex_folder, const char *folder, const char *name, struct tally *tally)
{
	static uint8_t bytes[WIRE_EXTENDED_MAX];
	struct rows f = rows_open(folder, name);
	char source[256];
	char *fields[5];

	snprintf(source, sizeof(source), "%.*s.tsv", (int)strcspn(name, "."), name);
	while (rows_next(&f, fields, 5)) {
		json_t *decode = json_loads(fields[4], 0, NULL);
		struct wire_in m;
		size_t n;

		assert_non_null(decode);
		if (strcmp(fields[2], "2") == 0 && tshark_reads_on(decode)) {
			n = row_bytes(hex_folder, source, fields[0], bytes, sizeof(bytes));
			m = nth_message(bytes, n, (size_t)strtoul(fields[1], NULL, 10));
			assert_true(wire_more(&m));
			compare(m, decode, fields[0], tally);
		}
		json_decref(decode);
	}
	free(f.text);
}

static void tshark_reads_the_same(void **state)
{
	char hex_folder[4096];
	const char *folder;
	struct tally tally = {0};
	const struct dirent *e;
	DIR *dir;

	(void)state;
	snprintf(hex_folder, sizeof(hex_folder), "%s", support_shared("corpus/hex"));
	folder = support_shared("corpus/expected/hex");
	dir = opendir(folder);
	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL)
		if (is_table(e))
			compare_file(hex_folder, folder, e->d_name, &tally);
	closedir(dir);
	assert_int_equal(tally.differ, 0);
	assert_int_equal(tally.refused, sizeof(refusals) / sizeof(refusals[0]));
	assert_true(tally.agreed > 300);
}

/* ---- BGP4J's tests name the NOTIFICATION that has to answer a bad message ---- */

static struct wire_err judge(const uint8_t *bytes, size_t n)
{
	static const struct wire_session session = {0};
	struct wire_update update;
	struct wire_open open;
	size_t len;
	uint8_t type;
	struct wire_err e = wire_frame(bytes, n, false, &len, &type);

	if (e.treat == WIRE_OK && type == WIRE_OPEN)
		return wire_open_decode(wire_in_of(bytes, len), &open);
	if (e.treat == WIRE_OK && type == WIRE_UPDATE)
		return wire_update_decode(wire_in_of(bytes, len), &session, &update);
	return e;
}

/* Its answer to a length of 21 is 1/1 where RFC 4271 section 6.1 wants 1/2, it refuses families it doesn't know, and it
 * looks into an AS4_PATH that says it is well-known. */
static bool answer_is_its_own(const char *id)
{
	return strstr(id, "testMalformedWithdrawnRoutesNopath") != NULL || strstr(id, "testDecodeBogusSafi") != NULL ||
	       strstr(id, "testDecodeASPath4") != NULL;
}

static void errors_are_answered_as_bgp4j_expects(void **state)
{
	char folder[4096];
	struct rows f;
	char *fields[3];
	size_t compared = 0;

	(void)state;
	snprintf(folder, sizeof(folder), "%s", support_shared("corpus/hex"));
	f = rows_open(folder, "bgp4j.tsv");
	while (rows_next(&f, fields, 3)) {
		json_t *facts = json_loads(fields[2], 0, NULL);
		const char *kind = json_string_value(json_object_get(facts, "kind"));
		const char *reply = json_string_value(json_object_get(facts, "expected_reply_hex"));
		uint8_t bytes[4096], want[128];
		struct wire_err e;

		if (reply != NULL && strcmp(kind, "message") == 0 && !answer_is_its_own(fields[0])) {
			e = judge(bytes, rows_hex(fields[1], bytes, sizeof(bytes)));
			assert_true(rows_hex(reply, want, sizeof(want)) >= 21);
			if (e.treat < WIRE_TREAT_AS_WITHDRAW || e.code != want[19] || e.subcode != want[20])
				fail_msg("%s: %u/%u", fields[0], e.code, e.subcode);
			compared++;
		}
		json_decref(facts);
	}
	free(f.text);
	assert_true(compared >= 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_survived),
		cmocka_unit_test(tshark_reads_the_same),
		cmocka_unit_test(errors_are_answered_as_bgp4j_expects),
	};

	return cmocka_run_group_tests_name("wire: corpus", tests, NULL, NULL);
}
