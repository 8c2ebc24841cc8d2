/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A mistake in a file and what must be said about it. */
#ifndef ECMPLAB_TEST_ROW_H
#define ECMPLAB_TEST_ROW_H

#include "diag.h"
#include "folder.h"

struct row {
	const char *name;
	const char *text;
	size_t count; /* of diagnostics; the first is compared */
	unsigned int line, column, len;
	const char *message;
	const char *hint;
};

/* Compares the first diagnostic and their number; in messages the folder's own path reads DIR. */
void row_compare(const struct row *row, const struct diags *d, const struct folder *f);

#endif
