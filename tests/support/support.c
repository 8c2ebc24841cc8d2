/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t support_hex(const char *text, uint8_t *ret, size_t room)
{
	size_t nibbles = 0;

	for (; *text != '\0'; text++) {
		int d = digit(*text);

		if (isspace((unsigned char)*text))
			continue;
		if (d < 0 || nibbles / 2 >= room)
			fail_msg("bad hex at \"%.20s\"", text);
		if (nibbles % 2 == 0)
			ret[nibbles / 2] = 0;
		ret[nibbles / 2] = (uint8_t)(ret[nibbles / 2] << 4 | d);
		nibbles++;
	}
	assert_int_equal(nibbles % 2, 0);
	return nibbles / 2;
}

static void print_hex(const char *label, const uint8_t *bytes, size_t n)
{
	print_error("%s (%zu):", label, n);
	for (size_t i = 0; i < n; i++)
		print_error("%s%02x", i % 16 == 0 ? "\n  " : " ", bytes[i]);
	print_error("\n");
}

void support_bytes_equal(const uint8_t *got, size_t got_len, const uint8_t *want, size_t want_len)
{
	if (got_len == want_len && (want_len == 0 || memcmp(got, want, want_len) == 0))
		return;
	print_hex("want", want, want_len);
	print_hex("got", got, got_len);
	fail_msg("bytes differ");
}

const char *support_shared(const char *file)
{
	static char path[4096];
	const char *dir = getenv("ECMPLAB_SHARED");

	snprintf(path, sizeof(path), "%s/%s", dir != NULL ? dir : "../shared", file);
	if (access(path, R_OK) != 0) {
		print_message("skipped: no reference data here (%s)\n", file);
		skip();
	}
	return path;
}

char *support_slurp(const char *path, size_t *ret_len)
{
	FILE *f = fopen(path, "rb");
	char *text = NULL;
	size_t len = 0, room = 0;

	if (f == NULL)
		fail_msg("can't open %s", path);
	do {
		room = room == 0 ? 65536 : room * 2;
		text = realloc(text, room + 1);
		assert_non_null(text);
		len += fread(text + len, 1, room - len, f);
	} while (len == room);
	fclose(f);
	text[len] = '\0';
	if (ret_len != NULL)
		*ret_len = len;
	return text;
}
