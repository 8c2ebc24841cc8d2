/* SPDX-License-Identifier: GPL-2.0-or-later */
/* YAML from anywhere, as a scenario, played live or virtually, and as manifests: a plan, or diagnostics that name a place. */
#include "fuzz.h"

#include "scenario.h"

static void diags_look(const struct diags *d)
{
	for (size_t i = 0; i < d->list.len; i++)
		FUZZ_MUST(d->list.at[i].message != NULL && d->list.at[i].message[0] != '\0');
}

static void plan_look(struct plan *plan, struct diags *diags)
{
	FUZZ_MUST((plan == NULL) == (diags->list.len > 0));
	diags_look(diags);
	if (plan != NULL)
		plan_free(plan);
	diags_fini(diags);
	*diags = (struct diags){0};
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	const char *path = fuzz_file_open(bytes, n);
	struct diags diags = {0};
	struct arena arena = {0};
	const struct kube_object *objects;
	size_t count;

	plan_look(plan_read(path, &diags), &diags);
	plan_look(plan_read_virtual(path, &diags), &diags);
	if (manifest_read(path, &arena, &diags, &objects, &count) < 0)
		FUZZ_MUST(diags.list.len > 0);
	diags_look(&diags);
	diags_fini(&diags);
	arena_clear(&arena);
	fuzz_file_close();
	return 0;
}
