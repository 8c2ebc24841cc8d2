/* SPDX-License-Identifier: GPL-2.0-or-later */
/* steps: one key each. A step names what is in the cluster when its turn comes, so they are read in order. */
#include "plan_int.h"

#include <string.h>

#define REPLICAS_MAX 1000
#define HTTP_REQUESTS_MAX 100000
#define HTTP_PARALLEL_MAX 1024
#define FLOWS_MAX 1000000

/* ---- apply, delete, scale ---- */

static void step_apply(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct plan_step *step = ret;

	step->kind = PLAN_STEP_APPLY;
	plan_objects(plan_state(r), v, f->key, &step->objects, &step->object_count);
}

/* The kinds that can be deleted, by the names kubectl knows. */
static const struct {
	const char *word;
	enum kube_kind kind;
} delete_kinds[] = {
	{"service", KUBE_SERVICE},
	{"svc", KUBE_SERVICE},
	{"deployment", KUBE_DEPLOYMENT},
	{"deploy", KUBE_DEPLOYMENT},
	{"endpointslice", KUBE_ENDPOINT_SLICE},
	{"ipaddresspool", KUBE_IP_ADDRESS_POOL},
	{"bgppeer", KUBE_BGP_PEER},
	{"bgpadvertisement", KUBE_BGP_ADVERTISEMENT},
	{"community", KUBE_COMMUNITY},
	{"bfdprofile", KUBE_BFD_PROFILE},
	{"configmap", KUBE_BGP_EXTRAS},
};

#define DELETE_KIND_COUNT (sizeof(delete_kinds) / sizeof(delete_kinds[0]))

static void delete_resolve(struct plan_state *s, const struct yaml_node *at, enum kube_kind kind, const char *namespace,
			   const char *name, struct plan_step *step)
{
	const struct kube_object *o = plan_resolve(s, kind, namespace, at, name);

	if (o == NULL)
		return;
	step->delete_kind = kind;
	step->namespace = o->meta.namespace;
	step->name = o->meta.name;
	plan_known_remove(s, o);
}

static void delete_one(struct plan_state *s, const struct yaml_node *at, const char *kind, const char *namespace,
		       const struct yaml_node *name_at, const char *name, struct plan_step *step)
{
	const char *known[DELETE_KIND_COUNT];
	struct yaml_node word = *at;

	for (size_t i = 0; i < DELETE_KIND_COUNT; i++) {
		known[i] = delete_kinds[i].word;
		if (strcmp(kind, known[i]) == 0) {
			delete_resolve(s, name_at, delete_kinds[i].kind, namespace, name, step);
			return;
		}
	}
	word.text = kind;
	reader_unknown_word(&s->r, &word, "can't delete a", known, DELETE_KIND_COUNT);
}

/* delete: service/nginx, or delete: {service: nginx, namespace: shop} */
static void step_delete(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	const struct yaml_node *namespace = yaml_get(v, "namespace");
	struct plan_step *step = ret;
	const char *slash = v->kind == YAML_TEXT ? strchr(v->text, '/') : NULL;

	step->kind = PLAN_STEP_DELETE;
	if (slash != NULL) {
		delete_one(plan_state(r), v, arena_strndup(r->arena, v->text, (size_t)(slash - v->text)), NULL, v,
			   slash + 1, step);
		return;
	}
	if (v->kind != YAML_MAP || v->count != (namespace != NULL ? 2U : 1U)) {
		diag_hint(r, reader_fault(r, v, "%s: expected one object", f->key), "write %s: service/nginx", f->key);
		return;
	}
	if (namespace != NULL && namespace->kind != YAML_TEXT) {
		reader_wrong_type(r, namespace, "namespace", "text");
		return;
	}
	for (size_t i = 0; i < v->count; i++) {
		const struct yaml_node *name = v->pairs[i].value;

		if (name == namespace)
			continue;
		if (name->kind != YAML_TEXT)
			reader_wrong_type(r, name, v->pairs[i].key->text, "a name");
		else
			delete_one(plan_state(r), v->pairs[i].key, v->pairs[i].key->text,
				   namespace != NULL ? namespace->text : NULL, name, name->text, step);
	}
}

static const struct field scale_fields[] = {
	{.key = "deployment", .read = field_text, .offset = offsetof(struct plan_step, name), .required = true},
	{.key = "namespace", .read = field_text, .offset = offsetof(struct plan_step, namespace)},
	{.key = "replicas",
	 .read = field_u32,
	 .offset = offsetof(struct plan_step, replicas),
	 .max = REPLICAS_MAX,
	 .required = true},
};
static const struct record scale_record = {.what = "scale", RECORD_FIELDS(scale_fields)};

static void step_scale(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct plan_step *step = ret;
	const struct kube_object *o;

	(void)f;
	step->kind = PLAN_STEP_SCALE;
	if (!record_read_over(r, v, &scale_record, step) || step->name == NULL)
		return;
	o = plan_resolve(plan_state(r), KUBE_DEPLOYMENT, step->namespace, yaml_get(v, "deployment"), step->name);
	if (o == NULL)
		return;
	step->name = o->meta.name;
	step->namespace = o->meta.namespace;
}

/* ---- http, flows ---- */

static void field_client(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	(void)f;
	plan_client(plan_state(r), v, ret);
}

#define VARY_PORTS 3U

#define IN_TRAFFIC(member) offsetof(struct plan_traffic, member)
#define TRAFFIC_ROWS                                                                                                   \
	{.key = "service", .read = field_text, .offset = IN_TRAFFIC(service)},                                         \
		{.key = "namespace", .read = field_text, .offset = IN_TRAFFIC(namespace)},                             \
		{.key = "port", .read = field_u16, .offset = IN_TRAFFIC(port), .min = 1},                              \
	{                                                                                                              \
		.key = "client", .read = field_client, .offset = IN_TRAFFIC(client)                                    \
	}

/* The service is written as the object has it: without a namespace before its name. */
static void traffic_service(struct reader *r, const struct yaml_node *map, struct plan_traffic *t)
{
	const struct kube_object *o = plan_service(plan_state(r), map, false);
	const struct yaml_node *port = yaml_get(map, "port");

	if (o == NULL)
		return;
	t->service = o->meta.name;
	t->namespace = o->meta.namespace;
	for (size_t i = 0; port != NULL && i < o->service.port_count; i++) {
		if (o->service.ports[i].port == t->port)
			return;
	}
	if (port != NULL && port->kind == YAML_TEXT && o->service.port_count > 0)
		diag_hint(r, reader_fault(r, port, "service %s has no port %s", o->meta.name, port->text),
			  "its first one is %u", o->service.ports[0].port);
}

static const struct field http_fields[] = {
	TRAFFIC_ROWS,
	{.key = "requests", .read = field_u32, .offset = IN_TRAFFIC(count), .min = 1, .max = HTTP_REQUESTS_MAX},
	{.key = "parallel", .read = field_u32, .offset = IN_TRAFFIC(parallel), .min = 1, .max = HTTP_PARALLEL_MAX},
	{.key = "hold", .read = field_bool, .offset = IN_TRAFFIC(hold)},
	{.key = "release", .read = field_bool, .offset = IN_TRAFFIC(release)},
};
static const struct record http_record = {.what = "http", RECORD_FIELDS(http_fields)};

static void step_http(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct plan_step *step = ret;

	(void)f;
	step->kind = PLAN_STEP_HTTP;
	step->traffic = (struct plan_traffic){.count = 1, .parallel = 32, .protocol = PLAN_FLOWS_TCP, .packets = 1};
	plan_state(r)->http_done = true;
	if (!record_read_over(r, v, &http_record, &step->traffic))
		return;
	traffic_service(r, v, &step->traffic);
	plan_held_check(r, v, &step->traffic);
}

/* count: auto, or how many */
static void field_count(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	uint32_t *count = ret;

	if (v->kind == YAML_TEXT && strcmp(v->text, "auto") == 0)
		*count = 0;
	else
		field_u32(r, v, f, ret);
}

static const struct field flows_fields[] = {
	TRAFFIC_ROWS,
	{.key = "count", .read = field_count, .offset = IN_TRAFFIC(count), .min = 1, .max = FLOWS_MAX},
	{.key = "again", .read = field_bool, .offset = IN_TRAFFIC(again)},
	{.key = "packets", .read = field_u32, .offset = IN_TRAFFIC(packets), .min = 1, .max = 1000},
	{.key = "vary", .read = plan_vary_read, .offset = IN_TRAFFIC(vary), .more = &plan_flow_fields},
	{.key = "protocol", .read = field_word, .offset = IN_TRAFFIC(protocol), .more = &plan_flow_protocols},
	{.key = "fragments", .read = field_bool, .offset = IN_TRAFFIC(fragments)},
	{.key = "background", .read = field_bool, .offset = IN_TRAFFIC(background)},
	{.key = "sizes", .read = plan_sizes_read},
	{.key = "rate", .read = field_u32, .offset = IN_TRAFFIC(rate), .min = 1, .max = 10000000},
	{.key = "burst", .read = field_u32, .offset = IN_TRAFFIC(burst), .min = 1, .max = 1000000},
	{.key = "tuples", .read = plan_tuples_read, .offset = IN_TRAFFIC(tuples)},
};
static const struct record flows_record = {.what = "flows", RECORD_FIELDS(flows_fields)};

/* The flows of the step before, which alone says what they are. */
static void flows_again(struct reader *r, const struct yaml_node *v, const struct plan_traffic *t)
{
	struct plan_state *s = plan_state(r);

	if (!t->again)
		return;
	if (!s->flows_done)
		reader_fault(r, yaml_get_key(v, "again"), "again: no flows step before this one");
	else if (v->count > 1)
		diag_hint(r, reader_fault(r, v, "flows that are sent again are as they were"),
			  "write no more than {again: true}");
	s->again_done = true;
}

static void step_flows(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct plan_step *step = ret;
	struct plan_traffic *t = &step->traffic;

	(void)f;
	step->kind = PLAN_STEP_FLOWS;
	*t = (struct plan_traffic){.count = 1000, .vary = 1, .packets = 1};
	if (!record_read_over(r, v, &flows_record, t))
		return;
	flows_again(r, v, t);
	if (!t->background)
		plan_state(r)->flows_done = true;
	traffic_service(r, v, t);
	plan_flows_check(r, v, t);
	if ((t->vary & ~VARY_PORTS) == 0 && (t->vary & 2U) != 0 && t->port != 0)
		reader_fault(r, yaml_get(v, "port"), "port and vary dst_port contradict each other");
}

/* ---- exec ---- */

static void field_run(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct span span = {0};
	const char **argv;

	if (v->kind == YAML_TEXT) {
		const char *const shell[] = {"/bin/sh", "-c", arena_strdup(r->arena, v->text), NULL};

		argv = arena_memdup(r->arena, shell, sizeof(shell));
		memcpy(ret, &argv, sizeof(argv));
		return;
	}
	field_texts(r, v, f, &span);
	if (v->kind == YAML_LIST && (span.count == 0 || (*(const char *const *)span.at)[0] == '\0')) {
		reader_fault(r, v, "%s: the command is missing", f->key);
		return;
	}
	argv = arena_array(r->arena, span.count + 1, sizeof(*argv));
	if (span.count > 0)
		memcpy(argv, span.at, span.count * sizeof(*argv));
	memcpy(ret, &argv, sizeof(argv));
}

static void field_node(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	static const char *const known[] = {"router", "worker1", "client1", "control-plane"};
	const char *name = reader_text(r, v, f->key);

	if (name == NULL)
		return;
	if (plan_is_node(plan_state(r), name))
		field_text(r, v, f, ret);
	else
		reader_unknown_word(r, v, "the lab has no node", known, sizeof(known) / sizeof(known[0]));
}

static const struct field exec_fields[] = {
	{.key = "on", .read = field_node, .offset = offsetof(struct plan_step, node)},
	{.key = "run", .read = field_run, .offset = offsetof(struct plan_step, argv), .required = true},
	{.key = "exit", .read = field_int, .offset = offsetof(struct plan_step, exit_status), .max = 255},
	{.key = "within", .read = field_time, .offset = offsetof(struct plan_step, within_ns)},
};
static const struct record exec_record = {.what = "exec", RECORD_FIELDS(exec_fields)};

static void step_exec(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct plan_step *step = ret;

	(void)f;
	step->kind = PLAN_STEP_EXEC;
	step->node = "client1";
	step->within_ns = 5 * NS_PER_S;
	record_read_over(r, v, &exec_record, step);
	if (step->within_ns == 0)
		reader_fault(r, yaml_get(v, "within"), "within: must be more than 0");
}

/* ---- The list ---- */

static const struct field step_fields[] = {
	{.key = "apply", .read = step_apply},
	{.key = "delete", .read = step_delete},
	{.key = "scale", .read = step_scale},
	{.key = "expect", .read = plan_expect_read},
	{.key = "never", .read = plan_never_read},
	{.key = "http", .read = step_http},
	{.key = "flows", .read = step_flows},
	{.key = "sweep", .read = plan_sweep_read},
	{.key = "matrix", .read = plan_matrix_read},
	{.key = "exec", .read = step_exec},
	{.key = "fail", .read = plan_fail_read},
	{.key = "recover", .read = plan_recover_read},
	{.key = "hash", .read = plan_hash_step_read},
	{.key = "restart", .read = plan_restart_step_read},
	{.key = "session", .read = plan_session_step_read},
	{.key = "malformed", .read = plan_malformed_read},
	{.key = "send", .read = plan_send_read},
};
static const struct record step_record = {.what = "a step", RECORD_FIELDS(step_fields)};

/* "- http:" with its keys in the column of http itself: the same loss of indentation as in lists. */
static bool step_lost(struct plan_state *s, const struct yaml_node *v)
{
	if (v->kind != YAML_MAP || v->count < 2 || v->pairs[0].value->kind != YAML_NULL)
		return false;
	diag_hint(&s->r,
		  reader_fault(&s->r, v->pairs[1].key,
			       "the indentation was lost: \"%s\" is empty and \"%s\" stands beside it",
			       v->pairs[0].key->text, v->pairs[1].key->text),
		  "indent line %u by two more, and those that belong to %s", v->pairs[1].key->at.line,
		  v->pairs[0].key->text);
	return true;
}

static void step_read(struct plan_state *s, const struct yaml_node *v)
{
	struct plan_step *step = arena_alloc(s->r.arena, sizeof(*step));

	step->at = (struct plan_at){s->r.src->path, v->at.line, v->at.column};
	step->text = v->kind == YAML_MAP && v->count == 1
			     ? arena_printf(s->r.arena, "%s %s", v->pairs[0].key->text, plan_text(s, v->pairs[0].value))
			     : "";
	if (step_lost(s, v))
		return;
	if (v->kind == YAML_MAP && v->count > 1) {
		diag_hint(&s->r, reader_fault(&s->r, v->pairs[1].key, "a step has one key, this is its second"),
			  "begin a new step: - %s: ...", v->pairs[1].key->text);
		return;
	}
	if (v->kind == YAML_MAP && v->count == 0) {
		reader_fault(&s->r, v, "an empty step");
		return;
	}
	if (!record_read_over(&s->r, v, &step_record, step))
		return;
	VEC_PUSH(&s->steps, *step);
	if (step->malformed_count > 0)
		plan_malformed_expect(s, step);
	for (size_t i = 0; i < step->then_count; i++)
		VEC_PUSH(&s->steps, step->then[i]);
}

/* What a scenario without steps does: every Service of type LoadBalancer must answer, or be announced where nobody can ask. */
static char *service_default(struct plan_state *s, const char *text, const struct kube_object *o)
{
	if (!s->plan->virtual.on)
		return arena_printf(s->r.arena,
				    "%s- http: {service: %s/%s, requests: 10}\n"
				    "- expect: {http: {answered: all}}\n",
				    text, o->meta.namespace, o->meta.name);
	if (o->service.external_policy == KUBE_POLICY_LOCAL)
		return arena_strdup(s->r.arena, text); /* who announces depends on where its pods are */
	return arena_printf(s->r.arena, "%s- expect: {service: %s/%s, announced_by: all, within: 10s}\n", text,
			    o->meta.namespace, o->meta.name);
}

static const struct yaml_node *steps_default(struct plan_state *s, const struct yaml_node *at)
{
	char *text = arena_strdup(s->r.arena, "- expect: {sessions: established, within: 10s}\n");
	struct yaml_node *outer = arena_alloc(s->r.arena, sizeof(*outer));
	struct yaml_docs docs;

	for (size_t i = 0; i < s->known.len; i++) {
		const struct kube_object *o = s->known.at[i];

		if (o->kind == KUBE_SERVICE && o->service.type == KUBE_LOAD_BALANCER && o->meta.name != NULL)
			text = service_default(s, text, o);
	}
	*outer = (struct yaml_node){.kind = YAML_TEXT, .at = at->at, .text = text};
	if (yaml_parse_inside(s->r.src, outer, s->r.arena, s->r.diags, &docs) < 0 || docs.count != 1)
		return NULL;
	return docs.at[0];
}

void plan_steps_read(struct plan_state *s, const struct yaml_node *steps, const struct yaml_node *at)
{
	if (steps == NULL)
		steps = steps_default(s, at);
	if (steps == NULL)
		return;
	if (steps->kind != YAML_LIST) {
		reader_wrong_type(&s->r, steps, "steps", "a list");
		return;
	}
	if (steps->count > PLAN_STEPS_MAX) {
		reader_fault(&s->r, steps, "steps: more than %u", PLAN_STEPS_MAX);
		return;
	}
	for (size_t i = 0; i < steps->count; i++)
		step_read(s, steps->items[i]);
	s->plan->steps = arena_memdup(s->r.arena, s->steps.at, s->steps.len * sizeof(*s->steps.at));
	s->plan->step_count = s->steps.len;
}
