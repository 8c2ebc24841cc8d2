/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The speakers of bgp_peer, and how they are told about. */
#ifndef ECMPLAB_TESTS_BGP_PEER_H
#define ECMPLAB_TESTS_BGP_PEER_H

#include "drive_bfd.h"

#include <stdio.h>

#define SPEAKERS_MAX 48
#define PEERS_MAX 8
#define CAPABILITIES_MAX 512
#define PASSWORD_MAX 81

/* What has been since it was last told, as JSON, without the brackets of the list. */
struct tale {
	FILE *to;
	char *text;
	size_t len;
};

struct speaker {
	unsigned int host; /* its address is 10.0.0.0 and this many more; 0: none */
	struct bgp_speaker *engine;
	struct drive_speaker *driver;
	struct drive_speaker_conf conf;
	struct bfd *bfd; /* NULL: none */
	bfd_session_id bfd_session;
	struct drive_bfd *bfd_driver;
	struct drive_guard guards[PEERS_MAX];
	char passwords[PEERS_MAX][PASSWORD_MAX];
	uint8_t extra[PEERS_MAX][CAPABILITIES_MAX], without[PEERS_MAX][CAPABILITIES_MAX];
	struct addr local, remotes[PEERS_MAX];
	struct tale log, routes; /* messages; what the loc-rib's next hops became */
};

/* Opens and ends the speaker's tales. */
void tell_begin(struct speaker *s);
void tell_end(struct speaker *s);
void tell_notice(struct speaker *s, const struct bgp_output *notice);
void tell_route(struct speaker *s, const struct bgp_output *route);
/* One line of JSON: state and what was agreed on; an adj-rib; what has been since the last time. */
void tell_info(const struct speaker *s, bgp_peer_id peer, FILE *to);
void tell_routes(const struct speaker *s, bgp_peer_id peer, bool in, FILE *to);
void tell_tale(struct tale *t, FILE *to);

#endif
