/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Diagnostics as compilers print them: where, what, the line itself with the place underlined, and what helps. */
#include "report_int.h"

#include <string.h>

#define TAB 8

/* A line of source as it is shown: tabs as blanks, so that the marks below stand where they should. */
struct shown_line {
	struct text text;
	unsigned int columns;
	unsigned int mark_at, mark_columns;
};

/* diag counts columns in characters or in bytes, as its reader did; positions past the end mark the end. */
static struct shown_line line_of(const struct page *p, const struct diag *d)
{
	struct shown_line line = {.mark_columns = 1};
	unsigned int position = 1, end = d->column + (d->len > 0 ? d->len : 1);
	const char *s = d->source;
	bool marked = false;

	while (*s != '\0' && *s != '\n' && *s != '\r') {
		struct utf8_char c = utf8_take(&s);
		char one[8] = {0};

		if (position == d->column) {
			line.mark_at = line.columns;
			marked = true;
		}
		if (c.code == '\t') {
			do
				text_add(&line.text, " ");
			while (++line.columns % TAB != 0);
		} else {
			memcpy(one, c.bytes, c.len);
			text_addn(&line.text, one, c.len);
			line.columns += page_columns(p, one);
		}
		position++;
		if (marked && position <= end)
			line.mark_columns = line.columns - line.mark_at;
	}
	if (!marked)
		line.mark_at = line.columns;
	if (line.mark_columns == 0)
		line.mark_columns = 1;
	text_addn(&line.text, "", 1);
	return line;
}

static void put_source(struct page *p, const struct diag *d)
{
	struct shown_line line = line_of(p, d);
	unsigned int gutter;

	page_putf(p, PAGE_DIM, "%5u ", d->line);
	page_box(p, PAGE_DIM, PAGE_UP | PAGE_DOWN);
	page_to(p, p->column + 1);
	gutter = p->column;
	page_put(p, PAGE_PLAIN, line.text.at);
	page_line(p);
	if (d->column > 0) {
		page_to(p, gutter - 2);
		page_box(p, PAGE_DIM, PAGE_UP | PAGE_DOWN);
		page_to(p, gutter + line.mark_at);
		page_put(p, PAGE_BAD, "^");
		for (unsigned int i = 1; i < line.mark_columns; i++)
			page_put(p, PAGE_BAD, "~");
		page_line(p);
	}
	text_fini(&line.text);
}

static void put_diag(struct page *p, const struct diag *d)
{
	if (d->file != NULL) {
		page_put(p, PAGE_BOLD, d->file);
		if (d->line > 0)
			page_putf(p, PAGE_BOLD, ":%u", d->line);
		if (d->line > 0 && d->column > 0)
			page_putf(p, PAGE_BOLD, ":%u", d->column);
		page_put(p, PAGE_BOLD, ": ");
	}
	page_put(p, PAGE_BAD, "error:");
	page_put(p, PAGE_PLAIN, " ");
	page_put(p, PAGE_PLAIN, d->message);
	page_line(p);
	if (d->source != NULL && d->line > 0)
		put_source(p, d);
	if (d->hint != NULL) {
		page_to(p, 6);
		page_put(p, PAGE_GOOD, "hint: ");
		page_wrap(p, PAGE_PLAIN, d->hint);
		page_line(p);
	}
}

int report_diags(FILE *out, const struct diags *d, const struct report_style *style)
{
	struct page p = page_of(style);
	int error = 0;

	for (size_t i = 0; i < d->list.len; i++)
		put_diag(&p, &d->list.at[i]);
	if (d->dropped > 0) {
		page_putf(&p, PAGE_PLAIN, "%zu more error%s", d->dropped, d->dropped == 1 ? "" : "s");
		page_line(&p);
	}
	if (p.text.len > 0)
		report_out(out, &error, &p.text);
	text_fini(&p.text);
	return error;
}
