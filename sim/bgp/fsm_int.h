/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state machine of RFC 4271 section 8 as data: what a row of the table says. */
#ifndef ECMPLAB_FSM_INT_H
#define ECMPLAB_FSM_INT_H

#include "bgp.h"

/* RFC 4271 section 8.1, and 29 of RFC 9687; the numbers are the RFCs'. */
enum fsm_event {
	EV_MANUAL_START = 1,
	EV_MANUAL_STOP = 2,
	EV_AUTOMATIC_START = 3,
	EV_MANUAL_START_PASSIVE = 4,
	EV_AUTOMATIC_START_PASSIVE = 5,
	EV_AUTOMATIC_START_DAMPED = 6,
	EV_AUTOMATIC_START_DAMPED_PASSIVE = 7,
	EV_AUTOMATIC_STOP = 8,
	EV_CONNECT_RETRY_EXPIRES = 9,
	EV_HOLD_EXPIRES = 10,
	EV_KEEPALIVE_EXPIRES = 11,
	EV_DELAY_OPEN_EXPIRES = 12,
	EV_IDLE_HOLD_EXPIRES = 13,
	EV_TCP_VALID = 14,
	EV_TCP_INVALID = 15,
	EV_TCP_ACKED = 16,
	EV_TCP_CONFIRMED = 17,
	EV_TCP_FAILS = 18,
	EV_OPEN = 19,
	EV_OPEN_DELAYED = 20,
	EV_HEADER_ERR = 21,
	EV_OPEN_ERR = 22,
	EV_COLLISION_DUMP = 23,
	EV_NOTIF_VERSION_ERR = 24,
	EV_NOTIF = 25,
	EV_KEEPALIVE = 26,
	EV_UPDATE = 27,
	EV_UPDATE_ERR = 28,
	EV_SEND_HOLD_EXPIRES = 29,
	FSM_EVENT_COUNT,
};

/* What a row does, a bit each, done in this order whatever the row. */
enum fsm_word {
	FSM_STAY = 0,
	/* NOTIFICATION; the code of a bad message is the decoder's. */
	FSM_NOTIFY_CEASE = 1U << 0,
	FSM_NOTIFY_HOLD = 1U << 1,
	FSM_NOTIFY_FSM = 1U << 2,
	FSM_NOTIFY_MESSAGE = 1U << 3,
	FSM_NOTIFY_SEND_HOLD = 1U << 4,
	/* The same before an OPEN was sent: only where a connection waits for DelayOpen (SendNOTIFICATIONwithoutOPEN). */
	FSM_EARLY_CEASE = 1U << 5,
	FSM_EARLY_MESSAGE = 1U << 6,
	FSM_COUNTER_ZERO = 1U << 7, /* ConnectRetryCounter */
	FSM_COUNTER_UP = 1U << 8,
	FSM_DAMP = 1U << 9,	/* the next IdleHoldTime doubles */
	FSM_DROP = 1U << 10,	/* close the connection, stop its timers */
	FSM_RELEASE = 1U << 11, /* FSM_DROP, and stop ConnectRetryTimer, delete the peer's routes */
	FSM_RETRY_START = 1U << 12,
	FSM_CONNECT = 1U << 13,
	FSM_SEND_OPEN = 1U << 14,      /* stop ConnectRetryTimer and DelayOpenTimer, OPEN, HoldTimer to a large value */
	FSM_TAKE_OPEN = 1U << 15,      /* what the peer's OPEN says holds from now on */
	FSM_SEND_KEEPALIVE = 1U << 16, /* and restart KeepaliveTimer */
	FSM_HOLD_RESTART = 1U << 17,
	FSM_PROCESS = 1U << 18, /* the routes of an UPDATE, or a ROUTE-REFRESH */
	FSM_TRACK = 1U << 19,	/* a second connection (RFC 4271 section 8.2.1) gets a machine of its own */
};

struct conn;

/* An event and what came with it; views live for the call. */
struct fsm_input {
	enum fsm_event event;
	const struct wire_err *err;	    /* 21, 22, 28: what the decoder found */
	const struct wire_open *open;	    /* 19, 20 */
	const struct wire_update *update;   /* 27 in Established, */
	bool withdraw_all;		    /* (RFC 7606 section 2) */
	const struct wire_refresh *refresh; /* or this */
	bgp_conn_id accepted;		    /* 17: a second connection to track, and its local address */
	const struct addr *local;
	const struct conn *newer; /* 19 in OpenConfirm and Established: the connection that the OPEN came on */
	bool hard;		  /* 24, 25: the peer wants no graceful restart (RFC 8538) */
	bool rejected;		  /* 25: it wants no connection now (RFC 4486), which is as good as a failed dial */
};

struct fsm_row {
	unsigned int words;
	enum bgp_state next;
	const char *clause;
	/* Where the RFC says "if": does the rest of the row and returns the next state. */
	enum bgp_state (*special)(struct conn *c, const struct fsm_input *in);
	const char *deviates; /* where the text is uneven: what it says and what we do */
};

extern const struct fsm_row fsm_table[BGP_STATE_COUNT][FSM_EVENT_COUNT];

/* The only place where an event changes a connection's state. Must not be called from within an action on the same one. */
void fsm_event(struct conn *c, const struct fsm_input *in);
/* Sets a machine up, or aside, beside the events: collision.c alone does, for second connections. */
void fsm_place(struct conn *c, enum bgp_state state);
/* For specials: does the words of a row. */
void fsm_do(struct conn *c, unsigned int words, const struct fsm_input *in);
const char *fsm_event_text(enum fsm_event event);

enum bgp_state fsm_restarted(struct conn *c, const struct fsm_input *in);
enum bgp_state fsm_connected(struct conn *c, const struct fsm_input *in);
enum bgp_state fsm_connect_failed(struct conn *c, const struct fsm_input *in);
enum bgp_state fsm_early_version_error(struct conn *c, const struct fsm_input *in);
enum bgp_state fsm_open_again(struct conn *c, const struct fsm_input *in);

#endif
