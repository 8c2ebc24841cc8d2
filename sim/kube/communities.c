/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BGP communities as MetalLB reads them (METALLB section 2.4). */
#include "community.h"
#include "kube_int.h"

#include <errno.h>
#include <string.h>

#define COMMUNITIES_MAX 63
#define LARGE "large:"

/* Plain decimal digits, zeros in front allowed, up to the colon or the end. Returns what follows; NULL: these are none. */
static const char *section_read(const char *text, uint64_t max, uint32_t *ret, bool *ret_beyond)
{
	size_t len = strspn(text, "0123456789");
	uint64_t value = 0;

	if (len == 0 || (text[len] != ':' && text[len] != '\0'))
		return NULL;
	for (size_t i = 0; i < len && value <= max; i++)
		value = value * 10 + (uint64_t)(text[i] - '0');
	*ret_beyond |= value > max;
	*ret = (uint32_t)value;
	return text + len;
}

int kube_community_literal(const struct config *config, const char *text, struct community_value *ret)
{
	bool large = strncmp(text, LARGE, sizeof(LARGE) - 1) == 0, beyond = false;
	const char *at = large ? text + sizeof(LARGE) - 1 : text;
	size_t sections = large ? 3 : 2;

	if (large && !config->whole)
		return -EOPNOTSUPP;
	*ret = (struct community_value){.large = large};
	for (size_t i = 0; i < sections; i++) {
		at = section_read(at, large ? UINT32_MAX : UINT16_MAX, &ret->part[i], &beyond);
		if (at == NULL || *at != (i + 1 < sections ? ':' : '\0'))
			return -EINVAL;
		at++;
	}
	return beyond ? -ERANGE : 0;
}

static const char *alias_value(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->aliases.len; i++) {
		if (strcmp(config->aliases.at[i].key, name) == 0)
			return config->aliases.at[i].value;
	}
	return NULL;
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
		return kube_config_refuse(err, at, "community %s: invalid section, 0 to %s is allowed", text,
					  strncmp(text, LARGE, sizeof(LARGE) - 1) == 0 ? "4294967295" : "65535");
	if (colons(text) == 3 && strncmp(text, LARGE, sizeof(LARGE) - 1) != 0)
		return kube_config_refuse(err, at, "community %s: expected large: before three numbers", text);
	return kube_config_refuse(err, at, "community %.200s is neither A:B nor an alias of a Community object", text);
}

int kube_communities_read(struct config *config, struct advertisement_conf *a, struct errmsg *err)
{
	const struct kube_strings *from = &a->advertisement->communities;
	uint32_t *values = arena_array(&config->arena, from->len, sizeof(*values));
	uint32_t(*large)[3] = arena_array(&config->arena, from->len, sizeof(*large));
	size_t n = 0, large_count = 0;

	for (size_t i = 0; i < from->len; i++) {
		const char *alias = alias_value(config, from->at[i]);
		struct community_value v;
		int r = kube_community_literal(config, alias != NULL ? alias : from->at[i], &v);

		if (r < 0)
			return kube_community_refuse(err, &a->origin, from->at[i], r);
		if (v.large)
			memcpy(large[large_count++], v.part, sizeof(v.part));
		else
			values[n++] = v.part[0] << 16 | v.part[1];
	}
	a->communities = values;
	a->community_count = community_sort(values, n); /* an alias and what it stands for are one */
	a->large = (const uint32_t(*)[3])large;
	a->large_count = community_large_sort(large, large_count);
	n = a->community_count + a->large_count;
	if (n > COMMUNITIES_MAX)
		return kube_config_refuse(err, &a->origin, "%zu communities; a prefix carries at most %d", n,
					  COMMUNITIES_MAX);
	return 0;
}
