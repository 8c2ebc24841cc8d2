/* SPDX-License-Identifier: GPL-2.0-or-later */
/* malformed: cases of the catalogue, one worker each, and what the RFCs expect of the router as an expectation each. */
#include "plan_int.h"

#include <string.h>

/* Two hold times: whoever is silent has been noticed, whoever stays has said so. */
#define WITHIN_DEFAULT_NS ((int64_t)2 * ROGUE_HOLD_S * NS_PER_S)

struct malformed_read {
	const struct yaml_node *cases, *except;
	unsigned int worker;
	int64_t within_ns;
};

typedef VEC(const struct rogue_case *) rogue_list;

static void field_node(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	(void)r;
	(void)f;
	memcpy(ret, &v, sizeof(struct yaml_node *));
}

static void field_first(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	(void)f;
	plan_worker(plan_state(r), v, ret);
}

static const struct field malformed_fields[] = {
	{.key = "case", .read = field_node, .offset = offsetof(struct malformed_read, cases), .required = true},
	{.key = "except", .read = field_node, .offset = offsetof(struct malformed_read, except)},
	{.key = "worker", .read = field_first, .offset = offsetof(struct malformed_read, worker)},
	{.key = "within", .read = field_time, .offset = offsetof(struct malformed_read, within_ns)},
};
static const struct record malformed_record = {.what = "malformed", RECORD_FIELDS(malformed_fields)};

static void unknown_case(struct reader *r, const struct yaml_node *v)
{
	size_t n;
	const struct rogue_case *all = rogue_cases(&n);
	const char **names = arena_array(r->arena, n, sizeof(*names));

	for (size_t i = 0; i < n; i++)
		names[i] = all[i].name;
	reader_unknown_word(r, v, "there is no case", names, n);
}

static bool is_all(const struct yaml_node *v)
{
	return v->kind == YAML_TEXT && strcmp(v->text, "all") == 0;
}

/* A name, a list of names, or all. */
static void cases_read(struct reader *r, const struct yaml_node *v, rogue_list *ret)
{
	struct yaml_node one = {.kind = YAML_LIST, .at = v->at, .items = &v, .count = 1};
	const struct yaml_node *list = v->kind == YAML_LIST ? v : &one;
	size_t n;
	const struct rogue_case *all = rogue_cases(&n);

	for (size_t i = 0; is_all(v) && i < n; i++)
		VEC_PUSH(ret, &all[i]);
	for (size_t i = 0; !is_all(v) && i < list->count; i++) {
		const struct yaml_node *item = list->items[i];
		const struct rogue_case *what = item->kind == YAML_TEXT ? rogue_case_find(item->text) : NULL;

		if (item->kind != YAML_TEXT)
			reader_wrong_type(r, item, "case", "all, the name of a case or a list of names");
		else if (what == NULL)
			unknown_case(r, item);
		else
			VEC_PUSH(ret, what);
	}
}

static void cases_remove(rogue_list *from, const rogue_list *what)
{
	size_t kept = 0;

	for (size_t i = 0; i < from->len; i++) {
		bool removed = false;

		for (size_t k = 0; k < what->len && !removed; k++)
			removed = from->at[i] == what->at[k];
		if (!removed)
			from->at[kept++] = from->at[i];
	}
	from->len = kept;
}

/* A worker that has a session of its own would keep the router from listening to the bytes that matter. */
static bool workers_free(struct reader *r, const struct yaml_node *map)
{
	const struct plan_state *s = plan_state(r);

	for (size_t i = 0; i < s->known.len; i++) {
		if (s->known.at[i]->kind != KUBE_BGP_PEER && s->known.at[i]->kind != KUBE_LEGACY_CONFIG)
			continue;
		diag_hint(r, reader_fault(r, map, "malformed: the workers have speakers of their own"),
			  "leave the BGP peers out of lab.manifests");
		return false;
	}
	return true;
}

static bool workers_enough(struct reader *r, const struct yaml_node *map, unsigned int first, size_t cases)
{
	unsigned int workers = plan_state(r)->plan->lab.workers;

	if (cases <= workers - (first - 1))
		return true;
	diag_hint(r,
		  reader_fault(r, map, "malformed: %zu cases need a worker each, and from worker%u on there are %u",
			       cases, first, workers - (first - 1)),
		  "write lab.workers: {count: %zu}", cases + first - 1);
	return false;
}

static const char *reaction_text(struct arena *arena, const struct rogue_case *what)
{
	const struct rogue_answer *a = &what->answers[0];

	switch (what->reaction) {
	case ROGUE_NOTIFICATION:
		if (a->subcode == ROGUE_ANY_SUBCODE)
			return arena_printf(arena, "NOTIFICATION %u", a->code);
		return arena_printf(arena, "NOTIFICATION %u/%u%s%s", a->code, a->subcode,
				    a->data != NULL ? " data " : "", a->data != NULL ? a->data : "");
	case ROGUE_CLOSES:
		return "the connection ends";
	case ROGUE_STAYS:
		return "the session goes on";
	case ROGUE_WITHDRAWN:
		return "the session goes on without the route";
	case ROGUE_INSTALLED:
		return "the session goes on with the route";
	}
	return "";
}

static struct plan_expect expect_make(struct arena *arena, const struct plan_malformed *m, int64_t within_ns)
{
	const struct rogue_case *what = m->what;
	const char *text = arena_printf(arena, "%s, worker%u sends %s: %s (%s)", what->name, m->worker, what->about,
					reaction_text(arena, what), what->clause);

	return (struct plan_expect){.kind = PLAN_EXPECT_REACTION,
				    .within_ns = within_ns,
				    .who = {PLAN_WHO_LIST, &m->worker, 1},
				    .reaction = what,
				    .text = text};
}

void plan_malformed_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct malformed_read read = {.worker = 1, .within_ns = WITHIN_DEFAULT_NS};
	rogue_list cases = {0}, except = {0};
	struct plan_step *step = ret;
	struct plan_malformed *at;

	(void)f;
	step->kind = PLAN_STEP_MALFORMED;
	if (!record_read_over(r, v, &malformed_record, &read) || read.cases == NULL)
		return;
	cases_read(r, read.cases, &cases);
	if (read.except != NULL)
		cases_read(r, read.except, &except);
	cases_remove(&cases, &except);
	if (cases.len > 0 && workers_free(r, v) && workers_enough(r, v, read.worker, cases.len)) {
		at = arena_array(r->arena, cases.len, sizeof(*at));
		for (size_t i = 0; i < cases.len; i++)
			at[i] = (struct plan_malformed){read.worker + (unsigned int)i, cases.at[i]};
		step->malformed = at;
		step->malformed_count = cases.len;
		step->within_ns = read.within_ns;
	}
	VEC_FREE(&cases);
	VEC_FREE(&except);
}

void plan_malformed_expect(struct plan_state *s, const struct plan_step *step)
{
	for (size_t i = 0; i < step->malformed_count; i++) {
		struct plan_step *expect = VEC_ADD(&s->steps);

		*expect = (struct plan_step){.kind = PLAN_STEP_EXPECT,
					     .at = step->at,
					     .expect = expect_make(s->r.arena, &step->malformed[i], step->within_ns)};
		expect->text = expect->expect.text;
	}
}
