/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A session against a hand-played other side: the state machine cell by cell, who gets which packet, timers, the Poll
 * Sequence, demand mode (RFC 5880). */
#include "hand.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MS NS_PER_MS

#define A WIRE_BFD_ADMIN_DOWN
#define D WIRE_BFD_DOWN
#define I WIRE_BFD_INIT
#define U WIRE_BFD_UP

/* The diagram of RFC 5880 section 6.2 and the text of 6.8.6, typed apart from the engine's table. */
static const struct cell_row {
	enum wire_bfd_state ours, theirs, next;
	uint8_t diag; /* after a fall */
	bool failure;
} cell_rows[] = {
	{A, A, A, 7, false}, {A, D, A, 7, false}, {A, I, A, 7, false}, {A, U, A, 7, false},
	{D, A, D, 0, false}, {D, D, I, 0, false}, {D, I, U, 0, false}, {D, U, D, 0, false},
	{I, A, D, 3, false}, {I, D, I, 0, false}, {I, I, U, 0, false}, {I, U, U, 0, false},
	{U, A, D, 3, false}, {U, D, D, 3, true},  {U, I, U, 0, false}, {U, U, U, 0, false},
};

static void every_cell_of_the_state_machine(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cell_rows) / sizeof(cell_rows[0]); i++) {
		const struct cell_row *row = &cell_rows[i];
		struct bfd_session_info info;
		struct hand h;

		hand_begin(&h, &(struct bfd_session_conf){0});
		if (row->ours == A)
			bfd_session_admin_down(h.engine, h.id, true, h.now);
		if (row->ours == I || row->ours == U)
			(void)hand_say(&h, D);
		if (row->ours == U)
			(void)hand_say(&h, U);
		hand_look(&h);
		assert_int_equal(hand_state(&h), row->ours);
		h.changes = h.sent = 0;
		(void)hand_say(&h, row->theirs);
		info = bfd_session_info(h.engine, h.id);
		if (info.state != row->next || info.diag != row->diag)
			fail_msg("%d hears %d: %d, diagnostic %u", row->ours, row->theirs, info.state, info.diag);
		assert_int_equal(h.changes, row->ours != row->next);
		/* Section 6.8.7: a change is told at once, nothing else is. */
		assert_int_equal(h.sent, h.changes);
		if (h.changes > 0) {
			assert_int_equal(h.change.from, row->ours);
			assert_int_equal(h.change.to, row->next);
			assert_int_equal(h.change.failure, row->failure);
			assert_int_equal(h.last.state, row->next);
			assert_int_equal(h.last.diag, row->diag);
			assert_int_equal(h.last.your, THEIRS);
		}
		hand_end(&h);
	}
}

/* ---- Reception ---- */

static void packets_find_their_session_or_are_dropped(void **state)
{
	struct wire_bfd p;
	struct hand h;
	uint32_t ours;

	(void)state;
	hand_begin(&h, &(struct bfd_session_conf){0});
	ours = bfd_session_info(h.engine, h.id).local_discriminator;
	assert_int_not_equal(ours, 0);
	h.from.ttl = 254;
	assert_int_equal(hand_say(&h, D), WIRE_BFD_DROP_TTL);
	h.from.ttl = 255;
	h.from.remote.b[3]++;
	assert_int_equal(hand_say(&h, D), WIRE_BFD_DROP_STRANGER);
	h.from.remote.b[3]--;
	h.from.local.b[3]++;
	assert_int_equal(hand_say(&h, D), WIRE_BFD_DROP_STRANGER);
	h.from.local.b[3]--;
	p = hand_packet(&h, D);
	p.your = ours ^ 0x10000;
	assert_int_equal(hand_give(&h, &p), WIRE_BFD_DROP_YOUR);
	p.your = ours + 1;
	assert_int_equal(hand_give(&h, &p), WIRE_BFD_DROP_YOUR);
	p.your = 0x10000;
	assert_int_equal(hand_give(&h, &p), WIRE_BFD_DROP_YOUR);
	p = hand_packet(&h, U);
	p.your = 0;
	assert_int_equal(hand_give(&h, &p), WIRE_BFD_DROP_YOUR_ZERO);
	p = hand_packet(&h, D);
	p.multiplier = 0;
	assert_int_equal(hand_give(&h, &p), WIRE_BFD_DROP_MULTIPLIER);
	p = hand_packet(&h, D);
	p.auth_type = WIRE_BFD_AUTH_PASSWORD;
	p.secret = wire_in_of("x", 1);
	assert_int_equal(hand_give(&h, &p), WIRE_BFD_DROP_AUTH_GIVEN);
	assert_int_equal(hand_state(&h), D);
	assert_int_equal(bfd_dropped(h.engine, WIRE_BFD_DROP_YOUR), 3);
	/* Section 6.3: with the discriminator it is the session's whatever the addresses. */
	h.from.remote.b[3]++;
	p = hand_packet(&h, D);
	p.your = ours;
	assert_int_equal(hand_give(&h, &p), WIRE_BFD_KEPT);
	assert_int_equal(hand_state(&h), I);
	hand_end(&h);
}

static void a_discriminator_of_a_removed_session_is_no_more(void **state)
{
	struct bfd_session_conf conf;
	struct wire_bfd p;
	struct hand h;

	(void)state;
	hand_begin(&h, &(struct bfd_session_conf){0});
	hand_up(&h);
	p = hand_packet(&h, U);
	conf = *bfd_session_conf(h.engine, h.id);
	assert_int_equal(bfd_session_add(h.engine, &conf, h.now, &h.id), -EEXIST);
	bfd_session_admin_down(h.engine, h.id, true, h.now);
	bfd_session_remove(h.engine, h.id);
	hand_look(&h); /* what it had to say goes with it */
	assert_int_equal(bfd_deadline(h.engine).ns, INSTANT_NEVER.ns);
	assert_int_equal(bfd_session_add(h.engine, &conf, h.now, &h.id), 0);
	assert_int_equal(hand_give(&h, &p), WIRE_BFD_DROP_YOUR);
	hand_end(&h);
}

static void what_cannot_be_is_refused(void **state)
{
	static const struct bfd_session_conf good = {.remote = {.family = ADDR_V4, .b = {10, 0, 0, 2}}};
	struct bfd_session_conf conf[8];
	struct bfd *b = bfd_new(1);
	bfd_session_id id;

	(void)state;
	for (size_t i = 0; i < 8; i++)
		conf[i] = good;
	conf[0].remote.family = ADDR_NONE;
	conf[1].local = (struct addr){.family = ADDR_V6};
	conf[2].desired_tx_us = BFD_INTERVAL_MIN_US - 1;
	conf[3].required_rx_us = 1;
	conf[4].auth = (struct bfd_auth){.type = WIRE_BFD_AUTH_PASSWORD};
	conf[5].auth = (struct bfd_auth){.type = WIRE_BFD_AUTH_MD5, .key_len = 17};
	conf[6].auth = (struct bfd_auth){.type = WIRE_BFD_AUTH_SHA1, .key_len = 21};
	conf[7].auth = (struct bfd_auth){.type = (enum wire_bfd_auth_type)6, .key_len = 4};
	for (size_t i = 0; i < 8; i++)
		if (bfd_session_add(b, &conf[i], (struct instant){0}, &id) != -EINVAL)
			fail_msg("configuration %zu", i);
	assert_int_equal(bfd_session_add(b, &good, (struct instant){0}, &id), 0);
	assert_int_equal(bfd_session_set(b, id, 999, 1000, 1, (struct instant){0}), -EINVAL);
	assert_int_equal(bfd_session_set(b, id, 1000, 1000, 0, (struct instant){0}), -EINVAL);
	bfd_free(b);
}

/* ---- Timers ---- */

/* Intervals of periodic packets lie in a window whose both ends are come near to. */
static void jitter_is_between(uint8_t multiplier, int64_t low_ns, int64_t high_ns)
{
	int64_t least = INT64_MAX, most = 0;
	struct instant before;
	struct hand h;

	hand_begin(&h, &(struct bfd_session_conf){.multiplier = multiplier});
	hand_up(&h);
	hand_wait(&h, 300 * MS);
	before = h.last_at;
	for (unsigned int i = 0; i < 2000; i++) {
		unsigned int sent = h.sent;

		(void)hand_say(&h, U);
		assert_int_equal(h.sent, sent);
		while (h.sent == sent) {
			h.now = bfd_deadline(h.engine);
			bfd_in_time(h.engine, h.now);
			hand_look(&h);
		}
		least = instant_since(h.now, before) < least ? instant_since(h.now, before) : least;
		most = instant_since(h.now, before) > most ? instant_since(h.now, before) : most;
		before = h.now;
	}
	assert_int_equal(hand_state(&h), U);
	assert_in_range(least, low_ns, low_ns + MS);
	assert_in_range(most, high_ns - MS, high_ns);
	hand_end(&h);
}

static void packets_are_jittered(void **state)
{
	(void)state;
	jitter_is_between(3, 225 * MS, 300 * MS);
	jitter_is_between(1, 225 * MS, 270 * MS); /* section 6.8.7: at most 90 % */
}

static void packets_are_a_second_apart_unless_up(void **state)
{
	struct hand h;

	(void)state;
	hand_begin(&h, &(struct bfd_session_conf){.desired_tx_us = 10000, .required_rx_us = 10000});
	hand_wait(&h, 0);
	assert_int_equal(h.sent, 1);
	assert_int_equal(h.last.desired_tx_us, 1000000);
	assert_int_equal(h.last.required_rx_us, 10000);
	assert_int_equal(h.last.required_echo_rx_us, 0);
	hand_wait(&h, 100 * NS_PER_S);
	assert_in_range(h.sent, 101, 134);
	hand_end(&h);
}

/* Section 6.8.4: their multiplier by the greater of our Required Min RX and their Desired Min TX. */
static const struct detect_row {
	uint32_t our_rx_us, their_tx_us;
	uint8_t their_multiplier;
	int64_t want_ns;
} detect_rows[] = {
	{300000, 300000, 3, 900 * MS}, {300000, 50000, 3, 900 * MS},
	{50000, 300000, 5, 1500 * MS}, {1000, 1, 1, 1 * MS},
	{10000, 0, 255, 2550 * MS},    {1000, UINT32_MAX, 255, 255 * (int64_t)UINT32_MAX * 1000},
};

static void silence_ends_a_session_after_the_detection_time(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(detect_rows) / sizeof(detect_rows[0]); i++) {
		const struct detect_row *row = &detect_rows[i];
		struct wire_bfd p;
		struct hand h;

		hand_begin(&h, &(struct bfd_session_conf){.required_rx_us = row->our_rx_us});
		(void)hand_say(&h, D);
		p = hand_packet(&h, U);
		p.desired_tx_us = row->their_tx_us;
		p.multiplier = row->their_multiplier;
		assert_int_equal(hand_give(&h, &p), WIRE_BFD_KEPT);
		assert_int_equal(hand_state(&h), U);
		assert_int_equal(bfd_session_info(h.engine, h.id).detect_ns, row->want_ns);
		if (row->want_ns > 100 * NS_PER_S) {
			hand_end(&h);
			continue;
		}
		hand_wait(&h, row->want_ns - 1);
		assert_int_equal(hand_state(&h), U);
		hand_wait(&h, 1);
		assert_int_equal(hand_state(&h), D);
		assert_int_equal(h.change.diag, WIRE_BFD_DIAG_EXPIRED);
		assert_true(h.change.failure);
		assert_int_equal(h.last.state, D);
		assert_int_equal(h.last.diag, WIRE_BFD_DIAG_EXPIRED);
		assert_int_equal(h.last.your, 0); /* section 6.8.1 */
		hand_end(&h);
	}
}

static void a_peer_that_wants_less_or_none_gets_it(void **state)
{
	struct wire_bfd p;
	struct hand h;

	(void)state;
	hand_begin(&h, &(struct bfd_session_conf){.multiplier = 1, .required_rx_us = 60000000});
	hand_up(&h);
	p = hand_packet(&h, U);
	p.required_rx_us = 2000000;
	(void)hand_give(&h, &p);
	h.sent = 0;
	hand_wait(&h, 20 * NS_PER_S);
	assert_in_range(h.sent, 10, 14);
	p.required_rx_us = 0; /* section 6.8.7: no periodic packets at all */
	(void)hand_give(&h, &p);
	h.sent = 0;
	hand_wait(&h, 20 * NS_PER_S);
	assert_int_equal(h.sent, 0);
	assert_int_equal(bfd_session_info(h.engine, h.id).tx_ns, 0);
	p.required_rx_us = 1; /* at once, and no oftener than we said */
	(void)hand_give(&h, &p);
	hand_wait(&h, 0);
	assert_int_equal(h.sent, 1);
	hand_wait(&h, 3 * NS_PER_S);
	assert_in_range(h.sent, 11, 15);
	hand_end(&h);
}

/* ---- The Poll Sequence ---- */

static void a_poll_is_answered_at_once(void **state)
{
	struct wire_bfd p;
	struct hand h;

	(void)state;
	hand_begin(&h, &(struct bfd_session_conf){0});
	hand_up(&h);
	h.sent = 0;
	p = hand_packet(&h, U);
	p.flags = WIRE_BFD_POLL;
	(void)hand_give(&h, &p);
	assert_int_equal(h.sent, 1);
	assert_int_equal(h.last.flags, WIRE_BFD_FINAL);
	/* Also where it moves us. */
	p = hand_packet(&h, D);
	p.flags = WIRE_BFD_POLL;
	(void)hand_give(&h, &p);
	assert_int_equal(h.sent, 2);
	assert_int_equal(h.last.flags, WIRE_BFD_FINAL);
	assert_int_equal(h.last.state, D);
	hand_end(&h);
}

static void going_up_asks_for_the_faster_rate(void **state)
{
	struct wire_bfd p;
	struct hand h;

	(void)state;
	hand_begin(&h, &(struct bfd_session_conf){0});
	hand_wait(&h, 0);
	(void)hand_say(&h, D);
	(void)hand_say(&h, U);
	/* Section 6.5: the poll is on scheduled packets only. */
	assert_int_equal(h.last.state, U);
	assert_int_equal(h.last.flags, 0);
	assert_int_equal(h.last.desired_tx_us, 300000);
	assert_true(bfd_session_info(h.engine, h.id).polling);
	h.sent = 0;
	hand_wait(&h, 800 * MS);
	assert_in_range(h.sent, 2, 3);
	assert_int_equal(h.last.flags, WIRE_BFD_POLL);
	p = hand_packet(&h, U);
	p.flags = WIRE_BFD_FINAL;
	(void)hand_give(&h, &p);
	hand_wait(&h, 300 * MS);
	assert_int_equal(h.last.flags, 0);
	hand_end(&h);
}

static void slower_sending_waits_for_the_answer(void **state)
{
	struct wire_bfd p;
	struct hand h;

	(void)state;
	hand_begin(&h, &(struct bfd_session_conf){.required_rx_us = 60000000});
	hand_up(&h);
	assert_int_equal(bfd_session_set(h.engine, h.id, 2000000, 60000000, 3, h.now), 0);
	assert_int_equal(bfd_session_info(h.engine, h.id).tx_ns, 300 * MS);
	hand_wait(&h, 300 * MS);
	assert_int_equal(h.last.desired_tx_us, 2000000);
	assert_int_equal(h.last.flags, WIRE_BFD_POLL);
	p = hand_packet(&h, U);
	p.flags = WIRE_BFD_FINAL;
	(void)hand_give(&h, &p);
	assert_int_equal(bfd_session_info(h.engine, h.id).tx_ns, 2000 * MS);
	/* Faster is meant at once. */
	assert_int_equal(bfd_session_set(h.engine, h.id, 100000, 60000000, 3, h.now), 0);
	assert_int_equal(bfd_session_info(h.engine, h.id).tx_ns, 300 * MS);
	p.flags = 0;
	p.required_rx_us = 10000;
	(void)hand_give(&h, &p);
	assert_int_equal(bfd_session_info(h.engine, h.id).tx_ns, 100 * MS);
	hand_end(&h);
}

static void expecting_more_waits_for_the_answer(void **state)
{
	struct wire_bfd p;
	struct hand h;

	(void)state;
	hand_begin(&h, &(struct bfd_session_conf){0});
	hand_up(&h);
	p = hand_packet(&h, U);
	p.desired_tx_us = 1000;
	(void)hand_give(&h, &p);
	assert_int_equal(bfd_session_set(h.engine, h.id, 300000, 50000, 3, h.now), 0);
	assert_int_equal(bfd_session_info(h.engine, h.id).detect_ns, 900 * MS);
	p.flags = WIRE_BFD_FINAL;
	(void)hand_give(&h, &p);
	assert_int_equal(bfd_session_info(h.engine, h.id).detect_ns, 150 * MS);
	/* Patience is had at once. */
	assert_int_equal(bfd_session_set(h.engine, h.id, 300000, 400000, 3, h.now), 0);
	assert_int_equal(bfd_session_info(h.engine, h.id).detect_ns, 1200 * MS);
	hand_end(&h);
}

/* Section 6.5: two sequences are parted by a packet without P; an answer to the first is none to the second. */
static void a_change_during_a_poll_takes_another(void **state)
{
	struct wire_bfd p;
	struct hand h;
	unsigned int flags[3];

	(void)state;
	hand_begin(&h, &(struct bfd_session_conf){.required_rx_us = 60000000});
	hand_up(&h);
	assert_int_equal(bfd_session_set(h.engine, h.id, 1000000, 60000000, 3, h.now), 0);
	hand_wait(&h, 300 * MS);
	assert_int_equal(h.last.flags, WIRE_BFD_POLL);
	assert_int_equal(bfd_session_set(h.engine, h.id, 2000000, 60000000, 3, h.now), 0);
	p = hand_packet(&h, U);
	p.flags = WIRE_BFD_FINAL;
	(void)hand_give(&h, &p);
	assert_int_equal(bfd_session_info(h.engine, h.id).tx_ns, 300 * MS);
	for (size_t i = 0; i < 3; i++) {
		h.now = bfd_deadline(h.engine);
		bfd_in_time(h.engine, h.now);
		hand_look(&h);
		flags[i] = h.last.flags;
	}
	assert_int_equal(flags[0], 0);
	assert_int_equal(flags[1], WIRE_BFD_POLL);
	assert_int_equal(flags[2], WIRE_BFD_POLL);
	(void)hand_give(&h, &p);
	assert_int_equal(bfd_session_info(h.engine, h.id).tx_ns, 2000 * MS);
	hand_end(&h);
}

/* Section 6.6: where the other side demands it, periodic packets end; polls are answered and made still. */
static void demand_mode_of_the_other_side_is_honoured(void **state)
{
	struct wire_bfd p;
	struct hand h;

	(void)state;
	hand_begin(&h, &(struct bfd_session_conf){.required_rx_us = 60000000});
	hand_up(&h);
	p = hand_packet(&h, U);
	p.flags = WIRE_BFD_DEMAND;
	(void)hand_give(&h, &p);
	h.sent = 0;
	hand_wait(&h, 10 * NS_PER_S);
	assert_int_equal(h.sent, 0);
	p.flags = WIRE_BFD_DEMAND | WIRE_BFD_POLL;
	(void)hand_give(&h, &p);
	assert_int_equal(h.sent, 1);
	assert_int_equal(h.last.flags, WIRE_BFD_FINAL);
	assert_int_equal(bfd_session_set(h.engine, h.id, 400000, 60000000, 3, h.now), 0);
	hand_wait(&h, 900 * MS);
	assert_in_range(h.sent, 3, 5);
	assert_int_equal(h.last.flags, WIRE_BFD_POLL);
	p.flags = WIRE_BFD_DEMAND | WIRE_BFD_FINAL;
	(void)hand_give(&h, &p);
	h.sent = 0;
	hand_wait(&h, 10 * NS_PER_S);
	assert_int_equal(h.sent, 0);
	(void)hand_say(&h, U);
	hand_wait(&h, 400 * MS);
	assert_int_not_equal(h.sent, 0);
	hand_end(&h);
}

/* ---- Roles and administration ---- */

static void the_passive_side_waits_for_a_word(void **state)
{
	struct hand h;

	(void)state;
	hand_begin(&h, &(struct bfd_session_conf){.passive = true});
	hand_wait(&h, 10 * NS_PER_S);
	assert_int_equal(h.sent, 0);
	(void)hand_say(&h, D);
	assert_int_equal(h.sent, 1);
	assert_int_equal(h.last.state, I);
	(void)hand_say(&h, U);
	assert_int_equal(hand_state(&h), U);
	hand_wait(&h, 10 * NS_PER_S);
	assert_int_equal(hand_state(&h), D);
	h.sent = 0;
	hand_wait(&h, 10 * NS_PER_S);
	assert_int_equal(h.sent, 0); /* its discriminator is zero again */
	hand_end(&h);
}

static void admin_down_is_said_and_taken_back(void **state)
{
	struct hand h;

	(void)state;
	hand_begin(&h, &(struct bfd_session_conf){0});
	hand_up(&h);
	h.sent = 0;
	bfd_session_admin_down(h.engine, h.id, true, h.now);
	hand_look(&h);
	assert_int_equal(h.sent, 1);
	assert_int_equal(h.last.state, A);
	assert_int_equal(h.last.diag, WIRE_BFD_DIAG_ADMIN_DOWN);
	assert_false(h.change.failure);
	assert_int_equal(hand_say(&h, D), WIRE_BFD_DROP_ADMIN_DOWN);
	hand_wait(&h, 10 * NS_PER_S); /* longer than the detection time, in which it must be said */
	assert_in_range(h.sent, 10, 15);
	assert_int_equal(hand_state(&h), A);
	bfd_session_admin_down(h.engine, h.id, false, h.now);
	hand_look(&h);
	assert_int_equal(h.last.state, D);
	(void)hand_say(&h, D);
	(void)hand_say(&h, I);
	assert_int_equal(hand_state(&h), U);
	hand_end(&h);
}

static void the_same_seed_gives_the_same_packets(void **state)
{
	uint64_t sums[2] = {0, 0};

	(void)state;
	for (size_t round = 0; round < 2; round++) {
		struct hand h;

		hand_begin(&h, &(struct bfd_session_conf){0});
		hand_up(&h);
		for (unsigned int i = 0; i < 200; i++) {
			hand_wait(&h, 250 * MS);
			(void)hand_say(&h, U);
			sums[round] = sums[round] * 31 + (uint64_t)h.last_at.ns + h.last.my;
		}
		hand_end(&h);
	}
	assert_true(sums[0] == sums[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell_of_the_state_machine),
		cmocka_unit_test(packets_find_their_session_or_are_dropped),
		cmocka_unit_test(a_discriminator_of_a_removed_session_is_no_more),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(packets_are_jittered),
		cmocka_unit_test(packets_are_a_second_apart_unless_up),
		cmocka_unit_test(silence_ends_a_session_after_the_detection_time),
		cmocka_unit_test(a_peer_that_wants_less_or_none_gets_it),
		cmocka_unit_test(a_poll_is_answered_at_once),
		cmocka_unit_test(going_up_asks_for_the_faster_rate),
		cmocka_unit_test(slower_sending_waits_for_the_answer),
		cmocka_unit_test(expecting_more_waits_for_the_answer),
		cmocka_unit_test(a_change_during_a_poll_takes_another),
		cmocka_unit_test(demand_mode_of_the_other_side_is_honoured),
		cmocka_unit_test(the_passive_side_waits_for_a_word),
		cmocka_unit_test(admin_down_is_said_and_taken_back),
		cmocka_unit_test(the_same_seed_gives_the_same_packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
