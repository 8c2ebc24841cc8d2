/* SPDX-License-Identifier: GPL-2.0-or-later */
/* workers.switches and router.group_update: behaviours that were there at one time, each to be had by a word. */
#include "instant.h"
#include "plan_int.h"

#define LAG_MAX_NS (60 * NS_PER_S)

/* The second word is the one that switches on. */
static void field_switch(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	unsigned int word = 0;
	bool on = false;
	size_t before = r->diags->list.len + r->diags->dropped;

	if (f->more != NULL)
		field_word(r, v, f, &word);
	else
		field_bool(r, v, f, &on);
	if (r->diags->list.len + r->diags->dropped == before)
		*(enum plan_switch *)ret = on || word == 1 ? PLAN_ON : PLAN_OFF;
}

static void field_lag(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	int64_t ns = 0;

	field_time(r, v, f, &ns);
	if (ns > LAG_MAX_NS)
		reader_fault(r, v, "%s: longer than a minute", f->key);
	else
		*(int64_t *)ret = ns;
}

static const char *const origin_words[] = {"igp", "incomplete"};
static const struct words origins = WORDS(origin_words);
static const char *const merge_words[] = {"unite", "last_wins"};
static const struct words merges = WORDS(merge_words);
static const char *const reset_words[] = {"at_established", "at_open"};
static const struct words resets = WORDS(reset_words);
static const char *const rule_words[] = {[KUBE_ENDPOINTS_AS_VERSION] = "as_version",
					 [KUBE_ENDPOINTS_READY] = "ready_only",
					 [KUBE_ENDPOINTS_SERVING_OR_READY] = "serving_or_ready",
					 [KUBE_ENDPOINTS_SERVING_FIRST] = "serving_first"};
static const struct words rules = WORDS(rule_words);
static const char *const update_words[] = {"replace", "delete_add"};
static const struct words updates = WORDS(update_words);

#define IN_SWITCHES(member) offsetof(struct plan_switches, member)

static const struct field switch_fields[] = {
	{.key = "origin", .read = field_switch, .offset = IN_SWITCHES(origin_incomplete), .more = &origins},
	{.key = "merge", .read = field_switch, .offset = IN_SWITCHES(last_wins), .more = &merges},
	{.key = "enforce_hold", .read = field_switch, .offset = IN_SWITCHES(enforce_hold)},
	{.key = "backoff_reset", .read = field_switch, .offset = IN_SWITCHES(backoff_reset_at_open), .more = &resets},
	{.key = "send_localpref_on_ebgp", .read = field_switch, .offset = IN_SWITCHES(local_pref_outside)},
	{.key = "end_of_rib", .read = field_switch, .offset = IN_SWITCHES(end_of_rib)},
	{.key = "notifies", .read = field_switch, .offset = IN_SWITCHES(notifies)},
	{.key = "graceful_restart", .read = field_switch, .offset = IN_SWITCHES(graceful_restart)},
	{.key = "endpoint_rule", .read = field_word, .offset = IN_SWITCHES(cluster.endpoint_rule), .more = &rules},
	{.key = "cordon_withdraw", .read = field_bool, .offset = IN_SWITCHES(cluster.cordon_withdraw)},
	{.key = "ignore_exclude_lb", .read = field_bool, .offset = IN_SWITCHES(cluster.ignore_exclude_lb)},
	{.key = "zero_endpoints_announce", .read = field_bool, .offset = IN_SWITCHES(cluster.zero_endpoints_announce)},
	{.key = "frr_debounce", .read = field_lag, .offset = IN_SWITCHES(frr_debounce_ns)},
	{.key = "kubeproxy_lag", .read = field_lag, .offset = IN_SWITCHES(kubeproxy_lag_ns)},
};
static const struct record switches_record = {.what = "workers.switches", RECORD_FIELDS(switch_fields)};

void plan_switches_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	(void)f;
	record_read_over(r, v, &switches_record, ret);
}

static const char *const multipath_words[] = {"configured", "defaults"};
static const struct words multipaths = WORDS(multipath_words);

/* router.multipath: whether the generated configuration says how many paths, and of what AS paths, share traffic */
void plan_multipath_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct field row = *f;
	unsigned int word = 0;

	row.more = &multipaths;
	field_word(r, v, &row, &word);
	*(bool *)ret = word == 1;
}

void plan_update_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct field row = *f;
	unsigned int word = 0;

	row.more = &updates;
	field_word(r, v, &row, &word);
	*(bool *)ret = word == 1;
}
