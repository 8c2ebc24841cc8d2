/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rows.h"

#include "support.h"

#include <stdio.h>
#include <string.h>

struct rows rows_open(const char *folder, const char *name)
{
	struct rows f;
	char path[8192];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f.text = support_slurp(path, NULL);
	f.rest = f.text;
	return f;
}

bool rows_next(struct rows *f, char **fields, size_t n)
{
	char *line;

	do {
		line = strsep(&f->rest, "\n");
	} while (line != NULL && (line[0] == '#' || line[0] == '\0'));
	for (size_t i = 0; i < n; i++) {
		fields[i] = line != NULL ? strsep(&line, "\t") : NULL;
		if (fields[i] == NULL)
			return false;
	}
	return true;
}

size_t rows_hex(const char *hex, uint8_t *ret, size_t room)
{
	size_t n = strlen(hex) / 2;

	return n <= room && strspn(hex, "0123456789abcdefABCDEF") == strlen(hex) ? support_hex(hex, ret, room) : 0;
}
