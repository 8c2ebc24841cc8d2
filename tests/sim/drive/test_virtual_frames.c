/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What taps see of the virtual network, read here without any of the program's own readers: addresses, checksums, sequence
 * numbers, and that the bytes of all segments are those that the speakers wrote. */
#include "support.h"
#include "vec.h"
#include "virtual.h"
#include "virtual_save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

struct seen {
	int64_t ns;
	bool outgoing;
	unsigned int flags;
	uint32_t seq, ack;
	size_t len;
};

struct side {
	struct bgp_speaker *engine;
	virtual_node node;
	struct addr own, remote;
	uint16_t port;
	VEC(struct seen) frames;
	VEC(uint8_t) wrote, tapped_out, tapped_in;
};

struct field {
	struct virtual *net;
	struct side sides[2];
	uint64_t hash;
};

static uint16_t u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t u32(const uint8_t *p)
{
	return (uint32_t)u16(p) << 16 | u16(p + 2);
}

/* The one's complement sum of a correct checksum's octets is all ones. */
static uint32_t folded(uint32_t sum, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i + 1 < n; i += 2)
		sum += u16(p + i);
	if (n % 2 != 0)
		sum += (uint32_t)p[n - 1] << 8;
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* The TCP header, its source address at *ret_src; *ret_len octets up to the frame's end. */
static const uint8_t *ip_checked(const uint8_t *frame, size_t len, const uint8_t **ret_src, size_t *ret_len)
{
	const uint8_t *ip = frame + 14;
	bool v6 = u16(frame + 12) == 0x86dd;
	size_t header = v6 ? 40 : 20, octets = v6 ? 16 : 4;

	assert_in_range(len, 14 + header + 20, 1514);
	assert_int_equal(u16(frame + 12), v6 ? 0x86dd : 0x0800);
	assert_int_equal(ip[0], v6 ? 0x60 : 0x45);
	assert_int_equal(v6 ? 40U + u16(ip + 4) : u16(ip + 2), len - 14);
	assert_int_equal(v6 ? ip[6] : ip[9], 6);
	if (!v6)
		assert_int_equal(folded(0, ip, 20), 0xffff);
	*ret_src = v6 ? ip + 8 : ip + 12;
	*ret_len = len - 14 - header;
	assert_int_equal(folded(folded(6 + (uint32_t)*ret_len, *ret_src, 2 * octets), ip + header, *ret_len), 0xffff);
	return ip + header;
}

static void on_frame(void *ctx, virtual_node node, struct instant at, const uint8_t *frame, size_t len)
{
	struct field *f = ctx;
	struct side *s = &f->sides[node];
	const uint8_t *src, *tcp;
	size_t left, header;
	struct seen seen = {.ns = at.ns};

	tcp = ip_checked(frame, len, &src, &left);
	header = (size_t)(tcp[12] >> 4) * 4;
	seen.outgoing = memcmp(src, s->own.b, s->own.family == ADDR_V6 ? 16 : 4) == 0;
	seen.flags = tcp[13];
	seen.seq = u32(tcp + 4);
	seen.ack = u32(tcp + 8);
	seen.len = left - header;
	assert_true(s->frames.len == 0 || s->frames.at[s->frames.len - 1].ns <= at.ns);
	VEC_PUSH(&s->frames, seen);
	for (size_t i = 0; i < seen.len && seen.outgoing; i++)
		VEC_PUSH(&s->tapped_out, tcp[header + i]);
	for (size_t i = 0; i < seen.len && !seen.outgoing; i++)
		VEC_PUSH(&s->tapped_in, tcp[header + i]);
}

static void on_trace(void *ctx, const struct virtual_event *e)
{
	struct field *f = ctx;

	f->hash = (f->hash ^ (uint64_t)e->at.ns ^ e->len << 8 ^ (uint64_t)e->kind) * UINT64_C(0x100000001b3);
	for (size_t i = 0; e->kind == VIRTUAL_SENDS && i < e->len; i++)
		VEC_PUSH(&f->sides[e->node].wrote, e->bytes[i]);
}

static void on_dial(void *ctx, bgp_peer_id peer, struct addr *ret_remote, uint16_t *ret_port, struct addr *ret_source)
{
	const struct side *s = ctx;

	(void)peer;
	(void)ret_source;
	*ret_remote = s->remote;
	*ret_port = s->port;
}

static const struct drive_speaker_ops ops = {.dial = on_dial};
static const struct virtual_network rough = {.delay_ns = NS_PER_MS,
					     .spread_ns = 5 * NS_PER_MS,
					     .jitter_ns = NS_PER_MS,
					     .cut_percent = 40,
					     .late_percent = 30};

static struct addr address(unsigned int i, bool v6)
{
	static const uint8_t network[16] = {0xfd};
	struct addr a = addr_from_bytes(ADDR_V6, network);

	return v6 ? addr_add(&a, i + 1) : addr_v4(0x0a000001U + i);
}

/* Side 1 dials side 0. */
static void field_init_at(struct field *f, bool v6, bool tapped, uint16_t port)
{
	*f = (struct field){0};
	f->net = virtual_new(&(struct virtual_conf){
		.seed = 7, .network = rough, .trace = on_trace, .frame = tapped ? on_frame : NULL, .ctx = f});
	for (unsigned int i = 0; i < 2; i++) {
		struct side *s = &f->sides[i];
		struct bgp_peer_conf peer = {.name = "peer",
					     .remote = address(1 - i, v6),
					     .remote_as = 65001 - i,
					     .passive = i == 0,
					     .both_families = true,
					     .hold_s = 9};
		bgp_peer_id id;

		s->own = address(i, v6);
		s->remote = address(1 - i, v6);
		s->port = port;
		s->engine = bgp_speaker_new(
			&(struct bgp_speaker_conf){.as = 65000 + i, .router_id = 0x0a000001U + i, .seed = i});
		assert_int_equal(bgp_peer_add(s->engine, &peer, &id), 0);
		s->node = virtual_add(
			f->net,
			&(struct virtual_node_conf){
				.listens = i == 0, .addresses = &s->own, .address_count = 1, .ops = &ops, .ctx = s});
	}
	for (unsigned int i = 0; i < 2; i++)
		virtual_start(f->net, f->sides[i].node, f->sides[i].engine);
}

static void field_init(struct field *f, bool v6, bool tapped)
{
	field_init_at(f, v6, tapped, WIRE_BGP_PORT);
}

static void field_fini(struct field *f)
{
	virtual_free(f->net);
	for (unsigned int i = 0; i < 2; i++) {
		struct side *s = &f->sides[i];

		bgp_speaker_free(s->engine);
		VEC_FREE(&s->frames);
		VEC_FREE(&s->wrote);
		VEC_FREE(&s->tapped_out);
		VEC_FREE(&s->tapped_in);
	}
}

static void run_s(struct field *f, int64_t seconds)
{
	virtual_run(f->net, instant_add(virtual_now(f->net), seconds * NS_PER_S));
}

static void announce(struct field *f, unsigned int side, size_t n)
{
	struct bgp_originated *routes = calloc(n, sizeof(*routes));
	struct addr first = addr_v4(0x14000000);

	for (size_t i = 0; i < n; i++) {
		struct addr a = addr_add(&first, i * 256);

		routes[i].prefix = prefix_make(&a, 24);
		routes[i].next_hop = addr_v4(0x0a0000fe);
	}
	bgp_originate(f->sides[side].engine, routes, n);
	bgp_routes_commit(f->sides[side].engine, virtual_now(f->net));
	virtual_flush(f->net, f->sides[side].node);
	free(routes);
}

static size_t count(const struct side *s, bool outgoing, unsigned int flags)
{
	size_t n = 0;

	for (size_t i = 0; i < s->frames.len; i++)
		n += s->frames.at[i].outgoing == outgoing && (s->frames.at[i].flags & (FIN | SYN | RST)) == flags;
	return n;
}

/* Of one connection: each way, no gap and nothing twice; what is acknowledged was there, and never less than before. */
static void numbers_fit(const struct side *s)
{
	uint32_t next[2] = {0}, acked[2] = {0};
	bool begun[2] = {false};

	for (size_t i = 0; i < s->frames.len; i++) {
		const struct seen *f = &s->frames.at[i];
		unsigned int way = f->outgoing ? 1 : 0;

		if ((f->flags & RST) != 0)
			continue;
		if (!begun[way])
			assert_true((f->flags & SYN) != 0);
		else
			assert_int_equal(f->seq, next[way]);
		begun[way] = true;
		next[way] = f->seq + (uint32_t)f->len + ((f->flags & (SYN | FIN)) != 0);
		if ((f->flags & ACK) == 0)
			continue;
		assert_true(begun[1 - way]);
		assert_true((int32_t)(next[1 - way] - f->ack) >= 0);
		assert_true(acked[way] == 0 || (int32_t)(f->ack - acked[way]) >= 0);
		acked[way] = f->ack;
	}
}

static void a_session_is_seen_whole(bool v6)
{
	struct field f;

	field_init(&f, v6, true);
	run_s(&f, 2);
	announce(&f, 0, 3000);
	run_s(&f, 60);
	assert_int_equal(bgp_peer_state(f.sides[0].engine, 0), BGP_ESTABLISHED);
	for (unsigned int i = 0; i < 2; i++) {
		struct side *s = &f.sides[i];

		numbers_fit(s);
		assert_int_equal(s->frames.at[0].outgoing, i == 1);
		assert_int_equal(s->frames.at[0].flags, SYN);
		assert_int_equal(s->frames.at[1].flags, SYN | ACK);
		assert_int_equal(count(s, true, SYN) + count(s, false, SYN), 2);
		assert_int_equal(count(s, true, FIN) + count(s, true, RST), 0);
		support_bytes_equal(s->tapped_out.at, s->tapped_out.len, s->wrote.at, s->wrote.len);
		support_bytes_equal(s->tapped_in.at, s->tapped_in.len, f.sides[1 - i].wrote.at,
				    f.sides[1 - i].wrote.len);
	}
	assert_in_range(f.sides[0].wrote.len, 10000, 100000);
	field_fini(&f);
}

static void a_session_over_ipv4(void **state)
{
	(void)state;
	a_session_is_seen_whole(false);
}

static void a_session_over_ipv6(void **state)
{
	(void)state;
	a_session_is_seen_whole(true);
}

static void taps_change_nothing(void **state)
{
	uint64_t hashes[2];

	(void)state;
	for (unsigned int tapped = 0; tapped < 2; tapped++) {
		struct field f;

		field_init(&f, false, tapped == 1);
		run_s(&f, 100);
		(void)virtual_break(f.net, 0, 1, VIRTUAL_RST, 0);
		run_s(&f, 100);
		hashes[tapped] = f.hash;
		field_fini(&f);
	}
	assert_true(hashes[0] == hashes[1]);
}

static void nobody_at_the_port(void **state)
{
	struct field f;
	struct side *s;

	(void)state;
	field_init_at(&f, false, true, 1179);
	run_s(&f, 1);
	s = &f.sides[1];
	assert_int_not_equal(bgp_peer_state(s->engine, 0), BGP_ESTABLISHED);
	/* RFC 9293 section 3.10.7.1: sequence number zero, the SYN acknowledged. */
	assert_int_equal(s->frames.at[s->frames.len - 1].flags, RST | ACK);
	assert_int_equal(s->frames.at[s->frames.len - 1].seq, 0);
	assert_int_equal(s->frames.at[s->frames.len - 1].ack, s->frames.at[s->frames.len - 2].seq + 1);
	field_fini(&f);
}

/* The NOTIFICATION, and the end of the stream both ways with its acknowledgements. */
static void an_orderly_end(void **state)
{
	struct field f;

	(void)state;
	field_init(&f, false, true);
	run_s(&f, 2);
	bgp_peer_stop(f.sides[0].engine, 0, virtual_now(f.net));
	virtual_flush(f.net, f.sides[0].node);
	virtual_run(f.net, instant_add(virtual_now(f.net), 500 * NS_PER_MS)); /* before it dials again */
	for (unsigned int i = 0; i < 2; i++) {
		numbers_fit(&f.sides[i]);
		assert_int_equal(count(&f.sides[i], true, FIN), 1);
		assert_int_equal(count(&f.sides[i], false, FIN), 1);
		assert_int_equal(f.sides[i].frames.at[f.sides[i].frames.len - 1].flags, ACK);
	}
	field_fini(&f);
}

static void a_killed_process(void **state)
{
	struct field f;
	size_t before;

	(void)state;
	field_init(&f, false, true);
	run_s(&f, 2);
	before = f.sides[1].frames.len;
	virtual_stop(f.net, 1, VIRTUAL_RST);
	run_s(&f, 1);
	assert_int_equal(f.sides[1].frames.at[before].flags & RST, RST);
	assert_true(f.sides[1].frames.at[before].outgoing);
	assert_int_equal(f.sides[1].frames.len, before + 1);
	assert_int_equal(count(&f.sides[0], false, RST), 1);
	field_fini(&f);
}

/* Nothing of what a dark node would have answered is seen anywhere. */
static void a_dark_node(void **state)
{
	struct field f;
	size_t there, here;

	(void)state;
	field_init(&f, false, true);
	run_s(&f, 2);
	there = f.sides[1].frames.len;
	virtual_stop(f.net, 1, VIRTUAL_SILENT);
	here = count(&f.sides[0], false, 0);
	run_s(&f, 60);
	assert_int_equal(f.sides[1].frames.len, there);
	assert_in_range(count(&f.sides[0], false, 0), here, here + 1); /* one may have been on its way */
	assert_int_equal(count(&f.sides[0], true, FIN), 1);	       /* the hold timer's end */
	field_fini(&f);
}

/* ---- The file ---- */

static void put_le(uint8_t *at, uint32_t n)
{
	for (unsigned int i = 0; i < 4; i++)
		at[i] = (uint8_t)(n >> (8 * i));
}

/* Blocks of draft-ietf-opsawg-pcapng sections 4.1 to 4.3, written down by hand. */
static void a_file_of_two_frames(void **state)
{
	static const uint8_t frames[2][5] = {{1, 2, 3, 4, 5}, {6, 7, 8, 9, 10}};
	char path[] = "/tmp/ecmplab-save-XXXXXX";
	int fd = mkstemp(path);
	struct virtual_save *s;
	struct errmsg err;
	uint8_t block[40] = {6};
	char *bytes;
	size_t len, at;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(virtual_save_new(AT_FDCWD, path, "worker1", &s, &err), 0);
	for (int64_t i = 0; i < 2; i++)
		virtual_save_frame(s, (struct instant){(INT64_C(3) << 32) + i}, frames[i], 4 + (size_t)i);
	assert_int_equal(virtual_save_end(s, &err), 0);
	bytes = support_slurp(path, &len);
	(void)unlink(path);
	assert_memory_equal(bytes, "\x0a\x0d\x0d\x0a", 4);
	assert_memory_equal(bytes + 8, "\x4d\x3c\x2b\x1a\x01\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff", 16);
	at = (uint8_t)bytes[4];
	assert_memory_equal(bytes + at, "\x01\x00\x00\x00", 4);
	assert_memory_equal(bytes + at + 8, "\x01\x00\x00\x00\xff\xff\x00\x00", 8);
	assert_memory_equal(bytes + at + 16, "\x02\x00\x07\x00worker1\x00\x09\x00\x01\x00\x09\x00\x00\x00", 20);
	at += (uint8_t)bytes[at + 4];
	put_le(block + 4, 36);
	put_le(block + 12, 3);
	put_le(block + 20, 4);
	put_le(block + 24, 4);
	memcpy(block + 28, frames[0], 4);
	put_le(block + 32, 36);
	assert_memory_equal(bytes + at, block, 36);
	put_le(block + 4, 40);
	put_le(block + 16, 1);
	put_le(block + 20, 5);
	put_le(block + 24, 5);
	put_le(block + 32, 0);
	memcpy(block + 28, frames[1], 5);
	put_le(block + 36, 40);
	assert_memory_equal(bytes + at + 36, block, 40);
	assert_int_equal(len, at + 36 + 40);
	free(bytes);
}

static void a_file_that_cant_be_written(void **state)
{
	struct virtual_save *s;
	struct errmsg err;

	(void)state;
	assert_true(virtual_save_new(AT_FDCWD, "/nowhere/at/all", "x", &s, &err) < 0);
	if (access("/dev/full", W_OK) != 0)
		skip();
	assert_int_equal(virtual_save_new(AT_FDCWD, "/dev/full", "x", &s, &err), 0);
	virtual_save_frame(s, (struct instant){0}, (const uint8_t *)"abcd", 4);
	assert_int_equal(virtual_save_end(s, &err), -ENOSPC);
	assert_non_null(strstr(err.text, "/dev/full"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_over_ipv4),
		cmocka_unit_test(a_session_over_ipv6),
		cmocka_unit_test(taps_change_nothing),
		cmocka_unit_test(nobody_at_the_port),
		cmocka_unit_test(an_orderly_end),
		cmocka_unit_test(a_killed_process),
		cmocka_unit_test(a_dark_node),
		cmocka_unit_test(a_file_of_two_frames),
		cmocka_unit_test(a_file_that_cant_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
