/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "three_ways.h"

#include "ground.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_PORT 20000U
#define SERVICE_PORT 80U
#define AT_ONCE 32U

/* ---- The lab ---- */

static void sysctl(struct net_ns *ns, const char *name, const char *value)
{
	struct errmsg err = {0};
	int r = net_sysctl(ns, name, value, &err);

	ground_must(r == 0 || r == -ENOENT, "%s", err.text);
}

static void address(struct net_ns *ns, const char *link, const char *text, unsigned int len)
{
	const struct addr a = ground_addr(text);

	net_address_add(ns, link, &a, len);
}

static void default_route(struct net_ns *ns, const char *gateway)
{
	const struct addr a = ground_addr(gateway);
	const struct prefix all = {.addr = {.family = a.family}};

	net_route_add(ns, &all, &a, NULL);
}

static void flush(struct net_ns *ns)
{
	struct errmsg err = {0};

	ground_ok(net_flush(ns, &err), &err);
}

static void link_make(struct net_ns *a, const char *name_a, struct net_ns *b, const char *name_b, uint32_t mac)
{
	struct errmsg err = {0};

	ground_ok(net_veth(a, name_a, b, name_b, mac, &err), &err);
	net_link_up(a, name_a);
	net_link_up(b, name_b);
	flush(a);
	flush(b);
}

static int packet_socket(struct net_ns *ns, const char *link, int type, uint16_t protocol)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(protocol)};
	unsigned int index;
	uint8_t mac[6];
	struct errmsg err = {0};
	int fd = net_socket(ns, AF_PACKET, type, 0, &err);

	ground_ok(fd, &err);
	ground_ok(net_link_info(ns, link, mac, &index, &err), &err);
	at.sll_ifindex = (int)index;
	ground_must(bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0, "bind to %s", link);
	return fd;
}

static void end_build(struct ways *w, uint32_t i)
{
	char name[16], link[16], text[32];
	unsigned int index;
	uint8_t mac[6];
	struct errmsg err = {0};

	snprintf(name, sizeof(name), "end%u", i);
	snprintf(link, sizeof(link), "w%u", i);
	w->ends[i] = ground_ns(name);
	link_make(w->router, link, w->ends[i], "e0", 0x100 + 2 * i);
	snprintf(text, sizeof(text), "10.9.%u.1", i);
	address(w->router, link, text, 24);
	snprintf(text, sizeof(text), "fd09:%u::1", i);
	address(w->router, link, text, 64);
	snprintf(text, sizeof(text), "10.9.%u.2", i);
	w->gateways4[i] = ground_addr(text);
	snprintf(text, sizeof(text), "fd09:%u::2", i);
	w->gateways6[i] = ground_addr(text);
	ground_ok(net_link_info(w->ends[i], "e0", mac, &index, &err), &err);
	net_neighbour_add(w->router, link, &w->gateways4[i], mac);
	net_neighbour_add(w->router, link, &w->gateways6[i], mac);
	flush(w->router);
	w->taps[i] = packet_socket(w->ends[i], "e0", SOCK_DGRAM, ETH_P_ALL);
}

static void client_build(struct ways *w)
{
	unsigned int index;
	struct errmsg err = {0};

	link_make(w->client, "c0", w->router, "c0", 0x50);
	address(w->client, "c0", "10.1.254.1", 16);
	address(w->client, "c0", "fd01::1:1", 64);
	address(w->router, "c0", "10.1.255.1", 16);
	address(w->router, "c0", "fd01::1:ff", 64);
	flush(w->router);
	ground_ok(net_link_info(w->client, "c0", w->client_mac, &index, &err), &err);
	ground_ok(net_link_info(w->router, "c0", w->router_mac, &index, &err), &err);
	default_route(w->client, "10.1.255.1");
	default_route(w->client, "fd01::1:ff");
	flush(w->client);
	w->client4 = ground_addr("10.1.254.1");
	w->client6 = ground_addr("fd01::1:1");
	w->wire = packet_socket(w->client, "c0", SOCK_RAW, ETH_P_LOOP);
}

void ways_end(struct ways *w)
{
	close(w->wire);
	for (uint32_t i = 0; i < WAYS; i++) {
		close(w->taps[i]);
		net_ns_free(w->ends[i]);
	}
	net_ns_free(w->client);
	net_ns_free(w->router);
}

void ways_hash(struct ways *w, const struct net_hash *hash)
{
	struct errmsg err = {0};
	bool seeded;

	ground_ok(net_hash_set(w->router, hash, &seeded, &err), &err);
}

/* ---- Flows ---- */

static bool by_socket(enum sending how)
{
	return how == UDP_SOCKET || how == CONNECTED_UDP_SOCKET || how == TCP_SOCKET;
}

static uint8_t protocol_of(enum addr_family family, enum sending how)
{
	switch (how) {
	case CRAFTED_TCP:
	case TCP_SOCKET:
		return IPPROTO_TCP;
	case CRAFTED_ICMP:
		return family == ADDR_V4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	case CRAFTED_UDP:
	case CRAFTED_FRAGMENT:
	case CRAFTED_LATE_FRAGMENT:
	case UDP_SOCKET:
	case CONNECTED_UDP_SOCKET:
		return IPPROTO_UDP;
	}
	return IPPROTO_UDP;
}

struct net_tuple ways_tuple(const struct ways *w, enum addr_family family, enum sending how, bool labels, uint32_t i)
{
	const struct addr first = ground_addr(family == ADDR_V4 ? "10.1.0.0" : "fd01::");
	struct net_tuple t = {.dst = family == ADDR_V4 ? w->service4 : w->service6,
			      .protocol = protocol_of(family, how),
			      .src_port = (uint16_t)(FIRST_PORT + i),
			      .dst_port = SERVICE_PORT};

	t.src = addr_add(&first, i + 1);
	if (by_socket(how))
		t.src = family == ADDR_V4 ? w->client4 : w->client6;
	if (labels)
		t.flow_label = ((i + 1) * 2654435761U) >> 12;
	if (how == CRAFTED_ICMP)
		t.src_port = t.dst_port = 0;
	return t;
}

static uint32_t flow_at(const uint8_t *packet, size_t len, const struct net_tuple *first)
{
	bool v4 = (packet[0] >> 4) == 4;
	const uint8_t *src = packet + (v4 ? 12 : 8), *ports = packet + (v4 ? 20 : 40);
	uint8_t protocol = packet[v4 ? 9 : 6];

	if (len < (v4 ? 24U : 44U) || (v4 ? 4 : 6) != first->dst.family)
		return WAY_NONE;
	if (memcmp(packet + (v4 ? 16 : 24), first->dst.b, addr_len(first->dst.family)) != 0)
		return WAY_NONE;
	if (v4 ? src[2] == 254 : src[13] == 1) /* the client's own address */
		return protocol == first->protocol ? ((uint32_t)ports[0] << 8 | ports[1]) - FIRST_PORT : WAY_NONE;
	return ((uint32_t)src[v4 ? 2 : 14] << 8 | src[v4 ? 3 : 15]) - 1;
}

/* ---- Frames ---- */

static void sum_put(uint8_t *header)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < 20; i += 2)
		sum += (uint32_t)header[i] << 8 | header[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~(sum + (sum >> 16));
	header[10] = (uint8_t)(sum >> 8);
	header[11] = (uint8_t)sum;
}

static size_t l4_put(uint8_t *at, enum sending how, const struct net_tuple *t)
{
	memset(at, 0, 32);
	if (how == CRAFTED_LATE_FRAGMENT)
		return 32;
	if (how == CRAFTED_ICMP) {
		at[0] = t->src.family == ADDR_V4 ? 8 : 128;
		return 32;
	}
	at[0] = (uint8_t)(t->src_port >> 8);
	at[1] = (uint8_t)t->src_port;
	at[2] = (uint8_t)(t->dst_port >> 8);
	at[3] = (uint8_t)t->dst_port;
	if (how == CRAFTED_TCP)
		at[12] = 5 << 4;
	else
		at[5] = 32;
	return 32;
}

static size_t v4_put(uint8_t *ip, enum sending how, const struct net_tuple *t)
{
	memset(ip, 0, 20);
	ip[0] = 0x45;
	ip[3] = 52;
	ip[6] = how == CRAFTED_FRAGMENT ? 0x20 : 0;
	ip[7] = how == CRAFTED_LATE_FRAGMENT ? 4 : 0;
	ip[8] = 64;
	ip[9] = t->protocol;
	memcpy(ip + 12, t->src.b, 4);
	memcpy(ip + 16, t->dst.b, 4);
	sum_put(ip);
	return 20 + l4_put(ip + 20, how, t);
}

static size_t v6_put(uint8_t *ip, enum sending how, const struct net_tuple *t)
{
	bool fragment = how == CRAFTED_FRAGMENT || how == CRAFTED_LATE_FRAGMENT;
	uint8_t *next = ip + 40;

	memset(ip, 0, 48);
	ip[0] = 0x60;
	ip[1] = (uint8_t)(t->flow_label >> 16);
	ip[2] = (uint8_t)(t->flow_label >> 8);
	ip[3] = (uint8_t)t->flow_label;
	ip[5] = fragment ? 40 : 32;
	ip[6] = fragment ? IPPROTO_FRAGMENT : t->protocol;
	ip[7] = 64;
	memcpy(ip + 8, t->src.b, 16);
	memcpy(ip + 24, t->dst.b, 16);
	if (fragment) {
		next[0] = t->protocol;
		next[3] = how == CRAFTED_FRAGMENT ? 1 : 32;
		next += 8;
	}
	return (size_t)(next - ip) + l4_put(next, how, t);
}

static void frame_send(const struct ways *w, enum sending how, const struct net_tuple *t)
{
	uint8_t frame[128];
	size_t len = 14;

	memcpy(frame, w->router_mac, 6);
	memcpy(frame + 6, w->client_mac, 6);
	frame[12] = t->src.family == ADDR_V4 ? 0x08 : 0x86;
	frame[13] = t->src.family == ADDR_V4 ? 0x00 : 0xdd;
	len += t->src.family == ADDR_V4 ? v4_put(frame + 14, how, t) : v6_put(frame + 14, how, t);
	ground_must(send(w->wire, frame, len, 0) == (ssize_t)len, "send a frame");
}

/* A link that is up drops frames until the kernel has got round to starting its queue. */
static void way_await(const struct ways *w, uint32_t way)
{
	const struct net_tuple probe = {.src = w->client4, .dst = w->gateways4[way], .protocol = IPPROTO_UDP};
	struct pollfd p = {.fd = w->taps[way], .events = POLLIN};

	for (int i = 0; i < GROUND_DEADLINE_MS; i++) {
		frame_send(w, CRAFTED_UDP, &probe);
		if (poll(&p, 1, 1) == 1)
			return;
	}
	ground_must(false, "way %u never opens", way);
}

void ways_build(struct ways *w)
{
	const struct prefix to4 = ground_prefix("10.50.0.0/24"), to6 = ground_prefix("fd50::/64");

	*w = (struct ways){.client = ground_ns("client"), .router = ground_ns("router")};
	sysctl(w->router, "net.ipv4.ip_forward", "1");
	sysctl(w->router, "net.ipv6.conf.all.forwarding", "1");
	sysctl(w->router, "net.ipv4.conf.all.rp_filter", "0");
	sysctl(w->router, "net.ipv4.conf.default.rp_filter", "0");
	client_build(w);
	for (uint32_t i = 0; i < WAYS; i++)
		end_build(w, i);
	net_route_multipath(w->router, &to4, w->gateways4, WAYS);
	net_route_multipath(w->router, &to6, w->gateways6, WAYS);
	flush(w->router);
	w->service4 = ground_addr("10.50.0.1");
	w->service6 = ground_addr("fd50::1");
	for (uint32_t i = 0; i < WAYS; i++)
		way_await(w, i);
}

/* ---- Sockets ---- */

static socklen_t place_of(const struct addr *a, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

	*ret = (struct sockaddr_storage){0};
	if (a->family == ADDR_V4) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		memcpy(&v4->sin_addr, a->b, 4);
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	memcpy(&v6->sin6_addr, a->b, 16);
	return sizeof(*v6);
}

static int socket_send(const struct ways *w, enum sending how, const struct net_tuple *t)
{
	struct sockaddr_storage from, to;
	socklen_t len = place_of(&t->src, t->src_port, &from);
	struct errmsg err = {0};
	int on = 1;
	int fd = net_socket(w->client, t->src.family == ADDR_V4 ? AF_INET : AF_INET6,
			    how == TCP_SOCKET ? SOCK_STREAM : SOCK_DGRAM, 0, &err);

	ground_ok(fd, &err);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	ground_must(bind(fd, (const struct sockaddr *)&from, len) == 0, "bind to port %u", t->src_port);
	(void)place_of(&t->dst, t->dst_port, &to);
	if (how != UDP_SOCKET)
		ground_must(connect(fd, (const struct sockaddr *)&to, len) == 0 || errno == EINPROGRESS, "connect");
	if (how == UDP_SOCKET)
		ground_must(sendto(fd, "123456789012", 12, 0, (const struct sockaddr *)&to, len) == 12, "sendto");
	else if (how == CONNECTED_UDP_SOCKET)
		ground_must(send(fd, "123456789012", 12, 0) == 12, "send");
	return fd;
}

/* ---- There and seen ---- */

/* Reads what has arrived. Returns how many flows are new. */
static uint32_t taps_read(const struct ways *w, const struct net_tuple *flows, uint32_t n, uint32_t *ret)
{
	uint32_t new = 0;

	for (uint32_t way = 0; way < WAYS; way++) {
		uint8_t packet[2048];
		ssize_t len;

		while ((len = recv(w->taps[way], packet, sizeof(packet), MSG_DONTWAIT)) > 0) {
			uint32_t i = flow_at(packet, (size_t)len, flows);

			if (i >= n || ret[i] == way)
				continue;
			ground_must(ret[i] == WAY_NONE, "flow %u went two ways", i);
			ret[i] = way;
			new ++;
		}
	}
	return new;
}

static void arrived_await(const struct ways *w, const struct net_tuple *flows, uint32_t n, uint32_t *ret)
{
	struct pollfd p[WAYS];
	uint32_t missing = 0;

	for (uint32_t i = 0; i < n; i++)
		missing += ret[i] == WAY_NONE;
	for (uint32_t i = 0; i < WAYS; i++)
		p[i] = (struct pollfd){.fd = w->taps[i], .events = POLLIN};
	while (missing > 0) {
		ground_must(poll(p, WAYS, GROUND_DEADLINE_MS) > 0, "%u flows of %u did not arrive", missing, n);
		missing -= taps_read(w, flows, n, ret);
	}
}

void ways_send(struct ways *w, enum sending how, const struct net_tuple *flows, uint32_t n, uint32_t *ret)
{
	int sockets[AT_ONCE];

	for (uint32_t i = 0; i < n; i++)
		ret[i] = WAY_NONE;
	for (uint32_t from = 0; from < n; from += AT_ONCE) {
		uint32_t to = from + AT_ONCE < n ? from + AT_ONCE : n;

		for (uint32_t i = from; i < to; i++) {
			sockets[i - from] = -1;
			if (by_socket(how))
				sockets[i - from] = socket_send(w, how, &flows[i]);
			else
				frame_send(w, how, &flows[i]);
		}
		arrived_await(w, flows, to, ret);
		for (uint32_t i = from; i < to && by_socket(how); i++)
			close(sockets[i - from]);
	}
}

void ways_ask(struct ways *w, const struct net_tuple *flows, uint32_t n, uint32_t *ret)
{
	struct net_fate *fates = memory_new(n * sizeof(*fates));
	struct errmsg err = {0};

	ground_ok(net_oracle(w->router, "c0", flows, n, fates, &err), &err);
	for (uint32_t i = 0; i < n; i++) {
		ret[i] = WAY_NONE;
		ground_must(fates[i].error == 0, "flow %u: %s", i, strerror(-fates[i].error));
		for (uint32_t way = 0; way < WAYS; way++) {
			if (addr_equal(&fates[i].gateway, &w->gateways4[way]) ||
			    addr_equal(&fates[i].gateway, &w->gateways6[way]))
				ret[i] = way;
		}
		ground_must(ret[i] != WAY_NONE, "flow %u: gateway %s", i, addr_text(&fates[i].gateway).s);
	}
	free(fates);
}

uint32_t ways_same(const uint32_t *a, const uint32_t *b, uint32_t n)
{
	uint32_t same = 0;

	for (uint32_t i = 0; i < n; i++)
		same += a[i] == b[i];
	return same;
}

const char *ways_shares(struct ways *w, enum addr_family family)
{
	const struct addr *gateways = family == ADDR_V4 ? w->gateways4 : w->gateways6;
	static struct net_fib_shares s;
	static char text[64];
	struct errmsg err = {0};
	unsigned int by_way[WAYS] = {0};

	ground_ok(net_fib_shares(w->router, family == ADDR_V4 ? &w->service4 : &w->service6, &s, &err), &err);
	if (s.route.hop_count == 0)
		return "-";
	for (size_t i = 0; i < s.route.hop_count; i++) {
		for (size_t way = 0; way < WAYS; way++) {
			if (addr_equal(&s.route.hops[i].gateway, &gateways[way]))
				by_way[way] += s.weights[i];
		}
	}
	snprintf(text, sizeof(text), "%u %u %u", by_way[0], by_way[1], by_way[2]);
	return text;
}
