/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who announces what, and why not: the decision of METALLB.md section 4.1 row by row, and the chains of section 8.12. */
#include "world.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define METALLB "metadata: {namespace: metallb-system, name: "

static void metallb(struct world *w)
{
	world_apply(w, "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n" METALLB "peer1}\n"
		       "spec: {myASN: 22000, peerASN: 11000, peerAddress: 10.0.0.1}\n---\n"
		       "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\n" METALLB "pool}\n"
		       "spec: {addresses: [172.16.254.0/24], avoidBuggyIPs: true}\n---\n"
		       "apiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n" METALLB "adv}\n");
}

/* Endpoints of a Service without a selector, as an EndpointSlice written by hand. */
static void endpoints(struct world *w, const char *list)
{
	world_applyf(w,
		     "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"
		     "metadata: {name: s-1, labels: {kubernetes.io/service-name: s}}\naddressType: IPv4\n"
		     "ports: [{port: 80}]\nendpoints: [%s]\n",
		     list);
}

static void plain_service(struct world *w, const char *policy)
{
	world_applyf(w,
		     "apiVersion: v1\nkind: Service\nmetadata: {name: s, labels: {team: red}}\n"
		     "spec: {type: LoadBalancer, externalTrafficPolicy: %s, ports: [{port: 80}]}\n",
		     policy);
}

#define ENDPOINT(node, conditions) "{addresses: [10.244.9.9], nodeName: " node ", conditions: {" conditions "}}"

/* The truth table of section 4.1; the API server's absent conditions are absent here, too. */
static void health_is_ready_or_serving(void **state)
{
	static const struct {
		const char *conditions;
		bool counted;
	} rows[] = {
		{"", true},
		{"serving: false, terminating: true", true},
		{"ready: true, serving: false", true},
		{"ready: true, terminating: true", true},
		{"ready: false, serving: true, terminating: true", true},
		{"ready: false, serving: true, terminating: false", true},
		{"ready: false, serving: false", false},
		{"ready: false", false},
		{"ready: false, terminating: true", false},
	};
	struct world *w = *state;

	metallb(w);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char list[200];

		snprintf(list, sizeof(list), ENDPOINT("worker2", "%s"), rows[i].conditions);
		endpoints(w, list);
		plain_service(w, "Cluster");
		assert_string_equal(world_reason(w, "worker1", "s"), rows[i].counted ? "announced" : "noEndpoints");
		plain_service(w, "Local");
		assert_string_equal(world_reason(w, "worker2", "s"),
				    rows[i].counted ? "announced" : "noLocalEndpoints");
		assert_string_equal(world_reason(w, "worker1", "s"), "noLocalEndpoints");
	}
}

/* Section 8.12, the life of a service as one speaker sees it. */
static void the_life_of_a_service(void **state)
{
	struct world *w = *state;

	plain_service(w, "Cluster");
	assert_string_equal(world_reason(w, "worker1", "s"), "noIPAllocated");
	world_apply(w, "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n" METALLB "peer1}\n"
		       "spec: {myASN: 22000, peerASN: 11000, peerAddress: 10.0.0.1}\n");
	assert_string_equal(world_announced(w, "worker1"), "");
	metallb(w);
	world_apply(w, "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80}]}\n");
	assert_string_equal(world_reason(w, "worker1", "s"), "notLoadBalancer");
	endpoints(w, ENDPOINT("worker2", "ready: true"));
	plain_service(w, "Cluster");
	assert_string_equal(world_announced(w, "worker1"), "172.16.254.1/32");
	plain_service(w, "Local");
	assert_string_equal(world_announced(w, "worker1"), "");
	assert_string_equal(world_announced(w, "worker2"), "172.16.254.1/32");
	endpoints(w, ENDPOINT("worker1", "ready: true"));
	assert_string_equal(world_announced(w, "worker1"), "172.16.254.1/32");
	endpoints(w, ENDPOINT("worker1", "ready: false") ", " ENDPOINT("worker1", "ready: true"));
	assert_string_equal(world_announced(w, "worker1"), "172.16.254.1/32");
	endpoints(w, "");
	assert_string_equal(world_reason(w, "worker1", "s"), "noLocalEndpoints");
	endpoints(w, ENDPOINT("worker1", "ready: false"));
	assert_string_equal(world_announced(w, "worker1"), "");
	endpoints(w, ENDPOINT("worker1", "ready: false, serving: true"));
	assert_string_equal(world_announced(w, "worker1"), "172.16.254.1/32");
	/* an endpoint of nowhere counts for Cluster alone */
	endpoints(w, "{addresses: [10.244.9.9]}");
	assert_string_equal(world_announced(w, "worker1"), "");
	plain_service(w, "Cluster");
	assert_string_equal(world_announced(w, "worker1"), "172.16.254.1/32");
	world_delete(w, KUBE_SERVICE, "s");
	assert_string_equal(world_reason(w, "worker1", "s"), "serviceDeleted");
	assert_string_equal(world_announced(w, "worker1"), "");
}

static void pods_are_endpoints(void **state)
{
	struct world *w = *state;
	size_t n;
	const struct kube_pod *pods;

	metallb(w);
	world_apply(w, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
		       "spec: {replicas: 2, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: "
		       "web}}, spec: {containers: [{name: c, image: nginx, ports: [{containerPort: 8080}]}]}}}\n");
	world_service(w, "web", "", "externalTrafficPolicy: Local");
	pods = kube_pods(w->cluster, &n);
	assert_int_equal(n, 2);
	assert_string_equal(world_reason(w, pods[0].node, "web"), "noLocalEndpoints"); /* not ready yet */
	for (size_t i = 0; i < 2; i++) {
		pods = kube_pods(w->cluster, &n);
		assert_string_not_equal(pods[i].node, "control-plane");
		kube_pod_ready(w->cluster, pods[i].uid, true);
	}
	pods = kube_pods(w->cluster, &n);
	assert_string_not_equal(pods[0].node, pods[1].node); /* spread */
	for (size_t i = 0; i < 3; i++) {
		static const char *const nodes[] = {"worker1", "worker2", "worker3"};
		bool local = strcmp(nodes[i], pods[0].node) == 0 || strcmp(nodes[i], pods[1].node) == 0;

		assert_string_equal(world_reason(w, nodes[i], "web"), local ? "announced" : "noLocalEndpoints");
	}
	assert_int_equal(kube_scale(w->cluster, NULL, "web", 0, &w->err), 0);
	assert_string_equal(world_reason(w, "worker1", "web"), "noLocalEndpoints");
	assert_int_equal(kube_scale(w->cluster, NULL, "nobody", 0, &w->err), -ENOENT);
}

/* publishNotReadyAddresses sets ready whatever the pods say. */
static void unready_pods_may_be_published(void **state)
{
	struct world *w = *state;

	metallb(w);
	world_apply(w, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
		       "spec: {replicas: 1, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: "
		       "web}}, spec: {containers: [{name: c, image: nginx}]}}}\n");
	world_service(w, "web", "", "");
	assert_string_equal(world_reason(w, "worker1", "web"), "noEndpoints");
	world_service(w, "web", "", "publishNotReadyAddresses: true");
	assert_string_equal(world_reason(w, "worker1", "web"), "announced");
}

static void nodes_are_left_out(void **state)
{
	struct world *w = *state;

	metallb(w);
	endpoints(w, ENDPOINT("worker2", "ready: true"));
	plain_service(w, "Cluster");
	world_apply(w, "apiVersion: v1\nkind: Node\nmetadata: {name: worker1, labels: "
		       "{node.kubernetes.io/exclude-from-external-load-balancers: 'false'}}\n");
	assert_string_equal(world_reason(w, "worker1", "s"), "nodeLabeledExcludeBalancers");
	world_apply(w, "apiVersion: v1\nkind: Node\nmetadata: {name: worker1}\n"
		       "status: {conditions: [{type: NetworkUnavailable, status: 'True'}]}\n");
	assert_string_equal(world_reason(w, "worker1", "s"), "nodeNetworkUnavailable");
	/* a cordon is none of BGP's business */
	world_apply(w, "apiVersion: v1\nkind: Node\nmetadata: {name: worker1}\nspec: {unschedulable: true}\n"
		       "status: {conditions: [{type: Ready, status: 'False'}]}\n");
	assert_string_equal(world_reason(w, "worker1", "s"), "announced");
}

/* ---- Advertisements ---- */

static void advertisement(struct world *w, const char *name, const char *spec)
{
	world_applyf(w, "apiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n" METALLB "%s}\nspec: {%s}\n", name,
		     spec);
}

static void a_served_service(struct world *w)
{
	metallb(w);
	endpoints(w, ENDPOINT("worker2", "ready: true"));
	plain_service(w, "Cluster");
}

static void an_advertisement_shapes_the_route(void **state)
{
	static const struct {
		const char *spec, *announced;
	} rows[] = {
		{"", "172.16.254.1/32"},
		{"aggregationLength: 24", "172.16.254.0/24"},
		{"aggregationLength: 26, localPref: 50", "172.16.254.0/26 lp 50"},
		{"communities: ['65535:65282', '1:2']", "172.16.254.1/32 1:2 65535:65282"},
		{"peers: [peer1]", "172.16.254.1/32 to peer1"},
		{"ipAddressPools: [pool]", "172.16.254.1/32"},
		{"ipAddressPools: [elsewhere]", ""},
		{"ipAddressPoolSelectors: [{matchLabels: {x: y}}]", ""},
		{"nodeSelectors: [{matchLabels: {kubernetes.io/hostname: worker1}}]", "172.16.254.1/32"},
		{"nodeSelectors: [{matchLabels: {kubernetes.io/hostname: worker2}}]", ""},
		{"serviceSelectors: [{matchLabels: {team: blue}}, {matchLabels: {team: red}}]", "172.16.254.1/32"},
		{"serviceSelectors: [{matchLabels: {team: blue}}]", ""},
	};
	struct world *w = *state;

	a_served_service(w);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		advertisement(w, "adv", rows[i].spec);
		assert_string_equal(world_announced(w, "worker1"), rows[i].announced);
	}
	assert_string_equal(world_reason(w, "worker1", "s"), "noMatchingAdvertisement");
	advertisement(w, "adv", "ipAddressPools: [elsewhere]");
	assert_string_equal(world_reason(w, "worker1", "s"), "notOwner");
	kube_delete(w->cluster, KUBE_BGP_ADVERTISEMENT, "metallb-system", "adv", &w->err);
	assert_string_equal(world_ingress(w, "s"), "172.16.254.1"); /* an address that nobody announces */
	assert_string_equal(world_announced(w, "worker1"), "");
}

static void aliases_stand_for_communities(void **state)
{
	struct world *w = *state;

	a_served_service(w);
	world_apply(w, "apiVersion: metallb.io/v1beta1\nkind: Community\n" METALLB "c}\n"
		       "spec: {communities: [{name: vpn, value: '1234:1'}, {name: '7:7', value: '8:8'}]}\n");
	advertisement(w, "adv", "communities: [vpn, '7:7']");
	assert_string_equal(world_announced(w, "worker1"), "172.16.254.1/32 8:8 1234:1");
}

/* An alias and the literal that it stands for are one community: the set goes on the wire. */
static void communities_are_a_set(void **state)
{
	struct world *w = *state;

	a_served_service(w);
	world_apply(w, "apiVersion: metallb.io/v1beta1\nkind: Community\n" METALLB "c}\n"
		       "spec: {communities: [{name: vpn, value: '1234:1'}, {name: same, value: '01234:0001'}]}\n");
	advertisement(w, "adv", "communities: [same, '65535:65281', vpn, '1234:1', '0:5']");
	assert_string_equal(world_announced(w, "worker1"), "172.16.254.1/32 0:5 1234:1 65535:65281");
}

/* A pool reached by name and by label has the advertisement once, and several have theirs each. */
static void pools_are_selected(void **state)
{
	static const struct {
		const char *spec, *announced;
	} rows[] = {
		{"", "172.16.254.1/32"},
		{"ipAddressPools: [pool], ipAddressPoolSelectors: [{matchLabels: {tier: gold}}]", "172.16.254.1/32"},
		{"ipAddressPools: [elsewhere], ipAddressPoolSelectors: [{matchLabels: {tier: gold}}]",
		 "172.16.254.1/32"},
		{"ipAddressPoolSelectors: [{matchExpressions: [{key: tier, operator: In, values: [silver, gold]}]}]",
		 "172.16.254.1/32"},
		{"ipAddressPoolSelectors: [{matchExpressions: [{key: tier, operator: NotIn, values: [gold]}]}]", ""},
		{"ipAddressPoolSelectors: [{matchExpressions: [{key: rack, operator: NotIn, values: [a]}]}]",
		 "172.16.254.1/32"},
		{"ipAddressPoolSelectors: [{matchExpressions: [{key: rack, operator: DoesNotExist}, {key: tier, "
		 "operator: "
		 "Exists}]}]",
		 "172.16.254.1/32"},
		{"ipAddressPoolSelectors: [{matchLabels: {tier: gold}, matchExpressions: [{key: rack, operator: "
		 "Exists}]}]",
		 ""},
		{"ipAddressPoolSelectors: [{}]", "172.16.254.1/32"},
	};
	struct world *w = *state;

	a_served_service(w);
	world_apply(w,
		    "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {namespace: metallb-system, name: "
		    "pool, labels: {tier: gold}}\nspec: {addresses: [172.16.254.0/24], avoidBuggyIPs: true}\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		advertisement(w, "adv", rows[i].spec);
		assert_string_equal(world_announced(w, "worker1"), rows[i].announced);
	}
}

/* Each address, service and advertisement makes an entry; the prefix lives as long as one of them does. */
static void an_aggregate_has_many_reasons(void **state)
{
	struct world *w = *state;

	a_served_service(w);
	world_apply(w, "apiVersion: v1\nkind: Service\nmetadata: {name: t}\nspec: {type: LoadBalancer, ports: [{port: "
		       "80}]}\n---\napiVersion: v1\nkind: Endpoints\nmetadata: {name: t}\n"
		       "subsets: [{addresses: [{ip: 10.244.9.8, nodeName: worker3}], ports: [{port: 80}]}]\n");
	advertisement(w, "adv", "aggregationLength: 24");
	advertisement(w, "more", "peers: [peer1]");
	assert_string_equal(world_announced(w, "worker1"),
			    "172.16.254.0/24; 172.16.254.1/32 to peer1; 172.16.254.0/24; 172.16.254.2/32 to peer1");
	world_delete(w, KUBE_SERVICE, "s");
	assert_string_equal(world_announced(w, "worker1"), "172.16.254.0/24; 172.16.254.2/32 to peer1");
}

/* Section 4.1 row 8: an advertisement with a service selector meets another only at announce time. */
static void local_prefs_may_clash_late(void **state)
{
	struct world *w = *state;

	a_served_service(w);
	advertisement(w, "adv", "localPref: 1");
	advertisement(w, "adv2", "localPref: 2, serviceSelectors: [{matchLabels: {team: red}}]");
	assert_string_equal(world_reason(w, "worker1", "s"), "conflictingAdvertisements");
	assert_string_equal(world_announced(w, "worker1"), "");
	advertisement(w, "adv2", "localPref: 2, serviceSelectors: [{matchLabels: {team: blue}}]");
	assert_string_equal(world_announced(w, "worker1"), "172.16.254.1/32 lp 1");
	/* for other peers, or other nodes, it is none */
	advertisement(w, "adv", "localPref: 1, peers: [one]");
	advertisement(w, "adv2", "localPref: 2, peers: [two], serviceSelectors: [{matchLabels: {team: red}}]");
	assert_string_equal(world_announced(w, "worker1"), "172.16.254.1/32 lp 1 to one; 172.16.254.1/32 lp 2 to two");
	advertisement(w, "adv", "localPref: 1, nodeSelectors: [{matchLabels: {kubernetes.io/hostname: worker1}}]");
	assert_string_equal(world_reason(w, "worker1", "s"), "conflictingAdvertisements");
	assert_string_equal(world_announced(w, "worker2"), "172.16.254.1/32 lp 2 to two");
	/* any two of them count, not only those that meet the first; the aggregate before them is no match for either */
	advertisement(w, "adv", "localPref: 1, aggregationLength: 24");
	advertisement(w, "adv2", "localPref: 1");
	advertisement(w, "adv3", "localPref: 2, serviceSelectors: [{matchLabels: {team: red}}]");
	assert_string_equal(world_reason(w, "worker1", "s"), "conflictingAdvertisements");
	advertisement(w, "adv2", "localPref: 2");
	assert_string_equal(world_reason(w, "worker1", "s"), "announced");
}

static void sessions_follow_node_selectors(void **state)
{
	static const struct {
		const char *selectors;
		bool runs[3];
	} rows[] = {
		{"", {true, true, true}},
		{"nodeSelectors: [{matchLabels: {kubernetes.io/hostname: worker2}}]", {false, true, false}},
		{"nodeSelectors: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [worker1, "
		 "worker3]}]}]",
		 {true, false, true}},
		{"nodeSelectors: [{matchExpressions: [{key: kubernetes.io/hostname, operator: NotIn, values: "
		 "[worker1]}]}]",
		 {false, true, true}},
		{"nodeSelectors: [{matchExpressions: [{key: rack, operator: Exists}]}]", {true, false, false}},
		{"nodeSelectors: [{matchExpressions: [{key: rack, operator: DoesNotExist}]}]", {false, true, true}},
		{"nodeSelectors: [{matchLabels: {rack: a}}, {matchLabels: {kubernetes.io/hostname: worker3}}]",
		 {true, false, true}},
		{"nodeSelectors: [{matchLabels: {rack: b}}]", {false, false, false}},
	};
	struct world *w = *state;

	world_apply(w, "apiVersion: v1\nkind: Node\nmetadata: {name: worker1, labels: {rack: a}}\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		world_applyf(w,
			     "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n" METALLB "peer1}\n"
			     "spec: {myASN: 22000, peerASN: 11000, peerAddress: 10.0.0.1%s%s}\n",
			     *rows[i].selectors != '\0' ? ", " : "", rows[i].selectors);
		for (unsigned int node = 0; node < 3; node++) {
			size_t n;
			char name[16];

			snprintf(name, sizeof(name), "worker%u", node + 1);
			(void)kube_sessions(w->cluster, name, &n);
			assert_int_equal(n, rows[i].runs[node]);
		}
	}
}

/* The legacy configuration: every pool's advertisements go to everybody. */
static void the_legacy_form_announces_to_all(void **state)
{
	struct world *w = *state;

	world_apply(w, "configInline:\n  peers:\n  - {peer-address: 10.0.0.1, peer-asn: 11000, my-asn: 22000}\n"
		       "  address-pools:\n  - name: space\n    protocol: bgp\n    avoid-buggy-ips: true\n"
		       "    addresses: [172.16.254.0/24]\n    bgp-advertisements:\n"
		       "    - {aggregation-length: 32, localpref: 100, communities: ['65535:65281']}\n"
		       "    - {aggregation-length: 24}\n");
	endpoints(w, ENDPOINT("worker2", "ready: true"));
	plain_service(w, "Cluster");
	assert_string_equal(world_announced(w, "worker3"), "172.16.254.1/32 lp 100 65535:65281; 172.16.254.0/24");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(health_is_ready_or_serving),
		WORLD_TEST(the_life_of_a_service),
		WORLD_TEST(pods_are_endpoints),
		WORLD_TEST(unready_pods_may_be_published),
		WORLD_TEST(nodes_are_left_out),
		WORLD_TEST(an_advertisement_shapes_the_route),
		WORLD_TEST(aliases_stand_for_communities),
		WORLD_TEST(communities_are_a_set),
		WORLD_TEST(pools_are_selected),
		WORLD_TEST(an_aggregate_has_many_reasons),
		WORLD_TEST(local_prefs_may_clash_late),
		WORLD_TEST(sessions_follow_node_selectors),
		WORLD_TEST_LEGACY(the_legacy_form_announces_to_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
