/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report.h"
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct row {
	const char *name;
	struct diag diag;
	const char *want;
};

static const struct row rows[] = {
	{"a word",
	 {.file = "s.yaml",
	  .line = 3,
	  .column = 5,
	  .len = 7,
	  .message = "unknown key \"workres\"",
	  .hint = "workers?",
	  .source = "    workres: 3"},
	 "s.yaml:3:5: error: unknown key \"workres\"\n"
	 "    3 │     workres: 3\n"
	 "      │     ^~~~~~~\n"
	 "      hint: workers?\n"},
	{"tabs move the mark to their stop",
	 {.file = "s.yaml", .line = 12, .column = 4, .len = 2, .message = "tab", .source = "\ta\tbc"},
	 "s.yaml:12:4: error: tab\n"
	 "   12 │         a       bc\n"
	 "      │                 ^~\n"},
	{"a tab is underlined as wide as it is",
	 {.file = "s.yaml", .line = 12, .column = 1, .len = 1, .message = "tab", .source = "\tx"},
	 "s.yaml:12:1: error: tab\n"
	 "   12 │         x\n"
	 "      │ ^~~~~~~~\n"},
	{"wide characters take two columns",
	 {.file = "s.yaml", .line = 1, .column = 3, .len = 2, .message = "m", .source = "漢字é漢:"},
	 "s.yaml:1:3: error: m\n"
	 "    1 │ 漢字é漢:\n"
	 "      │     ^~~\n"},
	{"past the end of the line",
	 {.file = "s.yaml", .line = 1, .column = 9, .len = 3, .message = "value missing", .source = "key:"},
	 "s.yaml:1:9: error: value missing\n"
	 "    1 │ key:\n"
	 "      │     ^\n"},
	{"longer than the line",
	 {.file = "s.yaml", .line = 1, .column = 3, .len = 4000000000, .message = "m", .source = "abcd"},
	 "s.yaml:1:3: error: m\n"
	 "    1 │ abcd\n"
	 "      │   ^~\n"},
	{"an overflowing position",
	 {.file = "s.yaml", .line = 1, .column = 4294967295, .len = 4294967295, .message = "m", .source = "abcd"},
	 "s.yaml:1:4294967295: error: m\n"
	 "    1 │ abcd\n"
	 "      │     ^\n"},
	{"no column",
	 {.file = "s.yaml", .line = 7, .message = "m", .source = "abcd"},
	 "s.yaml:7: error: m\n    7 │ abcd\n"},
	{"no line", {.file = "missing.yaml", .message = "no such file"}, "missing.yaml: error: no such file\n"},
	{"no file", {.message = "nothing to run"}, "error: nothing to run\n"},
	{"control sequences",
	 {.file = "s\033.yaml",
	  .line = 1,
	  .column = 2,
	  .len = 2,
	  .message = "bad \"\033[2J\"",
	  .source = "a\033\xff"
		    "b"},
	 "s\\x1b.yaml:1:2: error: bad \"\\x1b[2J\"\n"
	 "    1 │ a\\x1b\\xffb\n"
	 "      │  ^~~~~~~~\n"},
};

static char *printed(const struct diag *list, size_t n, size_t dropped, const struct report_style *style)
{
	struct diags d = {.dropped = dropped};
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	for (size_t i = 0; i < n; i++)
		VEC_PUSH(&d.list, list[i]);
	assert_int_equal(report_diags(out, &d, style), 0);
	fclose(out);
	diags_fini(&d);
	return text;
}

static void test_rows(void **state)
{
	struct report_style style = {.utf8 = true, .width = 80};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *got = printed(&rows[i].diag, 1, 0, &style);

		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s:\n%s", rows[i].name, got);
		free(got);
	}
}

static void test_plain_and_more(void **state)
{
	char *got = printed(&rows[0].diag, 1, 3, NULL);

	(void)state;
	assert_string_equal(got, "s.yaml:3:5: error: unknown key \"workres\"\n"
				 "    3 |     workres: 3\n"
				 "      |     ^~~~~~~\n"
				 "      hint: workers?\n"
				 "3 more errors\n");
	free(got);
	got = printed(NULL, 0, 0, NULL);
	assert_true(got == NULL || *got == '\0');
	free(got);
}

static void test_full_disk(void **state)
{
	struct diags d = {0};
	FILE *out = fopen("/dev/full", "w");

	(void)state;
	if (out == NULL)
		skip();
	(void)diags_add(&d, "s.yaml", 1, 1, "m");
	assert_int_equal(report_diags(out, &d, NULL), -ENOSPC);
	diags_fini(&d);
	fclose(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_plain_and_more),
		cmocka_unit_test(test_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
