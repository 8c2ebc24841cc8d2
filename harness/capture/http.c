/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The first line of either direction: is it HTTP/1 (RFC 9112), and which status does it tell. */
#include "capture_int.h"

#include <string.h>

#define LINE_MAX_BYTES 4096U
#define METHOD_MAX 20U

static const char version[] = "HTTP/1.";
#define VERSION_LEN (sizeof(version) - 1)

/* "HTTP/1.1 200 OK" (RFC 9112 section 4). Returns 0 when it is none. */
static int status_of(const uint8_t *line, size_t n)
{
	int status = 0;

	if (n < VERSION_LEN + 5 || memcmp(line, version, VERSION_LEN) != 0 || line[VERSION_LEN + 1] != ' ')
		return 0;
	for (size_t i = VERSION_LEN + 2; i < VERSION_LEN + 5; i++) {
		if (line[i] < '0' || line[i] > '9')
			return 0;
		status = status * 10 + (line[i] - '0');
	}
	return status;
}

/* "GET / HTTP/1.1" (RFC 9112 section 3). */
static bool is_request(const uint8_t *line, size_t n)
{
	return n > VERSION_LEN + 2 && memcmp(line + n - VERSION_LEN - 1, version, VERSION_LEN) == 0 &&
	       line[n - VERSION_LEN - 2] == ' ';
}

/* Whether the bytes so far may become a request or status line: a method is a word in capitals. */
static bool may_be_http(const uint8_t *bytes, size_t n)
{
	size_t i = 0;

	if (memcmp(bytes, version, n < VERSION_LEN ? n : VERSION_LEN) == 0)
		return true;
	while (i < n && i < METHOD_MAX && bytes[i] >= 'A' && bytes[i] <= 'Z')
		i++;
	return i == n || (i > 0 && bytes[i] == ' ');
}

static void emit(const struct decoder *d, const struct packet *p, const uint8_t *line, size_t n)
{
	struct capture_event event = capture_event_of(p, CAPTURE_HTTP_REQUEST);

	event.http_status = status_of(line, n);
	if (event.http_status != 0)
		event.kind = CAPTURE_HTTP_RESPONSE;
	else if (!is_request(line, n))
		return;
	event.bytes = line;
	event.len = n;
	d->fn(d->ctx, &event);
}

void http_stream_bytes(struct decoder *d, const struct packet *p, struct direction *dir, const uint8_t *bytes, size_t n)
{
	const uint8_t *end;

	if (dir->partial_len > 0) {
		if (!conn_keep_partial(dir, &d->budget, bytes, n)) {
			dir->reader = READER_DONE;
			return;
		}
		bytes = dir->partial;
		n = dir->partial_len;
	}
	end = memchr(bytes, '\n', n < LINE_MAX_BYTES ? n : LINE_MAX_BYTES);
	if (end != NULL) {
		size_t len = (size_t)(end - bytes);

		emit(d, p, bytes, len > 0 && bytes[len - 1] == '\r' ? len - 1 : len);
		dir->reader = READER_DONE;
	} else if (n >= LINE_MAX_BYTES || !may_be_http(bytes, n) ||
		   (dir->partial_len == 0 && !conn_keep_partial(dir, &d->budget, bytes, n))) {
		dir->reader = READER_DONE;
	}
}
