/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each real daemon in the router's namespace: it listens, it dies with its words, and where there is none we are told. */
#include "article.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DEADLINE_S 20
#define CONFIG "/run/test.conf"
#define SKIPPED 77

static bool fails(bool wrong, const char *what)
{
	if (wrong)
		fprintf(stderr, "%s\n", what);
	return wrong;
}

static const struct kind {
	const char *name;
	enum node_daemon_kind kind;
	const char *nonsense; /* a configuration that it must refuse */
	const char *complaint;
} kinds[] = {
	{"BIRD 1.6", NODE_BIRD1, "router id 10.0.0.1;\nprotocol bgp { nonsense }\n", "syntax error"},
	{"BIRD 2", NODE_BIRD2, "router id 10.0.0.1;\nprotocol bgp { nonsense }\n", "syntax error"},
	{"FRR", NODE_FRR, "router bgp 65001\n neighbor 10.0.0.51 nonsense\n", "line 2: % Unknown command"},
	{"GoBGP", NODE_GOBGP, "[global.config]\n  nonsense = 1\n", "invalid keys: nonsense"},
	{"OpenBGPD", NODE_OPENBGPD, "AS 65001\nnonsense\n", CONFIG ":2: syntax error"},
};

static bool write_config(const char *text)
{
	int fd = open(CONFIG, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t n = fd >= 0 ? write(fd, text, strlen(text)) : -1;

	if (fd >= 0)
		close(fd);
	return n == (ssize_t)strlen(text);
}

static time_t now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* Starts what is still to be started and hears of ends, until the daemon listens (1), is at its end (0) or is late (-1). */
static int goes_on(struct node_daemon *d, int dir)
{
	time_t deadline = now_s() + DEADLINE_S;
	struct errmsg err;
	int status;

	/* The kernel has no event for "listens": this looks until it does. */
	while (now_s() <= deadline) {
		int done = node_daemon_proceed(d, dir, &err);
		pid_t pid;

		if (fails(done < 0, err.text))
			return -1;
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
			if (!node_daemon_ended(d, pid, status))
				return 0;
		}
		if (done > 0 && node_daemon_listens(d))
			return 1;
		sched_yield();
	}
	return -1;
}

/* Kills what is left and reaps it. */
static void end(struct node_daemon *d)
{
	node_daemon_end(d);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static bool speaks_bgp(struct node_lab *lab, struct node_daemon *d, int dir, struct errmsg *err)
{
	struct node_router_conf conf = {.as = ARTICLE_ROUTER_AS, .worker_as = ARTICLE_WORKER_AS, .max_paths = 16};
	char *text = node_router_config(lab, &conf, d->kind, &lab->arena);
	bool good = !fails(!write_config(text), "can't write " CONFIG) &&
		    !fails(node_daemon_start(lab, d, CONFIG, dir, err) < 0, err->text) &&
		    !fails(goes_on(d, dir) != 1, "it does not listen");

	if (!good)
		fprintf(stderr, "%s\n", node_daemon_words(d, dir, &lab->arena));
	end(d);
	return good && !fails(node_daemon_listens(d), "a dead one listens");
}

static bool dies_with_words(struct node_lab *lab, struct node_daemon *d, const struct kind *k, int dir,
			    struct errmsg *err)
{
	const char *words;
	int status;

	if (fails(!write_config(k->nonsense), "can't write " CONFIG) ||
	    fails(node_daemon_start(lab, d, CONFIG, dir, err) < 0, err->text) ||
	    fails(goes_on(d, dir) != 0, "it took nonsense"))
		return false;
	words = node_daemon_words(d, dir, &lab->arena);
	status = d->failed.wait_status;
	end(d);
	return !fails(!WIFEXITED(status) || WEXITSTATUS(status) == 0, "it ended well") &&
	       !fails(strstr(words, k->complaint) == NULL, words);
}

static int real(void *arg)
{
	const struct kind *k = arg;
	struct node_lab_conf conf = article_conf(2, 1);
	struct node_lab *lab = NULL;
	struct node_daemon d, again;
	struct errmsg err = {0};
	int dir = open("/run", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good;

	if (node_daemon_find(k->kind, &d, &err) < 0) {
		fprintf(stderr, "skipped: %s\n", err.text);
		return SKIPPED;
	}
	again = d;
	good = !fails(node_lab_new(&conf, &lab, &err) < 0, err.text) && speaks_bgp(lab, &d, dir, &err) &&
	       dies_with_words(lab, &again, k, dir, &err);
	node_lab_free(lab);
	close(dir);
	return good ? 0 : 1;
}

/* Hides every bird behind /dev/null, for the sandbox alone. */
static bool hide_birds(void)
{
	char path[256];

	for (int i = 0; i < 16 && net_program_find("bird", path, sizeof(path)); i++) {
		if (mount("/dev/null", path, NULL, MS_BIND, NULL) < 0)
			return !fails(true, path);
	}
	return !net_program_find("bird", path, sizeof(path));
}

static int none(void *arg)
{
	struct node_daemon d = {.pid = 7};
	struct errmsg err = {0};
	bool good = hide_birds();

	(void)arg;
	good = good && !fails(node_daemon_find(NODE_BIRD2, &d, &err) != -ENOENT, "it is there") &&
	       !fails(strstr(err.text, "package \"bird2\"") == NULL, err.text) &&
	       !fails(node_daemon_find(NODE_BIRD1, &d, &err) != -ENOENT, "it is there") &&
	       !fails(strstr(err.text, "package \"bird\"") == NULL, err.text) &&
	       !fails(d.pid != 7, "written in spite of the error");
	return good ? 0 : 1;
}

static void run(int (*body)(void *arg), void *arg)
{
	struct errmsg err = {0};
	int status = -1;

	if (net_sandbox_run(body, arg, NULL, &status, &err) < 0) {
		print_message("skipped: %s\n", err.text);
		skip();
	}
	if (status == SKIPPED)
		skip();
	assert_int_equal(status, 0);
}

static void a_real_one_listens_and_complains(void **state)
{
	run(real, *state);
}

static void a_missing_one_names_its_package(void **state)
{
	(void)state;
	run(none, NULL);
}

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

int main(void)
{
	struct CMUnitTest tests[COUNT(kinds) + 1];

	for (size_t i = 0; i < COUNT(kinds); i++)
		tests[i] = (struct CMUnitTest){kinds[i].name, a_real_one_listens_and_complains, NULL, NULL,
					       (void *)(uintptr_t)&kinds[i]};
	tests[COUNT(kinds)] = (struct CMUnitTest)cmocka_unit_test(a_missing_one_names_its_package);
	return cmocka_run_group_tests_name("node: daemon", tests, NULL, NULL);
}
