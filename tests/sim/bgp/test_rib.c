/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loc-rib after random churn against a recomputation that knows only RFC 4271's words: a path is out when another
 * one beats it at the first step where they differ. Every output is checked on the way: each one changes something. */
#include "by_hand.h"
#include "rng.h"

#include <stdlib.h>
#include <string.h>

#define PEERS 6
#define PREFIXES 12
#define OWN_AS 65001
#define STEPS 3000

struct model_path {
	bool there;
	struct wire_route_attrs attrs;
	uint32_t ases[4];
};

struct model {
	struct hand h;
	struct rng rng;
	unsigned int max_paths;
	bool relax;
	bgp_conn_id conns[PEERS];
	bool up[PEERS];
	struct model_path paths[PREFIXES][PEERS];
	size_t told_count[PREFIXES];
	struct addr told[PREFIXES][PEERS];
	int64_t ms;
};

/* Peers 0 and 1 share an AS, 4 and 5 are internal; identifiers fall as addresses rise, 2 and 3 have one identifier. */
static uint32_t as_of(unsigned int peer)
{
	static const uint32_t ases[PEERS] = {65010, 65010, 65020, 65030, OWN_AS, OWN_AS};

	return ases[peer];
}

static uint32_t id_of(unsigned int peer)
{
	return peer == 3 ? 98 : 100 - peer;
}

static bool internal(unsigned int peer)
{
	return as_of(peer) == OWN_AS;
}

static struct addr address_of(unsigned int peer)
{
	return addr_v4(0x0a000010 + peer);
}

static struct prefix prefix_of(unsigned int i)
{
	struct addr a = addr_v4(0xac100000 + (i << 8));

	return prefix_make(&a, 20 + i);
}

static void peer_up(struct model *m, unsigned int peer)
{
	struct addr local = hand_addr("10.0.0.1"), remote = address_of(peer);

	assert_true(bgp_in_accepted(m->h.s, &local, &remote, hand_at_ms(m->ms), &m->conns[peer]));
	hand_says_open(&m->h, m->conns[peer], as_of(peer), 0, id_of(peer), m->ms);
	hand_says(&m->h, m->conns[peer], KEEPALIVE, m->ms);
	assert_int_equal(bgp_peer_state(m->h.s, peer), BGP_ESTABLISHED);
	m->up[peer] = true;
}

static void model_init(struct model *m, uint64_t seed)
{
	memset(m, 0, sizeof(*m));
	m->rng.state = seed;
	m->max_paths = (unsigned int)rng_below(&m->rng, 5);
	m->relax = rng_below(&m->rng, 2) == 0;
	m->h.s = bgp_speaker_new(&(struct bgp_speaker_conf){.as = OWN_AS,
							    .router_id = 1,
							    .max_paths = m->max_paths,
							    .multipath_relax = m->relax,
							    .readvertise = true,
							    .seed = seed});
	for (unsigned int i = 0; i < PEERS; i++) {
		bgp_peer_id id;

		assert_int_equal(bgp_peer_add(m->h.s,
					      &(struct bgp_peer_conf){
						      .remote = address_of(i), .remote_as = as_of(i), .passive = true},
					      &id),
				 0);
		bgp_peer_start(m->h.s, id, hand_at_ms(0));
		peer_up(m, i);
	}
	bgp_outputs_clear(m->h.s);
}

/* ---- The recomputation ---- */

static uint32_t preference(unsigned int peer, const struct model_path *p)
{
	return internal(peer) && p->attrs.local_pref_present ? p->attrs.local_pref : 100;
}

static uint32_t neighbor(const struct model_path *p)
{
	return p->attrs.as_count > 0 ? p->ases[0] : 0;
}

/* True when path a of peer x throws path b of peer y out by step 9.1.1 or one of 9.1.2.2 a, b. */
static bool better_before_med(unsigned int x, const struct model_path *a, unsigned int y, const struct model_path *b)
{
	if (preference(x, a) != preference(y, b))
		return preference(x, a) > preference(y, b);
	if (a->attrs.as_count != b->attrs.as_count)
		return a->attrs.as_count < b->attrs.as_count;
	return a->attrs.origin < b->attrs.origin;
}

static bool better_by_med(const struct model_path *a, const struct model_path *b)
{
	uint32_t x = a->attrs.med_present ? a->attrs.med : 0, y = b->attrs.med_present ? b->attrs.med : 0;

	return neighbor(a) == neighbor(b) && x < y;
}

/* Marks in alive[] those that no other alive one beats. */
static void survive_preference(const struct model_path *paths, bool alive[PEERS], bool med)
{
	bool before[PEERS];

	memcpy(before, alive, sizeof(before));
	for (unsigned int y = 0; y < PEERS; y++)
		for (unsigned int x = 0; x < PEERS; x++)
			if (before[x] && before[y] &&
			    (med ? better_by_med(&paths[x], &paths[y]) : better_before_med(x, &paths[x], y, &paths[y])))
				alive[y] = false;
}

static void survive_internal(bool alive[PEERS])
{
	bool external = false;

	for (unsigned int x = 0; x < PEERS; x++)
		external |= alive[x] && !internal(x);
	for (unsigned int x = 0; x < PEERS; x++)
		alive[x] &= !external || !internal(x);
}

/* The alive one with the lowest identifier, then address; PEERS for none. */
static unsigned int first_of(const bool alive[PEERS])
{
	unsigned int first = PEERS;

	for (unsigned int x = 0; x < PEERS; x++)
		if (alive[x] && (first == PEERS || id_of(x) < id_of(first)))
			first = x;
	return first;
}

static int by_address(const void *a, const void *b)
{
	return addr_compare(a, b);
}

static size_t expected(const struct model *m, unsigned int prefix, struct addr ret[PEERS])
{
	const struct model_path *paths = m->paths[prefix];
	bool alive[PEERS];
	unsigned int best, x;
	size_t n = 0;

	for (x = 0; x < PEERS; x++)
		alive[x] = paths[x].there;
	survive_preference(paths, alive, false);
	survive_preference(paths, alive, true);
	survive_internal(alive);
	best = first_of(alive);
	while ((x = first_of(alive)) != PEERS && n < (m->max_paths > 1 ? m->max_paths : 1)) {
		bool same = memcmp(paths[x].ases, paths[best].ases, sizeof(paths[x].ases)) == 0;
		bool taken = false;

		alive[x] = false;
		for (size_t i = 0; i < n; i++)
			taken |= addr_equal(&ret[i], &paths[x].attrs.next_hop);
		if (!taken && (same || m->relax))
			ret[n++] = paths[x].attrs.next_hop;
	}
	qsort(ret, n, sizeof(*ret), by_address);
	return n;
}

/* ---- Churn ---- */

static void send_update(struct model *m, unsigned int peer, const struct wire_out *out)
{
	bgp_in_bytes(m->h.s, m->conns[peer], out->bytes, out->len, hand_at_ms(m->ms));
}

static void announce(struct model *m, unsigned int peer, unsigned int prefix)
{
	struct model_path *p = &m->paths[prefix][peer];
	struct wire_session session = {.as4 = true};
	struct wire_route route = {.prefix = prefix_of(prefix)};
	uint8_t bytes[WIRE_MESSAGE_MAX];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));
	size_t hops = 0;

	memset(p, 0, sizeof(*p));
	p->there = true;
	if (!internal(peer))
		p->ases[hops++] = as_of(peer);
	for (uint64_t more = rng_below(&m->rng, 3); more > 0; more--)
		p->ases[hops++] = 65010 + 10 * (uint32_t)rng_below(&m->rng, 2);
	p->attrs.as_count = hops;
	p->attrs.origin = (uint8_t)(rng_below(&m->rng, 8) / 3);
	p->attrs.med_present = rng_below(&m->rng, 2) == 0;
	p->attrs.med = p->attrs.med_present ? (uint32_t)rng_below(&m->rng, 3) : 0;
	p->attrs.local_pref_present = rng_below(&m->rng, 2) == 0;
	p->attrs.local_pref = 99 + (uint32_t)rng_below(&m->rng, 3);
	p->attrs.next_hop = rng_below(&m->rng, 4) == 0 ? addr_v4(0x0a0000c8) : address_of(peer);
	p->attrs.as_path = p->ases;
	wire_update_encode(&out, &session, &p->attrs, &route, 1);
	assert_false(out.full);
	send_update(m, peer, &out);
}

static void withdraw(struct model *m, unsigned int peer, unsigned int prefix)
{
	struct wire_session session = {.as4 = true};
	struct wire_route route = {.prefix = prefix_of(prefix)};
	uint8_t bytes[WIRE_MESSAGE_MAX];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));

	m->paths[prefix][peer].there = false;
	wire_withdraw_encode(&out, &session, WIRE_AFI_IPV4, &route, 1);
	send_update(m, peer, &out);
}

static void flap(struct model *m, unsigned int peer)
{
	bgp_in_closed(m->h.s, m->conns[peer], hand_at_ms(m->ms));
	for (unsigned int i = 0; i < PREFIXES; i++)
		m->paths[i][peer].there = false;
	/* IdleHoldTimer: nobody is let in before it has run. */
	m->ms += 200000;
	bgp_in_time(m->h.s, hand_at_ms(m->ms));
	peer_up(m, peer);
}

static void step(struct model *m)
{
	unsigned int peer = (unsigned int)rng_below(&m->rng, PEERS);
	unsigned int prefix = (unsigned int)rng_below(&m->rng, PREFIXES);
	uint64_t what = rng_below(&m->rng, 100);

	m->ms++;
	if (what < 65)
		announce(m, peer, prefix);
	else if (what < 97)
		withdraw(m, peer, prefix);
	else
		flap(m, peer);
}

/* ---- Comparison ---- */

/* Outputs of one event tell of a prefix at most once, ascending, and never what was told already. */
static void hear(struct model *m)
{
	bool heard[PREFIXES] = {false};
	size_t n;
	const struct bgp_output *outs = bgp_outputs(m->h.s, &n);

	for (size_t i = 0; i < n; i++) {
		unsigned int p = 0;

		if (outs[i].kind != BGP_OUT_ROUTE)
			continue;
		while (p < PREFIXES && (prefix_of(p).len != outs[i].prefix.len))
			p++;
		assert_true(p < PREFIXES && !heard[p]);
		heard[p] = true;
		assert_false(outs[i].next_hop_count == m->told_count[p] &&
			     memcmp(outs[i].next_hops, m->told[p], m->told_count[p] * sizeof(m->told[p][0])) == 0);
		m->told_count[p] = outs[i].next_hop_count;
		memcpy(m->told[p], outs[i].next_hops, m->told_count[p] * sizeof(m->told[p][0]));
	}
	bgp_outputs_clear(m->h.s);
}

struct walk {
	const struct model *m;
	unsigned int seen;
};

static void check_entry(void *ctx, const struct prefix *prefix, const struct addr *next_hops, size_t n)
{
	struct walk *w = ctx;
	struct addr want[PEERS];
	unsigned int p = prefix->len - 20U;
	bool there = false;

	assert_true(n > 0);
	assert_int_equal(expected(w->m, p, want), n);
	for (size_t i = 0; i < n; i++)
		there |= addr_equal(&next_hops[0], &want[i]);
	assert_true(there);
	w->seen++;
}

static void compare(const struct model *m)
{
	struct walk w = {.m = m};
	unsigned int reachable = 0;

	for (unsigned int p = 0; p < PREFIXES; p++) {
		struct prefix prefix = prefix_of(p);
		struct addr want[PEERS];
		size_t n = expected(m, p, want);

		reachable += n > 0;
		if (n != m->told_count[p] || memcmp(want, m->told[p], n * sizeof(want[0])) != 0)
			fail_msg("%s at %d ms: expected %zu next hops, told of %zu", prefix_text(&prefix).s, (int)m->ms,
				 n, m->told_count[p]);
	}
	bgp_loc_rib(m->h.s, check_entry, &w);
	assert_int_equal(w.seen, reachable);
}

static void test_churn(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 12; seed++) {
		struct model m;

		model_init(&m, seed);
		for (unsigned int i = 0; i < STEPS; i++) {
			step(&m);
			hear(&m);
			compare(&m);
		}
		bgp_speaker_free(m.h.s);
	}
}

/* RFC 4271 section 9.1.2.2: MED is no order. a and c of one neighbour, b of another: without b, c's MED decides alone. */
static void test_med_is_no_order(void **state)
{
	struct model m;
	static const struct {
		unsigned int peer;
		uint32_t med;
	} paths[] = {{0, 20}, {2, 30}, {1, 10}};
	struct wire_session session = {.as4 = true};

	(void)state;
	model_init(&m, 4);
	for (size_t i = 0; i < 3; i++) {
		uint32_t as = as_of(paths[i].peer);
		struct wire_route route = {.prefix = prefix_of(0)};
		struct wire_route_attrs attrs = {.as_path = &as,
						 .as_count = 1,
						 .next_hop = address_of(paths[i].peer),
						 .med_present = true,
						 .med = paths[i].med};
		uint8_t bytes[256];
		struct wire_out out = wire_out_to(bytes, sizeof(bytes));

		wire_update_encode(&out, &session, &attrs, &route, 1);
		m.paths[0][paths[i].peer] = (struct model_path){.there = true, .attrs = attrs, .ases = {as}};
		send_update(&m, paths[i].peer, &out);
		hear(&m);
		compare(&m);
	}
	bgp_speaker_free(m.h.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_churn),
		cmocka_unit_test(test_med_is_no_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
