/* SPDX-License-Identifier: GPL-2.0-or-later */
/* expect: and never: what must hold within a time, or at no time during one. */
#include "plan_int.h"

#include <stdlib.h>
#include <string.h>

#define COMPANIONS_MAX 4
#define TIME_MAX (3600 * NS_PER_S) /* but where time costs nothing */

/* The word that makes a form, what may stand beside it, and whether "never" makes sense of it. */
struct form {
	const char *key;
	enum plan_expect_kind kind;
	const char *beside[COMPANIONS_MAX];
	bool service;
	bool lasting;
};

static const struct form forms[] = {
	{"sessions", PLAN_EXPECT_SESSIONS, {"workers"}, false, true},
	{"announced_by", PLAN_EXPECT_ANNOUNCED_BY, {"service", "namespace"}, true, true},
	{"withdrawn_by", PLAN_EXPECT_WITHDRAWN_BY, {"service", "namespace"}, true, true},
	{"next_hops", PLAN_EXPECT_NEXT_HOPS, {"service", "namespace"}, true, true},
	{"http", PLAN_EXPECT_HTTP, {NULL}, false, false},
	{"bfd", PLAN_EXPECT_BFD, {"workers"}, false, true},
	{"spread", PLAN_EXPECT_SPREAD, {"over", "of", "detect"}, false, false},
	{"stages", PLAN_EXPECT_STAGES, {"detect"}, false, false},
	{"packets", PLAN_EXPECT_PACKETS, {NULL}, false, false},
	{"moved_flows", PLAN_EXPECT_MOVED, {"detect"}, false, false},
	{"paths", PLAN_EXPECT_PREDICTED, {"of"}, false, false},
	{"no_packet_on", PLAN_EXPECT_LEFT, {"since", "lost", "black_hole"}, false, false},
	{"first_packet_on", PLAN_EXPECT_JOINED, {"since", "lost", "black_hole"}, false, false},
	{"connections", PLAN_EXPECT_BROKEN, {NULL}, false, false},
};

#define FORM_COUNT (sizeof(forms) / sizeof(forms[0]))

/* ---- Readers ---- */

static int worker_order(const void *a, const void *b)
{
	unsigned int x = *(const unsigned int *)a, y = *(const unsigned int *)b;

	return x < y ? -1 : x > y;
}

static void who_list(struct reader *r, const struct yaml_node *list, const char *key, struct plan_who *ret)
{
	unsigned int *at = arena_array(r->arena, list->count, sizeof(*at));
	size_t n = 0;

	for (size_t i = 0; i < list->count; i++) {
		bool twice = false;

		if (!plan_worker(plan_state(r), list->items[i], &at[n]))
			continue;
		for (size_t j = 0; j < n && !twice; j++)
			twice = at[j] == at[n];
		if (twice)
			reader_fault(r, list->items[i], "%s: worker%u is here twice", key, at[n]);
		n += !twice;
	}
	qsort(at, n, sizeof(*at), worker_order);
	*ret = (struct plan_who){list->count == 0 ? PLAN_WHO_NONE : PLAN_WHO_LIST, at, n};
}

static void field_who(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct yaml_node one = {.kind = YAML_LIST, .at = v->at, .items = &v, .count = 1};

	if (v->kind == YAML_TEXT && strcmp(v->text, "all") == 0)
		*(struct plan_who *)ret = (struct plan_who){.kind = PLAN_WHO_ALL};
	else if (v->kind == YAML_TEXT && strcmp(v->text, "none") == 0)
		*(struct plan_who *)ret = (struct plan_who){.kind = PLAN_WHO_NONE};
	else if (v->kind == YAML_LIST || v->kind == YAML_TEXT)
		who_list(r, v->kind == YAML_LIST ? v : &one, f->key, ret);
	else
		reader_wrong_type(r, v, f->key, "all, none, a worker or a list of workers");
}

/* next_hops: as field_who, or what each is to weigh */
static void field_hops(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct plan_expect *e = ret;

	if (v->kind == YAML_MAP)
		plan_weights_read(r, v, e);
	else
		field_who(r, v, f, &e->who);
}

static void field_only_word(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	unsigned int word;

	(void)ret;
	field_word(r, v, f, &word);
}

/* Is it the second of two? */
static void field_second_word(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	unsigned int word = 0;

	field_word(r, v, f, &word);
	*(bool *)ret = word == 1;
}

/* answered: all, or how many */
static void field_answered(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct plan_expect *e = ret;

	e->http_all = v->kind == YAML_TEXT && strcmp(v->text, "all") == 0;
	if (!e->http_all)
		field_u32(r, v, f, &e->http_answered);
}

/* 25% or 0.25 */
static void field_detect(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	char *end = NULL;
	double value;

	if (v->kind != YAML_TEXT || v->text[strspn(v->text, "0123456789.%")] != '\0' || *v->text == '%') {
		diag_hint(r, reader_fault(r, v, "%s: expected a share", f->key), "such as 25%%");
		return;
	}
	value = strtod(v->text, &end);
	if (strcmp(end, "%") == 0)
		value /= 100;
	else if (*end != '\0')
		value = 0;
	if (value >= 0.001 && value <= 10)
		memcpy(ret, &value, sizeof(value));
	else
		diag_hint(r, reader_fault(r, v, "%s: %s is no bias from 0.1%% to 1000%%", f->key, v->text),
			  "such as 25%%: the smallest imbalance that the test must not miss");
}

#define IN_EXPECT(member) offsetof(struct plan_expect, member)

static const char *const session_words[] = {"established"};
static const struct words session_states = WORDS(session_words);
static const char *const bfd_words[] = {"up", "down"};
static const struct words bfd_states = WORDS(bfd_words);
static const char *const over_words[] = {"workers"};
static const struct words overs = WORDS(over_words);
static const char *const spread_words[] = {[PLAN_SPREAD_EQUAL] = "equal",
					   [PLAN_SPREAD_PINNED] = "pinned",
					   [PLAN_SPREAD_WEIGHTED] = "weighted",
					   [PLAN_SPREAD_UNEQUAL] = "unequal"};
static const struct words spreads = WORDS(spread_words);
static const char *const path_words[] = {"predicted"};
static const struct words paths = WORDS(path_words);
static const char *const of_words[] = {
	[PLAN_OF_LAST] = "last", [PLAN_OF_FLOWS] = "flows", [PLAN_OF_CONNECTIONS] = "connections"};
static const struct words ofs = WORDS(of_words);
static const char *const source_words[] = {
	[PLAN_SOURCE_ANY] = "any", [PLAN_SOURCE_CLIENT] = "client", [PLAN_SOURCE_NODE] = "node"};
static const struct words sources = WORDS(source_words);

static const struct field http_fields[] = {
	{.key = "answered", .read = field_answered},
	{.key = "status", .read = field_int, .offset = IN_EXPECT(http_status), .min = 100, .max = 599},
	{.key = "source", .read = field_word, .offset = IN_EXPECT(source), .more = &sources},
};
static const struct record http_record = {.what = "http", RECORD_FIELDS(http_fields)};

static const char *const moves_words[] = {[PLAN_MOVES_MINIMAL] = "minimal",
					  [PLAN_MOVES_HASH_THRESHOLD] = "hash_threshold",
					  [PLAN_MOVES_MODULO] = "modulo",
					  [PLAN_MOVES_REHASH] = "rehash"};
static const struct words moves = WORDS(moves_words);
static const struct field moved_fields[] = {
	{.key = "at_most", .read = field_word, .offset = IN_EXPECT(at_most), .more = &moves, .required = true},
};
static const struct record moved_record = {.what = "moved_flows", RECORD_FIELDS(moved_fields)};

static const char *const stages_words[] = {"independent", "polarised"};
static const struct words stages = WORDS(stages_words);

static const struct field packets_fields[] = {
	{.key = "lost", .read = field_u32, .offset = IN_EXPECT(lost), .max = UINT32_MAX},
	{.key = "late", .read = field_u32, .offset = IN_EXPECT(late), .max = UINT32_MAX},
	{.key = "twice", .read = field_u32, .offset = IN_EXPECT(twice), .max = UINT32_MAX},
};
static const struct record packets_record = {.what = "packets", RECORD_FIELDS(packets_fields)};

static const char *const since_words[] = {[PLAN_SINCE_EVENT] = "event",
					  [PLAN_SINCE_WITHDRAW] = "withdraw",
					  [PLAN_SINCE_FIB] = "fib",
					  [PLAN_SINCE_ANNOUNCE] = "announce"};
static const struct words sinces = WORDS(since_words);

static void field_lost_most(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	uint32_t n = UINT32_MAX;

	field_u32(r, v, f, &n);
	*(uint64_t *)ret = n;
}

static const struct field connections_fields[] = {
	{.key = "broken", .read = field_u32, .offset = IN_EXPECT(lost), .max = UINT32_MAX, .required = true},
};
static const struct record connections_record = {.what = "connections", RECORD_FIELDS(connections_fields)};

static const struct field expect_fields[] = {
	{.key = "sessions", .read = field_only_word, .more = &session_states},
	{.key = "workers", .read = field_who, .offset = IN_EXPECT(who)},
	{.key = "service", .read = field_text, .offset = IN_EXPECT(service)},
	{.key = "namespace", .read = field_text, .offset = IN_EXPECT(namespace)},
	{.key = "announced_by", .read = field_who, .offset = IN_EXPECT(who)},
	{.key = "withdrawn_by", .read = field_who, .offset = IN_EXPECT(who)},
	{.key = "next_hops", .read = field_hops},
	{.key = "http", .read = field_record, .more = &http_record},
	{.key = "bfd", .read = field_second_word, .offset = IN_EXPECT(bfd_down), .more = &bfd_states},
	{.key = "spread", .read = field_word, .offset = IN_EXPECT(spread), .more = &spreads},
	{.key = "stages", .read = field_second_word, .offset = IN_EXPECT(polarised), .more = &stages},
	{.key = "packets", .read = field_record, .more = &packets_record},
	{.key = "connections", .read = field_record, .more = &connections_record},
	{.key = "moved_flows", .read = field_record, .more = &moved_record},
	{.key = "paths", .read = field_only_word, .more = &paths},
	{.key = "no_packet_on", .read = field_who, .offset = IN_EXPECT(who)},
	{.key = "first_packet_on", .read = field_who, .offset = IN_EXPECT(who)},
	{.key = "since", .read = field_word, .offset = IN_EXPECT(since), .more = &sinces},
	{.key = "lost", .read = field_lost_most, .offset = IN_EXPECT(lost_most), .max = UINT32_MAX},
	{.key = "black_hole", .read = field_time, .offset = IN_EXPECT(black_hole_ns)},
	{.key = "over", .read = field_only_word, .more = &overs},
	{.key = "of", .read = field_word, .offset = IN_EXPECT(of), .more = &ofs},
	{.key = "detect", .read = field_detect, .offset = IN_EXPECT(detect)},
	{.key = "within", .read = field_time, .offset = IN_EXPECT(within_ns)},
	{.key = "for", .read = field_time, .offset = IN_EXPECT(for_ns)},
};

/* ---- Checks ---- */

/* The one form whose word is there; NULL with a diagnostic for none or two. */
static const struct form *form_of(struct reader *r, const struct yaml_node *v, const char *step)
{
	const struct form *form = NULL;

	for (size_t i = 0; i < FORM_COUNT; i++) {
		const struct yaml_node *key = yaml_get_key(v, forms[i].key);

		if (key != NULL && form != NULL) {
			diag_hint(r, reader_fault(r, key, "\"%s\" and \"%s\" in one step", form->key, forms[i].key),
				  "make it two steps");
			return NULL;
		}
		form = key != NULL ? &forms[i] : form;
	}
	if (form == NULL)
		diag_hint(r, reader_fault(r, v, "%s: nothing to look for", step),
			  "write one of sessions, announced_by, withdrawn_by, next_hops, bfd, http, spread, packets, "
			  "moved_flows, stages, paths, no_packet_on, first_packet_on, connections");
	return form;
}

static bool goes_with(const struct form *form, const char *key)
{
	if (strcmp(key, form->key) == 0 || strcmp(key, "within") == 0 || strcmp(key, "for") == 0)
		return true;
	for (size_t i = 0; i < COMPANIONS_MAX && form->beside[i] != NULL; i++) {
		if (strcmp(key, form->beside[i]) == 0)
			return true;
	}
	return false;
}

static void companions_check(struct reader *r, const struct yaml_node *v, const struct form *form)
{
	for (size_t i = 0; i < v->count; i++) {
		const struct yaml_node *key = v->pairs[i].key;
		bool known = false;

		for (size_t j = 0; j < sizeof(expect_fields) / sizeof(expect_fields[0]); j++)
			known = known || strcmp(expect_fields[j].key, key->text) == 0;
		if (known && !goes_with(form, key->text))
			reader_fault(r, key, "\"%s\" has no meaning beside \"%s\"", key->text, form->key);
	}
}

static void times_check(struct reader *r, const struct yaml_node *v, const struct plan_expect *e)
{
	const struct yaml_node *within = yaml_get_key(v, "within"), *duration = yaml_get_key(v, "for");
	const struct {
		const char *key;
		const int64_t *ns;
	} times[] = {{"within", &e->within_ns}, {"for", &e->for_ns}};

	if (e->never && within != NULL)
		diag_hint(r, reader_fault(r, within, "\"within\" has no meaning in never"),
			  "write for: how long it must not happen");
	else if (e->never && duration == NULL)
		diag_hint(r, reader_fault(r, v, "never needs \"for\""), "such as for: 2s, how long it must not happen");
	else if (!e->never && duration != NULL)
		diag_hint(r, reader_fault(r, duration, "\"for\" belongs to never"), "here it is within: %s",
			  yaml_get(v, "for")->kind == YAML_TEXT ? yaml_get(v, "for")->text : "3s");
	else if (e->never && e->for_ns == 0)
		reader_fault(r, yaml_get(v, "for"), "for: must be more than 0");
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]) && !plan_state(r)->plan->virtual.on; i++) {
		if (*times[i].ns > TIME_MAX)
			reader_fault(r, yaml_get(v, times[i].key), "%s: longer than an hour", times[i].key);
	}
}

static void order_check(struct reader *r, const struct yaml_node *v, const struct form *form,
			const struct plan_expect *e)
{
	const struct plan_state *s = plan_state(r);
	const struct yaml_node *key = yaml_get_key(v, form->key);
	bool spread = form->kind == PLAN_EXPECT_SPREAD || form->kind == PLAN_EXPECT_PREDICTED;

	if ((form->kind == PLAN_EXPECT_HTTP || form->kind == PLAN_EXPECT_BROKEN) && !s->http_done)
		diag_hint(r, reader_fault(r, key, "no http step before this one"), "begin with - http: {service: ...}");
	if (form->kind == PLAN_EXPECT_PACKETS && !s->flows_done)
		diag_hint(r, reader_fault(r, key, "no flows step before this one"),
			  "begin with - flows: {service: ..., packets: 3}");
	if (form->kind == PLAN_EXPECT_LEFT || form->kind == PLAN_EXPECT_JOINED)
		plan_left_check(r, v, e);
	if (form->kind == PLAN_EXPECT_STAGES && s->plan->lab.upstream.routers > 0) {
		if (!s->flows_done)
			diag_hint(r, reader_fault(r, key, "no flows step before this one"),
				  "begin with - flows: {service: ...}");
	} else if ((form->kind == PLAN_EXPECT_MOVED || form->kind == PLAN_EXPECT_STAGES) && !s->again_done)
		diag_hint(r, reader_fault(r, key, "no flows were sent again before this one"),
			  "begin with - flows: {again: true}, after the change and a flows step before it");
	if (spread && e->of == PLAN_OF_LAST && !s->http_done && !s->flows_done)
		diag_hint(r, reader_fault(r, key, "no flows or http step before this one"),
			  "begin with - flows: {service: ...}");
	if (spread && e->of == PLAN_OF_FLOWS && !s->flows_done)
		reader_fault(r, yaml_get(v, "of"), "of: no flows step before this one");
	if (spread && e->of == PLAN_OF_CONNECTIONS && !s->http_done)
		reader_fault(r, yaml_get(v, "of"), "of: no http step before this one");
	if (form->kind == PLAN_EXPECT_BFD && !e->never && !e->bfd_down && !s->plan->lab.router_session.bfd.on &&
	    s->plan->lab.router_config == NULL)
		diag_hint(r, reader_fault(r, key, "the router speaks no BFD"), "write router: {bfd: true}");
	if (form->kind == PLAN_EXPECT_WITHDRAWN_BY && e->who.kind == PLAN_WHO_NONE)
		diag_hint(r, reader_fault(r, key, "withdrawn_by none holds always"),
			  "to say that nobody withdraws: never: {service: ..., withdrawn_by: all, for: 2s}");
}

/* Reads the body shared by expect and never. */
static void body_read(struct reader *r, const struct yaml_node *v, const char *step, struct plan_expect *e)
{
	const struct record record = {.what = step, RECORD_FIELDS(expect_fields)};
	const struct kube_object *o;
	const struct form *form;
	bool gone_too;

	if (!record_read_over(r, v, &record, e))
		return;
	form = form_of(r, v, step);
	if (form == NULL)
		return;
	e->kind = form->kind;
	if (e->kind == PLAN_EXPECT_MOVED && yaml_get_key(v, "detect") == NULL)
		e->detect = 0.01;
	if (e->kind == PLAN_EXPECT_STAGES && yaml_get_key(v, "detect") == NULL)
		e->detect = 0.1;
	companions_check(r, v, form);
	if (e->never && !form->lasting) {
		diag_hint(r, reader_fault(r, yaml_get_key(v, form->key), "never has no meaning with \"%s\"", form->key),
			  "it is judged once, after the traffic: use expect");
		return;
	}
	times_check(r, v, e);
	order_check(r, v, form, e);
	/* of a deleted Service it can be expected that it left, not that it is there */
	gone_too = e->never || form->kind == PLAN_EXPECT_WITHDRAWN_BY || e->who.kind == PLAN_WHO_NONE;
	if (form->service) {
		o = plan_service(plan_state(r), v, gone_too);
		e->service = o != NULL ? o->meta.name : NULL;
		e->namespace = o != NULL ? o->meta.namespace : "default";
	}
}

static void expect_step(struct reader *r, const struct yaml_node *v, bool never, struct plan_step *step)
{
	const char *text = plan_text(plan_state(r), v);

	step->kind = PLAN_STEP_EXPECT;
	step->expect = (struct plan_expect){.never = never,
					    .within_ns = 3 * NS_PER_S,
					    .for_ns = never ? -1 : 0,
					    .namespace = "default",
					    .http_all = true,
					    .http_status = 200,
					    .detect = 0.25,
					    .lost_most = UINT64_MAX,
					    .black_hole_ns = -1,
					    .text = never ? arena_printf(r->arena, "never %s", text) : text};
	body_read(r, v, never ? "never" : "expect", &step->expect);
}

void plan_expect_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	(void)f;
	expect_step(r, v, false, ret);
}

void plan_never_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	(void)f;
	expect_step(r, v, true, ret);
}
