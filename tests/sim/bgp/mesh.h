/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A standard router (AS 65001, 10.0.0.1 and fd00::1) with several peers, all of them the test: what it is told and what it
 * tells are UPDATEs in hex, cut into attributes and NLRI. */
#ifndef ECMPLAB_TEST_MESH_H
#define ECMPLAB_TEST_MESH_H

#include "by_hand.h"

#define MESH_AS 65001
#define MESH_PEERS 8

/* Attributes that nearly every route has: ORIGIN IGP, one AS in front, NEXT_HOP. */
#define IGP "40010100 "
#define PATH(as) "400206 0201 0000" as " "
#define HOP(last) "400304 0a0000" last " "

struct mesh {
	struct hand h;
	struct bgp_speaker_conf speaker;
	unsigned int count;
	bgp_conn_id conns[MESH_PEERS];
	int64_t ms;
};

/* Zero fields of the speaker's configuration become a router's; max_paths 8. */
void mesh_init(struct mesh *m);
void mesh_free(struct mesh *m);
/* Adds the peer 10.0.0.(2 + n), or fd00::(2 + n), of the AS, and brings it up with capability TLVs beside 1 for IPv4 and,
 * for as4, 65. What was put out until then is forgotten. conf may be NULL. */
unsigned int mesh_peer(struct mesh *m, uint32_t as, const char *capabilities, bool as4,
		       const struct bgp_peer_conf *conf);
/* The same for a peer whose session is over and which is ready for another; what is put out is to be looked at. */
void mesh_peer_again(struct mesh *m, unsigned int peer, uint32_t as, const char *capabilities, bool as4);
/* The peer sends an UPDATE with the attributes and IPv4 NLRI, or with withdrawn routes. */
void mesh_announces(struct mesh *m, unsigned int peer, const char *attrs, const char *nlri);
void mesh_withdraws(struct mesh *m, unsigned int peer, const char *nlri);
/* The outputs since the last look hold an UPDATE of these attributes and NLRI for the peer, which is its only one. */
void mesh_told(struct mesh *m, unsigned int peer, const char *attrs, const char *nlri);
void mesh_told_withdrawn(struct mesh *m, unsigned int peer, const char *nlri);
void mesh_told_nothing(struct mesh *m, unsigned int peer);
/* The last BGP_OUT_ROUTE since the last look: its next hops, with weights where there are such; "-" for none of them,
 * "" when there was no such output. */
const char *mesh_route(struct mesh *m);
/* Nothing that came until now is looked at. */
void mesh_forget(struct mesh *m);

#endif
