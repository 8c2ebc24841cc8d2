/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECMPLAB_RUN_INT_H
#define ECMPLAB_RUN_INT_H

#include "bfd.h"
#include "capture.h"
#include "drive.h"
#include "judge.h"
#include "kube.h"
#include "multipath.h"
#include "net.h"
#include "node.h"
#include "report.h"
#include "run.h"
#include "traffic.h"
#include "vec.h"

#include <stdio.h>

/* What may follow a change later than at once: what workers announce, and what their nodes forward. */
enum run_lag { RUN_LAG_ROUTES, RUN_LAG_RULES, RUN_LAGS };

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
	struct run_bfd *bfd; /* NULL: none of its sessions has any */
};

/* A prefix that the built-in router's speaker before this one left in the kernel. */
struct run_left {
	struct prefix prefix;
	bool told; /* this one has said something of it */
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

	struct drive *drive;	     /* NULL on the virtual driver */
	struct run_virtual *virtual; /* NULL on the live one */
	struct node_lab *lab;
	struct kube_cluster *cluster;

	struct capture *capture;
	VEC(struct drive_watch *) watches;
	const char *link_files[RUN_LINKS_MAX];
	struct net_ns *link_ns[RUN_LINKS_MAX];
	const char *link_names[RUN_LINKS_MAX];
	unsigned int link_count;
	struct net_fib_monitor *fib;
	struct net_neighbours neighbours[NET_NEIGHBOUR_TABLES]; /* when the lab began */
	bool neighbours_doubted;				/* a finding says that they overflowed since */
	struct errmsg evidence_err;				/* the first thing that went wrong while watching */

	struct judge *judge;
	struct judge_lab judge_lab;
	const struct judge_router *judge_routers;
	char hash_text[128];
	bool hash_of_addresses;	  /* packets between two addresses share a path */
	unsigned int hash_fields; /* what it looks at */

	struct bgp_speaker *router_engine; /* NULL with a daemon */
	struct drive_speaker *router;
	struct run_bfd *router_bfd;
	struct run_tiers *tiers; /* NULL: one router */
	struct run_timer *lags[RUN_LAGS];
	VEC(struct run_left) left; /* sorted; until its peers have told all */
	struct run_daemon daemon;
	const char *daemon_config; /* its text; NULL: one is made */
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
	struct judge_traffic flows_before; /* what last_flows repeats */
	struct traffic_flows flows_again;  /* as they were sent last */
	unsigned int flows_again_client;
	unsigned int moves_saved; /* files of moves so far */
	bool has_flows, has_http, http_was_last;
	struct judge_oracle flows_oracle;    /* what the router's kernel said of last_flows, or what flows_taught did */
	struct judge_traffic flows_taught;   /* whose packets taught the paths that no lookup can tell; count 0: none */
	struct net_fib_shares taught_shares; /* what their route promised then */
	bool flows_teach;		     /* last_flows are to become flows_taught */
	struct net_fib_shares flows_shares;  /* what their route promised when it was asked */
	struct net_fib_shares told_shares;   /* the newest that the judge knows */
	struct instant routing_changed;	     /* when a route or the hash did last */
	unsigned int oracles_saved;	     /* files of predictions so far */
	struct net_groups *groups;	     /* of the built-in router's routes; NULL: plain ones */
	struct net_mirror *mirror;	     /* of a daemon's; NULL: it forwards by what it writes */
	struct run_held *held;		     /* connections; NULL: none */
	struct run_background *background;   /* flows; NULL: there were none */
	unsigned int leavings_saved;	     /* files of what they lost so far */
	unsigned int held_saved;	     /* files of their fates so far */
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
	size_t bfd_told;	 /* of judge_bfd_events */
	VEC(struct report_phase) phases;
	struct instant phase_began; /* monotonic */
	struct instant began;	    /* monotonic, of the command */
	int owner_pid;		    /* of the process outside the sandbox */
};

/* All return 0 or -errno with the words in *err, unless they say otherwise. */

/* run.c */
struct instant run_monotonic(void);

/* clock.c: as packet stamps have it; the loop's; drive_wait; drive_interrupted. One and the same clock where it is virtual. */
struct instant run_wall(const struct run *r);
struct instant run_clock(const struct run *r);
bool run_wait(struct run *r, struct instant until);
bool run_interrupted(const struct run *r);

/* virtual.c: what a run does differently on the virtual driver */
int run_virtual_setup(struct run *r, struct errmsg *err);
void run_virtual_free(struct run *r);
struct instant run_virtual_now(const struct run *r);
/* Carries out what the engine of a worker (by index), or of the router, has put out. */
void run_virtual_flush(struct run *r, unsigned int worker);
void run_virtual_flush_router(struct run *r);
bool run_virtual_wait(struct run *r, struct instant until);
void run_virtual_pods(struct run *r);
int run_virtual_follow(struct run *r, struct run_worker *w, struct errmsg *err);
/* The worker's speaker ends; its link goes down or up; the router's speaker. */
void run_virtual_silence(struct run_worker *w);
void run_virtual_link(struct run *r, unsigned int worker, bool up);
void run_virtual_router_start(struct run *r, bool restarting);
void run_virtual_router_stop(struct run *r);
/* Closes the captures. */
int run_virtual_stop(struct run *r, struct errmsg *err);

/* setup.c: the lab from the plan */
int run_setup(struct run *r, struct errmsg *err);
void run_teardown(struct run *r);
void run_judge_start(struct run *r);
int run_cluster_start(struct run *r, struct errmsg *err);
enum node_fault run_fault_of(enum plan_fault fault);

/* session.c: of plan_engine, what a session's configuration begins with; and all of the lab's that no kernel is needed for */
struct bgp_peer_conf run_engine(const struct plan_engine *e);
struct node_lab_conf run_lab_conf(const struct plan_lab *lab);

/* router.c: the built-in router */
void run_on_router_notice(void *ctx, const struct bgp_output *notice);
/* Its workers, where it does not wait for them, and the tier above. */
void run_on_router_dial(void *ctx, bgp_peer_id peer, struct addr *ret_remote, uint16_t *ret_port,
			struct addr *ret_source);
struct node_router_conf run_router_conf(const struct run *r);
/* Worker 0 and on. */
static inline uint32_t run_worker_as(const struct plan_lab *lab, unsigned int worker)
{
	return lab->worker_as + worker * lab->worker_as_step;
}
enum bgp_role run_worker_role(const struct plan_lab *lab);
enum bgp_switch run_switch(enum plan_switch how);
struct bgp_switches run_switches(const struct plan_switches *s);
struct net_group_conf run_group_conf(const struct run *r);
int run_router_start(struct run *r, bool restarting, struct errmsg *err);
/* Its routes stay in the kernel where it is to come back gracefully. */
void run_router_stop(struct run *r);
/* Takes from the kernel what was left there and not told again, once all peers have told what they have (RFC 4724 section
 * 4.1). */
void run_router_sweep(struct run *r);

/* tiers.c: the other routers and the one above them, where the lab has them */
/* Starts the others where they are real daemons. */
int run_tiers_daemons(struct run *r, struct errmsg *err);
/* All else; built-in routers find upstream listening when they dial, real ones listen by then, and are dialled. */
int run_tiers_start(struct run *r, struct errmsg *err);
void run_tiers_stop(struct run *r);
/* Says who stands where. */
void run_tiers_tell(struct run *r);
/* Where the router's peer above is. */
void run_upstream_dial(const struct run *r, unsigned int router, struct addr *ret_remote, uint16_t *ret_port,
		       struct addr *ret_source);
/* Reads the changes of their routes. */
int run_tiers_routes(struct run *r, struct errmsg *err);

/* lag.c */
/* Calls fn so much later; once, however often it was asked to meanwhile. */
int run_later(struct run *r, enum run_lag what, int64_t ns, int (*fn)(struct run *r, struct errmsg *err),
	      struct errmsg *err);
void run_lags_free(struct run *r);

/* bfd.c */
struct run_bfd_session {
	const char *name; /* of the other end */
	struct addr local, remote;
	struct node_bfd bfd; /* not on: none */
};

struct run_bfd_conf {
	const char *node;
	struct net_ns *ns;
	uint64_t seed;
	const struct run_bfd_session *sessions;
	size_t session_count;
	/* whose sessions it protects; both must outlive it */
	struct bgp_speaker *speaker;
	struct drive_speaker *driver;
};

/* *ret is NULL where no session has any. */
int run_bfd_new(struct run *r, const struct run_bfd_conf *conf, struct run_bfd **ret, struct errmsg *err);
void run_bfd_free(struct run_bfd *b);

/* cluster.c: workers, proxies and pods follow the cluster after it changed */
int run_settle_cluster(struct run *r, struct errmsg *err);
extern const struct drive_speaker_ops run_worker_ops; /* of a run_worker */
/* Closes the built-in speaker's sockets. */
void run_worker_silence(struct run_worker *w);
/* NULL: no manifest has had such a service yet. */
const struct run_service *run_service_find(const struct run *r, const char *namespace, const char *name);

/* mirror.c: nexthop groups that follow what a real daemon writes, where the scenario asks for them */
int run_mirror_start(struct run *r, struct errmsg *err);
int run_mirror_read(struct run *r, struct errmsg *err);
/* The table that the router forwards by. */
uint8_t run_fib_table(const struct run *r);

/* evidence.c: captures and the FIB, into the judge */
/* Keeps the first error: later ones mostly follow from it. */
void run_evidence_failed(struct run *r, const struct errmsg *err);
int run_evidence_start(struct run *r, struct errmsg *err);
void run_on_capture(void *ctx, const struct capture_event *event);
int run_evidence_links(struct run *r, const struct capture_link *links, struct net_ns *const *ns, size_t n,
		       struct errmsg *err);
/* Reads the routes' changes alone. */
int run_evidence_routes(struct run *r, struct errmsg *err);
/* Hands the judge everything that the kernel has seen up to now. */
int run_evidence_settle(struct run *r, struct errmsg *err);
/* The end of watching: all frames saved, what they show known. */
int run_evidence_stop(struct run *r, struct errmsg *err);
/* Tells the judge of lost frames. */
void run_evidence_losses(struct run *r);

/* neighbours.c: whether the kernel's neighbour tables overflowed since the lab began */
void run_neighbours_start(struct run *r);
/* NULL: it did not, or nobody knows. */
const char *run_neighbours_words(struct arena *arena, enum net_neighbour_table which,
				 const struct net_neighbours *before, const struct net_neighbours *now);
/* Adds it to what was seen; to the run's notes. */
void run_neighbours_doubt(struct run *r, struct judge_finding *finding);
void run_neighbours_tell(struct run *r);

/* daemon.c: a real router daemon */
int run_daemon_find(struct run *r, struct errmsg *err);
int run_daemon_start(struct run *r, struct run_daemon *d, struct errmsg *err);
/* Waits until it listens for BGP. */
int run_daemon_await(struct run *r, struct run_daemon *d, struct errmsg *err);
/* speaker.c: workers whose speaker is a real daemon */
bool run_speaker_is_real(const struct run *r, unsigned int worker);
/* Before the sandbox stands, as run_daemon_find. */
int run_speakers_find(struct run *r, struct errmsg *err);
/* Tells them what the cluster wants of them now, and waits until they have taken it. */
int run_speakers_follow(struct run *r, struct errmsg *err);
void run_speakers_free(struct run *r);
/* Kills the worker's; it is started again by run_speakers_follow once the worker is no longer stopped. */
/* Before run_speaker_stop, of a worker that loses its power. */
int run_speaker_unplug(struct run *r, unsigned int worker, struct errmsg *err);
void run_speaker_stop(struct run *r, unsigned int worker);

/* Hears of the ends of the programs that were started since the last call. */
void run_daemon_watch(struct run *r, struct run_daemon *d);
enum node_daemon_kind run_daemon_kind(enum plan_daemon daemon);
/* The error that a daemon's end is, in its own words. */
int run_daemon_failed(struct run *r, struct errmsg *err);

/* steps.c: plays the steps until one ends the run; returns how it ended */
enum run_exit run_steps(struct run *r, struct errmsg *err);
/* The exit code of an error from below: interrupted, or broken. */
enum run_exit run_exit_of(int error);

/* flows.c: what the step says of its flows but their number and fields; sends them all at their pace */
int run_flows_shape(struct run *r, const struct plan_traffic *t, struct traffic_flows *flows, struct errmsg *err);
int run_flows_send(struct run *r, struct traffic_sender *sender, struct errmsg *err);
/* The frames of each flow, in the run's arena, or NULL where all have the same. */
const uint32_t *run_flows_sizes(struct run *r, const struct traffic_sender *sender, const struct traffic_flows *flows);

/* held.c: connections held open; where they go to and who has them */
struct run_load {
	struct net_ns *const *clients;
	size_t client_count;
	struct addr dst;
	uint16_t port;
};

enum run_exit run_step_hold(struct run *r, const struct plan_traffic *t, const struct run_load *load,
			    const char **ret_detail, struct errmsg *err);
enum run_exit run_step_release(struct run *r, const char **ret_detail, struct errmsg *err);
void run_held_note(struct run *r, const struct capture_event *event);
void run_held_free(struct run *r);

/* background.c: flows that go on while steps are played */
/* The sender, the run's own, begins now; returns when each flow has sent a packet. Of several only the newest goes on. */
int run_background_start(struct run *r, struct traffic_sender *sender, uint32_t rate,
			 const struct judge_traffic *traffic, struct errmsg *err);
void run_background_stop(struct run *r);
void run_background_free(struct run *r);
/* So many packets of each flow that they never end. */
uint32_t run_background_packets(uint32_t rate, uint32_t count);
/* NULL: there are none. */
const struct judge_traffic *run_background_traffic(const struct run *r);
/* From what happened on: how long flows may take to leave, and the step to find out. */
int64_t run_left_limit(const struct plan_expect *e);
/* Watches the flows leave, ends them, and judges. */
int run_left_watch(struct run *r, struct judge_expect *e, struct judge_finding *ret, struct errmsg *err);

/* traffic.c, exec.c, expect.c: one step each. RUN_PASSED: go on; else *err says why. *ret_detail, in the run's arena, is
 * what the reader should know, or NULL. */
/* Closes the senders' sockets, for which the kernel takes its time. */
void *run_senders_close(void *run);
enum run_exit run_step_http(struct run *r, const struct plan_step *step, const char **ret_detail, struct errmsg *err);
enum run_exit run_step_flows(struct run *r, const struct plan_step *step, const char **ret_detail, struct errmsg *err);
enum run_exit run_step_exec(struct run *r, const struct plan_step *step, const char **ret_detail, struct errmsg *err);
enum run_exit run_step_malformed(struct run *r, const struct plan_step *step, const char **ret_detail,
				 struct errmsg *err);
enum run_exit run_step_fail(struct run *r, const struct plan_step *step, const char **ret_detail, struct errmsg *err);
enum run_exit run_step_recover(struct run *r, const struct plan_step *step, const char **ret_detail,
			       struct errmsg *err);
enum run_exit run_step_restart(struct run *r, const struct plan_step *step, const char **ret_detail,
			       struct errmsg *err);
enum run_exit run_step_session(struct run *r, const struct plan_step *step, const char **ret_detail,
			       struct errmsg *err);
/* Reasons to wait no longer that no deadline should hide. */
int run_lab_alive(struct run *r, struct errmsg *err);
void run_rogues_free(struct run *r);
/* What the worker (from 1) announces where it misbehaves, and what is to follow from the case. */
struct prefix run_rogue_prefix(unsigned int worker);
struct judge_reaction run_rogue_reaction(const struct run *r, const struct rogue_case *what);
/* The flows that what is expected of the step's flows needs; 0: nothing is. */
uint32_t run_flows_planned(struct run *r, const struct plan_step *step, const struct addr *vip, uint64_t *ret_spread);
enum run_exit run_step_hash(struct run *r, const struct plan_step *step, const char **ret_detail, struct errmsg *err);
/* oracle.c: the router's kernel is asked, not watched. Before flows are sent: what the route of their address promises to whom,
 * and where each of them would go. */
/* What the hash looks at, enum net_hash_field. */
unsigned int run_hash_fields(const struct net_hash *hash);
/* Of these flows, how many the hash can tell apart. */
uint32_t run_flows_keys(const struct net_hash *hash, const struct net_tuple *tuples, uint32_t n);
/* Flows whose number was left open become as many as it takes for `needed` that the hash can tell apart; 0, or -ERANGE and why
 * they can't support what is expected of their spread. */
int run_flows_suffice(struct run *r, struct traffic_flows *flows, uint64_t needed, struct errmsg *err);
int run_oracle_flows(struct run *r, const struct traffic_flows *flows, bool again, struct errmsg *err);
/* After they were, as last_flows: tells the judge, and doubts the answers, where a resilient group has moved its buckets meanwhile.
 * Flows that no lookup can tell of teach their paths. */
int run_oracle_after(struct run *r, const struct addr *vip, struct errmsg *err);
/* What the kernel promises to each hop of a resilient route, now; NULL where it changed meanwhile. Valid until the next call. */
const unsigned int *run_shares_of(struct run *r, const struct net_fib_route *route, struct errmsg *err);
/* Tells the reader, where the packets of a spread's flows went elsewhere than the kernel had said. */
void run_oracle_note(struct run *r, const struct judge_expect *expect);
/* The promises alone. */
int run_shares_tell(struct run *r, const struct addr *vip, struct errmsg *err);
/* What it would do with the connections that the clients' links show. */
int run_oracle_connections(struct run *r, const struct judge_traffic *traffic, struct judge_oracle *ret,
			   struct errmsg *err);
/* hash.c: the router's hash from the plan */
int run_hash_start(struct run *r, struct errmsg *err);
/* moves.c: where each flow went, into a file of its own. */
int run_moves_save(struct run *r, const struct judge_finding *finding, struct errmsg *err);
/* RUN_PASSED, RUN_FAILED and RUN_INCONCLUSIVE come with a finding. */
enum run_exit run_step_expect(struct run *r, const struct plan_step *step, struct judge_finding *ret,
			      struct errmsg *err);

/* tell.c: what happens, to the report and the timeline */
int run_tell_start(struct run *r, struct errmsg *err);
void run_tell_lab(struct run *r);
void run_tell(struct run *r, const char *node, const char *text);
void run_tell_session(struct run *r, const char *node, const char *peer, const struct bgp_output *notice);
void run_tell_bfd(struct run *r, const char *node, const char *peer, const struct bfd_output *change);
void run_tell_service(struct run *r, const char *service, const struct addr *address);
void run_tell_fib(struct run *r, const struct prefix *prefix, const struct addr *gateways, size_t n);
void run_tell_step_begin(struct run *r, const struct plan_step *step);
/* What the wire has shown since the last time (routes and BFD states, so many of each at most), to the timeline. */
void run_tell_seen(struct run *r, size_t at_most);
void run_tell_step_end(struct run *r, const struct plan_step *step, enum run_exit result,
		       const struct judge_finding *finding, const char *detail, const struct errmsg *err);
/* The last word; message as report_result's. 0 or -errno when something could not be written. */
int run_tell_end(struct run *r, enum run_exit result, const char *message);
/* Ends the phase that was going on; its time is reported under the name. */
void run_phase(struct run *r, const char *name);
enum report_verdict run_verdict(enum run_exit result);

#endif
