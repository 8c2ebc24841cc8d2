/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Deployments -> pods: what deployment controller, scheduler and kubelet's address plan do. */
#include "kube_int.h"

#include <string.h>

/* Kubernetes leaves out what could spell words. */
static const char alphabet[] = "bcdfghjklmnpqrstvwxz2456789";

const struct node_state *kube_node_find(const struct kube_cluster *c, const char *name)
{
	for (size_t i = 0; i < c->nodes.len; i++) {
		if (strcmp(c->nodes.at[i].name, name) == 0)
			return &c->nodes.at[i];
	}
	return NULL;
}

static void suffix(struct rng *rng, char *ret, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ret[i] = alphabet[rng_below(rng, sizeof(alphabet) - 1)];
	ret[n] = '\0';
}

/* The hash of the pod template: one for each Deployment of a cluster. */
static void template_hash(const struct kube_cluster *c, const struct kube_deployment *d, char ret[static 11])
{
	struct rng rng = {c->conf.seed};

	for (const char *p = d->meta.name; *p != '\0'; p++)
		rng.state = rng_next(&rng) ^ (uint64_t)(unsigned char)*p;
	suffix(&rng, ret, 10);
}

static bool owned(const struct pod_state *p, const struct kube_deployment *d)
{
	return strcmp(p->deployment, d->meta.name) == 0 && strcmp(p->pod.namespace, d->meta.namespace) == 0;
}

static size_t owned_count(const struct kube_cluster *c, const struct kube_deployment *d, const char *node)
{
	size_t n = 0;

	for (size_t i = 0; i < c->pods.len; i++) {
		const struct pod_state *p = &c->pods.at[i];

		n += (d == NULL || owned(p, d)) && (node == NULL || strcmp(p->pod.node, node) == 0);
	}
	return n;
}

/* The worker with the fewest pods of this Deployment, then with the fewest at all, then the first. */
static const struct node_state *schedule(const struct kube_cluster *c, const struct kube_deployment *d)
{
	const struct node_state *best = NULL;
	size_t best_own = 0, best_all = 0;

	for (size_t i = 0; i < c->nodes.len; i++) {
		const struct node_state *n = &c->nodes.at[i];
		size_t own = owned_count(c, d, n->name), all = owned_count(c, NULL, n->name);

		if (!n->worker || (n->manifest != NULL && n->manifest->unschedulable) ||
		    !kube_labels_include(&n->labels, &d->node_selector))
			continue;
		if (best == NULL || own < best_own || (own == best_own && all < best_all)) {
			best = n;
			best_own = own;
			best_all = all;
		}
	}
	return best;
}

struct prefix kube_node_pod_net(const struct kube_cluster *c, const char *node)
{
	size_t i = 0;
	struct addr base;

	while (i < c->nodes.len && strcmp(c->nodes.at[i].name, node) != 0)
		i++;
	base = addr_add(&c->conf.pod_net.addr, (uint64_t)i << 8);
	return prefix_make(&base, 24);
}

/* The lowest free address of the node's net; .0 is the net, .1 the node's own end. */
static struct addr pod_address(const struct kube_cluster *c, const char *node)
{
	struct prefix net = kube_node_pod_net(c, node);
	struct addr a = addr_add(&net.addr, 2);

	for (size_t i = 0; i < c->pods.len;) {
		if (addr_equal(&c->pods.at[i].pod.address, &a)) {
			a = addr_add(&a, 1);
			i = 0;
		} else {
			i++;
		}
	}
	return a;
}

static uint16_t container_port(const struct kube_deployment *d, const char *name)
{
	for (size_t i = 0; i < d->port_count; i++) {
		if (d->ports[i].name != NULL && strcmp(d->ports[i].name, name) == 0)
			return d->ports[i].port;
	}
	return 0;
}

/* Where the pod's server listens: what a Service sends to it, else what it declares, else HTTP's. */
static uint16_t pod_port(const struct kube_cluster *c, const struct kube_deployment *d)
{
	for (size_t i = 0; i < c->objects.len; i++) {
		const struct kube_object *o = c->objects.at[i].object;
		const struct kube_service *s = &o->service;

		if (o->kind != KUBE_SERVICE || s->selector.len == 0 || s->port_count == 0 ||
		    strcmp(s->meta.namespace, d->meta.namespace) != 0 ||
		    !kube_labels_include(&d->pod_labels, &s->selector))
			continue;
		if (s->ports[0].target_name != NULL)
			return container_port(d, s->ports[0].target_name);
		return s->ports[0].target_port;
	}
	return d->port_count > 0 ? d->ports[0].port : 80;
}

static bool pod_start(struct kube_cluster *c, const struct kube_deployment *d)
{
	const struct node_state *node = schedule(c, d);
	char hash[11], own[6];

	if (node == NULL)
		return false;
	template_hash(c, d, hash);
	suffix(&c->rng, own, 5);
	VEC_PUSH(&c->pods,
		 (struct pod_state){.pod = {.name = arena_printf(&c->arena, "%s-%s-%s", d->meta.name, hash, own),
					    .namespace = d->meta.namespace,
					    .node = node->name,
					    .address = pod_address(c, node->name),
					    .port = pod_port(c, d),
					    .uid = ++c->next_uid},
				    .deployment = d->meta.name,
				    .labels = d->pod_labels});
	return true;
}

static void pod_remove(struct kube_cluster *c, size_t i)
{
	for (; i + 1 < c->pods.len; i++)
		c->pods.at[i] = c->pods.at[i + 1];
	c->pods.len--;
}

static void pod_stop_newest(struct kube_cluster *c, const struct kube_deployment *d)
{
	for (size_t i = c->pods.len; i-- > 0;) {
		if (owned(&c->pods.at[i], d)) {
			pod_remove(c, i);
			return;
		}
	}
}

static bool orphan(const struct kube_cluster *c, const struct pod_state *p)
{
	return kube_object_find(&c->objects, KUBE_DEPLOYMENT, p->pod.namespace, p->deployment) == NULL;
}

void kube_pods_follow(struct kube_cluster *c)
{
	for (size_t i = 0; i < c->pods.len;) {
		if (orphan(c, &c->pods.at[i]))
			pod_remove(c, i);
		else
			i++;
	}
	for (size_t i = 0; i < c->objects.len; i++) {
		const struct kube_deployment *d = &c->objects.at[i].object->deployment;
		size_t wanted = c->objects.at[i].replicas;

		if (c->objects.at[i].object->kind != KUBE_DEPLOYMENT)
			continue;
		while (owned_count(c, d, NULL) > wanted)
			pod_stop_newest(c, d);
		while (owned_count(c, d, NULL) < wanted && pod_start(c, d))
			;
	}
}

const struct kube_pod *kube_pods(const struct kube_cluster *c, size_t *ret_count)
{
	/* A view that is made anew at each call; the cluster itself does not change. */
	struct kube_cluster *mutable = (struct kube_cluster *)(uintptr_t)c;

	VEC_CLEAR(&mutable->pods_out);
	for (size_t i = 0; i < c->pods.len; i++)
		VEC_PUSH(&mutable->pods_out, c->pods.at[i].pod);
	*ret_count = c->pods_out.len;
	return c->pods_out.at;
}

void kube_pod_ready(struct kube_cluster *c, unsigned int uid, bool ready)
{
	for (size_t i = 0; i < c->pods.len; i++) {
		if (c->pods.at[i].pod.uid == uid)
			c->pods.at[i].pod.ready = ready;
	}
}
