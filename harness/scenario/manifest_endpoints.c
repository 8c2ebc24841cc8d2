/* SPDX-License-Identifier: GPL-2.0-or-later */
/* EndpointSlice, and Endpoints, the older form. */
#include "manifest_int.h"

/* ---- EndpointSlice ---- */

static const struct field endpoint_port_fields[] = {
	{.key = "name", .read = field_text, .offset = offsetof(struct kube_port, name)},
	{.key = "protocol",
	 .read = field_word,
	 .offset = offsetof(struct kube_port, protocol),
	 .more = &manifest_protocols},
	{.key = "port", .read = field_u16, .offset = offsetof(struct kube_port, port), .min = 1, .required = true},
	{.key = "appProtocol", .read = field_ignore},
};
static const struct record endpoint_port = {.what = "an endpoint's port",
					    RECORD_FIELDS(endpoint_port_fields),
					    .size = sizeof(struct kube_port),
					    .defaults = &(const struct kube_port){.name = ""}};

static void field_addrs(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct addr *at;

	if (v->kind != YAML_LIST) {
		reader_wrong_type(r, v, f->key, "a list");
		return;
	}
	at = arena_array(r->arena, v->count, sizeof(*at));
	for (size_t i = 0; i < v->count; i++)
		field_addr(r, v->items[i], f, &at[i]);
	span_set(ret, at, v->count);
}

static const struct field conditions_fields[] = {
	{.key = "ready", .read = field_tristate, .offset = offsetof(struct kube_endpoint, ready)},
	{.key = "serving", .read = field_tristate, .offset = offsetof(struct kube_endpoint, serving)},
	{.key = "terminating", .read = field_tristate, .offset = offsetof(struct kube_endpoint, terminating)},
};
static const struct record conditions = {.what = "an endpoint's conditions", RECORD_FIELDS(conditions_fields)};
static const struct field endpoint_fields[] = {
	{.key = "addresses",
	 .read = field_addrs,
	 .offset = SPAN(struct kube_endpoint, addresses, address_count),
	 .required = true},
	{.key = "conditions", .read = field_record, .more = &conditions},
	{.key = "nodeName", .read = field_text, .offset = offsetof(struct kube_endpoint, node)},
	{.key = "hostname", .read = field_ignore},
	{.key = "targetRef", .read = field_ignore},
	{.key = "zone", .read = field_ignore},
	{.key = "hints", .read = field_ignore},
	{.key = "deprecatedTopology", .read = field_ignore},
};
static const struct record endpoint_record = {
	.what = "an endpoint", RECORD_FIELDS(endpoint_fields), .size = sizeof(struct kube_endpoint)};

static void field_address_type(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	static const char *const list[] = {"IPv4", "IPv6"};
	static const struct words words = WORDS(list);
	struct field row = *f;
	unsigned int word;

	(void)ret;
	row.more = &words;
	field_word(r, v, &row, &word);
}

static void slice_finish(struct reader *r, const struct yaml_node *map, void *ret)
{
	struct kube_endpoint_slice *s = ret;

	(void)r;
	(void)map;
	s->service = kube_label_get(&s->meta.labels, "kubernetes.io/service-name");
}

static const struct field slice_fields[] = {
	META_ROWS(struct kube_endpoint_slice),
	{.key = "addressType", .read = field_address_type, .required = true},
	{.key = "ports",
	 .read = field_records,
	 .offset = SPAN(struct kube_endpoint_slice, ports, port_count),
	 .more = &endpoint_port},
	{.key = "endpoints",
	 .read = field_records,
	 .offset = SPAN(struct kube_endpoint_slice, endpoints, endpoint_count),
	 .more = &endpoint_record},
};
const struct record manifest_slice = {.what = "an EndpointSlice",
				      RECORD_FIELDS(slice_fields),
				      .size = sizeof(struct kube_endpoint_slice),
				      .defaults = &(const struct kube_endpoint_slice){.meta = META_DEFAULTS},
				      .finish = slice_finish};

/* ---- Endpoints, the older form: a slice for each subset ---- */

struct old_address {
	struct addr ip;
	const char *node;
};

struct old_span {
	const struct old_address *at;
	size_t count;
};

struct subset_read {
	struct old_span ready, not_ready;
	const struct kube_port *ports;
	size_t port_count;
};

struct old_endpoints {
	struct kube_meta meta;
	const struct subset_read *subsets;
	size_t subset_count;
};

static const struct field old_address_fields[] = {
	{.key = "ip", .read = field_addr, .offset = offsetof(struct old_address, ip), .required = true},
	{.key = "nodeName", .read = field_text, .offset = offsetof(struct old_address, node)},
	{.key = "hostname", .read = field_ignore},
	{.key = "targetRef", .read = field_ignore},
};
static const struct record old_address = {
	.what = "an address", RECORD_FIELDS(old_address_fields), .size = sizeof(struct old_address)};
static const struct field subset_fields[] = {
	{.key = "addresses",
	 .read = field_records,
	 .offset = offsetof(struct subset_read, ready),
	 .more = &old_address},
	{.key = "notReadyAddresses",
	 .read = field_records,
	 .offset = offsetof(struct subset_read, not_ready),
	 .more = &old_address},
	{.key = "ports",
	 .read = field_records,
	 .offset = SPAN(struct subset_read, ports, port_count),
	 .more = &endpoint_port},
};
static const struct record subset_record = {
	.what = "a subset", RECORD_FIELDS(subset_fields), .size = sizeof(struct subset_read)};
static const struct field old_fields[] = {
	META_ROWS(struct old_endpoints),
	{.key = "subsets",
	 .read = field_records,
	 .offset = SPAN(struct old_endpoints, subsets, subset_count),
	 .more = &subset_record},
};
static const struct record old_record = {.what = "Endpoints",
					 RECORD_FIELDS(old_fields),
					 .size = sizeof(struct old_endpoints),
					 .defaults = &(const struct old_endpoints){.meta = META_DEFAULTS}};

static size_t endpoints_from(struct reader *r, struct old_span from, bool ready, struct kube_endpoint *ret)
{
	for (size_t i = 0; i < from.count; i++) {
		ret[i] = (struct kube_endpoint){.addresses =
							arena_memdup(r->arena, &from.at[i].ip, sizeof(from.at[i].ip)),
						.address_count = 1,
						.node = from.at[i].node,
						.ready = ready ? KUBE_TRUE : KUBE_FALSE,
						.serving = ready ? KUBE_TRUE : KUBE_FALSE};
	}
	return from.count;
}

void manifest_endpoints(struct manifest *m, const struct yaml_node *doc)
{
	struct old_endpoints old;

	if (!record_read(&m->r, doc, &old_record, &old) || old.meta.name == NULL)
		return;
	for (size_t i = 0; i < old.subset_count; i++) {
		const struct subset_read *from = &old.subsets[i];
		size_t n = from->ready.count + from->not_ready.count;
		struct kube_endpoint *at = arena_array(m->r.arena, n, sizeof(*at));
		struct kube_endpoint_slice *slice = &manifest_add(m, KUBE_ENDPOINT_SLICE, doc)->slice;
		size_t ready = endpoints_from(&m->r, from->ready, true, at);

		endpoints_from(&m->r, from->not_ready, false, at + ready);
		slice->meta = old.meta;
		slice->meta.name = arena_printf(m->r.arena, "%s-%zu", old.meta.name, i);
		slice->service = old.meta.name;
		slice->ports = from->ports;
		slice->port_count = from->port_count;
		slice->endpoints = at;
		slice->endpoint_count = n;
	}
}
