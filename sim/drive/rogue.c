/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A misbehaving peer over TCP. Segments are sent one by one, as it asks for them. */
#include "drive_int.h"
#include "sockaddr.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/buffer.h>

#define READ_CHUNK 65536
/* A router that does not listen yet refuses; it is asked again. */
#define RETRY_NS (50 * NS_PER_MS)

struct drive_rogue {
	struct drive *drive;
	struct drive_rogue_conf conf;
	struct rogue *rogue;
	int fd; /* -1: none, or no more */
	bool connecting;
	struct event *read, *write, *timer;
	struct evbuffer *pending; /* what the kernel has not taken yet */
};

static void dial(struct drive_rogue *r);

static void timer_set(struct drive_rogue *r, struct instant due)
{
	struct timeval tv = drive_until(r->drive, due);

	event_del(r->timer);
	if (due.ns != INSTANT_NEVER.ns)
		event_add(r->timer, &tv);
}

static void socket_close(struct drive_rogue *r)
{
	if (r->read != NULL)
		event_free(r->read);
	if (r->write != NULL)
		event_free(r->write);
	r->read = r->write = NULL;
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
	r->connecting = false;
}

static void hang_up(struct drive_rogue *r)
{
	socket_close(r);
	evbuffer_drain(r->pending, evbuffer_get_length(r->pending));
	timer_set(r, rogue_closed(r->rogue) ? instant_add(drive_now(r->drive), RETRY_NS) : INSTANT_NEVER);
}

static void dial_later(struct drive_rogue *r)
{
	socket_close(r);
	timer_set(r, instant_add(drive_now(r->drive), RETRY_NS));
}

/* Writes what waits. False when the connection is gone. */
static bool push(struct drive_rogue *r)
{
	while (evbuffer_get_length(r->pending) > 0) {
		if (evbuffer_write(r->pending, r->fd) >= 0)
			continue;
		if (errno != EAGAIN && errno != EINTR)
			return false;
		event_add(r->write, NULL);
		return true;
	}
	return true;
}

static bool segment_send(struct drive_rogue *r, const uint8_t *bytes, size_t n)
{
	ssize_t sent = evbuffer_get_length(r->pending) == 0 ? send(r->fd, bytes, n, MSG_NOSIGNAL) : 0;

	if (sent < 0 && errno != EAGAIN && errno != EINTR)
		return false;
	if (sent < 0)
		sent = 0;
	if ((size_t)sent < n)
		evbuffer_add(r->pending, bytes + sent, n - (size_t)sent);
	return push(r);
}

static void reset(struct drive_rogue *r)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};

	(void)setsockopt(r->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	hang_up(r);
}

/* In repair mode the kernel lets go of a connection without a word, as a host that lost its power has; the next segment that
 * comes for it is answered by an RST. */
static void vanish(struct drive_rogue *r)
{
	int on = 1;

	(void)setsockopt(r->fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on));
	hang_up(r);
}

/* Does what the player wants done. */
static void act(struct drive_rogue *r)
{
	const uint8_t *bytes;
	size_t n;

	while (r->fd >= 0) {
		switch (rogue_next(r->rogue, &bytes, &n)) {
		case ROGUE_NOTHING:
			timer_set(r, rogue_deadline(r->rogue));
			return;
		case ROGUE_SEND:
			if (!segment_send(r, bytes, n))
				hang_up(r);
			break;
		case ROGUE_FIN:
			(void)shutdown(r->fd, SHUT_WR);
			break;
		case ROGUE_RST:
			reset(r);
			break;
		case ROGUE_VANISH:
			vanish(r);
			break;
		}
	}
}

static void on_connect(struct drive_rogue *r)
{
	int error = 0, one = 1;
	socklen_t len = sizeof(error);

	r->connecting = false;
	if (getsockopt(r->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error != 0) {
		dial_later(r);
		return;
	}
	(void)setsockopt(r->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	event_add(r->read, NULL);
	rogue_connected(r->rogue, drive_now(r->drive));
	act(r);
}

static void on_writable(evutil_socket_t fd, short what, void *ctx)
{
	struct drive_rogue *r = ctx;

	(void)fd;
	(void)what;
	if (r->connecting)
		on_connect(r);
	else if (!push(r))
		hang_up(r);
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct drive_rogue *r = ctx;
	uint8_t bytes[READ_CHUNK];
	ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		hang_up(r);
		return;
	}
	rogue_bytes(r->rogue, bytes, (size_t)n, drive_now(r->drive));
	act(r);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct drive_rogue *r = ctx;

	(void)fd;
	(void)what;
	if (r->fd < 0) {
		dial(r);
		return;
	}
	rogue_time(r->rogue, drive_now(r->drive));
	act(r);
}

static bool connect_begin(struct drive_rogue *r)
{
	struct sockaddr_storage ss;
	socklen_t len = sockaddr_make(&r->conf.conf.local, 0, &ss);

	if (bind(r->fd, (struct sockaddr *)&ss, len) < 0)
		return false;
	len = sockaddr_make(&r->conf.remote, WIRE_BGP_PORT, &ss);
	return connect(r->fd, (struct sockaddr *)&ss, len) == 0 || errno == EINPROGRESS;
}

static struct event *urgent(struct event *event)
{
	if (event == NULL || event_priority_set(event, DRIVE_URGENT) < 0)
		memory_exhausted();
	return event;
}

static void dial(struct drive_rogue *r)
{
	struct errmsg err;

	r->fd = net_socket(r->conf.ns, AF_INET, SOCK_STREAM, 0, &err);
	if (r->fd < 0 || !connect_begin(r)) {
		dial_later(r);
		return;
	}
	r->connecting = true;
	r->read = urgent(event_new(r->drive->base, r->fd, EV_READ | EV_PERSIST, on_readable, r));
	r->write = urgent(event_new(r->drive->base, r->fd, EV_WRITE, on_writable, r));
	event_add(r->write, NULL);
}

struct drive_rogue *drive_rogue_new(struct drive *d, const struct drive_rogue_conf *conf)
{
	struct drive_rogue *r = memory_new(sizeof(*r));

	r->drive = d;
	r->conf = *conf;
	r->fd = -1;
	r->rogue = rogue_new(&conf->conf, conf->what);
	r->timer = urgent(evtimer_new(d->base, on_timer, r));
	r->pending = evbuffer_new();
	if (r->pending == NULL)
		memory_exhausted();
	dial(r);
	return r;
}

bool drive_rogue_done(const struct drive_rogue *r)
{
	return rogue_done(r->rogue) && evbuffer_get_length(r->pending) == 0;
}

void drive_rogue_free(struct drive_rogue *r)
{
	if (r == NULL)
		return;
	socket_close(r);
	event_free(r->timer);
	evbuffer_free(r->pending);
	rogue_free(r->rogue);
	free(r);
}
