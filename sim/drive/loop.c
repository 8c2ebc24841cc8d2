/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drive_int.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

/* So many other events at most until it is looked whether an urgent one has come. */
#define URGENT_WAITS 16

struct drive_watch {
	struct event *event;
	drive_fd_fn *fn;
	void *ctx;
};

static struct instant clock_read(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (struct instant){ts.tv_sec * NS_PER_S + ts.tv_nsec};
}

struct instant drive_now(const struct drive *d)
{
	(void)d;
	return clock_read(CLOCK_MONOTONIC);
}

struct instant drive_wall(void)
{
	return clock_read(CLOCK_REALTIME);
}

struct timeval drive_until(const struct drive *d, struct instant t)
{
	int64_t ns = instant_since(t, drive_now(d));

	/* Rounded up: a timer that fires a microsecond early would find nothing due. */
	ns = ns > 0 ? ns + NS_PER_US - 1 : 0;
	return (struct timeval){.tv_sec = ns / NS_PER_S, .tv_usec = ns % NS_PER_S / NS_PER_US};
}

static void on_interrupt(evutil_socket_t number, short what, void *ctx)
{
	struct drive *d = ctx;

	(void)number;
	(void)what;
	d->interrupted = true;
	event_base_loopbreak(d->base);
}

static void child_ended(struct drive *d, pid_t pid, int status)
{
	for (size_t i = 0; i < d->children.len; i++) {
		struct child c = d->children.at[i];

		if (c.pid != pid)
			continue;
		d->children.at[i] = d->children.at[--d->children.len];
		c.fn(c.ctx, pid, status);
		return;
	}
}

static void on_child(evutil_socket_t number, short what, void *ctx)
{
	pid_t pid;
	int status;

	(void)number;
	(void)what;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		child_ended(ctx, pid, status);
}

static void on_deadline(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
}

int drive_new(struct drive **ret, struct errmsg *err)
{
	static const int interrupts[] = {SIGINT, SIGTERM, SIGHUP};
	struct drive *d = memory_new(sizeof(*d));
	struct event_config *config = event_config_new();

	/* Microsecond timers: the default of a millisecond is longer than most of what happens in a lab. */
	if (config != NULL) {
		event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
		event_config_set_max_dispatch_interval(config, NULL, URGENT_WAITS, DRIVE_URGENT + 1);
	}
	d->base = config != NULL ? event_base_new_with_config(config) : NULL;
	if (config != NULL)
		event_config_free(config);
	if (d->base == NULL) {
		free(d);
		return errmsg_set(err, -ENOMEM, "event loop");
	}
	(void)event_base_priority_init(d->base, DRIVE_PRIORITIES);
	for (size_t i = 0; i < 3; i++)
		d->signals[i] = evsignal_new(d->base, interrupts[i], on_interrupt, d);
	d->signals[3] = evsignal_new(d->base, SIGCHLD, on_child, d);
	for (size_t i = 0; i < 4; i++)
		event_add(d->signals[i], NULL);
	d->deadline = evtimer_new(d->base, on_deadline, d);
	if (pace_init(d) < 0)
		memory_exhausted();
	signal(SIGPIPE, SIG_IGN);
	*ret = d;
	return 0;
}

void drive_free(struct drive *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < 4; i++)
		event_free(d->signals[i]);
	event_free(d->deadline);
	pace_fini(d);
	VEC_FREE(&d->children);
	event_base_free(d->base);
	free(d);
}

bool drive_wait(struct drive *d, struct instant until)
{
	struct timeval tv = drive_until(d, until);

	if (d->interrupted)
		return false;
	event_add(d->deadline, &tv);
	event_base_loop(d->base, EVLOOP_ONCE);
	event_del(d->deadline);
	return !d->interrupted;
}

bool drive_interrupted(const struct drive *d)
{
	return d->interrupted;
}

static void on_watch(evutil_socket_t fd, short what, void *ctx)
{
	struct drive_watch *w = ctx;

	(void)what;
	w->fn(w->ctx, fd);
}

struct drive_watch *drive_watch(struct drive *d, int fd, drive_fd_fn *fn, void *ctx)
{
	struct drive_watch *w = memory_new(sizeof(*w));

	w->fn = fn;
	w->ctx = ctx;
	w->event = event_new(d->base, fd, EV_READ | EV_PERSIST, on_watch, w);
	if (w->event == NULL)
		memory_exhausted();
	event_add(w->event, NULL);
	return w;
}

void drive_unwatch(struct drive_watch *w)
{
	if (w == NULL)
		return;
	event_free(w->event);
	free(w);
}

void drive_child(struct drive *d, pid_t pid, drive_exit_fn *fn, void *ctx)
{
	VEC_PUSH(&d->children, (struct child){.pid = pid, .fn = fn, .ctx = ctx});
}

void drive_child_forget(struct drive *d, pid_t pid)
{
	for (size_t i = 0; i < d->children.len; i++) {
		if (d->children.at[i].pid == pid)
			d->children.at[i] = d->children.at[--d->children.len];
	}
}
