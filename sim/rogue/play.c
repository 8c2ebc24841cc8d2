/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plays one case: a session as it should be, up to the stage at which the case's bytes take over. */
#include "arena.h"
#include "rogue.h"
#include "vec.h"
#include "wire.h"

#include <stdlib.h>
#include <string.h>

enum state { WAITS_FOR_TCP, WAITS_FOR_OPEN, WAITS_FOR_KEEPALIVE, UP, OVER };

struct rogue {
	struct rogue_conf conf;
	const struct rogue_case *what;
	enum state state;
	VEC(uint8_t) in;
	VEC(uint8_t) out;
	size_t handed;		       /* of out */
	size_t single_from, single_to; /* the part of out that goes octet by octet */
	bool played;		       /* the case's bytes are in out */
	bool done;		       /* and have left it */
	bool ended;		       /* FIN or RST was handed out */
	bool silent;
	bool heard; /* something of the other side */
	struct instant keepalive;
	struct instant now; /* as last told */
	struct instant due; /* when the next octet of a paced case goes */
};

struct rogue *rogue_new(const struct rogue_conf *conf, const struct rogue_case *what)
{
	struct rogue *r = memory_new(sizeof(*r));

	r->conf = *conf;
	r->conf.old = what->old;
	r->what = what;
	r->keepalive = INSTANT_NEVER;
	return r;
}

void rogue_free(struct rogue *r)
{
	if (r == NULL)
		return;
	VEC_FREE(&r->in);
	VEC_FREE(&r->out);
	free(r);
}

/* The catalogue's templates are right, which a test proves; of a wrong one nothing is sent. */
static void put(struct rogue *r, const char *template, unsigned int times)
{
	struct errmsg err;
	size_t n = 0;
	uint8_t *bytes = rogue_write(template, &r->conf, &n, &err);

	for (unsigned int t = 0; bytes != NULL && t < times; t++) {
		for (size_t i = 0; i < n; i++)
			VEC_PUSH(&r->out, bytes[i]);
	}
	free(bytes);
}

static void play(struct rogue *r)
{
	if (r->what->prior)
		put(r, "<02 [] [{origin}{path}{nh}] {nlri}>", 1);
	r->single_from = r->out.len;
	put(r, r->what->bytes, r->what->times > 0 ? r->what->times : 1);
	r->single_to = r->what->bytewise || r->what->pace_ms > 0 ? r->out.len : r->single_from;
	r->played = true;
	r->silent = r->what->then != ROGUE_GOES_ON;
}

void rogue_connected(struct rogue *r, struct instant now)
{
	r->now = now;
	if (r->state != WAITS_FOR_TCP)
		return;
	r->state = WAITS_FOR_OPEN;
	if (r->what->stage == ROGUE_AS_OPEN)
		play(r);
	else
		put(r, "<01 04 {as} {hold} {id} ({caps})>", 1);
}

static void keepalive_send(struct rogue *r, struct instant now)
{
	if (r->silent)
		return;
	put(r, "<04>", 1);
	r->keepalive = instant_add(now, ROGUE_HOLD_S * NS_PER_S / 3);
}

static void on_open(struct rogue *r, struct instant now)
{
	if (r->state != WAITS_FOR_OPEN)
		return;
	r->state = WAITS_FOR_KEEPALIVE;
	if (r->what->stage == ROGUE_AS_KEEPALIVE)
		play(r);
	keepalive_send(r, now);
}

static void on_message(struct rogue *r, uint8_t type, struct instant now)
{
	if (type == WIRE_OPEN) {
		on_open(r, now);
	} else if (type == WIRE_KEEPALIVE && r->state == WAITS_FOR_KEEPALIVE) {
		r->state = UP;
		if (r->what->stage == ROGUE_ESTABLISHED)
			play(r);
	}
}

void rogue_bytes(struct rogue *r, const uint8_t *bytes, size_t n, struct instant now)
{
	size_t used = 0, len;
	uint8_t type;

	r->now = now;
	r->heard = r->heard || n > 0;

	for (size_t i = 0; i < n; i++)
		VEC_PUSH(&r->in, bytes[i]);
	/* The other side's own mistakes are for the judge; here the stream just ends. */
	while (r->state != OVER && wire_frame(r->in.at + used, r->in.len - used, false, &len, &type).treat == WIRE_OK &&
	       len > 0) {
		used += len;
		on_message(r, type, now);
	}
	if (used > 0)
		memmove(r->in.at, r->in.at + used, r->in.len - used);
	r->in.len -= used;
	if (r->in.len > WIRE_MESSAGE_MAX)
		r->in.len = 0;
}

bool rogue_closed(struct rogue *r)
{
	bool again = !r->heard && !r->ended;

	r->keepalive = INSTANT_NEVER;
	r->due = r->now;
	r->out.len = r->handed = r->single_from = r->single_to = 0;
	r->played = r->done = r->silent = false;
	r->state = again ? WAITS_FOR_TCP : OVER;
	r->ended = !again;
	return again;
}

void rogue_time(struct rogue *r, struct instant now)
{
	r->now = now;
	if (r->keepalive.ns == INSTANT_NEVER.ns || instant_before(now, r->keepalive))
		return;
	r->keepalive = INSTANT_NEVER;
	keepalive_send(r, now);
}

struct instant rogue_deadline(const struct rogue *r)
{
	return instant_before(r->now, r->due) && instant_before(r->due, r->keepalive) ? r->due : r->keepalive;
}

static bool is_single(const struct rogue *r)
{
	return r->handed >= r->single_from && r->handed < r->single_to;
}

static enum rogue_act last_act(const struct rogue *r)
{
	switch (r->what->then) {
	case ROGUE_SENDS_FIN:
		return ROGUE_FIN;
	case ROGUE_SENDS_RST:
		return ROGUE_RST;
	case ROGUE_VANISHES:
		return ROGUE_VANISH;
	case ROGUE_GOES_ON:
	case ROGUE_FALLS_SILENT:
		break;
	}
	return ROGUE_NOTHING;
}

enum rogue_act rogue_next(struct rogue *r, const uint8_t **ret_bytes, size_t *ret_len)
{
	size_t from = r->handed, to = r->out.len;
	enum rogue_act last;

	if (instant_before(r->now, r->due))
		return ROGUE_NOTHING;
	if (from < to) {
		if (from < r->single_from)
			to = r->single_from;
		else if (is_single(r))
			to = from + 1;
		*ret_bytes = r->out.at + from;
		*ret_len = to - from;
		r->handed = to;
		if (r->what->pace_ms > 0 && is_single(r) && from >= r->single_from) {
			/* one that went late, since the machine was busy, does not make the others late */
			r->due = instant_add(from == r->single_from ? r->now : r->due,
					     (int64_t)r->what->pace_ms * NS_PER_MS);
		}
		return ROGUE_SEND;
	}
	r->out.len = r->handed = r->single_from = r->single_to = 0;
	r->done = r->played;
	last = last_act(r);
	if (!r->played || r->ended || last == ROGUE_NOTHING)
		return ROGUE_NOTHING;
	r->ended = true;
	return last;
}

bool rogue_done(const struct rogue *r)
{
	return r->state == OVER || r->done || (r->played && r->what->pace_ms > 0);
}
