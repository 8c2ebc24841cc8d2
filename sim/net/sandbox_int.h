/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECMPLAB_SANDBOX_INT_H
#define ECMPLAB_SANDBOX_INT_H

#include "net_int.h"

/* Private /run, /etc and /var, own /proc and /sys; dir, a path without symbolic links, stays where it is. */
int sandbox_mounts(const char *dir, struct errmsg *err);

#endif
