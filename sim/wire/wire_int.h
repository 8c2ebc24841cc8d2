/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of wire share. */
#ifndef ECMPLAB_WIRE_INT_H
#define ECMPLAB_WIRE_INT_H

#include "wire.h"

/* An error without data. */
struct wire_err wire_fail(enum wire_treat treat, uint8_t code, uint8_t subcode, size_t offset, const char *clause);
/* Puts the octets that the RFC wants into the NOTIFICATION's data, cut to its room. */
void wire_err_data(struct wire_err *e, const void *bytes, size_t n);

/* Checks that the view is one whole message of the type with at least min octets, and moves behind its header. */
struct wire_err wire_body(struct wire_in *message, enum wire_type type, size_t min);
/* Starts a message; wire_message_end writes its length, or makes the writer full when it is above the limit. */
struct wire_mark wire_message_begin(struct wire_out *out, enum wire_type type);
void wire_message_end(struct wire_out *out, struct wire_mark start, bool extended);

/* True for the families whose NLRI this program reads: IPv4 and IPv6 unicast. */
bool wire_family_read(uint16_t afi, uint8_t safi);
bool wire_family_add_path(const struct wire_session *session, uint16_t afi, uint8_t safi);
/* True when every prefix fits its family and the view (RFC 7606 section 5.3); families we don't read always pass. */
bool wire_nlri_valid(const struct wire_nlri *nlri);
void wire_nlri_put(struct wire_out *out, const struct wire_route *route, bool add_path);

/* RFC 7606 section 7.2 and RFC 7607: known types, no empty or cut segment, no AS 0. */
bool wire_path_valid(struct wire_in path, bool as4);

struct wire_attr_row {
	const char *name; /* NULL: an attribute we don't know */
	uint8_t flags;	  /* the Optional and Transitive bits it must have */
	enum wire_treat treat;
	enum { WIRE_LEN_ANY, WIRE_LEN_EXACT, WIRE_LEN_MULTIPLE } len_rule;
	uint8_t len;
	/* Reads the value into *ret. Returns 0 or the UPDATE error subcode of what is wrong. */
	uint8_t (*decode)(struct wire_in value, const struct wire_session *session, struct wire_update *ret);
	const char *clause; /* of the treatment */
	bool internal;	    /* discarded, whatever it holds, when it comes from another AS */
};

/* The row of a code; a row without a name for those we don't know. */
const struct wire_attr_row *wire_attr_row(uint8_t code);

/* UPDATE Message Error subcodes (RFC 4271 section 4.5). */
enum wire_update_error {
	WIRE_UPDATE_ATTRIBUTE_LIST = 1,
	WIRE_UPDATE_UNRECOGNIZED = 2,
	WIRE_UPDATE_MISSING = 3,
	WIRE_UPDATE_FLAGS = 4,
	WIRE_UPDATE_LENGTH = 5,
	WIRE_UPDATE_ORIGIN = 6,
	WIRE_UPDATE_NEXT_HOP = 8,
	WIRE_UPDATE_OPTIONAL = 9,
	WIRE_UPDATE_NETWORK = 10,
	WIRE_UPDATE_AS_PATH = 11,
};

#endif
