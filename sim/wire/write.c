/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A decoded UPDATE to bytes again: the other half of update.c. */
#include "wire_int.h"

/* Only optional transitive attributes can be passed on by one who does not know them (RFC 4271 section 4.3). */
static uint8_t flags_of(const struct wire_attr_row *row, uint8_t sent)
{
	uint8_t flags = row->name != NULL ? row->flags : sent & (WIRE_FLAG_OPTIONAL | WIRE_FLAG_TRANSITIVE);

	if ((flags & (WIRE_FLAG_OPTIONAL | WIRE_FLAG_TRANSITIVE)) == (WIRE_FLAG_OPTIONAL | WIRE_FLAG_TRANSITIVE))
		flags |= sent & WIRE_FLAG_PARTIAL;
	return flags;
}

static void put_value(struct wire_out *out, const struct wire_session *session, const struct wire_update *update,
		      const struct wire_attr_row *row, struct wire_in sent)
{
	const char *field = (const char *)&update->attrs + row->at;
	struct wire_in view = sent;
	uint32_t number;

	switch (row->holds) {
	case WIRE_VALUE_U32:
		memcpy(&number, field, sizeof(number));
		wire_put32(out, number);
		return;
	case WIRE_VALUE_OWN:
		row->encode(out, session, update);
		return;
	case WIRE_VALUE_VIEW:
		memcpy(&view, field, sizeof(view));
		break;
	case WIRE_VALUE_NONE:
		break;
	}
	wire_put(out, view.at, wire_left(&view));
}

static bool was_taken(const struct wire_attrs *a, uint8_t code)
{
	return code >= 64 || (a->present >> code & 1) != 0;
}

static void put_attrs(struct wire_out *out, const struct wire_session *session, const struct wire_update *update)
{
	struct wire_in list = update->attrs_raw;
	uint64_t seen[4] = {0};
	struct wire_raw_attr a;

	while (wire_raw_next(&list, &a)) {
		const struct wire_attr_row *row = wire_attr_row(a.code);
		struct wire_mark m;

		/* of several the first counts (RFC 7606 section 3 (g)) */
		if (!wire_attr_first(seen, a.code) || !was_taken(&update->attrs, a.code))
			continue;
		m = wire_attr_begin(out, flags_of(row, a.flags), a.code);
		put_value(out, session, update, row, a.value);
		wire_attr_end(out, m);
	}
}

void wire_update_write(struct wire_out *out, const struct wire_session *session, const struct wire_update *update)
{
	struct wire_mark start = wire_message_begin(out, WIRE_UPDATE);
	struct wire_mark field = wire_reserve(out, 2);

	wire_nlri_copy(out, update->withdrawn);
	wire_close16(out, field);
	field = wire_reserve(out, 2);
	put_attrs(out, session, update);
	wire_close16(out, field);
	wire_nlri_copy(out, update->nlri);
	wire_message_end(out, start, session->extended);
}
