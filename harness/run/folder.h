/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECMPLAB_RUN_FOLDER_H
#define ECMPLAB_RUN_FOLDER_H

#include "errmsg.h"

#include <limits.h>

/* Makes the folder `out`, parents included, or a fresh one below runs/ for NULL. ret is its absolute path, *ret_fd a
 * descriptor that the caller closes. */
int run_folder_make(const char *out, const char *name, char ret[static PATH_MAX], int *ret_fd, struct errmsg *err);

#endif
