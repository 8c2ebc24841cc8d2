/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes evidence in, and puts each question to the evaluator of its kind. */
#include "judge_int.h"

#include <sys/random.h>

#define LINKS_MAX (1U << 20)
/* Damaged captures have stamps that are none; these leave room for sums and differences. */
#define STAMP_MAX (INT64_MAX / 4)

/* ---- Life ---- */

static struct judge_link *link_slot(struct judge *j, unsigned int link)
{
	while (j->links.len <= link)
		VEC_PUSH(&j->links, (struct judge_link){0});
	return &j->links.at[link];
}

static void link_role_set(struct judge *j, unsigned int link, enum link_role role, size_t index)
{
	if (link < LINKS_MAX)
		*link_slot(j, link) = (struct judge_link){.role = role, .index = (uint32_t)index};
}

struct judge *judge_new(const struct judge_lab *lab)
{
	struct judge *j = memory_new(sizeof(*j));
	uint64_t seed;

	/* Only places in tables depend on it. */
	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) < 0)
		seed = (uintptr_t)j;
	j->lab = *lab;
	bgp_view_init(&j->bgp, &j->lab, seed);
	bfd_view_init(&j->bfd, &j->lab);
	j->fib.slots.seed = seed;
	j->traffic.seed = seed;
	/* first: a lab that names none leaves 0, which is a worker's */
	link_role_set(j, lab->gate_link, LINK_GATE, 0);
	link_role_set(j, lab->router_link, LINK_ROUTER, 0);
	for (size_t i = 0; i < lab->worker_count; i++)
		link_role_set(j, lab->workers[i].link, LINK_WORKER, i);
	for (size_t i = 0; i < lab->client_count; i++)
		link_role_set(j, lab->clients[i].link, LINK_CLIENT, i);
	for (size_t i = 0; i < lab->router_count; i++)
		link_role_set(j, lab->routers[i].link, LINK_UPLINK, i);
	j->fibs = arena_array(&j->arena, lab->router_count + 1, sizeof(*j->fibs));
	for (size_t i = 0; i <= lab->router_count; i++)
		j->fibs[i].slots.seed = seed;
	return j;
}

void judge_free(struct judge *j)
{
	if (j == NULL)
		return;
	bgp_view_fini(&j->bgp);
	bfd_view_fini(&j->bfd);
	fib_view_fini(&j->fib);
	for (size_t i = 0; i <= j->lab.router_count; i++)
		fib_view_fini(&j->fibs[i]);
	traffic_view_fini(&j->traffic);
	for (size_t i = 0; i < j->links.len; i++)
		free(j->links.at[i].lost);
	VEC_FREE(&j->links);
	VEC_FREE(&j->pods);
	VEC_FREE(&j->heard);
	arena_clear(&j->arena);
	arena_clear(&j->scratch);
	free(j);
}

/* ---- Evidence ---- */

static bool between_peers(const struct judge *j, uint32_t worker, const struct capture_event *event)
{
	const struct addr *own = &j->lab.workers[worker].address, *router = &j->lab.router;

	if (event->src_port != WIRE_BGP_PORT && event->dst_port != WIRE_BGP_PORT)
		return false;
	return (addr_equal(&event->src, own) && addr_equal(&event->dst, router)) ||
	       (addr_equal(&event->src, router) && addr_equal(&event->dst, own));
}

static void heard_take(struct judge *j, const struct capture_event *event)
{
	struct judge_heard h = {.from_router = addr_equal(&event->src, &j->lab.router),
				.ends = event->kind == CAPTURE_TCP_FIN || event->kind == CAPTURE_TCP_RST ||
					(event->kind == CAPTURE_BGP && event->len >= WIRE_HEADER_LEN &&
					 event->bytes[WIRE_HEADER_LEN - 1] == WIRE_NOTIFICATION),
				.time = event->time,
				.frame = event->frame};

	if (event->kind == CAPTURE_FLOW || event->kind == CAPTURE_BFD || event->kind == CAPTURE_BGP_GAP)
		return;
	for (; h.worker < j->lab.worker_count && j->heard.len < HEARD_MAX; h.worker++) {
		if (!between_peers(j, h.worker, event))
			continue;
		VEC_PUSH(&j->heard, h);
		return;
	}
}

static void packet_take(struct judge *j, const struct capture_event *event)
{
	struct judge_link at = judge_link_at(j, event->link);

	if (at.role == LINK_ROUTER) {
		bfd_view_packet(&j->bfd, event);
		heard_take(j, event);
	}
	if (at.role == LINK_GATE && event->carried)
		traffic_view_gate(&j->traffic, event);
	if (at.role == LINK_OTHER || at.role == LINK_ROUTER || at.role == LINK_GATE)
		return;
	if (at.role == LINK_WORKER && event->kind != CAPTURE_FLOW && between_peers(j, at.index, event))
		bgp_view_packet(&j->bgp, at.index, event);
	else if (event->carried) /* a switch floods what it does not know, so links also show others' frames */
		traffic_view_packet(&j->traffic, event);
}

void judge_packet(struct judge *j, const struct capture_event *event)
{
	struct capture_event tamed;

	if (event->time.ns >= 0 && event->time.ns <= STAMP_MAX) {
		packet_take(j, event);
		return;
	}
	tamed = *event;
	tamed.time.ns = event->time.ns < 0 ? 0 : STAMP_MAX;
	packet_take(j, &tamed);
}

/* Which of its two addresses a router takes from a next hop of both kinds is the router's affair (RFC 2545 section 3). */
static struct addr gateway_known(const struct judge_lab *lab, const struct addr *gateway)
{
	for (size_t i = 0; i < lab->worker_count; i++) {
		const struct judge_worker *w = &lab->workers[i];

		if (w->link_local.family != ADDR_NONE && addr_equal(&w->link_local, gateway))
			return w->address;
	}
	return *gateway;
}

static void fib_take(struct judge *j, struct fib_view *view, struct instant time, const struct prefix *prefix,
		     const struct addr *gateways, const unsigned int *weights, size_t n)
{
	size_t kept = n <= FIB_HOPS_MAX ? n : 0;
	struct fib_hop *hops;

	arena_clear(&j->scratch);
	hops = arena_array(&j->scratch, kept, sizeof(*hops));
	for (size_t i = 0; i < kept; i++)
		hops[i] = (struct fib_hop){gateway_known(&j->lab, &gateways[i]), weights != NULL ? weights[i] : 1};
	fib_view_add(view, time, prefix, hops, n);
}

void judge_fib_weighted(struct judge *j, struct instant time, const struct prefix *prefix, const struct addr *gateways,
			const unsigned int *weights, size_t n)
{
	fib_take(j, &j->fib, time, prefix, gateways, weights, n);
}

void judge_fib_of(struct judge *j, unsigned int router, struct instant time, const struct prefix *prefix,
		  const struct addr *gateways, const unsigned int *weights, size_t n)
{
	if (router <= j->lab.router_count)
		fib_take(j, router == 0 ? &j->fib : &j->fibs[router], time, prefix, gateways, weights, n);
}

void judge_fib(struct judge *j, struct instant time, const struct prefix *prefix, const struct addr *gateways, size_t n)
{
	judge_fib_weighted(j, time, prefix, gateways, NULL, n);
}

void judge_pod(struct judge *j, const struct judge_pod *pod)
{
	struct judge_pod kept = *pod;

	kept.name = pod->name != NULL ? arena_strdup(&j->arena, pod->name) : NULL;
	kept.node = pod->node != NULL ? arena_strdup(&j->arena, pod->node) : NULL;
	link_role_set(j, pod->link, LINK_POD, j->pods.len);
	VEC_PUSH(&j->pods, kept);
}

void judge_hash(struct judge *j, bool addresses_only, unsigned int fields)
{
	j->lab.hash_fields = fields;
	j->lab.hash_addresses_only = addresses_only;
}

void judge_trace(struct judge *j, uint32_t run)
{
	traffic_view_trace(&j->traffic, run);
}

void judge_losses(struct judge *j, unsigned int link, const struct capture_loss *losses, size_t n)
{
	struct judge_link *at;

	if (link >= LINKS_MAX)
		return;
	at = link_slot(j, link);
	at->lost = memory_grow(at->lost, n + 1, sizeof(*losses));
	at->lost_count = n;
	if (n > 0)
		memcpy(at->lost, losses, n * sizeof(*losses));
}

struct judge_link judge_link_at(const struct judge *j, unsigned int link)
{
	return link < j->links.len ? j->links.at[link] : (struct judge_link){0};
}

/* ---- Questions ---- */

const char *judge_file(const struct question *q, unsigned int link)
{
	const struct judge_lab *lab = &q->j->lab;

	if (link < lab->link_count && lab->link_files[link] != NULL)
		return lab->link_files[link];
	return arena_printf(q->arena, "link %u", link);
}

void judge_frame_add(struct question *q, unsigned int link, uint64_t frame)
{
	struct judge_finding *f = q->f;

	if (f->frame_count < JUDGE_FRAMES_MAX)
		f->frames[f->frame_count++] = (struct judge_frame){judge_file(q, link), frame};
}

static const struct judge_basis kinds[] = {
	[JUDGE_SESSIONS] = {judge_sessions, .bgp = true, .named_only = true},
	[JUDGE_ANNOUNCED_BY] = {judge_announced, .bgp = true},
	[JUDGE_WITHDRAWN_BY] = {judge_withdrawn, .bgp = true, .named_only = true},
	[JUDGE_NEXT_HOPS] = {judge_next_hops, .fib = true},
	[JUDGE_HTTP] = {judge_http, .traffic = true},
	[JUDGE_SPREAD_EQUAL] = {judge_spread_equal, .traffic = true},
	[JUDGE_SPREAD_PINNED] = {judge_spread_pinned, .traffic = true},
	[JUDGE_SPREAD_WEIGHTED] = {judge_spread_equal, .traffic = true, .fib = true},
	[JUDGE_MOVED] = {judge_moved, .traffic = true, .fib = true},
	[JUDGE_STAGES] = {judge_stages, .traffic = true},
	[JUDGE_PACKETS] = {judge_packets, .traffic = true},
	[JUDGE_SPREAD_UNEQUAL] = {judge_spread_unequal, .traffic = true},
	[JUDGE_PREDICTED] = {judge_predicted, .traffic = true, .fib = true},
	[JUDGE_BROKEN] = {judge_broken, .traffic = true, .fib = true},
	[JUDGE_REACTION] = {judge_reaction, .bgp = true, .fib = true, .named_only = true},
	[JUDGE_BFD_UP] = {judge_bfd_up, .bfd = true},
	[JUDGE_BFD_DOWN] = {judge_bfd_down, .bfd = true},
	[JUDGE_JOINED] = {judge_joined, .traffic = true, .bgp = true, .fib = true, .gate = true},
	[JUDGE_LEFT] = {judge_left, .traffic = true, .bgp = true, .fib = true, .gate = true},
};

/* What was seen may be right, but what was not seen may contradict it. */
static void mind_gaps(struct question *q)
{
	struct saying gaps = {0}, all = {0};

	judge_say_gaps(q, &kinds[q->e->kind], &gaps);
	if (gaps.len == 0)
		return;
	saying_addf(&all, "%s; but %s", q->f->seen != NULL ? q->f->seen : "nothing", gaps.at);
	q->f->seen = saying_end(&all, q->arena);
	q->f->verdict = JUDGE_INCONCLUSIVE;
	free(gaps.at);
}

static enum judge_verdict turned(enum judge_verdict v)
{
	return v == JUDGE_PASS ? JUDGE_FAIL : v == JUDGE_FAIL ? JUDGE_PASS : v;
}

struct judge_finding judge_evaluate(struct judge *j, const struct judge_expect *expect, struct instant now,
				    struct arena *arena)
{
	struct judge_finding f = {0};
	struct question q = {
		.j = j,
		.e = expect,
		.cutoff = instant_min(now, expect->deadline),
		.last = !instant_before(now, expect->deadline),
		.arena = arena,
		.scratch = &j->scratch,
		.f = &f,
	};

	arena_clear(&j->scratch);
	kinds[expect->kind].evaluate(&q);
	if (expect->never)
		f.verdict = turned(f.verdict);
	if (f.verdict != JUDGE_PENDING)
		mind_gaps(&q);
	if (f.seen == NULL)
		f.seen = "";
	return f;
}

/* ---- For display ---- */

const struct judge_route_event *judge_route_events(const struct judge *j, size_t *ret_count)
{
	*ret_count = j->bgp.events.len;
	return j->bgp.events.at;
}

const struct judge_bfd_event *judge_bfd_events(const struct judge *j, size_t *ret_count)
{
	*ret_count = j->bfd.events.len;
	return j->bfd.events.at;
}

const struct judge_route_event *judge_route(const struct judge *j, unsigned int worker, const struct prefix *prefix)
{
	uint32_t event = worker < j->lab.worker_count ? bgp_view_newest(&j->bgp, worker, prefix) : BGP_NO_ROUTE;

	return event != BGP_NO_ROUTE ? &j->bgp.events.at[event] : NULL;
}

size_t judge_fib_now(const struct judge *j, const struct prefix *prefix, struct addr *ret, size_t room)
{
	const struct fib_entry *e = fib_view_at(&j->fib, prefix, INSTANT_NEVER);
	size_t n = e == NULL ? 0 : e->n < room ? e->n : room;

	if (n > 0)
		memcpy(ret, e->gateways, n * sizeof(*ret));
	return e != NULL ? e->n : 0;
}
