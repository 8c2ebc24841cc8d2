/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Deployments and their pods: where they run, how they are called, where they listen, when they go. */
#include "world.h"

#include <stdio.h>
#include <string.h>

#define CONTAINER "containers: [{name: c, image: nginx}]"

static void deployment(struct world *w, const char *name, unsigned int replicas, const char *labels, const char *pod)
{
	world_applyf(w,
		     "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %s}\n"
		     "spec: {replicas: %u, selector: {matchLabels: {app: %s}}, "
		     "template: {metadata: {labels: {app: %s%s}}, spec: {%s}}}\n",
		     name, replicas, name, name, labels, pod);
}

static size_t pods_on(struct world *w, const char *node)
{
	size_t n, found = 0;
	const struct kube_pod *pods = kube_pods(w->cluster, &n);

	for (size_t i = 0; i < n; i++)
		found += node == NULL || strcmp(pods[i].node, node) == 0;
	return found;
}

static void pods_are_spread(void **state)
{
	struct world *w = *state;

	deployment(w, "a", 4, "", CONTAINER);
	assert_int_equal(pods_on(w, "worker1"), 2);
	assert_int_equal(pods_on(w, "worker2"), 1);
	assert_int_equal(pods_on(w, "worker3"), 1);
	/* of two equal ones the node with fewer pods at all */
	deployment(w, "b", 2, "", CONTAINER);
	assert_int_equal(pods_on(w, "worker1"), 2);
	assert_int_equal(pods_on(w, "worker2"), 2);
	assert_int_equal(pods_on(w, "worker3"), 2);
	assert_int_equal(pods_on(w, "control-plane"), 0);
	/* the newest go first */
	assert_int_equal(kube_scale(w->cluster, NULL, "a", 3, &w->err), 0);
	assert_int_equal(pods_on(w, "worker1"), 1);
	assert_int_equal(kube_delete(w->cluster, KUBE_DEPLOYMENT, NULL, "a", &w->err), 0);
	assert_int_equal(pods_on(w, NULL), 2);
}

static void nodes_are_chosen(void **state)
{
	static const struct {
		const char *selector;
		size_t on[3];
	} rows[] = {
		{"nodeSelector: {kubernetes.io/hostname: worker2}", {0, 3, 0}},
		{"nodeSelector: {kubernetes.io/os: linux}", {1, 1, 1}}, /* kubelet's */
		{"nodeSelector: {rack: a}", {3, 0, 0}},
		{"nodeSelector: {rack: a, kubernetes.io/hostname: worker2}", {0, 0, 0}},
		{"nodeSelector: {node-role.kubernetes.io/control-plane: ''}", {0, 0, 0}},
	};
	struct world *w = *state;

	world_apply(w, "apiVersion: v1\nkind: Node\nmetadata: {name: worker1, labels: {rack: a}}\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		deployment(w, "a", 3, "", arena_printf(&w->arena, "%s, " CONTAINER, rows[i].selector));
		for (unsigned int node = 0; node < 3; node++)
			assert_int_equal(pods_on(w, arena_printf(&w->arena, "worker%u", node + 1)), rows[i].on[node]);
	}
	/* a cordon keeps new ones away, and lets those there be */
	deployment(w, "a", 3, "", CONTAINER);
	world_apply(w, "apiVersion: v1\nkind: Node\nmetadata: {name: worker1}\nspec: {unschedulable: true}\n");
	assert_int_equal(kube_scale(w->cluster, NULL, "a", 6, &w->err), 0);
	assert_int_equal(pods_on(w, "worker1"), 1);
	assert_int_equal(pods_on(w, NULL), 6);
}

static void a_node_takes_so_many(void **state)
{
	struct world *w = *state;
	const struct kube_pod *pods;
	size_t n;

	deployment(w, "a", 1000, "", CONTAINER);
	pods = kube_pods(w->cluster, &n);
	assert_int_equal(n, 330); /* 110 is kubelet's limit; the others wait */
	for (size_t i = 0; i < n; i++) {
		struct prefix net = kube_node_pod_net(w->cluster, pods[i].node);

		assert_true(prefix_contains(&net, &pods[i].address));
		for (size_t k = 0; k < i; k++)
			assert_false(addr_equal(&pods[i].address, &pods[k].address));
	}
}

/* The lowest that is free, and what a pod had that is gone is free. */
static void addresses_are_the_lowest(void **state)
{
	static const char *const expected[] = {"10.244.0.2", "10.244.1.2", "10.244.2.2", "10.244.0.3"};
	struct world *w = *state;
	const struct kube_pod *pods;
	size_t n;

	for (int round = 0; round < 3; round++) {
		deployment(w, "a", 4, "", CONTAINER);
		pods = kube_pods(w->cluster, &n);
		assert_int_equal(n, 4);
		for (size_t i = 0; i < n; i++)
			assert_string_equal(addr_text(&pods[i].address).s, expected[i]);
		assert_int_equal(kube_scale(w->cluster, NULL, "a", round == 0 ? 3 : 0, &w->err), 0);
	}
}

/* web-7d4b9c8f6d-x2x7k: the template's hash, and the pod's own part, of letters that spell nothing. */
static void names_are_kubernetes(void **state)
{
	static const char alphabet[] = "bcdfghjklmnpqrstvwxz2456789";
	struct world *w = *state;
	const struct kube_pod *pods;
	unsigned int last;
	size_t n;

	deployment(w, "web", 3, "", CONTAINER);
	pods = kube_pods(w->cluster, &n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(strlen(pods[i].name), strlen("web-7d4b9c8f6d-x2x7k"));
		assert_memory_equal(pods[i].name, pods[0].name, strlen("web-7d4b9c8f6d-"));
		assert_int_equal(strspn(pods[i].name + 4, alphabet), 10);
		assert_int_equal(pods[i].name[14], '-');
		assert_int_equal(strspn(pods[i].name + 15, alphabet), 5);
		assert_string_equal(pods[i].namespace, "default");
		assert_false(pods[i].ready);
		for (size_t k = 0; k < i; k++) {
			assert_string_not_equal(pods[i].name, pods[k].name);
			assert_int_not_equal(pods[i].uid, pods[k].uid);
		}
	}
	last = pods[2].uid;
	assert_int_equal(kube_scale(w->cluster, NULL, "web", 2, &w->err), 0);
	assert_int_equal(kube_scale(w->cluster, NULL, "web", 3, &w->err), 0);
	pods = kube_pods(w->cluster, &n);
	assert_true(pods[2].uid > last); /* never used again */
}

static void a_new_template_makes_new_pods(void **state)
{
	struct world *w = *state;
	const struct kube_pod *pods;
	unsigned int uid;
	char hash[32];
	size_t n;

	deployment(w, "web", 1, "", CONTAINER);
	pods = kube_pods(w->cluster, &n);
	uid = pods[0].uid;
	snprintf(hash, sizeof(hash), "%.14s", pods[0].name);
	kube_pod_ready(w->cluster, uid, true);
	/* the same again, and another number of replicas, change no pod */
	deployment(w, "web", 1, "", CONTAINER);
	deployment(w, "web", 2, "", CONTAINER);
	pods = kube_pods(w->cluster, &n);
	assert_int_equal(n, 2);
	assert_int_equal(pods[0].uid, uid);
	assert_true(pods[0].ready);
	assert_memory_equal(pods[1].name, hash, 14);
	/* other labels do: who selects them finds them */
	world_pool(w, "pool", "10.1.0.0/24", "");
	world_apply(w, "apiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\nmetadata: {name: v}\n");
	world_service(w, "s", "", "selector: {version: two}");
	assert_string_equal(world_reason(w, "worker1", "s"), "noEndpoints");
	deployment(w, "web", 2, ", version: two", CONTAINER);
	pods = kube_pods(w->cluster, &n);
	assert_int_equal(n, 2);
	assert_int_not_equal(pods[0].uid, uid);
	assert_false(pods[0].ready);
	assert_memory_not_equal(pods[0].name, hash, 14);
	kube_pod_ready(w->cluster, pods[0].uid, true);
	assert_string_equal(world_reason(w, "worker1", "s"), "announced");
	kube_pod_ready(w->cluster, uid, true); /* one that is gone */
	/* another port, too */
	deployment(w, "web", 2, ", version: two",
		   "containers: [{name: c, image: nginx, ports: [{containerPort: 81}]}]");
	pods = kube_pods(w->cluster, &n);
	assert_false(pods[0].ready);
}

#define PORTS(list) "containers: [{name: c, image: nginx, ports: [" list "]}]"

static void pods_listen_where_services_send(void **state)
{
	static const struct {
		const char *container, *ports;
		uint16_t listens;
	} rows[] = {
		{CONTAINER, NULL, 80},
		{PORTS("{containerPort: 8080}"), NULL, 8080},
		{PORTS("{containerPort: 8080}"), "{port: 80, targetPort: 9090}", 9090},
		{PORTS("{containerPort: 8080}"), "{port: 80}", 80},
		{PORTS("{containerPort: 8080}, {containerPort: 8081, name: web}"), "{port: 80, targetPort: web}", 8081},
		/* a name that no container has sends nowhere */
		{PORTS("{containerPort: 8080}"), "{port: 80, targetPort: nobody}", 8080},
		{CONTAINER, "{port: 80, targetPort: nobody}", 80},
		/* the lab's server speaks HTTP over TCP */
		{CONTAINER, "{port: 53, protocol: UDP, name: a}, {port: 80, targetPort: 8080, name: b}", 8080},
		{PORTS("{containerPort: 8080}"), "{port: 53, protocol: UDP}", 8080},
		{PORTS("{containerPort: 53, protocol: UDP, name: d}, {containerPort: 54, name: d}"),
		 "{port: 53, targetPort: d}", 54},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *service = "";
		const struct kube_pod *pods;
		size_t n;

		if (rows[i].ports != NULL)
			service = arena_printf(&w->arena,
					       "---\napiVersion: v1\nkind: Service\nmetadata: {name: s}\n"
					       "spec: {selector: {app: web}, ports: [%s]}\n",
					       rows[i].ports);
		/* in one file: the server is started when all is known */
		world_applyf(w,
			     "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
			     "spec: {replicas: 1, selector: {matchLabels: {app: web}}, "
			     "template: {metadata: {labels: {app: web}}, spec: {%s}}}\n%s",
			     rows[i].container, service);
		pods = kube_pods(w->cluster, &n);
		assert_int_equal(n, 1);
		if (pods[0].port != rows[i].listens)
			fail_msg("row %zu: port %u", i, pods[0].port);
		world_delete(w, KUBE_DEPLOYMENT, "web");
		if (rows[i].ports != NULL)
			world_delete(w, KUBE_SERVICE, "s");
	}
}

/* Names and selectors are a namespace's own. */
static void namespaces_are_apart(void **state)
{
	static const char two[] =
		"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: %s}\n"
		"spec: {replicas: %u, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: "
		"web}}, spec: {containers: [{name: c, image: nginx}]}}}\n";
	struct world *w = *state;
	const struct kube_pod *pods;
	size_t n;

	world_pool(w, "pool", "10.1.0.0/24", "");
	world_apply(w, "apiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\nmetadata: {name: v}\n");
	world_applyf(w, two, "blue", 2U);
	world_applyf(w, two, "red", 1U);
	world_service(w, "web", "namespace: red", "");
	pods = kube_pods(w->cluster, &n);
	assert_int_equal(n, 3);
	assert_string_equal(pods[0].namespace, "blue");
	kube_pod_ready(w->cluster, pods[0].uid, true);
	assert_string_equal(kube_announce_reason(w->cluster, "worker1", "red", "web"), "noEndpoints");
	assert_int_equal(kube_scale(w->cluster, "blue", "web", 0, &w->err), 0);
	pods = kube_pods(w->cluster, &n);
	assert_int_equal(n, 1);
	kube_pod_ready(w->cluster, pods[0].uid, true);
	assert_string_equal(kube_announce_reason(w->cluster, "worker1", "red", "web"), "announced");
	assert_int_not_equal(kube_delete(w->cluster, KUBE_DEPLOYMENT, NULL, "web", &w->err), 0);
	/* kubectl apply after kubectl scale: the file's number holds */
	world_applyf(w, two, "blue", 2U);
	assert_int_equal(pods_on(w, NULL), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(pods_are_spread),
		WORLD_TEST(nodes_are_chosen),
		WORLD_TEST(a_node_takes_so_many),
		WORLD_TEST(names_are_kubernetes),
		WORLD_TEST(addresses_are_the_lowest),
		WORLD_TEST(a_new_template_makes_new_pods),
		WORLD_TEST(pods_listen_where_services_send),
		WORLD_TEST(namespaces_are_apart),
	};

	return cmocka_run_group_tests_name("pods", tests, NULL, NULL);
}
