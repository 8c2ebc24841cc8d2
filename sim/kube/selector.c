/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kube_int.h"

#include <string.h>

const char *kube_label_get(const struct kube_labels *labels, const char *key)
{
	for (size_t i = 0; i < labels->len; i++) {
		if (strcmp(labels->at[i].key, key) == 0)
			return labels->at[i].value;
	}
	return NULL;
}

bool kube_labels_include(const struct kube_labels *labels, const struct kube_labels *wanted)
{
	for (size_t i = 0; i < wanted->len; i++) {
		const char *value = kube_label_get(labels, wanted->at[i].key);

		if (value == NULL || strcmp(value, wanted->at[i].value) != 0)
			return false;
	}
	return true;
}

bool kube_labels_equal(const struct kube_labels *a, const struct kube_labels *b)
{
	return a->len == b->len && kube_labels_include(a, b);
}

static bool value_in(const struct kube_requirement *r, const char *value)
{
	for (size_t i = 0; value != NULL && i < r->value_count; i++) {
		if (strcmp(r->values[i], value) == 0)
			return true;
	}
	return false;
}

/* NotIn and DoesNotExist also match what lacks the key. */
static bool requirement_holds(const struct kube_requirement *r, const struct kube_labels *labels)
{
	const char *value = kube_label_get(labels, r->key);

	switch (r->op) {
	case KUBE_OP_IN:
		return value_in(r, value);
	case KUBE_OP_NOT_IN:
		return !value_in(r, value);
	case KUBE_OP_EXISTS:
		return value != NULL;
	case KUBE_OP_DOES_NOT_EXIST:
		return value == NULL;
	}
	return false;
}

bool kube_selector_matches(const struct kube_selector *s, const struct kube_labels *labels)
{
	if (!kube_labels_include(labels, &s->labels))
		return false;
	for (size_t i = 0; i < s->requirement_count; i++) {
		if (!requirement_holds(&s->requirements[i], labels))
			return false;
	}
	return true;
}

bool kube_selectors_match_any(const struct kube_selectors *list, const struct kube_labels *labels)
{
	for (size_t i = 0; i < list->len; i++) {
		if (kube_selector_matches(&list->at[i], labels))
			return true;
	}
	return false;
}

bool kube_selectors_admit(const struct kube_selectors *list, const struct kube_labels *labels)
{
	return list->len == 0 || kube_selectors_match_any(list, labels);
}

const char *kube_kind_text(enum kube_kind kind)
{
	static const char *const names[] = {
		[KUBE_SERVICE] = "Service",
		[KUBE_DEPLOYMENT] = "Deployment",
		[KUBE_ENDPOINT_SLICE] = "EndpointSlice",
		[KUBE_NODE] = "Node",
		[KUBE_NAMESPACE] = "Namespace",
		[KUBE_IP_ADDRESS_POOL] = "IPAddressPool",
		[KUBE_BGP_PEER] = "BGPPeer",
		[KUBE_BGP_ADVERTISEMENT] = "BGPAdvertisement",
		[KUBE_COMMUNITY] = "Community",
		[KUBE_BFD_PROFILE] = "BFDProfile",
		[KUBE_BGP_EXTRAS] = "ConfigMap",
		[KUBE_LEGACY_CONFIG] = "ConfigMap",
	};

	return kind < KUBE_KIND_COUNT ? names[kind] : "?";
}
