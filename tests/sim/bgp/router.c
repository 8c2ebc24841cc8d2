/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "router.h"

#include <stdio.h>
#include <string.h>

void router_init(struct router *r)
{
	bgp_peer_id id;

	if (r->speaker.as == 0)
		r->speaker.as = ROUTER_AS;
	r->speaker.router_id = ROUTER_ID;
	r->speaker.max_paths = 8;
	r->speaker.readvertise = true;
	r->speaker.seed = 1;
	r->peer.name = "peer";
	r->peer.remote = hand_addr("10.0.0.2");
	r->peer.passive = true;
	if (r->peer.remote_as == 0)
		r->peer.remote_as = PEER_AS;
	if (r->peer.hold_s == 0)
		r->peer.hold_s = 90;
	r->h = (struct hand){.s = bgp_speaker_new(&r->speaker)};
	assert_int_equal(bgp_peer_add(r->h.s, &r->peer, &id), 0);
}

void router_free(struct router *r)
{
	bgp_speaker_free(r->h.s);
}

void router_dial(struct router *r)
{
	struct addr local = hand_addr("10.0.0.1"), remote = hand_addr("10.0.0.2");

	bgp_peer_start(r->h.s, 0, hand_at_ms(r->ms));
	assert_true(bgp_in_accepted(r->h.s, &local, &remote, hand_at_ms(r->ms), &r->conn));
}

void router_says(struct router *r, const char *hex)
{
	hand_says(&r->h, r->conn, hex, ++r->ms);
}

void router_open(struct router *r, const char *capabilities)
{
	uint8_t more[512];
	size_t n = support_hex(capabilities, more, sizeof(more));
	char hex[2048];

	assert_true(n + 12 < 254);
	snprintf(hex, sizeof(hex), MARKER "%04x 01 04 %04x 005a 0a000002 %02x 02 %02x 0104 00010001 4104 %08x %s",
		 (unsigned int)(29 + 2 + 12 + n), r->peer.remote_as & 0xffff, (unsigned int)(n + 14),
		 (unsigned int)(n + 12), r->peer.remote_as, capabilities);
	router_says(r, hex);
	router_says(r, KEEPALIVE);
}

void router_up(struct router *r, const char *capabilities)
{
	router_dial(r);
	router_open(r, capabilities);
	assert_int_equal(router_state(r), BGP_ESTABLISHED);
	bgp_outputs_clear(r->h.s);
	r->h.seen = 0;
}

void router_lost(struct router *r)
{
	bgp_in_closed(r->h.s, r->conn, hand_at_ms(++r->ms));
}

void router_wait(struct router *r, int64_t ms)
{
	r->ms += ms;
	while (!instant_before(hand_at_ms(r->ms), bgp_deadline(r->h.s)))
		bgp_in_time(r->h.s, bgp_deadline(r->h.s));
	bgp_in_time(r->h.s, hand_at_ms(r->ms));
}

enum bgp_state router_state(const struct router *r)
{
	return bgp_peer_state(r->h.s, 0);
}

int router_hops(struct router *r)
{
	size_t n;
	const struct bgp_output *outs = bgp_outputs(r->h.s, &n);
	int hops = -1;

	for (size_t i = 0; i < n; i++)
		if (outs[i].kind == BGP_OUT_ROUTE)
			hops = (int)outs[i].next_hop_count;
	bgp_outputs_clear(r->h.s);
	r->h.seen = 0;
	return hops;
}

size_t router_sent_open(struct router *r, uint8_t *ret, size_t room)
{
	struct bgp_output out = hand_next(&r->h, BGP_OUT_SEND);

	assert_int_equal(out.bytes[18], WIRE_OPEN);
	assert_true(out.len <= room);
	memcpy(ret, out.bytes, out.len);
	return out.len;
}
