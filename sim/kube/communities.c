/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BGP communities as MetalLB reads them (METALLB section 2.4). */
#include "kube_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COMMUNITIES_MAX 63

/* Plain decimal digits, zeros in front allowed. */
static int section_read(const char *text, size_t len, uint32_t *ret)
{
	uint32_t value = 0;

	if (len == 0)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		if (value <= UINT16_MAX)
			value = value * 10 + (uint32_t)(text[i] - '0');
	}
	*ret = value;
	return value > UINT16_MAX ? -ERANGE : 0;
}

int kube_community_literal(const char *text, uint32_t *ret)
{
	const char *colon = strchr(text, ':');
	uint32_t high, low;
	int left, right;

	if (strncmp(text, "large:", 6) == 0)
		return -EOPNOTSUPP;
	if (colon == NULL || strchr(colon + 1, ':') != NULL)
		return -EINVAL;
	left = section_read(text, (size_t)(colon - text), &high);
	right = section_read(colon + 1, strlen(colon + 1), &low);
	if (left == -EINVAL || right == -EINVAL)
		return -EINVAL;
	if (left < 0 || right < 0)
		return -ERANGE;
	*ret = high << 16 | low;
	return 0;
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

/* An alias and the literal that it stands for are one community. */
static size_t distinct(uint32_t *values, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (kept == 0 || values[kept - 1] != values[i])
			values[kept++] = values[i];
	}
	return kept;
}

static size_t colons(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == ':';
	return n;
}

int kube_community_refuse(struct errmsg *err, const struct kube_origin *at, const char *text, int why)
{
	if (why == -EOPNOTSUPP)
		return kube_config_refuse(err, at, "large community %s: MetalLB's native speaker has none", text);
	if (why == -ERANGE)
		return kube_config_refuse(err, at, "community %s: invalid section, 0 to 65535 is allowed", text);
	if (colons(text) == 3)
		return kube_config_refuse(err, at, "community %s: expected large: before three numbers", text);
	return kube_config_refuse(err, at, "community %.200s is neither A:B nor an alias of a Community object", text);
}

int kube_communities_read(struct config *config, const struct advertisement_conf *a, uint32_t **ret, size_t *ret_count,
			  struct errmsg *err)
{
	const struct kube_strings *from = &a->advertisement->communities;
	uint32_t *values = arena_array(&config->arena, from->len, sizeof(*values));
	size_t n;

	for (size_t i = 0; i < from->len; i++) {
		const char *alias = alias_value(config, from->at[i]);
		int r = kube_community_literal(alias != NULL ? alias : from->at[i], &values[i]);

		if (r < 0)
			return kube_community_refuse(err, &a->origin, from->at[i], r);
	}
	if (from->len > 0)
		qsort(values, from->len, sizeof(*values), by_value);
	n = distinct(values, from->len);
	if (n > COMMUNITIES_MAX)
		return kube_config_refuse(err, &a->origin, "%zu communities; a prefix carries at most %d", n,
					  COMMUNITIES_MAX);
	*ret = values;
	*ret_count = n;
	return 0;
}
