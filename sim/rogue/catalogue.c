/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cases. A row is one malformation; the reaction is what the named clause prescribes, not what any router does. */
#include "rogue.h"

#include <string.h>

/* NOLINTBEGIN(bugprone-macro-parentheses): the arguments are initialisers */
#define NOTIFIED(...) .reaction = ROGUE_NOTIFICATION, .answers = {__VA_ARGS__}
#define ANSWER(code, subcode)                                                                                          \
	{                                                                                                              \
		code, subcode, NULL                                                                                    \
	}
#define ANSWER_DATA(code, subcode, data)                                                                               \
	{                                                                                                              \
		code, subcode, data                                                                                    \
	}

/* ---- RFC 4271 section 6.1: the message header ---- */

#define HEADER(case_name, text, octets, subcode, data, ...)                                                            \
	{                                                                                                              \
		.name = case_name, .about = text, .clause = "RFC 4271 section 6.1", .stage = ROGUE_ESTABLISHED,        \
		.bytes = octets, NOTIFIED(ANSWER_DATA(1, subcode, data)), ##__VA_ARGS__                                \
	}

/* ---- RFC 4271 section 6.2: OPEN ---- */

#define OPEN(case_name, text, where, octets, ...)                                                                      \
	{                                                                                                              \
		.name = case_name, .about = text, .clause = where, .stage = ROGUE_AS_OPEN, .bytes = "<01 " octets ">", \
		__VA_ARGS__                                                                                            \
	}
#define OPEN_4271(case_name, text, octets, ...) OPEN(case_name, text, "RFC 4271 section 6.2", octets, __VA_ARGS__)

/* ---- RFC 7606: UPDATE. The attributes are the row; withdrawn routes there are none, and one prefix is announced. ---- */

#define UPDATE(case_name, text, where, attrs, ...)                                                                     \
	{                                                                                                              \
		.name = case_name, .about = text, .clause = where, .stage = ROGUE_ESTABLISHED,                         \
		.bytes = "<02 [] [" attrs "] {nlri}>", __VA_ARGS__                                                     \
	}
#define TREATED_AS_WITHDRAW(case_name, text, where, attrs)                                                             \
	UPDATE(case_name, text, where, attrs, .prior = true, .reaction = ROGUE_WITHDRAWN)
#define DISCARDED(case_name, text, where, attrs, ...)                                                                  \
	UPDATE(case_name, text, where, "{origin}{path}{nh}" attrs, .reaction = ROGUE_INSTALLED, __VA_ARGS__)
#define EVERYWHERE .peering = ROGUE_ANY_PEERING
#define EXTERNAL .peering = ROGUE_EXTERNAL
#define OLD .old = true, .peering = ROGUE_EXTERNAL
#define WITHDRAWN_INSIDE(case_name, text, where, attrs)                                                                \
	UPDATE(case_name, text, where, attrs, .prior = true, .reaction = ROGUE_WITHDRAWN, .peering = ROGUE_INTERNAL)

/* NOLINTEND(bugprone-macro-parentheses) */

static const struct rogue_case cases[] = {
	/* clang-format off */
	HEADER("bad_marker", "a KEEPALIVE whose marker begins with a zero", "00 ffffff ffffffff ffffffff ffffffff 0013 04", 1, NULL),
	HEADER("length_18", "a header whose length is below that of a header", "{marker} 0012 04", 2, "0012"),
	HEADER("length_0", "a header of length 0", "{marker} 0000 04", 2, "0000"),
	HEADER("length_4097", "an UPDATE longer than 4096 octets", "{marker} 1001 02 {zeros 4078}", 2, "1001", .unless_extended = true),
	HEADER("length_65535", "the beginning of an UPDATE of 65535 octets", "{marker} ffff 02 {zeros 4096}", 2, "ffff", .unless_extended = true, .cut_short = true),
	HEADER("keepalive_with_body", "a KEEPALIVE of 20 octets", "{marker} 0014 04 00", 2, "0014"),
	HEADER("update_too_short", "an UPDATE of 22 octets", "{marker} 0016 02 000000", 2, "0016"),
	HEADER("notification_too_short", "a NOTIFICATION of 20 octets", "{marker} 0014 03 06", 2, "0014"),
	HEADER("type_0", "a message of type 0", "<00>", 3, "00"),
	HEADER("type_255", "a message of type 255", "<ff>", 3, "ff"),
	{.name = "bad_marker_as_open", .about = "an OPEN whose marker ends with a zero", .clause = "RFC 4271 section 6.1",
	 .stage = ROGUE_AS_OPEN, .bytes = "ffffffff ffffffff ffffffff ffffff00 001d 01 04 {as} {hold} {id} 00", NOTIFIED(ANSWER(1, 1))},
	{.name = "open_too_short", .about = "an OPEN of 28 octets", .clause = "RFC 4271 section 6.1",
	 .stage = ROGUE_AS_OPEN, .bytes = "{marker} 001c 01 04 {as} {hold} {id}", NOTIFIED(ANSWER_DATA(1, 2, "001c"))},

	OPEN_4271("version_3", "an OPEN of version 3", "03 {as} {hold} {id} ({caps})", NOTIFIED(ANSWER_DATA(2, 1, "0004"))),
	OPEN_4271("version_5", "an OPEN of version 5", "05 {as} {hold} {id} ({caps})", NOTIFIED(ANSWER_DATA(2, 1, "0004"))),
	OPEN_4271("wrong_as", "an OPEN of an AS that is not configured", "04 ea60 {hold} {id} ()", NOTIFIED(ANSWER(2, 2))),
	OPEN("wrong_as4", "an OPEN whose four-octet AS is not configured", "RFC 6793 section 4.1", "04 5ba0 {hold} {id} (02 0e 01 04 00010001 02 00 41 04 fffe0001)", NOTIFIED(ANSWER(2, 2))),
	OPEN("as_0", "an OPEN of AS 0", "RFC 7607 section 2", "04 0000 {hold} {id} ()", NOTIFIED(ANSWER(2, 2))),
	OPEN("as4_0", "an OPEN whose four-octet AS is 0", "RFC 7607 section 2", "04 {as} {hold} {id} (02 0e 01 04 00010001 02 00 41 04 00000000)", NOTIFIED(ANSWER(2, 2))),
	OPEN_4271("hold_1", "an OPEN with a hold time of one second", "04 {as} 0001 {id} ({caps})", NOTIFIED(ANSWER(2, 6))),
	OPEN_4271("hold_2", "an OPEN with a hold time of two seconds", "04 {as} 0002 {id} ({caps})", NOTIFIED(ANSWER(2, 6))),
	OPEN("id_0", "an OPEN whose BGP identifier is 0", "RFC 6286 section 2.2", "04 {as} {hold} 00000000 ({caps})", NOTIFIED(ANSWER(2, 3))),
	OPEN_4271("unknown_parameter", "an OPEN with an optional parameter of type 200", "04 {as} {hold} {id} (c8 01 00)", NOTIFIED(ANSWER(2, 4))),
	OPEN_4271("parameter_overrun", "an OPEN whose parameter is longer than the parameters", "04 {as} {hold} {id} (02 20 0104 00010001)", NOTIFIED(ANSWER(2, 0), ANSWER(2, 4))),
	OPEN_4271("parameters_overrun", "an OPEN whose parameters are longer than the message", "04 {as} {hold} {id} 40 02 06 0104 00010001", NOTIFIED(ANSWER(2, 0), ANSWER(1, 2))),
	OPEN("capability_overrun", "an OPEN whose capability is longer than its parameter", "RFC 5492 section 4", "04 {as} {hold} {id} (02 06 41 20 00000000)", NOTIFIED(ANSWER(2, 0))),
	OPEN("unknown_capability", "an OPEN with capability 239, four octets of it", "RFC 5492 section 3", "04 {as} {hold} {id} ({caps} 02 06 ef 04 01020304)", .reaction = ROGUE_STAYS),
	OPEN("repeated_capability", "an OPEN that lists IPv4 unicast twice", "RFC 5492 section 4", "04 {as} {hold} {id} ({caps} 02 06 01 04 00010001)", .reaction = ROGUE_STAYS),
	OPEN("capability_each_alone", "an OPEN with one parameter for each capability", "RFC 5492 section 4", "04 {as} {hold} {id} (02 06 01 04 00010001 02 02 02 00 02 06 41 04 {as4})", .reaction = ROGUE_STAYS),
	OPEN("extended_parameters", "an OPEN with RFC 9072's long parameters though they are short", "RFC 9072 section 2", "04 {as} {hold} {id} ff ff [02 [01 04 00010001 41 04 {as4}]]", .reaction = ROGUE_STAYS),
	{.name = "open_bytewise", .about = "an OPEN, each octet in a segment of its own", .clause = "RFC 4271 section 4.1",
	 .stage = ROGUE_AS_OPEN, .bytes = "<01 04 {as} {hold} {id} ({caps})>", .bytewise = true, .reaction = ROGUE_STAYS},

	/* RFC 4271 section 6.6, RFC 6608: messages that the state does not allow */
	{.name = "keepalive_first", .about = "a KEEPALIVE instead of an OPEN", .clause = "RFC 6608 section 3",
	 .stage = ROGUE_AS_OPEN, .bytes = "<04>", NOTIFIED(ANSWER(5, 1), ANSWER(5, 0))},
	{.name = "update_first", .about = "an UPDATE instead of an OPEN", .clause = "RFC 6608 section 3",
	 .stage = ROGUE_AS_OPEN, .bytes = "<02 [] [{origin}{path}{nh}] {nlri}>", NOTIFIED(ANSWER(5, 1), ANSWER(5, 0))},
	{.name = "refresh_first", .about = "a ROUTE-REFRESH instead of an OPEN", .clause = "RFC 6608 section 3",
	 .stage = ROGUE_AS_OPEN, .bytes = "<05 0001 00 01>", NOTIFIED(ANSWER(5, 1), ANSWER(5, 0))},
	{.name = "update_in_open_confirm", .about = "an UPDATE before the first KEEPALIVE", .clause = "RFC 6608 section 3",
	 .stage = ROGUE_AS_KEEPALIVE, .bytes = "<02 [] [{origin}{path}{nh}] {nlri}>", NOTIFIED(ANSWER(5, 2), ANSWER(5, 0))},
	{.name = "refresh_in_open_confirm", .about = "a ROUTE-REFRESH before the first KEEPALIVE", .clause = "RFC 6608 section 3",
	 .stage = ROGUE_AS_KEEPALIVE, .bytes = "<05 0001 00 01>", NOTIFIED(ANSWER(5, 2), ANSWER(5, 0))},
	{.name = "second_open", .about = "an OPEN on an established session", .clause = "RFC 6608 section 3",
	 .stage = ROGUE_ESTABLISHED, .bytes = "<01 04 {as} {hold} {id} ({caps})>", NOTIFIED(ANSWER(5, 3), ANSWER(5, 0), ANSWER(6, 7))},
	{.name = "notification_first", .about = "a NOTIFICATION instead of an OPEN", .clause = "RFC 4271 section 8.2.2",
	 .stage = ROGUE_AS_OPEN, .bytes = "<03 02 01 0004>", .reaction = ROGUE_CLOSES},
	{.name = "notification_midway", .about = "a NOTIFICATION between UPDATEs", .clause = "RFC 4271 section 8.2.2",
	 .stage = ROGUE_ESTABLISHED, .bytes = "<02 [] [{origin}{path}{nh}] {nlri}> <03 06 04> <02 [] [{origin}{path}{nh}] {nlri}>", .reaction = ROGUE_CLOSES},
	{.name = "notification_unknown", .about = "a NOTIFICATION of code 99", .clause = "RFC 4271 section 6.4",
	 .stage = ROGUE_ESTABLISHED, .bytes = "<03 63 63 00>", .reaction = ROGUE_CLOSES},

	/* RFC 4271 section 6.3 and RFC 7606 section 3: what still resets the session */
	{.name = "attributes_overrun", .about = "an UPDATE whose attributes are longer than the message", .clause = "RFC 7606 section 3",
	 .stage = ROGUE_ESTABLISHED, .bytes = "<02 [] 0100 {origin}{path}{nh} {nlri}>", NOTIFIED(ANSWER(3, 1))},
	{.name = "withdrawn_overrun", .about = "an UPDATE whose withdrawn routes are longer than the message", .clause = "RFC 7606 section 3",
	 .stage = ROGUE_ESTABLISHED, .bytes = "<02 0100 {nlri} []>", NOTIFIED(ANSWER(3, 1))},
	{.name = "nlri_33", .about = "an IPv4 prefix of length 33", .clause = "RFC 7606 section 5.3",
	 .stage = ROGUE_ESTABLISHED, .bytes = "<02 [] [{origin}{path}{nh}] 21 c612000100>", NOTIFIED(ANSWER(3, 10), ANSWER(3, 1))},
	{.name = "nlri_cut", .about = "a prefix of which octets are missing", .clause = "RFC 7606 section 5.3",
	 .stage = ROGUE_ESTABLISHED, .bytes = "<02 [] [{origin}{path}{nh}] 20 c612>", NOTIFIED(ANSWER(3, 10), ANSWER(3, 1))},
	{.name = "withdrawn_33", .about = "a withdrawn IPv4 prefix of length 33", .clause = "RFC 7606 section 5.3",
	 .stage = ROGUE_ESTABLISHED, .bytes = "<02 [21 c612000100] []>", NOTIFIED(ANSWER(3, 10), ANSWER(3, 1))},
	UPDATE("unknown_well_known", "an attribute of type 200 that claims to be well-known", "RFC 4271 section 6.3", "{origin}{path}{nh} 40 c8 01 00", NOTIFIED(ANSWER_DATA(3, 2, "40c80100"))),
	UPDATE("mp_reach_twice", "two MP_REACH_NLRI attributes", "RFC 7606 section 3 (g)", "{origin}{path}{nh} 80 0e 0d 0001 01 04 c6120001 00 18 c61200 80 0e 0d 0001 01 04 c6120001 00 18 c61200", NOTIFIED(ANSWER(3, 1))),
	UPDATE("mp_reach_cut", "an MP_REACH_NLRI that ends before its next hop", "RFC 7606 section 7.11", "{origin}{path}{nh} 80 0e 04 0001 01 10", NOTIFIED(ANSWER(3, ROGUE_ANY_SUBCODE))),
	UPDATE("mp_unreach_cut", "an MP_UNREACH_NLRI of two octets", "RFC 7606 section 7.12", "{origin}{path}{nh} 80 0f 02 0001", NOTIFIED(ANSWER(3, ROGUE_ANY_SUBCODE))),
	UPDATE("mp_reach_nlri_33", "an MP_REACH_NLRI with an IPv4 prefix of length 33", "RFC 7606 section 5.3", "{origin}{path}{nh} 80 0e 0f 0001 01 04 c6120001 00 21 c612000100", NOTIFIED(ANSWER(3, ROGUE_ANY_SUBCODE))),
	UPDATE("mp_unreach_nlri_33", "an MP_UNREACH_NLRI with an IPv4 prefix of length 33", "RFC 7606 section 5.3", "{origin}{path}{nh} 80 0f 09 0001 01 21 c612000100", NOTIFIED(ANSWER(3, ROGUE_ANY_SUBCODE))),

	/* RFC 7606 section 7: what costs the route */
	TREATED_AS_WITHDRAW("origin_3", "ORIGIN 3", "RFC 7606 section 7.1", "40 01 01 03 {path}{nh}"),
	TREATED_AS_WITHDRAW("origin_long", "an ORIGIN of two octets", "RFC 7606 section 7.1", "40 01 02 0000 {path}{nh}"),
	TREATED_AS_WITHDRAW("origin_empty", "an ORIGIN of no octets", "RFC 7606 section 7.1", "40 01 00 {path}{nh}"),
	TREATED_AS_WITHDRAW("origin_optional", "an ORIGIN with the Optional bit", "RFC 7606 section 3 (c)", "c0 01 01 00 {path}{nh}"),
	TREATED_AS_WITHDRAW("no_origin", "no ORIGIN", "RFC 7606 section 3 (d)", "{path}{nh}"),
	TREATED_AS_WITHDRAW("no_as_path", "no AS_PATH", "RFC 7606 section 3 (d)", "{origin}{nh}"),
	TREATED_AS_WITHDRAW("no_next_hop", "no NEXT_HOP", "RFC 7606 section 3 (d)", "{origin}{path}"),
	TREATED_AS_WITHDRAW("no_attributes", "no attributes at all", "RFC 7606 section 3 (d)", ""),
	TREATED_AS_WITHDRAW("as_path_segment_type", "an AS_PATH segment of type 9", "RFC 7606 section 7.2", "{origin} 40 02 06 09 01 {as4} {nh}"),
	TREATED_AS_WITHDRAW("as_path_segment_overrun", "an AS_PATH segment that counts more ASes than there are", "RFC 7606 section 7.2", "{origin} 40 02 06 02 03 {as4} {nh}"),
	TREATED_AS_WITHDRAW("as_path_segment_underrun", "an AS_PATH with octets behind its last segment", "RFC 7606 section 7.2", "{origin} 40 02 07 02 01 {as4} 02 {nh}"),
	TREATED_AS_WITHDRAW("as_path_segment_empty", "an AS_PATH segment of no ASes", "RFC 7606 section 7.2", "{origin} 40 02 08 02 01 {as4} 02 00 {nh}"),
	TREATED_AS_WITHDRAW("as_path_as_0", "AS 0 in the AS_PATH", "RFC 7607 section 2", "{origin} 40 02 0a 02 02 {as4} 00000000 {nh}"),
	TREATED_AS_WITHDRAW("as_path_optional", "an AS_PATH with the Optional bit", "RFC 7606 section 3 (c)", "{origin} c0 02 06 02 01 {as4} {nh}"),
	TREATED_AS_WITHDRAW("as_path_loop", "the receiver's own AS in the AS_PATH", "RFC 4271 section 9.1.2", "{origin} 40 02 0a 02 02 {as4} {peer4} {nh}"),
	TREATED_AS_WITHDRAW("next_hop_long", "a NEXT_HOP of five octets", "RFC 7606 section 7.3", "{origin}{path} 40 03 05 0a00000100"),
	TREATED_AS_WITHDRAW("next_hop_short", "a NEXT_HOP of three octets", "RFC 7606 section 7.3", "{origin}{path} 40 03 03 0a0000"),
	TREATED_AS_WITHDRAW("next_hop_multicast", "a NEXT_HOP of 224.0.0.1", "RFC 4271 section 6.3", "{origin}{path} 40 03 04 e0000001"),
	TREATED_AS_WITHDRAW("med_short", "a MULTI_EXIT_DISC of three octets", "RFC 7606 section 7.4", "{origin}{path}{nh} 80 04 03 000000"),
	TREATED_AS_WITHDRAW("med_transitive", "a MULTI_EXIT_DISC with the Transitive bit", "RFC 7606 section 3 (c)", "{origin}{path}{nh} c0 04 04 00000000"),
	TREATED_AS_WITHDRAW("communities_odd", "COMMUNITIES of five octets", "RFC 7606 section 7.8", "{origin}{path}{nh} c0 08 05 0000000100"),
	TREATED_AS_WITHDRAW("communities_empty", "COMMUNITIES of no octets", "RFC 7606 section 7.8", "{origin}{path}{nh} c0 08 00"),
	TREATED_AS_WITHDRAW("ext_communities_odd", "EXTENDED COMMUNITIES of seven octets", "RFC 7606 section 7.14", "{origin}{path}{nh} c0 10 07 00020000000001"),
	TREATED_AS_WITHDRAW("large_communities_odd", "LARGE COMMUNITIES of eleven octets", "RFC 8092 section 6", "{origin}{path}{nh} c0 20 0b 0000000100000002000000"),
	TREATED_AS_WITHDRAW("traffic_engineering_empty", "a TRAFFIC_ENGINEERING of no octets", "RFC 7606 section 7.13", "{origin}{path}{nh} 80 18 00"),
	TREATED_AS_WITHDRAW("ipv6_ext_communities_odd", "IPv6 EXTENDED COMMUNITIES of nineteen octets", "RFC 7606 section 7.15", "{origin}{path}{nh} c0 19 13 {zeros 19}"),
	TREATED_AS_WITHDRAW("attr_set_short", "an ATTR_SET of three octets", "RFC 7606 section 7.16", "{origin}{path}{nh} c0 80 03 000000"),
	TREATED_AS_WITHDRAW("otc_short", "an ONLY_TO_CUSTOMER of three octets", "RFC 9234 section 5", "{origin}{path}{nh} c0 23 03 000000"),
	WITHDRAWN_INSIDE("local_pref_short", "a LOCAL_PREF of three octets within the AS", "RFC 7606 section 7.5", "{origin}{path}{hop} 40 05 03 000000"),
	WITHDRAWN_INSIDE("originator_id_short", "an ORIGINATOR_ID of three octets within the AS", "RFC 7606 section 7.9", "{origin}{path}{nh} 80 09 03 0a0000"),
	WITHDRAWN_INSIDE("cluster_list_odd", "a CLUSTER_LIST of five octets within the AS", "RFC 7606 section 7.10", "{origin}{path}{nh} 80 0a 05 0a00000100"),
	WITHDRAWN_INSIDE("cluster_list_empty", "a CLUSTER_LIST of no octets within the AS", "RFC 7606 section 7.10", "{origin}{path}{nh} 80 0a 00"),
	TREATED_AS_WITHDRAW("attribute_overrun", "an attribute that is longer than all attributes", "RFC 7606 section 4", "{origin}{path}{nh} c0 08 20 00000001"),
	TREATED_AS_WITHDRAW("attribute_header_cut", "one octet where an attribute's header should be", "RFC 7606 section 4", "{origin}{path}{nh} c0"),

	/* RFC 7606: what costs the attribute alone */
	DISCARDED("local_pref_external", "a LOCAL_PREF from another AS", "RFC 7606 section 7.5", "40 05 04 00000000", EXTERNAL),
	DISCARDED("local_pref_short_external", "a LOCAL_PREF of three octets from another AS", "RFC 7606 section 7.5", "40 05 03 000000", EXTERNAL),
	DISCARDED("atomic_aggregate_long", "an ATOMIC_AGGREGATE of one octet", "RFC 7606 section 7.6", "40 06 01 00", EVERYWHERE),
	DISCARDED("aggregator_short", "an AGGREGATOR of seven octets", "RFC 7606 section 7.7", "c0 07 07 0000fde80a0000", EVERYWHERE),
	DISCARDED("originator_id_external", "an ORIGINATOR_ID from another AS", "RFC 7606 section 7.9", "80 09 04 0a000001", EXTERNAL),
	DISCARDED("originator_id_short_external", "an ORIGINATOR_ID of three octets from another AS", "RFC 7606 section 7.9", "80 09 03 0a0000", EXTERNAL),
	DISCARDED("cluster_list_external", "a CLUSTER_LIST of five octets from another AS", "RFC 7606 section 7.10", "80 0a 05 0a00000100", EXTERNAL),
	DISCARDED("as4_path_from_new", "an AS4_PATH on a session of four-octet ASes", "RFC 6793 section 4.1", "c0 11 06 02 01 {as4}", EVERYWHERE),
	DISCARDED("as4_aggregator_from_new", "an AS4_AGGREGATOR on a session of four-octet ASes", "RFC 6793 section 4.1", "c0 12 08 {as4} 0a000001", EVERYWHERE),
	DISCARDED("aggregator_as_0", "an AGGREGATOR of AS 0", "RFC 7607 section 2", "c0 07 08 00000000 0a000001", EVERYWHERE),
	DISCARDED("aigp_short", "an AIGP whose TLV is cut", "RFC 7311 section 3.2", "80 1a 03 01000b", EVERYWHERE),
	DISCARDED("as4_path_segment_type", "an AS4_PATH segment of type 9 from an old speaker", "RFC 6793 section 6", "c0 11 06 09 01 {as4}", OLD),
	DISCARDED("as4_path_overrun", "an AS4_PATH segment that counts more ASes than there are, from an old speaker", "RFC 6793 section 6", "c0 11 06 02 03 {as4}", OLD),
	DISCARDED("as4_aggregator_short", "an AS4_AGGREGATOR of seven octets from an old speaker", "RFC 6793 section 6", "c0 07 06 5ba0 0a000001 c0 12 07 {as4} 0a0000", OLD),
	DISCARDED("repeated_origin", "a second ORIGIN, INCOMPLETE", "RFC 7606 section 3 (g)", "40 01 01 02", EVERYWHERE),
	DISCARDED("unknown_transitive", "an unknown optional transitive attribute", "RFC 4271 section 5", "c0 c8 04 01020304", EVERYWHERE),
	DISCARDED("unknown_nontransitive", "an unknown optional non-transitive attribute", "RFC 4271 section 5", "80 c8 04 01020304", EVERYWHERE),
	DISCARDED("extended_length", "COMMUNITIES whose length takes two octets though one would do", "RFC 4271 section 4.3", "d0 08 0004 59d80001", EVERYWHERE),
	DISCARDED("large_attribute", "an unknown attribute of 3500 octets", "RFC 4271 section 4.3", "d0 c8 [{zeros 3500}]", EVERYWHERE),

	/* Correct, though unusual */
	{.name = "empty_update", .about = "an UPDATE of 23 octets, End-of-RIB", .clause = "RFC 4724 section 2",
	 .stage = ROGUE_ESTABLISHED, .bytes = "<02 [] []>", .reaction = ROGUE_STAYS},
	{.name = "withdraw_unknown", .about = "the withdrawal of a route that was never announced", .clause = "RFC 4271 section 9",
	 .stage = ROGUE_ESTABLISHED, .bytes = "<02 [{nlri}] []>", .reaction = ROGUE_STAYS},
	{.name = "host_bits", .about = "a prefix of length 31 whose last octet has host bits, ignored by rule", .clause = "RFC 4271 section 4.3",
	 .stage = ROGUE_ESTABLISHED, .bytes = "<02 [] [{origin}{path}{nh}] 1f c61effff>", .reaction = ROGUE_STAYS},
	{.name = "announce_and_withdraw", .about = "a prefix withdrawn and announced in one UPDATE", .clause = "RFC 4271 section 4.3",
	 .stage = ROGUE_ESTABLISHED, .bytes = "<02 [{nlri}] [{origin}{path}{nh}] {nlri}>", .reaction = ROGUE_INSTALLED},
	{.name = "update_bytewise", .about = "an UPDATE, each octet in a segment of its own", .clause = "RFC 4271 section 4.1",
	 .stage = ROGUE_ESTABLISHED, .bytes = "<02 [] [{origin}{path}{nh}] {nlri}>", .bytewise = true, .reaction = ROGUE_INSTALLED},
	{.name = "update_flood", .about = "the same UPDATE ten thousand times", .clause = "RFC 4271 section 9",
	 .stage = ROGUE_ESTABLISHED, .bytes = "<02 [] [{origin}{path}{nh}] {nlri}>", .times = 10000, .reaction = ROGUE_INSTALLED},
	{.name = "keepalive_flood", .about = "ten thousand KEEPALIVEs at once", .clause = "RFC 4271 section 4.4",
	 .stage = ROGUE_ESTABLISHED, .bytes = "<04>", .times = 10000, .reaction = ROGUE_STAYS},

	/* Connections that go wrong */
	{.name = "silence", .about = "no more KEEPALIVEs", .clause = "RFC 4271 section 6.5",
	 .stage = ROGUE_ESTABLISHED, .bytes = "<04>", .then = ROGUE_FALLS_SILENT, NOTIFIED(ANSWER(4, 0))},
	{.name = "half_message", .about = "half an UPDATE, then nothing", .clause = "RFC 4271 section 6.5",
	 .stage = ROGUE_ESTABLISHED, .bytes = "{marker} 0040 02 0000", .then = ROGUE_FALLS_SILENT, NOTIFIED(ANSWER(4, 0))},
	{.name = "slow_open", .about = "an OPEN, an octet each 20 ms", .clause = "RFC 4271 section 4.1",
	 .stage = ROGUE_AS_OPEN, .bytes = "<01 04 {as} {hold} {id} ({caps})>", .pace_ms = 20, .reaction = ROGUE_STAYS},
	{.name = "slow_update", .about = "an UPDATE, an octet each 20 ms", .clause = "RFC 4271 section 4.1",
	 .stage = ROGUE_ESTABLISHED, .bytes = "<02 [] [{origin}{path}{nh}] {nlri}>", .pace_ms = 20, .reaction = ROGUE_INSTALLED},
	{.name = "slow_loris", .about = "an octet of an UPDATE each 100 ms, and so no whole message within the hold time", .clause = "RFC 4271 section 6.5",
	 .stage = ROGUE_ESTABLISHED, .bytes = "{marker} 0080 02 {zeros 64}", .pace_ms = 100, .then = ROGUE_FALLS_SILENT, NOTIFIED(ANSWER(4, 0))},
	{.name = "half_open", .about = "nothing any more, for it has forgotten the connection", .clause = "RFC 4271 section 8.2.2",
	 .stage = ROGUE_ESTABLISHED, .bytes = "<04>", .prior = true, .then = ROGUE_VANISHES, .reaction = ROGUE_CLOSES},
	{.name = "half_closed", .about = "a FIN while it goes on reading", .clause = "RFC 4271 section 8.2.2",
	 .stage = ROGUE_ESTABLISHED, .bytes = "<04>", .then = ROGUE_SENDS_FIN, .reaction = ROGUE_CLOSES},
	{.name = "reset", .about = "an RST on an established session", .clause = "RFC 4271 section 8.2.2",
	 .stage = ROGUE_ESTABLISHED, .bytes = "<04>", .prior = true, .then = ROGUE_SENDS_RST, .reaction = ROGUE_CLOSES},
	/* clang-format on */
};

const struct rogue_case *rogue_cases(size_t *ret_count)
{
	*ret_count = sizeof(cases) / sizeof(cases[0]);
	return cases;
}

bool rogue_fits(const struct rogue_case *what, uint32_t as, uint32_t peer_as)
{
	return what->peering == ROGUE_ANY_PEERING || (what->peering == ROGUE_INTERNAL) == (as == peer_as);
}

const struct rogue_case *rogue_case_find(const char *name)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (strcmp(cases[i].name, name) == 0)
			return &cases[i];
	}
	return NULL;
}
