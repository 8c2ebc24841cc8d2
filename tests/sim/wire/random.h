/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Well-formed messages from a seed, written octet by octet and without sim/wire's encoders. */
#ifndef ECMPLAB_TEST_RANDOM_H
#define ECMPLAB_TEST_RANDOM_H

#include "rng.h"
#include "wire.h"

/* An UPDATE that is canonical: attributes in order, shortest lengths, no host bits. Any mix of withdrawn routes, attributes and
 * routes of both families, of other families, unknown attributes, of one prefix or of hundreds. */
size_t random_update(struct rng *rng, const struct wire_session *session, uint8_t ret[static WIRE_EXTENDED_MAX]);
/* An OPEN with known and unknown capabilities, in one parameter or in many, of RFC 9072's form where that is needed. */
size_t random_open(struct rng *rng, uint8_t ret[static WIRE_EXTENDED_MAX]);
/* A NOTIFICATION or a ROUTE-REFRESH. */
size_t random_small(struct rng *rng, uint8_t ret[static WIRE_EXTENDED_MAX]);
/* A BFD control packet, with and without authentication. */
size_t random_bfd(struct rng *rng, uint8_t ret[static WIRE_EXTENDED_MAX]);

#endif
