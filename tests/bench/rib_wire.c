/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rib_wire.h"
#include "arena.h"
#include "rib_fib.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HOLD_S 240
#define KEEP_NS (60 * NS_PER_S)
#define DIALS_MAX 4U /* some daemons have a backlog of five */
#define RETRY_NS (200 * NS_PER_MS)
#define SLICE (256U * 1024U)
#define IN_ROOM ((size_t)2 * WIRE_MESSAGE_MAX)
#define LISTENER_ROOM ((size_t)512 * 1024)
#define EVENTS 256

/* ---- What is heard ---- */

static uint64_t key_of(const struct prefix *p)
{
	return (uint64_t)addr_v4_value(&p->addr) << 8 | p->len | UINT64_C(1) << 63;
}

static size_t slot_of(const struct heard *h, uint64_t key)
{
	size_t i = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 20) & h->mask;

	while (h->keys[i] != 0 && h->keys[i] != key)
		i = (i + 1) & h->mask;
	return i;
}

void heard_init(struct heard *h, const struct feed *feed)
{
	size_t size = 1024;

	while (size < feed->count * 2)
		size *= 2;
	*h = (struct heard){.mask = size - 1};
	h->keys = memory_new(size * sizeof(*h->keys));
	h->state = memory_new(size);
	for (size_t i = 0; i < feed->count; i++) {
		uint64_t key = key_of(&feed->routes[i].prefix);

		h->keys[slot_of(h, key)] = key;
	}
}

void heard_fini(struct heard *h)
{
	free(h->keys);
	free(h->state);
}

void heard_set(struct heard *h, const struct prefix *prefix, bool present)
{
	uint64_t key = key_of(prefix);
	size_t i = slot_of(h, key);

	if (h->keys[i] != key) {
		h->strange++;
		return;
	}
	h->present += (size_t)present - h->state[i];
	h->state[i] = present;
}

/* ---- Clock, failure ---- */

struct instant tester_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (struct instant){t.tv_sec * NS_PER_S + t.tv_nsec};
}

static void fail(struct tester *t, int code, const struct addr *who, const char *what)
{
	if (!t->failed)
		errmsg_set(&t->err, code, "%s: %s", addr_text(who).s, what);
	t->failed = true;
}

/* A session that stood and ends is a failure; one that never stood tries again, until the caller has no more time. */
static void link_down(struct tester *t, struct link *l, int code, const char *what)
{
	errmsg_set(&t->err, code, "%s: %s", addr_text(&l->local).s, what);
	if (l->state == LINK_UP) {
		t->failed = true;
		return;
	}
	close(l->fd);
	l->fd = -1;
	l->state = LINK_IDLE;
	l->in_len = 0;
	l->not_before = instant_add(tester_now(), RETRY_NS);
	t->dialling--;
}

/* ---- Writing ---- */

static void watch(struct tester *t, struct link *l, bool writes)
{
	struct epoll_event e = {.events = EPOLLIN | (writes ? EPOLLOUT : 0U), .data.ptr = l};

	if (l->writes != writes && epoll_ctl(t->epoll, EPOLL_CTL_MOD, l->fd, &e) < 0)
		fail(t, -errno, &l->local, "epoll");
	l->writes = writes;
}

static bool link_send(struct tester *t, struct link *l, const uint8_t *bytes, size_t n)
{
	if (send(l->fd, bytes, n, MSG_NOSIGNAL) == (ssize_t)n)
		return true;
	fail(t, -errno, &l->local, "send");
	return false;
}

/* As much as the kernel takes, but not more than a slice: the others want to send too. */
static void link_push(struct tester *t, struct link *l)
{
	size_t n = l->limit - l->at;
	ssize_t sent = n > 0 ? send(l->fd, l->stream.at + l->at, n < SLICE ? n : SLICE, MSG_NOSIGNAL) : 0;

	if (sent < 0 && errno != EAGAIN && errno != EINTR) {
		fail(t, -errno, &l->local, "send");
		return;
	}
	if (sent > 0) {
		l->at += (size_t)sent;
		t->octets_out += (uint64_t)sent;
	}
	watch(t, l, l->at < l->limit);
}

void tester_push(struct tester *t)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->links[i].at < t->links[i].limit && !t->links[i].writes)
			link_push(t, &t->links[i]);
}

/* ---- Reading ---- */

static void marker_heard(struct tester *t, unsigned int sender, const struct wire_attrs *a)
{
	struct wire_in communities = a->communities;
	uint32_t seen = t->marker_ticks[sender], community, tick = 0;

	while (wire_more(&communities)) {
		community = wire_u32(&communities);
		if ((community & 0xffff0000U) == FEED_MARKER_COMMUNITY)
			tick = community & 0xffff;
	}
	t->markers += seen == 0;
	for (; seen <= tick && seen < t->ticks; seen++)
		if (++t->tick_heard[seen] == t->conf.peers)
			t->tick_at[seen] = tester_now();
	t->marker_ticks[sender] = seen > tick + 1 ? seen : tick + 1;
}

static void route_heard(struct tester *t, const struct wire_route *route, const struct wire_attrs *a)
{
	unsigned int sender = addr_v4_value(&route->prefix.addr) - addr_v4_value(&t->links[0].feed.marker.addr);

	if (route->prefix.len != 32 || sender >= t->conf.peers) {
		heard_set(&t->heard, &route->prefix, a != NULL);
	} else if (a != NULL) {
		marker_heard(t, sender, a);
	} else {
		t->markers -= t->marker_ticks[sender] > 0;
		t->marker_ticks[sender] = 0;
	}
}

static void update_heard(struct tester *t, struct wire_in message)
{
	static const struct wire_session session = {.as4 = true};
	struct wire_update u;
	struct wire_route route;

	if (wire_update_decode(message, &session, &u).treat != WIRE_OK) {
		fail(t, 0, &t->conf.listener, "an UPDATE can't be read");
		return;
	}
	while (wire_nlri_next(&u.withdrawn, &route))
		route_heard(t, &route, NULL);
	for (; wire_nlri_next(&u.nlri, &route); t->told++)
		route_heard(t, &route, &u.attrs);
}

static void message_open(struct tester *t, struct link *l)
{
	uint8_t bytes[32];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));

	wire_keepalive_encode(&out);
	l->state = LINK_OPEN_CONFIRM;
	(void)link_send(t, l, bytes, out.len);
}

static void message_handle(struct tester *t, struct link *l, struct wire_in message, uint8_t type)
{
	struct wire_notification n;

	t->messages_in++;
	if (type == WIRE_OPEN) {
		message_open(t, l);
	} else if (type == WIRE_NOTIFICATION) {
		if (wire_notification_decode(message, &n).treat == WIRE_OK)
			link_down(t, l, 0, wire_error_text(n.code, n.subcode));
	} else if (type == WIRE_KEEPALIVE && l->state == LINK_OPEN_CONFIRM) {
		l->state = LINK_UP;
		t->up++;
		t->dialling--;
	} else if (type == WIRE_UPDATE && l == &t->links[t->conf.peers]) {
		update_heard(t, message);
	} else if (type == WIRE_UPDATE && wire_left(&message) > 23) {
		l->echoed += wire_left(&message);
	}
}

static void link_read(struct tester *t, struct link *l)
{
	ssize_t n = recv(l->fd, l->in + l->in_len, l->in_room - l->in_len, 0);
	size_t done = 0, len;
	uint8_t type;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		link_down(t, l, n < 0 ? -errno : 0, "the connection ended");
		return;
	}
	t->octets_in += (uint64_t)n;
	l->in_len += (size_t)n;
	while (!t->failed && l->state != LINK_IDLE &&
	       wire_frame(l->in + done, l->in_len - done, false, &len, &type).treat == WIRE_OK && len > 0) {
		message_handle(t, l, wire_in_of(l->in + done, len), type);
		done += len;
	}
	if (l->state == LINK_IDLE)
		return;
	if (l->in_len - done >= WIRE_MESSAGE_MAX)
		fail(t, 0, &l->local, "no BGP");
	memmove(l->in, l->in + done, l->in_len - done);
	l->in_len -= done;
}

/* ---- Dialling ---- */

static socklen_t sockaddr_of(const struct addr *a, uint16_t port, struct sockaddr_in *ret)
{
	*ret = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
	ret->sin_addr.s_addr = htonl(addr_v4_value(a));
	return sizeof(*ret);
}

static void link_dial(struct tester *t, struct link *l)
{
	struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.ptr = l};
	struct sockaddr_in from, to;
	int one = 1;

	sockaddr_of(&l->local, 0, &from);
	sockaddr_of(&t->conf.router, WIRE_BGP_PORT, &to);
	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0 || bind(l->fd, (struct sockaddr *)&from, sizeof(from)) < 0 ||
	    (connect(l->fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS) ||
	    epoll_ctl(t->epoll, EPOLL_CTL_ADD, l->fd, &e) < 0) {
		fail(t, -errno, &l->local, "dial");
		return;
	}
	(void)setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	l->state = LINK_CONNECTING;
	l->writes = true;
	t->dialling++;
}

static void link_connected(struct tester *t, struct link *l)
{
	uint8_t bytes[128], caps_bytes[64];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes)), caps = wire_out_to(caps_bytes, sizeof(caps_bytes));
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error != 0) {
		link_down(t, l, -error, "dial");
		return;
	}
	wire_cap_mp(&caps, WIRE_AFI_IPV4, WIRE_SAFI_UNICAST);
	wire_cap_as4(&caps, l->feed.as);
	wire_open_encode(&out, l->feed.as, HOLD_S, addr_v4_value(&l->local), wire_in_of(caps.bytes, caps.len));
	l->state = LINK_OPEN_SENT;
	watch(t, l, false);
	(void)link_send(t, l, bytes, out.len);
}

void tester_dial(struct tester *t)
{
	for (size_t i = 0; i < t->count && t->dialling < DIALS_MAX && !t->failed; i++)
		if (t->links[i].state == LINK_IDLE && instant_before(t->links[i].not_before, tester_now()))
			link_dial(t, &t->links[i]);
}

void tester_adopt(struct tester *t, int fd)
{
	struct link *l = &t->links[0];
	struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.ptr = l};

	l->fd = fd;
	l->state = LINK_CONNECTING;
	l->writes = true;
	t->dialling++;
	if (epoll_ctl(t->epoll, EPOLL_CTL_ADD, fd, &e) < 0)
		fail(t, -errno, &l->local, "epoll");
}

bool tester_all_up(const struct tester *t, const void *ctx)
{
	(void)ctx;
	return t->up == t->count;
}

/* ---- The loop ---- */

/* Where a stream is in the middle of a message its UPDATEs do instead. */
static void keep_alive(struct tester *t)
{
	uint8_t bytes[32];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));

	t->kept = tester_now();
	wire_keepalive_encode(&out);
	for (size_t i = 0; i < t->count; i++)
		if (t->links[i].state == LINK_UP && t->links[i].at == t->links[i].limit)
			(void)link_send(t, &t->links[i], bytes, out.len);
}

static void on_installed(void *ctx, const struct prefix *prefix, unsigned int hops)
{
	struct tester *t = ctx;

	t->in_kernel++;
	heard_set(&t->installed, prefix, hops >= t->conf.fib_hops);
}

static void event_handle(struct tester *t, const struct epoll_event *e)
{
	struct link *l = e->data.ptr;

	if (l == NULL && fib_read(t->fib, on_installed, t) < 0)
		fail(t, -ENOBUFS, &t->conf.router, "the kernel said more about its routes than could be read");
	if (l == NULL || l->state == LINK_IDLE)
		return;
	if (l->state == LINK_CONNECTING) {
		link_connected(t, l);
		return;
	}
	if ((e->events & EPOLLIN) != 0 || (e->events & EPOLLOUT) == 0)
		link_read(t, l);
	if ((e->events & EPOLLOUT) != 0 && !t->failed && l->state != LINK_IDLE)
		link_push(t, l);
}

bool tester_run(struct tester *t, bool (*done)(const struct tester *, const void *), const void *ctx,
		struct instant until)
{
	struct epoll_event events[EVENTS];

	while (!t->failed && !done(t, ctx)) {
		int64_t left = instant_since(until, tester_now());
		int n;

		if (left <= 0)
			return false;
		if (t->up < t->count && left > RETRY_NS)
			left = RETRY_NS;
		n = epoll_wait(t->epoll, events, EVENTS, left < NS_PER_S ? (int)(left / NS_PER_MS) + 1 : 1000);
		for (int i = 0; i < n && !t->failed; i++)
			event_handle(t, &events[i]);
		if (t->up < t->count)
			tester_dial(t);
		if (instant_since(tester_now(), t->kept) > KEEP_NS)
			keep_alive(t);
	}
	return !t->failed;
}

static int fib_watch(struct tester *t)
{
	struct epoll_event e = {.events = EPOLLIN};

	t->fib = fib_open(t->conf.fib);
	if (t->fib < 0 || epoll_ctl(t->epoll, EPOLL_CTL_ADD, t->fib, &e) < 0)
		return errmsg_set(&t->err, t->fib < 0 ? t->fib : -errno, "hear of the router's kernel routes");
	return 0;
}

int tester_init(struct tester *t, const struct tester_conf *conf, const struct feed *feed, unsigned int ticks)
{
	*t = (struct tester){.conf = *conf, .count = conf->peers + 1U, .ticks = ticks, .kept = tester_now()};
	t->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (t->epoll < 0)
		return errmsg_set(&t->err, -errno, "epoll");
	t->links = memory_new(t->count * sizeof(*t->links));
	t->marker_ticks = memory_new(conf->peers * sizeof(*t->marker_ticks));
	t->tick_heard = memory_new(ticks * sizeof(*t->tick_heard));
	t->tick_at = memory_new(ticks * sizeof(*t->tick_at));
	for (size_t i = 0; i < t->count; i++) {
		bool listener = i == conf->peers;

		t->links[i] = (struct link){.fd = -1, .in_room = listener ? LISTENER_ROOM : IN_ROOM};
		t->links[i].in = memory_grow(NULL, t->links[i].in_room, 1);
		t->links[i].local = listener ? conf->listener : addr_add(&conf->first, i);
		t->links[i].feed.as = conf->listener_as;
	}
	heard_init(&t->heard, feed);
	if (conf->fib == 0)
		return 0;
	heard_init(&t->installed, feed);
	return fib_watch(t);
}

void tester_fini(struct tester *t)
{
	for (size_t i = 0; i < t->count; i++) {
		free(t->links[i].stream.at);
		free(t->links[i].in);
		if (t->links[i].fd >= 0)
			close(t->links[i].fd);
	}
	heard_fini(&t->heard);
	heard_fini(&t->installed);
	if (t->fib > 0)
		close(t->fib);
	free(t->links);
	free(t->marker_ticks);
	free(t->tick_heard);
	free(t->tick_at);
	close(t->epoll);
}
