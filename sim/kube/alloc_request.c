/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a Service asks MetalLB's controller for (METALLB section 3.1). */
#include "kube_int.h"

#include <stdio.h>
#include <string.h>

/* The new prefix wins, even when empty. */
const char *kube_annotation(const struct kube_service *s, const char *suffix)
{
	static const char *const prefixes[] = {"metallb.io/", "metallb.universe.tf/"};
	char key[96];

	for (size_t i = 0; i < 2; i++) {
		const char *value;

		snprintf(key, sizeof(key), "%s%s", prefixes[i], suffix);
		value = kube_label_get(&s->meta.annotations, key);
		if (value != NULL)
			return *value != '\0' ? value : NULL;
	}
	return NULL;
}

/* One address of a list, spaces around it allowed. Returns what follows it; NULL: this is none. */
static const char *address_read(const char *at, struct addr *ret)
{
	size_t len = strcspn(at, ","), skipped = strspn(at, " \t");
	const char *end = at + len;
	char text[64];

	if (skipped >= len)
		return NULL;
	at += skipped;
	len -= skipped;
	while (at[len - 1] == ' ' || at[len - 1] == '\t')
		len--;
	if (len >= sizeof(text))
		return NULL;
	memcpy(text, at, len);
	text[len] = '\0';
	return addr_parse(text, ret) == 0 ? end : NULL;
}

const char *kube_requested(const struct kube_service *s, struct addr ret[static 2], size_t *ret_count)
{
	const char *list = kube_annotation(s, "loadBalancerIPs");
	bool in_spec = s->load_balancer_ip != NULL && *s->load_balancer_ip != '\0';

	*ret_count = 0;
	if (list == NULL && !in_spec)
		return NULL;
	if (list != NULL && in_spec)
		return "it asks for addresses twice, by annotation and by loadBalancerIP";
	if (in_spec) {
		if (addr_parse(s->load_balancer_ip, &ret[0]) < 0)
			return "its loadBalancerIP can't be read";
		*ret_count = 1;
		return NULL;
	}
	for (size_t n = 0; n < 2; n++) {
		list = address_read(list, &ret[n]);
		if (list == NULL)
			return "its annotation loadBalancerIPs can't be read";
		if (n == 1 && (*list != '\0' || ret[0].family == ret[1].family))
			return "it asks for more than one address of a family";
		if (*list++ == '\0') {
			*ret_count = n + 1;
			return NULL;
		}
	}
	return NULL;
}
