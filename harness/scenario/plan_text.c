/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A step on one line, as a person reads it aloud: keys and values in their order, without the punctuation of YAML. */
#include "plan_int.h"

#include <stdio.h>
#include <string.h>

#define TEXT_MAX 200

struct line {
	char text[TEXT_MAX + 4];
	size_t len;
};

/* Adds a word with what separates it from the one before. */
static void line_word(struct line *line, const char *before, const char *word)
{
	const char *const parts[] = {line->len > 0 ? before : "", word};

	for (size_t i = 0; i < 2; i++) {
		for (const char *p = parts[i]; *p != '\0' && line->len < TEXT_MAX; p++)
			line->text[line->len++] = *p;
	}
	line->text[line->len] = '\0';
}

static void line_flat(struct line *line, const struct yaml_node *v)
{
	if (v->kind == YAML_TEXT)
		line_word(line, " ", v->text);
	for (size_t i = 0; v->kind == YAML_LIST && i < v->count && line->len < TEXT_MAX; i++) {
		if (v->items[i]->kind == YAML_TEXT)
			line_word(line, i == 0 ? " " : ", ", v->items[i]->text);
	}
}

static void line_map(struct line *line, const struct yaml_node *v)
{
	for (size_t i = 0; i < v->count && line->len < TEXT_MAX; i++) {
		const struct yaml_node *value = v->pairs[i].value;

		line_word(line, " ", v->pairs[i].key->text);
		line_flat(line, value);
		for (size_t j = 0; value->kind == YAML_MAP && j < value->count && line->len < TEXT_MAX; j++) {
			line_word(line, " ", value->pairs[j].key->text);
			line_flat(line, value->pairs[j].value);
		}
	}
}

const char *plan_text(struct plan_state *s, const struct yaml_node *v)
{
	struct line line = {.text = ""};
	bool cut;

	if (v->kind == YAML_MAP)
		line_map(&line, v);
	else
		line_flat(&line, v);
	cut = line.len >= TEXT_MAX;
	/* not in the middle of a character */
	while (cut && line.len > 0 && (line.text[line.len - 1] & 0x80) != 0)
		line.text[--line.len] = '\0';
	return arena_printf(s->r.arena, "%s%s", text_printable(line.text), cut ? "..." : "");
}
