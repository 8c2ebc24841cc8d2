/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct addr addr_v4(uint32_t host_order)
{
	return (struct addr){.family = ADDR_V4,
			     .b = {(uint8_t)(host_order >> 24), (uint8_t)(host_order >> 16), (uint8_t)(host_order >> 8),
				   (uint8_t)host_order}};
}

uint32_t addr_v4_value(const struct addr *a)
{
	if (a->family != ADDR_V4)
		return 0;
	return (uint32_t)a->b[0] << 24 | (uint32_t)a->b[1] << 16 | (uint32_t)a->b[2] << 8 | a->b[3];
}

size_t addr_len(uint8_t family)
{
	return family == ADDR_V4 ? 4 : family == ADDR_V6 ? 16 : 0;
}

struct addr addr_from_bytes(enum addr_family family, const uint8_t *bytes)
{
	struct addr a = {.family = (uint8_t)family};

	memcpy(a.b, bytes, addr_len(a.family));
	return a;
}

int addr_parse(const char *text, struct addr *ret)
{
	struct addr a = {0};

	if (inet_pton(AF_INET, text, a.b) == 1)
		a.family = ADDR_V4;
	else if (inet_pton(AF_INET6, text, a.b) == 1)
		a.family = ADDR_V6;
	else
		return -EINVAL;
	*ret = a;
	return 0;
}

struct addr_text addr_text(const struct addr *a)
{
	struct addr_text t = {.s = "-"};

	if (a->family != ADDR_NONE)
		inet_ntop(a->family == ADDR_V4 ? AF_INET : AF_INET6, a->b, t.s, sizeof(t.s));
	return t;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return addr_compare(a, b) == 0;
}

int addr_compare(const struct addr *a, const struct addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->b, b->b, sizeof(a->b));
}

struct addr addr_add(const struct addr *a, uint64_t n)
{
	struct addr sum = *a;
	uint64_t carry = n;

	for (size_t i = addr_len(a->family); i-- > 0 && carry > 0;) {
		uint64_t digit = sum.b[i] + (carry & 0xff);

		sum.b[i] = (uint8_t)digit;
		carry = (carry >> 8) + (digit >> 8);
	}
	return sum;
}

static unsigned int addr_width(const struct addr *a)
{
	return (unsigned int)addr_len(a->family) * 8;
}

struct prefix prefix_make(const struct addr *a, unsigned int len)
{
	unsigned int width = addr_width(a);
	struct prefix p = {.addr = *a, .len = (uint8_t)(len < width ? len : width)};

	for (unsigned int i = 0; i < width / 8; i++) {
		unsigned int kept = p.len > i * 8 ? p.len - i * 8 : 0;

		if (kept < 8)
			p.addr.b[i] &= (uint8_t)(0xff00U >> kept);
	}
	return p;
}

struct prefix prefix_host(const struct addr *a)
{
	return prefix_make(a, addr_width(a));
}

int prefix_parse(const char *text, struct prefix *ret)
{
	char head[46];
	const char *slash = strchr(text, '/');
	char *end = NULL;
	struct addr a;
	unsigned long len;

	if (slash == NULL || (size_t)(slash - text) >= sizeof(head))
		return -EINVAL;
	memcpy(head, text, (size_t)(slash - text));
	head[slash - text] = '\0';
	if (addr_parse(head, &a) < 0 || slash[1] < '0' || slash[1] > '9')
		return -EINVAL;
	len = strtoul(slash + 1, &end, 10);
	if (*end != '\0' || len > addr_width(&a))
		return -EINVAL;
	*ret = prefix_make(&a, (unsigned int)len);
	return 0;
}

struct prefix_text prefix_text(const struct prefix *p)
{
	struct prefix_text t;

	snprintf(t.s, sizeof(t.s), "%s/%u", addr_text(&p->addr).s, p->len);
	return t;
}

bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return prefix_compare(a, b) == 0;
}

int prefix_compare(const struct prefix *a, const struct prefix *b)
{
	int order = addr_compare(&a->addr, &b->addr);

	return order != 0 ? order : (int)a->len - (int)b->len;
}

bool prefix_contains(const struct prefix *p, const struct addr *a)
{
	struct prefix cut = prefix_make(a, p->len);

	return a->family == p->addr.family && addr_equal(&cut.addr, &p->addr);
}

bool prefix_overlaps(const struct prefix *a, const struct prefix *b)
{
	return a->len <= b->len ? prefix_contains(a, &b->addr) : prefix_contains(b, &a->addr);
}

struct addr prefix_last(const struct prefix *p)
{
	struct addr last = p->addr;

	for (unsigned int i = 0; i < addr_len(last.family); i++) {
		unsigned int kept = p->len > i * 8 ? p->len - i * 8 : 0;

		if (kept < 8)
			last.b[i] |= (uint8_t)(0xffU >> kept);
	}
	return last;
}
