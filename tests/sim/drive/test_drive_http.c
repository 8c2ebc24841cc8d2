/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pod's server and a client's connections over one wire: what is answered, refused, and given up. */
#include "drive.h"
#include "support.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOON_NS (20 * NS_PER_S)
#define POD "10.244.0.2"
#define CLIENT "10.244.0.1"
#define MUTE_PORT 82

struct ground {
	struct drive *drive;
	struct net_ns *client, *pod;
	struct drive_http_server *server;
	int mute; /* takes connections and never answers */
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

static int mute_start(struct ground *g, struct errmsg *err)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(MUTE_PORT)};

	g->mute = net_socket(g->pod, AF_INET, SOCK_STREAM, 0, err);
	if (g->mute < 0)
		return g->mute;
	if (bind(g->mute, (const struct sockaddr *)&sin, sizeof(sin)) < 0 || listen(g->mute, 64) < 0)
		return errmsg_set(err, -errno, "mute server");
	return 0;
}

static int ground_init(struct ground *g, struct errmsg *err)
{
	struct addr client = at(CLIENT), pod = at(POD);
	int r = drive_new(&g->drive, err);

	if (r == 0)
		r = net_ns_new("client", &g->client, err);
	if (r == 0)
		r = net_ns_new("pod", &g->pod, err);
	if (r == 0)
		r = net_veth(g->client, "eth0", g->pod, "eth0", 3, err);
	if (r < 0)
		return r;
	net_address_add(g->client, "eth0", &client, 24);
	net_link_up(g->client, "eth0");
	net_address_add(g->pod, "eth0", &pod, 24);
	net_link_up(g->pod, "eth0");
	r = net_flush(g->client, err);
	if (r == 0)
		r = net_flush(g->pod, err);
	if (r == 0)
		r = mute_start(g, err);
	return r == 0 ? drive_http_serve(g->drive, g->pod, &pod, 80, "nginx-1", "worker1", &g->server, err) : r;
}

static void ground_fini(struct ground *g)
{
	drive_http_stop(g->server);
	if (g->mute >= 0)
		close(g->mute);
	net_ns_free(g->client);
	net_ns_free(g->pod);
	drive_free(g->drive);
}

static const struct load {
	const char *name;
	const char *dst;
	uint16_t port;
	uint32_t requests, parallel;
	int64_t within_ns;
	uint32_t ok, failed;
	int error;
} loads[] = {
	{"thirty, eight at once", POD, 80, 30, 8, SOON_NS, 30, 0, 0},
	{"one", POD, 80, 1, 1, SOON_NS, 1, 0, 0},
	{"fewer than slots", POD, 80, 3, 32, SOON_NS, 3, 0, 0},
	{"many", POD, 80, 1000, 64, SOON_NS, 1000, 0, 0},
	{"none", POD, 80, 0, 8, SOON_NS, 0, 0, 0},
	{"refused", POD, 81, 30, 8, SOON_NS, 0, 30, ECONNREFUSED},
	{"no route", "192.0.2.1", 80, 30, 8, SOON_NS, 0, 30, ENETUNREACH},
	/* Two are given up, three never began. */
	{"mute", POD, MUTE_PORT, 5, 2, 5 * NS_PER_MS, 0, 5, ETIMEDOUT},
	{"too late", POD, 80, 5, 2, 0, 0, 5, ETIMEDOUT},
};

static bool load_holds(struct ground *g, const struct load *l, struct errmsg *err)
{
	struct drive_http_load conf = {.clients = &g->client,
				       .client_count = 1,
				       .dst = at(l->dst),
				       .port = l->port,
				       .requests = l->requests,
				       .parallel = l->parallel,
				       .deadline = instant_add(drive_now(g->drive), l->within_ns)};
	struct drive_http_result r;
	char text[160];

	if (fails(drive_http_get(g->drive, &conf, &r, err) < 0, l->name))
		return false;
	snprintf(text, sizeof(text), "%s: %u answered, %u ok, %u failed, first %s", l->name, r.answered, r.ok, r.failed,
		 strerror(r.first_error));
	return !fails(r.answered != l->ok || r.ok != l->ok || r.failed != l->failed || r.first_error != l->error, text);
}

/* The answer says who gave it and whom it saw. */
static bool answer_holds(struct ground *g, struct errmsg *err)
{
	struct drive_http_load conf = {.clients = &g->client,
				       .client_count = 1,
				       .dst = at(POD),
				       .port = 80,
				       .requests = 1,
				       .parallel = 1,
				       .deadline = instant_add(drive_now(g->drive), SOON_NS)};
	struct drive_http_result r;
	char pod[32] = "", node[32] = "", peer[64] = "";
	unsigned int port = 0;

	if (fails(drive_http_get(g->drive, &conf, &r, err) < 0, "get"))
		return false;
	return !fails(sscanf(r.sample, "pod: %31s\nnode: %31s\npeer: %63s\nport: %u\n", pod, node, peer, &port) != 4,
		      r.sample) &&
	       !fails(strcmp(pod, "nginx-1") != 0 || strcmp(node, "worker1") != 0 || strcmp(peer, CLIENT) != 0 ||
			      port < 1024 || port > 65535,
		      r.sample);
}

/* Clients take turns: with the pod's own namespace as the second, every other request comes from the pod itself. */
static bool turns_hold(struct ground *g, struct errmsg *err)
{
	struct net_ns *const clients[] = {g->pod, g->client};
	struct drive_http_load conf = {.clients = clients,
				       .client_count = 2,
				       .dst = at(POD),
				       .port = 80,
				       .requests = 4,
				       .parallel = 1,
				       .deadline = instant_add(drive_now(g->drive), SOON_NS)};
	struct drive_http_result r;

	return !fails(drive_http_get(g->drive, &conf, &r, err) < 0 || r.ok != 4, "turns") &&
	       !fails(strstr(r.sample, "peer: " POD "\n") == NULL, r.sample);
}

static bool second_is_refused(struct ground *g, struct errmsg *err)
{
	struct drive_http_server *second = NULL;
	struct addr pod = at(POD);

	return !fails(drive_http_serve(g->drive, g->pod, &pod, 80, "nginx-2", "worker1", &second, err) != -EADDRINUSE ||
			      second != NULL,
		      "two servers on one port") &&
	       !fails(strstr(err->text, "nginx-2") == NULL, err->text);
}

/* A server that was stopped is gone; an interrupted load says so and counts what it did not do as failed. */
static bool ends_hold(struct ground *g, struct errmsg *err)
{
	static const struct load gone = {"stopped", POD, 80, 10, 4, SOON_NS, 0, 10, ECONNREFUSED};
	struct drive_http_load conf = {.clients = &g->client,
				       .client_count = 1,
				       .dst = at(POD),
				       .port = MUTE_PORT,
				       .requests = 10,
				       .parallel = 4,
				       .deadline = instant_add(drive_now(g->drive), SOON_NS)};
	struct drive_http_result r = {0};

	drive_http_stop(g->server);
	g->server = NULL;
	if (!load_holds(g, &gone, err) || fails(raise(SIGTERM) != 0, "raise"))
		return false;
	return !fails(drive_http_get(g->drive, &conf, &r, err) != -EINTR, "not interrupted") &&
	       !fails(r.failed != 10 || r.answered != 0, "interrupted, but counted otherwise");
}

static int body(void *arg)
{
	struct ground g = {.mute = -1};
	struct errmsg err = {0};
	bool good = !fails(ground_init(&g, &err) < 0, err.text);

	(void)arg;
	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]) && good; i++)
		good = load_holds(&g, &loads[i], &err);
	good = good && answer_holds(&g, &err) && turns_hold(&g, &err) && second_is_refused(&g, &err) &&
	       ends_hold(&g, &err);
	if (!good)
		fprintf(stderr, "last error: %s\n", err.text);
	ground_fini(&g);
	return good ? 0 : 1;
}

static void pods_answer_clients(void **state)
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
		cmocka_unit_test(pods_answer_clients),
	};

	return cmocka_run_group_tests_name("drive: HTTP", tests, NULL, NULL);
}
