/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The objects that the manifests read so far leave in the cluster: what a step may name. */
#include "plan_int.h"
#include "words.h"

#include <string.h>

#define NAMES_MAX 64

static bool same(const struct kube_object *a, enum kube_kind kind, const char *namespace, const char *name)
{
	return a->kind == kind && kind != KUBE_LEGACY_CONFIG && a->meta.name != NULL && name != NULL &&
	       strcmp(a->meta.name, name) == 0 && (namespace == NULL || strcmp(a->meta.namespace, namespace) == 0);
}

const struct kube_object *plan_known(const struct plan_state *s, enum kube_kind kind, const char *namespace,
				     const char *name)
{
	for (size_t i = s->known.len; i-- > 0;) {
		if (same(s->known.at[i], kind, namespace, name))
			return s->known.at[i];
	}
	return NULL;
}

static void forget(struct plan_state *s, const struct kube_object *o)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->known.len; i++) {
		if (s->known.at[i] != o)
			s->known.at[kept++] = s->known.at[i];
	}
	s->known.len = kept;
}

void plan_known_remove(struct plan_state *s, const struct kube_object *o)
{
	forget(s, o);
	VEC_PUSH(&s->gone, o);
}

void plan_known_add(struct plan_state *s, const struct kube_object *o)
{
	const struct kube_object *before =
		o->kind == KUBE_LEGACY_CONFIG ? NULL : plan_known(s, o->kind, o->meta.namespace, o->meta.name);

	if (before != NULL)
		forget(s, before);
	VEC_PUSH(&s->known, o);
}

static bool in_namespaces(enum kube_kind kind)
{
	return kind == KUBE_SERVICE || kind == KUBE_DEPLOYMENT || kind == KUBE_ENDPOINT_SLICE;
}

static void unknown_object(struct plan_state *s, enum kube_kind kind, const char *namespace, const char *name,
			   const struct yaml_node *v)
{
	const char *names[NAMES_MAX], *near;
	size_t n = 0;
	struct diag *d;

	for (size_t i = 0; i < s->known.len && n < NAMES_MAX; i++) {
		const struct kube_object *o = s->known.at[i];

		if (o->kind == kind && o->meta.name != NULL &&
		    (namespace == NULL || strcmp(o->meta.namespace, namespace) == 0))
			names[n++] = o->meta.name;
	}
	for (size_t i = 0; i < s->gone.len; i++) {
		if (same(s->gone.at[i], kind, namespace, name)) {
			diag_hint(&s->r, reader_fault(&s->r, v, "%s \"%s\" is deleted", kube_kind_text(kind), name),
				  "a step before this one deletes it");
			return;
		}
	}
	d = reader_fault(&s->r, v, "no %s \"%s\" in the manifests up to here", kube_kind_text(kind), name);
	near = words_nearest(name, names, n);
	for (size_t i = 0; i < s->known.len; i++) {
		/* right name, other namespace */
		if (namespace != NULL && same(s->known.at[i], kind, NULL, name)) {
			diag_hint(&s->r, d, "there is one in another namespace: write %s/%s",
				  s->known.at[i]->meta.namespace, name);
			return;
		}
	}
	if (near != NULL)
		diag_hint(&s->r, d, "did you mean \"%s\"?", near);
	else if (n == 0)
		diag_hint(&s->r, d, "no manifest before this step has a %s", kube_kind_text(kind));
	else if (n == 1)
		diag_hint(&s->r, d, "there is only \"%s\"", names[0]);
}

/* "shop/nginx" as namespace and name. */
static const char *name_split(struct plan_state *s, enum kube_kind kind, const char *text, const char **namespace)
{
	const char *slash = strchr(text, '/');

	if (slash != NULL)
		*namespace = arena_strndup(s->r.arena, text, (size_t)(slash - text));
	else if (*namespace == NULL && in_namespaces(kind))
		*namespace = "default";
	return slash != NULL ? slash + 1 : text;
}

const struct kube_object *plan_resolve(struct plan_state *s, enum kube_kind kind, const char *namespace,
				       const struct yaml_node *v, const char *text)
{
	const char *name = name_split(s, kind, text, &namespace);
	const struct kube_object *o = plan_known(s, kind, namespace, name);

	if (o == NULL)
		unknown_object(s, kind, namespace, name, v);
	return o;
}

static bool is_balanced(const struct kube_object *o)
{
	return o->kind == KUBE_SERVICE && o->service.type == KUBE_LOAD_BALANCER && o->meta.name != NULL;
}

static const struct kube_object *only_service(struct plan_state *s, const struct yaml_node *map, bool gone_too)
{
	const struct kube_object *only = NULL;
	size_t n = 0;

	for (size_t i = 0; i < s->known.len; i++) {
		n += is_balanced(s->known.at[i]);
		only = is_balanced(s->known.at[i]) ? s->known.at[i] : only;
	}
	for (size_t i = 0; gone_too && n == 0 && i < s->gone.len; i++)
		only = is_balanced(s->gone.at[i]) ? s->gone.at[i] : only;
	if (n <= 1 && only != NULL)
		return only;
	diag_hint(&s->r, reader_fault(&s->r, map, "which Service? \"service\" is missing"),
		  n == 0 ? "no manifest before this step has a Service of type LoadBalancer"
			 : "it can be left out only where there is one Service of type LoadBalancer");
	return NULL;
}

static const struct kube_object *gone_service(struct plan_state *s, const char *namespace, const char *text)
{
	const char *name = name_split(s, KUBE_SERVICE, text, &namespace);

	for (size_t i = s->gone.len; i-- > 0;) {
		if (same(s->gone.at[i], KUBE_SERVICE, namespace, name))
			return s->gone.at[i];
	}
	return NULL;
}

const struct kube_object *plan_service(struct plan_state *s, const struct yaml_node *map, bool gone_too)
{
	const struct yaml_node *name = yaml_get(map, "service"), *in = yaml_get(map, "namespace");
	const struct kube_object *o = NULL;
	const char *text, *namespace;

	if (name == NULL)
		return only_service(s, map, gone_too);
	text = reader_text(&s->r, name, "service");
	if (text == NULL || (in != NULL && in->kind != YAML_TEXT))
		return NULL;
	namespace = in != NULL ? in->text : NULL;
	if (gone_too)
		o = gone_service(s, namespace, text);
	return o != NULL ? o : plan_resolve(s, KUBE_SERVICE, namespace, name, text);
}
