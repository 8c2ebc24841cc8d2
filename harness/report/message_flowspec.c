/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flow specifications (RFC 8955, RFC 8956): the prefixes that stand in them, as tshark shows them. */
#include "message_int.h"

#define LONG_LENGTH 0xf0U /* RFC 8955 section 4.1 */
#define DISTINGUISHER_LEN 8U
#define COMPONENT_DESTINATION 1U
#define COMPONENT_SOURCE 2U
#define OPERATOR_END 0x80U

/* Any number of operators, each with its value (RFC 8955 section 4.2.1). */
static void operators_skip(struct wire_in *in)
{
	uint8_t op;

	do {
		op = wire_u8(in);
		wire_skip(in, (size_t)1 << (op >> 4 & 3));
	} while (!in->bad && (op & OPERATOR_END) == 0);
}

/* IPv6 has an offset, whose bits are not there (RFC 8956 section 3.1); a prefix that has one is no prefix. */
static void prefix_put(json_t *list, uint16_t afi, struct wire_in *in)
{
	struct wire_nlri nlri = {.afi = afi, .safi = WIRE_SAFI_UNICAST};
	unsigned int len = wire_u8(in), offset = afi == WIRE_AFI_IPV6 ? wire_u8(in) : 0;
	struct wire_in octets = wire_sub(in, offset <= len ? (len - offset + 7) / 8 : 0);
	uint8_t bytes[1 + 16] = {(uint8_t)len};
	struct wire_route route;

	if (octets.bad || offset > 0 || wire_left(&octets) > sizeof(bytes) - 1)
		return;
	if (wire_more(&octets))
		memcpy(bytes + 1, octets.at, wire_left(&octets));
	nlri.bytes = wire_in_of(bytes, 1 + wire_left(&octets));
	if (wire_nlri_next(&nlri, &route))
		(void)json_array_append_new(list, json_string(prefix_text(&route.prefix).s));
}

static void rule_put(json_t *list, uint16_t afi, struct wire_in rule)
{
	while (wire_more(&rule)) {
		uint8_t component = wire_u8(&rule);

		if (component == COMPONENT_DESTINATION || component == COMPONENT_SOURCE)
			prefix_put(list, afi, &rule);
		else
			operators_skip(&rule);
	}
}

json_t *message_flowspec(uint16_t afi, uint8_t safi, struct wire_in in)
{
	json_t *list = json_array();

	while (wire_more(&in)) {
		size_t len = wire_u8(&in);
		struct wire_in rule;

		if (len >= LONG_LENGTH)
			len = (len & 0xf) << 8 | wire_u8(&in);
		rule = wire_sub(&in, len);
		if (safi == MESSAGE_SAFI_FLOWSPEC_VPN)
			wire_skip(&rule, DISTINGUISHER_LEN);
		rule_put(list, afi, rule);
	}
	return list;
}
