/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must hold after a quiet time, seen from the sessions and their two ends. */
#include "further.h"

/* ---- Sessions ---- */

bool check_sessions(struct world *w)
{
	for (unsigned int i = 0; i < w->plan->node_count; i++) {
		const struct player *p = &w->players[i];
		int64_t still = instant_since(virtual_now(w->net), p->changed);

		for (bgp_peer_id k = 0; k < p->peer_count; k++)
			if (bgp_peer_state(p->engine, k) != BGP_ESTABLISHED)
				return world_fails(w, "node %u with node %u is %s, not Established", i,
						   session_other(&w->plan->sessions.at[p->peers[k]], i),
						   bgp_state_text(bgp_peer_state(p->engine, k)));
		if (still < SETTLED_S * NS_PER_S)
			return world_fails(w, "a session of node %u changed its state %.1f s before the end", i,
					   (double)still / 1e9);
		if (bgp_deferring(p->engine))
			return world_fails(w, "node %u still defers the selection of routes", i);
	}
	return true;
}

/* ---- Both ends of a session ---- */

/* RFC 9234 section 5, on receipt: false for a leak. */
static bool role_takes(const struct plan_session *s, unsigned int to, uint32_t from_as, struct row *r)
{
	enum bgp_role role = session_role(s, to);

	if (r->otc_present)
		return role != BGP_ROLE_PROVIDER && role != BGP_ROLE_RS && (role != BGP_ROLE_PEER || r->otc == from_as);
	if (role == BGP_ROLE_CUSTOMER || role == BGP_ROLE_PEER || role == BGP_ROLE_RS_CLIENT) {
		r->otc_present = true;
		r->otc = from_as;
	}
	return true;
}

/* RFC 4271 sections 9.1.2 and 6.3, RFC 7606 section 7.2, RFC 8212, the profiles; LOCAL_PREF of an external peer is not looked
 * at, but set for what is about to go (RFC 8326). */
static bool acceptable(const struct world *w, unsigned int from, const struct plan_session *s, struct row *r)
{
	unsigned int to = session_other(s, from);
	const struct plan_node *us = &w->plan->nodes[to];
	struct addr own = plan_address(to, s->family);

	if (us->profile != BGP_PROFILE_STANDARD || session_denies(w, s, to, POLICY_IMPORT))
		return false;
	if (row_passes_through(r, us->as) || (addr_equal(&r->next_hop, &own) && !further_is(r)))
		return false;
	if (!session_external(w, s))
		return true;
	if (r->hops == 0 || r->path[0] != w->plan->nodes[from].as)
		return false;
	r->local_pref_present = row_has(r, GRACEFUL_SHUTDOWN);
	r->local_pref = 0;
	return further_is(r) || role_takes(s, to, w->plan->nodes[from].as, r);
}

/* The row of the other end with the same path identifier. */
static const struct row *counterpart(const struct row *r, const struct rows *of)
{
	size_t n;
	const struct row *first = rows_find(of, &r->prefix, &n);

	for (size_t i = 0; i < n; i++)
		if (first[i].path_id == r->path_id)
			return &first[i];
	return NULL;
}

static bool compare_row(struct world *w, unsigned int from, const struct plan_session *s, const struct row *out,
			const struct rows *in)
{
	struct row want = *out;
	unsigned int to = session_other(s, from);
	const struct row *got = counterpart(out, in);
	const char *what;

	if (!acceptable(w, from, s, &want))
		return got == NULL || world_fails(w, "node %u has %s of node %u, which it must not use", to,
						  prefix_text(&out->prefix).s, from);
	if (got == NULL)
		return world_fails(w, "node %u told node %u of %s, which is not in its adj-rib-in", from, to,
				   prefix_text(&out->prefix).s);
	what = rows_differ(&want, got);
	if (what != NULL)
		return world_fails(w, "node %u told node %u of %s: the %s differs", from, to,
				   prefix_text(&out->prefix).s, what);
	return !got->stale ||
	       world_fails(w, "node %u: %s of node %u is still stale", to, prefix_text(&out->prefix).s, from);
}

/* RFC 7911 section 3: a path is named by its identifier, which without add-path there is none of. */
static bool check_ids(struct world *w, unsigned int from, const struct plan_session *s, const struct rows *out)
{
	for (size_t i = 0; i < out->list.len; i++) {
		const struct row *r = &out->list.at[i], *before = i > 0 ? r - 1 : NULL;
		bool many = session_add_path(s, from, r->prefix.addr.family);

		if (before != NULL && prefix_equal(&before->prefix, &r->prefix) && before->path_id == r->path_id)
			return world_fails(w, "node %u has two paths of %s with one identifier", from,
					   prefix_text(&r->prefix).s);
		if (!many && r->path_id != 0)
			return world_fails(w, "node %u: %s has a path identifier without add-path", from,
					   prefix_text(&r->prefix).s);
	}
	return true;
}

static bool compare_session(struct world *w, const struct ribs *ribs, unsigned int from, bgp_peer_id peer)
{
	const struct plan_session *s = &w->plan->sessions.at[w->players[from].peers[peer]];
	unsigned int to = session_other(s, from);
	const struct rows *out = &ribs->out[from][peer], *in;
	bgp_peer_id back = 0;

	while (&w->plan->sessions.at[w->players[to].peers[back]] != s)
		back++;
	in = &ribs->in[to][back];
	if (!check_ids(w, from, s, out))
		return false;
	for (size_t i = 0; i < out->list.len; i++)
		if (!compare_row(w, from, s, &out->list.at[i], in))
			return false;
	for (size_t i = 0; i < in->list.len; i++) {
		const struct row *r = &in->list.at[i];

		if (further_by_hand(r, from, to) ? r->stale || r->odd : counterpart(r, out) == NULL)
			return world_fails(w, "node %u has %s of node %u, which does not tell it", to,
					   prefix_text(&r->prefix).s, from);
	}
	return true;
}

bool check_adj_ribs(struct world *w, const struct ribs *ribs)
{
	for (unsigned int i = 0; i < w->plan->node_count; i++)
		for (bgp_peer_id k = 0; k < w->players[i].peer_count; k++)
			if (!compare_session(w, ribs, i, k))
				return false;
	return true;
}

/* ---- What was told is what is there ---- */

struct told_check {
	struct world *w;
	const struct player *player;
	size_t count;
};

static bool has_hop(const struct addr *hops, size_t n, const struct addr *hop)
{
	for (size_t i = 0; i < n; i++)
		if (addr_equal(&hops[i], hop))
			return true;
	return false;
}

static void compare_told(void *ctx, const struct prefix *prefix, const struct addr *hops, size_t n)
{
	struct told_check *c = ctx;
	unsigned int number = plan_prefix_number(prefix);
	const struct told *told = number < c->player->routes.len ? &c->player->routes.at[number] : NULL;
	bool same = told != NULL && told->n == n;

	for (size_t i = 0; same && i < n; i++)
		same = has_hop(told->hops, told->n, &hops[i]);
	if (!same)
		(void)world_fails(c->w, "node %u: the next hops that it told of %s are not its loc-rib's",
				  c->player->index, prefix_text(prefix).s);
	c->count++;
}

bool check_told(struct world *w)
{
	for (unsigned int i = 0; i < w->plan->node_count; i++) {
		const struct player *p = &w->players[i];
		struct told_check c = {.w = w, .player = p};
		size_t standing = 0;

		bgp_loc_rib(p->engine, compare_told, &c);
		for (size_t k = 0; k < p->routes.len; k++)
			standing += p->routes.at[k].n > 0;
		if (w->verdict->ok && standing != c.count)
			return world_fails(w, "node %u told of %zu prefixes, its loc-rib has %zu", i, standing,
					   c.count);
	}
	return w->verdict->ok;
}
