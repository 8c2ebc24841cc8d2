/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UPDATEs for a group (RFC 4271 section 9.2): encoded once for all who get the same, once more for each exception. */
#include "bgp_int.h"

#include <stdlib.h>

/* So many prefixes leave room for ordinary attributes within 4,096 octets. */
#define V4_PER_UPDATE 600
#define V6_PER_UPDATE 180

#define RADIX_BITS 11
#define RADIX (1U << RADIX_BITS)
#define FEW 32

static size_t per_update(const struct prefix *p)
{
	return p->addr.family == ADDR_V4 ? V4_PER_UPDATE : V6_PER_UPDATE;
}

/* ---- Order: by attributes, those of equal ones as they came ---- */

static bool is_ordered(const struct bgp_speaker *s)
{
	for (size_t i = 1; i < s->order.len; i++)
		if (s->order.at[i - 1]->attrs->number > s->order.at[i]->attrs->number)
			return false;
	return true;
}

static void order_few(struct bgp_speaker *s)
{
	for (size_t i = 1; i < s->order.len; i++) {
		const struct change *c = s->order.at[i];
		size_t k = i;

		for (; k > 0 && s->order.at[k - 1]->attrs->number > c->attrs->number; k--)
			s->order.at[k] = s->order.at[k - 1];
		s->order.at[k] = c;
	}
}

/* One digit of a radix sort from one array to the other. */
static void order_digit(const struct change **from, const struct change **to, size_t n, unsigned int shift)
{
	uint32_t starts[RADIX + 1] = {0};

	for (size_t i = 0; i < n; i++)
		starts[(from[i]->attrs->number >> shift) % RADIX + 1]++;
	for (size_t i = 1; i <= RADIX; i++)
		starts[i] += starts[i - 1];
	for (size_t i = 0; i < n; i++)
		to[starts[(from[i]->attrs->number >> shift) % RADIX]++] = from[i];
}

static void order_many(struct bgp_speaker *s)
{
	size_t n = s->order.len;
	const struct change **other = memory_new(n * sizeof(*other)), **old = s->order.at;

	for (unsigned int shift = 0; shift < 32 && s->attrs.numbers.len >> shift != 0; shift += RADIX_BITS) {
		const struct change **from = s->order.at;

		order_digit(from, other, n, shift);
		s->order.at = other;
		other = from;
	}
	/* The vector keeps its own array, which has the greater room. */
	if (s->order.at != old) {
		memcpy(old, s->order.at, n * sizeof(*old));
		other = s->order.at;
		s->order.at = old;
	}
	free(other);
}

static int by_prefix(const void *a, const void *b)
{
	const struct change *const *x = a, *const *y = b;

	return prefix_compare(&(*x)->prefix, &(*y)->prefix);
}

static void order(struct bgp_speaker *s)
{
	if (s->order.len < 2)
		return;
	if (!s->quirks->packs)
		qsort(s->order.at, s->order.len, sizeof(*s->order.at), by_prefix);
	else if (s->order.len <= FEW)
		order_few(s);
	else if (!is_ordered(s))
		order_many(s);
}

/* ---- Messages to those in s->audience ---- */

static void gather_hops(struct bgp_speaker *s, const struct attrs *a)
{
	struct wire_in path = attrs_path(a);
	struct wire_path_segment segment;

	VEC_CLEAR(&s->words);
	while (wire_path_next(&path, true, &segment))
		while (wire_more(&segment.ases))
			VEC_PUSH(&s->words, wire_path_as(&segment));
}

/* AGGREGATOR for a peer of two-octet ASes; a wide AS has AS4_AGGREGATOR beside it (RFC 6793 section 4.2.2). */
static void put_narrow_aggregator(struct bgp_speaker *s, uint8_t flags, struct wire_in value)
{
	uint32_t as = wire_u32(&value);
	const uint8_t *address = wire_take(&value, 4);
	uint8_t bytes[20];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));

	if (address == NULL)
		return;
	wire_put8(&out, flags);
	wire_put8(&out, WIRE_ATTR_AGGREGATOR);
	wire_put8(&out, 6);
	wire_put16(&out, as <= UINT16_MAX ? as : WIRE_AS_TRANS);
	wire_put(&out, address, 4);
	if (as > UINT16_MAX) {
		wire_put8(&out, WIRE_FLAG_OPTIONAL | WIRE_FLAG_TRANSITIVE);
		wire_put8(&out, WIRE_ATTR_AS4_AGGREGATOR);
		wire_put8(&out, 8);
		wire_put32(&out, as);
		wire_put(&out, address, 4);
	}
	octets_put(&s->extra, bytes, out.len);
}

static struct wire_in extra_for(struct bgp_speaker *s, const struct conn *to, const struct attrs *a)
{
	struct wire_in extra = attrs_extra(a), rest = extra;
	uint8_t flags = wire_u8(&rest);

	if (to->wire_out.as4 || wire_u8(&rest) != WIRE_ATTR_AGGREGATOR)
		return extra;
	VEC_CLEAR(&s->extra);
	put_narrow_aggregator(s, flags, wire_sub(&rest, wire_u8(&rest)));
	octets_put(&s->extra, rest.at, wire_left(&rest));
	return wire_in_of(s->extra.at, s->extra.len);
}

static struct wire_route_attrs wire_attrs_of(struct conn *to, const struct attrs *a)
{
	struct bgp_speaker *s = to->peer->speaker;

	gather_hops(s, a);
	return (struct wire_route_attrs){.origin = a->key.origin,
					 .wide_path = s->quirks->frr_open,
					 .as_path = s->words.at,
					 .as_count = s->words.len,
					 .next_hop = a->key.next_hop,
					 .med_present = a->key.med_present,
					 .med = a->key.med,
					 .local_pref_present = a->key.local_pref_present,
					 .local_pref = a->key.local_pref,
					 .communities = a->communities,
					 .community_count = a->key.community_count,
					 .extra = extra_for(s, to, a)};
}

static void say_too_long(struct bgp_speaker *s, const struct prefix *prefix)
{
	for (size_t i = 0; i < s->audience.len; i++)
		notice_error(s->audience.at[i]->peer, s->audience.at[i],
			     "the attributes of %s don't fit a message; not announced",
			     family_is_other(family_of(prefix)) ? "a route" : prefix_text(prefix).s);
}

/* The batch in as few UPDATEs as its attributes let. */
static void send_batch(struct bgp_speaker *s, const struct attrs *a)
{
	const struct conn *to = s->audience.at[0];
	struct wire_route_attrs attrs = wire_attrs_of(s->audience.at[0], a);
	uint8_t bytes[WIRE_EXTENDED_MAX];
	size_t done = 0, n = s->batch.len;

	while (done < s->batch.len) {
		struct wire_out out = wire_out_to(bytes, to->wire_out.extended ? WIRE_EXTENDED_MAX : WIRE_MESSAGE_MAX);

		n = n < s->batch.len - done ? n : s->batch.len - done;
		if (family_is_other(family_of(&s->batch.at[done].prefix)))
			other_encode(&out, s, &to->wire_out, &attrs, a, s->batch.at + done, n);
		else
			wire_update_encode(&out, &to->wire_out, &attrs, s->batch.at + done, n);
		if (!out.full) {
			output_send_all(s->audience.at, s->audience.len, bytes, out.len);
			done += n;
		} else if (n > 1) {
			n /= 2;
		} else {
			/* RFC 8654 section 4: what does not fit the peer's limit is not sent. */
			say_too_long(s, &s->batch.at[done].prefix);
			done++;
		}
	}
}

static bool share_update(const struct bgp_speaker *s, const struct change *a, const struct change *b, size_t n)
{
	return s->quirks->packs && a->attrs == b->attrs && a->prefix.addr.family == b->prefix.addr.family &&
	       n < per_update(&a->prefix);
}

static void send_announcements(struct bgp_speaker *s)
{
	order(s);
	for (size_t i = 0, end; i < s->order.len; i = end) {
		VEC_CLEAR(&s->batch);
		for (end = i; end < s->order.len; end++) {
			const struct change *c = s->order.at[end];

			if (end > i && !share_update(s, s->order.at[i], c, end - i))
				break;
			VEC_PUSH(&s->batch, (struct wire_route){.path_id = c->path_id, .prefix = c->prefix});
		}
		send_batch(s, s->order.at[i]->attrs);
	}
}

static void send_withdrawal(struct bgp_speaker *s, enum family f)
{
	uint8_t bytes[WIRE_MESSAGE_MAX];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));

	wire_withdraw_encode(&out, &s->audience.at[0]->wire_out, s->families[f].afi, s->batch.at, s->batch.len);
	output_send_all(s->audience.at, s->audience.len, bytes, out.len);
}

/* Their NLRI are as long as they like; one that no message can hold was not announced either. */
static void send_other_withdrawal(struct bgp_speaker *s, enum family f)
{
	const struct wire_session *session = &s->audience.at[0]->wire_out;
	uint8_t bytes[WIRE_EXTENDED_MAX];
	size_t done = 0, n = s->batch.len;

	do {
		struct wire_out out = wire_out_to(bytes, session->extended ? WIRE_EXTENDED_MAX : WIRE_MESSAGE_MAX);

		n = n < s->batch.len - done ? n : s->batch.len - done;
		other_withdraw_encode(&out, s, session, f, n > 0 ? s->batch.at + done : NULL, n); /* none: End-of-RIB */
		if (out.full && n > 1) {
			n /= 2;
			continue;
		}
		if (!out.full)
			output_send_all(s->audience.at, s->audience.len, bytes, out.len);
		done += n;
	} while (done < s->batch.len);
}

static void send_batch_withdrawn(struct bgp_speaker *s, enum family f)
{
	if (family_is_other(f))
		send_other_withdrawal(s, f);
	else
		send_withdrawal(s, f);
}

static void send_withdrawals(struct bgp_speaker *s)
{
	for (size_t i = 0, end; i < s->order.len; i = end) {
		const struct prefix *first = &s->order.at[i]->prefix;

		VEC_CLEAR(&s->batch);
		for (end = i; end < s->order.len && end - i < per_update(first) / 2; end++) {
			const struct change *c = s->order.at[end];

			if (c->prefix.addr.family != first->addr.family)
				break;
			VEC_PUSH(&s->batch, (struct wire_route){.path_id = c->path_id, .prefix = c->prefix});
		}
		send_batch_withdrawn(s, family_of(first));
	}
}

static void restart_keepalives(const struct bgp_speaker *s)
{
	for (size_t i = 0; i < s->audience.len; i++)
		timer_keepalive_restart(s->audience.at[i]);
}

/* ---- Who gets which ---- */

enum told { TOLD_NOTHING, TOLD_ANNOUNCEMENT, TOLD_WITHDRAWAL };

/* What a change is to a member; NULL: to one that is no exception to any. */
static enum told told(const struct change *c, const struct peer *member)
{
	bool had = c->had && (member == NULL || c->came_from != member);
	bool wants = c->attrs != NULL && (member == NULL || c->comes_from != member);

	if (wants)
		return c->same && had ? TOLD_NOTHING : TOLD_ANNOUNCEMENT;
	return had ? TOLD_WITHDRAWAL : TOLD_NOTHING;
}

static void gather_told(struct out_group *g, const struct peer *member, enum told what)
{
	struct bgp_speaker *s = g->speaker;

	VEC_CLEAR(&s->order);
	for (size_t i = 0; i < g->changes.len; i++) {
		const struct change *c = &g->changes.at[i];

		if (told(c, member) == what)
			VEC_PUSH(&s->order, c);
	}
}

static void send_changes(struct out_group *g, const struct peer *member)
{
	struct bgp_speaker *s = g->speaker;
	size_t sent;

	if (s->audience.len == 0)
		return;
	gather_told(g, member, TOLD_ANNOUNCEMENT);
	sent = s->order.len;
	send_announcements(s);
	gather_told(g, member, TOLD_WITHDRAWAL);
	sent += s->order.len;
	send_withdrawals(s);
	if (sent > 0)
		restart_keepalives(s);
}

static void mark_exceptions(struct out_group *g)
{
	for (size_t i = 0; i < g->members.len; i++)
		g->members.at[i]->excepted = false;
	for (size_t i = 0; i < g->changes.len; i++) {
		const struct change *c = &g->changes.at[i];

		if (c->came_from != NULL && c->came_from->group == g)
			g->speaker->peers.at[c->came_from->id]->excepted = true;
		if (c->comes_from != NULL && c->comes_from->group == g)
			g->speaker->peers.at[c->comes_from->id]->excepted = true;
	}
}

static void audience_of(struct bgp_speaker *s, struct peer *p)
{
	VEC_CLEAR(&s->audience);
	VEC_PUSH(&s->audience, peer_established(p));
}

void changes_clear(struct out_group *g)
{
	for (size_t i = 0; i < g->changes.len; i++) {
		attrs_release(g->speaker, g->changes.at[i].attrs);
		nlri_drop(g->speaker, &g->changes.at[i].prefix);
	}
	VEC_CLEAR(&g->changes);
}

void updates_flush(struct out_group *g)
{
	struct bgp_speaker *s = g->speaker;

	if (g->changes.len == 0)
		return;
	mark_exceptions(g);
	VEC_CLEAR(&s->audience);
	for (size_t i = 0; i < g->members.len; i++)
		if (!g->members.at[i]->excepted)
			VEC_PUSH(&s->audience, peer_established(g->members.at[i]));
	send_changes(g, NULL);
	for (size_t i = 0; i < g->members.len; i++) {
		if (!g->members.at[i]->excepted)
			continue;
		audience_of(s, g->members.at[i]);
		send_changes(g, g->members.at[i]);
	}
	changes_clear(g);
}

void updates_send(struct peer *p, const struct change *changes, size_t n)
{
	struct bgp_speaker *s = p->speaker;

	audience_of(s, p);
	VEC_CLEAR(&s->order);
	for (size_t i = 0; i < n; i++)
		VEC_PUSH(&s->order, &changes[i]);
	send_announcements(s);
	if (n > 0)
		restart_keepalives(s);
}

void updates_end_of_rib(struct conn *to, enum family f)
{
	struct bgp_speaker *s = to->peer->speaker;

	audience_of(s, to->peer);
	VEC_CLEAR(&s->batch);
	send_batch_withdrawn(s, f);
	restart_keepalives(s);
}
