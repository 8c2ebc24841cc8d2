/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes as the FIB reader and the monitor tell them, against routes that iproute2 made. */
#include "ground.h"
#include "support.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define TOLD_MAX 4096

/* What was told of routes that are not the kernel's own: one line each. */
struct told {
	char text[TOLD_MAX];
	size_t len;
};

static void say(struct told *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct told *t, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(t->text + t->len, sizeof(t->text) - t->len, fmt, args);
	va_end(args);
	ground_must(n >= 0 && (size_t)n < sizeof(t->text) - t->len, "too much was told");
	t->len += (size_t)n;
}

static void on_route(void *ctx, enum net_fib_change change, const struct net_fib_route *route)
{
	static const char *const words[] = {
		[NET_FIB_NEW] = "new", [NET_FIB_REPLACE] = "replace", [NET_FIB_DELETED] = "deleted"};
	struct told *t = ctx;

	if (route->protocol == 2 || route->prefix.addr.b[0] == 0xfe)
		return; /* the kernel's own */
	say(t, "%s %s proto %u type %u metric %u", words[change], prefix_text(&route->prefix).s, route->protocol,
	    route->type, route->metric);
	for (size_t i = 0; i < route->hop_count; i++)
		say(t, " %s*%u%s", addr_text(&route->hops[i].gateway).s, route->hops[i].weight,
		    route->hops[i].ifindex == 0 ? "!" : "");
	say(t, "\n");
}

static void ip(struct net_ns *ns, const char *command)
{
	char text[1024];

	ground_must(ground_ask(ns, command, text, sizeof(text)) == 0, "%s: %s", command, text);
}

static void told_is(const struct told *t, const char *want)
{
	ground_must(strcmp(t->text, want) == 0, "want:\n%sgot:\n%s", want, t->text);
}

static struct told dumped(struct net_ns *ns)
{
	struct errmsg err = {0};
	struct told t = {0};

	ground_ok(net_fib_dump(ns, NET_FIB_MAIN, on_route, &t, &err), &err);
	return t;
}

/* iproute2's commands, and what the reader then says. */
static const struct read {
	const char *commands[6];
	const char *want;
} reads[] = {
	{{"ip route add 10.0.0.0/24 via 10.9.0.2 metric 7"}, "new 10.0.0.0/24 proto 3 type 1 metric 7 10.9.0.2*1\n"},
	{{"ip route add 10.0.0.0/24 dev v0 proto static"}, "new 10.0.0.0/24 proto 4 type 1 metric 0 -*1\n"},
	{{"ip route add unreachable 10.0.0.0/24"}, "new 10.0.0.0/24 proto 3 type 7 metric 0\n"},
	{{"ip route add default via 10.9.0.2"}, "new 0.0.0.0/0 proto 3 type 1 metric 0 10.9.0.2*1\n"},
	{{"ip route add 10.0.0.0/24 via 10.9.0.2 table 10"}, ""},
	{{"ip route add 10.0.0.0/24 proto bird nexthop via 10.9.0.2 weight 2 nexthop via 10.9.0.3 weight 256"},
	 "new 10.0.0.0/24 proto 12 type 1 metric 0 10.9.0.2*2 10.9.0.3*256\n"},
	{{"ip route add 10.0.0.0/24 via inet6 fd09::2 dev v0"}, "new 10.0.0.0/24 proto 3 type 1 metric 0 fd09::2*1\n"},
	{{"ip route add 10.0.0.0/24 nexthop via inet6 fd09::2 dev v0 nexthop via 10.9.0.3"},
	 "new 10.0.0.0/24 proto 3 type 1 metric 0 fd09::2*1 10.9.0.3*1\n"},
	{{"ip nexthop add id 1 via 10.9.0.2 dev v0", "ip route add 10.0.0.0/24 nhid 1 proto bgp"},
	 "new 10.0.0.0/24 proto 186 type 1 metric 0 10.9.0.2*1\n"},
	{{"ip nexthop add id 1 via 10.9.0.2 dev v0", "ip nexthop add id 2 via 10.9.0.3 dev v0",
	  "ip nexthop add id 9 group 1,3/2,200", "ip route add 10.0.0.0/24 nhid 9 proto bgp"},
	 "new 10.0.0.0/24 proto 186 type 1 metric 0 10.9.0.2*3 10.9.0.3*200\n"},
	{{"ip nexthop add id 1 via 10.9.0.2 dev v0", "ip nexthop add id 2 via 10.9.0.3 dev v0",
	  "ip nexthop add id 9 group 1/2 type resilient buckets 32", "ip route add 10.0.0.0/24 nhid 9"},
	 "new 10.0.0.0/24 proto 3 type 1 metric 0 10.9.0.2*1 10.9.0.3*1\n"},
	{{"ip -6 nexthop add id 1 via fd09::2 dev v0", "ip -6 nexthop add id 2 via fd09::3 dev v0",
	  "ip nexthop add id 9 group 1,5/2,1", "ip -6 route add fd0a::/32 nhid 9"},
	 "new fd0a::/32 proto 3 type 1 metric 1024 fd09::2*5 fd09::3*1\n"},
	{{"ip -6 route add fd0a::/32 nexthop via fd09::2 weight 3 nexthop via fd09::3"},
	 "new fd0a::/32 proto 3 type 1 metric 1024 fd09::2*3 fd09::3*1\n"},
};

static int reader_agrees_with_ip(void *arg)
{
	struct net_ns *a, *b;
	struct told t;

	(void)arg;
	for (size_t i = 0; i < COUNT(reads); i++) {
		ground_pair(&a, &b);
		for (size_t k = 0; k < COUNT(reads[i].commands) && reads[i].commands[k] != NULL; k++)
			ip(a, reads[i].commands[k]);
		t = dumped(a);
		told_is(&t, reads[i].want);
		net_ns_free(a);
		net_ns_free(b);
	}
	return 0;
}

/* As many as a route may have here, and one more than that. */
static int many_hops_are_read(void *arg)
{
	const struct prefix to = ground_prefix("10.0.0.0/24");
	const struct addr first = ground_addr("10.9.0.2");
	static struct addr hops[NET_FIB_HOPS_MAX + 1];
	struct errmsg err = {0};
	struct net_ns *a, *b;
	char want[TOLD_MAX];
	struct told t;
	int n;

	(void)arg;
	ground_pair(&a, &b);
	for (size_t i = 0; i < COUNT(hops); i++)
		hops[i] = addr_add(&first, i % 200);
	net_route_multipath(a, &to, hops, 200);
	ground_ok(net_flush(a, &err), &err);
	t = dumped(a);
	n = snprintf(want, sizeof(want), "new 10.0.0.0/24 proto 186 type 1 metric 0");
	for (size_t i = 0; i < 200; i++)
		n += snprintf(want + n, sizeof(want) - (size_t)n, " %s*1", addr_text(&hops[i]).s);
	snprintf(want + n, sizeof(want) - (size_t)n, "\n");
	told_is(&t, want);
	net_route_multipath(a, &to, hops, COUNT(hops));
	ground_must(net_flush(a, &err) == -E2BIG, "%s", err.text);
	return 0;
}

static struct told heard(struct net_fib_monitor *m)
{
	struct pollfd p = {.fd = net_fib_monitor_fd(m), .events = POLLIN};
	struct errmsg err = {0};
	struct told t = {0};

	/* the kernel tells before it acknowledges: what was done is there to read */
	ground_must(poll(&p, 1, 0) == 1, "nothing was told");
	ground_ok(net_fib_read(m, on_route, &t, &err), &err);
	ground_ok(net_fib_read(m, on_route, &t, &err), &err);
	return t;
}

static void heard_is(struct net_fib_monitor *m, const char *want)
{
	struct told t = heard(m);

	told_is(&t, want);
}

static const struct event {
	const char *command;
	const char *want;
} events[] = {
	{"ip route add 10.0.0.0/24 via 10.9.0.2", "new 10.0.0.0/24 proto 3 type 1 metric 0 10.9.0.2*1\n"},
	{"ip route replace 10.0.0.0/24 nexthop via 10.9.0.2 nexthop via 10.9.0.3",
	 "replace 10.0.0.0/24 proto 3 type 1 metric 0 10.9.0.2*1 10.9.0.3*1\n"},
	{"ip route del 10.0.0.0/24", "deleted 10.0.0.0/24 proto 3 type 1 metric 0 10.9.0.2*1 10.9.0.3*1\n"},
	{"ip -6 route add fd0a::/32 via fd09::2", "new fd0a::/32 proto 3 type 1 metric 1024 fd09::2*1\n"},
	{"ip -6 route del fd0a::/32", "deleted fd0a::/32 proto 3 type 1 metric 1024 fd09::2*1\n"},
	{"ip route add 10.0.0.0/24 nhid 9", "new 10.0.0.0/24 proto 3 type 1 metric 0 10.9.0.2*1 10.9.0.3*4\n"},
	{"ip nexthop add id 3 via 10.9.0.4 dev v0", ""},
	{"ip nexthop replace id 9 group 1/3", "replace 10.0.0.0/24 proto 3 type 1 metric 0 10.9.0.2*1 10.9.0.4*1\n"},
	{"ip route del 10.0.0.0/24", "deleted 10.0.0.0/24 proto 3 type 1 metric 0 10.9.0.2*1 10.9.0.4*1\n"},
};

static int monitor_hears_what_ip_does(void *arg)
{
	struct net_fib_monitor *m = NULL;
	struct errmsg err = {0};
	struct net_ns *a, *b;

	(void)arg;
	ground_pair(&a, &b);
	/* objects from before the subscription are known */
	ip(a, "ip nexthop add id 1 via 10.9.0.2 dev v0");
	ip(a, "ip nexthop add id 2 via 10.9.0.3 dev v0");
	ip(a, "ip nexthop add id 9 group 1/2,4");
	ground_ok(net_fib_monitor_new(a, NET_FIB_MAIN, &m, &err), &err);
	for (size_t i = 0; i < COUNT(events); i++) {
		ip(a, events[i].command);
		heard_is(m, events[i].want);
	}
	net_fib_monitor_free(m);
	return 0;
}

/* What the kernel does in silence, or tells as something else than it is. */
static const struct event silences[] = {
	{"ip route add 10.0.0.0/24 via 10.9.0.2", "new 10.0.0.0/24 proto 3 type 1 metric 0 10.9.0.2*1\n"},
	{"ip route add 10.0.1.0/24 nexthop via 10.9.0.2 nexthop via 10.8.0.2",
	 "new 10.0.1.0/24 proto 3 type 1 metric 0 10.9.0.2*1 10.8.0.2*1\n"},
	{"ip nexthop add id 1 via 10.9.0.2 dev v0", ""},
	{"ip route add 10.0.2.0/24 nhid 1", "new 10.0.2.0/24 proto 3 type 1 metric 0 10.9.0.2*1\n"},
	{"ip nexthop del id 1", "deleted 10.0.2.0/24 proto 3 type 1 metric 0 10.9.0.2*1\n"},
	{"ip -6 route add fd0a::/32 nexthop via fd09::2 nexthop via fd09::3",
	 "new fd0a::/32 proto 3 type 1 metric 1024 fd09::2*1 fd09::3*1\n"},
	{"ip -6 route del fd0a::/32 via fd09::2", "replace fd0a::/32 proto 3 type 1 metric 1024 fd09::3*1\n"},
	{"ip -6 route del fd0a::/32", "deleted fd0a::/32 proto 3 type 1 metric 1024 fd09::3*1\n"},
	{"ip addr add 10.7.0.1/24 dev w0", ""},
	{"ip route add 10.0.3.0/24 via 10.7.0.2 src 10.7.0.1", "new 10.0.3.0/24 proto 3 type 1 metric 0 10.7.0.2*1\n"},
	{"ip addr del 10.7.0.1/24 dev w0", "deleted 10.0.3.0/24 proto 3 type 1 metric 0 10.7.0.2*1\n"},
	{"ip link set v0 down", "replace 10.0.1.0/24 proto 3 type 1 metric 0 10.8.0.2*1\n"
				"deleted 10.0.0.0/24 proto 3 type 1 metric 0 10.9.0.2*1\n"},
	{"ip link set v0 up", "replace 10.0.1.0/24 proto 3 type 1 metric 0 10.9.0.2*1 10.8.0.2*1\n"},
	{"ip addr del 10.8.0.1/24 dev w0", "replace 10.0.1.0/24 proto 3 type 1 metric 0 10.9.0.2*1\n"},
	{"ip link add type bridge", ""},
	{"ip link del v0", "deleted 10.0.1.0/24 proto 3 type 1 metric 0 10.9.0.2*1\n"},
};

static int silent_changes_are_told(void *arg)
{
	const struct addr address = ground_addr("10.8.0.1");
	struct net_fib_monitor *m = NULL;
	struct errmsg err = {0};
	struct net_ns *a, *b;

	(void)arg;
	ground_pair(&a, &b);
	ground_ok(net_veth(a, "w0", b, "w0", 0x20, &err), &err);
	net_link_up(a, "w0");
	net_link_up(b, "w0");
	net_address_add(a, "w0", &address, 24);
	ground_ok(net_flush(b, &err), &err);
	ground_ok(net_flush(a, &err), &err);
	ground_ok(net_fib_monitor_new(a, NET_FIB_MAIN, &m, &err), &err);
	for (size_t i = 0; i < COUNT(silences); i++) {
		ip(a, silences[i].command);
		heard_is(m, silences[i].want);
	}
	net_fib_monitor_free(m);
	return 0;
}

#define OBJECTS 2000U

/* The kernel marks a list of nexthop objects that changed while it was read; reading it again is ours to do. */
static int changes_do_not_stop_a_dump(void *arg)
{
	static const char *const churn[] = {
		"sh", "-c", "while ip nexthop replace id 9999 via 10.9.0.2 dev v0; do ip nexthop del id 9999; done",
		NULL};
	FILE *batch = fopen("/run/batch", "we");
	struct errmsg err = {0};
	struct net_ns *a, *b;

	(void)arg;
	ground_pair(&a, &b);
	ground_must(batch != NULL, "batch");
	for (unsigned int i = 1; i <= OBJECTS; i++)
		fprintf(batch, "nexthop add id %u via 10.9.0.2 dev v0\n", i);
	fprintf(batch, "route add 10.0.0.0/24 nhid %u\n", OBJECTS);
	ground_must(fclose(batch) == 0, "batch");
	ip(a, "ip -batch /run/batch");
	ground_ok(net_spawn(a, &(struct net_spawn){.argv = churn, .output = -1, .input = -1}, &err), &err);
	for (size_t i = 0; i < 20; i++) {
		const struct told t = dumped(a);

		told_is(&t, "new 10.0.0.0/24 proto 3 type 1 metric 0 10.9.0.2*1\n");
	}
	return 0;
}

static void multipath(struct net_ns *ns, const char *to, const char *first, size_t n)
{
	const struct prefix prefix = ground_prefix(to);
	const struct addr base = ground_addr(first);
	struct errmsg err = {0};
	struct addr hops[4];

	for (size_t i = 0; i < n; i++)
		hops[i] = addr_add(&base, i);
	net_route_multipath(ns, &prefix, hops, n);
	ground_ok(net_flush(ns, &err), &err);
}

/* One change is one REPLACE: at no time is there no route. */
static int replacing_is_atomic(void *arg)
{
	struct net_fib_monitor *m = NULL;
	struct errmsg err = {0};
	struct net_ns *a, *b;

	(void)arg;
	ground_pair(&a, &b);
	ground_ok(net_fib_monitor_new(a, NET_FIB_MAIN, &m, &err), &err);
	multipath(a, "10.0.0.0/24", "10.9.0.2", 2);
	heard_is(m, "new 10.0.0.0/24 proto 186 type 1 metric 0 10.9.0.2*1 10.9.0.3*1\n");
	multipath(a, "10.0.0.0/24", "10.9.0.2", 3);
	heard_is(m, "replace 10.0.0.0/24 proto 186 type 1 metric 0 10.9.0.2*1 10.9.0.3*1 10.9.0.4*1\n");
	multipath(a, "10.0.0.0/24", "10.9.0.3", 1);
	heard_is(m, "replace 10.0.0.0/24 proto 186 type 1 metric 0 10.9.0.3*1\n");
	multipath(a, "10.0.0.0/24", "10.9.0.3", 0);
	heard_is(m, "deleted 10.0.0.0/24 proto 186 type 1 metric 0 10.9.0.3*1\n");
	multipath(a, "fd0a::/32", "fd09::2", 2);
	/* IPv6 repeats the flag of the request, also for a route that is new */
	heard_is(m, "replace fd0a::/32 proto 186 type 1 metric 1024 fd09::2*1 fd09::3*1\n");
	multipath(a, "fd0a::/32", "fd09::3", 2);
	heard_is(m, "replace fd0a::/32 proto 186 type 1 metric 1024 fd09::3*1 fd09::4*1\n");
	net_fib_monitor_free(m);
	return 0;
}

static void weighted(struct net_ns *ns, const char *to, const char *first, const uint16_t *weights, size_t n)
{
	const struct prefix prefix = ground_prefix(to);
	const struct addr base = ground_addr(first);
	struct errmsg err = {0};
	struct addr hops[4];

	for (size_t i = 0; i < n; i++)
		hops[i] = addr_add(&base, i);
	net_route_weighted(ns, &prefix, hops, weights, n);
	ground_ok(net_flush(ns, &err), &err);
}

/* Weights of 1 to 256, and IPv4 routes by IPv6 gateways (RFC 8950), as the kernel and ip show them. */
static int weights_and_other_families(void *arg)
{
	static const uint16_t weights[] = {1, 3, 256};
	struct net_fib_monitor *m = NULL;
	struct errmsg err = {0};
	struct net_ns *a, *b;
	char text[1024];

	(void)arg;
	ground_pair(&a, &b);
	ground_ok(net_fib_monitor_new(a, NET_FIB_MAIN, &m, &err), &err);
	weighted(a, "10.0.0.0/24", "10.9.0.2", weights, 3);
	heard_is(m, "new 10.0.0.0/24 proto 186 type 1 metric 0 10.9.0.2*1 10.9.0.3*3 10.9.0.4*256\n");
	weighted(a, "10.0.1.0/24", "fd09::2", weights, 2);
	heard_is(m, "new 10.0.1.0/24 proto 186 type 1 metric 0 fd09::2*1 fd09::3*3\n");
	weighted(a, "10.0.2.0/24", "fd09::2", NULL, 1);
	heard_is(m, "new 10.0.2.0/24 proto 186 type 1 metric 0 fd09::2*1\n");
	ground_must(ground_ask(a, "ip route show 10.0.1.0/24", text, sizeof(text)) == 0 &&
			    strstr(text, "via inet6 fd09::3 dev v0 weight 3") != NULL,
		    "%s", text);
	net_fib_monitor_free(m);
	return 0;
}

/* A route that the kernel refuses takes no other along, however many there are. */
static int refusals_are_single(void *arg)
{
	struct errmsg err = {0};
	struct net_ns *a, *b;
	const struct addr good = ground_addr("10.9.0.2"), bad = ground_addr("192.0.2.1");
	char text[32768];
	size_t lines = 0;

	(void)arg;
	ground_pair(&a, &b);
	for (unsigned int i = 0; i < 300; i++) {
		const struct addr to = addr_v4(0x0a010000 + (i << 8));
		const struct prefix prefix = prefix_make(&to, 24);

		net_route_multipath(a, &prefix, i == 5 || i == 200 ? &bad : &good, 1);
	}
	ground_must(net_flush(a, &err) < 0 && strstr(err.text, "10.1.5.0/24") != NULL, "%s", err.text);
	ground_must(ground_ask(a, "ip route show proto bgp", text, sizeof(text)) == 0, "ip route");
	for (const char *line = strchr(text, '\n'); line != NULL; line = strchr(line + 1, '\n'))
		lines++;
	ground_must(lines == 298, "%zu routes", lines);
	return 0;
}

static void nothing(void *ctx, enum net_fib_change change, const struct net_fib_route *route)
{
	(void)ctx;
	(void)change;
	(void)route;
}

/* More changes than the socket holds must be an error, not a silence. */
static int overrun_is_told(void *arg)
{
	const struct prefix to = ground_prefix("10.0.0.0/24");
	const struct addr hops[] = {ground_addr("10.9.0.2"), ground_addr("10.9.0.3")};
	struct net_fib_monitor *m = NULL;
	struct errmsg err = {0};
	struct net_ns *a, *b;
	int r;

	(void)arg;
	ground_pair(&a, &b);
	ground_ok(net_fib_monitor_new(a, NET_FIB_MAIN, &m, &err), &err);
	for (size_t i = 0; i < 16000; i++)
		net_route_multipath(a, &to, &hops[i % 2], 1);
	ground_ok(net_flush(a, &err), &err);
	r = net_fib_read(m, nothing, NULL, &err);
	ground_must(r == -ENOBUFS, "%d %s", r, err.text);
	net_fib_monitor_free(m);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GROUND_ROWS(reader_agrees_with_ip),
		GROUND_ROWS(many_hops_are_read),
		GROUND_ROWS(monitor_hears_what_ip_does),
		GROUND_ROWS(silent_changes_are_told),
		GROUND_ROWS(changes_do_not_stop_a_dump),
		GROUND_ROWS(replacing_is_atomic),
		GROUND_ROWS(weights_and_other_families),
		GROUND_ROWS(refusals_are_single),
		GROUND_ROWS(overrun_is_told),
	};

	return cmocka_run_group_tests_name("net: fib", tests, NULL, NULL);
}
