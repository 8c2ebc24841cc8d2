/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NOTIFICATION (RFC 4271 section 4.5) and the registry's words for its codes. */
#include "wire_int.h"

static const struct {
	uint8_t code;
	uint8_t subcode;
	const char *text;
} texts[] = {
	{1, 0, "Message Header Error/Unspecific"},
	{1, 1, "Message Header Error/Connection Not Synchronized"},
	{1, 2, "Message Header Error/Bad Message Length"},
	{1, 3, "Message Header Error/Bad Message Type"},
	{2, 0, "OPEN Message Error/Unspecific"},
	{2, 1, "OPEN Message Error/Unsupported Version Number"},
	{2, 2, "OPEN Message Error/Bad Peer AS"},
	{2, 3, "OPEN Message Error/Bad BGP Identifier"},
	{2, 4, "OPEN Message Error/Unsupported Optional Parameter"},
	{2, 5, "OPEN Message Error/Authentication Failure"},
	{2, 6, "OPEN Message Error/Unacceptable Hold Time"},
	{2, 7, "OPEN Message Error/Unsupported Capability"},
	{2, 11, "OPEN Message Error/Role Mismatch"},
	{3, 0, "UPDATE Message Error/Unspecific"},
	{3, 1, "UPDATE Message Error/Malformed Attribute List"},
	{3, 2, "UPDATE Message Error/Unrecognized Well-known Attribute"},
	{3, 3, "UPDATE Message Error/Missing Well-known Attribute"},
	{3, 4, "UPDATE Message Error/Attribute Flags Error"},
	{3, 5, "UPDATE Message Error/Attribute Length Error"},
	{3, 6, "UPDATE Message Error/Invalid ORIGIN Attribute"},
	{3, 7, "UPDATE Message Error/AS Routing Loop"},
	{3, 8, "UPDATE Message Error/Invalid NEXT_HOP Attribute"},
	{3, 9, "UPDATE Message Error/Optional Attribute Error"},
	{3, 10, "UPDATE Message Error/Invalid Network Field"},
	{3, 11, "UPDATE Message Error/Malformed AS_PATH"},
	{4, 0, "Hold Timer Expired"},
	{5, 0, "Finite State Machine Error/Unspecified Error"},
	{5, 1, "Finite State Machine Error/Receive Unexpected Message in OpenSent State"},
	{5, 2, "Finite State Machine Error/Receive Unexpected Message in OpenConfirm State"},
	{5, 3, "Finite State Machine Error/Receive Unexpected Message in Established State"},
	{6, 0, "Cease"},
	{6, 1, "Cease/Maximum Number of Prefixes Reached"},
	{6, 2, "Cease/Administrative Shutdown"},
	{6, 3, "Cease/Peer De-configured"},
	{6, 4, "Cease/Administrative Reset"},
	{6, 5, "Cease/Connection Rejected"},
	{6, 6, "Cease/Other Configuration Change"},
	{6, 7, "Cease/Connection Collision Resolution"},
	{6, 8, "Cease/Out of Resources"},
	{6, 9, "Cease/Hard Reset"},
	{6, 10, "Cease/BFD Down"},
	{7, 0, "ROUTE-REFRESH Message Error"},
	{7, 1, "ROUTE-REFRESH Message Error/Invalid Message Length"},
	{8, 0, "Send Hold Timer Expired"},
};

static const char *const codes[] = {
	[WIRE_ERR_HEADER] = "Message Header Error/unknown subcode",
	[WIRE_ERR_OPEN] = "OPEN Message Error/unknown subcode",
	[WIRE_ERR_UPDATE] = "UPDATE Message Error/unknown subcode",
	[WIRE_ERR_HOLD] = "Hold Timer Expired/unknown subcode",
	[WIRE_ERR_FSM] = "Finite State Machine Error/unknown subcode",
	[WIRE_ERR_CEASE] = "Cease/unknown subcode",
	[WIRE_ERR_ROUTE_REFRESH] = "ROUTE-REFRESH Message Error/unknown subcode",
	[WIRE_ERR_SEND_HOLD] = "Send Hold Timer Expired/unknown subcode",
};

const char *wire_error_text(uint8_t code, uint8_t subcode)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].code == code && texts[i].subcode == subcode)
			return texts[i].text;
	if (code >= WIRE_ERR_HEADER && code < sizeof(codes) / sizeof(codes[0]))
		return codes[code];
	return "unknown error code";
}

struct wire_err wire_notification_decode(struct wire_in message, struct wire_notification *ret)
{
	struct wire_err e = wire_body(&message, WIRE_NOTIFICATION, WIRE_HEADER_LEN + 2);

	if (e.treat != WIRE_OK)
		return e;
	ret->code = wire_u8(&message);
	ret->subcode = wire_u8(&message);
	ret->data = message;
	return e;
}

void wire_notification_encode(struct wire_out *out, uint8_t code, uint8_t subcode, struct wire_in data)
{
	struct wire_mark start = wire_message_begin(out, WIRE_NOTIFICATION);

	wire_put8(out, code);
	wire_put8(out, subcode);
	wire_put(out, data.at, wire_left(&data));
	wire_message_end(out, start, false);
}
