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

/* Each service by what its address leads to on worker1. */
static const struct {
	const char *spec, *ports, *endpoints;
	const char *has;   /* in the rules */
	const char *lacks; /* or NULL */
} rows[] = {
	{"", "{port: 8080}", ON1 ", " ON2, "172.16.254.1 . tcp . 80 : goto external-1-80",
	 "no-endpoint-services {\nelements"},
	{"", "{port: 8080}", ON1 ", " ON2, "numgen random mod 2 vmap", NULL},
	{"", "{port: 8080}", ON1, "dnat to 10.244.0.5:8080", "numgen"},
	{"", "{port: 8080}", ON1, "meta mark set meta mark or 0x4000\ngoto service-1-80", NULL},
	{"", "{port: 8080}", "", "172.16.254.1 . tcp . 80 : goto reject-chain", "external-1-80"},
	{"", "{port: 8080}", DOWN, "172.16.254.1 . tcp . 80 : goto reject-chain", "external-1-80"},
	/* nobody is ready: those that leave serve on; somebody is: they don't */
	{"", "{port: 8080}", LEAVING, "dnat to 10.244.0.6:8080", NULL},
	{"", "{port: 8080}", LEAVING ", " ON2, "dnat to 10.244.1.5:8080", "10.244.0.6"},
	/* Local: its own endpoints alone, source kept; none here but elsewhere: dropped */
	{"externalTrafficPolicy: Local", "{port: 8080}", ON1 ", " ON2, "goto ep-1-80-10.244.0.5\n}", NULL},
	{"externalTrafficPolicy: Local", "{port: 8080}", ON2, "172.16.254.1 . tcp . 80 : drop", "goto external-1-80"},
	{"externalTrafficPolicy: Local", "{port: 8080}", "", "172.16.254.1 . tcp . 80 : goto reject-chain", NULL},
	{"loadBalancerSourceRanges: [10.0.0.0/8, 10.1.0.0/16, 192.168.0.0/16]", "{port: 8080}", ON1,
	 "ip saddr != 10.0.0.0/8 ip saddr != 10.1.0.0/16 ip saddr != 192.168.0.0/16 drop", NULL},
	{"loadBalancerSourceRanges: ['fd00::/8']", "{port: 8080}", ON1, "external-1-80 {\ndrop\n", NULL},
	{"sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 60}}", "{port: 8080}",
	 ON1 ", " ON2, "timeout 60s", NULL},
	{"ports: [{port: 53, protocol: UDP, name: u}, {port: 53, protocol: TCP, name: t}]",
	 "{port: 5353, protocol: UDP, name: u}, {port: 5353, protocol: TCP, name: t}", ON1,
	 "udp . 53 : goto external-1-53-udp", NULL},
	{"ports: [{port: 80, targetPort: web, name: http}]", "{port: 9090, name: http}", ON1, "dnat to 10.244.0.5:9090",
	 NULL},
	{"ports: [{port: 80, nodePort: 30123}]", "{port: 8080}", ON1, "tcp . 30123 : goto external-1-80", NULL},
};

static void rules_lead_where_they_should(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		void *fresh;
		struct world *w;
		const char *rules;

		world_setup(&fresh);
		w = fresh;
		world_apply(w, metallb);
		world_applyf(w,
			     "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {type: LoadBalancer%s%s%s}\n",
			     *rows[i].spec != '\0' ? ", " : "", rows[i].spec,
			     strstr(rows[i].spec, "ports:") == NULL ? ", ports: [{port: 80}]" : "");
		slice(w, "s", rows[i].ports, rows[i].endpoints);
		rules = kube_proxy_rules(w->cluster, "worker1");
		if (strstr(rules, rows[i].has) == NULL)
			fail_msg("row %zu lacks \"%s\":\n%s", i, rows[i].has, rules);
		if (rows[i].lacks != NULL && strstr(rules, rows[i].lacks) != NULL)
			fail_msg("row %zu has \"%s\":\n%s", i, rows[i].lacks, rules);
		world_teardown(&fresh);
	}
}

/* All of them at once, with addresses and ports that users wrote twice. */
static void nft_takes_them(void **state)
{
	struct world *w = *state;
	const char *rules;
	int status = nft_check("add table ip x\n");

	if (status == 127 || (status != 0 && nft_check("") != 0)) {
		print_message("nft, or a network namespace for it, is not to be had\n");
		skip();
	}
	world_apply(w, metallb);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *name = arena_printf(&w->arena, "s%zu", i);

		world_applyf(
			w, "apiVersion: v1\nkind: Service\nmetadata: {name: %s}\nspec: {type: LoadBalancer%s%s%s%s}\n",
			name, *rows[i].spec != '\0' ? ", " : "", rows[i].spec,
			i % 2 == 0 ? ", clusterIP: 10.96.7.7" : "",
			strstr(rows[i].spec, "ports:") == NULL ? ", ports: [{port: 80, nodePort: 30123}]" : "");
		slice(w, name, rows[i].ports, rows[i].endpoints);
	}
	rules = kube_proxy_rules(w->cluster, "worker1");
	assert_int_equal(nft_check(rules), 0);
	assert_int_not_equal(nft_check("add rule ip nowhere x drop\n"), 0); /* it does refuse */
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		world_delete(w, KUBE_SERVICE, arena_printf(&w->arena, "s%zu", i));
	assert_int_equal(nft_check(kube_proxy_rules(w->cluster, "worker1")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_lead_where_they_should),
		WORLD_TEST(nft_takes_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
