/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diag.h"

#include <stdarg.h>

struct diag *diags_add(struct diags *d, const char *file, unsigned int line, unsigned int column, const char *fmt, ...)
{
	struct diag *added;
	va_list args;

	if (d->list.len < DIAG_MAX) {
		added = VEC_ADD(&d->list);
	} else {
		d->dropped++;
		added = arena_alloc(&d->arena, sizeof(*added));
	}
	va_start(args, fmt);
	*added = (struct diag){.file = file != NULL ? arena_strdup(&d->arena, file) : NULL,
			       .line = line,
			       .column = column,
			       .len = 1,
			       .message = arena_vprintf(&d->arena, fmt, args)};
	va_end(args);
	return added;
}

void diags_fini(struct diags *d)
{
	VEC_FREE(&d->list);
	arena_clear(&d->arena);
	d->dropped = 0;
}
