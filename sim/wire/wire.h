/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BGP messages <-> bytes (RFC 4271, 4760, 5492, 6793, 2918, 7313, 4724, 7911, 8654, 9072), and the tag inside crafted
 * flows. Decoders never log, allocate, change state or send: they fill a struct whose views point into the caller's
 * bytes, and return what is wrong as a wire_err that the session turns into an event. */
#ifndef ECMPLAB_WIRE_H
#define ECMPLAB_WIRE_H

#include "addr.h"
#include "cursor.h"

#define WIRE_HEADER_LEN 19U
#define WIRE_MESSAGE_MAX 4096U
#define WIRE_EXTENDED_MAX 65535U /* RFC 8654 */
#define WIRE_AS_TRANS 23456U	 /* RFC 6793 */
#define WIRE_BGP_PORT 179U

enum wire_type {
	WIRE_OPEN = 1,
	WIRE_UPDATE = 2,
	WIRE_NOTIFICATION = 3,
	WIRE_KEEPALIVE = 4,
	WIRE_ROUTE_REFRESH = 5,
};

enum wire_error_code { /* RFC 4271 section 4.5 */
		       WIRE_ERR_HEADER = 1,
		       WIRE_ERR_OPEN = 2,
		       WIRE_ERR_UPDATE = 3,
		       WIRE_ERR_HOLD = 4,
		       WIRE_ERR_FSM = 5,
		       WIRE_ERR_CEASE = 6,
		       WIRE_ERR_ROUTE_REFRESH = 7,
		       WIRE_ERR_SEND_HOLD = 8, /* RFC 9687 */
};

/* What RFC 7606 prescribes; WIRE_RESET is a NOTIFICATION with code, subcode and data. Ordered by severity. */
enum wire_treat {
	WIRE_OK = 0,
	WIRE_ATTRIBUTE_DISCARD,
	WIRE_TREAT_AS_WITHDRAW,
	WIRE_RESET,
};

struct wire_err {
	enum wire_treat treat;
	uint8_t code;
	uint8_t subcode;
	uint16_t offset;     /* octets from the start of the message */
	uint8_t data_len;    /* what is longer is cut */
	const uint8_t *data; /* for the NOTIFICATION; in the message, or static */
	const char *clause;  /* "RFC 7606 section 7.1"; static */
};

/* What two speakers agreed on, or a capture's reader guesses: needed to read UPDATEs. Zero is RFC 4271 alone. */
struct wire_session {
	bool as4;	  /* RFC 6793 */
	bool add_path_v4; /* RFC 7911, in the direction at hand */
	bool add_path_v6;
	bool extended; /* RFC 8654 */
	bool ebgp; /* the other end is of another AS: attributes that have no business there are discarded (RFC 7606) */
};

/* Cuts a byte stream into messages. *ret_len is the length of the first message in the n bytes, 0 when more bytes are
 * needed. The error is of code 1: marker, length (against type and RFC 8654's limit) or type. */
struct wire_err wire_frame(const uint8_t *bytes, size_t n, bool extended, size_t *ret_len, uint8_t *ret_type);

/* ---- OPEN ---- */

enum wire_cap_code {
	WIRE_CAP_MP = 1,
	WIRE_CAP_ROUTE_REFRESH = 2,
	WIRE_CAP_EXTENDED_NEXT_HOP = 5,
	WIRE_CAP_EXTENDED_MESSAGE = 6,
	WIRE_CAP_ROLE = 9,
	WIRE_CAP_GRACEFUL_RESTART = 64,
	WIRE_CAP_AS4 = 65,
	WIRE_CAP_ADD_PATH = 69,
	WIRE_CAP_ENHANCED_REFRESH = 70,
	WIRE_CAP_LONG_LIVED = 71,
};

enum wire_afi { WIRE_AFI_IPV4 = 1, WIRE_AFI_IPV6 = 2 };
enum wire_safi { WIRE_SAFI_UNICAST = 1 };

struct wire_family {
	uint16_t afi;
	uint8_t safi;
	uint8_t flags; /* graceful restart: the F bit; add-path: send/receive */
};

/* RFC 9494 section 3: a family of the Long-Lived Graceful Restart capability. */
struct wire_long_lived {
	uint16_t afi;
	uint8_t safi;
	uint8_t flags;	  /* 0x80: forwarding state was preserved */
	uint32_t stale_s; /* 24 bits */
};

#define WIRE_FAMILIES_MAX 64 /* as many as one capability can hold, and one */

/* The capabilities we understand; the rest stays readable through wire_open.params. Families beyond the room are left
 * out. */
struct wire_caps {
	bool any;
	bool route_refresh;
	bool enhanced_refresh;
	bool extended_message;
	bool as4_present;
	uint32_t as4;
	uint8_t mp_count;
	struct wire_family mp[WIRE_FAMILIES_MAX];
	bool gr_present;
	uint8_t gr_flags; /* 0x8 restarting (R), 0x4 RFC 8538 (N) */
	uint16_t gr_time_s;
	uint8_t gr_count;
	struct wire_family gr[WIRE_FAMILIES_MAX];
	uint8_t add_path_count;
	struct wire_family add_path[WIRE_FAMILIES_MAX];
	bool role_present;
	uint8_t role;
	bool extended_next_hop; /* RFC 8950: IPv4 unicast over an IPv6 next hop */
	uint8_t long_lived_count;
	struct wire_long_lived long_lived[WIRE_FAMILIES_MAX];
};

struct wire_open {
	uint8_t version;
	uint16_t as16;
	uint16_t hold_s;
	uint32_t id;	       /* host order */
	struct wire_in params; /* all optional parameters, raw */
	bool long_params;      /* RFC 9072: their lengths are of two octets */
	struct wire_caps caps;
};

/* Decodes a whole OPEN message, header included. Checks the RFC 4271 section 6.2 rules that need no configuration
 * (version, hold time 1 and 2, zero identifier) and RFC 5492's syntax; unknown capabilities are no error. */
struct wire_err wire_open_decode(struct wire_in message, struct wire_open *ret);
/* The AS that an OPEN speaks for: capability 65's where present. */
uint32_t wire_open_as(const struct wire_open *open);

/* Capability TLVs for the caps argument of wire_open_encode, in the order they are put. */
void wire_cap_mp(struct wire_out *caps, uint16_t afi, uint8_t safi);
void wire_cap_as4(struct wire_out *caps, uint32_t as);
void wire_cap_flag(struct wire_out *caps, enum wire_cap_code code); /* one with no value */
void wire_cap_graceful_restart(struct wire_out *caps, uint8_t flags, uint16_t time_s,
			       const struct wire_family *families, size_t n);
void wire_cap_extended_next_hop(struct wire_out *caps); /* IPv4 unicast over IPv6 (RFC 8950) */
void wire_cap_role(struct wire_out *caps, uint8_t role);
void wire_cap_add_path(struct wire_out *caps, const struct wire_family *families, size_t n);
void wire_cap_long_lived(struct wire_out *caps, const struct wire_long_lived *families, size_t n);
/* An OPEN of version 4 with all capability TLVs in one parameter, RFC 9072's long form above 255 octets; none: no
 * parameter. as above 65535 becomes AS_TRANS in the fixed field. id in host order. */
void wire_open_encode(struct wire_out *out, uint32_t as, uint16_t hold_s, uint32_t id, struct wire_in caps);
/* The same with a parameter for each capability, as FRR writes it, where that fits the short form. */
void wire_open_encode_each(struct wire_out *out, uint32_t as, uint16_t hold_s, uint32_t id, struct wire_in caps);

/* ---- UPDATE ---- */

enum wire_attr {
	WIRE_ATTR_ORIGIN = 1,
	WIRE_ATTR_AS_PATH = 2,
	WIRE_ATTR_NEXT_HOP = 3,
	WIRE_ATTR_MED = 4,
	WIRE_ATTR_LOCAL_PREF = 5,
	WIRE_ATTR_ATOMIC_AGGREGATE = 6,
	WIRE_ATTR_AGGREGATOR = 7,
	WIRE_ATTR_COMMUNITIES = 8,
	WIRE_ATTR_ORIGINATOR_ID = 9,
	WIRE_ATTR_CLUSTER_LIST = 10,
	WIRE_ATTR_MP_REACH = 14,
	WIRE_ATTR_MP_UNREACH = 15,
	WIRE_ATTR_EXT_COMMUNITIES = 16,
	WIRE_ATTR_AS4_PATH = 17,
	WIRE_ATTR_AS4_AGGREGATOR = 18,
	WIRE_ATTR_TRAFFIC_ENGINEERING = 24,
	WIRE_ATTR_IPV6_EXT_COMMUNITIES = 25,
	WIRE_ATTR_AIGP = 26,
	WIRE_ATTR_LARGE_COMMUNITIES = 32,
	WIRE_ATTR_OTC = 35,
	WIRE_ATTR_ATTR_SET = 128,
};

enum wire_attr_flag {
	WIRE_FLAG_OPTIONAL = 0x80,
	WIRE_FLAG_TRANSITIVE = 0x40,
	WIRE_FLAG_PARTIAL = 0x20,
	WIRE_FLAG_EXTENDED = 0x10,
};

enum wire_origin { WIRE_ORIGIN_IGP = 0, WIRE_ORIGIN_EGP = 1, WIRE_ORIGIN_INCOMPLETE = 2 };

enum wire_segment { WIRE_AS_SET = 1, WIRE_AS_SEQUENCE = 2, WIRE_CONFED_SEQUENCE = 3, WIRE_CONFED_SET = 4 };

/* Attributes of one UPDATE. A field means something only when its attribute is there (wire_attr_has). */
struct wire_attrs {
	uint64_t present; /* bit n: attribute code n, for codes below 64 */
	uint8_t origin;
	bool atomic_aggregate;
	bool as4;		      /* ASes in as_path are four octets */
	struct wire_in as_path;	      /* segments, see wire_path_next */
	struct wire_in as4_path;      /* four octets each; absent where RFC 6793 says to ignore it */
	struct addr next_hop;	      /* of the routes there are: NEXT_HOP, or MP_REACH's global address */
	struct addr classic_next_hop; /* NEXT_HOP's, even where no route is for it */
	struct addr mp_next_hop;      /* MP_REACH's global address, also beside a NEXT_HOP */
	struct wire_in mp_hop; /* all octets of MP_REACH's next hop: behind it, say, a link-local one (RFC 2545) */
	uint32_t med;
	uint32_t local_pref;
	uint32_t aggregator_as;
	struct addr aggregator; /* AS4_AGGREGATOR's where RFC 6793 section 4.2.3 says so */
	uint32_t as4_aggregator_as;
	struct addr as4_aggregator;
	uint32_t originator_id;
	struct wire_in cluster_list;
	struct wire_in communities;	  /* four octets each */
	struct wire_in ext_communities;	  /* eight octets each */
	struct wire_in large_communities; /* twelve octets each */
	uint32_t otc;
};

static inline bool wire_attr_has(const struct wire_attrs *a, enum wire_attr code)
{
	return (a->present >> code & 1) != 0;
}

/* A family's NLRI, or withdrawn routes, of an UPDATE. */
struct wire_nlri {
	uint16_t afi;
	uint8_t safi;
	bool add_path;
	struct wire_in bytes;
};

struct wire_update {
	struct wire_nlri withdrawn; /* IPv4 unicast of the classic field */
	struct wire_nlri nlri;
	struct wire_nlri mp_withdrawn; /* afi 0: no MP_UNREACH_NLRI */
	struct wire_nlri mp_nlri;      /* afi 0: no MP_REACH_NLRI */
	struct wire_in attrs_raw;      /* all path attributes */
	struct wire_attrs attrs;
	bool end_of_rib; /* RFC 4724 section 2 */
	uint16_t eor_afi;
	uint8_t eor_safi;
};

/* "AS_PATH"; NULL for a code whose value nothing here reads. */
const char *wire_attr_name(uint8_t code);

struct wire_route {
	uint32_t path_id; /* 0 without add-path */
	struct prefix prefix;
};

/* Decodes a whole UPDATE message. With WIRE_TREAT_AS_WITHDRAW the NLRI of *ret are valid and are to be withdrawn; with
 * WIRE_ATTRIBUTE_DISCARD *ret is valid without the offending attribute. RFC 4271 section 6.3 as RFC 7606 revises it. */
struct wire_err wire_update_decode(struct wire_in message, const struct wire_session *session, struct wire_update *ret);
/* The next route of a family this program reads (IPv4 and IPv6 unicast); false at the end. The decoder has checked
 * the syntax, so a bad view can only come from elsewhere; it ends the walk. */
bool wire_nlri_next(struct wire_nlri *nlri, struct wire_route *ret);

struct wire_path_segment {
	uint8_t type;
	struct wire_in ases; /* two or four octets each */
	bool as4;
};

/* The next segment of an AS_PATH; false at the end. */
bool wire_path_next(struct wire_in *path, bool as4, struct wire_path_segment *ret);
uint32_t wire_path_as(struct wire_path_segment *segment); /* the segment's next AS; 0 at its end */
/* Hops for the decision process: a set counts one, confederation segments none (RFC 4271 section 9.1.2.2, 5065). */
unsigned int wire_path_length(struct wire_in path, bool as4);
bool wire_path_contains(struct wire_in path, bool as4, uint32_t as);
/* "22000 {64512 64513}": the text that router operators read. Cut to the room, always terminated. */
void wire_path_text(struct wire_in path, bool as4, char *ret, size_t room);

/* Attributes to write. Views and arrays are borrowed for the call; counts of zero leave an attribute out. */
struct wire_route_attrs {
	uint8_t origin;
	bool wide_path;		 /* AS_PATH has the Extended Length bit whatever its length, as FRR writes it */
	const uint32_t *as_path; /* one AS_SEQUENCE; empty path for 0 */
	size_t as_count;
	struct addr next_hop;
	bool med_present, local_pref_present;
	uint32_t med, local_pref;
	const uint32_t *communities;
	size_t community_count;
	struct wire_in mp_hop; /* the next hop of other families */
	struct wire_in extra;  /* raw attribute TLVs to append */
};

/* One UPDATE that announces the routes of one family (all IPv4, or all IPv6 through MP_REACH). Attribute order by type
 * code, behind MP_REACH (RFC 7606 section 5.1). out becomes full when it does not fit the message limit. */
void wire_update_encode(struct wire_out *out, const struct wire_session *session, const struct wire_route_attrs *attrs,
			const struct wire_route *routes, size_t n);
/* One UPDATE with given raw attributes (no NEXT_HOP rewriting), for a speaker that passes attributes on. */
void wire_update_encode_raw(struct wire_out *out, const struct wire_session *session, struct wire_in attrs_raw,
			    const struct wire_route *routes, size_t n);
/* One UPDATE that withdraws the routes of one family; none: End-of-RIB. */
void wire_withdraw_encode(struct wire_out *out, const struct wire_session *session, uint16_t afi,
			  const struct wire_route *routes, size_t n);

/* ---- Routes of families that this program does not read ---- */

#define WIRE_OPAQUE_KEY_MAX 64U

struct wire_opaque {
	struct wire_in nlri; /* as it stands */
	/* As a withdrawal writes it: without what is no part of the route's name, as a label. */
	uint8_t key[WIRE_OPAQUE_KEY_MAX];
	size_t key_len; /* 0: nlri itself is */
};

/* The next route of the field: one by one for multicast, labelled and VPN prefixes (RFC 4760, 8277, 4364) and EVPN (RFC 7432,
 * 9136); else all at once. False at the end, and where it can't be cut, which makes the view bad. */
bool wire_opaque_next(struct wire_nlri *nlri, struct wire_opaque *ret);
/* One UPDATE that announces NLRI as they are behind attrs->mp_hop, and one that withdraws them; none: End-of-RIB. */
void wire_opaque_encode(struct wire_out *out, const struct wire_session *session, const struct wire_route_attrs *attrs,
			const struct wire_nlri *nlri);
void wire_opaque_withdraw(struct wire_out *out, const struct wire_session *session, const struct wire_nlri *nlri);

/* The UPDATE that was decoded in the same session: attributes in the order in which they came, each once, with the flags that
 * it must have and the shortest length; what nothing here reads as it came. What the decoder discarded is left out, so that
 * reading it again gives the same, without complaint. */
void wire_update_write(struct wire_out *out, const struct wire_session *session, const struct wire_update *update);

/* ---- NOTIFICATION, KEEPALIVE, ROUTE-REFRESH ---- */

struct wire_notification {
	uint8_t code;
	uint8_t subcode;
	struct wire_in data;
};

struct wire_err wire_notification_decode(struct wire_in message, struct wire_notification *ret);
void wire_notification_encode(struct wire_out *out, uint8_t code, uint8_t subcode, struct wire_in data);
/* "OPEN Message Error/Bad Peer AS": the registry's words; static. */
const char *wire_error_text(uint8_t code, uint8_t subcode);
void wire_keepalive_encode(struct wire_out *out);

struct wire_refresh {
	uint16_t afi;
	uint8_t subtype; /* RFC 7313: 0 request, 1 begin, 2 end */
	uint8_t safi;
};

struct wire_err wire_refresh_decode(struct wire_in message, struct wire_refresh *ret);
void wire_refresh_encode(struct wire_out *out, const struct wire_refresh *refresh);

/* ---- The tag that crafted flows carry as payload ---- */

#define WIRE_FLOWTAG_LEN 32U

struct wire_flowtag {
	uint32_t run;	  /* tells this step's flows from any other's */
	uint32_t flow;	  /* 0 .. flows-1 */
	uint32_t seq;	  /* packet of the flow, from 0 */
	uint64_t sent_ns; /* wall clock */
};

void wire_flowtag_encode(struct wire_out *out, const struct wire_flowtag *tag);
/* False when the bytes carry no whole tag (magic and check word are compared). */
bool wire_flowtag_decode(struct wire_in payload, struct wire_flowtag *ret);

#endif
