/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the writers of messages share. */
#ifndef ECMPLAB_MESSAGE_INT_H
#define ECMPLAB_MESSAGE_INT_H

#include "message.h"

#include <jansson.h>

/* A key whose value is a number as text. */
void message_number(json_t *object, const char *key, uint64_t value);
void message_text(json_t *object, const char *key, const char *text);
/* The octets as hex digits. */
json_t *message_hex(struct wire_in bytes);
/* Adds to a key: one value is text, several are a list, as tshark's JSON has it. */
void message_add(json_t *object, const char *key, const char *text);
void message_add_number(json_t *object, const char *key, uint64_t value);

enum { MESSAGE_SAFI_MULTICAST = 2, MESSAGE_SAFI_FLOWSPEC = 133, MESSAGE_SAFI_FLOWSPEC_VPN = 134 };

/* The prefixes in the rules of an IPv4 or IPv6 family. */
json_t *message_flowspec(uint16_t afi, uint8_t safi, struct wire_in in);
/* message_open.c, message_update.c */
void message_open(json_t *ret, struct wire_in message);
/* Everything that can be told of the message, whatever the decoder found wrong with it. */
void message_update(json_t *ret, struct wire_in message, const struct wire_session *session);

#endif
