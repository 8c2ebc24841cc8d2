/* SPDX-License-Identifier: GPL-2.0-or-later */
/* router.session and workers.session: what a built-in speaker offers, waits for and puts up with, where neither MetalLB nor
 * a router's configuration has a word for it. */
#include "errmsg.h"
#include "instant.h"
#include "plan_int.h"

#include <stdlib.h>
#include <string.h>

#define SECONDS_MAX 65535
#define LONG_LIVED_MAX_S 0xffffff /* 24 bits, RFC 9494 section 3 */
#define CAPABILITIES_MAX 2048	  /* octets; leaves an OPEN room for the speaker's own */
#define HOLD_DEFAULT_S 90

/* ---- Times ---- */

static void field_seconds(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	int64_t ns = -1;

	field_time(r, v, f, &ns);
	if (ns < 0)
		return;
	if (ns % NS_PER_S != 0 || ns < NS_PER_S || ns > f->max * NS_PER_S)
		reader_fault(r, v, "%s: whole seconds from 1s to %us", f->key, f->max);
	else
		*(uint32_t *)ret = (uint32_t)(ns / NS_PER_S);
}

/* ---- Capabilities ---- */

/* One text of hex digits, behind what is there already. */
static void capability_add(struct reader *r, const struct yaml_node *v, const struct field *f, struct plan_engine *ret)
{
	const struct rogue_conf any = {.as = 65000, .prefix = {.addr = {.family = ADDR_V4}, .len = 32}};
	struct errmsg err = {0};
	uint8_t *bytes, *all;
	size_t n;

	if (v->kind != YAML_TEXT) {
		reader_wrong_type(r, v, f->key, "hex digits");
		return;
	}
	bytes = rogue_write(v->text, &any, &n, &err);
	if (bytes == NULL) {
		diag_hint(r, reader_fault(r, v, "%s: %s", f->key, err.text),
			  "a code, a length and as many octets: \"49 02 0102\"");
	} else if (ret->capabilities_len + n > CAPABILITIES_MAX) {
		reader_fault(r, v, "%s: more than %d octets", f->key, CAPABILITIES_MAX);
	} else {
		all = arena_array(r->arena, ret->capabilities_len + n + 1, 1);
		if (ret->capabilities_len > 0)
			memcpy(all, ret->capabilities, ret->capabilities_len);
		if (n > 0)
			memcpy(all + ret->capabilities_len, bytes, n);
		ret->capabilities = all;
		ret->capabilities_len += n;
	}
	free(bytes);
}

static void field_capabilities(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	if (v->kind != YAML_LIST) {
		reader_wrong_type(r, v, f->key, "a list");
		return;
	}
	for (size_t i = 0; i < v->count; i++)
		capability_add(r, v->items[i], f, ret);
}

static const struct {
	const char *word;
	uint8_t code;
} codes[] = {
	{"multiprotocol", 1},
	{"route_refresh", 2},
	{"extended_next_hop", 5},
	{"extended_message", 6},
	{"role", 9},
	{"graceful_restart", 64},
	{"as4", 65},
	{"add_path", 69},
	{"enhanced_refresh", 70},
	{"long_lived", 71},
};
#define CODES (sizeof(codes) / sizeof(codes[0]))

static void field_without(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	const char *words[CODES];
	struct plan_engine *engine = ret;
	uint8_t *without;

	if (v->kind != YAML_LIST) {
		reader_wrong_type(r, v, f->key, "a list");
		return;
	}
	for (size_t i = 0; i < CODES; i++)
		words[i] = codes[i].word;
	without = arena_array(r->arena, v->count + 1, 1);
	for (size_t i = 0; i < v->count; i++) {
		const char *text = reader_text(r, v->items[i], f->key);
		size_t k = 0;

		while (text != NULL && k < CODES && strcmp(text, codes[k].word) != 0)
			k++;
		if (text != NULL && k == CODES)
			reader_unknown_word(r, v->items[i], "without: no capability is called", words, CODES);
		else if (text != NULL)
			without[engine->without_count++] = codes[k].code;
	}
	engine->without = without;
}

/* ---- The record ---- */

static const char *const add_path_words[] = {[PLAN_ADD_PATH_NONE] = "none",
					     [PLAN_ADD_PATH_RECEIVE] = "receive",
					     [PLAN_ADD_PATH_SEND] = "send",
					     [PLAN_ADD_PATH_BOTH] = "both"};
static const struct words add_paths = WORDS(add_path_words);
static const char *const policy_words[] = {[PLAN_POLICIES_BOTH] = "both",
					   [PLAN_POLICIES_IMPORT] = "import",
					   [PLAN_POLICIES_EXPORT] = "export",
					   [PLAN_POLICIES_NONE] = "none"};
static const struct words policies = WORDS(policy_words);
static const char *const excess_words[] = {"end", "ignore"};
static const struct words excesses = WORDS(excess_words);

static void field_excess(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	unsigned int word = 0;

	field_word(r, v, f, &word);
	*(bool *)ret = word == 1;
}

/* What is on until it is switched off. */
static void field_off(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	bool on = true;

	field_bool(r, v, f, &on);
	*(bool *)ret = !on;
}

/* Who calls whom: each end has its own default. */
static void field_passive(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct plan_engine *engine = ret;

	field_bool(r, v, f, &engine->waits);
	engine->dials = !engine->waits;
}

#define IN_ENGINE(member) offsetof(struct plan_engine, member)
#define SECONDS(member) .read = field_seconds, .offset = IN_ENGINE(member), .max = SECONDS_MAX

static const struct field engine_fields[] = {
	{.key = "add_path", .read = field_word, .offset = IN_ENGINE(add_path), .more = &add_paths},
	{.key = "extended_next_hop", .read = field_bool, .offset = IN_ENGINE(extended_next_hop)},
	{.key = "long_lived", .read = field_seconds, .offset = IN_ENGINE(long_lived_s), .max = LONG_LIVED_MAX_S},
	{.key = "policy", .read = field_word, .offset = IN_ENGINE(policies), .more = &policies},
	{.key = "families", .read = plan_afi_read},
	{.key = "capabilities", .read = field_capabilities},
	{.key = "without", .read = field_without},
	{.key = "max_prefixes", .read = field_u32, .offset = IN_ENGINE(max_prefixes), .min = 1},
	{.key = "excess", .read = field_excess, .offset = IN_ENGINE(ignores_excess), .more = &excesses},
	{.key = "damping", .read = field_off, .offset = IN_ENGINE(no_damping)},
	{.key = "automatic_start", .read = field_off, .offset = IN_ENGINE(no_automatic_start)},
	{.key = "notify_before_open", .read = field_off, .offset = IN_ENGINE(silent_before_open)},
	{.key = "collision_established", .read = field_bool, .offset = IN_ENGINE(collision_established)},
	{.key = "passive", .read = field_passive},
	{.key = "delay_open", SECONDS(delay_open_s)},
	{.key = "mrai", SECONDS(mrai_s)},
	{.key = "min_origination", SECONDS(min_origination_s)},
	{.key = "connect_retry", SECONDS(connect_retry_s)},
	{.key = "idle_hold", SECONDS(idle_hold_s)},
	{.key = "send_hold", SECONDS(send_hold_s)},
	{.key = "stale", SECONDS(stale_s)},
	{.key = "deferral", SECONDS(deferral_s)},
};
static const struct record engine_record = {.what = "session", RECORD_FIELDS(engine_fields)};

void plan_engine_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	(void)f;
	record_read_over(r, v, &engine_record, ret);
}

/* ---- Checks ---- */

/* What MetalLB's native speaker has no machinery for, and says nothing of. */
static const char *const not_native[] = {
	"add_path",	   "extended_next_hop",	    "families",		 "long_lived", "max_prefixes", "excess",
	"damping",	   "connect_retry",	    "idle_hold",	 "send_hold",  "stale",	       "deferral",
	"automatic_start", "collision_established", "notify_before_open"};

static void workers_check(struct plan_state *s, const struct yaml_node *workers, const struct plan_lab *lab)
{
	const struct yaml_node *session = yaml_get(workers, "session"), *key = yaml_get_key(workers, "session");

	for (size_t i = 0; i < lab->speaker_count; i++) {
		if (lab->speakers[i] == PLAN_BUILTIN)
			continue;
		reader_fault(&s->r, key, "a real speaker has its own sessions: %s takes no \"session\"",
			     plan_daemon_name(lab->speakers[i]));
		return;
	}
	if (lab->metallb == KUBE_METALLB_FRR || lab->metallb == KUBE_METALLB_STANDARD || session->kind != YAML_MAP)
		return;
	for (size_t i = 0; i < sizeof(not_native) / sizeof(not_native[0]); i++)
		if (yaml_get_key(session, not_native[i]) != NULL)
			diag_hint(&s->r,
				  reader_fault(&s->r, yaml_get_key(session, not_native[i]),
					       "MetalLB's native speaker has no %s", not_native[i]),
				  "write workers: {metallb: frr}");
}

void plan_engine_check(struct plan_state *s, const struct yaml_node *lab_map, const struct plan_lab *lab)
{
	const struct yaml_node *router = yaml_get(lab_map, "router"), *workers = yaml_get(lab_map, "workers");
	int64_t hold_s = lab->router_session.hold_ns == KUBE_TIME_UNSET ? HOLD_DEFAULT_S
									: lab->router_session.hold_ns / NS_PER_S;

	if (yaml_get(workers, "session") != NULL)
		workers_check(s, workers, lab);
	if (lab->worker_engine.waits && lab->metallb != KUBE_METALLB_STANDARD)
		diag_hint(&s->r,
			  reader_fault(&s->r, yaml_get_key(yaml_get(workers, "session"), "passive"),
				       "MetalLB's speakers listen to nobody"),
			  "write workers: {metallb: standard}");
	if (lab->router_engine.dials && lab->upstream.routers > 0)
		reader_fault(&s->r, yaml_get_key(yaml_get(router, "session"), "passive"),
			     "routers below lab.upstream wait for their workers");
	if (lab->router_engine.long_lived_s > 0 && !lab->router_session.graceful_restart)
		diag_hint(&s->r,
			  reader_fault(&s->r, yaml_get_key(yaml_get(router, "session"), "long_lived"),
				       "long_lived has no meaning without graceful_restart (RFC 9494 section 4.1)"),
			  "write router: {graceful_restart: true}");
	if (lab->router_engine.send_hold_s > 0 && lab->router_engine.send_hold_s <= hold_s)
		diag_hint(&s->r,
			  reader_fault(&s->r, yaml_get_key(yaml_get(router, "session"), "send_hold"),
				       "send_hold: not longer than the hold time of %llds", (long long)hold_s),
			  "RFC 9687 section 4.4 wants it longer; router: {hold: 9s} shortens the other");
}
