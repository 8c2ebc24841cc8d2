/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a scenario says of the sessions at the router's end, and of the workers' where MetalLB has no word for it. */
#include "instant.h"
#include "plan_int.h"

#include <string.h>

#define BFD_MS_MIN 10
#define BFD_MS_MAX 60000
#define HOLD_MAX_S 65535
#define RESTART_MAX_S 4095 /* twelve bits, RFC 4724 section 3 */
#define HOPS_MAX 254

static const char *const role_words[] = {
	[PLAN_ROLE_NONE] = "none",	     [PLAN_ROLE_PROVIDER] = "provider", [PLAN_ROLE_RS] = "rs",
	[PLAN_ROLE_RS_CLIENT] = "rs_client", [PLAN_ROLE_CUSTOMER] = "customer", [PLAN_ROLE_PEER] = "peer"};
const struct words plan_roles = WORDS(role_words);

/* ---- router.bfd: true, or its parameters ---- */

static void field_ms(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	int64_t ns = 0;

	field_time(r, v, f, &ns);
	if (ns == 0)
		return; /* no duration, and told */
	if (ns % NS_PER_MS != 0 || ns < BFD_MS_MIN * NS_PER_MS || ns > BFD_MS_MAX * NS_PER_MS)
		reader_fault(r, v, "%s: whole milliseconds from 10ms to 60s", f->key);
	else
		*(uint32_t *)ret = (uint32_t)(ns / NS_PER_MS);
}

#define IN_BFD(member) offsetof(struct plan_bfd, member)

static const struct field bfd_fields[] = {
	{.key = "transmit", .read = field_ms, .offset = IN_BFD(transmit_ms)},
	{.key = "receive", .read = field_ms, .offset = IN_BFD(receive_ms)},
	{.key = "multiplier", .read = field_u32, .offset = IN_BFD(multiplier), .min = 2, .max = 255},
	{.key = "passive", .read = field_bool, .offset = IN_BFD(passive)},
};
static const struct record bfd_record = {.what = "router.bfd", RECORD_FIELDS(bfd_fields)};

void plan_bfd_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct plan_bfd *bfd = ret;

	if (v->kind == YAML_MAP)
		bfd->on = record_read_over(r, v, &bfd_record, bfd);
	else
		field_bool(r, v, f, &bfd->on);
}

/* ---- The others ---- */

static void field_restart_time(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	int64_t ns = -1;

	field_time(r, v, f, &ns);
	if (ns < 0)
		return;
	if (ns % NS_PER_S != 0 || ns < NS_PER_S || ns > RESTART_MAX_S * NS_PER_S)
		reader_fault(r, v, "%s: whole seconds from 1s to %ds", f->key, RESTART_MAX_S);
	else
		*(uint32_t *)ret = (uint32_t)(ns / NS_PER_S);
}

static const struct field restart_fields[] = {
	{.key = "time", .read = field_restart_time, .offset = offsetof(struct plan_session, restart_s)},
	{.key = "notification", .read = field_bool, .offset = offsetof(struct plan_session, notification)},
};
static const struct record restart_record = {.what = "router.graceful_restart", RECORD_FIELDS(restart_fields)};

void plan_restart_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct plan_session *session = ret;

	if (v->kind == YAML_MAP)
		session->graceful_restart = record_read_over(r, v, &restart_record, session);
	else
		field_bool(r, v, f, &session->graceful_restart);
}

void plan_hold_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	int64_t ns = -1;

	field_time(r, v, f, &ns);
	if (ns < 0)
		return;
	if (ns % NS_PER_S != 0 || (ns > 0 && ns < 3 * NS_PER_S) || ns > HOLD_MAX_S * NS_PER_S)
		diag_hint(r, reader_fault(r, v, "%s: 0s, or whole seconds from 3s to %ds", f->key, HOLD_MAX_S),
			  "0s switches the hold timer off");
	else
		memcpy(ret, &ns, sizeof(ns));
}

void plan_ttl_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	const struct field number = {.key = f->key, .min = 1, .max = HOPS_MAX};
	uint64_t n;
	bool on = false;

	if (v->kind == YAML_TEXT && v->plain && text_number(v->text, &n)) {
		field_u32(r, v, &number, ret);
	} else {
		field_bool(r, v, f, &on);
		*(uint32_t *)ret = on ? 1 : 0;
	}
}

/* ---- Checks ---- */

struct need {
	const char *key;
	bool asked;
	bool had[PLAN_DAEMON_COUNT];
};

#define HAD_BY_ALL                                                                                                     \
	{                                                                                                              \
		[PLAN_BUILTIN] = true, [PLAN_BIRD1] = true, [PLAN_BIRD2] = true, [PLAN_FRR] = true,                    \
		[PLAN_GOBGP] = true, [PLAN_OPENBGPD] = true                                                            \
	}

void plan_session_check(struct plan_state *s, const struct yaml_node *router, const struct plan_lab *lab)
{
	const struct plan_session *p = &lab->router_session;
	const struct need needs[] = {
		{"bfd",
		 p->bfd.on,
		 {[PLAN_BUILTIN] = true, [PLAN_BIRD1] = true, [PLAN_BIRD2] = true, [PLAN_FRR] = true}},
		{"hold", p->hold_ns != KUBE_TIME_UNSET, HAD_BY_ALL},
		{"graceful_restart", p->graceful_restart, HAD_BY_ALL},
		{"ttl_security", p->ttl_security > 0, HAD_BY_ALL},
		{"multihop", p->multihop, HAD_BY_ALL},
		{"session", router != NULL && yaml_get(router, "session") != NULL, {[PLAN_BUILTIN] = true}},
		{"always_compare_med", lab->always_compare_med, {[PLAN_BUILTIN] = true}},
		{"multipath_relax", lab->multipath_relax, {[PLAN_BUILTIN] = true}},
		{"multipath",
		 lab->multipath_own,
		 {[PLAN_BUILTIN] = true, [PLAN_BIRD1] = true, [PLAN_BIRD2] = true, [PLAN_FRR] = true}},
		{"group_update", lab->delete_add, {[PLAN_BUILTIN] = true}},
		/* of BIRD 2 from 2.0.11 on */
		{"role", p->role != PLAN_ROLE_NONE, {[PLAN_BUILTIN] = true, [PLAN_BIRD2] = true, [PLAN_FRR] = true}},
	};

	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
		const struct yaml_node *key = router != NULL ? yaml_get_key(router, needs[i].key) : NULL;

		if (!needs[i].asked || key == NULL)
			continue;
		if (lab->router_config != NULL)
			diag_hint(&s->r,
				  reader_fault(&s->r, key, "a router with its own configuration has its %s there",
					       needs[i].key),
				  "leave out %s, or config", needs[i].key);
		else if (!needs[i].had[lab->daemon])
			reader_fault(&s->r, key, "%s has no %s", plan_daemon_name(lab->daemon), needs[i].key);
	}
	if (p->notification && lab->daemon != PLAN_BUILTIN)
		reader_fault(&s->r, yaml_get_key(yaml_get(router, "graceful_restart"), "notification"),
			     "%s decides itself on notification (RFC 8538)", plan_daemon_name(lab->daemon));
	if (p->ttl_security > 0 && p->multihop)
		reader_fault(&s->r, yaml_get_key(router, "multihop"),
			     "multihop and ttl_security exclude each other: the one says how far, the other how near");
	if (p->role_strict && p->role == PLAN_ROLE_NONE)
		reader_fault(&s->r, yaml_get_key(router, "role_strict"), "role_strict has no meaning without a role");
}
