/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Affinity and balance are of what the router's hash sees: a flow label that changes makes another key, flows that differ in
 * what it does not look at share one. */
#include "play.h"

#include <stdio.h>
#include <string.h>

#define RUN 5U
#define VIP6 "fd00:254::1"
#define CLIENT6 "fd00:172::10"
#define ADDRESSES (JUDGE_HASH_SRC | JUDGE_HASH_DST)
#define L3 (ADDRESSES | JUDGE_HASH_LABEL)
#define L4 (ADDRESSES | JUDGE_HASH_PROTOCOL | JUDGE_HASH_SRC_PORT | JUDGE_HASH_DST_PORT)

static void labelled(struct play *p, unsigned int link, uint32_t label)
{
	p->links[link].at[p->links[link].len - 1].flow_label = label;
}

/* Its packet leaves the client, and comes to the worker. */
static void packet(struct play *p, double ms, uint32_t flow, uint32_t seq, unsigned int worker, uint32_t label)
{
	play_flow(p, PLAY_CLIENT, ms, RUN, flow, CLIENT6, VIP6);
	labelled(p, PLAY_CLIENT, label);
	p->links[PLAY_CLIENT].at[p->links[PLAY_CLIENT].len - 1].tag.seq = seq;
	play_flow(p, worker, ms + 0.5, RUN, flow, CLIENT6, VIP6);
	labelled(p, worker, label);
	p->links[worker].at[p->links[worker].len - 1].tag.seq = seq;
}

static struct judge_expect expect(struct play *p, enum judge_kind kind, uint32_t count, uint32_t packets)
{
	struct judge_expect e = play_expect(p, kind, "123", 0, 1000);

	e.traffic = (struct judge_traffic){.flows = true,
					   .run = RUN,
					   .count = count,
					   .packets = packets,
					   .vip = play_addr(VIP6),
					   .since = play_ms(0),
					   .until = play_ms(500)};
	return e;
}

static struct judge_finding under(struct play *p, const struct judge_expect *e, bool addresses_only,
				  unsigned int fields)
{
	p->lab.hash_addresses_only = addresses_only;
	p->lab.hash_fields = fields;
	return play_ask(p, e, play_ms(1000));
}

/* Two packets of each of two flows; the second of flow 1 has another label, and goes elsewhere. */
static void test_label_changes(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_PACKETS, 2, 2);
	struct judge_finding f;

	packet(p, 1, 0, 0, 0, 7);
	packet(p, 2, 1, 0, 1, 8);
	packet(p, 3, 0, 1, 0, 7);
	packet(p, 4, 1, 1, 2, 9);
	f = under(p, &e, true, L3);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_says(
		f, "; 1 came to another worker, too, under another IPv6 flow label, which the router's hash looks at");
	f = under(p, &e, true, ADDRESSES);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "1 flow is split over workers");
	f = under(p, &e, false, L4);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	f = under(p, &e, false, 0); /* not known: as if the label were nothing */
	assert_int_equal(f.verdict, JUDGE_FAIL);
}

/* The hash saw the same key twice, and chose two workers: once with the first label, once with the second. */
static void test_label_splits(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_PACKETS, 1, 3);
	struct judge_finding f;

	packet(p, 1, 0, 0, 0, 7);
	packet(p, 2, 0, 1, 1, 9);
	packet(p, 3, 0, 2, 2, 9);
	f = under(p, &e, true, L3);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "1 flow is split over workers");
	e.kind = JUDGE_SPREAD_EQUAL;
	f = under(p, &e, true, L3);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "1 of 1 flow was at two workers");
}

static void connection(struct play *p, uint16_t port, double ms, unsigned int worker, uint32_t label)
{
	play_tcp(p, PLAY_CLIENT, ms, CAPTURE_TCP_SYN, CLIENT6, port, VIP6, PLAY_PORT);
	labelled(p, PLAY_CLIENT, label);
	play_tcp(p, worker, ms + 0.1, CAPTURE_TCP_SYN, CLIENT6, port, VIP6, PLAY_PORT);
	labelled(p, worker, label);
}

static void asks(struct play *p, uint16_t port, double ms, unsigned int worker, uint32_t label)
{
	play_tcp(p, PLAY_CLIENT, ms, CAPTURE_HTTP_REQUEST, CLIENT6, port, VIP6, PLAY_PORT);
	labelled(p, PLAY_CLIENT, label);
	play_tcp(p, worker, ms + 0.1, CAPTURE_HTTP_REQUEST, CLIENT6, port, VIP6, PLAY_PORT);
	labelled(p, worker, label);
}

static void reset(struct play *p, uint16_t port, double ms, unsigned int worker)
{
	play_tcp(p, worker, ms, CAPTURE_TCP_RST, VIP6, PLAY_PORT, CLIENT6, port);
	play_tcp(p, PLAY_CLIENT, ms + 0.1, CAPTURE_TCP_RST, VIP6, PLAY_PORT, CLIENT6, port);
}

/* A connection whose question was sent once more under another label, and reset by who got it. */
static void test_connection(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_BROKEN, 2, 0);
	struct judge_finding f;

	e.traffic.flows = false;
	e.traffic.port = PLAY_PORT;
	play_fib(p, -1, VIP6 "/128", "10.0.0.51 10.0.0.52 10.0.0.53");
	connection(p, 40000, 10, 0, 7);
	connection(p, 40001, 11, 1, 8);
	asks(p, 40000, 20, 2, 9);
	reset(p, 40000, 21, 2);
	asks(p, 40001, 22, 1, 8);
	play_tcp(p, PLAY_CLIENT, 23, CAPTURE_HTTP_RESPONSE, VIP6, PLAY_PORT, CLIENT6, 40001);
	f = under(p, &e, true, L3);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "1 broken: 1 by another IPv6 flow label, which the router's hash looks at");
	assert_non_null(strstr(f.why, "net.core.txrehash"));
	f = under(p, &e, false, L4);
	play_assert_says(f, "1 broken: 1 by rehash");
	e.kind = JUDGE_SPREAD_EQUAL;
	f = under(p, &e, true, L3);
	assert_int_equal(f.verdict, JUDGE_PASS);
	play_assert_says(f, "; 1 came to another worker, too, under another IPv6 flow label");
	f = under(p, &e, false, L4);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	play_assert_says(f, "1 of 2 connections was at two workers");
}

/* Flows from ten ports each of whose draws one of `addresses` took: a hash without ports has so many keys. */
static void crowd(struct play *p, uint32_t flows, uint32_t addresses, bool skewed)
{
	for (uint32_t i = 0; i < flows; i++) {
		uint32_t address = i % addresses, worker = skewed ? address % 3 * (address % 2) : address % 3;
		char src[40];

		snprintf(src, sizeof(src), "fd00:172::%x", address + 0x10);
		play_flow(p, PLAY_CLIENT, 1 + i * 0.01, RUN, i, src, VIP6);
		play_flow(p, worker, 1.005 + i * 0.01, RUN, i, src, VIP6);
	}
}

/* 3000 flows of 30 addresses under a hash of source addresses and destination ports are 30 draws, whatever their number: too few
 * for what 3000 would show. */
static void test_keys(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_SPREAD_EQUAL, 3000, 1);
	struct judge_finding f;

	e.detect = 0.2;
	crowd(p, 3000, 30, false);
	f = under(p, &e, false, L4);
	assert_int_equal(f.verdict, JUDGE_PASS);
	f = under(p, &e, false, JUDGE_HASH_SRC | JUDGE_HASH_DST_PORT);
	assert_int_equal(f.verdict, JUDGE_INCONCLUSIVE);
	play_assert_says(
		f,
		"; judged by their 30 distinct keys of the router's hash, which alone decide; to show that a worker");
	play_assert_says(f, " keys are needed");
	assert_int_equal(f.shares[0].count, 10);
	f = under(p, &e, false,
		  JUDGE_HASH_DST_PORT);		 /* one key: no hash could spread that, and the complaint is right */
	assert_int_equal(f.verdict, JUDGE_PASS); /* ... were they not spread */
}

/* 24 draws of which the first worker got 18 by bad luck are no proof, where 2400 flows would be one. */
static void test_bad_luck(void **state)
{
	struct play *p = *state;
	struct judge_expect e = expect(p, JUDGE_SPREAD_EQUAL, 2400, 1);
	struct judge_finding f;

	crowd(p, 2400, 24, true);
	f = under(p, &e, false, L4);
	assert_int_equal(f.verdict, JUDGE_FAIL);
	f = under(p, &e, false, JUDGE_HASH_SRC | JUDGE_HASH_DST_PORT);
	assert_int_equal(f.verdict, JUDGE_PASS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAY_TEST(test_label_changes), PLAY_TEST(test_label_splits), PLAY_TEST(test_connection),
		PLAY_TEST(test_keys),	       PLAY_TEST(test_bad_luck),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
