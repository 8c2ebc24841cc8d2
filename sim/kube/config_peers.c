/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What MetalLB refuses of peers and their BFD profiles (METALLB sections 2.2, 2.5, 2.9). */
#include "instant.h"
#include "kube_int.h"

#include <string.h>

/* ---- BFD profiles ---- */

struct range {
	const char *field;
	uint32_t value, min, max;
};

static int profile_check(const struct bfd_conf *b, struct errmsg *err)
{
	const struct kube_bfd_profile *p = b->profile;
	const struct range ranges[] = {
		{"receiveInterval", p->receive_ms, 10, 60000}, {"transmitInterval", p->transmit_ms, 10, 60000},
		{"detectMultiplier", p->multiplier, 2, 255},   {"echoInterval", p->echo_ms, 10, 60000},
		{"minimumTtl", p->minimum_ttl, 1, 254},
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		if (ranges[i].value < ranges[i].min || ranges[i].value > ranges[i].max)
			return kube_config_refuse(err, &b->origin, "BFD profile %s: invalid %s %u, %u to %u is allowed",
						  p->meta.name, ranges[i].field, ranges[i].value, ranges[i].min,
						  ranges[i].max);
	}
	return 0;
}

static int profiles_check(const struct kube_cluster *c, const struct config *config, struct errmsg *err)
{
	int r = 0;

	for (size_t i = 0; i < config->profiles.len && r == 0; i++) {
		const struct bfd_conf *b = &config->profiles.at[i];

		if (!kube_is_whole(c))
			return kube_config_refuse(err, &b->origin,
						  "BFD profile %s: MetalLB's native BGP mode has no BFD",
						  b->profile->meta.name);
		r = profile_check(b, err);
		for (size_t k = 0; k < i && r == 0; k++) {
			if (strcmp(config->profiles.at[k].profile->meta.name, b->profile->meta.name) == 0)
				r = kube_config_refuse(err, &b->origin, "BFD profile %s already exists",
						       b->profile->meta.name);
		}
	}
	return r;
}

/* ---- One peer ---- */

static int timers_check(const struct peer_conf *p, struct errmsg *err)
{
	int64_t hold = p->peer->hold_ns, keepalive = p->peer->keepalive_ns;

	if (hold == KUBE_TIME_UNSET && keepalive != KUBE_TIME_UNSET)
		hold = keepalive > INT64_MAX / 3 ? INT64_MAX : keepalive * 3;
	if (hold == KUBE_TIME_UNSET)
		return 0;
	if (hold / NS_PER_S != 0 && hold / NS_PER_S < 3)
		return kube_config_refuse(err, &p->origin, "BGP peer %s: invalid hold time %s, must be 0 or >=3s",
					  p->peer->meta.name, duration_text(hold).s);
	if (keepalive != KUBE_TIME_UNSET && keepalive > hold)
		return kube_config_refuse(err, &p->origin,
					  "BGP peer %s: the keepalive time is longer than the hold time",
					  p->peer->meta.name);
	return 0;
}

static int asns_check(const struct peer_conf *p, struct errmsg *err)
{
	const struct kube_bgp_peer *peer = p->peer;

	if (peer->my_asn == 0)
		return kube_config_refuse(err, &p->origin, "BGP peer %s: missing local ASN", peer->meta.name);
	if (peer->peer_asn == 0 && peer->dynamic_asn == KUBE_ASN_GIVEN)
		return kube_config_refuse(err, &p->origin, "BGP peer %s: missing peer ASN", peer->meta.name);
	if (peer->peer_asn != 0 && peer->dynamic_asn != KUBE_ASN_GIVEN)
		return kube_config_refuse(err, &p->origin, "BGP peer %s: peerASN and dynamicASN exclude each other",
					  peer->meta.name);
	if (peer->ebgp_multihop && (peer->my_asn == peer->peer_asn || peer->dynamic_asn == KUBE_ASN_INTERNAL))
		return kube_config_refuse(err, &p->origin, "BGP peer %s: ebgpMultiHop on a session within one AS",
					  peer->meta.name);
	return 0;
}

/* What the engine lacks, or the lab. */
static int engine_check(const struct kube_cluster *c, const struct peer_conf *p, struct errmsg *err)
{
	const struct kube_bgp_peer *peer = p->peer;

	if (!kube_is_whole(c) && peer->frr_only_field != NULL)
		return kube_config_refuse(err, &p->origin,
					  "BGP peer %s: %s is not supported by MetalLB's native BGP mode",
					  peer->meta.name, peer->frr_only_field);
	if (peer->not_modelled != NULL)
		return kube_config_refuse(err, &p->origin, "BGP peer %s: the lab does not model %s", peer->meta.name,
					  peer->not_modelled);
	return 0;
}

/* Objects that share a name are one object, so only two namespaces can bring this about. */
static bool same_peer(const struct kube_bgp_peer *a, const struct kube_bgp_peer *b)
{
	return strcmp(a->meta.name, b->meta.name) == 0 && a->my_asn == b->my_asn && a->peer_asn == b->peer_asn &&
	       addr_equal(&a->peer_address, &b->peer_address) && a->peer_port == b->peer_port;
}

static int peer_check(const struct kube_cluster *c, const struct config *config, size_t i, struct errmsg *err)
{
	const struct peer_conf *p = &config->peers.at[i];
	const struct kube_bgp_peer *peer = p->peer;
	int r = kube_selectors_check(&peer->node_selectors, "nodeSelectors", &p->origin, err);

	if (r == 0)
		r = engine_check(c, p, err);
	if (r == 0)
		r = asns_check(p, err);
	if (r < 0)
		return r;
	if (peer->peer_address.family == ADDR_NONE)
		return kube_config_refuse(err, &p->origin, "BGP peer %s: missing peer address", peer->meta.name);
	if (peer->router_id.family == ADDR_V6)
		return kube_config_refuse(err, &p->origin,
					  "BGP peer %s: invalid router ID %s, it must be an IPv4 address",
					  peer->meta.name, addr_text(&peer->router_id).s);
	if (peer->bfd_profile != NULL && peer->bfd == NULL)
		return kube_config_refuse(err, &p->origin, "BGP peer %s: there is no BFD profile %s", peer->meta.name,
					  peer->bfd_profile);
	for (size_t k = 0; k < i; k++) {
		if (same_peer(config->peers.at[k].peer, peer))
			return kube_config_refuse(err, &p->origin, "BGP peer %s already exists", peer->meta.name);
	}
	return timers_check(p, err);
}

/* ---- Two peers of one FRR ---- */

static bool nodes_share(const struct kube_cluster *c, const struct kube_bgp_peer *a, const struct kube_bgp_peer *b)
{
	for (size_t i = 0; i < c->nodes.len; i++) {
		const struct kube_labels *labels = &c->nodes.at[i].labels;

		if (c->nodes.at[i].worker && kube_selectors_admit(&a->node_selectors, labels) &&
		    kube_selectors_admit(&b->node_selectors, labels))
			return true;
	}
	return false;
}

static int pair_check(const struct kube_cluster *c, const struct peer_conf *p, const struct kube_bgp_peer *other,
		      struct errmsg *err)
{
	const struct kube_bgp_peer *peer = p->peer;
	const char *what = NULL;

	if (!addr_equal(&peer->router_id, &other->router_id))
		what = "different router IDs";
	else if (peer->my_asn != other->my_asn)
		what = "different myASNs";
	else if (addr_equal(&peer->peer_address, &other->peer_address))
		what = "the same address";
	if (what == NULL || !nodes_share(c, peer, other))
		return 0;
	return kube_config_refuse(err, &p->origin,
				  "BGP peers %s and %s have %s on one node, which MetalLB's FRR mode can't",
				  other->meta.name, peer->meta.name, what);
}

int kube_peers_check(const struct kube_cluster *c, const struct config *config, struct errmsg *err)
{
	int r = profiles_check(c, config, err);

	for (size_t i = 0; i < config->peers.len && r == 0; i++) {
		r = peer_check(c, config, i, err);
		for (size_t k = 0; k < i && r == 0 && c->conf.metallb == KUBE_METALLB_FRR; k++)
			r = pair_check(c, &config->peers.at[i], config->peers.at[k].peer, err);
	}
	return r;
}
