/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPv4 (RFC 791) and IPv6 (RFC 8200) headers down to the transport header. Fragments are not put together: the first has
 * the transport header and is read as far as it goes, the later ones are only counted. */
#include "capture_int.h"

#define FRAGMENT_OFFSET_V4 0x1fffU
#define FRAGMENT_OFFSET_V6 0xfff8U

#define FLOW_LABEL 0xfffffU

enum extension {
	EXTENSION_HOP_BY_HOP = 0,
	EXTENSION_ROUTING = 43,
	EXTENSION_FRAGMENT = 44,
	EXTENSION_AUTHENTICATION = 51,
	EXTENSION_DESTINATION = 60,
	EXTENSION_MOBILITY = 135,
	EXTENSION_HIP = 139,
	EXTENSION_SHIM6 = 140,
};

/* Cuts what the link padded, and notes what the capture cut. 0 is how segmentation offload shows: the rest of the frame. */
static void set_payload(struct packet *p, struct wire_in in, size_t len)
{
	p->payload_len = len > 0 ? len : wire_left(&in);
	p->payload = wire_sub(&in, p->payload_len < wire_left(&in) ? p->payload_len : wire_left(&in));
}

static bool read_v4(struct wire_in in, struct packet *p)
{
	size_t header_len = (size_t)(wire_u8(&in) & 0xf) * 4, total_len;
	const uint8_t *addresses;
	uint16_t fragment;

	wire_skip(&in, 1);
	total_len = wire_u16(&in);
	wire_skip(&in, 2);
	fragment = wire_u16(&in);
	p->ttl = wire_u8(&in);
	p->protocol = wire_u8(&in);
	wire_skip(&in, 2);
	addresses = wire_take(&in, 8);
	if (addresses == NULL || header_len < 20 || (total_len != 0 && total_len < header_len))
		return false;
	wire_skip(&in, header_len - 20);
	p->src = addr_from_bytes(ADDR_V4, addresses);
	p->dst = addr_from_bytes(ADDR_V4, addresses + 4);
	p->later_fragment = (fragment & FRAGMENT_OFFSET_V4) != 0;
	if (total_len == header_len)
		return false; /* nothing inside */
	set_payload(p, in, total_len == 0 ? 0 : total_len - header_len);
	return !in.bad;
}

/* Skips the header of the given type; false when it is none we know how to skip. */
static bool skip_extension(struct wire_in *in, uint8_t type, uint8_t *ret_next, bool *ret_later_fragment)
{
	uint8_t len;

	switch (type) {
	case EXTENSION_FRAGMENT:
		*ret_next = wire_u8(in);
		wire_skip(in, 1);
		*ret_later_fragment = (wire_u16(in) & FRAGMENT_OFFSET_V6) != 0;
		wire_skip(in, 4);
		return true;
	case EXTENSION_AUTHENTICATION: /* RFC 4302 section 2.2: in words of four octets, minus two */
		*ret_next = wire_u8(in);
		len = wire_u8(in);
		wire_skip(in, (size_t)len * 4 + 6);
		return true;
	case EXTENSION_HOP_BY_HOP:
	case EXTENSION_ROUTING:
	case EXTENSION_DESTINATION:
	case EXTENSION_MOBILITY:
	case EXTENSION_HIP:
	case EXTENSION_SHIM6:
		*ret_next = wire_u8(in);
		len = wire_u8(in);
		wire_skip(in, (size_t)len * 8 + 6);
		return true;
	default:
		return false;
	}
}

static bool read_v6(struct wire_in in, struct packet *p)
{
	const uint8_t *addresses, *start;
	size_t len;
	uint8_t next;

	p->flow_label = wire_u32(&in) & FLOW_LABEL;
	len = wire_u16(&in);
	next = wire_u8(&in);
	p->ttl = wire_u8(&in);
	addresses = wire_take(&in, 32);
	if (addresses == NULL)
		return false;
	p->src = addr_from_bytes(ADDR_V6, addresses);
	p->dst = addr_from_bytes(ADDR_V6, addresses + 16);
	start = in.at;
	while (!in.bad && !p->later_fragment && skip_extension(&in, next, &next, &p->later_fragment))
		;
	p->protocol = next;
	if (in.bad || (len != 0 && (size_t)(in.at - start) >= len))
		return false;
	set_payload(p, in, len == 0 ? 0 : len - (size_t)(in.at - start));
	return true;
}

bool ip_read(struct wire_in in, struct packet *p)
{
	uint8_t version = wire_left(&in) > 0 ? in.at[0] >> 4 : 0;

	p->later_fragment = false;
	p->flow_label = 0;
	if (version == 4)
		return read_v4(in, p);
	return version == 6 && read_v6(in, p);
}
