/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What MetalLB did at one time, had by a switch (METALLB.md section 11.3). */
#include "world.h"

#include <stdio.h>
#include <string.h>

#define METALLB "metadata: {namespace: metallb-system, name: "
#define BASE                                                                                                           \
	"apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n" METALLB "peer1}\n"                                           \
	"spec: {myASN: 22000, peerASN: 11000, peerAddress: 10.0.0.1}\n---\n"                                           \
	"apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\n" METALLB "pool}\n"                                      \
	"spec: {addresses: [172.16.254.0/24], avoidBuggyIPs: true}\n---\n"                                             \
	"apiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n" METALLB "adv}\n---\n"                               \
	"apiVersion: v1\nkind: Service\nmetadata: {name: s}\n"                                                         \
	"spec: {type: LoadBalancer, ports: [{port: 80}]}\n---\n"
#define SLICE(endpoints)                                                                                               \
	"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"                                                       \
	"metadata: {name: s-1, labels: {kubernetes.io/service-name: s}}\naddressType: IPv4\n"                          \
	"ports: [{port: 80}]\nendpoints: [" endpoints "]\n"
#define ENDPOINT(conditions) SLICE("{addresses: [10.244.9.9], nodeName: worker2, conditions: {" conditions "}}")
#define READY ENDPOINT("ready: true") "---\n"
#define NODE(more) "apiVersion: v1\nkind: Node\nmetadata: {name: worker1" more "\n"
#define EXCLUDED NODE(", labels: {node.kubernetes.io/exclude-from-external-load-balancers: ''}}")
#define CORDONED NODE("}\nspec: {unschedulable: true}")

static const struct row {
	const char *yaml;
	struct kube_switches switches;
	const char *without, *with; /* what worker1 says of s */
} rows[] = {
	{ENDPOINT("ready: false, serving: true"), {.endpoint_rule = KUBE_ENDPOINTS_READY}, "announced", "noEndpoints"},
	{ENDPOINT("ready: true, serving: false"),
	 {.endpoint_rule = KUBE_ENDPOINTS_SERVING_FIRST},
	 "announced",
	 "noEndpoints"},
	{ENDPOINT("ready: true"), {.endpoint_rule = KUBE_ENDPOINTS_SERVING_FIRST}, "announced", "announced"},
	{ENDPOINT("ready: false"), {.endpoint_rule = KUBE_ENDPOINTS_SERVING_OR_READY}, "noEndpoints", "noEndpoints"},
	{READY CORDONED, {.cordon_withdraw = true}, "announced", "nodeUnschedulable"},
	{READY EXCLUDED, {.ignore_exclude_lb = true}, "nodeLabeledExcludeBalancers", "announced"},
	{ENDPOINT("ready: false"), {.zero_endpoints_announce = true}, "noEndpoints", "announced"},
	{SLICE(""), {.zero_endpoints_announce = true}, "noEndpoints", "announced"},
};

static const char *reason(const struct row *row, bool switched)
{
	static char ret[64];
	struct kube_cluster_conf conf = {.metallb = KUBE_METALLB_NATIVE, .seed = 1};
	struct world *w;
	void *fresh;

	world_setup(&fresh);
	w = fresh;
	kube_cluster_free(w->cluster);
	assert_int_equal(prefix_parse("10.244.0.0/16", &conf.pod_net), 0);
	assert_int_equal(prefix_parse("10.96.0.0/16", &conf.service_net), 0);
	if (switched)
		conf.switches = row->switches;
	w->cluster = kube_cluster_new(&conf);
	for (unsigned int i = 1; i <= 2; i++) {
		struct addr at;

		assert_int_equal(addr_parse(i == 1 ? "10.0.0.51" : "10.0.0.52", &at), 0);
		kube_cluster_node(w->cluster, i == 1 ? "worker1" : "worker2", &at, true);
	}
	world_apply(w, BASE);
	world_apply(w, row->yaml);
	snprintf(ret, sizeof(ret), "%s", world_reason(w, "worker1", "s"));
	world_teardown(&fresh);
	return ret;
}

static void each_does_what_it_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *is = reason(&rows[i], false);

		if (strcmp(is, rows[i].without) != 0)
			fail_msg("row %zu, not switched: %s", i, is);
		is = reason(&rows[i], true);
		if (strcmp(is, rows[i].with) != 0)
			fail_msg("row %zu, switched: %s", i, is);
	}
}

#define WITH_COMMUNITIES                                                                                               \
	"apiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n" METALLB                                             \
	"adv}\nspec: {communities: ['65535:65282', '100:1']}\n---\n"                                                   \
	"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 3, selector: {matchLabels: "   \
	"{app: web}}, "                                                                                                \
	"template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: c}]}}}\n"

static size_t pods_on(const struct world *w, const char *node)
{
	size_t n, here = 0;
	const struct kube_pod *pods = kube_pods(w->cluster, &n);

	for (size_t i = 0; i < n; i++)
		here += strcmp(pods[i].node, node) == 0;
	return here;
}

/* The list is made anew with each that gets ready. */
static void pods_get_ready(const struct world *w)
{
	size_t n = 3;

	for (size_t i = 0; i < n; i++)
		kube_pod_ready(w->cluster, kube_pods(w->cluster, &n)[i].uid, true);
}

/* The ways in which a node's routes go while it runs on, and back. */
static void leaving_in_good_order(void **state)
{
	struct world *w = *state;

	world_apply(w, BASE WITH_COMMUNITIES);
	world_service(w, "web", "", "");
	pods_get_ready(w);
	assert_int_equal(pods_on(w, "worker1"), 1);
	assert_string_equal(world_announced(w, "worker1"), "172.16.254.2/32 100:1 65535:65282");
	kube_cluster_leave(w->cluster, "worker1", KUBE_LEAVE_SHUTDOWN); /* RFC 8326: 65535:0, in its place */
	assert_string_equal(world_announced(w, "worker1"), "172.16.254.2/32 100:1 65535:0 65535:65282");
	assert_string_equal(world_announced(w, "worker2"), "172.16.254.2/32 100:1 65535:65282");
	kube_cluster_leave(w->cluster, "worker1", KUBE_LEAVE_WITHDRAW);
	assert_string_equal(world_announced(w, "worker1"), "");
	assert_string_equal(world_reason(w, "worker1", "web"), "nodeWithdrawn");
	assert_int_equal(pods_on(w, "worker1"), 1);
	kube_cluster_leave(w->cluster, "worker1", KUBE_LEAVE_DRAIN);
	assert_string_equal(world_reason(w, "worker1", "web"), "nodeLabeledExcludeBalancers");
	assert_int_equal(pods_on(w, "worker1"), 0);
	assert_int_equal(pods_on(w, "worker2") + pods_on(w, "worker3"), 3);
	kube_cluster_leave(w->cluster, "worker1", KUBE_STAYS);
	pods_get_ready(w);
	assert_string_equal(world_announced(w, "worker1"), "172.16.254.2/32 100:1 65535:65282");
}

/* Before 0.14.2 a drained node that is excluded from load balancers announces on. */
static void drained_of_old(void **state)
{
	struct world *w = *state;
	struct kube_cluster *c = w->cluster;

	world_apply(
		w,
		"apiVersion: v1\nkind: ConfigMap\n" METALLB
		"config}\ndata:\n  config: |\n    peers: [{peer-address: 10.0.0.1, peer-asn: 11000, my-asn: 22000}]\n"
		"    address-pools: [{name: p, protocol: bgp, addresses: [172.16.254.0/24]}]\n---\n" READY);
	world_service(w, "s", "", "");
	kube_cluster_leave(c, "worker1", KUBE_LEAVE_DRAIN);
	assert_string_equal(world_reason(w, "worker1", "s"), "announced");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_does_what_it_says), WORLD_TEST(leaving_in_good_order),
					   WORLD_TEST_LEGACY(drained_of_old)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
