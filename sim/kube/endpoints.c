/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A service's endpoints: pods that its selector finds, and EndpointSlices written by hand. */
#include "kube_int.h"

#include <string.h>

/* Before 0.13 one unready port spoils its address, and nobody asks whether it still serves. */
static bool all_ports_ready(const endpoints_vec *endpoints, const struct addr *address)
{
	for (size_t k = 0; k < endpoints->len; k++) {
		if (endpoints->at[k].ready == KUBE_FALSE && addr_equal(&endpoints->at[k].address, address))
			return false;
	}
	return true;
}

bool kube_endpoint_healthy(const struct kube_cluster_conf *conf, const endpoints_vec *endpoints, size_t i)
{
	const struct endpoint *e = &endpoints->at[i];
	bool ready = e->ready != KUBE_FALSE;

	switch (conf->switches.endpoint_rule) {
	case KUBE_ENDPOINTS_AS_VERSION:
		if (conf->metallb == KUBE_METALLB_LEGACY)
			return all_ports_ready(endpoints, &e->address);
		return ready || e->serving == KUBE_TRUE;
	case KUBE_ENDPOINTS_READY:
		return ready;
	case KUBE_ENDPOINTS_SERVING_OR_READY:
		return ready || e->serving == KUBE_TRUE;
	case KUBE_ENDPOINTS_SERVING_FIRST:
		return e->serving != KUBE_UNSET ? e->serving == KUBE_TRUE : ready;
	}
	return ready;
}

static uint16_t pod_target(const struct pod_state *p, const struct kube_port *port)
{
	if (port == NULL)
		return p->pod.port;
	if (port->target_name == NULL)
		return port->target_port != 0 ? port->target_port : port->port;
	return kube_container_port_named(p->from, port);
}

static void from_pods(const struct kube_cluster *c, const struct kube_service *s, const struct kube_port *port,
		      endpoints_vec *ret)
{
	for (size_t i = 0; i < c->pods.len && s->selector.len > 0; i++) {
		const struct pod_state *p = &c->pods.at[i];

		if (strcmp(p->pod.namespace, s->meta.namespace) != 0 ||
		    !kube_labels_include(&p->from->pod_labels, &s->selector))
			continue;
		/* publishNotReadyAddresses sets ready whatever the pod says */
		VEC_PUSH(ret, (struct endpoint){.address = p->pod.address,
						.node = p->pod.node,
						.ready = p->pod.ready || s->publish_not_ready ? KUBE_TRUE : KUBE_FALSE,
						.serving = p->pod.ready ? KUBE_TRUE : KUBE_FALSE,
						.terminating = KUBE_FALSE,
						.port = pod_target(p, port)});
	}
}

static uint16_t slice_port(const struct kube_endpoint_slice *slice, const struct kube_port *port)
{
	for (size_t i = 0; i < slice->port_count; i++) {
		if (port == NULL ||
		    (strcmp(slice->ports[i].name, port->name) == 0 && slice->ports[i].protocol == port->protocol))
			return slice->ports[i].port;
	}
	return 0;
}

static void from_slice(const struct kube_endpoint_slice *slice, const struct kube_port *port, endpoints_vec *ret)
{
	for (size_t i = 0; i < slice->endpoint_count; i++) {
		const struct kube_endpoint *e = &slice->endpoints[i];

		if (e->address_count == 0)
			continue;
		VEC_PUSH(ret, (struct endpoint){.address = e->addresses[0],
						.node = e->node,
						.ready = e->ready,
						.serving = e->serving,
						.terminating = e->terminating,
						.port = slice_port(slice, port)});
	}
}

void kube_endpoints_collect(const struct kube_cluster *c, const struct kube_service *s, const struct kube_port *port,
			    endpoints_vec *ret)
{
	VEC_CLEAR(ret);
	from_pods(c, s, port, ret);
	for (size_t i = 0; i < c->objects.len; i++) {
		const struct kube_object *o = c->objects.at[i].object;

		if (o->kind == KUBE_ENDPOINT_SLICE && o->slice.service != NULL &&
		    strcmp(o->slice.service, s->meta.name) == 0 &&
		    strcmp(o->slice.meta.namespace, s->meta.namespace) == 0)
			from_slice(&o->slice, port, ret);
	}
}
