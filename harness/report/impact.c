/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens to flows and connections when a worker leaves: a row a way of leaving, a block a kind of group. */
#include "report_int.h"

#include <jansson.h>
#include <string.h>

#define WAY_COLUMNS 18U

/* What is kept of a case; its records are borrowed for the call. */
struct subject {
	const char *way, *group; /* the last words of its name */
	const char *message;
	enum report_verdict verdict;
	bool has_left, has_moved, has_connections;
	struct judge_leaving left; /* without the flows' own lines */
	struct judge_membership moved;
	struct report_connections connections;
};

struct impact {
	struct arena arena;
	const char *scenario, *router;
	VEC(struct subject) subjects;
};

/* ---- Taking cases ---- */

/* "name-way-group": the words themselves have no '-'. */
static void take_name(struct subject *s, const char *name, struct arena *arena)
{
	char *all = arena_strdup(arena, name != NULL ? name : ""), *at = strrchr(all, '-');

	s->group = at != NULL ? at + 1 : "";
	if (at != NULL)
		*at = '\0';
	at = strrchr(all, '-');
	s->way = at != NULL ? at + 1 : all;
}

static struct report_connections connections_keep(const struct report_connections *c, struct arena *arena)
{
	struct report_resetter *by = arena_array(arena, c->resetter_count, sizeof(*by));
	struct report_connections ret = *c;

	for (size_t i = 0; i < c->resetter_count; i++)
		by[i] = (struct report_resetter){arena_strdup(arena, c->resetters[i].node), c->resetters[i].count};
	ret.resetters = by;
	return ret;
}

static void take_steps(struct subject *s, const struct report_case *c, struct arena *arena)
{
	for (size_t i = 0; i < c->step_count; i++) {
		const struct report_step *step = &c->steps[i];

		if (step->connections != NULL) {
			s->connections = connections_keep(step->connections, arena);
			s->has_connections = true;
		}
		if (step->finding != NULL && step->finding->leaving.flows > 0) {
			s->left = step->finding->leaving;
			s->has_left = true;
		}
		if (step->finding != NULL && step->finding->membership.flows > 0) {
			s->moved = step->finding->membership;
			s->has_moved = true;
		}
	}
	s->left.gaps = NULL;
}

static void suite_case(struct teller *t, const struct report_case *c)
{
	struct impact *all = t->state;
	const char *message = case_message(c);
	const char *router = c->lab.router.version != NULL ? c->lab.router.version : c->lab.router.daemon;
	struct subject s = {.verdict = c->result.verdict,
			    .message = message != NULL ? arena_strdup(&all->arena, message) : NULL};

	take_name(&s, c->lab.scenario, &all->arena);
	take_steps(&s, c, &all->arena);
	if (all->scenario == NULL && c->lab.file != NULL)
		all->scenario = arena_strdup(&all->arena, c->lab.file);
	if (all->router == NULL && router != NULL)
		all->router = arena_strdup(&all->arena, router);
	VEC_PUSH(&all->subjects, s);
}

static void fini(void *state)
{
	struct impact *all = state;

	arena_clear(&all->arena);
	VEC_FREE(&all->subjects);
}

/* ---- The table ---- */

typedef void cell_fn(const struct subject *s, char *ret, size_t room);

static void cell_fib(const struct subject *s, char *ret, size_t room)
{
	if (s->has_left)
		snprintf(ret, room, "%s", s->left.fib_ns >= 0 ? duration_text(s->left.fib_ns).s : "never");
}

static void cell_hole(const struct subject *s, char *ret, size_t room)
{
	if (s->has_left)
		snprintf(ret, room, "%s", s->left.lost > 0 ? duration_text(s->left.black_hole_longest_ns).s : "none");
}

static void cell_lost(const struct subject *s, char *ret, size_t room)
{
	if (s->has_left)
		snprintf(ret, room, "%.1f %%",
			 s->left.sent > 0 ? 100.0 * (double)s->left.lost / (double)s->left.sent : 0);
}

static void put_share(char *ret, size_t room, uint64_t n, uint64_t of)
{
	snprintf(ret, room, "%.1f %%", of > 0 ? 100.0 * (double)n / (double)of : 0);
}

static void cell_moved(const struct subject *s, char *ret, size_t room)
{
	if (s->has_moved)
		put_share(ret, room, s->moved.moved, s->moved.flows);
}

static void cell_innocent(const struct subject *s, char *ret, size_t room)
{
	if (s->has_moved)
		put_share(ret, room, s->moved.innocent, s->moved.survivors);
}

static void cell_answered(const struct subject *s, char *ret, size_t room)
{
	if (s->has_connections)
		snprintf(ret, room, "%u", s->connections.answered);
}

static void cell_reset(const struct subject *s, char *ret, size_t room)
{
	if (s->has_connections)
		snprintf(ret, room, "%u", s->connections.reset + s->connections.refused);
}

static void cell_hung(const struct subject *s, char *ret, size_t room)
{
	if (s->has_connections)
		snprintf(ret, room, "%u", s->connections.timed_out + s->connections.broken);
}

static bool has_stayed(const struct subject *s)
{
	return s->has_left && s->left.fib_ns < 0;
}

static bool has_lost(const struct subject *s)
{
	return s->has_left && s->left.lost > 0;
}

static bool has_innocent(const struct subject *s)
{
	return s->has_moved && s->moved.innocent > 0;
}

static bool has_reset(const struct subject *s)
{
	return s->has_connections && s->connections.reset + s->connections.refused > 0;
}

static bool has_hung(const struct subject *s)
{
	return s->has_connections && s->connections.timed_out + s->connections.broken > 0;
}

static const struct column {
	const char *above, *label;
	cell_fn *cell;
	bool (*bad)(const struct subject *s); /* worth a second look; NULL: never */
	unsigned int columns;
} columns[] = {
	{"out of", "the FIB", cell_fib, has_stayed, 9},
	{"black", "hole", cell_hole, has_lost, 9},
	{"packets", "lost", cell_lost, has_lost, 8},
	{"flows", "moved", cell_moved, NULL, 8},
	{"of them", "innocent", cell_innocent, has_innocent, 10},
	{"connections:", "kept", cell_answered, NULL, 6},
	{"", "reset", cell_reset, has_reset, 6},
	{"", "hung", cell_hung, has_hung, 6},
};

#define COLUMN_COUNT (sizeof(columns) / sizeof(columns[0]))

static void put_heads(struct page *p, const char *group)
{
	unsigned int at = 2 + WAY_COLUMNS;

	page_line(p);
	page_to(p, 2);
	page_putf(p, PAGE_BOLD, "%s", strcmp(group, "as_set") == 0 ? "group as it is" : group);
	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		page_to(p, at);
		page_put(p, PAGE_DIM, columns[i].above);
		at += columns[i].columns;
	}
	page_line(p);
	at = 2 + WAY_COLUMNS;
	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		page_to(p, at);
		page_put(p, PAGE_DIM, columns[i].label);
		at += columns[i].columns;
	}
	page_line(p);
}

static void put_subject(struct page *p, const struct subject *s)
{
	unsigned int at = 2 + WAY_COLUMNS;

	page_to(p, 2);
	page_cut(p, PAGE_PLAIN, s->way, WAY_COLUMNS - 1);
	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		const struct column *c = &columns[i];
		char cell[64] = "-";

		c->cell(s, cell, sizeof(cell));
		page_to(p, at);
		page_cut(p, c->bad != NULL && c->bad(s) ? PAGE_BAD : PAGE_PLAIN, cell, c->columns - 1);
		at += c->columns;
	}
	page_line(p);
}

static void put_message(struct page *p, const struct subject *s)
{
	page_to(p, 2);
	page_putf(p, PAGE_BOLD, "%s, %s", s->way, s->group);
	page_line(p);
	page_to(p, 4);
	page_wrap(p, PAGE_DIM, s->message);
	page_line(p);
}

static bool is_silent(const struct subject *s)
{
	return has_stayed(s) && has_lost(s);
}

static bool is_own_group(const struct subject *s)
{
	return s->has_left && strcmp(s->group, "as_set") == 0;
}

static bool any(const struct impact *all, bool (*is)(const struct subject *s))
{
	for (size_t i = 0; i < all->subjects.len; i++) {
		if (is(&all->subjects.at[i]))
			return true;
	}
	return false;
}

/* What the words of the table do not tell. */
static void put_limits(struct page *p, const struct impact *all)
{
	if (any(all, is_silent)) {
		page_to(p, 2);
		page_wrap(
			p, PAGE_DIM,
			"never: not within --patience, when the flows were ended; who falls silent without a word is a "
			"next hop until the session's hold time is over, or BFD ends it");
		page_line(p);
	}
	if (any(all, is_own_group)) {
		page_to(p, 2);
		page_wrap(p, PAGE_DIM,
			  "the group is as this router makes it; others (--groups resilient) can be chosen where one "
			  "router stands alone");
		page_line(p);
	}
}

/* The cases of one group follow each other. */
static void table_end(struct teller *t, int64_t wall_ns)
{
	const struct impact *all = t->state;
	struct page p = page_of(&t->style);

	for (size_t i = 0; i < all->subjects.len; i++) {
		const struct subject *s = &all->subjects.at[i];

		if (i == 0 || strcmp(s->group, all->subjects.at[i - 1].group) != 0)
			put_heads(&p, s->group);
		put_subject(&p, s);
	}
	page_line(&p);
	for (size_t i = 0; i < all->subjects.len; i++) {
		const struct subject *s = &all->subjects.at[i];

		if (s->message != NULL && !s->has_left)
			put_message(&p, s);
	}
	put_limits(&p, all);
	page_to(&p, 2);
	page_putf(&p, PAGE_DIM, "%zu lab%s of %s with %s in %s", all->subjects.len, all->subjects.len == 1 ? "" : "s",
		  all->scenario != NULL ? all->scenario : "-", all->router != NULL ? all->router : "-",
		  duration_text(wall_ns).s);
	page_line(&p);
	teller_write(t, &p.text);
	text_fini(&p.text);
}

const struct report_writer report_impact = {
	.state_size = sizeof(struct impact),
	.suite_case = suite_case,
	.suite_end = table_end,
	.fini = fini,
};

/* ---- JSON ---- */

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new_nocheck(object, key, value);
}

static json_t *moved(const struct judge_membership *m)
{
	json_t *o = json_object();

	set(o, "flows", json_integer((json_int_t)m->flows));
	set(o, "moved", json_integer((json_int_t)m->moved));
	set(o, "forced", json_integer((json_int_t)m->forced));
	set(o, "innocent", json_integer((json_int_t)m->innocent));
	set(o, "survivors", json_integer((json_int_t)m->survivors));
	set(o, "lost", json_integer((json_int_t)m->lost));
	set(o, "algorithm", json_text(m->fitting > 0 ? judge_algorithm_name(m->named) : NULL));
	return o;
}

static void json_end(struct teller *t, int64_t wall_ns)
{
	const struct impact *all = t->state;
	json_t *root = json_object(), *ways = json_array();
	struct text text = {0};

	for (size_t i = 0; i < all->subjects.len; i++) {
		const struct subject *s = &all->subjects.at[i];
		json_t *o = json_object();

		set(o, "way", json_text(s->way));
		set(o, "group", json_text(s->group));
		set(o, "verdict", json_text(report_verdict_name(s->verdict)));
		set(o, "message", json_text(s->message));
		set(o, "leaving", s->has_left ? json_leaving(&s->left) : json_null());
		set(o, "moves", s->has_moved ? moved(&s->moved) : json_null());
		set(o, "connections", s->has_connections ? json_connections(&s->connections) : json_null());
		json_array_append_new(ways, o);
	}
	set(root, "schema", json_integer(REPORT_SCHEMA));
	set(root, "scenario", json_text(all->scenario));
	set(root, "router", json_text(all->router));
	set(root, "wall_s", json_number((double)wall_ns / (double)NS_PER_S));
	set(root, "ways", ways);
	json_write(&text, root, true);
	teller_write(t, &text);
	text_fini(&text);
	json_decref(root);
}

const struct report_writer report_impact_json = {
	.state_size = sizeof(struct impact),
	.suite_case = suite_case,
	.suite_end = json_end,
	.fini = fini,
};
