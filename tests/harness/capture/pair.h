/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A veth pair in a network namespace of the test's own, "left" and "right", and frames sent into its left end. */
#ifndef ECMPLAB_TESTS_PAIR_H
#define ECMPLAB_TESTS_PAIR_H

#include <stdint.h>

struct pair {
	const char *refused; /* why there is none */
	int ns_fd, dir_fd, sender;
	char dir[64];
	uint32_t run; /* of the frames that are sent */
};

extern const uint8_t pair_right_mac[6];

/* Group fixtures: *state is a struct pair. */
int pair_setup(void **state);
int pair_teardown(void **state);
/* Skips the test where there is none. */
struct pair *pair_of(void **state);
/* The command's status; -1: it could not be run. */
int pair_run(const char *const *argv);
/* A datagram of the flow, tagged, from 10.0.0.1 to 10.0.0.2. */
void pair_send(struct pair *pair, uint32_t flow, const uint8_t *dst_mac);

/* How many frames the right end has been given so far: the pair drops, and counts not, what a busy machine has no room for. */
uint64_t pair_received(void);

#endif
