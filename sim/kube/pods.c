/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Deployments -> pods: what deployment controller, scheduler and kubelet's address plan do. */
#include "kube_int.h"

#include <string.h>

/* kubelet's limit for a node. */
#define NODE_PODS_MAX 110

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

static void text_mix(struct rng *rng, const char *text)
{
	for (; *text != '\0'; text++)
		rng->state = rng_next(rng) ^ (uint64_t)(unsigned char)*text;
}

static void labels_mix(struct rng *rng, const struct kube_labels *labels)
{
	for (size_t i = 0; i < labels->len; i++) {
		text_mix(rng, labels->at[i].key);
		text_mix(rng, labels->at[i].value);
	}
}

/* The hash of the pod template, another for another template. */
static void template_hash(const struct kube_cluster *c, const struct kube_deployment *d, char ret[static 11])
{
	struct rng rng = {c->conf.seed};

	text_mix(&rng, d->meta.name);
	labels_mix(&rng, &d->pod_labels);
	labels_mix(&rng, &d->node_selector);
	for (size_t i = 0; i < d->port_count; i++)
		rng.state = rng_next(&rng) ^ d->ports[i].port;
	suffix(&rng, ret, 10);
}

static bool ports_equal(const struct kube_deployment *a, const struct kube_deployment *b)
{
	if (a->port_count != b->port_count)
		return false;
	for (size_t i = 0; i < a->port_count; i++) {
		const struct kube_container_port *x = &a->ports[i], *y = &b->ports[i];

		if (x->port != y->port || x->protocol != y->protocol || strcmp(x->name, y->name) != 0)
			return false;
	}
	return true;
}

static bool same_template(const struct kube_deployment *a, const struct kube_deployment *b)
{
	return a == b || (kube_labels_equal(&a->pod_labels, &b->pod_labels) &&
			  kube_labels_equal(&a->node_selector, &b->node_selector) && ports_equal(a, b));
}

static bool owned(const struct pod_state *p, const struct kube_deployment *d)
{
	return strcmp(p->from->meta.name, d->meta.name) == 0 && strcmp(p->pod.namespace, d->meta.namespace) == 0;
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

bool kube_node_is_cordoned(const struct node_state *n)
{
	return n->leave == KUBE_LEAVE_DRAIN || (n->manifest != NULL && n->manifest->unschedulable);
}

/* The worker with the fewest pods of this Deployment, then with the fewest at all, then the first. */
static const struct node_state *schedule(const struct kube_cluster *c, const struct kube_deployment *d)
{
	const struct node_state *best = NULL;
	size_t best_own = 0, best_all = 0;

	for (size_t i = 0; i < c->nodes.len; i++) {
		const struct node_state *n = &c->nodes.at[i];
		size_t own = owned_count(c, d, n->name), all = owned_count(c, NULL, n->name);

		if (!n->worker || all >= NODE_PODS_MAX || kube_node_is_cordoned(n) ||
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
	return prefix_make(&base, (unsigned int)addr_len(base.family) * 8 - 8);
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

uint16_t kube_container_port_named(const struct kube_deployment *d, const struct kube_port *port)
{
	for (size_t i = 0; i < d->port_count; i++) {
		if (strcmp(d->ports[i].name, port->target_name) == 0 && d->ports[i].protocol == port->protocol)
			return d->ports[i].port;
	}
	return 0;
}

/* The first TCP port of a pod to which the Service sends; 0: none. */
static uint16_t target_port(const struct kube_service *s, const struct kube_deployment *d)
{
	for (size_t i = 0; i < s->port_count; i++) {
		const struct kube_port *p = &s->ports[i];
		uint16_t port = p->target_name != NULL ? kube_container_port_named(d, p) : p->target_port;

		if (p->protocol == KUBE_TCP && port != 0)
			return port;
	}
	return 0;
}

/* Where the pod's server listens: what a Service sends to it, else what it declares, else HTTP's. */
static uint16_t pod_port(const struct kube_cluster *c, const struct kube_deployment *d)
{
	for (size_t i = 0; i < c->objects.len; i++) {
		const struct kube_object *o = c->objects.at[i].object;
		const struct kube_service *s = &o->service;

		if (o->kind == KUBE_SERVICE && s->selector.len > 0 &&
		    strcmp(s->meta.namespace, d->meta.namespace) == 0 &&
		    kube_labels_include(&d->pod_labels, &s->selector) && target_port(s, d) != 0)
			return target_port(s, d);
	}
	return d->port_count > 0 ? d->ports[0].port : 80;
}

static bool pod_start(struct kube_cluster *c, const struct kube_deployment *d)
{
	const struct node_state *node = schedule(c, d);
	struct pod_state added = {.from = d};
	char hash[11], own[6];

	if (node == NULL)
		return false;
	template_hash(c, d, hash);
	suffix(&c->rng, own, 5);
	/* made before it is pushed: its address depends on those that are there */
	added.pod = (struct kube_pod){.name = arena_printf(&c->arena, "%s-%s-%s", d->meta.name, hash, own),
				      .namespace = d->meta.namespace,
				      .node = node->name,
				      .address = pod_address(c, node->name),
				      .port = pod_port(c, d),
				      .uid = ++c->next_uid};
	VEC_PUSH(&c->pods, added);
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

/* Without its Deployment, or of a template that the Deployment no longer has. */
static bool outdated(const struct kube_cluster *c, const struct pod_state *p)
{
	const struct kube_object *o =
		kube_object_find(&c->objects, KUBE_DEPLOYMENT, p->pod.namespace, p->from->meta.name);

	return o == NULL || !same_template(p->from, &o->deployment);
}

static void views_make(struct kube_cluster *c)
{
	VEC_CLEAR(&c->pods_out);
	for (size_t i = 0; i < c->pods.len; i++)
		VEC_PUSH(&c->pods_out, c->pods.at[i].pod);
}

static bool evicted(const struct kube_cluster *c, const struct pod_state *p)
{
	const struct node_state *n = kube_node_find(c, p->pod.node);

	return n != NULL && n->leave == KUBE_LEAVE_DRAIN;
}

/* A new template replaces all pods at once: how a rollout takes its time is not modelled. */
void kube_pods_follow(struct kube_cluster *c)
{
	for (size_t i = 0; i < c->pods.len;) {
		if (outdated(c, &c->pods.at[i]) || evicted(c, &c->pods.at[i]))
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
	views_make(c);
}

const struct kube_pod *kube_pods(const struct kube_cluster *c, size_t *ret_count)
{
	*ret_count = c->pods_out.len;
	return c->pods_out.at;
}

void kube_pod_ready(struct kube_cluster *c, unsigned int uid, bool ready)
{
	for (size_t i = 0; i < c->pods.len; i++) {
		if (c->pods.at[i].pod.uid == uid)
			c->pods.at[i].pod.ready = ready;
	}
	views_make(c);
}
