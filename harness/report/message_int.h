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

enum { MESSAGE_AFI_LS = 16388 };

enum {
	MESSAGE_SAFI_MULTICAST = 2,
	MESSAGE_SAFI_LABELED = 4,
	MESSAGE_SAFI_LS = 71,
	MESSAGE_SAFI_LS_VPN = 72,
	MESSAGE_SAFI_VPN = 128,
	MESSAGE_SAFI_FLOWSPEC = 133,
	MESSAGE_SAFI_FLOWSPEC_VPN = 134,
};

/* The prefixes in the rules of an IPv4 or IPv6 family. */
json_t *message_flowspec(uint16_t afi, uint8_t safi, struct wire_in in);
struct message_way {
	bool add_path, withdrawn;
};

/* The routes of SAFI 4 and 128: objects with path_id, labels, rd, prefix; up to the first that is damaged. */
json_t *message_labeled(uint16_t afi, uint8_t safi, const struct message_way *way, struct wire_in in);
/* The prefixes among the nodes, links and prefixes of a link-state family. */
json_t *message_link_state(uint8_t safi, struct wire_in in);
/* A route distinguisher as people write it (RFC 4364 section 4.2). */
void message_distinguisher(struct wire_in *in, char *ret, size_t room);
/* message_open.c, message_update.c */
void message_open(json_t *ret, struct wire_in message);
/* Everything that can be told of the message, whatever the decoder found wrong with it. */
void message_update(json_t *ret, struct wire_in message, const struct wire_session *session);

#endif
