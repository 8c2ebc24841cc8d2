/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An UPDATE as JSON: the words are tshark's, so that the two can be compared. */
#include "message_int.h"

#include "arena.h"

#include <string.h>

#define TEXT_MAX 262144

/* ---- Routes ---- */

static void routes_put(json_t *ret, const char *key, struct wire_nlri nlri)
{
	json_t *list = json_array();
	char ids_key[48];
	struct wire_route r;

	snprintf(ids_key, sizeof(ids_key), "%s_path_id", key);
	while (wire_nlri_next(&nlri, &r)) {
		(void)json_array_append_new(list, json_string(prefix_text(&r.prefix).s));
		if (nlri.add_path)
			message_add_number(ret, ids_key, r.path_id);
	}
	(void)json_object_set_new(ret, key, list);
}

static void family_put(json_t *ret, uint16_t afi, uint8_t safi)
{
	message_number(ret, "afi", afi);
	message_number(ret, "safi", safi);
}

/* Multicast routes look as unicast ones do (RFC 4760 section 5). */
static bool readable(uint16_t afi, uint8_t safi)
{
	return (afi == WIRE_AFI_IPV4 || afi == WIRE_AFI_IPV6) &&
	       (safi == WIRE_SAFI_UNICAST || safi == MESSAGE_SAFI_MULTICAST);
}

/* The prefixes that tshark finds in routes of other families. */
static json_t *prefixes_of(uint16_t afi, uint8_t safi, struct wire_in bytes)
{
	bool ip = afi == WIRE_AFI_IPV4 || afi == WIRE_AFI_IPV6;

	if (ip && (safi == MESSAGE_SAFI_FLOWSPEC || safi == MESSAGE_SAFI_FLOWSPEC_VPN))
		return message_flowspec(afi, safi, bytes);
	if (afi == MESSAGE_AFI_LS && (safi == MESSAGE_SAFI_LS || safi == MESSAGE_SAFI_LS_VPN))
		return message_link_state(safi, bytes);
	return json_array();
}

/* Of families that we don't read, the octets, too. */
static void mp_routes_put(json_t *o, uint16_t afi, uint8_t safi, struct wire_in bytes,
			  const struct wire_session *session, bool withdrawn)
{
	struct message_way way = {.add_path = afi == WIRE_AFI_IPV4 ? session->add_path_v4 : session->add_path_v6,
				  .withdrawn = withdrawn};
	struct wire_nlri nlri = {.afi = afi, .safi = WIRE_SAFI_UNICAST, .add_path = way.add_path, .bytes = bytes};
	bool ip = afi == WIRE_AFI_IPV4 || afi == WIRE_AFI_IPV6;

	if (readable(afi, safi)) {
		routes_put(o, "nlri", nlri);
		return;
	}
	(void)json_object_set_new(o, "nlri", prefixes_of(afi, safi, bytes));
	if (ip && (safi == MESSAGE_SAFI_LABELED || safi == MESSAGE_SAFI_VPN))
		(void)json_object_set_new(o, "routes", message_labeled(afi, safi, &way, bytes));
	if (wire_left(&bytes) > 0)
		(void)json_object_set_new(o, "nlri_hex", message_hex(bytes));
}

static void next_hops_put(json_t *o, struct wire_in hop)
{
	json_t *list = json_array();
	size_t n = wire_left(&hop);
	char text[80];

	if (n == 12 || n == 24) {
		message_distinguisher(&hop, text, sizeof(text));
		(void)json_array_append_new(list, json_string(text));
		n -= 8;
	}

	while (n == 4 || n == 16 || n == 32) {
		size_t len = n == 4 ? 4 : 16;
		struct addr a = addr_from_bytes(len == 4 ? ADDR_V4 : ADDR_V6, wire_take(&hop, len));

		(void)json_array_append_new(list, json_string(addr_text(&a).s));
		n -= len;
	}
	if (n > 0)
		(void)json_object_set_new(o, "next_hop_hex", message_hex(hop));
	(void)json_object_set_new(o, "next_hop", list);
}

/* ---- Attributes ---- */

static void path_text(struct wire_in path, bool as4, char *ret, size_t room)
{
	static const char *const open[] = {"", "{", "", "(", "["}, *const close[] = {"", "}", "", ")", "]"};
	struct wire_path_segment segment;
	size_t len = 0;

	ret[0] = '\0';
	while (wire_path_next(&path, as4, &segment) && len + 64 < room) {
		uint8_t type = segment.type <= WIRE_CONFED_SET ? segment.type : 0;
		bool set = type == WIRE_AS_SET || type == WIRE_CONFED_SET, first = true;

		len += (size_t)snprintf(ret + len, room - len, "%s%s", len > 0 ? " " : "", open[type]);
		while (wire_more(&segment.ases) && len + 64 < room) {
			uint32_t as = as4 ? wire_u32(&segment.ases) : wire_u16(&segment.ases);

			if (segment.ases.bad)
				break;
			len += (size_t)snprintf(ret + len, room - len, "%s%u", first ? "" : set ? ", " : " ", as);
			first = false;
		}
		len += (size_t)snprintf(ret + len, room - len, "%s", close[type]);
	}
	if (len == 0)
		snprintf(ret, room, "empty");
}

static void path_put(json_t *ret, const char *key, struct wire_in path, bool as4)
{
	char *text = memory_new(TEXT_MAX);

	path_text(path, as4, text, TEXT_MAX);
	message_text(ret, key, text);
	free(text);
}

/* Values of a fixed size, with blanks between them. */
static void list_put(json_t *ret, const char *key, struct wire_in v, size_t size,
		     void (*one)(struct wire_in *v, char *ret, size_t room))
{
	char *text = memory_new(TEXT_MAX);
	size_t len = 0;

	while (wire_left(&v) >= size && len + 64 < TEXT_MAX) {
		char word[48];

		one(&v, word, sizeof(word));
		len += (size_t)snprintf(text + len, TEXT_MAX - len, "%s%s", len > 0 ? " " : "", word);
	}
	message_text(ret, key, text);
	free(text);
}

/* The registry's well-known ones by name. */
static void community(struct wire_in *v, char *ret, size_t room)
{
	static const struct {
		uint32_t value;
		const char *name;
	} known[] = {
		{0xffff0000, "GRACEFUL_SHUTDOWN"}, {0xffff0001, "ACCEPT_OWN"},		{0xffff0006, "LLGR_STALE"},
		{0xffff0007, "NO_LLGR"},	   {0xffff029a, "BLACKHOLE"},		{0xffffff01, "NO_EXPORT"},
		{0xffffff02, "NO_ADVERTISE"},	   {0xffffff03, "NO_EXPORT_SUBCONFED"}, {0xffffff04, "NOPEER"},
	};
	uint32_t value = wire_u32(v);

	snprintf(ret, room, "%u:%u", value >> 16, value & 0xffff);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].value == value)
			snprintf(ret, room, "%s", known[i].name);
	}
}

static void large_community(struct wire_in *v, char *ret, size_t room)
{
	uint32_t global = wire_u32(v), first = wire_u32(v);

	snprintf(ret, room, "%u:%u:%u", global, first, wire_u32(v));
}

static void ext_community(struct wire_in *v, char *ret, size_t room)
{
	uint32_t high = wire_u32(v);

	snprintf(ret, room, "%08x%08x", high, wire_u32(v));
}

static void cluster(struct wire_in *v, char *ret, size_t room)
{
	struct addr a = addr_v4(wire_u32(v));

	snprintf(ret, room, "%s", addr_text(&a).s);
}

static void aggregator_put(json_t *ret, const char *key, struct wire_in v, bool as4)
{
	uint32_t as = as4 ? wire_u32(&v) : wire_u16(&v);
	struct addr a = addr_v4(wire_u32(&v));
	char text[64];

	snprintf(text, sizeof(text), "AS: %u origin: %s", as, addr_text(&a).s);
	message_text(ret, key, text);
}

static void v4_put(json_t *ret, const char *key, struct wire_in v)
{
	struct addr a = addr_v4(wire_u32(&v));

	message_text(ret, key, addr_text(&a).s);
}

static void reach_put(json_t *ret, struct wire_in v, const struct wire_session *session)
{
	json_t *o = json_object();
	uint16_t afi = wire_u16(&v);
	uint8_t safi = wire_u8(&v);
	struct wire_in hop = wire_sub(&v, wire_u8(&v));

	family_put(o, afi, safi);
	wire_skip(&v, 1);
	if (!hop.bad)
		next_hops_put(o, hop);
	if (!v.bad)
		mp_routes_put(o, afi, safi, v, session, false);
	(void)json_object_set_new(ret, "mp_reach", o);
}

static void unreach_put(json_t *ret, struct wire_in v, const struct wire_session *session)
{
	json_t *o = json_object();
	uint16_t afi = wire_u16(&v);
	uint8_t safi = wire_u8(&v);

	family_put(o, afi, safi);
	if (!v.bad)
		mp_routes_put(o, afi, safi, v, session, true);
	(void)json_object_set_new(ret, "mp_unreach", o);
}

static void origin_put(json_t *ret, struct wire_in v)
{
	static const char *const names[] = {"IGP", "EGP", "INCOMPLETE"};
	uint8_t origin = wire_u8(&v);

	if (origin <= WIRE_ORIGIN_INCOMPLETE)
		message_text(ret, "origin", names[origin]);
	else
		message_number(ret, "origin", origin);
}

/* False for an attribute that has no key of its own, or not the length that its key needs. */
static bool attribute_known(json_t *ret, uint8_t code, struct wire_in v, const struct wire_session *session)
{
	size_t n = wire_left(&v);

	switch (code) {
	case WIRE_ATTR_ORIGIN:
		return n == 1 && (origin_put(ret, v), true);
	case WIRE_ATTR_AS_PATH:
		return (path_put(ret, "as_path", v, session->as4), true);
	case WIRE_ATTR_NEXT_HOP:
		return n == 4 && (v4_put(ret, "next_hop", v), true);
	case WIRE_ATTR_MED:
		return n == 4 && (message_number(ret, "med", wire_u32(&v)), true);
	case WIRE_ATTR_LOCAL_PREF:
		return n == 4 && (message_number(ret, "local_pref", wire_u32(&v)), true);
	case WIRE_ATTR_ATOMIC_AGGREGATE:
		return n == 0 && json_object_set_new(ret, "atomic", json_true()) == 0;
	case WIRE_ATTR_AGGREGATOR:
		return n == (session->as4 ? 8 : 6) && (aggregator_put(ret, "aggregator", v, session->as4), true);
	case WIRE_ATTR_COMMUNITIES:
		return n % 4 == 0 && (list_put(ret, "communities", v, 4, community), true);
	case WIRE_ATTR_ORIGINATOR_ID:
		return n == 4 && (v4_put(ret, "originator_id", v), true);
	case WIRE_ATTR_CLUSTER_LIST:
		return n % 4 == 0 && (list_put(ret, "cluster_list", v, 4, cluster), true);
	case WIRE_ATTR_MP_REACH:
		return (reach_put(ret, v, session), true);
	case WIRE_ATTR_MP_UNREACH:
		return (unreach_put(ret, v, session), true);
	case WIRE_ATTR_EXT_COMMUNITIES:
		return n % 8 == 0 && (list_put(ret, "ext_communities", v, 8, ext_community), true);
	case WIRE_ATTR_AS4_PATH:
		return (path_put(ret, "as4_path", v, true), true);
	case WIRE_ATTR_AS4_AGGREGATOR:
		return n == 8 && (aggregator_put(ret, "as4_aggregator", v, true), true);
	case WIRE_ATTR_LARGE_COMMUNITIES:
		return n % 12 == 0 && (list_put(ret, "large_communities", v, 12, large_community), true);
	case WIRE_ATTR_OTC:
		return n == 4 && (message_number(ret, "otc", wire_u32(&v)), true);
	default:
		return false;
	}
}

static void attributes_put(json_t *ret, struct wire_in in, const struct wire_session *session)
{
	json_t *list = json_array();

	while (wire_left(&in) > 2) {
		uint8_t flags = wire_u8(&in), code = wire_u8(&in);
		size_t len = (flags & WIRE_FLAG_EXTENDED) != 0 ? wire_u16(&in) : wire_u8(&in);
		struct wire_in value = wire_sub(&in, len);
		char text[32];

		snprintf(text, sizeof(text), "%u/0x%02x/%zu", code, flags, len);
		(void)json_array_append_new(list, json_string(text));
		if (in.bad)
			break;
		if (!attribute_known(ret, code, value, session)) {
			snprintf(text, sizeof(text), "attr_%u", code);
			(void)json_object_set_new(ret, text, message_hex(value));
		}
	}
	(void)json_object_set_new(ret, "attrs", list);
}

/* ---- The message ---- */

static struct wire_nlri v4(struct wire_in bytes, const struct wire_session *session)
{
	return (struct wire_nlri){
		.afi = WIRE_AFI_IPV4, .safi = WIRE_SAFI_UNICAST, .add_path = session->add_path_v4, .bytes = bytes};
}

void message_update(json_t *ret, struct wire_in message, const struct wire_session *session)
{
	struct wire_in withdrawn, attrs;
	bool overrun;
	size_t n;

	wire_skip(&message, WIRE_HEADER_LEN);
	n = wire_u16(&message);
	message_number(ret, "wlen", n);
	withdrawn = wire_sub(&message, n);
	n = wire_u16(&message);
	if (!message.bad)
		message_number(ret, "alen", n);
	/* attributes that overrun the message are told as far as they are there */
	overrun = wire_left(&message) < n;
	attrs = overrun ? message : wire_sub(&message, n);
	routes_put(ret, "withdrawn", v4(withdrawn, session));
	routes_put(ret, "nlri", v4(overrun ? wire_in_of(NULL, 0) : message, session));
	attributes_put(ret, attrs, session);
}
