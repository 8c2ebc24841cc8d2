/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "further.h"
#include "virtual_save.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define NO_EXPORT 0xffffff01U
#define FIRST_BYTES 32
#define INTERVALS_S 120 /* longer than any that keeps a withdrawal back */

bool world_fails(struct world *w, const char *fmt, ...)
{
	va_list args;

	if (w->verdict->ok) {
		va_start(args, fmt);
		(void)vsnprintf(w->verdict->why, sizeof(w->verdict->why), fmt, args);
		va_end(args);
	}
	w->verdict->ok = false;
	return false;
}

bool variant_next_hop(unsigned int variant)
{
	return (variant & 4) != 0;
}

size_t variant_communities(unsigned int variant, uint32_t ret[static 2])
{
	ret[0] = (variant & 1) != 0 ? 65000U << 16 | 1 : NO_EXPORT;
	ret[1] = NO_EXPORT;
	return (variant & 1) + (variant >> 1 & 1);
}

bool variant_local_pref(unsigned int variant)
{
	return (variant & 8) != 0;
}

/* ---- The trace ---- */

static void hash(struct world *w, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < n; i++)
		w->hash = (w->hash ^ p[i]) * UINT64_C(0x100000001b3);
}

static void hash_number(struct world *w, uint64_t n)
{
	w->hash = (w->hash ^ n) * UINT64_C(0x9fb21c651e98df25);
	w->hash ^= w->hash >> 29;
}

static void on_trace(void *ctx, const struct virtual_event *e)
{
	static const char *const names[] = {"dials", "connected", "accepts", "refused", "sends",
					    "reads", "closes",	  "closed",  "timer"};
	struct world *w = ctx;

	hash_number(w, (uint64_t)e->at.ns);
	hash_number(w, (uint64_t)e->kind << 48 | (uint64_t)e->node << 32 | e->conn);
	hash(w, e->bytes, e->len);
	if (w->trace == NULL)
		return;
	fprintf(w->trace, "%12.6f %u %s conn %u", (double)e->at.ns / 1e9, e->node, names[e->kind], e->conn);
	for (size_t i = 0; i < e->len && i < FIRST_BYTES; i++)
		fprintf(w->trace, "%s%02x", i == 0 ? ": " : "", e->bytes[i]);
	fprintf(w->trace, e->len > 0 ? " (%zu)\n" : "\n", e->len);
}

/* ---- What engines say ---- */

static void on_route(void *ctx, const struct bgp_output *route)
{
	struct player *p = ctx;
	struct told told = {.n = route->next_hop_count};
	unsigned int number = plan_prefix_number(&route->prefix);

	for (size_t i = 0; i < told.n && i < HOPS_MAX; i++)
		told.hops[i] = route->next_hops[i];
	hash(p->world, told.hops, sizeof(told.hops));
	if (number == UINT_MAX || told.n > HOPS_MAX) {
		(void)world_fails(p->world, "node %u tells of %s with %zu next hops", p->index,
				  prefix_text(&route->prefix).s, told.n);
		return;
	}
	while (p->routes.len <= number)
		VEC_PUSH(&p->routes, (struct told){0});
	p->routes.at[number] = told;
}

static void on_notice(void *ctx, const struct bgp_output *o)
{
	struct player *p = ctx;
	struct world *w = p->world;

	hash_number(w, (uint64_t)o->notice << 16 | (uint64_t)o->from << 8 | o->to);
	if (o->notice == BGP_NOTICE_STATE)
		p->changed = virtual_now(w->net);
	if (w->trace == NULL || (o->notice != BGP_NOTICE_STATE && o->notice != BGP_NOTICE_ERROR))
		return;
	fprintf(w->trace, "%12.6f %u peer %u", (double)virtual_now(w->net).ns / 1e9, p->index, o->peer);
	if (o->notice == BGP_NOTICE_STATE)
		fprintf(w->trace, " %s -> %s (%s)\n", bgp_state_text(o->from), bgp_state_text(o->to), o->text);
	else
		fprintf(w->trace, " error: %s\n", o->text);
}

static void on_dial(void *ctx, bgp_peer_id peer, struct addr *ret_remote, uint16_t *ret_port, struct addr *ret_source)
{
	const struct player *p = ctx;
	const struct plan_session *s = &p->world->plan->sessions.at[p->peers[peer]];

	(void)ret_port;
	(void)ret_source;
	*ret_remote = plan_address(session_other(s, p->index), s->family);
}

static const struct drive_speaker_ops ops = {.route = on_route, .notice = on_notice, .dial = on_dial};

/* ---- Speakers ---- */

bool player_originates(const struct player *p, unsigned int prefix)
{
	if (prefix < PREFIXES)
		return (p->mask >> prefix & 1) != 0;
	return prefix - PREFIXES >= p->bulk_from && prefix - PREFIXES < p->bulk_from + p->bulk_count;
}

unsigned int world_prefixes(const struct world *w)
{
	unsigned int end = PREFIXES;

	for (unsigned int i = 0; i < w->plan->node_count; i++) {
		const struct player *p = &w->players[i];
		unsigned int own = p->bulk_count > 0 ? PREFIXES + p->bulk_from + p->bulk_count : 0;

		end = own > end ? own : end;
	}
	return end;
}

static void originate(struct player *p)
{
	struct bgp_originated *routes = memory_new((PREFIXES + BULK_MAX) * sizeof(*routes));
	uint32_t communities[2];
	size_t community_count = variant_communities(p->variant, communities), n = 0;

	for (unsigned int i = 0; p->engine != NULL && i < PREFIXES + p->bulk_from + p->bulk_count; i++) {
		if (!player_originates(p, i))
			continue;
		routes[n] = (struct bgp_originated){.prefix = plan_prefix(i),
						    .local_pref_present = variant_local_pref(p->variant),
						    .local_pref = 200,
						    .communities = communities,
						    .community_count = community_count};
		if (variant_next_hop(p->variant))
			routes[n].next_hop = plan_address(p->index, routes[n].prefix.addr.family == ADDR_V4 ? 4 : 6);
		n++;
	}
	if (p->engine != NULL) {
		bgp_originate(p->engine, routes, n);
		bgp_routes_commit(p->engine, virtual_now(p->world->net));
	}
	free(routes);
}

/* Capabilities that a session's first end does not offer. */
static size_t left_out_of(const struct plan_session *s, const uint8_t **ret)
{
	static const uint8_t codes[] = {WIRE_CAP_AS4, WIRE_CAP_ROUTE_REFRESH, WIRE_CAP_ENHANCED_REFRESH,
					WIRE_CAP_EXTENDED_MESSAGE};
	bool as4 = (s->options & OPTION_NO_AS4) != 0, refresh = (s->options & OPTION_NO_REFRESH) != 0;

	*ret = as4 ? codes : codes + 1;
	return (as4 ? 1U : 0U) + (refresh ? 3U : 0U);
}

static struct bgp_peer_conf peer_conf(const struct player *p, const struct plan_session *s)
{
	const uint8_t *left_out;
	size_t left_out_count = left_out_of(s, &left_out);
	const struct plan *plan = p->world->plan;
	unsigned int other = session_other(s, p->index);
	unsigned int restart = plan->nodes[p->index].restart, end = s->b == p->index;

	struct bgp_peer_conf conf = {
		.name = "peer",
		.remote = plan_address(other, s->family),
		.remote_as = plan->nodes[other].as,
		.passive = s->passive != 0 && s->a == p->index,
		.hold_s = (uint16_t)(s->a == p->index ? s->hold_a : s->hold_b),
		.connect_retry_s = (uint16_t)s->retry_s,
		.idle_hold_s = (uint16_t)s->idle_s,
		.delay_open_s = (uint16_t)s->delay_open_s,
		.both_families = true,
		.session = {.mrai_s = (uint16_t)s->mrai_s,
			    .collision_established = (s->options & OPTION_COLLISION_ESTABLISHED) != 0,
			    .no_damping = (s->options & OPTION_NO_DAMPING) != 0,
			    .silent_before_open = (s->options & OPTION_SILENT_BEFORE_OPEN) != 0,
			    .track_tcp = (s->options & OPTION_TRACK_TCP) != 0,
			    .no_automatic_stop = (s->options & OPTION_NO_STOP) != 0},
		.role = (enum bgp_role)s->role[end],
		.role_strict = s->role[0] != 0 && s->role[1] != 0,
		.extended_next_hop = (s->options & ((unsigned int)OPTION_EXTENDED_NEXT_HOP_A << end)) != 0,
		.add_path_v4 = (enum bgp_add_path)(s->add_path[end] & 3),
		.add_path_v6 = (enum bgp_add_path)(s->add_path[end] >> 2 & 3),
		.max_prefixes = s->max[end],
		.requires_policy = (s->policy[end] & POLICY_REQUIRED) != 0,
		.import_policy = (s->policy[end] & POLICY_IMPORT) != 0,
		.export_policy = (s->policy[end] & POLICY_EXPORT) != 0,
		.no_capabilities = left_out,
		.no_capabilities_count = s->a == p->index ? left_out_count : 0,
		.restart = {.on = restart > 0,
			    .time_s = 20,
			    .forwarding = true,
			    .notification = restart > 1,
			    .stale_s = 60,
			    .long_lived_s = restart > 1 ? 30 : 0},
	};

	further_offer(p->world, s, &conf);
	return conf;
}

static void boot(struct player *p)
{
	const struct plan *plan = p->world->plan;
	const struct plan_node *n = &plan->nodes[p->index];
	struct bgp_speaker_conf conf = {.as = n->as,
					.router_id = 0x0a000001U + p->index,
					.profile = n->profile,
					.max_paths = n->max_paths,
					.multipath_relax = n->relax != 0,
					.readvertise = n->readvertise != 0,
					.seed = plan->seed * 1000 + p->index * 100 + p->boots,
					.restarting = n->restart > 0 && p->boots > 0,
					.deferral_s = 60,
					.min_origination_s = (uint16_t)n->origination_s};

	p->engine = bgp_speaker_new(&conf);
	p->boots++;
	p->peer_count = 0;
	VEC_CLEAR(&p->routes);
	memset(p->stopped, 0, sizeof(p->stopped));
	memset(p->going, 0, sizeof(p->going));
	for (unsigned int i = 0; i < plan->sessions.len; i++) {
		const struct plan_session *s = &plan->sessions.at[i];
		struct bgp_peer_conf peer = peer_conf(p, s);
		bgp_peer_id id;

		if ((s->a == p->index || s->b == p->index) && bgp_peer_add(p->engine, &peer, &id) == 0)
			p->peers[p->peer_count++] = i;
	}
	originate(p);
	virtual_start(p->world->net, p->node, p->engine);
}

static void kill_player(struct player *p, enum virtual_end how)
{
	virtual_stop(p->world->net, p->node, how);
	bgp_speaker_free(p->engine);
	p->engine = NULL;
}

/* ---- Events ---- */

/* The id of the peer on the other node; -1 for none. */
static int peer_to(const struct player *p, unsigned int other)
{
	for (size_t i = 0; i < p->peer_count; i++)
		if (session_other(&p->world->plan->sessions.at[p->peers[i]], p->index) == other)
			return (int)i;
	return -1;
}

/* A header that promises more than comes, a message cut short, or bytes without any sense. */
static void make_noise(struct player *p, bgp_peer_id peer, unsigned int n)
{
	struct rng r = {.state = n};
	uint8_t bytes[64];
	size_t len = 1 + (size_t)rng_below(&r, sizeof(bytes));

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i < 16 && n % 4 > 0 ? 0xff : rng_next(&r));
	if (n % 4 > 1) {
		bytes[16] = 0;
		bytes[17] = (uint8_t)(WIRE_HEADER_LEN + rng_below(&r, 60));
		bytes[18] = (uint8_t)rng_below(&r, 7);
	}
	(void)bgp_send_raw(p->engine, peer, bytes, len, virtual_now(p->world->net));
}

static void do_peer(struct world *w, const struct plan_event *e)
{
	struct player *p = &w->players[e->a];
	int found = p->engine != NULL ? peer_to(p, e->b) : -1;
	bgp_peer_id peer = (bgp_peer_id)found;
	struct bgp_cease why = {.subcode = (enum bgp_cease_subcode)e->n, .text = "soak"};

	if (found < 0)
		return;
	if (e->kind == EVENT_NOISE) {
		make_noise(p, peer, e->n);
	} else if (e->kind == EVENT_TELL) {
		further_tell(p, peer, e->b, e->n);
	} else if (e->kind == EVENT_REFRESH) {
		(void)bgp_peer_refresh(p->engine, peer, ADDR_V4, virtual_now(w->net));
	} else if (e->kind == EVENT_RESET) {
		bgp_peer_reset(p->engine, peer, &why, virtual_now(w->net));
	} else if (e->kind == EVENT_GOING) {
		p->going[p->peers[peer]] = e->n > 0;
		bgp_peer_graceful_shutdown(p->engine, peer, e->n > 0, virtual_now(w->net));
	} else if (e->kind == EVENT_STOP) {
		p->stopped[p->peers[peer]] = true;
		bgp_peer_stop(p->engine, peer, virtual_now(w->net));
	} else {
		p->stopped[p->peers[peer]] = false;
		bgp_peer_start(p->engine, peer, virtual_now(w->net));
	}
	virtual_flush(w->net, p->node);
}

static void do_event(struct world *w, const struct plan_event *e)
{
	struct player *p = &w->players[e->a];

	switch (e->kind) {
	case EVENT_TABLE:
		p->mask = e->b;
		p->variant = e->n;
		originate(p);
		virtual_flush(w->net, p->node);
		break;
	case EVENT_BULK:
		p->bulk_from = e->b * BULK_STEP < BULK_MAX ? e->b * BULK_STEP : 0;
		p->bulk_count = e->n < BULK_MAX - p->bulk_from ? e->n : BULK_MAX - p->bulk_from;
		originate(p);
		virtual_flush(w->net, p->node);
		break;
	case EVENT_GOING:
	case EVENT_TELL:
	case EVENT_STOP:
	case EVENT_START:
	case EVENT_RESET:
	case EVENT_REFRESH:
	case EVENT_NOISE:
		do_peer(w, e);
		break;
	case EVENT_FIN:
	case EVENT_RST:
		(void)virtual_break(w->net, e->a, e->b, e->kind == EVENT_FIN ? VIRTUAL_FIN : VIRTUAL_RST, e->n);
		break;
	case EVENT_CUT:
	case EVENT_HEAL:
		virtual_silence(w->net, e->a, e->b, e->kind == EVENT_CUT);
		break;
	case EVENT_UNREAD:
		virtual_unread(w->net, e->a, e->b, e->n > 0);
		break;
	case EVENT_KILL:
		if (p->engine != NULL)
			kill_player(p, (enum virtual_end)(e->n % 3));
		break;
	case EVENT_BOOT:
		if (p->engine == NULL)
			boot(p);
		break;
	case EVENT_PAUSE:
		virtual_pause(w->net, p->node, e->n * NS_PER_MS);
		break;
	case EVENT_JUMP:
		virtual_jump(w->net, e->n * NS_PER_MS);
		break;
	case EVENT_KINDS:
		break;
	}
}

/* Nobody has more than anybody takes. */
static void fit_limits(struct world *w)
{
	unsigned int least = UINT_MAX;

	for (size_t i = 0; i < w->plan->sessions.len; i++)
		for (unsigned int k = 0; k < 2; k++)
			if (w->plan->sessions.at[i].max[k] > 0 && w->plan->sessions.at[i].max[k] < least)
				least = w->plan->sessions.at[i].max[k];
	for (unsigned int i = 0; i < w->plan->node_count && least != UINT_MAX; i++) {
		struct player *p = &w->players[i];

		p->mask &= least < PREFIXES ? (1U << least) - 1 : UINT_MAX;
		p->bulk_count = 0;
		originate(p);
	}
}

/* What was beyond a limit, and ignored, is asked for again. */
static void ask_again(struct world *w)
{
	for (unsigned int i = 0; i < w->plan->node_count; i++) {
		struct player *p = &w->players[i];

		for (bgp_peer_id k = 0; k < p->peer_count; k++) {
			const struct plan_session *s = &w->plan->sessions.at[p->peers[k]];

			if ((s->options & OPTION_NO_STOP) == 0 || s->max[s->b == i] == 0)
				continue;
			(void)bgp_peer_refresh(p->engine, k, ADDR_V4, virtual_now(w->net));
			(void)bgp_peer_refresh(p->engine, k, ADDR_V6, virtual_now(w->net));
		}
		virtual_flush(w->net, p->node);
	}
}

/* Everything that was done to the network is undone. */
static void make_peace(struct world *w)
{
	struct virtual_network calm = w->plan->network;

	calm.refuse_percent = 0;
	virtual_set_network(w->net, &calm);
	fit_limits(w);
	for (size_t i = 0; i < w->plan->sessions.len; i++) {
		const struct plan_session *s = &w->plan->sessions.at[i];

		virtual_silence(w->net, s->a, s->b, false);
		virtual_unread(w->net, s->a, s->b, false);
		virtual_unread(w->net, s->b, s->a, false);
		/* Without a HoldTimer nobody learns that the other end is gone, but by TCP's own means. */
		if (s->hold_a == 0 || s->hold_b == 0) {
			(void)virtual_break(w->net, s->a, s->b, VIRTUAL_RST, 0);
			(void)virtual_break(w->net, s->b, s->a, VIRTUAL_RST, 0);
		}
	}
	for (unsigned int i = 0; i < w->plan->node_count; i++) {
		struct player *p = &w->players[i];

		if (p->engine == NULL)
			boot(p);
		for (bgp_peer_id k = 0; k < p->peer_count; k++)
			if (p->stopped[p->peers[k]])
				bgp_peer_start(p->engine, k, virtual_now(w->net));
		virtual_flush(w->net, p->node);
	}
}

static bool all_established(const struct world *w)
{
	for (size_t i = 0; i < w->plan->node_count; i++)
		for (bgp_peer_id k = 0; k < w->players[i].peer_count; k++)
			if (bgp_peer_state(w->players[i].engine, k) != BGP_ESTABLISHED)
				return false;
	return true;
}

static void quiet(struct world *w)
{
	struct instant end = instant_add(virtual_now(w->net), QUIET_S * NS_PER_S);
	int64_t seconds = 0;

	while (seconds < QUIET_S && !all_established(w)) {
		virtual_run(w->net, instant_add(virtual_now(w->net), NS_PER_S));
		seconds++;
	}
	w->verdict->converged_s = seconds;
	virtual_run(w->net, instant_add(virtual_now(w->net), INTERVALS_S * NS_PER_S));
	ask_again(w);
	virtual_run(w->net, end);
}

static void on_frame(void *ctx, virtual_node node, struct instant at, const uint8_t *frame, size_t len)
{
	const struct world *w = ctx;

	virtual_save_frame(w->saves[node], at, frame, len);
}

static void captures_begin(struct world *w)
{
	for (unsigned int i = 0; i < w->plan->node_count; i++) {
		char name[256], file[4096];
		struct errmsg err;

		snprintf(name, sizeof(name), "node%u", i);
		snprintf(file, sizeof(file), "%s%u.pcapng", w->plan->captures, i);
		if (virtual_save_new(AT_FDCWD, file, name, &w->saves[i], &err) < 0) {
			fprintf(stderr, "%s\n", err.text);
			exit(2);
		}
	}
}

static void world_init(struct world *w, const struct plan *p, FILE *trace, struct verdict *ret)
{
	*w = (struct world){.plan = p, .hash = UINT64_C(0xcbf29ce484222325), .trace = trace, .verdict = ret};
	if (p->captures != NULL)
		captures_begin(w);
	w->net = virtual_new(&(struct virtual_conf){.seed = p->seed,
						    .network = p->network,
						    .trace = on_trace,
						    .frame = p->captures != NULL ? on_frame : NULL,
						    .ctx = w});
	for (unsigned int i = 0; i < p->node_count; i++) {
		struct addr addresses[] = {plan_address(i, 4), plan_address(i, 6)};
		struct player *player = &w->players[i];

		player->world = w;
		player->index = i;
		player->node = virtual_add(
			w->net, &(struct virtual_node_conf){.listens = p->nodes[i].profile == BGP_PROFILE_STANDARD,
							    .addresses = addresses,
							    .address_count = 2,
							    .ops = &ops,
							    .ctx = player});
	}
	for (unsigned int i = 0; i < p->node_count; i++)
		boot(&w->players[i]);
}

static void check(struct world *w)
{
	struct ribs *ribs;

	if (!check_sessions(w))
		return;
	ribs = ribs_new(w);
	(void)(check_adj_ribs(w, ribs) && check_told(w) && check_decisions(w, ribs) && check_exports(w, ribs));
	ribs_free(ribs);
}

void play(const struct plan *p, FILE *trace, struct verdict *ret)
{
	struct world *w = memory_new(sizeof(*w));

	*ret = (struct verdict){.ok = true};
	world_init(w, p, trace, ret);
	for (size_t i = 0; i < p->events.len; i++) {
		virtual_run(w->net, (struct instant){p->events.at[i].ms * NS_PER_MS});
		if (trace != NULL)
			fprintf(trace, "%12.6f --- %s %u %u %u\n", (double)virtual_now(w->net).ns / 1e9,
				plan_event_name(p->events.at[i].kind), p->events.at[i].a, p->events.at[i].b,
				p->events.at[i].n);
		do_event(w, &p->events.at[i]);
	}
	make_peace(w);
	quiet(w);
	check(w);
	ret->stats = virtual_stats(w->net);
	if (ret->stats.overdue > 0)
		(void)world_fails(w, "a timer is stuck: its deadline had passed after bgp_in_time");
	ret->hash = w->hash;
	for (size_t i = 0; i < p->node_count; i++) {
		bgp_speaker_free(w->players[i].engine);
		VEC_FREE(&w->players[i].routes);
		if (virtual_save_end(w->saves[i], &(struct errmsg){0}) < 0)
			(void)world_fails(w, "a capture can't be written");
	}
	virtual_free(w->net);
	free(w);
}
