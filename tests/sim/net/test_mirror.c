/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nexthop groups that follow the main table, whose routes iproute2 writes as a daemon would; looked at by the kernel's lookups, by
 * packets and by iproute2. */
#include "ground.h"
#include "support.h"
#include "three_ways.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define FLOWS 3000U

struct bench {
	struct ways w;
	struct net_mirror *mirror;
	struct net_tuple flows[2][FLOWS];
	uint32_t before[2][FLOWS];
};

static void ip(struct bench *b, const char *words)
{
	char text[4096];

	ground_must(ground_ask(b->w.router, words, text, sizeof(text)) == 0, "%s: %s", words, text);
}

static void follow(struct bench *b)
{
	struct errmsg refused, err = {0};

	ground_ok(net_mirror_read(b->mirror, &refused, &err), &err);
	ground_must(refused.code == 0, "%s", refused.text);
}

static bool has_shares(struct bench *b, enum addr_family family, const char *want)
{
	return want == NULL || strcmp(ways_shares(&b->w, family), want) == 0;
}

/* NULL: whatever it is. */
static void shares_are(struct bench *b, const char *want4, const char *want6)
{
	ground_must(has_shares(b, ADDR_V4, want4), "IPv4: want %s, got %s", want4, ways_shares(&b->w, ADDR_V4));
	ground_must(has_shares(b, ADDR_V6, want6), "IPv6: want %s, got %s", want6, ways_shares(&b->w, ADDR_V6));
}

/* Links are up, and next hops alive again, when the kernel gets to it: follows until it has. */
static void shares_become(struct bench *b, const char *want4, const char *want6)
{
	struct pollfd readable = {.fd = net_mirror_fd(b->mirror), .events = POLLIN};

	follow(b);
	for (int i = 0; i < GROUND_DEADLINE_MS && !(has_shares(b, ADDR_V4, want4) && has_shares(b, ADDR_V6, want6));
	     i++) {
		(void)poll(&readable, 1, 1);
		follow(b);
	}
	shares_are(b, want4, want6);
}

/* The main table has its routes over all three ways before the mirror is there. */
static struct bench *bench_new(void)
{
	static struct bench b;
	const struct net_hash hash = {.policy = NET_HASH_L4, .seed = 3};
	const struct net_group_conf conf = {.resilient = true, .buckets = 128};
	struct errmsg err = {0};

	ways_build(&b.w);
	ways_hash(&b.w, &hash);
	shares_are(&b, "1 1 1", "1 1 1");
	b.mirror = net_mirror_new(b.w.router, &conf, &err);
	ground_must(b.mirror != NULL, "%s", err.text);
	shares_are(&b, "43 42 43", "43 42 43");
	for (uint32_t i = 0; i < FLOWS; i++) {
		b.flows[0][i] = ways_tuple(&b.w, ADDR_V4, CRAFTED_UDP, false, i);
		b.flows[1][i] = ways_tuple(&b.w, ADDR_V6, CRAFTED_UDP, false, i);
	}
	for (size_t f = 0; f < 2; f++)
		ways_ask(&b.w, b.flows[f], FLOWS, b.before[f]);
	return &b;
}

static void bench_end(struct bench *b)
{
	net_mirror_free(b->mirror);
	ways_end(&b->w);
}

static void only_flows_of_the_first_way_moved(struct bench *b)
{
	static uint32_t after[FLOWS];

	for (size_t f = 0; f < 2; f++) {
		uint32_t forced = 0;

		ways_ask(&b->w, b->flows[f], FLOWS, after);
		for (uint32_t i = 0; i < FLOWS; i++) {
			forced += b->before[f][i] == 0;
			ground_must(after[i] != 0 && (b->before[f][i] == 0 || after[i] == b->before[f][i]),
				    "flow %u moved from way %u to way %u", i, b->before[f][i], after[i]);
		}
		ground_must(forced > FLOWS / 4, "%u flows had to move", forced);
	}
	/* the packets do what the lookups say */
	ways_ask(&b->w, b->flows[0], 600, after);
	ways_send(&b->w, CRAFTED_UDP, b->flows[0], 600, b->before[0]);
	ground_must(ways_same(b->before[0], after, 600) == 600, "lookups and packets differ");
}

static int a_route_that_changes_keeps_its_buckets(void *arg)
{
	struct bench *b = bench_new();
	struct pollfd readable = {.fd = net_mirror_fd(b->mirror), .events = POLLIN};

	(void)arg;
	follow(b);
	ip(b, "ip route replace 10.50.0.0/24 proto bgp nexthop via 10.9.1.2 nexthop via 10.9.2.2");
	ground_must(poll(&readable, 1, GROUND_DEADLINE_MS) == 1, "no event");
	ip(b, "ip -6 route replace fd50::/64 proto bgp nexthop via fd09:1::2 nexthop via fd09:2::2");
	follow(b);
	shares_are(b, "0 64 64", "0 64 64");
	only_flows_of_the_first_way_moved(b);
	bench_end(b);
	return 0;
}

/* zebra does so over IPv6, BIRD 1.6 always; whether the mirror looks in between or not. */
static void delete_and_add(bool looks)
{
	struct bench *b = bench_new();

	ip(b, "ip route del 10.50.0.0/24");
	ip(b, "ip -6 route del fd50::/64");
	if (looks) {
		follow(b);
		shares_are(b, "-", "-");
	}
	ip(b, "ip route add 10.50.0.0/24 proto bgp nexthop via 10.9.1.2 nexthop via 10.9.2.2");
	ip(b, "ip -6 route add fd50::/64 proto bgp nexthop via fd09:1::2 nexthop via fd09:2::2");
	follow(b);
	shares_are(b, "0 64 64", "0 64 64");
	only_flows_of_the_first_way_moved(b);
	bench_end(b);
}

/* As BIRD 1.6 changes a route of IPv6. */
static int added_hop_by_hop_it_keeps_them_too(void *arg)
{
	struct bench *b = bench_new();

	(void)arg;
	ip(b, "ip route replace 10.50.0.0/24 proto bird nexthop via 10.9.1.2 nexthop via 10.9.2.2");
	ip(b, "ip -6 route del fd50::/64");
	ip(b, "ip -6 route add fd50::/64 proto bird via fd09:1::2");
	ip(b, "ip -6 route append fd50::/64 proto bird via fd09:2::2");
	follow(b);
	shares_are(b, "0 64 64", "0 64 64");
	only_flows_of_the_first_way_moved(b);
	bench_end(b);
	return 0;
}

static int deleted_seen_and_added_it_keeps_them_too(void *arg)
{
	(void)arg;
	delete_and_add(true);
	return 0;
}

static int deleted_and_added_unseen_it_has_been_replaced(void *arg)
{
	(void)arg;
	delete_and_add(false);
	return 0;
}

/* As zebra writes it, over nexthop objects of its own. */
static int a_daemon_s_own_groups_are_followed(void *arg)
{
	struct bench *b = bench_new();

	(void)arg;
	ip(b, "ip nexthop add id 21 via 10.9.0.2 dev w0 proto zebra");
	ip(b, "ip nexthop add id 22 via 10.9.2.2 dev w2 proto zebra");
	ip(b, "ip nexthop add id 23 group 21,3/22,5 proto zebra");
	ip(b, "ip route replace 10.50.0.0/24 nhid 23 proto bgp");
	follow(b);
	shares_are(b, "48 0 80", "43 42 43");
	ip(b, "ip nexthop replace id 23 group 21/22 proto zebra");
	follow(b);
	shares_are(b, "64 0 64", "43 42 43");
	/* half of it is for neighbours on the link */
	ip(b, "ip route replace 10.50.0.0/24 proto bgp nexthop dev w0 nexthop via 10.9.1.2");
	follow(b);
	shares_are(b, "0 64 0", "43 42 43");
	bench_end(b);
	return 0;
}

/* The longest prefix wins, and then the lowest metric, as without the mirror. */
static int what_is_no_multipath_is_copied(void *arg)
{
	struct bench *b = bench_new();
	struct net_fate fate;
	struct errmsg err = {0};
	char service[64], words[128];

	(void)arg;
	snprintf(service, sizeof(service), "%s", addr_text(&b->w.service4).s);
	snprintf(words, sizeof(words), "ip route add blackhole %s/32", service);
	ip(b, words);
	follow(b);
	ground_ok(net_oracle(b->w.router, "c0", b->flows[0], 1, &fate, &err), &err);
	ground_must(fate.error == -EINVAL, "the blackhole lets through: %d", fate.error);
	snprintf(words, sizeof(words), "ip route del blackhole %s/32", service);
	ip(b, words);
	snprintf(words, sizeof(words), "ip route add %s/32 dev w1", service);
	ip(b, words);
	ip(b, "ip route add 10.50.0.0/24 via 10.9.2.2 metric 7 proto bgp");
	follow(b);
	ground_ok(net_oracle(b->w.router, "c0", b->flows[0], 1, &fate, &err), &err);
	ground_must(fate.error == 0 && fate.gateway.family == ADDR_NONE, "not on the link");
	snprintf(words, sizeof(words), "ip route del %s/32 dev w1", service);
	ip(b, words);
	follow(b);
	shares_are(b, "43 42 43", "43 42 43");
	ip(b, "ip route del 10.50.0.0/24 metric 0");
	follow(b);
	shares_are(b, "0 0 128", "43 42 43");
	bench_end(b);
	return 0;
}

/* The kernel takes next hops, routes and objects away with their link, and gives some of them back, in silence. */
static int links_come_back(void *arg)
{
	struct bench *b = bench_new();
	char text[1024];

	(void)arg;
	ip(b, "ip link set w0 down");
	shares_become(b, "0 64 64", "0 64 64");
	ip(b, "ip link set w0 up");
	shares_become(b, "43 42 43", "43 42 43");
	/* the first of two metrics goes with its link, and the other stays */
	ip(b, "ip route add 10.52.0.0/24 dev w0");
	ip(b, "ip route add 10.52.0.0/24 dev w1 metric 20");
	follow(b);
	ip(b, "ip link set w0 down");
	follow(b);
	ground_must(ground_ask(b->w.router, "ip route show table 179 10.52.0.0/24", text, sizeof(text)) == 0 &&
			    strstr(text, "dev w1") != NULL,
		    "%s", text);
	ip(b, "ip link set w0 up");
	follow(b);
	/* in between nobody looks, and the main table is as it was */
	ip(b, "ip link set w0 down");
	ip(b, "ip link set w0 up");
	shares_become(b, "43 42 43", "43 42 43");
	ip(b, "ip link set w0 down");
	ip(b, "ip link set w1 down");
	ip(b, "ip link set w2 down");
	shares_become(b, "-", "-");
	ip(b, "ip link set w0 up");
	ip(b, "ip link set w1 up");
	ip(b, "ip route add 10.50.0.0/24 proto bgp nexthop via 10.9.0.2 nexthop via 10.9.1.2");
	/* the addresses of IPv6 went with the links */
	shares_become(b, "64 64 0", NULL);
	bench_end(b);
	return 0;
}

static int ip_shows_the_table(void *arg)
{
	struct bench *b = bench_new();
	char text[8192];

	(void)arg;
	ground_must(ground_ask(b->w.router, "ip route show table 179", text, sizeof(text)) == 0, "%s", text);
	ground_must(strstr(text, "10.50.0.0/24 nhid 99999999 proto bgp") != NULL, "%s", text);
	ground_must(strstr(text, "10.9.1.0/24 dev w1 proto kernel scope link") != NULL, "%s", text);
	ground_must(ground_ask(b->w.router, "ip -6 rule", text, sizeof(text)) == 0, "%s", text);
	ground_must(strstr(text, "99:\tfrom all to fe80::/10 lookup main") != NULL, "%s", text);
	ground_must(strstr(text, "100:\tfrom all lookup 179") != NULL, "%s", text);
	bench_end(b);
	return 0;
}

static int refusals_are_told(void *arg)
{
	struct bench *b = bench_new();
	char text[1024];
	struct errmsg refused, err = {0};

	(void)arg;
	ip(b, "ip nexthop add id 99999991 blackhole"); /* the next after two groups and three hops of each */
	ip(b, "ip route add 10.51.0.0/24 via 10.9.0.2");
	ground_ok(net_mirror_read(b->mirror, &refused, &err), &err);
	ground_must(refused.code == -EINVAL && strstr(refused.text, "nexthop group 99999991 of 10.51.0.0/24") != NULL,
		    "%s", refused.text);
	shares_are(b, "43 42 43", "43 42 43");
	/* what was refused is asked for again with the next change */
	ip(b, "ip nexthop del id 99999991");
	ip(b, "ip route replace 10.51.0.0/24 nexthop via 10.9.0.2 nexthop via 10.9.1.2");
	follow(b);
	ground_must(ground_ask(b->w.router, "ip route show table 179 10.51.0.0/24", text, sizeof(text)) == 0 &&
			    strstr(text, "nhid 99999991") != NULL,
		    "%s", text);
	bench_end(b);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GROUND_ROWS(a_route_that_changes_keeps_its_buckets),
		GROUND_ROWS(deleted_seen_and_added_it_keeps_them_too),
		GROUND_ROWS(added_hop_by_hop_it_keeps_them_too),
		GROUND_ROWS(deleted_and_added_unseen_it_has_been_replaced),
		GROUND_ROWS(a_daemon_s_own_groups_are_followed),
		GROUND_ROWS(what_is_no_multipath_is_copied),
		GROUND_ROWS(links_come_back),
		GROUND_ROWS(ip_shows_the_table),
		GROUND_ROWS(refusals_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
