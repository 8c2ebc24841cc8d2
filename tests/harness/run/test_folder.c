/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which scenarios a suite has and in what order; where a run's folder is made. */
#include "folder.h"
#include "run.h"
#include "support.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct ground {
	char dir[64];
	char before[PATH_MAX]; /* working directory */
};

static int setup(void **state)
{
	static struct ground g;

	snprintf(g.dir, sizeof(g.dir), "/tmp/ecmplab-run-XXXXXX");
	if (getcwd(g.before, sizeof(g.before)) == NULL || mkdtemp(g.dir) == NULL || chdir(g.dir) < 0)
		return -1;
	*state = &g;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

static int teardown(void **state)
{
	const struct ground *g = *state;

	return chdir(g->before) < 0 ? -1 : nftw(g->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void folder(const char *path)
{
	assert_int_equal(mkdir(path, 0755), 0);
}

static void touch(const char *path)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fclose(f);
}

/* A folder with a scenario. */
static void scenario(const char *path)
{
	char file[256];

	folder(path);
	snprintf(file, sizeof(file), "%s/scenario.yaml", path);
	touch(file);
}

static bool is_folder(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* ---- Finding ---- */

static void tree_make(void)
{
	scenario("b");
	scenario("a");
	scenario("a/inner"); /* belongs to a */
	folder("c");
	scenario("c/two");
	scenario("c/one");
	scenario("c/.hidden");
	folder("c/deep");
	folder("c/deep/er");
	scenario("c/deep/er/still");
	folder("c/deep/er/too");
	folder("c/deep/er/too/far");
	scenario("c/deep/er/too/far/down");
	folder("c/deep/er/too/far/further");
	scenario("c/deep/er/too/far/further/out");
	folder("empty");
	touch("c/scenario.yml");
	touch("lone.yaml");
	assert_int_equal(symlink("..", "c/loop"), 0);
}

static const struct search {
	const char *name;
	const char *paths[4];
	const char *found[16]; /* in order; none: -ENOENT */
} searches[] = {
	{"a scenario", {"b"}, {"b"}},
	{"several, sorted", {"b", "a"}, {"a", "b"}},
	/* four levels and no more */
	{"below", {"c/deep"}, {"c/deep/er/still", "c/deep/er/too/far/down"}},
	{"a file", {"lone.yaml", "b"}, {"b", "lone.yaml"}},
	{"what is not there is for the reader to refuse", {"nowhere", "b"}, {"b", "nowhere"}},
	{"nothing", {"empty"}, {NULL}},
	{"nothing and something", {"empty", "b"}, {"b"}},
};

static void test_search(void **state)
{
	const struct search *s;
	struct arena arena = {0};

	(void)state;
	tree_make();
	for (s = searches; s < searches + sizeof(searches) / sizeof(searches[0]); s++) {
		const char *const *found = NULL;
		struct errmsg err = {0};
		size_t n = 0, paths = 0, want = 0;
		int r;

		while (s->paths[paths] != NULL)
			paths++;
		while (s->found[want] != NULL)
			want++;
		r = run_suite_find(s->paths, paths, &arena, &found, &n, &err);
		if (want == 0) {
			assert_int_equal(r, -ENOENT);
			assert_non_null(strstr(err.text, "scenario.yaml in empty"));
			continue;
		}
		assert_int_equal(r, 0);
		if (n != want)
			fail_msg("%s: %zu found, not %zu", s->name, n, want);
		for (size_t i = 0; i < n; i++)
			assert_string_equal(found[i], s->found[i]);
	}
	arena_clear(&arena);
}

/* A link that leads back up must end, and neither hidden folders nor what lies within a scenario count. */
static void test_loop_ends(void **state)
{
	static const char *const paths[] = {"c"};
	struct arena arena = {0};
	const char *const *found;
	struct errmsg err;
	size_t n;

	(void)state;
	tree_make();
	assert_int_equal(run_suite_find(paths, 1, &arena, &found, &n, &err), 0);
	assert_true(n >= 3 && n < 100);
	for (size_t i = 0; i < n; i++) {
		assert_null(strstr(found[i], "hidden"));
		assert_null(strstr(found[i], "inner"));
		assert_null(strstr(found[i], "empty"));
		if (i > 0)
			assert_true(strcmp(found[i - 1], found[i]) < 0);
	}
	arena_clear(&arena);
}

/* ---- The run directory ---- */

static void test_named(void **state)
{
	const struct ground *g = *state;
	char path[PATH_MAX], want[PATH_MAX];
	struct errmsg err;
	int fd = -1;

	assert_int_equal(run_folder_make("some/where/deep", "article", path, &fd, &err), 0);
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	snprintf(want, sizeof(want), "%s/some/where/deep", g->dir);
	assert_string_equal(path, want);
	assert_true(is_folder(want));
	/* One that is there is used; a slash more is no other name. */
	assert_int_equal(run_folder_make("some/where/deep/", "article", path, &fd, &err), 0);
	assert_string_equal(path, want);
	assert_int_equal(faccessat(fd, "../deep", F_OK, 0), 0);
	close(fd);
	assert_int_equal(access("runs", F_OK), -1);
}

static void test_fresh(void **state)
{
	char first[PATH_MAX], second[PATH_MAX], latest[PATH_MAX];
	struct errmsg err;
	int fd;

	(void)state;
	assert_int_equal(run_folder_make(NULL, "article", first, &fd, &err), 0);
	close(fd);
	/* The same second or not, the same name is never given twice. */
	assert_int_equal(run_folder_make(NULL, "article", second, &fd, &err), 0);
	close(fd);
	assert_string_not_equal(first, second);
	assert_non_null(strstr(first, "/runs/article-20"));
	assert_true(is_folder(first) && is_folder(second));
	assert_non_null(realpath("runs/latest", latest));
	assert_string_equal(latest, second);
}

static void test_refused(void **state)
{
	char path[PATH_MAX] = "untouched", too_long[PATH_MAX + 100];
	struct errmsg err;
	int fd = -7;

	(void)state;
	touch("file");
	memset(too_long, 'x', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';
	assert_int_equal(run_folder_make("", "article", path, &fd, &err), -EINVAL);
	assert_int_equal(run_folder_make(too_long, "article", path, &fd, &err), -EINVAL);
	assert_int_equal(run_folder_make("file/below", "article", path, &fd, &err), -ENOTDIR);
	assert_int_equal(run_folder_make("file", "article", path, &fd, &err), -ENOTDIR);
	assert_non_null(strstr(err.text, "file"));
	/* What stands in the way of runs/ is told with the way out. */
	touch("runs");
	assert_true(run_folder_make(NULL, "article", path, &fd, &err) < 0);
	assert_non_null(strstr(err.text, "--out"));
	assert_int_equal(fd, -7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_search, setup, teardown),
		cmocka_unit_test_setup_teardown(test_loop_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_named, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fresh, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
	};

	return cmocka_run_group_tests_name("run: folders", tests, NULL, NULL);
}
