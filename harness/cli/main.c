/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli_int.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>

#include "words.h"

static const struct cli_command *const commands[] = {&cli_run,	 &cli_test,   &cli_compare, &cli_impact,
						     &cli_check, &cli_decode, &cli_plan,    &cli_doctor};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void help(FILE *out)
{
	fputs("ecmplab builds a BGP + ECMP network in namespaces of its own, plays Kubernetes events into it,\n"
	      "captures every packet and judges routes and multipath spread from the wire. No root needed.\n\n"
	      "Examples:\n"
	      "  ecmplab run scenarios/article        build, play, judge, tear down\n"
	      "  ecmplab test scenarios -j 2          all scenarios of a folder; --junit FILE, --tap FILE\n"
	      "  ecmplab compare scenarios/article-l4 one scenario over built-in, BIRD 1.6, BIRD 2 and FRR\n"
	      "  ecmplab impact scenarios/article-l4 --remove worker2\n"
	      "                                       what each way of leaving does to flows and connections\n"
	      "  ecmplab check my/scenario.yaml       find mistakes without starting anything\n"
	      "  ecmplab decode messages.hex          BGP messages in hex, as JSON\n"
	      "  ecmplab plan --members 16            how many flows a claim about balance needs\n"
	      "  ecmplab doctor                       what this machine can do\n\n"
	      "Commands:\n",
	      out);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-8s %s\n", commands[i]->name, commands[i]->about);
	fputs("\nExit status: 0 all held; 1 an expectation failed; 2 wrong input or usage, nothing was started;\n"
	      "3 inconclusive; 4 skipped, this machine lacks something; 5 the lab broke; 130 interrupted.\n\n"
	      "\"ecmplab COMMAND --help\" tells a command's options.\n",
	      out);
}

static int unknown(const char *word)
{
	const char *names[COMMAND_COUNT];
	const char *nearest;

	for (size_t i = 0; i < COMMAND_COUNT; i++)
		names[i] = commands[i]->name;
	nearest = words_nearest(word, names, COMMAND_COUNT);
	if (nearest != NULL)
		cli_complain("there is no command \"%s\"; did you mean \"%s\"?", word, nearest);
	else
		cli_complain("there is no command \"%s\"; see ecmplab --help", word);
	return RUN_USAGE;
}

/* argp names the program by argv[0] and ends it itself when the usage is wrong. */
static int command_run(const struct cli_command *c, int argc, char **argv)
{
	char name[64];

	snprintf(name, sizeof(name), "ecmplab %s", c->name);
	argv[0] = name;
	argp_err_exit_status = RUN_USAGE;
	return c->run(c, argc, argv);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		help(stderr);
		return RUN_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
		help(stdout);
		return fflush(stdout) == 0 ? RUN_PASSED : RUN_BROKEN;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("ecmplab " ECMPLAB_VERSION);
		return fflush(stdout) == 0 ? RUN_PASSED : RUN_BROKEN;
	}
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(argv[1], commands[i]->name) == 0)
			return command_run(commands[i], argc - 1, argv + 1);
	}
	return unknown(argv[1]);
}
