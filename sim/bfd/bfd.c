/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sessions of one system: finding them, their timers, what they say. */
#include "bfd_int.h"

#include <assert.h>
#include <errno.h>

#define DEFAULT_INTERVAL_US 300000U
#define DEFAULT_MULTIPLIER 3U
#define ID_BITS 16U

struct bfd *bfd_new(uint64_t seed)
{
	struct bfd *b = memory_new(sizeof(*b));

	b->rng.state = seed;
	for (size_t i = 0; i < BUCKETS; i++)
		b->buckets[i] = NOWHERE;
	return b;
}

void bfd_free(struct bfd *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < b->sessions.len; i++)
		free(b->sessions.at[i]);
	VEC_FREE(&b->sessions);
	VEC_FREE(&b->unused);
	VEC_FREE(&b->heap);
	VEC_FREE(&b->outputs);
	free(b);
}

static struct session *session_at(const struct bfd *b, bfd_session_id id)
{
	assert(id < b->sessions.len && b->sessions.at[id]->used);
	return b->sessions.at[id];
}

/* ---- By address ---- */

static uint32_t bucket_of(const struct addr *remote)
{
	uint32_t h = UINT32_C(2166136261);

	for (size_t i = 0; i < addr_len(remote->family); i++)
		h = (h ^ remote->b[i]) * UINT32_C(16777619);
	return (h ^ h >> 16) % BUCKETS;
}

static struct session *by_address(const struct bfd *b, const struct addr *local, const struct addr *remote)
{
	struct session *any = NULL;
	struct session *s;

	for (uint32_t id = b->buckets[bucket_of(remote)]; id != NOWHERE; id = s->next) {
		s = b->sessions.at[id];
		if (!addr_equal(&s->conf.remote, remote))
			continue;
		if (addr_equal(&s->conf.local, local))
			return s;
		if (s->conf.local.family == ADDR_NONE)
			any = s;
	}
	return any;
}

bool bfd_session_find(const struct bfd *b, const struct addr *local, const struct addr *remote, bfd_session_id *ret)
{
	const struct session *s = by_address(b, local, remote);

	if (s != NULL)
		*ret = s->id;
	return s != NULL;
}

/* ---- Configuration ---- */

static int parameters_check(uint32_t desired_tx_us, uint32_t required_rx_us, uint8_t multiplier)
{
	return desired_tx_us < BFD_INTERVAL_MIN_US || required_rx_us < BFD_INTERVAL_MIN_US || multiplier == 0 ? -EINVAL
													      : 0;
}

static int conf_fill(struct bfd_session_conf *conf)
{
	if (conf->desired_tx_us == 0)
		conf->desired_tx_us = DEFAULT_INTERVAL_US;
	if (conf->required_rx_us == 0)
		conf->required_rx_us = DEFAULT_INTERVAL_US;
	if (conf->multiplier == 0)
		conf->multiplier = DEFAULT_MULTIPLIER;
	if (conf->remote.family == ADDR_NONE ||
	    (conf->local.family != ADDR_NONE && conf->local.family != conf->remote.family) ||
	    !auth_conf_valid(&conf->auth))
		return -EINVAL;
	if (conf->auth.type == WIRE_BFD_AUTH_NONE)
		conf->auth = (struct bfd_auth){0};
	/* A key shorter than the digest is followed by zeros. */
	memset(conf->auth.key + conf->auth.key_len, 0, sizeof(conf->auth.key) - conf->auth.key_len);
	return parameters_check(conf->desired_tx_us, conf->required_rx_us, conf->multiplier);
}

static struct session *session_new(struct bfd *b)
{
	struct session *s;
	bfd_session_id id;

	if (b->unused.len > 0) {
		id = b->unused.at[--b->unused.len];
		s = b->sessions.at[id];
	} else {
		id = (bfd_session_id)b->sessions.len;
		s = memory_new(sizeof(*s));
		VEC_PUSH(&b->sessions, s);
	}
	*s = (struct session){.used = true, .id = id, .heap_at = NOWHERE};
	return s;
}

int bfd_session_add(struct bfd *b, const struct bfd_session_conf *conf, struct instant now, bfd_session_id *ret)
{
	struct bfd_session_conf filled = *conf;
	const struct session *there = by_address(b, &conf->local, &conf->remote);
	int r = conf_fill(&filled);
	struct session *s;
	uint32_t *bucket;

	if (r < 0)
		return r;
	if (there != NULL && addr_equal(&there->conf.local, &conf->local))
		return -EEXIST;
	if (b->unused.len == 0 && b->sessions.len >= BFD_SESSIONS_MAX)
		return -ENOSPC;
	s = session_new(b);
	s->conf = filled;
	s->state = s->remote_state = WIRE_BFD_DOWN;
	/* Never zero, unique by its lower half, hard to guess by its upper one. */
	s->local_discr = (uint32_t)rng_below(&b->rng, 1U << (32 - ID_BITS)) << ID_BITS | (s->id + 1);
	s->auth_seq_out = (uint32_t)rng_next(&b->rng);
	s->desired_tx_us = s->tx_us = session_desire(s);
	s->required_rx_us = s->rx_us = filled.required_rx_us;
	s->remote_rx_us = 1;
	s->tx_due = s->detect_due = INSTANT_NEVER;
	bucket = &b->buckets[bucket_of(&filled.remote)];
	s->next = *bucket;
	*bucket = s->id;
	timer_transmit(b, s, now);
	heap_place(b, s);
	*ret = s->id;
	return 0;
}

void bfd_session_remove(struct bfd *b, bfd_session_id session)
{
	struct session *s = session_at(b, session);
	uint32_t *link = &b->buckets[bucket_of(&s->conf.remote)];

	while (*link != session)
		link = &b->sessions.at[*link]->next;
	*link = s->next;
	heap_remove(b, s);
	for (size_t i = 0; i < b->outputs.len; i++)
		if (b->outputs.at[i].session == session)
			b->outputs.at[i].kind = BFD_OUT_NONE;
	s->used = false;
	VEC_PUSH(&b->unused, session);
}

void bfd_session_admin_down(struct bfd *b, bfd_session_id session, bool down, struct instant now)
{
	session_admin_down(b, session_at(b, session), down, now);
}

int bfd_session_set(struct bfd *b, bfd_session_id session, uint32_t desired_tx_us, uint32_t required_rx_us,
		    uint8_t multiplier, struct instant now)
{
	struct session *s = session_at(b, session);
	int r = parameters_check(desired_tx_us, required_rx_us, multiplier);

	if (r < 0)
		return r;
	s->conf.desired_tx_us = desired_tx_us;
	s->conf.required_rx_us = required_rx_us;
	s->conf.multiplier = multiplier;
	timer_desire(s, session_desire(s));
	timer_require(s, required_rx_us);
	timer_transmit(b, s, now);
	timer_detect(s);
	heap_place(b, s);
	return 0;
}

/* ---- Events ---- */

/* RFC 5880 section 6.8.6 where a session is needed. */
static enum wire_bfd_drop receive(struct bfd *b, const struct bfd_arrival *from, const uint8_t *bytes, size_t n,
				  struct instant now)
{
	struct wire_bfd p;
	enum wire_bfd_drop drop = wire_bfd_decode(wire_in_of(bytes, n), &p);
	bfd_session_id id = (p.your & ((1U << ID_BITS) - 1)) - 1;
	struct session *s = NULL;

	if (drop != WIRE_BFD_KEPT)
		return drop;
	if (p.your == 0)
		s = by_address(b, &from->local, &from->remote);
	else if (id < b->sessions.len && b->sessions.at[id]->used && b->sessions.at[id]->local_discr == p.your)
		s = b->sessions.at[id];
	if (s == NULL)
		return p.your == 0 ? WIRE_BFD_DROP_STRANGER : WIRE_BFD_DROP_YOUR;
	if ((p.flags & WIRE_BFD_AUTH) != 0 && s->conf.auth.type == WIRE_BFD_AUTH_NONE)
		return WIRE_BFD_DROP_AUTH_GIVEN;
	if ((p.flags & WIRE_BFD_AUTH) == 0 && s->conf.auth.type != WIRE_BFD_AUTH_NONE)
		return WIRE_BFD_DROP_AUTH_ABSENT;
	if (s->conf.auth.type != WIRE_BFD_AUTH_NONE && !auth_check(s, &p, bytes, now))
		return WIRE_BFD_DROP_AUTH_WRONG;
	return session_receive(b, s, &p, now);
}

enum wire_bfd_drop bfd_in_packet(struct bfd *b, const struct bfd_arrival *from, const uint8_t *bytes, size_t n,
				 struct instant now)
{
	/* RFC 5881 section 5: a packet that was forwarded is none of a neighbour's. */
	enum wire_bfd_drop drop = from->ttl != UINT8_MAX ? WIRE_BFD_DROP_TTL : receive(b, from, bytes, n, now);

	b->dropped[drop]++;
	return drop;
}

void bfd_in_time(struct bfd *b, struct instant now)
{
	while (b->heap.len > 0 && !instant_before(now, heap_due(b->heap.at[0]))) {
		struct session *s = b->heap.at[0];

		if (!instant_before(now, s->detect_due)) {
			session_expire(b, s, now);
			continue;
		}
		session_send(b, s, PACKET_PERIODIC, now);
		timer_transmit(b, s, now);
		heap_place(b, s);
	}
}

struct instant bfd_deadline(const struct bfd *b)
{
	return b->heap.len > 0 ? heap_due(b->heap.at[0]) : INSTANT_NEVER;
}

const struct bfd_output *bfd_outputs(const struct bfd *b, size_t *ret_count)
{
	*ret_count = b->outputs.len;
	return b->outputs.at;
}

void bfd_outputs_clear(struct bfd *b)
{
	VEC_CLEAR(&b->outputs);
}

/* ---- For display ---- */

struct bfd_session_info bfd_session_info(const struct bfd *b, bfd_session_id session)
{
	const struct session *s = session_at(b, session);

	return (struct bfd_session_info){
		.state = s->state,
		.remote_state = s->remote_state,
		.diag = s->diag,
		.remote_diag = s->remote_diag,
		.local_discriminator = s->local_discr,
		.remote_discriminator = s->remote_discr,
		.tx_ns = s->tx_ns,
		.detect_ns = timer_detect_ns(s),
		.polling = s->poll != POLL_NONE,
		.sent = s->sent,
		.received = s->received,
	};
}

const struct bfd_session_conf *bfd_session_conf(const struct bfd *b, bfd_session_id session)
{
	return &session_at(b, session)->conf;
}

uint64_t bfd_dropped(const struct bfd *b, enum wire_bfd_drop why)
{
	return b->dropped[why];
}
