/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MinRouteAdvertisementIntervalTimer (RFC 4271 section 9.2.1.1), one for all of a peer's destinations: what is queued
 * within the interval waits, and only its outcome is sent. */
#include "bgp_int.h"

#include <stdlib.h>

static int by_prefix(const void *a, const void *b)
{
	return prefix_compare(a, b);
}

static void add_touched(struct bgp_speaker *s, const struct prefix *prefix)
{
	VEC_PUSH(&s->touched, *prefix);
}

/* The prefixes of both queues, each once, in s->touched; the queues are empty then. */
static void gather(struct peer *p)
{
	struct bgp_speaker *s = p->speaker;
	size_t n = 0;

	VEC_CLEAR(&s->touched);
	for (size_t i = 0; i < p->announce.len; i++) {
		add_touched(s, &p->announce.at[i].prefix);
		attrs_release(&s->attrs, p->announce.at[i].attrs);
	}
	for (size_t i = 0; i < p->withdraw.len; i++)
		add_touched(s, &p->withdraw.at[i]);
	VEC_CLEAR(&p->announce);
	VEC_CLEAR(&p->withdraw);
	if (s->touched.len > 1)
		qsort(s->touched.at, s->touched.len, sizeof(*s->touched.at), by_prefix);
	for (size_t i = 0; i < s->touched.len; i++)
		if (n == 0 || !prefix_equal(&s->touched.at[n - 1], &s->touched.at[i]))
			s->touched.at[n++] = s->touched.at[i];
	s->touched.len = n;
}

/* A prefix that came and went several times is announced as it is now, or withdrawn. */
static void fold(struct peer *p)
{
	struct bgp_speaker *s = p->speaker;

	gather(p);
	for (size_t i = 0; i < s->touched.len; i++) {
		const struct prefix *prefix = &s->touched.at[i];
		const struct sent *sent =
			(const struct sent *)(const void *)prefix_map_get(&p->sent, s->hash_seed, prefix);

		if (sent == NULL)
			VEC_PUSH(&p->withdraw, *prefix);
		else
			VEC_PUSH(&p->announce,
				 (struct announcement){.prefix = *prefix, .attrs = attrs_ref(sent->attrs)});
	}
}

void mrai_flush(struct peer *p)
{
	bool queued = p->announce.len + p->withdraw.len > 0;

	if (p->conf.session.mrai_s > 0 && queued && peer_established(p) != NULL) {
		fold(p);
		if (p->mrai_due.ns != INSTANT_NEVER.ns)
			return;
		timer_mrai_start(p);
	}
	export_flush(p);
}

void mrai_expired(struct peer *p, enum family f)
{
	(void)f;
	mrai_flush(p);
}
