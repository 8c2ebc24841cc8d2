/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Templates of messages, so that a row of the catalogue shows what is wrong with it and nothing else. */
#include "arena.h"
#include "rogue.h"
#include "wire.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Above this no case has business; an extended message has 65535. */
#define TEMPLATE_MAX 70000U
#define NESTED_MAX 8

/* A length that is filled in when its bracket closes. */
struct nested {
	char closes;
	struct wire_mark mark;
};

struct writer {
	const char *at;
	const struct rogue_conf *conf;
	struct wire_out out;
	struct nested nested[NESTED_MAX];
	size_t depth;
};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool put_octet(struct writer *w)
{
	int high = hex_digit(w->at[0]), low = high >= 0 ? hex_digit(w->at[1]) : -1;

	if (low < 0)
		return false;
	wire_put8(&w->out, (uint64_t)(high << 4 | low));
	w->at += 2;
	return true;
}

static void put_marker(struct wire_out *out, const struct rogue_conf *conf)
{
	(void)conf;
	for (int i = 0; i < 16; i++)
		wire_put8(out, 0xff);
}

static void put_as(struct wire_out *out, const struct rogue_conf *conf)
{
	wire_put16(out, conf->as > UINT16_MAX ? WIRE_AS_TRANS : conf->as);
}

static void put_as4(struct wire_out *out, const struct rogue_conf *conf)
{
	wire_put32(out, conf->as);
}

static void put_peer4(struct wire_out *out, const struct rogue_conf *conf)
{
	wire_put32(out, conf->peer_as);
}

static void put_id(struct wire_out *out, const struct rogue_conf *conf)
{
	wire_put32(out, conf->id);
}

static void put_hold(struct wire_out *out, const struct rogue_conf *conf)
{
	(void)conf;
	wire_put16(out, ROGUE_HOLD_S);
}

/* One optional parameter with what every speaker announces: IPv4 unicast, route refresh, four-octet AS. */
static void put_caps(struct wire_out *out, const struct rogue_conf *conf)
{
	static const uint8_t head[] = {2, 14, 1, 4, 0, 1, 0, 1, 2, 0, 65, 4}, old[] = {2, 8, 1, 4, 0, 1, 0, 1, 2, 0};

	if (conf->old) {
		wire_put(out, old, sizeof(old));
		return;
	}
	wire_put(out, head, sizeof(head));
	wire_put32(out, conf->as);
}

static void put_origin(struct wire_out *out, const struct rogue_conf *conf)
{
	static const uint8_t attr[] = {0x40, WIRE_ATTR_ORIGIN, 1, WIRE_ORIGIN_IGP};

	(void)conf;
	wire_put(out, attr, sizeof(attr));
}

static void put_path(struct wire_out *out, const struct rogue_conf *conf)
{
	bool internal = conf->as == conf->peer_as;
	const uint8_t head[] = {0x40, WIRE_ATTR_AS_PATH, internal ? 0 : conf->old ? 4 : 6, WIRE_AS_SEQUENCE, 1};

	wire_put(out, head, internal ? 3 : sizeof(head));
	if (!internal && conf->old)
		put_as(out, conf);
	else if (!internal)
		wire_put32(out, conf->as);
}

static void put_hop(struct wire_out *out, const struct rogue_conf *conf)
{
	static const uint8_t head[] = {0x40, WIRE_ATTR_NEXT_HOP, 4};

	wire_put(out, head, sizeof(head));
	wire_put(out, conf->local.b, 4);
}

static void put_nh(struct wire_out *out, const struct rogue_conf *conf)
{
	static const uint8_t local_pref[] = {0x40, WIRE_ATTR_LOCAL_PREF, 4, 0, 0, 0, 100};

	put_hop(out, conf);
	if (conf->as == conf->peer_as)
		wire_put(out, local_pref, sizeof(local_pref));
}

static void put_nlri(struct wire_out *out, const struct rogue_conf *conf)
{
	wire_put8(out, conf->prefix.len);
	wire_put(out, conf->prefix.addr.b, (conf->prefix.len + 7U) / 8);
}

static const struct {
	const char *word;
	void (*put)(struct wire_out *out, const struct rogue_conf *conf);
} words[] = {
	{"marker", put_marker}, {"as", put_as},	    {"as4", put_as4},	{"peer4", put_peer4},
	{"id", put_id},		{"hold", put_hold}, {"caps", put_caps}, {"origin", put_origin},
	{"path", put_path},	{"hop", put_hop},   {"nh", put_nh},	{"nlri", put_nlri},
};

/* {word} or {zeros N} */
static bool put_word(struct writer *w)
{
	static const char zeros[] = "zeros ";
	size_t len = strcspn(++w->at, "}");
	const char *word = w->at;

	if (word[len] == '\0')
		return false;
	w->at += len + 1;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i].word) == len && strncmp(words[i].word, word, len) == 0) {
			words[i].put(&w->out, w->conf);
			return true;
		}
	}
	if (strncmp(word, zeros, sizeof(zeros) - 1) != 0)
		return false;
	for (unsigned long n = strtoul(word + sizeof(zeros) - 1, NULL, 10); n > 0 && !w->out.full; n--)
		wire_put8(&w->out, 0);
	return true;
}

static bool nest(struct writer *w, char closes, struct wire_mark mark)
{
	if (w->depth == NESTED_MAX)
		return false;
	w->nested[w->depth++] = (struct nested){closes, mark};
	return true;
}

/* "<TT": marker, length, type */
static bool begin_message(struct writer *w)
{
	struct wire_mark mark;

	put_marker(&w->out, w->conf);
	mark = wire_reserve(&w->out, 2);
	w->at++;
	return nest(w, '>', mark) && put_octet(w);
}

static bool begin(struct writer *w)
{
	bool wide = *w->at == '[';

	w->at++;
	return nest(w, wide ? ']' : ')', wire_reserve(&w->out, wide ? 2 : 1));
}

/* A message counts all of its octets: the marker before, and the length itself. */
static void end_message(struct writer *w, size_t length_at)
{
	size_t len = w->out.len - length_at + 16;

	w->out.bytes[length_at] = (uint8_t)(len >> 8);
	w->out.bytes[length_at + 1] = (uint8_t)len;
}

static bool end(struct writer *w)
{
	const struct nested *n = w->depth > 0 ? &w->nested[--w->depth] : NULL;

	if (n == NULL || n->closes != *w->at || w->out.full)
		return false;
	if (*w->at == ']')
		wire_close16(&w->out, n->mark);
	else if (*w->at == ')')
		wire_close8(&w->out, n->mark);
	else
		end_message(w, n->mark.at);
	w->at++;
	return true;
}

static bool put_token(struct writer *w)
{
	switch (*w->at) {
	case '{':
		return put_word(w);
	case '<':
		return begin_message(w);
	case '[':
	case '(':
		return begin(w);
	case '>':
	case ']':
	case ')':
		return end(w);
	default:
		return put_octet(w);
	}
}

uint8_t *rogue_write(const char *template, const struct rogue_conf *conf, size_t *ret_len, struct errmsg *err)
{
	struct writer w = {.at = template, .conf = conf};
	uint8_t *bytes = memory_new(TEMPLATE_MAX);
	bool right = true;

	w.out = wire_out_to(bytes, TEMPLATE_MAX);
	while (right && *w.at != '\0') {
		if (isspace((unsigned char)*w.at))
			w.at++;
		else
			right = put_token(&w);
	}
	if (right && w.depth == 0 && !w.out.full) {
		*ret_len = w.out.len;
		return bytes;
	}
	free(bytes);
	if (w.out.full)
		(void)errmsg_say(err, -EINVAL, "a length that does not fit, or more than %u octets", TEMPLATE_MAX);
	else
		(void)errmsg_say(err, -EINVAL, "character %zu: neither hex nor a known word",
				 (size_t)(w.at - template) + 1);
	return NULL;
}
