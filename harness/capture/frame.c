/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A capture, its links, and the way of one frame through the layers. */
#include "capture_int.h"
#include "wire_bfd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define CONNECTIONS_MAX 65536U
#define MEMORY_MAX ((size_t)64 << 20)

enum ip_protocol { PROTOCOL_ICMP = 1, PROTOCOL_TCP = 6, PROTOCOL_UDP = 17, PROTOCOL_ICMPV6 = 58 };

struct capture *capture_new(capture_fn *fn, void *ctx)
{
	struct capture *c = memory_new(sizeof(*c));

	c->decoder.fn = fn;
	c->decoder.ctx = ctx;
	c->decoder.conns.max = CONNECTIONS_MAX;
	c->decoder.budget.max = MEMORY_MAX;
	/* Only the place in the table depends on it; without it a hostile file could make all meet in one place. */
	if (getrandom(&c->decoder.conns.seed, sizeof(c->decoder.conns.seed), GRND_NONBLOCK) < 0)
		c->decoder.conns.seed = (uintptr_t)c;
	return c;
}

void capture_free(struct capture *c)
{
	if (c == NULL)
		return;
	live_free(c->live);
	conn_table_clear(&c->decoder.conns, &c->decoder.budget);
	VEC_FREE(&c->links);
	free(c);
}

struct link *capture_link_at(struct capture *c, unsigned int link)
{
	while (c->links.len <= link)
		VEC_PUSH(&c->links, (struct link){0});
	return &c->links.at[link];
}

void capture_mac_set(struct capture *c, unsigned int link, const uint8_t mac[static 6])
{
	struct link *l = capture_link_at(c, link);

	memcpy(l->mac, mac, sizeof(l->mac));
	l->has_mac = true;
}

bool capture_mac(const struct capture *c, unsigned int link, uint8_t ret[static 6])
{
	if (link >= c->links.len || !c->links.at[link].has_mac)
		return false;
	memcpy(ret, c->links.at[link].mac, sizeof(c->links.at[link].mac));
	return true;
}

struct capture_event capture_event_of(const struct packet *p, enum capture_kind kind)
{
	return (struct capture_event){
		.kind = kind,
		.link = p->link,
		.frame = p->frame,
		.time = p->time,
		.src = p->src,
		.dst = p->dst,
		.src_port = p->src_port,
		.dst_port = p->dst_port,
		.protocol = p->protocol,
		.ttl = p->ttl,
		.flow_label = p->flow_label,
		.carried = p->carried,
	};
}

/* Stamps of damaged files may lie anywhere. */
struct instant capture_stamp(const struct pcap_pkthdr *header)
{
	int64_t s = header->ts.tv_sec, ns = header->ts.tv_usec;

	if (s < 0 || ns < 0)
		return (struct instant){0};
	if (s >= INT64_MAX / NS_PER_S - 1 || ns > INT64_MAX / 2)
		return INSTANT_NEVER;
	return instant_add((struct instant){s * NS_PER_S}, ns);
}

static void udp_packet(const struct decoder *d, struct packet *p)
{
	struct capture_event event;

	p->src_port = wire_u16(&p->payload);
	p->dst_port = wire_u16(&p->payload);
	wire_skip(&p->payload, 4);
	event = capture_event_of(p, CAPTURE_FLOW);
	if (wire_flowtag_decode(p->payload, &event.tag)) {
		d->fn(d->ctx, &event);
	} else if (p->dst_port == WIRE_BFD_PORT && !p->payload.bad) {
		event.kind = CAPTURE_BFD;
		event.bytes = p->payload.at;
		event.len = wire_left(&p->payload);
		d->fn(d->ctx, &event);
	}
}

/* Echo requests (RFC 792, RFC 4443 section 4.1): an answer has the tag, too, and is no packet of the flow. */
static void icmp_packet(const struct decoder *d, struct packet *p)
{
	uint8_t type = wire_u8(&p->payload);
	struct capture_event event;

	if (type != (p->protocol == PROTOCOL_ICMP ? 8 : 128))
		return;
	wire_skip(&p->payload, 3);
	p->src_port = wire_u16(&p->payload);
	wire_skip(&p->payload, 2);
	event = capture_event_of(p, CAPTURE_FLOW);
	if (wire_flowtag_decode(p->payload, &event.tag))
		d->fn(d->ctx, &event);
}

/* Without ports, which the first one had. */
static void later_fragment(const struct decoder *d, struct packet *p)
{
	struct capture_event event = capture_event_of(p, CAPTURE_FLOW);

	if (wire_flowtag_decode(p->payload, &event.tag))
		d->fn(d->ctx, &event);
}

void capture_frame(struct capture *c, unsigned int link, struct instant time, const uint8_t *bytes, size_t n)
{
	struct link *l = &c->links.at[link];
	struct packet p = {.link = link, .frame = ++l->decoded, .time = time};
	struct wire_in in = wire_in_of(bytes, n);

	l->bytes += n;
	if (!link_layer_read(l->linktype, l->has_mac ? l->mac : NULL, &in, &p.carried) || !ip_read(in, &p))
		return;
	l->fragments += p.later_fragment;
	if (p.later_fragment)
		later_fragment(&c->decoder, &p);
	else if (p.protocol == PROTOCOL_TCP)
		tcp_packet(&c->decoder, &p);
	else if (p.protocol == PROTOCOL_UDP)
		udp_packet(&c->decoder, &p);
	else if (p.protocol == PROTOCOL_ICMP || p.protocol == PROTOCOL_ICMPV6)
		icmp_packet(&c->decoder, &p);
}

void capture_feed(struct capture *c, unsigned int link, struct instant time, const uint8_t *bytes, size_t n)
{
	capture_link_at(c, link)->linktype = DLT_EN10MB;
	capture_frame(c, link, time, bytes, n);
}

int capture_stats(struct capture *c, unsigned int link, struct capture_stats *ret, struct errmsg *err)
{
	const struct link *l;

	if (link >= c->links.len)
		return errmsg_say(err, -ENOENT, "no link %u to tell of", link);
	l = &c->links.at[link];
	*ret = (struct capture_stats){.frames = l->decoded, .bytes = l->bytes, .fragments = l->fragments};
	return l->live != NULL ? live_stats(c->live, l->live, ret, err) : 0;
}

size_t capture_losses(const struct capture *c, unsigned int link, struct capture_loss ret[static CAPTURE_LOSSES_MAX])
{
	const struct live_link *live = link < c->links.len ? c->links.at[link].live : NULL;

	return live != NULL ? live_losses(c->live, live, ret) : 0;
}
