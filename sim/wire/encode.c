/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UPDATEs to bytes. A writer that is full stays full, so nothing is checked on the way. */
#include "wire_int.h"

#define WELL_KNOWN WIRE_FLAG_TRANSITIVE
#define OPTIONAL_NON_TRANSITIVE WIRE_FLAG_OPTIONAL
#define OPTIONAL_TRANSITIVE (WIRE_FLAG_OPTIONAL | WIRE_FLAG_TRANSITIVE)
#define SEGMENT_MAX 255U

struct wire_mark wire_attr_begin(struct wire_out *out, uint8_t flags, uint8_t code)
{
	wire_put8(out, flags);
	wire_put8(out, code);
	return wire_reserve(out, 1);
}

/* Above 255 octets the value moves by one, to make room for a length of two. */
void wire_attr_end(struct wire_out *out, struct wire_mark m)
{
	size_t n = out->full ? 0 : out->len - m.at - 1;

	if (n <= UINT8_MAX) {
		wire_close8(out, m);
		return;
	}
	if (wire_room(out, 1) == NULL)
		return;
	memmove(out->bytes + m.at + 2, out->bytes + m.at + 1, n);
	out->bytes[m.at - 2] |= WIRE_FLAG_EXTENDED;
	wire_close16(out, m);
}

/* One AS_SEQUENCE, which takes a segment for each 255 hops. */
static void put_hops(struct wire_out *out, bool as4, const uint32_t *path, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i % SEGMENT_MAX == 0) {
			wire_put8(out, WIRE_AS_SEQUENCE);
			wire_put8(out, n - i < SEGMENT_MAX ? n - i : SEGMENT_MAX);
		}
		if (as4)
			wire_put32(out, path[i]);
		else
			wire_put16(out, path[i] <= UINT16_MAX ? path[i] : WIRE_AS_TRANS);
	}
}

static void put_as_path(struct wire_out *out, const struct wire_session *session, const struct wire_route_attrs *attrs)
{
	struct wire_mark m;

	if (!attrs->wide_path) {
		m = wire_attr_begin(out, WELL_KNOWN, WIRE_ATTR_AS_PATH);
		put_hops(out, session->as4, attrs->as_path, attrs->as_count);
		wire_attr_end(out, m);
		return;
	}
	wire_put8(out, WELL_KNOWN | WIRE_FLAG_EXTENDED);
	wire_put8(out, WIRE_ATTR_AS_PATH);
	m = wire_reserve(out, 2);
	put_hops(out, session->as4, attrs->as_path, attrs->as_count);
	wire_close16(out, m);
}

static void put_as4_path(struct wire_out *out, const struct wire_route_attrs *attrs)
{
	struct wire_mark m = wire_attr_begin(out, OPTIONAL_TRANSITIVE, WIRE_ATTR_AS4_PATH);

	put_hops(out, true, attrs->as_path, attrs->as_count);
	wire_attr_end(out, m);
}

static bool needs_as4_path(const struct wire_session *session, const struct wire_route_attrs *attrs)
{
	for (size_t i = 0; i < attrs->as_count && !session->as4; i++)
		if (attrs->as_path[i] > UINT16_MAX)
			return true;
	return false;
}

static void put_u32_attr(struct wire_out *out, uint8_t flags, enum wire_attr code, uint32_t v)
{
	struct wire_mark m = wire_attr_begin(out, flags, (uint8_t)code);

	wire_put32(out, v);
	wire_attr_end(out, m);
}

static void put_communities(struct wire_out *out, const uint32_t *communities, size_t n)
{
	struct wire_mark m;

	if (n == 0)
		return;
	m = wire_attr_begin(out, OPTIONAL_TRANSITIVE, WIRE_ATTR_COMMUNITIES);
	for (size_t i = 0; i < n; i++)
		wire_put32(out, communities[i]);
	wire_attr_end(out, m);
}

static uint16_t afi_of(const struct wire_route *route)
{
	return route->prefix.addr.family == ADDR_V6 ? WIRE_AFI_IPV6 : WIRE_AFI_IPV4;
}

/* The routes of one family; a route of another makes the writer full. */
static void put_routes(struct wire_out *out, const struct wire_session *session, uint16_t afi,
		       const struct wire_route *routes, size_t n)
{
	bool add_path = wire_family_add_path(session, afi, WIRE_SAFI_UNICAST);

	for (size_t i = 0; i < n && !out->full; i++) {
		if (afi_of(&routes[i]) != afi)
			out->full = true;
		wire_nlri_put(out, &routes[i], add_path);
	}
}

/* MP_REACH_NLRI up to its NLRI. */
static struct wire_mark mp_reach_begin(struct wire_out *out, uint16_t afi, uint8_t safi, struct wire_in next_hop)
{
	struct wire_mark m = wire_attr_begin(out, OPTIONAL_NON_TRANSITIVE, WIRE_ATTR_MP_REACH);

	wire_put16(out, afi);
	wire_put8(out, safi);
	wire_put8(out, wire_left(&next_hop));
	wire_put(out, next_hop.at, wire_left(&next_hop));
	wire_put8(out, 0);
	return m;
}

static void put_mp_reach(struct wire_out *out, const struct wire_session *session, struct wire_in next_hop,
			 const struct wire_route *routes, size_t n)
{
	uint16_t afi = afi_of(&routes[0]);
	struct wire_mark m = mp_reach_begin(out, afi, WIRE_SAFI_UNICAST, next_hop);

	put_routes(out, session, afi, routes, n);
	wire_attr_end(out, m);
}

/* IPv6 routes, and IPv4 routes behind an IPv6 next hop (RFC 8950), travel in MP_REACH_NLRI. */
static bool goes_by_mp(const struct addr *next_hop, const struct wire_route *routes, size_t n)
{
	return n > 0 && (afi_of(&routes[0]) == WIRE_AFI_IPV6 || next_hop->family == ADDR_V6);
}

/* Behind MP_REACH_NLRI where there is one. */
static void put_attrs(struct wire_out *out, const struct wire_session *session, const struct wire_route_attrs *attrs,
		      bool mp)
{
	struct wire_mark m = wire_attr_begin(out, WELL_KNOWN, WIRE_ATTR_ORIGIN);

	wire_put8(out, attrs->origin);
	wire_attr_end(out, m);
	put_as_path(out, session, attrs);
	if (!mp)
		put_u32_attr(out, WELL_KNOWN, WIRE_ATTR_NEXT_HOP, addr_v4_value(&attrs->next_hop));
	if (attrs->med_present)
		put_u32_attr(out, OPTIONAL_NON_TRANSITIVE, WIRE_ATTR_MED, attrs->med);
	if (attrs->local_pref_present)
		put_u32_attr(out, WELL_KNOWN, WIRE_ATTR_LOCAL_PREF, attrs->local_pref);
	put_communities(out, attrs->communities, attrs->community_count);
	if (needs_as4_path(session, attrs))
		put_as4_path(out, attrs);
	wire_put(out, attrs->extra.at, wire_left(&attrs->extra));
}

void wire_update_encode(struct wire_out *out, const struct wire_session *session, const struct wire_route_attrs *attrs,
			const struct wire_route *routes, size_t n)
{
	bool mp = goes_by_mp(&attrs->next_hop, routes, n);
	struct wire_mark start = wire_message_begin(out, WIRE_UPDATE);
	struct wire_mark list;

	/* An IPv6 route can't have an IPv4 next hop, nor any route none. */
	if (attrs->next_hop.family == ADDR_NONE || (attrs->next_hop.family == ADDR_V4 && mp))
		out->full = true;
	wire_put16(out, 0);
	list = wire_reserve(out, 2);
	if (mp) /* first, so that routes can be withdrawn when an attribute is malformed (RFC 7606 section 5.1) */
		put_mp_reach(out, session, wire_in_of(attrs->next_hop.b, addr_len(attrs->next_hop.family)), routes, n);
	put_attrs(out, session, attrs, mp);
	wire_close16(out, list);
	if (!mp)
		put_routes(out, session, WIRE_AFI_IPV4, routes, n);
	wire_message_end(out, start, session->extended);
}

/* The next hop octets of a raw MP_REACH_NLRI of the family; empty for another family. */
static struct wire_in raw_mp_next_hop(struct wire_in value, uint16_t afi)
{
	bool same = wire_u16(&value) == afi && wire_u8(&value) == WIRE_SAFI_UNICAST;

	return same ? wire_sub(&value, wire_u8(&value)) : (struct wire_in){0};
}

static bool raw_find(struct wire_in attrs, enum wire_attr code, struct wire_raw_attr *ret)
{
	while (wire_raw_next(&attrs, ret))
		if (ret->code == code)
			return true;
	return false;
}

/* MP_REACH_NLRI made anew around the routes; false when the attributes have no next hop of their family. */
static bool copy_mp_reach(struct wire_out *out, const struct wire_session *session, struct wire_in attrs,
			  const struct wire_route *routes, size_t n)
{
	struct wire_in hop = {0};
	struct wire_raw_attr a;

	if (raw_find(attrs, WIRE_ATTR_MP_REACH, &a))
		hop = raw_mp_next_hop(a.value, afi_of(&routes[0]));
	if (wire_more(&hop))
		put_mp_reach(out, session, hop, routes, n);
	return wire_more(&hop);
}

/* The attributes but those that speak of other routes. */
static bool copy_raw(struct wire_out *out, struct wire_in attrs, bool mp)
{
	struct wire_raw_attr a;

	while (wire_raw_next(&attrs, &a))
		if (a.code != WIRE_ATTR_MP_REACH && a.code != WIRE_ATTR_MP_UNREACH &&
		    !(mp && a.code == WIRE_ATTR_NEXT_HOP))
			wire_put(out, a.tlv.at, wire_left(&a.tlv));
	return !attrs.bad;
}

void wire_update_encode_raw(struct wire_out *out, const struct wire_session *session, struct wire_in attrs_raw,
			    const struct wire_route *routes, size_t n)
{
	struct wire_raw_attr hop;
	bool mp = n > 0 && (afi_of(&routes[0]) == WIRE_AFI_IPV6 || !raw_find(attrs_raw, WIRE_ATTR_NEXT_HOP, &hop));
	struct wire_mark start = wire_message_begin(out, WIRE_UPDATE);
	struct wire_mark list;

	wire_put16(out, 0);
	list = wire_reserve(out, 2);
	if (mp && !copy_mp_reach(out, session, attrs_raw, routes, n))
		out->full = true;
	if (!copy_raw(out, attrs_raw, mp))
		out->full = true;
	wire_close16(out, list);
	if (!mp)
		put_routes(out, session, WIRE_AFI_IPV4, routes, n);
	wire_message_end(out, start, session->extended);
}

static void put_mp_unreach(struct wire_out *out, const struct wire_session *session, uint16_t afi,
			   const struct wire_route *routes, size_t n)
{
	struct wire_mark m = wire_attr_begin(out, OPTIONAL_NON_TRANSITIVE, WIRE_ATTR_MP_UNREACH);

	wire_put16(out, afi);
	wire_put8(out, WIRE_SAFI_UNICAST);
	put_routes(out, session, afi, routes, n);
	wire_attr_end(out, m);
}

void wire_withdraw_encode(struct wire_out *out, const struct wire_session *session, uint16_t afi,
			  const struct wire_route *routes, size_t n)
{
	struct wire_mark start = wire_message_begin(out, WIRE_UPDATE);
	struct wire_mark field = wire_reserve(out, 2);

	if (afi == WIRE_AFI_IPV4)
		put_routes(out, session, afi, routes, n);
	wire_close16(out, field);
	field = wire_reserve(out, 2);
	if (afi != WIRE_AFI_IPV4)
		put_mp_unreach(out, session, afi, routes, n);
	wire_close16(out, field);
	wire_message_end(out, start, session->extended);
}

void wire_opaque_encode(struct wire_out *out, const struct wire_session *session, const struct wire_route_attrs *attrs,
			const struct wire_nlri *nlri)
{
	struct wire_mark start = wire_message_begin(out, WIRE_UPDATE);
	struct wire_mark list, m;

	wire_put16(out, 0);
	list = wire_reserve(out, 2);
	m = mp_reach_begin(out, nlri->afi, nlri->safi, attrs->mp_hop);
	wire_put(out, nlri->bytes.at, wire_left(&nlri->bytes));
	wire_attr_end(out, m);
	put_attrs(out, session, attrs, true);
	wire_close16(out, list);
	wire_message_end(out, start, session->extended);
}

void wire_opaque_withdraw(struct wire_out *out, const struct wire_session *session, const struct wire_nlri *nlri)
{
	struct wire_mark start = wire_message_begin(out, WIRE_UPDATE);
	struct wire_mark list, m;

	wire_put16(out, 0);
	list = wire_reserve(out, 2);
	m = wire_attr_begin(out, OPTIONAL_NON_TRANSITIVE, WIRE_ATTR_MP_UNREACH);
	wire_put16(out, nlri->afi);
	wire_put8(out, nlri->safi);
	wire_put(out, nlri->bytes.at, wire_left(&nlri->bytes));
	wire_attr_end(out, m);
	wire_close16(out, list);
	wire_message_end(out, start, session->extended);
}
