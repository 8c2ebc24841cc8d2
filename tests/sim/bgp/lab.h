/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Speakers wired back to back in memory under a virtual clock: connections with a delay of their own, bytes cut at any
 * place, silence on demand. Same seed, same run. */
#ifndef ECMPLAB_TEST_LAB_H
#define ECMPLAB_TEST_LAB_H

#include "bgp.h"
#include "rng.h"
#include "support.h"
#include "vec.h"

#define LAB_SPEAKERS 8

struct lab_message {
	unsigned int from;
	bgp_peer_id peer;
	uint8_t type;
	size_t len;
	uint8_t bytes[128]; /* the beginning */
	int64_t ms;
};

struct lab_route {
	struct prefix prefix;
	size_t n;
	struct addr next_hops[16];
};

struct lab_speaker {
	struct bgp_speaker *engine;
	struct addr addr;
	unsigned int peers[LAB_SPEAKERS]; /* by peer id: the speaker */
	bool deaf;			  /* refuses connections, as a node without a listener does */
	VEC(struct lab_route) routes;	  /* what BGP_OUT_ROUTE said last, by prefix */
	size_t route_outputs;
	char error[128]; /* the last error notice */
};

struct lab_link {
	unsigned int end[2]; /* speakers: who dialled, who was dialled */
	bgp_conn_id conn[2];
	bool open[2]; /* the end still speaks */
	int64_t delay_ns;
};

struct lab_event {
	int64_t at_ns;
	enum { LAB_SYN, LAB_SYN_ACK, LAB_REFUSED, LAB_BYTES, LAB_FIN } kind;
	size_t link;
	unsigned int to; /* which end */
	uint8_t *bytes;
	size_t len;
};

struct lab {
	struct rng rng;
	int64_t now_ns;
	unsigned int count;
	struct lab_speaker speakers[LAB_SPEAKERS];
	bool segments;	   /* bytes arrive in random pieces */
	bool silent;	   /* everything is lost, connections stay */
	int64_t spread_ns; /* a connection's delay: 1 ms and up to so much more */
	VEC(struct lab_message) messages;
	VEC(struct lab_link) links;
	VEC(struct lab_event) events;
};

void lab_init(struct lab *l, uint64_t seed);
void lab_fini(struct lab *l);
unsigned int lab_add(struct lab *l, const struct bgp_speaker_conf *conf, const char *addr);
/* Configures the peer `with` on `on`: remote from the lab, hold_s 9 where it is 0. */
bgp_peer_id lab_peer(struct lab *l, unsigned int on, unsigned int with, struct bgp_peer_conf conf);
void lab_start(struct lab *l, unsigned int speaker);
void lab_run(struct lab *l, int64_t until_ms);
/* Every connection breaks: both ends are told. */
void lab_break(struct lab *l);
/* The speaker's process ends (its connections break, unless the end goes unseen) and a new engine takes its place, which
 * knows nothing and is told of no peer yet. */
void lab_restart(struct lab *l, unsigned int speaker, const struct bgp_speaker_conf *conf, bool unseen);
/* Silence from now on: nothing arrives, no connection ends. */
void lab_cut(struct lab *l);
struct instant lab_now(const struct lab *l);
/* The next hops of a prefix as text: "10.0.0.51 10.0.0.52"; "" for none. */
void lab_hops(const struct lab *l, unsigned int speaker, const char *prefix, char *ret, size_t room);
size_t lab_sent(const struct lab *l, unsigned int from, enum wire_type type);
const struct lab_message *lab_last(const struct lab *l, unsigned int from, enum wire_type type);
void lab_originate(struct lab *l, unsigned int speaker, const char *const *prefixes, size_t n);
size_t lab_open_links(const struct lab *l);

#endif
