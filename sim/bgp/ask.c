/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is asked of a session from outside: routes again, bytes of any kind, how it stands. */
#include "bgp_int.h"

#define SEND_HOLD_MIN_S 480 /* RFC 9687 section 6 */

bool bgp_peer_refresh(struct bgp_speaker *s, bgp_peer_id peer, uint8_t family, struct instant now)
{
	struct conn *c = peer_established(s->peers.at[peer]);
	struct wire_refresh refresh = {.afi = family == ADDR_V6 ? WIRE_AFI_IPV6 : WIRE_AFI_IPV4,
				       .safi = WIRE_SAFI_UNICAST};
	uint8_t bytes[64];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));

	s->now = now;
	if (c == NULL || !c->refresh || !(family == ADDR_V6 ? c->ipv6 : c->ipv4))
		return false;
	wire_refresh_encode(&out, &refresh);
	output_send(c, bytes, out.len);
	return true;
}

void bgp_peer_graceful_shutdown(struct bgp_speaker *s, bgp_peer_id peer, bool on, struct instant now)
{
	struct peer *p = s->peers.at[peer];

	s->now = now;
	if (p->graceful_shutdown == on)
		return;
	p->graceful_shutdown = on;
	export_again(p);
	rib_settle(s);
}

bool bgp_send_raw(struct bgp_speaker *s, bgp_peer_id peer, const uint8_t *bytes, size_t n, struct instant now)
{
	struct peer *p = s->peers.at[peer];
	struct conn *c = peer_main(p);

	s->now = now;
	if (peer_second(p)->state > c->state)
		c = peer_second(p);
	if (c->tcp != TCP_UP || n == 0)
		return false;
	output_raw(c, bytes, n);
	return true;
}

void bgp_in_send_hold(struct bgp_speaker *s, bgp_conn_id conn, struct instant now)
{
	struct conn *c = session_find(s, conn);

	s->now = now;
	if (c == NULL)
		return;
	fsm_event(c, &(struct fsm_input){.event = EV_SEND_HOLD_EXPIRES});
	rib_settle(s);
}

int64_t bgp_send_hold_ns(const struct bgp_speaker *s, bgp_conn_id conn)
{
	const struct conn *c = session_find(s, conn);
	int64_t seconds = SEND_HOLD_MIN_S;

	/* It runs in Established alone; no hold time, no send hold time. */
	if (c == NULL || c->state != BGP_ESTABLISHED || c->hold_s == 0 || !c->peer->quirks->enforces_hold)
		return INT64_MAX;
	/* One that is not longer than the hold time is none (section 4.4). */
	if (c->peer->conf.session.send_hold_s > c->hold_s)
		return c->peer->conf.session.send_hold_s * NS_PER_S;
	if (c->hold_s * INT64_C(2) > seconds)
		seconds = c->hold_s * INT64_C(2);
	return seconds * NS_PER_S;
}

static enum bgp_add_path modes(bool sends, bool receives)
{
	return (enum bgp_add_path)((sends ? BGP_ADD_PATH_SEND : 0) | (receives ? BGP_ADD_PATH_RECEIVE : 0));
}

struct bgp_peer_info bgp_peer_info(const struct bgp_speaker *s, bgp_peer_id peer)
{
	struct peer *p = s->peers.at[peer];
	const struct conn *c = peer_established(p);
	struct bgp_peer_info info = {.connect_retry_counter = p->connect_retry_counter};

	if (c == NULL)
		return info;
	info.remote_as = c->remote_as;
	info.remote_id = c->remote_id;
	info.hold_s = c->hold_s;
	info.as4 = c->wire.as4;
	info.extended_message = c->wire_out.extended;
	info.route_refresh = c->refresh;
	info.enhanced_refresh = c->enhanced_refresh;
	info.extended_next_hop = c->extended_next_hop;
	info.ipv4 = c->ipv4;
	info.ipv6 = c->ipv6;
	for (enum family f = FAMILY_OTHER; f < s->family_end; f++)
		if (family_agreed(c, f))
			info.other_families[f - FAMILY_OTHER] = s->families[f];
	info.add_path_v4 = modes(c->wire_out.add_path_v4, c->wire.add_path_v4);
	info.add_path_v6 = modes(c->wire_out.add_path_v6, c->wire.add_path_v6);
	info.graceful_restart = c->restart.graceful;
	info.notification_restart = c->restart.notification;
	return info;
}
