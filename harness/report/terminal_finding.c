/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the judge found, below the line of its step. */
#include "report_int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_COLUMNS 10
#define BAR_MIN 8
#define BAR_MAX 40

static void put_label(struct page *p, unsigned int indent, const char *label)
{
	page_to(p, indent);
	page_put(p, PAGE_DIM, label);
	page_to(p, indent + LABEL_COLUMNS);
}

void terminal_field(struct page *p, unsigned int indent, const char *label, enum page_look look, const char *s)
{
	put_label(p, indent, label);
	page_wrap(p, look, s);
	page_line(p);
}

void terminal_copyable(struct page *p, unsigned int indent, const char *label, enum page_look look, const char *s)
{
	put_label(p, indent, label);
	page_put(p, look, s);
	page_line(p);
}

/* What all bars of one finding share. */
struct bars {
	uint64_t total;
	double most;
	bool even; /* all members are to get the same */
	unsigned int name_columns, count_columns, bar_columns;
};

static struct bars bars_of(const struct page *p, unsigned int indent, const struct judge_finding *f)
{
	struct bars b = {.even = true};
	unsigned int rest;
	char count[24];

	for (size_t i = 0; i < f->share_count; i++) {
		const struct judge_share *s = &f->shares[i];
		unsigned int name = page_columns(p, s->worker);
		unsigned int digits =
			(unsigned int)snprintf(count, sizeof(count), "%llu", (unsigned long long)s->count);

		b.total += s->count;
		b.most = fmax(b.most, fmax((double)s->count, s->expected));
		b.even = b.even && fabs(s->expected - f->shares[0].expected) < 0.05;
		b.name_columns = name > b.name_columns ? name : b.name_columns;
		b.count_columns = digits > b.count_columns ? digits : b.count_columns;
	}
	b.name_columns = b.name_columns < 24 ? b.name_columns : 24;
	rest = indent + b.name_columns + 2 + 2 + b.count_columns + 9 + (b.even ? 0 : 18);
	b.bar_columns = p->style.width > rest + BAR_MIN ? p->style.width - rest : BAR_MIN;
	b.bar_columns = b.bar_columns < BAR_MAX ? b.bar_columns : BAR_MAX;
	return b;
}

static void put_bar(struct page *p, unsigned int indent, const struct bars *b, const struct judge_share *s)
{
	unsigned int bar_at = indent + b->name_columns + 2;
	double share = b->most > 0 ? s->expected / b->most : 0;
	unsigned int expected_at = bar_at;

	if (share > 0 && share <= 1) /* which a number that is none fails, too */
		expected_at += (unsigned int)(share * b->bar_columns + 0.5);
	page_to(p, indent);
	page_cut(p, PAGE_PLAIN, s->worker != NULL ? s->worker : "", b->name_columns);
	page_to(p, bar_at);
	page_bar(p, (double)s->count, b->most, b->bar_columns);
	while (p->column < expected_at) /* what is missing */
		page_sign(p, PAGE_DIM, PAGE_MISSING);
	page_to(p, bar_at + b->bar_columns + 2);
	page_putf(p, PAGE_PLAIN, "%*llu", (int)b->count_columns, (unsigned long long)s->count);
	page_putf(p, PAGE_PLAIN, "  %5.1f %%", b->total > 0 ? 100.0 * (double)s->count / (double)b->total : 0.0);
	if (!b->even)
		page_putf(p, PAGE_DIM, "  of %.1f expected", s->expected);
	page_line(p);
}

/* How often the verdict itself is wrong. */
static void add_worth(struct text *line, const struct judge_finding *f)
{
	if (f->alpha > 0)
		text_addf(line, "a false alarm once in %.0f runs", 1 / f->alpha);
	if (f->alpha > 0 && f->planned > 0)
		text_addf(line, ", %.3g %% off is found in %.4g %% of runs", 100 * f->planned,
			  f->power < 0.9999 ? 100 * f->power : 99.99);
}

static void put_worth(struct page *p, unsigned int indent, const struct judge_finding *f)
{
	struct text line = {0};

	add_worth(&line, f);
	text_addn(&line, "", 1);
	page_to(p, indent);
	page_wrap(p, PAGE_DIM, line.at);
	page_line(p);
	text_fini(&line);
}

static void put_statistics(struct page *p, unsigned int indent, const struct judge_finding *f, const struct bars *b)
{
	struct text line = {0};

	if (b->even && f->shares[0].expected > 0)
		text_addf(&line, "expected %.1f each; ", f->shares[0].expected);
	text_addf(&line, "chi-square %.2f, %u degree%s of freedom, p=%.3g%s", f->chi.statistic, f->chi.df,
		  f->chi.df == 1 ? "" : "s", f->chi.p,
		  f->chi.exact	     ? " (exact)"
		  : f->chi.error > 0 ? " (sampled)"
				     : "");
	if (isfinite(f->detectable) && f->detectable > 0 && f->detectable <= 1)
		text_addf(&line, "; a worker short by %.3g %% or more would show", 100 * f->detectable);
	if (f->alpha > 0)
		text_addf(&line, "; ");
	add_worth(&line, f);
	if (f->verdict == JUDGE_INCONCLUSIVE && f->flows_needed > 0)
		text_addf(&line, "; %llu flows would be needed", (unsigned long long)f->flows_needed);
	text_addn(&line, "", 1);
	page_to(p, indent);
	page_wrap(p, PAGE_DIM, line.at);
	page_line(p);
	text_fini(&line);
}

static void put_spread(struct page *p, unsigned int indent, const struct judge_finding *f)
{
	struct bars b = bars_of(p, indent, f);

	for (size_t i = 0; i < f->share_count; i++)
		put_bar(p, indent, &b, &f->shares[i]);
	if (f->chi.df > 0)
		put_statistics(p, indent, f, &b);
}

/* "worker1.pcap 12, 14; worker3.pcap 9": a file is named once for frames that follow each other. */
static void put_frames(struct page *p, unsigned int indent, const struct judge_finding *f)
{
	struct text line = {0};
	size_t n = f->frame_count < JUDGE_FRAMES_MAX ? f->frame_count : JUDGE_FRAMES_MAX;

	for (size_t i = 0; i < n; i++) {
		const struct judge_frame *frame = &f->frames[i];
		const char *file = frame->file != NULL ? frame->file : "?";
		bool same = i > 0 && f->frames[i - 1].file != NULL && strcmp(file, f->frames[i - 1].file) == 0;

		if (same)
			text_addf(&line, ", %llu", (unsigned long long)frame->frame);
		else
			text_addf(&line, "%s%s %llu", i > 0 ? "; " : "", file, (unsigned long long)frame->frame);
	}
	text_addn(&line, "", 1);
	if (n > 0)
		terminal_field(p, indent, "frames", PAGE_NAME, line.at);
	text_fini(&line);
}

static void put_place(struct page *p, unsigned int indent, const struct report_step *step, const struct report_lab *lab)
{
	const char *file = step_file(step, lab);
	char *at = NULL;

	if (file == NULL || step->line == 0)
		return;
	if (asprintf(&at, "%s:%u", file, step->line) < 0)
		memory_exhausted();
	terminal_copyable(p, indent, "at", PAGE_PLAIN, at);
	free(at);
}

static void put_paragraph(struct page *p, unsigned int indent, enum page_look look, const char *s)
{
	if (s == NULL || *s == '\0')
		return;
	page_to(p, indent);
	page_wrap(p, look, s);
	page_line(p);
}

void terminal_finding(struct page *p, unsigned int indent, const struct report_step *step, const struct report_lab *lab)
{
	const struct judge_finding *f = step->finding;
	bool good = step->verdict == REPORT_PASSED;

	if (f->share_count > 0 && f->shares != NULL)
		put_spread(p, indent, f);
	else if (f->alpha > 0)
		put_worth(p, indent, f);
	if (good) {
		put_paragraph(p, indent, PAGE_DIM, f->seen);
		put_paragraph(p, indent, PAGE_PLAIN, f->why);
		return;
	}
	put_place(p, indent, step, lab);
	terminal_field(p, indent, "expected", PAGE_PLAIN, step->text);
	if (f->seen != NULL)
		terminal_field(p, indent, "seen", PAGE_BOLD, f->seen);
	put_frames(p, indent, f);
	if (f->why != NULL)
		terminal_field(p, indent, "why", PAGE_PLAIN, f->why);
}
