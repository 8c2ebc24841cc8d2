/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli_int.h"

#include <argp.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	(void)state;
	return key == ARGP_KEY_ARG ? EINVAL : ARGP_ERR_UNKNOWN;
}

static const char *mark(const struct run_ability *a)
{
	switch (a->state) {
	case RUN_ABLE:
		return "yes";
	case RUN_UNABLE:
		return a->required ? "NO" : "no";
	case RUN_UNKNOWN:
		return "?";
	}
	return "?";
}

static int doctor(const struct cli_command *self, int argc, char **argv)
{
	struct run_ability rows[RUN_ABILITIES_MAX];
	char doc[2048];
	struct argp argp = {.parser = parse, .args_doc = self->arguments, .doc = doc};
	struct utsname kernel;
	unsigned int missing = 0;
	size_t n;

	cli_usage_text(self, doc, sizeof(doc));
	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	uname(&kernel);
	printf("%s %s %s, %ld processors, %s\n\n", kernel.sysname, kernel.release, kernel.machine,
	       sysconf(_SC_NPROCESSORS_ONLN), geteuid() == 0 ? "as root" : "as an ordinary user");
	n = run_doctor(rows);
	for (size_t i = 0; i < n; i++) {
		printf("%-4s %-34s %s\n", mark(&rows[i]), rows[i].name,
		       rows[i].detail[0] != '\0' ? rows[i].detail : rows[i].needed_for);
		missing += rows[i].required && rows[i].state == RUN_UNABLE;
	}
	if (missing == 0)
		puts("\nLabs run here.");
	else
		printf("\nNo lab runs here: %u of what every lab needs %s missing.\n", missing,
		       missing == 1 ? "is" : "are");
	if (fflush(stdout) != 0)
		return RUN_BROKEN;
	return missing == 0 ? RUN_PASSED : RUN_SKIPPED;
}

const struct cli_command cli_doctor = {
	.name = "doctor",
	.arguments = "",
	.about = "what this kernel and machine can do, and which daemons are installed",
	.examples = "  ecmplab doctor\n",
	.run = doctor,
};
