/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One scenario over several routers: the table, its narrow form, and the same as JSON. */
#include "sample.h"
#include "support.h"

#include <jansson.h>

#include <stdlib.h>
#include <string.h>

static const struct judge_fib_story replacing = {.prefixes = 1,
						 .added = 1,
						 .replaced = 33,
						 .announced_most = 20,
						 .installed_most = 16,
						 .alike_most = 20,
						 .followed = 50,
						 .unfollowed = 4,
						 .delay_median_ns = 1500000,
						 .delay_longest_ns = 3000000,
						 .ordered = true,
						 .order = "ascending"};
static const struct judge_fib_story deleting = {.prefixes = 1,
						.added = 38,
						.removed = 37,
						.announced_most = 20,
						.installed_most = 20,
						.followed = 40,
						.delay_median_ns = 2000000,
						.delay_longest_ns = 4000000,
						.holes = 37,
						.hole_ns = 400000,
						.hole_longest_ns = 107000,
						.ordered = true,
						.order = "descending"};
static const struct report_step sessions = {.kind = "expect",
					    .text = "expect sessions established within 5s",
					    .since_start_ns = 30000000,
					    .elapsed_ns = 5000000};
static const struct judge_finding left = {.verdict = JUDGE_PASS,
					  .leaving = {.word = JUDGE_WORD_WITHDRAWN,
						      .word_ns = 1000000,
						      .fib_ns = 2000000,
						      .new_path_ns = 3500000,
						      .flows = 200,
						      .sent = 5000,
						      .lost = 3,
						      .loss_span_ns = 400000,
						      .no_route = 1,
						      .no_route_ns = 12000}};
static const struct report_step changed[] = {
	{.kind = "expect",
	 .text = "expect sessions established within 5s",
	 .since_start_ns = 30000000,
	 .elapsed_ns = 5000000},
	{.kind = "expect", .text = "expect no_packet_on worker3", .finding = &left},
};
static const struct judge_fib_story one_path = {
	.prefixes = 1, .added = 1, .announced_most = 20, .installed_most = 1, .alike_most = 1, .order = ""};
static const struct report_case cases[] = {
	{.lab = {.scenario = "x-builtin", .file = "x.yaml", .router = {.daemon = "builtin"}},
	 .result = {.verdict = REPORT_PASSED, .fib = &replacing},
	 .steps = &sessions,
	 .step_count = 1},
	{.lab = {.scenario = "x-bird1", .file = "x.yaml", .router = {.daemon = "bird1", .version = "BIRD 1.6.8"}},
	 .result = {.verdict = REPORT_PASSED, .fib = &deleting},
	 .steps = changed,
	 .step_count = 2},
	{.lab = {.scenario = "x-frr", .file = "x.yaml"}, .result = {.verdict = REPORT_SKIPPED, .message = "no zebra"}},
	{.lab = {.scenario = "x-bird2", .file = "x.yaml", .router = {.daemon = "bird2", .version = "BIRD 2.0.12"}},
	 .result = {.verdict = REPORT_PASSED, .fib = &one_path}},
};

static char *told(enum report_format format, unsigned int width)
{
	const struct report_style style = {.width = width};
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

static void a_column_a_router(void **state)
{
	static const char want[] = "\n"
				   "                          builtin      BIRD 1.6.8   x-frr        BIRD 2.0.12\n"
				   "  verdict                 pass         pass         skip         pass\n"
				   "  expectations held       1 of 1       2 of 2       0 of 0       0 of 0\n"
				   "  sessions up after       35 ms        35 ms        -            -\n"
				   "  a group changes by      replace      delete + add -            no change\n"
				   "  added/replaced/removed  1/33/0       38/0/37      -            1/0/0\n"
				   "  gone though announced   0            37           -            0\n"
				   "    longest, as read      -            107 us       -            -\n"
				   "  next hops installed     16 of 20     20 of 20     -            1 of 20\n"
				   "    held back by          limit of 16  nothing      -            AS paths\n"
				   "  changes never followed  4            0            -            0\n"
				   "  next-hop order          ascending    descending   -            -\n"
				   "  behind the wire, median 1.5 ms       2 ms         -            -\n"
				   "    at most               3 ms         4 ms         -            -\n"
				   "  to the first packet     -            2.5 ms       -            -\n"
				   "  packets lost            -            3 of 5000    -            -\n"
				   "    times without a route -            1            -            -\n"
				   "      each, by the loss   -            12 us        -            -\n"
				   "    from first to last    -            400 us       -            -\n"
				   "\n"
				   "  x-frr\n"
				   "    no zebra\n"
				   "  4 routers in 2 s\n";
	char *got = told(REPORT_COMPARE, 90);

	(void)state;
	assert_string_equal(got, want);
	free(got);
}

/* What does not fit beside each other comes below each other. */
static void narrow(void **state)
{
	char *got = told(REPORT_COMPARE, 40);
	size_t blocks = 0;

	(void)state;
	for (const char *at = got; (at = strstr(at, "a group changes by")) != NULL; at++)
		blocks++;
	assert_int_equal(blocks, 4);
	for (const char *line = got; *line != '\0'; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 40);
	free(got);
}

static void as_json(void **state)
{
	char *got = told(REPORT_COMPARE_JSON, 0);
	json_t *root = json_loads(got, 0, NULL), *bird, *frr;

	(void)state;
	assert_non_null(root);
	assert_string_equal(json_string_value(json_object_get(root, "scenario")), "x.yaml");
	assert_int_equal(json_array_size(json_object_get(root, "routers")), 4);
	bird = json_array_get(json_object_get(root, "routers"), 1);
	assert_string_equal(json_string_value(json_object_get(bird, "group_change")), "delete + add");
	assert_int_equal(json_integer_value(json_object_get(bird, "sessions_ns")), 35000000);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(bird, "fib"), "holes")), 37);
	assert_string_equal(json_string_value(json_object_get(bird, "held_back_by")), "nothing");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(bird, "leaving"), "lost")), 3);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(json_object_get(root, "routers"), 0), "held_back_by")),
		"limit");
	frr = json_array_get(json_object_get(root, "routers"), 2);
	assert_true(json_is_null(json_object_get(frr, "fib")));
	assert_string_equal(json_string_value(json_object_get(frr, "message")), "no zebra");
	json_decref(root);
	free(got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_column_a_router),
		cmocka_unit_test(narrow),
		cmocka_unit_test(as_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
