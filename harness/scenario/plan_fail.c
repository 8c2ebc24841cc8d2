/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fail:, recover: and restart: what happens to a worker, or to the router's speaker. */
#include "instant.h"
#include "plan_int.h"

#include <string.h>

#define DOWN_MAX_NS (3600 * NS_PER_S)

static const char *const failure_words[] = {
	[PLAN_FAIL_LINK_DOWN] = "link_down", [PLAN_FAIL_POWER_LOSS] = "power_loss", [PLAN_FAIL_CRASH] = "crash"};
static const struct words failures = WORDS(failure_words);

static void field_worker(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	(void)f;
	plan_worker(plan_state(r), v, ret);
}

#define IN_STEP(member) offsetof(struct plan_step, member)

static const struct field fail_fields[] = {
	{.key = "worker", .read = field_worker, .offset = IN_STEP(worker), .required = true},
	{.key = "how", .read = field_word, .offset = IN_STEP(failure), .more = &failures, .required = true},
};
static const struct record fail_record = {.what = "fail", RECORD_FIELDS(fail_fields)};

void plan_fail_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct plan_state *s = plan_state(r);
	struct plan_step *step = ret;

	(void)f;
	step->kind = PLAN_STEP_FAIL;
	if (!record_read_over(r, v, &fail_record, step) || step->worker == 0)
		return;
	if (s->failed[step->worker - 1])
		diag_hint(r, reader_fault(r, yaml_get(v, "worker"), "worker%u has failed already", step->worker),
			  "a step between the two: - recover: worker%u", step->worker);
	s->failed[step->worker - 1] = true;
}

static const struct field recover_fields[] = {
	{.key = "worker", .read = field_worker, .offset = IN_STEP(worker), .required = true},
};
static const struct record recover_record = {.what = "recover", RECORD_FIELDS(recover_fields)};

void plan_recover_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct plan_state *s = plan_state(r);
	struct plan_step *step = ret;

	step->kind = PLAN_STEP_RECOVER;
	if (v->kind == YAML_MAP)
		record_read_over(r, v, &recover_record, step);
	else
		field_worker(r, v, f, &step->worker);
	if (step->worker == 0)
		return;
	if (!s->failed[step->worker - 1])
		diag_hint(r, reader_fault(r, v, "worker%u has not failed", step->worker),
			  "a step before this one: - fail: {worker: worker%u, how: power_loss}", step->worker);
	s->failed[step->worker - 1] = false;
}

static void field_who(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	if (v->kind != YAML_TEXT || strcmp(v->text, "router") != 0)
		field_worker(r, v, f, ret);
}

static const struct field restart_fields[] = {
	{.key = "node", .read = field_who, .offset = IN_STEP(worker), .required = true},
	{.key = "down", .read = field_time, .offset = IN_STEP(down_ns)},
};
static const struct record restart_record = {.what = "restart", RECORD_FIELDS(restart_fields)};

void plan_restart_step_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct plan_state *s = plan_state(r);
	struct plan_step *step = ret;

	step->kind = PLAN_STEP_RESTART;
	if (v->kind == YAML_MAP)
		record_read_over(r, v, &restart_record, step);
	else
		field_who(r, v, f, &step->worker);
	if (step->down_ns > DOWN_MAX_NS)
		reader_fault(r, yaml_get(v, "down"), "down: longer than an hour");
	if (step->worker > 0 && s->failed[step->worker - 1])
		diag_hint(r, reader_fault(r, v, "worker%u has failed", step->worker), "- recover: worker%u starts it",
			  step->worker);
}
