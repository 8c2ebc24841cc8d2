/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Workflow commands that GitHub Actions shows beside the line of the scenario. */
#include "report_int.h"

/* The runner undoes %25, %0D and %0A in a message; other controls do nothing but harm. */
static void char_message(struct text *t, const struct utf8_char *c)
{
	if (c->valid && (c->code == '%' || c->code == '\r' || c->code == '\n'))
		text_addf(t, "%%%02X", c->code);
	else if (!c->valid || !utf8_is_control(c->code))
		text_char_valid(t, c);
}

/* In a property also what ends one. */
static void char_property(struct text *t, const struct utf8_char *c)
{
	if (c->valid && (c->code == ':' || c->code == ','))
		text_addf(t, "%%%02X", c->code);
	else
		char_message(t, c);
}

static const char *command_of(enum report_verdict v)
{
	switch (v) {
	case REPORT_PASSED:
		return NULL;
	case REPORT_SKIPPED:
		return "notice";
	case REPORT_INCONCLUSIVE:
		return "warning";
	case REPORT_FAILED:
	case REPORT_BROKEN:
	case REPORT_INTERRUPTED:
	case REPORT_VERDICT_COUNT:
		return "error";
	}
	return "error";
}

static void add_command(struct text *t, const char *command, const char *file, unsigned int line)
{
	text_addf(t, "::%s ", command);
	if (file != NULL) {
		text_add(t, "file=");
		text_escape(t, file, char_property);
		text_add(t, ",");
	}
	if (file != NULL && line > 0)
		text_addf(t, "line=%u,", line);
	text_add(t, "title=");
}

static void add_step(struct text *t, const struct report_step *step, const struct report_lab *lab)
{
	const char *command = command_of(step->verdict);

	if (command == NULL)
		return;
	add_command(t, command, step_file(step, lab), step->line);
	text_escape(t, lab->scenario, char_property);
	text_add(t, "::");
	text_escape(t, step->text, char_message);
	text_add(t, "%0A");
	text_escape(t, step_reason(step), char_message);
	if (step->finding != NULL && step->finding->why != NULL) {
		text_add(t, "%0A");
		text_escape(t, step->finding->why, char_message);
	}
	text_add(t, "\n");
}

static void add_result(struct text *t, enum report_verdict verdict, const char *message, const struct report_lab *lab)
{
	const char *command = command_of(verdict);

	if (command == NULL || message == NULL)
		return;
	add_command(t, command, lab->file, 0);
	text_escape(t, lab->scenario, char_property);
	text_add(t, "::");
	text_escape(t, message, char_message);
	text_add(t, "\n");
}

static void step_end(struct teller *t, const struct report_step *step)
{
	struct text text = {0};

	add_step(&text, step, &t->facts->lab);
	teller_write(t, &text);
	text_fini(&text);
}

static void end(struct teller *t, const struct report_result *result)
{
	struct text text = {0};

	add_result(&text, result->verdict, result->message, &t->facts->lab);
	teller_write(t, &text);
	text_fini(&text);
}

static void suite_case(struct teller *t, const struct report_case *c)
{
	struct text text = {0};

	for (size_t i = 0; i < c->step_count; i++)
		add_step(&text, &c->steps[i], &c->lab);
	add_result(&text, c->result.verdict, case_message(c), &c->lab);
	teller_write(t, &text);
	text_fini(&text);
}

const struct report_writer report_github = {
	.step_end = step_end,
	.end = end,
	.suite_case = suite_case,
};
