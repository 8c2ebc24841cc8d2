/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fail:, recover:, restart: and session: what happens to a worker, or to the router's speaker. */
#include "instant.h"
#include "plan_int.h"

#include <string.h>

#define DOWN_MAX_NS (3600 * NS_PER_S)
#define WORDS_MAX 255 /* octets, RFC 9003 section 2 */

static const char *const failure_words[] = {
	[PLAN_FAIL_LINK_DOWN] = "link_down", [PLAN_FAIL_POWER_LOSS] = "power_loss",
	[PLAN_FAIL_CRASH] = "crash",	     [PLAN_FAIL_WITHDRAW] = "withdraw",
	[PLAN_FAIL_DRAIN] = "drain",	     [PLAN_FAIL_SHUTDOWN] = "graceful_shutdown"};
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
	if (s->failed[step->worker - 1] == PLAN_GONE)
		diag_hint(r, reader_fault(r, yaml_get(v, "worker"), "worker%u has failed already", step->worker),
			  "a step between the two: - recover: worker%u", step->worker);
	s->failed[step->worker - 1] = step->failure < PLAN_FAIL_WITHDRAW ? PLAN_GONE : PLAN_LEAVING;
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
	if (s->failed[step->worker - 1] == PLAN_THERE)
		diag_hint(r, reader_fault(r, v, "worker%u has not failed", step->worker),
			  "a step before this one: - fail: {worker: worker%u, how: power_loss}", step->worker);
	s->failed[step->worker - 1] = PLAN_THERE;
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
	if (step->worker > 0 && s->failed[step->worker - 1] == PLAN_GONE)
		diag_hint(r, reader_fault(r, v, "worker%u has failed", step->worker), "- recover: worker%u starts it",
			  step->worker);
}

/* ---- session ---- */

static const char *const do_words[] = {
	[PLAN_DO_REFRESH] = "refresh",	 [PLAN_DO_DRAIN] = "drain", [PLAN_DO_UNDRAIN] = "undrain",
	[PLAN_DO_SHUTDOWN] = "shutdown", [PLAN_DO_RESET] = "reset", [PLAN_DO_START] = "start"};
static const struct words dos = WORDS(do_words);

static const char *const cease_words[] = {[PLAN_CEASE_AS_DONE] = "as_done",
					  [PLAN_CEASE_MAX_PREFIXES] = "max_prefixes",
					  [PLAN_CEASE_SHUTDOWN] = "shutdown",
					  [PLAN_CEASE_DECONFIGURED] = "deconfigured",
					  [PLAN_CEASE_RESET] = "reset",
					  [PLAN_CEASE_REJECTED] = "rejected",
					  [PLAN_CEASE_CONFIGURATION] = "configuration",
					  [PLAN_CEASE_COLLISION] = "collision",
					  [PLAN_CEASE_RESOURCES] = "resources",
					  [PLAN_CEASE_BFD_DOWN] = "bfd_down"};
static const struct words ceases = WORDS(cease_words);

static const struct field session_fields[] = {
	{.key = "node", .read = field_who, .offset = IN_STEP(worker), .required = true},
	{.key = "do", .read = field_word, .offset = IN_STEP(action), .more = &dos, .required = true},
	{.key = "cease", .read = field_word, .offset = IN_STEP(cease), .more = &ceases},
	{.key = "words", .read = field_text, .offset = IN_STEP(words)},
	{.key = "hard", .read = field_bool, .offset = IN_STEP(hard)},
};
static const struct record session_record = {.what = "session", RECORD_FIELDS(session_fields)};

/* Who speaks for the node; a real daemon is told such things by its own tools. */
static enum plan_daemon speaker_of(const struct plan_lab *lab, unsigned int worker)
{
	if (worker == 0)
		return lab->daemon;
	return lab->speaker_count > 0 ? lab->speakers[(worker - 1) % lab->speaker_count] : PLAN_BUILTIN;
}

static bool ends(enum plan_do action)
{
	return action == PLAN_DO_SHUTDOWN || action == PLAN_DO_RESET;
}

/* RFC 9003 section 2 */
static bool has_words(enum plan_cease why)
{
	return why == PLAN_CEASE_AS_DONE || why == PLAN_CEASE_SHUTDOWN || why == PLAN_CEASE_RESET;
}

/* How a session is said to end, of one that does not, or that has no place for it. */
static void ending_check(struct reader *r, const struct yaml_node *v, const struct plan_step *step)
{
	const char *key = step->words != NULL ? "words" : step->hard ? "hard" : "cease";

	if (!ends(step->action) && yaml_get_key(v, key) != NULL)
		reader_fault(r, yaml_get_key(v, key), "only a shutdown or a reset has words or a cease, or is hard");
	else if (step->words != NULL && !has_words(step->cease))
		reader_fault(r, yaml_get_key(v, "words"),
			     "words: of a shutdown or a reset alone, and not of cease: %s (RFC 9003 section 2)",
			     cease_words[step->cease]);
	if (step->words != NULL && strlen(step->words) > WORDS_MAX)
		reader_fault(r, yaml_get(v, "words"), "words: more than %d octets (RFC 9003 section 2)", WORDS_MAX);
}

void plan_session_step_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct plan_state *s = plan_state(r);
	struct plan_step *step = ret;
	enum plan_daemon speaker;

	(void)f;
	step->kind = PLAN_STEP_SESSION;
	if (!record_read_over(r, v, &session_record, step))
		return;
	speaker = speaker_of(&s->plan->lab, step->worker);
	if (speaker != PLAN_BUILTIN)
		diag_hint(r,
			  reader_fault(r, yaml_get(v, "node"), "session: of built-in speakers, and this one is %s",
				       plan_daemon_name(speaker)),
			  "exec: runs the daemon's own tools");
	if (step->worker > 0 && s->failed[step->worker - 1])
		diag_hint(r, reader_fault(r, v, "worker%u has failed", step->worker), "- recover: worker%u starts it",
			  step->worker);
	ending_check(r, v, step);
}
