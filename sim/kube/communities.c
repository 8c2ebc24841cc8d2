/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BGP communities as MetalLB reads them (METALLB section 2.4). */
#include "kube_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COMMUNITIES_MAX 63

static int section_read(const char *text, size_t len, uint64_t max, uint32_t *ret)
{
	uint64_t value = 0;

	if (len == 0 || len > 10)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		value = value * 10 + (uint64_t)(text[i] - '0');
	}
	if (value > max)
		return -ERANGE;
	*ret = (uint32_t)value;
	return 0;
}

int kube_community_literal(const char *text, uint32_t *ret)
{
	const char *colon = strchr(text, ':');
	uint32_t high, low;
	int r;

	if (strncmp(text, "large:", 6) == 0)
		return -EOPNOTSUPP;
	if (colon == NULL || strchr(colon + 1, ':') != NULL)
		return -EINVAL;
	r = section_read(text, (size_t)(colon - text), UINT16_MAX, &high);
	if (r == 0)
		r = section_read(colon + 1, strlen(colon + 1), UINT16_MAX, &low);
	if (r == 0)
		*ret = high << 16 | low;
	return r;
}

static const char *alias_value(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->aliases.len; i++) {
		if (strcmp(config->aliases.at[i].key, name) == 0)
			return config->aliases.at[i].value;
	}
	return NULL;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

int kube_communities_read(struct config *config, const struct advertisement_conf *a, uint32_t **ret, size_t *ret_count,
			  struct errmsg *err)
{
	const struct kube_strings *from = &a->advertisement->communities;
	uint32_t *values = arena_array(&config->arena, from->len, sizeof(*values));

	if (from->len > COMMUNITIES_MAX)
		return kube_config_refuse(err, &a->origin, "%zu communities; a prefix carries at most %d", from->len,
					  COMMUNITIES_MAX);
	for (size_t i = 0; i < from->len; i++) {
		const char *alias = alias_value(config, from->at[i]);
		int r = kube_community_literal(alias != NULL ? alias : from->at[i], &values[i]);

		if (r == -EOPNOTSUPP)
			return kube_config_refuse(err, &a->origin,
						  "large community %s: MetalLB's native speaker has none", from->at[i]);
		if (r == -ERANGE)
			return kube_config_refuse(err, &a->origin,
						  "community %s: invalid section, 0 to 65535 is allowed", from->at[i]);
		if (r < 0)
			return kube_config_refuse(err, &a->origin,
						  "community %s is neither A:B nor an alias of a Community object",
						  from->at[i]);
	}
	qsort(values, from->len, sizeof(*values), by_value);
	*ret = values;
	*ret_count = from->len;
	return 0;
}
