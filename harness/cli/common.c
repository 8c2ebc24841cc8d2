/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli_int.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_DEFAULT 80
#define WIDTH_MAX 1000

static unsigned int terminal_width(int fd)
{
	struct winsize size;
	const char *columns = getenv("COLUMNS");
	unsigned long n = columns != NULL ? strtoul(columns, NULL, 10) : 0;

	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return n > 0 && n <= WIDTH_MAX ? (unsigned int)n : WIDTH_DEFAULT;
}

struct report_style cli_style(const char *colour, int fd)
{
	const char *term = getenv("TERM");
	bool dumb = term != NULL && strcmp(term, "dumb") == 0;

	colour = colour != NULL ? colour : "auto";
	setlocale(LC_CTYPE, "");
	return (struct report_style){
		.colour = report_colour_wanted(colour, isatty(fd) == 1, getenv("NO_COLOR"), getenv("CLICOLOR_FORCE"),
					       term),
		.utf8 = !dumb && strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
		.live = isatty(fd) == 1 && !dumb,
		.width = terminal_width(fd),
	};
}

int cli_refuse(struct diags *diags)
{
	struct report_style style = cli_style("auto", STDERR_FILENO);

	if (report_diags(stderr, diags, &style) < 0)
		return RUN_BROKEN;
	diags_fini(diags);
	return RUN_USAGE;
}

void cli_complain(const char *fmt, ...)
{
	va_list args;

	fputs("ecmplab: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

enum { OPT_SEED = 512, OPT_OUT, OPT_COLOUR };

static const struct argp_option shared_options[] = {
	{"seed", OPT_SEED, "N", 0, "repeat a run: names, ports and hash seed come from it", 0},
	{"out", OPT_OUT, "DIR", 0, "folder for the run (default: a fresh one below runs/)", 0},
	{"color", OPT_COLOUR, "WHEN", 0, "auto, always or never", 0},
	{0},
};

static error_t shared_parse(int key, char *arg, struct argp_state *state)
{
	struct cli_shared *s = state->input;

	switch (key) {
	case OPT_SEED:
		s->has_seed = cli_number("--seed", arg, UINT64_MAX, &s->seed);
		return s->has_seed ? 0 : EINVAL;
	case OPT_OUT:
		s->out = arg;
		return 0;
	case OPT_COLOUR:
		s->colour = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp shared = {.options = shared_options, .parser = shared_parse};
const struct argp_child cli_shared_child[] = {{.argp = &shared}, {0}};

error_t cli_one_scenario(int key, char *arg, struct argp_state *state, const char **ret)
{
	switch (key) {
	case ARGP_KEY_ARG:
		if (*ret != NULL)
			argp_error(state, "one scenario at a time; \"ecmplab test\" runs several");
		*ret = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no scenario given");
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

bool cli_number(const char *option, const char *text, uint64_t max, uint64_t *ret)
{
	char *end = NULL;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || value > max) {
		cli_complain("%s takes a number up to %llu, not \"%s\"", option, (unsigned long long)max, text);
		return false;
	}
	*ret = value;
	return true;
}

void cli_usage_text(const struct cli_command *c, char *ret, size_t room)
{
	snprintf(ret, room, "ecmplab %s: %s\n\nExamples:\n%s\vExit statuses are told by ecmplab --help.", c->name,
		 c->about, c->examples);
}
