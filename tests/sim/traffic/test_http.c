/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The HTTP client against servers that the test plays itself, octet by octet. */
#include "support.h"
#include "traffic_int.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What a server answers, and what has to come of it. */
static const struct answer_row {
	const char *name;
	const char *text;
	bool ended;
	enum traffic_http_state state;
	int status, error;
} answer_rows[] = {
	{"nothing yet", "", false, TRAFFIC_HTTP_READING, 0, 0},
	{"hung up without a word", "", true, TRAFFIC_HTTP_FAILED, 0, ECONNRESET},
	{"half a status line", "HTTP/1.1 20", false, TRAFFIC_HTTP_READING, 0, 0},
	{"half a status line, ended", "HTTP/1.1 20", true, TRAFFIC_HTTP_FAILED, 0, EPROTO},
	{"headers only", "HTTP/1.1 200 OK\r\n", false, TRAFFIC_HTTP_READING, 0, 0},
	{"ended in the headers", "HTTP/1.1 200 OK\r\nServer: x\r\n", true, TRAFFIC_HTTP_FAILED, 0, EPROTO},
	{"body until the end", "HTTP/1.1 200 OK\r\n\r\nhello", true, TRAFFIC_HTTP_DONE, 200, 0},
	{"no body", "HTTP/1.0 204 No Content\r\n\r\n", true, TRAFFIC_HTTP_DONE, 204, 0},
	{"no reason", "HTTP/1.1 503\r\n\r\n", true, TRAFFIC_HTTP_DONE, 503, 0},
	{"whole by its length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false, TRAFFIC_HTTP_DONE, 200, 0},
	{"length in another case", "HTTP/1.1 404 No\r\nCONTENT-length:\t 0\r\n\r\n", false, TRAFFIC_HTTP_DONE, 404, 0},
	{"shorter than its length", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", true, TRAFFIC_HTTP_FAILED, 0,
	 EPROTO},
	{"length in the body is none", "HTTP/1.1 200 OK\r\n\r\nx\r\nContent-Length: 9\r\n", true, TRAFFIC_HTTP_DONE,
	 200, 0},
	{"no HTTP", "SSH-2.0-OpenSSH_9\r\n", false, TRAFFIC_HTTP_FAILED, 0, EPROTO},
	{"no HTTP, at its first octet", "S", false, TRAFFIC_HTTP_FAILED, 0, EPROTO},
	{"letters for a status", "HTTP/1.1 2x0 OK\r\n\r\n", true, TRAFFIC_HTTP_FAILED, 0, EPROTO},
	{"status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", true, TRAFFIC_HTTP_FAILED, 0, EPROTO},
	{"status 000", "HTTP/1.1 000 OK\r\n\r\n", true, TRAFFIC_HTTP_FAILED, 0, EPROTO},
	{"status 099", "HTTP/1.1 099 OK\r\n\r\n", true, TRAFFIC_HTTP_FAILED, 0, EPROTO},
	{"HTTP/2", "HTTP/2.0 200 OK\r\n\r\n", true, TRAFFIC_HTTP_FAILED, 0, EPROTO},
};

static void answers_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(answer_rows) / sizeof(answer_rows[0]); i++) {
		const struct answer_row *row = &answer_rows[i];
		struct traffic_http h = {.fd = -1, .state = TRAFFIC_HTTP_READING};

		h.len = h.received = strlen(row->text);
		memcpy(h.body, row->text, h.len + 1);
		traffic_http_judge(&h, row->ended);
		if (h.state != row->state || h.status != row->status || h.error != row->error)
			fail_msg("%s: state %d, status %d, error %d", row->name, (int)h.state, h.status, h.error);
	}
}

/* A connection over loopback: the client under test, and the server's end of it. */
struct pair {
	struct traffic_http h;
	int server;
};

static struct pair connect_pair(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pair p = {.h = {.state = TRAFFIC_HTTP_CONNECTING, .wants_write = true}};

	assert_int_equal(bind(listener, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(addr_parse("127.0.0.1", &p.h.dst), 0);
	p.h.dst_port = ntohs(at.sin_port);
	p.h.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (connect(p.h.fd, (const struct sockaddr *)&at, sizeof(at)) < 0)
		assert_int_equal(errno, EINPROGRESS);
	p.server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(p.server >= 0);
	close(listener);
	return p;
}

/* Waits until the client's descriptor is ready for what it wants, and lets it go on. */
static void step(struct traffic_http *h)
{
	struct pollfd p = {.fd = h->fd, .events = h->wants_write ? POLLOUT : POLLIN};

	assert_int_equal(poll(&p, 1, 5000), 1);
	traffic_http_ready(h);
}

static void answer(struct pair *p, const char *text, size_t n)
{
	assert_int_equal(send(p->server, text, n, MSG_NOSIGNAL), n);
	step(&p->h);
}

static void a_request_is_answered_octet_by_octet(void **state)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nworker1 pod1 172.16.0.10";
	struct pair p = connect_pair();
	char request[512] = "", want[512];

	(void)state;
	step(&p.h);
	assert_int_equal(p.h.state, TRAFFIC_HTTP_READING);
	assert_false(p.h.wants_write);
	assert_int_not_equal(p.h.src_port, 0);
	assert_true(recv(p.server, request, sizeof(request) - 1, 0) > 0);
	snprintf(want, sizeof(want),
		 "GET / HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: ecmplab\r\nAccept: */*\r\n"
		 "Connection: close\r\n\r\n",
		 p.h.dst_port);
	assert_string_equal(request, want);
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		answer(&p, text + i, 1);
		assert_int_equal(p.h.state, TRAFFIC_HTTP_READING);
	}
	close(p.server);
	step(&p.h);
	assert_int_equal(p.h.state, TRAFFIC_HTTP_DONE);
	assert_int_equal(p.h.status, 200);
	assert_string_equal(p.h.body, text);
	traffic_http_close(&p.h);
	assert_int_equal(p.h.fd, -1);
	traffic_http_close(&p.h);
}

static void a_long_answer_is_cut_and_counted(void **state)
{
	static const char head[] = "HTTP/1.1 200 OK\r\n\r\n";
	struct pair p = connect_pair();
	char chunk[8192];

	(void)state;
	memset(chunk, 'x', sizeof(chunk));
	step(&p.h);
	answer(&p, head, sizeof(head) - 1);
	for (size_t i = 0; i < 8; i++)
		answer(&p, chunk, sizeof(chunk));
	while (p.h.received < sizeof(head) - 1 + 8 * sizeof(chunk))
		step(&p.h);
	shutdown(p.server, SHUT_WR); /* closing with the request unread would reset */
	step(&p.h);
	assert_int_equal(p.h.state, TRAFFIC_HTTP_DONE);
	assert_int_equal(p.h.received, sizeof(head) - 1 + 8 * sizeof(chunk));
	assert_int_equal(p.h.len, sizeof(p.h.body) - 1);
	assert_int_equal(strlen(p.h.body), p.h.len);
	traffic_http_close(&p.h);
	close(p.server);
}

/* A server that never ends is left after a mebibyte. */
static void an_endless_answer_ends(void **state)
{
	static const char head[] = "HTTP/1.1 200 OK\r\n\r\n";
	struct pair p = connect_pair();
	char chunk[65536];
	size_t rounds = 0;

	(void)state;
	memset(chunk, 'x', sizeof(chunk));
	step(&p.h);
	answer(&p, head, sizeof(head) - 1);
	while (p.h.state == TRAFFIC_HTTP_READING) {
		ssize_t n = send(p.server, chunk, sizeof(chunk), MSG_NOSIGNAL | MSG_DONTWAIT);

		assert_true(n > 0 || errno == EWOULDBLOCK);
		step(&p.h);
		assert_true(rounds++ < 1000);
	}
	assert_int_equal(p.h.state, TRAFFIC_HTTP_DONE);
	assert_true(p.h.received < 2U << 20);
	close(p.server);
	traffic_http_close(&p.h);
}

static void a_reset_is_a_failure(void **state)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};
	struct pair p = connect_pair();

	(void)state;
	step(&p.h);
	assert_int_equal(setsockopt(p.server, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	close(p.server);
	step(&p.h);
	assert_int_equal(p.h.state, TRAFFIC_HTTP_FAILED);
	assert_int_equal(p.h.error, ECONNRESET);
	traffic_http_ready(&p.h); /* and stays one */
	assert_int_equal(p.h.state, TRAFFIC_HTTP_FAILED);
	traffic_http_close(&p.h);
}

static void a_refusal_is_a_failure(void **state)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int closed = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* bound, so its port is ours; never listening */
	struct traffic_http h = {.state = TRAFFIC_HTTP_CONNECTING, .wants_write = true};

	(void)state;
	assert_int_equal(bind(closed, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(closed, (struct sockaddr *)&at, &len), 0);
	h.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(h.fd, (const struct sockaddr *)&at, sizeof(at)), -1);
	if (errno == EINPROGRESS) {
		step(&h);
		assert_int_equal(h.state, TRAFFIC_HTTP_FAILED);
		assert_int_equal(h.error, ECONNREFUSED);
	}
	traffic_http_close(&h);
	close(closed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_judged),
		cmocka_unit_test(a_request_is_answered_octet_by_octet),
		cmocka_unit_test(a_long_answer_is_cut_and_counted),
		cmocka_unit_test(an_endless_answer_ends),
		cmocka_unit_test(a_reset_is_a_failure),
		cmocka_unit_test(a_refusal_is_a_failure),
	};

	return cmocka_run_group_tests_name("traffic: HTTP", tests, NULL, NULL);
}
