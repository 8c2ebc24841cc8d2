/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of a learned route on its way to a group of peers (RFC 4271 sections 5.1 and 9.1.3). */
#include "bgp_int.h"

#include <stdlib.h>

/* RFC 1997 */
#define NO_EXPORT 0xffffff01U
#define NO_ADVERTISE 0xffffff02U
#define NO_EXPORT_SUBCONFED 0xffffff03U

#define NON_TRANSITIVE_COMMUNITY 0x40U /* RFC 4360 section 2 */

static bool has_otc(const struct attrs *a)
{
	struct wire_in otc = attrs_extra_value(a, WIRE_ATTR_OTC);

	return wire_more(&otc);
}

/* RFC 9234 section 5: a unicast route that is for customers only does not go up, nor across. */
static bool kept_from(const struct out_group *g, enum family f, const struct attrs *a)
{
	if (!g->key.external || family_is_other(f))
		return false;
	if (g->key.role != BGP_ROLE_CUSTOMER && g->key.role != BGP_ROLE_PEER && g->key.role != BGP_ROLE_RS_CLIENT)
		return false;
	return has_otc(a);
}

static bool may_pass(const struct out_group *g, enum family f, const struct candidate *path)
{
	const struct attrs *a = path->attrs;
	const struct peer *from = path->source->peer;

	/* RFC 4271 section 9.2: inside, who learned a route tells everybody himself. */
	if (from->conf.remote_as == from->conf.local_as && !g->key.external)
		return false;
	if (attrs_has_community(a, NO_ADVERTISE))
		return false;
	if (g->key.external && (attrs_has_community(a, NO_EXPORT) || attrs_has_community(a, NO_EXPORT_SUBCONFED)))
		return false;
	/* RFC 9494 section 4.3 */
	if (!g->key.knows_long_lived && attrs_has_community(a, LLGR_STALE))
		return false;
	/* RFC 9774 section 3: AS_SETs are not to be advertised. */
	return a->plain && !kept_from(g, f, a);
}

/* RFC 4271 section 5.1.2: our AS leads the first sequence, or a new one where that is full. */
static void gather_path(const struct out_group *g, const struct attrs *a)
{
	struct bgp_speaker *s = g->speaker;
	struct wire_in path = attrs_path(a), rest = path;
	uint8_t type = wire_u8(&rest), count = wire_u8(&rest);
	uint32_t as = g->key.local_as;
	uint8_t own[] = {WIRE_AS_SEQUENCE,   1,		 (uint8_t)(as >> 24), (uint8_t)(as >> 16),
			 (uint8_t)(as >> 8), (uint8_t)as};

	VEC_CLEAR(&s->bytes);
	if (g->key.external && !rest.bad && type == WIRE_AS_SEQUENCE && count < UINT8_MAX) {
		own[1] = (uint8_t)(count + 1);
		path = rest;
	}
	if (g->key.external)
		octets_put(&s->bytes, own, sizeof(own));
	octets_put(&s->bytes, path.at, wire_left(&path));
}

/* Extended communities without those that stay within an AS. */
static void put_transitive(struct bgp_speaker *s, uint8_t flags, struct wire_in value)
{
	size_t start = s->extra.len, n = 0;
	uint8_t head[] = {flags | WIRE_FLAG_EXTENDED, WIRE_ATTR_EXT_COMMUNITIES, 0, 0};

	octets_put(&s->extra, head, sizeof(head));
	while (wire_left(&value) >= 8) {
		struct wire_in one = wire_sub(&value, 8);

		if ((one.at[0] & NON_TRANSITIVE_COMMUNITY) != 0)
			continue;
		octets_put(&s->extra, one.at, 8);
		n += 8;
	}
	s->extra.at[start + 2] = (uint8_t)(n >> 8);
	s->extra.at[start + 3] = (uint8_t)n;
	if (n == 0)
		s->extra.len = start;
}

size_t export_otc(const struct out_group *g, uint8_t *ret)
{
	struct wire_out out = wire_out_to(ret, EXPORT_OTC_LEN);

	if (!g->key.external ||
	    (g->key.role != BGP_ROLE_PROVIDER && g->key.role != BGP_ROLE_PEER && g->key.role != BGP_ROLE_RS))
		return 0;
	wire_put8(&out, WIRE_FLAG_OPTIONAL | WIRE_FLAG_TRANSITIVE);
	wire_put8(&out, WIRE_ATTR_OTC);
	wire_put8(&out, 4);
	wire_put32(&out, g->key.local_as);
	return out.len;
}

static void gather_extra(const struct out_group *g, enum family f, const struct attrs *a)
{
	struct bgp_speaker *s = g->speaker;
	struct wire_in extra = attrs_extra(a);
	uint8_t otc[EXPORT_OTC_LEN];

	VEC_CLEAR(&s->extra);
	if (!g->key.external) {
		octets_put(&s->extra, extra.at, wire_left(&extra));
		return;
	}
	while (wire_more(&extra)) {
		const uint8_t *start = extra.at;
		uint8_t flags = wire_u8(&extra), code = wire_u8(&extra);
		size_t len = (flags & WIRE_FLAG_EXTENDED) != 0 ? wire_u16(&extra) : wire_u8(&extra);
		struct wire_in value = wire_sub(&extra, len);

		if (code == WIRE_ATTR_EXT_COMMUNITIES)
			put_transitive(s, flags, value);
		else
			octets_put(&s->extra, start, (size_t)(extra.at - start));
	}
	if (!has_otc(a) && !family_is_other(f))
		octets_put(&s->extra, otc, export_otc(g, otc));
}

void export_shutdown(const struct out_group *g, struct attrs_key *key)
{
	struct bgp_speaker *s = g->speaker;
	bool there = false;

	if (!g->key.graceful_shutdown)
		return;
	for (size_t i = 0; i < s->words.len; i++)
		there |= s->words.at[i] == GRACEFUL_SHUTDOWN;
	if (g->key.external && !there)
		VEC_PUSH(&s->words, GRACEFUL_SHUTDOWN);
	if (!g->key.external)
		key->local_pref = 0;
}

static void gather_communities(struct bgp_speaker *s, const struct attrs *a)
{
	VEC_CLEAR(&s->words);
	for (uint32_t i = 0; i < a->key.community_count; i++)
		VEC_PUSH(&s->words, a->communities[i]);
}

/* Outside: our AS leads, we are the next hop, MED and LOCAL_PREF stay inside. Inside: as it came. The next hop of another
 * family stays what it is, a third party (RFC 4271 section 5.1.3), since labels and the like mean something to it alone. */
static void fill_key(const struct out_group *g, enum family f, const struct attrs *a, struct attrs_key *k)
{
	*k = a->key;
	k->originator_present = false;
	k->originator_id = 0;
	k->bandwidth = 0;
	k->clusters = 0;
	if (g->key.external) {
		k->next_hop = family_is_other(f) ? k->next_hop : g->key.local;
		k->med_present = k->local_pref_present = false;
		k->med = k->local_pref = 0;
	} else if (!k->local_pref_present) {
		k->local_pref_present = true;
		k->local_pref = DEFAULT_LOCAL_PREF;
	}
}

static bool next_hop_fits(const struct out_group *g, enum family f, const struct addr *next_hop)
{
	return family_is_other(f) || next_hop->family == family_address(f) ||
	       (f == FAMILY_V4 && g->key.extended_next_hop);
}

static struct attrs *passed_on(const struct out_group *g, enum family f, const struct attrs *a)
{
	struct bgp_speaker *s = g->speaker;
	struct attrs_spec spec;

	memset(&spec, 0, sizeof(spec));
	fill_key(g, f, a, &spec.key);
	if (!next_hop_fits(g, f, &spec.key.next_hop))
		return NULL;
	gather_path(g, a);
	gather_communities(s, a);
	export_shutdown(g, &spec.key);
	gather_extra(g, f, a);
	spec.key.path_len = (uint32_t)s->bytes.len;
	spec.key.community_count = (uint32_t)s->words.len;
	spec.key.extra_len = (uint32_t)s->extra.len;
	spec.path = s->bytes.at;
	spec.communities = s->words.at;
	spec.extra = s->extra.at;
	spec.hop = attrs_hop(a).at;
	spec.nlri = attrs_nlri(a).at;
	return attrs_intern(s, &spec);
}

void export_memo_clear(struct out_group *g)
{
	for (size_t i = 0; g->memo != NULL && i < EXPORT_MEMO; i++) {
		attrs_release(g->speaker, g->memo[i].from);
		attrs_release(g->speaker, g->memo[i].to);
	}
	free(g->memo);
	g->memo = NULL;
}

/* Routes of equal attributes come one after the other, so that most have been made before. */
struct attrs *export_attrs(struct out_group *g, enum family f, const struct candidate *path)
{
	struct attrs *from = attrs_at(&g->speaker->attrs, path->attrs->number);
	struct export_memo *m;

	if (!may_pass(g, f, path))
		return NULL;
	if (g->memo == NULL)
		g->memo = memory_new(EXPORT_MEMO * sizeof(*g->memo));
	m = &g->memo[from->number % EXPORT_MEMO];
	if (m->from != from || m->family != f) {
		attrs_release(g->speaker, m->from);
		attrs_release(g->speaker, m->to);
		*m = (struct export_memo){.from = attrs_ref(from), .to = passed_on(g, f, from), .family = f};
	}
	return m->to != NULL ? attrs_ref(m->to) : NULL;
}
