/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tester's sessions: N peers that send what was written ahead, and one that listens. One thread, one epoll, nothing is
 * allocated or encoded while it is measured. */
#ifndef ECMPLAB_BENCH_RIB_WIRE_H
#define ECMPLAB_BENCH_RIB_WIRE_H

#include "errmsg.h"
#include "feed.h"
#include "instant.h"

#include <sys/types.h>

enum listen { LISTEN_NONE, LISTEN_MARKERS, LISTEN_ALL, LISTEN_COUNT };

/* The prefixes that the listener knows of; the table is made ahead of the measurement. */
struct heard {
	uint64_t *keys; /* 0: free */
	uint8_t *state; /* whether the router tells it now */
	size_t mask;
	size_t present; /* told and not taken back */
	size_t strange; /* told, though nobody announced it */
};

void heard_init(struct heard *h, const struct feed *feed);
void heard_fini(struct heard *h);
void heard_set(struct heard *h, const struct prefix *prefix, bool present);

enum link_state { LINK_IDLE, LINK_CONNECTING, LINK_OPEN_SENT, LINK_OPEN_CONFIRM, LINK_UP };

struct link {
	struct feed_peer feed;
	struct addr local;
	int fd;
	enum link_state state;
	bool writes; /* EPOLLOUT is asked for */
	struct feed_stream stream;
	size_t at, limit;	   /* sent; to be sent by now */
	size_t echoed;		   /* octets of UPDATEs that a sender got */
	struct instant not_before; /* it was refused */
	uint8_t *in;
	size_t in_len, in_room;
};

struct tester_conf {
	struct addr router;
	struct addr first; /* of the senders; the listener is the one before the router's successor */
	struct addr listener;
	uint32_t listener_as;
	unsigned int peers;
	enum listen listen;
	pid_t fib;	       /* a process in whose namespace the kernel's routes count; 0: none does */
	unsigned int fib_hops; /* of a prefix that is all there */
};

struct tester {
	struct tester_conf conf;
	int epoll;
	struct link *links; /* the senders, then the listener */
	size_t count;	    /* links in all */
	unsigned int up, dialling;
	struct heard heard;
	struct heard installed; /* with all next hops in the kernel */
	size_t in_kernel;	/* changes that the kernel told */
	int fib;
	uint32_t *marker_ticks; /* by sender: 1 + the newest tick heard of; 0: no marker */
	unsigned int markers;	/* senders whose marker stands */
	size_t *tick_heard;	/* by tick: senders whose marker has come so far */
	struct instant *tick_at;
	unsigned int ticks;
	size_t told; /* NLRI in all */
	uint64_t octets_in, octets_out, messages_in;
	struct instant kept; /* when KEEPALIVEs were last sent */
	struct errmsg err;
	bool failed;
};

struct instant tester_now(void);
int tester_init(struct tester *t, const struct tester_conf *conf, const struct feed *feed, unsigned int ticks);
void tester_fini(struct tester *t);
/* Lets the sockets work until done says so, or the instant has come, or a session fails. True when done. */
bool tester_run(struct tester *t, bool (*done)(const struct tester *, const void *), const void *ctx,
		struct instant until);
/* New limits were set. */
void tester_push(struct tester *t);
/* Everybody dials, and again where a router was not ready; over when tester_all_up. */
void tester_dial(struct tester *t);
/* The first link is this connection, which the router made. */
void tester_adopt(struct tester *t, int fd);
bool tester_all_up(const struct tester *t, const void *ctx);

#endif
