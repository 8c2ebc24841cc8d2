/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sweep: {seeds: 8}: the flows of the step before under one seed after the other, each judged. */
#include "plan_int.h"

#include <string.h>

#define SEEDS_MAX 1000
#define DETECT_DEFAULT 0.25
#define WITHIN_NS (3 * NS_PER_S)

struct sweep {
	const uint32_t *seeds;
	size_t seed_count;
	double detect;
};

typedef VEC(struct plan_step) step_list;

/* How many, which are 1, 2, 3 and so on, or which. */
static void field_seeds(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	const struct field number = {.key = f->key, .min = 1, .max = SEEDS_MAX};
	const struct field seed = {.key = f->key, .min = 1, .max = UINT32_MAX};
	struct sweep *sweep = ret;
	uint32_t n = 0, *seeds;

	if (v->kind == YAML_LIST)
		n = (uint32_t)(v->count < SEEDS_MAX ? v->count : SEEDS_MAX);
	else
		field_u32(r, v, &number, &n);
	seeds = arena_array(r->arena, (size_t)n + 1, sizeof(*seeds));
	for (uint32_t i = 0; i < n; i++) {
		seeds[i] = i + 1;
		if (v->kind == YAML_LIST)
			field_u32(r, v->items[i], &seed, &seeds[i]);
	}
	if (v->kind == YAML_LIST && (v->count == 0 || v->count > SEEDS_MAX))
		reader_fault(r, v, "seeds: from 1 to %d of them", SEEDS_MAX);
	sweep->seeds = seeds;
	sweep->seed_count = n;
}

static const struct field sweep_fields[] = {
	{.key = "seeds", .read = field_seeds, .required = true},
	{.key = "detect", .read = plan_share_read, .offset = offsetof(struct sweep, detect)},
};
static const struct record sweep_record = {.what = "sweep", RECORD_FIELDS(sweep_fields)};

static void expect_add(struct reader *r, const struct plan_step *at, const struct plan_expect *what, step_list *ret)
{
	struct plan_step step = {.kind = PLAN_STEP_EXPECT, .at = at->at, .expect = *what};

	step.expect.within_ns = WITHIN_NS;
	step.expect.namespace = "default";
	step.expect.of = PLAN_OF_FLOWS;
	step.text = arena_strdup(r->arena, what->text);
	VEC_PUSH(ret, step);
}

/* The next hops' shares hold under each seed, and each flow goes where the kernel says; of IPv6, where that may be unable to say,
 * where it went the first time. */
static void seed_add(struct reader *r, const struct sweep *sweep, uint32_t seed, const struct plan_step *at,
		     step_list *ret)
{
	const struct plan_lab *lab = &plan_state(r)->plan->lab;
	struct plan_step hash = {.kind = PLAN_STEP_HASH, .at = at->at, .hashing = {.seed = seed}};
	struct plan_step flows = {.kind = PLAN_STEP_FLOWS, .at = at->at, .traffic = {.again = true, .packets = 1}};

	hash.hashing.use_neighbours = lab->hashing.use_neighbours;
	hash.text = arena_printf(r->arena, "hash seed %u", seed);
	flows.text = "flows again true";
	VEC_PUSH(ret, hash);
	VEC_PUSH(ret, flows);
	expect_add(r, at,
		   &(struct plan_expect){.kind = PLAN_EXPECT_SPREAD,
					 .spread = PLAN_SPREAD_WEIGHTED,
					 .detect = sweep->detect,
					 .text = arena_printf(r->arena, "spread weighted under seed %u", seed)},
		   ret);
	if (lab->client_net.addr.family == ADDR_V6)
		VEC_PUSH(ret, flows);
	expect_add(r, at,
		   &(struct plan_expect){.kind = PLAN_EXPECT_PREDICTED,
					 .text = arena_printf(r->arena, "paths predicted under seed %u", seed)},
		   ret);
}

void plan_sweep_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct sweep sweep = {.detect = DETECT_DEFAULT};
	struct plan_state *s = plan_state(r);
	struct plan_step *step = ret;
	step_list steps = {0};

	(void)f;
	step->kind = PLAN_STEP_HASH;
	if (!record_read_over(r, v, &sweep_record, &sweep))
		return;
	if (!s->flows_done)
		diag_hint(r, reader_fault(r, v, "sweep: no flows step before this one"),
			  "begin with - flows: {service: ..., count: 3000}");
	s->again_done = true;
	for (size_t i = 0; i < sweep.seed_count; i++)
		seed_add(r, &sweep, sweep.seeds[i], step, &steps);
	if (steps.len > 0) {
		*step = steps.at[0];
		step->then = arena_memdup(r->arena, steps.at + 1, (steps.len - 1) * sizeof(*steps.at));
		step->then_count = steps.len - 1;
	}
	VEC_FREE(&steps);
}
