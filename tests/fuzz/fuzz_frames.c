/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames that no link would carry, and the segments of one BGP session in any order, cut anywhere and sent as often as one
 * likes. Where nothing but such segments comes, what is read is the session, each message once and in order. */
#include "fuzz.h"

#include "capture.h"

#include <string.h>

#define EVENTS_MAX 200
#define MESSAGES 48U
#define STREAM_MAX 16384U
#define FRAME_MAX 4096U
#define FIRST_SEQ 0xfffff000U /* it wraps early */

enum { SYN = 2, PUSH = 8, ACK = 16 };

struct play {
	struct capture *capture;
	struct wire_in in;
	struct instant now;
	uint8_t stream[STREAM_MAX];
	size_t ends[MESSAGES]; /* of the messages in the stream */
	size_t len;
	size_t next; /* message to be read */
	bool pure;   /* nothing else came */
};

/* KEEPALIVEs, and UPDATEs of all lengths that withdraw nothing: their withdrawn routes are 0.0.0.0/0, over and over. */
static void stream_make(struct play *p)
{
	struct wire_out out = wire_out_to(p->stream, sizeof(p->stream));

	for (size_t i = 0; i < MESSAGES; i++) {
		size_t routes = i % 3 == 0 ? i * i / 3 : 0, from = out.len;

		memset(wire_room(&out, 16), 0xff, 16);
		wire_put16(&out, routes > 0 ? 23 + routes : 19);
		wire_put8(&out, routes > 0 ? WIRE_UPDATE : WIRE_KEEPALIVE);
		if (routes > 0) {
			wire_put16(&out, routes);
			memset(wire_room(&out, routes), 0, routes);
			wire_put16(&out, 0);
		}
		FUZZ_MUST(!out.full && out.len > from);
		p->ends[i] = out.len;
	}
	p->len = out.len;
}

static void on_event(void *ctx, const struct capture_event *e)
{
	struct play *p = ctx;
	size_t from = p->next > 0 ? p->ends[p->next - 1] : 0;

	FUZZ_MUST(e->link == 0 && e->kind <= CAPTURE_BFD);
	FUZZ_MUST(e->kind != CAPTURE_BGP || (e->len >= WIRE_HEADER_LEN && e->len <= WIRE_EXTENDED_MAX));
	FUZZ_MUST(e->http_status == 0 || (e->http_status >= 0 && e->http_status <= 999));
	if (!p->pure)
		return;
	FUZZ_MUST(e->kind == CAPTURE_BGP || e->kind == CAPTURE_TCP_SYN);
	if (e->kind != CAPTURE_BGP)
		return;
	FUZZ_MUST(p->next < MESSAGES && e->len == p->ends[p->next] - from);
	FUZZ_MUST(memcmp(e->bytes, p->stream + from, e->len) == 0);
	p->next++;
}

static void segment(struct play *p, uint8_t flags, uint32_t seq, const uint8_t *bytes, size_t n)
{
	uint8_t frame[FRAME_MAX];
	struct wire_out out = wire_out_to(frame, sizeof(frame));

	memset(wire_room(&out, 12), 2, 12);
	wire_put16(&out, 0x0800);
	wire_put16(&out, 0x4500);
	wire_put16(&out, 40 + n);
	wire_put32(&out, 0);
	wire_put16(&out, 64 << 8 | 6);
	wire_put16(&out, 0);
	wire_put32(&out, 0x0a000033);
	wire_put32(&out, 0x0a000001);
	wire_put16(&out, 40000);
	wire_put16(&out, WIRE_BGP_PORT);
	wire_put32(&out, seq);
	wire_put32(&out, 1);
	wire_put16(&out, 5 << 12 | flags);
	wire_put16(&out, 65535);
	wire_put32(&out, 0);
	wire_put(&out, bytes, n);
	FUZZ_MUST(!out.full);
	capture_feed(p->capture, 0, p->now, frame, out.len);
}

static void piece(struct play *p, size_t from, size_t n)
{
	size_t left = p->len - from;

	n = n < left ? n : left;
	segment(p, PUSH | ACK, FIRST_SEQ + 1 + (uint32_t)from, p->stream + from, n);
}

static void event_play(struct play *p)
{
	uint8_t kind = wire_u8(&p->in);
	size_t size = wire_u8(&p->in);
	struct wire_in bytes;

	if (p->pure || (kind & 1) != 0) {
		piece(p, (size_t)wire_u16(&p->in) % p->len, 1 + size * ((size_t)1 << (kind >> 6)));
		return;
	}
	bytes = wire_sub(&p->in, size < wire_left(&p->in) ? size : wire_left(&p->in));
	if ((kind & 2) != 0)
		p->now = instant_add(p->now, (int64_t)size * (NS_PER_S / 10));
	else if ((kind & 4) != 0)
		segment(p, kind >> 3, FIRST_SEQ + 1 + (uint32_t)p->ends[p->next % MESSAGES], bytes.at,
			wire_left(&bytes));
	else
		capture_feed(p->capture, 0, p->now, bytes.at, wire_left(&bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static struct play p;

	p = (struct play){.in = wire_in_of(bytes, n), .now = {NS_PER_S}};
	stream_make(&p);
	p.capture = capture_new(on_event, &p);
	p.pure = (wire_u8(&p.in) & 1) != 0;
	segment(&p, SYN, FIRST_SEQ, NULL, 0);
	for (int i = 0; i < EVENTS_MAX && wire_more(&p.in); i++)
		event_play(&p);
	for (size_t at = 0; p.pure && at < p.len; at += 1000)
		piece(&p, at, 1000);
	FUZZ_MUST(!p.pure || p.next == MESSAGES);
	capture_free(p.capture);
	return 0;
}
