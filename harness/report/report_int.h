/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECMPLAB_REPORT_INT_H
#define ECMPLAB_REPORT_INT_H

#include "report.h"

/* ---- text.c: growing text, and strangers' text made safe for a format ---- */

/* Zero is valid and empty; at is not terminated. */
struct text {
	char *at;
	size_t len, cap;
};

/* A character of a string that claims to be UTF-8; an invalid byte comes alone, with its value as code. */
struct utf8_char {
	const char *bytes;
	size_t len;
	uint32_t code;
	bool valid;
};

/* Adds one character in a format's own way: as it is, escaped, replaced or not at all. */
typedef void text_char_fn(struct text *t, const struct utf8_char *c);

void text_add(struct text *t, const char *s);
void text_addn(struct text *t, const char *s, size_t n);
void text_addf(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* s may be NULL: nothing. */
void text_escape(struct text *t, const char *s, text_char_fn *fn);
void text_fini(struct text *t);
/* Takes the first character off *s, which must not be at its end. */
struct utf8_char utf8_take(const char **s);
/* Controls, and what reorders or hides text around it on a terminal. */
bool utf8_is_control(uint32_t code);
/* Columns on a terminal: 0, 1 or 2. */
unsigned int utf8_columns(uint32_t code);
/* As it is; bytes that are no UTF-8 become U+FFFD. */
text_char_fn text_char_valid;

/* ---- report.c ---- */

/* What every writer knows; texts are in the report's arena. */
struct report_facts {
	struct arena arena;
	struct report_lab lab; /* without its arrays */
	size_t expected, held; /* expectations judged, and those that passed */
	size_t scenarios;      /* suite: planned */
	size_t cases;	       /* suite: told */
	size_t by_verdict[REPORT_VERDICT_COUNT];
};

/* One format told to one file. */
struct teller {
	const struct report_writer *writer;
	const struct report_facts *facts;
	struct report_style style;
	FILE *out;
	int error; /* of the first write that failed */
	void *state;
};

/* A format. NULL where it has nothing to say. */
struct report_writer {
	size_t state_size;
	void (*begin)(struct teller *t, const struct report_lab *lab);
	void (*step_begin)(struct teller *t, const struct report_step *step);
	void (*step_end)(struct teller *t, const struct report_step *step);
	void (*note)(struct teller *t, const struct report_note *note);
	void (*routes)(struct teller *t, const struct report_routes *routes);
	void (*end)(struct teller *t, const struct report_result *result);
	void (*suite_begin)(struct teller *t);
	void (*suite_case)(struct teller *t, const struct report_case *c);
	void (*suite_end)(struct teller *t, int64_t wall_ns);
	void (*fini)(void *state);
};

extern const struct report_writer report_terminal, report_json, report_tap, report_junit, report_github, report_impact,
	report_impact_json, report_compare, report_compare_json;

/* Writes the text out, flushes and empties it. */
void teller_write(struct teller *t, struct text *text);
/* Writes to out and flushes; keeps the first error in *error. */
void report_out(FILE *out, int *error, const struct text *text);

/* The file of a step: its own, else the lab's. */
const char *step_file(const struct report_step *step, const struct report_lab *lab);
bool step_is_expectation(const struct report_step *step);
/* What is worth telling where a scenario's steps are listed: expectations, and other steps that went wrong. */
bool step_counts(const struct report_step *step);
/* Why a step did not pass, in one text; never NULL. */
const char *step_reason(const struct report_step *step);
/* Steps of a case for which step_counts. */
size_t case_counts(const struct report_case *c);
/* The run's message, unless a step has already said it; then NULL. */
const char *case_message(const struct report_case *c);

/* ---- page.c: lines on a terminal ---- */

enum page_look {
	PAGE_PLAIN,
	PAGE_DIM,
	PAGE_BOLD,
	PAGE_GOOD,
	PAGE_BAD,
	PAGE_DOUBT,
	PAGE_NAME,
	PAGE_LOOK_COUNT,
};

/* Box drawing by the sides that meet: 1 up, 2 right, 4 down, 8 left. */
enum { PAGE_UP = 1, PAGE_RIGHT = 2, PAGE_DOWN = 4, PAGE_LEFT = 8 };

enum page_sign {
	PAGE_PASS,
	PAGE_FAIL,
	PAGE_UNSURE,
	PAGE_SKIP,
	PAGE_DONE,
	PAGE_RUNNING,
	PAGE_POD,
	PAGE_MORE,
	PAGE_MISSING,
	PAGE_SIGN_COUNT,
};

struct page {
	struct text text;
	struct report_style style;
	unsigned int column; /* of the line being written */
};

struct page page_of(const struct report_style *style);
void page_put(struct page *p, enum page_look look, const char *s);
void page_putf(struct page *p, enum page_look look, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void page_box(struct page *p, enum page_look look, unsigned int sides);
void page_sign(struct page *p, enum page_look look, enum page_sign sign);
/* A bar of value/most of `columns` cells, an eighth of a cell fine where the style can. */
void page_bar(struct page *p, double value, double most, unsigned int columns);
/* Blanks up to the column. */
void page_to(struct page *p, unsigned int column);
void page_line(struct page *p);
/* A paragraph from the current column on; further lines begin at the current column, too. Its own line breaks stay. */
void page_wrap(struct page *p, enum page_look look, const char *s);
/* As much of s as fits in the columns. */
void page_cut(struct page *p, enum page_look look, const char *s, unsigned int columns);
/* Columns that page_put would take. */
unsigned int page_columns(const struct page *p, const char *s);
enum page_sign page_verdict_sign(enum report_verdict v);
enum page_look page_verdict_look(enum report_verdict v);

/* ---- terminal_*.c ---- */

void terminal_topology(struct page *p, const struct report_lab *lab);
/* Below a step's line, from the column `indent` on. */
void terminal_finding(struct page *p, unsigned int indent, const struct report_step *step,
		      const struct report_lab *lab);
/* "label  text", the text aligned and wrapped. */
void terminal_field(struct page *p, unsigned int indent, const char *label, enum page_look look, const char *s);
/* The same for what people copy: never broken over lines. */
void terminal_copyable(struct page *p, unsigned int indent, const char *label, enum page_look look, const char *s);
void terminal_suite_begin(struct teller *t);
void terminal_suite_case(struct teller *t, const struct report_case *c);
void terminal_suite_end(struct teller *t, int64_t wall_ns);

struct terminal_state {
	struct page page;    /* of the line being written */
	struct page pending; /* what came up while a step ran: told below it */
	bool running;
	struct text reproduce; /* suite: commands of what did not pass */
};

/* ---- json.c, json_text.c ---- */

#define REPORT_SCHEMA 1

/* "2026-11-23T01:52:13.123456789Z" */
struct stamp_text {
	char s[48];
};

struct stamp_text stamp_text(struct instant t);
/* The instant of such a text; 0 for another. */
struct instant stamp_parse(const char *text);

struct json_t;
/* A string whatever the bytes are; JSON's null for NULL. */
struct json_t *json_text(const char *s);
/* A real number; null where JSON has no word for it. */
struct json_t *json_number(double value);
/* How a FIB followed the wire; lab says when the run began. NULL: JSON's null. */
/* json_leaving.c */
struct json_t *json_leaving(const struct judge_leaving *l);
void json_leaving_read(const struct json_t *o, struct judge_leaving *ret);
void json_moves_read(const struct json_t *o, struct judge_membership *ret);
struct json_t *json_connections(const struct report_connections *c);
/* NULL where there are none. */
const struct report_connections *json_connections_read(const struct json_t *o, struct arena *arena);
struct json_t *json_fib(const struct judge_fib_story *f, const struct report_lab *lab);
/* Adds the value's text, on one line or on several. */
void json_write(struct text *t, const struct json_t *value, bool pretty);

#endif
