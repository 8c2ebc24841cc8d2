/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All labs of a machine share the kernel's tables of learnt neighbours. Where one is full, whoever has a new neighbour loses the
 * packets to it, and nothing in a lab's own namespaces tells. The kernel counts for the machine and not whose entry it was: so
 * a verdict stays what the packets say, and doubt is told with it. */
#include "run_int.h"

#include <inttypes.h>

static const char *const families[NET_NEIGHBOUR_TABLES] = {[NET_ARP] = "IPv4", [NET_ND] = "IPv6"};

void run_neighbours_start(struct run *r)
{
	struct errmsg ignored;

	/* Unread they say nothing, then as now. */
	(void)net_neighbours_read(r->lab->router.ns, r->neighbours, &ignored);
}

const char *run_neighbours_words(struct arena *arena, enum net_neighbour_table which,
				 const struct net_neighbours *before, const struct net_neighbours *now)
{
	uint64_t n = now->refused - before->refused;

	if (before->max == 0 || now->max == 0 || now->refused <= before->refused)
		return NULL;
	return arena_printf(arena,
			    "the kernel's table of %s neighbours overflowed %" PRIu64
			    " time%s while the lab ran (net.%s.neigh.default.gc_thresh3 = %" PRIu32
			    ", shared by all labs of this machine): packets were dropped, this lab's or another's",
			    families[which], n, n == 1 ? "" : "s", which == NET_ARP ? "ipv4" : "ipv6", now->max);
}

/* What there is to say of a table by now, or NULL. */
static size_t words_now(struct run *r, const char *ret[static NET_NEIGHBOUR_TABLES])
{
	struct net_neighbours now[NET_NEIGHBOUR_TABLES];
	struct errmsg ignored;
	size_t n = 0;

	if (r->virtual != NULL || r->lab == NULL || net_neighbours_read(r->lab->router.ns, now, &ignored) < 0)
		return 0;
	for (unsigned int i = 0; i < NET_NEIGHBOUR_TABLES; i++) {
		ret[n] = run_neighbours_words(&r->arena, (enum net_neighbour_table)i, &r->neighbours[i], &now[i]);
		n += ret[n] != NULL;
	}
	return n;
}

void run_neighbours_doubt(struct run *r, struct judge_finding *finding)
{
	const char *words[NET_NEIGHBOUR_TABLES];
	size_t n = words_now(r, words);

	for (size_t i = 0; i < n; i++) {
		const char *seen = finding->seen;

		finding->seen = seen == NULL ? words[i] : arena_printf(&r->arena, "%s; %s", seen, words[i]);
		r->neighbours_doubted = true;
	}
}

void run_neighbours_tell(struct run *r)
{
	const char *words[NET_NEIGHBOUR_TABLES];
	size_t n = r->neighbours_doubted ? 0 : words_now(r, words);

	for (size_t i = 0; i < n; i++)
		run_tell(r, NULL, words[i]);
}
