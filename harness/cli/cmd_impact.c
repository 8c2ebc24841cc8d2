/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli_int.h"
#include "instant.h"
#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAYS_DEFAULT "withdraw,graceful_shutdown,drain,crash,link_down,power_loss"
#define GROUPS_DEFAULT "hash_threshold,resilient"
#define FLOWS_DEFAULT 3000
#define FLOWS_MAX 60000
#define CONNECTIONS_DEFAULT 200
#define CONNECTIONS_MAX 20000
#define PATIENCE_DEFAULT 5
#define PATIENCE_MAX 600
#define CASES_MAX ((size_t)PLAN_FAIL_COUNT * PLAN_GROUP_COUNT)

enum { OPT_FLOWS = 256, OPT_WAYS, OPT_GROUPS, OPT_PATIENCE, OPT_JSON };

struct arguments {
	struct cli_shared shared;
	const char *scenario, *ways, *groups, *worker;
	struct plan_impact what;
	struct run_suite_options options;
};

static const struct argp_option options[] = {
	{"remove", 'r', "WORKER", 0, "the worker that leaves, by name or number", 0},
	{"flows", OPT_FLOWS, "N", 0, "flows to follow (default 3000)", 0},
	{"connections", 'c', "N", 0, "TCP connections held over it (default 200; 0: none)", 0},
	{"ways", OPT_WAYS, "LIST", 0, "ways of leaving, with commas (default " WAYS_DEFAULT ")", 0},
	{"groups", OPT_GROUPS, "LIST", 0,
	 "the router's next hops: as_set, hash_threshold, resilient (default the last two, as_set for a real daemon "
	 "and two tiers)",
	 0},
	{"patience", OPT_PATIENCE, "SECONDS", 0, "how long to wait for the flows to leave (default 5)", 0},
	{"json", OPT_JSON, NULL, 0, "print one JSON object instead of the table", 0},
	{0},
};

/* From 1 on. False after complaining. */
static bool number(const char *option, const char *arg, uint64_t least, uint64_t most, uint32_t *ret)
{
	uint64_t n;

	if (!cli_number(option, arg, most, &n))
		return false;
	if (n < least)
		cli_complain("%s takes a number from %llu on, not %s", option, (unsigned long long)least, arg);
	*ret = (uint32_t)n;
	return n >= least;
}

static error_t parse_option(int key, const char *arg, struct arguments *a)
{
	uint32_t seconds = 0;

	switch (key) {
	case OPT_FLOWS:
		return number("--flows", arg, 1, FLOWS_MAX, &a->what.flows) ? 0 : EINVAL;
	case 'c':
		return number("--connections", arg, 0, CONNECTIONS_MAX, &a->what.connections) ? 0 : EINVAL;
	case OPT_PATIENCE:
		if (!number("--patience", arg, 1, PATIENCE_MAX, &seconds))
			return EINVAL;
		a->what.within_ns = seconds * NS_PER_S;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;
	error_t result;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->shared;
		return 0;
	case 'r':
		a->worker = arg;
		return 0;
	case OPT_WAYS:
		a->ways = arg;
		return 0;
	case OPT_GROUPS:
		a->groups = arg;
		return 0;
	case OPT_JSON:
		a->options.page = RUN_SUITE_IMPACT_JSON;
		return 0;
	case ARGP_KEY_SUCCESS:
		if (a->worker == NULL)
			argp_error(state, "which worker leaves? such as --remove worker2");
		return 0;
	default:
		result = parse_option(key, arg, a);
		return result == ARGP_ERR_UNKNOWN ? cli_one_scenario(key, arg, state, &a->scenario) : result;
	}
}

/* "worker2" or "2". */
static bool worker_of(const char *word, unsigned int *ret)
{
	const char *digits = strncmp(word, "worker", 6) == 0 ? word + 6 : word;

	if (*digits == '\0' || strlen(digits) > 5 || digits[strspn(digits, "0123456789")] != '\0') {
		cli_complain("--remove takes a worker such as worker2, not \"%s\"", word);
		return false;
	}
	*ret = (unsigned int)strtoul(digits, NULL, 10);
	return true;
}

struct cases {
	struct plan *at[CASES_MAX];
	size_t n;
};

/* The plan once more, with a worker that leaves in this way. False after complaining. */
static bool case_add(const struct arguments *a, struct diags *diags, enum plan_failure way, enum plan_group group,
		     struct cases *ret)
{
	struct plan_impact what = a->what;
	const char *why;
	struct plan *p = plan_read(a->scenario, diags);

	if (p == NULL)
		return false;
	what.way = way;
	what.group = group;
	ret->at[ret->n++] = p;
	if (plan_set_impact(p, &what, &why))
		return true;
	cli_complain("%s: %s", a->scenario, why);
	return false;
}

static bool group_add(const struct arguments *a, struct arena *arena, struct diags *diags, enum plan_group group,
		      struct cases *ret)
{
	char *list = arena_strdup(arena, a->ways), *word;

	while ((word = strsep(&list, ",")) != NULL) {
		enum plan_failure way;

		if (!plan_failure_of(word, &way)) {
			cli_complain("--ways: \"%s\" is none of " WAYS_DEFAULT, word);
			return false;
		}
		if (ret->n == CASES_MAX) {
			cli_complain("--ways and --groups: more than %zu cases", CASES_MAX);
			return false;
		}
		if (!case_add(a, diags, way, group, ret))
			return false;
	}
	return true;
}

/* What the router can be told of its groups. NULL: the scenario can't be read. */
static const char *groups_of(const struct arguments *a, struct diags *diags)
{
	struct plan *p = a->groups == NULL ? plan_read(a->scenario, diags) : NULL;
	const char *ret = a->groups != NULL ? a->groups : p == NULL ? NULL : "as_set";

	if (p != NULL && p->lab.daemon == PLAN_BUILTIN && p->lab.upstream.routers == 0)
		ret = GROUPS_DEFAULT;
	plan_free(p);
	return ret;
}

static bool cases_make(const struct arguments *a, struct arena *arena, struct diags *diags, struct cases *ret)
{
	const char *groups = groups_of(a, diags);
	char *list = groups != NULL ? arena_strdup(arena, groups) : NULL, *word;

	while ((word = strsep(&list, ",")) != NULL) {
		enum plan_group group;

		if (!plan_group_of(word, &group)) {
			cli_complain("--groups: \"%s\" is none of as_set, hash_threshold, resilient", word);
			return false;
		}
		if (!group_add(a, arena, diags, group, ret))
			return false;
	}
	return groups != NULL;
}

static int impact(const struct cli_command *self, int argc, char **argv)
{
	char doc[2048];
	struct arguments a = {.ways = WAYS_DEFAULT,
			      .what = {.flows = FLOWS_DEFAULT,
				       .connections = CONNECTIONS_DEFAULT,
				       .within_ns = PATIENCE_DEFAULT * NS_PER_S},
			      .options = {.jobs = 1, .program = "ecmplab", .page = RUN_SUITE_IMPACT}};
	struct argp argp = {.options = options,
			    .parser = parse,
			    .children = cli_shared_child,
			    .args_doc = self->arguments,
			    .doc = doc};
	struct cases cases = {.n = 0};
	struct arena arena = {0};
	struct diags diags = {0};
	struct errmsg err = {0};
	int result = RUN_USAGE;

	cli_usage_text(self, doc, sizeof(doc));
	if (argp_parse(&argp, argc, argv, 0, NULL, &a) != 0 || !worker_of(a.worker, &a.what.worker))
		return RUN_USAGE;
	a.options.out = a.shared.out;
	a.options.has_seed = a.shared.has_seed;
	a.options.seed = a.shared.seed;
	a.options.style = cli_style(a.shared.colour, STDOUT_FILENO);
	if (cases_make(&a, &arena, &diags, &cases))
		result = (int)run_suite((const struct plan *const *)cases.at, cases.n, &a.options, &err);
	else if (diags.list.len > 0)
		(void)cli_refuse(&diags);
	if (err.code != 0)
		cli_complain("%s", err.text);
	for (size_t i = 0; i < cases.n; i++)
		plan_free(cases.at[i]);
	diags_fini(&diags);
	arena_clear(&arena);
	return result;
}

const struct cli_command cli_impact = {
	.name = "impact",
	.arguments = "SCENARIO",
	.about = "what happens to flows and connections when a worker leaves",
	.examples = "  ecmplab impact scenarios/article-l4 --remove worker2 --flows 5000\n"
		    "  ecmplab impact my/scenario.yaml -r worker1 --ways drain,power_loss --json | jq .ways\n",
	.run = impact,
};
