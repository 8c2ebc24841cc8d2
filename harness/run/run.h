/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plays a plan in a sandbox, watches the wire, and says how it went. */
#ifndef ECMPLAB_RUN_H
#define ECMPLAB_RUN_H

#include "errmsg.h"
#include "report.h"
#include "scenario.h"

#include <stdbool.h>
#include <stdint.h>

/* DESIGN.md, "A run". */
enum run_exit {
	RUN_PASSED = 0,
	RUN_FAILED = 1,
	RUN_USAGE = 2,
	RUN_INCONCLUSIVE = 3,
	RUN_SKIPPED = 4,
	RUN_BROKEN = 5,
	RUN_INTERRUPTED = 130,
};

enum run_output { RUN_OUTPUT_TERMINAL, RUN_OUTPUT_JSON, RUN_OUTPUT_NONE };

struct run_options {
	const char *out; /* run directory, or NULL: a fresh one below runs/ */
	bool has_seed;
	uint64_t seed;
	bool keep; /* hold the lab open after the last step until interrupted */
	enum run_output output;
	struct report_style style; /* of the terminal page */
	const char *program;	   /* argv[0], for the command that reproduces the run */
};

/* Plays one scenario and leaves its run directory behind. Returns an exit code. What happened has been told through the
 * chosen output; *err is set (code not 0) only for what could not be told there: no run directory, no output. */
enum run_exit run_scenario(const struct plan *plan, const struct run_options *options, struct errmsg *err);

enum run_suite_page {
	RUN_SUITE_LINES,      /* one a scenario */
	RUN_SUITE_COMPARISON, /* of one scenario over several routers; also as JSON */
	RUN_SUITE_COMPARISON_JSON,
	RUN_SUITE_IMPACT, /* of one scenario, in which a worker leaves in several ways; also as JSON */
	RUN_SUITE_IMPACT_JSON,
};

struct run_suite_options {
	enum run_suite_page page; /* on stdout */
	const char *out;	  /* folder for all run directories, or NULL: a fresh one below runs/ */
	unsigned int jobs;	  /* scenarios at once; at least 1 */
	const char *tap;	  /* file to write, or NULL; "-" is stdout, instead of the page */
	const char *junit;	  /* file to write, or NULL */
	bool has_seed;
	uint64_t seed;
	bool github; /* annotations for GitHub Actions on stdout */
	struct report_style style;
	const char *program;
};

/* The scenarios in the folders, sorted by path: a folder with scenario.yaml is one, else its sub-folders are searched; a
 * file is one. -ENOENT when there is none. Texts are the arena's. */
int run_suite_find(const char *const *paths, size_t n, struct arena *arena, const char *const **ret, size_t *ret_count,
		   struct errmsg *err);

/* Plays all plans, each in a process and sandbox of its own. Returns the worst exit code: interrupted, broken, failed,
 * inconclusive, then passed; skipped only when all were. */
enum run_exit run_suite(const struct plan *const *plans, size_t n, const struct run_suite_options *options,
			struct errmsg *err);

/* ---- What this machine can do ---- */

enum run_ability_state { RUN_ABLE, RUN_UNABLE, RUN_UNKNOWN };

struct run_ability {
	const char *name;
	const char *needed_for;
	bool required; /* no lab runs without it */
	enum run_ability_state state;
	char detail[200]; /* why not; a daemon's version and path */
};

#define RUN_ABILITIES_MAX 64

/* Tries what labs need for real, in a sandbox of its own, and looks for router daemons and programs that steps use. Returns
 * the number written. */
size_t run_doctor(struct run_ability ret[static RUN_ABILITIES_MAX]);

#endif
