/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs in namespaces: what they find when they start, however we were started ourselves. */
#include "ground.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int status_of(pid_t pid)
{
	int status = -1;

	ground_must(waitpid(pid, &status, 0) == pid, "wait");
	return status;
}

static pid_t shell(struct net_ns *ns, const char *script, int output, const char *dir)
{
	const char *const argv[] = {"sh", "-c", script, NULL};
	struct errmsg err = {0};
	pid_t pid = net_spawn(ns, &(struct net_spawn){.argv = argv, .output = output, .input = -1, .dir = dir}, &err);

	ground_ok(pid, &err);
	return pid;
}

static int programs_start(void *arg)
{
	static const char *const none[] = {"ecmplab-no-such-program", NULL}, *const folder[] = {"/run", NULL},
				 *const sh[] = {"sh", NULL};
	struct net_ns *ns = ground_ns("a");
	struct errmsg err = {0};
	char text[256] = "", inode[64];
	struct stat st;
	int fd = open("/run/out", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	sigset_t all;

	(void)arg;
	ground_must(fd >= 0, "file");
	ground_must(net_spawn(ns, &(struct net_spawn){.argv = none, .output = -1, .input = -1}, &err) == -ENOENT &&
			    strstr(err.text, none[0]) != NULL,
		    "%s", err.text);
	ground_must(net_spawn(ns, &(struct net_spawn){.argv = folder, .output = -1, .input = -1}, &err) == -ENOENT,
		    "a folder: %s", err.text);
	ground_must(net_spawn(ns, &(struct net_spawn){.argv = sh, .output = -1, .input = -1, .dir = "/run/nowhere"},
			      &err) == -ENOENT,
		    "%s", err.text);
	ground_must(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD, "a child left over");
	ground_must(status_of(shell(ns, "exit 42", -1, NULL)) == 42 << 8, "exit status");
	ground_must(WTERMSIG(status_of(shell(ns, "kill -TERM $$", -1, NULL))) == SIGTERM, "signal");
	/* blocked here, not there; no descriptors but its three (and the one that ls lists with); its own namespace; its folder */
	ground_must(close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0, "descriptors of whoever runs the tests");
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	ground_must(status_of(shell(ns,
				    "pwd; readlink /proc/self/ns/net; ls /proc/self/fd | wc -l; echo no >&2; "
				    "grep -E 'Sig(Blk|Ign)' /proc/self/status",
				    fd, "/run")) == 0,
		    "script");
	ground_must(pread(fd, text, sizeof(text) - 1, 0) > 0 && fstat(net_ns_fd(ns), &st) == 0, "output");
	snprintf(inode, sizeof(inode), "/run\nnet:[%ju]\n4\nno\n", (uintmax_t)st.st_ino);
	ground_must(strncmp(text, inode, strlen(inode)) == 0, "want %s got %s", inode, text);
	ground_must(strstr(text, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000") != NULL, "%s", text);
	close(fd);
	return 0;
}

/* The shell's words in a namespace must be these. */
static void shell_says(struct net_ns *ns, const char *script, const char *want)
{
	char text[256] = "";
	int fd = open("/run/said", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ground_must(fd >= 0 && status_of(shell(ns, script, fd, NULL)) == 0, "%s", script);
	ground_must(pread(fd, text, sizeof(text) - 1, 0) >= 0 && strcmp(text, want) == 0, "%s: want %s got %s", script,
		    want, text);
	close(fd);
}

/* Under nohup, or in a script's background: a program's signals are as the kernel makes them. */
static int signals_are_fresh(void *arg)
{
	struct net_ns *ns = ground_ns("a");

	(void)arg;
	for (int number = 1; number < SIGRTMIN; number++)
		(void)signal(number, SIG_IGN);
	(void)signal(SIGCHLD, SIG_DFL);
	shell_says(ns, "grep -E 'Sig(Blk|Ign)' /proc/self/status | cut -f2 | sort -u", "0000000000000000\n");
	return 0;
}

/* Many descriptors, but a number that a daemon's table of that size can bear. */
static int descriptors_are_enough(void *arg)
{
	struct net_ns *ns = ground_ns("a");
	struct rlimit limit;
	char want[32];

	(void)arg;
	ground_must(getrlimit(RLIMIT_NOFILE, &limit) == 0, "limit");
	snprintf(want, sizeof(want), "%ju\n", (uintmax_t)limit.rlim_cur);
	ground_must(limit.rlim_cur == limit.rlim_max || limit.rlim_cur == 65536, "soft limit %s", want);
	shell_says(ns, "ulimit -Sn", want);
	return 0;
}

/* A path that is meant from here, in a program that starts elsewhere. */
static int paths_are_from_here(void *arg)
{
	static const char *const argv[] = {"./program", NULL};
	struct net_ns *ns = ground_ns("a");
	struct errmsg err = {0};
	int fd;
	pid_t pid;

	(void)arg;
	ground_must(mkdir("/run/here", 0755) == 0 && mkdir("/run/there", 0755) == 0 && chdir("/run/here") == 0, "dir");
	fd = open("program", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	ground_must(fd >= 0 && dprintf(fd, "#!/bin/sh\n[ \"$(pwd)\" = /run/there ]\n") > 0, "program");
	close(fd);
	pid = net_spawn(ns, &(struct net_spawn){.argv = argv, .output = -1, .input = -1, .dir = "/run/there"}, &err);
	ground_ok(pid, &err);
	ground_must(status_of(pid) == 0, "status");
	return 0;
}

/* To give a file to somebody who does not exist here: refused, or without effect where one user is to be all. */
static int one_user_is_all(void *arg)
{
	static const char *const argv[] = {"sh", "-c", "chown 12:12 /run/mine && chgrp 12 /run/mine", NULL};
	struct net_ns *ns = ground_ns("a");
	struct errmsg err = {0};
	struct stat st;

	(void)arg;
	for (unsigned int one = 0; one < 2; one++) {
		int fd = open("/run/mine", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		pid_t pid = net_spawn(
			ns, &(struct net_spawn){.argv = argv, .output = -1, .input = -1, .one_user = one == 1}, &err);

		ground_ok(pid, &err);
		ground_must((status_of(pid) == 0) == (one == 1), "one user: %u", one);
		ground_must(fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == 0 && st.st_gid == 0, "owner");
		close(fd);
	}
	return 0;
}

#define PORT 4179

/* A process that is connected from b to the listener in a. *ret: the end in a. */
static pid_t connected(struct net_ns *b, int listener, const struct sockaddr_in *to, int *ret)
{
	struct pollfd readable = {.fd = listener, .events = POLLIN};
	struct errmsg err = {0};
	pid_t pid = fork();

	if (pid == 0) {
		int fd = net_socket(b, AF_INET, SOCK_STREAM, 0, &err);

		ground_ok(fd, &err);
		(void)connect(fd, (const struct sockaddr *)to, sizeof(*to));
		for (;;)
			(void)pause();
	}
	ground_must(poll(&readable, 1, GROUND_DEADLINE_MS) == 1, "nobody connects");
	*ret = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	ground_must(*ret >= 0, "accept");
	return pid;
}

/* What the other end reads when the process is killed, and then something is sent to it: 0 for FIN, or -errno. */
static ssize_t read_after_kill(pid_t pid, int fd)
{
	struct pollfd readable = {.fd = fd, .events = POLLIN};
	char octet;
	ssize_t n;

	ground_must(kill(pid, SIGKILL) == 0 && WIFSIGNALED(status_of(pid)), "kill");
	ground_must(send(fd, "?", 1, MSG_NOSIGNAL) == 1, "send");
	ground_must(poll(&readable, 1, GROUND_DEADLINE_MS) == 1, "nothing comes");
	n = recv(fd, &octet, 1, 0);
	close(fd);
	return n < 0 ? -errno : n;
}

static int unplugged_it_says_nothing(void *arg)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(0x0a090001)};
	struct net_ns *a, *b;
	struct errmsg err = {0};
	int listener, fd;
	pid_t pid;

	(void)arg;
	ground_pair(&a, &b);
	listener = net_socket(a, AF_INET, SOCK_STREAM, 0, &err);
	ground_ok(listener, &err);
	ground_must(bind(listener, (const struct sockaddr *)&at, sizeof(at)) == 0 && listen(listener, 1) == 0,
		    "listen");
	pid = connected(b, listener, &at, &fd);
	ground_must(read_after_kill(pid, fd) == 0, "no FIN of a process that was killed");
	pid = connected(b, listener, &at, &fd);
	ground_ok(net_unplug(pid, &err), &err);
	ground_must(read_after_kill(pid, fd) == -ECONNRESET, "a FIN of one that was unplugged");
	ground_must(net_unplug(pid, &err) == -ESRCH, "%s", err.text);
	close(listener);
	return 0;
}

static int says_hello(void *arg)
{
	int fd = open("/run/log", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct net_ns *ns = ground_ns("a");
	struct stat st;

	(void)arg;
	ground_must(fd > STDERR_FILENO, "a file where standard output was");
	ground_must(status_of(shell(ns, "read nothing; echo hello; echo hello >&2", fd, NULL)) == 0, "shell");
	return fstat(fd, &st) == 0 ? (int)st.st_size : -1;
}

/* Whoever starts us may have closed 0, 1 and 2. */
static void closed_standard_files_do_no_harm(void **state)
{
	struct errmsg err = {0};
	int status = -1, wait;
	pid_t pid;

	(void)state;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		close(STDIN_FILENO);
		close(STDOUT_FILENO);
		close(STDERR_FILENO);
		if (net_sandbox_run(says_hello, NULL, NULL, &status, &err) == -EPERM)
			_exit(GROUND_SKIPPED);
		_exit(status);
	}
	assert_int_equal(waitpid(pid, &wait, 0), pid);
	if (WIFEXITED(wait) && WEXITSTATUS(wait) == GROUND_SKIPPED)
		skip();
	assert_true(WIFEXITED(wait));
	assert_int_equal(WEXITSTATUS(wait), 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GROUND_ROWS(programs_start),
		GROUND_ROWS(signals_are_fresh),
		GROUND_ROWS(descriptors_are_enough),
		GROUND_ROWS(paths_are_from_here),
		GROUND_ROWS(one_user_is_all),
		GROUND_ROWS(unplugged_it_says_nothing),
		cmocka_unit_test(closed_standard_files_do_no_harm),
	};

	return cmocka_run_group_tests_name("net: spawn", tests, NULL, NULL);
}
