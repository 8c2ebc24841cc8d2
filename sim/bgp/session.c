/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A connection's bytes become messages, messages become events: decode, check, event, in this one place. */
#include "bgp_int.h"

struct conn *session_find(const struct bgp_speaker *s, bgp_conn_id id)
{
	for (size_t i = 0; i < s->peers.len; i++) {
		struct conn *conns = s->peers.at[i]->conns;

		for (size_t k = 0; k < 2; k++)
			if (conns[k].tcp != TCP_NONE && conns[k].id == id)
				return &conns[k];
	}
	return NULL;
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
					 .withdraw_all = err.treat == WIRE_TREAT_AS_WITHDRAW});
	/* RFC 4271 section 6.7 */
	if (c->over_limit)
		fsm_event(c, &(struct fsm_input){.event = EV_AUTOMATIC_STOP});
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
	if (err.treat == WIRE_RESET)
		on_error(c, EV_UPDATE_ERR, &err);
	else if (err.treat == WIRE_OK)
		fsm_event(c, &(struct fsm_input){.event = EV_UPDATE, .refresh = &refresh});
}

static void on_notification(struct conn *c, struct wire_in message)
{
	struct wire_notification n;
	struct wire_err err = wire_notification_decode(message, &n);
	bool version = false;

	if (err.treat != WIRE_OK) {
		notice_error(c->peer, c, "the peer closes with a NOTIFICATION that can't be read");
	} else {
		notice_error(c->peer, c, "the peer closes: %s", wire_error_text(n.code, n.subcode));
		version = n.code == WIRE_ERR_OPEN && n.subcode == 1;
	}
	fsm_event(c, &(struct fsm_input){.event = version ? EV_NOTIF_VERSION_ERR : EV_NOTIF});
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
