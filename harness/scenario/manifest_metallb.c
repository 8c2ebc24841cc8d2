/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MetalLB's own kinds, group metallb.io. Types and syntax are judged here, with positions; what needs the whole
 * configuration is the model's to judge. */
#include "instant.h"
#include "manifest_int.h"

#include <string.h>

#define BGP_PORT 179
#define PEER_PORT_MAX 16384

/* ---- IPAddressPool ---- */

static char *trimmed(struct reader *r, const char *from, const char *to)
{
	while (from < to && *from == ' ')
		from++;
	while (to > from && to[-1] == ' ')
		to--;
	return arena_strndup(r->arena, from, (size_t)(to - from));
}

static bool range_parse(struct reader *r, const struct yaml_node *v, const char *dash, struct kube_range *ret)
{
	const char *text = v->text;

	if (addr_parse(trimmed(r, text, dash), &ret->first) < 0 ||
	    addr_parse(trimmed(r, dash + 1, text + strlen(text)), &ret->last) < 0) {
		diag_hint(r, reader_fault(r, v, "addresses: \"%s\" is no range", text),
			  "a range is two addresses, such as 10.0.0.10-10.0.0.20");
		return false;
	}
	if (ret->first.family != ret->last.family) {
		reader_fault(r, v, "addresses: \"%s\" mixes IPv4 and IPv6", text);
		return false;
	}
	if (addr_compare(&ret->first, &ret->last) > 0) {
		reader_fault(r, v, "addresses: \"%s\" ends before it begins", text);
		return false;
	}
	return true;
}

static bool range_read(struct reader *r, const struct yaml_node *v, struct kube_range *ret)
{
	const char *text = reader_text(r, v, "addresses"), *dash;
	struct addr a;
	struct diag *d;

	*ret = (struct kube_range){.origin = manifest_origin(r, v)};
	if (text == NULL)
		return false;
	dash = strchr(text, '-');
	if (dash != NULL)
		return range_parse(r, v, dash, ret);
	if (prefix_parse(text, &ret->cidr) < 0) {
		d = reader_fault(r, v, "addresses: \"%s\" is neither a network nor a range", text);
		if (addr_parse(text, &a) == 0)
			diag_hint(r, d, "for one address write %s/%zu", text, addr_len(a.family) * 8);
		else
			diag_hint(r, d, "write 10.0.0.0/24 or 10.0.0.10-10.0.0.20");
		return false;
	}
	ret->is_cidr = true;
	ret->first = ret->cidr.addr;
	ret->last = prefix_last(&ret->cidr);
	return true;
}

void field_ranges(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct kube_range *at;
	size_t n = 0;

	if (v->kind != YAML_LIST) {
		reader_wrong_type(r, v, f->key, "a list");
		return;
	}
	at = arena_array(r->arena, v->count, sizeof(*at));
	for (size_t i = 0; i < v->count; i++)
		n += range_read(r, v->items[i], &at[n]);
	span_set(ret, at, n);
}

static void allocation_finish(struct reader *r, const struct yaml_node *map, void *ret)
{
	(void)r;
	(void)map;
	((struct kube_pool *)ret)->service_allocation = true;
}

#define IN_POOL(member) offsetof(struct kube_pool, member)
#define SELECTORS_ROW(name, at)                                                                                        \
	{                                                                                                              \
		.key = (name), .read = field_records, .offset = (at), .more = &manifest_selector                       \
	}

static const struct field allocation_fields[] = {
	{.key = "priority", .read = field_int, .offset = IN_POOL(priority)},
	{.key = "namespaces", .read = field_texts, .offset = IN_POOL(namespaces)},
	SELECTORS_ROW("namespaceSelectors", IN_POOL(namespace_selectors)),
	SELECTORS_ROW("serviceSelectors", IN_POOL(service_selectors)),
};
static const struct record allocation = {
	.what = "serviceAllocation", RECORD_FIELDS(allocation_fields), .finish = allocation_finish};
static const struct field pool_spec_fields[] = {
	{.key = "addresses",
	 .read = field_ranges,
	 .offset = SPAN(struct kube_pool, ranges, range_count),
	 .required = true},
	{.key = "autoAssign", .read = field_bool, .offset = IN_POOL(auto_assign)},
	{.key = "avoidBuggyIPs", .read = field_bool, .offset = IN_POOL(avoid_buggy_ips)},
	{.key = "serviceAllocation", .read = field_record, .more = &allocation},
};
static const struct record pool_spec = {.what = "an IPAddressPool's spec", RECORD_FIELDS(pool_spec_fields)};
static const struct field pool_fields[] = {
	META_ROWS(struct kube_pool),
	{.key = "spec", .read = field_record, .more = &pool_spec, .required = true},
	{.key = "status", .read = field_ignore},
};
const struct record manifest_pool = {.what = "an IPAddressPool",
				     RECORD_FIELDS(pool_fields),
				     .size = sizeof(struct kube_pool),
				     .defaults = &(const struct kube_pool){.meta = META_DEFAULTS, .auto_assign = true}};

/* ---- BGPPeer ---- */

/* A field that only MetalLB's FRR mode knows was set, and not to what changes nothing anyway. */
static bool frr_field(const struct yaml_node *map, const char *key)
{
	static const char *const nothing[] = {"", "false", "0", "0s"};
	const struct yaml_node *v = yaml_get(map, key);

	if (v == NULL || v->kind == YAML_NULL)
		return false;
	for (size_t i = 0; v->kind == YAML_TEXT && i < sizeof(nothing) / sizeof(nothing[0]); i++) {
		if (strcmp(v->text, nothing[i]) == 0)
			return false;
	}
	return true;
}

static void connect_time_check(struct reader *r, const struct yaml_node *map, const struct kube_bgp_peer *p)
{
	int64_t ns = p->connect_ns;

	if (ns != KUBE_TIME_UNSET && (ns % NS_PER_S != 0 || ns < NS_PER_S || ns > UINT16_MAX * NS_PER_S))
		reader_fault(r, yaml_get(map, "connectTime"), "connectTime: whole seconds from 1s to 65535s");
}

static void peer_spec_finish(struct reader *r, const struct yaml_node *map, void *ret)
{
	static const char *const frr_only[] = {"bfdProfile", "connectTime",
					       "disableMP",  "dualStackAddressFamily",
					       "dynamicASN", "enableGracefulRestart",
					       "interface",  "keepaliveTime",
					       "localASN",   "vrf"};
	static const char *const not_modelled[] = {"interface", "vrf"};
	struct kube_bgp_peer *p = ret;

	for (size_t i = 0; i < sizeof(frr_only) / sizeof(frr_only[0]) && p->frr_only_field == NULL; i++)
		p->frr_only_field = frr_field(map, frr_only[i]) ? frr_only[i] : NULL;
	for (size_t i = 0; i < sizeof(not_modelled) / sizeof(not_modelled[0]) && p->not_modelled == NULL; i++)
		p->not_modelled = frr_field(map, not_modelled[i]) ? not_modelled[i] : NULL;
	connect_time_check(r, map, p);
}

/* BFD's name for none, an empty one, is no name. */
static void field_profile(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	if (v->kind != YAML_TEXT || *v->text != '\0')
		field_text(r, v, f, ret);
}

static void field_known_bool(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	bool ignored;

	(void)ret;
	field_bool(r, v, f, &ignored);
}

static const char *const dynamic_words[] = {
	[KUBE_ASN_GIVEN] = "", [KUBE_ASN_INTERNAL] = "internal", [KUBE_ASN_EXTERNAL] = "external"};
static const struct words dynamics = WORDS(dynamic_words);

#define IN_PEER(member) offsetof(struct kube_bgp_peer, member)
#define PEER_ROWS                                                                                                      \
	{.key = "myASN", .read = field_u32, .offset = IN_PEER(my_asn), .required = true},                              \
		{.key = "peerASN", .read = field_u32, .offset = IN_PEER(peer_asn)},                                    \
		{.key = "peerAddress", .read = field_addr, .offset = IN_PEER(peer_address)},                           \
		{.key = "sourceAddress", .read = field_addr, .offset = IN_PEER(source_address)},                       \
		{.key = "holdTime", .read = field_time, .offset = IN_PEER(hold_ns)},                                   \
		{.key = "keepaliveTime", .read = field_time, .offset = IN_PEER(keepalive_ns)},                         \
		{.key = "routerID", .read = field_addr, .offset = IN_PEER(router_id)},                                 \
		{.key = "password", .read = field_text, .offset = IN_PEER(password)},                                  \
		{.key = "ebgpMultiHop", .read = field_bool, .offset = IN_PEER(ebgp_multihop)},                         \
		{.key = "bfdProfile", .read = field_profile, .offset = IN_PEER(bfd_profile)},                          \
		SELECTORS_ROW("nodeSelectors", IN_PEER(node_selectors))

static const struct field peer_spec_fields[] = {
	PEER_ROWS,
	{.key = "peerPort", .read = field_u16, .offset = IN_PEER(peer_port), .min = 1, .max = PEER_PORT_MAX},
	{.key = "passwordSecret", .read = field_unsupported},
	{.key = "connectTime", .read = field_time, .offset = IN_PEER(connect_ns)},
	/* deprecated, and without effect since 0.15; the native mode refuses it */
	{.key = "disableMP", .read = field_known_bool},
	{.key = "dualStackAddressFamily", .read = field_bool, .offset = IN_PEER(dual_stack)},
	{.key = "dynamicASN", .read = field_word, .offset = IN_PEER(dynamic_asn), .more = &dynamics},
	{.key = "enableGracefulRestart", .read = field_bool, .offset = IN_PEER(graceful_restart)},
	{.key = "interface", .read = field_ignore},
	{.key = "localASN", .read = field_u32, .offset = IN_PEER(local_asn), .min = 1},
	{.key = "vrf", .read = field_ignore},
};
static const struct record peer_spec = {
	.what = "a BGPPeer's spec", RECORD_FIELDS(peer_spec_fields), .finish = peer_spec_finish};
static const struct field peer_fields[] = {
	META_ROWS(struct kube_bgp_peer),
	{.key = "spec", .read = field_record, .more = &peer_spec, .required = true},
	{.key = "status", .read = field_ignore},
};
const struct record manifest_peer = {.what = "a BGPPeer",
				     RECORD_FIELDS(peer_fields),
				     .size = sizeof(struct kube_bgp_peer),
				     .defaults = &(const struct kube_bgp_peer){.meta = META_DEFAULTS,
									       .peer_port = BGP_PORT,
									       .connect_ns = KUBE_TIME_UNSET,
									       .hold_ns = KUBE_TIME_UNSET,
									       .keepalive_ns = KUBE_TIME_UNSET}};

static void old_port_finish(struct reader *r, const struct yaml_node *map, void *ret)
{
	struct kube_bgp_peer *p = ret;

	peer_spec_finish(r, map, ret);
	if (p->peer_port == 0)
		p->peer_port = BGP_PORT;
}

static const struct field old_peer_spec_fields[] = {
	PEER_ROWS,
	{.key = "peerPort", .read = field_u16, .offset = IN_PEER(peer_port), .max = PEER_PORT_MAX},
};
static const struct record old_peer_spec = {
	.what = "a BGPPeer's spec", RECORD_FIELDS(old_peer_spec_fields), .finish = old_port_finish};
static const struct field old_peer_fields[] = {
	META_ROWS(struct kube_bgp_peer),
	{.key = "spec", .read = field_record, .more = &old_peer_spec, .required = true},
	{.key = "status", .read = field_ignore},
};
/* MetalLB's conversion from v1beta1 makes an absent time an explicit 0: no hold timer on the wire. */
const struct record manifest_peer_v1beta1 = {.what = "a BGPPeer",
					     RECORD_FIELDS(old_peer_fields),
					     .size = sizeof(struct kube_bgp_peer),
					     .defaults = &(const struct kube_bgp_peer){.meta = META_DEFAULTS,
										       .peer_port = BGP_PORT,
										       .connect_ns = KUBE_TIME_UNSET}};

/* ---- BGPAdvertisement ---- */

#define IN_ADVERTISEMENT(member) offsetof(struct kube_bgp_advertisement, member)

static const struct field advertisement_spec_fields[] = {
	{.key = "aggregationLength",
	 .read = field_int,
	 .offset = IN_ADVERTISEMENT(aggregation_length),
	 .min = 1,
	 .max = 32},
	{.key = "aggregationLengthV6",
	 .read = field_int,
	 .offset = IN_ADVERTISEMENT(aggregation_length_v6),
	 .max = 128},
	{.key = "localPref", .read = field_u32, .offset = IN_ADVERTISEMENT(local_pref)},
	{.key = "communities", .read = field_texts, .offset = IN_ADVERTISEMENT(communities)},
	{.key = "ipAddressPools", .read = field_texts, .offset = IN_ADVERTISEMENT(pools)},
	{.key = "peers", .read = field_texts, .offset = IN_ADVERTISEMENT(peers)},
	SELECTORS_ROW("ipAddressPoolSelectors", IN_ADVERTISEMENT(pool_selectors)),
	SELECTORS_ROW("nodeSelectors", IN_ADVERTISEMENT(node_selectors)),
	SELECTORS_ROW("serviceSelectors", IN_ADVERTISEMENT(service_selectors)),
};
static const struct record advertisement_spec = {.what = "a BGPAdvertisement's spec",
						 RECORD_FIELDS(advertisement_spec_fields)};
static const struct field advertisement_fields[] = {
	META_ROWS(struct kube_bgp_advertisement),
	{.key = "spec", .read = field_record, .more = &advertisement_spec},
	{.key = "status", .read = field_ignore},
};
const struct record manifest_advertisement = {
	.what = "a BGPAdvertisement",
	RECORD_FIELDS(advertisement_fields),
	.size = sizeof(struct kube_bgp_advertisement),
	.defaults = &(const struct kube_bgp_advertisement){
		.meta = META_DEFAULTS, .aggregation_length = 32, .aggregation_length_v6 = 128}};

/* ---- Community ---- */

static const struct field alias_fields[] = {
	{.key = "name", .read = field_text, .offset = offsetof(struct kube_label, key), .required = true},
	{.key = "value", .read = field_text, .offset = offsetof(struct kube_label, value), .required = true},
};
static const struct record alias_record = {.what = "a community",
					   RECORD_FIELDS(alias_fields),
					   .size = sizeof(struct kube_label),
					   .defaults = &(const struct kube_label){"", ""}};
static const struct field community_spec_fields[] = {
	{.key = "communities",
	 .read = field_records,
	 .offset = SPAN(struct kube_community, aliases, alias_count),
	 .more = &alias_record,
	 .required = true},
};
static const struct record community_spec = {.what = "a Community's spec", RECORD_FIELDS(community_spec_fields)};
static const struct field community_fields[] = {
	META_ROWS(struct kube_community),
	{.key = "spec", .read = field_record, .more = &community_spec, .required = true},
	{.key = "status", .read = field_ignore},
};
const struct record manifest_community = {.what = "a Community",
					  RECORD_FIELDS(community_fields),
					  .size = sizeof(struct kube_community),
					  .defaults = &(const struct kube_community){.meta = META_DEFAULTS}};

/* ---- BFDProfile ---- */

#define IN_PROFILE(member) offsetof(struct kube_bfd_profile, member)
#define MS_ROW(name, at)                                                                                               \
	{                                                                                                              \
		.key = (name), .read = field_u32, .offset = IN_PROFILE(at), .min = 10, .max = 60000                    \
	}

static const struct field profile_spec_fields[] = {
	MS_ROW("receiveInterval", receive_ms),
	MS_ROW("transmitInterval", transmit_ms),
	{.key = "detectMultiplier", .read = field_u32, .offset = IN_PROFILE(multiplier), .min = 2, .max = 255},
	MS_ROW("echoInterval", echo_ms),
	{.key = "echoMode", .read = field_bool, .offset = IN_PROFILE(echo_mode)},
	{.key = "passiveMode", .read = field_bool, .offset = IN_PROFILE(passive)},
	{.key = "minimumTtl", .read = field_u32, .offset = IN_PROFILE(minimum_ttl), .min = 1, .max = 254},
};
static const struct record profile_spec = {.what = "a BFDProfile's spec", RECORD_FIELDS(profile_spec_fields)};
static const struct field profile_fields[] = {
	META_ROWS(struct kube_bfd_profile),
	{.key = "spec", .read = field_record, .more = &profile_spec},
	{.key = "status", .read = field_ignore},
};
const struct record manifest_bfd_profile = {.what = "a BFDProfile",
					    RECORD_FIELDS(profile_fields),
					    .size = sizeof(struct kube_bfd_profile),
					    .defaults = &(const struct kube_bfd_profile){.meta = META_DEFAULTS,
											 .receive_ms = 300,
											 .transmit_ms = 300,
											 .multiplier = 3,
											 .echo_ms = 50,
											 .minimum_ttl = 254}};
