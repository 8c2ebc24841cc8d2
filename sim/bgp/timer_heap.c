/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A speaker's peers by their nearest timer: a binary heap, so that a thousand quiet sessions cost no more than one. Peers
 * with equal instants are in the order of their ids, which keeps runs reproducible. */
#include "bgp_int.h"

static struct instant nearest(const struct peer *p)
{
	struct instant t = instant_min(instant_min(p->connect_retry_due, p->idle_hold_due), p->mrai_due);

	for (enum family f = FAMILY_V4; f < p->speaker->family_end; f++)
		t = instant_min(t, p->stale[f].due);
	for (size_t i = 0; i < 2; i++) {
		const struct conn *c = &p->conns[i];

		t = instant_min(t, instant_min(instant_min(c->hold_due, c->keepalive_due), c->delay_open_due));
	}
	return t;
}

static bool before(const struct peer *a, const struct peer *b)
{
	if (a->next_due.ns != b->next_due.ns)
		return a->next_due.ns < b->next_due.ns;
	return a->id < b->id;
}

static void place(struct bgp_speaker *s, size_t at, struct peer *p)
{
	s->by_due.at[at] = p;
	p->heap_at = at;
}

static void rise(struct bgp_speaker *s, struct peer *p)
{
	size_t at = p->heap_at;

	while (at > 0 && before(p, s->by_due.at[(at - 1) / 2])) {
		place(s, at, s->by_due.at[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	place(s, at, p);
}

static void sink(struct bgp_speaker *s, struct peer *p)
{
	size_t at = p->heap_at, child;

	while ((child = 2 * at + 1) < s->by_due.len) {
		if (child + 1 < s->by_due.len && before(s->by_due.at[child + 1], s->by_due.at[child]))
			child++;
		if (!before(s->by_due.at[child], p))
			break;
		place(s, at, s->by_due.at[child]);
		at = child;
	}
	place(s, at, p);
}

void timers_add(struct peer *p)
{
	struct bgp_speaker *s = p->speaker;

	p->next_due = INSTANT_NEVER;
	VEC_PUSH(&s->by_due, p);
	p->heap_at = s->by_due.len - 1;
	timers_changed(p);
}

void timers_changed(struct peer *p)
{
	struct instant due = nearest(p);

	if (due.ns == p->next_due.ns)
		return;
	p->next_due = due;
	rise(p->speaker, p);
	sink(p->speaker, p);
}
