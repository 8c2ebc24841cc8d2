/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net_int.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static bool executable(const char *path)
{
	struct stat st;

	return access(path, X_OK) == 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

bool net_program_find(const char *name, char *ret, size_t room)
{
	const char *path = getenv("PATH");
	char all[4096];

	if (strchr(name, '/') != NULL)
		return (size_t)snprintf(ret, room, "%s", name) < room && executable(ret);
	snprintf(all, sizeof(all), "%s:/usr/sbin:/sbin", path != NULL ? path : "/usr/bin:/bin");
	for (const char *p = all; *p != '\0';) {
		size_t n = strcspn(p, ":");

		if (n > 0 && (size_t)snprintf(ret, room, "%.*s/%s", (int)n, p, name) < room && executable(ret))
			return true;
		p += n + (p[n] == ':');
	}
	return false;
}

/* Handlers first: what arrives from here on must not run the parent's. What whoever started us ignores (SIGINT in a shell's
 * background, SIGHUP under nohup) is a daemon's own business. */
static void signals_default(void)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		(void)signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the child: nothing but what may be done between fork and exec. Returns the errno of what failed. */
static int become(const struct net_ns *ns, const struct net_spawn *what, const char *path)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	signals_default();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || setsid() < 0 || setns(ns->fd, CLONE_NEWNET) < 0)
		return errno;
	if (dup2(what->input >= 0 ? what->input : null, STDIN_FILENO) < 0 ||
	    dup2(what->output >= 0 ? what->output : null, STDOUT_FILENO) < 0 ||
	    dup2(what->output >= 0 ? what->output : null, STDERR_FILENO) < 0)
		return errno;
	if (what->dir != NULL && chdir(what->dir) < 0)
		return errno;
	if (what->one_user)
		(void)net_one_user(); /* without it the daemon says itself what it was refused */
	execv(path, (char *const *)(uintptr_t)what->argv);
	return errno;
}

static bool failure_read(int fd, int *ret_error)
{
	ssize_t n;

	do
		n = read(fd, ret_error, sizeof(*ret_error));
	while (n < 0 && errno == EINTR);
	return n > 0;
}

static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Absolute: the child changes its folder before it executes the program. */
static bool program_path(const char *name, char ret[static PATH_MAX])
{
	char found[PATH_MAX];

	if (!net_program_find(name, found, sizeof(found)))
		return false;
	if (found[0] != '/')
		return realpath(found, ret) != NULL;
	memcpy(ret, found, strlen(found) + 1);
	return true;
}

pid_t net_spawn(struct net_ns *ns, const struct net_spawn *what, struct errmsg *err)
{
	char path[PATH_MAX];
	int failure[2], error = 0;
	sigset_t all, before;
	pid_t pid;

	if (!program_path(what->argv[0], path))
		return errmsg_say(err, -ENOENT, "%s is not installed on this machine", what->argv[0]);
	if (pipe2(failure, O_CLOEXEC) < 0)
		return errmsg_set(err, -errno, "start %s", what->argv[0]);
	fflush(NULL);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	pid = fork();
	if (pid == 0) {
		error = become(ns, what, path);
		if (write(failure[1], &error, sizeof(error)) < 0)
			_exit(126);
		_exit(127);
	}
	if (pid < 0)
		error = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(failure[1]);
	/* exec closes the child's end: no bytes means that the program runs. */
	if (pid > 0 && failure_read(failure[0], &error))
		reap(pid);
	close(failure[0]);
	return error != 0 ? errmsg_set(err, -error, "start %s on %s", what->argv[0], ns->name) : pid;
}
