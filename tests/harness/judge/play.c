/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "play.h"

#include "rng.h"

#include <stdio.h>
#include <string.h>

#define EPOCH_NS INT64_C(1763862733000000000)

static const struct judge_worker workers[PLAY_WORKERS] = {
	{"worker1", {ADDR_V4, {10, 0, 0, 51}}, {0}, 0},
	{"worker2", {ADDR_V4, {10, 0, 0, 52}}, {0}, 1},
	{"worker3", {ADDR_V4, {10, 0, 0, 53}}, {0}, 2},
};
static const struct judge_client clients[] = {
	{"client1", {ADDR_V4, {172, 16, 0, 10}}, 3},
	{"client2", {ADDR_V4, {172, 16, 0, 11}}, 4},
};
static const struct judge_pod pods[] = {
	{{ADDR_V4, {10, 244, 1, 2}}, "nginx-1", "worker1", 5},
	{{ADDR_V4, {10, 244, 2, 2}}, "nginx-2", "worker2", 6},
};
static const char *const files[PLAY_LINKS] = {"worker1.pcap", "worker2.pcap",	     "worker3.pcap",
					      "client1.pcap", "client2.pcap",	     "nginx-1.pcap",
					      "nginx-2.pcap", "router-clients.pcap", "router-cluster.pcap"};
static const struct addr router = {ADDR_V4, {10, 0, 0, 1}};
static const struct wire_session as4 = {.as4 = true};

struct instant play_ms(double ms)
{
	return (struct instant){EPOCH_NS + (int64_t)(ms * (double)NS_PER_MS)};
}

struct addr play_addr(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

struct prefix play_prefix(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

void play_init(struct play *p)
{
	*p = (struct play){.lab = {.router = router,
				   .gate_link = PLAY_GATE,
				   .workers = workers,
				   .worker_count = PLAY_WORKERS,
				   .clients = clients,
				   .client_count = 2,
				   .link_files = files,
				   .link_count = PLAY_LINKS,
				   .hash_addresses_only = true,
				   .hash_sysctl = "net.ipv4.fib_multipath_hash_policy=0"},
			   .ports = {40000, 40000, 40000}};
}

void play_fini(struct play *p)
{
	for (size_t i = 0; i < PLAY_LINKS; i++)
		VEC_FREE(&p->links[i]);
	VEC_FREE(&p->fib);
	arena_clear(&p->arena);
}

int play_setup(void **state)
{
	struct play *p = memory_new(sizeof(*p));

	play_init(p);
	*state = p;
	return 0;
}

int play_teardown(void **state)
{
	play_fini(*state);
	free(*state);
	return 0;
}

struct capture_event *play_event(struct play *p, unsigned int link, double ms, enum capture_kind kind)
{
	uint64_t frame = p->links[link].len + 1;

	VEC_PUSH(&p->links[link], (struct capture_event){.kind = kind,
							 .link = link,
							 .frame = frame,
							 .time = play_ms(ms),
							 .protocol = 6,
							 .ttl = 64,
							 .carried = true});
	return &p->links[link].at[frame - 1];
}

/* ---- BGP ---- */

static struct capture_event *peers_event(struct play *p, unsigned int w, double ms, enum capture_kind kind,
					 enum play_side side)
{
	struct capture_event *e = play_event(p, w, ms, kind);
	bool own = side == PLAY_FROM_WORKER;

	e->src = own ? workers[w].address : router;
	e->dst = own ? router : workers[w].address;
	e->src_port = own ? p->ports[w] : WIRE_BGP_PORT;
	e->dst_port = own ? WIRE_BGP_PORT : p->ports[w];
	return e;
}

void play_bgp_tcp(struct play *p, unsigned int w, double ms, enum capture_kind kind, enum play_side side)
{
	(void)peers_event(p, w, ms, kind, side);
}

void play_bgp(struct play *p, unsigned int w, double ms, enum play_side side, const void *bytes, size_t n)
{
	struct capture_event *e = peers_event(p, w, ms, CAPTURE_BGP, side);

	e->bytes = arena_memdup(&p->arena, bytes, n);
	e->len = n;
}

void play_bgp_hex(struct play *p, unsigned int w, double ms, enum play_side side, const char *behind_marker)
{
	uint8_t bytes[4096];
	size_t n;

	memset(bytes, 0xff, 16);
	n = support_hex(behind_marker, bytes + 16, sizeof(bytes) - 16);
	play_bgp(p, w, ms, side, bytes, 16 + n);
}

void play_open(struct play *p, unsigned int w, double ms, enum play_side side)
{
	uint8_t caps[64], bytes[256];
	struct wire_out cap = wire_out_to(caps, sizeof(caps)), out = wire_out_to(bytes, sizeof(bytes));
	uint32_t as = side == PLAY_FROM_WORKER ? 22000 : 11000;
	const struct addr *id = side == PLAY_FROM_WORKER ? &workers[w].address : &router;

	wire_cap_mp(&cap, WIRE_AFI_IPV4, WIRE_SAFI_UNICAST);
	wire_cap_as4(&cap, as);
	wire_open_encode(&out, as, side == PLAY_FROM_WORKER ? 90 : 240, addr_v4_value(id), wire_in_of(caps, cap.len));
	assert_false(cap.full || out.full);
	play_bgp(p, w, ms, side, bytes, out.len);
}

void play_keepalive(struct play *p, unsigned int w, double ms, enum play_side side)
{
	play_bgp_hex(p, w, ms, side, "0013 04");
}

void play_session(struct play *p, unsigned int w, double ms)
{
	p->ports[w]++;
	play_bgp_tcp(p, w, ms, CAPTURE_TCP_SYN, PLAY_FROM_WORKER);
	play_bgp_tcp(p, w, ms + 1, CAPTURE_TCP_SYNACK, PLAY_FROM_ROUTER);
	play_open(p, w, ms + 2, PLAY_FROM_WORKER);
	play_open(p, w, ms + 3, PLAY_FROM_ROUTER);
	play_keepalive(p, w, ms + 4, PLAY_FROM_WORKER);
	play_keepalive(p, w, ms + 5, PLAY_FROM_ROUTER);
}

void play_sessions(struct play *p)
{
	for (unsigned int w = 0; w < PLAY_WORKERS; w++)
		play_session(p, w, 10.0 * w);
}

void play_announce(struct play *p, unsigned int w, double ms, const char *prefix, const char *next_hop)
{
	uint32_t as = 22000;
	uint8_t bytes[256];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));
	struct wire_route route = {.prefix = play_prefix(prefix)};
	struct wire_route_attrs attrs = {.as_path = &as, .as_count = 1};

	attrs.next_hop = next_hop != NULL ? play_addr(next_hop) : workers[w].address;
	wire_update_encode(&out, &as4, &attrs, &route, 1);
	assert_false(out.full);
	play_bgp(p, w, ms, PLAY_FROM_WORKER, bytes, out.len);
}

void play_withdraw(struct play *p, unsigned int w, double ms, const char *prefix)
{
	uint8_t bytes[256];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));
	struct wire_route route = {.prefix = play_prefix(prefix)};

	wire_withdraw_encode(&out, &as4, WIRE_AFI_IPV4, &route, 1);
	assert_false(out.full);
	play_bgp(p, w, ms, PLAY_FROM_WORKER, bytes, out.len);
}

void play_notification(struct play *p, unsigned int w, double ms, enum play_side side, uint8_t code, uint8_t subcode)
{
	uint8_t bytes[64];
	struct wire_out out = wire_out_to(bytes, sizeof(bytes));

	wire_notification_encode(&out, code, subcode, wire_in_of(NULL, 0));
	play_bgp(p, w, ms, side, bytes, out.len);
}

/* ---- The data plane ---- */

void play_tcp(struct play *p, unsigned int link, double ms, enum capture_kind kind, const char *src, uint16_t src_port,
	      const char *dst, uint16_t dst_port)
{
	struct capture_event *e = play_event(p, link, ms, kind);

	e->src = play_addr(src);
	e->dst = play_addr(dst);
	e->src_port = src_port;
	e->dst_port = dst_port;
}

void play_http(struct play *p, unsigned int w, double ms, uint16_t port, int status)
{
	const char *client = "172.16.0.10";

	play_tcp(p, PLAY_CLIENT, ms, CAPTURE_TCP_SYN, client, port, PLAY_VIP, PLAY_PORT);
	play_tcp(p, w, ms + 1, CAPTURE_TCP_SYN, client, port, PLAY_VIP, PLAY_PORT);
	play_tcp(p, PLAY_CLIENT, ms + 2, CAPTURE_HTTP_REQUEST, client, port, PLAY_VIP, PLAY_PORT);
	play_tcp(p, w, ms + 2, CAPTURE_HTTP_REQUEST, client, port, PLAY_VIP, PLAY_PORT);
	if (status == 0)
		return;
	play_tcp(p, PLAY_CLIENT, ms + 3, CAPTURE_HTTP_RESPONSE, PLAY_VIP, PLAY_PORT, client, port);
	p->links[PLAY_CLIENT].at[p->links[PLAY_CLIENT].len - 1].http_status = status;
}

void play_pod_syn(struct play *p, unsigned int pod, double ms, const char *src, uint16_t src_port)
{
	play_tcp(p, PLAY_POD + pod, ms, CAPTURE_TCP_SYN, src, src_port, addr_text(&pods[pod].address).s, PLAY_PORT);
}

void play_flow(struct play *p, unsigned int link, double ms, uint32_t run, uint32_t flow, const char *src,
	       const char *dst)
{
	struct capture_event *e = play_event(p, link, ms, CAPTURE_FLOW);

	e->protocol = 17;
	e->src = play_addr(src);
	e->dst = play_addr(dst);
	e->src_port = (uint16_t)(1024 + flow % 60000);
	e->dst_port = PLAY_PORT;
	e->tag = (struct wire_flowtag){.run = run, .flow = flow};
}

void play_fib(struct play *p, double ms, const char *prefix, const char *gateways)
{
	struct play_fib f = {.time = play_ms(ms), .prefix = play_prefix(prefix)};
	char *words = arena_strdup(&p->arena, gateways), *word;

	while (*gateways != '\0' && (word = strsep(&words, " ")) != NULL) {
		const char *gateway = strsep(&word, "*");

		f.weights[f.n] = word != NULL ? (unsigned int)strtoul(word, NULL, 10) : 1;
		f.gateways[f.n++] = play_addr(gateway);
	}
	VEC_PUSH(&p->fib, f);
}

/* ---- Judging ---- */

static bool due(const struct play *p, size_t link, const size_t *at, struct instant until)
{
	return at[link] < p->links[link].len && !instant_before(until, p->links[link].at[at[link]].time);
}

/* The link that hands its next event over; PLAY_LINKS when all have. */
static size_t next_link(const struct play *p, const size_t *at, enum play_order order, struct rng *rng,
			struct instant until)
{
	size_t open[PLAY_LINKS], n = 0, best = 0;

	for (size_t i = 0; i < PLAY_LINKS; i++) {
		if (due(p, i, at, until))
			open[n++] = i;
	}
	if (n == 0)
		return PLAY_LINKS;
	for (size_t i = 1; i < n && order == PLAY_BY_TIME; i++) {
		if (instant_before(p->links[open[i]].at[at[open[i]]].time,
				   p->links[open[best]].at[at[open[best]]].time))
			best = i;
	}
	if (order == PLAY_LINKS_BACKWARDS)
		best = n - 1;
	else if (order == PLAY_SEEDED)
		best = rng_below(rng, n);
	return open[best];
}

void play_loss(struct judge *j, unsigned int link, uint64_t frames, double since, double until)
{
	const struct capture_loss loss = {
		.frames = frames, .after = 7, .before = 9, .since = play_ms(since), .until = play_ms(until)};

	judge_losses(j, link, &loss, 1);
}

void play_loss_ever(struct judge *j, unsigned int link, uint64_t frames)
{
	const struct capture_loss loss = {.frames = frames, .until = INSTANT_NEVER};

	judge_losses(j, link, &loss, 1);
}

struct judge *play_judge(const struct play *p, enum play_order order, uint64_t seed, struct instant until)
{
	struct judge *j = judge_new(&p->lab);
	struct rng rng = {seed};
	size_t at[PLAY_LINKS] = {0}, link;

	if (p->traced != 0)
		judge_trace(j, p->traced);
	if (p->gate_loses > 0)
		play_loss_ever(j, PLAY_GATE, p->gate_loses);
	for (size_t i = 0; i < 2 && !p->no_pods; i++)
		judge_pod(j, &pods[i]);
	for (size_t i = 0; i < p->fib.len; i++) {
		if (!instant_before(until, p->fib.at[i].time))
			judge_fib_weighted(j, p->fib.at[i].time, &p->fib.at[i].prefix, p->fib.at[i].gateways,
					   p->fib.at[i].weights, p->fib.at[i].n);
	}
	while ((link = next_link(p, at, order, &rng, until)) < PLAY_LINKS)
		judge_packet(j, &p->links[link].at[at[link]++]);
	return j;
}

struct judge_finding play_ask(struct play *p, const struct judge_expect *e, struct instant now)
{
	struct judge *j = play_judge(p, PLAY_LINK_BY_LINK, 0, INSTANT_NEVER);
	struct judge_finding f = judge_evaluate(j, e, now, &p->arena);

	judge_free(j);
	return f;
}

const bool *play_who(struct play *p, const char *digits)
{
	bool *who = arena_array(&p->arena, PLAY_WORKERS, sizeof(bool));

	for (; *digits != '\0'; digits++)
		who[*digits - '1'] = true;
	return who;
}

struct judge_expect play_expect(struct play *p, enum judge_kind kind, const char *who, double since, double deadline)
{
	return (struct judge_expect){.kind = kind,
				     .prefix = play_prefix(PLAY_PREFIX),
				     .workers = play_who(p, who),
				     .since = play_ms(since),
				     .deadline = play_ms(deadline)};
}

struct judge_finding play_judged(struct play *p, enum judge_kind kind, const char *who, double since, double deadline)
{
	struct judge_expect e = play_expect(p, kind, who, since, deadline);

	return play_ask(p, &e, play_ms(deadline));
}

void play_assert_when(const struct judge_finding *f, double ms)
{
	if (f->when.ns != play_ms(ms).ns)
		fail_msg("when is %.6f ms off", ((double)f->when.ns - (double)play_ms(ms).ns) / 1e6);
}

bool play_has_frame(const struct judge_finding *f, const char *file, uint64_t frame)
{
	for (size_t i = 0; i < f->frame_count; i++) {
		if (strcmp(f->frames[i].file, file) == 0 && f->frames[i].frame == frame)
			return true;
	}
	return false;
}

const char *play_finding_text(struct play *p, const struct judge_finding *f)
{
	static const char *const verdicts[] = {"pending", "pass", "fail", "inconclusive"};
	char *text =
		arena_printf(&p->arena, "%s at %.6f ms: %s | %s | chi %.17g p %.17g need %llu |", verdicts[f->verdict],
			     ((double)f->when.ns - (double)EPOCH_NS) / 1e6, f->seen, f->why != NULL ? f->why : "-",
			     f->chi.statistic, f->chi.p, (unsigned long long)f->flows_needed);

	for (size_t i = 0; i < f->frame_count; i++)
		text = arena_printf(&p->arena, "%s %s#%llu", text, f->frames[i].file,
				    (unsigned long long)f->frames[i].frame);
	for (size_t i = 0; i < f->share_count; i++)
		text = arena_printf(&p->arena, "%s %s=%llu", text, f->shares[i].worker,
				    (unsigned long long)f->shares[i].count);
	return text;
}
