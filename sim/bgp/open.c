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
		  OPEN_ROLE_MISMATCH = 11, /* RFC 9234 section 4.2 */
};

void open_send(struct conn *c)
{
	const struct bgp_peer_conf *conf = &c->peer->conf;
	uint8_t cap_bytes[WIRE_MESSAGE_MAX - 64], bytes[WIRE_MESSAGE_MAX];
	struct wire_out caps = wire_out_to(cap_bytes, sizeof(cap_bytes));
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));

	caps_put(c, &caps);
	(c->peer->quirks->frr_open ? wire_open_encode_each : wire_open_encode)(
		&out, conf->local_as, conf->hold_s, conf->router_id, wire_in_of(caps.bytes, caps.len));
	output_send(c, bytes, out.len);
}

static struct wire_err refuse(enum open_error subcode, const char *clause)
{
	return (struct wire_err){
		.treat = WIRE_RESET, .code = WIRE_ERR_OPEN, .subcode = (uint8_t)subcode, .clause = clause};
}

static bool as_acceptable(const struct conn *c, const struct wire_open *open)
{
	const struct peer *p = c->peer;
	uint32_t as = wire_open_as(open), own = p->conf.local_as;

	if (p->conf.as_kind == BGP_AS_GIVEN)
		return as == p->conf.remote_as;
	return p->conf.as_kind == BGP_AS_INTERNAL ? as == own : as != own;
}

/* RFC 9234 section 4.2: the pairs that fit. */
static bool roles_fit(enum bgp_role ours, enum bgp_role theirs)
{
	static const enum bgp_role counterpart[] = {
		[BGP_ROLE_NONE] = BGP_ROLE_NONE,	 [BGP_ROLE_PROVIDER] = BGP_ROLE_CUSTOMER,
		[BGP_ROLE_RS] = BGP_ROLE_RS_CLIENT,	 [BGP_ROLE_RS_CLIENT] = BGP_ROLE_RS,
		[BGP_ROLE_CUSTOMER] = BGP_ROLE_PROVIDER, [BGP_ROLE_PEER] = BGP_ROLE_PEER,
	};

	return counterpart[ours] == theirs;
}

static bool role_acceptable(const struct conn *c, const struct wire_caps *caps)
{
	const struct bgp_peer_conf *conf = &c->peer->conf;

	if (conf->role == BGP_ROLE_NONE || !conn_external(c))
		return true;
	if (!caps->role_present)
		return !conf->role_strict;
	return caps->role <= BGP_ROLE_PEER - BGP_ROLE_PROVIDER &&
	       roles_fit(conf->role, (enum bgp_role)(BGP_ROLE_PROVIDER + caps->role));
}

static struct wire_err check_strictly(const struct conn *c, struct wire_in message, struct wire_open *ret)
{
	const struct bgp_peer_conf *own = &c->peer->conf;
	struct wire_err err = wire_open_decode(message, ret);

	if (err.treat != WIRE_OK)
		return err;
	if (!as_acceptable(c, ret))
		return refuse(OPEN_BAD_PEER_AS, "RFC 4271 section 6.2");
	if (!role_acceptable(c, &ret->caps))
		return refuse(OPEN_ROLE_MISMATCH, "RFC 9234 section 4.2");
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
	if (!ret->caps.as4_present && c->peer->conf.local_as > UINT16_MAX)
		return refuse(OPEN_BAD_PEER_AS, clause);
	return (struct wire_err){0};
}

struct wire_err open_check(const struct conn *c, struct wire_in message, struct wire_open *ret)
{
	return c->peer->quirks->strict_open ? check_strictly(c, message, ret) : check_loosely(c, message, ret);
}

void open_take(struct conn *c, const struct wire_open *open)
{
	struct peer *p = c->peer;
	uint16_t own = p->conf.hold_s;

	c->hold_s = open->hold_s < own ? open->hold_s : own;
	c->remote_as = wire_open_as(open);
	c->remote_id = open->id;
	if (p->conf.as_kind != BGP_AS_GIVEN)
		p->conf.remote_as = c->remote_as;
	caps_agree(c, &open->caps);
}
