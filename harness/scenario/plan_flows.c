/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What crafted flows can be told beyond their number: sizes, pace, tuples of a capture; and the matrix of fields. */
#include "plan_int.h"

#include <stdlib.h>
#include <string.h>

#define EXPONENT_MAX 10.0
#define DETECT_DEFAULT 0.25
#define WITHIN_NS (3 * NS_PER_S)
#define BACKGROUND_RATE 1000U
#define BACKGROUND_RATE_MAX 50000U
#define SRC_ADDRS_MAX 32768U /* as many as sim/traffic takes of a network */
#define FLOW_LABELS ((1U << 20) - 1)

/* The bits of vary_words. */
#define VARY_SRC_PORT 1U
#define VARY_DST_PORT 2U
#define VARY_SRC_ADDR 4U
#define VARY_DST_ADDR 8U
#define VARY_FLOW_LABEL 16U
#define VARY_PROTOCOL 32U

static const char *const protocol_words[] = {
	[PLAN_FLOWS_UDP] = "udp", [PLAN_FLOWS_TCP] = "tcp", [PLAN_FLOWS_ICMP] = "icmp"};
const struct words plan_flow_protocols = WORDS(protocol_words);
/* in the order of the bits */
static const char *const vary_words[] = {"src_port", "dst_port", "src_addr", "dst_addr", "flow_label", "protocol"};
const struct words plan_flow_fields = WORDS(vary_words);

void plan_vary_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct yaml_node one = {.kind = YAML_LIST, .at = v->at, .items = &v, .count = 1};
	const struct yaml_node *list = v->kind == YAML_LIST ? v : &one;
	unsigned int bits = 0;

	for (size_t i = 0; i < list->count; i++) {
		unsigned int word = 32;

		field_word(r, list->items[i], f, &word);
		bits |= word < 32 ? 1U << word : 0;
	}
	if (list->count == 0)
		reader_fault(r, v, "%s: what does not vary is one flow", f->key);
	*(unsigned int *)ret = bits;
}

/* ---- sizes: equal, {zipf: 1.1}, or {elephants: 10%, share: 90%} ---- */

/* 10% or 10: a part of the whole, and not the whole. */
static void field_part(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	size_t len = v->kind == YAML_TEXT ? strlen(v->text) : 0;
	uint64_t n = 0;

	if (len > 1 && v->text[len - 1] == '%')
		len--;
	if (len == 0 || !text_number(arena_strndup(r->arena, v->text, len), &n) || n < 1 || n > 99) {
		diag_hint(r, reader_fault(r, v, "%s: expected a part from 1%% to 99%%", f->key), "such as 10%%");
		return;
	}
	*(unsigned int *)ret = (unsigned int)n;
}

static void field_exponent(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	char *end = NULL;
	double value = 0;

	if (v->kind == YAML_TEXT && v->text[strspn(v->text, "0123456789.")] == '\0')
		value = strtod(v->text, &end);
	if (end == NULL || *end != '\0' || value <= 0 || value > EXPONENT_MAX) {
		diag_hint(r, reader_fault(r, v, "%s: expected an exponent above 0, up to 10", f->key),
			  "such as 1.1: the flow of rank n gets a share of 1/n^1.1");
		return;
	}
	memcpy(ret, &value, sizeof(value));
}

#define IN_TRAFFIC(member) offsetof(struct plan_traffic, member)

static const struct field sizes_fields[] = {
	{.key = "zipf", .read = field_exponent, .offset = IN_TRAFFIC(exponent)},
	{.key = "elephants", .read = field_part, .offset = IN_TRAFFIC(elephants)},
	{.key = "share", .read = field_part, .offset = IN_TRAFFIC(elephants_share)},
};
static const struct record sizes_record = {.what = "sizes", RECORD_FIELDS(sizes_fields)};

void plan_sizes_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	bool zipf = yaml_get_key(v, "zipf") != NULL, elephants = yaml_get_key(v, "elephants") != NULL;
	bool share = yaml_get_key(v, "share") != NULL;
	struct plan_traffic *t = ret;

	if (v->kind == YAML_TEXT && strcmp(v->text, "equal") == 0)
		return;
	if (v->kind != YAML_MAP) {
		diag_hint(r, reader_fault(r, v, "%s: expected equal, or how they differ", f->key),
			  "such as {zipf: 1.1} or {elephants: 10%%, share: 90%%}");
		return;
	}
	if (!record_read_over(r, v, &sizes_record, t))
		return;
	if (zipf == (elephants || share) || elephants != share)
		diag_hint(r, reader_fault(r, v, "%s: expected one kind of sizes", f->key),
			  "either {zipf: 1.1} or {elephants: 10%%, share: 90%%}");
	t->sizes = zipf ? PLAN_SIZES_ZIPF : PLAN_SIZES_ELEPHANTS;
}

/* ---- tuples: capture.pcap ---- */

void plan_tuples_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	const char *path = plan_path(plan_state(r), v, f->key);

	memcpy(ret, &path, sizeof(path));
}

static void tuples_check(struct reader *r, const struct yaml_node *v, struct plan_traffic *t)
{
	static const char *const said[] = {"vary", "protocol", "port", "client"};

	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		const struct yaml_node *key = yaml_get_key(v, said[i]);

		if (key != NULL)
			diag_hint(r, reader_fault(r, key, "tuples and %s contradict each other", said[i]),
				  "the capture says what the flows are; only the service's address takes the place of "
				  "theirs");
	}
	if (yaml_get_key(v, "count") == NULL)
		t->count = 0;
}

/* background: true. They have no number of packets, and each packet is looked at. */
static void background_check(struct reader *r, const struct yaml_node *v, struct plan_traffic *t)
{
	static const char *const said[] = {"packets", "sizes", "fragments", "tuples"};
	const struct yaml_node *key = yaml_get_key(v, "background");

	if (!t->background)
		return;
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		if (yaml_get_key(v, said[i]) != NULL)
			reader_fault(r, yaml_get_key(v, said[i]), "%s has no meaning for flows in the background",
				     said[i]);
	}
	t->rate = t->rate > 0 ? t->rate : BACKGROUND_RATE;
	if (t->count == 0)
		diag_hint(
			r,
			reader_fault(r, yaml_get(v, "count"), "count: auto is for flows that a spread is expected of"),
			"such as count: 300");
	else if (t->rate > BACKGROUND_RATE_MAX)
		diag_hint(r,
			  reader_fault(r, yaml_get(v, "rate"), "rate: the judge follows %u packets a second at most",
				       BACKGROUND_RATE_MAX),
			  "such as rate: 2000");
	if (plan_state(r)->background)
		diag_hint(r, reader_fault(r, key, "background: other flows go on already"),
			  "they end with - expect: {no_packet_on: ...}");
	plan_state(r)->background = true;
}

void plan_left_check(struct reader *r, const struct yaml_node *v, const struct plan_expect *e)
{
	struct plan_state *s = plan_state(r);
	bool leave = e->kind == PLAN_EXPECT_LEFT;
	const char *word = leave ? "no_packet_on" : "first_packet_on";
	const struct yaml_node *key = yaml_get_key(v, word);

	if (!s->background)
		diag_hint(r, reader_fault(r, key, "%s: no flows go on here", word),
			  "before what happens: - flows: {service: ..., count: 300, rate: 3000, background: true}");
	if (e->who.kind != PLAN_WHO_LIST || e->who.count == s->plan->lab.workers)
		diag_hint(r,
			  reader_fault(r, yaml_get(v, word), "%s: expected those who %s, and not all", word,
				       leave ? "leave" : "join"),
			  "such as %s: worker2", word);
	if (e->since == (leave ? PLAN_SINCE_ANNOUNCE : PLAN_SINCE_WITHDRAW))
		diag_hint(r,
			  reader_fault(r, yaml_get(v, "since"), "since: who %s does not %s", leave ? "leaves" : "joins",
				       leave ? "announce" : "withdraw"),
			  "write since: %s", leave ? "withdraw" : "announce");
	s->background = false;
}

/* How many flows the varied fields tell apart, as sim/traffic draws them; 0 where it depends on what is announced. */
static uint64_t capacity(const struct plan_lab *lab, const struct plan_traffic *t)
{
	const struct addr first = addr_add(&lab->first_client, t->client > 0 ? t->client - 1 : 0);
	uint64_t addresses = 1, ret = 1;

	if ((t->vary & VARY_DST_ADDR) != 0)
		return 0;
	if ((t->vary & VARY_SRC_ADDR) != 0) {
		struct addr last = prefix_last(&lab->client_net);

		for (struct addr a = first; addresses <= SRC_ADDRS_MAX && addr_compare(&a, &last) < 0;
		     a = addr_add(&a, 1))
			addresses++;
		addresses -= last.family == ADDR_V4 && addresses > 1; /* the broadcast address */
	}
	ret *= addresses;
	ret *= (t->vary & VARY_SRC_PORT) != 0 ? PLAN_FLOWS_OF_A_PORT : 1;
	ret *= (t->vary & VARY_DST_PORT) != 0 ? UINT16_MAX : 1;
	ret *= (t->vary & VARY_FLOW_LABEL) != 0 ? FLOW_LABELS : 1;
	ret *= (t->vary & VARY_PROTOCOL) != 0 ? 2 : 1;
	return ret;
}

static void capacity_check(struct reader *r, const struct yaml_node *v, const struct plan_traffic *t)
{
	const struct yaml_node *count = yaml_get(v, "count");
	uint64_t room = capacity(&plan_state(r)->plan->lab, t);

	if (t->vary == 0 || room == 0 || t->count <= room || t->tuples != NULL || t->again || t->vary == VARY_PROTOCOL)
		return;
	if ((t->vary == VARY_SRC_PORT || t->vary == VARY_DST_PORT) && room > PLAN_FLOWS_OF_A_PORT / 2)
		diag_hint(r,
			  reader_fault(r, count != NULL ? count : v, "count: one port has room for %u different flows",
				       PLAN_FLOWS_OF_A_PORT),
			  "vary src_addr or dst_addr as well");
	else
		diag_hint(r,
			  reader_fault(r, count != NULL ? count : v,
				       "count: what varies tells %llu flows apart, and %u are asked for",
				       (unsigned long long)room, t->count),
			  "vary another field as well, or write count: auto for as many as what is expected needs");
}

void plan_flows_check(struct reader *r, const struct yaml_node *v, struct plan_traffic *t)
{
	const struct yaml_node *burst = yaml_get_key(v, "burst"), *vary = yaml_get(v, "vary");
	bool v4 = plan_state(r)->plan->lab.client_net.addr.family == ADDR_V4;

	vary = vary != NULL ? vary : v;
	if (burst != NULL && yaml_get_key(v, "rate") == NULL)
		diag_hint(r, reader_fault(r, burst, "burst: without a rate all go at once"),
			  "rate: 1000 is so many packets a second, burst: 10 so many of them at a time");
	if (t->tuples != NULL)
		tuples_check(r, v, t);
	background_check(r, v, t);
	if (t->vary == VARY_PROTOCOL && t->count > 2)
		diag_hint(r, reader_fault(r, vary, "vary: the protocol alone makes two flows, UDP and TCP"),
			  "vary src_port as well, or write count: 2");
	capacity_check(r, v, t);
	if ((t->vary & VARY_FLOW_LABEL) != 0 && v4)
		diag_hint(r, reader_fault(r, vary, "vary: only IPv6 has flow labels, and the clients' network is IPv4"),
			  "known: src_port, dst_port, src_addr, protocol");
	if (t->protocol == PLAN_FLOWS_ICMP && (t->vary & (VARY_DST_PORT | VARY_PROTOCOL)) != 0)
		diag_hint(r,
			  reader_fault(r, vary, "vary: an ICMP echo has no %s",
				       (t->vary & VARY_DST_PORT) != 0 ? "dst_port" : "protocol to vary"),
			  "src_port varies its identifier");
}

/* ---- http: {hold: true}, and later http: {release: true} ---- */

void plan_held_check(struct reader *r, const struct yaml_node *v, const struct plan_traffic *t)
{
	struct plan_state *s = plan_state(r);

	if (t->release && v->count > 1)
		diag_hint(r, reader_fault(r, v, "connections that are released are as they were held"),
			  "write no more than {release: true}");
	else if (t->release && !s->held)
		diag_hint(r, reader_fault(r, yaml_get_key(v, "release"), "release: no connections are held here"),
			  "write http: {requests: 1000, hold: true} before it");
	s->held = t->hold || (s->held && !t->release);
}

/* ---- matrix: {service: nginx, equal: [src_port], pinned: [dst_port], unequal: [..]}: one field at a time ---- */

struct matrix {
	struct plan_traffic traffic;
	unsigned int equal, pinned, unequal;
	double detect;
};

void plan_share_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	unsigned int percent = 0;
	double value;

	field_part(r, v, f, &percent);
	value = percent / 100.0;
	if (percent > 0)
		memcpy(ret, &value, sizeof(value));
}

static void field_count(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	if (v->kind == YAML_TEXT && strcmp(v->text, "auto") == 0)
		*(uint32_t *)ret = 0;
	else
		field_u32(r, v, f, ret);
}

#define IN_MATRIX(member) offsetof(struct matrix, member)

static const struct field matrix_fields[] = {
	{.key = "service", .read = field_text, .offset = IN_MATRIX(traffic.service)},
	{.key = "namespace", .read = field_text, .offset = IN_MATRIX(traffic.namespace)},
	{.key = "count",
	 .read = field_count,
	 .offset = IN_MATRIX(traffic.count),
	 .min = 1,
	 .max = PLAN_FLOWS_OF_A_PORT},
	{.key = "packets", .read = field_u32, .offset = IN_MATRIX(traffic.packets), .min = 1, .max = 1000},
	{.key = "protocol", .read = field_word, .offset = IN_MATRIX(traffic.protocol), .more = &plan_flow_protocols},
	{.key = "equal", .read = plan_vary_read, .offset = IN_MATRIX(equal), .more = &plan_flow_fields},
	{.key = "pinned", .read = plan_vary_read, .offset = IN_MATRIX(pinned), .more = &plan_flow_fields},
	{.key = "unequal", .read = plan_vary_read, .offset = IN_MATRIX(unequal), .more = &plan_flow_fields},
	{.key = "detect", .read = plan_share_read, .offset = IN_MATRIX(detect)},
};
static const struct record matrix_record = {.what = "matrix", RECORD_FIELDS(matrix_fields)};

typedef VEC(struct plan_step) step_list;

/* The flows that vary one field alone, and what is expected of them. */
static void matrix_pair(struct reader *r, const struct matrix *m, const struct plan_step *step, unsigned int field,
			enum plan_spread spread, step_list *ret)
{
	static const char *const spreads[] = {
		[PLAN_SPREAD_EQUAL] = "equal", [PLAN_SPREAD_PINNED] = "pinned", [PLAN_SPREAD_UNEQUAL] = "unequal"};
	struct plan_step flows = {.kind = PLAN_STEP_FLOWS, .at = step->at, .traffic = m->traffic};
	struct plan_step expect = {.kind = PLAN_STEP_EXPECT, .at = step->at};

	flows.traffic.vary = 1U << field;
	if (flows.traffic.vary == VARY_PROTOCOL)
		flows.traffic.count = 2;
	flows.text = arena_printf(r->arena, "flows service %s vary %s", m->traffic.service, vary_words[field]);
	expect.expect = (struct plan_expect){
		.kind = PLAN_EXPECT_SPREAD,
		.within_ns = WITHIN_NS,
		.namespace = "default",
		.spread = spread,
		.of = PLAN_OF_FLOWS,
		.detect = m->detect,
		.text = arena_printf(r->arena, "spread %s when %s varies", spreads[spread], vary_words[field])};
	expect.text = expect.expect.text;
	VEC_PUSH(ret, flows);
	VEC_PUSH(ret, expect);
}

static void matrix_check(struct reader *r, const struct yaml_node *v, const struct matrix *m)
{
	unsigned int twice = (m->equal & m->pinned) | (m->equal & m->unequal) | (m->pinned & m->unequal);
	const struct yaml_node *pinned = yaml_get(v, "pinned");
	struct plan_traffic all = m->traffic;

	all.vary = m->equal | m->pinned | m->unequal;
	if (all.vary == 0)
		diag_hint(r, reader_fault(r, v, "matrix: no field to vary"),
			  "such as {equal: [src_port, src_addr], pinned: [dst_port]}");
	for (size_t i = 0; i < sizeof(vary_words) / sizeof(vary_words[0]); i++) {
		if ((twice & 1U << i) != 0)
			reader_fault(r, v, "matrix: %s can't be two of equal, pinned and unequal", vary_words[i]);
	}
	if ((m->pinned & 4U) != 0)
		diag_hint(r, reader_fault(r, pinned, "pinned: with src_addr each flow is another client's"),
			  "pinned says that all flows of one client go to one worker");
	if (((m->equal | m->unequal) & VARY_PROTOCOL) != 0)
		reader_fault(r, v, "matrix: the protocol alone makes two flows, which show no spread");
	if (all.vary != VARY_PROTOCOL)
		all.vary &= ~VARY_PROTOCOL;
	all.count = 1;
	plan_flows_check(r, v, &all);
}

void plan_matrix_read(struct reader *r, const struct yaml_node *v, const struct field *f, void *ret)
{
	struct matrix m = {.traffic = {.vary = 1, .packets = 1}, .detect = DETECT_DEFAULT};
	struct plan_step *step = ret;
	const struct kube_object *o;
	step_list steps = {0};

	(void)f;
	step->kind = PLAN_STEP_FLOWS;
	if (!record_read_over(r, v, &matrix_record, &m))
		return;
	matrix_check(r, v, &m);
	o = plan_service(plan_state(r), v, false);
	if (o == NULL)
		return;
	m.traffic.service = o->meta.name;
	m.traffic.namespace = o->meta.namespace;
	plan_state(r)->flows_done = true;
	for (unsigned int i = 0; i < sizeof(vary_words) / sizeof(vary_words[0]); i++) {
		if ((m.equal & 1U << i) != 0)
			matrix_pair(r, &m, step, i, PLAN_SPREAD_EQUAL, &steps);
		else if ((m.pinned & 1U << i) != 0)
			matrix_pair(r, &m, step, i, PLAN_SPREAD_PINNED, &steps);
		else if ((m.unequal & 1U << i) != 0)
			matrix_pair(r, &m, step, i, PLAN_SPREAD_UNEQUAL, &steps);
	}
	if (steps.len > 0) {
		*step = steps.at[0];
		step->then = arena_memdup(r->arena, steps.at + 1, (steps.len - 1) * sizeof(*steps.at));
		step->then_count = steps.len - 1;
	}
	VEC_FREE(&steps);
}
