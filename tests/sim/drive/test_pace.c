/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many speakers dial, at once, a router whose listening socket has room for few: the kernel must not have to drop a SYN, since it would
 * come again after a second. A router that accepts and says nothing must not keep the others from dialling. */
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
#define ROUTER 0x0a000001U
#define FIRST 0x0a010001U
#define WORKERS 60U
#define BACKLOG 5

struct worker {
	struct bgp_speaker *engine;
	struct drive_speaker *driver;
	struct addr source;
};

struct ground {
	struct drive *drive;
	struct net_ns *ns;
	int listener;
	bool answers;
	int accepted[WORKERS];
	unsigned int count;
	struct worker workers[WORKERS];
};

static void on_dial(void *ctx, bgp_peer_id peer, struct addr *ret_remote, uint16_t *ret_port, struct addr *ret_source)
{
	const struct worker *w = ctx;

	(void)peer;
	*ret_remote = addr_v4(ROUTER);
	*ret_port = WIRE_BGP_PORT;
	*ret_source = w->source;
}

/* One connection each time round the loop, as BIRD does it. */
static void on_accept(void *ctx, int fd)
{
	struct ground *g = ctx;
	uint8_t bytes[64];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));
	int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

	if (accepted < 0 || g->count >= WORKERS)
		return;
	wire_open_encode(&out, 11000, 90, ROUTER, (struct wire_in){0});
	if (g->answers && write(accepted, bytes, out.len) != (ssize_t)out.len)
		fprintf(stderr, "the router can't answer\n");
	g->accepted[g->count++] = accepted;
}

static int listener_start(struct ground *g, struct errmsg *err)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(WIRE_BGP_PORT)};

	at.sin_addr.s_addr = htonl(ROUTER);
	g->listener = net_socket(g->ns, AF_INET, SOCK_STREAM, 0, err);
	if (g->listener < 0)
		return g->listener;
	if (bind(g->listener, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(g->listener, BACKLOG) < 0)
		return errmsg_set(err, -errno, "listen");
	(void)drive_watch(g->drive, g->listener, on_accept, g);
	return 0;
}

static int worker_start(struct ground *g, struct worker *w, struct errmsg *err)
{
	static const struct drive_speaker_ops ops = {.dial = on_dial};
	bgp_peer_id id;
	int r;

	w->engine = bgp_speaker_new(&(struct bgp_speaker_conf){
		.as = 22000, .router_id = addr_v4_value(&w->source), .profile = BGP_PROFILE_METALLB_NATIVE});
	r = bgp_peer_add(
		w->engine,
		&(struct bgp_peer_conf){.name = "router", .remote = addr_v4(ROUTER), .remote_as = 11000, .hold_s = 90},
		&id);
	return r < 0 ? r
		     : drive_speaker_new(
			       g->drive,
			       &(struct drive_speaker_conf){.engine = w->engine, .ns = g->ns, .ops = &ops, .ctx = w},
			       &w->driver, err);
}

/* "TcpExt: ... ListenOverflows ..." over "TcpExt: ... 3 ..." */
static long overflows(struct ground *g)
{
	char names[4096], values[4096];
	struct errmsg err;
	long found = -1;
	FILE *f = net_ns_enter(g->ns, &err) == 0 ? fopen("/proc/thread-self/net/netstat", "re") : NULL;

	if (f != NULL && fgets(names, sizeof(names), f) != NULL && fgets(values, sizeof(values), f) != NULL) {
		char *name_at = names, *value_at = values;

		for (;;) {
			const char *name = strsep(&name_at, " "), *value = strsep(&value_at, " ");

			if (name == NULL || value == NULL)
				break;
			if (strcmp(name, "ListenOverflows") == 0)
				found = strtol(value, NULL, 10);
		}
	}
	if (f != NULL)
		fclose(f);
	(void)net_ns_leave(&err);
	return found;
}

static int ground_init(struct ground *g, struct errmsg *err)
{
	struct addr router = addr_v4(ROUTER);
	int r = drive_new(&g->drive, err);

	if (r == 0)
		r = net_ns_new("all", &g->ns, err);
	if (r < 0)
		return r;
	net_address_add(g->ns, "lo", &router, 32);
	for (unsigned int i = 0; i < WORKERS; i++) {
		g->workers[i].source = addr_v4(FIRST + i);
		net_address_add(g->ns, "lo", &g->workers[i].source, 32);
	}
	r = net_flush(g->ns, err);
	return r == 0 ? listener_start(g, err) : r;
}

static void ground_fini(struct ground *g)
{
	for (unsigned int i = 0; i < WORKERS; i++) {
		drive_speaker_free(g->workers[i].driver);
		bgp_speaker_free(g->workers[i].engine);
	}
	for (unsigned int i = 0; i < g->count; i++)
		close(g->accepted[i]);
	net_ns_free(g->ns);
}

static int all_are_accepted(struct ground *g, struct errmsg *err)
{
	struct instant deadline = instant_add(drive_now(g->drive), DEADLINE_NS);
	int r = ground_init(g, err);

	for (unsigned int i = 0; i < WORKERS && r == 0; i++)
		r = worker_start(g, &g->workers[i], err);
	while (r == 0 && g->count < WORKERS && instant_before(drive_now(g->drive), deadline))
		drive_wait(g->drive, deadline);
	if (r == 0 && g->count < WORKERS)
		return errmsg_say(err, -ETIMEDOUT, "%u of %u were accepted", g->count, WORKERS);
	return r;
}

static int body(void *arg)
{
	struct ground g = {.listener = -1, .answers = *(const bool *)arg};
	struct errmsg err = {0};
	bool good = all_are_accepted(&g, &err) == 0;
	long dropped = overflows(&g);

	if (!good)
		fprintf(stderr, "%s\n", err.text);
	if (dropped != 0)
		fprintf(stderr, "the kernel dropped %ld connections\n", dropped);
	ground_fini(&g);
	return good && dropped == 0 ? 0 : 1;
}

static void in_sandbox(bool answers)
{
	struct errmsg err = {0};
	int status = -1;

	if (net_sandbox_run(body, &answers, NULL, &status, &err) < 0) {
		print_message("skipped: %s\n", err.text);
		skip();
	}
	assert_int_equal(status, 0);
}

static void router_sets_the_pace(void **state)
{
	(void)state;
	in_sandbox(true);
}

static void silent_router_is_dialled_by_all(void **state)
{
	(void)state;
	in_sandbox(false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(router_sets_the_pace),
		cmocka_unit_test(silent_router_is_dialled_by_all),
	};

	return cmocka_run_group_tests_name("drive: dials take turns", tests, NULL, NULL);
}
