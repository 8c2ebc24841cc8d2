/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli_int.h"
#include "scenario.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ROUTERS_DEFAULT "builtin,bird1,bird2,frr"

enum { OPT_JSON = 256 };

struct arguments {
	struct cli_shared shared;
	const char *scenario;
	const char *routers;
	struct run_suite_options options;
};

static const struct argp_option options[] = {
	{"routers", 'r', "LIST", 0, "which, with commas (default " ROUTERS_DEFAULT ")", 0},
	{"json", OPT_JSON, NULL, 0, "print one JSON object instead of the table", 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->shared;
		return 0;
	case 'r':
		a->routers = arg;
		return 0;
	case OPT_JSON:
		a->options.page = RUN_SUITE_COMPARISON_JSON;
		return 0;
	default:
		return cli_one_scenario(key, arg, state, &a->scenario);
	}
}

/* The plan once more for each router named. False after complaining. */
static bool plans_read(const struct arguments *a, struct arena *arena, struct plan **ret, size_t *ret_count)
{
	char *list = arena_strdup(arena, a->routers), *word;
	struct diags diags = {0};
	size_t n = 0;

	while ((word = strsep(&list, ",")) != NULL) {
		enum plan_daemon daemon;

		if (n == PLAN_DAEMON_COUNT || !plan_daemon_of(word, &daemon)) {
			cli_complain("--routers: \"%s\" is none of builtin, bird1, bird2, frr, gobgp, openbgpd", word);
			break;
		}
		ret[n] = plan_read(a->scenario, &diags);
		if (ret[n] == NULL) {
			(void)cli_refuse(&diags);
			break;
		}
		plan_set_router(ret[n++], daemon);
	}
	diags_fini(&diags);
	*ret_count = n;
	return word == NULL;
}

static int compare(const struct cli_command *self, int argc, char **argv)
{
	char doc[2048];
	struct arguments a = {.routers = ROUTERS_DEFAULT,
			      .options = {.jobs = 1, .program = "ecmplab", .page = RUN_SUITE_COMPARISON}};
	struct argp argp = {.options = options,
			    .parser = parse,
			    .children = cli_shared_child,
			    .args_doc = self->arguments,
			    .doc = doc};
	struct plan *plans[PLAN_DAEMON_COUNT];
	struct arena arena = {0};
	struct errmsg err = {0};
	int result = RUN_USAGE;
	size_t n = 0;

	cli_usage_text(self, doc, sizeof(doc));
	if (argp_parse(&argp, argc, argv, 0, NULL, &a) != 0)
		return RUN_USAGE;
	a.options.out = a.shared.out;
	a.options.has_seed = a.shared.has_seed;
	a.options.seed = a.shared.seed;
	a.options.style = cli_style(a.shared.colour, STDOUT_FILENO);
	if (plans_read(&a, &arena, plans, &n))
		result = (int)run_suite((const struct plan *const *)plans, n, &a.options, &err);
	if (err.code != 0)
		cli_complain("%s", err.text);
	for (size_t i = 0; i < n; i++)
		plan_free(plans[i]);
	arena_clear(&arena);
	return result;
}

const struct cli_command cli_compare = {
	.name = "compare",
	.arguments = "SCENARIO",
	.about = "one scenario over several routers, side by side",
	.examples = "  ecmplab compare scenarios/article-l4\n"
		    "  ecmplab compare my/scenario.yaml --routers bird2,frr --json | jq .routers\n",
	.run = compare,
};
