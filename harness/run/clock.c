/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time as the run has it: the kernel's, or the virtual network's, which has one clock for everything. */
#include "run_int.h"

struct instant run_wall(const struct run *r)
{
	return r->virtual != NULL ? run_virtual_now(r) : r->plan->virtual.on ? r->started : drive_wall();
}

struct instant run_clock(const struct run *r)
{
	return r->virtual != NULL ? run_virtual_now(r) : drive_now(r->drive);
}

bool run_wait(struct run *r, struct instant until)
{
	return r->virtual != NULL ? run_virtual_wait(r, until) : drive_wait(r->drive, until);
}

bool run_interrupted(const struct run *r)
{
	return r->virtual == NULL && drive_interrupted(r->drive);
}
