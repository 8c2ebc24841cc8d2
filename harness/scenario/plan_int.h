/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the readers of a scenario share while a plan comes to be. */
#ifndef ECMPLAB_PLAN_INT_H
#define ECMPLAB_PLAN_INT_H

#include "fields_int.h"
#include "scenario.h"
#include "vec.h"

#define PLAN_WORKERS_MAX 1000
#define PLAN_CLIENTS_MAX 250
#define PLAN_STEPS_MAX 1000

/* Leaving: its routes go, it runs on. */
enum plan_worker_state { PLAN_THERE, PLAN_LEAVING, PLAN_GONE };

struct plan_state {
	struct reader r; /* of the scenario file; its user is this state */
	struct plan *plan;
	const struct yaml_source *sources; /* manifests read, for messages that come later */
	/* objects in force after the steps read so far, and those that a step deleted */
	VEC(const struct kube_object *) known;
	VEC(const struct kube_object *) gone;
	VEC(struct plan_step) steps;
	bool metallb_said;		/* workers.metallb is written */
	enum plan_worker_state *failed; /* workers, by the steps so far */
	bool http_done, held, flows_done, again_done, background;
};

static inline struct plan_state *plan_state(struct reader *r)
{
	return r->user;
}

/* plan_lab.c: the lab, and names of what is in it */
void plan_lab_read(struct plan_state *s, const struct yaml_node *map);
/* A worker by name, number or address; false with a diagnostic. */
bool plan_worker(struct plan_state *s, const struct yaml_node *v, unsigned int *ret);
/* A client by name, number or address. */
bool plan_client(struct plan_state *s, const struct yaml_node *v, unsigned int *ret);
/* Is this the name of a node of the lab? */
bool plan_is_node(const struct plan_state *s, const char *name);

/* plan_files.c */
/* The path of a file named in the scenario, or NULL with a diagnostic at v when it can't be read. */
const char *plan_path(struct plan_state *s, const struct yaml_node *v, const char *key);
/* Objects of a file or a list of them, which are known from now on. */
void plan_objects(struct plan_state *s, const struct yaml_node *v, const char *key, const struct kube_object **ret,
		  size_t *ret_count);
/* The source of a manifest's file, else the scenario's. */
const struct yaml_source *plan_source(const struct plan_state *s, const char *path);

/* plan_daemon.c */
/* The daemon whose syntax the configuration has; PLAN_DAEMON_COUNT when nothing in it tells. */
enum plan_daemon plan_config_syntax(struct plan_state *s, const char *path, unsigned int *ret_line);
/* workers.speaker: a word, or a list of them, which workers take in turn; writes the span. */
void plan_speakers_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);
/* router.password: what TCP MD5 takes and every daemon's language can hold. */
void plan_password_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);

/* plan_known.c: objects that the manifests so far have */
void plan_known_add(struct plan_state *s, const struct kube_object *o);
const struct kube_object *plan_known(const struct plan_state *s, enum kube_kind kind, const char *namespace,
				     const char *name);
/* Splits "namespace/name", finds the object and writes both. namespace NULL: "default", or anywhere for MetalLB's kinds.
 * Returns NULL with a diagnostic at v. */
const struct kube_object *plan_resolve(struct plan_state *s, enum kube_kind kind, const char *namespace,
				       const struct yaml_node *v, const char *text);
/* The service that a step or expectation names; without a name the only LoadBalancer Service there is. gone_too: one that
 * a step before deleted will do, for what is expected of it afterwards. */
const struct kube_object *plan_service(struct plan_state *s, const struct yaml_node *map, bool gone_too);
void plan_known_remove(struct plan_state *s, const struct kube_object *o);

/* plan_text.c: "service nginx announced_by all within 1s" */
const char *plan_text(struct plan_state *s, const struct yaml_node *v);

/* plan_steps.c, plan_expect.c. steps NULL: the default ones, which messages find at `at`. */
void plan_steps_read(struct plan_state *s, const struct yaml_node *steps, const struct yaml_node *at);
void plan_expect_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);
void plan_never_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);

/* plan_flows.c: what flows can be told beyond their number; the last reads the step matrix */
#define PLAN_FLOWS_OF_A_PORT (65536 - 1024) /* what one varied port can tell apart */
extern const struct words plan_flow_protocols;
extern const struct words plan_flow_fields; /* in the order of the bits */
void plan_vary_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);   /* unsigned int */
void plan_sizes_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);  /* plan_traffic */
void plan_tuples_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret); /* const char * */
void plan_held_check(struct reader *r, const struct yaml_node *v, const struct plan_traffic *t);      /* http */
void plan_flows_check(struct reader *r, const struct yaml_node *v, struct plan_traffic *t);
void plan_left_check(struct reader *r, const struct yaml_node *v,
		     const struct plan_expect *e); /* no_packet_on, first_packet_on */
void plan_share_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret); /* double */
void plan_matrix_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);

/* plan_malformed.c: the steps malformed and send, and the expectations that follow from it, which are added to the steps */
void plan_malformed_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);
void plan_send_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);
void plan_malformed_expect(struct plan_state *s, const struct plan_step *step);

/* plan_session.c: what lab.router says of its sessions, and lab.workers of theirs */
void plan_bfd_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret); /* plan_bfd */
void plan_restart_read(struct reader *r, const struct yaml_node *v, const struct field *f,
		       void *ret);								    /* plan_session */
void plan_hold_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret); /* int64_t */
void plan_ttl_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);  /* uint32_t hops */
extern const struct words plan_roles;
void plan_switches_read(struct reader *r, const struct yaml_node *v, const struct field *f,
			void *ret); /* plan_switches */
void plan_multipath_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret); /* bool */
void plan_update_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);	 /* bool */
/* That the router's kind has what is asked of it. */
void plan_session_check(struct plan_state *s, const struct yaml_node *router, const struct plan_lab *lab);

/* plan_engine.c: session, of the router and of workers */
void plan_afi_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);    /* plan_engine */
void plan_engine_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret); /* plan_engine */
/* That who speaks has what is asked of its sessions. */
void plan_engine_check(struct plan_state *s, const struct yaml_node *lab_map, const struct plan_lab *lab);

/* plan_multipath.c: router.hash, the step hash, router.nexthop_groups */
void plan_hash_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);
void plan_hash_step_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);
void plan_groups_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);
void plan_multipath_check(struct plan_state *s, const struct yaml_node *router, const struct plan_lab *lab);

/* plan_upstream.c: lab.upstream */
extern const struct record plan_upstream_record;
void plan_upstream_check(struct plan_state *s, const struct yaml_node *map, const struct plan_lab *lab);

/* plan_family.c: networks.family */
enum plan_family { PLAN_FAMILY_IPV4, PLAN_FAMILY_IPV6 };
extern const struct words plan_families;
/* Networks that are not written are of the family that is asked for, or of the cluster's. */
void plan_family_default(const struct yaml_node *networks, enum plan_family family, struct plan_lab *lab);
void plan_family_check(struct plan_state *s, const struct yaml_node *map, struct plan_lab *lab);

/* plan_sweep.c */
void plan_sweep_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);

/* plan_weights.c: workers.link_bandwidth, and next_hops as a mapping */
void plan_bandwidths_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret); /* span */
void plan_bandwidths_check(struct plan_state *s, const struct yaml_node *workers, const struct plan_lab *lab);
void plan_weights_read(struct reader *r, const struct yaml_node *v, struct plan_expect *ret);

/* plan_fail.c: the steps fail, recover, restart and session */
void plan_fail_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);
void plan_recover_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);
void plan_restart_step_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);

void plan_session_step_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);

/* plan_virtual.c: virtual:, and that nothing needs the kernel then */
void plan_virtual_init(struct plan_virtual *v, bool asked);
void plan_virtual_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);
void plan_virtual_check(struct plan_state *s, const struct yaml_node *lab, const struct yaml_node *steps);

/* check.c: the manifests on a trial cluster, and MetalLB's own refusals as diagnostics */
void plan_trial(struct plan_state *s);

#endif
