/* SPDX-License-Identifier: GPL-2.0-or-later */
/* OPEN: what we offer, whether the peer's will do, and what both agreed on. */
#include "bgp_int.h"

#define PARAM_CAPABILITIES 2
#define VERSION 4

enum open_error { /* RFC 4271 section 6.2 */
		  OPEN_UNSUPPORTED_VERSION = 1,
		  OPEN_BAD_PEER_AS = 2,
		  OPEN_BAD_IDENTIFIER = 3,
		  OPEN_UNSUPPORTED_PARAMETER = 4,
		  OPEN_UNACCEPTABLE_HOLD_TIME = 6,
};

/* Ascending by code, but MetalLB's three are a golden vector: 1, 1, 65. */
static void put_capabilities(struct wire_out *caps, const struct bgp_speaker *s)
{
	bool full = s->quirks->full_capabilities;

	wire_cap_mp(caps, WIRE_AFI_IPV4, WIRE_SAFI_UNICAST);
	wire_cap_mp(caps, WIRE_AFI_IPV6, WIRE_SAFI_UNICAST);
	if (full) {
		wire_cap_flag(caps, WIRE_CAP_ROUTE_REFRESH);
		wire_cap_flag(caps, WIRE_CAP_EXTENDED_MESSAGE);
		/* Restart time 0 and no family: End-of-RIB is understood and sent, nothing is preserved (RFC 4724). */
		wire_cap_graceful_restart(caps, 0, 0, NULL, 0);
	}
	wire_cap_as4(caps, s->conf.as);
	if (full)
		wire_cap_flag(caps, WIRE_CAP_ENHANCED_REFRESH);
}

void open_send(struct conn *c)
{
	const struct bgp_speaker *s = c->peer->speaker;
	uint8_t cap_bytes[128], bytes[256];
	struct wire_out caps = wire_out_to(cap_bytes, sizeof(cap_bytes));
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));

	put_capabilities(&caps, s);
	wire_open_encode(&out, s->conf.as, c->peer->conf.hold_s, s->conf.router_id, wire_in_of(caps.bytes, caps.len));
	output_send(c, bytes, out.len);
}

static struct wire_err refuse(enum open_error subcode, const char *clause)
{
	return (struct wire_err){
		.treat = WIRE_RESET, .code = WIRE_ERR_OPEN, .subcode = (uint8_t)subcode, .clause = clause};
}

static struct wire_err check_strictly(const struct conn *c, struct wire_in message, struct wire_open *ret)
{
	const struct bgp_speaker_conf *own = &c->peer->speaker->conf;
	struct wire_err err = wire_open_decode(message, ret);

	if (err.treat != WIRE_OK)
		return err;
	if (wire_open_as(ret) != c->peer->conf.remote_as)
		return refuse(OPEN_BAD_PEER_AS, "RFC 4271 section 6.2");
	if (!conn_external(c) && ret->id == own->router_id)
		return refuse(OPEN_BAD_IDENTIFIER, "RFC 6286 section 2.2");
	return err;
}

/* MetalLB understands capabilities 1 and 65 and steps over the rest. */
static bool read_capabilities_loosely(struct wire_in *param, struct wire_caps *caps)
{
	while (wire_more(param)) {
		uint8_t code = wire_u8(param);
		struct wire_in value = wire_sub(param, wire_u8(param));

		if ((code == WIRE_CAP_MP || code == WIRE_CAP_AS4) && wire_left(&value) != 4)
			return false;
		if (code == WIRE_CAP_AS4) {
			caps->as4_present = true;
			caps->as4 = wire_u32(&value);
		}
	}
	return !param->bad;
}

static bool read_open_loosely(struct wire_in in, struct wire_open *ret)
{
	wire_skip(&in, WIRE_HEADER_LEN);
	ret->version = wire_u8(&in);
	ret->as16 = wire_u16(&in);
	ret->hold_s = wire_u16(&in);
	ret->id = wire_u32(&in);
	ret->params = wire_sub(&in, wire_u8(&in));
	in = ret->params;
	while (wire_more(&in)) {
		uint8_t type = wire_u8(&in);
		struct wire_in param = wire_sub(&in, wire_u8(&in));

		if (type != PARAM_CAPABILITIES || !read_capabilities_loosely(&param, &ret->caps))
			return false;
	}
	return !in.bad;
}

/* As MetalLB's native speaker reads it: capabilities are a must, any identifier will do. */
static struct wire_err check_loosely(const struct conn *c, struct wire_in message, struct wire_open *ret)
{
	static const char clause[] = "MetalLB native";

	*ret = (struct wire_open){0};
	if (!read_open_loosely(message, ret))
		return refuse(OPEN_UNSUPPORTED_PARAMETER, clause);
	if (ret->version != VERSION)
		return refuse(OPEN_UNSUPPORTED_VERSION, clause);
	if (ret->hold_s == 1 || ret->hold_s == 2)
		return refuse(OPEN_UNACCEPTABLE_HOLD_TIME, clause);
	if (wire_left(&ret->params) < 8)
		return refuse(OPEN_UNSUPPORTED_PARAMETER, clause);
	if (wire_open_as(ret) != c->peer->conf.remote_as)
		return refuse(OPEN_BAD_PEER_AS, clause);
	/* It has no AS4_PATH to put a long AS into. */
	if (!ret->caps.as4_present && c->peer->speaker->conf.as > UINT16_MAX)
		return refuse(OPEN_BAD_PEER_AS, clause);
	return (struct wire_err){0};
}

struct wire_err open_check(const struct conn *c, struct wire_in message, struct wire_open *ret)
{
	return c->peer->quirks->strict_open ? check_strictly(c, message, ret) : check_loosely(c, message, ret);
}

/* RFC 4760 section 8: without the capability there is IPv4 unicast alone. */
static bool offers(const struct wire_caps *caps, enum wire_afi afi)
{
	for (size_t i = 0; i < caps->mp_count; i++)
		if (caps->mp[i].afi == afi && caps->mp[i].safi == WIRE_SAFI_UNICAST)
			return true;
	return caps->mp_count == 0 && afi == WIRE_AFI_IPV4;
}

void open_take(struct conn *c, const struct wire_open *open)
{
	const struct quirks *quirks = c->peer->quirks;
	uint16_t own = c->peer->conf.hold_s;

	c->hold_s = open->hold_s < own ? open->hold_s : own;
	c->remote_id = open->id;
	c->wire.as4 = open->caps.as4_present;
	c->wire.extended = quirks->full_capabilities && open->caps.extended_message;
	c->enhanced_refresh = quirks->full_capabilities && open->caps.enhanced_refresh;
	c->ipv4 = quirks->ipv4_only || offers(&open->caps, WIRE_AFI_IPV4);
	c->ipv6 = !quirks->ipv4_only && offers(&open->caps, WIRE_AFI_IPV6);
}
