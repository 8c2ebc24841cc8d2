/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sockaddr.h"

#include <arpa/inet.h>
#include <string.h>

socklen_t sockaddr_make(const struct addr *a, uint16_t port, struct sockaddr_storage *ret)
{
	*ret = (struct sockaddr_storage){0};
	if (a->family == ADDR_V6) {
		struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

		memcpy(&sin6.sin6_addr, a->b, sizeof(sin6.sin6_addr));
		memcpy(ret, &sin6, sizeof(sin6));
		return sizeof(sin6);
	}
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(port)};

	memcpy(&sin.sin_addr, a->b, sizeof(sin.sin_addr));
	memcpy(ret, &sin, sizeof(sin));
	return sizeof(sin);
}

struct addr sockaddr_addr(const struct sockaddr_storage *ss)
{
	struct sockaddr_in sin;
	struct sockaddr_in6 sin6;

	if (ss->ss_family == AF_INET6) {
		memcpy(&sin6, ss, sizeof(sin6));
		return addr_from_bytes(ADDR_V6, sin6.sin6_addr.s6_addr);
	}
	memcpy(&sin, ss, sizeof(sin));
	return addr_v4(ntohl(sin.sin_addr.s_addr));
}
