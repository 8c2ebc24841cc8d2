/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text that grows, read a character at a time so that each format can escape what strangers wrote. */
#include "report_int.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void text_addn(struct text *t, const char *s, size_t n)
{
	if (n == 0)
		return;
	if (t->cap - t->len < n) {
		size_t cap = t->cap < 256 ? 256 : t->cap;

		while (cap - t->len < n)
			cap *= 2;
		t->at = memory_grow(t->at, cap, 1);
		t->cap = cap;
	}
	memcpy(t->at + t->len, s, n);
	t->len += n;
}

void text_add(struct text *t, const char *s)
{
	text_addn(t, s, strlen(s));
}

void text_addf(struct text *t, const char *fmt, ...)
{
	char *s = NULL;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vasprintf(&s, fmt, args);
	va_end(args);
	if (n < 0)
		memory_exhausted();
	text_addn(t, s, (size_t)n);
	free(s);
}

void text_fini(struct text *t)
{
	free(t->at);
	*t = (struct text){0};
}

/* Bytes that follow a first byte, and the bits it gives; -1: it starts no character (RFC 3629 section 3). */
static int sequence_length(unsigned char first, uint32_t *ret_bits)
{
	static const struct {
		unsigned char mask, value;
	} rows[] = {{0x80, 0x00}, {0xe0, 0xc0}, {0xf0, 0xe0}, {0xf8, 0xf0}};

	for (int i = 0; i < 4; i++) {
		if ((first & rows[i].mask) == rows[i].value) {
			*ret_bits = first & (unsigned char)~rows[i].mask;
			return i;
		}
	}
	return -1;
}

/* Overlong forms, surrogates and values past Unicode are not characters (RFC 3629 section 3). */
static bool code_is_valid(uint32_t code, int more)
{
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};

	return code >= least[more] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

struct utf8_char utf8_take(const char **s)
{
	const char *at = *s;
	struct utf8_char byte = {.bytes = at, .len = 1, .code = (unsigned char)*at};
	uint32_t code = 0;
	int more = sequence_length((unsigned char)*at, &code);

	*s = at + 1;
	if (more < 0)
		return byte;
	for (int i = 1; i <= more; i++) {
		unsigned char c = (unsigned char)at[i]; /* the terminator is no continuation, so this stops there */

		if ((c & 0xc0) != 0x80)
			return byte;
		code = code << 6 | (c & 0x3f);
	}
	if (!code_is_valid(code, more))
		return byte;
	*s = at + 1 + more;
	return (struct utf8_char){.bytes = at, .len = (size_t)more + 1, .code = code, .valid = true};
}

void text_escape(struct text *t, const char *s, text_char_fn *fn)
{
	while (s != NULL && *s != '\0') {
		struct utf8_char c = utf8_take(&s);

		fn(t, &c);
	}
}

void text_char_valid(struct text *t, const struct utf8_char *c)
{
	if (c->valid)
		text_addn(t, c->bytes, c->len);
	else
		text_add(t, "\xef\xbf\xbd");
}

struct code_range {
	uint32_t first, last;
};

static bool code_in(uint32_t code, const struct code_range *ranges, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (code >= ranges[i].first && code <= ranges[i].last)
			return true;
	}
	return false;
}

bool utf8_is_control(uint32_t code)
{
	/* C0, DEL and C1; soft hyphen, zero-width and direction marks; line separators; tags. */
	static const struct code_range ranges[] = {
		{0x00, 0x1f},	  {0x7f, 0x9f},	    {0xad, 0xad},     {0x61c, 0x61c},	{0x200b, 0x200f},
		{0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
	};

	return code_in(code, ranges, sizeof(ranges) / sizeof(ranges[0]));
}

/* wcwidth would need a UTF-8 locale to be set, which a test or a library can't count on. Unicode 15: East Asian Width
 * W and F, and combining marks, in rough blocks. */
unsigned int utf8_columns(uint32_t code)
{
	static const struct code_range combining[] = {
		{0x300, 0x36f},	  {0x483, 0x489},   {0x591, 0x5bd},   {0x610, 0x61a},	{0x64b, 0x65f},
		{0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
	};
	static const struct code_range wide[] = {
		{0x1100, 0x115f},   {0x231a, 0x231b},	{0x2e80, 0x303e},   {0x3041, 0x33ff},
		{0x3400, 0x4dbf},   {0x4e00, 0xa4cf},	{0xa960, 0xa97f},   {0xac00, 0xd7a3},
		{0xf900, 0xfaff},   {0xfe30, 0xfe6f},	{0xff01, 0xff60},   {0xffe0, 0xffe6},
		{0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
	};

	if (code_in(code, combining, sizeof(combining) / sizeof(combining[0])))
		return 0;
	return code_in(code, wide, sizeof(wide) / sizeof(wide[0])) ? 2 : 1;
}
