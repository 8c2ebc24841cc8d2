/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames made by hand, one idea each: which events come out. Sentences are "kind frame detail". */
#include "capture_int.h"
#include "frames.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define A "10.0.0.1"
#define B "10.0.0.2"
#define A6 "2001:db8::1"
#define B6 "2001:db8::2"

static const char keepalive[] = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x13\x04";
#define KEEPALIVE_LEN (sizeof(keepalive) - 1)

static const char *const kinds[] = {"bgp",  "bad",     "syn",	   "synack", "fin", "rst",
				    "flow", "request", "response", "bfd",    "gap"};

static void tell(void *ctx, const struct capture_event *e)
{
	char *text = ctx;
	size_t at = strlen(text);

	assert_true(at < 900);
	at += (size_t)snprintf(text + at, 64, "%s%s %u", at > 0 ? ", " : "", kinds[e->kind], (unsigned int)e->frame);
	if (e->kind == CAPTURE_BGP)
		snprintf(text + at, 64, " type %u", e->bytes[18]);
	else if (e->kind == CAPTURE_BGP_BAD)
		snprintf(text + at, 64, " %u/%u", e->err.code, e->err.subcode);
	else if (e->kind == CAPTURE_FLOW)
		snprintf(text + at, 64, " %u%s", (unsigned int)e->tag.flow, e->carried ? "" : " stray");
	else if (e->kind == CAPTURE_BFD)
		snprintf(text + at, 64, " %zu of ttl %u", e->len, e->ttl);
	else if (e->kind == CAPTURE_HTTP_RESPONSE)
		snprintf(text + at, 64, " %d", e->http_status);
	else if (e->kind == CAPTURE_HTTP_REQUEST)
		snprintf(text + at, 64, " %.*s", (int)e->len, (const char *)e->bytes);
}

struct bench {
	char text[1024];
	struct capture *c;
	int64_t now_ns;
};

static void bench_init(struct bench *b, int linktype)
{
	*b = (struct bench){.now_ns = NS_PER_S};
	b->c = capture_new(tell, b->text);
	capture_link_at(b->c, 0)->linktype = linktype;
}

static void bench_frame(struct bench *b, const uint8_t *bytes, size_t n)
{
	/* A copy of its own size, so that a sanitizer sees a read beyond it. */
	uint8_t *copy = memory_new(n + 1);

	memcpy(copy, bytes, n);
	copy = realloc(copy, n > 0 ? n : 1);
	assert_non_null(copy);
	b->now_ns += NS_PER_MS;
	capture_frame(b->c, 0, (struct instant){b->now_ns}, copy, n);
	free(copy);
}

static void bench_fini(struct bench *b, const char *want)
{
	assert_string_equal(b->text, want);
	assert_true(b->c->decoder.budget.used <= b->c->decoder.budget.max);
	capture_free(b->c);
}

/* ---- The way to the IP header ---- */

struct link_row {
	const char *name;
	int linktype;
	const char *head; /* hex, in front of the IP packet */
	bool v6;
	const char *want;
};

static const struct link_row link_rows[] = {
	{"ethernet", DLT_EN10MB, "020000000001 020000000002 0800", false, "flow 1 5"},
	{"ethernet 6", DLT_EN10MB, "020000000001 020000000002 86dd", true, "flow 1 5"},
	{"802.1Q", DLT_EN10MB, "020000000001 020000000002 8100 0064 0800", false, "flow 1 5"},
	{"QinQ", DLT_EN10MB, "020000000001 020000000002 88a8 0064 8100 0065 86dd", true, "flow 1 5"},
	{"old QinQ", DLT_EN10MB, "020000000001 020000000002 9100 0064 8100 0065 0800", false, "flow 1 5"},
	{"MPLS, two labels", DLT_EN10MB, "020000000001 020000000002 8847 000640ff 000651ff", false, "flow 1 5"},
	{"PPPoE", DLT_EN10MB, "020000000001 020000000002 8864 11000001 005e 0021", false, "flow 1 5"},
	{"ARP", DLT_EN10MB, "020000000001 020000000002 0806", false, ""},
	{"LLC", DLT_EN10MB, "020000000001 020000000002 0026 424203", false, ""},
	{"SLL", DLT_LINUX_SLL, "0000 0001 0006 020000000001 0000 0800", false, "flow 1 5"},
	{"SLL 6", DLT_LINUX_SLL, "0004 0001 0006 020000000001 0000 86dd", true, "flow 1 5"},
	{"SLL2", DLT_LINUX_SLL2, "0800 0000 00000003 0001 00 06 0200000000010000", false, "flow 1 5"},
	{"SLL2 with a tag", DLT_LINUX_SLL2, "8100 0000 00000003 0001 00 06 0200000000010000 0064 86dd", true,
	 "flow 1 5"},
	{"null, little endian", DLT_NULL, "02000000", false, "flow 1 5"},
	{"null, big endian", DLT_NULL, "0000001e", true, "flow 1 5"},
	{"null, another family", DLT_NULL, "07000000", false, ""},
	{"loop", DLT_LOOP, "00000002", false, "flow 1 5"},
	{"raw", DLT_RAW, "", false, "flow 1 5"},
	{"raw 6", DLT_RAW, "", true, "flow 1 5"},
	{"PPP", DLT_PPP, "ff03 0021", false, "flow 1 5"},
	{"PPP, compressed", DLT_PPP, "57", true, "flow 1 5"},
	{"PPP, LCP", DLT_PPP, "ff03 c021", false, ""},
	{"Cisco HDLC", DLT_C_HDLC, "0f00 0800", false, "flow 1 5"},
	{"PPP in HDLC", DLT_PPP_SERIAL, "ff03 0057", true, "flow 1 5"},
	{"frame relay, Cisco", DLT_FRELAY, "1861 0800", false, "flow 1 5"},
	{"frame relay, NLPID", DLT_FRELAY, "1861 03cc", false, "flow 1 5"},
	{"unknown link type", DLT_USER0, "", false, ""},
};

static void test_link_layer(void **state)
{
	const struct link_row *row = *state;
	uint8_t frame[512], tag[WIRE_FLOWTAG_LEN];
	size_t head = support_hex(row->head, frame, sizeof(frame));
	struct frame_spec spec = {.src = row->v6 ? A6 : A,
				  .dst = row->v6 ? B6 : B,
				  .src_port = 1,
				  .dst_port = 2,
				  .protocol = 17,
				  .payload = tag,
				  .payload_len = frame_tag(5, 0, tag)};
	uint8_t packet[FRAME_MAX];
	size_t n = frame_ip(&spec, packet);
	struct bench b;

	memcpy(frame + head, packet, n);
	bench_init(&b, row->linktype);
	bench_frame(&b, frame, head + n);
	for (size_t cut = 0; cut < head + n; cut++) {
		size_t before = strlen(b.text);

		bench_frame(&b, frame, cut);
		assert_int_equal(strlen(b.text), before);
	}
	bench_fini(&b, row->want);
}

/* ---- IPv6 extension headers and fragments ---- */

struct ip_row {
	const char *name;
	const char *packet; /* hex up to the UDP header, whose length field is at hand */
	const char *want;
	unsigned int fragments;
};

#define V6(payload_len, next)                                                                                          \
	"60000000" payload_len next "3f"                                                                               \
	"20010db8000000000000000000000001"                                                                             \
	"20010db8000000000000000000000002"
#define UDP "0001 0002 0028 0000"

static const struct ip_row ip_rows[] = {
	{"plain", V6("0028", "11") UDP, "flow 1 5", 0},
	{"hop by hop", V6("0030", "00") "1100050200000000" UDP, "flow 1 5", 0},
	{"hop by hop, destination, routing",
	 V6("0048", "00") "3c00050200000000"
			  "2b00010400000000"
			  "1101000000000000 0000000000000000" UDP,
	 "flow 1 5", 0},
	{"authentication", V6("0040", "33") "1104000000000001 0000000100000000 0000000000000000" UDP, "flow 1 5", 0},
	{"first fragment", V6("0030", "2c") "1100000100000007" UDP, "flow 1 5", 0},
	{"later fragment", V6("0030", "2c") "1100006900000007" UDP, "", 1},
	{"encrypted", V6("0030", "32") "0000000100000001" UDP, "", 0},
	{"no next header", V6("0028", "3b") UDP, "", 0},
	{"extension longer than the packet", V6("0030", "00") "11ff050200000000" UDP, "", 0},
	{"payload length of 0", V6("0000", "11") UDP, "flow 1 5", 0},
	{"v4 with options", "47000044 0000 0000 3f11 0000 0a000001 0a000002 0101010101010100" UDP, "flow 1 5", 0},
	{"v4, offloaded length", "45000000 0000 0000 3f11 0000 0a000001 0a000002" UDP, "flow 1 5", 0},
	{"v4, first fragment", "4500003c 0001 2000 3f11 0000 0a000001 0a000002" UDP, "flow 1 5", 0},
	{"v4, later fragment", "4500003c 0001 0005 3f11 0000 0a000001 0a000002" UDP, "", 1},
	{"later fragment that starts with a tag", V6("0028", "2c") "1100006900000007", "flow 1 5", 1},
	{"v4, later fragment that starts with a tag", "45000034 0001 0005 3f11 0000 0a000001 0a000002", "flow 1 5", 1},
	{"v4, echo request", "4500003c 0001 0000 3f01 0000 0a000001 0a000002 08 00 0000 0007 0001", "flow 1 5", 0},
	{"v4, echo reply", "4500003c 0001 0000 3f01 0000 0a000001 0a000002 00 00 0000 0007 0001", "", 0},
	{"v4, echo cut short", "4500003b 0001 0000 3f01 0000 0a000001 0a000002 08 00 0000 0007 0001", "", 0},
	{"echo request", V6("0028", "3a") "80 00 0000 0007 0001", "flow 1 5", 0},
	{"echo reply", V6("0028", "3a") "81 00 0000 0007 0001", "", 0},
	{"v4, header too short", "4400003c 0001 0000 3f11 0000 0a000001 0a000002" UDP, "", 0},
	{"v4, length below its header", "45000010 0001 0000 3f11 0000 0a000001 0a000002" UDP, "", 0},
	{"v4, length cuts the tag", "4500003b 0001 0000 3f11 0000 0a000001 0a000002" UDP, "", 0},
	{"version 5", "5500003c 0001 0000 3f11 0000 0a000001 0a000002" UDP, "", 0},
};

static void test_ip(void **state)
{
	const struct ip_row *row = *state;
	uint8_t packet[256], tag[WIRE_FLOWTAG_LEN];
	size_t head = support_hex(row->packet, packet, sizeof(packet)), n = head + frame_tag(5, 0, tag);
	struct capture_stats stats;
	struct errmsg err;
	struct bench b;

	memcpy(packet + head, tag, sizeof(tag));
	bench_init(&b, DLT_RAW);
	bench_frame(&b, packet, n);
	assert_int_equal(capture_stats(b.c, 0, &stats, &err), 0);
	assert_int_equal(stats.fragments, row->fragments);
	assert_int_equal(stats.bytes, n);
	for (size_t cut = 0; cut < n; cut++) {
		size_t before = strlen(b.text);

		bench_frame(&b, packet, cut);
		assert_int_equal(strlen(b.text), before);
	}
	bench_fini(&b, row->want);
}

/* ---- TCP ---- */

struct segment {
	bool back; /* from B to A */
	uint8_t flags;
	uint32_t seq, ack;
	const char *text;
	size_t len; /* 0: the text's */
	unsigned int wait_s;
};

struct tcp_row {
	const char *name;
	uint16_t port;
	struct segment segments[12];
	const char *want;
};

#define HELLO                                                                                                          \
	{false, TCP_SYN, 99, 0, NULL, 0, 0}, {true, TCP_SYN | TCP_ACK, 499, 100, NULL, 0, 0},                          \
	{                                                                                                              \
		false, TCP_ACK, 100, 500, NULL, 0, 0                                                                   \
	}
#define DATA(seq_, text_)                                                                                              \
	{                                                                                                              \
		false, TCP_ACK, seq_, 500, text_, 0, 0                                                                 \
	}
#define BYTES(seq_, text_, len_)                                                                                       \
	{                                                                                                              \
		false, TCP_ACK, seq_, 500, text_, len_, 0                                                              \
	}
#define REPLY(seq_, text_)                                                                                             \
	{                                                                                                              \
		true, TCP_ACK, seq_, 100, text_, 0, 0                                                                  \
	}

static const struct tcp_row tcp_rows[] = {
	{"handshake and close",
	 80,
	 {HELLO, {false, TCP_FIN | TCP_ACK, 100, 500, NULL, 0, 0}, {true, TCP_FIN | TCP_ACK, 500, 101, NULL, 0, 0}},
	 "syn 1, synack 2, fin 4, fin 5"},
	{"retransmissions are told once",
	 80,
	 {{false, TCP_SYN, 99, 0, NULL, 0, 0},
	  HELLO,
	  {true, TCP_SYN | TCP_ACK, 499, 100, NULL, 0, 0},
	  {false, TCP_FIN | TCP_ACK, 100, 500, NULL, 0, 0},
	  {false, TCP_FIN | TCP_ACK, 100, 500, NULL, 0, 0}},
	 "syn 1, synack 3, fin 6"},
	{"refused",
	 80,
	 {{false, TCP_SYN, 99, 0, NULL, 0, 0},
	  {true, TCP_RST | TCP_ACK, 0, 100, NULL, 0, 0},
	  {true, TCP_RST | TCP_ACK, 0, 100, NULL, 0, 0}},
	 "syn 1, rst 2"},
	{"reset of what was never seen", 80, {{true, TCP_RST, 5, 0, NULL, 0, 0}}, "rst 1"},
	{"the same ports again",
	 80,
	 {HELLO,
	  DATA(100, "GET /1 HTTP/1.1\r\n"),
	  {false, TCP_RST, 117, 0, NULL, 0, 0},
	  {false, TCP_SYN, 7099, 0, NULL, 0, 0},
	  {true, TCP_SYN | TCP_ACK, 9499, 7100, NULL, 0, 0},
	  DATA(7100, "GET /2 HTTP/1.1\r\n")},
	 "syn 1, synack 2, request 4 GET /1 HTTP/1.1, rst 5, syn 6, synack 7, request 8 GET /2 HTTP/1.1"},
	{"a new connection with the old number after a reset",
	 80,
	 {{false, TCP_SYN, 99, 0, NULL, 0, 0}, {true, TCP_RST | TCP_ACK, 0, 100, NULL, 0, 0}, HELLO},
	 "syn 1, rst 2, syn 3, synack 4"},
	{"request and response",
	 80,
	 {HELLO, DATA(100, "GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n"), REPLY(500, "HTTP/1.1 200 OK\r\n\r\n"),
	  REPLY(519, "HTTP/1.1 500 no\r\n")},
	 "syn 1, synack 2, request 4 GET /a?b HTTP/1.1, response 5 200"},
	{"a status line in three pieces",
	 8080,
	 {HELLO, REPLY(500, "HT"), REPLY(502, "TP/1.0 40"), REPLY(511, "4 Not Found\n")},
	 "syn 1, synack 2, response 6 404"},
	{"a request line out of order",
	 8080,
	 {HELLO, DATA(104, "/ HTTP/1.1\r\n"), DATA(100, "GET ")},
	 "syn 1, synack 2, request 5 GET / HTTP/1.1"},
	{"not HTTP",
	 25,
	 {HELLO, DATA(100, "EHLO there\r\n"), REPLY(500, "HTTP/1.1 OK 200\r\n"), DATA(112, "GET / HTTP/1.1\r\n")},
	 "syn 1, synack 2"},
	{"binary",
	 443,
	 {HELLO, BYTES(100, "\x16\x03\x01\x02\x00\x01", 6), DATA(106, "GET / HTTP/1.1\r\n")},
	 "syn 1, synack 2"},
	{"keepalive messages both ways",
	 179,
	 {HELLO, BYTES(100, keepalive, KEEPALIVE_LEN), {true, TCP_ACK, 500, 119, keepalive, KEEPALIVE_LEN, 0}},
	 "syn 1, synack 2, bgp 4 type 4, bgp 5 type 4"},
	{"a message in two segments, sent twice",
	 179,
	 {HELLO, BYTES(100, keepalive, 10), BYTES(100, keepalive, 10), BYTES(110, keepalive + 10, 9)},
	 "syn 1, synack 2, bgp 6 type 4"},
	{"garbage is told once",
	 179,
	 {HELLO, BYTES(100, "garbage", 7), BYTES(107, keepalive, KEEPALIVE_LEN), BYTES(126, "garbage", 7)},
	 "syn 1, synack 2, bad 4 1/1"},
	{"bad length",
	 179,
	 {HELLO, BYTES(100, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x12\x04", 19)},
	 "syn 1, synack 2, bad 4 1/2"},
	{"joined within a message",
	 179,
	 {BYTES(100, "\xff\xff\x01\x02", 4), BYTES(104, keepalive, KEEPALIVE_LEN), BYTES(123, "garbage", 7)},
	 "bgp 2 type 4, bad 3 1/1"},
	{"a frame lost: on behind it once it was acknowledged",
	 179,
	 {HELLO,
	  BYTES(105, keepalive + 5, 14),
	  BYTES(119, keepalive, KEEPALIVE_LEN),
	  {true, TCP_ACK, 500, 138, NULL, 0, 0},
	  {true, TCP_ACK, 500, 138, NULL, 0, 2}},
	 "syn 1, synack 2, gap 7, bgp 7 type 4"},
	{"the handshake seen backwards",
	 179,
	 {{true, TCP_SYN | TCP_ACK, 499, 100, NULL, 0, 0},
	  {false, TCP_SYN, 99, 0, NULL, 0, 0},
	  BYTES(100, keepalive, KEEPALIVE_LEN)},
	 "synack 1, syn 2, bgp 3 type 4"},
	{"data on its way when the peer resets",
	 179,
	 {HELLO, {true, TCP_RST, 500, 0, NULL, 0, 0}, BYTES(100, keepalive, KEEPALIVE_LEN)},
	 "syn 1, synack 2, rst 4, bgp 5 type 4"},
	{"numbers wrap within a message",
	 179,
	 {{false, TCP_SYN, UINT32_MAX - 4, 0, NULL, 0, 0},
	  BYTES(UINT32_MAX - 3, keepalive, 10),
	  BYTES(6, keepalive + 10, 9)},
	 "syn 1, bgp 3 type 4"},
};

static void test_tcp(void **state)
{
	const struct tcp_row *row = *state;
	struct bench b;

	bench_init(&b, DLT_EN10MB);
	for (const struct segment *s = row->segments; s->flags != 0; s++) {
		static uint8_t frame[FRAME_MAX];
		struct frame_spec spec = {.src = s->back ? B : A,
					  .dst = s->back ? A : B,
					  .src_port = s->back ? row->port : 40000,
					  .dst_port = s->back ? 40000 : row->port,
					  .protocol = 6,
					  .flags = s->flags,
					  .seq = s->seq,
					  .ack = s->ack,
					  .payload = s->text,
					  .payload_len = s->len > 0 || s->text == NULL ? s->len : strlen(s->text)};

		b.now_ns += s->wait_s * NS_PER_S;
		bench_frame(&b, frame, frame_ethernet(&spec, frame));
	}
	bench_fini(&b, row->want);
}

/* A SYN with a tag is a flow's packet and leaves nothing behind. */
static void test_tagged_syn(void **state)
{
	static uint8_t frame[FRAME_MAX];
	uint8_t tag[WIRE_FLOWTAG_LEN];
	struct frame_spec spec = {.src = A,
				  .dst = B,
				  .dst_port = 80,
				  .protocol = 6,
				  .flags = TCP_SYN,
				  .payload = tag,
				  .payload_len = sizeof(tag)};
	struct bench b;

	(void)state;
	bench_init(&b, DLT_EN10MB);
	capture_mac_set(b.c, 0, (const uint8_t[]){2, 0, 0, 0, 0, 2});
	frame_tag(8, 0, tag);
	bench_frame(&b, frame, frame_ethernet(&spec, frame));
	capture_mac_set(b.c, 0, (const uint8_t[]){2, 0, 0, 0, 0, 3});
	bench_frame(&b, frame, frame_ethernet(&spec, frame));
	assert_int_equal(b.c->decoder.conns.count, 0);
	tag[0] ^= 1;
	bench_frame(&b, frame, frame_ethernet(&spec, frame));
	bench_fini(&b, "flow 1 8, flow 2 8 stray, syn 3");
}

/* More connections than the table holds: the idlest are forgotten, the rest is found. */
/* What goes to port 3784 is BFD, unless it is a flow's of ours; what comes from there is not (RFC 5881 section 4). */
static void test_bfd(void **state)
{
	static uint8_t frame[FRAME_MAX];
	uint8_t tag[WIRE_FLOWTAG_LEN], packet[24] = {0x20, 0x40, 3, 24};
	struct frame_spec spec = {.src = A,
				  .dst = B,
				  .src_port = 49152,
				  .dst_port = 3784,
				  .protocol = 17,
				  .payload = packet,
				  .payload_len = sizeof(packet)};
	struct bench b;

	(void)state;
	bench_init(&b, DLT_EN10MB);
	bench_frame(&b, frame, frame_ethernet(&spec, frame));
	spec.payload_len = 0;
	bench_frame(&b, frame, frame_ethernet(&spec, frame));
	spec.dst_port = 3785;
	bench_frame(&b, frame, frame_ethernet(&spec, frame));
	spec.src_port = 3784;
	bench_frame(&b, frame, frame_ethernet(&spec, frame));
	frame_tag(5, 0, tag);
	spec.payload = tag;
	spec.payload_len = sizeof(tag);
	spec.dst_port = 3784;
	bench_frame(&b, frame, frame_ethernet(&spec, frame));
	bench_fini(&b, "bfd 1 24 of ttl 63, bfd 2 0 of ttl 63, flow 5 5");
}

static void test_table(void **state)
{
	struct conn_table t = {.max = 1000, .seed = 1};
	struct capture_budget budget = {.max = 1 << 20};
	struct addr a = addr_v4(1), b = addr_v4(2);
	unsigned int end;

	(void)state;
	for (unsigned int i = 0; i < 5000; i++) {
		struct conn_key key = conn_key_of(i % 3, &a, (uint16_t)(i + 1), &b, 80, &end);
		struct conn *conn = conn_find(&t, &budget, &key, true);

		assert_int_equal(end, 0);
		assert_true(conn_keep_partial(&conn->dir[0], &budget, (const uint8_t *)"x", 1));
		assert_true(t.count <= t.max);
	}
	for (unsigned int i = 0; i < 5000; i++) {
		struct conn_key key = conn_key_of(i % 3, &b, 80, &a, (uint16_t)(i + 1), &end);

		assert_int_equal(end, 1);
		assert_int_equal(conn_find(&t, &budget, &key, false) != NULL, i >= 4000);
	}
	conn_table_forget_link(&t, &budget, 1);
	assert_in_range(t.count, 660, 670);
	conn_table_clear(&t, &budget);
	assert_int_equal(budget.used, 0);
}

/* Extended messages (RFC 8654) only to who had the capability in its OPEN. */
static void test_extended(void **state)
{
	static uint8_t frame[FRAME_MAX], update[6000];
	static const char open[] =
		"ffffffffffffffffffffffffffffffff 0025 01 04 55f0 00b4 0a000001 08 0206 0600 0200 4600";
	static const char plain[] = "ffffffffffffffffffffffffffffffff 001d 01 04 55f0 00b4 0a000002 00";
	uint8_t bytes[64];

	for (unsigned int takes = 0; takes < 2; takes++) {
		struct frame_spec spec = {
			.src = A, .dst = B, .src_port = 179, .dst_port = 40000, .protocol = 6, .flags = TCP_ACK};
		struct frame_spec back = {
			.src = B, .dst = A, .src_port = 40000, .dst_port = 179, .protocol = 6, .flags = TCP_ACK};
		struct bench b;

		(void)state;
		bench_init(&b, DLT_EN10MB);
		spec.payload = bytes;
		spec.payload_len = support_hex(takes ? plain : open, bytes, sizeof(bytes));
		bench_frame(&b, frame, frame_ethernet(&spec, frame));
		back.payload = bytes;
		back.payload_len = support_hex(takes ? open : plain, bytes, sizeof(bytes));
		bench_frame(&b, frame, frame_ethernet(&back, frame));
		memset(update, 0xff, 16);
		update[16] = sizeof(update) >> 8;
		update[17] = sizeof(update) & 0xff;
		update[18] = WIRE_UPDATE;
		spec.seq += (uint32_t)spec.payload_len;
		spec.payload = update;
		spec.payload_len = sizeof(update);
		bench_frame(&b, frame, frame_ethernet(&spec, frame));
		bench_fini(&b, takes ? "bgp 1 type 1, bgp 2 type 1, bgp 3 type 2"
				     : "bgp 1 type 1, bgp 2 type 1, bad 3 1/2");
	}
}

#define ROWS(rows) (sizeof(rows) / sizeof((rows)[0]))

int main(void)
{
	struct CMUnitTest tests[ROWS(link_rows) + ROWS(ip_rows) + ROWS(tcp_rows) + 3] = {
		cmocka_unit_test(test_tagged_syn),
		cmocka_unit_test(test_bfd),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_extended),
	};
	size_t n = 3;

	for (size_t i = 0; i < ROWS(link_rows); i++)
		tests[n++] = (struct CMUnitTest){link_rows[i].name, test_link_layer, NULL, NULL,
						 (void *)(uintptr_t)&link_rows[i]};
	for (size_t i = 0; i < ROWS(ip_rows); i++)
		tests[n++] = (struct CMUnitTest){ip_rows[i].name, test_ip, NULL, NULL, (void *)(uintptr_t)&ip_rows[i]};
	for (size_t i = 0; i < ROWS(tcp_rows); i++)
		tests[n++] =
			(struct CMUnitTest){tcp_rows[i].name, test_tcp, NULL, NULL, (void *)(uintptr_t)&tcp_rows[i]};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
