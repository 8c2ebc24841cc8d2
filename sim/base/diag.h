/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wrong in a file somebody wrote: position, message, hint; collected, printed by the command line. */
#ifndef ECMPLAB_DIAG_H
#define ECMPLAB_DIAG_H

#include "arena.h"
#include "vec.h"

#include <stddef.h>

#define DIAG_MAX 20

/* All texts live in the list's arena. line and column count from 1; 0 is unknown. len is the width to underline. */
struct diag {
	const char *file;
	unsigned int line;
	unsigned int column;
	unsigned int len;
	const char *message;
	const char *hint;   /* NULL or one sentence that helps */
	const char *source; /* the line of the file, NULL where there is none */
};

/* Zero is a valid empty list. dropped counts what came after DIAG_MAX. */
struct diags {
	struct arena arena;
	VEC(struct diag) list;
	size_t dropped;
};

/* Adds an entry and returns it for hint, len and source; never NULL, also past DIAG_MAX. */
struct diag *diags_add(struct diags *d, const char *file, unsigned int line, unsigned int column, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
void diags_fini(struct diags *d);

#endif
