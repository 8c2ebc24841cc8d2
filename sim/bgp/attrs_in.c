/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From an UPDATE's attributes to a set of our own: the same meaning has the same bytes, whatever the peer's dialect. */
#include "bgp_int.h"

static void put_bytes(struct bgp_speaker *s, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < n; i++)
		VEC_PUSH(&s->bytes, p[i]);
}

static void put_segment(struct bgp_speaker *s, struct wire_path_segment segment, size_t count)
{
	uint8_t head[] = {segment.type, (uint8_t)count};

	put_bytes(s, head, sizeof(head));
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

static void gather_communities(struct bgp_speaker *s, struct wire_in communities)
{
	VEC_CLEAR(&s->words);
	while (wire_left(&communities) >= 4)
		VEC_PUSH(&s->words, wire_u32(&communities));
}

/* What becomes of an attribute that has no field of its own: known ones travel as they are, unknown transitive ones with
 * the Partial bit, unknown others not at all (RFC 4271 section 5). */
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

static void gather_extra(struct bgp_speaker *s, const struct wire_update *u)
{
	struct wire_in raw = u->attrs_raw;
	bool seen[256] = {false};

	VEC_CLEAR(&s->extra);
	while (wire_more(&raw)) {
		const uint8_t *start = raw.at;
		uint8_t flags = wire_u8(&raw), code = wire_u8(&raw);
		size_t len = (flags & WIRE_FLAG_EXTENDED) != 0 ? wire_u16(&raw) : wire_u8(&raw);

		wire_skip(&raw, len);
		if (raw.bad || seen[code])
			continue;
		seen[code] = true;
		if (!passes(&u->attrs, code, &flags))
			continue;
		VEC_PUSH(&s->extra, flags);
		for (const uint8_t *p = start + 1; p < raw.at; p++)
			VEC_PUSH(&s->extra, *p);
	}
}

static void fill_key(struct attrs_key *k, const struct wire_attrs *a, bool external)
{
	k->origin = a->origin;
	k->med_present = wire_attr_has(a, WIRE_ATTR_MED);
	k->med = k->med_present ? a->med : 0;
	/* RFC 7606 sections 7.5 and 7.9: from an external peer these are not looked at. */
	k->local_pref_present = !external && wire_attr_has(a, WIRE_ATTR_LOCAL_PREF);
	k->local_pref = k->local_pref_present ? a->local_pref : 0;
	k->originator_present = !external && wire_attr_has(a, WIRE_ATTR_ORIGINATOR_ID);
	k->originator_id = k->originator_present ? a->originator_id : 0;
	if (wire_attr_has(a, WIRE_ATTR_AGGREGATOR)) {
		k->aggregator = a->aggregator;
		k->aggregator_as = a->aggregator_as;
	}
}

struct attrs *attrs_from_update(struct bgp_speaker *s, const struct wire_update *u, const struct addr *next_hop,
				bool external)
{
	struct attrs_spec spec;

	memset(&spec, 0, sizeof(spec));
	fill_key(&spec.key, &u->attrs, external);
	spec.key.next_hop = *next_hop;
	gather_path(s, &u->attrs);
	gather_communities(s, wire_attr_has(&u->attrs, WIRE_ATTR_COMMUNITIES) ? u->attrs.communities
									      : (struct wire_in){0});
	gather_extra(s, u);
	spec.key.path_len = (uint32_t)s->bytes.len;
	spec.key.community_count = (uint32_t)s->words.len;
	spec.key.extra_len = (uint32_t)s->extra.len;
	spec.path = s->bytes.at;
	spec.communities = s->words.at;
	spec.extra = s->extra.at;
	return attrs_intern(&s->attrs, s->hash_seed, &spec);
}
