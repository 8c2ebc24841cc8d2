/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A message as JSON: what every kind has, and the small kinds. */
#include "message_int.h"

#include "arena.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void message_number(json_t *object, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	message_text(object, key, text);
}

void message_text(json_t *object, const char *key, const char *text)
{
	if (json_object_set_new(object, key, json_string(text)) < 0)
		memory_exhausted();
}

json_t *message_hex(struct wire_in bytes)
{
	size_t n = wire_left(&bytes);
	char *text = memory_new(2 * n + 1);
	json_t *value;

	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", wire_u8(&bytes));
	value = json_string(text);
	free(text);
	if (value == NULL)
		memory_exhausted();
	return value;
}

void message_add(json_t *object, const char *key, const char *text)
{
	json_t *old = json_object_get(object, key), *list = old;

	if (old == NULL) {
		message_text(object, key, text);
		return;
	}
	if (!json_is_array(old)) {
		list = json_array();
		if (list == NULL || json_array_append(list, old) < 0 || json_object_set_new(object, key, list) < 0)
			memory_exhausted();
	}
	if (json_array_append_new(list, json_string(text)) < 0)
		memory_exhausted();
}

void message_add_number(json_t *object, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	message_add(object, key, text);
}

/* ---- The small kinds ---- */

/* RFC 9003: the words behind an administrative Cease, made printable by JSON itself where they are UTF-8. */
static void communication(json_t *ret, const struct wire_notification *n)
{
	struct wire_in data = n->data, text;
	size_t len = wire_u8(&data);

	if (n->code != WIRE_ERR_CEASE || (n->subcode != 2 && n->subcode != 4) || len == 0)
		return;
	text = wire_sub(&data, len);
	if (!text.bad)
		(void)json_object_set_new(ret, "communication",
					  json_pack("[o*]", json_stringn((const char *)text.at, len)));
}

static void notification(json_t *ret, struct wire_in message)
{
	struct wire_notification n = {0};
	json_t *data = json_array();

	if (wire_notification_decode(message, &n).treat != WIRE_OK) {
		json_decref(data);
		return;
	}
	message_number(ret, "code", n.code);
	message_number(ret, "subcode", n.subcode);
	message_text(ret, "text", wire_error_text(n.code, n.subcode));
	if (wire_more(&n.data))
		(void)json_array_append_new(data, message_hex(n.data));
	(void)json_object_set_new(ret, "data", data);
	communication(ret, &n);
}

/* RFC 2918 and 7313; with RFC 5291's filters, whose types are told. */
static void refresh(json_t *ret, struct wire_in message)
{
	json_t *types;

	wire_skip(&message, WIRE_HEADER_LEN);
	message_number(ret, "afi", wire_u16(&message));
	message_number(ret, "subtype", wire_u8(&message));
	message_number(ret, "safi", wire_u8(&message));
	if (!wire_more(&message))
		return;
	wire_skip(&message, 1); /* when to refresh */
	types = json_array();
	while (wire_more(&message)) {
		uint8_t type = wire_u8(&message);
		struct wire_in entries = wire_sub(&message, wire_u16(&message));
		char text[8];

		snprintf(text, sizeof(text), "%u", type);
		if (!entries.bad)
			(void)json_array_append_new(types, json_string(text));
	}
	(void)json_object_set_new(ret, "orf_type", types);
}

/* ---- All kinds ---- */

static void error_put(json_t *ret, const struct wire_err *e)
{
	static const char *const treats[] = {[WIRE_OK] = "none",
					     [WIRE_ATTRIBUTE_DISCARD] = "attribute discard",
					     [WIRE_TREAT_AS_WITHDRAW] = "treat as withdraw",
					     [WIRE_RESET] = "session reset"};
	json_t *error = json_object();

	message_text(error, "reaction", treats[e->treat]);
	message_number(error, "code", e->code);
	message_number(error, "subcode", e->subcode);
	message_text(error, "text", wire_error_text(e->code, e->subcode));
	(void)json_object_set_new(error, "data", message_hex(wire_in_of(e->data, e->data_len)));
	message_number(error, "offset", e->offset);
	if (e->clause != NULL)
		message_text(error, "clause", e->clause);
	if (json_object_set_new(ret, "error", error) < 0 || json_object_set_new(ret, "malformed", json_true()) < 0)
		memory_exhausted();
}

static int line_write(FILE *out, json_t *value)
{
	int r = json_dumpf(value, out, JSON_COMPACT | JSON_PRESERVE_ORDER) < 0 || fputc('\n', out) == EOF ? -EIO : 0;

	json_decref(value);
	return r;
}

static struct wire_err body(json_t *ret, struct wire_in message, uint8_t type, const struct wire_session *session)
{
	struct wire_update u;
	struct wire_open open;
	struct wire_notification n;
	struct wire_refresh r;

	switch (type) {
	case WIRE_OPEN:
		message_open(ret, message);
		return wire_open_decode(message, &open);
	case WIRE_UPDATE:
		message_update(ret, message, session);
		return wire_update_decode(message, session, &u);
	case WIRE_NOTIFICATION:
		notification(ret, message);
		return wire_notification_decode(message, &n);
	case WIRE_ROUTE_REFRESH:
		refresh(ret, message);
		return wire_refresh_decode(message, &r);
	default:
		return (struct wire_err){0};
	}
}

/* What the header says, good or not. */
static void header_put(json_t *ret, struct wire_in header)
{
	static const char *const names[] = {NULL, "OPEN", "UPDATE", "NOTIFICATION", "KEEPALIVE", "ROUTE-REFRESH"};
	uint16_t len;
	uint8_t type;

	wire_skip(&header, WIRE_HEADER_LEN - 3);
	len = wire_u16(&header);
	type = wire_u8(&header);
	if (header.bad)
		return;
	if (type < sizeof(names) / sizeof(names[0]) && names[type] != NULL)
		message_text(ret, "type", names[type]);
	message_number(ret, "bgp_type", type);
	message_number(ret, "bgp_len", len);
}

/* The message in front; *ret_len is its length, 0 when it is none. */
static json_t *front(const uint8_t *bytes, size_t n, const struct wire_session *session, size_t *ret_len, bool *ret_bad)
{
	json_t *ret = json_object();
	uint8_t type = 0;
	struct wire_err e = wire_frame(bytes, n, session->extended, ret_len, &type);

	if (ret == NULL)
		memory_exhausted();
	if (e.treat == WIRE_OK && *ret_len == 0)
		e = (struct wire_err){
			.treat = WIRE_RESET, .code = WIRE_ERR_HEADER, .subcode = 2, .clause = "cut short"};
	header_put(ret, wire_in_of(bytes, n));
	if (e.treat == WIRE_OK)
		e = body(ret, wire_in_of(bytes, *ret_len), type, session);
	else
		*ret_len = 0;
	*ret_bad = *ret_bad || e.treat != WIRE_OK;
	if (e.treat != WIRE_OK)
		error_put(ret, &e);
	return ret;
}

int report_message(FILE *out, const uint8_t *bytes, size_t n, const struct wire_session *session)
{
	bool bad = false;
	size_t len, at;
	json_t *ret = front(bytes, n, session, &len, &bad), *more = json_array();
	int r;

	for (at = len; len > 0 && at < n; at += len) {
		json_t *next = front(bytes + at, n - at, session, &len, &bad);

		if (json_array_append_new(more, next) < 0)
			memory_exhausted();
	}
	if (json_array_size(more) > 0)
		(void)json_object_set(ret, "more", more);
	json_decref(more);
	r = line_write(out, ret);
	return r == 0 && bad ? -EBADMSG : r;
}

int report_no_message(FILE *out, unsigned long line, const char *why)
{
	json_t *ret = json_object(), *error = json_object();

	if (ret == NULL || error == NULL)
		memory_exhausted();
	message_text(error, "text", why);
	message_number(ret, "line", line);
	(void)json_object_set_new(ret, "error", error);
	return line_write(out, ret);
}
