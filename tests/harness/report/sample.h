/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One run and one suite that all formats are tried on. */
#ifndef ECMPLAB_TEST_REPORT_SAMPLE_H
#define ECMPLAB_TEST_REPORT_SAMPLE_H

#include "report.h"

#define SAMPLE_STEPS 8

struct sample {
	struct arena arena;
	struct report_lab lab;
	struct report_step steps[SAMPLE_STEPS];
	struct report_note note;
	struct report_routes routes, gone;
	struct report_result result;
};

/* A run of article-l4 with two steps that did not pass. */
void sample_init(struct sample *s);
void sample_fini(struct sample *s);
/* Tells it all. Returns what report_end does. */
int sample_tell(const struct sample *s, struct report *r);

/* Every text of a stranger is the string. */
void sample_hostile(struct sample *s, const char *text);

/* A report in one format, told into memory. The caller frees the text. */
char *sample_page(const struct sample *s, enum report_format format, const struct report_style *style);

/* Texts that would break one format or the other. */
#define SAMPLE_HOSTILE 9
extern const char *const sample_texts[SAMPLE_HOSTILE];

/* Random bytes, terminated, rich in what formats and terminals take for their own. */
void sample_random(char ret[static 64], uint64_t seed);

/* A file in memory that holds the text, and its path. The caller closes the descriptor. */
int sample_file(char path[static 40], const char *text);

struct addr sample_addr(const char *text);
struct prefix sample_prefix(const char *text);

#endif
