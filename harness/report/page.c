/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines on a terminal: columns are counted, colours left out where they are not wanted, and nothing a stranger wrote gets
 * through as a control sequence. */
#include "report_int.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH_DEFAULT 80
#define WIDTH_MIN 40

struct page page_of(const struct report_style *style)
{
	struct page p = {.style = style != NULL ? *style : (struct report_style){0}};

	if (p.style.width == 0)
		p.style.width = WIDTH_DEFAULT;
	else if (p.style.width < WIDTH_MIN)
		p.style.width = WIDTH_MIN;
	return p;
}

static void look_on(struct page *p, enum page_look look)
{
	static const char *const on[PAGE_LOOK_COUNT] = {
		[PAGE_PLAIN] = "",	  [PAGE_DIM] = "\033[2m",    [PAGE_BOLD] = "\033[1m",
		[PAGE_GOOD] = "\033[32m", [PAGE_BAD] = "\033[1;31m", [PAGE_DOUBT] = "\033[33m",
		[PAGE_NAME] = "\033[36m",
	};

	if (p->style.colour)
		text_add(&p->text, on[look]);
}

static void look_off(struct page *p, enum page_look look)
{
	if (p->style.colour && look != PAGE_PLAIN)
		text_add(&p->text, "\033[0m");
}

/* What stands for a character on this page: itself, or what shows that it is not shown. Returns its columns. */
static unsigned int shown(const struct page *p, const struct utf8_char *c, char ret[static 16])
{
	int n;

	if (!c->valid || (c->code < 0x80 && utf8_is_control(c->code) && c->code != '\t')) {
		n = snprintf(ret, 16, "\\x%02x", (unsigned int)c->code);
	} else if (c->code == '\t') {
		n = snprintf(ret, 16, " ");
	} else if (utf8_is_control(c->code)) {
		n = snprintf(ret, 16, "\\u%04x", (unsigned int)c->code);
	} else if (c->code >= 0x80 && !p->style.utf8) {
		n = snprintf(ret, 16, "?");
	} else {
		memcpy(ret, c->bytes, c->len);
		ret[c->len] = '\0';
		return utf8_columns(c->code);
	}
	return (unsigned int)n;
}

static void put_char(struct page *p, const struct utf8_char *c)
{
	char s[16];

	p->column += shown(p, c, s);
	text_add(&p->text, s);
}

void page_put(struct page *p, enum page_look look, const char *s)
{
	if (s == NULL || *s == '\0')
		return;
	look_on(p, look);
	while (*s != '\0') {
		struct utf8_char c = utf8_take(&s);

		put_char(p, &c);
	}
	look_off(p, look);
}

void page_putf(struct page *p, enum page_look look, const char *fmt, ...)
{
	char *s = NULL;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vasprintf(&s, fmt, args);
	va_end(args);
	if (n < 0)
		memory_exhausted();
	page_put(p, look, s);
	free(s);
}

unsigned int page_columns(const struct page *p, const char *s)
{
	unsigned int columns = 0;

	while (s != NULL && *s != '\0') {
		struct utf8_char c = utf8_take(&s);
		char ignored[16];

		columns += shown(p, &c, ignored);
	}
	return columns;
}

void page_cut(struct page *p, enum page_look look, const char *s, unsigned int columns)
{
	unsigned int used = 0;

	if (page_columns(p, s) <= columns) {
		page_put(p, look, s);
		return;
	}
	look_on(p, look);
	while (*s != '\0') {
		struct utf8_char c = utf8_take(&s);
		char ignored[16];

		used += shown(p, &c, ignored);
		if (used >= columns)
			break;
		put_char(p, &c);
	}
	look_off(p, look);
	page_sign(p, look, PAGE_MORE);
}

/* One of our own signs: known to be safe and a column wide. */
static void put_own(struct page *p, enum page_look look, const char *s)
{
	look_on(p, look);
	text_add(&p->text, s);
	look_off(p, look);
	p->column++;
}

void page_box(struct page *p, enum page_look look, unsigned int sides)
{
	static const char *const fine[16] = {" ", "╵", "╶", "╰", "╷", "│", "╭", "├",
					     "╴", "╯", "─", "┴", "╮", "┤", "┬", "┼"};
	static const char plain[] = " |-+||++-+-++++++";

	if (p->style.utf8)
		put_own(p, look, fine[sides & 15]);
	else
		put_own(p, look, (char[]){plain[sides & 15], '\0'});
}

void page_sign(struct page *p, enum page_look look, enum page_sign sign)
{
	static const char *const signs[PAGE_SIGN_COUNT][2] = {
		[PAGE_PASS] = {"+", "✓"}, [PAGE_FAIL] = {"x", "✗"}, [PAGE_UNSURE] = {"?", "?"},
		[PAGE_SKIP] = {"-", "○"}, [PAGE_DONE] = {">", "▸"}, [PAGE_RUNNING] = {":", "…"},
		[PAGE_POD] = {"o", "◦"},  [PAGE_MORE] = {"~", "…"}, [PAGE_MISSING] = {".", "·"},
	};

	put_own(p, look, signs[sign][p->style.utf8]);
}

void page_bar(struct page *p, double value, double most, unsigned int columns)
{
	static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
	double share = most > 0 && value > 0 ? value / most : 0;
	unsigned int filled = (unsigned int)((share < 1 ? share : 1) * columns * 8 + 0.5);

	if (filled == 0 && value > 0)
		filled = 1; /* something is more than nothing */
	look_on(p, PAGE_NAME);
	for (unsigned int i = 0; i < filled / 8; i++)
		text_add(&p->text, p->style.utf8 ? "█" : "#");
	p->column += filled / 8;
	if (filled % 8 != 0 && (p->style.utf8 || filled % 8 >= 4 || filled < 8)) {
		text_add(&p->text, p->style.utf8 ? eighths[filled % 8] : "#");
		p->column++;
	}
	look_off(p, PAGE_NAME);
}

void page_to(struct page *p, unsigned int column)
{
	while (p->column < column) {
		text_add(&p->text, " ");
		p->column++;
	}
}

void page_line(struct page *p)
{
	while (p->text.len > 0 && p->text.at[p->text.len - 1] == ' ')
		p->text.len--;
	text_add(&p->text, "\n");
	p->column = 0;
}

/* The look is switched off over the indent, so that no terminal paints it. */
static void next_line(struct page *p, enum page_look look, unsigned int indent)
{
	look_off(p, look);
	page_line(p);
	page_to(p, indent);
	look_on(p, look);
}

static unsigned int word_columns(const struct page *p, const char *from, const char *to)
{
	unsigned int columns = 0;

	while (from < to) {
		struct utf8_char c = utf8_take(&from);
		char ignored[16];

		columns += shown(p, &c, ignored);
	}
	return columns;
}

void page_wrap(struct page *p, enum page_look look, const char *s)
{
	unsigned int indent = p->column;

	if (s == NULL || *s == '\0')
		return;
	look_on(p, look);
	while (*s != '\0') {
		const char *end = s + strcspn(s, " \n");
		bool gap = p->column > indent;

		if (end == s) {
			if (*s == '\n' && gap)
				next_line(p, look, indent);
			s++;
			continue;
		}
		if (gap && p->column + 1 + word_columns(p, s, end) > p->style.width)
			next_line(p, look, indent);
		else if (gap)
			page_to(p, p->column + 1);
		while (s < end) {
			struct utf8_char c = utf8_take(&s);

			/* A word that is wider than a whole line is broken. */
			if (p->column + word_columns(p, c.bytes, s) > p->style.width && p->column > indent)
				next_line(p, look, indent);
			put_char(p, &c);
		}
	}
	look_off(p, look);
}

enum page_sign page_verdict_sign(enum report_verdict v)
{
	switch (v) {
	case REPORT_PASSED:
		return PAGE_PASS;
	case REPORT_INCONCLUSIVE:
		return PAGE_UNSURE;
	case REPORT_SKIPPED:
		return PAGE_SKIP;
	case REPORT_FAILED:
	case REPORT_BROKEN:
	case REPORT_INTERRUPTED:
	case REPORT_VERDICT_COUNT:
		return PAGE_FAIL;
	}
	return PAGE_FAIL;
}

enum page_look page_verdict_look(enum report_verdict v)
{
	switch (v) {
	case REPORT_PASSED:
		return PAGE_GOOD;
	case REPORT_INCONCLUSIVE:
	case REPORT_INTERRUPTED:
		return PAGE_DOUBT;
	case REPORT_SKIPPED:
		return PAGE_DIM;
	case REPORT_FAILED:
	case REPORT_BROKEN:
	case REPORT_VERDICT_COUNT:
		return PAGE_BAD;
	}
	return PAGE_BAD;
}
