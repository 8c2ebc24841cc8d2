/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TAP, JUnit and GitHub annotations, read by somebody else's parser where there is one. */
#include "sample.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_tap(void **state)
{
	/* By hand from https://testanything.org/tap-version-14-specification.html */
	static const char want[] =
		"TAP version 14\n"
		"1..1\n"
		"# Subtest: article-l4\n"
		"    1..6\n"
		"    ok 1 - sessions: established, within: 3s\n"
		"    ok 2 - service: nginx, announced_by: all, within: 1s\n"
		"    ok 3 - service: nginx, next_hops: all, within: 1s\n"
		"    ok 4 - spread: equal, over: workers\n"
		"    not ok 5 - spread: equal, over: workers, of: connections\n"
		"      ---\n"
		"      message: \"12 connections through 2 workers\"\n"
		"      severity: \"inconclusive\"\n"
		"      at:\n"
		"        file: \"scenarios/article-l4/scenario.yaml\"\n"
		"        line: 14\n"
		"      expected: \"spread: equal, over: workers, of: connections\"\n"
		"      seed: 42\n"
		"      ...\n"
		"    not ok 6 - service: nginx, next_hops: [worker1, worker2, worker3], within: 1s\n"
		"      ---\n"
		"      message: \"worker1, worker2 are next hops of 172.16.254.1/32; worker3 is not\"\n"
		"      severity: \"fail\"\n"
		"      at:\n"
		"        file: \"scenarios/article-l4/scenario.yaml\"\n"
		"        line: 15\n"
		"      expected: \"service: nginx, next_hops: [worker1, worker2, worker3], within: 1s\"\n"
		"      why: \"worker3 never announced the prefix: its last UPDATE came before the Service had an "
		"address.\"\n"
		"      frames:\n"
		"        - {file: \"worker3.pcap\", frame: 12}\n"
		"        - {file: \"worker3.pcap\", frame: 14}\n"
		"        - {file: \"router-cluster.pcap\", frame: 31}\n"
		"      seed: 42\n"
		"      ...\n"
		"not ok 1 - article-l4\n"
		"  ---\n"
		"  severity: \"fail\"\n"
		"  reproduce: \"ecmplab run scenarios/article-l4 --seed 42\"\n"
		"  run_dir: \"runs/article-l4-20261123-015213\"\n"
		"  duration_ms: 1094.000\n"
		"  seed: 42\n"
		"  ...\n"
		"# time 1.000 s\n";
	struct sample s;
	char *got;

	(void)state;
	sample_init(&s);
	got = sample_page(&s, REPORT_TAP, NULL);
	assert_string_equal(got, want);
	free(got);
	sample_fini(&s);
}

/* Every line is one of ours, whatever the names hold. */
static void test_tap_hostile(void **state)
{
	static const char *const starts[] = {"TAP version 14",
					     "1..",
					     "# ",
					     "    1..",
					     "    not ok ",
					     "      ",
					     "not ok ",
					     "  ---",
					     "  ...",
					     "  severity: \"",
					     "  message: \"",
					     "  reproduce: \"",
					     "  run_dir: \"",
					     "  duration_ms: ",
					     "  seed: "};

	(void)state;
	for (size_t i = 0; i < SAMPLE_HOSTILE; i++) {
		struct sample s;
		char *got;

		sample_init(&s);
		sample_hostile(&s, sample_texts[i]);
		got = sample_page(&s, REPORT_TAP, NULL);
		for (char *line = got; *line != '\0'; line = strchr(line, '\n') + 1) {
			bool known = false;

			for (size_t k = 0; k < sizeof(starts) / sizeof(starts[0]); k++)
				known = known || strncmp(line, starts[k], strlen(starts[k])) == 0;
			if (!known || strcspn(line, "\r\033\007") < strcspn(line, "\n"))
				fail_msg("\"%.*s\"", (int)strcspn(line, "\n"), line);
		}
		free(got);
		sample_fini(&s);
	}
}

static char *told(enum report_format format, const struct report_case *cases, size_t n, size_t planned)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct report *r = report_new();

	report_add(r, format, out, NULL);
	report_suite_begin(r, planned);
	for (size_t i = 0; i < n; i++)
		report_suite_case(r, &cases[i]);
	assert_int_equal(report_suite_end(r, 0), 0);
	report_free(r);
	fclose(out);
	return text;
}

static const struct report_case skipped = {
	.lab = {.scenario = "a # b"},
	.result = {.verdict = REPORT_SKIPPED, .message = "no bird"},
};

static void test_tap_skip_and_bail(void **state)
{
	char *got = told(REPORT_TAP, &skipped, 1, 3);

	(void)state;
	assert_string_equal(got, "TAP version 14\n1..3\nok 1 - a \\# b # SKIP no bird\n# time 0.000 s\n"
				 "Bail out! 2 of 3 scenarios did not run\n");
	free(got);
}

/* Runs a parser on the text. Returns its exit status, 127 when it is not there. */
static int parser(const char *const *argv, const char *text)
{
	char path[40];
	int status = 0, fd = sample_file(path, text);
	pid_t pid = fork();

	if (pid == 0) {
		char *args[6] = {0};
		int in = open(path, O_RDONLY), null = open("/dev/null", O_WRONLY);

		for (size_t i = 0; i < 5 && argv[i] != NULL; i++)
			args[i] = strdup(argv[i]);
		dup2(in, 0);
		dup2(null, 1);
		execvp(args[0], args);
		_exit(127);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(fd);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static void assert_xml(const char *text)
{
	static const char *const xmllint[] = {"xmllint", "--noout", "-", NULL};
	static const char *const python[] = {"python3", "-c",
					     "import sys, xml.dom.minidom as m; m.parse(sys.stdin.buffer)", NULL};
	int status = parser(xmllint, text);

	if (status == 127)
		status = parser(python, text);
	if (status == 127)
		skip();
	if (status != 0)
		fail_msg("not well-formed:\n%s", text);
}

static void test_junit(void **state)
{
	struct sample s;
	char *got;

	(void)state;
	sample_init(&s);
	got = sample_page(&s, REPORT_JUNIT, NULL);
	assert_xml(got);
	assert_non_null(strstr(got,
			       "<testsuites name=\"ecmplab\" tests=\"6\" failures=\"1\" errors=\"1\" skipped=\"0\" "
			       "time=\"1.000000\">"));
	assert_non_null(strstr(got,
			       "<testsuite name=\"article-l4\" tests=\"6\" failures=\"1\" errors=\"1\" skipped=\"0\" "
			       "time=\"1.094000\" timestamp=\"2025-11-23T01:52:13\">"));
	assert_non_null(strstr(got, "<property name=\"seed\" value=\"42\"/>"));
	assert_non_null(strstr(got, "<property name=\"kernel\" value=\"6.1.0-18-amd64\"/>"));
	assert_non_null(strstr(got, "<property name=\"router version\" value=\"BIRD 1.6.8\"/>"));
	assert_non_null(strstr(got, "<testcase name=\"sessions: established, within: 3s\" classname=\"article-l4\" "
				    "file=\"scenarios/article-l4/scenario.yaml\" line=\"8\" time=\"0.012400\"/>"));
	assert_non_null(strstr(got, "<failure message=\"worker1, worker2 are next hops of 172.16.254.1/32; worker3 is "
				    "not\" type=\"fail\">expected: "));
	assert_non_null(strstr(got, "frame: worker3.pcap 14\n"));
	assert_non_null(strstr(got, "<error message=\"12 connections through 2 workers\" type=\"inconclusive\">"));
	free(got);
	sample_fini(&s);
}

static void test_junit_hostile(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLE_HOSTILE; i++) {
		struct sample s;
		char *got;

		sample_init(&s);
		sample_hostile(&s, sample_texts[i]);
		got = sample_page(&s, REPORT_JUNIT, NULL);
		assert_xml(got);
		free(got);
		sample_fini(&s);
	}
}

/* A run that no step speaks for is a test case itself. */
static void test_junit_runs(void **state)
{
	const struct report_case cases[] = {
		skipped,
		{.lab = {.scenario = "b"}, .result = {.verdict = REPORT_BROKEN, .message = "no veth"}},
		{.lab = {.scenario = "c"}, .result = {.verdict = REPORT_PASSED}},
	};
	char *got = told(REPORT_JUNIT, cases, 3, 3);

	(void)state;
	assert_xml(got);
	assert_non_null(strstr(got, " tests=\"3\" failures=\"0\" errors=\"1\" skipped=\"1\""));
	assert_non_null(strstr(got, "<skipped message=\"no bird\"></skipped>"));
	assert_non_null(strstr(got, "<error message=\"no veth\" type=\"broken\"></error>"));
	free(got);
}

static void test_github(void **state)
{
	struct sample s;
	char *got;

	(void)state;
	sample_init(&s);
	got = sample_page(&s, REPORT_GITHUB, NULL);
	assert_string_equal(
		got, "::warning file=scenarios/article-l4/scenario.yaml,line=14,title=article-l4::"
		     "spread: equal, over: workers, of: connections%0A12 connections through 2 workers\n"
		     "::error file=scenarios/article-l4/scenario.yaml,line=15,title=article-l4::"
		     "service: nginx, next_hops: [worker1, worker2, worker3], within: 1s%0A"
		     "worker1, worker2 are next hops of 172.16.254.1/32; worker3 is not%0A"
		     "worker3 never announced the prefix: its last UPDATE came before the Service had an address.\n");
	free(got);
	sample_hostile(&s, "a:b,c%\r\n\033::x");
	got = sample_page(&s, REPORT_GITHUB, NULL);
	assert_int_equal(strncmp(got,
				 "::error file=a%3Ab%2Cc%25%0D%0A%3A%3Ax,line=8,title=a%3Ab%2Cc%25%0D%0A%3A%3Ax::"
				 "a:b,c%25%0D%0A::x%0Aa:b",
				 100),
			 0);
	free(got);
	sample_fini(&s);
}

static void test_full_disk(void **state)
{
	static const enum report_format formats[] = {REPORT_TAP, REPORT_JUNIT, REPORT_GITHUB};
	struct sample s;

	(void)state;
	sample_init(&s);
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		FILE *out = fopen("/dev/full", "w");
		struct report *r = report_new();
		struct report_case c = {.lab = s.lab, .result = s.result, .steps = s.steps, .step_count = SAMPLE_STEPS};

		if (out == NULL)
			skip();
		report_add(r, formats[i], out, NULL);
		report_suite_begin(r, 1);
		report_suite_case(r, &c);
		assert_int_equal(report_suite_end(r, 0), -ENOSPC);
		report_free(r);
		fclose(out);
	}
	sample_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tap),
		cmocka_unit_test(test_tap_hostile),
		cmocka_unit_test(test_tap_skip_and_bail),
		cmocka_unit_test(test_junit),
		cmocka_unit_test(test_junit_hostile),
		cmocka_unit_test(test_junit_runs),
		cmocka_unit_test(test_github),
		cmocka_unit_test(test_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
