/* SPDX-License-Identifier: GPL-2.0-or-later */
/* OPEN (RFC 4271 sections 4.2 and 6.2, RFC 9072) and its capabilities (RFC 5492). */
#include "wire_int.h"

#define VERSION 4U
#define PARAM_CAPABILITIES 2U
#define PARAM_EXTENDED_LENGTH 255U
#define GR_TIME_MASK 0xfffU
#define OPEN_MIN (WIRE_HEADER_LEN + 10U)

enum open_error {
	UNSPECIFIC = 0,
	UNSUPPORTED_VERSION = 1,
	BAD_PEER_AS = 2,
	BAD_IDENTIFIER = 3,
	UNSUPPORTED_PARAMETER = 4,
	UNACCEPTABLE_HOLD_TIME = 6,
	ROLE_MISMATCH = 11,
};

struct verdict {
	enum open_error subcode;
	const char *clause; /* NULL: all is well */
};

#define WELL ((struct verdict){UNSPECIFIC, NULL})
#define MALFORMED ((struct verdict){UNSPECIFIC, "RFC 4271 section 6.2"})

/* Keeps a family once; said again, the later flags count. */
static void add_family(struct wire_family *families, uint8_t *count, struct wire_family family)
{
	for (size_t i = 0; i < *count; i++) {
		if (families[i].afi == family.afi && families[i].safi == family.safi) {
			families[i] = family;
			return;
		}
	}
	if (*count < WIRE_FAMILIES_MAX)
		families[(*count)++] = family;
}

static void read_families(struct wire_in value, struct wire_family *families, uint8_t *count)
{
	while (wire_more(&value)) {
		struct wire_family family = {.afi = wire_u16(&value)};

		family.safi = wire_u8(&value);
		family.flags = wire_u8(&value);
		if (!value.bad)
			add_family(families, count, family);
	}
}

static struct verdict read_mp(struct wire_in value, struct wire_caps *caps)
{
	struct wire_family family = {.afi = wire_u16(&value)};

	wire_skip(&value, 1);
	family.safi = wire_u8(&value);
	add_family(caps->mp, &caps->mp_count, family);
	return WELL;
}

static struct verdict read_route_refresh(struct wire_in value, struct wire_caps *caps)
{
	(void)value;
	caps->route_refresh = true;
	return WELL;
}

static struct verdict read_enhanced_refresh(struct wire_in value, struct wire_caps *caps)
{
	(void)value;
	caps->enhanced_refresh = true;
	return WELL;
}

static struct verdict read_extended_message(struct wire_in value, struct wire_caps *caps)
{
	(void)value;
	caps->extended_message = true;
	return WELL;
}

static struct verdict read_role(struct wire_in value, struct wire_caps *caps)
{
	uint8_t role = wire_u8(&value);

	if (caps->role_present && caps->role != role)
		return (struct verdict){ROLE_MISMATCH, "RFC 9234 section 4.2"};
	caps->role_present = true;
	caps->role = role;
	return WELL;
}

static struct verdict read_graceful_restart(struct wire_in value, struct wire_caps *caps)
{
	uint16_t flags_and_time = wire_u16(&value);

	caps->gr_present = true;
	caps->gr_flags = (uint8_t)(flags_and_time >> 12);
	caps->gr_time_s = flags_and_time & GR_TIME_MASK;
	read_families(value, caps->gr, &caps->gr_count);
	return WELL;
}

static struct verdict read_as4(struct wire_in value, struct wire_caps *caps)
{
	caps->as4_present = true;
	caps->as4 = wire_u32(&value);
	if (caps->as4 == 0)
		return (struct verdict){BAD_PEER_AS, "RFC 7607 section 2"};
	return WELL;
}

static struct verdict read_add_path(struct wire_in value, struct wire_caps *caps)
{
	read_families(value, caps->add_path, &caps->add_path_count);
	return WELL;
}

/* RFC 8950 section 4: AFI, SAFI (two octets here), next hop AFI; what is not IPv4 unicast over IPv6 does not concern us. */
static struct verdict read_extended_next_hop(struct wire_in value, struct wire_caps *caps)
{
	while (wire_more(&value)) {
		uint16_t afi = wire_u16(&value), safi = wire_u16(&value), hop = wire_u16(&value);

		if (afi == WIRE_AFI_IPV4 && safi == WIRE_SAFI_UNICAST && hop == WIRE_AFI_IPV6)
			caps->extended_next_hop = true;
	}
	return WELL;
}

static struct verdict read_long_lived(struct wire_in value, struct wire_caps *caps)
{
	while (wire_more(&value) && caps->long_lived_count < WIRE_FAMILIES_MAX) {
		struct wire_long_lived *family = &caps->long_lived[caps->long_lived_count++];

		family->afi = wire_u16(&value);
		family->safi = wire_u8(&value);
		family->flags = wire_u8(&value);
		family->stale_s = (uint32_t)wire_u8(&value) << 16;
		family->stale_s |= wire_u16(&value);
	}
	return WELL;
}

/* A value is min octets and then any number of units; unit 0: nothing more. */
static const struct {
	uint8_t min;
	uint8_t unit;
	struct verdict (*read)(struct wire_in value, struct wire_caps *caps);
} readers[] = {
	[WIRE_CAP_MP] = {4, 0, read_mp},
	[WIRE_CAP_ROUTE_REFRESH] = {0, 0, read_route_refresh},
	[WIRE_CAP_EXTENDED_NEXT_HOP] = {0, 6, read_extended_next_hop},
	[WIRE_CAP_EXTENDED_MESSAGE] = {0, 0, read_extended_message},
	[WIRE_CAP_ROLE] = {1, 0, read_role},
	[WIRE_CAP_GRACEFUL_RESTART] = {2, 4, read_graceful_restart},
	[WIRE_CAP_AS4] = {4, 0, read_as4},
	[WIRE_CAP_ADD_PATH] = {0, 4, read_add_path},
	[WIRE_CAP_ENHANCED_REFRESH] = {0, 0, read_enhanced_refresh},
	[WIRE_CAP_LONG_LIVED] = {0, 7, read_long_lived},
};

static struct verdict read_capability(uint8_t code, struct wire_in value, struct wire_caps *caps)
{
	size_t len = wire_left(&value);
	size_t over;

	if (code >= sizeof(readers) / sizeof(readers[0]) || readers[code].read == NULL)
		return WELL;
	if (len < readers[code].min)
		return MALFORMED;
	over = len - readers[code].min;
	if (over != 0 && (readers[code].unit == 0 || over % readers[code].unit != 0))
		return MALFORMED;
	return readers[code].read(value, caps);
}

/* One parameter holds any number of capabilities (RFC 5492 section 4). */
static struct verdict read_capabilities(struct wire_in param, struct wire_caps *caps)
{
	while (wire_more(&param)) {
		uint8_t code = wire_u8(&param);
		struct wire_in value = wire_sub(&param, wire_u8(&param));
		struct verdict v = MALFORMED;

		if (!value.bad)
			v = read_capability(code, value, caps);
		if (v.clause != NULL)
			return v;
	}
	return WELL;
}

static struct verdict read_params(struct wire_in *params, bool extended, struct wire_caps *caps)
{
	while (wire_more(params)) {
		uint8_t type = wire_u8(params);
		size_t len = extended ? wire_u16(params) : wire_u8(params);
		struct wire_in param = wire_sub(params, len);
		struct verdict v;

		if (param.bad)
			return MALFORMED;
		if (type != PARAM_CAPABILITIES)
			return (struct verdict){UNSUPPORTED_PARAMETER, "RFC 4271 section 6.2"};
		caps->any = true;
		v = read_capabilities(param, caps);
		if (v.clause != NULL)
			return v;
	}
	return WELL;
}

/* The view of all parameters; *ret_extended says that their lengths are two octets (RFC 9072 section 2). */
static struct wire_in params_view(struct wire_in *in, bool *ret_extended)
{
	size_t len = wire_u8(in);

	*ret_extended = len != 0 && wire_more(in) && in->at[0] == PARAM_EXTENDED_LENGTH;
	if (*ret_extended) {
		wire_skip(in, 1);
		len = wire_u16(in);
	}
	return wire_sub(in, len);
}

/* The rules that need no configuration, in the order of RFC 4271 section 6.2. */
static struct verdict check_fixed(const struct wire_open *open)
{
	if (open->version != VERSION)
		return (struct verdict){UNSUPPORTED_VERSION, "RFC 4271 section 6.2"};
	if (open->as16 == 0)
		return (struct verdict){BAD_PEER_AS, "RFC 7607 section 2"};
	if (open->hold_s == 1 || open->hold_s == 2)
		return (struct verdict){UNACCEPTABLE_HOLD_TIME, "RFC 4271 section 6.2"};
	if (open->id == 0)
		return (struct verdict){BAD_IDENTIFIER, "RFC 6286 section 2.2"};
	return WELL;
}

static struct wire_err open_error(struct verdict v, size_t offset)
{
	static const uint8_t newest_version[] = {0, VERSION};
	struct wire_err e = wire_fail(WIRE_RESET, WIRE_ERR_OPEN, (uint8_t)v.subcode, offset, v.clause);

	if (v.subcode == UNSUPPORTED_VERSION)
		wire_err_data(&e, newest_version, sizeof(newest_version));
	return e;
}

static size_t fixed_offset(enum open_error subcode)
{
	if (subcode == BAD_PEER_AS)
		return WIRE_HEADER_LEN + 1;
	if (subcode == UNACCEPTABLE_HOLD_TIME)
		return WIRE_HEADER_LEN + 3;
	return WIRE_HEADER_LEN + (subcode == BAD_IDENTIFIER ? 5 : 0);
}

struct wire_err wire_open_decode(struct wire_in message, struct wire_open *ret)
{
	struct wire_in in = message, params;
	struct wire_err e = wire_body(&in, WIRE_OPEN, OPEN_MIN);
	struct verdict v;

	*ret = (struct wire_open){0};
	if (e.treat != WIRE_OK)
		return e;
	ret->version = wire_u8(&in);
	ret->as16 = wire_u16(&in);
	ret->hold_s = wire_u16(&in);
	ret->id = wire_u32(&in);
	v = check_fixed(ret);
	if (v.clause != NULL)
		return open_error(v, fixed_offset(v.subcode));
	ret->params = params_view(&in, &ret->long_params);
	if (in.bad || wire_left(&in) > 0)
		return open_error(MALFORMED, WIRE_HEADER_LEN + 9);
	params = ret->params;
	v = read_params(&params, ret->long_params, &ret->caps);
	if (v.clause != NULL)
		return open_error(v, (size_t)(params.at - message.at));
	return (struct wire_err){0};
}

uint32_t wire_open_as(const struct wire_open *open)
{
	return open->caps.as4_present ? open->caps.as4 : open->as16;
}

void wire_cap_mp(struct wire_out *caps, uint16_t afi, uint8_t safi)
{
	wire_put8(caps, WIRE_CAP_MP);
	wire_put8(caps, 4);
	wire_put16(caps, afi);
	wire_put8(caps, 0);
	wire_put8(caps, safi);
}

void wire_cap_as4(struct wire_out *caps, uint32_t as)
{
	wire_put8(caps, WIRE_CAP_AS4);
	wire_put8(caps, 4);
	wire_put32(caps, as);
}

void wire_cap_flag(struct wire_out *caps, enum wire_cap_code code)
{
	wire_put8(caps, (uint64_t)code);
	wire_put8(caps, 0);
}

static void put_families(struct wire_out *caps, const struct wire_family *families, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		wire_put16(caps, families[i].afi);
		wire_put8(caps, families[i].safi);
		wire_put8(caps, families[i].flags);
	}
}

void wire_cap_graceful_restart(struct wire_out *caps, uint8_t flags, uint16_t time_s,
			       const struct wire_family *families, size_t n)
{
	struct wire_mark value;

	wire_put8(caps, WIRE_CAP_GRACEFUL_RESTART);
	value = wire_reserve(caps, 1);
	if (flags > 0xf || time_s > GR_TIME_MASK)
		caps->full = true;
	wire_put16(caps, (uint64_t)(flags & 0xf) << 12 | (time_s & GR_TIME_MASK));
	put_families(caps, families, n);
	wire_close8(caps, value);
}

void wire_cap_extended_next_hop(struct wire_out *caps)
{
	wire_put8(caps, WIRE_CAP_EXTENDED_NEXT_HOP);
	wire_put8(caps, 6);
	wire_put16(caps, WIRE_AFI_IPV4);
	wire_put16(caps, WIRE_SAFI_UNICAST);
	wire_put16(caps, WIRE_AFI_IPV6);
}

void wire_cap_role(struct wire_out *caps, uint8_t role)
{
	wire_put8(caps, WIRE_CAP_ROLE);
	wire_put8(caps, 1);
	wire_put8(caps, role);
}

void wire_cap_add_path(struct wire_out *caps, const struct wire_family *families, size_t n)
{
	wire_put8(caps, WIRE_CAP_ADD_PATH);
	wire_put8(caps, n * 4);
	put_families(caps, families, n);
}

void wire_cap_long_lived(struct wire_out *caps, const struct wire_long_lived *families, size_t n)
{
	wire_put8(caps, WIRE_CAP_LONG_LIVED);
	wire_put8(caps, n * 7);
	for (size_t i = 0; i < n; i++) {
		wire_put16(caps, families[i].afi);
		wire_put8(caps, families[i].safi);
		wire_put8(caps, families[i].flags);
		if (families[i].stale_s >= 1U << 24)
			caps->full = true;
		wire_put8(caps, families[i].stale_s >> 16 & 0xff);
		wire_put16(caps, families[i].stale_s & 0xffff);
	}
}

static void put_params(struct wire_out *out, struct wire_in caps)
{
	size_t n = wire_left(&caps);

	if (n == 0) {
		wire_put8(out, 0);
	} else if (n + 2 <= UINT8_MAX) {
		wire_put8(out, n + 2);
		wire_put8(out, PARAM_CAPABILITIES);
		wire_put8(out, n);
	} else {
		wire_put8(out, PARAM_EXTENDED_LENGTH);
		wire_put8(out, PARAM_EXTENDED_LENGTH);
		wire_put16(out, n + 3);
		wire_put8(out, PARAM_CAPABILITIES);
		wire_put16(out, n);
	}
	wire_put(out, caps.at, n);
}

static size_t params_each_len(struct wire_in caps)
{
	size_t n = 0;

	while (wire_more(&caps)) {
		wire_skip(&caps, 1);
		wire_skip(&caps, wire_u8(&caps));
		n++;
	}
	return n * 2;
}

static void put_params_each(struct wire_out *out, struct wire_in caps)
{
	size_t all = wire_left(&caps) + params_each_len(caps);

	if (all > UINT8_MAX) {
		put_params(out, caps);
		return;
	}
	wire_put8(out, all);
	while (wire_more(&caps)) {
		uint8_t code = wire_u8(&caps);
		struct wire_in value = wire_sub(&caps, wire_u8(&caps));

		wire_put8(out, PARAM_CAPABILITIES);
		wire_put8(out, wire_left(&value) + 2);
		wire_put8(out, code);
		wire_put8(out, wire_left(&value));
		wire_put(out, value.at, wire_left(&value));
	}
}

static struct wire_mark put_fixed(struct wire_out *out, uint32_t as, uint16_t hold_s, uint32_t id)
{
	struct wire_mark start = wire_message_begin(out, WIRE_OPEN);

	wire_put8(out, VERSION);
	wire_put16(out, as <= UINT16_MAX ? as : WIRE_AS_TRANS);
	wire_put16(out, hold_s);
	wire_put32(out, id);
	return start;
}

void wire_open_encode(struct wire_out *out, uint32_t as, uint16_t hold_s, uint32_t id, struct wire_in caps)
{
	struct wire_mark start = put_fixed(out, as, hold_s, id);

	put_params(out, caps);
	wire_message_end(out, start, false);
}

void wire_open_encode_each(struct wire_out *out, uint32_t as, uint16_t hold_s, uint32_t id, struct wire_in caps)
{
	struct wire_mark start = put_fixed(out, as, hold_s, id);

	put_params_each(out, caps);
	wire_message_end(out, start, false);
}
