/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The same for manifests. */
#include "row.h"
#include "scenario.h"
#include "support.h"

#include <string.h>

static const struct row manifests[] = {
	{"bfd profile key",
	 "apiVersion: metallb.io/v1beta1\n"
	 "kind: BFDProfile\n"
	 "metadata: {name: b}\n"
	 "spec: {recieveInterval: 100}\n",
	 1, 4, 8, 15, "a BFDProfile's spec has no key \"recieveInterval\"", "did you mean \"receiveInterval\"?"},
	{"bfd profile range",
	 "apiVersion: metallb.io/v1beta1\n"
	 "kind: BFDProfile\n"
	 "metadata: {name: b}\n"
	 "spec: {detectMultiplier: 1}\n",
	 1, 4, 26, 1, "detectMultiplier: 1 is not a whole number from 2 to 255", NULL},
	{"bfd profile unit",
	 "apiVersion: metallb.io/v1beta1\n"
	 "kind: BFDProfile\n"
	 "metadata: {name: b}\n"
	 "spec: {transmitInterval: 100ms}\n",
	 1, 4, 26, 5, "transmitInterval: expected a number, found text", NULL},
	{"connect time",
	 "apiVersion: metallb.io/v1beta2\n"
	 "kind: BGPPeer\n"
	 "metadata: {name: p}\n"
	 "spec: {myASN: 1, peerASN: 2, peerAddress: 10.0.0.1, connectTime: 500ms}\n",
	 1, 4, 66, 5, "connectTime: whole seconds from 1s to 65535s", NULL},
	{"dynamic asn",
	 "apiVersion: metallb.io/v1beta2\n"
	 "kind: BGPPeer\n"
	 "metadata: {name: p}\n"
	 "spec: {myASN: 1, dynamicASN: extern, peerAddress: 10.0.0.1}\n",
	 1, 4, 30, 6, "dynamicASN can't be \"extern\"", "did you mean \"external\"?"},
	{"dep probe",
	 "apiVersion: apps/v1\n"
	 "kind: Deployment\n"
	 "metadata: {name: d}\n"
	 "spec:\n"
	 "  selector: {matchLabels: {app: a}}\n"
	 "  template: {metadata: {labels: {app: a}}, spec: {container: [{name: c}]}}\n",
	 1, 6, 51, 9, "a pod's spec has no key \"container\"", "did you mean \"containers\"?"},
	{"dep sel",
	 "apiVersion: apps/v1\n"
	 "kind: Deployment\n"
	 "metadata: {name: d}\n"
	 "spec:\n"
	 "  selector: {matchLabels: {app: a}}\n"
	 "  template: {metadata: {labels: {app: b}}, spec: {containers: [{name: c}]}}\n",
	 1, 5, 13, 1, "the selector does not match the labels of the pod template",
	 "Kubernetes refuses it: the two must agree"},
	{"eps",
	 "apiVersion: v1\n"
	 "kind: Endpoints\n"
	 "metadata: {name: nginx}\n"
	 "subsets:\n"
	 "- addresses: [{ip: 10.244.1.2, nodeName: worker1}]\n"
	 "  notReadyAddresses: [{ip: 10.244.1.300}]\n"
	 "  ports: [{port: 80}]\n",
	 1, 6, 28, 12, "ip: \"10.244.1.300\" is no IP address", NULL},
	{"external",
	 "apiVersion: v1\n"
	 "kind: Service\n"
	 "metadata: {name: nginx}\n"
	 "spec:\n"
	 "  externalIPs: [1.2.3.4]\n"
	 "  ports: [{port: 80}]\n",
	 1, 5, 16, 1, "the lab does not model externalIPs",
	 "it would change the result: take it out of the lab's copy"},
	{"helm typo", "configInLine: {}\n", 1, 1, 1, 12, "a manifest has no key \"configInLine\"",
	 "did you mean \"configInline\"?"},
	{"kind",
	 "apiVersion: v1\n"
	 "kind: Sevice\n"
	 "metadata: {name: x}\n",
	 1, 2, 7, 6, "the lab has no use for kind \"Sevice\"", "did you mean \"Service\"?"},
	{"kind far",
	 "apiVersion: networking.k8s.io/v1\n"
	 "kind: Ingress\n"
	 "metadata: {name: x}\n",
	 1, 2, 7, 7, "the lab has no use for kind \"Ingress\"",
	 "known: Service, Deployment, EndpointSlice, Endpoints, Node, Namespace, IPAddressPool, BGPPeer, "
	 "BGPAdvertisement, Community, BFDProfile, ConfigMap, List"},
	{"label bool",
	 "apiVersion: v1\n"
	 "kind: Namespace\n"
	 "metadata: {name: x, labels: {tier: yes}}\n",
	 1, 3, 36, 3, "tier: expected text, found a boolean", "Kubernetes refuses it: put quotes around it, \"yes\""},
	{"label num",
	 "apiVersion: v1\n"
	 "kind: Namespace\n"
	 "metadata: {name: x, labels: {tier: 1}}\n",
	 1, 3, 36, 1, "tier: expected text, found a number", "Kubernetes refuses it: put quotes around it, \"1\""},
	{"legacy cm",
	 "apiVersion: v1\n"
	 "kind: ConfigMap\n"
	 "metadata: {name: config, namespace: metallb-system}\n"
	 "data:\n"
	 "  config: |\n"
	 "    peers:\n"
	 "    - my-asn: 22000\n"
	 "      peer-asn: 11000\n"
	 "      peer-adress: 10.0.0.1\n",
	 1, 9, 7, 11, "a peer has no key \"peer-adress\"", "did you mean \"peer-address\"?"},
	{"legacy cm blank",
	 "apiVersion: v1\n"
	 "kind: ConfigMap\n"
	 "metadata: {name: config}\n"
	 "data:\n"
	 "  config: |2\n"
	 "\n"
	 "        peers: 3\n",
	 1, 7, 16, 1, "peers: expected a list, found a number", NULL},
	{"legacy cm quoted",
	 "apiVersion: v1\n"
	 "kind: ConfigMap\n"
	 "metadata: {name: config}\n"
	 "data:\n"
	 "  config: \"peers: 3\"\n",
	 1, 5, 11, 10, "peers: expected a list, found a number", NULL},
	{"bgpextras of what",
	 "apiVersion: v1\n"
	 "kind: ConfigMap\n"
	 "metadata: {name: bgpextras}\n"
	 "data: {extra: x}\n",
	 1, 4, 8, 5, "the data of bgpextras has no key \"extra\"", "did you mean \"extras\"?"},
	{"legacy cm tab",
	 "apiVersion: v1\n"
	 "kind: ConfigMap\n"
	 "metadata: {name: config}\n"
	 "data:\n"
	 "  config: |\n"
	 "    peers:\n"
	 "    \t- my-asn: 1\n",
	 1, 7, 5, 1, "a tab indents this line; YAML allows only spaces there", "replace the tab by spaces"},
	{"legacy l2",
	 "configInline:\n"
	 "  address-pools:\n"
	 "  - name: a\n"
	 "    protocol: layer2\n"
	 "    addresses: [10.0.0.0/24]\n"
	 "    bgp-advertisements: [{}]\n",
	 1, 6, 5, 18, "a layer2 pool can't have bgp-advertisements", NULL},
	{"legacy proto",
	 "configInline:\n"
	 "  address-pools:\n"
	 "  - {name: a, protocol: gbp, addresses: [10.0.0.0/24]}\n",
	 1, 3, 25, 3, "protocol can't be \"gbp\"", "did you mean \"bgp\"?"},
	{"list",
	 "apiVersion: v1\n"
	 "kind: List\n"
	 "items:\n"
	 "- apiVersion: v1\n"
	 "  kind: Namespace\n"
	 "  metadata: {nme: a}\n",
	 1, 6, 14, 3, "metadata has no key \"nme\"", "did you mean \"name\"?"},
	{"merge",
	 "apiVersion: v1\n"
	 "kind: Namespace\n"
	 "metadata:\n"
	 "  <<: {name: a}\n"
	 "  name: b\n",
	 1, 4, 3, 2, "merge keys are not read", "write the fields out"},
	{"neither", "foo: 1\n", 1, 1, 1, 1, "this is no manifest: it has no \"kind\"",
	 "a manifest begins with apiVersion and kind; Helm values have configInline"},
	{"no kind",
	 "apiVersion: v1\n"
	 "metadata: {name: x}\n",
	 1, 1, 1, 1, "this is no manifest: it has no \"kind\"",
	 "a manifest begins with apiVersion and kind; Helm values have configInline"},
	{"no name",
	 "apiVersion: v1\n"
	 "kind: Namespace\n"
	 "metadata: {}\n",
	 1, 3, 11, 1, "metadata needs \"name\"", NULL},
	{"no version",
	 "kind: Service\n"
	 "metadata: {name: x}\n",
	 1, 1, 1, 1, "the object needs \"apiVersion\"", "apiVersion: v1"},
	{"op",
	 "apiVersion: metallb.io/v1beta1\n"
	 "kind: BGPAdvertisement\n"
	 "metadata: {name: a}\n"
	 "spec:\n"
	 "  nodeSelectors:\n"
	 "  - matchExpressions:\n"
	 "    - {key: x, operator: in, values: [a]}\n",
	 1, 7, 26, 2, "operator can't be \"in\"", "did you mean \"In\"?"},
	{"op values",
	 "apiVersion: metallb.io/v1beta1\n"
	 "kind: BGPAdvertisement\n"
	 "metadata: {name: a}\n"
	 "spec:\n"
	 "  nodeSelectors:\n"
	 "  - matchExpressions:\n"
	 "    - {key: x, operator: Exists, values: [a]}\n",
	 1, 7, 42, 1, "operators Exists and DoesNotExist take no values", NULL},
	{"peer addr",
	 "apiVersion: metallb.io/v1beta2\n"
	 "kind: BGPPeer\n"
	 "metadata: {name: p}\n"
	 "spec: {myASN: 1, peerAddress: router.local}\n",
	 1, 4, 31, 12, "peerAddress: \"router.local\" is no IP address", NULL},
	{"peer asn",
	 "apiVersion: metallb.io/v1beta2\n"
	 "kind: BGPPeer\n"
	 "metadata: {name: p}\n"
	 "spec: {myASN: 4294967296, peerAddress: 10.0.0.1}\n",
	 1, 4, 15, 10, "myASN: 4294967296 is not a whole number from 0 to 4294967295", NULL},
	{"peer time",
	 "apiVersion: metallb.io/v1beta2\n"
	 "kind: BGPPeer\n"
	 "metadata: {name: p}\n"
	 "spec: {myASN: 1, peerAddress: 10.0.0.1, holdTime: 90}\n",
	 1, 4, 51, 2, "holdTime: \"90\" is no duration", "write its unit: 90s"},
	{"pool ip",
	 "apiVersion: metallb.io/v1beta1\n"
	 "kind: IPAddressPool\n"
	 "metadata: {name: p}\n"
	 "spec:\n"
	 "  addresses: [10.0.0.1]\n",
	 1, 5, 15, 8, "addresses: \"10.0.0.1\" is neither a network nor a range", "for one address write 10.0.0.1/32"},
	{"pool mixed",
	 "apiVersion: metallb.io/v1beta1\n"
	 "kind: IPAddressPool\n"
	 "metadata: {name: p}\n"
	 "spec:\n"
	 "  addresses: [\"10.0.0.9-2001:db8::1\"]\n",
	 1, 5, 15, 22, "addresses: \"10.0.0.9-2001:db8::1\" mixes IPv4 and IPv6", NULL},
	{"pool range",
	 "apiVersion: metallb.io/v1beta1\n"
	 "kind: IPAddressPool\n"
	 "metadata: {name: p}\n"
	 "spec:\n"
	 "  addresses: [10.0.0.9-10.0.0.1]\n",
	 1, 5, 15, 17, "addresses: \"10.0.0.9-10.0.0.1\" ends before it begins", NULL},
	{"pool strict",
	 "apiVersion: metallb.io/v1beta1\n"
	 "kind: IPAddressPool\n"
	 "metadata: {name: p}\n"
	 "spec:\n"
	 "  addresses: [10.0.0.0/24]\n"
	 "  protocol: bgp\n",
	 1, 6, 3, 8, "an IPAddressPool's spec has no key \"protocol\"",
	 "known: addresses, autoAssign, avoidBuggyIPs, serviceAllocation"},
	{"second",
	 "apiVersion: v1\n"
	 "kind: Namespace\n"
	 "metadata: {name: a}\n"
	 "---\n"
	 "- a\n",
	 1, 5, 1, 1, "a manifest: expected a mapping, found a list", NULL},
	{"svc key",
	 "apiVersion: v1\n"
	 "kind: Service\n"
	 "metadata: {name: nginx}\n"
	 "spec:\n"
	 "  type: LoadBalancer\n"
	 "  ports: [{port: 80}]\n"
	 "  externalTraficPolicy: Local\n",
	 1, 7, 3, 20, "a Service's spec has no key \"externalTraficPolicy\"",
	 "did you mean \"externalTrafficPolicy\"?"},
	{"svc name",
	 "apiVersion: v1\n"
	 "kind: Service\n"
	 "metadata: {name: 1nginx}\n"
	 "spec: {ports: [{port: 80}]}\n",
	 1, 3, 18, 6, "name: \"1nginx\" is no name for a Service",
	 "at most 63 lower case letters, digits and '-', a letter first"},
	{"svc names",
	 "apiVersion: v1\n"
	 "kind: Service\n"
	 "metadata: {name: nginx}\n"
	 "spec:\n"
	 "  ports: [{port: 80}, {port: 443}]\n",
	 1, 5, 10, 1, "a Service with several ports needs a name for each", NULL},
	{"svc noports",
	 "apiVersion: v1\n"
	 "kind: Service\n"
	 "metadata: {name: nginx}\n"
	 "spec:\n"
	 "  type: LoadBalancer\n",
	 1, 5, 3, 1, "a Service's spec needs \"ports\"", NULL},
	{"svc port",
	 "apiVersion: v1\n"
	 "kind: Service\n"
	 "metadata: {name: nginx}\n"
	 "spec:\n"
	 "  ports: [{port: 70000}]\n",
	 1, 5, 18, 5, "port: 70000 is not a whole number from 1 to 65535", NULL},
	{"svc word",
	 "apiVersion: v1\n"
	 "kind: Service\n"
	 "metadata: {name: nginx}\n"
	 "spec:\n"
	 "  type: Loadbalancer\n"
	 "  ports: [{port: 80}]\n",
	 1, 5, 9, 12, "type can't be \"Loadbalancer\"", "did you mean \"LoadBalancer\"?"},
	{"upper",
	 "apiVersion: v1\n"
	 "kind: Namespace\n"
	 "metadata: {name: Shop}\n",
	 1, 3, 18, 4, "name: \"Shop\" is no Kubernetes name",
	 "lower case letters, digits, '-' and '.', at most 253 of them"},
	{"version",
	 "apiVersion: v1\n"
	 "kind: Deployment\n"
	 "metadata: {name: x}\n",
	 1, 1, 13, 2, "kind Deployment has no version \"v1\" here", "write apiVersion: apps/v1"},
};

#define ROW_COUNT (sizeof(manifests) / sizeof(manifests[0]))

static void manifest_is_refused(void **state)
{
	const struct row *row = *state;
	struct folder f = folder_new();
	const struct kube_object *objects;
	struct arena arena = {0};
	struct diags d = {0};
	size_t n;

	folder_write(&f, "m.yaml", row->text, strlen(row->text));
	assert_int_not_equal(manifest_read(folder_path(&f, "m.yaml"), &arena, &d, &objects, &n), 0);
	row_compare(row, &d, &f);
	diags_fini(&d);
	arena_clear(&arena);
	folder_remove(&f);
}

static void lost_indentation_is_explained(void **state)
{
	const struct kube_object *objects;
	struct arena arena = {0};
	struct diags d = {0};
	size_t n;

	(void)state;
	assert_int_not_equal(
		manifest_read(support_shared("article/metallb-values-as-printed.yaml"), &arena, &d, &objects, &n), 0);
	assert_int_equal(d.list.len, 2);
	assert_int_equal(d.list.at[0].line, 6);
	assert_int_equal(d.list.at[0].column, 5);
	assert_int_equal(d.list.at[0].len, strlen("peer-asn"));
	assert_string_equal(d.list.at[0].source, "    peer-asn: 11000");
	assert_string_equal(d.list.at[0].message, "the indentation was lost: configInline has no key \"peer-asn\"");
	assert_string_equal(d.list.at[0].hint, "peer-asn, peer-address belong under the list item \"- my-asn: 22000\" "
					       "of line 5: indent lines 6 to 7 by two");
	assert_int_equal(d.list.at[1].line, 10);
	diags_fini(&d);
	arena_clear(&arena);
}

/* cmocka names the row that failed only where each row is a test of its own. */
int main(void)
{
	static struct CMUnitTest tests[ROW_COUNT + 1];
	size_t n = 0;

	for (; n < ROW_COUNT; n++)
		tests[n] = (struct CMUnitTest){manifests[n].name, manifest_is_refused, NULL, NULL,
					       (void *)(uintptr_t)&manifests[n]};
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(lost_indentation_is_explained);
	return cmocka_run_group_tests_name("refusals", tests, NULL, NULL);
}
