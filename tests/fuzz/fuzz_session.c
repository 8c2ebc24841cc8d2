/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A router's engine whose peer says anything, at any time, in any pieces: the input is a list of events. */
#include "fuzz.h"

#include "bgp.h"

#include <string.h>

#define EVENTS_MAX 400

struct play {
	struct bgp_speaker *s;
	struct wire_in in;
	struct instant now;
	struct addr local, remote;
	bgp_peer_id peer;
	bgp_conn_id conn; /* the newest */
	bool connected;
};

static void outputs_drain(struct play *p)
{
	size_t n;
	const struct bgp_output *outs = bgp_outputs(p->s, &n);

	for (size_t i = 0; i < n; i++) {
		if (outs[i].kind == BGP_OUT_SEND)
			FUZZ_MUST(outs[i].len >= WIRE_HEADER_LEN && outs[i].bytes[0] == 0xff);
		if (outs[i].kind == BGP_OUT_CLOSE && outs[i].conn == p->conn)
			p->connected = false;
	}
	bgp_outputs_clear(p->s);
}

static void opening(struct play *p)
{
	/* What a well-behaved peer of AS 22000 would send, so that mutations need not find it out. */
	static const uint8_t bytes[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					0xff, 0xff, 0xff, 0x00, 0x2d, 1,    4,	  0x55, 0xf0, 0,    90,	  10,	0,
					0,    51,   16,	  2,	14,   1,    4,	  0,	1,    0,    1,	  2,	0,
					65,   4,    0,	  0,	0x55, 0xf0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x13, 4};

	bgp_in_bytes(p->s, p->conn, bytes, sizeof(bytes), p->now);
}

static void dialled(struct play *p)
{
	bgp_conn_id conn;

	if (bgp_in_accepted(p->s, &p->local, &p->remote, p->now, &conn)) {
		p->conn = conn;
		p->connected = true;
	}
}

static void event_play(struct play *p)
{
	uint8_t kind = wire_u8(&p->in) & 7, size = wire_u8(&p->in);
	struct wire_in bytes;

	switch (kind) {
	case 0:
		p->now = instant_add(p->now, size * NS_PER_S);
		bgp_in_time(p->s, p->now);
		break;
	case 1:
		dialled(p);
		break;
	case 2:
		if (p->connected)
			bgp_in_closed(p->s, p->conn, p->now);
		p->connected = false;
		break;
	case 3:
		if (p->connected)
			opening(p);
		break;
	case 4:
		bgp_peer_stop(p->s, p->peer, p->now);
		break;
	case 5:
		bgp_peer_start(p->s, p->peer, p->now);
		break;
	default:
		bytes = wire_sub(&p->in, size < wire_left(&p->in) ? size : wire_left(&p->in));
		if (p->connected)
			bgp_in_bytes(p->s, p->conn, bytes.at, wire_left(&bytes), p->now);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct play p = {.in = wire_in_of(bytes, n), .now = {NS_PER_S}};

	p.local = addr_v4(0x0a000001);
	p.remote = addr_v4(0x0a000033);
	p.s = bgp_speaker_new(&(struct bgp_speaker_conf){
		.as = 11000, .router_id = 0x0a000001, .max_paths = 4, .readvertise = true, .seed = 1});
	FUZZ_MUST(bgp_peer_add(p.s,
			       &(struct bgp_peer_conf){.name = "peer",
						       .local = p.local,
						       .remote = p.remote,
						       .remote_as = 22000,
						       .passive = true,
						       .hold_s = 90,
						       .max_prefixes = 50},
			       &p.peer) == 0);
	bgp_peer_start(p.s, p.peer, p.now);
	dialled(&p);
	for (int i = 0; i < EVENTS_MAX && wire_more(&p.in); i++) {
		event_play(&p);
		outputs_drain(&p);
		FUZZ_MUST(bgp_peer_state(p.s, p.peer) < BGP_STATE_COUNT);
	}
	bgp_speaker_free(p.s);
	return 0;
}
