/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verdict.json: one object, gathered while the run goes on and written at its end. */
#include "report_int.h"

#include <jansson.h>

struct json_state {
	json_t *lab;
	json_t *expectations;
	json_t *steps;
};

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new_nocheck(object, key, value);
}

static json_t *address(const struct addr *a)
{
	return a->family != ADDR_NONE ? json_text(addr_text(a).s) : json_null();
}

static json_t *node(const struct report_node *n)
{
	json_t *o = json_object();

	set(o, "name", json_text(n->name));
	set(o, "address", address(&n->address));
	if (n->as != 0)
		set(o, "as", json_integer(n->as));
	return o;
}

static json_t *nodes(const struct report_node *list, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, node(&list[i]));
	return array;
}

static json_t *networks(const struct report_lab *lab)
{
	json_t *o = json_object();

	for (size_t i = 0; i < lab->network_count; i++) {
		struct prefix_text prefix = prefix_text(&lab->networks[i].prefix);
		struct text name = {0};

		text_escape(&name, lab->networks[i].name, text_char_valid);
		text_addn(&name, "", 1);
		set(o, name.at, json_text(prefix.s));
		text_fini(&name);
	}
	return o;
}

static json_t *pods(const struct report_lab *lab)
{
	json_t *array = json_array();

	for (size_t i = 0; i < lab->pod_count; i++) {
		json_t *o = json_object();

		set(o, "name", json_text(lab->pods[i].name));
		set(o, "node", json_text(lab->pods[i].node));
		set(o, "address", address(&lab->pods[i].address));
		json_array_append_new(array, o);
	}
	return array;
}

static json_t *services(const struct report_lab *lab)
{
	json_t *array = json_array();

	for (size_t i = 0; i < lab->service_count; i++) {
		json_t *o = json_object();

		set(o, "name", json_text(lab->services[i].name));
		set(o, "address", address(&lab->services[i].vip));
		set(o, "port", json_integer(lab->services[i].port));
		json_array_append_new(array, o);
	}
	return array;
}

static struct json_state *state_of(struct teller *t)
{
	struct json_state *s = t->state;

	if (s->steps == NULL) {
		s->lab = json_object();
		s->expectations = json_array();
		s->steps = json_array();
	}
	return s;
}

static void begin(struct teller *t, const struct report_lab *lab)
{
	json_t *o = state_of(t)->lab;

	set(o, "networks", networks(lab));
	set(o, "workers", nodes(lab->workers, lab->worker_count));
	set(o, "clients", nodes(lab->clients, lab->client_count));
	set(o, "control_plane", lab->control_plane.name != NULL ? node(&lab->control_plane) : json_null());
	set(o, "pods", pods(lab));
	set(o, "services", services(lab));
}

static json_t *frames(const struct judge_finding *f)
{
	json_t *array = json_array();

	for (size_t i = 0; i < f->frame_count && i < JUDGE_FRAMES_MAX; i++) {
		json_t *o = json_object();

		set(o, "file", json_text(f->frames[i].file));
		set(o, "frame", json_integer((json_int_t)f->frames[i].frame));
		json_array_append_new(array, o);
	}
	return array;
}

static void set_member(json_t *o, const struct judge_member *m)
{
	json_t *interval = json_array();

	json_array_append_new(interval, json_number(m->share.low));
	json_array_append_new(interval, json_number(m->share.high));
	set(o, "share_interval", interval);
	set(o, "p", json_number(m->p));
	set(o, "off", json_boolean(m->off));
}

static void set_rates(json_t *o, const struct judge_finding *f)
{
	set(o, "alpha", json_number(f->alpha));
	set(o, "power", json_number(f->power));
	set(o, "planned_bias", json_number(f->planned));
	set(o, "flows_needed", json_integer((json_int_t)f->flows_needed));
}

/* What the verdict is worth, and the figures that others go by. */
static void set_worth(json_t *o, const struct judge_finding *f)
{
	json_t *balance = json_object();

	set(balance, "variation", json_number(f->balance.variation));
	set(balance, "jain", json_number(f->balance.jain));
	set(balance, "max_over_min", json_number(f->balance.max_over_min));
	set(balance, "max_over_mean", json_number(f->balance.max_over_mean));
	set(o, "balance", balance);
	set_rates(o, f);
	set(o, "effect", json_number(f->chi.effect));
}

static json_t *shares(const struct judge_finding *f)
{
	json_t *array = json_array();

	for (size_t i = 0; i < f->share_count; i++) {
		json_t *o = json_object();

		set(o, "worker", json_text(f->shares[i].worker));
		set(o, "count", json_integer((json_int_t)f->shares[i].count));
		set(o, "expected", json_number(f->shares[i].expected));
		if (f->members != NULL && f->alpha > 0)
			set_member(o, &f->members[i]);
		json_array_append_new(array, o);
	}
	return array;
}

static void set_spread(json_t *o, const struct judge_finding *f)
{
	json_t *chi = json_object();

	set(o, "shares", shares(f));
	set(chi, "statistic", json_number(f->chi.statistic));
	set(chi, "df", json_integer(f->chi.df));
	set(chi, "p", json_number(f->chi.p));
	set(chi, "exact", json_boolean(f->chi.exact));
	set(o, "chi_square", chi);
	set(o, "detectable_bias", json_number(f->detectable));
	if (f->chi.error > 0)
		set(chi, "error", json_number(f->chi.error));
	if (f->alpha > 0)
		set_worth(o, f);
	else
		set(o, "flows_needed", json_integer((json_int_t)f->flows_needed));
}

static json_t *moves(const struct judge_membership *m)
{
	json_t *o = json_object(), *theory = json_object();

	set(o, "flows", json_integer((json_int_t)m->flows));
	set(o, "moved", json_integer((json_int_t)m->moved));
	set(o, "forced", json_integer((json_int_t)m->forced));
	set(o, "innocent", json_integer((json_int_t)m->innocent));
	set(o, "survivors", json_integer((json_int_t)m->survivors));
	set(o, "lost", json_integer((json_int_t)m->lost));
	set(o, "algorithm", json_text(m->fitting > 0 ? judge_algorithm_name(m->named) : NULL));
	for (enum judge_algorithm a = 0; a < JUDGE_ALGORITHM_COUNT; a++) {
		const struct judge_score *s = &m->scores[a];
		json_t *row = json_object();

		set(row, "moved", json_number(s->theory.moved));
		set(row, "innocent", json_number(s->theory.innocent));
		set(row, "p", json_number(s->p));
		set(row, "fits", json_boolean(s->fits));
		set(theory, judge_algorithm_name(a), s->known ? row : json_null());
		if (!s->known)
			json_decref(row);
	}
	set(o, "theory", theory);
	return o;
}

/* Without a finding the step ended before there was one; its detail says why. */
static json_t *expectation(const struct report_step *step, const struct report_lab *lab)
{
	static const struct judge_finding none = {0};
	const struct judge_finding *f = step->finding != NULL ? step->finding : &none;
	json_t *o = json_object();

	set(o, "text", json_text(step->text));
	set(o, "file", json_text(step_file(step, lab)));
	set(o, "line", json_integer(step->line));
	set(o, "verdict", json_text(report_verdict_name(step->verdict)));
	set(o, "seen", json_text(f->seen != NULL ? f->seen : step->detail));
	set(o, "why", json_text(f->why));
	set(o, "frames", frames(f));
	if (f->share_count > 0)
		set_spread(o, f);
	else if (f->alpha > 0)
		set_rates(o, f);
	if (f->move_count > 0)
		set(o, "moves", moves(&f->membership));
	if (f->leaving.flows > 0)
		set(o, f->leaving.joins ? "joining" : "leaving", json_leaving(&f->leaving));
	set(o, "since_start_ns", json_integer(step->since_start_ns));
	set(o, "elapsed_ns", json_integer(step->elapsed_ns));
	return o;
}

static void step_end(struct teller *t, const struct report_step *step)
{
	struct json_state *s = state_of(t);
	json_t *o = json_object();

	set(o, "kind", json_text(step->kind));
	set(o, "text", json_text(step->text));
	set(o, "file", json_text(step_file(step, &t->facts->lab)));
	set(o, "line", json_integer(step->line));
	set(o, "verdict", json_text(report_verdict_name(step->verdict)));
	set(o, "detail", json_text(step->detail));
	if (step->connections != NULL)
		set(o, "connections", json_connections(step->connections));
	if (step_is_expectation(step)) {
		set(o, "expectation", json_integer((json_int_t)json_array_size(s->expectations)));
		json_array_append_new(s->expectations, expectation(step, &t->facts->lab));
	}
	set(o, "since_start_ns", json_integer(step->since_start_ns));
	set(o, "elapsed_ns", json_integer(step->elapsed_ns));
	json_array_append_new(s->steps, o);
}

static json_t *router(const struct report_router *r)
{
	json_t *o = json_object();

	set(o, "daemon", json_text(r->daemon));
	set(o, "version", json_text(r->version));
	set(o, "as", json_integer(r->as));
	set(o, "cluster", address(&r->cluster));
	set(o, "clients", address(&r->clients));
	set(o, "hash", json_text(r->hash));
	return o;
}

static json_t *phases(const struct report_result *result)
{
	json_t *array = json_array();

	for (size_t i = 0; i < result->phase_count; i++) {
		json_t *o = json_object();

		set(o, "name", json_text(result->phases[i].name));
		set(o, "elapsed_ns", json_integer(result->phases[i].ns));
		json_array_append_new(array, o);
	}
	return array;
}

static json_t *losses(const struct report_capture *c)
{
	json_t *array = json_array();

	for (size_t i = 0; i < c->lost_count; i++) {
		json_t *o = json_object();

		set(o, "frames", json_integer((json_int_t)c->lost[i].frames));
		set(o, "after_frame", json_integer((json_int_t)c->lost[i].after));
		if (c->lost[i].before != 0)
			set(o, "before_frame", json_integer((json_int_t)c->lost[i].before));
		json_array_append_new(array, o);
	}
	return array;
}

static json_t *captures(const struct report_result *result)
{
	json_t *array = json_array();

	for (size_t i = 0; i < result->capture_count; i++) {
		json_t *o = json_object();

		set(o, "file", json_text(result->captures[i].file));
		set(o, "frames", json_integer((json_int_t)result->captures[i].frames));
		set(o, "dropped", json_integer((json_int_t)result->captures[i].dropped));
		if (result->captures[i].lost_count > 0)
			set(o, "lost", losses(&result->captures[i]));
		json_array_append_new(array, o);
	}
	return array;
}

static json_t *hole(const struct judge_fib_story *f, const struct report_lab *lab)
{
	json_t *o = json_object();

	set(o, "prefix", json_text(prefix_text(&f->hole_prefix).s));
	set(o, "since_start_ns", json_integer(instant_since(f->hole_since, lab->started)));
	set(o, "ns", json_integer(f->hole_longest_ns));
	return o;
}

json_t *json_fib(const struct judge_fib_story *f, const struct report_lab *lab)
{
	json_t *o = f != NULL ? json_object() : json_null();

	if (f == NULL)
		return o;
	set(o, "prefixes", json_integer((json_int_t)f->prefixes));
	set(o, "added", json_integer((json_int_t)f->added));
	set(o, "replaced", json_integer((json_int_t)f->replaced));
	set(o, "removed", json_integer((json_int_t)f->removed));
	set(o, "announced_most", json_integer((json_int_t)f->announced_most));
	set(o, "alike_most", json_integer((json_int_t)f->alike_most));
	set(o, "installed_most", json_integer((json_int_t)f->installed_most));
	set(o, "followed", json_integer((json_int_t)f->followed));
	set(o, "unfollowed", json_integer((json_int_t)f->unfollowed));
	set(o, "delay_median_ns", json_integer(f->delay_median_ns));
	set(o, "delay_longest_ns", json_integer(f->delay_longest_ns));
	set(o, "holes", json_integer((json_int_t)f->holes));
	set(o, "hole_ns", json_integer(f->hole_ns));
	set(o, "hole_longest", f->holes > 0 ? hole(f, lab) : json_null());
	set(o, "lost", json_integer((json_int_t)f->lost));
	set(o, "order", json_text(f->order));
	return o;
}

/* JSON readers agree on integers up to 63 bits at best. */
static json_t *seed(uint64_t value)
{
	char text[24];

	if (value <= INT64_MAX)
		return json_integer((json_int_t)value);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return json_text(text);
}

static json_t *verdict(struct teller *t, const struct report_result *result)
{
	const struct report_lab *lab = &t->facts->lab;
	struct json_state *s = state_of(t);
	json_t *o = json_object();

	set(o, "schema", json_integer(REPORT_SCHEMA));
	set(o, "scenario", json_text(lab->scenario));
	set(o, "about", json_text(lab->about));
	set(o, "file", json_text(lab->file));
	set(o, "verdict", json_text(report_verdict_name(result->verdict)));
	set(o, "exit", json_integer(result->exit));
	set(o, "message", json_text(result->message));
	set(o, "expectations_planned", json_integer((json_int_t)lab->expectations));
	json_object_set_nocheck(o, "expectations", s->expectations);
	json_object_set_nocheck(o, "steps", s->steps);
	set(o, "seed", seed(lab->seed));
	set(o, "kernel", json_text(lab->kernel));
	set(o, "router", router(&lab->router));
	json_object_set_nocheck(o, "lab", s->lab);
	set(o, "started", lab->started.ns != 0 ? json_text(stamp_text(lab->started).s) : json_null());
	set(o, "wall_s", json_number((double)result->wall_ns / (double)NS_PER_S));
	set(o, "phases", phases(result));
	set(o, "captures", captures(result));
	set(o, "fib", json_fib(result->fib, lab));
	set(o, "run_dir", json_text(lab->run_dir));
	set(o, "reproduce", json_text(result->reproduce));
	return o;
}

static void end(struct teller *t, const struct report_result *result)
{
	json_t *o = verdict(t, result);
	struct text text = {0};

	json_write(&text, o, true);
	teller_write(t, &text);
	text_fini(&text);
	json_decref(o);
}

static void fini(void *state)
{
	struct json_state *s = state;

	json_decref(s->lab);
	json_decref(s->expectations);
	json_decref(s->steps);
}

const struct report_writer report_json = {
	.state_size = sizeof(struct json_state),
	.begin = begin,
	.step_end = step_end,
	.end = end,
	.fini = fini,
};
