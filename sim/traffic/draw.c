/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Distinct flows without a memory of those drawn: a permutation of the varied space by a small Feistel network, walked
 * on until it falls into the space (Black and Rogaway 2002), then split into the fields. */
#include "traffic_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FIRST_SRC_PORT 1024U
#define FIRST_DST_PORT 1U
#define PORT_END 65536U
#define FLOW_LABELS (UINT32_C(1) << 20) /* 0 is none: RFC 6437 section 2 */
#define ADDR_BITS 15U			/* as many as a lab has use for */

/* How many addresses there are from first to the prefix's last, at most 2^ADDR_BITS. */
static uint64_t span(const struct addr *first, const struct addr *last)
{
	uint64_t n = 0;
	size_t len = addr_len(first->family);

	for (size_t i = 0; i < len; i++) {
		n = n * 256 + last->b[i] - first->b[i];
		if (n > UINT64_C(1) << (ADDR_BITS + 16)) /* later octets can't bring it back below */
			break;
	}
	return n < UINT64_C(1) << ADDR_BITS ? n + 1 : UINT64_C(1) << ADDR_BITS;
}

/* Sources start at the client's own address, and leave out what a router takes for a broadcast. */
static void init_sources(struct traffic_draw *d)
{
	const struct traffic_flows *f = d->flows;
	struct addr last = prefix_last(&f->src_net);
	bool has_broadcast = f->src_net.addr.family == ADDR_V4 && f->src_net.len < 31;

	d->first_src = f->src;
	d->src_addrs = 1;
	if ((f->vary & TRAFFIC_VARY_SRC_ADDR) == 0)
		return;
	if (!prefix_contains(&f->src_net, &f->src))
		d->first_src = addr_add(&f->src_net.addr, has_broadcast ? 1 : 0);
	if (has_broadcast)
		last.b[3]--; /* never a borrow: the host bits are ones */
	if (addr_compare(&d->first_src, &last) < 0)
		d->src_addrs = span(&d->first_src, &last);
}

static void init_destinations(struct traffic_draw *d)
{
	const struct traffic_flows *f = d->flows;
	struct addr last = prefix_last(&f->dst_net);

	d->first_dst = f->dst;
	d->dst_addrs = 1;
	if ((f->vary & TRAFFIC_VARY_DST_ADDR) == 0)
		return;
	d->first_dst = f->dst_net.addr;
	d->dst_addrs = span(&d->first_dst, &last);
}

static int too_few(const struct traffic_draw *d, struct errmsg *err)
{
	static const struct {
		enum traffic_vary bit;
		const char *name;
	} fields[] = {
		{TRAFFIC_VARY_SRC_PORT, "src_port"},	 {TRAFFIC_VARY_DST_PORT, "dst_port"},
		{TRAFFIC_VARY_SRC_ADDR, "src_addr"},	 {TRAFFIC_VARY_DST_ADDR, "dst_addr"},
		{TRAFFIC_VARY_FLOW_LABEL, "flow_label"}, {TRAFFIC_VARY_PROTOCOL, "protocol"},
	};
	char names[96] = "";
	size_t at = 0;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if ((d->flows->vary & fields[i].bit) != 0)
			at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s", at > 0 ? ", " : "",
					       fields[i].name);
	return errmsg_say(err, -ERANGE, "varying %s gives only %llu distinct flow%s, and %u are asked for",
			  at > 0 ? names : "nothing", (unsigned long long)d->total, d->total == 1 ? "" : "s",
			  d->flows->count);
}

static int check(const struct traffic_draw *d, struct errmsg *err)
{
	const struct traffic_flows *f = d->flows;

	if (f->packets == 0)
		return errmsg_say(err, -EINVAL, "a flow has at least one packet");
	if (d->first_src.family == ADDR_NONE || d->first_dst.family == ADDR_NONE)
		return errmsg_say(err, -EINVAL, "flows need a source and a destination address");
	if ((f->vary & TRAFFIC_VARY_FLOW_LABEL) != 0 && d->first_dst.family != ADDR_V6)
		return errmsg_say(err, -EINVAL, "flow labels vary in IPv6 alone, and %s is of IPv4",
				  addr_text(&d->first_dst).s);
	if (f->protocol == TRAFFIC_ICMP_ECHO && (f->vary & (TRAFFIC_VARY_DST_PORT | TRAFFIC_VARY_PROTOCOL)) != 0)
		return errmsg_say(err, -EINVAL, "an ICMP echo has no %s to vary",
				  (f->vary & TRAFFIC_VARY_DST_PORT) != 0 ? "dst_port" : "protocol");
	if (d->first_src.family != d->first_dst.family)
		return errmsg_say(err, -EINVAL, "source %s and destination %s are of different families",
				  addr_text(&d->first_src).s, addr_text(&d->first_dst).s);
	return 0;
}

static int check_tuples(const struct traffic_flows *f, struct errmsg *err)
{
	uint8_t family = f->tuple_count > 0 ? f->tuples[0].dst.family : 0;

	if (f->packets == 0)
		return errmsg_say(err, -EINVAL, "a flow has at least one packet");
	if (f->tuple_count < f->count)
		return errmsg_say(err, -ERANGE, "there are only %zu distinct flows, and %u are asked for",
				  f->tuple_count, f->count);
	for (size_t i = 0; i < f->tuple_count; i++) {
		const struct traffic_tuple *t = &f->tuples[i];

		if (t->src.family != family || t->dst.family != family || family == ADDR_NONE)
			return errmsg_say(err, -EINVAL, "flow %zu goes from %s to %s: one family at a time", i,
					  addr_text(&t->src).s, addr_text(&t->dst).s);
	}
	return 0;
}

/* Halves the largest until a number of 62 bits can name them all. */
static uint64_t multiply(struct traffic_draw *d)
{
	uint64_t *const sizes[] = {&d->src_ports, &d->dst_ports, &d->src_addrs,
				   &d->dst_addrs, &d->labels,	 &d->protocols};
	size_t n = sizeof(sizes) / sizeof(sizes[0]), largest = 0;
	unsigned __int128 total;

	for (;;) {
		total = 1;
		for (size_t i = 0; i < n; i++) {
			total *= *sizes[i];
			largest = *sizes[i] > *sizes[largest] ? i : largest;
		}
		if (total >> 62 == 0)
			return (uint64_t)total;
		*sizes[largest] /= 2;
	}
}

int traffic_draw_init(struct traffic_draw *d, const struct traffic_flows *keep_flows, struct errmsg *err)
{
	struct rng rng = {.state = keep_flows->seed};
	int result;

	*d = (struct traffic_draw){.flows = keep_flows};
	if (keep_flows->tuples != NULL)
		return check_tuples(keep_flows, err);
	init_sources(d);
	init_destinations(d);
	d->src_ports = (keep_flows->vary & TRAFFIC_VARY_SRC_PORT) != 0 ? PORT_END - FIRST_SRC_PORT : 1;
	d->dst_ports = (keep_flows->vary & TRAFFIC_VARY_DST_PORT) != 0 ? PORT_END - FIRST_DST_PORT : 1;
	d->labels = (keep_flows->vary & TRAFFIC_VARY_FLOW_LABEL) != 0 ? FLOW_LABELS - 1 : 1;
	d->protocols = (keep_flows->vary & TRAFFIC_VARY_PROTOCOL) != 0 ? 2 : 1;
	d->total = multiply(d);
	result = check(d, err);
	if (result < 0)
		return result;
	if (d->total < keep_flows->count)
		return too_few(d, err);
	d->half_bits = 1;
	while (UINT64_C(1) << 2 * d->half_bits < d->total)
		d->half_bits++;
	for (size_t i = 0; i < TRAFFIC_DRAW_ROUNDS; i++)
		d->keys[i] = rng_next(&rng);
	return 0;
}

static uint64_t permute_once(const struct traffic_draw *d, uint64_t v)
{
	uint64_t mask = (UINT64_C(1) << d->half_bits) - 1;
	uint64_t left = v >> d->half_bits, right = v & mask;

	for (size_t i = 0; i < TRAFFIC_DRAW_ROUNDS; i++) {
		struct rng mix = {.state = d->keys[i] ^ right};
		uint64_t next = left ^ (rng_next(&mix) & mask);

		left = right;
		right = next;
	}
	return left << d->half_bits | right;
}

/* The network's domain is less than four times the space (but for tiny ones), so the walk is short; it ends because a
 * permutation's cycle comes back to where it started, which is inside. */
static uint64_t permute(const struct traffic_draw *d, uint64_t v)
{
	do {
		v = permute_once(d, v);
	} while (v >= d->total);
	return v;
}

/* The next field out of the number; a division is the dearest of all that a packet costs here. */
static uint64_t take(uint64_t *v, uint64_t n)
{
	uint64_t field;

	if (n == 1)
		return 0;
	field = *v % n;
	*v /= n;
	return field;
}

struct traffic_tuple traffic_draw_at(const struct traffic_draw *d, uint64_t flow)
{
	const struct traffic_flows *f = d->flows;
	struct traffic_tuple t = {
		.src_port = f->src_port, .dst_port = f->dst_port, .flow_label = f->flow_label, .protocol = f->protocol};
	uint64_t v;

	if (f->tuples != NULL)
		return f->tuples[flow];
	v = permute(d, flow);
	if (d->src_ports > 1)
		t.src_port = (uint16_t)(FIRST_SRC_PORT + take(&v, d->src_ports));
	if (d->dst_ports > 1)
		t.dst_port = (uint16_t)(FIRST_DST_PORT + take(&v, d->dst_ports));
	t.src = addr_add(&d->first_src, take(&v, d->src_addrs));
	t.dst = addr_add(&d->first_dst, take(&v, d->dst_addrs));
	if (d->labels > 1)
		t.flow_label = (uint32_t)(1 + take(&v, d->labels));
	if (d->protocols > 1)
		t.protocol = v == 0 ? TRAFFIC_UDP : TRAFFIC_TCP_SYN;
	return t;
}

int traffic_tuples(const struct traffic_flows *flows, struct traffic_tuple *ret, struct errmsg *err)
{
	struct traffic_draw draw;
	int result = traffic_draw_init(&draw, flows, err);

	for (uint32_t i = 0; result == 0 && i < flows->count; i++)
		ret[i] = traffic_draw_at(&draw, i);
	return result < 0 ? errmsg_context(err, "flows") : 0;
}
