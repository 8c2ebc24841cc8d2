/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file of manifests: its documents, each by its kind. */
#include "manifest_int.h"
#include "scenario.h"
#include "words.h"

#include <errno.h>
#include <string.h>

/* One row a kind and version. */
struct kind_row {
	const char *kind;
	const char *version;
	enum kube_kind as;
	const struct record *record; /* NULL: read instead */
	void (*read)(struct manifest *m, const struct yaml_node *doc);
};

static const struct kind_row kinds[] = {
	{"Service", "v1", KUBE_SERVICE, &manifest_service, NULL},
	{"Deployment", "apps/v1", KUBE_DEPLOYMENT, &manifest_deployment, NULL},
	{"EndpointSlice", "discovery.k8s.io/v1", KUBE_ENDPOINT_SLICE, &manifest_slice, NULL},
	{"Endpoints", "v1", KUBE_ENDPOINT_SLICE, NULL, manifest_endpoints},
	{"Node", "v1", KUBE_NODE, &manifest_node, NULL},
	{"Namespace", "v1", KUBE_NAMESPACE, &manifest_namespace, NULL},
	{"IPAddressPool", "metallb.io/v1beta1", KUBE_IP_ADDRESS_POOL, &manifest_pool, NULL},
	{"BGPPeer", "metallb.io/v1beta2", KUBE_BGP_PEER, &manifest_peer, NULL},
	{"BGPPeer", "metallb.io/v1beta1", KUBE_BGP_PEER, &manifest_peer_v1beta1, NULL},
	{"BGPAdvertisement", "metallb.io/v1beta1", KUBE_BGP_ADVERTISEMENT, &manifest_advertisement, NULL},
	{"Community", "metallb.io/v1beta1", KUBE_COMMUNITY, &manifest_community, NULL},
	{"BFDProfile", "metallb.io/v1beta1", KUBE_BFD_PROFILE, &manifest_bfd_profile, NULL},
	{"ConfigMap", "v1", KUBE_LEGACY_CONFIG, NULL, manifest_config_map},
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

struct kube_origin manifest_origin(const struct reader *r, const struct yaml_node *at)
{
	return (struct kube_origin){r->src->path, at->at.line, at->at.column};
}

struct kube_object *manifest_add(struct manifest *m, enum kube_kind kind, const struct yaml_node *at)
{
	struct kube_object *o = VEC_ADD(&m->objects);

	*o = (struct kube_object){.kind = kind, .origin = manifest_origin(&m->r, at)};
	return o;
}

static void unknown_kind(struct manifest *m, const struct yaml_node *kind)
{
	const char *known[KIND_COUNT + 1];
	size_t n = 0;

	for (size_t i = 0; i < KIND_COUNT; i++) {
		if (i == 0 || strcmp(kinds[i].kind, kinds[i - 1].kind) != 0)
			known[n++] = kinds[i].kind;
	}
	known[n++] = "List";
	reader_unknown_word(&m->r, kind, "the lab has no use for kind", known, n);
}

static void wrong_version(struct manifest *m, const struct yaml_node *version, const char *kind)
{
	struct diag *d = reader_fault(&m->r, version, "kind %s has no version \"%s\" here", kind, version->text);

	for (size_t i = 0; i < KIND_COUNT; i++) {
		if (strcmp(kinds[i].kind, kind) != 0)
			continue;
		diag_hint(&m->r, d, "write apiVersion: %s", kinds[i].version);
		return;
	}
}

static const struct kind_row *row_find(const char *kind, const char *version)
{
	for (size_t i = 0; i < KIND_COUNT; i++) {
		if (strcmp(kinds[i].kind, kind) == 0 && (version == NULL || strcmp(kinds[i].version, version) == 0))
			return &kinds[i];
	}
	return NULL;
}

static void object_read(struct manifest *m, const struct yaml_node *doc)
{
	const struct yaml_node *kind = yaml_get(doc, "kind"), *version = yaml_get(doc, "apiVersion");
	const struct kind_row *row;

	if (kind->kind != YAML_TEXT) {
		reader_wrong_type(&m->r, kind, "kind", "a word");
	} else if (row_find(kind->text, NULL) == NULL) {
		unknown_kind(m, kind);
	} else if (version == NULL) {
		diag_hint(&m->r, reader_fault(&m->r, doc, "the object needs \"apiVersion\""), "apiVersion: %s",
			  row_find(kind->text, NULL)->version);
	} else if (version->kind != YAML_TEXT) {
		reader_wrong_type(&m->r, version, "apiVersion", "text");
	} else if ((row = row_find(kind->text, version->text)) == NULL) {
		wrong_version(m, version, kind->text);
	} else if (row->record != NULL) {
		struct kube_object *o = manifest_add(m, row->as, doc);

		/* every object's struct begins the union, at its meta */
		record_read(&m->r, doc, row->record, (char *)o + offsetof(struct kube_object, meta));
	} else {
		row->read(m, doc);
	}
}

/* A document without kind that is no Helm values either: says so at the key that looks most like one. */
static void neither(struct manifest *m, const struct yaml_node *doc)
{
	static const char *const known[] = {"apiVersion", "configInline", "kind"};

	for (size_t i = 0; i < doc->count; i++) {
		const char *nearest = words_nearest(doc->pairs[i].key->text, known, sizeof(known) / sizeof(known[0]));

		if (nearest == NULL || strcmp(nearest, doc->pairs[i].key->text) == 0)
			continue;
		diag_hint(
			&m->r,
			reader_fault(&m->r, doc->pairs[i].key, "a manifest has no key \"%s\"", doc->pairs[i].key->text),
			"did you mean \"%s\"?", nearest);
		return;
	}
	diag_hint(&m->r, reader_fault(&m->r, doc, "this is no manifest: it has no \"kind\""),
		  "a manifest begins with apiVersion and kind; Helm values have configInline");
}

static void doc_read(struct manifest *m, const struct yaml_node *doc)
{
	if (doc->kind != YAML_MAP)
		reader_wrong_type(&m->r, doc, "a manifest", "a mapping");
	else if (yaml_get(doc, "kind") != NULL)
		object_read(m, doc);
	else if (yaml_get(doc, "configInline") != NULL)
		manifest_helm(m, doc);
	else
		neither(m, doc);
}

static const struct field list_fields[] = {
	{.key = "apiVersion", .read = field_known},
	{.key = "kind", .read = field_known},
	{.key = "items", .read = field_known, .required = true},
	{.key = "metadata", .read = field_ignore},
};
static const struct record list_record = {.what = "a List", RECORD_FIELDS(list_fields), .size = 1};

static bool is_list(const struct yaml_node *doc)
{
	const struct yaml_node *kind = yaml_get(doc, "kind");

	return kind != NULL && kind->kind == YAML_TEXT && strcmp(kind->text, "List") == 0;
}

static void list_read(struct manifest *m, const struct yaml_node *list)
{
	const struct yaml_node *items = yaml_get(list, "items");
	char none;

	record_read(&m->r, list, &list_record, &none);
	if (items != NULL && items->kind != YAML_LIST)
		reader_wrong_type(&m->r, items, "items", "a list");
	for (size_t i = 0; items != NULL && items->kind == YAML_LIST && i < items->count; i++) {
		if (is_list(items->items[i]))
			reader_fault(&m->r, items->items[i], "a List can't hold a List");
		else
			doc_read(m, items->items[i]);
	}
}

int manifest_load(const struct yaml_source *src, struct arena *arena, struct diags *diags,
		  const struct kube_object **ret, size_t *ret_count)
{
	size_t before = diags->list.len + diags->dropped;
	struct manifest m = {.r = {.arena = arena, .diags = diags, .src = src, .kubernetes = true}};
	struct yaml_docs docs;

	if (yaml_parse(src, arena, diags, &docs) < 0)
		return -EINVAL;
	if (docs.count == 0)
		diags_add(diags, src->path, 1, 1, "the file is empty: no object in it");
	for (size_t i = 0; i < docs.count; i++) {
		if (is_list(docs.at[i]))
			list_read(&m, docs.at[i]);
		else
			doc_read(&m, docs.at[i]);
	}
	*ret = arena_memdup(arena, m.objects.at, m.objects.len * sizeof(*m.objects.at));
	*ret_count = m.objects.len;
	VEC_FREE(&m.objects);
	return diags->list.len + diags->dropped > before ? -EINVAL : 0;
}

int manifest_read(const char *path, struct arena *arena, struct diags *diags, const struct kube_object **ret,
		  size_t *ret_count)
{
	const struct yaml_source *src = yaml_open(path, arena, diags);

	return src != NULL ? manifest_load(src, arena, diags, ret, ret_count) : -EINVAL;
}
