/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What leaving a next hop cost, written and read back: the flows' times and losses, who moved, and connections' fates. */
#include "report_int.h"

#include <jansson.h>
#include <string.h>

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new_nocheck(object, key, value);
}

static json_t *time_or_null(int64_t ns)
{
	return ns >= 0 ? json_integer(ns) : json_null();
}

static int64_t time_of(const json_t *o, const char *key)
{
	const json_t *value = json_object_get(o, key);

	return json_is_integer(value) ? (int64_t)json_integer_value(value) : -1;
}

static uint64_t count_of(const json_t *o, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(o, key));

	return n > 0 ? (uint64_t)n : 0;
}

/* ---- Flows that left ---- */

json_t *json_leaving(const struct judge_leaving *l)
{
	json_t *o = json_object();

	set(o, "word", json_text(judge_word_name(l->word)));
	set(o, "word_ns", time_or_null(l->word_ns));
	set(o, "fib_ns", time_or_null(l->fib_ns));
	set(o, "new_path_ns", time_or_null(l->new_path_ns));
	set(o, "old_path_ns", time_or_null(l->old_path_ns));
	set(o, "flows", json_integer((json_int_t)l->flows));
	set(o, "affected", json_integer((json_int_t)l->affected));
	set(o, "unmoved", json_integer((json_int_t)l->unmoved));
	set(o, "sent", json_integer((json_int_t)l->sent));
	set(o, "lost", json_integer((json_int_t)l->lost));
	set(o, "lost_flows", json_integer((json_int_t)l->lost_flows));
	set(o, "black_hole_longest_ns", json_integer(l->black_hole_longest_ns));
	set(o, "black_hole_ns", json_integer(l->black_hole_ns));
	set(o, "loss_span_ns", json_integer(l->loss_span_ns));
	set(o, "no_route", json_integer((json_int_t)l->no_route));
	set(o, "no_route_ns", json_integer(l->no_route_ns));
	return o;
}

void json_leaving_read(const json_t *o, struct judge_leaving *ret)
{
	const char *word = json_string_value(json_object_get(o, "word"));

	*ret = (struct judge_leaving){.word_ns = time_of(o, "word_ns"),
				      .fib_ns = time_of(o, "fib_ns"),
				      .new_path_ns = time_of(o, "new_path_ns"),
				      .old_path_ns = time_of(o, "old_path_ns"),
				      .flows = count_of(o, "flows"),
				      .affected = count_of(o, "affected"),
				      .unmoved = count_of(o, "unmoved"),
				      .sent = count_of(o, "sent"),
				      .lost = count_of(o, "lost"),
				      .lost_flows = count_of(o, "lost_flows"),
				      .black_hole_longest_ns = time_of(o, "black_hole_longest_ns"),
				      .black_hole_ns = time_of(o, "black_hole_ns"),
				      .loss_span_ns = time_of(o, "loss_span_ns"),
				      .no_route = count_of(o, "no_route"),
				      .no_route_ns = time_of(o, "no_route_ns")};
	for (enum judge_word w = JUDGE_WORD_WITHDRAWN; word != NULL && w <= JUDGE_WORD_ANNOUNCED; w++)
		ret->word = strcmp(word, judge_word_name(w)) == 0 ? w : ret->word;
}

/* ---- Flows that moved: what json.c's moves has of them ---- */

void json_moves_read(const json_t *o, struct judge_membership *ret)
{
	const char *named = json_string_value(json_object_get(o, "algorithm"));

	*ret = (struct judge_membership){.flows = count_of(o, "flows"),
					 .moved = count_of(o, "moved"),
					 .forced = count_of(o, "forced"),
					 .innocent = count_of(o, "innocent"),
					 .survivors = count_of(o, "survivors"),
					 .lost = count_of(o, "lost")};
	for (enum judge_algorithm a = 0; named != NULL && a < JUDGE_ALGORITHM_COUNT; a++) {
		if (strcmp(named, judge_algorithm_name(a)) != 0)
			continue;
		ret->named = a;
		ret->fitting = 1;
	}
}

/* ---- Connections ---- */

json_t *json_connections(const struct report_connections *c)
{
	json_t *o = json_object(), *resetters = json_object();

	set(o, "count", json_integer(c->count));
	set(o, "answered", json_integer(c->answered));
	set(o, "refused", json_integer(c->refused));
	set(o, "reset", json_integer(c->reset));
	set(o, "timed_out", json_integer(c->timed_out));
	set(o, "broken", json_integer(c->broken));
	for (size_t i = 0; i < c->resetter_count; i++)
		json_object_set_new(resetters, c->resetters[i].node,
				    json_integer(c->resetters[i].count)); /* our names */
	set(o, "reset_by", resetters);
	return o;
}

static uint32_t number_of(const json_t *o, const char *key)
{
	uint64_t n = count_of(o, key);

	return n <= UINT32_MAX ? (uint32_t)n : 0;
}

static void resetters_read(const json_t *o, struct arena *arena, struct report_connections *c)
{
	struct report_resetter *by = arena_array(arena, json_object_size(o), sizeof(*by));
	const char *key;
	json_t *value;
	/* jansson iterates over what it does not change, but wants it changeable */
	void *at = json_object_iter((json_t *)(uintptr_t)o);

	for (; at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)o, at)) {
		json_int_t n;

		key = json_object_iter_key(at);
		value = json_object_iter_value(at);
		n = json_integer_value(value);
		if (n > 0 && n <= UINT32_MAX)
			by[c->resetter_count++] = (struct report_resetter){arena_strdup(arena, key), (uint32_t)n};
	}
	c->resetters = by;
}

const struct report_connections *json_connections_read(const json_t *o, struct arena *arena)
{
	struct report_connections *c;

	if (!json_is_object(o))
		return NULL;
	c = arena_alloc(arena, sizeof(*c));
	*c = (struct report_connections){.count = number_of(o, "count"),
					 .answered = number_of(o, "answered"),
					 .refused = number_of(o, "refused"),
					 .reset = number_of(o, "reset"),
					 .timed_out = number_of(o, "timed_out"),
					 .broken = number_of(o, "broken")};
	resetters_read(json_object_get(o, "reset_by"), arena, c);
	return c;
}
