/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What flows can be told beyond their number, and the matrix of fields. */
#include "folder.h"
#include "row.h"
#include "scenario.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

#define LAB "lab: {manifests: nginx.yaml}\nsteps:\n"

static struct plan *read_text(const char *text, struct diags *d, struct folder *f)
{
	*f = folder_new();
	folder_write(f, "nginx.yaml", folder_nginx, strlen(folder_nginx));
	folder_write(f, "flows.pcap", "", 0);
	folder_write(f, "scenario.yaml", text, strlen(text));
	return plan_read(f->path, d);
}

static void every_word_and_its_default(void **state)
{
	struct diags d = {0};
	struct folder f;
	struct plan *p =
		read_text(LAB "  - flows: {}\n"
			      "  - flows: {protocol: icmp, fragments: true, sizes: equal}\n"
			      "  - flows: {vary: [src_port, protocol], sizes: {zipf: 1.1}, rate: 1000, burst: 10}\n"
			      "  - flows: {sizes: {elephants: 10%, share: 90}, packets: 20}\n"
			      "  - flows: {tuples: flows.pcap}\n"
			      "  - flows: {tuples: flows.pcap, count: 7}\n",
			  &d, &f);

	(void)state;
	assert_non_null(p);
	assert_int_equal(p->steps[0].traffic.protocol, PLAN_FLOWS_UDP);
	assert_int_equal(p->steps[0].traffic.sizes, PLAN_SIZES_EQUAL);
	assert_int_equal(p->steps[0].traffic.rate, 0);
	assert_null(p->steps[0].traffic.tuples);
	assert_int_equal(p->steps[1].traffic.protocol, PLAN_FLOWS_ICMP);
	assert_true(p->steps[1].traffic.fragments);
	assert_int_equal(p->steps[2].traffic.vary, 1 | 32);
	assert_int_equal(p->steps[2].traffic.sizes, PLAN_SIZES_ZIPF);
	assert_true(p->steps[2].traffic.exponent == 1.1);
	assert_int_equal(p->steps[2].traffic.rate, 1000);
	assert_int_equal(p->steps[2].traffic.burst, 10);
	assert_int_equal(p->steps[3].traffic.sizes, PLAN_SIZES_ELEPHANTS);
	assert_int_equal(p->steps[3].traffic.elephants, 10);
	assert_int_equal(p->steps[3].traffic.elephants_share, 90);
	assert_string_equal(strrchr(p->steps[4].traffic.tuples, '/'), "/flows.pcap");
	assert_int_equal(p->steps[4].traffic.count, 0);
	assert_int_equal(p->steps[5].traffic.count, 7);
	plan_free(p);
	diags_fini(&d);
	folder_remove(&f);
}

/* One field at a time, in the order of the fields, each with what is expected of it. */
static void a_matrix_is_flows_and_expectations(void **state)
{
	static const struct {
		unsigned int vary;
		enum plan_spread spread;
		const char *text;
	} want[] = {
		{1, PLAN_SPREAD_EQUAL, "spread equal when src_port varies"},
		{2, PLAN_SPREAD_PINNED, "spread pinned when dst_port varies"},
		{4, PLAN_SPREAD_EQUAL, "spread equal when src_addr varies"},
		{8, PLAN_SPREAD_UNEQUAL, "spread unequal when dst_addr varies"},
	};
	struct diags d = {0};
	struct folder f;
	struct plan *p =
		read_text(LAB "  - matrix: {equal: [src_addr, src_port], pinned: dst_port, unequal: [dst_addr],"
			      " count: 200, detect: 50%}\n"
			      "  - expect: {packets: {}}\n",
			  &d, &f);

	(void)state;
	assert_non_null(p);
	assert_int_equal(p->step_count, 9);
	for (size_t i = 0; i < 4; i++) {
		const struct plan_step *flows = &p->steps[2 * i], *expect = flows + 1;

		assert_int_equal(flows->kind, PLAN_STEP_FLOWS);
		assert_int_equal(flows->traffic.vary, want[i].vary);
		assert_int_equal(flows->traffic.count, 200);
		assert_string_equal(flows->traffic.service, "nginx");
		assert_int_equal(expect->kind, PLAN_STEP_EXPECT);
		assert_int_equal(expect->expect.spread, want[i].spread);
		assert_string_equal(expect->text, want[i].text);
		assert_true(expect->expect.detect == 0.5);
	}
	assert_int_equal(p->steps[8].expect.kind, PLAN_EXPECT_PACKETS);
	plan_free(p);
	diags_fini(&d);
	folder_remove(&f);
}

static const struct row rows[] = {
	{"protocol", LAB "  - flows: {protocol: sctp}\n", 1, 3, 23, 4, "protocol can't be \"sctp\"",
	 "did you mean \"tcp\"?"},
	{"vary", LAB "  - flows: {vary: src_prot}\n", 1, 3, 19, 8, "vary can't be \"src_prot\"",
	 "did you mean \"src_port\"?"},
	{"label of IPv4", LAB "  - flows: {vary: [src_port, flow_label]}\n", 1, 3, 19, 1,
	 "vary: only IPv6 has flow labels, and the clients' network is IPv4",
	 "known: src_port, dst_port, src_addr, protocol"},
	{"ports of an echo", LAB "  - flows: {protocol: icmp, vary: [dst_port]}\n", 1, 3, 35, 1,
	 "vary: an ICMP echo has no dst_port", "src_port varies its identifier"},
	{"protocol of an echo", LAB "  - flows: {protocol: icmp, vary: [protocol], count: 2}\n", 1, 3, 35, 1,
	 "vary: an ICMP echo has no protocol to vary", "src_port varies its identifier"},
	{"protocol alone", LAB "  - flows: {vary: [protocol]}\n", 1, 3, 19, 1,
	 "vary: the protocol alone makes two flows, UDP and TCP", "vary src_port as well, or write count: 2"},
	{"burst alone", LAB "  - flows: {burst: 10}\n", 1, 3, 13, 5, "burst: without a rate all go at once",
	 "rate: 1000 is so many packets a second, burst: 10 so many of them at a time"},
	{"sizes, a word", LAB "  - flows: {sizes: zipf}\n", 1, 3, 20, 4, "sizes: expected equal, or how they differ",
	 "such as {zipf: 1.1} or {elephants: 10%, share: 90%}"},
	{"sizes, both", LAB "  - flows: {sizes: {zipf: 1, elephants: 10%, share: 90%}}\n", 1, 3, 20, 1,
	 "sizes: expected one kind of sizes", "either {zipf: 1.1} or {elephants: 10%, share: 90%}"},
	{"sizes, half", LAB "  - flows: {sizes: {elephants: 10%}}\n", 1, 3, 20, 1, "sizes: expected one kind of sizes",
	 "either {zipf: 1.1} or {elephants: 10%, share: 90%}"},
	{"sizes, key", LAB "  - flows: {sizes: {zip: 1}}\n", 2, 3, 21, 3, "sizes has no key \"zip\"",
	 "did you mean \"zipf\"?"},
	{"exponent", LAB "  - flows: {sizes: {zipf: 0}}\n", 1, 3, 27, 1, "zipf: expected an exponent above 0, up to 10",
	 "such as 1.1: the flow of rank n gets a share of 1/n^1.1"},
	{"exponent, two dots", LAB "  - flows: {sizes: {zipf: 1.1.1}}\n", 1, 3, 27, 5,
	 "zipf: expected an exponent above 0, up to 10", "such as 1.1: the flow of rank n gets a share of 1/n^1.1"},
	{"part", LAB "  - flows: {sizes: {elephants: 100%, share: 90%}}\n", 1, 3, 32, 4,
	 "elephants: expected a part from 1% to 99%", "such as 10%"},
	{"tuples, no file", LAB "  - flows: {tuples: flow.pcap}\n", 1, 3, 21, 9,
	 "tuples: can't read DIR/flow.pcap: No such file or directory", "did you mean \"flows.pcap\"?"},
	{"tuples and vary", LAB "  - flows: {tuples: flows.pcap, vary: src_port}\n", 1, 3, 33, 4,
	 "tuples and vary contradict each other",
	 "the capture says what the flows are; only the service's address takes the place of theirs"},
	{"release alone", LAB "  - http: {release: true}\n", 1, 3, 12, 7, "release: no connections are held here",
	 "write http: {requests: 1000, hold: true} before it"},
	{"released twice",
	 LAB "  - http: {hold: true}\n  - http: {release: true}\n  - http: {requests: 1}\n  - http: {release: true}\n",
	 1, 6, 12, 7, "release: no connections are held here", "write http: {requests: 1000, hold: true} before it"},
	{"release and more", LAB "  - http: {hold: true}\n  - http: {release: true, requests: 3}\n", 1, 4, 11, 1,
	 "connections that are released are as they were held", "write no more than {release: true}"},
	{"matrix of nothing", LAB "  - matrix: {count: 10}\n", 1, 3, 13, 1, "matrix: no field to vary",
	 "such as {equal: [src_port, src_addr], pinned: [dst_port]}"},
	{"matrix, twice", LAB "  - matrix: {equal: src_port, pinned: src_port}\n", 1, 3, 13, 1,
	 "matrix: src_port can't be two of equal, pinned and unequal", NULL},
	{"matrix, pinned clients", LAB "  - matrix: {pinned: [src_addr]}\n", 1, 3, 22, 1,
	 "pinned: with src_addr each flow is another client's",
	 "pinned says that all flows of one client go to one worker"},
	{"matrix, protocol", LAB "  - matrix: {equal: [protocol]}\n", 1, 3, 13, 1,
	 "matrix: the protocol alone makes two flows, which show no spread", NULL},
	{"matrix, ports of an echo", LAB "  - matrix: {equal: dst_port, protocol: icmp}\n", 1, 3, 13, 1,
	 "vary: an ICMP echo has no dst_port", "src_port varies its identifier"},
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static void mistake_is_told(void **state)
{
	const struct row *row = *state;
	struct diags d = {0};
	struct folder f;

	assert_null(read_text(row->text, &d, &f));
	row_compare(row, &d, &f);
	diags_fini(&d);
	folder_remove(&f);
}

int main(void)
{
	static struct CMUnitTest tests[ROW_COUNT + 2];
	size_t n = 0;

	for (; n < ROW_COUNT; n++)
		tests[n] = (struct CMUnitTest){rows[n].name, mistake_is_told, NULL, NULL, (void *)(uintptr_t)&rows[n]};
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(every_word_and_its_default);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(a_matrix_is_flows_and_expectations);
	return cmocka_run_group_tests_name("traffic", tests, NULL, NULL);
}
