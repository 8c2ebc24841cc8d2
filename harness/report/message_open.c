/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An OPEN as JSON: each capability, those that we don't know as octets. */
#include "message_int.h"

#include "arena.h"

#include <string.h>

#define PARAM_CAPABILITIES 2
#define LONG_PARAMS 255 /* RFC 9072 */
#define CAP_HOSTNAME 73
#define CAP_ROUTE_REFRESH_ORF 3

static void mp(json_t *cap, struct wire_in v)
{
	message_number(cap, "afi", wire_u16(&v));
	wire_skip(&v, 1);
	message_number(cap, "safi", wire_u8(&v));
}

static void as4(json_t *cap, struct wire_in v)
{
	message_number(cap, "as4", wire_u32(&v));
}

static void graceful_restart(json_t *cap, struct wire_in v)
{
	uint16_t head = wire_u16(&v);

	message_number(cap, "restart_time", head & 0xfff);
	message_number(cap, "restart_flags", head >> 12);
	while (wire_more(&v)) {
		uint16_t afi = wire_u16(&v);
		uint8_t safi = wire_u8(&v), flags = wire_u8(&v);

		if (v.bad)
			return;
		message_add_number(cap, "gr_afi", afi);
		message_add_number(cap, "gr_safi", safi);
		message_add_number(cap, "gr_flags", flags);
	}
}

static void extended_next_hop(json_t *cap, struct wire_in v)
{
	while (wire_more(&v)) {
		uint16_t afi = wire_u16(&v), safi = wire_u16(&v), hop = wire_u16(&v);

		if (v.bad)
			return;
		message_add_number(cap, "enh_afi", afi);
		message_add_number(cap, "enh_safi", safi);
		message_add_number(cap, "enh_nhafi", hop);
	}
}

static void add_path(json_t *cap, struct wire_in v)
{
	while (wire_more(&v)) {
		uint16_t afi = wire_u16(&v);
		uint8_t safi = wire_u8(&v), way = wire_u8(&v);

		if (v.bad)
			return;
		message_add_number(cap, "ap_afi", afi);
		message_add_number(cap, "ap_safi", safi);
		message_add_number(cap, "ap_sr", way);
	}
}

static void role(json_t *cap, struct wire_in v)
{
	message_number(cap, "role", wire_u8(&v));
}

static void long_lived(json_t *cap, struct wire_in v)
{
	while (wire_more(&v)) {
		uint16_t afi = wire_u16(&v);
		uint8_t safi = wire_u8(&v), flags = wire_u8(&v);
		uint32_t stale = (uint32_t)wire_u8(&v) << 16;

		stale |= wire_u16(&v);
		if (v.bad)
			return;
		message_add_number(cap, "llgr_afi", afi);
		message_add_number(cap, "llgr_safi", safi);
		message_add_number(cap, "llgr_flags", flags);
		message_add_number(cap, "llgr_stale_time", stale);
	}
}

static void name_put(json_t *cap, const char *key, struct wire_in *v)
{
	size_t n = wire_u8(v);
	struct wire_in text = wire_sub(v, n);

	if (!text.bad && n > 0)
		(void)json_object_set_new(cap, key, json_stringn((const char *)text.at, n));
}

static void hostname(json_t *cap, struct wire_in v)
{
	name_put(cap, "hostname", &v);
	name_put(cap, "domain", &v);
}

/* The value's least length, so that no key speaks of octets that are not there. */
static const struct {
	uint8_t code;
	size_t least;
	void (*put)(json_t *cap, struct wire_in value);
} known[] = {
	{WIRE_CAP_MP, 4, mp},
	{WIRE_CAP_AS4, 4, as4},
	{WIRE_CAP_GRACEFUL_RESTART, 2, graceful_restart},
	{WIRE_CAP_EXTENDED_NEXT_HOP, 6, extended_next_hop},
	{WIRE_CAP_ADD_PATH, 4, add_path},
	{WIRE_CAP_ROLE, 1, role},
	{71, 7, long_lived},
	{CAP_HOSTNAME, 2, hostname},
};

static void capability(json_t *caps, uint8_t code, struct wire_in value)
{
	json_t *cap = json_object();
	bool told = wire_left(&value) == 0;

	message_number(cap, "code", code);
	message_number(cap, "len", wire_left(&value));
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].code != code || wire_left(&value) < known[i].least)
			continue;
		known[i].put(cap, value);
		told = true;
	}
	if (!told)
		(void)json_object_set_new(cap, "value", message_hex(value));
	if (json_array_append_new(caps, cap) < 0)
		memory_exhausted();
}

static void parameters(json_t *ret, struct wire_in params, bool extended)
{
	json_t *caps = json_array(), *others = json_array();

	while (wire_more(&params)) {
		uint8_t type = wire_u8(&params);
		struct wire_in value = wire_sub(&params, extended ? wire_u16(&params) : wire_u8(&params));
		json_t *other;

		if (value.bad)
			break;
		if (type != PARAM_CAPABILITIES) {
			other = json_object();
			message_number(other, "type", type);
			(void)json_object_set_new(other, "value", message_hex(value));
			(void)json_array_append_new(others, other);
			continue;
		}
		while (wire_more(&value)) {
			uint8_t code = wire_u8(&value);
			struct wire_in v = wire_sub(&value, wire_u8(&value));

			if (!v.bad)
				capability(caps, code, v);
		}
	}
	(void)json_object_set_new(ret, "caps", caps);
	if (json_array_size(others) > 0)
		(void)json_object_set(ret, "params", others);
	json_decref(others);
}

void message_open(json_t *ret, struct wire_in message)
{
	struct addr id;
	size_t len, long_len;
	bool extended;

	wire_skip(&message, WIRE_HEADER_LEN);
	message_number(ret, "version", wire_u8(&message));
	message_number(ret, "as", wire_u16(&message));
	message_number(ret, "hold", wire_u16(&message));
	id = addr_v4(wire_u32(&message));
	message_text(ret, "id", addr_text(&id).s);
	len = wire_u8(&message);
	extended = len == LONG_PARAMS && wire_left(&message) >= 3 && message.at[0] == LONG_PARAMS;
	message_number(ret, "optlen", len);
	if (extended) {
		wire_skip(&message, 1);
		long_len = wire_u16(&message);
		message_number(ret, "extended_optlen", long_len);
		len = long_len;
	}
	parameters(ret, wire_left(&message) >= len ? wire_sub(&message, len) : message, extended);
}
