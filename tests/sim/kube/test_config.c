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
	{POOL("a", "addresses: [10.1.0.0/24]") NEXT POOL("b", "addresses: [10.0.0.0/8]"),
	 "10.0.0.0/8 in pool b overlaps 10.1.0.0/24 in pool a"},
	{POOL("a", "addresses: [10.0.0.0/8]") NEXT POOL("b", "addresses: [10.1.0.0/24]"),
	 "10.1.0.0/24 in pool b overlaps 10.0.0.0/8 in pool a"},
	/* another prefix stands between the two in order of address */
	{POOL("a", "addresses: [10.0.0.0/8]") NEXT POOL("b", "addresses: [9.0.0.0/8, 11.0.0.0/8, 10.255.255.255/32]"),
	 "10.255.255.255/32 in pool b overlaps 10.0.0.0/8 in pool a"},
	{POOL("a", "addresses: [10.1.0.0/24, 10.1.0.0/24]"), "overlaps"},
	{POOL("a", "addresses: ['::/0', 0.0.0.0/0]"), NULL}, /* families are apart */
	{POOL("a", "addresses: [10.1.0.77/24]") NEXT POOL("b", "addresses: [10.1.0.1/32]"), "overlaps"},
	{POOL("a", "addresses: [10.1.0.1-10.1.0.1]"), NULL},
	{POOL("a", "addresses: []"), "pool a has no addresses"},
	{POOL("a", "addresses: [10.1.0.0/24], serviceAllocation: {namespaces: [x, x]}"), "duplicate"},
	/* peers */
	{PEER("p", EBGP), NULL},
	{PEER("p", "myASN: 0, peerASN: 11000, peerAddress: 10.0.0.1"), "missing local ASN"},
	{PEER("p", "myASN: 1, peerASN: 1, peerAddress: 10.0.0.1, ebgpMultiHop: true"), "ebgpMultiHop"},
	{PEER("p", EBGP ", holdTime: 2s"), "invalid hold time"},
	{PEER("p", EBGP ", holdTime: 500ms"), NULL}, /* cut to 0 */
	{PEER("p", EBGP ", holdTime: 3s"), NULL},
	{PEER("p", EBGP ", holdTime: 2999ms"), "invalid hold time"},
	{PEER("p", EBGP ", holdTime: 0s"), NULL},
	{PEER("p", EBGP ", holdTime: 0s, keepaliveTime: 0s"), NULL},
	{PEER("p", "myASN: 1, peerAddress: 10.0.0.1"), "missing peer ASN"},
	{PEER("p", "myASN: 1, peerASN: 2"), "missing peer address"},
	{PEER("p", "myASN: 1, peerASN: 2, ebgpMultiHop: true, peerAddress: 10.0.0.1"), NULL},
	{PEER("p", "myASN: 1, peerASN: 1, peerAddress: 10.0.0.1"), NULL},
	{PEER("p", EBGP ", routerID: 'fd00::1'"), "invalid router ID"},
	{PEER("p", EBGP ", localASN: 3"), "localASN is not supported"},
	{PEER("p", EBGP ", connectTime: 5s"), "connectTime is not supported"},
	{PEER("p", EBGP ", enableGracefulRestart: true"), "enableGracefulRestart is not supported"},
	{PEER("p", EBGP ", enableGracefulRestart: false"), NULL},
	{PEER("p", EBGP ", disableMP: true"), "disableMP is not supported"},
	{PEER("p", EBGP ", dualStackAddressFamily: true"), "dualStackAddressFamily is not supported"},
	{PEER("p", "myASN: 1, dynamicASN: external, peerAddress: 10.0.0.1"), "dynamicASN is not supported"},
	{PEER("p", "myASN: 1, peerASN: 2, interface: eth0"), "interface is not supported"},
	{PEER("p", EBGP ", keepaliveTime: 5s"), "keepaliveTime"},
	{PEER("p", EBGP ", bfdProfile: fast"), "bfdProfile"},
	{PEER("p", EBGP ", vrf: red"), "vrf"},
	{PEER("p", EBGP ", routerID: 10.10.10.1"), NULL},
	{PEER("p", EBGP) NEXT PEER("q", EBGP), NULL}, /* the native mode allows one address twice */
						      /* selectors in which something stands twice, section 2.0 */
#define SELECT(field, list) field ": [" list "]"
#define SAME "duplicate definition of "
#define EXPRESSION(key, values) "{key: " key ", operator: In, values: [" values "]}"
	{PEER("p", EBGP ", " SELECT("nodeSelectors", "{matchLabels: {a: b}}, {matchLabels: {a: c}}")), NULL},
	{PEER("p", EBGP ", " SELECT("nodeSelectors", "{matchLabels: {a: b}}, {matchLabels: {a: b}}")),
	 SAME "nodeSelectors"},
	{PEER("p", EBGP ", " SELECT("nodeSelectors", "{matchLabels: {a: b, c: d}}, {matchLabels: {c: d, a: b}}")),
	 SAME "nodeSelectors"},
	{PEER("p", EBGP ", " SELECT("nodeSelectors", "{matchExpressions: [" EXPRESSION("k", "a, b, a") "]}")),
	 SAME "a value in matchExpressions: a"},
	{PEER("p", EBGP ", " SELECT("nodeSelectors",
				    "{matchExpressions: [" EXPRESSION("k", "a, b") ", " EXPRESSION("k", "b, a") "]}")),
	 SAME "matchExpressions in nodeSelectors"},
	{PEER("p", EBGP ", " SELECT("nodeSelectors",
				    "{matchExpressions: [" EXPRESSION("k", "a, b") ", " EXPRESSION("l", "b, a") "]}")),
	 NULL},
	{PEER("p", EBGP
	      ", " SELECT("nodeSelectors", "{matchExpressions: [" EXPRESSION(
						   "k", "a, b") "]}, "
								"{matchExpressions: [" EXPRESSION("k", "b, a") "]}")),
	 SAME "nodeSelectors"},
	{PEER("p",
	      EBGP ", " SELECT("nodeSelectors", "{matchExpressions: [{key: k, operator: Exists}, {key: k, operator: "
						"DoesNotExist}]}")),
	 NULL}, /* it finds nobody, but that is its own affair */
	{ADV("a", SELECT("nodeSelectors", "{}, {}")), SAME "nodeSelectors"},
	{ADV("a", SELECT("ipAddressPoolSelectors", "{}, {}")), SAME "ipAddressPoolSelectors"},
	{ADV("a", SELECT("serviceSelectors", "{}, {}")), SAME "serviceSelectors"},
	{ADV("a", SELECT("serviceSelectors", "{}, {matchLabels: {a: b}}")), NULL},
	{POOL("a", "addresses: [10.1.0.0/24], serviceAllocation: {namespaceSelectors: [{}, {}]}"),
	 SAME "namespaceSelectors"},
	{POOL("a", "addresses: [10.1.0.0/24], serviceAllocation: {serviceSelectors: [{}, {}]}"),
	 SAME "serviceSelectors"},
	/* communities; W07, W08, W09 */
	{ADV("a", "communities: ['99999999:1']"), "invalid section"},
	{ADV("a", "communities: ['1:2', '3:65535']"), NULL},
	{ADV("a", "communities: ['1:99999999999999999999999']"), "invalid section"},
	{ADV("a", "communities: ['65536:1']"), "invalid section"},
	{ADV("a", "communities: ['1:65536']"), "invalid section"},
	{ADV("a", "communities: ['00001:0000000000002']"), NULL},
	{ADV("a", "communities: ['1:']"), "neither"},
	{ADV("a", "communities: ['1: 2']"), "neither"},
	{ADV("a", "communities: ['0x1:2']"), "neither"},
	{ADV("a", "communities: [no-export]"), "neither"},
	{ADV("a", "communities: ['large:1:2:3']"), "large community"},
	{ADV("a", "communities: ['lar:123:9999:123']"), "expected large"},
	{ADV("a", "communities: ['1:2:3']"), "neither"},
	{ADV("a", "communities: ['+1:2']"), "neither"},
	{ADV("a", "communities: [nobody]"), "neither A:B nor an alias"},
	{ADV("a", "communities: ['1:2', '1:2']"), "duplicate"},
	{COMMUNITY("c", "{name: x, value: '1:2'}, {name: x, value: '1:3'}"), "duplicate community alias"},
	{COMMUNITY("c", "{name: x, value: '1:2'}") NEXT COMMUNITY("d", "{name: x, value: '1:3'}"),
	 "duplicate community alias"},
	{COMMUNITY("c", "{name: x, value: '70000:2'}"), "70000:2: invalid section"},
	{COMMUNITY("c", "{name: x, value: 'large:1:2:3'}"), "large community"},
	{COMMUNITY("c", "{name: x, value: 'lar:1:2:3'}"), "expected large"},
	{COMMUNITY("c", "{name: x, value: y}, {name: y, value: '1:2'}"), "neither"}, /* no alias of an alias */
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

#define ONE_POOL POOL("a", "addresses: [10.1.0.0/24]")
#define ONE_NODE(name) "apiVersion: v1\nkind: Node\nmetadata: {name: " name ", labels: {" EXCLUDE ": ''}}\n"
#define EXCLUDE "node.kubernetes.io/exclude-from-external-load-balancers"

/* What MetalLB accepts in silence is told (section 11.2). */
static const struct {
	const char *yaml;
	const char *told[3]; /* words of each warning, in order */
} traps[] = {
	{ONE_POOL NEXT PEER("p", EBGP) NEXT ADV("v", ""), {NULL}},
	{ONE_POOL, {"no BGPAdvertisement"}},
	{PEER("p", EBGP ", holdTime: 0s"), {"peer p has hold time 0"}},
	{"apiVersion: metallb.io/v1beta1\nkind: BGPPeer\n" METALLB "p}\nspec: {" EBGP "}\n",
	 {"peer p has hold time 0"}},
	{PEER("p", EBGP ", ebgpMultiHop: true"), {"ebgpMultiHop of BGP peer p"}},
	{PEER("p", EBGP) NEXT PEER("q", EBGP), {"peers p and q have the same address"}},
	{ONE_POOL NEXT ADV("v", "ipAddressPools: [b]"), {"names the pool b"}},
	{ONE_POOL NEXT PEER("p", EBGP) NEXT ADV("v", "peers: [p, q]"), {"names the peer q"}},
	{ONE_POOL NEXT PEER("p", EBGP) NEXT ADV("v", "localPref: 5"), {"localPref of advertisement v"}},
	{ONE_POOL NEXT PEER("p", "myASN: 1, peerASN: 1, peerAddress: 10.0.0.1") NEXT ADV("v", "localPref: 5"), {NULL}},
	{POOL("a", "addresses: [10.0.0.50-10.0.0.52]") NEXT ADV("v", ""),
	 {"pool a holds the address of node worker1", "node worker2"}},
	{ONE_POOL NEXT ADV("v", "aggregationLength: 24") NEXT
	 "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n"
	 "spec: {type: LoadBalancer, externalTrafficPolicy: Local, ports: [{port: 80}]}\n",
	 {"service s has externalTrafficPolicy Local"}},
	{ONE_POOL NEXT ADV("v", "aggregationLength: 24") NEXT
	 "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {type: LoadBalancer, ports: [{port: 80}]}\n",
	 {NULL}},
	{ONE_NODE("worker1") NEXT ONE_NODE("worker2"), {NULL}},
	{ONE_NODE("worker1") NEXT ONE_NODE("worker2") NEXT ONE_NODE("worker3"), {"every worker has the label"}},
};

/* 63 times 4 bytes and no more is what one byte of length holds; an alias and its literal are one. */
static void communities_have_a_limit(void **state)
{
	struct world *w = *state;
	char list[2048] = "x, ";

	world_apply(w, COMMUNITY("c", "{name: x, value: '1:1'}"));
	for (int i = 1; i <= 63; i++)
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s'1:%d'", i > 1 ? ", " : "", i);
	world_applyf(w, ADV("a", "communities: [%s]"), list);
	world_refuses(w, arena_printf(&w->arena, ADV("a", "communities: [%s, '2:2']"), list), "64 communities");
}

/* So many prefixes that comparing any two of them would be a matter of seconds. */
static void many_pools_are_checked_in_time(void **state)
{
	struct world *w = *state;
	size_t len = 0, room = 1 << 20;
	char *text = arena_alloc(&w->arena, room);

	for (unsigned int i = 0; i < 256; i++)
		len += (size_t)snprintf(text + len, room - len,
					"%s" POOL("p%u",
						  "addresses: [10.%u.0.1-10.%u.63.254, 10.%u.64.1-10.%u.127.254, "
						  "10.%u.128.1-10.%u.191.254]"),
					i > 0 ? NEXT : "", i, i, i, i, i, i, i);
	world_apply(w, text);
	(void)snprintf(text + len, room - len, "%s", NEXT POOL("q", "addresses: [10.255.100.0/24]"));
	world_refuses(w, text, "10.255.100.0/24 in pool q overlaps 10.255.96.0/20 in pool p255");
}

static void traps_are_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(traps) / sizeof(traps[0]); i++) {
		void *fresh;
		struct world *w;
		const char *const *warnings;
		size_t n, wanted = 0;

		world_setup(&fresh);
		w = fresh;
		world_apply(w, traps[i].yaml);
		warnings = kube_warnings(w->cluster, &n);
		while (wanted < 3 && traps[i].told[wanted] != NULL)
			wanted++;
		if (n != wanted)
			fail_msg("row %zu: %zu warnings: %s", i, n, n > 0 ? warnings[0] : "");
		for (size_t k = 0; k < n; k++) {
			if (strstr(warnings[k], traps[i].told[k]) == NULL)
				fail_msg("row %zu: %s", i, warnings[k]);
		}
		world_teardown(&fresh);
	}
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
		WORLD_TEST(communities_have_a_limit),	     WORLD_TEST(many_pools_are_checked_in_time),
		WORLD_TEST(an_unknown_node_is_refused),	     cmocka_unit_test(traps_are_told),
		cmocka_unit_test(full_networks_are_no_trap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
