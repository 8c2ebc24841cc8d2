/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Readers of single values: each says what it expected and what it found. */
#include "fields_int.h"
#include "instant.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool text_number(const char *text, uint64_t *ret)
{
	uint64_t n = 0;

	if (*text == '\0' || strlen(text) > 19 || (text[0] == '0' && text[1] != '\0'))
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		n = n * 10 + (uint64_t)(*text - '0');
	}
	*ret = n;
	return true;
}

static bool text_bool(const char *text, bool *ret)
{
	static const char *const yes[] = {"true", "yes", "on"}, *const no[] = {"false", "no", "off"};

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0) {
			*ret = strcasecmp(text, yes[i]) == 0;
			return true;
		}
	}
	return false;
}

/* What a YAML reader takes a plain word for, when not for text: NULL for text. */
static const char *scalar_type(const struct yaml_node *v)
{
	char *end = NULL;
	bool b;

	if (!v->plain)
		return NULL;
	if (text_bool(v->text, &b))
		return "a boolean";
	if (strspn(v->text, "+-.0123456789eExXabcdefABCDEF_") != strlen(v->text) ||
	    strpbrk(v->text, "0123456789") == NULL)
		return NULL;
	(void)strtod(v->text, &end);
	return *end == '\0' && end != v->text ? "a number" : NULL;
}

static const char *found(const struct yaml_node *v)
{
	const char *type = v->kind == YAML_TEXT ? scalar_type(v) : NULL;

	switch (v->kind) {
	case YAML_NULL:
		return "nothing";
	case YAML_LIST:
		return "a list";
	case YAML_MAP:
		return "a mapping";
	case YAML_TEXT:
		break;
	}
	return type != NULL ? type : "text";
}

void reader_wrong_type(struct reader *r, const struct yaml_node *v, const char *key, const char *expected)
{
	reader_fault(r, v, "%s: expected %s, found %s", key, expected, found(v));
}

const char *reader_text(struct reader *r, const struct yaml_node *v, const char *key)
{
	const char *type;

	if (v->kind != YAML_TEXT) {
		reader_wrong_type(r, v, key, "text");
		return NULL;
	}
	type = r->kubernetes ? scalar_type(v) : NULL;
	if (type != NULL) {
		diag_hint(r, reader_fault(r, v, "%s: expected text, found %s", key, type),
			  "Kubernetes refuses it: put quotes around it, \"%s\"", v->text);
		return NULL;
	}
	return v->text;
}

void span_set(void *ret, const void *at, size_t count)
{
	struct span s = {at, count};

	memcpy(ret, &s, sizeof(s));
}

void field_ignore(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	(void)r;
	(void)v;
	(void)f;
	(void)ret;
}

void field_text(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	const char *text = reader_text(r, v, f->key);

	if (text != NULL)
		memcpy(ret, &(const char *){arena_strdup(r->arena, text)}, sizeof(text));
}

void field_bool(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	if (v->kind != YAML_TEXT || !v->plain || !text_bool(v->text, ret))
		reader_wrong_type(r, v, f->key, "true or false");
}

static bool number(struct reader *r, const struct yaml_node *v, const struct field *f, uint64_t limit, uint64_t *ret)
{
	uint64_t max = f->max != 0 && f->max < limit ? f->max : limit;

	if (v->kind == YAML_TEXT && !v->plain && text_number(v->text, ret)) {
		diag_hint(r, reader_fault(r, v, "%s: expected a number, found text", f->key), "take the quotes away");
		return false;
	}
	if (v->kind == YAML_TEXT && v->plain && v->text[0] == '0' && v->text[1] >= '0' && v->text[1] <= '9') {
		diag_hint(r, reader_fault(r, v, "%s: a number must not begin with 0", f->key),
			  "some readers take %s for an octal number", v->text);
		return false;
	}
	if (v->kind != YAML_TEXT || scalar_type(v) == NULL || strcmp(scalar_type(v), "a number") != 0) {
		reader_wrong_type(r, v, f->key, "a number");
		return false;
	}
	if (!text_number(v->text, ret) || *ret > max || *ret < f->min) {
		reader_fault(r, v, "%s: %s is not a whole number from %u to %llu", f->key, v->text, f->min,
			     (unsigned long long)max);
		return false;
	}
	return true;
}

void field_u16(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	uint64_t n;

	if (number(r, v, f, UINT16_MAX, &n))
		*(uint16_t *)ret = (uint16_t)n;
}

void field_u32(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	uint64_t n;

	if (number(r, v, f, UINT32_MAX, &n))
		*(uint32_t *)ret = (uint32_t)n;
}

void field_int(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	uint64_t n;

	if (number(r, v, f, INT32_MAX, &n))
		*(int *)ret = (int)n;
}

void field_u64(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	number(r, v, f, INT64_MAX, ret);
}

void field_word(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	const struct words *words = f->more;

	if (v->kind != YAML_TEXT) {
		reader_wrong_type(r, v, f->key, "a word");
		return;
	}
	for (unsigned int i = 0; i < words->count; i++) {
		if (strcmp(words->at[i], v->text) == 0) {
			memcpy(ret, &i, sizeof(i));
			return;
		}
	}
	reader_unknown_word(r, v, arena_printf(r->arena, "%s can't be", f->key), words->at, words->count);
}

void field_addr(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct addr a;
	struct prefix p;
	struct diag *d;

	if (v->kind != YAML_TEXT) {
		reader_wrong_type(r, v, f->key, "an IP address");
	} else if (addr_parse(v->text, &a) < 0) {
		d = reader_fault(r, v, "%s: \"%s\" is no IP address", f->key, v->text);
		if (prefix_parse(v->text, &p) == 0)
			diag_hint(r, d, "leave out the \"%s\"", strchr(v->text, '/'));
	} else {
		memcpy(ret, &a, sizeof(a));
	}
}

static bool prefix_value(struct reader *r, const struct yaml_node *v, const char *key, struct prefix *ret)
{
	struct addr a;
	struct diag *d;

	if (v->kind != YAML_TEXT) {
		reader_wrong_type(r, v, key, "a network such as 10.0.0.0/24");
		return false;
	}
	if (prefix_parse(v->text, ret) == 0)
		return true;
	d = reader_fault(r, v, "%s: \"%s\" is no network", key, v->text);
	if (addr_parse(v->text, &a) == 0)
		diag_hint(r, d, "write its length behind it: %s/24", v->text);
	else
		diag_hint(r, d, "a network is an address and a length, such as 10.0.0.0/24");
	return false;
}

void field_prefix(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct prefix p;

	if (prefix_value(r, v, f->key, &p))
		memcpy(ret, &p, sizeof(p));
}

void field_time(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	uint64_t n;
	int64_t ns;
	int result;
	struct diag *d;

	if (v->kind != YAML_TEXT) {
		reader_wrong_type(r, v, f->key, "a duration such as 3s");
		return;
	}
	result = duration_parse(v->text, &ns);
	if (result == 0) {
		memcpy(ret, &ns, sizeof(ns));
		return;
	}
	d = reader_fault(r, v, result == -ERANGE ? "%s: %s is longer than 24 hours" : "%s: \"%s\" is no duration",
			 f->key, v->text);
	if (text_number(v->text, &n))
		diag_hint(r, d, "write its unit: %ss", v->text);
	else if (result != -ERANGE)
		diag_hint(r, d, "a duration is a number and a unit: 90s, 200ms, 1m30s");
}

void field_texts(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	const char **at;
	size_t n = 0;

	if (v->kind != YAML_LIST) {
		reader_wrong_type(r, v, f->key, "a list");
		return;
	}
	at = arena_array(r->arena, v->count, sizeof(*at));
	for (size_t i = 0; i < v->count; i++) {
		const char *text = reader_text(r, v->items[i], f->key);

		if (text != NULL)
			at[n++] = arena_strdup(r->arena, text);
	}
	span_set(ret, at, n);
}

void field_prefixes(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct prefix *at;
	size_t n = 0;

	if (v->kind != YAML_LIST) {
		reader_wrong_type(r, v, f->key, "a list");
		return;
	}
	at = arena_array(r->arena, v->count, sizeof(*at));
	for (size_t i = 0; i < v->count; i++)
		n += prefix_value(r, v->items[i], f->key, &at[n]);
	span_set(ret, at, n);
}
