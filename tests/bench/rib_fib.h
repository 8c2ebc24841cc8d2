/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What another namespace's kernel says about its IPv4 routes, as it happens. */
#ifndef ECMPLAB_BENCH_RIB_FIB_H
#define ECMPLAB_BENCH_RIB_FIB_H

#include "addr.h"

#include <stddef.h>
#include <sys/types.h>

typedef void fib_fn(void *ctx, const struct prefix *prefix, unsigned int hops); /* 0: deleted */

/* A socket that hears of changes in the namespace of the process; -errno. */
int fib_open(pid_t pid);
/* Reads what is there. Returns 0, or -ENOBUFS when some of it was lost. */
int fib_read(int fd, fib_fn *fn, void *ctx);

#endif
