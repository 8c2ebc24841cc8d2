/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said of flows, of the flows sent again, and of what is expected of either. */
#include "folder.h"
#include "row.h"
#include "scenario.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

#define LAB "lab: {manifests: nginx.yaml}\nsteps:\n"

static struct plan *read_text(const char *text, struct diags *d, struct folder *f)
{
	size_t n;
	char *nginx = support_slurp("scenarios/article/nginx.yaml", &n);

	*f = folder_new();
	folder_write(f, "nginx.yaml", nginx, n);
	folder_write(f, "scenario.yaml", text, strlen(text));
	free(nginx);
	return plan_read(f->path, d);
}

static void every_word_and_its_default(void **state)
{
	struct diags d = {0};
	struct folder f;
	struct plan *p = read_text(LAB "  - flows: {count: auto, packets: 3}\n"
				       "  - expect: {packets: {lost: 2, late: 3, twice: 4}}\n"
				       "  - expect: {packets: {}}\n"
				       "  - expect: {spread: weighted, detect: 10%}\n"
				       "  - expect: {spread: unequal}\n"
				       "  - flows: {again: true}\n"
				       "  - expect: {moved_flows: {at_most: hash_threshold}}\n"
				       "  - expect: {moved_flows: {at_most: minimal}, detect: 5%}\n"
				       "  - expect: {stages: independent}\n",
				   &d, &f);

	(void)state;
	assert_non_null(p);
	assert_int_equal(p->steps[0].traffic.count, 0);
	assert_false(p->steps[0].traffic.again);
	assert_int_equal(p->steps[1].expect.kind, PLAN_EXPECT_PACKETS);
	assert_int_equal(p->steps[1].expect.lost, 2);
	assert_int_equal(p->steps[1].expect.late, 3);
	assert_int_equal(p->steps[1].expect.twice, 4);
	assert_int_equal(p->steps[2].expect.lost + p->steps[2].expect.late + p->steps[2].expect.twice, 0);
	assert_int_equal(p->steps[3].expect.spread, PLAN_SPREAD_WEIGHTED);
	assert_int_equal(p->steps[4].expect.spread, PLAN_SPREAD_UNEQUAL);
	assert_true(p->steps[5].traffic.again);
	assert_int_equal(p->steps[6].expect.kind, PLAN_EXPECT_MOVED);
	assert_int_equal(p->steps[6].expect.at_most, PLAN_MOVES_HASH_THRESHOLD);
	assert_true(p->steps[6].expect.detect == 0.01);
	assert_int_equal(p->steps[7].expect.at_most, PLAN_MOVES_MINIMAL);
	assert_true(p->steps[7].expect.detect == 0.05);
	assert_int_equal(p->steps[8].expect.kind, PLAN_EXPECT_STAGES);
	assert_true(p->steps[8].expect.detect == 0.1);
	plan_free(p);
	diags_fini(&d);
	folder_remove(&f);
}

#define GOING "  - flows: {count: 30, rate: 300, background: true}\n"

static void flows_that_go_on(void **state)
{
	struct diags d = {0};
	struct folder f;
	struct plan *p =
		read_text(LAB GOING "  - fail: {worker: worker2, how: drain}\n"
				    "  - expect: {no_packet_on: worker2, since: withdraw, within: 200ms, lost: 3, "
				    "black_hole: 50ms}\n" GOING "  - fail: {worker: worker2, how: crash}\n"
				    "  - expect: {no_packet_on: [worker2]}\n" GOING "  - recover: worker2\n"
				    "  - expect: {first_packet_on: worker2, since: announce, within: 100ms, lost: 0}\n",
			  &d, &f);
	const struct plan_expect *e;

	(void)state;
	assert_non_null(p);
	assert_true(p->steps[0].traffic.background);
	assert_int_equal(p->steps[1].failure, PLAN_FAIL_DRAIN);
	e = &p->steps[2].expect;
	assert_int_equal(e->kind, PLAN_EXPECT_LEFT);
	assert_int_equal(e->since, PLAN_SINCE_WITHDRAW);
	assert_int_equal(e->within_ns, 200000000);
	assert_int_equal(e->lost_most, 3);
	assert_int_equal(e->black_hole_ns, 50000000);
	e = &p->steps[5].expect;
	assert_int_equal(e->since, PLAN_SINCE_EVENT);
	assert_true(e->lost_most == UINT64_MAX);
	assert_int_equal(e->black_hole_ns, -1);
	assert_int_equal(e->who.workers[0], 2);
	e = &p->steps[8].expect;
	assert_int_equal(e->kind, PLAN_EXPECT_JOINED);
	assert_int_equal(e->since, PLAN_SINCE_ANNOUNCE);
	assert_int_equal(e->within_ns, 100000000);
	assert_int_equal(e->lost_most, 0);
	assert_int_equal(e->who.workers[0], 2);
	plan_free(p);
	diags_fini(&d);
	folder_remove(&f);
}

static void the_impact_of_leaving(void **state)
{
	struct plan_impact what = {.worker = 2,
				   .way = PLAN_FAIL_DRAIN,
				   .group = PLAN_GROUP_RESILIENT,
				   .flows = 400,
				   .connections = 20,
				   .within_ns = 1000000000};
	struct diags d = {0};
	struct folder f;
	struct plan *p = read_text("name: mine\n" LAB "  - apply: nginx.yaml\n"
				   "  - expect: {sessions: established}\n"
				   "  - http: {service: nginx}\n  - fail: {worker: worker1, how: crash}\n",
				   &d, &f);
	const struct plan_expect *e;
	const char *why;

	(void)state;
	assert_non_null(p);
	what.worker = 9;
	assert_false(plan_set_impact(p, &what, &why));
	assert_string_equal(why, "the scenario has worker1 to worker3, and no worker9");
	what.worker = 2;
	assert_true(plan_set_impact(p, &what, &why));
	assert_string_equal(p->name, "mine-drain-resilient");
	assert_true(p->lab.groups.on && p->lab.groups.resilient);
	/* what builds it up, all next hops, then traffic, the way of leaving, and what became of it */
	assert_int_equal(p->step_count, 11);
	assert_int_equal(p->steps[2].expect.kind, PLAN_EXPECT_NEXT_HOPS);
	assert_int_equal(p->steps[3].traffic.count, 400);
	assert_true(p->steps[4].traffic.hold && p->steps[4].traffic.count == 20);
	assert_true(p->steps[5].traffic.background);
	assert_int_equal(p->steps[6].failure, PLAN_FAIL_DRAIN);
	e = &p->steps[7].expect;
	assert_int_equal(e->kind, PLAN_EXPECT_LEFT);
	assert_true(e->told && e->within_ns == 1000000000 && e->who.workers[0] == 2);
	assert_true(p->steps[8].traffic.again);
	assert_int_equal(p->steps[9].expect.kind, PLAN_EXPECT_MOVED);
	assert_true(p->steps[10].traffic.release);
	plan_free(p);
	diags_fini(&d);
	folder_remove(&f);
}

static const struct row refused[] = {
	{"none goes on", LAB "  - flows: {}\n  - expect: {no_packet_on: worker2}\n", 1, 4, 14, 12,
	 "no_packet_on: no flows go on here",
	 "before what happens: - flows: {service: ..., count: 300, rate: 3000, background: true}"},
	{"all leave", LAB GOING "  - expect: {no_packet_on: all}\n", 1, 4, 28, 3,
	 "no_packet_on: expected those who leave, and not all", "such as no_packet_on: worker2"},
	{"all join", LAB GOING "  - expect: {first_packet_on: all}\n", 1, 4, 31, 3,
	 "first_packet_on: expected those who join, and not all", "such as first_packet_on: worker2"},
	{"none joins", LAB "  - flows: {}\n  - expect: {first_packet_on: worker2}\n", 1, 4, 14, 15,
	 "first_packet_on: no flows go on here",
	 "before what happens: - flows: {service: ..., count: 300, rate: 3000, background: true}"},
	{"who joins does not withdraw", LAB GOING "  - expect: {first_packet_on: worker2, since: withdraw}\n", 1, 4, 47,
	 8, "since: who joins does not withdraw", "write since: announce"},
	{"who leaves does not announce", LAB GOING "  - expect: {no_packet_on: worker2, since: announce}\n", 1, 4, 44,
	 8, "since: who leaves does not announce", "write since: withdraw"},
	{"twice going", LAB GOING GOING, 1, 4, 35, 10, "background: other flows go on already",
	 "they end with - expect: {no_packet_on: ...}"},
	{"going how many", LAB "  - flows: {background: true, packets: 3}\n", 1, 3, 31, 7,
	 "packets has no meaning for flows in the background", NULL},
	{"going too fast", LAB "  - flows: {background: true, rate: 50001}\n", 1, 3, 37, 5,
	 "rate: the judge follows 50000 packets a second at most", "such as rate: 2000"},
	{"budgets elsewhere", LAB "  - flows: {}\n  - expect: {packets: {}, black_hole: 3ms}\n", 1, 4, 27, 10,
	 "\"black_hole\" has no meaning beside \"packets\"", NULL},
	{"again at first", LAB "  - flows: {again: true}\n", 1, 3, 13, 5, "again: no flows step before this one", NULL},
	{"again and more", LAB "  - flows: {}\n  - flows: {again: true, count: 3}\n", 1, 4, 12, 1,
	 "flows that are sent again are as they were", "write no more than {again: true}"},
	{"count of words", LAB "  - flows: {count: autos}\n", 1, 3, 20, 5, "count: expected a number, found text",
	 NULL},
	{"moved without again", LAB "  - flows: {}\n  - expect: {moved_flows: {at_most: minimal}}\n", 1, 4, 14, 11,
	 "no flows were sent again before this one",
	 "begin with - flows: {again: true}, after the change and a flows step before it"},
	{"moved by what",
	 LAB "  - flows: {}\n  - flows: {again: true}\n  - expect: {moved_flows: {at_most: minimum}}\n", 1, 5, 37, 7,
	 "at_most can't be \"minimum\"", "did you mean \"minimal\"?"},
	{"stages without again", LAB "  - flows: {}\n  - expect: {stages: independent}\n", 1, 4, 14, 6,
	 "no flows were sent again before this one",
	 "begin with - flows: {again: true}, after the change and a flows step before it"},
	{"packets of none", LAB "  - expect: {packets: {}}\n", 1, 3, 14, 7, "no flows step before this one",
	 "begin with - flows: {service: ..., packets: 3}"},
	{"packets below none", LAB "  - flows: {}\n  - expect: {packets: {lost: -1}}\n", 1, 4, 30, 2,
	 "lost: -1 is not a whole number from 0 to 4294967295", NULL},
	{"never packets", LAB "  - flows: {}\n  - never: {packets: {}, for: 1s}\n", 1, 4, 13, 7,
	 "never has no meaning with \"packets\"", "it is judged once, after the traffic: use expect"},
};

#define ROW_COUNT (sizeof(refused) / sizeof(refused[0]))

static void scenario_is_refused(void **state)
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
	static struct CMUnitTest tests[ROW_COUNT + 3];
	size_t n = 0;

	for (; n < ROW_COUNT; n++)
		tests[n] = (struct CMUnitTest){refused[n].name, scenario_is_refused, NULL, NULL,
					       (void *)(uintptr_t)&refused[n]};
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(every_word_and_its_default);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(flows_that_go_on);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(the_impact_of_leaving);
	return cmocka_run_group_tests_name("flows", tests, NULL, NULL);
}
