/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A random run from a seed. */
#include "plan.h"

#include <stdlib.h>

static unsigned int below(struct rng *r, unsigned int n)
{
	return (unsigned int)rng_below(r, n);
}

static bool one_in(struct rng *r, unsigned int n)
{
	return below(r, n) == 0;
}

static unsigned int pick(struct rng *r, const unsigned int *from, unsigned int n)
{
	return from[below(r, n)];
}

#define PICK(r, ...)                                                                                                   \
	pick((r), (const unsigned int[]){__VA_ARGS__},                                                                 \
	     sizeof((const unsigned int[]){__VA_ARGS__}) / sizeof(unsigned int))

static void network(struct plan *p, struct rng *r)
{
	p->network = (struct virtual_network){
		.delay_ns = PICK(r, 0, 50, 1000, 5000, 40000) * NS_PER_US,
		.spread_ns = PICK(r, 0, 100, 5000, 80000) * NS_PER_US,
		.jitter_ns = PICK(r, 0, 50, 3000) * NS_PER_US,
		.cut_percent = PICK(r, 0, 20, 60),
		.late_percent = PICK(r, 0, 20, 60),
		.refuse_percent = PICK(r, 0, 0, 0, 10),
	};
}

static void session(struct plan *p, struct rng *r, unsigned int a, unsigned int b)
{
	bool standard = p->nodes[a].profile == BGP_PROFILE_STANDARD && p->nodes[b].profile == BGP_PROFILE_STANDARD;
	unsigned int options = one_in(r, 2) ? 0 : below(r, OPTIONS_ALL + 1);

	/* A long AS can't be told without; MetalLB's own speaker refuses a peer to which it can't tell its own. */
	if (p->nodes[a].as > UINT16_MAX || (p->nodes[b].as > UINT16_MAX && !standard))
		options &= ~(unsigned int)OPTION_NO_AS4;
	VEC_PUSH(&p->sessions, (struct plan_session){
				       .a = a,
				       .b = b,
				       .family = standard && one_in(r, 4) ? 6 : 4,
				       .hold_a = PICK(r, 3, 9, 30, 90, 180),
				       .hold_b = PICK(r, 3, 9, 30, 90, 180, 0),
				       .retry_s = PICK(r, 1, 5, 30, 0),
				       .idle_s = PICK(r, 1, 1, 5),
				       .delay_open_s = PICK(r, 0, 0, 0, 1, 5),
				       .mrai_s = PICK(r, 0, 0, 1, 5, 30),
				       .passive = one_in(r, 2),
				       .options = options,
			       });
}

static void node(struct plan *p, struct rng *r, enum bgp_profile profile, uint32_t as, bool router)
{
	p->nodes[p->node_count++] = (struct plan_node){
		.profile = profile,
		.as = as,
		.max_paths = PICK(r, 1, 2, 4, 16),
		.relax = one_in(r, 2),
		.readvertise = router,
		.origination_s = PICK(r, 0, 0, 0, 1, 15),
		.restart = profile == BGP_PROFILE_STANDARD && one_in(r, 3) ? 1 + below(r, 2) : 0,
	};
}

/* A router and its workers. */
static void star(struct plan *p, struct rng *r)
{
	static const enum bgp_profile profiles[] = {BGP_PROFILE_STANDARD, BGP_PROFILE_METALLB_LEGACY,
						    BGP_PROFILE_METALLB_NATIVE, BGP_PROFILE_METALLB_FRR};
	unsigned int workers = 1 + below(r, NODES_MAX - 1);
	bool mixed = one_in(r, 2), internal = one_in(r, 4);
	uint32_t base = one_in(r, 4) ? 4200000000U : 65001;
	enum bgp_profile profile = profiles[below(r, 4)];

	node(p, r, BGP_PROFILE_STANDARD, 65000, one_in(r, 2));
	for (unsigned int i = 1; i <= workers; i++) {
		uint32_t as = internal ? 65000 : base + (one_in(r, 3) ? i : 0);

		node(p, r, mixed ? profiles[below(r, 4)] : profile, as, false);
		session(p, r, 0, i);
	}
}

/* Routers that pass routes on, all with all or in a ring. */
static void routers(struct plan *p, struct rng *r)
{
	unsigned int count = 2 + below(r, 4);
	bool ring = one_in(r, 2), internal = one_in(r, 4);
	uint32_t base = one_in(r, 4) ? 4200000000U : 65000;

	for (unsigned int i = 0; i < count; i++)
		node(p, r, BGP_PROFILE_STANDARD, internal && i < 2 ? base : base + i, true);
	for (unsigned int a = 0; a < count; a++)
		for (unsigned int b = a + 1; b < count; b++)
			if (!ring || b == a + 1 || (a == 0 && b == count - 1))
				session(p, r, a, b);
}

static struct plan_event table(const struct plan *p, struct rng *r)
{
	unsigned int a = below(r, (unsigned int)p->node_count);
	enum bgp_profile profile = p->nodes[a].profile;
	bool v4 = profile == BGP_PROFILE_METALLB_LEGACY || profile == BGP_PROFILE_METALLB_NATIVE;

	return (struct plan_event){.kind = EVENT_TABLE,
				   .a = a,
				   .b = one_in(r, 6) ? 0 : below(r, v4 ? 1U << PREFIXES_V4 : 1U << PREFIXES),
				   .n = below(r, 16)};
}

static struct plan_event event(const struct plan *p, struct rng *r)
{
	const struct plan_session *s = &p->sessions.at[below(r, (unsigned int)p->sessions.len)];
	unsigned int swap = below(r, 2), a = swap ? s->b : s->a, b = swap ? s->a : s->b;
	struct plan_event e = {.kind = (enum event_kind)below(r, EVENTS_OLD), .a = a, .b = b};

	switch (e.kind) {
	case EVENT_TABLE:
		return table(p, r);
	case EVENT_RESET:
		e.n = PICK(r, BGP_CEASE_RESET, BGP_CEASE_BFD_DOWN, BGP_CEASE_CONFIGURATION, BGP_CEASE_RESOURCES);
		break;
	case EVENT_FIN:
	case EVENT_RST:
		e.n = PICK(r, 0, 0, 1, 18, 19, 30, 100);
		break;
	case EVENT_UNREAD:
		e.n = below(r, 2);
		break;
	case EVENT_NOISE:
		e.n = below(r, 1000);
		break;
	case EVENT_KILL:
		e.n = below(r, 3);
		break;
	case EVENT_PAUSE:
	case EVENT_JUMP:
		e.n = PICK(r, 1, 100, 2000, 10000, 100000);
		break;
	case EVENT_STOP:
	case EVENT_START:
	case EVENT_REFRESH:
	case EVENT_CUT:
	case EVENT_HEAL:
	case EVENT_BOOT:
	case EVENT_BULK:
	case EVENT_GOING:
	case EVENT_TELL:
	case EVENT_KINDS:
		break;
	}
	return e;
}

static void events(struct plan *p, struct rng *r)
{
	unsigned int count = 3 + below(r, 40), pace = PICK(r, 20, 500, 5000, 60000);
	int64_t ms = one_in(r, 3) ? 0 : 20000;

	for (unsigned int i = 0; i < count; i++) {
		struct plan_event e = one_in(r, 3) ? table(p, r) : event(p, r);

		ms += one_in(r, 4) ? 0 : below(r, pace);
		e.ms = ms;
		VEC_PUSH(&p->events, e);
	}
}

/* MetalLB's own speaker redials at once, as long as the other end holds on to a session that it has not seen die: for
 * ever without a HoldTimer, and as often as the network lets it. */
static void tame(struct plan *p)
{
	for (size_t i = 0; i < p->sessions.len; i++) {
		struct plan_session *s = &p->sessions.at[i];
		enum bgp_profile profile = p->nodes[s->b].profile;

		if (profile != BGP_PROFILE_METALLB_LEGACY && profile != BGP_PROFILE_METALLB_NATIVE)
			continue;
		s->hold_b = s->hold_b > 0 ? s->hold_b : 90;
		if (p->network.delay_ns < NS_PER_MS)
			p->network.delay_ns = NS_PER_MS;
	}
}

/* ---- What came later: after the rest, so that a seed's draws stay what they were ---- */

static bool standard(const struct plan *p, unsigned int node)
{
	return p->nodes[node].profile == BGP_PROFILE_STANDARD;
}

/* RFC 9234 section 4.2: the pairs that fit, or a role at one end alone. */
static void roles(const struct plan *p, struct rng *r, struct plan_session *s)
{
	static const unsigned int pairs[][2] = {{BGP_ROLE_PROVIDER, BGP_ROLE_CUSTOMER},
						{BGP_ROLE_CUSTOMER, BGP_ROLE_PROVIDER},
						{BGP_ROLE_RS, BGP_ROLE_RS_CLIENT},
						{BGP_ROLE_RS_CLIENT, BGP_ROLE_RS},
						{BGP_ROLE_PEER, BGP_ROLE_PEER}};
	unsigned int pair = below(r, 5), alone = below(r, 4);

	if (p->nodes[s->a].as == p->nodes[s->b].as)
		return;
	for (unsigned int end = 0; end < 2; end++)
		if (alone != end + 1 && standard(p, end == 0 ? s->a : s->b))
			s->role[end] = pairs[pair][end];
}

static void policies(struct rng *r, struct plan_session *s)
{
	for (unsigned int end = 0; end < 2; end++)
		s->policy[end] = one_in(r, 2) ? below(r, 8) : POLICY_REQUIRED | POLICY_IMPORT | POLICY_EXPORT;
}

static void limits(const struct plan *p, struct rng *r, struct plan_session *s)
{
	for (unsigned int end = 0; end < 2; end++)
		if (standard(p, end == 0 ? s->a : s->b))
			s->max[end] = PICK(r, 0, 1, 2, 3, 5, 8);
	if (one_in(r, 2) && (s->options & OPTION_NO_REFRESH) == 0 && standard(p, s->a) && standard(p, s->b))
		s->options |= OPTION_NO_STOP;
}

/* Not with a limit: of a prefix with several paths, each counts. */
static void ways(const struct plan *p, struct rng *r, struct plan_session *s)
{
	if (!standard(p, s->a) || !standard(p, s->b) || s->max[0] + s->max[1] > 0)
		return;
	for (unsigned int end = 0; end < 2; end++)
		s->add_path[end] = one_in(r, 2) ? 15 : below(r, 16);
}

static void next_hops(const struct plan *p, struct rng *r, struct plan_session *s)
{
	if (!standard(p, s->a) || !standard(p, s->b))
		return;
	s->family = one_in(r, 2) ? 6 : s->family;
	s->options |=
		one_in(r, 4) ? OPTION_EXTENDED_NEXT_HOP_B : OPTION_EXTENDED_NEXT_HOP_A | OPTION_EXTENDED_NEXT_HOP_B;
}

/* Larger tables, in a few runs: a thousand routes at most where many pass them on. */
static void bulk(struct plan *p, struct rng *r)
{
	unsigned int most = p->node_count <= 4 && one_in(r, 4) ? BULK_MAX : 1000, count = 1 + below(r, 6);

	for (unsigned int i = 0; i < count; i++) {
		unsigned int n = one_in(r, 5) ? 0 : below(r, most) + 1;

		VEC_PUSH(&p->events, (struct plan_event){.ms = below(r, 60000),
							 .kind = EVENT_BULK,
							 .a = below(r, (unsigned int)p->node_count),
							 .b = below(r, most / BULK_STEP),
							 .n = n});
	}
}

static void goings(struct plan *p, struct rng *r)
{
	for (unsigned int i = 0; i < 6; i++) {
		const struct plan_session *s = &p->sessions.at[below(r, (unsigned int)p->sessions.len)];
		unsigned int swap = below(r, 2), a = swap ? s->b : s->a, b = swap ? s->a : s->b;

		if (standard(p, a))
			VEC_PUSH(&p->events, (struct plan_event){.ms = below(r, 100000),
								 .kind = EVENT_GOING,
								 .a = a,
								 .b = b,
								 .n = one_in(r, 4) ? 0 : 1});
	}
}

/* Not with limits, of which other families have their own. */
static void further(struct plan *p, struct rng *r)
{
	unsigned int count = 5 + below(r, 40);

	for (size_t i = 0; i < p->sessions.len; i++) {
		if (p->sessions.at[i].max[0] + p->sessions.at[i].max[1] > 0)
			return;
	}
	for (size_t i = 0; i < p->sessions.len; i++)
		p->sessions.at[i].options |= one_in(r, 5) ? 0 : OPTION_FURTHER;
	for (unsigned int i = 0; i < count; i++) {
		const struct plan_session *s = &p->sessions.at[below(r, (unsigned int)p->sessions.len)];
		unsigned int swap = below(r, 2), a = swap ? s->b : s->a, b = swap ? s->a : s->b;

		VEC_PUSH(&p->events,
			 (struct plan_event){
				 .ms = below(r, 100000), .kind = EVENT_TELL, .a = a, .b = b, .n = below(r, TELLINGS)});
	}
}

/* Those of one time stay in their order. */
static void sort_events(struct plan *p)
{
	for (size_t i = 1; i < p->events.len; i++) {
		struct plan_event e = p->events.at[i];
		size_t k = i;

		for (; k > 0 && p->events.at[k - 1].ms > e.ms; k--)
			p->events.at[k] = p->events.at[k - 1];
		p->events.at[k] = e;
	}
}

static void spice(struct plan *p, struct rng *r)
{
	bool has_roles = one_in(r, 3), has_policies = one_in(r, 5), has_limits = one_in(r, 6), many = one_in(r, 3),
	     extended = one_in(r, 4);

	for (size_t i = 0; i < p->sessions.len; i++) {
		struct plan_session *s = &p->sessions.at[i];

		if (has_roles && !one_in(r, 4))
			roles(p, r, s);
		if (has_policies && !one_in(r, 3))
			policies(r, s);
		if (has_limits && one_in(r, 2))
			limits(p, r, s);
		if (many && !one_in(r, 4))
			ways(p, r, s);
		if (extended && !one_in(r, 4))
			next_hops(p, r, s);
	}
	if (one_in(r, 15))
		bulk(p, r);
	if (one_in(r, 5))
		goings(p, r);
	if (one_in(r, 5))
		further(p, r);
	sort_events(p);
}

void plan_generate(struct plan *p, uint64_t seed)
{
	struct rng r = {.state = seed ^ UINT64_C(0x5eed)};

	*p = (struct plan){.seed = seed};
	network(p, &r);
	if (one_in(&r, 3))
		routers(p, &r);
	else
		star(p, &r);
	tame(p);
	events(p, &r);
	spice(p, &r);
}
