/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Groups of peers that get the same: who belongs together, and the group's adj-rib-out. */
#include "bgp_int.h"

#include <stdlib.h>

/* A peer has a group to itself where its timing, or what is originated, is its own. */
static bool stands_alone(const struct peer *p)
{
	const struct bgp_speaker *s = p->speaker;

	return p->conf.session.mrai_s > 0 || !s->conf.readvertise || s->choosy;
}

static struct group_key key_of(struct peer *p)
{
	const struct conn *to = peer_established(p);
	struct group_key key;

	memset(&key, 0, sizeof(key));
	key.alone = stands_alone(p) ? p->id + 1 : 0;
	key.local_as = p->conf.local_as;
	key.local = to->local;
	key.role = (uint8_t)p->conf.role;
	key.external = conn_external(to);
	key.ipv4 = to->ipv4;
	key.ipv6 = to->ipv6;
	key.others = (uint8_t)to->others;
	key.as4 = to->wire_out.as4;
	key.extended = to->wire_out.extended;
	key.add_path_v4 = to->wire_out.add_path_v4;
	key.add_path_v6 = to->wire_out.add_path_v6;
	key.extended_next_hop = to->extended_next_hop;
	key.knows_long_lived = to->restart.knows_long_lived;
	key.denied = conn_export_denied(to);
	key.graceful_shutdown = p->graceful_shutdown;
	return key;
}

static struct out_group *group_new(struct bgp_speaker *s, const struct group_key *key)
{
	struct out_group *g = memory_new(sizeof(*g));

	g->speaker = s;
	g->key = *key;
	VEC_PUSH(&g->sent_paths, (struct sent_path){0});
	VEC_PUSH(&s->groups, g);
	return g;
}

static struct out_group *group_find(const struct bgp_speaker *s, const struct group_key *key)
{
	for (size_t i = 0; i < s->groups.len; i++)
		if (memcmp(&s->groups.at[i]->key, key, sizeof(*key)) == 0)
			return s->groups.at[i];
	return NULL;
}

void group_join(struct peer *p)
{
	struct group_key key = key_of(p);
	struct out_group *g = group_find(p->speaker, &key);
	bool first = g == NULL;

	if (first)
		g = group_new(p->speaker, &key);
	p->group = g;
	VEC_PUSH(&g->members, p);
	if (first)
		export_fill(g);
}

/* ---- The adj-rib-out ---- */

uint32_t *group_sent(struct out_group *g, enum family f, uint32_t route)
{
	struct sent_table *t = &g->sent[f];
	uint32_t cap = g->speaker->ribs[f].cap;

	if (route >= t->len) {
		t->at = memory_grow(t->at, cap, sizeof(*t->at));
		memset(t->at + t->len, 0, (cap - t->len) * sizeof(*t->at));
		t->len = cap;
	}
	return &t->at[route];
}

uint32_t group_sent_at(const struct out_group *g, enum family f, uint32_t route)
{
	return route < g->sent[f].len ? g->sent[f].at[route] : 0;
}

static void forget_sent(struct out_group *g, enum family f)
{
	struct bgp_speaker *s = g->speaker;

	for (uint32_t i = 0; i < g->sent[f].len; i++) {
		uint32_t sent = g->sent[f].at[i];

		if (!group_add_path(g, f))
			attrs_drop(s, sent & ~SENT_OWN);
		for (uint32_t k = sent; group_add_path(g, f) && k != 0; k = g->sent_paths.at[k].next) {
			attrs_drop(s, g->sent_paths.at[k].attrs);
			source_release(s, g->sent_paths.at[k].source);
		}
	}
	free(g->sent[f].at);
}

static void group_free(struct out_group *g)
{
	struct bgp_speaker *s = g->speaker;
	size_t at = 0;

	while (s->groups.at[at] != g)
		at++;
	memmove(&s->groups.at[at], &s->groups.at[at + 1], (--s->groups.len - at) * sizeof(struct out_group *));
	changes_clear(g);
	for (enum family f = FAMILY_V4; f < FAMILY_COUNT; f++)
		forget_sent(g, f);
	export_memo_clear(g);
	originate_memo_clear(g);
	VEC_FREE(&g->members);
	VEC_FREE(&g->sent_paths);
	VEC_FREE(&g->changes);
	free(g);
}

void group_leave(struct peer *p)
{
	struct out_group *g = p->group;
	size_t at = 0;

	if (g == NULL)
		return;
	while (g->members.at[at] != p)
		at++;
	memmove(&g->members.at[at], &g->members.at[at + 1], (--g->members.len - at) * sizeof(struct peer *));
	p->group = NULL;
	if (g->members.len == 0)
		group_free(g);
}

/* What a group of its own takes over is what the shared one has; a session's beginning sends the rest. */
void groups_part(struct bgp_speaker *s)
{
	for (size_t i = 0; i < s->peers.len; i++) {
		struct peer *p = s->peers.at[i];

		if (p->group == NULL || p->group->key.alone != 0)
			continue;
		group_leave(p);
		group_join(p);
	}
}
