/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the adapters of real daemons share: a kind is a row of daemon.c, its language and its programs are a file. */
#ifndef ECMPLAB_DAEMON_INT_H
#define ECMPLAB_DAEMON_INT_H

#include "node_int.h"

#include <stdio.h>

#define NODE_BGP_PORT 179U
#define DAEMON_PLACES 3
#define DAEMON_ARGS 16

/* Adds the programs of a daemon, in the order of their start. */
typedef int daemon_programs_fn(struct node_daemon *d, const char *config_path, struct arena *arena, struct errmsg *err);

/* What a worker's speaker is to say. */
struct speaker_view {
	const struct node_host *host;
	const struct node_lab_conf *lab; /* for what MetalLB has no word */
	const struct kube_bgp_peer *const *peers;
	size_t peer_count;
	const struct node_route *routes;
	size_t route_count;
	const char *extras; /* raw lines for FRR; NULL: none */
	const char *config_path;
};

/* Writes the configuration, with the routes where the language has them. */
typedef void speaker_config_fn(const struct speaker_view *v, FILE *ret);
/* Tells a daemon that runs, or is being started, of routes that changed from `before`; the configuration file is new already. */
typedef int speaker_change_fn(struct node_daemon *d, const struct speaker_view *v, const struct speaker_view *before,
			      struct arena *arena, struct errmsg *err);

struct daemon_kind {
	const char *name;
	const char *package;
	const char *program; /* looked up where programs are, after the places */
	const char *const places[DAEMON_PLACES];
	const char *unpacked; /* below the folder of this program: a package that can't be installed beside its rival */
	const char *version_option;
	const char *version_words;  /* what stands before the version in the answer */
	const char *version_prefix; /* what its version must begin with */
	const char *config_name;
	bool installs_routes, speaks_bfd;
	/* Writes a router's configuration; NULL: it is no router. */
	void (*router_config)(const struct node_lab *lab, const struct node_router_conf *conf, FILE *ret);
	daemon_programs_fn *programs;
	speaker_config_fn *speaker_config; /* NULL: it speaks for no worker */
	speaker_change_fn *speaker_change;
	bool routes_told; /* its first routes are told it too: its configuration has none */
};

const struct daemon_kind *daemon_kind(enum node_daemon_kind which);

/* bird.c, frr.c, gobgp.c, openbgpd.c, exabgp.c */
void bird1_router_config(const struct node_lab *lab, const struct node_router_conf *conf, FILE *ret);
void bird2_router_config(const struct node_lab *lab, const struct node_router_conf *conf, FILE *ret);
void frr_router_config(const struct node_lab *lab, const struct node_router_conf *conf, FILE *ret);
void gobgp_router_config(const struct node_lab *lab, const struct node_router_conf *conf, FILE *ret);
void openbgpd_router_config(const struct node_lab *lab, const struct node_router_conf *conf, FILE *ret);
daemon_programs_fn bird_programs, frr_programs, gobgp_programs, openbgpd_programs, exabgp_programs;
speaker_config_fn bird1_speaker_config, bird2_speaker_config, frr_speaker_config, gobgp_speaker_config,
	exabgp_speaker_config;
speaker_change_fn bird_speaker_change, frr_speaker_change, gobgp_speaker_change, exabgp_speaker_change;

/* frr.c */
/* "rs-client" or "rs_client": a language's own way to join words. */
const char *daemon_role(enum bgp_role role, const char *between);
void frr_bfd_profile(const char *name, const struct kube_bfd_profile *p, FILE *ret);

/* speaker.c */
/* Is the route for this peer? */
bool speaker_tells(const struct node_route *r, const struct kube_bgp_peer *peer);
/* The view's route that says the same, or NULL. */
const struct node_route *speaker_same(const struct speaker_view *v, const struct node_route *r);
const struct node_route *speaker_prefix(const struct speaker_view *v, const struct prefix *p);
/* Hold time in seconds: the BGPPeer's, else what is given. */
unsigned int speaker_hold(const struct kube_bgp_peer *peer, unsigned int other);
struct addr speaker_router_id(const struct speaker_view *v);
/* "ipv4" or "ipv6", the family of its sessions and routes. */
const char *speaker_family(const struct speaker_view *v);

/* Appends a program; the words are kept, the pointers to them copied. Returns it until the next one is added. */
struct node_process *daemon_program(struct node_daemon *d, struct arena *arena, const char *const argv[DAEMON_ARGS]);
/* A folder in the sandbox, with those above it. */
int daemon_folder(const char *path, struct errmsg *err);
/* The text of a configuration file; a file that can't be read is an error, one above the limit is cut. */
int daemon_file(const char *path, struct arena *arena, const char **ret, struct errmsg *err);

#endif
