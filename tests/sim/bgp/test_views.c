/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What peers believe after everything that a router told them is what the router believes they have: random routes between
 * peers of all ways (add-path, roles, IPv6 next hops, two-octet ASes, intervals, inside and outside), whose sessions come and
 * go. A view is built from the UPDATEs alone. */
#include "mesh.h"
#include "rng.h"
#include "vec.h"

#include <stdio.h>
#include <string.h>

#define PEERS 8
#define NETS 6
#define STEPS 250
#define SEEDS 60

static const char ADD_PATH[] = "4504 00010103", EXTENDED_HOP[] = "0506 0001 0001 0002", REFRESH[] = "0200";

struct way {
	uint32_t as;
	const char *capabilities;
	bool as4;
	struct bgp_peer_conf conf;
};

struct heard {
	struct prefix prefix;
	uint32_t path_id;
	struct addr next_hop;
	uint32_t local_pref;
	size_t path_octets, communities, extra;
};

struct world {
	struct mesh m;
	struct rng rng;
	struct way ways[PEERS];
	bool up[PEERS];
	VEC(struct heard) views[PEERS];
};

static void ways_init(struct world *w)
{
	const struct addr v6 = hand_addr("fd00::1");
	const struct way ways[PEERS] = {
		{65010, REFRESH, true, {0}},
		{65010, REFRESH, true, {0}},
		{65020, ADD_PATH, true, {.add_path_v4 = BGP_ADD_PATH_BOTH}},
		{65030, ADD_PATH, true, {.add_path_v4 = BGP_ADD_PATH_BOTH}},
		{MESH_AS, REFRESH, true, {0}},
		{65040, EXTENDED_HOP, true, {.local = v6, .extended_next_hop = true, .both_families = true}},
		{65050, "", false, {.role = BGP_ROLE_PROVIDER}},
		{65060, "", true, {.session = {.mrai_s = 5}}},
	};

	memcpy(w->ways, ways, sizeof(ways));
}

/* ---- Views ---- */

static void forget(struct world *w, unsigned int peer, const struct wire_route *route)
{
	for (size_t i = 0; i < w->views[peer].len; i++) {
		const struct heard *h = &w->views[peer].at[i];

		if (h->path_id != route->path_id || !prefix_equal(&h->prefix, &route->prefix))
			continue;
		w->views[peer].at[i] = w->views[peer].at[--w->views[peer].len];
		return;
	}
	fail_msg("peer %u: %s is withdrawn, which it never had", peer, prefix_text(&route->prefix).s);
}

static void learn(struct world *w, unsigned int peer, const struct wire_route *route, const struct wire_attrs *a)
{
	struct heard heard = {.prefix = route->prefix,
			      .path_id = route->path_id,
			      .next_hop = a->next_hop,
			      .local_pref = wire_attr_has(a, WIRE_ATTR_LOCAL_PREF) ? a->local_pref : 0,
			      .path_octets = wire_left(&a->as_path),
			      .communities = wire_left(&a->communities) / 4};

	for (size_t i = 0; i < w->views[peer].len; i++) {
		struct heard *h = &w->views[peer].at[i];

		if (h->path_id == route->path_id && prefix_equal(&h->prefix, &route->prefix)) {
			*h = heard;
			return;
		}
	}
	VEC_PUSH(&w->views[peer], heard);
}

static void hear_update(struct world *w, unsigned int peer, struct wire_in message)
{
	const struct bgp_peer_info info = bgp_peer_info(w->m.h.s, peer);
	const struct wire_session session = {.as4 = w->ways[peer].as4,
					     .add_path_v4 = (info.add_path_v4 & BGP_ADD_PATH_SEND) != 0,
					     .ebgp = w->ways[peer].as != MESH_AS};
	struct wire_update u;
	struct wire_route route;

	assert_int_equal(wire_update_decode(message, &session, &u).treat, WIRE_OK);
	while (wire_nlri_next(&u.withdrawn, &route))
		forget(w, peer, &route);
	while (wire_nlri_next(&u.mp_withdrawn, &route))
		forget(w, peer, &route);
	while (wire_nlri_next(&u.nlri, &route))
		learn(w, peer, &route, &u.attrs);
	while (wire_nlri_next(&u.mp_nlri, &route))
		learn(w, peer, &route, &u.attrs);
}

static void hear(struct world *w)
{
	size_t n;
	const struct bgp_output *outs = bgp_outputs(w->m.h.s, &n);

	for (size_t i = 0; i < n; i++)
		if (outs[i].kind == BGP_OUT_SEND && outs[i].bytes[18] == WIRE_UPDATE && outs[i].peer < PEERS &&
		    w->up[outs[i].peer])
			hear_update(w, outs[i].peer, wire_in_of(outs[i].bytes, outs[i].len));
	mesh_forget(&w->m);
}

struct comparison {
	struct world *w;
	unsigned int peer;
	size_t n;
};

static void compare(void *ctx, const struct bgp_adj_route *route)
{
	struct comparison *c = ctx;
	bool as4 = c->w->ways[c->peer].as4;

	c->n++;
	for (size_t i = 0; i < c->w->views[c->peer].len; i++) {
		const struct heard *h = &c->w->views[c->peer].at[i];

		if (h->path_id != route->path_id || !prefix_equal(&h->prefix, &route->prefix))
			continue;
		assert_true(addr_equal(&h->next_hop, &route->next_hop));
		assert_int_equal(h->local_pref, route->local_pref_present ? route->local_pref : 0);
		assert_int_equal(h->communities, route->community_count);
		assert_true(!as4 || h->path_octets == wire_left(&route->as_path));
		return;
	}
	fail_msg("peer %u never heard of %s, path %u", c->peer, prefix_text(&route->prefix).s, route->path_id);
}

static void check(struct world *w)
{
	for (unsigned int i = 0; i < PEERS; i++) {
		struct comparison c = {.w = w, .peer = i};

		if (!w->up[i] || w->ways[i].conf.session.mrai_s > 0) /* that one lags, see settle() */
			continue;
		bgp_adj_rib_out(w->m.h.s, i, compare, &c);
		assert_int_equal(c.n, w->views[i].len);
	}
}

/* ---- Events ---- */

static void net_text(struct world *w, char *ret, size_t room)
{
	snprintf(ret, room, "18 c633%02x", (unsigned int)rng_below(&w->rng, NETS));
}

static void announce(struct world *w, unsigned int peer)
{
	static const char *const extras[] = {"",
					     "c00804 ffff0000 ",
					     "c00804 ffffff01 ",
					     "c00804 0001002a ",
					     "c02304 0000fdfc ",
					     "c01008 4004fde9 4cee6b28 ",
					     "c0c803 010203 "};
	const struct way *way = &w->ways[peer];
	const char *extra = extras[rng_below(&w->rng, 7)];
	char attrs[400], nlri[64], net[32], path[64] = "400200 ", hop[64];

	net_text(w, net, sizeof(net));
	snprintf(nlri, sizeof(nlri), "%s%s",
		 way->conf.add_path_v4 != 0 ? (rng_below(&w->rng, 2) ? "00000001" : "00000002") : "", net);
	if (way->as != MESH_AS && way->as4)
		snprintf(path, sizeof(path), "40020a 0202 %08x 0000%04x ", way->as,
			 (unsigned int)rng_below(&w->rng, 3));
	else if (way->as != MESH_AS)
		snprintf(path, sizeof(path), "400204 0201 %04x ", way->as);
	if (way->conf.local.family == ADDR_V6) {
		snprintf(attrs, sizeof(attrs), IGP "%s800e19 0001 01 10 fd0000000000000000000000000000%02x 00 %s %s",
			 path, (unsigned int)(100 + rng_below(&w->rng, 3)), net, extra);
		mesh_announces(&w->m, peer, attrs, "");
		return;
	}
	snprintf(hop, sizeof(hop), "400304 0a0000%02x ", (unsigned int)(100 + rng_below(&w->rng, 3)));
	snprintf(attrs, sizeof(attrs), IGP "%s%s%s%s", path, hop, way->as == MESH_AS ? "400504 00000064 " : "", extra);
	mesh_announces(&w->m, peer, attrs, nlri);
}

static void withdraw(struct world *w, unsigned int peer)
{
	char nlri[64], net[32];

	net_text(w, net, sizeof(net));
	snprintf(nlri, sizeof(nlri), "%s%s",
		 w->ways[peer].conf.add_path_v4 != 0 ? (rng_below(&w->rng, 2) ? "00000001" : "00000002") : "", net);
	mesh_withdraws(&w->m, peer, nlri);
}

static void bounce(struct world *w, unsigned int peer)
{
	if (w->up[peer]) {
		bgp_in_closed(w->m.h.s, w->m.conns[peer], hand_at_ms(++w->m.ms));
		w->up[peer] = false;
		VEC_CLEAR(&w->views[peer]);
		hear(w);
		return;
	}
	w->m.ms += 200000; /* any damping is over; the hold times of the others are none */
	bgp_in_time(w->m.h.s, hand_at_ms(w->m.ms));
	hear(w);
	w->up[peer] = true;
	mesh_peer_again(&w->m, peer, w->ways[peer].as, w->ways[peer].capabilities, w->ways[peer].as4);
}

static void originate(struct world *w)
{
	static const bgp_peer_id some[] = {0, 2, 5};
	struct bgp_originated routes[3] = {{.prefix = hand_prefix("198.51.1.0/24")},
					   {.prefix = hand_prefix("198.51.2.0/24")},
					   {.prefix = hand_prefix("203.0.113.0/24")}};

	if (rng_below(&w->rng, 20) == 0) {
		routes[1].peers = some;
		routes[1].peer_count = 3;
	}
	bgp_originate(w->m.h.s, routes, rng_below(&w->rng, 4));
	bgp_routes_commit(w->m.h.s, hand_at_ms(++w->m.ms));
}

static void step(struct world *w)
{
	unsigned int peer = (unsigned int)rng_below(&w->rng, PEERS), what = (unsigned int)rng_below(&w->rng, 20);

	if (what == 0)
		bounce(w, peer);
	else if (what == 1)
		originate(w);
	else if (what == 2)
		bgp_peer_graceful_shutdown(w->m.h.s, peer, rng_below(&w->rng, 2) == 0, hand_at_ms(++w->m.ms));
	else if (what == 3 && w->up[peer] && strcmp(w->ways[peer].capabilities, REFRESH) == 0)
		hand_says(&w->m.h, w->m.conns[peer], MARKER "0017 05 0001 00 01", ++w->m.ms);
	else if (what < 9 && w->up[peer])
		withdraw(w, peer);
	else if (w->up[peer])
		announce(w, peer);
	hear(w);
	check(w);
}

/* The interval of the peer that has one passes; then it is level, too. */
static void settle(struct world *w)
{
	w->m.ms += 6000;
	bgp_in_time(w->m.h.s, hand_at_ms(w->m.ms));
	hear(w);
	w->ways[PEERS - 1].conf.session.mrai_s = 0;
	check(w);
}

static void play(uint64_t seed)
{
	struct world w = {
		.rng = {.state = seed},
		.m = {.speaker = {.max_paths = (unsigned int)(1 + seed % 3), .multipath_relax = seed % 2 == 0}}};

	ways_init(&w);
	mesh_init(&w.m);
	for (unsigned int i = 0; i < PEERS; i++) {
		(void)mesh_peer(&w.m, w.ways[i].as, w.ways[i].capabilities, w.ways[i].as4, &w.ways[i].conf);
		w.up[i] = true;
	}
	for (unsigned int i = 0; i < STEPS; i++)
		step(&w);
	settle(&w);
	for (unsigned int i = 0; i < PEERS; i++)
		VEC_FREE(&w.views[i]);
	mesh_free(&w.m);
}

static void peers_believe_what_the_router_does(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		play(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peers_believe_what_the_router_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
