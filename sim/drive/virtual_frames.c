/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a tap at a node's port would see of its connections: handshake, segments, acknowledgements, end. Bytes are tapped as
 * they are written and read; what only carries an acknowledgement travels by itself, and is not shown where it would come
 * out of order. Draws nothing from the network's random stream: who listens changes nothing. */
#include "virtual_int.h"

#include <stdlib.h>
#include <string.h>

#define ETHERNET_HEADER 14
#define TCP_HEADER ((size_t)20)
#define SYN_OPTIONS ((size_t)8)
#define MSS_V4 1460U
#define MSS_V6 1440U
#define FRAME_MAX 1514
#define SCALE 14 /* windows never fill: the network has no flow control but its faults */
#define PORT_FIRST 1024U
#define WAITS_MAX 16 /* of a FIN for bytes before it that are still to be read */

enum tcp_flag { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

/* One end's view, counted from its own or the other's initial sequence number. */
struct view {
	uint64_t sent, heard; /* sequence numbers used up */
	uint64_t acked;	      /* of the other's, told it */
	uint64_t taken;	      /* of ours, known to have arrived */
	bool sent_fin, heard_fin, over;
};

/* A connection as its frames tell of it; outlives the link while something of it is on its way. */
struct talk {
	unsigned int users;
	int64_t delay_ns;
	virtual_node nodes[2];
	struct addr addrs[2];
	uint16_t ports[2];
	uint32_t isn[2];
	struct view views[2];
};

struct segment {
	unsigned int from;
	unsigned int flags;
	uint64_t seq, ack;
	const uint8_t *bytes;
	size_t len;
};

/* A segment without bytes on its way to the other end. */
struct flight {
	struct source source; /* first, so that a source is a flight */
	struct talk *talk;
	struct segment segment;
	unsigned int waits;
};

/* ---- The bytes of a frame ---- */

static void put_mac(struct wire_out *out, virtual_node node)
{
	wire_put16(out, 0x0200); /* locally administered */
	wire_put32(out, node + 1);
}

static uint32_t sum(uint32_t so_far, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		so_far += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
	return so_far;
}

/* RFC 1071. */
static void put_checksum(uint8_t *at, uint32_t total)
{
	while (total > 0xffff)
		total = (total & 0xffff) + (total >> 16);
	at[0] = (uint8_t)(~total >> 8);
	at[1] = (uint8_t)~total;
}

static void put_ip(struct wire_out *out, const struct addr *src, const struct addr *dst, size_t payload)
{
	size_t start = out->len, octets = src->family == ADDR_V6 ? 16 : 4;

	if (src->family == ADDR_V6) {
		wire_put32(out, UINT32_C(6) << 28);
		wire_put16(out, payload);
		wire_put16(out, 6 << 8 | 64);
	} else {
		wire_put32(out, UINT32_C(0x45000000) | (uint32_t)(20 + payload));
		wire_put32(out, 0x4000); /* not to be fragmented */
		wire_put32(out, 64 << 24 | 6 << 16);
	}
	wire_put(out, src->b, octets);
	wire_put(out, dst->b, octets);
	if (src->family != ADDR_V6)
		put_checksum(out->bytes + start + 10, sum(0, out->bytes + start, out->len - start));
}

static void put_tcp(struct wire_out *out, const struct talk *t, const struct segment *s)
{
	unsigned int to = 1 - s->from;
	bool syn = (s->flags & SYN) != 0, v6 = t->addrs[0].family == ADDR_V6;
	/* Who answers a SYN with RST has no number of its own. */
	bool numbered = (s->flags & RST) == 0 || t->views[s->from].sent > 0;

	wire_put16(out, t->ports[s->from]);
	wire_put16(out, t->ports[to]);
	wire_put32(out, numbered ? t->isn[s->from] + (uint32_t)s->seq : 0);
	wire_put32(out, (s->flags & ACK) != 0 ? t->isn[to] + (uint32_t)s->ack : 0);
	wire_put16(out, (syn ? 7U : 5U) << 12 | s->flags);
	wire_put32(out, (s->flags & RST) != 0 ? 0 : UINT32_C(0xffff) << 16); /* window, checksum */
	wire_put16(out, 0);
	if (syn) {
		wire_put32(out, 2 << 24 | 4 << 16 | (v6 ? MSS_V6 : MSS_V4));
		wire_put32(out, 1 << 24 | 3 << 16 | 3 << 8 | SCALE);
	}
	wire_put(out, s->bytes, s->len);
}

static void tap(struct virtual *v, const struct talk *t, const struct segment *s, unsigned int at)
{
	uint8_t bytes[FRAME_MAX];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));
	const struct addr *src = &t->addrs[s->from], *dst = &t->addrs[1 - s->from];
	size_t octets = src->family == ADDR_V6 ? 16 : 4;
	size_t payload = TCP_HEADER + ((s->flags & SYN) != 0 ? SYN_OPTIONS : 0) + s->len, tcp;
	uint32_t total;

	put_mac(&out, t->nodes[1 - s->from]);
	put_mac(&out, t->nodes[s->from]);
	wire_put16(&out, src->family == ADDR_V6 ? 0x86dd : 0x0800);
	put_ip(&out, src, dst, payload);
	tcp = out.len;
	put_tcp(&out, t, s);
	total = sum(sum(6 + (uint32_t)payload, src->b, octets), dst->b, octets);
	put_checksum(bytes + tcp + 16, sum(total, bytes + tcp, payload));
	v->conf.frame(v->conf.ctx, t->nodes[at], (struct instant){v->now}, bytes, out.len);
}

/* ---- What leaves and what comes ---- */

static uint64_t used_by(const struct segment *s)
{
	return s->len + ((s->flags & SYN) != 0) + ((s->flags & FIN) != 0);
}

/* Tells the other end what came up to now, too. */
static struct segment leaves(struct virtual *v, struct talk *t, unsigned int from, unsigned int flags,
			     const uint8_t *bytes, size_t len)
{
	struct view *w = &t->views[from];
	struct segment s = {.from = from, .flags = flags, .seq = w->sent, .ack = w->heard, .bytes = bytes, .len = len};

	if (w->over)
		return s;
	s.flags |= w->heard > 0 ? ACK : 0;
	tap(v, t, &s, from);
	w->sent += used_by(&s);
	w->sent_fin |= (flags & FIN) != 0;
	w->acked = w->heard;
	w->over = (flags & RST) != 0;
	return s;
}

static void comes(struct virtual *v, struct talk *t, const struct segment *s)
{
	struct view *w = &t->views[1 - s->from];

	if (w->over)
		return;
	tap(v, t, s, 1 - s->from);
	w->heard += used_by(s);
	w->taken = s->ack > w->taken ? s->ack : w->taken;
	w->heard_fin |= (s->flags & FIN) != 0;
	w->over = (s->flags & RST) != 0;
}

static void release(struct talk *t)
{
	if (t != NULL && --t->users == 0)
		free(t);
}

static void fly(struct virtual *v, struct talk *t, const struct segment *s)
{
	struct flight *f;

	if (t->views[s->from].over)
		return;
	f = memory_new(sizeof(*f));
	f->source.kind = SOURCE_FLIGHT;
	f->talk = t;
	f->segment = *s;
	t->users++;
	queue_set(&v->queue, &f->source, v->now + t->delay_ns);
}

static void leaves_alone(struct virtual *v, struct talk *t, unsigned int from, unsigned int flags)
{
	struct segment s = leaves(v, t, from, flags, NULL, 0);

	fly(v, t, &s);
}

void frames_flight(struct virtual *v, struct source *source)
{
	struct flight *f = (struct flight *)(void *)source;
	struct talk *t = f->talk;
	const struct segment *s = &f->segment;
	unsigned int to = 1 - s->from;
	const struct view *w = &t->views[to];
	bool fin = (s->flags & FIN) != 0;
	bool news = fin ? !w->heard_fin : s->ack > w->taken;

	if (fin && s->seq > w->heard && f->waits++ < WAITS_MAX) {
		queue_set(&v->queue, source, v->now + t->delay_ns);
		return;
	}
	queue_set(&v->queue, source, INT64_MAX);
	if (news && s->seq == w->heard && !faults_lost(v, t->nodes[s->from], t->nodes[to])) {
		comes(v, t, s);
		if (fin)
			leaves_alone(v, t, to, ACK);
	}
	frames_drop(source);
}

void frames_drop(struct source *source)
{
	struct flight *f = (struct flight *)(void *)source;

	release(f->talk);
	free(f);
}

/* ---- What happens to a link ---- */

void frames_dial(struct virtual *v, struct link *l)
{
	struct node *dialler = v->nodes.at[l->ends[0].node];
	struct talk *t;
	struct rng numbers = {v->conf.seed ^ v->stats.connections << 32};

	if (v->conf.frame == NULL)
		return;
	t = memory_new(sizeof(*t));
	t->users = 1;
	t->delay_ns = l->delay_ns;
	t->ports[0] = (uint16_t)(PORT_FIRST + dialler->dials++ % (UINT16_MAX + 1U - PORT_FIRST));
	t->ports[1] = l->port;
	for (unsigned int i = 0; i < 2; i++) {
		t->nodes[i] = l->ends[i].node;
		t->addrs[i] = l->ends[i].addr;
		t->isn[i] = (uint32_t)rng_next(&numbers);
	}
	l->talk = t;
	(void)leaves(v, t, 0, SYN, NULL, 0);
}

void frames_hello(struct virtual *v, struct link *l, unsigned int end)
{
	struct talk *t = l->talk;

	if (t == NULL)
		return;
	comes(v, t, &(struct segment){.from = 1 - end, .flags = end == 0 ? SYN | ACK : SYN, .ack = end == 0 ? 1 : 0});
	if (end == 0)
		leaves_alone(v, t, end, ACK);
}

void frames_accept(struct virtual *v, struct link *l)
{
	if (l->talk != NULL)
		(void)leaves(v, l->talk, 1, SYN, NULL, 0);
}

struct talk *frames_keep(const struct link *l)
{
	if (l->talk != NULL)
		l->talk->users++;
	return l->talk;
}

void frames_ack(struct virtual *v, struct talk *t, unsigned int end)
{
	if (t != NULL && t->views[end].heard > t->views[end].acked)
		leaves_alone(v, t, end, ACK);
	release(t);
}

uint64_t frames_heard(const struct link *l, unsigned int end)
{
	return l->talk != NULL ? l->talk->views[end].heard : 0;
}

void frames_out(struct virtual *v, struct link *l, unsigned int end, const uint8_t *bytes, size_t n)
{
	struct talk *t = l->talk;
	size_t most = t != NULL && t->addrs[0].family == ADDR_V6 ? MSS_V6 : MSS_V4;

	while (t != NULL && n > 0) {
		size_t part = n < most ? n : most;

		(void)leaves(v, t, end, part == n ? PSH : 0, bytes, part);
		bytes += part;
		n -= part;
	}
}

void frames_in(struct virtual *v, struct link *l, unsigned int end, const uint8_t *bytes, size_t n, uint64_t ack)
{
	struct talk *t = l->talk;
	size_t most = t != NULL && t->addrs[0].family == ADDR_V6 ? MSS_V6 : MSS_V4;

	while (t != NULL && n > 0) {
		size_t part = n < most ? n : most;

		comes(v, t,
		      &(struct segment){.from = 1 - end,
					.flags = ACK | (part == n ? PSH : 0),
					.seq = t->views[end].heard,
					.ack = ack,
					.bytes = bytes,
					.len = part});
		bytes += part;
		n -= part;
	}
}

void frames_fin_out(struct virtual *v, struct link *l, unsigned int end)
{
	struct talk *t = l->talk;

	if (t != NULL && t->views[end].heard > 0 && !t->views[end].sent_fin)
		leaves_alone(v, t, end, FIN);
}

void frames_fin_in(struct virtual *v, struct link *l, unsigned int end)
{
	struct talk *t = l->talk;

	if (t == NULL)
		return;
	if (!t->views[end].heard_fin)
		comes(v, t,
		      &(struct segment){.from = 1 - end,
					.flags = FIN | ACK,
					.seq = t->views[end].heard,
					.ack = t->views[end].taken});
	frames_fin_out(v, l, end);
}

void frames_reset_out(struct virtual *v, struct link *l, unsigned int end)
{
	if (l->talk != NULL)
		(void)leaves(v, l->talk, end, RST, NULL, 0);
}

void frames_reset_in(struct virtual *v, struct link *l, unsigned int end)
{
	struct talk *t = l->talk;

	if (t == NULL)
		return;
	comes(v, t,
	      &(struct segment){.from = 1 - end,
				.flags = RST | ACK,
				.seq = t->views[end].heard,
				.ack = t->views[end].taken > 0 ? t->views[end].taken : t->views[end].sent});
}

void frames_forget(struct link *l)
{
	release(l->talk);
	l->talk = NULL;
}
