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

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_does_what_it_says)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
