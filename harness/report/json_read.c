/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A verdict.json back into records. The file may have been written by anyone: a key that is missing or of another type
 * reads as nothing. */
#include "report_int.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *string_of(const json_t *object, const char *key, struct arena *arena)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s != NULL ? arena_strdup(arena, s) : NULL;
}

static int64_t integer_of(const json_t *object, const char *key)
{
	return (int64_t)json_integer_value(json_object_get(object, key));
}

static uint64_t count_of(const json_t *object, const char *key)
{
	int64_t n = integer_of(object, key);

	return n > 0 ? (uint64_t)n : 0;
}

static unsigned int line_of(const json_t *object)
{
	uint64_t n = count_of(object, "line");

	return n <= INT32_MAX ? (unsigned int)n : 0;
}

/* An unknown word counts as broken: it must not pass. */
static enum report_verdict verdict_of(const json_t *object)
{
	const char *word = json_string_value(json_object_get(object, "verdict"));

	for (int v = 0; word != NULL && v < REPORT_VERDICT_COUNT; v++) {
		if (strcmp(word, report_verdict_name((enum report_verdict)v)) == 0)
			return (enum report_verdict)v;
	}
	return REPORT_BROKEN;
}

static uint64_t seed_of(const json_t *object)
{
	const json_t *value = json_object_get(object, "seed");

	return json_is_string(value) ? strtoull(json_string_value(value), NULL, 10) : count_of(object, "seed");
}

static struct addr address_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));
	struct addr a = {0};

	if (s == NULL || addr_parse(s, &a) < 0)
		return (struct addr){0};
	return a;
}

static enum judge_verdict judge_verdict_of(enum report_verdict v)
{
	if (v == REPORT_PASSED)
		return JUDGE_PASS;
	return v == REPORT_FAILED ? JUDGE_FAIL : JUDGE_INCONCLUSIVE;
}

static void read_frames(const json_t *array, struct arena *arena, struct judge_finding *f)
{
	size_t n = json_array_size(array);

	f->frame_count = n < JUDGE_FRAMES_MAX ? n : JUDGE_FRAMES_MAX;
	for (size_t i = 0; i < f->frame_count; i++) {
		const json_t *o = json_array_get(array, i);

		f->frames[i] = (struct judge_frame){string_of(o, "file", arena), count_of(o, "frame")};
	}
}

static void read_spread(const json_t *object, struct arena *arena, struct judge_finding *f)
{
	const json_t *array = json_object_get(object, "shares");
	const json_t *chi = json_object_get(object, "chi_square");
	size_t n = json_array_size(array);
	struct judge_share *shares = arena_array(arena, n, sizeof(*shares));

	for (size_t i = 0; i < n; i++) {
		const json_t *o = json_array_get(array, i);

		shares[i] = (struct judge_share){.worker = string_of(o, "worker", arena),
						 .count = count_of(o, "count"),
						 .expected = json_number_value(json_object_get(o, "expected"))};
	}
	f->shares = shares;
	f->share_count = n;
	f->chi.statistic = json_number_value(json_object_get(chi, "statistic"));
	f->chi.p = json_number_value(json_object_get(chi, "p"));
	f->chi.df = (unsigned int)(count_of(chi, "df") & UINT32_MAX);
	f->chi.exact = json_is_true(json_object_get(chi, "exact"));
	f->detectable = json_number_value(json_object_get(object, "detectable_bias"));
	f->flows_needed = count_of(object, "flows_needed");
	f->chi.error = json_number_value(json_object_get(chi, "error"));
	f->alpha = json_number_value(json_object_get(object, "alpha"));
	f->power = json_number_value(json_object_get(object, "power"));
	f->planned = json_number_value(json_object_get(object, "planned_bias"));
}

static const struct judge_finding *finding_of(const json_t *object, struct arena *arena)
{
	struct judge_finding *f = arena_alloc(arena, sizeof(*f));

	f->verdict = judge_verdict_of(verdict_of(object));
	f->seen = string_of(object, "seen", arena);
	f->why = string_of(object, "why", arena);
	read_frames(json_object_get(object, "frames"), arena, f);
	read_spread(object, arena, f);
	if (json_is_object(json_object_get(object, "leaving")))
		json_leaving_read(json_object_get(object, "leaving"), &f->leaving);
	if (json_is_object(json_object_get(object, "moves")))
		json_moves_read(json_object_get(object, "moves"), &f->membership);
	return f;
}

static void read_steps(const json_t *root, struct arena *arena, struct report_case *c)
{
	const json_t *array = json_object_get(root, "steps");
	const json_t *expectations = json_object_get(root, "expectations");
	size_t n = json_array_size(array);
	struct report_step *steps = arena_array(arena, n, sizeof(*steps));

	for (size_t i = 0; i < n; i++) {
		const json_t *o = json_array_get(array, i);
		const json_t *which = json_object_get(o, "expectation");
		const json_t *e =
			json_is_integer(which) ? json_array_get(expectations, (size_t)json_integer_value(which)) : NULL;

		steps[i] = (struct report_step){.file = string_of(o, "file", arena),
						.line = line_of(o),
						.kind = string_of(o, "kind", arena),
						.text = string_of(o, "text", arena),
						.since_start_ns = integer_of(o, "since_start_ns"),
						.elapsed_ns = integer_of(o, "elapsed_ns"),
						.verdict = verdict_of(o),
						.detail = string_of(o, "detail", arena),
						.connections =
							json_connections_read(json_object_get(o, "connections"), arena),
						.finding = json_is_object(e) ? finding_of(e, arena) : NULL};
	}
	c->steps = steps;
	c->step_count = n;
}

static const struct judge_fib_story *fib_of(const json_t *root, struct arena *arena)
{
	const json_t *o = json_object_get(root, "fib"), *hole = json_object_get(o, "hole_longest");
	struct judge_fib_story *f;
	const char *prefix = json_string_value(json_object_get(hole, "prefix"));

	if (!json_is_object(o))
		return NULL;
	f = arena_alloc(arena, sizeof(*f));
	*f = (struct judge_fib_story){.prefixes = count_of(o, "prefixes"),
				      .added = count_of(o, "added"),
				      .replaced = count_of(o, "replaced"),
				      .removed = count_of(o, "removed"),
				      .announced_most = count_of(o, "announced_most"),
				      .installed_most = count_of(o, "installed_most"),
				      .alike_most = count_of(o, "alike_most"),
				      .followed = count_of(o, "followed"),
				      .unfollowed = count_of(o, "unfollowed"),
				      .delay_median_ns = integer_of(o, "delay_median_ns"),
				      .delay_longest_ns = integer_of(o, "delay_longest_ns"),
				      .holes = count_of(o, "holes"),
				      .hole_ns = integer_of(o, "hole_ns"),
				      .hole_longest_ns = integer_of(hole, "ns"),
				      .lost = count_of(o, "lost"),
				      .order = string_of(o, "order", arena)};
	if (prefix != NULL && prefix_parse(prefix, &f->hole_prefix) == 0)
		f->hole_since = instant_add(stamp_parse(json_string_value(json_object_get(root, "started"))),
					    integer_of(hole, "since_start_ns"));
	if (f->order == NULL)
		f->order = "";
	f->ordered = f->order[0] != '\0';
	return f;
}

static void read_result(const json_t *root, struct arena *arena, struct report_result *ret)
{
	const json_t *phases = json_object_get(root, "phases");
	const json_t *captures = json_object_get(root, "captures");
	struct report_phase *phase = arena_array(arena, json_array_size(phases), sizeof(*phase));
	struct report_capture *capture = arena_array(arena, json_array_size(captures), sizeof(*capture));
	double wall_s = json_number_value(json_object_get(root, "wall_s"));

	for (size_t i = 0; i < json_array_size(phases); i++) {
		const json_t *o = json_array_get(phases, i);

		phase[i] = (struct report_phase){string_of(o, "name", arena), integer_of(o, "elapsed_ns")};
	}
	for (size_t i = 0; i < json_array_size(captures); i++) {
		const json_t *o = json_array_get(captures, i);

		capture[i] = (struct report_capture){.file = string_of(o, "file", arena),
						     .frames = count_of(o, "frames"),
						     .dropped = count_of(o, "dropped")};
	}
	*ret = (struct report_result){.verdict = verdict_of(root),
				      .exit = (int)(integer_of(root, "exit") & 0xff),
				      .wall_ns = wall_s > 0 && wall_s < 1e9 ? (int64_t)(wall_s * 1e9 + 0.5) : 0,
				      .phases = phase,
				      .phase_count = json_array_size(phases),
				      .captures = capture,
				      .capture_count = json_array_size(captures),
				      .fib = fib_of(root, arena),
				      .reproduce = string_of(root, "reproduce", arena),
				      .message = string_of(root, "message", arena)};
}

static void read_lab(const json_t *root, struct arena *arena, struct report_lab *ret)
{
	const json_t *router = json_object_get(root, "router");

	*ret = (struct report_lab){
		.scenario = string_of(root, "scenario", arena),
		.about = string_of(root, "about", arena),
		.file = string_of(root, "file", arena),
		.router = {.daemon = string_of(router, "daemon", arena),
			   .version = string_of(router, "version", arena),
			   .cluster = address_of(router, "cluster"),
			   .clients = address_of(router, "clients"),
			   .as = (uint32_t)(count_of(router, "as") & UINT32_MAX),
			   .hash = string_of(router, "hash", arena)},
		.expectations = (size_t)count_of(root, "expectations_planned"),
		.seed = seed_of(root),
		.kernel = string_of(root, "kernel", arena),
		.run_dir = string_of(root, "run_dir", arena),
		.started = stamp_parse(json_string_value(json_object_get(root, "started"))),
	};
}

int report_case_read(const char *path, struct arena *arena, struct report_case *ret, struct errmsg *err)
{
	json_error_t error;
	json_t *root;

	errno = 0;
	root = json_load_file(path, 0, &error);
	if (root == NULL && json_error_code(&error) == json_error_cannot_open_file)
		return errmsg_set(err, errno != 0 ? -errno : -ENOENT, "%s", path);
	if (root == NULL)
		return errmsg_say(err, -EINVAL, "%s:%d:%d: %s", path, error.line, error.column, error.text);
	if (integer_of(root, "schema") != REPORT_SCHEMA) {
		json_decref(root);
		return errmsg_say(err, -EINVAL, "%s is no verdict of schema %d", path, REPORT_SCHEMA);
	}
	*ret = (struct report_case){0};
	read_lab(root, arena, &ret->lab);
	read_result(root, arena, &ret->result);
	read_steps(root, arena, ret);
	json_decref(root);
	return 0;
}
