/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page, against golden texts that a person has looked at. With ECMPLAB_GOLDEN=write in the environment the texts are
 * written instead; git shows what changed. */
#include "sample.h"
#include "support.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define GOLDEN "tests/harness/report/golden/"

static void golden_equal(const char *name, const char *got)
{
	char path[256];
	const char *mode = getenv("ECMPLAB_GOLDEN");
	char *want;
	size_t len;

	snprintf(path, sizeof(path), GOLDEN "%s.txt", name);
	if (mode != NULL && strcmp(mode, "write") == 0) {
		FILE *f = fopen(path, "w");

		assert_non_null(f);
		assert_true(fputs(got, f) >= 0);
		assert_int_equal(fclose(f), 0);
		return;
	}
	want = support_slurp(path, &len);
	if (strcmp(want, got) != 0)
		fail_msg("not as %s, but:\n%s", path, got);
	free(want);
}

struct look {
	const char *name;
	enum report_format format;
	struct report_style style;
};

static const struct look looks[] = {
	{"page-40", REPORT_TERMINAL, {.utf8 = true, .width = 40}},
	{"page-80", REPORT_TERMINAL, {.utf8 = true}}, /* the default width */
	{"page-120", REPORT_TERMINAL, {.utf8 = true, .width = 120}},
	{"page-80-ascii", REPORT_TERMINAL, {.width = 80}},
	{"page-80-colour", REPORT_TERMINAL, {.utf8 = true, .colour = true, .width = 80}},
	{"page-80-live", REPORT_TERMINAL, {.utf8 = true, .live = true, .width = 80}},
};

static void test_golden(void **state)
{
	const struct look *look = *state;
	struct sample s;
	char *got;

	sample_init(&s);
	got = sample_page(&s, look->format, &look->style);
	golden_equal(look->name, got);
	free(got);
	sample_fini(&s);
}

/* Columns by libc, not by the writer's own count. */
static size_t columns_of(const char *line, size_t len)
{
	size_t columns = 0;
	mbstate_t mb = {0};

	while (len > 0) {
		wchar_t wide;
		size_t n = mbrtowc(&wide, line, len, &mb);

		assert_true(n > 0 && n <= len);
		assert_true(wcwidth(wide) >= 0);
		columns += (size_t)wcwidth(wide);
		line += n;
		len -= n;
	}
	return columns;
}

/* No line is wider than the page, but for what people copy. */
static void test_width(void **state)
{
	(void)state;
	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		skip();
	for (unsigned int width = 40; width <= 200; width++) {
		struct report_style style = {.utf8 = true, .width = width};
		struct sample s;
		char *got;

		sample_init(&s);
		got = sample_page(&s, REPORT_TERMINAL, &style);
		for (char *line = got; *line != '\0'; line = strchr(line, '\n') + 1) {
			size_t len = strcspn(line, "\n");
			bool copied =
				memmem(line, len, "scenarios/", 10) != NULL || memmem(line, len, "runs/", 5) != NULL;

			if (!copied && columns_of(line, len) > width)
				fail_msg("wider than %u: %.*s", width, (int)len, line);
		}
		free(got);
		sample_fini(&s);
	}
	setlocale(LC_CTYPE, "C");
}

static const char *const hostile[] = {
	"\033]0;owned\007\033[2J",
	"line\r\noverwritten\rX",
	"\xff\xfe\xc0\x80\xed\xa0\x80\xf8",
	"\xc2\x9b"
	"31mred",
	"\xe2\x80\xae"
	"gnp.exe",
	"]]>&<\"'>",
	"back\b\b\b\b\177\v\f",
	"%s%n%d",
	"\xe6",
	"\xf0\x9f\x9a\x80 \xe6\xbc\xa2\xe5\xad\x97",
	"\t\t\t",
	"",
	"a-word-without-any-blank-that-is-much-longer-than-any-page-would-be-and-goes-on-and-on-and-on-and-on-and-on-"
	"and-on",
};

#define HOSTILE (sizeof(hostile) / sizeof(hostile[0]))

static void assert_harmless(const char *page, bool ascii)
{
	for (const char *s = page; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if ((c < 0x20 && c != '\n') || c == 0x7f || (ascii && c >= 0x80))
			fail_msg("byte 0x%02x at \"%.20s\"", c, s);
		if (c == 0xc2 && (unsigned char)s[1] < 0xa0)
			fail_msg("a C1 control got through");
	}
	assert_null(strstr(page, "\xe2\x80\xae"));
}

static void test_hostile(void **state)
{
	(void)state;
	for (size_t i = 0; i < HOSTILE * 4; i++) {
		struct report_style style = {.utf8 = i % 2 == 1, .width = i % 4 < 2 ? 40 : 100};
		struct sample s;
		char *got;

		sample_init(&s);
		sample_hostile(&s, hostile[i / 4]);
		got = sample_page(&s, REPORT_TERMINAL, &style);
		assert_harmless(got, !style.utf8);
		free(got);
		sample_fini(&s);
	}
}

static void test_random(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 200; seed++) {
		struct report_style style = {.utf8 = seed % 2 == 1, .width = 40 + (unsigned int)seed % 61};
		struct sample s;
		char *got, random[64];

		sample_init(&s);
		sample_random(random, seed);
		sample_hostile(&s, random);
		got = sample_page(&s, REPORT_TERMINAL, &style);
		assert_harmless(got, !style.utf8);
		free(got);
		sample_fini(&s);
	}
}

/* What is not there is not told; nothing at all still makes a page. */
static void test_empty(void **state)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct report *r = report_new();
	struct report_step step = {.verdict = REPORT_BROKEN};

	(void)state;
	report_add(r, REPORT_TERMINAL, out, NULL);
	report_begin(r, &(struct report_lab){0});
	report_step_end(r, &step);
	report_note(r, &(struct report_note){0});
	report_routes(r, &(struct report_routes){0});
	assert_int_equal(report_end(r, &(struct report_result){.verdict = REPORT_BROKEN, .message = "no veth"}), 0);
	report_free(r);
	fclose(out);
	assert_non_null(strstr(text, "LAB BROKEN"));
	assert_non_null(strstr(text, "no veth"));
	free(text);
}

/* Without a lab (skipped, say) the end alone is a page. */
static void test_end_only(void **state)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct report *r = report_new();

	(void)state;
	report_add(r, REPORT_TERMINAL, out, &(struct report_style){.width = 60});
	assert_int_equal(
		report_end(r, &(struct report_result){.verdict = REPORT_SKIPPED,
						      .exit = 4,
						      .wall_ns = 3 * NS_PER_MS,
						      .message = "bird is not installed; Debian: apt install bird"}),
		0);
	report_free(r);
	fclose(out);
	assert_string_equal(text, "\n  ----------------------------------------------------------\n"
				  "  - SKIPPED  in 3 ms\n"
				  "    why       bird is not installed; Debian: apt install\n"
				  "              bird\n");
	free(text);
}

static void test_many(void **state)
{
	struct report_style style = {.width = 100};
	struct report_node workers[1000], clients[7];
	struct report_pod pods[9];
	struct sample s;
	char *got;

	(void)state;
	sample_init(&s);
	for (size_t i = 0; i < 1000; i++)
		workers[i] = (struct report_node){"w", sample_addr("10.0.1.1"), 64512};
	for (size_t i = 0; i < 7; i++)
		clients[i] = (struct report_node){"c", sample_addr("fd00::1:2"), 0};
	for (size_t i = 0; i < 9; i++)
		pods[i] = (struct report_pod){"p", "w", sample_addr("10.244.0.9")};
	s.lab.workers = workers;
	s.lab.worker_count = 1000;
	s.lab.clients = clients;
	s.lab.client_count = 7;
	s.lab.pods = pods;
	s.lab.pod_count = 9;
	got = sample_page(&s, REPORT_TERMINAL, &style);
	golden_equal("page-100-many", got);
	free(got);
	sample_fini(&s);
}

/* Options and environment, in the order no-color.org and bixense.com/clicolors give. */
static void test_colour(void **state)
{
	static const struct {
		const char *option;
		bool tty;
		const char *no_color, *force, *term;
		bool want;
	} rows[] = {
		{"auto", true, NULL, NULL, "xterm", true},  {"auto", false, NULL, NULL, "xterm", false},
		{NULL, true, NULL, NULL, NULL, true},	    {"auto", true, "1", NULL, "xterm", false},
		{"auto", true, "", NULL, "xterm", true},    {"auto", true, NULL, NULL, "dumb", false},
		{"auto", false, NULL, "1", "xterm", true},  {"auto", false, NULL, "0", "xterm", false},
		{"auto", false, NULL, "", "xterm", false},  {"auto", true, "1", "1", "xterm", false},
		{"auto", false, NULL, "1", "dumb", true},   {"always", false, "1", NULL, "dumb", true},
		{"never", true, NULL, "1", "xterm", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (report_colour_wanted(rows[i].option, rows[i].tty, rows[i].no_color, rows[i].force, rows[i].term) !=
		    rows[i].want)
			fail_msg("row %zu", i);
	}
}

static void suite_tell(struct report *r, const struct sample *s)
{
	struct report_case c = {.lab = s->lab, .result = s->result, .steps = s->steps, .step_count = SAMPLE_STEPS};

	report_suite_begin(r, 4);
	report_suite_case(r, &c);
	c.result = (struct report_result){.verdict = REPORT_PASSED, .wall_ns = 210 * NS_PER_MS};
	c.lab.scenario = "article";
	c.lab.expectations = 5;
	c.step_count = 6;
	report_suite_case(r, &c);
	c = (struct report_case){.lab = {.scenario = "article-bird"},
				 .result = {.verdict = REPORT_SKIPPED, .exit = 4, .message = "bird is not installed"}};
	report_suite_case(r, &c);
}

static void test_suite(void **state)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct report *r = report_new();
	struct sample s;

	(void)state;
	sample_init(&s);
	report_add(r, REPORT_TERMINAL, out, &(struct report_style){.utf8 = true, .width = 80});
	suite_tell(r, &s);
	assert_int_equal(report_suite_end(r, 1500 * NS_PER_MS), 0);
	report_free(r);
	fclose(out);
	golden_equal("suite-80", text);
	free(text);
	sample_fini(&s);
}

static void test_full_disk(void **state)
{
	FILE *out = fopen("/dev/full", "w");
	struct report *r = report_new();
	struct sample s;

	(void)state;
	if (out == NULL)
		skip();
	sample_init(&s);
	report_add(r, REPORT_TERMINAL, out, NULL);
	assert_int_equal(sample_tell(&s, r), -ENOSPC);
	report_free(r);
	sample_fini(&s);
	fclose(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_width),  cmocka_unit_test(test_hostile),	cmocka_unit_test(test_random),
		cmocka_unit_test(test_empty),  cmocka_unit_test(test_end_only), cmocka_unit_test(test_many),
		cmocka_unit_test(test_colour), cmocka_unit_test(test_suite),	cmocka_unit_test(test_full_disk),
	};
	struct CMUnitTest golden[sizeof(looks) / sizeof(looks[0])];
	int failed;

	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
		struct look *look = test_malloc(sizeof(*look));

		*look = looks[i];
		golden[i] = (struct CMUnitTest){.name = looks[i].name, .test_func = test_golden, .initial_state = look};
	}
	failed = cmocka_run_group_tests_name("golden pages", golden, NULL, NULL);
	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++)
		test_free(golden[i].initial_state);
	return failed + cmocka_run_group_tests_name("pages", tests, NULL, NULL);
}
