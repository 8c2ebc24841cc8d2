/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "world.h"

#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int setup_in(void **state, enum kube_metallb metallb, const char *pods, const char *services)
{
	struct world *w = memory_new(sizeof(*w));
	struct kube_cluster_conf conf = {.metallb = metallb, .seed = 1};
	struct addr address;

	assert_int_equal(prefix_parse(pods, &conf.pod_net), 0);
	assert_int_equal(prefix_parse(services, &conf.service_net), 0);
	w->cluster = kube_cluster_new(&conf);
	assert_int_equal(addr_parse("10.0.0.51", &address), 0);
	for (unsigned int i = 0; i < WORLD_NODES; i++) {
		struct addr own = addr_add(&address, i);

		kube_cluster_node(w->cluster, arena_printf(&w->arena, "worker%u", i + 1), &own, true);
	}
	assert_int_equal(addr_parse("10.0.0.10", &address), 0);
	kube_cluster_node(w->cluster, "control-plane", &address, false);
	*state = w;
	return 0;
}

static int setup(void **state, enum kube_metallb metallb)
{
	return setup_in(state, metallb, "10.244.0.0/16", "10.96.0.0/12");
}

int world_setup_ipv6(void **state)
{
	return setup_in(state, KUBE_METALLB_FRR, "fd00:244::/64", "fd00:96::/112");
}

int world_setup(void **state)
{
	return setup(state, KUBE_METALLB_NATIVE);
}

int world_setup_legacy(void **state)
{
	return setup(state, KUBE_METALLB_LEGACY);
}

int world_setup_frr(void **state)
{
	return setup(state, KUBE_METALLB_FRR);
}

int world_teardown(void **state)
{
	struct world *w = *state;

	kube_cluster_free(w->cluster);
	arena_clear(&w->arena);
	free(w);
	return 0;
}

static void objects_read(struct world *w, const char *yaml, const struct kube_object **ret, size_t *ret_count)
{
	char path[] = "/tmp/ecmplab-kube-XXXXXX";
	struct diags diags = {0};
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, yaml, strlen(yaml)), strlen(yaml));
	close(fd);
	if (manifest_read(path, &w->arena, &diags, ret, ret_count) < 0)
		fail_msg("%s in:\n%s", diags.list.at[0].message, yaml);
	unlink(path);
	diags_fini(&diags);
}

bool world_try(struct world *w, const char *yaml)
{
	const struct kube_object *objects;
	size_t n;

	objects_read(w, yaml, &objects, &n);
	w->err = (struct errmsg){0};
	return kube_apply_all(w->cluster, objects, n, &w->err) == 0;
}

void world_apply(struct world *w, const char *yaml)
{
	if (!world_try(w, yaml))
		fail_msg("%s in:\n%s", w->err.text, yaml);
}

void world_applyf(struct world *w, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	world_apply(w, arena_vprintf(&w->arena, fmt, args));
	va_end(args);
}

void world_refuses(struct world *w, const char *yaml, const char *words)
{
	if (world_try(w, yaml))
		fail_msg("accepted:\n%s", yaml);
	if (strstr(w->err.text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", w->err.text, words);
}

void world_pool(struct world *w, const char *name, const char *addresses, const char *spec)
{
	world_applyf(w,
		     "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\n"
		     "metadata: {name: %s, namespace: metallb-system}\n"
		     "spec: {addresses: [%s]%s%s}\n",
		     name, addresses, *spec != '\0' ? ", " : "", spec);
}

void world_service(struct world *w, const char *name, const char *metadata, const char *spec)
{
	world_applyf(w,
		     "apiVersion: v1\nkind: Service\nmetadata: {name: %s%s%s}\n"
		     "spec: {type: LoadBalancer%s%s%s%s}\n",
		     name, *metadata != '\0' ? ", " : "", metadata,
		     strstr(spec, "selector:") == NULL ? ", selector: {app: web}" : "", *spec != '\0' ? ", " : "", spec,
		     strstr(spec, "ports:") == NULL ? ", ports: [{port: 80}]" : "");
}

void world_delete(struct world *w, enum kube_kind kind, const char *name)
{
	const char *namespace = kind == KUBE_IP_ADDRESS_POOL || kind == KUBE_BGP_PEER ? "metallb-system" : NULL;

	if (kube_delete(w->cluster, kind, namespace, name, &w->err) < 0)
		fail_msg("delete %s: %s", name, w->err.text);
}

static const struct kube_service_view *view_of(struct world *w, const char *name)
{
	const char *slash = strchr(name, '/');
	const char *namespace = slash != NULL ? arena_strndup(&w->arena, name, (size_t)(slash - name)) : NULL;
	const struct kube_service_view *v = kube_service_find(w->cluster, namespace, slash != NULL ? slash + 1 : name);

	assert_non_null(v);
	return v;
}

const char *world_ingress(struct world *w, const char *name)
{
	const struct kube_service_view *v = view_of(w, name);
	static char text[128];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < v->ingress_count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i > 0 ? " " : "",
					addr_text(&v->ingress[i]).s);
	assert_true((v->pending_reason == NULL) == (v->ingress_count > 0));
	return text;
}

const char *world_pending(struct world *w, const char *name)
{
	const char *reason = view_of(w, name)->pending_reason;

	return reason != NULL ? reason : "";
}

const char *world_announced(struct world *w, const char *node)
{
	static char text[2000];
	size_t n, len = 0;
	const struct kube_announcement *a = kube_announcements(w->cluster, node, &n);

	text[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i > 0 ? "; " : "",
					prefix_text(&a[i].prefix).s);
		if (a[i].local_pref != 0)
			len += (size_t)snprintf(text + len, sizeof(text) - len, " lp %u", a[i].local_pref);
		for (size_t k = 0; k < a[i].community_count; k++)
			len += (size_t)snprintf(text + len, sizeof(text) - len, " %u:%u", a[i].communities[k] >> 16,
						a[i].communities[k] & 0xffff);
		for (size_t k = 0; k < a[i].peers.len; k++)
			len += (size_t)snprintf(text + len, sizeof(text) - len, " to %s", a[i].peers.at[k]);
	}
	return text;
}

const char *world_reason(struct world *w, const char *node, const char *service)
{
	return kube_announce_reason(w->cluster, node, NULL, service);
}
