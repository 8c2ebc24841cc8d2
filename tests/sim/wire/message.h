/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages for the tests of wire, typed as hex. */
#ifndef ECMPLAB_TEST_MESSAGE_H
#define ECMPLAB_TEST_MESSAGE_H

#include "support.h"
#include "wire.h"

struct message {
	size_t len;
	uint8_t bytes[8192];
};

/* A message from what stands behind its marker. */
struct message message_of(const char *hex);
/* An UPDATE from its body; the header is made. */
struct message update_of(const char *body_hex);
/* An UPDATE from its path attributes and NLRI; lengths are made. */
struct message update_with(const char *attrs_hex, const char *nlri_hex);
struct wire_in message_view(const struct message *m);
/* Every route of a family as text: "10.0.0.0/8 #7", parted by blanks; path identifiers of 0 are left out. */
void routes_text(struct wire_nlri nlri, char *ret, size_t room);

#endif
