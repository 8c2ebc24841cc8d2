/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From an UPDATE's attributes to a set of our own: the same meaning has the same bytes, whatever the peer's dialect. */
#include "bgp_int.h"

#include <stdlib.h>

#define LARGE_COMMUNITY_LEN ((size_t)12)
#define OTC_FLAGS (WIRE_FLAG_OPTIONAL | WIRE_FLAG_TRANSITIVE)

static void put_bytes(struct bgp_speaker *s, const void *bytes, size_t n)
{
	octets_put(&s->bytes, bytes, n);
}

static void put_segment(struct bgp_speaker *s, struct wire_path_segment segment, size_t count)
{
	uint8_t head[] = {segment.type, (uint8_t)count};

	put_bytes(s, head, sizeof(head));
	if (segment.as4) {
		put_bytes(s, segment.ases.at, count * 4);
		return;
	}
	while (count-- > 0) {
		uint32_t as = wire_path_as(&segment);
		uint8_t octets[] = {(uint8_t)(as >> 24), (uint8_t)(as >> 16), (uint8_t)(as >> 8), (uint8_t)as};

		put_bytes(s, octets, sizeof(octets));
	}
}

/* AS4_PATH without the confederation's segments, which may not stand in it (RFC 6793 section 6). */
static void put_as4_path(struct bgp_speaker *s, struct wire_in path)
{
	struct wire_path_segment segment;

	while (wire_path_next(&path, true, &segment))
		if (segment.type == WIRE_AS_SEQUENCE || segment.type == WIRE_AS_SET)
			put_segment(s, segment, wire_left(&segment.ases) / 4);
}

/* The leading part of a path that makes so many hops, with four-octet ASes. */
static void put_path(struct bgp_speaker *s, struct wire_in path, bool as4, size_t hops)
{
	struct wire_path_segment segment;

	while (hops > 0 && wire_path_next(&path, as4, &segment)) {
		size_t count = wire_left(&segment.ases) / (as4 ? 4 : 2);
		size_t length = segment.type == WIRE_AS_SEQUENCE ? count : segment.type == WIRE_AS_SET;

		if (segment.type == WIRE_AS_SEQUENCE && count > hops)
			count = length = hops;
		put_segment(s, segment, count);
		hops -= length < hops ? length : hops;
	}
}

/* RFC 6793 section 4.2.3: what AS4_PATH does not cover leads, out of AS_PATH. */
static void gather_path(struct bgp_speaker *s, const struct wire_attrs *a)
{
	size_t hops = wire_path_length(a->as_path, a->as4), covered = wire_path_length(a->as4_path, true);

	VEC_CLEAR(&s->bytes);
	if (a->as4 || !wire_attr_has(a, WIRE_ATTR_AS4_PATH) || covered > hops) {
		put_path(s, a->as_path, a->as4, SIZE_MAX);
		return;
	}
	put_path(s, a->as_path, false, hops - covered);
	put_as4_path(s, a->as4_path);
}

static void gather_communities(struct bgp_speaker *s, const struct wire_attrs *a)
{
	struct wire_in communities = a->communities;

	VEC_CLEAR(&s->words);
	if (!wire_attr_has(a, WIRE_ATTR_COMMUNITIES))
		return;
	while (wire_left(&communities) >= 4)
		VEC_PUSH(&s->words, wire_u32(&communities));
}

/* ---- What has no field of its own ---- */

/* Known ones travel as they are, unknown transitive ones with the Partial bit, unknown others not at all (RFC 4271
 * section 5). */
static bool passes(const struct wire_attrs *a, uint8_t code, uint8_t *flags)
{
	switch (code) {
	case WIRE_ATTR_ATOMIC_AGGREGATE:
	case WIRE_ATTR_EXT_COMMUNITIES:
	case WIRE_ATTR_IPV6_EXT_COMMUNITIES:
	case WIRE_ATTR_LARGE_COMMUNITIES:
	case WIRE_ATTR_OTC:
		return wire_attr_has(a, (enum wire_attr)code);
	default:
		break;
	}
	if (wire_attr_name(code) != NULL || (*flags & WIRE_FLAG_OPTIONAL) == 0 || (*flags & WIRE_FLAG_TRANSITIVE) == 0)
		return false;
	*flags |= WIRE_FLAG_PARTIAL;
	return true;
}

/* AGGREGATOR comes first, in its wide form whatever the peer's (RFC 6793 section 4.2.3). */
static void gather_aggregator(struct bgp_speaker *s, const struct wire_attrs *a)
{
	uint8_t bytes[11];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));

	if (!wire_attr_has(a, WIRE_ATTR_AGGREGATOR))
		return;
	wire_put8(&out, WIRE_FLAG_OPTIONAL | WIRE_FLAG_TRANSITIVE);
	wire_put8(&out, WIRE_ATTR_AGGREGATOR);
	wire_put8(&out, 8);
	wire_put32(&out, a->aggregator_as);
	wire_put(&out, a->aggregator.b, 4);
	octets_put(&s->extra, bytes, out.len);
}

static int by_octets(const void *a, const void *b)
{
	return memcmp(a, b, LARGE_COMMUNITY_LEN);
}

/* A large community that is said twice counts once (RFC 8092 section 3); only then their order is another. */
static void put_large_communities(struct bgp_speaker *s, uint8_t flags, struct wire_in value)
{
	size_t n = wire_left(&value) / LARGE_COMMUNITY_LEN, kept = 0, len;
	uint8_t *all = memory_new(n * LARGE_COMMUNITY_LEN);
	uint8_t head[] = {flags, WIRE_ATTR_LARGE_COMMUNITIES, 0, 0};
	bool wide = (flags & WIRE_FLAG_EXTENDED) != 0;

	memcpy(all, value.at, n * LARGE_COMMUNITY_LEN);
	qsort(all, n, LARGE_COMMUNITY_LEN, by_octets);
	for (size_t i = 0; i < n; i++) {
		const uint8_t *one = all + i * LARGE_COMMUNITY_LEN;

		if (i == 0 || by_octets(all + (kept - 1) * LARGE_COMMUNITY_LEN, one) != 0)
			memmove(all + kept++ * LARGE_COMMUNITY_LEN, one, LARGE_COMMUNITY_LEN);
	}
	len = kept * LARGE_COMMUNITY_LEN;
	head[2] = (uint8_t)(wide ? len >> 8 : len);
	head[3] = (uint8_t)len;
	octets_put(&s->extra, head, wide ? 4 : 3);
	octets_put(&s->extra, kept < n ? all : value.at, len);
	free(all);
}

/* As senders write them: nobody is said twice, and the hot path neither sorts nor allocates. */
static bool ascends(struct wire_in value)
{
	for (; wire_left(&value) >= 2 * LARGE_COMMUNITY_LEN; value.at += LARGE_COMMUNITY_LEN) {
		if (by_octets(value.at, value.at + LARGE_COMMUNITY_LEN) >= 0)
			return false;
	}
	return true;
}

static void put_extra(struct bgp_speaker *s, uint8_t flags, const uint8_t *attr, const struct wire_in *value)
{
	if (attr[1] == WIRE_ATTR_LARGE_COMMUNITIES && !ascends(*value)) {
		put_large_communities(s, flags, *value);
		return;
	}
	VEC_PUSH(&s->extra, flags);
	octets_put(&s->extra, attr + 1, (size_t)(value->end - attr) - 1);
}

static void gather_extra(struct bgp_speaker *s, const struct wire_update *u)
{
	struct wire_in raw = u->attrs_raw;
	uint64_t seen[4] = {0};

	VEC_CLEAR(&s->extra);
	gather_aggregator(s, &u->attrs);
	while (wire_more(&raw)) {
		const uint8_t *start = raw.at;
		uint8_t flags = wire_u8(&raw), code = wire_u8(&raw);
		size_t len = (flags & WIRE_FLAG_EXTENDED) != 0 ? wire_u16(&raw) : wire_u8(&raw);
		struct wire_in value = wire_sub(&raw, len);

		if (raw.bad || (seen[code / 64] >> code % 64 & 1) != 0)
			continue;
		seen[code / 64] |= UINT64_C(1) << code % 64;
		if (!passes(&u->attrs, code, &flags))
			continue;
		put_extra(s, flags, start, &value);
	}
}

/* ---- Roles (RFC 9234 section 5): of unicast alone ---- */

/* Why the peer leaks the route to us, or NULL. */
static const char *leaked(const struct conn *c, const struct wire_attrs *a)
{
	enum bgp_role own = c->peer->conf.role;

	if (!conn_external(c) || !wire_attr_has(a, WIRE_ATTR_OTC))
		return NULL;
	if (own == BGP_ROLE_PROVIDER || own == BGP_ROLE_RS)
		return "a customer leaks it: it has ONLY_TO_CUSTOMER (RFC 9234 section 5)";
	if (own == BGP_ROLE_PEER && a->otc != c->peer->conf.remote_as)
		return "a peer leaks it: its ONLY_TO_CUSTOMER is another AS's (RFC 9234 section 5)";
	return NULL;
}

/* A route from a provider, a peer or a route server goes to customers only, whatever its sender knows of that. */
static void mark_only_to_customer(struct conn *c, const struct wire_attrs *a)
{
	enum bgp_role own = c->peer->conf.role;
	uint32_t as = c->peer->conf.remote_as;
	uint8_t otc[] = {OTC_FLAGS,	      WIRE_ATTR_OTC,	  4,	      (uint8_t)(as >> 24),
			 (uint8_t)(as >> 16), (uint8_t)(as >> 8), (uint8_t)as};

	if (!conn_external(c) || wire_attr_has(a, WIRE_ATTR_OTC))
		return;
	if (own == BGP_ROLE_CUSTOMER || own == BGP_ROLE_PEER || own == BGP_ROLE_RS_CLIENT)
		octets_put(&c->peer->speaker->extra, otc, sizeof(otc));
}

/* ---- The set ---- */

#define BANDWIDTH_MAX 1e15F

/* Octets a second of the first Link Bandwidth community, transitive or not (draft-ietf-idr-link-bandwidth section 3);
 * what is no number, or none that a link can have, is none. */
static float bandwidth(const struct wire_attrs *a)
{
	struct wire_in all = a->ext_communities;

	while (wire_attr_has(a, WIRE_ATTR_EXT_COMMUNITIES) && wire_left(&all) >= 8) {
		uint8_t type = wire_u8(&all), subtype = wire_u8(&all);
		uint32_t bits;
		float octets;

		wire_skip(&all, 2);
		bits = wire_u32(&all);
		memcpy(&octets, &bits, sizeof(octets));
		if ((type & 0xbf) == 0 && subtype == 4)
			return octets >= 1 && octets < BANDWIDTH_MAX ? octets : 0;
	}
	return 0;
}

static void fill_key(struct attrs_key *k, const struct conn *c, const struct wire_attrs *a)
{
	bool external = conn_external(c);

	k->origin = a->origin;
	k->med_present = wire_attr_has(a, WIRE_ATTR_MED);
	k->med = k->med_present ? a->med : 0;
	/* RFC 7606 sections 7.5 and 7.9: from an external peer these are not looked at. */
	k->local_pref_present = !external && wire_attr_has(a, WIRE_ATTR_LOCAL_PREF);
	k->local_pref = k->local_pref_present ? a->local_pref : 0;
	k->originator_present = !external && wire_attr_has(a, WIRE_ATTR_ORIGINATOR_ID);
	k->originator_id = k->originator_present ? a->originator_id : 0;
	if (!external && wire_attr_has(a, WIRE_ATTR_CLUSTER_LIST))
		k->clusters = (uint16_t)(wire_left(&a->cluster_list) / 4);
	k->bandwidth = bandwidth(a);
}

/* RFC 8326 section 4: what its sender is about to withdraw is the last choice, from outside and, by LOCAL_PREF, inside. */
static void heed_graceful_shutdown(const struct conn *c, struct attrs_spec *spec)
{
	for (size_t i = 0; conn_external(c) && i < spec->key.community_count; i++) {
		if (spec->communities[i] == GRACEFUL_SHUTDOWN) {
			spec->key.local_pref_present = true;
			spec->key.local_pref = 0;
		}
	}
}

static struct attrs *from_update(struct conn *c, const struct wire_update *u, struct attrs_spec *spec, bool unicast)
{
	struct bgp_speaker *s = c->peer->speaker;

	fill_key(&spec->key, c, &u->attrs);
	gather_path(s, &u->attrs);
	gather_communities(s, &u->attrs);
	gather_extra(s, u);
	if (unicast)
		mark_only_to_customer(c, &u->attrs);
	spec->key.path_len = (uint32_t)s->bytes.len;
	spec->key.community_count = (uint32_t)s->words.len;
	spec->key.extra_len = (uint32_t)s->extra.len;
	spec->path = s->bytes.at;
	spec->communities = s->words.at;
	spec->extra = s->extra.at;
	heed_graceful_shutdown(c, spec);
	return attrs_intern(s, spec);
}

struct attrs *attrs_from_update(struct conn *c, const struct wire_update *u, const struct addr *next_hop,
				const char **ret_why)
{
	struct attrs_spec spec;

	memset(&spec, 0, sizeof(spec));
	spec.key.next_hop = *next_hop;
	*ret_why = leaked(c, &u->attrs);
	return *ret_why == NULL ? from_update(c, u, &spec, true) : NULL;
}

struct attrs *attrs_from_other(struct conn *c, const struct wire_update *u)
{
	struct attrs_spec spec;

	memset(&spec, 0, sizeof(spec));
	spec.hop = u->attrs.mp_hop.at;
	spec.key.hop_len = (uint8_t)wire_left(&u->attrs.mp_hop);
	return from_update(c, u, &spec, false);
}
