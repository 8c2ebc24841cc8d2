/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is passed on, from the RFCs' text: RFC 4271 sections 5.1 and 9.1.3, RFC 1997, 7911, 8212, 8326, 8950, 9234. */
#include "further.h"
#include "naive.h"

#include <limits.h>
#include <string.h>

#define NO_EXPORT 0xffffff01U
#define NO_ADVERTISE 0xffffff02U

static const struct plan_session *session_of(const struct player *p, bgp_peer_id peer)
{
	return &p->world->plan->sessions.at[p->peers[peer]];
}

static void prepend(struct row *r, uint32_t as)
{
	memmove(r->path + 1, r->path, sizeof(r->path) - sizeof(r->path[0]));
	r->path[0] = as;
	r->hops++;
}

static bool native(const struct plan_node *n)
{
	return n->profile == BGP_PROFILE_METALLB_LEGACY || n->profile == BGP_PROFILE_METALLB_NATIVE;
}

/* RFC 9234 section 5, on the way out: false for what is not to go there. Of unicast alone. */
static bool role_gives(const struct player *p, bgp_peer_id peer, struct row *r)
{
	enum bgp_role role = session_role(session_of(p, peer), p->index);

	if (naive_inside(p, peer) || further_is(r))
		return true;
	if (r->otc_present)
		return role != BGP_ROLE_CUSTOMER && role != BGP_ROLE_PEER && role != BGP_ROLE_RS_CLIENT;
	if (role == BGP_ROLE_PROVIDER || role == BGP_ROLE_PEER || role == BGP_ROLE_RS) {
		r->otc_present = true;
		r->otc = p->world->plan->nodes[p->index].as;
	}
	return true;
}

/* RFC 8326 section 4, we are about to go. */
static void say_going(const struct player *p, bgp_peer_id peer, struct row *r)
{
	if (!p->going[p->peers[peer]])
		return;
	if (naive_inside(p, peer))
		r->local_pref = 0;
	else if (!row_has(r, GRACEFUL_SHUTDOWN))
		row_add(r, GRACEFUL_SHUTDOWN);
}

static bool fits(const struct player *p, bgp_peer_id peer, const struct row *r)
{
	if (further_is(r) || r->next_hop.family == r->prefix.addr.family)
		return true;
	return r->prefix.addr.family == ADDR_V4 && session_extended_next_hop(session_of(p, peer));
}

/* False: the node can't tell this peer of its own route. */
static bool own_route(const struct player *p, unsigned int prefix, bgp_peer_id peer, struct row *ret)
{
	const struct plan_node *us = &p->world->plan->nodes[p->index];
	struct row r = {.prefix = plan_prefix(prefix)};
	unsigned int family = r.prefix.addr.family == ADDR_V4 ? 4 : 6;
	uint32_t communities[2];
	size_t n = variant_communities(p->variant, communities);

	if (!player_originates(p, prefix))
		return false;
	r.next_hop = plan_address(p->index, variant_next_hop(p->variant) ? family : session_of(p, peer)->family);
	r.origin = us->profile == BGP_PROFILE_METALLB_LEGACY ? WIRE_ORIGIN_INCOMPLETE : WIRE_ORIGIN_IGP;
	r.med_present = us->profile == BGP_PROFILE_METALLB_FRR; /* 0, as FRR does for a network statement */
	for (size_t i = 0; i < n; i++)
		row_add(&r, communities[i]);
	if (naive_inside(p, peer)) {
		r.local_pref_present = true;
		r.local_pref = variant_local_pref(p->variant) ? 200 : (native(us) ? 0 : 100);
	} else {
		prepend(&r, us->as);
	}
	say_going(p, peer, &r);
	(void)role_gives(p, peer, &r);
	*ret = r;
	return fits(p, peer, &r);
}

/* False: the route of others is not for this peer. */
static bool pass_on(const struct player *p, const struct row *route, bgp_peer_id peer, struct row *ret)
{
	const struct plan *plan = p->world->plan;
	bool inside = naive_inside(p, peer);

	if (route->peer == peer || (naive_inside(p, route->peer) && inside) || row_has(route, NO_ADVERTISE))
		return false;
	if (!inside && row_has(route, NO_EXPORT))
		return false;
	*ret = *route;
	if (!role_gives(p, peer, ret))
		return false;
	if (inside) {
		ret->local_pref = naive_preference(route);
		ret->local_pref_present = true;
	} else {
		prepend(ret, plan->nodes[p->index].as);
		if (!further_is(route)) /* else it stays, a third party */
			ret->next_hop = plan_address(p->index, session_of(p, peer)->family);
		ret->med_present = ret->local_pref_present = false;
		ret->med = ret->local_pref = 0;
	}
	say_going(p, peer, ret);
	return fits(p, peer, ret);
}

/* What a peer should have of a prefix; returns how many. With add-path all, else our own or the best. number: of a prefix that
 * nodes originate. */
static size_t expected(const struct player *p, const struct ribs *ribs, const struct prefix *prefix,
		       unsigned int number, bgp_peer_id peer, struct row ret[static PATHS_MAX + 1])
{
	const struct plan_session *s = session_of(p, peer);
	const struct row *routes[PATHS_MAX];
	bool own = number != UINT_MAX, many = own && session_add_path(s, p->index, prefix->addr.family);
	size_t n = 0, count;

	if (session_denies(p->world, s, p->index, POLICY_EXPORT) || (!own && !further_session(p->world, s)))
		return 0;
	if (own && own_route(p, number, peer, &ret[n]))
		n++;
	if (p->world->plan->nodes[p->index].readvertise == 0 || (n > 0 && !many))
		return n;
	count = many ? naive_all(p, ribs, prefix, routes) : naive_eligible(p, ribs, prefix, routes);
	for (size_t i = 0; i < count && (many || i == 0); i++)
		if (pass_on(p, routes[i], peer, &ret[n]))
			n++;
	return n;
}

/* Every wanted row is there once: identifiers are the sender's own affair. */
static bool check_prefix(struct world *w, const struct ribs *ribs, const struct player *p, bgp_peer_id peer,
			 const struct prefix *which, unsigned int number)
{
	unsigned int to = session_other(session_of(p, peer), p->index);
	struct row want[PATHS_MAX + 1];
	bool used[PATHS_MAX + 1] = {false};
	size_t n = expected(p, ribs, which, number, peer, want), there;
	const struct row *got = rows_find(&ribs->out[p->index][peer], which, &there);
	const char *what = NULL;

	if (n != there)
		return world_fails(w, "node %u should tell node %u of %zu paths to %s, and tells of %zu", p->index, to,
				   n, prefix_text(which).s, there);
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		while (k < n && (used[k] || (what = rows_differ(&want[i], &got[k])) != NULL))
			k++;
		if (k == n)
			return world_fails(w, "node %u tells node %u of %s with another %s than it should", p->index,
					   to, prefix_text(which).s, what != NULL ? what : "path");
		used[k] = true;
	}
	return true;
}

static bool check_further(struct world *w, const struct ribs *ribs, const struct player *p, bgp_peer_id peer)
{
	for (size_t i = 0; i < w->plan->sessions.len; i++) {
		const struct plan_session *s = &w->plan->sessions.at[i];

		for (unsigned int k = 0; further_session(w, s) && k < FURTHER_FAMILIES * FURTHER_ROUTES * 2; k++) {
			unsigned int from = k % 2 == 0 ? s->a : s->b, family = k / 2 % FURTHER_FAMILIES;
			struct prefix which =
				further_prefix(family, from, session_other(s, from), k / (2 * FURTHER_FAMILIES));

			if (!check_prefix(w, ribs, p, peer, &which, UINT_MAX))
				return false;
		}
	}
	return true;
}

static bool check_peer(struct world *w, const struct ribs *ribs, const struct player *p, bgp_peer_id peer)
{
	unsigned int end = world_prefixes(w);

	for (unsigned int k = 0; k < end; k++) {
		struct prefix which = plan_prefix(k);

		if (!check_prefix(w, ribs, p, peer, &which, k))
			return false;
	}
	return check_further(w, ribs, p, peer);
}

bool check_exports(struct world *w, const struct ribs *ribs)
{
	for (unsigned int i = 0; i < w->plan->node_count; i++)
		for (bgp_peer_id peer = 0; peer < w->players[i].peer_count; peer++)
			if (!check_peer(w, ribs, &w->players[i], peer))
				return false;
	return true;
}
