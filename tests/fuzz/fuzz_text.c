/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses, prefixes and durations as people write them: refused, or what is read is written and read again as the same. */
#include "fuzz.h"

#include "addr.h"
#include "instant.h"
#include "words.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const char *const words[] = {"sessions", "service", "next_hops", "spread"};
	char *text = strndup((const char *)bytes, n);
	struct addr a, a_again;
	struct prefix p, p_again;
	int64_t ns;

	FUZZ_MUST(text != NULL);
	if (addr_parse(text, &a) == 0)
		FUZZ_MUST(addr_parse(addr_text(&a).s, &a_again) == 0 && addr_equal(&a, &a_again));
	if (prefix_parse(text, &p) == 0) {
		FUZZ_MUST(p.len <= (p.addr.family == ADDR_V4 ? 32 : 128));
		FUZZ_MUST(prefix_parse(prefix_text(&p).s, &p_again) == 0 && prefix_equal(&p, &p_again));
	}
	if (duration_parse(text, &ns) == 0)
		FUZZ_MUST(ns >= 0);
	(void)words_nearest(text, words, sizeof(words) / sizeof(words[0]));
	free(text);
	return 0;
}
