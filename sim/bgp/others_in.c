/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes of families beyond unicast, which are kept as octets (RFC 4760). */
#include "bgp_int.h"

static struct wire_in name_of(const struct wire_opaque *o)
{
	return o->key_len > 0 ? wire_in_of(o->key, o->key_len) : o->nlri;
}

static bool tells_more(const struct wire_opaque *o)
{
	return o->key_len > 0 && (o->key_len != wire_left(&o->nlri) || memcmp(o->key, o->nlri.at, o->key_len) != 0);
}

/* RFC 4760 section 7: all that came goes, and what is still to come in this session is not looked at. */
static void disable(struct conn *c, enum family f)
{
	const struct bgp_family *family = &c->peer->speaker->families[f];

	notice_error(c->peer, c,
		     "its routes of AFI %u, SAFI %u can't be told apart; they are ignored (RFC 4760 section 7)",
		     family->afi, family->safi);
	c->disabled |= 1U << f;
	rib_stale(c->peer, f);
	rib_sweep(c->peer, f);
}

void others_withdraw(struct conn *c, enum family f, struct wire_nlri nlri)
{
	struct wire_opaque o;

	while (wire_opaque_next(&nlri, &o)) {
		uint32_t number = nlri_find(c->peer->speaker, f, name_of(&o));
		struct wire_route route = {.prefix = nlri_prefix(f, number)};

		if (number != 0)
			rib_withdraw(c->peer, &route, 1);
	}
	if (nlri.bytes.bad)
		disable(c, f);
}

/* Labels and the like make a set of its own for the route. False when the peer is above its limit. */
static bool announce(struct conn *c, enum family f, const struct wire_opaque *o, const struct attrs *attrs)
{
	struct bgp_speaker *s = c->peer->speaker;
	struct wire_route route = {.prefix = nlri_prefix(f, nlri_intern(s, f, name_of(o)))};
	struct attrs *own = tells_more(o) ? attrs_with_nlri(s, attrs, o->nlri) : NULL;
	bool fits = rib_announce(c->peer, own != NULL ? own : attrs, &route, 1);

	attrs_release(s, own);
	nlri_drop(s, &route.prefix);
	return fits;
}

void others_announce(struct conn *c, enum family f, struct wire_nlri nlri, const struct attrs *attrs)
{
	struct wire_opaque o;

	if (attrs == NULL) {
		others_withdraw(c, f, nlri);
		return;
	}
	while (!c->over_limit && wire_opaque_next(&nlri, &o))
		c->over_limit = !announce(c, f, &o, attrs);
	if (nlri.bytes.bad)
		disable(c, f);
}
