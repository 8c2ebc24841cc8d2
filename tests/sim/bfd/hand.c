/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hand.h"

void hand_begin(struct hand *h, const struct bfd_session_conf *conf)
{
	struct bfd_session_conf filled = *conf;

	*h = (struct hand){.engine = bfd_new(1), .now = {NS_PER_S}};
	h->from = (struct bfd_arrival){.local = addr_v4(0x0a000001), .remote = addr_v4(0x0a000002), .ttl = 255};
	filled.local = h->from.local;
	filled.remote = h->from.remote;
	assert_int_equal(bfd_session_add(h->engine, &filled, h->now, &h->id), 0);
}

void hand_end(struct hand *h)
{
	bfd_free(h->engine);
}

void hand_look(struct hand *h)
{
	size_t n;
	const struct bfd_output *o = bfd_outputs(h->engine, &n);

	for (size_t i = 0; i < n; i++) {
		if (o[i].kind == BFD_OUT_SEND) {
			enum wire_bfd_drop drop = wire_bfd_decode(wire_in_of(o[i].bytes, o[i].len), &h->last);

			assert_int_equal(drop, WIRE_BFD_KEPT);
			h->last_at = h->now;
			h->sent++;
		} else if (o[i].kind == BFD_OUT_STATE) {
			h->change = o[i];
			h->changes++;
		}
	}
	bfd_outputs_clear(h->engine);
}

struct wire_bfd hand_packet(const struct hand *h, enum wire_bfd_state state)
{
	return (struct wire_bfd){
		.state = (uint8_t)state,
		.multiplier = 3,
		.my = THEIRS,
		.your = state == WIRE_BFD_DOWN || state == WIRE_BFD_ADMIN_DOWN
				? 0
				: bfd_session_info(h->engine, h->id).local_discriminator,
		.desired_tx_us = 300000,
		.required_rx_us = 300000,
	};
}

enum wire_bfd_drop hand_give(struct hand *h, const struct wire_bfd *packet)
{
	uint8_t bytes[WIRE_BFD_MAX];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));
	enum wire_bfd_drop drop;
	size_t secret;

	wire_bfd_encode(&out, packet, &secret);
	drop = bfd_in_packet(h->engine, &h->from, bytes, out.len, h->now);
	hand_look(h);
	return drop;
}

enum wire_bfd_drop hand_say(struct hand *h, enum wire_bfd_state state)
{
	struct wire_bfd p = hand_packet(h, state);

	return hand_give(h, &p);
}

void hand_wait(struct hand *h, int64_t ns)
{
	struct instant end = instant_add(h->now, ns);

	while (!instant_before(end, bfd_deadline(h->engine))) {
		if (instant_before(h->now, bfd_deadline(h->engine)))
			h->now = bfd_deadline(h->engine);
		bfd_in_time(h->engine, h->now);
		hand_look(h);
	}
	h->now = end;
}

void hand_up(struct hand *h)
{
	struct wire_bfd p;

	hand_wait(h, 0);
	assert_int_equal(hand_say(h, WIRE_BFD_DOWN), WIRE_BFD_KEPT);
	assert_int_equal(hand_say(h, WIRE_BFD_UP), WIRE_BFD_KEPT);
	hand_wait(h, 300 * NS_PER_MS);
	p = hand_packet(h, WIRE_BFD_UP);
	p.flags = WIRE_BFD_FINAL;
	assert_int_equal(hand_give(h, &p), WIRE_BFD_KEPT);
	assert_int_equal(hand_state(h), WIRE_BFD_UP);
	assert_false(bfd_session_info(h->engine, h->id).polling);
}

enum wire_bfd_state hand_state(const struct hand *h)
{
	return bfd_session_info(h->engine, h->id).state;
}
