/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One GET over one connection, without waiting (RFC 9112). */
#include "traffic_int.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define ANSWER_MAX (1U << 20) /* a server that never ends ends here */
#define READS_AT_ONCE 16      /* then others get their turn */

static socklen_t sockaddr_of(struct sockaddr_storage *ret, const struct addr *a, uint16_t port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (a->family == ADDR_V4) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		memcpy(&v4->sin_addr, a->b, 4);
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	memcpy(&v6->sin6_addr, a->b, 16);
	return sizeof(*v6);
}

static int bind_source(int fd, const struct addr *src)
{
	struct sockaddr_storage at;
	socklen_t len = sockaddr_of(&at, src, 0);
	int on = 1;

	/* the port is chosen at connect, so that many connections may share it */
	if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) < 0)
		return -errno;
	return bind(fd, (const struct sockaddr *)&at, len) < 0 ? -errno : 0;
}

static int begin_connect(int fd, const struct addr *dst, uint16_t port)
{
	struct sockaddr_storage to;
	socklen_t len = sockaddr_of(&to, dst, port);

	if (connect(fd, (const struct sockaddr *)&to, len) < 0 && errno != EINPROGRESS)
		return -errno;
	return 0;
}

int traffic_http_open(struct net_ns *client, const struct addr *src, const struct addr *dst, uint16_t port,
		      struct traffic_http *ret, struct errmsg *err)
{
	int result = 0;
	int fd;

	*ret = (struct traffic_http){.fd = -1, .state = TRAFFIC_HTTP_FAILED, .dst = *dst, .dst_port = port};
	if (dst->family == ADDR_NONE)
		return errmsg_say(err, -EINVAL, "no address to connect to");
	fd = net_socket(client, dst->family == ADDR_V4 ? AF_INET : AF_INET6, SOCK_STREAM, 0, err);
	if (fd < 0)
		return fd;
	if (src->family != ADDR_NONE)
		result = bind_source(fd, src);
	if (result == 0)
		result = begin_connect(fd, dst, port);
	if (result < 0) {
		close(fd);
		return errmsg_set(err, result, "connecting to %s port %u", addr_text(dst).s, port);
	}
	ret->fd = fd;
	ret->state = TRAFFIC_HTTP_CONNECTING;
	ret->wants_write = true;
	return 0;
}

static void fail(struct traffic_http *h, int error)
{
	h->state = TRAFFIC_HTTP_FAILED;
	h->error = error;
	h->wants_write = false;
}

/* True once the connection stands. */
static bool connected(struct traffic_http *h)
{
	struct sockaddr_storage local = {0};
	socklen_t len = sizeof(local), error_len = sizeof(int);
	int error = 0;

	if (h->src_port != 0)
		return true;
	if (getsockopt(h->fd, SOL_SOCKET, SO_ERROR, &error, &error_len) < 0)
		error = errno;
	if (error == 0 && getsockname(h->fd, (struct sockaddr *)&local, &len) < 0)
		error = errno;
	if (error != 0) {
		fail(h, error);
		return false;
	}
	h->src_port = ntohs(local.ss_family == AF_INET ? ((const struct sockaddr_in *)&local)->sin_port
						       : ((const struct sockaddr_in6 *)&local)->sin6_port);
	return true;
}

static void send_request(struct traffic_http *h)
{
	bool v6 = h->dst.family == ADDR_V6;
	char request[256];
	size_t len = (size_t)snprintf(request, sizeof(request),
				      "GET / HTTP/1.1\r\nHost: %s%s%s:%u\r\nUser-Agent: ecmplab\r\n"
				      "Accept: */*\r\nConnection: close\r\n\r\n",
				      v6 ? "[" : "", addr_text(&h->dst).s, v6 ? "]" : "", h->dst_port);

	while (h->sent < len) {
		ssize_t n = send(h->fd, request + h->sent, len - h->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0) {
			h->sent += (size_t)n;
		} else if (errno != EINTR) {
			if (errno != EWOULDBLOCK)
				fail(h, errno);
			return;
		}
	}
	h->state = TRAFFIC_HTTP_READING;
	h->wants_write = false;
}

/* Three digits behind "HTTP/1.x ": 0 while the line is not there, -1 for another. */
static int parse_status(const char *text, size_t len)
{
	static const char start[] = "HTTP/1.";
	size_t known = len < sizeof(start) - 1 ? len : sizeof(start) - 1;
	const char *digits = text + sizeof(start) + 1;

	if (memcmp(text, start, known) != 0)
		return -1;
	if (len < sizeof(start) + 5)
		return 0;
	if (!isdigit((unsigned char)digits[-2]) || digits[-1] != ' ' || !isdigit((unsigned char)digits[0]) ||
	    !isdigit((unsigned char)digits[1]) || !isdigit((unsigned char)digits[2]) ||
	    isdigit((unsigned char)digits[3]) || digits[0] == '0')
		return -1;
	return (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0');
}

/* The value of Content-Length among the header lines; false when there is none that could be believed. */
static bool content_length(const char *text, const char *end, size_t *ret)
{
	static const char name[] = "\r\nContent-Length:";
	size_t value = 0;
	const char *p = text;

	while (p + sizeof(name) - 1 < end && strncasecmp(p, name, sizeof(name) - 1) != 0)
		p++;
	if (p + sizeof(name) - 1 >= end)
		return false;
	for (p += sizeof(name) - 1; p < end && (*p == ' ' || *p == '\t'); p++)
		;
	if (p >= end || !isdigit((unsigned char)*p))
		return false;
	for (; p < end && isdigit((unsigned char)*p) && value <= ANSWER_MAX; p++)
		value = value * 10 + (size_t)(*p - '0');
	*ret = value;
	return true;
}

static void done(struct traffic_http *h, int status)
{
	h->state = TRAFFIC_HTTP_DONE;
	h->status = status;
}

void traffic_http_judge(struct traffic_http *h, bool ended)
{
	int status = parse_status(h->body, h->len);
	const char *blank = memmem(h->body, h->len, "\r\n\r\n", 4);
	size_t length = 0;
	bool sized, whole;

	if (status < 0) {
		fail(h, EPROTO);
		return;
	}
	sized = blank != NULL && content_length(h->body, blank + 2, &length);
	whole = sized && h->received - (size_t)(blank + 4 - h->body) >= length;
	if (ended &&
	    !sized) /* then the end of the stream ends the body, if the headers were over (or too long for us) */
		whole = blank != NULL || h->received > h->len;
	if (status > 0 && (whole || h->received >= ANSWER_MAX))
		done(h, status);
	else if (ended) /* without a word, or cut in its headers or its body */
		fail(h, h->received == 0 ? ECONNRESET : EPROTO);
}

static void take(struct traffic_http *h, const char *bytes, size_t n)
{
	size_t room = sizeof(h->body) - 1 - h->len;
	size_t kept = n < room ? n : room;

	memcpy(h->body + h->len, bytes, kept);
	h->len += kept;
	h->body[h->len] = '\0';
	h->received += n;
}

static void read_answer(struct traffic_http *h)
{
	for (int i = 0; i < READS_AT_ONCE && h->state == TRAFFIC_HTTP_READING; i++) {
		char bytes[4096];
		ssize_t n = recv(h->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			if (errno != EWOULDBLOCK)
				fail(h, errno);
			return;
		}
		take(h, bytes, (size_t)n);
		traffic_http_judge(h, n == 0);
	}
}

void traffic_http_ready(struct traffic_http *h)
{
	if (h->state == TRAFFIC_HTTP_CONNECTING && connected(h))
		send_request(h);
	if (h->state == TRAFFIC_HTTP_READING)
		read_answer(h);
}

void traffic_http_close(struct traffic_http *h)
{
	if (h->fd >= 0)
		close(h->fd);
	h->fd = -1;
}
