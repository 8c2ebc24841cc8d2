/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli_int.h"
#include "scenario.h"

#include <argp.h>
#include <stdio.h>
#include <unistd.h>

enum { OPT_SEED = 256, OPT_KEEP, OPT_OUT, OPT_JSON, OPT_COLOUR, OPT_VIRTUAL };

struct arguments {
	const char *scenario;
	const char *colour;
	bool virtual;
	struct run_options options;
};

static const struct argp_option options[] = {
	{"seed", OPT_SEED, "N", 0, "repeat a run: names, ports and hash seed come from it", 0},
	{"virtual", OPT_VIRTUAL, NULL, 0, "without a kernel and without waiting; skips what needs one", 0},
	{"keep", OPT_KEEP, NULL, 0, "hold the lab open after the last step, until Ctrl-C", 0},
	{"out", OPT_OUT, "DIR", 0, "run directory (default: a fresh one below runs/)", 0},
	{"json", OPT_JSON, NULL, 0, "print the verdict as one JSON object instead of the page", 0},
	{"color", OPT_COLOUR, "WHEN", 0, "auto, always or never", 0},
	{"quiet", 'q', NULL, 0, "print nothing; the exit status and the run directory tell", 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
	case OPT_SEED:
		a->options.has_seed = cli_number("--seed", arg, UINT64_MAX, &a->options.seed);
		return a->options.has_seed ? 0 : EINVAL;
	case OPT_VIRTUAL:
		a->virtual = true;
		return 0;
	case OPT_KEEP:
		a->options.keep = true;
		return 0;
	case OPT_OUT:
		a->options.out = arg;
		return 0;
	case OPT_JSON:
		a->options.output = RUN_OUTPUT_JSON;
		return 0;
	case 'q':
		a->options.output = RUN_OUTPUT_NONE;
		return 0;
	case OPT_COLOUR:
		a->colour = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (a->scenario != NULL)
			argp_error(state, "one scenario at a time; \"ecmplab test\" runs several");
		a->scenario = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no scenario given");
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int run(const struct cli_command *self, int argc, char **argv)
{
	char doc[2048];
	struct arguments a = {.colour = "auto", .options = {.program = "ecmplab"}};
	struct argp argp = {.options = options, .parser = parse, .args_doc = self->arguments, .doc = doc};
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
	a.options.style = cli_style(a.colour, STDOUT_FILENO);
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
