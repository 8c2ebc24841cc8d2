/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Live links as their owner sees them. The collector's thread fills a queue a link; here they are decoded. */
#include "capture_int.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* Rings together, and one ring's bounds. */
#define RINGS_BYTES ((size_t)128 << 20)
#define RING_MIN ((size_t)64 << 10)
#define RING_MAX ((size_t)4 << 20)
/* Every open block has a timer that runs whether or not frames come: with many links it is to run less often. */
#define LINKS_A_MILLISECOND 32
#define FILE_BUFFERS_BYTES ((size_t)8 << 20)
#define FILE_BUFFER_MIN ((size_t)16 << 10)
#define FILE_BUFFER_MAX ((size_t)256 << 10)
/* A queue that a burst made larger gives its memory back. */
#define QUEUE_KEEP ((size_t)4 << 20)

#define SETTLE_WITHIN_NS (5 * NS_PER_S)
#define SETTLE_STEP_NS NS_PER_MS

static size_t share(size_t total, size_t n, size_t min, size_t max)
{
	size_t each = total / n;

	return each < min ? min : each > max ? max : each;
}

static struct live *live_new(struct capture *c)
{
	struct live *live = memory_new(sizeof(*live));
	pthread_condattr_t attr;

	live->epoll_fd = live->stop_fd = -1;
	pthread_mutex_init(&live->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&live->moved, &attr);
	pthread_condattr_destroy(&attr);
	c->live = live;
	return live;
}

static struct live_link *link_new(struct live *live, const struct capture_link *from, size_t total)
{
	struct live_link *link = arena_alloc(&live->arena, sizeof(*link));

	link->live = live;
	link->name = arena_strdup(&live->arena, from->name);
	link->interface = arena_strdup(&live->arena, from->interface);
	link->file = arena_strdup(&live->arena, from->file);
	link->ns_fd = from->ns_fd;
	link->ring_bytes = from->ring_bytes > 0 ? from->ring_bytes
			   : from->trunk	? RING_MAX
						: share(RINGS_BYTES, total, RING_MIN, RING_MAX);
	link->retire_ms = 1 + (unsigned int)(total / LINKS_A_MILLISECOND);
	link->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	errmsg_set(&link->err, -EAGAIN, "no thread to open it with");
	return link;
}

static void link_fini(struct live_link *link)
{
	savefile_close(&link->save);
	if (link->event_fd >= 0)
		close(link->event_fd);
	free(link->queue.bytes);
	free(link->taken.bytes);
	*link = (struct live_link){.event_fd = -1};
}

static int open_files(struct live_link **links, size_t n, size_t total, int dir_fd, struct errmsg *err)
{
	size_t buffer = share(FILE_BUFFERS_BYTES, total, FILE_BUFFER_MIN, FILE_BUFFER_MAX);

	for (size_t i = 0; i < n; i++) {
		struct live_link *link = links[i];

		if (link->err.code < 0) {
			*err = link->err;
			return errmsg_context(err, "link %s", link->name);
		}
		if (link->event_fd < 0)
			return errmsg_set(err, -EMFILE, "link %s", link->name);
		if (savefile_open(&link->save, dir_fd, link->file, DLT_EN10MB, buffer, err) < 0)
			return err->code;
	}
	return 0;
}

/* From here on the collector has the links. */
static int adopt(struct capture *c, struct live_link **links, size_t n, struct errmsg *err)
{
	struct live *live = c->live;
	int result = live->collecting ? 0 : collector_start(live, err);

	if (result < 0)
		return result;
	pthread_mutex_lock(&live->lock);
	for (size_t i = 0; i < n && result == 0; i++)
		result = collector_watch(live, links[i], err);
	for (size_t i = 0; i < n && result == 0; i++) {
		struct link *l = capture_link_at(c, (unsigned int)c->links.len);

		VEC_PUSH(&live->links, links[i]);
		l->live = links[i];
		l->linktype = DLT_EN10MB;
		memcpy(l->mac, links[i]->mac, sizeof(l->mac));
		l->has_mac = true;
	}
	pthread_mutex_unlock(&live->lock);
	return result;
}

int capture_open(struct capture *c, const struct capture_link *links, size_t n, int dir_fd, struct errmsg *err)
{
	struct live *live = c->live != NULL ? c->live : live_new(c);
	size_t total = c->links.len + n;
	struct live_link **opened;
	struct crew crew;
	int result;

	if (n == 0)
		return 0;
	if (total > CAPTURE_LINKS_MAX || live->closing)
		return errmsg_say(err, -EINVAL, "no more links can be captured");
	opened = memory_new(n * sizeof(struct live_link *));
	for (size_t i = 0; i < n; i++)
		opened[i] = link_new(live, &links[i], total);
	crew_start(&crew, ring_open, opened, n);
	crew_join(&crew);
	result = open_files(opened, n, total, dir_fd, err);
	if (result == 0)
		result = adopt(c, opened, n, err);
	if (result < 0) {
		pthread_mutex_lock(&live->lock);
		for (size_t i = 0; i < n; i++)
			ring_retire(opened[i]);
		pthread_mutex_unlock(&live->lock);
		crew_start(&crew, ring_close, opened, n);
		crew_join(&crew);
		for (size_t i = 0; i < n; i++)
			link_fini(opened[i]);
	}
	free(opened);
	return result;
}

static struct live_link *live_link(const struct capture *c, unsigned int link)
{
	return link < c->links.len ? c->links.at[link].live : NULL;
}

int capture_fd(const struct capture *c, unsigned int link)
{
	const struct live_link *live = live_link(c, link);

	return live != NULL ? live->event_fd : -1;
}

/* Exchanges the full queue for the empty one. */
static int take_queue(struct live_link *link, struct errmsg *err)
{
	struct live *live = link->live;
	struct queue empty = link->taken;
	uint64_t count;
	int result;

	pthread_mutex_lock(&live->lock);
	if (link->ring != NULL)
		collector_take(link);
	if (link->told && read(link->event_fd, &count, sizeof(count)) == sizeof(count))
		link->told = false;
	link->taken = link->queue;
	link->queue = empty;
	live->queued -= link->taken.len;
	pthread_cond_broadcast(&live->moved);
	result = savefile_error(&link->save, err);
	pthread_mutex_unlock(&live->lock);
	return result;
}

int capture_drain(struct capture *c, unsigned int link, struct errmsg *err)
{
	struct live_link *live = live_link(c, link);
	int frames = 0, result;
	size_t at = 0;

	if (live == NULL)
		return errmsg_say(err, -ENOENT, "no link %u to drain", link);
	result = take_queue(live, err);
	while (at < live->taken.len) {
		struct queued record;

		memcpy(&record, live->taken.bytes + at, sizeof(record));
		capture_frame(c, link, record.time, live->taken.bytes + at + sizeof(record), record.len);
		at += sizeof(record) + queued_room(record.len);
		frames++;
	}
	live->taken.len = 0;
	if (live->taken.cap > QUEUE_KEEP) {
		free(live->taken.bytes);
		live->taken = (struct queue){0};
	}
	return result < 0 ? result : frames;
}

static int64_t monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* What each link has to hand over: everything the kernel has counted by now. */
static int set_goals(struct live *live, struct errmsg *err)
{
	struct capture_stats counts;

	for (size_t i = 0; i < live->links.len; i++) {
		struct live_link *link = live->links.at[i];
		int result = link->ring != NULL ? ring_counts(link, &counts, err) : 0;

		if (result < 0)
			return result;
		link->goal = link->ring != NULL ? counts.frames : 0;
	}
	return 0;
}

/* A link that has not reached its goal, or NULL. */
static struct live_link *behind(struct live *live)
{
	struct live_link *late = NULL;

	for (size_t i = 0; i < live->links.len; i++) {
		struct live_link *link = live->links.at[i];

		if (link->frames < link->goal)
			collector_take(link);
		if (link->frames < link->goal)
			late = link;
	}
	return late;
}

/* The kernel hands a block over when its timer ends at the latest; the collector is woken then, and we by it. */
static int await_goals(struct live *live, struct errmsg *err)
{
	int64_t now = monotonic_ns(), deadline = now + SETTLE_WITHIN_NS;
	const struct live_link *late = behind(live);

	while (late != NULL && now < deadline) {
		int64_t until = now + SETTLE_STEP_NS;
		struct timespec t = {.tv_sec = until / NS_PER_S, .tv_nsec = until % NS_PER_S};

		pthread_cond_timedwait(&live->moved, &live->lock, &t);
		late = behind(live);
		now = monotonic_ns();
	}
	if (late == NULL)
		return 0;
	return errmsg_say(err, -ETIMEDOUT, "link %s: %" PRIu64 " frames stay in the kernel%s%s", late->name,
			  late->goal - late->frames, late->over ? ": " : "", late->over ? late->err.text : "");
}

int capture_settle(struct capture *c, struct errmsg *err)
{
	int result;

	if (c->live == NULL)
		return 0;
	pthread_mutex_lock(&c->live->lock);
	result = set_goals(c->live, err);
	if (result == 0)
		result = await_goals(c->live, err);
	pthread_mutex_unlock(&c->live->lock);
	for (unsigned int link = 0; link < c->links.len; link++) {
		struct errmsg why;
		int drained = live_link(c, link) != NULL ? capture_drain(c, link, &why) : 0;

		if (drained < 0 && result == 0) {
			*err = why;
			result = drained;
		}
	}
	return result;
}

int live_stats(struct live *live, struct live_link *link, struct capture_stats *ret, struct errmsg *err)
{
	struct capture_stats counts = link->last;
	int result = 0;

	pthread_mutex_lock(&live->lock);
	if (link->ring != NULL)
		result = ring_counts(link, &counts, err);
	ret->frames = link->frames;
	ret->bytes = link->bytes;
	ret->dropped = counts.dropped;
	pthread_mutex_unlock(&live->lock);
	return result;
}

size_t live_losses(struct live *live, const struct live_link *link, struct capture_loss ret[static CAPTURE_LOSSES_MAX])
{
	size_t n = link->lost_count;

	pthread_mutex_lock(&live->lock);
	if (link->ring != NULL)
		n = tpacket_losses(link->ring, ret);
	else if (n > 0)
		memcpy(ret, link->lost, n * sizeof(*ret));
	pthread_mutex_unlock(&live->lock);
	return n;
}

int capture_flush(struct capture *c, struct errmsg *err)
{
	int result = 0;

	for (size_t i = 0; c->live != NULL && i < c->live->links.len; i++) {
		struct errmsg why;
		int flushed;

		pthread_mutex_lock(&c->live->lock);
		flushed = savefile_flush(&c->live->links.at[i]->save, &why);
		pthread_mutex_unlock(&c->live->lock);
		if (flushed < 0 && result == 0) {
			*err = why;
			result = flushed;
		}
	}
	return result;
}

static void close_rings(struct live *live)
{
	for (size_t i = 0; i < live->links.len; i++) {
		struct live_link *link = live->links.at[i];
		struct capture_loss lost[CAPTURE_LOSSES_MAX];

		link->lost_count = tpacket_losses(link->ring, lost);
		link->lost = arena_array(&live->arena, link->lost_count, sizeof(*lost));
		memcpy(link->lost, lost, link->lost_count * sizeof(*lost));
		ring_retire(link);
	}
	crew_start(&live->closers, ring_close, live->links.at, live->links.len);
	live->closing = true;
}

int capture_stop(struct capture *c, struct errmsg *err)
{
	struct live *live = c->live;
	struct errmsg why;
	int result;

	if (live == NULL || live->closing)
		return 0;
	collector_stop(live);
	for (size_t i = 0; i < live->links.len; i++) {
		struct live_link *link = live->links.at[i];

		collector_take(link);
		(void)ring_counts(link, &link->last, &why);
	}
	result = capture_flush(c, err);
	for (size_t i = 0; i < live->links.len; i++)
		savefile_close(&live->links.at[i]->save);
	close_rings(live);
	return result;
}

void live_free(struct live *live)
{
	if (live == NULL)
		return;
	collector_stop(live);
	if (!live->closing)
		close_rings(live);
	crew_join(&live->closers);
	for (size_t i = 0; i < live->links.len; i++) {
		ring_close(live->links.at[i]);
		link_fini(live->links.at[i]);
	}
	VEC_FREE(&live->links);
	pthread_cond_destroy(&live->moved);
	pthread_mutex_destroy(&live->lock);
	arena_clear(&live->arena);
	free(live);
}
