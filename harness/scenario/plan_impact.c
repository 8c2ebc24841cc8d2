/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A scenario turned into a question: what happens to flows and connections when a worker leaves in one way or another. Its lab
 * stays, and of its steps those that build it up; what follows is the same for each scenario. */
#include "instant.h"
#include "plan_int.h"

#include <stdio.h>
#include <string.h>

#define SETUP_WITHIN_NS (20 * NS_PER_S)
#define MOVED_WITHIN_NS NS_PER_S
#define GOING_MAX 500U /* flows in the background: enough to time the change */
#define GOING_RATE 5000U
#define VARY_SOURCES 5U /* port and address: whatever the router's hash looks at */
#define BUCKETS 128U

static const char *const failure_words[PLAN_FAIL_COUNT] = {
	[PLAN_FAIL_LINK_DOWN] = "link_down", [PLAN_FAIL_POWER_LOSS] = "power_loss",
	[PLAN_FAIL_CRASH] = "crash",	     [PLAN_FAIL_WITHDRAW] = "withdraw",
	[PLAN_FAIL_DRAIN] = "drain",	     [PLAN_FAIL_SHUTDOWN] = "graceful_shutdown"};
static const char *const group_words[PLAN_GROUP_COUNT] = {
	[PLAN_GROUP_AS_SET] = "as_set", [PLAN_GROUP_PLAIN] = "hash_threshold", [PLAN_GROUP_RESILIENT] = "resilient"};

static bool word_of(const char *const *words, size_t n, const char *word, unsigned int *ret)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(words[i], word) != 0)
			continue;
		*ret = (unsigned int)i;
		return true;
	}
	return false;
}

bool plan_failure_of(const char *word, enum plan_failure *ret)
{
	unsigned int at = 0;
	bool found = word_of(failure_words, PLAN_FAIL_COUNT, word, &at);

	*ret = (enum plan_failure)at;
	return found;
}

bool plan_group_of(const char *word, enum plan_group *ret)
{
	unsigned int at = 0;
	bool found = word_of(group_words, PLAN_GROUP_COUNT, word, &at);

	*ret = (enum plan_group)at;
	return found;
}

/* ---- What is kept ---- */

/* A step that builds the lab up, or waits until it is. */
static bool is_setup(const struct plan_step *step)
{
	enum plan_expect_kind what = step->expect.kind;

	if (step->kind == PLAN_STEP_EXPECT)
		return !step->expect.never && (what == PLAN_EXPECT_SESSIONS || what == PLAN_EXPECT_ANNOUNCED_BY ||
					       what == PLAN_EXPECT_NEXT_HOPS || what == PLAN_EXPECT_BFD);
	return step->kind == PLAN_STEP_APPLY || step->kind == PLAN_STEP_SCALE || step->kind == PLAN_STEP_HASH;
}

static const struct kube_object *service_among(const struct kube_object *objects, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (objects[i].kind == KUBE_SERVICE && objects[i].service.type == KUBE_LOAD_BALANCER)
			return &objects[i];
	}
	return NULL;
}

/* The Service that traffic goes to: the first that the steps kept, or the manifests, have. */
static const struct kube_object *service_of(const struct plan *p, size_t kept)
{
	const struct kube_object *o = service_among(p->manifests, p->manifest_count);

	for (size_t i = 0; i < kept && o == NULL; i++)
		o = service_among(p->steps[i].objects, p->steps[i].object_count);
	return o;
}

/* ---- What follows ---- */

struct builder {
	struct plan *plan;
	const struct plan_impact *what;
	const struct kube_meta *service;
	struct plan_at at;
	VEC(struct plan_step) steps;
};

static struct plan_step *add(struct builder *b, enum plan_step_kind kind, const char *text)
{
	VEC_PUSH(&b->steps, (struct plan_step){.kind = kind, .at = b->at, .text = text});
	return &b->steps.at[b->steps.len - 1];
}

static void add_expect(struct builder *b, struct plan_expect e, const char *text)
{
	e.text = text;
	add(b, PLAN_STEP_EXPECT, text)->expect = e;
}

static void add_ready(struct builder *b)
{
	struct plan_expect e = {.kind = PLAN_EXPECT_NEXT_HOPS,
				.within_ns = SETUP_WITHIN_NS,
				.service = b->service->name,
				.namespace = b->service->namespace,
				.who = {.kind = PLAN_WHO_ALL}};

	for (size_t i = 0; i < b->steps.len; i++) {
		if (b->steps.at[i].kind == PLAN_STEP_EXPECT && b->steps.at[i].expect.kind == PLAN_EXPECT_NEXT_HOPS)
			return;
	}
	add_expect(b, e, arena_printf(&b->plan->arena, "service %s next_hops all within 20s", b->service->name));
}

static void add_flows(struct builder *b, struct plan_traffic t, const char *text)
{
	t.service = b->service->name;
	t.namespace = b->service->namespace;
	t.packets = 1;
	t.vary = VARY_SOURCES;
	add(b, PLAN_STEP_FLOWS, text)->traffic = t;
}

static void add_traffic(struct builder *b)
{
	struct arena *arena = &b->plan->arena;
	uint32_t going = b->what->flows < GOING_MAX ? b->what->flows : GOING_MAX;

	add_flows(b, (struct plan_traffic){.count = b->what->flows},
		  arena_printf(arena, "flows service %s count %u", b->service->name, b->what->flows));
	if (b->what->connections > 0)
		add(b, PLAN_STEP_HTTP,
		    arena_printf(arena, "http service %s requests %u hold true", b->service->name,
				 b->what->connections))
			->traffic = (struct plan_traffic){.service = b->service->name,
							  .namespace = b->service->namespace,
							  .count = b->what->connections,
							  .hold = true};
	add_flows(b, (struct plan_traffic){.count = going, .rate = GOING_RATE, .background = true},
		  arena_printf(arena, "flows service %s count %u rate %u background true", b->service->name, going,
			       GOING_RATE));
}

static void add_leaving(struct builder *b)
{
	struct arena *arena = &b->plan->arena;
	unsigned int *worker = arena_alloc(arena, sizeof(*worker));
	struct plan_step *fail =
		add(b, PLAN_STEP_FAIL,
		    arena_printf(arena, "fail worker worker%u how %s", b->what->worker, failure_words[b->what->way]));

	fail->worker = b->what->worker;
	fail->failure = b->what->way;
	*worker = b->what->worker;
	add_expect(b,
		   (struct plan_expect){.kind = PLAN_EXPECT_LEFT,
					.within_ns = b->what->within_ns,
					.namespace = "default",
					.who = {PLAN_WHO_LIST, worker, 1},
					.lost_most = UINT64_MAX,
					.black_hole_ns = -1,
					.told = true},
		   arena_printf(arena, "no_packet_on worker%u", b->what->worker));
	add(b, PLAN_STEP_FLOWS, "flows again true")->traffic = (struct plan_traffic){.again = true};
	add_expect(b,
		   (struct plan_expect){.kind = PLAN_EXPECT_MOVED,
					.within_ns = MOVED_WITHIN_NS,
					.namespace = "default",
					.at_most = PLAN_MOVES_REHASH,
					.told = true,
					.detect = 0.01},
		   "moved_flows at_most rehash");
	if (b->what->connections > 0)
		add(b, PLAN_STEP_HTTP, "http release true")->traffic = (struct plan_traffic){.release = true};
}

static void group_set(struct plan_lab *lab, enum plan_group group)
{
	if (group == PLAN_GROUP_PLAIN)
		lab->groups = (struct plan_groups){0};
	else if (group == PLAN_GROUP_RESILIENT)
		lab->groups = (struct plan_groups){.on = true, .resilient = true, .buckets = BUCKETS};
}

static bool refused(struct plan *p, const struct plan_impact *what, const char **ret_why)
{
	*ret_why = NULL;
	if (p->virtual.on)
		*ret_why = "the scenario is played without a kernel, and traffic needs one";
	else if (p->lab.workers < 2)
		*ret_why = "the scenario has one worker, and nobody to take over from it";
	else if (what->worker == 0 || what->worker > p->lab.workers)
		*ret_why = arena_printf(&p->arena, "the scenario has worker1 to worker%u, and no worker%u",
					p->lab.workers, what->worker);
	else if (what->group != PLAN_GROUP_AS_SET && !plan_daemon_installs_routes(p->lab.daemon))
		*ret_why = "this router installs no routes, and groups have none to follow";
	else if (what->group != PLAN_GROUP_AS_SET && p->lab.upstream.routers > 0)
		*ret_why = "the groups of routers below lab.upstream can't be chosen";
	return *ret_why != NULL;
}

bool plan_set_impact(struct plan *p, const struct plan_impact *what, const char **ret_why)
{
	struct builder b = {.plan = p, .what = what, .at = {p->file, 0, 0}};
	const struct kube_object *service;
	size_t kept = 0;

	if (refused(p, what, ret_why))
		return false;
	while (kept < p->step_count && is_setup(&p->steps[kept]))
		kept++;
	service = service_of(p, kept);
	if (service == NULL) {
		*ret_why = "no Service of type LoadBalancer comes before the first failure or traffic";
		return false;
	}
	b.service = &service->meta;
	for (size_t i = 0; i < kept; i++)
		VEC_PUSH(&b.steps, p->steps[i]);
	add_ready(&b);
	add_traffic(&b);
	add_leaving(&b);
	group_set(&p->lab, what->group);
	p->name = arena_printf(&p->arena, "%s-%s-%s", p->name, failure_words[what->way], group_words[what->group]);
	p->steps = arena_memdup(&p->arena, b.steps.at, b.steps.len * sizeof(*b.steps.at));
	p->step_count = b.steps.len;
	VEC_FREE(&b.steps);
	return true;
}
