/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BFD packets that say anything, decoded and written again, and given to a session at any time: the input is a list of events. */
#include "fuzz.h"

#include "bfd.h"

#include <string.h>

#define EVENTS_MAX 400

struct play {
	struct bfd *b;
	struct wire_in in;
	struct instant now;
	struct bfd_arrival from;
	bfd_session_id session;
	uint32_t theirs; /* what our packets were last about: a fuzzer can't guess discriminators */
	uint32_t ours;
};

/* A packet that is kept says the same when it is written again. */
static void packet_again(const uint8_t *bytes, size_t n)
{
	uint8_t again[WIRE_BFD_MAX];
	struct wire_out out = wire_out_to(again, sizeof(again));
	struct wire_bfd first, second;
	size_t secret;

	if (wire_bfd_decode(wire_in_of(bytes, n), &first) != WIRE_BFD_KEPT)
		return;
	FUZZ_MUST(wire_left(&first.secret) <= n && first.state < WIRE_BFD_STATE_COUNT);
	wire_bfd_encode(&out, &first, &secret);
	FUZZ_MUST(!out.full && secret <= out.len);
	FUZZ_MUST(wire_bfd_decode(wire_in_of(again, out.len), &second) == WIRE_BFD_KEPT);
	FUZZ_MUST(second.my == first.my && second.your == first.your && second.state == first.state &&
		  second.diag == first.diag && second.multiplier == first.multiplier &&
		  second.desired_tx_us == first.desired_tx_us && second.required_rx_us == first.required_rx_us &&
		  second.required_echo_rx_us == first.required_echo_rx_us && second.auth_type == first.auth_type &&
		  second.auth_key == first.auth_key && second.auth_seq == first.auth_seq &&
		  wire_left(&second.secret) == wire_left(&first.secret));
}

static void outputs_drain(struct play *p)
{
	size_t n;
	const struct bfd_output *outs = bfd_outputs(p->b, &n);
	struct wire_bfd sent;

	for (size_t i = 0; i < n; i++) {
		if (outs[i].kind == BFD_OUT_SEND) {
			FUZZ_MUST(wire_bfd_decode(wire_in_of(outs[i].bytes, outs[i].len), &sent) == WIRE_BFD_KEPT);
			p->ours = sent.my;
			p->theirs = sent.your;
		}
		if (outs[i].kind == BFD_OUT_STATE)
			FUZZ_MUST(outs[i].from != outs[i].to);
	}
	bfd_outputs_clear(p->b);
}

/* A packet as the session expects it, but for the octets that the input gives. */
static void fair_packet(struct play *p)
{
	uint8_t bytes[WIRE_BFD_MAX];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));
	struct wire_bfd packet = {.version = WIRE_BFD_VERSION,
				  .state = wire_u8(&p->in) & 3,
				  .flags = wire_u8(&p->in) & (WIRE_BFD_POLL | WIRE_BFD_FINAL | WIRE_BFD_DEMAND),
				  .multiplier = wire_u8(&p->in),
				  .my = p->theirs != 0 ? p->theirs : 7,
				  .your = p->ours};
	size_t secret;

	packet.desired_tx_us = wire_u32(&p->in);
	packet.required_rx_us = wire_u32(&p->in);
	packet.diag = wire_u8(&p->in) & 31;
	wire_bfd_encode(&out, &packet, &secret);
	(void)bfd_in_packet(p->b, &p->from, bytes, out.len, p->now);
}

static void event_play(struct play *p)
{
	uint8_t kind = wire_u8(&p->in) & 7, size = wire_u8(&p->in);
	struct wire_in bytes;

	switch (kind) {
	case 0:
		p->now = instant_add(p->now, size * (NS_PER_S / 50));
		bfd_in_time(p->b, p->now);
		break;
	case 1:
		bfd_session_admin_down(p->b, p->session, (size & 1) != 0, p->now);
		break;
	case 2:
		(void)bfd_session_set(p->b, p->session, wire_u32(&p->in), wire_u32(&p->in), size, p->now);
		break;
	case 3:
	case 4:
		fair_packet(p);
		break;
	default:
		bytes = wire_sub(&p->in, size < wire_left(&p->in) ? size : wire_left(&p->in));
		packet_again(bytes.at, wire_left(&bytes));
		p->from.ttl = kind == 5 ? 254 : 255;
		(void)bfd_in_packet(p->b, &p->from, bytes.at, wire_left(&bytes), p->now);
		p->from.ttl = 255;
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct play p = {.in = wire_in_of(bytes, n), .now = {NS_PER_S}};
	struct bfd_session_conf conf = {.local = addr_v4(0x0a000001), .remote = addr_v4(0x0a000033)};
	uint8_t options = wire_u8(&p.in);

	packet_again(p.in.at, wire_left(&p.in));
	p.from = (struct bfd_arrival){.local = conf.local, .remote = conf.remote, .ttl = 255};
	conf.passive = (options & 1) != 0;
	if ((options & 2) != 0)
		conf.auth = (struct bfd_auth){.type = (enum wire_bfd_auth_type)(1 + (options >> 2) % 5),
					      .key_id = 1,
					      .key = "key",
					      .key_len = 3};
	p.b = bfd_new(1);
	FUZZ_MUST(bfd_session_add(p.b, &conf, p.now, &p.session) == 0);
	for (int i = 0; i < EVENTS_MAX && wire_more(&p.in); i++) {
		event_play(&p);
		outputs_drain(&p);
		FUZZ_MUST(bfd_session_info(p.b, p.session).state < WIRE_BFD_STATE_COUNT);
	}
	bfd_free(p.b);
	return 0;
}
