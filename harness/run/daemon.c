/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A real daemon as the router under test: its configuration, its start, and its last words. */
#include "run_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONFIG_FILE "bird.conf"
#define CONFIG_MAX ((size_t)1 << 20)
#define LISTEN_WITHIN_NS (10 * NS_PER_S)
#define LISTEN_POLL_NS NS_PER_MS

static int config_read(struct run *r, const char **ret, struct errmsg *err)
{
	int fd = open(r->plan->lab.router_config, O_RDONLY | O_CLOEXEC);
	char *text;
	size_t len = 0;
	ssize_t n = 1;

	if (fd < 0)
		return errmsg_set(err, -errno, "%s", r->plan->lab.router_config);
	text = arena_alloc(&r->arena, CONFIG_MAX + 1);
	while (len < CONFIG_MAX && (n = read(fd, text + len, CONFIG_MAX - len)) > 0)
		len += (size_t)n;
	close(fd);
	if (n < 0)
		return errmsg_set(err, -errno, "%s", r->plan->lab.router_config);
	*ret = text;
	return 0;
}

/* Before the sandbox stands: the program and the user's file are the host's. */
int run_daemon_find(struct run *r, struct errmsg *err)
{
	int result = 0;

	if (r->plan->lab.daemon == PLAN_BUILTIN)
		return 0;
	if (r->plan->lab.router_config != NULL)
		result = config_read(r, &r->daemon_config, err);
	if (result == 0)
		result = node_daemon_find(r->plan->lab.daemon == PLAN_BIRD1 ? NODE_BIRD1 : NODE_BIRD2, &r->daemon, err);
	r->has_daemon = result == 0;
	return result;
}

static int config_write(struct run *r, const char *text, struct errmsg *err)
{
	int fd = openat(r->dir_fd, CONFIG_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	size_t len = strlen(text);
	bool whole = fd >= 0 && write(fd, text, len) == (ssize_t)len;
	int error = errno != 0 ? errno : EIO;

	if (fd >= 0)
		close(fd);
	return whole ? 0 : errmsg_set(err, -error, "%s/%s", r->dir, CONFIG_FILE);
}

static void on_daemon_end(void *ctx, pid_t pid, int wait_status)
{
	struct run *r = ctx;

	(void)pid;
	r->daemon_ended = true;
	r->daemon_status = wait_status;
}

int run_daemon_start(struct run *r, struct errmsg *err)
{
	struct node_router_conf conf = run_router_conf(r);
	const char *path = arena_printf(&r->arena, "%s/%s", r->dir, CONFIG_FILE);
	int result;

	if (r->daemon_config == NULL)
		r->daemon_config = node_bird_config(r->lab, &conf, r->daemon.kind, &r->arena);
	result = config_write(r, r->daemon_config, err);
	if (result == 0)
		result = node_daemon_start(r->lab, &r->daemon, path, r->dir_fd, err);
	if (result == 0)
		drive_child(r->drive, r->daemon.pid, on_daemon_end, r);
	return result;
}

int run_daemon_failed(struct run *r, struct errmsg *err)
{
	char *words = node_daemon_words(&r->daemon, r->dir_fd, &r->arena);
	int status = r->daemon_status;

	if (WIFSIGNALED(status))
		errmsg_say(err, -ECHILD, "%s %s was ended by signal %d (%s)", r->daemon.name, r->daemon.version,
			   WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		errmsg_say(err, -ECHILD, "%s %s ended with status %d", r->daemon.name, r->daemon.version,
			   WEXITSTATUS(status));
	snprintf(err->text + strlen(err->text), sizeof(err->text) - strlen(err->text), "; its last words:\n%s",
		 *words != '\0' ? words : "(none)");
	return err->code;
}

int run_daemon_await(struct run *r, struct errmsg *err)
{
	struct instant deadline = instant_add(drive_now(r->drive), LISTEN_WITHIN_NS);

	/* The kernel has no event for a socket that begins to listen; its table is cheap to look at. */
	while (!node_daemon_listens(&r->daemon)) {
		if (r->daemon_ended)
			return run_daemon_failed(r, err);
		if (!instant_before(drive_now(r->drive), deadline))
			return errmsg_say(err, -ETIMEDOUT,
					  "%s %s does not listen on port 179 within %s; does its configuration have a "
					  "bgp protocol? See %s/%s",
					  r->daemon.name, r->daemon.version, duration_text(LISTEN_WITHIN_NS).s, r->dir,
					  r->daemon.log);
		if (!drive_wait(r->drive, instant_add(drive_now(r->drive), LISTEN_POLL_NS)))
			return errmsg_say(err, -EINTR, "interrupted");
	}
	return 0;
}
