/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SHA-256 (FIPS 180-4) in its shortest form: the oracle names streams by it. */
#ifndef ECMPLAB_TESTS_SHA256_H
#define ECMPLAB_TESTS_SHA256_H

#include <stddef.h>
#include <stdint.h>

/* Lower-case hex digits and a terminator. */
void sha256_hex(const void *bytes, size_t n, char ret[static 65]);

#endif
