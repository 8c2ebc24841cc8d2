/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The made configurations as BIRD itself reads them, and what is taken for a BIRD. */
#include "article.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BIRD1_UNPACKED "build/daemons/bird1/usr/sbin/bird"

/* ---- Configurations ---- */

static const struct made {
	const char *name;
	enum node_daemon_kind kind;
	unsigned int workers;
	struct node_router_conf conf;
	bool v6;
} mades[] = {
	{"1.6, the article", NODE_BIRD1, 3, {.as = 11000, .worker_as = 22000, .max_paths = 16}, false},
	{"1.6, no worker", NODE_BIRD1, 0, {.as = 11000, .worker_as = 22000, .max_paths = 16}, false},
	{"1.6, many, one AS", NODE_BIRD1, 150, {.as = 64512, .worker_as = 64512, .max_paths = 150}, false},
	{"1.6, four octets", NODE_BIRD1, 1, {.as = 4200000001, .worker_as = 4294967294, .max_paths = 1}, false},
	{"1.6, IPv6", NODE_BIRD1, 3, {.as = 11000, .worker_as = 22000, .max_paths = 16}, true},
	{"2, the article", NODE_BIRD2, 3, {.as = 11000, .worker_as = 22000, .max_paths = 16}, false},
	{"2, no worker", NODE_BIRD2, 0, {.as = 11000, .worker_as = 22000, .max_paths = 16}, false},
	{"2, many, one AS", NODE_BIRD2, 150, {.as = 64512, .worker_as = 64512, .max_paths = 150}, false},
	{"2, four octets", NODE_BIRD2, 1, {.as = 4200000001, .worker_as = 4294967294, .max_paths = 1}, false},
	{"2, IPv6", NODE_BIRD2, 3, {.as = 11000, .worker_as = 22000, .max_paths = 16}, true},
};

static void find_or_skip(enum node_daemon_kind kind, char *ret, size_t room)
{
	struct node_daemon found;
	struct errmsg err = {0};

	if (node_daemon_find(kind, &found, &err) == 0) {
		snprintf(ret, room, "%s", found.path);
	} else if (kind == NODE_BIRD1 && access(BIRD1_UNPACKED, X_OK) == 0) {
		snprintf(ret, room, "%s", BIRD1_UNPACKED);
	} else {
		print_message("skipped: %s\n", err.text);
		skip();
	}
}

/* What "bird -p" says of a text: its exit status. */
static int parses(const char *bird, const char *text)
{
	char path[] = "/tmp/ecmplab-bird-XXXXXX";
	int fd = mkstemp(path), status = -1;
	size_t len = strlen(text);
	pid_t pid;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	close(fd);
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, STDERR_FILENO);
		execl(bird, bird, "-p", "-c", path, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	unlink(path);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void paper_lab(const struct made *m, struct node_lab *lab)
{
	(m->v6 ? article_paper_lab6 : article_paper_lab)(lab, m->workers);
}

static void test_config(void **state)
{
	const struct made *m = *state;
	struct node_lab lab;
	char found[256], bird[260];
	char *text, *brace;

	find_or_skip(m->kind, found, sizeof(found));
	snprintf(bird, sizeof(bird), "%s%s", found, m->v6 && m->kind == NODE_BIRD1 ? "6" : ""); /* is two programs */
	paper_lab(m, &lab);
	text = node_router_config(&lab, &m->conf, m->kind, &lab.arena);
	assert_int_equal(parses(bird, text), 0);
	/* BIRD is asked for real: without the last brace it refuses. */
	brace = strrchr(text, '}');
	assert_non_null(brace);
	*brace = ' ';
	assert_int_equal(parses(bird, text), 1);
	arena_clear(&lab.arena);
}

static void test_words(void **state)
{
	const struct made *m = *state;
	char limit[64], neighbor[96];
	struct node_lab lab;
	const char *text, *at;
	unsigned int n = 0;

	paper_lab(m, &lab);
	text = node_router_config(&lab, &m->conf, m->kind, &lab.arena);
	if (!m->v6)
		assert_non_null(strstr(text, "router id 172.16.0.1;"));
	snprintf(limit, sizeof(limit), "merge paths on limit %u;", m->conf.max_paths);
	assert_non_null(strstr(text, limit));
	for (at = strstr(text, "protocol bgp worker"); at != NULL; at = strstr(at + 1, "protocol bgp worker"))
		n++;
	assert_int_equal(n, m->workers);
	for (unsigned int i = 0; i < m->workers; i++) {
		snprintf(neighbor, sizeof(neighbor), "local %s as %u;\n  neighbor %s as %u;",
			 m->v6 ? "fd00:10::1" : "10.0.0.1", m->conf.as, addr_text(&lab.workers[i].host.address).s,
			 m->conf.worker_as);
		assert_non_null(strstr(text, neighbor));
	}
	arena_clear(&lab.arena);
}

/* ---- Finding ---- */

static const struct answer {
	const char *name;
	const char *says;
	enum node_daemon_kind kind;
	const char *version; /* NULL: not taken for one */
} answers[] = {
	{"BIRD 2 is one", "BIRD version 2.0.12", NODE_BIRD2, "2.0.12"},
	{"BIRD 1.6 is one", "BIRD version 1.6.8", NODE_BIRD1, "1.6.8"},
	{"words behind the version", "BIRD version 2.13.1 (built by hand)", NODE_BIRD2, "2.13.1"},
	{"BIRD 1.6 is no BIRD 2", "BIRD version 1.6.8", NODE_BIRD2, NULL},
	{"BIRD 2 is no BIRD 1.6", "BIRD version 2.0.12", NODE_BIRD1, NULL},
	{"20 is not 2", "BIRD version 20.1", NODE_BIRD2, NULL},
	{"another program's words", "bird: a toy that sings", NODE_BIRD2, NULL},
	{"no words", "", NODE_BIRD2, NULL},
	{"nothing behind version", "BIRD version ", NODE_BIRD2, NULL},
};

/* A program called bird that answers so, alone in a folder. */
static void fake_make(const char *says, char *ret_dir, char *ret_path, size_t room)
{
	FILE *f;

	assert_non_null(mkdtemp(ret_dir));
	snprintf(ret_path, room, "%s/bird", ret_dir);
	f = fopen(ret_path, "w");
	assert_non_null(f);
	fprintf(f, "#!/bin/sh\necho '%s' >&2\n", says);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(ret_path, 0755), 0);
}

static void test_answer(void **state)
{
	const struct answer *a = *state;
	char dir[] = "/tmp/ecmplab-fake-XXXXXX", path[64];
	const char *before = getenv("PATH");
	char *kept = strdup(before != NULL ? before : "");
	struct node_daemon found;
	struct errmsg err = {0};
	int r;

	fake_make(a->says, dir, path, sizeof(path));
	setenv("PATH", dir, 1);
	r = node_daemon_find(a->kind, &found, &err);
	setenv("PATH", kept, 1);
	free(kept);
	unlink(path);
	rmdir(dir);
	if (a->version == NULL) {
		assert_int_equal(r, -ENOENT);
		assert_non_null(strstr(err.text, a->kind == NODE_BIRD1 ? "package \"bird\"" : "package \"bird2\""));
		return;
	}
	assert_int_equal(r, 0);
	assert_string_equal(found.version, a->version);
	assert_string_equal(found.path, path);
	assert_string_equal(found.log, a->kind == NODE_BIRD1 ? "bird.log" : "bird2.log");
	assert_int_equal(found.pid, -1);
}

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

int main(void)
{
	struct CMUnitTest tests[2 * COUNT(mades) + COUNT(answers)];
	size_t n = 0;

	for (size_t i = 0; i < COUNT(mades); i++) {
		void *row = (void *)(uintptr_t)&mades[i];

		tests[n++] = (struct CMUnitTest){mades[i].name, test_config, NULL, NULL, row};
		tests[n++] = (struct CMUnitTest){mades[i].name, test_words, NULL, NULL, row};
	}
	for (size_t i = 0; i < COUNT(answers); i++)
		tests[n++] =
			(struct CMUnitTest){answers[i].name, test_answer, NULL, NULL, (void *)(uintptr_t)&answers[i]};
	return cmocka_run_group_tests_name("node: BIRD", tests, NULL, NULL);
}
