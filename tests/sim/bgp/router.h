/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A standard router (AS 65001, 10.0.0.1) whose one peer is the test (10.0.0.2, AS 65002 unless said otherwise). */
#ifndef ECMPLAB_TEST_ROUTER_H
#define ECMPLAB_TEST_ROUTER_H

#include "by_hand.h"

#define ROUTER_AS 65001
#define ROUTER_ID 0x0a000001U
#define PEER_AS 65002
#define PEER_ID 0x0a000002U

/* The peer announces, or withdraws, 172.16.254.1/32. */
#define PEER_UP MARKER "0030 02 0000 0014 40010100 400206 0201 0000fdea 400304 0a000002 20 ac10fe01"
#define PEER_DOWN MARKER "001c 02 0005 20 ac10fe01 0000"
#define END_OF_RIB MARKER "0017 02 0000 0000"
#define END_OF_RIB_V6 MARKER "001d 02 0000 0006 800f03 000201"

struct router {
	struct hand h;
	struct bgp_speaker_conf speaker;
	struct bgp_peer_conf peer;
	bgp_conn_id conn;
	int64_t ms; /* the clock; a message takes one */
};

/* Zero fields become the defaults above; passive, hold time 90 s. Nothing is started. */
void router_init(struct router *r);
void router_free(struct router *r);
/* Starts it and dials: our OPEN is the next output. */
void router_dial(struct router *r);
void router_says(struct router *r, const char *hex);
/* The peer's OPEN with these capability TLVs beside 1 (IPv4) and 65, then KEEPALIVE; nothing of ours is looked at. */
void router_open(struct router *r, const char *capabilities);
/* router_dial and router_open; Established, outputs cleared. */
void router_up(struct router *r, const char *capabilities);
/* The peer's TCP ends. */
void router_lost(struct router *r);
/* Advances the clock and runs what is due. */
void router_wait(struct router *r, int64_t ms);
enum bgp_state router_state(const struct router *r);
/* How many next hops the last BGP_OUT_ROUTE since the last clear had; -1: there was none. Clears. */
int router_hops(struct router *r);
/* The hex of the one OPEN among the outputs, marker and all, as bytes. */
size_t router_sent_open(struct router *r, uint8_t *ret, size_t room);

#endif
