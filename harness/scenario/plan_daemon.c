/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Real daemons in a scenario: whose language a configuration is written in, and which of them speak for the workers. */
#include "plan_int.h"

#include <ctype.h>
#include <string.h>

const char *plan_daemon_name(enum plan_daemon daemon)
{
	static const char *const names[] = {
		[PLAN_BUILTIN] = "the built-in router",
		[PLAN_BIRD1] = "BIRD 1",
		[PLAN_BIRD2] = "BIRD 2",
		[PLAN_FRR] = "FRR",
		[PLAN_GOBGP] = "GoBGP",
		[PLAN_OPENBGPD] = "OpenBGPD",
		[PLAN_EXABGP] = "ExaBGP",
		[PLAN_DAEMON_COUNT] = "no known daemon",
	};

	return names[daemon];
}

bool plan_daemon_installs_routes(enum plan_daemon daemon)
{
	return daemon != PLAN_GOBGP && daemon != PLAN_OPENBGPD;
}

/* ---- Languages told by how a line begins ---- */

static const struct beginning {
	const char *words;
	enum plan_daemon daemon;
} beginnings[] = {
	{"router bgp ", PLAN_FRR},
	{"frr version ", PLAN_FRR},
	{"frr defaults ", PLAN_FRR},
	{"[global", PLAN_GOBGP},
	{"[[neighbors", PLAN_GOBGP},
	{"[[peer-groups", PLAN_GOBGP},
	{"[[dynamic-neighbors", PLAN_GOBGP},
	{"global:", PLAN_GOBGP},
	{"neighbors:", PLAN_GOBGP},
	{"\"global\"", PLAN_GOBGP},
	{"AS ", PLAN_OPENBGPD},
	{"allow from ", PLAN_OPENBGPD},
	{"allow to ", PLAN_OPENBGPD},
	{"deny from ", PLAN_OPENBGPD},
	{"fib-update ", PLAN_OPENBGPD},
};

static enum plan_daemon line_daemon(const char *line)
{
	line += strspn(line, " \t{");
	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
		if (strncmp(line, beginnings[i].words, strlen(beginnings[i].words)) == 0)
			return beginnings[i].daemon;
	}
	return PLAN_DAEMON_COUNT;
}

static enum plan_daemon line_syntax(const char *text, unsigned int *ret_line)
{
	bool comment = false; /* BIRD's, which may hold what its author had before */

	for (unsigned int line = 1; *text != '\0'; line++, text += *text == '\n') {
		const char *end = text + strcspn(text, "\n"), *open = strstr(text, "/*"), *close = strstr(text, "*/");
		enum plan_daemon daemon = comment ? PLAN_DAEMON_COUNT : line_daemon(text);

		if (daemon != PLAN_DAEMON_COUNT) {
			*ret_line = line;
			return daemon;
		}
		if (open != NULL && open < end)
			comment = true;
		if (close != NULL && close < end && (open == NULL || open >= end || close > open))
			comment = false;
		text = end;
	}
	return PLAN_DAEMON_COUNT;
}

/* ---- BIRD's two languages ---- */

/* Skips blanks, comments and strings of a BIRD configuration; counts lines. */
static const char *bird_skip(const char *p, unsigned int *line)
{
	for (;;) {
		const char *end = p;

		if (*p == '\0')
			return p;
		if (isspace((unsigned char)*p))
			end = p + 1;
		else if (*p == '#')
			end = p + strcspn(p, "\n");
		else if (strncmp(p, "/*", 2) == 0)
			end = strstr(p, "*/") != NULL ? strstr(p, "*/") + 2 : p + strlen(p);
		else if (*p == '"')
			end = strchr(p + 1, '"') != NULL ? strchr(p + 1, '"') + 1 : p + strlen(p);
		if (end == p)
			return p;
		for (; p < end; p++)
			*line += *p == '\n';
	}
}

static size_t word_len(const char *p)
{
	size_t n = 0;

	while (isalnum((unsigned char)p[n]) || p[n] == '_')
		n++;
	return n;
}

/* A channel (ipv4 {, ipv6 {, ipv4;) is BIRD 2; an import or export that stands in a protocol outside of one is
 * BIRD 1. */
static enum plan_daemon bird_syntax(const char *p, unsigned int *ret_line)
{
	enum plan_daemon old = PLAN_DAEMON_COUNT;
	unsigned int line = 1, depth = 0;
	bool protocol = false;

	for (p = bird_skip(p, &line); *p != '\0'; p = bird_skip(p, &line)) {
		size_t n = word_len(p);

		depth += *p == '{';
		depth -= *p == '}' && depth > 0;
		if (n == 4 && (strncmp(p, "ipv4", n) == 0 || strncmp(p, "ipv6", n) == 0)) {
			*ret_line = line;
			return PLAN_BIRD2;
		}
		if (depth == 0 && n > 0)
			protocol = n == 8 && strncmp(p, "protocol", n) == 0 ? true : protocol;
		protocol = protocol && !(*p == '}' && depth == 0);
		if (old == PLAN_DAEMON_COUNT && protocol && depth == 1 && n == 6 &&
		    (strncmp(p, "import", n) == 0 || strncmp(p, "export", n) == 0)) {
			old = PLAN_BIRD1;
			*ret_line = line;
		}
		p += n > 0 ? n : 1;
	}
	return old;
}

enum plan_daemon plan_config_syntax(struct plan_state *s, const char *path, unsigned int *ret_line)
{
	const struct yaml_source *src = yaml_open_any(path, s->r.arena, s->r.diags);
	enum plan_daemon daemon;

	if (src == NULL)
		return PLAN_DAEMON_COUNT;
	daemon = line_syntax(src->text, ret_line);
	return daemon != PLAN_DAEMON_COUNT ? daemon : bird_syntax(src->text, ret_line);
}

/* ---- Speakers ---- */

static const char *const speaker_words[] = {"builtin", "bird", "bird1", "bird2", "frr", "gobgp", "exabgp"};
static const enum plan_daemon speaker_daemons[] = {PLAN_BUILTIN, PLAN_BIRD2, PLAN_BIRD1, PLAN_BIRD2,
						   PLAN_FRR,	 PLAN_GOBGP, PLAN_EXABGP};

static enum plan_daemon speaker(struct reader *r, const struct yaml_node *v)
{
	const char *text = reader_text(r, v, "speaker");

	for (size_t i = 0; text != NULL && i < sizeof(speaker_daemons) / sizeof(speaker_daemons[0]); i++) {
		if (strcmp(text, speaker_words[i]) == 0)
			return speaker_daemons[i];
	}
	if (text != NULL)
		reader_unknown_word(r, v, "speaker can't be", speaker_words,
				    sizeof(speaker_words) / sizeof(speaker_words[0]));
	return PLAN_BUILTIN;
}

void plan_speakers_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	size_t n = v->kind == YAML_LIST ? v->count : 1;
	enum plan_daemon *at = arena_array(r->arena, n, sizeof(*at));

	(void)f;
	if (n == 0)
		reader_fault(r, v, "speaker: an empty list");
	for (size_t i = 0; i < n; i++)
		at[i] = speaker(r, v->kind == YAML_LIST ? v->items[i] : v);
	span_set(ret, at, n);
}

/* ---- Passwords ---- */

#define PASSWORD_MAX 80 /* of the kernel's TCP_MD5SIG */

void plan_password_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	const char *text = reader_text(r, v, f->key);

	if (text == NULL)
		return;
	if (*text == '\0' || strlen(text) > PASSWORD_MAX)
		reader_fault(r, v, "password: from 1 to %d characters", PASSWORD_MAX);
	else if (strpbrk(text, " \t\r\n\"'\\;{}#$") != NULL)
		reader_fault(r, v,
			     "password: no blanks, quotes or any of \\ ; { } # $, which some daemons can't be given");
	else
		memcpy(ret, &text, sizeof(text));
}
