/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MinRouteAdvertisementIntervalTimer (RFC 4271 section 9.2.1.1), one for all of a peer's destinations: what is queued
 * within the interval waits, and only its outcome is sent. Such a peer has a group to itself. */
#include "bgp_int.h"

#include <stdlib.h>

static int by_place(const void *a, const void *b)
{
	const struct change *x = a, *y = b;
	int order = prefix_compare(&x->prefix, &y->prefix);

	if (order != 0)
		return order;
	if (x->path_id != y->path_id)
		return x->path_id < y->path_id ? -1 : 1;
	return (x->turn > y->turn) - (x->turn < y->turn);
}

static bool same_place(const struct change *x, const struct change *y)
{
	return x->path_id == y->path_id && prefix_equal(&x->prefix, &y->prefix);
}

/* What came and went several times is announced as it is now, or withdrawn if the peer had it before. */
static void fold(struct out_group *g)
{
	size_t n = 0;

	for (size_t i = 0; i < g->changes.len; i++)
		g->changes.at[i].turn = (uint32_t)i;
	qsort(g->changes.at, g->changes.len, sizeof(*g->changes.at), by_place);
	for (size_t i = 0; i < g->changes.len; i++) {
		struct change *c = &g->changes.at[i], *last = n > 0 ? &g->changes.at[n - 1] : NULL;

		if (last == NULL || !same_place(last, c)) {
			g->changes.at[n++] = *c;
			continue;
		}
		attrs_release(g->speaker, last->attrs);
		nlri_drop(g->speaker, &c->prefix);
		last->attrs = c->attrs;
	}
	g->changes.len = n;
}

void mrai_flush(struct out_group *g)
{
	struct peer *p = g->members.at[0];

	if (p->conf.session.mrai_s > 0 && g->changes.len > 0) {
		fold(g);
		if (p->mrai_due.ns != INSTANT_NEVER.ns)
			return;
		timer_mrai_start(p);
	}
	updates_flush(g);
}

void mrai_expired(struct peer *p, enum family f)
{
	(void)f;
	if (p->group != NULL)
		mrai_flush(p->group);
}
