/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any answer to a GET, in any pieces: judged once it is there, and never beyond what came. */
#include "fuzz.h"

#include "traffic_int.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct traffic_http h = {.fd = -1, .state = TRAFFIC_HTTP_READING};
	size_t step = n > 0 ? 1 + bytes[0] % 64U : 1;

	for (size_t at = 1; at < n && h.state == TRAFFIC_HTTP_READING; at += step) {
		size_t some = n - at < step ? n - at : step, room = sizeof(h.body) - 1 - h.len;

		memcpy(h.body + h.len, bytes + at, some < room ? some : room);
		h.len += some < room ? some : room;
		h.received += some;
		traffic_http_judge(&h, false);
	}
	if (h.state == TRAFFIC_HTTP_READING)
		traffic_http_judge(&h, true);
	FUZZ_MUST(h.state == TRAFFIC_HTTP_DONE || h.state == TRAFFIC_HTTP_FAILED);
	FUZZ_MUST(h.state != TRAFFIC_HTTP_DONE || (h.status >= 100 && h.status <= 999));
	return 0;
}
