/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECMPLAB_CLI_INT_H
#define ECMPLAB_CLI_INT_H

#include "diag.h"
#include "report.h"
#include "run.h"

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

/* One command of the program; adding one is adding a row to the table in main.c. */
struct cli_command {
	const char *name;
	const char *arguments; /* "SCENARIO" */
	const char *about;     /* one sentence */
	const char *examples;  /* lines, two blanks before each */
	int (*run)(const struct cli_command *self, int argc, char **argv);
};

extern const struct cli_command cli_run;
extern const struct cli_command cli_test;
extern const struct cli_command cli_compare;
extern const struct cli_command cli_impact;
extern const struct cli_command cli_check;
extern const struct cli_command cli_decode;
extern const struct cli_command cli_doctor;
extern const struct cli_command cli_plan;

/* Options that all commands which play something take alike: --seed, --out, --color. A command has it as its argp's child,
 * and its own parser hands the struct on at ARGP_KEY_INIT (child_inputs[0]). */
struct cli_shared {
	const char *out;
	const char *colour; /* NULL: auto */
	bool has_seed;
	uint64_t seed;
};
extern const struct argp_child cli_shared_child[];
/* For parsers of commands that take one scenario: its file, and complaints about none or two. */
error_t cli_one_scenario(int key, char *arg, struct argp_state *state, const char **ret);

/* How the page on stdout is to look, from --color, the environment and the terminal. colour: "auto" (or NULL), "always", "never". */
struct report_style cli_style(const char *colour, int fd);
/* Prints diagnostics on stderr and empties the list. Returns RUN_USAGE. */
int cli_refuse(struct diags *diags);
/* Prints "ecmplab: text" on stderr. */
void cli_complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A decimal number from the command line. False after complaining. */
bool cli_number(const char *option, const char *text, uint64_t max, uint64_t *ret);
/* The argp documentation string of a command: about, then examples. Static storage of the caller's. */
void cli_usage_text(const struct cli_command *c, char *ret, size_t room);

#endif
