/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the API server fills into a Service, cluster addresses and node ports, and what it refuses. */
#include "kube_int.h"

#include <stdlib.h>
#include <string.h>

#define NODE_PORT_FIRST 30000U
#define NODE_PORT_COUNT 2768U
/* The API server draws above this many ports, which it leaves to those who name theirs. */
#define NODE_PORT_NAMED 86U
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

/* ---- Cluster addresses ---- */

static bool cluster_ip_used(const struct kube_cluster *c, const struct addr *a)
{
	for (size_t i = 0; i < c->services.len; i++) {
		const struct service_state *s = &c->services.at[i];

		for (size_t k = 0; k < s->cluster_ip_count; k++) {
			if (addr_equal(&s->cluster_ips[k], a))
				return true;
		}
	}
	return false;
}

/* A random address of the service network, as the API server draws it; its first ones are kept for the system. False when
 * none is left. */
static bool cluster_ip_draw(struct kube_cluster *c, uint8_t family, struct addr *ret)
{
	struct prefix net = c->conf.service_net;
	uint64_t size;

	if (family != net.addr.family)
		(void)prefix_parse(family == ADDR_V6 ? "fd00:10:96::/112" : "10.96.0.0/12", &net);
	size = UINT64_C(1) << (addr_len(net.addr.family) * 8 - net.len);
	for (unsigned int i = 0; i < DRAWS_MAX; i++) {
		*ret = addr_add(&net.addr, size > 32 ? 16 + rng_below(&c->rng, size - 17) : rng_below(&c->rng, size));
		if (!cluster_ip_used(c, ret))
			return true;
	}
	return false;
}

/* As written; "None", which is no address, leaves none. */
static void cluster_ips_written(const struct kube_cluster *c, struct service_state *s)
{
	const struct kube_service *service = s->service;
	struct addr written[2];
	size_t n = 0;

	while (n < 2 && n < service->cluster_ip_count && addr_parse(service->cluster_ips[n], &written[n]) == 0)
		n++;
	for (size_t i = 0; i < n && !cluster_ip_used(c, &written[i]); i++) {
		s->cluster_ips[i] = written[i];
		s->cluster_ip_count = i + 1;
	}
}

/* One of each family that it wants; those that it has it keeps. */
static void cluster_ips_draw(struct kube_cluster *c, struct service_state *s)
{
	const uint8_t usual[] = {kube_cluster_family(c)};
	const uint8_t *families = s->service->family_count > 0 ? s->service->families : usual;
	size_t wanted = s->service->family_count > 0 ? s->service->family_count : 1;
	size_t n = 0;

	for (; n < wanted && n < 2; n++) {
		struct addr drawn;

		if (n < s->cluster_ip_count && s->cluster_ips[n].family == families[n])
			continue;
		if (!cluster_ip_draw(c, families[n], &drawn))
			break;
		s->cluster_ips[n] = drawn;
	}
	s->cluster_ip_count = n;
}

static void cluster_ips_follow(struct kube_cluster *c, struct service_state *s)
{
	if (s->service->type == KUBE_EXTERNAL_NAME)
		s->cluster_ip_count = 0;
	else if (s->service->cluster_ip_count > 0)
		cluster_ips_written(c, s);
	else
		cluster_ips_draw(c, s);
	for (size_t i = s->cluster_ip_count; i < 2; i++)
		s->cluster_ips[i] = (struct addr){0};
}

/* ---- Node ports ---- */

static bool node_port_used(const struct kube_cluster *c, const struct service_state *but, uint16_t port)
{
	for (size_t i = 0; i < c->services.len; i++) {
		const struct service_state *s = &c->services.at[i];

		if (s == but)
			continue;
		for (size_t k = 0; k < s->service->port_count && k < SERVICE_PORTS_MAX; k++) {
			if (s->node_ports[k] == port)
				return true;
		}
	}
	return false;
}

/* A free port of the range; 0 when none is found. */
static uint16_t node_port_draw(struct kube_cluster *c)
{
	for (unsigned int i = 0; i < DRAWS_MAX; i++) {
		uint64_t drawn = NODE_PORT_NAMED + rng_below(&c->rng, NODE_PORT_COUNT - NODE_PORT_NAMED);
		uint16_t port = (uint16_t)(NODE_PORT_FIRST + drawn);

		if (!node_port_used(c, NULL, port))
			return port;
	}
	return 0;
}

/* TCP and UDP on one port get one node port, as the API server gives it. */
static uint16_t node_port_of_twin(const struct service_state *s, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (s->service->ports[k].port == s->service->ports[i].port)
			return s->node_ports[k];
	}
	return 0;
}

static void node_ports_follow(struct kube_cluster *c, struct service_state *s)
{
	const struct kube_service *service = s->service;
	bool any = service->type == KUBE_NODE_PORT || service->type == KUBE_LOAD_BALANCER;
	bool drawn = service->type == KUBE_NODE_PORT || service->allocate_node_ports;

	for (size_t i = 0; i < SERVICE_PORTS_MAX; i++) {
		uint16_t written = any && i < service->port_count ? service->ports[i].node_port : 0;

		if (!any || i >= service->port_count || (written == 0 && !drawn))
			s->node_ports[i] = 0;
		else if (written != 0)
			s->node_ports[i] = node_port_used(c, s, written) ? 0 : written;
		else if (s->node_ports[i] == 0 && node_port_of_twin(s, i) != 0)
			s->node_ports[i] = node_port_of_twin(s, i);
		else if (s->node_ports[i] == 0)
			s->node_ports[i] = node_port_draw(c);
	}
}

/* ---- The services ---- */

/* Takes the Service as it is now; what it has no more is free before anybody looks for a port or an address. */
static void service_take(struct kube_cluster *c, const struct kube_service *service)
{
	struct service_state *s = state_of(c, &service->meta);

	if (s != NULL && s->service == service)
		return;
	if (s == NULL) {
		VEC_PUSH(&c->services, (struct service_state){.number = ++c->next_service});
		s = &c->services.at[c->services.len - 1];
	}
	s->service = service;
	s->changed = true;
	if (service->cluster_ip_count > 0 || service->type == KUBE_EXTERNAL_NAME)
		s->cluster_ip_count = 0;
	for (size_t i = 0; i < service->port_count && i < SERVICE_PORTS_MAX; i++) {
		if (service->ports[i].node_port != 0)
			s->node_ports[i] = 0;
	}
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
			service_take(c, &c->objects.at[i].object->service);
	}
	for (size_t i = 0; i < c->services.len; i++) {
		if (!c->services.at[i].changed)
			continue;
		cluster_ips_follow(c, &c->services.at[i]);
		node_ports_follow(c, &c->services.at[i]);
		c->services.at[i].changed = false;
	}
}

/* ---- What the API server refuses ---- */

/* What is written in a Service must be its own; the numbers are places in the list of objects, from 1. */
struct claims {
	uint32_t node_ports[UINT16_MAX + 1];
	VEC(struct addr) cluster_ips;
};

static int cluster_ips_check(const struct kube_object *o, struct claims *claims, struct errmsg *err)
{
	const struct kube_service *s = &o->service;
	struct addr a, first = {0};

	if (s->cluster_ip_count == 1 && strcmp(s->cluster_ips[0], "None") == 0)
		return 0;
	for (size_t i = 0; i < s->cluster_ip_count; i++) {
		if (addr_parse(s->cluster_ips[i], &a) < 0)
			return kube_config_refuse(err, &o->origin, "Service %s: clusterIP \"%.60s\" is no address",
						  s->meta.name, s->cluster_ips[i]);
		if (i > 1 || a.family == first.family)
			return kube_config_refuse(err, &o->origin,
						  "Service %s: clusterIPs may hold one address of each family",
						  s->meta.name);
		for (size_t k = 0; k < claims->cluster_ips.len; k++) {
			if (addr_equal(&claims->cluster_ips.at[k], &a))
				return kube_config_refuse(err, &o->origin,
							  "Service %s: clusterIP %s is another Service's", s->meta.name,
							  addr_text(&a).s);
		}
		VEC_PUSH(&claims->cluster_ips, a);
		first = a;
	}
	return 0;
}

static int node_ports_check(const struct kube_object *o, uint32_t number, struct claims *claims, struct errmsg *err)
{
	const struct kube_service *s = &o->service;

	if (s->port_count > SERVICE_PORTS_MAX)
		return kube_config_refuse(err, &o->origin, "Service %s has %zu ports; the lab knows %d", s->meta.name,
					  s->port_count, SERVICE_PORTS_MAX);
	if (s->type != KUBE_NODE_PORT && s->type != KUBE_LOAD_BALANCER)
		return 0;
	for (size_t i = 0; i < s->port_count; i++) {
		uint16_t port = s->ports[i].node_port;

		if (port == 0)
			continue;
		for (size_t k = 0; k < i; k++) {
			if (s->ports[k].node_port == port && s->ports[k].protocol == s->ports[i].protocol)
				return kube_config_refuse(err, &o->origin, "Service %s has nodePort %u twice",
							  s->meta.name, port);
		}
		if (claims->node_ports[port] != 0 && claims->node_ports[port] != number)
			return kube_config_refuse(err, &o->origin, "Service %s: nodePort %u is another Service's",
						  s->meta.name, port);
		claims->node_ports[port] = number;
	}
	return 0;
}

int kube_services_check(const stored_vec *objects, struct errmsg *err)
{
	struct claims *claims = memory_new(sizeof(*claims));
	int r = 0;

	for (size_t i = 0; i < objects->len && r == 0; i++) {
		const struct kube_object *o = objects->at[i].object;

		if (o->kind != KUBE_SERVICE)
			continue;
		r = o->service.type == KUBE_EXTERNAL_NAME ? 0 : cluster_ips_check(o, claims, err);
		if (r == 0)
			r = node_ports_check(o, (uint32_t)i + 1, claims, err);
	}
	VEC_FREE(&claims->cluster_ips);
	free(claims);
	return r;
}

/* ---- Views ---- */

const struct kube_service_view *kube_services(const struct kube_cluster *c, size_t *ret_count)
{
	*ret_count = c->services_out.len;
	return c->services_out.at;
}

const struct kube_service_view *kube_service_find(const struct kube_cluster *c, const char *namespace, const char *name)
{
	for (size_t i = 0; i < c->services_out.len; i++) {
		const struct kube_meta *m = &c->services_out.at[i].service->meta;

		if (strcmp(m->name, name) == 0 && strcmp(m->namespace, namespace != NULL ? namespace : "default") == 0)
			return &c->services_out.at[i];
	}
	return NULL;
}
