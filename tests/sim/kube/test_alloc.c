/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Allocation against the vectors of MetalLB's own unit tests (METALLB.md section 10.3) and its documented order. */
#include "world.h"

#include <stdio.h>
#include <string.h>

static void service_number(struct world *w, unsigned int i)
{
	char name[32];

	snprintf(name, sizeof(name), "s%u", i);
	world_service(w, name, "", "");
}

static const char *ingress_number(struct world *w, unsigned int i)
{
	char name[32];

	snprintf(name, sizeof(name), "s%u", i);
	return world_ingress(w, name);
}

static void the_lowest_address_comes_first(void **state)
{
	struct world *w = *state;

	world_pool(w, "pool", "172.16.254.0/24", "");
	for (unsigned int i = 0; i < 257; i++) {
		struct addr first, a;

		service_number(w, i);
		if (i == 256) {
			assert_string_equal(ingress_number(w, i), "");
			assert_string_equal(world_pending(w, "s256"), "no available IPs");
			continue;
		}
		addr_parse("172.16.254.0", &first);
		a = addr_add(&first, i);
		assert_string_equal(ingress_number(w, i), addr_text(&a).s);
	}
	/* what is freed is had at once by the one that waits */
	world_delete(w, KUBE_SERVICE, "s7");
	assert_string_equal(ingress_number(w, 256), "172.16.254.7");
}

static void buggy_addresses_are_avoided(void **state)
{
	struct world *w = *state;

	world_pool(w, "pool", "172.16.254.0/24", "avoidBuggyIPs: true");
	for (unsigned int i = 1; i <= 255; i++)
		service_number(w, i);
	assert_string_equal(world_ingress(w, "s1"), "172.16.254.1");
	assert_string_equal(world_ingress(w, "s254"), "172.16.254.254");
	assert_string_equal(world_ingress(w, "s255"), "");
	world_delete(w, KUBE_SERVICE, "s9");
	world_service(w, "zero", "annotations: {metallb.io/loadBalancerIPs: 172.16.254.0}", "");
	assert_string_equal(world_ingress(w, "zero"), "");
	assert_non_null(strstr(world_pending(w, "zero"), "not allowed in config"));
}

/* Six services succeed, the seventh fails. */
static void pools_are_used_up_together(void **state)
{
	struct world *w = *state;
	static const char *const possible[] = {"1.2.3.0", "1.2.3.1", "1.2.3.254", "1.2.3.255", "1.2.4.1", "1.2.4.254"};
	bool seen[6] = {0};

	world_pool(w, "plain", "1.2.3.0/31, 1.2.3.254/31", "");
	world_pool(w, "careful", "1.2.4.0/31, 1.2.4.254/31", "avoidBuggyIPs: true");
	for (unsigned int i = 0; i < 7; i++)
		service_number(w, i);
	for (unsigned int i = 0; i < 6; i++) {
		for (size_t k = 0; k < 6; k++)
			seen[k] = seen[k] || strcmp(ingress_number(w, i), possible[k]) == 0;
	}
	for (size_t k = 0; k < 6; k++)
		assert_true(seen[k]);
	assert_string_equal(ingress_number(w, 6), "");
}

static void ranges_become_cidrs(void **state)
{
	static const struct {
		const char *first, *last, *cidrs;
	} rows[] = {
		{"10.0.0.150", "10.0.0.200", "10.0.0.150/31 10.0.0.152/29 10.0.0.160/27 10.0.0.192/29 10.0.0.200/32"},
		{"3.3.3.2", "3.3.3.254",
		 "3.3.3.2/31 3.3.3.4/30 3.3.3.8/29 3.3.3.16/28 3.3.3.32/27 3.3.3.64/26 3.3.3.128/26 3.3.3.192/27 "
		 "3.3.3.224/28 3.3.3.240/29 3.3.3.248/30 3.3.3.252/31 3.3.3.254/32"},
		{"0.0.0.0", "255.255.255.255", "0.0.0.0/0"},
		{"10.0.0.7", "10.0.0.7", "10.0.0.7/32"},
		{"1000::", "1000::1", "1000::/127"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct kube_range range = {0};
		struct prefix cidrs[300];
		char text[1000] = "";
		size_t n;

		assert_int_equal(addr_parse(rows[i].first, &range.first), 0);
		assert_int_equal(addr_parse(rows[i].last, &range.last), 0);
		n = kube_range_cidrs(&range, cidrs, 300);
		for (size_t k = 0; k < n; k++)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", k > 0 ? " " : "",
				 prefix_text(&cidrs[k]).s);
		assert_string_equal(text, rows[i].cidrs);
	}
}

/* P6 to P12 of the vectors: P12 is not there in the first half, so that others win. */
static void pinned_pools_go_by_priority(void **state)
{
	struct world *w = *state;

	world_apply(w, "apiVersion: v1\nkind: Namespace\nmetadata: {name: test-ns1}\n---\n"
		       "apiVersion: v1\nkind: Namespace\nmetadata: {name: test-ns2}\n");
	world_pool(w, "general", "20.0.0.0/24", "");
	world_pool(w, "p6", "10.6.0.0/30", "serviceAllocation: {priority: 10, namespaces: [test-ns1]}");
	world_pool(w, "p7", "10.7.0.0/30", "serviceAllocation: {priority: 11, namespaces: [test-ns1]}");
	world_pool(w, "p8", "10.8.0.0/30",
		   "serviceAllocation: {priority: 9, serviceSelectors: [{matchLabels: {team: metallb}}]}");
	world_pool(w, "p9", "10.9.0.0/30", "serviceAllocation: {namespaces: [test-ns2]}");
	world_pool(w, "p10", "10.10.0.0/30",
		   "serviceAllocation: {priority: 8, serviceSelectors: [{matchLabels: {team: metallb}}]}");
	world_pool(w, "p11", "10.11.0.0/30",
		   "serviceAllocation: {priority: 8, namespaces: [test-ns1], serviceSelectors: [{matchLabels: {team: "
		   "red}}]}");
	world_pool(w, "p12", "10.12.0.0/30",
		   "serviceAllocation: {priority: 5, namespaces: [test-ns1], serviceSelectors: [{matchLabels: {team: "
		   "metallb}}]}");
	world_service(w, "a", "namespace: test-ns1", "");
	assert_string_equal(world_ingress(w, "test-ns1/a"), "10.6.0.0");
	world_service(w, "b", "namespace: test-ns2", "");
	assert_string_equal(world_ingress(w, "test-ns2/b"), "10.9.0.0");
	world_service(w, "c", "labels: {team: metallb}", "");
	assert_string_equal(world_ingress(w, "c"), "10.10.0.0");
	world_service(w, "d", "namespace: test-ns1, labels: {team: metallb}", "");
	assert_string_equal(world_ingress(w, "test-ns1/d"), "10.12.0.0");
	world_service(w, "e", "", "");
	assert_string_equal(world_ingress(w, "e"), "20.0.0.0");
	/* exhaustion of all that is pinned falls to the general pool */
	for (unsigned int i = 0; i < 7; i++)
		world_service(w, arena_printf(&w->arena, "x%u", i), "namespace: test-ns1", "");
	assert_string_equal(world_ingress(w, "test-ns1/x6"), "10.7.0.3");
	world_service(w, "y", "namespace: test-ns1", "");
	assert_string_equal(world_ingress(w, "test-ns1/y"), "20.0.0.1");
}

static void namespaces_are_found_by_name_or_label(void **state)
{
	struct world *w = *state;

	world_apply(w, "apiVersion: v1\nkind: Namespace\nmetadata: {name: blue, labels: {tier: shop}}\n");
	world_pool(w, "pool", "10.0.1.0/30",
		   "serviceAllocation: {namespaces: [red], namespaceSelectors: [{matchLabels: {tier: shop}}]}");
	world_service(w, "a", "namespace: blue", "");
	assert_string_equal(world_ingress(w, "blue/a"), "10.0.1.0");
	world_service(w, "b", "namespace: red", "");
	assert_string_equal(world_ingress(w, "red/b"), "10.0.1.1");
	world_service(w, "c", "", "");
	assert_string_equal(world_ingress(w, "c"), "");
	world_service(w, "d", "annotations: {metallb.io/address-pool: pool}", "");
	assert_non_null(strstr(world_pending(w, "d"), "not for this service"));
}

static void annotations_choose(void **state)
{
	struct world *w = *state;

	world_pool(w, "one", "10.1.0.0/30", "");
	world_pool(w, "manual", "10.2.0.0/30", "autoAssign: false");
	world_service(w, "a", "annotations: {metallb.io/address-pool: manual}", "");
	assert_string_equal(world_ingress(w, "a"), "10.2.0.0");
	world_service(w, "b", "annotations: {metallb.universe.tf/address-pool: manual}", "");
	assert_string_equal(world_ingress(w, "b"), "10.2.0.1");
	/* the new prefix wins, even when empty */
	world_service(w, "c", "annotations: {metallb.io/address-pool: one, metallb.universe.tf/address-pool: manual}",
		      "");
	assert_string_equal(world_ingress(w, "c"), "10.1.0.0");
	world_service(w, "d", "annotations: {metallb.io/address-pool: none}", "");
	assert_non_null(strstr(world_pending(w, "d"), "unknown pool"));
	for (unsigned int i = 0; i < 4; i++)
		service_number(w, i);
	assert_string_equal(world_ingress(w, "s3"), ""); /* not from a pool without autoAssign */
	/* changing the annotation moves the service; taking it away does not */
	world_service(w, "c", "annotations: {metallb.io/address-pool: manual}", "");
	assert_string_equal(world_ingress(w, "c"), "10.2.0.2");
	world_service(w, "c", "", "");
	assert_string_equal(world_ingress(w, "c"), "10.2.0.2");
}

static void requests_are_exact(void **state)
{
	static const struct {
		const char *metadata, *spec, *ingress, *why;
	} rows[] = {
		{"annotations: {metallb.io/loadBalancerIPs: 1.2.3.1}", "", "1.2.3.1", NULL},
		{"", "loadBalancerIP: 1.2.3.1", "1.2.3.1", NULL},
		{"annotations: {metallb.io/loadBalancerIPs: 1.2.3.1}", "loadBalancerIP: 1.2.3.1", "", "twice"},
		{"annotations: {metallb.io/loadBalancerIPs: please-work}", "", "", "can't be read"},
		{"annotations: {metallb.io/loadBalancerIPs: '1.2.3.0,1.2.3.1'}", "", "", "one address of a family"},
		{"annotations: {metallb.io/loadBalancerIPs: 1.2.3.1, metallb.io/address-pool: other}", "", "",
		 "not in the annotated pool"},
		{"annotations: {metallb.io/loadBalancerIPs: '1000::'}", "", "", "families"},
		{"annotations: {metallb.io/loadBalancerIPs: 9.9.9.9}", "", "", "in no pool"},
	};
	struct world *w = *state;

	world_pool(w, "pool", "1.2.3.0/31, '1000::/127'", "");
	world_pool(w, "other", "5.5.5.0/30", "");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		world_service(w, "s", rows[i].metadata, rows[i].spec);
		assert_string_equal(world_ingress(w, "s"), rows[i].ingress);
		if (rows[i].why != NULL && strstr(world_pending(w, "s"), rows[i].why) == NULL)
			fail_msg("row %zu: %s", i, world_pending(w, "s"));
		world_delete(w, KUBE_SERVICE, "s");
	}
	/* What can't be had empties the status; what can't be read leaves it. */
	world_service(w, "s", "annotations: {metallb.io/loadBalancerIPs: 1.2.3.1}", "");
	world_service(w, "s", "annotations: {metallb.io/loadBalancerIPs: please-work}", "");
	assert_string_equal(world_ingress(w, "s"), "1.2.3.1");
	world_service(w, "s", "annotations: {metallb.io/loadBalancerIPs: 9.9.9.9}", "");
	assert_string_equal(world_ingress(w, "s"), "");
}

/* The sharing chain of the vectors. */
static void addresses_are_shared_by_key_backend_and_port(void **state)
{
#define SHARE(key) "annotations: {metallb.io/loadBalancerIPs: 1.2.3.0, metallb.io/allow-shared-ip: " key "}"
#define LOCAL "externalTrafficPolicy: Local, "
	static const struct {
		const char *name, *metadata, *spec;
		bool had;
	} steps[] = {
		{"s4", SHARE("sharing"), LOCAL "selector: {app: b}", true},
		{"s4", SHARE("share"), LOCAL "selector: {app: b}", true},
		{"s3", SHARE("share"), LOCAL "selector: {app: b}", false},
		{"s3", SHARE("othershare"), LOCAL "selector: {app: b}, ports: [{port: 443}]", false},
		{"s3", SHARE("share"), LOCAL "selector: {app: c}, ports: [{port: 443}]", false},
		{"s3", SHARE("share"), LOCAL "selector: {app: b}, ports: [{port: 443}]", true},
		{"s3", SHARE("share"), LOCAL "selector: {app: b}, ports: [{port: 80, protocol: UDP}]", true},
		{"s3", SHARE("other"), LOCAL "selector: {app: b}, ports: [{port: 53, protocol: UDP}]", false},
		{"s3", SHARE("share"), LOCAL "selector: {app: b}, ports: [{port: 53, protocol: UDP}]", true},
		/* Cluster has no backend key, Local has one */
		{"s3", SHARE("share"), "selector: {app: b}, ports: [{port: 53, protocol: UDP}]", false},
		/* with Cluster on both sides selectors do not matter */
		{"s4", SHARE("share"), "selector: {app: b}", true},
		{"s3", SHARE("share"), "selector: {app: c}, ports: [{port: 53, protocol: UDP}]", true},
		{"s5", "annotations: {metallb.io/loadBalancerIPs: 1.2.3.0}", "selector: {app: c}, ports: [{port: 1}]",
		 false},
	};
	struct world *w = *state;

	world_pool(w, "pool", "1.2.3.0/31", "");
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		world_applyf(w,
			     "apiVersion: v1\nkind: Service\nmetadata: {name: %s, %s}\n"
			     "spec: {type: LoadBalancer, %s%s}\n",
			     steps[i].name, steps[i].metadata, steps[i].spec,
			     strstr(steps[i].spec, "ports:") == NULL ? ", ports: [{port: 80}]" : "");
		if ((strcmp(world_ingress(w, steps[i].name), "1.2.3.0") == 0) != steps[i].had)
			fail_msg("step %zu: %s has \"%s\" (%s)", i, steps[i].name, world_ingress(w, steps[i].name),
				 world_pending(w, steps[i].name));
	}
}

#define DUAL "clusterIPs: [10.96.0.9, 'fd00::9'], ipFamilies: [IPv4, IPv6], "

static void dual_stack(void **state)
{
	static const struct {
		const char *metadata, *spec, *ingress;
	} rows[] = {
		{"", DUAL "ipFamilyPolicy: RequireDualStack", "1.2.3.0 1000::"},
		{"", DUAL "ipFamilyPolicy: PreferDualStack", "1.2.3.0 1000::"},
		{"annotations: {metallb.io/address-pool: four}", DUAL "ipFamilyPolicy: PreferDualStack", "4.4.4.0"},
		{"annotations: {metallb.io/address-pool: four}", DUAL "ipFamilyPolicy: RequireDualStack", ""},
		{"", "clusterIP: 10.96.0.9, ipFamilyPolicy: PreferDualStack", "1.2.3.0"},
		{"", "clusterIP: 10.96.0.9, ipFamilyPolicy: RequireDualStack", ""},
		{"", DUAL "ipFamilyPolicy: SingleStack", ""},
		{"annotations: {metallb.io/loadBalancerIPs: 1.2.3.1}", DUAL "ipFamilyPolicy: RequireDualStack", ""},
		{"annotations: {metallb.io/loadBalancerIPs: '1.2.3.1,1000::1'}",
		 DUAL "ipFamilyPolicy: RequireDualStack", "1.2.3.1 1000::1"},
	};
	struct world *w = *state;

	world_pool(w, "pool5", "1.2.3.0/31, '1000::/127'", "");
	world_pool(w, "four", "4.4.4.0/30", "autoAssign: false");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		world_service(w, "s", rows[i].metadata, rows[i].spec);
		if (strcmp(world_ingress(w, "s"), rows[i].ingress) != 0)
			fail_msg("row %zu: \"%s\" (%s)", i, world_ingress(w, "s"), world_pending(w, "s"));
		world_delete(w, KUBE_SERVICE, "s");
	}
}

/* METALLB.md section 3.2, 9: one that prefers dual stack gets the other family as soon as its pool has it. */
static void the_second_family_follows(void **state)
{
	struct world *w = *state;

	world_pool(w, "pool", "1.2.3.0/31", "");
	world_service(w, "s", "", DUAL "ipFamilyPolicy: PreferDualStack");
	assert_string_equal(world_ingress(w, "s"), "1.2.3.0");
	world_pool(w, "pool", "1.2.3.0/31, '1000::/127'", "");
	assert_string_equal(world_ingress(w, "s"), "1.2.3.0 1000::");
}

static void reloads_keep_what_is_covered(void **state)
{
	struct world *w = *state;

	world_pool(w, "test", "1.2.3.0/30", "");
	world_service(w, "s", "", "");
	assert_string_equal(world_ingress(w, "s"), "1.2.3.0");
	world_pool(w, "test", "1.2.3.0/24", "");
	assert_string_equal(world_ingress(w, "s"), "1.2.3.0");
	world_pool(w, "test", "1.2.3.0/31", "");
	assert_string_equal(world_ingress(w, "s"), "1.2.3.0");
	world_pool(w, "test", "1.2.3.2/31", ""); /* freed, and had anew */
	assert_string_equal(world_ingress(w, "s"), "1.2.3.2");
	world_pool(w, "test", "1.2.3.2/31", "autoAssign: false");
	assert_string_equal(world_ingress(w, "s"), "1.2.3.2");
	world_pool(w, "test", "1.2.3.0/24", "");
	world_service(w, "zero", "annotations: {metallb.io/loadBalancerIPs: 1.2.3.0}", "");
	assert_string_equal(world_ingress(w, "zero"), "1.2.3.0");
	world_pool(w, "test", "1.2.3.0/24", "avoidBuggyIPs: true");
	assert_string_equal(world_ingress(w, "zero"), "");
	assert_string_equal(world_ingress(w, "s"), "1.2.3.2");
	world_delete(w, KUBE_IP_ADDRESS_POOL, "test");
	assert_string_equal(world_ingress(w, "s"), "");
	assert_non_null(strstr(world_pending(w, "s"), "no address pool"));
}

static void what_is_no_load_balancer_has_none(void **state)
{
	struct world *w = *state;

	world_pool(w, "pool", "1.2.3.0/30", "");
	world_service(w, "s", "", "");
	assert_string_equal(world_ingress(w, "s"), "1.2.3.0");
	world_apply(w, "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n"
		       "spec: {type: ClusterIP, selector: {app: web}, ports: [{port: 80}]}\n");
	assert_string_equal(world_ingress(w, "s"), "");
	world_service(w, "t", "", "loadBalancerClass: example.com/other");
	assert_string_equal(world_ingress(w, "t"), "");
	world_service(w, "u", "", "");
	assert_string_equal(world_ingress(w, "u"), "1.2.3.0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(the_lowest_address_comes_first),
		WORLD_TEST(buggy_addresses_are_avoided),
		WORLD_TEST(pools_are_used_up_together),
		WORLD_TEST(ranges_become_cidrs),
		WORLD_TEST(pinned_pools_go_by_priority),
		WORLD_TEST(namespaces_are_found_by_name_or_label),
		WORLD_TEST(annotations_choose),
		WORLD_TEST(requests_are_exact),
		WORLD_TEST(addresses_are_shared_by_key_backend_and_port),
		WORLD_TEST(dual_stack),
		WORLD_TEST(the_second_family_follows),
		WORLD_TEST(reloads_keep_what_is_covered),
		WORLD_TEST(what_is_no_load_balancer_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
