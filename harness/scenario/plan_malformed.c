/* SPDX-License-Identifier: GPL-2.0-or-later */
/* malformed: cases of the catalogue, one worker each, and what the RFCs expect of the router as an expectation each; send:
 * a case of the user's own. */
#include "plan_int.h"

#include <stdlib.h>
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

static bool case_fits(struct reader *r, const struct rogue_case *what)
{
	const struct plan_lab *lab = &plan_state(r)->plan->lab;

	return rogue_fits(what, lab->worker_as, lab->router_as);
}

/* A name, a list of names, or all that are for this lab's ASes. */
static void cases_read(struct reader *r, const struct yaml_node *v, rogue_list *ret)
{
	struct yaml_node one = {.kind = YAML_LIST, .at = v->at, .items = &v, .count = 1};
	const struct yaml_node *list = v->kind == YAML_LIST ? v : &one;
	size_t n;
	const struct rogue_case *all = rogue_cases(&n);

	for (size_t i = 0; is_all(v) && i < n; i++) {
		if (case_fits(r, &all[i]))
			VEC_PUSH(ret, &all[i]);
	}
	for (size_t i = 0; !is_all(v) && i < list->count; i++) {
		const struct yaml_node *item = list->items[i];
		const struct rogue_case *what = item->kind == YAML_TEXT ? rogue_case_find(item->text) : NULL;

		if (item->kind != YAML_TEXT)
			reader_wrong_type(r, item, "case", "all, the name of a case or a list of names");
		else if (what == NULL)
			unknown_case(r, item);
		else if (!case_fits(r, what))
			diag_hint(&plan_state(r)->r,
				  reader_fault(r, item, "%s is for peers %s", what->name,
					       what->peering == ROGUE_INTERNAL ? "within one AS" : "of different ASes"),
				  "the router's AS is lab.router.as, the workers' lab.workers.as");
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
		diag_hint(r, reader_fault(r, map, "the workers have speakers of their own"),
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
		return arena_printf(arena, "NOTIFICATION %u/%u%s%s%s", a->code, a->subcode,
				    a->data != NULL ? " data " : "", a->data != NULL ? a->data : "",
				    !what->unless_extended ? ""
				    : what->cut_short	   ? ", or it has offered RFC 8654 and waits for the rest"
							   : ", or it has offered RFC 8654 and goes on");
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
	const char *text = arena_printf(arena, "%s, worker%u sends %s: %s%s%s%s", what->name, m->worker, what->about,
					reaction_text(arena, what), what->clause != NULL ? " (" : "",
					what->clause != NULL ? what->clause : "", what->clause != NULL ? ")" : "");

	return (struct plan_expect){.kind = PLAN_EXPECT_REACTION,
				    .within_ns = within_ns,
				    .who = {PLAN_WHO_LIST, &m->worker, 1},
				    .reaction = what,
				    .text = text};
}

static bool over_ipv4(struct reader *r, const struct yaml_node *v)
{
	if (plan_state(r)->plan->lab.cluster_net.addr.family == ADDR_V4)
		return true;
	/* The catalogue's routes are of IPv4, whose NEXT_HOP nothing resolves behind an IPv6 session: withdrawn ones would
	 * look like those that stay. */
	reader_fault(r, v, "peers misbehave over IPv4 alone, and this lab's networks are IPv6");
	return false;
}

void plan_malformed_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct malformed_read read = {.worker = 1, .within_ns = WITHIN_DEFAULT_NS};
	rogue_list cases = {0}, except = {0};
	struct plan_step *step = ret;
	struct plan_malformed *at;

	(void)f;
	step->kind = PLAN_STEP_MALFORMED;
	if (!over_ipv4(r, v) || !record_read_over(r, v, &malformed_record, &read) || read.cases == NULL)
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

/* ---- send ---- */

struct send_read {
	struct rogue_case what;
	unsigned int worker;
	int64_t within_ns;
};

static void field_octets(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	/* Addresses differ in their values, not in their lengths. */
	const struct rogue_conf any = {.as = 65000, .prefix = {.addr = {.family = ADDR_V4}, .len = 32}};
	struct errmsg err = {0};
	uint8_t *bytes;
	size_t n;

	if (v->kind != YAML_TEXT) {
		reader_wrong_type(r, v, f->key, "hex digits");
		return;
	}
	bytes = rogue_write(v->text, &any, &n, &err);
	if (bytes == NULL || n == 0)
		diag_hint(r, reader_fault(r, v, "%s: %s", f->key, bytes == NULL ? err.text : "no octets"),
			  "such as \"<02 [] [{origin}{path}{nh}] {nlri}>\", or plain hex");
	else
		field_text(r, v, f, ret);
	free(bytes);
}

/* "3/1", or "3" with any subcode */
static bool notification_read(const char *text, struct rogue_answer *ret)
{
	char *end;
	unsigned long code = strtoul(text, &end, 10), subcode = ROGUE_ANY_SUBCODE;

	if (*end == '/')
		subcode = strtoul(end + 1, &end, 10);
	*ret = (struct rogue_answer){(uint8_t)code, (uint8_t)subcode, NULL};
	return *end == '\0' && code > 0 && code <= UINT8_MAX && subcode <= UINT8_MAX;
}

/* notification 3/1, notification 3, closes, stays, withdrawn, installed */
static void field_reaction(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	static const char notification[] = "notification ";
	static const char *const words[] = {"closes", "stays", "withdrawn", "installed"};
	static const enum rogue_reaction reactions[] = {ROGUE_CLOSES, ROGUE_STAYS, ROGUE_WITHDRAWN, ROGUE_INSTALLED};
	struct rogue_case *what = ret;

	if (v->kind != YAML_TEXT) {
		reader_wrong_type(r, v, f->key, "a reaction");
		return;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(v->text, words[i]) == 0) {
			what->reaction = reactions[i];
			return;
		}
	}
	if (strncmp(v->text, notification, sizeof(notification) - 1) == 0 &&
	    notification_read(v->text + sizeof(notification) - 1, &what->answers[0])) {
		what->reaction = ROGUE_NOTIFICATION;
		return;
	}
	diag_hint(r, reader_fault(r, v, "%s: \"%s\" is no reaction", f->key, v->text),
		  "one of notification CODE/SUBCODE, closes, stays, withdrawn, installed");
}

/* An octet each so much time. */
static void field_pace(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	int64_t ns = 0;

	field_time(r, v, f, &ns);
	if (ns != 0 && (ns % NS_PER_MS != 0 || ns < NS_PER_MS || ns > 60 * NS_PER_S))
		reader_fault(r, v, "%s: whole milliseconds, a minute at most", f->key);
	else
		*(unsigned int *)ret = (unsigned int)(ns / NS_PER_MS);
}

#define IN_CASE(member) (offsetof(struct send_read, what) + offsetof(struct rogue_case, member))

static const char *const stage_words[] = {
	[ROGUE_AS_OPEN] = "as_open", [ROGUE_AS_KEEPALIVE] = "as_keepalive", [ROGUE_ESTABLISHED] = "established"};
static const struct words stages = WORDS(stage_words);
static const char *const then_words[] = {[ROGUE_GOES_ON] = "goes_on",
					 [ROGUE_FALLS_SILENT] = "falls_silent",
					 [ROGUE_SENDS_FIN] = "sends_fin",
					 [ROGUE_SENDS_RST] = "sends_rst",
					 [ROGUE_VANISHES] = "vanishes"};
static const struct words thens = WORDS(then_words);

static const struct field send_fields[] = {
	{.key = "hex", .read = field_octets, .offset = IN_CASE(bytes), .required = true},
	{.key = "expect", .read = field_reaction, .offset = offsetof(struct send_read, what), .required = true},
	{.key = "when", .read = field_word, .offset = IN_CASE(stage), .more = &stages},
	{.key = "then", .read = field_word, .offset = IN_CASE(then), .more = &thens},
	{.key = "times", .read = field_u32, .offset = IN_CASE(times), .min = 1, .max = 100000},
	{.key = "bytewise", .read = field_bool, .offset = IN_CASE(bytewise)},
	{.key = "every", .read = field_pace, .offset = IN_CASE(pace_ms)},
	{.key = "two_octet_as", .read = field_bool, .offset = IN_CASE(old)},
	{.key = "after_route", .read = field_bool, .offset = IN_CASE(prior)},
	{.key = "worker", .read = field_first, .offset = offsetof(struct send_read, worker)},
	{.key = "within", .read = field_time, .offset = offsetof(struct send_read, within_ns)},
};
static const struct record send_record = {.what = "send", RECORD_FIELDS(send_fields)};

void plan_send_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct send_read read = {
		.what = {.name = "send", .stage = ROGUE_ESTABLISHED}, .worker = 1, .within_ns = WITHIN_DEFAULT_NS};
	struct plan_step *step = ret;
	struct plan_malformed one;

	(void)f;
	step->kind = PLAN_STEP_SEND;
	if (!record_read_over(r, v, &send_record, &read) || read.what.bytes == NULL || !workers_free(r, v))
		return;
	read.what.about = read.what.bytes;
	one = (struct plan_malformed){read.worker, arena_memdup(r->arena, &read.what, sizeof(read.what))};
	step->malformed = arena_memdup(r->arena, &one, sizeof(one));
	step->malformed_count = 1;
	step->within_ns = read.within_ns;
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
