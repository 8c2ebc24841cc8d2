/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any octets as JSON: always one line that is JSON. */
#include "fuzz.h"

#include "message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct wire_session session = {.as4 = n > 0 && (bytes[0] & 1) != 0,
				       .add_path_v4 = n > 0 && (bytes[0] & 2) != 0,
				       .add_path_v6 = n > 0 && (bytes[0] & 4) != 0,
				       .extended = true,
				       .ebgp = n > 0 && (bytes[0] & 16) != 0};
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	FUZZ_MUST(out != NULL);
	(void)report_message(out, n > 0 ? bytes + 1 : bytes, n > 0 ? n - 1 : 0, &session);
	fclose(out);
	FUZZ_MUST(len >= 3 && text[0] == '{' && strchr(text, '\n') == text + len - 1 && text[len - 2] == '}');
	free(text);
	return 0;
}
