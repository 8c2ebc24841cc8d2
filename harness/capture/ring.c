/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One link's ring in the kernel. Opening a ring waits for one RCU grace period and closing it for two, some ten milliseconds
 * each; threads that wait at the same time share them. */
#include "capture_int.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#define CREW_MAX 256U
#define CREW_STACK ((size_t)256 << 10)

struct crew_share {
	void (*fn)(struct live_link *link);
	struct live_link **links;
	size_t count, first, step;
};

static void *work(void *arg)
{
	const struct crew_share *share = arg;

	for (size_t i = share->first; i < share->count; i += share->step)
		share->fn(share->links[i]);
	return NULL;
}

void crew_start(struct crew *crew, void (*fn)(struct live_link *link), struct live_link **links, size_t n)
{
	size_t threads = n < CREW_MAX ? n : CREW_MAX;
	sigset_t all, before;
	pthread_attr_t attr;

	*crew = (struct crew){.threads = memory_new((threads + 1) * sizeof(*crew->threads)),
			      .shares = memory_new((threads + 1) * sizeof(*crew->shares))};
	pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, CREW_STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the caller's */
	for (size_t i = 0; i < threads; i++) {
		crew->shares[i] = (struct crew_share){fn, links, n, i, threads};
		if (pthread_create(&crew->threads[crew->count], &attr, work, &crew->shares[i]) == 0)
			crew->count++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
}

void crew_join(struct crew *crew)
{
	for (size_t i = 0; i < crew->count; i++)
		pthread_join(crew->threads[i], NULL);
	free(crew->threads);
	free(crew->shares);
	*crew = (struct crew){0};
}

/* Leaves its thread in the link's namespace, so only threads of a crew may call it. */
void ring_open(struct live_link *link)
{
	const struct tpacket_conf conf = {
		.interface = link->interface, .ring_bytes = link->ring_bytes, .retire_ms = link->retire_ms};

	link->err.code = 0;
	if (setns(link->ns_fd, CLONE_NEWNET) < 0)
		errmsg_set(&link->err, -errno, "can't enter the network namespace");
	else if (tpacket_open(&conf, &link->ring, &link->err) == 0)
		(void)tpacket_mac(link->ring, link->mac);
}

void ring_retire(struct live_link *link)
{
	link->retired = link->ring;
	link->ring = NULL;
}

void ring_close(struct live_link *link)
{
	tpacket_close(link->retired);
	link->retired = NULL;
}

int ring_counts(struct live_link *link, struct capture_stats *ret, struct errmsg *err)
{
	int r = tpacket_counts(link->ring, ret);

	return r < 0 ? errmsg_set(err, r, "%s: the kernel doesn't say what it dropped", link->name) : 0;
}
