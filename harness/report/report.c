/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fan-out: one record in, every chosen format told. */
#include "report_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct report_writer *const writers[REPORT_FORMAT_COUNT] = {
	[REPORT_TERMINAL] = &report_terminal,
	[REPORT_JSON] = &report_json,
	[REPORT_TAP] = &report_tap,
	[REPORT_JUNIT] = &report_junit,
	[REPORT_GITHUB] = &report_github,
	[REPORT_COMPARE] = &report_compare,
	[REPORT_COMPARE_JSON] = &report_compare_json,
	[REPORT_IMPACT] = &report_impact,
	[REPORT_IMPACT_JSON] = &report_impact_json,
};

struct report {
	struct report_facts facts;
	VEC(struct teller) tellers;
};

/* Calls what each format has for a record. */
#define TELL(r, what, ...)                                                                                             \
	for (size_t i = 0; i < (r)->tellers.len; i++) {                                                                \
		struct teller *teller = &(r)->tellers.at[i];                                                           \
                                                                                                                       \
		if (teller->writer->what != NULL)                                                                      \
			teller->writer->what(teller, __VA_ARGS__);                                                     \
	}

struct report *report_new(void)
{
	return memory_new(sizeof(struct report));
}

void report_add(struct report *r, enum report_format format, FILE *out, const struct report_style *style)
{
	const struct report_writer *w = writers[format];

	VEC_PUSH(&r->tellers, (struct teller){.writer = w,
					      .facts = &r->facts,
					      .style = style != NULL ? *style : (struct report_style){0},
					      .out = out,
					      .state = w->state_size > 0 ? memory_new(w->state_size) : NULL});
}

void report_free(struct report *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->tellers.len; i++) {
		struct teller *t = &r->tellers.at[i];

		if (t->writer->fini != NULL)
			t->writer->fini(t->state);
		free(t->state);
	}
	VEC_FREE(&r->tellers);
	arena_clear(&r->facts.arena);
	free(r);
}

static const char *keep(struct report *r, const char *s)
{
	return s != NULL ? arena_strdup(&r->facts.arena, s) : NULL;
}

/* What writers need after begin has returned. */
static void facts_take(struct report *r, const struct report_lab *lab)
{
	r->facts.lab = (struct report_lab){
		.scenario = keep(r, lab->scenario),
		.about = keep(r, lab->about),
		.file = keep(r, lab->file),
		.router = {.name = keep(r, lab->router.name),
			   .daemon = keep(r, lab->router.daemon),
			   .version = keep(r, lab->router.version),
			   .cluster = lab->router.cluster,
			   .clients = lab->router.clients,
			   .as = lab->router.as,
			   .hash = keep(r, lab->router.hash)},
		.expectations = lab->expectations,
		.seed = lab->seed,
		.kernel = keep(r, lab->kernel),
		.run_dir = keep(r, lab->run_dir),
		.started = lab->started,
	};
}

void report_begin(struct report *r, const struct report_lab *lab)
{
	facts_take(r, lab);
	TELL(r, begin, lab)
}

void report_step_begin(struct report *r, const struct report_step *step)
{
	TELL(r, step_begin, step)
}

void report_step_end(struct report *r, const struct report_step *step)
{
	if (step_is_expectation(step)) {
		r->facts.expected++;
		r->facts.held += step->verdict == REPORT_PASSED;
	}
	TELL(r, step_end, step)
}

void report_note(struct report *r, const struct report_note *note)
{
	TELL(r, note, note)
}

void report_routes(struct report *r, const struct report_routes *routes)
{
	TELL(r, routes, routes)
}

static int first_error(const struct report *r)
{
	for (size_t i = 0; i < r->tellers.len; i++) {
		if (r->tellers.at[i].error < 0)
			return r->tellers.at[i].error;
	}
	return 0;
}

int report_end(struct report *r, const struct report_result *result)
{
	TELL(r, end, result)
	return first_error(r);
}

void report_suite_begin(struct report *r, size_t scenarios)
{
	r->facts.scenarios = scenarios;
	for (size_t i = 0; i < r->tellers.len; i++) {
		if (r->tellers.at[i].writer->suite_begin != NULL)
			r->tellers.at[i].writer->suite_begin(&r->tellers.at[i]);
	}
}

void report_suite_case(struct report *r, const struct report_case *c)
{
	r->facts.cases++;
	if (c->result.verdict < REPORT_VERDICT_COUNT)
		r->facts.by_verdict[c->result.verdict]++;
	TELL(r, suite_case, c)
}

int report_suite_end(struct report *r, int64_t wall_ns)
{
	TELL(r, suite_end, wall_ns)
	return first_error(r);
}

void report_out(FILE *out, int *error, const struct text *text)
{
	if (*error < 0)
		return;
	errno = 0;
	if (fwrite(text->at, 1, text->len, out) != text->len || fflush(out) != 0)
		*error = errno != 0 ? -errno : -EIO;
}

void teller_write(struct teller *t, struct text *text)
{
	if (text->len > 0)
		report_out(t->out, &t->error, text);
	text->len = 0;
}

const char *step_file(const struct report_step *step, const struct report_lab *lab)
{
	return step->file != NULL ? step->file : lab->file;
}

bool step_is_expectation(const struct report_step *step)
{
	return step->finding != NULL || (step->kind != NULL && strcmp(step->kind, "expect") == 0);
}

bool step_counts(const struct report_step *step)
{
	return step_is_expectation(step) || step->verdict != REPORT_PASSED;
}

const char *step_reason(const struct report_step *step)
{
	if (step->finding != NULL && step->finding->seen != NULL)
		return step->finding->seen;
	return step->detail != NULL ? step->detail : report_verdict_name(step->verdict);
}

size_t case_counts(const struct report_case *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->step_count; i++)
		n += step_counts(&c->steps[i]);
	return n;
}

const char *case_message(const struct report_case *c)
{
	for (size_t i = 0; c->result.message != NULL && i < c->step_count; i++) {
		if (step_counts(&c->steps[i]) && strcmp(step_reason(&c->steps[i]), c->result.message) == 0)
			return NULL;
	}
	return c->result.message;
}
