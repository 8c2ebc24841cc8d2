/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libfyaml's events become a tree. The library's own documents are not used: they lose the position of empty values, and
 * their resolver expands aliases without a bound. The stack is explicit, so depth is a number and not the machine's
 * stack. */
#include "yaml_int.h"

#include <errno.h>
#include <libfyaml.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ANCHORS_MAX 256

struct frame {
	struct yaml_node *node;
	const struct yaml_node *key; /* read, waiting for its value */
	const char *anchor;
	VEC(const struct yaml_node *) items;
	VEC(struct yaml_pair) pairs;
};

struct anchor {
	const char *name;
	const struct yaml_node *node;
};

/* Where the text stands in the file: at the top, or moved inside a block of it, or all at one place. */
struct place {
	unsigned int lines;
	unsigned int columns;
	bool pinned;
	struct yaml_mark pin;
};

struct builder {
	const struct yaml_source *src;
	struct arena *arena;
	struct diags *diags;
	struct place place;
	struct frame stack[YAML_DEPTH_MAX];
	size_t depth;
	struct anchor anchors[ANCHORS_MAX];
	size_t anchor_count;
	VEC(const struct yaml_node *) docs;
	size_t values;
	struct yaml_mark last; /* of the newest value: where an empty one stands */
	bool failed;
};

static struct yaml_mark place_mark(const struct builder *b, struct yaml_mark m)
{
	if (b->place.pinned)
		return b->place.pin;
	return (struct yaml_mark){m.line + b->place.lines, m.column + b->place.columns, m.len};
}

static struct diag *fault(struct builder *b, struct yaml_mark at, const char *what)
{
	b->failed = true;
	return yaml_fault(b->diags, b->src, at, "%s", what);
}

static struct yaml_mark event_mark(struct builder *b, struct fy_event *e)
{
	const struct fy_mark *start = fy_event_start_mark(e), *end = fy_event_end_mark(e);
	struct yaml_mark m = {0, 0, 1};
	unsigned int before = 0, around = 0; /* marks of the syntax that the library's positions leave out */

	if (start == NULL)
		return b->last;
	if (e->type == FYET_SCALAR) {
		enum fy_node_style style = fy_event_get_node_style(e);

		before = style == FYNS_SINGLE_QUOTED || style == FYNS_DOUBLE_QUOTED;
		around = before * 2;
	} else if (e->type == FYET_ALIAS) {
		before = around = 1;
	}
	m.line = (unsigned int)start->line + 1;
	m.column = (unsigned int)start->column + 1;
	m.column -= m.column > before ? before : 0;
	if (end != NULL && end->line == start->line && end->column > start->column)
		m.len = (unsigned int)(end->column - start->column) + around;
	b->last = place_mark(b, m);
	return b->last;
}

static int pair_order(const void *a, const void *b)
{
	const struct yaml_node *ka = ((const struct yaml_pair *)a)->key, *kb = ((const struct yaml_pair *)b)->key;
	int order = strcmp(ka->text, kb->text);

	if (order == 0)
		order = ka->at.line < kb->at.line ? -1 : ka->at.line > kb->at.line;
	return order != 0 ? order : ka->at.column < kb->at.column ? -1 : ka->at.column > kb->at.column;
}

static void duplicates_check(struct builder *b, const struct yaml_node *map)
{
	struct yaml_pair *sorted = memory_grow(NULL, map->count + 1, sizeof(*sorted));

	if (map->count > 0)
		memcpy(sorted, map->pairs, map->count * sizeof(*sorted));
	qsort(sorted, map->count, sizeof(*sorted), pair_order);
	for (size_t i = 1; i < map->count; i++) {
		const struct yaml_node *first = sorted[i - 1].key, *again = sorted[i].key;

		if (strcmp(first->text, again->text) != 0)
			continue;
		b->failed = true;
		yaml_fault(b->diags, b->src, again->at, "\"%s\" is here twice", again->text)->hint =
			arena_printf(&b->diags->arena, "it stands in line %u already; keep one", first->at.line);
	}
	free(sorted);
}

static void add(struct builder *b, const struct yaml_node *node)
{
	struct frame *top = b->depth > 0 ? &b->stack[b->depth - 1] : NULL;

	b->values += node->weight;
	if (b->values > YAML_VALUES_MAX) {
		fault(b, node->at, "too many values in one file")->hint = arena_printf(
			&b->diags->arena, "at most %zu, aliases counted as often as they are used", YAML_VALUES_MAX);
	} else if (top == NULL) {
		if (node->kind != YAML_NULL)
			VEC_PUSH(&b->docs, node);
	} else if (top->node->kind == YAML_LIST) {
		VEC_PUSH(&top->items, node);
		top->node->weight += node->weight;
	} else if (top->key != NULL) {
		VEC_PUSH(&top->pairs, (struct yaml_pair){top->key, node});
		top->node->weight += node->weight + 1;
		top->key = NULL;
	} else if (node->kind != YAML_TEXT) {
		fault(b, node->at, "a key must be a word")->hint =
			"put quotes around it if the brackets belong to the text";
	} else {
		top->key = node;
	}
}

static void remember(struct builder *b, const char *anchor, const struct yaml_node *node)
{
	if (anchor == NULL)
		return;
	if (b->anchor_count == ANCHORS_MAX)
		fault(b, node->at, "too many anchors in one file");
	else
		b->anchors[b->anchor_count++] = (struct anchor){anchor, node};
}

static char *token_text(struct builder *b, struct fy_token *t)
{
	size_t len = 0;
	const char *text = t != NULL ? fy_token_get_text(t, &len) : NULL;

	if (text != NULL && memchr(text, '\0', len) != NULL) {
		fault(b, b->last, "a NUL character in the text");
		len = 0;
	}
	return text != NULL ? arena_strndup(b->arena, text, len) : NULL;
}

static void on_scalar(struct builder *b, struct fy_event *e)
{
	struct yaml_node *node = arena_alloc(b->arena, sizeof(*node));
	enum fy_node_style style = fy_event_get_node_style(e);
	const char *anchor = token_text(b, fy_event_get_anchor_token(e));

	node->at = event_mark(b, e);
	node->weight = 1;
	node->text = token_text(b, fy_event_get_token(e));
	node->plain = style == FYNS_PLAIN;
	node->block = style == FYNS_LITERAL;
	node->kind = node->text == NULL ? YAML_NULL : YAML_TEXT;
	if (node->plain && node->kind == YAML_TEXT) {
		static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};

		for (size_t i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++) {
			if (strcmp(node->text, nulls[i]) == 0)
				node->kind = YAML_NULL;
		}
	}
	remember(b, anchor, node);
	add(b, node);
}

static void on_alias(struct builder *b, struct fy_event *e)
{
	struct yaml_mark at = event_mark(b, e);
	const char *name = token_text(b, fy_event_get_token(e));
	struct yaml_node *copy;

	for (size_t i = b->anchor_count; name != NULL && i-- > 0;) {
		if (strcmp(b->anchors[i].name, name) != 0)
			continue;
		copy = arena_memdup(b->arena, b->anchors[i].node, sizeof(*copy));
		copy->at = at;
		copy->block = false;
		add(b, copy);
		return;
	}
	b->failed = true;
	yaml_fault(b->diags, b->src, at, "no complete anchor named \"%s\" before this alias", name != NULL ? name : "");
}

static void on_open(struct builder *b, struct fy_event *e)
{
	struct yaml_node *node = arena_alloc(b->arena, sizeof(*node));

	node->at = event_mark(b, e);
	node->weight = 1;
	node->kind = e->type == FYET_MAPPING_START ? YAML_MAP : YAML_LIST;
	node->flow = fy_event_get_node_style(e) == FYNS_FLOW;
	if (b->depth == YAML_DEPTH_MAX) {
		fault(b, node->at, "values nest too deeply");
		return;
	}
	b->stack[b->depth++] = (struct frame){.node = node, .anchor = token_text(b, fy_event_get_anchor_token(e))};
}

static void on_close(struct builder *b)
{
	struct frame top;

	if (b->depth == 0)
		return;
	top = b->stack[--b->depth];
	top.node->count = top.node->kind == YAML_LIST ? top.items.len : top.pairs.len;
	top.node->items = arena_memdup(b->arena, top.items.at, top.items.len * sizeof(*top.items.at));
	top.node->pairs = arena_memdup(b->arena, top.pairs.at, top.pairs.len * sizeof(*top.pairs.at));
	VEC_FREE(&top.items);
	VEC_FREE(&top.pairs);
	if (top.node->kind == YAML_MAP)
		duplicates_check(b, top.node);
	remember(b, top.anchor, top.node);
	/* its members are counted already */
	b->values -= top.node->weight - 1;
	add(b, top.node);
}

static void on_event(struct builder *b, struct fy_event *e)
{
	switch (e->type) {
	case FYET_SCALAR:
		on_scalar(b, e);
		break;
	case FYET_ALIAS:
		on_alias(b, e);
		break;
	case FYET_MAPPING_START:
	case FYET_SEQUENCE_START:
		on_open(b, e);
		break;
	case FYET_MAPPING_END:
	case FYET_SEQUENCE_END:
		on_close(b);
		break;
	case FYET_DOCUMENT_START:
		b->anchor_count = 0;
		break;
	case FYET_NONE:
	case FYET_STREAM_START:
	case FYET_STREAM_END:
	case FYET_DOCUMENT_END:
		break;
	}
}

/* The column of a tab among the blanks that begin the line, 0 where there is none. */
static unsigned int tab_column(const char *line)
{
	size_t blanks = strspn(line, " \t");
	const char *tab = memchr(line, '\t', blanks);

	return tab != NULL ? (unsigned int)(tab - line) + 1 : 0;
}

static void syntax_fault(struct builder *b, struct fy_diag *diag)
{
	void *state = NULL;
	const struct fy_diag_error *e = fy_diag_errors_iterate(diag, &state);
	struct yaml_mark at = b->last;
	unsigned int tab;
	struct diag *d;

	if (e != NULL && e->line > 0 && e->column > 0)
		at = place_mark(b, (struct yaml_mark){(unsigned int)e->line, (unsigned int)e->column, 1});
	tab = b->place.pinned ? 0 : tab_column(yaml_line(b->src, at.line, b->arena));
	b->failed = true;
	if (tab != 0) {
		at.column = tab;
		yaml_fault(b->diags, b->src, at, "a tab indents this line; YAML allows only spaces there")->hint =
			"replace the tab by spaces";
		return;
	}
	d = yaml_fault(b->diags, b->src, at, "this is not YAML: %s", e != NULL ? e->msg : "it could not be read");
	if (at.line > b->last.line)
		d->hint = arena_printf(&b->diags->arena, "the mistake may be before: the last value read is in line %u",
				       b->last.line);
}

static struct fy_diag *quiet_diag(void)
{
	struct fy_diag_cfg cfg;
	struct fy_diag *diag;

	fy_diag_cfg_default(&cfg);
	cfg.fp = NULL;
	diag = fy_diag_create(&cfg);
	if (diag == NULL)
		memory_exhausted();
	fy_diag_set_collect_errors(diag, true);
	return diag;
}

static void build(struct builder *b, const char *text, size_t len)
{
	struct fy_diag *diag = quiet_diag();
	struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_JSON_NONE, .diag = diag};
	struct fy_parser *parser = fy_parser_create(&cfg);
	struct fy_event *e;

	if (parser == NULL || fy_parser_set_string(parser, text, len) != 0)
		memory_exhausted();
	while (!b->failed && (e = fy_parser_parse(parser)) != NULL) {
		on_event(b, e);
		fy_parser_event_free(parser, e);
	}
	if (!b->failed && fy_parser_get_stream_error(parser))
		syntax_fault(b, diag);
	fy_parser_destroy(parser);
	fy_diag_destroy(diag);
}

static int parse(const struct yaml_source *src, struct place place, const char *text, struct arena *arena,
		 struct diags *diags, struct yaml_docs *ret)
{
	struct builder *b = memory_new(sizeof(*b));
	int result;

	b->src = src;
	b->arena = arena;
	b->diags = diags;
	b->place = place;
	b->last = place_mark(b, (struct yaml_mark){1, 1, 1});
	build(b, text, strlen(text));
	for (; b->depth > 0; b->depth--) {
		VEC_FREE(&b->stack[b->depth - 1].items);
		VEC_FREE(&b->stack[b->depth - 1].pairs);
	}
	*ret = (struct yaml_docs){arena_memdup(arena, b->docs.at, b->docs.len * sizeof(*b->docs.at)), b->docs.len};
	VEC_FREE(&b->docs);
	result = b->failed ? -EINVAL : 0;
	free(b);
	return result;
}

int yaml_parse(const struct yaml_source *src, struct arena *arena, struct diags *diags, struct yaml_docs *ret)
{
	return parse(src, (struct place){0}, src->text, arena, diags, ret);
}

int yaml_parse_inside(const struct yaml_source *src, const struct yaml_node *outer, struct arena *arena,
		      struct diags *diags, struct yaml_docs *ret)
{
	struct place place = {.pinned = !outer->block || outer->at.line == 0, .pin = outer->at};
	size_t inner_len = strcspn(outer->text + strspn(outer->text, "\n"), "\n");
	unsigned int blank = (unsigned int)strspn(outer->text, "\n");
	const char *line = yaml_line(src, outer->at.line + blank, arena);

	/* A literal block begins at the line after its bar; what a line is longer than its text is the indentation. */
	if (!place.pinned && strlen(line) >= inner_len) {
		place.lines = outer->at.line - 1;
		place.columns = (unsigned int)(strlen(line) - inner_len);
	}
	return parse(src, place, outer->text, arena, diags, ret);
}

static const struct yaml_pair *pair_of(const struct yaml_node *map, const char *key)
{
	for (size_t i = 0; map != NULL && map->kind == YAML_MAP && i < map->count; i++) {
		if (strcmp(map->pairs[i].key->text, key) == 0)
			return &map->pairs[i];
	}
	return NULL;
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
	const struct yaml_pair *pair = pair_of(map, key);

	return pair != NULL ? pair->value : NULL;
}

const struct yaml_node *yaml_get_key(const struct yaml_node *map, const char *key)
{
	const struct yaml_pair *pair = pair_of(map, key);

	return pair != NULL ? pair->key : NULL;
}
