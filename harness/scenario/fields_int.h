/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mappings read by tables: a key is a row, and the hint for an unknown key comes from the same table. A reader function writes
 * only when the value is good; else it adds a diagnostic and reading goes on with the default in place. */
#ifndef ECMPLAB_FIELDS_INT_H
#define ECMPLAB_FIELDS_INT_H

#include "addr.h"
#include "yaml_int.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reader {
	struct arena *arena;
	struct diags *diags;
	const struct yaml_source *src;
	bool kubernetes; /* an empty value is an absent one, and text that YAML takes for a number is no text */
	void *user;	 /* for readers of one table: the plan's or the manifest's state */
};

struct field;
typedef void (*field_fn)(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);

struct field {
	const char *key;
	field_fn read;
	size_t offset;	   /* of what it writes, in the record's struct */
	const void *more;  /* struct words of a word, struct record of a record or list of records */
	uint32_t min, max; /* of a number; max 0: no limit */
	bool required;
};

/* A kind of mapping. what names it in messages: "a Service", "lab.router". */
struct record {
	const char *what;
	const struct field *fields;
	size_t count;
	size_t size;	      /* of its struct */
	const void *defaults; /* NULL: zero */
	/* Checks across fields, after they were read; NULL: none. */
	void (*finish)(struct reader *r, const struct yaml_node *map, void *ret);
};

#define RECORD_FIELDS(table) .fields = (table), .count = sizeof(table) / sizeof((table)[0])

/* Words for an enum that starts at 0. */
struct words {
	const char *const *at;
	size_t count;
};

#define WORDS(list)                                                                                                    \
	{                                                                                                              \
		(list), sizeof(list) / sizeof((list)[0])                                                               \
	}

/* The offset of an array's pointer whose count follows it: what list readers write. */
#define SPAN(type, pointer, number)                                                                                    \
	(offsetof(type, pointer) +                                                                                     \
	 0 * sizeof(char[offsetof(type, number) == offsetof(type, pointer) + sizeof(void *) ? 1 : -1]))

struct span {
	const void *at;
	size_t count;
};

/* Reads a mapping into *ret, which it fills with the defaults first. Returns false when it is no mapping. */
bool record_read(struct reader *r, const struct yaml_node *v, const struct record *record, void *ret);
/* As record_read, over what *ret holds. */
bool record_read_over(struct reader *r, const struct yaml_node *v, const struct record *record, void *ret);

/* A diagnostic at a value or key. */
struct diag *reader_fault(struct reader *r, const struct yaml_node *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void diag_hint(struct reader *r, struct diag *d, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* "expected a list, found a number" for the field. */
void reader_wrong_type(struct reader *r, const struct yaml_node *v, const char *key, const char *expected);
/* A word that is none of the known: the nearest as hint, else all of them. */
void reader_unknown_word(struct reader *r, const struct yaml_node *v, const char *what, const char *const *known,
			 size_t n);
/* Text of a value, or NULL with a diagnostic. */
const char *reader_text(struct reader *r, const struct yaml_node *v, const char *key);
/* True and the number, or false without a diagnostic. */
bool text_number(const char *text, uint64_t *ret);
/* Writes an array as a struct of pointer and count. */
void span_set(void *ret, const void *at, size_t count);

void field_ignore(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);
void field_text(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);	    /* const char * */
void field_bool(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);	    /* bool */
void field_u16(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);	    /* uint16_t */
void field_u32(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);	    /* uint32_t */
void field_int(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);	    /* int, >= 0 */
void field_u64(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);	    /* uint64_t */
void field_word(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);	    /* an enum */
void field_addr(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);	    /* struct addr */
void field_prefix(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);   /* struct prefix */
void field_time(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);	    /* int64_t ns */
void field_texts(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret);    /* span of char * */
void field_prefixes(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret); /* span */
void field_record(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret); /* f->more in place */
void field_records(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret); /* span of f->more */

#endif
