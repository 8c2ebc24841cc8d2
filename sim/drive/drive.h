/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The live driver: one event loop that owns the sockets of all simulated nodes (D4), runs the BGP engines over them, serves
 * HTTP in pods, makes clients' connections and watches child processes. The only user of libevent.
 *
 * Everything made with a drive_ function belongs to the loop and goes with drive_free; nothing here blocks but
 * drive_wait. Callbacks run inside drive_wait and may call anything but drive_wait and drive_free. */
#ifndef ECMPLAB_DRIVE_H
#define ECMPLAB_DRIVE_H

#include "addr.h"
#include "bgp.h"
#include "errmsg.h"
#include "instant.h"
#include "net.h"
#include "rogue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct drive;

int drive_new(struct drive **ret, struct errmsg *err);
void drive_free(struct drive *d);
/* The loop's monotonic clock. */
struct instant drive_now(const struct drive *d);
/* The wall clock, as packet stamps have it. */
struct instant drive_wall(void);
/* Waits for events until one was handled or the instant (of drive_now's clock) has come. False once interrupted. */
bool drive_wait(struct drive *d, struct instant until);
/* True after SIGINT, SIGTERM or SIGHUP; they don't end the program by themselves while a loop lives. */
bool drive_interrupted(const struct drive *d);

/* ---- Descriptors ---- */

typedef void drive_fd_fn(void *ctx, int fd);
struct drive_watch;

/* Calls fn while fd is readable. The caller keeps the descriptor and unwatches before closing it. */
struct drive_watch *drive_watch(struct drive *d, int fd, drive_fd_fn *fn, void *ctx);
void drive_unwatch(struct drive_watch *w);

/* ---- Child processes ---- */

typedef void drive_exit_fn(void *ctx, pid_t pid, int wait_status);

/* Tells of the child's end, once. All orphans of the sandbox are reaped too. */
void drive_child(struct drive *d, pid_t pid, drive_exit_fn *fn, void *ctx);
/* Its end is still reaped, but told to nobody. */
void drive_child_forget(struct drive *d, pid_t pid);

/* ---- Speakers ---- */

struct drive_speaker;

struct drive_speaker_ops {
	/* The loc-rib's next hops for a prefix changed: prefix, next_hops, next_hop_count, weights. Told when there is nothing
	 * else to do, before drive_wait returns, or 50 ms later at most: a prefix's last word only. May be NULL. */
	void (*route)(void *ctx, const struct bgp_output *route);
	/* All that changed has been told; what it asked of the kernel can go there at once. May be NULL. */
	void (*routes_told)(void *ctx);
	/* A session's state, message or error, for display only. May be NULL. */
	void (*notice)(void *ctx, const struct bgp_output *notice);
	/* Where to dial a peer: port, and source address (ADDR_NONE: the kernel's choice). */
	void (*dial)(void *ctx, bgp_peer_id peer, struct addr *ret_remote, uint16_t *ret_port, struct addr *ret_source);
};

/* How a session's TCP is guarded. Zero: not at all. */
struct drive_guard {
	const char *password; /* RFC 2385; NULL: none; at most 80 octets */
	uint8_t gtsm_hops;    /* RFC 5082: how far away the peer may be, 1 for a neighbour; 0: off */
	uint8_t ttl;	      /* without gtsm_hops: of what is sent; 0: the kernel's */
};

struct drive_speaker_conf {
	struct bgp_speaker *engine; /* must outlive the drive_speaker */
	struct net_ns *ns;
	bool listens; /* on port 179, for peers that dial */
	struct addr listen_address;
	const struct drive_speaker_ops *ops;
	void *ctx;
	const struct drive_guard *guards; /* by peer id, for the speaker's life; peers beyond guard_count have none */
	size_t guard_count;
};

/* Runs an engine over sockets of its namespace and starts all its peers. -EINVAL for a guard that can't be, another
 * error where the kernel lacks it. */
int drive_speaker_new(struct drive *d, const struct drive_speaker_conf *conf, struct drive_speaker **ret,
		      struct errmsg *err);
/* Hands out what the engine has queued; to be called after every call into the engine from outside. */
void drive_speaker_flush(struct drive_speaker *s);
/* Closes its sockets at once (FIN, or RST with unread data), as a killed process does. The engine stays the caller's. */
void drive_speaker_free(struct drive_speaker *s);
/* Before drive_speaker_free, of a node that loses its power: no connection ends with a word, not even once its link is up again. */
void drive_speaker_unplug(struct drive_speaker *s);

/* ---- Peers that misbehave ---- */

struct drive_rogue;

struct drive_rogue_conf {
	const struct rogue_case *what; /* must outlive the drive_rogue */
	struct rogue_conf conf;
	struct net_ns *ns;
	struct addr remote;
};

/* Dials from conf.local until the other side accepts, and plays the case. Never NULL. */
struct drive_rogue *drive_rogue_new(struct drive *d, const struct drive_rogue_conf *conf);
/* The case's bytes are with the kernel, or the connection is over. */
bool drive_rogue_done(const struct drive_rogue *r);
void drive_rogue_free(struct drive_rogue *r);

/* ---- HTTP ---- */

struct drive_http_server;

/* A server in a pod's namespace; it answers every GET with who it is and whom it sees, one "key: value" a line. */
int drive_http_serve(struct drive *d, struct net_ns *ns, const struct addr *address, uint16_t port, const char *pod,
		     const char *node, struct drive_http_server **ret, struct errmsg *err);
void drive_http_stop(struct drive_http_server *s);

struct drive_http_load {
	struct net_ns *const *clients; /* in turn */
	size_t client_count;
	struct addr dst;
	uint16_t port;
	uint32_t requests;
	uint32_t parallel;
	struct instant deadline; /* connections still open then are given up as failed */
};

struct drive_http_result {
	uint32_t answered; /* any HTTP answer */
	uint32_t ok;	   /* status 200 */
	uint32_t failed;
	int first_error;  /* errno of the first failure, 0 for none */
	char sample[256]; /* the first answer's body */
};

/* Makes real connections, one GET each. Waits in the loop until all ended or the deadline has come, so that everything
 * else goes on. -EINTR when interrupted. */
int drive_http_get(struct drive *d, const struct drive_http_load *conf, struct drive_http_result *ret,
		   struct errmsg *err);

/* ---- Connections held open ---- */

struct drive_held;

enum drive_fate {
	DRIVE_FATE_HELD,     /* open, nothing asked yet */
	DRIVE_FATE_ANSWERED, /* with status 200 */
	DRIVE_FATE_REFUSED,
	DRIVE_FATE_RESET,
	DRIVE_FATE_TIMED_OUT,
	DRIVE_FATE_BROKEN, /* another answer, another error */
};

struct drive_held_conn {
	size_t client; /* of the load's */
	uint16_t src_port;
	enum drive_fate fate;
};

/* Opens conf->requests connections, `parallel` handshakes at a time, and waits in the loop until each is open or not, or
 * the deadline has come. -EINTR when interrupted; *ret is then not written. Freed before the drive. */
int drive_http_hold(struct drive *d, const struct drive_http_load *conf, struct drive_held **ret, struct errmsg *err);
/* Each that is still held makes its one GET now, and waits for the answer until the deadline. -EINTR when interrupted. */
int drive_held_release(struct drive_held *h, uint32_t parallel, struct instant deadline, struct errmsg *err);
uint32_t drive_held_count(const struct drive_held *h);
struct drive_held_conn drive_held_at(const struct drive_held *h, uint32_t i);
void drive_held_free(struct drive_held *h);

#endif
