/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NLRI of families beyond unicast, on their way out. */
#include "bgp_int.h"

/* The routes' octets one behind the other, in s->bytes: as they stand in a set of attributes that is for one route alone, else as
 * they are interned. */
static struct wire_nlri join(struct bgp_speaker *s, enum family f, const struct attrs *a,
			     const struct wire_route *routes, size_t n)
{
	VEC_CLEAR(&s->bytes);
	for (size_t i = 0; i < n; i++) {
		struct wire_in bytes =
			a != NULL && a->key.nlri_len > 0 ? attrs_nlri(a) : nlri_bytes(s, &routes[i].prefix);

		octets_put(&s->bytes, bytes.at, wire_left(&bytes));
	}
	return (struct wire_nlri){
		.afi = s->families[f].afi, .safi = s->families[f].safi, .bytes = wire_in_of(s->bytes.at, s->bytes.len)};
}

void other_encode(struct wire_out *out, struct bgp_speaker *s, const struct wire_session *session,
		  struct wire_route_attrs *wire, const struct attrs *a, const struct wire_route *routes, size_t n)
{
	struct wire_nlri nlri = join(s, family_of(&routes[0].prefix), a, routes, n);

	wire->mp_hop = attrs_hop(a);
	wire_opaque_encode(out, session, wire, &nlri);
}

void other_withdraw_encode(struct wire_out *out, struct bgp_speaker *s, const struct wire_session *session,
			   enum family f, const struct wire_route *routes, size_t n)
{
	struct wire_nlri nlri = join(s, f, NULL, routes, n);

	wire_opaque_withdraw(out, session, &nlri);
}
