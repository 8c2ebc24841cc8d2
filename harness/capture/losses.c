/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When a ring lost frames. The kernel counts them, and tells no time; but it loses some only while each block of the ring is
 * full and not yet given back. So the count, read before each block goes back, dates them to the end of a block:
 *
 *   read before block k - 1 goes back                         ring of n blocks
 *     |   read before block k goes back
 *     v   v
 *   what came in between them was lost when k - 1 + n or k + n blocks were full: behind block k + n - 2, before block k + n */
#include "capture_int.h"

/* The interval that one touches that begins behind the end of that block, or the last one when no more are kept. */
static struct dated_loss *touched(struct loss_log *l, uint64_t behind)
{
	struct dated_loss *last = l->at.len > 0 ? &l->at.at[l->at.len - 1] : NULL;

	return last != NULL && (behind < last->before_block || l->at.len >= CAPTURE_LOSSES_MAX) ? last : NULL;
}

void loss_counted(struct loss_log *l, uint64_t frames, struct instant now)
{
	uint64_t behind = l->counted_at + l->blocks - 1;
	struct dated_loss *at;

	l->counted_at = l->given_back;
	if (frames == 0)
		return;
	at = touched(l, behind);
	if (at == NULL) {
		at = VEC_ADD(&l->at);
		*at = (struct dated_loss){.after_block = behind, .loss = {.after = l->frames, .since = l->last_stamp}};
	}
	at->before_block = l->given_back + l->blocks;
	at->ended = false;
	at->loss.frames += frames;
	at->loss.before = 0;
	at->loss.until = now;
}

static void bound(struct dated_loss *at, const struct loss_log *l, const struct loss_block *b)
{
	uint64_t block = l->given_back;

	if (block <= at->after_block) {
		at->loss.after = l->frames + b->frames;
		at->loss.since = b->last;
	} else if (block >= at->before_block) {
		at->ended = true;
		at->loss.before = l->frames + 1;
		at->loss.until = instant_min(at->loss.until, b->first);
	}
}

void loss_block(struct loss_log *l, const struct loss_block *b)
{
	if (b->frames == 0)
		return;
	for (size_t i = l->at.len; i > 0 && !l->at.at[i - 1].ended; i--)
		bound(&l->at.at[i - 1], l, b);
	l->frames += b->frames;
	l->last_stamp = b->last;
}

void loss_given_back(struct loss_log *l)
{
	l->given_back++;
}

size_t loss_all(const struct loss_log *l, struct capture_loss ret[static CAPTURE_LOSSES_MAX])
{
	for (size_t i = 0; i < l->at.len; i++)
		ret[i] = l->at.at[i].loss;
	return l->at.len;
}
