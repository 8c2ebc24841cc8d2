/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BFD control packets: the reception rules of RFC 5880 section 6.8.6 that need no session, and other people's captures read
 * as tshark reads them. */
#include "support.h"
#include "wire_bfd.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAIR "20 40 03 18 00000001 00000000 000f4240 000f4240 00000000"

/* Drawn from the field layout of RFC 5880 section 4.1 by hand. */
static const struct rule_row {
	const char *name;
	const char *hex;
	enum wire_bfd_drop want;
} rule_rows[] = {
	{"Down, nothing known", FAIR, WIRE_BFD_KEPT},
	{"octets behind the length", FAIR "ffff", WIRE_BFD_KEPT},
	{"Up with both discriminators", "20 c0 03 18 00000001 00000002 000f4240 000f4240 00000000", WIRE_BFD_KEPT},
	{"AdminDown, nothing known", "27 00 03 18 00000001 00000000 000f4240 000f4240 00000000", WIRE_BFD_KEPT},
	{"nothing", "", WIRE_BFD_DROP_SHORT},
	{"23 octets", "20 40 03 18 00000001 00000000 000f4240 000f4240 000000", WIRE_BFD_DROP_SHORT},
	{"version 0", "00 40 03 18 00000001 00000000 000f4240 000f4240 00000000", WIRE_BFD_DROP_VERSION},
	{"version 2, and all else wrong", "40 41 00 00 00000000 00000000 000f4240 000f4240 00000000",
	 WIRE_BFD_DROP_VERSION},
	{"length 23", "20 40 03 17 00000001 00000000 000f4240 000f4240 00000000", WIRE_BFD_DROP_SHORT},
	{"length 25 with the A bit", "20 44 03 19 00000001 00000000 000f4240 000f4240 00000000 01",
	 WIRE_BFD_DROP_SHORT},
	{"length 25 in 24 octets", "20 40 03 19 00000001 00000000 000f4240 000f4240 00000000", WIRE_BFD_DROP_LENGTH},
	{"multiplier 0", "20 40 00 18 00000001 00000000 000f4240 000f4240 00000000", WIRE_BFD_DROP_MULTIPLIER},
	{"M bit", "20 41 03 18 00000001 00000000 000f4240 000f4240 00000000", WIRE_BFD_DROP_MULTIPOINT},
	{"my discriminator 0", "20 40 03 18 00000000 00000000 000f4240 000f4240 00000000", WIRE_BFD_DROP_MY},
	{"Init without your discriminator", "20 80 03 18 00000001 00000000 000f4240 000f4240 00000000",
	 WIRE_BFD_DROP_YOUR_ZERO},
	{"Up without your discriminator", "20 c0 03 18 00000001 00000000 000f4240 000f4240 00000000",
	 WIRE_BFD_DROP_YOUR_ZERO},
};

static void packets_are_judged_in_the_order_of_the_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rule_rows) / sizeof(rule_rows[0]); i++) {
		uint8_t bytes[64];
		size_t n = support_hex(rule_rows[i].hex, bytes, sizeof(bytes));
		struct wire_bfd p;
		enum wire_bfd_drop drop = wire_bfd_decode(wire_in_of(bytes, n), &p);

		if (drop != rule_rows[i].want)
			fail_msg("%s: %s", rule_rows[i].name, wire_bfd_drop_text(drop));
	}
}

/* What stands behind the mandatory section; the lengths are made. */
static const struct auth_row {
	const char *hex;
	uint8_t type, key; /* type 0: it is no section */
	uint32_t seq;
	size_t secret_len;
} auth_rows[] = {
	{"01 09 07 736563726574", 1, 7, 0, 6},
	{"01 13 07 00112233445566778899aabbccddeeff", 1, 7, 0, 16},
	{"01 14 07 00112233445566778899aabbccddeeff00", 0, 0, 0, 0},
	{"01 03 07", 0, 0, 0, 0},
	{"01 0a 07 736563726574", 0, 0, 0, 0}, /* longer than there is */
	{"01 08 07 736563726574", 0, 0, 0, 0}, /* shorter */
	{"01 02", 0, 0, 0, 0},
	{"02 18 01 00 00000005 00112233445566778899aabbccddeeff", 2, 1, 5, 16},
	{"03 18 01 ff 80000005 00112233445566778899aabbccddeeff", 3, 1, 0x80000005, 16},
	{"04 1c 02 00 00000006 00112233445566778899aabbccddeeff00112233", 4, 2, 6, 20},
	{"05 1c 02 00 00000006 00112233445566778899aabbccddeeff00112233", 5, 2, 6, 20},
	{"04 18 02 00 00000006 00112233445566778899aabbccddeeff", 0, 0, 0, 0}, /* MD5's length under SHA1 */
	{"02 17 01 00 00000005 00112233445566778899aabbccddee", 0, 0, 0, 0},
	{"06 09 07 736563726574", 0, 0, 0, 0}, /* no such type */
	{"00 03 00", 0, 0, 0, 0},
};

static void authentication_sections_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(auth_rows) / sizeof(auth_rows[0]); i++) {
		const struct auth_row *row = &auth_rows[i];
		uint8_t bytes[64];
		size_t n = support_hex(FAIR, bytes, sizeof(bytes));
		struct wire_bfd p;

		n += support_hex(row->hex, bytes + n, sizeof(bytes) - n);
		bytes[1] |= WIRE_BFD_AUTH;
		bytes[3] = (uint8_t)n;
		assert_int_equal(wire_bfd_decode(wire_in_of(bytes, n), &p), WIRE_BFD_KEPT);
		if (p.auth_type != row->type || p.auth_key != row->key || p.auth_seq != row->seq ||
		    wire_left(&p.secret) != row->secret_len)
			fail_msg("%s: type %u key %u seq %u secret %zu", row->hex, p.auth_type, p.auth_key, p.auth_seq,
				 wire_left(&p.secret));
	}
}

static void what_is_written_reads_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(auth_rows) / sizeof(auth_rows[0]); i++) {
		uint8_t bytes[64], again[WIRE_BFD_MAX];
		struct wire_out out = wire_out_to(again, sizeof(again));
		size_t n = support_hex("27 5a 05 18 bfd00010 12345678 000186a0 0007a120 00000001", bytes, 24), secret;
		struct wire_bfd p;

		n += support_hex(auth_rows[i].hex, bytes + n, sizeof(bytes) - n);
		bytes[1] |= WIRE_BFD_AUTH;
		bytes[3] = (uint8_t)n;
		(void)wire_bfd_decode(wire_in_of(bytes, n), &p);
		wire_bfd_encode(&out, &p, &secret);
		assert_false(out.full);
		if (p.auth_type == WIRE_BFD_AUTH_NONE) {
			n = 24;
			bytes[1] &= (uint8_t)~WIRE_BFD_AUTH;
			bytes[3] = 24;
		} else if (wire_bfd_digest_len(p.auth_type) > 0) {
			bytes[27] = 0; /* reserved: written as zero, ignored when read */
		}
		support_bytes_equal(again, out.len, bytes, n);
		assert_int_equal(secret, n - wire_left(&p.secret));
	}
}

static void no_bytes_crash_the_decoder(void **state)
{
	uint32_t x = 1;

	(void)state;
	for (unsigned int round = 0; round < 200000; round++) {
		size_t n = round % 70;
		uint8_t *bytes = malloc(n + 1);
		struct wire_bfd p;

		assert_non_null(bytes);
		for (size_t i = 0; i < n; i++)
			bytes[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
		if (n > 28) { /* mostly fair, so that the inner parts are reached */
			bytes[0] = 0x20;
			bytes[1] = 0x44;
			bytes[3] = (uint8_t)(n - round % 3);
			bytes[24] %= 7;
			bytes[25] = (uint8_t)(bytes[3] - 24);
		}
		(void)wire_bfd_decode(wire_in_of(bytes, n), &p);
		assert_in_range(wire_left(&p.secret), 0, n);
		free(bytes);
	}
}

/* ---- Captures ---- */

static uint32_t number_at(const uint8_t *p, bool swapped)
{
	return swapped ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]
		       : (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

/* The frame of a classic pcap file, counted from 1. */
static struct wire_in frame_of(const uint8_t *file, size_t len, unsigned long frame)
{
	bool swapped = file[0] == 0xa1;
	size_t at = 24;

	while (at + 16 <= len) {
		size_t n = number_at(file + at + 8, swapped);

		assert_true(n <= len - at - 16);
		if (--frame == 0)
			return wire_in_of(file + at + 16, n);
		at += 16 + n;
	}
	return (struct wire_in){.bad = true};
}

/* The UDP payload of an Ethernet or raw IP frame, with VLAN tags or without; found by its headers, not by its bytes. */
static struct wire_in udp_payload(struct wire_in in, unsigned int linktype)
{
	unsigned int version;
	uint16_t len;

	if (linktype == 1) {
		wire_skip(&in, 12);
		while (wire_u16(&in) == 0x8100)
			wire_skip(&in, 2);
	}
	if (in.bad || wire_left(&in) < 40)
		return (struct wire_in){.bad = true};
	version = in.at[0] >> 4;
	if (in.at[version == 4 ? 9 : 6] != 17)
		return (struct wire_in){.bad = true};
	wire_skip(&in, version == 4 ? (in.at[0] & 0xfU) * 4 : 40);
	wire_skip(&in, 4);
	len = wire_u16(&in);
	wire_skip(&in, 2);
	return wire_sub(&in, len - 8U);
}

static unsigned long number(const char *text)
{
	return strtoul(text, NULL, 0);
}

enum {
	FRAME,
	PROTO = 6,
	VERSION,
	DIAG,
	STATE,
	FLAGS,
	MULT,
	LEN,
	MY,
	YOUR,
	MIN_TX,
	MIN_RX,
	MIN_ECHO,
	AUTH_TYPE,
	AUTH_SEQ,
	COLUMNS
};

static void packet_compare(const char *name, char *const *f, struct wire_in payload)
{
	struct wire_bfd p;
	enum wire_bfd_drop drop = wire_bfd_decode(payload, &p);

	if (payload.bad || drop != WIRE_BFD_KEPT)
		fail_msg("%s frame %s: %s", name, f[FRAME], wire_bfd_drop_text(drop));
	if (p.version != number(f[VERSION]) || p.diag != number(f[DIAG]) || p.state != number(f[STATE]) ||
	    ((unsigned int)p.state << 6 | p.flags) != number(f[FLAGS]) || p.multiplier != number(f[MULT]) ||
	    p.length != number(f[LEN]))
		fail_msg("%s frame %s: version, diagnostic, state, flags, multiplier or length", name, f[FRAME]);
	if (p.my != number(f[MY]) || p.your != number(f[YOUR]) || p.desired_tx_us != number(f[MIN_TX]) ||
	    p.required_rx_us != number(f[MIN_RX]) || p.required_echo_rx_us != number(f[MIN_ECHO]))
		fail_msg("%s frame %s: discriminators or intervals", name, f[FRAME]);
	if (p.auth_type != number(f[AUTH_TYPE]) || p.auth_seq != number(f[AUTH_SEQ]))
		fail_msg("%s frame %s: authentication", name, f[FRAME]);
}

/* Every packet of the captures is canonical: decoded and written it is what it was. */
static void packet_again(const char *name, const char *frame, struct wire_in payload)
{
	uint8_t again[WIRE_BFD_MAX];
	struct wire_out out = wire_out_to(again, sizeof(again));
	struct wire_bfd p;
	size_t secret;

	(void)wire_bfd_decode(payload, &p);
	wire_bfd_encode(&out, &p, &secret);
	if (out.full || out.len != p.length || memcmp(again, payload.at, out.len) != 0)
		fail_msg("%s frame %s: written again, it is another", name, frame);
}

static unsigned int capture_compare(const char *folder, const char *name)
{
	char path[4096], *fields[COLUMNS], *text, *rest, *line;
	unsigned int compared = 0;
	uint8_t *file;
	size_t len;

	snprintf(path, sizeof(path), "%s/expected/pcap/%s", folder, name);
	rest = text = support_slurp(path, NULL);
	snprintf(path, sizeof(path), "%s/pcap/bfd/%.*s", folder, (int)(strlen(name) - strlen(".bfd.tsv")), name);
	file = (uint8_t *)support_slurp(path, &len);
	assert_true(len > 24);
	while ((line = strsep(&rest, "\n")) != NULL) {
		struct wire_in payload;
		size_t n = 0;

		while (n < COLUMNS && (fields[n] = strsep(&line, "\t")) != NULL)
			n++;
		if (n < COLUMNS || fields[0][0] == '#' || strcmp(fields[PROTO], "bfd") != 0)
			continue;
		payload = udp_payload(frame_of(file, len, number(fields[FRAME])),
				      number_at(file + 20, file[0] == 0xa1) & 0xffff);
		packet_compare(name, fields, payload);
		packet_again(name, fields[FRAME], payload);
		compared++;
	}
	free(file);
	free(text);
	return compared;
}

static void captures_read_as_tshark_reads_them(void **state)
{
	char folder[4096], path[4096];
	const struct dirent *e;
	unsigned int compared = 0;
	DIR *dir;

	(void)state;
	snprintf(folder, sizeof(folder), "%s", support_shared("corpus"));
	snprintf(path, sizeof(path), "%s/expected/pcap", folder);
	dir = opendir(path);
	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL) {
		size_t n = strlen(e->d_name);

		if (n > 8 && strcmp(e->d_name + n - 8, ".bfd.tsv") == 0)
			compared += capture_compare(folder, e->d_name);
	}
	closedir(dir);
	assert_true(compared > 900);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_are_judged_in_the_order_of_the_rules),
		cmocka_unit_test(authentication_sections_are_read),
		cmocka_unit_test(what_is_written_reads_back),
		cmocka_unit_test(no_bytes_crash_the_decoder),
		cmocka_unit_test(captures_read_as_tshark_reads_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
