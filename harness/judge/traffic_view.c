/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where tagged flows and TCP connections were seen: of a flow its first packet to each destination on each link, of a
 * connection what it did on each link. */
#include "judge_int.h"

/* Sights and notes together: some 900 MB. */
#define KEPT_MAX 8000000U
#define RUNS_MAX 4096U
#define LINKS_MAX 65536U

void traffic_view_fini(struct traffic_view *v)
{
	for (size_t i = 0; i < v->runs.len; i++) {
		VEC_FREE(&v->runs.at[i].sights);
		VEC_FREE(&v->runs.at[i].steps);
		slots_free(&v->runs.at[i].slots);
	}
	for (size_t i = 0; i < v->links.len; i++)
		VEC_FREE(&v->links.at[i].notes);
	VEC_FREE(&v->runs);
	VEC_FREE(&v->links);
}

/* ---- Flows ---- */

struct sight_key {
	const struct flow_run *run;
	const struct capture_event *event;
};

static bool same_sight(const void *ctx, uint32_t item)
{
	const struct sight_key *key = ctx;
	const struct flow_sight *s = &key->run->sights.at[item];

	return s->flow == key->event->tag.flow && s->link == key->event->link && s->label == key->event->flow_label &&
	       addr_equal(&s->dst, &key->event->dst);
}

/* The run, or NULL; the one used last is the likeliest. */
const struct flow_run *traffic_view_run(const struct traffic_view *v, uint32_t run)
{
	for (size_t i = v->runs.len; i > 0; i--) {
		if (v->runs.at[i - 1].run == run)
			return &v->runs.at[i - 1];
	}
	return NULL;
}

static struct flow_run *run_intern(struct traffic_view *v, uint32_t run)
{
	const struct flow_run *known = traffic_view_run(v, run);
	struct flow_run *ret;

	if (known != NULL)
		return &v->runs.at[known - v->runs.at];
	if (v->runs.len >= RUNS_MAX)
		return NULL;
	ret = VEC_ADD(&v->runs);
	*ret = (struct flow_run){.run = run, .slots.seed = v->seed};
	return ret;
}

static bool room(struct traffic_view *v)
{
	if (v->kept < KEPT_MAX)
		return true;
	v->full = true;
	return false;
}

/* As RFC 4303 appendix A2 tells what has been seen; what is older than the window counts as late. */
static void sight_again(struct flow_sight *s, const struct capture_event *event)
{
	uint32_t seq = event->tag.seq, behind = s->high - seq;

	if (seq > s->high) {
		s->window = seq - s->high < 64 ? s->window << (seq - s->high) | 1 : 1;
		s->high = seq;
		s->packets++;
		return;
	}
	if (behind < 64 && (s->window >> behind & 1) != 0) {
		s->looped += event->ttl < s->ttl;
		s->twice += event->ttl >= s->ttl;
	} else {
		s->window |= behind < 64 ? UINT64_C(1) << behind : 0;
		s->late++;
		s->packets++;
	}
	s->odd = s->odd == 0 ? event->frame : s->odd;
}

static void step_add(struct traffic_view *v, struct flow_run *run, const struct capture_event *event)
{
	if (!room(v))
		return;
	VEC_PUSH(&run->steps,
		 (struct flow_step){.link = event->link,
				    .flow = event->tag.flow,
				    .seq = event->tag.seq,
				    .src_port = event->src_port,
				    .dst_port = event->dst_port,
				    .src = event->src,
				    .time = event->time,
				    .sent.ns = event->tag.sent_ns <= INT64_MAX / 4 ? (int64_t)event->tag.sent_ns : 0,
				    .frame = event->frame});
	v->kept++;
}

void traffic_view_trace(struct traffic_view *v, uint32_t run)
{
	struct flow_run *at = run_intern(v, run);

	if (at != NULL)
		at->traced = true;
	else
		v->full = true;
}

void traffic_view_gate(struct traffic_view *v, const struct capture_event *event)
{
	const struct flow_run *run = event->kind == CAPTURE_FLOW ? traffic_view_run(v, event->tag.run) : NULL;

	if (run != NULL && run->traced)
		step_add(v, &v->runs.at[run - v->runs.at], event);
}

static void flow_packet(struct traffic_view *v, const struct capture_event *event)
{
	struct flow_run *run = run_intern(v, event->tag.run);
	struct sight_key key = {run, event};
	uint64_t hash;
	uint32_t known;

	if (run == NULL) {
		v->full = true;
		return;
	}
	if (run->traced)
		step_add(v, run, event);
	hash = slots_hash(&run->slots, 0, &event->tag.flow, sizeof(event->tag.flow));
	hash = slots_hash(&run->slots, hash, (const uint32_t[]){event->link, event->flow_label}, 2 * sizeof(uint32_t));
	hash = slots_hash(&run->slots, hash, event->dst.b, sizeof(event->dst.b));
	known = slots_find(&run->slots, hash, same_sight, &key);
	if (known != SLOTS_NONE) {
		sight_again(&run->sights.at[known], event);
		return;
	}
	if (!room(v))
		return;
	slots_put(&run->slots, hash, (uint32_t)run->sights.len);
	VEC_PUSH(&run->sights, (struct flow_sight){.link = event->link,
						   .flow = event->tag.flow,
						   .time = event->time,
						   .frame = event->frame,
						   .src = event->src,
						   .dst = event->dst,
						   .src_port = event->src_port,
						   .dst_port = event->dst_port,
						   .label = event->flow_label,
						   .protocol = event->protocol,
						   .ttl = event->ttl,
						   .packets = 1,
						   .high = event->tag.seq,
						   .window = 1});
	v->kept++;
}

/* ---- Connections ---- */

static void tcp_packet(struct traffic_view *v, const struct capture_event *event)
{
	struct traffic_link *link;

	if (event->link >= LINKS_MAX || !room(v)) {
		v->full = true;
		return;
	}
	while (v->links.len <= event->link)
		VEC_PUSH(&v->links, (struct traffic_link){0});
	link = &v->links.at[event->link];
	if (link->notes.len > 0 && instant_before(event->time, link->notes.at[link->notes.len - 1].time))
		link->unsorted = true;
	VEC_PUSH(&link->notes, (struct tcp_note){.time = event->time,
						 .frame = event->frame,
						 .src = event->src,
						 .dst = event->dst,
						 .src_port = event->src_port,
						 .dst_port = event->dst_port,
						 .label = event->flow_label,
						 .kind = (uint8_t)event->kind,
						 .status = (uint16_t)event->http_status});
	v->kept++;
}

void traffic_view_packet(struct traffic_view *v, const struct capture_event *event)
{
	switch (event->kind) {
	case CAPTURE_FLOW:
		flow_packet(v, event);
		break;
	case CAPTURE_TCP_SYN:
	case CAPTURE_TCP_FIN:
	case CAPTURE_TCP_RST:
	case CAPTURE_HTTP_REQUEST:
	case CAPTURE_HTTP_RESPONSE:
		tcp_packet(v, event);
		break;
	case CAPTURE_TCP_SYNACK:
	case CAPTURE_BGP:
	case CAPTURE_BGP_BAD:
	case CAPTURE_BGP_GAP:
	case CAPTURE_BFD:
		break;
	}
}

/* The first note after t in a sorted list. */
static size_t first_after(const struct traffic_link *link, struct instant t)
{
	size_t low = 0, high = link->notes.len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (instant_before(t, link->notes.at[middle].time))
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

struct tcp_notes traffic_view_notes(const struct traffic_view *v, unsigned int link, struct instant since,
				    struct instant until)
{
	const struct traffic_link *at = link < v->links.len ? &v->links.at[link] : NULL;
	size_t from, to;

	if (at == NULL || at->notes.len == 0)
		return (struct tcp_notes){0};
	if (at->unsorted)
		return (struct tcp_notes){at->notes.at, at->notes.len};
	from = since.ns > INT64_MIN ? first_after(at, (struct instant){since.ns - 1}) : 0;
	to = first_after(at, until);
	return (struct tcp_notes){at->notes.at + from, to > from ? to - from : 0};
}
