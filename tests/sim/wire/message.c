/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "message.h"

#include <stdio.h>
#include <string.h>

struct message message_of(const char *hex)
{
	struct message m;

	memset(m.bytes, 0xff, 16);
	m.len = 16 + support_hex(hex, m.bytes + 16, sizeof(m.bytes) - 16);
	return m;
}

struct message update_of(const char *body_hex)
{
	struct message m;

	memset(m.bytes, 0xff, 16);
	m.len = WIRE_HEADER_LEN + support_hex(body_hex, m.bytes + WIRE_HEADER_LEN, sizeof(m.bytes) - WIRE_HEADER_LEN);
	m.bytes[16] = (uint8_t)(m.len >> 8);
	m.bytes[17] = (uint8_t)m.len;
	m.bytes[18] = WIRE_UPDATE;
	return m;
}

struct message update_with(const char *attrs_hex, const char *nlri_hex)
{
	uint8_t attrs[2048];
	size_t n = support_hex(attrs_hex, attrs, sizeof(attrs));
	char body[8192];

	snprintf(body, sizeof(body), "0000 %04zx %s %s", n, attrs_hex, nlri_hex);
	return update_of(body);
}

struct wire_in message_view(const struct message *m)
{
	return wire_in_of(m->bytes, m->len);
}

void routes_text(struct wire_nlri nlri, char *ret, size_t room)
{
	struct wire_route r;
	size_t at = 0;

	ret[0] = '\0';
	while (wire_nlri_next(&nlri, &r)) {
		int n = snprintf(ret + at, room - at, "%s%s", at > 0 ? " " : "", prefix_text(&r.prefix).s);

		at += (size_t)n;
		assert_true(at < room);
		if (r.path_id != 0)
			at += (size_t)snprintf(ret + at, room - at, " #%u", r.path_id);
		assert_true(at < room);
	}
}
