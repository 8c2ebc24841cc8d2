/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cuts one direction of a connection on port 179 into BGP messages. */
#include "capture_int.h"

#include <string.h>

/* Long messages go to who has offered RFC 8654 in its OPEN, the other direction; where that was not seen, anything goes. */
static bool extended(const struct conn *conn, unsigned int end)
{
	const struct direction *back = &conn->dir[1 - end];

	return !back->opened || back->extended;
}

static void note_open(struct direction *dir, const uint8_t *bytes, size_t n)
{
	struct wire_open open;
	struct wire_err err = wire_open_decode(wire_in_of(bytes, n), &open);

	dir->opened = true;
	dir->extended = err.treat == WIRE_OK && open.caps.extended_message;
}

static void emit(const struct decoder *d, const struct packet *p, enum capture_kind kind, const uint8_t *bytes,
		 size_t n, const struct wire_err *err)
{
	struct capture_event event = capture_event_of(p, kind);

	event.bytes = bytes;
	event.len = n;
	event.err = *err;
	d->fn(d->ctx, &event);
}

/* Takes whole messages from the front. Returns how many bytes they were, of which what is left is the start of another. */
static size_t take_messages(struct decoder *d, const struct packet *p, struct conn *conn, unsigned int end,
			    const uint8_t *bytes, size_t n)
{
	struct direction *dir = &conn->dir[end];
	size_t at = 0;

	while (at < n && dir->reader != READER_DONE) {
		uint8_t type;
		size_t len;
		struct wire_err err = wire_frame(bytes + at, n - at, extended(conn, end), &len, &type);

		if (err.treat != WIRE_OK && dir->reader == READER_BGP_SEEK) {
			at++;
			continue;
		}
		if (err.treat != WIRE_OK) {
			emit(d, p, CAPTURE_BGP_BAD, bytes + at, n - at, &err);
			dir->reader = READER_DONE;
			return n;
		}
		if (len == 0)
			break;
		if (type == WIRE_OPEN)
			note_open(dir, bytes + at, len);
		dir->reader = READER_BGP;
		emit(d, p, CAPTURE_BGP, bytes + at, len, &err);
		at += len;
	}
	return at;
}

void bgp_stream_bytes(struct decoder *d, const struct packet *p, struct conn *conn, unsigned int end,
		      const uint8_t *bytes, size_t n)
{
	struct direction *dir = &conn->dir[end];
	size_t used;

	if (dir->partial_len == 0) {
		used = take_messages(d, p, conn, end, bytes, n);
		if (used < n && !conn_keep_partial(dir, &d->budget, bytes + used, n - used))
			bgp_stream_lost(d, p, dir);
		return;
	}
	if (!conn_keep_partial(dir, &d->budget, bytes, n)) {
		bgp_stream_lost(d, p, dir);
		return;
	}
	used = take_messages(d, p, conn, end, dir->partial, dir->partial_len);
	memmove(dir->partial, dir->partial + used, dir->partial_len - used);
	dir->partial_len -= used;
}

void bgp_stream_lost(struct decoder *d, const struct packet *p, struct direction *dir)
{
	struct wire_err none = {0};

	emit(d, p, CAPTURE_BGP_GAP, NULL, 0, &none);
	conn_drop_partial(dir, &d->budget);
	dir->reader = READER_BGP_SEEK;
}
