/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is encoded is read as it was meant: seeded random attributes and routes, in every kind of session. */
#include "message.h"

#include "rng.h"

#include <string.h>

#define PATH_MAX_HOPS 300U
#define COMMUNITIES_MAX 100U
#define ROUTES_MAX 400U

struct meant {
	struct wire_session session;
	struct wire_route_attrs attrs;
	uint32_t path[PATH_MAX_HOPS];
	uint32_t communities[COMMUNITIES_MAX];
	struct wire_route routes[ROUTES_MAX];
	size_t count;
	bool v6; /* routes */
};

static struct addr address_draw(struct rng *rng, bool v6)
{
	struct addr a = {.family = v6 ? ADDR_V6 : ADDR_V4};

	for (size_t i = 0; i < (v6 ? 16U : 4U); i++)
		a.b[i] = (uint8_t)rng_next(rng);
	return a;
}

/* Numbers of 16 bits and of 32, about as many of each. */
static uint32_t number_draw(struct rng *rng)
{
	return (uint32_t)(rng_next(rng) >> (rng_below(rng, 2) == 0 ? 32 : 48)) | 1;
}

static void meant_draw(struct meant *m, struct rng *rng)
{
	uint64_t bits = rng_next(rng);
	size_t hops = rng_below(rng, rng_below(rng, 10) == 0 ? PATH_MAX_HOPS : 8);

	m->v6 = (bits & 1) != 0;
	m->session = (struct wire_session){.as4 = (bits & 2) != 0,
					   .add_path_v4 = (bits & 4) != 0,
					   .add_path_v6 = (bits & 8) != 0,
					   .extended = true};
	m->attrs = (struct wire_route_attrs){.origin = (uint8_t)rng_below(rng, 3),
					     .wide_path = (bits & 16) != 0,
					     .as_path = m->path,
					     .as_count = hops,
					     .next_hop = address_draw(rng, m->v6 || (bits & 32) != 0),
					     .med_present = (bits & 64) != 0,
					     .local_pref_present = (bits & 128) != 0,
					     .med = number_draw(rng),
					     .local_pref = number_draw(rng),
					     .communities = m->communities,
					     .community_count = rng_below(rng, COMMUNITIES_MAX)};
	if (m->attrs.next_hop.family == ADDR_V4)
		m->attrs.next_hop.b[0] = (uint8_t)(1 + rng_below(rng, 223));
	for (size_t i = 0; i < hops; i++)
		m->path[i] = number_draw(rng);
	for (size_t i = 0; i < m->attrs.community_count; i++)
		m->communities[i] = number_draw(rng);
	m->count = 1 + rng_below(rng, ROUTES_MAX);
	for (size_t i = 0; i < m->count; i++) {
		struct addr a = address_draw(rng, m->v6);

		m->routes[i].path_id = number_draw(rng);
		m->routes[i].prefix = prefix_make(&a, (unsigned int)rng_below(rng, m->v6 ? 129 : 33));
	}
}

static void path_check(const struct meant *m, struct wire_in path, bool as4)
{
	struct wire_path_segment segment;
	size_t at = 0;

	while (wire_path_next(&path, as4, &segment)) {
		assert_int_equal(segment.type, WIRE_AS_SEQUENCE);
		while (wire_more(&segment.ases)) {
			uint32_t want = m->path[at++];

			assert_true(at <= m->attrs.as_count);
			assert_int_equal(wire_path_as(&segment), as4 || want <= UINT16_MAX ? want : WIRE_AS_TRANS);
		}
	}
	assert_int_equal(at, m->attrs.as_count);
}

static void path_is_as_meant(const struct meant *m, const struct wire_update *u)
{
	bool wide = false;

	for (size_t i = 0; i < m->attrs.as_count; i++)
		wide |= m->path[i] > UINT16_MAX;
	path_check(m, u->attrs.as_path, m->session.as4);
	/* RFC 6793 section 4.2.2: only where something would be lost */
	assert_int_equal(wire_attr_has(&u->attrs, WIRE_ATTR_AS4_PATH), wide && !m->session.as4);
	if (wide && !m->session.as4)
		path_check(m, u->attrs.as4_path, true);
}

static void routes_are_as_meant(const struct meant *m, const struct wire_update *u)
{
	bool mp = m->v6 || m->attrs.next_hop.family == ADDR_V6;
	bool add_path = m->v6 ? m->session.add_path_v6 : m->session.add_path_v4;
	struct wire_nlri nlri = mp ? u->mp_nlri : u->nlri;
	struct wire_route route;

	assert_int_equal(nlri.afi, m->v6 ? WIRE_AFI_IPV6 : WIRE_AFI_IPV4);
	for (size_t i = 0; i < m->count; i++) {
		assert_true(wire_nlri_next(&nlri, &route));
		assert_true(prefix_equal(&route.prefix, &m->routes[i].prefix));
		assert_int_equal(route.path_id, add_path ? m->routes[i].path_id : 0);
	}
	assert_false(wire_nlri_next(&nlri, &route));
	assert_false(wire_more(mp ? &u->nlri.bytes : &u->mp_nlri.bytes));
	/* RFC 7606 section 5.1: what announces stands first */
	if (mp)
		assert_int_equal(u->attrs_raw.at[1], WIRE_ATTR_MP_REACH);
}

static void read_is_as_meant(const struct meant *m, const struct wire_update *u)
{
	struct wire_in communities = u->attrs.communities;

	assert_int_equal(u->attrs.origin, m->attrs.origin);
	assert_true(addr_equal(&u->attrs.next_hop, &m->attrs.next_hop));
	assert_int_equal(wire_attr_has(&u->attrs, WIRE_ATTR_MED), m->attrs.med_present);
	assert_int_equal(u->attrs.med, m->attrs.med_present ? m->attrs.med : 0);
	assert_int_equal(wire_attr_has(&u->attrs, WIRE_ATTR_LOCAL_PREF), m->attrs.local_pref_present);
	assert_int_equal(u->attrs.local_pref, m->attrs.local_pref_present ? m->attrs.local_pref : 0);
	for (size_t i = 0; i < m->attrs.community_count; i++)
		assert_int_equal(wire_u32(&communities), m->communities[i]);
	assert_false(wire_more(&communities) || communities.bad);
	path_is_as_meant(m, u);
	routes_are_as_meant(m, u);
}

static void announcements_are_read_as_meant(void **state)
{
	static uint8_t bytes[WIRE_EXTENDED_MAX];
	static struct meant m;

	(void)state;
	for (uint64_t seed = 1; seed <= 3000; seed++) {
		struct rng rng = {.state = seed};
		struct wire_out out = wire_out_to(bytes, sizeof(bytes));
		struct wire_update u;

		meant_draw(&m, &rng);
		wire_update_encode(&out, &m.session, &m.attrs, m.routes, m.count);
		assert_false(out.full);
		if (wire_update_decode(wire_in_of(bytes, out.len), &m.session, &u).treat != WIRE_OK)
			fail_msg("seed %lu: refused", (unsigned long)seed);
		read_is_as_meant(&m, &u);
	}
}

static void withdrawals_are_read_as_meant(void **state)
{
	static uint8_t bytes[WIRE_EXTENDED_MAX];
	static struct meant m;

	(void)state;
	for (uint64_t seed = 1; seed <= 1000; seed++) {
		struct rng rng = {.state = seed};
		struct wire_out out = wire_out_to(bytes, sizeof(bytes));
		struct wire_update u;
		struct wire_nlri nlri;
		struct wire_route route;
		size_t n = 0;

		meant_draw(&m, &rng);
		wire_withdraw_encode(&out, &m.session, m.v6 ? WIRE_AFI_IPV6 : WIRE_AFI_IPV4, m.routes, m.count);
		assert_false(out.full);
		assert_int_equal(wire_update_decode(wire_in_of(bytes, out.len), &m.session, &u).treat, WIRE_OK);
		nlri = m.v6 ? u.mp_withdrawn : u.withdrawn;
		while (wire_nlri_next(&nlri, &route))
			assert_true(prefix_equal(&route.prefix, &m.routes[n++].prefix));
		assert_int_equal(n, m.count);
		assert_false(u.end_of_rib);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(announcements_are_read_as_meant),
		cmocka_unit_test(withdrawals_are_read_as_meant),
	};

	return cmocka_run_group_tests_name("wire: random UPDATEs written", tests, NULL, NULL);
}
