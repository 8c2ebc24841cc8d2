/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of reference data: a row a line, fields with tabs between them. */
#ifndef ECMPLAB_TEST_ROWS_H
#define ECMPLAB_TEST_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rows {
	char *text; /* the owner's to free */
	char *rest;
};

struct rows rows_open(const char *folder, const char *name);
/* Splits the next line at its tabs; false at the end. Comment lines are skipped. */
bool rows_next(struct rows *f, char **fields, size_t n);
/* The octets of a field that is hex and nothing else; 0 for any other, or when they don't fit. */
size_t rows_hex(const char *hex, uint8_t *ret, size_t room);

#endif
