/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECMPLAB_RUN_INT_H
#define ECMPLAB_RUN_INT_H

#include "capture.h"
#include "drive.h"
#include "judge.h"
#include "kube.h"
#include "net.h"
#include "node.h"
#include "report.h"
#include "run.h"
#include "traffic.h"
#include "vec.h"

#include <stdio.h>

/* Links that captures, and so frame references, can have. */
#define RUN_LINKS_MAX 4096

/* A pod that serves. */
struct run_pod {
	unsigned int uid;
	struct drive_http_server *server;
};

/* A worker's speaker and the sockets it runs over. */
struct run_worker {
	struct run *run;
	unsigned int index;
	unsigned int generation; /* node_worker's, when the driver was made */
	struct drive_speaker *driver;
};

/* A Service as last seen with an address. */
struct run_service {
	const char *namespace;
	const char *name;
	struct addr address;  /* ADDR_NONE: never had one */
	struct prefix prefix; /* as workers announce it */
	uint16_t port;
	const char *pending_reason;
};

/* A real daemon whose processes' ends are looked out for. */
struct run_daemon {
	struct run *run;
	struct node_daemon node;
	size_t watched; /* of its programs */
};

/* Everything of one run, from sandbox to verdict. Lives in the sandbox's process. */
struct run {
	const struct plan *plan;
	const struct run_options *options;
	struct arena arena;
	char dir[4096]; /* absolute */
	int dir_fd;
	uint64_t seed;
	struct instant started; /* wall clock */

	struct drive *drive;
	struct node_lab *lab;
	struct kube_cluster *cluster;

	struct capture *capture;
	VEC(struct drive_watch *) watches;
	const char *link_files[RUN_LINKS_MAX];
	struct net_ns *link_ns[RUN_LINKS_MAX];
	const char *link_names[RUN_LINKS_MAX];
	unsigned int link_count;
	struct net_fib_monitor *fib;
	struct errmsg evidence_err; /* the first thing that went wrong while watching */

	struct judge *judge;
	struct judge_lab judge_lab;
	char hash_text[128];

	struct bgp_speaker *router_engine; /* NULL with a daemon */
	struct drive_speaker *router;
	struct run_daemon daemon;
	const char *daemon_config; /* its text */
	bool has_daemon;
	bool daemon_ended; /* this one or a worker's speaker: `dead` */
	const struct node_daemon *dead;
	struct run_speaker *speakers; /* real ones, one a worker */
	struct run_worker *workers;
	VEC(struct run_pod) pods;
	VEC(struct run_service) services;
	VEC(const char *) warned; /* what the reader has been warned of */

	struct instant cause; /* when the last step that changes something began */
	struct judge_traffic last_flows, last_http;
	bool has_flows, has_http, http_was_last;
	uint32_t next_run_tag;
	VEC(struct drive_rogue *) rogues;
	struct instant malformed_since,
		malformed_played;	      /* the last malformed step: its begin, and when all bytes were out */
	VEC(struct traffic_sender *) senders; /* kept to the end, see run_senders_close */

	struct report *report;
	struct report_timeline *timeline;
	FILE *timeline_file, *verdict_file;
	struct report_step step; /* the one going on */
	size_t routes_told;	 /* of judge_route_events, to the timeline */
	VEC(struct report_phase) phases;
	struct instant phase_began; /* monotonic */
	struct instant began;	    /* monotonic, of the command */
	int owner_pid;		    /* of the process outside the sandbox */
};

/* All return 0 or -errno with the words in *err, unless they say otherwise. */

/* run.c */
struct instant run_monotonic(void);

/* setup.c: the lab from the plan */
int run_setup(struct run *r, struct errmsg *err);
void run_teardown(struct run *r);
struct node_router_conf run_router_conf(const struct run *r);

/* cluster.c: workers, proxies and pods follow the cluster after it changed */
int run_settle_cluster(struct run *r, struct errmsg *err);
/* NULL: no manifest has had such a service yet. */
const struct run_service *run_service_find(const struct run *r, const char *namespace, const char *name);

/* evidence.c: captures and the FIB, into the judge */
int run_evidence_start(struct run *r, struct errmsg *err);
int run_evidence_links(struct run *r, const struct capture_link *links, struct net_ns *const *ns, size_t n,
		       struct errmsg *err);
/* Hands the judge everything that the kernel has seen up to now. */
int run_evidence_settle(struct run *r, struct errmsg *err);
/* The end of watching: all frames saved, what they show known. */
int run_evidence_stop(struct run *r, struct errmsg *err);
/* Tells the judge of lost frames. */
void run_evidence_losses(struct run *r);

/* daemon.c: a real router daemon */
int run_daemon_find(struct run *r, struct errmsg *err);
int run_daemon_start(struct run *r, struct errmsg *err);
/* Waits until it listens for BGP. */
int run_daemon_await(struct run *r, struct errmsg *err);
/* speaker.c: workers whose speaker is a real daemon */
bool run_speaker_is_real(const struct run *r, unsigned int worker);
/* Before the sandbox stands, as run_daemon_find. */
int run_speakers_find(struct run *r, struct errmsg *err);
/* Tells them what the cluster wants of them now, and waits until they have taken it. */
int run_speakers_follow(struct run *r, struct errmsg *err);
void run_speakers_free(struct run *r);

/* Hears of the ends of the programs that were started since the last call. */
void run_daemon_watch(struct run *r, struct run_daemon *d);
enum node_daemon_kind run_daemon_kind(enum plan_daemon daemon);
/* The error that a daemon's end is, in its own words. */
int run_daemon_failed(struct run *r, struct errmsg *err);

/* steps.c: plays the steps until one ends the run; returns how it ended */
enum run_exit run_steps(struct run *r, struct errmsg *err);
/* The exit code of an error from below: interrupted, or broken. */
enum run_exit run_exit_of(int error);

/* traffic.c, exec.c, expect.c: one step each. RUN_PASSED: go on; else *err says why. *ret_detail, in the run's arena, is
 * what the reader should know, or NULL. */
/* Closes the senders' sockets, for which the kernel takes its time. */
void *run_senders_close(void *run);
enum run_exit run_step_http(struct run *r, const struct plan_step *step, const char **ret_detail, struct errmsg *err);
enum run_exit run_step_flows(struct run *r, const struct plan_step *step, const char **ret_detail, struct errmsg *err);
enum run_exit run_step_exec(struct run *r, const struct plan_step *step, const char **ret_detail, struct errmsg *err);
enum run_exit run_step_malformed(struct run *r, const struct plan_step *step, const char **ret_detail,
				 struct errmsg *err);
void run_rogues_free(struct run *r);
/* What the worker (from 1) announces where it misbehaves, and what is to follow from the case. */
struct prefix run_rogue_prefix(unsigned int worker);
struct judge_reaction run_rogue_reaction(const struct run *r, const struct rogue_case *what);
/* RUN_PASSED, RUN_FAILED and RUN_INCONCLUSIVE come with a finding. */
enum run_exit run_step_expect(struct run *r, const struct plan_step *step, struct judge_finding *ret,
			      struct errmsg *err);

/* tell.c: what happens, to the report and the timeline */
int run_tell_start(struct run *r, struct errmsg *err);
void run_tell_lab(struct run *r);
void run_tell(struct run *r, const char *node, const char *text);
void run_tell_session(struct run *r, const char *node, const char *peer, const struct bgp_output *notice);
void run_tell_service(struct run *r, const char *service, const struct addr *address);
void run_tell_fib(struct run *r, const struct prefix *prefix, const struct addr *gateways, size_t n);
void run_tell_step_begin(struct run *r, const struct plan_step *step);
void run_tell_step_end(struct run *r, const struct plan_step *step, enum run_exit result,
		       const struct judge_finding *finding, const char *detail, const struct errmsg *err);
/* The last word; message as report_result's. 0 or -errno when something could not be written. */
int run_tell_end(struct run *r, enum run_exit result, const char *message);
/* Ends the phase that was going on; its time is reported under the name. */
void run_phase(struct run *r, const char *name);
enum report_verdict run_verdict(enum run_exit result);

#endif
