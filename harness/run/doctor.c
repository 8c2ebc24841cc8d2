/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net.h"
#include "node.h"
#include "run.h"

#include <stdio.h>
#include <string.h>

static size_t kernel_part(struct run_ability *ret, size_t room)
{
	struct net_ability found[RUN_ABILITIES_MAX];
	size_t n = net_abilities(found, room < RUN_ABILITIES_MAX ? room : RUN_ABILITIES_MAX);

	for (size_t i = 0; i < n; i++) {
		ret[i] = (struct run_ability){.name = found[i].name,
					      .needed_for = found[i].needed_for,
					      .required = found[i].required,
					      .state = found[i].state == NET_ABLE     ? RUN_ABLE
						       : found[i].state == NET_UNABLE ? RUN_UNABLE
										      : RUN_UNKNOWN};
		snprintf(ret[i].detail, sizeof(ret[i].detail), "%s", found[i].detail);
	}
	return n;
}

static struct run_ability daemon_row(const char *name, enum node_daemon_kind kind, const char *needed_for)
{
	struct run_ability row = {.name = name, .needed_for = needed_for};
	struct node_daemon daemon;
	struct errmsg err;

	row.state = node_daemon_find(kind, &daemon, &err) == 0 ? RUN_ABLE : RUN_UNABLE;
	if (row.state == RUN_ABLE)
		snprintf(row.detail, sizeof(row.detail), "%s, %.150s", daemon.version, daemon.path);
	else
		snprintf(row.detail, sizeof(row.detail), "%.199s", err.text);
	return row;
}

static struct run_ability program_row(const char *name, const char *needed_for)
{
	struct run_ability row = {.name = name, .needed_for = needed_for};

	row.state = net_program_find(name, row.detail, sizeof(row.detail)) ? RUN_ABLE : RUN_UNABLE;
	if (row.state == RUN_UNABLE)
		snprintf(row.detail, sizeof(row.detail), "not installed");
	return row;
}

size_t run_doctor(struct run_ability ret[static RUN_ABILITIES_MAX])
{
	const struct run_ability programs[] = {
		daemon_row("BIRD 1.6", NODE_BIRD1, "scenarios with this router or speaker"),
		daemon_row("BIRD 2", NODE_BIRD2, "scenarios with this router or speaker"),
		daemon_row("FRR", NODE_FRR, "scenarios with this router or speaker"),
		daemon_row("GoBGP", NODE_GOBGP, "scenarios with this router or speaker"),
		daemon_row("OpenBGPD", NODE_OPENBGPD, "scenarios with this router"),
		daemon_row("ExaBGP", NODE_EXABGP, "scenarios with this speaker"),
		program_row("ip", "exec steps that look at routes"),
		program_row("curl", "exec steps that fetch"),
		program_row("tshark", "the comparison of captures in the tests"),
	};
	const size_t n = sizeof(programs) / sizeof(programs[0]);
	size_t kernel = kernel_part(ret, RUN_ABILITIES_MAX - n);

	memcpy(ret + kernel, programs, sizeof(programs));
	return kernel + n;
}
