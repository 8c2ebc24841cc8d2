/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verdicts from observations: packets (capture_event) and the router kernel's FIB. The judge never asks a simulated
 * component (D1). Fed live or from saved captures it gives the same verdicts. Time is the packets' wall clock. */
#ifndef ECMPLAB_JUDGE_H
#define ECMPLAB_JUDGE_H

#include "addr.h"
#include "arena.h"
#include "capture.h"
#include "instant.h"
#include "membership.h"
#include "statistics.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- The lab as the judge needs to know it: who is where ---- */

struct judge_worker {
	const char *name;
	struct addr address;
	struct addr link_local; /* as a next hop stands for the other (RFC 2545 section 3); ADDR_NONE: none */
	unsigned int link;	/* capture link at the worker's port */
};

struct judge_pod {
	struct addr address;
	const char *name, *node;
	unsigned int link;
};

struct judge_client {
	const char *name;
	struct addr address;
	unsigned int link;
};

/* One of several routers that workers have sessions with, below one that shares traffic over them. */
struct judge_router {
	const char *name;
	struct addr uplink; /* its address towards the one above */
	unsigned int link;  /* capture link there */
};

/* Arrays are borrowed for the judge's life. */
struct judge_lab {
	struct addr router;	  /* the address the workers peer with */
	unsigned int router_link; /* at its port to the workers: what it says shows there even when they are cut off */
	unsigned int gate_link;	  /* at its port to the clients: what traced flows sent shows there */
	const struct judge_worker *workers;
	size_t worker_count;
	const struct judge_client *clients;
	size_t client_count;
	const char *const *link_files; /* "worker1.pcap" by link number, for frame references */
	size_t link_count;
	const struct judge_router *routers; /* the first is the one above; none: it is the only one */
	size_t router_count;
	bool hash_addresses_only; /* for the sentence that explains a pinned client */
	unsigned int hash_fields; /* what the router's hash looks at, enum judge_hash_field; 0: not known */
	const char *hash_sysctl;  /* "net.ipv4.fib_multipath_hash_policy=0" as read from the router */
};

/* As the kernel numbers them (fib_multipath_hash_fields). */
enum judge_hash_field {
	JUDGE_HASH_SRC = 0x1,
	JUDGE_HASH_DST = 0x2,
	JUDGE_HASH_PROTOCOL = 0x4,
	JUDGE_HASH_LABEL = 0x8, /* of IPv6 */
	JUDGE_HASH_SRC_PORT = 0x10,
	JUDGE_HASH_DST_PORT = 0x20,
};

struct judge;

struct judge *judge_new(const struct judge_lab *lab);
void judge_free(struct judge *j);

/* ---- Evidence ---- */

void judge_packet(struct judge *j, const struct capture_event *event);
/* The router kernel's next hops for a prefix from `time` on; none: no route. */
void judge_fib(struct judge *j, struct instant time, const struct prefix *prefix, const struct addr *gateways,
	       size_t n);
/* The same with what each gateway weighs (buckets of a resilient group, weights of a plain one); NULL: all the same. */
void judge_fib_weighted(struct judge *j, struct instant time, const struct prefix *prefix, const struct addr *gateways,
			const unsigned int *weights, size_t n);
/* Of another router by its number among the lab's, or (router_count) of the one above them. */
void judge_fib_of(struct judge *j, unsigned int router, struct instant time, const struct prefix *prefix,
		  const struct addr *gateways, const unsigned int *weights, size_t n);
/* A pod with a link of its own appears (where the source address of connections is seen); told before the link's first
 * packet. Copied. */
void judge_pod(struct judge *j, const struct judge_pod *pod);
/* The router's hash is another from now on: whether it looks at addresses alone. */
void judge_hash(struct judge *j, bool addresses_only, unsigned int fields);
/* Every packet of the run of flows counts, not only the first at each place; told before its first one. Gate and workers. */
void judge_trace(struct judge *j, uint32_t run);
/* All that was lost on a link up to now, in place of what was told before: verdicts that rest on the link and on what it showed
 * at one of these times become inconclusive. Copied. */
void judge_losses(struct judge *j, unsigned int link, const struct capture_loss *losses, size_t n);

/* ---- Expectations ---- */

enum judge_kind {
	JUDGE_SESSIONS,
	JUDGE_ANNOUNCED_BY,
	JUDGE_WITHDRAWN_BY,
	JUDGE_NEXT_HOPS,
	JUDGE_HTTP,
	JUDGE_SPREAD_EQUAL,
	JUDGE_SPREAD_PINNED,
	JUDGE_SPREAD_WEIGHTED, /* as the router kernel's weights say; over its next hops, whoever is named */
	JUDGE_MOVED,	       /* the flows of `before` when sent again: how many went to another worker */
	JUDGE_STAGES,	       /* two stages of hashing, `before` and `traffic`: independent of each other */
	JUDGE_PACKETS,	       /* of flows: none lost, late, twice or in a circle, but for those that may be */
	JUDGE_SPREAD_UNEQUAL,  /* a control: what must not be balanced is not */
	JUDGE_PREDICTED,       /* each went where the router's kernel had said that it would */
	JUDGE_BROKEN,	       /* of the connections held over a change: no more than `lost` broke */
	JUDGE_REACTION,
	JUDGE_BFD_UP,
	JUDGE_BFD_DOWN,
	JUDGE_LEFT,   /* traced flows have left the workers named: no packet goes there any more */
	JUDGE_JOINED, /* traced flows have come to the workers named: each has got a first packet */
};

/* From when the time is counted that leaving may take. */
enum judge_reference {
	JUDGE_SINCE_EVENT,    /* what happened to them */
	JUDGE_SINCE_WITHDRAW, /* the first word about it on the wire: an UPDATE, the session's end, BFD */
	JUDGE_SINCE_FIB,      /* the change of the router's FIB */
};

struct judge_budget {
	enum judge_reference since;
	int64_t within_ns;     /* after which no packet may go there, or the first must have; -1: any time */
	int64_t black_hole_ns; /* of each flow, at most; -1: not asked */
	uint64_t lost;	       /* packets, at most; UINT64_MAX: not asked */
};

/* What the router is to do about bytes that it should not have got, or need not like. */
enum judge_reaction_kind {
	JUDGE_NOTIFIES,	 /* with one of the answers */
	JUDGE_CLOSES,	 /* ends the connection, with words or without */
	JUDGE_STAYS,	 /* keeps the session */
	JUDGE_WITHDRAWS, /* keeps the session, not the worker's route to the prefix */
	JUDGE_INSTALLS,	 /* keeps both */
};

#define JUDGE_ANY_SUBCODE 0xff
#define JUDGE_ANSWERS_MAX 3

struct judge_answer {
	uint8_t code; /* 0: no further answer */
	uint8_t subcode;
	const char *data; /* hex, or NULL: not looked at */
};

struct judge_reaction {
	enum judge_reaction_kind kind;
	struct judge_answer answers[JUDGE_ANSWERS_MAX];
	bool unless_extended; /* NOTIFIES: where the router has offered RFC 8654 the session may as well go on */
	bool cut_short; /* ... for as long as it waits for the rest of a message, which is until its hold time is over */
	bool talks; /* the worker goes on with its KEEPALIVEs: a hold time that is over in spite of them may be its own fault */
	bool no_fib;	       /* the router has none that could be read: of the route nothing can be said */
	struct instant played; /* when the bytes had been sent; a session that stays has to show it after that */
};

enum judge_source { JUDGE_SOURCE_ANY, JUDGE_SOURCE_CLIENT, JUDGE_SOURCE_NODE };

/* Traffic that a step sent, as the sender planned it (what must be on the wire, not what was). */
struct judge_traffic {
	bool flows; /* tagged flows of `run`; else TCP connections to vip:port */
	uint32_t run;
	uint32_t count;
	uint32_t packets;      /* of each flow; 0 counts as 1 */
	const uint32_t *sizes; /* NULL, or the packets of each of the `count` flows where they differ; borrowed */
	struct addr vip;
	struct prefix net; /* of flows with several destinations: what these are of; of no family: vip alone */
	uint16_t port;
	bool fragments;	      /* each datagram as two, so that no hash sees ports */
	struct instant since; /* when the step began */
	struct instant until; /* when its last packet had been sent or its last connection ended */
};

/* Where the router's kernel would send a flow: it was asked, nothing was sent. */
struct judge_prediction {
	struct addr client; /* of a connection, with its port; a flow is known by its place */
	uint16_t client_port;
	uint32_t worker; /* index, or JUDGE_NO_WORKER */
};

#define JUDGE_NO_WORKER UINT32_MAX

/* Borrowed for the expectation's life. */
struct judge_oracle {
	struct instant asked;
	const struct judge_prediction *at; /* of connections sorted by client and port */
	size_t n;
	const char *doubt; /* why the answers are worth nothing, NULL: they count */
	bool learned; /* no lookup can tell: these are the paths of the same flows, sent before (judge_flow_paths) */
};

struct judge_expect {
	enum judge_kind kind;
	bool never;
	struct prefix prefix;	      /* announced_by, withdrawn_by, next_hops */
	const bool *workers;	      /* worker_count entries: who is named */
	const uint32_t *weights;      /* next_hops: worker_count entries, what each is to weigh; NULL: anything */
	struct judge_traffic traffic; /* http, spread */
	uint32_t http_answered;
	int http_status;
	enum judge_source source;
	struct judge_traffic before;  /* moved: the same flows, by their numbers, before the change */
	uint64_t lost, late, twice;   /* packets: at most so many; lost: of connections too */
	enum judge_algorithm at_most; /* moved: no more innocent ones than this makes of the router's next hops */
	struct judge_oracle oracle;   /* predicted; packets: NULL answers do */
	struct judge_budget budget;   /* left; since: the event; traffic.until: when the flows ended, 0: not yet */
	bool polarised;		      /* stages: a control, they must not be independent */
	double detect;
	struct judge_reaction
		reaction;	 /* reaction; workers names the one who sent the bytes, on a connection since `since` */
	struct instant since;	 /* the step began; withdrawn_by counts from here */
	struct instant deadline; /* since + within, or since + for with never */
};

enum judge_verdict { JUDGE_PENDING, JUDGE_PASS, JUDGE_FAIL, JUDGE_INCONCLUSIVE };

struct judge_frame {
	const char *file;
	uint64_t frame;
};

#define JUDGE_FRAMES_MAX 32

struct judge_share {
	const char *worker;
	uint64_t count;
	double expected;
};

enum judge_fate {
	JUDGE_KEPT,	/* the same worker */
	JUDGE_FORCED,	/* another, since the first is no longer a next hop */
	JUDGE_INNOCENT, /* another, though the first is still one */
	JUDGE_LOST,	/* seen before, at no worker after */
	JUDGE_UNSEEN,	/* not seen before */
};

/* "kept", "forced", "innocent", "lost", "unseen" */
const char *judge_fate_name(enum judge_fate f);

/* Where a flow went before and after. */
struct judge_move {
	uint32_t flow;
	struct addr client;
	uint16_t client_port, port;
	const char *before, *after; /* workers, or NULL */
	enum judge_fate fate;
};

/* How the router, or anybody, first heard that a worker leaves. */
enum judge_word {
	JUDGE_WORD_NONE,
	JUDGE_WORD_WITHDRAWN,
	JUDGE_WORD_CHANGED,   /* announced anew, with other attributes (RFC 8326) */
	JUDGE_WORD_SESSION,   /* its session ended */
	JUDGE_WORD_BFD,	      /* the router says by BFD that it is down */
	JUDGE_WORD_ANNOUNCED, /* of one that joins */
};

/* "withdrawn", "changed", "session ended", "bfd down", "announced"; NULL for none */
const char *judge_word_name(enum judge_word w);

/* A flow that was at a leaving worker, or lost packets. */
struct judge_gap {
	uint32_t flow;
	struct addr client;
	uint16_t client_port, port;
	const char *before, *after; /* workers: when it happened and at last; or NULL */
	uint32_t sent, lost;
	int64_t black_hole_ns; /* by the packets' own stamps: from each first lost one to the next that arrived */
	int64_t new_path_ns;   /* the first packet elsewhere, after the event; -1: none */
};

/* Times are after the event, or -1 where it was not seen. */
struct judge_leaving {
	bool joins; /* then the new path is the way to who joins, and those affected are the flows that came there */
	enum judge_word word;
	int64_t word_ns, fib_ns;
	int64_t new_path_ns; /* the first packet of a flow that was there, elsewhere */
	int64_t old_path_ns; /* the last one there, or lost on its way there */
	uint64_t flows, affected, sent, lost, lost_flows;
	int64_t black_hole_longest_ns, black_hole_ns; /* of one flow; of all in sum */
	int64_t loss_span_ns;			      /* between the first and the last packet lost, of whatever flow */
	uint64_t no_route;   /* times that the FIB had no route at all while the flows went on, */
	int64_t no_route_ns; /* and how long in sum: what was lost, at the rate of what was sent */
	uint64_t unmoved;    /* flows that were there and have been nowhere else yet */
	uint64_t trailing;   /* lost packets from the flows' very end: they may still be on their way */
	const struct judge_gap *gaps;
	size_t gap_count;
};

/* Texts and arrays live in the arena given to judge_evaluate. */
struct judge_finding {
	enum judge_verdict verdict;
	struct instant when; /* the evidence that decided it; the deadline for a failure by time */
	const char *seen;    /* "worker1, worker2 announce 172.16.254.1/32; worker3 does not" */
	const char *why;     /* one sentence that teaches, or NULL */
	struct judge_frame frames[JUDGE_FRAMES_MAX];
	size_t frame_count;
	const struct judge_share *shares; /* spread */
	size_t share_count;
	const struct judge_member *members; /* beside the shares: what each count says of its worker alone; or NULL */
	struct judge_chi_square chi;
	double detectable;     /* spread: the minimum detectable bias */
	uint64_t flows_needed; /* spread: for expect.detect at JUDGE_ALPHA and JUDGE_POWER */
	/* The verdict's own error rates: alpha, how often it fails what is as promised (0: nothing was tested); power, how
	 * surely it finds what is off by `planned`. */
	double alpha, power, planned;
	struct judge_balance balance;
	struct judge_membership membership; /* moved: all below */
	const struct judge_move *moves;
	size_t move_count;
	struct judge_leaving leaving; /* left; else without flows */
};

/* The distinct flows that the expectation, of a spread, of moves or of stages, needs for a verdict: count: auto. Of its traffic the
 * address is known, and since when; weights are the kernel's of then. 0: any number will do. */
uint64_t judge_flows_planned(struct judge *j, const struct judge_expect *expect);

/* The connections of a traffic as the clients' links show them, sorted, no worker named: what the oracle is to be asked. */
struct judge_prediction *judge_connections(struct judge *j, const struct judge_traffic *traffic, struct arena *arena,
					   size_t *ret_count);

/* Where the packets of each of the flows went; JUDGE_NO_WORKER: nowhere yet, or to several. */
struct judge_prediction *judge_flow_paths(struct judge *j, const struct judge_traffic *traffic, struct arena *arena);

/* What broke a connection. */
enum judge_cause {
	JUDGE_CAUSE_NONE,
	JUDGE_CAUSE_REHASH,	/* it came to another worker, though its own is a next hop */
	JUDGE_CAUSE_LABEL,	/* ... since it had another flow label then, which the hash looks at */
	JUDGE_CAUSE_LEFT,	/* its worker was no next hop any more when it was asked */
	JUDGE_CAUSE_BLACK_HOLE, /* its worker said nothing, and was a next hop still */
	JUDGE_CAUSE_OWN,	/* its own worker reset it */
	JUDGE_CAUSE_BEHIND,	/* its own worker got the question, and no answer came from behind it */
	JUDGE_CAUSE_SILENCE,	/* nobody answered, and it is not known why */
	JUDGE_CAUSES,
};

/* "rehash", "black hole" ...; "-" for none */
const char *judge_cause_name(enum judge_cause c);

struct judge_break {
	struct addr client;
	uint16_t client_port;
	uint32_t worker;   /* that had it, or JUDGE_NO_WORKER */
	uint32_t reset_by; /* or JUDGE_NO_WORKER */
	uint64_t frame;	   /* of that reset, on that worker's link */
	bool answered, arrived,
		resting; /* arrived: the question was seen at its worker; resting: nothing was asked yet */
	struct instant asked, ended;
	enum judge_cause cause;
	int64_t hole_ns; /* black hole: from the question on, until its worker was no next hop any more, or to the end */
};

/* The connections of a traffic as the links show them up to now, sorted by client and port; in the arena. */
const struct judge_break *judge_breaks(struct judge *j, const struct judge_traffic *traffic, struct instant now,
				       struct arena *arena, size_t *ret_count);

/* Judges what has been observed up to `now`. PENDING while the evidence may still come before the deadline. With
 * `now` at or past the deadline (and all captures settled) it is never PENDING. Evidence stamped later than `now` or the
 * deadline counts for nothing, and the order in which links were fed makes no difference; so a verdict before the deadline is
 * final once the captures have been settled and the question put again. */
struct judge_finding judge_evaluate(struct judge *j, const struct judge_expect *expect, struct instant now,
				    struct arena *arena);

/* ---- What the wire showed, for display, comparison with peers' tools and the run directory ---- */

/* One announced or withdrawn prefix in wire order. */
struct judge_route_event {
	struct instant time;
	unsigned int link;
	uint64_t frame;
	const char *worker;
	bool withdrawn;
	struct prefix prefix;
	struct addr next_hop;
	char as_path[64];
	uint8_t origin;
};

/* One end of a BFD session says another state than in its packet before. */
struct judge_bfd_event {
	struct instant time;
	unsigned int link;
	uint64_t frame;
	const char *worker;
	bool from_router; /* else the worker says so */
	uint8_t state, diag;
};

/* As judge_route_events. */
const struct judge_bfd_event *judge_bfd_events(const struct judge *j, size_t *ret_count);
/* In the order in which they were fed; it only grows. Valid until the next packet, as is judge_route's. */
const struct judge_route_event *judge_route_events(const struct judge *j, size_t *ret_count);
/* A worker's route to the prefix as last announced, or NULL. */
const struct judge_route_event *judge_route(const struct judge *j, unsigned int worker, const struct prefix *prefix);
/* How the FIB followed the announcements, over all prefixes that a worker announced and the FIB had at some time,
 * up to an instant: when the watching ended. */
struct judge_fib_story {
	size_t prefixes;
	size_t added, replaced, removed;       /* changes: to none before, some to some, to none after */
	size_t announced_most, installed_most; /* workers, and next hops, of one prefix at one time */
	size_t alike_most;		       /* of the workers of announced_most, those whose AS path is the same */
	size_t followed, unfollowed;	       /* announcements and ends of such that the FIB took over, or never did */
	int64_t delay_median_ns, delay_longest_ns; /* of those that changed it, from the wire to the FIB */
	/* The route was gone while workers announced it, and came back: */
	size_t holes;
	int64_t hole_ns, hole_longest_ns; /* in sum, as far as the kernel's messages show; the longest, */
	struct prefix hole_prefix;	  /* whose it was, */
	struct instant hole_since;	  /* and when it began */
	size_t lost;			  /* it never came back */
	bool ordered;			  /* some prefix had several next hops */
	const char *order; /* of next hops in the kernel: "ascending", "descending", "mixed"; "" when not ordered */
};

struct judge_fib_story judge_fib_story(struct judge *j, struct instant until);
/* The FIB's next hops for the prefix as last seen. Returns their number, writes up to room. */
size_t judge_fib_now(const struct judge *j, const struct prefix *prefix, struct addr *ret, size_t room);

#endif
