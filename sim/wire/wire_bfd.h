/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BFD control packets <-> bytes (RFC 5880 section 4). As in wire.h, the decoder judges and does nothing else. */
#ifndef ECMPLAB_WIRE_BFD_H
#define ECMPLAB_WIRE_BFD_H

#include "cursor.h"

#define WIRE_BFD_PORT 3784U	 /* RFC 5881 section 4 */
#define WIRE_BFD_ECHO_PORT 3785U /* RFC 5881 section 4 */
#define WIRE_BFD_LEN 24U
#define WIRE_BFD_MAX 52U /* with the longest authentication section that we write, SHA1's */
#define WIRE_BFD_VERSION 1U

enum wire_bfd_state {
	WIRE_BFD_ADMIN_DOWN = 0,
	WIRE_BFD_DOWN = 1,
	WIRE_BFD_INIT = 2,
	WIRE_BFD_UP = 3,
	WIRE_BFD_STATE_COUNT,
};

enum wire_bfd_diag {
	WIRE_BFD_DIAG_NONE = 0,
	WIRE_BFD_DIAG_EXPIRED = 1, /* control detection time */
	WIRE_BFD_DIAG_ECHO_FAILED = 2,
	WIRE_BFD_DIAG_NEIGHBOR_DOWN = 3, /* neighbor signaled session down */
	WIRE_BFD_DIAG_FORWARDING_RESET = 4,
	WIRE_BFD_DIAG_PATH_DOWN = 5,
	WIRE_BFD_DIAG_CONCATENATED_DOWN = 6,
	WIRE_BFD_DIAG_ADMIN_DOWN = 7,
	WIRE_BFD_DIAG_REVERSE_DOWN = 8,
};

enum wire_bfd_flag {
	WIRE_BFD_POLL = 0x20,
	WIRE_BFD_FINAL = 0x10,
	WIRE_BFD_INDEPENDENT = 0x08, /* of the control plane */
	WIRE_BFD_AUTH = 0x04,
	WIRE_BFD_DEMAND = 0x02,
	WIRE_BFD_MULTIPOINT = 0x01,
};

enum wire_bfd_auth_type { /* RFC 5880 section 4.1 */
			  WIRE_BFD_AUTH_NONE = 0,
			  WIRE_BFD_AUTH_PASSWORD = 1,
			  WIRE_BFD_AUTH_MD5 = 2,
			  WIRE_BFD_AUTH_METICULOUS_MD5 = 3,
			  WIRE_BFD_AUTH_SHA1 = 4,
			  WIRE_BFD_AUTH_METICULOUS_SHA1 = 5,
};

/* Why a packet is dropped: RFC 5880 section 6.8.6, in its order. The decoder finds those that need no session. */
enum wire_bfd_drop {
	WIRE_BFD_KEPT = 0,
	WIRE_BFD_DROP_TTL, /* RFC 5881 section 5 */
	WIRE_BFD_DROP_VERSION,
	WIRE_BFD_DROP_SHORT,	   /* the length field is below the least, or the packet is */
	WIRE_BFD_DROP_LENGTH,	   /* it is beyond the payload */
	WIRE_BFD_DROP_MULTIPLIER,  /* zero */
	WIRE_BFD_DROP_MULTIPOINT,  /* the M bit */
	WIRE_BFD_DROP_MY,	   /* My Discriminator zero */
	WIRE_BFD_DROP_YOUR,	   /* Your Discriminator names no session */
	WIRE_BFD_DROP_YOUR_ZERO,   /* zero beyond Down and AdminDown */
	WIRE_BFD_DROP_STRANGER,	   /* zero, and no session has these addresses */
	WIRE_BFD_DROP_AUTH_GIVEN,  /* authentication though none is in use */
	WIRE_BFD_DROP_AUTH_ABSENT, /* none though one is in use */
	WIRE_BFD_DROP_AUTH_WRONG,  /* section 6.7 */
	WIRE_BFD_DROP_ADMIN_DOWN,  /* the session is AdminDown */
	WIRE_BFD_DROP_COUNT,
};

struct wire_bfd {
	uint8_t version;
	uint8_t diag;  /* 0..31 */
	uint8_t state; /* an enum wire_bfd_state */
	uint8_t flags; /* of enum wire_bfd_flag */
	uint8_t multiplier;
	uint8_t length;
	uint32_t my, your; /* discriminators */
	uint32_t desired_tx_us, required_rx_us, required_echo_rx_us;
	/* The authentication section, with the A bit; secret is the password, or the digest. The type and its length are
	 * those of the packet; a section that is no such thing has type NONE. */
	uint8_t auth_type;
	uint8_t auth_key;
	uint32_t auth_seq;
	struct wire_in secret;
};

/* Decodes the payload of a datagram. *ret is filled as far as there are bytes, whatever the rules say; its view points
 * into the payload. */
enum wire_bfd_drop wire_bfd_decode(struct wire_in payload, struct wire_bfd *ret);
/* Writes the packet with its lengths; version and the A bit follow from what is there. *ret_secret is where the secret
 * stands, for one who has to digest the packet first. */
void wire_bfd_encode(struct wire_out *out, const struct wire_bfd *packet, size_t *ret_secret);
/* Octets of a digest; 0 for a type that has none. */
size_t wire_bfd_digest_len(uint8_t auth_type);

/* "Up", "Control Detection Time Expired", "my discriminator is zero"; static. */
const char *wire_bfd_state_text(uint8_t state);
const char *wire_bfd_diag_text(uint8_t diag);
const char *wire_bfd_drop_text(enum wire_bfd_drop drop);

#endif
