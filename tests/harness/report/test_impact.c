/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ways of leaving side by side: the table and the same as JSON. */
#include "support.h"

#include "report.h"

#include <jansson.h>

#include <stdlib.h>
#include <string.h>

static const struct report_resetter resetters[] = {{"worker1", 40}, {"worker3", 20}};
static const struct report_connections kept = {
	.count = 200, .answered = 140, .reset = 60, .resetters = resetters, .resetter_count = 2};
static const struct report_connections hung = {.count = 200, .answered = 130, .refused = 1, .timed_out = 69};
static const struct judge_finding withdrawn = {.verdict = JUDGE_PASS,
					       .leaving = {.word = JUDGE_WORD_WITHDRAWN,
							   .word_ns = 200000,
							   .fib_ns = 400000,
							   .new_path_ns = 500000,
							   .old_path_ns = -1,
							   .flows = 500,
							   .affected = 170,
							   .sent = 3000}};
static const struct judge_finding lost = {.verdict = JUDGE_PASS,
					  .leaving = {.word_ns = -1,
						      .fib_ns = -1,
						      .new_path_ns = -1,
						      .old_path_ns = 5000000000,
						      .flows = 500,
						      .affected = 170,
						      .sent = 30000,
						      .lost = 10000,
						      .lost_flows = 170,
						      .black_hole_longest_ns = 5050000000}};
static const struct judge_finding moved = {
	.verdict = JUDGE_PASS,
	.membership = {.flows = 3000, .moved = 1500, .forced = 1000, .innocent = 500, .survivors = 2000}};
static const struct report_step steps[][3] = {
	{{.kind = "expect", .finding = &withdrawn},
	 {.kind = "expect", .finding = &moved},
	 {.kind = "http", .connections = &kept}},
	{{.kind = "expect", .finding = &lost}, {.kind = "http", .connections = &hung}},
};
static const struct report_case cases[] = {
	{.lab = {.scenario = "my-lab-withdraw-hash_threshold", .file = "x.yaml", .router = {.daemon = "builtin"}},
	 .steps = steps[0],
	 .step_count = 3},
	{.lab = {.scenario = "my-lab-power_loss-hash_threshold", .file = "x.yaml"}, .steps = steps[1], .step_count = 2},
	{.lab = {.scenario = "my-lab-crash-resilient", .file = "x.yaml"},
	 .result = {.verdict = REPORT_BROKEN, .message = "no memory"}},
};

static char *told(enum report_format format)
{
	const struct report_style style = {.width = 100};
	struct report *r = report_new();
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	report_add(r, format, out, &style);
	report_suite_begin(r, 3);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		report_suite_case(r, &cases[i]);
	assert_int_equal(report_suite_end(r, 2 * NS_PER_S), 0);
	report_free(r);
	fclose(out);
	return text;
}

static void a_row_a_way(void **state)
{
	static const char want[] =
		"\n"
		"  hash_threshold    out of   black    packets flows   of them   connections:\n"
		"                    the FIB  hole     lost    moved   innocent  kept  reset hung\n"
		"  withdraw          400 us   none     0.0 %   50.0 %  25.0 %    140   60    0\n"
		"  power_loss        never    5.05 s   33.3 %  -       -         130   1     69\n"
		"\n"
		"  resilient         out of   black    packets flows   of them   connections:\n"
		"                    the FIB  hole     lost    moved   innocent  kept  reset hung\n"
		"  crash             -        -        -       -       -         -     -     -\n"
		"\n"
		"  crash, resilient\n"
		"    no memory\n"
		"  never: not within --patience, when the flows were ended; who falls silent without a word is "
		"a next\n"
		"  hop until the session's hold time is over, or BFD ends it\n"
		"  3 labs of x.yaml with builtin in 2 s\n";
	char *text = told(REPORT_IMPACT);

	(void)state;
	assert_string_equal(text, want);
	free(text);
}

static json_t *at(json_t *o, size_t way, const char *key)
{
	return json_object_get(json_array_get(json_object_get(o, "ways"), way), key);
}

static json_int_t number(json_t *o, const char *key)
{
	assert_true(json_is_integer(json_object_get(o, key)));
	return json_integer_value(json_object_get(o, key));
}

static void as_json(void **state)
{
	char *text = told(REPORT_IMPACT_JSON);
	json_t *o = json_loads(text, 0, NULL);

	(void)state;
	assert_non_null(o);
	assert_int_equal(json_array_size(json_object_get(o, "ways")), 3);
	assert_string_equal(json_string_value(at(o, 0, "way")), "withdraw");
	assert_string_equal(json_string_value(at(o, 0, "group")), "hash_threshold");
	assert_int_equal(number(at(o, 0, "leaving"), "fib_ns"), 400000);
	assert_true(json_is_null(json_object_get(at(o, 0, "leaving"), "old_path_ns")));
	assert_string_equal(json_string_value(json_object_get(at(o, 0, "leaving"), "word")), "withdrawn");
	assert_int_equal(number(at(o, 0, "moves"), "innocent"), 500);
	assert_int_equal(number(at(o, 0, "connections"), "answered"), 140);
	assert_int_equal(number(json_object_get(at(o, 0, "connections"), "reset_by"), "worker3"), 20);
	assert_true(json_is_null(json_object_get(at(o, 1, "leaving"), "fib_ns")));
	assert_int_equal(number(at(o, 1, "leaving"), "lost"), 10000);
	assert_true(json_is_null(at(o, 1, "moves")));
	assert_true(json_is_null(at(o, 2, "leaving")));
	assert_string_equal(json_string_value(at(o, 2, "message")), "no memory");
	json_decref(o);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_row_a_way), cmocka_unit_test(as_json)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
