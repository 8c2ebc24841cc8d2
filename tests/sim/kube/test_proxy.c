/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kube-proxy's rules: the kernel's own nft takes every one of them, and each kind of service leads where it should. What
 * packets do under them is tested with packets. */
#include "world.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char metallb[] =
	"apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {namespace: metallb-system, name: pool}\n"
	"spec: {addresses: [172.16.254.0/24], avoidBuggyIPs: true}\n";

/* Runs nft on the text in a network namespace of its own. Returns its exit status, 127 when it or the namespace is not to
 * be had. */
static int nft_check(const char *rules)
{
	char path[] = "/tmp/ecmplab-nft-XXXXXX";
	int fd = mkstemp(path), status = 0;
	pid_t pid;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, rules, strlen(rules)), strlen(rules));
	close(fd);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		execlp("unshare", "unshare", "-rn", "nft", "-c", "-f", path, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	unlink(path);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void slice(struct world *w, const char *service, const char *ports, const char *endpoints)
{
	world_applyf(w,
		     "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"
		     "metadata: {name: %s-1, labels: {kubernetes.io/service-name: %s}}\naddressType: IPv4\n"
		     "ports: [%s]\nendpoints: [%s]\n",
		     service, service, ports, endpoints);
}

#define ON1 "{addresses: [10.244.0.5], nodeName: worker1}"
#define ON2 "{addresses: [10.244.1.5], nodeName: worker2}"
#define LEAVING                                                                                                        \
	"{addresses: [10.244.0.6], nodeName: worker1, conditions: {ready: false, serving: true, terminating: true}}"
#define DOWN "{addresses: [10.244.0.7], nodeName: worker1, conditions: {ready: false, serving: false}}"

#define LEAVING_QUIETLY "{addresses: [10.244.0.6], nodeName: worker1, conditions: {ready: false, terminating: true}}"
#define FROM_AFAR "loadBalancerSourceRanges: [10.0.0.0/8, 10.1.0.0/16, 192.168.0.0/16]"
#define LOCAL "externalTrafficPolicy: Local"
#define MASQUERADE "meta mark set meta mark or 0x4000\n"
#define NO_ELEMENTS " : verdict\n}"

/* Each service by what its address leads to on worker1; its first address is 172.16.254.1, its number is 1. */
static const struct {
	const char *spec, *ports, *endpoints;
	const char *has;   /* in the rules */
	const char *lacks; /* or NULL */
} rows[] = {
	{"", "{port: 8080}", ON1 ", " ON2, "172.16.254.1 . tcp . 80 : goto external-1-80",
	 "no-endpoint-services {\ntype ipv4_addr . inet_proto . inet_service : verdict\nelements"},
	{"", "{port: 8080}", ON1 ", " ON2,
	 "numgen random mod 2 vmap { 0 : goto ep-1-80-10.244.0.5-8080, 1 : goto ep-1-80-10.244.1.5-8080 }", NULL},
	{"", "{port: 8080}", ON1, "dnat to 10.244.0.5:8080", "numgen"},
	{"", "{port: 8080}", ON1, "chain external-1-80 {\n" MASQUERADE "goto service-1-80\n}", NULL},
	/* several slices may hold one endpoint */
	{"", "{port: 8080}", ON1 ", " ON1, "goto ep-1-80-10.244.0.5-8080\n}", "numgen"},
	/* nobody anywhere: refused, on node ports, too */
	{"", "{port: 8080}", "", "172.16.254.1 . tcp . 80 : goto reject-chain", "external-1-80"},
	{"", "{port: 8080}", DOWN, "172.16.254.1 . tcp . 80 : goto reject-chain", "external-1-80"},
	{LOCAL, "{port: 8080}", "", "172.16.254.1 . tcp . 80 : goto reject-chain", NULL},
	{"ports: [{port: 80, nodePort: 30123}]", "{port: 8080}", "", "{ tcp . 30123 : goto reject-chain }", NULL},
	/* nobody is ready: those that leave serve on; somebody is: they don't */
	{"", "{port: 8080}", LEAVING, "dnat to 10.244.0.6:8080", NULL},
	{"", "{port: 8080}", LEAVING_QUIETLY, "dnat to 10.244.0.6:8080", NULL},
	{"", "{port: 8080}", LEAVING ", " ON2, "dnat to 10.244.1.5:8080", "10.244.0.6"},
	/* Local: its own endpoints alone, source kept; pods and the node are short-circuited */
	{LOCAL, "{port: 8080}", ON1 ", " ON2,
	 "chain external-1-80 {\nip saddr 10.244.0.0/16 goto service-1-80\nfib saddr type local " MASQUERADE
	 "fib saddr type local goto service-1-80\ngoto ep-1-80-10.244.0.5-8080\n}",
	 NULL},
	{LOCAL, "{port: 8080}", ON2, "fib saddr type local goto service-1-80\ndrop\n}", "reject-chain }"},
	/* ready ones elsewhere, while the last one here leaves: each list has its own fallback */
	{LOCAL, "{port: 8080}", LEAVING ", " ON2, "goto service-1-80\ngoto ep-1-80-10.244.0.6-8080\n}", NULL},
	/* internalTrafficPolicy is about clusterIPs alone */
	{"internalTrafficPolicy: Local", "{port: 8080}", ON1 ", " ON2,
	 "chain cluster-1-80 {\nip saddr != 10.244.0.0/16 " MASQUERADE "goto ep-1-80-10.244.0.5-8080\n}", NULL},
	{"internalTrafficPolicy: Local", "{port: 8080}", ON2,
	 "chain cluster-1-80 {\nip saddr != 10.244.0.0/16 " MASQUERADE "drop\n}", "reject-chain }"},
	{"internalTrafficPolicy: Local", "{port: 8080}", ON2,
	 "chain external-1-80 {\n" MASQUERADE "goto service-1-80\n}", NULL},
	/* source ranges guard the load balancer's address, not the node port */
	{FROM_AFAR, "{port: 8080}", ON1,
	 "firewall-1-80 {\nip saddr 10.0.0.0/8 return\nip saddr 10.1.0.0/16 return\nip saddr 192.168.0.0/16 "
	 "return\ndrop",
	 NULL},
	{FROM_AFAR, "{port: 8080}", ON1, "elements = { 172.16.254.1 . tcp . 80 : jump firewall-1-80 }", NULL},
	{FROM_AFAR, "{port: 8080}", ON1, "chain external-1-80 {\n" MASQUERADE "goto service-1-80\n}", NULL},
	{FROM_AFAR, "{port: 8080}", "", "jump firewall-1-80", NULL},
	{"loadBalancerSourceRanges: ['fd00::/8']", "{port: 8080}", ON1, "firewall-1-80 {\ndrop\n", NULL},
	{"loadBalancerSourceRanges: [10.0.0.0/8, 0.0.0.0/0]", "{port: 8080}", ON1, "return\nreturn\ndrop\n", NULL},
	{"sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 60}}", "{port: 8080}",
	 ON1 ", " ON2, "timeout 60s", NULL},
	{"sessionAffinity: ClientIP", "{port: 8080}", ON1,
	 "ip saddr @affinity-ep-1-80-10.244.0.5-8080 goto ep-1-80-10.244.0.5-8080\ngoto", NULL},
	/* ports */
	{"ports: [{port: 53, protocol: UDP, name: u, nodePort: 30053}, {port: 53, name: t, nodePort: 30053}]",
	 "{port: 5353, protocol: UDP, name: u}, {port: 5353, protocol: TCP, name: t}", ON1,
	 "udp . 53 : goto external-1-53-udp", NULL},
	{"ports: [{port: 53, protocol: UDP, name: u, nodePort: 30053}, {port: 53, name: t, nodePort: 30053}]",
	 "{port: 5353, protocol: UDP, name: u}, {port: 5353, protocol: TCP, name: t}", ON1,
	 "{ udp . 30053 : goto external-1-53-udp, tcp . 30053 : goto external-1-53 }", NULL},
	{"ports: [{port: 80, targetPort: web, name: http}]", "{port: 9090, name: http}", ON1, "dnat to 10.244.0.5:9090",
	 NULL},
	/* a slice's port is the service's by name and protocol */
	{"ports: [{port: 80, name: http}]", "{port: 9090, name: other}", ON1, ". 80 : goto reject-chain", "9090"},
	{"ports: [{port: 80, name: http}]", "{port: 9090, name: http, protocol: UDP}", ON1, ". 80 : goto reject-chain",
	 "9090"},
	{"ports: [{port: 3868, protocol: SCTP}]", "{port: 3868, protocol: SCTP}", ON1,
	 "meta l4proto sctp dnat to 10.244.0.5:3868", NULL},
	{"ports: [{port: 80, nodePort: 30123}]", "{port: 8080}", ON1, "{ tcp . 30123 : goto external-1-80 }", NULL},
	{"allocateLoadBalancerNodePorts: false", "{port: 8080}", ON1,
	 "map service-nodeports {\ntype inet_proto . inet_service" NO_ELEMENTS, NULL},
	{"allocateLoadBalancerNodePorts: false, ports: [{port: 80, nodePort: 30123}]", "{port: 8080}", ON1,
	 "{ tcp . 30123 : goto external-1-80 }", NULL},
	/* other types */
	{"type: NodePort, clusterIP: 10.96.0.7", "{port: 8080}", ON1,
	 "elements = { 10.96.0.7 . tcp . 80 : goto cluster-1-80 }", "172.16.254.1"},
	{"type: ClusterIP, clusterIP: 10.96.0.7", "{port: 8080}", ON1,
	 "map service-nodeports {\ntype inet_proto . inet_service" NO_ELEMENTS, "172.16.254.1"},
	{"type: ClusterIP, clusterIP: None", "{port: 8080}", ON1,
	 "map service-ips {\ntype ipv4_addr . inet_proto . inet_service" NO_ELEMENTS, NULL},
	{"type: ExternalName, externalName: example.com", "{port: 8080}", ON1,
	 "map service-ips {\ntype ipv4_addr . inet_proto . inet_service" NO_ELEMENTS, "1-80"},
	{"clusterIPs: ['fd00::9', 10.96.0.9], ipFamilies: [IPv6, IPv4], ipFamilyPolicy: PreferDualStack",
	 "{port: 8080}", ON1, "10.96.0.9 . tcp . 80 : goto cluster-1-80", "fd00"},
	/* an address of the pool that is the clusterIP, too: nftables would not take it twice */
	{"clusterIP: 172.16.254.1", "{port: 8080}", ON1, "elements = { 172.16.254.1 . tcp . 80 : goto cluster-1-80 }",
	 NULL},
};

static void service(struct world *w, const char *name, const char *spec)
{
	world_applyf(w, "apiVersion: v1\nkind: Service\nmetadata: {name: %s}\nspec: {%s%s%s%s}\n", name,
		     strstr(spec, "type:") == NULL ? "type: LoadBalancer" : "",
		     *spec != '\0' && strstr(spec, "type:") == NULL ? ", " : "", spec,
		     strstr(spec, "ports:") == NULL ? ", ports: [{port: 80}]" : "");
}

/* Each by itself: what it leads to, and nft takes it. */
static void rules_lead_where_they_should(void **state)
{
	bool nft = nft_check("") == 0;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		void *fresh;
		struct world *w;
		const char *rules;

		world_setup(&fresh);
		w = fresh;
		world_apply(w, metallb);
		service(w, "s", rows[i].spec);
		slice(w, "s", rows[i].ports, rows[i].endpoints);
		rules = kube_proxy_rules(w->cluster, "worker1");
		if (strstr(rules, rows[i].has) == NULL)
			fail_msg("row %zu lacks \"%s\":\n%s", i, rows[i].has, rules);
		if (rows[i].lacks != NULL && strstr(rules, rows[i].lacks) != NULL)
			fail_msg("row %zu has \"%s\":\n%s", i, rows[i].lacks, rules);
		if (nft && nft_check(rules) != 0)
			fail_msg("row %zu is not for nft:\n%s", i, rules);
		world_teardown(&fresh);
	}
}

/* All of them at once, as far as they can be together. */
static void nft_takes_them(void **state)
{
	struct world *w = *state;
	size_t n = 0;

	if (nft_check("") != 0) {
		print_message("nft, or a network namespace for it, is not to be had\n");
		skip();
	}
	assert_int_not_equal(nft_check("add rule ip nowhere x drop\n"), 0);	 /* it does refuse */
	assert_int_equal(nft_check(kube_proxy_rules(w->cluster, "worker1")), 0); /* nothing yet */
	world_apply(w, metallb);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strstr(rows[i].spec, "nodePort") != NULL || strstr(rows[i].spec, "clusterIP") != NULL)
			continue;
		service(w, arena_printf(&w->arena, "s%zu", n), rows[i].spec);
		slice(w, arena_printf(&w->arena, "s%zu", n++), rows[i].ports, rows[i].endpoints);
	}
	assert_true(n > 20);
	for (int i = 1; i <= 3; i++)
		assert_int_equal(nft_check(kube_proxy_rules(w->cluster, arena_printf(&w->arena, "worker%d", i))), 0);
	while (n-- > 0)
		world_delete(w, KUBE_SERVICE, arena_printf(&w->arena, "s%zu", n));
	assert_int_equal(nft_check(kube_proxy_rules(w->cluster, "worker1")), 0);
}

/* A cluster over IPv6 has the same rules in the other family, and none for what is of IPv4. */
static void ipv6_has_its_own_rules(void **state)
{
	static const char *const has[] = {
		"table ip6 kube-proxy {\n",
		"ip6 daddr . meta l4proto . th dport vmap @service-ips\n",
		"ip6 daddr != ::1 meta l4proto . th dport vmap @service-nodeports\n",
		"type ipv6_addr . inet_proto . inet_service : verdict\n",
		"fd00:254::1 . tcp . 80 : goto external-1-80",
		"chain ep-1-80-fd00-244--5-8080 {\nip6 saddr fd00:244::5 " MASQUERADE
		"update @affinity-ep-1-80-fd00-244--5-8080 { ip6 saddr }\n"
		"meta l4proto tcp dnat to [fd00:244::5]:8080\n",
		"type ipv6_addr; flags dynamic,timeout",
		"ip6 saddr fd00:172::/64 return\ndrop\n",
		"ip6 saddr != fd00:244::/64 " MASQUERADE,
	};
	struct world *w = *state;
	const char *rules;

	world_apply(w, "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: p}\n"
		       "spec: {addresses: ['fd00:254::1/128']}\n");
	service(w, "s", "sessionAffinity: ClientIP, loadBalancerSourceRanges: ['fd00:172::/64', 10.0.0.0/8]");
	slice(w, "s", "{port: 8080}",
	      "{addresses: ['fd00:244::5'], nodeName: worker1}, {addresses: [10.244.0.5], nodeName: worker1}");
	rules = kube_proxy_rules(w->cluster, "worker1");
	for (size_t i = 0; i < sizeof(has) / sizeof(has[0]); i++) {
		if (strstr(rules, has[i]) == NULL)
			fail_msg("\"%s\" is not in:\n%s", has[i], rules);
	}
	assert_null(strstr(rules, "10.244.0.5"));
	assert_null(strstr(rules, "10.0.0.0"));
	if (nft_check("") == 0)
		assert_int_equal(nft_check(rules), 0);
}

/* One address with two ports, from two slices, is two endpoints. */
static void endpoints_are_address_and_port(void **state)
{
	struct world *w = *state;
	const char *rules;

	world_apply(w, metallb);
	service(w, "s", "");
	slice(w, "s", "{port: 8080}", ON1);
	world_apply(w, "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"
		       "metadata: {name: s-2, labels: {kubernetes.io/service-name: s}}\naddressType: IPv4\n"
		       "ports: [{port: 9090}]\nendpoints: [" ON1 "]\n");
	rules = kube_proxy_rules(w->cluster, "worker1");
	assert_non_null(strstr(rules, "numgen random mod 2"));
	assert_non_null(strstr(rules, "dnat to 10.244.0.5:8080\n"));
	assert_non_null(strstr(rules, "dnat to 10.244.0.5:9090\n"));
}

/* A pod's port by name is that of its container, with the protocol of the service's port. */
static void pods_are_sent_to_by_name(void **state)
{
	struct world *w = *state;
	const struct kube_pod *pods;
	size_t n;

	world_apply(w, metallb);
	world_apply(w, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
		       "spec: {replicas: 1, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: "
		       "web}}, spec: {containers: [{name: c, image: nginx, ports: [{name: dns, containerPort: 53, "
		       "protocol: UDP}, {name: dns, containerPort: 5353}, {name: http, containerPort: 8080}]}]}}}\n");
	service(w, "s",
		"selector: {app: web}, ports: [{name: a, port: 53, targetPort: dns}, {name: b, port: 53, targetPort: "
		"dns, protocol: UDP}, {name: c, port: 80, targetPort: nobody}, {name: d, port: 81, targetPort: http}]");
	pods = kube_pods(w->cluster, &n);
	assert_int_equal(n, 1);
	kube_pod_ready(w->cluster, pods[0].uid, true);
	n = strlen(kube_proxy_rules(w->cluster, "worker1"));
	assert_non_null(strstr(kube_proxy_rules(w->cluster, "worker1"), "l4proto tcp dnat to 10.244.0.2:5353\n"));
	assert_non_null(strstr(kube_proxy_rules(w->cluster, "worker1"), "l4proto udp dnat to 10.244.0.2:53\n"));
	assert_non_null(strstr(kube_proxy_rules(w->cluster, "worker1"), "l4proto tcp dnat to 10.244.0.2:8080\n"));
	assert_non_null(strstr(kube_proxy_rules(w->cluster, "worker1"), "172.16.254.1 . tcp . 80 : goto reject-chain"));
	assert_int_equal(strlen(kube_proxy_rules(w->cluster, "worker1")), n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_lead_where_they_should),
		WORLD_TEST(nft_takes_them),
		cmocka_unit_test_setup_teardown(ipv6_has_its_own_rules, world_setup_ipv6, world_teardown),
		WORLD_TEST(endpoints_are_address_and_port),
		WORLD_TEST(pods_are_sent_to_by_name),
	};

	return cmocka_run_group_tests_name("proxy", tests, NULL, NULL);
}
