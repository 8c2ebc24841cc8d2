/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What MetalLB's FRR mode accepts and refuses (METALLB.md sections 2.2, 2.5, 2.9), and what its sessions have. */
#include "instant.h"
#include "world.h"

#include <string.h>

#define METALLB "metadata: {namespace: metallb-system, name: "
#define POOL(name, spec) "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\n" METALLB name "}\nspec: {" spec "}\n"
#define PEER(name, spec) "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n" METALLB name "}\nspec: {" spec "}\n"
#define ADV(name, spec) "apiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n" METALLB name "}\nspec: {" spec "}\n"
#define BFD(name, spec) "apiVersion: metallb.io/v1beta1\nkind: BFDProfile\n" METALLB name "}\nspec: {" spec "}\n"
#define COMMUNITY(name, list)                                                                                          \
	"apiVersion: metallb.io/v1beta1\nkind: Community\n" METALLB name "}\nspec: {communities: [" list "]}\n"
#define EXTRAS(namespace)                                                                                              \
	"apiVersion: v1\nkind: ConfigMap\nmetadata: {namespace: " namespace ", name: bgpextras}\ndata: {extras: x}\n"
#define NEXT "---\n"
#define EBGP "myASN: 22000, peerASN: 11000, peerAddress: 10.0.0.1"
#define OTHER "myASN: 22000, peerASN: 11000, peerAddress: 10.0.0.2"
#define ON(node) ", nodeSelectors: [{matchLabels: {kubernetes.io/hostname: " node "}}]"

static const struct {
	const char *yaml;
	const char *refused; /* words of the refusal; NULL: accepted */
} rows[] = {
	/* what the native mode refuses */
	{PEER("p", EBGP ", localASN: 3"), NULL},
	{PEER("p", EBGP ", connectTime: 5s"), NULL},
	{PEER("p", EBGP ", enableGracefulRestart: true"), NULL},
	{PEER("p", EBGP ", disableMP: true"), NULL},
	{PEER("p", EBGP ", dualStackAddressFamily: true"), NULL},
	{PEER("p", EBGP ", keepaliveTime: 5s"), NULL},
	{PEER("p", EBGP ", keepaliveTime: 5s, holdTime: 4s"), "keepalive time is longer"},
	{POOL("a", "addresses: ['fd00::/120']") NEXT ADV("v", "ipAddressPools: [a]"), NULL},
	/* large communities, B22 */
	{ADV("a", "communities: ['large:123:456:7890', '1:2', 'large:0:00:4294967295']"), NULL},
	{COMMUNITY("c", "{name: x, value: 'large:1:2:3'}") NEXT ADV("a", "communities: [x]"), NULL},
	{ADV("a", "communities: ['large:1:2:4294967296']"), "invalid section, 0 to 4294967295"},
	{ADV("a", "communities: ['large:1:2:99999999999999999999999']"), "invalid section"},
	{ADV("a", "communities: ['large:1:2']"), "neither"},
	{ADV("a", "communities: ['large:1:2:3:4']"), "neither"},
	{ADV("a", "communities: ['large:1:2:']"), "neither"},
	{ADV("a", "communities: ['large:1:x:3']"), "neither"},
	{ADV("a", "communities: ['lar:1:2:3']"), "expected large"},
	{ADV("a", "communities: ['65536:1']"), "invalid section, 0 to 65535"},
	/* LOCAL_PREFs of a pool clash where a family's prefixes are the same */
	{POOL("a", "addresses: ['fd00::/120']") NEXT ADV("v", "localPref: 1")
		 NEXT ADV("w", "localPref: 2, aggregationLengthV6: 120"),
	 NULL},
	{POOL("a", "addresses: ['fd00::/120']") NEXT ADV("v", "localPref: 1")
		 NEXT ADV("w", "localPref: 2, aggregationLength: 24"),
	 "different localPref"},
	{POOL("a", "addresses: [10.1.0.0/24, 'fd00::/120']") NEXT ADV("v", "localPref: 1")
		 NEXT ADV("w", "localPref: 2, aggregationLength: 24"),
	 "different localPref"},
	{POOL("a", "addresses: [10.1.0.0/24, 'fd00::/120']") NEXT ADV("v", "localPref: 1")
		 NEXT ADV("w", "localPref: 2, aggregationLength: 24, aggregationLengthV6: 120"),
	 NULL},
	/* whose network the lab has not */
	{PEER("p", EBGP ", vrf: red"), "does not model vrf"},
	{PEER("p", "myASN: 1, peerASN: 2, interface: eth0"), "does not model interface"},
	/* dynamicASN */
	{PEER("p", "myASN: 1, dynamicASN: external, peerAddress: 10.0.0.1"), NULL},
	{PEER("p", "myASN: 1, dynamicASN: internal, peerAddress: 10.0.0.1"), NULL},
	{PEER("p", EBGP ", dynamicASN: external"), "peerASN and dynamicASN exclude each other"},
	{PEER("p", "myASN: 1, peerAddress: 10.0.0.1"), "missing peer ASN"},
	{PEER("p", "myASN: 1, dynamicASN: internal, ebgpMultiHop: true, peerAddress: 10.0.0.1"), "ebgpMultiHop"},
	/* profiles */
	{BFD("fast", ""), NULL},
	{BFD("fast", "") NEXT PEER("p", EBGP ", bfdProfile: fast"), NULL},
	{PEER("p", EBGP ", bfdProfile: fast") NEXT BFD("fast", ""), NULL},
	{PEER("p", EBGP ", bfdProfile: fast"), "there is no BFD profile fast"},
	{BFD("fast", "") NEXT PEER("p", EBGP ", bfdProfile: fats"), "there is no BFD profile fats"},
	{"apiVersion: metallb.io/v1beta1\nkind: BFDProfile\nmetadata: {namespace: shop, name: b}\nspec: {}\n",
	 "must be created in the metallb-system namespace"},
	{BFD("b", "echoMode: true") NEXT PEER("p", EBGP ", bfdProfile: b") NEXT POOL("a", "addresses: ['fd00::/120']")
		 NEXT ADV("v", "ipAddressPools: [a]"),
	 "has echoMode"},
	{BFD("b", "echoMode: true") NEXT PEER("p", EBGP ", bfdProfile: b") NEXT PEER("q", OTHER)
		 NEXT POOL("a", "addresses: ['fd00::/120']") NEXT ADV("v", "peers: [q]"),
	 NULL},
	{BFD("b", "echoMode: true") NEXT PEER("p", EBGP ", bfdProfile: b") NEXT POOL("a", "addresses: [10.1.0.0/24]")
		 NEXT ADV("v", ""),
	 NULL},
	/* what is appended to FRR's configuration */
	{EXTRAS("metallb-system"), NULL},
	{EXTRAS("shop"), "must be created in the metallb-system namespace"},
	/* two peers of one FRR */
	{PEER("p", EBGP) NEXT PEER("q", EBGP), "p and q have the same address on one node"},
	{PEER("p", EBGP) NEXT PEER("q", OTHER), NULL},
	{PEER("p", EBGP ON("worker1")) NEXT PEER("q", EBGP ON("worker2")), NULL},
	{PEER("p", EBGP ON("worker1")) NEXT PEER("q", EBGP), "the same address"},
	{PEER("p", EBGP ON("control-plane")) NEXT PEER("q", EBGP ON("control-plane")), NULL},
	{PEER("p", EBGP ", routerID: 10.1.1.1") NEXT PEER("q", OTHER), "different router IDs"},
	{PEER("p", EBGP ", routerID: 10.1.1.1") NEXT PEER("q", OTHER ", routerID: 10.1.1.1"), NULL},
	{PEER("p", EBGP) NEXT PEER("q", "myASN: 7, peerASN: 11000, peerAddress: 10.0.0.2"), "different myASNs"},
};

static void metallb_refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		void *fresh;
		struct world *w;
		bool taken;

		world_setup_frr(&fresh);
		w = fresh;
		taken = world_try(w, rows[i].yaml);
		if (taken != (rows[i].refused == NULL))
			fail_msg("row %zu: %s", i, taken ? "accepted" : w->err.text);
		if (!taken && strstr(w->err.text, rows[i].refused) == NULL)
			fail_msg("row %zu: %s", i, w->err.text);
		world_teardown(&fresh);
	}
}

static void the_native_mode_takes_nothing_of_frr(void **state)
{
	world_refuses(*state, BFD("unused", ""), "native BGP mode has no BFD");
	world_refuses(*state, EXTRAS("metallb-system"), "native BGP mode has no FRR to tell it");
}

/* A session has the profile that its peer names, and another one after that changed. */
static void sessions_have_their_profile(void **state)
{
	struct world *w = *state;
	const struct kube_bgp_peer *const *peers;
	size_t n;

	world_apply(w,
		    BFD("slow", "receiveInterval: 1000, detectMultiplier: 5") NEXT BFD("fast", "transmitInterval: 10")
			    NEXT PEER("p", EBGP ", bfdProfile: fast") NEXT PEER("q", OTHER));
	peers = kube_sessions(w->cluster, "worker1", &n);
	assert_int_equal(n, 2);
	assert_int_equal(peers[0]->bfd->transmit_ms, 10);
	assert_int_equal(peers[0]->bfd->receive_ms, 300);
	assert_int_equal(peers[0]->bfd->multiplier, 3);
	assert_null(peers[1]->bfd);
	world_apply(w, BFD("fast", "transmitInterval: 20"));
	peers = kube_sessions(w->cluster, "worker1", &n);
	assert_int_equal(peers[0]->bfd->transmit_ms, 20);
	/* A profile that is in use can't go (METALLB section 2.5). */
	assert_int_not_equal(kube_delete(w->cluster, KUBE_BFD_PROFILE, "metallb-system", "fast", &w->err), 0);
	assert_int_equal(kube_delete(w->cluster, KUBE_BFD_PROFILE, "metallb-system", "slow", &w->err), 0);
}

static void multihop_is_no_trap_here(void **state)
{
	struct world *w = *state;
	size_t n;

	world_apply(w, PEER("p", EBGP ", ebgpMultiHop: true"));
	(void)kube_warnings(w->cluster, &n);
	assert_int_equal(n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metallb_refuses),
		WORLD_TEST(the_native_mode_takes_nothing_of_frr),
		WORLD_TEST_FRR(sessions_have_their_profile),
		WORLD_TEST_FRR(multihop_is_no_trap_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
