/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A BGP speaker as a pure state machine (D2): bytes, events and the time go in; bytes, connection requests, routes and
 * notices come out as a list that the driver drains. No socket, clock, thread, global or callback.
 *
 * Standards: RFC 4271 (FSM of section 8 as a table with its optional attributes, timers, collision 6.8, decision process
 * 9.1), 2918, 4486, 4724, 4760, 5492, 6286, 6608, 6793, 7313, 7606, 7607, 7911, 8212, 8538, 8654, 8950, 9003, 9072, 9234,
 * 9384, 9494, 9687. MetalLB's speakers are profiles of the same machine.
 *
 * Ownership: bgp_speaker_new returns what bgp_speaker_free frees; everything else lives inside the speaker. Bytes and
 * views passed in are borrowed for the call. Outputs stay valid until bgp_outputs_clear. */
#ifndef ECMPLAB_BGP_H
#define ECMPLAB_BGP_H

#include "bgp_conf.h"
#include "instant.h"
#include "wire.h"

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
	const uint16_t *weights; /* of next_hops, 1 to 256, from their links' bandwidths; NULL: all equal */
	enum bgp_notice notice;
	enum bgp_state from, to;
	const char *text;
};

struct bgp_speaker *bgp_speaker_new(const struct bgp_speaker_conf *conf);
void bgp_speaker_free(struct bgp_speaker *s);
/* Adds a configured peer in state Idle. -EEXIST when one with this remote address is there, -ENOSPC when the peers have
 * more than BGP_OTHER_FAMILIES between them. */
int bgp_peer_add(struct bgp_speaker *s, const struct bgp_peer_conf *conf, bgp_peer_id *ret);

/* Events. Each may append outputs; `now` never runs backwards. */
void bgp_peer_start(struct bgp_speaker *s, bgp_peer_id peer, struct instant now); /* event 1 or 4 */
void bgp_peer_stop(struct bgp_speaker *s, bgp_peer_id peer, struct instant now);  /* event 2 */

/* RFC 4486, 8538, 9384. */
enum bgp_cease_subcode {
	BGP_CEASE_MAX_PREFIXES = 1,
	BGP_CEASE_SHUTDOWN = 2,
	BGP_CEASE_DECONFIGURED = 3,
	BGP_CEASE_RESET = 4,
	BGP_CEASE_REJECTED = 5,
	BGP_CEASE_CONFIGURATION = 6,
	BGP_CEASE_COLLISION = 7,
	BGP_CEASE_RESOURCES = 8,
	BGP_CEASE_HARD_RESET = 9,
	BGP_CEASE_BFD_DOWN = 10,
};

struct bgp_cease {
	enum bgp_cease_subcode subcode;
	const char *text; /* RFC 9003, UTF-8, for subcodes 2 and 4; cut to 255 octets. NULL: none */
	bool hard;	  /* RFC 8538: a Hard Reset where that is agreed on. Subcodes 1, 2 and 3 always are */
};

/* Ends the session and stays down (event 2); bgp_peer_stop is this with BGP_CEASE_SHUTDOWN. */
void bgp_peer_shutdown(struct bgp_speaker *s, bgp_peer_id peer, const struct bgp_cease *why, struct instant now);
/* Ends the session, which then starts again by itself (event 8; event 2 for BGP_CEASE_RESET). */
void bgp_peer_reset(struct bgp_speaker *s, bgp_peer_id peer, const struct bgp_cease *why, struct instant now);
/* Ends the session (Cease, Peer De-configured) and frees the address for another peer; the id is not used again. */
void bgp_peer_remove(struct bgp_speaker *s, bgp_peer_id peer, struct instant now);
/* Asks an Established peer for all its routes of a family, ADDR_V4 or ADDR_V6 (RFC 2918). False when it can't. */
bool bgp_peer_refresh(struct bgp_speaker *s, bgp_peer_id peer, uint8_t family, struct instant now);
/* RFC 8326: what the peer gets says that we are about to go, or no longer does; it gets all anew. */
void bgp_peer_graceful_shutdown(struct bgp_speaker *s, bgp_peer_id peer, bool on, struct instant now);
/* Sends bytes as they are on the peer's foremost connection. False when there is none. */
bool bgp_send_raw(struct bgp_speaker *s, bgp_peer_id peer, const uint8_t *bytes, size_t n, struct instant now);
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
/* What we wrote does not drain: the driver says so once bgp_send_hold_ns have passed without progress (RFC 9687,
 * event 29). The connection is to be closed without waiting for its bytes. */
void bgp_in_send_hold(struct bgp_speaker *s, bgp_conn_id conn, struct instant now);
int64_t bgp_send_hold_ns(const struct bgp_speaker *s, bgp_conn_id conn);
/* The message for a connection that bgp_in_accepted refused (RFC 4486 section 4), static; *ret_len 0: none. */
const uint8_t *bgp_rejection(const struct bgp_speaker *s, size_t *ret_len);
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
	const uint32_t (*large)[3]; /* RFC 8092; each once */
	size_t large_count;
	uint64_t bandwidth; /* of its link, in octets a second, told in a community of its own; 0: not told */
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
/* True while a restarted speaker waits for its peers; until then nothing is selected nor told, and what the FIB has more
 * than is told right after is to be removed (RFC 4724 section 4.1). */
bool bgp_deferring(const struct bgp_speaker *s);
/* What a session agreed on; zero where none stands. */
struct bgp_peer_info {
	uint32_t remote_as, remote_id;
	uint16_t hold_s;
	bool as4, extended_message, route_refresh, enhanced_refresh, extended_next_hop;
	bool ipv4, ipv6;
	struct bgp_family other_families[BGP_OTHER_FAMILIES];
	enum bgp_add_path add_path_v4, add_path_v6;
	bool graceful_restart, notification_restart; /* the peer's; for both families that it named */
	uint32_t connect_retry_counter;
};
/* The peer's configuration, defaults filled in; for the speaker's life. */
const struct bgp_peer_conf *bgp_peer_conf(const struct bgp_speaker *s, bgp_peer_id peer);
/* The peer with the address; false when there is none. */
bool bgp_peer_find(const struct bgp_speaker *s, const struct addr *remote, bgp_peer_id *ret);
struct bgp_peer_info bgp_peer_info(const struct bgp_speaker *s, bgp_peer_id peer);
enum bgp_state bgp_peer_state(const struct bgp_speaker *s, bgp_peer_id peer);
const char *bgp_state_text(enum bgp_state state);
size_t bgp_peer_count(const struct bgp_speaker *s);
/* A route of an adj-rib; views live for the call. */
struct bgp_adj_route {
	uint16_t afi;
	uint8_t safi;
	struct prefix prefix;	  /* of unicast; */
	struct wire_in nlri, hop; /* of other families: one route, and its next hop, as they came */
	uint32_t path_id;
	struct addr next_hop;
	uint8_t origin;
	bool med_present, local_pref_present;
	uint32_t med, local_pref;
	uint32_t originator_id; /* 0: none */
	struct wire_in as_path; /* segments with four-octet ASes */
	const uint32_t *communities;
	size_t community_count;
	struct wire_in extra; /* other attributes as TLVs */
	bool stale;
};
typedef void bgp_adj_route_fn(void *ctx, const struct bgp_adj_route *route);
/* What the peer told us and we keep, and what it has from us; ascending by prefix, then other families'. */
void bgp_adj_rib_in(const struct bgp_speaker *s, bgp_peer_id peer, bgp_adj_route_fn *fn, void *ctx);
void bgp_adj_rib_out(const struct bgp_speaker *s, bgp_peer_id peer, bgp_adj_route_fn *fn, void *ctx);
/* Walks the loc-rib: calls fn for each prefix with its multipath set, best first. */
void bgp_loc_rib(const struct bgp_speaker *s,
		 void (*fn)(void *ctx, const struct prefix *prefix, const struct addr *next_hops, size_t n), void *ctx);

#endif
