/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The profiles: what tells MetalLB's native speaker from a speaker by the standards, as data. */
#include "bgp_int.h"

#define METALLB .ipv4_only = true, .quick_retry = true, .max_communities = 63, .dial_budget_ns = 10 * NS_PER_S

static const struct quirks profiles[] = {
	[BGP_PROFILE_STANDARD] = {.listens = true,
				  .notifies = true,
				  .enforces_hold = true,
				  .jitter = true,
				  .awaits_keepalive = true,
				  .full_capabilities = true,
				  .strict_open = true,
				  .learns = true,
				  .packs = true,
				  .end_of_rib = true,
				  .ibgp_local_pref = DEFAULT_LOCAL_PREF,
				  .origin = WIRE_ORIGIN_IGP},
	[BGP_PROFILE_METALLB_LEGACY] = {METALLB, .last_wins = true, .origin = WIRE_ORIGIN_INCOMPLETE},
	[BGP_PROFILE_METALLB_NATIVE] = {METALLB, .origin = WIRE_ORIGIN_IGP},
};

const struct quirks *quirks_of(enum bgp_profile profile)
{
	return &profiles[profile];
}
