/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IP addresses and prefixes as bytes in network order; both families in one type. Values, nothing to free. */
#ifndef ECMPLAB_ADDR_H
#define ECMPLAB_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum addr_family {
	ADDR_NONE = 0,
	ADDR_V4 = 4,
	ADDR_V6 = 6,
};

/* family is an enum addr_family; IPv4 uses b[0..3] and keeps the rest zero, so memcmp order is numeric order. */
struct addr {
	uint8_t family;
	uint8_t b[16];
};

/* Host bits of addr beyond len are zero (prefix_make and prefix_parse see to it). */
struct prefix {
	struct addr addr;
	uint8_t len;
};

struct addr_text {
	char s[46];
};

struct prefix_text {
	char s[50];
};

/* An IPv4 address from a host-order integer. */
struct addr addr_v4(uint32_t host_order);
/* The host-order integer of an IPv4 address; 0 for another family. */
uint32_t addr_v4_value(const struct addr *a);
/* An address of a family from 4 or 16 bytes in network order. */
struct addr addr_from_bytes(enum addr_family family, const uint8_t *bytes);
/* Bytes of an address of the family: 4, 16, or 0. */
size_t addr_len(uint8_t family);
/* Parses a numeric address, nothing else on the text. Returns 0 or -EINVAL. */
int addr_parse(const char *text, struct addr *ret);
/* Canonical text (RFC 5952); "-" for no address. */
struct addr_text addr_text(const struct addr *a);
bool addr_equal(const struct addr *a, const struct addr *b);
/* Numeric order within a family, IPv4 before IPv6. */
int addr_compare(const struct addr *a, const struct addr *b);
/* The address n further on; wraps at the end of the family. */
struct addr addr_add(const struct addr *a, uint64_t n);

/* A prefix with its host bits masked off; len is cut to the family's width. */
struct prefix prefix_make(const struct addr *a, unsigned int len);
/* The /32 or /128 of an address. */
struct prefix prefix_host(const struct addr *a);
/* Parses "address/len"; host bits are masked as kubectl and iproute2 users expect. Returns 0 or -EINVAL. */
int prefix_parse(const char *text, struct prefix *ret);
struct prefix_text prefix_text(const struct prefix *p);
bool prefix_equal(const struct prefix *a, const struct prefix *b);
int prefix_compare(const struct prefix *a, const struct prefix *b);
bool prefix_contains(const struct prefix *p, const struct addr *a);
bool prefix_overlaps(const struct prefix *a, const struct prefix *b);
/* The last address of the prefix (the broadcast address in IPv4). */
struct addr prefix_last(const struct prefix *p);

#endif
