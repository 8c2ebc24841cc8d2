/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Evidence is kept in three views, each a log by stamp so that the state at any past instant can be told: bgp_view (sessions
 * and routes on the workers' links), fib_view, traffic_view. State at an instant rests on evidence up to that instant alone;
 * the order in which links are fed makes no difference. judge.c puts each question to the evaluator of its kind. */
#ifndef ECMPLAB_JUDGE_INT_H
#define ECMPLAB_JUDGE_INT_H

#include "judge.h"
#include "vec.h"

#include <stdlib.h>
#include <string.h>

/* ---- stat_*.c ---- */

/* Statistics that differ by less are one. */
#define STAT_TIE 1e-9
/* Chances below it are told as an upper bound, no more. */
#define STAT_P_FLOOR 1e-12

/* The chance that the test finds a spread of that noncentrality. */
double judge_power(size_t members, double noncentrality, double alpha);
bool multinomial_equal_tail(size_t members, uint64_t flows, uint64_t squares, double *ret);
bool multinomial_counted_tail(const double *expected, size_t members, uint64_t flows, double statistic, double *ret);

struct drawn_p {
	double p, error; /* relative standard error */
};

struct drawn_p multinomial_drawn_tail(const double *expected, size_t members, uint64_t flows, double statistic);

/* ---- slots.c: a hash table of item numbers ---- */

struct slot {
	uint64_t hash;
	uint32_t item; /* number + 1; 0: free */
};

/* Zero is an empty table; the seed keeps hostile captures from making all items meet. */
struct slots {
	struct slot *at;
	size_t count, used; /* count: a power of two, or 0 */
	uint64_t seed;
};

#define SLOTS_NONE UINT32_MAX

typedef bool slots_same_fn(const void *ctx, uint32_t item);

/* Over any mix of addresses and numbers: start with 0 and chain. */
uint64_t slots_hash(const struct slots *s, uint64_t before, const void *bytes, size_t n);
/* The item with the hash for which same says so, or SLOTS_NONE. */
uint32_t slots_find(const struct slots *s, uint64_t hash, slots_same_fn *same, const void *ctx);
void slots_put(struct slots *s, uint64_t hash, uint32_t item);
/* Puts item where the equal one `old` was. */
void slots_replace(struct slots *s, uint64_t hash, uint32_t old, uint32_t item);
void slots_free(struct slots *s);

/* ---- text.c: a sentence that grows ---- */

struct saying {
	char *at;
	size_t len, cap;
};

void saying_addf(struct saying *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "worker1, worker2 and 3 more" of those marked. Returns how many are marked. */
size_t saying_workers(struct saying *s, const struct judge_lab *lab, const bool *which);
/* "; " unless the sentence is empty. */
void saying_part(struct saying *s);
/* Moves the sentence into the arena; s is empty again. */
const char *saying_end(struct saying *s, struct arena *arena);

/* ---- bgp_view.c: sessions ---- */

/* Something that a frame of the worker's link showed, or nothing yet. */
struct mark {
	bool is;
	struct instant time;
	uint64_t frame;
};

enum bgp_end { BGP_PEER_WORKER, BGP_PEER_ROUTER };

enum bgp_close { BGP_CLOSE_NOTIFICATION, BGP_CLOSE_FIN, BGP_CLOSE_RST, BGP_CLOSE_REPLACED };

/* Messages of the worker that follow each other within the hold time. */
struct bgp_talk {
	struct instant first, last;
};

/* One TCP connection. Arrays are by enum bgp_end. */
struct bgp_conn {
	uint16_t worker_port, router_port;
	bool joined; /* met in its middle: there was an OPEN that the capture lacks */
	enum bgp_end dialler, closer;
	enum bgp_close close;
	struct mark syn, synack, open[2], keepalive[2], established, closed;
	struct mark gap;       /* the first: some of what was said was not captured */
	struct mark ended[2];  /* the first FIN, RST or NOTIFICATION of each end */
	uint8_t code, subcode; /* of the NOTIFICATION */
	uint8_t data[32];      /* of it, cut to the room */
	uint8_t data_len;
	char words[64]; /* RFC 9003's, made printable */
	bool as4[2], extended[2], add_path_v4[2], add_path_v6[2];
	uint16_t hold_s[2];
	int64_t patience_ns; /* silence after which the session is over; 0: none */
	VEC(struct bgp_talk) talk;
	VEC(struct mark) pulse; /* the router's KEEPALIVEs */
};

#define BGP_NO_ROUTE UINT32_MAX

/* Beside each judge_route_event. */
struct bgp_route_link {
	uint32_t before; /* the event before it of the same worker and prefix, or BGP_NO_ROUTE */
	uint32_t conn;
	bool malformed; /* withdrawn because RFC 7606 says so, not because the worker asked */
};

struct bgp_worker {
	VEC(struct bgp_conn) conns;
	VEC(uint32_t) sessions; /* connections that got established, in that order; no two overlap */
	VEC(uint32_t) prefixes; /* the places in routes.table of this worker's */
	size_t route_count;
};

/* A worker's prefix and its newest event. */
struct bgp_prefix {
	struct prefix prefix;
	uint32_t worker;
	uint32_t newest;
};

struct bgp_view {
	const struct judge_lab *lab;
	struct bgp_worker *workers; /* lab->worker_count */
	VEC(struct judge_route_event) events;
	VEC(struct bgp_route_link) links; /* by event */
	VEC(struct bgp_prefix) prefixes;
	struct slots slots; /* over prefixes */
	bool full;	    /* something was left out */
};

void bgp_view_init(struct bgp_view *v, const struct judge_lab *lab, uint64_t seed);
void bgp_view_fini(struct bgp_view *v);
/* An event between the worker and the router on the worker's link. */
void bgp_view_packet(struct bgp_view *v, uint32_t worker, const struct capture_event *event);
bool bgp_conn_alive(const struct bgp_conn *conn, struct instant t);
/* The worker's session that is established at t, or NULL. */
const struct bgp_conn *bgp_view_session(const struct bgp_view *v, uint32_t worker, struct instant t);

/* The newest connection of the worker that was a session by t, or NULL. */
const struct bgp_conn *bgp_view_last_session(const struct bgp_view *v, uint32_t worker, struct instant t);
/* The worker said something on it after `t` and, as far as that is known, by `by`. */
bool bgp_conn_heard_after(const struct bgp_conn *conn, struct instant t, struct instant by);

typedef VEC(struct instant) instants;

/* Adds the instants in (since, until] at which the worker's session may have changed. */
void bgp_view_session_times(const struct bgp_view *v, uint32_t worker, struct instant since, struct instant until,
			    instants *ret);
/* "the router sent NOTIFICATION 1/1 (...) in frame 7": how the closed connection was closed. */
void bgp_say_close(struct saying *s, const struct bgp_view *v, uint32_t worker, const struct bgp_conn *conn);
/* Says, for a worker without a session at t, how far it came: "worker2: no connection attempt was seen". */
void bgp_say_stage(struct saying *s, const struct bgp_view *v, uint32_t worker, struct instant t);

/* ---- bgp_routes.c: what the sessions carry ---- */

void bgp_routes_update(struct bgp_view *v, uint32_t worker, uint32_t conn, const struct capture_event *event);

/* A worker's events for a prefix, oldest first: those in (since, until] and the last one before. */
struct bgp_chain {
	uint32_t *events;
	size_t n;
};

struct bgp_chain bgp_view_chain(const struct bgp_view *v, uint32_t worker, const struct prefix *prefix,
				struct instant since, struct instant until, struct arena *arena);
/* The route that the worker has announced and not taken back at t, or BGP_NO_ROUTE. */
uint32_t bgp_chain_held(const struct bgp_view *v, uint32_t worker, const struct bgp_chain *chain, struct instant t);
/* The route as last announced, unless it was taken back or its connection closed; BGP_NO_ROUTE. */
uint32_t bgp_view_newest(const struct bgp_view *v, uint32_t worker, const struct prefix *prefix);
/* One of the worker's routes at t other than the prefix, an overlapping one first; BGP_NO_ROUTE when there is none. */
uint32_t bgp_view_other(const struct bgp_view *v, uint32_t worker, const struct prefix *prefix, struct instant t);

/* ---- bfd_view.c: BFD control packets on the router's link ---- */

/* Between two changes of what an end says: its packets from first to last say the same. */
struct bfd_spell {
	struct instant first, last;
	uint64_t frame; /* the first */
	uint8_t state, diag;
};

/* By enum bgp_end. */
struct bfd_worker {
	VEC(struct bfd_spell) said[2];
};

struct bfd_view {
	const struct judge_lab *lab;
	struct bfd_worker *workers; /* lab->worker_count */
	VEC(struct judge_bfd_event) events;
	bool full;
};

void bfd_view_init(struct bfd_view *v, const struct judge_lab *lab);
void bfd_view_fini(struct bfd_view *v);
/* An event on the router's link. */
void bfd_view_packet(struct bfd_view *v, const struct capture_event *event);
/* What the end said last by t; NULL: nothing yet. */
const struct bfd_spell *bfd_view_said(const struct bfd_view *v, uint32_t worker, enum bgp_end end, struct instant t);
/* When the end was last heard by t; it was. */
struct instant bfd_view_heard(const struct bfd_view *v, uint32_t worker, enum bgp_end end, struct instant t);

/* ---- fib_view.c ---- */

/* What a set of next hops is made of. */
struct fib_hop {
	struct addr gateway;
	unsigned int weight;
};

struct fib_entry {
	struct instant time;
	const struct addr *gateways; /* sorted */
	const unsigned int *weights; /* beside them */
	size_t n;
	const struct fib_hop *listed; /* as the kernel lists them */
	size_t listed_n;
	uint32_t before; /* of the same prefix, or FIB_NO_ENTRY */
};

struct question;

#define FIB_NO_ENTRY UINT32_MAX
#define FIB_HOPS_MAX 65536U

struct fib_prefix {
	struct prefix prefix;
	uint32_t newest;
};

struct fib_view {
	struct arena arena;
	VEC(struct fib_entry) entries;
	VEC(struct fib_prefix) prefixes;
	struct slots slots;
	bool full;
};

void fib_view_fini(struct fib_view *v);
/* Hops are sorted in place. */
void fib_view_add(struct fib_view *v, struct instant time, const struct prefix *prefix, struct fib_hop *hops, size_t n);
/* Whether it is one of the entry's next hops; of no entry: never. */
bool fib_entry_has(const struct fib_entry *e, const struct addr *gateway);
/* The prefix's entry at t; NULL: no route yet. */
const struct fib_entry *fib_view_at(const struct fib_view *v, const struct prefix *prefix, struct instant t);
/* The longest prefix with a route to the address at t; the address's own without any. */
struct prefix fib_view_covering(const struct fib_view *v, const struct addr *a, struct instant t);
void fib_view_times(const struct fib_view *v, const struct prefix *prefix, struct instant since, struct instant until,
		    instants *ret);

/* ---- route_story.c ---- */

/* Which next hops the traffic's route lost while it was sent, and for how long; NULL: none. */
const char *judge_route_why(const struct question *q);

/* ---- traffic_view.c ---- */

/* A flow's packets to a destination on a link; time, frame and ports are the first one's. */
struct flow_sight {
	uint32_t link, flow;
	struct instant time;
	uint64_t frame;
	struct addr src, dst;
	uint16_t src_port, dst_port;
	uint32_t label; /* of all: of another it is another sight */
	uint8_t protocol;
	uint8_t ttl;		/* of the first */
	uint32_t packets;	/* distinct ones */
	uint32_t high;		/* sequence number */
	uint64_t window;	/* which of the 64 up to `high` were here */
	uint32_t late;		/* came after one with a higher number */
	uint32_t twice, looped; /* the same again; with a smaller TTL than the first packet had */
	uint64_t odd;		/* frame of the first that was late, twice or looped */
};

/* A packet of a traced run. */
struct flow_step {
	uint32_t link, flow, seq;
	uint16_t src_port, dst_port;
	struct addr src;
	struct instant time, sent; /* seen; as its own stamp says */
	uint64_t frame;
};

struct flow_run {
	uint32_t run;
	bool traced;
	VEC(struct flow_step) steps; /* of a traced one */
	VEC(struct flow_sight) sights;
	struct slots slots;
};

/* Something a TCP connection did, on one link. */
struct tcp_note {
	struct instant time;
	uint64_t frame;
	struct addr src, dst;
	uint16_t src_port, dst_port;
	uint32_t label; /* of IPv6 */
	uint8_t kind;	/* enum capture_kind */
	uint16_t status;
};

struct traffic_link {
	VEC(struct tcp_note) notes;
	bool unsorted; /* stamps that go back */
};

struct traffic_view {
	VEC(struct flow_run) runs;
	VEC(struct traffic_link) links;
	uint64_t seed;
	size_t kept;
	bool full;
};

void traffic_view_fini(struct traffic_view *v);
void traffic_view_packet(struct traffic_view *v, const struct capture_event *event);
void traffic_view_trace(struct traffic_view *v, uint32_t run);
/* A packet where it counts for traced runs alone. */
void traffic_view_gate(struct traffic_view *v, const struct capture_event *event);
const struct flow_run *traffic_view_run(const struct traffic_view *v, uint32_t run);

struct tcp_notes {
	const struct tcp_note *at;
	size_t n;
};

/* A link's notes from since to until. Of a link whose stamps go back these are all, so a note's own time counts. */
struct tcp_notes traffic_view_notes(const struct traffic_view *v, unsigned int link, struct instant since,
				    struct instant until);

/* ---- judge.c ---- */

/* BGP's TCP on the router's link: what a worker says when it is cut off does not come there, what the router says does. */
struct judge_heard {
	uint32_t worker;
	bool from_router;
	bool ends; /* a FIN, an RST or a NOTIFICATION */
	struct instant time;
	uint64_t frame;
};

#define HEARD_MAX 4000000U

enum link_role { LINK_OTHER, LINK_WORKER, LINK_CLIENT, LINK_POD, LINK_ROUTER, LINK_GATE, LINK_UPLINK };

struct judge_link {
	enum link_role role;
	uint32_t index; /* of the worker, the client, the pod, or the router whose uplink it is */
	struct capture_loss *lost;
	size_t lost_count;
};

struct judge {
	struct judge_lab lab;
	struct arena arena; /* the pods' texts */
	struct arena scratch;
	VEC(struct judge_link) links;
	VEC(struct judge_pod) pods;
	VEC(struct judge_heard) heard;
	struct bgp_view bgp;
	struct bfd_view bfd;
	struct fib_view fib;
	struct fib_view *fibs; /* of the routers, by number, and of the one above; the first is unused: it is fib */
	struct traffic_view traffic;
};

/* One judge_evaluate. */
struct question {
	struct judge *j;
	const struct judge_expect *e;
	struct instant cutoff; /* evidence up to here counts */
	bool last;	       /* the deadline is reached */
	struct arena *arena;   /* the caller's, for what the finding keeps */
	struct arena *scratch;
	struct judge_finding *f;
};

/* A kind of expectation, and the evidence that it rests on. */
struct judge_basis {
	void (*evaluate)(struct question *q);
	bool bgp, fib, traffic, bfd; /* the views */
	bool named_only;	     /* of the workers' links */
	bool gate;		     /* the router's port to the clients, instead of theirs */
};

static inline bool question_names(const struct question *q, size_t worker)
{
	return q->e->workers != NULL && q->e->workers[worker];
}

struct judge_link judge_link_at(const struct judge *j, unsigned int link);
/* The link's file for people, also for a link that has none. */
const char *judge_file(const struct question *q, unsigned int link);
void judge_frame_add(struct question *q, unsigned int link, uint64_t frame);

/* ---- gaps.c ---- */

/* Says what evidence is missing that a verdict of the kind rests on; nothing when all is there. */
void judge_say_gaps(const struct question *q, const struct judge_basis *k, struct saying *s);

/* ---- state.c: conditions that hold from one instant to another ---- */

/* A condition over subjects (workers, or the one FIB), each of which is right or not at an instant. */
struct condition {
	size_t subjects;
	/* Adds the instants after `since`, up to the cutoff, at which the subject may have changed. */
	void (*times)(const struct question *q, const void *ctx, size_t subject, instants *ret);
	bool (*right)(const struct question *q, const void *ctx, size_t subject, struct instant t);
	const void *ctx;
};

/* Sets the verdict and when: PASS from the first instant at which all subjects are right. Returns the instant that the
 * finding's words should describe. */
struct instant judge_state(struct question *q, const struct condition *c);

/* ---- conns.c: connections to the traffic's address and port that began while it was sent ---- */

struct client_conn {
	struct tcp_note syn;
	unsigned int link;
	struct mark request, response, ended;
	struct mark reset; /* the first RST from the service */
	int status;
	bool refused;	/* the first end was an RST from the service */
	uint32_t older; /* an earlier one of the same address and port, or SLOTS_NONE */
};

struct client_conns {
	struct client_conn *at;
	size_t n, cap;
	struct slots slots;
};

struct client_conns judge_client_conns(const struct question *q);
void client_conns_free(struct client_conns *conns);
/* The client's connection that was there at t, or NULL. */
struct client_conn *client_conn_at(const struct client_conns *conns, const struct addr *client, uint16_t port,
				   struct instant t);

/* ---- journeys.c: where flows and connections went ---- */

#define JOURNEY_NOWHERE UINT32_MAX
#define JOURNEYS_MAX 4000000U

struct sighting {
	uint32_t worker; /* or JOURNEY_NOWHERE */
	struct instant time;
	uint64_t frame;
};

/* A flow, whose number is its index, or a connection. */
struct journey {
	struct addr client;
	uint16_t client_port, port; /* port: of a flow's destination */
	bool sent;		    /* seen on a client's link */
	unsigned int left_link;
	struct sighting left;	      /* there */
	struct sighting first, other; /* where it was seen first, and when first at another worker */
	struct sighting relabelled;   /* at another worker, too, but as something else to the router's hash */
	uint64_t key;		      /* what that hash sees of it; 0: not known */
};

struct journeys {
	struct journey *at;
	size_t n;
	size_t missing; /* sent, and seen at no worker by the cutoff */
	size_t unsent;	/* of the promised ones that were seen nowhere */
	size_t split, relabelled;
	struct instant last; /* when the last of those that arrived did */
};

/* Is that where the traffic goes, before a worker passes it on? */
bool judge_traffic_to(const struct judge_traffic *t, const struct addr *dst);
/* Whether another flow label makes another key of a packet to there. */
bool judge_hashes_labels(const struct question *q, const struct judge_traffic *t);
struct journeys judge_journeys(const struct question *q, const struct judge_traffic *t);

/* ---- spread.c: what both spreads share ---- */

struct spread {
	struct journeys journeys;
	bool *named;	  /* the workers to spread over */
	size_t members;	  /* how many these are */
	double *weights;  /* promised, by worker; 0 of those not named */
	uint64_t *counts; /* by worker */
	size_t arrived;
	uint32_t *order; /* the arrived journeys, by client */
	size_t clients;
	size_t single; /* clients with one journey */
	size_t pinned; /* clients with two or more, all at one worker */
};

/* "; 2 of them came to another worker under another flow label ...": nothing when none did. */
void judge_say_relabelled(const struct question *q, struct saying *s, size_t n);

/* Too few sightings at workers for all flows to have arrived: cheaper than counting. */
bool judge_surely_incomplete(const struct question *q);
/* Flows that show a dependence of V between the lab's stages, all of whose members get their share; 0: it has none. */
uint64_t judge_stages_needed(const struct judge *j, double v);
/* Flows that show `more` moves than the share. */
uint64_t judge_moves_needed(double share, double more);
/* False when the verdict is given already: PENDING, or one that no counts could change. */
bool judge_spread(struct question *q, struct spread *ret);
/* "3000 flows: worker1 1012, worker2 988, worker3 1000" */
void judge_say_counts(const struct question *q, struct saying *s, const struct spread *spread);
/* The finding's table: counts, what was promised of n, and what each count says. */
void judge_spread_shares(struct question *q, const struct spread *s, const uint64_t *counts, uint64_t n);
/* Why all journeys of one client may share a worker. */
const char *judge_pinned_why(const struct question *q, const struct spread *s);
/* "flow", "connections" */
const char *judge_noun(const struct question *q, size_t n);

/* ---- The evaluators: set verdict and, unless PENDING, the words; of `never` they know nothing ---- */

void judge_sessions(struct question *q);
void judge_announced(struct question *q);
void judge_withdrawn(struct question *q);
void judge_next_hops(struct question *q);
void judge_http(struct question *q);
void judge_spread_equal(struct question *q);
void judge_spread_pinned(struct question *q);
void judge_spread_unequal(struct question *q);
void judge_moved(struct question *q);
void judge_packets(struct question *q);
void judge_stages(struct question *q);
void judge_predicted(struct question *q);
void judge_broken(struct question *q);
void judge_reaction(struct question *q);
void judge_bfd_up(struct question *q);
void judge_bfd_down(struct question *q);
void judge_left(struct question *q);
void judge_joined(struct question *q);

/* ---- evaluate_left.c, for those that join, too ---- */

/* Counts what the traced flows sent and lost, and where they were, packet by packet. */
void judge_flows_walk(const struct question *q, const struct flow_run *run, struct judge_leaving *l);
/* "announced after 3 ms", or the other words where it was not. */
void judge_say_after(struct saying *s, const char *what, int64_t ns, const char *else_what);
void judge_say_losses(struct saying *s, const struct judge_leaving *l);
/* What `within` is the limit of, after the event. */
struct judge_limit {
	int64_t ns;
	bool never;	  /* it has not come at all */
	const char *may;  /* "packets may go there for" */
	const char *word; /* what a budget since the word counts from: "word on the wire", and shorter */
	const char *short_word;
};

/* Adds what of the budget, losses among it, was broken. False when something was. */
bool judge_within_budget(const struct question *q, const struct judge_leaving *l, const struct judge_limit *limit,
			 struct saying *s);

#endif
