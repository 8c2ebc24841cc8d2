/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Several scenarios, each in a process of its own, told as one suite. */
#include "folder.h"
#include "run_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCENARIO_FILE "scenario.yaml"
#define DEPTH_MAX 4

/* ---- Finding ---- */

struct finding {
	struct arena *arena;
	VEC(const char *) found;
};

static bool has_scenario(const char *dir)
{
	char path[PATH_MAX];

	return (size_t)snprintf(path, sizeof(path), "%s/%s", dir, SCENARIO_FILE) < sizeof(path) &&
	       access(path, F_OK) == 0;
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Breadth by levels instead of recursion: a folder that links to itself ends at DEPTH_MAX. */
static void level_search(struct finding *f, const char *dir, struct finding *next)
{
	DIR *d = opendir(dir);
	struct dirent *entry;

	while (d != NULL && (entry = readdir(d)) != NULL) {
		char *path;

		if (entry->d_name[0] == '.')
			continue;
		path = arena_printf(f->arena, "%s/%s", dir, entry->d_name);
		if (!is_folder(path))
			continue;
		if (has_scenario(path))
			VEC_PUSH(&f->found, path);
		else
			VEC_PUSH(&next->found, path);
	}
	if (d != NULL)
		closedir(d);
}

static void folder_search(struct finding *f, const char *dir)
{
	struct finding level = {.arena = f->arena};

	VEC_PUSH(&level.found, dir);
	for (int depth = 0; depth < DEPTH_MAX && level.found.len > 0; depth++) {
		struct finding next = {.arena = f->arena};

		for (size_t i = 0; i < level.found.len; i++)
			level_search(f, level.found.at[i], &next);
		VEC_FREE(&level.found);
		level = next;
	}
	VEC_FREE(&level.found);
}

static int by_path(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int run_suite_find(const char *const *paths, size_t n, struct arena *arena, const char *const **ret, size_t *ret_count,
		   struct errmsg *err)
{
	struct finding f = {.arena = arena};

	for (size_t i = 0; i < n; i++) {
		if (is_folder(paths[i]) && !has_scenario(paths[i]))
			folder_search(&f, paths[i]);
		else
			VEC_PUSH(&f.found, paths[i]);
	}
	if (f.found.len == 0)
		return errmsg_say(err, -ENOENT, "there is no %s in %s or below", SCENARIO_FILE, paths[0]);
	qsort(f.found.at, f.found.len, sizeof(f.found.at[0]), by_path);
	*ret = arena_memdup(arena, f.found.at, f.found.len * sizeof(f.found.at[0]));
	*ret_count = f.found.len;
	VEC_FREE(&f.found);
	return 0;
}

/* ---- Playing ---- */

struct suite {
	const struct plan *const *plans;
	size_t count;
	const struct run_suite_options *options;
	char dir[PATH_MAX];
	struct report *report;
	pid_t *pids; /* by plan; 0: not started or ended */
	size_t running;
	enum run_exit worst;
	size_t skipped;
	bool interrupted;
};

/* Two scenarios of one name in different folders must not share a run directory. */
static void case_dir(const struct suite *s, size_t i, char ret[static PATH_MAX])
{
	bool unique = true;

	for (size_t k = 0; k < s->count; k++)
		unique = unique && (k == i || strcmp(s->plans[k]->name, s->plans[i]->name) != 0);
	if (unique)
		snprintf(ret, PATH_MAX, "%.3800s/%.200s", s->dir, s->plans[i]->name);
	else
		snprintf(ret, PATH_MAX, "%.3800s/%.200s-%zu", s->dir, s->plans[i]->name, i + 1);
}

static pid_t case_start(const struct suite *s, size_t i)
{
	char dir[PATH_MAX];
	struct run_options options = {.out = dir,
				      .has_seed = s->options->has_seed,
				      .seed = s->options->seed,
				      .output = RUN_OUTPUT_NONE,
				      .program = s->options->program};
	pid_t pid;

	case_dir(s, i, dir);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		struct errmsg err = {0};
		enum run_exit result = run_scenario(s->plans[i], &options, &err);

		if (err.code != 0)
			fprintf(stderr, "ecmplab: %s: %s\n", s->plans[i]->name, err.text);
		fflush(NULL);
		_exit((int)result);
	}
	return pid;
}

static int severity(enum run_exit result)
{
	switch (result) {
	case RUN_PASSED:
	case RUN_SKIPPED:
		return 0;
	case RUN_INCONCLUSIVE:
		return 1;
	case RUN_FAILED:
		return 2;
	case RUN_USAGE:
	case RUN_BROKEN:
		return 3;
	case RUN_INTERRUPTED:
		return 4;
	}
	return 3;
}

static void case_tell(struct suite *s, size_t i, enum run_exit result)
{
	struct arena arena = {0};
	struct report_case c = {0};
	struct errmsg err;
	char dir[PATH_MAX];

	case_dir(s, i, dir);
	if (report_case_read(arena_printf(&arena, "%s/verdict.json", dir), &arena, &c, &err) < 0) {
		c = (struct report_case){.lab = {.file = s->plans[i]->file}};
		c.result.message = arena_printf(&arena, "the run left no verdict: %s", err.text);
	}
	if (c.lab.scenario == NULL) { /* it ended before there was a lab */
		c.lab.scenario = s->plans[i]->name;
		c.lab.router.daemon = plan_daemon_name(s->plans[i]->lab.daemon);
	}
	/* The process's own end counts, whatever it had time to write. */
	c.result.verdict = run_verdict(result);
	c.result.exit = (int)result;
	report_suite_case(s->report, &c);
	if (severity(result) > severity(s->worst))
		s->worst = result;
	s->skipped += result == RUN_SKIPPED;
	arena_clear(&arena);
}

static void case_ended(struct suite *s, pid_t pid, int status)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->pids[i] != pid)
			continue;
		s->pids[i] = 0;
		s->running--;
		case_tell(s, i, WIFEXITED(status) ? (enum run_exit)WEXITSTATUS(status) : RUN_BROKEN);
	}
}

static void interrupt_all(const struct suite *s)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->pids[i] > 0)
			kill(s->pids[i], SIGTERM);
	}
}

/* Signals are taken where the suite waits, so that none is missed in between. */
static void await_one(struct suite *s, const sigset_t *taken)
{
	int status, number = 0;
	pid_t pid = waitpid(-1, &status, WNOHANG);

	if (pid > 0) {
		case_ended(s, pid, status);
		return;
	}
	if (sigwait(taken, &number) == 0 && number != SIGCHLD && !s->interrupted) {
		s->interrupted = true;
		interrupt_all(s);
	}
}

static void cases_play(struct suite *s)
{
	sigset_t taken, before;
	size_t next = 0;

	sigemptyset(&taken);
	for (size_t i = 0; i < 4; i++)
		sigaddset(&taken, (const int[]){SIGCHLD, SIGINT, SIGTERM, SIGHUP}[i]);
	while ((next < s->count && !s->interrupted) || s->running > 0) {
		while (next < s->count && s->running < s->options->jobs && !s->interrupted) {
			s->pids[next] = case_start(s, next);
			s->running += s->pids[next] > 0;
			if (s->pids[next] < 0)
				case_tell(s, next, RUN_BROKEN);
			next++;
		}
		sigprocmask(SIG_BLOCK, &taken, &before);
		if (s->running > 0)
			await_one(s, &taken);
		sigprocmask(SIG_SETMASK, &before, NULL);
	}
}

static FILE *output_open(const char *path, struct errmsg *err)
{
	FILE *f = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");

	if (f == NULL)
		(void)errmsg_set(err, -errno, "%s", path);
	return f;
}

static void output_close(FILE *f, const char *path, struct errmsg *err)
{
	if (f != NULL && f != stdout && fclose(f) != 0 && err->code == 0)
		(void)errmsg_set(err, -errno, "%s", path);
}

static enum run_exit suite_result(const struct suite *s)
{
	if (s->interrupted)
		return RUN_INTERRUPTED;
	return s->skipped == s->count ? RUN_SKIPPED : s->worst;
}

static enum run_exit suite_play(struct suite *s, FILE *tap, FILE *junit, struct errmsg *err)
{
	static const enum report_format pages[] = {[RUN_SUITE_LINES] = REPORT_TERMINAL,
						   [RUN_SUITE_COMPARISON] = REPORT_COMPARE,
						   [RUN_SUITE_COMPARISON_JSON] = REPORT_COMPARE_JSON,
						   [RUN_SUITE_IMPACT] = REPORT_IMPACT,
						   [RUN_SUITE_IMPACT_JSON] = REPORT_IMPACT_JSON};
	struct instant began = run_monotonic();
	int error;

	s->report = report_new();
	if (tap != stdout)
		report_add(s->report, pages[s->options->page], stdout, &s->options->style);
	if (tap != NULL)
		report_add(s->report, REPORT_TAP, tap, NULL);
	if (junit != NULL)
		report_add(s->report, REPORT_JUNIT, junit, NULL);
	if (s->options->github)
		report_add(s->report, REPORT_GITHUB, stdout, NULL);
	report_suite_begin(s->report, s->count);
	cases_play(s);
	error = report_suite_end(s->report, instant_since(run_monotonic(), began));
	report_free(s->report);
	if (error < 0)
		(void)errmsg_set(err, error, "can't write the suite's report");
	return error < 0 ? RUN_BROKEN : suite_result(s);
}

enum run_exit run_suite(const struct plan *const *plans, size_t n, const struct run_suite_options *options,
			struct errmsg *err)
{
	struct suite s = {.plans = plans, .count = n, .options = options};
	enum run_exit result = RUN_BROKEN;
	FILE *tap = NULL, *junit = NULL;
	int dir_fd;

	if (run_folder_make(options->out, "suite", s.dir, &dir_fd, err) < 0)
		return RUN_BROKEN;
	close(dir_fd);
	if (options->tap != NULL)
		tap = output_open(options->tap, err);
	if (options->junit != NULL && err->code == 0)
		junit = output_open(options->junit, err);
	if (err->code == 0) {
		s.pids = memory_new(n * sizeof(*s.pids));
		result = suite_play(&s, tap, junit, err);
		free(s.pids);
	}
	output_close(tap, options->tap, err);
	output_close(junit, options->junit, err);
	return err->code != 0 ? RUN_BROKEN : result;
}
