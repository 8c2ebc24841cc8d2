/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MetalLB's configuration before version 0.13 (METALLB section 2.10): in a ConfigMap, as text within YAML, or as Helm's
 * configInline. Strict, as its own reader was. */
#include "manifest_int.h"

#include <string.h>

#define BGP_PORT 179

enum legacy_protocol { LEGACY_BGP, LEGACY_LAYER2 };

struct legacy_pool {
	struct kube_pool pool;
	enum legacy_protocol protocol;
	const struct kube_bgp_advertisement *advertisements;
	size_t advertisement_count;
};

struct legacy {
	const struct kube_bgp_peer *peers;
	size_t peer_count;
	const struct legacy_pool *pools;
	size_t pool_count;
	struct kube_labels communities;
};

static const struct kube_bgp_advertisement advertisement_defaults = {
	.meta = META_DEFAULTS, .aggregation_length = 32, .aggregation_length_v6 = 128};

/* ---- Peers ---- */

static const struct field selector_fields[] = {
	{.key = "match-labels", .read = field_labels, .offset = offsetof(struct kube_selector, labels)},
	{.key = "match-expressions",
	 .read = field_records,
	 .offset = SPAN(struct kube_selector, requirements, requirement_count),
	 .more = &manifest_requirement},
};
static const struct record selector = {
	.what = "a node selector", RECORD_FIELDS(selector_fields), .size = sizeof(struct kube_selector)};

static void field_bfd_profile(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	const char *name = reader_text(r, v, f->key);

	if (name != NULL && *name != '\0')
		memcpy(ret, &f->key, sizeof(f->key));
}

static void bfd_profiles(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	(void)ret;
	if (v->kind != YAML_LIST || v->count > 0)
		reader_fault(r, v, "%s: MetalLB's native BGP engine has no BFD", f->key);
}

#define IN_PEER(member) offsetof(struct kube_bgp_peer, member)

static const struct field peer_fields[] = {
	{.key = "my-asn", .read = field_u32, .offset = IN_PEER(my_asn), .required = true},
	{.key = "peer-asn", .read = field_u32, .offset = IN_PEER(peer_asn), .required = true},
	{.key = "peer-address", .read = field_addr, .offset = IN_PEER(peer_address), .required = true},
	{.key = "source-address", .read = field_addr, .offset = IN_PEER(source_address)},
	{.key = "peer-port", .read = field_u16, .offset = IN_PEER(peer_port), .min = 1},
	{.key = "hold-time", .read = field_time, .offset = IN_PEER(hold_ns)},
	{.key = "keepalive-time", .read = field_time, .offset = IN_PEER(keepalive_ns)},
	{.key = "router-id", .read = field_addr, .offset = IN_PEER(router_id)},
	{.key = "node-selectors", .read = field_records, .offset = IN_PEER(node_selectors), .more = &selector},
	{.key = "password", .read = field_text, .offset = IN_PEER(password)},
	{.key = "bfd-profile", .read = field_bfd_profile, .offset = IN_PEER(frr_only_field)},
	{.key = "ebgp-multihop", .read = field_bool, .offset = IN_PEER(ebgp_multihop)},
};
static const struct record peer_record = {.what = "a peer",
					  RECORD_FIELDS(peer_fields),
					  .size = sizeof(struct kube_bgp_peer),
					  .defaults = &(const struct kube_bgp_peer){.meta = META_DEFAULTS,
										    .peer_port = BGP_PORT,
										    .connect_ns = KUBE_TIME_UNSET,
										    .hold_ns = KUBE_TIME_UNSET,
										    .keepalive_ns = KUBE_TIME_UNSET}};

/* ---- Pools ---- */

#define IN_ADVERTISEMENT(member) offsetof(struct kube_bgp_advertisement, member)

static const struct field advertisement_fields[] = {
	{.key = "aggregation-length",
	 .read = field_int,
	 .offset = IN_ADVERTISEMENT(aggregation_length),
	 .min = 1,
	 .max = 32},
	{.key = "aggregation-length-v6",
	 .read = field_int,
	 .offset = IN_ADVERTISEMENT(aggregation_length_v6),
	 .min = 1,
	 .max = 128},
	{.key = "localpref", .read = field_u32, .offset = IN_ADVERTISEMENT(local_pref)},
	{.key = "communities", .read = field_texts, .offset = IN_ADVERTISEMENT(communities)},
};
static const struct record advertisement_record = {.what = "a bgp-advertisement",
						   RECORD_FIELDS(advertisement_fields),
						   .size = sizeof(struct kube_bgp_advertisement),
						   .defaults = &advertisement_defaults};

static const char *const protocol_words[] = {[LEGACY_BGP] = "bgp", [LEGACY_LAYER2] = "layer2"};
static const struct words protocols = WORDS(protocol_words);

static void pool_finish(struct reader *r, const struct yaml_node *map, void *ret)
{
	const struct legacy_pool *p = ret;
	const struct yaml_node *key = yaml_get_key(map, "bgp-advertisements");

	if (p->protocol == LEGACY_LAYER2 && p->advertisement_count > 0 && key != NULL)
		reader_fault(r, key, "a layer2 pool can't have bgp-advertisements");
}

static const struct field pool_fields[] = {
	{.key = "name", .read = field_text, .offset = offsetof(struct legacy_pool, pool.meta.name), .required = true},
	{.key = "protocol",
	 .read = field_word,
	 .offset = offsetof(struct legacy_pool, protocol),
	 .more = &protocols,
	 .required = true},
	{.key = "addresses",
	 .read = field_ranges,
	 .offset = SPAN(struct legacy_pool, pool.ranges, pool.range_count),
	 .required = true},
	{.key = "avoid-buggy-ips", .read = field_bool, .offset = offsetof(struct legacy_pool, pool.avoid_buggy_ips)},
	{.key = "auto-assign", .read = field_bool, .offset = offsetof(struct legacy_pool, pool.auto_assign)},
	{.key = "bgp-advertisements",
	 .read = field_records,
	 .offset = SPAN(struct legacy_pool, advertisements, advertisement_count),
	 .more = &advertisement_record},
};
static const struct record pool_record = {
	.what = "an address pool",
	RECORD_FIELDS(pool_fields),
	.size = sizeof(struct legacy_pool),
	.defaults = &(const struct legacy_pool){.pool = {.meta = META_DEFAULTS, .auto_assign = true}},
	.finish = pool_finish};

/* ---- The whole ---- */

static const struct field legacy_fields[] = {
	{.key = "peers", .read = field_records, .offset = SPAN(struct legacy, peers, peer_count), .more = &peer_record},
	{.key = "address-pools",
	 .read = field_records,
	 .offset = SPAN(struct legacy, pools, pool_count),
	 .more = &pool_record},
	{.key = "bgp-communities", .read = field_labels, .offset = offsetof(struct legacy, communities)},
	{.key = "bfd-profiles", .read = bfd_profiles},
};
static struct record legacy_record(const char *what)
{
	return (struct record){.what = what, RECORD_FIELDS(legacy_fields), .size = sizeof(struct legacy)};
}

static size_t pool_advertisements(const struct legacy_pool *p)
{
	if (p->protocol == LEGACY_LAYER2)
		return 0;
	return p->advertisement_count > 0 ? p->advertisement_count : 1;
}

static void advertisements_make(struct reader *r, const struct legacy *from, struct kube_legacy_config *to)
{
	struct kube_bgp_advertisement *at;
	size_t n = 0;

	for (size_t i = 0; i < from->pool_count; i++)
		n += pool_advertisements(&from->pools[i]);
	at = arena_array(r->arena, n, sizeof(*at));
	n = 0;
	for (size_t i = 0; i < from->pool_count; i++) {
		const struct legacy_pool *p = &from->pools[i];
		const char **name = arena_memdup(r->arena, &p->pool.meta.name, sizeof(p->pool.meta.name));

		for (size_t j = 0; j < pool_advertisements(p); j++, n++) {
			at[n] = p->advertisement_count > 0 ? p->advertisements[j] : advertisement_defaults;
			at[n].meta.name = arena_printf(r->arena, "bgpadvertisement%zu", n + 1);
			at[n].pools = (struct kube_strings){name, 1};
		}
	}
	to->advertisements = at;
	to->advertisement_count = n;
}

static void legacy_convert(struct reader *r, const struct legacy *from, struct kube_legacy_config *to)
{
	struct kube_bgp_peer *peers = arena_memdup(r->arena, from->peers, from->peer_count * sizeof(*peers));
	struct kube_pool *pools = arena_array(r->arena, from->pool_count, sizeof(*pools));

	/* METALLB section 2.11: the names that MetalLB's own converter gives */
	for (size_t i = 0; i < from->peer_count; i++)
		peers[i].meta.name = arena_printf(r->arena, "peer%zu", i + 1);
	for (size_t i = 0; i < from->pool_count; i++)
		pools[i] = from->pools[i].pool;
	to->peers = peers;
	to->peer_count = from->peer_count;
	to->pools = pools;
	to->pool_count = from->pool_count;
	to->communities = (struct kube_community){.meta = {.name = "communities", .namespace = "default"},
						  .aliases = from->communities.at,
						  .alias_count = from->communities.len};
	advertisements_make(r, from, to);
}

static void legacy_add(struct manifest *m, const struct yaml_node *config, const char *what)
{
	struct record record = legacy_record(what);
	struct legacy legacy;

	if (record_read(&m->r, config, &record, &legacy))
		legacy_convert(&m->r, &legacy, &manifest_add(m, KUBE_LEGACY_CONFIG, config)->legacy);
}

/* ---- Its two envelopes ---- */

static const struct field data_fields[] = {{.key = "config", .read = field_known, .required = true}};
static const struct record data_record = {.what = "the ConfigMap's data", RECORD_FIELDS(data_fields)};
static const struct field config_map_fields[] = {
	META_ROWS(struct kube_namespace),
	{.key = "data", .read = field_record, .more = &data_record, .required = true},
	{.key = "immutable", .read = field_ignore},
};
static const struct record config_map_record = {.what = "a ConfigMap",
						RECORD_FIELDS(config_map_fields),
						.size = sizeof(struct kube_namespace),
						.defaults = &(const struct kube_namespace){.meta = META_DEFAULTS}};

/* The other ConfigMap that MetalLB reads, by its name. */
static const struct field extras_data_fields[] = {
	{.key = "extras", .read = field_text, .offset = offsetof(struct kube_bgp_extras, text), .required = true}};
static const struct record extras_data = {.what = "the data of bgpextras", RECORD_FIELDS(extras_data_fields)};

static void field_extras(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	(void)f;
	record_read_over(r, v, &extras_data, ret);
}

static const struct field extras_fields[] = {
	META_ROWS(struct kube_bgp_extras),
	{.key = "data", .read = field_extras, .required = true},
	{.key = "immutable", .read = field_ignore},
};
static const struct record extras_record = {.what = "ConfigMap bgpextras",
					    RECORD_FIELDS(extras_fields),
					    .size = sizeof(struct kube_bgp_extras),
					    .defaults = &(const struct kube_bgp_extras){.meta = META_DEFAULTS}};

static bool is_extras(const struct yaml_node *doc)
{
	const struct yaml_node *name = yaml_get(yaml_get(doc, "metadata"), "name");

	return name != NULL && name->kind == YAML_TEXT && strcmp(name->text, "bgpextras") == 0;
}

void manifest_config_map(struct manifest *m, const struct yaml_node *doc)
{
	const struct yaml_node *text = yaml_get(yaml_get(doc, "data"), "config");
	struct kube_namespace envelope;
	struct yaml_docs docs;

	if (is_extras(doc)) {
		record_read(&m->r, doc, &extras_record, &manifest_add(m, KUBE_BGP_EXTRAS, doc)->extras);
		return;
	}
	if (!record_read(&m->r, doc, &config_map_record, &envelope) || text == NULL)
		return;
	if (text->kind != YAML_TEXT) {
		diag_hint(&m->r, reader_fault(&m->r, text, "config: expected text that holds YAML"),
			  "write config: | and indent the configuration below it");
		return;
	}
	if (yaml_parse_inside(m->r.src, text, m->r.arena, m->r.diags, &docs) < 0)
		return;
	if (docs.count != 1)
		reader_fault(&m->r, text, "config: expected one YAML document, found %zu", docs.count);
	else
		legacy_add(m, docs.at[0], "the configuration");
}

static const struct field helm_fields[] = {
	{.key = "configInline", .read = field_known, .required = true},
	{.key = "commonAnnotations", .read = field_ignore},
	{.key = "commonLabels", .read = field_ignore},
	{.key = "controller", .read = field_ignore},
	{.key = "existingConfigMap", .read = field_unsupported},
	{.key = "extraDeploy", .read = field_ignore},
	{.key = "fullnameOverride", .read = field_ignore},
	{.key = "global", .read = field_ignore},
	{.key = "imagePullSecrets", .read = field_ignore},
	{.key = "kubeVersion", .read = field_ignore},
	{.key = "loadBalancerClass", .read = field_unsupported},
	{.key = "nameOverride", .read = field_ignore},
	{.key = "networkPolicy", .read = field_ignore},
	{.key = "prometheus", .read = field_ignore},
	{.key = "prometheusRule", .read = field_ignore},
	{.key = "psp", .read = field_ignore},
	{.key = "rbac", .read = field_ignore},
	{.key = "speaker", .read = field_ignore},
};
static const struct record helm_record = {.what = "Helm values", RECORD_FIELDS(helm_fields), .size = 1};

void manifest_helm(struct manifest *m, const struct yaml_node *doc)
{
	const struct yaml_node *config = yaml_get(doc, "configInline");
	char none;

	if (record_read(&m->r, doc, &helm_record, &none) && config != NULL && config->kind != YAML_NULL)
		legacy_add(m, config, "configInline");
}
