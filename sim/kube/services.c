/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the API server fills into a Service: cluster addresses and node ports. */
#include "kube_int.h"

#include <string.h>

#define NODE_PORT_FIRST 30000U
#define NODE_PORT_COUNT 2768U
/* A service network or port range that is nearly full is not searched for ever. */
#define DRAWS_MAX 10000

static struct service_state *state_of(struct kube_cluster *c, const struct kube_meta *meta)
{
	for (size_t i = 0; i < c->services.len; i++) {
		const struct kube_meta *m = &c->services.at[i].service->meta;

		if (strcmp(m->name, meta->name) == 0 && strcmp(m->namespace, meta->namespace) == 0)
			return &c->services.at[i];
	}
	return NULL;
}

static bool cluster_ip_used(const struct kube_cluster *c, const struct addr *a)
{
	for (size_t i = 0; i < c->services.len; i++) {
		if (c->services.at[i].cluster_ip_count > 0 && addr_equal(&c->services.at[i].cluster_ips[0], a))
			return true;
	}
	return false;
}

/* A random address of the service network, as the API server draws it; its first ones are kept for the system. False when
 * none is left. */
static bool cluster_ip_draw(struct kube_cluster *c, struct addr *ret)
{
	const struct prefix *net = &c->conf.service_net;
	uint64_t size = UINT64_C(1) << (32 - net->len);

	for (unsigned int i = 0; i < DRAWS_MAX; i++) {
		*ret = addr_add(&net->addr, size > 32 ? 16 + rng_below(&c->rng, size - 17) : rng_below(&c->rng, size));
		if (!cluster_ip_used(c, ret))
			return true;
	}
	return false;
}

static void cluster_ips_fill(struct kube_cluster *c, struct service_state *s)
{
	struct prefix v6;

	for (size_t i = 0; i < s->service->cluster_ip_count && i < 2; i++) {
		struct addr written;

		/* the API server gives no address twice */
		if (addr_parse(s->service->cluster_ips[i], &written) < 0 || cluster_ip_used(c, &written))
			break;
		s->cluster_ips[i] = written;
		s->cluster_ip_count = i + 1;
	}
	if (s->service->cluster_ip_count > 0)
		return; /* as written; "None" leaves none */
	for (size_t i = 0; i < s->service->family_count && i < 2; i++) {
		if (s->service->families[i] == ADDR_V6 && prefix_parse("fd00:10:96::/112", &v6) == 0)
			s->cluster_ips[i] = addr_add(&v6.addr, 16 + rng_below(&c->rng, 65000));
		else if (!cluster_ip_draw(c, &s->cluster_ips[i]))
			return;
		s->cluster_ip_count = i + 1;
	}
	if (s->service->family_count == 0)
		s->cluster_ip_count = cluster_ip_draw(c, &s->cluster_ips[0]);
}

static bool node_port_used(const struct kube_cluster *c, uint16_t port)
{
	for (size_t i = 0; i < c->services.len; i++) {
		for (size_t k = 0; k < SERVICE_PORTS_MAX; k++) {
			if (c->services.at[i].node_ports[k] == port)
				return true;
		}
	}
	return false;
}

/* A free port of the range; 0 when none is found. */
static uint16_t node_port_draw(struct kube_cluster *c)
{
	for (unsigned int i = 0; i < DRAWS_MAX; i++) {
		uint16_t port = (uint16_t)(NODE_PORT_FIRST + rng_below(&c->rng, NODE_PORT_COUNT));

		if (!node_port_used(c, port))
			return port;
	}
	return 0;
}

static void node_ports_fill(struct kube_cluster *c, struct service_state *s)
{
	for (size_t i = 0; i < s->service->port_count && i < SERVICE_PORTS_MAX; i++) {
		uint16_t written = s->service->ports[i].node_port;

		if (written != 0 && written != s->node_ports[i])
			s->node_ports[i] = node_port_used(c, written) ? 0 : written;
		else if (s->node_ports[i] == 0)
			s->node_ports[i] = node_port_draw(c);
	}
}

static void service_follow(struct kube_cluster *c, const struct kube_service *service)
{
	struct service_state *s = state_of(c, &service->meta);

	if (s == NULL) {
		VEC_PUSH(&c->services, (struct service_state){.service = service, .number = ++c->next_service});
		s = &c->services.at[c->services.len - 1];
		cluster_ips_fill(c, s);
	}
	s->changed = s->changed || s->service != service;
	s->service = service;
	if (service->type == KUBE_LOAD_BALANCER || service->type == KUBE_NODE_PORT)
		node_ports_fill(c, s);
}

void kube_services_follow(struct kube_cluster *c)
{
	for (size_t i = 0; i < c->services.len;) {
		const struct kube_meta *m = &c->services.at[i].service->meta;

		if (kube_object_find(&c->objects, KUBE_SERVICE, m->namespace, m->name) == NULL) {
			for (size_t k = i; k + 1 < c->services.len; k++)
				c->services.at[k] = c->services.at[k + 1];
			c->services.len--;
		} else {
			i++;
		}
	}
	for (size_t i = 0; i < c->objects.len; i++) {
		if (c->objects.at[i].object->kind == KUBE_SERVICE)
			service_follow(c, &c->objects.at[i].object->service);
	}
}

const struct kube_service_view *kube_services(const struct kube_cluster *c, size_t *ret_count)
{
	struct kube_cluster *mutable = (struct kube_cluster *)(uintptr_t)c;

	VEC_CLEAR(&mutable->services_out);
	for (size_t i = 0; i < c->services.len; i++) {
		const struct service_state *s = &c->services.at[i];

		VEC_PUSH(&mutable->services_out,
			 (struct kube_service_view){.service = s->service,
						    .cluster_ip = s->cluster_ips[0],
						    .ingress = s->ingress,
						    .ingress_count = s->ingress_count,
						    .pool = s->ingress_count > 0 ? s->pool_name : NULL,
						    .pending_reason = s->pending_reason});
	}
	*ret_count = c->services_out.len;
	return c->services_out.at;
}

const struct kube_service_view *kube_service_find(const struct kube_cluster *c, const char *namespace, const char *name)
{
	size_t n;
	const struct kube_service_view *views = kube_services(c, &n);

	for (size_t i = 0; i < n; i++) {
		const struct kube_meta *m = &views[i].service->meta;

		if (strcmp(m->name, name) == 0 && strcmp(m->namespace, namespace != NULL ? namespace : "default") == 0)
			return &views[i];
	}
	return NULL;
}
