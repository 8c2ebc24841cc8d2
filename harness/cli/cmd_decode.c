/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli_int.h"
#include "message.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arguments {
	char **files;
	int count;
	struct wire_session session;
};

#define LINE_MAX_BYTES ((size_t)1 << 20)

enum { OPT_AS2 = 256, OPT_ADD_PATH, OPT_EXTENDED, OPT_EBGP };

static const struct argp_option options[] = {
	{"as2", OPT_AS2, NULL, 0, "ASes of two octets, as between speakers without RFC 6793", 0},
	{"add-path", OPT_ADD_PATH, NULL, 0, "routes have path identifiers (RFC 7911)", 0},
	{"extended", OPT_EXTENDED, NULL, 0, "messages may have up to 65535 octets (RFC 8654)", 0},
	{"ebgp", OPT_EBGP, NULL, 0, "judge errors as between two ASes (RFC 7606)", 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;

	(void)arg;
	switch (key) {
	case OPT_AS2:
		a->session.as4 = false;
		return 0;
	case OPT_ADD_PATH:
		a->session.add_path_v4 = a->session.add_path_v6 = true;
		return 0;
	case OPT_EXTENDED:
		a->session.extended = true;
		return 0;
	case OPT_EBGP:
		a->session.ebgp = true;
		return 0;
	case ARGP_KEY_ARGS:
		a->files = state->argv + state->next;
		a->count = state->argc - state->next;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* A line without its end, at most LINE_MAX_BYTES of it: no message is longer, however it is written. Returns its whole length,
 * -1 at the end. */
static ssize_t line_read(FILE *in, char *ret)
{
	size_t n = 0;
	int c = getc_unlocked(in);

	if (c == EOF)
		return -1;
	for (; c != EOF && c != '\n'; c = getc_unlocked(in)) {
		if (n < LINE_MAX_BYTES)
			ret[n] = (char)c;
		n++;
	}
	return (ssize_t)n;
}

static int line_decode(char *line, size_t n, unsigned long number, const struct wire_session *session)
{
	if (n <= LINE_MAX_BYTES)
		return report_message_line(stdout, line, n, number, session);
	if (report_no_message(stdout, number, "longer than any message in hex") < 0)
		return -EIO;
	return -EBADMSG;
}

static int file_decode(FILE *in, const char *name, const struct wire_session *session)
{
	char *line = malloc(LINE_MAX_BYTES);
	unsigned long number = 0;
	int worst = RUN_PASSED;
	ssize_t n;

	if (line == NULL)
		return RUN_BROKEN;
	while (worst != RUN_BROKEN && (n = line_read(in, line)) >= 0) {
		int r = line_decode(line, (size_t)n, ++number, session);

		if (r < 0)
			worst = r == -EBADMSG ? RUN_FAILED : RUN_BROKEN;
	}
	free(line);
	if (!ferror(in))
		return worst;
	cli_complain("%s: %s", name, strerror(errno));
	return RUN_USAGE;
}

static int named_decode(const char *name, const struct wire_session *session)
{
	FILE *in = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
	int result;

	if (in == NULL) {
		cli_complain("%s: %s", name, strerror(errno));
		return RUN_USAGE;
	}
	result = file_decode(in, name, session);
	if (in != stdin)
		fclose(in);
	return result;
}

static int decode(const struct cli_command *self, int argc, char **argv)
{
	char doc[2048];
	struct arguments a = {.session = {.as4 = true}};
	int worst = RUN_PASSED;
	struct argp argp = {.options = options, .parser = parse, .args_doc = self->arguments, .doc = doc};

	cli_usage_text(self, doc, sizeof(doc));
	if (argp_parse(&argp, argc, argv, 0, NULL, &a) != 0)
		return RUN_USAGE;
	if (a.count == 0)
		worst = file_decode(stdin, "standard input", &a.session);
	for (int i = 0; i < a.count; i++) {
		int result = named_decode(a.files[i], &a.session);

		worst = result > worst ? result : worst;
	}
	return fflush(stdout) == 0 ? worst : RUN_BROKEN;
}

const struct cli_command cli_decode = {
	.name = "decode",
	.arguments = "[FILE...]",
	.about = "BGP messages in hex, one a line, as JSON, one object a line",
	.examples = "  echo ffffffffffffffffffffffffffffffff001304 | ecmplab decode\n"
		    "  ecmplab decode --add-path messages.hex | jq .nlri\n",
	.run = decode,
};
