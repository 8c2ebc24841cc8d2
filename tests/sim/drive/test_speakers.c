/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Engines over real sockets, all in one namespace: a router that listens, workers that dial, routes that come and go. */
#include "drive.h"
#include "support.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEADLINE_NS (20 * NS_PER_S)
#define ROUTER "10.0.0.1"
#define WORKERS 2U
#define VIP "172.16.254.1/32"
#define MANY 20000U

struct worker {
	struct bgp_speaker *engine;
	struct drive_speaker *driver;
	struct addr source;
	struct addr remote;
	enum bgp_state state; /* the last one told */
	unsigned int failures;
};

struct ground {
	struct drive *drive;
	struct net_ns *ns;
	struct bgp_speaker *engine;
	struct drive_speaker *driver;
	struct worker workers[WORKERS];
	struct prefix prefix; /* the last route told */
	struct addr hops[8];
	size_t hop_count;
	unsigned int told;
};

static bool fails(bool wrong, const char *what)
{
	if (wrong)
		fprintf(stderr, "%s\n", what);
	return wrong;
}

static struct addr at(const char *text)
{
	struct addr a = {0};

	(void)addr_parse(text, &a);
	return a;
}

/* Waits until the condition holds; g and w are the names that it may use. */
#define AWAIT(g, condition)                                                                                            \
	for (struct instant deadline = instant_add(drive_now((g)->drive), DEADLINE_NS);                                \
	     !(condition) && instant_before(drive_now((g)->drive), deadline) && drive_wait((g)->drive, deadline);)

/* ---- Ground ---- */

static void on_route(void *ctx, const struct bgp_output *route)
{
	struct ground *g = ctx;

	g->prefix = route->prefix;
	g->hop_count = route->next_hop_count;
	for (size_t i = 0; i < g->hop_count && i < 8; i++)
		g->hops[i] = route->next_hops[i];
	g->told++;
}

static void on_notice(void *ctx, const struct bgp_output *notice)
{
	struct worker *w = ctx;

	if (notice->notice != BGP_NOTICE_STATE)
		return;
	w->failures += notice->from == BGP_CONNECT && notice->to != BGP_OPEN_SENT;
	w->state = notice->to;
}

static void on_dial(void *ctx, bgp_peer_id peer, struct addr *ret_remote, uint16_t *ret_port, struct addr *ret_source)
{
	const struct worker *w = ctx;

	(void)peer;
	*ret_remote = w->remote;
	*ret_port = 179;
	*ret_source = w->source;
}

static int router_start(struct ground *g, struct errmsg *err)
{
	static const struct drive_speaker_ops ops = {.route = on_route};

	g->engine = bgp_speaker_new(&(struct bgp_speaker_conf){.as = 11000,
							       .router_id = 0xac100001,
							       .profile = BGP_PROFILE_STANDARD,
							       .max_paths = 16,
							       .readvertise = true});
	for (unsigned int i = 0; i < WORKERS; i++) {
		bgp_peer_id id;
		int r = bgp_peer_add(g->engine,
				     &(struct bgp_peer_conf){.name = "worker",
							     .local = at(ROUTER),
							     .remote = g->workers[i].source,
							     .remote_as = 22000,
							     .passive = true,
							     .hold_s = 90},
				     &id);

		if (r < 0)
			return r;
	}
	return drive_speaker_new(g->drive,
				 &(struct drive_speaker_conf){.engine = g->engine,
							      .ns = g->ns,
							      .listens = true,
							      .listen_address = at(ROUTER),
							      .ops = &ops,
							      .ctx = g},
				 &g->driver, err);
}

static int worker_start(struct ground *g, unsigned int i, struct errmsg *err)
{
	static const struct drive_speaker_ops ops = {.notice = on_notice, .dial = on_dial};
	struct worker *w = &g->workers[i];
	bgp_peer_id id;
	int r;

	w->engine = bgp_speaker_new(&(struct bgp_speaker_conf){
		.as = 22000, .router_id = addr_v4_value(&w->source), .profile = BGP_PROFILE_METALLB_NATIVE, .seed = i});
	r = bgp_peer_add(
		w->engine,
		&(struct bgp_peer_conf){.name = "router", .remote = w->remote, .remote_as = 11000, .hold_s = 90}, &id);
	if (r < 0)
		return r;
	return drive_speaker_new(g->drive,
				 &(struct drive_speaker_conf){.engine = w->engine, .ns = g->ns, .ops = &ops, .ctx = w},
				 &w->driver, err);
}

static void worker_stop(struct worker *w)
{
	drive_speaker_free(w->driver);
	bgp_speaker_free(w->engine);
	w->driver = NULL;
	w->engine = NULL;
}

static int ground_init(struct ground *g, struct errmsg *err)
{
	struct addr router = at(ROUTER);
	int r = drive_new(&g->drive, err);

	if (r == 0)
		r = net_ns_new("all", &g->ns, err);
	if (r < 0)
		return r;
	net_address_add(g->ns, "lo", &router, 32);
	for (unsigned int i = 0; i < WORKERS; i++) {
		struct addr first = at("10.0.0.51");

		g->workers[i].source = addr_add(&first, i);
		g->workers[i].remote = router;
		net_address_add(g->ns, "lo", &g->workers[i].source, 32);
	}
	return net_flush(g->ns, err);
}

static void ground_fini(struct ground *g)
{
	for (unsigned int i = 0; i < WORKERS; i++)
		worker_stop(&g->workers[i]);
	drive_speaker_free(g->driver);
	bgp_speaker_free(g->engine);
	net_ns_free(g->ns);
	drive_free(g->drive);
}

static void announce(struct ground *g, struct worker *w, size_t n)
{
	struct bgp_originated *routes = calloc(n + 1, sizeof(*routes));
	struct prefix first;

	(void)prefix_parse(VIP, &first);
	for (size_t i = 0; i < n && routes != NULL; i++)
		routes[i].prefix = (struct prefix){.addr = addr_add(&first.addr, i), .len = 32};
	bgp_originate(w->engine, routes, n);
	bgp_routes_commit(w->engine, drive_now(g->drive));
	drive_speaker_flush(w->driver);
	free(routes);
}

static bool hops_are(const struct ground *g, size_t n)
{
	for (size_t i = 0; i < n && i < g->hop_count; i++) {
		if (fails(!addr_equal(&g->hops[i], &g->workers[i].source), addr_text(&g->hops[i]).s))
			return false;
	}
	return !fails(strcmp(prefix_text(&g->prefix).s, VIP) != 0, prefix_text(&g->prefix).s) &&
	       !fails(g->hop_count != n, "number of next hops");
}

/* ---- Stories ---- */

/* One worker's route, then both workers', then each goes: by withdrawal, and by the end of the speaker. */
static bool routes_come_and_go(struct ground *g, struct errmsg *err)
{
	struct worker *one = &g->workers[0], *two = &g->workers[1];
	bool good = !fails(router_start(g, err) < 0 || worker_start(g, 0, err) < 0, err->text);

	if (!good)
		return false;
	announce(g, one, 1);
	AWAIT(g, g->hop_count == 1);
	good = hops_are(g, 1) && !fails(one->state != BGP_ESTABLISHED, "worker1 is not established") &&
	       !fails(bgp_peer_state(g->engine, 0) != BGP_ESTABLISHED, "the router's peer is not established") &&
	       !fails(worker_start(g, 1, err) < 0, err->text);
	if (!good)
		return false;
	announce(g, two, 1);
	AWAIT(g, g->hop_count == 2);
	good = hops_are(g, 2);
	announce(g, two, 0);
	AWAIT(g, g->hop_count == 1);
	good = good && hops_are(g, 1);
	worker_stop(one);
	AWAIT(g, g->hop_count == 0);
	return good && hops_are(g, 0) && !fails(bgp_peer_state(g->engine, 0) == BGP_ESTABLISHED, "still established");
}

/* More than a socket takes at once. */
static bool many_routes_arrive(struct ground *g)
{
	unsigned int before = g->told;

	announce(g, &g->workers[1], MANY);
	AWAIT(g, g->told - before >= MANY);
	if (fails(g->told - before != MANY, "not every route came, once"))
		return false;
	announce(g, &g->workers[1], 0);
	AWAIT(g, g->told - before >= 2 * MANY);
	return !fails(g->told - before != 2 * MANY || g->hop_count != 0, "not every route went, once");
}

struct stranger {
	uint8_t heard[64];
	size_t n;
	bool ended;
};

static void on_stranger(void *ctx, int fd)
{
	struct stranger *s = ctx;
	ssize_t n = recv(fd, s->heard + s->n, sizeof(s->heard) - s->n, 0);

	s->ended = n <= 0;
	s->n += n > 0 ? (size_t)n : 0;
}

/* Who is no peer hears Cease/Connection Rejected and is hung up on (RFC 4486 section 4). */
static bool strangers_are_refused(struct ground *g, struct errmsg *err)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(179), .sin_addr.s_addr = htonl(0x0a000001)};
	int fd = net_socket(g->ns, AF_INET, SOCK_STREAM, 0, err);
	struct stranger s = {0};
	struct drive_watch *watch;

	if (fails(fd < 0, err->text))
		return false;
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS) {
		close(fd);
		return !fails(true, "connect");
	}
	watch = drive_watch(g->drive, fd, on_stranger, &s);
	AWAIT(g, s.ended);
	drive_unwatch(watch);
	close(fd);
	return !fails(!s.ended, "a stranger was heard") &&
	       !fails(s.n != 21 || s.heard[18] != 3 || s.heard[19] != 6 || s.heard[20] != 5, "the word of rejection");
}

/* A refused dial and an address that is nobody's are failures for the engine, which tries again later. */
static bool failed_dials_are_told(struct ground *g, struct errmsg *err)
{
	static const struct {
		const char *source, *remote;
	} rows[] = {{"10.0.0.51", "10.0.0.52"}, {"192.0.2.1", ROUTER}, {"10.0.0.51", "192.0.2.1"}};
	struct worker *w = &g->workers[0];
	struct addr source = w->source;
	bool good = true;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && good; i++) {
		w->source = at(rows[i].source);
		w->remote = at(rows[i].remote);
		w->failures = 0;
		good = !fails(worker_start(g, 0, err) < 0, err->text);
		AWAIT(g, w->failures > 0);
		good = good && !fails(w->failures == 0, rows[i].remote) &&
		       !fails(bgp_deadline(w->engine).ns == INSTANT_NEVER.ns, "it never tries again");
		worker_stop(w);
	}
	w->source = source;
	w->remote = at(ROUTER);
	return good;
}

/* The port is taken: said with whose it is, and nothing is left over. */
static bool second_router_is_refused(struct ground *g, struct errmsg *err)
{
	static const struct drive_speaker_ops ops = {.route = on_route};
	struct drive_speaker *second = NULL;
	int r = drive_speaker_new(g->drive,
				  &(struct drive_speaker_conf){.engine = g->engine,
							       .ns = g->ns,
							       .listens = true,
							       .listen_address = at(ROUTER),
							       .ops = &ops,
							       .ctx = g},
				  &second, err);

	return !fails(r != -EADDRINUSE || second != NULL, "two routers on one port") &&
	       !fails(strstr(err->text, "all") == NULL || strstr(err->text, "179") == NULL, err->text);
}

static int body(void *arg)
{
	struct ground g = {0};
	struct errmsg err = {0};
	bool good = ground_init(&g, &err) == 0 && routes_come_and_go(&g, &err) && many_routes_arrive(&g) &&
		    strangers_are_refused(&g, &err) && failed_dials_are_told(&g, &err) &&
		    second_router_is_refused(&g, &err);

	(void)arg;
	if (!good)
		fprintf(stderr, "last error: %s\n", err.text);
	ground_fini(&g);
	return good ? 0 : 1;
}

static void speakers_speak(void **state)
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
		cmocka_unit_test(speakers_speak),
	};

	return cmocka_run_group_tests_name("drive: speakers", tests, NULL, NULL);
}
