/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TAP version 14: one test a scenario; what it expects is its subtest. */
#include "report_int.h"

#include <string.h>

/* "#" would begin a directive; a line break another line. */
static void char_description(struct text *t, const struct utf8_char *c)
{
	if (c->valid && (c->code == '#' || c->code == '\\'))
		text_addf(t, "\\%c", (int)c->code);
	else if (c->valid && utf8_is_control(c->code))
		text_add(t, " ");
	else
		text_char_valid(t, c);
}

/* In a double-quoted YAML scalar. */
static void char_yaml(struct text *t, const struct utf8_char *c)
{
	if (c->valid && (c->code == '"' || c->code == '\\'))
		text_addf(t, "\\%c", (int)c->code);
	else if (c->valid && c->code == '\n')
		text_add(t, "\\n");
	else if (c->valid && utf8_is_control(c->code))
		text_addf(t, c->code > 0xffff ? "\\U%08x" : "\\u%04x", c->code);
	else
		text_char_valid(t, c);
}

static void add_field(struct text *t, const char *indent, const char *key, const char *value)
{
	if (value == NULL)
		return;
	text_addf(t, "%s%s: \"", indent, key);
	text_escape(t, value, char_yaml);
	text_add(t, "\"\n");
}

static void add_frames(struct text *t, const struct judge_finding *f)
{
	if (f->frame_count == 0)
		return;
	text_add(t, "      frames:\n");
	for (size_t i = 0; i < f->frame_count && i < JUDGE_FRAMES_MAX; i++) {
		text_add(t, "        - {file: \"");
		text_escape(t, f->frames[i].file, char_yaml);
		text_addf(t, "\", frame: %llu}\n", (unsigned long long)f->frames[i].frame);
	}
}

static void add_step_diagnostic(struct text *t, const struct report_step *step, const struct report_lab *lab)
{
	text_add(t, "      ---\n");
	add_field(t, "      ", "message", step_reason(step));
	add_field(t, "      ", "severity", report_verdict_name(step->verdict));
	text_add(t, "      at:\n");
	add_field(t, "        ", "file", step_file(step, lab));
	text_addf(t, "        line: %u\n", step->line);
	add_field(t, "      ", "expected", step->text);
	if (step->finding != NULL) {
		add_field(t, "      ", "why", step->finding->why);
		add_frames(t, step->finding);
	}
	text_addf(t, "      seed: %llu\n", (unsigned long long)lab->seed);
	text_add(t, "      ...\n");
}

static void add_step(struct text *t, const struct report_case *c, const struct report_step *step, size_t number)
{
	bool ok = step->verdict == REPORT_PASSED || step->verdict == REPORT_SKIPPED;

	text_addf(t, "    %sok %zu - ", ok ? "" : "not ", number);
	text_escape(t, step->text, char_description);
	if (step->verdict == REPORT_SKIPPED) {
		text_add(t, " # SKIP ");
		text_escape(t, step_reason(step), char_description);
	}
	text_add(t, "\n");
	if (!ok)
		add_step_diagnostic(t, step, &c->lab);
}

static void add_subtest(struct text *t, const struct report_case *c)
{
	size_t number = 0, n = case_counts(c);

	if (n == 0)
		return;
	text_add(t, "# Subtest: ");
	text_escape(t, c->lab.scenario, char_description);
	text_addf(t, "\n    1..%zu\n", n);
	for (size_t i = 0; i < c->step_count; i++) {
		if (step_counts(&c->steps[i]))
			add_step(t, c, &c->steps[i], ++number);
	}
}

static void add_case_diagnostic(struct text *t, const struct report_case *c)
{
	text_add(t, "  ---\n");
	add_field(t, "  ", "severity", report_verdict_name(c->result.verdict));
	add_field(t, "  ", "message", c->result.message);
	add_field(t, "  ", "reproduce", c->result.reproduce);
	add_field(t, "  ", "run_dir", c->lab.run_dir);
	text_addf(t, "  duration_ms: %.3f\n", (double)c->result.wall_ns / (double)NS_PER_MS);
	text_addf(t, "  seed: %llu\n  ...\n", (unsigned long long)c->lab.seed);
}

static void suite_begin(struct teller *t)
{
	struct text text = {0};

	text_addf(&text, "TAP version 14\n1..%zu", t->facts->scenarios);
	text_add(&text, t->facts->scenarios == 0 ? " # SKIP no scenarios\n" : "\n");
	teller_write(t, &text);
	text_fini(&text);
}

static void suite_case(struct teller *t, const struct report_case *c)
{
	struct text text = {0};
	bool skipped = c->result.verdict == REPORT_SKIPPED;
	bool ok = c->result.verdict == REPORT_PASSED || skipped;

	add_subtest(&text, c);
	text_addf(&text, "%sok %zu - ", ok ? "" : "not ", t->facts->cases);
	text_escape(&text, c->lab.scenario, char_description);
	if (skipped) {
		text_add(&text, " # SKIP ");
		text_escape(&text, c->result.message, char_description);
	}
	text_add(&text, "\n");
	if (!ok)
		add_case_diagnostic(&text, c);
	teller_write(t, &text);
	text_fini(&text);
}

/* A plan that is not kept needs a reason. */
static void suite_end(struct teller *t, int64_t wall_ns)
{
	const struct report_facts *f = t->facts;
	struct text text = {0};

	text_addf(&text, "# time %.3f s\n", (double)wall_ns / (double)NS_PER_S);
	if (f->cases < f->scenarios)
		text_addf(&text, "Bail out! %zu of %zu scenarios did not run\n", f->scenarios - f->cases, f->scenarios);
	teller_write(t, &text);
	text_fini(&text);
}

const struct report_writer report_tap = {
	.suite_begin = suite_begin,
	.suite_case = suite_case,
	.suite_end = suite_end,
};
