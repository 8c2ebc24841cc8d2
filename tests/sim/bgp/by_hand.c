/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "by_hand.h"

#include <stdio.h>

struct addr hand_addr(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

struct prefix hand_prefix(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

struct instant hand_at_ms(int64_t ms)
{
	return (struct instant){ms * NS_PER_MS};
}

struct bgp_output hand_next(struct hand *h, enum bgp_output_kind kind)
{
	size_t n;
	const struct bgp_output *outs = bgp_outputs(h->s, &n);

	while (h->seen < n && outs[h->seen].kind == BGP_OUT_NOTICE)
		h->seen++;
	if (h->seen >= n)
		fail_msg("no output is left; expected one of kind %d", (int)kind);
	assert_int_equal(outs[h->seen].kind, kind);
	return outs[h->seen++];
}

void hand_quiet(struct hand *h)
{
	size_t n;
	const struct bgp_output *outs = bgp_outputs(h->s, &n);

	for (; h->seen < n; h->seen++)
		if (outs[h->seen].kind != BGP_OUT_NOTICE)
			fail_msg("unexpected output of kind %d", (int)outs[h->seen].kind);
	bgp_outputs_clear(h->s);
	h->seen = 0;
}

void hand_sent(struct hand *h, const char *hex)
{
	struct bgp_output out = hand_next(h, BGP_OUT_SEND);
	uint8_t want[4096];
	size_t n = support_hex(hex, want, sizeof(want));

	support_bytes_equal(out.bytes, out.len, want, n);
}

uint8_t hand_sent_type(struct hand *h, enum wire_type type, size_t offset)
{
	struct bgp_output out = hand_next(h, BGP_OUT_SEND);

	assert_int_equal(out.bytes[18], type);
	return offset < out.len ? out.bytes[offset] : 0;
}

void hand_says(struct hand *h, bgp_conn_id conn, const char *hex, int64_t ms)
{
	uint8_t bytes[4096];
	size_t n = support_hex(hex, bytes, sizeof(bytes));

	bgp_in_bytes(h->s, conn, bytes, n, hand_at_ms(ms));
}

void hand_says_open(struct hand *h, bgp_conn_id conn, uint32_t as, uint16_t hold_s, uint32_t id, int64_t ms)
{
	char hex[160];

	snprintf(hex, sizeof(hex), MARKER "002d 01 04 %04x %04x %08x 10 02 0e 0104 00010001 0200 4104 %08x",
		 as > 65535 ? 23456 : as, hold_s, id, as);
	hand_says(h, conn, hex, ms);
}

const char *hand_error(struct hand *h)
{
	size_t n;
	const struct bgp_output *outs = bgp_outputs(h->s, &n);

	while (n-- > 0)
		if (outs[n].kind == BGP_OUT_NOTICE && outs[n].notice == BGP_NOTICE_ERROR)
			return outs[n].text;
	return NULL;
}
