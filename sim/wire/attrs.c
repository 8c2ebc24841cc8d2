/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Path attributes: what each must look like, and what a bad one costs (RFC 7606 section 7). */
#include "wire_int.h"

#define WELL_KNOWN WIRE_FLAG_TRANSITIVE
#define OPTIONAL_NON_TRANSITIVE WIRE_FLAG_OPTIONAL
#define OPTIONAL_TRANSITIVE (WIRE_FLAG_OPTIONAL | WIRE_FLAG_TRANSITIVE)
#define AIGP_TLV_HEAD 3U
#define AIGP_METRIC 1U
#define AIGP_METRIC_LEN 11U

bool wire_raw_next(struct wire_in *attrs, struct wire_raw_attr *ret)
{
	const uint8_t *at = attrs->at;
	size_t left = wire_left(attrs), head, len;

	if (!wire_more(attrs))
		return false;
	head = (at[0] & WIRE_FLAG_EXTENDED) != 0 ? 4 : 3;
	len = left < head ? 0 : head == 4 ? (size_t)at[2] << 8 | at[3] : at[2];
	if (left < head + len) {
		attrs->bad = true;
		return false;
	}
	ret->flags = at[0];
	ret->code = at[1];
	wire_in_set(&ret->tlv, at, head + len);
	wire_in_set(&ret->value, at + head, len);
	attrs->at = at + head + len;
	return true;
}

static uint8_t read_origin(struct wire_in *value, const struct wire_session *session, struct wire_update *ret)
{
	(void)session;
	ret->attrs.origin = wire_u8(value);
	return ret->attrs.origin > WIRE_ORIGIN_INCOMPLETE ? WIRE_UPDATE_ORIGIN : 0;
}

static void write_origin(struct wire_out *out, const struct wire_session *session, const struct wire_update *update)
{
	(void)session;
	wire_put8(out, update->attrs.origin);
}

/* What only neighbours inside a confederation may send (RFC 5065 section 5). */
static bool has_confederation(struct wire_in path, bool as4)
{
	struct wire_path_segment s;

	while (wire_path_next(&path, as4, &s))
		if (s.type == WIRE_CONFED_SEQUENCE || s.type == WIRE_CONFED_SET)
			return true;
	return false;
}

static uint8_t check_as_path(struct wire_in *value, const struct wire_session *session, struct wire_update *ret)
{
	(void)ret;
	if (!wire_path_valid(*value, session->as4) || (session->ebgp && has_confederation(*value, session->as4)))
		return WIRE_UPDATE_AS_PATH;
	return 0;
}

static uint8_t check_as4_path(struct wire_in *value, const struct wire_session *session, struct wire_update *ret)
{
	(void)ret;
	(void)session;
	if (!wire_more(value) || !wire_path_valid(*value, true))
		return WIRE_UPDATE_OPTIONAL;
	return 0;
}

/* RFC 4271 section 6.3 wants a valid IP host address: not "this network", a group or the reserved class. */
static uint8_t read_next_hop(struct wire_in *value, const struct wire_session *session, struct wire_update *ret)
{
	uint32_t address = wire_u32(value);

	(void)session;
	if (address >> 24 == 0 || address >> 24 >= 224)
		return WIRE_UPDATE_NEXT_HOP;
	ret->attrs.classic_next_hop = addr_v4(address);
	return 0;
}

static void write_next_hop(struct wire_out *out, const struct wire_session *session, const struct wire_update *update)
{
	(void)session;
	wire_put32(out, addr_v4_value(&update->attrs.classic_next_hop));
}

static uint8_t read_atomic_aggregate(struct wire_in *value, const struct wire_session *session, struct wire_update *ret)
{
	(void)value;
	(void)session;
	ret->attrs.atomic_aggregate = true;
	return 0;
}

static void write_atomic_aggregate(struct wire_out *out, const struct wire_session *session,
				   const struct wire_update *update)
{
	(void)session;
	(void)out;
	(void)update;
}

static uint8_t read_aggregator(struct wire_in *value, const struct wire_session *session, struct wire_update *ret)
{
	uint32_t as;

	if (wire_left(value) != (session->as4 ? 8U : 6U))
		return WIRE_UPDATE_LENGTH;
	as = session->as4 ? wire_u32(value) : wire_u16(value);
	if (as == 0) /* RFC 7607 section 2 */
		return WIRE_UPDATE_OPTIONAL;
	ret->attrs.aggregator_as = as;
	ret->attrs.aggregator = addr_from_bytes(ADDR_V4, value->at);
	return 0;
}

static void write_aggregator(struct wire_out *out, const struct wire_session *session, const struct wire_update *update)
{
	uint32_t as = update->attrs.aggregator_as;

	if (session->as4)
		wire_put32(out, as);
	else
		wire_put16(out, wire_attr_has(&update->attrs, WIRE_ATTR_AS4_AGGREGATOR) ? WIRE_AS_TRANS : as);
	wire_put32(out, addr_v4_value(&update->attrs.aggregator));
}

/* Taken only beside an AGGREGATOR that says AS_TRANS, which comes first where attributes are in order; the order is
 * only recommended, so wire_update_decode settles it at the end (RFC 6793 section 4.2.3). */
static uint8_t read_as4_aggregator(struct wire_in *value, const struct wire_session *session, struct wire_update *ret)
{
	uint32_t as = wire_u32(value);

	(void)session;
	if (as == 0)
		return WIRE_UPDATE_OPTIONAL;
	ret->attrs.as4_aggregator_as = as;
	ret->attrs.as4_aggregator = addr_from_bytes(ADDR_V4, value->at);
	return 0;
}

static void write_as4_aggregator(struct wire_out *out, const struct wire_session *session,
				 const struct wire_update *update)
{
	(void)session;
	wire_put32(out, update->attrs.as4_aggregator_as);
	wire_put32(out, addr_v4_value(&update->attrs.as4_aggregator));
}

/* RFC 7311 section 3: TLVs whose length counts their three octets of type and length, too; the metric has eight more. None at all
 * is too few (RFC 7606 section 4). */
static uint8_t check_aigp(struct wire_in *value, const struct wire_session *session, struct wire_update *ret)
{
	(void)session;
	(void)ret;
	value->bad = !wire_more(value);
	while (wire_more(value)) {
		uint8_t type = wire_u8(value);
		uint16_t len = wire_u16(value);

		if (len < AIGP_TLV_HEAD || (type == AIGP_METRIC && len != AIGP_METRIC_LEN))
			return WIRE_UPDATE_OPTIONAL;
		wire_skip(value, len - AIGP_TLV_HEAD);
	}
	return value->bad ? WIRE_UPDATE_OPTIONAL : 0;
}

/* RFC 4760 section 3, RFC 2545 section 3 (a link-local address behind the global one), RFC 8950 section 3. GoBGP
 * sends IPv4 behind IPv6 though nobody agreed to it; its length says where the routes begin, so they are taken, as by FRR. */
static bool read_mp_next_hop(const struct wire_nlri *nlri, struct wire_in hop, struct addr *ret)
{
	size_t n = wire_left(&hop);

	if (!wire_family_read(nlri->afi, nlri->safi))
		return true;
	if (n == 4 && nlri->afi == WIRE_AFI_IPV4)
		*ret = addr_from_bytes(ADDR_V4, hop.at);
	else if (n == 16 || n == 32)
		*ret = addr_from_bytes(ADDR_V6, hop.at);
	else
		return false;
	return true;
}

static uint8_t read_mp_reach(struct wire_in *value, const struct wire_session *session, struct wire_update *ret)
{
	struct wire_nlri nlri = {.afi = wire_u16(value)};
	struct addr next_hop = {0};
	struct wire_in hop;

	nlri.safi = wire_u8(value);
	nlri.add_path = wire_family_add_path(session, nlri.afi, nlri.safi);
	hop = wire_sub(value, wire_u8(value));
	wire_skip(value, 1);
	nlri.bytes = *value;
	if (value->bad || !read_mp_next_hop(&nlri, hop, &next_hop) || !wire_nlri_valid(&nlri))
		return WIRE_UPDATE_OPTIONAL;
	ret->mp_nlri = nlri;
	ret->attrs.mp_next_hop = next_hop;
	ret->attrs.mp_hop = hop;
	return 0;
}

static void write_mp_reach(struct wire_out *out, const struct wire_session *session, const struct wire_update *update)
{
	const struct wire_attrs *a = &update->attrs;

	(void)session;
	wire_put16(out, update->mp_nlri.afi);
	wire_put8(out, update->mp_nlri.safi);
	wire_put8(out, wire_left(&a->mp_hop));
	wire_put(out, a->mp_hop.at, wire_left(&a->mp_hop));
	wire_put8(out, 0);
	wire_nlri_copy(out, update->mp_nlri);
}

static uint8_t read_mp_unreach(struct wire_in *value, const struct wire_session *session, struct wire_update *ret)
{
	struct wire_nlri nlri = {.afi = wire_u16(value)};

	nlri.safi = wire_u8(value);
	nlri.add_path = wire_family_add_path(session, nlri.afi, nlri.safi);
	nlri.bytes = *value;
	if (value->bad || !wire_nlri_valid(&nlri))
		return WIRE_UPDATE_OPTIONAL;
	ret->mp_withdrawn = nlri;
	return 0;
}

static void write_mp_unreach(struct wire_out *out, const struct wire_session *session, const struct wire_update *update)
{
	(void)session;
	wire_put16(out, update->mp_withdrawn.afi);
	wire_put8(out, update->mp_withdrawn.safi);
	wire_nlri_copy(out, update->mp_withdrawn);
}

/* The ASes of a set are as wide as its origin's session had them, of which nothing tells. */
static bool set_value_fits(const struct wire_attr_row *row, const struct wire_in *value)
{
	const struct wire_session wide = {.as4 = true}, narrow = {0};
	struct wire_in first = *value, second = *value;
	struct wire_update scratch = {0};

	return wire_attr_read(row, &first, &wide, &scratch) == 0 ||
	       wire_attr_read(row, &second, &narrow, &scratch) == 0;
}

/* RFC 6368 section 5: an AS, and attributes behind it that must be well-formed themselves; routes do not stand in it. A set within
 * the set is looked at no further. */
static uint8_t check_attr_set(struct wire_in *value, const struct wire_session *session, struct wire_update *ret)
{
	struct wire_raw_attr a;

	(void)session;
	(void)ret;
	wire_skip(value, 4);
	while (wire_raw_next(value, &a)) {
		const struct wire_attr_row *row = wire_attr_row(a.code);

		if (a.code == WIRE_ATTR_MP_REACH || a.code == WIRE_ATTR_MP_UNREACH)
			return WIRE_UPDATE_OPTIONAL;
		if (row->name == NULL || a.code == WIRE_ATTR_ATTR_SET)
			continue;
		if (!wire_attr_flags_fit(row, a.flags) || !set_value_fits(row, &a.value))
			return WIRE_UPDATE_OPTIONAL;
	}
	return value->bad ? WIRE_UPDATE_OPTIONAL : 0;
}

#define U32(field) .holds = WIRE_VALUE_U32, .at = offsetof(struct wire_attrs, field)
#define VIEW(field) .holds = WIRE_VALUE_VIEW, .at = offsetof(struct wire_attrs, field)
#define OWN(noun) .holds = WIRE_VALUE_OWN, .decode = read_##noun, .encode = write_##noun
#define CHECKED(noun) .decode = check_##noun
#define EXACTLY(n) .len_rule = WIRE_LEN_EXACT, .len = (n)
#define MULTIPLE_OF(n) .len_rule = WIRE_LEN_MULTIPLE, .len = (n)

/* The revised error handling of RFC 7606, a row an attribute: what it must look like, and what it costs when it does not. */
const struct wire_attr_row wire_attr_rows[WIRE_ATTR_CODES] = {
	[WIRE_ATTR_ORIGIN] = {"ORIGIN", WELL_KNOWN, WIRE_TREAT_AS_WITHDRAW, "RFC 7606 section 7.1", EXACTLY(1),
			      OWN(origin)},
	[WIRE_ATTR_AS_PATH] = {"AS_PATH", WELL_KNOWN, WIRE_TREAT_AS_WITHDRAW, "RFC 7606 section 7.2", VIEW(as_path),
			       CHECKED(as_path)},
	[WIRE_ATTR_NEXT_HOP] = {"NEXT_HOP", WELL_KNOWN, WIRE_TREAT_AS_WITHDRAW, "RFC 7606 section 7.3", EXACTLY(4),
				OWN(next_hop)},
	[WIRE_ATTR_MED] = {"MULTI_EXIT_DISC", OPTIONAL_NON_TRANSITIVE, WIRE_TREAT_AS_WITHDRAW, "RFC 7606 section 7.4",
			   EXACTLY(4), U32(med)},
	[WIRE_ATTR_LOCAL_PREF] = {"LOCAL_PREF", WELL_KNOWN, WIRE_TREAT_AS_WITHDRAW, "RFC 7606 section 7.5", EXACTLY(4),
				  U32(local_pref), .internal = true},
	[WIRE_ATTR_ATOMIC_AGGREGATE] = {"ATOMIC_AGGREGATE", WELL_KNOWN, WIRE_ATTRIBUTE_DISCARD, "RFC 7606 section 7.6",
					EXACTLY(0), OWN(atomic_aggregate)},
	[WIRE_ATTR_AGGREGATOR] = {"AGGREGATOR", OPTIONAL_TRANSITIVE, WIRE_ATTRIBUTE_DISCARD, "RFC 7606 section 7.7",
				  OWN(aggregator)},
	[WIRE_ATTR_COMMUNITIES] = {"COMMUNITIES", OPTIONAL_TRANSITIVE, WIRE_TREAT_AS_WITHDRAW, "RFC 7606 section 7.8",
				   MULTIPLE_OF(4), VIEW(communities)},
	[WIRE_ATTR_ORIGINATOR_ID] = {"ORIGINATOR_ID", OPTIONAL_NON_TRANSITIVE, WIRE_TREAT_AS_WITHDRAW,
				     "RFC 7606 section 7.9", EXACTLY(4), U32(originator_id), .internal = true},
	[WIRE_ATTR_CLUSTER_LIST] = {"CLUSTER_LIST", OPTIONAL_NON_TRANSITIVE, WIRE_TREAT_AS_WITHDRAW,
				    "RFC 7606 section 7.10", MULTIPLE_OF(4), VIEW(cluster_list), .internal = true},
	[WIRE_ATTR_MP_REACH] = {"MP_REACH_NLRI", OPTIONAL_NON_TRANSITIVE, WIRE_RESET, "RFC 7606 section 7.11",
				OWN(mp_reach)},
	[WIRE_ATTR_MP_UNREACH] = {"MP_UNREACH_NLRI", OPTIONAL_NON_TRANSITIVE, WIRE_RESET, "RFC 7606 section 7.12",
				  OWN(mp_unreach)},
	[WIRE_ATTR_EXT_COMMUNITIES] = {"EXTENDED COMMUNITIES", OPTIONAL_TRANSITIVE, WIRE_TREAT_AS_WITHDRAW,
				       "RFC 7606 section 7.14", MULTIPLE_OF(8), VIEW(ext_communities)},
	[WIRE_ATTR_AS4_PATH] = {"AS4_PATH", OPTIONAL_TRANSITIVE, WIRE_ATTRIBUTE_DISCARD, "RFC 6793 section 6",
				VIEW(as4_path), CHECKED(as4_path), .old = true},
	[WIRE_ATTR_AS4_AGGREGATOR] = {"AS4_AGGREGATOR", OPTIONAL_TRANSITIVE, WIRE_ATTRIBUTE_DISCARD,
				      "RFC 6793 section 6", EXACTLY(8), OWN(as4_aggregator), .old = true},
	[WIRE_ATTR_TRAFFIC_ENGINEERING] = {"TRAFFIC_ENGINEERING", OPTIONAL_NON_TRANSITIVE, WIRE_TREAT_AS_WITHDRAW,
					   "RFC 7606 section 7.13", MULTIPLE_OF(1)},
	[WIRE_ATTR_IPV6_EXT_COMMUNITIES] = {"IPV6 EXTENDED COMMUNITIES", OPTIONAL_TRANSITIVE, WIRE_TREAT_AS_WITHDRAW,
					    "RFC 7606 section 7.15", MULTIPLE_OF(20)},
	[WIRE_ATTR_AIGP] = {"AIGP", OPTIONAL_NON_TRANSITIVE, WIRE_ATTRIBUTE_DISCARD, "RFC 7311 section 3.2",
			    CHECKED(aigp), .flags_too = true},
	[WIRE_ATTR_LARGE_COMMUNITIES] = {"LARGE_COMMUNITY", OPTIONAL_TRANSITIVE, WIRE_TREAT_AS_WITHDRAW,
					 "RFC 8092 section 6", MULTIPLE_OF(12), VIEW(large_communities)},
	[WIRE_ATTR_OTC] = {"ONLY_TO_CUSTOMER", OPTIONAL_TRANSITIVE, WIRE_TREAT_AS_WITHDRAW, "RFC 9234 section 5",
			   EXACTLY(4), U32(otc)},
	[WIRE_ATTR_ATTR_SET] = {"ATTR_SET", OPTIONAL_TRANSITIVE, WIRE_TREAT_AS_WITHDRAW, "RFC 7606 section 7.16",
				CHECKED(attr_set)},
};

const char *wire_attr_name(uint8_t code)
{
	const struct wire_attr_row *row = wire_attr_row(code);

	return row->holds != WIRE_VALUE_NONE ? row->name : NULL;
}

bool wire_attr_flags_fit(const struct wire_attr_row *row, uint8_t flags)
{
	return (flags & (WIRE_FLAG_OPTIONAL | WIRE_FLAG_TRANSITIVE)) == row->flags;
}

static bool length_fits(const struct wire_attr_row *row, size_t len)
{
	switch (row->len_rule) {
	case WIRE_LEN_ANY:
		return true;
	case WIRE_LEN_EXACT:
		return len == row->len;
	case WIRE_LEN_MULTIPLE:
		return len > 0 && len % row->len == 0;
	}
	return false;
}

uint8_t wire_attr_read(const struct wire_attr_row *row, struct wire_in *value, const struct wire_session *session,
		       struct wire_update *ret)
{
	char *field = (char *)&ret->attrs + row->at;
	uint32_t number;
	uint8_t fault;

	if (!length_fits(row, wire_left(value)))
		return WIRE_UPDATE_LENGTH;
	fault = row->decode != NULL ? row->decode(value, session, ret) : 0;
	if (fault != 0)
		return fault;
	switch (row->holds) {
	case WIRE_VALUE_U32:
		number = wire_u32(value);
		memcpy(field, &number, sizeof(number));
		return 0;
	case WIRE_VALUE_VIEW:
		memcpy(field, value, sizeof(*value));
		return 0;
	case WIRE_VALUE_OWN:
	case WIRE_VALUE_NONE:
		return 0;
	}
	return 0;
}
