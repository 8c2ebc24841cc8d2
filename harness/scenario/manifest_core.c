/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Service, Node, Namespace: group v1. */
#include "manifest_int.h"

#include <string.h>

#define AFFINITY_TIMEOUT_S 10800
#define NODE_PORT_FIRST 30000
#define NODE_PORT_LAST 32767

/* ---- Service ---- */

static const char *const type_words[] = {[KUBE_CLUSTER_IP] = "ClusterIP",
					 [KUBE_NODE_PORT] = "NodePort",
					 [KUBE_LOAD_BALANCER] = "LoadBalancer",
					 [KUBE_EXTERNAL_NAME] = "ExternalName"};
static const struct words types = WORDS(type_words);
static const char *const policy_words[] = {[KUBE_POLICY_CLUSTER] = "Cluster", [KUBE_POLICY_LOCAL] = "Local"};
static const struct words policies = WORDS(policy_words);
static const char *const family_policy_words[] = {[KUBE_SINGLE_STACK] = "SingleStack",
						  [KUBE_PREFER_DUAL_STACK] = "PreferDualStack",
						  [KUBE_REQUIRE_DUAL_STACK] = "RequireDualStack"};
static const struct words family_policies = WORDS(family_policy_words);
static const char *const affinity_words[] = {"None", "ClientIP"};
static const struct words affinities = WORDS(affinity_words);
static const char *const family_words[] = {"IPv4", "IPv6"};
static const struct words families = WORDS(family_words);

static void field_affinity(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	unsigned int word = 0;

	field_word(r, v, f, &word);
	*(bool *)ret = word == 1;
}

static void field_families(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	uint8_t *at;

	if (v->kind != YAML_LIST) {
		reader_wrong_type(r, v, f->key, "a list");
		return;
	}
	at = arena_alloc(r->arena, v->count);
	for (size_t i = 0; i < v->count; i++) {
		unsigned int word = 0;

		field_word(r, v->items[i], f, &word);
		at[i] = word == 1 ? ADDR_V6 : ADDR_V4;
	}
	span_set(ret, at, v->count);
}

/* clusterIP is the first of clusterIPs, which wins where both stand. */
static void field_cluster_ip(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	const char **at = arena_array(r->arena, 1, sizeof(*at));
	struct span have;

	memcpy(&have, ret, sizeof(have));
	field_text(r, v, f, at);
	if (*at != NULL && **at != '\0' && have.count == 0)
		span_set(ret, at, 1);
}

static void field_target_port(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct kube_port *port = ret;

	if (v->kind == YAML_TEXT && v->text[strspn(v->text, "0123456789")] == '\0')
		field_u16(r, v, f, &port->target_port);
	else
		field_text(r, v, f, &port->target_name);
}

static const struct kube_port port_defaults = {.name = "", .protocol = KUBE_TCP};

static void port_finish(struct reader *r, const struct yaml_node *map, void *ret)
{
	struct kube_port *port = ret;

	(void)r;
	if (yaml_get(map, "targetPort") == NULL)
		port->target_port = port->port;
}

static const struct field port_fields[] = {
	{.key = "name", .read = field_text, .offset = offsetof(struct kube_port, name)},
	{.key = "protocol",
	 .read = field_word,
	 .offset = offsetof(struct kube_port, protocol),
	 .more = &manifest_protocols},
	{.key = "port", .read = field_u16, .offset = offsetof(struct kube_port, port), .min = 1, .required = true},
	{.key = "targetPort", .read = field_target_port, .min = 1},
	{.key = "nodePort",
	 .read = field_u16,
	 .offset = offsetof(struct kube_port, node_port),
	 .min = NODE_PORT_FIRST,
	 .max = NODE_PORT_LAST},
	{.key = "appProtocol", .read = field_ignore},
};
static const struct record port_record = {.what = "a port",
					  RECORD_FIELDS(port_fields),
					  .size = sizeof(struct kube_port),
					  .defaults = &port_defaults,
					  .finish = port_finish};

static const struct field client_ip_fields[] = {
	{.key = "timeoutSeconds",
	 .read = field_u32,
	 .offset = offsetof(struct kube_service, affinity_timeout_s),
	 .min = 1,
	 .max = 86400},
};
static const struct record client_ip = {.what = "clientIP", RECORD_FIELDS(client_ip_fields)};
static const struct field affinity_config_fields[] = {{.key = "clientIP", .read = field_record, .more = &client_ip}};
static const struct record affinity_config = {.what = "sessionAffinityConfig", RECORD_FIELDS(affinity_config_fields)};

static void ports_check(struct reader *r, const struct yaml_node *map, const struct kube_service *s)
{
	const struct yaml_node *list = yaml_get(map, "ports");

	for (size_t i = 0; i < s->port_count && list != NULL; i++) {
		const struct kube_port *port = &s->ports[i];

		if (s->port_count > 1 && port->name[0] == '\0')
			reader_fault(r, list, "a Service with several ports needs a name for each");
		for (size_t j = 0; j < i; j++) {
			if (port->port == s->ports[j].port && port->protocol == s->ports[j].protocol)
				reader_fault(r, list, "port %u is here twice", port->port);
		}
		if (s->port_count > 1 && port->name[0] == '\0')
			return;
	}
}

static void spec_finish(struct reader *r, const struct yaml_node *map, void *ret)
{
	const struct kube_service *s = ret;
	const struct yaml_node *policy = yaml_get(map, "externalTrafficPolicy");
	bool headless = s->cluster_ip_count > 0 && strcmp(s->cluster_ips[0], "None") == 0;

	ports_check(r, map, s);
	if (yaml_get(map, "ports") == NULL && !headless && s->type != KUBE_EXTERNAL_NAME)
		reader_fault(r, map, "a Service's spec needs \"ports\"");
	if (policy != NULL && s->external_policy == KUBE_POLICY_LOCAL && s->type != KUBE_LOAD_BALANCER &&
	    s->type != KUBE_NODE_PORT)
		diag_hint(r, reader_fault(r, policy, "externalTrafficPolicy is for LoadBalancer and NodePort alone"),
			  "write type: LoadBalancer");
}

#define IN_SERVICE(member) offsetof(struct kube_service, member)

static const struct field service_spec_fields[] = {
	{.key = "type", .read = field_word, .offset = IN_SERVICE(type), .more = &types},
	{.key = "selector", .read = field_labels, .offset = IN_SERVICE(selector)},
	{.key = "ports",
	 .read = field_records,
	 .offset = SPAN(struct kube_service, ports, port_count),
	 .more = &port_record},
	{.key = "externalTrafficPolicy", .read = field_word, .offset = IN_SERVICE(external_policy), .more = &policies},
	{.key = "sessionAffinity",
	 .read = field_affinity,
	 .offset = IN_SERVICE(client_ip_affinity),
	 .more = &affinities},
	{.key = "sessionAffinityConfig", .read = field_record, .more = &affinity_config},
	{.key = "loadBalancerIP", .read = field_text, .offset = IN_SERVICE(load_balancer_ip)},
	{.key = "loadBalancerClass", .read = field_text, .offset = IN_SERVICE(load_balancer_class)},
	{.key = "loadBalancerSourceRanges",
	 .read = field_prefixes,
	 .offset = SPAN(struct kube_service, source_ranges, source_range_count)},
	{.key = "ipFamilyPolicy", .read = field_word, .offset = IN_SERVICE(family_policy), .more = &family_policies},
	{.key = "ipFamilies",
	 .read = field_families,
	 .offset = SPAN(struct kube_service, families, family_count),
	 .more = &families},
	{.key = "clusterIP",
	 .read = field_cluster_ip,
	 .offset = SPAN(struct kube_service, cluster_ips, cluster_ip_count)},
	{.key = "clusterIPs", .read = field_texts, .offset = SPAN(struct kube_service, cluster_ips, cluster_ip_count)},
	{.key = "publishNotReadyAddresses", .read = field_bool, .offset = IN_SERVICE(publish_not_ready)},
	{.key = "externalIPs", .read = field_unsupported},
	{.key = "internalTrafficPolicy", .read = field_word, .offset = IN_SERVICE(internal_policy), .more = &policies},
	{.key = "trafficDistribution", .read = field_ignore},
	{.key = "externalName", .read = field_ignore},
	{.key = "healthCheckNodePort", .read = field_ignore},
	{.key = "allocateLoadBalancerNodePorts", .read = field_bool, .offset = IN_SERVICE(allocate_node_ports)},
};
static const struct record service_spec = {
	.what = "a Service's spec", RECORD_FIELDS(service_spec_fields), .finish = spec_finish};

static void service_finish(struct reader *r, const struct yaml_node *map, void *ret)
{
	const struct kube_service *s = ret;
	const struct yaml_node *at = yaml_get(yaml_get(map, "metadata"), "name");

	if (at == NULL || s->meta.name == NULL)
		return;
	if (strlen(s->meta.name) > 63 || strchr(s->meta.name, '.') != NULL ||
	    (s->meta.name[0] >= '0' && s->meta.name[0] <= '9'))
		diag_hint(r, reader_fault(r, at, "name: \"%s\" is no name for a Service", s->meta.name),
			  "at most 63 lower case letters, digits and '-', a letter first");
}

static const struct field service_fields[] = {
	META_ROWS(struct kube_service),
	{.key = "spec", .read = field_record, .more = &service_spec, .required = true},
	{.key = "status", .read = field_ignore},
};
const struct record manifest_service = {.what = "a Service",
					RECORD_FIELDS(service_fields),
					.size = sizeof(struct kube_service),
					.defaults =
						&(const struct kube_service){.meta = META_DEFAULTS,
									     .affinity_timeout_s = AFFINITY_TIMEOUT_S,
									     .allocate_node_ports = true},
					.finish = service_finish};

/* ---- Node ---- */

struct node_address {
	const char *type;
	struct addr address;
};

struct node_condition {
	const char *type;
	const char *status;
};

static void field_node_address(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	/* Hostname and DNS entries stand in the same field: what is no address is not ours to judge. */
	(void)f;
	if (v->kind == YAML_TEXT && addr_parse(v->text, ret) < 0)
		(void)r;
}

static const struct field address_fields[] = {
	{.key = "type", .read = field_text, .offset = offsetof(struct node_address, type), .required = true},
	{.key = "address",
	 .read = field_node_address,
	 .offset = offsetof(struct node_address, address),
	 .required = true},
};
static const struct record address_record = {
	.what = "a node's address", RECORD_FIELDS(address_fields), .size = sizeof(struct node_address)};
static const struct field condition_fields[] = {
	{.key = "type", .read = field_text, .offset = offsetof(struct node_condition, type), .required = true},
	{.key = "status", .read = field_text, .offset = offsetof(struct node_condition, status), .required = true},
	{.key = "lastHeartbeatTime", .read = field_ignore},
	{.key = "lastTransitionTime", .read = field_ignore},
	{.key = "message", .read = field_ignore},
	{.key = "reason", .read = field_ignore},
};
static const struct record condition_record = {
	.what = "a condition", RECORD_FIELDS(condition_fields), .size = sizeof(struct node_condition)};

static void field_node_addresses(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct span s = {0};
	const struct node_address *at;

	field_records(r, v, f, &s);
	at = s.at;
	for (size_t i = s.count; i-- > 0;) {
		if (at[i].type != NULL && strcmp(at[i].type, "InternalIP") == 0)
			memcpy(ret, &at[i].address, sizeof(at[i].address));
	}
}

static void field_node_conditions(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct span s = {0};
	const struct node_condition *at;

	field_records(r, v, f, &s);
	at = s.at;
	for (size_t i = 0; i < s.count; i++) {
		if (at[i].type != NULL && at[i].status != NULL && strcmp(at[i].type, "NetworkUnavailable") == 0)
			*(bool *)ret = strcmp(at[i].status, "True") == 0;
	}
}

static const struct field node_spec_fields[] = {
	{.key = "unschedulable", .read = field_bool, .offset = offsetof(struct kube_node, unschedulable)},
	{.key = "podCIDR", .read = field_ignore},
	{.key = "podCIDRs", .read = field_ignore},
	{.key = "providerID", .read = field_ignore},
	{.key = "taints", .read = field_ignore},
};
static const struct record node_spec = {.what = "a Node's spec", RECORD_FIELDS(node_spec_fields)};
static const struct field node_status_fields[] = {
	{.key = "addresses",
	 .read = field_node_addresses,
	 .offset = offsetof(struct kube_node, internal_ip),
	 .more = &address_record},
	{.key = "conditions",
	 .read = field_node_conditions,
	 .offset = offsetof(struct kube_node, network_unavailable),
	 .more = &condition_record},
	{.key = "allocatable", .read = field_ignore},
	{.key = "capacity", .read = field_ignore},
	{.key = "config", .read = field_ignore},
	{.key = "daemonEndpoints", .read = field_ignore},
	{.key = "features", .read = field_ignore},
	{.key = "images", .read = field_ignore},
	{.key = "nodeInfo", .read = field_ignore},
	{.key = "phase", .read = field_ignore},
	{.key = "runtimeHandlers", .read = field_ignore},
	{.key = "volumesAttached", .read = field_ignore},
	{.key = "volumesInUse", .read = field_ignore},
};
static const struct record node_status = {.what = "a Node's status", RECORD_FIELDS(node_status_fields)};
static const struct field node_fields[] = {
	META_ROWS(struct kube_node),
	{.key = "spec", .read = field_record, .more = &node_spec},
	{.key = "status", .read = field_record, .more = &node_status},
};
const struct record manifest_node = {.what = "a Node",
				     RECORD_FIELDS(node_fields),
				     .size = sizeof(struct kube_node),
				     .defaults = &(const struct kube_node){.meta = META_DEFAULTS}};

/* ---- Namespace ---- */

static const struct field namespace_fields[] = {
	META_ROWS(struct kube_namespace),
	{.key = "spec", .read = field_ignore},
	{.key = "status", .read = field_ignore},
};
const struct record manifest_namespace = {.what = "a Namespace",
					  RECORD_FIELDS(namespace_fields),
					  .size = sizeof(struct kube_namespace),
					  .defaults = &(const struct kube_namespace){.meta = META_DEFAULTS}};
