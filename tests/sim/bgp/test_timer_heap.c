/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The heap of timers against a plain search, and the list of connections against the peers', over random events. */
#include "bgp_int.h"
#include "by_hand.h"

#define PEERS 40
#define STEPS 20000

static int64_t earliest(const struct bgp_speaker *s)
{
	int64_t ns = s->deferral_due.ns < s->origination_due.ns ? s->deferral_due.ns : s->origination_due.ns;

	for (size_t i = 0; i < s->peers.len; i++) {
		const struct peer *p = s->peers.at[i];
		const int64_t dues[] = {p->connect_retry_due.ns,
					p->idle_hold_due.ns,
					p->mrai_due.ns,
					p->stale[0].due.ns,
					p->stale[1].due.ns,
					p->conns[0].hold_due.ns,
					p->conns[0].keepalive_due.ns,
					p->conns[0].delay_open_due.ns,
					p->conns[1].hold_due.ns,
					p->conns[1].keepalive_due.ns,
					p->conns[1].delay_open_due.ns};

		for (size_t k = 0; k < sizeof(dues) / sizeof(dues[0]); k++)
			ns = dues[k] < ns ? dues[k] : ns;
	}
	return ns;
}

static void check(const struct bgp_speaker *s)
{
	size_t up = 0;

	assert_int_equal(bgp_deadline(s).ns, earliest(s));
	for (size_t i = 0; i < s->peers.len; i++)
		for (size_t k = 0; k < 2; k++)
			up += s->peers.at[i]->conns[k].tcp != TCP_NONE;
	assert_int_equal(s->conns.len, up);
	for (size_t i = 0; i < s->conns.len; i++) {
		assert_ptr_equal(session_find(s, s->conns.at[i]->id), s->conns.at[i]);
		assert_true(i == 0 || s->conns.at[i - 1]->id < s->conns.at[i]->id);
	}
}

static struct addr address(size_t i)
{
	struct addr first = hand_addr("10.0.1.0");

	return addr_add(&first, i);
}

static struct bgp_speaker *speaker(void)
{
	struct bgp_speaker *s = bgp_speaker_new(
		&(struct bgp_speaker_conf){.as = 65001, .router_id = 0x0a000001, .max_paths = 4, .readvertise = true});

	for (size_t i = 0; i < PEERS; i++) {
		bgp_peer_id id;

		assert_int_equal(bgp_peer_add(s,
					      &(struct bgp_peer_conf){
						      .remote = address(i),
						      .remote_as = 65002,
						      .passive = i % 2 == 0,
						      .hold_s = (uint16_t)(3 * (i % 5)),
						      .delay_open_s = i % 7 == 0,
						      .restart = {.on = i % 3 == 0, .long_lived_s = i % 4 == 0 ? 9 : 0},
						      .session = {.mrai_s = i % 4 == 1},
					      },
					      &id),
				 0);
		bgp_peer_start(s, id, hand_at_ms(0));
	}
	return s;
}

static void say(struct bgp_speaker *s, struct rng *rng, int64_t ms)
{
	static const char *const words[] = {
		MARKER "0042 01 04 fdea 0009 0a000002 25 02 23 0104 00010001 4600 400a 4001 00010180 00020180"
		       "4707 0001 01 80 000004 4104 0000fdea",
		KEEPALIVE,
		KEEPALIVE,
		MARKER "0030 02 0000 0014 40010100 400206 0201 0000fdea 400304 0a000002 20 ac10fe01",
		MARKER "0017 02 0000 0000",
		MARKER "0015 03 06 04",
	};
	uint8_t bytes[256];
	const struct conn *c;
	size_t word;

	if (s->conns.len == 0)
		return;
	c = s->conns.at[rng_below(rng, s->conns.len)];
	if (c->tcp != TCP_UP)
		return;
	word = c->state <= BGP_OPEN_SENT ? 0 : 1 + rng_below(rng, 5) % (c->state == BGP_ESTABLISHED ? 5 : 1);
	if (word == 5 && rng_below(rng, 4) != 0)
		word = 1;
	bgp_in_bytes(s, c->id, bytes, support_hex(words[word], bytes, sizeof(bytes)), hand_at_ms(ms));
}

static void event(struct bgp_speaker *s, struct rng *rng, int64_t ms)
{
	struct addr local = hand_addr("10.0.0.1"), remote = address(rng_below(rng, PEERS));
	bgp_peer_id peer = (bgp_peer_id)rng_below(rng, PEERS);
	const struct conn *c = s->conns.len > 0 ? s->conns.at[rng_below(rng, s->conns.len)] : NULL;
	bgp_conn_id accepted;
	uint64_t what = rng_below(rng, 64);

	if (what < 40)
		say(s, rng, ms);
	else if (what < 46)
		(void)bgp_in_accepted(s, &local, &remote, hand_at_ms(ms), &accepted);
	else if (what < 53 && c != NULL && c->tcp == TCP_DIALLING)
		bgp_in_connected(s, c->id, &local, hand_at_ms(ms));
	else if (what == 54 && c != NULL && rng_below(rng, 8) == 0)
		bgp_in_closed(s, c->id, hand_at_ms(ms));
	else if (what == 56 && rng_below(rng, 8) == 0)
		bgp_peer_stop(s, peer, hand_at_ms(ms));
	else if (what < 59)
		bgp_peer_start(s, peer, hand_at_ms(ms));
	else if (what == 59 && rng_below(rng, 8) == 0)
		bgp_peer_reset(s, peer, &(struct bgp_cease){.subcode = BGP_CEASE_BFD_DOWN}, hand_at_ms(ms));
	else
		bgp_in_time(s, hand_at_ms(ms));
}

static void test_against_search(void **state)
{
	struct bgp_speaker *s = speaker();
	struct rng rng = {7};
	int64_t ms = 0;
	size_t most_up = 0;

	(void)state;
	for (size_t i = 0; i < STEPS; i++) {
		size_t up = 0;

		ms += (int64_t)rng_below(&rng, 40);
		event(s, &rng, ms);
		check(s);
		bgp_outputs_clear(s);
		for (bgp_peer_id p = 0; p < PEERS; p++)
			up += bgp_peer_state(s, p) == BGP_ESTABLISHED;
		most_up = up > most_up ? up : most_up;
	}
	/* The noise is not all refusals. */
	assert_in_range(most_up, PEERS / 4, PEERS);
	bgp_speaker_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_search),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
