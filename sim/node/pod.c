/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pod behind its worker: a routed veth pair as CNI plug-ins with host routes make it, no bridge in between. */
#include "node_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int worker_index(const struct node_lab *lab, const char *name)
{
	for (unsigned int i = 0; i < lab->conf.workers; i++) {
		if (strcmp(lab->workers[i].host.name, name) == 0)
			return (int)i;
	}
	return -1;
}

/* Every other node of the cluster reaches this worker's pods through the worker. */
static int pod_net_route(struct node_lab *lab, unsigned int worker, const struct prefix *pod_net, struct errmsg *err)
{
	const struct addr *via = &lab->workers[worker].host.address;
	int r = 0;

	for (unsigned int i = 0; i < lab->conf.workers && r == 0; i++) {
		if (i == worker)
			continue;
		net_route_add(lab->workers[i].host.ns, pod_net, via, NULL);
		r = net_flush(lab->workers[i].host.ns, err);
	}
	if (r == 0 && lab->control_plane.ns != NULL) {
		net_route_add(lab->control_plane.ns, pod_net, via, NULL);
		r = net_flush(lab->control_plane.ns, err);
	}
	return r;
}

static int pod_wire(struct node_lab *lab, const struct node_pod *pod, const struct prefix *pod_net, struct errmsg *err)
{
	struct net_ns *worker = lab->workers[pod->worker].host.ns;
	struct addr gateway = addr_add(&pod_net->addr, 1);
	const struct addr none = {0};
	struct prefix pod_host = prefix_host(&pod->address), gateway_host = prefix_host(&gateway);
	struct prefix everywhere = {.addr = {.family = pod->address.family}};
	char port[16];
	int r;

	snprintf(port, sizeof(port), "pod%u", pod->uid);
	r = node_link(lab, pod->ns, NODE_HOST_LINK, worker, port, err);
	if (r < 0)
		return r;
	net_link_up(worker, port);
	if (pod->address.family == ADDR_V6)
		(void)node_link_local(worker, port, 1);
	net_address_add(worker, port, &gateway, gateway_host.len);
	net_route_add(worker, &pod_host, &none, port);
	r = net_flush(worker, err);
	if (r < 0)
		return r;
	net_link_up(pod->ns, NODE_HOST_LINK);
	if (pod->address.family == ADDR_V6)
		(void)node_link_local(pod->ns, NODE_HOST_LINK, 2);
	net_address_add(pod->ns, NODE_HOST_LINK, &pod->address, pod_host.len);
	net_route_add(pod->ns, &gateway_host, &none, NODE_HOST_LINK);
	net_route_add(pod->ns, &everywhere, &gateway, NULL);
	r = net_flush(pod->ns, err);
	if (r == 0)
		r = net_links_ready(worker, err);
	return r < 0 ? r : net_links_ready(pod->ns, err);
}

/* Names of pods may be longer than a namespace's can. */
static int pod_ns_new(struct node_pod *pod, struct errmsg *err)
{
	char name[32];

	if (strlen(pod->name) < sizeof(name))
		return net_ns_new(pod->name, &pod->ns, err);
	snprintf(name, sizeof(name), "pod%u", pod->uid);
	return net_ns_new(name, &pod->ns, err);
}

int node_pod_add(struct node_lab *lab, const struct kube_pod *pod, const struct kube_cluster *cluster,
		 struct node_pod **ret, struct errmsg *err)
{
	struct prefix pod_net = kube_node_pod_net(cluster, pod->node);
	int worker = worker_index(lab, pod->node);
	struct node_pod added;
	int r;

	if (worker < 0)
		return errmsg_say(err, -EINVAL, "pod %s is on node %s, which the lab does not have", pod->name,
				  pod->node);
	added = (struct node_pod){.uid = pod->uid,
				  .name = arena_strdup(&lab->arena, pod->name),
				  .node = lab->workers[worker].host.name,
				  .address = pod->address,
				  .port = pod->port,
				  .worker = (unsigned int)worker};
	if (!lab->workers[worker].pod_net_routed) {
		r = pod_net_route(lab, added.worker, &pod_net, err);
		if (r < 0)
			return r;
		lab->workers[worker].pod_net_routed = true;
	}
	r = pod_ns_new(&added, err);
	if (r == 0)
		r = pod_wire(lab, &added, &pod_net, err);
	if (r < 0) {
		net_ns_free(added.ns);
		return errmsg_context(err, "pod %s", pod->name);
	}
	VEC_PUSH(&lab->pods, added);
	*ret = &lab->pods.at[lab->pods.len - 1];
	return 0;
}

void node_pod_remove(struct node_lab *lab, unsigned int uid)
{
	for (size_t i = 0; i < lab->pods.len; i++) {
		if (lab->pods.at[i].uid != uid)
			continue;
		net_ns_free(lab->pods.at[i].ns);
		lab->pods.at[i] = lab->pods.at[--lab->pods.len];
		return;
	}
}

int node_proxy_sync(struct node_lab *lab, unsigned int worker, struct kube_cluster *cluster, struct errmsg *err)
{
	struct node_worker *w = &lab->workers[worker];
	size_t services;
	const char *rules;
	uint64_t fingerprint;
	int r;

	(void)kube_services(cluster, &services);
	if (services == 0 && w->proxy_rules == 0)
		return 0;
	rules = kube_proxy_rules(cluster, w->host.name);
	fingerprint = node_fingerprint(NODE_FINGERPRINT_START, rules, strlen(rules));
	if (fingerprint == w->proxy_rules)
		return 0;
	r = net_nft(w->host.ns, rules, err);
	if (r < 0)
		return errmsg_context(err, "%s: kube-proxy rules", w->host.name);
	w->proxy_rules = fingerprint;
	return 0;
}
