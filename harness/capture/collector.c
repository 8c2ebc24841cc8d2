/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The thread that empties the rings into files and queues, so that a busy caller loses nothing. */
#include "capture_int.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Beyond this the rings fill, and the kernel counts what it drops. */
#define QUEUED_MAX ((size_t)512 << 20)

static void on_frame(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes)
{
	struct live_link *link = (struct live_link *)(void *)user;
	struct queue *q = &link->queue;
	struct queued record = {.time = capture_stamp(header), .len = header->caplen};
	size_t size = sizeof(record) + queued_room(record.len);

	savefile_write(&link->save, header, bytes);
	if (q->cap - q->len < size) {
		size_t cap = q->cap == 0 ? (size_t)64 << 10 : q->cap;

		while (cap - q->len < size)
			cap *= 2;
		q->bytes = memory_grow(q->bytes, cap, 1);
		q->cap = cap;
	}
	memcpy(q->bytes + q->len, &record, sizeof(record));
	memcpy(q->bytes + q->len + sizeof(record), bytes, record.len);
	q->len += size;
	link->live->queued += size;
	link->frames++;
	link->bytes += header->caplen;
}

/* The interface is gone, as when its namespace ends. Its ring stays readable. */
static void end(struct live_link *link)
{
	if (link->over)
		return;
	link->over = true;
	errmsg_say(&link->err, -EIO, "%s: the interface is gone", link->name);
	(void)epoll_ctl(link->live->epoll_fd, EPOLL_CTL_DEL, tpacket_fd(link->ring), NULL);
}

void collector_take(struct live_link *link)
{
	int n;

	do
		n = tpacket_read(link->ring, on_frame, link);
	while (n > 0 && link->live->queued < QUEUED_MAX);
	if (n < 0)
		end(link);
}

static void take_and_tell(struct live *live, struct live_link *link)
{
	uint64_t one = 1;

	pthread_mutex_lock(&live->lock);
	while (live->queued >= QUEUED_MAX && !live->stopping)
		pthread_cond_wait(&live->moved, &live->lock);
	if (link->ring != NULL)
		collector_take(link);
	if (link->queue.len > 0 && !link->told)
		link->told = write(link->event_fd, &one, sizeof(one)) == sizeof(one);
	pthread_cond_broadcast(&live->moved);
	pthread_mutex_unlock(&live->lock);
}

static void *collect(void *arg)
{
	struct live *live = arg;
	struct epoll_event events[64];
	bool stop = false;

	while (!stop) {
		int n = epoll_wait(live->epoll_fd, events, 64, -1);

		if (n < 0 && errno != EINTR)
			break;
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == NULL)
				stop = true;
			else
				take_and_tell(live, events[i].data.ptr);
		}
	}
	return NULL;
}

static int watch(const struct live *live, int fd, struct live_link *link, struct errmsg *err)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = link};

	if (epoll_ctl(live->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return errmsg_set(err, -errno, "can't wait for frames");
	return 0;
}

int collector_watch(struct live *live, struct live_link *link, struct errmsg *err)
{
	return watch(live, tpacket_fd(link->ring), link, err);
}

int collector_start(struct live *live, struct errmsg *err)
{
	sigset_t all, before;
	int result;

	live->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	live->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (live->epoll_fd < 0 || live->stop_fd < 0)
		return errmsg_set(err, -errno, "can't wait for frames");
	result = watch(live, live->stop_fd, NULL, err);
	if (result < 0)
		return result;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the caller's */
	result = pthread_create(&live->collector, NULL, collect, live);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (result != 0)
		return errmsg_set(err, -result, "can't start the thread that collects frames");
	live->collecting = true;
	return 0;
}

void collector_stop(struct live *live)
{
	uint64_t one = 1;

	if (live->collecting) {
		pthread_mutex_lock(&live->lock);
		live->stopping = true;
		pthread_cond_broadcast(&live->moved);
		pthread_mutex_unlock(&live->lock);
		if (write(live->stop_fd, &one, sizeof(one)) == sizeof(one))
			pthread_join(live->collector, NULL);
	}
	live->collecting = false;
	if (live->epoll_fd >= 0)
		close(live->epoll_fd);
	if (live->stop_fd >= 0)
		close(live->stop_fd);
	live->epoll_fd = live->stop_fd = -1;
}
