/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECMPLAB_DRIVE_INT_H
#define ECMPLAB_DRIVE_INT_H

#include "drive.h"
#include "vec.h"

#include <event2/event.h>

struct child {
	pid_t pid;
	drive_exit_fn *fn;
	void *ctx;
};

struct drive {
	struct event_base *base;
	struct event *signals[4];
	struct event *deadline;
	VEC(struct child) children;
	bool interrupted;
};

/* The time until an instant of drive_now's clock, not below zero. */
struct timeval drive_until(const struct drive *d, struct instant t);

#endif
