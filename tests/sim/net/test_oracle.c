/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel's lookups predict, against what its forwarding does with packets. */
#include "ground.h"
#include "support.h"
#include "three_ways.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define FLOWS 240U
/* A third of the flows agree by chance; more than this, or fewer than half of it, once in 10^9 runs and less. */
#define CHANCE_MAX 130U
#define CHANCE_MIN 35U

static const struct {
	const char *name;
	enum sending how;
	enum net_origin origin;
	bool fragment;
} kinds[] = {
	{"crafted UDP", CRAFTED_UDP, NET_CRAFTED, false},
	{"crafted TCP", CRAFTED_TCP, NET_CRAFTED, false},
	{"ICMP echo", CRAFTED_ICMP, NET_CRAFTED, false},
	{"first fragments", CRAFTED_FRAGMENT, NET_CRAFTED, true},
	{"later fragments", CRAFTED_LATE_FRAGMENT, NET_CRAFTED, true},
	{"UDP sockets", UDP_SOCKET, NET_LOOSE_SOCKET, false},
	{"connected UDP sockets", CONNECTED_UDP_SOCKET, NET_CONNECTED_SOCKET, false},
	{"TCP sockets", TCP_SOCKET, NET_CONNECTED_SOCKET, false},
};

static const struct net_hash hashes[] = {
	{.policy = NET_HASH_L3, .seed = 7},
	{.policy = NET_HASH_L4, .seed = 7},
	{.policy = NET_HASH_INNER_L3, .seed = 7},
	{.policy = NET_HASH_FIELDS, .fields = NET_HASH_5_TUPLE, .seed = 7},
	{.policy = NET_HASH_FIELDS, .fields = NET_HASH_SRC | NET_HASH_DST_PORT | NET_HASH_FLOW_LABEL, .seed = 9},
};

static struct net_tuple tuple_of(const struct ways *w, enum addr_family family, size_t kind, bool labels, uint32_t i)
{
	struct net_tuple t = ways_tuple(w, family, kinds[kind].how, labels, i);

	t.origin = kinds[kind].origin;
	t.fragment = kinds[kind].fragment;
	return t;
}

static void cell_is_right(struct ways *w, const struct net_hash *hash, enum addr_family family, size_t kind,
			  bool labels)
{
	struct net_tuple flows[FLOWS];
	uint32_t predicted[FLOWS], taken[FLOWS], same;
	const char *doubt;

	for (uint32_t i = 0; i < FLOWS; i++)
		flows[i] = tuple_of(w, family, kind, labels, i);
	doubt = net_oracle_doubt(hash, &flows[0]);
	ways_ask(w, flows, FLOWS, predicted);
	ways_send(w, kinds[kind].how, flows, FLOWS, taken);
	same = ways_same(predicted, taken, FLOWS);
	if (doubt == NULL)
		ground_must(same == FLOWS, "IPv%d %s under policy %d: %u of %u went as predicted", family,
			    kinds[kind].name, hash->policy, same, FLOWS);
	else /* a doubt that is none would hide a mismatch */
		ground_must(same > CHANCE_MIN && same < CHANCE_MAX,
			    "IPv%d %s under policy %d: %u of %u went as predicted in spite of: %s", family,
			    kinds[kind].name, hash->policy, same, FLOWS, doubt);
}

static int hash_cells(const struct net_hash *hash)
{
	struct ways w;

	ways_build(&w);
	ways_hash(&w, hash);
	for (size_t kind = 0; kind < COUNT(kinds); kind++) {
		cell_is_right(&w, hash, ADDR_V4, kind, false);
		cell_is_right(&w, hash, ADDR_V6, kind, false);
		if (kinds[kind].origin == NET_CRAFTED)
			cell_is_right(&w, hash, ADDR_V6, kind, true);
	}
	ways_end(&w);
	return 0;
}

static int knows_l3(void *arg)
{
	(void)arg;
	return hash_cells(&hashes[0]);
}

static int knows_l4(void *arg)
{
	(void)arg;
	return hash_cells(&hashes[1]);
}

static int knows_inner_l3(void *arg)
{
	(void)arg;
	return hash_cells(&hashes[2]);
}

static int knows_5_tuple(void *arg)
{
	(void)arg;
	return hash_cells(&hashes[3]);
}

static int knows_fields(void *arg)
{
	(void)arg;
	return hash_cells(&hashes[4]);
}

/* The trap of namespace labs: under policy 1 a connection's path is its socket's, not its packets'. By fields it is the
 * packets' own, so that the same connection made again goes where it went, TCP and connected UDP. */
static void connections_follow(struct ways *w, enum addr_family family, enum sending how)
{
	struct net_tuple flows[FLOWS];
	uint32_t once[FLOWS], again[FLOWS], same;

	for (uint32_t i = 0; i < FLOWS; i++)
		flows[i] = ways_tuple(w, family, how, false, i);
	ways_hash(w, &hashes[3]);
	ways_send(w, how, flows, FLOWS, once);
	ways_send(w, how, flows, FLOWS, again);
	same = ways_same(once, again, FLOWS);
	ground_must(same == FLOWS, "IPv%d: by fields %u of %u connections kept their way", family, same, FLOWS);
	ways_hash(w, &hashes[1]);
	ways_send(w, how, flows, FLOWS, once);
	ways_send(w, how, flows, FLOWS, again);
	same = ways_same(once, again, FLOWS);
	ground_must(same < CHANCE_MAX,
		    "IPv%d: by policy 1 %u of %u connections kept their way: does veth no longer carry the socket's "
		    "hash?",
		    family, same, FLOWS);
}

static int connections_follow_the_packet(void *arg)
{
	static const enum sending hows[] = {TCP_SOCKET, CONNECTED_UDP_SOCKET};
	static const enum addr_family families[] = {ADDR_V4, ADDR_V6};
	struct ways w;

	(void)arg;
	ways_build(&w);
	for (size_t i = 0; i < 4; i++)
		connections_follow(&w, families[i / 2], hows[i % 2]);
	ways_end(&w);
	return 0;
}

/* Each seed is a hash of its own: what two have in common is chance. One seed is one hash. */
static int seeds_draw_new_paths(void *arg)
{
	struct net_hash hash = hashes[3];
	struct net_tuple flows[FLOWS];
	uint32_t ways[4][FLOWS], taken[FLOWS], same;
	struct ways w;

	(void)arg;
	ways_build(&w);
	for (uint32_t i = 0; i < FLOWS; i++)
		flows[i] = ways_tuple(&w, ADDR_V4, CRAFTED_UDP, false, i);
	for (uint32_t s = 0; s < 4; s++) {
		hash.seed = s % 3 + 1;
		ways_hash(&w, &hash);
		ways_ask(&w, flows, FLOWS, ways[s]);
		ways_send(&w, CRAFTED_UDP, flows, FLOWS, taken);
		ground_must(ways_same(ways[s], taken, FLOWS) == FLOWS, "seed %u", hash.seed);
		for (uint32_t before = 0; before < s; before++) {
			same = ways_same(ways[before], ways[s], FLOWS);
			if (s == 3 && before == 0)
				ground_must(same == FLOWS, "the same seed: %u of %u", same, FLOWS);
			else
				ground_must(same > CHANCE_MIN && same < CHANCE_MAX, "seeds %u and %u: %u of %u", before,
					    s, same, FLOWS);
		}
	}
	ways_end(&w);
	return 0;
}

static int hash_is_read_back(void *arg)
{
	struct net_hash got;
	struct errmsg err = {0};
	struct net_ns *ns = ground_ns("router");
	bool seeded;

	(void)arg;
	for (size_t i = 0; i < COUNT(hashes); i++) {
		ground_ok(net_hash_set(ns, &hashes[i], &seeded, &err), &err);
		ground_ok(net_hash_get(ns, &got, &err), &err);
		ground_must(got.policy == hashes[i].policy && got.fields == hashes[i].fields, "hash %zu", i);
		ground_must(!seeded || got.seed == hashes[i].seed, "seed %u", got.seed);
	}
	ground_must(net_hash_set(ns, &(struct net_hash){.policy = NET_HASH_FIELDS, .fields = 0x1000}, &seeded, &err) ==
			    -EINVAL,
		    "a field that is none");
	net_ns_free(ns);
	return 0;
}

/* A next hop whose neighbour is known to be dead gets packets still, unless the router is told to look: then IPv4's are for
 * the others. A router that forwards IPv6 never looks. */
static int dead_neighbours_are_passed_over(void *arg)
{
	static const struct {
		enum addr_family family;
		bool use, dead_used;
	} rows[] = {{ADDR_V4, false, true}, {ADDR_V4, true, false}, {ADDR_V6, false, true}, {ADDR_V6, true, true}};
	struct net_hash hash = hashes[0];
	struct net_tuple flows[FLOWS];
	uint32_t way[FLOWS], taken[FLOWS], dead;
	char out[256];
	struct ways w;

	(void)arg;
	ways_build(&w);
	ground_must(ground_ask(w.router, "ip neigh replace 10.9.0.2 dev w0 nud failed", out, sizeof(out)) == 0, "%s",
		    out);
	ground_must(ground_ask(w.router, "ip neigh replace fd09:0::2 dev w0 nud failed", out, sizeof(out)) == 0, "%s",
		    out);
	for (size_t i = 0; i < COUNT(rows); i++) {
		hash.use_neighbours = rows[i].use;
		ways_hash(&w, &hash);
		for (uint32_t f = 0; f < FLOWS; f++)
			flows[f] = ways_tuple(&w, rows[i].family, CRAFTED_UDP, false, f);
		ways_ask(&w, flows, FLOWS, way);
		dead = 0;
		for (uint32_t f = 0; f < FLOWS; f++)
			dead += way[f] == 0;
		ground_must((dead > CHANCE_MIN) == rows[i].dead_used, "IPv%d, use_neigh %d: %u flows on the dead way",
			    rows[i].family, rows[i].use, dead);
		if (dead > 0)
			continue;
		ways_send(&w, CRAFTED_UDP, flows, FLOWS, taken);
		ground_must(ways_same(way, taken, FLOWS) == FLOWS, "lookups and packets differ");
	}
	ways_end(&w);
	return 0;
}

/* What the kernel would not forward is an answer too, and does not end the batch. */
static int refusals_are_fates(void *arg)
{
	static const struct {
		const char *dst;
		int error;
		uint8_t type;
	} rows[] = {
		{"10.50.0.1", 0, 1},
		{"10.77.0.1", -ENETUNREACH, 0},
		{"10.66.0.1", -EHOSTUNREACH, 0},
		{"10.1.255.1", 0, 2},
		{"fd50::1", 0, 1},
		{"fd77::1", -ENETUNREACH, 0},
		{"10.65.0.1", -EACCES, 0},
		{"10.50.0.2", 0, 1},
	};
	struct net_tuple t[COUNT(rows)];
	struct net_fate f[COUNT(rows)];
	struct errmsg err = {0};
	char out[256];
	struct ways w;

	(void)arg;
	ways_build(&w);
	ground_must(ground_ask(w.router, "ip route add unreachable 10.66.0.0/24", out, sizeof(out)) == 0, "%s", out);
	ground_must(ground_ask(w.router, "ip route add prohibit 10.65.0.0/24", out, sizeof(out)) == 0, "%s", out);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct addr dst = ground_addr(rows[i].dst);

		t[i] = ways_tuple(&w, dst.family, CRAFTED_UDP, false, 1);
		t[i].dst = dst;
	}
	ground_ok(net_oracle(w.router, "c0", t, COUNT(rows), f, &err), &err);
	for (size_t i = 0; i < COUNT(rows); i++)
		ground_must(f[i].error == rows[i].error && f[i].type == rows[i].type, "%s: error %d type %u",
			    rows[i].dst, f[i].error, f[i].type);
	ground_must(net_oracle(w.router, "none", t, 1, f, &err) == -ENODEV, "%s", err.text);
	/* the socket is fit for other requests after it */
	ground_ok(net_hash_get(w.router, &(struct net_hash){0}, &err), &err);
	ways_end(&w);
	return 0;
}

/* Rules by mark come before the hash, for both families. */
static int marks_choose_the_table(void *arg)
{
	static const char *const commands[] = {
		"ip rule add fwmark 7 table 10",
		"ip route add 10.50.0.0/24 via 10.9.2.2 table 10",
		"ip -6 rule add fwmark 7 table 10",
		"ip -6 route add fd50::/64 via fd09:2::2 table 10",
	};
	static const enum addr_family families[] = {ADDR_V4, ADDR_V6};
	struct net_tuple flows[FLOWS];
	uint32_t way[FLOWS], marked;
	char out[256];
	struct ways w;

	(void)arg;
	ways_build(&w);
	ways_hash(&w, &hashes[0]);
	for (size_t i = 0; i < COUNT(commands); i++)
		ground_must(ground_ask(w.router, commands[i], out, sizeof(out)) == 0, "%s: %s", commands[i], out);
	for (size_t f = 0; f < COUNT(families); f++) {
		for (uint32_t i = 0; i < FLOWS; i++) {
			flows[i] = ways_tuple(&w, families[f], CRAFTED_UDP, false, i);
			flows[i].mark = i % 2 * 7;
		}
		ways_ask(&w, flows, FLOWS, way);
		marked = 0;
		for (uint32_t i = 0; i < FLOWS; i++) {
			ground_must(i % 2 == 0 || way[i] == 2, "IPv%d: marked flow %u", families[f], i);
			marked += i % 2 == 0 && way[i] == 2;
		}
		ground_must(marked < CHANCE_MAX / 2, "IPv%d: %u unmarked flows go as marked ones", families[f], marked);
	}
	ways_end(&w);
	return 0;
}

/* Told, not judged: the time that lookups take, the kernel's part included. */
static int lookups_are_timed(void *arg)
{
	struct net_tuple *t = memory_new(FLOWS_MAX * sizeof(*t));
	uint32_t *way = memory_new(FLOWS_MAX * sizeof(*way));
	struct timespec a, b;
	struct ways w;

	(void)arg;
	ways_build(&w);
	for (uint32_t i = 0; i < FLOWS_MAX; i++)
		t[i] = ways_tuple(&w, ADDR_V4, CRAFTED_UDP, false, i);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	ways_ask(&w, t, FLOWS_MAX, way);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	fprintf(stderr, "%u lookups in %.2f ms of CPU time\n", FLOWS_MAX,
		(double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6);
	ways_end(&w);
	free(t);
	free(way);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GROUND_ROWS(knows_l3),
		GROUND_ROWS(knows_l4),
		GROUND_ROWS(knows_inner_l3),
		GROUND_ROWS(knows_5_tuple),
		GROUND_ROWS(knows_fields),
		GROUND_ROWS(connections_follow_the_packet),
		GROUND_ROWS(seeds_draw_new_paths),
		GROUND_ROWS(hash_is_read_back),
		GROUND_ROWS(dead_neighbours_are_passed_over),
		GROUND_ROWS(refusals_are_fates),
		GROUND_ROWS(marks_choose_the_table),
		GROUND_ROWS(lookups_are_timed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
