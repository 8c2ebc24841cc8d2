/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A child that is pid 1 of namespaces of its own: when it goes, the kernel takes all that is in them along. */
#include "sandbox_int.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FLAGS (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC)

#define DESCRIPTORS 65536U

/* What parent and child share. */
struct sandbox {
	int (*body)(void *arg);
	void *arg;
	const char *dir; /* without symbolic links, or NULL */
	int alive[2];	 /* the parent keeps the writing end open as long as it lives */
	int told[2];	 /* the child's errmsg: how the setup went */
	uid_t uid;
	gid_t gid;
	sigset_t mask;
	struct sigaction child; /* what SIGCHLD did before */
};

static int write_file(const char *path, const char *text, struct errmsg *err)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int r = 0;

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		r = errmsg_set(err, -errno, "%s", path);
	if (fd >= 0)
		close(fd);
	return r;
}

/* Root inside is whoever called; nobody else exists there. */
static int ids_map(const struct sandbox *s, struct errmsg *err)
{
	char text[64];
	int r = write_file("/proc/self/setgroups", "deny", err);

	snprintf(text, sizeof(text), "0 %u 1", (unsigned int)s->uid);
	if (r == 0)
		r = write_file("/proc/self/uid_map", text, err);
	snprintf(text, sizeof(text), "0 %u 1", (unsigned int)s->gid);
	if (r == 0)
		r = write_file("/proc/self/gid_map", text, err);
	return r;
}

/* The parent may have died before the death signal was armed; then its end of the pipe is closed. */
static bool orphaned(const struct sandbox *s)
{
	struct pollfd p = {.fd = s->alive[0], .events = POLLIN};

	return poll(&p, 1, 0) > 0 && (p.revents & POLLHUP) != 0;
}

/* The kernel keeps signals that nobody handles from pid 1, which this is. */
static void end_by_signal(int number)
{
	_exit(128 + number);
}

static void signals_end_us(void)
{
	for (size_t i = 0; i < 3; i++) {
		static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
		struct sigaction before;

		if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
			(void)signal(numbers[i], end_by_signal);
	}
}

/* A lab of many nodes holds thousands of descriptors; the soft limit is there for programs that use select(). No more than
 * a lab can need, since daemons inherit it and some have a table of that size or close every number below it. */
static void descriptors_allow(void)
{
	struct rlimit limit;
	rlim_t wanted;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	wanted = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
	if (limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = wanted;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Numbers 0 to 2 that whoever started us left closed would become some file's, and a started program's output go there. */
static void standard_open(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	while (fd >= 0 && fd <= STDERR_FILENO)
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
}

static _Noreturn void child_run(struct sandbox *s)
{
	struct errmsg err = {0};
	int r;

	signals_end_us();
	descriptors_allow();
	net_spare_keep();
	close(s->alive[1]);
	close(s->told[0]);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || orphaned(s))
		_exit(1);
	r = ids_map(s, &err);
	if (r == 0)
		r = sandbox_mounts(s->dir, &err);
	if (write(s->told[1], &err, sizeof(err)) != (ssize_t)sizeof(err) || r < 0)
		_exit(1);
	close(s->told[1]);
	standard_open();
	sigprocmask(SIG_SETMASK, &s->mask, NULL);
	r = s->body(s->arg);
	fflush(NULL);
	_exit(r);
}

/* Waits for the child's end and passes on what asks us to stop. */
static int child_await(pid_t pid, const sigset_t *taken)
{
	int status = 0, number;
	pid_t ended;

	while ((ended = waitpid(pid, &status, WNOHANG)) == 0) {
		if (sigwait(taken, &number) == 0 && number != SIGCHLD)
			kill(pid, number);
	}
	if (ended < 0)
		return 128 + SIGKILL;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Some kernels refuse the namespaces, some (AppArmor) grant them and refuse what is done in them. */
static int refused(const char *what, int error, struct errmsg *err)
{
	if (error == EPERM || error == ENOSPC || error == EACCES)
		return errmsg_say(err, -EPERM,
				  "user namespaces are forbidden to ordinary users here (%s): see the sysctls "
				  "kernel.unprivileged_userns_clone, user.max_user_namespaces, "
				  "kernel.apparmor_restrict_unprivileged_userns",
				  what);
	return errmsg_set(err, -error, "%s", what);
}

/* The child's words about its setup; a child that died before it spoke has none. */
static int setup_heard(int fd, struct errmsg *err)
{
	struct errmsg said;
	ssize_t n;

	do
		n = read(fd, &said, sizeof(said));
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(said))
		return errmsg_say(err, -EIO, "the sandbox's first process died while setting up");
	if (said.code == 0)
		return 0;
	if (said.code == -EPERM || said.code == -EACCES) {
		return refused(said.text, -said.code, err);
	}
	*err = said;
	return errmsg_context(err, "sandbox");
}

static int sandbox_clone(struct sandbox *s, const sigset_t *taken, int *ret_status, struct errmsg *err)
{
	long pid = syscall(SYS_clone, (unsigned long)FLAGS | SIGCHLD, NULL, NULL, NULL, NULL);
	int r, status;

	if (pid < 0)
		return refused("make a sandbox", errno, err);
	if (pid == 0)
		child_run(s);
	close(s->told[1]);
	s->told[1] = -1;
	r = setup_heard(s->told[0], err);
	status = child_await((pid_t)pid, taken);
	if (r == 0)
		*ret_status = status;
	return r;
}

int net_sandbox_run(int (*body)(void *arg), void *arg, const char *dir, int *ret_status, struct errmsg *err)
{
	struct sandbox s = {
		.body = body, .arg = arg, .alive = {-1, -1}, .told = {-1, -1}, .uid = geteuid(), .gid = getegid()};
	char real[PATH_MAX];
	sigset_t taken;
	int r = 0;

	fflush(NULL); /* nothing buffered may be written by both */
	sigemptyset(&taken);
	for (size_t i = 0; i < 4; i++)
		sigaddset(&taken, (const int[]){SIGINT, SIGTERM, SIGHUP, SIGCHLD}[i]);
	if (dir != NULL)
		s.dir = realpath(dir, real);
	if ((dir != NULL && s.dir == NULL) || pipe2(s.alive, O_CLOEXEC) < 0 || pipe2(s.told, O_CLOEXEC) < 0)
		r = errmsg_set(err, -errno, "sandbox for %s", dir != NULL ? dir : "nothing");
	sigprocmask(SIG_BLOCK, &taken, &s.mask);
	/* Whoever started us may ignore it; the kernel would then reap the child unseen. */
	sigaction(SIGCHLD, &(struct sigaction){.sa_handler = SIG_DFL}, &s.child);
	if (r == 0)
		r = sandbox_clone(&s, &taken, ret_status, err);
	sigaction(SIGCHLD, &s.child, NULL);
	sigprocmask(SIG_SETMASK, &s.mask, NULL);
	for (size_t i = 0; i < 2; i++) {
		if (s.alive[i] >= 0)
			close(s.alive[i]);
		if (s.told[i] >= 0)
			close(s.told[i]);
	}
	return r;
}
