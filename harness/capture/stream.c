/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Puts the segments of one direction in order. Sequence numbers wrap, so they are only ever compared by difference. */
#include "capture_int.h"

#include <stdlib.h>
#include <string.h>

/* The largest window of RFC 7323 section 2.3: what lies further ahead is not of this stream. */
#define WINDOW_MAX (INT32_C(1) << 30)

struct stream_chunk {
	struct stream_chunk *next;
	uint32_t seq;
	uint32_t len;
	uint8_t bytes[];
};

static void pop(struct stream *s, struct capture_budget *budget)
{
	struct stream_chunk *chunk = s->waiting;

	s->waiting = chunk->next;
	s->waiting_count--;
	s->waiting_bytes -= chunk->len;
	budget->used -= chunk->len + sizeof(*chunk);
	free(chunk);
}

void stream_clear(struct stream *s, struct capture_budget *budget)
{
	while (s->waiting != NULL)
		pop(s, budget);
	*s = (struct stream){0};
}

void stream_start(struct stream *s, struct capture_budget *budget, uint32_t next)
{
	stream_clear(s, budget);
	s->started = true;
	s->next = next;
}

/* Chunks that have become next in line. */
static void hand_over_waiting(struct stream *s, struct capture_budget *budget, uint32_t lost,
			      const struct stream_sink *sink)
{
	while (s->waiting != NULL && s->waiting->seq == s->next) {
		s->next += s->waiting->len;
		sink->bytes(sink->ctx, s->waiting->bytes, s->waiting->len, lost);
		lost = 0;
		pop(s, budget);
	}
}

bool stream_skip(struct stream *s, struct capture_budget *budget, const struct stream_sink *sink)
{
	uint32_t lost;

	if (s->waiting == NULL)
		return false;
	lost = s->waiting->seq - s->next;
	s->next = s->waiting->seq;
	hand_over_waiting(s, budget, lost, sink);
	return true;
}

bool stream_gap_acked(const struct stream *s, uint32_t ack)
{
	return s->waiting != NULL && (int32_t)(ack - s->waiting->seq) >= 0;
}

/* bytes begin at s->next. Where they overlap waiting chunks, those came first. */
static void hand_over(struct stream *s, struct capture_budget *budget, const uint8_t *bytes, size_t n, uint32_t lost,
		      const struct stream_sink *sink)
{
	while (n > 0) {
		size_t room = s->waiting != NULL ? s->waiting->seq - s->next : n;
		size_t part = room < n ? room : n;
		uint32_t before;

		s->next += (uint32_t)part;
		sink->bytes(sink->ctx, bytes, part, lost);
		lost = 0;
		bytes += part;
		n -= part;
		before = s->next;
		hand_over_waiting(s, budget, 0, sink);
		part = s->next - before < n ? s->next - before : n;
		bytes += part;
		n -= part;
	}
}

static void insert(struct stream *s, struct capture_budget *budget, struct stream_chunk **at, uint32_t seq,
		   const uint8_t *bytes, size_t n)
{
	struct stream_chunk *chunk = memory_new(sizeof(*chunk) + n);

	chunk->seq = seq;
	chunk->len = (uint32_t)n;
	memcpy(chunk->bytes, bytes, n);
	chunk->next = *at;
	*at = chunk;
	s->waiting_count++;
	s->waiting_bytes += n;
	budget->used += n + sizeof(*chunk);
}

/* Keeps the parts that no waiting chunk covers. */
static void wait_for_gap(struct stream *s, struct capture_budget *budget, uint32_t seq, const uint8_t *bytes, size_t n)
{
	struct stream_chunk **at = &s->waiting;

	while (n > 0) {
		size_t part = n;

		while (*at != NULL && (int32_t)((*at)->seq + (*at)->len - seq) <= 0)
			at = &(*at)->next;
		if (*at != NULL && (int32_t)((*at)->seq - seq) <= 0) {
			uint32_t covered = (*at)->seq + (*at)->len - seq;

			part = covered < n ? covered : n;
		} else {
			if (*at != NULL && (*at)->seq - seq < n)
				part = (*at)->seq - seq;
			insert(s, budget, at, seq, bytes, part);
		}
		seq += (uint32_t)part;
		bytes += part;
		n -= part;
	}
}

static bool may_wait(const struct stream *s, const struct capture_budget *budget, size_t n)
{
	return s->waiting_count < STREAM_WAITING_MAX && s->waiting_bytes + n <= STREAM_BYTES_MAX &&
	       budget->used + n + sizeof(struct stream_chunk) <= budget->max;
}

void stream_segment(struct stream *s, struct capture_budget *budget, uint32_t seq, const uint8_t *bytes, size_t n,
		    const struct stream_sink *sink)
{
	while (n > 0) {
		int32_t ahead = (int32_t)(seq - s->next);

		if (ahead > WINDOW_MAX)
			return;
		if (ahead > 0 && may_wait(s, budget, n)) {
			wait_for_gap(s, budget, seq, bytes, n);
			return;
		}
		if (ahead > 0) {
			if (stream_skip(s, budget, sink))
				continue;
			s->next = seq;
			hand_over(s, budget, bytes, n, (uint32_t)ahead, sink);
			return;
		}
		if (s->next - seq >= n)
			return;
		hand_over(s, budget, bytes + (s->next - seq), n - (s->next - seq), 0, sink);
		return;
	}
}
