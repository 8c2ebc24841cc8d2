/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attributes of netlink messages, read with their length in mind. */
#include "net_int.h"

#include <string.h>

uint32_t net_attr_u32(const struct nlattr *a)
{
	return mnl_attr_get_payload_len(a) >= sizeof(uint32_t) ? mnl_attr_get_u32(a) : 0;
}

struct addr net_attr_addr(const struct nlattr *a)
{
	size_t n = mnl_attr_get_payload_len(a);

	if (n == 4 || n == 16)
		return addr_from_bytes(n == 4 ? ADDR_V4 : ADDR_V6, mnl_attr_get_payload(a));
	return (struct addr){0};
}

/* RTA_VIA: a family and an address of it (RFC 8950's IPv4 over IPv6). */
struct addr net_attr_via(const struct nlattr *a)
{
	const struct rtvia *via = mnl_attr_get_payload(a);
	size_t n = mnl_attr_get_payload_len(a);

	if (n == sizeof(*via) + 16 && via->rtvia_family == AF_INET6)
		return addr_from_bytes(ADDR_V6, via->rtvia_addr);
	if (n == sizeof(*via) + 4 && via->rtvia_family == AF_INET)
		return addr_from_bytes(ADDR_V4, via->rtvia_addr);
	return (struct addr){0};
}
