/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this module asks of the kernel, against what iproute2 and the kernel's files then say. */
#include "ground.h"
#include "support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What ip prints about what was asked for. */
static const struct shown {
	bool right; /* which of the two namespaces */
	const char *command;
	const char *parts[6]; /* none: there is nothing to show */
} shown[] = {
	{false, "ip -j -d link show dev lo", {"\"UP\"", "\"LOWER_UP\""}},
	{false,
	 "ip -j -d link show dev v0",
	 {"\"address\":\"02:65:00:00:00:10\"", "\"UP\"", "\"LOWER_UP\"", "\"info_kind\":\"veth\"", "\"mtu\":1500"}},
	{true, "ip -j link show dev v0", {"\"address\":\"02:65:00:00:00:11\"", "\"LOWER_UP\""}},
	{false,
	 "ip -j -d link show dev br0",
	 {"\"info_kind\":\"bridge\"", "\"forward_delay\":0", "\"stp_state\":0", "\"mcast_snooping\":0", "\"UP\""}},
	{false, "ip -j link show dev p0", {"\"master\":\"br0\"", "\"UP\""}},
	{true, "ip -j link show dev p1", {"\"operstate\":\"DOWN\""}},
	{false, "ip -j -4 addr show dev v0", {"\"local\":\"10.9.0.1\",\"prefixlen\":24"}},
	{false, "ip -j -6 addr show dev v0", {"\"local\":\"fd09::1\",\"prefixlen\":64"}},
	{false,
	 "ip -j route show 10.0.1.0/24",
	 {"[{\"dst\":\"10.0.1.0/24\",\"gateway\":\"10.9.0.2\",\"dev\":\"v0\",\"protocol\":\"static\",\"flags\":[]}]"}},
	{false,
	 "ip -j route show 10.0.2.0/24",
	 {"[{\"dst\":\"10.0.2.0/24\",\"dev\":\"v0\",\"protocol\":\"static\",\"scope\":\"link\",\"flags\":[]}]"}},
	{false, "ip -j route show default", {"\"dst\":\"default\",\"gateway\":\"10.9.0.9\",\"dev\":\"v0\""}},
	{false, "ip -j -6 route show fd0a::/32", {"\"gateway\":\"fd09::2\"", "\"dev\":\"v0\""}},
	{false, "ip -j neigh show 10.9.0.7", {"\"lladdr\":\"02:00:00:00:00:07\"", "\"PERMANENT\""}},
	{false,
	 "ip -j route show 10.0.3.0/24",
	 {"\"protocol\":\"bgp\"", "\"nexthops\":[{\"gateway\":\"10.9.0.2\",\"dev\":\"v0\",\"weight\":1",
	  "{\"gateway\":\"10.9.0.3\",\"dev\":\"v0\",\"weight\":1"}},
	{false, "ip -j route show 10.0.4.0/24", {"\"gateway\":\"10.9.0.3\",\"dev\":\"v0\",\"protocol\":\"bgp\""}},
	{false, "ip -j route show 10.0.5.0/24", {NULL}},
	{false,
	 "ip -j -6 route show fd0b::/32",
	 {"\"nexthops\":[", "\"gateway\":\"fd09::2\"", "\"gateway\":\"fd09::3\""}},
	{false, "ip -j -6 route show fd0c::/32", {NULL}},
};

/* A route over so many of 10.9.0.2, 10.9.0.3, ... (or fd09::2, ...). */
static void multipath(struct net_ns *ns, const char *to, const char *first, size_t n)
{
	const struct prefix prefix = ground_prefix(to);
	struct addr hops[8];

	for (size_t i = 0; i < n; i++) {
		const struct addr base = ground_addr(first);

		hops[i] = addr_add(&base, i);
	}
	net_route_multipath(ns, &prefix, hops, n);
}

static void route(struct net_ns *ns, const char *to, const char *gateway, const char *link)
{
	const struct prefix prefix = ground_prefix(to);
	const struct addr via = gateway != NULL ? ground_addr(gateway) : (struct addr){0};

	net_route_add(ns, &prefix, &via, link);
}

static void shown_build(struct net_ns *a, struct net_ns *b)
{
	const struct addr neighbour = ground_addr("10.9.0.7");
	struct errmsg err = {0};

	ground_ok(net_bridge(a, "br0", &err), &err);
	ground_ok(net_veth(a, "p0", b, "p1", 0x20, &err), &err);
	net_link_master(a, "p0", "br0");
	net_link_up(a, "p0");
	net_link_up(b, "p1");
	net_link_down(b, "p1");
	route(a, "10.0.1.0/24", "10.9.0.2", NULL);
	route(a, "10.0.2.0/24", NULL, "v0");
	route(a, "0.0.0.0/0", "10.9.0.9", "v0");
	route(a, "fd0a::/32", "fd09::2", NULL);
	net_neighbour_add(a, "v0", &neighbour, (const uint8_t[]){2, 0, 0, 0, 0, 7});
	multipath(a, "10.0.3.0/24", "10.9.0.2", 2);
	multipath(a, "10.0.4.0/24", "10.9.0.2", 3);
	multipath(a, "10.0.4.0/24", "10.9.0.3", 1);
	multipath(a, "10.0.5.0/24", "10.9.0.2", 3);
	multipath(a, "10.0.5.0/24", "10.9.0.2", 0);
	multipath(a, "fd0b::/32", "fd09::2", 2);
	multipath(a, "fd0c::/32", "fd09::2", 2);
	multipath(a, "fd0c::/32", "fd09::2", 0);
	ground_ok(net_flush(a, &err), &err);
	ground_ok(net_flush(b, &err), &err);
}

static int as_ip_shows(void *arg)
{
	struct net_ns *a, *b;
	char text[8192];

	(void)arg;
	ground_pair(&a, &b);
	shown_build(a, b);
	for (size_t i = 0; i < COUNT(shown); i++) {
		ground_must(ground_ask(shown[i].right ? b : a, shown[i].command, text, sizeof(text)) == 0, "%s: %s",
			    shown[i].command, text);
		ground_must(shown[i].parts[0] != NULL || strchr(text, '{') == NULL, "%s: %s", shown[i].command, text);
		for (size_t k = 0; k < COUNT(shown[i].parts) && shown[i].parts[k] != NULL; k++)
			ground_must(strstr(text, shown[i].parts[k]) != NULL, "%s: no %s in %s", shown[i].command,
				    shown[i].parts[k], text);
	}
	net_ns_free(a);
	net_ns_free(b);
	return 0;
}

/* A request that fails, and the words it fails with; what was queued with it is gone. */
static int failures_name_the_request(void *arg)
{
	struct net_ns *ns = ground_ns("worker1"), *other;
	struct errmsg err = {0};
	char text[4096];

	(void)arg;
	route(ns, "10.0.0.0/24", "10.9.9.9", NULL);
	ground_must(net_flush(ns, &err) == -ENETUNREACH, "%s", err.text);
	ground_must(strcmp(err.text, "worker1: add route 10.0.0.0/24 via 10.9.9.9: Network is unreachable") == 0, "%s",
		    err.text);
	ground_ok(net_flush(ns, &err), &err);
	net_link_up(ns, "nolink0");
	ground_must(net_flush(ns, &err) == -ENODEV && strcmp(err.text, "worker1: set nolink0 up: No such device") == 0,
		    "%s", err.text);
	ground_ok(net_flush(ns, &err), &err);
	multipath(ns, "10.0.0.0/24", "10.9.0.2", 0);
	ground_must(net_flush(ns, &err) == -ESRCH && strstr(err.text, "delete route 10.0.0.0/24") != NULL, "%s",
		    err.text);
	ground_must(net_veth(ns, "v0", ns, "a-name-that-is-too-long", 1, &err) == -ENAMETOOLONG, "too long a name");
	ground_must(net_bridge(ns, "a-name-that-is-too-long", &err) == -ENAMETOOLONG, "too long a name");
	ground_pair(&ns, &other);
	ground_ok(net_bridge(ns, "br0", &err), &err);
	ground_ok(net_veth(ns, "fifteen-letters", ns, "p0", 0x30, &err), &err);
	net_link_up(ns, "fifteen-letters-and-more"); /* not its beginning, which is there */
	ground_must(net_flush(ns, &err) == -ENODEV, "%s", err.text);
	net_link_master(ns, "p0", "br0");
	ground_ok(net_flush(ns, &err), &err);
	net_link_master(ns, "p0", "br1"); /* is not: stay in br0 */
	ground_must(net_flush(ns, &err) == -ENODEV && strstr(err.text, "put p0 into br1") != NULL, "%s", err.text);
	ground_must(ground_ask(ns, "ip -o link show p0", text, sizeof(text)) == 0 && strstr(text, "master br0") != NULL,
		    "%s", text);
	/* the first failure of 300 in three batches is told, and nothing is left over to confuse what follows */
	for (int i = 0; i < 300; i++)
		route(ns, "10.0.0.0/24", i == 0 ? "10.9.0.2" : "10.9.0.3", NULL);
	ground_must(net_flush(ns, &err) == -EEXIST && strstr(err.text, "via 10.9.0.3") != NULL, "%s", err.text);
	multipath(ns, "10.0.0.0/24", "10.9.0.2", 2);
	ground_ok(net_flush(ns, &err), &err);
	ground_must(ground_ask(ns, "ip route show 10.0.0.0/24 proto bgp", text, sizeof(text)) == 0, "%s", text);
	return 0;
}

static int links_tell_about_themselves(void *arg)
{
	struct errmsg err = {0};
	struct net_counters counters = {0};
	struct net_ns *a, *b;
	uint8_t mac[6] = {0};
	unsigned int index = 0;
	char text[64], want[64];

	(void)arg;
	ground_pair(&a, &b);
	ground_ok(net_link_info(a, "v0", mac, &index, &err), &err);
	ground_must(memcmp(mac, (const uint8_t[]){2, 0x65, 0, 0, 0, 0x10}, 6) == 0, "MAC");
	snprintf(want, sizeof(want), "%u\n", index);
	ground_ok(net_ns_enter(a, &err), &err);
	ground_ok(net_ns_leave(&err), &err);
	ground_must(ground_ask(a, "ip -o link show v0", text, sizeof(text)) == 0 && atol(text) == (long)index, "index");
	ground_must(net_link_info(a, "v9", mac, &index, &err) == -ENODEV, "a link that is not there");
	ground_ok(net_link_counters(a, "v0", &counters, &err), &err);
	ground_must(net_link_counters(a, "v9", &counters, &err) == -ENODEV, "%s", err.text);
	ground_ok(net_link_counters(b, "v0", &counters, &err), &err);
	return 0;
}

static void await(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	ground_must(poll(&p, 1, GROUND_DEADLINE_MS) == 1, "nothing happened in time");
}

/* Of frames that are sent at once by links that came up just now, each arrives. */
static int links_that_are_ready_lose_nothing(void *arg)
{
	static const uint8_t frame[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 0x88, 0xb5};
	struct net_ns *a = ground_ns("a"), *b = ground_ns("b");
	struct errmsg err = {0};
	uint8_t got[64], mac[6];
	int in[20], out[20];

	(void)arg;
	for (unsigned int i = 0; i < COUNT(in); i++) {
		struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(0x88b5)};
		unsigned int near, far;
		char name[16];

		snprintf(name, sizeof(name), "v%u", i);
		ground_ok(net_veth(a, name, b, name, 0x100 + 2 * i, &err), &err);
		ground_ok(net_link_info(a, name, mac, &near, &err), &err);
		ground_ok(net_link_info(b, name, mac, &far, &err), &err);
		out[i] = net_socket(a, AF_PACKET, SOCK_RAW, 0, &err);
		in[i] = net_socket(b, AF_PACKET, SOCK_RAW, 0, &err);
		net_link_up(a, name);
		net_link_up(b, name);
		ground_ok(net_flush(a, &err), &err);
		ground_ok(net_flush(b, &err), &err);
		at.sll_ifindex = (int)near;
		ground_must(bind(out[i], (struct sockaddr *)&at, sizeof(at)) == 0, "bind");
		at.sll_ifindex = (int)far;
		ground_must(bind(in[i], (struct sockaddr *)&at, sizeof(at)) == 0, "bind");
		ground_ok(net_links_ready(a, &err), &err);
		ground_ok(net_links_ready(b, &err), &err);
		ground_must(send(out[i], frame, sizeof(frame), 0) == sizeof(frame), "send");
	}
	for (unsigned int i = 0; i < COUNT(in); i++) {
		await(in[i], POLLIN);
		ground_must(recv(in[i], got, sizeof(got), 0) == sizeof(frame), "frame %u", i);
		close(in[i]);
		close(out[i]);
	}
	return 0;
}

static int sysctls_are_of_the_namespace(void *arg)
{
	static const char *const foreign[] = {
		"kernel.sysrq",	    "kernel/sysrq",	   "network",
		"../../etc/passwd", "net/../kernel/sysrq", "net.ipv4/../../vm/swappiness"};
	static const struct net_sysctl several[] = {
		{"net.ipv4.ip_forward", "1"}, {"net/ipv4/nothing", "1"}, {"net.ipv4.conf.all.rp_filter", "2"}};
	static const struct net_sysctl another = {"net.core/../../kernel/sysrq", "1"};
	struct net_ns *a = ground_ns("a"), *b = ground_ns("b");
	struct errmsg err = {0};
	char text[32], small[3];

	(void)arg;
	ground_ok(net_sysctl(a, "net.ipv4.ip_forward", "1", &err), &err);
	ground_ok(net_sysctl_get(a, "net/ipv4/ip_forward", text, sizeof(text), &err), &err);
	ground_must(strcmp(text, "1") == 0, "here: %s", text);
	ground_ok(net_sysctl_get(b, "net.ipv4.ip_forward", text, sizeof(text), &err), &err);
	ground_must(strcmp(text, "0") == 0, "there: %s", text);
	ground_must(net_sysctl(a, "net.ipv4.nothing", "1", &err) == -ENOENT, "%s", err.text);
	ground_must(net_sysctls(a, &another, 1, true, &err) == -EPERM, "%s", err.text);
	ground_ok(net_sysctls(a, several, 3, true, &err), &err);
	ground_ok(net_sysctl_get(a, "net.ipv4.conf.all.rp_filter", text, sizeof(text), &err), &err);
	ground_must(strcmp(text, "2") == 0, "rp_filter is %s", text);
	ground_must(net_sysctls(a, several, 3, false, &err) == -ENOENT && strstr(err.text, "nothing") != NULL, "%s",
		    err.text);
	ground_must(net_sysctl_get(a, "net.ipv4.nothing", text, sizeof(text), &err) == -ENOENT, "%s", err.text);
	ground_must(net_sysctl(a, "net.ipv4.ip_forward", "abc", &err) == -EINVAL &&
			    strstr(err.text, "a: sysctl net.ipv4.ip_forward=abc") == err.text,
		    "%s", err.text);
	ground_ok(net_sysctl(a, "net.ipv4.ip_local_port_range", "2000 3000", &err), &err);
	ground_ok(net_sysctl_get(a, "net.ipv4.ip_local_port_range", small, sizeof(small), &err), &err);
	ground_must(strcmp(small, "20") == 0, "cut: %s", small);
	/* what is one for the machine is not the lab's, whoever runs it */
	for (size_t i = 0; i < COUNT(foreign); i++) {
		ground_must(net_sysctl(a, foreign[i], "1", &err) == -EPERM, "%s", foreign[i]);
		ground_must(net_sysctl_get(a, foreign[i], text, sizeof(text), &err) == -EPERM, "%s", foreign[i]);
	}
	return 0;
}

static int ip_finds_namespaces_by_name(void *arg)
{
	struct net_ns *ns = ground_ns("by-name"), *same = ground_ns("by-name"), *odd = ground_ns("../odd");
	char text[128];

	(void)arg;
	ground_must(access("/run/odd", F_OK) < 0, "a name that leads elsewhere");
	net_ns_free(same);
	net_ns_free(odd);
	ground_must(ground_ask(ns, "ip netns exec by-name ip -o link show", text, sizeof(text)) == 0 &&
			    strstr(text, ": lo: ") != NULL,
		    "%s", text);
	net_ns_free(ns);
	ground_must(access("/run/netns/by-name", F_OK) < 0, "the name is left over");
	return 0;
}

/* ---- What a wire would show ---- */

static uint16_t sum16(const uint8_t *p, size_t n, uint32_t sum)
{
	for (size_t i = 0; i < n; i++)
		sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* A captured Ethernet frame; true for TCP. */
static bool frame_check(const uint8_t *f, size_t n)
{
	const uint8_t *ip = f + 14;
	size_t total, head;

	ground_must(n <= 1514, "a frame of %zu bytes", n);
	if (n < 54 || f[12] != 8 || f[13] != 0 || ip[9] != IPPROTO_TCP)
		return false;
	head = (ip[0] & 15U) * 4U;
	total = (size_t)ip[2] << 8 | ip[3];
	ground_must(total + 14 <= n && sum16(ip, head, 0) == 0xffff, "IP header");
	ground_must(sum16(ip + head, total - head, (uint32_t)(total - head) + IPPROTO_TCP + sum16(ip + 12, 8, 0)) ==
			    0xffff,
		    "TCP checksum of a frame of %zu bytes", n);
	return true;
}

static int stream(struct net_ns *ns)
{
	struct errmsg err = {0};
	int fd = net_socket(ns, AF_INET, SOCK_STREAM, 0, &err);

	ground_ok(fd, &err);
	return fd;
}

static int tap_open(struct net_ns *ns)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	struct errmsg err = {0};
	uint8_t mac[6];
	unsigned int index;
	int fd = net_socket(ns, AF_PACKET, SOCK_RAW, htons(ETH_P_ALL), &err);

	ground_ok(fd, &err);
	ground_ok(net_link_info(ns, "v0", mac, &index, &err), &err);
	at.sll_ifindex = (int)index;
	ground_must(bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0, "tap");
	return fd;
}

static int frames_look_as_on_a_wire(void *arg)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(7777), .sin_addr = {htonl(0x0a090002)}};
	static uint8_t load[60000], frame[65536];
	struct net_ns *a, *b;
	int listener, client, tap;
	size_t segments = 0;
	ssize_t n;

	(void)arg;
	ground_pair(&a, &b);
	listener = stream(b);
	client = stream(a);
	tap = tap_open(b);
	ground_must(bind(listener, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(listener, 1) == 0, "listen");
	ground_must(connect(client, (struct sockaddr *)&at, sizeof(at)) == 0 || errno == EINPROGRESS, "connect");
	await(client, POLLOUT);
	n = send(client, load, sizeof(load), 0);
	ground_must(n > 3000, "sent %zd bytes", n);
	await(listener, POLLIN);
	while (segments < 8) {
		await(tap, POLLIN);
		n = recv(tap, frame, sizeof(frame), MSG_TRUNC);
		segments += n > 0 && frame_check(frame, (size_t)n);
	}
	return 0;
}

static void every_ability_is_told(void **state)
{
	struct net_ability list[64];
	size_t n = net_abilities(list, COUNT(list));

	(void)state;
	assert_true(n > 10);
	assert_int_equal(net_abilities(list, 3), 3);
	n = net_abilities(list, COUNT(list));
	for (size_t i = 0; i < n; i++) {
		assert_true(list[i].state != NET_UNABLE || list[i].detail[0] != '\0');
		if (list[0].state == NET_ABLE)
			assert_int_not_equal(list[i].state, NET_UNKNOWN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GROUND_ROWS(as_ip_shows),
		GROUND_ROWS(failures_name_the_request),
		GROUND_ROWS(links_tell_about_themselves),
		GROUND_ROWS(links_that_are_ready_lose_nothing),
		GROUND_ROWS(sysctls_are_of_the_namespace),
		GROUND_ROWS(ip_finds_namespaces_by_name),
		GROUND_ROWS(frames_look_as_on_a_wire),
		cmocka_unit_test(every_ability_is_told),
	};

	return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}
