/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A suite on a terminal: a line a scenario as it ends, then what did not pass and how to see it again. */
#include "report_int.h"

#include <stdlib.h>
#include <string.h>

#define NAME_COLUMNS 24

static struct page *page_ready(struct teller *t)
{
	struct terminal_state *s = t->state;

	if (s->page.style.width == 0)
		s->page = page_of(&t->style);
	return &s->page;
}

void terminal_suite_begin(struct teller *t)
{
	struct page *p = page_ready(t);

	page_line(p);
	teller_write(t, &p->text);
}

static void put_case_line(struct page *p, const struct report_case *c, size_t held, size_t judged)
{
	enum page_look look = page_verdict_look(c->result.verdict);
	const char *name = c->lab.scenario != NULL ? c->lab.scenario : "";
	size_t planned = c->lab.expectations > judged ? c->lab.expectations : judged;
	unsigned int name_columns = p->style.width < 60 ? p->style.width - 22 : NAME_COLUMNS;

	page_to(p, 2);
	page_sign(p, look, page_verdict_sign(c->result.verdict));
	page_to(p, 4);
	page_put(p, c->result.verdict == REPORT_PASSED ? PAGE_PLAIN : PAGE_BOLD, name);
	page_to(p, 4 + name_columns);
	if (c->result.verdict == REPORT_SKIPPED)
		page_putf(p, PAGE_DIM, " %7s", "skipped");
	else
		page_putf(p, PAGE_PLAIN, " %3zu/%-3zu", held, planned);
	if (c->result.wall_ns > 0)
		page_putf(p, PAGE_DIM, "%9s", duration_text(c->result.wall_ns).s);
	page_line(p);
}

static void put_case_step(struct page *p, const struct report_case *c, const struct report_step *step)
{
	const char *file = step_file(step, &c->lab);

	page_to(p, 6);
	if (file != NULL && step->line > 0) {
		page_putf(p, PAGE_DIM, "%s:%u: ", file, step->line);
		page_line(p);
		page_to(p, 6);
	}
	page_wrap(p, PAGE_PLAIN, step->text);
	page_line(p);
	page_to(p, 8);
	page_wrap(p, PAGE_PLAIN, step_reason(step));
	page_line(p);
}

static void remember_command(struct terminal_state *s, const struct report_case *c)
{
	if (c->result.verdict == REPORT_PASSED || c->result.verdict == REPORT_SKIPPED || c->result.reproduce == NULL)
		return;
	text_add(&s->reproduce, c->result.reproduce);
	text_addn(&s->reproduce, "", 1);
}

void terminal_suite_case(struct teller *t, const struct report_case *c)
{
	struct terminal_state *s = t->state;
	struct page *p = page_ready(t);
	size_t held = 0, judged = 0;

	for (size_t i = 0; i < c->step_count; i++) {
		if (!step_is_expectation(&c->steps[i]))
			continue;
		judged++;
		held += c->steps[i].verdict == REPORT_PASSED;
	}
	put_case_line(p, c, held, judged);
	for (size_t i = 0; i < c->step_count; i++) {
		if (c->steps[i].verdict != REPORT_PASSED)
			put_case_step(p, c, &c->steps[i]);
	}
	if (case_message(c) != NULL) {
		page_to(p, 6);
		page_wrap(p, PAGE_PLAIN, case_message(c));
		page_line(p);
	}
	remember_command(s, c);
	teller_write(t, &p->text);
}

static void put_commands(struct page *p, const struct text *commands)
{
	size_t at = 0;

	if (commands->len == 0)
		return;
	page_line(p);
	page_to(p, 2);
	page_put(p, PAGE_DIM, "to see it again:");
	page_line(p);
	while (at < commands->len) {
		page_to(p, 4);
		page_put(p, PAGE_BOLD, commands->at + at);
		page_line(p);
		at += strlen(commands->at + at) + 1;
	}
}

/* Of the suite as a whole, for the sign in front of its last line. */
static enum report_verdict worst(const struct report_facts *f)
{
	static const enum report_verdict order[] = {REPORT_BROKEN, REPORT_INTERRUPTED, REPORT_FAILED,
						    REPORT_INCONCLUSIVE};

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (f->by_verdict[order[i]] > 0)
			return order[i];
	}
	return f->by_verdict[REPORT_PASSED] > 0 ? REPORT_PASSED : REPORT_SKIPPED;
}

void terminal_suite_end(struct teller *t, int64_t wall_ns)
{
	static const char *const words[REPORT_VERDICT_COUNT] = {
		[REPORT_PASSED] = "passed",   [REPORT_FAILED] = "failed", [REPORT_INCONCLUSIVE] = "inconclusive",
		[REPORT_SKIPPED] = "skipped", [REPORT_BROKEN] = "broken", [REPORT_INTERRUPTED] = "interrupted",
	};
	struct terminal_state *s = t->state;
	struct page *p = page_ready(t);
	const struct report_facts *f = t->facts;
	struct text line = {0};
	bool any = false;

	put_commands(p, &s->reproduce);
	page_line(p);
	page_to(p, 2);
	page_sign(p, page_verdict_look(worst(f)), page_verdict_sign(worst(f)));
	page_to(p, 4);
	text_addf(&line, "%zu scenario%s in %s", f->cases, f->cases == 1 ? "" : "s", duration_text(wall_ns).s);
	for (size_t i = 0; i < REPORT_VERDICT_COUNT; i++) {
		if (f->by_verdict[i] == 0)
			continue;
		text_addf(&line, "%s %zu %s", any ? "," : ":", f->by_verdict[i], words[i]);
		any = true;
	}
	if (f->cases < f->scenarios)
		text_addf(&line, "%s %zu not run", any ? "," : ":", f->scenarios - f->cases);
	text_addn(&line, "", 1);
	page_wrap(p, PAGE_PLAIN, line.at);
	page_line(p);
	text_fini(&line);
	teller_write(t, &p->text);
}
