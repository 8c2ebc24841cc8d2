/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nexthop groups, and what routes promise to their next hops, against iproute2's view and the kernel's lookups. */
#include "ground.h"
#include "support.h"
#include "three_ways.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define FLOWS 3000U
#define BUCKETS 128U

/* A lab whose routes are those of `groups`, and what is looked at in it. */
struct bench {
	struct ways w;
	struct net_groups *groups;
	struct prefix to[2]; /* IPv4, IPv6 */
	struct net_tuple flows[2][FLOWS];
};

static void flush(struct bench *b)
{
	struct errmsg err = {0};

	ground_ok(net_flush(b->w.router, &err), &err);
}

static struct bench *bench_new(const struct net_group_conf *conf)
{
	static struct bench b;
	const struct net_hash hash = {.policy = NET_HASH_L4, .seed = 3};
	struct errmsg err = {0};

	ways_build(&b.w);
	ways_hash(&b.w, &hash);
	b.to[0] = ground_prefix("10.50.0.0/24");
	b.to[1] = ground_prefix("fd50::/64");
	net_route_multipath(b.w.router, &b.to[0], NULL, 0);
	net_route_multipath(b.w.router, &b.to[1], NULL, 0);
	flush(&b);
	for (uint32_t i = 0; i < FLOWS; i++) {
		b.flows[0][i] = ways_tuple(&b.w, ADDR_V4, CRAFTED_UDP, false, i);
		b.flows[1][i] = ways_tuple(&b.w, ADDR_V6, CRAFTED_UDP, false, i);
	}
	b.groups = net_groups_new(b.w.router, conf, &err);
	ground_must(b.groups != NULL, "%s", err.text);
	return &b;
}

static void bench_end(struct bench *b)
{
	net_groups_free(b->groups);
	ways_end(&b->w);
}

/* The routes of both families, over the ways marked "x" in which ("x-x": the first and the last), with weights or NULL. */
static void route(struct bench *b, const char *which, const uint16_t *weights)
{
	for (size_t f = 0; f < 2; f++) {
		struct addr gateways[WAYS];
		uint16_t own[WAYS];
		size_t n = 0;

		for (size_t i = 0; i < WAYS; i++) {
			if (which[i] != 'x')
				continue;
			own[n] = weights == NULL ? 1 : weights[i];
			gateways[n++] = f == 0 ? b->w.gateways4[i] : b->w.gateways6[i];
		}
		net_groups_route(b->groups, &b->to[f], gateways, weights == NULL ? NULL : own, n);
	}
	flush(b);
}

static const char *shares(struct bench *b, size_t f)
{
	return ways_shares(&b->w, f == 0 ? ADDR_V4 : ADDR_V6);
}

static void shares_are(struct bench *b, const char *want)
{
	for (size_t f = 0; f < 2; f++) {
		const char *got = shares(b, f);

		ground_must(strcmp(got, want) == 0, "IPv%d: want %s, got %s", f == 0 ? 4 : 6, want, got);
	}
}

/* Waits for the kernel's timers to bring the buckets there. */
static void shares_become(struct bench *b, const char *want)
{
	for (int i = 0; i < GROUND_DEADLINE_MS && (strcmp(shares(b, 0), want) != 0 || strcmp(shares(b, 1), want) != 0);
	     i++)
		(void)poll(NULL, 0, 1);
	shares_are(b, want);
}

/* A plain group is replaced with the hash-threshold's shuffle (a quarter of the innocents, ECMP.md 5.5), weights as given. */
static int plain_groups(void *arg)
{
	static const uint16_t weights[WAYS] = {1, 2, 255};
	struct bench *b = bench_new(&(struct net_group_conf){0});

	(void)arg;
	shares_are(b, "-");
	route(b, "xxx", NULL);
	shares_are(b, "1 1 1");
	route(b, "xxx", weights);
	shares_are(b, "1 2 255");
	route(b, "x-x", weights);
	shares_are(b, "1 0 255");
	route(b, "-x-", NULL);
	shares_are(b, "0 1 0");
	route(b, "---", NULL);
	shares_are(b, "-");
	route(b, "xx-", NULL);
	shares_are(b, "1 1 0");
	bench_end(b);
	return 0;
}

/* Plain routes too: what the built-in router and most daemons write. */
static int plain_routes(void *arg)
{
	static const uint16_t weights[WAYS] = {3, 1, 200};
	struct bench *b = bench_new(&(struct net_group_conf){0});

	(void)arg;
	net_route_weighted(b->w.router, &b->to[0], b->w.gateways4, weights, WAYS);
	net_route_weighted(b->w.router, &b->to[1], b->w.gateways6, weights, WAYS);
	flush(b);
	shares_are(b, "3 1 200");
	net_route_weighted(b->w.router, &b->to[0], b->w.gateways4, NULL, 1);
	net_route_weighted(b->w.router, &b->to[1], b->w.gateways6, NULL, 1);
	flush(b);
	shares_are(b, "1 0 0");
	bench_end(b);
	return 0;
}

struct moves {
	uint32_t forced, innocent;
};

/* Of the flows of one family: those that had to move since the way closed, and those that moved without need. */
static struct moves moves_of(struct bench *b, size_t f, const uint32_t *before, uint32_t closed)
{
	static uint32_t after[FLOWS];
	struct moves m = {0};

	ways_ask(&b->w, b->flows[f], FLOWS, after);
	for (uint32_t i = 0; i < FLOWS; i++) {
		m.forced += before[i] == closed;
		m.innocent += before[i] != closed && before[i] != after[i];
		ground_must(after[i] != closed, "flow %u stays on the way that closed", i);
	}
	return m;
}

static int resilient_groups_keep_innocent_flows(void *arg)
{
	const struct net_group_conf conf = {.resilient = true, .buckets = BUCKETS};
	struct bench *b = bench_new(&conf);
	static uint32_t before[2][FLOWS];

	(void)arg;
	route(b, "xxx", NULL);
	shares_are(b, "43 42 43"); /* thirds of 128 are rounded where they end */
	for (size_t f = 0; f < 2; f++)
		ways_ask(&b->w, b->flows[f], FLOWS, before[f]);
	route(b, "-xx", NULL);
	shares_are(b, "0 64 64");
	for (size_t f = 0; f < 2; f++) {
		struct moves m = moves_of(b, f, before[f], 0);

		ground_must(m.forced > FLOWS / 4 && m.innocent == 0, "IPv%d: %u forced, %u innocent", f == 0 ? 4 : 6,
			    m.forced, m.innocent);
	}
	/* the packets do what the lookups say */
	ways_send(&b->w, CRAFTED_UDP, b->flows[0], 600, before[0]);
	ways_ask(&b->w, b->flows[0], 600, before[1]);
	ground_must(ways_same(before[0], before[1], 600) == 600, "lookups and packets differ");
	bench_end(b);
	return 0;
}

/* The contrast that makes the test above worth something. */
static int plain_groups_move_innocent_flows(void *arg)
{
	struct bench *b = bench_new(&(struct net_group_conf){0});
	static uint32_t before[FLOWS];

	(void)arg;
	route(b, "xxx", NULL);
	ways_ask(&b->w, b->flows[0], FLOWS, before);
	route(b, "-xx", NULL);
	/* 25 % of the survivors: 1/6 of all, 500 of 3000 with a deviation of 20 */
	ground_must(moves_of(b, 0, before, 0).innocent > 380 && moves_of(b, 0, before, 0).innocent < 620, "%u innocent",
		    moves_of(b, 0, before, 0).innocent);
	bench_end(b);
	return 0;
}

static int buckets_follow_weights(void *arg)
{
	static const uint16_t weights[WAYS] = {1, 3, 4};
	struct bench *b = bench_new(&(struct net_group_conf){.resilient = true, .buckets = 64});

	(void)arg;
	route(b, "xxx", weights);
	shares_are(b, "8 24 32");
	route(b, "xx-", weights);
	shares_are(b, "16 48 0");
	bench_end(b);
	return 0;
}

/* The kernel takes a bucket that was used in the very tick in which it was made for one that nobody uses. */
static void await_tick(void)
{
	struct timespec first, now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &first);
	do {
		sched_yield();
		clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	} while (now.tv_sec == first.tv_sec && now.tv_nsec == first.tv_nsec);
}

/* With a long idle timer the buckets in use stay where they lead when a way opens: the share that it may expect is what it
 * has, not what its weight promises. */
static int busy_buckets_stay(void *arg)
{
	const struct net_group_conf conf = {.resilient = true, .buckets = BUCKETS, .idle_ns = 3600 * NS_PER_S};
	struct bench *b = bench_new(&conf);
	static uint32_t before[FLOWS], after[FLOWS];

	(void)arg;
	route(b, "xx-", NULL);
	shares_are(b, "64 64 0");
	await_tick();
	ways_ask(&b->w, b->flows[0], FLOWS, before);
	ways_ask(&b->w, b->flows[1], FLOWS, after);
	route(b, "xxx", NULL);
	shares_are(b, "64 64 0");
	ways_ask(&b->w, b->flows[0], FLOWS, after);
	ground_must(ways_same(before, after, FLOWS) == FLOWS, "flows moved");
	bench_end(b);
	return 0;
}

/* After the unbalanced timer they have to move. */
static int unbalanced_groups_are_balanced(void *arg)
{
	const struct net_group_conf conf = {
		.resilient = true, .buckets = 96, .idle_ns = 3600 * NS_PER_S, .unbalanced_ns = NS_PER_S / 10};
	struct bench *b = bench_new(&conf);
	static uint32_t way[FLOWS];

	(void)arg;
	route(b, "xx-", NULL);
	ways_ask(&b->w, b->flows[0], FLOWS, way);
	ways_ask(&b->w, b->flows[1], FLOWS, way);
	route(b, "xxx", NULL);
	shares_become(b, "32 32 32");
	bench_end(b);
	return 0;
}

/* The group's attributes as iproute2 reads them back. */
static int ip_shows_the_group(void *arg)
{
	const struct net_group_conf conf = {
		.resilient = true, .buckets = 32, .idle_ns = 2 * NS_PER_S, .unbalanced_ns = 10 * NS_PER_S};
	struct bench *b = bench_new(&conf);
	char text[4096];

	(void)arg;
	route(b, "xxx", NULL);
	ground_must(ground_ask(b->w.router, "ip nexthop show groups", text, sizeof(text)) == 0, "%s", text);
	ground_must(strstr(text, "type resilient buckets 32 idle_timer 2 unbalanced_timer 10") != NULL, "%s", text);
	ground_must(strstr(text, "proto bgp") != NULL, "%s", text);
	bench_end(b);
	return 0;
}

/* The kernel takes nexthop objects away with their link, in silence; the next change makes them again. */
static int links_come_back(void *arg)
{
	struct bench *b = bench_new(&(struct net_group_conf){.resilient = true, .buckets = 32});

	(void)arg;
	route(b, "xx-", NULL);
	net_link_down(b->w.router, "w0");
	net_link_down(b->w.router, "w1");
	flush(b);
	shares_are(b, "-");
	net_link_up(b->w.router, "w0");
	net_link_up(b->w.router, "w1");
	flush(b);
	/* the addresses of IPv6 went with the link */
	net_groups_route(b->groups, &b->to[0], b->w.gateways4, NULL, 2);
	flush(b);
	ground_must(strcmp(shares(b, 0), "16 16 0") == 0, "%s", shares(b, 0));
	bench_end(b);
	return 0;
}

static int refusals_are_told(void *arg)
{
	const struct addr nowhere = ground_addr("192.0.2.1");
	struct bench *b = bench_new(&(struct net_group_conf){0});
	static struct addr many[NET_FIB_HOPS_MAX + 1];
	struct errmsg err = {0};

	(void)arg;
	net_groups_route(b->groups, &b->to[0], &nowhere, NULL, 1);
	ground_must(net_flush(b->w.router, &err) == -ENETUNREACH, "%s", err.text);
	ground_must(strstr(err.text, "192.0.2.1") != NULL, "%s", err.text);
	net_groups_route(b->groups, &b->to[0], many, NULL, COUNT(many));
	ground_must(net_flush(b->w.router, &err) == -E2BIG, "%s", err.text);
	bench_end(b);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GROUND_ROWS(plain_groups),
		GROUND_ROWS(plain_routes),
		GROUND_ROWS(resilient_groups_keep_innocent_flows),
		GROUND_ROWS(plain_groups_move_innocent_flows),
		GROUND_ROWS(buckets_follow_weights),
		GROUND_ROWS(busy_buckets_stay),
		GROUND_ROWS(unbalanced_groups_are_balanced),
		GROUND_ROWS(ip_shows_the_group),
		GROUND_ROWS(links_come_back),
		GROUND_ROWS(refusals_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
