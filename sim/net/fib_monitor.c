/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Route changes as they happen. The kernel is silent about some of them: IPv4 routes go without a word when their link, its
 * address or their nexthop object goes, and come to life again so. After such an event the table is read and compared
 * with what is known. */
#include "fib_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MONITOR_BUFFER (4 << 20)
#define BUCKETS 1024U

/* A route as last told of. */
struct known {
	struct known *next; /* in its bucket */
	struct prefix prefix;
	uint32_t metric;
	uint8_t protocol, type;
	bool seen; /* by the reading of the table that is under way */
	size_t hop_count;
	struct net_fib_hop hops[];
};

struct net_fib_monitor {
	struct net_ns *ns;
	struct mnl_socket *netlink;
	struct fib_reader reader;
	struct known *known[BUCKETS];
	bool stale;	/* the table may have changed in silence */
	bool comparing; /* what the reader tells is the table, not an event */
	net_fib_fn *fn; /* the caller's; NULL while nobody is told */
	void *ctx;
};

/* FNV-1a over address and length. */
static size_t bucket_of(const struct prefix *p)
{
	uint32_t h = 2166136261U;

	for (size_t i = 0; i < sizeof(p->addr.b); i++)
		h = (h ^ p->addr.b[i]) * 16777619U;
	return ((h ^ p->len) * 16777619U >> 8) % BUCKETS;
}

static bool same_prefix(const struct prefix *a, const struct prefix *b)
{
	return a->len == b->len && a->addr.family == b->addr.family &&
	       memcmp(a->addr.b, b->addr.b, sizeof(a->addr.b)) == 0;
}

/* The place that points to the route of this prefix and metric, or to the NULL at its bucket's end. */
static struct known **place_of(struct net_fib_monitor *m, const struct prefix *prefix, uint32_t metric)
{
	struct known **p = &m->known[bucket_of(prefix)];

	while (*p != NULL && !((*p)->metric == metric && same_prefix(&(*p)->prefix, prefix)))
		p = &(*p)->next;
	return p;
}

static bool same_hops(const struct known *k, const struct net_fib_route *route)
{
	if (k->hop_count != route->hop_count)
		return false;
	for (size_t i = 0; i < k->hop_count; i++) {
		const struct net_fib_hop *a = &k->hops[i], *b = &route->hops[i];

		if (a->ifindex != b->ifindex || a->weight != b->weight || a->gateway.family != b->gateway.family ||
		    memcmp(a->gateway.b, b->gateway.b, sizeof(a->gateway.b)) != 0)
			return false;
	}
	return true;
}

static void place_clear(struct known **place)
{
	struct known *k = *place;

	if (k == NULL)
		return;
	*place = k->next;
	free(k);
}

static void keep(struct known **place, const struct net_fib_route *route)
{
	size_t hops = route->hop_count * sizeof(route->hops[0]);
	struct known *k = memory_new(sizeof(*k) + hops);

	place_clear(place);
	k->next = *place;
	k->prefix = route->prefix;
	k->metric = route->metric;
	k->protocol = route->protocol;
	k->type = route->type;
	k->seen = true;
	k->hop_count = route->hop_count;
	memcpy(k->hops, route->hops, hops);
	*place = k;
}

static void tell(const struct net_fib_monitor *m, enum net_fib_change change, const struct net_fib_route *route)
{
	if (m->fn != NULL)
		m->fn(m->ctx, change, route);
}

/* A route of the table, while it is compared. */
static void on_entry(struct net_fib_monitor *m, const struct net_fib_route *route)
{
	struct known **place = place_of(m, &route->prefix, route->metric);
	struct known *k = *place;

	if (k != NULL && k->protocol == route->protocol && k->type == route->type && same_hops(k, route)) {
		k->seen = true;
		return;
	}
	keep(place, route);
	tell(m, k == NULL ? NET_FIB_NEW : NET_FIB_REPLACE, route);
}

static void on_route(void *ctx, enum net_fib_change change, const struct net_fib_route *route)
{
	struct net_fib_monitor *m = ctx;
	struct known **place;

	if (fib_is_link_local(&route->prefix)) { /* each link has one: there is none to compare with */
		if (!m->comparing)
			tell(m, change, route);
		return;
	}
	if (m->comparing) {
		on_entry(m, route);
		return;
	}
	place = place_of(m, &route->prefix, route->metric);
	if (change != NET_FIB_DELETED) {
		keep(place, route);
	} else if (*place != NULL && route->hop_count > 0 && route->hop_count < (*place)->hop_count) {
		m->stale = true; /* IPv6 tells of one next hop's end as of a route's */
		return;
	} else {
		place_clear(place);
	}
	tell(m, change, route);
}

static void gone_tell(struct net_fib_monitor *m, struct known **place)
{
	const struct known *k = *place;
	struct net_fib_route *route = memory_new(sizeof(*route));

	route->prefix = k->prefix;
	route->metric = k->metric;
	route->protocol = k->protocol;
	route->type = k->type;
	route->hop_count = k->hop_count;
	memcpy(route->hops, k->hops, k->hop_count * sizeof(k->hops[0]));
	place_clear(place);
	tell(m, NET_FIB_DELETED, route);
	free(route);
}

/* The kernel announces a link's end before it takes the routes, under one lock. A request that needs this lock, and
 * changes nothing, returns when that is over. */
static int lock_await(struct net_ns *ns, struct errmsg *err)
{
	char buf[NET_MESSAGE_MAX];
	struct nlmsghdr *m = net_message(buf, RTM_NEWLINK, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(m, sizeof(*ifi));

	ifi->ifi_index = 1; /* lo */
	return net_request(ns, m, "await links", err);
}

static int compare(struct net_fib_monitor *m, struct errmsg *err)
{
	int r = lock_await(m->ns, err);

	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct known *k = m->known[i]; k != NULL; k = k->next)
			k->seen = false;
	}
	m->comparing = true;
	if (r == 0)
		r = fib_routes_dump(m->ns, &m->reader, err);
	m->comparing = false;
	if (r < 0)
		return r;
	m->stale = false;
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct known **place = &m->known[i]; *place != NULL;) {
			if ((*place)->seen)
				place = &(*place)->next;
			else
				gone_tell(m, place);
		}
	}
	return 0;
}

static int subscribe(struct net_fib_monitor *m)
{
	static const int groups[] = {RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR,
				     RTNLGRP_NEXTHOP};
	int room = MONITOR_BUFFER;

	m->netlink = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (m->netlink == NULL || mnl_socket_bind(m->netlink, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	(void)setsockopt(mnl_socket_get_fd(m->netlink), SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		int group = groups[i];

		if (mnl_socket_setsockopt(m->netlink, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0 &&
		    group != RTNLGRP_NEXTHOP)
			return -errno;
	}
	return 0;
}

int net_fib_monitor_new(struct net_ns *ns, uint8_t table, struct net_fib_monitor **ret, struct errmsg *err)
{
	struct net_fib_monitor *m = memory_new(sizeof(*m));
	struct errmsg late;
	int r = net_ns_enter(ns, err);

	m->ns = ns;
	m->reader.table = table;
	m->reader.fn = on_route;
	m->reader.ctx = m;
	if (r == 0) {
		r = subscribe(m);
		if (r < 0)
			(void)errmsg_set(err, r, "%s: watch routes", ns->name);
		if (net_ns_leave(&late) < 0 && r == 0) {
			*err = late;
			r = late.code;
		}
	}
	/* Objects from before the subscription: routes heard of later may use them. */
	if (r == 0)
		r = fib_objects_dump(ns, &m->reader, err);
	if (r == 0)
		r = compare(m, err);
	if (r < 0) {
		net_fib_monitor_free(m);
		return r;
	}
	*ret = m;
	return 0;
}

int net_fib_monitor_fd(const struct net_fib_monitor *m)
{
	return mnl_socket_get_fd(m->netlink);
}

static int on_message(const struct nlmsghdr *message, void *ctx)
{
	struct net_fib_monitor *m = ctx;

	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
	case RTM_DELADDR:
		m->stale = true;
		return MNL_CB_OK;
	default:
		return fib_message(message, &m->reader);
	}
}

int net_fib_read(struct net_fib_monitor *m, net_fib_fn *fn, void *ctx, struct errmsg *err)
{
	char buf[65536];
	ssize_t n;

	m->fn = fn;
	m->ctx = ctx;
	m->reader.objects_changed = false;
	while ((n = mnl_socket_recvfrom(m->netlink, buf, sizeof(buf))) >= 0 || errno == EINTR) {
		if (n >= 0 && mnl_cb_run(buf, (size_t)n, 0, 0, on_message, m) < 0)
			return errmsg_set(err, -errno, "watch routes");
	}
	if (errno != EAGAIN)
		return errmsg_set(err, -errno, "watch routes");
	return m->stale || m->reader.objects_changed ? compare(m, err) : 0;
}

void net_fib_monitor_free(struct net_fib_monitor *m)
{
	if (m == NULL)
		return;
	if (m->netlink != NULL)
		mnl_socket_close(m->netlink);
	for (size_t i = 0; i < BUCKETS; i++) {
		while (m->known[i] != NULL)
			place_clear(&m->known[i]);
	}
	fib_reader_clear(&m->reader);
	free(m);
}
