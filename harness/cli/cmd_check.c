/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli_int.h"
#include "scenario.h"

#include <argp.h>
#include <stdio.h>

struct arguments {
	char **files;
	int count;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;

	(void)arg;
	switch (key) {
	case ARGP_KEY_ARGS:
		a->files = state->argv + state->next;
		a->count = state->argc - state->next;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no file to check");
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int check_scenario(const char *path)
{
	struct diags diags = {0};
	struct plan *plan = plan_read(path, &diags);

	if (plan == NULL)
		return cli_refuse(&diags);
	printf("%s: scenario %s, %zu steps: good\n", plan->file, plan->name, plan->step_count);
	plan_free(plan);
	diags_fini(&diags);
	return RUN_PASSED;
}

static int check_manifest(const char *path)
{
	struct diags diags = {0};
	struct arena arena = {0};
	const struct kube_object *objects;
	size_t n;
	int result = RUN_PASSED;

	if (manifest_read(path, &arena, &diags, &objects, &n) < 0)
		result = cli_refuse(&diags);
	else
		printf("%s: %zu object%s: good\n", path, n, n == 1 ? "" : "s");
	diags_fini(&diags);
	arena_clear(&arena);
	return result;
}

static int check(const struct cli_command *self, int argc, char **argv)
{
	char doc[2048];
	struct arguments a = {0};
	int worst = RUN_PASSED;
	struct argp argp = {.parser = parse, .args_doc = self->arguments, .doc = doc};

	cli_usage_text(self, doc, sizeof(doc));
	argp_parse(&argp, argc, argv, 0, NULL, &a);
	for (int i = 0; i < a.count; i++) {
		int result = plan_is_scenario(a.files[i]) ? check_scenario(a.files[i]) : check_manifest(a.files[i]);

		if (result != RUN_PASSED)
			worst = result;
	}
	if (fflush(stdout) != 0)
		return RUN_BROKEN;
	return worst;
}

const struct cli_command cli_check = {
	.name = "check",
	.arguments = "FILE...",
	.about = "validate scenarios and manifests; starts nothing and needs no privileges",
	.examples = "  ecmplab check scenarios/article\n"
		    "  ecmplab check metallb-values.yaml nginx.yaml\n",
	.run = check,
};
