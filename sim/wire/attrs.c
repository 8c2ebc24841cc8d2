/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Path attributes: what each must look like, and what a bad one costs (RFC 7606 section 7). */
#include "wire_int.h"

#define WELL_KNOWN WIRE_FLAG_TRANSITIVE
#define OPTIONAL_NON_TRANSITIVE WIRE_FLAG_OPTIONAL
#define OPTIONAL_TRANSITIVE (WIRE_FLAG_OPTIONAL | WIRE_FLAG_TRANSITIVE)
#define AIGP_TLV_HEAD 3U
#define AIGP_METRIC 1U
#define AIGP_METRIC_LEN 11U

static uint8_t read_origin(struct wire_in value, const struct wire_session *session, struct wire_update *ret)
{
	(void)session;
	ret->attrs.origin = wire_u8(&value);
	return ret->attrs.origin > WIRE_ORIGIN_INCOMPLETE ? WIRE_UPDATE_ORIGIN : 0;
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

static uint8_t read_as_path(struct wire_in value, const struct wire_session *session, struct wire_update *ret)
{
	if (!wire_path_valid(value, session->as4) || (session->ebgp && has_confederation(value, session->as4)))
		return WIRE_UPDATE_AS_PATH;
	ret->attrs.as_path = value;
	return 0;
}

static uint8_t read_as4_path(struct wire_in value, const struct wire_session *session, struct wire_update *ret)
{
	(void)session;
	if (!wire_more(&value) || !wire_path_valid(value, true))
		return WIRE_UPDATE_OPTIONAL;
	ret->attrs.as4_path = value;
	return 0;
}

/* RFC 4271 section 6.3 wants a valid IP host address: not "this network", a group or the reserved class. */
static uint8_t read_next_hop(struct wire_in value, const struct wire_session *session, struct wire_update *ret)
{
	uint8_t first = value.at[0];

	(void)session;
	if (first == 0 || first >= 224)
		return WIRE_UPDATE_NEXT_HOP;
	ret->attrs.next_hop = addr_from_bytes(ADDR_V4, value.at);
	return 0;
}

static uint8_t read_med(struct wire_in value, const struct wire_session *session, struct wire_update *ret)
{
	(void)session;
	ret->attrs.med = wire_u32(&value);
	return 0;
}

static uint8_t read_local_pref(struct wire_in value, const struct wire_session *session, struct wire_update *ret)
{
	(void)session;
	ret->attrs.local_pref = wire_u32(&value);
	return 0;
}

static uint8_t read_atomic_aggregate(struct wire_in value, const struct wire_session *session, struct wire_update *ret)
{
	(void)value;
	(void)session;
	ret->attrs.atomic_aggregate = true;
	return 0;
}

static uint8_t read_aggregator(struct wire_in value, const struct wire_session *session, struct wire_update *ret)
{
	uint32_t as;

	if (wire_left(&value) != (session->as4 ? 8U : 6U))
		return WIRE_UPDATE_LENGTH;
	as = session->as4 ? wire_u32(&value) : wire_u16(&value);
	if (as == 0) /* RFC 7607 section 2 */
		return WIRE_UPDATE_OPTIONAL;
	ret->attrs.aggregator_as = as;
	ret->attrs.aggregator = addr_from_bytes(ADDR_V4, value.at);
	return 0;
}

/* Taken only beside an AGGREGATOR that says AS_TRANS, which comes first where attributes are in order; the order is
 * only recommended, so wire_update_decode settles it at the end (RFC 6793 section 4.2.3). */
static uint8_t read_as4_aggregator(struct wire_in value, const struct wire_session *session, struct wire_update *ret)
{
	uint32_t as = wire_u32(&value);

	(void)session;
	if (as == 0)
		return WIRE_UPDATE_OPTIONAL;
	ret->attrs.as4_aggregator_as = as;
	ret->attrs.as4_aggregator = addr_from_bytes(ADDR_V4, value.at);
	return 0;
}

static uint8_t read_communities(struct wire_in value, const struct wire_session *session, struct wire_update *ret)
{
	(void)session;
	ret->attrs.communities = value;
	return 0;
}

static uint8_t read_originator_id(struct wire_in value, const struct wire_session *session, struct wire_update *ret)
{
	(void)session;
	ret->attrs.originator_id = wire_u32(&value);
	return 0;
}

static uint8_t read_cluster_list(struct wire_in value, const struct wire_session *session, struct wire_update *ret)
{
	(void)session;
	ret->attrs.cluster_list = value;
	return 0;
}

static uint8_t read_ext_communities(struct wire_in value, const struct wire_session *session, struct wire_update *ret)
{
	(void)session;
	ret->attrs.ext_communities = value;
	return 0;
}

static uint8_t read_large_communities(struct wire_in value, const struct wire_session *session, struct wire_update *ret)
{
	(void)session;
	ret->attrs.large_communities = value;
	return 0;
}

static uint8_t read_otc(struct wire_in value, const struct wire_session *session, struct wire_update *ret)
{
	(void)session;
	ret->attrs.otc = wire_u32(&value);
	return 0;
}

/* Nothing here reads them; what is malformed must not reach others as if it were well. */
static uint8_t read_nothing(struct wire_in value, const struct wire_session *session, struct wire_update *ret)
{
	(void)value;
	(void)session;
	(void)ret;
	return 0;
}

/* RFC 7311 section 3: TLVs whose length counts their three octets of type and length, too; the metric has eight more. */
static uint8_t read_aigp(struct wire_in value, const struct wire_session *session, struct wire_update *ret)
{
	(void)session;
	(void)ret;
	while (wire_more(&value)) {
		uint8_t type = wire_u8(&value);
		uint16_t len = wire_u16(&value);

		if (len < AIGP_TLV_HEAD || (type == AIGP_METRIC && len != AIGP_METRIC_LEN))
			return WIRE_UPDATE_OPTIONAL;
		wire_skip(&value, len - AIGP_TLV_HEAD);
	}
	return value.bad ? WIRE_UPDATE_OPTIONAL : 0;
}

/* RFC 4760 section 3, RFC 2545 section 3 (a link-local address behind the global one), RFC 8950 section 3. */
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

static uint8_t read_mp_reach(struct wire_in value, const struct wire_session *session, struct wire_update *ret)
{
	struct wire_nlri nlri = {.afi = wire_u16(&value)};
	struct addr next_hop = {0};
	struct wire_in hop;

	nlri.safi = wire_u8(&value);
	nlri.add_path = wire_family_add_path(session, nlri.afi, nlri.safi);
	hop = wire_sub(&value, wire_u8(&value));
	wire_skip(&value, 1);
	nlri.bytes = value;
	if (value.bad || !read_mp_next_hop(&nlri, hop, &next_hop) || !wire_nlri_valid(&nlri))
		return WIRE_UPDATE_OPTIONAL;
	ret->mp_nlri = nlri;
	ret->attrs.mp_next_hop = next_hop;
	return 0;
}

static uint8_t read_mp_unreach(struct wire_in value, const struct wire_session *session, struct wire_update *ret)
{
	struct wire_nlri nlri = {.afi = wire_u16(&value)};

	nlri.safi = wire_u8(&value);
	nlri.add_path = wire_family_add_path(session, nlri.afi, nlri.safi);
	nlri.bytes = value;
	if (value.bad || !wire_nlri_valid(&nlri))
		return WIRE_UPDATE_OPTIONAL;
	ret->mp_withdrawn = nlri;
	return 0;
}

static const struct wire_attr_row rows[] = {
	[WIRE_ATTR_ORIGIN] = {"ORIGIN", WELL_KNOWN, WIRE_TREAT_AS_WITHDRAW, WIRE_LEN_EXACT, 1, read_origin,
			      "RFC 7606 section 7.1"},
	[WIRE_ATTR_AS_PATH] = {"AS_PATH", WELL_KNOWN, WIRE_TREAT_AS_WITHDRAW, WIRE_LEN_ANY, 0, read_as_path,
			       "RFC 7606 section 7.2"},
	[WIRE_ATTR_NEXT_HOP] = {"NEXT_HOP", WELL_KNOWN, WIRE_TREAT_AS_WITHDRAW, WIRE_LEN_EXACT, 4, read_next_hop,
				"RFC 7606 section 7.3"},
	[WIRE_ATTR_MED] = {"MULTI_EXIT_DISC", OPTIONAL_NON_TRANSITIVE, WIRE_TREAT_AS_WITHDRAW, WIRE_LEN_EXACT, 4,
			   read_med, "RFC 7606 section 7.4"},
	[WIRE_ATTR_LOCAL_PREF] = {"LOCAL_PREF", WELL_KNOWN, WIRE_TREAT_AS_WITHDRAW, WIRE_LEN_EXACT, 4, read_local_pref,
				  "RFC 7606 section 7.5", .internal = true},
	[WIRE_ATTR_ATOMIC_AGGREGATE] = {"ATOMIC_AGGREGATE", WELL_KNOWN, WIRE_ATTRIBUTE_DISCARD, WIRE_LEN_EXACT, 0,
					read_atomic_aggregate, "RFC 7606 section 7.6"},
	[WIRE_ATTR_AGGREGATOR] = {"AGGREGATOR", OPTIONAL_TRANSITIVE, WIRE_ATTRIBUTE_DISCARD, WIRE_LEN_ANY, 0,
				  read_aggregator, "RFC 7606 section 7.7"},
	[WIRE_ATTR_COMMUNITIES] = {"COMMUNITIES", OPTIONAL_TRANSITIVE, WIRE_TREAT_AS_WITHDRAW, WIRE_LEN_MULTIPLE, 4,
				   read_communities, "RFC 7606 section 7.8"},
	[WIRE_ATTR_ORIGINATOR_ID] = {"ORIGINATOR_ID", OPTIONAL_NON_TRANSITIVE, WIRE_TREAT_AS_WITHDRAW, WIRE_LEN_EXACT,
				     4, read_originator_id, "RFC 7606 section 7.9", .internal = true},
	[WIRE_ATTR_CLUSTER_LIST] = {"CLUSTER_LIST", OPTIONAL_NON_TRANSITIVE, WIRE_TREAT_AS_WITHDRAW, WIRE_LEN_MULTIPLE,
				    4, read_cluster_list, "RFC 7606 section 7.10", .internal = true},
	[WIRE_ATTR_MP_REACH] = {"MP_REACH_NLRI", OPTIONAL_NON_TRANSITIVE, WIRE_RESET, WIRE_LEN_ANY, 0, read_mp_reach,
				"RFC 7606 section 7.11"},
	[WIRE_ATTR_MP_UNREACH] = {"MP_UNREACH_NLRI", OPTIONAL_NON_TRANSITIVE, WIRE_RESET, WIRE_LEN_ANY, 0,
				  read_mp_unreach, "RFC 7606 section 7.12"},
	[WIRE_ATTR_EXT_COMMUNITIES] = {"EXTENDED COMMUNITIES", OPTIONAL_TRANSITIVE, WIRE_TREAT_AS_WITHDRAW,
				       WIRE_LEN_MULTIPLE, 8, read_ext_communities, "RFC 7606 section 7.14"},
	[WIRE_ATTR_AS4_PATH] = {"AS4_PATH", OPTIONAL_TRANSITIVE, WIRE_ATTRIBUTE_DISCARD, WIRE_LEN_ANY, 0, read_as4_path,
				"RFC 6793 section 6"},
	[WIRE_ATTR_AS4_AGGREGATOR] = {"AS4_AGGREGATOR", OPTIONAL_TRANSITIVE, WIRE_ATTRIBUTE_DISCARD, WIRE_LEN_EXACT, 8,
				      read_as4_aggregator, "RFC 6793 section 6"},
	[WIRE_ATTR_IPV6_EXT_COMMUNITIES] = {"IPV6 EXTENDED COMMUNITIES", OPTIONAL_TRANSITIVE, WIRE_TREAT_AS_WITHDRAW,
					    WIRE_LEN_MULTIPLE, 20, read_nothing, "RFC 7606 section 7.15"},
	[WIRE_ATTR_AIGP] = {"AIGP", OPTIONAL_NON_TRANSITIVE, WIRE_ATTRIBUTE_DISCARD, WIRE_LEN_ANY, 0, read_aigp,
			    "RFC 7311 section 3.2"},
	[WIRE_ATTR_LARGE_COMMUNITIES] = {"LARGE_COMMUNITY", OPTIONAL_TRANSITIVE, WIRE_TREAT_AS_WITHDRAW,
					 WIRE_LEN_MULTIPLE, 12, read_large_communities, "RFC 8092 section 6"},
	[WIRE_ATTR_OTC] = {"ONLY_TO_CUSTOMER", OPTIONAL_TRANSITIVE, WIRE_TREAT_AS_WITHDRAW, WIRE_LEN_EXACT, 4, read_otc,
			   "RFC 9234 section 5"},
};

const struct wire_attr_row *wire_attr_row(uint8_t code)
{
	static const struct wire_attr_row unknown = {0};

	return code < sizeof(rows) / sizeof(rows[0]) ? &rows[code] : &unknown;
}

const char *wire_attr_name(uint8_t code)
{
	return wire_attr_row(code)->name;
}
