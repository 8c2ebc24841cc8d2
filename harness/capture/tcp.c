/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TCP segments to connection events and to streams (RFC 9293). What is not in order waits in stream.c; what belongs to a
 * connection that began before the capture is read from where it is met. */
#include "capture_int.h"

#define FIN 0x01U
#define SYN 0x02U
#define RST 0x04U
#define ACK 0x10U

/* A gap whose end the receiver has acknowledged is a frame the capture lacks, once reordering can't explain it. */
#define GAP_PATIENCE_NS NS_PER_S

struct sink_ctx {
	struct decoder *decoder;
	const struct packet *packet;
	struct conn *conn;
	unsigned int end;
};

static void on_stream(void *ctx, const uint8_t *bytes, size_t n, uint32_t lost)
{
	const struct sink_ctx *s = ctx;
	struct direction *dir = &s->conn->dir[s->end];

	if (dir->reader == READER_HTTP && lost > 0)
		dir->reader = READER_DONE;
	if ((dir->reader == READER_BGP || dir->reader == READER_BGP_SEEK) && lost > 0)
		bgp_stream_lost(s->decoder, s->packet, dir);
	if (dir->reader == READER_BGP || dir->reader == READER_BGP_SEEK)
		bgp_stream_bytes(s->decoder, s->packet, s->conn, s->end, bytes, n);
	else if (dir->reader == READER_HTTP)
		http_stream_bytes(s->decoder, s->packet, dir, bytes, n);
	if (dir->reader == READER_DONE)
		conn_drop_partial(dir, &s->decoder->budget);
}

static void emit(const struct decoder *d, const struct packet *p, enum capture_kind kind)
{
	struct capture_event event = capture_event_of(p, kind);

	d->fn(d->ctx, &event);
}

static bool is_bgp(const struct packet *p)
{
	return p->src_port == WIRE_BGP_PORT || p->dst_port == WIRE_BGP_PORT;
}

static void start(struct decoder *d, struct direction *dir, uint32_t isn)
{
	dir->has_isn = true;
	dir->isn = isn;
	stream_start(&dir->stream, &d->budget, isn + 1);
}

/* The first segment of either end. One with the number already known is a retransmission; another is a new connection
 * between the same ports. */
static void handshake(struct decoder *d, const struct packet *p, struct conn *conn, unsigned int end)
{
	struct direction *own = &conn->dir[end], *other = &conn->dir[!end];
	bool again = own->has_isn && own->isn == p->seq && !own->rst && !other->rst;

	if (!again && (p->flags & ACK) == 0)
		conn_direction_clear(other, &d->budget);
	if (!again) {
		conn_direction_clear(own, &d->budget);
		start(d, own, p->seq);
	}
	if ((p->flags & ACK) != 0 && !other->has_isn)
		start(d, other, p->ack - 1);
	if (!own->syn)
		emit(d, p, (p->flags & ACK) != 0 ? CAPTURE_TCP_SYNACK : CAPTURE_TCP_SYN);
	own->syn = true;
}

static void read_payload(struct decoder *d, const struct packet *p, struct conn *conn, unsigned int end)
{
	struct direction *dir = &conn->dir[end];
	struct sink_ctx ctx = {d, p, conn, end};
	struct stream_sink sink = {on_stream, &ctx};
	uint32_t seq = p->seq + ((p->flags & SYN) != 0 ? 1 : 0);
	bool waited = dir->stream.waiting != NULL;

	if (dir->reader == READER_NONE) {
		bool joined = !dir->stream.started;

		if (joined)
			start(d, dir, seq - 1);
		dir->reader = !is_bgp(p) ? READER_HTTP : joined ? READER_BGP_SEEK : READER_BGP;
	}
	stream_segment(&dir->stream, &d->budget, seq, p->payload.at, wire_left(&p->payload), &sink);
	if (dir->reader == READER_DONE)
		stream_clear(&dir->stream, &d->budget);
	else if (!waited && dir->stream.waiting != NULL)
		dir->gap_since = p->time;
}

/* A packet that the other end could have sent: events from a stream show who sent the stream. */
static struct packet turned(const struct packet *p)
{
	struct packet t = *p;

	t.src = p->dst;
	t.dst = p->src;
	t.src_port = p->dst_port;
	t.dst_port = p->src_port;
	return t;
}

static void read_ack(struct decoder *d, const struct packet *p, struct conn *conn, unsigned int end)
{
	struct direction *other = &conn->dir[!end];
	struct packet t;
	struct sink_ctx ctx = {d, &t, conn, !end};
	struct stream_sink sink = {on_stream, &ctx};

	if (other->stream.waiting == NULL || instant_since(p->time, other->gap_since) < GAP_PATIENCE_NS)
		return;
	if (!stream_gap_acked(&other->stream, p->ack))
		return;
	t = turned(p);
	(void)stream_skip(&other->stream, &d->budget, &sink);
	other->gap_since = p->time;
}

static void end_of_stream(struct decoder *d, const struct packet *p, struct conn *conn, unsigned int end)
{
	struct direction *dir = conn != NULL ? &conn->dir[end] : NULL;

	if ((p->flags & FIN) != 0 && (dir == NULL || !dir->fin)) {
		emit(d, p, CAPTURE_TCP_FIN);
		if (dir != NULL)
			dir->fin = true;
	}
	if ((p->flags & RST) == 0 || (dir != NULL && dir->rst))
		return;
	emit(d, p, CAPTURE_TCP_RST);
	if (dir == NULL)
		return;
	/* The other end's data may still be on its way. */
	stream_clear(&dir->stream, &d->budget);
	conn_drop_partial(dir, &d->budget);
	dir->reader = READER_DONE;
	dir->rst = true;
}

bool tcp_read_header(struct packet *p)
{
	struct wire_in in = p->payload;
	size_t header_len;

	p->src_port = wire_u16(&in);
	p->dst_port = wire_u16(&in);
	p->seq = wire_u32(&in);
	p->ack = wire_u32(&in);
	header_len = (size_t)(wire_u8(&in) >> 4) * 4;
	p->flags = wire_u8(&in);
	if (in.bad || header_len < 20 || header_len > p->payload_len)
		return false;
	if (header_len > wire_left(&p->payload)) /* cut by the capture: the flags are there, the payload is not */
		header_len = wire_left(&p->payload);
	wire_skip(&p->payload, header_len);
	return true;
}

void tcp_packet(struct decoder *d, struct packet *p)
{
	struct capture_event event;
	struct conn_key key;
	struct conn *conn;
	unsigned int end;
	bool payload;

	if (!tcp_read_header(p))
		return;
	event = capture_event_of(p, CAPTURE_FLOW);
	if ((p->flags & (SYN | ACK)) == SYN && wire_flowtag_decode(p->payload, &event.tag)) {
		d->fn(d->ctx, &event);
		return;
	}
	payload = wire_more(&p->payload);
	key = conn_key_of(p->link, &p->src, p->src_port, &p->dst, p->dst_port, &end);
	conn = conn_find(&d->conns, &d->budget, &key, ((p->flags & SYN) != 0 || payload) && (p->flags & RST) == 0);
	if (conn != NULL && (p->flags & (SYN | RST)) == SYN)
		handshake(d, p, conn, end);
	if (conn != NULL && payload && conn->dir[end].reader != READER_DONE && (p->flags & RST) == 0)
		read_payload(d, p, conn, end);
	if (conn != NULL && (p->flags & ACK) != 0)
		read_ack(d, p, conn, end);
	end_of_stream(d, p, conn, end);
}

void tcp_finish(struct decoder *d, unsigned int link, const struct packet *last)
{
	for (struct conn *conn = d->conns.oldest; conn != NULL; conn = conn->newer) {
		for (unsigned int end = 0; end < 2 && conn->key.link == link; end++) {
			struct packet p = *last;
			struct sink_ctx ctx = {d, &p, conn, end};
			struct stream_sink sink = {on_stream, &ctx};

			p.link = link;
			p.protocol = 6;
			p.src = conn->key.addr[end];
			p.src_port = conn->key.port[end];
			p.dst = conn->key.addr[!end];
			p.dst_port = conn->key.port[!end];
			while (stream_skip(&conn->dir[end].stream, &d->budget, &sink))
				;
		}
	}
	conn_table_forget_link(&d->conns, &d->budget, link);
}
