/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens to addresses when Services, pools and namespaces change: METALLB.md sections 3.2, 3.6 and 3.7. */
#include "world.h"

#include <stdio.h>
#include <string.h>

#define ASK(text) "annotations: {metallb.io/loadBalancerIPs: '" text "'}"
#define SHARE(key) "annotations: {metallb.io/allow-shared-ip: " key "}"
#define BOTH "ipFamilies: [IPv4, IPv6], ipFamilyPolicy: "
#define POOL(name) "annotations: {metallb.io/address-pool: " name "}"

static void pending_with(struct world *w, const char *name, const char *words)
{
	assert_string_equal(world_ingress(w, name), "");
	if (strstr(world_pending(w, name), words) == NULL)
		fail_msg("%s is pending for \"%s\", not \"%s\"", name, world_pending(w, name), words);
}

static const char *pool_of(struct world *w, const char *name)
{
	return kube_service_find(w->cluster, NULL, name)->pool;
}

/* ---- Requests ---- */

static void requests_are_read_as_written(void **state)
{
	static const struct {
		const char *metadata, *spec, *ingress;
	} rows[] = {
		{ASK(" 1.2.3.1 "), "", "1.2.3.1"},
		{ASK("1.2.3.1,"), "", ""},
		{ASK(",1.2.3.1"), "", ""},
		{ASK("1.2.3.1 1.2.3.0"), "", ""},
		{ASK("1.2.3.1 please"), "", ""},
		{ASK("1.2.3.1,1000::,1000::1"), "", ""},
		{ASK("1.2.3.1/32"), "", ""},
		{ASK(" "), "", ""},
		/* an empty one is none */
		{ASK(""), "", "1.2.3.0"},
		{ASK(""), "loadBalancerIP: 1.2.3.1", "1.2.3.1"},
		{ASK("1.2.3.1"), "loadBalancerIP: ''", "1.2.3.1"},
		{"", "loadBalancerIP: please", ""},
		{POOL("''"), "", "1.2.3.0"},
		/* the new prefix wins, even when empty */
		{"annotations: {metallb.io/address-pool: '', metallb.universe.tf/address-pool: other}", "", "1.2.3.0"},
		{"annotations: {metallb.universe.tf/address-pool: other}", "", "5.5.5.0"},
		{"annotations: {metallb.universe.tf/loadBalancerIPs: 5.5.5.1}", "", "5.5.5.1"},
		{"annotations: {metallb.io/loadBalancerIPs: 5.5.5.1, metallb.io/address-pool: other}", "", "5.5.5.1"},
	};
	struct world *w = *state;

	world_pool(w, "pool", "1.2.3.0/31, '1000::/127'", "");
	world_pool(w, "other", "5.5.5.0/30", "autoAssign: false");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		world_service(w, "s", rows[i].metadata, rows[i].spec);
		if (strcmp(world_ingress(w, "s"), rows[i].ingress) != 0)
			fail_msg("row %zu: \"%s\" (%s)", i, world_ingress(w, "s"), world_pending(w, "s"));
		world_delete(w, KUBE_SERVICE, "s");
	}
}

/* A request that can't be read keeps the address only as long as the address itself is right. */
static void unreadable_requests_do_not_outlive_their_pool(void **state)
{
	struct world *w = *state;

	world_pool(w, "one", "1.1.1.0/30", "");
	world_pool(w, "two", "2.2.2.0/30", "");
	world_service(w, "s", POOL("two"), "");
	world_service(w, "s", ASK("please"), "");
	assert_string_equal(world_ingress(w, "s"), "2.2.2.0");
	world_delete(w, KUBE_IP_ADDRESS_POOL, "two");
	pending_with(w, "s", "can't be read");
	assert_string_equal(world_reason(w, "worker1", "s"), "noIPAllocated");
	world_service(w, "s", "", "");
	assert_string_equal(world_ingress(w, "s"), "1.1.1.0");
}

static void the_second_asker_waits(void **state)
{
	struct world *w = *state;

	world_pool(w, "pool", "1.2.3.0/30", "");
	world_service(w, "a", ASK("1.2.3.2"), "");
	world_service(w, "b", ASK("1.2.3.2"), "");
	pending_with(w, "b", "used by another");
	/* the first one moves, and what it leaves is had at once; it stands first in the order of work */
	world_service(w, "a", ASK("1.2.3.3"), "");
	assert_string_equal(world_ingress(w, "a"), "1.2.3.3");
	assert_string_equal(world_ingress(w, "b"), "1.2.3.2");
	/* one that asks for what another gives up later in the same round */
	world_applyf(w, "%s---\n%s",
		     "apiVersion: v1\nkind: Service\nmetadata: {name: a, " ASK(
			     "1.2.3.2") "}\n"
					"spec: {type: LoadBalancer, ports: [{port: 80}]}\n",
		     "apiVersion: v1\nkind: Service\nmetadata: {name: b, " ASK(
			     "1.2.3.1") "}\n"
					"spec: {type: LoadBalancer, ports: [{port: 80}]}\n");
	assert_string_equal(world_ingress(w, "a"), "1.2.3.2");
	assert_string_equal(world_ingress(w, "b"), "1.2.3.1");
	/* one that asks for a taken address has lost its own */
	world_service(w, "a", ASK("1.2.3.1"), "");
	pending_with(w, "a", "used by another");
}

static void not_yet(struct world *w, const char *name)
{
	world_applyf(w, "apiVersion: v1\nkind: Service\nmetadata: {name: %s}\nspec: {ports: [{port: 80}]}\n", name);
}

/* When a pool moves, those that had an address there get the new ones before those that wait, whichever is older. */
static void those_with_addresses_come_first(void **state)
{
	struct world *w = *state;

	world_pool(w, "pool", "1.2.3.4/32", "");
	not_yet(w, "a");
	world_service(w, "b", "", "");
	world_service(w, "a", "", "");
	pending_with(w, "a", "no available IPs");
	world_pool(w, "pool", "9.9.9.9/32", "");
	assert_string_equal(world_ingress(w, "b"), "9.9.9.9");
	pending_with(w, "a", "no available IPs");
	world_pool(w, "pool", "9.9.9.9/32, 1.2.3.4/32", "");
	assert_string_equal(world_ingress(w, "a"), "1.2.3.4");
}

/* What is freed is offered to all, also to one that has been looked at and has an address. */
static void what_is_freed_is_offered_to_all(void **state)
{
	struct world *w = *state;

	world_pool(w, "pool", "1.2.3.0/31, '1000::/128'", "");
	world_pool(w, "other", "'2000::/128'", "autoAssign: false");
	not_yet(w, "a");
	world_service(w, "b", "", "ipFamilies: [IPv6]");
	world_service(w, "a", "", BOTH "PreferDualStack");
	assert_string_equal(world_ingress(w, "a"), "1.2.3.0");
	world_service(w, "b", POOL("other"), "ipFamilies: [IPv6]");
	assert_string_equal(world_ingress(w, "b"), "2000::");
	assert_string_equal(world_ingress(w, "a"), "1.2.3.0 1000::");
}

/* ---- Sharing ---- */

static void automatic_sharing_takes_the_lowest(void **state)
{
	struct world *w = *state;

	world_pool(w, "pool", "1.2.3.0/30", "");
	world_service(w, "a", "", "");
	world_service(w, "b", SHARE("k"), "ports: [{port: 53, protocol: UDP}]");
	world_service(w, "c", SHARE("k"), "ports: [{port: 53}]");
	assert_string_equal(world_ingress(w, "b"), "1.2.3.1");
	assert_string_equal(world_ingress(w, "c"), "1.2.3.1"); /* TCP and UDP do not meet */
	world_service(w, "d", SHARE("k"), "ports: [{port: 53}]");
	assert_string_equal(world_ingress(w, "d"), "1.2.3.2"); /* TCP and TCP do */
	/* a lower free address comes before a higher shared one */
	world_delete(w, KUBE_SERVICE, "a");
	world_service(w, "e", SHARE("k"), "ports: [{port: 8080}]");
	assert_string_equal(world_ingress(w, "e"), "1.2.3.0");
	/* the last of them frees it */
	world_delete(w, KUBE_SERVICE, "b");
	world_service(w, "f", ASK("1.2.3.1"), "");
	pending_with(w, "f", "used by another");
	world_delete(w, KUBE_SERVICE, "c");
	assert_string_equal(world_ingress(w, "f"), "1.2.3.1");
}

/* Two that share change their key at once: the first to be looked at meets the other's old key and goes, then the other is
 * alone and may change in place. */
static void keys_count_as_they_were(void **state)
{
	struct world *w = *state;

	world_pool(w, "pool", "1.2.3.0/30", "");
	world_service(w, "a", SHARE("k"), "");
	world_service(w, "b", SHARE("k"), "ports: [{port: 443}]");
	assert_string_equal(world_ingress(w, "b"), "1.2.3.0");
	world_applyf(w, "%s---\n%s",
		     "apiVersion: v1\nkind: Service\nmetadata: {name: a, " SHARE(
			     "new") "}\n"
				    "spec: {type: LoadBalancer, ports: [{port: 80}]}\n",
		     "apiVersion: v1\nkind: Service\nmetadata: {name: b, " SHARE(
			     "new") "}\n"
				    "spec: {type: LoadBalancer, ports: [{port: 443}]}\n");
	assert_string_equal(world_ingress(w, "a"), "1.2.3.1");
	assert_string_equal(world_ingress(w, "b"), "1.2.3.0");
}

/* One whose port comes to meet another's goes, not the other; in whichever order they stand. */
static void ports_count_as_they_were(void **state)
{
	struct world *w = *state;

	world_pool(w, "pool", "1.2.3.0/30", "");
	world_service(w, "a", SHARE("k"), "");
	world_service(w, "b", SHARE("k"), "ports: [{port: 443}]");
	world_service(w, "b", SHARE("k"), "");
	assert_string_equal(world_ingress(w, "a"), "1.2.3.0");
	assert_string_equal(world_ingress(w, "b"), "1.2.3.1");
	world_service(w, "b", SHARE("k") ", labels: {x: y}", "ports: [{port: 443}]");
	assert_string_equal(world_ingress(w, "b"), "1.2.3.1"); /* it keeps what it has */
	world_service(w, "a", SHARE("k"), "ports: [{port: 443}]");
	assert_string_equal(world_ingress(w, "a"), "1.2.3.0");
}

/* ---- Families ---- */

static void families_follow_the_cluster_ips(void **state)
{
	struct world *w = *state;

	world_pool(w, "pool", "1.2.3.0/31, '1000::/127'", "");
	world_service(w, "s", "", BOTH "PreferDualStack");
	assert_string_equal(world_ingress(w, "s"), "1.2.3.0 1000::");
	world_service(w, "s", "", "ipFamilies: [IPv6], ipFamilyPolicy: SingleStack");
	assert_string_equal(world_ingress(w, "s"), "1000::");
	world_service(w, "s", "", BOTH "PreferDualStack");
	assert_string_equal(world_ingress(w, "s"), "1.2.3.0 1000::");
	world_service(w, "s", "", "");
	assert_string_equal(world_ingress(w, "s"), "1.2.3.0");
	/* one address is not enough for who requires two */
	world_pool(w, "pool", "1.2.3.0/31", "");
	world_service(w, "s", "", BOTH "PreferDualStack");
	assert_string_equal(world_ingress(w, "s"), "1.2.3.0");
	world_service(w, "s", "", BOTH "RequireDualStack");
	pending_with(w, "s", "no available IPs");
	world_pool(w, "more", "9.9.9.0/30, '2000::/127'", "");
	assert_string_equal(world_ingress(w, "s"), "9.9.9.0 2000::");
}

/* A13 to A15: a pool of both families, else the primary one, else the other. */
static void dual_stack_prefers_a_dual_pool(void **state)
{
	struct world *w = *state;

	world_pool(w, "six", "'1000::/127'", "");
	world_service(w, "s", "", BOTH "PreferDualStack");
	assert_string_equal(world_ingress(w, "s"), "1000::"); /* better than none */
	world_delete(w, KUBE_SERVICE, "s");
	world_pool(w, "four", "1.2.3.0/31", "");
	world_service(w, "s", "", BOTH "PreferDualStack");
	assert_string_equal(world_ingress(w, "s"), "1.2.3.0");
	world_service(w, "t", "", "ipFamilies: [IPv6, IPv4], ipFamilyPolicy: PreferDualStack");
	assert_string_equal(world_ingress(w, "t"), "1000::");
	world_pool(w, "zwei", "7.7.7.0/31, '7000::/127'", "");
	world_service(w, "u", "", BOTH "PreferDualStack");
	assert_string_equal(world_ingress(w, "u"), "7.7.7.0 7000::");
	/* a pinned pool of one family comes before a general one of both */
	world_pool(w, "mine", "8.8.8.0/31", "serviceAllocation: {namespaces: [default]}");
	world_service(w, "v", "", BOTH "PreferDualStack");
	assert_string_equal(world_ingress(w, "v"), "8.8.8.0");
}

/* ---- Pools ---- */

static void pools_are_renamed_and_split(void **state)
{
	struct world *w = *state;

	world_pool(w, "test", "1.2.3.0/30", "");
	world_service(w, "a", "", "");
	world_service(w, "b", ASK("1.2.3.2"), "");
	assert_string_equal(pool_of(w, "a"), "test");
	/* by deletion and creation in one go, as kubectl apply --prune does */
	world_pool(w, "test", "9.9.9.0/32", "");
	world_pool(w, "left", "1.2.3.0/31", "");
	world_pool(w, "right", "1.2.3.2/31", "");
	assert_string_equal(world_ingress(w, "b"), "1.2.3.2");
	assert_string_equal(pool_of(w, "b"), "right");
	/* one that fills the only address left, and the other's request */
	assert_string_equal(world_ingress(w, "a"), "9.9.9.0");
}

/* The lowest pool that is full must not end the search; the annotation does. */
static void a_full_pool_is_left(void **state)
{
	struct world *w = *state;

	world_pool(w, "one", "1.1.1.1/32", "");
	world_pool(w, "two", "2.2.2.2/32", "");
	world_service(w, "a", "", "");
	world_service(w, "b", "", "");
	assert_string_equal(world_ingress(w, "b"), "2.2.2.2");
	/* a changed annotation costs the old address even when the new pool is full */
	world_service(w, "b", POOL("one"), "");
	pending_with(w, "b", "no available IPs in the annotated pool");
	world_service(w, "c", "", "");
	assert_string_equal(world_ingress(w, "c"), "2.2.2.2");
	world_delete(w, KUBE_SERVICE, "a");
	assert_string_equal(world_ingress(w, "b"), "1.1.1.1");
}

static void pinned_pools_have_an_order(void **state)
{
	struct world *w = *state;

	world_pool(w, "general", "20.0.0.0/30", "");
	world_pool(w, "zeta", "10.1.0.0/30", "serviceAllocation: {namespaces: [default]}");
	world_pool(w, "alpha", "10.2.0.0/30", "serviceAllocation: {namespaces: [default]}");
	world_service(w, "a", "", "");
	assert_string_equal(world_ingress(w, "a"), "10.2.0.0"); /* ties go by name */
	/* a stanza that restricts nothing is for everybody; 0 is the last priority, whatever the name */
	world_pool(w, "zz", "10.3.0.0/30", "serviceAllocation: {priority: 100}");
	world_service(w, "b", "", "");
	assert_string_equal(world_ingress(w, "b"), "10.3.0.0");
	world_service(w, "c", "namespace: shop", "");
	assert_string_equal(world_ingress(w, "shop/c"), "10.3.0.1");
	world_pool(w, "zzz", "10.4.0.0/30", "serviceAllocation: {priority: 99}, autoAssign: false");
	world_service(w, "d", "", "");
	assert_string_equal(world_ingress(w, "d"), "10.3.0.2");
}

/* The API server labels every namespace with its name, and some are always there. */
static void namespaces_have_a_label_of_their_own(void **state)
{
	struct world *w = *state;

	world_pool(w, "general", "20.0.0.0/30", "");
	world_pool(w, "pool", "10.1.0.0/30",
		   "serviceAllocation: {namespaceSelectors: [{matchLabels: {kubernetes.io/metadata.name: shop}}]}");
	world_service(w, "a", "namespace: shop", "");
	assert_string_equal(world_ingress(w, "shop/a"), "10.1.0.0");
	world_apply(w, "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {tier: x}}\n");
	world_service(w, "b", "namespace: shop", "");
	assert_string_equal(world_ingress(w, "shop/b"), "10.1.0.1");
	world_service(w, "c", "", "");
	assert_string_equal(world_ingress(w, "c"), "20.0.0.0");
	world_service(w, "d", ASK("10.1.0.2"), "");
	pending_with(w, "d", "not for this service");
}

/* METALLB.md section 2.1, notes: selectors that find no namespace leave a pool that nobody gets and everybody may ask for. */
static void selectors_without_namespaces_restrict_nothing(void **state)
{
	struct world *w = *state;

	world_pool(w, "pool", "10.1.0.0/30",
		   "serviceAllocation: {namespaceSelectors: [{matchLabels: {tier: nobody}}]}");
	world_service(w, "a", "", "");
	pending_with(w, "a", "no available IPs");
	world_service(w, "a", ASK("10.1.0.1"), "");
	assert_string_equal(world_ingress(w, "a"), "10.1.0.1");
	world_service(w, "b", POOL("pool"), "");
	assert_string_equal(world_ingress(w, "b"), "10.1.0.0");
	/* until there is such a namespace: then those without it must go */
	world_apply(w, "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {tier: nobody}}\n");
	pending_with(w, "a", "not for this service");
	pending_with(w, "b", "not for this service");
}

/* ---- MetalLB before 0.14 ---- */

#define LEGACY(pools) "configInline:\n  address-pools:\n" pools
#define LEGACY_POOL(name, addresses) "  - {name: " name ", protocol: bgp, addresses: [" addresses "]}\n"

static void old_versions_keep_what_is_used(void **state)
{
	struct world *w = *state;

	world_apply(w, LEGACY(LEGACY_POOL("one", "1.1.1.0/30")));
	world_service(w, "a", "", "");
	assert_string_equal(world_ingress(w, "a"), "1.1.1.0");
	world_refuses(w, LEGACY(LEGACY_POOL("one", "2.2.2.0/30")),
		      ":2:3: the new configuration has no room for 1.1.1.0");
	world_refuses(w, LEGACY("  - {name: one, protocol: bgp, addresses: [1.1.1.0/30], avoid-buggy-ips: true}\n"),
		      "no room for 1.1.1.0, which service default/a holds");
	assert_int_not_equal(kube_delete(w->cluster, KUBE_LEGACY_CONFIG, NULL, "config", &w->err), 0);
	assert_string_equal(world_ingress(w, "a"), "1.1.1.0");
	/* another name, a wider range: it is still covered */
	world_apply(w, LEGACY(LEGACY_POOL("two", "1.1.1.0/24")));
	assert_string_equal(pool_of(w, "a"), "two");
	world_delete(w, KUBE_SERVICE, "a");
	world_apply(w, LEGACY(LEGACY_POOL("one", "2.2.2.0/30")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(requests_are_read_as_written),
		WORLD_TEST(unreadable_requests_do_not_outlive_their_pool),
		WORLD_TEST(the_second_asker_waits),
		WORLD_TEST(those_with_addresses_come_first),
		WORLD_TEST(what_is_freed_is_offered_to_all),
		WORLD_TEST(automatic_sharing_takes_the_lowest),
		WORLD_TEST(keys_count_as_they_were),
		WORLD_TEST(ports_count_as_they_were),
		WORLD_TEST(families_follow_the_cluster_ips),
		WORLD_TEST(dual_stack_prefers_a_dual_pool),
		WORLD_TEST(pools_are_renamed_and_split),
		WORLD_TEST(a_full_pool_is_left),
		WORLD_TEST(pinned_pools_have_an_order),
		WORLD_TEST(namespaces_have_a_label_of_their_own),
		WORLD_TEST(selectors_without_namespaces_restrict_nothing),
		WORLD_TEST_LEGACY(old_versions_keep_what_is_used),
	};

	return cmocka_run_group_tests_name("alloc_changes", tests, NULL, NULL);
}
