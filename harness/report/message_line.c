/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A line of a dump in hex: what people's tools make of a message. */
#include "message.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/types.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What stands between octets and means nothing: blanks, punctuation, and the 0x or \x before each. Returns how many
 * characters, 0 for what is none. */
static size_t between(const char *text, size_t n)
{
	if (*text != '\0' && strchr(" \t\r\n\v\f:-,.", *text) != NULL)
		return 1;
	return n >= 2 && (*text == '0' || *text == '\\') && (text[1] == 'x' || text[1] == 'X') ? 2 : 0;
}

/* Hex in place of its digits. Returns the number of octets, or -1. */
static ssize_t octets(char *line, size_t n)
{
	size_t digits = 0;

	for (size_t i = 0; i < n;) {
		size_t skip = between(line + i, n - i);
		int d = skip > 0 ? 0 : digit(line[i]);

		if (d < 0 || (skip == 2 && digits % 2 != 0))
			return -1;
		if (skip == 0) {
			line[digits / 2] = (char)(digits % 2 == 0 ? d << 4 : (unsigned char)line[digits / 2] | d);
			digits++;
		}
		i += skip > 0 ? skip : 1;
	}
	return digits % 2 == 0 ? (ssize_t)(digits / 2) : -1;
}

/* The part of the line before a comment. */
static size_t meaning(const char *line, size_t n)
{
	const char *comment = memchr(line, '#', n);

	return comment != NULL ? (size_t)(comment - line) : n;
}

static bool is_blank(const char *line, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!isspace((unsigned char)line[i]))
			return false;
	}
	return true;
}

int report_message_line(FILE *out, char *line, size_t n, unsigned long number, const struct wire_session *session)
{
	ssize_t len;
	int r;

	if (number == 1 && n >= 3 && memcmp(line, BYTE_ORDER_MARK, 3) == 0) {
		line += 3;
		n -= 3;
	}
	n = meaning(line, n);
	if (is_blank(line, n))
		return 0;
	len = octets(line, n);
	if (len >= 0)
		return report_message(out, (const uint8_t *)line, (size_t)len, session);
	r = report_no_message(out, number, "not an even number of hex digits");
	return r < 0 ? r : -EBADMSG;
}
