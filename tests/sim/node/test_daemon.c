/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A real BIRD in the router's namespace: it listens, it dies with its words, and where there is none we are told. */
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
#define CONFIG "/run/bird.conf"
#define SKIPPED 77

static bool fails(bool wrong, const char *what)
{
	if (wrong)
		fprintf(stderr, "%s\n", what);
	return wrong;
}

static bool write_config(const char *text)
{
	FILE *f = fopen(CONFIG, "w");

	return f != NULL && (fputs(text, f) >= 0) + (fclose(f) == 0) == 2;
}

static time_t now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* The kernel has no event for "listens": this looks until it does, the daemon ends, or the deadline comes. */
static bool comes_to_listen(const struct node_daemon *d)
{
	time_t deadline = now_s() + DEADLINE_S;

	while (!node_daemon_listens(d)) {
		if (now_s() > deadline || waitpid(d->pid, NULL, WNOHANG) != 0)
			return false;
		sched_yield();
	}
	return true;
}

static bool speaks_bgp(struct node_lab *lab, struct node_daemon *d, int dir, struct errmsg *err)
{
	struct node_router_conf conf = {.as = ARTICLE_ROUTER_AS, .worker_as = ARTICLE_WORKER_AS, .max_paths = 16};
	char *text = node_bird_config(lab, &conf, d->kind, &lab->arena);
	bool good = !fails(!write_config(text), "can't write " CONFIG) &&
		    !fails(node_daemon_start(lab, d, CONFIG, dir, err) < 0, err->text) &&
		    !fails(!comes_to_listen(d), "it does not listen");

	if (!good && d->pid > 0)
		fprintf(stderr, "%s\n", node_daemon_words(d, dir, &lab->arena));
	if (d->pid > 0 && kill(d->pid, SIGKILL) == 0)
		waitpid(d->pid, NULL, 0);
	return good && !fails(node_daemon_listens(d), "a dead one listens");
}

static bool dies_with_words(struct node_lab *lab, struct node_daemon *d, int dir, struct errmsg *err)
{
	const char *words;
	int status = 0;

	if (fails(!write_config("router id 10.0.0.1;\nprotocol bgp { nonsense }\n"), "can't write " CONFIG) ||
	    fails(node_daemon_start(lab, d, CONFIG, dir, err) < 0, err->text) ||
	    fails(waitpid(d->pid, &status, 0) != d->pid, "not our child"))
		return false;
	words = node_daemon_words(d, dir, &lab->arena);
	return !fails(!WIFEXITED(status) || WEXITSTATUS(status) != 1, "it took nonsense") &&
	       !fails(strstr(words, CONFIG) == NULL || strstr(words, "syntax error") == NULL, words);
}

static int real(void *arg)
{
	struct node_lab_conf conf = article_conf(2, 1);
	struct node_lab *lab = NULL;
	struct node_daemon d;
	struct errmsg err = {0};
	int dir = open("/run", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good;

	(void)arg;
	if (node_daemon_find(NODE_BIRD2, &d, &err) < 0 && node_daemon_find(NODE_BIRD1, &d, &err) < 0) {
		fprintf(stderr, "skipped: %s\n", err.text);
		return SKIPPED;
	}
	good = !fails(node_lab_new(&conf, &lab, &err) < 0, err.text) && speaks_bgp(lab, &d, dir, &err) &&
	       dies_with_words(lab, &d, dir, &err);
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

static void run(int (*body)(void *arg))
{
	struct errmsg err = {0};
	int status = -1;

	if (net_sandbox_run(body, NULL, NULL, &status, &err) < 0) {
		print_message("skipped: %s\n", err.text);
		skip();
	}
	if (status == SKIPPED)
		skip();
	assert_int_equal(status, 0);
}

static void a_real_one_listens_and_complains(void **state)
{
	(void)state;
	run(real);
}

static void a_missing_one_names_its_package(void **state)
{
	(void)state;
	run(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_real_one_listens_and_complains),
		cmocka_unit_test(a_missing_one_names_its_package),
	};

	return cmocka_run_group_tests_name("node: daemon", tests, NULL, NULL);
}
