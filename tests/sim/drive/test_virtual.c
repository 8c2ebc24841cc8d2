/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtual driver: what its network promises, seen by two or three speakers and by the trace. */
#include "support.h"
#include "vec.h"
#include "virtual.h"

#include <stdlib.h>
#include <string.h>

#define MANY 3000

struct side {
	struct field *field;
	struct bgp_speaker *engine;
	virtual_node node;
	struct addr remote;
};

struct field {
	struct virtual *net;
	struct side sides[2];
	uint64_t hash;
	size_t counts[VIRTUAL_TIMER + 1];
	size_t shortest_read, longest_read;
};

static void on_trace(void *ctx, const struct virtual_event *e)
{
	struct field *f = ctx;

	f->counts[e->kind]++;
	f->hash = (f->hash ^ (uint64_t)e->at.ns ^ e->len << 8 ^ (uint64_t)e->kind) * UINT64_C(0x100000001b3);
	for (size_t i = 0; i < e->len; i++)
		f->hash = (f->hash ^ e->bytes[i]) * UINT64_C(0x100000001b3);
	if (e->kind != VIRTUAL_READS)
		return;
	f->shortest_read = e->len < f->shortest_read ? e->len : f->shortest_read;
	f->longest_read = e->len > f->longest_read ? e->len : f->longest_read;
}

static void on_dial(void *ctx, bgp_peer_id peer, struct addr *ret_remote, uint16_t *ret_port, struct addr *ret_source)
{
	const struct side *s = ctx;

	(void)peer;
	(void)ret_port;
	(void)ret_source;
	*ret_remote = s->remote;
}

static const struct drive_speaker_ops ops = {.dial = on_dial};

static struct bgp_speaker *engine_new(unsigned int i, bool passive, uint16_t hold_s, enum bgp_switch enforce_hold)
{
	struct bgp_speaker *s = bgp_speaker_new(&(struct bgp_speaker_conf){
		.as = 65000 + i, .router_id = 0x0a000001U + i, .seed = i, .switches = {.enforce_hold = enforce_hold}});
	struct bgp_peer_conf peer = {.name = "peer",
				     .remote = addr_v4(0x0a000002U - i),
				     .remote_as = 65001 - i,
				     .passive = passive,
				     .hold_s = hold_s,
				     .session = {.send_hold_s = 30}};
	bgp_peer_id id;

	assert_int_equal(bgp_peer_add(s, &peer, &id), 0);
	return s;
}

/* Side 0 waits, or dials as well; side 1 dials, and may bear with silence. */
static void field_init_bearing(struct field *f, const struct virtual_network *network, bool both_dial, uint16_t hold_s,
			       enum bgp_switch enforce_hold)
{
	*f = (struct field){.shortest_read = SIZE_MAX};
	f->net = virtual_new(&(struct virtual_conf){.seed = 7, .network = *network, .trace = on_trace, .ctx = f});
	for (unsigned int i = 0; i < 2; i++) {
		struct addr own = addr_v4(0x0a000001U + i);
		struct side *s = &f->sides[i];

		s->field = f;
		s->remote = addr_v4(0x0a000002U - i);
		s->engine = engine_new(i, i == 0 && !both_dial, hold_s, i == 1 ? enforce_hold : BGP_AS_PROFILE);
		s->node = virtual_add(
			f->net, &(struct virtual_node_conf){
					.listens = true, .addresses = &own, .address_count = 1, .ops = &ops, .ctx = s});
	}
	for (unsigned int i = 0; i < 2; i++)
		virtual_start(f->net, f->sides[i].node, f->sides[i].engine);
}

static void field_init(struct field *f, const struct virtual_network *network, bool both_dial, uint16_t hold_s)
{
	field_init_bearing(f, network, both_dial, hold_s, BGP_AS_PROFILE);
}

static void field_fini(struct field *f)
{
	virtual_free(f->net);
	bgp_speaker_free(f->sides[0].engine);
	bgp_speaker_free(f->sides[1].engine);
}

static void run_s(struct field *f, int64_t seconds)
{
	virtual_run(f->net, instant_add(virtual_now(f->net), seconds * NS_PER_S));
}

static bool up(const struct field *f)
{
	return bgp_peer_state(f->sides[0].engine, 0) == BGP_ESTABLISHED &&
	       bgp_peer_state(f->sides[1].engine, 0) == BGP_ESTABLISHED;
}

static const struct virtual_network plain = {.delay_ns = NS_PER_MS};
static const struct virtual_network rough = {.delay_ns = NS_PER_MS,
					     .spread_ns = 5 * NS_PER_MS,
					     .jitter_ns = NS_PER_MS,
					     .cut_percent = 60,
					     .late_percent = 60};

static void announce_many(struct field *f, unsigned int side, size_t n)
{
	struct bgp_originated *routes = calloc(n + 1, sizeof(*routes));
	struct bgp_speaker *s = f->sides[side].engine;

	assert_non_null(routes);
	for (size_t i = 0; i < n; i++) {
		struct addr a = addr_v4(0x14000000U + (uint32_t)i * 256);

		routes[i].prefix = prefix_make(&a, 24);
	}
	bgp_originate(s, routes, n);
	bgp_routes_commit(s, virtual_now(f->net));
	virtual_flush(f->net, f->sides[side].node);
	free(routes);
}

static void count_route(void *ctx, const struct prefix *prefix, const struct addr *next_hops, size_t n)
{
	size_t *count = ctx;

	(void)prefix;
	(void)next_hops;
	*count += n;
}

static size_t routes_of(const struct field *f, unsigned int side)
{
	size_t n = 0;

	bgp_loc_rib(f->sides[side].engine, count_route, &n);
	return n;
}

/* ---- The network ---- */

static void a_session_comes_up_and_lasts(void **state)
{
	struct field f;

	(void)state;
	field_init(&f, &plain, false, 9);
	run_s(&f, 1);
	assert_true(up(&f));
	run_s(&f, 24L * 3600);
	assert_true(up(&f));
	assert_int_equal(f.counts[VIRTUAL_CLOSED], 0);
	assert_int_equal(virtual_stats(f.net).connections, 1);
	assert_int_equal(virtual_stats(f.net).overdue, 0);
	field_fini(&f);
}

static void bytes_are_cut_and_joined_but_whole(void **state)
{
	struct field f;

	(void)state;
	field_init(&f, &rough, false, 90);
	run_s(&f, 1);
	announce_many(&f, 1, MANY);
	run_s(&f, 10);
	assert_int_equal(routes_of(&f, 0), MANY);
	announce_many(&f, 1, 0);
	run_s(&f, 10);
	assert_int_equal(routes_of(&f, 0), 0);
	assert_true(up(&f));
	assert_int_equal(f.shortest_read, 1);
	assert_true(f.longest_read > WIRE_MESSAGE_MAX);
	field_fini(&f);
}

static uint64_t hash_of_a_rough_hour(uint64_t seed)
{
	struct field f;
	uint64_t hash;
	struct virtual_network network = rough;

	network.jitter_ns += (int64_t)seed;
	field_init(&f, &network, true, 30);
	run_s(&f, 5);
	announce_many(&f, 0, 100);
	run_s(&f, 5);
	(void)virtual_break(f.net, 0, 1, VIRTUAL_RST, 7);
	run_s(&f, 3600);
	assert_true(up(&f));
	hash = f.hash;
	field_fini(&f);
	return hash;
}

static void the_same_seed_gives_the_same_run(void **state)
{
	(void)state;
	assert_true(hash_of_a_rough_hour(0) == hash_of_a_rough_hour(0));
	assert_true(hash_of_a_rough_hour(0) != hash_of_a_rough_hour(1));
}

static void both_dial_at_once_and_one_connection_stays(void **state)
{
	struct field f;

	(void)state;
	field_init(&f, &plain, true, 90);
	run_s(&f, 10);
	assert_true(up(&f));
	assert_int_equal(virtual_stats(f.net).connections, 2);
	assert_int_equal(virtual_stats(f.net).open, 1);
	field_fini(&f);
}

static void nobody_listens(void **state)
{
	struct field f;

	(void)state;
	field_init(&f, &plain, false, 90);
	run_s(&f, 1);
	virtual_stop(f.net, f.sides[0].node, VIRTUAL_FIN);
	run_s(&f, 10);
	assert_int_not_equal(bgp_peer_state(f.sides[1].engine, 0), BGP_ESTABLISHED);
	assert_true(f.counts[VIRTUAL_REFUSED] > 2);
	field_fini(&f);
}

static void refused_dials(void **state)
{
	struct virtual_network network = plain;
	struct field f;

	(void)state;
	network.refuse_percent = 100;
	field_init(&f, &network, false, 90);
	run_s(&f, 5);
	assert_int_equal(f.counts[VIRTUAL_ACCEPTS], 0);
	virtual_set_network(f.net, &plain);
	run_s(&f, 5);
	assert_true(up(&f));
	field_fini(&f);
}

/* ---- Faults ---- */

static void silence_ends_before_the_hold_timer(void **state)
{
	struct field f;

	(void)state;
	field_init(&f, &plain, false, 30);
	run_s(&f, 1);
	virtual_silence(f.net, 0, 1, true);
	announce_many(&f, 1, 10);
	run_s(&f, 15);
	assert_int_equal(routes_of(&f, 0), 0);
	virtual_silence(f.net, 1, 0, false);
	run_s(&f, 2);
	assert_int_equal(routes_of(&f, 0), 10);
	assert_int_equal(f.counts[VIRTUAL_CLOSED] + f.counts[VIRTUAL_CLOSES], 0);
	field_fini(&f);
}

static void silence_outlasts_the_hold_timer(void **state)
{
	struct field f;

	(void)state;
	field_init(&f, &plain, false, 9);
	run_s(&f, 1);
	virtual_silence(f.net, 0, 1, true);
	run_s(&f, 20);
	assert_false(up(&f));
	virtual_silence(f.net, 0, 1, false);
	run_s(&f, 300);
	assert_true(up(&f));
	field_fini(&f);
}

static void tcp_gives_up(void **state)
{
	struct virtual_network network = plain;
	struct field f;

	(void)state;
	network.give_up_ns = 60 * NS_PER_S;
	/* Hold time 0: the session's own timers don't notice. */
	field_init(&f, &network, false, 0);
	run_s(&f, 1);
	virtual_silence(f.net, 0, 1, true);
	announce_many(&f, 1, 1);
	run_s(&f, 59);
	assert_int_equal(bgp_peer_state(f.sides[1].engine, 0), BGP_ESTABLISHED);
	run_s(&f, 2);
	assert_int_not_equal(bgp_peer_state(f.sides[1].engine, 0), BGP_ESTABLISHED);
	assert_int_equal(bgp_peer_state(f.sides[0].engine, 0), BGP_ESTABLISHED);
	field_fini(&f);
}

/* RFC 9687: the peer talks, so that our HoldTimer is content, but does not read, nor mind that it hears nothing. */
static void writes_that_do_not_drain_end_the_session(void **state)
{
	struct field f;

	(void)state;
	field_init_bearing(&f, &plain, false, 9, BGP_OFF);
	run_s(&f, 1);
	virtual_unread(f.net, 0, 1, true);
	announce_many(&f, 0, 100);
	run_s(&f, 80);
	assert_true(up(&f));
	virtual_unread(f.net, 0, 1, false);
	run_s(&f, 5);
	assert_int_equal(routes_of(&f, 1), 100);
	virtual_unread(f.net, 0, 1, true);
	announce_many(&f, 0, 40000);
	run_s(&f, 29);
	assert_int_equal(bgp_peer_state(f.sides[0].engine, 0), BGP_ESTABLISHED);
	run_s(&f, 2);
	assert_int_not_equal(bgp_peer_state(f.sides[0].engine, 0), BGP_ESTABLISHED);
	assert_int_equal(bgp_peer_state(f.sides[1].engine, 0), BGP_ESTABLISHED);
	virtual_unread(f.net, 0, 1, false);
	run_s(&f, 300);
	assert_true(up(&f));
	assert_int_equal(routes_of(&f, 1), 40000);
	field_fini(&f);
}

static void connections_break_after_so_many_bytes(void **state)
{
	static const struct {
		enum virtual_end how;
		size_t after;
	} rows[] = {{VIRTUAL_FIN, 0}, {VIRTUAL_RST, 0}, {VIRTUAL_FIN, 5}, {VIRTUAL_RST, 5}, {VIRTUAL_RST, 18}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct field f;
		uint64_t before;

		field_init(&f, &plain, false, 9);
		run_s(&f, 1);
		before = virtual_stats(f.net).bytes;
		assert_int_equal(virtual_break(f.net, 1, 0, rows[i].how, rows[i].after), 1);
		virtual_run(f.net, instant_add(virtual_now(f.net), 10 * NS_PER_MS));
		assert_int_equal(up(&f), rows[i].after > 0);
		if (rows[i].after > 0) {
			/* One UPDATE of side 1 gets through in part. */
			announce_many(&f, 1, 1);
			virtual_run(f.net, instant_add(virtual_now(f.net), 10 * NS_PER_MS));
			assert_false(up(&f));
			if (rows[i].how == VIRTUAL_RST)
				assert_int_equal(virtual_stats(f.net).bytes - before, rows[i].after);
		}
		run_s(&f, 60);
		assert_true(up(&f));
		field_fini(&f);
	}
}

static void power_loss_and_return(void **state)
{
	struct field f;

	(void)state;
	field_init(&f, &plain, false, 90);
	run_s(&f, 1);
	virtual_stop(f.net, f.sides[0].node, VIRTUAL_SILENT);
	bgp_speaker_free(f.sides[0].engine);
	run_s(&f, 40);
	assert_int_equal(bgp_peer_state(f.sides[1].engine, 0), BGP_ESTABLISHED);
	f.sides[0].engine = engine_new(0, true, 90, BGP_AS_PROFILE);
	virtual_start(f.net, f.sides[0].node, f.sides[0].engine);
	/* The KEEPALIVE that TCP still holds for it is answered with RST, well before the HoldTimer. */
	run_s(&f, 5);
	assert_true(up(&f));
	assert_int_equal(virtual_stats(f.net).connections, 2);
	field_fini(&f);
}

static void a_paused_node_goes_on(void **state)
{
	struct field f;

	(void)state;
	field_init(&f, &plain, false, 30);
	run_s(&f, 1);
	announce_many(&f, 1, 3);
	virtual_pause(f.net, 0, 20 * NS_PER_S);
	run_s(&f, 19);
	assert_int_equal(routes_of(&f, 0), 0);
	run_s(&f, 2);
	assert_int_equal(routes_of(&f, 0), 3);
	assert_true(up(&f));
	virtual_pause(f.net, 0, 100 * NS_PER_S);
	run_s(&f, 50);
	assert_false(up(&f));
	run_s(&f, 300);
	assert_true(up(&f));
	field_fini(&f);
}

static void the_clock_jumps(void **state)
{
	struct field f;
	struct instant before;

	(void)state;
	field_init(&f, &plain, false, 30);
	run_s(&f, 1);
	before = virtual_now(f.net);
	virtual_jump(f.net, 1000 * NS_PER_S);
	assert_true(instant_since(virtual_now(f.net), before) == 1000 * NS_PER_S);
	run_s(&f, 300);
	assert_true(up(&f));
	assert_int_equal(virtual_stats(f.net).overdue, 0);
	field_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_comes_up_and_lasts),
		cmocka_unit_test(bytes_are_cut_and_joined_but_whole),
		cmocka_unit_test(the_same_seed_gives_the_same_run),
		cmocka_unit_test(both_dial_at_once_and_one_connection_stays),
		cmocka_unit_test(nobody_listens),
		cmocka_unit_test(refused_dials),
		cmocka_unit_test(silence_ends_before_the_hold_timer),
		cmocka_unit_test(silence_outlasts_the_hold_timer),
		cmocka_unit_test(tcp_gives_up),
		cmocka_unit_test(writes_that_do_not_drain_end_the_session),
		cmocka_unit_test(connections_break_after_so_many_bytes),
		cmocka_unit_test(power_loss_and_return),
		cmocka_unit_test(a_paused_node_goes_on),
		cmocka_unit_test(the_clock_jumps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
