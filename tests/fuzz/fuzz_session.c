/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An engine whose peer says anything, at any time, in any pieces: a router's, or a worker's of any profile. The input is what the
 * engine is configured for, and a list of events. */
#include "fuzz.h"

#include "bgp.h"

#include <limits.h>
#include <string.h>

#define EVENTS_MAX 400
#define NO_CONN UINT_MAX

/* The first octet, bits; the two highest are the profile. */
enum { ROLE = 1, NEXT_HOP = 2, ADD_PATH = 4, POLICY = 8, RESTART = 16, DIALS = 32 };

/* Kept as octets: VPNv4 and EVPN. */
static const struct bgp_family other_families[] = {{1, 128}, {25, 70}};

struct play {
	struct bgp_speaker *s;
	struct wire_in in;
	struct instant now;
	struct addr local, remote;
	bgp_peer_id peer;
	bgp_conn_id conn; /* the newest */
	bool connected;
	bgp_conn_id dialling; /* its own dial, without an answer yet */
	bgp_conn_id listener; /* a second peer, that is told what the first one says */
};

/* Whatever the peer does, what others are told is without fault. */
static void sent_look(const struct play *p, const struct bgp_output *out)
{
	static const struct wire_session session = {.as4 = true, .ebgp = true};
	struct wire_update u;
	uint8_t type;
	size_t len;

	for (size_t at = 0; at < out->len; at += len) {
		FUZZ_MUST(wire_frame(out->bytes + at, out->len - at, true, &len, &type).treat == WIRE_OK && len > 0);
		if (out->conn == p->listener && type == WIRE_UPDATE)
			FUZZ_MUST(wire_update_decode(wire_in_of(out->bytes + at, len), &session, &u).treat == WIRE_OK);
	}
}

static void outputs_drain(struct play *p)
{
	size_t n;
	const struct bgp_output *outs = bgp_outputs(p->s, &n);

	for (size_t i = 0; i < n; i++) {
		if (outs[i].kind == BGP_OUT_SEND)
			sent_look(p, &outs[i]);
		if (outs[i].kind == BGP_OUT_CONNECT)
			p->dialling = outs[i].conn;
		if (outs[i].kind == BGP_OUT_CLOSE && outs[i].conn == p->conn)
			p->connected = false;
		if (outs[i].kind == BGP_OUT_CLOSE && outs[i].conn == p->dialling)
			p->dialling = NO_CONN;
	}
	bgp_outputs_clear(p->s);
}

/* Everything that can be offered, so that mutations need not find it out. */
static void rich_caps(struct wire_out *caps)
{
	static const struct wire_family families[] = {{1, 1, 0x80}, {2, 1, 0x80}, {1, 128, 0x80}},
					both[] = {{1, 1, 3}, {2, 1, 3}};
	static const struct wire_long_lived long_lived[] = {{1, 1, 0x80, 60}, {2, 1, 0, 60}};

	wire_cap_mp(caps, WIRE_AFI_IPV6, WIRE_SAFI_UNICAST);
	wire_cap_mp(caps, other_families[0].afi, other_families[0].safi);
	wire_cap_mp(caps, other_families[1].afi, other_families[1].safi);
	wire_cap_flag(caps, WIRE_CAP_ROUTE_REFRESH);
	wire_cap_flag(caps, WIRE_CAP_ENHANCED_REFRESH);
	wire_cap_flag(caps, WIRE_CAP_EXTENDED_MESSAGE);
	wire_cap_extended_next_hop(caps);
	wire_cap_role(caps, 3);
	wire_cap_graceful_restart(caps, 4, 60, families, 3);
	wire_cap_add_path(caps, both, 2);
	wire_cap_long_lived(caps, long_lived, 2);
}

/* What a well-behaved peer would send, to the point where it is Established. */
static void opening(struct play *p, bgp_conn_id conn, uint32_t as, bool rich)
{
	uint8_t bytes[512], caps_bytes[256];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes)), caps = wire_out_to(caps_bytes, sizeof(caps_bytes));

	wire_cap_mp(&caps, WIRE_AFI_IPV4, WIRE_SAFI_UNICAST);
	wire_cap_as4(&caps, as);
	for (size_t i = 0; !rich && i < 2; i++)
		wire_cap_mp(&caps, other_families[i].afi, other_families[i].safi);
	if (rich)
		rich_caps(&caps);
	wire_open_encode(&out, as, 0, 0x0a000000 + as, wire_in_of(caps.bytes, caps.len));
	wire_keepalive_encode(&out);
	bgp_in_bytes(p->s, conn, bytes, out.len, p->now);
}

static void listener_add(struct play *p)
{
	struct bgp_peer_conf conf = {.name = "listener",
				     .local = p->local,
				     .remote = addr_v4(0x0a000034),
				     .remote_as = 33000,
				     .passive = true,
				     .other_families = {other_families[0], other_families[1]}};
	bgp_peer_id id;

	FUZZ_MUST(bgp_peer_add(p->s, &conf, &id) == 0);
	bgp_peer_start(p->s, id, p->now);
	FUZZ_MUST(bgp_in_accepted(p->s, &p->local, &conf.remote, p->now, &p->listener));
	opening(p, p->listener, conf.remote_as, false);
	FUZZ_MUST(bgp_peer_state(p->s, id) == BGP_ESTABLISHED);
	outputs_drain(p);
}

/* A dial has its answer. */
static void answered(struct play *p, bool stands)
{
	bgp_conn_id conn = p->dialling;

	if (conn == NO_CONN)
		return;
	p->dialling = NO_CONN;
	if (!stands) {
		bgp_in_failed(p->s, conn, p->now);
		return;
	}
	p->conn = conn;
	p->connected = true;
	bgp_in_connected(p->s, conn, &p->local, p->now);
}

static void dialled(struct play *p)
{
	bgp_conn_id conn;

	if (bgp_in_accepted(p->s, &p->local, &p->remote, p->now, &conn)) {
		p->conn = conn;
		p->connected = true;
	}
}

static void event_play(struct play *p)
{
	uint8_t kind = wire_u8(&p->in) & 7, size = wire_u8(&p->in);
	struct wire_in bytes;

	switch (kind) {
	case 0:
		p->now = instant_add(p->now, size * NS_PER_S);
		bgp_in_time(p->s, p->now);
		break;
	case 1:
		if ((size & 1) != 0 || p->dialling == NO_CONN)
			dialled(p);
		else
			answered(p, true);
		break;
	case 2:
		if ((size & 1) == 0)
			answered(p, false);
		if (p->connected)
			bgp_in_closed(p->s, p->conn, p->now);
		p->connected = false;
		break;
	case 3:
		if (p->connected)
			opening(p, p->conn, 22000, (size & 1) != 0);
		break;
	case 4:
		bgp_peer_stop(p->s, p->peer, p->now);
		break;
	case 5:
		bgp_peer_start(p->s, p->peer, p->now);
		break;
	default:
		bytes = wire_sub(&p->in, size < wire_left(&p->in) ? size : wire_left(&p->in));
		if (p->connected)
			bgp_in_bytes(p->s, p->conn, bytes.at, wire_left(&bytes), p->now);
		break;
	}
}

/* What is offered decides which parts of the engine the peer can reach. */
static struct bgp_peer_conf peer_conf(const struct play *p, uint8_t options)
{
	struct bgp_peer_conf conf = {.name = "peer",
				     .local = p->local,
				     .remote = p->remote,
				     .remote_as = 22000,
				     .passive = (options & DIALS) == 0,
				     .hold_s = 90,
				     .max_prefixes = 50,
				     .other_families = {other_families[0], other_families[1]},
				     .both_families = true};

	conf.role = (options & ROLE) != 0 ? BGP_ROLE_PROVIDER : BGP_ROLE_NONE;
	conf.extended_next_hop = (options & NEXT_HOP) != 0;
	conf.add_path_v4 = conf.add_path_v6 = (options & ADD_PATH) != 0 ? BGP_ADD_PATH_BOTH : BGP_ADD_PATH_NONE;
	conf.requires_policy = conf.import_policy = conf.export_policy = (options & POLICY) != 0;
	if ((options & RESTART) != 0)
		conf.restart = (struct bgp_restart_conf){
			.on = true, .forwarding = true, .notification = true, .long_lived_s = 60};
	return conf;
}

static void originate(struct play *p)
{
	struct bgp_originated routes[2] = {0};

	FUZZ_MUST(prefix_parse("198.18.0.1/32", &routes[0].prefix) == 0);
	FUZZ_MUST(prefix_parse("198.18.0.2/32", &routes[1].prefix) == 0);
	bgp_originate(p->s, routes, 2);
	bgp_routes_commit(p->s, p->now);
}

/* Only a router listens, and has somebody to pass routes on to. */
static void start(struct play *p, uint8_t options)
{
	enum bgp_profile profile = (enum bgp_profile)(options >> 6);
	struct bgp_peer_conf conf = peer_conf(p, options);

	p->s = bgp_speaker_new(&(struct bgp_speaker_conf){.as = 11000,
							  .router_id = 0x0a000001,
							  .profile = profile,
							  .max_paths = 4,
							  .readvertise = profile == BGP_PROFILE_STANDARD,
							  .seed = 1});
	FUZZ_MUST(bgp_peer_add(p->s, &conf, &p->peer) == 0);
	if (profile == BGP_PROFILE_STANDARD)
		listener_add(p);
	originate(p);
	bgp_peer_start(p->s, p->peer, p->now);
	outputs_drain(p);
	if (p->dialling == NO_CONN)
		dialled(p);
	else
		answered(p, true);
	outputs_drain(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct play p = {.in = wire_in_of(bytes, n), .now = {NS_PER_S}, .dialling = NO_CONN, .listener = NO_CONN};

	p.local = addr_v4(0x0a000001);
	p.remote = addr_v4(0x0a000033);
	start(&p, wire_u8(&p.in));
	for (int i = 0; i < EVENTS_MAX && wire_more(&p.in); i++) {
		event_play(&p);
		outputs_drain(&p);
		FUZZ_MUST(bgp_peer_state(p.s, p.peer) < BGP_STATE_COUNT);
	}
	bgp_speaker_free(p.s);
	return 0;
}
