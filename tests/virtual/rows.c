/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "further.h"

#include <stdlib.h>
#include <string.h>

/* ---- Rows ---- */

static void read_extra(struct row *r, struct wire_in extra)
{
	while (wire_more(&extra)) {
		uint8_t flags = wire_u8(&extra), code = wire_u8(&extra);
		size_t len = (flags & WIRE_FLAG_EXTENDED) != 0 ? wire_u16(&extra) : wire_u8(&extra);
		struct wire_in value = wire_sub(&extra, len);

		r->odd |= extra.bad || (code == WIRE_ATTR_OTC && (len != 4 || r->otc_present));
		if (code == WIRE_ATTR_OTC) {
			r->otc_present = true;
			r->otc = wire_u32(&value);
		} else {
			r->extra += len;
		}
	}
}

static void add_row(void *ctx, const struct bgp_adj_route *route)
{
	struct rows *rows = ctx;
	struct wire_in path = route->as_path;
	struct wire_path_segment segment;
	struct row r = {.prefix = route->prefix,
			.path_id = route->path_id,
			.next_hop = route->next_hop,
			.origin = route->origin,
			.med_present = route->med_present,
			.med = route->med,
			.local_pref_present = route->local_pref_present,
			.local_pref = route->local_pref,
			.originator_id = route->originator_id,
			.stale = route->stale};

	read_extra(&r, route->extra);
	for (size_t i = 0; i < route->community_count; i++)
		row_add(&r, route->communities[i]);
	while (wire_path_next(&path, true, &segment)) {
		r.odd |= segment.type != WIRE_AS_SEQUENCE;
		while (wire_more(&segment.ases) && r.hops < PATH_MAX_HOPS)
			r.path[r.hops++] = wire_path_as(&segment);
		r.odd |= wire_more(&segment.ases);
	}
	further_row(route, &r);
	VEC_PUSH(&rows->list, r);
}

static int by_prefix(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int order = prefix_compare(&x->prefix, &y->prefix);

	return order != 0 ? order : (x->path_id > y->path_id) - (x->path_id < y->path_id);
}

static void sort(struct rows *rows)
{
	if (rows->list.len > 1)
		qsort(rows->list.at, rows->list.len, sizeof(*rows->list.at), by_prefix);
}

struct ribs *ribs_new(const struct world *w)
{
	struct ribs *ribs = memory_new(sizeof(*ribs));

	for (unsigned int i = 0; i < w->plan->node_count; i++) {
		const struct player *p = &w->players[i];

		for (bgp_peer_id k = 0; k < p->peer_count; k++) {
			bgp_adj_rib_in(p->engine, k, add_row, &ribs->in[i][k]);
			bgp_adj_rib_out(p->engine, k, add_row, &ribs->out[i][k]);
			sort(&ribs->in[i][k]);
			sort(&ribs->out[i][k]);
			for (size_t r = 0; r < ribs->in[i][k].list.len; r++)
				ribs->in[i][k].list.at[r].peer = k;
		}
	}
	return ribs;
}

void ribs_free(struct ribs *r)
{
	for (size_t i = 0; i < NODES_MAX; i++) {
		for (size_t k = 0; k < NODES_MAX; k++) {
			VEC_FREE(&r->in[i][k].list);
			VEC_FREE(&r->out[i][k].list);
		}
	}
	free(r);
}

const struct row *rows_find(const struct rows *rows, const struct prefix *prefix, size_t *ret_count)
{
	size_t low = 0, high = rows->list.len, end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (prefix_compare(&rows->list.at[middle].prefix, prefix) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	end = low;
	while (end < rows->list.len && prefix_equal(&rows->list.at[end].prefix, prefix))
		end++;
	*ret_count = end - low;
	return end > low ? &rows->list.at[low] : NULL;
}

const char *rows_differ(const struct row *a, const struct row *b)
{
	if (a->odd || b->odd)
		return "more than expected";
	if (!addr_equal(&a->next_hop, &b->next_hop))
		return "next hop";
	if (a->origin != b->origin)
		return "ORIGIN";
	if (a->hops != b->hops || memcmp(a->path, b->path, sizeof(a->path)) != 0)
		return "AS_PATH";
	if (a->med_present != b->med_present || a->med != b->med)
		return "MED";
	if (a->local_pref_present != b->local_pref_present || a->local_pref != b->local_pref)
		return "LOCAL_PREF";
	if (a->communities != b->communities || memcmp(a->community, b->community, sizeof(a->community)) != 0)
		return "communities";
	if (a->otc_present != b->otc_present || a->otc != b->otc)
		return "ONLY_TO_CUSTOMER";
	return a->extra != b->extra ? "other attributes" : NULL;
}

bool row_passes_through(const struct row *r, uint32_t as)
{
	for (size_t i = 0; i < r->hops; i++)
		if (r->path[i] == as)
			return true;
	return false;
}

bool row_has(const struct row *r, uint32_t community)
{
	for (size_t i = 0; i < r->communities; i++)
		if (r->community[i] == community)
			return true;
	return false;
}

void row_add(struct row *r, uint32_t community)
{
	if (r->communities < COMMUNITIES_MAX)
		r->community[r->communities++] = community;
	else
		r->odd = true;
}

/* ---- Sessions ---- */

enum bgp_role session_role(const struct plan_session *s, unsigned int node)
{
	return (enum bgp_role)s->role[s->b == node];
}

bool session_external(const struct world *w, const struct plan_session *s)
{
	return w->plan->nodes[s->a].as != w->plan->nodes[s->b].as;
}

bool session_denies(const struct world *w, const struct plan_session *s, unsigned int node, enum policy what)
{
	unsigned int policy = s->policy[s->b == node];

	return session_external(w, s) && (policy & POLICY_REQUIRED) != 0 && (policy & what) == 0;
}

bool session_add_path(const struct plan_session *s, unsigned int from, uint8_t family)
{
	unsigned int shift = family == ADDR_V6 ? 2 : 0, sender = s->b == from;

	return (s->add_path[sender] >> shift & BGP_ADD_PATH_SEND) != 0 &&
	       (s->add_path[1 - sender] >> shift & BGP_ADD_PATH_RECEIVE) != 0;
}

bool session_extended_next_hop(const struct plan_session *s)
{
	return (s->options & OPTION_EXTENDED_NEXT_HOP_A) != 0 && (s->options & OPTION_EXTENDED_NEXT_HOP_B) != 0;
}
