/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames of the virtual network as a pcapng file, as Wireshark and libpcap read it. The same frames give the same bytes on
 * every machine. */
#ifndef ECMPLAB_VIRTUAL_SAVE_H
#define ECMPLAB_VIRTUAL_SAVE_H

#include "errmsg.h"
#include "instant.h"

#include <stddef.h>
#include <stdint.h>

struct virtual_save;

/* Makes the file below dir_fd; interface is what readers show as its name. 0 or -errno. */
int virtual_save_new(int dir_fd, const char *file, const char *interface, struct virtual_save **ret,
		     struct errmsg *err);
/* Stamped with nanoseconds since 1970. The first failure is kept for virtual_save_end. */
void virtual_save_frame(struct virtual_save *s, struct instant at, const uint8_t *frame, size_t len);
/* Writes the rest, closes and frees; accepts NULL. 0, or what went wrong first. */
int virtual_save_end(struct virtual_save *s, struct errmsg *err);

#endif
