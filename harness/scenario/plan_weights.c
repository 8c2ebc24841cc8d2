/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Next hops that weigh: workers.link_bandwidth, which tells routers so, and what the kernel is to have made of it. */
#include "plan_int.h"

#include <stdlib.h>
#include <string.h>

#define BITS 8U
#define RATE_MAX_BITS 1e15 /* a float of octets a second has room for far more */
#define WEIGHT_MAX 65536U

/* 10G, 2.5G, 100M, 1000: bits a second, as links are named */
static bool rate(struct reader *r, const struct yaml_node *v, uint64_t *ret)
{
	static const struct {
		char letter;
		double factor;
	} units[] = {{'k', 1e3}, {'K', 1e3}, {'M', 1e6}, {'G', 1e9}, {'T', 1e12}};
	double value = 0;
	char *end = NULL;

	if (v->kind == YAML_TEXT && *v->text >= '0' && *v->text <= '9' &&
	    v->text[strspn(v->text, "0123456789.kKMGT")] == '\0')
		value = strtod(v->text, &end);
	for (size_t i = 0; end != NULL && *end != '\0' && i < sizeof(units) / sizeof(units[0]); i++) {
		if (*end == units[i].letter && end[1] == '\0') {
			value *= units[i].factor;
			end++;
			break;
		}
	}
	if (end == NULL || *end != '\0' || value < BITS || value > RATE_MAX_BITS) {
		diag_hint(r, reader_fault(r, v, "link_bandwidth: expected bits a second"),
			  "such as 10G, or a list of them that the workers take in turn: [10G, 10G, 40G]");
		return false;
	}
	*ret = (uint64_t)(value / BITS);
	return true;
}

void plan_bandwidths_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	size_t n = v->kind == YAML_LIST ? v->count : 1;
	uint64_t *at = arena_array(r->arena, n + 1, sizeof(*at));

	if (n == 0)
		reader_fault(r, v, "%s: an empty list", f->key);
	for (size_t i = 0; i < n; i++) {
		if (!rate(r, v->kind == YAML_LIST ? v->items[i] : v, &at[i]))
			return;
	}
	span_set(ret, at, n);
}

void plan_bandwidths_check(struct plan_state *s, const struct yaml_node *workers, const struct plan_lab *lab)
{
	for (size_t i = 0; lab->bandwidth_count > 0 && i < lab->speaker_count; i++) {
		if (lab->speakers[i] == PLAN_BUILTIN)
			continue;
		diag_hint(&s->r,
			  reader_fault(&s->r, yaml_get_key(workers, "link_bandwidth"),
				       "only built-in speakers tell their links' bandwidth, not %s",
				       plan_daemon_name(lab->speakers[i])),
			  "leave out speaker");
		return;
	}
}

/* ---- next_hops: {worker1: 1, worker2: 2} ---- */

static int worker_order(const void *a, const void *b)
{
	unsigned int x = *(const unsigned int *)a, y = *(const unsigned int *)b;

	return x < y ? -1 : x > y;
}

void plan_weights_read(struct reader *r, const struct yaml_node *v, struct plan_expect *ret)
{
	const struct field weight = {.key = "next_hops", .min = 1, .max = WEIGHT_MAX};
	uint32_t *weights = arena_array(r->arena, plan_state(r)->plan->lab.workers, sizeof(*weights));
	unsigned int *at = arena_array(r->arena, v->count + 1, sizeof(*at));
	size_t n = 0;

	for (size_t i = 0; i < v->count; i++) {
		uint32_t value = 0;

		if (!plan_worker(plan_state(r), v->pairs[i].key, &at[n]))
			continue;
		field_u32(r, v->pairs[i].value, &weight, &value);
		if (weights[at[n] - 1] != 0)
			reader_fault(r, v->pairs[i].key, "next_hops: worker%u is here twice", at[n]);
		weights[at[n] - 1] = value;
		n++;
	}
	if (v->count == 0)
		reader_fault(r, v, "next_hops: no worker");
	qsort(at, n, sizeof(*at), worker_order);
	ret->weights = weights;
	ret->who = (struct plan_who){PLAN_WHO_LIST, at, n};
}
