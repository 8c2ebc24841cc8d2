/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Single bytes lost, added or changed in every scenario of the project: read or refused, never a crash, and a refusal
 * always says why. */
#include "folder.h"
#include "rng.h"
#include "scenario.h"
#include "support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 250
#define SEED 20261123

static const char *const folders[] = {"article",    "article-bird",    "article-bird2",
				      "article-l4", "service-removed", "local-policy"};

/* Copies a scenario's files and returns the names of its YAML. */
static size_t copy(const char *scenario, const struct folder *to, char names[8][64])
{
	char path[512];
	size_t n = 0, len;
	const struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "scenarios/%s", scenario);
	dir = opendir(path);
	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL) {
		char *text;

		if (e->d_name[0] == '.' || strlen(e->d_name) > 63)
			continue;
		snprintf(path, sizeof(path), "scenarios/%s/%s", scenario, e->d_name);
		text = support_slurp(path, &len);
		folder_write(to, e->d_name, text, len);
		free(text);
		if (strstr(e->d_name, ".yaml") != NULL && n < 8)
			snprintf(names[n++], 64, "%.63s", e->d_name);
	}
	closedir(dir);
	return n;
}

static size_t mutate(struct rng *rng, const char *text, size_t len, char *ret)
{
	static const char likely[] = "\t\n :-,[]{}\"'#&*|>!%@`0";
	size_t at = rng_below(rng, len);
	char byte = rng_below(rng, 4) == 0 ? (char)rng_below(rng, 256) : likely[rng_below(rng, sizeof(likely) - 1)];

	memcpy(ret, text, at);
	switch (rng_below(rng, 3)) {
	case 0: /* lost */
		memcpy(ret + at, text + at + 1, len - at - 1);
		return len - 1;
	case 1: /* one more */
		ret[at] = byte;
		memcpy(ret + at + 1, text + at, len - at);
		return len + 1;
	default: /* another */
		memcpy(ret + at, text + at, len - at);
		ret[at] = byte;
		return len;
	}
}

static void file_survives(const struct folder *f, const char *name, struct rng *rng)
{
	size_t len, n;
	char *text, *changed;

	text = support_slurp(folder_path(f, name), &len);
	changed = malloc(len + 1);
	assert_non_null(changed);
	for (int i = 0; i < ROUNDS; i++) {
		struct diags d = {0};
		struct plan *p;

		n = mutate(rng, text, len, changed);
		folder_write(f, name, changed, n);
		p = plan_read(f->path, &d);
		assert_true((p == NULL) == (d.list.len > 0));
		for (size_t j = 0; j < d.list.len; j++)
			assert_true(d.list.at[j].message != NULL && d.list.at[j].file != NULL);
		plan_free(p);
		diags_fini(&d);
	}
	folder_write(f, name, text, len);
	free(changed);
	free(text);
}

static void every_scenario_survives(void **state)
{
	struct rng rng = {SEED};

	(void)state;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		struct folder f = folder_new();
		char names[8][64];
		size_t n = copy(folders[i], &f, names);

		assert_true(n >= 2);
		for (size_t j = 0; j < n; j++)
			file_survives(&f, names[j], &rng);
		folder_remove(&f);
	}
}

/* Every prefix of a scenario is a file that an editor was killed in. */
static void every_prefix_survives(void **state)
{
	struct folder f = folder_new();
	char names[8][64];
	size_t len;
	char *text;

	(void)state;
	copy("article-l4", &f, names);
	text = support_slurp("scenarios/article-l4/scenario.yaml", &len);
	for (size_t n = 0; n < len; n++) {
		struct diags d = {0};
		struct plan *p;

		folder_write(&f, "scenario.yaml", text, n);
		p = plan_read(f.path, &d);
		assert_true((p == NULL) == (d.list.len > 0));
		plan_free(p);
		diags_fini(&d);
	}
	free(text);
	folder_remove(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_scenario_survives),
		cmocka_unit_test(every_prefix_survives),
	};

	return cmocka_run_group_tests_name("mutations", tests, NULL, NULL);
}
