/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between struct addr and the socket interface. */
#ifndef ECMPLAB_SOCKADDR_H
#define ECMPLAB_SOCKADDR_H

#include "addr.h"

#include <sys/socket.h>

socklen_t sockaddr_make(const struct addr *a, uint16_t port, struct sockaddr_storage *ret);
struct addr sockaddr_addr(const struct sockaddr_storage *ss);

#endif
