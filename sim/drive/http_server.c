/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drive_int.h"
#include "sockaddr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/http.h>

#define LISTEN_BACKLOG 4096
#define REQUEST_MAX 16384

struct drive_http_server {
	struct evhttp *http;
	char *pod;
	char *node;
};

static void answer(struct evhttp_request *request, void *ctx)
{
	struct drive_http_server *s = ctx;
	struct evbuffer *body = evbuffer_new();
	char *peer = NULL;
	uint16_t port = 0;

	if (body == NULL)
		memory_exhausted();
	evhttp_connection_get_peer(evhttp_request_get_connection(request), &peer, &port);
	evbuffer_add_printf(body, "pod: %s\nnode: %s\npeer: %s\nport: %u\n", s->pod, s->node, peer != NULL ? peer : "-",
			    port);
	evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", "text/plain");
	evhttp_add_header(evhttp_request_get_output_headers(request), "Server", "ecmplab");
	evhttp_send_reply(request, HTTP_OK, "OK", body);
	evbuffer_free(body);
}

int drive_http_serve(struct drive *d, struct net_ns *ns, const struct addr *address, uint16_t port, const char *pod,
		     const char *node, struct drive_http_server **ret, struct errmsg *err)
{
	struct sockaddr_storage ss;
	socklen_t len = sockaddr_make(address, port, &ss);
	int fd = net_socket(ns, ss.ss_family, SOCK_STREAM, 0, err);
	struct drive_http_server *s;
	int one = 1;

	if (fd < 0)
		return fd;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&ss, len) < 0 || listen(fd, LISTEN_BACKLOG) < 0) {
		int r = errmsg_set(err, -errno, "pod %s: listen on %s port %u", pod, addr_text(address).s, port);

		close(fd);
		return r;
	}
	s = memory_new(sizeof(*s));
	s->http = evhttp_new(d->base);
	s->pod = strdup(pod);
	s->node = strdup(node);
	if (s->http == NULL || s->pod == NULL || s->node == NULL || evhttp_accept_socket(s->http, fd) < 0)
		memory_exhausted();
	evhttp_set_max_headers_size(s->http, REQUEST_MAX);
	evhttp_set_max_body_size(s->http, REQUEST_MAX);
	evhttp_set_gencb(s->http, answer, s);
	*ret = s;
	return 0;
}

void drive_http_stop(struct drive_http_server *s)
{
	if (s == NULL)
		return;
	evhttp_free(s->http);
	free(s->pod);
	free(s->node);
	free(s);
}
