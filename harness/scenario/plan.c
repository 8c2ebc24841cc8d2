/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A scenario from its file: name, seed, lab, steps, and the trial of its manifests. */
#include "plan_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SCENARIO_FILE "scenario.yaml"

static void field_name(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	const char *text = reader_text(r, v, f->key);

	if (text == NULL)
		return;
	if (*text == '\0' || *text == '.' || *text == '-' || strlen(text) > 63 || text[strspn(text, good)] != '\0')
		diag_hint(r, reader_fault(r, v, "name: \"%s\" is no name for a scenario", text),
			  "letters, digits, '.', '_' and '-', at most 63; it names the run's folder");
	else
		field_text(r, v, f, ret);
}

static void field_about(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	const char *text = reader_text(r, v, f->key);

	if (text != NULL)
		memcpy(ret, &(const char *){text_printable(arena_strdup(r->arena, text))}, sizeof(text));
}

static void field_seed(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct plan *p = ret;

	p->has_seed = true;
	field_u64(r, v, f, &p->seed);
}

/* lab and steps depend on each other's order, not on the file's. */
static void field_in_order(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	(void)r;
	(void)v;
	(void)f;
	(void)ret;
}

static const struct field plan_fields[] = {
	{.key = "name", .read = field_name, .offset = offsetof(struct plan, name)},
	{.key = "about", .read = field_about, .offset = offsetof(struct plan, about)},
	{.key = "seed", .read = field_seed},
	{.key = "virtual", .read = plan_virtual_read},
	{.key = "lab", .read = field_in_order},
	{.key = "steps", .read = field_in_order},
};
static const struct record plan_record = {.what = "a scenario", RECORD_FIELDS(plan_fields)};

static bool is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Path, folder and default name. "scenarios/article/" and its file give the same. */
static void paths_set(struct plan *p, const char *path)
{
	size_t len = strlen(path);
	const char *slash, *base;
	char *real;

	while (len > 1 && path[len - 1] == '/')
		len--;
	if (is_dir(path)) {
		p->dir = arena_strndup(&p->arena, path, len);
		p->file = arena_printf(&p->arena, "%s/%s", p->dir, SCENARIO_FILE);
	} else {
		slash = strrchr(path, '/');
		p->file = arena_strdup(&p->arena, path);
		p->dir =
			slash == NULL ? "." : arena_strndup(&p->arena, path, slash > path ? (size_t)(slash - path) : 1);
	}
	/* the folder's own name, also for "." */
	real = realpath(p->dir, NULL);
	base = real != NULL ? strrchr(real, '/') : NULL;
	p->name = arena_strdup(&p->arena, base != NULL && base[1] != '\0' ? base + 1 : "scenario");
	p->about = "";
	free(real);
}

static const struct yaml_node *top(struct plan_state *s)
{
	struct yaml_docs docs;

	if (yaml_parse(s->r.src, s->r.arena, s->r.diags, &docs) < 0)
		return NULL;
	if (docs.count == 0)
		diags_add(s->r.diags, s->r.src->path, 1, 1, "the file is empty: no scenario in it")->hint =
			"the shortest one is lab: {manifests: [...]}";
	else if (docs.count > 1)
		diag_hint(&s->r, reader_fault(&s->r, docs.at[1], "a second document: a scenario is one"),
			  "leave out the line ---");
	return docs.count == 1 ? docs.at[0] : NULL;
}

static bool is_metallb(const struct kube_object *o)
{
	return o->kind == KUBE_IP_ADDRESS_POOL || o->kind == KUBE_BGP_PEER || o->kind == KUBE_BGP_ADVERTISEMENT ||
	       o->kind == KUBE_COMMUNITY || o->kind == KUBE_BFD_PROFILE || o->kind == KUBE_BGP_EXTRAS;
}

static bool has_legacy(const struct kube_object *objects, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (objects[i].kind == KUBE_LEGACY_CONFIG)
			return true;
	}
	return false;
}

/* Lines of FRR's configuration mean nothing to another speaker. MetalLB's native mode refuses them itself. */
static void extras_check(struct plan_state *s, const struct kube_object *o)
{
	const struct plan_lab *lab = &s->plan->lab;
	bool others = lab->speaker_count == 0;

	for (size_t i = 0; i < lab->speaker_count; i++)
		others = others || lab->speakers[i] != PLAN_FRR;
	if (o->kind == KUBE_BGP_EXTRAS && others && lab->metallb == KUBE_METALLB_FRR)
		diag_hint(&s->r,
			  yaml_fault(s->r.diags, plan_source(s, o->origin.file),
				     (struct yaml_mark){o->origin.line, o->origin.column, 1},
				     "bgpextras is FRR's configuration, which only a real FRR understands"),
			  "write workers: {speaker: frr}");
}

/* MetalLB before 0.13 has no custom resources, and no FRR. */
static void legacy_refuse(struct plan_state *s, const struct kube_object *o)
{
	bool extras = o->kind == KUBE_BGP_EXTRAS;

	diag_hint(
		&s->r,
		yaml_fault(s->r.diags, plan_source(s, o->origin.file),
			   (struct yaml_mark){o->origin.line, o->origin.column, 1}, "MetalLB before 0.13 knows no %s",
			   extras ? "bgpextras" : kube_kind_text(o->kind)),
		extras ? "write workers: {metallb: frr, speaker: frr}, and all of its configuration in custom resources"
		       : "write workers: {metallb: native}, and all of its configuration in this form");
}

/* Later ones read no ConfigMap. */
static void metallb_check(struct plan_state *s, const struct kube_object *objects, size_t n)
{
	bool legacy = s->plan->lab.metallb == KUBE_METALLB_LEGACY;

	for (size_t i = 0; i < n; i++) {
		const struct kube_origin *at = &objects[i].origin;
		struct yaml_mark mark = {at->line, at->column, 1};

		extras_check(s, &objects[i]);
		if (objects[i].kind == KUBE_LEGACY_CONFIG && !legacy)
			diag_hint(&s->r,
				  yaml_fault(s->r.diags, plan_source(s, at->file), mark,
					     "MetalLB 0.13 and later do not read this form of configuration"),
				  "write workers: {metallb: legacy}, or leave metallb out");
		else if (is_metallb(&objects[i]) && legacy)
			legacy_refuse(s, &objects[i]);
	}
}

/* Which MetalLB reads these manifests, where the scenario does not say; and that it can read them all. */
static void metallb_settle(struct plan_state *s)
{
	struct plan *p = s->plan;
	bool legacy = has_legacy(p->manifests, p->manifest_count);

	for (size_t i = 0; i < p->step_count; i++)
		legacy = legacy || has_legacy(p->steps[i].objects, p->steps[i].object_count);
	if (!s->metallb_said && legacy)
		p->lab.metallb = KUBE_METALLB_LEGACY;
	metallb_check(s, p->manifests, p->manifest_count);
	for (size_t i = 0; i < p->step_count; i++)
		metallb_check(s, p->steps[i].objects, p->steps[i].object_count);
}

static void read_all(struct plan_state *s)
{
	const struct yaml_node *map = top(s), *lab, *steps;

	if (map == NULL || !record_read_over(&s->r, map, &plan_record, s->plan))
		return;
	lab = yaml_get(map, "lab");
	steps = yaml_get(map, "steps");
	if (lab == NULL && steps == NULL)
		diag_hint(&s->r, reader_fault(&s->r, map, "a scenario needs \"lab\" or \"steps\""),
			  "the shortest one is lab: {manifests: [...]}");
	plan_lab_read(s, lab);
	plan_steps_read(s, steps, lab != NULL ? lab : map);
	metallb_settle(s);
	plan_virtual_check(s, lab, steps);
	if (s->r.diags->list.len == 0)
		plan_trial(s);
}

static struct plan *read_as(const char *path, bool virtual, struct diags *diags)
{
	struct plan *p = memory_new(sizeof(*p));
	struct plan_state s = {.plan = p, .r = {.arena = &p->arena, .diags = diags}};

	s.r.user = &s;
	plan_virtual_init(&p->virtual, virtual);
	paths_set(p, path);
	s.r.src = yaml_open(p->file, &p->arena, diags);
	if (s.r.src != NULL)
		read_all(&s);
	VEC_FREE(&s.known);
	VEC_FREE(&s.gone);
	VEC_FREE(&s.steps);
	if (s.r.src != NULL && diags->list.len == 0)
		return p;
	plan_free(p);
	return NULL;
}

struct plan *plan_read(const char *path, struct diags *diags)
{
	return read_as(path, false, diags);
}

struct plan *plan_read_virtual(const char *path, struct diags *diags)
{
	return read_as(path, true, diags);
}

void plan_free(struct plan *p)
{
	if (p == NULL)
		return;
	arena_clear(&p->arena);
	free(p);
}

/* By its lines, so that a scenario with a mistake in its YAML is told as one. */
bool plan_is_scenario(const char *path)
{
	const char *base = strrchr(path, '/');
	const struct yaml_source *src;
	struct arena arena = {0};
	struct diags diags = {0};
	bool found = false;

	if (is_dir(path))
		return true;
	if (strcmp(base != NULL ? base + 1 : path, SCENARIO_FILE) == 0)
		return true;
	src = yaml_open(path, &arena, &diags);
	for (const char *line = src != NULL ? src->text : NULL; line != NULL && !found;) {
		found = strncmp(line, "lab:", 4) == 0 || strncmp(line, "steps:", 6) == 0;
		line = strchr(line, '\n');
		line = line != NULL ? line + 1 : NULL;
	}
	diags_fini(&diags);
	arena_clear(&arena);
	return found;
}
