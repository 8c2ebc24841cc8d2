/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A connection's bytes become messages, messages become events: decode, check, event, in this one place. */
#include "bgp_int.h"

/* The place of the connection, or of the first behind it. */
static size_t place_of(const struct bgp_speaker *s, bgp_conn_id id)
{
	size_t low = 0, high = s->conns.len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->conns.at[middle]->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct conn *session_find(const struct bgp_speaker *s, bgp_conn_id id)
{
	size_t at = place_of(s, id);
	struct conn *c = at < s->conns.len ? s->conns.at[at] : NULL;

	return c != NULL && c->id == id && c->tcp != TCP_NONE ? c : NULL;
}

void session_add(struct conn *c)
{
	VEC_PUSH(&c->peer->speaker->conns, c);
}

void session_remove(struct conn *c)
{
	struct bgp_speaker *s = c->peer->speaker;
	size_t at = place_of(s, c->id);

	if (at >= s->conns.len || s->conns.at[at] != c)
		return;
	memmove(&s->conns.at[at], &s->conns.at[at + 1], (--s->conns.len - at) * sizeof(*s->conns.at));
}

static void on_error(struct conn *c, enum fsm_event event, const struct wire_err *err)
{
	notice_error(c->peer, c, "%s (%s)", wire_error_text(err->code, err->subcode), err->clause);
	fsm_event(c, &(struct fsm_input){.event = event, .err = err});
}

static void on_open(struct conn *c, struct wire_in message)
{
	struct wire_open open;
	struct wire_err err = open_check(c, message, &open);
	bool delayed = c->delay_open_due.ns != INSTANT_NEVER.ns;

	if (err.treat != WIRE_OK) {
		on_error(c, EV_OPEN_ERR, &err);
		return;
	}
	collision_open(c, &(struct fsm_input){.event = delayed ? EV_OPEN_DELAYED : EV_OPEN, .open = &open});
	/* MetalLB takes the peer's KEEPALIVE for granted. */
	if (c->state == BGP_OPEN_CONFIRM && !c->peer->quirks->awaits_keepalive)
		fsm_event(c, &(struct fsm_input){.event = EV_KEEPALIVE});
}

/* RFC 4271 section 6.7; without AllowAutomaticStop what is beyond the limit is ignored. */
static void over_limit(struct conn *c)
{
	struct peer *p = c->peer;

	c->over_limit = false;
	if (p->conf.session.no_automatic_stop) {
		notice_error(p, c, "more than %u prefixes: the rest is ignored", (unsigned int)p->conf.max_prefixes);
		return;
	}
	p->cease = (struct bgp_cease){.subcode = BGP_CEASE_MAX_PREFIXES};
	fsm_event(c, &(struct fsm_input){.event = EV_AUTOMATIC_STOP});
}

static void on_update(struct conn *c, struct wire_in message)
{
	struct wire_update update;
	struct wire_err err;

	if (c->state != BGP_ESTABLISHED || !c->peer->quirks->learns) {
		fsm_event(c, &(struct fsm_input){.event = EV_UPDATE});
		return;
	}
	c->wire.ebgp = conn_external(c);
	err = wire_update_decode(message, &c->wire, &update);
	if (err.treat == WIRE_RESET) {
		on_error(c, EV_UPDATE_ERR, &err);
		return;
	}
	if (err.treat != WIRE_OK)
		notice_error(c->peer, c, "%s (%s): %s", wire_error_text(err.code, err.subcode), err.clause,
			     err.treat == WIRE_TREAT_AS_WITHDRAW ? "its routes are taken as withdrawn"
								 : "the attribute is discarded");
	fsm_event(c, &(struct fsm_input){.event = EV_UPDATE,
					 .update = &update,
					 .withdraw_all = err.treat == WIRE_TREAT_AS_WITHDRAW ||
							 !c->peer->quirks->takes_routes || conn_import_denied(c)});
	if (update.end_of_rib && err.treat == WIRE_OK)
		restart_end_of_rib(c, update.eor_afi, update.eor_safi);
	if (c->over_limit)
		over_limit(c);
}

/* The error code of RFC 7313 is for those who know it; others are told of the header's length (RFC 4271 section 6.1). */
static void on_short_refresh(struct conn *c, struct wire_in message)
{
	struct wire_err err = {.treat = WIRE_RESET,
			       .code = WIRE_ERR_HEADER,
			       .subcode = 2,
			       .data = message.at + 16,
			       .data_len = 2,
			       .clause = "RFC 4271 section 6.1"};

	on_error(c, EV_HEADER_ERR, &err);
}

/* RFC 2918 knows no state but Established; elsewhere it is as unexpected as an UPDATE. */
static void on_refresh(struct conn *c, struct wire_in message)
{
	struct wire_refresh refresh;
	struct wire_err err;

	if (c->state != BGP_ESTABLISHED || !c->peer->quirks->learns) {
		fsm_event(c, &(struct fsm_input){.event = EV_UPDATE});
		return;
	}
	err = wire_refresh_decode(message, &refresh);
	if (err.treat == WIRE_RESET && !c->enhanced_refresh)
		on_short_refresh(c, message);
	else if (err.treat == WIRE_RESET)
		on_error(c, EV_UPDATE_ERR, &err);
	else if (err.treat == WIRE_OK)
		fsm_event(c, &(struct fsm_input){.event = EV_UPDATE, .refresh = &refresh});
}

static void on_notification(struct conn *c, struct wire_in message)
{
	struct wire_notification n;
	struct wire_err err = wire_notification_decode(message, &n);
	bool version = false, hard = false, rejected = false;

	if (err.treat != WIRE_OK) {
		notice_error(c->peer, c, "the peer closes with a NOTIFICATION that can't be read");
	} else {
		notice_error(c->peer, c, "the peer closes: %s", cease_text(c->peer->speaker, &n, &hard));
		version = n.code == WIRE_ERR_OPEN && n.subcode == 1;
		rejected = n.code == WIRE_ERR_CEASE && n.subcode == BGP_CEASE_REJECTED && c->state < BGP_OPEN_CONFIRM;
		/* RFC 5492 section 3: who knows no optional parameters may still talk without. */
		if (n.code == WIRE_ERR_OPEN && n.subcode == 4 && c->peer->quirks->strict_open)
			c->peer->capable = !c->peer->capable;
	}
	fsm_event(c, &(struct fsm_input){
			     .event = version ? EV_NOTIF_VERSION_ERR : EV_NOTIF, .hard = hard, .rejected = rejected});
}

static void on_message(struct conn *c, enum wire_type type, const uint8_t *bytes, size_t n)
{
	struct wire_in message = wire_in_of(bytes, n);

	notice_received(c, bytes, n);
	switch (type) {
	case WIRE_OPEN:
		on_open(c, message);
		break;
	case WIRE_UPDATE:
		on_update(c, message);
		break;
	case WIRE_NOTIFICATION:
		on_notification(c, message);
		break;
	case WIRE_KEEPALIVE:
		c->heard_keepalive = true;
		fsm_event(c, &(struct fsm_input){.event = EV_KEEPALIVE});
		break;
	case WIRE_ROUTE_REFRESH:
		on_refresh(c, message);
		break;
	}
}

/* Handles the whole messages at the front while the connection lives; returns how many octets they took. */
static size_t take_messages(struct bgp_speaker *s, bgp_conn_id id, const uint8_t *bytes, size_t n)
{
	size_t done = 0, len;
	uint8_t type;
	struct conn *c;

	while ((c = session_find(s, id)) != NULL) {
		struct wire_err err = wire_frame(bytes + done, n - done, c->wire.extended, &len, &type);

		if (err.treat != WIRE_OK) {
			on_error(c, EV_HEADER_ERR, &err);
			break;
		}
		if (len == 0)
			break;
		on_message(c, type, bytes + done, len);
		done += len;
	}
	return done;
}

static void keep(struct conn *c, const uint8_t *bytes, size_t n)
{
	size_t len = c->rx.len + n;

	if (n == 0)
		return;
	if (len > c->rx.cap) {
		c->rx.at = memory_grow(c->rx.at, len, 1);
		c->rx.cap = len;
	}
	memcpy(c->rx.at + c->rx.len, bytes, n);
	c->rx.len = len;
}

/* What is kept is always less than one message: wire_frame refuses a length above the limit as soon as it is seen. */
void session_bytes(struct bgp_speaker *s, bgp_conn_id id, const uint8_t *bytes, size_t n)
{
	struct conn *c = session_find(s, id);
	uint8_t *joined = NULL;
	size_t done;

	if (c == NULL || n == 0)
		return;
	if (c->rx.len > 0) {
		/* Handling a message may drop the connection and its buffer, so the bytes change hands first. */
		keep(c, bytes, n);
		joined = c->rx.at;
		bytes = joined;
		n = c->rx.len;
		c->rx.at = NULL;
		c->rx.len = c->rx.cap = 0;
	}
	done = take_messages(s, id, bytes, n);
	c = session_find(s, id);
	if (c != NULL)
		keep(c, bytes + done, n - done);
	free(joined);
}
