/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes wrong on purpose: silence, broken connections, nodes that end, stop or come back. */
#include "virtual_int.h"

static bool cut_is(const struct cut *c, virtual_node a, virtual_node b, bool one_way)
{
	return c->one_way == one_way && ((c->a == a && c->b == b) || (!one_way && c->a == b && c->b == a));
}

static bool has_cut(const struct virtual *v, virtual_node from, virtual_node to, bool one_way)
{
	for (size_t i = 0; i < v->cuts.len; i++)
		if (cut_is(&v->cuts.at[i], from, to, one_way))
			return true;
	return false;
}

bool faults_lost(const struct virtual *v, virtual_node from, virtual_node to)
{
	return v->nodes.at[to]->dark || has_cut(v, from, to, false);
}

bool faults_silent(const struct virtual *v, virtual_node from, virtual_node to)
{
	return faults_lost(v, from, to) || has_cut(v, from, to, true);
}

/* Everything that waits to get to a node, from one other node or from any (UINT32_MAX). */
static void retry(struct virtual *v, virtual_node from, virtual_node to)
{
	for (size_t i = 0; i < v->links.len; i++) {
		struct link *l = v->links.at[i];

		for (unsigned int k = 0; k < 2 && l->used; k++)
			if (l->ends[k].node == to && (from == UINT32_MAX || l->ends[1 - k].node == from))
				net_retry(v, &l->to[k]);
	}
}

static void cut_set(struct virtual *v, const struct cut *cut, bool on)
{
	size_t i = 0;

	while (i < v->cuts.len && !cut_is(&v->cuts.at[i], cut->a, cut->b, cut->one_way))
		i++;
	if (on && i == v->cuts.len)
		VEC_PUSH(&v->cuts, *cut);
	if (on || i == v->cuts.len)
		return;
	v->cuts.at[i] = v->cuts.at[--v->cuts.len];
	retry(v, cut->a, cut->b);
	retry(v, cut->b, cut->a);
}

void virtual_silence(struct virtual *v, virtual_node a, virtual_node b, bool on)
{
	cut_set(v, &(struct cut){.a = a, .b = b}, on);
}

void virtual_unread(struct virtual *v, virtual_node from, virtual_node to, bool on)
{
	cut_set(v, &(struct cut){.a = from, .b = to, .one_way = true}, on);
}

size_t virtual_break(struct virtual *v, virtual_node a, virtual_node b, enum virtual_end how, size_t after)
{
	const struct node *n = v->nodes.at[b];
	size_t count = 0;

	for (size_t i = 0; i < n->links.len; i++) {
		struct link *l = n->links.at[i];
		unsigned int end = l->ends[1].node == b && end_is_open(&l->ends[1]) ? 1 : 0;

		if (l->ends[1 - end].node != a || l->broken)
			continue;
		count++;
		if (after == 0) {
			net_break(v, l, how);
			continue;
		}
		l->to[end].break_at = l->to[end].read + after;
		l->to[end].break_how = how;
	}
	return count;
}

void virtual_stop(struct virtual *v, virtual_node node, enum virtual_end how)
{
	struct node *n = v->nodes.at[node];

	while (n->links.len > 0) {
		struct link *l = n->links.at[n->links.len - 1];
		unsigned int end = l->ends[0].node == node && end_is_open(&l->ends[0]) ? 0 : 1;

		if (how == VIRTUAL_FIN) {
			net_shut(v, l, end);
			continue;
		}
		if (how == VIRTUAL_RST) {
			frames_reset_out(v, l, end);
			net_break(v, l, how);
		}
		links_forget(v, l, end);
	}
	n->engine = NULL;
	n->dark = how == VIRTUAL_SILENT;
	n->paused_until = 0;
	queue_set(&v->queue, &n->source, INT64_MAX);
}

void virtual_start(struct virtual *v, virtual_node node, struct bgp_speaker *engine)
{
	struct node *n = v->nodes.at[node];

	n->engine = engine;
	n->dark = false;
	retry(v, UINT32_MAX, node);
	for (bgp_peer_id peer = 0; peer < bgp_peer_count(engine); peer++)
		bgp_peer_start(engine, peer, virtual_now(v));
	virtual_flush(v, node);
}

void virtual_pause(struct virtual *v, virtual_node node, int64_t ns)
{
	v->nodes.at[node]->paused_until = v->now + ns;
}

void virtual_jump(struct virtual *v, int64_t ns)
{
	v->now += ns;
}
