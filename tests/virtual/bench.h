/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECMPLAB_SOAK_BENCH_H
#define ECMPLAB_SOAK_BENCH_H

#include <stddef.h>

/* Quiet sessions, as pairs of speakers or all of one router's; prints what they cost as one line of JSON. */
int bench(const char *shape, size_t sessions);

#endif
