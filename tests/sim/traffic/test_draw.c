/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which flows are drawn: distinct, by the seed, inside of what may vary. */
#include "support.h"
#include "traffic_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct addr ip(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static struct prefix net(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

static struct traffic_flows flows_of(unsigned int vary, uint32_t count)
{
	return (struct traffic_flows){.src = ip("172.16.0.10"),
				      .src_net = net("172.16.0.0/24"),
				      .dst = ip("172.16.254.1"),
				      .dst_net = net("172.16.254.0/30"),
				      .src_port = 40000,
				      .dst_port = 80,
				      .vary = vary,
				      .count = count,
				      .packets = 1,
				      .seed = 1};
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct traffic_tuple));
}

/* Draws the whole set; fails on two alike. Counts how often each source port was drawn. */
static void check_distinct(const struct traffic_draw *d, uint64_t count)
{
	struct traffic_tuple *all = calloc(count, sizeof(*all));

	assert_non_null(all);
	for (uint64_t i = 0; i < count; i++) {
		struct traffic_tuple t = traffic_draw_at(d, i);

		memcpy(&all[i].src, &t.src, sizeof(t.src));
		memcpy(&all[i].dst, &t.dst, sizeof(t.dst));
		all[i].src_port = t.src_port;
		all[i].dst_port = t.dst_port;
		all[i].flow_label = t.flow_label;
		all[i].protocol = t.protocol;
	}
	qsort(all, count, sizeof(*all), by_bytes);
	for (uint64_t i = 1; i < count; i++)
		assert_int_not_equal(by_bytes(&all[i - 1], &all[i]), 0);
	free(all);
}

static const struct space_row {
	unsigned int vary;
	uint64_t total;
} space_rows[] = {
	{0, 1},
	{TRAFFIC_VARY_SRC_PORT, 64512},
	{TRAFFIC_VARY_DST_PORT, 65535},
	{TRAFFIC_VARY_SRC_ADDR, 245}, /* 172.16.0.10 to .254 */
	{TRAFFIC_VARY_DST_ADDR, 4},
	{TRAFFIC_VARY_SRC_ADDR | TRAFFIC_VARY_DST_ADDR, 245 * 4},
	{TRAFFIC_VARY_SRC_PORT | TRAFFIC_VARY_DST_ADDR, UINT64_C(64512) * 4},
	{TRAFFIC_VARY_PROTOCOL, 2},
	{TRAFFIC_VARY_SRC_PORT | TRAFFIC_VARY_PROTOCOL, UINT64_C(64512) * 2},
	{15, UINT64_C(64512) * 65535 * 245 * 4},
};

static void every_space_is_drawn_without_repetition(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(space_rows) / sizeof(space_rows[0]); i++) {
		uint64_t n = space_rows[i].total < 300000 ? space_rows[i].total : 300000;
		struct traffic_flows flows = flows_of(space_rows[i].vary, (uint32_t)n);
		struct traffic_draw d;
		struct errmsg err = {0};

		assert_int_equal(traffic_draw_init(&d, &flows, &err), 0);
		assert_int_equal(d.total, space_rows[i].total);
		check_distinct(&d, n);
	}
}

static struct traffic_flows flows_v6(unsigned int vary, uint32_t count)
{
	struct traffic_flows flows = flows_of(vary, count);

	flows.src = ip("2001:db8::10");
	flows.src_net = net("2001:db8::/64");
	flows.dst = ip("2001:db8:1::1");
	flows.dst_net = net("2001:db8:1::/96");
	return flows;
}

/* RFC 6437 section 2: a label is one of 20 bits that is not 0. */
static void flow_labels_are_drawn_without_repetition(void **state)
{
	struct traffic_flows flows = flows_v6(TRAFFIC_VARY_FLOW_LABEL, (1U << 20) - 1);
	struct traffic_draw d;
	struct errmsg err = {0};

	(void)state;
	assert_int_equal(traffic_draw_init(&d, &flows, &err), 0);
	assert_int_equal(d.total, (1U << 20) - 1);
	check_distinct(&d, flows.count);
	for (uint32_t i = 0; i < flows.count; i++)
		assert_in_range(traffic_draw_at(&d, i).flow_label, 1, (1U << 20) - 1);
	flows.count++;
	assert_int_equal(traffic_draw_init(&d, &flows, &err), -ERANGE);
	assert_string_equal(err.text,
			    "varying flow_label gives only 1048575 distinct flows, and 1048576 are asked for");
}

/* More combinations than 64 bits can number. */
static void all_fields_at_once_are_drawn_without_repetition(void **state)
{
	struct traffic_flows flows = flows_v6(63, 300000);
	struct traffic_draw d;
	struct errmsg err = {0};

	(void)state;
	assert_int_equal(traffic_draw_init(&d, &flows, &err), 0);
	assert_true(d.total > UINT64_C(1) << 60);
	assert_int_equal(d.protocols, 2);
	check_distinct(&d, flows.count);
}

static void tuples_are_taken_as_they_are(void **state)
{
	const struct traffic_tuple tuples[] = {{ip("10.0.0.1"), ip("10.0.0.9"), 5, 6, 0, TRAFFIC_UDP},
					       {ip("10.0.0.2"), ip("10.0.0.9"), 7, 8, 0, TRAFFIC_ICMP_ECHO}};
	struct traffic_flows flows = {.tuples = tuples, .tuple_count = 2, .count = 2, .packets = 1};
	struct traffic_tuple got[2], mixed[2];
	struct errmsg err = {0};

	(void)state;
	assert_int_equal(traffic_tuples(&flows, got, &err), 0);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(got[i].src_port, tuples[i].src_port);
		assert_int_equal(got[i].protocol, tuples[i].protocol);
		assert_true(addr_equal(&got[i].src, &tuples[i].src));
	}
	flows.count = 3;
	assert_int_equal(traffic_tuples(&flows, got, &err), -ERANGE);
	assert_string_equal(err.text, "flows: there are only 2 distinct flows, and 3 are asked for");
	mixed[0] = tuples[0];
	mixed[1] = tuples[1];
	mixed[1].dst = ip("2001:db8::1");
	flows.tuples = mixed;
	flows.count = 2;
	assert_int_equal(traffic_tuples(&flows, got, &err), -EINVAL);
}

static void what_a_protocol_lacks_can_not_vary(void **state)
{
	struct traffic_flows flows = flows_of(TRAFFIC_VARY_FLOW_LABEL, 2);
	struct traffic_draw d;
	struct errmsg err = {0};

	(void)state;
	assert_int_equal(traffic_draw_init(&d, &flows, &err), -EINVAL);
	assert_string_equal(err.text, "flow labels vary in IPv6 alone, and 172.16.254.1 is of IPv4");
	flows.protocol = TRAFFIC_ICMP_ECHO;
	flows.vary = TRAFFIC_VARY_DST_PORT;
	assert_int_equal(traffic_draw_init(&d, &flows, &err), -EINVAL);
	assert_string_equal(err.text, "an ICMP echo has no dst_port to vary");
	flows.vary = TRAFFIC_VARY_SRC_PORT;
	assert_int_equal(traffic_draw_init(&d, &flows, &err), 0);
}

static void fields_stay_in_their_ranges(void **state)
{
	struct traffic_flows flows = flows_of(15, 100000);
	struct addr first = ip("172.16.0.10"), last = ip("172.16.0.254");
	uint16_t lowest = UINT16_MAX, highest = 0;
	struct traffic_draw d;
	struct errmsg err = {0};

	(void)state;
	assert_int_equal(traffic_draw_init(&d, &flows, &err), 0);
	for (uint64_t i = 0; i < 100000; i++) {
		struct traffic_tuple t = traffic_draw_at(&d, i);

		assert_true(t.src_port >= 1024);
		assert_true(t.dst_port >= 1);
		assert_true(addr_compare(&t.src, &first) >= 0 && addr_compare(&t.src, &last) <= 0);
		assert_true(prefix_contains(&flows.dst_net, &t.dst));
		lowest = t.src_port < lowest ? t.src_port : lowest;
		highest = t.src_port > highest ? t.src_port : highest;
	}
	assert_true(lowest < 1100 && highest > 65400);
}

static void fixed_fields_stay_fixed(void **state)
{
	struct traffic_flows flows = flows_of(TRAFFIC_VARY_SRC_PORT, 3000);
	struct traffic_draw d;
	struct errmsg err = {0};

	(void)state;
	assert_int_equal(traffic_draw_init(&d, &flows, &err), 0);
	for (uint64_t i = 0; i < 3000; i++) {
		struct traffic_tuple t = traffic_draw_at(&d, i);

		assert_true(addr_equal(&t.src, &flows.src) && addr_equal(&t.dst, &flows.dst));
		assert_int_equal(t.dst_port, 80);
	}
}

static void a_seed_decides_the_draw(void **state)
{
	struct traffic_flows one = flows_of(TRAFFIC_VARY_SRC_PORT, 1000), two = one;
	struct traffic_draw a, b, c;
	struct errmsg err = {0};
	size_t same = 0;

	(void)state;
	two.seed = 2;
	assert_int_equal(traffic_draw_init(&a, &one, &err), 0);
	assert_int_equal(traffic_draw_init(&b, &one, &err), 0);
	assert_int_equal(traffic_draw_init(&c, &two, &err), 0);
	for (uint64_t i = 0; i < 1000; i++) {
		assert_int_equal(traffic_draw_at(&a, i).src_port, traffic_draw_at(&b, i).src_port);
		same += traffic_draw_at(&a, i).src_port == traffic_draw_at(&c, i).src_port;
	}
	assert_true(same < 10);
}

/* 64512 ports in 63 bins of 1024, 6300 draws: 100 each are expected. Chi-square with 62 degrees of freedom is above 140
 * once in ten million seeds, and drawing without repetition makes it smaller; the seed is fixed. */
static void ports_are_spread(void **state)
{
	struct traffic_flows flows = flows_of(TRAFFIC_VARY_SRC_PORT, 6300);
	unsigned int bins[63] = {0};
	struct traffic_draw d;
	struct errmsg err = {0};
	double chi = 0;

	(void)state;
	assert_int_equal(traffic_draw_init(&d, &flows, &err), 0);
	for (uint64_t i = 0; i < 6300; i++)
		bins[(traffic_draw_at(&d, i).src_port - 1024) / 1024]++;
	for (size_t i = 0; i < 63; i++)
		chi += ((double)bins[i] - 100) * ((double)bins[i] - 100) / 100;
	assert_true(chi < 140);
	assert_true(chi > 20); /* a plain counter would fill the bins evenly */
}

static void too_small_a_space_is_told_in_words(void **state)
{
	struct traffic_flows flows = flows_of(TRAFFIC_VARY_DST_ADDR, 5);
	struct traffic_draw d;
	struct errmsg err = {0};

	(void)state;
	assert_int_equal(traffic_draw_init(&d, &flows, &err), -ERANGE);
	assert_string_equal(err.text, "varying dst_addr gives only 4 distinct flows, and 5 are asked for");
	flows = flows_of(0, 2);
	assert_int_equal(traffic_draw_init(&d, &flows, &err), -ERANGE);
	assert_string_equal(err.text, "varying nothing gives only 1 distinct flow, and 2 are asked for");
	flows = flows_of(TRAFFIC_VARY_SRC_PORT, 64513);
	assert_int_equal(traffic_draw_init(&d, &flows, &err), -ERANGE);
	flows.count = 64512;
	assert_int_equal(traffic_draw_init(&d, &flows, &err), 0);
}

static void nonsense_is_refused(void **state)
{
	struct traffic_flows flows = flows_of(TRAFFIC_VARY_SRC_PORT, 1);
	struct traffic_draw d;
	struct errmsg err = {0};

	(void)state;
	flows.dst = ip("2001:db8::1");
	assert_int_equal(traffic_draw_init(&d, &flows, &err), -EINVAL);
	assert_string_equal(err.text, "source 172.16.0.10 and destination 2001:db8::1 are of different families");
	flows = flows_of(TRAFFIC_VARY_SRC_PORT, 1);
	flows.packets = 0;
	assert_int_equal(traffic_draw_init(&d, &flows, &err), -EINVAL);
	flows = flows_of(TRAFFIC_VARY_SRC_PORT, 1);
	flows.src = (struct addr){0};
	assert_int_equal(traffic_draw_init(&d, &flows, &err), -EINVAL);
}

static const struct source_row {
	const char *src, *src_net;
	uint64_t total;
	const char *first;
} source_rows[] = {
	{"10.9.9.9", "172.16.0.0/30", 2, "172.16.0.1"},		/* outside: all hosts of the net */
	{"172.16.0.3", "172.16.0.0/30", 1, "172.16.0.3"},	/* the broadcast address itself */
	{"172.16.0.0", "172.16.0.0/31", 2, "172.16.0.0"},	/* RFC 3021 */
	{"172.16.0.9", "172.16.0.9/32", 1, "172.16.0.9"},	/* one host */
	{"10.0.0.200", "10.0.0.0/23", 311, "10.0.0.200"},	/* over an octet's end, to 10.0.1.254 */
	{"10.0.0.0", "10.0.0.0/17", 32767, "10.0.0.0"},		/* without 10.0.127.255 */
	{"10.0.0.1", "10.0.0.0/8", 32768, "10.0.0.1"},		/* cut */
	{"2001:db8::", "2001:db8::/126", 4, "2001:db8::"},	/* no broadcast */
	{"2001:db8::1", "2001:db8::/64", 32768, "2001:db8::1"}, /* cut */
};

static void sources_are_hosts_of_their_net(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(source_rows) / sizeof(source_rows[0]); i++) {
		const struct source_row *row = &source_rows[i];
		struct traffic_flows flows = flows_of(TRAFFIC_VARY_SRC_ADDR, 1);
		struct traffic_draw d;
		struct errmsg err = {0};

		flows.src = ip(row->src);
		flows.src_net = net(row->src_net);
		flows.dst = flows.src;
		assert_int_equal(traffic_draw_init(&d, &flows, &err), 0);
		if (d.total != row->total)
			fail_msg("%s in %s: %llu", row->src, row->src_net, (unsigned long long)d.total);
		assert_string_equal(addr_text(&d.first_src).s, row->first);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_space_is_drawn_without_repetition),
		cmocka_unit_test(flow_labels_are_drawn_without_repetition),
		cmocka_unit_test(all_fields_at_once_are_drawn_without_repetition),
		cmocka_unit_test(tuples_are_taken_as_they_are),
		cmocka_unit_test(what_a_protocol_lacks_can_not_vary),
		cmocka_unit_test(fields_stay_in_their_ranges),
		cmocka_unit_test(fixed_fields_stay_fixed),
		cmocka_unit_test(a_seed_decides_the_draw),
		cmocka_unit_test(ports_are_spread),
		cmocka_unit_test(too_small_a_space_is_told_in_words),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(sources_are_hosts_of_their_net),
	};

	return cmocka_run_group_tests_name("traffic: draw", tests, NULL, NULL);
}
