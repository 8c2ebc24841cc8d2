/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine's connection: dialled or accepted, spoken on, dropped. */
#include "bgp_int.h"

struct conn *peer_established(struct peer *p)
{
	for (size_t i = 0; i < 2; i++)
		if (p->conns[i].state == BGP_ESTABLISHED)
			return &p->conns[i];
	return NULL;
}

static void timers_stop(struct conn *c)
{
	c->hold_due = c->keepalive_due = c->delay_open_due = INSTANT_NEVER;
}

void conn_init(struct conn *c, struct peer *p)
{
	c->peer = p;
	c->state = BGP_IDLE;
	timers_stop(c);
}

void conn_fini(struct conn *c)
{
	VEC_FREE(&c->rx);
}

void conn_dial(struct conn *c)
{
	c->id = ++c->peer->speaker->last_conn;
	session_add(c);
	c->tcp = TCP_DIALLING;
	c->incoming = false;
	output_connect(c);
}

void conn_attach(struct conn *c, bgp_conn_id id, bool incoming, const struct addr *local)
{
	if (incoming) {
		c->id = id;
		session_add(c);
	}
	c->tcp = TCP_UP;
	c->incoming = incoming;
	c->local = c->peer->conf.local.family != ADDR_NONE ? c->peer->conf.local : *local;
}

/* What a connection has agreed on goes with it. */
void conn_drop(struct conn *c)
{
	if (c->tcp != TCP_NONE)
		output_close(c);
	session_remove(c);
	timers_stop(c);
	VEC_FREE(&c->rx);
	c->tcp = TCP_NONE;
	c->wire = c->wire_out = (struct wire_session){0};
	c->restart = (struct restart_offer){0};
	c->refreshing = 0;
	c->hold_s = 0;
	c->remote_as = c->remote_id = 0;
	c->ipv4 = c->ipv6 = c->refresh = c->enhanced_refresh = c->extended_next_hop = c->over_limit = c->limit_near =
		false;
}

void conn_keepalive(struct conn *c)
{
	uint8_t bytes[WIRE_HEADER_LEN];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));

	wire_keepalive_encode(&out);
	output_send(c, bytes, out.len);
}

void conn_notify(struct conn *c, uint8_t code, uint8_t subcode, struct wire_in data)
{
	uint8_t bytes[WIRE_HEADER_LEN + 2 + 258]; /* a Hard Reset with words (RFC 8538, 9003) is the longest */
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));

	if (c->tcp != TCP_UP || !c->peer->quirks->notifies)
		return;
	wire_notification_encode(&out, code, subcode, data);
	notice_error(c->peer, c, "%s: closing", wire_error_text(code, subcode));
	if (!out.full)
		output_send(c, bytes, out.len);
}
