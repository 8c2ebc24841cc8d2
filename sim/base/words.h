/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The nearest known word to one that somebody mistyped. */
#ifndef ECMPLAB_WORDS_H
#define ECMPLAB_WORDS_H

#include <stddef.h>

/* The known word with the fewest edits (insert, delete, replace, swap neighbours; case does not count), or NULL
 * when none is within a third of the word's length plus one. The pointer is one of known[]. */
const char *words_nearest(const char *word, const char *const *known, size_t n);

#endif
