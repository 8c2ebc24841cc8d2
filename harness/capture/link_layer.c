/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the first byte of a frame to its IP header. Which protocol IP is, its version field says (ip.c). */
#include "capture_int.h"

#include <string.h>

enum ethertype {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_MPLS = 0x8847,
	ETHERTYPE_MPLS_MULTICAST = 0x8848,
	ETHERTYPE_PPPOE = 0x8864,
	ETHERTYPE_QINQ = 0x88a8,
	ETHERTYPE_QINQ_OLD = 0x9100,
};

enum ppp_protocol { PPP_IPV4 = 0x0021, PPP_IPV6 = 0x0057, PPP_MPLS = 0x0281 };

/* Labels up to the one with the bottom-of-stack bit (RFC 3032). */
static bool skip_labels(struct wire_in *in)
{
	while (wire_more(in)) {
		if ((wire_u32(in) & 0x100) != 0)
			return wire_more(in);
	}
	return false;
}

static bool read_ppp(struct wire_in *in)
{
	uint16_t protocol = wire_u8(in);

	if ((protocol & 1) == 0) /* RFC 1661 section 6.5: an odd first octet is a compressed protocol field */
		protocol = (uint16_t)(protocol << 8 | wire_u8(in));
	if (protocol == PPP_MPLS)
		return skip_labels(in);
	return (protocol == PPP_IPV4 || protocol == PPP_IPV6) && wire_more(in);
}

static bool read_ethertype(struct wire_in *in, uint16_t type)
{
	while (type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ || type == ETHERTYPE_QINQ_OLD) {
		wire_skip(in, 2);
		type = wire_u16(in);
	}
	if (type == ETHERTYPE_MPLS || type == ETHERTYPE_MPLS_MULTICAST)
		return skip_labels(in);
	if (type == ETHERTYPE_PPPOE) {
		wire_skip(in, 6);
		return read_ppp(in);
	}
	return (type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6) && wire_more(in);
}

static bool read_ethernet(struct wire_in *in, const uint8_t *own, bool *ret_carried)
{
	const uint8_t *macs = wire_take(in, 12);

	if (macs != NULL && own != NULL)
		*ret_carried = memcmp(macs, own, 6) == 0 || memcmp(macs + 6, own, 6) == 0;
	return read_ethertype(in, wire_u16(in));
}

/* The address family in the byte order of whoever captured: the numbers of IPv4 and IPv6 on the BSDs, macOS, Linux. */
static bool read_null(struct wire_in *in)
{
	uint32_t family = wire_u32(in);

	if (family > 0xffff)
		family = __builtin_bswap32(family);
	return (family == 2 || family == 10 || family == 24 || family == 28 || family == 30) && wire_more(in);
}

/* PPP in HDLC framing (RFC 1662) or Cisco's own. */
static bool read_hdlc(struct wire_in *in)
{
	uint8_t address = wire_left(in) > 0 ? in->at[0] : 0;

	if (address == 0x0f || address == 0x8f) {
		wire_skip(in, 2);
		return read_ethertype(in, wire_u16(in));
	}
	if (address == 0xff)
		wire_skip(in, 2);
	return read_ppp(in);
}

/* Cisco's encapsulation, or NLPIDs (RFC 2427) behind the control octet of unnumbered information. */
static bool read_frame_relay(struct wire_in *in)
{
	while (wire_more(in) && (wire_u8(in) & 1) == 0)
		;
	if (wire_left(in) < 2 || in->at[0] != 0x03)
		return read_ethertype(in, wire_u16(in));
	return (in->at[1] == 0xcc || in->at[1] == 0x8e) && wire_take(in, 2) != NULL && wire_more(in);
}

bool link_layer_read(int linktype, const uint8_t *own, struct wire_in *in, bool *ret_carried)
{
	*ret_carried = true;
	switch (linktype) {
	case DLT_EN10MB:
		return read_ethernet(in, own, ret_carried);
	case DLT_RAW:
	case DLT_IPV4:
	case DLT_IPV6:
		return wire_more(in);
	case DLT_NULL:
	case DLT_LOOP:
		return read_null(in);
	case DLT_LINUX_SLL:
		wire_skip(in, 14);
		return read_ethertype(in, wire_u16(in));
	case DLT_LINUX_SLL2: {
		uint16_t type = wire_u16(in);

		wire_skip(in, 18);
		return read_ethertype(in, type);
	}
	case DLT_C_HDLC:
	case DLT_PPP:
	case DLT_PPP_SERIAL:
		return read_hdlc(in);
	case DLT_PPP_ETHER:
		wire_skip(in, 6);
		return read_ppp(in);
	case DLT_FRELAY:
		return read_frame_relay(in);
	case DLT_MPLS:
		return skip_labels(in);
	default:
		return false;
	}
}
