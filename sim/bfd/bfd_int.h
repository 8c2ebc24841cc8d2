/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECMPLAB_BFD_INT_H
#define ECMPLAB_BFD_INT_H

#include "bfd.h"
#include "rng.h"
#include "vec.h"

#define NOWHERE UINT32_MAX
#define BUCKETS 1024U

enum poll {
	POLL_NONE,
	POLL_RUNNING,
	POLL_RESTING, /* one packet without P parts two sequences, so that the answers can be told apart (section 6.5) */
};

/* Named after the variables of RFC 5880 section 6.8.1 where it names them. */
struct session {
	bool used;
	bfd_session_id id;
	struct bfd_session_conf conf;
	enum wire_bfd_state state, remote_state;
	uint8_t diag, remote_diag;
	uint32_t local_discr, remote_discr;
	uint32_t desired_tx_us, required_rx_us; /* as we say */
	uint32_t tx_us, rx_us;			/* as we act: differs while a Poll Sequence is not answered */
	uint32_t remote_tx_us, remote_rx_us;
	uint8_t remote_multiplier; /* 0: nothing received for a detection time */
	bool remote_demand;
	uint32_t auth_seq_out, auth_seq_in;
	bool auth_seq_known;
	struct instant auth_stale_at;
	enum poll poll;
	bool poll_again; /* the parameters changed during a sequence */
	struct instant sent_at, received_at;
	bool sent_any;
	int64_t tx_ns; /* between periodic packets; 0: none */
	struct instant tx_due, detect_due;
	uint32_t heap_at;
	uint32_t next; /* in the bucket of its remote address */
	uint64_t sent, received;
};

struct bfd {
	struct rng rng;
	VEC(struct session *) sessions; /* by id */
	VEC(bfd_session_id) unused;
	uint32_t buckets[BUCKETS];
	VEC(struct session *) heap; /* who is due first stands first */
	VEC(struct bfd_output) outputs;
	uint64_t dropped[WIRE_BFD_DROP_COUNT];
};

/* ---- heap.c ---- */

struct instant heap_due(const struct session *s);
/* Puts the session where its deadlines want it; adds it when it is not in yet. */
void heap_place(struct bfd *b, struct session *s);
void heap_remove(struct bfd *b, struct session *s);

/* ---- auth.c ---- */

bool auth_conf_valid(const struct bfd_auth *auth);
/* Writes the packet with what the session's authentication wants. */
void auth_encode(struct session *s, struct wire_bfd *p, struct wire_out *out);
/* RFC 5880 section 6.7. */
bool auth_check(struct session *s, const struct wire_bfd *p, const uint8_t *bytes, struct instant now);

/* ---- timers.c ---- */

/* Plans the next periodic packet after something that it depends on changed (section 6.8.7). */
void timer_transmit(struct bfd *b, struct session *s, struct instant now);
/* Plans the end of the detection time (section 6.8.4). */
void timer_detect(struct session *s);
int64_t timer_detect_ns(const struct session *s);
/* The two parameters that are agreed on (section 6.8.3). */
void timer_desire(struct session *s, uint32_t desired_tx_us);
void timer_require(struct session *s, uint32_t required_rx_us);
/* The other side has answered the Poll. */
void timer_poll_answered(struct session *s);

/* ---- session.c ---- */

enum packet { PACKET_PERIODIC, PACKET_EXTRA, PACKET_FINAL };

void session_send(struct bfd *b, struct session *s, enum packet kind, struct instant now);
void session_admin_down(struct bfd *b, struct session *s, bool down, struct instant now);
enum wire_bfd_drop session_receive(struct bfd *b, struct session *s, const struct wire_bfd *p, struct instant now);
/* Nothing came for a detection time. */
void session_expire(struct bfd *b, struct session *s, struct instant now);
/* What desired_tx_us may be now: at least a second unless Up. */
uint32_t session_desire(const struct session *s);

#endif
