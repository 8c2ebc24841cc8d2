/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each peer should have, what it has, and the UPDATEs between the two (RFC 4271 sections 9.1.3 and 9.2). */
#include "bgp_int.h"

#include <stdlib.h>

/* RFC 1997 */
#define NO_EXPORT 0xffffff01U
#define NO_ADVERTISE 0xffffff02U
#define NO_EXPORT_SUBCONFED 0xffffff03U

/* So many prefixes leave room for ordinary attributes within 4,096 octets. */
#define V4_PER_UPDATE 600
#define V6_PER_UPDATE 180

static size_t per_update(const struct prefix *p)
{
	return p->addr.family == ADDR_V6 ? V6_PER_UPDATE : V4_PER_UPDATE;
}

static uint16_t afi_of(const struct prefix *p)
{
	return p->addr.family == ADDR_V6 ? WIRE_AFI_IPV6 : WIRE_AFI_IPV4;
}

/* ---- What the peer should have ---- */

static bool may_pass(const struct conn *to, const struct path *best)
{
	const struct attrs *a = best->attrs;
	bool from_inside = best->peer->conf.remote_as == best->peer->conf.local_as;

	if (best->peer == to->peer)
		return false;
	/* RFC 4271 section 9.2: inside, who learned a route tells everybody himself. */
	if (from_inside && !conn_external(to))
		return false;
	if (attrs_has_community(a, NO_ADVERTISE))
		return false;
	if (conn_external(to) && (attrs_has_community(a, NO_EXPORT) || attrs_has_community(a, NO_EXPORT_SUBCONFED)))
		return false;
	/* RFC 9494 section 4.3 */
	if (!to->restart.knows_long_lived && attrs_has_community(a, LLGR_STALE))
		return false;
	/* RFC 9774 section 3: AS_SETs are not to be advertised. */
	return a->plain;
}

static void gather_path(struct bgp_speaker *s, const struct conn *to, const struct attrs *a)
{
	struct wire_in path = attrs_path(a);
	uint32_t as = to->peer->conf.local_as;
	uint8_t own[] = {WIRE_AS_SEQUENCE,   1,		 (uint8_t)(as >> 24), (uint8_t)(as >> 16),
			 (uint8_t)(as >> 8), (uint8_t)as};

	VEC_CLEAR(&s->bytes);
	for (size_t i = 0; i < sizeof(own) && conn_external(to); i++)
		VEC_PUSH(&s->bytes, own[i]);
	while (wire_more(&path))
		VEC_PUSH(&s->bytes, wire_u8(&path));
}

/* Outside: our AS leads, we are the next hop, MED and LOCAL_PREF stay inside (RFC 4271 section 5.1). Inside: as it came. */
static struct attrs *passed_on(struct conn *to, const struct prefix *prefix, const struct path *best)
{
	struct bgp_speaker *s = to->peer->speaker;
	const struct attrs *a = best->attrs;
	struct attrs_spec spec;

	memset(&spec, 0, sizeof(spec));
	spec.key = a->key;
	gather_path(s, to, a);
	spec.key.path_len = (uint32_t)s->bytes.len;
	spec.path = s->bytes.at;
	spec.communities = a->communities;
	spec.extra = attrs_extra(a).at;
	spec.key.originator_present = false;
	spec.key.originator_id = 0;
	if (conn_external(to)) {
		spec.key.next_hop = to->local;
		spec.key.med_present = spec.key.local_pref_present = false;
		spec.key.med = spec.key.local_pref = 0;
	} else if (!spec.key.local_pref_present) {
		spec.key.local_pref_present = true;
		spec.key.local_pref = DEFAULT_LOCAL_PREF;
	}
	if (spec.key.next_hop.family != prefix->addr.family)
		return NULL;
	return attrs_intern(&s->attrs, s->hash_seed, &spec);
}

/* A reference, or NULL for nothing. What we originate goes before what we learned. */
static struct attrs *wanted(struct conn *to, const struct prefix *prefix, const struct route *r)
{
	struct attrs *a;

	if (prefix->addr.family == ADDR_V6 ? !to->ipv6 : !to->ipv4)
		return NULL;
	if (conn_export_denied(to))
		return NULL;
	a = originate_attrs(to->peer, prefix);
	if (a != NULL)
		return a;
	if (!to->peer->speaker->conf.readvertise || r == NULL || r->best == NULL || !may_pass(to, r->best))
		return NULL;
	return passed_on(to, prefix, r->best);
}

/* ---- What it has ---- */

static struct sent *sent_of(struct prefix_node *node)
{
	return (struct sent *)(void *)node;
}

static void sent_remove(struct peer *p, struct sent *sent)
{
	struct bgp_speaker *s = p->speaker;

	s->queued = true;
	VEC_PUSH(&p->withdraw, sent->node.prefix);
	prefix_map_remove(&p->sent, s->hash_seed, &sent->node);
	attrs_release(&s->attrs, sent->attrs);
	free(sent);
}

static void sent_set(struct peer *p, struct sent *sent, const struct prefix *prefix, struct attrs *attrs)
{
	struct bgp_speaker *s = p->speaker;

	if (sent == NULL) {
		sent = memory_new(sizeof(*sent));
		sent->node.prefix = *prefix;
		prefix_map_add(&p->sent, s->hash_seed, &sent->node);
	}
	attrs_release(&s->attrs, sent->attrs);
	sent->attrs = attrs_ref(attrs);
	s->queued = true;
	VEC_PUSH(&p->announce, (struct announcement){.prefix = *prefix, .attrs = attrs_ref(attrs)});
}

void export_prefix(struct peer *p, const struct prefix *prefix, const struct route *r)
{
	struct bgp_speaker *s = p->speaker;
	struct conn *to = peer_established(p);
	struct sent *sent;
	struct attrs *attrs;

	if (to == NULL)
		return;
	sent = sent_of(prefix_map_get(&p->sent, s->hash_seed, prefix));
	attrs = wanted(to, prefix, r);
	if (attrs == NULL && sent != NULL)
		sent_remove(p, sent);
	else if (attrs != NULL && (sent == NULL || sent->attrs != attrs))
		sent_set(p, sent, prefix, attrs);
	attrs_release(&s->attrs, attrs);
}

/* ---- UPDATEs ---- */

static void gather_hops(struct bgp_speaker *s, const struct attrs *a)
{
	struct wire_in path = attrs_path(a);
	struct wire_path_segment segment;

	VEC_CLEAR(&s->words);
	while (wire_path_next(&path, true, &segment))
		while (wire_more(&segment.ases))
			VEC_PUSH(&s->words, wire_path_as(&segment));
}

/* AGGREGATOR is as wide as the session's ASes (RFC 6793 section 4.2.2); the rest is ready. */
static void gather_extra(struct bgp_speaker *s, const struct conn *to, const struct attrs *a)
{
	struct wire_in extra = attrs_extra(a);
	uint32_t as = a->key.aggregator_as;
	uint8_t bytes[16];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));

	VEC_CLEAR(&s->extra);
	if (a->key.aggregator.family == ADDR_V4) {
		wire_put8(&out, WIRE_FLAG_OPTIONAL | WIRE_FLAG_TRANSITIVE);
		wire_put8(&out, WIRE_ATTR_AGGREGATOR);
		wire_put8(&out, to->wire_out.as4 ? 8 : 6);
		if (to->wire_out.as4)
			wire_put32(&out, as);
		else
			wire_put16(&out, as <= UINT16_MAX ? as : WIRE_AS_TRANS);
		wire_put(&out, a->key.aggregator.b, 4);
	}
	for (size_t i = 0; i < out.len; i++)
		VEC_PUSH(&s->extra, bytes[i]);
	while (wire_more(&extra))
		VEC_PUSH(&s->extra, wire_u8(&extra));
}

static struct wire_route_attrs wire_attrs_of(struct conn *to, const struct attrs *a)
{
	struct bgp_speaker *s = to->peer->speaker;

	gather_hops(s, a);
	gather_extra(s, to, a);
	return (struct wire_route_attrs){.origin = a->key.origin,
					 .wide_path = to->peer->quirks->frr_open,
					 .as_path = s->words.at,
					 .as_count = s->words.len,
					 .next_hop = a->key.next_hop,
					 .med_present = a->key.med_present,
					 .med = a->key.med,
					 .local_pref_present = a->key.local_pref_present,
					 .local_pref = a->key.local_pref,
					 .communities = a->communities,
					 .community_count = a->key.community_count,
					 .extra = wire_in_of(s->extra.at, s->extra.len)};
}

/* The batch in as few UPDATEs as its attributes let. */
static void send_batch(struct conn *to, const struct attrs *a)
{
	struct bgp_speaker *s = to->peer->speaker;
	struct wire_route_attrs attrs = wire_attrs_of(to, a);
	uint8_t bytes[WIRE_EXTENDED_MAX];
	size_t done = 0, n = s->batch.len;

	while (done < s->batch.len) {
		struct wire_out out = wire_out_to(bytes, to->wire_out.extended ? WIRE_EXTENDED_MAX : WIRE_MESSAGE_MAX);

		n = n < s->batch.len - done ? n : s->batch.len - done;
		wire_update_encode(&out, &to->wire_out, &attrs, s->batch.at + done, n);
		if (!out.full) {
			output_send(to, bytes, out.len);
			done += n;
		} else if (n > 1) {
			n /= 2;
		} else {
			/* RFC 8654 section 4: what does not fit the peer's limit is not sent. */
			notice_error(to->peer, to, "the attributes of %s don't fit a message; not announced",
				     prefix_text(&s->batch.at[done].prefix).s);
			done++;
		}
	}
}

static int by_prefix(const void *a, const void *b)
{
	const struct announcement *x = a, *y = b;

	return prefix_compare(&x->prefix, &y->prefix);
}

static int by_attrs(const void *a, const void *b)
{
	const struct announcement *x = a, *y = b;

	if (x->attrs->serial != y->attrs->serial)
		return x->attrs->serial < y->attrs->serial ? -1 : 1;
	return by_prefix(a, b);
}

static bool share_update(const struct conn *to, const struct announcement *a, const struct announcement *b, size_t n)
{
	return to->peer->quirks->packs && a->attrs == b->attrs && a->prefix.addr.family == b->prefix.addr.family &&
	       n < per_update(&a->prefix);
}

static void send_announcements(struct conn *to)
{
	struct peer *p = to->peer;
	struct bgp_speaker *s = p->speaker;

	if (p->announce.len > 1)
		qsort(p->announce.at, p->announce.len, sizeof(*p->announce.at),
		      p->quirks->packs ? by_attrs : by_prefix);
	for (size_t i = 0, end; i < p->announce.len; i = end) {
		VEC_CLEAR(&s->batch);
		for (end = i; end < p->announce.len; end++) {
			if (end > i && !share_update(to, &p->announce.at[i], &p->announce.at[end], end - i))
				break;
			VEC_PUSH(&s->batch, (struct wire_route){.prefix = p->announce.at[end].prefix});
		}
		send_batch(to, p->announce.at[i].attrs);
	}
}

static void send_withdrawal(struct conn *to, uint16_t afi, const struct wire_route *routes, size_t n)
{
	uint8_t bytes[WIRE_MESSAGE_MAX];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));

	wire_withdraw_encode(&out, &to->wire_out, afi, routes, n);
	output_send(to, bytes, out.len);
}

static int prefix_order(const void *a, const void *b)
{
	return prefix_compare(a, b);
}

static void send_withdrawals(struct conn *to)
{
	struct peer *p = to->peer;
	struct bgp_speaker *s = p->speaker;

	if (p->withdraw.len > 1)
		qsort(p->withdraw.at, p->withdraw.len, sizeof(*p->withdraw.at), prefix_order);
	for (size_t i = 0, end; i < p->withdraw.len; i = end) {
		const struct prefix *first = &p->withdraw.at[i];

		VEC_CLEAR(&s->batch);
		for (end = i; end < p->withdraw.len && end - i < per_update(first) &&
			      p->withdraw.at[end].addr.family == first->addr.family;
		     end++)
			VEC_PUSH(&s->batch, (struct wire_route){.prefix = p->withdraw.at[end]});
		send_withdrawal(to, afi_of(first), s->batch.at, s->batch.len);
	}
}

static void queue_clear(struct peer *p)
{
	for (size_t i = 0; i < p->announce.len; i++)
		attrs_release(&p->speaker->attrs, p->announce.at[i].attrs);
	VEC_CLEAR(&p->announce);
	VEC_CLEAR(&p->withdraw);
}

void export_flush(struct peer *p)
{
	struct conn *to = peer_established(p);

	if (to != NULL) {
		send_announcements(to);
		send_withdrawals(to);
	}
	queue_clear(p);
}

/* ---- Sessions that come, ask and go ---- */

static void export_all(struct peer *p)
{
	struct bgp_speaker *s = p->speaker;
	struct prefix_node **all;

	originate_export(p);
	if (!s->conf.readvertise)
		return;
	all = prefix_map_sorted(&s->routes);
	for (size_t i = 0; i < s->routes.count; i++)
		export_prefix(p, &all[i]->prefix, (struct route *)(void *)all[i]);
	free(all);
}

void export_initial(struct peer *p)
{
	struct conn *to = peer_established(p);

	export_all(p);
	export_flush(p);
	if (!p->quirks->end_of_rib)
		return;
	if (to->ipv4)
		send_withdrawal(to, WIRE_AFI_IPV4, NULL, 0);
	if (to->ipv6)
		send_withdrawal(to, WIRE_AFI_IPV6, NULL, 0);
}

static void send_refresh(struct conn *to, uint8_t family, uint8_t subtype)
{
	struct wire_refresh refresh = {.afi = family == ADDR_V6 ? WIRE_AFI_IPV6 : WIRE_AFI_IPV4,
				       .subtype = subtype,
				       .safi = WIRE_SAFI_UNICAST};
	uint8_t bytes[64];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));

	if (!to->enhanced_refresh)
		return;
	wire_refresh_encode(&out, &refresh);
	output_send(to, bytes, out.len);
}

void export_refresh(struct peer *p, uint8_t family)
{
	struct conn *to = peer_established(p);
	struct prefix_node **all = prefix_map_sorted(&p->sent);

	send_refresh(to, family, 1);
	for (size_t i = 0; i < p->sent.count; i++) {
		if (all[i]->prefix.addr.family == family)
			VEC_PUSH(&p->announce, (struct announcement){.prefix = all[i]->prefix,
								     .attrs = attrs_ref(sent_of(all[i])->attrs)});
	}
	free(all);
	export_flush(p);
	send_refresh(to, family, 2);
}

void export_clear(struct peer *p)
{
	queue_clear(p);
	for (size_t i = 0; i < p->sent.size; i++)
		for (struct prefix_node *n = p->sent.buckets[i]; n != NULL; n = n->next)
			attrs_release(&p->speaker->attrs, sent_of(n)->attrs);
	prefix_map_free(&p->sent);
}
