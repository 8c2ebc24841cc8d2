/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options on a speaker's sockets: TCP-MD5 (RFC 2385) and the TTL security mechanism (RFC 5082). 0 or -errno. */
#ifndef ECMPLAB_GUARD_H
#define ECMPLAB_GUARD_H

#include "drive.h"

/* Whether the guard asks for what can be had: -EINVAL for a password of more than 80 octets. */
int guard_check(const struct drive_guard *g);
/* Before a dial, or on a connection that was accepted. */
int guard_connection(int fd, const struct drive_guard *g, const struct addr *remote);
/* On a listener: the password of one more peer. */
int guard_listener_add(int fd, const struct drive_guard *g, const struct addr *remote);
/* On a listener, once: what all n peers have in common, for the answers to connections not yet accepted. */
int guard_listener(int fd, const struct drive_guard *guards, size_t n, uint8_t family);

#endif
