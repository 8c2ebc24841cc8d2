/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections that are opened, held while other things happen, and asked for an answer at last. */
#include "drive_int.h"
#include "traffic.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>

struct held_conn {
	struct drive_held *held;
	struct traffic_http http;
	struct event *event; /* NULL while nothing is waited for */
	struct drive_held_conn told;
};

struct drive_held {
	struct drive *drive;
	struct held_conn *conns;
	uint32_t n, started, waiting;
	struct errmsg err; /* of the last that could not start */
};

static enum drive_fate fate_of(int error)
{
	switch (error) {
	case ECONNRESET:
	case EPIPE:
		return DRIVE_FATE_RESET;
	case ETIMEDOUT:
		return DRIVE_FATE_TIMED_OUT;
	case ECONNREFUSED:
		return DRIVE_FATE_REFUSED;
	default:
		return DRIVE_FATE_BROKEN;
	}
}

static void conn_rest(struct held_conn *c)
{
	if (c->event == NULL)
		return;
	event_free(c->event);
	c->event = NULL;
	c->held->waiting--;
}

static void conn_wait(struct held_conn *c, short what, event_callback_fn fn)
{
	conn_rest(c);
	c->event = event_new(c->held->drive->base, c->http.fd, what, fn, c);
	if (c->event == NULL)
		memory_exhausted();
	c->held->waiting++;
	event_add(c->event, NULL);
}

static void conn_end(struct held_conn *c, enum drive_fate fate)
{
	conn_rest(c);
	c->told.fate = fate;
	traffic_http_close(&c->http);
}

static uint16_t local_port(int fd)
{
	struct sockaddr_storage ss = {0};
	socklen_t len = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &len) < 0)
		return 0;
	return ntohs(ss.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)(void *)&ss)->sin6_port
					      : ((struct sockaddr_in *)(void *)&ss)->sin_port);
}

/* The handshake is over, one way or the other. */
static void on_opened(evutil_socket_t fd, short what, void *ctx)
{
	struct held_conn *c = ctx;
	socklen_t len = sizeof(int);
	int error = 0;

	(void)what;
	c->told.src_port = local_port(fd);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error != 0)
		conn_end(c, fate_of(error));
	else
		conn_rest(c);
}

static void start_next(struct drive_held *h, const struct drive_http_load *conf)
{
	const struct addr any = {0};
	uint32_t i = h->started++;
	struct held_conn *c = &h->conns[i];
	int result;

	c->held = h;
	c->told.client = i % conf->client_count;
	result = traffic_http_open(conf->clients[c->told.client], &any, &conf->dst, conf->port, &c->http, &h->err);
	if (result < 0)
		c->told.fate = fate_of(-result);
	else
		conn_wait(c, EV_WRITE, on_opened);
}

/* False when it is time to stop. */
static bool turn(struct drive_held *h, struct instant deadline)
{
	return instant_before(drive_now(h->drive), deadline) && drive_wait(h->drive, deadline);
}

static void give_up(struct drive_held *h)
{
	for (uint32_t i = 0; i < h->n; i++) {
		struct held_conn *c = &h->conns[i];

		if (i >= h->started)
			c->told.fate = DRIVE_FATE_TIMED_OUT;
		else if (c->event != NULL)
			conn_end(c, DRIVE_FATE_TIMED_OUT);
	}
}

int drive_http_hold(struct drive *d, const struct drive_http_load *conf, struct drive_held **ret, struct errmsg *err)
{
	struct drive_held *h = memory_new(sizeof(*h));

	h->drive = d;
	h->n = conf->requests;
	h->conns = memory_new(((size_t)h->n + 1) * sizeof(*h->conns));
	do {
		while (h->started < h->n && h->waiting < conf->parallel)
			start_next(h, conf);
	} while (h->waiting > 0 && turn(h, conf->deadline));
	give_up(h);
	if (drive_interrupted(d)) {
		drive_held_free(h);
		return errmsg_say(err, -EINTR, "interrupted");
	}
	*ret = h;
	return 0;
}

/* ---- Release ---- */

static void conn_go_on(struct held_conn *c);

static void on_ready(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	conn_go_on(ctx);
}

static void conn_go_on(struct held_conn *c)
{
	traffic_http_ready(&c->http);
	switch (c->http.state) {
	case TRAFFIC_HTTP_CONNECTING:
	case TRAFFIC_HTTP_READING:
		conn_wait(c, c->http.wants_write ? EV_WRITE : EV_READ, on_ready);
		break;
	case TRAFFIC_HTTP_DONE:
		conn_end(c, c->http.status == 200 ? DRIVE_FATE_ANSWERED : DRIVE_FATE_BROKEN);
		break;
	case TRAFFIC_HTTP_FAILED:
		conn_end(c, fate_of(c->http.error));
		break;
	}
}

int drive_held_release(struct drive_held *h, uint32_t parallel, struct instant deadline, struct errmsg *err)
{
	uint32_t next = 0;

	do {
		for (; next < h->n && h->waiting < parallel; next++) {
			if (h->conns[next].told.fate == DRIVE_FATE_HELD)
				conn_go_on(&h->conns[next]);
		}
	} while (h->waiting > 0 && turn(h, deadline));
	give_up(h);
	for (; next < h->n; next++) {
		if (h->conns[next].told.fate == DRIVE_FATE_HELD)
			conn_end(&h->conns[next], DRIVE_FATE_TIMED_OUT);
	}
	return drive_interrupted(h->drive) ? errmsg_say(err, -EINTR, "interrupted") : 0;
}

uint32_t drive_held_count(const struct drive_held *h)
{
	return h->n;
}

struct drive_held_conn drive_held_at(const struct drive_held *h, uint32_t i)
{
	return h->conns[i].told;
}

void drive_held_free(struct drive_held *h)
{
	if (h == NULL)
		return;
	for (uint32_t i = 0; i < h->started; i++) {
		conn_rest(&h->conns[i]);
		traffic_http_close(&h->conns[i].http);
	}
	free(h->conns);
	free(h);
}
