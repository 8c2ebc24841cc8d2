/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ECMPLAB_SOAK_SHRINK_H
#define ECMPLAB_SOAK_SHRINK_H

#include "play.h"

/* Plays a plan in a process of its own, so that a crash or a hang is a verdict too. */
void play_apart(const struct plan *p, struct verdict *ret);
/* Makes a failing plan as small as it gets: fewer events (delta debugging, Zeller and Hildebrandt 2002), fewer nodes,
 * a calmer network. Returns how many plans it played. */
unsigned int shrink(struct plan *p);

#endif
