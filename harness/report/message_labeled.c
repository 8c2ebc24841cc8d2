/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes with labels (RFC 8277), and with route distinguishers before their prefixes (RFC 4364, RFC 4659); of link-state families
 * (RFC 9552) the prefixes. */
#include "message_int.h"

#include "arena.h"

#define LABEL_BITS 24U
#define DISTINGUISHER_BITS 64U
#define BOTTOM 1U
#define WITHDRAWN_LABEL 0x800000U /* RFC 8277 section 2.4; older speakers send 0 */

#define LS_PREFIX_V4 3U
#define LS_PREFIX_V6 4U
#define LS_FIXED_LEN 9U /* protocol and identifier */
#define LS_DISTINGUISHER_LEN 8U
#define LS_REACHABILITY 265U

void message_distinguisher(struct wire_in *in, char *ret, size_t room)
{
	uint16_t type = wire_u16(in);
	uint32_t high = type == 0 ? wire_u16(in) : wire_u32(in);
	uint32_t low = type == 0 ? wire_u32(in) : wire_u16(in);
	struct addr a = addr_v4(high);

	if (type == 1)
		snprintf(ret, room, "%s:%u", addr_text(&a).s, low);
	else
		snprintf(ret, room, "%u:%u", high, low);
}

/* The prefix of so many bits whose octets follow. False when they don't, or there are more bits than an address has. */
static bool prefix_put(json_t *list, const char *key, uint16_t afi, unsigned int bits, struct wire_in *in)
{
	struct wire_nlri nlri = {.afi = afi, .safi = WIRE_SAFI_UNICAST};
	struct wire_in octets = wire_sub(in, (bits + 7) / 8);
	uint8_t bytes[1 + 16] = {(uint8_t)bits};
	struct wire_route route;

	if (octets.bad || bits > (afi == WIRE_AFI_IPV4 ? 32U : 128U))
		return false;
	if (wire_more(&octets))
		memcpy(bytes + 1, octets.at, wire_left(&octets));
	nlri.bytes = wire_in_of(bytes, 1 + wire_left(&octets));
	if (!wire_nlri_next(&nlri, &route))
		return false;
	if (key != NULL)
		message_text(list, key, prefix_text(&route.prefix).s);
	else
		(void)json_array_append_new(list, json_string(prefix_text(&route.prefix).s));
	return true;
}

/* Takes the stack's bits off *bits. False when it doesn't end within them. */
static bool labels_put(json_t *route, unsigned int *bits, bool withdrawn, struct wire_in *in)
{
	json_t *list = json_array();
	uint32_t label;
	char text[16];

	(void)json_object_set_new(route, "labels", list);
	do {
		label = (uint32_t)wire_u8(in) << 16;
		label |= wire_u16(in);
		if (in->bad || *bits < LABEL_BITS)
			return false;
		*bits -= LABEL_BITS;
		snprintf(text, sizeof(text), "%u", label >> 4);
		(void)json_array_append_new(list, json_string(text));
	} while ((label & BOTTOM) == 0 && !(withdrawn && (label == WITHDRAWN_LABEL || label == 0)));
	return true;
}

static bool route_put(json_t *route, uint16_t afi, uint8_t safi, const struct message_way *way, struct wire_in *in)
{
	unsigned int bits;
	char text[80];

	if (way->add_path)
		message_number(route, "path_id", wire_u32(in));
	bits = wire_u8(in);
	if (!labels_put(route, &bits, way->withdrawn, in))
		return false;
	if (safi == MESSAGE_SAFI_VPN) {
		if (bits < DISTINGUISHER_BITS || wire_left(in) < DISTINGUISHER_BITS / 8)
			return false;
		bits -= DISTINGUISHER_BITS;
		message_distinguisher(in, text, sizeof(text));
		message_text(route, "rd", text);
	}
	return prefix_put(route, "prefix", afi, bits, in);
}

json_t *message_labeled(uint16_t afi, uint8_t safi, const struct message_way *way, struct wire_in in)
{
	json_t *list = json_array();

	while (wire_more(&in)) {
		json_t *route = json_object();

		if (!route_put(route, afi, safi, way, &in)) {
			json_decref(route);
			break;
		}
		if (json_array_append_new(list, route) < 0)
			memory_exhausted();
	}
	return list;
}

json_t *message_link_state(uint8_t safi, struct wire_in in)
{
	json_t *list = json_array();

	while (wire_more(&in)) {
		uint16_t type = wire_u16(&in);
		struct wire_in nlri = wire_sub(&in, wire_u16(&in));
		uint16_t afi = type == LS_PREFIX_V4 ? WIRE_AFI_IPV4 : WIRE_AFI_IPV6;

		wire_skip(&nlri, LS_FIXED_LEN + (safi == MESSAGE_SAFI_LS_VPN ? LS_DISTINGUISHER_LEN : 0));
		while (wire_more(&nlri) && (type == LS_PREFIX_V4 || type == LS_PREFIX_V6)) {
			uint16_t kind = wire_u16(&nlri);
			struct wire_in value = wire_sub(&nlri, wire_u16(&nlri));

			if (kind == LS_REACHABILITY && wire_more(&value))
				(void)prefix_put(list, NULL, afi, wire_u8(&value), &value);
		}
	}
	return list;
}
