/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A verdict.json from anywhere, read back: refused with a word on why, or a case that every report can show. */
#include "fuzz.h"

#include "report.h"

#include <stdlib.h>

/* Told as a suite of one. */
static void tell(const struct report_case *c, enum report_format format)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct report_style style = {0};
	struct report *r = report_new();

	FUZZ_MUST(out != NULL);
	report_add(r, format, out, &style);
	report_suite_begin(r, 1);
	report_suite_case(r, c);
	FUZZ_MUST(report_suite_end(r, 1) == 0);
	report_free(r);
	fclose(out);
	FUZZ_MUST(len > 0);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct arena arena = {0};
	struct report_case c = {0};
	struct errmsg err = {0};

	if (report_case_read(fuzz_file_open(bytes, n), &arena, &c, &err) < 0)
		FUZZ_MUST(err.text[0] != '\0');
	else
		for (int format = REPORT_TERMINAL; format <= REPORT_JUNIT; format++)
			if (format != REPORT_JSON)
				tell(&c, (enum report_format)format);
	fuzz_file_close();
	arena_clear(&arena);
	return 0;
}
