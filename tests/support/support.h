/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tests share: cmocka with its prerequisites, hex, and the folder of reference data. */
#ifndef ECMPLAB_SUPPORT_H
#define ECMPLAB_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Reads hex digits, ignoring blanks; a bad digit or too little room fails the test. Returns the number of bytes. */
size_t support_hex(const char *text, uint8_t *ret, size_t room);
/* Compares bytes and, where they differ, prints both as hex. */
void support_bytes_equal(const uint8_t *got, size_t got_len, const uint8_t *want, size_t want_len);
/* The path of a file of reference data, in a static buffer; calls skip() with a word on why when it is not there. */
const char *support_shared(const char *file);
/* A whole file, terminated; the caller frees it. Fails the test when it can't be read. */
char *support_slurp(const char *path, size_t *ret_len);

#endif
