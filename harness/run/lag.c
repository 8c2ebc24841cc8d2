/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What kube-proxy and MetalLB's FRR do some time after the cluster changed. */
#include "run_int.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct run_timer {
	struct run *run;
	int fd;
	struct drive_watch *watch;
	int (*fn)(struct run *r, struct errmsg *err);
};

static void on_time(void *ctx, int fd)
{
	struct run_timer *t = ctx;
	struct errmsg err;
	uint64_t times;

	if (read(fd, &times, sizeof(times)) != (ssize_t)sizeof(times))
		return;
	if (t->fn(t->run, &err) < 0 && t->run->evidence_err.code == 0)
		t->run->evidence_err = err;
}

static int timer_new(struct run *r, struct run_timer **ret, struct errmsg *err)
{
	struct run_timer *t;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

	if (fd < 0)
		return errmsg_set(err, -errno, "a timer");
	t = memory_new(sizeof(*t));
	t->run = r;
	t->fd = fd;
	t->watch = drive_watch(r->drive, fd, on_time, t);
	*ret = t;
	return 0;
}

int run_later(struct run *r, enum run_lag what, int64_t ns, int (*fn)(struct run *r, struct errmsg *err),
	      struct errmsg *err)
{
	struct itimerspec when = {.it_value = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S}}, set;
	struct run_timer **t = &r->lags[what];

	if (*t == NULL && timer_new(r, t, err) < 0)
		return err->code;
	(*t)->fn = fn;
	if (timerfd_gettime((*t)->fd, &set) == 0 && (set.it_value.tv_sec != 0 || set.it_value.tv_nsec != 0))
		return 0;
	return timerfd_settime((*t)->fd, 0, &when, NULL) < 0 ? errmsg_set(err, -errno, "a timer") : 0;
}

void run_lags_free(struct run *r)
{
	for (size_t i = 0; i < RUN_LAGS; i++) {
		if (r->lags[i] == NULL)
			continue;
		drive_unwatch(r->lags[i]->watch);
		close(r->lags[i]->fd);
		free(r->lags[i]);
	}
}
