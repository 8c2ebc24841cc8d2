/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decoding, writing and decoding again is the identity: for every message of the corpus, and for seeded random ones. */
#include "again.h"
#include "message.h"
#include "random.h"
#include "rows.h"

#include "wire_bfd.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#define WAYS 16U

enum { HEX_COLUMNS = 3, STREAM_COLUMNS = 11 };

struct tally {
	size_t messages, taken, canonical, differ;
	size_t kinds[WIRE_ROUTE_REFRESH + 1]; /* taken, by type */
};

static struct wire_session way(unsigned int i)
{
	return (struct wire_session){.as4 = (i & 1) == 0,
				     .add_path_v4 = (i & 2) != 0,
				     .add_path_v6 = (i & 4) != 0,
				     .extended = true,
				     .ebgp = (i & 8) != 0};
}

static void count(struct tally *t, const struct again *a, const char *where, unsigned int i)
{
	t->taken += a->taken;
	t->canonical += a->canonical;
	if (a->differs == NULL)
		return;
	print_error("%s, way %u: %s\n", where, i, a->differs);
	t->differ++;
}

/* Nobody says what the session had agreed on, so whatever reading takes the message must give it back. */
static void message_try(struct tally *t, struct wire_in message, const char *where)
{
	uint8_t type = message.at[18];
	size_t taken = t->taken;

	t->messages++;
	for (unsigned int i = 0; i < (type == WIRE_UPDATE ? WAYS : 1); i++) {
		struct wire_session session = way(i);
		struct again a = type == WIRE_UPDATE ? again_update(message, &session) : again_other(message);

		count(t, &a, where, i);
	}
	t->kinds[type] += t->taken > taken;
}

/* Every whole message that stands in the octets. */
static void octets_try(struct tally *t, const uint8_t *bytes, size_t n, const char *where)
{
	size_t len;
	uint8_t type;

	for (size_t at = 0; at < n; at += len) {
		struct wire_err e = wire_frame(bytes + at, n - at, true, &len, &type);

		if (e.treat != WIRE_OK || len == 0)
			return;
		message_try(t, wire_in_of(bytes + at, len), where);
	}
}

/* Parts of messages, by what the row says they are. */
static const struct {
	const char *kind;
	uint8_t type;
	enum { BODY, ATTRIBUTES, CAPABILITY } part;
} parts[] = {
	{"\"kind\":\"open_body\"", WIRE_OPEN, BODY},
	{"\"kind\":\"update_body", WIRE_UPDATE, BODY},
	{"\"kind\":\"notification_body\"", WIRE_NOTIFICATION, BODY},
	{"\"kind\":\"route_refresh_body\"", WIRE_ROUTE_REFRESH, BODY},
	{"\"kind\":\"path_attribute", WIRE_UPDATE, ATTRIBUTES},
	{"\"kind\":\"capability\"", WIRE_OPEN, CAPABILITY},
};

/* What stands before a part so that it becomes a message's body. */
static void put_before(struct wire_out *out, int part, size_t n)
{
	static const uint8_t fixed[] = {4, 0x55, 0xf0, 0, 90, 10, 0, 0, 51};

	if (part == ATTRIBUTES) {
		wire_put16(out, 0);
		wire_put16(out, n);
	} else if (part == CAPABILITY) {
		wire_put(out, fixed, sizeof(fixed));
		wire_put8(out, n + 2);
		wire_put8(out, 2);
		wire_put8(out, n);
	}
}

static void part_try(struct tally *t, struct wire_in part, const char *facts, const char *where)
{
	static uint8_t bytes[WIRE_EXTENDED_MAX + 64];

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct wire_out out = wire_out_to(bytes, WIRE_EXTENDED_MAX);
		size_t len;

		if (strstr(facts, parts[i].kind) == NULL)
			continue;
		memset(wire_room(&out, WIRE_HEADER_LEN), 0xff, WIRE_HEADER_LEN);
		bytes[18] = parts[i].type;
		put_before(&out, (int)parts[i].part, wire_left(&part));
		wire_put(&out, part.at, wire_left(&part));
		len = out.full ? 0 : out.len;
		bytes[16] = (uint8_t)(len >> 8);
		bytes[17] = (uint8_t)len;
		octets_try(t, bytes, len, where);
	}
}

static void file_try(struct tally *t, const char *folder, const char *name, size_t columns)
{
	static uint8_t bytes[WIRE_EXTENDED_MAX];
	struct rows f = rows_open(folder, name);
	char *fields[STREAM_COLUMNS];

	while (rows_next(&f, fields, columns)) {
		size_t n = rows_hex(fields[columns == HEX_COLUMNS ? 1 : columns - 1], bytes, sizeof(bytes));

		octets_try(t, bytes, n, columns == HEX_COLUMNS ? fields[0] : name);
		if (columns == HEX_COLUMNS)
			part_try(t, wire_in_of(bytes, n), fields[2], fields[0]);
	}
	free(f.text);
}

/* The files of a folder whose names end so; the hex stands in the last of a stream's columns. */
static struct tally folder_try(const char *shared, const char *ending, size_t columns)
{
	char folder[4096];
	struct tally t = {0};
	const struct dirent *e;
	DIR *dir;

	snprintf(folder, sizeof(folder), "%s", support_shared(shared));
	dir = opendir(folder);
	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL) {
		size_t n = strlen(e->d_name);

		if (n > strlen(ending) && strcmp(e->d_name + n - strlen(ending), ending) == 0)
			file_try(&t, folder, e->d_name, columns);
	}
	closedir(dir);
	print_message("%zu messages: %zu OPEN, %zu UPDATE, %zu NOTIFICATION, %zu KEEPALIVE, %zu ROUTE-REFRESH; %zu "
		      "readings, %zu canonical\n",
		      t.messages, t.kinds[1], t.kinds[2], t.kinds[3], t.kinds[4], t.kinds[5], t.taken, t.canonical);
	return t;
}

static void hex_rows_come_back(void **state)
{
	struct tally t = folder_try("corpus/hex", ".tsv", HEX_COLUMNS);

	(void)state;
	assert_int_equal(t.differ, 0);
	assert_true(t.kinds[WIRE_OPEN] > 30 && t.kinds[WIRE_UPDATE] > 350 && t.kinds[WIRE_NOTIFICATION] > 20);
	assert_true(t.canonical > 1700);
}

static void captured_messages_come_back(void **state)
{
	struct tally t = folder_try("corpus/expected/pcap", ".stream.tsv", STREAM_COLUMNS);

	(void)state;
	assert_int_equal(t.differ, 0);
	assert_true(t.kinds[WIRE_OPEN] > 50 && t.kinds[WIRE_UPDATE] > 400 && t.kinds[WIRE_ROUTE_REFRESH] > 0);
	assert_true(t.canonical > 2000);
}

/* What the writer makes of messages that leave it a choice. Sessions of two octets an AS. */
static const struct {
	const char *name;
	const char *attrs, *nlri;
	const char *want; /* attributes */
} choices[] = {
	{"an AGGREGATOR that stands for another",
	 "400101 00 400200 400304 0a000001 c00706 5ba0 0a000009 c01208 fa56ea01 0a000009", "08 0a",
	 "400101 00 400200 400304 0a000001 c00706 5ba0 0a000009 c01208 fa56ea01 0a000009"},
	{"and for one that it need not",
	 "400101 00 400200 400304 0a000001 c00706 5ba0 0a000009 c01208 000055f0 0a000009", "08 0a",
	 "400101 00 400200 400304 0a000001 c00706 5ba0 0a000009 c01208 000055f0 0a000009"},
	{"stale AS4 attributes are left out (RFC 6793 section 4.2.3)",
	 "400101 00 400200 400304 0a000001 c00706 55f0 0a000009 c01106 0201 000055f0 c01208 000055f0 0a000009", "08 0a",
	 "400101 00 400200 400304 0a000001 c00706 55f0 0a000009"},
	{"flags, lengths", "d0fe0001 ff 500300 04 0a000001 400200 50010001 00 e0080400000001", "08 0a",
	 "c0fe01 ff 400304 0a000001 400200 400101 00 e00804 00000001"},
	{"the first of two counts", "400101 00 400200 400304 0a000001 800404 00000001 800404 00000002", "08 0a",
	 "400101 00 400200 400304 0a000001 800404 00000001"},
	{"what is discarded is left out", "400101 00 400200 400304 0a000001 400601 ff", "08 0a",
	 "400101 00 400200 400304 0a000001"},
	{"host bits are cleared, the reserved octet too",
	 "400101 00 400200 800e18 0002 01 10 20010db8000000000000000000000001 07 0f 20ff", "",
	 "400101 00 400200 800e18 0002 01 10 20010db8000000000000000000000001 00 0f 20fe"},
};

static void choices_are_made(void **state)
{
	static const struct wire_session session = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		struct message m = update_with(choices[i].attrs, choices[i].nlri);
		struct message want = update_with(choices[i].want, choices[i].nlri);
		struct wire_update u;
		uint8_t bytes[512];
		struct wire_out out = wire_out_to(bytes, sizeof(bytes));
		struct again a = again_update(message_view(&m), &session);

		if (!a.taken || a.differs != NULL)
			fail_msg("%s: %s", choices[i].name, a.taken ? a.differs : "refused");
		(void)wire_update_decode(message_view(&m), &session, &u);
		wire_update_write(&out, &session, &u);
		support_bytes_equal(bytes, out.len, want.bytes, want.len);
	}
}

/* Written so that nothing is left open: each has to be taken, and to come back octet by octet. */
static void random_messages_come_back(void **state)
{
	static uint8_t bytes[WIRE_EXTENDED_MAX];

	(void)state;
	for (uint64_t seed = 1; seed <= 6000; seed++) {
		struct rng rng = {.state = seed};
		struct wire_session session = way((unsigned int)rng_below(&rng, WAYS));
		unsigned int kind = (unsigned int)(seed % 4);
		size_t n = kind == 0   ? random_open(&rng, bytes)
			   : kind == 1 ? random_small(&rng, bytes)
				       : random_update(&rng, &session, bytes);
		struct wire_in message = wire_in_of(bytes, n);
		struct again a;

		assert_true(n >= WIRE_HEADER_LEN);
		a = bytes[18] == WIRE_UPDATE ? again_update(message, &session) : again_other(message);
		if (!a.taken || !a.canonical || a.differs != NULL)
			fail_msg("seed %lu, type %u: %s", (unsigned long)seed, bytes[18],
				 !a.taken	     ? "refused"
				 : a.differs != NULL ? a.differs
						     : "not taken for canonical");
	}
}

static void random_bfd_packets_come_back(void **state)
{
	static uint8_t bytes[WIRE_EXTENDED_MAX];

	(void)state;
	for (uint64_t seed = 1; seed <= 20000; seed++) {
		struct rng rng = {.state = seed};
		uint8_t again[WIRE_BFD_MAX];
		struct wire_out out = wire_out_to(again, sizeof(again));
		size_t n = random_bfd(&rng, bytes), secret;
		struct wire_bfd p;

		assert_int_equal(wire_bfd_decode(wire_in_of(bytes, n), &p), WIRE_BFD_KEPT);
		wire_bfd_encode(&out, &p, &secret);
		assert_false(out.full);
		support_bytes_equal(again, out.len, bytes, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hex_rows_come_back),
		cmocka_unit_test(captured_messages_come_back),
		cmocka_unit_test(choices_are_made),
		cmocka_unit_test(random_messages_come_back),
		cmocka_unit_test(random_bfd_packets_come_back),
	};

	return cmocka_run_group_tests_name("wire: again", tests, NULL, NULL);
}
