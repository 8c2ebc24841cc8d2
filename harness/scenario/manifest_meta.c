/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every kind has: metadata, labels, selectors. */
#include "manifest_int.h"

#include <string.h>

static const char *const protocol_words[] = {[KUBE_TCP] = "TCP", [KUBE_UDP] = "UDP", [KUBE_SCTP] = "SCTP"};
const struct words manifest_protocols = WORDS(protocol_words);

void field_known(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	(void)r;
	(void)v;
	(void)f;
	(void)ret;
}

void field_unsupported(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	(void)ret;
	diag_hint(r, reader_fault(r, v, "the lab does not model %s", f->key),
		  "it would change the result: take it out of the lab's copy");
}

static void label_set(struct reader *r, const struct yaml_pair *pair, struct kube_label *ret)
{
	const char *value = pair->value->kind == YAML_NULL ? "" : reader_text(r, pair->value, pair->key->text);

	ret->key = arena_strdup(r->arena, pair->key->text);
	ret->value = arena_strdup(r->arena, value != NULL ? value : "");
	if (pair->key->text[0] == '\0')
		reader_fault(r, pair->key, "a label's name must not be empty");
}

void field_labels(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct kube_label *at;

	if (v->kind != YAML_MAP) {
		reader_wrong_type(r, v, f->key, "a mapping of names to text");
		return;
	}
	at = arena_array(r->arena, v->count, sizeof(*at));
	for (size_t i = 0; i < v->count; i++)
		label_set(r, &v->pairs[i], &at[i]);
	span_set(ret, at, v->count);
}

void field_tristate(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	size_t before = r->diags->list.len + r->diags->dropped;
	bool yes = false;
	enum kube_tristate state;

	field_bool(r, v, f, &yes);
	state = yes ? KUBE_TRUE : KUBE_FALSE;
	if (before == r->diags->list.len + r->diags->dropped)
		memcpy(ret, &state, sizeof(state));
}

/* RFC 1123 section 2.1, as Kubernetes narrows it: lower case letters, digits, '-' and '.'; a letter or digit at both
 * ends. */
static bool name_is_good(const char *name)
{
	static const char inner[] = "abcdefghijklmnopqrstuvwxyz0123456789-.";
	size_t len = strlen(name);

	return len > 0 && len <= 253 && strspn(name, inner) == len && strchr("-.", name[0]) == NULL &&
	       strchr("-.", name[len - 1]) == NULL;
}

static void meta_finish(struct reader *r, const struct yaml_node *map, void *ret)
{
	static const char *const keys[] = {"name", "namespace"};
	const struct kube_meta *meta = ret;
	const char *values[] = {meta->name, meta->namespace};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct yaml_node *at = yaml_get(map, keys[i]);

		if (at == NULL || values[i] == NULL || at->kind != YAML_TEXT || name_is_good(values[i]))
			continue;
		diag_hint(r, reader_fault(r, at, "%s: \"%s\" is no Kubernetes name", keys[i], values[i]),
			  "lower case letters, digits, '-' and '.', at most 253 of them");
	}
}

static const struct field meta_fields[] = {
	{.key = "name", .read = field_text, .offset = offsetof(struct kube_meta, name), .required = true},
	{.key = "namespace", .read = field_text, .offset = offsetof(struct kube_meta, namespace)},
	{.key = "labels", .read = field_labels, .offset = offsetof(struct kube_meta, labels)},
	{.key = "annotations", .read = field_labels, .offset = offsetof(struct kube_meta, annotations)},
	{.key = "creationTimestamp", .read = field_ignore},
	{.key = "deletionGracePeriodSeconds", .read = field_ignore},
	{.key = "finalizers", .read = field_ignore},
	{.key = "generation", .read = field_ignore},
	{.key = "managedFields", .read = field_ignore},
	{.key = "ownerReferences", .read = field_ignore},
	{.key = "resourceVersion", .read = field_ignore},
	{.key = "selfLink", .read = field_ignore},
	{.key = "uid", .read = field_ignore},
};
const struct record manifest_meta = {
	.what = "metadata", RECORD_FIELDS(meta_fields), .size = sizeof(struct kube_meta), .finish = meta_finish};

/* ---- Selectors ---- */

static void requirement_finish(struct reader *r, const struct yaml_node *map, void *ret)
{
	const struct kube_requirement *q = ret;
	bool wants_values = q->op == KUBE_OP_IN || q->op == KUBE_OP_NOT_IN;

	if (yaml_get(map, "operator") == NULL)
		return;
	if (wants_values && q->value_count == 0)
		reader_fault(r, map, "operators In and NotIn need values");
	if (!wants_values && q->value_count > 0)
		reader_fault(r, yaml_get(map, "values"), "operators Exists and DoesNotExist take no values");
}

static const char *const operator_words[] = {[KUBE_OP_IN] = "In",
					     [KUBE_OP_NOT_IN] = "NotIn",
					     [KUBE_OP_EXISTS] = "Exists",
					     [KUBE_OP_DOES_NOT_EXIST] = "DoesNotExist"};
static const struct words operators = WORDS(operator_words);

static const struct field requirement_fields[] = {
	{.key = "key", .read = field_text, .offset = offsetof(struct kube_requirement, key), .required = true},
	{.key = "operator",
	 .read = field_word,
	 .offset = offsetof(struct kube_requirement, op),
	 .more = &operators,
	 .required = true},
	{.key = "values", .read = field_texts, .offset = SPAN(struct kube_requirement, values, value_count)},
};
const struct record manifest_requirement = {.what = "a requirement",
					    RECORD_FIELDS(requirement_fields),
					    .size = sizeof(struct kube_requirement),
					    .defaults = &(const struct kube_requirement){.key = ""},
					    .finish = requirement_finish};

static const struct field selector_fields[] = {
	{.key = "matchLabels", .read = field_labels, .offset = offsetof(struct kube_selector, labels)},
	{.key = "matchExpressions",
	 .read = field_records,
	 .offset = SPAN(struct kube_selector, requirements, requirement_count),
	 .more = &manifest_requirement},
};
const struct record manifest_selector = {
	.what = "a label selector", RECORD_FIELDS(selector_fields), .size = sizeof(struct kube_selector)};
