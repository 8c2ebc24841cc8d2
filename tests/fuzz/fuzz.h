/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every fuzz target is: one function over any octets, which must end, and hurt nothing. */
#ifndef ECMPLAB_FUZZ_H
#define ECMPLAB_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* A read-only file with the octets; the path is valid until fuzz_file_close. */
const char *fuzz_file_open(const uint8_t *bytes, size_t n);
void fuzz_file_close(void);

/* Ends the program when a thing that must hold does not. */
#define FUZZ_MUST(holds)                                                                                               \
	do {                                                                                                           \
		if (!(holds))                                                                                          \
			__builtin_trap();                                                                              \
	} while (0)

#endif
