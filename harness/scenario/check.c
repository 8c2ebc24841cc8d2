/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plan's objects on a trial cluster: what MetalLB's webhooks or the API server refuse is refused before a lab
 * starts. */
#include "plan_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A number and a colon. Returns what follows, or NULL. */
static const char *number_colon(const char *text, unsigned int *ret)
{
	char *end = NULL;
	unsigned long n = *text >= '0' && *text <= '9' ? strtoul(text, &end, 10) : 0;

	if (end == NULL || *end != ':' || n > UINT32_MAX)
		return NULL;
	*ret = (unsigned int)n;
	return end + 1;
}

/* The place that the sentence begins with, "file:line:column: ". Returns what follows, or NULL. */
static const char *place_in(const char *text, const struct yaml_source *src, struct yaml_mark *ret)
{
	size_t n = strlen(src->path);
	const char *rest = strncmp(text, src->path, n) == 0 && text[n] == ':' ? text + n + 1 : NULL;

	ret->len = 1;
	rest = rest != NULL ? number_colon(rest, &ret->line) : NULL;
	rest = rest != NULL ? number_colon(rest, &ret->column) : NULL;
	return rest != NULL ? rest + strspn(rest, " ") : NULL;
}

/* Where the refusal is, and its words without the place. */
static struct diag *refused_at(struct plan_state *s, const struct errmsg *err, const struct kube_object *objects,
			       size_t n, struct plan_at at)
{
	struct yaml_mark mark = {at.line, at.column, 1};

	for (const struct yaml_source *src = s->sources; src != NULL; src = src->next) {
		const char *rest = place_in(err->text, src, &mark);

		if (rest != NULL)
			return yaml_fault(s->r.diags, src, mark, "%s", rest);
	}
	if (n == 0)
		return yaml_fault(s->r.diags, s->r.src, mark, "%s", err->text);
	mark = (struct yaml_mark){objects[0].origin.line, objects[0].origin.column, 1};
	return yaml_fault(s->r.diags, plan_source(s, objects[0].origin.file), mark, "%s", err->text);
}

static void refused(struct plan_state *s, const struct errmsg *err, const struct kube_object *objects, size_t n,
		    struct plan_at at)
{
	struct diag *d = refused_at(s, err, objects, n, at);

	if (strstr(err->text, "native BGP mode") != NULL && s->plan->lab.metallb == KUBE_METALLB_NATIVE)
		diag_hint(&s->r, d, "write workers: {metallb: frr}, MetalLB's FRR mode, which can");
}

static void step_try(struct plan_state *s, struct kube_cluster *c, const struct plan_step *step)
{
	struct errmsg err = {0};
	int result = 0;

	switch (step->kind) {
	case PLAN_STEP_APPLY:
		result = kube_apply_all(c, step->objects, step->object_count, &err);
		break;
	case PLAN_STEP_DELETE:
		result = kube_delete(c, step->delete_kind, step->namespace, step->name, &err);
		break;
	case PLAN_STEP_SCALE:
		result = kube_scale(c, step->namespace, step->name, step->replicas, &err);
		break;
	case PLAN_STEP_EXPECT:
	case PLAN_STEP_HTTP:
	case PLAN_STEP_FLOWS:
	case PLAN_STEP_MALFORMED:
	case PLAN_STEP_SEND:
	case PLAN_STEP_FAIL:
	case PLAN_STEP_RECOVER:
	case PLAN_STEP_RESTART:
	case PLAN_STEP_SESSION:
	case PLAN_STEP_HASH:
	case PLAN_STEP_EXEC:
		break;
	}
	if (result < 0)
		refused(s, &err, step->objects, step->object_count, step->at);
}

static struct kube_cluster *cluster_new(const struct plan_lab *lab)
{
	const struct kube_cluster_conf conf = {.metallb = lab->metallb,
					       .switches = lab->switches.cluster,
					       .pod_net = lab->pod_net,
					       .service_net = lab->service_net};
	struct kube_cluster *c = kube_cluster_new(&conf);
	char name[32];

	if (lab->has_control_plane)
		kube_cluster_node(c, "control-plane", &lab->control_plane, false);
	for (unsigned int i = 0; i < lab->workers; i++) {
		struct addr address = addr_add(&lab->first_worker, i);

		snprintf(name, sizeof(name), "worker%u", i + 1);
		kube_cluster_node(c, name, &address, true);
	}
	return c;
}

void plan_trial(struct plan_state *s)
{
	const struct plan *p = s->plan;
	struct kube_cluster *c = cluster_new(&p->lab);
	struct errmsg err = {0};

	if (kube_apply_all(c, p->manifests, p->manifest_count, &err) < 0)
		refused(s, &err, p->manifests, p->manifest_count, (struct plan_at){p->file, 1, 1});
	for (size_t i = 0; i < p->step_count && s->r.diags->list.len == 0; i++)
		step_try(s, c, &p->steps[i]);
	kube_cluster_free(c);
}
