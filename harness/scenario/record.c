/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A mapping against its table: unknown keys, lost indentation, missing keys, and each value to its reader. */
#include "fields_int.h"
#include "words.h"

#include <stdarg.h>
#include <string.h>

#define KEYS_MAX 64

struct diag *reader_fault(struct reader *r, const struct yaml_node *at, const char *fmt, ...)
{
	char *text;
	va_list args;

	va_start(args, fmt);
	text = arena_vprintf(&r->diags->arena, fmt, args);
	va_end(args);
	return yaml_fault(r->diags, r->src, at->at, "%s", text);
}

void diag_hint(struct reader *r, struct diag *d, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	d->hint = text_printable(arena_vprintf(&r->diags->arena, fmt, args));
	va_end(args);
}

static const struct field *record_field(const struct record *record, const char *key)
{
	for (size_t i = 0; i < record->count; i++) {
		if (strcmp(record->fields[i].key, key) == 0)
			return &record->fields[i];
	}
	return NULL;
}

static char *words_joined(struct reader *r, const char *const *words, size_t n)
{
	char *all = arena_strdup(r->arena, "");

	for (size_t i = 0; i < n; i++)
		all = arena_printf(r->arena, "%s%s%s", all, i == 0 ? "" : ", ", words[i]);
	return all;
}

void reader_unknown_word(struct reader *r, const struct yaml_node *v, const char *what, const char *const *known,
			 size_t n)
{
	const char *nearest = words_nearest(v->text, known, n);
	struct diag *d = reader_fault(r, v, "%s \"%s\"", what, v->text);

	if (nearest != NULL)
		diag_hint(r, d, "did you mean \"%s\"?", nearest);
	else if (n > 0)
		diag_hint(r, d, "known: %s", words_joined(r, known, n));
}

static void unknown_key(struct reader *r, const struct yaml_node *key, const struct record *record)
{
	const char *known[KEYS_MAX];
	size_t n = 0;
	char *what = arena_printf(r->arena, "%s has no key", record->what);

	if (strcmp(key->text, "<<") == 0) {
		diag_hint(r, reader_fault(r, key, "merge keys are not read"), "write the fields out");
		return;
	}
	for (size_t i = 0; i < record->count && n < KEYS_MAX; i++) {
		/* What is read and thrown away is no good advice. */
		if (record->fields[i].read != field_ignore)
			known[n++] = record->fields[i].key;
	}
	reader_unknown_word(r, key, what, known, n);
}

/* The list before pair i whose items know the key and whose dashes stand in the key's column: a child that lost its
 * indentation, as copying from a web page makes it. */
static const struct yaml_pair *lost_from(const struct yaml_node *map, size_t i, const struct record *record)
{
	const struct yaml_node *key = map->pairs[i].key;

	while (i-- > 0) {
		const struct yaml_node *list = map->pairs[i].value;
		const struct field *f = record_field(record, map->pairs[i].key->text);

		if (f == NULL || f->read != field_records || list->kind != YAML_LIST || list->flow || list->count == 0)
			continue;
		if (list->at.column == key->at.column && record_field(f->more, key->text) != NULL)
			return &map->pairs[i];
		return NULL;
	}
	return NULL;
}

/* The item as it begins: "my-asn: 22000". */
static const char *item_start(struct reader *r, const struct yaml_node *item)
{
	if (item->kind != YAML_MAP || item->count == 0)
		return "...";
	if (item->pairs[0].value->kind != YAML_TEXT)
		return item->pairs[0].key->text;
	return arena_printf(r->arena, "%s: %s", item->pairs[0].key->text, item->pairs[0].value->text);
}

static void lost_fault(struct reader *r, const struct yaml_node *map, size_t first, const struct yaml_pair *from,
		       const struct record *record)
{
	const struct yaml_node *item = from->value->items[from->value->count - 1], *key = map->pairs[first].key;
	struct diag *d =
		reader_fault(r, key, "the indentation was lost: %s has no key \"%s\"", record->what, key->text);
	unsigned int line = key->at.line;
	const char *keys = key->text;

	for (size_t i = first + 1; i < map->count && lost_from(map, i, record) == from; i++) {
		if (record_field(record, map->pairs[i].key->text) != NULL)
			break;
		line = map->pairs[i].value->at.line;
		keys = arena_printf(r->arena, "%s, %s", keys, map->pairs[i].key->text);
	}
	if (keys == key->text)
		diag_hint(r, d, "it belongs under the list item \"- %s\" of line %u: indent it by two",
			  item_start(r, item), item->at.line);
	else
		diag_hint(r, d, "%s belong under the list item \"- %s\" of line %u: indent lines %u to %u by two", keys,
			  item_start(r, item), item->at.line, key->at.line, line);
}

/* Reports keys without a row. A list that lost keys of its items is marked, for its items can only look incomplete. */
static void unknown_keys(struct reader *r, const struct yaml_node *map, const struct record *record, bool *skip)
{
	const struct yaml_pair *reported = NULL;

	for (size_t i = 0; i < map->count; i++) {
		const struct yaml_pair *from;

		if (record_field(record, map->pairs[i].key->text) != NULL)
			continue;
		from = lost_from(map, i, record);
		if (from == NULL)
			unknown_key(r, map->pairs[i].key, record);
		else if (from != reported)
			lost_fault(r, map, i, from, record);
		if (from != NULL)
			skip[from - map->pairs] = true;
		reported = from;
	}
}

/* Is the key missing because it is there with a typo, which was reported? */
static bool mistyped(const struct yaml_node *map, const struct record *record, const char *key)
{
	for (size_t i = 0; i < map->count; i++) {
		if (record_field(record, map->pairs[i].key->text) == NULL &&
		    words_nearest(map->pairs[i].key->text, &key, 1) != NULL)
			return true;
	}
	return false;
}

static void required_check(struct reader *r, const struct yaml_node *map, const struct record *record)
{
	for (size_t i = 0; i < record->count; i++) {
		const struct field *f = &record->fields[i];
		const struct yaml_node *value = f->required ? yaml_get(map, f->key) : NULL;

		if (f->required && (value == NULL || (r->kubernetes && value->kind == YAML_NULL)) &&
		    !mistyped(map, record, f->key))
			reader_fault(r, map, "%s needs \"%s\"", record->what, f->key);
	}
}

bool record_read_over(struct reader *r, const struct yaml_node *v, const struct record *record, void *ret)
{
	bool *skip;

	if (v->kind != YAML_MAP) {
		reader_wrong_type(r, v, record->what, "a mapping");
		return false;
	}
	skip = arena_alloc(r->arena, v->count + 1);
	unknown_keys(r, v, record, skip);
	for (size_t i = 0; i < v->count; i++) {
		const struct field *f = record_field(record, v->pairs[i].key->text);
		const struct yaml_node *value = v->pairs[i].value;

		if (f == NULL || skip[i] || (r->kubernetes && value->kind == YAML_NULL))
			continue;
		f->read(r, value, f, (char *)ret + f->offset);
	}
	required_check(r, v, record);
	if (record->finish != NULL)
		record->finish(r, v, ret);
	return true;
}

bool record_read(struct reader *r, const struct yaml_node *v, const struct record *record, void *ret)
{
	memset(ret, 0, record->size);
	if (record->defaults != NULL)
		memcpy(ret, record->defaults, record->size);
	return record_read_over(r, v, record, ret);
}

void field_record(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	record_read_over(r, v, f->more, ret);
}

void field_records(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	const struct record *record = f->more;
	char *at;
	size_t n = 0;

	if (v->kind != YAML_LIST) {
		reader_wrong_type(r, v, f->key, "a list");
		return;
	}
	at = arena_array(r->arena, v->count, record->size);
	for (size_t i = 0; i < v->count; i++)
		n += record_read(r, v->items[i], record, at + n * record->size);
	span_set(ret, at, n);
}
