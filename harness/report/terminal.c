/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page of one run. */
#include "report_int.h"

#include <stdlib.h>
#include <string.h>

/* Below this width stamps are short and what belongs to a step is indented less. */
#define ROOMY 60

static bool roomy(const struct page *p)
{
	return p->style.width >= ROOMY;
}

static unsigned int step_indent(const struct page *p)
{
	return roomy(p) ? 13 : 4;
}

static struct terminal_state *state_of(struct teller *t)
{
	struct terminal_state *s = t->state;

	if (s->page.style.width == 0) {
		s->page = page_of(&t->style);
		s->pending = page_of(&t->style);
	}
	return s;
}

static void flush(struct teller *t)
{
	teller_write(t, &state_of(t)->page.text);
}

static void begin(struct teller *t, const struct report_lab *lab)
{
	struct page *p = &state_of(t)->page;

	page_line(p);
	page_to(p, 2);
	page_put(p, PAGE_BOLD, lab->scenario);
	page_line(p);
	if (lab->about != NULL && *lab->about != '\0') {
		page_to(p, 2);
		page_wrap(p, PAGE_PLAIN, lab->about);
		page_line(p);
	}
	page_line(p);
	terminal_topology(p, lab);
	page_line(p);
	flush(t);
}

static void put_stamp(struct page *p, int64_t since_start_ns)
{
	page_putf(p, PAGE_DIM, roomy(p) ? "%9.3fs" : "%6.2fs", (double)since_start_ns / (double)NS_PER_S);
	page_to(p, roomy(p) ? 11 : 8);
}

/* "apply nginx.yaml", also where the text leaves the word out. */
static char *step_title(const struct report_step *step)
{
	bool named = step->kind == NULL || step_is_expectation(step) || step->text == NULL ||
		     strncmp(step->text, step->kind, strlen(step->kind)) == 0;
	char *title = NULL;

	if (asprintf(&title, "%s%s%s", named ? "" : step->kind, named ? "" : " ",
		     step->text != NULL ? step->text : "") < 0)
		memory_exhausted();
	return title;
}

static void step_begin(struct teller *t, const struct report_step *step)
{
	struct terminal_state *s = state_of(t);
	char *title;

	s->running = true;
	if (!t->style.live)
		return;
	title = step_title(step);
	put_stamp(&s->page, step->since_start_ns);
	page_sign(&s->page, PAGE_DIM, PAGE_RUNNING);
	page_to(&s->page, s->page.column + 1);
	page_cut(&s->page, PAGE_DIM, title, s->page.style.width - s->page.column - 1);
	free(title);
	flush(t);
}

/* The line that tells that a step runs gives way to what came of it. */
static void running_over(struct teller *t)
{
	struct terminal_state *s = state_of(t);

	if (s->running && t->style.live) {
		text_add(&s->page.text, "\r\033[K");
		s->page.column = 0;
	}
	s->running = false;
}

static void put_step(struct page *p, const struct report_step *step)
{
	bool done = !step_is_expectation(step) && step->verdict == REPORT_PASSED;
	struct duration_text took = duration_text(step->elapsed_ns);
	unsigned int took_at = p->style.width - (unsigned int)strlen(took.s);
	unsigned int width = p->style.width;
	char *title = step_title(step);

	put_stamp(p, step->since_start_ns);
	page_sign(p, done ? PAGE_NAME : page_verdict_look(step->verdict),
		  done ? PAGE_DONE : page_verdict_sign(step->verdict));
	page_to(p, p->column + 1);
	p->style.width -= 10; /* what it took stands to the right */
	page_wrap(p, step->verdict == REPORT_FAILED ? PAGE_BOLD : PAGE_PLAIN, title);
	p->style.width = width;
	if (p->column < took_at) {
		page_to(p, took_at);
		page_put(p, PAGE_DIM, took.s);
	}
	page_line(p);
	free(title);
}

static void step_end(struct teller *t, const struct report_step *step)
{
	struct terminal_state *s = state_of(t);
	struct page *p = &s->page;

	running_over(t);
	put_step(p, step);
	if (step->finding != NULL)
		terminal_finding(p, step_indent(p), step, &t->facts->lab);
	if (step->detail != NULL && *step->detail != '\0') {
		page_to(p, step_indent(p));
		page_wrap(p, step->verdict == REPORT_PASSED ? PAGE_DIM : PAGE_PLAIN, step->detail);
		page_line(p);
	}
	text_addn(&p->text, s->pending.text.at, s->pending.text.len);
	s->pending.text.len = 0;
	flush(t);
}

/* While a step runs its line is still to come, and what it brings about belongs below that. */
static struct page *page_for_extra(struct teller *t)
{
	struct terminal_state *s = state_of(t);

	return s->running ? &s->pending : &s->page;
}

static void note(struct teller *t, const struct report_note *note)
{
	struct page *p = page_for_extra(t);

	page_to(p, step_indent(p));
	if (note->node != NULL) {
		page_put(p, PAGE_NAME, note->node);
		page_put(p, PAGE_DIM, ": ");
	}
	page_wrap(p, PAGE_DIM, note->text);
	page_line(p);
	flush(t);
}

/* How much a hop's line tells, so that it fits on the page. */
enum detail { DETAIL_HOP, DETAIL_PATH, DETAIL_ALL };

static void put_hop(struct page *p, const struct report_hop *hop, enum detail detail)
{
	static const char origins[] = "ie?";
	struct addr_text next_hop = addr_text(&hop->next_hop);

	page_putf(p, PAGE_PLAIN, "via %s", next_hop.s);
	if (hop->worker != NULL) {
		page_put(p, PAGE_PLAIN, " on ");
		page_put(p, PAGE_NAME, hop->worker);
	}
	if (detail == DETAIL_ALL && hop->since_start_ns >= 0)
		page_putf(p, PAGE_DIM, " [%.3fs]", (double)hop->since_start_ns / (double)NS_PER_S);
	page_put(p, hop->best ? PAGE_GOOD : PAGE_PLAIN, hop->best ? " *" : "  ");
	if (hop->as_path != NULL && detail != DETAIL_HOP)
		page_putf(p, PAGE_PLAIN, " [AS%s%c]", hop->as_path, origins[hop->origin < 3 ? hop->origin : 2]);
}

static unsigned int widest_hop(const struct page *p, const struct report_routes *routes, enum detail detail)
{
	struct page scratch = page_of(&p->style);
	unsigned int widest = 0;

	for (size_t i = 0; i < routes->hop_count; i++) {
		scratch.column = 0;
		put_hop(&scratch, &routes->hops[i], detail);
		widest = scratch.column > widest ? scratch.column : widest;
	}
	text_fini(&scratch.text);
	return widest;
}

static void put_hops(struct page *p, const struct report_routes *routes)
{
	enum detail detail = DETAIL_ALL;
	unsigned int hops_at = p->column + 2;

	if (hops_at + widest_hop(p, routes, detail) > p->style.width) {
		page_line(p);
		hops_at = step_indent(p) + 2;
	}
	while (detail > DETAIL_HOP && hops_at + widest_hop(p, routes, detail) > p->style.width)
		detail--;
	for (size_t i = 0; i < routes->hop_count; i++) {
		page_to(p, hops_at);
		put_hop(p, &routes->hops[i], detail);
		page_line(p);
	}
}

static void routes(struct teller *t, const struct report_routes *routes)
{
	struct page *p = page_for_extra(t);
	struct prefix_text prefix = prefix_text(&routes->prefix);

	page_to(p, step_indent(p));
	page_put(p, PAGE_BOLD, prefix.s);
	if (routes->hop_count > 0) {
		put_hops(p, routes);
	} else {
		page_put(p, PAGE_DIM, "  no route");
		page_line(p);
	}
	flush(t);
}

static void put_rule(struct page *p)
{
	page_line(p);
	page_to(p, 2);
	while (p->column < p->style.width)
		page_box(p, PAGE_DIM, PAGE_LEFT | PAGE_RIGHT);
	page_line(p);
}

static const char *verdict_word(enum report_verdict v)
{
	static const char *const words[REPORT_VERDICT_COUNT] = {
		[REPORT_PASSED] = "PASS",     [REPORT_FAILED] = "FAIL",	      [REPORT_INCONCLUSIVE] = "INCONCLUSIVE",
		[REPORT_SKIPPED] = "SKIPPED", [REPORT_BROKEN] = "LAB BROKEN", [REPORT_INTERRUPTED] = "INTERRUPTED",
	};

	return v < REPORT_VERDICT_COUNT ? words[v] : words[REPORT_BROKEN];
}

static void put_verdict(struct page *p, const struct report_facts *facts, const struct report_result *result)
{
	size_t planned = facts->lab.expectations > facts->expected ? facts->lab.expectations : facts->expected;
	enum page_look look = page_verdict_look(result->verdict);

	page_to(p, 2);
	page_sign(p, look, page_verdict_sign(result->verdict));
	page_to(p, 4);
	page_put(p, look, verdict_word(result->verdict));
	page_to(p, p->column + 2);
	if (planned > 0) {
		char *held = NULL;

		if (asprintf(&held, "%zu of %zu expectation%s held in %s", facts->held, planned,
			     planned == 1 ? "" : "s", duration_text(result->wall_ns).s) < 0)
			memory_exhausted();
		page_wrap(p, PAGE_PLAIN, held);
		free(held);
	} else {
		page_putf(p, PAGE_PLAIN, "in %s", duration_text(result->wall_ns).s);
	}
	page_line(p);
}

static void put_phases(struct page *p, const struct report_result *result)
{
	struct text line = {0};

	for (size_t i = 0; i < result->phase_count; i++)
		text_addf(&line, "%s%s %s", i > 0 ? ", " : "", result->phases[i].name,
			  duration_text(result->phases[i].ns).s);
	text_addn(&line, "", 1);
	if (result->phase_count > 0)
		terminal_field(p, 4, "time", PAGE_DIM, line.at);
	text_fini(&line);
}

static void put_captures(struct page *p, const struct report_result *result)
{
	uint64_t frames = 0, dropped = 0;
	char *line = NULL;
	char lost[40];

	for (size_t i = 0; i < result->capture_count; i++) {
		frames += result->captures[i].frames;
		dropped += result->captures[i].dropped;
	}
	if (result->capture_count == 0)
		return;
	snprintf(lost, sizeof(lost), "%llu LOST", (unsigned long long)dropped);
	if (asprintf(&line, "%llu frames in %zu captures, %s", (unsigned long long)frames, result->capture_count,
		     dropped > 0 ? lost : "none lost") < 0)
		memory_exhausted();
	terminal_field(p, 4, "wire", dropped > 0 ? PAGE_BAD : PAGE_DIM, line);
	free(line);
}

static void put_fib(struct page *p, const struct judge_fib_story *f)
{
	struct text line = {0};

	if (f == NULL || f->added == 0)
		return;
	text_addf(&line, "%zu added, %zu replaced, %zu removed", f->added, f->replaced, f->removed);
	if (f->followed > 0)
		text_addf(&line, "; behind the wire by %s in the median, %s at most",
			  duration_text(f->delay_median_ns).s, duration_text(f->delay_longest_ns).s);
	if (f->holes > 0)
		text_addf(&line,
			  "; NO ROUTE while workers announced it, %zu times, %s at the longest as it was read (%s)",
			  f->holes, duration_text(f->hole_longest_ns).s, prefix_text(&f->hole_prefix).s);
	text_addn(&line, "", 1);
	terminal_field(p, 4, "fib", f->holes > 0 ? PAGE_BAD : PAGE_DIM, line.at);
	text_fini(&line);
}

static void put_circumstances(struct page *p, const struct report_lab *lab)
{
	const char *version = lab->router.version != NULL ? lab->router.version : lab->router.daemon;
	char *line = NULL;

	if (lab->scenario == NULL)
		return;
	if (asprintf(&line, "%llu%s%s%s%s", (unsigned long long)lab->seed, lab->kernel != NULL ? ", Linux " : "",
		     lab->kernel != NULL ? lab->kernel : "", version != NULL ? ", router " : "",
		     version != NULL ? version : "") < 0)
		memory_exhausted();
	terminal_field(p, 4, "seed", PAGE_DIM, line);
	free(line);
}

static void end(struct teller *t, const struct report_result *result)
{
	struct page *p = &state_of(t)->page;
	const struct report_lab *lab = &t->facts->lab;

	running_over(t);
	put_rule(p);
	put_verdict(p, t->facts, result);
	if (result->message != NULL)
		terminal_field(p, 4, "why", PAGE_PLAIN, result->message);
	put_phases(p, result);
	put_captures(p, result);
	put_fib(p, result->fib);
	put_circumstances(p, lab);
	if (result->reproduce != NULL && result->verdict != REPORT_PASSED)
		terminal_copyable(p, 4, "reproduce", PAGE_BOLD, result->reproduce);
	if (lab->run_dir != NULL)
		terminal_copyable(p, 4, "kept in", PAGE_NAME, lab->run_dir);
	flush(t);
}

static void fini(void *state)
{
	struct terminal_state *s = state;

	text_fini(&s->page.text);
	text_fini(&s->pending.text);
	text_fini(&s->reproduce);
}

const struct report_writer report_terminal = {
	.state_size = sizeof(struct terminal_state),
	.begin = begin,
	.step_begin = step_begin,
	.step_end = step_end,
	.note = note,
	.routes = routes,
	.end = end,
	.suite_begin = terminal_suite_begin,
	.suite_case = terminal_suite_case,
	.suite_end = terminal_suite_end,
	.fini = fini,
};
