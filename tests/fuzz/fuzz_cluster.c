/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Manifests from anywhere, applied to a cluster: controller, speaker and proxy say something sensible or refuse. */
#include "fuzz.h"

#include "scenario.h"

#include <string.h>

static const char *const nodes[] = {"control-plane", "worker1", "worker2"};

#define NODES (sizeof(nodes) / sizeof(nodes[0]))

static struct kube_cluster *cluster(enum kube_metallb metallb)
{
	struct kube_cluster_conf conf = {.metallb = metallb, .seed = 1};
	struct kube_cluster *c;

	FUZZ_MUST(prefix_parse("10.244.0.0/16", &conf.pod_net) == 0);
	FUZZ_MUST(prefix_parse("10.96.0.0/12", &conf.service_net) == 0);
	c = kube_cluster_new(&conf);
	for (size_t i = 0; i < NODES; i++) {
		struct addr a = addr_v4(0x0a000032 + (uint32_t)i);

		kube_cluster_node(c, nodes[i], &a, i > 0);
	}
	return c;
}

static void services_look(struct kube_cluster *c)
{
	size_t n;
	const struct kube_service_view *views = kube_services(c, &n);

	for (size_t i = 0; i < n; i++) {
		FUZZ_MUST(views[i].ingress_count == 0 || views[i].pending_reason == NULL || views[i].pool == NULL);
		for (size_t k = 0; k < i; k++)
			FUZZ_MUST(views[i].cluster_ip.family == ADDR_NONE ||
				  !addr_equal(&views[i].cluster_ip, &views[k].cluster_ip));
		for (size_t k = 0; k < NODES; k++)
			FUZZ_MUST(kube_announce_reason(c, nodes[k], views[i].service->meta.namespace,
						       views[i].service->meta.name) != NULL);
	}
}

static void nodes_look(struct kube_cluster *c)
{
	size_t n;

	for (size_t i = 0; i < NODES; i++) {
		const struct kube_announcement *list = kube_announcements(c, nodes[i], &n);

		for (size_t k = 0; k < n; k++)
			FUZZ_MUST(list[k].prefix.len <= (list[k].prefix.addr.family == ADDR_V4 ? 32 : 128));
		(void)kube_sessions(c, nodes[i], &n);
		FUZZ_MUST(kube_proxy_rules(c, nodes[i]) != NULL);
	}
}

static void look(struct kube_cluster *c)
{
	size_t n;
	const char *const *warnings = kube_warnings(c, &n);

	for (size_t i = 0; i < n; i++)
		FUZZ_MUST(warnings[i] != NULL && warnings[i][0] != '\0');
	services_look(c);
	nodes_look(c);
}

static void pods_become_ready(struct kube_cluster *c)
{
	size_t n;
	const struct kube_pod *pods = kube_pods(c, &n);
	unsigned int uids[64];

	n = n < 64 ? n : 64;
	for (size_t i = 0; i < n; i++)
		uids[i] = pods[i].uid;
	for (size_t i = 0; i < n; i++)
		kube_pod_ready(c, uids[i], true);
}

/* All at once, then each again, as a user who edits does; a refusal says why. */
static void play(struct kube_cluster *c, const struct kube_object *objects, size_t n)
{
	struct errmsg err = {0};

	if (kube_apply_all(c, objects, n, &err) < 0)
		FUZZ_MUST(err.text[0] != '\0');
	pods_become_ready(c);
	look(c);
	for (size_t i = 0; i < n; i++)
		(void)kube_apply(c, &objects[i], &err);
	look(c);
	for (size_t i = 0; i < n; i++)
		if (objects[i].kind != KUBE_LEGACY_CONFIG)
			(void)kube_delete(c, objects[i].kind, objects[i].meta.namespace, objects[i].meta.name, &err);
	look(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct diags diags = {0};
	struct arena arena = {0};
	const struct kube_object *objects;
	size_t count;

	if (manifest_read(fuzz_file_open(bytes, n), &arena, &diags, &objects, &count) == 0) {
		for (int metallb = KUBE_METALLB_LEGACY; metallb <= KUBE_METALLB_STANDARD; metallb++) {
			struct kube_cluster *c = cluster((enum kube_metallb)metallb);

			play(c, objects, count);
			kube_cluster_free(c);
		}
	}
	diags_fini(&diags);
	arena_clear(&arena);
	fuzz_file_close();
	return 0;
}
