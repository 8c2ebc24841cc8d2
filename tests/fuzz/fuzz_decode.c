/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file of hex as people may write it: for each line nothing, or one line that is JSON. */
#include "fuzz.h"

#include "message.h"

#include <stdlib.h>
#include <string.h>

static void line_play(const uint8_t *bytes, size_t n, unsigned long number, const struct wire_session *session)
{
	char *line = malloc(n + 1), *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	FUZZ_MUST(line != NULL && out != NULL);
	memcpy(line, bytes, n);
	(void)report_message_line(out, line, n, number, session);
	fclose(out);
	FUZZ_MUST(len == 0 || (text[0] == '{' && strchr(text, '\n') == text + len - 1 && text[len - 2] == '}'));
	free(text);
	free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	uint8_t flags = n > 0 ? bytes[0] : 0;
	struct wire_session session = {.as4 = (flags & 1) != 0,
				       .add_path_v4 = (flags & 2) != 0,
				       .add_path_v6 = (flags & 2) != 0,
				       .extended = (flags & 4) != 0,
				       .ebgp = (flags & 8) != 0};
	unsigned long number = 0;

	for (size_t at = 1; at < n;) {
		const uint8_t *end = memchr(bytes + at, '\n', n - at);
		size_t len = end != NULL ? (size_t)(end - bytes) - at : n - at;

		line_play(bytes + at, len, ++number, &session);
		at += len + 1;
	}
	return 0;
}
