/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "frames.h"

#include "support.h"

#include <string.h>

static void put_transport(struct wire_out *out, const struct frame_spec *spec)
{
	wire_put16(out, spec->src_port);
	wire_put16(out, spec->dst_port);
	if (spec->protocol == 17) {
		wire_put16(out, 8 + spec->payload_len);
		wire_put16(out, 0);
	} else {
		wire_put32(out, spec->seq);
		wire_put32(out, spec->ack);
		wire_put8(out, 5 << 4);
		wire_put8(out, spec->flags);
		wire_put16(out, 65535);
		wire_put32(out, 0);
	}
	wire_put(out, spec->payload, spec->payload_len);
}

size_t frame_ip(const struct frame_spec *spec, uint8_t *ret)
{
	struct wire_out out = wire_out_to(ret, FRAME_MAX);
	size_t inside = (spec->protocol == 17 ? 8 : 20) + spec->payload_len;
	struct addr src, dst;

	assert_int_equal(addr_parse(spec->src, &src), 0);
	assert_int_equal(addr_parse(spec->dst, &dst), 0);
	if (src.family == ADDR_V4) {
		wire_put16(&out, 0x4500);
		wire_put16(&out, 20 + inside);
		wire_put16(&out, 0);
		wire_put16(&out, spec->fragment);
		wire_put8(&out, 63);
		wire_put8(&out, spec->protocol);
		wire_put16(&out, 0);
	} else {
		wire_put32(&out, 6U << 28);
		wire_put16(&out, inside);
		wire_put8(&out, spec->protocol);
		wire_put8(&out, 63);
	}
	wire_put(&out, src.b, addr_len(src.family));
	wire_put(&out, dst.b, addr_len(dst.family));
	put_transport(&out, spec);
	assert_false(out.full);
	return out.len;
}

size_t frame_ethernet(const struct frame_spec *spec, uint8_t *ret)
{
	static const uint8_t macs[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
	bool v6 = strchr(spec->src, ':') != NULL;

	memcpy(ret, macs, sizeof(macs));
	if (spec->dst_mac != NULL)
		memcpy(ret, spec->dst_mac, 6);
	ret[12] = v6 ? 0x86 : 0x08;
	ret[13] = v6 ? 0xdd : 0x00;
	return 14 + frame_ip(spec, ret + 14);
}

size_t frame_tag(uint32_t flow, uint32_t seq, uint8_t ret[static WIRE_FLOWTAG_LEN])
{
	struct wire_out out = wire_out_to(ret, WIRE_FLOWTAG_LEN);

	wire_flowtag_encode(&out, &(struct wire_flowtag){.run = 7, .flow = flow, .seq = seq, .sent_ns = 1});
	assert_false(out.full);
	return out.len;
}
