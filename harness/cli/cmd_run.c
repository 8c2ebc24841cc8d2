/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli_int.h"
#include "scenario.h"

#include <stdio.h>
#include <unistd.h>

enum { OPT_KEEP = 256, OPT_JSON, OPT_VIRTUAL };

struct arguments {
	struct cli_shared shared;
	const char *scenario;
	bool virtual;
	struct run_options options;
};

static const struct argp_option options[] = {
	{"virtual", OPT_VIRTUAL, NULL, 0, "without a kernel and without waiting; skips what needs one", 0},
	{"keep", OPT_KEEP, NULL, 0, "hold the lab open after the last step, until Ctrl-C", 0},
	{"json", OPT_JSON, NULL, 0, "print the verdict as one JSON object instead of the page", 0},
	{"quiet", 'q', NULL, 0, "print nothing; the exit status and the run directory tell", 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->shared;
		return 0;
	case OPT_VIRTUAL:
		a->virtual = true;
		return 0;
	case OPT_KEEP:
		a->options.keep = true;
		return 0;
	case OPT_JSON:
		a->options.output = RUN_OUTPUT_JSON;
		return 0;
	case 'q':
		a->options.output = RUN_OUTPUT_NONE;
		return 0;
	default:
		return cli_one_scenario(key, arg, state, &a->scenario);
	}
}

static int run(const struct cli_command *self, int argc, char **argv)
{
	char doc[2048];
	struct arguments a = {.options = {.program = "ecmplab"}};
	struct argp argp = {.options = options,
			    .parser = parse,
			    .children = cli_shared_child,
			    .args_doc = self->arguments,
			    .doc = doc};
	struct diags diags = {0};
	struct errmsg err = {0};
	struct plan *plan;
	enum run_exit result;

	cli_usage_text(self, doc, sizeof(doc));
	if (argp_parse(&argp, argc, argv, 0, NULL, &a) != 0)
		return RUN_USAGE;
	plan = a.virtual ? plan_read_virtual(a.scenario, &diags) : plan_read(a.scenario, &diags);
	if (plan == NULL)
		return cli_refuse(&diags);
	a.options.out = a.shared.out;
	a.options.has_seed = a.shared.has_seed;
	a.options.seed = a.shared.seed;
	a.options.style = cli_style(a.shared.colour, STDOUT_FILENO);
	result = run_scenario(plan, &a.options, &err);
	if (err.code != 0)
		cli_complain("%s", err.text);
	plan_free(plan);
	diags_fini(&diags);
	return (int)result;
}

const struct cli_command cli_run = {
	.name = "run",
	.arguments = "SCENARIO",
	.about = "play one scenario and judge it from the wire",
	.examples = "  ecmplab run scenarios/article\n"
		    "  ecmplab run scenarios/article-l4 --seed 7 --out /tmp/evidence\n"
		    "  ecmplab run my/scenario.yaml --json | jq .verdict\n",
	.run = run,
};
