/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A YAML file as a tree of values with positions; only yaml.c knows libfyaml. Everything lives in the caller's arena. */
#ifndef ECMPLAB_YAML_INT_H
#define ECMPLAB_YAML_INT_H

#include "arena.h"
#include "diag.h"

#include <stdbool.h>
#include <stddef.h>

#define YAML_FILE_MAX ((size_t)1 << 20)
#define YAML_DEPTH_MAX 32
/* Values of one file, those that aliases repeat counted each time: an alias bomb ends here. */
#define YAML_VALUES_MAX ((size_t)100000)

/* line and column count from 1, columns in characters; len is the width to underline. */
struct yaml_mark {
	unsigned int line;
	unsigned int column;
	unsigned int len;
};

enum yaml_kind { YAML_NULL, YAML_TEXT, YAML_LIST, YAML_MAP };

struct yaml_pair;

/* TEXT: text; LIST: items; MAP: pairs, whose keys are TEXT and differ. plain: TEXT without quotes, which alone may stand for a number
 * or a boolean. flow: in brackets or braces. block: TEXT as | or >. */
struct yaml_node {
	enum yaml_kind kind;
	bool plain;
	bool flow;
	bool block;
	struct yaml_mark at;
	const char *text;
	const struct yaml_node **items;
	const struct yaml_pair *pairs;
	size_t count;
	size_t weight; /* values in it, aliases followed */
};

struct yaml_pair {
	const struct yaml_node *key;
	const struct yaml_node *value;
};

struct yaml_source {
	const struct yaml_source *next; /* of the files read for one plan */
	const char *path;
	const char *text;
	size_t len;
};

struct yaml_docs {
	const struct yaml_node **at;
	size_t count;
};

/* Reads a file and refuses what is no text: too big, not UTF-8, control characters. Returns NULL
 * with diagnostics, or the source. */
const struct yaml_source *yaml_open(const char *path, struct arena *arena, struct diags *diags);
/* As yaml_open, for files that are not YAML: any bytes will do, up to the first NUL. */
const struct yaml_source *yaml_open_any(const char *path, struct arena *arena, struct diags *diags);
/* The documents of a source that are not empty. Returns 0, or -EINVAL with diagnostics. */
int yaml_parse(const struct yaml_source *src, struct arena *arena, struct diags *diags, struct yaml_docs *ret);
/* The documents inside a value of the source, positions as in the file where the value is a literal block, else the value's. */
int yaml_parse_inside(const struct yaml_source *src, const struct yaml_node *outer, struct arena *arena,
		      struct diags *diags, struct yaml_docs *ret);
/* Adds a diagnostic with its line of the source. */
struct diag *yaml_fault(struct diags *diags, const struct yaml_source *src, struct yaml_mark at, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* The value of a key, or NULL. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);
const struct yaml_node *yaml_get_key(const struct yaml_node *map, const char *key);
/* Makes text safe for a terminal in place: blanks for line ends and tabs, '?' for other control characters, which a quoted
 * YAML text can hold. Returns it. */
char *text_printable(char *text);
/* A copy of line n (from 1) without its end, "" where there is none. */
char *yaml_line(const struct yaml_source *src, unsigned int n, struct arena *arena);

#endif
