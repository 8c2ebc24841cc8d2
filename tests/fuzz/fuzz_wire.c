/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every decoder of sim/wire, its writers, the text of paths, and the tag of flows. The first octet chooses what the session agreed on. */
#include "fuzz.h"

#include "../sim/wire/again.h"

static void routes_walk(struct wire_nlri nlri)
{
	struct wire_route r;

	while (wire_nlri_next(&nlri, &r))
		FUZZ_MUST(r.prefix.len <= (r.prefix.addr.family == ADDR_V4 ? 32 : 128));
}

static void path_walk(struct wire_in path, bool as4)
{
	struct wire_path_segment segment;
	struct wire_in left = path;
	char text[64];

	(void)wire_path_length(path, as4);
	(void)wire_path_contains(path, as4, 22000);
	wire_path_text(path, as4, text, sizeof(text));
	while (wire_path_next(&left, as4, &segment)) {
		while (wire_path_as(&segment) != 0)
			;
	}
}

static void update_look(struct wire_in message, const struct wire_session *session)
{
	struct wire_update u;
	struct wire_err e = wire_update_decode(message, session, &u);

	FUZZ_MUST(e.treat <= WIRE_RESET);
	FUZZ_MUST((e.treat == WIRE_OK) == (e.clause == NULL));
	if (e.treat == WIRE_RESET)
		return;
	routes_walk(u.withdrawn);
	routes_walk(u.nlri);
	routes_walk(u.mp_withdrawn);
	routes_walk(u.mp_nlri);
	path_walk(u.attrs.as_path, u.attrs.as4);
	path_walk(u.attrs.as4_path, true);
}

static void written_again(struct wire_in message, const struct wire_session *session)
{
	struct again a = message.at[18] == WIRE_UPDATE ? again_update(message, session) : again_other(message);

	FUZZ_MUST(a.differs == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	uint8_t flags = n > 0 ? bytes[0] : 0;
	struct wire_session session = {.as4 = (flags & 1) != 0,
				       .add_path_v4 = (flags & 2) != 0,
				       .add_path_v6 = (flags & 4) != 0,
				       .extended = (flags & 8) != 0,
				       .ebgp = (flags & 16) != 0};
	struct wire_in message = n > 0 ? wire_in_of(bytes + 1, n - 1) : wire_in_of(NULL, 0);
	struct wire_notification notification;
	struct wire_refresh refresh;
	struct wire_flowtag tag;
	struct wire_open open;
	size_t len = 0;
	uint8_t type;

	(void)wire_frame(message.at, wire_left(&message), session.extended, &len, &type);
	FUZZ_MUST(len <= wire_left(&message));
	if (len > 0)
		written_again(wire_in_of(message.at, len), &session);
	update_look(message, &session);
	if (wire_open_decode(message, &open).treat == WIRE_OK)
		(void)wire_open_as(&open);
	(void)wire_notification_decode(message, &notification);
	(void)wire_refresh_decode(message, &refresh);
	(void)wire_flowtag_decode(message, &tag);
	return 0;
}
