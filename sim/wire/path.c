/* SPDX-License-Identifier: GPL-2.0-or-later */
/* AS_PATH and AS4_PATH (RFC 4271 section 4.3, RFC 5065, RFC 6793). */
#include "wire_int.h"

#include <stdio.h>

bool wire_path_next(struct wire_in *path, bool as4, struct wire_path_segment *ret)
{
	size_t count;

	if (!wire_more(path))
		return false;
	ret->as4 = as4;
	ret->type = wire_u8(path);
	count = wire_u8(path);
	wire_sub_to(path, count * (as4 ? 4U : 2U), &ret->ases);
	return !path->bad;
}

uint32_t wire_path_as(struct wire_path_segment *segment)
{
	return segment->as4 ? wire_u32(&segment->ases) : wire_u16(&segment->ases);
}

static bool has_zero(const struct wire_in *ases, size_t width)
{
	static const uint8_t zero[4];

	for (const uint8_t *as = ases->at; as < ases->end; as += width)
		if (memcmp(as, zero, width) == 0)
			return true;
	return false;
}

bool wire_path_valid(struct wire_in path, bool as4)
{
	struct wire_path_segment s;

	while (wire_path_next(&path, as4, &s))
		if (s.type < WIRE_AS_SET || s.type > WIRE_CONFED_SET || !wire_more(&s.ases) ||
		    (as4 ? has_zero(&s.ases, 4) : has_zero(&s.ases, 2)))
			return false;
	return !path.bad;
}

unsigned int wire_path_length(struct wire_in path, bool as4)
{
	struct wire_path_segment s;
	unsigned int hops = 0;

	while (wire_path_next(&path, as4, &s)) {
		if (s.type == WIRE_AS_SEQUENCE)
			hops += (unsigned int)(wire_left(&s.ases) / (as4 ? 4 : 2));
		else if (s.type == WIRE_AS_SET)
			hops++;
	}
	return hops;
}

bool wire_path_contains(struct wire_in path, bool as4, uint32_t as)
{
	struct wire_path_segment s;

	while (wire_path_next(&path, as4, &s))
		while (wire_more(&s.ases))
			if (wire_path_as(&s) == as)
				return true;
	return false;
}

struct text {
	char *at;
	size_t room; /* with the terminator */
};

static void put_text(struct text *t, const char *s)
{
	while (t->room > 1 && *s != '\0') {
		*t->at++ = *s++;
		t->room--;
	}
	*t->at = '\0';
}

static void put_segment(struct text *t, struct wire_path_segment *s)
{
	static const char *const brackets[][2] = {
		[WIRE_AS_SET] = {"{", "}"},
		[WIRE_AS_SEQUENCE] = {"", ""},
		[WIRE_CONFED_SEQUENCE] = {"(", ")"},
		[WIRE_CONFED_SET] = {"[", "]"},
	};
	bool known = s->type >= WIRE_AS_SET && s->type <= WIRE_CONFED_SET;
	const char *gap = "";

	put_text(t, known ? brackets[s->type][0] : "?");
	while (wire_more(&s->ases) && t->room > 1) {
		char number[16];

		snprintf(number, sizeof(number), "%s%u", gap, wire_path_as(s));
		put_text(t, number);
		gap = " ";
	}
	put_text(t, known ? brackets[s->type][1] : "?");
}

void wire_path_text(struct wire_in path, bool as4, char *ret, size_t room)
{
	struct text t = {.at = ret, .room = room};
	struct wire_path_segment s;
	const char *gap = "";

	if (room == 0)
		return;
	put_text(&t, "");
	while (wire_path_next(&path, as4, &s) && t.room > 1) {
		put_text(&t, gap);
		put_segment(&t, &s);
		gap = " ";
	}
}
