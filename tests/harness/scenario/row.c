/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "row.h"
#include "support.h"

#include <stdio.h>
#include <string.h>

static char *without_folder(const char *text, const struct folder *f)
{
	static char out[1024];
	size_t n = strlen(f->path), at = 0;

	for (; text != NULL && *text != '\0' && at < sizeof(out) - 4;) {
		if (strncmp(text, f->path, n) == 0) {
			at += (size_t)snprintf(out + at, sizeof(out) - at, "DIR");
			text += n;
		} else {
			out[at++] = *text++;
		}
	}
	out[at] = '\0';
	return out;
}

void row_compare(const struct row *row, const struct diags *d, const struct folder *f)
{
	const struct diag *first = d->list.at;

	assert_int_not_equal(d->list.len, 0);
	assert_string_equal(without_folder(first->message, f), row->message);
	assert_int_equal(first->line, row->line);
	assert_int_equal(first->column, row->column);
	assert_int_equal(first->len, row->len);
	if (row->hint == NULL)
		assert_null(first->hint);
	else
		assert_string_equal(without_folder(first->hint, f), row->hint);
	assert_int_equal(d->list.len, row->count);
}
