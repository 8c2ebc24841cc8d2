/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A worker's MetalLB speaker: its sessions follow the BGPPeers, its routes the announcements. */
#include "node_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What MetalLB, or its FRR, proposes when the BGPPeer says nothing (METALLB section 4.11). */
#define HOLD_NATIVE_S 90
#define HOLD_FRR_S 180
#define RETRY_DEFAULT_S 120
#define TTL_NEIGHBOUR 1 /* FRR's to an external peer */
#define TTL_FAR 255	/* and to any other */

uint64_t node_fingerprint(uint64_t h, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < n; i++) /* FNV-1a */
		h = (h ^ at[i]) * UINT64_C(0x100000001b3);
	return h | 1;
}

static uint64_t frr_fingerprint(uint64_t h, const struct kube_bgp_peer *p)
{
	const bool flags[] = {p->ebgp_multihop, p->graceful_restart, p->dual_stack};
	const struct kube_bfd_profile *b = p->bfd;

	h = node_fingerprint(h, flags, sizeof(flags));
	h = node_fingerprint(h, &p->local_asn, sizeof(p->local_asn));
	h = node_fingerprint(h, &p->dynamic_asn, sizeof(p->dynamic_asn));
	if (b != NULL) {
		const uint32_t numbers[] = {b->receive_ms, b->transmit_ms, b->multiplier, b->echo_ms,
					    b->echo_mode,  b->passive,	   b->minimum_ttl};

		h = node_fingerprint(h, b->meta.name, strlen(b->meta.name) + 1);
		h = node_fingerprint(h, numbers, sizeof(numbers));
	}
	return h;
}

/* Two sets of BGPPeers with equal fingerprints need no new sessions (METALLB section 2.8: any changed field does). */
uint64_t node_sessions_fingerprint(const struct kube_bgp_peer *const *peers, size_t n)
{
	uint64_t h = NODE_FINGERPRINT_START;

	for (size_t i = 0; i < n; i++) {
		const struct kube_bgp_peer *p = peers[i];

		h = node_fingerprint(h, p->meta.name, strlen(p->meta.name) + 1);
		h = node_fingerprint(h, &p->my_asn, sizeof(p->my_asn));
		h = node_fingerprint(h, &p->peer_asn, sizeof(p->peer_asn));
		h = node_fingerprint(h, &p->peer_address, sizeof(p->peer_address));
		h = node_fingerprint(h, &p->source_address, sizeof(p->source_address));
		h = node_fingerprint(h, &p->peer_port, sizeof(p->peer_port));
		h = node_fingerprint(h, &p->hold_ns, sizeof(p->hold_ns));
		h = node_fingerprint(h, &p->keepalive_ns, sizeof(p->keepalive_ns));
		h = node_fingerprint(h, &p->connect_ns, sizeof(p->connect_ns));
		h = node_fingerprint(h, &p->router_id, sizeof(p->router_id));
		h = frr_fingerprint(h, p);
		if (p->password != NULL)
			h = node_fingerprint(h, p->password, strlen(p->password) + 1);
	}
	return h;
}

/* Does what MetalLB's own engine does not: BGPPeers' fields for FRR, TTLs. */
static bool is_whole(enum bgp_profile profile)
{
	return profile == BGP_PROFILE_METALLB_FRR || profile == BGP_PROFILE_STANDARD;
}

/* Where only keepaliveTime is given, it is a third of the hold time. */
static uint16_t hold_seconds(const struct kube_bgp_peer *peer, enum bgp_profile profile)
{
	if (peer->hold_ns != KUBE_TIME_UNSET)
		return (uint16_t)(peer->hold_ns / NS_PER_S);
	if (peer->keepalive_ns != KUBE_TIME_UNSET)
		return (uint16_t)(3 * peer->keepalive_ns / NS_PER_S);
	return profile == BGP_PROFILE_METALLB_FRR ? HOLD_FRR_S : HOLD_NATIVE_S;
}

static bool is_internal(const struct kube_bgp_peer *p)
{
	if (p->dynamic_asn != KUBE_ASN_GIVEN)
		return p->dynamic_asn == KUBE_ASN_INTERNAL;
	return p->peer_asn == (p->local_asn != 0 ? p->local_asn : p->my_asn);
}

static struct node_bfd bfd_of(const struct kube_bgp_peer *p)
{
	const struct kube_bfd_profile *b = p->bfd;

	if (b == NULL)
		return (struct node_bfd){0};
	return (struct node_bfd){.on = true,
				 .transmit_ms = b->transmit_ms,
				 .receive_ms = b->receive_ms,
				 .multiplier = (uint8_t)b->multiplier,
				 .passive = b->passive};
}

static struct node_peer peer_of(struct node_lab *lab, const struct kube_bgp_peer *p, enum bgp_profile profile)
{
	struct node_peer peer = {.name = arena_strdup(&lab->arena, p->meta.name),
				 .remote = p->peer_address,
				 .port = p->peer_port,
				 .source = p->source_address,
				 .password = p->password != NULL ? arena_strdup(&lab->arena, p->password) : NULL,
				 .bfd = bfd_of(p)};

	if (is_whole(profile))
		peer.ttl = is_internal(p) || p->ebgp_multihop ? TTL_FAR : TTL_NEIGHBOUR;
	return peer;
}

static bool restarts(const struct node_lab *lab, const struct kube_bgp_peer *p)
{
	return lab->conf.worker_restart == BGP_AS_PROFILE ? p->graceful_restart : lab->conf.worker_restart == BGP_ON;
}

static struct bgp_peer_conf session_of(const struct node_lab *lab, const struct kube_bgp_peer *p, const char *name,
				       enum bgp_profile profile)
{
	static const enum bgp_as_kind kinds[] = {[KUBE_ASN_GIVEN] = BGP_AS_GIVEN,
						 [KUBE_ASN_INTERNAL] = BGP_AS_INTERNAL,
						 [KUBE_ASN_EXTERNAL] = BGP_AS_EXTERNAL};
	struct bgp_peer_conf conf = lab->conf.worker_session;

	conf.name = name;
	conf.local = p->source_address;
	conf.remote = p->peer_address;
	conf.remote_as = p->peer_asn;
	conf.as_kind = kinds[p->dynamic_asn];
	conf.local_as = p->local_asn != 0 ? p->local_asn : p->my_asn;
	conf.hold_s = hold_seconds(p, profile);
	conf.both_families = p->dual_stack;
	conf.restart.on = restarts(lab, p);
	conf.restart.forwarding = true;
	if (conf.connect_retry_s == 0)
		conf.connect_retry_s = RETRY_DEFAULT_S;
	if (p->connect_ns > 0)
		conf.connect_retry_s = (uint16_t)(p->connect_ns / NS_PER_S);
	if (p->router_id.family == ADDR_V4)
		conf.router_id = addr_v4_value(&p->router_id);
	if (is_whole(profile) && !is_internal(p)) {
		conf.role = lab->conf.worker_role;
		conf.role_strict = lab->conf.worker_role_strict;
	}
	return conf;
}

static int sessions_add(struct node_lab *lab, struct node_worker *w, const struct kube_bgp_peer *const *peers, size_t n,
			enum bgp_profile profile, struct errmsg *err)
{
	w->peers = arena_array(&lab->arena, n, sizeof(*w->peers));
	w->peer_count = 0;
	for (size_t i = 0; i < n; i++) {
		const struct kube_bgp_peer *p = peers[i];
		struct node_peer *mine = &w->peers[w->peer_count];
		struct bgp_peer_conf conf;
		bgp_peer_id id;

		*mine = peer_of(lab, p, profile);
		if (mine->bfd.on && p->ebgp_multihop)
			return errmsg_say(err, -EOPNOTSUPP,
					  "%s: BGPPeer %s has ebgpMultiHop, and the built-in speaker no BFD over "
					  "several hops (RFC 5883); workers: {speaker: frr} has",
					  w->host.name, p->meta.name);
		conf = session_of(lab, p, mine->name, profile);
		if (bgp_peer_add(w->speaker, &conf, &id) < 0)
			return errmsg_say(err, -EEXIST,
					  "%s: BGPPeers with the same peerAddress %s (%s is the second) would end each "
					  "other's sessions at the router",
					  w->host.name, addr_text(&p->peer_address).s, p->meta.name);
		w->peer_count++;
	}
	return 0;
}

/* MetalLB takes the connection's local address as identifier unless routerID says otherwise (METALLB section 4.5). */
static uint32_t router_id(const struct node_worker *w, const struct kube_bgp_peer *const *peers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (peers[i]->router_id.family == ADDR_V4)
			return addr_v4_value(&peers[i]->router_id);
	}
	return node_router_id(&w->host, &w->host.address);
}

/* IEEE 802.3, the bits reflected. */
static uint32_t crc32(const char *text)
{
	uint32_t crc = UINT32_MAX;

	for (const char *at = text; *at != '\0'; at++) {
		crc ^= (uint8_t)*at;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ ((crc & 1) != 0 ? UINT32_C(0xedb88320) : 0);
	}
	return ~crc;
}

uint32_t node_router_id(const struct node_host *host, const struct addr *address)
{
	uint32_t crc;

	if (address->family == ADDR_V4)
		return addr_v4_value(address);
	crc = crc32(host->name);
	return crc << 24 | (crc & 0xff00) << 8 | (crc >> 8 & 0xff00) | crc >> 24; /* its octets are little-endian */
}

static int speaker_replace(struct node_lab *lab, struct node_worker *w, const struct kube_bgp_peer *const *peers,
			   size_t n, const struct bgp_speaker_conf *conf, struct errmsg *err)
{
	bgp_speaker_free(w->speaker);
	w->speaker = NULL;
	w->peer_count = 0;
	w->generation++;
	if (n == 0)
		return 0;
	w->speaker = bgp_speaker_new(conf);
	return sessions_add(lab, w, peers, n, conf->profile, err);
}

static bool keeps_routes(const struct node_lab *lab, const struct kube_bgp_peer *const *peers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (restarts(lab, peers[i]))
			return true;
	}
	return false;
}

void node_worker_stop(struct node_lab *lab, unsigned int worker)
{
	struct node_worker *w = &lab->workers[worker];

	w->restarting = w->speaker != NULL;
	bgp_speaker_free(w->speaker);
	w->speaker = NULL;
	w->peer_count = 0;
	w->generation++;
	w->sessions = 0;
	w->stopped = true;
}

void node_worker_start(struct node_lab *lab, unsigned int worker)
{
	lab->workers[worker].stopped = false;
}

int node_worker_link(struct node_lab *lab, unsigned int worker, bool up, struct errmsg *err)
{
	const struct node_host *host = &lab->workers[worker].host;
	int r;

	if (up)
		net_link_up(lab->fabric, host->port);
	else
		net_link_down(lab->fabric, host->port);
	r = net_flush(lab->fabric, err);
	if (r == 0 && up)
		r = net_links_ready(lab->fabric, err);
	return r < 0 || !up ? r : net_links_ready(host->ns, err);
}

/* The sessions that an announcement's peers list names; NULL (all) for an empty list. */
static const bgp_peer_id *announced_to(const struct node_worker *w, const struct kube_announcement *a,
				       struct arena *arena, size_t *ret_count)
{
	bgp_peer_id *ids = arena_array(arena, a->peers.len + 1, sizeof(*ids));

	*ret_count = 0;
	for (size_t i = 0; i < a->peers.len; i++) {
		for (bgp_peer_id id = 0; id < w->peer_count; id++) {
			if (strcmp(a->peers.at[i], w->peers[id].name) == 0)
				ids[(*ret_count)++] = id;
		}
	}
	return a->peers.len > 0 ? ids : NULL;
}

/* The prefix as announced: a lying worker's is the neighbouring one. */
static struct prefix announced_prefix(const struct node_worker *w, const struct prefix *p)
{
	struct addr next = prefix_last(p);

	if (w->fault != NODE_FAULT_WRONG_PREFIX)
		return *p;
	next = addr_add(&next, 1);
	return prefix_make(&next, p->len);
}

static void routes_set(struct node_worker *w, const struct kube_announcement *announcements, size_t n,
		       enum bgp_profile profile, uint64_t bandwidth)
{
	struct arena scratch = {0};
	struct bgp_originated *routes = arena_array(&scratch, n, sizeof(*routes));
	size_t count = 0;

	if (w->fault == NODE_FAULT_SILENT)
		n = 0;
	for (size_t i = 0; i < n; i++) {
		const struct kube_announcement *a = &announcements[i];

		if (a->prefix.addr.family != w->host.address.family) /* nodes have addresses of one family */
			continue;
		/* FRR sets none that is 0, and so sends its default of 100, which the standard speaker has, too */
		routes[count] = (struct bgp_originated){.prefix = announced_prefix(w, &a->prefix),
							.local_pref_present = !is_whole(profile) || a->local_pref != 0,
							.local_pref = a->local_pref,
							.communities = a->communities,
							.community_count = a->community_count,
							.large = a->large,
							.large_count = a->large_count,
							.bandwidth = bandwidth};
		routes[count].peers = announced_to(w, a, &scratch, &routes[count].peer_count);
		count++;
	}
	bgp_originate(w->speaker, routes, count);
	arena_clear(&scratch);
}

bool node_worker_sessions_changed(const struct node_worker *w, const struct kube_cluster *cluster)
{
	size_t n;
	const struct kube_bgp_peer *const *peers = kube_sessions(cluster, w->host.name, &n);

	return node_sessions_fingerprint(peers, n) != w->sessions;
}

int node_worker_sync(struct node_lab *lab, unsigned int worker, struct kube_cluster *cluster, enum kube_metallb metallb,
		     uint64_t seed, bool *ret_changed, struct errmsg *err)
{
	static const enum bgp_profile profiles[] = {[KUBE_METALLB_LEGACY] = BGP_PROFILE_METALLB_LEGACY,
						    [KUBE_METALLB_NATIVE] = BGP_PROFILE_METALLB_NATIVE,
						    [KUBE_METALLB_FRR] = BGP_PROFILE_METALLB_FRR,
						    [KUBE_METALLB_STANDARD] = BGP_PROFILE_STANDARD};
	struct node_worker *w = &lab->workers[worker];
	size_t session_count, announcement_count;
	const struct kube_bgp_peer *const *peers = kube_sessions(cluster, w->host.name, &session_count);
	uint64_t fingerprint = node_sessions_fingerprint(peers, session_count);
	const struct kube_announcement *announcements;

	*ret_changed = false;
	if (w->stopped)
		return 0;
	if (fingerprint != w->sessions) {
		struct bgp_speaker_conf conf = {.as = session_count > 0 ? peers[0]->my_asn : 0,
						.router_id = router_id(w, peers, session_count),
						.profile = profiles[metallb],
						.max_paths = 1,
						.restarting = w->restarting && keeps_routes(lab, peers, session_count),
						.hostname = w->host.name,
						.deferral_s = lab->conf.worker_deferral_s,
						.min_origination_s = lab->conf.worker_min_origination_s,
						.switches = lab->conf.switches,
						.seed = seed + worker};
		int r = speaker_replace(lab, w, peers, session_count, &conf, err);

		if (r < 0)
			return r;
		w->sessions = fingerprint;
		w->restarting = false;
	}
	if (w->speaker == NULL)
		return 0;
	announcements = kube_announcements(cluster, w->host.name, &announcement_count);
	routes_set(w, announcements, announcement_count, profiles[metallb],
		   lab->conf.bandwidth_count > 0 ? lab->conf.bandwidths[worker % lab->conf.bandwidth_count] : 0);
	*ret_changed = true;
	return 0;
}
