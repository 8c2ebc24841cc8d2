/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sandbox: what is seen inside, and that nothing stays behind, however it ends. */
#include "ground.h"
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What a body leaves for the test to look for. */
struct seen {
	char net[64];  /* "net:[4026532180]" of the sandbox's first namespace */
	char pids[64]; /* its pid namespace: every process in it has this */
	int ready[2];
	int status;
	const char *dir;
};

static struct seen *seen_new(void)
{
	struct seen *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(s != MAP_FAILED);
	assert_int_equal(pipe2(s->ready, O_CLOEXEC), 0);
	return s;
}

static void seen_free(struct seen *s)
{
	close(s->ready[0]);
	close(s->ready[1]);
	munmap(s, sizeof(*s));
}

static void link_read(const char *path, char *ret, size_t room)
{
	ssize_t n = readlink(path, ret, room - 1);

	ret[n > 0 ? n : 0] = '\0';
}

/* Writes down who we are, and starts a program in a namespace that would run on. */
static void settle(struct seen *s)
{
	static const char *const argv[] = {"sleep", "1000", NULL};
	struct net_ns *ns = ground_ns("a");
	struct errmsg err = {0};

	link_read("/proc/self/ns/net", s->net, sizeof(s->net));
	link_read("/proc/self/ns/pid", s->pids, sizeof(s->pids));
	ground_ok(net_spawn(ns, &(struct net_spawn){.argv = argv, .output = -1, .input = -1}, &err), &err);
	ground_must(write(s->ready[1], "r", 1) == 1, "ready");
}

static bool is_number(const char *name)
{
	return name[0] >= '1' && name[0] <= '9';
}

/* Processes in the pid or network namespace of the sandbox. */
static size_t left_over(const struct seen *s)
{
	DIR *proc = opendir("/proc");
	struct dirent *d;
	size_t n = 0;

	assert_non_null(proc);
	while ((d = readdir(proc)) != NULL) {
		char path[300], net[64], pids[64];

		if (!is_number(d->d_name))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/ns/net", d->d_name);
		link_read(path, net, sizeof(net));
		snprintf(path, sizeof(path), "/proc/%s/ns/pid", d->d_name);
		link_read(path, pids, sizeof(pids));
		n += strcmp(net, s->net) == 0 || strcmp(pids, s->pids) == 0;
	}
	closedir(proc);
	return n;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void nothing_is_left(const struct seen *s)
{
	int64_t end = now_ms() + GROUND_DEADLINE_MS;

	assert_int_equal(strncmp(s->pids, "pid:[", 5), 0);
	/* a child whose caller was killed becomes ours, and is in /proc until somebody reaps it */
	while (waitpid(-1, NULL, WNOHANG) >= 0 || left_over(s) > 0)
		assert_true(now_ms() < end);
}

static void ready_await(const struct seen *s)
{
	struct pollfd p = {.fd = s->ready[0], .events = POLLIN};
	char c;

	assert_int_equal(poll(&p, 1, GROUND_DEADLINE_MS), 1);
	assert_int_equal(read(s->ready[0], &c, 1), 1);
}

/* The sandbox in a process of its own, as whoever the test is for; its status goes to s->status. */
static pid_t start(struct seen *s, int (*body)(void *arg), bool nobody)
{
	struct errmsg err = {0};
	int r;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid != 0)
		return pid;
	if (nobody && !ground_become_nobody())
		_exit(GROUND_SKIPPED);
	s->status = -1;
	r = net_sandbox_run(body, s, s->dir, &s->status, &err);
	if (r < 0)
		fprintf(stderr, "%s\n", err.text);
	_exit(r == -EPERM ? GROUND_SKIPPED : r < 0 ? 1 : 0);
}

/* Returns the wait status; a machine without sandboxes skips the test. */
static int end_await(pid_t pid)
{
	int status = -1;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == GROUND_SKIPPED)
		skip();
	return status;
}

/* ---- Bodies ---- */

static int seven(void *arg)
{
	settle(arg);
	return 7;
}

static int traps(void *arg)
{
	settle(arg);
	signal(SIGILL, SIG_DFL); /* cmocka has its own */
	__builtin_trap();
}

static int waits(void *arg)
{
	settle(arg);
	while (pause() < 0)
		;
	return 0;
}

/* Takes each signal once, in the order of arrival, as a program with handlers does. */
static int takes_signals(void *arg)
{
	static const int wanted[] = {SIGHUP, SIGTERM, SIGINT};
	const struct timespec deadline = {.tv_sec = GROUND_DEADLINE_MS / 1000};
	struct seen *s = arg;
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < 3; i++)
		sigaddset(&set, wanted[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	settle(s);
	for (size_t i = 0; i < 3; i++) {
		ground_must(sigtimedwait(&set, NULL, &deadline) == wanted[i], "signal %d did not come", wanted[i]);
		ground_must(write(s->ready[1], "s", 1) == 1, "ready");
	}
	return 9;
}

/* Writes below dir, and into folders that must not be the host's. */
static int writes(void *arg)
{
	static const char *const hidden[] = {"/run/ecmplab-test", "/var/ecmplab-test", "/etc/ecmplab-test",
					     "/var/tmp/ecmplab-test"};
	struct seen *s = arg;
	char path[256];
	int fd;

	for (size_t i = 0; i < 4; i++) {
		fd = open(hidden[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		ground_must(fd >= 0 || (i == 2 && errno == EROFS), "%s: %s", hidden[i], strerror(errno));
	}
	snprintf(path, sizeof(path), "%s/result", s->dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ground_must(fd >= 0 && write(fd, "kept", 4) == 4, "%s: %s", path, strerror(errno));
	snprintf(path, sizeof(path), "%s/below/result", s->dir);
	ground_must(access(path, F_OK) == 0, "%s: %s", path, strerror(errno));
	return 0;
}

static int is_first(void *arg)
{
	struct stat first, self;
	struct errmsg err = {0};
	char text[512];
	int n = 0;
	struct net_ns *ns = ground_ns("a");
	DIR *net = opendir("/sys/class/net");

	(void)arg;
	ground_must(getpid() == 1 && getuid() == 0 && getgid() == 0, "pid %d uid %u", getpid(), getuid());
	ground_must(stat("/proc/1/ns/pid", &first) == 0 && stat("/proc/self/ns/pid", &self) == 0 &&
			    first.st_ino == self.st_ino,
		    "/proc is another's");
	for (struct dirent *d; net != NULL && (d = readdir(net)) != NULL;)
		n += d->d_name[0] != '.' && strcmp(d->d_name, "lo") != 0;
	ground_must(n == 0, "a link of the host is in sight");
	ground_must(ground_ask(ns, "ip -o link", text, sizeof(text)) == 0 && strchr(text, '\n') == strrchr(text, '\n'),
		    "%s", text);
	ground_ok(net_ns_enter(ns, &err), &err);
	ground_ok(net_ns_leave(&err), &err);
	ground_must(stat("/proc/1/ns/net", &first) == 0 && stat("/run/ecmplab.home", &self) == 0 &&
			    first.st_ino == self.st_ino,
		    "not back at home");
	return 0;
}

static int quick(void *arg)
{
	(void)arg;
	return 0;
}

/* Whether the test is for an ordinary user. Skips it where there is none to become, or nobody may have a sandbox. */
static bool user_of(void **state)
{
	bool nobody = *(const bool *)*state;
	struct seen *s;

	if (nobody && getuid() != 0)
		skip();
	s = seen_new();
	(void)end_await(start(s, quick, nobody));
	seen_free(s);
	return nobody;
}

/* ---- Tests; *state: whether as an ordinary user ---- */

static void normal_end_leaves_nothing(void **state)
{
	struct seen *s = seen_new();

	assert_int_equal(end_await(start(s, seven, user_of(state))), 0);
	assert_int_equal(s->status, 7);
	assert_int_equal(left_over(s), 0); /* at once: all is gone when it returns */
	nothing_is_left(s);
	seen_free(s);
}

static void crash_is_told(void **state)
{
	struct seen *s = seen_new();

	assert_int_equal(end_await(start(s, traps, user_of(state))), 0);
	assert_int_equal(s->status, 128 + SIGILL);
	nothing_is_left(s);
	seen_free(s);
}

static void killed_caller_takes_all_along(void **state)
{
	struct seen *s = seen_new();
	pid_t pid = start(s, waits, user_of(state));

	ready_await(s);
	assert_true(left_over(s) >= 2);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_true(WIFSIGNALED(end_await(pid)));
	nothing_is_left(s);
	seen_free(s);
}

static void signals_are_passed_on(void **state)
{
	static const int sent[] = {SIGHUP, SIGTERM, SIGINT};
	struct seen *s = seen_new();
	pid_t pid = start(s, takes_signals, user_of(state));

	ready_await(s);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(kill(pid, sent[i]), 0);
		ready_await(s);
	}
	assert_int_equal(end_await(pid), 0);
	assert_int_equal(s->status, 9);
	nothing_is_left(s);
	seen_free(s);
}

/* A body that does nothing about signals ends by them as any program does, though it is pid 1. */
static void signals_end_who_ignores_them(void **state)
{
	struct seen *s = seen_new();
	pid_t pid = start(s, waits, user_of(state));

	ready_await(s);
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(end_await(pid), 0);
	assert_int_equal(s->status, 128 + SIGTERM);
	nothing_is_left(s);
	seen_free(s);
}

/* Whoever started us may ignore SIGCHLD, which makes the kernel reap children unseen. */
static void ignored_child_signal_loses_no_status(void **state)
{
	bool nobody = user_of(state);
	struct seen *s = seen_new();
	void (*before)(int);
	pid_t pid;

	before = signal(SIGCHLD, SIG_IGN);
	pid = start(s, seven, nobody);
	signal(SIGCHLD, before);
	assert_int_equal(end_await(pid), 0);
	assert_int_equal(s->status, 7);
	seen_free(s);
}

static void inside_is_a_world_of_its_own(void **state)
{
	struct seen *s = seen_new();

	assert_int_equal(end_await(start(s, is_first, user_of(state))), 0);
	assert_int_equal(s->status, 0);
	seen_free(s);
}

static void file_at(const char *dir, const char *name, char *ret, size_t room)
{
	assert_true((size_t)snprintf(ret, room, "%s/%s", dir, name) < room);
}

/* One folder below a hidden one: what is in it stays in sight, what is written there stays. */
static void dir_stays(const char *where, const char *spelled, bool nobody)
{
	struct seen *s = seen_new();
	char dir[64], path[128], below[128], given[256], *text;
	size_t len;
	int fd;

	snprintf(dir, sizeof(dir), "%s/ecmplab-net-XXXXXX", where);
	if (mkdtemp(dir) == NULL)
		skip();
	file_at(dir, "below", below, sizeof(below));
	assert_int_equal(mkdir(below, 0755), 0);
	file_at(below, "result", path, sizeof(path));
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	close(fd);
	if (nobody)
		assert_int_equal(chown(dir, GROUND_NOBODY, GROUND_NOBODY), 0);
	snprintf(given, sizeof(given), "%s%s", spelled, strrchr(dir, '/'));
	s->dir = given;
	assert_int_equal(end_await(start(s, writes, nobody)), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(below), 0);
	file_at(dir, "result", path, sizeof(path));
	text = support_slurp(path, &len);
	assert_int_equal(len, 4);
	free(text);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(s->status, 0);
	assert_true(access("/var/ecmplab-test", F_OK) < 0 && access("/etc/ecmplab-test", F_OK) < 0 &&
		    access("/run/ecmplab-test", F_OK) < 0 && access("/var/tmp/ecmplab-test", F_OK) < 0);
	seen_free(s);
}

static void dir_below_a_hidden_one_stays(void **state)
{
	bool nobody = user_of(state);

	dir_stays("/var/tmp", "/var/tmp", nobody);
	dir_stays("/var/tmp", "/var//tmp/../tmp", nobody);
	dir_stays("/tmp", "/tmp", nobody);
	if (getuid() == 0)
		dir_stays("/run", "/var/run", nobody);
	if (getuid() == 0)
		dir_stays("/run", "/run", nobody);
	if (getuid() == 0)
		dir_stays("/etc", "/etc", nobody);
}

static void a_dir_that_is_not_there_is_told(void **state)
{
	struct errmsg err = {0};
	int status = -1;

	(void)state;
	assert_int_equal(net_sandbox_run(seven, NULL, "/nowhere/at/all", &status, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nowhere/at/all"));
}

static size_t descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* The caller is as before: its descriptors, mask and what it does about SIGCHLD. */
static void caller_is_as_before(void **state)
{
	struct errmsg err = {0};
	struct sigaction child;
	size_t before = descriptors();
	sigset_t mask;
	int status = -1;

	(void)state;
	if (net_sandbox_run(quick, NULL, "/var/tmp", &status, &err) == -EPERM)
		skip();
	assert_int_equal(status, 0);
	assert_int_equal(descriptors(), before);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	assert_false(sigismember(&mask, SIGINT) || sigismember(&mask, SIGCHLD));
	assert_int_equal(sigaction(SIGCHLD, NULL, &child), 0);
	assert_true(child.sa_handler == SIG_DFL);
	assert_true(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

#define BOTH(test)                                                                                                     \
	{#test, test, NULL, NULL, &caller},                                                                            \
	{                                                                                                              \
#test " (nobody)", test, NULL, NULL, &nobody                                                           \
	}

int main(void)
{
	bool caller = false, nobody = true;
	const struct CMUnitTest tests[] = {
		BOTH(normal_end_leaves_nothing),
		BOTH(crash_is_told),
		BOTH(killed_caller_takes_all_along),
		BOTH(signals_are_passed_on),
		BOTH(signals_end_who_ignores_them),
		BOTH(ignored_child_signal_loses_no_status),
		BOTH(inside_is_a_world_of_its_own),
		BOTH(dir_below_a_hidden_one_stays),
		cmocka_unit_test(a_dir_that_is_not_there_is_told),
		cmocka_unit_test(caller_is_as_before),
	};

	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return 1;
	return cmocka_run_group_tests_name("net: sandbox", tests, NULL, NULL);
}
