/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the speaker before 0.13 and the native one after it differ, and who never speaks: METALLB.md sections 0.3, 2.10, 4.1
 * and 9. */
#include "world.h"

#include <stdio.h>
#include <string.h>

#define METALLB "metadata: {namespace: metallb-system, name: "

static const char crds[] = "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n" METALLB "peer1}\n"
			   "spec: {myASN: 22000, peerASN: 11000, peerAddress: 10.0.0.1}\n---\n"
			   "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\n" METALLB "pool}\n"
			   "spec: {addresses: [172.16.254.0/24], avoidBuggyIPs: true}\n---\n"
			   "apiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n" METALLB "adv}\n";
static const char inlined[] = "configInline:\n  peers:\n  - {peer-address: 10.0.0.1, peer-asn: 11000, my-asn: 22000}\n"
			      "  address-pools:\n  - {name: pool, protocol: bgp, avoid-buggy-ips: true, addresses: "
			      "[172.16.254.0/24]}\n";

static void service(struct world *w, const char *policy, const char *endpoints)
{
	world_applyf(w,
		     "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n"
		     "spec: {type: LoadBalancer, externalTrafficPolicy: %s, ports: [{port: 80}]}\n---\n"
		     "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"
		     "metadata: {name: s-1, labels: {kubernetes.io/service-name: s}}\naddressType: IPv4\n"
		     "ports: [{port: 80}]\nendpoints: [%s]\n",
		     policy, endpoints);
}

#define AT(address, node, conditions) "{addresses: [" address "], nodeName: " node ", conditions: {" conditions "}}"

/* Row 11 and 12 on worker1: native, legacy. */
static const struct {
	const char *endpoints;
	const char *native, *legacy; /* for Local */
} endpoint_rows[] = {
	{AT("10.244.0.5", "worker1", ""), "announced", "announced"},
	{AT("10.244.0.5", "worker1", "ready: false"), "noLocalEndpoints", "noLocalEndpoints"},
	/* one that ends but serves kept nobody's route before */
	{AT("10.244.0.5", "worker1", "ready: false, serving: true, terminating: true"), "announced",
	 "noLocalEndpoints"},
	{AT("10.244.0.5", "worker1", "ready: true, serving: false"), "announced", "announced"},
	/* one unready port spoilt its address */
	{AT("10.244.0.5", "worker1", "ready: true") ", " AT("10.244.0.5", "worker1", "ready: false"), "announced",
	 "noLocalEndpoints"},
	{AT("10.244.0.5", "worker1", "ready: false") ", " AT("10.244.0.5", "worker1", "ready: true"), "announced",
	 "noLocalEndpoints"},
	/* another address did not */
	{AT("10.244.0.5", "worker1", "ready: false") ", " AT("10.244.0.6", "worker1", "ready: true"), "announced",
	 "announced"},
	{AT("10.244.1.5", "worker2", "ready: true"), "noLocalEndpoints", "noLocalEndpoints"},
	{"{addresses: [10.244.0.5]}", "noLocalEndpoints", "noLocalEndpoints"},
};

static void endpoints_count_by_version(struct world *w, bool legacy)
{
	for (size_t i = 0; i < sizeof(endpoint_rows) / sizeof(endpoint_rows[0]); i++) {
		const char *expected = legacy ? endpoint_rows[i].legacy : endpoint_rows[i].native;

		service(w, "Local", endpoint_rows[i].endpoints);
		if (strcmp(world_reason(w, "worker1", "s"), expected) != 0)
			fail_msg("row %zu: %s", i, world_reason(w, "worker1", "s"));
	}
	/* for Cluster anybody's will do */
	service(w, "Cluster", AT("10.244.1.5", "worker2", "ready: true"));
	assert_string_equal(world_reason(w, "worker1", "s"), "announced");
	service(w, "Cluster", AT("10.244.1.5", "worker2", "ready: false, serving: true"));
	assert_string_equal(world_reason(w, "worker1", "s"), legacy ? "noEndpoints" : "announced");
}

static void native_endpoints(void **state)
{
	world_apply(*state, crds);
	endpoints_count_by_version(*state, false);
}

static void legacy_endpoints(void **state)
{
	world_apply(*state, inlined);
	endpoints_count_by_version(*state, true);
}

static void node_is(struct world *w, const char *what)
{
	world_applyf(w, "apiVersion: v1\nkind: Node\n%s\n", what);
}

#define EXCLUDED "metadata: {name: worker1, labels: {node.kubernetes.io/exclude-from-external-load-balancers: ''}}"
#define CUT_OFF "metadata: {name: worker1}\nstatus: {conditions: [{type: NetworkUnavailable, status: 'True'}]}"

/* Issue 2274: the label was not heeded before 0.14.2. */
static void native_nodes(void **state)
{
	struct world *w = *state;

	world_apply(w, crds);
	service(w, "Cluster", AT("10.244.1.5", "worker2", "ready: true"));
	node_is(w, EXCLUDED);
	assert_string_equal(world_reason(w, "worker1", "s"), "nodeLabeledExcludeBalancers");
	assert_string_equal(world_announced(w, "worker1"), "");
	assert_string_equal(world_announced(w, "worker2"), "172.16.254.1/32");
	node_is(w, CUT_OFF);
	assert_string_equal(world_reason(w, "worker1", "s"), "nodeNetworkUnavailable");
	/* the condition comes before the label, both before the endpoints */
	node_is(w, EXCLUDED "\nstatus: {conditions: [{type: NetworkUnavailable, status: 'True'}]}");
	assert_string_equal(world_reason(w, "worker1", "s"), "nodeNetworkUnavailable");
	node_is(w, EXCLUDED);
	service(w, "Cluster", "");
	assert_string_equal(world_reason(w, "worker1", "s"), "nodeLabeledExcludeBalancers");
	assert_int_equal(kube_delete(w->cluster, KUBE_NODE, NULL, "worker1", &w->err), 0);
	assert_string_equal(world_reason(w, "worker1", "s"), "noEndpoints");
}

static void legacy_nodes(void **state)
{
	struct world *w = *state;

	world_apply(w, inlined);
	service(w, "Cluster", AT("10.244.1.5", "worker2", "ready: true"));
	node_is(w, EXCLUDED);
	assert_string_equal(world_announced(w, "worker1"), "172.16.254.1/32");
	node_is(w, CUT_OFF);
	assert_string_equal(world_announced(w, "worker1"), "172.16.254.1/32");
}

/* kubeadm labels a control plane; the lab runs no speaker there, whatever the version. */
static void a_control_plane_is_silent(void **state)
{
	struct world *w = *state;
	size_t n;

	world_apply(w, crds);
	service(w, "Cluster", AT("10.244.1.5", "worker2", "ready: true"));
	assert_string_equal(world_announced(w, "control-plane"), "");
	assert_string_equal(world_reason(w, "control-plane", "s"), "nodeLabeledExcludeBalancers");
	(void)kube_sessions(w->cluster, "control-plane", &n);
	assert_int_equal(n, 0);
	/* by its label it can be told from the others */
	world_apply(w, "apiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n" METALLB "adv}\n"
		       "spec: {nodeSelectors: [{matchExpressions: [{key: node-role.kubernetes.io/control-plane, "
		       "operator: Exists}]}]}\n");
	assert_string_equal(world_reason(w, "worker1", "s"), "notOwner");
	assert_string_equal(world_reason(w, "control-plane", "s"), "nodeLabeledExcludeBalancers");
	world_apply(w, "apiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n" METALLB "adv}\n"
		       "spec: {nodeSelectors: [{matchExpressions: [{key: node-role.kubernetes.io/control-plane, "
		       "operator: DoesNotExist}]}]}\n");
	assert_string_equal(world_reason(w, "worker1", "s"), "announced");
}

static void a_legacy_control_plane_is_silent(void **state)
{
	struct world *w = *state;

	world_apply(w, inlined);
	service(w, "Cluster", AT("10.244.1.5", "worker2", "ready: true"));
	assert_string_equal(world_announced(w, "control-plane"), "");
}

/* Different LOCAL_PREFs of one prefix: nobody checked before 0.13, and the last one in the list won. */
static void legacy_local_prefs_are_not_compared(void **state)
{
	struct world *w = *state;

	world_apply(w, "configInline:\n  address-pools:\n  - name: pool\n    protocol: bgp\n"
		       "    addresses: [172.16.254.1/32]\n"
		       "    bgp-advertisements: [{localpref: 1, communities: [vpn]}, {localpref: 2}]\n"
		       "  bgp-communities: {vpn: '1234:1'}\n");
	service(w, "Cluster", AT("10.244.1.5", "worker2", "ready: true"));
	assert_string_equal(world_announced(w, "worker1"), "172.16.254.1/32 lp 1 1234:1; 172.16.254.1/32 lp 2");
}

/* BFD is the FRR engine's; the native one refused it in all versions. */
static void legacy_bfd_is_refused(void **state)
{
	world_refuses(*state,
		      "configInline:\n  peers:\n  - {peer-address: 10.0.0.1, peer-asn: 1, my-asn: 2, bfd-profile: x}\n",
		      "bfd-profile is not supported");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(native_endpoints),
		WORLD_TEST_LEGACY(legacy_endpoints),
		WORLD_TEST(native_nodes),
		WORLD_TEST_LEGACY(legacy_nodes),
		WORLD_TEST(a_control_plane_is_silent),
		WORLD_TEST_LEGACY(a_legacy_control_plane_is_silent),
		WORLD_TEST_LEGACY(legacy_local_prefs_are_not_compared),
		WORLD_TEST_LEGACY(legacy_bfd_is_refused),
	};

	return cmocka_run_group_tests_name("versions", tests, NULL, NULL);
}
