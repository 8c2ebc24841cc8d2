/* SPDX-License-Identifier: GPL-2.0-or-later */
/* magic 3, version 1, reserved 4, run 4, flow 4, seq 4, sent_ns 8, check 4: 32 octets. The check word tells a tag from
 * bytes that look like one; it is no defence against a forger, and needs none in a closed lab. */
#include "wire_int.h"

#define TAG_MAGIC_AND_VERSION UINT32_C(0x45434d01) /* "ECM", version 1 */
#define CHECKED_LEN (WIRE_FLOWTAG_LEN - 4U)

/* FNV-1a. */
static uint32_t check_on(uint32_t h, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ bytes[i]) * UINT32_C(16777619);
	return h;
}

static uint32_t check_word(const uint8_t *bytes)
{
	return check_on(UINT32_C(2166136261), bytes, CHECKED_LEN);
}

/* The same for a tag that begins as all do that are written here: the steps are one long chain, and the dearest of a packet. */
static uint32_t check_word_of_ours(const uint8_t *bytes)
{
	return check_on(UINT32_C(0x667594d7), bytes + 8, CHECKED_LEN - 8);
}

void wire_flowtag_encode(struct wire_out *out, const struct wire_flowtag *tag)
{
	size_t start = out->len;

	wire_put32(out, TAG_MAGIC_AND_VERSION);
	wire_put32(out, 0);
	wire_put32(out, tag->run);
	wire_put32(out, tag->flow);
	wire_put32(out, tag->seq);
	wire_put64(out, tag->sent_ns);
	if (!out->full)
		wire_put32(out, check_word_of_ours(out->bytes + start));
}

bool wire_flowtag_decode(struct wire_in payload, struct wire_flowtag *ret)
{
	struct wire_in in = wire_sub(&payload, WIRE_FLOWTAG_LEN);
	const uint8_t *start = in.at;
	struct wire_flowtag tag;

	if (in.bad || wire_u32(&in) != TAG_MAGIC_AND_VERSION)
		return false;
	wire_skip(&in, 4);
	tag.run = wire_u32(&in);
	tag.flow = wire_u32(&in);
	tag.seq = wire_u32(&in);
	tag.sent_ns = wire_u64(&in);
	if (wire_u32(&in) != check_word(start))
		return false;
	*ret = tag;
	return true;
}
