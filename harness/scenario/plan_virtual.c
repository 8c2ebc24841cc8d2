/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtual: the same scenario without a kernel below it; and what can't be had so. */
#include "plan_int.h"

#include <string.h>

#define DELAY_NS (100 * NS_PER_US)
#define DELAY_MAX_NS (60 * NS_PER_S)
#define LATE_MAX_PERCENT 100

/* ---- virtual: true, or how its network is ---- */

/* 30% or 30 */
static void field_percent(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct yaml_node bare = *v;
	size_t len = v->kind == YAML_TEXT ? strlen(v->text) : 0;

	if (len > 1 && v->text[len - 1] == '%')
		bare.text = arena_strndup(r->arena, v->text, len - 1);
	field_u32(r, &bare, f, ret);
}

static void field_delay(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	int64_t ns = 0;

	field_time(r, v, f, &ns);
	if (ns > DELAY_MAX_NS)
		reader_fault(r, v, "%s: longer than a minute", f->key);
	else
		memcpy(ret, &ns, sizeof(ns));
}

#define IN_NETWORK(member) offsetof(struct plan_virtual, member)

static const struct field network_fields[] = {
	{.key = "delay", .read = field_delay, .offset = IN_NETWORK(delay_ns)},
	{.key = "spread", .read = field_delay, .offset = IN_NETWORK(spread_ns)},
	{.key = "jitter", .read = field_delay, .offset = IN_NETWORK(jitter_ns)},
	{.key = "cut", .read = field_percent, .offset = IN_NETWORK(cut_percent), .max = LATE_MAX_PERCENT},
	{.key = "late", .read = field_percent, .offset = IN_NETWORK(late_percent), .max = LATE_MAX_PERCENT},
	{.key = "refuse", .read = field_percent, .offset = IN_NETWORK(refuse_percent), .max = LATE_MAX_PERCENT - 1},
	{.key = "breaks", .read = field_time, .offset = IN_NETWORK(breaks_ns)},
};
static const struct record network_record = {.what = "virtual", RECORD_FIELDS(network_fields)};

void plan_virtual_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct plan_virtual *n = &((struct plan *)ret)->virtual;
	bool asked = n->asked;

	if (v->kind == YAML_MAP) {
		n->on = true;
		record_read_over(r, v, &network_record, n);
		if (n->breaks_ns > 0 && n->breaks_ns < NS_PER_S)
			diag_hint(r, reader_fault(r, yaml_get(v, "breaks"), "breaks: more often than once a second"),
				  "it is the mean time between two connections' ends: 1h, 30s");
	} else {
		field_bool(r, v, f, &n->on);
	}
	n->on = n->on || asked;
}

void plan_virtual_init(struct plan_virtual *v, bool asked)
{
	*v = (struct plan_virtual){.on = asked, .asked = asked, .delay_ns = DELAY_NS};
}

/* ---- What needs the kernel ---- */

/* Steps that are played without; whatever else there is needs it. */
static const bool steps_without[] = {
	[PLAN_STEP_APPLY] = true, [PLAN_STEP_DELETE] = true,  [PLAN_STEP_SCALE] = true,	  [PLAN_STEP_EXPECT] = true,
	[PLAN_STEP_FAIL] = true,  [PLAN_STEP_RECOVER] = true, [PLAN_STEP_RESTART] = true, [PLAN_STEP_SESSION] = true};
static const bool expects_without[] = {
	[PLAN_EXPECT_SESSIONS] = true, [PLAN_EXPECT_ANNOUNCED_BY] = true, [PLAN_EXPECT_WITHDRAWN_BY] = true};

bool plan_step_needs_kernel(const struct plan_step *step)
{
	size_t kind = step->kind, what = step->expect.kind;

	if (kind >= sizeof(steps_without) || !steps_without[kind])
		return true;
	return kind == PLAN_STEP_EXPECT && (what >= sizeof(expects_without) || !expects_without[what]);
}

static void refuse(struct plan_state *s, const struct yaml_node *at, const char *key, const char *why)
{
	const struct plan_virtual *v = &s->plan->virtual;

	diag_hint(&s->r, reader_fault(&s->r, at, "%s: %s, which a virtual run does not have", key, why),
		  v->asked ? "run it without --virtual" : "leave out \"virtual\", or this");
}

/* The value under the key, where a message can point. */
static const struct yaml_node *under(const struct yaml_node *map, const char *key)
{
	return map != NULL && map->kind == YAML_MAP ? yaml_get(map, key) : NULL;
}

static void lab_check(struct plan_state *s, const struct yaml_node *lab)
{
	const struct yaml_node *router = under(lab, "router"), *workers = under(lab, "workers");
	const struct plan_lab *plan = &s->plan->lab;
	const struct {
		bool wrong;
		const struct yaml_node *at;
		const char *key, *why;
	} rows[] = {
		{plan->daemon != PLAN_BUILTIN,
		 under(router, "daemon") != NULL ? under(router, "daemon") : under(router, "config"), "router.daemon",
		 "a real daemon needs a kernel"},
		{plan->router_password != NULL, under(router, "password"), "router.password", "TCP-MD5 needs a kernel"},
		{plan->router_session.bfd.on, under(router, "bfd"), "router.bfd", "BFD needs a kernel"},
		{plan->upstream.routers > 0, under(lab, "upstream"), "upstream", "a second tier of routers forwards"},
		{plan->router_session.ttl_security > 0, under(router, "ttl_security"), "router.ttl_security",
		 "GTSM needs a kernel"},
	};
	bool real = false;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].wrong)
			refuse(s, rows[i].at != NULL ? rows[i].at : lab, rows[i].key, rows[i].why);
	}
	for (size_t i = 0; i < plan->speaker_count; i++)
		real = real || plan->speakers[i] != PLAN_BUILTIN;
	if (real)
		refuse(s, under(workers, "speaker"), "workers.speaker", "a real daemon needs a kernel");
}

static const char *peer_needs(const struct kube_bgp_peer *p)
{
	if (p->password != NULL)
		return "password: TCP-MD5 needs";
	return p->bfd_profile != NULL ? "bfdProfile: BFD needs" : NULL;
}

/* What of the object needs a kernel, in words; NULL: nothing. */
static const char *object_needs(const struct kube_object *o)
{
	const char *what = o->kind == KUBE_BGP_PEER ? peer_needs(&o->peer) : NULL;

	for (size_t i = 0; o->kind == KUBE_LEGACY_CONFIG && i < o->legacy.peer_count && what == NULL; i++)
		what = peer_needs(&o->legacy.peers[i]);
	return what;
}

static void objects_check(struct plan_state *s, const struct kube_object *objects, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct kube_origin *at = &objects[i].origin;
		struct yaml_mark mark = {at->line, at->column, 1};
		const char *what = object_needs(&objects[i]);

		if (what != NULL)
			diag_hint(&s->r,
				  yaml_fault(s->r.diags, plan_source(s, at->file), mark,
					     "%s a kernel, which a virtual run does not have", what),
				  "leave it out, or \"virtual\" in the scenario");
	}
}

/* The key that makes an expectation what it is, of the step's map. */
static const struct yaml_node *step_key(const struct yaml_node *step)
{
	static const char *const inner[] = {"next_hops", "http", "spread", "bfd", "moved_flows", "packets", "paths"};
	const struct yaml_node *key = step->kind == YAML_MAP && step->count > 0 ? step->pairs[0].key : step;
	const struct yaml_node *value = step->kind == YAML_MAP && step->count > 0 ? step->pairs[0].value : NULL;

	for (size_t i = 0; value != NULL && value->kind == YAML_MAP && i < sizeof(inner) / sizeof(inner[0]); i++) {
		if (yaml_get_key(value, inner[i]) != NULL && strcmp(key->text, "http") != 0)
			return yaml_get_key(value, inner[i]);
	}
	return key;
}

/* One step of the file may have become several of the plan's, all at its place. */
static void steps_check(struct plan_state *s, const struct yaml_node *steps)
{
	const struct plan *p = s->plan;
	size_t next = 0;

	for (size_t i = 0; steps != NULL && steps->kind == YAML_LIST && i < steps->count; i++) {
		const struct yaml_node *step = steps->items[i];
		bool needs = false;

		for (; next < p->step_count && p->steps[next].at.line == step->at.line &&
		       p->steps[next].at.column == step->at.column;
		     next++)
			needs = needs || plan_step_needs_kernel(&p->steps[next]);
		if (needs)
			refuse(s, step_key(step), step_key(step)->text, "traffic, routes and programs need a kernel");
	}
}

void plan_virtual_check(struct plan_state *s, const struct yaml_node *lab, const struct yaml_node *steps)
{
	const struct plan *p = s->plan;

	if (!p->virtual.on)
		return;
	lab_check(s, lab);
	objects_check(s, p->manifests, p->manifest_count);
	for (size_t i = 0; i < p->step_count; i++)
		objects_check(s, p->steps[i].objects, p->steps[i].object_count);
	/* Asked for by the command line, such steps are skipped. */
	if (!p->virtual.asked)
		steps_check(s, steps);
}
