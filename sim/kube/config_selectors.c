/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists in which nothing may stand twice (METALLB section 2.0). */
#include "kube_int.h"

#include <string.h>

int kube_duplicates_check(const struct kube_strings *list, const char *field, const struct kube_origin *origin,
			  struct errmsg *err)
{
	for (size_t i = 0; i < list->len; i++) {
		for (size_t k = 0; k < i; k++) {
			if (strcmp(list->at[i], list->at[k]) == 0)
				return kube_config_refuse(err, origin, "duplicate definition of %s: %s", field,
							  list->at[i]);
		}
	}
	return 0;
}

static bool has_value(const struct kube_requirement *r, const char *value)
{
	for (size_t i = 0; i < r->value_count; i++) {
		if (strcmp(r->values[i], value) == 0)
			return true;
	}
	return false;
}

/* The order of values does not matter; none stands twice in either. */
static bool requirements_equal(const struct kube_requirement *a, const struct kube_requirement *b)
{
	if (a->op != b->op || a->value_count != b->value_count || strcmp(a->key, b->key) != 0)
		return false;
	for (size_t i = 0; i < a->value_count; i++) {
		if (!has_value(b, a->values[i]))
			return false;
	}
	return true;
}

/* The order of requirements does: MetalLB compares what it would print. */
static bool selectors_equal(const struct kube_selector *a, const struct kube_selector *b)
{
	if (!kube_labels_equal(&a->labels, &b->labels) || a->requirement_count != b->requirement_count)
		return false;
	for (size_t i = 0; i < a->requirement_count; i++) {
		if (!requirements_equal(&a->requirements[i], &b->requirements[i]))
			return false;
	}
	return true;
}

static int requirements_check(const struct kube_selector *s, const char *field, const struct kube_origin *origin,
			      struct errmsg *err)
{
	for (size_t i = 0; i < s->requirement_count; i++) {
		const struct kube_requirement *r = &s->requirements[i];
		const struct kube_strings values = {.at = r->values, .len = r->value_count};

		int bad = kube_duplicates_check(&values, "a value in matchExpressions", origin, err);

		if (bad < 0)
			return bad;
		for (size_t k = 0; k < i; k++) {
			if (requirements_equal(&s->requirements[k], r))
				return kube_config_refuse(err, origin,
							  "duplicate definition of matchExpressions in %s: key %s",
							  field, r->key);
		}
	}
	return 0;
}

int kube_selectors_check(const struct kube_selectors *list, const char *field, const struct kube_origin *origin,
			 struct errmsg *err)
{
	for (size_t i = 0; i < list->len; i++) {
		int r = requirements_check(&list->at[i], field, origin, err);

		if (r < 0)
			return r;
		for (size_t k = 0; k < i; k++) {
			if (selectors_equal(&list->at[k], &list->at[i]))
				return kube_config_refuse(err, origin,
							  "duplicate definition of %s: selectors %zu and %zu are the "
							  "same",
							  field, k + 1, i + 1);
		}
	}
	return 0;
}
