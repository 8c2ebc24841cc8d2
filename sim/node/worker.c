/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A worker's MetalLB speaker: its sessions follow the BGPPeers, its routes the announcements. */
#include "node_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HOLD_DEFAULT_S 90 /* what MetalLB proposes when the BGPPeer says nothing */

uint64_t node_fingerprint(uint64_t h, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < n; i++) /* FNV-1a */
		h = (h ^ at[i]) * UINT64_C(0x100000001b3);
	return h | 1;
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
		h = node_fingerprint(h, &p->router_id, sizeof(p->router_id));
		if (p->password != NULL)
			h = node_fingerprint(h, p->password, strlen(p->password) + 1);
	}
	return h;
}

static uint16_t hold_seconds(const struct kube_bgp_peer *peer)
{
	return peer->hold_ns == KUBE_TIME_UNSET ? HOLD_DEFAULT_S : (uint16_t)(peer->hold_ns / NS_PER_S);
}

static int sessions_add(struct node_lab *lab, struct node_worker *w, const struct kube_bgp_peer *const *peers, size_t n,
			struct errmsg *err)
{
	w->peers = arena_array(&lab->arena, n, sizeof(*w->peers));
	w->peer_count = 0;
	for (size_t i = 0; i < n; i++) {
		const struct kube_bgp_peer *p = peers[i];
		struct node_peer *mine = &w->peers[w->peer_count];
		struct bgp_peer_conf conf;
		bgp_peer_id id;

		*mine = (struct node_peer){.name = arena_strdup(&lab->arena, p->meta.name),
					   .remote = p->peer_address,
					   .port = p->peer_port,
					   .source = p->source_address,
					   .password =
						   p->password != NULL ? arena_strdup(&lab->arena, p->password) : NULL};
		conf = (struct bgp_peer_conf){.name = mine->name,
					      .local = p->source_address,
					      .remote = p->peer_address,
					      .remote_as = p->peer_asn,
					      .hold_s = hold_seconds(p),
					      .connect_retry_s = 120};
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
	return addr_v4_value(&w->host.address);
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
	return sessions_add(lab, w, peers, n, err);
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

static void routes_set(struct node_worker *w, const struct kube_announcement *announcements, size_t n)
{
	struct arena scratch = {0};
	struct bgp_originated *routes = arena_array(&scratch, n, sizeof(*routes));

	if (w->fault == NODE_FAULT_SILENT)
		n = 0;
	for (size_t i = 0; i < n; i++) {
		const struct kube_announcement *a = &announcements[i];

		routes[i] = (struct bgp_originated){.prefix = announced_prefix(w, &a->prefix),
						    .local_pref_present = true,
						    .local_pref = a->local_pref,
						    .communities = a->communities,
						    .community_count = a->community_count};
		routes[i].peers = announced_to(w, a, &scratch, &routes[i].peer_count);
	}
	bgp_originate(w->speaker, routes, n);
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
	struct node_worker *w = &lab->workers[worker];
	size_t session_count, announcement_count;
	const struct kube_bgp_peer *const *peers = kube_sessions(cluster, w->host.name, &session_count);
	uint64_t fingerprint = node_sessions_fingerprint(peers, session_count);
	const struct kube_announcement *announcements;

	*ret_changed = false;
	if (fingerprint != w->sessions) {
		struct bgp_speaker_conf conf = {.as = session_count > 0 ? peers[0]->my_asn : 0,
						.router_id = router_id(w, peers, session_count),
						.profile = metallb == KUBE_METALLB_LEGACY ? BGP_PROFILE_METALLB_LEGACY
											  : BGP_PROFILE_METALLB_NATIVE,
						.max_paths = 1,
						.seed = seed + worker};
		int r = speaker_replace(lab, w, peers, session_count, &conf, err);

		if (r < 0)
			return r;
		w->sessions = fingerprint;
	}
	if (w->speaker == NULL)
		return 0;
	announcements = kube_announcements(cluster, w->host.name, &announcement_count);
	routes_set(w, announcements, announcement_count);
	*ret_changed = true;
	return 0;
}
