/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli_int.h"
#include "message.h"

#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arguments {
	char **files;
	int count;
	struct wire_session session;
};

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

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Hex in place of its digits; blanks, colons, dashes and a leading 0x, as dumps have them, mean nothing. Returns the number of
 * octets, or -1. */
static ssize_t octets(char *line)
{
	const char *from = strncmp(line, "0x", 2) == 0 || strncmp(line, "0X", 2) == 0 ? line + 2 : line;
	size_t digits = 0;

	for (; *from != '\0'; from++) {
		int d = digit(*from);

		if (d < 0 && strchr(" \t\r\n:-", *from) == NULL)
			return -1;
		if (d < 0)
			continue;
		line[digits / 2] = (char)(digits % 2 == 0 ? d << 4 : (unsigned char)line[digits / 2] | d);
		digits++;
	}
	return digits % 2 == 0 ? (ssize_t)(digits / 2) : -1;
}

/* 0, -EBADMSG for what is no good message, or -errno of the output. */
static int line_decode(char *line, unsigned long number, const struct wire_session *session)
{
	char *text = line + strspn(line, " \t");
	ssize_t n;
	int r;

	text[strcspn(text, "#")] = '\0';
	if (text[strspn(text, " \t\r\n")] == '\0')
		return 0;
	n = octets(text);
	if (n >= 0)
		return report_message(stdout, (const uint8_t *)text, (size_t)n, session);
	r = report_no_message(stdout, number, "not an even number of hex digits");
	return r < 0 ? r : -EBADMSG;
}

static int file_decode(FILE *in, const struct wire_session *session)
{
	char *line = NULL;
	size_t room = 0;
	unsigned long number = 0;
	int worst = RUN_PASSED;

	while (worst != RUN_BROKEN && getline(&line, &room, in) >= 0) {
		int r = line_decode(line, ++number, session);

		if (r < 0)
			worst = r == -EBADMSG ? RUN_FAILED : RUN_BROKEN;
	}
	free(line);
	return ferror(in) ? RUN_BROKEN : worst;
}

static int named_decode(const char *name, const struct wire_session *session)
{
	FILE *in = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
	int result;

	if (in == NULL) {
		cli_complain("%s: %s", name, strerror(errno));
		return RUN_USAGE;
	}
	result = file_decode(in, session);
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
		worst = file_decode(stdin, &a.session);
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
