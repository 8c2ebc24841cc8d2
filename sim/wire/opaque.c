/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NLRI of families that are carried without their meaning: where one ends, and which octets say which route it is. The
 * others are attributes of it and may be anything in a withdrawal, which has to find the route all the same. */
#include "wire_int.h"

#include <string.h>

enum {
	SAFI_MULTICAST = 2,
	SAFI_LABELLED = 4, /* RFC 8277 */
	SAFI_EVPN = 70,	   /* RFC 7432 */
	SAFI_VPN = 128,	   /* RFC 4364, 4659 */
	AFI_L2VPN = 25,
};

#define LABEL_LEN 3
#define RD_BITS 64

/* ---- Prefixes with a length in bits ---- */

static unsigned int address_bits(const struct wire_nlri *n)
{
	return n->afi == WIRE_AFI_IPV4 ? 32 : 128;
}

/* One label, which is 0x800000 where routes are withdrawn (RFC 8277 sections 2.2 and 2.4; nobody is offered more than one), then
 * the prefix, whose bits beyond its length mean nothing. */
static bool prefix_next(struct wire_nlri *n, struct wire_opaque *ret)
{
	static const uint8_t no_label[LABEL_LEN] = {0x80, 0, 0};
	struct wire_in in = n->bytes, whole;
	unsigned int bits = wire_u8(&in), label = n->safi == SAFI_MULTICAST ? 0 : LABEL_LEN * 8;
	unsigned int least = label + (n->safi == SAFI_VPN ? RD_BITS : 0);
	size_t len = 1 + (bits + 7) / 8;

	whole = wire_sub(&n->bytes, len);
	if (n->bytes.bad || bits < least || bits > least + address_bits(n)) {
		n->bytes.bad = true;
		return false;
	}
	ret->nlri = whole;
	memcpy(ret->key, whole.at, len);
	if (label > 0)
		memcpy(ret->key + 1, no_label, sizeof(no_label));
	if (bits % 8 != 0)
		ret->key[len - 1] &= (uint8_t)(0xff << (8 - bits % 8));
	ret->key_len = len;
	return true;
}

/* ---- EVPN ---- */

/* Octets of a type's value: what stands before the length of its address, and where its segment identifier is. */
enum {
	EVPN_HEAD = 2,
	EVPN_ESI = 8, /* behind the route distinguisher */
	EVPN_ESI_LEN = 10,
	EVPN_AD_LEN = 25,
	EVPN_MAC_IP_BITS = 29,
	EVPN_PREFIX_GATEWAY_V4 = 27,
	EVPN_PREFIX_GATEWAY_V6 = 39,
	EVPN_PREFIX_V4 = 34, /* RFC 9136 section 3.1 */
	EVPN_PREFIX_V6 = 58,
};

/* Ethernet A-D (RFC 7432 section 7.1): the label is no part of the key. */
static size_t auto_discovery_key(uint8_t *v, size_t n)
{
	if (n != EVPN_AD_LEN)
		return 0;
	memset(v + n - LABEL_LEN, 0, LABEL_LEN);
	return n;
}

/* MAC/IP (section 7.2): neither the segment nor the labels are. */
static size_t mac_ip_key(uint8_t *v, size_t n)
{
	size_t end = EVPN_MAC_IP_BITS + 1;

	if (n < end)
		return 0;
	end += v[EVPN_MAC_IP_BITS] / 8;
	if (end > n || n - end > 2 * (size_t)LABEL_LEN || end + LABEL_LEN > WIRE_OPAQUE_KEY_MAX - EVPN_HEAD)
		return 0;
	memset(v + EVPN_ESI, 0, EVPN_ESI_LEN);
	memset(v + end, 0, LABEL_LEN);
	return end + LABEL_LEN;
}

/* IP prefix (RFC 9136 section 3.1): neither the segment nor gateway and label. */
static size_t ip_prefix_key(uint8_t *v, size_t n)
{
	size_t gateway = n == EVPN_PREFIX_V4 ? EVPN_PREFIX_GATEWAY_V4 : EVPN_PREFIX_GATEWAY_V6;

	if (n != EVPN_PREFIX_V4 && n != EVPN_PREFIX_V6)
		return 0;
	memset(v + EVPN_ESI, 0, EVPN_ESI_LEN);
	memset(v + gateway, 0, n - gateway);
	return n;
}

static size_t evpn_key(uint8_t type, uint8_t *value, size_t n)
{
	switch (type) {
	case 1:
		return auto_discovery_key(value, n);
	case 2:
		return mac_ip_key(value, n);
	case 5:
		return ip_prefix_key(value, n);
	default: /* all of the others is key, as far as they are known */
		return 0;
	}
}

static bool evpn_next(struct wire_nlri *n, struct wire_opaque *ret)
{
	struct wire_in in = n->bytes;
	uint8_t type = wire_u8(&in);
	size_t len = wire_u8(&in), key;

	ret->nlri = wire_sub(&n->bytes, EVPN_HEAD + len);
	if (n->bytes.bad)
		return false;
	if (len > WIRE_OPAQUE_KEY_MAX - EVPN_HEAD)
		return true;
	memcpy(ret->key, ret->nlri.at, EVPN_HEAD + len);
	key = evpn_key(type, ret->key + EVPN_HEAD, len);
	ret->key[1] = (uint8_t)key;
	ret->key_len = key > 0 ? EVPN_HEAD + key : 0;
	return true;
}

bool wire_opaque_next(struct wire_nlri *nlri, struct wire_opaque *ret)
{
	bool ip = nlri->afi == WIRE_AFI_IPV4 || nlri->afi == WIRE_AFI_IPV6;

	if (!wire_more(&nlri->bytes))
		return false;
	ret->key_len = 0;
	if (ip && (nlri->safi == SAFI_MULTICAST || nlri->safi == SAFI_LABELLED || nlri->safi == SAFI_VPN))
		return prefix_next(nlri, ret);
	if (nlri->afi == AFI_L2VPN && nlri->safi == SAFI_EVPN)
		return evpn_next(nlri, ret);
	ret->nlri = wire_sub(&nlri->bytes, wire_left(&nlri->bytes));
	return true;
}
