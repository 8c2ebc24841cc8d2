/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads messages in hex, one a line; each is decoded, written and decoded again. Says which are not the same, and how many
 * there were. Options: --as2, --add-path. */
#include "again.h"

#include <stdio.h>
#include <stdlib.h>

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

static size_t octets_of(const char *hex, uint8_t *ret, size_t room)
{
	size_t n = 0;

	for (; n < room && digit(hex[0]) >= 0 && digit(hex[1]) >= 0; hex += 2)
		ret[n++] = (uint8_t)(digit(hex[0]) << 4 | digit(hex[1]));
	return n;
}

int main(int argc, char **argv)
{
	static uint8_t bytes[WIRE_EXTENDED_MAX];
	struct wire_session session = {.as4 = true, .extended = true};
	size_t line = 0, taken = 0, canonical = 0, differ = 0, room = 0;
	char *text = NULL;

	for (int i = 1; i < argc; i++) {
		session.as4 &= strcmp(argv[i], "--as2") != 0;
		session.add_path_v4 |= strcmp(argv[i], "--add-path") == 0;
		session.add_path_v6 = session.add_path_v4;
	}
	while (getline(&text, &room, stdin) > 0) {
		struct wire_in message = wire_in_of(bytes, octets_of(text, bytes, sizeof(bytes)));
		struct again a = {0};
		size_t len;
		uint8_t type;

		line++;
		if (wire_frame(message.at, wire_left(&message), true, &len, &type).treat != WIRE_OK || len == 0)
			continue;
		message = wire_in_of(bytes, len);
		a = type == WIRE_UPDATE ? again_update(message, &session) : again_other(message);
		taken += a.taken;
		canonical += a.canonical;
		differ += a.differs != NULL;
		if (a.differs != NULL)
			fprintf(stderr, "line %zu: %s\n", line, a.differs);
	}
	free(text);
	printf("%zu %zu %zu\n", line, taken, canonical);
	return differ > 0;
}
