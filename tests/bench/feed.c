/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "feed.h"
#include "arena.h"
#include "rng.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define NO_EXPORT 0xffffff01U
#define FIRST_AS 4200000000U
#define FIRST_MARKER 0xc6120000U /* 198.18.0.0/15 */
#define SHORTEST 16
#define LONGEST 24
#define RUN_BITS 2 /* up to four neighbours in a row */

/* How many of a thousand prefixes have a length, about as in today's tables; by length from SHORTEST. */
static const uint16_t per_mille[] = {13, 8, 14, 25, 42, 48, 115, 100, 635};

/* ---- Shapes ---- */

int feed_shape_parse(const char *text, struct feed_shape *ret)
{
	char *end;
	unsigned long peers = strtoul(text, &end, 10), each;

	if (peers < 1 || peers > 10000 || *end != 'x')
		return -EINVAL;
	each = strtoul(end + 1, &end, 10);
	if (*end == 'k' || *end == 'M')
		each *= *end++ == 'k' ? 1000 : 1000000;
	*ret = (struct feed_shape){.peers = (unsigned int)peers, .each = each, .same = *end == '='};
	snprintf(ret->name, sizeof(ret->name), "%s", text);
	return each < 1 || each > 10000000 || end[ret->same] != '\0' ? -EINVAL : 0;
}

size_t feed_shape_prefixes(const struct feed_shape *s)
{
	return s->same ? s->each : s->each * s->peers;
}

struct feed_peer feed_peer_of(const struct feed_shape *s, unsigned int i, struct addr address)
{
	struct addr marker = addr_v4(FIRST_MARKER + i);

	return (struct feed_peer){.as = FIRST_AS + i,
				  .address = address,
				  .first = s->same ? 0 : s->each * i,
				  .count = s->each,
				  .turn = s->same ? i : 0,
				  .turns = s->same ? s->peers : 1,
				  .marker = prefix_host(&marker)};
}

/* ---- The table ---- */

static unsigned int length_draw(struct rng *r)
{
	uint64_t draw = rng_below(r, 1000);
	unsigned int i = 0;

	while (draw >= per_mille[i])
		draw -= per_mille[i++];
	return SHORTEST + i;
}

/* A permutation of the numbers of so many bits. */
static uint32_t scramble(uint32_t x, unsigned int bits, uint64_t seed)
{
	uint32_t mask = (UINT32_C(1) << bits) - 1;

	x = (x * UINT32_C(2654435769) + (uint32_t)seed) & mask;
	x ^= x >> (bits / 2);
	x = (x * UINT32_C(2246822519)) & mask;
	return x ^ (x >> (bits / 2));
}

/* Out: what is no unicast, the testers' own network, the markers. */
static bool usable(uint32_t address)
{
	uint32_t first = address >> 24;

	return first > 0 && first < 224 && first != 10 && first != 127 && address >> 17 != FIRST_MARKER >> 17;
}

/* The address of the next run of prefixes of a length. */
static uint32_t run_next(uint32_t *counter, unsigned int len, uint64_t seed)
{
	for (;;) {
		uint32_t run = scramble((*counter)++, len - RUN_BITS, seed);
		uint32_t address = run << RUN_BITS << (32 - len);

		if (usable(address))
			return address;
	}
}

static void routes_fill(struct feed *f, struct rng *r)
{
	uint32_t counters[LONGEST + 1] = {0};

	for (size_t i = 0; i < f->count;) {
		unsigned int len = length_draw(r);
		uint32_t address = run_next(&counters[len], len, f->seed);
		uint64_t run = 1 + rng_below(r, UINT64_C(1) << RUN_BITS);

		for (uint64_t k = 0; k < run && i < f->count; k++) {
			struct addr a = addr_v4(address + (uint32_t)(k << (32 - len)));

			f->routes[i++] = (struct wire_route){.prefix = prefix_make(&a, len)};
		}
	}
}

/* Sizes of sets fall off exponentially: most are small, a few are of thousands. */
static void sets_fill(struct feed *f, struct rng *r, double mean)
{
	size_t i = 0;

	while (i < f->count) {
		size_t size = 1 + (size_t)(-mean * log(1 - rng_unit(r)));

		for (; size > 0 && i < f->count; size--)
			f->sets[i++] = (uint32_t)f->set_count;
		f->set_count++;
	}
}

void feed_init(struct feed *f, uint64_t seed, size_t prefixes, size_t sets_per_million)
{
	struct rng r = {seed};

	*f = (struct feed){.seed = seed, .count = prefixes};
	f->routes = memory_grow(NULL, prefixes, sizeof(*f->routes));
	f->sets = memory_grow(NULL, prefixes, sizeof(*f->sets));
	routes_fill(f, &r);
	sets_fill(f, &r, 1e6 / (double)sets_per_million - 1);
}

void feed_fini(struct feed *f)
{
	free(f->routes);
	free(f->sets);
}

/* ---- Attribute sets ---- */

#define HOPS_MAX 6
#define COMMUNITIES_MAX 6

struct set {
	struct wire_route_attrs attrs;
	uint32_t path[HOPS_MAX];
	uint32_t communities[COMMUNITIES_MAX + 1];
	uint8_t extra[32];
};

static void set_extra(struct set *s, struct rng *r)
{
	struct wire_out out = wire_out_to(s->extra, sizeof(s->extra));

	if (rng_below(r, 100) < 6) { /* AGGREGATOR */
		wire_put(&out, (const uint8_t[]){0xc0, WIRE_ATTR_AGGREGATOR, 8}, 3);
		wire_put32(&out, s->path[s->attrs.as_count - 1]);
		wire_put32(&out, (uint32_t)rng_next(r) | 1);
	}
	if (rng_below(r, 100) < 5) {
		wire_put(&out, (const uint8_t[]){0xc0, WIRE_ATTR_LARGE_COMMUNITIES, 12}, 3);
		wire_put32(&out, s->path[0]);
		wire_put32(&out, rng_below(r, 1000));
		wire_put32(&out, rng_below(r, 1000));
	}
	s->attrs.extra = wire_in_of(out.bytes, out.len);
}

/* Neither private nor reserved ones, nor the router's. */
static uint32_t as_draw(struct rng *r)
{
	uint32_t as = 1000 + (uint32_t)rng_below(r, rng_below(r, 5) == 0 ? 300000 : 20000);

	return as > 63000 && as < 140000 ? as + 100000 : as;
}

/* Set number n of the table as the peer tells it. Peers differ in the first AS and the next hop only, so that their routes to one
 * prefix are of equal rank. */
static void set_make(struct set *s, const struct feed *f, const struct feed_peer *p, uint32_t n, unsigned int version)
{
	struct rng r = {f->seed + UINT64_C(0x9e3779b97f4a7c15) * (n + 1) + version};
	size_t communities = rng_below(&r, 10) < 4 ? 0 : 1 + (size_t)rng_below(&r, COMMUNITIES_MAX);

	*s = (struct set){.attrs = {.origin = rng_below(&r, 10) < 9 ? WIRE_ORIGIN_IGP : WIRE_ORIGIN_INCOMPLETE,
				    .as_path = s->path,
				    .as_count = 2 + rng_below(&r, HOPS_MAX - 1),
				    .next_hop = p->address,
				    .communities = s->communities}};
	s->path[0] = p->as;
	for (size_t i = 1; i < s->attrs.as_count; i++)
		s->path[i] = as_draw(&r);
	for (size_t i = 0; i < communities; i++)
		s->communities[i] = s->path[1] << 16 | (uint32_t)rng_below(&r, 1000);
	if (p->no_export)
		s->communities[communities++] = NO_EXPORT;
	s->attrs.community_count = communities;
	set_extra(s, &r);
}

/* ---- UPDATEs ---- */

static const struct wire_session session = {.as4 = true};

static struct wire_out stream_room(struct feed_stream *s)
{
	if (s->cap - s->len < WIRE_MESSAGE_MAX) {
		s->cap = s->cap < 8192 ? 16384 : s->cap * 2;
		s->at = memory_grow(s->at, s->cap, 1);
	}
	return wire_out_to(s->at + s->len, WIRE_MESSAGE_MAX);
}

static void stream_take(struct feed_stream *s, const struct wire_out *out, size_t changes)
{
	if (out->full)
		abort(); /* a message was planned too long */
	s->len += out->len;
	s->messages++;
	s->changes += changes;
}

/* How many of the routes take no more octets than there are. */
static size_t fitting(const struct wire_route *routes, size_t n, size_t octets)
{
	size_t i = 0;

	for (size_t used = 0; i < n; i++) {
		used += 1 + ((size_t)routes[i].prefix.len + 7) / 8;
		if (used > octets)
			break;
	}
	return i;
}

static void put_set(struct feed_stream *out, const struct set *s, const struct wire_route *routes, size_t n)
{
	struct wire_out message = stream_room(out);

	wire_update_encode(&message, &session, &s->attrs, NULL, 0);
	for (size_t room = WIRE_MESSAGE_MAX - message.len; n > 0;) {
		size_t now = fitting(routes, n, room);

		message = stream_room(out);
		wire_update_encode(&message, &session, &s->attrs, routes, now);
		stream_take(out, &message, now);
		routes += now;
		n -= now;
	}
}

static void put_gone(struct feed_stream *out, const struct wire_route *routes, size_t n)
{
	while (n > 0) {
		size_t now = fitting(routes, n, WIRE_MESSAGE_MAX - WIRE_HEADER_LEN - 4);
		struct wire_out message = stream_room(out);

		wire_withdraw_encode(&message, &session, WIRE_AFI_IPV4, routes, now);
		stream_take(out, &message, now);
		routes += now;
		n -= now;
	}
}

void feed_marker(const struct feed *f, const struct feed_peer *p, unsigned int tick, struct feed_stream *out)
{
	struct feed_peer told = *p;
	struct wire_route route = {.prefix = p->marker};
	struct set s;

	told.no_export = false;
	set_make(&s, f, &told, (uint32_t)f->set_count, 0);
	s.communities[0] = FEED_MARKER_COMMUNITY | tick;
	s.attrs.community_count = 1;
	put_set(out, &s, &route, 1);
}

void feed_announce(const struct feed *f, const struct feed_peer *p, struct feed_stream *out)
{
	size_t end = p->first + p->count;
	struct set s;

	for (size_t i = p->first, next; i < end; i = next) {
		for (next = i + 1; next < end && f->sets[next] == f->sets[i];)
			next++;
		set_make(&s, f, p, f->sets[i], 0);
		put_set(out, &s, &f->routes[i], next - i);
	}
	feed_marker(f, p, 0, out);
}

void feed_withdraw(const struct feed *f, const struct feed_peer *p, struct feed_stream *out)
{
	struct wire_route marker = {.prefix = p->marker};

	put_gone(out, &f->routes[p->first], p->count);
	put_gone(out, &marker, 1);
}

/* The first place at or behind the peer's first that changes with the tick; from there on every step-th does. */
static size_t churn_begin(const struct feed_peer *p, unsigned int tick, size_t every, size_t *ret_step)
{
	size_t step = every * p->turns, phase = ((size_t)tick * 7919 * p->turns + p->turn) % step;

	*ret_step = step;
	return p->first + (phase + step - p->first % step) % step;
}

static void put_one(const struct feed *f, const struct feed_peer *p, size_t place, unsigned int version,
		    struct feed_stream *out)
{
	struct set s;

	set_make(&s, f, p, f->sets[place], version);
	put_set(out, &s, &f->routes[place], 1);
}

/* Changes come one by one, as they do in a network: no two in one UPDATE but withdrawals. */
void feed_churn(const struct feed *f, const struct feed_peer *p, unsigned int tick, size_t every,
		struct feed_stream *out)
{
	size_t step, end = p->first + p->count, begin = churn_begin(p, tick, every, &step), gone = 0;
	struct wire_route *going = memory_grow(NULL, p->count / step + 2, sizeof(*going));

	for (size_t i = begin, turn = 0; i < end; i += step, turn++) {
		if (turn % 2 == 1)
			going[gone++] = f->routes[i];
		else
			put_one(f, p, i, tick + 1, out);
	}
	/* What went with the tick before is back. */
	for (size_t i = tick > 0 ? churn_begin(p, tick - 1, every, &step) + step : end; i < end; i += 2 * step)
		put_one(f, p, i, tick + 1, out);
	put_gone(out, going, gone);
	free(going);
	feed_marker(f, p, tick + 1, out);
}
