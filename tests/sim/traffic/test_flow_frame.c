/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames that were changed, against frames that libnet builds from the same fields. */
#include "support.h"
#include "traffic_int.h"

#include <libnet.h>

#include <string.h>

static const struct traffic_macs macs = {{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}};

static struct addr ip(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

/* The oracle: the whole frame by libnet, payload and checksums included. */
static size_t by_libnet(enum traffic_protocol protocol, const struct traffic_tuple *t, const uint8_t *payload,
			uint32_t seq, uint8_t *ret)
{
	char words[LIBNET_ERRBUF_SIZE];
	libnet_t *l = libnet_init(LIBNET_NONE, NULL, words);
	uint16_t l4_len = (uint16_t)((protocol == TRAFFIC_TCP_SYN ? 20 : 8) + WIRE_FLOWTAG_LEN);
	bool v4 = t->src.family == ADDR_V4;
	uint8_t icmp = v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	uint8_t number = protocol == TRAFFIC_UDP ? IPPROTO_UDP : protocol == TRAFFIC_TCP_SYN ? IPPROTO_TCP : icmp;
	uint8_t *packet;
	uint32_t n, src, dst;

	assert_non_null(l);
	if (protocol == TRAFFIC_UDP)
		libnet_build_udp(t->src_port, t->dst_port, l4_len, 0, payload, WIRE_FLOWTAG_LEN, l, 0);
	else if (protocol == TRAFFIC_ICMP_ECHO && v4)
		libnet_build_icmpv4_echo(8, 0, 0, t->src_port, (uint16_t)seq, payload, WIRE_FLOWTAG_LEN, l, 0);
	else if (protocol == TRAFFIC_ICMP_ECHO)
		libnet_build_icmpv6_echo(128, 0, 0, t->src_port, (uint16_t)seq, (uint8_t *)(uintptr_t)payload,
					 WIRE_FLOWTAG_LEN, l, 0);
	else
		libnet_build_tcp(t->src_port, t->dst_port, 1, 0, TH_SYN, 64240, 0, 0, l4_len, payload, WIRE_FLOWTAG_LEN,
				 l, 0);
	if (v4) {
		memcpy(&src, t->src.b, 4);
		memcpy(&dst, t->dst.b, 4);
		libnet_build_ipv4((uint16_t)(20 + l4_len), 0, 0, IP_DF, 64, number, 0, src, dst, NULL, 0, l, 0);
	} else {
		struct libnet_in6_addr src6, dst6;

		memcpy(&src6, t->src.b, 16);
		memcpy(&dst6, t->dst.b, 16);
		libnet_build_ipv6(0, 0, l4_len, number, 64, src6, dst6, NULL, 0, l, 0);
	}
	libnet_build_ethernet(macs.gateway, macs.own, t->src.family == ADDR_V4 ? 0x0800 : 0x86dd, NULL, 0, l, 0);
	assert_int_equal(libnet_pblock_coalesce(l, &packet, &n), 1);
	memcpy(ret, packet, n);
	if (!v4) { /* RFC 8200 section 3; libnet 1.1.6 writes the last octet of a label twice */
		ret[15] = (uint8_t)(t->flow_label >> 16);
		ret[16] = (uint8_t)(t->flow_label >> 8);
		ret[17] = (uint8_t)t->flow_label;
	}
	libnet_adv_free_packet(l, packet);
	libnet_destroy(l);
	return n;
}

static void check(enum traffic_protocol protocol, const char *src, const char *dst)
{
	struct traffic_tuple first = {ip(src), ip(dst), 1, 1, 0, protocol};
	struct traffic_frame f;
	struct errmsg err = {0};
	struct rng rng = {.state = 3};

	assert_int_equal(traffic_frame_make(&f, &macs, &first, &err), 0);
	for (uint32_t i = 0; i < 2000; i++) {
		struct wire_flowtag tag = {(uint32_t)rng_next(&rng), i, (uint32_t)rng_next(&rng), rng_next(&rng)};
		struct traffic_tuple t = {addr_add(&first.src, rng_below(&rng, 200)),
					  addr_add(&first.dst, rng_below(&rng, 200)),
					  (uint16_t)rng_next(&rng),
					  (uint16_t)rng_next(&rng),
					  (uint32_t)rng_below(&rng, 1 << 20),
					  protocol};
		uint8_t want[256], payload[WIRE_FLOWTAG_LEN];
		struct wire_out out = wire_out_to(payload, sizeof(payload));

		wire_flowtag_encode(&out, &tag);
		traffic_frame_set(&f, &t, &tag);
		support_bytes_equal(f.bytes, f.len, want, by_libnet(protocol, &t, payload, tag.seq, want));
	}
}

static void udp_over_ipv4_is_what_libnet_builds(void **state)
{
	(void)state;
	check(TRAFFIC_UDP, "172.16.0.10", "172.16.254.1");
}

static void tcp_over_ipv4_is_what_libnet_builds(void **state)
{
	(void)state;
	check(TRAFFIC_TCP_SYN, "172.16.0.10", "172.16.254.1");
}

static void udp_over_ipv6_is_what_libnet_builds(void **state)
{
	(void)state;
	check(TRAFFIC_UDP, "2001:db8::10", "2001:db8:1::1");
}

static void tcp_over_ipv6_is_what_libnet_builds(void **state)
{
	(void)state;
	check(TRAFFIC_TCP_SYN, "2001:db8::10", "2001:db8:1::1");
}

static void echoes_over_ipv4_are_what_libnet_builds(void **state)
{
	(void)state;
	check(TRAFFIC_ICMP_ECHO, "172.16.0.10", "172.16.254.1");
}

static void echoes_over_ipv6_are_what_libnet_builds(void **state)
{
	(void)state;
	check(TRAFFIC_ICMP_ECHO, "2001:db8::10", "2001:db8:1::1");
}

/* Typed by hand from RFC 791; the ten words of an IPv4 header sum up to all ones. */
static void a_frame_is_as_the_rfcs_say(void **state)
{
	static const char *const head = "020000000002 020000000001 0800"
					"4500 003c 0000 4000 40 11";
	struct traffic_tuple t = {ip("172.16.0.10"), ip("172.16.254.1"), 0x1234, 80, 0, TRAFFIC_UDP};
	struct wire_flowtag tag = {7, 8, 9, 10}, got;
	struct traffic_frame f;
	struct errmsg err = {0};
	uint8_t want[64];
	uint32_t sum = 0;

	(void)state;
	assert_int_equal(traffic_frame_make(&f, &macs, &t, &err), 0);
	traffic_frame_set(&f, &t, &tag);
	support_bytes_equal(f.bytes, 24, want, support_hex(head, want, sizeof(want)));
	for (size_t i = 14; i < 34; i += 2)
		sum += (uint32_t)f.bytes[i] << 8 | f.bytes[i + 1];
	assert_int_equal((sum >> 16) + (sum & 0xffff), 0xffff);
	assert_int_equal(f.len, 14 + 20 + 8 + 32);
	assert_true(wire_flowtag_decode(wire_in_of(f.bytes + 42, f.len - 42), &got));
	assert_int_equal(got.flow, 8);
}

/* RFC 768: of all 65536 ports one makes the sum zero, which would say that there is none. */
static void a_udp_checksum_is_never_zero(void **state)
{
	struct traffic_tuple t = {ip("172.16.0.10"), ip("172.16.254.1"), 0, 80, 0, TRAFFIC_UDP};
	struct wire_flowtag tag = {7, 8, 9, 10};
	struct traffic_frame f;
	struct errmsg err = {0};
	size_t ones = 0;

	(void)state;
	assert_int_equal(traffic_frame_make(&f, &macs, &t, &err), 0);
	for (uint32_t port = 0; port < 65536; port++) {
		t.src_port = (uint16_t)port;
		traffic_frame_set(&f, &t, &tag);
		assert_true(f.bytes[40] != 0 || f.bytes[41] != 0);
		ones += f.bytes[40] == 0xff && f.bytes[41] == 0xff;
	}
	assert_in_range(ones, 1, 2);
}

/* RFC 791 section 3.2, RFC 8200 section 4.5: fragments with the same identification are put together. */
static void datagrams_of_a_round_have_their_own_identification(void **state)
{
	struct traffic_tuple t = {ip("172.16.0.10"), ip("172.16.254.1"), 1, 80, 0, TRAFFIC_UDP};
	static bool seen[65536];
	struct traffic_frame f[2];
	struct errmsg err = {0};

	(void)state;
	assert_int_equal(traffic_fragments_make(f, &macs, &t, &err), 0);
	for (uint32_t i = 0; i < 65536; i++) {
		struct wire_flowtag tag = {7, i % 32768, i / 32768, 0};
		size_t id;

		traffic_fragments_set(f, &t, &tag);
		id = (size_t)f[0].bytes[18] << 8 | f[0].bytes[19];
		assert_memory_equal(f[0].bytes + 18, f[1].bytes + 18, 2);
		assert_true(i >= 32768 || !seen[id]);
		seen[id] = true;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(udp_over_ipv4_is_what_libnet_builds),
		cmocka_unit_test(tcp_over_ipv4_is_what_libnet_builds),
		cmocka_unit_test(udp_over_ipv6_is_what_libnet_builds),
		cmocka_unit_test(tcp_over_ipv6_is_what_libnet_builds),
		cmocka_unit_test(echoes_over_ipv4_are_what_libnet_builds),
		cmocka_unit_test(echoes_over_ipv6_are_what_libnet_builds),
		cmocka_unit_test(a_udp_checksum_is_never_zero),
		cmocka_unit_test(datagrams_of_a_round_have_their_own_identification),
		cmocka_unit_test(a_frame_is_as_the_rfcs_say),
	};

	return cmocka_run_group_tests_name("traffic: frame", tests, NULL, NULL);
}
