/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages as JSON, where the corpus has no row for it. */
#include "message.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

/* Behind the marker, with the length filled in; what must stand in the line, and what must not. */
static const struct {
	const char *name;
	const char *hex;
	const char *want;
	const char *unwanted;
} rows[] = {
	{"routes without an attribute are told", "0000 02 0000 0000 08 0a", "\"nlri\":[\"10.0.0.0/8\"]", NULL},
	{"attributes beyond the message hide them", "0000 02 0000 0040 40010100", "\"nlri\":[]", "10.0.0.0"},
	{"multicast routes", "0000 02 0000 000f 800e0c 0001 02 04 0a000001 00 10 c0a8",
	 "\"safi\":\"2\",\"next_hop\":[\"10.0.0.1\"],\"nlri\":[\"192.168.0.0/16\"", NULL},
	{"a flow specification: destination, source, protocols, ports",
	 "0000 02 0000 001d 800e1a 0001 85 00 00 14 01 18 c00002 02 08 0a 03 01 06 81 11 05 91 1f90 06 81 35",
	 "\"nlri\":[\"192.0.2.0/24\",\"10.0.0.0/8\"],\"nlri_hex\":\"14", NULL},
	{"with a route distinguisher", "0000 02 0000 0016 800f13 0001 86 0f 0000000100000002 01 18 c00002 02 00",
	 "\"nlri\":[\"192.0.2.0/24\",\"0.0.0.0/0\"]", NULL},
	{"of IPv6, an offset makes it a pattern",
	 "0000 02 0000 0013 800f10 0002 85 0c 01 20 00 20010db8 02 28 20 aa 03", "\"nlri\":[\"2001:db8::/32\"]",
	 "\"aa"},
	{"a rule that is cut", "0000 02 0000 0008 800f05 0001 85 20 01", "\"nlri\":[]", NULL},
	{"a long rule", "0000 02 0000 000b 800f08 0001 85 f003 01 08 0a", "\"nlri\":[\"10.0.0.0/8\"]", NULL},
};

static void lines_say_it(void **state)
{
	static const struct wire_session session = {.as4 = true};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t bytes[256];
		size_t n, len = 0;
		char *text = NULL;
		FILE *out = open_memstream(&text, &len);

		memset(bytes, 0xff, 16);
		n = 16 + support_hex(rows[i].hex, bytes + 16, sizeof(bytes) - 16);
		bytes[17] = (uint8_t)n;
		assert_non_null(out);
		(void)report_message(out, bytes, n, &session);
		fclose(out);
		if (strstr(text, rows[i].want) == NULL)
			fail_msg("%s: no %s in %s", rows[i].name, rows[i].want, text);
		if (rows[i].unwanted != NULL && strstr(text, rows[i].unwanted) != NULL)
			fail_msg("%s: %s in %s", rows[i].name, rows[i].unwanted, text);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(lines_say_it)};

	return cmocka_run_group_tests_name("report: messages", tests, NULL, NULL);
}
