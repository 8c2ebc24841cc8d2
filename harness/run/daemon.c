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

#define CONFIG_MAX ((size_t)1 << 20)
#define LISTEN_WITHIN_NS (10 * NS_PER_S)
#define LISTEN_POLL_NS NS_PER_MS
#define BGP_PORT 179

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

enum node_daemon_kind run_daemon_kind(enum plan_daemon daemon)
{
	static const enum node_daemon_kind kinds[] = {
		[PLAN_BUILTIN] = NODE_DAEMON_KINDS, [PLAN_BIRD1] = NODE_BIRD1,
		[PLAN_BIRD2] = NODE_BIRD2,	    [PLAN_FRR] = NODE_FRR,
		[PLAN_GOBGP] = NODE_GOBGP,	    [PLAN_OPENBGPD] = NODE_OPENBGPD,
		[PLAN_EXABGP] = NODE_EXABGP,	    [PLAN_DAEMON_COUNT] = NODE_DAEMON_KINDS,
	};

	return kinds[daemon];
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
		result = node_daemon_find(run_daemon_kind(r->plan->lab.daemon), &r->daemon.node, err);
	if (result == 0 && r->plan->lab.upstream.routers > 0 && !node_daemon_installs_routes(r->daemon.node.kind))
		result = errmsg_say(
			err, -EOPNOTSUPP,
			"%s %s installs no routes in the kernel on Linux: below lab.upstream it would forward "
			"nothing",
			r->daemon.node.name, r->daemon.node.version);
	r->daemon.run = r;
	r->has_daemon = result == 0;
	return result;
}

/* Nobody else reads it: it may hold passwords, and OpenBGPD refuses what others can read. */
static int config_write(struct run *r, const char *name, const char *text, struct errmsg *err)
{
	int fd = openat(r->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t len = strlen(text);
	bool whole = fd >= 0 && write(fd, text, len) == (ssize_t)len;
	int error = errno != 0 ? errno : EIO;

	if (fd >= 0)
		close(fd);
	return whole ? 0 : errmsg_set(err, -error, "%s/%s", r->dir, name);
}

static void on_program_end(void *ctx, pid_t pid, int wait_status)
{
	struct run_daemon *d = ctx;

	if (node_daemon_ended(&d->node, pid, wait_status))
		return;
	d->run->daemon_ended = true;
	if (d->run->dead == NULL)
		d->run->dead = &d->node;
}

void run_daemon_watch(struct run *r, struct run_daemon *d)
{
	for (; d->watched < d->node.begun; d->watched++)
		drive_child(r->drive, d->node.programs.at[d->watched].pid, on_program_end, d);
}

int run_daemon_start(struct run *r, struct run_daemon *daemon, struct errmsg *err)
{
	struct node_router_conf conf = run_router_conf(r);
	struct node_daemon *d = &daemon->node;
	const char *name = node_daemon_config_name(d->kind), *text = r->daemon_config;
	int result;

	conf.number = d->number;
	if (d->instance != NULL)
		name = arena_printf(&r->arena, "%s-%s", d->instance, name);
	if (text == NULL)
		text = node_router_config(r->lab, &conf, d->kind, &r->arena);
	result = config_write(r, name, text, err);
	if (result == 0)
		result = node_daemon_start(r->lab, d, arena_printf(&r->arena, "%s/%s", r->dir, name), r->dir_fd, err);
	run_daemon_watch(r, daemon);
	return result;
}

int run_daemon_failed(struct run *r, struct errmsg *err)
{
	const struct node_daemon *d = r->dead;
	char *words = node_daemon_words(d, r->dir_fd, &r->arena);
	const char *program = d->failed.argv[0], *slash = strrchr(program, '/');
	int status = d->failed.wait_status;

	program = slash != NULL ? slash + 1 : program;
	if (WIFSIGNALED(status))
		errmsg_say(err, -ECHILD, "%s %s (%s) was ended by signal %d (%s)", d->name, d->version, program,
			   WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		errmsg_say(err, -ECHILD, "%s %s (%s) ended with status %d", d->name, d->version, program,
			   WEXITSTATUS(status));
	snprintf(err->text + strlen(err->text), sizeof(err->text) - strlen(err->text), "; its last words:\n%s",
		 *words != '\0' ? words : "(none)");
	return err->code;
}

static int not_listening(const struct run *r, const struct node_daemon *d, struct errmsg *err)
{
	return errmsg_say(
		err, -ETIMEDOUT,
		"%s %s does not listen on port %d within %s; does its configuration have a BGP speaker? See %s/%s",
		d->name, d->version, BGP_PORT, duration_text(LISTEN_WITHIN_NS).s, r->dir, d->log);
}

int run_daemon_await(struct run *r, struct run_daemon *d, struct errmsg *err)
{
	struct instant deadline = instant_add(drive_now(r->drive), LISTEN_WITHIN_NS);

	/* The kernel has no event for a socket that begins to listen; its table is cheap to look at. */
	for (;;) {
		int done = node_daemon_proceed(&d->node, r->dir_fd, err);

		if (done < 0)
			return done;
		run_daemon_watch(r, d);
		if (r->daemon_ended)
			return run_daemon_failed(r, err);
		if (done > 0 && node_daemon_listens(&d->node))
			return 0;
		if (!instant_before(drive_now(r->drive), deadline))
			return not_listening(r, &d->node, err);
		if (!drive_wait(r->drive, instant_add(drive_now(r->drive), LISTEN_POLL_NS)))
			return errmsg_say(err, -EINTR, "interrupted");
	}
}
