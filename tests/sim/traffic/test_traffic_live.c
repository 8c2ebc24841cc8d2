/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flows and connections over a veth pair between two namespaces, seen from the other side. */
#include "allocs.h"
#include "support.h"
#include "traffic_int.h"

#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FLOWS 3000U
#define PACKETS 2U
#define FRAGMENTED 200U
#define SIZED 50U
#define SEND_AT_ONCE 857U /* several batches and a part of one; a single packet is left for the last call */
#define CLIENT_LINK "eth0"
#define ROUTER_LINK "clients"

struct ground {
	struct net_ns *client, *router;
	int tap; /* all packets of the router's end */
	uint8_t mac[6], gateway[6];
};

/* What one packet has to be, noted when it comes. */
struct seen {
	unsigned int times;
	struct traffic_tuple tuple;
};

struct watch {
	struct seen flows[FLOWS][PACKETS];
	size_t count;
};

/* Failures are told on stderr and by the status: cmocka's jumps don't reach over the sandbox's processes. */
static bool fails(bool wrong, const char *what)
{
	if (wrong)
		fprintf(stderr, "%s\n", what);
	return wrong;
}

static int open_tap(struct ground *g, unsigned int index, struct errmsg *err)
{
	struct sockaddr_ll link = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)index};
	int room = 8 << 20;

	g->tap = net_socket(g->router, AF_PACKET, SOCK_RAW, 0, err);
	if (g->tap < 0)
		return g->tap;
	if (setsockopt(g->tap, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) < 0)
		setsockopt(g->tap, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	return bind(g->tap, (const struct sockaddr *)&link, sizeof(link)) < 0 ? -errno : 0;
}

static int ground_init(struct ground *g, struct errmsg *err)
{
	struct addr client, router;
	unsigned int index = 0;
	int result = net_ns_new("client", &g->client, err);

	addr_parse("172.16.0.10", &client);
	addr_parse("172.16.0.1", &router);
	if (result == 0)
		result = net_ns_new("router", &g->router, err);
	if (result == 0)
		result = net_veth(g->client, CLIENT_LINK, g->router, ROUTER_LINK, 7, err);
	if (result < 0)
		return result;
	net_address_add(g->client, CLIENT_LINK, &client, 24);
	net_link_up(g->client, CLIENT_LINK);
	net_address_add(g->router, ROUTER_LINK, &router, 24);
	net_link_up(g->router, ROUTER_LINK);
	result = net_flush(g->client, err);
	if (result == 0)
		result = net_flush(g->router, err);
	if (result == 0)
		result = net_link_info(g->client, CLIENT_LINK, g->mac, &index, err);
	if (result == 0)
		result = net_link_info(g->router, ROUTER_LINK, g->gateway, &index, err);
	return result == 0 ? open_tap(g, index, err) : result;
}

static void ground_fini(struct ground *g)
{
	if (g->tap >= 0)
		close(g->tap);
	net_ns_free(g->client);
	net_ns_free(g->router);
}

/* RFC 1071 written a second time, with the carry taken at once. */
static bool sums_to_ones(const uint8_t *const parts[2], const size_t lengths[2], uint32_t start)
{
	uint32_t sum = start;

	for (size_t p = 0; p < 2; p++) {
		for (size_t i = 0; i < lengths[p]; i++) {
			sum += i % 2 == 0 ? (uint32_t)parts[p][i] << 8 : parts[p][i];
			sum = (sum & 0xffff) + (sum >> 16);
		}
	}
	return sum == 0xffff;
}

static bool checksums_hold(const uint8_t *ip, size_t ip_len)
{
	const uint8_t *header[2] = {ip, ip}, *body[2] = {ip + 12, ip + 20};
	const size_t header_len[2] = {20, 0}, body_len[2] = {8, ip_len - 20};

	return sums_to_ones(header, header_len, 0) && sums_to_ones(body, body_len, (uint32_t)(ip_len - 20) + ip[9]);
}

/* Notes one frame; others than ours (neighbour discovery) are passed over. False when one of ours is wrong. */
static bool note(struct watch *w, const struct ground *g, const uint8_t *frame, size_t n)
{
	struct wire_flowtag tag;
	struct seen *s;

	if (n < 74 || frame[12] != 8 || frame[13] != 0 || frame[14 + 9] != IPPROTO_UDP)
		return true;
	if (!wire_flowtag_decode(wire_in_of(frame + 42, n - 42), &tag) || tag.run != 77)
		return true;
	if (fails(n != 74, "length") || fails(memcmp(frame, g->gateway, 6) != 0, "destination MAC") ||
	    fails(memcmp(frame + 6, g->mac, 6) != 0, "source MAC") ||
	    fails(!checksums_hold(frame + 14, n - 14), "checksum") ||
	    fails(tag.flow >= FLOWS || tag.seq >= PACKETS, "flow or sequence number"))
		return false;
	s = &w->flows[tag.flow][tag.seq];
	s->times++;
	s->tuple.src = addr_from_bytes(ADDR_V4, frame + 26);
	s->tuple.dst = addr_from_bytes(ADDR_V4, frame + 30);
	s->tuple.src_port = (uint16_t)(frame[34] << 8 | frame[35]);
	s->tuple.dst_port = (uint16_t)(frame[36] << 8 | frame[37]);
	w->count++;
	return true;
}

/* Reads until `want` packets of ours came, or none comes for five seconds. */
static bool drain(struct watch *w, const struct ground *g, size_t want)
{
	struct pollfd p = {.fd = g->tap, .events = POLLIN};

	while (w->count < want) {
		uint8_t frame[2048];
		ssize_t n;

		if (fails(poll(&p, 1, 5000) != 1, "packets are missing"))
			return false;
		n = recv(g->tap, frame, sizeof(frame), MSG_DONTWAIT);
		if (n > 0 && !note(w, g, frame, (size_t)n))
			return false;
	}
	return true;
}

static int by_port(const void *a, const void *b)
{
	const struct traffic_tuple *x = a, *y = b;

	return (int)x->src_port - (int)y->src_port;
}

static bool is_complete(const struct watch *w)
{
	static struct traffic_tuple all[FLOWS];

	for (size_t i = 0; i < FLOWS; i++) {
		const struct seen *s = w->flows[i];

		if (fails(s[0].times != 1 || s[1].times != 1, "a packet came twice") ||
		    fails(s[0].tuple.src_port != s[1].tuple.src_port, "a flow changed its port") ||
		    fails(s[0].tuple.dst_port != 80, "destination port") ||
		    fails(strcmp(addr_text(&s[0].tuple.dst).s, "172.16.254.1") != 0, "destination"))
			return false;
		all[i] = s[0].tuple;
	}
	qsort(all, FLOWS, sizeof(all[0]), by_port);
	for (size_t i = 1; i < FLOWS; i++)
		if (fails(all[i - 1].src_port == all[i].src_port, "two flows are alike"))
			return false;
	return true;
}

static struct traffic_flows flows_of(void)
{
	struct traffic_flows flows = {.protocol = TRAFFIC_UDP,
				      .dst_port = 80,
				      .vary = TRAFFIC_VARY_SRC_PORT,
				      .count = FLOWS,
				      .packets = PACKETS,
				      .run = 77,
				      .seed = 1};

	addr_parse("172.16.0.10", &flows.src);
	addr_parse("172.16.254.1", &flows.dst);
	return flows;
}

static bool flows_arrive(struct ground *g, struct errmsg *err)
{
	struct traffic_flows flows = flows_of();
	struct watch *w = calloc(1, sizeof(*w));
	struct traffic_sender *s = NULL;
	size_t sent = 0, allocated = 0, before;
	bool good = w != NULL && traffic_sender_new(g->client, CLIENT_LINK, g->gateway, &flows, &s, err) == 0;
	int n = 1;

	while (good && n != 0) {
		before = allocs_count();
		n = traffic_sender_send(s, SEND_AT_ONCE, err);
		allocated += allocs_count() - before;
		if (n == -EAGAIN)
			continue;
		sent += n > 0 ? (size_t)n : 0;
		good = n >= 0 && drain(w, g, sent);
	}
	good = good && !fails(sent != (size_t)FLOWS * PACKETS, "number of packets") && is_complete(w) &&
	       !fails(allocated > 0, "a packet took memory");
	traffic_sender_free(s);
	free(w);
	return good;
}

static bool bad_senders_are_refused(struct ground *g, struct errmsg *err)
{
	struct traffic_flows flows = flows_of();
	struct traffic_sender *s;

	if (fails(traffic_sender_new(g->client, "eth9", g->gateway, &flows, &s, err) >= 0, "a link that is not there"))
		return false;
	flows.count = 70000;
	if (fails(traffic_sender_new(g->client, CLIENT_LINK, g->gateway, &flows, &s, err) != -ERANGE, "too many flows"))
		return false;
	return !fails(
		strcmp(err->text, "flows: varying src_port gives only 64512 distinct flows, and 70000 are asked for"),
		err->text);
}

/* The kernel puts the fragments together and hands over what has a good checksum: both tags, of the same flow. */
static bool is_datagram(int fd, bool *seen)
{
	struct wire_flowtag first, later;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint8_t bytes[256];
	ssize_t n;

	if (fails(poll(&p, 1, 5000) != 1, "a datagram is missing"))
		return false;
	n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (fails(n != 2 * WIRE_FLOWTAG_LEN, "datagram's length") ||
	    fails(!wire_flowtag_decode(wire_in_of(bytes, WIRE_FLOWTAG_LEN), &first), "first tag") ||
	    fails(!wire_flowtag_decode(wire_in_of(bytes + WIRE_FLOWTAG_LEN, WIRE_FLOWTAG_LEN), &later), "later tag") ||
	    fails(first.flow != later.flow || first.seq != 0 || later.seq != 1, "tags of two flows") ||
	    fails(first.flow >= FRAGMENTED || seen[first.flow], "a datagram came twice"))
		return false;
	seen[first.flow] = true;
	return true;
}

static bool fragments_are_put_together(struct ground *g, struct errmsg *err)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(80)};
	int fd = net_socket(g->router, AF_INET, SOCK_DGRAM, 0, err);
	struct traffic_flows flows = flows_of();
	struct traffic_sender *s = NULL;
	bool seen[FRAGMENTED] = {false};
	bool good;

	flows.count = FRAGMENTED;
	flows.packets = 1;
	flows.fragments = true;
	addr_parse("172.16.0.1", &flows.dst);
	good = fd >= 0 && bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 &&
	       traffic_sender_new(g->client, CLIENT_LINK, g->gateway, &flows, &s, err) == 0 &&
	       !fails(traffic_sender_total(s) != 2 * FRAGMENTED, "number of fragments") &&
	       !fails(traffic_sender_send(s, 1000, err) != 2 * FRAGMENTED, "fragments sent");
	for (size_t i = 0; good && i < FRAGMENTED; i++)
		good = is_datagram(fd, seen);
	traffic_sender_free(s);
	if (fd >= 0)
		close(fd);
	return good;
}

/* Ten a burst, a thousand a second: the table of when how many may go. */
static bool a_rate_is_kept(struct ground *g, struct errmsg *err)
{
	static const struct {
		int64_t elapsed_ns;
		unsigned int ready;
	} rows[] = {{0, 10}, {9999999, 10}, {10000000, 20}, {105000000, 110}, {7200 * NS_PER_S, 1000}};
	struct traffic_flows flows = flows_of();
	struct traffic_sender *s = NULL;
	bool good;

	flows.rate = 1000;
	flows.burst = 10;
	good = traffic_sender_new(g->client, CLIENT_LINK, g->gateway, &flows, &s, err) == 0;
	for (size_t i = 0; good && i < sizeof(rows) / sizeof(rows[0]); i++)
		good = !fails(traffic_sender_ready(s, rows[i].elapsed_ns, 1000) != rows[i].ready, "packets ready");
	good = good && !fails(traffic_sender_due(s) != 0, "the first burst") &&
	       !fails(traffic_sender_send(s, 10, err) != 10, "a burst") &&
	       !fails(traffic_sender_ready(s, 9999999, 1000) != 0, "the pause") &&
	       !fails(traffic_sender_due(s) != 10000000, "the second burst");
	traffic_sender_free(s);
	return good;
}

/* Reads `want` packets of the run: of each flow its sequence numbers in their order. */
static bool count_tap(const struct ground *g, uint32_t run, unsigned int want, uint32_t *counts)
{
	struct pollfd p = {.fd = g->tap, .events = POLLIN};

	while (want > 0) {
		struct wire_flowtag tag;
		uint8_t frame[2048];
		ssize_t n;

		if (fails(poll(&p, 1, 5000) != 1, "packets are missing"))
			return false;
		n = recv(g->tap, frame, sizeof(frame), MSG_DONTWAIT);
		if (n < 74 || !wire_flowtag_decode(wire_in_of(frame + 42, (size_t)n - 42), &tag) || tag.run != run)
			continue;
		if (fails(tag.flow >= SIZED || tag.seq != counts[tag.flow], "a sequence has a hole"))
			return false;
		counts[tag.flow]++;
		want--;
	}
	return true;
}

/* Each flow is as long as its size says. */
static bool sizes_are_kept(struct ground *g, struct errmsg *err)
{
	struct traffic_flows flows = flows_of();
	struct traffic_sender *s = NULL;
	uint32_t counts[SIZED] = {0};
	const uint32_t *sizes;
	bool good;
	int n;

	flows.run = 78;
	flows.count = SIZED;
	flows.packets = 4;
	flows.sizes = TRAFFIC_SIZES_ZIPF;
	flows.exponent = 1;
	if (traffic_sender_new(g->client, CLIENT_LINK, g->gateway, &flows, &s, err) < 0)
		return false;
	sizes = traffic_sender_sizes(s);
	good = !fails(sizes == NULL, "sizes");
	n = traffic_sender_send(s, 1000, err);
	good = good && !fails(n != 4 * SIZED, "number of packets") &&
	       !fails(traffic_sender_send(s, 1, err) != 0, "more than all") && count_tap(g, 78, 4 * SIZED, counts);
	for (uint32_t i = 0; good && i < flows.count; i++)
		good = !fails(counts[i] != sizes[i], "packets of a flow");
	traffic_sender_free(s);
	return good;
}

static int send_all(struct traffic_sender *s, struct errmsg *err)
{
	int n;

	do {
		n = traffic_sender_send(s, SEND_AT_ONCE, err);
	} while (n > 0);
	return n;
}

/* What finds no room or no link is not gone: it goes once, in its turn, when there is one again. */
static bool a_link_that_is_down_loses_nothing(struct ground *g, struct errmsg *err)
{
	struct traffic_flows flows = flows_of();
	struct traffic_sender *s = NULL;
	uint32_t counts[SIZED] = {0};
	int error;
	socklen_t len = sizeof(error);
	bool good;

	flows.run = 79;
	flows.count = SIZED;
	flows.packets = 4;
	if (traffic_sender_new(g->client, CLIENT_LINK, g->gateway, &flows, &s, err) < 0)
		return false;
	good = !fails(traffic_sender_send(s, 10, err) != 10, "ten packets");
	net_link_down(g->router, ROUTER_LINK);
	good = good && net_flush(g->router, err) == 0;
	for (int i = 0; good && i < 3; i++)
		good = !fails(traffic_sender_send(s, 40, err) != -EAGAIN, "sent to an end that is down");
	net_link_down(g->client, CLIENT_LINK);
	good = good && net_flush(g->client, err) == 0;
	for (int i = 0; good && i < 3; i++)
		good = !fails(traffic_sender_send(s, 40, err) != -ENETDOWN, "sent by a link that is down");
	net_link_up(g->client, CLIENT_LINK);
	net_link_up(g->router, ROUTER_LINK);
	good = good && net_flush(g->client, err) == 0 && net_flush(g->router, err) == 0 &&
	       getsockopt(g->tap, SOL_SOCKET, SO_ERROR, &error, &len) == 0 &&
	       !fails(send_all(s, err) != 0, "the others") && count_tap(g, 79, 4 * SIZED, counts);
	traffic_sender_free(s);
	return good;
}

/* The second can't have the way of the first. */
static bool two_have_one_link(struct ground *g, struct errmsg *err)
{
	struct traffic_flows flows = flows_of();
	struct traffic_sender *s[2] = {NULL, NULL};
	bool good = true;

	flows.count = SIZED;
	flows.packets = 4;
	for (uint32_t i = 0; good && i < 2; i++) {
		flows.run = 80 + i;
		good = traffic_sender_new(g->client, CLIENT_LINK, g->gateway, &flows, &s[i], err) == 0;
	}
	for (uint32_t i = 0; good && i < 2; i++) {
		uint32_t counts[SIZED] = {0};

		good = !fails(send_all(s[i], err) != 0, "two at once") && count_tap(g, 80 + i, 4 * SIZED, counts);
	}
	traffic_sender_free(s[0]);
	traffic_sender_free(s[1]);
	return good;
}

static bool step(struct traffic_http *h)
{
	struct pollfd p = {.fd = h->fd, .events = h->wants_write ? POLLOUT : POLLIN};

	if (fails(poll(&p, 1, 5000) != 1, "the connection is stuck"))
		return false;
	traffic_http_ready(h);
	return true;
}

static bool plays_a_server(struct traffic_http *h, int listener)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	char request[1024];
	struct pollfd p = {.fd = listener, .events = POLLIN};
	struct sockaddr_in peer = {0};
	socklen_t len = sizeof(peer);
	int server;
	bool good;

	if (!step(h) || fails(poll(&p, 1, 5000) != 1, "nobody connected"))
		return false;
	server = accept4(listener, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC);
	good = !fails(server < 0, "accept") && !fails(ntohs(peer.sin_port) != h->src_port, "source port") &&
	       !fails(recv(server, request, sizeof(request), 0) <= 0, "request") &&
	       !fails(send(server, text, sizeof(text) - 1, MSG_NOSIGNAL) < 0, "answer") && step(h) &&
	       !fails(h->state != TRAFFIC_HTTP_DONE || h->status != 200, "answer was not understood");
	if (server >= 0)
		close(server);
	return good;
}

static bool http_works(struct ground *g, struct errmsg *err)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(80)};
	int listener = net_socket(g->router, AF_INET, SOCK_STREAM, 0, err);
	struct traffic_http h = {.fd = -1}, refused = {.fd = -1};
	struct addr src, dst, nowhere;
	bool good;

	addr_parse("172.16.0.10", &src);
	addr_parse("172.16.0.1", &dst);
	addr_parse("192.0.2.1", &nowhere);
	good = listener >= 0 && bind(listener, (const struct sockaddr *)&at, sizeof(at)) == 0 &&
	       listen(listener, 8) == 0 && traffic_http_open(g->client, &src, &dst, 80, &h, err) == 0 &&
	       plays_a_server(&h, listener);
	good = good && traffic_http_open(g->client, &src, &dst, 81, &refused, err) == 0 && step(&refused) &&
	       !fails(refused.state != TRAFFIC_HTTP_FAILED || refused.error != ECONNREFUSED, "refusal");
	traffic_http_close(&h);
	traffic_http_close(&refused);
	good = good && !fails(traffic_http_open(g->client, &src, &nowhere, 80, &h, err) != -ENETUNREACH, "no route") &&
	       !fails(h.fd != -1, "descriptor left over");
	if (listener >= 0)
		close(listener);
	return good;
}

static int body(void *arg)
{
	struct ground g = {.tap = -1};
	struct errmsg err = {0};
	bool good = ground_init(&g, &err) == 0 && flows_arrive(&g, &err) && bad_senders_are_refused(&g, &err) &&
		    fragments_are_put_together(&g, &err) && a_rate_is_kept(&g, &err) && sizes_are_kept(&g, &err) &&
		    a_link_that_is_down_loses_nothing(&g, &err) && two_have_one_link(&g, &err) && http_works(&g, &err);

	(void)arg;
	if (!good)
		fprintf(stderr, "last error: %s\n", err.text);
	ground_fini(&g);
	return good ? 0 : 1;
}

static void what_is_sent_arrives(void **state)
{
	struct errmsg err = {0};
	int status = -1;

	(void)state;
	if (net_sandbox_run(body, NULL, NULL, &status, &err) < 0) {
		print_message("skipped: %s\n", err.text);
		skip();
	}
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sent_arrives),
	};

	return cmocka_run_group_tests_name("traffic: live", tests, NULL, NULL);
}
