/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JUnit XML as CI servers read it: a suite a scenario, a test case an expectation. The root has totals, so that all is
 * written at the end. */
#include "report_int.h"

struct counts {
	size_t tests, failures, errors, skipped;
};

struct junit_state {
	struct text suites;
	struct counts total;
};

/* Character data and attribute values. XML 1.0 section 2.2 has no escape for most controls, and U+FFFE and U+FFFF are
 * no characters: they are dropped. Line breaks are references, or an attribute would lose them (section 3.3.3). */
static void char_xml(struct text *t, const struct utf8_char *c)
{
	static const struct {
		uint32_t code;
		const char *text;
	} rows[] = {{'&', "&amp;"},   {'<', "&lt;"},   {'>', "&gt;"},	{'"', "&quot;"},
		    {'\'', "&apos;"}, {'\n', "&#10;"}, {'\r', "&#13;"}, {'\t', "&#9;"}};

	for (size_t i = 0; c->valid && i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (c->code == rows[i].code) {
			text_add(t, rows[i].text);
			return;
		}
	}
	if (c->valid &&
	    (c->code < 0x20 || (c->code >= 0x7f && c->code <= 0x9f) || c->code == 0xfffe || c->code == 0xffff))
		return;
	text_char_valid(t, c);
}

static void add_attribute(struct text *t, const char *name, const char *value)
{
	if (value == NULL)
		return;
	text_addf(t, " %s=\"", name);
	text_escape(t, value, char_xml);
	text_add(t, "\"");
}

static void add_property(struct text *t, const char *name, const char *value)
{
	if (value == NULL)
		return;
	text_addf(t, "      <property name=\"%s\"", name);
	add_attribute(t, "value", value);
	text_add(t, "/>\n");
}

static void add_seconds(struct text *t, int64_t ns)
{
	text_addf(t, " time=\"%.6f\"", (double)ns / (double)NS_PER_S);
}

static void add_properties(struct text *t, const struct report_case *c)
{
	char seed[24];

	snprintf(seed, sizeof(seed), "%llu", (unsigned long long)c->lab.seed);
	text_add(t, "    <properties>\n");
	add_property(t, "seed", seed);
	add_property(t, "kernel", c->lab.kernel);
	add_property(t, "router", c->lab.router.daemon);
	add_property(t, "router version", c->lab.router.version);
	add_property(t, "verdict", report_verdict_name(c->result.verdict));
	add_property(t, "run directory", c->lab.run_dir);
	add_property(t, "reproduce", c->result.reproduce);
	text_add(t, "    </properties>\n");
}

/* What JUnit calls it; NULL for a test that passed. An expectation that could not be judged is an error, not a failure:
 * the test did not get as far as to fail. */
static const char *element_of(enum report_verdict v)
{
	switch (v) {
	case REPORT_PASSED:
		return NULL;
	case REPORT_FAILED:
		return "failure";
	case REPORT_SKIPPED:
		return "skipped";
	case REPORT_INCONCLUSIVE:
	case REPORT_BROKEN:
	case REPORT_INTERRUPTED:
	case REPORT_VERDICT_COUNT:
		return "error";
	}
	return "error";
}

static void count(struct counts *n, enum report_verdict v)
{
	n->tests++;
	if (v == REPORT_FAILED)
		n->failures++;
	else if (v == REPORT_SKIPPED)
		n->skipped++;
	else if (v != REPORT_PASSED)
		n->errors++;
}

static void add_body_line(struct text *t, const char *label, const char *value)
{
	if (value == NULL)
		return;
	text_addf(t, "%s: ", label);
	text_escape(t, value, char_xml);
	text_add(t, "\n");
}

static void add_body(struct text *t, const struct report_case *c, const struct report_step *step)
{
	const struct judge_finding *f = step->finding;
	const char *file = step_file(step, &c->lab);

	add_body_line(t, "expected", step->text);
	add_body_line(t, "seen", step_reason(step));
	for (size_t i = 0; f != NULL && i < f->frame_count && i < JUDGE_FRAMES_MAX; i++) {
		text_add(t, "frame: ");
		text_escape(t, f->frames[i].file, char_xml);
		text_addf(t, " %llu\n", (unsigned long long)f->frames[i].frame);
	}
	if (f != NULL)
		add_body_line(t, "why", f->why);
	if (file != NULL) {
		text_add(t, "at: ");
		text_escape(t, file, char_xml);
		text_addf(t, ":%u\n", step->line);
	}
	add_body_line(t, "reproduce", c->result.reproduce);
}

static void add_step(struct text *t, const struct report_case *c, const struct report_step *step)
{
	const char *element = element_of(step->verdict);

	text_add(t, "    <testcase");
	add_attribute(t, "name", step->text != NULL ? step->text : "step");
	add_attribute(t, "classname", c->lab.scenario != NULL ? c->lab.scenario : "scenario");
	add_attribute(t, "file", step_file(step, &c->lab));
	text_addf(t, " line=\"%u\"", step->line);
	add_seconds(t, step->elapsed_ns);
	if (element == NULL) {
		text_add(t, "/>\n");
		return;
	}
	text_addf(t, ">\n      <%s", element);
	add_attribute(t, "message", step_reason(step));
	if (step->verdict != REPORT_SKIPPED)
		add_attribute(t, "type", report_verdict_name(step->verdict));
	text_add(t, ">");
	add_body(t, c, step);
	text_addf(t, "</%s>\n    </testcase>\n", element);
}

/* The run as a whole is a test case where no step can tell how it ended. */
static bool run_counts(const struct report_case *c)
{
	enum report_verdict v = c->result.verdict;

	for (size_t i = 0; i < c->step_count; i++) {
		if (v != REPORT_PASSED && c->steps[i].verdict == v)
			return false;
	}
	return v != REPORT_PASSED || case_counts(c) == 0;
}

static void add_run(struct text *t, const struct report_case *c)
{
	const char *element = element_of(c->result.verdict);

	text_add(t, "    <testcase name=\"run\"");
	add_attribute(t, "classname", c->lab.scenario != NULL ? c->lab.scenario : "scenario");
	add_seconds(t, c->result.wall_ns);
	if (element == NULL) {
		text_add(t, "/>\n");
		return;
	}
	text_addf(t, ">\n      <%s", element);
	add_attribute(t, "message",
		      c->result.message != NULL ? c->result.message : report_verdict_name(c->result.verdict));
	if (c->result.verdict != REPORT_SKIPPED)
		add_attribute(t, "type", report_verdict_name(c->result.verdict));
	text_add(t, ">");
	add_body_line(t, "reproduce", c->result.reproduce);
	text_addf(t, "</%s>\n    </testcase>\n", element);
}

static struct counts counts_of(const struct report_case *c)
{
	struct counts n = {0};

	for (size_t i = 0; i < c->step_count; i++) {
		if (step_counts(&c->steps[i]))
			count(&n, c->steps[i].verdict);
	}
	if (run_counts(c))
		count(&n, c->result.verdict);
	return n;
}

static void add_counts(struct text *t, const struct counts *n)
{
	text_addf(t, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\"", n->tests, n->failures, n->errors,
		  n->skipped);
}

static void suite_case(struct teller *t, const struct report_case *c)
{
	struct junit_state *s = t->state;
	struct counts n = counts_of(c);
	struct stamp_text started = stamp_text(c->lab.started);

	started.s[19] = '\0'; /* the schema has neither fractions nor a zone */
	text_add(&s->suites, "  <testsuite");
	add_attribute(&s->suites, "name", c->lab.scenario != NULL ? c->lab.scenario : "scenario");
	add_counts(&s->suites, &n);
	add_seconds(&s->suites, c->result.wall_ns);
	if (c->lab.started.ns != 0)
		add_attribute(&s->suites, "timestamp", started.s);
	text_add(&s->suites, ">\n");
	add_properties(&s->suites, c);
	for (size_t i = 0; i < c->step_count; i++) {
		if (step_counts(&c->steps[i]))
			add_step(&s->suites, c, &c->steps[i]);
	}
	if (run_counts(c))
		add_run(&s->suites, c);
	text_add(&s->suites, "  </testsuite>\n");
	s->total.tests += n.tests;
	s->total.failures += n.failures;
	s->total.errors += n.errors;
	s->total.skipped += n.skipped;
}

static void suite_end(struct teller *t, int64_t wall_ns)
{
	struct junit_state *s = t->state;
	struct text text = {0};

	text_add(&text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"ecmplab\"");
	add_counts(&text, &s->total);
	add_seconds(&text, wall_ns);
	text_add(&text, ">\n");
	text_addn(&text, s->suites.at, s->suites.len);
	text_add(&text, "</testsuites>\n");
	teller_write(t, &text);
	text_fini(&text);
}

static void fini(void *state)
{
	struct junit_state *s = state;

	text_fini(&s->suites);
}

const struct report_writer report_junit = {
	.state_size = sizeof(struct junit_state),
	.suite_case = suite_case,
	.suite_end = suite_end,
	.fini = fini,
};
