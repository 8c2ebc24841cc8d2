/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Capabilities (RFC 5492): what we offer a peer, in which order, and what both ends then hold to. */
#include "bgp_int.h"

#define DEFAULT_RESTART_S 120
#define GR_RESTARTING 0x8   /* RFC 4724 section 3 */
#define GR_NOTIFICATION 0x4 /* RFC 8538 section 2 */
#define FORWARDING 0x80
#define CAP_HOSTNAME 73		  /* draft-walton-bgp-hostname-capability */
#define CAP_OLD_ROUTE_REFRESH 128 /* before RFC 2918 */

static struct wire_family of_wire(const struct conn *c, enum family f, uint8_t flags)
{
	return family_wire(c->peer->speaker, f, flags);
}

static bool has_family(const struct wire_family *families, size_t n, struct wire_family want)
{
	for (size_t i = 0; i < n; i++)
		if (families[i].afi == want.afi && families[i].safi == want.safi)
			return true;
	return false;
}

/* ---- What we offer ---- */

static void own_families(const struct conn *c, struct wire_caps *ret)
{
	const struct peer *p = c->peer;
	bool v6 = p->conf.remote.family == ADDR_V6;

	if (!p->quirks->own_family_only || p->conf.both_families || !v6)
		ret->mp[ret->mp_count++] = of_wire(c, FAMILY_V4, 0);
	if (!p->quirks->own_family_only || p->conf.both_families || v6)
		ret->mp[ret->mp_count++] = of_wire(c, FAMILY_V6, 0);
	for (enum family f = FAMILY_OTHER; p->quirks->full_capabilities && f < p->speaker->family_end; f++)
		if ((p->others >> f & 1) != 0)
			ret->mp[ret->mp_count++] = of_wire(c, f, 0);
}

/* FRR offers itself as a helper: a time, and long-lived restarts of 0 s, but no family. */
static void frr_helper(const struct conn *c, struct wire_caps *ret)
{
	if (!c->peer->quirks->frr_open)
		return;
	ret->gr_time_s = DEFAULT_RESTART_S;
	ret->gr_flags = (uint8_t)((c->peer->speaker->deferring ? GR_RESTARTING : 0) | GR_NOTIFICATION);
	for (size_t i = 0; i < ret->mp_count; i++)
		ret->long_lived[i] =
			(struct wire_long_lived){.afi = ret->mp[i].afi, .safi = ret->mp[i].safi, .flags = FORWARDING};
	ret->long_lived_count = ret->mp_count;
}

/* Without a word in the configuration the restart time is 0 and no family named: End-of-RIB is understood and sent,
 * nothing is preserved (RFC 4724 section 3). */
static void own_restart(const struct conn *c, struct wire_caps *ret)
{
	const struct peer *p = c->peer;
	const struct bgp_restart_conf *conf = &p->conf.restart;
	uint8_t flags = conf->forwarding ? FORWARDING : 0;

	ret->gr_present = true;
	if (!conf->on) {
		frr_helper(c, ret);
		return;
	}
	ret->gr_time_s = conf->time_s > 0 ? conf->time_s : DEFAULT_RESTART_S;
	/* FRR has RFC 8538 unless told not to. */
	ret->gr_flags = (uint8_t)((p->speaker->deferring ? GR_RESTARTING : 0) |
				  (conf->notification || p->quirks->frr_open ? GR_NOTIFICATION : 0));
	for (size_t i = 0; i < ret->mp_count; i++) {
		ret->gr[i] = ret->mp[i];
		ret->gr[i].flags = flags;
		ret->long_lived[i] = (struct wire_long_lived){
			.afi = ret->mp[i].afi, .safi = ret->mp[i].safi, .flags = flags, .stale_s = conf->long_lived_s};
	}
	ret->gr_count = ret->mp_count;
	ret->long_lived_count = conf->long_lived_s > 0 || c->peer->quirks->frr_open ? ret->mp_count : 0;
}

static void own_add_path(const struct conn *c, struct wire_caps *ret)
{
	const struct bgp_peer_conf *conf = &c->peer->conf;

	/* FRR takes several paths unless told not to. */
	unsigned int least = c->peer->quirks->frr_open ? BGP_ADD_PATH_RECEIVE : BGP_ADD_PATH_NONE;
	const unsigned int modes[FAMILY_OTHER] = {conf->add_path_v4 | least, conf->add_path_v6 | least};

	for (enum family f = FAMILY_V4; f < FAMILY_OTHER; f++)
		if (modes[f] != BGP_ADD_PATH_NONE && has_family(ret->mp, ret->mp_count, of_wire(c, f, 0)))
			ret->add_path[ret->add_path_count++] = of_wire(c, f, (uint8_t)modes[f]);
}

static void leave_out(struct wire_caps *caps, uint8_t code)
{
	switch ((enum wire_cap_code)code) {
	case WIRE_CAP_MP:
		caps->mp_count = 0;
		break;
	case WIRE_CAP_ROUTE_REFRESH:
		caps->route_refresh = false;
		break;
	case WIRE_CAP_EXTENDED_NEXT_HOP:
		caps->extended_next_hop = false;
		break;
	case WIRE_CAP_EXTENDED_MESSAGE:
		caps->extended_message = false;
		break;
	case WIRE_CAP_ROLE:
		caps->role_present = false;
		break;
	case WIRE_CAP_GRACEFUL_RESTART:
		caps->gr_present = false;
		break;
	case WIRE_CAP_AS4:
		caps->as4_present = false;
		break;
	case WIRE_CAP_ADD_PATH:
		caps->add_path_count = 0;
		break;
	case WIRE_CAP_ENHANCED_REFRESH:
		caps->enhanced_refresh = false;
		break;
	case WIRE_CAP_LONG_LIVED:
		caps->long_lived_count = 0;
		break;
	}
}

void caps_own(const struct conn *c, struct wire_caps *ret)
{
	const struct bgp_peer_conf *conf = &c->peer->conf;

	*ret = (struct wire_caps){0};
	if (!c->peer->capable)
		return;
	own_families(c, ret);
	ret->as4_present = true;
	ret->as4 = c->peer->conf.local_as;
	if (c->peer->quirks->full_capabilities) {
		ret->route_refresh = ret->enhanced_refresh = ret->extended_message = true;
		ret->extended_next_hop = conf->extended_next_hop;
		ret->role_present = conf->role != BGP_ROLE_NONE && conn_external(c);
		ret->role = (uint8_t)(conf->role - BGP_ROLE_PROVIDER);
		own_restart(c, ret);
		own_add_path(c, ret);
	}
	for (size_t i = 0; i < conf->no_capabilities_count; i++)
		leave_out(ret, conf->no_capabilities[i]);
}

/* ---- As TLVs ---- */

static void put_mp(struct wire_out *out, const struct wire_caps *caps)
{
	for (size_t i = 0; i < caps->mp_count; i++)
		wire_cap_mp(out, caps->mp[i].afi, caps->mp[i].safi);
}

static void put_refresh(struct wire_out *out, const struct wire_caps *caps)
{
	if (caps->route_refresh)
		wire_cap_flag(out, WIRE_CAP_ROUTE_REFRESH);
}

static void put_extended_next_hop(struct wire_out *out, const struct wire_caps *caps)
{
	if (caps->extended_next_hop)
		wire_cap_extended_next_hop(out);
}

static void put_extended_message(struct wire_out *out, const struct wire_caps *caps)
{
	if (caps->extended_message)
		wire_cap_flag(out, WIRE_CAP_EXTENDED_MESSAGE);
}

static void put_role(struct wire_out *out, const struct wire_caps *caps)
{
	if (caps->role_present)
		wire_cap_role(out, caps->role);
}

static void put_restart(struct wire_out *out, const struct wire_caps *caps)
{
	if (caps->gr_present)
		wire_cap_graceful_restart(out, caps->gr_flags, caps->gr_time_s, caps->gr, caps->gr_count);
}

static void put_as4(struct wire_out *out, const struct wire_caps *caps)
{
	if (caps->as4_present)
		wire_cap_as4(out, caps->as4);
}

static void put_add_path(struct wire_out *out, const struct wire_caps *caps)
{
	if (caps->add_path_count > 0)
		wire_cap_add_path(out, caps->add_path, caps->add_path_count);
}

static void put_enhanced_refresh(struct wire_out *out, const struct wire_caps *caps)
{
	if (caps->enhanced_refresh)
		wire_cap_flag(out, WIRE_CAP_ENHANCED_REFRESH);
}

static void put_long_lived(struct wire_out *out, const struct wire_caps *caps)
{
	if (caps->gr_present && caps->long_lived_count > 0)
		wire_cap_long_lived(out, caps->long_lived, caps->long_lived_count);
}

typedef void put_fn(struct wire_out *out, const struct wire_caps *caps);

#define CAPABILITIES 10

/* Ascending by code; MetalLB's three (1, 1, 65) are a golden vector. FRR has an order of its own. */
static put_fn *const by_code[CAPABILITIES] = {
	put_mp,	     put_refresh, put_extended_next_hop, put_extended_message, put_role,
	put_restart, put_as4,	  put_add_path,		 put_enhanced_refresh, put_long_lived,
};
static put_fn *const as_frr[CAPABILITIES] = {
	put_mp,	  put_extended_next_hop, put_refresh, put_enhanced_refresh, put_as4, put_extended_message,
	put_role, put_add_path,		 put_restart, put_long_lived,
};

/* What FRR alone has, in front of what it stands in front of. */
static void put_frr_own(struct wire_out *out, const struct wire_caps *caps, put_fn *next, const char *hostname)
{
	if (next == put_refresh && caps->route_refresh) {
		wire_put8(out, CAP_OLD_ROUTE_REFRESH);
		wire_put8(out, 0);
	}
	if (next == put_restart && caps->gr_present && hostname != NULL) {
		size_t n = strlen(hostname);

		wire_put8(out, CAP_HOSTNAME);
		wire_put8(out, n + 2);
		wire_put8(out, n);
		wire_put(out, hostname, n);
		wire_put8(out, 0); /* no domain */
	}
}

void caps_put(const struct conn *c, struct wire_out *out)
{
	bool frr = c->peer->quirks->frr_open;
	put_fn *const *put = frr ? as_frr : by_code;
	struct wire_caps own;

	caps_own(c, &own);
	for (size_t i = 0; i < CAPABILITIES; i++) {
		if (frr)
			put_frr_own(out, &own, put[i], c->peer->speaker->conf.hostname);
		put[i](out, &own);
	}
	if (c->peer->capable)
		wire_put(out, c->peer->conf.extra_capabilities, c->peer->conf.extra_capabilities_len);
}

/* ---- What both hold to ---- */

/* RFC 4760 section 8: without the capability there is IPv4 unicast alone. */
static bool does(const struct conn *c, const struct wire_caps *caps, enum family f)
{
	return caps->mp_count > 0 ? has_family(caps->mp, caps->mp_count, of_wire(c, f, 0)) : f == FAMILY_V4;
}

/* RFC 7911 section 4: bits 1 and 2 of a family; other values are to be ignored. */
static uint8_t add_path_mode(const struct wire_caps *caps, enum family f)
{
	uint16_t afi = f == FAMILY_V6 ? WIRE_AFI_IPV6 : WIRE_AFI_IPV4;

	for (size_t i = 0; i < caps->add_path_count; i++)
		if (caps->add_path[i].afi == afi && caps->add_path[i].safi == WIRE_SAFI_UNICAST)
			return caps->add_path[i].flags <= BGP_ADD_PATH_BOTH ? caps->add_path[i].flags : 0;
	return 0;
}

static bool one_way(const struct wire_caps *from, const struct wire_caps *to, enum family f)
{
	return (add_path_mode(from, f) & BGP_ADD_PATH_SEND) != 0 && (add_path_mode(to, f) & BGP_ADD_PATH_RECEIVE) != 0;
}

static void agree_restart(struct conn *c, const struct wire_caps *own, const struct wire_caps *peers)
{
	struct restart_offer *r = &c->restart;

	*r = (struct restart_offer){0};
	if (!own->gr_present || !peers->gr_present || own->gr_count == 0)
		return;
	r->restarting = (peers->gr_flags & GR_RESTARTING) != 0;
	r->notification = (own->gr_flags & peers->gr_flags & GR_NOTIFICATION) != 0;
	r->time_s = peers->gr_time_s;
	for (size_t i = 0; i < peers->gr_count; i++)
		for (enum family f = FAMILY_V4; f < FAMILY_COUNT; f++)
			if (has_family(&peers->gr[i], 1, of_wire(c, f, 0)) &&
			    has_family(own->gr, own->gr_count, of_wire(c, f, 0))) {
				r->families |= 1U << f;
				r->forwarding |= (peers->gr[i].flags & FORWARDING) != 0 ? 1U << f : 0;
			}
	r->graceful = r->families != 0;
}

/* RFC 9494 section 4.1: nothing without graceful restart. */
static void agree_long_lived(struct conn *c, const struct wire_caps *own, const struct wire_caps *peers)
{
	struct restart_offer *r = &c->restart;

	r->knows_long_lived = peers->gr_present && peers->long_lived_count > 0;
	if (!own->gr_present || !r->knows_long_lived || own->long_lived_count == 0)
		return;
	for (size_t i = 0; i < peers->long_lived_count; i++) {
		const struct wire_long_lived *l = &peers->long_lived[i];
		enum family f;

		if (!family_find(c->peer->speaker, l->afi, l->safi, &f))
			continue;
		r->long_lived_families |= 1U << f;
		r->long_lived_forwarding |= (l->flags & FORWARDING) != 0 ? 1U << f : 0;
		r->long_lived_s[f] = l->stale_s;
	}
}

void caps_agree(struct conn *c, const struct wire_caps *peers)
{
	const struct quirks *quirks = c->peer->quirks;
	struct wire_caps own;

	caps_own(c, &own);
	c->wire = c->wire_out = (struct wire_session){.as4 = own.as4_present && peers->as4_present};
	/* RFC 8654 section 4: who offers it takes long messages, also of a peer that takes none itself. */
	c->wire.extended = own.extended_message;
	c->wire_out.extended = own.extended_message && peers->extended_message;
	c->wire.add_path_v4 = one_way(peers, &own, FAMILY_V4);
	c->wire.add_path_v6 = one_way(peers, &own, FAMILY_V6);
	c->wire_out.add_path_v4 = one_way(&own, peers, FAMILY_V4);
	c->wire_out.add_path_v6 = one_way(&own, peers, FAMILY_V6);
	c->refresh = peers->route_refresh;
	c->enhanced_refresh = own.enhanced_refresh && peers->enhanced_refresh;
	c->extended_next_hop = own.extended_next_hop && peers->extended_next_hop;
	/* MetalLB announces IPv4 whatever the peer offers. */
	c->ipv4 = quirks->ipv4_only || (does(c, &own, FAMILY_V4) && does(c, peers, FAMILY_V4));
	c->ipv6 = !quirks->ipv4_only && does(c, &own, FAMILY_V6) && does(c, peers, FAMILY_V6);
	c->others = c->disabled = 0;
	c->heard_keepalive = false;
	for (enum family f = FAMILY_OTHER; f < c->peer->speaker->family_end; f++)
		if (does(c, &own, f) && does(c, peers, f))
			c->others |= 1U << f;
	agree_restart(c, &own, peers);
	agree_long_lived(c, &own, peers);
}
