/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A run of the soak test as data: who is there, how the network is, what happens when. From a seed, or from a file of the
 * form that a failure is printed in, one line each:
 *
 *   network DELAY_US SPREAD_US JITTER_US CUT% LATE% REFUSE%
 *   node PROFILE AS MAX_PATHS RELAX READVERTISE RESTART ORIGINATION_S          numbered from 0
 *   session A B FAMILY HOLD_A HOLD_B RETRY IDLE DELAY_OPEN MRAI PASSIVE OPTIONS      PASSIVE: 0 none, 1 A
 *     and, or all of them 0: ROLE_A ROLE_B POLICY_A POLICY_B ADD_PATH_A ADD_PATH_B MAX_A MAX_B
 *   at MS EVENT A B N
 */
#ifndef ECMPLAB_SOAK_PLAN_H
#define ECMPLAB_SOAK_PLAN_H

#include "bgp.h"
#include "rng.h"
#include "vec.h"
#include "virtual.h"

#include <stdio.h>

#define NODES_MAX 9
#define PREFIXES 8 /* the last two are IPv6 */
#define PREFIXES_V4 6
#define BULK_MAX 10000 /* more of them, IPv4 */
#define BULK_STEP 100
#define TELLINGS 64 /* N of EVENT_TELL is below */

enum session_option {
	OPTION_COLLISION_ESTABLISHED = 1,
	OPTION_NO_DAMPING = 2,
	OPTION_NO_AS4 = 4,     /* a does not offer it */
	OPTION_NO_REFRESH = 8, /* nor this, enhanced refresh and extended messages */
	OPTION_SILENT_BEFORE_OPEN = 16,
	OPTION_TRACK_TCP = 32,
	OPTIONS_ALL = 63,
	/* beyond those that seeds have always drawn */
	OPTION_EXTENDED_NEXT_HOP_A = 64,
	OPTION_EXTENDED_NEXT_HOP_B = 128,
	OPTION_NO_STOP = 256, /* more prefixes than MAX are ignored */
	OPTION_FURTHER = 512, /* families beyond unicast */
};

/* RFC 8212, bits. */
enum policy { POLICY_REQUIRED = 1, POLICY_IMPORT = 2, POLICY_EXPORT = 4 };

enum event_kind {
	EVENT_TABLE, /* A originates the prefixes of mask B, variant N */
	EVENT_STOP,  /* A ends its session with B, stays down */
	EVENT_START,
	EVENT_RESET,   /* A ends its session with B, which starts again; N: Cease subcode */
	EVENT_REFRESH, /* A asks B for everything */
	EVENT_FIN,     /* connections between A and B end, N bytes later */
	EVENT_RST,
	EVENT_CUT, /* silence between A and B */
	EVENT_HEAL,
	EVENT_KILL, /* A ends; N: enum virtual_end */
	EVENT_BOOT,
	EVENT_PAUSE,  /* A does nothing for N ms */
	EVENT_JUMP,   /* the clock jumps by N ms */
	EVENT_NOISE,  /* A sends B bytes that mean nothing, drawn from N */
	EVENT_UNREAD, /* B does not read what A writes, until N is 0 */
	EVENTS_OLD,
	EVENT_BULK = EVENTS_OLD, /* A originates N more prefixes, from the B * BULK_STEP'th on */
	EVENT_GOING,		 /* A tells B that it is about to go (RFC 8326), or with N 0 no longer */
	EVENT_TELL,		 /* A tells B of a route of a further family, or that it is gone: which, N says */
	EVENT_KINDS,
};

struct plan_event {
	int64_t ms;
	enum event_kind kind;
	unsigned int a, b, n;
};

struct plan_node {
	enum bgp_profile profile;
	uint32_t as;
	unsigned int max_paths;
	unsigned int relax, readvertise;
	unsigned int origination_s; /* between two commits */
	unsigned int restart;	    /* 0 none, 1 graceful, 2 also after NOTIFICATIONs and for long */
};

struct plan_session {
	unsigned int a, b;
	unsigned int family; /* of the addresses */
	unsigned int hold_a, hold_b, retry_s, idle_s, delay_open_s, mrai_s;
	unsigned int passive; /* a waits */
	unsigned int options; /* enum session_option */
	/* of a and b */
	unsigned int role[2];	  /* enum bgp_role */
	unsigned int policy[2];	  /* enum policy */
	unsigned int add_path[2]; /* enum bgp_add_path of IPv4, and of IPv6 shifted by 2 */
	unsigned int max[2];	  /* prefixes that it takes */
};

struct plan {
	uint64_t seed;
	const char *captures; /* what each node sees goes to a file that begins so; NULL: nowhere */
	struct virtual_network network;
	size_t node_count;
	struct plan_node nodes[NODES_MAX];
	VEC(struct plan_session) sessions;
	VEC(struct plan_event) events; /* in order of time */
};

void plan_generate(struct plan *p, uint64_t seed);
void plan_print(const struct plan *p, FILE *to);
/* False, with a word on stderr, when the file can't be read. */
bool plan_read(struct plan *p, const char *path);
void plan_copy(struct plan *to, const struct plan *from);
void plan_free(struct plan *p);
const char *plan_event_name(enum event_kind kind);
struct addr plan_address(unsigned int node, unsigned int family);
/* Up to PREFIXES + BULK_MAX. */
struct prefix plan_prefix(unsigned int i);
/* Which of them; UINT_MAX for another. */
unsigned int plan_prefix_number(const struct prefix *prefix);
/* Nothing beyond OPTIONS. */
bool plan_session_is_plain(const struct plan_session *s);
/* Events whose B is no node. */
bool plan_event_is_table(enum event_kind kind);

#endif
