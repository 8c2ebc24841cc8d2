/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program inside the lab, such as curl on a client or ip on the router; its output stays in the run directory. */
#include "run_int.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHOWN 400U

struct ending {
	bool ended;
	int status;
};

static void on_end(void *ctx, pid_t pid, int wait_status)
{
	struct ending *e = ctx;

	(void)pid;
	e->ended = true;
	e->status = wait_status;
}

/* The beginning of the output, for the reader. */
static const char *shown(struct run *r, int fd)
{
	char *text = arena_alloc(&r->arena, SHOWN + 1);
	ssize_t n = pread(fd, text, SHOWN, 0);

	text[n > 0 ? n : 0] = '\0';
	while (n > 0 && text[n - 1] == '\n')
		text[--n] = '\0';
	return text;
}

static enum run_exit await(struct run *r, const struct plan_step *step, pid_t pid, struct ending *e, struct errmsg *err)
{
	struct instant deadline = instant_add(drive_now(r->drive), step->within_ns);

	drive_child(r->drive, pid, on_end, e);
	while (!e->ended && instant_before(drive_now(r->drive), deadline)) {
		if (!drive_wait(r->drive, deadline))
			break;
	}
	if (e->ended)
		return RUN_PASSED;
	kill(pid, SIGKILL);
	drive_child_forget(r->drive, pid);
	if (drive_interrupted(r->drive))
		return run_exit_of(errmsg_say(err, -EINTR, "interrupted"));
	errmsg_say(err, -ETIME, "%s on %s did not end within %s", step->argv[0], step->node,
		   duration_text(step->within_ns).s);
	return RUN_FAILED;
}

static enum run_exit ending_judge(const struct plan_step *step, const struct ending *e, const char *output,
				  struct errmsg *err)
{
	bool exited = WIFEXITED(e->status);
	int number = exited ? WEXITSTATUS(e->status) : WTERMSIG(e->status);

	if (exited && number == step->exit_status)
		return RUN_PASSED;
	errmsg_say(err, -ECHILD, "%s on %s ended with %s %d, not with status %d: %s", step->argv[0], step->node,
		   exited ? "status" : "signal", number, step->exit_status, output);
	return RUN_FAILED;
}

static enum run_exit run_program(struct run *r, const struct plan_step *step, int output, struct errmsg *err)
{
	struct net_ns *ns = node_find(r->lab, step->node);
	struct ending e = {0};
	enum run_exit result;
	pid_t pid;

	if (ns == NULL) {
		errmsg_say(err, -EINVAL, "the lab has no node %s", step->node);
		return RUN_FAILED;
	}
	pid = net_spawn(ns, &(struct net_spawn){.argv = step->argv, .output = output, .input = -1}, err);
	if (pid == -ENOENT)
		return RUN_SKIPPED;
	if (pid < 0)
		return run_exit_of(pid);
	result = await(r, step, pid, &e, err);
	return result != RUN_PASSED ? result : ending_judge(step, &e, shown(r, output), err);
}

enum run_exit run_step_exec(struct run *r, const struct plan_step *step, const char **ret_detail, struct errmsg *err)
{
	const char *file = arena_printf(&r->arena, "exec-%u.out", step->at.line);
	int fd = openat(r->dir_fd, file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	enum run_exit result;

	if (fd < 0)
		return run_exit_of(errmsg_set(err, -errno, "%s/%s", r->dir, file));
	result = run_program(r, step, fd, err);
	*ret_detail = shown(r, fd);
	close(fd);
	return result;
}
