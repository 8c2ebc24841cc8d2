/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an Established peer's UPDATE or ROUTE-REFRESH does to the tables (RFC 4271 section 9, RFC 2918, RFC 7313). */
#include "bgp_int.h"

enum refresh_subtype { /* RFC 7313 section 4 */
		       REFRESH_REQUEST = 0,
		       REFRESH_BEGIN = 1,
		       REFRESH_END = 2,
};

static bool family_agreed(const struct conn *c, uint16_t afi, uint8_t safi)
{
	if (safi != WIRE_SAFI_UNICAST)
		return false;
	return afi == WIRE_AFI_IPV4 ? c->ipv4 : afi == WIRE_AFI_IPV6 && c->ipv6;
}

/* The list's routes in s->batch; false when there are none that we take. */
static bool gather_routes(const struct conn *c, struct wire_nlri nlri)
{
	struct bgp_speaker *s = c->peer->speaker;
	struct wire_route route;

	VEC_CLEAR(&s->batch);
	if (!family_agreed(c, nlri.afi, nlri.safi))
		return false;
	while (wire_nlri_next(&nlri, &route))
		VEC_PUSH(&s->batch, route);
	return s->batch.len > 0;
}

static void withdraw_routes(const struct conn *c, struct wire_nlri nlri)
{
	const struct bgp_speaker *s = c->peer->speaker;

	if (gather_routes(c, nlri))
		rib_withdraw(c->peer, s->batch.at, s->batch.len);
}

/* A route that can't be used takes the place of the one before it all the same. */
static void announce_routes(struct conn *c, struct wire_nlri nlri, const struct attrs *attrs)
{
	const struct bgp_speaker *s = c->peer->speaker;

	if (attrs == NULL)
		withdraw_routes(c, nlri);
	else if (gather_routes(c, nlri) && !rib_announce(c->peer, attrs, s->batch.at, s->batch.len))
		c->over_limit = true;
}

static uint32_t leftmost_as(struct wire_in path, bool as4)
{
	struct wire_path_segment segment;

	if (!wire_path_next(&path, as4, &segment) || segment.type != WIRE_AS_SEQUENCE)
		return 0;
	return wire_path_as(&segment);
}

/* Why the routes of an UPDATE can't be used, or NULL. */
static const char *unusable(const struct conn *c, const struct wire_attrs *a)
{
	const struct bgp_peer_conf *own = &c->peer->conf;

	/* RFC 4271 section 9.1.2 */
	if (wire_path_contains(a->as_path, a->as4, own->local_as) ||
	    wire_path_contains(a->as4_path, true, own->local_as))
		return "our own AS is in the AS_PATH (RFC 4271 section 9.1.2)";
	if (conn_external(c) && leftmost_as(a->as_path, a->as4) != c->peer->conf.remote_as &&
	    (a->as4 || c->peer->conf.remote_as <= UINT16_MAX))
		return "the AS_PATH does not begin with the peer's AS (RFC 7606 section 7.2)";
	if (!conn_external(c) && wire_attr_has(a, WIRE_ATTR_ORIGINATOR_ID) && a->originator_id == own->router_id)
		return "it came back to its originator (RFC 4456 section 8)";
	return NULL;
}

/* RFC 4271 section 6.3: an address of ours is no next hop. */
static bool next_hop_usable(const struct conn *c, const struct addr *next_hop)
{
	return next_hop->family != ADDR_NONE && !addr_equal(next_hop, &c->local);
}

/* The interned attributes of one of the UPDATE's two lists of routes, or NULL when they can't be used. */
static struct attrs *attrs_of(struct conn *c, const struct wire_update *u, const struct addr *next_hop, bool usable)
{
	struct attrs *attrs;
	const char *why;

	if (!usable)
		return NULL;
	if (!next_hop_usable(c, next_hop)) {
		notice_error(c->peer, c, "routes with next hop %s are ignored (RFC 4271 section 6.3)",
			     addr_text(next_hop).s);
		return NULL;
	}
	attrs = attrs_from_update(c, u, next_hop, &why);
	if (attrs == NULL)
		notice_error(c->peer, c, "its routes are taken as withdrawn: %s", why);
	return attrs;
}

static void process_update(struct conn *c, const struct wire_update *u, bool withdraw_all)
{
	bool usable = !withdraw_all;
	bool classic = wire_more(&u->nlri.bytes), mp = u->mp_nlri.afi != 0 && wire_more(&u->mp_nlri.bytes);
	const char *why = usable && (classic || mp) ? unusable(c, &u->attrs) : NULL;
	struct attrs *attrs;

	if (why != NULL) {
		notice_error(c->peer, c, "its routes are taken as withdrawn: %s", why);
		usable = false;
	}
	withdraw_routes(c, u->withdrawn);
	withdraw_routes(c, u->mp_withdrawn);
	if (classic) {
		attrs = attrs_of(c, u, &u->attrs.next_hop, usable);
		announce_routes(c, u->nlri, attrs);
		attrs_release(c->peer->speaker, attrs);
	}
	if (mp) {
		attrs = attrs_of(c, u, &u->attrs.mp_next_hop, usable);
		announce_routes(c, u->mp_nlri, attrs);
		attrs_release(c->peer->speaker, attrs);
	}
}

/* Between begin and end of a refresh the peer announces all; what it does not is gone then, or after the time that stale
 * routes have if the end does not come (RFC 7313 section 4.2). */
static void refresh_begins(struct conn *c, enum family f)
{
	c->refreshing |= 1U << f;
	rib_stale(c->peer, f);
	restart_refreshing(c, f);
}

/* An end without a beginning means nothing; what is stale then is so for another reason. */
static void refresh_ends(struct conn *c, enum family f)
{
	if ((c->refreshing >> f & 1) == 0)
		return;
	c->refreshing &= ~(1U << f);
	restart_refreshed(c, f);
}

static void process_refresh(struct conn *c, const struct wire_refresh *refresh)
{
	enum family f = refresh->afi == WIRE_AFI_IPV6 ? FAMILY_V6 : FAMILY_V4;

	if (!family_agreed(c, refresh->afi, refresh->safi))
		return;
	/* Before our own End-of-RIB everything is still to come (RFC 7313 section 4.1). */
	if (refresh->subtype == REFRESH_REQUEST && !c->peer->speaker->deferring)
		export_refresh(c->peer, f);
	else if (refresh->subtype == REFRESH_BEGIN && c->enhanced_refresh)
		refresh_begins(c, f);
	else if (refresh->subtype == REFRESH_END && c->enhanced_refresh)
		refresh_ends(c, f);
}

void routes_process(struct conn *c, const struct fsm_input *in)
{
	if (in->update != NULL)
		process_update(c, in->update, in->withdraw_all);
	else if (in->refresh != NULL)
		process_refresh(c, in->refresh);
}
