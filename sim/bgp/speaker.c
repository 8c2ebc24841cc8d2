/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The speaker as its driver sees it. Every event ends by settling the tables, so that a prefix is told of once. */
#include "bgp_int.h"

#include <errno.h>
#include <stdlib.h>

struct bgp_speaker *bgp_speaker_new(const struct bgp_speaker_conf *conf)
{
	struct bgp_speaker *s = memory_new(sizeof(*s));

	s->conf = *conf;
	s->quirk_values = quirks_of(conf);
	s->quirks = &s->quirk_values;
	s->deferring = conf->restarting;
	s->deferral_due = s->origination_due = INSTANT_NEVER;
	s->rng.state = conf->seed;
	s->hash_seed = rng_next(&s->rng);
	s->families[FAMILY_V4] = (struct bgp_family){WIRE_AFI_IPV4, WIRE_SAFI_UNICAST};
	s->families[FAMILY_V6] = (struct bgp_family){WIRE_AFI_IPV6, WIRE_SAFI_UNICAST};
	s->family_end = FAMILY_OTHER;
	for (enum family f = FAMILY_V4; f < FAMILY_COUNT; f++)
		rib_table_init(&s->ribs[f], f);
	return s;
}

static void peer_free(struct peer *p)
{
	conn_fini(&p->conns[0]);
	conn_fini(&p->conns[1]);
	source_release(p->speaker, p->source);
	free(p);
}

static void scratch_free(struct bgp_speaker *s)
{
	VEC_FREE(&s->candidates);
	VEC_FREE(&s->hop_members);
	VEC_FREE(&s->bytes);
	VEC_FREE(&s->extra);
	VEC_FREE(&s->words);
	VEC_FREE(&s->larges);
	VEC_FREE(&s->own_sources);
	VEC_FREE(&s->batch);
	VEC_FREE(&s->told);
	VEC_FREE(&s->order);
	VEC_FREE(&s->audience);
}

void bgp_speaker_free(struct bgp_speaker *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->peers.len; i++)
		export_clear(s->peers.at[i]);
	rib_free(s);
	for (size_t i = 0; i < s->peers.len; i++)
		peer_free(s->peers.at[i]);
	VEC_FREE(&s->peers);
	chains_free(&s->by_address);
	VEC_FREE(&s->by_due);
	VEC_FREE(&s->conns);
	VEC_FREE(&s->groups);
	originate_free(s);
	attrs_pool_free(&s->attrs);
	nlri_pool_free(&s->nlri);
	source_table_free(&s->sources);
	hop_table_free(&s->hops);
	scratch_free(s);
	outputs_free(s);
	free(s);
}

static struct peer *peer_by_address(const struct bgp_speaker *s, const struct addr *remote)
{
	struct chain *c = chains_find(&s->by_address, addr_hash(s->hash_seed, remote));

	for (; c != NULL; c = chain_next(c)) {
		struct peer *p = (struct peer *)(void *)c;

		if (addr_equal(&p->conf.remote, remote))
			return p;
	}
	return NULL;
}

bool bgp_peer_find(const struct bgp_speaker *s, const struct addr *remote, bgp_peer_id *ret)
{
	const struct peer *p = peer_by_address(s, remote);

	if (p != NULL)
		*ret = p->id;
	return p != NULL;
}

const struct bgp_peer_conf *bgp_peer_conf(const struct bgp_speaker *s, bgp_peer_id peer)
{
	return &s->peers.at[peer]->conf;
}

/* Those of the peer, as bits. */
static bool others_add(struct bgp_speaker *s, const struct bgp_peer_conf *conf, unsigned int *ret)
{
	*ret = 0;
	for (size_t i = 0; i < BGP_OTHER_FAMILIES; i++) {
		enum family f;

		if (conf->other_families[i].afi == 0)
			continue;
		if (!family_add(s, conf->other_families[i], &f))
			return false;
		*ret |= family_is_other(f) ? 1U << f : 0;
	}
	return true;
}

int bgp_peer_add(struct bgp_speaker *s, const struct bgp_peer_conf *conf, bgp_peer_id *ret)
{
	struct peer *p;
	unsigned int others;

	if (peer_by_address(s, &conf->remote) != NULL)
		return -EEXIST;
	if (!others_add(s, conf, &others))
		return -ENOSPC;
	p = memory_new(sizeof(*p));
	p->others = others;
	p->speaker = s;
	p->id = (bgp_peer_id)s->peers.len;
	p->conf = *conf;
	p->quirks = s->quirks;
	p->conf.local_as = conf->local_as != 0 ? conf->local_as : s->conf.as;
	if (conf->as_kind == BGP_AS_INTERNAL)
		p->conf.remote_as = p->conf.local_as;
	p->conf.router_id = conf->router_id != 0 ? conf->router_id : s->conf.router_id;
	p->conf.passive = conf->passive && s->quirks->listens;
	p->conf.connect_retry_s = conf->connect_retry_s > 0 ? conf->connect_retry_s : DEFAULT_CONNECT_RETRY_S;
	p->conf.idle_hold_s = conf->idle_hold_s > 0 ? conf->idle_hold_s : DEFAULT_IDLE_HOLD_S;
	p->conf.max_prefixes = conf->max_prefixes > 0 ? conf->max_prefixes : DEFAULT_MAX_PREFIXES;
	p->connect_retry_due = p->idle_hold_due = p->mrai_due = INSTANT_NEVER;
	for (enum family f = FAMILY_V4; f < FAMILY_COUNT; f++)
		p->stale[f].due = INSTANT_NEVER;
	p->capable = true;
	conn_init(&p->conns[0], p);
	conn_init(&p->conns[1], p);
	chains_add(&s->by_address, &p->by_address, addr_hash(s->hash_seed, &conf->remote));
	VEC_PUSH(&s->peers, p);
	p->source = source_intern(s, p, 0);
	timers_add(p);
	*ret = p->id;
	return 0;
}

void bgp_peer_start(struct bgp_speaker *s, bgp_peer_id peer, struct instant now)
{
	struct peer *p = s->peers.at[peer];

	s->now = now;
	if (p->removed)
		return;
	p->started = true;
	p->idle_hold_due = INSTANT_NEVER;
	restart_deferral_start(s);
	fsm_event(peer_main(p),
		  &(struct fsm_input){.event = p->conf.passive ? EV_MANUAL_START_PASSIVE : EV_MANUAL_START});
	rib_settle(s);
}

void bgp_in_connected(struct bgp_speaker *s, bgp_conn_id conn, const struct addr *local, struct instant now)
{
	struct conn *c = session_find(s, conn);

	s->now = now;
	if (c == NULL || c->tcp != TCP_DIALLING)
		return;
	conn_attach(c, conn, false, local);
	fsm_event(c, &(struct fsm_input){.event = EV_TCP_ACKED});
	rib_settle(s);
}

/* Nothing is left to close; the row does the rest. */
static void connection_over(struct bgp_speaker *s, bgp_conn_id conn, struct instant now)
{
	struct conn *c = session_find(s, conn);

	s->now = now;
	if (c == NULL)
		return;
	c->tcp = TCP_NONE;
	fsm_event(c, &(struct fsm_input){.event = EV_TCP_FAILS});
	rib_settle(s);
}

void bgp_in_failed(struct bgp_speaker *s, bgp_conn_id conn, struct instant now)
{
	connection_over(s, conn, now);
}

void bgp_in_closed(struct bgp_speaker *s, bgp_conn_id conn, struct instant now)
{
	connection_over(s, conn, now);
}

/* TrackTcpState (RFC 4271 section 8.1.4): events 14 and 15 come before the connection stands, as far as sockets show it.
 * False for a connection to an address that is not the session's. */
static bool tracked(struct conn *first, const struct addr *local)
{
	const struct addr *own = &first->peer->conf.local;
	bool valid = own->family == ADDR_NONE || addr_equal(own, local);

	fsm_event(first, &(struct fsm_input){.event = valid ? EV_TCP_VALID : EV_TCP_INVALID});
	return valid;
}

/* Idle after a dial that nobody answered: no oscillation to damp, and a peer that does not listen itself would never get
 * through to one that is hardly ever out of Idle. Its connection is an occasion for an automatic start (event 7). */
static void start_for(struct peer *p)
{
	if (peer_main(p)->state != BGP_IDLE || !p->started || !p->dial_failed)
		return;
	p->idle_hold_due = INSTANT_NEVER;
	fsm_event(peer_main(p), &(struct fsm_input){.event = EV_AUTOMATIC_START_DAMPED_PASSIVE});
}

bool bgp_in_accepted(struct bgp_speaker *s, const struct addr *local, const struct addr *remote, struct instant now,
		     bgp_conn_id *ret)
{
	struct peer *p = peer_by_address(s, remote);
	struct conn *first = p != NULL ? peer_main(p) : NULL;
	struct fsm_input in = {.event = EV_TCP_CONFIRMED, .local = local};

	s->now = now;
	if (p != NULL && s->quirks->listens)
		start_for(p);
	if (p == NULL || !s->quirks->listens || first->state == BGP_IDLE || peer_second(p)->tcp != TCP_NONE)
		return false;
	if (p->conf.session.track_tcp && !tracked(first, local))
		return false;
	in.accepted = *ret = ++s->last_conn;
	if (first->tcp == TCP_NONE) {
		conn_attach(first, in.accepted, true, local);
		fsm_event(first, &in);
	} else if (first->state >= BGP_OPEN_SENT) {
		fsm_event(first, &in);
	} else {
		/* Its dial, or its wait for the peer's OPEN, is not this connection's business (section 8.2.1). */
		collision_track(first, &in);
	}
	rib_settle(s);
	return true;
}

void bgp_in_bytes(struct bgp_speaker *s, bgp_conn_id conn, const uint8_t *bytes, size_t n, struct instant now)
{
	s->now = now;
	session_bytes(s, conn, bytes, n);
	rib_settle(s);
}

void bgp_in_time(struct bgp_speaker *s, struct instant now)
{
	s->now = now;
	timers_run(s);
	rib_settle(s);
}

struct instant bgp_deadline(const struct bgp_speaker *s)
{
	return timers_deadline(s);
}

const char *bgp_state_text(enum bgp_state state)
{
	static const char *const texts[BGP_STATE_COUNT] = {
		[BGP_IDLE] = "Idle",	      [BGP_CONNECT] = "Connect",	  [BGP_ACTIVE] = "Active",
		[BGP_OPEN_SENT] = "OpenSent", [BGP_OPEN_CONFIRM] = "OpenConfirm", [BGP_ESTABLISHED] = "Established",
	};

	return texts[state];
}

size_t bgp_peer_count(const struct bgp_speaker *s)
{
	return s->peers.len;
}
