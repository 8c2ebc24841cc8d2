/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The profiles: what tells MetalLB's native speaker from a speaker by the standards, as data. */
#include "bgp_int.h"

#define METALLB                                                                                                        \
	.ipv4_only = true, .quick_retry = true, .reset_at_open = true, .max_communities = 63,                          \
	.dial_budget_ns = 10 * NS_PER_S
#define STANDARD                                                                                                       \
	.notifies = true, .enforces_hold = true, .jitter = true, .awaits_keepalive = true, .full_capabilities = true,  \
	.strict_open = true, .learns = true, .packs = true, .end_of_rib = true, .ibgp_local_pref = DEFAULT_LOCAL_PREF, \
	.origin = WIRE_ORIGIN_IGP

static const struct quirks profiles[] = {
	[BGP_PROFILE_STANDARD] = {STANDARD, .listens = true, .takes_routes = true, .restarts_keepalive = true},
	[BGP_PROFILE_METALLB_LEGACY] = {METALLB, .last_wins = true, .origin = WIRE_ORIGIN_INCOMPLETE},
	[BGP_PROFILE_METALLB_NATIVE] = {METALLB, .origin = WIRE_ORIGIN_IGP},
	[BGP_PROFILE_METALLB_FRR] = {STANDARD, .own_family_only = true, .frr_open = true, .originates_med = true},
};

static void turn(bool *what, enum bgp_switch how)
{
	if (how != BGP_AS_PROFILE)
		*what = how == BGP_ON;
}

struct quirks quirks_of(const struct bgp_speaker_conf *conf)
{
	struct quirks q = profiles[conf->profile];
	const struct bgp_switches *w = &conf->switches;

	turn(&q.enforces_hold, w->enforce_hold);
	turn(&q.reset_at_open, w->backoff_reset_at_open);
	turn(&q.last_wins, w->last_wins);
	turn(&q.local_pref_outside, w->local_pref_outside);
	turn(&q.end_of_rib, w->end_of_rib);
	turn(&q.notifies, w->notifies);
	if (w->origin_incomplete != BGP_AS_PROFILE)
		q.origin = w->origin_incomplete == BGP_ON ? WIRE_ORIGIN_INCOMPLETE : WIRE_ORIGIN_IGP;
	return q;
}
