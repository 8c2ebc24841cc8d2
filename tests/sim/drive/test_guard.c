/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What guards a session's TCP, against the kernel's own counters: TCP-MD5 (RFC 2385), TTL security (RFC 5082), the send
 * hold timer (RFC 9687). */
#include "drive.h"
#include "support.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEADLINE_NS (20 * NS_PER_S)
#define POLL_NS (5 * NS_PER_MS)
#define FLOOD (16U << 20)

struct ground {
	struct drive *drive;
	struct net_ns *ns;
	struct addr addresses[2][2]; /* IPv4 and IPv6: router, worker */
	struct addr router, worker;
	struct bgp_speaker *engines[2];
	struct drive_speaker *drivers[2];
	struct drive_guard guards[2];
	char error[128];
};

/* Waits until the condition holds, also when nothing happens that wakes the loop. */
#define AWAIT(g, condition)                                                                                            \
	for (struct instant deadline = instant_add(drive_now((g)->drive), DEADLINE_NS);                                \
	     !(condition) && instant_before(drive_now((g)->drive), deadline);                                          \
	     drive_wait((g)->drive, instant_add(drive_now((g)->drive), POLL_NS)))

static bool fails(bool wrong, const char *what)
{
	if (wrong)
		fprintf(stderr, "%s\n", what);
	return wrong;
}

static void on_dial(void *ctx, bgp_peer_id peer, struct addr *ret_remote, uint16_t *ret_port, struct addr *ret_source)
{
	const struct ground *g = ctx;

	(void)peer;
	*ret_remote = g->router;
	*ret_port = 179;
	*ret_source = g->worker;
}

static void on_notice(void *ctx, const struct bgp_output *notice)
{
	struct ground *g = ctx;

	if (notice->notice == BGP_NOTICE_ERROR)
		snprintf(g->error, sizeof(g->error), "%s", notice->text);
}

/* Speaker 0 is the router, which listens; 1 the worker, which dials. */
static int speaker_start(struct ground *g, unsigned int i, uint32_t send_hold_s, struct errmsg *err)
{
	static const struct drive_speaker_ops ops = {.dial = on_dial, .notice = on_notice};
	bgp_peer_id id;
	int r;

	g->engines[i] = bgp_speaker_new(
		&(struct bgp_speaker_conf){.as = 65001 + i, .router_id = 1 + i, .max_paths = 1, .seed = 1});
	r = bgp_peer_add(g->engines[i],
			 &(struct bgp_peer_conf){.remote = i == 0 ? g->worker : g->router,
						 .remote_as = 65002 - i,
						 .passive = i == 0,
						 .hold_s = 90,
						 .session = {.send_hold_s = send_hold_s}},
			 &id);
	if (r < 0)
		return r;
	return drive_speaker_new(g->drive,
				 &(struct drive_speaker_conf){.engine = g->engines[i],
							      .ns = g->ns,
							      .listens = i == 0,
							      .listen_address = g->router,
							      .ops = &ops,
							      .ctx = g,
							      .guards = &g->guards[i],
							      .guard_count = 1},
				 &g->drivers[i], err);
}

static void speakers_stop(struct ground *g)
{
	for (unsigned int i = 0; i < 2; i++) {
		drive_speaker_free(g->drivers[i]);
		bgp_speaker_free(g->engines[i]);
		g->drivers[i] = NULL;
		g->engines[i] = NULL;
	}
}

/* A counter of /proc/net/netstat: names in one line, values in the next. */
static unsigned long counter_in(FILE *f, const char *name)
{
	char names[8192], values[8192];
	char *name_at, *value_at;

	while (fgets(names, sizeof(names), f) != NULL && fgets(values, sizeof(values), f) != NULL) {
		char *n = strtok_r(names, " \n", &name_at), *v = strtok_r(values, " \n", &value_at);

		for (; n != NULL && v != NULL;
		     n = strtok_r(NULL, " \n", &name_at), v = strtok_r(NULL, " \n", &value_at))
			if (strcmp(n, name) == 0)
				return strtoul(v, NULL, 10);
	}
	return 0;
}

static unsigned long counter(const struct ground *g, const char *name)
{
	struct errmsg err;
	unsigned long value = 0;
	FILE *f;

	if (net_ns_enter(g->ns, &err) < 0)
		return 0;
	f = fopen("/proc/self/net/netstat", "re");
	if (f != NULL) {
		value = counter_in(f, name);
		fclose(f);
	}
	(void)net_ns_leave(&err);
	return value;
}

static bool established(const struct ground *g)
{
	return bgp_peer_state(g->engines[0], 0) == BGP_ESTABLISHED &&
	       bgp_peer_state(g->engines[1], 0) == BGP_ESTABLISHED;
}

/* counter NULL: the session comes up; else the kernel counts why it does not. */
static const struct pairing {
	const char *name;
	struct drive_guard router, worker;
	const char *counter;
	bool v6;
} pairings[] = {
	{"no guards", {0}, {0}, NULL, false},
	{"one password", {.password = "secret"}, {.password = "secret"}, NULL, false},
	{"two passwords", {.password = "secret"}, {.password = "sEcret"}, "TCPMD5Failure", false},
	{"the worker has none", {.password = "secret"}, {0}, "TCPMD5NotFound", false},
	{"the router has none", {0}, {.password = "secret"}, "TCPMD5Unexpected", false},
	{"TTL security", {.gtsm_hops = 1}, {.gtsm_hops = 1}, NULL, false},
	{"TTL security, the worker sends 64", {.gtsm_hops = 1}, {0}, "TCPMinTTLDrop", false},
	{"TTL security, the worker sends 254", {.gtsm_hops = 1}, {.ttl = 254}, "TCPMinTTLDrop", false},
	{"two hops, the worker sends 254", {.gtsm_hops = 2}, {.ttl = 254}, NULL, false},
	{"both", {.password = "secret", .gtsm_hops = 1}, {.password = "secret", .gtsm_hops = 1}, NULL, false},
	{"IPv6, both", {.password = "secret", .gtsm_hops = 1}, {.password = "secret", .gtsm_hops = 1}, NULL, true},
	{"IPv6, two passwords", {.password = "secret"}, {.password = "sEcret"}, "TCPMD5Failure", true},
	{"IPv6, TTL security, the worker sends 64", {.gtsm_hops = 1}, {0}, "TCPMinTTLDrop", true},
};

static bool pairing_holds(struct ground *g, const struct pairing *p, struct errmsg *err)
{
	unsigned long before = p->counter != NULL ? counter(g, p->counter) : 0;
	bool good;

	g->router = g->addresses[p->v6][0];
	g->worker = g->addresses[p->v6][1];
	g->guards[0] = p->router;
	g->guards[1] = p->worker;
	good = !fails(speaker_start(g, 0, 0, err) < 0 || speaker_start(g, 1, 0, err) < 0, err->text);
	if (good && p->counter == NULL) {
		AWAIT(g, established(g));
		good = !fails(!established(g), p->name);
	} else if (good) {
		AWAIT(g, counter(g, p->counter) > before);
		good = !fails(counter(g, p->counter) == before || established(g), p->name);
	}
	speakers_stop(g);
	g->router = g->addresses[0][0];
	g->worker = g->addresses[0][1];
	return good;
}

/* 81 octets don't fit; said before anything is dialled. */
static bool long_password_is_refused(struct ground *g, struct errmsg *err)
{
	char password[82];
	int r;

	memset(password, 'x', 81);
	password[81] = '\0';
	g->guards[1] = (struct drive_guard){.password = password};
	r = speaker_start(g, 1, 0, err);
	speakers_stop(g);
	return !fails(r >= 0 || strstr(err->text, "80") == NULL, "a long password");
}

/* The session stands, and the peer has just said KEEPALIVE. */
static bool stands_and_talks(const struct ground *g, int fd)
{
	uint8_t keepalive[19];
	size_t n = support_hex("ffffffffffffffffffffffffffffffff 0013 04", keepalive, sizeof(keepalive));

	(void)send(fd, keepalive, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	return bgp_peer_state(g->engines[0], 0) == BGP_ESTABLISHED;
}

/* The peer says OPEN and KEEPALIVEs but reads nothing, while megabytes wait for it. Send hold times are longer than the
 * hold time, here the shortest that there is. */
static bool stuck_peer_is_dropped(struct ground *g, struct errmsg *err)
{
	static const char hello[] = "ffffffffffffffffffffffffffffffff 001d 01 04 fdea 0003 00000002 00"
				    "ffffffffffffffffffffffffffffffff 0013 04";
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(addr_v4_value(&g->worker))};
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(179), .sin_addr.s_addr = htonl(addr_v4_value(&g->router))};
	int fd = net_socket(g->ns, AF_INET, SOCK_STREAM, 0, err), small = 4096;
	uint8_t *flood = calloc(1, FLOOD), bytes[64];
	bool good;

	memset(g->guards, 0, sizeof(g->guards));
	good = !fails(fd < 0 || flood == NULL || speaker_start(g, 0, 4, err) < 0, err->text);
	if (good) {
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
		good = !fails(bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0, "bind");
		(void)connect(fd, (struct sockaddr *)&to, sizeof(to));
		AWAIT(g, bgp_peer_state(g->engines[0], 0) == BGP_OPEN_SENT);
		good = good && !fails(send(fd, bytes, support_hex(hello, bytes, sizeof(bytes)), 0) != 48, "send");
		AWAIT(g, bgp_peer_state(g->engines[0], 0) == BGP_ESTABLISHED);
		good = good && !fails(!bgp_send_raw(g->engines[0], 0, flood, FLOOD, drive_now(g->drive)), "flood");
		drive_speaker_flush(g->drivers[0]);
		AWAIT(g, !stands_and_talks(g, fd));
		good = good && !fails(bgp_peer_state(g->engines[0], 0) == BGP_ESTABLISHED, "it still stands") &&
		       !fails(strstr(g->error, "Send Hold Timer Expired") == NULL, g->error);
	}
	free(flood);
	if (fd >= 0)
		close(fd);
	speakers_stop(g);
	return good;
}

static int ground_init(struct ground *g, struct errmsg *err)
{
	int r = drive_new(&g->drive, err);

	if (r == 0)
		r = net_ns_new("all", &g->ns, err);
	if (r < 0)
		return r;
	(void)addr_parse("10.0.0.1", &g->addresses[0][0]);
	(void)addr_parse("10.0.0.51", &g->addresses[0][1]);
	(void)addr_parse("fd00::1", &g->addresses[1][0]);
	(void)addr_parse("fd00::51", &g->addresses[1][1]);
	for (unsigned int i = 0; i < 2; i++) {
		net_address_add(g->ns, "lo", &g->addresses[0][i], 32);
		net_address_add(g->ns, "lo", &g->addresses[1][i], 128);
	}
	g->router = g->addresses[0][0];
	g->worker = g->addresses[0][1];
	return net_flush(g->ns, err);
}

static int body(void *arg)
{
	struct ground g = {0};
	struct errmsg err = {0};
	bool good = ground_init(&g, &err) == 0;

	(void)arg;
	for (size_t i = 0; i < sizeof(pairings) / sizeof(pairings[0]); i++)
		good = good && pairing_holds(&g, &pairings[i], &err);
	good = good && long_password_is_refused(&g, &err) && stuck_peer_is_dropped(&g, &err);
	if (!good)
		fprintf(stderr, "last error: %s\n", err.text);
	net_ns_free(g.ns);
	drive_free(g.drive);
	return good ? 0 : 1;
}

static void guards_guard(void **state)
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
		cmocka_unit_test(guards_guard),
	};

	return cmocka_run_group_tests_name("drive: guards", tests, NULL, NULL);
}
