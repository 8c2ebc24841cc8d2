/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decoded, written, decoded: nothing may have changed. */
#ifndef ECMPLAB_TEST_AGAIN_H
#define ECMPLAB_TEST_AGAIN_H

#include "wire.h"

struct again {
	bool taken;	     /* the first decoding gave something that can be written */
	bool canonical;	     /* the source left the writer no choice, found without the writer */
	const char *differs; /* what is not the same; NULL: nothing */
};

struct again again_update(struct wire_in message, const struct wire_session *session);
/* OPEN, NOTIFICATION, KEEPALIVE, ROUTE-REFRESH. */
struct again again_other(struct wire_in message);

#endif
