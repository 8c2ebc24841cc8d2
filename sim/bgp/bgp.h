/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A BGP speaker as a pure state machine (D2): bytes, events and the time go in; bytes, connection requests, routes and
 * notices come out as a list that the driver drains. No socket, clock, thread, global or callback.
 *
 * Standards: RFC 4271 (FSM of section 8 as a table, timers, collision 6.8, decision process 9.1), 4760, 5492, 6793, 2918,
 * 6286, 6608, 7606, 7313 (received), 4724 (End-of-RIB). MetalLB's speakers are profiles of the same machine.
 *
 * Ownership: bgp_speaker_new returns what bgp_speaker_free frees; everything else lives inside the speaker. Bytes and
 * views passed in are borrowed for the call. Outputs stay valid until bgp_outputs_clear. */
#ifndef ECMPLAB_BGP_H
#define ECMPLAB_BGP_H

#include "addr.h"
#include "instant.h"
#include "wire.h"

enum bgp_profile {
	BGP_PROFILE_STANDARD,
	BGP_PROFILE_METALLB_LEGACY, /* 0.9 to 0.12: as native, ORIGIN INCOMPLETE */
	BGP_PROFILE_METALLB_NATIVE, /* 0.13 to 0.16 with the native engine */
};

/* RFC 4271 section 8.2.2. */
enum bgp_state {
	BGP_IDLE,
	BGP_CONNECT,
	BGP_ACTIVE,
	BGP_OPEN_SENT,
	BGP_OPEN_CONFIRM,
	BGP_ESTABLISHED,
	BGP_STATE_COUNT,
};

struct bgp_speaker_conf {
	uint32_t as;
	uint32_t router_id; /* host order */
	enum bgp_profile profile;
	unsigned int max_paths; /* multipath limit of the loc-rib; 0 and 1: best path only */
	bool multipath_relax;	/* AS paths of equal length but other content may share */
	bool readvertise;	/* a router: passes routes on; a worker does not */
	uint64_t seed;		/* timer jitter (RFC 4271 section 10) */
};

struct bgp_peer_conf {
	const char *name;  /* borrowed for the speaker's life */
	struct addr local; /* ADDR_NONE: the connection's own (bgp_in_connected says which) */
	struct addr remote;
	uint32_t remote_as;
	bool passive;		  /* waits for the peer to dial */
	uint16_t hold_s;	  /* proposed; 0 disables. Default of the caller's profile: 90 or 240 */
	uint16_t connect_retry_s; /* 0: 120 */
	uint16_t idle_hold_s;	  /* IdleHoldTimer before an automatic restart, doubles with damping; 0: 1 */
	uint16_t delay_open_s;
	uint32_t max_prefixes; /* what the peer may announce before the session ends (Cease); 0: two million */
};

struct bgp_speaker;
typedef unsigned int bgp_peer_id; /* from 0, in order of bgp_peer_add */
typedef unsigned int bgp_conn_id; /* names one TCP connection of the speaker; never reused */

enum bgp_notice {
	BGP_NOTICE_STATE, /* the session changed state */
	BGP_NOTICE_SENT,  /* a message was handed out; bytes say which */
	BGP_NOTICE_RECEIVED,
	BGP_NOTICE_ERROR, /* text says what the peer did wrong, and what followed */
};

enum bgp_output_kind {
	BGP_OUT_CONNECT, /* dial peer; answer with bgp_in_connected or bgp_in_failed for conn */
	BGP_OUT_SEND,	 /* bytes on conn, in order */
	BGP_OUT_CLOSE,	 /* conn: orderly close once its bytes are out; it is forgotten here */
	BGP_OUT_ROUTE,	 /* the loc-rib's next hops for a prefix changed; none: unreachable */
	BGP_OUT_NOTICE,
};

struct bgp_output {
	enum bgp_output_kind kind;
	bgp_peer_id peer;
	bgp_conn_id conn;
	const uint8_t *bytes; /* SEND, and a notice's message */
	size_t len;
	struct prefix prefix; /* ROUTE */
	const struct addr *next_hops;
	size_t next_hop_count;
	enum bgp_notice notice;
	enum bgp_state from, to;
	const char *text;
};

struct bgp_speaker *bgp_speaker_new(const struct bgp_speaker_conf *conf);
void bgp_speaker_free(struct bgp_speaker *s);
/* Adds a configured peer in state Idle. -EEXIST when one with this remote address is there. */
int bgp_peer_add(struct bgp_speaker *s, const struct bgp_peer_conf *conf, bgp_peer_id *ret);

/* Events. Each may append outputs; `now` never runs backwards. */
void bgp_peer_start(struct bgp_speaker *s, bgp_peer_id peer, struct instant now); /* event 1 or 4 */
void bgp_peer_stop(struct bgp_speaker *s, bgp_peer_id peer, struct instant now);  /* event 2 */
/* The dialled connection stands (events 16). local is this end's address. */
void bgp_in_connected(struct bgp_speaker *s, bgp_conn_id conn, const struct addr *local, struct instant now);
/* The dial failed (event 18). */
void bgp_in_failed(struct bgp_speaker *s, bgp_conn_id conn, struct instant now);
/* Somebody dialled us (event 17). False: no such peer or not now; the driver closes it. Else *ret names it. */
bool bgp_in_accepted(struct bgp_speaker *s, const struct addr *local, const struct addr *remote, struct instant now,
		     bgp_conn_id *ret);
void bgp_in_bytes(struct bgp_speaker *s, bgp_conn_id conn, const uint8_t *bytes, size_t n, struct instant now);
/* The peer closed, or the connection broke (event 18). */
void bgp_in_closed(struct bgp_speaker *s, bgp_conn_id conn, struct instant now);
/* Runs all timers that are due. */
void bgp_in_time(struct bgp_speaker *s, struct instant now);
/* The next instant at which bgp_in_time has work; INSTANT_NEVER for none. */
struct instant bgp_deadline(const struct bgp_speaker *s);

/* Routes that this speaker originates. peers: NULL for all, else a count of ids that get them. Nothing goes out before
 * bgp_routes_commit, which sends the difference to what was sent: changed announcements first, then withdrawals. */
struct bgp_originated {
	struct prefix prefix;
	struct addr next_hop; /* ADDR_NONE: the session's local address */
	bool local_pref_present;
	uint32_t local_pref;
	const uint32_t *communities;
	size_t community_count;
	const bgp_peer_id *peers;
	size_t peer_count;
};

/* Replaces the whole table of originated routes; copies what it is given. Two entries of one prefix: the profile decides
 * (legacy: last wins; else communities are united and the first's other fields stay). */
void bgp_originate(struct bgp_speaker *s, const struct bgp_originated *routes, size_t n);
void bgp_routes_commit(struct bgp_speaker *s, struct instant now);

/* Outputs in the order they arose. */
const struct bgp_output *bgp_outputs(const struct bgp_speaker *s, size_t *ret_count);
void bgp_outputs_clear(struct bgp_speaker *s);

/* State, for display and tests; never for verdicts (D1). */
enum bgp_state bgp_peer_state(const struct bgp_speaker *s, bgp_peer_id peer);
const char *bgp_state_text(enum bgp_state state);
size_t bgp_peer_count(const struct bgp_speaker *s);
/* Walks the loc-rib: calls fn for each prefix with its multipath set, best first. */
void bgp_loc_rib(const struct bgp_speaker *s,
		 void (*fn)(void *ctx, const struct prefix *prefix, const struct addr *next_hops, size_t n), void *ctx);

#endif
