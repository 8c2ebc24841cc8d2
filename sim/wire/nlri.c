/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prefixes on the wire (RFC 4271 section 4.3, RFC 4760 section 5, RFC 7911 section 3). */
#include "wire_int.h"

#include <endian.h>

static unsigned int width_of(uint16_t afi)
{
	return afi == WIRE_AFI_IPV4 ? 32 : 128;
}

bool wire_family_add_path(const struct wire_session *session, uint16_t afi, uint8_t safi)
{
	if (!wire_family_read(afi, safi))
		return false;
	return afi == WIRE_AFI_IPV4 ? session->add_path_v4 : session->add_path_v6;
}

bool wire_nlri_valid(const struct wire_nlri *nlri)
{
	struct wire_in in = nlri->bytes;
	unsigned int width = width_of(nlri->afi);

	if (!wire_family_read(nlri->afi, nlri->safi))
		return !in.bad;
	while (wire_more(&in)) {
		unsigned int len;

		wire_skip(&in, nlri->add_path ? 4 : 0);
		len = wire_u8(&in);
		if (len > width)
			return false;
		wire_skip(&in, (len + 7) / 8);
	}
	return !in.bad;
}

/* The leading bits of 64, in network order. */
static uint64_t leading(unsigned int bits)
{
	if (bits == 0)
		return 0;
	return htobe64(bits < 64 ? ~(UINT64_MAX >> bits) : UINT64_MAX);
}

/* A prefix from its octets. `there` can be read from them on: with as many as the longest address has, all are taken at
 * once, and what is beyond the length is cleared as host bits are. */
static struct prefix prefix_of(uint8_t family, const uint8_t *octets, unsigned int len, size_t there)
{
	struct prefix p = {.addr.family = family, .len = (uint8_t)len};
	uint64_t high = 0, low = 0;
	size_t n = (len + 7) / 8;

	if (there >= sizeof(p.addr.b)) {
		memcpy(&high, octets, sizeof(high));
		memcpy(&low, octets + sizeof(high), sizeof(low));
	} else if (n > sizeof(high)) {
		memcpy(&high, octets, sizeof(high));
		memcpy(&low, octets + sizeof(high), n - sizeof(high));
	} else if (n > 0) {
		memcpy(&high, octets, n);
	}
	high &= leading(len);
	low &= leading(len > 64 ? len - 64 : 0);
	memcpy(p.addr.b, &high, sizeof(high));
	memcpy(p.addr.b + sizeof(high), &low, sizeof(low));
	return p;
}

bool wire_nlri_next(struct wire_nlri *nlri, struct wire_route *ret)
{
	struct wire_in in = nlri->bytes;
	uint32_t path_id = 0;
	unsigned int len;
	const uint8_t *octets;

	if (!wire_family_read(nlri->afi, nlri->safi) || !wire_more(&in))
		return false;
	if (nlri->add_path)
		path_id = wire_u32(&in);
	len = wire_u8(&in);
	if (len > width_of(nlri->afi))
		in.bad = true;
	octets = wire_take(&in, (len + 7) / 8);
	nlri->bytes = in;
	if (in.bad)
		return false;
	ret->path_id = path_id;
	ret->prefix = prefix_of(nlri->afi == WIRE_AFI_IPV4 ? ADDR_V4 : ADDR_V6, octets, len, (size_t)(in.end - octets));
	return true;
}

/* Octets behind those that count are written where there is room for them, and are written over by what follows. */
void wire_nlri_put(struct wire_out *out, const struct wire_route *route, bool add_path)
{
	const struct prefix *prefix = &route->prefix;
	size_t n = (prefix->len + 7U) / 8;
	uint8_t *at;
	bool roomy;

	if (add_path)
		wire_put32(out, route->path_id);
	roomy = out->cap - out->len > sizeof(prefix->addr.b);
	at = wire_room(out, 1 + n);
	if (at == NULL)
		return;
	at[0] = prefix->len;
	if (roomy)
		memcpy(at + 1, prefix->addr.b, sizeof(prefix->addr.b));
	else
		memcpy(at + 1, prefix->addr.b, n);
}

void wire_nlri_copy(struct wire_out *out, struct wire_nlri nlri)
{
	struct wire_route route;

	if (!wire_family_read(nlri.afi, nlri.safi))
		wire_put(out, nlri.bytes.at, wire_left(&nlri.bytes));
	while (wire_nlri_next(&nlri, &route))
		wire_nlri_put(out, &route, nlri.add_path);
}
