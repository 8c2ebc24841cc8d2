/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the router divides traffic: router.hash, the step hash:, router.nexthop_groups. */
#include "instant.h"
#include "plan_int.h"

#include <string.h>

#define BUCKETS_MAX 65535
#define GROUP_TIME_MAX (INT64_C(24) * 3600 * NS_PER_S)
#define CLOCK_TICK_NS (NS_PER_S / 100) /* in which the kernel has a group's timers */

/* ---- The hash ---- */

static const char *const policy_words[] = {
	[PLAN_POLICY_DEFAULT] = "default",   [PLAN_POLICY_L3] = "l3",	      [PLAN_POLICY_L4] = "l4",
	[PLAN_POLICY_INNER_L3] = "inner_l3", [PLAN_POLICY_CUSTOM] = "custom", [PLAN_POLICY_SOCKET] = "socket"};
static const struct words policies = WORDS(policy_words);
/* in the order of the kernel's bits */
static const char *const field_words[] = {
	"src",	     "dst",	  "protocol",	    "flow_label",	"src_port",	  "dst_port",
	"inner_src", "inner_dst", "inner_protocol", "inner_flow_label", "inner_src_port", "inner_dst_port"};
static const struct words hash_fields_known = WORDS(field_words);

static void field_fields(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	const struct yaml_node one = {.kind = YAML_LIST, .at = v->at, .items = &v, .count = 1};
	const struct yaml_node *list = v->kind == YAML_LIST ? v : &one;
	unsigned int bits = 0;

	for (size_t i = 0; i < list->count; i++) {
		unsigned int word = 32;

		field_word(r, list->items[i], f, &word);
		bits |= word < 32 ? 1U << word : 0;
	}
	if (list->count == 0)
		reader_fault(r, v, "%s: a hash of nothing is one path for all", f->key);
	*(unsigned int *)ret = bits;
}

static const char *const router_words[] = {"router", "upstream"};
static const struct words routers_known = WORDS(router_words);

static void field_on(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	unsigned int word = 0;

	field_word(r, v, f, &word);
	*(bool *)ret = word == 1;
}

#define IN_HASH(member) offsetof(struct plan_hashing, member)

static const struct field hash_fields[] = {
	{.key = "policy", .read = field_word, .offset = IN_HASH(policy), .more = &policies},
	{.key = "fields", .read = field_fields, .offset = IN_HASH(fields), .more = &hash_fields_known},
	{.key = "seed", .read = field_u32, .offset = IN_HASH(seed), .min = 1},
	{.key = "use_neighbours", .read = field_bool, .offset = IN_HASH(use_neighbours)},
	{.key = "on", .read = field_on, .offset = IN_HASH(upstream), .more = &routers_known},
};
static const struct record hash_record = {.what = "hash", RECORD_FIELDS(hash_fields)};

/* policy alone as a word, or the mapping */
static bool hash_read(struct reader *r, const struct yaml_node *v, const struct field *f, struct plan_hashing *h)
{
	const struct field word = {.key = f->key, .more = &policies};

	if (v->kind != YAML_MAP) {
		field_word(r, v, &word, &h->policy);
		return true;
	}
	if (!record_read_over(r, v, &hash_record, h))
		return false;
	if (yaml_get(v, "fields") != NULL && yaml_get(v, "policy") == NULL)
		h->policy = PLAN_POLICY_CUSTOM;
	if (h->policy == PLAN_POLICY_CUSTOM && yaml_get(v, "fields") == NULL)
		diag_hint(r, reader_fault(r, yaml_get(v, "policy"), "policy custom: which fields?"),
			  "write fields: [src, dst, protocol, src_port, dst_port], for example");
	if (h->policy != PLAN_POLICY_CUSTOM && yaml_get(v, "fields") != NULL)
		diag_hint(r, reader_fault(r, yaml_get_key(v, "fields"), "fields belong to policy custom"),
			  "leave out one of the two");
	return true;
}

void plan_hash_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	(void)hash_read(r, v, f, ret);
	if (yaml_get(v, "on") != NULL)
		reader_fault(r, yaml_get_key(v, "on"), "\"on\" belongs to the step hash");
}

void plan_hash_step_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct plan_step *step = ret;

	step->kind = PLAN_STEP_HASH;
	if (hash_read(r, v, f, &step->hashing) && v->kind == YAML_MAP && v->count == 0)
		reader_fault(r, v, "hash: nothing to change");
	if (step->hashing.upstream && plan_state(r)->plan->lab.upstream.routers == 0)
		diag_hint(r, reader_fault(r, yaml_get(v, "on"), "the lab has no upstream"),
			  "write lab: {upstream: {routers: 2}}");
}

/* ---- Groups ---- */

static const char *const type_words[] = {"multipath", "resilient"};
static const struct words types = WORDS(type_words);

static void field_type(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	unsigned int word = 0;

	field_word(r, v, f, &word);
	*(bool *)ret = word == 1;
}

/* The kernel counts these in hundredths of a second. */
static void field_timer(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	int64_t ns = -1;

	field_time(r, v, f, &ns);
	if (ns < 0)
		return;
	if (ns % CLOCK_TICK_NS != 0 || ns > GROUP_TIME_MAX)
		reader_fault(r, v, "%s: a multiple of 10ms, up to a day", f->key);
	else
		memcpy(ret, &ns, sizeof(ns));
}

#define IN_GROUPS(member) offsetof(struct plan_groups, member)

static const struct field group_fields[] = {
	{.key = "type", .read = field_type, .offset = IN_GROUPS(resilient), .more = &types, .required = true},
	{.key = "buckets", .read = field_u32, .offset = IN_GROUPS(buckets), .min = 1, .max = BUCKETS_MAX},
	{.key = "idle_timer", .read = field_timer, .offset = IN_GROUPS(idle_ns)},
	{.key = "unbalanced_timer", .read = field_timer, .offset = IN_GROUPS(unbalanced_ns)},
};
static const struct record group_record = {.what = "nexthop_groups", RECORD_FIELDS(group_fields)};

void plan_groups_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	static const char *const resilient_only[] = {"buckets", "idle_timer", "unbalanced_timer"};
	struct plan_groups *g = ret;
	bool plain;

	(void)f;
	g->on = record_read_over(r, v, &group_record, g);
	plain = g->on && !g->resilient && yaml_get(v, "type") != NULL;
	for (size_t i = 0; plain && i < sizeof(resilient_only) / sizeof(resilient_only[0]); i++) {
		if (yaml_get(v, resilient_only[i]) != NULL)
			diag_hint(r,
				  reader_fault(r, yaml_get_key(v, resilient_only[i]),
					       "%s: a multipath group has no buckets", resilient_only[i]),
				  "write type: resilient");
	}
}

/* ---- Checks ---- */

/* No daemon asks the kernel for the groups that a switch has: where one writes routes, the lab's groups follow them. */
static void groups_check(struct plan_state *s, const struct yaml_node *key, const struct plan_lab *lab)
{
	if (lab->groups.on && !plan_daemon_installs_routes(lab->daemon))
		diag_hint(&s->r,
			  reader_fault(&s->r, key,
				       "%s installs no routes in Linux's kernel, and groups have none to follow",
				       plan_daemon_name(lab->daemon)),
			  "write daemon: frr, bird2 or bird1, or leave it out for the built-in router");
}

void plan_multipath_check(struct plan_state *s, const struct yaml_node *router, const struct plan_lab *lab)
{
	if (yaml_get(router, "hash") != NULL && yaml_get(router, "multipath_hash") != NULL)
		diag_hint(&s->r,
			  reader_fault(&s->r, yaml_get_key(router, "multipath_hash"),
				       "hash and multipath_hash say the same thing"),
			  "leave out multipath_hash");
	groups_check(s, yaml_get_key(router, "nexthop_groups"), lab);
}
