/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Manifests read into objects, with the defaults of the API server and of MetalLB (METALLB sections 2.2 to 2.13). */
#include "folder.h"
#include "scenario.h"
#include "support.h"

#include <string.h>

struct read {
	struct arena arena;
	const struct kube_object *at;
	size_t count;
};

static void read_path(struct read *r, const char *path)
{
	struct diags d = {0};
	int result = manifest_read(path, &r->arena, &d, &r->at, &r->count);

	for (size_t i = 0; i < d.list.len; i++)
		print_message("%s:%u:%u: %s\n", d.list.at[i].file, d.list.at[i].line, d.list.at[i].column,
			      d.list.at[i].message);
	assert_int_equal(result, 0);
	diags_fini(&d);
}

static void read_text(struct read *r, const char *text)
{
	struct folder f = folder_new();

	folder_write(&f, "m.yaml", text, strlen(text));
	read_path(r, folder_path(&f, "m.yaml"));
	folder_remove(&f);
}

static void the_articles_deployment_and_service(void **state)
{
	struct read r = {0};
	const struct kube_deployment *d;
	const struct kube_service *s;

	(void)state;
	read_path(&r, support_shared("article/nginx.yaml"));
	assert_int_equal(r.count, 2);
	assert_int_equal(r.at[0].kind, KUBE_DEPLOYMENT);
	assert_int_equal(r.at[0].origin.line, 3);
	d = &r.at[0].deployment;
	assert_string_equal(d->meta.name, "nginx");
	assert_string_equal(d->meta.namespace, "default");
	assert_int_equal(d->replicas, 3);
	assert_string_equal(kube_label_get(&d->pod_labels, "app"), "nginx");
	assert_int_equal(r.at[1].kind, KUBE_SERVICE);
	s = &r.at[1].service;
	assert_int_equal(s->type, KUBE_LOAD_BALANCER);
	assert_int_equal(s->external_policy, KUBE_POLICY_CLUSTER);
	assert_int_equal(s->port_count, 1);
	assert_int_equal(s->ports[0].port, 80);
	assert_int_equal(s->ports[0].target_port, 80);
	assert_int_equal(s->ports[0].protocol, KUBE_TCP);
	assert_int_equal(s->ports[0].node_port, 0);
	assert_false(s->client_ip_affinity);
	assert_int_equal(s->affinity_timeout_s, 10800);
	arena_clear(&r.arena);
}

static void legacy_is_the_articles(const struct read *r)
{
	const struct kube_legacy_config *c = &r->at[0].legacy;
	struct prefix pool;

	assert_int_equal(prefix_parse("172.16.254.0/24", &pool), 0);
	assert_int_equal(r->count, 1);
	assert_int_equal(r->at[0].kind, KUBE_LEGACY_CONFIG);
	assert_int_equal(c->peer_count, 1);
	assert_string_equal(c->peers[0].meta.name, "peer1");
	assert_int_equal(c->peers[0].my_asn, 22000);
	assert_int_equal(c->peers[0].peer_asn, 11000);
	assert_int_equal(c->peers[0].peer_port, 179);
	assert_int_equal(c->peers[0].hold_ns, KUBE_TIME_UNSET);
	assert_string_equal(addr_text(&c->peers[0].peer_address).s, "10.0.0.1");
	assert_int_equal(c->pool_count, 1);
	assert_string_equal(c->pools[0].meta.name, "my-ip-space");
	assert_true(c->pools[0].avoid_buggy_ips);
	assert_true(c->pools[0].auto_assign);
	assert_int_equal(c->pools[0].range_count, 1);
	assert_true(prefix_equal(&c->pools[0].ranges[0].cidr, &pool));
	assert_int_equal(c->advertisement_count, 1);
	assert_int_equal(c->advertisements[0].aggregation_length, 32);
	assert_int_equal(c->advertisements[0].aggregation_length_v6, 128);
	assert_string_equal(c->advertisements[0].pools.at[0], "my-ip-space");
}

static void the_articles_helm_values(void **state)
{
	struct read r = {0};

	(void)state;
	read_path(&r, support_shared("article/metallb-values.yaml"));
	legacy_is_the_articles(&r);
	arena_clear(&r.arena);
}

static void the_same_in_a_config_map(void **state)
{
	struct read r = {0};

	(void)state;
	read_text(&r, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config, namespace: metallb-system}\n"
		      "data:\n  config: |\n    peers:\n    - my-asn: 22000\n      peer-asn: 11000\n"
		      "      peer-address: 10.0.0.1\n    address-pools:\n    - name: my-ip-space\n"
		      "      protocol: bgp\n      avoid-buggy-ips: true\n      addresses: [172.16.254.0/24]\n");
	legacy_is_the_articles(&r);
	/* the pool's place is that of the file around the text */
	assert_int_equal(r.at[0].legacy.pools[0].ranges[0].origin.line, 14);
	assert_int_equal(r.at[0].legacy.pools[0].ranges[0].origin.column, 19);
	arena_clear(&r.arena);
}

static void legacy_pools_of_both_protocols(void **state)
{
	struct read r = {0};
	const struct kube_legacy_config *c;

	(void)state;
	read_text(
		&r,
		"configInline:\n  address-pools:\n  - {name: l2, protocol: layer2, addresses: [10.1.0.0/24]}\n"
		"  - name: two\n    protocol: bgp\n    addresses: [10.2.0.1-10.2.0.9]\n    auto-assign: false\n"
		"    bgp-advertisements:\n    - {aggregation-length: 24, localpref: 100, communities: [no-export]}\n"
		"    - {}\n  bgp-communities: {no-export: '65535:65281'}\n"
		"  peers:\n  - {my-asn: 1, peer-asn: 2, peer-address: 10.0.0.1, hold-time: 120s,\n"
		"     node-selectors: [{match-labels: {rack: a}, match-expressions: [{key: k, operator: Exists}]}]}\n");
	c = &r.at[0].legacy;
	assert_int_equal(c->pool_count, 2);
	assert_int_equal(c->advertisement_count, 2);
	assert_string_equal(c->advertisements[0].pools.at[0], "two");
	assert_int_equal(c->advertisements[0].aggregation_length, 24);
	assert_int_equal(c->advertisements[0].local_pref, 100);
	assert_string_equal(c->advertisements[0].communities.at[0], "no-export");
	assert_int_equal(c->advertisements[1].aggregation_length, 32);
	assert_false(c->pools[1].auto_assign);
	assert_false(c->pools[1].ranges[0].is_cidr);
	assert_string_equal(addr_text(&c->pools[1].ranges[0].last).s, "10.2.0.9");
	assert_string_equal(c->communities.aliases[0].value, "65535:65281");
	assert_int_equal(c->peers[0].hold_ns, 120 * NS_PER_S);
	assert_int_equal(c->peers[0].node_selectors.len, 1);
	assert_int_equal(c->peers[0].node_selectors.at[0].requirements[0].op, KUBE_OP_EXISTS);
	arena_clear(&r.arena);
}

static void custom_resources_and_their_defaults(void **state)
{
	struct read r = {0};

	(void)state;
	read_path(&r, "scenarios/local-policy/metallb.yaml");
	assert_int_equal(r.count, 3);
	assert_int_equal(r.at[0].kind, KUBE_IP_ADDRESS_POOL);
	assert_string_equal(r.at[0].meta.namespace, "metallb-system");
	assert_true(r.at[0].pool.avoid_buggy_ips);
	assert_true(r.at[0].pool.auto_assign);
	assert_false(r.at[0].pool.service_allocation);
	assert_int_equal(r.at[1].kind, KUBE_BGP_PEER);
	assert_int_equal(r.at[1].peer.peer_port, 179);
	assert_int_equal(r.at[1].peer.hold_ns, KUBE_TIME_UNSET);
	assert_null(r.at[1].peer.frr_only_field);
	assert_int_equal(r.at[2].kind, KUBE_BGP_ADVERTISEMENT);
	assert_int_equal(r.at[2].advertisement.aggregation_length, 32);
	assert_string_equal(r.at[2].advertisement.pools.at[0], "my-ip-space");
	arena_clear(&r.arena);
}

static void peers_of_the_old_version_have_no_hold_timer(void **state)
{
	struct read r = {0};

	(void)state;
	read_text(&r, "apiVersion: metallb.io/v1beta1\nkind: BGPPeer\nmetadata: {name: p}\n"
		      "spec: {myASN: 1, peerASN: 2, peerAddress: 10.0.0.1}\n---\n"
		      "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata: {name: q}\n"
		      "spec: {myASN: 1, peerASN: 2, peerAddress: 10.0.0.1, vrf: red, disableMP: false}\n");
	assert_int_equal(r.at[0].peer.hold_ns, 0);
	assert_int_equal(r.at[0].peer.peer_port, 179);
	assert_null(r.at[0].peer.frr_only_field);
	assert_string_equal(r.at[1].peer.frr_only_field, "vrf");
	arena_clear(&r.arena);
}

/* Numbers left out are MetalLB's and FRR's (METALLB section 2.5). */
static void bfd_profiles_and_who_has_them(void **state)
{
	struct read r = {0};
	const struct kube_bfd_profile *b;
	const struct kube_bgp_peer *p;

	(void)state;
	read_text(&r,
		  "apiVersion: metallb.io/v1beta1\nkind: BFDProfile\nmetadata: {name: plain}\n---\n"
		  "apiVersion: metallb.io/v1beta1\nkind: BFDProfile\nmetadata: {name: b, namespace: metallb-system}\n"
		  "spec: {receiveInterval: 35, transmitInterval: 45, detectMultiplier: 37, echoInterval: 38, echoMode: "
		  "true,\n"
		  "       passiveMode: true, minimumTtl: 10}\n---\n"
		  "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata: {name: p}\n"
		  "spec: {myASN: 1, dynamicASN: external, peerAddress: 10.0.0.1, bfdProfile: b, connectTime: 5s,\n"
		  "       localASN: 7, enableGracefulRestart: true, dualStackAddressFamily: true}\n---\n"
		  "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata: {name: q}\n"
		  "spec: {myASN: 1, peerASN: 2, peerAddress: 10.0.0.1, bfdProfile: ''}\n");
	assert_int_equal(r.count, 4);
	assert_int_equal(r.at[0].kind, KUBE_BFD_PROFILE);
	b = &r.at[0].bfd;
	assert_int_equal(b->receive_ms, 300);
	assert_int_equal(b->transmit_ms, 300);
	assert_int_equal(b->multiplier, 3);
	assert_int_equal(b->echo_ms, 50);
	assert_int_equal(b->minimum_ttl, 254);
	assert_false(b->echo_mode || b->passive);
	b = &r.at[1].bfd;
	assert_string_equal(b->meta.name, "b");
	assert_int_equal(b->receive_ms, 35);
	assert_int_equal(b->transmit_ms, 45);
	assert_int_equal(b->multiplier, 37);
	assert_int_equal(b->echo_ms, 38);
	assert_int_equal(b->minimum_ttl, 10);
	assert_true(b->echo_mode && b->passive);
	p = &r.at[2].peer;
	assert_string_equal(p->bfd_profile, "b");
	assert_string_equal(p->frr_only_field, "bfdProfile");
	assert_int_equal(p->dynamic_asn, KUBE_ASN_EXTERNAL);
	assert_int_equal(p->connect_ns, 5 * NS_PER_S);
	assert_int_equal(p->local_asn, 7);
	assert_true(p->graceful_restart && p->dual_stack);
	assert_null(r.at[3].peer.bfd_profile);
	assert_null(r.at[3].peer.frr_only_field);
	assert_int_equal(r.at[3].peer.connect_ns, KUBE_TIME_UNSET);
	arena_clear(&r.arena);
}

static void endpoints_become_slices(void **state)
{
	struct read r = {0};
	const struct kube_endpoint_slice *s;

	(void)state;
	read_text(&r, "apiVersion: v1\nkind: Endpoints\nmetadata: {name: web}\nsubsets:\n"
		      "- addresses: [{ip: 10.244.1.2, nodeName: worker1}]\n"
		      "  notReadyAddresses: [{ip: 10.244.2.2, nodeName: worker2}]\n  ports: [{port: 8080}]\n---\n"
		      "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"
		      "metadata: {name: web-x, labels: {kubernetes.io/service-name: web}}\naddressType: IPv4\n"
		      "endpoints:\n- {addresses: [10.244.1.3], conditions: {ready: false, serving: true}}\n"
		      "ports: [{port: 80, protocol: UDP, name: dns}]\n");
	s = &r.at[0].slice;
	assert_int_equal(r.at[0].kind, KUBE_ENDPOINT_SLICE);
	assert_string_equal(s->service, "web");
	assert_int_equal(s->endpoint_count, 2);
	assert_int_equal(s->endpoints[0].ready, KUBE_TRUE);
	assert_int_equal(s->endpoints[1].ready, KUBE_FALSE);
	assert_string_equal(s->endpoints[1].node, "worker2");
	assert_int_equal(s->ports[0].port, 8080);
	s = &r.at[1].slice;
	assert_string_equal(s->service, "web");
	assert_int_equal(s->endpoints[0].ready, KUBE_FALSE);
	assert_int_equal(s->endpoints[0].serving, KUBE_TRUE);
	assert_int_equal(s->endpoints[0].terminating, KUBE_UNSET);
	assert_int_equal(s->ports[0].protocol, KUBE_UDP);
	arena_clear(&r.arena);
}

/* What kubectl get -o yaml prints is read back: a List, status, server-side metadata. */
static void what_kubectl_prints_is_read(void **state)
{
	struct read r = {0};

	(void)state;
	read_text(&r,
		  "apiVersion: v1\nkind: List\nmetadata: {resourceVersion: ''}\nitems:\n"
		  "- apiVersion: v1\n  kind: Service\n  metadata:\n    name: nginx\n    uid: 1-2\n"
		  "    creationTimestamp: \"2026-01-01T00:00:00Z\"\n    resourceVersion: \"7\"\n    managedFields: []\n"
		  "  spec:\n    clusterIP: 10.96.7.7\n    clusterIPs: [10.96.7.7]\n    ipFamilies: [IPv4]\n"
		  "    ipFamilyPolicy: SingleStack\n    internalTrafficPolicy: Cluster\n    sessionAffinity: ClientIP\n"
		  "    sessionAffinityConfig: {clientIP: {timeoutSeconds: 60}}\n    type: LoadBalancer\n"
		  "    ports: [{nodePort: 32730, port: 80, protocol: TCP, targetPort: http}]\n"
		  "  status: {loadBalancer: {ingress: [{ip: 172.16.254.1}]}}\n"
		  "- apiVersion: v1\n  kind: Node\n  metadata: {name: worker1, labels: {rack: a}}\n"
		  "  spec: {podCIDR: 10.244.1.0/24, unschedulable: true}\n"
		  "  status:\n    addresses: [{type: Hostname, address: worker1}, {type: InternalIP, address: "
		  "10.0.0.51}]\n"
		  "    conditions: [{type: NetworkUnavailable, status: \"True\", reason: x}]\n");
	assert_int_equal(r.count, 2);
	assert_int_equal(r.at[0].service.cluster_ip_count, 1);
	assert_true(r.at[0].service.client_ip_affinity);
	assert_int_equal(r.at[0].service.affinity_timeout_s, 60);
	assert_string_equal(r.at[0].service.ports[0].target_name, "http");
	assert_int_equal(r.at[0].service.ports[0].target_port, 0);
	assert_int_equal(r.at[0].service.families[0], ADDR_V4);
	assert_string_equal(addr_text(&r.at[1].node.internal_ip).s, "10.0.0.51");
	assert_true(r.at[1].node.network_unavailable);
	assert_true(r.at[1].node.unschedulable);
	arena_clear(&r.arena);
}

static void anchors_and_empty_documents(void **state)
{
	struct read r = {0};

	(void)state;
	read_text(&r, "---\n# nothing\n---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n"
		      "  labels: &all {team: web}\n  annotations: *all\n---\n");
	assert_int_equal(r.count, 1);
	assert_string_equal(kube_label_get(&r.at[0].meta.annotations, "team"), "web");
	arena_clear(&r.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_articles_deployment_and_service),
		cmocka_unit_test(the_articles_helm_values),
		cmocka_unit_test(the_same_in_a_config_map),
		cmocka_unit_test(legacy_pools_of_both_protocols),
		cmocka_unit_test(custom_resources_and_their_defaults),
		cmocka_unit_test(peers_of_the_old_version_have_no_hold_timer),
		cmocka_unit_test(bfd_profiles_and_who_has_them),
		cmocka_unit_test(endpoints_become_slices),
		cmocka_unit_test(what_kubectl_prints_is_read),
		cmocka_unit_test(anchors_and_empty_documents),
	};

	return cmocka_run_group_tests_name("manifest", tests, NULL, NULL);
}
