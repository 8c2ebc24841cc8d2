/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bounded cursors over bytes in network order; part of wire.h. A reader's error is sticky: after the first short read
 * every read yields zero and nothing moves, so it is tested once per message or TLV. A writer's is `full`. */
#ifndef ECMPLAB_CURSOR_H
#define ECMPLAB_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A view; passed by value, never stored beyond the bytes it looks at. */
struct wire_in {
	const uint8_t *at;
	const uint8_t *end;
	bool bad;
};

/* A writer into memory of fixed capacity that somebody else owns. */
struct wire_out {
	uint8_t *bytes;
	size_t len;
	size_t cap;
	bool full; /* something did not fit, or a value was out of its field's range */
};

/* Where a length goes that is known only later. */
struct wire_mark {
	size_t at;
};

static inline struct wire_in wire_in_of(const void *bytes, size_t n)
{
	const uint8_t *at = bytes;

	return (struct wire_in){.at = at, .end = n > 0 ? at + n : at};
}

/* The same field by field, for views that are read again at once: a struct is copied in wide pieces, which have to wait until
 * the narrow stores before them are out. */
static inline void wire_in_set(struct wire_in *ret, const uint8_t *at, size_t n)
{
	ret->at = at;
	ret->end = n > 0 ? at + n : at;
	ret->bad = false;
}

static inline size_t wire_left(const struct wire_in *in)
{
	return (size_t)(in->end - in->at);
}

/* n bytes to read at the returned place, or NULL (and bad) when fewer are left. */
static inline const uint8_t *wire_take(struct wire_in *in, size_t n)
{
	const uint8_t *p = in->at;

	if (in->bad || wire_left(in) < n) {
		in->bad = true;
		return NULL;
	}
	if (n > 0) /* an empty view may look at NULL, which must not be moved */
		in->at += n;
	return p;
}

static inline uint8_t wire_u8(struct wire_in *in)
{
	const uint8_t *p = wire_take(in, 1);

	return p != NULL ? p[0] : 0;
}

static inline uint16_t wire_u16(struct wire_in *in)
{
	const uint8_t *p = wire_take(in, 2);

	return (uint16_t)(p != NULL ? (unsigned int)p[0] << 8 | p[1] : 0);
}

static inline uint32_t wire_u32(struct wire_in *in)
{
	const uint8_t *p = wire_take(in, 4);

	return p != NULL ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

static inline uint64_t wire_u64(struct wire_in *in)
{
	uint64_t high = wire_u32(in);

	return high << 32 | wire_u32(in);
}

/* The only way into a TLV: a view of the next n bytes, empty and bad (like its parent) when fewer are left. */
static inline void wire_sub_to(struct wire_in *in, size_t n, struct wire_in *ret)
{
	const uint8_t *p = wire_take(in, n);

	wire_in_set(ret, in->bad ? in->at : p, in->bad ? 0 : n);
	ret->bad = in->bad;
}

static inline struct wire_in wire_sub(struct wire_in *in, size_t n)
{
	struct wire_in sub;

	wire_sub_to(in, n, &sub);
	return sub;
}

static inline void wire_skip(struct wire_in *in, size_t n)
{
	(void)wire_take(in, n);
}

/* True while there is more to read and nothing went wrong: the loop condition over TLVs. */
static inline bool wire_more(const struct wire_in *in)
{
	return !in->bad && in->at < in->end;
}

static inline struct wire_out wire_out_to(void *bytes, size_t cap)
{
	return (struct wire_out){.bytes = bytes, .cap = cap};
}

/* Room for n bytes, or NULL (and full). */
static inline uint8_t *wire_room(struct wire_out *out, size_t n)
{
	uint8_t *p = out->bytes + out->len;

	if (out->full || out->cap - out->len < n) {
		out->full = true;
		return NULL;
	}
	out->len += n;
	return p;
}

static inline void wire_put8(struct wire_out *out, uint64_t v)
{
	uint8_t *p = v <= UINT8_MAX ? wire_room(out, 1) : NULL;

	if (p == NULL)
		out->full = true;
	else
		p[0] = (uint8_t)v;
}

static inline void wire_put16(struct wire_out *out, uint64_t v)
{
	uint8_t *p = v <= UINT16_MAX ? wire_room(out, 2) : NULL;

	if (p == NULL) {
		out->full = true;
		return;
	}
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void wire_put32(struct wire_out *out, uint64_t v)
{
	uint8_t *p = v <= UINT32_MAX ? wire_room(out, 4) : NULL;

	if (p == NULL) {
		out->full = true;
		return;
	}
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static inline void wire_put64(struct wire_out *out, uint64_t v)
{
	wire_put32(out, v >> 32);
	wire_put32(out, v & UINT32_MAX);
}

static inline void wire_put(struct wire_out *out, const void *bytes, size_t n)
{
	uint8_t *p = wire_room(out, n);

	if (p != NULL && n > 0)
		memcpy(p, bytes, n);
}

/* Leaves room for a length of one or two octets; wire_close8/16 fills it with the count of what came behind it. */
static inline struct wire_mark wire_reserve(struct wire_out *out, size_t octets)
{
	struct wire_mark m = {.at = out->len};
	uint8_t *p = wire_room(out, octets);

	if (p != NULL)
		memset(p, 0, octets);
	return m;
}

static inline void wire_close8(struct wire_out *out, struct wire_mark m)
{
	size_t n = out->full ? 0 : out->len - m.at - 1;

	if (n > UINT8_MAX)
		out->full = true;
	else if (!out->full)
		out->bytes[m.at] = (uint8_t)n;
}

static inline void wire_close16(struct wire_out *out, struct wire_mark m)
{
	size_t n = out->full ? 0 : out->len - m.at - 2;

	if (n > UINT16_MAX) {
		out->full = true;
	} else if (!out->full) {
		out->bytes[m.at] = (uint8_t)(n >> 8);
		out->bytes[m.at + 1] = (uint8_t)n;
	}
}

#endif
