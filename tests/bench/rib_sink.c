/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A peer that only listens: how fast the other end's routes come in. It dials (or waits to be dialled), and takes the time
 * from there until each prefix of the table (the speaker's seed and size) was told. With --through the other end is a router
 * that has yet to hear the routes itself: once the session stands it says "up", and the time counts from elsewhere. */
#include "rib_wire.h"

#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool all_heard(const struct tester *t, const void *ctx)
{
	const struct feed *feed = ctx;

	return t->heard.present == feed->count;
}

/* MetalLB's native speaker only dials. */
static int accept_one(const struct addr *address)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(WIRE_BGP_PORT)};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, fd;

	at.sin_addr.s_addr = htonl(addr_v4_value(address));
	(void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one,
			 sizeof(one)); /* an earlier run's connection lingers */
	if (listener < 0 || bind(listener, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(listener, 1) < 0)
		return -errno;
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	close(listener);
	return fd < 0 ? -errno : fd;
}

static bool listen_to(struct tester *t, const struct feed *feed, int64_t timeout_ns, bool accepts, bool through)
{
	struct instant began = tester_now(), ended;
	double cpu = cpu_s();
	int fd = accepts ? accept_one(&t->conf.listener) : 0;

	if (fd < 0) {
		errmsg_set(&t->err, fd, "accept");
		return false;
	}
	if (accepts) {
		began = tester_now();
		tester_adopt(t, fd);
	} else {
		tester_dial(t);
	}
	if (!tester_run(t, tester_all_up, NULL, instant_add(tester_now(), timeout_ns)))
		return false;
	if (through) {
		printf("up\n");
		fflush(stdout);
	}
	if (!tester_run(t, all_heard, feed, instant_add(began, timeout_ns))) {
		if (!t->failed)
			errmsg_say(&t->err, -1, "%zu of %zu prefixes came", t->heard.present, feed->count);
		return false;
	}
	ended = tester_now();
	printf("{\"wall_s\":%.6f,\"ended_ns\":%lld,\"sink_s\":%.6f,\"prefixes\":%zu,\"messages\":%llu,\"octets\":%llu,"
	       "\"told\":%zu}\n",
	       (double)instant_since(ended, began) / 1e9, (long long)ended.ns, cpu_s() - cpu, feed->count,
	       (unsigned long long)t->messages_in, (unsigned long long)t->octets_in, t->told);
	return true;
}

int main(int argc, char **argv)
{
	static const struct option words[] = {
		{"router", required_argument, NULL, 'r'},  {"address", required_argument, NULL, 'a'},
		{"seed", required_argument, NULL, 's'},	   {"prefixes", required_argument, NULL, 'n'},
		{"timeout", required_argument, NULL, 't'}, {"accept", no_argument, NULL, 'A'},
		{"through", no_argument, NULL, 'T'},	   {0},
	};
	struct tester_conf conf = {.listener_as = 64999, .listen = LISTEN_ALL};
	uint64_t seed = 1, prefixes = 0;
	int64_t timeout_ns = 60 * NS_PER_S;
	struct feed feed;
	struct tester t;
	bool good, accepts = false, through = false;
	int c, bad = 0;

	while ((c = getopt_long(argc, argv, "", words, NULL)) >= 0) {
		if (c == 'r')
			bad |= addr_parse(optarg, &conf.router);
		else if (c == 'a')
			bad |= addr_parse(optarg, &conf.listener);
		else if (c == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (c == 'n')
			prefixes = strtoull(optarg, NULL, 10);
		else if (c == 't')
			timeout_ns = strtoll(optarg, NULL, 10) * NS_PER_S;
		else if (c == 'A')
			accepts = true;
		else if (c == 'T')
			through = true;
		else
			bad = 1;
	}
	if (bad != 0 || prefixes < 1 || prefixes > 10000000 || conf.router.family != ADDR_V4) {
		fprintf(stderr, "rib_sink --router ADDRESS --address ADDRESS --prefixes N [--seed N] [--timeout "
				"SECONDS] [--accept | --through]\n");
		return 2;
	}
	feed_init(&feed, seed, prefixes, FEED_SETS_PER_MILLION);
	good = tester_init(&t, &conf, &feed, 1) == 0 && listen_to(&t, &feed, timeout_ns, accepts, through);
	if (!good)
		fprintf(stderr, "rib_sink: %s\n", t.err.text);
	tester_fini(&t);
	feed_fini(&feed);
	return good ? 0 : 1;
}
