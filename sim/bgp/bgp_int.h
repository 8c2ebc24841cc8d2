/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of bgp share. The layers, each calling only downwards except where fsm.c's actions start work:
 * speaker (events from outside) > session, timers, collision (events of the machine) > fsm > conn, open, export, rib. */
#ifndef ECMPLAB_BGP_INT_H
#define ECMPLAB_BGP_INT_H

#include "export_int.h"
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
	bool listens;		 /* takes incoming connections; else it has no use for Active */
	bool notifies;		 /* sends NOTIFICATIONs */
	bool enforces_hold;	 /* the peer's silence ends the session */
	bool jitter;		 /* RFC 4271 section 10 */
	bool restarts_keepalive; /* KeepaliveTimer, with each UPDATE that goes out; FRR's and MetalLB's tick on */
	bool awaits_keepalive;	 /* before Established */
	bool full_capabilities;	 /* else multiprotocol and four-octet AS alone */
	bool own_family_only;	 /* offers the family of the peer's address alone */
	bool frr_open;		 /* FRR writes: more capabilities, its order, a parameter each; wide AS_PATHs */
	bool originates_med;	 /* 0, on originated routes */
	bool strict_open;	 /* RFC 4271 section 6.2; else MetalLB's own rules */
	bool learns;		 /* reads the peer's routes and refresh requests; else discards them */
	bool packs;		 /* routes of equal attributes share an UPDATE */
	bool end_of_rib;	 /* RFC 4724 */
	bool ipv4_only;		 /* refuses a table with anything else, or with more communities than max_communities */
	bool last_wins;		 /* of two routes of one prefix; else they unite */
	bool quick_retry;	 /* 0, 1, 2, 4 ... 120 s; else IdleHoldTime doubling */
	bool reset_at_open;	 /* the back-off is reset by the peer's OPEN; else by its KEEPALIVE */
	bool local_pref_outside; /* LOCAL_PREF goes to external peers too */
	bool takes_routes;	 /* of what it reads; else all are denied */
	size_t max_communities;	 /* 0: what fits */
	int64_t dial_budget_ns;	 /* from the dial to the peer's OPEN; 0: ConnectRetryTimer and HoldTimer see to it */
	uint32_t ibgp_local_pref; /* of a route that has none */
	uint8_t origin;		  /* of originated routes */
};

/* The profile's, with what the switches turn. */
struct quirks quirks_of(const struct bgp_speaker_conf *conf);

enum tcp_state {
	TCP_NONE,
	TCP_DIALLING,
	TCP_UP,
};

/* What the peer's OPEN says of restarts, families as bits of enum family (RFC 4724, 8538, 9494). */
struct restart_offer {
	bool graceful; /* it names families */
	bool knows_long_lived;
	bool restarting;   /* R */
	bool notification; /* N of both ends */
	uint16_t time_s;
	unsigned int families, forwarding;
	unsigned int long_lived_families, long_lived_forwarding;
	uint32_t long_lived_s[FAMILY_COUNT];
};

/* The peer's routes of a family beyond the session that they came by. */
struct stale_family {
	bool kept;	 /* they are stale, */
	bool long_lived; /* and for long (RFC 9494) */
	uint32_t long_lived_s;
	struct instant due; /* they are kept until then */
	bool ended;	    /* End-of-RIB came in the session that stands */
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
	struct wire_session wire;     /* how the peer writes */
	struct wire_session wire_out; /* how we write to it */
	uint16_t hold_s;
	uint32_t remote_as, remote_id;
	bool ipv4, ipv6; /* both ends do unicast of the family */
	bool refresh;	 /* the peer answers ROUTE-REFRESH */
	bool enhanced_refresh;
	bool extended_next_hop; /* RFC 8950 */
	unsigned int others;	/* families beyond unicast that both ends do, as bits of enum family */
	unsigned int disabled;	/* those of them that can't be read any more */
	struct restart_offer restart;
	bool heard_keepalive;	 /* the peer takes us, too */
	bool limit_near;	 /* a word was said of that */
	bool over_limit;	 /* announced more prefixes than we take; the session ends after the message */
	unsigned int refreshing; /* families whose refresh has begun (RFC 7313), as bits of enum family */
};

struct peer {
	struct chain by_address; /* first, so that a link is a peer */
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
	bool dial_failed;      /* why it is in Idle */
	struct instant connect_retry_due, idle_hold_due, mrai_due;
	struct instant next_due; /* the nearest of all of them, when timers_changed was last called */
	size_t heap_at;
	struct bgp_cease cease; /* why events 2 and 8 end the session */
	bool removed;
	bool capable; /* RFC 5492 section 3: false after a peer that refused optional parameters */
	struct stale_family stale[FAMILY_COUNT];

	uint32_t remote_id;	 /* of the session that stands, or stood last */
	size_t prefix_count;	 /* in the adj-rib-in */
	size_t nlri_octets;	 /* of those of other families */
	unsigned int others;	 /* families that it is configured for, as bits of enum family */
	uint32_t source;	 /* of its paths without an identifier, held */
	struct out_group *group; /* while Established, but for a deferral */
	bool excepted;		 /* scratch of updates.c */
	bool graceful_shutdown;	 /* RFC 8326: what it gets says that we are about to go */
};

struct large_community {
	uint32_t part[3];
};

/* A VEC of octets that takes many at once. */
struct octets {
	uint8_t *at;
	size_t len;
	size_t cap;
};

static inline void octets_put(struct octets *o, const void *bytes, size_t n)
{
	if (o->cap - o->len < n) {
		o->cap = (o->len + n) * 2;
		o->at = memory_grow(o->at, o->cap, 1);
	}
	if (n > 0)
		memcpy(o->at + o->len, bytes, n);
	o->len += n;
}

/* Memory of outputs. */
struct output_block {
	uint8_t *bytes;
	size_t size, used;
};

struct output_store {
	VEC(struct output_block) blocks; /* the last has room */
	size_t total;			 /* octets of the event at hand */
	size_t usual;			 /* size of a block */
};

struct bgp_speaker {
	struct bgp_speaker_conf conf;
	const struct quirks *quirks; /* quirk_values */
	struct quirks quirk_values;
	bool deferring; /* route selection waits (restart.c), until then at most */
	struct instant deferral_due;
	struct instant origination_due; /* MinASOriginationIntervalTimer */
	struct rng rng;
	uint64_t hash_seed;
	struct instant now; /* of the event at hand */
	bgp_conn_id last_conn;
	VEC(struct peer *) peers;
	struct chains by_address;
	VEC(struct peer *) by_due; /* timer_heap.c */
	VEC(struct conn *) conns;  /* with a connection, ascending by its id */
	bool queued;		   /* a peer has something to be sent */

	struct bgp_family families[FAMILY_COUNT]; /* what each is on the wire */
	enum family family_end;			  /* behind the last in use */
	struct nlri_pool nlri;
	struct rib_table ribs[FAMILY_COUNT];
	struct path_pool paths;
	struct attrs_pool attrs;
	struct hop_table hops;
	struct source_table sources;
	uint64_t decision; /* how many there were */
	VEC(struct out_group *) groups;
	struct originated_table staged, committed;
	bool staging;
	bool choosy; /* an originated route was not for all peers */

	/* Scratch of one call, kept to be used again. */
	VEC(struct candidate) candidates;
	VEC(struct hop_member) hop_members;
	struct octets bytes, extra;
	VEC(uint32_t) words, own_sources;
	VEC(struct large_community) larges;
	VEC(struct wire_route) batch;
	VEC(struct change) told;
	VEC(const struct change *) order;
	VEC(struct conn *) audience;

	VEC(struct bgp_output) outputs;
	struct output_store output_bytes;
	struct arena output_arena; /* for words */
};

/* ---- outputs.c ---- */
void output_connect(struct conn *c);
void output_send(struct conn *c, const uint8_t *bytes, size_t n);
void output_raw(struct conn *c, const uint8_t *bytes, size_t n); /* what is no message, perhaps */
void output_close(struct conn *c);
/* The same message to several, with one copy of its bytes. */
void output_send_all(struct conn *const *to, size_t n, const uint8_t *bytes, size_t len);
void output_route(struct bgp_speaker *s, const struct rib_table *t, const struct route *r);
void outputs_free(struct bgp_speaker *s);
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
	return c->peer->conf.remote_as != c->peer->conf.local_as;
}

/* RFC 8212 section 3: an external peer without the policy gives, or gets, nothing. */
static inline bool conn_import_denied(const struct conn *c)
{
	const struct bgp_peer_conf *conf = &c->peer->conf;

	return conf->requires_policy && !conf->import_policy && conn_external(c);
}

static inline bool conn_export_denied(const struct conn *c)
{
	const struct bgp_peer_conf *conf = &c->peer->conf;

	return conf->requires_policy && !conf->export_policy && conn_external(c);
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

/* ---- cease.c ---- */
/* NOTIFICATION for events 2 and 8: as the peer's cease says, a Hard Reset where it must be one (RFC 8538). */
void cease_send(struct conn *c, const struct bgp_cease *why);
bool cease_is_hard(const struct bgp_cease *why);
/* Why the peer closed, in words; *ret_hard: it wants no graceful restart. */
const char *cease_text(struct bgp_speaker *s, const struct wire_notification *n, bool *ret_hard);

/* ---- families.c ---- */
/* The speaker does the family from now on. False: no room for it. */
bool family_add(struct bgp_speaker *s, struct bgp_family family, enum family *ret);
bool family_find(const struct bgp_speaker *s, uint16_t afi, uint8_t safi, enum family *ret);
struct wire_family family_wire(const struct bgp_speaker *s, enum family f, uint8_t flags);
/* Both ends do it. */
bool family_agreed(const struct conn *c, enum family f);

/* ---- caps.c ---- */
/* What we offer the peer, as it is and as TLVs. */
void caps_own(const struct conn *c, struct wire_caps *ret);
void caps_put(const struct conn *c, struct wire_out *out);
/* What both offered holds from now on. */
void caps_agree(struct conn *c, const struct wire_caps *peers);

/* ---- restart.c: RFC 4724, 8538, 9494 ---- */
/* The Established session of c ends: the peer's routes go, or stay as stale ones. */
void restart_session_lost(struct conn *c, const struct fsm_input *in);
void restart_session_up(struct conn *c);
void restart_end_of_rib(struct conn *c, uint16_t afi, uint8_t safi);
/* The time of a family's stale routes is over. */
void restart_expired(struct peer *p, enum family f);
/* A refresh of a family has begun, and ended (RFC 7313). */
void restart_refreshing(struct conn *c, enum family f);
void restart_refreshed(struct conn *c, enum family f);
/* No routes are kept for the peer any more. */
void restart_forget(struct peer *p);
/* True when an OPEN on another connection means that the peer has restarted without our seeing c end. */
bool restart_suspected(const struct conn *c);
/* The speaker itself is back from a restart. */
void restart_deferral_start(struct bgp_speaker *s);
void restart_deferral_check(struct bgp_speaker *s); /* the peers have told all? */
void restart_deferral_over(struct bgp_speaker *s);

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
/* The machine has a new connection, with a higher id than any before it; or has none any more. */
void session_add(struct conn *c);
void session_remove(struct conn *c);
/* ---- routes_in.c: event 27 in Established ---- */
void routes_process(struct conn *c, const struct fsm_input *in);
/* ---- others_in.c: the same for families beyond unicast ---- */
void others_withdraw(struct conn *c, enum family f, struct wire_nlri nlri);
/* attrs: NULL when they can't be used. */
void others_announce(struct conn *c, enum family f, struct wire_nlri nlri, const struct attrs *attrs);

/* ---- timers.c ---- */
void timer_retry_start(struct peer *p);
void timer_hold_start(struct conn *c, uint32_t seconds);
void timer_hold_restart(struct conn *c);
void timer_keepalive_start(struct conn *c);
/* RFC 4271 section 8.2.2, Established: after an UPDATE, too. */
void timer_keepalive_restart(struct conn *c);
void timer_delay_open_start(struct conn *c);
void timer_idle_hold_start(struct peer *p);
void timer_mrai_start(struct peer *p);
void timer_origination_start(struct bgp_speaker *s);
void timers_run(struct bgp_speaker *s);
struct instant timers_deadline(const struct bgp_speaker *s);
/* ---- timer_heap.c ---- */
void timers_add(struct peer *p);
/* To be called when any of the peer's instants may have changed; every event does. */
void timers_changed(struct peer *p);

#endif
