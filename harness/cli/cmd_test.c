/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli_int.h"
#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define JOBS_MAX 64

enum { OPT_TAP = 256, OPT_JUNIT };

struct arguments {
	struct cli_shared shared;
	char **paths;
	int count;
	struct run_suite_options options;
};

static const struct argp_option options[] = {
	{"jobs", 'j', "N", 0, "scenarios at once (default 1)", 0},
	{"tap", OPT_TAP, "FILE", 0, "write TAP version 14; - is standard output", 0},
	{"junit", OPT_JUNIT, "FILE", 0, "write JUnit XML", 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;
	uint64_t jobs;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->shared;
		return 0;
	case 'j':
		if (!cli_number("-j", arg, JOBS_MAX, &jobs) || jobs == 0)
			return EINVAL;
		a->options.jobs = (unsigned int)jobs;
		return 0;
	case OPT_TAP:
		a->options.tap = arg;
		return 0;
	case OPT_JUNIT:
		a->options.junit = arg;
		return 0;
	case ARGP_KEY_ARGS:
		a->paths = state->argv + state->next;
		a->count = state->argc - state->next;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no folder of scenarios given");
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* All plans are read before the first is played: a mistake in any starts nothing. */
static bool plans_read(const char *const *files, size_t n, const struct plan **ret)
{
	struct diags diags = {0};
	bool good = true;

	for (size_t i = 0; i < n; i++) {
		ret[i] = plan_read(files[i], &diags);
		good = good && ret[i] != NULL;
	}
	if (!good)
		(void)cli_refuse(&diags);
	diags_fini(&diags);
	return good;
}

static int play(const struct arguments *a, struct arena *arena)
{
	struct errmsg err = {0};
	const char *const *files;
	const struct plan **plans;
	size_t n;
	int result = RUN_USAGE;

	if (run_suite_find((const char *const *)a->paths, (size_t)a->count, arena, &files, &n, &err) < 0) {
		cli_complain("%s", err.text);
		return RUN_USAGE;
	}
	plans = arena_array(arena, n, sizeof(struct plan *));
	if (plans_read(files, n, plans))
		result = (int)run_suite(plans, n, &a->options, &err);
	if (err.code != 0)
		cli_complain("%s", err.text);
	for (size_t i = 0; i < n; i++)
		plan_free((struct plan *)(uintptr_t)plans[i]);
	return result;
}

static int test(const struct cli_command *self, int argc, char **argv)
{
	char doc[2048];
	struct arguments a = {.options = {.jobs = 1, .program = "ecmplab"}};
	struct argp argp = {.options = options,
			    .parser = parse,
			    .children = cli_shared_child,
			    .args_doc = self->arguments,
			    .doc = doc};
	struct arena arena = {0};
	int result;

	cli_usage_text(self, doc, sizeof(doc));
	if (argp_parse(&argp, argc, argv, 0, NULL, &a) != 0)
		return RUN_USAGE;
	a.options.github = getenv("GITHUB_ACTIONS") != NULL;
	a.options.out = a.shared.out;
	a.options.has_seed = a.shared.has_seed;
	a.options.seed = a.shared.seed;
	a.options.style = cli_style(a.shared.colour, STDOUT_FILENO);
	result = play(&a, &arena);
	arena_clear(&arena);
	return result;
}

const struct cli_command cli_test = {
	.name = "test",
	.arguments = "DIR...",
	.about = "play several scenarios; TAP and JUnit for continuous integration",
	.examples = "  ecmplab test scenarios -j 2\n"
		    "  ecmplab test scenarios --tap - --junit report.xml\n",
	.run = test,
};
