/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prefixes on the wire (RFC 4271 section 4.3, RFC 4760 section 5, RFC 7911 section 3). */
#include "wire_int.h"

static unsigned int width_of(uint16_t afi)
{
	return afi == WIRE_AFI_IPV4 ? 32 : 128;
}

bool wire_family_read(uint16_t afi, uint8_t safi)
{
	return (afi == WIRE_AFI_IPV4 || afi == WIRE_AFI_IPV6) && safi == WIRE_SAFI_UNICAST;
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

bool wire_nlri_next(struct wire_nlri *nlri, struct wire_route *ret)
{
	struct addr a = {.family = nlri->afi == WIRE_AFI_IPV4 ? ADDR_V4 : ADDR_V6};
	uint32_t path_id = 0;
	unsigned int len;
	const uint8_t *p;

	if (!wire_family_read(nlri->afi, nlri->safi) || !wire_more(&nlri->bytes))
		return false;
	if (nlri->add_path)
		path_id = wire_u32(&nlri->bytes);
	len = wire_u8(&nlri->bytes);
	if (len > width_of(nlri->afi))
		nlri->bytes.bad = true;
	p = wire_take(&nlri->bytes, (len + 7) / 8);
	if (nlri->bytes.bad)
		return false;
	if (len > 0)
		memcpy(a.b, p, (len + 7) / 8);
	ret->path_id = path_id;
	ret->prefix = prefix_make(&a, len);
	return true;
}

void wire_nlri_put(struct wire_out *out, const struct wire_route *route, bool add_path)
{
	if (add_path)
		wire_put32(out, route->path_id);
	wire_put8(out, route->prefix.len);
	wire_put(out, route->prefix.addr.b, (route->prefix.len + 7U) / 8);
}
