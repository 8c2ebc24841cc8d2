/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A BGP peer that misbehaves on purpose: a catalogue of cases, each with the bytes it sends, when, and what the RFCs ask
 * the other side to do; and the machine that plays one. Pure as sim/bgp: events and the time go in, bytes come out. */
#ifndef ECMPLAB_ROGUE_H
#define ECMPLAB_ROGUE_H

#include "addr.h"
#include "errmsg.h"
#include "instant.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* When the case's bytes go out; up to there, and after, the peer behaves. */
enum rogue_stage {
	ROGUE_AS_OPEN,	    /* instead of its OPEN */
	ROGUE_AS_KEEPALIVE, /* instead of the KEEPALIVE that answers an OPEN */
	ROGUE_ESTABLISHED,
};

/* What the RFCs ask of the one who gets the bytes. */
enum rogue_reaction {
	ROGUE_NOTIFICATION, /* one of the answers, and the end of the session */
	ROGUE_CLOSES,	    /* the connection's end, with words or without */
	ROGUE_STAYS,	    /* the session goes on */
	ROGUE_WITHDRAWN,    /* the session goes on, without the route (RFC 7606 treat-as-withdraw) */
	ROGUE_INSTALLED,    /* the session goes on, with the route (RFC 7606 attribute discard) */
};

/* What the peer does once its bytes are out. */
enum rogue_then {
	ROGUE_GOES_ON,
	ROGUE_FALLS_SILENT,
	ROGUE_SENDS_FIN,
	ROGUE_SENDS_RST,
	ROGUE_VANISHES, /* forgets the connection and says nothing: it is half open (RFC 9293 section 3.5.1) */
};

/* Between which peers the case is what it says. */
enum rogue_peering { ROGUE_ANY_PEERING, ROGUE_EXTERNAL, ROGUE_INTERNAL };

#define ROGUE_ANY_SUBCODE 0xff

struct rogue_answer {
	uint8_t code; /* 0: no further answer */
	uint8_t subcode;
	const char *data; /* hex of the data field, or NULL: not looked at */
};

#define ROGUE_ANSWERS_MAX 3

struct rogue_case {
	const char *name;   /* "bad_marker" */
	const char *about;  /* "an UPDATE with ORIGIN 3" */
	const char *clause; /* "RFC 7606 section 7.1"; NULL for a case that is not of the catalogue */
	enum rogue_stage stage;
	const char *bytes;    /* see rogue_write */
	bool prior;	      /* the route is announced well before */
	bool bytewise;	      /* each octet in a segment of its own */
	unsigned int pace_ms; /* and so long after the one before, on average; other messages wait behind them */
	bool old;	      /* a speaker of two-octet AS numbers (RFC 6793) */
	enum rogue_peering peering;
	unsigned int times; /* how often; 0 is once */
	enum rogue_then then;
	enum rogue_reaction reaction;
	bool unless_extended; /* who has offered RFC 8654 may as well go on */
	bool cut_short;	      /* the message never ends: who goes on waits for the rest, until its hold time is over */
	struct rogue_answer answers[ROGUE_ANSWERS_MAX];
};

const struct rogue_case *rogue_cases(size_t *ret_count);
/* NULL for a name that is not in the catalogue. */
const struct rogue_case *rogue_case_find(const char *name);

struct rogue_conf {
	uint32_t as;
	uint32_t peer_as;
	uint32_t id;	      /* host order */
	struct addr local;    /* IPv4; the next hop of its routes */
	struct prefix prefix; /* IPv4; what it announces */
	bool old;	      /* without four-octet AS numbers; set from the case */
};

bool rogue_fits(const struct rogue_case *what, uint32_t as, uint32_t peer_as);

/* Hold time that it proposes; the peer's KEEPALIVEs then come every second. */
#define ROGUE_HOLD_S 3

/* Writes a template: hex digits are octets; <TT ... > is a message of type TT with marker and length, [ ... ] has its
 * length in two octets before it, ( ... ) in one; {word} is one of marker as as4 peer4 id hold caps origin path hop nh nlri,
 * {zeros N} N octets. {path} and {nh} are as to the peer: within one AS an empty path, and LOCAL_PREF behind NEXT_HOP. Returns the bytes, which the caller frees, or NULL with -EINVAL in *err. */
uint8_t *rogue_write(const char *template, const struct rogue_conf *conf, size_t *ret_len, struct errmsg *err);

/* ---- The player ---- */

struct rogue;

/* The case is borrowed. */
struct rogue *rogue_new(const struct rogue_conf *conf, const struct rogue_case *what);
void rogue_free(struct rogue *r);

void rogue_connected(struct rogue *r, struct instant now);
void rogue_bytes(struct rogue *r, const uint8_t *bytes, size_t n, struct instant now);
/* The connection is over. True: the other side hung up before it said a word, as a router does that is not ready for its
 * peer; rogue_connected begins anew. */
bool rogue_closed(struct rogue *r);
void rogue_time(struct rogue *r, struct instant now);
struct instant rogue_deadline(const struct rogue *r);

enum rogue_act { ROGUE_NOTHING, ROGUE_SEND, ROGUE_FIN, ROGUE_RST, ROGUE_VANISH };

/* What to do next on the connection, until ROGUE_NOTHING. Each ROGUE_SEND is a segment of its own; its bytes stay valid
 * until the next call. */
enum rogue_act rogue_next(struct rogue *r, const uint8_t **ret_bytes, size_t *ret_len);
/* The case's bytes have been handed out (those with a pace: begun), or the connection is over. */
bool rogue_done(const struct rogue *r);

#endif
