/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an Established peer's UPDATE or ROUTE-REFRESH does to the tables (RFC 4271 section 9, RFC 2918, RFC 7313). */
#include "bgp_int.h"

enum refresh_subtype { /* RFC 7313 section 4 */
		       REFRESH_REQUEST = 0,
		       REFRESH_BEGIN = 1,
		       REFRESH_END = 2,
};

static bool unicast_agreed(const struct conn *c, uint16_t afi, uint8_t safi)
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
	if (!unicast_agreed(c, nlri.afi, nlri.safi))
		return false;
	while (wire_nlri_next(&nlri, &route))
		VEC_PUSH(&s->batch, route);
	return s->batch.len > 0;
}

/* All of it is multicast: 224.0.0.0/4, ff00::/8. */
static bool names_groups(const struct prefix *p)
{
	if (p->addr.family == ADDR_V6)
		return p->len >= 8 && p->addr.b[0] == 0xff;
	return p->len >= 4 && (p->addr.b[0] & 0xf0) == 0xe0;
}

static void withdraw_routes(const struct conn *c, struct wire_nlri nlri)
{
	const struct bgp_speaker *s = c->peer->speaker;

	if (gather_routes(c, nlri))
		rib_withdraw(c->peer, s->batch.at, s->batch.len);
}

/* RFC 4271 section 6.3: a prefix that says what no unicast route can mean is ignored, its neighbours are not. */
static void drop_group_prefixes(struct conn *c)
{
	struct bgp_speaker *s = c->peer->speaker;
	size_t kept = 0;

	for (size_t i = 0; i < s->batch.len; i++)
		if (!names_groups(&s->batch.at[i].prefix))
			s->batch.at[kept++] = s->batch.at[i];
	if (kept < s->batch.len)
		notice_error(c->peer, c, "%zu multicast prefixes are ignored (RFC 4271 section 6.3)",
			     s->batch.len - kept);
	s->batch.len = kept;
}

/* A route that can't be used takes the place of the one before it all the same. */
static void announce_routes(struct conn *c, struct wire_nlri nlri, const struct attrs *attrs)
{
	const struct bgp_speaker *s = c->peer->speaker;

	if (attrs == NULL) {
		withdraw_routes(c, nlri);
		return;
	}
	if (!gather_routes(c, nlri))
		return;
	drop_group_prefixes(c);
	if (!rib_announce(c->peer, attrs, s->batch.at, s->batch.len))
		c->over_limit = true;
}

static uint32_t leftmost_as(struct wire_in path, bool as4)
{
	struct wire_path_segment segment;

	if (!wire_path_next(&path, as4, &segment) || segment.type != WIRE_AS_SEQUENCE)
		return 0;
	return wire_path_as(&segment);
}

/* A route server is not in the path of what it passes on (RFC 7947 section 2.2.2). */
static bool leads_path(const struct conn *c)
{
	return conn_external(c) && c->peer->conf.role != BGP_ROLE_RS_CLIENT;
}

static bool in_cluster(const struct wire_attrs *a, uint32_t id)
{
	struct wire_in list = a->cluster_list;

	while (wire_left(&list) >= 4)
		if (wire_u32(&list) == id)
			return true;
	return false;
}

/* Why the routes of an UPDATE can't be used, or NULL. */
static const char *unusable(const struct conn *c, const struct wire_attrs *a)
{
	const struct bgp_peer_conf *own = &c->peer->conf;

	/* RFC 4271 section 9.1.2 */
	if (wire_path_contains(a->as_path, a->as4, own->local_as) ||
	    wire_path_contains(a->as4_path, true, own->local_as))
		return "our own AS is in the AS_PATH (RFC 4271 section 9.1.2)";
	if (leads_path(c) && leftmost_as(a->as_path, a->as4) != own->remote_as &&
	    (a->as4 || own->remote_as <= UINT16_MAX))
		return "the AS_PATH does not begin with the peer's AS (RFC 7606 section 7.2)";
	if (!conn_external(c) && wire_attr_has(a, WIRE_ATTR_ORIGINATOR_ID) && a->originator_id == own->router_id)
		return "it came back to its originator (RFC 4456 section 8)";
	/* A reflector's cluster is named by its identifier unless it is told otherwise. */
	if (!conn_external(c) && wire_attr_has(a, WIRE_ATTR_CLUSTER_LIST) && in_cluster(a, own->router_id))
		return "our own identifier is in the CLUSTER_LIST (RFC 4456 section 8)";
	return NULL;
}

/* RFC 4271 section 6.3: what is no host's address, or is one of ours, is no next hop. */
static bool next_hop_usable(const struct conn *c, const struct addr *next_hop)
{
	static const uint8_t zero[16];
	const uint8_t *b = next_hop->b;

	if (next_hop->family == ADDR_V4 && (b[0] == 0 || b[0] >= 224))
		return false;
	if (next_hop->family == ADDR_V6 && (b[0] == 0xff || memcmp(b, zero, sizeof(zero)) == 0))
		return false;
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

/* A list of MP_REACH_NLRI or MP_UNREACH_NLRI is of a family beyond unicast that both ends do. */
static bool is_other(const struct conn *c, const struct wire_nlri *nlri, enum family *ret)
{
	return c->others != 0 && nlri->afi != 0 && family_find(c->peer->speaker, nlri->afi, nlri->safi, ret) &&
	       ((c->others & ~c->disabled) >> *ret & 1) != 0;
}

static void process_other(struct conn *c, enum family f, const struct wire_update *u, bool usable)
{
	struct attrs *attrs = usable ? attrs_from_other(c, u) : NULL;

	others_announce(c, f, u->mp_nlri, attrs);
	attrs_release(c->peer->speaker, attrs);
}

static void process_update(struct conn *c, const struct wire_update *u, bool withdraw_all)
{
	bool usable = !withdraw_all;
	/* Routes of families that nobody asked for pass by unseen, whatever is wrong with them. */
	bool classic = wire_more(&u->nlri.bytes) && unicast_agreed(c, u->nlri.afi, u->nlri.safi);
	bool mp = wire_more(&u->mp_nlri.bytes) && unicast_agreed(c, u->mp_nlri.afi, u->mp_nlri.safi);
	enum family f, withdrawn;
	bool other = is_other(c, &u->mp_nlri, &f);
	const char *why = usable && (classic || mp || other) ? unusable(c, &u->attrs) : NULL;
	struct attrs *attrs;

	if (why != NULL) {
		notice_error(c->peer, c, "its routes are taken as withdrawn: %s", why);
		usable = false;
	}
	withdraw_routes(c, u->withdrawn);
	withdraw_routes(c, u->mp_withdrawn);
	if (is_other(c, &u->mp_withdrawn, &withdrawn))
		others_withdraw(c, withdrawn, u->mp_withdrawn);
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
	if (other)
		process_other(c, f, u, usable);
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
	enum family f;
	/* Without RFC 7313 the octet is reserved, and nobody looks at it (RFC 2918 section 3). */
	uint8_t subtype = c->enhanced_refresh ? refresh->subtype : REFRESH_REQUEST;

	if (!family_find(c->peer->speaker, refresh->afi, refresh->safi, &f) || !family_agreed(c, f))
		return;
	/* Before our own End-of-RIB everything is still to come (RFC 7313 section 4.1). */
	if (subtype == REFRESH_REQUEST && !c->peer->speaker->deferring)
		export_refresh(c->peer, f);
	else if (subtype == REFRESH_BEGIN)
		refresh_begins(c, f);
	else if (subtype == REFRESH_END)
		refresh_ends(c, f);
}

void routes_process(struct conn *c, const struct fsm_input *in)
{
	if (in->update != NULL)
		process_update(c, in->update, in->withdraw_all);
	else if (in->refresh != NULL)
		process_refresh(c, in->refresh);
}
