/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bidirectional forwarding detection as a pure state machine (D2): packets and the time go in; packets, changes of state
 * and a deadline come out. No socket, clock, thread, global or callback.
 *
 * Standards: RFC 5880 in asynchronous mode, both roles, with authentication; the other side's demand mode is honoured,
 * ours is never asked for, nor is echo (Required Min Echo RX Interval is 0, so nobody may send us any). RFC 5881 for a
 * single hop. RFC 5882 for what a client is told.
 *
 * Ownership: bfd_new returns what bfd_free frees; sessions live inside. What is passed in is borrowed for the call.
 * Outputs stay valid until bfd_outputs_clear, or the next call into the engine. */
#ifndef ECMPLAB_BFD_H
#define ECMPLAB_BFD_H

#include "addr.h"
#include "instant.h"
#include "wire_bfd.h"

#define BFD_KEY_MAX 20U
#define BFD_INTERVAL_MIN_US 1000U /* none is asked for below that, so that no peer makes us send more often */
#define BFD_SESSIONS_MAX 65535U

struct bfd_auth {
	enum wire_bfd_auth_type type;
	uint8_t key_id;
	uint8_t key[BFD_KEY_MAX]; /* password and MD5: at most 16 */
	uint8_t key_len;
};

/* Zero intervals and multiplier are the defaults of MetalLB and FRR: 300 ms, 300 ms, 3. */
struct bfd_session_conf {
	struct addr local; /* ADDR_NONE: any */
	struct addr remote;
	uint32_t desired_tx_us, required_rx_us;
	uint8_t multiplier;
	bool passive; /* says nothing before the other side does */
	struct bfd_auth auth;
};

struct bfd;
typedef uint32_t bfd_session_id; /* small numbers; one is used again after bfd_session_remove */

enum bfd_output_kind {
	BFD_OUT_NONE, /* its session was removed before it was handed out */
	BFD_OUT_SEND,
	BFD_OUT_STATE,
};

struct bfd_output {
	enum bfd_output_kind kind;
	bfd_session_id session;
	uint8_t bytes[WIRE_BFD_MAX]; /* SEND: a datagram to the session's remote address */
	uint8_t len;
	/* STATE */
	enum wire_bfd_state from, to;
	uint8_t diag; /* why, where to is Down or AdminDown */
	enum wire_bfd_state remote_state;
	bool failure; /* the path failed, so clients shall act; not so when a side went AdminDown (RFC 5882 section 3.2) */
};

struct bfd *bfd_new(uint64_t seed);
void bfd_free(struct bfd *b);
/* Starts a session in state Down. -EINVAL for what can't be configured, -EEXIST when these addresses have one,
 * -ENOSPC. */
int bfd_session_add(struct bfd *b, const struct bfd_session_conf *conf, struct instant now, bfd_session_id *ret);
/* Forgets the session; the other side notices by the silence, unless it was told by AdminDown before. */
void bfd_session_remove(struct bfd *b, bfd_session_id session);
/* Goes AdminDown and says so until it is called back. */
void bfd_session_admin_down(struct bfd *b, bfd_session_id session, bool down, struct instant now);
/* Changes the parameters, by a Poll Sequence where they have to be agreed on (RFC 5880 section 6.8.3). */
int bfd_session_set(struct bfd *b, bfd_session_id session, uint32_t desired_tx_us, uint32_t required_rx_us,
		    uint8_t multiplier, struct instant now);

/* How a datagram came. */
struct bfd_arrival {
	struct addr local, remote;
	uint8_t ttl;
};

/* Takes the payload of a datagram for port 3784. Returns why it was dropped, or WIRE_BFD_KEPT. */
enum wire_bfd_drop bfd_in_packet(struct bfd *b, const struct bfd_arrival *from, const uint8_t *bytes, size_t n,
				 struct instant now);
/* Runs all timers that are due. */
void bfd_in_time(struct bfd *b, struct instant now);
/* The next instant at which bfd_in_time has work; INSTANT_NEVER for none. */
struct instant bfd_deadline(const struct bfd *b);
/* Outputs in the order they arose. */
const struct bfd_output *bfd_outputs(const struct bfd *b, size_t *ret_count);
void bfd_outputs_clear(struct bfd *b);

/* For display, tests and the driver. */
struct bfd_session_info {
	enum wire_bfd_state state, remote_state;
	uint8_t diag, remote_diag;
	uint32_t local_discriminator, remote_discriminator;
	int64_t tx_ns;	   /* between periodic packets, before jitter; 0: none are sent */
	int64_t detect_ns; /* 0: nothing was received yet */
	bool polling;
	uint64_t sent, received;
};

struct bfd_session_info bfd_session_info(const struct bfd *b, bfd_session_id session);
const struct bfd_session_conf *bfd_session_conf(const struct bfd *b, bfd_session_id session);
/* The session with these addresses; false when there is none. */
bool bfd_session_find(const struct bfd *b, const struct addr *local, const struct addr *remote, bfd_session_id *ret);
uint64_t bfd_dropped(const struct bfd *b, enum wire_bfd_drop why);

#endif
