/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of a run or a suite, told in several formats at once. Records and their texts are borrowed for the call, and may hold
 * anything a file, daemon or peer wrote: each writer makes them safe for its format. The only user of jansson. */
#ifndef ECMPLAB_REPORT_H
#define ECMPLAB_REPORT_H

#include "addr.h"
#include "arena.h"
#include "diag.h"
#include "errmsg.h"
#include "instant.h"
#include "judge.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* ---- How a page for people looks ---- */

struct report_style {
	bool colour;
	bool utf8;	    /* else ASCII drawings and marks */
	bool live;	    /* out is a terminal: the running step is shown and then overwritten by its result */
	unsigned int width; /* columns; 0: 80; less than 40 counts as 40 */
};

/* Whether to colour: option is --color's "auto", "always", "never", or NULL for auto; the rest is the environment's
 * (NULL: not set). always and never win; then NO_COLOR (not empty), CLICOLOR_FORCE (not empty, not "0"), TERM=dumb, tty. */
bool report_colour_wanted(const char *option, bool tty, const char *no_color, const char *clicolor_force,
			  const char *term);

/* ---- Records ---- */

/* Of a step and of a run. */
enum report_verdict {
	REPORT_PASSED,
	REPORT_FAILED,
	REPORT_INCONCLUSIVE,
	REPORT_SKIPPED,
	REPORT_BROKEN,
	REPORT_INTERRUPTED,
	REPORT_VERDICT_COUNT,
};

/* "pass", "fail", "inconclusive", "skip", "broken", "interrupted": the words of verdict.json. */
const char *report_verdict_name(enum report_verdict v);

struct report_network {
	const char *name; /* cluster, clients */
	struct prefix prefix;
};

/* A worker, a client or the control plane; as is 0 where it speaks no BGP. */
struct report_node {
	const char *name;
	struct addr address;
	uint32_t as;
};

struct report_pod {
	const char *name, *node;
	struct addr address;
};

struct report_service {
	const char *name;
	struct addr vip; /* ADDR_NONE: pending */
	uint16_t port;	 /* 0: not said */
};

struct report_router {
	const char *name;	      /* router */
	const char *daemon;	      /* builtin, bird1, bird2 */
	const char *version;	      /* "BIRD 1.6.8", or NULL */
	struct addr cluster, clients; /* its address in either network */
	uint32_t as;
	const char *hash; /* "net.ipv4.fib_multipath_hash_policy=0", or NULL */
};

/* Everything optional is NULL, 0 or ADDR_NONE where it is not there. Pods and services: those known when the lab
 * begins; later ones come as notes. */
struct report_lab {
	const char *scenario, *about;
	const char *file; /* scenario file, as the user named it */
	const struct report_network *networks;
	size_t network_count;
	struct report_router router;
	const struct report_node *workers;
	size_t worker_count;
	const struct report_node *clients;
	size_t client_count;
	struct report_node control_plane;
	const struct report_pod *pods;
	size_t pod_count;
	const struct report_service *services;
	size_t service_count;
	size_t expectations; /* in the whole plan; 0: not known */
	uint64_t seed;	     /* JSON: a number up to 2^63 - 1, above it a string */
	const char *kernel;  /* uname -r */
	const char *run_dir;
	struct instant started; /* wall clock */
};

/* A node, and how many connections it reset. */
struct report_resetter {
	const char *node;
	uint32_t count;
};

/* Connections held over what happened, by what became of them. */
struct report_connections {
	uint32_t count, answered, refused, reset, timed_out, broken;
	const struct report_resetter *resetters;
	size_t resetter_count;
};

/* A step. step_begin: up to since_start_ns is set. step_end: all of it. */
struct report_step {
	const char *file; /* NULL: the lab's */
	unsigned int line;
	const char *kind;	/* "expect", "apply", "http", ... */
	const char *text;	/* as written, on one line, without "expect" in front */
	int64_t since_start_ns; /* when it began, from the lab's start */
	int64_t elapsed_ns;
	enum report_verdict verdict;
	const char *detail;		     /* what the reader should know, or why it did not pass; NULL: nothing */
	const struct judge_finding *finding; /* of an expectation, else NULL */
	const struct report_connections *connections; /* that were released, else NULL */
};

/* Something worth a line on the page: "pod nginx-1 10.244.1.2 serves". */
struct report_note {
	int64_t since_start_ns;
	const char *node; /* or NULL */
	const char *text;
};

struct report_hop {
	struct addr next_hop;
	const char *worker;	/* or NULL */
	int64_t since_start_ns; /* when it was announced or installed; -1: not known */
	bool best;
	const char *as_path; /* "22000", or NULL */
	uint8_t origin;	     /* BGP's: 0 IGP, 1 EGP, 2 incomplete */
};

/* A prefix in the router and where it leads; no hops: the route is gone. */
struct report_routes {
	int64_t since_start_ns;
	struct prefix prefix;
	const struct report_hop *hops;
	size_t hop_count;
};

struct report_phase {
	const char *name; /* "build", "steps", "teardown" */
	int64_t ns;
};

struct report_capture {
	const char *file; /* in the run directory */
	uint64_t frames, dropped;
	const struct capture_loss *lost; /* when */
	size_t lost_count;
};

struct report_result {
	enum report_verdict verdict;
	int exit;
	int64_t wall_ns;
	const struct report_phase *phases;
	size_t phase_count;
	const struct report_capture *captures;
	size_t capture_count;
	const struct judge_fib_story *fib; /* how the router's FIB followed the wire; NULL: nothing is known */
	const char *reproduce;		   /* command line, or NULL */
	const char *message;		   /* why the lab broke, was skipped or interrupted, or NULL */
};

/* ---- Telling ---- */

enum report_format {
	REPORT_TERMINAL, /* a page, or with the suite functions a line a scenario and a summary */
	REPORT_JSON,	 /* one object, written at the end: verdict.json and --json. Runs only */
	REPORT_TAP,	 /* version 14, one test a scenario, its expectations a subtest. Suites only */
	REPORT_JUNIT,	 /* written at the suite's end. Suites only */
	REPORT_COMPARE, /* a table at the suite's end, a column a case. Suites only, of one scenario over several routers */
	REPORT_COMPARE_JSON, /* the same as one object */
	REPORT_IMPACT,	     /* a row a case. Suites only, of plans made by plan_set_impact */
	REPORT_IMPACT_JSON,
	REPORT_GITHUB, /* a workflow command ::error for each failed step */
	REPORT_FORMAT_COUNT,
};

struct report;

struct report *report_new(void);
/* Tells in this format, too. out is borrowed until the end function returns; style, copied, may be NULL where the format is not
 * for people. */
void report_add(struct report *r, enum report_format format, FILE *out, const struct report_style *style);
void report_free(struct report *r);

/* One run: begin, then steps, notes and routes in any number, then end. begin may be left out when the run never got
 * a lab; then give end's message. */
void report_begin(struct report *r, const struct report_lab *lab);
void report_step_begin(struct report *r, const struct report_step *step);
void report_step_end(struct report *r, const struct report_step *step);
void report_note(struct report *r, const struct report_note *note);
void report_routes(struct report *r, const struct report_routes *routes);
/* Writes what is left and flushes. 0, or -errno of the first write that failed since report_new (-ENOSPC, -EPIPE). */
int report_end(struct report *r, const struct report_result *result) __attribute__((warn_unused_result));

/* One scenario of a suite, ended. steps hold all that were played. */
struct report_case {
	struct report_lab lab;
	struct report_result result;
	const struct report_step *steps;
	size_t step_count;
};

/* A suite: begin, one case after the other, end (as report_end). */
void report_suite_begin(struct report *r, size_t scenarios);
void report_suite_case(struct report *r, const struct report_case *c);
int report_suite_end(struct report *r, int64_t wall_ns) __attribute__((warn_unused_result));

/* Reads a verdict.json back, for suites whose runs are processes of their own. Everything is the arena's. What the file
 * does not hold (pods, addresses but the router's) is left empty. -EINVAL for a file that is none. */
int report_case_read(const char *path, struct arena *arena, struct report_case *ret, struct errmsg *err)
	__attribute__((warn_unused_result));

/* ---- timeline.jsonl: one line an event ---- */

struct report_event {
	struct instant time; /* wall clock */
	const char *kind;    /* "step", "route", "fib", "session", "daemon", "pod", "http", "service", ... */
	const char *node;    /* or NULL */
	const char *text;
	const char *file; /* capture, or NULL */
	uint64_t frame;	  /* with file */
};

struct report_timeline;

/* out is borrowed until report_timeline_end; started: where since_start_ns counts from. */
struct report_timeline *report_timeline_new(FILE *out, struct instant started);
/* Buffered; flush writes it out. A failed write is kept for flush and end. */
void report_timeline_write(struct report_timeline *t, const struct report_event *e);
int report_timeline_flush(struct report_timeline *t);
/* Flushes and frees; accepts NULL. 0 or -errno of the first write that failed. */
int report_timeline_end(struct report_timeline *t);

/* ---- Diagnostics ---- */

/* "file:line:column: error: message", the line with what is wrong underlined, the hint; then how many more there are.
 * 0 or -errno. */
int report_diags(FILE *out, const struct diags *d, const struct report_style *style);

#endif
