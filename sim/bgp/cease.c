/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why sessions end on purpose: Cease (RFC 4486, 9384), its words (RFC 9003), and Hard Reset (RFC 8538). */
#include "bgp_int.h"

#define WORDS_MAX 255 /* RFC 9003 section 2 */

bool cease_is_hard(const struct bgp_cease *why)
{
	return why->hard || why->subcode == BGP_CEASE_HARD_RESET || why->subcode == BGP_CEASE_MAX_PREFIXES ||
	       why->subcode == BGP_CEASE_SHUTDOWN || why->subcode == BGP_CEASE_DECONFIGURED;
}

/* A multi-octet character is not cut in two. */
static size_t words_len(const char *text)
{
	size_t n = strlen(text);

	if (n <= WORDS_MAX)
		return n;
	n = WORDS_MAX;
	while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static void put_words(struct wire_out *out, const struct bgp_cease *why)
{
	if (why->text == NULL || (why->subcode != BGP_CEASE_SHUTDOWN && why->subcode != BGP_CEASE_RESET))
		return;
	wire_put8(out, words_len(why->text));
	wire_put(out, why->text, words_len(why->text));
}

void cease_send(struct conn *c, const struct bgp_cease *why)
{
	uint8_t bytes[2 + 1 + WORDS_MAX];
	struct wire_out data = wire_out_to(bytes, sizeof(bytes));
	bool wrapped = c->restart.notification && cease_is_hard(why) && why->subcode != BGP_CEASE_HARD_RESET;

	/* RFC 8538 section 3: the NOTIFICATION it would have been is inside. */
	if (wrapped) {
		wire_put8(&data, WIRE_ERR_CEASE);
		wire_put8(&data, (uint64_t)why->subcode);
	}
	put_words(&data, why);
	conn_notify(c, WIRE_ERR_CEASE, (uint8_t)(wrapped ? BGP_CEASE_HARD_RESET : why->subcode),
		    wire_in_of(bytes, data.len));
}

/* ---- What the peer says ---- */

/* What a terminal can show: a peer's control characters stay out, and all beyond ASCII where it is no UTF-8. */
static const char *printable(struct bgp_speaker *s, struct wire_in words)
{
	size_t n = wire_left(&words);
	char *text = n > 0 ? arena_strndup(&s->output_arena, (const char *)words.at, n) : NULL;

	for (size_t i = 0; i < n && text[i] != '\0'; i++)
		if ((unsigned char)text[i] < ' ' || (unsigned char)text[i] >= 0x7f)
			text[i] = '?';
	return text;
}

/* RFC 9003 section 2: one octet of length, then as many of text. */
static const char *shutdown_words(struct bgp_speaker *s, uint8_t subcode, struct wire_in data)
{
	struct wire_in words;

	if ((subcode != BGP_CEASE_SHUTDOWN && subcode != BGP_CEASE_RESET) || !wire_more(&data))
		return NULL;
	words = wire_sub(&data, wire_u8(&data));
	return words.bad ? NULL : printable(s, words);
}

const char *cease_text(struct bgp_speaker *s, const struct wire_notification *n, bool *ret_hard)
{
	struct wire_notification what = *n;
	const char *words = NULL, *hard = "";

	*ret_hard = n->code == WIRE_ERR_CEASE && n->subcode == BGP_CEASE_HARD_RESET;
	if (*ret_hard && wire_left(&n->data) >= 2) {
		what.code = wire_u8(&what.data);
		what.subcode = wire_u8(&what.data);
		hard = "Hard Reset: ";
	}
	if (what.code == WIRE_ERR_CEASE)
		words = shutdown_words(s, what.subcode, what.data);
	if (words == NULL)
		return arena_printf(&s->output_arena, "%s%s", hard, wire_error_text(what.code, what.subcode));
	return arena_printf(&s->output_arena, "%s%s: \"%s\"", hard, wire_error_text(what.code, what.subcode), words);
}

/* ---- Our own ends ---- */

/* Words are the caller's for the call alone; nothing keeps them after it. */
static void end(struct peer *p, const struct bgp_cease *why, enum fsm_event event, struct instant now)
{
	struct conn *first = peer_main(p), *second = peer_second(p);
	struct fsm_input in = {.event = event};

	p->speaker->now = now;
	p->cease = *why;
	fsm_event(second, &in);
	fsm_event(first, &in);
	p->cease.text = NULL;
	restart_deferral_check(p->speaker);
	rib_settle(p->speaker);
}

void bgp_peer_shutdown(struct bgp_speaker *s, bgp_peer_id peer, const struct bgp_cease *why, struct instant now)
{
	struct peer *p = s->peers.at[peer];

	p->started = false;
	p->idle_hold_due = INSTANT_NEVER;
	restart_forget(p);
	end(p, why, EV_MANUAL_STOP, now);
}

void bgp_peer_stop(struct bgp_speaker *s, bgp_peer_id peer, struct instant now)
{
	bgp_peer_shutdown(s, peer, &(struct bgp_cease){.subcode = BGP_CEASE_SHUTDOWN}, now);
}

void bgp_peer_reset(struct bgp_speaker *s, bgp_peer_id peer, const struct bgp_cease *why, struct instant now)
{
	end(s->peers.at[peer], why, why->subcode == BGP_CEASE_RESET ? EV_MANUAL_STOP : EV_AUTOMATIC_STOP, now);
}

void bgp_peer_remove(struct bgp_speaker *s, bgp_peer_id peer, struct instant now)
{
	struct peer *p = s->peers.at[peer];

	if (p->removed)
		return;
	bgp_peer_shutdown(s, peer, &(struct bgp_cease){.subcode = BGP_CEASE_DECONFIGURED}, now);
	p->removed = true;
	chains_remove(&s->by_address, &p->by_address);
}

const uint8_t *bgp_rejection(const struct bgp_speaker *s, size_t *ret_len)
{
	static const uint8_t message[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					  0xff, 0xff, 0,    21,	  3,	6,    BGP_CEASE_REJECTED};

	*ret_len = s->quirks->notifies ? sizeof(message) : 0;
	return message;
}
