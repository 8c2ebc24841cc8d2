/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One link's ring in the kernel. Opening a ring waits for one RCU grace period and closing it for two, some ten milliseconds
 * each; threads that wait at the same time share them.
 *
 * Frames come in blocks (TPACKET_V3): slots of fixed size, which immediate mode takes, are full after a few hundred small
 * frames. A block is handed over when it is full or a millisecond after its first frame, so a ring is good for as many
 * milliseconds as it has blocks before the collector must have come by. */
#include "capture_int.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

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

static int code_of(int status)
{
	switch (status) {
	case PCAP_ERROR_PERM_DENIED:
		return -EPERM;
	case PCAP_ERROR_NO_SUCH_DEVICE:
		return -ENODEV;
	case PCAP_ERROR_IFACE_NOT_UP:
		return -ENETDOWN;
	default:
		return -EIO;
	}
}

static int refuse(struct live_link *link, int status)
{
	const char *why = pcap_geterr(link->pcap);

	return errmsg_say(&link->err, code_of(status), "can't capture on %s: %s", link->interface,
			  why[0] != '\0' ? why : pcap_statustostr(status));
}

/* Not promiscuous: a tap sees what the interface sees, and the lab's interfaces keep filtering as they would untapped. */
static int configure(struct live_link *link)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	struct ifreq request = {0};
	int status;

	pcap_set_snaplen(link->pcap, CAPTURE_SNAPLEN);
	pcap_set_timeout(link->pcap, link->retire_ms);
	pcap_set_buffer_size(link->pcap, link->ring_bytes);
	status = pcap_set_tstamp_precision(link->pcap, PCAP_TSTAMP_PRECISION_NANO);
	if (status == 0)
		status = pcap_activate(link->pcap);
	if (status < 0)
		return refuse(link, status);
	if (pcap_setnonblock(link->pcap, 1, why) < 0)
		return errmsg_say(&link->err, -EIO, "can't capture on %s: %s", link->interface, why);
	memcpy(request.ifr_name, link->interface, strlen(link->interface)); /* as long as pcap_activate took it */
	if (ioctl(pcap_fileno(link->pcap), SIOCGIFHWADDR, &request) == 0)
		memcpy(link->mac, request.ifr_hwaddr.sa_data, sizeof(link->mac));
	(void)fcntl(pcap_fileno(link->pcap), F_SETFD, FD_CLOEXEC); /* an heir of the socket would keep the ring */
	return 0;
}

/* Leaves its thread in the link's namespace, so only threads of a crew may call it. */
void ring_open(struct live_link *link)
{
	char why[PCAP_ERRBUF_SIZE] = "";

	link->err.code = 0;
	if (setns(link->ns_fd, CLONE_NEWNET) < 0) {
		errmsg_set(&link->err, -errno, "can't enter the network namespace");
		return;
	}
	link->pcap = pcap_create(link->interface, why);
	if (link->pcap == NULL) {
		errmsg_say(&link->err, -EIO, "can't capture on %s: %s", link->interface, why);
		return;
	}
	if (configure(link) < 0) {
		ring_retire(link);
		ring_close(link);
	}
}

void ring_retire(struct live_link *link)
{
	link->retired = link->pcap;
	link->pcap = NULL;
}

void ring_close(struct live_link *link)
{
	if (link->retired != NULL)
		pcap_close(link->retired);
	link->retired = NULL;
}

int ring_counts(struct live_link *link, struct capture_stats *ret, struct errmsg *err)
{
	struct pcap_stat stat;

	if (pcap_stats(link->pcap, &stat) < 0)
		return errmsg_say(err, -EIO, "%s: the kernel doesn't say what it dropped: %s", link->name,
				  pcap_geterr(link->pcap));
	/* Linux counts what it dropped among what it received. */
	*ret = (struct capture_stats){.frames = stat.ps_recv - stat.ps_drop,
				      .dropped = (uint64_t)stat.ps_drop + stat.ps_ifdrop};
	return 0;
}
