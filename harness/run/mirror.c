/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nexthop groups for the routes of a real daemon: those of the lab's own forwarding plane, which follows what the daemon writes. */
#include "run_int.h"

uint8_t run_fib_table(const struct run *r)
{
	return r->mirror != NULL ? NET_MIRROR_TABLE : NET_FIB_MAIN;
}

int run_mirror_read(struct run *r, struct errmsg *err)
{
	struct errmsg refused = {0};
	int result = r->mirror != NULL ? net_mirror_read(r->mirror, &refused, err) : 0;

	/* What the kernel refuses shows in the FIB, which is what the judge looks at; the reason is for the reader. */
	if (refused.code != 0)
		run_tell(r, "router", refused.text);
	return result;
}

static void on_change(void *ctx, int fd)
{
	struct run *r = ctx;
	struct errmsg err;

	(void)fd;
	if (run_mirror_read(r, &err) < 0)
		run_evidence_failed(r, &err);
}

int run_mirror_start(struct run *r, struct errmsg *err)
{
	struct net_group_conf conf = run_group_conf(r);

	if (!r->has_daemon || !r->plan->lab.groups.on)
		return 0;
	r->mirror = net_mirror_new(r->lab->router.ns, &conf, err);
	if (r->mirror == NULL)
		return err->code;
	VEC_PUSH(&r->watches, drive_watch(r->drive, net_mirror_fd(r->mirror), on_change, r));
	run_tell(r, "router",
		 arena_printf(&r->arena,
			      "forwards by the lab's own nexthop groups (table %d), which follow what %s writes",
			      NET_MIRROR_TABLE, r->daemon.node.name));
	return 0;
}
