/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A BFD session whose other side is played by hand. */
#ifndef ECMPLAB_TEST_BFD_HAND_H
#define ECMPLAB_TEST_BFD_HAND_H

#include "bfd.h"
#include "support.h"

#define THEIRS 0x1234U /* the other side's discriminator */

struct hand {
	struct bfd *engine;
	bfd_session_id id;
	struct instant now;
	struct bfd_arrival from;
	/* What the last look at the outputs found. */
	unsigned int sent, changes;
	struct wire_bfd last; /* the last packet; views are gone */
	struct instant last_at;
	struct bfd_output change; /* the last change of state */
};

/* A session with these parameters; zeros are the engine's defaults. */
void hand_begin(struct hand *h, const struct bfd_session_conf *conf);
void hand_end(struct hand *h);
/* Looks at the outputs and clears them. */
void hand_look(struct hand *h);
/* A fair packet of the other side in a state: 300 ms, 300 ms, 3; it knows us unless it is Down. */
struct wire_bfd hand_packet(const struct hand *h, enum wire_bfd_state state);
enum wire_bfd_drop hand_give(struct hand *h, const struct wire_bfd *packet);
/* The same, for a packet of hand_packet. */
enum wire_bfd_drop hand_say(struct hand *h, enum wire_bfd_state state);
/* Lets time pass, and looks at every step. */
void hand_wait(struct hand *h, int64_t ns);
/* Brings the session up, its Poll Sequence answered. */
void hand_up(struct hand *h);
enum wire_bfd_state hand_state(const struct hand *h);

#endif
