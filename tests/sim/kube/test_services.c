/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the API server does with a Service: addresses and ports given, claims refused. */
#include "world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVICE(name, spec) "apiVersion: v1\nkind: Service\nmetadata: {name: " name "}\nspec: {" spec "}\n"
#define NEXT "---\n"
#define HTTP "ports: [{port: 80}]"

static const struct addr *cluster_ip(struct world *w, const char *name)
{
	return &kube_service_find(w->cluster, NULL, name)->cluster_ip;
}

/* The first node port of the protocol in the rules; nobody serves, so it is among those that are refused. 0: none. */
static unsigned long node_port(struct world *w, const char *protocol)
{
	const char *map = strstr(kube_proxy_rules(w->cluster, "worker1"), "map no-endpoint-nodeports");
	const char *end = strstr(map, "map firewall-ips");
	char entry[16];
	const char *at;

	snprintf(entry, sizeof(entry), " %s . ", protocol);
	at = strstr(map, entry);
	return at != NULL && at < end ? strtoul(at + strlen(entry), NULL, 10) : 0;
}

/* ---- Refusals ---- */

static const struct {
	const char *yaml;
	const char *refused; /* words of the refusal; NULL: accepted */
} rows[] = {
	{SERVICE("a", "clusterIP: 10.96.0.9, " HTTP) NEXT SERVICE("b", "clusterIP: 10.96.0.9, " HTTP),
	 "Service b: clusterIP 10.96.0.9 is another Service's"},
	{SERVICE("a", "clusterIP: 10.96.0.9, " HTTP) NEXT SERVICE("a", "clusterIP: 10.96.0.9, " HTTP), NULL},
	{SERVICE("a", "clusterIP: None, " HTTP) NEXT SERVICE("b", "clusterIP: None, " HTTP), NULL},
	{SERVICE("a", "clusterIP: somewhere, " HTTP), "clusterIP \"somewhere\" is no address"},
	{SERVICE("a", "clusterIPs: [10.96.0.9, 10.96.0.10], " HTTP), "one address of each family"},
	{SERVICE("a", "clusterIPs: [10.96.0.9, 'fd00::9', 'fd00::a'], " HTTP), "one address of each family"},
	{SERVICE("a", "clusterIPs: [10.96.0.9, 'fd00::9', 10.96.0.10], " HTTP), "one address of each family"},
	{SERVICE("a", "clusterIPs: ['fd00::9', 10.96.0.9], " HTTP), NULL},
	{SERVICE("a", "clusterIPs: [None, 10.96.0.9], " HTTP), "\"None\" is no address"},
	{SERVICE("a", "type: NodePort, ports: [{port: 80, nodePort: 30080}]")
		 NEXT SERVICE("b", "type: NodePort, ports: [{port: 80, nodePort: 30080}]"),
	 "Service b: nodePort 30080 is another Service's"},
	/* the allocator counts numbers, not protocols */
	{SERVICE("a", "type: NodePort, ports: [{port: 80, nodePort: 30080}]")
		 NEXT SERVICE("b", "type: LoadBalancer, ports: [{port: 80, protocol: UDP, nodePort: 30080}]"),
	 "Service b: nodePort 30080"},
	{SERVICE("a", "type: NodePort, ports: [{port: 53, name: t, nodePort: 30053}, {port: 53, name: u, protocol: "
		      "UDP, nodePort: 30053}]"),
	 NULL},
	{SERVICE("a", "type: NodePort, ports: [{port: 53, name: t, nodePort: 30053}, {port: 54, name: u, nodePort: "
		      "30053}]"),
	 "nodePort 30053 twice"},
	{SERVICE("a", "type: ExternalName, externalName: example.com, clusterIP: ''"), NULL},
};

static void claims_are_single(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		void *fresh;
		struct world *w;
		size_t n;

		world_setup(&fresh);
		w = fresh;
		if (rows[i].refused != NULL) {
			world_refuses(w, rows[i].yaml, rows[i].refused);
			assert_non_null(strstr(w->err.text, ":1: ")); /* says where: each is in the first column */
			assert_int_equal(w->err.code, -EINVAL);
			(void)kube_services(w->cluster, &n);
			assert_int_equal(n, 0);
		} else {
			world_apply(w, rows[i].yaml);
		}
		world_teardown(&fresh);
	}
}

static void too_many_ports_are_refused(void **state)
{
	struct world *w = *state;
	char ports[4096] = "";

	for (int i = 1; i <= 65; i++)
		snprintf(ports + strlen(ports), sizeof(ports) - strlen(ports), "%s{port: %d, name: p%d}",
			 i > 1 ? ", " : "", i, i);
	world_refuses(w, arena_printf(&w->arena, SERVICE("a", "ports: [%s]"), ports), "65 ports");
	*(strrchr(ports, '{') - 2) = '\0';
	world_applyf(w, SERVICE("a", "ports: [%s]"), ports);
}

/* ---- Addresses ---- */

static void addresses_are_drawn_and_kept(void **state)
{
	struct world *w = *state;
	struct addr first, seen[200];
	const struct kube_service_view *views;
	struct prefix net;
	size_t n;

	assert_int_equal(prefix_parse("10.96.0.0/12", &net), 0);
	for (unsigned int i = 0; i < 200; i++)
		world_applyf(w, SERVICE("s%u", HTTP), i);
	views = kube_services(w->cluster, &n);
	assert_int_equal(n, 200);
	for (size_t i = 0; i < n; i++) {
		seen[i] = views[i].cluster_ip;
		assert_true(prefix_contains(&net, &seen[i]));
		for (size_t k = 0; k < i; k++)
			assert_false(addr_equal(&seen[i], &seen[k]));
	}
	/* an update keeps it; a new Service of the name does not */
	first = *cluster_ip(w, "s0");
	world_apply(w, SERVICE("s0", "type: NodePort, " HTTP));
	assert_true(addr_equal(cluster_ip(w, "s0"), &first));
	world_delete(w, KUBE_SERVICE, "s0");
	world_apply(w, SERVICE("s0", HTTP));
	assert_false(addr_equal(cluster_ip(w, "s0"), &first));
}

static void some_have_no_address(void **state)
{
	struct world *w = *state;

	world_apply(w, SERVICE("s", "clusterIP: None, " HTTP));
	assert_int_equal(cluster_ip(w, "s")->family, ADDR_NONE);
	world_delete(w, KUBE_SERVICE, "s");
	world_apply(w, SERVICE("s", HTTP));
	assert_int_equal(cluster_ip(w, "s")->family, ADDR_V4);
	world_apply(w, SERVICE("s", "type: ExternalName, externalName: example.com"));
	assert_int_equal(cluster_ip(w, "s")->family, ADDR_NONE);
	world_apply(w, SERVICE("s", "ipFamilies: [IPv6], " HTTP));
	assert_int_equal(cluster_ip(w, "s")->family, ADDR_V6);
}

/* ---- Node ports ---- */

static void node_ports_are_given(void **state)
{
	struct world *w = *state;
	unsigned long drawn;

	world_apply(w, SERVICE("s", HTTP));
	assert_int_equal(node_port(w, "tcp"), 0);
	world_apply(w, SERVICE("s", "type: NodePort, " HTTP));
	drawn = node_port(w, "tcp");
	assert_in_range(drawn, 30000, 32767);
	world_apply(w, SERVICE("s", "type: LoadBalancer, " HTTP));
	assert_int_equal(node_port(w, "tcp"), drawn);
	world_apply(w, SERVICE("s", "type: LoadBalancer, ports: [{port: 80, nodePort: 30001}]"));
	assert_int_equal(node_port(w, "tcp"), 30001);
	world_apply(w, SERVICE("s", "type: LoadBalancer, allocateLoadBalancerNodePorts: false, " HTTP));
	assert_int_equal(node_port(w, "tcp"), 0);
	/* NodePort has nothing else */
	world_apply(w, SERVICE("s", "type: NodePort, allocateLoadBalancerNodePorts: false, " HTTP));
	assert_in_range(node_port(w, "tcp"), 30000, 32767);
	/* both protocols of one port have one node port */
	world_apply(w,
		    SERVICE("s", "type: NodePort, ports: [{port: 53, name: t}, {port: 53, name: u, protocol: UDP}]"));
	assert_int_not_equal(node_port(w, "tcp"), 0);
	assert_int_equal(node_port(w, "tcp"), node_port(w, "udp"));
	world_apply(w, SERVICE("s", HTTP));
	assert_int_equal(node_port(w, "tcp"), 0);
}

static void drawn_node_ports_leave_room(void **state)
{
	static bool seen[UINT16_MAX + 1];
	struct world *w = *state;
	const char *at;
	size_t n = 0;

	for (unsigned int i = 0; i < 300; i++)
		world_applyf(w, SERVICE("s%u", "type: NodePort, " HTTP), i);
	at = strstr(kube_proxy_rules(w->cluster, "worker1"), "map no-endpoint-nodeports");
	for (at = strstr(at, " tcp . 3"); at != NULL; at = strstr(at + 1, " tcp . 3")) {
		unsigned long port = strtoul(at + strlen(" tcp . "), NULL, 10);

		assert_in_range(port, 30086, 32767); /* the lower ones are for those who name theirs */
		assert_false(seen[port]);
		seen[port] = true;
		n++;
	}
	assert_int_equal(n, 300);
}

/* In one file the port goes from one to the other, whichever comes first. */
static void node_ports_change_hands(void **state)
{
	struct world *w = *state;

	world_apply(w, SERVICE("a", "type: NodePort, ports: [{port: 80, nodePort: 30001, protocol: UDP}]")
			       NEXT SERVICE("b", "type: NodePort, ports: [{port: 80, nodePort: 30002}]"));
	world_apply(w, SERVICE("a", "type: NodePort, ports: [{port: 80, nodePort: 30002, protocol: UDP}]")
			       NEXT SERVICE("b", "type: NodePort, ports: [{port: 80, nodePort: 30001}]"));
	assert_int_equal(node_port(w, "udp"), 30002);
	assert_int_equal(node_port(w, "tcp"), 30001);
	world_apply(w, SERVICE("a", "clusterIP: 10.96.0.1, " HTTP) NEXT SERVICE("b", "clusterIP: 10.96.0.2, " HTTP));
	world_apply(w, SERVICE("a", "clusterIP: 10.96.0.2, " HTTP) NEXT SERVICE("b", "clusterIP: 10.96.0.1, " HTTP));
	assert_string_equal(addr_text(cluster_ip(w, "a")).s, "10.96.0.2");
	assert_string_equal(addr_text(cluster_ip(w, "b")).s, "10.96.0.1");
}

/* ---- What is returned ---- */

/* Until the next change all of it stays, whatever else is asked. */
static void answers_stay(void **state)
{
	struct world *w = *state;
	const struct kube_service_view *views;
	const struct kube_pod *pods;
	const struct kube_bgp_peer *const *sessions;
	const char *const *warnings;
	const struct kube_announcement *announced;
	const char *rules;
	size_t n;

	world_pool(w, "pool", "10.1.0.0/24", "");
	world_apply(w, "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata: {name: p}\n"
		       "spec: {myASN: 1, peerASN: 2, peerAddress: 10.0.0.1, holdTime: 0s}\n---\n"
		       "apiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\nmetadata: {name: v}\n");
	world_service(w, "s", "", "");
	world_apply(w, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
		       "spec: {replicas: 3, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: "
		       "web}}, spec: {containers: [{name: c, image: nginx}]}}}\n");
	pods = kube_pods(w->cluster, &n);
	assert_int_equal(n, 3);
	kube_pod_ready(w->cluster, pods[0].uid, true); /* a change */
	pods = kube_pods(w->cluster, &n);
	warnings = kube_warnings(w->cluster, &n);
	assert_int_equal(n, 1);
	announced = kube_announcements(w->cluster, "worker1", &n);
	assert_int_equal(n, 1);
	views = kube_services(w->cluster, &n);
	sessions = kube_sessions(w->cluster, "worker1", &n);
	rules = kube_proxy_rules(w->cluster, "worker2");
	(void)kube_services(w->cluster, &n);
	(void)kube_sessions(w->cluster, "control-plane", &n);
	assert_int_equal(n, 0);
	assert_string_equal(kube_announce_reason(w->cluster, "worker2", NULL, "s"), "announced");
	assert_non_null(strstr(warnings[0], "hold time 0"));
	assert_string_equal(announced[0].service, "default/s");
	assert_string_equal(views[0].service->meta.name, "s");
	assert_string_equal(sessions[0]->meta.name, "p");
	assert_true(pods[0].ready);
	assert_non_null(strstr(rules, "table ip kube-proxy"));
}

static void what_is_not_there(void **state)
{
	struct world *w = *state;
	size_t n = 7;

	assert_null(kube_service_find(w->cluster, NULL, "s"));
	(void)kube_pods(w->cluster, &n);
	assert_int_equal(n, 0);
	(void)kube_sessions(w->cluster, "nowhere", &n);
	assert_int_equal(n, 0);
	(void)kube_announcements(w->cluster, "nowhere", &n);
	assert_int_equal(n, 0);
	assert_string_equal(kube_announce_reason(w->cluster, "nowhere", NULL, "s"), "serviceDeleted");
	assert_int_equal(kube_delete(w->cluster, KUBE_SERVICE, NULL, "s", &w->err), -ENOENT);
	assert_non_null(strstr(w->err.text, "there is no Service s"));
	world_apply(w, SERVICE("s", HTTP));
	assert_int_equal(kube_delete(w->cluster, KUBE_SERVICE, "shop", "s", &w->err), -ENOENT);
	assert_null(kube_service_find(w->cluster, "shop", "s"));
	assert_non_null(kube_service_find(w->cluster, "default", "s"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(claims_are_single),
		WORLD_TEST(too_many_ports_are_refused),
		WORLD_TEST(addresses_are_drawn_and_kept),
		WORLD_TEST(some_have_no_address),
		WORLD_TEST(node_ports_are_given),
		WORLD_TEST(node_ports_change_hands),
		WORLD_TEST(drawn_node_ports_leave_room),
		WORLD_TEST(answers_stay),
		WORLD_TEST(what_is_not_there),
	};

	return cmocka_run_group_tests_name("services", tests, NULL, NULL);
}
