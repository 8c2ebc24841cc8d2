/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The message header (RFC 4271 sections 4.1 and 6.1), and what all messages share. */
#include "wire_int.h"

#define MARKER_LEN 16U

enum header_error { NOT_SYNCHRONIZED = 1, BAD_LENGTH = 2, BAD_TYPE = 3 };

/* The lengths a type may have. OPEN and KEEPALIVE keep RFC 4271's limit under RFC 8654 too. ROUTE-REFRESH has no lower
 * one here, because RFC 7313 gives a short one an error code of its own. */
static const struct {
	uint16_t min;
	uint16_t max;
	bool extends;
} lengths[] = {
	[WIRE_OPEN] = {29, WIRE_MESSAGE_MAX, false},
	[WIRE_UPDATE] = {23, WIRE_MESSAGE_MAX, true},
	[WIRE_NOTIFICATION] = {21, WIRE_MESSAGE_MAX, true},
	[WIRE_KEEPALIVE] = {WIRE_HEADER_LEN, WIRE_HEADER_LEN, false},
	[WIRE_ROUTE_REFRESH] = {WIRE_HEADER_LEN, WIRE_MESSAGE_MAX, true},
};

struct wire_err wire_fail(enum wire_treat treat, uint8_t code, uint8_t subcode, size_t offset, const char *clause)
{
	return (struct wire_err){
		.treat = treat,
		.code = code,
		.subcode = subcode,
		.offset = offset < UINT16_MAX ? (uint16_t)offset : UINT16_MAX,
		.clause = clause,
	};
}

void wire_err_data(struct wire_err *e, const void *bytes, size_t n)
{
	e->data = bytes;
	e->data_len = (uint8_t)(n < UINT8_MAX ? n : UINT8_MAX);
}

static struct wire_err header_error(enum header_error subcode, const uint8_t *bytes, size_t offset, size_t n)
{
	struct wire_err e = wire_fail(WIRE_RESET, WIRE_ERR_HEADER, (uint8_t)subcode, offset, "RFC 4271 section 6.1");

	wire_err_data(&e, bytes + offset, n);
	return e;
}

static bool length_fits(size_t len, uint8_t type, bool extended)
{
	if (len < WIRE_HEADER_LEN || len > (extended ? WIRE_EXTENDED_MAX : WIRE_MESSAGE_MAX))
		return false;
	if (type < WIRE_OPEN || type > WIRE_ROUTE_REFRESH)
		return true;
	return len >= lengths[type].min && (len <= lengths[type].max || (extended && lengths[type].extends));
}

static const uint8_t marker[MARKER_LEN] = {[0 ... MARKER_LEN - 1] = 0xff};

/* Where a marker ends to be one. */
static size_t first_strange(const uint8_t *bytes)
{
	size_t i = 0;

	while (bytes[i] == marker[i])
		i++;
	return i;
}

struct wire_err wire_frame(const uint8_t *bytes, size_t n, bool extended, size_t *ret_len, uint8_t *ret_type)
{
	size_t len;

	*ret_len = 0;
	*ret_type = 0;
	if (n > 0 && memcmp(bytes, marker, n < MARKER_LEN ? n : MARKER_LEN) != 0)
		return header_error(NOT_SYNCHRONIZED, bytes, first_strange(bytes), 0);
	if (n < WIRE_HEADER_LEN)
		return (struct wire_err){0};
	len = (size_t)bytes[16] << 8 | bytes[17];
	if (!length_fits(len, bytes[18], extended))
		return header_error(BAD_LENGTH, bytes, 16, 2);
	if (bytes[18] < WIRE_OPEN || bytes[18] > WIRE_ROUTE_REFRESH)
		return header_error(BAD_TYPE, bytes, 18, 1);
	if (n >= len) {
		*ret_len = len;
		*ret_type = bytes[18];
	}
	return (struct wire_err){0};
}

struct wire_err wire_body(struct wire_in *message, enum wire_type type, size_t min)
{
	const uint8_t *start = message->at;
	size_t len = wire_left(message);

	if (message->bad || len < WIRE_HEADER_LEN)
		return wire_fail(WIRE_RESET, WIRE_ERR_HEADER, BAD_LENGTH, 0, "RFC 4271 section 6.1");
	wire_skip(message, MARKER_LEN);
	if (wire_u16(message) != len || len < min)
		return header_error(BAD_LENGTH, start, 16, 2);
	if (wire_u8(message) != type)
		return header_error(BAD_TYPE, start, 18, 1);
	return (struct wire_err){0};
}

struct wire_mark wire_message_begin(struct wire_out *out, enum wire_type type)
{
	struct wire_mark start = {.at = out->len};
	uint8_t *header = wire_room(out, WIRE_HEADER_LEN);

	if (header != NULL) {
		memset(header, 0xff, MARKER_LEN);
		header[18] = (uint8_t)type;
	}
	return start;
}

void wire_message_end(struct wire_out *out, struct wire_mark start, bool extended)
{
	size_t len;

	if (out->full)
		return;
	len = out->len - start.at;
	if (len > (extended ? WIRE_EXTENDED_MAX : WIRE_MESSAGE_MAX)) {
		out->full = true;
		return;
	}
	out->bytes[start.at + 16] = (uint8_t)(len >> 8);
	out->bytes[start.at + 17] = (uint8_t)len;
}

void wire_keepalive_encode(struct wire_out *out)
{
	wire_message_end(out, wire_message_begin(out, WIRE_KEEPALIVE), false);
}
