/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "further.h"

#include <string.h>

static const struct bgp_family families[FURTHER_FAMILIES] = {{1, 128}, {25, 70}};
#define VPN 0U
#define FIRST_OCTET 240 /* of the prefixes; one more for the second family */
#define NO_EXPORT 0xffffff01U

/* What N says of a telling. */
#define TELLS_FAMILY(n) ((n)&1U)
#define TELLS_ROUTE(n) ((n) >> 1 & 3U)
#define TELLS_GONE(n) (((n)&8U) != 0)
#define TELLS_NO_EXPORT(n) (((n)&16U) != 0)
#define TELLS_LABEL(n) (((n)&32U) != 0 ? LABEL_B : LABEL_A)
#define LABEL_A 0x101U /* with the bit that ends the stack */
#define LABEL_B 0x201U

/* ---- Sessions ---- */

bool further_session(const struct world *w, const struct plan_session *s)
{
	return (s->options & OPTION_FURTHER) != 0 && w->plan->nodes[s->a].profile == BGP_PROFILE_STANDARD &&
	       w->plan->nodes[s->b].profile == BGP_PROFILE_STANDARD;
}

void further_offer(const struct world *w, const struct plan_session *s, struct bgp_peer_conf *conf)
{
	if (further_session(w, s))
		memcpy(conf->other_families, families, sizeof(families));
}

/* ---- On the wire, by hand ---- */

struct octets {
	uint8_t at[256];
	size_t n;
};

static void put(struct octets *o, size_t width, uint64_t value)
{
	for (size_t i = width; i > 0; i--)
		o->at[o->n++] = (uint8_t)(value >> 8 * (i - 1));
}

/* RFC 4364 section 4.3.4, with a label of RFC 8277; RFC 7432 section 7.3. */
static void put_nlri(struct octets *o, unsigned int family, unsigned int from, unsigned int to, unsigned int n)
{
	if (family == VPN) {
		put(o, 1, 24 + 64 + 24);
		put(o, 3, TELLS_GONE(n) ? 0x800000 : TELLS_LABEL(n));
	} else {
		put(o, 2, 3 << 8 | 17);
	}
	put(o, 2, 0);
	put(o, 2, from + 1);
	put(o, 4, to + 1);
	if (family == VPN) {
		put(o, 3, 0x646400 | TELLS_ROUTE(n));
	} else {
		put(o, 4, 0);
		put(o, 1, 32);
		put(o, 4, 0x64646400 | TELLS_ROUTE(n));
	}
}

static void put_mp(struct octets *o, const struct player *p, unsigned int to, unsigned int n)
{
	unsigned int family = TELLS_FAMILY(n), gone = TELLS_GONE(n);
	size_t start;

	put(o, 2, gone ? 0x800f : 0x800e);
	start = ++o->n;
	put(o, 2, families[family].afi);
	put(o, 1, families[family].safi);
	if (!gone) {
		put(o, 1, family == VPN ? 12 : 4);
		put(o, family == VPN ? 8 : 0, 0);
		put(o, 4, 0x0a000001U + p->index);
		put(o, 1, 0);
	}
	put_nlri(o, family, p->index, to, n);
	o->at[start - 1] = (uint8_t)(o->n - start);
}

static void put_attributes(struct octets *o, uint32_t as, bool external, bool as4, unsigned int n)
{
	unsigned int width = as4 ? 4 : 2;

	put(o, 4, 0x40010100); /* ORIGIN IGP */
	put(o, 3, 0x400200 | (external ? 2 + width : 0));
	if (external) {
		put(o, 2, WIRE_AS_SEQUENCE << 8 | 1);
		put(o, width, as);
	} else {
		put(o, 3, 0x400504); /* LOCAL_PREF */
		put(o, 4, 100);
	}
	if (TELLS_NO_EXPORT(n)) {
		put(o, 3, 0xc00804);
		put(o, 4, NO_EXPORT);
	}
}

void further_tell(struct player *p, bgp_peer_id peer, unsigned int to, unsigned int n)
{
	const struct plan *plan = p->world->plan;
	struct bgp_peer_info info = bgp_peer_info(p->engine, peer);
	uint32_t as = plan->nodes[p->index].as;
	struct octets o = {.n = WIRE_HEADER_LEN + 4};
	size_t attributes;

	if (bgp_peer_state(p->engine, peer) != BGP_ESTABLISHED || info.other_families[1].afi == 0)
		return;
	put_mp(&o, p, to, n);
	if (!TELLS_GONE(n))
		put_attributes(&o, as, as != plan->nodes[to].as, info.as4, n);
	attributes = o.n - WIRE_HEADER_LEN - 4;
	memset(o.at, 0xff, 16);
	o.at[17] = (uint8_t)o.n;
	o.at[18] = WIRE_UPDATE;
	o.at[22] = (uint8_t)attributes;
	(void)bgp_send_raw(p->engine, peer, o.at, o.n, virtual_now(p->world->net));
}

/* ---- As rows ---- */

struct prefix further_prefix(unsigned int family, unsigned int from, unsigned int to, unsigned int route)
{
	struct addr a = addr_v4((FIRST_OCTET + family) << 24 | from << 16 | to << 8 | route);

	return prefix_make(&a, 32);
}

bool further_is(const struct row *r)
{
	return r->prefix.addr.family == ADDR_V4 && r->prefix.addr.b[0] >= FIRST_OCTET;
}

bool further_by_hand(const struct row *r, unsigned int from, unsigned int to)
{
	return further_is(r) && r->prefix.addr.b[1] == from && r->prefix.addr.b[2] == to;
}

void further_row(const struct bgp_adj_route *route, struct row *r)
{
	struct wire_in nlri = route->nlri, hop = route->hop;
	unsigned int family = route->afi == families[VPN].afi ? VPN : 1, label = 0, from, to;

	if (route->safi == WIRE_SAFI_UNICAST)
		return;
	wire_skip(&nlri, family == VPN ? 1 : 2);
	if (family == VPN)
		label = (unsigned int)wire_u16(&nlri) << 8 | wire_u8(&nlri);
	wire_skip(&nlri, 2);
	from = wire_u16(&nlri) - 1U;
	to = wire_u32(&nlri) - 1U;
	wire_skip(&nlri, family == VPN ? 2 : 8);
	r->prefix = further_prefix(family, from, to, wire_u8(&nlri));
	wire_skip(&hop, family == VPN ? 8 : 0);
	r->next_hop = addr_v4(wire_u32(&hop));
	r->extra += label;
	r->odd |= family == VPN && label != LABEL_A && label != LABEL_B;
	r->odd |= nlri.bad || hop.bad || wire_more(&nlri) || wire_more(&hop) || from >= NODES_MAX || to >= NODES_MAX;
}
