/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Deployment: group apps/v1. */
#include "manifest_int.h"

#include <string.h>

#define REPLICAS_MAX 1000

struct container {
	const struct kube_container_port *ports;
	size_t port_count;
};

static const struct field container_port_fields[] = {
	{.key = "name", .read = field_text, .offset = offsetof(struct kube_container_port, name)},
	{.key = "containerPort",
	 .read = field_u16,
	 .offset = offsetof(struct kube_container_port, port),
	 .min = 1,
	 .required = true},
	{.key = "protocol",
	 .read = field_word,
	 .offset = offsetof(struct kube_container_port, protocol),
	 .more = &manifest_protocols},
	{.key = "hostPort", .read = field_unsupported},
	{.key = "hostIP", .read = field_unsupported},
};
static const struct record container_port = {.what = "a container's port",
					     RECORD_FIELDS(container_port_fields),
					     .size = sizeof(struct kube_container_port),
					     .defaults = &(const struct kube_container_port){.name = ""}};

/* Every pod of the lab runs the lab's own HTTP server, so what a container is made of does not matter. */
static const struct field container_fields[] = {
	{.key = "ports",
	 .read = field_records,
	 .offset = SPAN(struct container, ports, port_count),
	 .more = &container_port},
	{.key = "name", .read = field_known},
	{.key = "image", .read = field_known},
	{.key = "args", .read = field_ignore},
	{.key = "command", .read = field_ignore},
	{.key = "env", .read = field_ignore},
	{.key = "envFrom", .read = field_ignore},
	{.key = "imagePullPolicy", .read = field_ignore},
	{.key = "lifecycle", .read = field_ignore},
	{.key = "livenessProbe", .read = field_ignore},
	{.key = "readinessProbe", .read = field_ignore},
	{.key = "resizePolicy", .read = field_ignore},
	{.key = "resources", .read = field_ignore},
	{.key = "restartPolicy", .read = field_ignore},
	{.key = "securityContext", .read = field_ignore},
	{.key = "startupProbe", .read = field_ignore},
	{.key = "stdin", .read = field_ignore},
	{.key = "stdinOnce", .read = field_ignore},
	{.key = "terminationMessagePath", .read = field_ignore},
	{.key = "terminationMessagePolicy", .read = field_ignore},
	{.key = "tty", .read = field_ignore},
	{.key = "volumeDevices", .read = field_ignore},
	{.key = "volumeMounts", .read = field_ignore},
	{.key = "workingDir", .read = field_ignore},
};
static const struct record container_record = {
	.what = "a container", RECORD_FIELDS(container_fields), .size = sizeof(struct container)};

/* The ports of all containers of the pod, in order. */
static void field_containers(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct kube_container_port *ports;
	const struct container *at;
	struct span s = {0};
	size_t n = 0;

	field_records(r, v, f, &s);
	at = s.at;
	for (size_t i = 0; i < s.count; i++)
		n += at[i].port_count;
	ports = arena_array(r->arena, n, sizeof(*ports));
	n = 0;
	for (size_t i = 0; i < s.count; i++) {
		if (at[i].port_count > 0)
			memcpy(ports + n, at[i].ports, at[i].port_count * sizeof(*ports));
		n += at[i].port_count;
	}
	span_set(ret, ports, n);
}

static const struct field pod_spec_fields[] = {
	{.key = "containers",
	 .read = field_containers,
	 .offset = SPAN(struct kube_deployment, ports, port_count),
	 .more = &container_record,
	 .required = true},
	{.key = "nodeSelector", .read = field_labels, .offset = offsetof(struct kube_deployment, node_selector)},
	{.key = "nodeName", .read = field_unsupported},
	{.key = "hostNetwork", .read = field_unsupported},
	{.key = "affinity", .read = field_unsupported},
	{.key = "topologySpreadConstraints", .read = field_ignore},
	{.key = "activeDeadlineSeconds", .read = field_ignore},
	{.key = "automountServiceAccountToken", .read = field_ignore},
	{.key = "dnsConfig", .read = field_ignore},
	{.key = "dnsPolicy", .read = field_ignore},
	{.key = "enableServiceLinks", .read = field_ignore},
	{.key = "hostname", .read = field_ignore},
	{.key = "imagePullSecrets", .read = field_ignore},
	{.key = "initContainers", .read = field_ignore},
	{.key = "priorityClassName", .read = field_ignore},
	{.key = "restartPolicy", .read = field_ignore},
	{.key = "schedulerName", .read = field_ignore},
	{.key = "securityContext", .read = field_ignore},
	{.key = "serviceAccount", .read = field_ignore},
	{.key = "serviceAccountName", .read = field_ignore},
	{.key = "subdomain", .read = field_ignore},
	{.key = "terminationGracePeriodSeconds", .read = field_ignore},
	{.key = "tolerations", .read = field_ignore},
	{.key = "volumes", .read = field_ignore},
};
static const struct record pod_spec = {.what = "a pod's spec", RECORD_FIELDS(pod_spec_fields)};

static const struct field pod_meta_fields[] = {
	{.key = "labels",
	 .read = field_labels,
	 .offset = offsetof(struct kube_deployment, pod_labels),
	 .required = true},
	{.key = "name", .read = field_ignore},
	{.key = "namespace", .read = field_ignore},
	{.key = "annotations", .read = field_ignore},
	{.key = "creationTimestamp", .read = field_ignore},
};
static const struct record pod_meta = {.what = "a pod template's metadata", RECORD_FIELDS(pod_meta_fields)};

static const struct field template_fields[] = {
	{.key = "metadata", .read = field_record, .more = &pod_meta, .required = true},
	{.key = "spec", .read = field_record, .more = &pod_spec, .required = true},
};
static const struct record template_record = {.what = "a pod template", RECORD_FIELDS(template_fields)};

static void deployment_finish(struct reader *r, const struct yaml_node *map, void *ret)
{
	const struct kube_deployment *d = ret;
	const struct yaml_node *selector = yaml_get(map, "selector");

	if (selector == NULL || yaml_get(yaml_get(yaml_get(map, "template"), "metadata"), "labels") == NULL)
		return;
	if (d->selector.labels.len == 0 && d->selector.requirement_count == 0)
		reader_fault(r, selector, "a Deployment's selector must not be empty");
	else if (!kube_selector_matches(&d->selector, &d->pod_labels))
		diag_hint(r, reader_fault(r, selector, "the selector does not match the labels of the pod template"),
			  "Kubernetes refuses it: the two must agree");
}

static const struct field deployment_spec_fields[] = {
	{.key = "replicas",
	 .read = field_u32,
	 .offset = offsetof(struct kube_deployment, replicas),
	 .max = REPLICAS_MAX},
	{.key = "selector",
	 .read = field_record,
	 .offset = offsetof(struct kube_deployment, selector),
	 .more = &manifest_selector,
	 .required = true},
	{.key = "template", .read = field_record, .more = &template_record, .required = true},
	{.key = "strategy", .read = field_ignore},
	{.key = "minReadySeconds", .read = field_ignore},
	{.key = "paused", .read = field_ignore},
	{.key = "progressDeadlineSeconds", .read = field_ignore},
	{.key = "revisionHistoryLimit", .read = field_ignore},
};
static const struct record deployment_spec = {
	.what = "a Deployment's spec", RECORD_FIELDS(deployment_spec_fields), .finish = deployment_finish};

static const struct field deployment_fields[] = {
	META_ROWS(struct kube_deployment),
	{.key = "spec", .read = field_record, .more = &deployment_spec, .required = true},
	{.key = "status", .read = field_ignore},
};
const struct record manifest_deployment = {
	.what = "a Deployment",
	RECORD_FIELDS(deployment_fields),
	.size = sizeof(struct kube_deployment),
	.defaults = &(const struct kube_deployment){.meta = META_DEFAULTS, .replicas = 1}};
