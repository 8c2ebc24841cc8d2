/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table of nexthop groups that follows the main table, and is asked before it. */
#include "chains.h"
#include "fib_int.h"
#include "multipath.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <stdlib.h>
#include <string.h>

#define RULE_PRIORITY 100U

/* What the main table says. */
struct state {
	uint8_t protocol, type;
	size_t hop_count;
	struct net_fib_hop hops[];
};

/* A route of the main table, by prefix and metric, and what it is in ours. */
struct copy {
	struct chain chain;
	struct copy *next; /* of all */
	struct prefix prefix;
	uint32_t metric;
	enum { ABSENT, PLAIN, GROUPED } is;
	bool changed;	     /* is among those to be set or dropped */
	struct state *state; /* then: as it was read last; NULL: it is gone */
};

struct net_mirror {
	struct net_ns *ns;
	struct net_groups *groups;
	struct net_fib_monitor *main;
	struct chains table;
	struct copy *all;
	VEC(struct copy *) changed;
};

static struct copy *copy_intern(struct net_mirror *m, const struct prefix *prefix, uint32_t metric)
{
	uint64_t hash = addr_hash((uint64_t)metric << 8 | prefix->len, &prefix->addr);
	struct copy *c;

	for (struct chain *at = chains_find(&m->table, hash); at != NULL; at = chain_next(at)) {
		c = (struct copy *)at; /* its first member */
		if (c->metric == metric && prefix_equal(&c->prefix, prefix))
			return c;
	}
	c = memory_new(sizeof(*c));
	c->prefix = *prefix;
	c->metric = metric;
	c->next = m->all;
	m->all = c;
	chains_add(&m->table, &c->chain, hash);
	return c;
}

/* ---- Plain routes: on a link, or refusing ---- */

static struct nlmsghdr *plain_message(char *buf, uint16_t type, uint16_t flags, const struct copy *c, uint8_t protocol)
{
	struct nlmsghdr *m = net_route_message(buf, type, flags, &c->prefix, protocol);

	((struct rtmsg *)mnl_nlmsg_get_payload(m))->rtm_table = NET_MIRROR_TABLE;
	if (c->metric != 0)
		mnl_attr_put_u32(m, RTA_PRIORITY, c->metric);
	return m;
}

static void plain_set(struct net_mirror *m, const struct copy *c)
{
	char buf[NET_MESSAGE_MAX];
	struct nlmsghdr *message =
		plain_message(buf, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, c, c->state->protocol);
	struct rtmsg *rt = mnl_nlmsg_get_payload(message);

	rt->rtm_type = c->state->type;
	if (rt->rtm_type == RTN_UNICAST) {
		rt->rtm_scope = RT_SCOPE_LINK;
		mnl_attr_put_u32(message, RTA_OIF, c->state->hops[0].ifindex);
	}
	net_queue(m->ns, message, "copy route %s", prefix_text(&c->prefix).s);
}

static void plain_drop(struct net_mirror *m, const struct copy *c)
{
	char buf[NET_MESSAGE_MAX];
	struct nlmsghdr *message = plain_message(buf, RTM_DELROUTE, 0, c, 0);
	struct rtmsg *rt = mnl_nlmsg_get_payload(message);

	rt->rtm_type = RTN_UNSPEC; /* whatever it is */
	rt->rtm_scope = RT_SCOPE_NOWHERE;
	net_queue(m->ns, message, "delete the copy of route %s", prefix_text(&c->prefix).s);
	net_queue_lenient(m->ns);
}

/* ---- Following ---- */

static void drop(struct net_mirror *m, struct copy *c)
{
	if (c->is == GROUPED)
		net_groups_hops(m->groups, &(struct net_groups_to){c->prefix, c->metric, 0}, NULL, 0);
	else if (c->is == PLAIN)
		plain_drop(m, c);
	c->is = ABSENT;
}

static bool has_gateways(const struct state *s)
{
	return s->type == RTN_UNICAST && (s->hop_count > 1 || s->hops[0].gateway.family != ADDR_NONE);
}

static void set(struct net_mirror *m, struct copy *c)
{
	const struct state *s = c->state;

	if (has_gateways(s))
		net_groups_hops(m->groups, &(struct net_groups_to){c->prefix, c->metric, s->protocol}, s->hops,
				s->hop_count);
	else
		plain_set(m, c);
	c->is = has_gateways(s) ? GROUPED : PLAIN;
}

static struct state *state_of(const struct net_fib_route *route)
{
	size_t hops = route->hop_count * sizeof(route->hops[0]);
	struct state *s = memory_new(sizeof(*s) + hops);

	s->protocol = route->protocol;
	s->type = route->type;
	s->hop_count = route->hop_count;
	memcpy(s->hops, route->hops, hops);
	return s;
}

/* The last word of a reading counts: some daemons delete a route, add it with one next hop and then the others to it. */
static void note(struct net_mirror *m, struct copy *c, struct state *state)
{
	if (!c->changed)
		VEC_PUSH(&m->changed, c);
	c->changed = true;
	free(c->state);
	c->state = state;
}

static void on_route(void *ctx, enum net_fib_change change, const struct net_fib_route *route)
{
	bool nowhere = change == NET_FIB_DELETED || (route->type == RTN_UNICAST && route->hop_count == 0);
	struct net_mirror *m = ctx;

	if (fib_is_link_local(&route->prefix)) /* each link has one, and a rule leads to the main table */
		return;
	note(m, copy_intern(m, &route->prefix, route->metric), nowhere ? NULL : state_of(route));
}

/* What is dropped goes first: where it has no metric the kernel takes any of its prefix for it. */
static void changes_make(struct net_mirror *m)
{
	for (size_t i = 0; i < m->changed.len; i++) {
		struct copy *c = m->changed.at[i];

		if (c->state == NULL || (c->is == GROUPED && !has_gateways(c->state)))
			drop(m, c);
	}
	for (size_t i = 0; i < m->changed.len; i++) {
		struct copy *c = m->changed.at[i];

		if (c->state != NULL)
			set(m, c);
		free(c->state);
		c->state = NULL;
		c->changed = false;
	}
	VEC_CLEAR(&m->changed);
}

/* All anew: nothing is known to be as it was. */
static int whole_read(struct net_mirror *m, struct errmsg *err)
{
	for (struct copy *c = m->all; c != NULL; c = c->next) {
		if (c->is != ABSENT)
			note(m, c, NULL);
	}
	return net_fib_dump(m->ns, NET_FIB_MAIN, on_route, m, err);
}

int net_mirror_read(struct net_mirror *m, struct errmsg *ret_refused, struct errmsg *err)
{
	bool lost = net_groups_lost(m->groups);
	int r = net_fib_read(m->main, on_route, m, err);

	/* a link may have changed in between, whose event is with the routes' */
	lost = net_groups_lost(m->groups) || lost;
	if (r == -ENOBUFS || (r == 0 && lost))
		r = whole_read(m, err);
	changes_make(m);
	*ret_refused = (struct errmsg){0};
	if (net_flush(m->ns, ret_refused) < 0)
		net_groups_forget(m->groups);
	return r;
}

int net_mirror_fd(const struct net_mirror *m)
{
	return net_fib_monitor_fd(m->main);
}

/* ---- Life ---- */

static void rule_add(struct net_ns *ns, uint8_t family, uint32_t priority, const struct prefix *to, uint8_t table)
{
	char buf[NET_MESSAGE_MAX];
	struct nlmsghdr *m = net_message(buf, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL);
	struct fib_rule_hdr *rule = mnl_nlmsg_put_extra_header(m, sizeof(*rule));

	rule->family = family;
	rule->table = table;
	rule->action = FR_ACT_TO_TBL;
	mnl_attr_put_u32(m, FRA_PRIORITY, priority);
	if (to != NULL) {
		rule->dst_len = to->len;
		net_put_addr(m, FRA_DST, &to->addr);
	}
	net_queue(ns, m, "add rule %u for table %u", priority, table);
}

static int rules_add(struct net_ns *ns, struct errmsg *err)
{
	static const struct prefix link_local = {.addr = {.family = ADDR_V6, .b = {0xfe, 0x80}}, .len = 10};

	rule_add(ns, AF_INET, RULE_PRIORITY, NULL, NET_MIRROR_TABLE);
	rule_add(ns, AF_INET6, RULE_PRIORITY - 1, &link_local, NET_FIB_MAIN);
	rule_add(ns, AF_INET6, RULE_PRIORITY, NULL, NET_MIRROR_TABLE);
	return net_flush(ns, err);
}

struct net_mirror *net_mirror_new(struct net_ns *ns, const struct net_group_conf *conf, struct errmsg *err)
{
	struct net_mirror *m = memory_new(sizeof(*m));
	struct net_group_conf own = *conf;
	int r = -1;

	own.table = NET_MIRROR_TABLE;
	m->ns = ns;
	m->groups = net_groups_new(ns, &own, err);
	if (m->groups != NULL)
		r = net_fib_monitor_new(ns, NET_FIB_MAIN, &m->main, err);
	if (r == 0)
		r = net_fib_dump(ns, NET_FIB_MAIN, on_route, m, err);
	if (r == 0) {
		changes_make(m);
		r = rules_add(ns, err);
	}
	if (r == 0)
		return m;
	net_mirror_free(m);
	return NULL;
}

void net_mirror_free(struct net_mirror *m)
{
	if (m == NULL)
		return;
	net_fib_monitor_free(m->main);
	net_groups_free(m->groups);
	for (struct copy *c = m->all, *next; c != NULL; c = next) {
		next = c->next;
		free(c->state);
		free(c);
	}
	chains_free(&m->table);
	VEC_FREE(&m->changed);
	free(m);
}
