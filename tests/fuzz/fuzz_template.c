/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Templates of messages as users may write them, and a misbehaving peer that hears anything. */
#include "fuzz.h"

#include "rogue.h"

#include <stdlib.h>
#include <string.h>

static void peer_play(const struct rogue_conf *conf, const uint8_t *bytes, size_t n)
{
	size_t count;
	const struct rogue_case *cases = rogue_cases(&count);
	struct rogue *r = rogue_new(conf, &cases[n % count]);
	struct instant now = {0};
	const uint8_t *out;
	size_t len;

	rogue_connected(r, now);
	for (size_t at = 0; at < n; at += 40) {
		rogue_bytes(r, bytes + at, n - at < 40 ? n - at : 40, now);
		now = instant_add(now, NS_PER_S);
		rogue_time(r, now);
		for (int i = 0; i < 100 && rogue_next(r, &out, &len) == ROGUE_SEND; i++)
			FUZZ_MUST(len > 0);
	}
	rogue_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	const struct rogue_conf conf = {.as = 22000,
					.peer_as = 11000,
					.id = 1,
					.local = {.family = ADDR_V4, .b = {10, 0, 0, 51}},
					.prefix = {.addr = {.family = ADDR_V4, .b = {198, 18, 0, 1}}, .len = 32}};
	char *text = strndup((const char *)bytes, n);
	struct errmsg err = {0};
	size_t len = 0;
	uint8_t *out = rogue_write(text, &conf, &len, &err);

	FUZZ_MUST((out == NULL) == (err.code != 0));
	free(out);
	free(text);
	peer_play(&conf, bytes, n);
	return 0;
}
