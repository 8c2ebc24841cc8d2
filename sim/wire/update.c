/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UPDATE: RFC 4271 section 6.3 as RFC 7606 revises it; of several errors the strongest counts (section 3 (h)). */
#include "wire_int.h"

#define UPDATE_MIN (WIRE_HEADER_LEN + 4U)

struct walk {
	const struct wire_session *session;
	struct wire_update *ret;
	const uint8_t *start; /* of the message */
	uint64_t seen[4];     /* a bit for each attribute code */
	size_t count;	      /* attributes so far */
	struct wire_err err;
};

static void note(struct walk *w, const struct wire_err *e)
{
	if (e->treat > w->err.treat)
		w->err = *e;
}

/* Subcodes whose data field is the attribute (RFC 4271 section 6.3). */
static bool shows_attribute(uint8_t subcode)
{
	return subcode == WIRE_UPDATE_UNRECOGNIZED || subcode == WIRE_UPDATE_FLAGS || subcode == WIRE_UPDATE_LENGTH ||
	       subcode == WIRE_UPDATE_ORIGIN || subcode == WIRE_UPDATE_NEXT_HOP || subcode == WIRE_UPDATE_OPTIONAL;
}

static void note_attr(struct walk *w, const struct wire_raw_attr *a, enum wire_treat treat, uint8_t subcode,
		      const char *clause)
{
	struct wire_err e = wire_fail(treat, WIRE_ERR_UPDATE, subcode, (size_t)(a->tlv.at - w->start), clause);

	if (shows_attribute(subcode))
		wire_err_data(&e, a->tlv.at, wire_left(&a->tlv));
	note(w, &e);
}

static bool is_mp(uint8_t code)
{
	return code == WIRE_ATTR_MP_REACH || code == WIRE_ATTR_MP_UNREACH;
}

static void has(struct walk *w, uint8_t code)
{
	if (code < 64)
		w->ret->attrs.present |= UINT64_C(1) << code;
}

static void known_attr(struct walk *w, struct wire_raw_attr *a, const struct wire_attr_row *row)
{
	uint8_t fault;

	if (!wire_attr_flags_fit(row, a->flags)) {
		note_attr(w, a, row->flags_too ? row->treat : WIRE_TREAT_AS_WITHDRAW, WIRE_UPDATE_FLAGS,
			  row->flags_too ? row->clause : "RFC 7606 section 3 (c)");
		if (!is_mp(a->code)) /* what is to be withdrawn stands in these two */
			return;
	}
	fault = wire_attr_read(row, &a->value, w->session, w->ret);
	if (fault != 0)
		note_attr(w, a, row->treat, fault, row->clause);
	else
		has(w, a->code);
}

static void one_attr(struct walk *w, struct wire_raw_attr *a)
{
	const struct wire_attr_row *row = wire_attr_row(a->code);

	w->count++;
	if (!wire_attr_first(w->seen, a->code))
		note_attr(w, a, is_mp(a->code) ? WIRE_RESET : WIRE_ATTRIBUTE_DISCARD, WIRE_UPDATE_ATTRIBUTE_LIST,
			  "RFC 7606 section 3 (g)");
	else if (row->old && w->session->as4)
		note_attr(w, a, WIRE_ATTRIBUTE_DISCARD, WIRE_UPDATE_OPTIONAL, "RFC 6793 section 4.1");
	else if (row->internal && w->session->ebgp)
		note_attr(w, a, WIRE_ATTRIBUTE_DISCARD, WIRE_UPDATE_ATTRIBUTE_LIST, row->clause);
	else if (row->name != NULL)
		known_attr(w, a, row);
	else if ((a->flags & WIRE_FLAG_OPTIONAL) == 0)
		note_attr(w, a, WIRE_RESET, WIRE_UPDATE_UNRECOGNIZED, "RFC 4271 section 6.3");
	else
		has(w, a->code);
}

static void walk_attrs(struct walk *w, struct wire_in in)
{
	struct wire_raw_attr a;

	while (wire_raw_next(&in, &a))
		one_attr(w, &a);
	if (in.bad) {
		a = (struct wire_raw_attr){.tlv = in};
		note_attr(w, &a, WIRE_TREAT_AS_WITHDRAW, WIRE_UPDATE_ATTRIBUTE_LIST, "RFC 7606 section 4");
	}
}

static bool announces(const struct wire_update *u)
{
	return wire_more(&u->nlri.bytes) || wire_more(&u->mp_nlri.bytes);
}

static void check_mandatory(struct walk *w)
{
	static const uint8_t mandatory[] = {WIRE_ATTR_ORIGIN, WIRE_ATTR_AS_PATH, WIRE_ATTR_NEXT_HOP};

	if (!announces(w->ret))
		return;
	for (size_t i = 0; i < sizeof(mandatory); i++) {
		bool needed = mandatory[i] != WIRE_ATTR_NEXT_HOP || wire_more(&w->ret->nlri.bytes);
		struct wire_err e;

		if (!needed || wire_attr_has(&w->ret->attrs, mandatory[i]))
			continue;
		e = wire_fail(WIRE_TREAT_AS_WITHDRAW, WIRE_ERR_UPDATE, WIRE_UPDATE_MISSING,
			      (size_t)(w->ret->attrs_raw.at - w->start), "RFC 7606 section 3 (d)");
		wire_err_data(&e, &mandatory[i], 1);
		note(w, &e);
	}
}

/* A next hop in NEXT_HOP belongs to the classic field alone (RFC 4760 section 3). */
static void choose_next_hop(struct wire_update *u)
{
	bool only_mp = wire_attr_has(&u->attrs, WIRE_ATTR_MP_REACH) && !wire_more(&u->nlri.bytes);

	u->attrs.next_hop = only_mp || !wire_attr_has(&u->attrs, WIRE_ATTR_NEXT_HOP) ? u->attrs.mp_next_hop
										     : u->attrs.classic_next_hop;
}

/* An AGGREGATOR that has its own AS was written by a speaker that did not know the AS4 attributes: they are stale. */
static void settle_as4(struct wire_attrs *a)
{
	if (!wire_attr_has(a, WIRE_ATTR_AGGREGATOR))
		return;
	if (a->aggregator_as != WIRE_AS_TRANS) {
		a->present &= ~(UINT64_C(1) << WIRE_ATTR_AS4_PATH | UINT64_C(1) << WIRE_ATTR_AS4_AGGREGATOR);
		a->as4_path = (struct wire_in){0};
	} else if (wire_attr_has(a, WIRE_ATTR_AS4_AGGREGATOR)) {
		a->aggregator_as = a->as4_aggregator_as;
		a->aggregator = a->as4_aggregator;
	}
}

/* RFC 7606 section 5.2: where no route is seen that could be withdrawn, the routes may stand in what can't be read. */
static void escalate(struct walk *w)
{
	bool only_withdraws = w->count == 0 || (w->count == 1 && (w->seen[0] >> WIRE_ATTR_MP_UNREACH & 1) != 0);

	if (w->err.treat != WIRE_TREAT_AS_WITHDRAW || announces(w->ret) || only_withdraws)
		return;
	w->err.treat = WIRE_RESET;
	w->err.clause = "RFC 7606 section 5.2";
}

/* RFC 4724 section 2. */
static void find_end_of_rib(struct walk *w, size_t len)
{
	struct wire_update *u = w->ret;

	if (len == UPDATE_MIN) {
		u->end_of_rib = true;
		u->eor_afi = WIRE_AFI_IPV4;
		u->eor_safi = WIRE_SAFI_UNICAST;
	} else if (w->count == 1 && wire_attr_has(&u->attrs, WIRE_ATTR_MP_UNREACH) &&
		   !wire_more(&u->mp_withdrawn.bytes) && !wire_more(&u->withdrawn.bytes) &&
		   !wire_more(&u->nlri.bytes)) {
		u->end_of_rib = true;
		u->eor_afi = u->mp_withdrawn.afi;
		u->eor_safi = u->mp_withdrawn.safi;
	}
}

static void check_network_field(struct walk *w, const struct wire_nlri *nlri)
{
	struct wire_err e;

	if (wire_nlri_valid(nlri))
		return;
	e = wire_fail(WIRE_RESET, WIRE_ERR_UPDATE, WIRE_UPDATE_NETWORK, (size_t)(nlri->bytes.at - w->start),
		      "RFC 7606 section 5.3");
	note(w, &e);
}

struct wire_err wire_update_decode(struct wire_in message, const struct wire_session *session, struct wire_update *ret)
{
	struct walk w = {.session = session, .ret = ret, .start = message.at};
	struct wire_nlri classic = {.afi = WIRE_AFI_IPV4, .safi = WIRE_SAFI_UNICAST, .add_path = session->add_path_v4};
	struct wire_in in = message;
	struct wire_err e = wire_body(&in, WIRE_UPDATE, UPDATE_MIN);

	*ret = (struct wire_update){.withdrawn = classic, .nlri = classic, .attrs.as4 = session->as4};
	if (e.treat != WIRE_OK)
		return e;
	wire_sub_to(&in, wire_u16(&in), &ret->withdrawn.bytes);
	wire_sub_to(&in, wire_u16(&in), &ret->attrs_raw);
	if (in.bad)
		return wire_fail(WIRE_RESET, WIRE_ERR_UPDATE, WIRE_UPDATE_ATTRIBUTE_LIST, WIRE_HEADER_LEN,
				 "RFC 4271 section 6.3");
	wire_in_set(&ret->nlri.bytes, in.at, wire_left(&in));
	check_network_field(&w, &ret->withdrawn);
	check_network_field(&w, &ret->nlri);
	walk_attrs(&w, ret->attrs_raw);
	check_mandatory(&w);
	choose_next_hop(ret);
	settle_as4(&ret->attrs);
	escalate(&w);
	find_end_of_rib(&w, wire_left(&message));
	return w.err;
}
