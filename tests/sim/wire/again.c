/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "again.h"

static uint8_t written[WIRE_EXTENDED_MAX];

static bool view_same(struct wire_in a, struct wire_in b)
{
	size_t n = wire_left(&a);

	return n == wire_left(&b) && (n == 0 || memcmp(a.at, b.at, n) == 0);
}

static bool written_same(struct wire_in message, const struct wire_out *out)
{
	return view_same(message, wire_in_of(out->bytes, out->len));
}

/* ---- UPDATE: what was read ---- */

static bool nlri_same(struct wire_nlri a, struct wire_nlri b)
{
	struct wire_route x, y;
	bool more;

	if (a.afi != b.afi || a.safi != b.safi || a.add_path != b.add_path)
		return false;
	if ((a.afi != WIRE_AFI_IPV4 && a.afi != WIRE_AFI_IPV6) || a.safi != WIRE_SAFI_UNICAST)
		return view_same(a.bytes, b.bytes);
	do {
		more = wire_nlri_next(&a, &x);
		if (more != wire_nlri_next(&b, &y))
			return false;
		if (more && (x.path_id != y.path_id || !prefix_equal(&x.prefix, &y.prefix)))
			return false;
	} while (more);
	return !a.bytes.bad && !b.bytes.bad;
}

static const char *attrs_difference(const struct wire_attrs *a, const struct wire_attrs *b)
{
	const struct {
		const char *name;
		bool same;
	} fields[] = {
		{"present", a->present == b->present},
		{"origin", a->origin == b->origin},
		{"atomic_aggregate", a->atomic_aggregate == b->atomic_aggregate},
		{"as4", a->as4 == b->as4},
		{"as_path", view_same(a->as_path, b->as_path)},
		{"as4_path", view_same(a->as4_path, b->as4_path)},
		{"next_hop", addr_equal(&a->next_hop, &b->next_hop)},
		{"classic_next_hop", addr_equal(&a->classic_next_hop, &b->classic_next_hop)},
		{"mp_next_hop", addr_equal(&a->mp_next_hop, &b->mp_next_hop)},
		{"mp_hop", view_same(a->mp_hop, b->mp_hop)},
		{"med", a->med == b->med},
		{"local_pref", a->local_pref == b->local_pref},
		{"aggregator_as", a->aggregator_as == b->aggregator_as},
		{"aggregator", addr_equal(&a->aggregator, &b->aggregator)},
		{"originator_id", a->originator_id == b->originator_id},
		{"cluster_list", view_same(a->cluster_list, b->cluster_list)},
		{"communities", view_same(a->communities, b->communities)},
		{"ext_communities", view_same(a->ext_communities, b->ext_communities)},
		{"large_communities", view_same(a->large_communities, b->large_communities)},
		{"otc", a->otc == b->otc},
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (!fields[i].same)
			return fields[i].name;
	return NULL;
}

static const char *update_difference(const struct wire_update *a, const struct wire_update *b, bool discarded)
{
	if (!nlri_same(a->withdrawn, b->withdrawn))
		return "withdrawn";
	if (!nlri_same(a->nlri, b->nlri))
		return "nlri";
	if (!nlri_same(a->mp_withdrawn, b->mp_withdrawn))
		return "mp_withdrawn";
	if (!nlri_same(a->mp_nlri, b->mp_nlri))
		return "mp_nlri";
	/* what is left when all was discarded looks like one */
	if (!discarded && (a->end_of_rib != b->end_of_rib || a->eor_afi != b->eor_afi || a->eor_safi != b->eor_safi))
		return "end_of_rib";
	return attrs_difference(&a->attrs, &b->attrs);
}

/* ---- UPDATE: the form ---- */

static bool routes_canonical(struct wire_nlri nlri)
{
	struct wire_in raw = nlri.bytes;
	struct wire_route r;

	while (wire_nlri_next(&nlri, &r)) {
		size_t n = (r.prefix.len + 7U) / 8;

		wire_skip(&raw, nlri.add_path ? 5 : 1);
		if (memcmp(wire_take(&raw, n), r.prefix.addr.b, n) != 0)
			return false; /* a host bit is set */
	}
	return true;
}

/* RFC 4271 section 4.3 and appendix F.3; RFC 4760 section 3's reserved octet. */
static bool list_canonical(struct wire_in in)
{
	uint64_t seen[4] = {0};

	while (wire_more(&in)) {
		uint8_t flags = wire_u8(&in), code = wire_u8(&in);
		bool extended = (flags & WIRE_FLAG_EXTENDED) != 0;
		size_t len = extended ? wire_u16(&in) : wire_u8(&in);
		struct wire_in value = wire_sub(&in, len);

		if ((seen[code / 64] >> code % 64 & 1) != 0 || extended != (len > UINT8_MAX) || (flags & 0xf) != 0)
			return false;
		if ((flags & WIRE_FLAG_PARTIAL) != 0 && (flags & 0xc0) != 0xc0)
			return false;
		if (code == WIRE_ATTR_MP_REACH && value.at[4 + value.at[3]] != 0)
			return false;
		seen[code / 64] |= UINT64_C(1) << code % 64;
	}
	return true;
}

static bool has_raw(struct wire_in in, uint8_t wanted)
{
	while (wire_more(&in)) {
		uint8_t flags = wire_u8(&in), code = wire_u8(&in);

		if (code == wanted)
			return true;
		wire_skip(&in, (flags & WIRE_FLAG_EXTENDED) != 0 ? wire_u16(&in) : wire_u8(&in));
	}
	return false;
}

static bool update_canonical(const struct wire_update *u)
{
	bool as4 = has_raw(u->attrs_raw, WIRE_ATTR_AS4_PATH) || has_raw(u->attrs_raw, WIRE_ATTR_AS4_AGGREGATOR);

	/* beside an AGGREGATOR these may be stale, and two aggregators may differ in their addresses */
	return list_canonical(u->attrs_raw) && !(as4 && has_raw(u->attrs_raw, WIRE_ATTR_AGGREGATOR)) &&
	       routes_canonical(u->withdrawn) && routes_canonical(u->nlri) && routes_canonical(u->mp_nlri) &&
	       routes_canonical(u->mp_withdrawn);
}

struct again again_update(struct wire_in message, const struct wire_session *session)
{
	struct wire_out out = wire_out_to(written, sizeof(written));
	struct again result = {0};
	struct wire_update first, second;
	struct wire_err e = wire_update_decode(message, session, &first);

	if (e.treat >= WIRE_TREAT_AS_WITHDRAW)
		return result;
	result.taken = true;
	result.canonical = e.treat == WIRE_OK && update_canonical(&first);
	wire_update_write(&out, session, &first);
	if (out.full)
		result.differs = "it did not fit";
	else if (wire_update_decode(wire_in_of(out.bytes, out.len), session, &second).treat != WIRE_OK)
		result.differs = "it is refused";
	else
		result.differs = update_difference(&first, &second, e.treat == WIRE_ATTRIBUTE_DISCARD);
	if (result.differs == NULL && result.canonical && !written_same(message, &out))
		result.differs = "octets";
	return result;
}

/* ---- OPEN: each capability written from what was read of it ---- */

/* Capabilities in the sender's order; those that may hold a list stand where the first of them stood. */
struct rewrite {
	struct wire_out *out;
	const struct wire_caps *caps;
	bool listed[256]; /* by code */
	bool canonical;
};

static bool mp_kept(const struct wire_caps *caps, uint16_t afi, uint8_t safi)
{
	for (size_t i = 0; i < caps->mp_count; i++)
		if (caps->mp[i].afi == afi && caps->mp[i].safi == safi)
			return true;
	return false;
}

static void put_mp(struct rewrite *r, struct wire_in value)
{
	uint16_t afi = wire_u16(&value);

	r->canonical &= wire_u8(&value) == 0;
	if (mp_kept(r->caps, afi, value.at[0]))
		wire_cap_mp(r->out, afi, value.at[0]);
	else
		r->canonical = false; /* more families than the decoder has room for */
}

static void put_raw(struct rewrite *r, uint8_t code, struct wire_in value)
{
	wire_put8(r->out, code);
	wire_put8(r->out, wire_left(&value));
	wire_put(r->out, value.at, wire_left(&value));
}

static size_t list_len(const struct wire_caps *caps, uint8_t code)
{
	if (code == WIRE_CAP_GRACEFUL_RESTART)
		return 2 + 4U * caps->gr_count;
	return code == WIRE_CAP_ADD_PATH ? 4U * caps->add_path_count : 7U * caps->long_lived_count;
}

static void put_list(struct rewrite *r, uint8_t code, struct wire_in value)
{
	const struct wire_caps *caps = r->caps;

	/* a family that stands there twice is kept once */
	r->canonical &= !r->listed[code] && wire_left(&value) == list_len(caps, code);
	if (r->listed[code])
		return;
	r->listed[code] = true;
	if (code == WIRE_CAP_GRACEFUL_RESTART)
		wire_cap_graceful_restart(r->out, caps->gr_flags, caps->gr_time_s, caps->gr, caps->gr_count);
	else if (code == WIRE_CAP_ADD_PATH)
		wire_cap_add_path(r->out, caps->add_path, caps->add_path_count);
	else
		wire_cap_long_lived(r->out, caps->long_lived, caps->long_lived_count);
}

static void put_cap(struct rewrite *r, uint8_t code, struct wire_in value)
{
	switch (code) {
	case WIRE_CAP_MP:
		put_mp(r, value);
		return;
	case WIRE_CAP_AS4:
		r->canonical &= wire_u32(&value) == r->caps->as4; /* of two the later counts */
		wire_cap_as4(r->out, r->caps->as4);
		return;
	case WIRE_CAP_ROUTE_REFRESH:
	case WIRE_CAP_EXTENDED_MESSAGE:
	case WIRE_CAP_ENHANCED_REFRESH:
		wire_cap_flag(r->out, (enum wire_cap_code)code);
		return;
	case WIRE_CAP_GRACEFUL_RESTART:
	case WIRE_CAP_ADD_PATH:
	case WIRE_CAP_LONG_LIVED:
		put_list(r, code, value);
		return;
	case WIRE_CAP_ROLE:
		wire_cap_role(r->out, r->caps->role);
		return;
	case WIRE_CAP_EXTENDED_NEXT_HOP:
		r->canonical &= wire_left(&value) == 6;
		if (!r->caps->extended_next_hop)
			put_raw(r, code, value);
		else
			wire_cap_extended_next_hop(r->out);
		return;
	default:
		put_raw(r, code, value);
	}
}

/* How the sender had its capabilities: all in one parameter, each in its own, or otherwise. */
struct form {
	size_t params, caps;
	bool each; /* no parameter has more or less than one */
};

static struct form put_caps(struct rewrite *r, const struct wire_open *open)
{
	struct form form = {.each = true};
	struct wire_in params = open->params;

	while (wire_more(&params)) {
		struct wire_in param;
		size_t n = 0;

		wire_skip(&params, 1);
		param = wire_sub(&params, open->long_params ? wire_u16(&params) : wire_u8(&params));
		while (wire_more(&param)) {
			uint8_t code = wire_u8(&param);

			put_cap(r, code, wire_sub(&param, wire_u8(&param)));
			n++;
		}
		form.params++;
		form.caps += n;
		form.each &= n == 1;
	}
	return form;
}

static bool families_same(const struct wire_family *a, uint8_t a_count, const struct wire_family *b, uint8_t b_count)
{
	if (a_count != b_count)
		return false;
	for (size_t i = 0; i < a_count; i++)
		if (a[i].afi != b[i].afi || a[i].safi != b[i].safi || a[i].flags != b[i].flags)
			return false;
	return true;
}

static bool long_lived_same(const struct wire_caps *a, const struct wire_caps *b)
{
	if (a->long_lived_count != b->long_lived_count)
		return false;
	for (size_t i = 0; i < a->long_lived_count; i++) {
		const struct wire_long_lived *x = &a->long_lived[i], *y = &b->long_lived[i];

		if (x->afi != y->afi || x->safi != y->safi || x->flags != y->flags || x->stale_s != y->stale_s)
			return false;
	}
	return true;
}

static const char *open_difference(const struct wire_open *x, const struct wire_open *y)
{
	const struct wire_caps *a = &x->caps, *b = &y->caps;

	if (x->version != y->version || x->as16 != y->as16 || x->hold_s != y->hold_s || x->id != y->id)
		return "the fixed part";
	if (a->route_refresh != b->route_refresh || a->enhanced_refresh != b->enhanced_refresh ||
	    a->extended_message != b->extended_message || a->extended_next_hop != b->extended_next_hop)
		return "flags";
	if (a->as4_present != b->as4_present || a->as4 != b->as4)
		return "as4";
	if (a->gr_present != b->gr_present || a->gr_flags != b->gr_flags || a->gr_time_s != b->gr_time_s ||
	    !families_same(a->gr, a->gr_count, b->gr, b->gr_count))
		return "graceful restart";
	if (!families_same(a->mp, a->mp_count, b->mp, b->mp_count))
		return "mp";
	if (!families_same(a->add_path, a->add_path_count, b->add_path, b->add_path_count))
		return "add_path";
	if (a->role_present != b->role_present || a->role != b->role)
		return "role";
	return long_lived_same(a, b) ? NULL : "long_lived";
}

static struct again again_open(struct wire_in message)
{
	static uint8_t caps_bytes[WIRE_MESSAGE_MAX];
	struct wire_out caps = wire_out_to(caps_bytes, sizeof(caps_bytes)), out = wire_out_to(written, sizeof(written));
	struct again result = {0};
	struct wire_open first, second;
	struct rewrite rewrite = {.out = &caps, .caps = &first.caps, .canonical = true};
	struct form form;
	bool long_needed;

	if (wire_open_decode(message, &first).treat != WIRE_OK)
		return result;
	result.taken = true;
	form = put_caps(&rewrite, &first);
	if (form.each)
		wire_open_encode_each(&out, first.as16, first.hold_s, first.id, wire_in_of(caps.bytes, caps.len));
	else
		wire_open_encode(&out, first.as16, first.hold_s, first.id, wire_in_of(caps.bytes, caps.len));
	long_needed = caps.len + 2 * (form.each ? form.caps : 1) > UINT8_MAX;
	result.canonical = rewrite.canonical && (form.each || (form.params == 1 && form.caps > 0)) &&
			   first.long_params == long_needed && !(long_needed && form.params > 1);
	if (caps.full || out.full)
		result.differs = "it did not fit";
	else if (wire_open_decode(wire_in_of(out.bytes, out.len), &second).treat != WIRE_OK)
		result.differs = "it is refused";
	else
		result.differs = open_difference(&first, &second);
	if (result.differs == NULL && result.canonical && !written_same(message, &out))
		result.differs = "octets";
	return result;
}

/* ---- The small kinds ---- */

static struct again again_notification(struct wire_in message)
{
	struct wire_out out = wire_out_to(written, sizeof(written));
	struct again result = {0};
	struct wire_notification n;

	/* ours are never longer than RFC 4271 allows */
	if (wire_notification_decode(message, &n).treat != WIRE_OK || wire_left(&message) > WIRE_MESSAGE_MAX)
		return result;
	wire_notification_encode(&out, n.code, n.subcode, n.data);
	result = (struct again){.taken = true, .canonical = true};
	if (out.full || !written_same(message, &out))
		result.differs = "octets";
	return result;
}

static struct again again_refresh(struct wire_in message)
{
	struct wire_out out = wire_out_to(written, sizeof(written));
	struct again result = {0};
	struct wire_refresh first, second;

	if (wire_refresh_decode(message, &first).treat != WIRE_OK)
		return result;
	wire_refresh_encode(&out, &first);
	result = (struct again){.taken = true, .canonical = wire_left(&message) == WIRE_HEADER_LEN + 4};
	if (out.full || wire_refresh_decode(wire_in_of(out.bytes, out.len), &second).treat != WIRE_OK)
		result.differs = "it is refused";
	else if (first.afi != second.afi || first.subtype != second.subtype || first.safi != second.safi)
		result.differs = "a field";
	else if (result.canonical && !written_same(message, &out))
		result.differs = "octets";
	return result;
}

struct again again_other(struct wire_in message)
{
	struct wire_out out = wire_out_to(written, sizeof(written));

	switch (message.at[18]) {
	case WIRE_OPEN:
		return again_open(message);
	case WIRE_NOTIFICATION:
		return again_notification(message);
	case WIRE_ROUTE_REFRESH:
		return again_refresh(message);
	default:
		wire_keepalive_encode(&out);
		return (struct again){
			.taken = true, .canonical = true, .differs = written_same(message, &out) ? NULL : "octets"};
	}
}
