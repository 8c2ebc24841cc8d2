/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "streams.h"

#include "feed.h"
#include "rng.h"

#include <stdlib.h>
#include <string.h>

#define SETS_PER_MILLION FEED_SETS_PER_MILLION
#define ALONE_SETS_PER_MILLION 500000U

const char *shape_text(enum shape shape)
{
	static const char *const words[] = {"one", "hundreds", "ipv6", "table", "alone", "withdrawn"};

	return words[shape];
}

/* ---- Octets ---- */

static struct feed_peer peer(size_t prefixes)
{
	struct feed_shape shape = {.peers = 1, .each = prefixes};

	return feed_peer_of(&shape, 0, addr_v4(0x0a000033));
}

static void octets_of_table(struct feed_stream *out, enum shape shape, uint64_t seed, size_t prefixes)
{
	struct feed_peer p = peer(prefixes);
	struct feed feed;

	feed_init(&feed, seed, prefixes, shape == SHAPE_ALONE ? ALONE_SETS_PER_MILLION : SETS_PER_MILLION);
	if (shape == SHAPE_WITHDRAWN)
		feed_withdraw(&feed, &p, out);
	else
		feed_announce(&feed, &p, out);
	feed_fini(&feed);
}

static struct wire_route route_draw(struct rng *rng, enum shape shape)
{
	struct addr a = addr_v4(0xac100000 + (uint32_t)rng_below(rng, 1 << 20));

	if (shape == SHAPE_IPV6) {
		a = (struct addr){.family = ADDR_V6, .b = {0x20, 0x01, 0x0d, 0xb8}};
		a.b[4] = (uint8_t)rng_next(rng);
		a.b[5] = (uint8_t)rng_next(rng);
		return (struct wire_route){.prefix = prefix_make(&a, 48)};
	}
	return (struct wire_route){.prefix = prefix_host(&a)};
}

/* Messages that differ in nothing but their prefixes. */
static void octets_of_worker(struct feed_stream *out, enum shape shape, uint64_t seed, size_t prefixes)
{
	static const uint32_t path[] = {22000};
	static const size_t each[] = {[SHAPE_ONE] = 1, [SHAPE_HUNDREDS] = 800, [SHAPE_IPV6] = 100};
	static const struct wire_session session = {.as4 = true};
	struct wire_route_attrs attrs = {.as_path = path, .as_count = 1, .next_hop = addr_v4(0x0a000033)};
	struct wire_route routes[800];
	struct rng rng = {.state = seed};

	if (shape == SHAPE_IPV6)
		attrs.next_hop = (struct addr){.family = ADDR_V6, .b = {0x20, 0x01, 0x0d, 0xb8, [15] = 0x51}};
	out->cap = (prefixes / each[shape] + 1) * WIRE_MESSAGE_MAX;
	out->at = memory_grow(NULL, out->cap, 1);
	for (size_t done = 0; done < prefixes; done += each[shape]) {
		struct wire_out message = wire_out_to(out->at + out->len, WIRE_MESSAGE_MAX);

		for (size_t i = 0; i < each[shape]; i++)
			routes[i] = route_draw(&rng, shape);
		wire_update_encode(&message, &session, &attrs, routes, each[shape]);
		if (message.full)
			abort();
		out->len += message.len;
		out->messages++;
	}
}

/* ---- The same for the encoder ---- */

static uint32_t *words_copy(struct arena *arena, struct wire_in words)
{
	size_t n = wire_left(&words) / 4;
	uint32_t *copy = arena_alloc(arena, (n + 1) * sizeof(*copy));

	for (size_t i = 0; i < n; i++)
		copy[i] = wire_u32(&words);
	return copy;
}

/* What wire_route_attrs has no field for goes on as it is. */
static struct wire_in extra_of(const struct wire_update *u)
{
	struct wire_in in = u->attrs_raw;

	while (wire_more(&in)) {
		const uint8_t *at = in.at;
		uint8_t flags = wire_u8(&in), code = wire_u8(&in);

		wire_skip(&in, (flags & WIRE_FLAG_EXTENDED) != 0 ? wire_u16(&in) : wire_u8(&in));
		if (code == WIRE_ATTR_AGGREGATOR || code == WIRE_ATTR_LARGE_COMMUNITIES)
			return wire_in_of(at, (size_t)(u->attrs_raw.end - at));
	}
	return (struct wire_in){0};
}

static void attrs_of(struct arena *arena, const struct wire_update *u, struct wire_route_attrs *ret)
{
	struct wire_in path = u->attrs.as_path;
	struct wire_path_segment segment;

	*ret = (struct wire_route_attrs){.origin = u->attrs.origin,
					 .next_hop = u->attrs.next_hop,
					 .communities = words_copy(arena, u->attrs.communities),
					 .community_count = wire_left(&u->attrs.communities) / 4,
					 .extra = extra_of(u)};
	if (wire_path_next(&path, true, &segment)) {
		ret->as_count = wire_left(&segment.ases) / 4;
		ret->as_path = words_copy(arena, segment.ases);
	}
}

static void routes_of(struct arena *arena, struct wire_nlri nlri, struct message *m)
{
	struct wire_nlri walk = nlri;
	struct wire_route route, *routes;

	while (wire_nlri_next(&walk, &route))
		m->count++;
	m->routes = routes = arena_alloc(arena, (m->count + 1) * sizeof(*routes));
	for (size_t i = 0; wire_nlri_next(&nlri, &routes[i]); i++)
		;
}

static void message_take(struct stream *s, struct wire_in bytes)
{
	struct message *m = &s->messages[s->count++];
	struct wire_update u;

	*m = (struct message){.bytes = bytes};
	if (wire_update_decode(bytes, &s->session, &u).treat != WIRE_OK)
		abort();
	m->withdrawal = wire_more(&u.withdrawn.bytes);
	attrs_of(&s->arena, &u, &m->attrs);
	routes_of(&s->arena, m->withdrawal ? u.withdrawn : wire_more(&u.nlri.bytes) ? u.nlri : u.mp_nlri, m);
	s->prefixes += m->count;
}

void stream_init(struct stream *s, enum shape shape, uint64_t seed, size_t prefixes)
{
	struct feed_stream made = {0};
	uint8_t *octets;
	size_t len;
	uint8_t type;

	*s = (struct stream){.session = {.as4 = true}};
	if (shape == SHAPE_ONE || shape == SHAPE_HUNDREDS || shape == SHAPE_IPV6)
		octets_of_worker(&made, shape, seed, prefixes);
	else
		octets_of_table(&made, shape, seed, prefixes);
	octets = arena_alloc(&s->arena, made.len);
	memcpy(octets, made.at, made.len);
	free(made.at);
	s->octets = made.len;
	s->messages = arena_alloc(&s->arena, made.messages * sizeof(*s->messages));
	for (size_t at = 0; at < made.len; at += len) {
		(void)wire_frame(octets + at, made.len - at, false, &len, &type);
		message_take(s, wire_in_of(octets + at, len));
	}
}

void stream_fini(struct stream *s)
{
	arena_clear(&s->arena);
}
