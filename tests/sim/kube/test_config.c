/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What MetalLB's parser and webhooks refuse: METALLB.md sections 2.1 to 2.4, 2.9 and 8.10. What was in force stays so. */
#include "world.h"

#include <stdio.h>
#include <string.h>

#define METALLB "metadata: {namespace: metallb-system, name: "
#define POOL(name, spec) "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\n" METALLB name "}\nspec: {" spec "}\n"
#define PEER(name, spec) "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n" METALLB name "}\nspec: {" spec "}\n"
#define ADV(name, spec) "apiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n" METALLB name "}\nspec: {" spec "}\n"
#define COMMUNITY(name, list)                                                                                          \
	"apiVersion: metallb.io/v1beta1\nkind: Community\n" METALLB name "}\nspec: {communities: [" list "]}\n"
#define NEXT "---\n"
#define EBGP "myASN: 22000, peerASN: 11000, peerAddress: 10.0.0.1"

static const struct {
	const char *yaml;
	const char *refused; /* words of the refusal; NULL: accepted */
} rows[] = {
	/* pools; W01 */
	{POOL("a", "addresses: [10.1.0.0/24]") NEXT POOL("b", "addresses: [10.1.0.200-10.1.1.10]"), "overlaps"},
	{POOL("a", "addresses: [10.1.0.0/24, 10.1.0.128/25]"), "overlaps"},
	{POOL("a", "addresses: [10.1.0.0/24, 10.1.1.0/24]"), NULL},
	{POOL("a", "addresses: [10.1.0.0/24], serviceAllocation: {namespaces: [x, x]}"), "duplicate"},
	/* peers */
	{PEER("p", EBGP), NULL},
	{PEER("p", "myASN: 0, peerASN: 11000, peerAddress: 10.0.0.1"), "missing local ASN"},
	{PEER("p", "myASN: 1, peerASN: 1, peerAddress: 10.0.0.1, ebgpMultiHop: true"), "ebgpMultiHop"},
	{PEER("p", EBGP ", holdTime: 2s"), "invalid hold time"},
	{PEER("p", EBGP ", holdTime: 500ms"), NULL}, /* cut to 0 */
	{PEER("p", EBGP ", holdTime: 3s"), NULL},
	{PEER("p", EBGP ", keepaliveTime: 5s"), "keepaliveTime"},
	{PEER("p", EBGP ", bfdProfile: fast"), "bfdProfile"},
	{PEER("p", EBGP ", vrf: red"), "vrf"},
	{PEER("p", EBGP ", routerID: 10.10.10.1"), NULL},
	{PEER("p", EBGP) NEXT PEER("q", EBGP), NULL}, /* the native mode allows one address twice */
	/* communities; W07, W08, W09 */
	{ADV("a", "communities: ['99999999:1']"), "invalid section"},
	{ADV("a", "communities: ['1:2', '3:65535']"), NULL},
	{ADV("a", "communities: ['large:1:2:3']"), "large community"},
	{ADV("a", "communities: ['lar:123:9999:123']"), "neither"},
	{ADV("a", "communities: ['+1:2']"), "neither"},
	{ADV("a", "communities: [nobody]"), "neither A:B nor an alias"},
	{ADV("a", "communities: ['1:2', '1:2']"), "duplicate"},
	{COMMUNITY("c", "{name: x, value: '1:2'}, {name: x, value: '1:3'}"), "duplicate community alias"},
	{COMMUNITY("c", "{name: x, value: '1:2'}") NEXT COMMUNITY("d", "{name: x, value: '1:3'}"),
	 "duplicate community alias"},
	{COMMUNITY("c", "{name: x, value: '70000:2'}"), "70000:2"},
	/* advertisements; W02, W03 */
	{POOL("a", "addresses: [10.20.30.40/24]") NEXT ADV("v", "aggregationLength: 24"), NULL},
	{POOL("a", "addresses: [10.20.30.40/24]") NEXT ADV("v", "aggregationLength: 20"), "invalid aggregation length"},
	{POOL("a", "addresses: [10.20.30.40/24, 1.2.3.0/28]") NEXT ADV("v", "aggregationLength: 26"),
	 "invalid aggregation length"},
	{POOL("a", "addresses: [3.3.3.2-3.3.3.254]") NEXT ADV("v", "aggregationLength: 26"), NULL},
	{POOL("a", "addresses: [3.3.3.2-3.3.3.254]") NEXT ADV("v", "aggregationLength: 24"),
	 "invalid aggregation length"},
	{ADV("v", "aggregationLength: 24, serviceSelectors: [{matchLabels: {a: b}}]"), "mutually exclusive"},
	{ADV("v", "aggregationLength: 32, serviceSelectors: [{matchLabels: {a: b}}]"), NULL},
	{ADV("v", "ipAddressPools: [a, a]"), "duplicate"},
	{ADV("v", "peers: [a, a]"), "duplicate"},
	{POOL("six", "addresses: ['fd00::/64']"), NULL},
	{POOL("six", "addresses: ['fd00::/64']") NEXT ADV("v", ""), "IPv6"},
/* LOCAL_PREF, section 8.12: refused when one prefix could have two on one session of one node */
#define LP(name, value, more) ADV(name, "localPref: " value more)
#define WITH(two) POOL("a", "addresses: [10.1.0.0/24]") NEXT two
	{WITH(LP("v", "1", "") NEXT LP("w", "1", "")), NULL},
	{WITH(LP("v", "1", "") NEXT LP("w", "2", "")), "different localPref"},
	{WITH(LP("v", "1", "") NEXT LP("w", "2", ", aggregationLength: 24")), NULL},
	{WITH(LP("v", "1", ", peers: [x]") NEXT LP("w", "2", ", peers: [y]")), NULL},
	{WITH(LP("v", "1", ", peers: [x]") NEXT LP("w", "2", ", peers: [y, x]")), "different localPref"},
	{WITH(LP("v", "1", ", peers: [x]") NEXT LP("w", "2", "")), "different localPref"},
#define ON(node) ", nodeSelectors: [{matchLabels: {kubernetes.io/hostname: " node "}}]"
	{WITH(LP("v", "1", ON("worker1")) NEXT LP("w", "2", ON("worker2"))), NULL},
	{WITH(LP("v", "1", ON("worker1")) NEXT LP("w", "2", ON("worker1"))), "different localPref"},
	{WITH(LP("v", "1", ON("worker1")) NEXT LP("w", "2", "")), "different localPref"},
	{WITH(LP("v", "1", ON("nobody")) NEXT LP("w", "2", "")), NULL},
	{WITH(LP("v", "1", ", ipAddressPools: [a]") NEXT LP("w", "2", ", ipAddressPools: [b]")), NULL},
	/* W11 */
	{"apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: a, namespace: shop}\n"
	 "spec: {addresses: [10.1.0.0/24]}\n",
	 "must be created in the metallb-system namespace"},
};

static void metallb_refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		void *fresh;
		struct world *w;

		world_setup(&fresh);
		w = fresh;
		if (rows[i].refused != NULL) {
			world_refuses(w, rows[i].yaml, rows[i].refused);
			assert_int_not_equal(w->err.text[0], '\0');
		} else {
			world_apply(w, rows[i].yaml);
		}
		world_teardown(&fresh);
	}
}

/* All objects are one unit: what is refused changes nothing, and says where it stands. */
static void what_is_refused_changes_nothing(void **state)
{
	struct world *w = *state;

	world_apply(w, POOL("a", "addresses: [10.1.0.0/24]"));
	world_service(w, "s", "", "");
	assert_string_equal(world_ingress(w, "s"), "10.1.0.0");
	world_refuses(w, POOL("a", "addresses: [10.2.0.0/24]") NEXT POOL("b", "addresses: [10.2.0.0/25]"), "overlaps");
	assert_string_equal(world_ingress(w, "s"), "10.1.0.0");
	world_apply(w, POOL("a", "addresses: [10.2.0.0/24]"));
	assert_string_equal(world_ingress(w, "s"), "10.2.0.0");
}

static void an_unknown_node_is_refused(void **state)
{
	world_refuses(*state, "apiVersion: v1\nkind: Node\nmetadata: {name: worker9}\n", "no node worker9");
}

/* What MetalLB accepts in silence is told (section 11.2). */
static void traps_are_told(void **state)
{
	struct world *w = *state;
	size_t n;
	const char *const *warnings;

	world_apply(w, PEER("p", EBGP ", holdTime: 0s") NEXT POOL("a", "addresses: [10.1.0.0/24]"));
	warnings = kube_warnings(w->cluster, &n);
	assert_int_equal(n, 2);
	assert_non_null(strstr(warnings[0], "hold time 0"));
	assert_non_null(strstr(warnings[1], "no BGPAdvertisement"));
	world_apply(w, ADV("v", "ipAddressPools: [b]"));
	warnings = kube_warnings(w->cluster, &n);
	assert_int_equal(n, 2);
	assert_non_null(strstr(warnings[1], "names the pool b"));
}

/* A cluster with more services than its networks have room for says so, and ends. */
static void full_networks_are_no_trap(void **state)
{
	struct world *w;
	struct kube_cluster_conf conf = {.metallb = KUBE_METALLB_NATIVE, .seed = 1};
	void *fresh;

	(void)state;
	world_setup(&fresh);
	w = fresh;
	kube_cluster_free(w->cluster);
	assert_int_equal(prefix_parse("10.244.0.0/16", &conf.pod_net), 0);
	assert_int_equal(prefix_parse("10.96.0.0/30", &conf.service_net), 0);
	w->cluster = kube_cluster_new(&conf);
	world_apply(w, POOL("a", "addresses: [10.1.0.0/24]"));
	for (unsigned int i = 0; i < 6; i++)
		world_service(w, arena_printf(&w->arena, "s%u", i), "", "");
	assert_non_null(strstr(world_pending(w, "s5"), "no clusterIP"));
	world_teardown(&fresh);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metallb_refuses),	     WORLD_TEST(what_is_refused_changes_nothing),
		WORLD_TEST(an_unknown_node_is_refused),	     WORLD_TEST(traps_are_told),
		cmocka_unit_test(full_networks_are_no_trap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
