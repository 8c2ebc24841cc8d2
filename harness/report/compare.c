/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One scenario over several routers, side by side: what held, and how each router's FIB followed the wire. */
#include "report_int.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_COLUMNS 24U
#define CELL_COLUMNS 13U

/* What is kept of a case; its records are borrowed for the call. */
struct subject {
	char *router; /* "BIRD 1.6.8", "builtin" */
	char *message;
	enum report_verdict verdict;
	size_t held, judged;
	int64_t sessions_ns; /* until the first expectation of sessions held; -1: it did not, or there is none */
	int64_t wall_ns;
	struct instant started;
	bool has_fib;
	struct judge_fib_story fib;
	char order[16];
	bool has_left; /* flows that went on over a change of the group */
	struct judge_leaving left;
};

struct comparison {
	char *scenario;
	VEC(struct subject) subjects;
};

/* ---- Taking cases ---- */

static char *copy(const char *s)
{
	char *kept = s != NULL ? strdup(s) : NULL;

	if (s != NULL && kept == NULL)
		memory_exhausted();
	return kept;
}

static bool is_of_sessions(const struct report_step *step)
{
	return step_is_expectation(step) && step->text != NULL && strstr(step->text, "sessions") != NULL;
}

static void take_steps(struct subject *s, const struct report_case *c)
{
	s->sessions_ns = -1;
	for (size_t i = 0; i < c->step_count; i++) {
		const struct report_step *step = &c->steps[i];

		if (s->sessions_ns < 0 && is_of_sessions(step) && step->verdict == REPORT_PASSED)
			s->sessions_ns = step->since_start_ns + step->elapsed_ns;
		if (step->finding != NULL && step->finding->leaving.flows > 0) {
			s->left = step->finding->leaving;
			s->left.gaps = NULL;
			s->has_left = true;
		}
		s->judged += step_is_expectation(step);
		s->held += step_is_expectation(step) && step->verdict == REPORT_PASSED;
	}
	if (c->lab.expectations > s->judged)
		s->judged = c->lab.expectations;
}

static void suite_case(struct teller *t, const struct report_case *c)
{
	struct comparison *all = t->state;
	const char *router = c->lab.router.version != NULL ? c->lab.router.version : c->lab.router.daemon;
	struct subject s = {.verdict = c->result.verdict,
			    .wall_ns = c->result.wall_ns,
			    .started = c->lab.started,
			    .has_fib = c->result.fib != NULL && c->result.fib->added > 0};

	s.router = copy(router != NULL ? router : c->lab.scenario != NULL ? c->lab.scenario : "");
	s.message = copy(case_message(c));
	take_steps(&s, c);
	if (s.has_fib) {
		s.fib = *c->result.fib;
		snprintf(s.order, sizeof(s.order), "%s", s.fib.order);
		s.fib.order = NULL;
	}
	if (all->scenario == NULL)
		all->scenario = copy(c->lab.file);
	VEC_PUSH(&all->subjects, s);
}

static void fini(void *state)
{
	struct comparison *all = state;

	for (size_t i = 0; i < all->subjects.len; i++) {
		free(all->subjects.at[i].router);
		free(all->subjects.at[i].message);
	}
	free(all->scenario);
	VEC_FREE(&all->subjects);
}

/* ---- The table: a row a property, a column a router ---- */

/* How a router changes a route with several next hops: the kernel's atomic way, or with a gap in between. */
static const char *way_of(const struct judge_fib_story *f)
{
	if (f->replaced > 0 && f->holes > 0)
		return "both";
	return f->holes > 0 ? "delete + add" : f->replaced > 0 ? "replace" : "no change";
}

typedef void cell_fn(const struct subject *s, char *ret, size_t room);

static void cell_verdict(const struct subject *s, char *ret, size_t room)
{
	snprintf(ret, room, "%s", report_verdict_name(s->verdict));
}

static void cell_held(const struct subject *s, char *ret, size_t room)
{
	snprintf(ret, room, "%zu of %zu", s->held, s->judged);
}

static void cell_sessions(const struct subject *s, char *ret, size_t room)
{
	snprintf(ret, room, "%s", s->sessions_ns < 0 ? "-" : duration_text(s->sessions_ns).s);
}

static void cell_way(const struct subject *s, char *ret, size_t room)
{
	snprintf(ret, room, "%s", way_of(&s->fib));
}

static void cell_changes(const struct subject *s, char *ret, size_t room)
{
	snprintf(ret, room, "%zu/%zu/%zu", s->fib.added, s->fib.replaced, s->fib.removed);
}

static void cell_holes(const struct subject *s, char *ret, size_t room)
{
	snprintf(ret, room, "%zu", s->fib.holes);
}

static void cell_hole_longest(const struct subject *s, char *ret, size_t room)
{
	snprintf(ret, room, "%s", s->fib.holes > 0 ? duration_text(s->fib.hole_longest_ns).s : "-");
}

static void cell_order(const struct subject *s, char *ret, size_t room)
{
	snprintf(ret, room, "%s", s->order[0] != '\0' ? s->order : "-");
}

static void cell_most(const struct subject *s, char *ret, size_t room)
{
	snprintf(ret, room, "%zu of %zu", s->fib.installed_most, s->fib.announced_most);
}

/* What keeps announced next hops out: a limit, or AS paths that are not the same (FRR: bestpath as-path multipath-relax). */
static const char *limit_of(const struct judge_fib_story *f)
{
	if (f->installed_most >= f->announced_most)
		return "nothing";
	return f->alike_most < f->announced_most && f->installed_most == f->alike_most ? "AS paths" : "limit";
}

static void cell_limit(const struct subject *s, char *ret, size_t room)
{
	if (strcmp(limit_of(&s->fib), "limit") == 0)
		snprintf(ret, room, "limit of %zu", s->fib.installed_most);
	else
		snprintf(ret, room, "%s", limit_of(&s->fib));
}

static void cell_lost(const struct subject *s, char *ret, size_t room)
{
	snprintf(ret, room, s->has_left ? "%llu of %llu" : "-", (unsigned long long)s->left.lost,
		 (unsigned long long)s->left.sent);
}

static void cell_without(const struct subject *s, char *ret, size_t room)
{
	snprintf(ret, room, "%s",
		 !s->has_left || s->left.no_route > 1 ? "-" /* from one change to another */
		 : s->left.lost == 0		      ? "none"
		 : s->left.lost == 1		      ? "one packet"
						      : duration_text(s->left.loss_span_ns).s);
}

static void cell_no_route(const struct subject *s, char *ret, size_t room)
{
	if (s->has_left)
		snprintf(ret, room, "%llu", (unsigned long long)s->left.no_route);
	else
		snprintf(ret, room, "-");
}

/* By the packets: the kernel's messages tell when they were read. */
static void cell_no_route_each(const struct subject *s, char *ret, size_t room)
{
	bool known = s->has_left && s->left.no_route > 0 && s->left.lost > 0;

	snprintf(ret, room, "%s", known ? duration_text(s->left.no_route_ns / (int64_t)s->left.no_route).s : "-");
}

static void cell_switch(const struct subject *s, char *ret, size_t room)
{
	bool known = s->has_left && s->left.word_ns >= 0 && s->left.new_path_ns >= 0;

	snprintf(ret, room, "%s", known ? duration_text(s->left.new_path_ns - s->left.word_ns).s : "-");
}

static void cell_unfollowed(const struct subject *s, char *ret, size_t room)
{
	snprintf(ret, room, "%zu", s->fib.unfollowed);
}

static void cell_median(const struct subject *s, char *ret, size_t room)
{
	snprintf(ret, room, "%s", s->fib.followed > 0 ? duration_text(s->fib.delay_median_ns).s : "-");
}

static void cell_longest(const struct subject *s, char *ret, size_t room)
{
	snprintf(ret, room, "%s", s->fib.followed > 0 ? duration_text(s->fib.delay_longest_ns).s : "-");
}

static bool is_bad_verdict(const struct subject *s)
{
	return s->verdict != REPORT_PASSED && s->verdict != REPORT_SKIPPED;
}

static bool has_holes(const struct subject *s)
{
	return s->fib.holes + s->fib.lost > 0;
}

static bool loses(const struct subject *s)
{
	return s->has_left && s->left.lost > 0;
}

static bool lacks_hops(const struct subject *s)
{
	return s->fib.installed_most < s->fib.announced_most;
}

static const struct row {
	const char *label;
	cell_fn *cell;
	bool of_fib;
	bool (*bad)(const struct subject *s); /* worth a second look; NULL: never */
} rows[] = {
	{"verdict", cell_verdict, false, is_bad_verdict},
	{"expectations held", cell_held, false, is_bad_verdict},
	{"sessions up after", cell_sessions, false, NULL},
	{"a group changes by", cell_way, true, has_holes},
	{"added/replaced/removed", cell_changes, true, NULL},
	{"gone though announced", cell_holes, true, has_holes},
	{"  longest, as read", cell_hole_longest, true, has_holes},
	{"next hops installed", cell_most, true, lacks_hops},
	{"  held back by", cell_limit, true, lacks_hops},
	{"changes never followed", cell_unfollowed, true, lacks_hops},
	{"next-hop order", cell_order, true, NULL},
	{"behind the wire, median", cell_median, true, NULL},
	{"  at most", cell_longest, true, NULL},
	{"to the first packet", cell_switch, true, NULL},
	{"packets lost", cell_lost, true, loses},
	{"  times without a route", cell_no_route, true, loses},
	{"    each, by the loss", cell_no_route_each, true, loses},
	{"  from first to last", cell_without, true, loses},
};

static void put_row(struct page *p, const struct row *row, const struct subject *s, size_t n)
{
	page_to(p, 2);
	page_put(p, PAGE_DIM, row->label);
	for (size_t i = 0; i < n; i++) {
		char cell[64] = "-";
		bool known = !row->of_fib || s[i].has_fib;

		if (known)
			row->cell(&s[i], cell, sizeof(cell));
		page_to(p, 2 + LABEL_COLUMNS + (unsigned int)i * CELL_COLUMNS);
		page_cut(p, known && row->bad != NULL && row->bad(&s[i]) ? PAGE_BAD : PAGE_PLAIN, cell,
			 CELL_COLUMNS - 1);
	}
	page_line(p);
}

static void put_block(struct page *p, const struct subject *s, size_t n)
{
	page_line(p);
	for (size_t i = 0; i < n; i++) {
		page_to(p, 2 + LABEL_COLUMNS + (unsigned int)i * CELL_COLUMNS);
		page_cut(p, PAGE_BOLD, s[i].router, CELL_COLUMNS - 1);
	}
	page_line(p);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		put_row(p, &rows[i], s, n);
}

static void put_messages(struct page *p, const struct comparison *all)
{
	for (size_t i = 0; i < all->subjects.len; i++) {
		const struct subject *s = &all->subjects.at[i];

		if (s->message == NULL)
			continue;
		page_to(p, 2);
		page_put(p, PAGE_BOLD, s->router);
		page_line(p);
		page_to(p, 4);
		page_wrap(p, PAGE_DIM, s->message);
		page_line(p);
	}
}

static void table_end(struct teller *t, int64_t wall_ns)
{
	const struct comparison *all = t->state;
	struct page p = page_of(&t->style);
	size_t fit = p.style.width > LABEL_COLUMNS + 2 ? (p.style.width - LABEL_COLUMNS - 2) / CELL_COLUMNS : 1;

	fit = fit > 0 ? fit : 1;
	for (size_t i = 0; i < all->subjects.len; i += fit)
		put_block(&p, &all->subjects.at[i], all->subjects.len - i < fit ? all->subjects.len - i : fit);
	page_line(&p);
	put_messages(&p, all);
	page_to(&p, 2);
	page_putf(&p, PAGE_DIM, "%zu routers in %s", all->subjects.len, duration_text(wall_ns).s);
	page_line(&p);
	teller_write(t, &p.text);
	text_fini(&p.text);
}

const struct report_writer report_compare = {
	.state_size = sizeof(struct comparison),
	.suite_case = suite_case,
	.suite_end = table_end,
	.fini = fini,
};

/* ---- JSON ---- */

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new_nocheck(object, key, value);
}

static void set_fib(json_t *o, const struct subject *s)
{
	struct judge_fib_story f = s->fib;
	struct report_lab lab = {.started = s->started};

	f.order = s->order;
	set(o, "fib", s->has_fib ? json_fib(&f, &lab) : json_null());
	set(o, "group_change", s->has_fib ? json_text(way_of(&f)) : json_null());
	set(o, "held_back_by", s->has_fib ? json_text(limit_of(&f)) : json_null());
	set(o, "leaving", s->has_left ? json_leaving(&s->left) : json_null());
}

static void json_end(struct teller *t, int64_t wall_ns)
{
	const struct comparison *all = t->state;
	json_t *root = json_object(), *routers = json_array();
	struct text text = {0};

	for (size_t i = 0; i < all->subjects.len; i++) {
		const struct subject *s = &all->subjects.at[i];
		json_t *o = json_object();

		set(o, "router", json_text(s->router));
		set(o, "verdict", json_text(report_verdict_name(s->verdict)));
		set(o, "message", json_text(s->message));
		set(o, "held", json_integer((json_int_t)s->held));
		set(o, "expectations", json_integer((json_int_t)s->judged));
		set(o, "sessions_ns", s->sessions_ns < 0 ? json_null() : json_integer(s->sessions_ns));
		set(o, "wall_s", json_number((double)s->wall_ns / (double)NS_PER_S));
		set_fib(o, s);
		json_array_append_new(routers, o);
	}
	set(root, "schema", json_integer(REPORT_SCHEMA));
	set(root, "scenario", json_text(all->scenario));
	set(root, "wall_s", json_number((double)wall_ns / (double)NS_PER_S));
	set(root, "routers", routers);
	json_write(&text, root, true);
	teller_write(t, &text);
	text_fini(&text);
	json_decref(root);
}

const struct report_writer report_compare_json = {
	.state_size = sizeof(struct comparison),
	.suite_case = suite_case,
	.suite_end = json_end,
	.fini = fini,
};
