/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kube_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

uint8_t kube_cluster_family(const struct kube_cluster *c)
{
	return c->conf.pod_net.addr.family == ADDR_V6 ? ADDR_V6 : ADDR_V4;
}

struct kube_cluster *kube_cluster_new(const struct kube_cluster_conf *conf)
{
	struct kube_cluster *c = memory_new(sizeof(*c));

	c->conf = *conf;
	c->rng.state = conf->seed;
	return c;
}

void kube_cluster_free(struct kube_cluster *c)
{
	if (c == NULL)
		return;
	kube_config_free(c->config);
	for (size_t i = 0; i < c->nodes.len; i++)
		VEC_FREE(&c->nodes.at[i].sessions);
	VEC_FREE(&c->nodes);
	VEC_FREE(&c->objects);
	VEC_FREE(&c->pods);
	VEC_FREE(&c->services);
	VEC_FREE(&c->pods_out);
	VEC_FREE(&c->services_out);
	VEC_FREE(&c->announcements_out);
	VEC_FREE(&c->warnings_out);
	VEC_FREE(&c->rules_out);
	arena_clear(&c->announcements_text);
	arena_clear(&c->warnings_text);
	arena_clear(&c->arena);
	free(c);
}

/* ---- Nodes ---- */

/* A manifest's labels are added to those that kubelet sets, and kubeadm on a control plane. */
static void node_labels(struct kube_cluster *c, struct node_state *n)
{
	static const struct kube_labels none = {0};
	const struct kube_label usual[] = {
		{"kubernetes.io/hostname", n->name},
		{"kubernetes.io/os", "linux"},
		{"node-role.kubernetes.io/control-plane", ""},
		{KUBE_EXCLUDE_LABEL, ""},
	};
	const size_t usual_count = n->worker ? 2 : 4;
	const struct kube_labels *written = n->manifest != NULL ? &n->manifest->meta.labels : &none;
	struct kube_label *labels = arena_array(&c->arena, written->len + usual_count, sizeof(*labels));

	if (written->len > 0)
		memcpy(labels, written->at, written->len * sizeof(*labels));
	n->labels = (struct kube_labels){.at = labels, .len = written->len};
	for (size_t i = 0; i < usual_count; i++) {
		if (kube_label_get(&n->labels, usual[i].key) == NULL)
			labels[n->labels.len++] = usual[i];
	}
}

void kube_cluster_node(struct kube_cluster *c, const char *name, const struct addr *address, bool worker)
{
	VEC_PUSH(&c->nodes,
		 (struct node_state){.name = arena_strdup(&c->arena, name), .address = *address, .worker = worker});
	node_labels(c, &c->nodes.at[c->nodes.len - 1]);
	kube_sessions_follow(c);
}

void kube_cluster_leave(struct kube_cluster *c, const char *node, enum kube_leave how)
{
	for (size_t i = 0; i < c->nodes.len; i++) {
		if (strcmp(c->nodes.at[i].name, node) == 0)
			c->nodes.at[i].leave = how;
	}
	kube_pods_follow(c);
}

static void nodes_follow(struct kube_cluster *c)
{
	for (size_t i = 0; i < c->nodes.len; i++) {
		struct node_state *n = &c->nodes.at[i];
		const struct kube_object *o = kube_object_find(&c->objects, KUBE_NODE, NULL, n->name);
		const struct kube_node *manifest = o != NULL ? &o->node : NULL;

		if (manifest == n->manifest)
			continue;
		n->manifest = manifest;
		node_labels(c, n);
	}
}

/* ---- Objects ---- */

/* Nodes and namespaces belong to no namespace; there is one legacy configuration. */
static bool is_named(const struct kube_object *o, enum kube_kind kind, const char *namespace, const char *name)
{
	if (o->kind != kind || kind == KUBE_LEGACY_CONFIG)
		return o->kind == kind;
	return strcmp(o->meta.name, name) == 0 && (kind == KUBE_NODE || kind == KUBE_NAMESPACE || namespace == NULL ||
						   strcmp(o->meta.namespace, namespace) == 0);
}

const struct kube_object *kube_object_find(const stored_vec *objects, enum kube_kind kind, const char *namespace,
					   const char *name)
{
	for (size_t i = 0; i < objects->len; i++) {
		if (is_named(objects->at[i].object, kind, namespace, name))
			return objects->at[i].object;
	}
	return NULL;
}

static void store(stored_vec *objects, const struct kube_object *o)
{
	struct stored added = {.object = o, .replicas = o->kind == KUBE_DEPLOYMENT ? o->deployment.replicas : 0};

	for (size_t i = 0; i < objects->len; i++) {
		const char *namespace = o->kind == KUBE_LEGACY_CONFIG ? NULL : o->meta.namespace;
		const char *name = o->kind == KUBE_LEGACY_CONFIG ? NULL : o->meta.name;

		if (is_named(objects->at[i].object, o->kind, namespace, name)) {
			objects->at[i] = added;
			return;
		}
	}
	VEC_PUSH(objects, added);
}

static void settle(struct kube_cluster *c)
{
	nodes_follow(c);
	kube_sessions_follow(c);
	kube_services_follow(c);
	kube_services_allocate(c);
	kube_pods_follow(c);
}

/* Takes the new set of objects when its MetalLB configuration is good; else all stays as it was. */
static int take(struct kube_cluster *c, stored_vec *objects, struct errmsg *err)
{
	int r = kube_services_check(objects, err);
	struct config *config = r == 0 ? kube_config_new(c, objects, err) : NULL;

	if (config == NULL || kube_addresses_check(c, config, objects, err) < 0) {
		kube_config_free(config);
		VEC_FREE(objects);
		return -EINVAL;
	}
	kube_config_free(c->config);
	c->config = config;
	VEC_FREE(&c->objects);
	c->objects = *objects;
	settle(c);
	return 0;
}

static stored_vec copy_of(const stored_vec *from)
{
	stored_vec copy = {0};

	for (size_t i = 0; i < from->len; i++)
		VEC_PUSH(&copy, from->at[i]);
	return copy;
}

int kube_apply_all(struct kube_cluster *c, const struct kube_object *objects, size_t n, struct errmsg *err)
{
	stored_vec next = copy_of(&c->objects);

	for (size_t i = 0; i < n; i++) {
		if (objects[i].kind == KUBE_NODE && kube_node_find(c, objects[i].meta.name) == NULL) {
			VEC_FREE(&next);
			return kube_config_refuse(err, &objects[i].origin, "the lab has no node %s",
						  objects[i].meta.name);
		}
		store(&next, &objects[i]);
	}
	return take(c, &next, err);
}

int kube_apply(struct kube_cluster *c, const struct kube_object *object, struct errmsg *err)
{
	return kube_apply_all(c, object, 1, err);
}

int kube_delete(struct kube_cluster *c, enum kube_kind kind, const char *namespace, const char *name,
		struct errmsg *err)
{
	stored_vec next = {0};

	for (size_t i = 0; i < c->objects.len; i++) {
		if (!is_named(c->objects.at[i].object, kind, namespace != NULL ? namespace : "default", name))
			VEC_PUSH(&next, c->objects.at[i]);
	}
	if (next.len == c->objects.len) {
		VEC_FREE(&next);
		return errmsg_say(err, -ENOENT, "there is no %s %s", kube_kind_text(kind), name);
	}
	return take(c, &next, err);
}

int kube_scale(struct kube_cluster *c, const char *namespace, const char *deployment, uint32_t replicas,
	       struct errmsg *err)
{
	for (size_t i = 0; i < c->objects.len; i++) {
		if (is_named(c->objects.at[i].object, KUBE_DEPLOYMENT, namespace != NULL ? namespace : "default",
			     deployment)) {
			c->objects.at[i].replicas = replicas;
			settle(c);
			return 0;
		}
	}
	return errmsg_say(err, -ENOENT, "there is no Deployment %s", deployment);
}
