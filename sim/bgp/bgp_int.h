/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of bgp share. The layers, each calling only downwards except where fsm.c's actions start work:
 * speaker (events from outside) > session, timers, collision (events of the machine) > fsm > conn, open, export, rib. */
#ifndef ECMPLAB_BGP_INT_H
#define ECMPLAB_BGP_INT_H

#include "fsm_int.h"
#include "rib_int.h"
#include "rng.h"
#include "vec.h"

#define DEFAULT_CONNECT_RETRY_S 120 /* RFC 4271 section 10 */
#define DEFAULT_IDLE_HOLD_S 1
#define DEFAULT_MAX_PREFIXES 2000000U
#define DEFAULT_LOCAL_PREF 100
#define LARGE_HOLD_S 240 /* RFC 4271 section 8.2.2, OpenSent */
#define IDLE_HOLD_MAX_S 120

/* How a profile differs from another; quirks.c has the table. */
struct quirks {
	bool listens;		/* takes incoming connections; else it has no use for Active */
	bool notifies;		/* sends NOTIFICATIONs */
	bool enforces_hold;	/* the peer's silence ends the session */
	bool jitter;		/* RFC 4271 section 10 */
	bool awaits_keepalive;	/* before Established */
	bool full_capabilities; /* else multiprotocol and four-octet AS alone */
	bool strict_open;	/* RFC 4271 section 6.2; else MetalLB's own rules */
	bool learns;		/* reads the peer's routes and refresh requests; else discards them */
	bool packs;		/* routes of equal attributes share an UPDATE */
	bool end_of_rib;	/* RFC 4724 */
	bool ipv4_only;		/* refuses a table with anything else, or with more communities than max_communities */
	bool last_wins;		/* of two routes of one prefix; else they unite */
	bool quick_retry;	/* 0, 1, 2, 4 ... 120 s; else IdleHoldTime doubling */
	size_t max_communities; /* 0: what fits */
	int64_t dial_budget_ns; /* from the dial to the peer's OPEN; 0: ConnectRetryTimer and HoldTimer see to it */
	uint32_t ibgp_local_pref; /* of a route that has none */
	uint8_t origin;		  /* of originated routes */
};

const struct quirks *quirks_of(enum bgp_profile profile);

enum tcp_state {
	TCP_NONE,
	TCP_DIALLING,
	TCP_UP,
};

/* One machine, and its connection while it has one. */
struct conn {
	struct peer *peer;
	enum bgp_state state; /* fsm.c alone writes it */
	bgp_conn_id id;	      /* of the connection, once there is one */
	enum tcp_state tcp;
	bool incoming;
	struct addr local;
	struct instant hold_due, keepalive_due, delay_open_due;
	VEC(uint8_t) rx; /* the beginning of a message whose end has not come */

	/* From the peer's OPEN on. */
	struct wire_session wire;
	uint16_t hold_s;
	uint32_t remote_id;
	bool ipv4, ipv6; /* both ends do unicast of the family */
	bool enhanced_refresh;
	bool over_limit; /* announced more prefixes than we take; the session ends after the message */
};

struct peer {
	struct bgp_speaker *speaker;
	bgp_peer_id id;
	struct bgp_peer_conf conf;
	const struct quirks *quirks;
	struct conn conns[2];
	unsigned int main; /* which of conns is the configured one; the other tracks a second connection */
	bool started;
	enum bgp_state told; /* by BGP_NOTICE_STATE */
	uint32_t connect_retry_counter;
	unsigned int failures; /* in a row: damping, or MetalLB's back-off */
	struct instant connect_retry_due, idle_hold_due;

	uint32_t remote_id;  /* of the session that stands, or stood last */
	size_t prefix_count; /* in the adj-rib-in */
	struct prefix_map sent;
	VEC(struct announcement) announce;
	VEC(struct prefix) withdraw;
};

struct bgp_speaker {
	struct bgp_speaker_conf conf;
	const struct quirks *quirks;
	struct rng rng;
	uint64_t hash_seed;
	struct instant now; /* of the event at hand */
	bgp_conn_id last_conn;
	VEC(struct peer *) peers;

	struct prefix_map routes;
	VEC(struct route *) dirty;
	struct attrs_pool attrs;
	struct originated_table staged, committed;
	bool staging;

	/* Scratch of one call, kept to be used again. */
	VEC(const struct path *) candidates;
	VEC(uint8_t) bytes, extra;
	VEC(uint32_t) words;
	VEC(struct wire_route) batch;
	VEC(struct addr) hops;

	VEC(struct bgp_output) outputs;
	struct arena output_arena;
};

/* ---- outputs.c ---- */
void output_connect(struct conn *c);
void output_send(struct conn *c, const uint8_t *bytes, size_t n);
void output_close(struct conn *c);
void output_route(struct bgp_speaker *s, const struct route *r);
void notice_state(struct peer *p, enum bgp_state from, enum bgp_state to, const char *why);
void notice_received(struct conn *c, const uint8_t *bytes, size_t n);
void notice_error(struct peer *p, const struct conn *c, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* ---- conn.c ---- */
static inline struct conn *peer_main(struct peer *p)
{
	return &p->conns[p->main];
}

static inline struct conn *peer_second(struct peer *p)
{
	return &p->conns[1 - p->main];
}

static inline struct conn *conn_other(struct conn *c)
{
	return c == &c->peer->conns[0] ? &c->peer->conns[1] : &c->peer->conns[0];
}

static inline bool conn_external(const struct conn *c)
{
	return c->peer->conf.remote_as != c->peer->speaker->conf.as;
}

/* The connection in Established, or NULL. */
struct conn *peer_established(struct peer *p);
void conn_init(struct conn *c, struct peer *p);
void conn_fini(struct conn *c);
void conn_dial(struct conn *c);
void conn_attach(struct conn *c, bgp_conn_id id, bool incoming, const struct addr *local);
/* Closes what there is and stops the connection's timers. */
void conn_drop(struct conn *c);
void conn_keepalive(struct conn *c);
void conn_notify(struct conn *c, uint8_t code, uint8_t subcode, struct wire_in data);

/* ---- open.c ---- */
void open_send(struct conn *c);
/* Checks the peer's OPEN as the profile does (RFC 4271 section 6.2). */
struct wire_err open_check(const struct conn *c, struct wire_in message, struct wire_open *ret);
/* What both ends can do holds from now on. */
void open_take(struct conn *c, const struct wire_open *open);

/* ---- collision.c: RFC 4271 section 6.8 ---- */
/* An incoming connection while the first is at work: gets a machine of its own. */
void collision_track(struct conn *first, const struct fsm_input *in);
/* A valid OPEN came on c: its event, or the end of one of the two. */
void collision_open(struct conn *c, const struct fsm_input *in);
/* True when the connection that stands must give way to the one that the OPEN came on. */
bool collision_loses(const struct conn *standing, const struct fsm_input *in);
/* Makes the connection that lives the first one, once the other can't win. */
void collision_settle(struct peer *p);

/* ---- session.c ---- */
void session_bytes(struct bgp_speaker *s, bgp_conn_id id, const uint8_t *bytes, size_t n);
struct conn *session_find(const struct bgp_speaker *s, bgp_conn_id id);
/* ---- routes_in.c: event 27 in Established ---- */
void routes_process(struct conn *c, const struct fsm_input *in);

/* ---- timers.c ---- */
void timer_retry_start(struct peer *p);
void timer_hold_start(struct conn *c, uint32_t seconds);
void timer_hold_restart(struct conn *c);
void timer_keepalive_start(struct conn *c);
void timer_delay_open_start(struct conn *c);
void timer_idle_hold_start(struct peer *p);
void timers_run(struct bgp_speaker *s);
struct instant timers_deadline(const struct bgp_speaker *s);

#endif
