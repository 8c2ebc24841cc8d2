/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of wire share. */
#ifndef ECMPLAB_WIRE_INT_H
#define ECMPLAB_WIRE_INT_H

#include "wire.h"

/* An error without data. */
struct wire_err wire_fail(enum wire_treat treat, uint8_t code, uint8_t subcode, size_t offset, const char *clause);
/* Points to the octets that the RFC wants in the NOTIFICATION; they must outlive the error. */
void wire_err_data(struct wire_err *e, const void *bytes, size_t n);

/* Checks that the view is one whole message of the type with at least min octets, and moves behind its header. */
struct wire_err wire_body(struct wire_in *message, enum wire_type type, size_t min);
/* Starts a message; wire_message_end writes its length, or makes the writer full when it is above the limit. */
struct wire_mark wire_message_begin(struct wire_out *out, enum wire_type type);
void wire_message_end(struct wire_out *out, struct wire_mark start, bool extended);

/* True for the families whose NLRI this program reads: IPv4 and IPv6 unicast. */
static inline bool wire_family_read(uint16_t afi, uint8_t safi)
{
	return (afi == WIRE_AFI_IPV4 || afi == WIRE_AFI_IPV6) && safi == WIRE_SAFI_UNICAST;
}

bool wire_family_add_path(const struct wire_session *session, uint16_t afi, uint8_t safi);
/* True when every prefix fits its family and the view (RFC 7606 section 5.3); families we don't read always pass. */
bool wire_nlri_valid(const struct wire_nlri *nlri);
void wire_nlri_put(struct wire_out *out, const struct wire_route *route, bool add_path);
/* All routes again, host bits cleared; those of families we don't read as they came. */
void wire_nlri_copy(struct wire_out *out, struct wire_nlri nlri);

/* Starts an attribute; wire_attr_end gives it the shortest length field that holds what came behind. */
struct wire_mark wire_attr_begin(struct wire_out *out, uint8_t flags, uint8_t code);
void wire_attr_end(struct wire_out *out, struct wire_mark m);

/* An attribute as it stands in a list. */
struct wire_raw_attr {
	uint8_t flags;
	uint8_t code;
	struct wire_in tlv;
	struct wire_in value;
};

/* Notes a code in a set of bits; false when it was there before. */
static inline bool wire_attr_first(uint64_t seen[static 4], uint8_t code)
{
	uint64_t bit = UINT64_C(1) << (code % 64);
	bool first = (seen[code / 64] & bit) == 0;

	seen[code / 64] |= bit;
	return first;
}

/* False at the end, and where the list is cut; then *attrs is bad. */
bool wire_raw_next(struct wire_in *attrs, struct wire_raw_attr *ret);

/* RFC 7606 section 7.2 and RFC 7607: known types, no empty or cut segment, no AS 0. */
bool wire_path_valid(struct wire_in path, bool as4);

/* Where a well-formed value goes, and comes from. */
enum wire_value {
	WIRE_VALUE_NONE, /* nothing reads it; it is passed on as it came */
	WIRE_VALUE_U32,
	WIRE_VALUE_VIEW,
	WIRE_VALUE_OWN, /* decode and encode know */
};

struct wire_attr_row {
	const char *name; /* NULL: an attribute we don't know */
	uint8_t flags;	  /* the Optional and Transitive bits it must have */
	enum wire_treat treat;
	const char *clause; /* of the treatment */
	enum { WIRE_LEN_ANY, WIRE_LEN_EXACT, WIRE_LEN_MULTIPLE } len_rule;
	uint8_t len;
	bool old;	/* discarded between speakers that know RFC 6793 */
	bool internal;	/* discarded, whatever it holds, when it comes from another AS */
	bool flags_too; /* wrong flags cost what a wrong value costs, and not RFC 7606 section 3 (c)'s withdrawal */
	enum wire_value holds;
	size_t at; /* of the uint32_t, or the view, in struct wire_attrs */
	/* Reads a value of its own, or judges one before it is taken, and leaves it as it is. */
	uint8_t (*decode)(struct wire_in *value, const struct wire_session *session, struct wire_update *ret);
	void (*encode)(struct wire_out *out, const struct wire_session *session, const struct wire_update *update);
};

#define WIRE_ATTR_CODES 256

extern const struct wire_attr_row wire_attr_rows[WIRE_ATTR_CODES];

/* The row of a code; a row without a name for those we don't know. */
static inline const struct wire_attr_row *wire_attr_row(uint8_t code)
{
	return &wire_attr_rows[code];
}

bool wire_attr_flags_fit(const struct wire_attr_row *row, uint8_t flags);
/* Reads the value, to its end or as far as it is well, into *ret. Returns 0 or the UPDATE error subcode of what is wrong. */
uint8_t wire_attr_read(const struct wire_attr_row *row, struct wire_in *value, const struct wire_session *session,
		       struct wire_update *ret);

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
