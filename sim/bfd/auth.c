/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Authentication (RFC 5880 section 6.7). Digests are taken over the packet with the key where the digest goes. */
#include "bfd_int.h"

#include <nettle/md5.h>
#include <nettle/memops.h>
#include <nettle/sha1.h>

#define PASSWORD_MAX 16U

static bool is_meticulous(uint8_t type)
{
	return type == WIRE_BFD_AUTH_METICULOUS_MD5 || type == WIRE_BFD_AUTH_METICULOUS_SHA1;
}

bool auth_conf_valid(const struct bfd_auth *auth)
{
	size_t digest = wire_bfd_digest_len((uint8_t)auth->type);

	if (auth->type == WIRE_BFD_AUTH_NONE)
		return true;
	if (auth->type == WIRE_BFD_AUTH_PASSWORD)
		return auth->key_len > 0 && auth->key_len <= PASSWORD_MAX;
	return digest > 0 && auth->key_len > 0 && auth->key_len <= digest;
}

static void digest_of(uint8_t type, const uint8_t *bytes, size_t n, uint8_t *ret)
{
	if (wire_bfd_digest_len(type) == MD5_DIGEST_SIZE) {
		struct md5_ctx md5;

		md5_init(&md5);
		md5_update(&md5, n, bytes);
		md5_digest(&md5, MD5_DIGEST_SIZE, ret);
	} else {
		struct sha1_ctx sha1;

		sha1_init(&sha1);
		sha1_update(&sha1, n, bytes);
		sha1_digest(&sha1, SHA1_DIGEST_SIZE, ret);
	}
}

void auth_encode(struct session *s, struct wire_bfd *p, struct wire_out *out)
{
	const struct bfd_auth *auth = &s->conf.auth;
	size_t digest = wire_bfd_digest_len((uint8_t)auth->type), secret, start = out->len;

	p->auth_type = (uint8_t)auth->type;
	p->auth_key = auth->key_id;
	/* A new number for each packet: demanded of the meticulous types, allowed to the others. */
	p->auth_seq = digest > 0 ? ++s->auth_seq_out : 0;
	p->secret = wire_in_of(auth->key, digest > 0 ? digest : auth->key_len);
	wire_bfd_encode(out, p, &secret);
	if (digest > 0)
		digest_of((uint8_t)auth->type, out->bytes + start, out->len - start, out->bytes + secret);
}

/* Sections 6.7.3 and 6.7.4: how far ahead of the last one a number may be, in a circle of 32 bits. */
static bool sequence_fits(const struct session *s, const struct wire_bfd *p)
{
	uint32_t ahead = p->auth_seq - s->auth_seq_in;

	return !s->auth_seq_known || (ahead >= (is_meticulous(p->auth_type) ? 1U : 0U) && ahead <= 3U * p->multiplier);
}

bool auth_check(struct session *s, const struct wire_bfd *p, const uint8_t *bytes, struct instant now)
{
	const struct bfd_auth *auth = &s->conf.auth;
	size_t digest = wire_bfd_digest_len((uint8_t)auth->type), len = wire_left(&p->secret);
	uint8_t keyed[UINT8_MAX], want[BFD_KEY_MAX];

	if (p->auth_type != auth->type || p->auth_key != auth->key_id)
		return false;
	if (digest == 0)
		return len == auth->key_len && memeql_sec(p->secret.at, auth->key, len) != 0;
	/* Section 6.8.1: silence for twice the detection time makes the other side's numbers unknown. */
	if (!instant_before(now, s->auth_stale_at))
		s->auth_seq_known = false;
	if (!sequence_fits(s, p))
		return false;
	memcpy(keyed, bytes, p->length);
	memcpy(keyed + (p->secret.at - bytes), auth->key, digest);
	digest_of(p->auth_type, keyed, p->length, want);
	if (memeql_sec(p->secret.at, want, digest) == 0)
		return false;
	s->auth_seq_known = true;
	s->auth_seq_in = p->auth_seq;
	return true;
}
