/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ROUTE-REFRESH (RFC 2918, RFC 7313). */
#include "wire_int.h"

#define REFRESH_LEN (WIRE_HEADER_LEN + 4U)

static struct wire_err bad_length(struct wire_in message)
{
	struct wire_err e = wire_fail(WIRE_RESET, WIRE_ERR_ROUTE_REFRESH, 1, WIRE_HEADER_LEN, "RFC 7313 section 5");

	wire_err_data(&e, message.at, wire_left(&message));
	return e;
}

struct wire_err wire_refresh_decode(struct wire_in message, struct wire_refresh *ret)
{
	struct wire_in in = message;
	struct wire_err e = wire_body(&in, WIRE_ROUTE_REFRESH, WIRE_HEADER_LEN);
	struct wire_refresh r = {0};

	if (e.treat != WIRE_OK)
		return e;
	r.afi = wire_u16(&in);
	r.subtype = wire_u8(&in);
	r.safi = wire_u8(&in);
	/* A longer request carries outbound filters (RFC 5291), which don't concern us; subtypes beyond those of RFC 7313 are
	 * ignored, whatever their length. */
	if (in.bad || ((r.subtype == 1 || r.subtype == 2) && wire_left(&message) != REFRESH_LEN))
		return bad_length(message);
	*ret = r;
	return (struct wire_err){0};
}

void wire_refresh_encode(struct wire_out *out, const struct wire_refresh *refresh)
{
	struct wire_mark start = wire_message_begin(out, WIRE_ROUTE_REFRESH);

	wire_put16(out, refresh->afi);
	wire_put8(out, refresh->subtype);
	wire_put8(out, refresh->safi);
	wire_message_end(out, start, false);
}
