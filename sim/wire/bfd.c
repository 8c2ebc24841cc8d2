/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BFD control packets (RFC 5880 section 4). */
#include "wire_bfd.h"

#define PASSWORD_MAX 16U
#define AUTH_HEAD_LEN 3U /* type, length, key */

size_t wire_bfd_digest_len(uint8_t auth_type)
{
	switch (auth_type) {
	case WIRE_BFD_AUTH_MD5:
	case WIRE_BFD_AUTH_METICULOUS_MD5:
		return 16;
	case WIRE_BFD_AUTH_SHA1:
	case WIRE_BFD_AUTH_METICULOUS_SHA1:
		return 20;
	default:
		return 0;
	}
}

/* Sections 4.2 to 4.4. What is not a section as its type wants it is none: nobody can check it. */
static void auth_decode(struct wire_in in, struct wire_bfd *p)
{
	uint8_t type = wire_u8(&in), len = wire_u8(&in), key = wire_u8(&in);
	size_t digest = wire_bfd_digest_len(type);
	struct wire_in body = wire_sub(&in, len >= AUTH_HEAD_LEN ? len - AUTH_HEAD_LEN : SIZE_MAX);
	uint32_t seq = 0;

	if (digest > 0) {
		wire_skip(&body, 1); /* reserved */
		seq = wire_u32(&body);
	}
	if (body.bad || wire_left(&in) > 0)
		return;
	if (digest > 0 ? wire_left(&body) != digest
		       : type != WIRE_BFD_AUTH_PASSWORD || wire_left(&body) == 0 || wire_left(&body) > PASSWORD_MAX)
		return;
	p->auth_type = type;
	p->auth_key = key;
	p->auth_seq = seq;
	p->secret = body;
}

/* The rules of section 6.8.6 that need nothing but the packet, in their order. */
static enum wire_bfd_drop rules(const struct wire_bfd *p, size_t payload_len)
{
	if (payload_len < WIRE_BFD_LEN)
		return payload_len > 0 && p->version != WIRE_BFD_VERSION ? WIRE_BFD_DROP_VERSION : WIRE_BFD_DROP_SHORT;
	if (p->version != WIRE_BFD_VERSION)
		return WIRE_BFD_DROP_VERSION;
	if (p->length < ((p->flags & WIRE_BFD_AUTH) != 0 ? WIRE_BFD_LEN + 2 : WIRE_BFD_LEN))
		return WIRE_BFD_DROP_SHORT;
	if (p->length > payload_len)
		return WIRE_BFD_DROP_LENGTH;
	if (p->multiplier == 0)
		return WIRE_BFD_DROP_MULTIPLIER;
	if ((p->flags & WIRE_BFD_MULTIPOINT) != 0)
		return WIRE_BFD_DROP_MULTIPOINT;
	if (p->my == 0)
		return WIRE_BFD_DROP_MY;
	if (p->your == 0 && p->state != WIRE_BFD_DOWN && p->state != WIRE_BFD_ADMIN_DOWN)
		return WIRE_BFD_DROP_YOUR_ZERO;
	return WIRE_BFD_KEPT;
}

enum wire_bfd_drop wire_bfd_decode(struct wire_in payload, struct wire_bfd *ret)
{
	size_t len = wire_left(&payload);
	struct wire_in in = payload;
	uint8_t first = wire_u8(&in), second = wire_u8(&in);
	struct wire_bfd p = {.version = first >> 5, .diag = first & 0x1f, .state = second >> 6, .flags = second & 0x3f};
	enum wire_bfd_drop drop;

	p.multiplier = wire_u8(&in);
	p.length = wire_u8(&in);
	p.my = wire_u32(&in);
	p.your = wire_u32(&in);
	p.desired_tx_us = wire_u32(&in);
	p.required_rx_us = wire_u32(&in);
	p.required_echo_rx_us = wire_u32(&in);
	drop = rules(&p, len);
	if ((p.flags & WIRE_BFD_AUTH) != 0 && p.length > WIRE_BFD_LEN && p.length <= len)
		auth_decode(wire_sub(&in, p.length - WIRE_BFD_LEN), &p);
	*ret = p;
	return drop;
}

void wire_bfd_encode(struct wire_out *out, const struct wire_bfd *packet, size_t *ret_secret)
{
	bool auth = packet->auth_type != WIRE_BFD_AUTH_NONE;
	bool digest = wire_bfd_digest_len(packet->auth_type) > 0;
	size_t start = out->len, secret_len = wire_left(&packet->secret);
	size_t auth_len = auth ? AUTH_HEAD_LEN + (digest ? 5U : 0U) + secret_len : 0;
	unsigned int flags = packet->flags & ~(unsigned int)WIRE_BFD_AUTH;

	wire_put8(out, WIRE_BFD_VERSION << 5 | (packet->diag & 0x1fU));
	wire_put8(out, (unsigned int)packet->state << 6 | flags | (auth ? WIRE_BFD_AUTH : 0U));
	wire_put8(out, packet->multiplier);
	wire_put8(out, WIRE_BFD_LEN + auth_len);
	wire_put32(out, packet->my);
	wire_put32(out, packet->your);
	wire_put32(out, packet->desired_tx_us);
	wire_put32(out, packet->required_rx_us);
	wire_put32(out, packet->required_echo_rx_us);
	if (auth) {
		wire_put8(out, packet->auth_type);
		wire_put8(out, auth_len);
		wire_put8(out, packet->auth_key);
		if (digest) {
			wire_put8(out, 0);
			wire_put32(out, packet->auth_seq);
		}
	}
	*ret_secret = out->full ? start : out->len;
	wire_put(out, packet->secret.at, secret_len);
}

const char *wire_bfd_state_text(uint8_t state)
{
	static const char *const words[WIRE_BFD_STATE_COUNT] = {"AdminDown", "Down", "Init", "Up"};

	return state < WIRE_BFD_STATE_COUNT ? words[state] : "?";
}

const char *wire_bfd_diag_text(uint8_t diag)
{
	static const char *const words[] = {
		[WIRE_BFD_DIAG_NONE] = "No Diagnostic",
		[WIRE_BFD_DIAG_EXPIRED] = "Control Detection Time Expired",
		[WIRE_BFD_DIAG_ECHO_FAILED] = "Echo Function Failed",
		[WIRE_BFD_DIAG_NEIGHBOR_DOWN] = "Neighbor Signaled Session Down",
		[WIRE_BFD_DIAG_FORWARDING_RESET] = "Forwarding Plane Reset",
		[WIRE_BFD_DIAG_PATH_DOWN] = "Path Down",
		[WIRE_BFD_DIAG_CONCATENATED_DOWN] = "Concatenated Path Down",
		[WIRE_BFD_DIAG_ADMIN_DOWN] = "Administratively Down",
		[WIRE_BFD_DIAG_REVERSE_DOWN] = "Reverse Concatenated Path Down",
	};

	return diag < sizeof(words) / sizeof(words[0]) ? words[diag] : "Unknown";
}

const char *wire_bfd_drop_text(enum wire_bfd_drop drop)
{
	static const char *const words[WIRE_BFD_DROP_COUNT] = {
		[WIRE_BFD_KEPT] = "kept",
		[WIRE_BFD_DROP_TTL] = "the TTL is not 255",
		[WIRE_BFD_DROP_VERSION] = "the version is not 1",
		[WIRE_BFD_DROP_SHORT] = "the packet is too short",
		[WIRE_BFD_DROP_LENGTH] = "the length field is beyond the datagram",
		[WIRE_BFD_DROP_MULTIPLIER] = "the detect multiplier is zero",
		[WIRE_BFD_DROP_MULTIPOINT] = "the multipoint bit is set",
		[WIRE_BFD_DROP_MY] = "My Discriminator is zero",
		[WIRE_BFD_DROP_YOUR] = "Your Discriminator is no session's",
		[WIRE_BFD_DROP_YOUR_ZERO] = "Your Discriminator is zero in state Init or Up",
		[WIRE_BFD_DROP_STRANGER] = "no session is configured with the sender",
		[WIRE_BFD_DROP_AUTH_GIVEN] = "it is authenticated, though no authentication is in use",
		[WIRE_BFD_DROP_AUTH_ABSENT] = "it is not authenticated",
		[WIRE_BFD_DROP_AUTH_WRONG] = "its authentication is wrong",
		[WIRE_BFD_DROP_ADMIN_DOWN] = "the session is administratively down",
	};

	return drop < WIRE_BFD_DROP_COUNT ? words[drop] : "?";
}
