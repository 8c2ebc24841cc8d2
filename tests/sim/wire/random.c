/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "random.h"

#define ROOM 30000U /* for what can be long; an UPDATE of them all still fits RFC 8654's limit */

static bool chance(struct rng *rng, unsigned int percent)
{
	return rng_below(rng, 100) < percent;
}

static void put_octets(struct wire_out *out, struct rng *rng, size_t n)
{
	while (n-- > 0)
		wire_put8(out, rng_below(rng, 256));
}

static struct wire_mark begin(struct wire_out *out, uint8_t type)
{
	struct wire_mark length;

	for (unsigned int i = 0; i < 16; i++)
		wire_put8(out, 0xff);
	length = wire_reserve(out, 2);
	wire_put8(out, type);
	return length;
}

static size_t end(struct wire_out *out, struct wire_mark length)
{
	out->bytes[length.at] = (uint8_t)(out->len >> 8);
	out->bytes[length.at + 1] = (uint8_t)out->len;
	return out->len;
}

/* ---- UPDATE ---- */

/* Mostly a handful, at times as many as a full message of RFC 4271 has, or more. */
static size_t how_many(struct rng *rng)
{
	static const uint16_t most[] = {1, 3, 20, 800};

	return rng_below(rng, (uint64_t)most[rng_below(rng, 4)] + 1);
}

static void put_prefix(struct wire_out *out, struct rng *rng, unsigned int width, bool add_path)
{
	unsigned int len = (unsigned int)rng_below(rng, width + 1), octets = (len + 7) / 8;

	if (add_path)
		put_octets(out, rng, 4);
	wire_put8(out, len);
	put_octets(out, rng, octets);
	if (len % 8 != 0)
		out->bytes[out->len - 1] &= (uint8_t)(0xff00U >> len % 8);
}

static void put_prefixes(struct wire_out *out, struct rng *rng, unsigned int width, bool add_path)
{
	for (size_t n = how_many(rng); n > 0; n--)
		put_prefix(out, rng, width, add_path);
}

static void put_path(struct wire_out *out, struct rng *rng, const struct wire_session *session, bool as4,
		     size_t segments)
{
	for (; segments > 0; segments--) {
		size_t n = 1 + rng_below(rng, chance(rng, 5) ? 255 : 6);

		/* segments of a confederation only from inside of it */
		wire_put8(out, 1 + rng_below(rng, session->ebgp ? 2 : 4));
		wire_put8(out, n);
		for (; n > 0; n--) {
			if (as4)
				wire_put32(out, 1 + rng_below(rng, UINT32_MAX));
			else
				wire_put16(out, 1 + rng_below(rng, UINT16_MAX));
		}
	}
}

static void put_mp(struct wire_out *out, struct rng *rng, const struct wire_session *session, bool reach)
{
	static const uint8_t hops[] = {16, 32, 4};
	bool other = chance(rng, 15), v4 = chance(rng, 30);

	if (other)
		wire_put16(out, 3 + rng_below(rng, 60000));
	else
		wire_put16(out, v4 ? 1 : 2);
	wire_put8(out, other ? rng_below(rng, 256) : 1);
	if (reach) {
		uint8_t hop = other ? (uint8_t)rng_below(rng, 60) : hops[rng_below(rng, v4 ? 3 : 2)];

		wire_put8(out, hop);
		put_octets(out, rng, hop);
		wire_put8(out, 0);
	}
	if (other)
		put_octets(out, rng, rng_below(rng, 400));
	else
		put_prefixes(out, rng, v4 ? 32 : 128, v4 ? session->add_path_v4 : session->add_path_v6);
}

static void put_value(struct wire_out *out, struct rng *rng, const struct wire_session *session, uint8_t code)
{
	switch (code) {
	case WIRE_ATTR_ORIGIN:
		wire_put8(out, rng_below(rng, 3));
		return;
	case WIRE_ATTR_AS_PATH:
		put_path(out, rng, session, session->as4, rng_below(rng, 4));
		return;
	case WIRE_ATTR_NEXT_HOP:
		wire_put8(out, 1 + rng_below(rng, 223));
		put_octets(out, rng, 3);
		return;
	case WIRE_ATTR_ATOMIC_AGGREGATE:
		return;
	case WIRE_ATTR_AGGREGATOR:
		if (session->as4)
			wire_put32(out, 1 + rng_below(rng, UINT32_MAX));
		else
			wire_put16(out, 1 + rng_below(rng, UINT16_MAX));
		put_octets(out, rng, 4);
		return;
	case WIRE_ATTR_AS4_PATH:
		put_path(out, rng, session, true, 1 + rng_below(rng, 3));
		return;
	case WIRE_ATTR_AS4_AGGREGATOR:
		wire_put32(out, 1 + rng_below(rng, UINT32_MAX));
		put_octets(out, rng, 4);
		return;
	case WIRE_ATTR_MP_REACH:
	case WIRE_ATTR_MP_UNREACH:
		put_mp(out, rng, session, code == WIRE_ATTR_MP_REACH);
		return;
	case WIRE_ATTR_AIGP:
		wire_put8(out, 1);
		wire_put16(out, 11);
		put_octets(out, rng, 8);
		return;
	default: /* values of units: see `shapes` */
		return;
	}
}

/* Flags, the chance to be there, and for those of units the unit and the most of them. */
static const struct shape {
	uint8_t code;
	uint8_t flags;
	uint8_t percent;
	uint8_t unit;
	uint8_t most;
	bool internal, old;
} shapes[] = {
	{1, 0x40, 100, 0, 0, false, false},   {2, 0x40, 100, 0, 0, false, false},   {3, 0x40, 100, 0, 0, false, false},
	{4, 0x80, 40, 4, 1, false, false},    {5, 0x40, 40, 4, 1, true, false},	    {6, 0x40, 20, 0, 0, false, false},
	{7, 0xc0, 20, 0, 0, false, false},    {8, 0xc0, 50, 4, 90, false, false},   {9, 0x80, 20, 4, 1, true, false},
	{10, 0x80, 20, 4, 10, true, false},   {11, 0x80, 5, 3, 9, false, false},    {14, 0x80, 40, 0, 0, false, false},
	{15, 0x80, 30, 0, 0, false, false},   {16, 0xc0, 30, 8, 40, false, false},  {17, 0xc0, 20, 0, 0, false, true},
	{18, 0xc0, 20, 0, 0, false, true},    {25, 0xc0, 10, 20, 20, false, false}, {26, 0x80, 10, 0, 0, false, false},
	{32, 0xc0, 30, 12, 30, false, false}, {35, 0xc0, 20, 4, 1, false, false},   {63, 0xc0, 10, 5, 60, false, false},
	{64, 0x80, 10, 1, 200, false, false}, {129, 0xc0, 10, 7, 70, false, false}, {255, 0xc0, 10, 1, 3, false, false},
};

static void put_attr(struct wire_out *out, struct rng *rng, const struct wire_session *session, const struct shape *s)
{
	static uint8_t bytes[ROOM];
	struct wire_out value = wire_out_to(bytes, sizeof(bytes));
	bool partial = s->flags == 0xc0 && chance(rng, 20);

	put_value(&value, rng, session, s->code);
	if (s->unit > 0)
		put_octets(&value, rng, s->unit * (1 + rng_below(rng, s->most)));
	if (s->code == WIRE_ATTR_OTC || s->code == WIRE_ATTR_MED)
		value.len = 4;
	wire_put8(out, s->flags | (partial ? 0x20U : 0U) | (value.len > 255 ? 0x10U : 0U));
	wire_put8(out, s->code);
	if (value.len > 255)
		wire_put16(out, value.len);
	else
		wire_put8(out, value.len);
	wire_put(out, value.bytes, value.len);
}

static void put_list(struct wire_out *out, struct rng *rng, const struct wire_session *session)
{
	/* beside an AGGREGATOR, AS4_PATH and AS4_AGGREGATOR may be stale (RFC 6793 section 4.2.3) */
	bool aggregator = chance(rng, 50);

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		const struct shape *s = &shapes[i];

		if (!chance(rng, s->percent) || (s->internal && session->ebgp) ||
		    (s->old && (session->as4 || aggregator)) || (s->code == WIRE_ATTR_AGGREGATOR && !aggregator))
			continue;
		put_attr(out, rng, session, s);
	}
}

size_t random_update(struct rng *rng, const struct wire_session *session, uint8_t ret[static WIRE_EXTENDED_MAX])
{
	struct wire_out out = wire_out_to(ret, WIRE_EXTENDED_MAX);
	struct wire_mark length = begin(&out, WIRE_UPDATE), field = wire_reserve(&out, 2);
	bool nothing = chance(rng, 10);

	if (chance(rng, 30))
		put_prefixes(&out, rng, 32, session->add_path_v4);
	wire_close16(&out, field);
	field = wire_reserve(&out, 2);
	if (!nothing)
		put_list(&out, rng, session);
	wire_close16(&out, field);
	if (!nothing && chance(rng, 60))
		put_prefixes(&out, rng, 32, session->add_path_v4);
	return out.full ? 0 : end(&out, length);
}

/* ---- OPEN ---- */

static void put_families(struct wire_out *out, struct rng *rng, size_t most, size_t tail)
{
	for (size_t i = 0, n = 1 + rng_below(rng, most); i < n; i++) {
		wire_put16(out, 1 + i); /* none twice: of two the later counts */
		put_octets(out, rng, tail);
	}
}

/* Capabilities that may be said once; 1 comes as often as it likes. */
static void put_cap(struct wire_out *out, struct rng *rng, uint8_t code, unsigned int turn)
{
	struct wire_mark length;

	wire_put8(out, code);
	length = wire_reserve(out, 1);
	switch (code) {
	case WIRE_CAP_MP:
		wire_put16(out, turn + 1);
		wire_put16(out, rng_below(rng, 256));
		break;
	case WIRE_CAP_EXTENDED_NEXT_HOP:
		wire_put16(out, 1);
		wire_put16(out, 1);
		wire_put16(out, 2);
		break;
	case WIRE_CAP_ROLE:
		wire_put8(out, rng_below(rng, 5));
		break;
	case WIRE_CAP_GRACEFUL_RESTART:
		put_octets(out, rng, 2);
		put_families(out, rng, 8, 2);
		break;
	case WIRE_CAP_AS4:
		wire_put32(out, 1 + rng_below(rng, UINT32_MAX));
		break;
	case WIRE_CAP_ADD_PATH:
		put_families(out, rng, 8, 2);
		break;
	case WIRE_CAP_LONG_LIVED:
		put_families(out, rng, 8, 5);
		break;
	case WIRE_CAP_ROUTE_REFRESH:
	case WIRE_CAP_EXTENDED_MESSAGE:
	case WIRE_CAP_ENHANCED_REFRESH:
		break;
	default:
		put_octets(out, rng, rng_below(rng, 40));
		break;
	}
	wire_close8(out, length);
}

static size_t put_caps(struct wire_out *out, struct rng *rng)
{
	static const uint8_t codes[] = {1, 1, 1, 2, 5, 6, 9, 64, 65, 69, 70, 71, 73, 128, 239};
	size_t n = 0, first = rng_below(rng, sizeof(codes));

	for (size_t i = 0; i < sizeof(codes); i++) {
		if (!chance(rng, 60))
			continue;
		put_cap(out, rng, codes[(first + i) % sizeof(codes)], (unsigned int)i);
		n++;
	}
	return n;
}

/* Each capability in a parameter of its own. */
static void put_each(struct wire_out *out, struct wire_in caps)
{
	while (wire_more(&caps)) {
		uint8_t code = wire_u8(&caps);
		struct wire_in value = wire_sub(&caps, wire_u8(&caps));

		wire_put8(out, 2);
		wire_put8(out, wire_left(&value) + 2);
		wire_put8(out, code);
		wire_put8(out, wire_left(&value));
		wire_put(out, value.at, wire_left(&value));
	}
}

static void put_one(struct wire_out *out, struct wire_in caps)
{
	size_t n = wire_left(&caps);

	if (n + 2 <= 255) {
		wire_put8(out, n + 2);
		wire_put8(out, 2);
		wire_put8(out, n);
	} else {
		wire_put16(out, 0xffff);
		wire_put16(out, n + 3);
		wire_put8(out, 2);
		wire_put16(out, n);
	}
	wire_put(out, caps.at, n);
}

size_t random_open(struct rng *rng, uint8_t ret[static WIRE_EXTENDED_MAX])
{
	uint8_t bytes[2048];
	struct wire_out out = wire_out_to(ret, WIRE_EXTENDED_MAX), caps = wire_out_to(bytes, sizeof(bytes));
	struct wire_mark length = begin(&out, WIRE_OPEN);
	size_t n = put_caps(&caps, rng);

	wire_put8(&out, 4);
	wire_put16(&out, 1 + rng_below(rng, UINT16_MAX));
	wire_put16(&out, chance(rng, 10) ? 0 : 3 + rng_below(rng, UINT16_MAX - 3));
	wire_put32(&out, 1 + rng_below(rng, UINT32_MAX));
	if (n == 0) {
		wire_put8(&out, 0);
	} else if (caps.len + 2 * n <= 255 && chance(rng, 50)) {
		wire_put8(&out, caps.len + 2 * n);
		put_each(&out, wire_in_of(caps.bytes, caps.len));
	} else {
		put_one(&out, wire_in_of(caps.bytes, caps.len));
	}
	return end(&out, length);
}

/* ---- The small kinds ---- */

size_t random_small(struct rng *rng, uint8_t ret[static WIRE_EXTENDED_MAX])
{
	struct wire_out out = wire_out_to(ret, WIRE_EXTENDED_MAX);
	bool refresh = chance(rng, 50);
	struct wire_mark length = begin(&out, refresh ? WIRE_ROUTE_REFRESH : WIRE_NOTIFICATION);

	put_octets(&out, rng, refresh ? 4 : 2 + rng_below(rng, 300));
	return end(&out, length);
}

size_t random_bfd(struct rng *rng, uint8_t ret[static WIRE_EXTENDED_MAX])
{
	static const uint8_t secrets[] = {0, 0, 16, 16, 20, 20};
	struct wire_out out = wire_out_to(ret, WIRE_EXTENDED_MAX);
	uint8_t auth = (uint8_t)rng_below(rng, 6);
	size_t secret = auth == 1 ? 1 + rng_below(rng, 16) : secrets[auth];
	size_t section = auth == 0 ? 0 : auth == 1 ? 3 + secret : 8 + secret;

	wire_put8(&out, 0x20 | rng_below(rng, 32));
	wire_put8(&out, rng_below(rng, 32) << 3 | (auth > 0 ? 4U : 0U) | (chance(rng, 50) ? 2U : 0U));
	wire_put8(&out, 1 + rng_below(rng, 255));
	wire_put8(&out, 24 + section);
	wire_put32(&out, 1 + rng_below(rng, UINT32_MAX));
	wire_put32(&out, 1 + rng_below(rng, UINT32_MAX));
	put_octets(&out, rng, 12);
	if (auth > 0) {
		wire_put8(&out, auth);
		wire_put8(&out, section);
		put_octets(&out, rng, 1);
		if (auth > 1)
			wire_put8(&out, 0);
		put_octets(&out, rng, secret + (auth > 1 ? 4 : 0));
	}
	return out.len;
}
